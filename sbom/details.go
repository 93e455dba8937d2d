package sbom

import (
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/index"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/packageurl"
)

// A State says what a document asserts where it gives no value.
type State uint8

// The states. Absent says nothing at all; the others are assertions (SPDX 2.3, clause 7.13 and others).
const (
	Absent      State = iota
	Value             // there is a value
	NoAssertion       // NOASSERTION: nobody looked, or nobody says
	NoValue           // NONE: somebody looked, and there is none
)

func stateOf(s string) State {
	switch s {
	case "NOASSERTION":
		return NoAssertion
	case "NONE":
		return NoValue
	}
	return Value
}

// A LicenseClaim is one statement about a component's licence.
type LicenseClaim struct {
	Role       string // "declared", "concluded", or "" where CycloneDX does not say
	State      State  // Value, NoAssertion or NoValue
	Expression string // an SPDX licence expression, of one id too
	Name       string // of a licence that has no id
	URL        string
}

// Hashes returns the digests of a component's content, in the order of the document, with CycloneDX's names of
// algorithms. They are read from the document at each call.
func (d *Document) Hashes(ref Ref) (out []Hash) {
	words := specOf(d.format).Words
	list, alg, value := words.Hashes, words.HashAlgorithm, words.HashValue
	r := d.reader(ref)
	for name := range r.Object() {
		if string(name) != list || r.Kind() != strictjson.Array {
			continue
		}
		for range r.Array() {
			if r.Kind() != strictjson.Object {
				continue
			}
			var h Hash
			code := false
			for name := range r.Object() {
				switch {
				case r.Kind() != strictjson.String:
				case string(name) == "type" && list == "verifiedUsing":
					code = string(r.Text()) == "PackageVerificationCode" // of files, not of the package
				case string(name) == alg:
					h.Algorithm = algorithm(index.View(r))
				case string(name) == value:
					h.Value = index.View(r)
				}
			}
			if !code {
				out = append(out, h)
			}
		}
	}
	return out
}

// algorithm writes SPDX's names of hash algorithms as CycloneDX does.
func algorithm(name string) string {
	for ours, two := range model.SPDX2Hashes {
		if name == two || name == model.SPDX3Hashes[ours] {
			return ours
		}
	}
	return name
}

// Licenses returns what the document says of a component's licence, in its order. They are read from the document at
// each call.
func (d *Document) Licenses(ref Ref) (out []LicenseClaim) {
	if d.format.Spec == SPDX && !isSPDX2(d.format) {
		return slices.Clone(d.lookups.claims()[ref])
	}
	r := d.reader(ref)
	for name := range r.Object() {
		switch {
		case d.format.Spec == SPDX && r.Kind() == strictjson.String && (string(name) == "licenseConcluded" ||
			string(name) == "licenseDeclared"):
			out = append(out, spdxClaim(strings.ToLower(string(name[len("license"):])), index.View(r)))
		case d.format.Spec == CycloneDX && string(name) == "licenses" && r.Kind() == strictjson.Array:
			for range r.Array() {
				if r.Kind() == strictjson.Object {
					c := LicenseClaim{State: Value}
					c.read(r)
					out = append(out, c)
				}
			}
		}
	}
	return out
}

func spdxClaim(role, expression string) LicenseClaim {
	c := LicenseClaim{Role: role, Expression: expression, State: stateOf(expression)}
	if c.State != Value {
		c.Expression = ""
	}
	return c
}

func (c *LicenseClaim) read(r *strictjson.Reader) {
	for name := range r.Object() {
		switch kind := r.Kind(); {
		case string(name) == "license" && kind == strictjson.Object:
			c.read(r)
		case kind != strictjson.String:
		case string(name) == "expression" || string(name) == "id":
			c.Expression = index.View(r)
		case string(name) == "name":
			c.Name = index.View(r)
		case string(name) == "url":
			c.URL = index.View(r)
		case string(name) == "acknowledgement":
			c.Role = index.View(r)
		}
	}
}

// reader reads one component's text, which was checked when the document was read.
func (d *Document) reader(ref Ref) *strictjson.Reader {
	return strictjson.NewReader(d.components[ref].raw, strictjson.Limits{Depth: maxDepth})
}

// lookups are made when they are first asked for.
type lookups struct {
	ids     func() map[string]Ref
	claims  func() map[Ref][]LicenseClaim
	links   func() *links
	purls   func() map[string][]Ref
	matches func() map[string][]Ref
	hashes  func() map[Hash][]Ref
	graph   func() *Graph
	about   func() *About
	spdx3   func() *spdx3Details
}

func (d *Document) prepare() {
	d.lookups = lookups{
		ids: sync.OnceValue(func() map[string]Ref {
			m := make(map[string]Ref, len(d.components))
			for i := range d.components {
				if id := d.components[i].ID; id != "" {
					if _, ok := m[id]; !ok { // of two with the same, the first counts
						m[id] = Ref(i)
					}
				}
			}
			return m
		}),
		claims: sync.OnceValue(func() map[Ref][]LicenseClaim {
			m := map[Ref][]LicenseClaim{}
			d.found.Claims(func(from, role, expression string) {
				if ref, ok := d.ByID(from); ok {
					m[ref] = append(m[ref], spdxClaim(role, expression))
				}
			})
			return m
		}),
		links: sync.OnceValue(func() *links {
			l := &links{ids: d.lookups.ids(), edges: make([]Relationship, len(d.found.Nested))}
			for i, n := range d.found.Nested {
				l.edges[i] = Relationship{Ref(n[0]), Ref(n[1]), Contains}
			}
			d.found.Link(l)
			return l
		}),
		purls: sync.OnceValue(func() map[string][]Ref {
			m := make(map[string][]Ref, len(d.components))
			for i := range d.components {
				if p := d.components[i].PURL; p != "" {
					p = canonical(p)
					m[p] = append(m[p], Ref(i))
				}
			}
			return m
		}),
		matches: sync.OnceValue(func() map[string][]Ref {
			m := make(map[string][]Ref, len(d.components))
			for i := range d.components {
				if p, err := packageurl.Parse(d.components[i].PURL); err == nil {
					key := p.MatchKey()
					m[key] = append(m[key], Ref(i))
				}
			}
			return m
		}),
		about: sync.OnceValue(d.readAbout),
		spdx3: sync.OnceValue(d.readSPDX3Details),
		hashes: sync.OnceValue(func() map[Hash][]Ref {
			m := map[Hash][]Ref{}
			for i := range d.components {
				for _, h := range d.Hashes(Ref(i)) {
					h.Value = strings.ToLower(h.Value)
					m[h] = append(m[h], Ref(i))
				}
			}
			return m
		}),
		graph: sync.OnceValue(func() *Graph { return newGraph(d, nil) }),
	}
}

// links are a document's relationships with their ends found.
type links struct {
	ids   map[string]Ref
	edges []Relationship
	roots []Ref
	known map[Ref]bool // roots
}

// Ref returns the component with an ID, or None.
func (l *links) Ref(id string) index.Ref {
	if ref, ok := l.ids[id]; ok {
		return index.Ref(ref)
	}
	return index.None
}

func (l *links) Add(from, to index.Ref, t model.Relation) {
	l.edges = append(l.edges, Relationship{Ref(from), Ref(to), RelationshipType(t)})
}

// Root adds a root, once.
func (l *links) Root(at index.Ref) {
	ref := Ref(at)
	if ref == None || l.known[ref] {
		return
	}
	if l.known == nil {
		l.known = map[Ref]bool{}
	}
	l.known[ref] = true
	l.roots = append(l.roots, ref)
}

// ByPURL yields the components with a package URL, in any spelling, in document order. What is none is compared as text.
func (d *Document) ByPURL(purl string) iter.Seq[Ref] { return refs(d.lookups.purls()[canonical(purl)]) }

// Match yields the components that are the package that a package URL names, by [PURL.MatchKey], in document order:
// what another program calls by another name too.
func (d *Document) Match(p PURL) iter.Seq[Ref] { return refs(d.lookups.matches()[p.MatchKey()]) }

// canonical returns the canonical form of a package URL, or a text as it is that is none.
func canonical(s string) string {
	if p, err := packageurl.Parse(s); err == nil {
		return p.String()
	}
	return s
}

// ByHash yields the components with a hash, in document order. The case of its digits does not matter.
func (d *Document) ByHash(h Hash) iter.Seq[Ref] {
	return refs(d.lookups.hashes()[Hash{h.Algorithm, strings.ToLower(h.Value)}])
}

// Graph returns the document's relationships of some types, ready to be followed. With no types it is those that say
// what depends on what, [DependsOn] and SPDX's with an occasion such as DEV_DEPENDENCY_OF, and made once. The latter point
// from what depends in every Graph.
func (d *Document) Graph(types ...RelationshipType) *Graph {
	if len(types) == 0 {
		return d.lookups.graph()
	}
	return newGraph(d, types)
}

func refs(list []Ref) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		for _, r := range list {
			if !yield(r) {
				return
			}
		}
	}
}
