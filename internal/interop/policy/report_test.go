// Package policy_test has other people's readers judge what policy/report writes, and other people's policy engines measure what
// policy decides.
package policy_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joshdk/go-junit"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/xeipuuv/gojsonschema"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	unsafehtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/report"
	"github.com/ladingdev/lading/verify"
)

// decision is one in which s stands wherever strangers write.
func decision(s string) *policy.Decision {
	leaf := func(v policy.Verdict) *policy.Decision {
		return &policy.Decision{
			Verdict: v, RuleName: s, Rule: s + ": asked", Reason: s, Missing: []string{s},
			Looked: []policy.Looked{{Evidence: verify.Descriptor{Digest: "sha256:ab"}, PredicateType: s, Why: s,
				Signers: []policy.LookedSigner{{As: s, Counts: true, Why: s}}}},
		}
	}
	return &policy.Decision{
		Verdict: policy.Deny, Name: s, Rule: "all of 4 rules", Reason: s, Missing: []string{s}, Until: policy.Forever,
		Subject:  verify.Descriptor{Digest: "sha256:0123"},
		Document: &policy.Document{Name: s, Version: s, Digest: s},
		Request:  &policy.Request{Gate: s, User: s, Namespace: s, Workload: s},
		Parts: []*policy.Decision{
			leaf(policy.Deny), leaf(policy.Allow), leaf(policy.Indeterminate),
			{Verdict: policy.Allow, Effect: policy.Warn, Rule: s, Parts: []*policy.Decision{leaf(policy.Deny)}},
		},
	}
}

func write(t *testing.T, format, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	o := &report.Options{Title: s, Ask: func(*policy.Decision) string { return s }}
	if err := report.Write(&b, format, o, decision(s), decision(s), &policy.Decision{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hostile are texts that would be something else in one of the formats.
var hostile = []string{
	"<script>alert(1)</script>", "</bdi></li></section><img src=x onerror=y>", "<!--", "--> <!--", "]]>", "<![CDATA[", "<?php",
	"</details>",
	"` *b* `", "``", "`", "a`", "`` ` ```", "[x](javascript:y)", "![x](https://example.com/x.png)", "<https://example.com>",
	"https://example.com",
	"www.example.com", "someone@example.com", "@everyone", "#1", "~~x~~", "**x**", "_x_", "\n\n# heading\n\n- item\n",
	"| a | b |\n|---|---|\n| c | d |",
	"\n```\ncode\n```\n", "    indented", "\t", "1. x", "> quote", "---", "[^1]: note", "[x]: https://example.com", "- [ ] task",
	"&lt;b&gt;", "&#x3c;b&#x3e;",
	`\`, "\\`", `\\|`, "{{ template }}", "$x$", "ghcr.io/acme/app:v1@sha256:" + strings.Repeat("a", 64), "localhost:5000/a/../b?c#d e%zz",
	"file:///etc/passwd", "\x1b[31m", "\u202e", "\ufffe", "\xff", "漢字", "e\u0301", "🚢", strings.Repeat("long ", 2000),
}

// FuzzHTML: to the parser of golang.org/x/net a page has the same elements and attributes whatever strangers wrote, and their text is text.
func FuzzHTML(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, s string) {
		want, _ := elements(t, write(t, "html", "x"))
		got, text := elements(t, write(t, "html", s))
		if !blank(s) && !cmp.Equal(want, got) {
			t.Errorf("%q changes the page: %s", s, cmp.Diff(want, got))
		}
		if plain(s) && !strings.Contains(text, s) {
			t.Errorf("%q is not in the page", s)
		}
	})
}

// FuzzMarkdown: rendered with everything that GitHub renders, and with HTML let through, Markdown has the same elements whatever
// strangers wrote: no link, no image, no table.
func FuzzMarkdown(f *testing.F) {
	seed(f)
	md := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote), goldmark.WithRendererOptions(unsafehtml.WithUnsafe()))
	render := func(t *testing.T, s string) ([]string, string) {
		var b bytes.Buffer
		if err := md.Convert(write(t, "markdown", s), &b); err != nil {
			t.Fatal(err)
		}
		return elements(t, b.Bytes())
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, _ := render(t, "x")
		got, text := render(t, s)
		if !blank(s) && !cmp.Equal(want, got) {
			t.Errorf("%q changes what is rendered: %s", s, cmp.Diff(want, got))
		}
		if plain(s) && !strings.Contains(text, s) {
			t.Errorf("%q is not in what is rendered", s)
		}
	})
}

func seed(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
}

// elements are the tags of a page with their attributes, and all its text.
func elements(t *testing.T, page []byte) (list []string, text string) {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			b.WriteString(n.Data)
		case html.ElementNode:
			tag := n.Data
			for _, a := range n.Attr {
				tag += " " + a.Key + "=" + a.Val
			}
			list = append(list, tag)
		case html.CommentNode:
			list = append(list, "comment")
		}
	}
	return list, b.String()
}

// blank reports whether nothing is left of a text once control characters are gone: such a line is left out.
func blank(s string) bool { return strings.Trim(s, whites) == "" }

// plain reports whether a text is shown as it is.
func plain(s string) bool {
	return s != "" && len(s) < 4000 && !strings.Contains(s, "##") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f }) &&
		s == strings.Join(strings.Fields(s), " ")
}

const whites = " \t\n\v\f\r\u0085\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029" +
	"\u202f\u205f\u3000\u1680" +
	"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" +
	"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f" +
	"\u0080\u0081\u0082\u0083\u0084\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008d\u008e\u008f" +
	"\u0090\u0091\u0092\u0093\u0094\u0095\u0096\u0097\u0098\u0099\u009a\u009b\u009c\u009d\u009e\u009f"

// schema is OASIS's, with errata 01, as go-sarif carries it.
func schema(t *testing.T) *gojsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3").Output()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(strings.TrimSpace(string(dir)), "pkg", "report", "v210", "sarif", "schema.go")
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err = strconv.Unquote(lit.Value)
		}
		return true
	})
	if err != nil || !strings.Contains(text, "sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json") {
		t.Fatalf("no schema: %v", err)
	}
	s, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// SARIF is valid by OASIS's schema, the golden files and what strangers wrote into.
func TestSARIF(t *testing.T) {
	s := schema(t)
	if r, err := s.Validate(gojsonschema.NewStringLoader(`{"version":"2.1.0","runs":[{"tool":{}}]}`)); err != nil || r.Valid() {
		t.Fatal("the schema lets a tool without a driver pass")
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "policy", "report", "testdata", "*.sarif"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		valid(t, s, file, gojsonschema.NewReferenceLoader("file://"+absolute(t, file)))
		if _, err := sarif.Open(file); err != nil {
			t.Errorf("go-sarif cannot read %s: %v", file, err)
		}
	}
	for _, text := range append(hostile, "") {
		data := write(t, "sarif", text)
		valid(t, s, text, gojsonschema.NewBytesLoader(data))
		limits(t, data)
	}
}

func absolute(t *testing.T, file string) string {
	t.Helper()
	file, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(file)
}

func valid(t *testing.T, s *gojsonschema.Schema, what string, document gojsonschema.JSONLoader) {
	t.Helper()
	r, err := s.Validate(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range r.Errors() {
		t.Errorf("%.60q: %v", what, e)
	}
}

// limits are those of GitHub's documentation on single texts and tags.
func limits(t *testing.T, data []byte) {
	t.Helper()
	r, err := sarif.FromBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range r.Runs[0].Tool.Driver.Rules {
		if n := len([]rune(*rule.ShortDescription.Text)); n > 1024 {
			t.Errorf("a description of %d characters", n)
		}
		if n := len([]rune(*rule.Name)); n > 255 {
			t.Errorf("a name of %d characters", n)
		}
		if n := len(*rule.ID); n > 255 || n == 0 {
			t.Errorf("an id of %d characters", n)
		}
	}
}

// go-junit, which programs that collect test results use, reads the counts and messages that were written.
func TestJUnit(t *testing.T) {
	for _, s := range append(hostile, "") {
		suites, err := junit.Ingest(write(t, "junit", s))
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if len(suites) != 3 {
			t.Fatalf("%q makes %d suites", s, len(suites))
		}
		want := junit.Totals{Tests: 4, Passed: 1, Failed: 1, Skipped: 2}
		if got := suites[0].Totals; got != want {
			t.Errorf("%q: %+v, want %+v", s, got, want)
		}
		if got := suites[2].Totals; got != (junit.Totals{Tests: 1, Error: 1}) {
			t.Errorf("nothing decided: %+v", got)
		}
		if message := suites[0].Tests[0].Message; plain(s) && message != s {
			t.Errorf("%q has become %q", s, message)
		}
	}
}

// Every format of JSON is JSON to encoding/json, and has the text as it was.
func TestJSONKeepsText(t *testing.T) {
	for _, s := range hostile {
		var got struct{ Decisions []struct{ Reason string } }
		if err := json.Unmarshal(write(t, "json", s), &got); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); got.Decisions[0].Reason != want {
			t.Errorf("%q has become %q", want, got.Decisions[0].Reason)
		}
	}
}

// A decision that is deeper than a page can show is shown with all of its rules.
func TestDeep(t *testing.T) {
	d := &policy.Decision{Verdict: policy.Deny, Rule: "leaf", Reason: "leaf"}
	for range 60 {
		d = &policy.Decision{Verdict: policy.Deny, Rule: "all", Reason: "all",
			Parts: []*policy.Decision{{Verdict: policy.Allow, Reason: "met"}, d}}
	}
	var b, rendered bytes.Buffer
	if err := report.Markdown(&b, nil, d); err != nil {
		t.Fatal(err)
	}
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(unsafehtml.WithUnsafe()))
	if err := md.Convert(b.Bytes(), &rendered); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := report.HTML(&b, nil, d); err != nil {
		t.Fatal(err)
	}
	for format, page := range map[string][]byte{"markdown": rendered.Bytes(), "html": b.Bytes()} {
		list, text := elements(t, page)
		items := 0
		for _, tag := range list {
			if strings.HasPrefix(tag, "li") {
				items++
			}
			if tag == "pre" {
				t.Errorf("%s: a rule has become a block of code", format)
			}
		}
		if items < 121 || strings.Count(text, "met") != 60 {
			t.Errorf("%s shows %d of 121 rules", format, items)
		}
	}
}
