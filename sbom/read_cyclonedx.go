package sbom

import (
	"fmt"
	"slices"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/model"
)

// The versions of CycloneDX that are read (cyclonedx.org/specification). JSON came with 1.2.
var cyclonedxVersions = []string{"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"}

// cyclonedxReader indexes a CycloneDX document.
type cyclonedxReader struct {
	d            *Document
	root         Ref
	dependencies []byte
}

// member reads one of the document's members and reports whether it is CycloneDX's.
func (c *cyclonedxReader) member(r *strictjson.Reader, name []byte) bool {
	switch string(name) {
	case "serialNumber":
		c.d.id = view(r)
	case "metadata":
		for name := range r.Object("component") {
			switch string(name) {
			case "timestamp":
				c.d.created = view(r)
			case "component":
				if ref := c.component(r, None); ref != None {
					c.root = ref
				}
			}
		}
	case "components":
		c.components(r, None)
	case "dependencies":
		r.Kind() // moves to the value
		start := r.Offset()
		readDependencies(r, nil)
		if r.Err() == nil {
			c.dependencies = c.d.json[start:r.Offset()]
		}
	default:
		return false
	}
	return true
}

func (c *cyclonedxReader) components(r *strictjson.Reader, parent Ref) {
	if r.Null() {
		return
	}
	for range r.Array() {
		c.component(r, parent)
	}
}

func (c *cyclonedxReader) component(r *strictjson.Reader, parent Ref) Ref {
	if r.Null() {
		return None
	}
	ref, err := c.d.add(Component{})
	if err != nil {
		r.Fail(err)
		return None
	}
	if parent != None {
		c.d.nested = append(c.d.nested, Relationship{parent, ref, Contains})
	}
	r.Kind() // moves to the value
	start := r.Offset()
	var v Component
	for name := range r.Object("bom-ref", "type", "name", "version", "purl", "components") {
		switch string(name) {
		case "bom-ref":
			v.ID = view(r)
		case "type":
			v.Kind = view(r)
		case "group":
			v.Group = view(r)
		case "name":
			v.Name = view(r)
		case "version":
			v.Version = view(r)
		case "purl":
			v.PURL = view(r)
		case "components":
			c.components(r, ref)
		}
	}
	if r.Err() == nil {
		v.raw = c.d.json[start:r.Offset()]
	}
	c.d.components[ref] = v
	return ref
}

func (c *cyclonedxReader) finish() error {
	old := c.d.encoding == XML && (c.d.format.Version == "1.0" || c.d.format.Version == "1.1")
	if !old && !slices.Contains(cyclonedxVersions, c.d.format.Version) {
		return fmt.Errorf("%w: CycloneDX %.20q", ErrVersion, c.d.format.Version)
	}
	if c.root != None {
		c.d.roots = []Ref{c.root}
	}
	dependencies := c.dependencies
	c.d.link = func(l *links) {
		if dependencies == nil {
			return
		}
		readDependencies(strictjson.NewReader(dependencies, strictjson.Limits{Depth: maxDepth}), func(ref string, on []string) {
			from := l.ref(ref)
			for _, id := range on {
				l.add(from, l.ref(id), model.DependsOn)
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
				ref = view(r)
			case "dependsOn":
				if r.Null() {
					break
				}
				for range r.Array() {
					if id := view(r); visit != nil {
						on = append(on, id)
					}
				}
			}
		}
		if visit != nil {
			visit(ref, on)
		}
	}
}
