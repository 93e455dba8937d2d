package sbom

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestEncode takes every valid document of the corpus to the other encoding of its format and back.
func TestEncode(t *testing.T) {
	counts := map[string]int{}
	for f := range corpus(t) {
		if _, err := Validate(f.Data); err != nil {
			continue
		}
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		to := map[Encoding]Encoding{JSON: XML, XML: JSON, TagValue: JSON, YAML: JSON, RDF: JSON}[d.Encoding()]
		if d.Format().Spec == SPDX && d.Encoding() == JSON {
			to = TagValue
		}
		other, report, err := Encode(d, to, &ConvertOptions{DropSignatures: true})
		if v := d.Format().Version; v == "3.0.1" || v == "1.0" || v == "1.1" {
			if !errors.Is(err, ErrEncoding) {
				t.Errorf("%s: %v, want %v", f.Name, err, ErrEncoding)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if other.Encoding() != to || other.Format() != d.Format() {
			t.Errorf("%s: became %v in %v", f.Name, other.Format(), other.Encoding())
		}
		dropped := slices.ContainsFunc(report.Losses, func(l Loss) bool { return l.Kind == Dropped })
		if report.Represented > report.Values || (report.Represented < report.Values) != dropped {
			t.Errorf("%s: %d of %d values with %d losses", f.Name, report.Represented, report.Values, len(report.Losses))
		}
		// One index for all encodings: the same components with the same facts.
		if other.Len() != d.Len() {
			t.Errorf("%s: %d components, were %d", f.Name, other.Len(), d.Len())
			continue
		}
		counts[string(d.Encoding())+" to "+string(to)]++
		if len(report.Losses) > 0 {
			counts[string(d.Encoding())+" to "+string(to)+", with losses"]++
			continue
		}
		for ref, c := range d.Components() {
			if o, ok := other.ByID(c.ID); ok && c.ID != "" && other.Component(o).Name != c.Name || other.Component(ref).PURL == "" &&
				c.PURL != "" && to == XML {
				t.Errorf("%s: component %d is another one", f.Name, ref)
			}
		}
	}
	for k, n := range counts {
		t.Logf("%3d %s", n, k)
	}
}

func TestEncodeSigned(t *testing.T) {
	const xml = `<bom xmlns="http://cyclonedx.org/schema/bom/1.6" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ` +
		`version="1"><ds:Signature/></bom>`
	json := strings.Replace(goodCycloneDX, `"version": 1,`, `"version": 1, "signature": {"algorithm": "ES256", "value": "x"},`, 1)
	for _, tt := range []struct {
		data string
		to   Encoding
	}{{xml, JSON}, {json, XML}} {
		d, err := Parse(strings.NewReader(tt.data))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Encode(d, tt.to, nil); !errors.Is(err, ErrSigned) {
			t.Errorf("to %v: %v, want %v", tt.to, err, ErrSigned)
		}
		if _, report, err := Encode(d, tt.to, &ConvertOptions{DropSignatures: true}); err != nil || len(report.Losses) != 1 ||
			!strings.Contains(report.Losses[0].Path, "ignature") {
			t.Errorf("to %v without: %v %v", tt.to, report, err)
		}
		if _, report, err := Encode(d, tt.to, &ConvertOptions{DropSignatures: true, Strict: true}); !errors.Is(err, ErrLoss) ||
			report == nil {
			t.Errorf("to %v, strictly: %v, want %v", tt.to, err, ErrLoss)
		}
		if _, _, err := Convert(d, Format{SPDX, "2.3"}, nil); !errors.Is(err, ErrSigned) {
			t.Errorf("%v to SPDX: %v, want %v", d.Encoding(), err, ErrSigned)
		}
		if same, _, err := Encode(d, d.Encoding(), nil); err != nil || same != d {
			t.Errorf("to %v itself: %v", d.Encoding(), err)
		}
		if _, _, err := Encode(d, YAML, &ConvertOptions{DropSignatures: true}); !errors.Is(err, ErrEncoding) {
			t.Errorf("to YAML: %v, want %v", err, ErrEncoding)
		}
	}
}
