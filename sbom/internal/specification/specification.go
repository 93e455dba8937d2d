// Package specification says what package sbom asks of each specification, and holds what its folder works on when documents are
// merged and cut.
package specification

import (
	"github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/index"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A Specification is all that one folder knows. There is one in each: cdx.Spec, spdx2.Spec, spdx3.Spec.
type Specification struct {
	Name     string          // such as "SPDX 2"; the names of its formats begin with it
	Versions func() []string // that are written
	Words    *tree.Words
	Nested   bool // components stand in one another, with other parts that have IDs

	Index func(*index.Index) index.Reader
	Read  func(*tree.Node) (*model.Document, error)
	Write func(*model.Document) *tree.Node

	// Copy returns a document of one version as it is to become one of another.
	Copy func(input *tree.Node, from, to string) (*tree.Node, error)
	// Fit turns what versions say in different shapes into that of the target, and returns what it added.
	Fit func(out *tree.Node, t Target) []tree.Loss
	// Spell returns a function that writes a value in a way that the target takes, and reports whether it could.
	Spell func(out *tree.Node, t Target) func(*tree.Node) bool
	Rules func(c *check.Check, format string)

	// NewOrigin adds the text that carries another document, which has to begin with what is returned beside it, and Origin
	// finds it and returns what is behind that.
	NewOrigin func(out *tree.Node, t Target) (carrier *tree.Node, begin string, err error)
	Origin    func(root *tree.Node) (carrier *tree.Node, text string)

	Merge  Merge
	Subset func(*Cut, *tree.Node)
	// Rename gives a document another identity, made of a UUID that follows from its content.
	Rename func(root *tree.Node, uuid func() string)
}

// A Target is the format that a document is to have.
type Target struct {
	Format  string // such as "SPDX 2.3"
	Version string // such as "2.3"
	Now     string // the time that it says it was made, if it has to say one and the input says none
	View    jsonschema.View
}

// OriginName names the property or the annotation that carries the input of a conversion.
const OriginName = "lading:origin"

// NoSpelling is for specifications that take nothing in another way.
func NoSpelling(*tree.Node, Target) func(*tree.Node) bool {
	return func(*tree.Node) bool { return false }
}
