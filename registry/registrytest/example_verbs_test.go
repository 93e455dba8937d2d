package registrytest_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
)

// A registry that keeps what it gets in a directory, which outlives it.
func ExampleDirectory() {
	dir, err := os.MkdirTemp("", "registry")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	server := httptest.NewServer(registrytest.Directory(dir))
	defer server.Close()
	repo, err := registry.Open(strings.TrimPrefix(server.URL, "http://")+"/demo/app", nil)
	if err != nil {
		log.Fatal(err)
	}
	blob := []byte("a layer")
	d := registry.Descriptor{Digest: digest.FromBytes(blob), Size: int64(len(blob))}
	if err := repo.Push(context.Background(), d, bytes.NewReader(blob)); err != nil {
		log.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(dir, "demo", "app", "blobs", "sha256", d.Digest.Encoded()))
	fmt.Println(string(kept), err)
	// Output: a layer <nil>
}
