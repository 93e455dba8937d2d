package sbom

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A vulnerability is what CycloneDX has in its vulnerabilities and SPDX 3 in its security profile.
type vulnerability struct {
	id, description, detail   tree.Text
	source, sourceName        tree.Text // URL, and who gave the id
	cwes                      []*tree.Node
	published, updated        tree.Text
	advisories                []reference
	ratings                   []rating
	state, justification      tree.Text // CycloneDX's words
	note, response, statement tree.Text // of the analysis: detail, what to do
	affects                   []int
	affectsFrom               [][]*tree.Node
	said                      []*tree.Node // leaves that the form of the output says
}

type rating struct {
	method, severity, vector tree.Text
	score                    *tree.Node
	said                     []*tree.Node
	source                   *party // who rates
}

// A vexClass is how SPDX 3 says what CycloneDX calls a state.
type vexClass struct{ state, class, relationship string }

// vexClasses: of those that become the same in SPDX 3, the first is the way back.
var vexClasses = []vexClass{
	{"exploitable", "security_VexAffectedVulnAssessmentRelationship", "affects"},
	{"not_affected", "security_VexNotAffectedVulnAssessmentRelationship", "doesNotAffect"},
	{"false_positive", "security_VexNotAffectedVulnAssessmentRelationship", "doesNotAffect"},
	{"in_triage", "security_VexUnderInvestigationVulnAssessmentRelationship", "underInvestigationFor"},
	{"resolved", "security_VexFixedVulnAssessmentRelationship", "fixedIn"},
	{"resolved_with_pedigree", "security_VexFixedVulnAssessmentRelationship", "fixedIn"},
}

// vexJustifications are SPDX 3's words for CycloneDX's. Back, the first in this order counts.
var vexJustifications = []struct{ cyclonedx, spdx string }{
	{"code_not_present", "vulnerableCodeNotPresent"},
	{"code_not_reachable", "vulnerableCodeNotInExecutePath"},
	{"requires_configuration", "vulnerableCodeCannotBeControlledByAdversary"},
	{"requires_environment", "vulnerableCodeCannotBeControlledByAdversary"},
	{"requires_dependency", "componentNotPresent"},
	{"protected_by_mitigating_control", "inlineMitigationsAlreadyExist"},
	{"protected_by_compiler", "inlineMitigationsAlreadyExist"},
	{"protected_at_runtime", "inlineMitigationsAlreadyExist"},
	{"protected_at_perimeter", "inlineMitigationsAlreadyExist"},
}

// cvssClasses are SPDX 3's classes of ratings by CycloneDX's methods.
var cvssClasses = []struct{ method, class string }{
	{"CVSSv2", "security_CvssV2VulnAssessmentRelationship"},
	{"CVSSv31", "security_CvssV3VulnAssessmentRelationship"},
	{"CVSSv3", "security_CvssV3VulnAssessmentRelationship"},
	{"CVSSv4", "security_CvssV4VulnAssessmentRelationship"},
}

func (h *hub) cycloneDXVulnerabilities(root *tree.Node) {
	for _, n := range root.List("vulnerabilities") {
		analysis := n.Get("analysis")
		v := &vulnerability{id: n.Str("id"), description: n.Str("description"), detail: n.Str("detail"), source: n.Get("source").Str("url"),
			published: n.Str("published"), updated: n.Str("updated"), state: analysis.Str("state"),
			justification: analysis.Str("justification"),
			note:          analysis.Str("detail"), statement: n.Str("recommendation")}
		if !v.statement.OK() {
			v.statement = n.Str("workaround")
		}
		v.sourceName = n.Get("source").Str("name")
		v.cwes = n.List("cwes")
		for _, a := range n.List("advisories") {
			v.advisories = append(v.advisories, reference{kind: tree.Constant("advisories"), url: a.Str("url"), comment: a.Str("title")})
		}
		for _, r := range n.List("ratings") {
			v.ratings = append(v.ratings, rating{r.Str("method"), r.Str("severity"), r.Str("vector"), r.Get("score"), nil,
				cycloneDXParty(r.Get("source"), "Organization")})
		}
		if list := analysis.List("response"); len(list) > 0 && list[0].Kind == strictjson.String {
			v.response = tree.Text{S: list[0].Text, From: list[0]}
		}
		for _, a := range n.List("affects") {
			ref := a.Str("ref")
			if i := h.find(ref.S); i >= 0 {
				v.affects = append(v.affects, i)
				v.affectsFrom = append(v.affectsFrom, []*tree.Node{ref.From})
			} else {
				ref.From.ExplainSelf(tree.Dropped, notDescribed)
			}
		}
		h.vulnerabilities = append(h.vulnerabilities, v)
	}
}

const cwePrefix = "CWE-"

// cweNumber reads the number of a weakness from its name or its page at cwe.mitre.org.
func cweNumber(s string) (string, bool) {
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s, "https://cwe.mitre.org/data/definitions/"), cwePrefix), ".html")
	n, err := strconv.Atoi(s)
	return s, err == nil && n > 0 && strconv.Itoa(n) == s
}

// security writes the vulnerabilities in SPDX 3's security profile.
func (w *writer3) security() {
	for _, v := range w.vulnerabilities {
		if !slices.Contains(w.profiles, "security") {
			w.profiles = append(w.profiles, "security")
		}
		name := cmp.Or(v.id.S, "vulnerability")
		o := w.object("security_Vulnerability", w.iri("Vulnerability-"+name), v.said...)
		o.Put("name", v.id)
		o.Put("description", v.description)
		o.Put("comment", v.detail)
		w.time(o, "security_publishedTime", v.published)
		w.time(o, "security_modifiedTime", v.updated)
		if v.id.OK() {
			kind := "securityOther"
			if strings.HasPrefix(v.id.S, "CVE-") {
				kind = "cve"
			}
			w.identifier(o, kind, tree.Constant(v.id.S), tree.Text{})
			if v.source.OK() {
				o.List("externalIdentifier")[0].Add("identifierLocator", tree.NewText(v.source.S, v.source.From))
			}
			o.List("externalIdentifier")[0].Put("issuingAuthority", v.sourceName)
		}
		for _, a := range v.advisories {
			w.reference(o, a)
		}
		for _, n := range v.cwes {
			if n.IsLeaf() && n.Kind == strictjson.Number {
				w.reference(o, reference{kind: tree.Constant("cwe"), url: tree.Text{S: cwePrefix + n.Text, From: n}})
			}
		}
		w.vex(o.Str("spdxId").S, v)
		for _, r := range v.ratings {
			w.rating(o.Str("spdxId").S, v, r)
		}
	}
}

// time writes a time that need not be there.
func (w *writer3) time(o *tree.Node, name string, t tree.Text) {
	if !t.OK() {
		return
	}
	s, ok := spec.UTC(t.S)
	if !ok {
		t.From.ExplainSelf(tree.Dropped, "no date and time of RFC 3339")
		return
	}
	if s != t.S {
		t.From.ExplainSelf(tree.Changed, "SPDX gives times in UTC, to the second")
	}
	o.Set(name, tree.NewText(s, t.From))
}

func (w *writer3) assessment(class, kind, id string, v *vulnerability, from ...*tree.Node) *tree.Node {
	w.count++
	o := w.object(class, w.iri("Assessment-"+strconv.Itoa(w.count)))
	o.Set("from", tree.NewText(id))
	o.Set("relationshipType", tree.NewText(kind, from...))
	for i, e := range v.affects {
		o.Add("to", tree.NewText(w.out[e], slices.Clone(v.affectsFrom[i])...))
	}
	return o
}

// vex writes what was found out about what a vulnerability affects.
func (w *writer3) vex(id string, v *vulnerability) {
	i := slices.IndexFunc(vexClasses, func(c vexClass) bool { return c.state == v.state.S })
	if len(v.affects) == 0 {
		v.state.From.ExplainSelf(tree.Dropped, "SPDX says it of what is affected, and nothing here is")
		return
	}
	if i < 0 {
		for k, e := range v.affects {
			w.relation(w.out[e], v.affectsFrom[k], "hasAssociatedVulnerability", "", nil, id, nil)
		}
		return
	}
	c := vexClasses[i]
	o := w.assessment(c.class, c.relationship, id, v, v.state.From)
	if back := vexClasses[slices.IndexFunc(vexClasses, func(b vexClass) bool { return b.class == c.class })]; back.state != c.state {
		v.state.From.ExplainSelf(tree.Changed, "SPDX 3 has one word for this state and "+back.state)
	}
	switch c.relationship {
	case "affects":
		action := v.statement
		if !action.OK() {
			action = v.response
		}
		if !action.OK() {
			action = tree.Constant("none given")
			w.add("/@graph", "SPDX wants to know what to do about what is affected; the input does not say")
		}
		o.Put("security_actionStatement", action)
	case "doesNotAffect":
		for _, j := range vexJustifications {
			if j.cyclonedx == v.justification.S {
				o.Set("security_justificationType", tree.NewText(j.spdx, v.justification.From))
				v.justification.From.ExplainSelf(tree.Changed, "SPDX has words of its own for justifications")
			}
		}
		if o.Get("security_justificationType") == nil && v.note.OK() {
			o.Put("security_impactStatement", v.note)
			return
		}
	}
	o.Put("security_statusNotes", v.note)
}

// rating writes a CVSS score; SPDX has no other ratings by method.
func (w *writer3) rating(id string, v *vulnerability, r rating) {
	class := ""
	for _, c := range cvssClasses {
		if c.method == r.method.S {
			class = c.class
		}
	}
	why := ""
	switch {
	case r.method.S == "SSVC":
		why = "SPDX 3 has SSVC by its decision, which CycloneDX does not say"
	case class == "":
		why = "SPDX 3 has no ratings by this method"
	case r.score == nil || r.score.Kind != strictjson.Number || !r.vector.OK():
		why = "SPDX 3 wants a score and a vector"
	case len(v.affects) == 0:
		why = "SPDX says it of what is affected, and nothing here is"
	}
	if why != "" {
		for _, n := range []*tree.Node{r.method.From, r.severity.From, r.vector.From, r.score} {
			n.ExplainSelf(tree.Dropped, why)
		}
		return
	}
	o := w.assessment(class, "hasAssessmentFor", id, v, r.method.From)
	if r.method.S == "CVSSv3" {
		r.method.From.ExplainSelf(tree.Changed, "SPDX 3 has one class for CVSS 3.0 and 3.1, and the vector says which")
	}
	score := tree.NewLiteral(r.score.Text)
	score.From = []*tree.Node{r.score}
	o.Set("security_score", score)
	o.Put("security_vectorString", r.vector)
	if r.source.named() {
		o.Set("suppliedBy", tree.NewText(w.agent(r.source, "Organization")))
	}
	if class == cvssClasses[0].class {
		r.severity.From.ExplainSelf(tree.Dropped, "SPDX 3 has no severity for CVSS 2")
		return
	}
	severity := r.severity
	if !slices.Contains([]string{"critical", "high", "medium", "low", "none"}, severity.S) {
		severity.From.ExplainSelf(tree.Dropped, "SPDX 3 has no such severity")
		severity = tree.Constant("none")
		w.add("/@graph", "SPDX wants a severity; none where the input gives none that it knows")
	}
	o.Put("security_severity", severity)
}

// security reads SPDX 3's security profile.
func (r *reader3) security() {
	byID := map[string]*vulnerability{}
	assessments := r.assessments
	for _, n := range assessments {
		if class3(n).S != "security_Vulnerability" {
			continue
		}
		v := &vulnerability{id: n.Str("name"), description: n.Str("description"), detail: n.Str("comment"),
			published: n.Str("security_publishedTime"), updated: n.Str("security_modifiedTime"),
			said: tree.Compact([]*tree.Node{class3(n).From, id3(n).From})}
		for _, x := range tree.ListOrOne(n.Get("externalIdentifier")) {
			id := x.Str("identifier")
			if v.id.OK() && v.id.S != id.S {
				continue
			}
			v.said = append(v.said, tree.Compact([]*tree.Node{class3(x).From, x.Str("externalIdentifierType").From})...)
			if v.id.OK() {
				v.said = append(v.said, id.From)
			} else {
				v.id = id
			}
			if !v.sourceName.OK() {
				v.sourceName = x.Str("issuingAuthority")
			}
			for _, l := range tree.ListOrOne(x.Get("identifierLocator")) {
				if !v.source.OK() {
					v.source = tree.Text{S: l.Text, From: l}
				} else {
					v.advisories = append(v.advisories, reference{kind: tree.Constant("advisories"), url: tree.Text{S: l.Text, From: l}})
				}
			}
		}
		for _, x := range tree.ListOrOne(n.Get("externalRef")) {
			for _, l := range tree.ListOrOne(x.Get("locator")) {
				if number, ok := cweNumber(l.Text); ok && x.Str("externalRefType").S == "cwe" {
					l.ExplainSelf(tree.Changed, "CycloneDX has the numbers of weaknesses")
					v.cwes = append(v.cwes, &tree.Node{Kind: strictjson.Number, Text: number,
						From: append(tree.Compact([]*tree.Node{class3(x).From, x.Str("externalRefType").From}), l)})
					continue
				}
				v.advisories = append(v.advisories, reference{kind: x.Str("externalRefType"), url: tree.Text{S: l.Text, From: l},
					comment: x.Str("comment")})
				v.said = append(v.said, tree.Compact([]*tree.Node{class3(x).From, x.Str("externalRefType").From})...)
			}
		}
		byID[id3(n).S] = v
		r.vulnerabilities = append(r.vulnerabilities, v)
	}
	others := map[*vulnerability][]*vulnerability{}
	for _, n := range assessments {
		if v := byID[n.Str("from").S]; v != nil {
			r.assessment(n, r.variant(v, n, others))
		}
	}
	for v, list := range others {
		for _, o := range list {
			o.ratings = v.ratings
		}
	}
	r.edges = slices.DeleteFunc(r.edges, func(e edge) bool {
		v := byID[e.toText.S]
		if e.kind != "HAS_ASSOCIATED_VULNERABILITY" || v == nil || e.from < 0 {
			return false
		}
		r.affect(v, e.from, append(slices.Clone(e.also), e.fromText.From, e.toText.From)...)
		return true
	})
}

// variant returns the vulnerability that an assessment belongs to: CycloneDX analyses a vulnerability once, so that one that is
// fixed in one component and affects another is listed twice.
func (r *reader3) variant(v *vulnerability, n *tree.Node, others map[*vulnerability][]*vulnerability) *vulnerability {
	state := ""
	for _, c := range vexClasses {
		if c.class == class3(n).S && state == "" {
			state = c.state
		}
	}
	note := n.Str("security_statusNotes")
	if !note.OK() {
		note = n.Str("security_impactStatement")
	}
	same := func(o *vulnerability) bool {
		return o.state.S == state && o.statement.S == n.Str("security_actionStatement").S && o.note.S == note.S
	}
	if state == "" || !v.state.OK() || same(v) {
		return v
	}
	for _, o := range others[v] {
		if same(o) {
			return o
		}
	}
	o := &vulnerability{id: v.id, description: v.description, detail: v.detail, source: v.source, sourceName: v.sourceName,
		cwes: v.cwes, published: v.published,
		updated: v.updated, advisories: v.advisories}
	others[v] = append(others[v], o)
	r.vulnerabilities = append(r.vulnerabilities, o)
	return o
}

func (r *reader3) affect(v *vulnerability, element int, from ...*tree.Node) {
	if i := slices.Index(v.affects, element); i >= 0 {
		v.affectsFrom[i] = append(v.affectsFrom[i], tree.Compact(from)...)
		return
	}
	v.affects = append(v.affects, element)
	v.affectsFrom = append(v.affectsFrom, tree.Compact(from))
}

// assessment reads what is said of one vulnerability: a score, or what it affects.
func (r *reader3) assessment(n *tree.Node, v *vulnerability) {
	class := class3(n)
	said := tree.Compact([]*tree.Node{class.From, id3(n).From, n.Str("from").From, n.Str("relationshipType").From})
	var rated, known bool
	for _, c := range cvssClasses {
		if c.class == class.S && !rated {
			v.ratings = append(v.ratings, rating{tree.Text{S: c.method, From: class.From}, n.Str("security_severity"),
				n.Str("security_vectorString"), n.Get("security_score"), said, r.agent(n.Get("suppliedBy"))})
			rated = true
		}
	}
	for _, c := range vexClasses {
		if c.class != class.S || known {
			continue
		}
		known = true
		if v.state.OK() { // said of one more component
			for _, name := range []string{"security_actionStatement", "security_statusNotes", "security_impactStatement",
				"security_justificationType"} {
				v.said = append(v.said, tree.Compact([]*tree.Node{n.Str(name).From})...)
			}
			v.said = append(v.said, said...)
			continue
		}
		v.state = tree.Text{S: c.state, From: class.From}
		v.statement, v.note = n.Str("security_actionStatement"), n.Str("security_statusNotes")
		if !v.note.OK() {
			v.note = n.Str("security_impactStatement")
		}
		for _, j := range vexJustifications {
			if t := n.Str("security_justificationType"); t.S == j.spdx && t.OK() && !v.justification.OK() {
				v.justification = tree.Text{S: j.cyclonedx, From: t.From}
				t.From.ExplainSelf(tree.Changed, "CycloneDX has words of its own for justifications")
			}
		}
		v.said = append(v.said, said...)
	}
	if !rated && !known {
		return
	}
	for _, to := range tree.ListOrOne(n.Get("to")) {
		if i, ok := r.indexOf[to.Text]; ok {
			r.affect(v, i, to)
		}
	}
}

func (h *hub) writeCycloneDXVulnerabilities(root *tree.Node) {
	for _, v := range h.vulnerabilities {
		o := root.Add("vulnerabilities", tree.NewObject())
		id := o.Set("id", tree.NewText(cmp.Or(v.id.S, "unknown"), append(v.said, v.id.From)...))
		if v.source.OK() || v.sourceName.OK() {
			s := o.Set("source", tree.NewObject())
			s.Put("url", v.source)
			s.Put("name", v.sourceName)
		}
		for _, r := range v.ratings {
			x := o.Add("ratings", tree.NewObject())
			if r.score != nil && r.score.IsLeaf() {
				score := tree.NewLiteral(r.score.Text)
				score.From = []*tree.Node{r.score}
				x.Set("score", score)
			}
			x.Put("severity", r.severity)
			x.Set("method", tree.NewText(r.method.S, append(r.said, r.method.From)...))
			x.Put("vector", r.vector)
			if r.source.named() {
				x.Set("source", tree.NewObject()).Set("name", tree.NewText(r.source.name.S, append(slices.Clone(r.source.also),
					r.source.name.From)...))
			}
		}
		for _, n := range v.cwes {
			c := *n
			o.Add("cwes", &c)
		}
		o.Put("description", v.description)
		o.Put("detail", v.detail)
		o.Put("recommendation", v.statement)
		for _, a := range v.advisories {
			x := o.Add("advisories", tree.NewObject())
			x.Put("title", a.comment)
			x.Put("url", a.url)
		}
		o.Put("published", v.published)
		o.Put("updated", v.updated)
		if v.state.OK() {
			analysis := o.Set("analysis", tree.NewObject())
			analysis.Put("state", v.state)
			analysis.Put("justification", v.justification)
			analysis.Put("detail", v.note)
		}
		for i, e := range v.affects {
			if ref := h.elements[e].id; ref.OK() {
				o.Add("affects", tree.NewObject()).Set("ref", tree.NewText(ref.S, v.affectsFrom[i]...))
			} else {
				id.From = append(id.From, v.affectsFrom[i]...)
			}
		}
	}
}
