package sbom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// oddTexts are what stands now and then where a format has a type: an address, a date, a digest, a name of a licence.
var oddTexts = []string{"", " ", "a b", "http:// ", "https://a b/", "https://[", "https://a/%zz", "//", "#", "?", ":", "%", "%00", "<",
	"<a>&amp;\"'", "\x00", "\u0001", "\u007f", "\ufeff",
	"\t", "line\nline", "\r\n", "ä", "日本", "\u202e", "\U0001f600", "e\u0301", "\ufffd", "\u2028", "null", "0", "-1", "1e400", "true", "[]",
	"{}", "NONE", "NOASSERTION",
	"2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00.5+14:00", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-23:59", "deadbeef",
	"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
	"MIT OR", "MIT AND LicenseRef-x", "LicenseRef-", "LicenseRef-ä", "(MIT", "mit", "GPL-2.0+", "DocumentRef-a:LicenseRef-b", "pkg:npm/a",
	"pkg:", "pkg:npm/%", "pkg:a/b?c=", "cpe:2.3:a:b",
	"cpe:/a:b:c", "a@", "a@b", "Tool: ", "Person:  (x)", "Organization: a (b", "SPDXRef-DOCUMENT", "SPDXRef-", "SPDXRef-a b",
	"DocumentRef-a:SPDXRef-b", "urn:uuid:1", "urn:cdx:1/1#a",
	"../..", "/", "\\", "a/b", "text/plain", "Text/Plain;", "swh:1:cnt:1", "gitoid:blob:sha1:a", "https://spdx.org/licenses/MIT", "_:b0",
	"lading:spdx:name", "lading:origin", "OTHER",
	"optional", "library", "dependsOn", "DEPENDS_ON", "SHA-1", "sha1", "CVE-1", "CWE-1"}

// oddCorpus returns documents that are valid and not long, and how many components and places for texts they have.
var oddCorpus = sync.OnceValue(func() (out []oddDocument) {
	files, err := readCorpus()
	if err != nil {
		return nil
	}
	for _, f := range files {
		if _, err := Validate(f.Data); err != nil || len(f.Data) > 40_000 {
			continue
		}
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil || d.Encoding() != JSON {
			continue
		}
		root, err := tree.Parse(d.json)
		if err != nil {
			continue
		}
		o := oddDocument{name: f.Name, format: d.Format(), data: d.json}
		root.Each(func(n *tree.Node) { o.texts += oddLeaves(n, nil) })
		out = append(out, o)
	}
	return out
})

type oddDocument struct {
	name   string
	format Format
	data   []byte
	texts  int
}

// oddLeaves calls visit for the texts that are right in an object or a list, and returns how many there are.
func oddLeaves(n *tree.Node, visit func(name string, v *tree.Node)) (count int) {
	one := func(name string, v *tree.Node) {
		if v.Kind == strictjson.String {
			if count++; visit != nil {
				visit(name, v)
			}
		}
	}
	for _, m := range n.Members {
		one(m.Name, m.Value)
	}
	for _, v := range n.Items {
		one("", v)
	}
	return count
}

// with returns the document with another text at one of its places, and the member's name.
func (o oddDocument) with(at int, text string) (data []byte, name string) {
	root, err := tree.Parse(o.data)
	if err != nil {
		return nil, ""
	}
	i := 0
	root.Each(func(n *tree.Node) {
		oddLeaves(n, func(member string, v *tree.Node) {
			if i == at {
				name, v.Text = member, text
			}
			i++
		})
	})
	return root.Render(), name
}

// convertOdd converts a document with an odd text in it, if it is still valid: the output is valid, and what is not in it is
// in the report.
func convertOdd(t testing.TB, o oddDocument, at int, text string, target Format) (valid bool) {
	data, name := o.with(at, text)
	if _, err := Validate(data); err != nil {
		return false
	}
	where := fmt.Sprintf("%s, %s = %q at %d to %v", o.name, name, text, at, target)
	d, err := Parse(bytes.NewReader(data))
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return true
	}
	out, report, err := Convert(d, target, &ConvertOptions{DropSignatures: true})
	if err != nil {
		if !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", where, err)
		}
		return true
	}
	if report.Restored || out.Format() == d.Format() {
		return true
	}
	if _, err := Validate(out.Bytes()); err != nil {
		t.Errorf("%s: %v", where, err)
	}
	if silent := differ(t, data, out.Bytes(), report); len(silent) > 0 {
		t.Errorf("%s: %d silent losses: %.300q", where, len(silent), silent)
	}
	if out.Len() < d.Len() && !strings.Contains(fmt.Sprint(report.Losses), "ropped") {
		t.Errorf("%s: %d components of %d", where, out.Len(), d.Len())
	}
	return true
}

// TestConvertOdd puts an odd text in one place of a document.
func TestConvertOdd(t *testing.T) {
	docs := oddCorpus()
	n := 150
	if heavy() {
		n = 5000
	}
	r := rand.New(rand.NewPCG(14, 2026))
	valid := 0
	for range n {
		o := docs[r.IntN(len(docs))]
		if convertOdd(t, o, r.IntN(max(o.texts, 1)), oddTexts[r.IntN(len(oddTexts))], targets()[r.IntN(len(targets()))]) {
			valid++
		}
	}
	if valid < n/4 {
		t.Errorf("%d of %d documents were valid", valid, n)
	}
	t.Log(valid, "of", n, "were valid, of", len(docs), "documents")
}

func FuzzConvertOdd(f *testing.F) {
	docs := oddCorpus()
	for i, text := range oddTexts {
		f.Add(uint16(i), uint16(7*i), uint8(i), text)
	}
	f.Fuzz(func(t *testing.T, doc, at uint16, target uint8, text string) {
		o := docs[int(doc)%len(docs)]
		convertOdd(t, o, int(at)%max(o.texts, 1), text, targets()[int(target)%len(targets())])
	})
}

// TestConvertSpelling says otherwise what a format refuses as it stands, so that no component and no licence goes for a word.
func TestConvertSpelling(t *testing.T) {
	for _, tt := range []struct{ in, target, want, reason string }{
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","bom-ref":"x\ny","name":"c\nd",` +
			`"version":"1\r\n2"}],"dependencies":[{"ref":"x\ny","dependsOn":[]}]}`,
			"1.2", `"bom-ref":"x\ny","name":"c d","version":"1 2"`, "has texts of one line"},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"c","version":"1",` +
			`"licenses":[{"license":{"id":"New-1.0","url":"https://example.org/"}}]}]}`,
			"1.4", `"license":{"url":"https://example.org/","name":"New-1.0"}`, "knows no such licence"},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"c","version":"1",` +
			`"licenses":[{"expression":"MIT OR New-1.0"}]}]}`,
			"1.7", `"license":{"name":"MIT OR New-1.0"}`, "knows no such licence"},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"c","version":"1",` +
			`"licenses":[{"expression":"MIT OR New-1.0"}]}]}`,
			"2.3", `"licenseDeclared":"LicenseRef-MIT-OR-New-1.0"`, "written as declared"},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"c","version":"1",` +
			`"externalReferences":[{"type":"vcs","url":"git@example.org:a/c.git"},{"type":"website","url":"https://example.org/a b"}]}]}`,
			"1.5", `[{"type":"vcs","url":"ssh://git@example.org/a/c.git"},{"type":"website","url":"https://example.org/a%20b"}]`,
			"has URLs; written as ssh://git@example.org/a/c.git"},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"services":[{"bom-ref":"s","name":"s"}],` +
			`"components":[{"type":"library","name":"c"}],"annotations":[{"subjects":["s"],"annotator":{"individual":{"name":"R"}},` +
			`"timestamp":"2026-01-02T03:04:05Z","text":"t"}]}`, "2.3", `"name":"c"`, "/annotations dropped the other format relates only"},
		{`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"timestamp":"9999-12-31T23:59:59-01:00"},` +
			`"components":[{"type":"library","name":"c"}]}`,
			"2.3", `"created":"1970-01-01T00:00:00Z"`, "no date and time"},
	} {
		d, err := Parse(strings.NewReader(tt.in))
		if err != nil {
			t.Fatal(err)
		}
		target := Format{CycloneDX, tt.target}
		if tt.target == "2.3" {
			target.Spec = SPDX
		}
		out, report, err := Convert(d, target, nil)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		var text bytes.Buffer
		if err := json.Compact(&text, out.Bytes()); err != nil {
			t.Fatal(err)
		}
		if warnings, err := Validate(out.Bytes()); err != nil || len(warnings) > 0 || !strings.Contains(text.String(), tt.want) {
			t.Errorf("%s to %v: %v %v", text.String(), target, err, warnings)
		}
		if !strings.Contains(fmt.Sprint(report.Losses), tt.reason) {
			t.Errorf("%s to %v: %v", tt.in, target, report.Losses)
		}
	}
	if _, _, err := Convert(&Document{}, Format{SPDX, "2.3"},
		&ConvertOptions{Created: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)}); err == nil {
		t.Error("made in the year 12026")
	}
}
