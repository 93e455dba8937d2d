package schema

import (
	"path"
	"sync"

	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/schema/xsd"
)

// JSON compiles the published JSON schema of each format, such as "CycloneDX 1.6", once: they are constants that take time to
// make. A format that is not here is not read.
var JSON = map[string]func() (*jsonschema.Schema, error){
	"CycloneDX 1.2": compileJSON("cyclonedx", "bom-1.2.schema.json", true),
	"CycloneDX 1.3": compileJSON("cyclonedx", "bom-1.3.schema.json", true),
	"CycloneDX 1.4": compileJSON("cyclonedx", "bom-1.4.schema.json", false),
	"CycloneDX 1.5": compileJSON("cyclonedx", "bom-1.5.schema.json", false),
	"CycloneDX 1.6": compileJSON("cyclonedx", "bom-1.6.schema.json", false),
	"CycloneDX 1.7": compileJSON("cyclonedx", "bom-1.7.schema.json", false),
	"SPDX 2.2":      compileJSON("spdx", "spdx-2.2.schema.json#/properties/Document", false),
	"SPDX 2.3":      compileJSON("spdx", "spdx-2.3.schema.json", false),
	"SPDX 3.0.1":    compileJSON("spdx", "spdx-3.0.1.schema.json", false),
}

func compileJSON(dir, name string, closed bool) func() (*jsonschema.Schema, error) {
	return sync.OnceValues(func() (*jsonschema.Schema, error) {
		load := func(file string) ([]byte, error) { return Read(dir + "/" + file) }
		return jsonschema.Compile(name, load, jsonschema.Options{Closed: closed})
	})
}

// XML compiles the published XML schema of each version of CycloneDX once.
var XML = map[string]func() (*xsd.Schema, error){
	"1.0": compileXML("1.0"), "1.1": compileXML("1.1"), "1.2": compileXML("1.2"), "1.3": compileXML("1.3"),
	"1.4": compileXML("1.4"), "1.5": compileXML("1.5"), "1.6": compileXML("1.6"), "1.7": compileXML("1.7"),
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
	if s.XML, err = XML[version](); err != nil {
		return s, err
	}
	if version == "1.0" || version == "1.1" {
		version = "1.2"
	}
	s.JSON, err = JSON["CycloneDX "+version]()
	return s, err
}
