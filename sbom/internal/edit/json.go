// Package edit changes documents in place: every byte that no edit touches stays as it is.
package edit

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// An Edit is one change of a document: see sbom.Edit.
type Edit struct {
	Path   string
	Value  []byte
	Insert bool
}

// JSON makes changes in a text.
func JSON(text []byte, edits []Edit) ([]byte, error) {
	tape, err := jsonschema.Parse(text, strictjson.Limits{Depth: spec.MaxDepth})
	if err != nil {
		return nil, err
	}
	w := editor{tape: tape, changes: map[jsonschema.Node]*change{}}
	for _, e := range edits {
		if err := w.plan(e); err != nil {
			return nil, fmt.Errorf("edit of %q: %w", e.Path, err)
		}
	}
	if len(edits) > 0 {
		if err := w.signatures(tape.Root()); err != nil {
			return nil, err
		}
	}
	root := tape.Raw(tape.Root())
	start := tape.Offset(tape.Root())
	out := append(make([]byte, 0, len(text)+64*len(edits)), text[:start]...)
	out = w.emit(out, tape.Root())
	return append(out, text[start+len(root):]...), nil
}

// A change is what happens to one value.
type change struct {
	inside  bool // an edit is further in
	removed bool
	value   []byte   // replaces it
	before  [][]byte // inserted in front of it
	last    [][]byte // added to it behind the last member or element
}

type editor struct {
	tape    *jsonschema.Document
	changes map[jsonschema.Node]*change
}

func (w *editor) change(n jsonschema.Node) *change {
	c := w.changes[n]
	if c == nil {
		c = &change{}
		w.changes[n] = c
	}
	return c
}

func (w *editor) plan(e Edit) error {
	if e.Value != nil {
		if err := strictjson.Check(e.Value, strictjson.Limits{Depth: spec.MaxDepth}); err != nil {
			return err
		}
	}
	if e.Path == "" || e.Path[0] != '/' || !utf8.ValidString(e.Path) {
		return spec.ErrPath
	}
	at, parent := w.tape.Root(), jsonschema.Node(-1)
	parts := strings.Split(e.Path[1:], "/")
	for i, part := range parts {
		if c := w.changes[at]; c != nil && (c.removed || c.value != nil) {
			return fmt.Errorf("%w: another edit replaces what holds it", spec.ErrPath)
		}
		part = jsonpointer.Unescape(part)
		parent, at = at, w.child(at, part)
		if at >= 0 {
			continue
		}
		kind := w.tape.Kind(parent)
		if i < len(parts)-1 || e.Value == nil || e.Insert || kind != strictjson.Object && (kind != strictjson.Array || part != "-") {
			return spec.ErrPath
		}
		added := e.Value
		if kind == strictjson.Object {
			added = append(append(strictjson.AppendString(nil, part), ": "...), e.Value...)
		}
		w.mark(parts[:i])
		c := w.change(parent)
		c.inside, c.last = true, append(c.last, added)
		return nil
	}
	c := w.change(at)
	switch {
	case e.Insert && (w.tape.Kind(parent) != strictjson.Array || e.Value == nil):
		return fmt.Errorf("%w: only elements of arrays are inserted", spec.ErrPath)
	case e.Insert:
		c.before = append(c.before, e.Value)
	case c.removed || c.value != nil || c.inside:
		return fmt.Errorf("%w: another edit touches it", spec.ErrPath)
	case e.Value == nil:
		c.removed = true
	default:
		c.value = e.Value
	}
	w.mark(parts[:len(parts)-1])
	return nil
}

// mark notes that something changes inside the values along a path.
func (w *editor) mark(parts []string) {
	at := w.tape.Root()
	w.change(at).inside = true
	for _, part := range parts {
		at = w.child(at, jsonpointer.Unescape(part))
		w.change(at).inside = true
	}
}

func (w *editor) child(n jsonschema.Node, part string) jsonschema.Node {
	if w.tape.Kind(n) == strictjson.Object {
		return w.tape.Member(n, part)
	}
	want, err := strconv.Atoi(part)
	if err != nil || part != strconv.Itoa(want) {
		return -1
	}
	for i, v := range w.tape.Elements(n) {
		if i == want {
			return v
		}
	}
	return -1
}

// signatures refuses a change under a signature.
func (w *editor) signatures(n jsonschema.Node) error {
	if c := w.changes[n]; c != nil && (c.removed || c.value != nil) {
		return nil
	}
	for k, v := range w.tape.Members(n) {
		c := w.changes[v]
		if string(w.tape.Text(k)) == "signature" && w.tape.Kind(v) == strictjson.Object && (c == nil || !c.removed && c.value == nil) {
			// A signature covers the object that it stands in.
			if h := w.changes[n]; h != nil && h.inside {
				return spec.ErrSigned
			}
		}
		if err := w.signatures(v); err != nil {
			return err
		}
	}
	for _, v := range w.tape.Elements(n) {
		if err := w.signatures(v); err != nil {
			return err
		}
	}
	return nil
}

// emit writes a value with its changes.
func (w *editor) emit(out []byte, n jsonschema.Node) []byte {
	c := w.changes[n]
	switch {
	case c == nil:
		return append(out, w.tape.Raw(n)...)
	case c.value != nil:
		return append(out, c.value...)
	case !c.inside:
		return append(out, w.tape.Raw(n)...)
	}
	data, start := w.tape.Data, w.tape.Offset(n)
	end := start + len(w.tape.Raw(n)) - 1
	type part struct {
		start, value int
		node         jsonschema.Node
	}
	var parts []part
	for k, v := range w.tape.Members(n) {
		parts = append(parts, part{w.tape.Offset(k), w.tape.Offset(v), v})
	}
	for _, v := range w.tape.Elements(n) {
		parts = append(parts, part{w.tape.Offset(v), w.tape.Offset(v), v})
	}
	endOf := func(i int) int { return parts[i].value + len(w.tape.Raw(parts[i].node)) }
	first, between, after := []byte(nil), []byte(","), []byte(nil)
	if len(parts) > 0 {
		first, after = data[start+1:parts[0].start], data[endOf(len(parts)-1):end]
		between = append([]byte{','}, first...)
		if len(parts) > 1 {
			between = data[endOf(0):parts[1].start]
		}
	}
	out = append(out, data[start])
	written := false
	separate := func(own []byte) {
		switch {
		case !written:
			out = append(out, first...)
		default:
			out = append(out, own...)
		}
		written = true
	}
	for i, p := range parts {
		change := w.changes[p.node]
		if change != nil {
			for _, v := range change.before {
				separate(between)
				out = append(out, v...)
			}
			if change.removed {
				continue
			}
		}
		own := between
		if i > 0 {
			own = data[endOf(i-1):p.start]
		}
		separate(own)
		out = append(out, data[p.start:p.value]...)
		out = w.emit(out, p.node)
	}
	for _, v := range c.last {
		separate(between)
		out = append(out, v...)
	}
	if written {
		out = append(out, after...)
	}
	return append(out, data[end])
}
