package sbom

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"unsafe"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/encoding"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// Kinds of failure, for errors.Is.
var (
	ErrNotSBOM = spec.ErrNotSBOM                                 // of no specification that is known
	ErrVersion = spec.ErrVersion                                 // of a known specification
	ErrNotJSON = errors.New("the document is not in JSON")       // Convert makes it so
	ErrLimit   = spec.ErrLimit                                   // of size, depth or count
	ErrLoss    = errors.New("the conversion would lose content") // under ConvertOptions.Strict
)

// A Spec is a specification of SBOMs.
type Spec string

// The specifications.
const (
	CycloneDX Spec = "CycloneDX"
	SPDX      Spec = "SPDX"
)

// A Format is a specification and its version, such as CycloneDX 1.6. Documents in other encodings than JSON have the
// Format of their content.
type Format struct {
	Spec    Spec
	Version string // such as "1.6" or "2.3"
}

// String is the name and version, such as "CycloneDX 1.6".
func (f Format) String() string { return string(f.Spec) + " " + f.Version }

// An Encoding is what the bytes of a document are written in.
type Encoding string

// The encodings.
const (
	JSON     Encoding = "JSON"      // JSON-LD in SPDX 3
	XML      Encoding = "XML"       // of CycloneDX
	TagValue Encoding = "tag-value" // of SPDX 2
	YAML     Encoding = "YAML"      // of SPDX 2; its comments and spelling are not accounted for
	RDF      Encoding = "RDF"       // of SPDX 2 in XML; the same holds
)

// A Ref is a component of one Document: its place in document order, from zero. None stands for no component.
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
	name       string
	id         string
	created    string
	components []Component
	nested     []Relationship                // what stands inside what
	roots      []Ref                         // of CycloneDX, where nothing else has to be read for them
	link       func(*links)                  // reads the other relationships, which were checked, when they are asked for
	claims     func() map[Ref][]LicenseClaim // of SPDX 3, where they are relationships
	lookups    lookups
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
	d := &Document{encoding: Encoding(f.Encoding), form: f, source: data, json: f.Text}
	return d.checked(d.read())
}

func (d *Document) checked(err error) (*Document, error) {
	d.prepare()
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
	r := strictjson.NewReader(d.json, strictjson.Limits{Depth: maxDepth})
	var (
		cdx       cyclonedxReader
		spdx      spdxReader
		spdx3     spdx3Reader
		bomFormat string
		other     foreign
	)
	cdx.d, spdx.d, spdx3.d = d, d, d
	cdx.root = None
	d.components = make([]Component, 0, len(d.json)/1024) // what most documents need
	for name := range r.Object("bomFormat", "specVersion", "spdxVersion", "@context", "@graph") {
		switch string(name) {
		case "@context":
			for _, c := range spdx3.contexts(r) {
				other.context(c)
			}
		case "@graph":
			spdx3.graph(r)
		case "bomFormat":
			bomFormat = r.String()
		case "specVersion":
			d.format = Format{CycloneDX, r.String()}
		case "spdxVersion":
			d.format = Format{SPDX, r.String()}
		default:
			spdx3.beside = true
			if spdx3.context == "" && !cdx.member(r, name) && !other.member(r, name) {
				spdx.member(r, name)
			}
		}
	}
	if err := r.End(); err != nil {
		return err
	}
	switch {
	case spdx3.context != "" && d.format == Format{} && bomFormat == "":
		return spdx3.finish()
	case spdx3.context != "": // readers would not agree on what it is
	case d.format.Spec == CycloneDX && bomFormat == "CycloneDX":
		return cdx.finish()
	case d.format.Spec == SPDX && bomFormat == "":
		return spdx.finish()
	}
	if other.name != "" {
		return fmt.Errorf("%w: it is %s", ErrNotSBOM, other.name)
	}
	return fmt.Errorf("%w: it has neither bomFormat and specVersion of CycloneDX nor spdxVersion or @context of SPDX, or more than one "+
		"of them", ErrNotSBOM)
}

// decode makes the JSON form of a document in another encoding.
func (d *Document) decode() error {
	form, err := encoding.Read(d.source)
	if err != nil {
		return err
	}
	if form == nil && encoding.FirstByte(d.source) != '{' {
		return fmt.Errorf("%w: it is neither a JSON object nor XML nor tag-value nor YAML", ErrNotSBOM)
	}
	d.encoding, d.json = JSON, withoutMark(d.source)
	if form != nil {
		d.form, d.encoding, d.json = form, Encoding(form.Encoding), form.Text
	}
	return nil
}

// view returns the text of a string: a view of the document, which never changes.
func view(r *strictjson.Reader) string {
	if r.Null() {
		return ""
	}
	text := r.Text()
	return unsafe.String(unsafe.SliceData(text), len(text))
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
	if d.format.Spec == CycloneDX {
		if d.encoding == XML {
			return "application/vnd.cyclonedx+xml"
		}
		return "application/vnd.cyclonedx+json"
	}
	switch d.encoding {
	case TagValue:
		return "text/spdx"
	case YAML:
		return "application/spdx+yaml"
	case RDF:
		return "application/spdx+xml"
	}
	if d.format.Version[0] == '3' {
		return "application/ld+json"
	}
	return "application/spdx+json"
}

// Name returns the document's own name, which CycloneDX does not have, and ID its serial number or namespace.
func (d *Document) Name() string { return d.name }

// ID returns CycloneDX's serialNumber or SPDX's documentNamespace.
func (d *Document) ID() string { return d.id }

// Created returns the time at which the document says it was made, as it says it.
func (d *Document) Created() string { return d.created }

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

// Roots returns what the document is about: CycloneDX's metadata.component, or what SPDX's document describes.
func (d *Document) Roots() []Ref {
	if d.format.Spec == CycloneDX {
		return d.roots
	}
	return d.lookups.links().roots
}

// Relationships yields every relationship, in the order of the document, those of nesting first.
func (d *Document) Relationships() iter.Seq[Relationship] {
	return func(yield func(Relationship) bool) {
		for _, e := range d.lookups.links().edges {
			if !yield(e) {
				return
			}
		}
	}
}

// ByID returns the component with an ID.
func (d *Document) ByID(id string) (Ref, bool) {
	ref, ok := d.lookups.ids()[id]
	if !ok {
		return None, false
	}
	return ref, true
}

// add appends a component and enters its ID.
func (d *Document) add(c Component) (Ref, error) {
	if len(d.components) == 1<<31-1 {
		return None, fmt.Errorf("%w: too many components", ErrLimit)
	}
	ref := Ref(len(d.components))
	d.components = append(d.components, c)
	return ref, nil
}
