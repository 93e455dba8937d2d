package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyfile"
)

// yours is the honest part of the tour, for an image in the user's own registry.
func yours(ctx context.Context, p *printer, name, keyFile, out string) error {
	p.title("Lading: a bill of lading for " + name)
	key, err := loadKey(p, keyFile)
	if err != nil {
		return err
	}
	login, err := registry.DockerCredentials()
	if err != nil {
		return err
	}
	b := &bill{p: p, key: key, keyName: "the key in " + filepath.Base(keyFile), options: &registry.Options{Credential: login}}
	if b.repo, err = registry.Open(name, b.options); err != nil {
		return err
	}
	p.step("Image", "in your registry")
	if b.image, err = b.repo.Resolve(ctx, ""); err != nil {
		return err
	}
	if b.image, err = forThisPlatform(ctx, b.repo, b.image); err != nil {
		return err
	}
	p.line("digest", "%s", b.image.Digest)
	p.step("SBOM", "what is installed in the image, by sbom/catalog")
	doc, err := catalogue(ctx, p, fmt.Sprintf("%s@%s", b.repo.Name(), b.image.Digest))
	if err != nil {
		return err
	}
	if err := b.take(doc); err != nil {
		return err
	}
	if !slices.ContainsFunc(packages(doc), func(purl string) bool { return !strings.HasPrefix(purl, "pkg:oci/") }) {
		return errors.New("no packages were found in the image; nothing was signed")
	}
	gate, err := b.write(ctx)
	if err != nil {
		return err
	}
	if err := b.pass(ctx, gate, fmt.Sprintf("%s@%s", b.repo.Name(), b.image.Digest)); err != nil {
		return err
	}
	if out != "" {
		return keep(ctx, p, b.repo, b.image.Digest.String(), out)
	}
	return nil
}

// forThisPlatform takes one image from an index: what is in the images of the others may differ, and an SBOM of one says
// nothing about them.
func forThisPlatform(ctx context.Context, repo *registry.Repository, image ocispec.Descriptor) (ocispec.Descriptor, error) {
	platforms, err := repo.Children(ctx, image)
	if err != nil || platforms == nil {
		return image, err
	}
	for _, d := range platforms {
		if d.Platform != nil && d.Platform.OS == "linux" && d.Platform.Architecture == runtime.GOARCH {
			return d, nil
		}
	}
	return image, fmt.Errorf("none of the %d images of the index is for linux/%s; name one by its digest", len(platforms), runtime.GOARCH)
}

// loadKey reads the private key, or makes one.
func loadKey(p *printer, name string) (*sign.LocalKey, error) {
	data, err := os.ReadFile(name)
	if err == nil {
		key, err := keyfile.Parse(data, []byte(os.Getenv("COSIGN_PASSWORD")))
		switch {
		case errors.Is(err, sign.ErrNoPassphrase):
			return nil, fmt.Errorf("%s: %w: put it into COSIGN_PASSWORD", name, err)
		case errors.Is(err, sign.ErrPassphrase):
			return nil, fmt.Errorf("%s: %w: COSIGN_PASSWORD has another", name, err)
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		return nil, err
	}
	private, err := key.MarshalPEM()
	if err != nil {
		return nil, err
	}
	public, err := sign.MarshalPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(name, private, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(name+".pub", public, 0o644); err != nil {
		return nil, err
	}
	p.line("key", "made %s (keep it secret: it is not encrypted) and %s.pub", name, name)
	return key, nil
}

// catalogue makes the SBOM of an image, with the program in sbom/catalog: a module of its own, because it brings many
// others, which are fetched and compiled when somebody asks.
func catalogue(ctx context.Context, p *printer, image string) (*sbom.Document, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/ladingdev/lading").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w (run the quick start from inside the repository, with go in PATH)", err)
	}
	dir, err := os.MkdirTemp("", "lading-quickstart-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	run := func(progress func(string), dir, name string, args ...string) error {
		cmd := exec.CommandContext(ctx, name, args...)
		said := &compiled{progress: progress}
		cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "GOWORK=off"), said
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%w\n%s", err, said)
		}
		return nil
	}
	program := filepath.Join(dir, "catalog.exe") // a name that every system runs
	source := filepath.Join(strings.TrimSpace(string(root)), "sbom", "catalog")
	err = p.wait("compile", "sbom/catalog; the first time takes a minute or two, then a second", func(progress func(string)) error {
		return run(progress, source, "go", "build", "-v", "-o", program, "./example")
	})
	if err != nil {
		return nil, fmt.Errorf("go build: %w", err)
	}
	file := filepath.Join(dir, "sbom.json")
	err = p.wait("look", "at every layer", func(func(string)) error { return run(func(string) {}, "", program, "-o", file, image) })
	if err != nil {
		return nil, fmt.Errorf("%s could not be looked at: %w", image, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return sbom.Parse(bytes.NewReader(data))
}
