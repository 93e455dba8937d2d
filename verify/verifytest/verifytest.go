// Package verifytest says what any [verify.Verifier] must refuse, as a test that every implementation can run on itself:
//
//	func TestVerifier(t *testing.T) {
//		verifytest.Run(t, &verifytest.Harness{Verifier: mine, Subject: image, Good: evidence, Untrusted: byStrangers})
//	}
//
// It proves no signature scheme right. It finds the mistakes that verifiers of every format share: another subject
// accepted, a signer who is not trusted, a bit that changed, half a document, a document too large, a claim that
// nobody signed.
package verifytest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A Harness is a Verifier with evidence to try it on.
type Harness struct {
	// Verifier is tried. It must trust the signers of Good and nobody else.
	Verifier verify.Verifier
	// Subject is what the evidence is about. Its digest must be valid.
	Subject verify.Descriptor
	// Good is evidence that Verifier accepts, one candidate of each format at least.
	Good []verify.Descriptor
	// Untrusted is sound evidence about Subject by signers that Verifier does not trust. None means that this is not
	// tried, which is a poor test.
	Untrusted []verify.Descriptor
	// TooLarge is the size in bytes from which evidence is refused; zero means 64 MiB.
	TooLarge int
}

// kinds are the errors that verify allows.
var kinds = []error{
	verify.ErrFormat, verify.ErrMalformed, verify.ErrTampered, verify.ErrNotTrusted, verify.ErrSubject, verify.ErrType,
	verify.ErrExpired, verify.ErrNotYet, verify.ErrRevoked, verify.ErrLimit, verify.ErrUnchecked,
}

// Run tries the Verifier, as subtests of t.
func Run(t *testing.T, h *Harness) {
	t.Helper()
	if len(h.Good) == 0 {
		t.Fatal("verifytest: no good evidence, so nothing would be tested")
	}
	for i, good := range h.Good {
		t.Run(fmt.Sprintf("good-%d", i), func(t *testing.T) { h.good(t, good) })
	}
	for i, e := range h.Untrusted {
		t.Run(fmt.Sprintf("untrusted-%d", i), func(t *testing.T) {
			att, err := h.Verifier.Verify(t.Context(), h.Subject, e)
			refused(t, "a signer who is not trusted", att, err, verify.ErrNotTrusted)
		})
	}
}

func refused(t *testing.T, what string, att *verify.Attestation, err error, want ...error) {
	t.Helper()
	is := func(kind error) bool { return errors.Is(err, kind) }
	switch {
	case err == nil:
		t.Errorf("%s: accepted", what)
	case att != nil:
		t.Errorf("%s: an attestation comes with the error %v", what, err)
	case !slices.ContainsFunc(kinds, is):
		t.Errorf("%s: the error is none of package verify: %v", what, err)
	case len(want) > 0 && !slices.ContainsFunc(want, is):
		t.Errorf("%s: %v, not one of %v", what, err, want)
	}
}

// A proof is what must not change when bytes change that nobody signed.
type proof struct {
	Kind                           verify.Kind
	Subject                        digest.Digest
	Name, PredicateType, Predicate string
	Annotations                    map[string]string
	Signers                        []verify.Signer
}

func proven(a *verify.Attestation) proof {
	return proof{a.Kind, a.Subject.Digest, a.Name, a.PredicateType, string(a.Predicate), a.Annotations, a.Signers}
}

// A trial is one piece of good evidence, and what it proves.
type trial struct {
	*Harness
	evidence, before verify.Descriptor // before: as it was before anybody saw it
	proven           proof
}

func (h *Harness) good(t *testing.T, good verify.Descriptor) {
	before := good
	before.Data, before.Annotations = bytes.Clone(good.Data), maps.Clone(good.Annotations)
	att, err := h.Verifier.Verify(t.Context(), h.Subject, good)
	if err != nil {
		t.Fatalf("good evidence is refused: %v", err)
	}
	h.promises(t, att)
	c := &trial{h, good, before, proven(att)}
	t.Run("concurrent", c.concurrent)
	t.Run("subject", c.subject)
	t.Run("format", c.format)
	t.Run("unsigned annotations", c.unsignedAnnotations)
	t.Run("unsigned subject", c.unsignedSubject)
	t.Run("truncated", c.truncated)
	t.Run("tampered", c.tampered)
	t.Run("junk", c.junk)
	t.Run("too large", c.tooLarge)
}

// with returns the evidence with other content.
func (c *trial) with(data []byte) verify.Descriptor {
	d := c.evidence
	d.Data, d.Size, d.Digest = data, int64(len(data)), digest.FromBytes(data)
	return d
}

func (c *trial) verify(t *testing.T, evidence verify.Descriptor) (*verify.Attestation, error) {
	return c.Verifier.Verify(t.Context(), c.Subject, evidence)
}

func (c *trial) concurrent(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := c.verify(t, c.evidence); err != nil {
				t.Error(err)
			} else if diff := cmp.Diff(c.proven, proven(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	wg.Wait()
	if !bytes.Equal(c.before.Data, c.evidence.Data) || !maps.Equal(c.before.Annotations, c.evidence.Annotations) {
		t.Error("the evidence was changed")
	}
}

func (c *trial) subject(t *testing.T) {
	other := c.Subject
	other.Digest = digest.FromString("verifytest: another subject")
	att, err := c.Verifier.Verify(t.Context(), other, c.evidence)
	refused(t, "another subject", att, err, verify.ErrSubject)
	for _, d := range []digest.Digest{"", "sha256:", "sha256:00", digest.Digest(strings.ToUpper(string(c.Subject.Digest))),
		c.Subject.Digest + "0", digest.SHA512.FromString("verifytest")} {
		other.Digest = d
		att, err := c.Verifier.Verify(t.Context(), other, c.evidence)
		refused(t, fmt.Sprintf("a subject %q", d), att, err)
	}
}

func (c *trial) format(t *testing.T) {
	for _, mediaType := range []string{"", "application/json", "application/vnd.oci.image.layer.v1.tar+gzip", strings.Repeat("x", 1<<16)} {
		d := c.evidence
		d.MediaType = mediaType
		att, err := c.verify(t, d)
		refused(t, fmt.Sprintf("media type %.20q", mediaType), att, err, verify.ErrFormat)
	}
}

func (c *trial) unsignedAnnotations(t *testing.T) {
	d := c.evidence
	d.Annotations = maps.Clone(c.evidence.Annotations)
	if d.Annotations == nil {
		d.Annotations = map[string]string{}
	}
	d.Annotations["dev.sigstore.bundle.predicateType"] = "https://lies.example/v1"
	d.Annotations["predicateType"] = "https://lies.example/v1"
	d.Annotations["verifytest"] = "nobody signed this"
	got, err := c.verify(t, d)
	if err != nil {
		return // a Verifier may be that strict
	}
	if diff := cmp.Diff(c.proven, proven(got)); diff != "" {
		t.Errorf("annotations that nobody signed decide:\n%s", diff)
	}
}

func (c *trial) unsignedSubject(t *testing.T) {
	d := c.Subject
	d.Annotations = map[string]string{"verifytest": "nobody signed this"}
	d.Platform, d.URLs, d.ArtifactType, d.Data = &ocispec.Platform{OS: "verifytest"}, []string{"https://lies.example"}, "lies/x",
		[]byte("verifytest")
	if got, err := c.Verifier.Verify(t.Context(), d, c.evidence); err == nil { // a Verifier may be that strict
		c.promises(t, got)
	}
}

func (c *trial) truncated(t *testing.T) {
	for n := 0; n < len(c.evidence.Data); n += 1 + len(c.evidence.Data)/256 {
		att, err := c.verify(t, c.with(c.evidence.Data[:n:n]))
		refused(t, fmt.Sprintf("%d of %d bytes", n, len(c.evidence.Data)), att, err)
	}
}

func (c *trial) tampered(t *testing.T) {
	for i := 0; i < len(c.evidence.Data); i += 1 + len(c.evidence.Data)/1024 {
		data := bytes.Clone(c.evidence.Data)
		data[i] ^= 1 << (i % 7)
		got, err := c.verify(t, c.with(data))
		if err == nil {
			// Bytes that nobody signed, such as a hint, may change; what is proven may not.
			if diff := cmp.Diff(c.proven, proven(got)); diff != "" {
				t.Errorf("byte %d changes what is proven:\n%s", i, diff)
			}
			continue
		}
		refused(t, fmt.Sprintf("byte %d changed", i), got, err)
	}
}

func (c *trial) junk(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing": nil, "an empty object": []byte("{}"), "null": []byte("null"), "an array": []byte("[]"), "text": []byte("verifytest"),
		"zeros": make([]byte, 1000), "depth": bytes.Repeat([]byte{'['}, 100_000), "objects": bytes.Repeat([]byte(`{"payload":`), 20_000),
		"twice": append(bytes.Clone(c.evidence.Data), c.evidence.Data...), "a tail": append(bytes.Clone(c.evidence.Data), '{', '}'),
		"a byte order mark": append([]byte("\xef\xbb\xbf"), c.evidence.Data...),
	} {
		att, err := c.verify(t, c.with(data))
		refused(t, name, att, err)
	}
}

func (c *trial) tooLarge(t *testing.T) {
	size := c.TooLarge
	if size == 0 {
		size = 64 << 20
	}
	data := append(bytes.Clone(c.evidence.Data), bytes.Repeat([]byte{' '}, max(1, size-len(c.evidence.Data)))...)
	att, err := c.verify(t, c.with(data))
	refused(t, fmt.Sprintf("%d bytes", len(data)), att, err)
}

// promises checks what package verify says of an Attestation.
func (h *Harness) promises(t *testing.T, a *verify.Attestation) {
	t.Helper()
	switch {
	case a.Kind.String() == "invalid":
		t.Error("the attestation has no kind")
	case a.Kind == verify.Statement && a.PredicateType == "":
		t.Error("a statement without predicate type")
	case a.Subject.Digest != h.Subject.Digest:
		t.Errorf("the attestation is about %s, not %s", a.Subject.Digest, h.Subject.Digest)
	case len(a.Evidence.Data) > 0:
		t.Error("the attestation keeps data")
	case len(a.Subject.Data)+len(a.Subject.Annotations)+len(a.Subject.URLs)+len(a.Subject.ArtifactType) > 0 || a.Subject.Platform != nil:
		t.Error("the attestation says of the subject what nobody signed")
	case len(a.Signers) == 0:
		t.Error("the attestation has no signer")
	case len(a.Checks) == 0:
		t.Error("the attestation lists no check")
	}
	seen := map[verify.Identity]bool{}
	for _, s := range a.Signers {
		if err := s.Identity.Validate(); err != nil || seen[s.Identity] {
			t.Errorf("signers %v: one has no identity, or counts twice: %v", a.Signers, err)
		}
		seen[s.Identity] = true
		if s.SignedAt.IsZero() != (s.TimeSource == verify.TimeUnknown) {
			t.Errorf("signing time %v by %v", s.SignedAt, s.TimeSource)
		}
	}
}
