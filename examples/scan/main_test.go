package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"scan": main})
}

func TestScripts(t *testing.T) {
	setup := func(env *testscript.Env) error { // Amazon Inspector, here
		cloud := awstest.Start(t, nil)
		cloud.AddVulnerability(awstest.Vulnerability{ID: "CVE-2026-0005", Severity: "high", Score: 7.5, Fixed: "1.2.0",
			PURL: "pkg:npm/a@1.1.0"})
		id, secret := cloud.Credentials()
		env.Setenv("AWS_ENDPOINT_URL", cloud.URL())
		env.Setenv("AWS_ACCESS_KEY_ID", id)
		env.Setenv("AWS_SECRET_ACCESS_KEY", secret)
		env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		env.Setenv("AWS_CONFIG_FILE", filepath.Join(env.WorkDir, "none"))
		env.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(env.WorkDir, "none"))
		return nil
	}
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: setup, Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"zip":    zipFiles,
		"layout": makeLayout,
		"keygen": keygen,
		"verify": verifyReport,
	}})
}

func check(ts *testscript.TestScript, err error) {
	if err != nil {
		ts.Fatalf("%v", err)
	}
}

// zipFiles puts files into a zip, as OSV publishes records: zip OUT FILE...
func zipFiles(ts *testscript.TestScript, _ bool, args []string) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range args[1:] {
		w, err := z.Create(name)
		check(ts, err)
		_, err = io.WriteString(w, ts.ReadFile(name))
		check(ts, err)
	}
	check(ts, z.Close())
	check(ts, os.WriteFile(ts.MkAbs(args[0]), buf.Bytes(), 0o644))
}

// makeLayout writes an image of one layer to an OCI layout: layout DIR FILE..., each FILE at its path in the image.
func makeLayout(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	blobs := filepath.Join(dir, "blobs", "sha256")
	check(ts, os.MkdirAll(blobs, 0o755))
	put := func(mediaType string, data []byte) ocispec.Descriptor {
		d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		check(ts, os.WriteFile(filepath.Join(blobs, d.Digest.Encoded()), data, 0o644))
		return d
	}
	putJSON := func(mediaType string, v any) ocispec.Descriptor {
		data, err := json.Marshal(v)
		check(ts, err)
		return put(mediaType, data)
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range args[1:] {
		data := ts.ReadFile(name)
		check(ts, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}))
		_, err := io.WriteString(w, data)
		check(ts, err)
	}
	check(ts, w.Close())
	layer := put(ocispec.MediaTypeImageLayer, buf.Bytes())
	config := putJSON(ocispec.MediaTypeImageConfig, ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{layer.Digest}},
	})
	manifest := putJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: config, Layers: []ocispec.Descriptor{layer},
	})
	manifest.Annotations = map[string]string{ocispec.AnnotationRefName: "latest"}
	index, err := json.Marshal(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{manifest},
	})
	check(ts, err)
	check(ts, os.WriteFile(filepath.Join(dir, "index.json"), index, 0o644))
	check(ts, os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion": "1.0.0"}`), 0o644))
}

// keygen writes a private key, and its public one beside it: keygen FILE
func keygen(ts *testscript.TestScript, _ bool, args []string) {
	key, err := sign.GenerateKey(sign.P256)
	check(ts, err)
	private, err := key.MarshalPEM()
	check(ts, err)
	public, err := sign.MarshalPublicKey(key.Public())
	check(ts, err)
	check(ts, os.WriteFile(ts.MkAbs(args[0]), private, 0o600))
	check(ts, os.WriteFile(ts.MkAbs(args[0]+".pub"), public, 0o644))
}

// verifyReport verifies the report that is attached to the image in a layout, and prints its findings: verify DIR PUBLICKEY
func verifyReport(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	repo, err := registry.OpenLayout(ts.MkAbs(args[0]))
	check(ts, err)
	image, err := repo.Resolve(ctx, "latest")
	check(ts, err)
	key, err := verify.ParseTrustedKey([]byte(ts.ReadFile(args[1])))
	check(ts, err)
	got := verify.Collect(ctx, image, repo, &verify.KeyVerifier{Keys: []verify.TrustedKey{key}})
	check(ts, errors.Join(got.Incomplete...))
	for _, a := range got.Attestations {
		report, err := vuln.ParsePredicate(a.PredicateType, a.Predicate)
		check(ts, err)
		for f, place := range report.Places() {
			io.WriteString(ts.Stdout(), "proven: "+f.ID+" "+place.Component.PURL+"\n")
		}
	}
}
