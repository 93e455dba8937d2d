// Package model holds what documents of all specifications have in common: a reader of a specification fills a
// Document, and a writer of another one writes it. Each text knows the leaf of the input that it comes from.
package model

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/packageurl"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A Party is a person, an organization or a tool. What it is made of may be one leaf of the input.
type Party struct {
	Kind    string // "Person", "Organization", "Tool", or "" if the input does not say
	Name    tree.Text
	Email   tree.Text
	URL     tree.Text
	Version tree.Text
	Also    []*tree.Node // leaves that say the kind
}

// Named reports whether there is somebody to write down.
func (p *Party) Named() bool { return p != nil && strings.TrimSpace(p.Name.S) != "" }

type Hash struct{ Alg, Value tree.Text } // the algorithm as CycloneDX writes it, such as SHA-256

type License struct {
	Role       string // "declared", "concluded", "found" in files, or ""
	RoleFrom   *tree.Node
	Expression tree.Text
	ID, Name   tree.Text
	Body, URL  tree.Text
}

type Reference struct {
	Category, Kind, URL, Comment tree.Text
	Hashes                       []Hash
}

type Property struct{ Name, Value tree.Text }

type Element struct {
	ID                              tree.Text
	Kind                            tree.Text // as CycloneDX writes it
	Purpose                         tree.Text // as SPDX 2 writes it
	File                            bool      // SPDX's class of files
	Group, Name, Version            tree.Text
	Scope                           tree.Text // CycloneDX's
	PURLs, CPEs                     []tree.Text
	Identifiers                     []Identifier
	PURLFrom                        []*tree.Node // leaves that go with the package URL
	Hashes                          []Hash
	OfArchive                       bool // hashes are those of what download names, and stood beside it
	Licenses                        []License
	Copyright, Description, Summary tree.Text
	Copyrights                      []tree.Text // found in files
	Comment, Publisher              tree.Text
	Homepage, Download              tree.Text
	SourceInfo, FileName            tree.Text
	Supplier, Manufacturer          *Party
	Authors                         []Party
	References                      []Reference
	Properties                      []Property
	Attributions                    []tree.Text
	Dates                           [3]tree.Text // built, released, valid until: SPDX
	Verification                    tree.Text    // SPDX's verification code of a package's files
	FileTypes, Contributors         []tree.Text  // SPDX 2's
	Notice, LicenseComment          tree.Text    // the same
	Snippet                         *Snippet
	Model                           *Card
	MediaType                       tree.Text                // of a file
	Remarks                         map[*tree.Node]tree.Text // what is said of package URLs and CPE names, by their leaves
	Excluded                        []tree.Text              // files that it leaves out
	Leaves                          []*tree.Node             // said by the class of the output
}

// An Edge goes from one element to another, by index; to what is outside, by name. The type is SPDX 2's.
type Edge struct {
	From, To         int // -1: outside
	Kind             string
	FromText, ToText tree.Text
	Comment          tree.Text
	Also             []*tree.Node // the leaf of the type first
	Scope            *tree.Node   // of SPDX 3
}

// Explain says why an edge is lost, of all of it.
func (e *Edge) Explain(reason string) {
	list := append([]*tree.Node{e.ToText.From, e.Scope, e.Comment.From}, e.Also...)
	if len(e.Also) > 0 { // otherwise where it comes from is said of several at once
		list = append(list, e.FromText.From)
	}
	for _, n := range list {
		n.ExplainSelf(tree.Dropped, reason)
	}
}

// An Identifier is a component's, other than package URLs and CPE.
type Identifier struct{ Kind, Value, Comment tree.Text } // the kind as SPDX 3 writes it: swhid, cve, other

// An Annotation is what somebody said of something in the document, or of the document.
type Annotation struct {
	Subject    int // -1: the document
	Date, Kind tree.Text
	Body       tree.Text
	Who        *Party
	Also       []*tree.Node
}

type Document struct {
	ID, Name, Created, Comment tree.Text
	CreationComment            tree.Text
	ListVersion                tree.Text // of SPDX's licence list
	DataLicense, Version       tree.Text
	Authors, Tools             []Party
	Manufacturer, Supplier     *Party
	Roots                      []int
	RootFrom                   map[int][]*tree.Node // leaves that say so
	IsRoot                     map[int]bool
	Elements                   []*Element
	Edges                      []Edge
	Extracted                  map[string]*Extracted
	Lifecycles                 []tree.Text
	Properties                 []Property
	References                 []Reference
	Externals                  []External
	Namespaces                 []Namespace
	Annotations                []Annotation
	Compositions               []Composition
	Composed                   map[compositionKey]int // where they are in compositions
	Vulnerabilities            []*Vulnerability
	Assessments                []*tree.Node // of SPDX 3, until they are read
	Leaves                     []*tree.Node // what the form of the output says by itself
	Inside                     []*tree.Node // of SPDX 3: what says that elements are in the document
	index                      map[string]int
	Input                      []byte
	Now                        string
	Added                      []tree.Loss
}

type Extracted struct {
	ID, Name, Body, Comment tree.Text
	SeeAlso                 []tree.Text
	Also                    []*tree.Node
	Used                    bool // somewhere in CycloneDX
	InExpression            bool // and only there
}

// Add notes something that the output says by itself, once.
func (h *Document) Add(path, reason string) {
	if l := (tree.Loss{Path: path, Kind: tree.Added, Reason: reason}); !slices.Contains(h.Added, l) {
		h.Added = append(h.Added, l)
	}
}

// Root adds a root, once; from are the leaves that say so.
func (h *Document) Root(i int, from ...*tree.Node) {
	if !h.IsRoot[i] {
		if h.IsRoot == nil {
			h.IsRoot = map[int]bool{}
		}
		h.IsRoot[i] = true
		h.Roots = append(h.Roots, i)
	}
	if h.RootFrom == nil {
		h.RootFrom = map[int][]*tree.Node{}
	}
	h.RootFrom[i] = append(h.RootFrom[i], tree.Compact(from)...)
}

// MadeID returns an id for a document that says none that can be used, and notes it.
func (h *Document) MadeID(path, reason string) string {
	if h.ID.OK() {
		h.ID.From.ExplainSelf(tree.Changed, "no absolute URI without a fragment; kept by what is made of it")
		reason = "the id of the input is no URI; made from it"
		h.Add(path, reason)
		return "urn:uuid:" + spec.UUID(h.ID.S)
	}
	h.Add(path, reason)
	return "urn:uuid:" + spec.UUID(string(h.Input))
}

// FullName writes the name as the ecosystem of a component does, with the group that CycloneDX has apart (SPDX 2.3, clause
// 7.1: as given by the originator). The group of a system's packages is in their package URL only.
func (e *Element) FullName() *tree.Node {
	name, group := packageurl.JoinName(e.Group.S, e.Name.S, e.purl())
	v := tree.NewText(name, e.Name.From)
	if group {
		v.Stand(e.Group.From)
	} else if e.Group.From != nil && len(e.PURLs) > 0 {
		if p, err := packageurl.Parse(e.PURLs[0].S); err == nil && p.Namespace == strings.ToLower(e.Group.S) {
			v.Stand(e.Group.From)
		}
	}
	return v
}

// purl is the first package URL, or nothing.
func (e *Element) purl() string {
	if len(e.PURLs) == 0 {
		return ""
	}
	return e.PURLs[0].S
}

// SplitName is the way back, where the package URL says what the group is.
func (e *Element) SplitName() (group, name tree.Text) {
	if e.Group.OK() || len(e.PURLs) == 0 {
		return e.Group, e.Name
	}
	p, err := packageurl.Parse(e.PURLs[0].S)
	if err != nil || p.Namespace == "" || p.Type != "npm" && p.Type != "maven" && p.Type != "composer" {
		return e.Group, e.Name
	}
	separator := "/"
	if p.Type == "maven" {
		separator = ":"
	}
	rest, ok := strings.CutPrefix(e.Name.S, p.Namespace+separator)
	if !ok || rest == "" {
		return e.Group, e.Name
	}
	e.Name.From.ExplainSelf(tree.Changed, "CycloneDX has the group apart")
	return tree.Text{S: p.Namespace, From: e.Name.From}, tree.Text{S: rest, From: e.Name.From}
}

// Find returns the element with an id, or -1.
func (h *Document) Find(id string) int {
	if h.index == nil {
		h.index = make(map[string]int, len(h.Elements))
		for i, e := range h.Elements {
			if _, ok := h.index[e.ID.S]; !ok && e.ID.S != "" {
				h.index[e.ID.S] = i
			}
		}
	}
	if i, ok := h.index[id]; ok {
		return i
	}
	return -1
}

// SPDXTime writes a time as SPDX wants it: in UTC, to the second.
func (h *Document) SPDXTime(t tree.Text) tree.Text {
	s, ok := spec.UTC(t.S)
	if !ok {
		h.Add("/creationInfo/created", "SPDX wants a time of creation; the input gives none")
		t.From.ExplainSelf(tree.Dropped, "no date and time of RFC 3339")
		return tree.Constant(h.Now)
	}
	if s != t.S {
		t.From.ExplainSelf(tree.Changed, "SPDX gives times in UTC, to the second")
	}
	return tree.Text{S: s, From: t.From}
}

func OrOrganization(kind string) string {
	if kind == "Person" {
		return kind
	}
	return "Organization"
}
