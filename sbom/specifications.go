package sbom

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/cdx"
	"github.com/ladingdev/lading/sbom/internal/spdx2"
	"github.com/ladingdev/lading/sbom/internal/spdx3"
	"github.com/ladingdev/lading/sbom/internal/specification"
)

// specifications are all that are known: each is a folder.
var specifications = []*specification.Specification{cdx.Spec, spdx2.Spec, spdx3.Spec}

// specOf returns the specification of a format, or nil.
func specOf(f Format) *specification.Specification {
	for _, s := range specifications {
		name, major, _ := strings.Cut(s.Name, " ")
		if name == string(f.Spec) && strings.HasPrefix(f.Version, major) {
			return s
		}
	}
	return nil
}

// targets are the formats that are written.
func targets() (out []Format) {
	for _, s := range specifications {
		name, _, _ := strings.Cut(s.Name, " ")
		for _, version := range s.Versions() {
			out = append(out, Format{Spec(name), version})
		}
	}
	return out
}

func isWritten(f Format) bool { return slices.Contains(targets(), f) }

func isSPDX2(f Format) bool { return specOf(f) == spdx2.Spec }
