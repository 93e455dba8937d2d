//go:build containers_image_openpgp

package containers

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/image"
	"go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/signature/signer"
	"go.podman.io/image/v5/signature/sigstore"
	"go.podman.io/image/v5/types"
)

const passphrase = "not a secret"

// stage is a registry with one image, app:v1, and what the library needs to read it: signatures are asked for at their tag.
type stage struct {
	host, dir string
	image     registry.Descriptor
	sys       *types.SystemContext
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newStage(t *testing.T) *stage {
	t.Helper()
	srv := registrytest.Start(nil)
	t.Cleanup(srv.Close)
	s := &stage{host: srv.Host(), dir: t.TempDir()}
	writeLayout(t, s.dir)
	src := must(registry.OpenLayout(s.dir))
	s.image = must(registry.Copy(t.Context(), must(registry.Open(s.host+"/acme/app", nil)), src, "v1", nil))
	lookaside := t.TempDir()
	config := "docker:\n  " + s.host + ":\n    use-sigstore-attachments: true\n"
	if err := os.WriteFile(filepath.Join(lookaside, "test.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "registries.conf")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.sys = &types.SystemContext{DockerInsecureSkipTLSVerify: types.OptionalBoolTrue, RegistriesDirPath: lookaside,
		SystemRegistriesConfPath: empty, SystemRegistriesConfDirPath: t.TempDir(), BlobInfoCacheDir: t.TempDir(),
		AuthFilePath: filepath.Join(t.TempDir(), "none")}
	return s
}

// writeLayout writes an OCI layout with one image of one empty layer.
func writeLayout(t *testing.T, dir string) {
	t.Helper()
	blob := func(data []byte) digest.Digest {
		d := digest.FromBytes(data)
		path := filepath.Join(dir, "blobs", "sha256", d.Encoded())
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return d
	}
	layer := make([]byte, 1024) // a tar archive's end
	config := must(json.Marshal(ocispec.Image{Platform: ocispec.Platform{Architecture: "amd64", OS: "linux"},
		RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(layer)}}}))
	manifest := must(json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: blob(config), Size: int64(len(config))},
		Layers: []ocispec.Descriptor{{MediaType: ocispec.MediaTypeImageLayer, Digest: blob(layer), Size: int64(len(layer))}}}))
	index := must(json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{{MediaType: ocispec.MediaTypeImageManifest, Digest: blob(manifest), Size: int64(len(manifest)),
			Annotations: map[string]string{ocispec.AnnotationRefName: "v1"}}}}))
	for name, data := range map[string][]byte{"index.json": index, "oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// allowed asks the library's policy whether an image may run.
func (s *stage) allowed(ctx context.Context, reference string, public []byte, identity signature.PolicyReferenceMatch) error {
	ref := must(docker.ParseReference("//" + reference))
	requirement := must(signature.NewPRSigstoreSigned(signature.PRSigstoreSignedWithKeyData(public),
		signature.PRSigstoreSignedWithSignedIdentity(identity)))
	policy := must(signature.NewPolicyContext(&signature.Policy{Default: signature.PolicyRequirements{requirement}}))
	defer func() { _ = policy.Destroy() }()
	source, err := ref.NewImageSource(ctx, s.sys)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	ok, err := policy.IsRunningImageAllowed(ctx, image.UnparsedInstance(source, nil))
	if err == nil && !ok {
		err = fmt.Errorf("not allowed, without a reason")
	}
	return err
}

// signAs signs the image under a name, and stores the signature at its tag.
func (s *stage) signAs(t *testing.T, signer *sign.CosignSigner, name string) {
	t.Helper()
	st := sign.About(s.image, sign.ImageSignature{})
	st.Subjects[0].Name = name
	evidence := must(signer.Sign(t.Context(), st))
	if err := must(registry.Open(s.host+"/acme/app", nil)).AttachCosign(t.Context(), s.image, evidence); err != nil {
		t.Fatal(err)
	}
}

// The table in the comment of CosignSigner: which name passes which policy.
func TestNames(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, tt := range []struct {
		name string // behind the host
		want map[string]bool
	}{
		{"/acme/app", map[string]bool{"repository by tag": true, "repository by digest": true}},
		{"/acme/app:v1", map[string]bool{"default by digest": true, "default by tag": true, "exact by tag": true, "repository by tag": true,
			"repository by digest": true}},
		{"/acme/other:v1", map[string]bool{}},
	} {
		s := newStage(t)
		key := must(sign.GenerateKey(sign.P256))
		public := must(sign.MarshalPublicKey(key.Public()))
		s.signAs(t, &sign.CosignSigner{Key: key}, s.host+tt.name)
		byTag, byDigest := s.host+"/acme/app:v1", s.host+"/acme/app@"+string(s.image.Digest)
		for policy, ask := range map[string]func() error{
			"default by digest":    func() error { return s.allowed(ctx, byDigest, public, signature.NewPRMMatchRepoDigestOrExact()) },
			"default by tag":       func() error { return s.allowed(ctx, byTag, public, signature.NewPRMMatchRepoDigestOrExact()) },
			"exact by tag":         func() error { return s.allowed(ctx, byTag, public, signature.NewPRMMatchExact()) },
			"repository by tag":    func() error { return s.allowed(ctx, byTag, public, signature.NewPRMMatchRepository()) },
			"repository by digest": func() error { return s.allowed(ctx, byDigest, public, signature.NewPRMMatchRepository()) },
		} {
			err := ask()
			t.Logf("docker-reference HOST%-15s %-21s %v", tt.name, policy, strings.ReplaceAll(fmt.Sprint(err), s.host, "HOST"))
			if (err == nil) != tt.want[policy] {
				t.Errorf("%s, %s: %v", tt.name, policy, err)
			}
		}
		stranger := must(sign.MarshalPublicKey(must(sign.GenerateKey(sign.P256)).Public()))
		if err := s.allowed(ctx, byTag, stranger, signature.NewPRMMatchRepository()); err == nil {
			t.Error("another key's policy allows it")
		}
	}
}

var algorithms = map[string]sign.Algorithm{"P-256": sign.P256, "P-384": sign.P384, "P-521": sign.P521, "RSA-2048": sign.RSA2048,
	"Ed25519": sign.Ed25519}

// Which of our signatures the library reads, by key and scheme: it hashes with SHA-256 whatever the key is.
func TestTheirsReadOurs(t *testing.T) {
	for name, a := range algorithms {
		key := must(sign.GenerateKey(a))
		schemes := map[sign.Scheme]bool{0: name != "P-384" && name != "P-521"}
		if _, ok := key.Public().(*ecdsa.PublicKey); ok {
			schemes[sign.ECDSAWithSHA256] = true
			schemes[sign.ECDSAWithSHA512] = false
		}
		for scheme, want := range schemes {
			s := newStage(t)
			s.signAs(t, &sign.CosignSigner{Key: key, Scheme: scheme}, s.host+"/acme/app:v1")
			err := s.allowed(t.Context(), s.host+"/acme/app:v1", must(sign.MarshalPublicKey(key.Public())), signature.NewPRMMatchExact())
			t.Logf("%s, %v: %v", name, scheme, err)
			if (err == nil) != want {
				t.Errorf("%s by %v: %v", name, scheme, err)
			}
		}
	}
}

// What the library signs while it copies, with a key that we wrote, we read.
func TestOursReadTheirs(t *testing.T) {
	for name, a := range algorithms {
		s := newStage(t)
		key := must(sign.GenerateKey(a))
		file := filepath.Join(t.TempDir(), "key.pem")
		if err := os.WriteFile(file, must(key.MarshalEncryptedPEM([]byte(passphrase))), 0o600); err != nil {
			t.Fatal(err)
		}
		by := must(sigstore.NewSigner(sigstore.WithPrivateKeyFile(file, []byte(passphrase))))
		policy := must(signature.NewPolicyContext(
			&signature.Policy{Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()}}))
		_, err := copy.Image(t.Context(), policy, must(docker.ParseReference("//"+s.host+"/acme/app:v2")),
			must(layout.ParseReference(s.dir+":v1")),
			&copy.Options{SourceCtx: s.sys, DestinationCtx: s.sys, PreserveDigests: true, Signers: []*signer.Signer{by}})
		if err != nil {
			t.Fatal(err)
		}
		repo := must(registry.Open(s.host+"/acme/app", &registry.Options{CosignTags: true}))
		trusted := verify.TrustedKey{Key: key.Public()}
		read := func() *verify.Report {
			return verify.Collect(t.Context(), s.image, repo,
				&verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}, Formats: []verify.Format{verify.SimpleSigning}})
		}
		if name == "P-384" || name == "P-521" { // as they hash
			if r := read(); len(r.Attestations) > 0 || len(r.Rejected) != 1 || !strings.Contains(r.Rejected[0].Error(), "ECDSA-SHA256") {
				t.Errorf("%s by default: %+v", name, r)
			}
			trusted.Schemes = []verify.Scheme{verify.ECDSAWithSHA256}
		}
		r := read()
		if len(r.Attestations) != 1 || r.Attestations[0].Name != s.host+"/acme/app:v2" || r.Attestations[0].Kind != verify.ImageSignature {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
