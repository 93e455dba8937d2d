// Package xmltree reads XML that somebody is going to trust, and keeps the place of everything in the text.
//
// It follows XML 1.0 (fifth edition) and Namespaces in XML 1.0, without document type declarations: they, and so every
// entity but the five predefined ones, are refused, because they make two readers see two documents and a small
// document a large one. The encoding is UTF-8. Nesting and the number of nodes are bounded. There is one pass over the
// bytes and no recursion, and names and text without references are views of the input.
package xmltree

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/syntax"
)

// Kinds of failure, for errors.Is. The error itself is an [*syntax.Error].
var (
	ErrSyntax   = errors.New("not well-formed XML")
	ErrDoctype  = errors.New("document type declaration")
	ErrEncoding = errors.New("encoding is not UTF-8")
	ErrLimit    = syntax.ErrLimit
)

// Refuse returns the error of a text that breaks at a byte.
func Refuse(at int, kind error, format string, args ...any) *syntax.Error {
	return &syntax.Error{Format: "XML", Offset: at, Reason: fmt.Sprintf(format, args...), Err: kind}
}

// Limits bound what Parse follows. The size of the input is the caller's to bound.
type Limits struct {
	Depth int // nested elements; 0 means 100
	Nodes int // elements, attributes and texts; 0 means 20 million
}

// Namespace names that need no declaration.
const (
	NamespaceXML   = "http://www.w3.org/XML/1998/namespace"
	NamespaceXMLNS = "http://www.w3.org/2000/xmlns/"
)

// A Kind is what a node is.
type Kind uint8

// The kinds of a node. Text is character data between two pieces of markup, CDATA is a section of it.
const (
	Element Kind = iota
	Text
	CDATA
	Comment
	Instruction
)

// A Node is an index into the nodes of a [Document], in the order of the text.
type Node int32

// None is no node.
const None Node = -1

// A Document is an XML text with the places of its parts.
type Document struct {
	Data  []byte
	Root  Node // the document element
	nodes []node
	attrs []Attr
	names []qname
}

// A node has no pointers, so that the garbage collector need not look at it.
type node struct {
	kind         Kind
	empty        bool // <a/>
	plain        bool // text: without references and carriage returns
	start, end   int32
	inner, outer int32 // elements: where the content begins and ends
	parent, next Node  // next: behind the last node inside this one
	attrs        int32 // index of the first
	nattrs       int32
	name         int32 // index of an element's
}

// An Attr is an attribute, or a namespace declaration, whose Space is [NamespaceXMLNS].
type Attr struct {
	Space, Name string
	Value       string // with references replaced and white space normalised
	Start, End  int    // the whole of it, from the name to the closing quote
	ValueStart  int    // of the text between the quotes
}

// Kind returns what n is.
func (d *Document) Kind(n Node) Kind { return d.nodes[n].kind }

// Name returns the namespace and the local name of an element.
func (d *Document) Name(n Node) (space, local string) {
	if d.nodes[n].kind != Element {
		return "", ""
	}
	name := &d.names[d.nodes[n].name]
	return name.space, name.local
}

// Span returns where n begins and ends, tags included.
func (d *Document) Span(n Node) (start, end int) { return int(d.nodes[n].start), int(d.nodes[n].end) }

// Inner returns where the content of n begins and ends; both are the end of the tag for an element like <a/>.
func (d *Document) Inner(n Node) (start, end int) {
	return int(d.nodes[n].inner), int(d.nodes[n].outer)
}

// Parent returns the element around n, or None.
func (d *Document) Parent(n Node) Node { return d.nodes[n].parent }

// Attrs returns the attributes and namespace declarations of an element, a view.
func (d *Document) Attrs(n Node) []Attr {
	nd := &d.nodes[n]
	return d.attrs[nd.attrs : nd.attrs+nd.nattrs : nd.attrs+nd.nattrs]
}

// Attr returns the value of an attribute without namespace.
func (d *Document) Attr(n Node, name string) (string, bool) {
	for _, a := range d.Attrs(n) {
		if a.Name == name && a.Space == "" {
			return a.Value, true
		}
	}
	return "", false
}

// Children yields the nodes directly inside n.
func (d *Document) Children(n Node) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if d.nodes[n].kind != Element {
			return
		}
		for c := n + 1; c < d.nodes[n].next; c = d.nodes[c].next {
			if !yield(c) {
				return
			}
		}
	}
}

// Elements yields the elements directly inside n.
func (d *Document) Elements(n Node) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := range d.Children(n) {
			if d.nodes[c].kind == Element && !yield(c) {
				return
			}
		}
	}
}

// All yields n and every node inside of it.
func (d *Document) All(n Node) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n; c < max(n+1, d.nodes[n].next); c++ {
			if !yield(c) {
				return
			}
		}
	}
}

// Text returns the character data directly inside n, or of a text node, with references replaced.
func (d *Document) Text(n Node) string {
	nd := &d.nodes[n]
	switch nd.kind {
	case Text:
		if nd.plain {
			return view(d.Data[nd.inner:nd.outer])
		}
		return view(decode(d.Data[nd.inner:nd.outer], false))
	case CDATA:
		return strings.ReplaceAll(strings.ReplaceAll(string(d.Data[nd.inner:nd.outer]), "\r\n", "\n"), "\r", "\n")
	case Element:
		first := n + 1
		if first < nd.next && d.nodes[first].next == nd.next { // the usual case
			if k := d.nodes[first].kind; k == Text || k == CDATA {
				return d.Text(first)
			}
			return ""
		}
		var b strings.Builder
		for c := range d.Children(n) {
			if k := d.nodes[c].kind; k == Text || k == CDATA {
				b.WriteString(d.Text(c))
			}
		}
		return b.String()
	}
	return ""
}

// ordinal counts the elements directly inside of parent that have the name of n, and says which of them n is, counted from one.
func (d *Document) ordinal(n, parent Node) (index, count int) {
	space, local := d.Name(n)
	for c := range d.Elements(parent) {
		if s, l := d.Name(c); s == space && l == local {
			count++
			if c == n {
				index = count
			}
		}
	}
	return index, count
}

// Path returns where an element is, such as /bom/components/component[2]/name.
func (d *Document) Path(n Node) string {
	var parts []string
	for ; n != None; n = d.nodes[n].parent {
		_, local := d.Name(n)
		step := "/" + local
		if parent := d.nodes[n].parent; parent != None {
			if index, count := d.ordinal(n, parent); count > 1 {
				step += "[" + strconv.Itoa(index) + "]"
			}
		}
		parts = append(parts, step)
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteString(parts[i])
	}
	return b.String()
}
