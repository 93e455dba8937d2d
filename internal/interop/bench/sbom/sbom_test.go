// Package sbom_test measures reading and writing of SBOMs against other libraries, in one run:
//
//	cd internal/interop/bench && GOWORK=off go test -run '^$' -bench . -benchtime 3x ./sbom
//
// Documents have 10,000 components of about 700 bytes with 2.5 dependencies each, large ones ten times as many; LADING_COMPONENTS makes
// that another number.
package sbom_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/protobom/protobom/pkg/reader"
	spdxjson "github.com/spdx/tools-golang/json"

	"github.com/ladingdev/lading/sbom"
)

func size() int {
	if n, err := strconv.Atoi(os.Getenv("LADING_COMPONENTS")); err == nil && n > 0 {
		return n
	}
	return 10_000
}

func document(spec sbom.Spec, n int) []byte {
	var b bytes.Buffer
	r := rand.New(rand.NewPCG(1, 2))
	id := func(i int) string {
		if spec == sbom.SPDX {
			return fmt.Sprintf("SPDXRef-package-%d", i)
		}
		return fmt.Sprintf("pkg:npm/package-%d@1.%d.0", i, i%7)
	}
	if spec == sbom.CycloneDX {
		b.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"timestamp":"2026-01-02T03:04:05Z",` +
			`"component":{"type":"application","bom-ref":"root","name":"root"}},"components":[`)
	} else {
		b.WriteString(`{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"s",` +
			`"documentNamespace":"https://example.com/s",` +
			`"creationInfo":{"created":"2026-01-02T03:04:05Z","creators":["Tool: t"]},"packages":[`)
	}
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		sum := fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
		if spec == sbom.CycloneDX {
			fmt.Fprintf(&b, `{"type":"library","name":"package-%d","version":"1.%d.0","bom-ref":"%s","purl":"%s","author":"Somebody `+
				`<some.body@example.com>",`+
				`"description":"The package with the number %d, which is described at a length that is usual for such packages.",`+
				`"hashes":[{"alg":"SHA-256","content":"%s"}],"licenses":[{"license":{"id":"MIT"}}],`+
				`"externalReferences":[{"type":"website","url":"https://example.com/package-%d"},{"type":"vcs",`+
				`"url":"https://example.com/package-%d.git"}]}`,
				i, i%7, id(i), id(i), i, sum, i, i)
			continue
		}
		fmt.Fprintf(&b, `{"SPDXID":"%s","name":"package-%d","versionInfo":"1.%d.0",`+
			`"downloadLocation":"https://example.com/package-%d.tgz","filesAnalyzed":false,`+
			`"description":"The package with the number %d, which is described at a length that is usual for such packages.",`+
			`"checksums":[{"algorithm":"SHA256","checksumValue":"%s"}],"licenseConcluded":"NOASSERTION","licenseDeclared":"MIT",`+
			`"copyrightText":"NOASSERTION",`+
			`"supplier":"Organization: Example (mail@example.com)","homepage":"https://example.com/package-%d",`+
			`"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl",`+
			`"referenceLocator":"pkg:npm/package-%d@1.%d.0"}]}`,
			id(i), i, i%7, i, i, sum, i, i, i%7)
	}
	if spec == sbom.CycloneDX {
		b.WriteString(`],"dependencies":[`)
	} else {
		b.WriteString(`],"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES",` +
			`"relatedSpdxElement":"SPDXRef-package-0"}`)
	}
	for i := range n {
		if spec == sbom.CycloneDX {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"ref":"%s","dependsOn":[`, id(i))
		}
		base := 0
		if i > 0 {
			base = r.IntN(i)
		}
		for k := range min(i, i%6) {
			to := id((base + k*(i/6+1)) % i)
			if spec == sbom.SPDX {
				fmt.Fprintf(&b, `,{"spdxElementId":"%s","relationshipType":"DEPENDS_ON","relatedSpdxElement":"%s"}`, id(i), to)
				continue
			}
			if k > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"%s"`, to)
		}
		if spec == sbom.CycloneDX {
			b.WriteString("]}")
		}
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

func run(b *testing.B, name string, data []byte, f func() error) {
	b.Run(name, func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func tokens(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func valid(data []byte) error {
	if !json.Valid(data) {
		return fmt.Errorf("not valid")
	}
	return nil
}

func protobom(data []byte) error {
	_, err := reader.New().ParseStream(bytes.NewReader(data))
	return err
}

func lading(data []byte) error {
	_, err := sbom.Parse(bytes.NewReader(data))
	return err
}

func BenchmarkReadCycloneDX(b *testing.B) {
	data := document(sbom.CycloneDX, size())
	run(b, "lading", data, func() error { return lading(data) })
	run(b, "cyclonedx-go", data, func() error {
		return cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(new(cdx.BOM))
	})
	run(b, "protobom", data, func() error { return protobom(data) })
	run(b, "encoding-json-tokens", data, func() error { return tokens(data) })
	run(b, "encoding-json-valid", data, func() error { return valid(data) })
}

func BenchmarkReadSPDX(b *testing.B) {
	data := document(sbom.SPDX, size())
	run(b, "lading", data, func() error { return lading(data) })
	run(b, "tools-golang", data, func() error {
		_, err := spdxjson.Read(bytes.NewReader(data))
		return err
	})
	run(b, "protobom", data, func() error { return protobom(data) })
}

// BenchmarkConvert converts in full, schema and report included.
func BenchmarkConvert(b *testing.B) {
	data := document(sbom.CycloneDX, size())
	d, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range []sbom.Format{{Spec: sbom.CycloneDX, Version: "1.5"}, {Spec: sbom.SPDX, Version: "2.3"},
		{Spec: sbom.SPDX, Version: "3.0.1"}} {
		run(b, f.String(), data, func() error {
			_, _, err := sbom.Convert(d, f, nil)
			return err
		})
	}
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		b.Fatal(err)
	}
	run(b, "cyclonedx-go-EncodeVersion-1.5", data, func() error {
		return cdx.NewBOMEncoder(io.Discard, cdx.BOMFileFormatJSON).EncodeVersion(bom, cdx.SpecVersion1_5)
	})
}

// BenchmarkDependents finds all that depends on the first component, in documents that were read: with protobom's model,
// which has no such query, by its edges turned round.
func BenchmarkDependents(b *testing.B) {
	data := document(sbom.CycloneDX, size())
	d, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	first := sbom.Ref(1) // behind the root
	g, found := d.Graph(), 0
	b.Run("lading", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			found = 0
			for range g.Dependents(first) {
				found++
			}
		}
	})
	model, err := reader.New().ParseStream(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	id := d.Component(first).ID
	b.Run("protobom", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			from := map[string][]string{}
			for _, e := range model.NodeList.Edges {
				for _, to := range e.To {
					from[to] = append(from[to], e.From)
				}
			}
			seen, queue := map[string]bool{id: true}, []string{id}
			for i := 0; i < len(queue); i++ {
				for _, next := range from[queue[i]] {
					if !seen[next] {
						seen[next] = true
						queue = append(queue, next)
					}
				}
			}
			if len(queue)-1 < found { // and the root, which it relates to all
				b.Fatalf("%d dependents, %d", len(queue)-1, found)
			}
		}
	})
}
