package document

import (
	"reflect"
	"strings"
)

// A known is how a field of a struct of package policy/rules is written in a document.
type known struct {
	name, help, ref, format string
	enum                    []string
	required                bool
}

// ruleField returns how a field of a struct of package policy/rules is written. What is not in the table is written as in Go, with
// its first letter in lower case.
func ruleField(t reflect.Type, name string) known {
	if !isRules(t) {
		return known{}
	}
	return ruleFields[t.Name()+"."+name]
}

func isRules(t reflect.Type) bool { return strings.HasSuffix(t.PkgPath(), "/policy/rules") }

// hidden reports whether a field of a struct of package policy/rules is none of a document: names are those of the rules, and signers
// those of trust.
func hidden(t reflect.Type, name string) bool {
	if !isRules(t) {
		return false
	}
	switch name {
	case "By", "Signers", "Policy":
		return true
	}
	return name == "Name" && hasEvidence(t)
}

func hasEvidence(t reflect.Type) bool {
	f, ok := t.FieldByName("Evidence")
	return ok && f.Anonymous
}

const (
	helpExceptions   = "What passes all the same, each with owner, reason and end."
	helpExceptionsBy = "Who may attach signed exceptions to the image."
	helpAnyDigest    = "Let the document name another image than the one that is judged, as scanners do that read the index."
)

var ruleFields = map[string]known{
	"Evidence.Types":   {format: "uri", help: "Predicate types, exactly; those of the rule if nothing is said."},
	"Evidence.ByEntry": {name: "by", ref: "trust", help: "Entries of trust that count; everybody in trust if nothing is said."},
	"Evidence.AtLeast": {help: "How many distinct signers it takes; 1 if nothing is said."},
	"Evidence.Quantifier": {enum: []string{"some", "every", "newest"},
		help: "How many of the attestations must do. Rules that forbid take every or newest alone, and every if nothing is said."},
	"Evidence.MaxAge": {help: "The age at which an attestation no longer counts, by the proven time of signing, or by time."},
	"Evidence.Time":   {format: "pointer", help: "Where the predicate says how old it is, as a JSON pointer. It is the signer's word."},

	"SBOM.Components":     {help: "How many components it has at least; 1 if nothing is said."},
	"SBOM.Profile":        {help: "A profile that it conforms to, such as ntia-2021 or cisa-2026."},
	"SBOM.MaxDocumentAge": {help: "Its age by its own word."},
	"SBOM.AnyDigest":      {help: helpAnyDigest},

	"Components.Deny":         {help: "Components that are refused."},
	"Components.Allow":        {help: "All others than these are refused."},
	"Components.Exceptions":   {help: helpExceptions},
	"Components.ExceptionsBy": {help: helpExceptionsBy},
	"Component.PURL": {required: true,
		help: "A package URL, such as pkg:npm/lodash; with a version, that one. * for the name is every package of the namespace."},
	"Component.Versions": {help: "A range in VERS, such as vers:npm/>=4.0.0|<4.17.21; all versions if nothing is said."},
	"Component.Reason":   {help: "What people read when it is refused."},

	"Licenses.Deny":              {help: "SPDX licences that are refused."},
	"Licenses.Allow":             {help: "All others than these SPDX licences are refused."},
	"Licenses.AllowNames":        {help: "Names of licences that pass though they are no SPDX licences, exactly as the SBOM writes them."},
	"Licenses.Role":              {enum: []string{"declared", "concluded"}, help: "Which claims count; all if nothing is said."},
	"Licenses.AllowUnlicensed":   {help: "Let components pass of which the SBOM gives no licence."},
	"Licenses.AllowUnrecognized": {help: "Let licences pass that are no SPDX expression."},
	"Licenses.Exceptions":        {help: helpExceptions},
	"Licenses.ExceptionsBy":      {help: helpExceptionsBy},

	"Vulnerabilities.Severity": {enum: []string{"critical", "high", "medium", "low", "info"},
		help: "The least severity that is refused."},
	"Vulnerabilities.Source":        {help: "Whose rating counts, such as NVD; the highest of all if nothing is said."},
	"Vulnerabilities.AllowUnscored": {help: "Let findings pass that nobody rated."},
	"Vulnerabilities.Exploited":     {help: "Refuse what is in a catalogue of exploited vulnerabilities, whatever its severity."},
	"Vulnerabilities.EPSS":          {help: "The least probability of exploitation that is refused, from 0 to 1."},
	"Vulnerabilities.OnlyFixable":   {help: "Refuse only what a version fixes."},
	"Vulnerabilities.Grace":         {help: "How long a finding passes from its publication on. What is exploited has none."},
	"Vulnerabilities.Kinds": {enum: []string{"vulnerability", "secret", "configuration"},
		help: "What is judged: vulnerabilities if nothing is said."},
	"Vulnerabilities.MaxScanAge":     {help: "The age of the scan, by its own word."},
	"Vulnerabilities.MaxDatabaseAge": {help: "The age of every database that was asked, by the report's word."},
	"Vulnerabilities.Ecosystems":     {help: "Ecosystems that a database must have been asked for, by OSV's names such as Debian and npm."},
	"Vulnerabilities.AllowSkipped":   {help: "Let components pass that the scanner could not assess."},
	"Vulnerabilities.AnyDigest":      {help: helpAnyDigest},
	"Vulnerabilities.VEX":            {help: "Whose statements about exploitability count; nobody's if nothing is said."},
	"Vulnerabilities.Exceptions":     {help: helpExceptions},
	"Vulnerabilities.ExceptionsBy":   {help: helpExceptionsBy},
	"VEX.Components":                 {help: "Components that they may speak about, as package URLs; all if nothing is said."},
	"VEX.Justifications":             {help: "Justifications that are accepted of not_affected; any if nothing is said."},

	"Provenance.Builders":      {help: "Builders that are trusted; any whose signer counts if nothing is said."},
	"Provenance.Level":         {help: "The least SLSA build level, 1 to 3: that for which a builder is trusted here."},
	"Provenance.BuildTypes":    {format: "uri", help: "Build types that are known; any if nothing is said."},
	"Provenance.Sources":       {help: "Repositories, such as https://github.com/acme/app; * stands for any characters but / and @."},
	"Provenance.Refs":          {help: "Branches and tags in full, such as refs/heads/main or refs/tags/v*."},
	"Provenance.Parameters":    {help: "The other external parameters that are expected."},
	"Provenance.AnyParameters": {help: "Let external parameters pass that are not in parameters."},
	"Builder.ID":               {required: true, help: "builder.id, or a pattern of it."},
	"Builder.Level":            {help: "The highest SLSA build level that it is trusted for, 1 to 3."},
	"Parameter.Name":           {required: true, help: "A JSON pointer below the external parameters, such as /workflow/path."},
	"Parameter.Values":         {help: "Values that it may have, or patterns of them; any if nothing is said."},

	"Keyless.Issuer":     {required: true, help: "URL of the identity provider, exactly."},
	"Keyless.Subject":    {help: "The certificate's name, or a pattern of it; * stands for any characters but / and @."},
	"Keyless.Repository": {help: "The source repository, such as https://github.com/acme/app, or a pattern."},
	"Keyless.Workflow": {
		help: "The workflow, such as https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v*, or a pattern.",
	},
	"Keyless.Refs":     {help: "Refs of the source, any of them; any if nothing is said."},
	"Keyless.Triggers": {help: "What triggered the build, any of them, such as push."},
	"Keyless.Claims":   {help: "Other claims of the certificate."},
	"Claim.Name":       {required: true, help: "As in Fulcio's documentation, such as runnerEnvironment, or its object identifier."},
	"Claim.Values":     {required: true, help: "Any of them, or of what they match."},

	"Exception.Rule":      {help: "The name of the rule that it is for; any that takes it if nothing is said."},
	"Exception.Digest":    {format: "digest", help: "The image's digest."},
	"Exception.Finding":   {help: "A vulnerability, such as CVE-2024-2961."},
	"Exception.Component": {help: "A package URL, with a range after a blank."},
	"Exception.License":   {help: "A licence."},
	"Exception.Owner":     {required: true, help: "Who answers for it."},
	"Exception.Reason":    {required: true, help: "Why."},
	"Exception.Expires":   {required: true, help: "The first moment at which it does not hold."},
}
