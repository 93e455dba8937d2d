package sbom

import (
	"fmt"

	"github.com/ladingdev/lading/sbom/internal/edit"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// ErrPath means that an edit names a place that the document does not have, or one that another edit touches.
var ErrPath = spec.ErrPath

// An Edit is one change of a document. Paths are RFC 6901 pointers into the document before all edits.
//
//   - A Value for a path that exists replaces what is there.
//   - A Value for a member that its object does not have adds it as the last one.
//   - A Value for "-", the place behind the last element of an array, adds it there: "/components/-".
//   - With Insert, a Value for an element goes in front of it.
//   - No Value removes what is there.
type Edit struct {
	Path   string
	Value  []byte // JSON text
	Insert bool
}

// Edit returns the document with changes made. Every byte that no edit touches stays as it is; what is added is
// set off like its neighbours. Two edits cannot touch the same value, nor one inside another.
//
// In CycloneDX XML and tag-value, paths are those of the JSON form; the elements and lines that change are written anew,
// or the error is [ErrEncoding] where they cannot be. Documents in YAML, RDF and SPDX XML are only read.
//
// Errors wrap [ErrPath], [ErrNotJSON], [ErrSigned] for a document with a signature inside that is not itself removed,
// or say what is wrong with a Value or with the result, which is read like any other document.
func (d *Document) Edit(edits ...Edit) (*Document, error) {
	list := make([]edit.Edit, len(edits))
	for i, e := range edits {
		list[i] = edit.Edit(e)
	}
	if d.encoding != JSON {
		return d.editEncoded(list)
	}
	text := d.text()
	out, err := edit.JSON(text, list)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	mark := d.source[:len(d.source)-len(text)]
	return parseJSON(append(mark[:len(mark):len(mark)], out...))
}

// editEncoded edits a document in another encoding than JSON. The result is read back and must say what the edited JSON form
// says.
func (d *Document) editEncoded(edits []edit.Edit) (*Document, error) {
	if !d.form.Closed {
		return nil, fmt.Errorf("sbom: %w but in %s, which is only read", ErrNotJSON, d.encoding)
	}
	if d.form.Signed {
		return nil, fmt.Errorf("sbom: %w", ErrSigned)
	}
	if _, err := parseJSON(d.json); err != nil { // of a version that has no JSON
		return nil, err
	}
	text, err := edit.JSON(d.json, edits)
	if err != nil {
		return d, fmt.Errorf("sbom: %w", err)
	}
	edited, err := parseJSON(text)
	if err != nil || len(edits) == 0 {
		return d, err
	}
	if d.form.Write == nil {
		return nil, fmt.Errorf("sbom: %w but in %s of %s", ErrNotJSON, d.encoding, d.format)
	}
	old, err := tree.Parse(d.json)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	now, err := tree.Parse(edited.json)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	data, err := edit.Encoded(d.source, d.form, d.format.Version, old, now, edits)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	out, err := parse(data)
	if err != nil {
		return nil, err
	}
	back, err := tree.Parse(out.json)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	if !now.Same(back) {
		return nil, fmt.Errorf("sbom: %w: the %s form of this document cannot say that at this place", ErrEncoding, d.encoding)
	}
	return out, nil
}
