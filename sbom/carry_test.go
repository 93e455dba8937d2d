package sbom

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// richSPDX2 says what SPDX 2 has and other formats have under other names, or not at all.
const richSPDX2 = `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"n","documentNamespace":"https://example.org/n",
"comment":"of the document","creationInfo":{"created":"2026-11-28T18:00:00Z","creators":["Tool: t"],"comment":"of its making","licenseListVersion":"3.25"},
"packages":[{"SPDXID":"SPDXRef-p","name":"p","downloadLocation":"NOASSERTION","filesAnalyzed":false,"packageFileName":"p.tar.gz","licenseDeclared":"MIT AND LicenseRef-x",
	"licenseComments":"asked upstream","builtDate":"2026-01-01T00:00:00Z","validUntilDate":"2027-01-01T00:00:00Z","attributionTexts":["thanks"],
	"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/p@1","comment":"a guess"},
		{"referenceCategory":"OTHER","referenceType":"cve","referenceLocator":"CVE-2024-1"},{"referenceCategory":"OTHER","referenceType":"email","referenceLocator":"a@example.org"}]}],
"files":[{"SPDXID":"SPDXRef-f","fileName":"./f.c","checksums":[{"algorithm":"SHA1","checksumValue":"3a365c2d58103971a721c9ee18731d3e942e002f"}],"fileTypes":["SOURCE","TEXT"],
	"fileContributors":["Ada","Example Inc."],"noticeText":"see NOTICE","licenseConcluded":"MIT","licenseInfoInFiles":["ISC","GPL-2.0-only OR MIT","NOASSERTION"],
	"licenseComments":"in the head","copyrightText":"(c) Ada"}],
"snippets":[{"SPDXID":"SPDXRef-s","name":"s","snippetFromFile":"SPDXRef-f","licenseConcluded":"ISC","licenseInfoInSnippets":["ISC"],"copyrightText":"NONE",
	"ranges":[{"startPointer":{"reference":"SPDXRef-f","offset":310},"endPointer":{"reference":"SPDXRef-f","offset":420}},
		{"startPointer":{"reference":"SPDXRef-f","lineNumber":5},"endPointer":{"reference":"SPDXRef-f","lineNumber":23}}]}],
"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-x","extractedText":"as you like","name":"X","seeAlsos":["https://example.org/x"],"comment":"of the licence"}],
"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-p"},
	{"spdxElementId":"SPDXRef-p","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-f"},
	{"spdxElementId":"SPDXRef-s","relationshipType":"COPY_OF","relatedSpdxElement":"SPDXRef-f"}],
"revieweds":[{"reviewer":"Person: R","reviewDate":"2026-02-02T00:00:00Z","comment":"looked at"}]}`

// TestCarry brings what only some formats have a member for everywhere and back: it is there, as a member or a property, or
// the report says truly why not.
func TestCarry(t *testing.T) {
	d := mustParse(t, richSPDX2)
	if _, err := Validate(d.Bytes()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		target Format
		lost   []string // paths
	}{
		{Format{SPDX, "3.0.1"}, nil},
		{Format{SPDX, "2.2"}, []string{"/packages/0/builtDate", "/packages/0/validUntilDate"}},
		{Format{CycloneDX, "1.7"}, []string{"/hasExtractedLicensingInfos/0/seeAlsos", "/hasExtractedLicensingInfos/0/comment",
			"/hasExtractedLicensingInfos/0/name", "/packages/0/externalRefs/0/comment", "/relationships/2", "/packages/0/filesAnalyzed"}},
	} {
		out, r := mustConvert(t, d, tt.target)
		if silent := differ(t, d.Bytes(), out.Bytes(), r); len(silent) > 0 {
			t.Errorf("%v: silent: %q", tt.target, silent)
		}
		for _, l := range r.Losses {
			if l.Kind == Dropped && !slices.ContainsFunc(tt.lost, func(p string) bool { return strings.HasPrefix(l.Path, p) }) &&
				!strings.HasSuffix(l.Path, "/filesAnalyzed") &&
				!strings.HasSuffix(l.Path, "downloadLocation") {
				t.Errorf("%v: %v", tt.target, l)
			}
		}
		back, _ := mustConvert(t, out, d.Format())
		if tt.target.Version == "2.2" {
			continue
		}
		for _, want := range []string{`"of the document"`, `"of its making"`, `"3.25"`, `"p.tar.gz"`, `"asked upstream"`,
			`"2026-01-01T00:00:00Z"`, `"2027-01-01T00:00:00Z"`,
			`"thanks"`, `"CVE-2024-1"`, `"a@example.org"`, `"SOURCE"`, `"TEXT"`, `"Ada"`, `"Example Inc."`, `"see NOTICE"`,
			`"GPL-2.0-only OR MIT"`,
			`"snippetFromFile": "`, `"offset": 310`, `"lineNumber": 23`, `"looked at"`, `"annotationType": "`, `"as you like"`,
			`"MIT AND LicenseRef-x"`, `"in the head"`} {
			if !bytes.Contains(back.Bytes(), []byte(want)) {
				t.Errorf("%v and back: no %s", tt.target, want)
			}
		}
		if t.Failed() {
			t.Logf("%s\n%s", out.Bytes(), back.Bytes())
		}
	}
}

// TestSPDX3Carry does the same from SPDX 3.
func TestSPDX3Carry(t *testing.T) {
	in := spdx3Head + `{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p","software_packageUrl":"pkg:npm/p@1","externalIdentifier":[
		{"type":"ExternalIdentifier","externalIdentifierType":"packageUrl","identifier":"pkg:npm/p@1"},
		{"type":"ExternalIdentifier","externalIdentifierType":"other","identifier":"some-id"},
		{"type":"ExternalIdentifier","externalIdentifierType":"cve","identifier":"CVE-2024-1"},
		{"type":"ExternalIdentifier","externalIdentifierType":"email","identifier":"a@example.org"},
		{"type":"ExternalIdentifier","externalIdentifierType":"securityOther","identifier":"GHSA-1"},
		{"type":"ExternalIdentifier","externalIdentifierType":"urlScheme","identifier":"x:y"}],
		"verifiedUsing":[{"type":"Hash","algorithm":"other","hashValue":"3f539a213e97c802cc229d474c6aa32a825a360b2a933a949fd925208d9ce1bb","comment":"Streebog-256"}]},
		{"type":"software_File","spdxId":"urn:x:f","creationInfo":"_:c","name":"f.c","verifiedUsing":[{"type":"Hash","algorithm":"sha1","hashValue":"3a365c2d58103971a721c9ee18731d3e942e002f"}]},
		{"type":"software_Snippet","spdxId":"urn:x:s","creationInfo":"_:c","name":"s","software_snippetFromFile":"urn:x:f",
		"software_byteRange":{"type":"PositiveIntegerRange","beginIntegerRange":310,"endIntegerRange":420},"software_lineRange":{"type":"PositiveIntegerRange","beginIntegerRange":5,"endIntegerRange":23}},
		{"type":"software_Snippet","spdxId":"urn:x:s2","creationInfo":"_:c","name":"no range","software_snippetFromFile":"urn:x:f"},
		{"type":"Relationship","spdxId":"urn:x:r","creationInfo":"_:c","relationshipType":"contains","from":"urn:x:p","to":["urn:x:f","urn:x:s"]},
		{"type":"Relationship","spdxId":"urn:x:l","creationInfo":"_:c","relationshipType":"hasDeclaredLicense","from":"urn:x:f","to":["https://spdx.org/licenses/MIT"]}]}`
	if _, err := Validate([]byte(in)); err != nil {
		t.Fatal(err)
	}
	d := mustParse(t, in)
	for _, target := range []Format{{SPDX, "2.3"}, {CycloneDX, "1.7"}} {
		out, r := mustConvert(t, d, target)
		if silent := differ(t, []byte(in), out.Bytes(), r); len(silent) > 0 {
			t.Errorf("%v: silent: %q", target, silent)
		}
		for _, l := range r.Losses {
			if l.Kind == Dropped && !(target.Spec == SPDX &&
				(strings.Contains(l.Path, "verifiedUsing") || strings.Contains(l.Path, "/@graph/6/software_snippetFromFile"))) {
				t.Errorf("%v: %v", target, l)
			}
		}
		for _, want := range []string{"some-id", "CVE-2024-1", "a@example.org", "GHSA-1", "x:y", "no range"} {
			if !bytes.Contains(out.Bytes(), []byte(`"`+want+`"`)) {
				t.Errorf("%v: no %s", target, want)
			}
		}
		if target.Spec == CycloneDX && out.Len() != d.Len() {
			t.Errorf("%v: %d components", target, out.Len())
		}
		back, _ := mustConvert(t, out, Format{SPDX, "3.0.1"})
		for _, want := range []string{`"software_Snippet"`, `"beginIntegerRange": 310`, `"endIntegerRange": 23`,
			`"externalIdentifierType": "cve"`, `"externalIdentifierType": "email"`,
			`"externalIdentifierType": "securityOther"`, `"externalIdentifierType": "urlScheme"`, `"some-id"`} {
			if !bytes.Contains(back.Bytes(), []byte(want)) {
				t.Errorf("%v and back: no %s", target, want)
			}
		}
		if t.Failed() {
			t.Logf("%s\n%s", out.Bytes(), back.Bytes())
		}
	}
}

// TestPhases brings when an SBOM was made to SPDX 3 and back, and to SPDX 2, which does not say it.
func TestPhases(t *testing.T) {
	for phase, back := range map[string]string{"design": "design", "pre-build": "pre-build", "build": "build", "post-build": "post-build",
		"operations": "operations", "discovery": ""} {
		d := mustParse(t, `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"lifecycles":[{"phase":"`+phase+`"}],
			"component":{"type":"application","name":"a","bom-ref":"a"}}}`)
		out, r := mustConvert(t, d, Format{SPDX, "3.0.1"})
		if silent := differ(t, d.Bytes(), out.Bytes(), r); len(silent) > 0 {
			t.Errorf("%s: silent: %q", phase, silent)
		}
		again, _ := mustConvert(t, out, Format{CycloneDX, "1.6"})
		if got := again.About().Lifecycles; len(out.Roots()) != 1 || len(again.Roots()) != 1 || strings.Join(got, "") != back {
			t.Errorf("%s: %q, roots %v", phase, got, out.Roots())
		}
	}
	d := mustParse(t, spdx3Head[:strings.LastIndex(spdx3Head, `,"rootElement"`)]+`,"dataLicense":"https://spdx.org/licenses/CC0-1.0",`+
		`"rootElement":["urn:x:p"]},`+
		`{"type":"software_Package","spdxId":"urn:x:p","creationInfo":"_:c","name":"p"}]}`)
	for _, target := range []Format{{SPDX, "2.3"}, {CycloneDX, "1.6"}} {
		out, r := mustConvert(t, d, target)
		for _, l := range r.Losses {
			if strings.HasSuffix(l.Path, "/dataLicense") {
				t.Errorf("%v: %v", target, l)
			}
		}
		if !bytes.Contains(out.Bytes(), []byte("CC0-1.0")) {
			t.Errorf("%v: no licence of the data", target)
		}
	}
}

// TestEvidence checks that licences found in files stay apart from those that somebody claims.
func TestEvidence(t *testing.T) {
	d := mustParse(t, `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a","bom-ref":"a","licenses":[{"license":{"id":"MIT"}}],
		"evidence":{"licenses":[{"license":{"id":"GPL-2.0-only"}}],"copyright":[{"text":"(c) A"},{"text":"(c) B"}]}}]}`)
	for _, target := range []Format{{SPDX, "2.3"}, {SPDX, "3.0.1"}} {
		out, r := mustConvert(t, d, target)
		if silent := differ(t, d.Bytes(), out.Bytes(), r); len(silent) > 0 {
			t.Errorf("%v: silent: %q", target, silent)
		}
		if !bytes.Contains(out.Bytes(), []byte(`(c) A\n(c) B`)) || bytes.Contains(out.Bytes(), []byte("GPL-2.0-only")) {
			t.Errorf("%v: %s", target, out.Bytes())
		}
	}
}

// TestEmbedOld checks that a document of a version that is not written comes back from one that carries it.
func TestEmbedOld(t *testing.T) {
	for _, version := range []string{"1.0", "1.1"} {
		modified := map[bool]string{true: "<modified>false</modified>"}[version == "1.0"]
		in := `<bom xmlns="http://cyclonedx.org/schema/bom/` + version + `" version="1"><components><component ` +
			`type="library"><name>a</name><version>1</version>` +
			modified + `</component></components></bom>`
		d := mustParse(t, in)
		if _, err := Validate([]byte(in)); err != nil {
			t.Error(err)
		}
		for _, target := range []Format{{CycloneDX, "1.6"}, {SPDX, "2.3"}, {SPDX, "3.0.1"}} {
			out, r, err := Convert(d, target, &ConvertOptions{Embed: true})
			if err != nil || !r.Embedded {
				t.Errorf("%s to %v: %v", version, target, err)
				continue
			}
			back, r, err := Convert(out, d.Format(), nil)
			if err != nil || !r.Restored || string(back.Bytes()) != in {
				t.Errorf("%s to %v and back: %v", version, target, err)
			}
		}
	}
}
