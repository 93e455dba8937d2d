package catalog

import cdx "github.com/CycloneDX/cyclonedx-go"

// What scanners want beyond a package URL, by their sources:
//
//	scanner           source package of a deb, apk, rpm         operating system
//	Trivy 0.74        properties SrcName, SrcVersion, SrcRelease operating-system component; in SPDX a package whose id
//	                  (annotations of these names in SPDX)       begins with SPDXRef-OperatingSystem
//	Grype             the package URL's upstream                 the package URL's distro, or the component
//	osv-scanner       the package URL's upstream                 the package URL's distro
//	Dependency-Track  the package URL                            the package URL's distro

// trivySource writes a source package as Trivy reads it: it looks at properties of its own and at no package URL's
// upstream. Versions of rpm stand in two properties; those of others as a whole in the first.
func trivySource(name, version, release string) []cdx.Property {
	out := []cdx.Property{{Name: "aquasecurity:trivy:SrcName", Value: name}, {Name: "aquasecurity:trivy:SrcVersion", Value: version}}
	if release != "" {
		out = append(out, cdx.Property{Name: "aquasecurity:trivy:SrcRelease", Value: release})
	}
	return out
}
