package sigstore_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/opencontainers/go-digest"
)

var (
	signedAt, image, payload = sigstoretest.SignedAt, sigstoretest.Image, sigstoretest.Payload
	release, setSAN, at      = sigstoretest.Release, sigstoretest.SetSAN, sigstoretest.Node
)

const workflow = sigstoretest.Workflow

// Each attack is refused, and by its own fault.
func TestAttacks(t *testing.T) {
	for _, a := range sigstoretest.Attacks() {
		t.Run(a.Name, func(t *testing.T) {
			s, g := sigstoretest.New(signedAt), release()
			if a.Edit != nil {
				a.Edit(s, &g)
			}
			data := s.Sign(g)
			opts := a.Options
			if opts.Now == nil {
				opts.Now = func() time.Time { return signedAt.AddDate(1, 0, 0) }
			}
			v := newVerifier(t, parseRoot(t, s.TrustedRoot(a.Root)), &opts, acmeWorkflow)
			var err error
			if g.Payload != nil {
				_, err = v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: data})
			} else {
				_, err = v.VerifyBlob(t.Context(), bytes.NewReader(g.Message), verify.Descriptor{Data: data})
			}
			if !errors.Is(err, a.Want) {
				t.Errorf("%v, not %v", err, a.Want)
			}
		})
	}
}

// Bundles and roots of the corpus, and what becomes of them.
func FuzzVerify(f *testing.F) {
	files := unpack(f, corpus)
	root, err := sigstore.ParseRoot(files[production], nil)
	if err != nil {
		f.Fatal(err)
	}
	v, err := sigstore.New(root, []sigstore.Entry{anybody},
		&sigstore.Options{Formats: []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}})
	if err != nil {
		f.Fatal(err)
	}
	for name, data := range files {
		if strings.Contains(name, "/bundle-verify/") && strings.HasSuffix(name, "bundle.sigstore.json") {
			f.Add(data)
		}
	}
	file := []byte("DO NOT MODIFY ME!\n\nthis is \"a.txt\", a sample input for sigstore-conformance's test suite\n")
	for name, data := range files {
		if strings.HasSuffix(name, "/a.txt") {
			file = data
		}
	}
	kinds := []error{verify.ErrFormat, verify.ErrMalformed, verify.ErrTampered, verify.ErrNotTrusted, verify.ErrSubject, verify.ErrType,
		verify.ErrLimit, verify.ErrNotYet}
	f.Fuzz(func(t *testing.T, data []byte) {
		att, err := v.VerifyBlob(t.Context(), bytes.NewReader(file), verify.Descriptor{Data: data})
		if err == nil {
			if len(att.Signers) != 1 || att.Kind != verify.Blob || att.Subject.Digest != digest.FromBytes(file) {
				t.Fatalf("%+v", att)
			}
			return
		}
		for _, k := range kinds {
			if errors.Is(err, k) {
				return
			}
		}
		t.Fatalf("an error of no kind: %v", err)
	})
}
