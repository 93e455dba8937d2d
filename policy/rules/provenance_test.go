package rules_test

import (
	"strings"
	"testing"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/ladingdev/lading/verify"
)

const (
	slsa3 = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v2.0.0"
	// As GitHub's own attestations have it.
	github = `{"buildDefinition":{"buildType":"https://actions.github.io/buildtypes/workflow/v1",` +
		`"externalParameters":{"workflow":{"ref":"refs/heads/main",` +
		`"repository":"https://github.com/acme/app","path":".github/workflows/release.yml"}},` +
		`"internalParameters":{"github":{"event_name":"push"}},` +
		`"resolvedDependencies":[{"uri":"git+https://github.com/acme/app@refs/heads/main","digest":{"gitCommit":"` +
		"b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2" + `"}}]},` +
		`"runDetails":{"builder":{"id":"https://github.com/actions/runner/github-hosted"},"metadata":{"invocationId":"1"}}}`
	// As SLSA's generators for containers have it.
	slsa02 = `{"builder":{"id":"` + slsa3 + `"},"buildType":"https://github.com/slsa-framework/slsa-github-generator/container@v1",` +
		`"invocation":{"configSource":` +
		`{"uri":"git+https://github.com/acme/app@refs/tags/v1.2.3","digest":{"sha1":"b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"},` +
		`"entryPoint":".github/workflows/release.yml"},` +
		`"parameters":{},"environment":{"github_actor":"x"}},"materials":[{"uri":"git+https://github.com/acme/app@refs/tags/v1.2.3"}]}`
)

func TestProvenance(t *testing.T) {
	app := []string{"https://github.com/acme/app"}
	path := []rules.Parameter{{Name: "/workflow/path", Values: []string{".github/workflows/release.yml"}}}
	generator := []rules.Builder{{ID: "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/" +
		"generator_container_slsa3.yml@refs/tags/v*", Level: 3}}
	entry := []rules.Parameter{{Name: "/configSource/entryPoint"}}
	type P = rules.Provenance
	v1, v02 := provenance.Type, provenance.TypeV02
	for name, tt := range map[string]struct {
		r     *P
		typ   string
		text  string
		want  policy.Verdict
		words string
	}{
		"GitHub": {&P{Sources: app, Parameters: path}, v1, github, policy.Allow, "provenance by"},
		"in another spelling": {&P{Sources: []string{"git+https://GitHub.com/acme/app.git"}, Parameters: path}, v1, github,
			policy.Allow, ""},
		"of the organization": {&P{Sources: []string{"https://github.com/acme/*"}, Parameters: path}, v1, github, policy.Allow, ""},
		"of a fork": {&P{Sources: app, Parameters: path}, v1, strings.ReplaceAll(github, "acme/app", "evil/app"),
			policy.Deny, "evil/app\", which is not expected"},
		"of a longer name": {&P{Sources: app, Parameters: path}, v1, strings.ReplaceAll(github, "acme/app", "acme/app-evil"),
			policy.Deny, "not expected"},
		"at the branch": {&P{Sources: app, Refs: []string{"refs/heads/main"}, Parameters: path}, v1, github, policy.Allow, ""},
		"at another branch": {&P{Sources: app, Refs: []string{"refs/heads/main"}, Parameters: path}, v1,
			strings.Replace(github, `"ref":"refs/heads/main"`, `"ref":"refs/heads/dev"`, 1), policy.Deny, "refs/heads/dev"},
		"at a branch named so": {&P{Sources: app, Refs: []string{"refs/tags/v*"}, Parameters: path}, v1,
			strings.Replace(github, `"ref":"refs/heads/main"`, `"ref":"refs/heads/refs/tags/v1"`, 1), policy.Deny, "not expected"},
		"unknown parameter": {&P{Sources: app}, v1, github, policy.Deny, "external parameter /workflow/path"},
		"any parameters":    {&P{Sources: app, AnyParameters: true}, v1, github, policy.Allow, ""},
		"one parameter more": {&P{Sources: app, Parameters: path}, v1, strings.Replace(github, `"externalParameters":{`,
			`"externalParameters":{"inputs":{"debug":true},`, 1), policy.Deny, "/inputs/debug, \"true\""},
		"another value": {&P{Sources: app, Parameters: path}, v1, strings.Replace(github, "release.yml", "test.yml", 1),
			policy.Deny, "test.yml"},
		"another builder": {&P{Builders: generator, Sources: app, Parameters: path}, v1, github, policy.Deny,
			"runner/github-hosted\", which is not trusted"},
		"SLSA v0.2": {&P{Builders: generator, Level: 3, Sources: app, Refs: []string{"refs/tags/v*"}, Parameters: entry},
			v02, slsa02, policy.Allow, ""},
		"SLSA v0.2 of a branch": {&P{Builders: generator, Sources: app, Refs: []string{"refs/heads/main"}, Parameters: entry}, v02,
			slsa02, policy.Deny, "refs/tags/v1.2.3"},
		"builder at a branch": {&P{Builders: generator, Sources: app, Parameters: entry}, v02,
			strings.Replace(slsa02, "refs/tags/v2.0.0", "refs/heads/v2.0.0", 1), policy.Deny, "not trusted"},
		"level": {&P{Builders: []rules.Builder{{ID: slsa3, Level: 2}, {ID: "https://x.example/b", Level: 3}}, Level: 3,
			Sources: app, Parameters: entry}, v02, slsa02, policy.Deny, "trusted for SLSA build level 2, and level 3"},
		"build type": {&P{BuildTypes: []string{"https://example.com/b"}, Sources: app, Parameters: path}, v1, github,
			policy.Deny, "build type"},
		"BuildKit": {&P{Builders: []rules.Builder{{ID: "https://example.com/builders/1"}},
			Sources: []string{"https://example.com/shop/web"}, Refs: []string{"refs/heads/main"},
			Parameters: []rules.Parameter{{Name: "/request"}, {Name: "/configSource/path", Values: []string{"Dockerfile"}}}}, v1,
			file(t, "buildkit-v0.34.2-slsa1-builder-id.json"), policy.Allow, ""},
		"BuildKit without builder": {&P{Builders: []rules.Builder{{ID: "https://example.com/builders/1"}}, AnyParameters: true}, v1,
			file(t, "buildkit-v0.34.2-slsa1-no-builder-id.json"), policy.Deny, "builder.id is empty"},
		"no source": {&P{Sources: app, AnyParameters: true}, v1, `{"buildDefinition":{"buildType":"https://x.example",` +
			`"externalParameters":{}},"runDetails":{"builder":{"id":"https://x.example"}}}`, policy.Deny, "do not name a source"},
		"two sources, one of them": {&P{Sources: app, AnyParameters: true}, v1, strings.Replace(github, `"externalParameters":{`,
			`"externalParameters":{"source":"https://github.com/evil/app",`, 1), policy.Deny, "evil/app"},
		"two refs": {&P{Sources: app, AnyParameters: true, Refs: []string{"refs/heads/main"}}, v1, strings.Replace(github,
			`"https://github.com/acme/app"`, `"https://github.com/acme/app@refs/heads/dev"`, 1), policy.Deny, "two refs"},
		"not to be read": {&P{Sources: app}, v1, `{}`, policy.Deny, "no provenance that can be read"},
		"null":           {&P{Sources: app}, v1, `null`, policy.Deny, "no provenance that can be read"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, decide(t, tt.r, signed(tt.typ, tt.text, release)), tt.want, tt.words) })
	}
	r := &P{Evidence: by(release), Sources: app, Parameters: path}
	bad := strings.ReplaceAll(github, "acme/app", "evil/app")
	expect(t, decide(t, r, signed(v1, github, other)), policy.Deny, "who is not asked for")
	expect(t, decide(t, r, signed(v1, bad, release), signed(v1, github, release)), policy.Allow) // the second, too
	r = &P{Evidence: rules.Evidence{By: []verify.Identity{release}, Quantifier: rules.Every}, Sources: app, Parameters: path}
	expect(t, decide(t, r, signed(v1, bad, release), signed(v1, github, release)), policy.Deny)
}

func TestKeyless(t *testing.T) {
	const issuer = "https://token.actions.githubusercontent.com"
	workflow := "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.2.3"
	by := func(change func(*verify.Signer)) *verify.Attestation {
		s := verify.Signer{Identity: verify.Identity{Kind: verify.OIDCIdentity, Subject: workflow, Issuer: issuer},
			Claims: map[string]string{
				"sourceRepositoryURI": "https://github.com/acme/app", "sourceRepositoryRef": "refs/tags/v1.2.3", "buildConfigURI": workflow,
				"buildTrigger":      "push",
				"runnerEnvironment": "github-hosted",
			}}
		change(&s)
		return &verify.Attestation{Kind: verify.ImageSignature, Subject: verify.Descriptor{Digest: image}, Signers: []verify.Signer{s}}
	}
	claim := func(name, value string) func(*verify.Signer) {
		return func(s *verify.Signer) { s.Claims[name] = value }
	}
	r := &rules.Keyless{
		Issuer: issuer, Repository: "https://github.com/acme/app",
		Workflow: "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v*",
		Refs:     []string{"refs/tags/v*"}, Triggers: []string{"push", "release"},
		Claims: []rules.Claim{{"runnerEnvironment", []string{"github-hosted"}}},
	}
	for name, tt := range map[string]struct {
		a    *verify.Attestation
		want policy.Verdict
	}{
		"as asked":     {by(func(*verify.Signer) {}), policy.Allow},
		"other issuer": {by(func(s *verify.Signer) { s.Identity.Issuer = "https://example.com" }), policy.Deny},
		"issuer, case": {by(func(s *verify.Signer) { s.Identity.Issuer = strings.ToUpper(issuer) }), policy.Deny},
		"certificate":  {by(func(s *verify.Signer) { s.Identity.Kind = verify.CertificateIdentity }), policy.Deny},
		"other workflow": {by(claim("buildConfigURI", "https://github.com/acme/app/.github/workflows/test.yml@refs/tags/v1")),
			policy.Deny},
		"other ref":       {by(claim("sourceRepositoryRef", "refs/heads/v1")), policy.Deny},
		"other trigger":   {by(claim("buildTrigger", "pull_request_target")), policy.Deny},
		"own runner":      {by(claim("runnerEnvironment", "self-hosted")), policy.Deny},
		"missing claim":   {by(func(s *verify.Signer) { delete(s.Claims, "buildTrigger") }), policy.Deny},
		"no claims":       {by(func(s *verify.Signer) { s.Claims = nil }), policy.Deny},
		"more in the ref": {by(claim("sourceRepositoryRef", "refs/tags/v1/../x")), policy.Deny},
	} {
		t.Run(name, func(t *testing.T) { expect(t, decide(t, r, tt.a), tt.want) })
	}
	expect(t, decide(t, r, by(claim("buildTrigger", "x"))), policy.Deny, "not as it is asked for")
	// A second signer of the same envelope does not count for one who is asked for.
	both := by(func(*verify.Signer) {})
	both.Signers = append(both.Signers, verify.Signer{Identity: other, Key: other.Key})
	two := &rules.Keyless{Issuer: issuer, Subject: workflow, Evidence: rules.Evidence{AtLeast: 2}}
	expect(t, decide(t, two, both), policy.Deny, "1 of 2")
	statement := by(func(*verify.Signer) {})
	statement.Kind, statement.PredicateType = verify.Statement, cyclonedx
	expect(t, decide(t, r, statement), policy.Deny)
	sbom := &rules.Keyless{Evidence: rules.Evidence{Types: []string{cyclonedx}}, Issuer: issuer, Subject: workflow}
	expect(t, decide(t, sbom, statement), policy.Allow)
}

// Every rule says what is wrong with it, and the zero value of none allows anything.
func TestValidate(t *testing.T) {
	good := signed(cyclonedx, bom("pkg:npm/a@1"), release)
	for _, tt := range []struct {
		p    policy.Policy
		want string // "" is valid
	}{
		{&rules.SBOM{}, ""},
		{&rules.SBOM{Profile: "x"}, `profile "x"`},
		{&rules.SBOM{Components: -1}, "negative"},
		{&rules.SBOM{MaxDocumentAge: 1}, "name the signers"},
		{&rules.SBOM{Evidence: rules.Evidence{Quantifier: "all"}}, `quantifier "all"`},
		{&rules.SBOM{Evidence: rules.Evidence{Types: []string{"sbom"}}}, "no absolute URI"},
		{&rules.SBOM{Evidence: rules.Evidence{AtLeast: 2, By: []verify.Identity{release}}}, "asks for 2 signers and names 1"},
		{&rules.Components{}, "names no components"},
		{&rules.Components{Deny: []rules.Component{{PURL: "left-pad"}}}, "denied components"},
		{&rules.Components{Allow: []rules.Component{{}}}, "without package URL"},
		{&rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/a", Versions: "<1"}}}, "not a version range specifier"},
		{&rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/a", Versions: "vers:pypi/<1"}}}, "a range of"},
		{&rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/a@1", Versions: "vers:npm/<1.0.0"}}}, "one version"},
		{&rules.Components{Deny: []rules.Component{{PURL: "pkg:npm/a*"}}}, "whole name alone"},
		{&rules.Components{Evidence: rules.Evidence{Quantifier: rules.Some}, Deny: []rules.Component{{PURL: "pkg:npm/a"}}},
			"one more attestation"},
		{&rules.Licenses{}, "names no licences"},
		{&rules.Licenses{Deny: []string{"GPL-9"}}, "denied licences"},
		{&rules.Licenses{Allow: []string{"MIT OR Apache-2.0"}}, "allowed licences"},
		{&rules.Licenses{Deny: []string{"MIT"}, Role: "x"}, `role "x"`},
		{&rules.Licenses{Deny: []string{"MIT"}, Evidence: rules.Evidence{Quantifier: rules.Some}}, "one more attestation"},
		{&rules.Licenses{Deny: []string{"MIT"}, Exceptions: []rules.Exception{{}}}, "exception 1"},
		{&rules.Licenses{Deny: []string{"MIT"}, ExceptionsBy: rules.Evidence{AtLeast: 1}}, "signers must be named"},
		{&rules.Vulnerabilities{}, "forbids nothing"},
		{&rules.Vulnerabilities{Severity: "bad"}, `severity "bad"`},
		{&rules.Vulnerabilities{Severity: "none"}, `severity "none"`},
		{&rules.Vulnerabilities{EPSS: 2}, "probability"},
		{&rules.Vulnerabilities{Severity: "high", MaxDatabaseAge: 1}, "name the signers"},
		{&rules.Vulnerabilities{Severity: "high", VEX: []rules.VEX{{}}}, "VEX 1: signers must be named"},
		{&rules.Vulnerabilities{Severity: "high", VEX: []rules.VEX{{Evidence: by(team), Components: []string{"x"}}}}, "VEX 1"},
		{&rules.Vulnerabilities{Severity: "high", Kinds: []string{"x"}}, `kind "x"`},
		{&rules.Vulnerabilities{Severity: "high", Evidence: rules.Evidence{Quantifier: rules.Some}}, "one more attestation"},
		{&rules.Provenance{}, "neither for a builder nor for a source"},
		{&rules.Provenance{Sources: []string{"https://*/acme/app"}}, "in its host"},
		{&rules.Provenance{Sources: []string{"github.com/acme/app"}}, "not the URI of a repository"},
		{&rules.Provenance{Sources: []string{"https://github.com/acme/app@refs/heads/main"}}, "has a ref"},
		{&rules.Provenance{Builders: []rules.Builder{{ID: "*"}}}, "matches everything"},
		{&rules.Provenance{Builders: []rules.Builder{{ID: ""}}}, "empty pattern"},
		{&rules.Provenance{Builders: []rules.Builder{{ID: "https://x.example/b", Level: 2}}, Level: 3}, "no builder is trusted for it"},
		{&rules.Provenance{Sources: []string{"https://x.example/a"}, Level: 4}, "level 4"},
		{&rules.Provenance{Sources: []string{"https://x.example/a"}, Refs: []string{"main"}}, "written in full"},
		{&rules.Provenance{Sources: []string{"https://x.example/a"}, Parameters: []rules.Parameter{{Name: "x"}}}, "JSON pointer"},
		{&rules.Keyless{}, "issuer"},
		{&rules.Keyless{Issuer: "https://x.example"}, "names nobody"},
		{&rules.Keyless{Issuer: "https://*.example", Subject: "x"}, "exactly"},
		{&rules.Keyless{Issuer: "https://x.example", Claims: []rules.Claim{{"triger", []string{"push"}}}}, `claim "triger"`},
		{&rules.Keyless{Issuer: "https://x.example", Subject: "*"}, "matches everything"},
	} {
		err := policy.Validate(tt.p)
		switch {
		case tt.want == "" && err != nil, tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%T: %v, want %q", tt.p, err, tt.want)
		case strings.Contains(err2text(err), "policy: policy") || strings.Contains(err2text(err), "rules: rules"):
			t.Errorf("%v", err)
		}
		if d := decide(t, tt.p, good); tt.want != "" && d.Verdict != policy.Indeterminate {
			t.Errorf("%v decides %s", tt.p, d)
		}
		if s, ok := tt.p.(interface{ String() string }); ok && strings.Contains(s.String(), "\n") {
			t.Errorf("%q", s)
		}
	}
}

func err2text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
