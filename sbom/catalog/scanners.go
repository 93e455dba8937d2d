package catalog

import (
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// What a scanner wants beyond a package URL. Trivy 0.74, by its sources and by running its detector (internal/interop/catalog):
// the source package of a deb, apk or rpm from properties SrcName, SrcVersion and SrcRelease, in SPDX from annotations of
// these names; the operating system from its component, in SPDX from a package whose id begins with
// SPDXRef-OperatingSystem. Other scanners have not been looked into.

// trivySource writes a source package as Trivy reads it: it looks at properties of its own and at no package URL's
// upstream. Versions of rpm stand in two properties; those of others as a whole in the first.
func trivySource(name, version, release string) []cdx.Property {
	out := []cdx.Property{{Name: trivyPrefix + "SrcName", Value: name}, {Name: trivyPrefix + "SrcVersion", Value: version}}
	if release != "" {
		out = append(out, cdx.Property{Name: trivyPrefix + "SrcRelease", Value: release})
	}
	return out
}

const trivyPrefix = "aquasecurity:trivy:"

// annotations says in SPDX what properties say in CycloneDX: Trivy reads its own as comments of annotations, a name, a colon
// and the value (pkg/sbom/spdx).
func (c *collector) annotations(found []*component) *[]cdx.Annotation {
	at := time.Unix(0, 0).UTC() // an annotation has a date
	if !c.o.Created.IsZero() {
		at = c.o.Created.UTC()
	}
	var out []cdx.Annotation
	for _, k := range found {
		for _, p := range k.scanned {
			out = append(out, cdx.Annotation{Subjects: &[]cdx.BOMReference{cdx.BOMReference(k.id)},
				Annotator: &cdx.Annotator{Component: &cdx.Component{Type: cdx.ComponentTypeLibrary, Name: "lading"}},
				Timestamp: at.Format(time.RFC3339), Text: strings.TrimPrefix(p.Name, trivyPrefix) + ": " + p.Value})
		}
	}
	if out == nil {
		return nil
	}
	return &out
}
