package cdx

import (
	"fmt"
	"slices"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/index"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// indexReader indexes a document.
type indexReader struct {
	x            *index.Index
	dependencies []byte
}

// Index returns a reader of the document of an index.
func Index(x *index.Index) index.Reader { return &indexReader{x: x} }

func (c *indexReader) Member(r *strictjson.Reader, name []byte) bool {
	switch string(name) {
	case "bomFormat":
		c.x.BOMFormat = r.String()
	case "specVersion":
		c.x.Specification, c.x.Version = "CycloneDX", r.String()
	case "serialNumber":
		c.x.ID = index.View(r)
	case "metadata":
		for name := range r.Object("component") {
			switch string(name) {
			case "timestamp":
				c.x.Created = index.View(r)
			case "component":
				if ref := c.component(r, index.None); ref != index.None {
					c.x.Root = ref
				}
			}
		}
	case "components":
		c.components(r, index.None)
	case "dependencies":
		r.Kind() // moves to the value
		start := r.Offset()
		readDependencies(r, nil)
		if r.Err() == nil {
			c.dependencies = c.x.Text[start:r.Offset()]
		}
	default:
		return false
	}
	return true
}

func (c *indexReader) components(r *strictjson.Reader, parent index.Ref) {
	if r.Null() {
		return
	}
	for range r.Array() {
		c.component(r, parent)
	}
}

func (c *indexReader) component(r *strictjson.Reader, parent index.Ref) index.Ref {
	if r.Null() {
		return index.None
	}
	ref, err := c.x.Next()
	if err != nil {
		r.Fail(err)
		return index.None
	}
	if parent != index.None {
		c.x.Nested = append(c.x.Nested, [2]index.Ref{parent, ref})
	}
	r.Kind() // moves to the value
	start := r.Offset()
	var v index.Component
	for name := range r.Object("bom-ref", "type", "name", "version", "purl", "components") {
		switch string(name) {
		case "bom-ref":
			v.ID = index.View(r)
		case "type":
			v.Kind = index.View(r)
		case "group":
			v.Group = index.View(r)
		case "name":
			v.Name = index.View(r)
		case "version":
			v.Version = index.View(r)
		case "purl":
			v.PURL = index.View(r)
		case "components":
			c.components(r, ref)
		}
	}
	if r.Err() == nil {
		v.Raw = c.x.Text[start:r.Offset()]
	}
	c.x.Put(ref, v)
	return ref
}

func (c *indexReader) Is() bool {
	return c.x.Specification == "CycloneDX" && c.x.BOMFormat == "CycloneDX" && c.x.Context == ""
}

func (c *indexReader) Finish() error {
	old := c.x.Encoding == "XML" && (c.x.Version == "1.0" || c.x.Version == "1.1")
	if !old && !slices.Contains(schema.Versions("CycloneDX"), c.x.Version) {
		return fmt.Errorf("%w: CycloneDX %.20q", spec.ErrVersion, c.x.Version)
	}
	dependencies := c.dependencies
	c.x.Link = func(l index.Linker) {
		if dependencies == nil {
			return
		}
		readDependencies(strictjson.NewReader(dependencies, index.Limits), func(ref string, on []string) {
			from := l.Ref(ref)
			for _, id := range on {
				l.Add(from, l.Ref(id), model.DependsOn)
			}
		})
	}
	return nil
}

// readDependencies reads the dependencies of a document, or only checks their shape.
func readDependencies(r *strictjson.Reader, visit func(ref string, on []string)) {
	if r.Null() {
		return
	}
	var on []string
	for range r.Array() {
		ref := ""
		on = on[:0]
		for name := range r.Object("ref", "dependsOn") {
			switch string(name) {
			case "ref":
				ref = index.View(r)
			case "dependsOn":
				on = views(r, on)
			}
		}
		if visit != nil {
			visit(ref, on)
		}
	}
}

// views appends the texts of a list, as they stand in the document.
func views(r *strictjson.Reader, to []string) []string {
	if r.Null() {
		return to
	}
	for range r.Array() {
		to = append(to, index.View(r))
	}
	return to
}
