package quality_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom/quality"
)

func TestExpression(t *testing.T) {
	for in, want := range map[string]string{
		"mit":                      "MIT",
		"MIT OR apache-2.0":        "MIT OR Apache-2.0",
		"(MIT and (BSD-3-Clause))": "(MIT AND BSD-3-Clause)",
		"GPL-2.0+":                 "GPL-2.0+",
		"GPL-2.0-or-later WITH classpath-exception-2.0":  "GPL-2.0-or-later WITH Classpath-exception-2.0",
		"LicenseRef-x AND DocumentRef-y:LicenseRef-z":    "LicenseRef-x AND DocumentRef-y:LicenseRef-z",
		"MIT AND (Apache-2.0 OR (ISC AND Zlib)) OR 0BSD": "MIT AND (Apache-2.0 OR (ISC AND Zlib)) OR 0BSD",
		"MIT WITH AdditionRef-a":                         "MIT WITH AdditionRef-a",
		"MIT with DocumentRef-b:AdditionRef-a":           "MIT WITH DocumentRef-b:AdditionRef-a",
		"LicenseRef-x WITH Classpath-exception-2.0":      "LicenseRef-x WITH Classpath-exception-2.0",
		"\n(MIT)\nAND(isc)\t":                            "MIT AND ISC",
	} {
		e, err := quality.ParseExpression(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if e.String() != want {
			t.Errorf("%s: %s, want %s", in, e, want)
		}
	}
	for _, in := range []string{"", " ", "MIT OR", "AND MIT", "MIT Apache-2.0", "(MIT", "MIT)", "()", "Mine", "MIT WITH", "MIT WITH MIT",
		"MIT And ISC",
		"LicenseRef-", "DocumentRef-x:MIT", "LicenseRef-x+", "MIT++", "GPL-2.0++", "MIT/ISC",
		"MIT +", "(MIT) WITH Classpath-exception-2.0", "MIT WITH Classpath-exception-2.0 WITH Bison-exception-2.2", "licenseref-x",
		"LicenseRef-a:b", "LicenseRef-a_b",
		"DocumentRef-a:DocumentRef-b:LicenseRef-c", "DocumentRef-:LicenseRef-a", "MIT WITH AdditionRef-", "MIT WITH AdditionRef-a@b",
		"MIT WITH LicenseRef-a",
		"MIT WITH DocumentRef-a:LicenseRef-b", "MIT WITH DocumentRef-a", "NONE", "MIT AND NOASSERTION", "MIT\u00a0OR ISC",
		strings.Repeat("(", 5000) + "MIT" + strings.Repeat(")", 5000), strings.Repeat("MIT OR ", 20000) + "MIT"} {
		if e, err := quality.ParseExpression(in); !errors.Is(err, quality.ErrExpression) {
			t.Errorf("%.40q: %v, %v", in, e, err)
		}
	}
	e, err := quality.ParseExpression("GPL-2.0 OR GPL-3.0+ WITH GCC-exception-3.1 OR LicenseRef-x")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%+v", e.Licenses()); got != "[GPL-2.0 GPL-3.0+ WITH GCC-exception-3.1 LicenseRef-x]" {
		t.Error(got)
	}
	if l := e.Licenses(); !l[0].Deprecated || !l[0].Listed || !l[1].OrLater || l[2].Listed {
		t.Errorf("%#v", l)
	}
}

func TestExpressionEqual(t *testing.T) {
	big := func(n int) string { // (a OR b) AND (a OR b) ... of many licences
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf("(LicenseRef-%d OR LicenseRef-x%d)", i, i))
		}
		return strings.Join(parts, " AND ")
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"MIT OR ISC", "ISC or mit", true},
		{"MIT OR ISC", "MIT AND ISC", false},
		{"MIT AND (ISC OR Zlib)", "(MIT AND ISC) OR (Zlib AND MIT)", true},
		{"MIT OR MIT", "MIT", true},
		{"MIT OR (MIT AND ISC)", "MIT", true},
		{"MIT AND ISC AND Zlib", "Zlib AND (ISC AND MIT)", true},
		{"GPL-2.0+", "GPL-2.0-or-later", true},
		{"GPL-2.0", "GPL-2.0-only", true},
		{"GPL-2.0", "GPL-2.0-or-later", false},
		{"GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0", true},
		{"GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only", false},
		{"Apache-2.0+", "Apache-2.0", false},
		{"AGPL-1.0+", "AGPL-1.0-or-later", true},
		{"GPL-2.0-or-later+", "GPL-2.0-or-later", true},
		{"LicenseRef-Mine", "LicenseRef-mine", true},
		{"MIT WITH DocumentRef-A:AdditionRef-B", "MIT WITH DocumentRef-a:AdditionRef-b", true},
		{"MIT WITH AdditionRef-a", "MIT WITH AdditionRef-b", false},
		{"LicenseRef-a", "DocumentRef-b:LicenseRef-a", false},
		{"MIT OR ISC AND Zlib", "MIT OR (ISC AND Zlib)", true},
		{"MIT OR ISC AND Zlib", "(MIT OR ISC) AND Zlib", false},
		{big(40), big(40), true},
		{big(40), big(39), false},
	} {
		a, err := quality.ParseExpression(tt.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := quality.ParseExpression(tt.b)
		if err != nil {
			t.Fatal(err)
		}
		if a.Equal(b) != tt.want || b.Equal(a) != tt.want || !a.Equal(a) {
			t.Errorf("%.60s and %.60s: equal is %v", tt.a, tt.b, !tt.want)
		}
	}
}

func TestExpressionSatisfied(t *testing.T) {
	for _, tt := range []struct {
		expr  string
		allow []string
		want  bool
	}{
		{"MIT", []string{"mit"}, true},
		{"MIT AND ISC", []string{"MIT"}, false},
		{"MIT OR GPL-3.0-only", []string{"MIT"}, true},
		{"(MIT OR ISC) AND (GPL-3.0-only OR Zlib)", []string{"ISC", "Zlib"}, true},
		{"GPL-2.0-or-later", []string{"GPL-3.0-only"}, true},
		{"GPL-3.0-or-later", []string{"GPL-2.0-only"}, false},
		{"GPL-2.0-only", []string{"GPL-2.0-or-later"}, true},
		{"GPL-3.0-only", []string{"GPL-2.0-or-later"}, true},
		{"GPL-1.0-only", []string{"GPL-2.0-or-later"}, false},
		{"GPL-2.0+", []string{"GPL-2.0-or-later"}, true},
		{"GPL-2.0", []string{"GPL-2.0-only"}, true},
		{"Apache-1.0+", []string{"Apache-2.0"}, true},
		{"LGPL-2.0-or-later", []string{"GPL-3.0-only"}, false},
		{"GPL-2.0-only WITH Classpath-exception-2.0", []string{"GPL-2.0-only"}, false},
		{"GPL-2.0-only WITH Classpath-exception-2.0", []string{"GPL-2.0-only WITH Classpath-exception-2.0"}, true},
		{"LicenseRef-x", []string{"LicenseRef-x"}, true},
		{"MIT", nil, false},
	} {
		e, err := quality.ParseExpression(tt.expr)
		if err != nil {
			t.Fatal(err)
		}
		allowed, err := quality.Allow(tt.allow...)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Satisfied(allowed); got != tt.want {
			t.Errorf("%s with %v: %v", tt.expr, tt.allow, got)
		}
	}
	if _, err := quality.Allow("MIT OR ISC"); !errors.Is(err, quality.ErrExpression) {
		t.Error(err)
	}
}

func FuzzParseExpression(f *testing.F) {
	f.Add("MIT OR (Apache-2.0 AND GPL-2.0+ WITH Classpath-exception-2.0)")
	f.Add("DocumentRef-y:LicenseRef-z and mit")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := quality.ParseExpression(s)
		if err != nil {
			if !errors.Is(err, quality.ErrExpression) {
				t.Fatal(err)
			}
			return
		}
		again, err := quality.ParseExpression(e.String())
		if err != nil {
			t.Fatalf("%q: written as %q: %v", s, e, err)
		}
		if again.String() != e.String() || !again.Equal(e) {
			t.Errorf("%q: %q, then %q", s, e, again)
		}
	})
}
