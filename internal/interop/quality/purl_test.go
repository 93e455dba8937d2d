package quality_test

import (
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
