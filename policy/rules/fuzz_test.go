package rules

import (
	"testing"

	"github.com/ladingdev/lading/internal/versions"
	"github.com/ladingdev/lading/sbom"
)

// A component that is meant is found, however many patterns there are: the quick way, by name, says what asking every pattern says.
func FuzzComponents(f *testing.F) {
	for _, s := range [][2]string{
		{"pkg:npm/lodash vers:npm/<4.17.21", "pkg:npm/lodash@4.17.20"}, {"pkg:npm/%40acme/x", "pkg:npm/@acme/x@1"},
		{"pkg:npm/@acme/*", "pkg:npm/%40acme%2Fy@1"},
		{"pkg:golang/github.com/acme/x", "pkg:golang/github.com/acme/x@v1.0.0#cmd/tool"}, {"pkg:golang/std", "pkg:golang/stdlib@go1.21"},
		{"pkg:pypi/zope.interface", "pkg:pypi/Zope_Interface@6"},
		{"pkg:deb/debian/openssl vers:deb/<3", "pkg:deb/openssl@1:3.0?distro=debian-12&epoch=1"},
		{"pkg:deb/openssl", "pkg:deb/ubuntu/openssl@3.0"}, {"pkg:github/acme/x", "pkg:github/acme/x@feature/a"},
		{"pkg:maven/a/b?classifier=c", "pkg:maven/a/b@1?type=war"},
		{"pkg:npm/* vers:npm/*", "pkg:npm/a"}, {"pkg:nuget/A.B vers:nuget/>=1|<2", "pkg:nuget/a.b@1.5"},
		{"pkg:swift/github.com/a/b", "pkg:swift/github.com/A/b@1"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, denied, component string) {
		c, err := ParseComponent(denied)
		if err != nil {
			return
		}
		if err := c.Validate(); err != nil {
			t.Fatalf("%q: %v", denied, err)
		}
		again, err := ParseComponent(c.PURL + " " + c.Versions)
		if err != nil || again != c {
			t.Fatalf("%q: %v, %v", denied, again, err)
		}
		m, err := newMatcher([]Component{{PURL: "pkg:cargo/other"}, c})
		if err != nil {
			t.Fatalf("%q: %v", denied, err)
		}
		glanced := glance(component)
		_, quick, why := m.match(&glanced)
		if (why == "") != (quick != versions.Unknown) {
			t.Fatalf("%q on %q: %v, because of %q", denied, component, quick, why)
		}
		if _, err := sbom.ParsePURL(component); err != nil {
			return
		}
		if _, slow, _ := m.all(component); quick != slow {
			t.Fatalf("%q on %q: %v, and by every pattern %v", denied, component, quick, slow)
		}
	})
}

// Patterns match what they say, and nothing across "/" and "@".
func FuzzGlob(f *testing.F) {
	f.Add("refs/tags/v*", "refs/tags/v1.2.3")
	f.Add("a*b*c", "abbc")
	f.Add("https://x.example/*@refs/tags/*", "https://x.example/b@refs/tags/v1")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 40 || len(text) > 200 {
			return
		}
		if got, want := glob(pattern, text), globSlow(pattern, text); got != (want && text != "") {
			t.Fatalf("%q on %q: %v", pattern, text, got)
		}
	})
}

// globSlow is glob by dynamic programming.
func globSlow(pattern, text string) bool {
	row := make([]bool, len(text)+1)
	row[0] = true
	for i := range len(pattern) {
		next := make([]bool, len(text)+1)
		if pattern[i] == '*' {
			next[0] = row[0]
			for j := range len(text) {
				c := text[j]
				next[j+1] = row[j+1] || next[j] && c != '/' && c != '@' && c != ' ' && c != '\t' && c != '\n'
			}
		} else {
			for j := range len(text) {
				next[j+1] = row[j] && text[j] == pattern[i]
			}
		}
		row = next
	}
	return row[len(text)]
}
