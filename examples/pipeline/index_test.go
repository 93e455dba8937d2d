package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"testing"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
)

// Of an index each platform is catalogued, and each is signed and attested, as the index is: whichever a node resolves, it finds evidence.
func TestIndex(t *testing.T) {
	values := surroundings(t)
	for name, value := range values {
		t.Setenv(name, value)
	}
	repo, err := registry.Open(values["REGISTRY"]+"/shop/index", nil)
	if err != nil {
		t.Fatal(err)
	}
	program, err := self()
	if err != nil {
		t.Fatal(err)
	}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for i, architecture := range []string{"amd64", "arm64"} {
		d, err := pushImage(t.Context(), repo, "", append(bytes.Clone(program), byte(i)))
		if err != nil {
			t.Fatal(err)
		}
		d.Platform = &ocispec.Platform{OS: "linux", Architecture: architecture}
		index.Manifests = append(index.Manifests, d)
	}
	data, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	root := describe(ocispec.MediaTypeImageIndex, data)
	if err := repo.Push(t.Context(), root, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if err := repo.Tag(t.Context(), root, "v1"); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	summary := t.TempDir() + "/summary.md"
	code := run(
		t.Context(),
		[]string{"-image", repo.Name() + ":v1", "-scan", "inspector", "-sign", "awskms:///alias/release", "-summary", summary},
		&stdout,
		&stderr,
	)
	if code != passed {
		t.Fatalf("%d\n%s\n%s", code, &stdout, &stderr)
	}
	by, err := byKey(t.Context(), "awskms:///alias/release")
	if err != nil {
		t.Fatal(err)
	}
	// the first is the image's signature
	want := map[string]int{"https://sigstore.dev/cosign/sign/v1": 1, "https://slsa.dev/provenance/v1": 1}
	for i, d := range append([]ocispec.Descriptor{root}, index.Manifests...) {
		got := map[string]int{}
		for _, a := range verify.Collect(t.Context(), d, repo, by.verifier).Attestations {
			got[a.PredicateType]++
		}
		if i > 0 {
			want["https://cyclonedx.org/bom"], want["https://in-toto.io/attestation/vulns/v0.2"] = 1, 1
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s has %v, want %v", d.Digest, got, want)
		}
	}
	if text, err := os.ReadFile(summary); err != nil || !bytes.Contains(text, []byte("Released")) {
		t.Errorf("%v, %s", err, text)
	}
}
