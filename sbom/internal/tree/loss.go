package tree

import (
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
)

// A LossKind says what became of a part of a document.
type LossKind string

const (
	Dropped LossKind = "dropped" // it is not in the output
	Changed LossKind = "changed" // it is in the output and says less, or something slightly else
	Added   LossKind = "added"   // the output says what the input does not; the path is one of the output
)

// A Loss is one part of a document that is not in another one as it was.
type Loss struct {
	Path   string // RFC 6901 pointer into the input; it covers everything below
	Kind   LossKind
	Reason string
}

// A Note says of a leaf of the input why it is not kept, or how what is kept differs.
type Note struct {
	kind   LossKind
	reason string
}

// Explain says of all leaves of the input that this part of the output stands for why they are to be lost.
func (n *Node) Explain(kind LossKind, reason string) {
	for _, f := range n.Sources() {
		if f.note == nil {
			f.note = &Note{kind, reason}
		}
	}
	for _, m := range n.Members {
		m.Value.Explain(kind, reason)
	}
	for _, v := range n.Items {
		v.Explain(kind, reason)
	}
}

// Keep marks what the output stands for.
func (n *Node) Keep() {
	for _, f := range n.Sources() {
		f.Kept = true
	}
	for _, m := range n.Members {
		m.Value.Keep()
	}
	for _, v := range n.Items {
		v.Keep()
	}
}

// ExplainSelf says why a leaf of the input is lost or changed.
func (n *Node) ExplainSelf(kind LossKind, reason string) {
	if n != nil && n.note == nil {
		n.note = &Note{kind, reason}
	}
}

// ExplainAnew is explainSelf for a reason that counts more than an earlier one.
func (n *Node) ExplainAnew(kind LossKind, reason string) { n.note = &Note{kind, reason} }

// ExplainMembers says why an element is lost, but for the reference to its creation information.
func (n *Node) ExplainMembers(reason string) {
	for _, m := range n.Members {
		if m.Name == "creationInfo" {
			continue
		}
		for _, leaf := range m.Value.All(nil) {
			leaf.ExplainSelf(Dropped, reason)
		}
	}
}

// All appends the leaves of n.
func (n *Node) All(out []*Node) []*Node {
	if n.IsLeaf() {
		return append(out, n)
	}
	for _, m := range n.Members {
		out = m.Value.All(out)
	}
	for _, v := range n.Items {
		out = v.All(out)
	}
	return out
}

// Leaves lists the leaves of the input that an output stands for; of nil, none.
func (n *Node) Leaves() (out []*Node) {
	if n == nil {
		return nil
	}
	out = append(out, n.Sources()...)
	for _, m := range n.Members {
		out = append(out, m.Value.Leaves()...)
	}
	for _, v := range n.Items {
		out = append(out, v.Leaves()...)
	}
	return out
}

// An account is what became of the leaves of the input.
type account struct {
	Values, Represented int // leaves, and how many of them the output has
	Losses              []Loss
	parts               []lostPart // of all that is being walked, innermost last
	path                jsonpointer.Path
	why                 func(*jsonpointer.Path) string
}

// CountLeaves is how many strings, numbers, literals and empty lists there are below n.
func (n *Node) CountLeaves() (sum int) {
	if n.IsLeaf() {
		return 1
	}
	for _, m := range n.Members {
		sum += m.Value.CountLeaves()
	}
	for _, v := range n.Items {
		sum += v.CountLeaves()
	}
	return sum
}

// AccountOf sums up what became of the leaves of the input; why gives the reason of a loss that nobody gave one for.
func AccountOf(input *Node, why func(*jsonpointer.Path) string) *account {
	a := &account{why: why}
	a.walk(input)
	return a
}

const EmptyList = "it is empty, and the other format says so by leaving it out"

// walk lists the losses below n, and reports whether all of its leaves are dropped for one reason, which it then
// leaves to the caller to list.
func (a *account) walk(n *Node) (dropped bool, reason string) {
	if n.IsLeaf() {
		return a.leaf(n)
	}
	base, first, whole := len(a.parts), "", true
	part := func(i int, v *Node) bool {
		gone, why := a.walk(v)
		if i == 0 {
			first = why
		}
		if gone {
			a.parts = append(a.parts, lostPart{i, why})
		}
		return gone && why == first
	}
	for i := range n.Members {
		a.path.Push(n.Members[i].Name)
		whole = part(i, n.Members[i].Value) && whole
		a.path.Pop()
	}
	for i, v := range n.Items {
		a.path.PushIndex(i)
		whole = part(i, v) && whole
		a.path.Pop()
	}
	parts := a.parts[base:]
	a.parts = a.parts[:base]
	if whole && a.path.Len() > 0 {
		return true, first
	}
	for _, p := range parts {
		if len(n.Members) > 0 {
			a.path.Push(n.Members[p.index].Name)
		} else {
			a.path.PushIndex(p.index)
		}
		a.Losses = append(a.Losses, Loss{a.path.String(), Dropped, p.reason})
		a.path.Pop()
	}
	return false, ""
}

func (a *account) leaf(n *Node) (dropped bool, reason string) {
	a.Values++
	switch {
	case n.Kept:
		a.Represented++
		if n.note != nil { // of one that is dropped, another part is there
			a.Losses = append(a.Losses, Loss{a.path.String(), Changed, n.note.reason})
		}
		return false, ""
	case n.note != nil && n.note.kind == Dropped:
		return true, n.note.reason
	case n.Kind == strictjson.Array || n.Kind == strictjson.Object:
		return true, EmptyList
	}
	return true, a.why(&a.path)
}

// A lostPart is a member or an element that is dropped, and why.
type lostPart struct {
	index  int
	reason string
}

// Detach explains why the other ones of a list are lost.
func (n *Node) Detach(others []*Node) {
	for _, o := range others {
		o.Explain(Dropped, "this version has room for one only")
	}
}
