package gate_test

import (
	"bytes"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// signedImage pushes and signs an image, and returns a gate that wants to see that.
func signedImage(t *testing.T, repo *registry.Repository, o *registry.Options) (*policy.Gate, registry.Descriptor) {
	t.Helper()
	manifest := []byte(`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `","config":{},"layers":[]}`)
	image := registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(manifest), Size: int64(len(manifest))}
	if err := repo.Push(t.Context(), image, bytes.NewReader(manifest)); err != nil {
		t.Fatal(err)
	}
	if err := repo.Tag(t.Context(), image, "v1"); err != nil {
		t.Fatal(err)
	}
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Attach(t.Context(), image, evidence); err != nil {
		t.Fatal(err)
	}
	return &policy.Gate{
		Open:      gate.Open(o),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}, image
}

func TestOpen(t *testing.T) {
	var down atomic.Bool
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if down.Load() {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	defer s.Close()
	name := s.Host() + "/demo/app"
	repo, err := registry.Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	g, image := signedImage(t, repo, nil)
	for _, reference := range []string{name + ":v1", name + "@" + image.Digest.String(), name + ":v1@" + image.Digest.String()} {
		d := g.Check(t.Context(), reference)
		if d.Verdict != policy.Allow || d.Subject.Digest != image.Digest {
			t.Errorf("%s: %v, %s", reference, d, d.Subject.Digest)
		}
	}
	other := digest.FromString("another").String()
	for reference, want := range map[string]error{
		name + ":v2":        registry.ErrNotFound,
		name + "@" + other:  registry.ErrNotFound,
		name + ":not a tag": registry.ErrInvalid,
		"":                  registry.ErrInvalid,
	} {
		d := g.Check(t.Context(), reference)
		if d.Verdict != policy.Indeterminate || !errors.Is(d.Err(), want) {
			t.Errorf("%q: %v, want %v", reference, d.Err(), want)
		}
	}
	down.Store(true)
	if d := g.Check(t.Context(), name+":v1"); d.Verdict != policy.Indeterminate || !errors.Is(d.Err(), registry.ErrUnauthorized) {
		t.Errorf("a registry that turns us away: %v", d)
	}
}

// One Cache serves all images of a gate, so that no request is made for what is known.
func TestOpenShares(t *testing.T) {
	var requests atomic.Int64
	s := registrytest.Start(&registrytest.Options{
		Quirks: []registrytest.Quirk{registrytest.Watch(func(*http.Request) { requests.Add(1) })}})
	defer s.Close()
	name := s.Host() + "/demo/app"
	repo, err := registry.Open(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	g, image := signedImage(t, repo, &registry.Options{Cache: &registry.Cache{ListingLifetime: 1 << 40}})
	for i, want := range []bool{true, false} {
		requests.Store(0)
		if d := g.Check(t.Context(), name+"@"+image.Digest.String()); d.Verdict != policy.Allow {
			t.Fatal(d)
		}
		if n := requests.Load(); (n > 0) != want {
			t.Errorf("check %d made %d requests", i+1, n)
		}
	}
}
