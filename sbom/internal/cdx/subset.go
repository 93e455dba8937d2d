package cdx

import (
	"slices"

	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// subset leaves out what a cut does. What the document said to be complete is incomplete then.
func subset(c *specification.Cut, root *tree.Node) {
	liftGone(c, root)
	liftGone(c, root.Get("metadata").Get("component"))
	if list := root.Get("dependencies"); list != nil {
		list.Items = slices.DeleteFunc(list.Items, func(n *tree.Node) bool {
			removed := c.Filter(n, "dependsOn")
			removed = c.Filter(n, "provides") || removed
			// An element without any says that there are none.
			return c.IDs[n.Str("ref").S] || removed && n.Get("dependsOn") == nil && n.Get("provides") == nil
		})
	}
	for _, n := range root.List("compositions") {
		assemblies, dependencies, vulnerabilities := c.Filter(n, "assemblies"), c.Filter(n, "dependencies"), c.Filter(n, "vulnerabilities")
		if a := n.Get("aggregate"); a != nil && a.Text == "complete" && (assemblies || dependencies || vulnerabilities) {
			a.Text = "incomplete"
		}
	}
	affected(root, "vulnerabilities", "affects", func(a *tree.Node) bool { return c.IDs[a.Str("ref").S] })
	affected(root, "annotations", "subjects", c.Refers)
}

// affected removes what a list of things is about, and those that are about nothing any more.
func affected(root *tree.Node, name, about string, gone func(*tree.Node) bool) {
	list := root.Get(name)
	if list == nil {
		return
	}
	list.Items = slices.DeleteFunc(list.Items, func(n *tree.Node) bool {
		objects := n.Get(about)
		if objects == nil || len(objects.Items) == 0 {
			return false
		}
		objects.Items = slices.DeleteFunc(objects.Items, gone)
		return len(objects.Items) == 0
	})
	if len(list.Items) == 0 {
		root.Remove(name)
	}
}

// liftGone removes components from a list and puts what they contain in their place.
func liftGone(c *specification.Cut, parent *tree.Node) {
	list := parent.Get("components")
	if list == nil {
		return
	}
	var out []*tree.Node
	for _, n := range list.Items {
		liftGone(c, n)
		if c.Gone[n] {
			out = append(out, n.List("components")...)
		} else {
			out = append(out, n)
		}
	}
	list.Items = out
}

// rename gives a document another serial number, if it has one.
func rename(root *tree.Node, uuid func() string) {
	if v := root.Get("serialNumber"); v != nil {
		v.Text = "urn:uuid:" + uuid()
	}
}
