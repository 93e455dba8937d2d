// Package quality_test holds licence expressions and package URLs against other libraries.
package quality_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"iter"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/quality"
)

// documents yields the published documents of package sbom.
func documents(t *testing.T) iter.Seq[*sbom.Document] {
	t.Helper()
	return func(yield func(*sbom.Document) bool) {
		f, err := os.Open("../../../sbom/testdata/corpus.tar.gz")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		for tr := tar.NewReader(z); ; {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(h.Name, ".tsv") {
				continue
			}
			if d, err := sbom.Parse(tr); err == nil && !yield(d) {
				return
			}
		}
	}
}

// expressions are all licence expressions of the published documents, and some that are none.
func expressions(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{"MIT OR": true, "(MIT": true, "Mine": true, "MIT WITH MIT": true, "MIT AND (Apache-2.0 OR ISC)": true,
		"GPL-2.0+": true, "gpl-2.0-OR-later": true}
	for d := range documents(t) {
		for ref := range d.Components() {
			for _, l := range d.Licenses(ref) {
				if l.Expression != "" {
					found[l.Expression] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

var refs = regexp.MustCompile(`Ref-`)

func TestExpressions(t *testing.T) {
	all := expressions(t)
	valid, invalid, differ := 0, 0, 0
	var good []string
	for _, s := range all {
		theirs, _ := spdxexp.ValidateLicenses([]string{s})
		_, err := quality.ParseExpression(s)
		switch ours := err == nil; {
		case ours && theirs:
			valid++
			if !refs.MatchString(s) {
				good = append(good, s)
			}
		case !ours && !theirs:
			invalid++
		default:
			differ++
			t.Errorf("%q: ours %v (%v), theirs %v", s, ours, err, theirs)
		}
	}
	t.Logf("%d expressions: %d valid, %d invalid, %d differ", len(all), valid, invalid, differ)
	if valid < 100 || invalid < 20 {
		t.Errorf("%d valid, %d invalid", valid, invalid)
	}
	allow := []string{"MIT", "Apache-2.0", "BSD-3-Clause", "GPL-3.0-only", "LGPL-2.1-or-later", "ISC"}
	allowed, err := quality.Allow(allow...)
	if err != nil {
		t.Fatal(err)
	}
	same, other := 0, 0
	for _, s := range good {
		theirs, err := spdxexp.Satisfies(s, allow)
		if err != nil {
			continue
		}
		e, err := quality.ParseExpression(s)
		if err != nil {
			t.Fatal(err)
		}
		if ours := e.Satisfied(allowed); ours == theirs {
			same++
		} else {
			other++
			t.Errorf("%q with %v: ours %v, theirs %v", s, allow, ours, theirs)
		}
	}
	t.Logf("satisfied: %d the same, %d other", same, other)
	if same < 90 {
		t.Errorf("%d the same", same)
	}
}

// The ids that both lists have are deprecated in both or in none.
func TestDeprecated(t *testing.T) {
	old := spdxlicenses.GetDeprecatedMap()
	both := 0
	for _, id := range slices.Concat(spdxlicenses.GetLicenses(), spdxlicenses.GetDeprecated()) {
		e, err := quality.ParseExpression(id)
		if err != nil {
			continue // newer than our list
		}
		both++
		_, theirs := old[strings.ToUpper(id)]
		if ours := e.Licenses()[0].Deprecated; ours != theirs {
			t.Errorf("%s: deprecated: ours %v, theirs %v", id, ours, theirs)
		}
	}
	if t.Logf("%d ids", both); both < 700 {
		t.Errorf("%d ids are on both lists", both)
	}
}
