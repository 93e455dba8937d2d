package quality_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/ladingdev/lading/sbom"
)

// Package URLs of published documents, read and written again next to another library. It takes namespaces of types
// whose definitions have none.
func TestPURLs(t *testing.T) {
	same, stricter := 0, 0
	seen := map[string]bool{}
	for d := range documents(t) {
		for _, c := range d.Components() {
			if c.PURL == "" || seen[c.PURL] {
				continue
			}
			seen[c.PURL] = true
			theirs, err := packageurl.FromString(c.PURL)
			if err == nil {
				err = theirs.Normalize()
			}
			ours, ourErr := sbom.ParsePURL(c.PURL)
			switch {
			case err != nil && ourErr != nil:
				same++
			case err == nil && ourErr == nil && ours.String() == theirs.ToString():
				same++
			case err == nil && ourErr != nil && strings.Contains(ourErr.Error(), "has no namespace"):
				stricter++
			default:
				t.Errorf("%s: ours %v (%v), theirs %v (%v)", c.PURL, ours, ourErr, theirs, err)
			}
		}
	}
	t.Logf("%d the same, %d with a namespace that their type does not have", same, stricter)
	if same < 4000 || stricter > 20 {
		t.Errorf("%d the same, %d stricter", same, stricter)
	}
}

var (
	purlTypesMade = []string{"npm", "golang", "deb", "rpm", "maven", "pypi", "gem", "nuget", "docker", "oci", "github", "generic",
		"apk", "cargo", "composer", "swift", "conan", "alpm", "cran", "x.y-1"}
	purlTexts = []string{"", "a", "A", "a-b_c.d~e", "@s", "a b", "a+b", "a%b", "a:b", "a?b", "a#b", "a=b", "a&b", "ä", "日",
		"\u00a0", "a/b", "..", ".", "a//b", "/a", "a/", "1:2-3", "v1.0.0+incompatible", "sha256:0a", "a,b", "a@b", "\\", "'\"", "<>"}
)

// made makes the parts of a package URL.
func made(r *rand.Rand) (p sbom.PURL) {
	text := func(odds int) string {
		if r.IntN(odds) > 0 {
			return ""
		}
		return purlTexts[r.IntN(len(purlTexts))]
	}
	p = sbom.PURL{Type: purlTypesMade[r.IntN(len(purlTypesMade))], Namespace: text(2), Name: text(1), Version: text(2), Subpath: text(4)}
	for _, key := range []string{"arch", "vcs_url", "x-1", "a.b"} {
		if v := text(5); v != "" {
			if p.Qualifiers == nil {
				p.Qualifiers = map[string]string{}
			}
			p.Qualifiers[key] = v
		}
	}
	switch { // what the other library does not ask (purl-spec, definitions of types)
	case slices.Contains([]string{"pypi", "gem", "nuget", "oci", "cargo", "cran"}, p.Type):
		p.Namespace = ""
	case slices.Contains([]string{"github", "composer", "swift"}, p.Type) && strings.Trim(p.Namespace, "/") == "":
		p.Namespace = "n"
	}
	switch p.Type { // it replaces underscores only, and keeps capitals
	case "pypi":
		p.Name, p.Version = strings.Trim(strings.ReplaceAll(p.Name, ".", ""), "-_"), strings.ToLower(p.Version)
	case "oci", "npm":
		p.Namespace, p.Name, p.Version = strings.ToLower(p.Namespace), strings.ToLower(p.Name), strings.ToLower(p.Version)
	}
	if strings.Trim(p.Subpath, ".") == "" || strings.Contains(p.Subpath, "//") { // a subpath has no such segments, which it keeps
		p.Subpath = ""
	}
	return p
}

// TestPURLsMade makes package URLs of odd parts, by one library and by the other: each reads what the other writes, as the same.
func TestPURLsMade(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 6))
	count := map[string]int{}
	for range 60_000 {
		p := made(r)
		var qs packageurl.Qualifiers
		for _, key := range slices.Sorted(maps.Keys(p.Qualifiers)) {
			qs = append(qs, packageurl.Qualifier{Key: key, Value: p.Qualifiers[key]})
		}
		theirs := packageurl.NewPackageURL(p.Type, p.Namespace, p.Name, p.Version, qs, p.Subpath)
		if err := theirs.Normalize(); err != nil {
			if q, ourErr := sbom.ParsePURL(p.String()); ourErr == nil {
				t.Errorf("%+v is %s: theirs %v", p, q, err)
			}
			count["refused"]++
			continue
		}
		for by, text := range map[string]string{"ours": p.String(), "theirs": theirs.ToString()} {
			if text == "" {
				count["without name"]++
				continue
			}
			a, aErr := sbom.ParsePURL(text)
			b, bErr := packageurl.FromString(text)
			if bErr == nil {
				bErr = b.Normalize()
			}
			switch {
			case aErr != nil && bErr != nil:
				count["both refuse"]++
			case aErr != nil || bErr != nil:
				why := fmt.Sprint("ours: ", aErr)
				if i := strings.LastIndexByte(why, ':'); i > 0 {
					why = why[i:]
				}
				if count["differ "+by+why+fmt.Sprint(bErr)]++; count["differ "+by+why+fmt.Sprint(bErr)] < 4 {
					t.Errorf("%s %+v: %s: ours %v, theirs %v", by, p, text, aErr, bErr)
				}
			case a.String() != b.ToString():
				if count["strings "+by]++; count["strings "+by] < 12 {
					t.Errorf("%s %+v: %s: ours %s, theirs %s", by, p, text, a, b.ToString())
				}
			default:
				count["same"]++
				if again, err := sbom.ParsePURL(a.String()); err != nil || again.String() != a.String() {
					t.Errorf("%s is not stable: %s, %v", a, again, err)
				}
			}
		}
	}
	if t.Log(count); count["same"] < 100_000 {
		t.Error("they are the same too seldom")
	}
}
