//go:build heavy

package scanners

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	grype "github.com/anchore/grype/grype/db/v6"
	"github.com/spf13/afero"
)

// A madeUp advisory says that everything below a version is affected.
type madeUp struct {
	os, ecosystem, format, name, fixed string
	module                             string // of rpm, "-" if it is said that there is none
}

// grypeStore writes one vulnerability for each, CVE-2026-0 and on.
func grypeStore(t *testing.T, list []madeUp) (cache string) {
	t.Helper()
	cache = t.TempDir()
	dir := filepath.Join(cache, "6")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	store, err := grype.NewWriter(grype.Config{DBDirPath: dir})
	if err == nil {
		err = store.SetDBMetadata()
	}
	if err != nil {
		t.Fatal(err)
	}
	captured := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for i, a := range list {
		provider := &grype.Provider{ID: "made-" + a.os, Version: "1", Processor: "made up", DateCaptured: &captured}
		var system *grype.OperatingSystem
		if name, version, ok := strings.Cut(a.os, " "); ok {
			system = &grype.OperatingSystem{Name: name, ReleaseID: name, MajorVersion: version,
				Codename: map[string]string{"debian 12": "bookworm", "debian 11": "bullseye"}[a.os]}
		}
		var qualifiers *grype.PackageQualifiers
		if module := strings.TrimPrefix(a.module, "-"); a.module != "" {
			qualifiers = &grype.PackageQualifiers{RpmModularity: &module}
		}
		id := fmt.Sprintf("CVE-2026-%d", i)
		v := &grype.VulnerabilityHandle{Name: id, Status: grype.VulnerabilityActive, ProviderID: provider.ID, Provider: provider,
			BlobValue: &grype.VulnerabilityBlob{ID: id}}
		if err := store.AddVulnerabilities(v); err != nil {
			t.Fatal(err)
		}
		if err := store.AddAffectedPackages(&grype.AffectedPackageHandle{VulnerabilityID: v.ID, Vulnerability: v, OperatingSystem: system,
			Package: &grype.Package{Ecosystem: a.ecosystem, Name: a.name},
			BlobValue: &grype.PackageBlob{CVEs: []string{id}, Qualifiers: qualifiers, Ranges: []grype.Range{{
				Version: grype.Version{Type: a.format, Constraint: "< " + a.fixed},
				Fix:     &grype.Fix{State: grype.FixedStatus, Version: a.fixed}}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := grype.WriteImportMetadata(afero.NewOsFs(), dir, "made up"); err != nil {
		t.Fatal(err)
	}
	return cache
}

// archiveOf writes files as docker save writes an image.
func archiveOf(t *testing.T, files map[string]string) string {
	t.Helper()
	pack := func(files map[string]string) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(files[name])); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	layer := pack(files)
	config := fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{},"history":[{"created_by":"made"}],`+
		`"rootfs":{"type":"layers","diff_ids":["sha256:%x"]}}`, sha256.Sum256(layer))
	at := fmt.Sprintf("%x.json", sha256.Sum256([]byte(config)))
	name := filepath.Join(t.TempDir(), "image.tar")
	manifest := fmt.Sprintf(`[{"Config":%q,"RepoTags":["made:v1"],"Layers":["layer.tar"]}]`, at)
	if err := os.WriteFile(name, pack(map[string]string{at: config, "layer.tar": string(layer), "manifest.json": manifest}),
		0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// rpmPackages writes a database of rpm's own kind: name, version, release, source and module of each package.
func rpmPackages(packages ...[5]string) string {
	order := binary.LittleEndian
	out := make([]byte, 4096)
	copy(out, "RpmP")
	order.PutUint32(out[12:], 1)
	for i := 32; i < len(out); i += 16 {
		copy(out[i:], "Slot")
	}
	for i, p := range packages {
		var entries, data []byte
		for j, tag := range []uint32{1000, 1001, 1002, 1044, 5096, 1022} { // rpm's manual, "Tags"
			text := append(slices.Clone(p[:]), "x86_64")[j]
			if text == "" {
				continue
			}
			for _, n := range []uint32{tag, 6, uint32(len(data)), 1} {
				entries = binary.BigEndian.AppendUint32(entries, n)
			}
			data = append(append(data, text...), 0)
		}
		header := binary.BigEndian.AppendUint32(nil, uint32(len(entries)/16))
		header = append(append(binary.BigEndian.AppendUint32(header, uint32(len(data))), entries...), data...)
		slot := out[32+16*i:]
		order.PutUint32(slot[4:], uint32(i+1))
		order.PutUint32(slot[8:], uint32(len(out)/16))
		out = append(out, "BlbS"...)
		out = order.AppendUint32(out, uint32(i+1))
		out = order.AppendUint32(out, 0)
		out = order.AppendUint32(out, uint32(len(header)))
		out = append(append(out, header...), make([]byte, 32-len(header)%16)...)
	}
	return string(out)
}

// grypeFindings runs Grype: each finding with the version that it is of.
func grypeFindings(t *testing.T, exe, cache, input string) (out []string) {
	t.Helper()
	cmd := exec.Command(exe, input, "-o", "json")
	cmd.Env = append(os.Environ(), "GRYPE_DB_CACHE_DIR="+cache, "GRYPE_DB_AUTO_UPDATE=false", "GRYPE_DB_VALIDATE_AGE=false",
		"GRYPE_CHECK_FOR_APP_UPDATE=false", "GRYPE_DB_REQUIRE_UPDATE_CHECK=false")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	data, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.Bytes())
	}
	var report struct {
		Matches []struct {
			Vulnerability struct{ ID string }
			Artifact      struct{ Name, Version string }
		}
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	for _, m := range report.Matches {
		out = append(out, m.Vulnerability.ID+" "+m.Artifact.Version) // whose names are those of the SBOM
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// What Grype finds in an image by itself it finds in our SBOMs of the image, and nothing else but for modules in SPDX.
func TestGrypeOnOurSBOMs(t *testing.T) {
	exe := build(t, "LADING_GRYPE", "github.com/anchore/grype/cmd/grype")
	example := filepath.Join(t.TempDir(), "example")
	cmd := exec.Command("go", "build", "-o", example, "./example")
	cmd.Dir, cmd.Env = filepath.FromSlash("../../../sbom/catalog"), append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	for name, body := range map[string]string{"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n\n", // without one Grype sees no jar
		"META-INF/maven/org.example/lib/pom.properties": "groupId=org.example\nartifactId=lib\nversion=1.0\n"} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		files map[string]string
		list  []madeUp
		want  int
		spdx  []string // that it finds in SPDX beside
	}{
		{"debian", map[string]string{
			"etc/os-release": "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n",
			"var/lib/dpkg/status": "Package: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.10-3\n\n" +
				"Package: libzstd1\nStatus: install ok installed\nArchitecture: amd64\nSource: libzstd\nVersion: 1.5.4+dfsg2-5\n\n" +
				"Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib (1:1.2.13.dfsg-1)\n" +
				"Version: 1:1.2.13.dfsg-1+b1\n",
			"usr/lib/python3/dist-packages/Foo_Bar-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0\n",
			"srv/node_modules/b/package.json":                              `{"name":"b","version":"1.0.0"}`,
			"srv/node_modules/@scope/a/package.json":                       `{"name":"@scope/a","version":"1.0.0"}`,
			"var/lib/gems/3.1.0/specifications/rack-3.1.7.gemspec": "Gem::Specification.new do |s|\n  s.name " +
				"= \"rack\".freeze\n  s.version = \"3.1.7\"\nend\n",
			"srv/lib-1.0.jar": jar.String()}, []madeUp{
			{"debian 12", "deb", "dpkg", "hello", "2.10-4", ""}, {"debian 12", "deb", "dpkg", "libzstd", "1.5.4+dfsg2-6", ""},
			{"debian 12", "deb", "dpkg", "zlib", "1:1.2.13.dfsg-2", ""},
			{"debian 12", "deb", "dpkg", "zlib", "1:1.2.13.dfsg-1", ""}, {"debian 12", "deb", "dpkg", "hello", "1.0", ""},
			{"debian 11", "deb", "dpkg", "hello", "99", ""},
			{"", "npm", "npm", "b", "2.0.0", ""}, {"", "npm", "npm", "@scope/a", "2.0.0", ""},
			{"", "python", "python", "foo-bar", "2.0", ""}, {"", "gem", "gem", "rack", "4.0", ""},
			{"", "java-archive", "maven", "org.example:lib", "2.0", ""}}, 8, nil},
		{"rpm", map[string]string{
			"etc/os-release": "ID=fedora\nVERSION_ID=40\nPRETTY_NAME=\"Fedora Linux 40\"\n",
			"var/lib/rpm/Packages.db": rpmPackages([5]string{"nodejs", "18.20", "1.module_el9", "nodejs-18.20-1.module_el9.src.rpm",
				"nodejs:18:9040020240301:rhel9"},
				[5]string{"plain", "1.0", "1.el9", "plain-1.0-1.el9.src.rpm", ""},
				[5]string{"plain-libs", "1.0", "1.el9", "plain-1.0-1.el9.src.rpm", ""})}, []madeUp{
			{"fedora 40", "rpm", "rpm", "nodejs", "0:19", "nodejs:18"}, {"fedora 40", "rpm", "rpm", "nodejs", "0:21", "nodejs:20"},
			{"fedora 40", "rpm", "rpm", "nodejs", "0:19", "-"},
			{"fedora 40", "rpm", "rpm", "plain", "0:2.0", ""}, {"fedora 40", "rpm", "rpm", "plain", "0:2.0", "-"},
			{"fedora 40", "rpm", "rpm", "plain", "0:2.0", "plain:1"}}, 3, []string{"CVE-2026-5 1.0-1.el9"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cache, image := grypeStore(t, tt.list), archiveOf(t, tt.files)
			want := grypeFindings(t, exe, cache, "docker-archive:"+image)
			t.Logf("by itself %q", want)
			if len(want) != tt.want {
				t.Errorf("%d by itself, want %d", len(want), tt.want)
			}
			for _, format := range []string{"cyclonedx", "spdx"} {
				file := filepath.Join(t.TempDir(), format+".json")
				if out, err := exec.Command(example, "-format", format, "-o", file, image).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				expect := slices.Clone(want)
				if format == "spdx" { // which has no place that it reads for a package that is of no module
					expect = append(expect, tt.spdx...)
				}
				if got := grypeFindings(t, exe, cache, "sbom:"+file); !slices.Equal(got, expect) {
					t.Errorf("%s: %q", format, got)
				}
			}
		})
	}
}
