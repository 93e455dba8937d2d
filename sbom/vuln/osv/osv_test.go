package osv

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
)

// dump writes a zip of records, as OSV publishes them.
func dump(t testing.TB, name string, records map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for name, record := range records {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// oneRecord is a record about one package; more is added to it, such as `, "aliases": [...]`.
func oneRecord(id, ecosystem, name, events, more string) string {
	kind := "ECOSYSTEM"
	if slices.Contains([]string{"npm", "Go", "crates.io"}, ecosystem) {
		kind = "SEMVER"
	}
	return fmt.Sprintf(`{"schema_version": "1.7.5", "id": %q, "modified": "2026-11-01T00:00:00Z", "published": "2026-10-01T00:00:00Z",
		"affected": [{"package": {"ecosystem": %q, "name": %q}, "ranges": [{"type": %q, "events": [%s]}]}]%s}`,
		id, ecosystem, name, kind, events, more)
}

func until(fixed string) string { return fmt.Sprintf(`{"introduced": "0"}, {"fixed": %q}`, fixed) }

func open(t testing.TB, sources ...string) *DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "osv.index")
	if _, err := Build(context.Background(), path, nil, sources...); err != nil {
		t.Fatal(err)
	}
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// document is a CycloneDX document of package URLs; os may be "debian 12".
func document(t testing.TB, system string, purls ...string) *sbom.Document {
	t.Helper()
	type component struct {
		Type    string `json:"type"`
		Ref     string `json:"bom-ref"`
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
		PURL    string `json:"purl,omitempty"`
	}
	list := []component{}
	if id, release, ok := strings.Cut(system, " "); ok {
		list = append(list, component{Type: "operating-system", Ref: "os", Name: id, Version: release})
	}
	for i, p := range purls {
		list = append(list, component{"library", fmt.Sprint("c", i), fmt.Sprint("n", i), "", p})
	}
	data, err := json.Marshal(map[string]any{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": list})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// lines lists "id purl" of a report.
func lines(r *vuln.Report) (out []string) {
	for f, a := range r.Places() {
		out = append(out, f.ID+" "+a.Component.PURL)
	}
	slices.Sort(out)
	return out
}

func scanOf(t testing.TB, db *DB, doc *sbom.Document) *vuln.Report {
	t.Helper()
	r, err := db.Scan(context.Background(), doc)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// One package of each ecosystem, as package URLs and OSV's records name it.
func TestEcosystems(t *testing.T) {
	for _, tt := range []struct{ ecosystem, name, fixed, system, purl string }{
		{"npm", "@scope/name", "1.2.0", "", "pkg:npm/%40scope/name@1.1.9"},
		{"npm", "JSONStream", "1.2.0", "", "pkg:npm/JSONStream@1.1.9"},
		{"PyPI", "zope.interface", "2.0", "", "pkg:pypi/zope-interface@2.0rc1"},
		{"PyPI", "Flask_Login", "2.0", "", "pkg:pypi/flask-login@1.9"},
		{"Go", "github.com/Masterminds/vcs", "1.13.2", "", "pkg:golang/github.com/Masterminds/vcs@v1.13.1"},
		{"Go", "github.com/aws/aws-sdk-go-v2/service/ecr", "1.2.0", "", "pkg:golang/github.com/aws/aws-sdk-go-v2@v1.1.0#service/ecr"},
		{"Go", "stdlib", "1.26.3", "", "pkg:golang/stdlib@go1.26.2"},
		{"Go", "stdlib", "1.26.3", "", "pkg:golang/std@1.26.2"},
		{"Go", "example.com/m", "2.0.0", "", "pkg:golang/example.com/m@v2.0.0-20200101000000-abcdefabcdef"},
		{"Go", "example.com/m", "2.0.1", "", "pkg:golang/example.com/m@v2.0.0%2Bincompatible"},
		{"Maven", "org.apache.logging.log4j:log4j-core", "2.17.1", "", "pkg:maven/org.apache.logging.log4j/log4j-core@2.17.0"},
		{"crates.io", "time", "0.2.23", "", "pkg:cargo/time@0.2.22"},
		{"RubyGems", "rack", "2.2.3", "", "pkg:gem/rack@2.2.2?platform=ruby"},
		{"NuGet", "Newtonsoft.Json", "13.0.1", "", "pkg:nuget/Newtonsoft.Json@13.0.0"},
		{"Packagist", "symfony/http-kernel", "5.4.20", "", "pkg:composer/symfony/http-kernel@v5.4.19"},
		{"Hex", "plug", "1.3.2", "", "pkg:hex/plug@1.3.1"},
		{"Pub", "http", "0.13.3", "", "pkg:pub/http@0.13.2"},
		{"CRAN", "commonmark", "1.8", "", "pkg:cran/commonmark@1.7"},
		{"Hackage", "xml-conduit", "1.9.1.0", "", "pkg:hackage/xml-conduit@1.9.0.0"},
		{"SwiftURL", "github.com/vapor/vapor", "4.61.1", "", "pkg:swift/github.com/vapor/vapor@4.61.0"},
		{"GitHub Actions", "tj-actions/changed-files", "46.0.1", "", "pkg:githubactions/tj-actions/changed-files@v46.0.0"},
		{"Bitnami", "wordpress", "6.0.3", "", "pkg:bitnami/wordpress@6.0.2-1"},
		{"Debian:12", "glibc", "2.36-9+deb12u4", "", "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12.5&upstream=glibc"},
		{"Debian:12", "gcc-12", "12.2.0-15", "", "pkg:deb/debian/libgcc-s1@12.2.0-14?distro=bookworm&upstream=gcc-12%4012.2.0-14"},
		{"Debian:12", "zlib", "1:1.2.14", "debian 12", "pkg:deb/debian/zlib@1.2.13?epoch=1"},
		{"Debian", "zlib", "1:1.2.14", "debian 12", "pkg:deb/debian/zlib@1:1.2.13"},
		{"Ubuntu:22.04:LTS", "openssl", "3.0.2-0ubuntu1.12", "", "pkg:deb/ubuntu/openssl@3.0.2-0ubuntu1.10?distro=ubuntu-22.04"},
		{"Ubuntu:Pro:18.04:LTS", "openssl", "1.1.1-1ubuntu2.1~18.04.23+esm5", "",
			"pkg:deb/ubuntu/openssl@1.1.1-1ubuntu2.1~18.04.23?distro=bionic"},
		{"Alpine:v3.20", "openssl", "3.3.2-r0", "", "pkg:apk/alpine/libcrypto3@3.3.1-r0?arch=x86_64&distro=alpine-3.20.1&upstream=openssl"},
		{"Alpine:v3.20", "busybox", "1.36.1-r30", "alpine 3.20.3", "pkg:apk/alpine/busybox@1.36.1-r29"},
		{"Wolfi", "curl", "8.9.1-r2", "", "pkg:apk/wolfi/curl@8.9.1-r1?distro=wolfi-20230201"},
		{"Chainguard", "curl", "8.9.1-r2", "", "pkg:apk/chainguard/curl@8.9.1-r1"},
		{"Red Hat:enterprise_linux:9::baseos", "curl", "0:7.76.1-29.el9_4", "",
			"pkg:rpm/redhat/curl@7.76.1-26.el9?arch=x86_64&distro=rhel-9.3"},
		{"Rocky Linux:9", "bash", "0:5.1.8-7.el9", "", "pkg:rpm/rocky/bash@5.1.8-6.el9?distro=rocky-9.3&upstream=bash-5.1.8-6.el9.src.rpm"},
		{"AlmaLinux:8", "bind-utils", "32:9.11.36-8.el8", "",
			"pkg:rpm/almalinux/bind-utils@9.11.36-7.el8?epoch=32&distro=almalinux-8.9&upstream=bind-9.11.36-7.el8.src.rpm"},
		{"SUSE:Linux Enterprise Server 15 SP5", "zlib", "1.2.13-150500.4.3.1", "",
			"pkg:rpm/suse/libz1@1.2.13-150500.4.2.1?distro=sles-15.5&upstream=zlib-1.2.13-150500.4.2.1.src.rpm"},
		{"openSUSE:Leap 15.5", "zlib", "1.2.13-150500.4.3.1", "", "pkg:rpm/opensuse/zlib@1.2.13-150500.4.2.1?distro=opensuse-leap-15.5"},
		{"openSUSE:Tumbleweed", "zlib", "1.3-2", "", "pkg:rpm/opensuse/zlib@1.3-1?distro=opensuse-tumbleweed-20260101"},
		{"openEuler:24.03-LTS", "zlib", "1.2.13-3.oe2403", "", "pkg:rpm/openeuler/zlib@1.2.13-2.oe2403?distro=openeuler-24.03-LTS"},
		{"Azure Linux:3", "curl", "8.8.0-3.azl3", "", "pkg:rpm/azurelinux/curl@8.8.0-2.azl3?distro=azurelinux-3.0"},
		{"Mageia:9", "curl", "7.88.1-4.mga9", "", "pkg:rpm/mageia/curl@7.88.1-3.mga9?distro=mageia-9"},
	} {
		t.Run(tt.ecosystem+" "+tt.purl, func(t *testing.T) {
			db := open(t, dump(t, "all.zip", map[string]string{"X-1.json": oneRecord("X-1", tt.ecosystem, tt.name, until(tt.fixed), "")}))
			r := scanOf(t, db, document(t, tt.system, tt.purl))
			if diff := cmp.Diff([]string{"X-1 " + tt.purl}, lines(r)); diff != "" || len(r.Skipped) > 0 {
				t.Errorf("%s\nskipped %+v, contents %+v", diff, r.Skipped, db.Contents())
			} else if fixed := r.Findings[0].Affects[0].Fixed; !slices.Equal(fixed, []string{tt.fixed}) {
				t.Errorf("fixed in %q", fixed)
			}
		})
	}
}

// What is fixed, or of another release, is not found.
func TestNotAffected(t *testing.T) {
	db := open(t, dump(t, "all.zip", map[string]string{
		"a": "not json", "1.json": oneRecord("X-1", "npm", "a", until("1.2.0"), ""),
		"2.json": oneRecord("X-2", "Debian:11", "zlib", until("2"), ""),
		"3.json": oneRecord("X-3", "Debian:12", "other", until("2"), ""),
		"4.json": oneRecord("X-4", "Ubuntu:Pro:FIPS:22.04:LTS", "zlib", until("2"), ""),
		"5.json": oneRecord("X-5", "Ubuntu:22.04:LTS", "other", until("2"), ""),
	}))
	r := scanOf(t, db, document(t, "", "pkg:npm/a@1.2.0", "pkg:npm/a@v1.2.0", "pkg:npm/b@1.0.0", "pkg:deb/debian/zlib@1?distro=debian-12",
		"pkg:deb/ubuntu/zlib@1?distro=ubuntu-22.04"))
	if len(r.Findings) != 0 || len(r.Skipped) != 0 || r.Components != 5 {
		t.Errorf("%v, skipped %+v of %d", lines(r), r.Skipped, r.Components)
	}
	if len(r.Databases) != 3 || r.Databases[2].Ecosystem != "npm" ||
		r.Databases[2].Updated != time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) {
		t.Errorf("databases %+v", r.Databases)
	}
	if !strings.HasPrefix(r.Databases[0].Version, "sha256:") || !strings.HasPrefix(r.Subject.SBOM, "sha256:") {
		t.Errorf("%+v of %+v", r.Databases[0], r.Subject)
	}
}

// What cannot be assessed is said, and what cannot be told is not taken for fixed.
func TestSaid(t *testing.T) {
	db := open(t, dump(t, "all.zip", map[string]string{
		"1.json": oneRecord("X-1", "npm", "a", until("1.2.0"), ""),
		"2.json": oneRecord("X-2", "Maven", "g:a", `{"introduced": "2.17.1"}, {"fixed": "2.17.1.redhat-00001"},
			{"introduced": "2.17.1-SNAPSHOT"}`, ""),
		"3.json": `{"id": "X-3", "modified": "2026-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "c"},
			"ranges": [{"type": "GIT", "repo": "https://example.com", "events": [{"introduced": "0"}]}]}]}`,
		"4.json": `{"id": "X-4", "modified": "2026-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "d"}}]}`,
		"5.json": `{"id": "X-5", "modified": "2026-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "e"},
			"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}, {"type": "SEMVER", "events": [{"introduced": "1.0.0"}]}]}]}`,
		"6.json": `{"id": "X-6", "modified":`,
	}))
	doc := document(t, "", "pkg:npm/a@latest", "pkg:maven/g/a@2.17.1-alpha1", "pkg:npm/c@1.0.0", "pkg:npm/d@1.0.0", "pkg:npm/e@0.9.0",
		"pkg:pypi/x@1", "pkg:npm/x", "pkg:generic/x@1", "", "pkg:deb/debian/x@1", "pkg:rpm/amzn/x@1?distro=amzn-2023", "nonsense",
		"pkg:deb/x@1")
	r := scanOf(t, db, doc)
	want := []string{"X-1 pkg:npm/a@latest", "X-2 pkg:maven/g/a@2.17.1-alpha1", "X-3 pkg:npm/c@1.0.0", "X-4 pkg:npm/d@1.0.0"}
	if diff := cmp.Diff(want, lines(r)); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, s := range r.Skipped {
		got = append(got, s.Component.PURL+": "+s.Reason)
	}
	for f, a := range r.Places() {
		if a.State() != vuln.CannotTell {
			t.Errorf("%s: state %v", f.ID, a.State())
		}
		got = append(got, a.Component.PURL+": "+f.ID+": "+a.Doubt)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{
		": it has no package URL",
		`nonsense: sbom: not a package URL: "nonsense": it does not begin with "pkg:"`,
		"pkg:deb/debian/x@1: it does not say of which release of Debian it is",
		"pkg:deb/x@1: it does not say of which distribution it is",
		"pkg:generic/x@1: OSV has no ecosystem for pkg:generic",
		`pkg:maven/g/a@2.17.1-alpha1: X-2: ComparableVersion of Maven 3.9 gives "2.17.1-alpha1" no place ` +
			`among the versions of the record`,
		`pkg:npm/a@latest: X-1: "latest" is no version for semver 7.8 (npm)`,
		"pkg:npm/c@1.0.0: X-3: the record names commits",
		"pkg:npm/d@1.0.0: X-4: the record names no versions",
		"pkg:npm/x: it has no version",
		"pkg:pypi/x@1: the index has no records of PyPI",
		`pkg:rpm/amzn/x@1?distro=amzn-2023: OSV has no distribution "amzn"`,
	}, got); diff != "" {
		t.Error(diff)
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "1 records of the dumps could not be read, such as all.zip: 6.json") {
		t.Errorf("notes %q", r.Notes)
	}
}

// Aliases are one finding; an advisory of a distribution about several vulnerabilities does not join them.
func TestAliases(t *testing.T) {
	db := open(t, dump(t, "all.zip", map[string]string{
		"1.json": oneRecord("GHSA-aaaa-bbbb-cccc", "Go", "example.com/m", until("1.2.0"), `, "aliases": ["CVE-2026-1"], "summary": "a title",
			"database_specific": {"severity": "HIGH"}, "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
			"references": [{"type": "WEB", "url": "https://example.com/1"}]`),
		"2.json": oneRecord("GO-2026-1", "Go", "example.com/m", until("1.3.0"), `, "aliases": ["CVE-2026-1"]`),
		"3.json": oneRecord("DSA-1", "Debian:12", "zlib", until("2"), `, "upstream": ["CVE-2026-2", "CVE-2026-3"]`),
		"4.json": oneRecord("DEBIAN-CVE-2026-2", "Debian:12", "zlib", until("2"), `, "upstream": ["CVE-2026-2"]`),
		"5.json": oneRecord("DEBIAN-CVE-2026-3", "Debian:12", "zlib", until("2"), `, "upstream": ["CVE-2026-3"]`),
	}))
	r := scanOf(t, db, document(t, "debian 12", "pkg:golang/example.com/m@v1.0.0", "pkg:golang/example.com/m@v1.0.0",
		"pkg:deb/debian/zlib@1"))
	const zlib = "pkg:deb/debian/zlib@1"
	want := []string{"CVE-2026-1 pkg:golang/example.com/m@v1.0.0", "CVE-2026-2 " + zlib, "CVE-2026-3 " + zlib, "DSA-1 " + zlib}
	if diff := cmp.Diff(want, lines(r)); diff != "" {
		t.Error(diff)
	}
	f := r.Findings[0]
	if !slices.Equal(f.Aliases, []string{"GHSA-aaaa-bbbb-cccc", "GO-2026-1"}) || f.Title != "a title" || f.Severity != vuln.Critical ||
		len(f.Ratings) != 2 ||
		!slices.Equal(f.Affects[0].Fixed, []string{"1.2.0", "1.3.0"}) || len(f.Affects[0].Component.Refs) != 2 || len(f.References) != 1 {
		t.Errorf("%+v", f)
	}
}

// Of a record in several sources the newest form counts, which may be that it was withdrawn, or is about something else.
func TestNewest(t *testing.T) {
	at := func(record, modified string) string {
		return strings.Replace(record, "2026-11-01T00:00:00Z", modified, 1)
	}
	old := dump(t, "old.zip", map[string]string{
		"1.json": at(oneRecord("X-1", "npm", "a", until("2.0.0"), ""), "2026-01-01T00:00:00Z"),
		"2.json": at(oneRecord("X-2", "npm", "a", until("2.0.0"), ""), "2026-01-01T00:00:00.5Z"),
		"3.json": at(oneRecord("X-3", "npm", "a", until("2.0.0"), ""), "2026-01-01T00:00:00Z"),
		"4.json": oneRecord("X-4", "npm", "a", until("2.0.0"), ""),
		"5.json": oneRecord("X-5", "npm", "a", until("2.0.0"), `, "withdrawn": "2026-02-01T00:00:00Z"`),
	})
	newer := dump(t, "new.zip", map[string]string{
		"1.json": oneRecord("X-1", "npm", "a", until("2.0.0"), `, "withdrawn": "2026-02-01T00:00:00Z"`),
		"2.json": at(oneRecord("X-2", "npm", "b", until("2.0.0"), ""), "2026-01-01T00:00:00.6Z"),
		"3.json": oneRecord("X-3", "npm", "a", until("1.0.0"), ""),
		"4.json": oneRecord("X-4", "npm", "a", until("2.0.0"), ""),
	})
	for _, sources := range [][]string{{old, newer}, {newer, old}} {
		db := open(t, sources...)
		r := scanOf(t, db, document(t, "", "pkg:npm/a@1.5.0", "pkg:npm/b@1.5.0"))
		if diff := cmp.Diff([]string{"X-2 pkg:npm/b@1.5.0", "X-4 pkg:npm/a@1.5.0"}, lines(r)); diff != "" {
			t.Error(diff)
		}
		if c := db.Contents(); c.Records != 5 || c.Repeated != 4 || c.Withdrawn != 2 || c.Ecosystems["npm"].Packages != 3 {
			t.Errorf("%+v", c)
		}
	}
}

// A directory, as a mirror has it, is the same as its zips.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	for name, id := range map[string]string{"npm/X-1.json": "X-1", "npm/deeper/X-2.json": "X-2"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(oneRecord(id, "npm", "a", until("2.0.0"), "")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	zipped := dump(t, "all.zip", map[string]string{"X-3.json": oneRecord("X-3", "npm", "a", until("2.0.0"), "")})
	if err := os.Rename(zipped, filepath.Join(dir, "npm", "all.zip")); err != nil {
		t.Fatal(err)
	}
	db := open(t, dir)
	r := scanOf(t, db, document(t, "", "pkg:npm/a@1.5.0"))
	if len(r.Findings) != 3 || db.Contents().Sources[0].Name != "npm/all.zip" {
		t.Errorf("%v of %+v", lines(r), db.Contents())
	}
	if _, err := Build(context.Background(), filepath.Join(t.TempDir(), "x"), nil, t.TempDir()); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty directory: %v", err)
	}
}

// Whatever byte is wrong, and wherever it ends, an index gives an error or the same answer.
func TestDamaged(t *testing.T) {
	records := map[string]string{}
	for i := range 20 {
		records[fmt.Sprint(i, ".json")] = oneRecord(fmt.Sprint("X-", i), "npm", fmt.Sprint("p", i%7), until("2.0.0"), "")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "osv.index")
	if _, err := Build(context.Background(), path, nil, dump(t, "all.zip", records)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var purls []string
	for i := range 7 {
		purls = append(purls, fmt.Sprintf("pkg:npm/p%d@1.0.0", i))
	}
	doc := document(t, "", purls...)
	scan := func(data []byte) ([]string, error) {
		db := &DB{file: bytes.NewReader(data)}
		if err := db.open(int64(len(data))); err != nil {
			return nil, err
		}
		r, err := db.Scan(context.Background(), doc)
		if err != nil {
			return nil, err
		}
		return lines(r), nil
	}
	want, err := scan(whole)
	if err != nil || len(want) != 20 {
		t.Fatal(want, err)
	}
	refused := 0
	for i := range whole {
		data := bytes.Clone(whole)
		data[i] ^= 0x40
		got, err := scan(data)
		switch {
		case errors.Is(err, ErrIndex):
			refused++
		case err != nil || !slices.Equal(got, want):
			t.Errorf("byte %d: %v, %v", i, got, err)
		}
		if i%7 == 0 {
			if _, err := scan(whole[:i]); !errors.Is(err, ErrIndex) {
				t.Errorf("cut at %d: %v", i, err)
			}
		}
	}
	if refused < len(whole)*9/10 {
		t.Errorf("only %d of %d changes were seen", refused, len(whole))
	}
}

// What Build does not finish leaves the old index, and nothing else.
func TestUnfinished(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "osv.index")
	records := map[string]string{}
	for i := range 50 {
		records[fmt.Sprint(i, ".json")] = oneRecord(fmt.Sprint("X-", i), "npm", "a", until("2.0.0"), "")
	}
	all := dump(t, "all.zip", records)
	if _, err := Build(context.Background(), path, nil, all); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 21, 22, len(data) / 2, len(data) - 1} {
		short := filepath.Join(t.TempDir(), "short.zip")
		if err := os.WriteFile(short, data[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Build(context.Background(), path, nil, all, short); !errors.Is(err, zip.ErrFormat) {
			t.Errorf("a zip of %d bytes: %v", n, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Build(ctx, path, nil, all); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Error("the index changed", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A small zip that unzips to far more than dumps do ends the build.
func TestZipBomb(t *testing.T) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	blanks := bytes.Repeat([]byte(" "), 1<<20)
	for i := range 80 {
		w, err := z.Create(fmt.Sprint(i, ".json"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, oneRecord(fmt.Sprint("X-", i), "npm", "a", until("2.0.0"), ""))
		w.Write(blanks)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bomb := filepath.Join(dir, "all.zip")
	if err := os.WriteFile(bomb, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Build(context.Background(), filepath.Join(dir, "osv.index"), nil, bomb); !errors.Is(err, ErrLimit) {
		t.Errorf("%d bytes: %v", buf.Len(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Long lists cost what their bytes cost: this ends at once, or, with their square, never.
func TestLongRecords(t *testing.T) {
	const n = 10_000
	var references, ranges, aliases strings.Builder
	for i := range n {
		comma := map[bool]string{true: ",", false: ""}[i > 0]
		fmt.Fprintf(&references, `%s{"type": "WEB", "url": "https://example.com/%d"}`, comma, i)
		fmt.Fprintf(&ranges, `%s{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.%d"}]}`, comma, i)
		fmt.Fprintf(&aliases, `%s"A-%d"`, comma, i)
	}
	record := func(id string) string {
		return fmt.Sprintf(`{"id": %q, "modified": "2026-11-01T00:00:00Z", "aliases": [%s], "references": [%s], "affected": [{"package":
			{"ecosystem": "npm", "name": "a"}, "ranges": [%s]}]}`, id, &aliases, &references, &ranges)
	}
	db := open(t, dump(t, "all.zip", map[string]string{"1.json": record("X-1"), "2.json": record("X-2")}))
	f := scanOf(t, db, document(t, "", "pkg:npm/a@1.0.0")).Findings
	if len(f) != 1 || len(f[0].Aliases) != n+1 || len(f[0].References) != n || len(f[0].Affects) != 1 || len(f[0].Affects[0].Fixed) != n {
		t.Fatalf("%d findings", len(f))
	}
}
