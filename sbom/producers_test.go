package sbom

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

func readProducer(t testing.TB, name string) *Document {
	t.Helper()
	data, err := os.ReadFile("testdata/producers/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(data))
}

// TestProducers reads the shapes that real programs write (see testdata/producers/README.md), and takes them everywhere:
// nothing is lost without a word, and the components and what they need are there.
func TestProducers(t *testing.T) {
	for _, tt := range []struct {
		name       string
		components int
		purls      []string
		edges      []string // that every format has
		valid      bool
		carried    []string // by every other format, as far as it is not refused there
	}{
		{"yocto.spdx3.json", 4, []string{"pkg:yocto/core/zlib@1.3"}, []string{"tools RUNTIME_DEPENDENCY_OF libz1"}, true,
			[]string{"Use it in the house.", "LicenseRef-House.1.0"}},
		{"ids-on-parts.spdx3.json", 2, []string{"pkg:nuget/app@1.0", "pkg:nuget/dep@2.0"}, []string{"app DEPENDS_ON dep"}, false, nil},
		{"zephyr.spdx", 3, []string{"pkg:generic/lib@1.0"}, nil, true, []string{"LicenseRef-other"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := readProducer(t, tt.name)
			var invalid *InvalidError
			if _, err := Validate(d.Bytes()); (err == nil) != tt.valid && !(tt.valid && errors.As(err, &invalid) && invalid.Tolerated()) {
				t.Errorf("valid: %v", err)
			}
			var purls []string
			for _, c := range d.Components() {
				if c.PURL != "" {
					purls = append(purls, c.PURL)
				}
			}
			if d.Len() != tt.components || !slices.Equal(purls, tt.purls) || len(d.Roots()) != 1 {
				t.Errorf("%d components, %q, roots %v", d.Len(), purls, d.Roots())
			}
			for _, target := range targets() {
				if target == d.Format() {
					continue
				}
				out, r := mustConvert(t, d, target)
				in := d.text()
				// which only hold parts together
				for _, shape := range []string{"SPDXRef-ExternalMap-1", "SPDXRef-ExternalIdentifier-1", "SPDXRef-ExternalIdentifier-2"} {
					in = bytes.ReplaceAll(in, []byte(shape), []byte("1"))
				}
				in = bytes.Replace(in, []byte(`["https://spdx.org/rdf/3.0.1/spdx-context.jsonld"]`),
					[]byte(`"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"`), 1)
				if silent := differ(t, in, out.Bytes(), r); len(silent) > 0 {
					t.Errorf("%v: silent: %q", target, silent)
				}
				if missing := missingEdges(d, out); missing > 0 || out.Len() != d.Len() {
					t.Errorf("%v: %d dependencies missing, %d components", target, missing, out.Len())
				}
				for _, want := range tt.carried {
					if (target.Spec == SPDX || target.Version == "1.7") && !bytes.Contains(out.Bytes(), []byte(want)) {
						t.Errorf("%v: no %s", target, want)
					}
				}
			}
		})
	}
	d := readProducer(t, "yocto.spdx3.json")
	out, _ := mustConvert(t, d, Format{CycloneDX, "1.6"})
	for _, want := range []string{`"state": "resolved"`, `"state": "not_affected"`, `"detail": "not built in"`,
		`"https://cve.example.org/CVE-2024-1"`, `"https://example.org/host.spdx.json"`} {
		if !bytes.Contains(out.Bytes(), []byte(want)) {
			t.Errorf("no %s in\n%s", want, out.Bytes())
		}
	}
	if v, affects := mustMembers(t, out.Bytes()); v != 2 || affects != 2 {
		t.Errorf("%d vulnerabilities that affect %d", v, affects)
	}
	three, _ := mustConvert(t, mustParse(t, richSPDX2), Format{SPDX, "3.0.1"})
	if !strings.Contains(string(three.Bytes()), `"key": "LicenseRef-x"`) {
		t.Error("no customIdToUri")
	}
}
