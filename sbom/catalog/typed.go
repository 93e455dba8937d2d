package catalog

import (
	"slices"
	"strings"
	"unicode/utf8"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/ladingdev/lading/sbom"
	sbomcheck "github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/cpe"
)

const maxVersion = 1024 // characters (CycloneDX 1.6, version)

// typed brings the members of a component to what CycloneDX's schema asks of them: trees are from strangers, and one value that
// does not pass makes a whole document invalid. What does not pass is a property, so that it is not lost: lading:version, lading:cpe,
// lading:purl, lading:hash:ALGORITHM, and for an address lading: and the type of the reference. All other members that this package
// writes are texts that the schema takes as they are, or its own words.
func typed(k *cdx.Component) {
	var odd []cdx.Property
	refuse := func(name, value string) {
		if p := (cdx.Property{Name: "lading:" + name, Value: value}); strings.TrimSpace(value) != "" && !slices.Contains(odd, p) {
			odd = append(odd, p)
		}
	}
	if utf8.RuneCountInString(k.Version) > maxVersion {
		refuse("version", k.Version)
		k.Version = ""
	}
	if k.CPE != "" && !cpe.IsName(k.CPE) {
		refuse("cpe", k.CPE)
		k.CPE = ""
	}
	if _, err := sbom.ParsePURL(k.PackageURL); k.PackageURL != "" && err != nil {
		refuse("purl", k.PackageURL)
		k.PackageURL = ""
	}
	typedHashes(&k.Hashes, refuse)
	if k.ExternalReferences != nil {
		*k.ExternalReferences = slices.DeleteFunc(*k.ExternalReferences, func(r cdx.ExternalReference) bool {
			_, ok := webAddress(r.URL)
			if !ok {
				refuse(string(r.Type), r.URL)
			}
			return !ok
		})
		for i := range *k.ExternalReferences {
			r := &(*k.ExternalReferences)[i]
			r.URL, _ = webAddress(r.URL)
			typedHashes(&r.Hashes, refuse)
		}
		if len(*k.ExternalReferences) == 0 {
			k.ExternalReferences = nil
		}
	}
	if odd == nil {
		return
	}
	if k.Properties != nil {
		odd = append(slices.Clone(*k.Properties), odd...)
	}
	k.Properties = &odd
}

// typedHashes takes away what is no digest of its algorithm.
func typedHashes(list **[]cdx.Hash, refuse func(name, value string)) {
	if *list == nil {
		return
	}
	kept := slices.DeleteFunc(slices.Clone(**list), func(h cdx.Hash) bool {
		ok := sbomcheck.IsHashOf(string(h.Algorithm), h.Value)
		if !ok {
			refuse("hash:"+string(h.Algorithm), h.Value)
		}
		return !ok
	})
	if *list = &kept; len(kept) == 0 {
		*list = nil
	}
}
