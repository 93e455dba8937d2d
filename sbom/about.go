package sbom

import (
	"maps"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/index"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/cdx"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spdx2"
	"github.com/ladingdev/lading/sbom/internal/spdx3"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A Party is a person, an organization or a tool.
type Party struct {
	Kind    string // "Person", "Organization", "Tool", or "" where the document does not say
	Name    string
	Email   string
	URL     string
	Version string // of a tool; in SPDX 2 it is a part of the name
}

// About is what a document says of itself.
type About struct {
	Version      string   // of the document: CycloneDX only
	Authors      []Party  // who made it, other than tools; with CycloneDX's metadata.manufacturer, since 1.6
	Tools        []Party  // with which
	Manufacturer *Party   // CycloneDX, metadata.manufacture: of what it is about
	Supplier     *Party   // CycloneDX: of what it is about
	Lifecycles   []string // when the SBOM was made, in CycloneDX's words (metadata.lifecycles), as far as it has them
	Comment      string   // SPDX 2 and 3: of its creation
	DataLicense  string
	Signed       bool // has a signature inside, of all of it or of a part, which nobody verified

	// Completeness of what the document says a component depends on, where it says so: CycloneDX's aggregate of
	// compositions with the component as a dependency or assembly, or SPDX 3's completeness of what it depends on or
	// contains. In SPDX 2, "complete" for a dependency on NONE and "unknown" for one on NOASSERTION. Of several words for one
	// component, the one that claims least.
	Completeness map[Ref]string

	// Vulnerabilities are how many the document lists.
	Vulnerabilities int
}

// About returns what the document says of itself, other than [Document.Name], [Document.ID] and [Document.Created].
func (d *Document) About() *About { return remember(&d.memos.about, d.readAbout) }

// Details are what a document says of a component, beyond its [Component], in one vocabulary for all formats.
type Details struct {
	Supplier     *Party
	Manufacturer *Party // in SPDX the originator, if it is an organization
	Authors      []Party
	PURLs, CPEs  []string
	Identifiers  []Identifier // others
	Hashes       []Hash
	Licenses     []LicenseClaim
	Copyright    string
	Description  string
	FileName     string // SPDX 2: packageFileName
	SourceInfo   string // SPDX: sourceInfo
	Homepage     string // SPDX
	Download     string // SPDX: downloadLocation
	References   []Reference
	Properties   []Property // CycloneDX
	Purposes     []string   // SPDX 3: primaryPurpose and additionalPurpose
}

// An Identifier is a component's, in a scheme other than package URLs and CPE.
type Identifier struct {
	Scheme string // "swhid", "gitoid" or "swid"
	Value  string
}

// A Reference leads to something outside of the document.
type Reference struct {
	Type    string // as the specification of the document names it, such as "vcs"
	URL     string
	Comment string
	Hashes  []Hash // CycloneDX
}

// A Property is a name and a value that CycloneDX gives no meaning.
type Property struct{ Name, Value string }

// Details returns what the document says of a component. It is read from the document at each call; SPDX 3, where parties
// and licences stand elsewhere, is read whole at the first.
func (d *Document) Details(ref Ref) *Details {
	without := ""
	if d.format.Spec == CycloneDX {
		without = "components" // which are others
	}
	out := &Details{}
	// An error is none here: it was read before.
	_ = tree.Look(d.components[ref].raw, without, func(n *tree.Node) { out.read(d, ref, n) })
	return out
}

func (out *Details) read(d *Document, ref Ref, n *tree.Node) {
	switch {
	case d.format.Spec == CycloneDX:
		e := cdx.Element(n)
		e.References = nil // those that it has found a place for are missing
		out.fill(e)
		out.References = tree.Room(out.References[:0], n.Get("externalReferences"))
		for _, r := range n.List("externalReferences") {
			out.References = append(out.References, Reference{r.Str("type").S, r.Str("url").S, r.Str("comment").S,
				hashesOf(cdx.Hashes(r))})
		}
		out.Homepage, out.Download = "", ""
	case isSPDX2(d.format):
		e := spdx2.Package(n)
		if d.components[ref].Kind == "file" {
			e = spdx2.File(n)
		}
		out.fill(e)
		for i, c := range out.Licenses {
			out.Licenses[i] = spdxClaim(c.Role, c.Expression)
		}
		for _, x := range e.Identifiers {
			if slices.Contains(model.OtherIdentifiers, x.Kind.S) { // which are references in SPDX 2
				out.References = append(out.References, Reference{x.Kind.S, x.Value.S, x.Comment.S, nil})
			}
		}
	default:
		x := d.spdx3Details()
		if e := x.elements[d.components[ref].ID]; e != nil {
			out.fill(e)
		}
		out.Licenses = d.Licenses(ref)
		for _, name := range []string{"software_primaryPurpose", "software_additionalPurpose"} {
			for _, v := range tree.ListOrOne(n.Get(name)) {
				out.Purposes = append(out.Purposes, v.Text)
			}
		}
	}
	for _, kind := range identifierKinds {
		if v := identifierOf(n, d.format, kind); v != "" && kind != "cpe" {
			out.Identifiers = append(out.Identifiers, Identifier{strings.Replace(kind, "omniborId", "gitoid", 1), v})
		}
	}
}

func (out *Details) fill(e *model.Element) {
	out.Supplier, out.Manufacturer = public(e.Supplier), public(e.Manufacturer)
	for i := range e.Authors {
		out.Authors = append(out.Authors, *public(&e.Authors[i]))
	}
	for _, t := range e.PURLs {
		out.PURLs = append(out.PURLs, t.S)
	}
	for _, t := range e.CPEs {
		out.CPEs = append(out.CPEs, t.S)
	}
	out.Hashes = hashesOf(e.Hashes)
	out.Licenses, out.Properties = slices.Grow(out.Licenses, len(e.Licenses)), slices.Grow(out.Properties, len(e.Properties))
	for _, l := range e.Licenses {
		if l.Role == "found" { // in files, which is no claim
			continue
		}
		c := LicenseClaim{Role: l.Role, State: Value, Expression: l.Expression.S, Name: l.Name.S, URL: l.URL.S}
		if c.Expression == "" {
			c.Expression = l.ID.S
		}
		out.Licenses = append(out.Licenses, c)
	}
	out.Copyright, out.Description, out.FileName, out.Homepage, out.Download = e.Copyright.S, e.Description.S, e.FileName.S,
		e.Homepage.S, e.Download.S
	out.SourceInfo = e.SourceInfo.S
	if e.OfArchive { // CycloneDX tells hashes of a component from those of its archive
		out.References = append(out.References, Reference{"distribution", e.Download.S, "", out.Hashes})
		out.Hashes, out.Download = nil, ""
	}
	for _, r := range e.References {
		out.References = append(out.References, Reference{r.Kind.S, r.URL.S, r.Comment.S, hashesOf(r.Hashes)})
	}
	for _, p := range e.Properties {
		out.Properties = append(out.Properties, Property{p.Name.S, p.Value.S})
	}
}

func public(p *model.Party) *Party {
	if p == nil {
		return nil
	}
	return &Party{p.Kind, p.Name.S, p.Email.S, p.URL.S, p.Version.S}
}

func hashesOf(list []model.Hash) (out []Hash) {
	out = slices.Grow(out, len(list))
	for _, h := range list {
		out = append(out, Hash{h.Alg.S, h.Value.S})
	}
	return out
}

func parties(list []model.Party) (out []Party) {
	for i := range list {
		out = append(out, *public(&list[i]))
	}
	return out
}

// spdx3Details are the elements of SPDX 3 with what other elements say of them.
type spdx3Details struct {
	hub      *model.Document
	elements map[string]*model.Element
}

func (d *Document) spdx3Details() *spdx3Details {
	return remember(&d.memos.spdx3, d.readSPDX3Details)
}

func (d *Document) readSPDX3Details() *spdx3Details {
	x := &spdx3Details{hub: &model.Document{}, elements: map[string]*model.Element{}}
	root, err := tree.Parse(d.json)
	if err != nil {
		return x
	}
	h, err := spdx3.Read(root)
	if err != nil {
		return x
	}
	x.hub = h
	for _, e := range x.hub.Elements {
		x.elements[e.ID.S] = e
	}
	return x
}

func (d *Document) readAbout() *About {
	a := &About{Completeness: map[Ref]string{}}
	top := d.readTop(a)
	var h *model.Document
	switch {
	case d.format.Spec == CycloneDX:
		if m := top.Get("metadata"); m != nil {
			m.Remove("component")
		}
		h = cdx.Read(top)
		d.compositions(top, a)
	case isSPDX2(d.format):
		h = spdx2.Read(top)
		h.Comment = top.Get("creationInfo").Str("comment")
	default:
		h = d.spdx3Details().hub
		d.graphAbout(a)
	}
	a.Version, a.Comment = h.Version.S, h.Comment.S
	if a.DataLicense == "" {
		a.DataLicense = h.DataLicense.S
	}
	a.Authors, a.Tools, a.Supplier = parties(h.Authors), parties(h.Tools), public(h.Supplier)
	m := top.Get("metadata")
	a.Manufacturer = public(cdx.Party(m.Get("manufacture"), "Organization"))
	if p := cdx.Party(m.Get("manufacturer"), "Organization"); p != nil {
		a.Authors = append(a.Authors, *public(p))
	}
	for _, l := range h.Lifecycles {
		a.Lifecycles = append(a.Lifecycles, l.S)
	}
	a.Signed = d.signed()
	maps.DeleteFunc(a.Completeness, func(_ Ref, word string) bool { return word == "" })
	return a
}

// readTop returns the members of a document that are not about components, and counts vulnerabilities.
func (d *Document) readTop(a *About) *tree.Node {
	top := tree.NewObject()
	r := strictjson.NewReader(d.json, index.Limits)
	for name := range r.Object() {
		switch string(name) {
		case "components", "packages", "files", "snippets", "dependencies", "@graph", "signature":
		case "vulnerabilities":
			if r.Kind() == strictjson.Array {
				for range r.Array() {
					a.Vulnerabilities++
				}
			}
		case "relationships":
			d.spdx2Completeness(r, a)
		default:
			top.Set(string(name), tree.Read(r))
		}
	}
	return top
}

// compositions notes what a document of CycloneDX says of completeness.
func (d *Document) compositions(top *tree.Node, a *About) {
	for _, c := range top.List("compositions") {
		for _, v := range slices.Concat(c.List("assemblies"), c.List("dependencies")) {
			if ref, ok := d.ByID(v.Text); ok && v.Kind == strictjson.String {
				a.complete(ref, c.Str("aggregate").S)
			}
		}
	}
}

// graphAbout notes what elements of SPDX 3 say that are no components.
func (d *Document) graphAbout(a *About) {
	root, err := tree.Parse(d.json)
	if err != nil {
		return
	}
	for _, n := range spdx3.Elements(root) {
		kind := n.Str("relationshipType").S
		if kind == "dependsOn" || kind == "contains" {
			if ref, ok := d.ByID(n.Str("from").S); ok {
				a.complete(ref, n.Str("completeness").S)
			}
		}
		class := n.Str("type").S
		if class == "SpdxDocument" {
			a.DataLicense = n.Str("dataLicense").S
		}
		if strings.HasPrefix(class, "security_") && strings.HasSuffix(class, "Vulnerability") {
			a.Vulnerabilities++
		}
	}
}

// complete notes what is said of completeness: of several words the one that claims least, and nothing said is no claim.
func (a *About) complete(ref Ref, word string) {
	claim := func(word string) int {
		switch word {
		case "complete":
			return 3
		case "", "not_specified":
			return 2
		case "unknown", "noAssertion":
			return 1
		}
		return 0
	}
	if was, ok := a.Completeness[ref]; !ok || claim(word) < claim(was) {
		a.Completeness[ref] = word
	}
}

// spdx2Completeness reads what a document says of dependencies that it does not name (2.3, clause 11.1).
func (d *Document) spdx2Completeness(r *strictjson.Reader, a *About) {
	if r.Kind() != strictjson.Array {
		return
	}
	for range r.Array() {
		if r.Kind() != strictjson.Object {
			continue
		}
		var from, kind, to string
		for name := range r.Object() {
			switch string(name) {
			case "spdxElementId":
				from = index.View(r)
			case "relationshipType":
				kind = index.View(r)
			case "relatedSpdxElement":
				to = index.View(r)
			}
		}
		if kind != string(DependsOn) && kind != string(Contains) || stateOf(to) == Value {
			continue
		}
		if ref, ok := d.ByID(from); ok {
			a.complete(ref, map[State]string{NoValue: "complete", NoAssertion: "unknown"}[stateOf(to)])
		}
	}
}
