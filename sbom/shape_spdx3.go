package sbom

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// SPDX 3 is a graph, and JSON-LD writes one graph in many shapes. The specification's page on JSON-LD asks for one of
// them: elements stand at the top of @graph and are referred to by their ids, and what is no element stands where it
// belongs. Its schema takes more, and so do the writers that are generated from the model: elements inside of others,
// creation information in each element, hashes and identifiers by reference.

// isElementClass3 knows the classes of elements (SPDX 3.0.1, the JSON schema, Element_derived). It is a switch because it is asked
// of every object, and a map would take a tenth of the time of reading.
func isElementClass3(class string) bool {
	switch class {
	case "ai_AIPackage", "build_Build", "Agent", "Annotation", "Bom", "Bundle", "IndividualElement", "LifecycleScopedRelationship",
		"Organization", "Person", "Relationship", "SoftwareAgent", "SpdxDocument", "Tool", "dataset_DatasetPackage",
		"expandedlicensing_ConjunctiveLicenseSet",
		"expandedlicensing_CustomLicense", "expandedlicensing_CustomLicenseAddition", "expandedlicensing_DisjunctiveLicenseSet",
		"expandedlicensing_IndividualLicensingInfo", "expandedlicensing_ListedLicense", "expandedlicensing_ListedLicenseException",
		"expandedlicensing_OrLaterOperator", "expandedlicensing_WithAdditionOperator", "security_CvssV2VulnAssessmentRelationship",
		"security_CvssV3VulnAssessmentRelationship", "security_CvssV4VulnAssessmentRelationship", "security_EpssVulnAssessmentRelationship",
		"security_ExploitCatalogVulnAssessmentRelationship", "security_SsvcVulnAssessmentRelationship",
		"security_VexAffectedVulnAssessmentRelationship",
		"security_VexFixedVulnAssessmentRelationship", "security_VexNotAffectedVulnAssessmentRelationship",
		"security_VexUnderInvestigationVulnAssessmentRelationship", "security_Vulnerability", "simplelicensing_LicenseExpression",
		"simplelicensing_SimpleLicensingText", "software_File", "software_Package", "software_Sbom", "software_Snippet":
		return true
	}
	return false
}

// isPartClass3 knows the classes of what stands in these properties: some writers give it an id as elements have.
func isPartClass3(class string) bool {
	switch class {
	case "Hash", "PackageVerificationCode", "ExternalIdentifier", "ExternalRef", "ExternalMap", "NamespaceMap", "PositiveIntegerRange",
		"DictionaryEntry",
		"ai_EnergyConsumption", "ai_EnergyConsumptionDescription", "software_ContentIdentifier", "extension_CdxPropertiesExtension",
		"extension_CdxPropertyEntry":
		return true
	}
	return false
}

// isPart3 knows the properties whose values are no elements and belong to the element that they stand in.
func isPart3(property string) bool {
	switch property {
	case "verifiedUsing", "externalIdentifier", "externalRef", "import", "namespaceMap", "extension", "software_contentIdentifier",
		"build_configSourceDigest", "build_environment", "build_parameter", "simplelicensing_customIdToUri", "extension_cdxProperty",
		"software_byteRange", "software_lineRange", "ai_energyConsumption", "ai_finetuningEnergyConsumption",
		"ai_inferenceEnergyConsumption",
		"ai_trainingEnergyConsumption", "ai_hyperparameter", "ai_metric", "ai_metricDecisionThreshold", "dataset_sensor":
		return true
	}
	return false
}

// id3 and class3 are what a node of SPDX 3 is called and what it is, by either of the names that its context has.
func id3(n *tree.Node) tree.Text {
	if t := n.Str("spdxId"); t.OK() {
		return t
	}
	return n.Str("@id")
}

func class3(n *tree.Node) tree.Text {
	if t := n.Str("type"); t.OK() {
		return t
	}
	return n.Str("@type")
}

// elements3 returns what stands at the top of a document: what is beside @graph says something too, as one more node.
func elements3(root *tree.Node) []*tree.Node {
	g := root.Get("@graph")
	if g == nil {
		return []*tree.Node{root}
	}
	beside := &tree.Node{Kind: root.Kind, Start: root.Start}
	for _, m := range root.Members {
		if m.Name != "@graph" && m.Name != "@context" {
			beside.Members = append(beside.Members, m)
		}
	}
	if beside.Members == nil {
		return tree.ListOrOne(g)
	}
	return append(slices.Clone(tree.ListOrOne(g)), beside)
}

// isElement3 reports whether an object that stands in a property of another one is an element.
func isElement3(class string, hasID bool, property string) bool {
	return isElementClass3(class) || hasID && !isPart3(property)
}

// A shaper brings a document to the shape that its specification asks for.
type shaper struct {
	parts   map[string]*tree.Node // at the top that are no elements, by their ids
	used    map[*tree.Node]bool   // of these, what has been put where it belongs
	open    map[*tree.Node]bool   // of these, what is being put there
	said    []*tree.Node          // leaves that only hold the shape together
	top     []*tree.Node
	creates int
	left    int // how many values may still be written: parts that refer to parts could grow without end
	changed bool
}

// shape3 returns a document in the one shape, and the leaves of the input that hold together only the shape that it had.
// All other leaves are the input's own. A document that has the shape is returned as it is.
func shape3(root *tree.Node) (*tree.Node, []*tree.Node, error) {
	s := &shaper{parts: map[string]*tree.Node{}, used: map[*tree.Node]bool{}, open: map[*tree.Node]bool{}, left: 1000}
	elements := elements3(s.shorten(root))
	s.changed = s.changed || len(root.Members) > 2 && root.Get("@graph") != nil
	for _, n := range elements {
		s.left += 4 * n.Count()
		if class := class3(n).S; n.Kind == strictjson.Object && !isElementClass3(class) && class != "CreationInfo" &&
			(n.Get("spdxId") == nil || isPartClass3(class)) {
			if id := id3(n).S; id != "" && s.parts[id] == nil {
				s.parts[id] = n
			}
		}
	}
	for _, n := range elements {
		if n.Kind == strictjson.Object && s.parts[id3(n).S] != n {
			s.top = append(s.top, s.object(n))
		}
	}
	for _, n := range elements {
		if n.Kind == strictjson.Object && s.parts[id3(n).S] == n && !s.used[n] {
			s.top = append(s.top, n)
		}
	}
	if s.left < 0 {
		return nil, nil, fmt.Errorf("%w: hashes and identifiers that are given by reference stand in too many places", spec.ErrLimit)
	}
	if !s.changed {
		return root, nil, nil
	}
	out := tree.NewObject()
	if c := root.Get("@context"); c != nil {
		out.Set("@context", c)
	}
	out.Set("@graph", &tree.Node{Kind: strictjson.Array, Items: s.top})
	return out, s.said, nil
}

// lists3 are the properties that the schema has as lists, also of one.
var lists3 = spec.Set("ai_domain", "ai_finetuningEnergyConsumption", "ai_hyperparameter", "ai_inferenceEnergyConsumption", "ai_metric",
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

// newerSPDX3 copies a document of SPDX 3 as one of another version, in the shape that its specification asks for.
func newerSPDX3(src *tree.Node, was, is string) (*tree.Node, error) {
	shaped, said, err := shape3(src)
	if err != nil {
		return nil, err
	}
	out := tree.Copy(shaped)
	if c := out.Get("@context"); c != nil {
		c.From = append(c.From, said...)
	}
	var each func(name string, n *tree.Node)
	each = func(name string, n *tree.Node) {
		for i, m := range n.Members {
			each(m.Name, m.Value)
			if lists3[m.Name] && m.Value.Kind != strictjson.Array { // which JSON-LD reads as a list of one
				n.Members[i].Value = &tree.Node{Kind: strictjson.Array, Items: []*tree.Node{m.Value}}
			}
		}
		for _, v := range n.Items {
			each(name, v)
		}
		switch rest, ok := strings.CutPrefix(n.Text, spdx3Context+was+"/"); {
		case n.Kind != strictjson.String:
		case name == "specVersion":
			n.Text = is
		case ok:
			n.Text = spdx3Context + is + "/" + rest
		}
	}
	each("", out)
	if c := out.Get("@context"); c != nil && c.Kind != strictjson.String {
		out.Remove("@context")
		leaves := c.Leaves()
		out.Members = slices.Insert(out.Members, 0, tree.Member{Name: "@context",
			Value: tree.NewText(spdx3Context+is+"/spdx-context.jsonld", leaves...)})
	}
	return out, nil
}

func (s *shaper) object(n *tree.Node) *tree.Node {
	out := &tree.Node{Kind: n.Kind, Start: n.Start}
	for _, m := range n.Members {
		if s.left--; s.left < 0 {
			break
		}
		if m.Name != "@context" {
			out.Set(m.Name, s.value(m.Name, m.Value))
		}
	}
	return out
}

// value returns what stands in a property of an object.
func (s *shaper) value(name string, v *tree.Node) *tree.Node {
	switch v.Kind {
	case strictjson.Array:
		if v.Items == nil {
			return v
		}
		out := &tree.Node{Kind: v.Kind, Start: v.Start, Items: make([]*tree.Node, len(v.Items))}
		for i, item := range v.Items {
			if s.left--; s.left < 0 {
				return v
			}
			out.Items[i] = s.value(name, item)
		}
		return out
	case strictjson.String:
		part := s.parts[v.Text]
		if part == nil || !isPart3(name) || s.open[part] {
			return v
		}
		s.changed, s.used[part], s.open[part] = true, true, true
		defer delete(s.open, part)
		s.said = append(s.said, tree.Compact([]*tree.Node{v, id3(part).From})...)
		return s.object(part)
	case strictjson.Object:
		if id := id3(v).From; id != nil && len(v.Members) == 1 { // a reference, as JSON-LD writes it without the context
			s.changed = true
			return s.value(name, id)
		}
		if class := class3(v).S; class != "CreationInfo" && !isElement3(class, v.Get("spdxId") != nil, name) {
			return s.object(v)
		}
		s.changed = true
		lifted := s.object(v)
		s.top = append(s.top, lifted)
		if id := id3(v).From; id != nil {
			return id
		}
		s.creates++
		return lifted.Set("@id", tree.NewText("_:lading"+strconv.Itoa(s.creates)))
	}
	return v
}

// skim reads a value in a property of an element, and looks into it if an element may stand there: one has an id or creation
// information. Looking into every hash would take a tenth of the time of reading.
func (s *spdx3Reader) skim(r *strictjson.Reader, property []byte) {
	if raw := r.Raw(); mayHoldElement(raw) {
		s.look(strictjson.NewReader(raw, strictjson.Limits{Depth: maxDepth}), isPart3(string(property)))
	}
}

// mayHoldElement reports whether a text has "@", an escape, or a name that ends with Id or Info.
func mayHoldElement(raw []byte) bool {
	if bytes.IndexByte(raw, '@') >= 0 || bytes.IndexByte(raw, '\\') >= 0 {
		return true
	}
	for {
		i := bytes.IndexByte(raw, 'I')
		if i < 0 {
			return false
		}
		raw = raw[i+1:]
		if len(raw) > 3 && (raw[0] == 'd' && raw[1] == '"' || string(raw[:4]) == "nfo\"") {
			return true
		}
	}
}

// look reads a value in a property of an element, which may be one whose values are parts, and notes when an element stands
// in it or an object that is only a reference: then the document is read in the shape that its specification asks for.
func (s *spdx3Reader) look(r *strictjson.Reader, part bool) {
	switch r.Kind() {
	case strictjson.Array:
		for range r.Array() {
			s.look(r, part)
		}
	case strictjson.Object:
		class, hasID, named, others := "", false, false, 0
		for name := range r.Object() {
			switch k := r.Kind(); string(name) {
			case "spdxId":
				named, hasID = true, true
			case "@id":
				named = true
			case "@set":
				s.odd = true
				s.look(r, false)
			case "@reverse", "@nest":
				s.refuse(name)
				r.Skip()
			case "type", "@type":
				others++
				if k == strictjson.String {
					class = view(r)
				}
			default:
				others++
				if k == strictjson.Object || k == strictjson.Array {
					s.look(r, isPart3(string(name)))
				}
			}
		}
		s.odd = s.odd || isElementClass3(class) || mayBeTerm3(class) || hasID && !part || named && others == 0
	}
}

// refuse notes a keyword of JSON-LD that says what an element is in a way that nothing here reads.
func (s *spdx3Reader) refuse(keyword []byte) {
	if s.err == nil {
		s.err = fmt.Errorf("%w: %s: write what it holds as members of the elements themselves, as SPDX asks for", strictjson.ErrType,
			keyword)
	}
}

// reshape reads the document anew in the shape that its specification asks for.
func (s *spdx3Reader) reshape() error {
	root, err := tree.Parse(s.d.json)
	if err != nil {
		return err
	}
	shaped, _, err := shape3(root)
	if err != nil {
		return err
	}
	if shaped == root { // parts at the top that nothing refers to
		s.odd = false
		return s.finish()
	}
	*s.d = Document{encoding: s.d.encoding, form: s.d.form, source: s.d.source, json: shaped.Render()}
	return s.d.read()
}
