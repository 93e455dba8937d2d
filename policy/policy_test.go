package policy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

var (
	now     = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	subject = verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}
	alice   = verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("a", 64)}
	bob     = verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("b", 64)}
)

const sbomType = "https://cyclonedx.org/bom"

func signature(ids ...verify.Identity) *verify.Attestation {
	a := &verify.Attestation{Kind: verify.ImageSignature, Subject: subject}
	for _, id := range ids {
		a.Signers = append(a.Signers, verify.Signer{Identity: id})
	}
	return a
}

func statement(predicateType string, at time.Time) *verify.Attestation {
	return &verify.Attestation{Kind: verify.Statement, Subject: subject, PredicateType: predicateType,
		Signers: []verify.Signer{{Identity: alice, SignedAt: at, TimeSource: verify.TimeStamped}}}
}

// sbomSaying is an SBOM of alice's that says something.
func sbomSaying(predicate string) *verify.Attestation {
	a := statement(sbomType, now)
	a.Predicate = []byte(predicate)
	return a
}

func report(as ...*verify.Attestation) *verify.Report {
	return &verify.Report{Subject: subject, Attestations: as}
}

// many are statements of as many types.
func many(n int) (out []*verify.Attestation) {
	for i := range n {
		out = append(out, statement(fmt.Sprint(i), now))
	}
	return out
}

func TestRequire(t *testing.T) {
	sig := policy.Require{Kind: verify.ImageSignature}
	sbom := policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}}
	errContent := errors.New("the SBOM names no module")
	rejected := func(err error) *verify.Report {
		return &verify.Report{Subject: subject, Rejected: []*verify.RejectedError{{Err: err}}}
	}
	errOutage := errors.New("registry answers 500")
	tests := []struct {
		name   string
		rule   policy.Require
		report *verify.Report
		want   policy.Verdict
		reason string // a part of it
		cause  error
	}{
		{"signature", sig, report(signature(alice)), policy.Allow, "image signature by key sha256:aaaaaaaaaaaa", nil},
		{"nothing there", sig, report(), policy.Deny, "nothing is attached to " + string(subject.Digest), nil},
		{"attestation is no signature", sig, report(statement(sbomType, now)), policy.Deny,
			"there is only a statement of type " + sbomType, nil},
		{"blob signature is no signature", sig, report(&verify.Attestation{Kind: verify.Blob, Signers: signature(alice).Signers}),
			policy.Deny, "only a blob signature", nil},
		{"refused candidates say why", sig, rejected(verify.ErrNotTrusted), policy.Deny, "no image signature: signer is not trusted",
			verify.ErrNotTrusted},
		{"every verifier says why", sig, rejected(errors.Join(verify.ErrNotTrusted, verify.ErrRevoked)), policy.Deny,
			"signer is not trusted; signer was revoked", verify.ErrRevoked},
		{"could not look", sig, &verify.Report{Subject: subject, Incomplete: []error{errOutage}}, policy.Indeterminate,
			"could not look for image signature: registry answers 500", errOutage},
		{"found although not all could be looked at", sig,
			&verify.Report{Attestations: report(signature(alice)).Attestations, Incomplete: []error{errOutage}}, policy.Allow, "", nil},

		{"statement", sbom, report(statement(sbomType, now)), policy.Allow, "", nil},
		{"type is exact", sbom, report(statement(sbomType+"/v1.4", now)), policy.Deny, sbomType + "/v1.4", nil},
		{"either type", policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://x.example/y", sbomType}},
			report(statement(sbomType, now)), policy.Allow, "", nil},
		{"signature is no statement", sbom, report(signature(alice)), policy.Deny, "only an image signature", nil},

		{"by", policy.Require{Kind: verify.ImageSignature, By: []verify.Identity{bob}}, report(signature(alice), signature(bob)),
			policy.Allow, "key sha256:bbbb", nil},
		{"by another", policy.Require{Kind: verify.ImageSignature, By: []verify.Identity{bob}}, report(signature(alice)), policy.Deny,
			"key sha256:aaaaaaaaaaaa, who is not asked for", nil},
		{"two signers", policy.Require{Kind: verify.ImageSignature, AtLeast: 2}, report(signature(alice), signature(bob)), policy.Allow,
			"aaaaaaaaaaaa and key sha256:bbbb", nil},
		{"two signers of one signature", policy.Require{Kind: verify.ImageSignature, AtLeast: 2}, report(signature(alice, bob)),
			policy.Allow, "", nil},
		{"one signer twice", policy.Require{Kind: verify.ImageSignature, AtLeast: 2}, report(signature(alice), signature(alice)),
			policy.Deny, "1 of 2 required signers for image signature (key sha256:aaaaaaaaaaaa)", nil},

		{"young enough", policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, MaxAge: time.Hour},
			report(statement(sbomType, now.Add(-time.Minute))), policy.Allow, "", nil},
		{"too old", policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, MaxAge: time.Hour},
			report(statement(sbomType, now.Add(-2*time.Hour))), policy.Deny, "2026-11-24T10:00:00Z, is longer than 1h0m0s ago", nil},
		{"in the future", policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, MaxAge: time.Hour},
			report(statement(sbomType, now.Add(time.Hour))), policy.Deny, "in the future", nil},
		{"without time", policy.Require{Kind: verify.ImageSignature, MaxAge: time.Hour}, report(signature(alice)), policy.Deny,
			"nobody says when", nil},

		{"content", policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType},
			Check: func(context.Context, *policy.Input, *verify.Attestation) error { return errContent }},
			report(statement(sbomType, now)), policy.Deny, "that will do: the SBOM names no module", errContent},

		{"a type that writes lines of its own", sbom, report(statement("x\nALLOW: all is well\x1b[2J", now)), policy.Deny,
			"of type x ALLOW: all is well [2J", nil},
		{"more reasons than one reads", sbom, report(many(7)...), policy.Deny, "of type 2 and 4 more", nil},

		{"asks for nothing", policy.Require{}, report(signature(alice)), policy.Indeterminate, "invalid", nil},
		{"asks for a blob", policy.Require{Kind: verify.Blob}, report(signature(alice)), policy.Indeterminate,
			"says nothing about an image", nil},
		{"statement of any type", policy.Require{Kind: verify.Statement}, report(statement(sbomType, now)), policy.Indeterminate,
			"of which predicate type", nil},
		{"signature with type", policy.Require{Kind: verify.ImageSignature, PredicateTypes: []string{sbomType}}, report(signature(alice)),
			policy.Indeterminate, "has none", nil},
		{"negative threshold", policy.Require{Kind: verify.ImageSignature, AtLeast: -1}, report(signature(alice)), policy.Indeterminate,
			"negative", nil},
		{"nobody as signer", policy.Require{Kind: verify.ImageSignature, By: make([]verify.Identity, 1)}, report(signature(alice)),
			policy.Indeterminate, "without identity", nil},
		{"no report", sig, nil, policy.Indeterminate, "no report", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &policy.Input{Report: tt.report, Now: now}
			d := tt.rule.Decide(t.Context(), in)
			if d.Verdict != tt.want || !strings.Contains(d.Reason, tt.reason) {
				t.Fatalf("got %v\nwant %v: ...%s...", d, tt.want, tt.reason)
			}
			if strings.Contains(d.Reason, "\n") {
				t.Errorf("the reason takes more than a line: %q", d.Reason)
			}
			if err := d.Err(); (err == nil) != (tt.want == policy.Allow) {
				t.Errorf("Err() is %v for %v", err, tt.want)
			} else if tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("Err() %v does not wrap %v", err, tt.cause)
			}
			if again := tt.rule.Decide(t.Context(), in); again.String() != d.String() {
				t.Errorf("the second time: %v, the first: %v", again, d)
			}
		})
	}
}

// The truth tables of All and Any, whole, with what policies by others may return wrongly.
func TestCombine(t *testing.T) {
	const I, D, A = policy.Indeterminate, policy.Deny, policy.Allow
	says := func(v policy.Verdict) policy.Policy {
		return policy.Func(func(context.Context, *policy.Input) *policy.Decision {
			return &policy.Decision{Verdict: v, Rule: "rule " + v.String(), Reason: v.String()}
		})
	}
	for _, tt := range []struct{ a, b, all, any policy.Verdict }{
		{I, I, I, I}, {I, D, D, I}, {I, A, I, A},
		{D, I, D, I}, {D, D, D, D}, {D, A, D, A},
		{A, I, I, A}, {A, D, D, A}, {A, A, A, A},
		{A, 9, I, A}, {9, D, D, I}, // not a verdict
	} {
		if got := policy.All(says(tt.a), says(tt.b)).Decide(t.Context(), nil).Verdict; got != tt.all {
			t.Errorf("All(%v, %v) is %v, want %v", tt.a, tt.b, got, tt.all)
		}
		if got := policy.Any(says(tt.a), says(tt.b)).Decide(t.Context(), nil).Verdict; got != tt.any {
			t.Errorf("Any(%v, %v) is %v, want %v", tt.a, tt.b, got, tt.any)
		}
	}
	for name, p := range map[string]policy.Policy{
		"All of nothing": policy.All(),
		"Any of nothing": policy.Any(),
		"All of nil":     policy.All(nil),
		"Any of nil":     policy.Any(nil),
		"nil decision":   policy.All(says(A), policy.Func(func(context.Context, *policy.Input) *policy.Decision { return nil })),
	} {
		if d := p.Decide(t.Context(), &policy.Input{}); d.Verdict != I || d.Err() == nil {
			t.Errorf("%s: %v", name, d)
		}
	}
	d := policy.All(says(A), policy.Any(says(D), says(D)), says(I)).Decide(t.Context(), nil)
	var tree []string
	for depth, part := range d.All() {
		tree = append(tree, strings.Repeat(" ", depth)+part.Verdict.String())
	}
	if diff := cmp.Diff([]string{"DENY", " ALLOW", " DENY", "  DENY", "  DENY", " INDETERMINATE"}, tree); diff != "" {
		t.Error(diff)
	}
	if d.Reason != "none of 2 rules is met: DENY" {
		t.Errorf("the reason %q is not that of the parts that deny", d.Reason)
	}
}

type candidates []verify.Descriptor

func (c candidates) Evidence(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return func(yield func(verify.Descriptor, error) bool) {
		for _, d := range c {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// believer takes any candidate's word; it stands for a verifier whose own tests are elsewhere.
type believer struct{}

func (believer) Verify(_ context.Context, subject, _ verify.Descriptor) (*verify.Attestation, error) {
	return signature(alice), nil
}

func TestGate(t *testing.T) {
	errOpen := errors.New("name not known")
	one := candidates{{Digest: digest.FromString("evidence")}}
	opens := func(image *policy.Image, err error) func(context.Context, string) (*policy.Image, error) {
		return func(context.Context, string) (*policy.Image, error) { return image, err }
	}
	good := policy.Gate{
		Open:      opens(&policy.Image{Subject: subject, Source: one}, nil),
		Verifiers: []verify.Verifier{believer{}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
		Now:       func() time.Time { return now },
	}
	d := good.Check(t.Context(), "acme/app:v1")
	if d.Verdict != policy.Allow || d.Subject.Digest != subject.Digest || d.Name != "acme/app:v1" || !d.Time.Equal(now) {
		t.Fatalf("good gate: %+v", d)
	}
	for name, change := range map[string]func(*policy.Gate){
		"zero gate":      func(g *policy.Gate) { *g = policy.Gate{} },
		"no Open":        func(g *policy.Gate) { g.Open = nil },
		"Open fails":     func(g *policy.Gate) { g.Open = opens(nil, errOpen) },
		"no image":       func(g *policy.Gate) { g.Open = opens(nil, nil) },
		"no digest":      func(g *policy.Gate) { g.Open = opens(&policy.Image{Source: one}, nil) },
		"no source":      func(g *policy.Gate) { g.Open = opens(&policy.Image{Subject: subject}, nil) },
		"no verifiers":   func(g *policy.Gate) { g.Verifiers = nil },
		"no policy":      func(g *policy.Gate) { g.Policy = nil },
		"policy of none": func(g *policy.Gate) { g.Policy = policy.All() },
		"no decision": func(g *policy.Gate) {
			g.Policy = policy.Func(func(context.Context, *policy.Input) *policy.Decision { return nil })
		},
		"context is over": nil,
	} {
		t.Run(name, func(t *testing.T) {
			gate, ctx := good, t.Context()
			if change == nil {
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(ctx)
				cancel()
			} else {
				change(&gate)
			}
			d := gate.Check(ctx, "acme/app:v1")
			if d.Verdict != policy.Indeterminate || !errors.Is(d.Err(), policy.ErrIndeterminate) {
				t.Errorf("%v, error %v", d, d.Err())
			}
			if name == "Open fails" && !errors.Is(d.Err(), errOpen) {
				t.Errorf("the cause is lost in %v", d.Err())
			}
		})
	}
}

// A threshold counts keys: not bundles, formats or signatures, and not the names under which a key is trusted.
func TestThreshold(t *testing.T) {
	one, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	two, err := sign.GenerateKey(sign.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	image := sign.About(subject, sign.ImageSignature{})
	image.Subjects[0].Name = "registry.example.com/acme/app:v1"
	var byOne candidates
	for _, s := range []sign.Signer{&sign.BundleSigner{Key: one}, &sign.BundleSigner{Key: one}, &sign.DSSESigner{Key: one},
		&sign.CosignSigner{Key: one}} {
		d, err := s.Sign(t.Context(), image)
		if err != nil {
			t.Fatal(err)
		}
		byOne = append(byOne, d)
	}
	byTwo, err := (&sign.BundleSigner{Key: two}).Sign(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	all := []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}
	trusted := []verify.Verifier{
		&verify.KeyVerifier{Formats: all, Keys: []verify.TrustedKey{{Key: one.Public()},
			{Key: one.Public(), Schemes: []verify.Scheme{verify.ECDSAWithSHA256, verify.ECDSAWithSHA512}}}},
		&verify.KeyVerifier{Formats: all, Keys: []verify.TrustedKey{{Key: one.Public()}, {Key: two.Public()}}},
	}
	both := append(slices.Clone(byOne), byTwo)
	for _, tt := range []struct {
		there candidates
		rule  policy.Require
		want  policy.Verdict
	}{
		{byOne, policy.Require{Kind: verify.ImageSignature}, policy.Allow},
		{byOne, policy.Require{Kind: verify.ImageSignature, AtLeast: 2}, policy.Deny},
		{both, policy.Require{Kind: verify.ImageSignature, AtLeast: 2}, policy.Allow},
		{both, policy.Require{Kind: verify.ImageSignature, AtLeast: 3}, policy.Deny},
		{both, policy.Require{Kind: verify.ImageSignature, AtLeast: -2}, policy.Indeterminate},
		{both, policy.Require{Kind: verify.Statement, PredicateTypes: []string{sign.ImageSignatureType}}, policy.Deny},
	} {
		r := verify.Collect(t.Context(), subject, tt.there, trusted...)
		if d := tt.rule.Decide(t.Context(), &policy.Input{Report: r, Now: now}); d.Verdict != tt.want {
			t.Errorf("%d candidates, %v: %v", len(tt.there), tt.rule, d)
		}
	}
}

// A policy may hand out the same decision to everybody; a Gate must not write into it.
func TestGateLeavesSharedDecisionsAlone(t *testing.T) {
	shared := &policy.Decision{Verdict: policy.Deny, Reason: "closed"}
	gate := &policy.Gate{
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: candidates{}}, nil
		},
		Verifiers: []verify.Verifier{believer{}},
		Policy:    policy.Func(func(context.Context, *policy.Input) *policy.Decision { return shared }),
	}
	if d := gate.Check(t.Context(), "acme/app:v1"); d.Name == "" || shared.Name != "" {
		t.Errorf("decision %+v, shared %+v", d, shared)
	}
}

func TestDecisionAsJSON(t *testing.T) {
	var nobody *policy.Decision
	if nobody.Err() == nil || !strings.HasPrefix(nobody.String(), "INDETERMINATE") {
		t.Error("a nil decision opens doors")
	}
	in := &policy.Decision{Verdict: policy.Allow, Rule: "rule", Reason: "reason", Name: "acme/app:v1", Subject: subject, Time: now,
		Parts: []*policy.Decision{{Verdict: policy.Deny, Rule: "part"}}}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out := new(policy.Decision)
	if err := json.Unmarshal(data, out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, out); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{`{"verdict":"allow"}`, `{"verdict":"YES"}`, `{"verdict":2}`} {
		if err := json.Unmarshal([]byte(bad), new(policy.Decision)); err == nil {
			t.Errorf("read %s", bad)
		}
	}
	if err := json.Unmarshal([]byte(`{}`), out); err != nil ||
		slices.Contains([]policy.Verdict{policy.Allow}, new(policy.Decision).Verdict) {
		t.Errorf("an empty record: %v", err)
	}
}

// A threshold counts who holds keys: one key under two identities, or one identity with two keys, is one signer, in whatever
// order the evidence comes.
func TestOneSignerUnderTwoNames(t *testing.T) {
	cert := func(subject string) verify.Identity {
		return verify.Identity{Kind: verify.CertificateIdentity, Subject: subject}
	}
	key := func(s string) string { return strings.Repeat(s, 64) }
	bare, under, renewed, other := verify.Signer{Identity: alice, Key: alice.Key},
		verify.Signer{Identity: cert("CN=alice"), Key: alice.Key},
		verify.Signer{Identity: cert("CN=alice"), Key: key("c")}, verify.Signer{Identity: cert("CN=dora"), Key: key("d")}
	// Keyless signers have another identity at each tag and another key at each run.
	workflow := func(tag string, entries ...string) verify.Signer {
		return verify.Signer{Identity: verify.Identity{Kind: verify.OIDCIdentity,
			Subject: "https://github.com/acme/app/.github/workflows/release.yml@" + tag,
			Issuer:  "https://token.actions.githubusercontent.com"}, Key: key(tag), Entries: entries}
	}
	for _, tt := range []struct {
		signers []verify.Signer
		want    int
	}{
		{[]verify.Signer{workflow("1", "release"), workflow("2", "release")}, 1},
		{[]verify.Signer{workflow("1", "release", "acme"), workflow("1", "release", "acme")}, 1},
		{[]verify.Signer{workflow("1", "release"), workflow("2", "nightly")}, 2},
		{[]verify.Signer{workflow("1", "release"), workflow("2", "release", "acme"), workflow("3", "acme")}, 1},
		{[]verify.Signer{workflow("1", "release"), bare}, 2},
		{[]verify.Signer{bare, under}, 1},
		{[]verify.Signer{bare, renewed}, 2},
		{[]verify.Signer{bare, renewed, under}, 1},
		{[]verify.Signer{bare, renewed, other, under, under}, 2},
		{[]verify.Signer{{Identity: cert("CN=a")}, {Identity: cert("CN=b")}}, 2}, // of unknown keys
	} {
		for range len(tt.signers) {
			tt.signers = append(tt.signers[1:], tt.signers[0])
			var as []*verify.Attestation
			for _, s := range tt.signers {
				as = append(as, &verify.Attestation{Kind: verify.ImageSignature, Subject: subject, Signers: []verify.Signer{s}})
			}
			for n := 1; n <= len(tt.signers); n++ {
				d := policy.Require{Kind: verify.ImageSignature, AtLeast: n}.Decide(t.Context(),
					&policy.Input{Report: report(as...), Now: now})
				if (d.Verdict == policy.Allow) != (n <= tt.want) {
					t.Errorf("%v: at least %d: %v", tt.signers, n, d)
				}
			}
		}
	}

	signed := report(&verify.Attestation{Kind: verify.ImageSignature, Subject: subject,
		Signers: []verify.Signer{workflow("1", "acme", "release")}})
	for _, tt := range []struct {
		by      []verify.Identity
		entries []string
		want    policy.Verdict
	}{
		{nil, []string{"release"}, policy.Allow},
		{[]verify.Identity{alice}, []string{"release"}, policy.Allow},
		{nil, []string{"releas"}, policy.Deny},
		{[]verify.Identity{alice}, nil, policy.Deny},
		{nil, []string{""}, policy.Indeterminate},
	} {
		d := policy.Require{Kind: verify.ImageSignature, By: tt.by, ByEntry: tt.entries}.Decide(t.Context(),
			&policy.Input{Report: signed, Now: now})
		if d.Verdict != tt.want {
			t.Errorf("by %v or entries %q: %v", tt.by, tt.entries, d)
		}
	}
}

// What strangers chose, a name for one, writes no line of its own into a log.
func TestErrIsOneLine(t *testing.T) {
	for _, d := range []*policy.Decision{
		{Verdict: policy.Deny, Name: "app\n2026 ALLOW evil\x1b[2J\u2028", Reason: "no"},
		{Verdict: policy.Deny, Name: "app", Reason: "no\r\nALLOW: everything\x1b[2J"},
	} {
		for _, s := range []string{d.Err().Error(), d.String()} {
			if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' }) {
				t.Errorf("%q", s)
			}
		}
	}
}
