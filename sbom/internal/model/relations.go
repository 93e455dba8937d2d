package model

import "strings"

// A Relation is a type of relationship, as SPDX 2 writes it.
type Relation string

// A Relation3 is a type of relationship of SPDX 2.3 (clause 11.1) as SPDX 3.0.1 writes it (annex "Differences between V3.0
// and V2.3", Relationship).
type Relation3 struct {
	Two    Relation
	Three  string
	Scope  string // of a LifecycleScopedRelationship
	Turned bool   // from and to change places
}

// Relations3 are all types of SPDX 2.3 but for those that are read as another one: see reversed. Of those that become the
// same in SPDX 3, the first is the way back. STATIC_LINK and DYNAMIC_LINK go the same way in both by their definitions.
var Relations3 = []Relation3{
	{"DEPENDS_ON", "dependsOn", "", false},
	{"BUILD_DEPENDENCY_OF", "dependsOn", "build", true},
	{"DEV_DEPENDENCY_OF", "dependsOn", "development", true},
	{"RUNTIME_DEPENDENCY_OF", "dependsOn", "runtime", true},
	{"TEST_DEPENDENCY_OF", "dependsOn", "test", true},
	{"OPTIONAL_DEPENDENCY_OF", "hasOptionalDependency", "", true},
	{"PROVIDED_DEPENDENCY_OF", "hasProvidedDependency", "", true},
	{"HAS_PREREQUISITE", "hasPrerequisite", "", false},
	{"BUILD_TOOL_OF", "usesTool", "build", true},
	{"DEV_TOOL_OF", "usesTool", "development", true},
	{"TEST_TOOL_OF", "usesTool", "test", true},
	{"STATIC_LINK", "hasStaticLink", "", false},
	{"DYNAMIC_LINK", "hasDynamicLink", "", false},
	{"CONTAINS", "contains", "", false},
	{"DESCRIBES", "describes", "", false},
	{"AMENDS", "amendedBy", "", true},
	{"ANCESTOR_OF", "ancestorOf", "", false},
	{"DESCENDANT_OF", "descendantOf", "", false},
	{"COPY_OF", "copiedTo", "", true},
	{"VARIANT_OF", "hasVariant", "", true},
	{"PATCH_FOR", "patchedBy", "", true},
	{"PATCH_APPLIED", "patchedBy", "", true},
	{"FILE_ADDED", "hasAddedFile", "", true},
	{"FILE_DELETED", "hasDeletedFile", "", true},
	{"FILE_MODIFIED", "modifiedBy", "", false},
	{"EXPANDED_FROM_ARCHIVE", "expandsTo", "", true},
	{"GENERATES", "generates", "", false},
	{"GENERATED_FROM", "generates", "", true},
	{"DATA_FILE_OF", "hasDataFile", "", true},
	{"DEPENDENCY_MANIFEST_OF", "hasDependencyManifest", "", true},
	{"DISTRIBUTION_ARTIFACT", "hasDistributionArtifact", "", false},
	{"DOCUMENTATION_OF", "hasDocumentation", "", true},
	{"EXAMPLE_OF", "hasExample", "", true},
	{"METAFILE_OF", "hasMetadata", "", true},
	{"OPTIONAL_COMPONENT_OF", "hasOptionalComponent", "", true},
	{"PACKAGE_OF", "packagedBy", "", true},
	{"REQUIREMENT_DESCRIPTION_FOR", "hasRequirement", "", true},
	{"SPECIFICATION_FOR", "hasSpecification", "", true},
	{"TEST_OF", "hasTest", "", true},
	{"TEST_CASE_OF", "hasTestCase", "", true},
	{"OTHER", "other", "", false},
}

// ToSPDX3 and backFromSPDX3 are relations3 by either name.
var ToSPDX3, BackFromSPDX3 = func() (map[Relation]Relation3, map[[2]string]Relation3) {
	to, back := map[Relation]Relation3{}, map[[2]string]Relation3{}
	for _, r := range Relations3 {
		to[r.Two] = r
		if _, ok := back[[2]string{r.Three, r.Scope}]; !ok {
			back[[2]string{r.Three, r.Scope}] = r
		}
	}
	return to, back
}()

// FromSPDX3 returns a type of SPDX 3, such as dependsOn, as SPDX 2 has it, and whether the relationship is turned round for
// it. What SPDX 2 has no word for is written as SPDX 2 would write it, in capitals.
func FromSPDX3(kind, scope string) (t Relation, turned bool) {
	r, ok := BackFromSPDX3[[2]string{kind, scope}]
	if !ok {
		if r, ok = BackFromSPDX3[[2]string{kind, ""}]; !ok {
			return capitals(kind), false
		}
	}
	return r.Two, r.Turned
}

// capitals writes usesTool as USES_TOOL.
func capitals(kind string) Relation {
	var b strings.Builder
	for _, c := range kind {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(c)
	}
	return Relation(strings.ToUpper(b.String()))
}

// Reversed are the relationship types of SPDX 2 that say the same as another one, the other way round.
var Reversed = map[string]Relation{
	"DEPENDENCY_OF":    DependsOn,
	"CONTAINED_BY":     Contains,
	"DESCRIBED_BY":     Describes,
	"PREREQUISITE_FOR": prerequisite,
}

const (
	DependsOn    Relation = "DEPENDS_ON"
	Contains     Relation = "CONTAINS"
	Describes    Relation = "DESCRIBES"
	prerequisite Relation = "HAS_PREREQUISITE"
	OptionalFor  Relation = "OPTIONAL_DEPENDENCY_OF"
)

// Needing says of a type of relationship whether one end needs the other, at run time or on another occasion, and whether the
// one that needs is the second.
func Needing(t Relation) (needs, turned bool) {
	switch t {
	case DependsOn, prerequisite, "STATIC_LINK", "DYNAMIC_LINK", "USES_TOOL":
		return true, false
	}
	return toolOrDependency(string(t)), true
}

func toolOrDependency(t string) bool {
	return strings.HasSuffix(t, "_DEPENDENCY_OF") || strings.HasSuffix(t, "_TOOL_OF")
}
