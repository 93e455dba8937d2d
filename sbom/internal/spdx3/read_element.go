package spdx3

import (
	"slices"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

func (r *reader) artifact(n *tree.Node, class tree.Text) *model.Element {
	e := &model.Element{ID: idOf(n), Name: n.Str("name"), Version: n.Str("software_packageVersion"), Description: n.Str("description"),
		Summary: n.Str("summary"), Comment: n.Str("comment"), Copyright: n.Str("software_copyrightText"),
		Homepage: n.Str("software_homePage"), Download: n.Str("software_downloadLocation"), SourceInfo: n.Str("software_sourceInfo"),
		File: class.S == "software_File" || class.S == "software_Snippet", Remarks: map[*tree.Node]tree.Text{}}
	if class.S == "software_Snippet" {
		e.Snippet = r.snippetOf(n)
	}
	if purpose := n.Str("software_primaryPurpose"); purpose.OK() {
		e.Kind = tree.Text{S: KindOf(purpose.S), From: purpose.From}
		e.Leaves = append(e.Leaves, class.From)
	} else {
		switch class.S {
		case "software_File", "software_Snippet":
			e.Kind = tree.Text{S: "file", From: class.From}
		case "ai_AIPackage":
			e.Kind = tree.Text{S: "machine-learning-model", From: class.From}
		case "dataset_DatasetPackage":
			e.Kind = tree.Text{S: "data", From: class.From}
		default:
			e.Leaves = append(e.Leaves, class.From)
		}
	}
	e.MediaType = n.Str("contentType")
	switch kind := n.Str("software_fileKind"); kind.S {
	case "file":
		e.Leaves = append(e.Leaves, kind.From)
	case "directory":
		kind.From.ExplainSelf(tree.Dropped, "the other format has files, and no directories")
	}
	if p := n.Str("software_packageUrl"); p.OK() {
		e.PURLs = append(e.PURLs, p)
	}
	readIdentifiers(e, n)
	e.Hashes = hashesOf(n, &e.Leaves)
	e.Attributions = tree.Texts(n, "software_attributionText")
	for i, name := range model.SPDX3Dates {
		e.Dates[i] = n.Str(name)
	}
	for _, x := range tree.ListOrOne(n.Get("verifiedUsing")) {
		if classOf(x).S == "PackageVerificationCode" {
			e.Verification, e.Excluded = x.Str("hashValue"), tree.Texts(x, "packageVerificationCodeExcludedFile")
			e.Leaves = append(e.Leaves, tree.Compact([]*tree.Node{classOf(x).From, x.Str("algorithm").From})...)
		}
	}
	readProperties(e, n)
	if class.S == "ai_AIPackage" || class.S == "dataset_DatasetPackage" {
		readCard(e, n)
	}
	if s := r.agent(n.Get("suppliedBy")); s != nil {
		e.Supplier = s
	}
	for _, o := range tree.ListOrOne(n.Get("originatedBy")) {
		switch p := r.agent(o); {
		case p == nil:
		case p.Kind == "Person" || e.Manufacturer != nil:
			e.Authors = append(e.Authors, *p)
		default:
			e.Manufacturer = p
		}
	}
	return e
}

// readIdentifiers reads package URLs, CPE names and other identifiers.
func readIdentifiers(e *model.Element, n *tree.Node) {
	for _, x := range tree.ListOrOne(n.Get("externalIdentifier")) {
		kind, at := x.Str("externalIdentifierType"), x.Str("identifier")
		if kind.S == "" || at.S == "" {
			continue
		}
		from := tree.Compact([]*tree.Node{kind.From, classOf(x).From})
		e.Remarks[at.From] = x.Str("comment")
		switch kind.S {
		case "packageUrl", "purl":
			if len(e.PURLs) > 0 && e.PURLs[0].S == at.S { // of those that are said twice, what is said of them
				e.Remarks[e.PURLs[0].From] = x.Str("comment")
				e.PURLFrom = append(e.PURLFrom, at.From)
			} else {
				e.PURLs = append(e.PURLs, at)
			}
			e.PURLFrom = append(e.PURLFrom, from...)
		case "cpe22", "cpe23":
			e.CPEs = append(e.CPEs, at)
			e.PURLFrom = append(e.PURLFrom, from...)
		default:
			e.Identifiers = append(e.Identifiers, model.Identifier{Kind: kind, Value: at, Comment: x.Str("comment")})
			e.Leaves = append(e.Leaves, tree.Compact([]*tree.Node{classOf(x).From})...)
		}
	}
	for _, x := range tree.ListOrOne(n.Get("software_contentIdentifier")) {
		if kind, at := x.Str("software_contentIdentifierType"), x.Str("software_contentIdentifierValue"); (kind.S == "swhid" ||
			kind.S == "gitoid") && at.OK() {
			e.Identifiers = append(e.Identifiers, model.Identifier{Kind: kind, Value: at, Comment: x.Str("comment")})
			e.Leaves = append(e.Leaves, tree.Compact([]*tree.Node{classOf(x).From})...)
		}
	}
}

// readProperties reads CycloneDX's properties and external references.
func readProperties(e *model.Element, n *tree.Node) {
	for _, x := range tree.ListOrOne(n.Get("extension")) {
		if classOf(x).S != "extension_CdxPropertiesExtension" {
			continue
		}
		e.Leaves = append(e.Leaves, classOf(x).From)
		for _, p := range tree.ListOrOne(x.Get("extension_cdxProperty")) {
			e.Leaves = append(e.Leaves, tree.Compact([]*tree.Node{classOf(p).From})...)
			e.Properties = append(e.Properties, model.Property{Name: p.Str("extension_cdxPropName"),
				Value: p.Str("extension_cdxPropValue")})
		}
	}
	for _, x := range tree.ListOrOne(n.Get("externalRef")) {
		for _, l := range tree.ListOrOne(x.Get("locator")) {
			if l.Kind == strictjson.String {
				e.References = append(e.References, model.Reference{Kind: x.Str("externalRefType"), URL: tree.Text{S: l.Text, From: l},
					Comment: x.Str("comment")})
				e.Leaves = append(e.Leaves, tree.Compact([]*tree.Node{classOf(x).From})...)
			}
		}
	}
}

// hashesOf reads the hashes of an object; the leaves that only say that they are hashes go to said.
func hashesOf(n *tree.Node, said *[]*tree.Node) (out []model.Hash) {
	for _, x := range tree.ListOrOne(n.Get("verifiedUsing")) {
		if classOf(x).S == "PackageVerificationCode" { // of the files, not of the package
			continue
		}
		alg := x.Str("algorithm")
		if name := hashNames[alg.S]; name != "" {
			alg.S = name
		}
		if name := x.Str("comment"); alg.S == "other" && slices.Contains(model.CycloneDXHashes, name.S) {
			*said = append(*said, alg.From)
			alg = name
		}
		if alg.OK() || x.Str("hashValue").OK() {
			out = append(out, model.Hash{Alg: alg, Value: x.Str("hashValue")})
			*said = append(*said, tree.Compact([]*tree.Node{classOf(x).From})...)
		}
	}
	return out
}

// readCard reads what an AI or dataset package says of itself.
func readCard(e *model.Element, n *tree.Node) {
	m := &model.Card{}
	for _, t := range tree.Texts(n, "ai_typeOfModel") {
		to := &m.Approach
		if !slices.Contains(approaches, t.S) {
			if to = &m.Family; to.OK() {
				to = &m.Architecture
			}
		}
		if to.OK() {
			t.From.ExplainSelf(tree.Dropped, "CycloneDX has one approach, one family and one architecture of a model")
		} else {
			*to = t
		}
	}
	for _, x := range tree.ListOrOne(n.Get("ai_metric")) {
		if name, value := x.Str("key"), x.Str("value"); name.OK() && value.OK() {
			m.Metrics = append(m.Metrics, model.Metric{Name: name, Value: value, Leaves: tree.Compact([]*tree.Node{classOf(x).From})})
		}
	}
	m.Limitations, m.Uses = tree.Texts(n, "ai_limitation"), tree.Texts(n, "ai_informationAboutApplication")
	all := n.Get("ai_energyConsumption")
	for _, k := range model.EnergyMembers {
		for _, x := range tree.ListOrOne(all.Get(k.Member)) {
			unit := x.Get("ai_energyUnit")
			if unit == nil || unit.Text != "kilowattHour" {
				for _, leaf := range x.All(nil) {
					leaf.ExplainSelf(tree.Dropped, "CycloneDX has energy in kWh")
				}
				continue
			}
			if q := x.Get("ai_energyQuantity"); q != nil {
				m.Energy = append(m.Energy, model.Energy{Activity: tree.Text{S: k.Activity}, Quantity: q, Unit: unit,
					Leaves: tree.Compact([]*tree.Node{classOf(x).From, classOf(all).From})})
			}
		}
	}
	if !m.Empty() {
		e.Model = m
	}
	for _, x := range n.Members {
		if _, ok := ownMembers[x.Name]; !ok {
			continue
		}
		for _, v := range tree.ListOrOne(x.Value) {
			name, value := tree.Text{S: propertySPDX + x.Name}, tree.Text{S: v.Text, From: v}
			if v.Kind == strictjson.Object {
				key := v.Str("key")
				name, value = tree.Text{S: propertySPDX + x.Name + ":" + key.S, From: key.From}, v.Str("value")
				e.Leaves = append(e.Leaves, tree.Compact([]*tree.Node{classOf(v).From})...)
			}
			if value.OK() {
				e.Properties = append(e.Properties, model.Property{Name: name, Value: value})
			}
		}
	}
}

func (r *reader) snippetOf(n *tree.Node) *model.Snippet {
	s := &model.Snippet{File: n.Str("software_snippetFromFile"), At: -1}
	for member, to := range map[string]*[2]tree.Text{"software_byteRange": &s.Bytes, "software_lineRange": &s.Lines} {
		if x := n.Get(member); x.Number("beginIntegerRange").OK() && x.Number("endIntegerRange").OK() {
			*to = [2]tree.Text{x.Number("beginIntegerRange"), x.Number("endIntegerRange")}
			s.From = append(s.From, tree.Compact([]*tree.Node{classOf(x).From})...)
		}
	}
	return s
}
