package vuln

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/sbom"
)

// The vectors of go-vex's tests: what matches there matches here, and the reverse.
func TestMatchVectors(t *testing.T) {
	f, err := os.Open("testdata/vex/openvex-go-vex/openvex/match-vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
		var v struct {
			Line      int
			Component struct {
				ID          string
				Identifiers map[string]string
				Hashes      map[string]string
			}
			Identifier, P1, P2 string
			MustMatch          bool
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		p, other := Product{IDs: []string{v.P1}}, v.P2
		if v.P1 == "" {
			p, other = Product{IDs: union(nil, []string{v.Component.ID, v.Component.Identifiers["PURL"]}), Hashes: v.Component.Hashes},
				v.Identifier
		}
		th := &thing{}
		th.add(other)
		if got := p.isThing(th, false); got != v.MustMatch {
			t.Errorf("line %d: %v", v.Line, got)
		}
	}
	if n != 9 {
		t.Errorf("%d vectors", n)
	}
}

func TestPURLCovers(t *testing.T) {
	for _, tt := range []struct {
		want, have string
		ok         bool
	}{
		{"pkg:golang/github.com%2Fgoogle%2Fuuid@v1.6.0", "pkg:golang/github.com/google/uuid@1.6.0", true},
		{"pkg:npm/%40scope%2Fname@1.0.0", "pkg:npm/%40scope/name@1.0.0", true},
		{"pkg:oci/web@sha256%3Aaa?repository_url=ghcr.io%2Facme%2Fweb", "pkg:oci/web@sha256:aa?repository_url=ghcr.io/acme/web", true},
		{"pkg:oci/web@sha256%3Aaa?repository_url=ghcr.io/acme", "pkg:oci/web@sha256:aa?repository_url=ghcr.io/acme/web", true},
		{"pkg:oci/web@sha256:aa?repository_url=ghcr.io/other", "pkg:oci/web@sha256:aa?repository_url=ghcr.io/acme/web", false},
		{"pkg:deb/debian/zlib1g@1:1.2", "pkg:deb/debian/zlib1g@1.2?epoch=1&arch=amd64", true},
		{"pkg:deb/debian/zlib1g@1.2", "pkg:deb/debian/zlib1g@1.2?epoch=1", false},
		{"pkg:deb/debian/zlib1g", "pkg:deb/debian/zlib1g@1.2?epoch=1", true},
		{"pkg:npm/ms@2.0.0", "pkg:npm/ms@2.0.1", false},
		{"pkg:npm/ms", "pkg:npm/ms-extra@1", false},
	} {
		a, err := sbom.ParsePURL(tt.want)
		if err != nil {
			t.Fatal(err)
		}
		b, err := sbom.ParsePURL(tt.have)
		if err != nil {
			t.Fatal(err)
		}
		if got := purlCovers(a, b); got != tt.ok {
			t.Errorf("%s covers %s: %v", tt.want, tt.have, got)
		}
	}
}

// Every document of the corpus is read, or refused for a reason that its index gives.
func TestVEXDocuments(t *testing.T) {
	counts := map[string]int{
		"openvex-go-vex/openvex/v0.2.0.json": 5, "openvex-go-vex/openvex/v0.0.1.json": 1, "openvex-go-vex/openvex/v0.0.1-noversion.json": 1,
		"openvex-go-vex/csaf/vex-csaf.json": 1, "openvex-go-vex/csaf/csaf.json": 4, "openvex-go-vex/csaf/openvex.json": 1,
	}
	for _, name := range []string{"vex.json", "Use-Cases/Case-1/vex.json", "Use-Cases/Case-2/vex.json", "Use-Cases/Case-4/vex.json",
		"Use-Cases/Case-8/vex.json"} {
		counts["CycloneDX-sbom-utility/cyclonedx/"+name] = 1
	}
	for name, n := range map[string]int{"Use-Cases/Case-5/vex.json": 2, "Use-Cases/Case-12/vex.json": 3, "Use-Cases/Case-13/vex.json": 2,
		"Use-Cases/Case-9/vex.json":      19,
		"CISA-Use-Cases/Case-6/vex.json": 2, "CISA-Use-Cases/Case-8/vex.json": 8, "Use-Cases/Case-7/vex.json": 0} {
		counts["CycloneDX-sbom-utility/cyclonedx/"+name] = n
	}
	err := filepath.WalkDir("testdata/vex", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		got, notes, err := ParseVEX(bytes.NewReader(load(t, path)))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), "testdata/vex/")
		if n, ok := counts[name]; ok && n != len(got) {
			t.Errorf("%s: %d statements, %q", name, len(got), notes)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func at(hour int) time.Time { return time.Date(2026, 11, 28, hour, 0, 0, 0, time.UTC) }

// image is a report of one image with two vulnerabilities in two components.
func image() *Report {
	libssl := Component{Name: "libssl3", Version: "3.0.8-r3", PURL: "pkg:apk/alpine/libssl3@3.0.8-r3?arch=x86_64"}
	busybox := Component{Name: "busybox", Version: "1.36.1-r0", PURL: "pkg:apk/alpine/busybox@1.36.1-r0?arch=x86_64"}
	return &Report{
		Subject: Subject{Name: "docker.io/library/alpine:3.18",
			Digest: "sha256:124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126"},
		Findings: []Finding{
			{ID: "CVE-2023-3446", Severity: Medium, Affects: []Affected{{Component: libssl}, {Component: busybox}}},
			{ID: "GHSA-aaaa-bbbb-cccc", Aliases: []string{"CVE-2023-1255"}, Severity: High, Affects: []Affected{{Component: libssl}}},
		},
	}
}

func signedBy(name string, at time.Time, s ...Statement) []Statement {
	for i := range s {
		s[i].Signer = Signer{Identity: name, At: at}
	}
	return s
}

// A statement about subcomponents of an image is about those and nothing else, and about nothing in another image.
func TestApplyOpenVEX(t *testing.T) {
	statements, _, err := ParseVEX(bytes.NewReader(load(t, "testdata/vex/openvex-go-vex/openvex/v0.2.0.json")))
	if err != nil {
		t.Fatal(err)
	}
	r := image()
	if e := r.Apply(statements...); e.Changed != 0 || len(e.Unmatched) != 3 {
		t.Errorf("nobody signed: %+v", e)
	}
	if v := r.Findings[0].Affects[0].VEX; len(v) != 1 || v[0].Effective || v[0].Reason == "" {
		t.Errorf("%+v", v)
	}
	signed := signedBy("vendor@example.com", at(1), statements...)
	if e := r.Apply(signed...); e.Changed != 2 || e.Conflicts != 0 {
		t.Errorf("%+v", e)
	}
	ssl, busybox, ghsa := r.Findings[0].Affects[0], r.Findings[0].Affects[1], r.Findings[1].Affects[0]
	if ssl.Status != StatusNotAffected || !ssl.Proven() || busybox.Status != "" || len(busybox.VEX) != 0 || ghsa.Status != StatusFixed {
		t.Errorf("%+v\n%+v\n%+v", ssl, busybox, ghsa)
	}
	if v := ssl.VEX[1]; !v.Effective || v.Justification != "vulnerable_code_not_present" || v.Signer.Identity != "vendor@example.com" {
		t.Errorf("%+v", v)
	}
	if e := r.Apply(signed...); e.Changed != 0 || len(r.Findings[0].Affects[0].VEX) != 2 {
		t.Errorf("said twice: %+v", e)
	}
	other := image()
	other.Subject.Digest = "sha256:" + strings.Repeat("0", 64)
	if e := other.Apply(signed...); e.Changed != 0 || len(e.Unmatched) != 5 {
		t.Errorf("another image: %+v", e)
	}
	// The report keeps who said what.
	data, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(bytes.NewReader(data))
	if err != nil || !back.Findings[0].Affects[0].Proven() {
		t.Errorf("%v", err)
	}
}

// Ten conflicts, and what stands.
func TestConflicts(t *testing.T) {
	alpine := []Product{{IDs: []string{"pkg:apk/alpine/libssl3@3.0.8-r3"}}}
	say := func(who string, when int, status Status, document string, claimed int) Statement {
		s := Statement{Vulnerability: "CVE-2023-3446", Products: alpine, Status: status, Document: document,
			Statement: string(status) + who, Time: at(claimed)}
		if who != "" {
			s.Signer.Identity = who
		}
		if when > 0 {
			s.Signer.At = at(when)
		}
		return s
	}
	const no, yes, fixed, maybe = StatusNotAffected, StatusAffected, StatusFixed, StatusInvestigated
	for _, tt := range []struct {
		name      string
		say       []Statement
		want      Status
		conflicts int
	}{
		{"newest suppresses", []Statement{say("a", 1, yes, "1", 1), say("b", 2, no, "2", 1)}, no, 1},
		{"newest affects", []Statement{say("a", 2, yes, "1", 1), say("b", 1, no, "2", 9)}, yes, 1},
		{"order of arguments does not matter", []Statement{say("b", 1, no, "2", 9), say("a", 2, yes, "1", 1)}, yes, 1},
		{"one without a proven time", []Statement{say("a", 0, yes, "1", 1), say("b", 2, no, "2", 2)}, "", 1},
		{"both without a proven time", []Statement{say("a", 0, yes, "1", 1), say("b", 0, no, "2", 9)}, "", 1},
		{"the same time", []Statement{say("a", 1, yes, "1", 1), say("b", 1, no, "2", 2)}, "", 1},
		{"one document, dated later", []Statement{say("a", 1, maybe, "1", 1), say("a", 1, no, "1", 2)}, no, 1},
		{"one document, dated the same", []Statement{say("a", 1, yes, "1", 1), say("a", 1, no, "1", 1)}, "", 1},
		{"three, the newest counts", []Statement{say("a", 1, yes, "1", 1), say("b", 3, fixed, "2", 1), say("c", 2, maybe, "3", 1)}, fixed,
			1},
		{"nobody's word is none", []Statement{say("a", 1, no, "1", 1), say("", 0, yes, "2", 9)}, no, 0},
		{"three, one without a time", []Statement{say("a", 1, yes, "1", 1), say("b", 3, no, "2", 1), say("c", 0, maybe, "3", 1)}, "", 1},
		{"agreement is none", []Statement{say("a", 1, no, "1", 1), say("b", 0, no, "2", 1)}, no, 0},
	} {
		for _, stepwise := range []bool{false, true} {
			r := image()
			var e Effect
			if stepwise {
				for _, s := range tt.say {
					e = r.Apply(s)
				}
			} else {
				e = r.Apply(tt.say...)
			}
			a := r.Findings[0].Affects[0]
			if a.Status != tt.want || e.Conflicts != tt.conflicts || len(a.VEX) != len(tt.say) {
				t.Errorf("%s (stepwise %v): %q, %d conflicts, %+v", tt.name, stepwise, a.Status, e.Conflicts, a.VEX)
			}
			effective := 0
			for _, v := range a.VEX {
				if v.Effective {
					effective++
				} else if v.Reason == "" {
					t.Errorf("%s: no reason: %+v", tt.name, v)
				}
			}
			if (effective == 1) != (tt.want != "") {
				t.Errorf("%s: %d effective", tt.name, effective)
			}
			if r.Findings[1].Affects[0].Status != "" || r.Findings[0].Affects[1].Status != "" {
				t.Errorf("%s: another place changed", tt.name)
			}
		}
	}
}

// Versions of CycloneDX's VEX: a statement is about those in its ranges.
func TestApplyVersions(t *testing.T) {
	statements, _, err := ParseVEX(bytes.NewReader(load(t, "testdata/vex/CycloneDX-sbom-utility/cyclonedx/Use-Cases/Case-8/vex.json")))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		version string
		want    Status
	}{{"2.5.0", StatusNotAffected}, {"2.8.0", ""}, {"4.0.0", StatusNotAffected}, {"5.9.0", StatusNotAffected}, {"5.9.1", ""}, {"", ""}} {
		s := signedBy("a", at(1), slices.Clone(statements)...)
		for i := range s {
			s[i].Products = slices.Clone(s[i].Products)
			for j := range s[i].Products {
				s[i].Products[j].IDs = []string{"pkg:generic/acme-product"}
			}
		}
		r := &Report{Findings: []Finding{{ID: "CVE-2020-25649",
			Affects: []Affected{{Component: Component{PURL: "pkg:generic/acme-product@" + tt.version, Version: tt.version}}}}}}
		r.Apply(s...)
		if got := r.Findings[0].Affects[0].Status; got != tt.want {
			t.Errorf("%q: %q", tt.version, got)
		}
	}
}

// BOM-Links name a component of one document.
func TestApplyBOMLink(t *testing.T) {
	statements, _, err := ParseVEX(bytes.NewReader(load(t, "testdata/vex/CycloneDX-sbom-utility/cyclonedx/Use-Cases/Case-13/vex.json")))
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{Subject: Subject{SBOMID: "urn:uuid:2c385cf7-e1ee-46e9-a51c-13de1ecb380a"},
		Findings: []Finding{{ID: "CVE-2020-25649", Affects: []Affected{
			{Component: Component{Name: "Acme", ID: "acme-product-1"}}, {Component: Component{Name: "Acme", ID: "acme-product-2"}}}}}}
	r.Apply(signedBy("a", at(1), statements...)...)
	if a := r.Findings[0].Affects; a[0].Status != StatusNotAffected || a[1].Status != "" {
		t.Errorf("%+v", a)
	}
}

func TestApplyCSAF(t *testing.T) {
	statements, _, err := ParseVEX(bytes.NewReader(load(t, "testdata/vex/openvex-go-vex/csaf/vex-csaf.json")))
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{Findings: []Finding{{ID: "CVE-2009-4487", Affects: []Affected{
		{Component: Component{PURL: "pkg:golang/github.com/go-homedir@v1.2.0"}},
		{Component: Component{PURL: "pkg:golang/github.com/go-homedir@v1.1.0"}}}}}}
	r.Apply(signedBy("a", at(1), statements...)...)
	a := r.Findings[0].Affects
	if a[0].Status != StatusNotAffected || a[1].Status != "" || a[0].VEX[0].Impact != "Class with vulnerable code was removed before "+
		"shipping." {
		t.Errorf("%+v", a)
	}
}

// What the scanner suppressed itself stays so until somebody who is proven speaks.
func TestApplyOverScanner(t *testing.T) {
	r := mustParse(t, "testdata/scan-reports/trivy-with-vex.json")
	find := func() *Affected {
		for f, a := range r.Places() {
			if f.ID == "CVE-2026-90003" {
				return a
			}
		}
		return nil
	}
	if a := find(); !a.Suppressed() || a.Proven() {
		t.Errorf("%+v", a)
	}
	s := Statement{Vulnerability: "cve-2026-90003", Products: []Product{{IDs: []string{"pkg:deb/debian/hello"}}}, Status: StatusAffected}
	r.Apply(s)
	if a := find(); !a.Suppressed() {
		t.Errorf("nobody's word changed it: %+v", a)
	}
	s.Signer.Identity = "a"
	if e := r.Apply(s); e.Changed != 1 || find().Suppressed() || !find().Proven() {
		t.Errorf("%+v", find())
	}
}

func TestVEXRefused(t *testing.T) {
	for _, text := range []string{
		``, `{}`, `[]`, `{"@context":"https://openvex.dev/ns","statements":[{"status":"affected","products":["a"]}]}`,
		`{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":"CVE-1","status":"safe"}]}`,
		`{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":"CVE-1","status":"fixed","Status":"affected"}]}`,
		`{"@context":"https://example.com","statements":[]}`,
		`{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"CVE-1","analysis":{"state":"fine"}}]}`,
		`{"bomFormat":"CycloneDX","vulnerabilities":[{"analysis":{"state":"resolved"}}]}`,
		`{"document":{"csaf_version":"2.1","category":"csaf_vex"}}`,
		`{"document":{"csaf_version":"2.0","category":"csaf_informational_advisory"}}`,
		`{"document":{"csaf_version":"2.0","category":"csaf_vex"},"vulnerabilities":[{"product_status":{"fixed":["a"]}}]}`,
	} {
		s, _, err := ParseVEX(strings.NewReader(text))
		if len(s) > 0 || !errors.Is(err, ErrFormat) && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzVEX(f *testing.F) {
	f.Add(load(f, "testdata/vex/openvex-go-vex/openvex/v0.2.0.json"))
	f.Add(load(f, "testdata/vex/openvex-go-vex/csaf/csaf.json"))
	f.Add(load(f, "testdata/vex/CycloneDX-sbom-utility/cyclonedx/Use-Cases/Case-8/vex.json"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, _, err := ParseVEX(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrLimit) {
				t.Fatal(err)
			}
			return
		}
		r := image()
		if e := r.Apply(s...); e.Changed != 0 {
			t.Fatal("changed by nobody's word")
		}
		for i := range s {
			s[i].Vulnerability = "CVE-2023-3446"
		}
		r.Apply(signedBy("a", time.Time{}, s...)...)
	})
}

// A statement about one of the vulnerabilities that a finding stands for does not exclude the finding: Grype's findings of
// distributions have all CVEs of an advisory beside them.
func TestApplyToOneOfSeveral(t *testing.T) {
	say := func(status Status, id string, aliases ...string) Statement {
		return Statement{Vulnerability: id, Aliases: aliases, Status: status, Products: []Product{{IDs: []string{"pkg:npm/a"}}},
			Signer: Signer{Identity: "a", At: at(1)}}
	}
	for _, tt := range []struct {
		id      string
		aliases []string
		say     Statement
		want    Status
	}{
		{"CVE-1", nil, say(StatusNotAffected, "CVE-1"), StatusNotAffected},
		{"GHSA-1", []string{"CVE-1"}, say(StatusNotAffected, "CVE-1"), StatusNotAffected},
		{"CVE-1", []string{"DSA-1"}, say(StatusFixed, "DSA-1"), StatusFixed},
		{"ELSA-1", []string{"CVE-1", "CVE-2"}, say(StatusNotAffected, "CVE-1"), ""},
		{"ELSA-1", []string{"CVE-1", "CVE-2"}, say(StatusNotAffected, "cve-2", "CVE-1"), StatusNotAffected},
		{"ELSA-1", []string{"CVE-1", "CVE-2"}, say(StatusNotAffected, "ELSA-1"), StatusNotAffected},
		{"ELSA-1", []string{"CVE-1", "CVE-2"}, say(StatusAffected, "CVE-1"), StatusAffected},
		{"CVE-1", []string{"CVE-2"}, say(StatusNotAffected, "CVE-1"), StatusNotAffected},
		{"CVE-1", []string{"CVE-2"}, say(StatusNotAffected, "CVE-2"), ""},
	} {
		r := &Report{Findings: []Finding{
			{ID: tt.id, Aliases: tt.aliases, Affects: []Affected{{Component: Component{PURL: "pkg:npm/a@1"}}}}}}
		e := r.Apply(tt.say)
		if got := r.Findings[0].Affects[0].Status; got != tt.want || (len(e.Unmatched) == 0) != (tt.want != "") {
			t.Errorf("%s %q, %s %s %q: %q, %d unmatched", tt.id, tt.aliases, tt.say.Status, tt.say.Vulnerability, tt.say.Aliases, got,
				len(e.Unmatched))
		}
	}
	of := func(id string, aliases ...string) *Report {
		return &Report{Findings: []Finding{{ID: id, Aliases: aliases, Affects: []Affected{{Component: Component{PURL: "pkg:npm/a@1"}}}}}}
	}
	both := &Report{Findings: []Finding{of("CVE-1").Findings[0], of("CVE-2").Findings[0], of("ELSA-1", "CVE-1", "CVE-2").Findings[0]}}
	if c := Diff(both, of("CVE-1")); len(c.Gone) != 2 {
		t.Errorf("%d gone: CVE-2 is not CVE-1 because an advisory has both", len(c.Gone))
	}
	if c := Diff(of("GHSA-1", "CVE-1"), of("CVE-1")); len(c.Gone)+len(c.New) != 0 {
		t.Errorf("%+v", c)
	}
}

// A version that has no place in the order is in the range of a warning, and in none of an all-clear.
func TestApplyUnsureVersion(t *testing.T) {
	for _, tt := range []struct {
		versions, version string
		status, want      Status
	}{
		{"vers:npm/<2.0.0", "1.0.0", StatusNotAffected, StatusNotAffected},
		{"vers:npm/<2.0.0", "latest", StatusNotAffected, ""},
		{"vers:npm/<2.0.0", "latest", StatusAffected, StatusAffected},
		{"vers:npm/<2.0.0", "3.0.0", StatusAffected, ""},
		{"vers:nonsense", "1.0.0", StatusFixed, ""},
		{"vers:nonsense", "1.0.0", StatusInvestigated, StatusInvestigated},
		{"1.0.0", "", StatusNotAffected, ""},
		{"1.0.0", "", StatusAffected, StatusAffected},
	} {
		r := &Report{Findings: []Finding{
			{ID: "CVE-1", Affects: []Affected{{Component: Component{PURL: "pkg:npm/a", Version: tt.version}}}}}}
		r.Apply(Statement{Vulnerability: "CVE-1", Status: tt.status, Signer: Signer{Identity: "a"},
			Products: []Product{{IDs: []string{"pkg:npm/a"}, Versions: []string{tt.versions}}}})
		if got := r.Findings[0].Affects[0].Status; got != tt.want {
			t.Errorf("%s of %q, %s: %q", tt.versions, tt.version, tt.status, got)
		}
	}
}

// Many statements about one place cost what they are: this ends at once, or, with their square, never.
func TestApplyMany(t *testing.T) {
	const n = 10_000
	list := make([]Statement, n)
	for i := range list {
		list[i] = Statement{Vulnerability: "CVE-1", Status: []Status{StatusAffected, StatusNotAffected}[i%2], Statement: strconv.Itoa(i),
			Document: strconv.Itoa(i),
			Products: []Product{{IDs: []string{"pkg:npm/a"}}}, Signer: Signer{Identity: strconv.Itoa(i)}}
	}
	r := &Report{Findings: []Finding{{ID: "CVE-1", Affects: []Affected{{Component: Component{PURL: "pkg:npm/a@1"}}}}}}
	for range 2 {
		if e := r.Apply(list...); e.Conflicts != 1 || len(r.Findings[0].Affects[0].VEX) != n {
			t.Fatalf("%+v", e)
		}
	}
	if reason := r.Findings[0].Affects[0].VEX[0].Reason; len(reason) > 300 || !strings.Contains(reason, "9995 more") {
		t.Errorf("%.400s", reason)
	}
}
