package spdx3

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

func (w *writer) element(i int, e *model.Element, refs *model.LicenseRefs) {
	name := "software_Package"
	switch {
	case e.Snippet.Writable(func(i int) bool { return w.Document.Elements[i].File }):
		name, e.Snippet.Written = "software_Snippet", true
	case e.File:
		name = "software_File"
	default:
		name = cmp.Or(packageClass(e), name)
	}
	o := w.object(name, w.out[i], e.ID.From)
	w.written = append(w.written, o)
	o.Get("type").StandOnly(e.Leaves...)
	o.Set("name", e.FullName())
	if e.Snippet != nil && e.Snippet.Written {
		writeSnippet(e.Snippet, o, w.out[e.Snippet.At])
	} else if e.Snippet != nil {
		e.Snippet.Explain("SPDX 3 has parts of files that the document describes, by their ranges")
	}
	writePackage(o, e)
	if name == "software_File" {
		o.Put("contentType", e.MediaType)
	} else {
		e.MediaType.From.ExplainSelf(tree.Dropped, "SPDX has media types of files only")
	}
	o.Put("software_copyrightText", e.Copyright)
	o.Put("description", e.Description)
	o.Put("summary", e.Summary)
	o.Put("comment", e.Comment)
	writeAttributions(o, e)
	for i, t := range e.Dates {
		w.time(o, model.SPDX3Dates[i], t)
	}
	w.makers(o, e)
	w.hashes(o, e.Hashes)
	writeVerification(o, e)
	w.identifiers(o, e)
	for _, r := range e.References {
		w.reference(o, r)
	}
	if !e.File && !e.Model.Empty() {
		writeCard(e.Model, o)
	}
	for _, p := range append(e.Properties, spdx2Only(e)...) {
		if name == "software_Package" || e.File || !takeMember(o, p) {
			w.property(o, p)
		}
	}
	w.licenses(i, e, refs)
}

// writePackage writes what an element is for, and what SPDX 3 says of packages only.
func writePackage(o *tree.Node, e *model.Element) {
	if e.Kind.OK() || e.Purpose.OK() {
		k := e.Kind
		if !k.OK() {
			k = tree.Text{S: e.Purpose.S, From: e.Purpose.From}
		}
		p := purposes[k.S]
		if p == "" {
			p = strings.ToLower(k.S)
		}
		if p == "other" && k.S != "OTHER" && k.S != "other" {
			k.From.ExplainSelf(tree.Changed, "SPDX has no such purpose; written as other")
		}
		o.Set("software_primaryPurpose", tree.NewText(p, k.From))
	}
	if !e.File {
		o.Put("software_packageVersion", e.Version)
		o.Put("software_homePage", e.Homepage)
		if e.Download.OK() && e.Download.S != "NOASSERTION" && e.Download.S != "NONE" {
			o.Put("software_downloadLocation", e.Download)
		} else {
			e.Download.From.ExplainSelf(tree.Dropped, "SPDX 3 says so by leaving it out")
		}
		o.Put("software_sourceInfo", e.SourceInfo)
		if len(e.PURLs) > 0 {
			o.Set("software_packageUrl", tree.NewText(e.PURLs[0].S, append([]*tree.Node{e.PURLs[0].From}, e.PURLFrom...)...))
		}
	}
}

func writeAttributions(o *tree.Node, e *model.Element) {
	for _, t := range e.Attributions {
		o.Add("software_attributionText", tree.NewText(t.S, t.From))
	}
	if e.Notice.OK() {
		e.Notice.From.ExplainSelf(tree.Changed, "SPDX 3 has notices and attributions in one list")
		o.Add("software_attributionText", tree.NewText(e.Notice.S, e.Notice.From))
	}
}

// writeVerification writes the code of a package's files.
func writeVerification(o *tree.Node, e *model.Element) {
	if e.Verification.OK() {
		v := o.Add("verifiedUsing", tree.NewObject())
		v.Set("type", tree.NewText("PackageVerificationCode"))
		v.Set("algorithm", tree.NewText("sha1"))
		v.Put("hashValue", e.Verification)
		for _, t := range e.Excluded {
			v.Add("packageVerificationCodeExcludedFile", tree.NewText(t.S, t.From))
		}
	}
}

func (w *writer) makers(o *tree.Node, e *model.Element) {
	if e.Supplier.Named() {
		o.Set("suppliedBy", tree.NewText(w.agent(e.Supplier, agentClass(model.OrOrganization(e.Supplier.Kind)))))
	}
	if e.Manufacturer.Named() {
		o.Add("originatedBy", tree.NewText(w.agent(e.Manufacturer, agentClass(model.OrOrganization(e.Manufacturer.Kind)))))
	}
	for k := range e.Authors {
		if e.Authors[k].Named() {
			o.Add("originatedBy", tree.NewText(w.agent(&e.Authors[k], agentClass(e.Authors[k].Kind))))
		}
	}
	for _, t := range e.Contributors { // who may be people or organizations
		if strings.TrimSpace(t.S) != "" {
			o.Add("originatedBy", tree.NewText(w.agent(&model.Party{Name: t}, "Agent")))
		}
	}
	if strings.TrimSpace(e.Publisher.S) != "" {
		o.Add("originatedBy", tree.NewText(w.agent(&model.Party{Name: e.Publisher}, "Organization")))
		e.Publisher.From.ExplainSelf(tree.Changed, "SPDX does not know publishers; written as originator")
	}
}

func (w *writer) hashes(o *tree.Node, list []model.Hash) {
	for _, x := range list {
		alg := model.SPDX3Hashes[x.Alg.S]
		if slices.Contains(onlyHashes, x.Alg.S) {
			alg = x.Alg.S
		}
		v := o.Add("verifiedUsing", tree.NewObject())
		v.Set("type", tree.NewText("Hash"))
		v.Set("algorithm", tree.NewText(cmp.Or(alg, "other"), x.Alg.From))
		v.Put("hashValue", x.Value)
		if alg == "" {
			x.Alg.From.ExplainSelf(tree.Changed, "SPDX has no such hash algorithm; written as other, and the name as a comment")
			v.Set("comment", tree.NewText(x.Alg.S, x.Alg.From))
		}
	}
}

func (w *writer) identifier(o *tree.Node, kind string, value, comment tree.Text, from ...*tree.Node) {
	if !value.OK() {
		return
	}
	x := o.Add("externalIdentifier", tree.NewObject())
	x.Set("type", tree.NewText("ExternalIdentifier"))
	x.Set("externalIdentifierType", tree.NewText(kind, from...))
	x.Put("identifier", value)
	x.Put("comment", comment)
}

func (w *writer) identifiers(o *tree.Node, e *model.Element) {
	if len(e.PURLs) > 0 {
		if c := e.Remarks[e.PURLs[0].From]; c.OK() { // which the member for the first has no place for
			w.identifier(o, "packageUrl", tree.Constant(e.PURLs[0].S), c)
		}
		for _, t := range e.PURLs[1:] {
			w.identifier(o, "packageUrl", t, e.Remarks[t.From])
		}
	}
	for k, t := range e.CPEs {
		kind := "cpe22"
		if strings.HasPrefix(t.S, "cpe:2.3:") {
			kind = "cpe23"
		}
		w.identifier(o, kind, t, e.Remarks[t.From])
		if k == 0 && len(e.PURLs) == 0 {
			o.Get("spdxId").Stand(e.PURLFrom...)
		}
	}
	for _, x := range e.Identifiers {
		w.identifier(o, x.Kind.S, x.Value, x.Comment, x.Kind.From)
	}
}

func (w *writer) reference(o *tree.Node, r model.Reference) {
	x := o.Add("externalRef", tree.NewObject())
	x.Set("type", tree.NewText("ExternalRef"))
	kind := model.SPDX3References[r.Kind.S]
	if kind == "" && model.FromSPDX3Reference[r.Kind.S] != "" {
		kind = r.Kind.S
	}
	if kind == "" {
		kind = "other"
		r.Kind.From.ExplainSelf(tree.Changed, "SPDX has no such type of reference; written as other")
	}
	x.Set("externalRefType", tree.NewText(kind, r.Kind.From, r.Category.From))
	x.Add("locator", tree.NewText(r.URL.S, r.URL.From))
	x.Put("comment", r.Comment)
}

// property writes a name and a value of CycloneDX, for which SPDX 3.0.1 has an extension.
func (w *writer) property(o *tree.Node, p model.Property) {
	if !p.Name.OK() {
		return
	}
	if !slices.Contains(w.profiles, "extension") {
		w.profiles = append(w.profiles, "extension")
	}
	var x *tree.Node
	if list := o.List("extension"); len(list) > 0 {
		x = list[0]
	} else {
		x = o.Add("extension", tree.NewObject())
		x.Set("type", tree.NewText("extension_CdxPropertiesExtension"))
	}
	v := x.Add("extension_cdxProperty", tree.NewObject())
	v.Set("type", tree.NewText("extension_CdxPropertyEntry"))
	v.Put("extension_cdxPropName", p.Name)
	v.Put("extension_cdxPropValue", p.Value)
}

func (w *writer) licenses(i int, e *model.Element, refs *model.LicenseRefs) {
	holder := tree.NewObject()
	refs.Write(holder, e)
	for _, m := range holder.Members {
		kind := "hasDeclaredLicense" // of a file, what was found in it
		if m.Name == "licenseConcluded" {
			kind = "hasConcludedLicense"
		}
		for _, v := range tree.ListOrOne(m.Value) {
			to, toFrom := w.license(v)
			r := w.relation(w.out[i], nil, kind, "", toFrom, to, nil)
			if e.LicenseComment.OK() {
				r.Put("comment", e.LicenseComment)
				e.LicenseComment = tree.Text{}
			}
		}
	}
	if e.LicenseComment.OK() {
		w.property(w.written[i], model.Property{Name: tree.Constant("lading:spdx:licenseComments"), Value: e.LicenseComment})
	}
}

// license returns the id of what stands for an expression, and the leaves that only the relationship says.
func (w *writer) license(v *tree.Node) (to string, from []*tree.Node) {
	switch v.Text {
	case "NOASSERTION":
		return model.NoAssertionElement, v.Sources()
	case "NONE":
		return model.NoneElement, v.Sources()
	}
	x := w.expressions[v.Text]
	if x == nil {
		x = w.object("simplelicensing_LicenseExpression", w.iri("LicenseExpression-"+strconv.Itoa(len(w.expressions)+1)))
		x.Set("simplelicensing_licenseExpression", tree.NewText(v.Text))
		if v := w.ListVersion; v.OK() {
			if strings.Count(v.S, ".") == 1 {
				v.From.ExplainSelf(tree.Changed, "SPDX 3 has versions of three numbers")
				v.S += ".0"
			}
			x.Put("simplelicensing_licenseListVersion", v)
		}
		w.expressions[v.Text] = x
	}
	e := x.Get("simplelicensing_licenseExpression")
	e.Stand(v.Sources()...)
	return x.Str("spdxId").S, nil
}

// writeCard writes a model as members of an AI package. Such a package does not make the document conform to the AI profile,
// which wants more of it than a model card says.
func writeCard(m *model.Card, o *tree.Node) {
	for _, t := range []tree.Text{m.Approach, m.Family, m.Architecture} {
		if t.OK() {
			o.Add("ai_typeOfModel", tree.NewText(t.S, t.From))
			t.From.ExplainSelf(tree.Changed, "SPDX 3 has one list of what type a model is of")
		}
	}
	for _, x := range m.Metrics {
		v := o.Add("ai_metric", dictionaryEntry(x.Name, x.Value))
		v.Members[0].Value.StandOnly(x.Leaves...)
	}
	one := func(name string, list []tree.Text) {
		var lines []string
		var from []*tree.Node
		for _, t := range list {
			lines, from = append(lines, t.S), append(from, t.From)
			if len(list) > 1 {
				t.From.ExplainSelf(tree.Changed, "SPDX 3 has one text of it")
			}
		}
		if lines != nil {
			o.Set(name, tree.NewText(strings.Join(lines, "\n"), from...))
		}
	}
	one("ai_limitation", m.Limitations)
	one("ai_informationAboutApplication", m.Uses)
	var all *tree.Node
	for _, e := range m.Energy {
		if all == nil {
			all = o.Set("ai_energyConsumption", tree.NewObject())
			all.Set("type", tree.NewText("ai_EnergyConsumption"))
		}
		x := all.Add(e.Member(), tree.NewObject())
		x.Set("type", tree.NewText("ai_EnergyConsumptionDescription", e.Activity.From))
		e.Activity.From.ExplainSelf(tree.Changed, "SPDX 3 has words of its own for energy")
		quantity := x.Set("ai_energyQuantity", tree.NewText(e.Quantity.Text, e.Quantity))
		quantity.Kind = e.Quantity.Kind
		x.Set("ai_energyUnit", tree.NewText("kilowattHour", e.Unit))
		e.Unit.ExplainSelf(tree.Changed, "SPDX 3 has words of its own for energy")
	}
}

func dictionaryEntry(key, value tree.Text) *tree.Node {
	x := tree.NewObject()
	x.Set("type", tree.NewText("DictionaryEntry"))
	x.Put("key", key)
	x.Put("value", value)
	return x
}

// takeMember writes back a property that spdx3Model made, and reports whether it was one.
func takeMember(o *tree.Node, p model.Property) bool {
	name, ok := strings.CutPrefix(p.Name.S, propertySPDX)
	name, key, pair := strings.Cut(name, ":")
	list, known := ownMembers[name]
	if !ok || !known || !list && o.Get(name) != nil {
		return false
	}
	v := tree.NewText(p.Value.S, p.Value.From, p.Name.From)
	switch {
	case pair:
		v = dictionaryEntry(tree.Text{S: key, From: p.Name.From}, p.Value)
		p.Name.From.ExplainSelf(tree.Changed, "SPDX 3 has a member of its own for it")
	case name == "dataset_datasetSize":
		v.Kind = strictjson.Number
	}
	if list {
		o.Add(name, v)
	} else {
		o.Set(name, v)
	}
	return true
}

// packageClass is SPDX 3's class of an element that has such properties, or a model.
func packageClass(e *model.Element) string {
	class := ""
	for _, p := range e.Properties {
		name, _, _ := strings.Cut(strings.TrimPrefix(p.Name.S, propertySPDX), ":")
		if _, ok := ownMembers[name]; ok && (strings.HasPrefix(name, "ai_") || name == "dataset_datasetType") {
			class = map[bool]string{true: "ai_AIPackage", false: "dataset_DatasetPackage"}[strings.HasPrefix(name, "ai_")]
		}
	}
	if !e.Model.Empty() {
		class = "ai_AIPackage"
	}
	return class
}

func writeSnippet(s *model.Snippet, o *tree.Node, file string) {
	o.Set("software_snippetFromFile", tree.NewText(file, append(s.From, s.File.From)...))
	for _, r := range []struct {
		member string
		of     [2]tree.Text
	}{{"software_byteRange", s.Bytes}, {"software_lineRange", s.Lines}} {
		if r.of[0].OK() {
			x := o.Set(r.member, tree.NewObject())
			x.Set("type", tree.NewText("PositiveIntegerRange"))
			x.Set("beginIntegerRange", tree.LiteralOf(r.of[0]))
			x.Set("endIntegerRange", tree.LiteralOf(r.of[1]))
		}
	}
}
