package sbom

import (
	"bytes"
	"fmt"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/spdx3"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// skim reads a value in a property of an element, and looks into it if an element may stand there: one has an id or creation
// information. Looking into every hash would take a tenth of the time of reading.
func (s *spdx3Reader) skim(r *strictjson.Reader, property []byte) {
	if raw := r.Raw(); mayHoldElement(raw) {
		s.look(strictjson.NewReader(raw, strictjson.Limits{Depth: maxDepth}), spdx3.IsPart(string(property)))
	}
}

// mayHoldElement reports whether a text has "@", an escape, or a name that ends with Id or Info.
func mayHoldElement(raw []byte) bool {
	if bytes.IndexByte(raw, '@') >= 0 || bytes.IndexByte(raw, '\\') >= 0 {
		return true
	}
	for {
		i := bytes.IndexByte(raw, 'I')
		if i < 0 {
			return false
		}
		raw = raw[i+1:]
		if len(raw) > 3 && (raw[0] == 'd' && raw[1] == '"' || string(raw[:4]) == "nfo\"") {
			return true
		}
	}
}

// look reads a value in a property of an element, which may be one whose values are parts, and notes when an element stands
// in it or an object that is only a reference: then the document is read in the shape that its specification asks for.
func (s *spdx3Reader) look(r *strictjson.Reader, part bool) {
	switch r.Kind() {
	case strictjson.Array:
		for range r.Array() {
			s.look(r, part)
		}
	case strictjson.Object:
		class, hasID, named, others := "", false, false, 0
		for name := range r.Object() {
			switch k := r.Kind(); string(name) {
			case "spdxId":
				named, hasID = true, true
			case "@id":
				named = true
			case "@set":
				s.odd = true
				s.look(r, false)
			case "@reverse", "@nest":
				s.refuse(name)
				r.Skip()
			case "type", "@type":
				others++
				if k == strictjson.String {
					class = view(r)
				}
			default:
				others++
				if k == strictjson.Object || k == strictjson.Array {
					s.look(r, spdx3.IsPart(string(name)))
				}
			}
		}
		s.odd = s.odd || spdx3.IsElementClass(class) || spdx3.MayBeTerm(class) || hasID && !part || named && others == 0
	}
}

// refuse notes a keyword of JSON-LD that says what an element is in a way that nothing here reads.
func (s *spdx3Reader) refuse(keyword []byte) {
	if s.err == nil {
		s.err = fmt.Errorf("%w: %s: write what it holds as members of the elements themselves, as SPDX asks for", strictjson.ErrType,
			keyword)
	}
}

// reshape reads the document anew in the shape that its specification asks for.
func (s *spdx3Reader) reshape() error {
	root, err := tree.Parse(s.d.json)
	if err != nil {
		return err
	}
	shaped, _, err := spdx3.Shape(root)
	if err != nil {
		return err
	}
	if shaped == root { // parts at the top that nothing refers to
		s.odd = false
		return s.finish()
	}
	*s.d = Document{encoding: s.d.encoding, form: s.d.form, source: s.d.source, json: shaped.Render()}
	return s.d.read()
}
