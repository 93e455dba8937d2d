package tagvalue

import (
	"errors"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/syntax"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

const head = "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: d\n"

func TestRead(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"# c\r\n\r\nDocumentName:   a b \r\nDocumentComment: <text>x\r\n: y\n</text>\nCreator: Tool: t\nCreator: Person: p\n",
			`{"name":"a b","comment":"x\r\n: y\n","creationInfo":{"creators":["Tool: t","Person: p"]}}`},
		{"PackageName: p\nSPDXID: SPDXRef-p\nPackageChecksum: SHA1: 00\nExternalRef: SECURITY cpe23Type cpe:2.3\n" +
			"ExternalRefComment: c\nFilesAnalyzed: false\nPackageVerificationCode: 01 (excludes: ./a, ./b)\nFileName: f\nSPDXID: " +
			"SPDXRef-f\nLicenseConcluded: MIT\n",
			`{"packages":[{"name":"p","SPDXID":"SPDXRef-p","checksums":[{"algorithm":"SHA1","checksumValue":"00"}],` +
				`"externalRefs":[{"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3",` +
				`"comment":"c"}],"filesAnalyzed":false,"packageVerificationCode":{"packageVerificationCodeValue":"01",` +
				`"packageVerificationCodeExcludedFiles":["./a","./b"]},"hasFiles":["SPDXRef-f"]}],"files":[{"fileName":"f",` +
				`"SPDXID":"SPDXRef-f","licenseConcluded":"MIT"}]}`},
		{"FileName: f\nSPDXID: SPDXRef-f\nPackageName: p\nSPDXID: SPDXRef-p\nRelationship: SPDXRef-p CONTAINS SPDXRef-f\n" +
			"RelationshipComment: r\n",
			`{"files":[{"fileName":"f","SPDXID":"SPDXRef-f"}],"packages":[{"name":"p","SPDXID":"SPDXRef-p"}],` +
				`"relationships":[{"spdxElementId":"SPDXRef-p","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-f",` +
				`"comment":"r"}]}`},
		{"SnippetSPDXID: SPDXRef-s\nSnippetFromFileSPDXID: SPDXRef-f\nSnippetByteRange: 1:20\n",
			`{"snippets":[{"SPDXID":"SPDXRef-s","snippetFromFile":"SPDXRef-f","ranges":[{"startPointer":{"offset":1,` +
				`"reference":"SPDXRef-f"},"endPointer":{"offset":20,"reference":"SPDXRef-f"}}]}]}`},
		{"PackageName: p\nSPDXID: SPDXRef-p\nAnnotator: Person: x\nAnnotationType: OTHER\nSPDXREF: SPDXRef-p\nReviewer: Person: y\n" +
			"LicenseID: LicenseRef-1\nExtractedText: <text>t</text>\n",
			`{"packages":[{"name":"p","SPDXID":"SPDXRef-p","annotations":[{"annotator":"Person: x","annotationType":"OTHER"}]}],` +
				`"revieweds":[{"reviewer":"Person: y"}],"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-1","extractedText":"t"}]}`},
		{"SPDXVersion: SPDX-2.2\nPackageName: p\nSPDXID: SPDXRef-p\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a\n",
			`{"spdxVersion":"SPDX-2.2","packages":[{"name":"p","SPDXID":"SPDXRef-p","externalRefs":[{` +
				`"referenceCategory":"PACKAGE_MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/a"}]}]}`},
		{"PackageName: p\nSPDXID: SPDXRef-p\nPrimaryPackagePurpose: OPERATING-SYSTEM\n",
			`{"packages":[{"name":"p","SPDXID":"SPDXRef-p","primaryPackagePurpose":"OPERATING_SYSTEM"}]}`},
		{"FileName: f\nSPDXID: SPDXRef-f\nArtifactOfProjectName: a\nArtifactOfProjectHomePage: h\nArtifactOfProjectURI: u\n" +
			"ArtifactOfProjectName: b\n",
			`{"files":[{"fileName":"f","SPDXID":"SPDXRef-f","artifactOfs":[{"name":"a","homepage":"h","projectUri":"u"},{"name":"b"}]}]}`},
	} {
		v, err := Read([]byte(tt.in))
		if err != nil {
			t.Errorf("%q: %v", tt.in, err)
			continue
		}
		if got, _ := v.JSON(); string(got) != tt.want {
			t.Errorf("%q:\n%s, want\n%s", tt.in, got, tt.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want error
		at   int
	}{
		{"DocumentName\n", ErrSyntax, 0}, {"a\xff: b\n", ErrSyntax, 1}, {": x\n", ErrSyntax, 0}, {"No Tag: x\n", ErrSyntax, 0},
		{"DocumentComment: <text>x\n", ErrSyntax, 17}, {"DocumentComment: <text>x</text> y\n", ErrSyntax, 31},
		{"Nothing: x\n", ErrTag, 0}, {"PackageVersion: 1\n", ErrTag, 0}, {"DocumentName: a\nDocumentName: b\n", ErrTag, 16},
		{"PackageName: p\nSPDXID: a\nSPDXID: b\n", ErrTag, 25}, {"SnippetSPDXID: s\nSPDXID: b\n", ErrTag, 17},
		{"RelationshipComment: x\n", ErrTag, 0}, {"Relationship: a b\n", ErrSyntax, 0}, {"PackageName: p\nPackageChecksum: 00\n",
			ErrSyntax, 15},
		{"PackageName: p\nFilesAnalyzed: yes\n", ErrSyntax, 15}, {"PackageName: p\nExternalRefComment: x\n", ErrTag, 15},
		{"FileName: f\nArtifactOfProjectURI: x\n", ErrTag, 12},
		{"FileName: f\nPackageName: p\nLicenseConcluded: MIT\n", ErrTag, 27}, {"SPDXREF: x\n", ErrTag, 0},
		{"SnippetSPDXID: s\nSnippetByteRange: 1:x\n", ErrSyntax, 17}, {"ExternalDocumentRef: x\n", ErrSyntax, 0},
	} {
		_, err := Read([]byte(tt.in))
		var e *syntax.Error
		if !errors.Is(err, tt.want) || !errors.As(err, &e) || e.Offset != tt.at {
			t.Errorf("%q: %v, want %v at %d", tt.in, err, tt.want, tt.at)
		}
	}
}

// TestWrite checks that what is written reads as the same, and that what cannot be written is listed.
func TestWrite(t *testing.T) {
	for _, tt := range []struct{ in, want, lost string }{
		{`{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":" n\n","packages":[{"name":"p","SPDXID":"SPDXRef-p",` +
			`"attributionTexts":["a","b\nc"]}]}`, "", ""},
		{`{"packages":[{"name":"p","SPDXID":"SPDXRef-p","comment":"a</text>b","x":1,"annotations":[{"comment":"c"}]}]}`,
			`{"packages":[{"name":"p","SPDXID":"SPDXRef-p"}]}`, "/packages/0/comment /packages/0/x /packages/0/annotations/0"},
		{`{"packages":[{"SPDXID":"SPDXRef-p","versionInfo":"1"}]}`, `{}`, "/packages/0"},
		{`{"files":[{"fileName":"f","SPDXID":"SPDXRef-f","artifactOfs":[{"name":"a","projectUri":"u","x":1},{"homepage":"h"}]}]}`,
			`{"files":[{"fileName":"f","SPDXID":"SPDXRef-f","artifactOfs":[{"name":"a","projectUri":"u"}]}]}`,
			"/files/0/artifactOfs/0/x /files/0/artifactOfs/1"},
		{`{"packages":[{"name":"p","SPDXID":"SPDXRef-p","checksums":[],"externalRefs":[{"referenceCategory":"a b",` +
			`"referenceType":"t","referenceLocator":"l"}]}]}`,
			`{"packages":[{"name":"p","SPDXID":"SPDXRef-p"}]}`, "/packages/0/checksums /packages/0/externalRefs/0"},
	} {
		v, err := tree.Parse([]byte(tt.in))
		if err != nil {
			t.Fatal(err)
		}
		text, lost := Write(v)
		back, err := Read(text)
		if err != nil {
			t.Errorf("%s: %v in\n%s", tt.in, err, text)
			continue
		}
		want := tt.want
		if want == "" {
			want = tt.in
		}
		if got, _ := back.JSON(); string(got) != want {
			t.Errorf("%s: reads as %s\n%s", tt.in, got, text)
		}
		var at []string
		for _, l := range lost {
			at = append(at, l.Pointer)
		}
		if got := strings.Join(at, " "); got != tt.lost {
			t.Errorf("%s: lost %s, want %s", tt.in, got, tt.lost)
		}
	}
}

// FuzzRead checks that what is read is written and read as the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(head))
	f.Add([]byte(head + "PackageName: p\nSPDXID: SPDXRef-p\nFileName: f\nSPDXID: SPDXRef-f\nAnnotator: Person: a\nSPDXREF: " +
		"SPDXRef-f\nRelationship: a b c\n"))
	f.Add([]byte("SnippetSPDXID: s\nSnippetFromFileSPDXID: f\nSnippetLineRange: 1:2\nLicenseID: l\nExtractedText: <text>\n</text>\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Read(data)
		if err != nil {
			var e *syntax.Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(data) {
				t.Fatal(err)
			}
			return
		}
		text, _ := v.JSON()
		if err := strictjson.Check(text, strictjson.Limits{}); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		out, lost := Write(v)
		back, err := Read(out)
		if err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		again, lost2 := Write(back)
		if len(lost) == 0 && (string(again) != string(out) || len(lost2) > 0) {
			t.Fatalf("written again as\n%s, was\n%s", again, out)
		}
	})
}
