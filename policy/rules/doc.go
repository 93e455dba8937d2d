// Package rules is what people ask of images, ready made: each rule is a [policy.Policy] over verified attestations.
//
//	gate.Policy = policy.All(
//		rules.SBOM{Evidence: release, Profile: "ntia-2021"},
//		rules.Licenses{Evidence: release, Deny: []string{"AGPL-3.0-only", "AGPL-3.0-or-later"}},
//		rules.Components{Evidence: release, Deny: []rules.Component{{PURL: "pkg:npm/event-stream", Versions: "vers:npm/3.3.6"}}},
//		rules.Vulnerabilities{Evidence: scanner, Severity: "critical", OnlyFixable: true},
//		rules.Provenance{Evidence: builder, Sources: []string{"https://github.com/acme/app"}},
//	)
//
// [policy.Validate] says at the start what is wrong with a rule: a licence that is none, a range that has no order.
//
// # Whose word it is
//
// Every rule has [Evidence]: which attestations, and whose. Name the signers. A rule without them believes everybody whom the
// verifiers trust, and whoever may sign an SBOM is seldom the one who may say how an image was built.
//
// # What forbids
//
// [Licenses], [Components] and [Vulnerabilities] forbid: they judge every attestation of their types, never some, so that a
// second, empty one changes nothing. What cannot be told is refused: a version that has no place in an order, a licence that
// nobody knows, a severity that nobody gave. The verdict is Deny then, because waiting does not change it; Indeterminate means
// that evidence could not be looked at. Fields that begin with Allow let such cases pass, each by itself.
//
// # Exceptions
//
// An [Exception] lets one thing pass until a day. It is written into the rule, or signed and attached to the image by somebody
// whom the rule names. [BreakGlass] lets a whole policy's refusal pass. Both are told in every decision that rests on them.
//
// # What is recorded
//
// Rules read evidence through [policy.Fact] alone, small facts such as the distinct licences with some components each, so a
// decision can be replayed without the documents, also with other rules of this package.
package rules
