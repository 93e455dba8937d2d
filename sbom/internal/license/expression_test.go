package license

import (
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom/internal/schema"
)

func list(t testing.TB) *List {
	t.Helper()
	data, err := schema.Read("cyclonedx/spdx.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	l, err := ParseList(data)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCheck(t *testing.T) {
	l := list(t)
	for _, expr := range []string{
		"MIT", "mit", "Apache-2.0 AND (MIT OR GPL-2.0-only)", "GPL-2.0+ WITH Classpath-exception-2.0", "CDDL-1.0+",
		"LicenseRef-x", "DocumentRef-d:LicenseRef-x OR (((MIT)))", "MIT\nOR\tISC", "GPL-3.0-only WITH AdditionRef-mine",
	} {
		if err := Check(expr, l, nil); err != nil {
			t.Errorf("%q: %v", expr, err)
		}
	}
	for _, expr := range []string{
		"", " ", "MIT OR", "OR MIT", "MIT ISC", "(MIT", "MIT)", "()", "MIT WITH MIT", "Classpath-exception-2.0", "Nothing-1.0",
		"LicenseRef-", "LicenseRef-a_b", "DocumentRef-:LicenseRef-x", "MIT And ISC", "MIT/ISC", "NOASSERTION", "MIT WITH",
		strings.Repeat("(", 100000) + "MIT" + strings.Repeat(")", 100000),
	} {
		if err := Check(expr, l, nil); err == nil {
			t.Errorf("%.40q is accepted", expr)
		}
	}
	var refs []string
	if err := Check("LicenseRef-a AND DocumentRef-d:LicenseRef-b", l, func(r string) { refs = append(refs, r) }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"LicenseRef-a", "DocumentRef-d:LicenseRef-b"}; !slices.Equal(refs, want) {
		t.Errorf("references %q, want %q", refs, want)
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"MIT", "(MIT OR ISC) AND LicenseRef-x WITH", "A:B", "MIT+ WITH LLVM-exception"} {
		f.Add(s)
	}
	l := list(f)
	f.Fuzz(func(t *testing.T, expr string) {
		if Check(expr, l, nil) == nil && Check("("+expr+") AND MIT", l, nil) != nil && strings.Count(expr, "(") < maxDepth {
			t.Errorf("%q is an expression, but not inside of another", expr)
		}
	})
}
