package sbom

import (
	"errors"
	"fmt"

	"github.com/ladingdev/lading/sbom/internal/encoding"
	"github.com/ladingdev/lading/sbom/internal/encoding/cdxxml"
	"github.com/ladingdev/lading/sbom/internal/encoding/tagvalue"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// ErrEncoding means that a document of this format is not written in an encoding.
var ErrEncoding = errors.New("the format is not written in this encoding")

// Encode writes a document in another encoding of its format: CycloneDX in JSON or XML, SPDX 2 in JSON or tag-value, SPDX
// 3 in JSON. The Report accounts for every value, like that of [Convert], whose options it takes; of these, Strict and
// DropSignatures mean something here. Parts of an XML document that its JSON form has no place for, such as elements
// of other namespaces, are listed by their path of elements.
//
// Values are written as they are: what only the schema of the other encoding refuses, such as a CPE name that is none,
// is for [Validate] to say. A document that is in the encoding already is returned as it is.
func Encode(d *Document, to Encoding, o *ConvertOptions) (*Document, *Report, error) {
	if o == nil {
		o = &ConvertOptions{}
	}
	report := &Report{From: d.format, To: d.format, Open: d.form != nil && !d.form.Closed()}
	if to == d.encoding {
		return d, report, nil
	}
	if to == JSON && d.format.Spec == CycloneDX && (d.format.Version == "1.0" || d.format.Version == "1.1") {
		return nil, nil, fmt.Errorf("sbom: %w: %v in %v", ErrEncoding, d.format, to)
	}
	root, err := tree.Parse(d.json)
	if err != nil {
		return nil, nil, fmt.Errorf("sbom: %w", err)
	}
	report.Values = root.CountLeaves()
	report.Represented = report.Values
	if !o.DropSignatures && d.signed() {
		return nil, nil, fmt.Errorf("sbom: %w", ErrSigned)
	}
	var data []byte
	var read *encoding.Source // what data was found to say
	drop := func(pointer string, v *tree.Node) {
		report.Represented -= v.CountLeaves()
		report.Losses = append(report.Losses, Loss{pointer, Dropped, "the " + string(to) + " form has no place for it"})
	}
	switch {
	case to == JSON:
		data = d.json
		listExtras(d.form, report)
	case to == XML && d.format.Spec == CycloneDX:
		schemas, err := schema.CycloneDX(d.format.Version)
		if err != nil {
			return nil, nil, fmt.Errorf("sbom: %w", err)
		}
		var lost []tree.Unwritten
		data, lost = cdxxml.Write(root, d.format.Version, schemas)
		data = append(data, '\n')
		listed := map[*tree.Node]bool{} // true: not in the output
		if v := root.Get("$schema"); v != nil {
			report.Represented -= v.CountLeaves()
			report.Losses = append(report.Losses, Loss{"/$schema", Dropped, "the namespace says so"})
			listed[v] = true
		}
		for _, l := range lost {
			listed[l.Value] = l.Changed == ""
			if l.Changed != "" {
				report.Losses = append(report.Losses, Loss{l.Pointer, Changed, l.Changed})
			} else {
				drop(l.Pointer, l.Value)
			}
		}
		var back *tree.Node
		if read, back, err = encoding.ReadXML(data); err != nil {
			return nil, report, fmt.Errorf("sbom: %w", err)
		}
		// In shapes that no schema asks for, one member can be taken for another.
		again := tree.Rereading{Known: listed, Reason: "the " + string(XML) + " form says it otherwise"}
		for _, l := range again.Compare(root, back) {
			report.Losses = append(report.Losses, Loss{l.Path, LossKind(l.Kind), l.Reason})
		}
	case to == TagValue && isSPDX2(d.format):
		var lost []tree.Unwritten
		data, lost = tagvalue.Write(root)
		for _, l := range lost {
			if l.Changed != "" {
				report.Losses = append(report.Losses, Loss{l.Pointer, Changed, l.Changed})
			} else {
				drop(l.Pointer, l.Value)
			}
		}
	default:
		return nil, nil, fmt.Errorf("sbom: %w: %v in %v", ErrEncoding, d.format, to)
	}
	if o.Strict && !report.Lossless() {
		return nil, report, fmt.Errorf("sbom: %w: %d losses, the first at %s", ErrLoss, len(report.Losses), report.Losses[0].Path)
	}
	if read != nil {
		out, err := newDocument(data, read)
		return out, report, err
	}
	out, err := parse(data)
	return out, report, err
}

// listExtras accounts for what the JSON form has no place for.
func listExtras(f *encoding.Source, r *Report) {
	for _, e := range f.Extras {
		r.Values++
		r.Losses = append(r.Losses, Loss{e.Path, Dropped, "the JSON form has no place for it"})
	}
}
