package iri

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// reference is URI-reference of RFC 3986, appendix A, without IP literals.
var reference = func() *regexp.Regexp {
	const (
		escape  = `%[0-9A-Fa-f]{2}`
		regName = `(?:[A-Za-z0-9\-._~!$&'()*+,;=]|` + escape + `)*`
		user    = `(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|` + escape + `)*`
		pchar   = `(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|` + escape + `)`
		noColon = `(?:[A-Za-z0-9\-._~!$&'()*+,;=@]|` + escape + `)`
		rest    = `(?:/` + pchar + `*)*`
		network = `//(?:` + user + `@)?` + regName + `(?::[0-9]*)?` + rest
		rooted  = `/(?:` + pchar + `+` + rest + `)?`
		tail    = `(?:\?(?:` + pchar + `|[/?])*)?(?:#(?:` + pchar + `|[/?])*)?`
	)
	return regexp.MustCompile(`\A(?:[A-Za-z][A-Za-z0-9+\-.]*:(?:` + network + `|` + rooted + `|` + pchar + `+` + rest + `)?|(?:` +
		network + `|` + rooted + `|` + noColon + `+` + rest + `)?)` + tail + `\z`)
}()

// FuzzIsReference holds the reader against the grammar, and an IRI against the URI that it maps to (RFC 3987, section 3.1).
func FuzzIsReference(f *testing.F) {
	for _, s := range []string{"https://user@example.com:80/a/b?c=d#e", "urn:uuid:x", "a:b:c", "b/c:d", "./a:b", "//h", "///p", "?q",
		"#", "http://[::1]:8/",
		"http://[v1.a]/", "%41%zz", "http://ex ample", "http://exämple/ü?\ue000", "mailto:a@b", ":a", "1a:b", "a//b",
		"http://a:b@c:d", "\xff", "http://h:1x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := IsReference(s)
		if strings.Contains(s, "[") || !utf8.ValidString(s) {
			if got && !utf8.ValidString(s) {
				t.Fatalf("%q is no text", s)
			}
			return
		}
		if IsASCII(s) {
			if want := reference.MatchString(s); got != want {
				t.Fatalf("%q: %t, the grammar says %t", s, got, want)
			}
			return
		}
		var uri strings.Builder
		for _, c := range []byte(s) {
			if c < utf8.RuneSelf {
				uri.WriteByte(c)
			} else {
				fmt.Fprintf(&uri, "%%%02X", c)
			}
		}
		if got && !reference.MatchString(uri.String()) {
			t.Fatalf("%q is taken, and %q is no URI", s, uri.String())
		}
	})
}
