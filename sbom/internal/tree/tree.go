// Package tree holds documents as values: what is read, what a conversion makes of it, and which leaves of the input
// each part of the output stands for. What no part stands for is a loss.
package tree

import (
	"slices"
	"sync"
	"unsafe"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// A Node is a value of a JSON document that is being converted or made. A conversion's output remembers which nodes of
// the input each of its own stands for; what no node stands for is a loss.
type Node struct {
	Kind    strictjson.Kind // Object, Array, String, or Number for any literal
	Kept    bool            // input: something stands for it
	Start   int32           // input: where its text begins
	End     int32           // input: where its text ends
	Text    string          // a string, decoded, or a literal
	Members []Member
	Items   []*Node
	from    *Node // output: the leaf of the input that this leaf stands for; of several, a node that has them as Items
	note    *Note // input: why it is not kept, or how what is kept differs
}

type Member struct {
	Name  string
	Value *Node
}

// Nodes of an output are made one at a time all over its writers, together with the list that they will have. They are not made in
// blocks: what two conversions have in one block keeps the trees of both in memory.
type (
	objectNode struct {
		Node
		first [4]Member
	}
	largeNode struct {
		Node
		first [8]Member
	}
	arrayNode struct {
		Node
		first [2]*Node
	}
)

// NewObject returns an object with room for the members that most have.
func NewObject() *Node {
	n := &objectNode{}
	n.Kind, n.Members = strictjson.Object, n.first[:0]
	return &n.Node
}

// NewLarge returns an object with room for more of them.
func NewLarge() *Node {
	n := &largeNode{}
	n.Kind, n.Members = strictjson.Object, n.first[:0]
	return &n.Node
}

// NewArray returns an array with room for the elements that most have.
func NewArray() *Node {
	n := &arrayNode{}
	n.Kind, n.Items = strictjson.Array, n.first[:0]
	return &n.Node
}

// NewText returns a string that stands for leaves of the input.
func NewText(s string, from ...*Node) *Node {
	n := &Node{Kind: strictjson.String, Text: s}
	n.Stand(from...)
	return n
}

// several is the kind of a node that is no value: its Items are the leaves that another node stands for.
const several strictjson.Kind = 0

// Sources lists the leaves of the input that n stands for, of which nobody keeps the list.
func (n *Node) Sources() []*Node {
	switch {
	case n.from == nil:
		return nil
	case n.from.Kind == several:
		return n.from.Items
	}
	return unsafe.Slice(&n.from, 1)
}

// Stand makes n stand for more leaves of the input, those that are not nil.
func (n *Node) Stand(leaves ...*Node) {
	for _, leaf := range leaves {
		switch {
		case leaf == nil:
		case n.from == nil:
			n.from = leaf
		case n.from.Kind == several:
			n.from.Items = append(n.from.Items, leaf)
		default:
			list := &arrayNode{}
			list.Items = append(list.first[:0], n.from, leaf)
			n.from = &list.Node
		}
	}
}

// StandOnly makes n stand for these leaves of the input, and for no other.
func (n *Node) StandOnly(leaves ...*Node) {
	n.from = nil
	n.Stand(leaves...)
}

func NewLiteral(s string) *Node { return &Node{Kind: strictjson.Number, Text: s} }

func Compact(list []*Node) []*Node {
	return slices.DeleteFunc(list, func(n *Node) bool { return n == nil })
}

// Parse reads a text, which must not change afterwards: the tree has views of it.
func Parse(data []byte) (*Node, error) {
	return ParseWithout(data, "")
}

// ParseWithout leaves out a member of the object that data is.
func ParseWithout(data []byte, without string) (*Node, error) {
	r := strictjson.NewReader(data, strictjson.Limits{Depth: spec.MaxDepth})
	t := treeReader{Reader: r, without: without}
	t.size = len(data) / 36 // half of what the first block is to be, most likely of all
	n := t.node()
	return n, r.End()
}

// Look is [ParseWithout] for who needs the tree for a moment only: nobody may keep a node of it when look returns. What texts
// say may be kept.
func Look(data []byte, without string, look func(*Node)) error {
	l := looks.Get().(*looker)
	defer looks.Put(l)
	l.Reset(data)
	l.without, l.open, l.items = without, l.open[:0], l.items[:0]
	l.Maker = Maker{nodes: l.all.nodes, members: l.all.members, lists: l.all.lists, size: len(l.all.nodes)}
	defer l.clear()
	n := l.node()
	if err := l.End(); err != nil {
		return err
	}
	look(n)
	return nil
}

// A looker reads one text after another into the same memory.
type looker struct {
	treeReader
	all Maker // what can be used again
}

var looks = sync.Pool{New: func() any {
	return &looker{treeReader: treeReader{Reader: strictjson.NewReader(nil, strictjson.Limits{Depth: spec.MaxDepth})},
		all: Maker{nodes: make([]Node, 512), members: make([]Member, 256), lists: make([]*Node, 64)}}
}}

// clear makes the memory ready for the next text. What was made beside it is left to the garbage collector.
func (l *looker) clear() {
	used := len(l.all.nodes)
	if l.size == used { // no other block was made
		used -= len(l.nodes)
	}
	clear(l.all.nodes[:used])
	clear(l.all.members)
	clear(l.all.lists)
	l.Reset(nil)
}

func Read(r *strictjson.Reader) *Node {
	t := treeReader{Reader: r}
	return t.node()
}

// A treeReader keeps the members and elements of what is open until their number is known.
type treeReader struct {
	*strictjson.Reader
	Maker
	without string
	open    []Member // of all open objects, innermost last
	items   []*Node  // of all open arrays
}

func (r *treeReader) node() *Node {
	n := r.next()
	n.Kind = r.Kind()
	n.Start = int32(r.Offset())
	switch n.Kind {
	case strictjson.Object:
		base, without := len(r.open), r.without
		r.without = ""
		for name := range r.Object() {
			if without != "" && string(name) == without {
				continue
			}
			s := viewOf(name)
			r.open = append(r.open, Member{s, r.node()})
		}
		n.Members = r.membersOf(r.open[base:])
		r.open = r.open[:base]
	case strictjson.Array:
		base := len(r.items)
		for range r.Array() {
			r.items = append(r.items, r.node())
		}
		n.Items = r.itemsOf(r.items[base:])
		r.items = r.items[:base]
	case strictjson.String:
		n.Text = viewOf(r.Text())
	default:
		n.Kind = strictjson.Number
		n.Text = viewOf(r.Raw())
	}
	n.End = int32(r.Offset())
	return n
}

// viewOf returns text that does not change as a string.
func viewOf(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

// Get returns a member, or nil: of nil too, so that a path of gets needs no checks.
func (n *Node) Get(name string) *Node {
	if n != nil {
		for i := range n.Members {
			if n.Members[i].Name == name {
				return n.Members[i].Value
			}
		}
	}
	return nil
}

// List returns the elements of an array member that are objects.
func (n *Node) List(name string) []*Node {
	a := n.Get(name)
	if a == nil {
		return nil
	}
	return a.Items
}

// Str returns a string member.
func (n *Node) Str(name string) Text {
	if v := n.Get(name); v != nil && v.Kind == strictjson.String {
		return Text{v.Text, v}
	}
	return Text{}
}

func (n *Node) Set(name string, v *Node) *Node {
	if len(n.Members) == cap(n.Members) && len(n.Members) > 0 { // an object of more than few has many
		n.Members = slices.Grow(n.Members, 12)
	}
	n.Members = append(n.Members, Member{name, v})
	return v
}

// Put adds a string member if there is something to say.
func (n *Node) Put(name string, t Text) {
	if t.OK() {
		n.Set(name, NewText(t.S, t.From))
	}
}

// Add appends an element to an array member, which it makes if it is not there.
func (n *Node) Add(name string, v *Node) *Node {
	a := n.Get(name)
	if a == nil {
		a = n.Set(name, NewArray())
	}
	a.Items = append(a.Items, v)
	return v
}

func (n *Node) Remove(name string) *Node {
	for i, m := range n.Members {
		if m.Name == name {
			n.Members = slices.Delete(n.Members, i, i+1)
			return m.Value
		}
	}
	return nil
}

func (n *Node) IsLeaf() bool { return len(n.Members) == 0 && len(n.Items) == 0 }

// Copy copies the input into an output that stands for all of it.
func Copy(n *Node) *Node { return new(Maker).copy(n) }

func (m *Maker) copy(n *Node) *Node {
	out := m.next()
	out.Kind, out.Text = n.Kind, n.Text
	if n.IsLeaf() {
		out.from = n
	}
	out.Members, out.Items = m.membersOf(n.Members), m.itemsOf(n.Items)
	for i, v := range n.Members {
		out.Members[i].Value = m.copy(v.Value)
	}
	for i, v := range n.Items {
		out.Items[i] = m.copy(v)
	}
	return out
}

// Ordered lists the values in the order of the text, each member twice, as its name and as its value.
func (n *Node) Ordered(out []*Node) []*Node {
	out = append(out, n)
	for _, m := range n.Members {
		out = m.Value.Ordered(append(out, m.Value))
	}
	for _, v := range n.Items {
		out = v.Ordered(out)
	}
	return out
}

// Sweep removes nodes, and the lists that become empty by it.
func (n *Node) Sweep(gone map[*Node]string) {
	n.Members = slices.DeleteFunc(n.Members, func(m Member) bool {
		if _, ok := gone[m.Value]; ok {
			return true
		}
		had := !m.Value.IsLeaf()
		m.Value.Sweep(gone)
		return had && m.Value.IsLeaf() && m.Value.Kind == strictjson.Array
	})
	n.Items = slices.DeleteFunc(n.Items, func(v *Node) bool {
		if _, ok := gone[v]; ok {
			return true
		}
		v.Sweep(gone)
		return false
	})
}

// Each visits every object below n, n first.
func (n *Node) Each(visit func(*Node)) {
	if n == nil {
		return
	}
	if n.Kind == strictjson.Object {
		visit(n)
	}
	for _, m := range n.Members {
		m.Value.Each(visit)
	}
	for _, v := range n.Items {
		v.Each(visit)
	}
}

// The types of this file are what the specifications have in common: where a conversion passes through, and what the
// generator fills. Each text knows the leaf of the input that it comes from.

type Text struct {
	S    string
	From *Node
}

func (t Text) OK() bool { return t.From != nil || t.S != "" }

func Constant(s string) Text { return Text{S: s} }

// Number returns a member that is a number.
func (n *Node) Number(name string) Text {
	if v := n.Get(name); v != nil && v.Kind == strictjson.Number && v.IsLeaf() {
		return Text{v.Text, v}
	}
	return Text{}
}

func LiteralOf(t Text) *Node {
	v := NewLiteral(t.S)
	v.Stand(t.From)
	return v
}

func Texts(n *Node, name string) (out []Text) {
	for _, v := range ListOrOne(n.Get(name)) {
		if v.Kind == strictjson.String {
			out = append(out, Text{v.Text, v})
		}
	}
	return out
}

func ListOrOne(n *Node) []*Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == strictjson.Array:
		return n.Items
	}
	return []*Node{n}
}

// Under returns the members of an object, or none.
func (n *Node) Under() []Member {
	if n == nil {
		return nil
	}
	return n.Members
}

// IsNull reports whether n is null.
func (n *Node) IsNull() bool { return n.Kind == strictjson.Number && n.Text == "null" }

// Count is how many values there are below n, and n.
func (n *Node) Count() int {
	sum := 1
	for _, m := range n.Members {
		sum += m.Value.Count()
	}
	for _, v := range n.Items {
		sum += v.Count()
	}
	return sum
}

// Room makes room in a list for what an array can give.
func Room[T any](list []T, array *Node) []T {
	if array == nil {
		return list
	}
	return slices.Grow(list, len(array.Items))
}
