// Package tagvalue reads and writes the tag-value encoding of SPDX 2.2 and 2.3.
//
// A document is read into the JSON form of the same version, so that everything that is said about that form holds
// here. Nothing is dropped on the way: a tag that the specification does not have, one that occurs twice where it may
// occur once, and one at a place where it says nothing are errors.
package tagvalue

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/ladingdev/lading/internal/syntax"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Kinds of failure, for errors.Is. The error itself is an [*syntax.Error].
var (
	ErrSyntax = errors.New("not valid tag-value")
	ErrTag    = errors.New("tag that means nothing here")
	ErrLimit  = syntax.ErrLimit
)

func refuse(at int, kind error, format string, args ...any) error {
	return &syntax.Error{Format: "tag-value", Offset: at, Reason: fmt.Sprintf(format, args...), Err: kind}
}

// maxPairs bounds the tags of a document.
const maxPairs = 20_000_000

// A Pair is a tag and its value.
type Pair struct {
	Tag            string
	Value          string // without <text>
	Start          int    // of the tag
	Value0, Value1 int    // the span of the value as it is written, <text> included
}

// Detect reports whether data looks like tag-value: its first line that is neither empty nor a comment begins with a tag.
// SPDXID does not count, as it is a name of the JSON form too, which YAML has.
func Detect(data []byte) bool {
	for p, err := range Pairs(data) {
		if err != nil || p.Tag != "SPDXID" {
			return err == nil && tags[p.Tag].member != ""
		}
	}
	return false
}

// Pairs yields the tags of a document in order; an error ends it.
func Pairs(data []byte) iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		fail := func(at int, kind error, format string, args ...any) {
			yield(Pair{}, refuse(at, kind, format, args...))
		}
		if !utf8.Valid(data) {
			fail(firstInvalid(data), ErrSyntax, "a byte that is not UTF-8")
			return
		}
		pos := len(data) - len(bytes.TrimPrefix(data, []byte("\ufeff")))
		count := 0
		for pos < len(data) {
			end := lineEnd(data, pos)
			line := data[pos:end]
			start := pos + len(line) - len(bytes.TrimLeft(line, " \t"))
			content := bytes.TrimSpace(line)
			if len(content) == 0 || content[0] == '#' {
				pos = nextLine(data, end)
				continue
			}
			colon := bytes.IndexByte(line, ':')
			if colon < 0 {
				fail(start, ErrSyntax, "a line without a tag")
				return
			}
			tag := string(bytes.TrimSpace(line[:colon]))
			if tag == "" || strings.Trim(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
				fail(start, ErrSyntax, "%s is not a tag", clip(tag))
				return
			}
			if count++; count > maxPairs {
				fail(start, ErrLimit, "more than %d tags", maxPairs)
				return
			}
			value := pos + colon + 1
			for value < end && (data[value] == ' ' || data[value] == '\t') {
				value++
			}
			p := Pair{Tag: tag, Start: start, Value0: value}
			if bytes.HasPrefix(data[value:], []byte("<text>")) {
				body := value + len("<text>")
				n := bytes.Index(data[body:], []byte("</text>"))
				if n < 0 {
					fail(value, ErrSyntax, "<text> that does not end")
					return
				}
				p.Value1 = body + n + len("</text>")
				end = lineEnd(data, p.Value1)
				if rest := bytes.TrimSpace(data[p.Value1:end]); len(rest) > 0 {
					fail(p.Value1, ErrSyntax, "%s behind </text>", clip(string(rest)))
					return
				}
				p.Value = string(data[body : body+n])
			} else {
				text := bytes.TrimRight(data[value:end], " \t\r")
				p.Value, p.Value1 = string(text), value+len(text)
			}
			if !yield(p, nil) {
				return
			}
			pos = nextLine(data, end)
		}
	}
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(data)
}

func lineEnd(data []byte, pos int) int {
	if n := bytes.IndexAny(data[pos:], "\r\n"); n >= 0 {
		return pos + n
	}
	return len(data)
}

func nextLine(data []byte, end int) int {
	if bytes.HasPrefix(data[end:], []byte("\r\n")) {
		return end + 2
	}
	return min(end+1, len(data))
}

// What a tag belongs to.
type section uint8

const (
	document section = iota
	pkg
	file
	snippet
	license
	relationship
	annotation
	review
	creation // of the document
)

// How a value is written in JSON.
type spelling uint8

const (
	text spelling = iota
	list          // one element of an array
	boolean
	checksum     // "SHA1: 00"
	code         // "00 (excludes: a, b)"
	external     // "CATEGORY type locator"
	externalNote // the comment of the last external reference
	project      // the name of a project that a file is from
	projectNote  // what else is said of the last of them
	documentRef  // "DocumentRef-x uri SHA1: 00"
	edge         // "from TYPE to"
	byteRange    // "1:2"
	lineRange
	purpose // a text whose words the JSON form joins with "_"
	opens   // a text that begins a new object
	target  // the element that an annotation is about
)

type tag struct {
	name   string
	in     section
	member string
	form   spelling
}

// tagList has the tags in the order in which they are written.
var tagList = []tag{
	{"SPDXVersion", document, "spdxVersion", text},
	{"DataLicense", document, "dataLicense", text},
	{"DocumentName", document, "name", text},
	{"DocumentNamespace", document, "documentNamespace", text},
	{"DocumentComment", document, "comment", text},
	{"ExternalDocumentRef", document, "externalDocumentRefs", documentRef},
	{"LicenseListVersion", creation, "licenseListVersion", text},
	{"Creator", creation, "creators", list},
	{"Created", creation, "created", text},
	{"CreatorComment", creation, "comment", text},

	{"PackageName", pkg, "name", opens},
	{"PackageVersion", pkg, "versionInfo", text},
	{"PackageFileName", pkg, "packageFileName", text},
	{"PackageSupplier", pkg, "supplier", text},
	{"PackageOriginator", pkg, "originator", text},
	{"PackageDownloadLocation", pkg, "downloadLocation", text},
	{"FilesAnalyzed", pkg, "filesAnalyzed", boolean},
	{"PackageVerificationCode", pkg, "packageVerificationCode", code},
	{"PackageChecksum", pkg, "checksums", checksum},
	{"PackageHomePage", pkg, "homepage", text},
	{"PackageSourceInfo", pkg, "sourceInfo", text},
	{"PackageLicenseConcluded", pkg, "licenseConcluded", text},
	{"PackageLicenseInfoFromFiles", pkg, "licenseInfoFromFiles", list},
	{"PackageLicenseDeclared", pkg, "licenseDeclared", text},
	{"PackageLicenseComments", pkg, "licenseComments", text},
	{"PackageCopyrightText", pkg, "copyrightText", text},
	{"PackageSummary", pkg, "summary", text},
	{"PackageDescription", pkg, "description", text},
	{"PackageComment", pkg, "comment", text},
	{"PackageAttributionText", pkg, "attributionTexts", list},
	{"ExternalRef", pkg, "externalRefs", external},
	{"ExternalRefComment", pkg, "externalRefs", externalNote},
	{"PrimaryPackagePurpose", pkg, "primaryPackagePurpose", purpose},
	{"ReleaseDate", pkg, "releaseDate", text},
	{"BuiltDate", pkg, "builtDate", text},
	{"ValidUntilDate", pkg, "validUntilDate", text},

	{"FileName", file, "fileName", opens},
	{"FileType", file, "fileTypes", list},
	{"FileChecksum", file, "checksums", checksum},
	{"LicenseConcluded", file, "licenseConcluded", text},
	{"LicenseInfoInFile", file, "licenseInfoInFiles", list},
	{"LicenseComments", file, "licenseComments", text},
	{"FileCopyrightText", file, "copyrightText", text},
	{"FileComment", file, "comment", text},
	{"FileNotice", file, "noticeText", text},
	{"FileContributor", file, "fileContributors", list},
	{"FileAttributionText", file, "attributionTexts", list},
	{"FileDependency", file, "fileDependencies", list},
	{"ArtifactOfProjectName", file, "artifactOfs", project},
	{"ArtifactOfProjectHomePage", file, "artifactOfs", projectNote},
	{"ArtifactOfProjectURI", file, "artifactOfs", projectNote},

	{"SnippetSPDXID", snippet, "SPDXID", opens},
	{"SnippetFromFileSPDXID", snippet, "snippetFromFile", text},
	{"SnippetByteRange", snippet, "ranges", byteRange},
	{"SnippetLineRange", snippet, "ranges", lineRange},
	{"SnippetLicenseConcluded", snippet, "licenseConcluded", text},
	{"LicenseInfoInSnippet", snippet, "licenseInfoInSnippets", list},
	{"SnippetLicenseComments", snippet, "licenseComments", text},
	{"SnippetCopyrightText", snippet, "copyrightText", text},
	{"SnippetComment", snippet, "comment", text},
	{"SnippetName", snippet, "name", text},
	{"SnippetAttributionText", snippet, "attributionTexts", list},

	{"LicenseID", license, "licenseId", opens},
	{"ExtractedText", license, "extractedText", text},
	{"LicenseName", license, "name", text},
	{"LicenseCrossReference", license, "seeAlsos", list},
	{"LicenseComment", license, "comment", text},

	{"Relationship", relationship, "relationships", edge},
	{"RelationshipComment", relationship, "comment", text},

	{"Annotator", annotation, "annotator", opens},
	{"AnnotationDate", annotation, "annotationDate", text},
	{"AnnotationComment", annotation, "comment", text},
	{"AnnotationType", annotation, "annotationType", text},
	{"SPDXREF", annotation, "SPDXREF", target},

	{"Reviewer", review, "reviewer", opens},
	{"ReviewDate", review, "reviewDate", text},
	{"ReviewComment", review, "comment", text},
}

// projectMembers are the members of an element of artifactOfs, which the JSON schemas leave open, by their tags.
var projectMembers = map[string]string{"ArtifactOfProjectName": "name", "ArtifactOfProjectHomePage": "homepage",
	"ArtifactOfProjectURI": "projectUri"}

var tags = func() map[string]tag {
	m := make(map[string]tag, len(tagList))
	for _, t := range tagList {
		m[t.name] = t
	}
	return m
}()

// arrays are the members of the document that hold the objects of a section.
var arrays = map[section]string{
	pkg: "packages", file: "files", snippet: "snippets", license: "hasExtractedLicensingInfos",
	annotation: "annotations", review: "revieweds",
}

type reader struct {
	root    *tree.Node
	open    map[section]*tree.Node // the last object of each section
	element *tree.Node             // what SPDXID is about
	inPkg   *tree.Node
	pending []note
	byID    map[string]*tree.Node
	files   []owned
}

type note struct {
	annotation *tree.Node
	about      string
}

// An owned file stands behind a package, which means that the package contains it.
type owned struct{ pkg, file *tree.Node }

// Read reads a document into its JSON form.
func Read(data []byte) (*tree.Node, error) {
	r := &reader{root: tree.ObjectAt(0, len(data)), open: map[section]*tree.Node{}, byID: map[string]*tree.Node{}}
	r.element = r.root
	r.open[document] = r.root
	for p, err := range Pairs(data) {
		if err != nil {
			return nil, err
		}
		if err := r.pair(p); err != nil {
			return nil, err
		}
	}
	r.finish()
	return r.root, nil
}

func (p Pair) fail(kind error, format string, args ...any) error {
	return refuse(p.Start, kind, format, args...)
}

func (p Pair) string(s string) *tree.Node { return tree.TextAt(s, p.Start, p.Value1) }

func (r *reader) pair(p Pair) error {
	if p.Tag == "SPDXID" {
		if r.element == nil || r.element.Get("SPDXID") != nil {
			return p.fail(ErrTag, "an SPDXID with nothing in front of it that lacks one")
		}
		r.element.Set("SPDXID", p.string(p.Value))
		r.byID[p.Value] = r.element
		return nil
	}
	t, ok := tags[p.Tag]
	if !ok {
		return p.fail(ErrTag, "%s is not a tag of SPDX 2.2 or 2.3", clip(p.Tag))
	}
	if t.in == creation && r.open[creation] == nil {
		r.open[creation] = r.root.Set("creationInfo", tree.ObjectAt(p.Start, p.Value1))
	}
	if t.form == opens {
		return r.begin(t, p)
	}
	if t.form == edge {
		return r.edge(p)
	}
	o := r.open[t.in]
	if o == nil {
		return p.fail(ErrTag, "%s in front of anything that it can be about", p.Tag)
	}
	if t.in != document && t.in != creation {
		o.End = int32(p.Value1)
	}
	return r.set(o, t, p)
}

func (r *reader) begin(t tag, p Pair) error {
	o := tree.ObjectAt(p.Start, p.Value1)
	o.Set(t.member, p.string(p.Value))
	r.open[t.in] = o
	if t.in == annotation {
		r.pending = append(r.pending, note{annotation: o})
		return nil
	}
	r.root.AddAt(arrays[t.in], o)
	switch t.in {
	case pkg:
		r.element, r.inPkg = o, o
		delete(r.open, file)
		delete(r.open, snippet)
	case file:
		r.element = o
		if r.inPkg != nil {
			r.files = append(r.files, owned{r.inPkg, o})
		}
		delete(r.open, snippet)
	case snippet:
		r.element = nil // it has its own tag for its id
		r.byID[p.Value] = o
	case license:
		r.element = nil
	}
	return nil
}

func (r *reader) edge(p Pair) error {
	f := strings.Fields(p.Value)
	if len(f) != 3 {
		return p.fail(ErrSyntax, "a relationship that is not an element, a type and an element")
	}
	o := tree.ObjectAt(p.Start, p.Value1)
	o.Set("spdxElementId", p.string(f[0]))
	o.Set("relationshipType", p.string(f[1]))
	o.Set("relatedSpdxElement", p.string(f[2]))
	r.open[relationship] = r.root.AddAt("relationships", o)
	return nil
}

// set adds what a tag says to the object that it is about.
func (r *reader) set(o *tree.Node, t tag, p Pair) error {
	switch t.form {
	case list, checksum, external, project, documentRef, byteRange, lineRange:
		v, err := p.value(t.form)
		if err == nil {
			o.AddAt(t.member, v)
		}
		return err
	case externalNote, projectNote:
		member := cmp.Or(projectMembers[p.Tag], "comment")
		about := o.Get(t.member)
		if about == nil || about.Items[len(about.Items)-1].Get(member) != nil {
			return p.fail(ErrTag, "%s behind nothing that it can be about", p.Tag)
		}
		about.Items[len(about.Items)-1].Set(member, p.string(p.Value))
		return nil
	case target:
		last := &r.pending[len(r.pending)-1]
		if last.about != "" {
			return p.fail(ErrTag, "%s occurs twice", p.Tag)
		}
		last.about = p.Value
		return nil
	}
	if o.Get(t.member) != nil {
		return p.fail(ErrTag, "%s occurs twice", p.Tag)
	}
	v, err := p.value(t.form)
	if err == nil {
		o.Set(t.member, v)
	}
	return err
}

// value reads the value of a tag.
func (p Pair) value(f spelling) (*tree.Node, error) {
	switch f {
	case checksum:
		return p.checksum(p.Value)
	case external:
		return p.external()
	case project:
		of := tree.ObjectAt(p.Start, p.Value1)
		of.Set(projectMembers[p.Tag], p.string(p.Value))
		return of, nil
	case documentRef:
		return p.documentRef()
	case byteRange:
		return p.span("offset")
	case lineRange:
		return p.span("lineNumber")
	case boolean:
		if p.Value != "true" && p.Value != "false" {
			return nil, p.fail(ErrSyntax, `%s must be "true" or "false"`, p.Tag)
		}
		return tree.LiteralAt(p.Value, p.Start, p.Value1), nil
	case code:
		return p.verificationCode()
	case purpose:
		return p.string(strings.ReplaceAll(p.Value, "-", "_")), nil
	}
	return p.string(p.Value), nil
}

func (p Pair) external() (*tree.Node, error) {
	f := strings.Fields(p.Value)
	if len(f) != 3 {
		return nil, p.fail(ErrSyntax, "an external reference that is not a category, a type and a locator")
	}
	ref := tree.ObjectAt(p.Start, p.Value1)
	ref.Set("referenceCategory", p.string(f[0]))
	ref.Set("referenceType", p.string(f[1]))
	ref.Set("referenceLocator", p.string(f[2]))
	return ref, nil
}

func (p Pair) documentRef() (*tree.Node, error) {
	f := strings.Fields(p.Value)
	if len(f) < 3 || !strings.HasPrefix(f[0], "DocumentRef-") {
		return nil, p.fail(ErrSyntax, "an external document that is not a DocumentRef, a URI and a checksum")
	}
	sum, err := p.checksum(strings.Join(f[2:], " "))
	if err != nil {
		return nil, err
	}
	ref := tree.ObjectAt(p.Start, p.Value1)
	ref.Set("externalDocumentId", p.string(f[0]))
	ref.Set("spdxDocument", p.string(f[1]))
	ref.Set("checksum", sum)
	return ref, nil
}

// span reads where a part of a file begins and ends, in what member counts.
func (p Pair) span(member string) (*tree.Node, error) {
	from, to, ok := strings.Cut(p.Value, ":")
	if !ok || !isNumber(from) || !isNumber(to) {
		return nil, p.fail(ErrSyntax, "a range that is not two numbers with a colon between")
	}
	span := tree.ObjectAt(p.Start, p.Value1)
	for i, name := range []string{"startPointer", "endPointer"} {
		pointer := tree.ObjectAt(p.Start, p.Value1)
		pointer.Set(member, tree.LiteralAt([]string{from, to}[i], p.Start, p.Value1))
		span.Set(name, pointer)
	}
	return span, nil
}

func (p Pair) verificationCode() (*tree.Node, error) {
	value, excludes, ok := strings.Cut(p.Value, "(")
	c := tree.ObjectAt(p.Start, p.Value1)
	c.Set("packageVerificationCodeValue", p.string(strings.TrimSpace(value)))
	if !ok {
		return c, nil
	}
	excludes, ok = strings.CutSuffix(strings.TrimSpace(excludes), ")")
	if !ok {
		return nil, p.fail(ErrSyntax, "a verification code with a parenthesis that does not end")
	}
	excludes = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(excludes), "excludes:"))
	for name := range strings.SplitSeq(excludes, ",") {
		c.AddAt("packageVerificationCodeExcludedFiles", p.string(strings.TrimSpace(name)))
	}
	return c, nil
}

func isNumber(s string) bool {
	return s != "" && len(s) < 19 && strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
}

func (p Pair) checksum(s string) (*tree.Node, error) {
	algorithm, value, ok := strings.Cut(s, ":")
	if !ok {
		return nil, p.fail(ErrSyntax, "a checksum that is not an algorithm, a colon and hexadecimal digits")
	}
	o := tree.ObjectAt(p.Start, p.Value1)
	o.Set("algorithm", p.string(strings.TrimSpace(algorithm)))
	o.Set("checksumValue", p.string(strings.TrimSpace(value)))
	return o, nil
}

// finish puts in order what can be told only at the end.
func (r *reader) finish() {
	for _, n := range r.pending {
		about := r.byID[n.about]
		if about == nil {
			about = r.root
			if n.about != "" && n.about != "SPDXRef-DOCUMENT" { // kept, for the rules to complain about
				n.annotation.Set("SPDXREF", tree.TextLike(n.about, n.annotation))
			}
		}
		about.AddAt("annotations", n.annotation)
	}
	r.spell()
	said := map[[2]string]bool{}
	if rels := r.root.Get("relationships"); rels != nil {
		for _, rel := range rels.Items {
			if rel.Get("relationshipType").Text == "CONTAINS" {
				said[[2]string{rel.Get("spdxElementId").Text, rel.Get("relatedSpdxElement").Text}] = true
			}
		}
	}
	for _, f := range r.files {
		p, id := f.pkg.Get("SPDXID"), f.file.Get("SPDXID")
		if p != nil && id != nil && !said[[2]string{p.Text, id.Text}] {
			f.pkg.AddAt("hasFiles", tree.TextLike(id.Text, id))
		}
	}
	if snippets := r.root.Get("snippets"); snippets != nil {
		for _, s := range snippets.Items {
			of := s.Get("snippetFromFile")
			ranges := s.Get("ranges")
			if of == nil || ranges == nil {
				continue
			}
			for _, rg := range ranges.Items {
				for _, m := range rg.Members {
					m.Value.Set("reference", tree.TextLike(of.Text, of))
				}
			}
		}
	}
}

// The category of references that the text of SPDX 2.2 and its JSON schema spell differently; 2.3 has the text's spelling.
const inText, inSchema = "PACKAGE-MANAGER", "PACKAGE_MANAGER"

func is22(root *tree.Node) bool {
	version := root.Get("spdxVersion")
	return version != nil && version.Text == "SPDX-2.2"
}

func (r *reader) spell() {
	packages := r.root.Get("packages")
	if packages == nil || !is22(r.root) {
		return
	}
	for _, p := range packages.Items {
		if refs := p.Get("externalRefs"); refs != nil {
			for _, ref := range refs.Items {
				if c := ref.Get("referenceCategory"); c.Text == inText {
					c.Text = inSchema
				}
			}
		}
	}
}

func clip(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}
