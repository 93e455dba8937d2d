package model

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Settle reads back what a conversion wrote as properties, and makes claims of what was found where nothing is claimed: what
// another format says in its own way, which is not what this document says.
func (h *Document) Settle() {
	for _, e := range h.Elements {
		e.Properties = slices.DeleteFunc(e.Properties, func(p Property) bool {
			taken := e.take(p.Name.S, p.Value) || e.snippetProperty(p.Name.S, p.Value)
			if taken {
				e.Leaves = append(e.Leaves, tree.Compact([]*tree.Node{p.Name.From})...)
			}
			return taken
		})
		if e.Copyright.OK() || e.Copyrights == nil {
			continue
		}
		var lines []string
		for _, t := range e.Copyrights {
			lines = append(lines, t.S)
			t.From.ExplainSelf(tree.Changed, "SPDX does not tell evidence of a copyright from the claim")
			e.Leaves = append(e.Leaves, tree.Compact([]*tree.Node{t.From})...)
		}
		e.Copyright = tree.Constant(strings.Join(lines, "\n"))
	}
	h.findFiles()
	for _, e := range h.Elements { // a file whose parts are described is one
		if e.Snippet != nil && e.Snippet.At >= 0 {
			if f := h.Elements[e.Snippet.At]; f.Kind.S == "file" && !f.Version.OK() && f.PURLs == nil {
				f.File = true
			}
		}
	}
}

// PropertyIdentifier begins the name of a property that is an identifier of a type that CycloneDX does not have.
const PropertyIdentifier = "lading:spdx:externalIdentifier:"

// take reads one of these properties back, and the others that a conversion from SPDX writes, and reports whether it was one.
func (e *Element) take(name string, t tree.Text) bool {
	name, ok := strings.CutPrefix(name, "lading:spdx:")
	if !ok || !t.OK() {
		return false
	}
	lists := map[string]*[]tree.Text{"fileType": &e.FileTypes, "fileContributor": &e.Contributors, "attributionText": &e.Attributions,
		"packageVerificationCodeExcludedFile": &e.Excluded, "cpe": &e.CPEs, "purl": &e.PURLs}
	if to := lists[name]; to != nil && (name != "cpe" && name != "purl" || len(*to) > 0) { // of which the first has its member
		*to = append(*to, t)
		return true
	}
	ones := map[string]*tree.Text{"noticeText": &e.Notice, "licenseComments": &e.LicenseComment, "packageVerificationCode": &e.Verification,
		"builtDate": &e.Dates[0], "releaseDate": &e.Dates[1], "validUntilDate": &e.Dates[2], "sourceInfo": &e.SourceInfo,
		"comment":         &e.Comment,
		"packageFileName": &e.FileName, "summary": &e.Summary, "copyrightText": &e.Copyright, "homepage": &e.Homepage,
		"downloadLocation": &e.Download}
	if to := ones[name]; to != nil && !to.OK() {
		*to = t
		return true
	}
	if role, ok := strings.CutPrefix(name, "license-"); ok && (role == "declared" || role == "concluded" || role == "found") {
		e.Licenses = append(e.Licenses, License{Role: role, Expression: t})
		return true
	}
	if kind, ok := strings.CutPrefix("lading:spdx:"+name, PropertyIdentifier); ok && slices.Contains(OtherIdentifiers, kind) {
		e.Identifiers = append(e.Identifiers, Identifier{Kind: tree.Constant(kind), Value: t})
		return true
	}
	if name == "swid" {
		e.Identifiers = append(e.Identifiers, Identifier{Kind: tree.Constant("swid"), Value: t})
		return true
	}
	return false
}

// OtherIdentifiers are SPDX 3's types of identifiers that CycloneDX has no member for.
var OtherIdentifiers = []string{"cve", "email", "other", "securityOther", "urlScheme"}

// A Snippet is a part of a file: SPDX 2.3, clause 9; SPDX 3.0.1, Software, Snippet. CycloneDX has no class of its own for it.
type Snippet struct {
	File         tree.Text // id
	At           int       // the element of that id, or -1
	Bytes, Lines [2]tree.Text
	From         []*tree.Node // leaves that repeat what the others say
	Written      bool         // as a snippet
}

// findFiles finds the files that snippets are parts of.
func (h *Document) findFiles() {
	for _, e := range h.Elements {
		if e.Snippet != nil {
			e.Snippet.At = h.Find(e.Snippet.File.S)
		}
	}
}

// Writable reports whether a format that has snippets can say where this one is; isFile reports whether it has an element as
// a file.
func (s *Snippet) Writable(isFile func(int) bool) bool {
	return s != nil && s.At >= 0 && isFile(s.At) && (s.Bytes[0].OK() || s.Lines[0].OK())
}

// Explain says why a snippet is written as a file.
func (s *Snippet) Explain(reason string) {
	for _, n := range append(s.From, s.File.From, s.Bytes[0].From, s.Bytes[1].From, s.Lines[0].From, s.Lines[1].From) {
		n.ExplainSelf(tree.Dropped, reason)
	}
}

const (
	PropertyBytes = "lading:spdx:snippetByteRange"
	PropertyLines = "lading:spdx:snippetLineRange"
	PropertyFile  = "lading:spdx:snippetFromFile"
)

// snippetProperty reads one of these properties back, and reports whether it was one.
func (e *Element) snippetProperty(name string, value tree.Text) bool {
	a, b, _ := strings.Cut(value.S, ":")
	if name != PropertyFile && (name != PropertyBytes && name != PropertyLines || !isDigits(a) || !isDigits(b)) {
		return false
	}
	if e.Snippet == nil {
		e.Snippet, e.File = &Snippet{At: -1}, true
	}
	switch of := [2]tree.Text{{S: a, From: value.From}, {S: b, From: value.From}}; name {
	case PropertyFile:
		e.Snippet.File = value
	case PropertyBytes:
		e.Snippet.Bytes = of
	default:
		e.Snippet.Lines = of
	}
	return true
}

func isDigits(s string) bool {
	return s != "" && len(s) < 19 && strings.Trim(s, "0123456789") == "" && (s[0] != '0' || s == "0")
}
