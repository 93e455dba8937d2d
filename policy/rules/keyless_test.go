package rules_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
)

// A trust list that lets in every workflow of an identity provider, narrowed by the rule: bundles as a local instance of Sigstore
// makes them, verified.
func TestKeylessBundles(t *testing.T) {
	instance := sigstoretest.New(sigstoretest.SignedAt)
	root, err := sigstore.ParseRoot(instance.TrustedRoot(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	anybody := sigstore.Entry{Name: "anybody", URI: sigstore.Matching("https://.*"), Issuer: sigstore.Matching("https://.*")}
	verifier, err := sigstore.New(root, []sigstore.Entry{anybody}, nil)
	if err != nil {
		t.Fatal(err)
	}
	release := sigstoretest.Release()
	release.Payload = []byte(strings.Replace(string(release.Payload), "https://example.com/p", cyclonedx, 1))
	r := &rules.Keyless{
		Evidence: rules.Evidence{Types: []string{cyclonedx}},
		Issuer:   release.Issuer, Repository: "https://github.com/acme/app",
		Workflow: "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v*", Refs: []string{"refs/tags/v*"},
		Triggers: []string{"push"},
		Claims:   []rules.Claim{{Name: "sourceRepositoryIdentifier", Values: []string{"1234"}}},
	}
	for name, tt := range map[string]struct {
		edit func(g *sigstoretest.Signing)
		want policy.Verdict
	}{
		"the release":       {func(*sigstoretest.Signing) {}, policy.Allow},
		"a fork":            {func(g *sigstoretest.Signing) { g.Claims[12] = "https://github.com/mallory/app" }, policy.Deny},
		"a longer name":     {func(g *sigstoretest.Signing) { g.Claims[12] += "-evil" }, policy.Deny},
		"another case":      {func(g *sigstoretest.Signing) { g.Claims[12] = "https://github.com/Acme/app" }, policy.Deny},
		"a branch":          {func(g *sigstoretest.Signing) { g.Claims[14] = "refs/heads/v1.0" }, policy.Deny},
		"a tag with a path": {func(g *sigstoretest.Signing) { g.Claims[14] = "refs/tags/v1/../evil" }, policy.Deny},
		"another workflow": {func(g *sigstoretest.Signing) { g.Claims[18] = strings.Replace(g.Claims[18], "release", "test", 1) },
			policy.Deny},
		"pull_request_target": {func(g *sigstoretest.Signing) { g.Claims[20] = "pull_request_target" }, policy.Deny},
		"another identifier":  {func(g *sigstoretest.Signing) { g.Claims[15] = "1235" }, policy.Deny},
		"no claims":           {func(g *sigstoretest.Signing) { g.Claims = nil }, policy.Deny},
		"another issuer":      {func(g *sigstoretest.Signing) { g.Issuer += ".evil.example" }, policy.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			g := release
			g.Claims = maps.Clone(release.Claims)
			tt.edit(&g)
			a, err := verifier.Verify(t.Context(), verify.Descriptor{Digest: sigstoretest.Image},
				verify.Descriptor{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Data: instance.Sign(g)})
			if err != nil {
				t.Fatal(err)
			}
			in := input(a)
			in.Report.Subject.Digest = sigstoretest.Image
			expect(t, policy.Decide(t.Context(), r, in), tt.want)
		})
	}
}
