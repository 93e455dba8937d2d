package scanners_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
)

const osvScanner = "github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.5.0"

// One package of each ecosystem that OSV-Scanner reads in SBOMs.
var osvFiles = map[string]string{
	"etc/os-release": "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n",
	"var/lib/dpkg/status": "Package: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.10-3\n\n" +
		"Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib\nVersion: 1:1.2.13.dfsg-1\n",
	"usr/lib/python3/dist-packages/Foo_Bar-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0\n",
	"srv/package.json": `{"name":"app","version":"1.0.0","dependencies":{"b":"1.0.0","@scope/a":"1.0.0"}}`,
	"srv/package-lock.json": `{"lockfileVersion":3,"packages":{"":{"name":"app"},"node_modules/b":{"version":"1.0.0"},` +
		`"node_modules/@scope/a":{"version":"1.0.0"}}}`,
	"srv/Gemfile.lock": "GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (3.1.7)\n\nPLATFORMS\n  ruby\n\n" +
		"DEPENDENCIES\n  rack\n",
	"srv/Cargo.lock": "version = 4\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\n" +
		"source = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
	"srv/go.mod":             "module example.com/app\n\ngo 1.26\n\nrequire example.com/m v1.0.0\n",
	"srv/packages.lock.json": `{"version":1,"dependencies":{"net8.0":{"Newtonsoft.Json":{"type":"Direct","resolved":"13.0.1"}}}}`,
	"srv/composer.lock":      `{"packages":[{"name":"v/p","version":"1.0.0"}],"packages-dev":[]}`,
	"srv/gradle.lockfile":    "org.example:lib:1.0=runtimeClasspath\n",
	"srv/pubspec.lock": "packages:\n  path:\n    dependency: \"direct main\"\n    description: {name: path, " +
		"url: \"https://pub.dev\"}\n    source: hosted\n    version: \"1.0.0\"\n",
}

// osvDatabase writes one record for each name, as OSV publishes them, that says that everything below a version is affected.
func osvDatabase(t *testing.T, dir string) {
	t.Helper()
	for ecosystem, names := range map[string][]string{"Debian:12": {"hello", "zlib"}, "PyPI": {"foo-bar"}, "npm": {"b", "@scope/a"},
		"RubyGems": {"rack"}, "crates.io": {"serde"},
		"Go": {"example.com/m"}, "NuGet": {"Newtonsoft.Json"}, "Packagist": {"v/p"}, "Maven": {"org.example:lib"}, "Pub": {"path"}} {
		base, _, _ := strings.Cut(ecosystem, ":")
		if err := os.MkdirAll(filepath.Join(dir, base), 0o755); err != nil {
			t.Fatal(err)
		}
		fixed := "99.0.0"
		if base == "Debian" {
			fixed = "1:99.0.0"
		}
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		for i, name := range names {
			id := fmt.Sprintf("%s-2026-%d", strings.ToUpper(strings.ReplaceAll(base, ".", "-")), i)
			data, err := json.Marshal(map[string]any{"schema_version": "1.7.5", "id": id, "modified": "2026-11-01T00:00:00Z",
				"summary": "made up",
				"affected": []any{map[string]any{"package": map[string]string{"ecosystem": ecosystem, "name": name},
					"ranges": []any{map[string]any{"type": "ECOSYSTEM",
						"events": []map[string]string{{"introduced": "0"}, {"fixed": fixed}}}}}}})
			if err != nil {
				t.Fatal(err)
			}
			w, err := z.Create(id + ".json")
			if err == nil {
				_, err = w.Write(data)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, base, "all.zip"), buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// osvImage writes the files as docker save writes an image.
func osvImage(t *testing.T, name string) {
	t.Helper()
	archive := func(files map[string][]byte) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(files[name]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	files := map[string][]byte{}
	for name, body := range osvFiles {
		files[name] = []byte(body)
	}
	layer := archive(files)
	config := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{},"history":[{"created_by":"made"}],`+
		`"rootfs":{"type":"layers","diff_ids":["sha256:%x"]}}`, sha256.Sum256(layer))
	at := fmt.Sprintf("%x.json", sha256.Sum256(config))
	manifest := fmt.Appendf(nil, `[{"Config":%q,"RepoTags":["made:v1"],"Layers":["layer.tar"]}]`, at)
	if err := os.WriteFile(name, archive(map[string][]byte{at: config, "layer.tar": layer, "manifest.json": manifest}), 0o644); err != nil {
		t.Fatal(err)
	}
}

// osvFindings runs OSV-Scanner, which is to find something.
func osvFindings(t *testing.T, program, database string, args ...string) (out []string) {
	t.Helper()
	cmd := exec.Command(program, append([]string{"scan"},
		append(args, "--offline", "--offline-vulnerabilities", "--local-db-path="+database, "--format=json")...)...)
	data, err := cmd.Output()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("%v: %v\n%s", args, err, data)
	}
	var report struct {
		Results []struct {
			Packages []struct {
				Package         struct{ Version string }
				Vulnerabilities []struct{ ID string }
			}
		}
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		for _, p := range r.Packages {
			for _, v := range p.Vulnerabilities {
				out = append(out, v.ID)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// What OSV-Scanner finds in an image and in a directory, it finds in our SBOMs, but for what it reads of nobody's SBOM: it
// takes the name without a group in CycloneDX, and without a namespace in SPDX, and knows no source package.
func TestOSVScanner(t *testing.T) {
	program := os.Getenv("LADING_OSV_SCANNER") // that is built already
	if program == "" {
		bin := t.TempDir()
		cmd := exec.Command("go", "install", osvScanner)
		cmd.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		program = filepath.Join(bin, "osv-scanner")
	}
	dir := t.TempDir()
	database, root := filepath.Join(dir, "db"), filepath.Join(dir, "root")
	osvDatabase(t, filepath.Join(database, "osv-scalibr"))
	for name, body := range osvFiles {
		at := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	image := filepath.Join(dir, "image.tar")
	osvImage(t, image)
	want := slices.Concat(osvFindings(t, program, database, "image", "--archive", image),
		osvFindings(t, program, database, "source", "-r", root))
	slices.Sort(want)
	want = slices.Compact(want)
	if len(want) != 12 {
		t.Errorf("by itself %q", want)
	}
	for _, f := range []struct {
		sbom.Format
		name  string
		never []string // it is not read from an SBOM
	}{
		{sbom.Format{Spec: sbom.CycloneDX, Version: "1.6"}, "ours.cdx.json",
			[]string{"DEBIAN-2026-1", "NPM-2026-1", "MAVEN-2026-0", "PACKAGIST-2026-0"}},
		{sbom.Format{Spec: sbom.SPDX, Version: "2.3"}, "ours.spdx.json",
			[]string{"DEBIAN-2026-1", "NPM-2026-1", "MAVEN-2026-0", "PACKAGIST-2026-0", "GO-2026-0"}},
	} {
		doc, _, err := catalog.Dir(t.Context(), os.DirFS(root), &catalog.Options{Format: f.Format})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, f.name)
		if err := os.WriteFile(file, doc.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		got := osvFindings(t, program, database, "source", "-L", file)
		for _, id := range want {
			if found, never := slices.Contains(got, id), slices.Contains(f.never, id); found == never {
				t.Errorf("%s: %s found: %v", f.name, id, found)
			}
		}
		for _, id := range got {
			if !slices.Contains(want, id) {
				t.Errorf("%s: only here: %s", f.name, id)
			}
		}
	}
}
