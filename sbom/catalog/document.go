package catalog

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog/internal/image"
	"github.com/ladingdev/lading/sbom/cyclonedx"
)

const scalibrVersion = "0.5.3" // of the extractors: the document says what looked

var written = sbom.Format{Spec: sbom.CycloneDX, Version: "1.6"}

// document writes what was found.
func (c *collector) document(im *image.Image) (*sbom.Document, *Report, error) {
	bom := cdx.NewBOM()
	bom.SpecVersion, bom.JSONSchema = cdx.SpecVersion1_6, "http://cyclonedx.org/schema/bom-1.6.schema.json"
	bom.Metadata = c.metadata(im)
	found := c.components()
	out := make([]cdx.Component, 0, len(found)+1)
	var top []string // that the document is about, below its root
	if k := c.system(); k != nil {
		out, top = append(out, *k), append(top, k.BOMRef)
	}
	var deps []cdx.Dependency
	for _, k := range found {
		out = append(out, c.write(k))
		if to := k.dependencies(); len(to) > 0 {
			c.report.Edges += len(to)
			deps = append(deps, cdx.Dependency{Ref: k.id, Dependencies: &to})
		}
		typ, _, _ := strings.Cut(strings.TrimPrefix(k.purl, "pkg:"), "/")
		c.report.Packages[typ]++
		if out[len(out)-1].Licenses != nil {
			c.report.Licensed++
		}
	}
	if top = append(top, tops(found)...); len(top) > 0 {
		deps = append([]cdx.Dependency{{Ref: bom.Metadata.Component.BOMRef, Dependencies: &top}}, deps...)
	}
	typed(bom.Metadata.Component)
	for i := range out {
		typed(&out[i])
	}
	bom.Components = &out // also of none: programs take a list for granted
	if len(deps) > 0 {
		bom.Dependencies = &deps
	}
	if c.o.Format.Spec == sbom.SPDX {
		bom.Annotations = c.annotations(found)
	}
	// The document is named by what is in it.
	digest := sha256.New()
	if err := cdx.NewBOMEncoder(digest, cdx.BOMFileFormatJSON).Encode(bom); err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	sum := digest.Sum(nil)
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // version 8 of RFC 9562: of one's own making
	bom.SerialNumber = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	doc, err := cyclonedx.From(bom)
	if err != nil {
		return nil, nil, fmt.Errorf("catalog: %w", err)
	}
	if c.o.Format != written {
		if doc, c.report.Conversion, err = sbom.Convert(doc, c.o.Format, &sbom.ConvertOptions{Created: c.o.Created}); err != nil {
			return nil, nil, fmt.Errorf("catalog: %w", err)
		}
	}
	return doc, c.report, nil
}

// metadata says what the document is about, and what made it.
func (c *collector) metadata(im *image.Image) *cdx.Metadata {
	meta := &cdx.Metadata{
		Lifecycles: &[]cdx.Lifecycle{{Phase: cdx.LifecyclePhasePostBuild}},
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{
			{Type: cdx.ComponentTypeLibrary, Name: "lading"},
			{Type: cdx.ComponentTypeLibrary, Name: "osv-scalibr", Version: scalibrVersion},
		}},
		Component: c.root(im),
	}
	if !c.o.Created.IsZero() {
		meta.Timestamp = c.o.Created.UTC().Format(time.RFC3339)
	}
	return meta
}

// dependencies returns the IDs of what a component needs, in order.
func (k *component) dependencies() (to []string) {
	for other := range k.needs {
		if other.id != k.id && len(other.places) > 0 {
			to = append(to, other.id)
		}
	}
	slices.Sort(to)
	return slices.Compact(to)
}

// tops returns the IDs of what nothing else needs; of components that only need one another, the first one's.
func tops(found []*component) (top []string) {
	needed, seen := map[*component]bool{}, map[*component]bool{}
	for _, k := range found {
		for other := range k.needs {
			needed[other] = true
		}
	}
	for _, free := range []bool{true, false} {
		for _, k := range found {
			if seen[k] || free && needed[k] {
				continue
			}
			top = append(top, k.id)
			for stack := []*component{k}; len(stack) > 0; {
				k := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				if seen[k] {
					continue
				}
				seen[k] = true
				for other := range k.needs {
					stack = append(stack, other)
				}
			}
		}
	}
	return top
}

// root describes what the document is about.
func (c *collector) root(im *image.Image) *cdx.Component {
	k := &cdx.Component{Type: cdx.ComponentTypeApplication, Name: cmp.Or(c.o.Name, "directory"), Version: c.o.Version}
	if im != nil {
		k.Type = cdx.ComponentTypeContainer
		k.Name = cmp.Or(c.o.Name, cmp.Or(im.Name, "image"))
		k.Version = cmp.Or(c.o.Version, im.Descriptor.Digest.String())
		c.report.Image = im.Descriptor
		props := []cdx.Property{{Name: "lading:platform", Value: path.Join(im.Config.OS, im.Config.Architecture, im.Config.Variant)}}
		if im.Archive {
			props = append(props, cdx.Property{Name: "lading:config", Value: im.Descriptor.Digest.String()})
		} else {
			props = append(props, cdx.Property{Name: "lading:manifest", Value: im.Descriptor.Digest.String()})
			if a, ok := integrityAlgorithms[im.Descriptor.Digest.Algorithm().String()]; ok {
				k.Hashes = &[]cdx.Hash{{Algorithm: a.name, Value: im.Descriptor.Digest.Encoded()}}
			}
			if repository := repositoryOf(k.Name); repository != "" {
				k.PackageURL = sbom.PURL{Type: "oci", Name: strings.ToLower(path.Base(repository)), Version: im.Descriptor.Digest.String(),
					Qualifiers: map[string]string{"repository_url": repository, "arch": im.Config.Architecture}}.String()
			}
		}
		for i, l := range im.Manifest.Layers {
			props = append(props, cdx.Property{Name: "lading:layer:" + strconv.Itoa(i+1), Value: l.Digest.String()})
		}
		props = slices.DeleteFunc(props, func(p cdx.Property) bool { return p.Value == "" })
		k.Properties = &props
	}
	k.BOMRef = cmp.Or(k.PackageURL, "root:"+k.Name+"@"+k.Version)
	return k
}

// repositoryOf returns the repository of an image's full name, or nothing: a tag alone is none.
func repositoryOf(name string) string {
	name, _, _ = strings.Cut(name, "@")
	host, rest, ok := strings.Cut(name, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return ""
	}
	rest, _, _ = strings.Cut(rest, ":")
	return host + "/" + rest
}

// system describes the operating system, by os-release(5).
func (c *collector) system() *cdx.Component {
	if c.os["ID"] == "" {
		return nil
	}
	k := &cdx.Component{Type: cdx.ComponentTypeOS, Name: c.os["ID"],
		Version:     cmp.Or(c.os["VERSION_ID"], c.os["VERSION_CODENAME"], c.os["BUILD_ID"]),
		Description: c.os["PRETTY_NAME"]}
	k.CPE = c.os["CPE_NAME"]
	k.BOMRef = "OperatingSystem:" + k.Name + "@" + k.Version // by which Trivy knows it in SPDX
	if u := c.os["HOME_URL"]; u != "" {
		k.ExternalReferences = &[]cdx.ExternalReference{{Type: cdx.ERTypeWebsite, URL: u}}
	}
	for _, at := range []string{"etc/os-release", "usr/lib/os-release"} {
		if real := c.tree.Real(at); real != "" {
			evidence(k, []place{{real, c.tree.LayerOf(real)}})
			break
		}
	}
	return k
}

// write writes a component.
func (c *collector) write(k *component) cdx.Component {
	out := cdx.Component{BOMRef: k.id, Type: k.kind, Group: k.group, Name: k.name, Version: k.version, PackageURL: k.purl}
	licenses := k.licenses
	if len(licenses) == 0 {
		licenses = k.lesser
	}
	out.Licenses = cdxLicenses(licenses)
	if k.supplier != "" {
		out.Supplier = &cdx.OrganizationalEntity{Name: k.supplier}
	}
	if !k.present {
		out.Scope = cdx.ScopeOptional
	}
	if !k.asked { // also of what is there: it may be to work on the project only
		k.property("lading:scope", k.why)
	}
	if k.hashes != nil {
		out.Hashes = &k.hashes
	}
	var props []cdx.Property
	for _, p := range k.props {
		if p.Name != "lading:homepage" {
			props = append(props, p)
		} else {
			k.refs = append(k.refs, cdx.ExternalReference{Type: cdx.ERTypeWebsite, URL: withoutSecrets(p.Value)})
		}
	}
	if props = append(props, k.scanned...); props != nil {
		out.Properties = &props
	}
	if k.refs != nil {
		out.ExternalReferences = &k.refs
	}
	evidence(&out, k.places)
	return out
}

// evidence writes where a component was found, and in which layers.
func evidence(k *cdx.Component, places []place) {
	if len(places) == 0 {
		return
	}
	var at []cdx.EvidenceOccurrence
	props := []cdx.Property{}
	if k.Properties != nil {
		props = *k.Properties
	}
	for _, p := range places {
		at = append(at, cdx.EvidenceOccurrence{Location: "/" + p.path})
		if layer := (cdx.Property{Name: "lading:layer", Value: p.layer}); p.layer != "" && !slices.Contains(props, layer) {
			props = append(props, layer)
		}
	}
	if len(props) > 0 {
		k.Properties = &props
	}
	k.Evidence = &cdx.Evidence{Occurrences: &at}
}
