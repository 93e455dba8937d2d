package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"first": main})
}

// One image in the registry is signed by the key in cosign.pub, one by nobody.
func TestFirst(t *testing.T) {
	srv := registrytest.Start(nil)
	t.Cleanup(srv.Close)
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	public, err := sign.MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"signed", "unsigned"} {
		repo, err := registry.Open(srv.Host()+"/shop/"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		manifest := []byte(`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `","config":{"mediaType":"` +
			ocispec.MediaTypeImageConfig + `","digest":"` + digest.FromString("{}").String() + `","size":2},"layers":[]}`)
		for _, content := range []struct {
			mediaType string
			data      []byte
		}{{ocispec.MediaTypeImageConfig, []byte("{}")}, {ocispec.MediaTypeImageManifest, manifest}} {
			d := ocispec.Descriptor{MediaType: content.mediaType, Digest: digest.FromBytes(content.data), Size: int64(len(content.data))}
			if err := repo.Push(t.Context(), d, bytes.NewReader(content.data)); err != nil {
				t.Fatal(err)
			}
			if content.mediaType != ocispec.MediaTypeImageManifest {
				continue
			}
			if err := repo.Tag(t.Context(), d, "v1"); err != nil {
				t.Fatal(err)
			}
			if name != "signed" {
				continue
			}
			evidence, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(d, sign.ImageSignature{}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := repo.Attach(t.Context(), d, evidence); err != nil {
				t.Fatal(err)
			}
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("REGISTRY", srv.Host())
			return os.WriteFile(filepath.Join(env.WorkDir, "cosign.pub"), public, 0o644)
		},
	})
}
