package verify_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

type item struct {
	evidence verify.Descriptor
	err      error
}

func source(items ...item) verify.Source {
	return verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			for _, i := range items {
				if !yield(i.evidence, i.err) {
					return
				}
			}
		}
	})
}

// says is a verifier that gives the same answer about everything: one that somebody wrote, and not well.
type says struct {
	att *verify.Attestation
	err error
}

func (s says) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return s.att, s.err
}

// An Attestation that breaks the promises of its type is a rejection, whoever's Verifier made it.
func TestCollectDistrusts(t *testing.T) {
	alice := verify.Signer{Identity: verify.Identity{Kind: verify.KeyIdentity, Key: "a"}}
	with := func(change func(*verify.Attestation)) *verify.Attestation {
		a := &verify.Attestation{Kind: verify.Statement, Subject: subject, PredicateType: "x", Signers: []verify.Signer{alice}}
		change(a)
		return a
	}
	candidate := item{evidence: content("text/plain", []byte("evidence"))}
	for name, a := range map[string]*verify.Attestation{
		"neither attestation nor error": nil,
		"no kind":                       with(func(a *verify.Attestation) { a.Kind = 0 }),
		"a kind that is none":           with(func(a *verify.Attestation) { a.Kind = 9 }),
		"another subject":               with(func(a *verify.Attestation) { a.Subject.Digest = digest.FromString("another") }),
		"no subject":                    with(func(a *verify.Attestation) { a.Subject.Digest = "" }),
		"no predicate type":             with(func(a *verify.Attestation) { a.PredicateType = "" }),
		"no signer":                     with(func(a *verify.Attestation) { a.Signers = nil }),
		"nobody as signer":              with(func(a *verify.Attestation) { a.Signers = make([]verify.Signer, 1) }),
		"a key without a name":          with(func(a *verify.Attestation) { a.Signers[0].Identity.Key = "" }),
		"a certificate of nobody":       with(func(a *verify.Attestation) { a.Signers[0].Identity.Kind = verify.CertificateIdentity }),
		"an identity of no kind":        with(func(a *verify.Attestation) { a.Signers[0].Identity.Kind = 9 }),
		"one signer twice":              with(func(a *verify.Attestation) { a.Signers = append(a.Signers, alice) }),
	} {
		r := verify.Collect(t.Context(), subject, source(candidate), says{att: a})
		if len(r.Attestations) != 0 || len(r.Rejected) != 1 {
			t.Errorf("%s: %d proven, %d rejected", name, len(r.Attestations), len(r.Rejected))
		}
	}
	good := with(func(*verify.Attestation) {})
	if r := verify.Collect(t.Context(), subject, source(candidate), says{}, says{att: good}); len(r.Attestations) != 1 {
		t.Errorf("a verifier's mistake hides what the next one proves: %v", r.Rejected)
	}
}

// What could not be looked at is Incomplete, never "nothing there".
func TestCollectIncomplete(t *testing.T) {
	torn, unchecked := errors.New("registry answers 500"), says{err: verify.ErrUnchecked}
	candidate := item{evidence: content("text/plain", []byte("evidence"))}
	for name, tt := range map[string]struct {
		src       verify.Source
		verifiers []verify.Verifier
		want      error
		rejected  int
	}{
		"no source":                 {nil, []verify.Verifier{unchecked}, nil, 0},
		"no verifier":               {source(candidate), nil, nil, 0},
		"a verifier that is nil":    {source(candidate), []verify.Verifier{unchecked, nil}, nil, 0},
		"the source breaks off":     {source(item{err: torn}, candidate), []verify.Verifier{unchecked}, torn, 0},
		"a candidate does not come": {source(item{candidate.evidence, torn}), []verify.Verifier{unchecked}, torn, 0},
		"a check is not made":       {source(candidate), []verify.Verifier{says{err: verify.ErrNotTrusted}, unchecked}, verify.ErrUnchecked, 0},
		"the next one comes":        {source(item{candidate.evidence, torn}, candidate), []verify.Verifier{says{err: verify.ErrRevoked}}, torn, 1},
	} {
		r := verify.Collect(t.Context(), subject, tt.src, tt.verifiers...)
		if len(r.Incomplete) != 1 || tt.want != nil && !errors.Is(r.Incomplete[0], tt.want) || len(r.Rejected) != tt.rejected || len(r.Attestations) != 0 {
			t.Errorf("%s: incomplete %v, rejected %v", name, r.Incomplete, r.Rejected)
		}
		var rejected *verify.RejectedError
		if candidates := name == "a check is not made" || strings.Contains(name, "come"); candidates != errors.As(r.Incomplete[0], &rejected) {
			t.Errorf("%s: %v does not say which candidate", name, r.Incomplete[0])
		}
	}
}

// A rejection has the reason of every Verifier that reads the format, and if none does, says so in its own words.
func TestCollectReasons(t *testing.T) {
	foreign := says{err: verify.ErrFormat}
	own := says{err: errors.Join(verify.ErrFormat, errors.New("signed with a certificate"))}
	candidate := item{evidence: content("text/plain", []byte("evidence"))}
	for _, tt := range []struct {
		verifiers []verify.Verifier
		want      string
	}{
		{[]verify.Verifier{foreign, says{err: verify.ErrRevoked}, says{err: verify.ErrSubject}}, "signer was revoked\nevidence is about another subject"},
		{[]verify.Verifier{foreign, foreign, says{err: verify.ErrRevoked}}, "signer was revoked"},
		{[]verify.Verifier{foreign, foreign}, verify.ErrFormat.Error()},
		{[]verify.Verifier{own}, verify.ErrFormat.Error() + "\nsigned with a certificate"},
	} {
		r := verify.Collect(t.Context(), subject, source(candidate), tt.verifiers...)
		if len(r.Rejected) != 1 || r.Rejected[0].Err.Error() != tt.want {
			t.Errorf("%v, want %q", r.Rejected, tt.want)
		}
	}
	r := verify.Collect(t.Context(), subject, source(candidate, item{evidence: verify.Descriptor{MediaType: "x"}}), foreign)
	if got := r.Rejected[0].Error(); !strings.Contains(got, string(candidate.evidence.Digest[:19])) {
		t.Error(got)
	}
	if got := r.Rejected[1].Error(); !strings.Contains(got, "without digest") {
		t.Error(got)
	}
}

// Names and annotations that were signed come back, those that are text, in every format that has them.
func TestSignedAnnotations(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	v := trusting(allFormats, key)
	st := sign.About(subject, sign.ImageSignature{})
	st.Subjects[0].Name = "registry.example/app:v1"
	st.Subjects[0].Annotations = map[string]string{"stage": "test", "note": "\"é\u2028\x00"}
	st.Subjects[0].Descriptor.Annotations = map[string]string{"unsigned": "yes"}
	var all []verify.Descriptor
	for _, s := range []sign.Signer{&sign.BundleSigner{Key: key}, &sign.DSSESigner{Key: key}, &sign.CosignSigner{Key: key}} {
		evidence, err := s.Sign(t.Context(), st)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, evidence)
	}
	const annotations = `{"stage":"test","note":"\"é\u2028\u0000","count":1,"list":["x"],"none":null,"yes":true,"object":{"stage":"live"}}`
	all = append(all,
		forgeBundle(t, statement(`{"name":"another","digest":{"sha256":"00"},"annotations":{"stage":"live"}},{"name":"registry.example/app:v1","digest":{"sha512":"00","sha256":"`+subject.Digest.Encoded()+`"},"annotations":`+annotations+`,"uri":"u","content":"AA=="}`, sign.ImageSignatureType), key),
		forgeSimple(t, `{"critical":{"identity":{"docker-reference":"registry.example/app:v1","more":1},"image":{"docker-manifest-digest":"`+string(subject.Digest)+`"},"type":"cosign container image signature","more":{}},"optional":`+annotations+`,"more":[]}`, key))
	for i, evidence := range all {
		a, err := v.Verify(t.Context(), subject, evidence)
		if err != nil {
			t.Fatal(i, err)
		}
		if diff := cmp.Diff(st.Subjects[0].Annotations, a.Annotations); diff != "" || a.Name != st.Subjects[0].Name || a.Kind != verify.ImageSignature {
			t.Errorf("%d: %s %s\n%s", i, a.Kind, a.Name, diff)
		}
	}
}

// Words for people.
func TestWords(t *testing.T) {
	for want, got := range map[string]string{
		"key sha256:aaaaaaaaaaaa": verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("a", 64)}.String(),
		"key sha256:a":            verify.Identity{Kind: verify.KeyIdentity, Key: "a"}.String(),
		"CN=app":                  verify.Identity{Kind: verify.CertificateIdentity, Subject: "CN=app"}.String(),
		"CN=app (by CN=root)":     verify.Identity{Kind: verify.CertificateIdentity, Subject: "CN=app", Issuer: "CN=root"}.String(),
		"nobody":                  verify.Identity{}.String(),
		"image signature":         verify.ImageSignature.String(),
		"statement":               verify.Statement.String(),
		"blob signature":          verify.Blob.String(),
		"invalid":                 verify.Kind(9).String(),
		"unknown":                 verify.TimeUnknown.String(),
		"log":                     verify.TimeLogged.String(),
		"passed":                  verify.Passed.String(),
		"not checked":             verify.NotChecked.String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
