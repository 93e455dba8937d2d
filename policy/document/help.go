package document

// helps are what editors show of the fields of documents and of tests, by the struct and the field.
var helps = map[string]string{
	"spec.Version": "The version of the format: 1.",
	"spec.Name":    "What people call the policy. Decisions say it.",
	"spec.Serial": "A number that grows with every change. A signed policy needs one: an older one is refused after a newer was " +
		"seen.",
	"spec.Expires":     "From then on the policy allows nothing, so that one that is forgotten does not go on.",
	"spec.Description": "What the policy is for. Nothing is decided by it.",
	"spec.Trust":       "Whom the policy trusts. Rules name these entries in by.",
	"spec.Gates":       "What a refusal does at each door. A door that is not here, and \"default\" neither, refuses.",
	"spec.Rules":       "Rules under a name, for use in several places.",
	"spec.Images": "Which rules are for which images. The first entry with a pattern that matches counts, no other. An image that " +
		"none matches is denied.",
	"spec.Exceptions": "What passes all the same, for every rule that takes exceptions.",
	"spec.BreakGlass": "Who may sign that an image shall run whatever the policy says. Decisions that rest on it carry a warning.",
	"spec.Injected":   "Images that AWS adds to tasks, by the account of their registry. They are looked at before images.",

	"trustSpec.Name":    "The entry's name, in by and in reasons. Whatever matches it is one signer.",
	"trustSpec.Key":     "A public key in PEM.",
	"trustSpec.Kind":    "A kind of trust that the program brings, such as aws-signer, notary, keyless, kms or file. It reads with.",
	"trustSpec.With":    "What the program's kind of trust asks for.",
	"trustSpec.Schemes": "How the key may sign. A list replaces the default of the key's type.",
	"trustSpec.Formats": "Formats of evidence that are read for the key: Sigstore bundles if nothing is said; dsse and " +
		"simple-signing are those of cosign's tags.",
	"trustSpec.From":  "Since when signatures count. Earlier ones, by a proven time, never do.",
	"trustSpec.Until": "When it ends to be a signer, in good order: what is proven to be older goes on to count.",
	"trustSpec.CompromisedSince": "Since when others may have had the key: only what a log, timestamp or authority proves to be " +
		"older counts.",

	"gateSpec.Mode": "What a denial does: deny refuses, warn lets through and tells who asked, audit lets through and writes it " +
		"down.",
	"gateSpec.Indeterminate": "What it does that nothing could be decided: deny or warn. If nothing is said, deny where mode is " +
		"deny, and else warn: never silence.",

	"ruleSetSpec.Rules": "All of these have to be met.",

	"imageSpec.Name": "What people call this entry.",
	"imageSpec.Match": "Patterns of repositories: HOST/PATH without tag. * is within one part, ** is one part or more; ** alone " +
		"is every image. The host is named in full, or has * for whole labels but the last two.",
	"imageSpec.Require": "All of these have to be met.",
	"imageSpec.Deny":    "Deny these images, with this reason.",
	"imageSpec.Exempt":  "Allow these images without evidence until a day.",
	"imageSpec.Gates":   "What a refusal of these images does, instead of gates of the document.",

	"breakGlassSpec.By":      "Entries of trust that may.",
	"breakGlassSpec.AtLeast": "How many of them it takes; 1 if nothing is said.",
	"breakGlassSpec.MaxAge":  "The age at which such a statement no longer counts, by a proven time.",

	"exemptSpec.Owner":   "Who answers for it.",
	"exemptSpec.Reason":  "Why.",
	"exemptSpec.Expires": "Until when.",

	"injectedSpec.Name":         "What people call these images.",
	"injectedSpec.Accounts":     "AWS accounts whose private registries they come from, in quotes.",
	"injectedSpec.Regions":      "Regions of the registries; every region if nothing is said.",
	"injectedSpec.Repositories": "Repositories, without host; * is within one part, ** is one part or more.",

	"whenSpec.Gates":      "Doors that ask.",
	"whenSpec.Operations": "Operations, in the words of the platform, such as CREATE.",
	"whenSpec.Users":      "Who asks.",
	"whenSpec.Groups":     "One of the groups of who asks.",
	"whenSpec.Clusters":   "Clusters.",
	"whenSpec.Namespaces": "Namespaces.",
	"whenSpec.Kinds":      "Kinds of workload, such as Deployment.",
	"whenSpec.Workloads":  "Names of workloads.",
	"whenSpec.Accounts":   "AWS accounts, in quotes.",
	"whenSpec.Regions":    "AWS regions.",

	"atLeastSpec.N":  "How many.",
	"atLeastSpec.Of": "The rules, each by signers of its own.",

	"signatureSpec.By":      "Entries of trust that count; everybody in trust if nothing is said.",
	"signatureSpec.AtLeast": "How many distinct signers it takes; 1 if nothing is said.",
	"signatureSpec.MaxAge":  "The age at which a signature no longer counts, by a proven time.",

	"attestationSpec.Types":   "Predicate types, exactly.",
	"attestationSpec.By":      "Entries of trust that count; everybody in trust if nothing is said.",
	"attestationSpec.AtLeast": "How many distinct signers it takes; 1 if nothing is said.",
	"attestationSpec.Quantifier": "How many of the attestations must do: some if nothing is said. A rule that forbids needs every " +
		"or newest.",
	"attestationSpec.MaxAge":    "The age at which it no longer counts, by the proven time of signing, or by time.",
	"attestationSpec.Time":      "Where the predicate says how old it is, as a JSON pointer. It is the signer's word.",
	"attestationSpec.Condition": "A condition on the content, in CEL. The program has to bring the language.",

	"summarySpec.Verifiers": "Gates that are believed, each alone.",
	"summarySpec.Resources": "Repositories, or their URIs, of which a summary counts; the one that the image is in if nothing is " +
		"said.",
	"summarySpec.Levels":   "Levels of SLSA tracks and properties that must be met, such as SLSA_BUILD_LEVEL_2.",
	"summarySpec.Policies": "Digests of the policies that count; any of the verifier's if nothing is said.",
	"summarySpec.MaxAge":   "The age at which a summary no longer counts, by the proven time of its signature and by its own word.",
	"summarySpec.Revoked":  "Digests of evidence that does not count any more.",
	"summarySpec.Results":  "Whether simple verification results (SVR) count, too.",

	"verifierSpec.ID": "The URI of the verifier, as its summaries have it.",
	"verifierSpec.By": "Entries of trust that sign for it.",

	"conditionSpec.CEL":     "An expression that is true where the attestation will do.",
	"conditionSpec.Forbids": "Whether the condition forbids something: it then needs the quantifier every or newest.",
	"conditionSpec.Message": "What people read where it is false.",

	"ruleSpec.Name": "What people call the rule. Reasons begin with it.",
	"ruleSpec.When": "Where the rule applies. All fields have to fit; a field that the door does not know makes the answer " +
		"indeterminate.",
	"ruleSpec.Gates":           "What it does at each door that this rule is not met, instead of gates of the entry and of the document.",
	"ruleSpec.Use":             "The name of a set in rules, all of which has to be met.",
	"ruleSpec.AllOf":           "All of these have to be met.",
	"ruleSpec.AnyOf":           "One of these has to be met.",
	"ruleSpec.AtLeast":         "Several of these have to be met, each by signers of its own.",
	"ruleSpec.Signature":       "The image is signed.",
	"ruleSpec.Attestation":     "There is an attestation of a type.",
	"ruleSpec.Summary":         "A gate before this one allowed the image, and signed a verification summary (VSA) of that.",
	"ruleSpec.SBOM":            "The image has an SBOM: about this image, not empty, and as a profile wants it.",
	"ruleSpec.Components":      "Components that are refused, or all others than some.",
	"ruleSpec.Licenses":        "Licences that are refused, or all others than some.",
	"ruleSpec.Vulnerabilities": "Vulnerabilities that are refused.",
	"ruleSpec.Provenance":      "How the image was built: by whom, from what.",
	"ruleSpec.Keyless":         "Claims of the identity that signed keyless.",

	"testsSpec.Version": "The version of the format: 1.",
	"testsSpec.Policy":  "The file of the policy document, from where this file is.",
	"testsSpec.Now":     "The time that is judged by.",
	"testsSpec.Tests":   "The tests.",

	"testSpec.Name":       "What is tested.",
	"testSpec.Image":      "The image's name.",
	"testSpec.Digest":     "The image's digest; the same one for all tests if nothing is said.",
	"testSpec.Now":        "The time that is judged by, instead of that of the file.",
	"testSpec.Request":    "Who asks for what.",
	"testSpec.Evidence":   "What is proven about the image.",
	"testSpec.Rejected":   "Why other evidence was refused.",
	"testSpec.Incomplete": "What could not be looked at.",
	"testSpec.Record":     "A file with the recorded input of a decision, instead of image, request and evidence.",
	"testSpec.Expect":     "What has to come of it.",

	"requestSpec.Gate":       "The door.",
	"requestSpec.Operation":  "The operation.",
	"requestSpec.User":       "Who asks.",
	"requestSpec.Groups":     "The groups of who asks.",
	"requestSpec.Cluster":    "The cluster.",
	"requestSpec.Namespace":  "The namespace.",
	"requestSpec.Kind":       "The kind of workload.",
	"requestSpec.Workload":   "The name of the workload.",
	"requestSpec.Account":    "The AWS account.",
	"requestSpec.Region":     "The AWS region.",
	"requestSpec.DryRun":     "Nothing will run.",
	"requestSpec.Attributes": "Others, a mapping of texts.",

	"evidenceSpec.Type":      "The predicate type; an image signature if nothing is said.",
	"evidenceSpec.By":        "Entries of trust whose signatures it has; another name is a stranger to the rules.",
	"evidenceSpec.SignedAt":  "When it was signed; it has no time if nothing is said.",
	"evidenceSpec.Time":      "Whose word signedAt is; a timestamp's if nothing is said.",
	"evidenceSpec.Issuer":    "Who vouches for subject, of a keyless signer.",
	"evidenceSpec.Subject":   "The account or workload, of a keyless signer.",
	"evidenceSpec.Claims":    "Other proven claims of a keyless signer, a mapping of texts.",
	"evidenceSpec.Predicate": "The predicate, as YAML.",
	"evidenceSpec.File":      "A file with the predicate, from where this file is.",

	"expectSpec.Verdict":  "The verdict.",
	"expectSpec.Culprits": "The names of the rules that made it so, all of them.",
	"expectSpec.Warnings": "The names of the rules that are not met and refuse nothing, all of them.",
	"expectSpec.Reason":   "What the reason has in it.",
}
