package lading_test

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ladingdev/lading"

// deps returns every package that a package compiles, itself left out.
func deps(t *testing.T, pkg string) (own, thirdParty []string) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", pkg)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", pkg, err, stderr.String())
	}
	for _, p := range strings.Fields(string(out)) {
		switch {
		case p == pkg:
		case p == module || strings.HasPrefix(p, module+"/"):
			own = append(own, strings.TrimPrefix(p, module+"/"))
		default:
			thirdParty = append(thirdParty, p)
		}
	}
	return own, thirdParty
}

// The packages do not know each other, and each stays as light as it is promised to be.
func TestImports(t *testing.T) {
	const (
		spec   = "github.com/opencontainers/image-spec/"
		digest = "github.com/opencontainers/go-digest"
		crypto = "golang.org/x/crypto/"
		sys    = "golang.org/x/sys/" // of x/crypto
	)
	core := []string{"sbom", "sign", "verify", "registry", "policy"}
	for _, tt := range []struct {
		pkg        string
		may        []string // packages of ours, beside internal ones
		thirdParty []string // prefixes
	}{
		{"sbom", nil, nil},
		{"sign", nil, []string{spec, digest, crypto, sys}},
		{"sign/keyfile", nil, []string{spec, digest, crypto, sys}},
		{"sign/provenance", nil, nil},
		{"verify", nil, []string{spec, digest}},
		{"registry", nil, []string{spec, digest, "oras.land/oras-go/v2", "golang.org/x/sync/"}},
		{"policy", []string{"verify"}, []string{spec, digest}},
	} {
		t.Run(tt.pkg, func(t *testing.T) {
			own, thirdParty := deps(t, module+"/"+tt.pkg)
			for _, p := range own {
				room, _, _ := strings.Cut(p, "/")
				if slices.Contains(core, room) && room != tt.pkg[:min(len(room), len(tt.pkg))] && !slices.Contains(tt.may, room) {
					t.Errorf("%s imports %s", tt.pkg, p)
				}
			}
			for _, p := range thirdParty {
				if !slices.ContainsFunc(tt.thirdParty, func(prefix string) bool { return strings.HasPrefix(p, prefix) }) {
					t.Errorf("%s compiles %s", tt.pkg, p)
				}
			}
		})
	}
}
