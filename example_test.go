package lading_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io/fs"
	"iter"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing/fstest"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// Make an SBOM, sign it, attach it to an image.
func Example_attach() {
	ctx := context.Background()
	name, key, binary := demoImage()

	repo, err := registry.Open(name, nil)
	check(err)
	image, err := repo.Resolve(ctx, "")
	check(err)
	bom, err := sbom.GoBinary(binary, nil) // of the program that is in the image, and no other
	check(err)
	signer := &sign.BundleSigner{Key: key}
	evidence, err := signer.Sign(ctx, sign.About(image, bom))
	check(err)
	_, err = repo.Attach(ctx, image, evidence)
	check(err)

	fmt.Println("attached", bom.PredicateType())
	// Output: attached https://cyclonedx.org/bom
}

// Verify what is attached to an image, and decide whether it may run.
func Example_decide() {
	ctx := context.Background()
	name, publicKey := signedImage()

	trusted, err := verify.ParseTrustedKey(publicKey)
	check(err)
	gate := &policy.Gate{
		Open:      gate.Open(nil),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}
	decision := gate.Check(ctx, name)

	fmt.Println(decision.Verdict)
	// Output: ALLOW
}

// An hsm is a key in a device. It takes two methods to sign with it everywhere.
type hsm struct{ device crypto.Signer }

func (h hsm) Public() crypto.PublicKey { return h.device.Public() }
func (h hsm) Sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return h.device.Sign(rand.Reader, digest, opts)
}

// Sign with a key that only you can reach.
func Example_signer() {
	device, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	image := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("image"), Size: 5}

	signer := &sign.BundleSigner{Key: hsm{device}}
	evidence, err := signer.Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
	check(err)

	fmt.Println(evidence.MediaType)
	// Output: application/vnd.dev.sigstore.bundle.v0.3+json
}

const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// A folder is a source of evidence: bundles in files that begin with the image's digest.
type folder struct{ fs.FS }

func (f folder) Evidence(_ context.Context, image verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return func(yield func(verify.Descriptor, error) bool) {
		entries, err := fs.ReadDir(f, ".")
		if err != nil {
			yield(verify.Descriptor{}, err) // not all came
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), image.Digest.Encoded()) {
				data, err := fs.ReadFile(f, e.Name())
				d := verify.Descriptor{MediaType: bundleType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
				if !yield(d, err) {
					return
				}
			}
		}
	}
}

// Take evidence from elsewhere than a registry.
func Example_source() {
	image, files, trusted := signedOffline()

	report := verify.Collect(context.Background(), image, folder{files}, &verify.KeyVerifier{Keys: trusted})
	for _, a := range report.Attestations {
		fmt.Println(a.Kind)
	}
	// Output: image signature
}

// guard is a gate as HTTP middleware: nothing is started that the gate does not allow. What starts is the digest that it
// judged; the name may point elsewhere by then.
func guard(gate *policy.Gate, start func(digest.Digest) http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		decision := gate.Check(r.Context(), r.FormValue("image"))
		if err := decision.Err(); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		start(decision.Subject.Digest).ServeHTTP(w, r)
	})
}

// Put a gate where your containers start.
func Example_gate() {
	name, publicKey := signedImage()
	trusted, err := verify.ParseTrustedKey(publicKey)
	check(err)
	gate := &policy.Gate{
		Open:      gate.Open(nil),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}

	door := guard(gate, func(image digest.Digest) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	})
	for _, image := range []string{name, name + "-unsigned"} {
		w := httptest.NewRecorder()
		door.ServeHTTP(w, httptest.NewRequest("POST", "/?image="+image, nil))
		fmt.Println(w.Code)
	}
	// Output:
	// 201
	// 403
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// demoImage puts an image into a registry in this process and returns its name, a key, and a Go binary.
func demoImage() (name string, key sign.Key, binary *os.File) {
	ctx := context.Background()
	server := registrytest.Start(nil) // it lives as long as the examples
	repo, err := registry.Open(server.Host()+"/demo/app:v1", nil)
	check(err)
	for tag, manifest := range map[string]string{
		"v1": `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
			`"config":{"mediaType":"application/vnd.oci.empty.v1+json",` +
			`"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`,
		"v1-unsigned": `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
			`"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:` +
			`44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[],"annotations":{"signed":"no"}}`,
	} {
		image := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(manifest),
			Size: int64(len(manifest))}
		check(repo.Push(ctx, ocispec.DescriptorEmptyJSON, bytes.NewReader([]byte("{}"))))
		check(repo.Push(ctx, image, bytes.NewReader([]byte(manifest))))
		check(repo.Tag(ctx, image, tag))
	}
	local, err := sign.GenerateKey(sign.P256)
	check(err)
	executable, err := os.Executable() // a Go binary that is certainly there
	check(err)
	binary, err = os.Open(executable)
	check(err)
	return server.Host() + "/demo/app:v1", local, binary
}

// signedImage is demoImage with a signature attached.
func signedImage() (name string, publicKey []byte) {
	ctx := context.Background()
	name, key, _ := demoImage()
	repo, err := registry.Open(name, nil)
	check(err)
	image, err := repo.Resolve(ctx, "")
	check(err)
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(image, sign.ImageSignature{}))
	check(err)
	_, err = repo.Attach(ctx, image, evidence)
	check(err)
	publicKey, err = sign.MarshalPublicKey(key.Public())
	check(err)
	return name, publicKey
}

// signedOffline returns an image, files with its signature, and the key to trust.
func signedOffline() (verify.Descriptor, fs.FS, []verify.TrustedKey) {
	key, err := sign.GenerateKey(sign.P256)
	check(err)
	image := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("image"), Size: 5}
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
	check(err)
	files := fstest.MapFS{image.Digest.Encoded() + ".sigstore.json": {Data: evidence.Data}}
	return image, files, []verify.TrustedKey{{Key: key.Public()}}
}
