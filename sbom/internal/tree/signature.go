package tree

import (
	"slices"

	"github.com/ladingdev/lading/internal/strictjson"
)

// Signatures lists the signatures below n.
func Signatures(n *Node, out []*Node) []*Node {
	for _, m := range n.Members {
		if m.Name == "signature" && m.Value.Kind == strictjson.Object {
			out = append(out, m.Value)
			continue
		}
		out = Signatures(m.Value, out)
	}
	for _, v := range n.Items {
		out = Signatures(v, out)
	}
	return out
}

func RemoveSignatures(n *Node) {
	n.Members = slices.DeleteFunc(n.Members, func(m Member) bool { return m.Name == "signature" && m.Value.Kind == strictjson.Object })
	for _, m := range n.Members {
		RemoveSignatures(m.Value)
	}
	for _, v := range n.Items {
		RemoveSignatures(v)
	}
}

func HasSignature(r *strictjson.Reader) (found bool) {
	switch r.Kind() {
	case strictjson.Object:
		for name := range r.Object() {
			if string(name) == "signature" && r.Kind() == strictjson.Object {
				found = true
			} else {
				found = HasSignature(r) || found
			}
		}
	case strictjson.Array:
		for range r.Array() {
			found = HasSignature(r) || found
		}
	}
	return found
}
