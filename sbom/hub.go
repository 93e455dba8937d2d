package sbom

import (
	"crypto/sha1" // of UUID version 5
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/schema/iri"
)

// The types of this file are what the specifications have in common: where a conversion passes through, and what the
// generator fills. Each text knows the leaf of the input that it comes from.

type text struct {
	s   string
	src *node
}

func (t text) ok() bool { return t.src != nil || t.s != "" }

func said(s string) text { return text{s: s} }

// A party is a person, an organization or a tool. What it is made of may be one leaf of the input.
type party struct {
	kind    string // "Person", "Organization", "Tool", or "" if the input does not say
	name    text
	email   text
	url     text
	version text
	also    []*node // leaves that say the kind
}

// named reports whether there is somebody to write down.
func (p *party) named() bool { return p != nil && strings.TrimSpace(p.name.s) != "" }

type hash struct{ alg, value text } // the algorithm as CycloneDX writes it, such as SHA-256

type license struct {
	role       string // "declared", "concluded", "found" in files, or ""
	roleFrom   *node
	expression text
	id, name   text
	body, url  text
}

type reference struct {
	category, kind, url, comment text
	hashes                       []hash
}

type property struct{ name, value text }

type element struct {
	id                              text
	kind                            text // as CycloneDX writes it
	purpose                         text // as SPDX 2 writes it
	file                            bool // SPDX's class of files
	group, name, version            text
	scope                           text // CycloneDX's
	purls, cpes                     []text
	identifiers                     []identifier
	purlFrom                        []*node // leaves that go with the package URL
	hashes                          []hash
	archived                        bool // hashes are those of what download names, and stood beside it
	licenses                        []license
	copyright, description, summary text
	copyrights                      []text // found in files
	comment, publisher              text
	homepage, download              text
	sourceInfo, fileName            text
	supplier, manufacturer          *party
	authors                         []party
	references                      []reference
	properties                      []property
	attributions                    []text
	dates                           [3]text // built, released, valid until: SPDX
	verification                    text    // SPDX's verification code of a package's files
	fileTypes, contributors         []text  // SPDX 2's
	notice, licenseComment          text    // the same
	snippet                         *snippet
	model                           *model
	mediaType                       text           // of a file
	remarks                         map[*node]text // what is said of package URLs and CPE names, by their leaves
	excluded                        []text         // files that it leaves out
	leaves                          []*node        // said by the class of the output
}

// An edge goes from one element to another, by index; to what is outside, by name. The type is SPDX 2's.
type edge struct {
	from, to         int // -1: outside
	kind             string
	fromText, toText text
	comment          text
	also             []*node // the leaf of the type first
	scope            *node   // of SPDX 3
}

// explain says why an edge is lost, of all of it.
func (e *edge) explain(reason string) {
	list := append([]*node{e.toText.src, e.scope, e.comment.src}, e.also...)
	if len(e.also) > 0 { // otherwise where it comes from is said of several at once
		list = append(list, e.fromText.src)
	}
	for _, n := range list {
		n.explainSelf(Dropped, reason)
	}
}

// An identifier is a component's, other than package URLs and CPE.
type identifier struct{ kind, value, comment text } // the kind as SPDX 3 writes it: swhid, cve, other

// An annotation is what somebody said of something in the document, or of the document.
type annotation struct {
	subject    int // -1: the document
	date, kind text
	body       text
	who        *party
	also       []*node
}

type hub struct {
	id, name, created, comment text
	creationComment            text
	listVersion                text // of SPDX's licence list
	dataLicense, version       text
	authors, tools             []party
	manufacturer, supplier     *party
	roots                      []int
	rootFrom                   map[int][]*node // leaves that say so
	isRoot                     map[int]bool
	elements                   []*element
	edges                      []edge
	extracted                  map[string]*extracted
	lifecycles                 []text
	properties                 []property
	references                 []reference
	externals                  []external
	namespaces                 []namespace
	annotations                []annotation
	compositions               []composition
	composed                   map[compositionKey]int // where they are in compositions
	vulnerabilities            []*vulnerability
	assessments                []*node // of SPDX 3, until they are read
	leaves                     []*node // what the form of the output says by itself
	inside                     []*node // of SPDX 3: what says that elements are in the document
	index                      map[string]int
	input                      []byte
	now                        string
	added                      []Loss
}

type extracted struct {
	id, name, body, comment text
	seeAlso                 []text
	also                    []*node
	used                    bool // somewhere in CycloneDX
	inExpression            bool // and only there
}

// add notes something that the output says by itself, once.
func (h *hub) add(path, reason string) {
	if l := (Loss{path, Added, reason}); !slices.Contains(h.added, l) {
		h.added = append(h.added, l)
	}
}

// root adds a root, once; from are the leaves that say so.
func (h *hub) root(i int, from ...*node) {
	if !h.isRoot[i] {
		if h.isRoot == nil {
			h.isRoot = map[int]bool{}
		}
		h.isRoot[i] = true
		h.roots = append(h.roots, i)
	}
	if h.rootFrom == nil {
		h.rootFrom = map[int][]*node{}
	}
	h.rootFrom[i] = append(h.rootFrom[i], compactNodes(from)...)
}

// madeID returns an id for a document that says none that can be used, and notes it.
func (h *hub) madeID(path, reason string) string {
	if h.id.ok() {
		h.id.src.explainSelf(Changed, "no absolute URI without a fragment; kept by what is made of it")
		reason = "the id of the input is no URI; made from it"
		h.add(path, reason)
		return "urn:uuid:" + uuid(h.id.s)
	}
	h.add(path, reason)
	return "urn:uuid:" + uuid(string(h.input))
}

// isNamespace reports whether ids can begin with a text: an absolute URI without a fragment, but for an empty one.
func isNamespace(s string) bool {
	s = strings.TrimSuffix(s, "#")
	return s != "" && iri.IsReference(s) && iri.IsAbsolute(s) && !strings.Contains(s, "#") && !strings.HasPrefix(s, "_:")
}

// fullName writes the name as the ecosystem of a component does, with the group that CycloneDX has apart (SPDX 2.3, clause
// 7.1: as given by the originator). The group of a system's packages is in their package URL only.
func (e *element) fullName() *node {
	name, group := joinName(e.group.s, e.name.s, e.purls)
	v := newText(name, e.name.src)
	if group {
		v.from = append(v.from, compactNodes([]*node{e.group.src})...)
	} else if e.group.src != nil && len(e.purls) > 0 {
		if p, err := parsePURL(e.purls[0].s); err == nil && p.Namespace == strings.ToLower(e.group.s) {
			v.from = append(v.from, e.group.src)
		}
	}
	return v
}

// joinName joins a group and a name, and reports whether the group is in the result.
func joinName(group, name string, purls []text) (string, bool) {
	if group == "" {
		return name, true
	}
	kind := ""
	if len(purls) > 0 {
		if p, err := parsePURL(purls[0].s); err == nil {
			kind = p.Type
		}
	}
	switch kind {
	case "deb", "rpm", "apk", "alpm", "opkg", "qpkg", "yocto", "bitnami":
		return name, false
	case "maven":
		return group + ":" + name, true
	}
	return group + "/" + name, true
}

// splitName is the way back, where the package URL says what the group is.
func (e *element) splitName() (group, name text) {
	if e.group.ok() || len(e.purls) == 0 {
		return e.group, e.name
	}
	p, err := parsePURL(e.purls[0].s)
	if err != nil || p.Namespace == "" || p.Type != "npm" && p.Type != "maven" && p.Type != "composer" {
		return e.group, e.name
	}
	separator := "/"
	if p.Type == "maven" {
		separator = ":"
	}
	rest, ok := strings.CutPrefix(e.name.s, p.Namespace+separator)
	if !ok || rest == "" {
		return e.group, e.name
	}
	e.name.src.explainSelf(Changed, "CycloneDX has the group apart")
	return text{p.Namespace, e.name.src}, text{rest, e.name.src}
}

// find returns the element with an id, or -1.
func (h *hub) find(id string) int {
	if h.index == nil {
		h.index = make(map[string]int, len(h.elements))
		for i, e := range h.elements {
			if _, ok := h.index[e.id.s]; !ok && e.id.s != "" {
				h.index[e.id.s] = i
			}
		}
	}
	if i, ok := h.index[id]; ok {
		return i
	}
	return -1
}

// uuid returns the version 5 UUID (RFC 9562, section 5.5) of a name in the URL name space.
func uuid(name string) string {
	url := []byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	sum := sha1.Sum(append(url, name...))
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// spdxID returns an SPDXRef for an id of another specification (clause 3.2: letters, digits, "." and "-").
func spdxID(id string) string {
	var b strings.Builder
	b.WriteString("SPDXRef-")
	for _, c := range strings.TrimPrefix(id, "SPDXRef-") {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' {
			b.WriteRune(c)
		} else {
			b.WriteByte('-')
		}
	}
	return b.String()
}

// names gives every element of an output a name of its own. The number is how often a name was wanted.
type names map[string]int

func (n names) unique(want string) string {
	got := want
	for n[got] > 0 {
		n[want]++
		got = fmt.Sprintf("%s-%d", want, n[want])
	}
	n[got]++
	return got
}
