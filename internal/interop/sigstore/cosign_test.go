// Package sigstore holds our keys, bundles and envelopes against cosign, sigstore-go and go-securesystemslib.
package sigstore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/attest"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	cosignsign "github.com/sigstore/cosign/v3/cmd/cosign/cli/sign"
	cosignverify "github.com/sigstore/cosign/v3/cmd/cosign/cli/verify"
	"github.com/sigstore/cosign/v3/pkg/cosign"
)

type keyType struct {
	name      string
	algorithm sign.Algorithm
	hash      crypto.Hash // of our table, if cosign must be told of it
	ph        bool        // cosign signs like this with such a key from a file
}

var keyTypes = []keyType{
	{name: "P-256", algorithm: sign.P256},
	{name: "P-384", algorithm: sign.P384, hash: crypto.SHA384},
	{name: "P-521", algorithm: sign.P521, hash: crypto.SHA512},
	{name: "RSA-2048", algorithm: sign.RSA2048},
	{name: "RSA-3072", algorithm: sign.RSA3072},
	{name: "RSA-4096", algorithm: sign.RSA4096},
	{name: "Ed25519", algorithm: sign.Ed25519, ph: true},
}

const (
	passphrase    = "correct horse"
	predicateType = "https://example.com/facts/v1"
)

// fixture is an image in a registry, and a key in files.
type fixture struct {
	repository      name.Repository
	image           name.Digest
	subject         sign.Descriptor
	key             *sign.LocalKey
	private, public string
	trusted         verify.TrustedKey
	issuer          string // of tokens; empty: GitHub Actions
}

func setup(t *testing.T, k keyType) *fixture {
	t.Helper()
	f := &fixture{}
	f.fresh(t)
	var err error
	if f.key, err = sign.GenerateKey(k.algorithm); err != nil {
		t.Fatal(err)
	}
	f.trusted = verify.TrustedKey{Key: f.key.Public()}
	dir := t.TempDir()
	f.private, f.public = filepath.Join(dir, "cosign.key"), filepath.Join(dir, "cosign.pub")
	private, err := f.key.MarshalEncryptedPEM([]byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	public, err := sign.MarshalPublicKey(f.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{f.private: private, f.public: public} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// fresh gives the fixture a registry of its own, with nothing on the image.
func (f *fixture) fresh(t *testing.T) { f.freshWith(t, true) }

// freshWith does so with a registry that has a referrers API, or one where lists stand under tags.
func (f *fixture) freshWith(t *testing.T, referrers bool) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(referrers), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	var err error
	if f.repository, err = name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/app"); err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(f.repository.Tag("v1"), empty.Image); err != nil {
		t.Fatal(err)
	}
	hash, _ := empty.Image.Digest()
	size, _ := empty.Image.Size()
	mediaType, _ := empty.Image.MediaType()
	f.image = f.repository.Digest(hash.String())
	f.subject = sign.Descriptor{MediaType: string(mediaType), Digest: digest.Digest(hash.String()), Size: size}
}

type raw struct{ data []byte }

func (r raw) RawManifest() ([]byte, error)        { return r.data, nil }
func (r raw) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (r raw) Digest() (v1.Hash, error)            { return v1.NewHash(digest.FromBytes(r.data).String()) }

// attach stores evidence under a tag, or as a referrer if there is none.
func (f *fixture) attach(t *testing.T, tag string, evidence sign.Descriptor) {
	t.Helper()
	config := []byte("{}")
	if tag != "" {
		config = []byte(`{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":["` + string(evidence.Digest) + `"]}}`)
	}
	for _, l := range []v1.Layer{static.NewLayer(config, "application/octet-stream"),
		static.NewLayer(evidence.Data, types.MediaType(evidence.MediaType))} {
		if err := remote.WriteLayer(f.repository, l); err != nil {
			t.Fatal(err)
		}
	}
	layer := ocispec.Descriptor{MediaType: evidence.MediaType, Digest: evidence.Digest, Size: evidence.Size}
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Layers: []ocispec.Descriptor{layer}}
	m.SchemaVersion = 2
	m.Config = ocispec.Descriptor{MediaType: ocispec.MediaTypeEmptyJSON, Digest: digest.FromBytes(config), Size: int64(len(config))}
	if tag == "" {
		m.ArtifactType, m.Annotations, m.Subject = evidence.ArtifactType, evidence.Annotations, &f.subject
	} else {
		m.Config.MediaType = ocispec.MediaTypeImageConfig
		m.Layers[0].Annotations = evidence.Annotations
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var ref name.Reference = f.repository.Digest(digest.FromBytes(data).String())
	if tag != "" {
		ref = f.repository.Tag(strings.Replace(string(f.subject.Digest), ":", "-", 1) + tag)
	}
	if err := remote.Put(ref, raw{data}); err != nil {
		t.Fatal(err)
	}
}

// evidence reads what hangs on the image: the referrers, or a tag.
func (f *fixture) evidence(t *testing.T, tag string) (out []verify.Descriptor) {
	t.Helper()
	var manifests []name.Reference
	if tag != "" {
		manifests = append(manifests, f.repository.Tag(strings.Replace(string(f.subject.Digest), ":", "-", 1)+tag))
	} else {
		index, err := remote.Referrers(f.image)
		if err != nil {
			t.Fatal(err)
		}
		m, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range m.Manifests {
			manifests = append(manifests, f.repository.Digest(d.Digest.String()))
		}
	}
	for _, ref := range manifests {
		got, err := remote.Get(ref)
		if err != nil {
			t.Fatal(err)
		}
		var m ocispec.Manifest
		if err := json.Unmarshal(got.Manifest, &m); err != nil {
			t.Fatal(err)
		}
		for _, layer := range m.Layers {
			l, err := remote.Layer(f.repository.Digest(string(layer.Digest)))
			if err != nil {
				t.Fatal(err)
			}
			body, err := l.Compressed()
			if err != nil {
				t.Fatal(err)
			}
			if layer.Data, err = io.ReadAll(body); err != nil {
				t.Fatal(err)
			}
			body.Close()
			layer.ArtifactType = m.ArtifactType
			out = append(out, layer)
		}
	}
	return out
}

// cosignVerify asks cosign for an image signature.
func (f *fixture) cosignVerify(ctx context.Context, bundles bool, hash crypto.Hash) error {
	c := &cosignverify.VerifyCommand{
		KeyRef: f.public, CheckClaims: true, IgnoreTlog: true, NewBundleFormat: bundles, Output: "json", HashAlgorithm: hash,
		CommonVerifyOptions: options.CommonVerifyOptions{IgnoreTlog: true, Offline: true, NewBundleFormat: bundles, MaxWorkers: 1},
	}
	return c.Exec(ctx, []string{f.image.String()})
}

// cosignVerifyAttestation asks cosign for an attestation of our predicate type.
func (f *fixture) cosignVerifyAttestation(ctx context.Context, bundles bool, hash crypto.Hash) error {
	c := &cosignverify.VerifyAttestationCommand{
		KeyRef: f.public, CheckClaims: true, IgnoreTlog: true, PredicateType: predicateType, Output: "json", HashAlgorithm: hash,
		CommonVerifyOptions: options.CommonVerifyOptions{IgnoreTlog: true, Offline: true, NewBundleFormat: bundles, MaxWorkers: 1},
	}
	return c.Exec(ctx, []string{f.image.String()})
}

func quiet(t *testing.T) {
	t.Helper()
	out, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = out, out // cosign's commands print
	t.Cleanup(func() { os.Stdout, os.Stderr = stdout, stderr; out.Close() })
	t.Setenv("COSIGN_PASSWORD", passphrase)
}

// What we write, cosign accepts, and not with another key.
func TestCosignReadsOurs(t *testing.T) {
	quiet(t)
	for _, k := range keyTypes {
		t.Run(k.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			f := setup(t, k)
			fact := sign.About(f.subject, sign.RawPredicate{Type: predicateType, JSON: []byte(`{"n":1}`)})
			image := sign.About(f.subject, sign.ImageSignature{})
			named := sign.About(f.subject, sign.ImageSignature{})
			named.Subjects[0].Name = f.image.Context().Name()
			for _, w := range []struct {
				name   string
				signer sign.Signer
				st     *sign.Statement
				tag    string
				verify func(*fixture, context.Context, bool, crypto.Hash) error
				hash   crypto.Hash
			}{
				{"bundle signature", &sign.BundleSigner{Key: f.key}, image, "", (*fixture).cosignVerify, k.hash},
				{"bundle attestation", &sign.BundleSigner{Key: f.key}, fact, "", (*fixture).cosignVerifyAttestation, k.hash},
				{"bundle signature SHA-256", &sign.BundleSigner{Key: f.key, Scheme: sha256For(f.key)}, image, "",
					(*fixture).cosignVerify, 0},
				{"bundle attestation SHA-256", &sign.BundleSigner{Key: f.key, Scheme: sha256For(f.key)}, fact, "",
					(*fixture).cosignVerifyAttestation, 0},
				{"simple signing", &sign.CosignSigner{Key: f.key, Scheme: sha256For(f.key)}, named, ".sig", (*fixture).cosignVerify, 0},
				{"envelope", &sign.DSSESigner{Key: f.key, Scheme: sha256For(f.key)}, fact, ".att", (*fixture).cosignVerifyAttestation, 0},
			} {
				t.Run(w.name, func(t *testing.T) {
					f := *f
					f.fresh(t)
					evidence, err := w.signer.Sign(ctx, w.st)
					if err != nil {
						t.Fatal(err)
					}
					f.attach(t, w.tag, evidence)
					if err := w.verify(&f, ctx, w.tag == "", w.hash); err != nil {
						t.Errorf("cosign: %v", err)
					}
					// cosign says no where it must, so that its yes means something.
					stranger := setup(t, keyTypes[0])
					f.public = stranger.public
					if err := w.verify(&f, ctx, w.tag == "", w.hash); err == nil {
						t.Error("cosign accepts another key")
					}
				})
			}
		})
	}
}

// sha256For is the scheme with SHA-256 where the key has one beside its default.
func sha256For(k sign.Key) sign.Scheme {
	if _, ok := k.Public().(*ecdsa.PublicKey); ok {
		return sign.ECDSAWithSHA256
	}
	return 0
}

// What cosign writes with a key that we wrote, we accept.
func TestOursReadCosign(t *testing.T) {
	quiet(t)
	predicate := filepath.Join(t.TempDir(), "predicate.json")
	if err := os.WriteFile(predicate, []byte(`{"n":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	pass := func(bool) ([]byte, error) { return []byte(passphrase), nil }
	for _, k := range keyTypes {
		for _, bundles := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/bundles=%v", k.name, bundles), func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				f := setup(t, k)
				ko := options.KeyOpts{KeyRef: f.private, PassFunc: pass, NewBundleFormat: bundles, SkipConfirmation: true}
				so := options.SignOptions{
					Key:               f.private,
					Upload:            true,
					NewBundleFormat:   bundles,
					SkipConfirmation:  true,
					AnnotationOptions: options.AnnotationOptions{Annotations: []string{"stage=test"}},
				}
				if err := cosignsign.SignCmd(ctx, &options.RootOptions{Timeout: time.Minute}, ko, so,
					[]string{f.image.String()}); err != nil {
					t.Fatalf("cosign sign: %v", err)
				}
				a := &attest.AttestCommand{
					KeyOpts:        ko,
					PredicatePath:  predicate,
					PredicateType:  predicateType,
					RekorEntryType: "dsse",
					Timeout:        time.Minute,
				}
				if err := a.Exec(ctx, f.image.String()); err != nil {
					t.Fatalf("cosign attest: %v", err)
				}
				var evidence []verify.Descriptor
				if bundles {
					evidence = f.evidence(t, "")
				} else {
					evidence = append(f.evidence(t, ".sig"), f.evidence(t, ".att")...)
				}
				v := &verify.KeyVerifier{
					Keys:    []verify.TrustedKey{f.trusted},
					Formats: []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning},
				}
				if k.ph {
					v.Keys[0].Schemes = []verify.Scheme{verify.PureEd25519, verify.Ed25519ph}
				}
				kinds := map[verify.Kind]int{}
				for _, e := range evidence {
					att, err := v.Verify(ctx, f.subject, e)
					if err != nil {
						t.Errorf("%s: %v", e.MediaType, err)
						continue
					}
					kinds[att.Kind]++
					if att.Kind == verify.ImageSignature && att.Annotations["stage"] != "test" {
						t.Errorf("signed annotations: %v", att.Annotations)
					}
					if att.Kind == verify.Statement &&
						(att.PredicateType != predicateType || !bytes.Contains(att.Predicate, []byte(`"n":1`))) {
						t.Errorf("%s %s", att.PredicateType, att.Predicate)
					}
				}
				if kinds[verify.ImageSignature] != 1 || kinds[verify.Statement] != 1 {
					t.Errorf("%d candidates, found %v", len(evidence), kinds)
				}
				if !k.ph {
					return
				}
				// Without the named opt-in, cosign's pairing is refused.
				v.Keys[0].Schemes = nil
				for _, e := range evidence {
					if _, err := v.Verify(ctx, f.subject, e); !errors.Is(err, verify.ErrNotTrusted) && !errors.Is(err, verify.ErrTampered) {
						t.Errorf("%s without the opt-in: %v", e.MediaType, err)
					}
				}
			})
		}
	}
}

// A key that cosign made and encrypted signs here; cosign uses it with what we wrote.
func TestCosignKeys(t *testing.T) {
	pass := func(bool) ([]byte, error) { return []byte(passphrase), nil }
	pair, err := cosign.GenerateKeyPair(pass)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sign.ParseKey(pair.PrivateBytes, []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	public, err := sign.MarshalPublicKey(key.Public())
	if err != nil || !bytes.Equal(public, pair.PublicBytes) {
		t.Errorf("public key here:\n%s\nthere:\n%s, %v", public, pair.PublicBytes, err)
	}
	if _, err := sign.ParseKey(pair.PrivateBytes, []byte("guess")); !errors.Is(err, sign.ErrPassphrase) {
		t.Error(err)
	}
	trusted, err := verify.ParseTrustedKey(pair.PublicBytes)
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}}).Verify(t.Context(), image, evidence); err != nil {
		t.Error(err)
	}
	// The way back: cosign's own loader, on our encrypted key and on our plain one by import.
	encrypted, err := key.MarshalEncryptedPEM([]byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cosign.LoadPrivateKey(encrypted, []byte(passphrase), nil); err != nil {
		t.Errorf("cosign loads our encrypted key: %v", err)
	}
	plain, err := key.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, plain, 0o600); err != nil {
		t.Fatal(err)
	}
	if imported, err := cosign.ImportKeyPair(file, pass); err != nil || !bytes.Equal(imported.PublicBytes, public) {
		t.Errorf("cosign imports our key: %v", err)
	}
}

// Files, both ways.
func TestCosignBlobs(t *testing.T) {
	quiet(t)
	pass := func(bool) ([]byte, error) { return []byte(passphrase), nil }
	for _, k := range keyTypes {
		t.Run(k.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			f := setup(t, k)
			dir := t.TempDir()
			file, theirBundle, ourBundle := filepath.Join(dir, "file"), filepath.Join(dir, "their.json"), filepath.Join(dir, "our.json")
			if err := os.WriteFile(file, []byte("a release"), 0o600); err != nil {
				t.Fatal(err)
			}
			ko := options.KeyOpts{KeyRef: f.private, PassFunc: pass, NewBundleFormat: true, BundlePath: theirBundle, SkipConfirmation: true}
			if _, err := cosignsign.SignBlobCmd(ctx, &options.RootOptions{Timeout: time.Minute}, ko, file, "", "", true, "", "",
				false); err != nil {
				t.Fatalf("cosign sign-blob: %v", err)
			}
			data, err := os.ReadFile(theirBundle)
			if err != nil {
				t.Fatal(err)
			}
			v := &verify.KeyVerifier{Keys: []verify.TrustedKey{f.trusted}}
			if a, err := v.VerifyBlob(ctx, strings.NewReader("a release"), verify.Descriptor{Data: data}); err != nil ||
				a.Kind != verify.Blob {
				t.Errorf("we read cosign's: %v", err)
			}
			if _, err := v.VerifyBlob(ctx, strings.NewReader("another"), verify.Descriptor{Data: data}); err == nil {
				t.Error("we read cosign's for another file")
			}
			ours, err := (&sign.BundleSigner{Key: f.key}).SignBlob(ctx, strings.NewReader("a release"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(ourBundle, ours.Data, 0o600); err != nil {
				t.Fatal(err)
			}
			c := &cosignverify.VerifyBlobCmd{
				KeyOpts:       options.KeyOpts{KeyRef: f.public, BundlePath: ourBundle, NewBundleFormat: true},
				IgnoreTlog:    true,
				Offline:       true,
				HashAlgorithm: k.hash,
			}
			if err := c.Exec(ctx, file); err != nil {
				t.Errorf("cosign reads ours: %v", err)
			}
		})
	}
}
