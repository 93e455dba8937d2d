package sbom

import (
	"fmt"
	"math"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/specification"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// conform makes a document keep to the format: known differences between the versions first, then whatever the schema and
// the rules refuse. It returns the text of the document, and what it added.
func conform(out *tree.Node, target Format, now string) (text []byte, added []tree.Loss, err error) {
	name := target.String()
	schema, err := schema.JSON(name)
	if err != nil {
		return nil, nil, err
	}
	list, err := license.TheList()
	if err != nil {
		return nil, nil, err
	}
	spec := specOf(target)
	t := specification.Target{Format: name, Version: target.Version, Now: now, View: schema.View()}
	added = spec.Fit(out, t)
	f := conforming{out: out, spec: spec, target: t, schema: schema, list: list}
	for range maxPasses {
		var spans []strictjson.Span
		if text, spans = out.RenderSpans(); len(text) > math.MaxInt32 {
			return nil, nil, fmt.Errorf("%w: the document in %s is larger than 2 GiB", ErrLimit, name)
		}
		switch done, err := f.pass(jsonschema.NewDocument(text, spans)); {
		case err != nil:
			return nil, nil, err
		case done:
			return text, added, nil
		}
	}
	return nil, nil, fmt.Errorf("%w: the document cannot be made to keep to %s", ErrInvalid, name)
}

// A conforming is a document that is made to keep to its format.
type conforming struct {
	out    *tree.Node
	spec   *specification.Specification
	target specification.Target
	schema *jsonschema.Schema
	list   *license.List
	nodes  []*tree.Node          // in the order of the text, when something is wrong
	spell  func(*tree.Node) bool // writes what is refused in another way; made when something is
	broken string                // what was wrong with a member of the document that went
}

// pass removes what the schema or else the rules refuse, and reports whether there is nothing of it.
func (f *conforming) pass(doc *jsonschema.Document) (done bool, err error) {
	problems, err := f.schema.Validate(doc, 1_000_000)
	if err != nil {
		return false, err
	}
	bad := map[*tree.Node]string{}
	f.nodes = nil
	refuse := func(n jsonschema.Node, advice string) {
		if f.nodes == nil {
			f.nodes = f.out.Ordered(make([]*tree.Node, 0, doc.Len()))
		}
		bad[f.nodes[n]] = advice
	}
	for _, p := range problems {
		refuse(p.Node, p.Advice)
	}
	if len(bad) == 0 {
		c := check.Check{Doc: doc, List: f.list, Found: refuse}
		f.spec.Rules(&c, f.target.Format)
	}
	if len(bad) == 0 {
		return true, nil
	}
	if f.spell == nil {
		f.spell = f.spec.Spell(f.out, f.target)
	}
	for v := range bad {
		if f.spell(v) {
			delete(bad, v)
		}
	}
	if advice, ok := bad[f.out]; ok {
		if f.broken != "" { // what is missing now was there
			advice = f.broken
		}
		return false, fmt.Errorf("%w %s: %s", ErrInvalid, f.target.Format, advice)
	}
	for _, m := range f.out.Members {
		if advice, ok := bad[m.Value]; ok {
			f.broken = "/" + m.Name + ": " + advice
		}
	}
	for i, v := range f.nodes { // in the order of the document: of a part inside of another, the outer one's reason counts
		if advice, ok := bad[v]; ok && (i == 0 || f.nodes[i-1] != v) {
			v.Explain(tree.Dropped, f.target.Format+": "+advice)
		}
	}
	f.out.Sweep(bad)
	return false, nil
}

// maxPasses bounds how often a document is held against its format and loses what does not pass. What lacks something
// goes as a whole, so each round goes one level out.
const maxPasses = 60
