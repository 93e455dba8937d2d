package tree

import (
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
)

// IDs and references of each specification. Merge, Subset and Diff use them.

// Words are the members of a specification's documents that name parts of them.
type Words struct {
	IDs         []string               // whose texts are names
	Refers      func(name string) bool // whose texts are names or references
	Document    string                 // the name of every document in itself, which is no part
	Expressions bool                   // names stand in licence expressions too, and behind those of other documents

	Hashes, HashAlgorithm, HashValue             string // the list of hashes of a component, and their members
	Identifiers, IdentifierType, IdentifierValue string // the same of identifiers, if they are in a list
}

// Definition returns what an object is referred to by, and the member that says so.
func Definition(n *Node, w *Words) (id *Node) {
	for _, name := range w.IDs {
		if v := n.Get(name); v != nil && v.Kind == strictjson.String && v.Text != "" && v.Text != w.Document {
			return v
		}
	}
	return nil
}

// Refer visits every text below n that names a part of the document: references and definitions.
func Refer(n *Node, w *Words, visit func(*Node)) { ReferAs(n, w, "", visit) }

func ReferAs(n *Node, w *Words, name string, visit func(*Node)) {
	switch n.Kind {
	case strictjson.Object:
		for _, m := range n.Members {
			ReferAs(m.Value, w, m.Name, visit)
		}
	case strictjson.Array:
		for _, v := range n.Items {
			ReferAs(v, w, name, visit)
		}
	case strictjson.String:
		if w.Refers(name) {
			visit(n)
		}
	}
}

// Rename gives parts of a document other names.
func Rename(n *Node, w *Words, to map[string]string) {
	if len(to) == 0 {
		return
	}
	Refer(n, w, func(v *Node) {
		if name, ok := to[v.Text]; ok {
			v.Text = name
		} else if w.Expressions {
			v.Text = renameTokens(v.Text, to)
		}
	})
}

// renameTokens renames what a licence expression refers to, and the document in "DocumentRef-a:SPDXRef-b".
func renameTokens(s string, to map[string]string) string {
	if !strings.Contains(s, "Ref-") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && isToken(s[end]) {
			end++
		}
		if end == i {
			b.WriteByte(s[i])
			i++
			continue
		}
		token := s[i:end]
		if name, ok := to[token]; ok && (i == 0 || s[i-1] != ':') {
			token = name
		}
		b.WriteString(token)
		i = end
	}
	return b.String()
}

func isToken(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-'
}
