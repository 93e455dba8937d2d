package catalog

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom"
)

func cdxDoc(root string, purls ...string) string {
	var b strings.Builder
	b.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":{"type":"application",` +
		`"bom-ref":"root","name":"root"` + root + `}},"components":[`)
	for i, p := range purls {
		if i > 0 {
			b.WriteString(",")
		}
		u, _ := sbom.ParsePURL(p)
		b.WriteString(`{"type":"library","bom-ref":"` + p + `","name":"` + u.Name + `","version":"` + u.Version + `","purl":"` + p + `"}`)
	}
	return b.String() + `]}`
}

const bitnami = `SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: SPDX document for Redis 7.2.4
DocumentNamespace: Redis-7.2.4
Creator: Organization: VMware, Inc.
Created: 2024-01-10T00:00:00Z

PackageName: redis
SPDXID: SPDXRef-redis
PackageVersion: 7.2.4-0
PackageDownloadLocation: https://github.com/redis/redis/archive/7.2.4.tar.gz
FilesAnalyzed: false
PackageLicenseConcluded: BSD-3-Clause
PackageLicenseDeclared: BSD-3-Clause
PackageCopyrightText: NOASSERTION
ExternalRef: PACKAGE-MANAGER purl pkg:bitnami/redis@7.2.4-0?arch=amd64&distro=debian-11

Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-redis
`

const wolfi = `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"openssl","documentNamespace":"https://example.org/x","creationInfo":{"created":"2024-01-01T00:00:00Z","creators":["Tool: melange"]},
"documentDescribes":["SPDXRef-a"],
"packages":[{"SPDXID":"SPDXRef-a","name":"openssl","versionInfo":"VERSION","downloadLocation":"NOASSERTION","licenseDeclared":"Apache-2.0","externalRefs":[{"referenceCategory":"PACKAGE_MANAGER","referenceType":"purl","referenceLocator":"pkg:apk/wolfi/openssl@VERSION?arch=x86_64"}]},
{"SPDXID":"SPDXRef-s","name":"openssl-src","versionInfo":"3.3.0","downloadLocation":"NOASSERTION","externalRefs":[{"referenceCategory":"PACKAGE_MANAGER","referenceType":"purl","referenceLocator":"pkg:generic/openssl@3.3.0"}]}],
"relationships":[{"spdxElementId":"SPDXRef-a","relationshipType":"GENERATED_FROM","relatedSpdxElement":"SPDXRef-s"}]}`

// What images say of themselves, where each tool puts it.
func TestClaims(t *testing.T) {
	apk := item{name: "lib/apk/db/installed", body: "P:openssl\nV:3.3.0-r1\nA:x86_64\n"}
	release := item{name: "etc/os-release", body: "ID=wolfi\nVERSION_ID=20230201\n"}
	for _, tt := range []struct {
		name         string
		items        []item
		purls, edges []string
		known, added int
		unread       string
	}{
		{"Bitnami", []item{{name: "opt/bitnami/redis/.spdx-redis.spdx", body: bitnami}},
			[]string{"pkg:bitnami/redis@7.2.4-0?arch=amd64&distro=debian-11"}, nil, 0, 1, ""},
		{"Wolfi", []item{release, apk,
			{name: "var/lib/db/sbom/openssl-3.3.0-r1.spdx.json", body: strings.ReplaceAll(wolfi, "VERSION", "3.3.0-r1")}},
			[]string{"pkg:apk/wolfi/openssl@3.3.0-r1?arch=x86_64&distro=wolfi-20230201"}, nil, 1, 0, ""},
		{"Wolfi, of another version than the database's", []item{release, apk,
			{name: "var/lib/db/sbom/openssl-3.2.0-r0.spdx.json", body: strings.ReplaceAll(wolfi, "VERSION", "3.2.0-r0")}},
			[]string{"pkg:apk/wolfi/openssl@3.3.0-r1?arch=x86_64&distro=wolfi-20230201"}, nil, 0, 0, "another version"},
		{"PEP 770", []item{{name: "site-packages/numpy-2.0.dist-info/METADATA", body: "Name: numpy\nVersion: 2.0\n"},
			{name: "site-packages/numpy-2.0.dist-info/sboms/auditwheel.cdx.json",
				body: cdxDoc(`,"purl":"pkg:pypi/numpy@2.0"`, "pkg:rpm/almalinux/libgfortran@8.5.0")}},
			[]string{"pkg:pypi/numpy@2.0", "pkg:rpm/almalinux/libgfortran@8.5.0"}, []string{"numpy@2.0 -> libgfortran@8.5.0"}, 1, 1, ""},
		{"Spring Boot", []item{{name: "app/demo-0.1.0.jar",
			body: zipOf(t, manifestOf("Implementation-Title: demo", "Implementation-Version: 0.1.0",
				"Implementation-Vendor-Id: org.example"),
				entryOf{"META-INF/sbom/application.cdx.json",
					cdxDoc(`,"purl":"pkg:maven/org.example/demo@0.1.0?type=jar"`, "pkg:maven/org.yaml/snakeyaml@2.2")})}},
			[]string{"pkg:maven/org.example/demo@0.1.0", "pkg:maven/org.yaml/snakeyaml@2.2"},
			[]string{"org.example/demo@0.1.0 -> org.yaml/snakeyaml@2.2"}, 1, 1, ""},
		{".NET", []item{{name: "app/_manifest/spdx_2.2/manifest.spdx.json",
			body: strings.ReplaceAll(strings.ReplaceAll(wolfi, "pkg:apk/wolfi/openssl@VERSION?arch=x86_64", "pkg:nuget/A@1.0.0"),
				"VERSION", "1.0.0")}},
			[]string{"pkg:nuget/A@1.0.0"}, nil, 0, 1, ""},
		{"Homebrew", []item{{name: "home/linuxbrew/.linuxbrew/Cellar/jq/1.7/sbom.spdx.json",
			body: strings.ReplaceAll(strings.ReplaceAll(wolfi, "pkg:apk/wolfi/openssl@VERSION?arch=x86_64", "pkg:brew/jq@1.7"),
				"VERSION", "1.7")}},
			[]string{"pkg:brew/jq@1.7"}, nil, 0, 1, ""},
		{"GraalVM", []item{{name: "usr/bin/app", body: nativeImage(t, cdxDoc("", "pkg:maven/org.yaml/snakeyaml@2.2")), mode: 0o755}},
			[]string{"pkg:maven/org.yaml/snakeyaml@2.2"}, nil, 0, 1, ""},
		{"PEP 770, of another version than the distribution",
			[]item{{name: "site-packages/numpy-2.1.dist-info/METADATA", body: "Name: numpy\nVersion: 2.1\n"},
				{name: "site-packages/numpy-2.1.dist-info/sboms/inner/a.cdx.json",
					body: strings.ReplaceAll(cdxDoc(`,"purl":"pkg:pypi/numpy@2.0"`, "pkg:generic/openblas@0.3", "pkg:generic/maybe@1.0",
						"pkg:generic/builder@1.0"),
						`"version":"1.0"`, `"version":"1.0","scope":"optional"`)}},
			[]string{"?pkg:generic/builder@1.0", "?pkg:generic/maybe@1.0", "pkg:generic/openblas@0.3", "pkg:pypi/numpy@2.1"},
			[]string{"numpy@2.1 -> builder@1.0", "numpy@2.1 -> maybe@1.0", "numpy@2.1 -> openblas@0.3"}, 0, 3, "another version"},
		{"what was used to build it",
			[]item{{name: "opt/bitnami/a/.spdx-a.spdx", body: strings.ReplaceAll(cdxDoc("", "pkg:generic/a@2.0", "pkg:generic/builder@1.0"),
				`"version":"1.0"`, `"version":"1.0","scope":"excluded"`)}},
			[]string{"pkg:generic/a@2.0"}, nil, 0, 1, ""},
		{"buildpacks", []item{{name: "layers/sbom/launch/paketo-buildpacks_node-engine/node/sbom.cdx.json",
			body: cdxDoc("", "pkg:generic/node@18.0.0")}},
			[]string{"pkg:generic/node@18.0.0"}, nil, 0, 1, ""},
		{"syft's own form", []item{{name: "layers/sbom/launch/paketo-buildpacks_node-engine/node/sbom.syft.json", body: "{}"}}, nil, nil, 0,
			0, "syft's own"},
		{"elsewhere", []item{{name: "srv/app/bom.json", body: cdxDoc("", "pkg:npm/a@1.0.0")}}, nil, nil, 0, 0, "no tool"},
		{"damaged", []item{{name: "opt/bitnami/redis/.spdx-redis.spdx", body: "{"}}, nil, nil, 0, 0, "ends"},
		{"without package URLs", []item{{name: "x-1.dist-info/sboms/a.cdx.json", body: `{"bomFormat":"CycloneDX","specVersion":"1.5",` +
			`"version":1,"components":[{"type":"library","name":"a"}]}`}}, nil, nil, 0, 0, "1 components have no package URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := build(t, tt.items)
			doc, report, err := Image(t.Context(), b.source(nil), b.root, nil)
			if err != nil || len(report.Warnings) > 0 {
				t.Fatal(err, report.Warnings)
			}
			if warnings, err := sbom.Validate(doc.Bytes()); err != nil || len(warnings) > 0 {
				t.Errorf("%v %v", err, warnings)
			}
			same(t, "packages", purlsOf(doc), tt.purls)
			same(t, "edges", namedEdges(doc), tt.edges)
			if len(report.Claims) != 1 {
				t.Fatalf("claims %v", report.Claims)
			}
			c := report.Claims[0]
			if c.Known != tt.known || c.Added != tt.added || tt.unread == "" && c.Unread != nil || tt.unread != "" &&
				(c.Unread == nil || !strings.Contains(c.Unread.Error(), tt.unread)) {
				t.Errorf("%v", c)
			}
			if !strings.Contains(report.String(), c.Path) {
				t.Errorf("the report does not name it: %s", report)
			}
			for r, k := range doc.Components() {
				if k.PURL == "" || strings.HasPrefix(k.ID, "root:") || tt.known+tt.added == 0 || k.PURL == "pkg:pypi/numpy@2.1" {
					continue
				}
				said := false
				for _, p := range doc.Details(r).Properties {
					said = said || p.Name == "lading:said-by"
				}
				if !said {
					t.Errorf("%s: by whose word?", k.PURL)
				}
			}
		})
	}
}

// nativeImage makes a program as GraalVM links its SBOM in: two symbols, one to a length and one to so many bytes.
func nativeImage(t *testing.T, doc string) string {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(doc)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	const base = 0x400000
	names := "\x00sbom\x00sbom_length\x00"
	sections := "\x00.svm_heap\x00.dynsym\x00.dynstr\x00.shstrtab\x00"
	at := uint64(64 + 56)
	dataOff := at
	data := append(binary.LittleEndian.AppendUint64(nil, uint64(packed.Len())), packed.Bytes()...)
	symOff := dataOff + uint64(len(data))
	var syms bytes.Buffer
	for _, s := range []elf.Sym64{{}, {Name: 1, Info: 17, Shndx: 1, Value: base + dataOff + 8},
		{Name: 6, Info: 17, Shndx: 1, Value: base + dataOff}} {
		if err := binary.Write(&syms, binary.LittleEndian, s); err != nil {
			t.Fatal(err)
		}
	}
	strOff := symOff + uint64(syms.Len())
	shstrOff := strOff + uint64(len(names))
	shOff := shstrOff + uint64(len(sections))
	h := elf.Header64{Type: 2, Machine: uint16(elf.EM_X86_64), Version: 1, Phoff: 64, Shoff: shOff, Ehsize: 64, Phentsize: 56, Phnum: 1,
		Shentsize: 64, Shnum: 5, Shstrndx: 4}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	var out bytes.Buffer
	end := shOff + 5*64
	parts := []any{h, elf.Prog64{Type: 1, Flags: 4, Vaddr: base, Filesz: end, Memsz: end}, data, syms.Bytes(), []byte(names),
		[]byte(sections),
		elf.Section64{}, elf.Section64{Name: 1, Type: 1, Addr: base + dataOff, Off: dataOff, Size: uint64(len(data))},
		elf.Section64{Name: 11, Type: uint32(elf.SHT_DYNSYM), Off: symOff, Size: uint64(syms.Len()), Link: 3, Entsize: 24, Info: 1},
		elf.Section64{Name: 19, Type: 3, Off: strOff, Size: uint64(len(names))},
		elf.Section64{Name: 27, Type: 3, Off: shstrOff, Size: uint64(len(sections))}}
	var errs []error
	for _, p := range parts {
		errs = append(errs, binary.Write(&out, binary.LittleEndian, p))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
