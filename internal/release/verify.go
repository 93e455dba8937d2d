package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/ladingdev/lading/verify"
)

// verifyRelease checks what a stranger can check with the public key: that each file is signed and on the list, that nothing is
// there beside them, and that SBOM and provenance are signed and about each of them.
func verifyRelease(ctx context.Context, keyFile, dir string, stdout io.Writer) error {
	pem, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	key, err := verify.ParseTrustedKey(pem)
	if err != nil {
		return fmt.Errorf("%s: %w", keyFile, err)
	}
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{key}}
	list, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err != nil {
		return err
	}
	if err := verifyFile(ctx, v, dir, sumsFile, sumsFile+bundleEnd); err != nil {
		return err
	}
	want := map[string]bool{sumsFile: true, sumsFile + bundleEnd: true}
	for line := range strings.Lines(string(list)) {
		_, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || name != filepath.Base(name) {
			return fmt.Errorf("%s: not a list of files: %q", sumsFile, line)
		}
		want[name], want[name+bundleEnd] = true, true
		for _, bundle := range []string{name + bundleEnd, "sbom.intoto" + bundleEnd, "provenance.intoto" + bundleEnd} {
			want[bundle] = true
			if err := verifyFile(ctx, v, dir, name, bundle); err != nil {
				return err
			}
		}
		fmt.Fprintf(stdout, "verified  %s: signature, SBOM, provenance\n", name)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !want[e.Name()] {
			return fmt.Errorf("%s is not on the list that was signed", e.Name())
		}
	}
	return nil
}

// predicates say for each kind of statement whether it is what it is called.
var predicates = map[string]func(a *verify.Attestation) error{
	"sbom.intoto" + bundleEnd: func(a *verify.Attestation) error {
		doc, err := sbom.Parse(bytes.NewReader(a.Predicate))
		if err == nil && doc.PredicateType() != a.PredicateType {
			err = fmt.Errorf("of type %s", a.PredicateType)
		}
		return err
	},
	"provenance.intoto" + bundleEnd: func(a *verify.Attestation) error {
		p, err := provenance.Parse(a.Predicate)
		if err == nil && p.BuildType != buildType {
			err = fmt.Errorf("of build type %s", p.BuildType)
		}
		return err
	},
}

func verifyFile(ctx context.Context, v *verify.KeyVerifier, dir, name, bundle string) error {
	evidence, err := os.ReadFile(filepath.Join(dir, bundle))
	if err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	a, err := v.VerifyBlob(ctx, f, verify.Descriptor{Data: evidence})
	if err != nil {
		return fmt.Errorf("%s by %s: %w", name, bundle, err)
	}
	read := predicates[bundle]
	switch {
	case read == nil && a.Kind != verify.Blob:
		return fmt.Errorf("%s by %s: a %s, and no signature of the file", name, bundle, a.Kind)
	case read == nil:
		return nil
	case a.Kind != verify.Statement:
		return errors.New(bundle + " is no statement")
	}
	if err := read(a); err != nil {
		return fmt.Errorf("%s: %w", bundle, err)
	}
	return nil
}
