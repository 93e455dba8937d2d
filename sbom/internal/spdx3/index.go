package spdx3

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/index"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// indexReader indexes a document: the JSON-LD that the specification's context fixes, which is plain JSON
// (spdx.github.io/spdx-spec/v3.0.1, annex "RDF model and serializations").
type indexReader struct {
	x         *index.Index
	own       bool   // there is a context in the document itself
	renamed   bool   // there are other contexts, which nothing here reads
	unknown   string // a class that SPDX does not have
	many      bool   // there is a @graph
	beside    bool   // there are other members at the top
	links     linkList
	documents []collection
	inner     []collection // software_Sbom, Bom and Bundle
	licences  Licences
	creations map[string]string // when, by the IDs of CreationInfo
	created   string            // of the document, by its CreationInfo's ID
	first     string            // time in the document
	err       error
	odd       bool // the shape is not the one that is read in one pass
}

// A link is a relationship. Most have one end and no scope: there are so many of them that what they weigh is a good part
// of the time of reading.
type link struct {
	from, kind, to string
	rest           *linkRest
}

type linkRest struct {
	scope string
	to    []string // the other ends
}

func (l *link) scope() string {
	if l.rest == nil {
		return ""
	}
	return l.rest.scope
}

// ends yields what a relationship goes to.
func (l *link) ends(yield func(string) bool) {
	if l.to != "" && !yield(l.to) || l.rest == nil {
		return
	}
	for _, to := range l.rest.to {
		if !yield(to) {
			return
		}
	}
}

// linkList are relationships in pieces, which grow without being moved.
type linkList [][]link

func (s *linkList) add(l link) {
	if n := len(*s); n == 0 || len((*s)[n-1]) == cap((*s)[n-1]) {
		*s = append(*s, make([]link, 0, 16<<min(n, 8)))
	}
	last := &(*s)[len(*s)-1]
	*last = append(*last, l)
}

func (s linkList) all(yield func(*link) bool) {
	for _, piece := range s {
		for i := range piece {
			if !yield(&piece[i]) {
				return
			}
		}
	}
}

type collection struct {
	id    string
	roots []string
}

// componentClasses are the classes of elements that are components, with the kind of those that do not say.
var componentClasses = map[string]string{
	"software_Package": "", "software_File": "file", "software_Snippet": "snippet",
	"ai_AIPackage": "model", "dataset_DatasetPackage": "data",
}

// Index returns a reader of the document of an index.
func Index(x *index.Index) index.Reader { return &indexReader{x: x} }

// Member reads what only documents of SPDX 3 have. Behind a context of theirs, other members are passed over.
func (s *indexReader) Member(r *strictjson.Reader, name []byte) bool {
	switch string(name) {
	case "@context":
		s.x.Contexts = append(s.x.Contexts, s.contexts(r)...)
	case "@graph":
		s.graph(r)
	case "bomFormat", "specVersion", "spdxVersion":
		return false
	default:
		s.beside = true
		return s.x.Context != ""
	}
	return true
}

// Is reports whether there is a context of SPDX, and nothing by which other readers would take the document for another one.
func (s *indexReader) Is() bool {
	return s.x.Context != "" && s.x.Specification == "" && s.x.BOMFormat == ""
}

func (s *indexReader) graph(r *strictjson.Reader) {
	s.many = true
	if r.Kind() == strictjson.Object {
		s.element(r)
		return
	}
	for range r.Array() {
		s.element(r)
	}
}

// An element is what the index keeps of one, or needs to know what it is.
type element struct {
	index.Component
	class, from, kind, created, expression, info, scope, to string
	more, roots, parts                                      []string
}

func (s *indexReader) element(r *strictjson.Reader) {
	if k := r.Kind(); k != strictjson.Object && k != strictjson.None {
		r.Fail(fmt.Errorf("%w: an element of @graph that is no object", strictjson.ErrType))
		return
	}
	var e element
	start := r.Offset()
	for name := range r.Object() {
		s.member(r, name, &e)
	}
	if r.Err() != nil {
		return
	}
	if MayBeTerm(e.class) || MayBeTerm(e.kind) || MayBeTerm(e.scope) || MayBeTerm(e.Kind) {
		s.odd = true
		return
	}
	if s.first == "" {
		s.first = e.created
	}
	own, ok := componentClasses[e.class]
	if !ok {
		s.note(&e)
		return
	}
	if e.Kind == "" || own == "file" || own == "snippet" { // what a file is for does not make it something else
		e.Kind = own
	}
	e.Raw = s.x.Text[start:r.Offset()]
	if ref, err := s.x.Next(); err != nil {
		r.Fail(err)
	} else {
		s.x.Put(ref, e.Component)
	}
}

// member reads a member of an element.
func (s *indexReader) member(r *strictjson.Reader, name []byte, e *element) {
	switch string(name) {
	case "type", "@type":
		e.class = index.View(r)
	case "spdxId", "@id":
		e.ID = index.View(r)
	case "name":
		e.Name = index.View(r)
	case "software_packageVersion":
		e.Version = index.View(r)
	case "software_packageUrl":
		e.PURL = index.View(r)
	case "software_primaryPurpose":
		e.Kind = index.View(r)
	case "externalIdentifier":
		if purl := s.purl(r); e.PURL == "" {
			e.PURL = purl
		}
	case "from":
		if r.Kind() == strictjson.String {
			e.from = index.View(r)
		} else if refs := s.refs(r); len(refs) > 0 {
			e.from = refs[0]
		}
	case "to":
		e.to, e.more = s.ends(r)
	case "scope":
		e.scope = index.View(r)
	case "creationInfo":
		if r.Kind() == strictjson.String {
			e.info = index.View(r)
		} else {
			e.created = s.creation(r)
		}
	case "relationshipType":
		e.kind = index.View(r)
	case "rootElement":
		e.roots = s.refs(r)
	case "created":
		e.created = index.View(r)
	case "simplelicensing_licenseExpression":
		e.expression = index.View(r)
	case "expandedlicensing_subjectAddition":
		e.parts = append(e.parts, s.refs(r)...)
	case "expandedlicensing_member", "expandedlicensing_subjectLicense", "expandedlicensing_subjectExtendableLicense":
		e.parts = append(s.refs(r), e.parts...)
	case "@context", "summary", "description", "comment":
	case "@reverse", "@nest":
		s.refuse(name)
	default:
		s.odd = s.odd || bytes.IndexByte(name, ':') >= 0 && MayBeTerm(string(name))
		if k := r.Kind(); k == strictjson.Object || k == strictjson.Array {
			s.skim(r, name)
		}
	}
}

// note keeps an element that is no component.
func (s *indexReader) note(e *element) {
	if strings.HasPrefix(e.class, "simplelicensing_") || strings.HasPrefix(e.class, "expandedlicensing_") {
		if s.licences == nil {
			s.licences = Licences{}
		}
		s.licences[e.ID] = Licence{Class: e.class, Expr: e.expression, Parts: e.parts}
		return
	}
	switch e.class {
	case "SpdxDocument":
		s.x.ID, s.x.Name = e.ID, e.Name
		s.created = e.info
		if e.info == "" {
			s.x.Created = e.created
		}
		s.documents = append(s.documents, collection{e.ID, e.roots})
	case "software_Sbom", "Bom", "Bundle":
		s.inner = append(s.inner, collection{e.ID, e.roots})
	case "CreationInfo":
		if s.creations == nil {
			s.creations = map[string]string{}
		}
		s.creations[e.ID] = e.created
	default:
		s.other(e)
	}
}

// other keeps a relationship, or notes that there is something odd.
func (s *indexReader) other(e *element) {
	if e.kind != "" {
		l := link{from: e.from, kind: e.kind, to: e.to}
		if e.scope != "" || e.more != nil {
			l.rest = &linkRest{e.scope, e.more}
		}
		s.links.add(l)
	} else if e.ID != "" && !IsElementClass(e.class) { // a part, which belongs to what refers to it
		s.odd = true
	}
	if !IsElementClass(e.class) && strings.IndexByte(e.class, ':') < 0 {
		s.unknown = cmp.Or(s.unknown, e.class)
	}
}

// contexts reads the contexts of a document, of which SPDX's is one.
func (s *indexReader) contexts(r *strictjson.Reader) (urls []string) {
	one := func() {
		switch r.Kind() {
		case strictjson.String:
			c := index.View(r)
			if urls = append(urls, c); strings.HasPrefix(c, ContextBase) {
				s.x.Context = c
			} else {
				s.renamed = true
			}
		case strictjson.Object:
			s.own = true
		}
	}
	if r.Kind() != strictjson.Array {
		one()
		return urls
	}
	for range r.Array() {
		one()
	}
	return urls
}

// refs reads references to elements.
func (s *indexReader) refs(r *strictjson.Reader) (out []string) {
	switch r.Kind() {
	case strictjson.String:
		return []string{index.View(r)}
	case strictjson.Array:
		for range r.Array() {
			if r.Kind() == strictjson.String {
				out = append(out, index.View(r))
			} else {
				s.inPlace(r)
			}
		}
	default:
		s.inPlace(r)
	}
	return out
}

// ends reads references to elements as the first and the others.
func (s *indexReader) ends(r *strictjson.Reader) (first string, more []string) {
	if r.Kind() != strictjson.Array {
		if refs := s.refs(r); len(refs) > 0 {
			return refs[0], nil
		}
		return "", nil
	}
	for i := range r.Array() {
		switch {
		case r.Kind() != strictjson.String:
			s.inPlace(r)
		case i == 0:
			first = index.View(r)
		default:
			more = append(more, index.View(r))
		}
	}
	return first, more
}

// inPlace reads an object that stands in place of a reference: an element or, as other writers of JSON-LD have it, its id.
func (s *indexReader) inPlace(r *strictjson.Reader) {
	if r.Null() {
		return
	}
	was := s.odd
	s.odd = false
	s.look(r, false)
	if !s.odd && r.Err() == nil {
		r.Fail(fmt.Errorf("%w: a reference that is neither an id nor an element", strictjson.ErrType))
	}
	s.odd = s.odd || was
}

// creation reads creation information that stands in an element, and returns its time.
func (s *indexReader) creation(r *strictjson.Reader) (created string) {
	if r.Null() {
		return ""
	}
	for name := range r.Object("created") {
		if string(name) == "created" {
			created = index.View(r)
		} else if k := r.Kind(); k == strictjson.Object || k == strictjson.Array {
			s.look(r, IsPart(string(name)))
		}
	}
	return created
}

// purl reads external identifiers, and returns the first package URL.
func (s *indexReader) purl(r *strictjson.Reader) (purl string) {
	if r.Kind() != strictjson.Array {
		s.look(r, true)
		return ""
	}
	for range r.Array() {
		if r.Kind() != strictjson.Object {
			s.look(r, true)
			continue
		}
		var kind, id string
		for name := range r.Object() {
			switch string(name) {
			case "externalIdentifierType":
				kind = index.View(r)
			case "identifier":
				id = index.View(r)
			default:
				if k := r.Kind(); k == strictjson.Object || k == strictjson.Array {
					s.look(r, false)
				}
			}
		}
		s.odd = s.odd || MayBeTerm(kind)
		if purl == "" && (kind == "packageUrl" || kind == "purl") {
			purl = id
		}
	}
	return purl
}

func (s *indexReader) Finish() error {
	version, ok := strings.CutPrefix(s.x.Context, ContextBase)
	version, _, _ = strings.Cut(version, "/")
	if !ok || !slices.Contains(schema.Versions("SPDX 3"), version) && version != "3.0.0" {
		return fmt.Errorf("%w: @context %.80q", spec.ErrVersion, s.x.Context)
	}
	s.x.Specification, s.x.Version = "SPDX", version
	if !s.many { // the document is one element
		r := strictjson.NewReader(s.x.Text, index.Limits)
		s.element(r)
		if err := r.End(); err != nil {
			return err
		}
	}
	switch {
	case s.err != nil:
		return s.err
	case s.own:
		return fmt.Errorf("%w: a @context inside of the document, which could call anything by another name: use SPDX's alone",
			spec.ErrVersion)
	case s.renamed && s.unknown != "":
		return fmt.Errorf("%w: class %.80q of another @context: use SPDX's alone", spec.ErrVersion, s.unknown)
	}
	if s.odd || s.many && s.beside {
		if reshaped, err := s.reshape(); reshaped || err != nil {
			return err
		}
	}
	if s.x.Created == "" {
		if s.x.Created = s.creations[s.created]; s.x.Created == "" {
			s.x.Created = s.first
		}
	}
	s.x.Claims, s.x.Link = s.claims, s.link
	return nil
}

// reshape writes the document in the shape that its specification asks for, to be read anew. It has that shape already if what
// looked odd are parts at the top that nothing refers to.
func (s *indexReader) reshape() (bool, error) {
	root, err := tree.Parse(s.x.Text)
	if err != nil {
		return false, err
	}
	shaped, _, err := Shape(root)
	if err != nil || shaped == root {
		return false, err
	}
	s.x.Reshaped = shaped.Render()
	return true, nil
}

// claims visits what relationships say of licences.
func (s *indexReader) claims(visit func(from, role, expression string)) {
	for r := range s.links.all {
		role := map[string]string{"hasDeclaredLicense": "declared", "hasConcludedLicense": "concluded"}[r.kind]
		if role == "" {
			continue
		}
		for to := range r.ends {
			if expression := s.licences.Expression(to, nil); expression != "" {
				visit(r.from, role, expression)
			}
		}
	}
}

// link finds what the document is about, and its relationships.
func (s *indexReader) link(l index.Linker) {
	roots := s.documents
	if len(roots) == 0 {
		roots = s.inner
	}
	collections := map[string][]string{}
	for _, c := range s.inner {
		collections[c.id] = c.roots
	}
	seen := map[string]bool{}
	var about func(ids []string)
	about = func(ids []string) { // what a collection is about may be a collection
		for _, id := range ids {
			if ref := l.Ref(id); ref != index.None {
				l.Root(ref)
			} else if !seen[id] {
				seen[id] = true
				about(collections[id])
			}
		}
	}
	for _, c := range roots {
		about(c.roots)
	}
	// The roots are what the document describes, or, if its root is an SBOM, what that describes.
	top := map[string]bool{}
	for _, c := range roots {
		top[c.id] = true
		for _, id := range c.roots {
			top[id] = true
		}
	}
	for r := range s.links.all {
		t, turned := model.FromSPDX3(r.kind, r.scope())
		from := l.Ref(r.from)
		for to := range r.ends {
			if t == model.Describes && from == index.None && top[r.from] {
				l.Root(l.Ref(to))
			} else if turned {
				l.Add(l.Ref(to), from, t)
			} else {
				l.Add(from, l.Ref(to), t)
			}
		}
	}
}
