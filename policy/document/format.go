package document

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/policy/rules"
)

// The format of documents, version 1. Tags say how a field is written, what it is and what it has to be; shape.go reads them.

type spec struct {
	Version     int               `yaml:"version,required" help:"The version of the format: 1."`
	Name        string            `yaml:"name,required" format:"name" help:"What people call the policy. Decisions say it."`
	Serial      int               `yaml:"serial,zero" help:"A number that grows with every change. A signed policy needs one: an older one is refused after a newer was seen."`
	Expires     time.Time         `yaml:"expires" help:"From then on the policy allows nothing, so that one that is forgotten does not go on."`
	Description string            `yaml:"description" help:"What the policy is for. Nothing is decided by it."`
	Trust       []trustSpec       `yaml:"trust" help:"Whom the policy trusts. Rules name these entries in by."`
	Gates       []gateSpec        `yaml:"gates,names" help:"What a refusal does at each door. A door that is not here, and \"default\" neither, refuses."`
	Rules       []ruleSetSpec     `yaml:"rules,names" help:"Rules under a name, for use in several places."`
	Images      []imageSpec       `yaml:"images,required" help:"Which rules are for which images. The first entry with a pattern that matches counts, no other. An image that none matches is denied."`
	Exceptions  []rules.Exception `yaml:"exceptions" help:"What passes all the same, for every rule that takes exceptions."`
	BreakGlass  *breakGlassSpec   `yaml:"breakGlass" help:"Who may sign that an image shall run whatever the policy says. Decisions that rest on it carry a warning."`
	Injected    []injectedSpec    `yaml:"injected" help:"Images that AWS adds to tasks, by the account of their registry. They are looked at before images."`
}

type trustSpec struct {
	Name             string     `yaml:"name,required" format:"name" help:"The entry's name, in by and in reasons. Whatever matches it is one signer."`
	Key              string     `yaml:"key,one" format:"publickey" help:"A public key in PEM."`
	Kind             string     `yaml:"kind,one" format:"kind" help:"A kind of trust that the program brings, such as aws-signer, notary, keyless, kms or file. It reads with."`
	With             *yaml.Node `yaml:"with" help:"What the program's kind of trust asks for."`
	Schemes          []string   `yaml:"schemes" enum:"ECDSA-SHA256|ECDSA-SHA384|ECDSA-SHA512|SHA256-RSA|SHA384-RSA|SHA512-RSA|SHA256-RSAPSS|SHA384-RSAPSS|SHA512-RSAPSS|Ed25519|Ed25519ph|ML-DSA-44|ML-DSA-65|ML-DSA-87" help:"How the key may sign. A list replaces the default of the key's type."`
	Formats          []string   `yaml:"formats" enum:"bundle|dsse|simple-signing" help:"Formats of evidence that are read for the key: Sigstore bundles if nothing is said; dsse and simple-signing are those of cosign's tags."`
	From             time.Time  `yaml:"from" help:"Since when signatures count. Earlier ones, by a proven time, never do."`
	Until            time.Time  `yaml:"until" help:"When it ends to be a signer, in good order: what is proven to be older goes on to count."`
	CompromisedSince time.Time  `yaml:"compromisedSince" help:"Since when others may have had the key: only what a log, timestamp or authority proves to be older counts."`
}

type gateSpec struct {
	Gate          string `yaml:"-,key"`
	Mode          string `yaml:"mode,required" enum:"deny|warn|audit" help:"What a denial does: deny refuses, warn lets through and tells who asked, audit lets through and writes it down."`
	Indeterminate string `yaml:"indeterminate" enum:"deny|warn" help:"What it does that nothing could be decided: deny or warn. If nothing is said, deny where mode is deny, and else warn: never silence."`
}

type ruleSetSpec struct {
	Name  string     `yaml:"-,key"`
	Rules []ruleSpec `yaml:"require,required" help:"All of these have to be met."`
}

type imageSpec struct {
	Name    string      `yaml:"name" format:"name" help:"What people call this entry."`
	Match   []string    `yaml:"match,required" format:"image" help:"Patterns of repositories: HOST/PATH without tag. * is within one part, ** is one part or more; ** alone is every image. The host is named in full, or has * for whole labels but the last two."`
	Require []ruleSpec  `yaml:"require,one" help:"All of these have to be met."`
	Deny    string      `yaml:"deny,one" help:"Deny these images, with this reason."`
	Exempt  *exemptSpec `yaml:"exempt,one" help:"Allow these images without evidence until a day."`
	Gates   []gateSpec  `yaml:"gates,names" help:"What a refusal of these images does, instead of gates of the document."`
}

type breakGlassSpec struct {
	By      []string      `yaml:"by,required" ref:"trust" help:"Entries of trust that may."`
	AtLeast int           `yaml:"atLeast" help:"How many of them it takes; 1 if nothing is said."`
	MaxAge  time.Duration `yaml:"maxAge" help:"The age at which such a statement no longer counts, by a proven time."`
}

type exemptSpec struct {
	Owner   string    `yaml:"owner,required" help:"Who answers for it."`
	Reason  string    `yaml:"reason,required" help:"Why."`
	Expires time.Time `yaml:"expires,required" help:"Until when."`
}

type injectedSpec struct {
	Name         string   `yaml:"name,required" format:"name" help:"What people call these images."`
	Accounts     []string `yaml:"accounts,required" format:"account" help:"AWS accounts whose private registries they come from, in quotes."`
	Regions      []string `yaml:"regions" format:"region" help:"Regions of the registries; every region if nothing is said."`
	Repositories []string `yaml:"repositories,required" format:"repopath" help:"Repositories, without host; * is within one part, ** is one part or more."`
}

type whenSpec struct {
	Gates      []string `yaml:"gates" help:"Doors that ask."`
	Operations []string `yaml:"operations" help:"Operations, in the words of the platform, such as CREATE."`
	Users      []string `yaml:"users" help:"Who asks."`
	Groups     []string `yaml:"groups" help:"One of the groups of who asks."`
	Clusters   []string `yaml:"clusters" help:"Clusters."`
	Namespaces []string `yaml:"namespaces" help:"Namespaces."`
	Kinds      []string `yaml:"kinds" help:"Kinds of workload, such as Deployment."`
	Workloads  []string `yaml:"workloads" help:"Names of workloads."`
	Accounts   []string `yaml:"accounts" format:"account" help:"AWS accounts, in quotes."`
	Regions    []string `yaml:"regions" format:"region" help:"AWS regions."`
}

type atLeastSpec struct {
	N  int        `yaml:"n,required" help:"How many."`
	Of []ruleSpec `yaml:"of,required" help:"The rules, each by signers of its own."`
}

type signatureSpec struct {
	By      []string      `yaml:"by" ref:"trust" help:"Entries of trust that count; everybody in trust if nothing is said."`
	AtLeast int           `yaml:"atLeast" help:"How many distinct signers it takes; 1 if nothing is said."`
	MaxAge  time.Duration `yaml:"maxAge" help:"The age at which a signature no longer counts, by a proven time."`
}

type attestationSpec struct {
	Types      []string       `yaml:"types,required" format:"uri" help:"Predicate types, exactly."`
	By         []string       `yaml:"by" ref:"trust" help:"Entries of trust that count; everybody in trust if nothing is said."`
	AtLeast    int            `yaml:"atLeast" help:"How many distinct signers it takes; 1 if nothing is said."`
	Quantifier string         `yaml:"quantifier" enum:"some|every|newest" help:"How many of the attestations must do: some if nothing is said. A rule that forbids needs every or newest."`
	MaxAge     time.Duration  `yaml:"maxAge" help:"The age at which it no longer counts, by the proven time of signing, or by time."`
	Time       string         `yaml:"time" format:"pointer" help:"Where the predicate says how old it is, as a JSON pointer. It is the signer's word."`
	Condition  *conditionSpec `yaml:"condition" help:"A condition on the content, in CEL. The program has to bring the language."`
}

// summarySpec is vsa.Accept.
type summarySpec struct {
	Verifiers []verifierSpec `yaml:"verifiers,required" help:"Gates that are believed, each alone."`
	Resources []string       `yaml:"resources" help:"Repositories, or their URIs, of which a summary counts; the one that the image is in if nothing is said."`
	Levels    []string       `yaml:"levels" help:"Levels of SLSA tracks and properties that must be met, such as SLSA_BUILD_LEVEL_2."`
	Policies  []string       `yaml:"policies" format:"digest" help:"Digests of the policies that count; any of the verifier's if nothing is said."`
	MaxAge    time.Duration  `yaml:"maxAge" help:"The age at which a summary no longer counts, by the proven time of its signature and by its own word."`
	Revoked   []string       `yaml:"revoked" format:"digest" help:"Digests of evidence that does not count any more."`
	Results   bool           `yaml:"results" help:"Whether simple verification results (SVR) count, too."`
}

type verifierSpec struct {
	ID string   `yaml:"id,required" format:"uri" help:"The URI of the verifier, as its summaries have it."`
	By []string `yaml:"by,required" ref:"trust" help:"Entries of trust that sign for it."`
}

type conditionSpec struct {
	CEL     *yaml.Node `yaml:"cel,required" help:"An expression that is true where the attestation will do."`
	Forbids bool       `yaml:"forbids" help:"Whether the condition forbids something: it then needs the quantifier every or newest."`
	Message string     `yaml:"message" help:"What people read where it is false."`
}

// ruleSpec is one rule: exactly one of the fields that say what is asked.
type ruleSpec struct {
	Name        string           `yaml:"name" format:"name" help:"What people call the rule. Reasons begin with it."`
	When        *whenSpec        `yaml:"when,some" help:"Where the rule applies. All fields have to fit; a field that the door does not know makes the answer indeterminate."`
	Gates       []gateSpec       `yaml:"gates,names" help:"What it does at each door that this rule is not met, instead of gates of the entry and of the document."`
	Use         string           `yaml:"use,one" ref:"rules" help:"The name of a set in rules, all of which has to be met."`
	AllOf       []ruleSpec       `yaml:"allOf,one" help:"All of these have to be met."`
	AnyOf       []ruleSpec       `yaml:"anyOf,one" help:"One of these has to be met."`
	AtLeast     *atLeastSpec     `yaml:"atLeast,one" help:"Several of these have to be met, each by signers of its own."`
	Signature   *signatureSpec   `yaml:"signature,one" help:"The image is signed."`
	Attestation *attestationSpec `yaml:"attestation,one" help:"There is an attestation of a type."`
	Summary     *summarySpec     `yaml:"summary,one" help:"A gate before this one allowed the image, and signed a verification summary (VSA) of that."`

	SBOM            *rules.SBOM            `yaml:"sbom,one" help:"The image has an SBOM: about this image, not empty, and as a profile wants it."`
	Components      *rules.Components      `yaml:"components,one" help:"Components that are refused, or all others than some."`
	Licenses        *rules.Licenses        `yaml:"licenses,one" help:"Licences that are refused, or all others than some."`
	Vulnerabilities *rules.Vulnerabilities `yaml:"vulnerabilities,one" help:"Vulnerabilities that are refused."`
	Provenance      *rules.Provenance      `yaml:"provenance,one" help:"How the image was built: by whom, from what."`
	Keyless         *rules.Keyless         `yaml:"keyless,one" help:"Claims of the identity that signed keyless."`
}
