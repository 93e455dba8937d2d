// Package spdxrdf reads the RDF/XML encoding of SPDX 2.2 and 2.3 into its JSON form.
//
// It reads the statements of a document as a graph first, so that it does not matter what is written inside of what.
// What the JSON form has no place for is listed. What a document repeats of the SPDX licence list, such as the texts of
// listed licences, is not: the licence's id stands for it.
package spdxrdf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/encoding/xmltree"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// ErrRDF is the kind of failure of a document that is not RDF/XML as this package reads it, for errors.Is.
var ErrRDF = errors.New("not valid SPDX in RDF/XML")

const (
	rdf   = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	spdx  = "http://spdx.org/rdf/terms#"
	rdfs  = "http://www.w3.org/2000/01/rdf-schema#"
	lists = "http://spdx.org/licenses/"
)

// Detect reports whether a document is RDF/XML.
func Detect(d *xmltree.Document) bool {
	space, local := d.Name(d.Root)
	return space == rdf && local == "RDF"
}

// A node is a resource: what the document says of it.
type node struct {
	id         string // IRI, or _: and a name
	types      []string
	props      []prop
	start, end int
}

// A prop is one statement: either the text or the resource is given.
type prop struct {
	space, name string
	text        string
	to          *node
	start, end  int
	element     xmltree.Node
}

type reader struct {
	*xmltree.Document
	nodes  map[string]*node
	order  []*node
	anon   int
	used   map[*prop]bool
	work   int
	root   *tree.Node
	about  *node             // the document
	others map[string]string // URI of another document to its DocumentRef
}

// Read turns a document into its JSON form.
func Read(d *xmltree.Document) (*tree.Node, []form.Extra, error) {
	r := &reader{
		Document: d, nodes: map[string]*node{}, used: map[*prop]bool{}, work: 20*len(d.Data) + 1_000_000, others: map[string]string{},
	}
	for el := range d.Elements(d.Root) {
		if _, err := r.node(el); err != nil {
			return nil, nil, err
		}
	}
	v, err := r.document()
	if err != nil {
		return nil, nil, err
	}
	if r.work < 0 {
		return nil, nil, xmltree.Refuse(0, xmltree.ErrLimit, "resources inside of each other that take too much work to write out")
	}
	var extras []form.Extra
	for _, n := range r.order {
		if n.is("License") || n.is("ListedLicense") || n.is("ListedLicenseException") || n.is("LicenseException") || n.is("ReferenceType") {
			continue
		}
		for i := range n.props {
			if p := &n.props[i]; !r.used[p] {
				extras = append(extras, form.Extra{Path: d.Path(p.element), Start: p.start, End: p.end})
			}
		}
	}
	return v, extras, nil
}

func (r *reader) fail(el xmltree.Node, format string, args ...any) error {
	start, _ := r.Span(el)
	return xmltree.Refuse(start, ErrRDF, format, args...)
}

func (r *reader) get(id string) *node {
	n := r.nodes[id]
	if n == nil {
		n = &node{id: id}
		r.nodes[id] = n
		r.order = append(r.order, n)
	}
	return n
}

func (r *reader) blank() *node {
	r.anon++
	return r.get(fmt.Sprintf("_: %d", r.anon)) // with a blank, as no rdf:nodeID can have
}

func (n *node) is(typ string) bool { return slices.Contains(n.types, typ) }

// node reads a node element.
func (r *reader) node(el xmltree.Node) (*node, error) {
	space, local := r.Name(el)
	var n *node
	for _, a := range r.Attrs(el) {
		if a.Space != rdf {
			continue
		}
		switch a.Name {
		case "about":
			n = r.get(a.Value)
		case "ID":
			n = r.get("#" + a.Value)
		case "nodeID":
			n = r.get("_:" + a.Value)
		}
	}
	if n == nil {
		n = r.blank()
	}
	start, end := r.Span(el)
	if n.end == 0 {
		n.start, n.end = start, end
	}
	if space != rdf || local != "Description" {
		n.types = append(n.types, local)
	}
	for _, a := range r.Attrs(el) { // property attributes
		if a.Space != rdf && a.Space != xmltree.NamespaceXMLNS && a.Space != xmltree.NamespaceXML && a.Space != "" {
			n.props = append(n.props, prop{a.Space, a.Name, a.Value, nil, a.Start, a.End, el})
		}
	}
	for p := range r.Elements(el) {
		if err := r.property(n, p); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (r *reader) property(n *node, el xmltree.Node) error {
	start, end := r.Span(el)
	p := prop{start: start, end: end, element: el}
	p.space, p.name = r.Name(el)
	for _, a := range r.Attrs(el) {
		if a.Space != rdf {
			continue
		}
		switch a.Name {
		case "resource":
			p.to = r.get(a.Value)
		case "nodeID":
			p.to = r.get("_:" + a.Value)
		case "datatype":
		case "parseType":
			if a.Value != "Resource" {
				return r.fail(el, "rdf:parseType %q, which is not read", a.Value)
			}
			p.to = r.blank()
			p.to.start, p.to.end = start, end
			for k := range r.Elements(el) {
				if err := r.property(p.to, k); err != nil {
					return err
				}
			}
		default:
			return r.fail(el, "the attribute rdf:%s, which is not read", a.Name)
		}
	}
	if p.to == nil {
		for k := range r.Elements(el) {
			if p.to != nil {
				return r.fail(el, "two resources as the value of one property")
			}
			var err error
			if p.to, err = r.node(k); err != nil {
				return err
			}
		}
	}
	if p.to == nil {
		p.text = r.Text(el)
	}
	if p.space == rdf && p.name == "type" && p.to != nil {
		_, local := cut(p.to.id)
		n.types = append(n.types, local)
		return nil
	}
	n.props = append(n.props, p)
	return nil
}

// cut divides an IRI in front of its fragment.
func cut(iri string) (space, local string) {
	if i := strings.LastIndexByte(iri, '#'); i >= 0 {
		return iri[:i], iri[i+1:]
	}
	return iri, ""
}

// all yields the statements of n with a name, in the namespace of SPDX or one that it borrows from, and marks them used.
func (r *reader) all(n *node, name string) func(func(*prop) bool) {
	return func(yield func(*prop) bool) {
		for i := range n.props {
			if r.work--; r.work < 0 {
				return
			}
			if p := &n.props[i]; p.name == name {
				r.used[p] = true
				if !yield(p) {
					return
				}
			}
		}
	}
}

func (r *reader) document() (*tree.Node, error) {
	for _, n := range r.order {
		if n.is("SpdxDocument") {
			if r.about != nil {
				return nil, r.fail(r.Root, "two documents")
			}
			r.about = n
		}
	}
	if r.about == nil {
		return nil, r.fail(r.Root, "no SpdxDocument")
	}
	d := r.about
	r.root = tree.ObjectAt(d.start, d.end)
	namespace, _ := cut(d.id)
	r.root.Set("SPDXID", tree.TextAt(r.id(d), d.start, d.end))
	if namespace != "" {
		r.root.Set("documentNamespace", tree.TextAt(namespace, d.start, d.end))
	}
	for p := range r.all(d, "externalDocumentRef") {
		if p.to == nil {
			continue
		}
		ref := tree.ObjectAt(p.start, p.end)
		r.fill(ref, p.to, documentRefFields)
		if id, uri := ref.Get("externalDocumentId"), ref.Get("spdxDocument"); id != nil && uri != nil {
			r.others[uri.Text] = id.Text
		}
		r.root.AddAt("externalDocumentRefs", ref)
	}
	r.fill(r.root, d, documentFields)
	for _, n := range r.order {
		for _, class := range classes {
			if !slices.ContainsFunc(class.types, n.is) {
				continue
			}
			o := tree.ObjectAt(n.start, n.end)
			if class.id != "" {
				o.Set(class.id, tree.TextAt(r.id(n), n.start, n.end))
			}
			r.fill(o, n, class.fields)
			if class.member == "snippets" {
				r.ranges(o, n)
			}
			r.root.AddAt(class.member, o)
			break
		}
	}
	for _, n := range r.order {
		for p := range r.all(n, "relationship") {
			if p.to == nil {
				continue
			}
			o := tree.ObjectAt(p.start, p.end)
			o.Set("spdxElementId", tree.TextAt(r.id(n), p.start, p.end))
			r.fill(o, p.to, relationshipFields)
			r.root.AddAt("relationships", o)
		}
	}
	return r.root, nil
}

// id is what the JSON form calls a resource.
func (r *reader) id(n *node) string {
	switch n.id {
	case spdx + "noassertion":
		return "NOASSERTION"
	case spdx + "none":
		return "NONE"
	}
	space, local := cut(n.id)
	own, _ := cut(r.about.id)
	if space == own || space == "" {
		return local
	}
	if ref := r.others[space]; ref != "" {
		return ref + ":" + local
	}
	if id, ok := strings.CutPrefix(n.id, lists); ok {
		return id
	}
	return n.id
}

// How a property becomes a member.
type spelling uint8

const (
	text     spelling = iota // also NONE and NOASSERTION
	texts                    // elements of an array
	boolean                  // true or false
	upper                    // an individual such as checksumAlgorithm_sha1: SHA1
	uppers                   //
	ref                      // the id of an element
	refs                     //
	license                  // an expression
	licenses                 //
	object                   // by the fields given
	objects                  //
	iri                      // the IRI as it is
)

type field struct {
	name   string // of the property
	member string
	form   spelling
	fields []field
}

var (
	checksumFields = []field{{"algorithm", "algorithm", upper, nil}, {"checksumValue", "checksumValue", text, nil}}
	noteFields     = []field{
		{"annotator", "annotator", text, nil}, {"annotationDate", "annotationDate", text, nil},
		{"annotationType", "annotationType", upper, nil}, {"comment", "comment", text, nil},
	}
	documentRefFields = []field{
		{"externalDocumentId", "externalDocumentId", text, nil}, {"spdxDocument", "spdxDocument", iri, nil},
		{"checksum", "checksum", object, checksumFields},
	}
	relationshipFields = []field{
		{"relationshipType", "relationshipType", upper, nil}, {"relatedSpdxElement", "relatedSpdxElement", ref, nil},
		{"comment", "comment", text, nil},
	}
	documentFields = []field{
		{"specVersion", "spdxVersion", text, nil}, {"name", "name", text, nil}, {"dataLicense", "dataLicense", license, nil},
		{"comment", "comment", text, nil},
		{"creationInfo", "creationInfo", object, []field{
			{"created", "created", text, nil}, {"creator", "creators", texts, nil},
			{"licenseListVersion", "licenseListVersion", text, nil}, {"comment", "comment", text, nil},
		}},
		{"annotation", "annotations", objects, noteFields},
		{"reviewed", "revieweds", objects, []field{
			{"reviewer", "reviewer", text, nil}, {"reviewDate", "reviewDate", text, nil}, {"comment", "comment", text, nil},
		}},
		{"describesPackage", "documentDescribes", refs, nil},
		{"hasExtractedLicensingInfo", "", refs, nil}, // they are there by their class
	}
	itemFields = []field{
		{"licenseConcluded", "licenseConcluded", license, nil}, {"licenseComments", "licenseComments", text, nil},
		{"copyrightText", "copyrightText", text, nil}, {"comment", "comment", text, nil}, {"name", "name", text, nil},
		{"attributionText", "attributionTexts", texts, nil}, {"annotation", "annotations", objects, noteFields},
	}
)

// classes are the resources that have a list of their own in the document.
var classes = []struct {
	types  []string
	member string
	id     string
	fields []field
}{
	{[]string{"Package"}, "packages", "SPDXID", append([]field{
		{"versionInfo", "versionInfo", text, nil}, {"packageFileName", "packageFileName", text, nil},
		{"supplier", "supplier", text, nil}, {"originator", "originator", text, nil},
		{"downloadLocation", "downloadLocation", text, nil}, {"filesAnalyzed", "filesAnalyzed", boolean, nil},
		{"packageVerificationCode", "packageVerificationCode", object, []field{
			{"packageVerificationCodeValue", "packageVerificationCodeValue", text, nil},
			{"packageVerificationCodeExcludedFile", "packageVerificationCodeExcludedFiles", texts, nil},
		}},
		{"checksum", "checksums", objects, checksumFields}, {"homepage", "homepage", text, nil},
		{"sourceInfo", "sourceInfo", text, nil}, {"licenseInfoFromFiles", "licenseInfoFromFiles", licenses, nil},
		{"licenseDeclared", "licenseDeclared", license, nil}, {"summary", "summary", text, nil},
		{"description", "description", text, nil}, {"hasFile", "hasFiles", refs, nil},
		{"primaryPackagePurpose", "primaryPackagePurpose", upper, nil}, {"releaseDate", "releaseDate", text, nil},
		{"builtDate", "builtDate", text, nil}, {"validUntilDate", "validUntilDate", text, nil},
		{"externalRef", "externalRefs", objects, []field{
			{"referenceCategory", "referenceCategory", upper, nil}, {"referenceType", "referenceType", iri, nil},
			{"referenceLocator", "referenceLocator", text, nil}, {"comment", "comment", text, nil},
		}},
	}, itemFields...)},
	{[]string{"File"}, "files", "SPDXID", append([]field{
		{"fileName", "fileName", text, nil}, {"fileType", "fileTypes", uppers, nil}, {"checksum", "checksums", objects, checksumFields},
		{"licenseInfoInFile", "licenseInfoInFiles", licenses, nil}, {"noticeText", "noticeText", text, nil},
		{"fileContributor", "fileContributors", texts, nil}, {"fileDependency", "fileDependencies", refs, nil},
	}, itemFields...)},
	{[]string{"Snippet"}, "snippets", "SPDXID", append([]field{
		{"snippetFromFile", "snippetFromFile", ref, nil}, {"licenseInfoInSnippet", "licenseInfoInSnippets", licenses, nil},
	}, itemFields...)},
	{[]string{"ExtractedLicensingInfo"}, "hasExtractedLicensingInfos", "", []field{
		{"licenseId", "licenseId", text, nil}, {"extractedText", "extractedText", text, nil}, {"name", "name", text, nil},
		{"comment", "comment", text, nil}, {"seeAlso", "seeAlsos", texts, nil},
	}},
}

// fill adds the members that n has properties for. What occurs twice where one is allowed stays unused.
func (r *reader) fill(o *tree.Node, n *node, fields []field) {
	for _, f := range fields {
		for p := range r.all(n, f.name) {
			if f.member == "" {
				continue
			}
			one := func(v *tree.Node) {
				if o.Get(f.member) != nil {
					r.used[p] = false
					return
				}
				o.Set(f.member, v)
			}
			str := func(s string) *tree.Node { return tree.TextAt(s, p.start, p.end) }
			switch f.form {
			case text:
				one(str(r.plain(p)))
			case texts:
				o.AddAt(f.member, str(r.plain(p)))
			case boolean:
				switch p.text {
				case "true", "1":
					one(tree.LiteralAt("true", p.start, p.end))
				case "false", "0":
					one(tree.LiteralAt("false", p.start, p.end))
				default:
					one(str(p.text))
				}
			case upper:
				one(str(r.upper(p)))
			case uppers:
				o.AddAt(f.member, str(r.upper(p)))
			case ref:
				one(str(r.plain(p)))
			case refs:
				o.AddAt(f.member, str(r.plain(p)))
			case license:
				one(str(r.license(p, 0)))
			case licenses:
				o.AddAt(f.member, str(r.license(p, 0)))
			case iri:
				if p.to == nil {
					one(str(p.text))
				} else if rest, ok := strings.CutPrefix(p.to.id, "http://spdx.org/rdf/references/"); ok {
					one(str(rest))
				} else {
					one(str(p.to.id))
				}
			case object, objects:
				if p.to == nil {
					r.used[p] = false
					continue
				}
				sub := tree.ObjectAt(p.start, p.end)
				r.fill(sub, p.to, f.fields)
				if f.form == object {
					one(sub)
				} else {
					o.AddAt(f.member, sub)
				}
			}
		}
	}
}

func (r *reader) plain(p *prop) string {
	if p.to != nil {
		return r.id(p.to)
	}
	return p.text
}

// upper turns relationshipType_dynamicLink into DYNAMIC_LINK.
func (r *reader) upper(p *prop) string {
	if p.to == nil {
		return p.text
	}
	_, local := cut(p.to.id)
	kind, name, ok := strings.Cut(local, "_")
	if !ok {
		return r.id(p.to)
	}
	if kind == "checksumAlgorithm" {
		name = strings.ToUpper(name)
		if rest, ok := strings.CutPrefix(name, "SHA3"); ok && rest != "84" && !strings.HasPrefix(rest, "_") &&
			!strings.HasPrefix(rest, "-") {
			name = "SHA3-" + rest
		}
		return strings.Replace(strings.Replace(name, "SHA3_", "SHA3-", 1), "BLAKE2B_", "BLAKE2b-", 1)
	}
	var b strings.Builder
	for _, c := range name {
		if c >= 'A' && c <= 'Z' && b.Len() > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(c)
	}
	words := strings.ToUpper(b.String())
	if kind == "referenceCategory" && !r.isPackageManager22(words) {
		words = strings.ReplaceAll(words, "_", "-")
	}
	return words
}

// isPackageManager22 knows the one category whose words the JSON schema of SPDX 2.2 joins otherwise than that of 2.3.
func (r *reader) isPackageManager22(words string) bool {
	version := r.root.Get("spdxVersion")
	return words == "PACKAGE_MANAGER" && version != nil && version.Text == "SPDX-2.2"
}

const maxLicenseDepth = 50

// license writes a licence, or a set of them, as an expression.
func (r *reader) license(p *prop, depth int) string {
	if p.to == nil {
		return p.text
	}
	n := p.to
	set := func(operator string) string {
		var members []string
		for m := range r.all(n, "member") {
			if depth > maxLicenseDepth {
				return "NOASSERTION AND ..." // which is no expression
			}
			members = append(members, r.license(m, depth+1))
		}
		joined := strings.Join(members, operator)
		if depth > 0 && len(members) > 1 {
			return "(" + joined + ")"
		}
		return joined
	}
	switch {
	case n.is("ConjunctiveLicenseSet"):
		return set(" AND ")
	case n.is("DisjunctiveLicenseSet"):
		return set(" OR ")
	case n.is("OrLaterOperator"):
		return set("") + "+"
	case n.is("WithExceptionOperator"):
		expr := set("")
		for e := range r.all(n, "licenseException") {
			name := r.plain(e)
			if e.to != nil {
				for id := range r.all(e.to, "licenseExceptionId") {
					name = id.text
				}
			}
			expr += " WITH " + name
		}
		return expr
	case n.is("ExtractedLicensingInfo"):
		for i := range n.props {
			if n.props[i].name == "licenseId" {
				return n.props[i].text
			}
		}
	}
	return r.id(n)
}

// ranges adds the parts of a file that a snippet is.
func (r *reader) ranges(o *tree.Node, n *node) {
	for p := range r.all(n, "range") {
		if p.to == nil {
			continue
		}
		rg := tree.ObjectAt(p.start, p.end)
		for _, name := range []string{"startPointer", "endPointer"} {
			for q := range r.all(p.to, name) {
				if q.to == nil || rg.Get(name) != nil {
					r.used[q] = false
					continue
				}
				r.pointer(rg.Set(name, tree.ObjectAt(q.start, q.end)), q.to)
			}
		}
		o.AddAt("ranges", rg)
	}
}

// pointer reads where in a file a snippet begins or ends.
func (r *reader) pointer(o *tree.Node, n *node) {
	for _, member := range []string{"offset", "lineNumber"} {
		for v := range r.all(n, member) {
			if o.Get(member) == nil && isNumber(v.text) {
				o.Set(member, tree.LiteralAt(v.text, v.start, v.end))
			} else {
				r.used[v] = false
			}
		}
	}
	r.fill(o, n, []field{{"reference", "reference", ref, nil}})
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
}
