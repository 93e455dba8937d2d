package inspector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sbom/vuln/inspector"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func scanner(cloud *awstest.Server, format string, components int) *inspector.Scanner {
	s := inspector.New(cloud.Config())
	s.Format, s.MaxComponents = format, components
	s.Now = func() time.Time { return noon }
	return s
}

func parse(t testing.TB, data []byte) *sbom.Document {
	t.Helper()
	doc, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func scan(t testing.TB, s *inspector.Scanner, doc *sbom.Document) *vuln.Report {
	t.Helper()
	r, err := s.Scan(context.Background(), doc)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The recorded SBOM has the counts of the recorded answers, whole and in parts of 40 components.
func TestRecorded(t *testing.T) {
	cloud := awstest.Start(t, nil)
	doc := parse(t, cloud.RecordedSBOM())
	for _, tt := range []struct {
		format string
		want   vuln.Summary
	}{
		{inspector.Inspector, vuln.Summary{Total: 374,
			Severities: [...]int{vuln.Critical: 45, vuln.High: 201, vuln.Medium: 106, vuln.Low: 6, vuln.Info: 4, vuln.Unknown: 12},
			Fixable:    363, Exploited: 1, Exploit: 154, Unscored: 23, Skipped: 184}},
		{inspector.CycloneDX, vuln.Summary{Total: 370,
			Severities: [...]int{vuln.Critical: 41, vuln.High: 201, vuln.Medium: 106, vuln.Low: 6, vuln.Info: 4, vuln.Unknown: 12},
			Fixable:    363, Exploited: 1, Exploit: 154, Unscored: 19, Skipped: 184}},
	} {
		cloud.ResetCalls()
		whole := scan(t, scanner(cloud, tt.format, 0), doc)
		if diff := cmp.Diff(tt.want, whole.Summary()); diff != "" {
			t.Errorf("%s: %s", tt.format, diff)
		}
		if n := cloud.Calls()["inspector-scan:ScanSbom"]; n != 1 {
			t.Errorf("%d calls", n)
		}
		parts := scan(t, scanner(cloud, tt.format, 40), doc)
		if n := cloud.Calls()["inspector-scan:ScanSbom"]; n < 8 {
			t.Errorf("%d calls", n)
		}
		same(t, whole, parts)
		for f, a := range whole.Places() {
			if f.Kind == vuln.Vulnerability && len(a.Component.Refs) == 0 {
				t.Errorf("%s: %s has no place in the SBOM", f.ID, a.Component.PURL)
			}
		}
	}
}

// big is an SBOM of n components: an operating system, and trees of one source package and two inside of it.
func big(t testing.TB, n int) *sbom.Document {
	var b strings.Builder
	b.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:bb6c341b-df60-4a43-bab1-06ad7919ca1f",` +
		`"version":1,` +
		`"metadata":{"component":{"type":"container","name":"ghcr.io/acme/web:1"}},"components":[{"bom-ref":"os",` +
		`"type":"operating-system","name":"Debian GNU/Linux","version":"12"}`)
	for i := 1; i < n; {
		fmt.Fprintf(&b, `,{"bom-ref":"s%d","type":"library","name":"s%d","version":"1","purl":"pkg:deb/debian/s%d@1:1.%d?arch=amd64"`, i, i,
			i, i)
		parent := i
		i++
		var inner []string
		for ; i < n && i < parent+3; i++ {
			inner = append(inner, fmt.Sprintf(`{"bom-ref":"b%d","type":"library","name":"b%d","version":"1",`+
				`"purl":"pkg:deb/debian/b%d@1.%d?arch=amd64&upstream=s%d"}`, i, i, i, i, parent))
		}
		if inner != nil {
			fmt.Fprintf(&b, `,"components":[%s]`, strings.Join(inner, ","))
		}
		b.WriteString("}")
	}
	b.WriteString("]}")
	doc := parse(t, []byte(b.String()))
	if doc.Len() != n+1 {
		t.Fatalf("%d components", doc.Len())
	}
	return doc
}

// know makes the service know a vulnerability of every third component, by the package URLs that the scanner sends.
func know(cloud *awstest.Server, n int) {
	for i := 1; i < n; i += 3 {
		cloud.AddVulnerability(awstest.Vulnerability{ID: fmt.Sprintf("CVE-2026-%d", 10000+i/30), Severity: "high", Score: 7.5, Fixed: "9",
			PURL: fmt.Sprintf("pkg:deb/debian/s%d@1.%d?arch=amd64&epoch=1", i, i)})
		cloud.AddVulnerability(awstest.Vulnerability{ID: fmt.Sprintf("CVE-2025-%d", 10000+i), Severity: "low", Score: 2,
			PURL: fmt.Sprintf("pkg:deb/debian/b%d@1.%d?arch=amd64&source=s%d", i+1, i+1, i)})
	}
}

// same compares two reports as they are attested: all of them, in time that 12,000 components allow.
func same(t *testing.T, want, got *vuln.Report) {
	t.Helper()
	a, err := want.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	b, err := got.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		i := 0
		for i < min(len(a), len(b)) && a[i] == b[i] {
			i++
		}
		t.Errorf("%.200s\nbecame %.200s", a[max(i-100, 0):], b[max(i-100, 0):])
	}
}

// 12,000 components are sent in parts, and the union is what one answer of a server without limits is.
func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		format    string
		n, most   int
		requests  int
		summaries int
	}{{inspector.Inspector, 12_000, 0, 3, 400 + 4000}, {inspector.CycloneDX, 600, 100, 7, 20 + 200}} {
		doc := big(t, tt.n)
		limited, limitless := awstest.Start(t, nil), awstest.Start(t, nil)
		know(limited, tt.n)
		know(limitless, tt.n)
		limitless.LimitInspector(-1, -1)
		one := scan(t, scanner(limitless, tt.format, 1<<30), doc)
		s := scanner(limited, tt.format, tt.most)
		var last inspector.Progress
		s.Progress = func(p inspector.Progress) {
			if p.Done <= last.Done || p.Total != tt.n {
				t.Errorf("%+v after %+v", p, last)
			}
			last = p
		}
		many := scan(t, s, doc)
		if calls := limited.Calls()["inspector-scan:ScanSbom"]; calls != tt.requests || last.Done != tt.n {
			t.Errorf("%s: %d calls, %+v", tt.format, calls, last)
		}
		same(t, one, many)
		if s := many.Summary(); s.Total != tt.summaries {
			t.Errorf("%s: %v", tt.format, s)
		}
	}
}

// A part whose answer is too large is halved, down to a component that cannot be answered, which is skipped and said.
func TestHalved(t *testing.T) {
	const n = 300
	doc := big(t, n)
	cloud, limitless := awstest.Start(t, nil), awstest.Start(t, nil)
	know(cloud, n)
	know(limitless, n)
	limitless.LimitInspector(-1, -1)
	cloud.LimitInspector(0, 8_000)
	many, one := scan(t, scanner(cloud, "", 0), doc), scan(t, scanner(limitless, "", 0), doc)
	if calls := cloud.Calls()["inspector-scan:ScanSbom"]; calls < 8 {
		t.Errorf("%d calls", calls)
	}
	same(t, one, many)
	cloud.LimitInspector(0, 400)
	r := scan(t, scanner(cloud, "", 0), big(t, 4))
	if s := r.Summary(); s.Skipped == 0 || !strings.Contains(r.Skipped[0].Reason, "too large") &&
		!strings.Contains(r.Skipped[len(r.Skipped)-1].Reason, "too large") {
		t.Errorf("%+v", r.Skipped)
	}
	// A service that takes fewer components than is known here.
	cloud.LimitInspector(50, 0)
	if diff := cmp.Diff(one.Findings, scan(t, scanner(cloud, "", 0), doc).Findings); diff != "" {
		t.Errorf("%.2000s", diff)
	}
}

func TestErrors(t *testing.T) {
	doc := big(t, 10)
	ctx := context.Background()
	for name, tt := range map[string]struct {
		fault awstest.Fault
		want  error
	}{
		"denied":     {awstest.Denied, inspector.ErrDenied},
		"throttled":  {awstest.Fault{Status: 429, Code: "ThrottlingException"}, inspector.ErrThrottled},
		"validation": {awstest.Fault{Status: 400, Code: "ValidationException"}, inspector.ErrRefused},
	} {
		cloud := awstest.Start(t, nil)
		cloud.Fail("inspector-scan:ScanSbom", tt.fault)
		r, err := scanner(cloud, "", 0).Scan(ctx, doc)
		if r != nil || !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What passes is tried again.
	for _, f := range []awstest.Fault{{Times: 2, Status: 429, Code: "ThrottlingException"},
		{Times: 2, Status: 500, Code: "InternalServerException"}, {Times: 2, Status: 503}} {
		cloud := awstest.Start(t, nil)
		cloud.Fail("inspector-scan:ScanSbom", f)
		if _, err := scanner(cloud, "", 0).Scan(ctx, doc); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
		if n := cloud.Calls()["inspector-scan:ScanSbom"]; n != 3 {
			t.Errorf("%d calls", n)
		}
	}
	// A lie, a cut answer and another document are no report.
	for name, answer := range map[string]string{
		"cut": `{"sbom":{"messages":[],"vulnerabili`, "empty": `{}`, "html": `<html>`, "another": `{"matches":[],"descriptor":{}}`,
		"count": `{"sbom":{"messages":[],"vulnerability_count":{"high":1},"vulnerabilities":[]}}`,
	} {
		cfg := awstest.Start(t, nil).Config()
		cfg.HTTPClient = doer(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
		})
		if r, err := inspector.New(cfg).Scan(ctx, doc); r != nil || !errors.Is(err, inspector.ErrReply) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := inspector.New(aws.Config{}).Scan(ctx, doc); err == nil {
		t.Error("no region")
	}
	if _, err := inspector.New(aws.Config{}).Scan(ctx,
		parse(t, []byte(`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1}`))); err == nil {
		t.Error("nothing to scan is no clean report")
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := scanner(awstest.Start(t, nil), "", 0).Scan(cancelled, doc); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(r *http.Request) (*http.Response, error) { return f(r) }

// A document in another format is converted, and the Report says so; its own package URLs come back.
func TestConverted(t *testing.T) {
	cloud := awstest.Start(t, nil)
	cloud.AddVulnerability(awstest.Vulnerability{ID: "CVE-1", PURL: "pkg:deb/debian/zlib1g@1.2?arch=amd64&epoch=1&source=zlib",
		Severity: "high", Score: 7})
	doc := parse(t, []byte(`{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"x","documentNamespace":"https://example.com/x",
"creationInfo":{"created":"2026-01-01T00:00:00Z","creators":["Tool: x"]},"packages":[{"SPDXID":"SPDXRef-a","name":"zlib1g","versionInfo":"1:1.2","downloadLocation":"NOASSERTION",
"filesAnalyzed":false,"sourceInfo":"acquired from dpkg","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:deb/debian/zlib1g@1:1.2?arch=amd64&upstream=zlib"}]}]}`))
	r := scan(t, scanner(cloud, "", 0), doc)
	if len(r.Findings) != 1 || r.Findings[0].Affects[0].Component.ID != "SPDXRef-a" ||
		!strings.HasPrefix(r.Findings[0].Affects[0].Component.PURL, "pkg:deb/debian/zlib1g@1:1.2") {
		t.Errorf("%+v", r)
	}
	notes := strings.Join(r.Notes, "\n")
	if !strings.Contains(notes, "converted from SPDX 2.3") || !strings.Contains(notes, "no component for that") {
		t.Errorf("%s", notes)
	}
}

func ExampleScanner() {
	cloud, err := awstest.New(nil) // in a program, cfg is config.LoadDefaultConfig's
	if err != nil {
		panic(err)
	}
	defer cloud.Close()
	doc, err := sbom.Parse(bytes.NewReader(cloud.RecordedSBOM()))
	if err != nil {
		panic(err)
	}
	report, err := inspector.New(cloud.Config()).Scan(context.Background(), doc)
	if err != nil {
		panic(err)
	}
	s := report.Summary()
	fmt.Println(s.Total, "findings,", s.Severities[vuln.Critical], "critical,", s.Fixable, "fixable,", s.Skipped, "components not assessed")
	// Output: 374 findings, 45 critical, 363 fixable, 184 components not assessed
}
