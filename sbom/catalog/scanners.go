package catalog

import (
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// What scanners take of an SBOM, by their sources; internal/interop runs Trivy, OSV-Scanner and
// Grype on made-up databases.
//
//	scanner           packages                        source package            operating system           module of rpm
//	Trivy 0.74        purl                            properties SrcName,       component; in SPDX a       property
//	                                                  SrcVersion, SrcRelease;   package OperatingSystem-   Modularitylabel
//	                                                  in SPDX annotations
//	Grype 0.121       purl; name and group            upstream of the purl      component; in SPDX         rpmmod of the purl;
//	                                                                            distro of the first purl   syft's property
//	OSV-Scanner 2.5   name without group; in SPDX     not read                  distro of the purl: deb,   rpm is not read
//	                  name of the purl without                                  apk
//	                  namespace
//	Dependency-Track  purl and cpe, CycloneDX alone   not read                  not read                   not read
//	Inspector         purl, CycloneDX alone           source of the purl, which sbom/vuln/inspector writes, as an epoch
//
// So all is in the purl (upstream, distro, epoch, rpmmod) and, for Trivy, in properties and annotations. What OSV-Scanner
// does not read of anybody's SBOM it does not find in ours: packages with a group or a namespace, and those of Debian and
// Alpine whose source has another name.

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

// grypeModule says of which module a package of rpm is in words of syft's, which Grype reads: in a package URL none is as good
// as not said, and advisories for modules are then about every package of the name. SPDX has no place that it reads.
func grypeModule(module string) []cdx.Property {
	return []cdx.Property{{Name: "syft:package:metadataType", Value: "rpm-db-entry"},
		{Name: "syft:metadata:modularityLabel", Value: module}}
}

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
			if !strings.HasPrefix(p.Name, trivyPrefix) {
				continue
			}
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
