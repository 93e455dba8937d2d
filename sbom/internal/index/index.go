// Package index holds what one fast pass over a document finds: where its components stand, and how to find what relates them.
// The folder of each specification has a Reader that fills it.
package index

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// A Ref is the place of a component in document order, from zero.
type Ref = int32

// None is the Ref of what a document refers to and does not describe.
const None Ref = -1

// An Index is what is found of one document in its JSON form.
type Index struct {
	Text     []byte               // the JSON form
	Encoding string               // that it was read from
	Put      func(Ref, Component) // takes components; those inside of others come before these

	Name, ID, Created string
	Root              Ref                              // what the document is about, if that is known without its relationships
	Nested            [][2]Ref                         // the outer and the inner of components that stand in others
	Link              func(Linker)                     // finds the relationships, which were checked, when they are asked for
	Claims            func(func(from, role, e string)) // finds licences, by ID and as an expression, where they are relationships
	Reshaped          []byte                           // the document in the shape that its specification asks for, to be read instead

	Head
	count int
}

// A Head is what a document says that it is.
type Head struct {
	BOMFormat     string
	Specification string   // whose member says the version, the last if several do
	Version       string   // as the document writes it, and as Formats has it when it was finished
	Context       string   // SPDX's, of JSON-LD
	Contexts      []string // all of them
}

// A Component is what is found of one component. Texts are views of the document.
type Component struct {
	ID, Kind, Group, Name, Version, PURL string
	Raw                                  []byte // all of its text
}

// A Linker takes relationships. It knows components by their IDs: one that is not described is None.
type Linker interface {
	Ref(id string) Ref
	Add(from, to Ref, kind model.Relation)
	Root(ref Ref) // of what the document is about
}

// A Reader fills the index of a document that may be of one specification.
type Reader interface {
	// Member reads a member of the document, and reports whether it is one of the specification's that others need not see.
	Member(r *strictjson.Reader, name []byte) bool
	// Is reports whether the members that were read say that the document is of the specification.
	Is() bool
	// Finish checks the version, and makes what can be asked for later. Errors wrap spec.ErrVersion.
	Finish() error
}

// Next returns the place of the next component.
func (x *Index) Next() (Ref, error) {
	if x.count == math.MaxInt32 {
		return None, fmt.Errorf("%w: too many components", spec.ErrLimit)
	}
	x.count++
	return Ref(x.count - 1), nil
}

// View returns the text of a string: a view of the document, which never changes. Of null it returns nothing.
func View(r *strictjson.Reader) string {
	if r.Null() {
		return ""
	}
	text := r.Text()
	return unsafe.String(unsafe.SliceData(text), len(text))
}

// Views returns the strings of a list.
func Views(r *strictjson.Reader) (out []string) {
	if r.Null() {
		return nil
	}
	for range r.Array() {
		out = append(out, View(r))
	}
	return out
}

// Limits are those of every reader of a document.
var Limits = strictjson.Limits{Depth: spec.MaxDepth}
