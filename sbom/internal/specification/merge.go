package specification

import (
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/index"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Merge is how documents of a specification are merged.
type Merge struct {
	// Parts lists the lists whose elements, other than components, are taken as a whole or not at all.
	Parts func(input *tree.Node) []*tree.Node
	// Add adds a document to the result, and returns the IDs of what it is about: those that it got, and more.
	Add func(m *Merged, input *tree.Node, roots []string) []string
	// Link refers to a document instead.
	Link func(m *Merged, l *Linked)
	// End says what the result is about, when all documents are in it.
	End func(m *Merged)
}

// A Merged is a document that others are merged into.
type Merged struct {
	Out          *tree.Node
	Words        *tree.Words
	Version      string
	Hierarchical bool       // each document stays below what it is about
	Root         string     // the ID of what the result is about
	About        []string   // IDs of what the documents are about
	IDs          spec.Names // that are taken

	// The document that is at work on: its place, its own ID, its components that the result has already, and a function to
	// tell of what it says and the result does not: of a component, or of itself if that is nil.
	Doc      int
	ID       string
	Same     map[*tree.Node]*tree.Node
	Conflict func(component *tree.Node, field, kept, dropped string)

	Inside    map[*tree.Node]*tree.Node // what components of the result are nested in
	Contained map[string]bool           // what the result is said to contain
}

// A Linked is a document that is referred to.
type Linked struct {
	ID     string          // its own
	Source []byte          // all of it
	SHA256 string          // of it, in hexadecimal
	Text   []byte          // its JSON form
	Alike  bool            // it is of the same specification
	About  index.Component // what it is about
}

// IDOf returns the ID of a component, and gives it one if it has none.
func (m *Merged) IDOf(n *tree.Node) string {
	if n == nil {
		return ""
	}
	if id := tree.Definition(n, m.Words); id != nil {
		return id.Text
	}
	id := n.Str("purl").S
	if id == "" {
		id = n.Str("name").S
	}
	id = m.IDs.Unique(id)
	if v := n.Get(m.Words.IDs[0]); v != nil {
		v.Text = id
	} else {
		n.Set(m.Words.IDs[0], tree.NewText(id))
	}
	return id
}

// Append adds the elements of a list of the document to the same list of the result, as often as they are there.
func (m *Merged) Append(name string, list []*tree.Node, same map[*tree.Node]*tree.Node) {
	if len(list) == 0 {
		return
	}
	a := m.Out.Get(name)
	if a == nil {
		a = m.Out.Set(name, tree.NewArray())
	}
	for _, v := range list {
		if same[v] == nil {
			a.Items = append(a.Items, v)
		}
	}
}

// Member merges a member that documents have once. Where is the path in front of its name in a Conflict.
func (m *Merged) Member(to *tree.Node, name string, v *tree.Node, where string) {
	have := to.Get(name)
	switch {
	case have == nil && (v.Kind == strictjson.Array || where == "" || m.Doc == 0 && where != "metadata."):
		to.Set(name, v)
	case have == nil:
		// Who supplied or made one of several is not who supplied or made all of them.
		m.Conflict(nil, where+name, "", v.Show())
	case have.Kind == strictjson.Array && v.Kind == strictjson.Array && where+name != "metadata.licenses":
		have.Unite(v)
	case !have.Equal(v):
		m.Conflict(nil, where+name, have.Show(), v.Show())
	}
}

// Once leaves out elements of a list that are there already.
func Once(list *tree.Node) {
	if list != nil {
		items := list.Items
		list.Items = nil
		list.Unite(&tree.Node{Items: items})
	}
}
