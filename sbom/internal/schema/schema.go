package schema

import (
	"archive/zip"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/schema/xsd"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// The archive says which formats there are: a version whose schemas are added to it is one that is read and written.
type schemas struct {
	json map[string]func() (*jsonschema.Schema, error) // by format, such as "CycloneDX 1.6"
	xml  map[string]func() (*xsd.Schema, error)        // by version of CycloneDX
}

var all = sync.OnceValue(func() (s schemas) {
	s.json, s.xml = map[string]func() (*jsonschema.Schema, error){}, map[string]func() (*xsd.Schema, error){}
	z, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		return s
	}
	for _, f := range z.File {
		name := path.Base(f.Name)
		rest, spdx := strings.CutPrefix(f.Name, "spdx/spdx-")
		if !spdx {
			rest, _ = strings.CutPrefix(f.Name, "cyclonedx/bom-")
		}
		version, isJSON := strings.CutSuffix(rest, ".schema.json")
		switch {
		case rest == f.Name:
		case isJSON && spdx:
			s.json["SPDX "+version] = compileJSON("spdx", name+fragments[version], false)
		case isJSON:
			// Until 1.3 the schema took members that it does not name, and a strict one stood beside it.
			s.json["CycloneDX "+version] = compileJSON("cyclonedx", name, version < "1.4")
		default:
			version = strings.TrimSuffix(rest, ".xsd")
			s.xml[version] = compileXML(version)
		}
	}
	return s
})

// fragments are where the schema of a document stands in the file, by version of SPDX.
var fragments = map[string]string{"2.2": "#/properties/Document"}

// Versions returns the versions, in order, of a specification such as "SPDX 2" that have a JSON schema.
func Versions(specification string) (out []string) {
	for format := range all().json {
		if strings.HasPrefix(format, specification) {
			_, version, _ := strings.Cut(format, " ")
			out = append(out, version)
		}
	}
	slices.Sort(out)
	return out
}

// HasJSON reports whether a format such as "CycloneDX 1.6" has a JSON schema: others are not read.
func HasJSON(format string) bool { return all().json[format] != nil }

// HasXML reports whether a version of CycloneDX has an XML schema.
func HasXML(version string) bool { return all().xml[version] != nil }

// JSON returns the published JSON schema of a format such as "CycloneDX 1.6". It is compiled once: that takes time.
func JSON(format string) (*jsonschema.Schema, error) {
	if !HasJSON(format) {
		return nil, fmt.Errorf("%w: %s", spec.ErrVersion, spec.Quote(format))
	}
	return all().json[format]()
}

// XML returns the published XML schema of a version of CycloneDX. It is compiled once.
func XML(version string) (*xsd.Schema, error) {
	if !HasXML(version) {
		return nil, fmt.Errorf("%w: CycloneDX %s", spec.ErrVersion, spec.Quote(version))
	}
	return all().xml[version]()
}

func compileJSON(dir, name string, closed bool) func() (*jsonschema.Schema, error) {
	return sync.OnceValues(func() (*jsonschema.Schema, error) {
		load := func(file string) ([]byte, error) { return Read(dir + "/" + file) }
		return jsonschema.Compile(name, load, jsonschema.Options{Closed: closed})
	})
}

func compileXML(version string) func() (*xsd.Schema, error) {
	return sync.OnceValues(func() (*xsd.Schema, error) {
		return xsd.Compile("bom-"+version+".xsd", func(location string) ([]byte, error) {
			name := path.Base(location)
			if name == "spdx" {
				name = "spdx.xsd"
			}
			return Read("cyclonedx/" + name)
		})
	})
}

// Both are the two schemas of one version of CycloneDX.
type Both struct {
	XML  *xsd.Schema
	JSON *jsonschema.Schema
}

// CycloneDX returns the schemas of a version in both encodings. Versions 1.0 and 1.1 have no JSON form and take that of 1.2,
// which has all that they have.
func CycloneDX(version string) (s Both, err error) {
	if s.XML, err = XML(version); err != nil {
		return s, err
	}
	if version == "1.0" || version == "1.1" {
		version = "1.2"
	}
	s.JSON, err = JSON("CycloneDX " + version)
	return s, err
}
