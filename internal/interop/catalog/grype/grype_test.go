// Package grype_test holds SBOMs of sbom/catalog against what Grype makes of them: findings on ours are findings on what
// Grype's own cataloguer finds in the same directory. It is a module of its own because Grype brings hundreds of modules.
//
//	GOWORK=off go test .
package grype_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/anchore/grype/grype"
	"github.com/anchore/grype/grype/matcher"
	"github.com/anchore/grype/grype/pkg"
	"github.com/anchore/grype/grype/version"
	"github.com/anchore/grype/grype/vulnerability"
	"github.com/anchore/grype/grype/vulnerability/mock"
	"github.com/anchore/syft/syft"
	_ "modernc.org/sqlite" // syft reads databases of rpm by it

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
)

// A vulnerable package of the made-up database, by the name that its ecosystem reports by: all below the version are.
type vulnerable struct {
	namespace, name, below string
	format                 version.Format
}

// Trees of each operating system and of languages, and what is vulnerable in them.
var trees = []struct {
	name    string
	files   map[string]string
	reports []vulnerable
	want    int
}{
	{"debian", map[string]string{
		"etc/os-release": "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n",
		"var/lib/dpkg/status": "Package: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.10-3\n\n" +
			"Package: libzstd1\nStatus: install ok installed\nArchitecture: amd64\nSource: libzstd\nVersion: 1.5.4+dfsg2-5\n\n" +
			"Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib (1:1.2.13.dfsg-1)\nVersion: 1:1.2.13.dfsg-1+b1\n",
	}, []vulnerable{{"debian:distro:debian:12", "hello", "2.10-4", version.DebFormat}, {"debian:distro:debian:12", "libzstd", "1.5.4+dfsg2-6", version.DebFormat},
		{"debian:distro:debian:12", "zlib", "1:1.2.13.dfsg-2", version.DebFormat}, {"debian:distro:debian:12", "zlib", "1.3", version.DebFormat},
		{"debian:distro:debian:11", "hello", "2.10-4", version.DebFormat}}, 3},
	{"alpine", map[string]string{
		"etc/os-release":       "ID=alpine\nVERSION_ID=3.20.3\nNAME=\"Alpine Linux\"\n",
		"lib/apk/db/installed": "P:libcrypto3\nV:3.3.2-r0\nA:x86_64\no:openssl\n\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\n",
	}, []vulnerable{{"alpine:distro:alpine:3.20", "openssl", "3.3.9-r0", version.ApkFormat}, {"alpine:distro:alpine:3.20", "musl", "1.2.6-r0", version.ApkFormat}}, 2},
	{"languages", map[string]string{
		"srv/node_modules/@scope/a/package.json":                       `{"name":"@scope/a","version":"1.0.0"}`,
		"srv/node_modules/b/package.json":                              `{"name":"b","version":"1.0.0"}`,
		"usr/lib/python3/site-packages/Foo_Bar-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0\n",
		"usr/lib/python3/site-packages/Foo_Bar-1.0.dist-info/RECORD":   "",
		"var/lib/gems/3.1.0/specifications/rack-3.1.7.gemspec":         "Gem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"3.1.7\"\nend\n",
		"app/app.deps.json": `{"runtimeTarget":{"name":"t"},"targets":{"t":{"App/1.0.0":{"dependencies":{"Newtonsoft.Json":"13.0.1"},"runtime":{"App.dll":{}}},"Newtonsoft.Json/13.0.1":{"runtime":{"lib/Newtonsoft.Json.dll":{}}}}},"libraries":{"App/1.0.0":{"type":"project","serviceable":false,"sha512":""},"Newtonsoft.Json/13.0.1":{"type":"package","serviceable":true,"sha512":""}}}`,
		"app/lib-1.0.jar":   jar(),
	}, []vulnerable{{"github:language:javascript", "@scope/a", "2.0.0", version.SemanticFormat}, {"github:language:javascript", "b", "2.0.0", version.SemanticFormat},
		{"github:language:python", "foo-bar", "2.0", version.PythonFormat}, {"github:language:ruby", "rack", "4.0", version.GemFormat},
		{"github:language:dotnet", "newtonsoft.json", "14.0.0", version.SemanticFormat}, {"github:language:java", "org.example:lib", "2.0", version.MavenFormat}}, 6},
}

func jar() string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n\r\n"}, {"META-INF/maven/org.example/lib/pom.properties", "groupId=org.example\nartifactId=lib\nversion=1.0\n"}} {
		if w, err := z.Create(f[0]); err == nil {
			_, _ = w.Write([]byte(f[1]))
		}
	}
	_ = z.Close()
	return b.String()
}

// findings are what Grype says of an input: a directory, or an SBOM.
func findings(t *testing.T, reports []vulnerable, input string) (out []string) {
	t.Helper()
	var list []vulnerability.Vulnerability
	for i, r := range reports {
		list = append(list, vulnerability.Vulnerability{Reference: vulnerability.Reference{ID: fmt.Sprintf("CVE-2026-%04d", i), Namespace: r.namespace},
			PackageName: r.name, Constraint: version.MustGetConstraint("< "+r.below, r.format)})
	}
	packages, context, _, err := pkg.Provide(input, pkg.ProviderConfig{SyftProviderConfig: pkg.SyftProviderConfig{SBOMOptions: syft.DefaultCreateSBOMConfig()}})
	if err != nil {
		t.Fatal(err)
	}
	m := grype.VulnerabilityMatcher{VulnerabilityProvider: mock.VulnerabilityProvider(list...), Matchers: matcher.NewDefaultMatchers(matcher.Config{})}
	found, _, err := m.FindMatches(packages, context)
	if err != nil {
		t.Fatal(err)
	}
	for f := range found.Enumerate() {
		name, _, _ := strings.Cut(f.Package.PURL, "?")
		out = append(out, f.Vulnerability.ID+" "+name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestGrype(t *testing.T) {
	for _, tt := range trees {
		dir := t.TempDir()
		root := filepath.Join(dir, "root")
		for name, body := range tt.files {
			at := filepath.Join(root, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want := findings(t, tt.reports, "dir:"+root)
		if len(want) != tt.want {
			t.Errorf("%s: of the directory itself %q", tt.name, want)
		}
		for _, f := range []sbom.Format{{Spec: sbom.CycloneDX, Version: "1.6"}, {Spec: sbom.CycloneDX, Version: "1.4"}, {Spec: sbom.SPDX, Version: "2.3"}, {Spec: sbom.SPDX, Version: "2.2"}} {
			doc, _, err := catalog.Dir(t.Context(), os.DirFS(root), &catalog.Options{Format: f})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "sbom.json")
			if err := os.WriteFile(file, doc.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			if got := findings(t, tt.reports, "sbom:"+file); !slices.Equal(got, want) {
				t.Errorf("%s as %v: %q, on its own %q", tt.name, f, got, want)
			}
		}
	}
}
