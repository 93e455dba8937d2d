package sbom

import (
	"errors"
	"fmt"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/encoding"
	"github.com/ladingdev/lading/sbom/internal/encoding/cdxxml"
	"github.com/ladingdev/lading/sbom/internal/encoding/tagvalue"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/transcode"
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
	root, err := transcode.Parse(d.json, strictjson.Limits{Depth: maxDepth})
	if err != nil {
		return nil, nil, fmt.Errorf("sbom: %w", err)
	}
	report.Values = leaves(root)
	report.Represented = report.Values
	if !o.DropSignatures && d.signed() {
		return nil, nil, fmt.Errorf("sbom: %w", ErrSigned)
	}
	var data []byte
	var read *encoding.Source // what data was found to say
	drop := func(pointer string, v *transcode.Value) {
		report.Represented -= leaves(v)
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
		var lost []cdxxml.Lost
		data, lost = cdxxml.Write(root, d.format.Version, schemas)
		data = append(data, '\n')
		listed := map[*transcode.Value]bool{} // true: not in the output
		if v := root.Get("$schema"); v != nil {
			report.Represented -= leaves(v)
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
		var back *transcode.Value
		if read, back, err = encoding.ReadXML(data); err != nil {
			return nil, report, fmt.Errorf("sbom: %w", err)
		}
		// In shapes that no schema asks for, one member can be taken for another.
		c := comparison{report: report, listed: listed}
		c.compare(root, back)
	case to == TagValue && isSPDX2(d.format):
		var lost []tagvalue.Lost
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

// A comparison lists what a document that was written says otherwise than the values that it was written from, but for those
// that are listed already: true are those that are not in it.
type comparison struct {
	report *Report
	listed map[*transcode.Value]bool
	path   jsonpointer.Path
}

func (c *comparison) compare(was, is *transcode.Value) {
	if len(c.listed) > 0 {
		if _, ok := c.listed[was]; ok {
			return
		}
	}
	kept := len(was.Items)
	if len(c.listed) > 0 {
		for _, v := range was.Items {
			if c.listed[v] {
				kept--
			}
		}
	}
	if is == nil || was.Kind != is.Kind || was.Text != is.Text || kept != len(is.Items) {
		c.report.Losses = append(c.report.Losses, Loss{c.path.String(), Changed, "the " + string(XML) + " form says it otherwise"})
		return
	}
	for _, m := range was.Members {
		c.path.Push(m.Name)
		c.compare(m.Value, is.Get(m.Name))
		c.path.Pop()
	}
	i := 0
	for k, v := range was.Items {
		if !c.listed[v] {
			c.path.PushIndex(k)
			c.compare(v, is.Items[i])
			c.path.Pop()
			i++
		}
	}
}

// listExtras accounts for what the JSON form has no place for.
func listExtras(f *encoding.Source, r *Report) {
	for _, e := range f.Extras {
		r.Values++
		r.Losses = append(r.Losses, Loss{e.Path, Dropped, "the JSON form has no place for it"})
	}
}

// leaves counts strings, numbers, literals and empty lists.
func leaves(v *transcode.Value) int {
	if len(v.Members) == 0 && len(v.Items) == 0 {
		return 1
	}
	n := 0
	for _, m := range v.Members {
		n += leaves(m.Value)
	}
	for _, item := range v.Items {
		n += leaves(item)
	}
	return n
}
