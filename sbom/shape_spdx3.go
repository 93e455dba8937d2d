package sbom

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
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
		"Organization", "Person", "Relationship", "SoftwareAgent", "SpdxDocument", "Tool", "dataset_DatasetPackage", "expandedlicensing_ConjunctiveLicenseSet",
		"expandedlicensing_CustomLicense", "expandedlicensing_CustomLicenseAddition", "expandedlicensing_DisjunctiveLicenseSet",
		"expandedlicensing_IndividualLicensingInfo", "expandedlicensing_ListedLicense", "expandedlicensing_ListedLicenseException",
		"expandedlicensing_OrLaterOperator", "expandedlicensing_WithAdditionOperator", "security_CvssV2VulnAssessmentRelationship",
		"security_CvssV3VulnAssessmentRelationship", "security_CvssV4VulnAssessmentRelationship", "security_EpssVulnAssessmentRelationship",
		"security_ExploitCatalogVulnAssessmentRelationship", "security_SsvcVulnAssessmentRelationship", "security_VexAffectedVulnAssessmentRelationship",
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
	case "Hash", "PackageVerificationCode", "ExternalIdentifier", "ExternalRef", "ExternalMap", "NamespaceMap", "PositiveIntegerRange", "DictionaryEntry",
		"ai_EnergyConsumption", "ai_EnergyConsumptionDescription", "software_ContentIdentifier", "extension_CdxPropertiesExtension", "extension_CdxPropertyEntry":
		return true
	}
	return false
}

// isPart3 knows the properties whose values are no elements and belong to the element that they stand in.
func isPart3(property string) bool {
	switch property {
	case "verifiedUsing", "externalIdentifier", "externalRef", "import", "namespaceMap", "extension", "software_contentIdentifier",
		"build_configSourceDigest", "build_environment", "build_parameter", "simplelicensing_customIdToUri", "extension_cdxProperty",
		"software_byteRange", "software_lineRange", "ai_energyConsumption", "ai_finetuningEnergyConsumption", "ai_inferenceEnergyConsumption",
		"ai_trainingEnergyConsumption", "ai_hyperparameter", "ai_metric", "ai_metricDecisionThreshold", "dataset_sensor":
		return true
	}
	return false
}

// id3 and class3 are what a node of SPDX 3 is called and what it is, by either of the names that its context has.
func id3(n *node) text {
	if t := n.str("spdxId"); t.ok() {
		return t
	}
	return n.str("@id")
}

func class3(n *node) text {
	if t := n.str("type"); t.ok() {
		return t
	}
	return n.str("@type")
}

// elements3 returns what stands at the top of a document: what is beside @graph says something too, as one more node.
func elements3(root *node) []*node {
	g := root.get("@graph")
	if g == nil {
		return []*node{root}
	}
	beside := &node{kind: root.kind, start: root.start}
	for _, m := range root.members {
		if m.name != "@graph" && m.name != "@context" {
			beside.members = append(beside.members, m)
		}
	}
	if beside.members == nil {
		return listOrOne(g)
	}
	return append(slices.Clone(listOrOne(g)), beside)
}

// isElement3 reports whether an object that stands in a property of another one is an element.
func isElement3(class string, hasID bool, property string) bool {
	return isElementClass3(class) || hasID && !isPart3(property)
}

// A shaper brings a document to the shape that its specification asks for.
type shaper struct {
	parts   map[string]*node // at the top that are no elements, by their ids
	used    map[*node]bool   // of these, what has been put where it belongs
	open    map[*node]bool   // of these, what is being put there
	said    []*node          // leaves that only hold the shape together
	top     []*node
	creates int
	left    int // how many values may still be written: parts that refer to parts could grow without end
	changed bool
}

// shape3 returns a document in the one shape, and the leaves of the input that hold together only the shape that it had.
// All other leaves are the input's own. A document that has the shape is returned as it is.
func shape3(root *node) (*node, []*node, error) {
	s := &shaper{parts: map[string]*node{}, used: map[*node]bool{}, open: map[*node]bool{}, left: 1000}
	elements := elements3(s.shorten(root))
	s.changed = s.changed || len(root.members) > 2 && root.get("@graph") != nil
	for _, n := range elements {
		s.left += 4 * n.count()
		if class := class3(n).s; n.kind == strictjson.Object && !isElementClass3(class) && class != "CreationInfo" && (n.get("spdxId") == nil || isPartClass3(class)) {
			if id := id3(n).s; id != "" && s.parts[id] == nil {
				s.parts[id] = n
			}
		}
	}
	for _, n := range elements {
		if n.kind == strictjson.Object && s.parts[id3(n).s] != n {
			s.top = append(s.top, s.object(n))
		}
	}
	for _, n := range elements {
		if n.kind == strictjson.Object && s.parts[id3(n).s] == n && !s.used[n] {
			s.top = append(s.top, n)
		}
	}
	if s.left < 0 {
		return nil, nil, fmt.Errorf("%w: hashes and identifiers that are given by reference stand in too many places", ErrLimit)
	}
	if !s.changed {
		return root, nil, nil
	}
	out := newObject()
	if c := root.get("@context"); c != nil {
		out.set("@context", c)
	}
	out.set("@graph", &node{kind: strictjson.Array, items: s.top})
	return out, s.said, nil
}

// lists3 are the properties that the schema has as lists, also of one.
var lists3 = set("ai_domain", "ai_finetuningEnergyConsumption", "ai_hyperparameter", "ai_inferenceEnergyConsumption", "ai_metric", "ai_metricDecisionThreshold",
	"ai_modelDataPreprocessing", "ai_modelExplainability", "ai_standardCompliance", "ai_trainingEnergyConsumption", "ai_typeOfModel", "build_configSourceDigest",
	"build_configSourceEntrypoint", "build_configSourceUri", "build_environment", "build_parameter", "createdBy", "createdUsing",
	"dataset_anonymizationMethodUsed", "dataset_dataPreprocessing", "dataset_datasetType", "dataset_knownBias", "dataset_sensor", "element",
	"expandedlicensing_member", "expandedlicensing_seeAlso", "extension", "extension_cdxProperty", "externalIdentifier", "externalRef", "identifierLocator",
	"import", "locator", "namespaceMap", "originatedBy", "packageVerificationCodeExcludedFile", "profileConformance", "rootElement",
	"simplelicensing_customIdToUri", "software_additionalPurpose", "software_attributionText", "software_contentIdentifier", "software_sbomType",
	"standardName", "supportLevel", "to", "verifiedUsing")

// newerSPDX3 copies a document of SPDX 3 as one of another version, in the shape that its specification asks for.
func newerSPDX3(src *node, was, is string) (*node, error) {
	shaped, said, err := shape3(src)
	if err != nil {
		return nil, err
	}
	out := copyTree(shaped)
	if c := out.get("@context"); c != nil {
		c.from = append(c.from, said...)
	}
	var each func(name string, n *node)
	each = func(name string, n *node) {
		for i, m := range n.members {
			each(m.name, m.value)
			if lists3[m.name] && m.value.kind != strictjson.Array { // which JSON-LD reads as a list of one
				n.members[i].value = &node{kind: strictjson.Array, items: []*node{m.value}}
			}
		}
		for _, v := range n.items {
			each(name, v)
		}
		switch rest, ok := strings.CutPrefix(n.text, spdx3Context+was+"/"); {
		case n.kind != strictjson.String:
		case name == "specVersion":
			n.text = is
		case ok:
			n.text = spdx3Context + is + "/" + rest
		}
	}
	each("", out)
	if c := out.get("@context"); c != nil && c.kind != strictjson.String {
		out.remove("@context")
		leaves := c.leaves()
		out.members = slices.Insert(out.members, 0, member{"@context", newText(spdx3Context+is+"/spdx-context.jsonld", leaves...)})
	}
	return out, nil
}

// count is how many values there are below n, and n.
func (n *node) count() int {
	sum := 1
	for _, m := range n.members {
		sum += m.value.count()
	}
	for _, v := range n.items {
		sum += v.count()
	}
	return sum
}

func (s *shaper) object(n *node) *node {
	out := &node{kind: n.kind, start: n.start}
	for _, m := range n.members {
		if s.left--; s.left < 0 {
			break
		}
		if m.name != "@context" {
			out.set(m.name, s.value(m.name, m.value))
		}
	}
	return out
}

// value returns what stands in a property of an object.
func (s *shaper) value(name string, v *node) *node {
	switch v.kind {
	case strictjson.Array:
		if v.items == nil {
			return v
		}
		out := &node{kind: v.kind, start: v.start, items: make([]*node, len(v.items))}
		for i, item := range v.items {
			if s.left--; s.left < 0 {
				return v
			}
			out.items[i] = s.value(name, item)
		}
		return out
	case strictjson.String:
		part := s.parts[v.text]
		if part == nil || !isPart3(name) || s.open[part] {
			return v
		}
		s.changed, s.used[part], s.open[part] = true, true, true
		defer delete(s.open, part)
		s.said = append(s.said, compactNodes([]*node{v, id3(part).src})...)
		return s.object(part)
	case strictjson.Object:
		if id := id3(v).src; id != nil && len(v.members) == 1 { // a reference, as JSON-LD writes it without the context
			s.changed = true
			return s.value(name, id)
		}
		if class := class3(v).s; class != "CreationInfo" && !isElement3(class, v.get("spdxId") != nil, name) {
			return s.object(v)
		}
		s.changed = true
		lifted := s.object(v)
		s.top = append(s.top, lifted)
		if id := id3(v).src; id != nil {
			return id
		}
		s.creates++
		return lifted.set("@id", newText("_:lading"+strconv.Itoa(s.creates)))
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
		s.err = fmt.Errorf("%w: %s: write what it holds as members of the elements themselves, as SPDX asks for", strictjson.ErrType, keyword)
	}
}

// reshape reads the document anew in the shape that its specification asks for.
func (s *spdx3Reader) reshape() error {
	root, err := parseTree(s.d.json)
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
	*s.d = Document{encoding: s.d.encoding, form: s.d.form, source: s.d.source, json: shaped.render()}
	return s.d.read()
}
