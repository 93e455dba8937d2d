package spdx3

import (
	"bytes"
	"fmt"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/index"
)

// What tells whether a document has the one shape that is read in one pass.

// skim reads a value in a property of an element, and looks into it if an element may stand there: one has an id or creation
// information. Looking into every hash would take a tenth of the time of reading.
func (s *indexReader) skim(r *strictjson.Reader, property []byte) {
	if raw := r.Raw(); mayHoldElement(raw) {
		s.look(strictjson.NewReader(raw, index.Limits), IsPart(string(property)))
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
func (s *indexReader) look(r *strictjson.Reader, part bool) {
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
					class = index.View(r)
				}
			default:
				others++
				if k == strictjson.Object || k == strictjson.Array {
					s.look(r, IsPart(string(name)))
				}
			}
		}
		s.odd = s.odd || IsElementClass(class) || MayBeTerm(class) || hasID && !part || named && others == 0
	}
}

// refuse notes a keyword of JSON-LD that says what an element is in a way that nothing here reads.
func (s *indexReader) refuse(keyword []byte) {
	if s.err == nil {
		s.err = fmt.Errorf("%w: %s: write what it holds as members of the elements themselves, as SPDX asks for", strictjson.ErrType,
			keyword)
	}
}
