package lading_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ladingdev/lading/internal/weight"
)

const module = "github.com/ladingdev/lading"

// listed is what the go command says of this module's packages. It is asked once for all tests here.
var listed = sync.OnceValues(func() (*weight.List, error) { return weight.NewList(".", []string{"CGO_ENABLED=0"}, module+"/...") })

// packageOf is what the go command says of a package.
func packageOf(t *testing.T, path string) *weight.Package {
	t.Helper()
	list, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	p := list.Package(path)
	if p == nil {
		t.Fatalf("there is no package %s", path)
	}
	return p
}

// deps returns every package that a package compiles, itself left out.
func deps(t *testing.T, pkg string) (own, thirdParty []string) {
	t.Helper()
	for _, p := range packageOf(t, pkg).Deps {
		switch {
		case packageOf(t, p).Standard:
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
		mldsa  = "filippo.io/mldsa"  // until Go 1.27, which has it in the standard library, is the oldest that is built with
	)
	core := []string{"sbom", "sign", "verify", "registry", "policy"}
	for _, tt := range []struct {
		pkg        string
		may        []string // packages of ours, beside internal ones
		thirdParty []string // prefixes
	}{
		{"sbom", nil, []string{"go.yaml.in/yaml/v3"}},
		{"sbom/vuln", []string{"sbom"}, []string{"go.yaml.in/yaml/v3", "github.com/pandatix/go-cvss/"}},
		{"sbom/vuln/osv", []string{"sbom", "sbom/vuln"}, []string{"go.yaml.in/yaml/v3", "github.com/pandatix/go-cvss/"}},
		{"sbom/vuln/inspector", []string{"sbom", "sbom/vuln"}, []string{"go.yaml.in/yaml/v3", "github.com/pandatix/go-cvss/",
			"github.com/aws/"}},
		{"sign", nil, []string{spec, digest, crypto, sys, mldsa}},
		// other services stay in sign/kms/sigstorekms
		{"sign/kms", []string{"sign"}, []string{spec, digest, crypto, sys, mldsa, "github.com/aws/"}},
		{"sign/keyfile", nil, []string{spec, digest, crypto, sys, mldsa}},
		{"sign/keyless", []string{"sign"}, []string{spec, digest, crypto, sys, mldsa}},
		{"sign/keyless/awsoidc", []string{"sign"}, []string{spec, digest, crypto, sys, mldsa, "github.com/aws/"}}, // AWS STS stays there
		{"sign/provenance", nil, nil},
		{"verify", nil, []string{spec, digest, mldsa}},
		{"verify/sigstore", []string{"verify"}, []string{spec, digest, mldsa}},
		{"verify/sigstore/tuf", []string{"verify"}, []string{spec, digest, mldsa}},
		{"registry", nil, []string{spec, digest, "oras.land/oras-go/v2", "golang.org/x/sync/"}},
		{"policy", []string{"verify"}, []string{spec, digest, mldsa}},
		{"policy/report", []string{"policy", "verify"}, []string{spec, digest, mldsa}},
		{"policy/rules", []string{"verify", "sbom", "sign/provenance"},
			[]string{spec, digest, mldsa, "go.yaml.in/yaml/v3", "github.com/pandatix/go-cvss/"}},
		{"policy/document", []string{"policy", "verify", "sbom", "sign/provenance"},
			[]string{spec, digest, mldsa, "go.yaml.in/yaml/v3", "github.com/pandatix/go-cvss/"}},
		{"policy/k8sgate", []string{"verify", "registry"}, []string{spec, digest, mldsa, "oras.land/oras-go/v2", "golang.org/x/sync/"}},
		{"policy/ecsgate", []string{"verify", "registry"},
			[]string{spec, digest, mldsa, "oras.land/oras-go/v2", "golang.org/x/sync/", "github.com/aws/aws-sdk-go-v2/",
				"github.com/aws/smithy-go"}},
		{"policy/vsa", []string{"verify"}, []string{spec, digest, mldsa}},
		{"policy/ecsgate/iam", nil, nil},
		{"policy/gate", []string{"verify", "registry"}, []string{spec, digest, mldsa, "oras.land/oras-go/v2", "golang.org/x/sync/"}},
		{"policy/nodegate", []string{"verify", "registry"},
			[]string{spec, digest, mldsa, "oras.land/oras-go/v2", "golang.org/x/sync/", "github.com/pelletier/go-toml/v2"}},
	} {
		t.Run(tt.pkg, func(t *testing.T) {
			own, thirdParty := deps(t, module+"/"+tt.pkg)
			for _, p := range own {
				room, _, _ := strings.Cut(p, "/")
				if slices.Contains(core, room) && room != tt.pkg[:min(len(room), len(tt.pkg))] &&
					!slices.Contains(tt.may, room) && !slices.Contains(tt.may, p) {
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

// whenLight leaves out of what filippo.io/mldsa compiles nothing but some aliases from Go 1.27 on.
var whenLight = []string{"filippo.io/mldsa"}

func weighed(t *testing.T, pkgs ...string) weight.Weight {
	t.Helper()
	var paths []string
	for _, p := range pkgs {
		paths = append(paths, module+"/"+p)
	}
	list, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	w, err := list.Of(whenLight, paths...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Keyless verification is as light as it is promised to be: in lines, and in modules beside this one.
func TestWeight(t *testing.T) {
	verify, sigstore := weighed(t, "verify"), weighed(t, "verify/sigstore")
	_, keys := verify.Sum()
	_, keyless := sigstore.Sum()
	_, both := weighed(t, "verify/sigstore", "verify/notary").Sum()
	t.Logf("verify %d lines in %d modules, verify/sigstore %d in %d, with verify/notary %d", keys, len(verify), keyless,
		len(sigstore), both)
	if more := keyless - keys; more > 4500 {
		t.Errorf("verify/sigstore compiles %d lines more than verify, 4,500 are allowed", more)
	}
	if len(sigstore) > len(verify)+1 {
		t.Errorf("verify/sigstore compiles modules %v, verify %v", sigstore, verify)
	}
	if both > 36_000 {
		t.Errorf("with verify/notary it is %d lines, 36,000 are allowed", both)
	}
	_, thirdParty := deps(t, module+"/verify/sigstore")
	for _, p := range thirdParty {
		if strings.Contains(p, "protobuf") || strings.Contains(p, "jose") {
			t.Errorf("verify/sigstore compiles %s", p)
		}
	}
	if slices.Contains(packageOf(t, module+"/verify/sigstore").Deps, "net/http") {
		t.Error("verify/sigstore compiles net/http")
	}
}

// weights are what the eight programs of docs/performance.md compile through Lading: modules, packages of others, and lines, ours
// included. Lines may grow by a tenth before somebody has to look.
var weights = []struct {
	program                 string
	pkgs                    []string
	modules, foreign, lines int
}{
	{"parse and convert an SBOM", []string{"sbom"}, 2, 1, 35485},
	{"sign with a key", []string{"sign"}, 4, 9, 6645},
	{"verify with a key", []string{"verify"}, 3, 3, 5539},
	{"verify a keyless bundle", []string{"verify/sigstore"}, 3, 3, 10036},
	{"verify Notary's", []string{"verify/notary"}, 10, 32, 31581},
	{"attach to an image", []string{"registry"}, 5, 25, 16941},
	{"decide on an image by policy", []string{"policy/gate", "verify/notary"}, 12, 54, 52077},
	{"sign with a key in AWS KMS", []string{"sign/kms"}, 19, 109, 113868},
}

// Programs on Lading do not grow unnoticed.
func TestWeights(t *testing.T) {
	for _, tt := range weights {
		w := weighed(t, tt.pkgs...)
		foreign, lines := w.Sum()
		foreign -= w[module].Packages
		now := fmt.Sprintf("%d, %d, %d", len(w), foreign, lines)
		t.Logf("%s: %s", tt.program, now)
		if len(w) > tt.modules || foreign > tt.foreign || lines > tt.lines+tt.lines/10 {
			t.Errorf("a program to %s, on %v, compiles %d modules, %d packages of others and %d lines; %d, %d and %d are recorded. "+
				"See what came in "+
				"with go list -deps; if it is worth its weight, write %s into weights of imports_test.go, and why into the commit",
				tt.program, tt.pkgs, len(w), foreign, lines, tt.modules, tt.foreign, tt.lines, now)
		}
		if len(w) < tt.modules || lines < tt.lines-tt.lines/5 {
			t.Errorf("a program to %s is lighter than is recorded: write %s into weights of imports_test.go, so that it stays so",
				tt.program, now)
		}
	}
}

// mostRequirements is how many modules go.mod may name: whoever requires this one has each of them in his go.mod or go.sum.
const mostRequirements = 45

func TestRequirements(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Require []struct{ Path string } }
	if err := json.Unmarshal(out, &file); err != nil || len(file.Require) < 10 {
		t.Fatalf("%d requirements, %v", len(file.Require), err)
	}
	if n := len(file.Require); n > mostRequirements {
		t.Errorf("go.mod names %d modules, %d are allowed: what only tests need as a judge belongs into internal/interop, and what "+
			"few users need "+
			"into a module of its own, as sign/kms/sigstorekms is", n, mostRequirements)
	}
}

// Below policy, one package imports registry: policy/gate.
func TestOneGateToRegistries(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \",\"}}", "./policy/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		if slices.Contains(strings.Split(imports, ","), module+"/registry") {
			got = append(got, strings.TrimPrefix(pkg, module+"/"))
		}
	}
	if want := []string{"policy/gate"}; !slices.Equal(got, want) {
		t.Errorf("%q import registry, want %q", got, want)
	}
}

// Rules know the documents that they judge, and nothing of where those come from.
func TestRulesImport(t *testing.T) {
	var got []string
	for _, pkg := range packageOf(t, module+"/policy/rules").Imports {
		if p, ok := strings.CutPrefix(pkg, module+"/"); ok {
			got = append(got, p)
		}
	}
	want := []string{
		"internal/oneline", "internal/strictjson", "internal/versions", "policy", "sbom", "sbom/quality", "sbom/vuln",
		"sign/provenance", "verify",
	}
	if !slices.Equal(got, want) {
		t.Errorf("policy/rules imports %q, want %q", got, want)
	}
}

// floors are the packages of sbom from the ground up: each imports only those in front of it, so that data goes one way.
var floors = []string{
	"sbom/internal/schema/iri", "sbom/internal/spec", "sbom/internal/jsonpointer", "sbom/internal/packageurl", "sbom/internal/cpe",
	"sbom/internal/tree",
	"sbom/internal/schema/jsonschema", "sbom/internal/encoding/xmltree", "sbom/internal/schema/xsd", "sbom/internal/schema",
	"sbom/internal/license",
	"sbom/internal/encoding/form",
	"sbom/internal/encoding/cdxxml", "sbom/internal/encoding/spdxxml", "sbom/internal/encoding/spdxrdf", "sbom/internal/encoding/spdxyaml",
	"sbom/internal/encoding/tagvalue", "sbom/internal/encoding",
	"sbom/internal/edit", "sbom/internal/check",
	"sbom/internal/model", "sbom/internal/gobuild", "sbom/internal/index", "sbom/internal/specification",
	"sbom/internal/cdx", "sbom/internal/spdx2", "sbom/internal/spdx3",
	"sbom", "sbom/cyclonedx", "sbom/spdx", "sbom/quality",
	"sbom/vuln", "sbom/vuln/inspector", "sbom/vuln/osv",
}

// specifications are the packages that know one each.
var specifications = []string{"sbom/internal/cdx", "sbom/internal/spdx2", "sbom/internal/spdx3"}

func TestFloors(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}{{range .Imports}} {{.}}{{end}}", module+"/sbom/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(strings.ReplaceAll(line, module+"/", ""))
		at := slices.Index(floors, names[0])
		if at < 0 {
			t.Errorf("%s is on no floor", names[0])
			continue
		}
		for _, name := range names[1:] {
			if strings.HasPrefix(name, "sbom") && !slices.Contains(floors[:at], name) {
				t.Errorf("%s imports %s, which is not below it", names[0], name)
			}
			if slices.Contains(specifications, names[0]) && slices.Contains(specifications, name) {
				t.Errorf("%s imports %s: specifications meet in sbom/internal/model alone", names[0], name)
			}
		}
	}
}

// TestNames counts what the two largest packages export; the constants of one type count as the type.
func TestNames(t *testing.T) {
	for pkg, most := range map[string]int{"sbom": 70, "verify": 45} {
		names := exportedNames(t, pkg)
		t.Logf("%s: %d names", pkg, names)
		if names > most || names < 30 {
			t.Errorf("%s exports %d names, %d are allowed", pkg, names, most)
		}
	}
}

func exportedNames(t *testing.T, dir string) (names int) {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() {
					names++
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						if s.Name.IsExported() {
							names++
						}
					case *ast.ValueSpec:
						if d.Tok == token.VAR && s.Names[0].IsExported() {
							names += len(s.Names)
						}
					}
				}
			}
		}
	}
	return names
}

// TestFigures keeps the files of package sbom and of what is inside of it short. TestShape looks at functions and lines.
func TestFigures(t *testing.T) {
	files, err := filepath.Glob("sbom/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, depth := range []string{"sbom/internal/*/*.go", "sbom/internal/*/*/*.go"} {
		more, err := filepath.Glob(depth)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(data, []byte("\n")); lines > 700 && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s has %d lines", file, lines)
		}
	}
}
