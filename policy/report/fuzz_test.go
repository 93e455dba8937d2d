package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/report"
	"github.com/ladingdev/lading/verify"
)

// hostile is a decision in which strangers wrote everything.
func hostile(s string) *policy.Decision {
	signer := policy.LookedSigner{As: s, Counts: true, Why: s}
	signer.Signer = verify.Signer{Identity: verify.Identity{Kind: verify.OIDCIdentity, Subject: s, Issuer: s}}
	leaf := &policy.Decision{
		Verdict: policy.Deny, RuleName: s, Rule: s, Reason: s, Missing: []string{s},
		Looked: []policy.Looked{{PredicateType: s, Signers: []policy.LookedSigner{signer}, Counts: true, Why: s}},
	}
	return &policy.Decision{
		Verdict: policy.Deny, Name: s, Rule: s, Reason: s, Missing: []string{s}, Until: policy.Forever,
		Subject: descriptor("subject"), Document: &policy.Document{Name: s, Version: s, URI: s, Digest: s},
		Request: &policy.Request{Gate: s, User: s, Namespace: s, Workload: s},
		Parts: []*policy.Decision{
			leaf,
			{Verdict: policy.Allow, Rule: s, Reason: s},
			{Verdict: policy.Allow, Effect: policy.Warn, Rule: s, Parts: []*policy.Decision{{Verdict: policy.Deny, Rule: s, Reason: s}}},
		},
	}
}

// FuzzFormats lets strangers write into every format: what it is made of stays as with harmless text.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{
		"harmless", "<script>alert(1)</script>", "</bdi></section><img src=x onerror=y>", "` *b* `", "``", "`", "[x](javascript:y)",
		"\n# heading\n- item", "| a | b |\n|---|---|", "@everyone #1 https://example.com", "]]><failure/>",
		"&amp;&#x3c;", "\\`\\", "--> <!--",
		"\x1b[31mred\x1b[0m\x9b2J", "\u202etxt.exe", "\u2066x\u2069", "\ufffe\uffff", "\xff\xfe", "\x00", "$(id) %s %d ${{ x }}",
		"::error::x", "\u2028",
		strings.Repeat("`a", 50), strings.Repeat("漢", 5000), "sha256:" + strings.Repeat("a", 64), "a:b/../c?d#e%zz",
	} {
		f.Add(s)
	}
	harmless := &report.Options{Title: "x", Ask: func(*policy.Decision) string { return "x" }}
	wanted := make(map[string][]string)
	f.Fuzz(func(t *testing.T, s string) {
		blank := func(r rune) bool {
			return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
		}
		if strings.TrimFunc(s, blank) == "" {
			return // which is left out
		}
		o := &report.Options{Title: s, Ask: func(*policy.Decision) string { return s }}
		for format, skeleton := range skeletons {
			if wanted[format] == nil {
				wanted[format] = skeleton(t, written(t, format, harmless, hostile("x")))
			}
			got := written(t, format, o, hostile(s))
			isClean(t, got, false)
			if diff := cmp.Diff(wanted[format], skeleton(t, got)); diff != "" {
				t.Errorf("%s of %q differs in more than text (-harmless +hostile):\n%s\n%s", format, s, diff, got)
			}
		}
		isClean(t, written(t, "text", o, hostile(s)), false)
	})
}

func written(t *testing.T, format string, o *report.Options, d *policy.Decision) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, format, o, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// skeletons are what is left of a format without the text.
var skeletons = map[string]func(t *testing.T, text string) []string{
	"html":     func(_ *testing.T, text string) []string { return regexp.MustCompile(`<[^>]*>`).FindAllString(text, -1) },
	"markdown": markdownSkeleton,
	"junit":    junitSkeleton,
	"json":     jsonSkeleton,
	"sarif":    jsonSkeleton,
}

// markdownSkeleton takes the code span at the end of each line away.
func markdownSkeleton(t *testing.T, text string) (lines []string) {
	for line := range strings.Lines(text) {
		if before, rest, ok := strings.Cut(line, "`"); ok {
			span := "`" + strings.TrimSuffix(rest, "\n")
			fence := span[:len(span)-len(strings.TrimLeft(span, "`"))]
			for _, run := range regexp.MustCompile("`+").FindAllString(span[len(fence):len(span)-len(fence)], -1) {
				if run == fence {
					t.Errorf("a code span ends early: %s", line)
				}
			}
			if !strings.HasSuffix(span, fence) {
				t.Errorf("a code span does not end: %s", line)
			}
			line = before
		}
		lines = append(lines, line)
	}
	return lines
}

// junitSkeleton lists elements and the names of their attributes.
func junitSkeleton(t *testing.T, text string) (list []string) {
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			name := e.Name.Local
			for _, a := range e.Attr {
				name += " " + a.Name.Local
			}
			list = append(list, name)
		}
	}
}

// jsonSkeleton lists what is no string.
func jsonSkeleton(t *testing.T, text string) (list []string) {
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(json.Delim); ok {
			list = append(list, s.String())
		}
	}
}
