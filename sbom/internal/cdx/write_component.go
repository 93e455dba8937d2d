package cdx

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// component writes a component.
func (h writer) component(o *tree.Node, e *model.Element) {
	kind := h.kind(e)
	typ := o.Set("type", tree.NewText(kind, append(e.Leaves, e.Kind.From, e.Purpose.From)...))
	o.Put("bom-ref", e.ID)
	if e.Supplier != nil {
		o.Set("supplier", writeParty(e.Supplier, "Organization"))
	}
	if e.Manufacturer != nil {
		o.Set("manufacturer", writeParty(e.Manufacturer, "Organization"))
	}
	for i := range e.Authors {
		o.Add("authors", writeParty(&e.Authors[i], "Person"))
	}
	o.Put("publisher", e.Publisher)
	o.Put("mime-type", e.MediaType)
	group, name := e.SplitName()
	o.Put("group", group)
	o.Set("name", tree.NewText(name.S, tree.Compact([]*tree.Node{name.From})...))
	o.Put("version", e.Version)
	switch {
	case e.Description.OK():
		o.Put("description", e.Description)
		if e.Summary.OK() {
			e.Properties = append(e.Properties, model.Property{Name: tree.Constant("lading:spdx:summary"), Value: e.Summary})
		}
	default:
		o.Put("description", e.Summary)
	}
	writeHashes(o, e.Hashes)
	extra := h.licenses(o, e)
	if e.Copyright.OK() && e.Copyright.S != "NOASSERTION" && e.Copyright.S != "NONE" {
		o.Put("copyright", e.Copyright)
	} else if e.Copyright.OK() {
		extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:copyrightText"), Value: e.Copyright})
	}
	extra = append(extra, writeFirst(o, "cpe", e.CPEs)...)
	extra = append(extra, writeFirst(o, "purl", e.PURLs)...)
	typ.Stand(e.PURLFrom...)
	extra = append(extra, writeIdentifiers(o, e)...)
	extra = append(extra, writePlace(o, "lading:spdx:homepage", "website", e.Homepage)...)
	extra = append(extra, writePlace(o, "lading:spdx:downloadLocation", "distribution", e.Download)...)
	for _, r := range e.References {
		writeReference(o, r)
	}
	for _, t := range []struct {
		name string
		t    tree.Text
	}{{"sourceInfo", e.SourceInfo}, {"comment", e.Comment}, {"packageFileName", e.FileName}} {
		if t.t.OK() {
			extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:" + t.name), Value: t.t})
		}
	}
	extra = append(extra, spdxOnly(e)...)
	for _, p := range e.Properties {
		writeProperty(o, p)
	}
	for _, p := range extra {
		writeProperty(o, p)
	}
	if e.Snippet != nil {
		writeSnippet(e.Snippet, o)
	}
	if e.Model != nil && kind == "machine-learning-model" { // of which alone CycloneDX has cards
		writeCard(e.Model, h.Document, o)
	}
	for _, t := range e.Remarks {
		t.From.ExplainSelf(tree.Dropped, "an identifier of CycloneDX has no comment")
	}
}

// kind is the type of a component.
func (h writer) kind(e *model.Element) string {
	k, known := kinds[e.Purpose.S]
	switch {
	case slices.Contains(ComponentTypes, e.Kind.S):
		return e.Kind.S
	case e.Kind.OK():
		e.Kind.From.ExplainSelf(tree.Changed, "CycloneDX has no such type; written as library")
	case known:
		return k
	case e.Purpose.OK():
		e.Purpose.From.ExplainSelf(tree.Changed, "CycloneDX has no such type; written as library")
	default:
		h.Add("/components", "CycloneDX wants a type; library where the input gives none")
	}
	return "library"
}

// writeFirst writes the first of several texts as a member, which has room for one, and returns the others as properties.
func writeFirst(o *tree.Node, member string, list []tree.Text) (extra []model.Property) {
	for i, t := range list {
		if i == 0 {
			o.Put(member, t)
		} else {
			extra = append(extra, model.Property{Name: tree.Constant("lading:spdx:" + member), Value: t})
		}
	}
	return extra
}

// writePlace writes a URL as an external reference, and returns what is none as a property.
func writePlace(o *tree.Node, property, kind string, t tree.Text) []model.Property {
	switch {
	case !t.OK():
	case strings.Contains(t.S, "://") && !strings.ContainsAny(t.S, " <>\"{}|\\^`") && !strings.HasPrefix(t.S, "git+"):
		x := o.Add("externalReferences", tree.NewObject())
		x.Put("url", t)
		x.Set("type", tree.NewText(kind))
	default:
		return []model.Property{{Name: tree.Constant(property), Value: t}}
	}
	return nil
}

// spdxOnly is what SPDX says of an element and CycloneDX has no member for, as properties.
func spdxOnly(e *model.Element) (out []model.Property) {
	put := func(name string, list ...tree.Text) {
		for _, t := range list {
			if t.OK() {
				out = append(out, model.Property{Name: tree.Constant("lading:spdx:" + name), Value: t})
			}
		}
	}
	put("fileType", e.FileTypes...)
	put("fileContributor", e.Contributors...)
	put("noticeText", e.Notice)
	put("licenseComments", e.LicenseComment)
	put("attributionText", e.Attributions...)
	for i, name := range model.SPDX2Dates {
		put(name, e.Dates[i])
	}
	put("packageVerificationCode", e.Verification)
	put("packageVerificationCodeExcludedFile", e.Excluded...)
	return out
}

func writeHashes(o *tree.Node, list []model.Hash) {
	for _, x := range list {
		if !slices.Contains(model.CycloneDXHashes, x.Alg.S) {
			x.Alg.From.ExplainSelf(tree.Dropped, "CycloneDX has no such hash algorithm")
			x.Value.From.ExplainSelf(tree.Dropped, "CycloneDX has no such hash algorithm")
			continue
		}
		v := o.Add("hashes", tree.NewObject())
		v.Put("alg", x.Alg)
		v.Put("content", x.Value)
	}
}

func writeReference(o *tree.Node, r model.Reference) {
	x := o.Add("externalReferences", tree.NewObject())
	kind := r.Kind.S
	if name := model.FromSPDX3Reference[kind]; name != "" {
		kind = name
	}
	if !slices.Contains(model.CycloneDXReferences, kind) {
		kind = "other"
		r.Kind.From.ExplainSelf(tree.Changed, "CycloneDX has no such type of reference; written as other")
	}
	x.Put("url", r.URL)
	x.Set("type", tree.NewText(kind, r.Kind.From, r.Category.From))
	x.Put("comment", r.Comment)
	writeHashes(x, r.Hashes)
}

// writeIdentifiers writes identifiers other than package URLs and CPE.
func writeIdentifiers(o *tree.Node, e *model.Element) (extra []model.Property) {
	for _, x := range e.Identifiers {
		x.Comment.From.ExplainSelf(tree.Dropped, "an identifier of CycloneDX has no comment")
		switch {
		case x.Kind.S == "swhid":
			o.Add("swhid", tree.NewText(x.Value.S, x.Value.From, x.Kind.From))
		case x.Kind.S == "gitoid":
			o.Add("omniborId", tree.NewText(x.Value.S, x.Value.From, x.Kind.From))
		case x.Kind.S != "swid":
			value := x.Value
			extra = append(extra, model.Property{Name: tree.Text{S: model.PropertyIdentifier + x.Kind.S, From: x.Kind.From}, Value: value})
		case o.Get("swid") == nil:
			swid := o.Set("swid", tree.NewObject())
			swid.Set("tagId", tree.NewText(x.Value.S, x.Value.From, x.Kind.From))
			swid.Set("name", tree.NewText(e.Name.S))
		default:
			extra = append(extra, model.Property{Name: tree.Text{S: "lading:spdx:swid", From: x.Kind.From}, Value: x.Value})
		}
	}
	return extra
}

// licenses writes what an element says of its licence, and apart from it what was found in files.
func (h writer) licenses(o *tree.Node, e *model.Element) (extra []model.Property) {
	var own, found []model.License
	for _, l := range e.Licenses {
		if l.Role == "found" {
			found = append(found, l)
		} else {
			own = append(own, l)
		}
	}
	extra = writeLicenses(o, own, h.Document)
	if found != nil {
		evidence := tree.NewObject()
		extra = append(extra, writeLicenses(evidence, found, h.Document)...)
		if len(evidence.Members) > 0 {
			o.Set("evidence", evidence)
		}
	}
	return extra
}

// acknowledge writes whether a licence is declared or concluded.
func acknowledge(l *model.License, o *tree.Node) {
	if l.Role == "declared" || l.Role == "concluded" {
		o.Set("acknowledgement", tree.NewText(l.Role, l.RoleFrom))
	}
}

// usable returns the licences that CycloneDX can say, and the others as properties.
func usable(licenses []model.License) (out []model.License, extra []model.Property) {
	list, err := license.TheList()
	if err != nil {
		list = nil
	}
	out = make([]model.License, 0, len(licenses))
	for _, l := range licenses {
		t := l.Expression
		if t.OK() && (t.S == "NOASSERTION" || t.S == "NONE") {
			extra = append(extra, licenseProperty(&l, t))
			continue
		}
		if t.OK() && !license.Listed(t.S) && license.Check(t.S, list, nil) != nil {
			l.Expression, l.Name = tree.Text{}, t // what SPDX calls no expression is the name of a licence
		}
		out = append(out, l)
	}
	return out, extra
}

func licenseProperty(l *model.License, t tree.Text) model.Property {
	return model.Property{Name: tree.Constant("lading:spdx:license-" + l.Role), Value: t}
}

// writeLicenses writes licences: one expression, or a list of single licences, which 1.6 does not mix.
func writeLicenses(o *tree.Node, licenses []model.License, h *model.Document) (extra []model.Property) {
	list, extra := usable(licenses)
	single := func(s string) bool { return !strings.ContainsAny(s, " ()") }
	mixed := false
	for i := range list {
		l := &list[i]
		mixed = mixed || l.Expression.OK() && (!single(l.Expression.S) || !license.Listed(l.Expression.S))
	}
	written := false
	for i := range list {
		l := &list[i]
		switch x := tree.NewObject(); {
		case mixed && (written || !l.Expression.OK()):
			t := l.Expression
			if !t.OK() {
				t = l.Name
			}
			if t.OK() {
				extra = append(extra, licenseProperty(l, t))
			}
		case mixed:
			written = true
			if c := h.Extracted[l.Expression.S]; c != nil && single(l.Expression.S) {
				o.Add("licenses", writeText(l, c))
				continue
			}
			x.Put("expression", l.Expression)
			acknowledge(l, x)
			writer{h}.expressionDetails(x, l.Expression.S)
			o.Add("licenses", x)
		default:
			v := x.Set("license", tree.NewObject())
			if l.Expression.OK() {
				v.Put("id", l.Expression)
			} else {
				v.Put("id", l.ID)
				if !l.ID.OK() {
					v.Put("name", l.Name)
				}
				v.Put("url", l.URL)
			}
			acknowledge(l, v)
			o.Add("licenses", x)
		}
	}
	return extra
}

// writeText writes a licence whose text the document has, by its name.
func writeText(l *model.License, c *model.Extracted) *tree.Node {
	x := tree.NewObject()
	c.Used, c.InExpression = true, false
	v := x.Set("license", tree.NewObject())
	name := c.Name
	if !name.OK() || name.S == "NOASSERTION" {
		name = c.ID
	}
	if name.S != c.ID.S {
		l.Expression.From.ExplainSelf(tree.Changed, "written by the licence's name")
		c.ID.From.ExplainSelf(tree.Changed, "written by the licence's name")
	}
	text := v.Set("name", tree.NewText(name.S, name.From, l.Expression.From, c.ID.From))
	text.Stand(c.Also...)
	if c.Body.OK() {
		v.Set("text", tree.NewObject()).Put("content", c.Body)
	}
	writeURL(v, c.SeeAlso)
	if c.Comment.OK() {
		p := v.Add("properties", tree.NewObject())
		p.Set("name", tree.NewText("lading:spdx:comment"))
		p.Put("value", c.Comment)
	}
	acknowledge(l, v)
	return x
}

// writeURL writes the first address of a licence.
func writeURL(x *tree.Node, addresses []tree.Text) {
	for i, t := range addresses {
		if i == 0 {
			x.Put("url", t)
		} else {
			t.From.ExplainSelf(tree.Dropped, "CycloneDX has one URL of a licence")
		}
	}
}

// expressionDetails writes the texts of the licences that an expression names and SPDX's list does not have.
func (h writer) expressionDetails(x *tree.Node, expression string) {
	for _, id := range license.RefsIn(expression) {
		c := h.Extracted[id]
		if c == nil || !c.Body.OK() {
			continue
		}
		c.InExpression = !c.Used
		d := x.Add("expressionDetails", tree.NewObject())
		d.Set("licenseIdentifier", tree.NewText(id, append(c.Also, c.ID.From)...))
		d.Set("text", tree.NewObject()).Put("content", c.Body)
		writeURL(d, c.SeeAlso)
		c.Comment.From.ExplainSelf(tree.Dropped, "CycloneDX has the text of a licence in an expression, and no comment on it")
	}
}

// writeCard writes a model card.
func writeCard(m *model.Card, h *model.Document, o *tree.Node) {
	card, p, c := tree.NewObject(), tree.NewObject(), tree.NewObject()
	if m.Approach.OK() {
		p.Set("approach", tree.NewObject()).Put("type", m.Approach)
	}
	p.Put("architectureFamily", m.Family)
	p.Put("modelArchitecture", m.Architecture)
	if len(p.Members) > 0 {
		card.Set("modelParameters", p)
	}
	if m.Metrics != nil {
		q := card.Set("quantitativeAnalysis", tree.NewObject())
		for _, x := range m.Metrics {
			v := q.Add("performanceMetrics", tree.NewObject())
			v.Set("type", tree.NewText(x.Name.S, append(slices.Clone(x.Leaves), x.Name.From)...))
			v.Put("value", x.Value)
		}
	}
	for _, t := range m.Uses {
		c.Add("useCases", tree.NewText(t.S, t.From))
	}
	for _, t := range m.Limitations {
		c.Add("technicalLimitations", tree.NewText(t.S, t.From))
	}
	if m.Energy != nil {
		all := c.Set("environmentalConsiderations", tree.NewObject())
		for _, e := range m.Energy {
			x := all.Add("energyConsumptions", tree.NewObject())
			x.Set("activity", tree.NewText(e.Activity.S, slices.Clone(e.Leaves)...))
			x.Set("energyProviders", tree.NewArray())
			h.Add("/components", "CycloneDX wants the providers of energy; none where the input names none")
			cost := x.Set("activityEnergyCost", tree.NewObject())
			cost.Set("value", tree.NewLiteral(e.Quantity.Text)).Stand(e.Quantity)
			cost.Set("unit", tree.NewText("kWh", e.Unit))
			e.Unit.ExplainSelf(tree.Changed, "CycloneDX has energy in kWh")
		}
	}
	if len(c.Members) > 0 {
		card.Set("considerations", c)
	}
	if len(card.Members) > 0 {
		o.Set("modelCard", card)
	}
}

// writeSnippet writes where a snippet is as properties, as SPDX 2's tag-value form has it: "310:420".
func writeSnippet(s *model.Snippet, o *tree.Node) {
	put := func(name, value string, from ...*tree.Node) {
		x := o.Add("properties", tree.NewObject())
		x.Set("name", tree.NewText(name))
		x.Set("value", tree.NewText(value, from...))
	}
	put(model.PropertyFile, s.File.S, append(s.From, s.File.From)...)
	for i, of := range [][2]tree.Text{s.Bytes, s.Lines} {
		if of[0].OK() {
			put([]string{model.PropertyBytes, model.PropertyLines}[i], of[0].S+":"+of[1].S, of[0].From, of[1].From)
		}
	}
}
