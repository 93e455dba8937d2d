package sbom_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/regress"
	"github.com/ladingdev/lading/sbom"
)

// TestRegress judges each testdata/regress/NAME.in: what Parse finds, what Validate says, and what becomes of it in other formats
// and encodings.
func TestRegress(t *testing.T) {
	regress.Run(t, func(_ *testing.T, in []byte) string {
		var b strings.Builder
		doc, err := sbom.Parse(bytes.NewReader(in))
		if err != nil {
			fmt.Fprintf(&b, "parse: %v\n%s", err, validity(in))
			return b.String()
		}
		fmt.Fprintf(&b, "parse: %v, %v\n", doc.Format(), doc.Encoding())
		found := contents(doc)
		writeLines(&b, "  ", found)
		b.WriteString(validity(in))
		for _, target := range []sbom.Format{{Spec: sbom.CycloneDX, Version: "1.6"}, {Spec: sbom.SPDX, Version: "2.3"},
			{Spec: sbom.SPDX, Version: "3.0.1"}} {
			if target != doc.Format() {
				out, report, err := sbom.Convert(doc, target, nil)
				fmt.Fprintf(&b, "to %v: %s", target, outcome(found, out, report, err))
			}
		}
		for _, target := range []sbom.Encoding{sbom.JSON, sbom.XML, sbom.TagValue} {
			if out, report, err := sbom.Encode(doc, target, nil); target != doc.Encoding() && !errors.Is(err, sbom.ErrEncoding) {
				fmt.Fprintf(&b, "to %v: %s", target, outcome(found, out, report, err))
			}
		}
		return b.String()
	})
}

func writeLines(b *strings.Builder, mark string, lines []string) {
	for _, line := range lines {
		b.WriteString(mark + line + "\n")
	}
}

// contents are a document's facts, one a line. IDs are left out, as each format has its own.
func contents(d *sbom.Document) (out []string) {
	out = append(out, fields("", d.About())...)
	name := func(r sbom.Ref) string {
		if r == sbom.None {
			return "(not in the document)"
		}
		c := d.Component(r)
		return strings.TrimSpace(cmp.Or(c.Name, "(no name)") + " " + c.Version)
	}
	for r, c := range d.Components() {
		kind := ""
		if slices.Contains(d.Roots(), r) {
			kind = "root, "
		}
		out = append(out, fmt.Sprintf("component %s (%s)", name(r), strings.TrimSuffix(kind+strings.ToLower(c.Kind), ", ")))
		out = append(out, fields("  ", d.Details(r))...)
	}
	for e := range d.Relationships() {
		out = append(out, fmt.Sprintf("%s %s %s", name(e.From), e.Type, name(e.To)))
	}
	return out
}

// fields are the fields of a struct that are not empty, each value of a list on a line of its own.
func fields(indent string, v any) (out []string) {
	s := reflect.Indirect(reflect.ValueOf(v))
	for i := range s.NumField() {
		name, f := s.Type().Field(i).Name, s.Field(i)
		switch {
		case f.IsZero() || f.Kind() == reflect.Map && f.Len() == 0:
		case f.Kind() == reflect.Slice:
			for k := range f.Len() {
				out = append(out, indent+name+": "+text(f.Index(k)))
			}
		default:
			out = append(out, indent+name+": "+text(f))
		}
	}
	return out
}

func text(v reflect.Value) string {
	v = reflect.Indirect(v)
	if state, ok := v.Interface().(sbom.State); ok {
		return map[sbom.State]string{sbom.Value: "value", sbom.NoAssertion: "NOASSERTION", sbom.NoValue: "NONE"}[state]
	}
	_, named := v.Interface().(fmt.Stringer)
	switch {
	case named || v.Kind() != reflect.Struct && v.Kind() != reflect.String:
		return fmt.Sprint(v.Interface())
	case v.Kind() == reflect.String:
		return strconv.Quote(v.String())
	}
	return strings.Join(fields("", v.Interface()), ", ")
}

// validity is what Validate says.
func validity(data []byte) string {
	var b strings.Builder
	warnings, err := sbom.Validate(data)
	var invalid *sbom.InvalidError
	switch {
	case err == nil:
		b.WriteString("validate: valid\n")
	case errors.As(err, &invalid):
		fmt.Fprintf(&b, "validate: not valid %s\n", invalid.Format)
		for _, p := range invalid.Problems {
			fmt.Fprintf(&b, "  %v\n", p)
		}
	default:
		fmt.Fprintf(&b, "validate: %v\n", err)
	}
	for _, w := range warnings {
		fmt.Fprintf(&b, "  warning: %v\n", w)
	}
	return b.String()
}

// outcome is what becomes of a document with the contents found: what the report says, what Validate says of the output, and what is
// read of it that is not in the input or the reverse.
func outcome(found []string, out *sbom.Document, report *sbom.Report, err error) string {
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d values represented, %s", report.Represented, report.Values,
		strings.TrimPrefix(validity(out.Bytes()), "validate: "))
	for _, l := range report.Losses {
		fmt.Fprintf(&b, "  %v %s: %s\n", l.Kind, l.Path, l.Reason)
	}
	back := contents(out)
	writeLines(&b, "  - ", slices.DeleteFunc(slices.Clone(found), func(s string) bool { return slices.Contains(back, s) }))
	writeLines(&b, "  + ", slices.DeleteFunc(back, func(s string) bool { return slices.Contains(found, s) }))
	return b.String()
}
