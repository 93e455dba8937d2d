package sbom

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spdx3"
)

// spdx3Reader indexes an SPDX 3.0 document: the JSON-LD that the specification's context fixes, which is plain JSON
// (spdx.github.io/spdx-spec/v3.0.1, annex "RDF model and serializations").
type spdx3Reader struct {
	d         *Document
	context   string
	own       bool   // there is a context in the document itself
	renamed   bool   // there are other contexts, which nothing here reads
	unknown   string // a class that SPDX does not have
	many      bool   // there is a @graph
	beside    bool   // there are other members at the top
	links     spdx3Links
	documents []spdx3Collection
	inner     []spdx3Collection // software_Sbom, Bom and Bundle
	licences  spdx3.Licences
	creations map[string]string // when, by the IDs of CreationInfo
	created   string            // of the document, by its CreationInfo's ID
	first     string            // time in the document
	err       error
	odd       bool // the shape is not the one that is read in one pass
}

// A spdx3Link is a relationship. Most have one end and no scope: there are so many of them that what they weigh is a good part
// of the time of reading.
type spdx3Link struct {
	from, kind, to string
	rest           *spdx3LinkRest
}

type spdx3LinkRest struct {
	scope string
	to    []string // the other ends
}

func (l *spdx3Link) scope() string {
	if l.rest == nil {
		return ""
	}
	return l.rest.scope
}

// ends yields what a relationship goes to.
func (l *spdx3Link) ends(yield func(string) bool) {
	if l.to != "" && !yield(l.to) || l.rest == nil {
		return
	}
	for _, to := range l.rest.to {
		if !yield(to) {
			return
		}
	}
}

// spdx3Links are relationships in pieces, which grow without being moved.
type spdx3Links [][]spdx3Link

func (s *spdx3Links) add(l spdx3Link) {
	if n := len(*s); n == 0 || len((*s)[n-1]) == cap((*s)[n-1]) {
		*s = append(*s, make([]spdx3Link, 0, 16<<min(n, 8)))
	}
	last := &(*s)[len(*s)-1]
	*last = append(*last, l)
}

func (s spdx3Links) all(yield func(*spdx3Link) bool) {
	for _, piece := range s {
		for i := range piece {
			if !yield(&piece[i]) {
				return
			}
		}
	}
}

type spdx3Collection struct {
	id    string
	roots []string
}

// spdx3Kinds are the classes of elements that are components, with the kind of those that do not say.
var spdx3Kinds = map[string]string{
	"software_Package": "", "software_File": "file", "software_Snippet": "snippet",
	"ai_AIPackage": "model", "dataset_DatasetPackage": "data",
}

func (s *spdx3Reader) graph(r *strictjson.Reader) {
	s.many = true
	if r.Kind() == strictjson.Object {
		s.element(r)
		return
	}
	for range r.Array() {
		s.element(r)
	}
}

func (s *spdx3Reader) element(r *strictjson.Reader) {
	if k := r.Kind(); k != strictjson.Object && k != strictjson.None {
		r.Fail(fmt.Errorf("%w: an element of @graph that is no object", strictjson.ErrType))
		return
	}
	var (
		class, from, kind, created, expression, info, scope, to string
		more, roots, parts                                      []string
		c                                                       Component
	)
	start := r.Offset()
	for name := range r.Object() {
		switch string(name) {
		case "type", "@type":
			class = view(r)
		case "spdxId", "@id":
			c.ID = view(r)
		case "name":
			c.Name = view(r)
		case "software_packageVersion":
			c.Version = view(r)
		case "software_packageUrl":
			c.PURL = view(r)
		case "software_primaryPurpose":
			c.Kind = view(r)
		case "externalIdentifier":
			if purl := s.purl(r); c.PURL == "" {
				c.PURL = purl
			}
		case "from":
			if r.Kind() == strictjson.String {
				from = view(r)
			} else if refs := s.refs(r); len(refs) > 0 {
				from = refs[0]
			}
		case "to":
			to, more = s.ends(r)
		case "scope":
			scope = view(r)
		case "creationInfo":
			if r.Kind() == strictjson.String {
				info = view(r)
			} else {
				created = s.creation(r)
			}
		case "relationshipType":
			kind = view(r)
		case "rootElement":
			roots = s.refs(r)
		case "created":
			created = view(r)
		case "simplelicensing_licenseExpression":
			expression = view(r)
		case "expandedlicensing_member", "expandedlicensing_subjectLicense", "expandedlicensing_subjectExtendableLicense",
			"expandedlicensing_subjectAddition":
			if refs := s.refs(r); string(name) == "expandedlicensing_subjectAddition" {
				parts = append(parts, refs...)
			} else {
				parts = append(refs, parts...)
			}
		case "@context", "summary", "description", "comment":
		case "@reverse", "@nest":
			s.refuse(name)
		default:
			s.odd = s.odd || bytes.IndexByte(name, ':') >= 0 && spdx3.MayBeTerm(string(name))
			if k := r.Kind(); k == strictjson.Object || k == strictjson.Array {
				s.skim(r, name)
			}
		}
	}
	if r.Err() != nil {
		return
	}
	if spdx3.MayBeTerm(class) || spdx3.MayBeTerm(kind) || spdx3.MayBeTerm(scope) || spdx3.MayBeTerm(c.Kind) {
		s.odd = true
		return
	}
	if s.first == "" {
		s.first = created
	}
	if own, ok := spdx3Kinds[class]; ok {
		if c.Kind == "" || own == "file" || own == "snippet" { // what a file is for does not make it something else
			c.Kind = own
		}
		c.raw = s.d.json[start:r.Offset()]
		if _, err := s.d.add(c); err != nil {
			r.Fail(err)
		}
		return
	}
	if strings.HasPrefix(class, "simplelicensing_") || strings.HasPrefix(class, "expandedlicensing_") {
		if s.licences == nil {
			s.licences = spdx3.Licences{}
		}
		s.licences[c.ID] = spdx3.Licence{Class: class, Expr: expression, Parts: parts}
		return
	}
	switch class {
	case "SpdxDocument":
		s.d.id, s.d.name = c.ID, c.Name
		s.created = info
		if info == "" {
			s.d.created = created
		}
		s.documents = append(s.documents, spdx3Collection{c.ID, roots})
	case "software_Sbom", "Bom", "Bundle":
		s.inner = append(s.inner, spdx3Collection{c.ID, roots})
	case "CreationInfo":
		if s.creations == nil {
			s.creations = map[string]string{}
		}
		s.creations[c.ID] = created
	default:
		if kind != "" {
			l := spdx3Link{from: from, kind: kind, to: to}
			if scope != "" || more != nil {
				l.rest = &spdx3LinkRest{scope, more}
			}
			s.links.add(l)
		} else if c.ID != "" && !spdx3.IsElementClass(class) { // a part, which belongs to what refers to it
			s.odd = true
		}
		if !spdx3.IsElementClass(class) && strings.IndexByte(class, ':') < 0 {
			s.unknown = cmp.Or(s.unknown, class)
		}
	}
}

// contexts reads the contexts of a document, of which SPDX's is one.
func (s *spdx3Reader) contexts(r *strictjson.Reader) (urls []string) {
	one := func() {
		switch r.Kind() {
		case strictjson.String:
			c := view(r)
			if urls = append(urls, c); strings.HasPrefix(c, spdx3.ContextBase) {
				s.context = c
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
func (s *spdx3Reader) refs(r *strictjson.Reader) (out []string) {
	switch r.Kind() {
	case strictjson.String:
		return []string{view(r)}
	case strictjson.Array:
		for range r.Array() {
			if r.Kind() == strictjson.String {
				out = append(out, view(r))
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
func (s *spdx3Reader) ends(r *strictjson.Reader) (first string, more []string) {
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
			first = view(r)
		default:
			more = append(more, view(r))
		}
	}
	return first, more
}

// inPlace reads an object that stands in place of a reference: an element or, as other writers of JSON-LD have it, its id.
func (s *spdx3Reader) inPlace(r *strictjson.Reader) {
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
func (s *spdx3Reader) creation(r *strictjson.Reader) (created string) {
	if r.Null() {
		return ""
	}
	for name := range r.Object("created") {
		if string(name) == "created" {
			created = view(r)
		} else if k := r.Kind(); k == strictjson.Object || k == strictjson.Array {
			s.look(r, spdx3.IsPart(string(name)))
		}
	}
	return created
}

// purl reads external identifiers, and returns the first package URL.
func (s *spdx3Reader) purl(r *strictjson.Reader) (purl string) {
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
				kind = view(r)
			case "identifier":
				id = view(r)
			default:
				if k := r.Kind(); k == strictjson.Object || k == strictjson.Array {
					s.look(r, false)
				}
			}
		}
		s.odd = s.odd || spdx3.MayBeTerm(kind)
		if purl == "" && (kind == "packageUrl" || kind == "purl") {
			purl = id
		}
	}
	return purl
}

func (s *spdx3Reader) finish() error {
	version, ok := strings.CutPrefix(s.context, spdx3.ContextBase)
	version, _, _ = strings.Cut(version, "/")
	if !ok || version != "3.0.1" && version != "3.0.0" {
		return fmt.Errorf("%w: @context %.80q", ErrVersion, s.context)
	}
	s.d.format = Format{SPDX, version}
	if !s.many { // the document is one element
		r := strictjson.NewReader(s.d.json, strictjson.Limits{Depth: maxDepth})
		s.element(r)
		if err := r.End(); err != nil {
			return err
		}
	}
	switch {
	case s.err != nil:
		return s.err
	case s.own:
		return fmt.Errorf("%w: a @context inside of the document, which could call anything by another name: use SPDX's alone", ErrVersion)
	case s.renamed && s.unknown != "":
		return fmt.Errorf("%w: class %.80q of another @context: use SPDX's alone", ErrVersion, s.unknown)
	}
	if s.odd || s.many && s.beside {
		return s.reshape()
	}
	if s.d.created == "" {
		if s.d.created = s.creations[s.created]; s.d.created == "" {
			s.d.created = s.first
		}
	}
	roots := s.documents
	if len(roots) == 0 {
		roots = s.inner
	}
	inner, relationships, licences := s.inner, s.links, s.licences
	s.d.claims = func() map[Ref][]LicenseClaim {
		m, l := map[Ref][]LicenseClaim{}, links{ids: s.d.lookups.ids()}
		for r := range relationships.all {
			role := map[string]string{"hasDeclaredLicense": "declared", "hasConcludedLicense": "concluded"}[r.kind]
			from := l.ref(r.from)
			if role == "" || from == None {
				continue
			}
			for to := range r.ends {
				expression := licences.Expression(to, nil)
				if expression != "" {
					m[from] = append(m[from], spdxClaim(role, expression))
				}
			}
		}
		return m
	}
	s.d.link = func(l *links) {
		collections := map[string][]string{}
		for _, c := range inner {
			collections[c.id] = c.roots
		}
		seen := map[string]bool{}
		var about func(ids []string)
		about = func(ids []string) { // what a collection is about may be a collection
			for _, id := range ids {
				if ref := l.ref(id); ref != None {
					l.root(ref)
				} else if !seen[id] {
					seen[id] = true
					about(collections[id])
				}
			}
		}
		for _, c := range roots {
			about(c.roots)
		}
		// A document describes what it is about, or what it is about is an SBOM that does.
		top := map[string]bool{}
		for _, c := range roots {
			top[c.id] = true
			for _, id := range c.roots {
				top[id] = true
			}
		}
		for r := range relationships.all {
			t, turned := model.FromSPDX3(r.kind, r.scope())
			from := l.ref(r.from)
			for to := range r.ends {
				if t == model.Describes && from == None && top[r.from] {
					l.root(l.ref(to))
				} else if turned {
					l.add(l.ref(to), from, t)
				} else {
					l.add(from, l.ref(to), t)
				}
			}
		}
	}
	return nil
}
