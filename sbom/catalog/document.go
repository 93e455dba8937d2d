package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/cyclonedx"
	"github.com/ladingdev/lading/sbom/quality"
)

// about is what a document is about.
type about struct {
	name, version, kind string
	image               *image
}

// document writes what was collected.
func (c *collector) document(a about) (*sbom.Document, *Report, error) {
	bom := cdx.NewBOM()
	bom.SpecVersion = cdx.SpecVersion1_6
	bom.JSONSchema = "http://cyclonedx.org/schema/bom-1.6.schema.json"
	root := &cdx.Component{Type: cdx.ComponentType(a.kind), BOMRef: "root", Name: a.name, Version: a.version}
	created := c.opts.Created
	if a.image != nil {
		if at := a.image.config.Created; at != nil && created.IsZero() {
			created = *at
		}
		root.Properties = properties("lading:image:platform", a.image.config.OS+"/"+a.image.config.Architecture, "lading:image:manifest", a.image.descriptor.Digest.String())
		for _, id := range a.image.manifest.Layers {
			*root.Properties = append(*root.Properties, cdx.Property{Name: "lading:image:layer", Value: id.Digest.String()})
		}
	}
	bom.Metadata = &cdx.Metadata{Component: root, Lifecycles: &[]cdx.Lifecycle{{Phase: cdx.LifecyclePhasePostBuild}},
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "lading"}}}}
	if !created.IsZero() {
		bom.Metadata.Timestamp = created.UTC().Format(time.RFC3339)
	}

	var list []cdx.Component
	if c.os["ID"] != "" {
		list = append(list, cdx.Component{Type: cdx.ComponentTypeOS, BOMRef: "os", Name: c.os["ID"], Version: c.os["VERSION_ID"], Description: c.os["PRETTY_NAME"],
			Evidence: occurrences([]string{c.osPath})})
	}
	ids, used := map[*component]string{}, map[string]bool{"root": true, "os": true}
	for _, x := range c.components {
		id := x.purl
		if id == "" {
			id = x.kind + ":" + strings.TrimSuffix(x.name+"@"+x.version, "@")
		}
		for n := 2; used[id]; n++ {
			id = fmt.Sprintf("%s#%d", orElse(x.purl, x.name), n)
		}
		used[id] = true
		ids[x] = id
	}
	for _, x := range c.components {
		list = append(list, c.component(x, ids[x]))
		c.report.Edges += len(x.needs)
		if len(x.licenses) > 0 {
			c.report.Licensed++
		}
		kind := x.kind
		if p, err := sbom.ParsePURL(x.purl); err == nil {
			kind = p.Type
		}
		c.report.Packages[kind]++
	}
	bom.Components = &list
	bom.Dependencies = c.dependencies(ids)

	bom.SerialNumber = ""
	doc, err := cyclonedx.From(bom)
	if err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	if target := c.opts.Format; doc.Format() != target {
		if doc, _, err = sbom.Convert(doc, target, nil); err != nil {
			return nil, nil, fmt.Errorf("catalog: %w", err)
		}
	}
	return doc, c.report, nil
}

func properties(pairs ...string) *[]cdx.Property {
	var list []cdx.Property
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, cdx.Property{Name: pairs[i], Value: pairs[i+1]})
	}
	return &list
}

func occurrences(places []string) *cdx.Evidence {
	list := make([]cdx.EvidenceOccurrence, len(places))
	for i, p := range places {
		list[i].Location = p
	}
	return &cdx.Evidence{Occurrences: &list}
}

func (c *collector) component(x *component, id string) cdx.Component {
	out := cdx.Component{Type: cdx.ComponentType(x.kind), BOMRef: id, Name: x.name, Version: x.version, PackageURL: x.purl, Evidence: occurrences(x.places)}
	if p, err := sbom.ParsePURL(x.purl); err == nil && p.Type == "npm" && p.Namespace != "" {
		out.Group, out.Name = p.Namespace, p.Name
	}
	if x.supplier != "" {
		out.Supplier = &cdx.OrganizationalEntity{Name: x.supplier}
		if x.email != "" {
			out.Supplier.Contact = &[]cdx.OrganizationalContact{{Name: x.supplier, Email: x.email}}
		}
	}
	out.Licenses = licenses(x.licenses)
	if x.download != "" {
		ref := cdx.ExternalReference{Type: cdx.ERTypeDistribution, URL: x.download}
		var hashes []cdx.Hash
		for _, a := range slices.Sorted(maps.Keys(x.hashes)) {
			hashes = append(hashes, cdx.Hash{Algorithm: cdx.HashAlgorithm(a), Value: x.hashes[a]})
		}
		if hashes != nil {
			ref.Hashes = &hashes
		}
		out.ExternalReferences = &[]cdx.ExternalReference{ref}
	}
	if layer := c.tree.layerOf(x.places[0]); layer != "" {
		out.Properties = properties("lading:layer", layer)
	}
	return out
}

// licenses writes what packages say of their licences: one expression, or several of which each is an id or a name, as
// CycloneDX wants it.
func licenses(list []string) *cdx.Licenses {
	if len(list) == 0 {
		return nil
	}
	out := cdx.Licenses{}
	for _, l := range list {
		e, err := quality.ParseExpression(l)
		switch {
		case err != nil:
			out = append(out, cdx.LicenseChoice{License: &cdx.License{Name: l, Acknowledgement: cdx.LicenseAcknowledgementDeclared}})
		case len(list) == 1 && (len(e.Licenses()) > 1 || e.Licenses()[0].Exception != "" || e.Licenses()[0].OrLater || !e.Licenses()[0].Listed):
			return &cdx.Licenses{{Expression: e.String()}}
		case len(e.Licenses()) == 1 && e.Licenses()[0].Listed && e.Licenses()[0].Exception == "" && !e.Licenses()[0].OrLater:
			out = append(out, cdx.LicenseChoice{License: &cdx.License{ID: e.String(), Acknowledgement: cdx.LicenseAcknowledgementDeclared}})
		default:
			out = append(out, cdx.LicenseChoice{License: &cdx.License{Name: e.String(), Acknowledgement: cdx.LicenseAcknowledgementDeclared}})
		}
	}
	return &out
}

// dependencies writes what needs what. What is installed needs everything that nothing else needs, and of packages that
// only need each other, the first.
func (c *collector) dependencies(ids map[*component]string) *[]cdx.Dependency {
	needed := map[*component]bool{}
	for _, x := range c.components {
		for y := range x.needs {
			needed[y] = true
		}
	}
	reached := map[*component]bool{}
	var reach func(x *component)
	reach = func(first *component) {
		queue := []*component{first}
		reached[first] = true
		for len(queue) > 0 {
			x := queue[0]
			queue = queue[1:]
			for y := range x.needs {
				if !reached[y] {
					reached[y] = true
					queue = append(queue, y)
				}
			}
		}
	}
	var top []string
	if c.os["ID"] != "" {
		top = append(top, "os")
	}
	for _, x := range c.components {
		if !needed[x] {
			reach(x)
			top = append(top, ids[x])
		}
	}
	for _, x := range c.components {
		if !reached[x] {
			reach(x)
			top = append(top, ids[x])
		}
	}
	list := []cdx.Dependency{{Ref: "root", Dependencies: &top}}
	for _, x := range c.components {
		if len(x.needs) == 0 {
			continue
		}
		var on []string
		for y := range x.needs {
			on = append(on, ids[y])
		}
		slices.Sort(on)
		list = append(list, cdx.Dependency{Ref: ids[x], Dependencies: &on})
	}
	return &list
}
