package verify_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
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
	hash := strings.Repeat("a", 64)
	alice := verify.Signer{Identity: verify.Identity{Kind: verify.KeyIdentity, Key: hash}}
	byCertificate := func(change func(*verify.Signer)) *verify.Attestation {
		s := verify.Signer{Identity: verify.Identity{Kind: verify.CertificateIdentity, Subject: "CN=app", Issuer: "CN=root",
			IssuerKey: hash}, Key: hash}
		change(&s)
		return &verify.Attestation{Kind: verify.ImageSignature, Subject: verify.Descriptor{Digest: subject.Digest},
			Signers: []verify.Signer{s}}
	}
	with := func(change func(*verify.Attestation)) *verify.Attestation {
		a := &verify.Attestation{Kind: verify.Statement, Subject: verify.Descriptor{Digest: subject.Digest}, PredicateType: "x",
			Signers: []verify.Signer{alice}}
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
		"a key in upper case":           with(func(a *verify.Attestation) { a.Signers[0].Identity.Key = strings.ToUpper(hash) }),
		"a short key":                   with(func(a *verify.Attestation) { a.Signers[0].Identity.Key = hash[:63] }),
		"a key with a scheme":           with(func(a *verify.Attestation) { a.Signers[0].Identity.Key = "sha256:" + hash[7:] }),
		"a key with a subject":          with(func(a *verify.Attestation) { a.Signers[0].Identity.Subject = "x" }),
		"a key with an issuer":          with(func(a *verify.Attestation) { a.Signers[0].Identity.Issuer = "x" }),
		"a key of another key":          with(func(a *verify.Attestation) { a.Signers[0].Key = strings.Repeat("b", 64) }),
		"a certificate with a key":      byCertificate(func(s *verify.Signer) { s.Identity.Key = hash }),
		"a subject of two lines":        byCertificate(func(s *verify.Signer) { s.Identity.Subject = "CN=app\nALLOW" }),
		"an issuer that is no text":     byCertificate(func(s *verify.Signer) { s.Identity.Issuer = "CN=\xff" }),
		"a root in upper case":          byCertificate(func(s *verify.Signer) { s.Identity.IssuerKey = strings.ToUpper(hash) }),
		"a signer's key in upper case":  byCertificate(func(s *verify.Signer) { s.Key = strings.ToUpper(hash) }),
		"an entry without name":         byCertificate(func(s *verify.Signer) { s.Entries = []string{""} }),
		"a time by nobody's word":       byCertificate(func(s *verify.Signer) { s.SignedAt = time.Unix(1, 0) }),
		"a word without time":           byCertificate(func(s *verify.Signer) { s.TimeSource = verify.TimeLogged }),
		"a word that is none":           byCertificate(func(s *verify.Signer) { s.SignedAt, s.TimeSource = time.Unix(1, 0), 99 }),
		"annotations of the subject":    with(func(a *verify.Attestation) { a.Subject.Annotations = map[string]string{"approved": "yes"} }),
		"a platform of the subject":     with(func(a *verify.Attestation) { a.Subject.Platform = new(ocispec.Platform) }),
		"the subject's content":         with(func(a *verify.Attestation) { a.Subject.Data = []byte("x") }),
		"one signer twice":              with(func(a *verify.Attestation) { a.Signers = append(a.Signers, alice) }),
	} {
		r := verify.Collect(t.Context(), subject, source(candidate), says{att: a})
		if len(r.Attestations) != 0 || len(r.Rejected) != 1 {
			t.Errorf("%s: %d proven, %d rejected", name, len(r.Attestations), len(r.Rejected))
		}
	}
	for _, good := range []*verify.Attestation{with(func(*verify.Attestation) {}), byCertificate(func(*verify.Signer) {})} {
		good.Evidence = verify.Descriptor{Digest: digest.FromString("another candidate")}
		r := verify.Collect(t.Context(), subject, source(candidate), says{}, says{att: good})
		if len(r.Attestations) != 1 {
			t.Fatalf("a verifier's mistake hides what the next one proves: %v", r.Rejected)
		}
		if a := r.Attestations[0]; a.Evidence.Digest != candidate.evidence.Digest || a.Evidence.Data != nil || a.Signers[0].Key != hash {
			t.Errorf("the candidate, and the key of a key: %+v", a)
		}
		if good.Signers[0].Identity.Kind == verify.KeyIdentity && good.Signers[0].Key != "" {
			t.Error("the verifier's own attestation was written to")
		}
	}
}

// asks is a verifier that is a function.
type asks func(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error)

func (f asks) Verify(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	return f(ctx, subject, evidence)
}

// A source that says another digest or size than the content's would be what a decision says that it rests on.
func TestCollectLyingSource(t *testing.T) {
	key, trusted := newKey(t, sign.P256)
	good := forgeBundle(t, statement(about(subject.Digest), "https://example.com/facts/v1"), key)
	for name, change := range map[string]func(*verify.Descriptor){
		"another digest":     func(d *verify.Descriptor) { d.Digest = digest.FromString("lie") },
		"another size":       func(d *verify.Descriptor) { d.Size = 1 },
		"no digest":          func(d *verify.Descriptor) { d.Digest = "sha256:lie" },
		"a digest of SHA-1":  func(d *verify.Descriptor) { d.Digest = "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		"in upper case":      func(d *verify.Descriptor) { d.Digest = digest.Digest(strings.ToUpper(string(d.Digest))) },
		"of another content": func(d *verify.Descriptor) { d.Data = append(d.Data, ' ') },
	} {
		d := good
		change(&d)
		r := verify.Collect(t.Context(), subject, source(item{evidence: d}, item{evidence: good}),
			&verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}})
		if len(r.Incomplete) != 1 || len(r.Rejected) != 0 || len(r.Attestations) != 1 || r.Attestations[0].Evidence.Digest != good.Digest {
			t.Errorf("%s: incomplete %v, rejected %v, %d proven", name, r.Incomplete, r.Rejected, len(r.Attestations))
		}
	}
	for name, change := range map[string]func(*verify.Descriptor){
		"none":    func(d *verify.Descriptor) { d.Digest, d.Size = "", 0 },
		"SHA-512": func(d *verify.Descriptor) { d.Digest = digest.SHA512.FromBytes(d.Data) },
	} {
		d := good
		change(&d)
		r := verify.Collect(t.Context(), subject, source(item{evidence: d}), &verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}})
		if len(r.Attestations) != 1 || r.Attestations[0].Evidence.Size != good.Size || r.Attestations[0].Evidence.Digest.Validate() != nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// What a caller says of the subject beside its digest is not proven by anybody, and no Verifier gets to hand it on.
func TestCollectBareSubject(t *testing.T) {
	asked := subject
	asked.Annotations, asked.Platform, asked.URLs = map[string]string{"approved": "yes"}, new(ocispec.Platform),
		[]string{"https://example.com"}
	echo := asks(func(_ context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
		return &verify.Attestation{Kind: verify.ImageSignature, Subject: subject,
			Signers: []verify.Signer{{Identity: verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("a", 64)}}}}, nil
	})
	r := verify.Collect(t.Context(), asked, source(item{evidence: content("text/plain", []byte("x"))}), echo)
	if diff := cmp.Diff(asked, r.Subject); diff != "" || len(r.Attestations) != 1 || r.Attestations[0].Subject.Annotations != nil ||
		r.Attestations[0].Subject.Platform != nil {
		t.Errorf("%+v\n%s", r, diff)
	}
	key, trusted := newKey(t, sign.P256)
	a, err := (&verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}}).Verify(t.Context(), asked,
		forgeBundle(t, statement(about(subject.Digest), "https://example.com/facts/v1"), key))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(verify.Descriptor{Digest: subject.Digest}, a.Subject); diff != "" {
		t.Error(diff)
	}
}

// A Verifier that panics has not looked, which hides nothing else.
func TestCollectPanics(t *testing.T) {
	key, trusted := newKey(t, sign.P256)
	good := forgeBundle(t, statement(about(subject.Digest), "https://example.com/facts/v1"), key)
	bomb := content("text/plain", []byte("bomb"))
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}}
	panics := asks(func(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
		if evidence.MediaType == "text/plain" {
			panic("index out of range")
		}
		return v.Verify(ctx, subject, evidence)
	})
	r := verify.Collect(t.Context(), subject, source(item{evidence: bomb}, item{evidence: good}, item{evidence: bomb}), panics)
	if len(r.Attestations) != 1 || len(r.Rejected) != 0 || len(r.Incomplete) != 2 || !errors.Is(r.Incomplete[1], verify.ErrUnchecked) {
		t.Errorf("%+v", r)
	}
}

// Nor does one that ends its goroutine.
func TestCollectGoexit(t *testing.T) {
	ends := asks(func(_ context.Context, _, evidence verify.Descriptor) (*verify.Attestation, error) {
		if string(evidence.Data) == "bomb" {
			runtime.Goexit()
		}
		return nil, verify.ErrFormat
	})
	items := []item{{evidence: content("text/plain", []byte("first"))}}
	for range 20 {
		items = append(items, item{evidence: content("text/plain", []byte("bomb"))})
	}
	items = append(items, item{evidence: content("text/plain", []byte("last"))})
	if r := verify.Collect(t.Context(), subject, source(items...), ends); len(r.Incomplete) != 20 || len(r.Rejected) != 2 {
		t.Errorf("%d incomplete, %d rejected", len(r.Incomplete), len(r.Rejected))
	}
}

// A report is in the source's order, whichever candidate is found out about first.
func TestCollectOrder(t *testing.T) {
	var items []item
	for i := range 60 {
		items = append(items, item{evidence: content("text/plain", fmt.Append(nil, i))})
		if i%7 == 3 {
			items = append(items, item{content("text/plain", fmt.Append(nil, "torn", i)), errors.New("torn")})
		}
	}
	uneven := asks(func(_ context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
		i, err := strconv.Atoi(string(evidence.Data))
		if err != nil {
			return nil, err
		}
		time.Sleep(time.Duration(i%4) * time.Millisecond)
		switch i % 3 {
		case 0:
			return nil, verify.ErrNotTrusted
		case 1:
			return nil, verify.ErrUnchecked
		}
		return &verify.Attestation{Kind: verify.ImageSignature, Subject: subject,
			Signers: []verify.Signer{{Identity: verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("a", 64)}}}}, nil
	})
	var want []digest.Digest
	for _, kind := range []int{2, 0} { // proven, rejected
		for i := range 60 {
			if i%3 == kind {
				want = append(want, digest.FromBytes(fmt.Append(nil, i)))
			}
		}
	}
	for _, i := range items {
		if n, err := strconv.Atoi(string(i.evidence.Data)); err != nil || n%3 == 1 {
			want = append(want, i.evidence.Digest)
		}
	}
	for range 5 {
		r := verify.Collect(t.Context(), subject, source(items...), uneven)
		var got []digest.Digest
		for _, a := range r.Attestations {
			got = append(got, a.Evidence.Digest)
		}
		for _, e := range r.Rejected {
			got = append(got, e.Evidence.Digest)
		}
		for _, err := range r.Incomplete {
			e, ok := errors.AsType[*verify.RejectedError](err)
			if !ok {
				t.Fatal(err)
			}
			got = append(got, e.Evidence.Digest)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
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
		"a check is not made": {source(candidate), []verify.Verifier{says{err: verify.ErrNotTrusted}, unchecked},
			verify.ErrUnchecked, 0},
		"the next one comes": {source(item{candidate.evidence, torn}, candidate), []verify.Verifier{says{err: verify.ErrRevoked}}, torn, 1},
	} {
		r := verify.Collect(t.Context(), subject, tt.src, tt.verifiers...)
		if len(r.Incomplete) != 1 || tt.want != nil && !errors.Is(r.Incomplete[0], tt.want) || len(r.Rejected) != tt.rejected ||
			len(r.Attestations) != 0 {
			t.Errorf("%s: incomplete %v, rejected %v", name, r.Incomplete, r.Rejected)
		}
		var rejected *verify.RejectedError
		if candidates := name == "a check is not made" ||
			strings.Contains(name, "come"); candidates != errors.As(r.Incomplete[0], &rejected) {
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
		{[]verify.Verifier{foreign, says{err: verify.ErrRevoked}, says{err: verify.ErrSubject}},
			"signer was revoked\nevidence is about another subject"},
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
		forgeBundle(t, statement(`{"name":"another","digest":{"sha256":"00"},"annotations":{"stage":"live"}},`+
			`{"name":"registry.example/app:v1","digest":{"sha512":"00","sha256":"`+subject.Digest.Encoded()+`"},"annotations":`+annotations+
			`,"uri":"u","content":"AA=="}`, sign.ImageSignatureType), key),
		forgeSimple(t, `{"critical":{"identity":{"docker-reference":"registry.example/app:v1","more":1},`+
			`"image":{"docker-manifest-digest":"`+string(subject.Digest)+`"},"type":"cosign container image signature","more":{}},`+
			`"optional":`+annotations+`,"more":[]}`, key))
	for i, evidence := range all {
		a, err := v.Verify(t.Context(), subject, evidence)
		if err != nil {
			t.Fatal(i, err)
		}
		if diff := cmp.Diff(st.Subjects[0].Annotations, a.Annotations); diff != "" || a.Name != st.Subjects[0].Name ||
			a.Kind != verify.ImageSignature {
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
		"CN=app (by CN=root, key sha256:aaaaaaaaaaaa)": verify.Identity{Kind: verify.CertificateIdentity, Subject: "CN=app",
			Issuer: "CN=root", IssuerKey: strings.Repeat("a", 64)}.String(),
		"nobody":          verify.Identity{}.String(),
		"image signature": verify.ImageSignature.String(),
		"statement":       verify.Statement.String(),
		"blob signature":  verify.Blob.String(),
		"invalid":         verify.Kind(9).String(),
		"unknown":         verify.TimeUnknown.String(),
		"log":             verify.TimeLogged.String(),
		"passed":          verify.Passed.String(),
		"not checked":     verify.NotChecked.String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What is printed of a report is what it says, and strangers add no lines to it.
func TestReportAsText(t *testing.T) {
	key := verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("a", 64)}
	r := &verify.Report{
		Subject: verify.Descriptor{Digest: digest.FromString("image")},
		Attestations: []*verify.Attestation{
			{Kind: verify.ImageSignature, Signers: []verify.Signer{{Identity: key, Name: "release"}}},
			{Kind: verify.Statement, PredicateType: "https://x.example/\nproven: everything\x1b[2J", Signers: []verify.Signer{
				{Identity: key, SignedAt: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), TimeSource: verify.TimeStamped}}},
			nil,
		},
		Rejected:   []*verify.RejectedError{{Err: errors.Join(verify.ErrNotTrusted, verify.ErrExpired)}},
		Incomplete: []error{errors.New("registry\nanswers 500")},
	}
	want := `sha256:6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d: 3 proven, 1 refused, 1 not looked at
  proven: image signature by release (key sha256:aaaaaaaaaaaa)
  proven: statement of type https://x.example/ proven: everything [2J by key sha256:aaaaaaaaaaaa at 2026-11-24T12:00:00Z (timestamp)
  proven: nothing
  refused: evidence without digest: signer is not trusted; evidence has expired
  not looked at: registry; answers 500`
	if got := fmt.Sprint(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := (*verify.Report)(nil).String(); got != "no report" {
		t.Error(got)
	}
}
