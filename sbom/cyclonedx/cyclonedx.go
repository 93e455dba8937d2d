// Package cyclonedx opens SBOMs to programs written for cyclonedx-go: [To] gives a document as its BOM, [From] takes one
// back.
//
// Use it where such a program is at the other end. A BOM does not hold all that a document says: To reports what it
// dropped, and a document that was signed must not go through here.
package cyclonedx

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// To returns a document as a BOM, and the places of the document's JSON form that the BOM does not hold, as RFC 6901
// pointers with the kind "dropped". Documents of another specification, or in XML, are converted first: see
// [sbom.Convert].
func To(d *sbom.Document) (bom *cdx.BOM, lost []sbom.Loss, err error) {
	data, err := d.MarshalJSON()
	if err != nil {
		return nil, nil, fmt.Errorf("cyclonedx: %w", err)
	}
	if d.Format().Spec != sbom.CycloneDX {
		return nil, nil, fmt.Errorf("cyclonedx: %w: it is %v", sbom.ErrVersion, d.Format())
	}
	bom = new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		return nil, nil, fmt.Errorf("cyclonedx: cyclonedx-go does not read it: %w", err)
	}
	back, err := encode(bom)
	if err != nil {
		return nil, nil, err
	}
	differences, err := tree.Library{Name: "cyclonedx-go"}.Differences(data, back)
	if err != nil {
		return nil, nil, fmt.Errorf("cyclonedx: %w", err)
	}
	for _, l := range differences {
		lost = append(lost, sbom.Loss{Path: l.Path, Kind: sbom.LossKind(l.Kind), Reason: l.Reason})
	}
	return bom, lost, nil
}

// From returns a BOM as a document. It is encoded by cyclonedx-go in the version that it has, which must be 1.2 or later.
//
// The error is [sbom.ErrSigned] for a BOM with a signature of one signer, in itself or in a part: cyclonedx-go has no place
// for its content and would write an empty one. Set these to nil to give a document without signatures.
func From(bom *cdx.BOM) (*sbom.Document, error) {
	if bom == nil {
		return nil, errors.New("cyclonedx: no BOM")
	}
	if hasEmptySignature(reflect.ValueOf(bom)) {
		return nil, fmt.Errorf("cyclonedx: %w", sbom.ErrSigned)
	}
	data, err := encode(bom)
	if err != nil {
		return nil, err
	}
	d, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("cyclonedx: %w", err)
	}
	return d, nil
}

func hasEmptySignature(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		if s, ok := v.Interface().(*cdx.JSFSignature); ok && s != nil {
			return s.Signers == nil && s.Chain == nil
		}
		return !v.IsNil() && hasEmptySignature(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			if hasEmptySignature(v.Index(i)) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && hasEmptySignature(v.Field(i)) {
				return true
			}
		}
	}
	return false
}

func encode(bom *cdx.BOM) ([]byte, error) {
	var b bytes.Buffer
	e := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON)
	e.SetPretty(true)
	e.SetEscapeHTML(false)
	if err := e.Encode(bom); err != nil {
		return nil, fmt.Errorf("cyclonedx: cyclonedx-go does not write it: %w", err)
	}
	return b.Bytes(), nil
}
