package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/opencontainers/go-digest"
)

const (
	modulePath = "github.com/ladingdev/lading"
	buildType  = "https://github.com/ladingdev/lading/internal/release/v1"
	builderID  = "https://github.com/ladingdev/lading/internal/release"
	sumsFile   = "SHA256SUMS"
	bomFile    = "lading.cdx.json"
	bundleEnd  = ".sigstore.json"
)

// programs are what a release builds, in the module of the examples.
var (
	programs = []string{"k8s-gate", "node-gate"}
	targets  = []string{"amd64", "arm64"}
)

func newKey(file string) error {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		return err
	}
	private, err := key.MarshalPEM()
	if pass := os.Getenv("LADING_PASSPHRASE"); pass != "" {
		private, err = key.MarshalEncryptedPEM([]byte(pass))
	}
	if err != nil {
		return err
	}
	public, err := sign.MarshalPublicKey(key.Public())
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{file: private, file + ".pub": public} {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		if err := cmp.Or(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func makeRelease(ctx context.Context, keyFile, out, version, first, second string, stdout io.Writer) error {
	pem, err := os.ReadFile(keyFile)
	if err != nil {
		return fmt.Errorf("%w: make one with: release key %s", err, keyFile)
	}
	key, err := sign.ParseKey(pem, []byte(os.Getenv("LADING_PASSPHRASE")))
	if err != nil {
		return fmt.Errorf("%s: %w", keyFile, err)
	}
	if err := os.Mkdir(out, 0o755); err != nil {
		return fmt.Errorf("%w: a release goes into a folder of its own", err)
	}
	origin, err := provenance.FromGit(os.DirFS(first))
	if err != nil {
		return fmt.Errorf("%s: %w", first, err)
	}
	again, err := provenance.FromGit(os.DirFS(second))
	if err != nil {
		return fmt.Errorf("%s: %w", second, err)
	}
	commit := origin.ResolvedDependencies[0].Digest["gitCommit"]
	if other := again.ResolvedDependencies[0].Digest["gitCommit"]; other != commit {
		return fmt.Errorf("%s is at commit %s, %s at %s", first, commit, second, other)
	}
	fmt.Fprintf(stdout, "commit    %s\n", commit)
	if err := build(ctx, first, out, version, stdout); err != nil {
		return err
	}
	if err := reproduce(ctx, second, out, version, stdout); err != nil {
		return err
	}
	if err := writeSBOM(ctx, out); err != nil {
		return err
	}
	files, err := writeSums(out)
	if err != nil {
		return err
	}
	origin.BuildType, origin.BuilderID = buildType, builderID
	origin.ExternalParameters = map[string]any{"version": version}
	origin.InternalParameters = map[string]any{"go": runtime.Version(), "flags": strings.Join(buildFlags, " ")}
	return signAll(ctx, key, out, files, origin, stdout)
}

var buildFlags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="}

// build makes the module's archive and the programs of a checkout in a folder.
func build(ctx context.Context, checkout, out, version string, stdout io.Writer) error {
	name := filepath.Join(out, "lading-"+version+".zip")
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	err = zip.CreateFromDir(f, module.Version{Path: modulePath, Version: version}, checkout)
	if err := cmp.Or(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", checkout, err)
	}
	sum, err := dirhash.HashZip(name, dirhash.Hash1)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "module    %s %s %s\n", modulePath, version, sum)
	for _, program := range programs {
		for _, arch := range targets {
			name, err := filepath.Abs(filepath.Join(out, fmt.Sprintf("%s-linux-%s", program, arch)))
			if err != nil {
				return err
			}
			cmd := exec.CommandContext(ctx, "go", slices.Concat([]string{"build"}, buildFlags, []string{"-o", name, "./" + program})...)
			cmd.Dir = filepath.Join(checkout, "examples")
			cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=", "GOAMD64=v1",
				"GOARM64=v8.0")
			if text, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%s: go build %s: %w\n%s", checkout, program, err, text)
			}
			fmt.Fprintf(stdout, "built     %s\n", filepath.Base(name))
		}
	}
	return nil
}

// reproduce builds once more, from another checkout, and compares every byte.
func reproduce(ctx context.Context, checkout, out, version string, stdout io.Writer) error {
	dir, err := os.MkdirTemp("", "lading-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := build(ctx, checkout, dir, version, io.Discard); err != nil {
		return err
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	for _, e := range entries {
		ours, err := os.ReadFile(filepath.Join(out, e.Name()))
		if err != nil {
			return err
		}
		theirs, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if !bytes.Equal(ours, theirs) {
			return fmt.Errorf("%s differs when it is built from %s: there is no release", e.Name(), checkout)
		}
	}
	fmt.Fprintf(stdout, "twice     %d files, built in two places, have the same bytes\n", len(entries))
	return nil
}

func writeSBOM(ctx context.Context, out string) error {
	doc, err := sbom.GoDir(ctx, os.DirFS(out), nil)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, bomFile), doc.Bytes(), 0o644)
}

// writeSums writes the list that sha256sum -c reads, and returns the subjects: every file of the release, the list not.
func writeSums(out string) ([]sign.Subject, error) {
	entries, err := os.ReadDir(out)
	if err != nil {
		return nil, err
	}
	var (
		subjects []sign.Subject
		sums     strings.Builder
	)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(out, e.Name()))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(sum[:]), e.Name())
		subjects = append(subjects, sign.Subject{Name: e.Name(), Descriptor: sign.Descriptor{
			Digest: digest.NewDigestFromBytes(digest.SHA256, sum[:]), Size: int64(len(data))}})
	}
	return subjects, os.WriteFile(filepath.Join(out, sumsFile), []byte(sums.String()), 0o644)
}

// signAll signs each file, and SBOM and provenance as statements about all of them.
func signAll(ctx context.Context, key sign.Key, out string, files []sign.Subject, origin *provenance.Provenance, stdout io.Writer) error {
	signer := &sign.BundleSigner{Key: key}
	for _, name := range append(names(files), sumsFile) {
		f, err := os.Open(filepath.Join(out, name))
		if err != nil {
			return err
		}
		d, err := signer.SignBlob(ctx, f)
		if err := cmp.Or(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(out, name+bundleEnd), d.Data, 0o644); err != nil {
			return err
		}
	}
	data, err := os.ReadFile(filepath.Join(out, bomFile))
	if err != nil {
		return err
	}
	bom, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		return err
	}
	for name, predicate := range map[string]sign.Predicate{"sbom": bom, "provenance": origin} {
		d, err := signer.Sign(ctx, &sign.Statement{Subjects: files, Predicate: predicate})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(out, name+".intoto"+bundleEnd), d.Data, 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "signed    %d files, SBOM and provenance about all of them\n", len(files)+1)
	return nil
}

func names(files []sign.Subject) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.Name
	}
	return out
}
