package sbom

import (
	"slices"
	"unsafe"

	"github.com/ladingdev/lading/internal/strictjson"
)

// A node is a value of a JSON document that is being converted or made. A conversion's output remembers which nodes of
// the input each of its own stands for; what no node stands for is a loss.
type node struct {
	kind    strictjson.Kind
	kept    bool   // input: something stands for it
	start   int32  // input: where its text begins
	text    string // a string, decoded, or a literal
	members []member
	items   []*node
	from    []*node // output: the leaves of the input that this leaf stands for
	loss    *Loss   // input: why it is not kept, or how what is kept differs
}

type member struct {
	name  string
	value *node
}

// newObject returns an object with room for the members that most have.
func newObject() *node {
	n := &struct {
		node
		first [4]member
	}{node: node{kind: strictjson.Object}}
	n.members = n.first[:0]
	return &n.node
}

// newArray returns an array with room for the elements that most have.
func newArray() *node {
	n := &struct {
		node
		first [2]*node
	}{node: node{kind: strictjson.Array}}
	n.items = n.first[:0]
	return &n.node
}

// newText returns a string that stands for leaves of the input.
func newText(s string, from ...*node) *node {
	if len(from) > 1 {
		return &node{kind: strictjson.String, text: s, from: compactNodes(slices.Clone(from))}
	}
	n := &struct {
		node
		leaf [1]*node
	}{node: node{kind: strictjson.String, text: s}}
	if len(from) == 1 && from[0] != nil {
		n.leaf[0] = from[0]
		n.from = n.leaf[:1:1]
	}
	return &n.node
}

func newLiteral(s string) *node { return &node{kind: strictjson.Number, text: s} }

func compactNodes(list []*node) []*node {
	return slices.DeleteFunc(list, func(n *node) bool { return n == nil })
}

// parseTree reads a text, which must not change afterwards: the tree has views of it.
func parseTree(data []byte) (*node, error) {
	return parseTreeWithout(data, "")
}

// parseTreeWithout leaves out a member of the object that data is.
func parseTreeWithout(data []byte, without string) (*node, error) {
	r := strictjson.NewReader(data, strictjson.Limits{Depth: maxDepth})
	t := treeReader{Reader: r, without: without}
	t.size = len(data) / 36 // half of what the first block is to be, most likely of all
	n := t.node()
	return n, r.End()
}

func readNode(r *strictjson.Reader) *node {
	t := treeReader{Reader: r}
	return t.node()
}

// A treeReader keeps the members and elements of what is open until their number is known.
type treeReader struct {
	*strictjson.Reader
	arena
	without string
	open    []member // of all open objects, innermost last
	items   []*node  // of all open arrays
}

func (r *treeReader) node() *node {
	n := r.new()
	n.kind = r.Kind()
	n.start = int32(r.Offset())
	switch n.kind {
	case strictjson.Object:
		base, without := len(r.open), r.without
		r.without = ""
		for name := range r.Object() {
			if without != "" && string(name) == without {
				continue
			}
			s := viewOf(name)
			r.open = append(r.open, member{s, r.node()})
		}
		n.members = r.newMembers(r.open[base:])
		r.open = r.open[:base]
	case strictjson.Array:
		base := len(r.items)
		for range r.Array() {
			r.items = append(r.items, r.node())
		}
		n.items = r.newItems(r.items[base:])
		r.items = r.items[:base]
	case strictjson.String:
		n.text = viewOf(r.Text())
	default:
		n.kind = strictjson.Number
		n.text = viewOf(r.Raw())
	}
	return n
}

// viewOf returns text that does not change as a string.
func viewOf(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

// An arena makes nodes and lists in blocks, the larger the more there are.
type arena struct {
	nodes   []node
	members []member
	lists   []*node
	size    int // of the last block
}

func (a *arena) new() *node {
	if len(a.nodes) == 0 {
		a.size = min(max(16, 2*a.size), 1024)
		a.nodes = make([]node, a.size)
	}
	n := &a.nodes[0]
	a.nodes = a.nodes[1:]
	return n
}

// newMembers copies a list, nil if it is empty; what is appended to it is somewhere else.
func (a *arena) newMembers(list []member) []member {
	n := len(list)
	if n == 0 {
		return nil
	}
	if n > len(a.members) {
		a.members = make([]member, max(n, a.size))
	}
	out := a.members[:n:n]
	a.members = a.members[n:]
	copy(out, list)
	return out
}

func (a *arena) newItems(list []*node) []*node {
	n := len(list)
	if n == 0 {
		return nil
	}
	if n > len(a.lists) {
		a.lists = make([]*node, max(n, a.size))
	}
	out := a.lists[:n:n]
	a.lists = a.lists[n:]
	copy(out, list)
	return out
}

// get returns a member, or nil: of nil too, so that a path of gets needs no checks.
func (n *node) get(name string) *node {
	if n != nil {
		for i := range n.members {
			if n.members[i].name == name {
				return n.members[i].value
			}
		}
	}
	return nil
}

// list returns the elements of an array member that are objects.
func (n *node) list(name string) []*node {
	a := n.get(name)
	if a == nil {
		return nil
	}
	return a.items
}

// str returns a string member.
func (n *node) str(name string) text {
	if v := n.get(name); v != nil && v.kind == strictjson.String {
		return text{v.text, v}
	}
	return text{}
}

func (n *node) set(name string, v *node) *node {
	n.members = append(n.members, member{name, v})
	return v
}

// put adds a string member if there is something to say.
func (n *node) put(name string, t text) {
	if t.ok() {
		n.set(name, newText(t.s, t.src))
	}
}

// add appends an element to an array member, which it makes if it is not there.
func (n *node) add(name string, v *node) *node {
	a := n.get(name)
	if a == nil {
		a = n.set(name, newArray())
	}
	a.items = append(a.items, v)
	return v
}

func (n *node) remove(name string) *node {
	for i, m := range n.members {
		if m.name == name {
			n.members = slices.Delete(n.members, i, i+1)
			return m.value
		}
	}
	return nil
}

func (n *node) leaf() bool { return len(n.members) == 0 && len(n.items) == 0 }

// copyTree copies the input into an output that stands for all of it.
func copyTree(n *node) *node { return new(arena).copy(n) }

func (a *arena) copy(n *node) *node {
	out := a.new()
	out.kind, out.text = n.kind, n.text
	if n.leaf() {
		out.from = a.newItems([]*node{n})
	}
	out.members, out.items = a.newMembers(n.members), a.newItems(n.items)
	for i, m := range n.members {
		out.members[i].value = a.copy(m.value)
	}
	for i, v := range n.items {
		out.items[i] = a.copy(v)
	}
	return out
}

// explain says of all leaves of the input that this part of the output stands for why they are to be lost.
func (n *node) explain(kind LossKind, reason string) {
	for _, f := range n.from {
		if f.loss == nil {
			f.loss = &Loss{Kind: kind, Reason: reason}
		}
	}
	for _, m := range n.members {
		m.value.explain(kind, reason)
	}
	for _, v := range n.items {
		v.explain(kind, reason)
	}
}

// keep marks what the output stands for.
func (n *node) keep() {
	for _, f := range n.from {
		f.kept = true
	}
	for _, m := range n.members {
		m.value.keep()
	}
	for _, v := range n.items {
		v.keep()
	}
}

// render writes the tree, indented by two blanks.
func (n *node) render() []byte {
	return append(n.append(make([]byte, 0, n.size(0)+1), 0), '\n')
}

// size is how long the text of n is, but for escapes.
func (n *node) size(depth int) int {
	sum := len(n.text) + 2
	for _, m := range n.members {
		sum += len(m.name) + 6 + 2*(depth+1) + m.value.size(depth+1)
	}
	for _, v := range n.items {
		sum += 2 + 2*(depth+1) + v.size(depth+1)
	}
	if !n.leaf() {
		sum += 1 + 2*depth
	}
	return sum
}

const blanks = "\n                                                                                                "

func newline(dst []byte, depth int) []byte {
	if k := 1 + 2*depth; k <= len(blanks) {
		return append(dst, blanks[:k]...)
	}
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, ' ', ' ')
	}
	return dst
}

func (n *node) append(dst []byte, depth int) []byte {
	switch n.kind {
	case strictjson.Object:
		if len(n.members) == 0 {
			return append(dst, '{', '}')
		}
		dst = append(dst, '{')
		for i, m := range n.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = newline(dst, depth+1)
			dst = strictjson.AppendString(dst, m.name)
			dst = append(dst, ':', ' ')
			dst = m.value.append(dst, depth+1)
		}
		return append(newline(dst, depth), '}')
	case strictjson.Array:
		if len(n.items) == 0 {
			return append(dst, '[', ']')
		}
		dst = append(dst, '[')
		for i, v := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = newline(dst, depth+1)
			dst = v.append(dst, depth+1)
		}
		return append(newline(dst, depth), ']')
	case strictjson.String:
		return strictjson.AppendString(dst, n.text)
	}
	return append(dst, n.text...)
}
