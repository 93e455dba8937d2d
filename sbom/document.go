package sbom

import (
	"bytes"
	"errors"
	"fmt"
	"iter"

	"github.com/ladingdev/lading/sbom/internal/encoding"
	"github.com/ladingdev/lading/sbom/internal/index"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// Kinds of failure, for errors.Is.
var (
	ErrNotSBOM = spec.ErrNotSBOM                           // of no specification that is known
	ErrVersion = spec.ErrVersion                           // of a known specification
	ErrNotJSON = errors.New("the document is not in JSON") // Convert makes it so
	ErrLimit   = spec.ErrLimit                             // of size, depth or count
	ErrLoss    = spec.ErrLoss                              // under ConvertOptions.Strict
)

// A Ref is a component of one Document: its place in document order, from zero. None stands for no component.
// It holds in that document alone, as an index does in one slice: another may have no such component, and its methods panic then.
type Ref int32

// None is the Ref of what a document refers to and does not describe.
const None Ref = -1

// Document is an SBOM: its bytes, unchanged, and where everything stands in them. It is immutable and safe for
// concurrent use.
type Document struct {
	format     Format
	encoding   Encoding
	form       *encoding.Source // of a source that is not in JSON
	source     []byte           // as read
	json       []byte           // the source, or its JSON form
	found      index.Index      // by reading, but for the components
	components []Component
	memos      memos
}

// Component is what a document says of one piece of software or hardware: the facts that everybody asks for, and Raw
// for the rest. Texts are views of the document.
type Component struct {
	ID      string // bom-ref in CycloneDX, SPDXID in SPDX; unique in the document, empty if CycloneDX gives none
	Kind    string // CycloneDX's type, or SPDX's primaryPackagePurpose; "file" for files of SPDX
	Group   string // CycloneDX only
	Name    string
	Version string
	PURL    string // the first, if SPDX gives several
	raw     []byte
}

// Raw returns the component's text as it stands in the document: a view, not to be changed.
func (c *Component) Raw() []byte { return c.raw }

// A RelationshipType says how one component relates to another.
type RelationshipType string

// The types that both specifications know. SPDX documents have others too, by their own names; the types that SPDX
// also has reversed, such as DEPENDENCY_OF, are turned round.
const (
	DependsOn RelationshipType = "DEPENDS_ON" // From needs To
	Contains  RelationshipType = "CONTAINS"   // To is part of From
)

// A Relationship goes from one component to another. One end may be None: the document refers to what it does not
// describe.
type Relationship struct {
	From, To Ref
	Type     RelationshipType
}

// Format returns the document's specification and version.
func (d *Document) Format() Format { return d.format }

// Bytes returns the document as it was read or made: a view, not to be changed.
func (d *Document) Bytes() []byte { return d.source }

// Encoding returns what the document's bytes are written in.
func (d *Document) Encoding() Encoding { return d.encoding }

// MarshalJSON returns the document's bytes, but for a byte order mark, which makes it a predicate that is signed to the letter. A
// document in
// another encoding is not turned into JSON in silence: the error is [ErrNotJSON], and [Convert] to the document's own
// Format does it.
func (d *Document) MarshalJSON() ([]byte, error) {
	if d.encoding != JSON {
		return nil, fmt.Errorf("sbom: %w but in %s", ErrNotJSON, d.encoding)
	}
	return withoutMark(d.source), nil
}

// withoutMark leaves out a byte order mark, which a reader of JSON may ignore (RFC 8259, section 8.1) and some programs
// write.
func withoutMark(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\ufeff")) }

// text is the document in JSON as it was read, but for a byte order mark: of SPDX 3 in another shape than the one that is
// indexed, its own.
func (d *Document) text() []byte {
	if d.encoding == JSON {
		return withoutMark(d.source)
	}
	return d.json
}

// PredicateType returns the in-toto predicate type that SBOMs of this specification are attested under.
func (d *Document) PredicateType() string {
	switch {
	case d.format.Spec == CycloneDX:
		return "https://cyclonedx.org/bom"
	case isSPDX2(d.format):
		return "https://spdx.dev/Document"
	}
	return "https://spdx.dev/Document/v3"
}

// MediaType returns the media type of the document's encoding.
func (d *Document) MediaType() string {
	if d.form != nil {
		return d.form.MediaType
	}
	switch {
	case d.format.Spec == CycloneDX:
		return "application/vnd.cyclonedx+json"
	case isSPDX2(d.format):
		return "application/spdx+json"
	}
	return "application/ld+json"
}

// Name returns the document's own name, which CycloneDX does not have, and ID its serial number or namespace.
func (d *Document) Name() string { return d.found.Name }

// ID returns CycloneDX's serialNumber or SPDX's documentNamespace.
func (d *Document) ID() string { return d.found.ID }

// Created returns the time at which the document says it was made, as it says it.
func (d *Document) Created() string { return d.found.Created }

// Len returns the number of components.
func (d *Document) Len() int { return len(d.components) }

// Component returns one component. The Ref must be of this document and not None.
func (d *Document) Component(ref Ref) *Component { return &d.components[ref] }

// Components yields every component in document order; one that contains others comes before them.
func (d *Document) Components() iter.Seq2[Ref, *Component] {
	return func(yield func(Ref, *Component) bool) {
		for i := range d.components {
			if !yield(Ref(i), &d.components[i]) {
				return
			}
		}
	}
}
