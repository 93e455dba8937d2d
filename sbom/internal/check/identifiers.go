package check

import (
	"fmt"

	"github.com/ladingdev/lading/sbom/internal/packageurl"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

func DoubtfulPURL(purl string) string {
	if _, err := packageurl.Parse(purl); err != nil {
		return fmt.Sprintf("Replace %s by a package URL: %v.", spec.Quote(purl), err)
	}
	return ""
}
