package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sign/provenance"
)

// servicePackage is the program that goes into the image.
const servicePackage = "github.com/ladingdev/lading/examples/quickstart/service"

// buildService compiles the service for a Linux container and returns the binary, and how it was built.
func buildService(ctx context.Context, progress func(string)) (binary []byte, facts *provenance.Provenance, err error) {
	started := time.Now()
	dir, err := os.MkdirTemp("", "lading-quickstart-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "service")
	cmd := exec.CommandContext(ctx, "go", "build", "-v", "-trimpath", "-buildvcs=auto", "-ldflags=-s -w", "-o", out, servicePackage)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	packages := &compiled{progress: progress}
	cmd.Stderr = packages
	if err := cmd.Run(); err != nil {
		return nil, nil, fmt.Errorf("go build %s: %w\n%s(run the quick start from inside the repository, with go in PATH)", servicePackage,
			err, packages)
	}
	if binary, err = os.ReadFile(out); err != nil {
		return nil, nil, err
	}
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, nil, err
	}
	facts = buildFacts(info)
	facts.StartedOn, facts.FinishedOn = started.UTC().Truncate(time.Second), time.Now().UTC().Truncate(time.Second)
	return binary, facts, nil
}

// compiled is told by go build, line by line, what it does: fetch a module, compile a package, or fail.
type compiled struct {
	progress func(string)
	said     bytes.Buffer
	packages int
}

func (c *compiled) Write(p []byte) (int, error) {
	c.said.Write(p)
	if lines := strings.Fields(string(p)); len(lines) > 0 {
		c.packages += bytes.Count(p, []byte("\n"))
		c.progress(fmt.Sprintf("package %d, %s", c.packages, lines[len(lines)-1]))
	}
	return len(p), nil
}

// String returns the last that was said, where a failure is.
func (c *compiled) String() string {
	lines := strings.SplitAfter(c.said.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "")
}

// buildFacts says how the program in this folder was built, here and now. Provenance is of what was built by who signs it:
// there is none for an image from elsewhere. The commit is the one that the compiler found beside the files that it read,
// which the folder that this program runs in need not be, and no commit is told where files were changed since.
func buildFacts(info *buildinfo.BuildInfo) *provenance.Provenance {
	setting := func(key string) string {
		for _, s := range info.Settings {
			if s.Key == key {
				return s.Value
			}
		}
		return ""
	}
	facts := &provenance.Provenance{
		BuildType:          provenance.BuildTypeLocal,
		BuilderID:          provenance.LocalBuilder,
		ExternalParameters: map[string]any{"package": servicePackage},
		InternalParameters: map[string]any{"go": info.GoVersion, "platform": setting("GOOS") + "/" + setting("GOARCH")},
	}
	if commit := setting("vcs.revision"); setting("vcs") == "git" && commit != "" && setting("vcs.modified") == "false" {
		facts.ResolvedDependencies = []provenance.Resource{{Name: "source", Digest: map[string]string{"gitCommit": commit}}}
	}
	return facts
}

// pushImage packs files into an OCI image of one layer and pushes it under tag.
func pushImage(ctx context.Context, repo *registry.Repository, tag string, files map[string][]byte) (ocispec.Descriptor, error) {
	var none ocispec.Descriptor
	layer, diffID, err := packLayer(files)
	if err != nil {
		return none, err
	}
	config, err := json.Marshal(ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		Config:   ocispec.ImageConfig{Entrypoint: []string{"/service"}, ExposedPorts: map[string]struct{}{"8080/tcp": {}}},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{diffID}},
	})
	if err != nil {
		return none, err
	}
	manifest := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    describe(ocispec.MediaTypeImageConfig, config),
		Layers:    []ocispec.Descriptor{describe(ocispec.MediaTypeImageLayerGzip, layer)},
	}
	data, err := json.Marshal(manifest)
	if err != nil {
		return none, err
	}
	image := describe(ocispec.MediaTypeImageManifest, data)
	for _, part := range []struct {
		desc ocispec.Descriptor
		data []byte
	}{{manifest.Layers[0], layer}, {manifest.Config, config}, {image, data}} {
		if err := repo.Push(ctx, part.desc, bytes.NewReader(part.data)); err != nil {
			return none, err
		}
	}
	return image, repo.Tag(ctx, image, tag)
}

func describe(mediaType string, data []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
}

// packLayer returns the files as a gzipped tar, and the digest of the tar. The same files give the same bytes.
func packLayer(files map[string][]byte) (layer []byte, diffID digest.Digest, err error) {
	var buf bytes.Buffer
	sum := sha256.New()
	zip := gzip.NewWriter(&buf)
	w := tar.NewWriter(io.MultiWriter(zip, sum))
	for _, name := range sortedKeys(files) {
		h := &tar.Header{Name: name, Mode: 0o755, Size: int64(len(files[name])), ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
		if err := w.WriteHeader(h); err != nil {
			return nil, "", err
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	if err := zip.Close(); err != nil {
		return nil, "", err
	}
	return buf.Bytes(), digest.NewDigest(digest.SHA256, sum), nil
}
