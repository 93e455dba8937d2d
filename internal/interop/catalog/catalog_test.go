//go:build heavy

package catalog_test

import (
	_ "github.com/anchore/syft/syft"
	_ "github.com/ladingdev/lading/sbom/catalog"
	_ "modernc.org/sqlite"
)
