// Package spdx opens SBOMs to programs written for tools-golang: [To] gives a document as its SPDX 2.3 document, [From]
// takes one back.
//
// Use it where such a program is at the other end. tools-golang normalises what it reads: To reports what is not in its
// document, or is there in another form.
package spdx

import (
	"bytes"
	"errors"
	"fmt"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// ErrRefused means that tools-golang does not read or write a document; the cause says why.
var ErrRefused = errors.New("tools-golang does not take the document")

// To returns a document as tools-golang has it, and the places of the document's JSON form that it does not hold as they
// are, as RFC 6901 pointers. The document must be SPDX 2.3 in JSON, to which [sbom.Convert] brings any other.
func To(d *sbom.Document) (doc *v2_3.Document, lost []sbom.Loss, err error) {
	data, err := d.MarshalJSON()
	if err != nil {
		return nil, nil, fmt.Errorf("spdx: %w", err)
	}
	if d.Format() != (sbom.Format{Spec: sbom.SPDX, Version: "2.3"}) {
		return nil, nil, fmt.Errorf("spdx: %w: it is %v", sbom.ErrVersion, d.Format())
	}
	doc = new(v2_3.Document)
	if err := guard(func() error { return spdxjson.ReadInto(bytes.NewReader(data), doc) }); err != nil {
		return nil, nil, err
	}
	back, err := encode(doc)
	if err != nil {
		return nil, nil, err
	}
	// Relationships that the library adds stand behind those of the document.
	differences, err := tree.Library{Name: "tools-golang", Appends: true}.Differences(data, back)
	if err != nil {
		return nil, nil, fmt.Errorf("spdx: %w", err)
	}
	for _, l := range differences {
		lost = append(lost, sbom.Loss{Path: l.Path, Kind: sbom.LossKind(l.Kind), Reason: l.Reason})
	}
	return doc, lost, nil
}

// From returns tools-golang's document as a document.
func From(doc *v2_3.Document) (*sbom.Document, error) {
	data, err := encode(doc)
	if err != nil {
		return nil, err
	}
	d, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("spdx: %w", err)
	}
	return d, nil
}

// guard turns a panic of the library, such as over a null in a list, into an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		if err != nil {
			err = fmt.Errorf("spdx: %w: %w", ErrRefused, err)
		}
	}()
	return f()
}

func encode(doc *v2_3.Document) ([]byte, error) {
	var b bytes.Buffer
	err := guard(func() error {
		if doc == nil {
			return errors.New("nil")
		}
		return spdxjson.Write(doc, &b, spdxjson.Indent("  "), spdxjson.EscapeHTML(false))
	})
	return b.Bytes(), err
}
