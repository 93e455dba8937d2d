package sbom

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
)

// A model is what CycloneDX says in a model card (1.7, modelCard) and SPDX 3 of an AI package (AI, AIPackage) by members that mean
// the same. What SPDX 3 says beside it travels as properties.
type model struct {
	approach, family, architecture text
	metrics                        []metric
	limitations, uses              []text
	energy                         []energy
}

type metric struct {
	name, value text
	leaves      []*node
}

type energy struct {
	activity text // CycloneDX's word
	quantity *node
	unit     *node
	leaves   []*node
}

// approaches are CycloneDX's kinds of learning.
var approaches = []string{"supervised", "unsupervised", "reinforcement-learning", "semi-supervised", "self-supervised"}

// energyMembers are SPDX 3's members by CycloneDX's activities.
var energyMembers = []struct{ activity, member string }{{"training", "ai_trainingEnergyConsumption"},
	{"fine-tuning", "ai_finetuningEnergyConsumption"}, {"inference", "ai_inferenceEnergyConsumption"}}

const propertySPDX = "lading:spdx:"

// cycloneDXModel reads a model card.
func cycloneDXModel(card *node) *model {
	if card == nil {
		return nil
	}
	p, c := card.get("modelParameters"), card.get("considerations")
	m := &model{approach: p.get("approach").str("type"), family: p.str("architectureFamily"), architecture: p.str("modelArchitecture"),
		limitations: texts2(c, "technicalLimitations"), uses: texts2(c, "useCases")}
	for _, x := range card.get("quantitativeAnalysis").list("performanceMetrics") {
		if name, value := x.str("type"), x.str("value"); name.ok() && value.ok() {
			m.metrics = append(m.metrics, metric{name: name, value: value})
		}
	}
	for _, x := range c.get("environmentalConsiderations").list("energyConsumptions") {
		e := energy{activity: x.str("activity"), quantity: x.get("activityEnergyCost").get("value"), unit: x.get("activityEnergyCost").get("unit")}
		if e.member() == "" {
			for _, n := range []*node{e.activity.src, e.quantity, e.unit} {
				n.explainSelf(Dropped, "SPDX 3 has the energy of training, fine-tuning and inference")
			}
		} else if e.quantity != nil && e.unit != nil {
			m.energy = append(m.energy, e)
		}
	}
	return m
}

func (e *energy) member() string {
	for _, m := range energyMembers {
		if m.activity == e.activity.s {
			return m.member
		}
	}
	return ""
}

// empty reports whether a card says nothing that SPDX 3 has a member for.
func (m *model) empty() bool {
	return m == nil || !m.approach.ok() && !m.family.ok() && !m.architecture.ok() && m.metrics == nil && m.limitations == nil && m.uses == nil && m.energy == nil
}

// spdx3Out writes a model as members of an AI package. Such a package does not make the document conform to the AI profile,
// which wants more of it than a model card says.
func (m *model) spdx3Out(o *node) {
	for _, t := range []text{m.approach, m.family, m.architecture} {
		if t.ok() {
			o.add("ai_typeOfModel", newText(t.s, t.src))
			t.src.explainSelf(Changed, "SPDX 3 has one list of what type a model is of")
		}
	}
	for _, x := range m.metrics {
		v := o.add("ai_metric", dictionaryEntry(x.name, x.value))
		v.members[0].value.from = compactNodes(x.leaves)
	}
	one := func(name string, list []text) {
		var lines []string
		var from []*node
		for _, t := range list {
			lines, from = append(lines, t.s), append(from, t.src)
			if len(list) > 1 {
				t.src.explainSelf(Changed, "SPDX 3 has one text of it")
			}
		}
		if lines != nil {
			o.set(name, newText(strings.Join(lines, "\n"), from...))
		}
	}
	one("ai_limitation", m.limitations)
	one("ai_informationAboutApplication", m.uses)
	var all *node
	for _, e := range m.energy {
		if all == nil {
			all = o.set("ai_energyConsumption", newObject())
			all.set("type", newText("ai_EnergyConsumption"))
		}
		x := all.add(e.member(), newObject())
		x.set("type", newText("ai_EnergyConsumptionDescription", e.activity.src))
		e.activity.src.explainSelf(Changed, "SPDX 3 has words of its own for energy")
		x.set("ai_energyQuantity", &node{kind: e.quantity.kind, text: e.quantity.text, from: []*node{e.quantity}})
		x.set("ai_energyUnit", newText("kilowattHour", e.unit))
		e.unit.explainSelf(Changed, "SPDX 3 has words of its own for energy")
	}
}

func dictionaryEntry(key, value text) *node {
	x := newObject()
	x.set("type", newText("DictionaryEntry"))
	x.put("key", key)
	x.put("value", value)
	return x
}

// properties3 are the members of AI and dataset packages that only SPDX 3 has, and whether they are lists: of texts, of words,
// of numbers, or of keys and values.
var properties3 = map[string]bool{"ai_autonomyType": false, "ai_domain": true, "ai_hyperparameter": true, "ai_informationAboutTraining": false,
	"ai_metricDecisionThreshold": true, "ai_modelDataPreprocessing": true, "ai_modelExplainability": true, "ai_safetyRiskAssessment": false,
	"ai_standardCompliance": true, "ai_useSensitivePersonalInformation": false, "dataset_anonymizationMethodUsed": true,
	"dataset_confidentialityLevel": false, "dataset_dataCollectionProcess": false, "dataset_dataPreprocessing": true,
	"dataset_datasetAvailability": false, "dataset_datasetNoise": false, "dataset_datasetSize": false, "dataset_datasetType": true,
	"dataset_datasetUpdateMechanism": false, "dataset_hasSensitivePersonalInformation": false, "dataset_intendedUse": false,
	"dataset_knownBias": true, "dataset_sensor": true}

// spdx3Model reads what an AI or dataset package says of itself.
func (e *element) spdx3Model(n *node) {
	m := &model{}
	for _, t := range texts2(n, "ai_typeOfModel") {
		to := &m.approach
		if !slices.Contains(approaches, t.s) {
			if to = &m.family; to.ok() {
				to = &m.architecture
			}
		}
		if to.ok() {
			t.src.explainSelf(Dropped, "CycloneDX has one approach, one family and one architecture of a model")
		} else {
			*to = t
		}
	}
	for _, x := range listOrOne(n.get("ai_metric")) {
		if name, value := x.str("key"), x.str("value"); name.ok() && value.ok() {
			m.metrics = append(m.metrics, metric{name, value, compactNodes([]*node{class3(x).src})})
		}
	}
	m.limitations, m.uses = texts2(n, "ai_limitation"), texts2(n, "ai_informationAboutApplication")
	all := n.get("ai_energyConsumption")
	for _, k := range energyMembers {
		for _, x := range listOrOne(all.get(k.member)) {
			unit := x.get("ai_energyUnit")
			if unit == nil || unit.text != "kilowattHour" {
				for _, leaf := range x.all(nil) {
					leaf.explainSelf(Dropped, "CycloneDX has energy in kWh")
				}
				continue
			}
			if q := x.get("ai_energyQuantity"); q != nil {
				m.energy = append(m.energy, energy{text{s: k.activity}, q, unit, compactNodes([]*node{class3(x).src, class3(all).src})})
			}
		}
	}
	if !m.empty() {
		e.model = m
	}
	for _, x := range n.members {
		if _, ok := properties3[x.name]; !ok {
			continue
		}
		for _, v := range listOrOne(x.value) {
			name, value := text{s: propertySPDX + x.name}, text{v.text, v}
			if v.kind == strictjson.Object {
				key := v.str("key")
				name, value = text{propertySPDX + x.name + ":" + key.s, key.src}, v.str("value")
				e.leaves = append(e.leaves, compactNodes([]*node{class3(v).src})...)
			}
			if value.ok() {
				e.properties = append(e.properties, property{name, value})
			}
		}
	}
}

// take3 writes back a property that spdx3Model made, and reports whether it was one.
func take3(o *node, p property) bool {
	name, ok := strings.CutPrefix(p.name.s, propertySPDX)
	name, key, pair := strings.Cut(name, ":")
	list, known := properties3[name]
	if !ok || !known || !list && o.get(name) != nil {
		return false
	}
	v := newText(p.value.s, p.value.src, p.name.src)
	switch {
	case pair:
		v = dictionaryEntry(text{key, p.name.src}, p.value)
		p.name.src.explainSelf(Changed, "SPDX 3 has a member of its own for it")
	case name == "dataset_datasetSize":
		v.kind = strictjson.Number
	}
	if list {
		o.add(name, v)
	} else {
		o.set(name, v)
	}
	return true
}

// class3 is SPDX 3's class of an element that has such properties, or a model.
func (e *element) class3() string {
	class := ""
	for _, p := range e.properties {
		name, _, _ := strings.Cut(strings.TrimPrefix(p.name.s, propertySPDX), ":")
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
func (m *model) cycloneDXOut(h *hub, o *node) {
	card, p, c := newObject(), newObject(), newObject()
	if m.approach.ok() {
		p.set("approach", newObject()).put("type", m.approach)
	}
	p.put("architectureFamily", m.family)
	p.put("modelArchitecture", m.architecture)
	if len(p.members) > 0 {
		card.set("modelParameters", p)
	}
	if m.metrics != nil {
		q := card.set("quantitativeAnalysis", newObject())
		for _, x := range m.metrics {
			v := q.add("performanceMetrics", newObject())
			v.set("type", newText(x.name.s, append(slices.Clone(x.leaves), x.name.src)...))
			v.put("value", x.value)
		}
	}
	for _, t := range m.uses {
		c.add("useCases", newText(t.s, t.src))
	}
	for _, t := range m.limitations {
		c.add("technicalLimitations", newText(t.s, t.src))
	}
	if m.energy != nil {
		all := c.set("environmentalConsiderations", newObject())
		for _, e := range m.energy {
			x := all.add("energyConsumptions", newObject())
			x.set("activity", newText(e.activity.s, slices.Clone(e.leaves)...))
			x.set("energyProviders", newArray())
			h.add("/components", "CycloneDX wants the providers of energy; none where the input names none")
			cost := x.set("activityEnergyCost", newObject())
			cost.set("value", newLiteral(e.quantity.text)).from = []*node{e.quantity}
			cost.set("unit", newText("kWh", e.unit))
			e.unit.explainSelf(Changed, "CycloneDX has energy in kWh")
		}
	}
	if len(c.members) > 0 {
		card.set("considerations", c)
	}
	if len(card.members) > 0 {
		o.set("modelCard", card)
	}
}
