package sigstore_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"
	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/internal/tsatest"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/ladingdev/lading/verify/verifytest"
	"github.com/opencontainers/go-digest"
)

// signed is a source of bundles.
func signed(bundles ...[]byte) verify.SourceFunc {
	return func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			for _, b := range bundles {
				if !yield(verify.Descriptor{MediaType: bundleType, Digest: digest.FromBytes(b), Size: int64(len(b)), Data: b}, nil) {
					return
				}
			}
		}
	}
}

// nearMisses are signings that differ from the workflow that is trusted by what an attacker can reach.
var nearMisses = []struct {
	name string
	edit func(g *sigstoretest.Signing)
}{
	{"fork", repository("https://github.com/mallory/app")},
	{"repository whose name begins the same", repository("https://github.com/acme/app-evil")},
	{"other owner in another case", repository("https://github.com/Acme/app")},
	{"branch", func(g *sigstoretest.Signing) { ref(g, "refs/heads/v1.0") }},
	{"pull request", func(g *sigstoretest.Signing) { ref(g, "refs/pull/7/merge") }},
	{"other workflow", func(g *sigstoretest.Signing) {
		g.URI = strings.Replace(g.URI, "release.yml", "test.yml", 1)
		g.Claims[9], g.Claims[18] = g.URI, g.URI
	}},
	{"workflow of another folder", func(g *sigstoretest.Signing) {
		g.URI = strings.Replace(g.URI, ".github/workflows/", ".github/workflows/x/", 1)
		g.Claims[9], g.Claims[18] = g.URI, g.URI
	}},
	{"other tag", func(g *sigstoretest.Signing) { ref(g, "refs/tags/nightly") }},
	{"tag with a path", func(g *sigstoretest.Signing) { ref(g, "refs/tags/v1/../evil") }},
	{"tag with a second ref", func(g *sigstoretest.Signing) { ref(g, "refs/tags/v1@refs/heads/main") }},
	{"other issuer", func(g *sigstoretest.Signing) { g.Issuer = "https://token.actions.githubusercontent.com.evil.example" }},
	{"issuer of an enterprise", func(g *sigstoretest.Signing) { g.Issuer += "/acme" }},
	{"pull_request_target", func(g *sigstoretest.Signing) { g.Claims[20] = "pull_request_target" }},
	{"self-hosted runner", func(g *sigstoretest.Signing) { g.Claims[11] = "self-hosted" }},
	{"caller of the same workflow", func(g *sigstoretest.Signing) { // it is reusable, and another repository calls it
		g.Claims[12], g.Claims[18] = "https://github.com/mallory/app",
			"https://github.com/mallory/app/.github/workflows/release.yml@refs/tags/v1.0"
	}},
	{"reusable workflow of somebody else", func(g *sigstoretest.Signing) {
		g.URI = "https://github.com/mallory/builder/.github/workflows/release.yml@refs/tags/v1.0"
		g.Claims[9] = g.URI
	}},
	{"other identifier", func(g *sigstoretest.Signing) { g.Claims[15] = "1235" }},
	{"no claims", func(g *sigstoretest.Signing) { g.Claims = nil }},
	{"e-mail address of the same text", func(g *sigstoretest.Signing) {
		g.Leaf = func(c *x509.Certificate) { setSAN("\x01" + "acme@example.com")(c) }
	}},
}

func repository(url string) func(g *sigstoretest.Signing) {
	return func(g *sigstoretest.Signing) {
		g.URI = strings.Replace(g.URI, "https://github.com/acme/app", url, 1)
		g.Claims[9], g.Claims[12], g.Claims[18] = g.URI, url, g.URI
	}
}

func ref(g *sigstoretest.Signing, ref string) {
	g.URI, _, _ = strings.Cut(g.URI, "@")
	g.URI += "@" + ref
	g.Claims[9], g.Claims[14], g.Claims[18] = g.URI, ref, g.URI
}

func acme(t testing.TB) sigstore.Entry {
	t.Helper()
	e, err := sigstore.GitHub{Repository: "acme/app", RepositoryID: "1234", Workflow: "release.yml", Tags: "v*"}.Entry("release")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Every near miss is refused, and the workflow itself is not. Without any one of the entry's claims, something that is refused with it
// is accepted, so that none is for nothing.
func TestNearMisses(t *testing.T) {
	s := sigstoretest.New(signedAt)
	root := parseRoot(t, s.TrustedRoot(nil))
	whole := acme(t)
	bundles := map[string][]byte{"": s.Sign(release())}
	for _, m := range nearMisses {
		g := release()
		g.Claims = maps.Clone(g.Claims)
		m.edit(&g)
		bundles[m.name] = s.Sign(g)
	}
	refused := func(e sigstore.Entry) (names []string) {
		v := newVerifier(t, root, nil, e)
		for name, b := range bundles {
			_, err := v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: b})
			switch {
			case err == nil:
			case errors.Is(err, sigstore.ErrIdentity) && errors.Is(err, verify.ErrNotTrusted):
				names = append(names, name)
			default:
				t.Errorf("%s: %v", name, err)
			}
		}
		return names
	}
	if n := len(refused(whole)); n != len(nearMisses) {
		t.Errorf("%d of %d are refused", n, len(nearMisses))
	}
	lesser := map[string]sigstore.Entry{}
	for c := range whole.Claims {
		e := whole
		e.Claims = maps.Clone(whole.Claims)
		delete(e.Claims, c)
		lesser[string(c)] = e
	}
	e := whole
	e.Issuer = sigstore.Matching(".+")
	lesser["issuer"] = e
	for what, e := range lesser {
		switch sigstore.Claim(what) {
		case sigstore.SourceRepositoryURI, sigstore.SourceRepositoryRef, sigstore.BuildConfigURI, sigstore.BuildSignerURI:
			continue // each is said by another as well, where no reusable workflow signs
		}
		if len(refused(e)) == len(nearMisses) {
			t.Errorf("without %s, nothing more is accepted", what)
		}
	}
}

// One workflow at two tags is one signer, and so is one certificate that matches two entries.
func TestCounting(t *testing.T) {
	s := sigstoretest.New(signedAt)
	second := release()
	ref(&second, "refs/tags/v2.0")
	nightly := release()
	nightly.URI = strings.Replace(nightly.URI, "release.yml", "nightly.yml", 1)
	nightly.Claims = maps.Clone(nightly.Claims)
	nightly.Claims[9], nightly.Claims[18] = nightly.URI, nightly.URI
	actionsEntry := func(name, uri string) sigstore.Entry {
		return sigstore.Entry{Name: name, URI: sigstore.Matching(uri), Issuer: sigstore.Exactly(actions)}
	}
	rel := actionsEntry("release", `https://github\.com/acme/app/\.github/workflows/release\.yml@refs/tags/.*`)
	night := actionsEntry("nightly", `https://github\.com/acme/app/\.github/workflows/nightly\.yml@refs/tags/.*`)
	all := actionsEntry("all of acme", `https://github\.com/acme/.*`)
	one, two, three := s.Sign(release()), s.Sign(second), s.Sign(nightly)
	for _, tt := range []struct {
		name    string
		trust   []sigstore.Entry
		bundles [][]byte
		want    int
	}{
		{"two tags", []sigstore.Entry{rel}, [][]byte{one, two}, 1},
		{"two entries for one certificate", []sigstore.Entry{rel, all}, [][]byte{one}, 1},
		{"two workflows", []sigstore.Entry{rel, night}, [][]byte{one, three}, 2},
		{"two workflows in one entry", []sigstore.Entry{all}, [][]byte{one, three}, 1},
		{"two tags in entries that overlap", []sigstore.Entry{all, rel}, [][]byte{one, two}, 1},
	} {
		v := newVerifier(t, parseRoot(t, s.TrustedRoot(nil)), nil, tt.trust...)
		report := verify.Collect(t.Context(), verify.Descriptor{Digest: image}, signed(tt.bundles...), v)
		if len(report.Attestations) != len(tt.bundles) {
			t.Errorf("%s: %v", tt.name, report.Rejected)
		}
		for n := 1; n <= 2; n++ {
			rule := policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://example.com/p"}, AtLeast: n}
			if d := rule.Decide(t.Context(), &policy.Input{Report: report}); (d.Verdict == policy.Allow) != (n <= tt.want) {
				t.Errorf("%s, at least %d: %v", tt.name, n, d)
			}
		}
	}
	v := newVerifier(t, parseRoot(t, s.TrustedRoot(nil)), nil, rel, all)
	att, err := v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: one})
	if err != nil {
		t.Fatal(err)
	}
	got := att.Signers[0]
	if fmt.Sprint(got.Entries) != "[release all of acme]" || got.Claims[string(sigstore.SourceRepositoryIdentifier)] != "1234" ||
		got.Name != "release" ||
		!got.SignedAt.Equal(signedAt) || got.TimeSource != verify.TimeLogged || got.Identity.Kind != verify.OIDCIdentity {
		t.Errorf("%+v", got)
	}
}

// Names and claims are compared whole, whatever the pattern says of its ends.
func TestPatterns(t *testing.T) {
	s := sigstoretest.New(signedAt)
	data := s.Sign(release())
	for _, tt := range []struct {
		pattern string
		match   bool
	}{
		{`https://github\.com/acme/app/.*`, true},
		{`github\.com/acme/app/.*`, false},
		{`https://github\.com/acme/app/`, false},
		{`^https://github\.com/acme/app/.*$`, true},
		{`(?m)^https://github.*$`, true},
		{`x|https://github\.com/acme/app/.*`, true},
		{`https://github\.com/acme|x`, false},
		{`.*v1`, false},
	} {
		v := newVerifier(t, parseRoot(t, s.TrustedRoot(nil)), nil,
			sigstore.Entry{Name: "x", URI: sigstore.Matching(tt.pattern), Issuer: sigstore.Exactly(actions)})
		_, err := v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: data})
		if (err == nil) != tt.match {
			t.Errorf("%s: %v", tt.pattern, err)
		}
	}
	// What is not proven matches nothing, not even anything.
	for c, want := range map[sigstore.Claim]bool{sigstore.SourceRepositoryURI: true, sigstore.DeploymentEnvironment: false} {
		e := sigstore.Entry{Name: "x", Issuer: sigstore.Exactly(actions),
			Claims: map[sigstore.Claim]sigstore.Pattern{c: sigstore.Matching(".*")}}
		v := newVerifier(t, parseRoot(t, s.TrustedRoot(nil)), nil, e)
		if _, err := v.Verify(t.Context(), verify.Descriptor{Digest: image},
			verify.Descriptor{MediaType: bundleType, Data: data}); (err == nil) != want {
			t.Errorf("%s: %v", c, err)
		}
	}
}

// A trust list that cannot mean what it says is refused when it is made.
func TestTrustLists(t *testing.T) {
	root := parseRoot(t, sigstoretest.New(signedAt).TrustedRoot(nil))
	some := sigstore.Exactly("x")
	key := verify.TrustedKey{}
	for what, trust := range map[string][]sigstore.Entry{
		"no name":           {{URI: some, Issuer: some}},
		"one name twice":    {{Name: "a", URI: some, Issuer: some}, {Name: "a", Email: some, Issuer: some}},
		"no issuer":         {{Name: "a", URI: some}},
		"issuer alone":      {{Name: "a", Issuer: some}},
		"two names":         {{Name: "a", URI: some, Email: some, Issuer: some}},
		"no expression":     {{Name: "a", URI: sigstore.Matching("("), Issuer: some}},
		"escaping":          {{Name: "a", URI: sigstore.Matching("a)|(b"), Issuer: some}},
		"both":              {{Name: "a", URI: sigstore.Pattern{Exact: "a", Expression: "b"}, Issuer: some}},
		"empty claim":       {{Name: "a", Issuer: some, Claims: map[sigstore.Claim]sigstore.Pattern{sigstore.BuildTrigger: {}}}},
		"unknown claim":     {{Name: "a", Issuer: some, Claims: map[sigstore.Claim]sigstore.Pattern{"sourceRepositoryUri": some}}},
		"nothing":           {{Name: "a"}},
		"key and name":      {{Name: "a", URI: some, Issuer: some, Key: &key}},
		"empty key":         {{Name: "a", Key: &key}},
		"times without key": {{Name: "a", URI: some, Issuer: some, NotAfter: time.Now()}},
	} {
		if _, err := sigstore.New(root, trust, nil); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if _, err := sigstore.New(nil, nil, nil); err == nil {
		t.Error("no root: accepted")
	}
}

// What people mean, and what they cannot mean.
func TestExpect(t *testing.T) {
	s := sigstoretest.New(signedAt)
	root := parseRoot(t, s.TrustedRoot(nil))
	type entry struct {
		sigstore.Entry
		err error
	}
	of := func(e sigstore.Entry, err error) entry { return entry{e, err} }
	cluster := "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC"
	for _, tt := range []struct {
		name    string
		entry   entry
		signing sigstoretest.Signing
		match   bool
	}{
		{"GitLab at a tag", of(sigstore.GitLab{Project: "g/p", Tags: "v*"}.Entry("x")), sigstoretest.Signing{Issuer: "https://gitlab.com",
			URI: "https://gitlab.com/g/p//.gitlab-ci.yml@refs/tags/v1", Claims: map[int]string{12: "https://gitlab.com/g/p"}}, true},
		{"GitLab at a branch", of(sigstore.GitLab{Project: "g/p", Branch: "main"}.Entry("x")),
			sigstoretest.Signing{Issuer: "https://gitlab.com",
				URI: "https://gitlab.com/g/p//.gitlab-ci.yml@refs/heads/main", Claims: map[int]string{12: "https://gitlab.com/g/p"}}, true},
		{"GitLab, other project", of(sigstore.GitLab{Project: "g/p", Tags: "v*"}.Entry("x")),
			sigstoretest.Signing{Issuer: "https://gitlab.com",
				URI: "https://gitlab.com/g/p/q//.gitlab-ci.yml@refs/tags/v1", Claims: map[int]string{12: "https://gitlab.com/g/p/q"}},
			false},
		{"service account", of(sigstore.KubernetesServiceAccount("x", cluster, "ci", "build")), sigstoretest.Signing{Issuer: cluster,
			URI: "https://kubernetes.io/namespaces/ci/serviceaccounts/build"}, true},
		{"service account of another cluster", of(sigstore.KubernetesServiceAccount("x", cluster, "ci", "build")),
			sigstoretest.Signing{Issuer: cluster + "D", URI: "https://kubernetes.io/namespaces/ci/serviceaccounts/build"}, false},
		{"SPIFFE", of(sigstore.SPIFFE("x", "https://spire.example", "spiffe://example.org/ci")),
			sigstoretest.Signing{Issuer: "https://spire.example", URI: "spiffe://example.org/ci"}, true},
		{"SPIFFE below", of(sigstore.SPIFFE("x", "https://spire.example", "spiffe://example.org/ci")),
			sigstoretest.Signing{Issuer: "https://spire.example", URI: "spiffe://example.org/ci/x"}, false},
		{"person", of(sigstore.Person("x", "https://accounts.google.com", "a@example.com")),
			sigstoretest.Signing{Issuer: "https://accounts.google.com",
				Leaf: setSAN("\x01a@example.com")}, true},
		{"person at another provider", of(sigstore.Person("x", "https://accounts.google.com", "a@example.com")),
			sigstoretest.Signing{Issuer: "https://github.com/login/oauth", Leaf: setSAN("\x01a@example.com")}, false},
		{"user of a domain", of(sigstore.Entry{Name: "x", Issuer: sigstore.Exactly("https://idp.example"),
			OtherName: sigstore.Exactly("somebody!example.org")}, nil), sigstoretest.Signing{Issuer: "https://idp.example",
			Leaf: setSAN("\x00somebody!example.org")}, true},
		{"Google's service account", of(sigstore.GoogleServiceAccount("x", "b@p.iam.gserviceaccount.com")),
			sigstoretest.Signing{Issuer: "https://accounts.google.com", Leaf: setSAN("\x01b@p.iam.gserviceaccount.com")}, true},
		{"reusable workflow", of(sigstore.GitHub{Repository: "acme/app", Workflow: "release.yml", Tags: "v*",
			Builder: "https://github.com/slsa/b/.github/workflows/g.yml@refs/tags/v2.*"}.Entry("x")), func() sigstoretest.Signing {
			g := release()
			g.URI = "https://github.com/slsa/b/.github/workflows/g.yml@refs/tags/v2.1"
			g.Claims[9] = g.URI
			return g
		}(), true},
		{"branch", of(sigstore.GitHub{Repository: "acme/app", Workflow: "release.yml", Branch: "main", SelfHosted: true,
			Triggers: []string{"workflow_run"}}.Entry("x")), func() sigstoretest.Signing {
			g := release()
			ref(&g, "refs/heads/main")
			g.Claims[20], g.Claims[11] = "workflow_run", "self-hosted"
			return g
		}(), true},
	} {
		if tt.entry.err != nil {
			t.Errorf("%s: %v", tt.name, tt.entry.err)
			continue
		}
		g := tt.signing
		g.At, g.Payload = signedAt, payload
		v := newVerifier(t, root, nil, tt.entry.Entry)
		_, err := v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: s.Sign(g)})
		if (err == nil) != tt.match || err != nil && !errors.Is(err, sigstore.ErrIdentity) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	for what, e := range map[string]entry{
		"no owner":         of(sigstore.GitHub{Repository: "app", Workflow: "r.yml", Tags: "v*"}.Entry("x")),
		"pattern":          of(sigstore.GitHub{Repository: "acme/*", Workflow: "r.yml", Tags: "v*"}.Entry("x")),
		"no ref":           of(sigstore.GitHub{Repository: "acme/app", Workflow: "r.yml"}.Entry("x")),
		"two refs":         of(sigstore.GitHub{Repository: "acme/app", Workflow: "r.yml", Tags: "v*", Branch: "main"}.Entry("x")),
		"branches":         of(sigstore.GitHub{Repository: "acme/app", Workflow: "r.yml", Branch: "*"}.Entry("x")),
		"path of workflow": of(sigstore.GitHub{Repository: "acme/app", Workflow: "a/r.yml", Tags: "v*"}.Entry("x")),
		"no group":         of(sigstore.GitLab{Project: "p", Tags: "v*"}.Entry("x")),
		"no issuer":        of(sigstore.KubernetesServiceAccount("x", "", "ns", "sa")),
		"every account":    of(sigstore.KubernetesServiceAccount("x", cluster, "ns", "*")),
		"path of account":  of(sigstore.KubernetesServiceAccount("x", cluster, "ns/x", "sa")),
		"no address":       of(sigstore.Person("x", "https://accounts.google.com", "a")),
		"no account":       of(sigstore.GoogleServiceAccount("x", "a@example.com")),
		"no SPIFFE ID":     of(sigstore.SPIFFE("x", "https://spire.example", "https://example.org/ci")),
		"trust domain":     of(sigstore.SPIFFE("x", "https://spire.example", "spiffe://example.org")),
	} {
		if e.err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

// What every verifier must refuse.
func TestVerifier(t *testing.T) {
	s := sigstoretest.New(signedAt)
	opts := &sigstore.Options{Formats: []verify.Format{verify.Bundle, verify.SimpleSigning}, Limits: verify.Limits{EvidenceBytes: 1 << 20}}
	h := &verifytest.Harness{
		Verifier: newVerifier(t, parseRoot(t, s.TrustedRoot(nil)), opts, acme(t)),
		Subject:  verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: image, Size: 8},
		TooLarge: 1<<20 + 1,
	}
	for _, tiles := range []bool{false, true} {
		g, stranger := release(), release()
		g.Tiles, stranger.Tiles = tiles, tiles
		stranger.Claims = maps.Clone(stranger.Claims)
		repository("https://github.com/mallory/app")(&stranger)
		for i, g := range []sigstoretest.Signing{g, stranger} {
			data := s.Sign(g)
			d := verify.Descriptor{MediaType: bundleType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
			if i == 0 {
				h.Good = append(h.Good, d)
			} else {
				h.Untrusted = append(h.Untrusted, d)
			}
		}
	}
	verifytest.Run(t, h)
}

// A key is trusted at every proven time or not at all, and in two entries where both say so.
func TestKeyTimes(t *testing.T) {
	files := unpack(t, corpus)
	dir := "sigstore-bundles/sigstore-sigstore-conformance/bundle-verify/"
	bundle, file := files[dir+"managed-key-happy-path/bundle.sigstore.json"], files[dir+"a.txt"]
	key, err := verify.ParseTrustedKey(files[dir+"managed-key-happy-path/key.pub"])
	if err != nil {
		t.Fatal(err)
	}
	root := parseRoot(t, files[production])
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	entry := func(name string, from, to time.Time) sigstore.Entry {
		return sigstore.Entry{Name: name, Key: &key, NotBefore: from, NotAfter: to}
	}
	for _, tt := range []struct {
		name  string
		trust []sigstore.Entry
		want  error
	}{
		{"always", []sigstore.Entry{entry("a", time.Time{}, time.Time{})}, nil},
		{"then", []sigstore.Entry{entry("a", year(2020), year(2040))}, nil},
		{"ended", []sigstore.Entry{entry("a", year(2020), year(2021))}, sigstore.ErrKeyTime},
		{"begins", []sigstore.Entry{entry("a", year(2040), time.Time{})}, sigstore.ErrKeyTime},
		{"in two entries", []sigstore.Entry{entry("a", year(2020), year(2040)), entry("b", time.Time{}, time.Time{})}, nil},
		{"in two entries, one ended", []sigstore.Entry{entry("a", year(2020), year(2040)), entry("b", time.Time{}, year(2021))},
			sigstore.ErrKeyTime},
	} {
		v := newVerifier(t, root, nil, tt.trust...)
		att, err := v.VerifyBlob(t.Context(), strings.NewReader(string(file)), verify.Descriptor{Data: bundle})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err == nil && (len(att.Signers) != 1 || len(att.Signers[0].Entries) != len(tt.trust) ||
			att.Signers[0].TimeSource != verify.TimeLogged) {
			t.Errorf("%s: %+v", tt.name, att.Signers)
		}
	}
}

// Early signers hashed with SHA-256 whatever their key.
func TestSchemes(t *testing.T) {
	s, g := sigstoretest.New(signedAt), release()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	g.Key = key
	data := s.Sign(g)
	for _, tt := range []struct {
		schemes    []verify.Scheme
		early, now bool
	}{
		{nil, false, true},
		{[]verify.Scheme{0}, false, true},
		{[]verify.Scheme{0, verify.ECDSAWithSHA256}, true, true},
		{[]verify.Scheme{verify.ECDSAWithSHA256}, true, true}, // the other's default
		{[]verify.Scheme{verify.ECDSAWithSHA512}, false, false},
		{[]verify.Scheme{verify.SHA256WithRSA}, false, false},
	} {
		v := newVerifier(t, parseRoot(t, s.TrustedRoot(nil)), &sigstore.Options{Schemes: tt.schemes}, acme(t))
		_, err := v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: data})
		if (err == nil) != tt.early || err != nil &&
			(!errors.Is(err, sigstore.ErrSignature) || !strings.Contains(err.Error(), "by ECDSA-SHA256, which")) {
			t.Errorf("%v: %v", tt.schemes, err)
		}
		_, err = v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: s.Sign(release())})
		if (err == nil) != tt.now {
			t.Errorf("%v, P-256: %v", tt.schemes, err)
		}
	}
}

// Roots of every published version, and with one of their entries of a kind that is not known.
func TestRoots(t *testing.T) {
	s := sigstoretest.New(signedAt)
	data := s.Sign(release())
	for what, edit := range map[string]func(map[string]any){
		"v0.1, other form": func(r map[string]any) { r["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.1+json" },
		"v0.2": func(r map[string]any) {
			r["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.2+json"
			at(r, "tlogs", 0)["operator"] = "example"
			at(r, "certificateAuthorities", 0)["operator"] = "example"
		},
		"unknown key":        func(r map[string]any) { at(r, "tlogs", 1, "publicKey")["keyDetails"] = "SLH_DSA" },
		"post-quantum log":   func(r map[string]any) { at(r, "tlogs", 1, "publicKey")["keyDetails"] = "ML_DSA_44" },
		"unknown hash":       func(r map[string]any) { at(r, "tlogs", 1)["hashAlgorithm"] = "SHA3_256" },
		"URL without scheme": func(r map[string]any) { at(r, "tlogs", 0)["baseUrl"] = "rekor.example" },
		"no timestamps":      func(r map[string]any) { delete(r, "timestampAuthorities") },
		"a log twice":        func(r map[string]any) { r["tlogs"] = append(r["tlogs"].([]any), at(r, "tlogs", 0)) },
	} {
		v := newVerifier(t, parseRoot(t, s.TrustedRoot(edit)), nil, acme(t))
		if _, err := v.Verify(t.Context(), verify.Descriptor{Digest: image},
			verify.Descriptor{MediaType: bundleType, Data: data}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, edit := range map[string]func(map[string]any){
		"v0.3":           func(r map[string]any) { r["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.3+json" },
		"no media type":  func(r map[string]any) { delete(r, "mediaType") },
		"unknown member": func(r map[string]any) { r["witnesses"] = []any{} },
		"no time": func(r map[string]any) {
			at(r, "tlogs", 1, "publicKey")["validFor"] = map[string]any{"start": "yesterday"}
		},
	} {
		if _, err := sigstore.ParseRoot(s.TrustedRoot(edit), nil); err == nil {
			t.Errorf("%s: read", what)
		}
	}
	// Two logs of one key that end at different times are no log.
	r := parseRoot(t, s.TrustedRoot(func(r map[string]any) {
		log := maps.Clone(at(r, "tlogs", 0))
		log["publicKey"] = maps.Clone(at(log, "publicKey"))
		at(log, "publicKey")["validFor"] = map[string]any{"start": "2020-01-01T00:00:00Z"}
		r["tlogs"] = append(r["tlogs"].([]any), log)
	}))
	_, err := newVerifier(t, r, nil, acme(t)).Verify(t.Context(), verify.Descriptor{Digest: image},
		verify.Descriptor{MediaType: bundleType, Data: data})
	if !errors.Is(err, sigstore.ErrUnknownLog) || len(r.Unusable()) != 1 {
		t.Errorf("%v, %v", err, r.Unusable())
	}
}

// An instance without logs, as GitHub's for private repositories is, asks for a timestamp instead. What it asks for belongs to its
// trusted root, and nothing in a bundle chooses it.
func TestInstanceWithoutLogs(t *testing.T) {
	public, private := sigstoretest.New(signedAt), sigstoretest.New(signedAt)
	noLogs := func(r map[string]any) { delete(r, "tlogs"); delete(r, "ctlogs") }
	opts := &sigstore.Options{Logs: -1, SCTs: -1, Timestamps: 1}
	ofPublic := newVerifier(t, parseRoot(t, public.TrustedRoot(nil)), nil, acme(t))
	ofPrivate := newVerifier(t, parseRoot(t, private.TrustedRoot(noLogs)), opts, acme(t))

	g := release()
	g.Timestamp = true
	g.SCT = func(s *sigstoretest.SCT) { s.Key = nil }
	logged := private.Sign(g)
	g.Bundle = func(b map[string]any) { delete(at(b, "verificationMaterial"), "tlogEntries") }
	for what, data := range map[string][]byte{"no entry": private.Sign(g), "an entry of a log that is not in the root": logged} {
		d := verify.Descriptor{MediaType: bundleType, Data: data}
		att, err := ofPrivate.Verify(t.Context(), verify.Descriptor{Digest: image}, d)
		if err != nil || att.Signers[0].TimeSource != verify.TimeStamped {
			t.Errorf("%s: %v, %v", what, att, err)
			continue
		}
		unchecked := 0
		for _, c := range att.Checks {
			if c.Status == verify.NotChecked {
				unchecked++
			}
		}
		if unchecked < 2 { // log, certificate transparency
			t.Errorf("%s: %v", what, att.Checks)
		}
		if _, err := ofPublic.Verify(t.Context(), verify.Descriptor{Digest: image}, d); err == nil {
			t.Errorf("%s: accepted by the other instance", what)
		}
	}
	// The public instance's rules hold for its own bundles, whatever they leave out.
	for what, data := range map[string][]byte{"no log": public.Sign(g)} {
		_, err := ofPublic.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: data})
		if !errors.Is(err, sigstore.ErrTooFewLogs) {
			t.Errorf("%s: %v", what, err)
		}
	}
	g.Timestamp, g.Bundle = false, func(b map[string]any) { delete(at(b, "verificationMaterial"), "tlogEntries") }
	_, err := ofPrivate.Verify(t.Context(), verify.Descriptor{Digest: image},
		verify.Descriptor{MediaType: bundleType, Data: private.Sign(g)})
	if !errors.Is(err, sigstore.ErrTooFewTimestamps) {
		t.Errorf("no timestamp: %v", err)
	}
}

// Two logs are two if their operators are.
func TestOperators(t *testing.T) {
	s, g := sigstoretest.New(signedAt), release()
	g.Both = true
	data := s.Sign(g)
	operators := func(first, second string) func(map[string]any) {
		return func(r map[string]any) {
			r["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.2+json"
			at(r, "tlogs", 0)["operator"], at(r, "tlogs", 1)["operator"] = first, second
		}
	}
	for _, tt := range []struct {
		name  string
		root  func(map[string]any)
		named map[string]string
		want  error
	}{
		{"of hosts of their own", nil, nil, nil},
		{"of two operators", operators("a", "b"), nil, nil},
		{"of one operator", operators("a", "a"), nil, sigstore.ErrTooFewLogs},
		{"of one, as the caller says", nil, map[string]string{"rekor.example": "a", "tiles.example": "a"}, sigstore.ErrTooFewLogs},
		{"of two, as the caller says", operators("a", "a"), map[string]string{"rekor.example": "b"}, nil},
	} {
		root, err := sigstore.ParseRoot(s.TrustedRoot(tt.root), &sigstore.RootOptions{Operators: tt.named})
		if err != nil {
			t.Fatal(err)
		}
		v := newVerifier(t, root, &sigstore.Options{Logs: 2}, acme(t))
		att, err := v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: data})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err == nil && !att.Signers[0].SignedAt.Equal(signedAt) {
			t.Errorf("%s: %+v", tt.name, att.Signers)
		}
	}
}

// Two timestamps are two if their authorities' operators are. All that are there must hold, and count as times.
func TestTimestampAuthorities(t *testing.T) {
	s, clock, stranger := sigstoretest.New(signedAt), sigstoretest.New(signedAt), sigstoretest.New(signedAt)
	var err error
	stranger.TSA, err = tsatest.New(stranger.From, stranger.To, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(77) })
	if err != nil {
		t.Fatal(err)
	}
	sign := func(edit func(sig []byte) []byte) []byte {
		g := release()
		g.Tiles = true
		var sig []byte
		g.Stamp = func(b []byte) []byte { sig = b; return b }
		g.Bundle = func(b map[string]any) {
			d := at(b, "verificationMaterial", "timestampVerificationData")
			d["rfc3161Timestamps"] = append(d["rfc3161Timestamps"].([]any), map[string]any{"signedTimestamp": edit(sig)})
		}
		return s.Sign(g)
	}
	by := func(a *tsatest.Authority, after time.Duration, content string) []byte {
		return sign(func(sig []byte) []byte {
			if content != "" {
				sig = []byte(content)
			}
			return sigstoretest.TimeStamp(a, signedAt.Add(after), sig, nil)
		})
	}
	good := by(clock.TSA, time.Minute, "")
	with := func(url string, operators ...string) func(map[string]any) {
		return func(r map[string]any) {
			var other map[string]any
			if err := json.Unmarshal(clock.TrustedRoot(nil), &other); err != nil {
				t.Fatal(err)
			}
			second := at(other, "timestampAuthorities", 0)
			second["uri"] = url
			r["timestampAuthorities"] = append(r["timestampAuthorities"].([]any), second)
			if operators != nil {
				r["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.2+json"
				at(r, "timestampAuthorities", 0)["operator"], second["operator"] = operators[0], operators[1]
			}
		}
	}
	const url = "https://clock.example/api"
	for _, tt := range []struct {
		name string
		data []byte
		root func(map[string]any)
		n    int
		want error
	}{
		{"two hosts", good, with(url), 2, nil},
		{"two operators", good, with("https://tsa.example", "a", "b"), 2, nil},
		{"one operator", good, with(url, "a", "a"), 2, sigstore.ErrTooFewTimestamps},
		{"one host", good, with("https://tsa.example/2"), 2, sigstore.ErrTooFewTimestamps},
		{"hosts of one domain", good, with("https://new.tsa.example"), 2, sigstore.ErrTooFewTimestamps},
		{"three asked for", good, with(url), 3, sigstore.ErrTooFewTimestamps},
		{"one authority, at two times", by(s.TSA, time.Minute, ""), with(url), 2, sigstore.ErrTooFewTimestamps},
		{"second over something else", by(clock.TSA, 0, "another"), with(url), 1, sigstore.ErrTimestampContent},
		{"second when the certificate is over", by(clock.TSA, time.Hour, ""), with(url), 1, sigstore.ErrChainTime},
		{"second before the certificate", by(clock.TSA, -time.Hour, ""), with(url), 1, sigstore.ErrChainTime},
		{"second under the first's name", good, nil, 1, sigstore.ErrTimestampSigner},
		{"second of a stranger", by(stranger.TSA, 0, ""), with(url), 1, nil},
		{"second of a stranger, two asked for", by(stranger.TSA, 0, ""), with(url), 2, sigstore.ErrTooFewTimestamps},
	} {
		v := newVerifier(t, parseRoot(t, s.TrustedRoot(tt.root)), &sigstore.Options{Timestamps: tt.n}, acme(t))
		att, err := v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: tt.data})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, not %v", tt.name, err, tt.want)
		}
		if err == nil && (!att.Signers[0].SignedAt.Equal(signedAt) || att.Signers[0].TimeSource != verify.TimeStamped) {
			t.Errorf("%s: %+v", tt.name, att.Signers)
		}
	}
}

// A trusted root of version 0.2 names the key of checkpoints, which is the log's own: nothing else is one.
func TestCheckpointKey(t *testing.T) {
	s := sigstoretest.New(signedAt)
	data := s.Sign(release())
	for what, tt := range map[string]struct {
		id   []byte
		want error
	}{
		"whole": {s.RekorID(), nil}, "its beginning": {s.RekorID()[:4], nil},
		"of the other log": {s.TilesID(), sigstore.ErrUnknownLog}, "one byte more": {append(s.RekorID(), 0), sigstore.ErrUnknownLog},
		"three bytes": {s.RekorID()[:3], sigstore.ErrUnknownLog},
	} {
		root := parseRoot(t, s.TrustedRoot(func(r map[string]any) {
			r["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.2+json"
			at(r, "tlogs", 0)["checkpointKeyId"] = map[string]any{"keyId": tt.id}
		}))
		v := newVerifier(t, root, nil, acme(t))
		_, err := v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: data})
		if !errors.Is(err, tt.want) || (tt.want != nil) != (len(root.Unusable()) == 1) {
			t.Errorf("%s: %v, %v", what, err, root.Unusable())
		}
	}
}

// A post-quantum key is in no log, and a timestamp says when it signed: an instance without logs may ask for one.
func TestMLDSAKey(t *testing.T) {
	s := sigstoretest.New(signedAt)
	key, err := mldsa.GenerateKey(mldsa.MLDSA65())
	if err != nil {
		t.Fatal(err)
	}
	sig, err := key.Sign(nil, dsse.PAE(dsse.PayloadType, release().Payload), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	stamp := sigstoretest.TimeStamp(s.TSA, signedAt, sig, nil)
	data, err := json.Marshal(map[string]any{"mediaType": bundleType,
		"verificationMaterial": map[string]any{"publicKey": map[string]any{"hint": "k"},
			"timestampVerificationData": map[string]any{"rfc3161Timestamps": []any{map[string]any{"signedTimestamp": stamp}}}},
		"dsseEnvelope": map[string]any{"payload": release().Payload, "payloadType": dsse.PayloadType,
			"signatures": []any{map[string]any{"sig": sig}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		opts sigstore.Options
		end  time.Time
		want error
	}{
		{"timestamp", sigstore.Options{Logs: -1, Timestamps: 1}, time.Time{}, nil},
		{"key trusted then", sigstore.Options{Logs: -1}, signedAt, nil},
		{"key ended", sigstore.Options{Logs: -1}, signedAt.Add(-time.Second), sigstore.ErrKeyTime},
		{"log asked for", sigstore.Options{}, time.Time{}, sigstore.ErrTooFewLogs},
	} {
		e := sigstore.Entry{Name: "quantum", Key: &verify.TrustedKey{Key: key.PublicKey()}, NotAfter: tt.end}
		v := newVerifier(t, parseRoot(t, s.TrustedRoot(nil)), &tt.opts, e)
		att, err := v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: data})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, not %v", tt.name, err, tt.want)
		}
		if err == nil && (att.Signers[0].TimeSource != verify.TimeStamped || att.Signers[0].Name != "quantum") {
			t.Errorf("%s: %+v", tt.name, att.Signers)
		}
	}
}
