package imageref

import (
	"regexp"
	"strings"
	"testing"
)

// The grammar of the OCI distribution specification 1.1, "Pulling manifests", as it is printed.
var (
	tag  = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	path = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	sum  = regexp.MustCompile(`^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`)
)

func FuzzGrammar(f *testing.F) {
	for _, s := range []string{
		"", "a", "A", "_", ".", "-", "a.b", "a..b", "a_b", "a__b", "a___b", "a-b", "a---b", "a.-b", "a._b", "a-", "a.", "a/", "/a", "a//b",
		"a/b/c-d_e.f", "a\n", "a\x10",
		"\x10", "a b", "ä", "A/b", strings.Repeat("t", 128), strings.Repeat("t", 129), strings.Repeat("a/", 127) + "a",
		strings.Repeat("a/", 128) + "a",
		"sha256:" + strings.Repeat("a", 64), "sha512:" + strings.Repeat("0", 128), "sha512:" + strings.Repeat("0", 64),
		"sha256:" + strings.Repeat("A", 64), "sha256:",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := IsTag(s), tag.MatchString(s); got != want {
			t.Errorf("%q is a tag: %t", s, got)
		}
		if got, want := isPath(s), path.MatchString(s) && len(s) <= 255; got != want {
			t.Errorf("%q is a path: %t", s, got)
		}
		if got, want := isDigest(s), sum.MatchString(s); got != want {
			t.Errorf("%q is a digest: %t", s, got)
		}
	})
}
