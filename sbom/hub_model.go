package sbom

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A model is what CycloneDX says in a model card (1.7, modelCard) and SPDX 3 of an AI package (AI, AIPackage) by members that mean
// the same. What SPDX 3 says beside it travels as properties.
type model struct {
	approach, family, architecture tree.Text
	metrics                        []metric
	limitations, uses              []tree.Text
	energy                         []energy
}

type metric struct {
	name, value tree.Text
	leaves      []*tree.Node
}

type energy struct {
	activity tree.Text // CycloneDX's word
	quantity *tree.Node
	unit     *tree.Node
	leaves   []*tree.Node
}

// approaches are CycloneDX's kinds of learning.
var approaches = []string{"supervised", "unsupervised", "reinforcement-learning", "semi-supervised", "self-supervised"}

// energyMembers are SPDX 3's members by CycloneDX's activities.
var energyMembers = []struct{ activity, member string }{{"training", "ai_trainingEnergyConsumption"},
	{"fine-tuning", "ai_finetuningEnergyConsumption"}, {"inference", "ai_inferenceEnergyConsumption"}}

const propertySPDX = "lading:spdx:"

// cycloneDXModel reads a model card.
func cycloneDXModel(card *tree.Node) *model {
	if card == nil {
		return nil
	}
	p, c := card.Get("modelParameters"), card.Get("considerations")
	m := &model{approach: p.Get("approach").Str("type"), family: p.Str("architectureFamily"), architecture: p.Str("modelArchitecture"),
		limitations: tree.Texts(c, "technicalLimitations"), uses: tree.Texts(c, "useCases")}
	for _, x := range card.Get("quantitativeAnalysis").List("performanceMetrics") {
		if name, value := x.Str("type"), x.Str("value"); name.OK() && value.OK() {
			m.metrics = append(m.metrics, metric{name: name, value: value})
		}
	}
	for _, x := range c.Get("environmentalConsiderations").List("energyConsumptions") {
		e := energy{activity: x.Str("activity"), quantity: x.Get("activityEnergyCost").Get("value"),
			unit: x.Get("activityEnergyCost").Get("unit")}
		if e.member() == "" {
			for _, n := range []*tree.Node{e.activity.From, e.quantity, e.unit} {
				n.ExplainSelf(tree.Dropped, "SPDX 3 has the energy of training, fine-tuning and inference")
			}
		} else if e.quantity != nil && e.unit != nil {
			m.energy = append(m.energy, e)
		}
	}
	return m
}

func (e *energy) member() string {
	for _, m := range energyMembers {
		if m.activity == e.activity.S {
			return m.member
		}
	}
	return ""
}

// empty reports whether a card says nothing that SPDX 3 has a member for.
func (m *model) empty() bool {
	return m == nil || !m.approach.OK() && !m.family.OK() && !m.architecture.OK() && m.metrics == nil && m.limitations == nil &&
		m.uses == nil && m.energy == nil
}

// spdx3Out writes a model as members of an AI package. Such a package does not make the document conform to the AI profile,
// which wants more of it than a model card says.
func (m *model) spdx3Out(o *tree.Node) {
	for _, t := range []tree.Text{m.approach, m.family, m.architecture} {
		if t.OK() {
			o.Add("ai_typeOfModel", tree.NewText(t.S, t.From))
			t.From.ExplainSelf(tree.Changed, "SPDX 3 has one list of what type a model is of")
		}
	}
	for _, x := range m.metrics {
		v := o.Add("ai_metric", dictionaryEntry(x.name, x.value))
		v.Members[0].Value.From = tree.Compact(x.leaves)
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
	one("ai_limitation", m.limitations)
	one("ai_informationAboutApplication", m.uses)
	var all *tree.Node
	for _, e := range m.energy {
		if all == nil {
			all = o.Set("ai_energyConsumption", tree.NewObject())
			all.Set("type", tree.NewText("ai_EnergyConsumption"))
		}
		x := all.Add(e.member(), tree.NewObject())
		x.Set("type", tree.NewText("ai_EnergyConsumptionDescription", e.activity.From))
		e.activity.From.ExplainSelf(tree.Changed, "SPDX 3 has words of its own for energy")
		x.Set("ai_energyQuantity", &tree.Node{Kind: e.quantity.Kind, Text: e.quantity.Text, From: []*tree.Node{e.quantity}})
		x.Set("ai_energyUnit", tree.NewText("kilowattHour", e.unit))
		e.unit.ExplainSelf(tree.Changed, "SPDX 3 has words of its own for energy")
	}
}

func dictionaryEntry(key, value tree.Text) *tree.Node {
	x := tree.NewObject()
	x.Set("type", tree.NewText("DictionaryEntry"))
	x.Put("key", key)
	x.Put("value", value)
	return x
}

// properties3 are the members of AI and dataset packages that only SPDX 3 has, and whether they are lists: of texts, of words,
// of numbers, or of keys and values.
var properties3 = map[string]bool{"ai_autonomyType": false, "ai_domain": true, "ai_hyperparameter": true,
	"ai_informationAboutTraining": false,
	"ai_metricDecisionThreshold":  true, "ai_modelDataPreprocessing": true, "ai_modelExplainability": true, "ai_safetyRiskAssessment": false,
	"ai_standardCompliance": true, "ai_useSensitivePersonalInformation": false, "dataset_anonymizationMethodUsed": true,
	"dataset_confidentialityLevel": false, "dataset_dataCollectionProcess": false, "dataset_dataPreprocessing": true,
	"dataset_datasetAvailability": false, "dataset_datasetNoise": false, "dataset_datasetSize": false, "dataset_datasetType": true,
	"dataset_datasetUpdateMechanism": false, "dataset_hasSensitivePersonalInformation": false, "dataset_intendedUse": false,
	"dataset_knownBias": true, "dataset_sensor": true}

// spdx3Model reads what an AI or dataset package says of itself.
func (e *element) spdx3Model(n *tree.Node) {
	m := &model{}
	for _, t := range tree.Texts(n, "ai_typeOfModel") {
		to := &m.approach
		if !slices.Contains(approaches, t.S) {
			if to = &m.family; to.OK() {
				to = &m.architecture
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
			m.metrics = append(m.metrics, metric{name, value, tree.Compact([]*tree.Node{class3(x).From})})
		}
	}
	m.limitations, m.uses = tree.Texts(n, "ai_limitation"), tree.Texts(n, "ai_informationAboutApplication")
	all := n.Get("ai_energyConsumption")
	for _, k := range energyMembers {
		for _, x := range tree.ListOrOne(all.Get(k.member)) {
			unit := x.Get("ai_energyUnit")
			if unit == nil || unit.Text != "kilowattHour" {
				for _, leaf := range x.All(nil) {
					leaf.ExplainSelf(tree.Dropped, "CycloneDX has energy in kWh")
				}
				continue
			}
			if q := x.Get("ai_energyQuantity"); q != nil {
				m.energy = append(m.energy, energy{tree.Text{S: k.activity}, q, unit,
					tree.Compact([]*tree.Node{class3(x).From, class3(all).From})})
			}
		}
	}
	if !m.empty() {
		e.model = m
	}
	for _, x := range n.Members {
		if _, ok := properties3[x.Name]; !ok {
			continue
		}
		for _, v := range tree.ListOrOne(x.Value) {
			name, value := tree.Text{S: propertySPDX + x.Name}, tree.Text{S: v.Text, From: v}
			if v.Kind == strictjson.Object {
				key := v.Str("key")
				name, value = tree.Text{S: propertySPDX + x.Name + ":" + key.S, From: key.From}, v.Str("value")
				e.leaves = append(e.leaves, tree.Compact([]*tree.Node{class3(v).From})...)
			}
			if value.OK() {
				e.properties = append(e.properties, property{name, value})
			}
		}
	}
}

// take3 writes back a property that spdx3Model made, and reports whether it was one.
func take3(o *tree.Node, p property) bool {
	name, ok := strings.CutPrefix(p.name.S, propertySPDX)
	name, key, pair := strings.Cut(name, ":")
	list, known := properties3[name]
	if !ok || !known || !list && o.Get(name) != nil {
		return false
	}
	v := tree.NewText(p.value.S, p.value.From, p.name.From)
	switch {
	case pair:
		v = dictionaryEntry(tree.Text{S: key, From: p.name.From}, p.value)
		p.name.From.ExplainSelf(tree.Changed, "SPDX 3 has a member of its own for it")
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

// class3 is SPDX 3's class of an element that has such properties, or a model.
func (e *element) class3() string {
	class := ""
	for _, p := range e.properties {
		name, _, _ := strings.Cut(strings.TrimPrefix(p.name.S, propertySPDX), ":")
		if _, ok := properties3[name]; ok && (strings.HasPrefix(name, "ai_") || name == "dataset_datasetType") {
			class = map[bool]string{true: "ai_AIPackage", false: "dataset_DatasetPackage"}[strings.HasPrefix(name, "ai_")]
		}
	}
	if !e.model.empty() {
		class = "ai_AIPackage"
	}
	return class
}

// cycloneDXOut writes a model card.
func (m *model) cycloneDXOut(h *hub, o *tree.Node) {
	card, p, c := tree.NewObject(), tree.NewObject(), tree.NewObject()
	if m.approach.OK() {
		p.Set("approach", tree.NewObject()).Put("type", m.approach)
	}
	p.Put("architectureFamily", m.family)
	p.Put("modelArchitecture", m.architecture)
	if len(p.Members) > 0 {
		card.Set("modelParameters", p)
	}
	if m.metrics != nil {
		q := card.Set("quantitativeAnalysis", tree.NewObject())
		for _, x := range m.metrics {
			v := q.Add("performanceMetrics", tree.NewObject())
			v.Set("type", tree.NewText(x.name.S, append(slices.Clone(x.leaves), x.name.From)...))
			v.Put("value", x.value)
		}
	}
	for _, t := range m.uses {
		c.Add("useCases", tree.NewText(t.S, t.From))
	}
	for _, t := range m.limitations {
		c.Add("technicalLimitations", tree.NewText(t.S, t.From))
	}
	if m.energy != nil {
		all := c.Set("environmentalConsiderations", tree.NewObject())
		for _, e := range m.energy {
			x := all.Add("energyConsumptions", tree.NewObject())
			x.Set("activity", tree.NewText(e.activity.S, slices.Clone(e.leaves)...))
			x.Set("energyProviders", tree.NewArray())
			h.add("/components", "CycloneDX wants the providers of energy; none where the input names none")
			cost := x.Set("activityEnergyCost", tree.NewObject())
			cost.Set("value", tree.NewLiteral(e.quantity.Text)).From = []*tree.Node{e.quantity}
			cost.Set("unit", tree.NewText("kWh", e.unit))
			e.unit.ExplainSelf(tree.Changed, "CycloneDX has energy in kWh")
		}
	}
	if len(c.Members) > 0 {
		card.Set("considerations", c)
	}
	if len(card.Members) > 0 {
		o.Set("modelCard", card)
	}
}
