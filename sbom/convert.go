package sbom

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/spdxexp"
)

// A LossKind says what became of a part of a document that was converted.
type LossKind string

// The kinds of loss.
const (
	Dropped LossKind = "dropped" // it is not in the output
	Changed LossKind = "changed" // it is in the output and says less, or something slightly else
	Added   LossKind = "added"   // the output says what the input does not; the path is one of the output
)

// A Loss is one part of a document that a conversion did not carry over as it was.
type Loss struct {
	Path   string // RFC 6901 pointer into the JSON form of the input; it covers everything below
	Kind   LossKind
	Reason string
}

// A Report accounts for every value of a converted document: it is represented in the output, or it is in Losses.
type Report struct {
	From, To    Format
	Values      int // of the input: strings, numbers, literals and empty lists; zero if it is returned as it is
	Represented int // of these, in the output
	Losses      []Loss
	Embedded    bool // the output carries the whole input, and converting back restores it
	Restored    bool // the output is the document that the input carried, in its own encoding; the counts are zero
	Open        bool // the input is in an encoding whose comments and spelling are not accounted for
}

// Lossless reports whether nothing was dropped or changed.
func (r *Report) Lossless() bool {
	return !slices.ContainsFunc(r.Losses, func(l Loss) bool { return l.Kind != Added })
}

// ConvertOptions say how to convert. The zero value drops what does not fit, and reports it.
type ConvertOptions struct {
	Strict         bool      // refuse with ErrLoss if anything would be dropped or changed
	Embed          bool      // carry the input in the output, so that converting back gives the same bytes, until it is edited
	DropSignatures bool      // convert signed documents, without their signatures; false refuses them with ErrSigned
	Created        time.Time // for SPDX, which wants a time, if the input gives none; zero means 1970, and is reported
}

// ErrSigned means that a conversion would break a signature inside the document.
var ErrSigned = errors.New("the document is signed, and another one would not be: set DropSignatures")

// targets are the formats that Convert writes.
var targets = []Format{
	{CycloneDX, "1.2"}, {CycloneDX, "1.3"}, {CycloneDX, "1.4"}, {CycloneDX, "1.5"}, {CycloneDX, "1.6"}, {CycloneDX, "1.7"},
	{SPDX, "2.2"}, {SPDX, "2.3"}, {SPDX, "3.0.1"},
}

// Convert writes a document in another format, as JSON. The output keeps to the schema and the rules of its format:
// what would break them is left out. The Report says what became of everything; it is there even with [ErrLoss].
// Converting a document to the format that it has gives its JSON form unchanged: see [Encode].
//
// Claims of several licences for one component become one SPDX expression with AND. Dependencies on what the document
// does not describe, and nesting that is no tree, have no place in the other specification and are reported.
func Convert(d *Document, target Format, o *ConvertOptions) (*Document, *Report, error) {
	if o == nil {
		o = &ConvertOptions{}
	}
	if d.format == target {
		return Encode(d, JSON, o)
	}
	report := &Report{From: d.format, To: target, Open: d.form != nil && !d.form.Closed()}
	src, err := parseTree(d.text())
	if err != nil {
		return nil, nil, fmt.Errorf("sbom: %w", err)
	}
	if out := restore(d.format, src, target); out != nil {
		report.Restored = true
		return out, report, nil
	}
	if !slices.Contains(targets, target) {
		return nil, nil, fmt.Errorf("sbom: %w: %v cannot be written", ErrVersion, target)
	}
	if !o.DropSignatures && d.signed() {
		return nil, nil, fmt.Errorf("sbom: %w", ErrSigned)
	}
	out, text, added, err := convertTree(d, src, target, o)
	if err != nil {
		return nil, nil, fmt.Errorf("sbom: %w", err)
	}
	out.keep()
	if d.form != nil {
		listExtras(d.form, report)
	}
	a := accounts{report: report, could: couldSay[specName(report.From)+" to "+specName(report.To)]}
	a.walk(src)
	report.Losses = append(report.Losses, added...)
	if o.Strict && !report.Lossless() {
		return nil, report, fmt.Errorf("sbom: %w: %d losses, the first at %s", ErrLoss, len(report.Losses), report.Losses[0].Path)
	}
	if o.Embed {
		if err := embed(out, d, target); err != nil {
			return nil, report, fmt.Errorf("sbom: %w", err)
		}
		report.Embedded = true
		text = out.render()
	}
	doc, err := parseJSON(text)
	return doc, report, err
}

// convertTree makes the output, and its text as long as nothing is added to it.
func convertTree(d *Document, src *node, target Format, o *ConvertOptions) (out *node, text []byte, added []Loss, err error) {
	var h *hub
	switch {
	case d.format.Spec == CycloneDX && target.Spec == CycloneDX:
		out = copyTree(src)
	case isSPDX2(d.format) && isSPDX2(target):
		out = copyTree(src)
	case specName(d.format) == specName(target):
		if out, err = newerSPDX3(src, d.format.Version, target.Version); err != nil {
			return nil, nil, nil, err
		}
	case d.format.Spec == CycloneDX:
		h = readCycloneDX(src)
	case isSPDX2(d.format):
		h = readSPDX2(src)
	default:
		if h, err = readSPDX3(src); err != nil {
			return nil, nil, nil, err
		}
	}
	if h != nil {
		h.input, h.now = d.json, madeAt(o)
		h.settle()
		out = h.write(target)
		added = h.added
	}
	if d.signed() {
		for _, s := range signatures(out, nil) {
			s.explain(Dropped, "a signature does not hold for another document")
		}
		removeSignatures(out)
	}
	text, more, err := fit(out, target, madeAt(o))
	if err != nil {
		return nil, nil, nil, err
	}
	return out, text, append(added, more...), nil
}

// madeAt is when a document is said to be made that does not say so itself.
func madeAt(o *ConvertOptions) string {
	if o.Created.IsZero() {
		return "1970-01-01T00:00:00Z"
	}
	return o.Created.UTC().Format("2006-01-02T15:04:05Z")
}

func isSPDX2(f Format) bool { return f.Spec == SPDX && strings.HasPrefix(f.Version, "2.") }

func (h *hub) write(target Format) *node {
	switch {
	case target.Spec == CycloneDX:
		return h.writeCycloneDX()
	case isSPDX2(target):
		return h.writeSPDX2()
	}
	return h.writeSPDX3()
}

// accounts sums up what became of the leaves of the input.
type accounts struct {
	report *Report
	path   jsonpointer.Path
	could  map[string]string // see couldSay
}

// noPlace is the reason of what is lost and was looked for in vain in the other format's schema; notCarried of what that
// has a word for that is not used.
const (
	noPlace    = "the other format has no place for it"
	emptyList  = "it is empty, and the other format says so by leaving it out"
	notCarried = "it is not carried over: the other format says it in another way"
)

// couldSay are words of other specifications for members that are not carried over, by the specifications that a document
// is converted from and to: what is below such a member is lost for the reason notCarried.
var couldSay = map[string]map[string]string{
	"SPDX 2 to SPDX 3": {"packageFileName": "hasDistributionArtifact", "fileTypes": "software_fileKind", "fileContributors": "originatedBy",
		"snippets": "software_Snippet", "seeAlsos": "externalRef", "licenseListVersion": "simplelicensing_licenseListVersion",
		"revieweds": "Annotation", "licenseComments": "comment", "noticeText": "software_attributionText", "comment": "comment"},
	"SPDX 2 to CycloneDX": {"fileTypes": "mime-type", "revieweds": "annotations", "annotations": "annotations", "licenseInfoFromFiles": "evidence",
		"licenseInfoInFiles": "evidence", "seeAlsos": "url", "comment": "properties", "snippets": "occurrences", "fileContributors": "authors",
		"packageVerificationCode": "properties", "attributionTexts": "properties", "noticeText": "properties", "licenseComments": "properties",
		"licenseListVersion": "properties", "builtDate": "properties", "releaseDate": "properties", "validUntilDate": "properties"},
	"SPDX 3 to SPDX 2": {"comment": "comment",
		"simplelicensing_licenseListVersion": "licenseListVersion", "locationHint": "externalDocumentRefs", "import": "externalDocumentRefs",
		"namespaceMap": "externalDocumentRefs", "dataLicense": "dataLicense", "description": "description", "name": "name", "originatedBy": "originator",
		"simplelicensing_licenseText": "extractedText", "simplelicensing_customIdToUri": "seeAlsos", "externalRef": "externalRefs"},
	"SPDX 3 to CycloneDX": {"dataLicense": "licenses",
		"comment": "properties", "description": "description", "name": "name", "import": "externalReferences", "namespaceMap": "externalReferences",
		"simplelicensing_licenseText": "text", "software_attributionText": "properties", "builtTime": "properties", "releaseTime": "properties",
		"validUntilTime": "properties", "verifiedUsing": "hashes"},
	"CycloneDX to SPDX 2": {"vulnerabilities": "SECURITY",
		"properties": "annotations", "externalReferences": "externalRefs", "supplier": "supplier", "publisher": "originator", "authors": "originator",
		"author": "originator", "vendor": "creators", "licenses": "dataLicense", "expressionDetails": "extractedText", "annotations": "annotations",
		"metadata": "creationInfo", "manufacturer": "originator"},
	"CycloneDX to SPDX 3": {"data": "dataset_DatasetPackage", "formulation": "build_Build", "externalReferences": "externalRef",
		"supplier": "suppliedBy", "publisher": "originatedBy", "authors": "originatedBy", "author": "originatedBy", "vendor": "createdBy",
		"tools": "Tool", "licenses": "dataLicense", "expressionDetails": "simplelicensing_licenseText", "annotations": "Annotation", "credits": "reportedBy",
		"recommendation": "security_actionStatement", "workaround": "security_actionStatement", "manufacturer": "originatedBy", "properties": "extension_cdxProperty",
		"vulnerabilities": "security_Vulnerability", "hashes": "verifiedUsing", "releaseNotes": "releaseNotes"},
}

// specName names a specification as couldSay does.
func specName(f Format) string {
	if f.Spec == CycloneDX {
		return "CycloneDX"
	}
	return "SPDX " + f.Version[:1]
}

// why is the reason of a loss that nobody gave one for.
func (a *accounts) why() string {
	for name := range a.path.Names() {
		if a.could[name] != "" {
			return notCarried
		}
	}
	return noPlace
}

// walk lists the losses below n, and reports whether all of its leaves are dropped for one reason, which it then
// leaves to the caller to list.
func (a *accounts) walk(n *node) (dropped bool, reason string) {
	if n.leaf() {
		a.report.Values++
		if n.kept {
			a.report.Represented++
			if n.loss != nil { // of one that is dropped, another part is there
				a.report.Losses = append(a.report.Losses, Loss{a.path.String(), Changed, n.loss.Reason})
			}
			return false, ""
		}
		if n.loss != nil && n.loss.Kind == Dropped {
			return true, n.loss.Reason
		}
		if n.kind == strictjson.Array || n.kind == strictjson.Object {
			return true, emptyList
		}
		return true, a.why()
	}
	var parts []lostPart
	whole, first := true, ""
	part := func(i int, v *node) {
		gone, why := a.walk(v)
		if i == 0 {
			first = why
		}
		if gone {
			parts = append(parts, lostPart{i, why})
		}
		whole = whole && gone && why == first
	}
	for i, m := range n.members {
		a.path.Push(m.name)
		part(i, m.value)
		a.path.Pop()
	}
	for i, v := range n.items {
		a.path.PushIndex(i)
		part(i, v)
		a.path.Pop()
	}
	if whole && a.path.Len() > 0 {
		return true, first
	}
	for _, p := range parts {
		if len(n.members) > 0 {
			a.path.Push(n.members[p.index].name)
		} else {
			a.path.PushIndex(p.index)
		}
		a.report.Losses = append(a.report.Losses, Loss{a.path.String(), Dropped, p.reason})
		a.path.Pop()
	}
	return false, ""
}

// A lostPart is a member or an element that is dropped, and why.
type lostPart struct {
	index  int
	reason string
}

// signatures lists the signatures below n.
func signatures(n *node, out []*node) []*node {
	for _, m := range n.members {
		if m.name == "signature" && m.value.kind == strictjson.Object {
			out = append(out, m.value)
			continue
		}
		out = signatures(m.value, out)
	}
	for _, v := range n.items {
		out = signatures(v, out)
	}
	return out
}

func removeSignatures(n *node) {
	n.members = slices.DeleteFunc(n.members, func(m member) bool { return m.name == "signature" && m.value.kind == strictjson.Object })
	for _, m := range n.members {
		removeSignatures(m.value)
	}
	for _, v := range n.items {
		removeSignatures(v)
	}
}

// fit makes a document keep to the format: known differences between the versions first, then whatever the schema and
// the rules refuse. It returns the text of the document, and what it added.
func fit(out *node, target Format, now string) (text []byte, added []Loss, err error) {
	name := target.String()
	schema, err := schema.JSON[name]()
	if err != nil {
		return nil, nil, err
	}
	list, err := licenseList()
	if err != nil {
		return nil, nil, err
	}
	switch {
	case target.Spec == CycloneDX:
		added = fitCycloneDX(out, target.Version)
		prune(out, schema.View(), name)
	case isSPDX2(target):
		mended := mendSPDX2(out, now)
		added = append(mended, fitSPDX2(out, target.Version)...)
	}
	f := fitting{out: out, name: name, schema: schema, list: list}
	for range mostRounds {
		text = out.render()
		switch done, err := f.round(text); {
		case err != nil:
			return nil, nil, err
		case done:
			return text, added, nil
		}
	}
	return nil, nil, fmt.Errorf("%w: the document cannot be made to keep to %s", ErrInvalid, name)
}

// A fitting is what fit is at.
type fitting struct {
	out     *node
	name    string
	schema  *jsonschema.Schema
	list    *spdxexp.List
	nodes   []*node          // in the order of the text, when something is wrong
	general map[*node]string // see generalTypes
	broken  string           // what was wrong with a member of the document that went
}

// round removes what the schema or else the rules refuse, and reports whether there is nothing of it.
func (f *fitting) round(text []byte) (done bool, err error) {
	doc, err := jsonschema.Parse(text, strictjson.Limits{Depth: maxDepth})
	if err != nil {
		return false, err
	}
	problems, err := f.schema.Validate(doc, 1_000_000)
	if err != nil {
		return false, err
	}
	bad := map[*node]string{}
	f.nodes = nil
	refuse := func(n jsonschema.Node, advice string) {
		if f.nodes == nil {
			f.nodes = f.out.ordered(make([]*node, 0, doc.Len()))
		}
		bad[f.nodes[n]] = advice
	}
	for _, p := range problems {
		refuse(p.Node, p.Advice)
	}
	if len(bad) == 0 {
		c := jsonCheck{doc: doc, list: f.list, found: refuse}
		c.rules(f.name)
	}
	if len(bad) == 0 {
		return true, nil
	}
	if f.general == nil && strings.HasPrefix(f.name, string(CycloneDX)) {
		f.general = generalTypes(f.out)
	}
	for v := range bad {
		if word := f.general[v]; word != "" && v.text != word {
			v.explain(Changed, f.name+" has no such type; written as "+word)
			v.text = word
			delete(bad, v)
		}
	}
	if advice, ok := bad[f.out]; ok {
		if f.broken != "" { // what is missing now was there
			advice = f.broken
		}
		return false, fmt.Errorf("%w %s: %s", ErrInvalid, f.name, advice)
	}
	for _, m := range f.out.members {
		if advice, ok := bad[m.value]; ok {
			f.broken = "/" + m.name + ": " + advice
		}
	}
	for i, v := range f.nodes { // in the order of the document: of a part inside of another, the outer one's reason counts
		if advice, ok := bad[v]; ok && (i == 0 || f.nodes[i-1] != v) {
			v.explain(Dropped, f.name+": "+advice)
		}
	}
	f.out.sweep(bad)
	return false, nil
}

// generalTypes returns what to write for types of components and external references of CycloneDX that a version does not
// have: the component and the reference count for more than their types.
func generalTypes(root *node) map[*node]string {
	out := map[*node]string{}
	root.each(func(n *node) {
		for _, m := range n.members {
			word := "library"
			switch m.name {
			case "externalReferences":
				word = "other"
			case "component", "components", "ancestors", "descendants", "variants":
			default:
				continue
			}
			for _, o := range append([]*node{m.value}, m.value.items...) {
				if t := o.get("type"); t != nil {
					out[t] = word
				}
			}
		}
	})
	return out
}

// mostRounds bounds how often a document is held against its format and loses what does not pass. What lacks something
// goes as a whole, so each round goes one level out.
const mostRounds = 60

// ordered lists the values in the order of the text, each member twice, as its name and as its value.
func (n *node) ordered(out []*node) []*node {
	out = append(out, n)
	for _, m := range n.members {
		out = m.value.ordered(append(out, m.value))
	}
	for _, v := range n.items {
		out = v.ordered(out)
	}
	return out
}

// sweep removes nodes, and the lists that become empty by it.
func (n *node) sweep(gone map[*node]string) {
	n.members = slices.DeleteFunc(n.members, func(m member) bool {
		if _, ok := gone[m.value]; ok {
			return true
		}
		had := !m.value.leaf()
		m.value.sweep(gone)
		return had && m.value.leaf() && m.value.kind == strictjson.Array
	})
	n.items = slices.DeleteFunc(n.items, func(v *node) bool {
		if _, ok := gone[v]; ok {
			return true
		}
		v.sweep(gone)
		return false
	})
}

// prune removes members that the schema has no word for. Of an object that it has no word in at all, it may not speak.
func prune(n *node, v jsonschema.View, format string) {
	if slices.ContainsFunc(n.members, func(m member) bool { return v.Property(m.name).Known() }) {
		n.members = slices.DeleteFunc(n.members, func(m member) bool {
			if v.Property(m.name).Known() {
				return false
			}
			m.value.explain(Dropped, format+" does not have "+m.name+" here")
			return true
		})
		for _, m := range n.members {
			prune(m.value, v.Property(m.name), format)
		}
	}
	if len(n.items) > 0 {
		items := v.Items()
		for _, i := range n.items {
			prune(i, items, format)
		}
	}
}

// originName names the property or the annotation that carries the input of a conversion.
const originName = "lading:origin"

// embed puts the whole input as it was read, compressed, into the output, with a digest of the output beside it.
func embed(out *node, d *Document, target Format) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	z.Write(d.source)
	if err := z.Close(); err != nil {
		return err
	}
	var carrier *node
	prefix := originName + ":"
	switch {
	case target == Format{CycloneDX, "1.2"}:
		return fmt.Errorf("%w: CycloneDX 1.2 has no place to carry the input", ErrLoss)
	case target.Spec == CycloneDX:
		m := out.get("metadata")
		if m == nil {
			m = out.set("metadata", newObject())
		}
		p := m.add("properties", newObject())
		p.set("name", newText(originName))
		carrier, prefix = p.set("value", newText("")), ""
	case isSPDX2(target):
		a := out.add("annotations", newObject())
		a.set("annotationDate", newText(out.get("creationInfo").str("created").s))
		a.set("annotationType", newText("OTHER"))
		a.set("annotator", newText("Tool: lading"))
		carrier = a.set("comment", newText(""))
	default:
		var about, info string
		for _, e := range out.list("@graph") {
			if e.str("type").s == "SpdxDocument" {
				about, info = e.str("spdxId").s, e.str("creationInfo").s
			}
		}
		a := out.add("@graph", newObject())
		a.set("type", newText("Annotation"))
		a.set("spdxId", newText(about+"/origin"))
		a.set("creationInfo", newText(info))
		a.set("annotationType", newText("other"))
		a.set("subject", newText(about))
		carrier = a.set("statement", newText(""))
	}
	carrier.text = prefix + digest(out) + ":" + base64.StdEncoding.EncodeToString(b.Bytes())
	return nil
}

// digest is what the content of a document is known by, whatever its white space is.
func digest(root *node) string {
	sum := sha256.Sum256(root.render())
	return hex.EncodeToString(sum[:])
}

// restore returns the document that another one carries, if it is of the wanted format and the one that carries it says
// what it said when it was made: otherwise what was changed since would be lost.
func restore(f Format, root *node, target Format) *Document {
	var carrier *node
	carried := ""
	look := func(t text) {
		if s, ok := strings.CutPrefix(t.s, originName+":"); ok {
			carrier, carried = t.src, s
		}
	}
	switch {
	case f.Spec == CycloneDX:
		for _, p := range root.get("metadata").list("properties") {
			if v := p.str("value"); p.str("name").s == originName && v.ok() {
				carrier, carried = v.src, v.s
			}
		}
	case isSPDX2(f):
		for _, a := range root.list("annotations") {
			look(a.str("comment"))
		}
	default:
		for _, a := range root.list("@graph") {
			look(a.str("statement"))
		}
	}
	sum, encoded, ok := strings.Cut(carried, ":")
	if !ok {
		return nil
	}
	was := carrier.text
	carrier.text = ""
	same := digest(root) == sum
	carrier.text = was
	packed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !same {
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(z, maxBytes+1))
	if err != nil || len(data) > maxBytes {
		return nil
	}
	out, err := parse(data)
	if err != nil || out.format != target {
		return nil
	}
	return out
}

// fitCycloneDX turns what two versions of CycloneDX say in different shapes. Nothing happens to what fits.
func fitCycloneDX(root *node, version string) (added []Loss) {
	root.get("specVersion").text = version
	if s := root.get("$schema"); s != nil {
		s.text = "http://cyclonedx.org/schema/bom-" + version + ".schema.json"
	}
	root.each(func(n *node) {
		if version < "1.6" {
			// One author as text, before there were lists of them.
			if a := n.get("authors"); a != nil && n.get("type") != nil && n.get("name") != nil && n.get("author") == nil {
				if len(a.items) > 0 && a.items[0].get("name") != nil {
					name := a.items[0].remove("name")
					n.set("author", name)
				}
			}
			// Identity was one object before it was a list.
			if e := n.get("evidence"); e != nil {
				if id := e.get("identity"); id != nil && id.kind == strictjson.Array && len(id.items) > 0 {
					e.remove("identity").items[0].detach(id.items[1:])
					e.set("identity", id.items[0])
				}
			}
		}
	})
	if version < "1.5" && root.get("version") == nil {
		root.set("version", newLiteral("1")) // the default of those that need none
	}
	m := root.get("metadata")
	if version < "1.6" {
		if x := m.get("manufacturer"); x != nil && m.get("manufacture") == nil {
			m.remove("manufacturer")
			m.set("manufacture", x)
		}
	}
	if tools := m.get("tools"); version < "1.5" && tools != nil && tools.kind == strictjson.Object {
		m.remove("tools")
		list := newArray()
		for _, t := range tools.list("components") {
			o := newObject()
			for _, name := range []string{"name", "version", "hashes"} {
				if v := t.get(name); v != nil {
					o.set(name, v)
				}
			}
			if v := t.get("publisher"); v != nil {
				o.set("vendor", v)
			} else if v := t.get("supplier"); v != nil && v.get("name") != nil {
				o.set("vendor", v.get("name"))
			}
			list.items = append(list.items, o)
		}
		for _, t := range tools.list("services") {
			o := newObject()
			for _, name := range []string{"name", "version"} {
				if v := t.get(name); v != nil {
					o.set(name, v)
				}
			}
			list.items = append(list.items, o)
		}
		if len(list.items) > 0 {
			m.set("tools", list)
		}
	}
	if version < "1.7" {
		root.each(func(n *node) { unmixLicenses(n) })
	}
	if version < "1.4" {
		// Components had to have a version.
		for _, list := range []*node{root.get("metadata").get("component"), root.get("components")} {
			list.each(func(n *node) {
				if n.get("type") != nil && n.get("name") != nil && n.get("version") == nil {
					n.set("version", newText(""))
					added = []Loss{{"/components", Added, "CycloneDX " + version + " wants a version; an empty one where the input gives none"}}
				}
			})
		}
	}
	return added
}

// unmixLicenses leaves one expression, or single licences: older versions do not mix them.
func unmixLicenses(n *node) {
	list := n.get("licenses")
	if list == nil || len(list.items) < 2 {
		return
	}
	i := slices.IndexFunc(list.items, func(l *node) bool { return l.get("expression") != nil })
	if i < 0 {
		return
	}
	var keep []*node
	for _, l := range list.items {
		if l.get("expression") == nil {
			keep = append(keep, l)
		}
	}
	if keep == nil {
		keep = list.items[i : i+1 : i+1]
	}
	for _, l := range list.items {
		if !slices.Contains(keep, l) {
			l.explain(Dropped, "this version has one licence expression, or a list without any")
		}
	}
	list.items = keep
}

// detach explains why the other ones of a list are lost.
func (n *node) detach(others []*node) {
	for _, o := range others {
		o.explain(Dropped, "this version has room for one only")
	}
}

// each visits every object below n, n first.
func (n *node) each(visit func(*node)) {
	if n == nil {
		return
	}
	if n.kind == strictjson.Object {
		visit(n)
	}
	for _, m := range n.members {
		m.value.each(visit)
	}
	for _, v := range n.items {
		v.each(visit)
	}
}

const notIn22 = "SPDX 2.2 does not have it"

func fitSPDX2(root *node, version string) (added []Loss) {
	root.get("spdxVersion").text = "SPDX-" + version
	// The JSON schemas spell categories differently, and that of 2.2 lacks one.
	for _, n := range root.list("packages") {
		for _, r := range n.list("externalRefs") {
			c := r.str("referenceCategory")
			if spelled := strings.ReplaceAll(c.s, "_", "-"); spelled == "PACKAGE-MANAGER" || spelled == "PERSISTENT-ID" {
				c.src.text = spelled
			}
			switch {
			case version != "2.2" || !c.ok():
			case c.src.text == "PACKAGE-MANAGER":
				c.src.text = "PACKAGE_MANAGER"
			case c.src.text == "PERSISTENT-ID":
				c.src.text = "OTHER"
				c.src.explain(Changed, "the schema of SPDX 2.2 has no such category; written as OTHER")
			}
		}
	}
	if version != "2.2" {
		return nil
	}
	for _, in := range []string{"packages", "files", "snippets"} {
		for _, n := range root.list(in) {
			for _, name := range []string{"primaryPackagePurpose", "releaseDate", "builtDate", "validUntilDate"} {
				if v := n.remove(name); v != nil {
					v.explain(Dropped, notIn22)
				}
			}
		}
	}
	// What 2.3 made optional.
	for _, rule := range []struct {
		in      string
		members []string
	}{
		{"packages", []string{"licenseConcluded", "licenseDeclared", "copyrightText"}},
		{"files", []string{"licenseConcluded", "copyrightText"}},
	} {
		for _, n := range root.list(rule.in) {
			for _, m := range rule.members {
				if n.get(m) == nil {
					n.set(m, newText("NOASSERTION"))
					added = []Loss{{"/packages", Added, "SPDX 2.2 wants licences and copyright texts; NOASSERTION where the input gives none"}}
				}
			}
			if n.get("licenseInfoInFiles") == nil && rule.in == "files" {
				n.add("licenseInfoInFiles", newText("NOASSERTION"))
			}
		}
	}
	return added
}
