package model

import "github.com/ladingdev/lading/sbom/internal/tree"

// A Card is what CycloneDX says in a model card (1.7, modelCard) and SPDX 3 of an AI package (AI, AIPackage) by members that mean
// the same. What SPDX 3 says beside it travels as properties.
type Card struct {
	Approach, Family, Architecture tree.Text
	Metrics                        []Metric
	Limitations, Uses              []tree.Text
	Energy                         []Energy
}

type Metric struct {
	Name, Value tree.Text
	Leaves      []*tree.Node
}

type Energy struct {
	Activity tree.Text // CycloneDX's word
	Quantity *tree.Node
	Unit     *tree.Node
	Leaves   []*tree.Node
}

// EnergyMembers are SPDX 3's members by CycloneDX's activities.
var EnergyMembers = []struct{ Activity, Member string }{{"training", "ai_trainingEnergyConsumption"},
	{"fine-tuning", "ai_finetuningEnergyConsumption"}, {"inference", "ai_inferenceEnergyConsumption"}}

func (e *Energy) Member() string {
	for _, m := range EnergyMembers {
		if m.Activity == e.Activity.S {
			return m.Member
		}
	}
	return ""
}

// Empty reports whether a card says nothing that SPDX 3 has a member for.
func (m *Card) Empty() bool {
	return m == nil || !m.Approach.OK() && !m.Family.OK() && !m.Architecture.OK() && m.Metrics == nil && m.Limitations == nil &&
		m.Uses == nil && m.Energy == nil
}
