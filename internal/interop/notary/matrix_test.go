package notary_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/notaryproject/notation-go"
	notationplugin "github.com/notaryproject/notation-go/plugin"
	notationregistry "github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-plugin-framework-go/plugin"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	awssign "github.com/ladingdev/lading/sign/awssigner"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	verifynotary "github.com/ladingdev/lading/verify/notary"
	"github.com/ladingdev/lading/verify/notary/awssigner"
)

// kept is an image in a store, as we and as notation-go reach it.
type kept struct {
	ours   *registry.Repository
	theirs notationregistry.Repository
	image  registry.Descriptor
	name   string // for notation-go's trust policy
	dir    string // of a layout
}

func keep(t *testing.T, store string) *kept {
	t.Helper()
	k := &kept{name: "registry.example/app"}
	if store == "layout" {
		k.dir = t.TempDir()
		k.ours = must(registry.OpenLayout(k.dir))
		k.image = pushImage(t, k.ours)
		k.theirs = must(notationregistry.NewOCIRepository(k.dir, notationregistry.RepositoryOptions{}))
		return k
	}
	var opts registrytest.Options
	if store == "fallback" {
		opts.Quirks = []registrytest.Quirk{registrytest.NoReferrers(404)}
	}
	srv := registrytest.Start(&opts)
	t.Cleanup(srv.Close)
	k.ours = must(registry.Open(srv.Host()+"/app", nil))
	k.image = pushImage(t, k.ours)
	r := must(remote.NewRepository(srv.Host() + "/app"))
	r.PlainHTTP = true
	k.theirs, k.name = notationregistry.NewRepository(r), srv.Host()+"/app"
	return k
}

func pushImage(t *testing.T, repo *registry.Repository) registry.Descriptor {
	t.Helper()
	put := func(mediaType string, data []byte) registry.Descriptor {
		d := registry.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		if err := repo.Push(t.Context(), d, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	config := put(ocispec.MediaTypeImageConfig, []byte("{}"))
	d := put(ocispec.MediaTypeImageManifest, must(json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: []ocispec.Descriptor{}})))
	if err := repo.Tag(t.Context(), d, "v1"); err != nil {
		t.Fatal(err)
	}
	return d
}

// they ask notation-go for a signature of the image by somebody below a root.
func (k *kept) they(ctx context.Context, roots []*x509.Certificate, trustStore, identity string, manager notationplugin.Manager) error {
	policy := &trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{Name: "all", RegistryScopes: []string{"*"},
		TrustStores: []string{trustStore}, TrustedIdentities: []string{identity},
		SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: "strict"}}}}
	v, err := verifier.New(policy, store(roots), manager)
	if err != nil {
		return err
	}
	if k.dir != "" { // it reads the layout's index once
		if k.theirs, err = notationregistry.NewOCIRepository(k.dir, notationregistry.RepositoryOptions{}); err != nil {
			return err
		}
	}
	_, outcomes, err := notation.Verify(ctx, v, k.theirs,
		notation.VerifyOptions{ArtifactReference: k.name + "@" + k.image.Digest.String(), MaxSignatureAttempts: 10})
	if err == nil && len(outcomes) == 0 {
		err = fmt.Errorf("no signature")
	}
	return err
}

// Each cell of the matrix of docs/interop.md for Notary: signatures kept in a store, written by one and read by the other.
func TestMatrix(t *testing.T) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	chain, strangers := newChain(key), newChain(key)
	const identity = "x509.subject: C=US, ST=WA, O=acme"
	for name, format := range map[string]signnotary.Format{"Notary JWS": signnotary.JWS, "Notary COSE": signnotary.COSE} {
		mediaType := map[signnotary.Format]string{signnotary.JWS: "application/jose+json", signnotary.COSE: "application/cose"}[format]
		for _, where := range []string{"API", "fallback", "layout"} {
			t.Run(name+"/we write/"+where, func(t *testing.T) {
				k := keep(t, where)
				s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, Format: format, Expiry: time.Hour}
				k.attach(t, must(s.Sign(t.Context(), sign.About(k.image, sign.ImageSignature{}))))
				if err := k.they(t.Context(), chain[1:], "ca:roots", identity, nil); err != nil {
					t.Errorf("notation-go: %v", err)
				}
				if k.they(t.Context(), strangers[1:], "ca:roots", identity, nil) == nil {
					t.Error("notation-go takes it below another root")
				}
			})
			t.Run(name+"/they write/"+where, func(t *testing.T) {
				k := keep(t, where)
				opts := notation.SignOptions{SignerSignOptions: notation.SignerSignOptions{SignatureMediaType: mediaType,
					ExpiryDuration: time.Hour},
					ArtifactReference: k.image.Digest.String()}
				if _, err := notation.Sign(t.Context(), must(signer.New(key, chain)), k.theirs, opts); err != nil {
					t.Fatalf("notation-go: %v", err)
				}
				k.weRead(t, &verifynotary.Verifier{CA: chain[1:], Identities: []string{identity}}, 1)
				k.weRead(t, &verifynotary.Verifier{CA: strangers[1:], Identities: []string{identity}}, 0)
			})
		}
	}
	aws(t)
}

func (k *kept) attach(t *testing.T, d sign.Descriptor) {
	t.Helper()
	if _, err := k.ours.Attach(t.Context(), k.image, d); err != nil {
		t.Fatal(err)
	}
}

func (k *kept) weRead(t *testing.T, v verify.Verifier, want int) {
	t.Helper()
	k.ours.Forget()
	if r := verify.Collect(t.Context(), k.image, k.ours, v); len(r.Attestations) != want || len(r.Incomplete) > 0 {
		t.Errorf("want %d: %v", want, r)
	}
}

// aws is the row of AWS Signer. The service is its stand-in; what it signs notation-go reads with a plugin that is asked in process, in the
// place of AWS's program, and what notation-go stores is the envelope that AWS's plugin hands on.
func aws(t *testing.T) {
	s := awstest.Start(t, nil)
	profile, _ := s.CreateProfile(awstest.Profile{Name: "release"})
	client := awssdk.NewFromConfig(s.Config())
	v := awssigner.Verifier(client, profile)
	v.SigningAuthority, v.AWSRoots = append(v.SigningAuthority, s.Root()), []*x509.Certificate{s.Root()}
	roots, strangers := []*x509.Certificate{s.Root()}, []*x509.Certificate{awstest.Start(t, nil).Root()}
	for _, where := range []string{"API", "fallback", "layout"} {
		envelope := func(k *kept) sign.Descriptor {
			return must(must(awssign.New(client, profile)).Sign(t.Context(), sign.About(k.image, sign.ImageSignature{})))
		}
		t.Run("AWS Signer/we write/"+where, func(t *testing.T) {
			k := keep(t, where)
			k.attach(t, envelope(k))
			if err := k.they(t.Context(), roots, "signingAuthority:aws", profile, new(awsPlugin)); err != nil {
				t.Errorf("notation-go: %v", err)
			}
			if k.they(t.Context(), strangers, "signingAuthority:aws", profile, new(awsPlugin)) == nil {
				t.Error("notation-go takes it below another root")
			}
		})
		t.Run("AWS Signer/they write/"+where, func(t *testing.T) {
			k := keep(t, where)
			d := envelope(k)
			if _, _, err := k.theirs.PushSignature(t.Context(), d.MediaType, d.Data, k.image, d.Annotations); err != nil {
				t.Fatal(err)
			}
			k.weRead(t, v, 1)
			k.weRead(t, awssigner.Verifier(client, profile), 0) // whose roots are AWS's own
		})
	}
}

// awsPlugin stands for AWS's plugin: it finds every identity trusted and no certificate revoked.
type awsPlugin struct{ plugin.Plugin }

func (p *awsPlugin) Get(context.Context, string) (plugin.Plugin, error) { return p, nil }
func (p *awsPlugin) List(context.Context) ([]string, error) {
	return []string{"com.amazonaws.signer.notation.plugin"}, nil
}

func (*awsPlugin) GetMetadata(context.Context, *plugin.GetMetadataRequest) (*plugin.GetMetadataResponse, error) {
	return &plugin.GetMetadataResponse{Name: "com.amazonaws.signer.notation.plugin", Description: "test", Version: "1.0.350",
			URL:                       "https://example.com",
			SupportedContractVersions: []string{"1.0"},
			Capabilities: []plugin.Capability{plugin.CapabilityTrustedIdentityVerifier,
				plugin.CapabilityRevocationCheckVerifier}},
		nil
}

func (*awsPlugin) VerifySignature(_ context.Context, req *plugin.VerifySignatureRequest) (*plugin.VerifySignatureResponse, error) {
	out := &plugin.VerifySignatureResponse{VerificationResults: make(map[plugin.Capability]*plugin.VerificationResult)}
	for _, c := range req.TrustPolicy.SignatureVerification {
		out.VerificationResults[c] = &plugin.VerificationResult{Success: true}
	}
	for name := range req.Signature.CriticalAttributes.ExtendedAttributes {
		out.ProcessedAttributes = append(out.ProcessedAttributes, name)
	}
	return out, nil
}
