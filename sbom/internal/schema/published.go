// Package schema holds the published schemas of CycloneDX and SPDX, compressed.
package schema

import (
	"archive/zip"
	_ "embed"
	"fmt"
	"io"
	"strings"
)

//go:embed schemas.zip
var archive string

// Read returns the file with a name such as "cyclonedx/bom-1.6.schema.json".
func Read(name string) ([]byte, error) {
	z, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("schema archive: %w", err)
	}
	f, err := z.Open(name)
	if err != nil {
		return nil, fmt.Errorf("schema archive: %w", err)
	}
	defer f.Close()
	return io.ReadAll(f)
}
