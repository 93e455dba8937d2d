package vuln

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/sbom"
)

func load(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

func mustParse(t testing.TB, path string) *Report {
	t.Helper()
	r, err := Parse(bytes.NewReader(load(t, path)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return r
}

const recorded = "../../internal/awstest/testdata/inspector/ubuntu-14.04-"

func pairs(r *Report, kind Kind) []string {
	var out []string
	for f, a := range r.Places() {
		if f.Kind == kind {
			out = append(out, f.ID+" "+nameOr(a.Component.PURL, nameOr(a.File, a.Component.Name+"@"+a.Component.Version)))
		}
	}
	slices.Sort(out)
	return out
}

// The real answers of Amazon Inspector have the counts that the service gives, and agree.
func TestInspector(t *testing.T) {
	a, b := mustParse(t, recorded+"response.inspector.json.gz"), mustParse(t, recorded+"response.cyclonedx.json.gz")
	for _, tt := range []struct {
		r    *Report
		want Summary
	}{
		{a, Summary{Total: 374, Severities: [...]int{Critical: 45, High: 201, Medium: 106, Low: 6, Info: 4, Unknown: 12}, Fixable: 363,
			Exploited: 1,
			Exploit:   154, Unscored: 23, Skipped: 184}},
		{b, Summary{Total: 370, Severities: [...]int{Critical: 41, High: 201, Medium: 106, Low: 6, Info: 4, Unknown: 12}, Fixable: 363,
			Exploited: 1,
			Exploit:   154, Unscored: 19, Skipped: 184}},
	} {
		if diff := cmp.Diff(tt.want, tt.r.Summary()); diff != "" {
			t.Errorf("%s: %s", tt.r.Format, diff)
		}
	}
	if diff := cmp.Diff(pairs(a, Vulnerability), pairs(b, Vulnerability)); diff != "" {
		t.Error(diff)
	}
	if n := len(pairs(a, Vulnerability)) + len(pairs(a, Configuration)); n != 699 {
		t.Errorf("%d pairs", n)
	}
	if diff := cmp.Diff(pairs(a, Configuration), pairs(b, Configuration)); diff != "" {
		t.Error(diff)
	}
	var secrets []string
	for i := range a.Findings {
		if f := &a.Findings[i]; f.Kind == Secret && f.Severity == Critical {
			secrets = append(secrets, f.ID)
		}
	}
	slices.Sort(secrets)
	if diff := cmp.Diff([]string{"IN-DOCKER-007-001", "IN-DOCKER-007-002", "IN-DOCKER-007-003", "IN-DOCKER-007-004"}, secrets); diff != "" {
		t.Error(diff)
	}
	if c := Diff(b, a); len(c.New) != 4 || len(c.Gone) != 0 {
		t.Errorf("%d new, %d gone", len(c.New), len(c.Gone))
	}
	// Severities and what mends it are the same finding by finding, whoever rates.
	byID := map[string]*Finding{}
	for i := range b.Findings {
		byID[b.Findings[i].ID] = &b.Findings[i]
	}
	for i := range a.Findings {
		f, g := &a.Findings[i], byID[a.Findings[i].ID]
		if g == nil {
			continue
		}
		f.Exploit.LastSeen, g.Exploit.LastSeen = time.Time{}, time.Time{} // the answers are some days apart
		if f.Severity != g.Severity || f.Exploit != g.Exploit || (f.EPSS == nil) != (g.EPSS == nil) {
			t.Errorf("%s: %v %+v, %v %+v", f.ID, f.Severity, f.Exploit, g.Severity, g.Exploit)
		}
	}
}

// Each reader finds what the index says of its file.
func TestReaders(t *testing.T) {
	for _, tt := range []struct {
		file, format string
		findings     int
		want         []string // pairs, and what mends it
	}{
		{"osv-scanner-image.json", "osv-scanner", 3, []string{
			"DEBIAN-CVE-2026-90001 pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1 1:1.2.13.dfsg-2",
			"GO-2026-0201 pkg:golang/github.com/google/uuid@v1.6.0 1.6.1",
			"GO-2026-0203 pkg:golang/stdlib@v1.26.8 1.26.9"}},
		{"osv-scanner.json", "osv-scanner", 3, []string{
			"GHSA-aaaa-bbbb-0001 pkg:npm/ms@2.0.0 2.1.4", "GHSA-aaaa-bbbb-0001 pkg:npm/ms@2.1.3 2.1.4",
			"GHSA-aaaa-bbbb-0002 pkg:npm/left-pad@1.3.0 ",
			"GO-2026-0201 pkg:golang/github.com/google/uuid@v1.6.0 1.6.1"}},
		{"osv-scanner.1.6.cdx.json", "cyclonedx", 2, []string{"GHSA-aaaa-bbbb-0001 @ ", "GHSA-aaaa-bbbb-0002 @ "}},
		{"trivy.json", "trivy", 7, trivyPairs},
		{"trivy-with-vex.json", "trivy", 7, trivyPairs},
		{"trivy.cosign-vuln.json", "cosign-vuln:trivy", 7, trivyPairs},
		{"trivy.cdx.json", "cyclonedx", 7, trivyPairs},
		{"osv-scanner.sarif.json", "sarif", 3, []string{"CVE-2026-90020 github.com/google/uuid@1.6.0 ", "CVE-2026-90022 stdlib@1.26.8 ",
			"DEBIAN-CVE-2026-90001 zlib@1:1.2.13.dfsg-1 "}},
		{"trivy.sarif.json", "sarif", 7,
			[]string{"CVE-2026-90001 zlib1g@1:1.2.13.dfsg-1 1:1.2.13.dfsg-2", "CVE-2026-90002 libzstd1@1.5.4+dfsg2-5 ",
				"CVE-2026-90003 hello@2.10-3 2.11-1", "CVE-2026-90010 ms@2.1.3 2.1.4", "CVE-2026-90020 github.com/google/uuid@v1.6.0 1.6.1",
				"CVE-2026-90022 stdlib@v1.26.8 1.26.9", "GHSA-aaaa-bbbb-cccc left-pad@1.3.0 "}},
	} {
		r := mustParse(t, "testdata/scan-reports/"+tt.file)
		var got []string
		for f, a := range r.Places() {
			got = append(got, fmt.Sprintf("%s %s %s", f.ID, nameOr(a.Component.PURL, a.Component.Name+"@"+a.Component.Version),
				strings.Join(a.Fixed, ",")))
		}
		slices.Sort(got)
		if r.Format != tt.format || len(r.Findings) != tt.findings {
			t.Errorf("%s: %s, %d findings", tt.file, r.Format, len(r.Findings))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.file, diff)
		}
	}
	if s := mustParse(t, "testdata/scan-reports/trivy-with-vex.json").Summary(); s.Total != 6 || s.Suppressed != 1 {
		t.Errorf("%+v", s)
	}
}

var trivyPairs = []string{
	"CVE-2026-90001 pkg:deb/debian/zlib1g@1.2.13.dfsg-1?arch=amd64&distro=debian-12.0&epoch=1 1:1.2.13.dfsg-2",
	"CVE-2026-90002 pkg:deb/debian/libzstd1@1.5.4%2Bdfsg2-5?arch=amd64&distro=debian-12.0 ",
	"CVE-2026-90003 pkg:deb/debian/hello@2.10-3?arch=amd64&distro=debian-12.0 2.11-1",
	"CVE-2026-90010 pkg:npm/ms@2.1.3 2.1.4",
	"CVE-2026-90020 pkg:golang/github.com/google/uuid@v1.6.0 1.6.1",
	"CVE-2026-90022 pkg:golang/stdlib@v1.26.8 1.26.9",
	"GHSA-aaaa-bbbb-cccc pkg:npm/left-pad@1.3.0 ",
}

// One image, one database, one scanner: the columns are the same whichever of its formats they are read from.
func TestSameColumns(t *testing.T) {
	table := func(file string) string {
		var b bytes.Buffer
		if err := mustParse(t, "testdata/scan-reports/"+file).WriteTable(&b, nil); err != nil {
			t.Fatal(err)
		}
		_, rows, _ := strings.Cut(b.String(), "\n\n")
		return strings.ReplaceAll(rows, "will not fix", "")
	}
	want := strings.ReplaceAll(table("trivy.json"), " \n", "\n")
	for _, other := range []string{"trivy.cosign-vuln.json", "trivy.cdx.json", "trivy.sarif.json"} {
		trim := func(s string) (out string) {
			for line := range strings.Lines(s) {
				out += strings.Join(strings.Fields(line), " ") + "\n"
			}
			return out
		}
		if diff := cmp.Diff(trim(want), trim(table(other))); diff != "" {
			t.Errorf("%s: %s", other, diff)
		}
	}
}

// Grype's structs are those of its package models at v0.121.0; internal/interop runs the program.
const grypeJSON = `{"matches":[
{"vulnerability":{"id":"CVE-2024-2961","dataSource":"https://security-tracker.debian.org/tracker/CVE-2024-2961","namespace":"debian:distro:debian:12",
 "severity":"High","urls":[],"cvss":[],"fix":{"versions":["2.36-9+deb12u6"],"state":"fixed"},"advisories":[],"risk":1.5,
 "epss":[{"cve":"CVE-2024-2961","epss":0.9,"percentile":0.99,"date":"2026-11-01"}],
 "knownExploited":[{"cve":"CVE-2024-2961","dateAdded":"2024-06-01","dueDate":"2024-07-01","knownRansomwareCampaignUse":"Unknown"}],
 "cwes":[{"cve":"CVE-2024-2961","cwe":"CWE-787"}]},
 "relatedVulnerabilities":[{"id":"CVE-2024-2961","dataSource":"https://nvd.nist.gov/vuln/detail/CVE-2024-2961","namespace":"nvd:cpe","severity":"High",
 "urls":["https://example.com/a"],"description":"iconv","cvss":[{"version":"3.1","vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H","metrics":{"baseScore":7.5}}]}],
 "matchDetails":[],"artifact":{"id":"a1","name":"libc6","version":"2.36-9+deb12u4","type":"deb","purl":"pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64","locations":[{"path":"/var/lib/dpkg/status"}]}}],
"ignoredMatches":[{"vulnerability":{"id":"GHSA-aaaa-bbbb-cccc","severity":"Negligible","fix":{"versions":[],"state":"wont-fix"}},
 "artifact":{"id":"a2","name":"left-pad","version":"1.3.0","purl":"pkg:npm/left-pad@1.3.0"},
 "appliedIgnoreRules":[{"namespace":"vex","vex-status":"not_affected","vex-justification":"vulnerable_code_not_present"}]}],
"alertsByPackage":[{"package":{"id":"a3","name":"old","version":"1","purl":"pkg:deb/debian/old@1"},"alerts":[{"type":"distro-disabled","message":"no data for this release"}]}],
"source":{"type":"image","target":{"userInput":"ghcr.io/acme/web:1","manifestDigest":"sha256:11"}},
"distro":{"name":"debian","version":"12","idLike":[]},
"descriptor":{"name":"grype","version":"0.121.0","timestamp":"2026-11-28T10:00:00Z","db":{"status":{"schemaVersion":"v6.0.2","from":"https://example.com/db","built":"2026-11-27T00:00:00Z","valid":true},
 "providers":{"debian":{"captured":"2026-11-26T00:00:00Z","input":"xxh64:1"}}}}}`

const govulncheckJSON = `{"config":{"protocol_version":"v1.0.0","scanner_name":"govulncheck","scanner_version":"v1.9.0","db":"https://vuln.go.dev","db_last_modified":"2026-11-20T00:00:00Z","scan_level":"symbol","scan_mode":"source"}}
{"SBOM":{"go_version":"go1.26.3","modules":[{"path":"example.com/a"},{"path":"example.com/m","version":"v1.0.0"}],"roots":["example.com/a"]}}
{"progress":{"message":"Fetching"}}
{"osv":{"schema_version":"1.3.1","id":"GO-2026-0001","aliases":["CVE-2026-1"],"summary":"one","affected":[{"package":{"name":"example.com/m","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}}
{"osv":{"id":"GO-2026-0002","summary":"two"}}
{"osv":{"id":"GO-2026-0003","summary":"not at a vulnerable version"}}
{"finding":{"osv":"GO-2026-0001","fixed_version":"v1.2.0","trace":[{"module":"example.com/m","version":"v1.0.0"}]}}
{"finding":{"osv":"GO-2026-0001","fixed_version":"v1.2.0","trace":[{"module":"example.com/m","version":"v1.0.0","package":"example.com/m/p","function":"F"},{"module":"example.com/a","package":"example.com/a","function":"main"}]}}
{"finding":{"osv":"GO-2026-0002","trace":[{"module":"example.com/m","version":"v1.0.0","package":"example.com/m/p"}]}}
`

func TestGrype(t *testing.T) {
	r, err := Parse(strings.NewReader(grypeJSON))
	if err != nil {
		t.Fatal(err)
	}
	f := r.Findings[0]
	if f.Severity != High || !f.Exploit.Known || f.EPSS == nil || f.EPSS.Percentile != 0.99 || len(f.CWEs) != 1 ||
		f.Affects[0].Fix != Fixable {
		t.Errorf("%+v", f)
	}
	if s := r.Summary(); s.Total != 1 || s.Suppressed != 1 || s.Skipped != 1 || s.Unscored != 0 {
		t.Errorf("%+v", s)
	}
	if len(r.Databases) != 2 || r.Databases[0].Updated.IsZero() || r.Subject.Digest != "sha256:11" || len(r.Notes) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestGovulncheck(t *testing.T) {
	r, err := Parse(strings.NewReader(govulncheckJSON))
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Summary(); s.Total != 1 || s.Suppressed != 1 || r.Components != 2 || r.Databases[0].Updated.IsZero() {
		t.Errorf("%+v %+v", s, r)
	}
	if f := r.Findings[0]; f.ID != "GO-2026-0001" || f.Affects[0].Component.PURL != "pkg:golang/example.com/m@v1.0.0" ||
		f.Affects[0].Fixed[0] != "v1.2.0" {
		t.Errorf("%+v", f)
	}
	_, err = Parse(strings.NewReader(strings.SplitN(govulncheckJSON, "\n", 2)[1]))
	if !errors.Is(err, ErrInvalid) {
		t.Errorf("without its first message: %v", err)
	}
	vex := `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"govulncheck/vex:1","author":"Unknown Author","timestamp":"2026-11-28T00:00:00Z","version":1,
"tooling":"https://pkg.go.dev/golang.org/x/vuln/cmd/govulncheck","statements":[
{"vulnerability":{"@id":"https://pkg.go.dev/vuln/GO-2026-0001","name":"GO-2026-0001","aliases":["CVE-2026-1"]},"products":[{"@id":"Unknown Product","subcomponents":[{"@id":"pkg:golang/example.com%2Fm@v1.0.0"}]}],"status":"affected"},
{"vulnerability":{"name":"GO-2026-0002"},"products":[{"@id":"Unknown Product","subcomponents":[{"@id":"pkg:golang/example.com%2Fm@v1.0.0"}]}],"status":"not_affected","justification":"vulnerable_code_not_in_execute_path"}]}`
	q, err := Parse(strings.NewReader(vex))
	if err != nil {
		t.Fatal(err)
	}
	if s := q.Summary(); s.Total != 1 || s.Suppressed != 1 {
		t.Errorf("%+v", s)
	}
	if c := Diff(r, q); len(c.New)+len(c.Gone) != 0 {
		t.Errorf("%+v", c)
	}
}

func everyReport(t testing.TB) map[string]*Report {
	t.Helper()
	out := map[string]*Report{}
	for _, pattern := range []string{"testdata/scan-reports/*.json", "testdata/inspector/*.json", recorded + "response*"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			if filepath.Base(f) != "openvex.json" {
				out[f] = mustParse(t, f)
			}
		}
	}
	for name, text := range map[string]string{"grype": grypeJSON, "govulncheck": govulncheckJSON} {
		r, err := Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = r
	}
	return out
}

// Every predicate gives the report back that it was made of.
func TestRoundTrips(t *testing.T) {
	for name, r := range everyReport(t) {
		data, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []struct {
			what string
			make func() (*Predicate, error)
		}{
			{"v0.2", func() (*Predicate, error) { return &Predicate{r.PredicateType(), data}, nil }},
			{"v0.1", r.VulnsV01}, {"cosign", r.CosignVuln},
		} {
			predicate, err := p.make()
			if err != nil {
				t.Fatal(err)
			}
			back, err := ParsePredicate(predicate.PredicateType(), predicate.json)
			if err != nil {
				t.Errorf("%s %s: %v", name, p.what, err)
				continue
			}
			if diff := cmp.Diff(r, back); diff != "" {
				t.Errorf("%s %s: %s", name, p.what, diff)
			}
		}
	}
}

// A VDR is valid CycloneDX, the same each time, and says the same of every finding.
func TestVDR(t *testing.T) {
	for name, r := range everyReport(t) {
		vdr, err := r.VDR()
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := r.VDR(); !bytes.Equal(again.json, vdr.json) {
			t.Errorf("%s: not the same twice", name)
		}
		if _, err := sbom.Validate(vdr.json); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		back, err := ParsePredicate(vdr.PredicateType(), vdr.json)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if a, b := r.Summary(), back.Summary(); a != b {
			t.Errorf("%s: %v\nbecame %v", name, a, b)
		}
		if diff := cmp.Diff(mended(r), mended(back)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func mended(r *Report) (out []string) {
	for f, a := range r.Places() {
		out = append(out, fmt.Sprintln(f.ID, f.Kind, f.Severity, a.Component.PURL, a.Component.Version, a.File, a.Lines, a.Fixed, a.Status))
	}
	slices.Sort(out)
	return out
}

// What is no report, or is one that two readers could take differently, is refused with an error of its kind.
func TestRefused(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300)
	for _, tt := range []struct {
		text, say string
		err       error
	}{
		{"", "empty", ErrFormat},
		{"  ", "empty", ErrFormat},
		{"[]", "no JSON object", ErrFormat},
		{"{}", "", ErrFormat},
		{"{", "", ErrInvalid},
		{"<xml/>", "", ErrFormat},
		{`{"predicateType":"x","predicate":{}}`, "give its predicate", ErrFormat},
		{`{"payloadType":"x","payload":""}`, "verify it", ErrFormat},
		{`{"spdxVersion":"SPDX-2.3"}`, "scan it", ErrFormat},
		{`{"document":{"csaf_version":"2.0"}}`, "ParseVEX", ErrFormat},
		{`{"matches":[],"descriptor":{},"matches":[]}`, "twice", ErrInvalid},
		{`{"matches":[{"vulnerability":{"id":"CVE-1","severity":"High","Severity":"Low"}}],"descriptor":{}}`, "must be written",
			ErrInvalid},
		{`{"matches":[{"vulnerability":{"severity":"High"}}],"descriptor":{}}`, "no id", ErrInvalid},
		{`{"matches":{},"descriptor":{}}`, "", ErrInvalid},
		{`{"matches":[],"descriptor":{}} {"matches":[]}`, "follows", ErrInvalid},
		{`{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"VulnerabilityID":""}]}]}`, "no id", ErrInvalid},
		{`{"results":[{"packages":[{"vulnerabilities":[{"id":1}]}]}]}`, "", ErrInvalid},
		{`{"config":{"scan_level":"symbol"}}{"finding":{"osv":"GO-1"}}`, "no trace", ErrInvalid},
		{`{"config":{"scan_level":"symbol"}}{"finding":`, "", ErrInvalid},
		{`{"config":{"scan_level":"symbol"}}{"other":{}}`, "no kind", ErrInvalid},
		{`{"scanner":{"uri":"x"}}`, "result is missing", ErrInvalid},
		{`{"scanner":{"result":"x"}}`, "", ErrInvalid},
		{`{"scanner":{"result":{"scanner":{"result":[]}}}}`, "inside", ErrInvalid},
		{`{"sbom":{"sbom":{"bomFormat":"CycloneDX"}}}`, "", ErrFormat},
		{deep, "", ErrLimit},
	} {
		r, err := Parse(strings.NewReader(tt.text))
		if r != nil || !errors.Is(err, tt.err) || !strings.Contains(fmt.Sprint(err), tt.say) {
			t.Errorf("%.80s: %v", tt.text, err)
		}
	}
}

// A report that is cut anywhere is an error, not a shorter report.
func TestTruncated(t *testing.T) {
	files, _ := filepath.Glob("testdata/scan-reports/*.json")
	texts := [][]byte{[]byte(grypeJSON)}
	for _, f := range files {
		texts = append(texts, load(t, f))
	}
	for i, data := range texts {
		data = bytes.TrimSpace(data)
		for n := 0; n < len(data); n += 1 + len(data)/60 {
			if r, err := Parse(bytes.NewReader(data[:n])); err == nil {
				t.Fatalf("%d: %d of %d bytes are a report of %d findings", i, n, len(data), len(r.Findings))
			}
		}
	}
}

// Members that an annotation and its entry disagree about are refused: two readers would judge differently.
func TestPredicateDisagrees(t *testing.T) {
	r := mustParse(t, "testdata/scan-reports/trivy.json")
	data, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{
		{`{"id":"CVE-2026-90010","severity":[`, `{"id":"CVE-2026-90011","severity":[`},
		{`{"method":"overall","score":"high"}`, `{"method":"overall","score":"low"}`},
		{`"uri":"https://github.com/aquasecurity/trivy","version"`, `"uri":"https://example.com","version"`},
	} {
		lie := bytes.Replace(data, []byte(edit[0]), []byte(edit[1]), 1)
		if bytes.Equal(lie, data) {
			t.Fatalf("%s is not there", edit[0])
		}
		if _, err := Parse(bytes.NewReader(lie)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", edit[1], err)
		}
	}
	if _, err := ParsePredicate(TypeVulnsV02, load(t, "testdata/scan-reports/trivy.cdx.json")); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
	if _, err := ParsePredicate("https://slsa.dev/provenance/v1", data); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

// Version 0.1 as in-toto's own library writes it, by its protocol buffers.
func TestProtocolBuffers(t *testing.T) {
	for _, tt := range []struct {
		result string
		want   int
	}{{`{"vulnerabilities":[{"id":"CVE-1","severity":[{"method":"nvd","score":"medium"}]}]}`, 1}, {`{}`, 0}} {
		text := `{"scanner":{"uri":"u","version":"1","database":{"uri":"d","lastUpdate":"2026-01-01T00:00:00Z"},"result":` + tt.result +
			`},"scanMetadata":{"scanStartedOn":"2026-01-01T00:00:00Z","scanFinishedOn":"2026-01-01T00:01:00Z"}}`
		r, err := ParsePredicate(TypeVulnsV01, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Findings) != tt.want || r.Databases[0].Updated.IsZero() || r.Finished.IsZero() {
			t.Errorf("%+v", r)
		}
		two := strings.Replace(text, `"result"`, `"db":{"uri":"e"},"result"`, 1)
		if _, err := Parse(strings.NewReader(two)); !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
	}
}

// Predicates of other programs, in both shapes of v0.1.
func TestForeignPredicates(t *testing.T) {
	for _, entry := range []string{
		`{"id":"CVE-1","severity":[{"method":"nvd","score":"medium"},{"method":"cvss_score","score":"5.2"}]}`,
		`{"vulnerability":{"id":"CVE-1","severity":[{"method":"nvd","score":"medium"},{"method":"cvss_score","score":"5.2"}],` +
			`"annotations":[{"component":"pkg:npm/ms@1.0.0"}]}}`,
	} {
		r, err := Parse(strings.NewReader(`{"scanner":{"uri":"pkg:github/x/y","version":"1","db":{"uri":"u","version":"2",` +
			`"lastUpdate":"2026-01-01T00:00:00Z"},"result":[` + entry +
			`]},"metadata":{"scanStartedOn":"2026-01-01T00:00:00Z","scanFinishedOn":"2026-01-01T00:01:00Z"}}`))
		if err != nil {
			t.Fatal(err)
		}
		if f := r.Findings[0]; f.ID != "CVE-1" || f.Severity != Medium || len(f.Ratings) != 2 || r.Databases[0].Updated.IsZero() ||
			r.Finished.IsZero() {
			t.Errorf("%+v", r)
		}
	}
}

func TestTable(t *testing.T) {
	for name, r := range everyReport(t) {
		for _, width := range []int{0, 60, 100} {
			var b bytes.Buffer
			if err := r.WriteTable(&b, &TableOptions{Width: width, Suppressed: true}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := len([]rune(strings.TrimRight(line, "\n"))); n > max(width, 60) && width != 0 || width == 0 && n > 80 {
					t.Errorf("%s at %d: %d columns: %s", name, width, n, line)
				}
			}
		}
	}
	r := &Report{Findings: []Finding{{ID: "CVE-1\x1b[2J", Affects: []Affected{{Component: Component{Name: "a|b\n# c\u202e"}}}}}}
	var table, md bytes.Buffer
	r.WriteTable(&table, nil)
	r.WriteMarkdown(&md, nil)
	if s := table.String() + md.String(); strings.ContainsAny(s, "\x1b\u202e") || strings.Contains(s, "\n# c") ||
		!strings.Contains(md.String(), `a\|b`) {
		t.Errorf("%q", s)
	}
	old := mustParse(t, "testdata/scan-reports/trivy.json")
	now := mustParse(t, "testdata/scan-reports/trivy.json")
	old.Findings = old.Findings[1:]
	table.Reset()
	now.WriteTable(&table, &TableOptions{Since: old})
	if n := strings.Count(table.String(), "new"); n != 1 {
		t.Errorf("%d new:\n%s", n, table.String())
	}
}

func TestRate(t *testing.T) {
	for _, tt := range []struct {
		vector, method string
		score          float64
		severity       Severity
	}{
		{"AV:N/AC:L/Au:N/C:C/I:C/A:C", "CVSSv2", 10, High},
		{"(AV:L/AC:H/Au:N/C:N/I:P/A:N)", "CVSSv2", 1.2, Low},
		{"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSSv3", 9.8, Critical},
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", "CVSSv31", 7.5, High},
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N/MC:N/MI:N/MA:N", "CVSSv31", 0, None},
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H/E:U", "CVSSv31", 9.1, Critical},
		{"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:L/VA:N/SC:N/SI:N/SA:N", "CVSSv4", 8.8, High},
	} {
		r, err := Rate("NVD", tt.vector)
		if err != nil || r.Method != tt.method || r.Score != tt.score || r.Severity != tt.severity || !r.Scored {
			t.Errorf("%s: %+v, %v", tt.vector, r, err)
		}
	}
	for _, v := range []string{"", "CVSS:3.1", "CVSS:5.0/AV:N", "CVSS:3.1/AV:N", "high", "CVSS:4.0/AV:N/AC:L"} {
		if _, err := Rate("", v); !errors.Is(err, ErrVector) {
			t.Errorf("%q: %v", v, err)
		}
	}
}

// FIRST's own vectors and scores. The formula of base scores is that of 3.1 in 3.0 as well.
func TestPublishedVectors(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(string(load(t, "testdata/cvss/vectors.tsv"))), "\n")
	count := map[string]int{}
	for _, line := range lines[1:] {
		f := strings.Split(line, "\t")
		want, err := strconv.ParseFloat(f[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		vectors := []string{f[2]}
		if rest, ok := strings.CutPrefix(f[2], "CVSS:3.1/"); ok {
			vectors = append(vectors, "CVSS:3.0/"+rest)
		}
		for _, vector := range vectors {
			r, err := Rate("", vector)
			if err != nil || r.Score != want {
				t.Errorf("%s %s is %v, %v; %s says %v", f[1], vector, r.Score, err, f[0], want)
			}
			count[r.Method]++
		}
	}
	for method, least := range map[string]int{"CVSSv2": 28, "CVSSv3": 28, "CVSSv31": 25, "CVSSv4": 284} {
		if count[method] < least {
			t.Errorf("%d vectors of %s", count[method], method)
		}
	}
	// Where the library gives the lower of two scores at the edge. If it no longer does, the docstring of Rate changes.
	for vector, exact := range map[string]float64{
		"AV:N/AC:L/Au:S/C:C/I:C/A:C/E:F/RL:U/RC:C":                        8.6,
		"CVSS:4.0/AV:N/AC:L/AT:P/PR:H/UI:A/VC:N/VI:H/VA:L/SC:N/SI:N/SA:L": 5.7,
	} {
		if r, err := Rate("", vector); err != nil || math.Abs(exact-r.Score-0.1) > 1e-9 {
			t.Errorf("%s is %v, %v", vector, r.Score, err)
		}
	}
}

// All vectors of the real answers give the score that the service gives.
func TestRecordedScores(t *testing.T) {
	n := 0
	for _, file := range []string{"response.inspector.json.gz", "response.cyclonedx.json.gz"} {
		for i, f := range mustParse(t, recorded+file).Findings {
			for _, r := range f.Ratings {
				if r.Vector == "" {
					continue
				}
				n++
				if got, err := Rate(r.Source, r.Vector); err != nil || got.Score != r.Score {
					t.Errorf("%d %s: %s is %v, %v, the service says %v", i, f.ID, r.Vector, got.Score, err, r.Score)
				}
			}
		}
	}
	t.Log(n, "vectors")
}

func TestLocate(t *testing.T) {
	doc, err := sbom.Parse(bytes.NewReader(load(t, recorded+"request.cdx.json.gz")))
	if err != nil {
		t.Fatal(err)
	}
	r := mustParse(t, recorded+"response.cyclonedx.json.gz")
	r.Locate(doc)
	for f, a := range r.Places() {
		if f.Kind != Vulnerability {
			continue
		}
		if a.Component.PURL != "" && !slices.Equal(a.Component.Refs, slices.Collect(doc.ByPURL(a.Component.PURL))) ||
			len(a.Component.Refs) == 0 {
			t.Fatalf("%s: %+v", f.ID, a.Component)
		}
	}
}

func fuzzFiles(f *testing.F, names ...string) {
	for _, n := range names {
		f.Add(load(f, "testdata/scan-reports/"+n))
	}
}

// check is what holds of every report that is read: it is written, read back the same, and shown.
func check(t *testing.T, data []byte) {
	r, err := Parse(bytes.NewReader(data))
	if err != nil {
		if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrLimit) {
			t.Fatalf("untyped: %v", err)
		}
		return
	}
	out, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(bytes.NewReader(out))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if a, b := r.Summary(), back.Summary(); a != b {
		t.Fatalf("%v became %v", a, b)
	}
	if !json.Valid(out) || r.WriteTable(io.Discard, nil) != nil || r.WriteMarkdown(io.Discard, nil) != nil {
		t.Fatal("not shown")
	}
	if _, err := r.VDR(); err != nil {
		t.Fatal(err)
	}
}

func FuzzTrivy(f *testing.F) {
	f.Add([]byte(`{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"VulnerabilityID":"CVE-1",` +
		`"CVSS":{"nvd":{"V3Vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}}],` +
		`"ExperimentalModifiedFindings":[{"Type":"vulnerability","Finding":{"VulnerabilityID":"x"}}]}]}`))
	f.Fuzz(check)
}
func FuzzGrype(f *testing.F)       { f.Add([]byte(grypeJSON)); f.Fuzz(check) }
func FuzzGovulncheck(f *testing.F) { f.Add([]byte(govulncheckJSON)); f.Fuzz(check) }
func FuzzOSVScanner(f *testing.F)  { fuzzFiles(f, "osv-scanner.json"); f.Fuzz(check) }
func FuzzCycloneDX(f *testing.F) {
	f.Add(load(f, "testdata/inspector/inspector-scan-cdx.json"))
	fuzzFiles(f, "osv-scanner.1.6.cdx.json")
	f.Fuzz(check)
}
func FuzzSARIF(f *testing.F) {
	f.Add([]byte(`{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x","rules":[{"id":"CVE-2024-1234",` +
		`"properties":{"security-severity":"7.5","tags":["HIGH"]}}]}},"results":[{"ruleId":"CVE-2024-1234","ruleIndex":0,` +
		`"message":{"text":"Package 'a@1' is vulnerable to 'b'"}}]}]}`))
	f.Fuzz(check)
}
func FuzzInspector(f *testing.F) {
	f.Add([]byte(`{"messages":[{"info_message":"Component skipped: x","purl":"pkg:deb/debian/a@1"}],"vulnerability_count":{"high":1},` +
		`"vulnerabilities":[{"id":"CVE-1","severity":"high","affects":[{"installed_version":"pkg:deb/debian/b@1","fixed_version":"2"}],` +
		`"properties":{"epss":0.1,"cvss":[{"cvss_3_base_score":7.8,"cvss_3_base_vector":"CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H",` +
		`"severity":"high","source":"NVD"}]}}]}`))
	f.Fuzz(check)
}
func FuzzPredicate(f *testing.F) {
	r, err := Parse(strings.NewReader(grypeJSON))
	if err != nil {
		f.Fatal(err)
	}
	data, err := r.MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(check)
}

// Long lists cost what their bytes cost: this ends at once, or, with their square, never.
func TestLongLists(t *testing.T) {
	list := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const n = 30_000
	for _, text := range []string{
		`{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"VulnerabilityID":"CVE-1","References":[` + list(n, `"r%d"`) + `]}]}]}`,
		`{"bomFormat":"CycloneDX","version":1,"components":[{"bom-ref":"a","name":"a","properties":[` +
			list(n, `{"name":"syft:location:0:path","value":"%d"}`) +
			`]}],"vulnerabilities":[{"id":"CVE-1","ratings":[` + list(n, `{"source":{"name":"s%d"},"severity":"low"}`) + `],"affects":[` +
			list(n, `{"ref":"a%d"}`) + `]}]}`,
		`{"bomFormat":"CycloneDX","version":1,"components":[{"bom-ref":"a","name":"a"}],"vulnerabilities":[{"id":"CVE-1","affects":[` +
			list(n, `{"ref":"a","x":%d}`) + `]}]}`,
	} {
		r, err := Parse(strings.NewReader(text))
		if err != nil || len(r.Findings) != 1 {
			t.Fatal(err)
		}
	}
	if _, err := Parse(strings.NewReader(`{"results":[{"packages":[{"package":{"name":"a"},"groups":[{"ids":[` + list(n, `"r%d"`) +
		`]}]}]}]}`)); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

// What four scanners say of the same components, from databases that say the same, is one table. Trivy's database has no ranges
// for Debian, so that it does not have these.
func TestFourScanners(t *testing.T) {
	files, _ := filepath.Glob("testdata/scan-reports/four/*.json")
	tables := map[string][]string{}
	for _, file := range files {
		r := mustParse(t, file)
		var b bytes.Buffer
		if err := r.WriteTable(&b, nil); err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(b.String(), "\n\n")
		table, _, _ := strings.Cut(rest, "\n\n")
		var rows []string
		for line := range strings.Lines(table) {
			rows = append(rows, strings.Join(strings.Fields(line), " ")) // widths depend on the longest
		}
		tables[r.Format] = rows
	}
	want := tables["grype"]
	if len(tables) != 4 || len(want) != 16 {
		t.Fatalf("%d scanners, %d rows", len(tables), len(want))
	}
	for name, rows := range tables {
		want := want
		if name == "trivy" {
			want = slices.DeleteFunc(slices.Clone(want), func(row string) bool { return strings.Contains(row, "CVE-2026-5000000") })
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
