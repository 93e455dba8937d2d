package verify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

var allFormats = []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}

func read(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// peerEvidence returns the candidate of a capture as a registry gives it: the layer with its bytes, and the artifact
// type of its manifest.
func peerEvidence(t *testing.T, dir string) verify.Descriptor {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.manifest.json"))
	if err != nil || len(names) != 1 {
		t.Fatalf("%s: %d manifests, %v", dir, len(names), err)
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(read(t, names[0]), &m); err != nil {
		t.Fatal(err)
	}
	layer := m.Layers[0]
	layer.ArtifactType = m.ArtifactType
	layer.Data = read(t, dir, "sha256-"+layer.Digest.Encoded()+".blob")
	if digest.FromBytes(layer.Data) != layer.Digest {
		t.Fatalf("%s: the capture is broken", dir)
	}
	return layer
}

func peerSubject(t *testing.T) verify.Descriptor {
	data := read(t, "testdata", "peer-samples", "subject.manifest.json")
	return verify.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(data), Size: int64(len(data))}
}

func trusted(t testing.TB, pem []byte) verify.TrustedKey {
	t.Helper()
	k, err := verify.ParseTrustedKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newKey(t testing.TB, a sign.Algorithm) (*sign.LocalKey, verify.TrustedKey) {
	t.Helper()
	key, err := sign.GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := sign.MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, trusted(t, pem)
}

// What cosign wrote verifies, for this subject and with this key alone.
func TestPeerCaptures(t *testing.T) {
	subject := peerSubject(t)
	key := trusted(t, read(t, "testdata", "peer-samples", "cosign.pub"))
	_, stranger := newKey(t, sign.P256)
	other := subject
	other.Digest = digest.FromString("another image")
	for _, tt := range []struct {
		dir           string
		kind          verify.Kind
		predicateType string
	}{
		{"cosign-v3-signature", verify.ImageSignature, "https://sigstore.dev/cosign/sign/v1"},
		{"cosign-v3-attestation", verify.Statement, "https://cyclonedx.org/bom"},
		{"cosign-legacy-sig", verify.ImageSignature, ""},
		{"cosign-legacy-oci11", verify.ImageSignature, ""},
		{"cosign-legacy-att", verify.Statement, "https://cyclonedx.org/bom"},
	} {
		t.Run(tt.dir, func(t *testing.T) {
			evidence := peerEvidence(t, filepath.Join("testdata", "peer-samples", tt.dir))
			v := &verify.KeyVerifier{Keys: []verify.TrustedKey{stranger, key}, Formats: allFormats}
			a, err := v.Verify(t.Context(), subject, evidence)
			if err != nil {
				t.Fatal(err)
			}
			if a.Kind != tt.kind || a.PredicateType != tt.predicateType || a.Subject.Digest != subject.Digest || len(a.Signers) != 1 {
				t.Errorf("got %+v", a)
			}
			if _, err := v.Verify(t.Context(), other, evidence); !errors.Is(err, verify.ErrSubject) {
				t.Errorf("for another subject: %v", err)
			}
			v = &verify.KeyVerifier{Keys: []verify.TrustedKey{stranger}, Formats: allFormats}
			if _, err := v.Verify(t.Context(), subject, evidence); !errors.Is(err, verify.ErrNotTrusted) {
				t.Errorf("with another key: %v", err)
			}
			// Bytes that nobody signed, such as a hint, may change; what is proven may not.
			v = &verify.KeyVerifier{Keys: []verify.TrustedKey{key}, Formats: allFormats}
			for i := range evidence.Data {
				evil := evidence
				evil.Data = bytes.Clone(evidence.Data)
				evil.Data[i] ^= 1
				if got, err := v.Verify(t.Context(), subject, evil); err == nil {
					if diff := cmp.Diff(a, got); diff != "" {
						t.Errorf("byte %d changed what is proven:\n%s", i, diff)
					}
				}
			}
		})
	}
}

// What package sign writes, package verify proves, with every type of key.
func TestRoundTrip(t *testing.T) {
	subject := peerSubject(t)
	for _, a := range []sign.Algorithm{sign.P256, sign.P384, sign.P521, sign.RSA2048, sign.Ed25519} {
		key, pub := newKey(t, a)
		evidence, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(subject, sign.ImageSignature{}))
		if err != nil {
			t.Fatal(err)
		}
		v := &verify.KeyVerifier{Keys: []verify.TrustedKey{pub}}
		if got, err := v.Verify(t.Context(), subject, evidence); err != nil || got.Kind != verify.ImageSignature {
			t.Errorf("algorithm %d: %v, %v", a, got, err)
		}
	}
}
