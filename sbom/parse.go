package sbom

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/encoding"
	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/index"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// Limits of Parse.
const (
	maxBytes = 1 << 30 // a gigabyte; four bytes an offset would do for four
	maxDepth = spec.MaxDepth
)

// Parse reads an SBOM of any format: see the package comment. It checks that the text is strict JSON and has the shape
// that it needs; whether a document keeps to its specification is for [Validate].
//
// Errors wrap [ErrNotSBOM], [ErrVersion], [ErrLimit], or say what is wrong with the text.
func Parse(r io.Reader) (*Document, error) {
	data, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("sbom: %w: more than %d bytes", ErrLimit, maxBytes)
	}
	return parse(data)
}

// readAll reads to the end or over the limit, into memory that is not much larger, because a Document keeps it.
func readAll(r io.Reader) ([]byte, error) {
	size := 0
	switch r := r.(type) {
	case interface{ Len() int }:
		size = r.Len()
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil {
			size = int(min(info.Size(), maxBytes))
		}
	}
	b := bytes.NewBuffer(make([]byte, 0, min(size, maxBytes)+bytes.MinRead))
	_, err := b.ReadFrom(io.LimitReader(r, maxBytes+1))
	return b.Bytes(), err
}

func parse(data []byte) (*Document, error) {
	d := &Document{source: data}
	err := d.decode()
	if err == nil {
		err = d.read()
	}
	return d.checked(err)
}

// parseJSON reads what is known to be JSON.
func parseJSON(data []byte) (*Document, error) {
	d := &Document{encoding: JSON, source: data, json: withoutMark(data)}
	return d.checked(d.read())
}

// newDocument reads a document whose JSON form is known.
func newDocument(data []byte, f *encoding.Source) (*Document, error) {
	d := &Document{encoding: Encoding(f.Name), form: f, source: data, json: f.Text}
	return d.checked(d.read())
}

func (d *Document) checked(err error) (*Document, error) {
	if err != nil {
		if errors.Is(err, strictjson.ErrLimit) {
			err = fmt.Errorf("%w: %w", ErrLimit, err)
		}
		return nil, fmt.Errorf("sbom: %w", err)
	}
	return d, nil
}

// read indexes the document in one pass, whatever its specification: the members that tell are at its top.
func (d *Document) read() error {
	x := &d.found
	*x = index.Index{Text: d.json, Encoding: string(d.encoding), Root: index.None, Put: d.put}
	d.components = make([]Component, 0, len(d.json)/1024) // what most documents need
	readers := make([]index.Reader, 0, len(specifications))
	for _, s := range slices.Backward(specifications) { // a graph passes over what others have at the top
		readers = append(readers, s.Index(x))
	}
	var other foreign
	r := strictjson.NewReader(d.json, strictjson.Limits{Depth: maxDepth})
	for name := range r.Object("bomFormat", "specVersion", "spdxVersion", "@context", "@graph") {
		if !slices.ContainsFunc(readers, func(m index.Reader) bool { return m.Member(r, name) }) {
			other.member(r, name)
		}
	}
	if err := r.End(); err != nil {
		return err
	}
	for _, reader := range readers {
		if !reader.Is() {
			continue
		}
		if err := reader.Finish(); err != nil {
			return err
		}
		if x.Reshaped != nil {
			d.json = x.Reshaped
			return d.read()
		}
		d.format = Format{Spec(x.Specification), x.Version}
		return nil
	}
	for _, c := range x.Contexts {
		other.context(c)
	}
	if other.name != "" {
		return fmt.Errorf("%w: it is %s", ErrNotSBOM, other.name)
	}
	return fmt.Errorf("%w: it has neither bomFormat and specVersion of CycloneDX nor spdxVersion or @context of SPDX, or more than one "+
		"of them", ErrNotSBOM)
}

// put takes a component that was found.
func (d *Document) put(at index.Ref, c index.Component) {
	for int(at) > len(d.components) { // those around it
		d.components = append(d.components, Component{})
	}
	if v := (Component{c.ID, c.Kind, c.Group, c.Name, c.Version, c.PURL, c.Raw}); int(at) == len(d.components) {
		d.components = append(d.components, v)
	} else {
		d.components[at] = v
	}
}

// decode makes the JSON form of a document in another encoding.
func (d *Document) decode() error {
	f, err := encoding.Read(d.source)
	if err != nil {
		return err
	}
	if f == nil && form.FirstByte(d.source) != '{' {
		return fmt.Errorf("%w: it is neither a JSON object nor XML nor tag-value nor YAML", ErrNotSBOM)
	}
	d.encoding, d.json = JSON, withoutMark(d.source)
	if f != nil {
		d.form, d.encoding, d.json = f, Encoding(f.Name), f.Text
	}
	return nil
}
