// Package spdxyaml reads the YAML encoding of SPDX 2.2 and 2.3 into its JSON form.
//
// Package strictyaml says which YAML that is.
package spdxyaml

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/internal/strictyaml"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Kinds of failure, for errors.Is. The error itself is an [*syntax.Error] of package internal/syntax.
var (
	ErrSyntax = strictyaml.ErrSyntax
	ErrYAML   = strictyaml.ErrYAML
)

const (
	maxSize  = 1 << 30
	maxDepth = 1000 // as of all other encodings
	mark     = "\ufeff"
)

// Detect reports whether data looks like an SPDX document in YAML.
func Detect(data []byte) bool {
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte(mark))) {
		if bytes.HasPrefix(line, []byte("spdxVersion:")) || bytes.HasPrefix(line, []byte(`"spdxVersion":`)) ||
			bytes.HasPrefix(line, []byte("'spdxVersion':")) {
			return true
		}
	}
	return false
}

// Read reads a document into its JSON form, whose places are offsets into data.
func Read(data []byte) (*tree.Node, error) {
	doc, err := strictyaml.Parse(data, strictyaml.Limits{Size: maxSize, Depth: maxDepth})
	if err != nil {
		return nil, err
	}
	return value(doc, doc.Root), nil
}

func value(doc *strictyaml.Document, n *yaml.Node) *tree.Node {
	at := doc.Offset(n)
	switch kind := strictyaml.KindOf(n); kind {
	case strictjson.Object:
		o := tree.ObjectAt(at, at)
		for i := 0; i+1 < len(n.Content); i += 2 {
			o.Set(n.Content[i].Value, value(doc, n.Content[i+1]))
		}
		return o
	case strictjson.Array:
		a := tree.ArrayAt(at, at)
		for _, item := range n.Content {
			a.Items = append(a.Items, value(doc, item))
		}
		return a
	case strictjson.Null:
		return tree.LiteralAt("null", at, at)
	case strictjson.True:
		return tree.LiteralAt("true", at, at)
	case strictjson.False:
		return tree.LiteralAt("false", at, at)
	case strictjson.Number:
		return tree.LiteralAt(n.Value, at, at)
	}
	return tree.TextAt(n.Value, at, at)
}
