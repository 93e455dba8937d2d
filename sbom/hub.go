package sbom

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/packageurl"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A party is a person, an organization or a tool. What it is made of may be one leaf of the input.
type party struct {
	kind    string // "Person", "Organization", "Tool", or "" if the input does not say
	name    tree.Text
	email   tree.Text
	url     tree.Text
	version tree.Text
	also    []*tree.Node // leaves that say the kind
}

// named reports whether there is somebody to write down.
func (p *party) named() bool { return p != nil && strings.TrimSpace(p.name.S) != "" }

type hash struct{ alg, value tree.Text } // the algorithm as CycloneDX writes it, such as SHA-256

type licenseClaim struct {
	role       string // "declared", "concluded", "found" in files, or ""
	roleFrom   *tree.Node
	expression tree.Text
	id, name   tree.Text
	body, url  tree.Text
}

type reference struct {
	category, kind, url, comment tree.Text
	hashes                       []hash
}

type property struct{ name, value tree.Text }

type element struct {
	id                              tree.Text
	kind                            tree.Text // as CycloneDX writes it
	purpose                         tree.Text // as SPDX 2 writes it
	file                            bool      // SPDX's class of files
	group, name, version            tree.Text
	scope                           tree.Text // CycloneDX's
	purls, cpes                     []tree.Text
	identifiers                     []identifier
	purlFrom                        []*tree.Node // leaves that go with the package URL
	hashes                          []hash
	archived                        bool // hashes are those of what download names, and stood beside it
	licenses                        []licenseClaim
	copyright, description, summary tree.Text
	copyrights                      []tree.Text // found in files
	comment, publisher              tree.Text
	homepage, download              tree.Text
	sourceInfo, fileName            tree.Text
	supplier, manufacturer          *party
	authors                         []party
	references                      []reference
	properties                      []property
	attributions                    []tree.Text
	dates                           [3]tree.Text // built, released, valid until: SPDX
	verification                    tree.Text    // SPDX's verification code of a package's files
	fileTypes, contributors         []tree.Text  // SPDX 2's
	notice, licenseComment          tree.Text    // the same
	snippet                         *snippet
	model                           *model
	mediaType                       tree.Text                // of a file
	remarks                         map[*tree.Node]tree.Text // what is said of package URLs and CPE names, by their leaves
	excluded                        []tree.Text              // files that it leaves out
	leaves                          []*tree.Node             // said by the class of the output
}

// An edge goes from one element to another, by index; to what is outside, by name. The type is SPDX 2's.
type edge struct {
	from, to         int // -1: outside
	kind             string
	fromText, toText tree.Text
	comment          tree.Text
	also             []*tree.Node // the leaf of the type first
	scope            *tree.Node   // of SPDX 3
}

// explain says why an edge is lost, of all of it.
func (e *edge) explain(reason string) {
	list := append([]*tree.Node{e.toText.From, e.scope, e.comment.From}, e.also...)
	if len(e.also) > 0 { // otherwise where it comes from is said of several at once
		list = append(list, e.fromText.From)
	}
	for _, n := range list {
		n.ExplainSelf(tree.Dropped, reason)
	}
}

// An identifier is a component's, other than package URLs and CPE.
type identifier struct{ kind, value, comment tree.Text } // the kind as SPDX 3 writes it: swhid, cve, other

// An annotation is what somebody said of something in the document, or of the document.
type annotation struct {
	subject    int // -1: the document
	date, kind tree.Text
	body       tree.Text
	who        *party
	also       []*tree.Node
}

type hub struct {
	id, name, created, comment tree.Text
	creationComment            tree.Text
	listVersion                tree.Text // of SPDX's licence list
	dataLicense, version       tree.Text
	authors, tools             []party
	manufacturer, supplier     *party
	roots                      []int
	rootFrom                   map[int][]*tree.Node // leaves that say so
	isRoot                     map[int]bool
	elements                   []*element
	edges                      []edge
	extracted                  map[string]*extracted
	lifecycles                 []tree.Text
	properties                 []property
	references                 []reference
	externals                  []external
	namespaces                 []namespace
	annotations                []annotation
	compositions               []composition
	composed                   map[compositionKey]int // where they are in compositions
	vulnerabilities            []*vulnerability
	assessments                []*tree.Node // of SPDX 3, until they are read
	leaves                     []*tree.Node // what the form of the output says by itself
	inside                     []*tree.Node // of SPDX 3: what says that elements are in the document
	index                      map[string]int
	input                      []byte
	now                        string
	added                      []tree.Loss
}

type extracted struct {
	id, name, body, comment tree.Text
	seeAlso                 []tree.Text
	also                    []*tree.Node
	used                    bool // somewhere in CycloneDX
	inExpression            bool // and only there
}

// add notes something that the output says by itself, once.
func (h *hub) add(path, reason string) {
	if l := (tree.Loss{Path: path, Kind: tree.Added, Reason: reason}); !slices.Contains(h.added, l) {
		h.added = append(h.added, l)
	}
}

// root adds a root, once; from are the leaves that say so.
func (h *hub) root(i int, from ...*tree.Node) {
	if !h.isRoot[i] {
		if h.isRoot == nil {
			h.isRoot = map[int]bool{}
		}
		h.isRoot[i] = true
		h.roots = append(h.roots, i)
	}
	if h.rootFrom == nil {
		h.rootFrom = map[int][]*tree.Node{}
	}
	h.rootFrom[i] = append(h.rootFrom[i], tree.Compact(from)...)
}

// madeID returns an id for a document that says none that can be used, and notes it.
func (h *hub) madeID(path, reason string) string {
	if h.id.OK() {
		h.id.From.ExplainSelf(tree.Changed, "no absolute URI without a fragment; kept by what is made of it")
		reason = "the id of the input is no URI; made from it"
		h.add(path, reason)
		return "urn:uuid:" + spec.UUID(h.id.S)
	}
	h.add(path, reason)
	return "urn:uuid:" + spec.UUID(string(h.input))
}

// fullName writes the name as the ecosystem of a component does, with the group that CycloneDX has apart (SPDX 2.3, clause
// 7.1: as given by the originator). The group of a system's packages is in their package URL only.
func (e *element) fullName() *tree.Node {
	name, group := packageurl.JoinName(e.group.S, e.name.S, e.purl())
	v := tree.NewText(name, e.name.From)
	if group {
		v.From = append(v.From, tree.Compact([]*tree.Node{e.group.From})...)
	} else if e.group.From != nil && len(e.purls) > 0 {
		if p, err := packageurl.Parse(e.purls[0].S); err == nil && p.Namespace == strings.ToLower(e.group.S) {
			v.From = append(v.From, e.group.From)
		}
	}
	return v
}

// purl is the first package URL, or nothing.
func (e *element) purl() string {
	if len(e.purls) == 0 {
		return ""
	}
	return e.purls[0].S
}

// splitName is the way back, where the package URL says what the group is.
func (e *element) splitName() (group, name tree.Text) {
	if e.group.OK() || len(e.purls) == 0 {
		return e.group, e.name
	}
	p, err := packageurl.Parse(e.purls[0].S)
	if err != nil || p.Namespace == "" || p.Type != "npm" && p.Type != "maven" && p.Type != "composer" {
		return e.group, e.name
	}
	separator := "/"
	if p.Type == "maven" {
		separator = ":"
	}
	rest, ok := strings.CutPrefix(e.name.S, p.Namespace+separator)
	if !ok || rest == "" {
		return e.group, e.name
	}
	e.name.From.ExplainSelf(tree.Changed, "CycloneDX has the group apart")
	return tree.Text{S: p.Namespace, From: e.name.From}, tree.Text{S: rest, From: e.name.From}
}

// find returns the element with an id, or -1.
func (h *hub) find(id string) int {
	if h.index == nil {
		h.index = make(map[string]int, len(h.elements))
		for i, e := range h.elements {
			if _, ok := h.index[e.id.S]; !ok && e.id.S != "" {
				h.index[e.id.S] = i
			}
		}
	}
	if i, ok := h.index[id]; ok {
		return i
	}
	return -1
}
