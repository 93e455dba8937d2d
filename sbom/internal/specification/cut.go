package specification

import (
	"slices"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A Cut is what a subset leaves out.
type Cut struct {
	Gone map[*tree.Node]bool // components that are not kept
	IDs  map[string]bool     // what they and their parts are referred to by
}

// Refers reports whether n is a reference to what is not kept.
func (c *Cut) Refers(n *tree.Node) bool { return n.Kind == strictjson.String && c.IDs[n.Text] }

// Filter removes the references in a list to what is not kept, and reports whether there were any.
func (c *Cut) Filter(n *tree.Node, name string) (removed bool) {
	list := n.Get(name)
	if list == nil || list.Kind != strictjson.Array {
		return false
	}
	before := len(list.Items)
	list.Items = slices.DeleteFunc(list.Items, c.Refers)
	if len(list.Items) == 0 && before > 0 {
		n.Remove(name)
	}
	return len(list.Items) < before
}
