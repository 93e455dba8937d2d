package sbom

import (
	"fmt"
	"slices"

	"github.com/ladingdev/lading/internal/strictjson"
)

// The versions of CycloneDX that are read (cyclonedx.org/specification). JSON came with 1.2.
var cyclonedxVersions = []string{"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"}

// cyclonedxReader indexes a CycloneDX document.
type cyclonedxReader struct {
	d            *Document
	dependencies []byte // read last, when all components are known
	err          error
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
					c.d.roots = []Ref{ref}
				}
			}
		}
	case "components":
		c.components(r, None)
	case "dependencies":
		c.dependencies = r.Raw()
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
		c.d.edges = append(c.d.edges, Relationship{parent, ref, Contains})
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
	c.d.index()
	if c.dependencies == nil {
		return nil
	}
	r := strictjson.NewReader(c.dependencies, strictjson.Limits{Depth: maxDepth})
	if r.Null() {
		return r.End()
	}
	for range r.Array() {
		from, start := None, len(c.d.edges)
		for name := range r.Object("ref", "dependsOn") {
			switch string(name) {
			case "ref":
				from = c.d.ref(view(r))
			case "dependsOn":
				if r.Null() {
					break
				}
				for range r.Array() {
					c.d.edges = append(c.d.edges, Relationship{None, c.d.ref(view(r)), DependsOn})
				}
			}
		}
		for i := start; i < len(c.d.edges); i++ {
			c.d.edges[i].From = from
		}
	}
	return r.End()
}
