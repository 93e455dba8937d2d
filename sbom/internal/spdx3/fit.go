package spdx3

import (
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// lists are the properties that the schema has as lists, also of one.
var lists = spec.Set("ai_domain", "ai_finetuningEnergyConsumption", "ai_hyperparameter", "ai_inferenceEnergyConsumption", "ai_metric",
	"ai_metricDecisionThreshold",
	"ai_modelDataPreprocessing", "ai_modelExplainability", "ai_standardCompliance", "ai_trainingEnergyConsumption", "ai_typeOfModel",
	"build_configSourceDigest",
	"build_configSourceEntrypoint", "build_configSourceUri", "build_environment", "build_parameter", "createdBy", "createdUsing",
	"dataset_anonymizationMethodUsed", "dataset_dataPreprocessing", "dataset_datasetType", "dataset_knownBias", "dataset_sensor", "element",
	"expandedlicensing_member", "expandedlicensing_seeAlso", "extension", "extension_cdxProperty", "externalIdentifier", "externalRef",
	"identifierLocator",
	"import", "locator", "namespaceMap", "originatedBy", "packageVerificationCodeExcludedFile", "profileConformance", "rootElement",
	"simplelicensing_customIdToUri", "software_additionalPurpose", "software_attributionText", "software_contentIdentifier",
	"software_sbomType",
	"standardName", "supportLevel", "to", "verifiedUsing")

// Newer copies a document of SPDX 3 as one of another version, in the shape that its specification asks for.
func Newer(src *tree.Node, was, is string) (*tree.Node, error) {
	shaped, said, err := Shape(src)
	if err != nil {
		return nil, err
	}
	out := tree.Copy(shaped)
	if c := out.Get("@context"); c != nil {
		c.Stand(said...)
	}
	var each func(name string, n *tree.Node)
	each = func(name string, n *tree.Node) {
		for i, m := range n.Members {
			each(m.Name, m.Value)
			if lists[m.Name] && m.Value.Kind != strictjson.Array { // which JSON-LD reads as a list of one
				n.Members[i].Value = &tree.Node{Kind: strictjson.Array, Items: []*tree.Node{m.Value}}
			}
		}
		for _, v := range n.Items {
			each(name, v)
		}
		switch rest, ok := strings.CutPrefix(n.Text, ContextBase+was+"/"); {
		case n.Kind != strictjson.String:
		case name == "specVersion":
			n.Text = is
		case ok:
			n.Text = ContextBase + is + "/" + rest
		}
	}
	each("", out)
	if c := out.Get("@context"); c != nil && c.Kind != strictjson.String {
		out.Remove("@context")
		leaves := c.Leaves()
		out.Members = slices.Insert(out.Members, 0, tree.Member{Name: "@context",
			Value: tree.NewText(ContextBase+is+"/spdx-context.jsonld", leaves...)})
	}
	return out, nil
}
