package sbom

import (
	"fmt"

	"github.com/ladingdev/lading/sbom/internal/encoding"
	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// ErrEncoding means that a document of this format is not written in an encoding.
var ErrEncoding = spec.ErrEncoding

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
	report := &Report{From: d.format, To: d.format, Open: d.form != nil && !d.form.Closed}
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
	if to == JSON {
		reportExtras(d.form, report)
		return finishEncoding(d.json, nil, o, report)
	}
	e := encoding.Of(string(to), specOf(d.format).Name)
	if e == nil || e.Write == nil {
		return nil, nil, fmt.Errorf("sbom: %w: %v in %v", ErrEncoding, d.format, to)
	}
	written, err := e.Write(root, d.format.Version, false)
	if err != nil {
		return nil, nil, fmt.Errorf("sbom: %w", err)
	}
	report.loseWritten(written.Losses, to)
	var read *encoding.Source // what the text was found to say
	if written.Reread {
		var back *tree.Node
		if read, back, err = encoding.ReadAs(e, &form.Input{Data: written.Data}); err != nil {
			return nil, report, fmt.Errorf("sbom: %w", err)
		}
		known := make(map[*tree.Node]bool, len(written.Losses)) // true: not in the output
		for _, l := range written.Losses {
			known[l.Value] = l.Changed == ""
		}
		again := tree.Rereading{Known: known, Reason: "the " + string(to) + " form says it otherwise"}
		report.lose(again.Compare(root, back)...)
	}
	return finishEncoding(written.Data, read, o, report)
}

// finishEncoding returns the document of a text, of which it may be known already what it says.
func finishEncoding(data []byte, read *encoding.Source, o *ConvertOptions, report *Report) (*Document, *Report, error) {
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
