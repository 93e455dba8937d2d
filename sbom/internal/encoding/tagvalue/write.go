package tagvalue

import (
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Write writes a document in its JSON form as tag-value. Files stand behind the package that has them in hasFiles, which
// says the same; documentDescribes becomes relationships.
func Write(root *tree.Node) ([]byte, []tree.Unwritten) {
	w := &writer{used: map[*tree.Node]bool{}, root: root, said: map[[3]string]bool{}, respelled: map[*tree.Node]bool{}}
	w.document()
	w.lost("", root)
	return []byte(w.out.String()), w.losses
}

type writer struct {
	out  strings.Builder
	root *tree.Node
	used map[*tree.Node]bool
	said map[[3]string]bool // relationships of the document

	respelled map[*tree.Node]bool
	losses    []tree.Unwritten
}

func (w *writer) lost(pointer string, v *tree.Node) {
	visit := func(at string, v *tree.Node) {
		if !w.used[v] {
			w.losses = append(w.losses, tree.Unwritten{Pointer: at, Value: v})
		} else {
			if w.respelled[v] {
				w.losses = append(w.losses, tree.Unwritten{Pointer: at, Value: v,
					Changed: "it is read back as the JSON schema of " +
						"SPDX 2.2 spells it"})
			}
			w.lost(at, v)
		}
	}
	for _, m := range v.Members {
		visit(pointer+"/"+jsonpointer.Escape(m.Name), m.Value)
	}
	for i, item := range v.Items {
		visit(pointer+"/"+strconv.Itoa(i), item)
	}
}

// use marks v and everything inside of it.
func (w *writer) use(v *tree.Node) {
	w.used[v] = true
	for _, m := range v.Members {
		w.use(m.Value)
	}
	for _, item := range v.Items {
		w.use(item)
	}
}

// text returns a string member of v, or nothing.
func text1(v *tree.Node, name string) string {
	if m := v.Get(name); m != nil && m.Kind == strictjson.String {
		return m.Text
	}
	return ""
}

// line writes a tag, and reports whether the value can be written.
func (w *writer) line(name, value string) bool {
	if strings.Contains(value, "</text>") {
		return false
	}
	w.out.WriteString(name)
	w.out.WriteString(": ")
	if value == "" || value != strings.TrimSpace(value) || strings.ContainsAny(value, "\r\n") || strings.HasPrefix(value, "<text>") {
		value = "<text>" + value + "</text>"
	}
	w.out.WriteString(value)
	w.out.WriteByte('\n')
	return true
}

func (w *writer) blank() {
	if w.out.Len() > 0 {
		w.out.WriteByte('\n')
	}
}

// items returns the objects of an array member, and marks the array.
func (w *writer) items(v *tree.Node, name string) []*tree.Node {
	a := v.Get(name)
	if a == nil || a.Kind != strictjson.Array {
		return nil
	}
	w.used[a] = len(a.Items) > 0
	return a.Items
}

// section writes the members of v that have tags in a section, and marks v.
func (w *writer) section(v *tree.Node, in section) {
	for _, t := range tagList {
		if t.in != in {
			continue
		}
		if t.form == opens { // without it, the rest would be about something else
			if m := v.Get(t.member); m == nil || m.Kind != strictjson.String || strings.Contains(m.Text, "</text>") {
				return
			}
		}
		w.used[v] = true
		m := v.Get(t.member)
		if m == nil || w.used[m] && t.form != byteRange && t.form != lineRange && t.form != externalNote {
			continue
		}
		switch t.form {
		case text, opens:
			if m.Kind == strictjson.String && w.line(t.name, m.Text) {
				w.used[m] = true
				if t.form == opens && in != snippet {
					w.id(v)
				}
			}
		case purpose:
			if m.Kind == strictjson.String && !strings.Contains(m.Text, "-") && w.line(t.name, strings.ReplaceAll(m.Text, "_", "-")) {
				w.used[m] = true
			}
		case boolean:
			if m.Text == "true" || m.Text == "false" {
				w.used[m] = true
				w.line(t.name, m.Text)
			}
		case list:
			for _, item := range w.items(v, t.member) {
				if item.Kind == strictjson.String && w.line(t.name, item.Text) {
					w.used[item] = true
				}
			}
		case checksum:
			for _, item := range w.items(v, t.member) {
				if s, ok := checksumText(item); ok && w.line(t.name, s) {
					w.useMembers(item, "algorithm", "checksumValue")
				}
			}
		case code:
			w.code(t.name, m)
		case external:
			for _, item := range w.items(v, t.member) {
				w.external(item)
			}
		case project:
			for _, item := range w.items(v, t.member) {
				w.project(item)
			}
		case documentRef:
			for _, item := range w.items(v, t.member) {
				sum := item.Get("checksum")
				id, uri := text1(item, "externalDocumentId"), text1(item, "spdxDocument")
				if sum == nil || strings.ContainsAny(id+uri, " \t\r\n") || uri == "" || !strings.HasPrefix(id, "DocumentRef-") {
					continue
				}
				if s, ok := checksumText(sum); ok && w.line(t.name, id+" "+uri+" "+s) {
					w.useMembers(item, "externalDocumentId", "spdxDocument", "checksum")
					w.useMembers(sum, "algorithm", "checksumValue")
				}
			}
		case byteRange, lineRange:
			w.ranges(v, t)
		}
	}
}

func (w *writer) useMembers(v *tree.Node, names ...string) {
	w.used[v] = true
	for _, n := range names {
		if m := v.Get(n); m != nil {
			w.used[m] = true
		}
	}
}

// id writes the SPDXID behind the tag that opens an element.
func (w *writer) id(v *tree.Node) {
	if m := v.Get("SPDXID"); m != nil && m.Kind == strictjson.String && w.line("SPDXID", m.Text) {
		w.used[m] = true
	}
}

func checksumText(v *tree.Node) (string, bool) {
	algorithm, value := text1(v, "algorithm"), text1(v, "checksumValue")
	ok := algorithm != "" && value != "" && !strings.ContainsAny(algorithm+value, ": \t\r\n")
	return algorithm + ": " + value, ok
}

func (w *writer) code(name string, m *tree.Node) {
	value := text1(m, "packageVerificationCodeValue")
	if m.Kind != strictjson.Object || value == "" || strings.ContainsAny(value, "( \t\r\n") {
		return
	}
	line := value
	if ex := m.Get("packageVerificationCodeExcludedFiles"); ex != nil && ex.Kind == strictjson.Array && len(ex.Items) > 0 {
		var names []string
		for _, item := range ex.Items {
			if item.Kind == strictjson.String && item.Text != "" && item.Text == strings.TrimSpace(item.Text) &&
				!strings.ContainsAny(item.Text, ",\r\n") {
				names = append(names, item.Text)
			}
		}
		if len(names) == len(ex.Items) {
			w.use(ex)
			line += " (excludes: " + strings.Join(names, ", ") + ")"
		}
	}
	if w.line(name, line) {
		w.useMembers(m, "packageVerificationCodeValue")
	}
}

func (w *writer) external(item *tree.Node) {
	parts := []string{text1(item, "referenceCategory"), text1(item, "referenceType"), text1(item, "referenceLocator")}
	for _, p := range parts {
		if p == "" || strings.ContainsAny(p, " \t\r\n") {
			return
		}
	}
	if is22(w.root) {
		switch parts[0] {
		case inSchema:
			parts[0] = inText
		case inText:
			w.respelled[item.Get("referenceCategory")] = true
		}
	}
	if !w.line("ExternalRef", strings.Join(parts, " ")) {
		return
	}
	w.useMembers(item, "referenceCategory", "referenceType", "referenceLocator")
	if c := item.Get("comment"); c != nil && c.Kind == strictjson.String && w.line("ExternalRefComment", c.Text) {
		w.used[c] = true
	}
}

func (w *writer) project(item *tree.Node) {
	for _, t := range tagList {
		member := projectMembers[t.name]
		m := item.Get(member)
		if member == "" || m == nil || m.Kind != strictjson.String || t.form == projectNote && !w.used[item] {
			continue
		}
		if w.line(t.name, m.Text) {
			w.used[item], w.used[m] = true, true
		}
	}
}

func (w *writer) ranges(v *tree.Node, t tag) {
	member := map[spelling]string{byteRange: "offset", lineRange: "lineNumber"}[t.form]
	of := text1(v, "snippetFromFile")
	for _, rg := range w.items(v, t.member) {
		from, to := rg.Get("startPointer"), rg.Get("endPointer")
		if from == nil || to == nil || from.Get(member) == nil || to.Get(member) == nil {
			continue
		}
		a, b := from.Get(member), to.Get(member)
		if !isNumber(a.Text) || !isNumber(b.Text) || a.Kind != strictjson.Number || b.Kind != strictjson.Number {
			continue
		}
		w.line(t.name, a.Text+":"+b.Text)
		w.used[rg] = true
		for _, p := range []*tree.Node{from, to} {
			w.useMembers(p, member)
			if text1(p, "reference") == of {
				w.useMembers(p, "reference")
			}
		}
	}
}

func (w *writer) document() {
	r := w.root
	w.used[r] = true
	w.line1(r, "SPDXVersion", "spdxVersion")
	w.line1(r, "DataLicense", "dataLicense")
	w.id(r)
	w.section(r, document)
	if info := r.Get("creationInfo"); info != nil && info.Kind == strictjson.Object {
		w.blank()
		w.section(info, creation)
	}
	w.annotations(r, "SPDXRef-DOCUMENT")
	for _, v := range w.items(r, "revieweds") {
		w.blank()
		w.section(v, review)
	}
	w.elements()
	for _, v := range w.items(r, "hasExtractedLicensingInfos") {
		w.blank()
		w.section(v, license)
	}
	w.relationships()
}

func (w *writer) line1(v *tree.Node, name, member string) {
	if m := v.Get(member); m != nil && m.Kind == strictjson.String && w.line(name, m.Text) {
		w.used[m] = true
	}
}

// elements writes files that no package has, packages with their files, and snippets.
func (w *writer) elements() {
	for _, rel := range w.items(w.root, "relationships") {
		w.said[[3]string{text1(rel, "spdxElementId"), text1(rel, "relationshipType"), text1(rel, "relatedSpdxElement")}] = true
	}
	files := w.items(w.root, "files")
	byID := make(map[string]*tree.Node, len(files))
	for _, f := range files {
		byID[text1(f, "SPDXID")] = f
	}
	packages := w.items(w.root, "packages")
	owner := map[*tree.Node]*tree.Node{}
	for _, p := range packages {
		for _, id := range w.items(p, "hasFiles") {
			if f := byID[id.Text]; f != nil && id.Kind == strictjson.String && owner[f] == nil {
				owner[f] = p
			}
		}
	}
	file := func(f *tree.Node) {
		w.blank()
		w.section(f, fileSection)
		w.annotations(f, text1(f, "SPDXID"))
	}
	for _, f := range files {
		if owner[f] == nil {
			file(f)
		}
	}
	for _, p := range packages {
		w.blank()
		w.section(p, pkg)
		w.annotations(p, text1(p, "SPDXID"))
		for _, id := range w.items(p, "hasFiles") {
			f := byID[id.Text]
			switch edge := [3]string{text1(p, "SPDXID"), "CONTAINS", id.Text}; {
			case id.Kind != strictjson.String:
			case f != nil && owner[f] == p && !w.used[f] && !w.said[edge]:
				w.used[id] = true
				file(f)
			case f != nil && owner[f] == p && !w.used[f]: // said by a relationship too: it stands there then
				w.used[id] = true
				file(f)
			case w.said[edge]:
				w.used[id] = true
			default:
				w.edge(id, edge)
			}
		}
	}
	for _, s := range w.items(w.root, "snippets") {
		w.blank()
		w.section(s, snippet)
		w.annotations(s, text1(s, "SPDXID"))
	}
}

const fileSection = file

// edge writes a relationship that v stands for.
func (w *writer) edge(v *tree.Node, edge [3]string) bool {
	for _, part := range edge {
		if part == "" || strings.ContainsAny(part, " \t\r\n") {
			return false
		}
	}
	w.used[v] = w.line("Relationship", strings.Join(edge[:], " "))
	return w.used[v]
}

func (w *writer) relationships() {
	describes, rels := w.items(w.root, "documentDescribes"), w.items(w.root, "relationships")
	if len(describes)+len(rels) > 0 {
		w.blank()
	}
	for _, id := range describes {
		edge := [3]string{text1(w.root, "SPDXID"), "DESCRIBES", id.Text}
		switch {
		case id.Kind != strictjson.String:
		case w.said[edge]:
			w.used[id] = true
		default:
			w.edge(id, edge)
		}
	}
	for _, rel := range rels {
		names := []string{"spdxElementId", "relationshipType", "relatedSpdxElement"}
		if !w.edge(rel, [3]string{text1(rel, names[0]), text1(rel, names[1]), text1(rel, names[2])}) {
			continue
		}
		w.useMembers(rel, names...)
		w.line1(rel, "RelationshipComment", "comment")
	}
}

// annotations writes what is said about an element.
func (w *writer) annotations(v *tree.Node, about string) {
	for _, a := range w.items(v, "annotations") {
		if text1(a, "annotator") == "" || about == "" {
			continue
		}
		w.blank()
		w.section(a, annotation)
		w.line("SPDXREF", about)
	}
}

// Line returns the line that gives a tag a value, without its end, and whether a tag can have that value.
func Line(tag, value string) (string, bool) {
	w := &writer{}
	ok := w.line(tag, value)
	return strings.TrimSuffix(w.out.String(), "\n"), ok
}
