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
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/schema/jsonschema"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
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
	if err := spec.CheckCreated(o.Created); err != nil {
		return nil, nil, fmt.Errorf("sbom: %w", err)
	}
	if d.format == target {
		return Encode(d, JSON, o)
	}
	report := &Report{From: d.format, To: target, Open: d.form != nil && !d.form.Closed()}
	src, err := tree.Parse(d.text())
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
	out.Keep()
	if d.form != nil {
		listExtras(d.form, report)
	}
	a := tree.AccountOf(src, whyLost(report.From, report.To))
	report.Values, report.Represented = report.Values+a.Values, report.Represented+a.Represented
	report.lose(a.Losses...)
	report.lose(added...)
	if o.Strict && !report.Lossless() {
		return nil, report, fmt.Errorf("sbom: %w: %d losses, the first at %s", ErrLoss, len(report.Losses), report.Losses[0].Path)
	}
	if o.Embed {
		if err := embed(out, d, target); err != nil {
			return nil, report, fmt.Errorf("sbom: %w", err)
		}
		report.Embedded = true
		text = out.Render()
	}
	doc, err := parseJSON(text)
	return doc, report, err
}

// convertTree makes the output, and its text as long as nothing is added to it.
func convertTree(d *Document, src *tree.Node, target Format, o *ConvertOptions) (out *tree.Node, text []byte, added []tree.Loss,
	err error) {
	var h *hub
	switch {
	case d.format.Spec == CycloneDX && target.Spec == CycloneDX:
		out = tree.Copy(src)
	case isSPDX2(d.format) && isSPDX2(target):
		out = tree.Copy(src)
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
		for _, s := range tree.Signatures(out, nil) {
			s.Explain(tree.Dropped, "a signature does not hold for another document")
		}
		tree.RemoveSignatures(out)
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
	return o.Created.UTC().Format(spec.TimeLayout)
}

func isSPDX2(f Format) bool { return f.Spec == SPDX && strings.HasPrefix(f.Version, "2.") }

func (h *hub) write(target Format) *tree.Node {
	switch {
	case target.Spec == CycloneDX:
		return h.writeCycloneDX()
	case isSPDX2(target):
		return h.writeSPDX2()
	}
	return h.writeSPDX3()
}

// noPlace is the reason of what is lost and was looked for in vain in the other format's schema; notCarried of what that
// has a word for that is not used.
const (
	noPlace    = "the other format has no place for it"
	notCarried = "it is not carried over: the other format says it in another way"
)

// couldSay are words of other specifications for members that are not carried over, by the specifications that a document
// is converted from and to: what is below such a member is lost for the reason notCarried.
var couldSay = map[string]map[string]string{
	"SPDX 2 to SPDX 3": {"packageFileName": "hasDistributionArtifact", "fileTypes": "software_fileKind", "fileContributors": "originatedBy",
		"snippets": "software_Snippet", "seeAlsos": "externalRef", "licenseListVersion": "simplelicensing_licenseListVersion",
		"revieweds": "Annotation", "licenseComments": "comment", "noticeText": "software_attributionText", "comment": "comment"},
	"SPDX 2 to CycloneDX": {"fileTypes": "mime-type", "revieweds": "annotations", "annotations": "annotations",
		"licenseInfoFromFiles": "evidence",
		"licenseInfoInFiles":   "evidence", "seeAlsos": "url", "comment": "properties", "snippets": "occurrences",
		"fileContributors":        "authors",
		"packageVerificationCode": "properties", "attributionTexts": "properties", "noticeText": "properties",
		"licenseComments":    "properties",
		"licenseListVersion": "properties", "builtDate": "properties", "releaseDate": "properties", "validUntilDate": "properties"},
	"SPDX 3 to SPDX 2": {"comment": "comment",
		"simplelicensing_licenseListVersion": "licenseListVersion", "locationHint": "externalDocumentRefs",
		"import":       "externalDocumentRefs",
		"namespaceMap": "externalDocumentRefs", "dataLicense": "dataLicense", "description": "description", "name": "name",
		"originatedBy":                "originator",
		"simplelicensing_licenseText": "extractedText", "simplelicensing_customIdToUri": "seeAlsos", "externalRef": "externalRefs"},
	"SPDX 3 to CycloneDX": {"dataLicense": "licenses",
		"comment": "properties", "description": "description", "name": "name", "import": "externalReferences",
		"namespaceMap":                "externalReferences",
		"simplelicensing_licenseText": "text", "software_attributionText": "properties", "builtTime": "properties",
		"releaseTime":    "properties",
		"validUntilTime": "properties", "verifiedUsing": "hashes"},
	"CycloneDX to SPDX 2": {"vulnerabilities": "SECURITY",
		"properties": "annotations", "externalReferences": "externalRefs", "supplier": "supplier", "publisher": "originator",
		"authors": "originator",
		"author":  "originator", "vendor": "creators", "licenses": "dataLicense", "expressionDetails": "extractedText",
		"annotations": "annotations",
		"metadata":    "creationInfo", "manufacturer": "originator"},
	"CycloneDX to SPDX 3": {"data": "dataset_DatasetPackage", "formulation": "build_Build", "externalReferences": "externalRef",
		"supplier": "suppliedBy", "publisher": "originatedBy", "authors": "originatedBy", "author": "originatedBy", "vendor": "createdBy",
		"tools": "Tool", "licenses": "dataLicense", "expressionDetails": "simplelicensing_licenseText", "annotations": "Annotation",
		"credits":        "reportedBy",
		"recommendation": "security_actionStatement", "workaround": "security_actionStatement", "manufacturer": "originatedBy",
		"properties":      "extension_cdxProperty",
		"vulnerabilities": "security_Vulnerability", "hashes": "verifiedUsing", "releaseNotes": "releaseNotes"},
}

// specName names a specification as couldSay does.
func specName(f Format) string {
	if f.Spec == CycloneDX {
		return "CycloneDX"
	}
	return "SPDX " + f.Version[:1]
}

// whyLost gives the reason of a loss that nobody gave one for.
func whyLost(from, to Format) func(*jsonpointer.Path) string {
	could := couldSay[specName(from)+" to "+specName(to)]
	return func(path *jsonpointer.Path) string {
		for name := range path.Names() {
			if could[name] != "" {
				return notCarried
			}
		}
		return noPlace
	}
}

// lose adds losses to the report.
func (r *Report) lose(list ...tree.Loss) {
	r.Losses = slices.Grow(r.Losses, len(list))
	for _, l := range list {
		r.Losses = append(r.Losses, Loss{l.Path, LossKind(l.Kind), l.Reason})
	}
}

// fit makes a document keep to the format: known differences between the versions first, then whatever the schema and
// the rules refuse. It returns the text of the document, and what it added.
func fit(out *tree.Node, target Format, now string) (text []byte, added []tree.Loss, err error) {
	name := target.String()
	schema, err := schema.JSON[name]()
	if err != nil {
		return nil, nil, err
	}
	list, err := license.TheList()
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
		var spans []strictjson.Span
		if text, spans = out.RenderSpans(); len(text) > math.MaxInt32 {
			return nil, nil, fmt.Errorf("%w: the document in %s is larger than 2 GiB", ErrLimit, name)
		}
		switch done, err := f.round(jsonschema.NewDocument(text, spans)); {
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
	out      *tree.Node
	name     string
	schema   *jsonschema.Schema
	list     *license.List
	nodes    []*tree.Node              // in the order of the text, when something is wrong
	general  map[*tree.Node]string     // see generalTypes
	licences map[*tree.Node]*tree.Node // see licencesIn
	broken   string                    // what was wrong with a member of the document that went
}

// round removes what the schema or else the rules refuse, and reports whether there is nothing of it.
func (f *fitting) round(doc *jsonschema.Document) (done bool, err error) {
	problems, err := f.schema.Validate(doc, 1_000_000)
	if err != nil {
		return false, err
	}
	bad := map[*tree.Node]string{}
	f.nodes = nil
	refuse := func(n jsonschema.Node, advice string) {
		if f.nodes == nil {
			f.nodes = f.out.Ordered(make([]*tree.Node, 0, doc.Len()))
		}
		bad[f.nodes[n]] = advice
	}
	for _, p := range problems {
		refuse(p.Node, p.Advice)
	}
	if len(bad) == 0 {
		c := check.Check{Doc: doc, List: f.list, Found: refuse}
		rules(&c, f.name)
	}
	if len(bad) == 0 {
		return true, nil
	}
	for v := range bad {
		if f.spell(v) {
			delete(bad, v)
		}
	}
	if advice, ok := bad[f.out]; ok {
		if f.broken != "" { // what is missing now was there
			advice = f.broken
		}
		return false, fmt.Errorf("%w %s: %s", ErrInvalid, f.name, advice)
	}
	for _, m := range f.out.Members {
		if advice, ok := bad[m.Value]; ok {
			f.broken = "/" + m.Name + ": " + advice
		}
	}
	for i, v := range f.nodes { // in the order of the document: of a part inside of another, the outer one's reason counts
		if advice, ok := bad[v]; ok && (i == 0 || f.nodes[i-1] != v) {
			v.Explain(tree.Dropped, f.name+": "+advice)
		}
	}
	f.out.Sweep(bad)
	return false, nil
}

// generalTypes returns what to write for types of components and external references of CycloneDX that a version does not
// have: the component and the reference count for more than their types.
func generalTypes(root *tree.Node) map[*tree.Node]string {
	out := map[*tree.Node]string{}
	root.Each(func(n *tree.Node) {
		for _, m := range n.Members {
			word := "library"
			switch m.Name {
			case "externalReferences":
				word = "other"
			case "component", "components", "ancestors", "descendants", "variants":
			default:
				continue
			}
			for _, o := range append([]*tree.Node{m.Value}, m.Value.Items...) {
				if t := o.Get("type"); t != nil {
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

// prune removes members that the schema has no word for. Of an object that it has no word in at all, it may not speak.
func prune(n *tree.Node, v jsonschema.View, format string) {
	if slices.ContainsFunc(n.Members, func(m tree.Member) bool { return v.Property(m.Name).Known() }) {
		n.Members = slices.DeleteFunc(n.Members, func(m tree.Member) bool {
			if v.Property(m.Name).Known() {
				return false
			}
			m.Value.Explain(tree.Dropped, format+" does not have "+m.Name+" here")
			return true
		})
		for _, m := range n.Members {
			prune(m.Value, v.Property(m.Name), format)
		}
	}
	if len(n.Items) > 0 {
		items := v.Items()
		for _, i := range n.Items {
			prune(i, items, format)
		}
	}
}

// originName names the property or the annotation that carries the input of a conversion.
const originName = "lading:origin"

// embed puts the whole input as it was read, compressed, into the output, with a digest of the output beside it.
func embed(out *tree.Node, d *Document, target Format) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	z.Write(d.source)
	if err := z.Close(); err != nil {
		return err
	}
	var carrier *tree.Node
	prefix := originName + ":"
	switch {
	case target == Format{CycloneDX, "1.2"}:
		return fmt.Errorf("%w: CycloneDX 1.2 has no place to carry the input", ErrLoss)
	case target.Spec == CycloneDX:
		m := out.Get("metadata")
		if m == nil {
			m = out.Set("metadata", tree.NewObject())
		}
		p := m.Add("properties", tree.NewObject())
		p.Set("name", tree.NewText(originName))
		carrier, prefix = p.Set("value", tree.NewText("")), ""
	case isSPDX2(target):
		a := out.Add("annotations", tree.NewObject())
		a.Set("annotationDate", tree.NewText(out.Get("creationInfo").Str("created").S))
		a.Set("annotationType", tree.NewText("OTHER"))
		a.Set("annotator", tree.NewText("Tool: lading"))
		carrier = a.Set("comment", tree.NewText(""))
	default:
		var about, info string
		for _, e := range out.List("@graph") {
			if e.Str("type").S == "SpdxDocument" {
				about, info = e.Str("spdxId").S, e.Str("creationInfo").S
			}
		}
		a := out.Add("@graph", tree.NewObject())
		a.Set("type", tree.NewText("Annotation"))
		a.Set("spdxId", tree.NewText(about+"/origin"))
		a.Set("creationInfo", tree.NewText(info))
		a.Set("annotationType", tree.NewText("other"))
		a.Set("subject", tree.NewText(about))
		carrier = a.Set("statement", tree.NewText(""))
	}
	carrier.Text = prefix + digest(out) + ":" + base64.StdEncoding.EncodeToString(b.Bytes())
	return nil
}

// digest is what the content of a document is known by, whatever its white space is.
func digest(root *tree.Node) string {
	sum := sha256.Sum256(root.Render())
	return hex.EncodeToString(sum[:])
}

// restore returns the document that another one carries, if it is of the wanted format and the one that carries it says
// what it said when it was made: otherwise what was changed since would be lost.
func restore(f Format, root *tree.Node, target Format) *Document {
	var carrier *tree.Node
	carried := ""
	look := func(t tree.Text) {
		if s, ok := strings.CutPrefix(t.S, originName+":"); ok {
			carrier, carried = t.From, s
		}
	}
	switch {
	case f.Spec == CycloneDX:
		for _, p := range root.Get("metadata").List("properties") {
			if v := p.Str("value"); p.Str("name").S == originName && v.OK() {
				carrier, carried = v.From, v.S
			}
		}
	case isSPDX2(f):
		for _, a := range root.List("annotations") {
			look(a.Str("comment"))
		}
	default:
		for _, a := range root.List("@graph") {
			look(a.Str("statement"))
		}
	}
	sum, encoded, ok := strings.Cut(carried, ":")
	if !ok {
		return nil
	}
	was := carrier.Text
	carrier.Text = ""
	same := digest(root) == sum
	carrier.Text = was
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
func fitCycloneDX(root *tree.Node, version string) (added []tree.Loss) {
	root.Get("specVersion").Text = version
	if s := root.Get("$schema"); s != nil {
		s.Text = "http://cyclonedx.org/schema/bom-" + version + ".schema.json"
	}
	root.Each(func(n *tree.Node) {
		if version < "1.6" {
			// One author as text, before there were lists of them.
			if a := n.Get("authors"); a != nil && n.Get("type") != nil && n.Get("name") != nil && n.Get("author") == nil {
				if len(a.Items) > 0 && a.Items[0].Get("name") != nil {
					name := a.Items[0].Remove("name")
					n.Set("author", name)
				}
			}
			// Identity was one object before it was a list.
			if e := n.Get("evidence"); e != nil {
				if id := e.Get("identity"); id != nil && id.Kind == strictjson.Array && len(id.Items) > 0 {
					e.Remove("identity").Items[0].Detach(id.Items[1:])
					e.Set("identity", id.Items[0])
				}
			}
		}
	})
	if version < "1.5" && root.Get("version") == nil {
		root.Set("version", tree.NewLiteral("1")) // the default of those that need none
	}
	m := root.Get("metadata")
	if version < "1.6" {
		if x := m.Get("manufacturer"); x != nil && m.Get("manufacture") == nil {
			m.Remove("manufacturer")
			m.Set("manufacture", x)
		}
	}
	if tools := m.Get("tools"); version < "1.5" && tools != nil && tools.Kind == strictjson.Object {
		m.Remove("tools")
		list := tree.NewArray()
		for _, t := range tools.List("components") {
			o := tree.NewObject()
			for _, name := range []string{"name", "version", "hashes"} {
				if v := t.Get(name); v != nil {
					o.Set(name, v)
				}
			}
			if v := t.Get("publisher"); v != nil {
				o.Set("vendor", v)
			} else if v := t.Get("supplier"); v != nil && v.Get("name") != nil {
				o.Set("vendor", v.Get("name"))
			}
			list.Items = append(list.Items, o)
		}
		for _, t := range tools.List("services") {
			o := tree.NewObject()
			for _, name := range []string{"name", "version"} {
				if v := t.Get(name); v != nil {
					o.Set(name, v)
				}
			}
			list.Items = append(list.Items, o)
		}
		if len(list.Items) > 0 {
			m.Set("tools", list)
		}
	}
	if version < "1.7" {
		root.Each(func(n *tree.Node) { unmixLicenses(n) })
	}
	if version < "1.4" {
		// Components had to have a version.
		for _, list := range []*tree.Node{root.Get("metadata").Get("component"), root.Get("components")} {
			list.Each(func(n *tree.Node) {
				if n.Get("type") != nil && n.Get("name") != nil && n.Get("version") == nil {
					n.Set("version", tree.NewText(""))
					added = []tree.Loss{{Path: "/components", Kind: tree.Added, Reason: "CycloneDX " + version +
						" wants a version; an empty one where the input gives none"}}
				}
			})
		}
	}
	return added
}

// unmixLicenses leaves one expression, or single licences: older versions do not mix them.
func unmixLicenses(n *tree.Node) {
	list := n.Get("licenses")
	if list == nil || len(list.Items) < 2 {
		return
	}
	i := slices.IndexFunc(list.Items, func(l *tree.Node) bool { return l.Get("expression") != nil })
	if i < 0 {
		return
	}
	var keep []*tree.Node
	for _, l := range list.Items {
		if l.Get("expression") == nil {
			keep = append(keep, l)
		}
	}
	if keep == nil {
		keep = list.Items[i : i+1 : i+1]
	}
	for _, l := range list.Items {
		if !slices.Contains(keep, l) {
			l.Explain(tree.Dropped, "this version has one licence expression, or a list without any")
		}
	}
	list.Items = keep
}

const notIn22 = "SPDX 2.2 does not have it"

func fitSPDX2(root *tree.Node, version string) (added []tree.Loss) {
	root.Get("spdxVersion").Text = "SPDX-" + version
	// The JSON schemas spell categories differently, and that of 2.2 lacks one.
	for _, n := range root.List("packages") {
		for _, r := range n.List("externalRefs") {
			c := r.Str("referenceCategory")
			if spelled := strings.ReplaceAll(c.S, "_", "-"); spelled == "PACKAGE-MANAGER" || spelled == "PERSISTENT-ID" {
				c.From.Text = spelled
			}
			switch {
			case version != "2.2" || !c.OK():
			case c.From.Text == "PACKAGE-MANAGER":
				c.From.Text = "PACKAGE_MANAGER"
			case c.From.Text == "PERSISTENT-ID":
				c.From.Text = "OTHER"
				c.From.Explain(tree.Changed, "the schema of SPDX 2.2 has no such category; written as OTHER")
			}
		}
	}
	if version != "2.2" {
		return nil
	}
	for _, in := range []string{"packages", "files", "snippets"} {
		for _, n := range root.List(in) {
			for _, name := range []string{"primaryPackagePurpose", "releaseDate", "builtDate", "validUntilDate"} {
				if v := n.Remove(name); v != nil {
					v.Explain(tree.Dropped, notIn22)
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
		for _, n := range root.List(rule.in) {
			for _, m := range rule.members {
				if n.Get(m) == nil {
					n.Set(m, tree.NewText("NOASSERTION"))
					added = []tree.Loss{{Path: "/packages", Kind: tree.Added,
						Reason: "SPDX 2.2 wants licences and copyright texts; NOASSERTION where the input gives none"}}
				}
			}
			if n.Get("licenseInfoInFiles") == nil && rule.in == "files" {
				n.Add("licenseInfoInFiles", tree.NewText("NOASSERTION"))
			}
		}
	}
	return added
}
