package sbom

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
)

// A vulnerability is what CycloneDX has in its vulnerabilities and SPDX 3 in its security profile.
type vulnerability struct {
	id, description, detail   text
	source, sourceName        text // URL, and who gave the id
	cwes                      []*node
	published, updated        text
	advisories                []reference
	ratings                   []rating
	state, justification      text // CycloneDX's words
	note, response, statement text // of the analysis: detail, what to do
	affects                   []int
	affectsFrom               [][]*node
	said                      []*node // leaves that the form of the output says
}

type rating struct {
	method, severity, vector text
	score                    *node
	said                     []*node
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

func (h *hub) cycloneDXVulnerabilities(root *node) {
	for _, n := range root.list("vulnerabilities") {
		analysis := n.get("analysis")
		v := &vulnerability{id: n.str("id"), description: n.str("description"), detail: n.str("detail"), source: n.get("source").str("url"),
			published: n.str("published"), updated: n.str("updated"), state: analysis.str("state"), justification: analysis.str("justification"),
			note: analysis.str("detail"), statement: n.str("recommendation")}
		if !v.statement.ok() {
			v.statement = n.str("workaround")
		}
		v.sourceName = n.get("source").str("name")
		v.cwes = n.list("cwes")
		for _, a := range n.list("advisories") {
			v.advisories = append(v.advisories, reference{kind: said("advisories"), url: a.str("url"), comment: a.str("title")})
		}
		for _, r := range n.list("ratings") {
			v.ratings = append(v.ratings, rating{r.str("method"), r.str("severity"), r.str("vector"), r.get("score"), nil,
				cycloneDXParty(r.get("source"), "Organization")})
		}
		if list := analysis.list("response"); len(list) > 0 && list[0].kind == strictjson.String {
			v.response = text{list[0].text, list[0]}
		}
		for _, a := range n.list("affects") {
			ref := a.str("ref")
			if i := h.find(ref.s); i >= 0 {
				v.affects = append(v.affects, i)
				v.affectsFrom = append(v.affectsFrom, []*node{ref.src})
			} else {
				ref.src.explainSelf(Dropped, notDescribed)
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
		name := cmp.Or(v.id.s, "vulnerability")
		o := w.object("security_Vulnerability", w.iri("Vulnerability-"+name), v.said...)
		o.put("name", v.id)
		o.put("description", v.description)
		o.put("comment", v.detail)
		w.time(o, "security_publishedTime", v.published)
		w.time(o, "security_modifiedTime", v.updated)
		if v.id.ok() {
			kind := "securityOther"
			if strings.HasPrefix(v.id.s, "CVE-") {
				kind = "cve"
			}
			w.identifier(o, kind, said(v.id.s), text{})
			if v.source.ok() {
				o.list("externalIdentifier")[0].add("identifierLocator", newText(v.source.s, v.source.src))
			}
			o.list("externalIdentifier")[0].put("issuingAuthority", v.sourceName)
		}
		for _, a := range v.advisories {
			w.reference(o, a)
		}
		for _, n := range v.cwes {
			if n.leaf() && n.kind == strictjson.Number {
				w.reference(o, reference{kind: said("cwe"), url: text{cwePrefix + n.text, n}})
			}
		}
		w.vex(o.str("spdxId").s, v)
		for _, r := range v.ratings {
			w.rating(o.str("spdxId").s, v, r)
		}
	}
}

// time writes a time that need not be there.
func (w *writer3) time(o *node, name string, t text) {
	if !t.ok() {
		return
	}
	at, err := time.Parse(time.RFC3339, t.s)
	if err != nil {
		t.src.explainSelf(Dropped, "no date and time of RFC 3339")
		return
	}
	s := at.UTC().Format("2006-01-02T15:04:05Z")
	if s != t.s {
		t.src.explainSelf(Changed, "SPDX gives times in UTC, to the second")
	}
	o.set(name, newText(s, t.src))
}

func (w *writer3) assessment(class, kind, id string, v *vulnerability, from ...*node) *node {
	w.count++
	o := w.object(class, w.iri("Assessment-"+strconv.Itoa(w.count)))
	o.set("from", newText(id))
	o.set("relationshipType", newText(kind, from...))
	for i, e := range v.affects {
		o.add("to", newText(w.out[e], slices.Clone(v.affectsFrom[i])...))
	}
	return o
}

// vex writes what was found out about what a vulnerability affects.
func (w *writer3) vex(id string, v *vulnerability) {
	i := slices.IndexFunc(vexClasses, func(c vexClass) bool { return c.state == v.state.s })
	if len(v.affects) == 0 {
		v.state.src.explainSelf(Dropped, "SPDX says it of what is affected, and nothing here is")
		return
	}
	if i < 0 {
		for k, e := range v.affects {
			w.relation(w.out[e], v.affectsFrom[k], "hasAssociatedVulnerability", "", nil, id, nil)
		}
		return
	}
	c := vexClasses[i]
	o := w.assessment(c.class, c.relationship, id, v, v.state.src)
	if back := vexClasses[slices.IndexFunc(vexClasses, func(b vexClass) bool { return b.class == c.class })]; back.state != c.state {
		v.state.src.explainSelf(Changed, "SPDX 3 has one word for this state and "+back.state)
	}
	switch c.relationship {
	case "affects":
		action := v.statement
		if !action.ok() {
			action = v.response
		}
		if !action.ok() {
			action = said("none given")
			w.add("/@graph", "SPDX wants to know what to do about what is affected; the input does not say")
		}
		o.put("security_actionStatement", action)
	case "doesNotAffect":
		for _, j := range vexJustifications {
			if j.cyclonedx == v.justification.s {
				o.set("security_justificationType", newText(j.spdx, v.justification.src))
				v.justification.src.explainSelf(Changed, "SPDX has words of its own for justifications")
			}
		}
		if o.get("security_justificationType") == nil && v.note.ok() {
			o.put("security_impactStatement", v.note)
			return
		}
	}
	o.put("security_statusNotes", v.note)
}

// rating writes a CVSS score; SPDX has no other ratings by method.
func (w *writer3) rating(id string, v *vulnerability, r rating) {
	class := ""
	for _, c := range cvssClasses {
		if c.method == r.method.s {
			class = c.class
		}
	}
	why := ""
	switch {
	case r.method.s == "SSVC":
		why = "SPDX 3 has SSVC by its decision, which CycloneDX does not say"
	case class == "":
		why = "SPDX 3 has no ratings by this method"
	case r.score == nil || r.score.kind != strictjson.Number || !r.vector.ok():
		why = "SPDX 3 wants a score and a vector"
	case len(v.affects) == 0:
		why = "SPDX says it of what is affected, and nothing here is"
	}
	if why != "" {
		for _, n := range []*node{r.method.src, r.severity.src, r.vector.src, r.score} {
			n.explainSelf(Dropped, why)
		}
		return
	}
	o := w.assessment(class, "hasAssessmentFor", id, v, r.method.src)
	if r.method.s == "CVSSv3" {
		r.method.src.explainSelf(Changed, "SPDX 3 has one class for CVSS 3.0 and 3.1, and the vector says which")
	}
	score := newLiteral(r.score.text)
	score.from = []*node{r.score}
	o.set("security_score", score)
	o.put("security_vectorString", r.vector)
	if r.source.named() {
		o.set("suppliedBy", newText(w.agent(r.source, "Organization")))
	}
	if class == cvssClasses[0].class {
		r.severity.src.explainSelf(Dropped, "SPDX 3 has no severity for CVSS 2")
		return
	}
	severity := r.severity
	if !slices.Contains([]string{"critical", "high", "medium", "low", "none"}, severity.s) {
		severity.src.explainSelf(Dropped, "SPDX 3 has no such severity")
		severity = said("none")
		w.add("/@graph", "SPDX wants a severity; none where the input gives none that it knows")
	}
	o.put("security_severity", severity)
}

// security reads SPDX 3's security profile.
func (r *reader3) security() {
	byID := map[string]*vulnerability{}
	assessments := r.assessments
	for _, n := range assessments {
		if class3(n).s != "security_Vulnerability" {
			continue
		}
		v := &vulnerability{id: n.str("name"), description: n.str("description"), detail: n.str("comment"),
			published: n.str("security_publishedTime"), updated: n.str("security_modifiedTime"), said: compactNodes([]*node{class3(n).src, id3(n).src})}
		for _, x := range listOrOne(n.get("externalIdentifier")) {
			id := x.str("identifier")
			if v.id.ok() && v.id.s != id.s {
				continue
			}
			v.said = append(v.said, compactNodes([]*node{class3(x).src, x.str("externalIdentifierType").src})...)
			if v.id.ok() {
				v.said = append(v.said, id.src)
			} else {
				v.id = id
			}
			if !v.sourceName.ok() {
				v.sourceName = x.str("issuingAuthority")
			}
			for _, l := range listOrOne(x.get("identifierLocator")) {
				if !v.source.ok() {
					v.source = text{l.text, l}
				} else {
					v.advisories = append(v.advisories, reference{kind: said("advisories"), url: text{l.text, l}})
				}
			}
		}
		for _, x := range listOrOne(n.get("externalRef")) {
			for _, l := range listOrOne(x.get("locator")) {
				if number, ok := cweNumber(l.text); ok && x.str("externalRefType").s == "cwe" {
					l.explainSelf(Changed, "CycloneDX has the numbers of weaknesses")
					v.cwes = append(v.cwes, &node{kind: strictjson.Number, text: number, from: append(compactNodes([]*node{class3(x).src, x.str("externalRefType").src}), l)})
					continue
				}
				v.advisories = append(v.advisories, reference{kind: x.str("externalRefType"), url: text{l.text, l}, comment: x.str("comment")})
				v.said = append(v.said, compactNodes([]*node{class3(x).src, x.str("externalRefType").src})...)
			}
		}
		byID[id3(n).s] = v
		r.vulnerabilities = append(r.vulnerabilities, v)
	}
	others := map[*vulnerability][]*vulnerability{}
	for _, n := range assessments {
		if v := byID[n.str("from").s]; v != nil {
			r.assessment(n, r.variant(v, n, others))
		}
	}
	for v, list := range others {
		for _, o := range list {
			o.ratings = v.ratings
		}
	}
	r.edges = slices.DeleteFunc(r.edges, func(e edge) bool {
		v := byID[e.toText.s]
		if e.kind != "HAS_ASSOCIATED_VULNERABILITY" || v == nil || e.from < 0 {
			return false
		}
		r.affect(v, e.from, append(slices.Clone(e.also), e.fromText.src, e.toText.src)...)
		return true
	})
}

// variant returns the vulnerability that an assessment belongs to: CycloneDX analyses a vulnerability once, so that one that is
// fixed in one component and affects another is listed twice.
func (r *reader3) variant(v *vulnerability, n *node, others map[*vulnerability][]*vulnerability) *vulnerability {
	state := ""
	for _, c := range vexClasses {
		if c.class == class3(n).s && state == "" {
			state = c.state
		}
	}
	note := n.str("security_statusNotes")
	if !note.ok() {
		note = n.str("security_impactStatement")
	}
	same := func(o *vulnerability) bool {
		return o.state.s == state && o.statement.s == n.str("security_actionStatement").s && o.note.s == note.s
	}
	if state == "" || !v.state.ok() || same(v) {
		return v
	}
	for _, o := range others[v] {
		if same(o) {
			return o
		}
	}
	o := &vulnerability{id: v.id, description: v.description, detail: v.detail, source: v.source, sourceName: v.sourceName, cwes: v.cwes, published: v.published,
		updated: v.updated, advisories: v.advisories}
	others[v] = append(others[v], o)
	r.vulnerabilities = append(r.vulnerabilities, o)
	return o
}

func (r *reader3) affect(v *vulnerability, element int, from ...*node) {
	if i := slices.Index(v.affects, element); i >= 0 {
		v.affectsFrom[i] = append(v.affectsFrom[i], compactNodes(from)...)
		return
	}
	v.affects = append(v.affects, element)
	v.affectsFrom = append(v.affectsFrom, compactNodes(from))
}

// assessment reads what is said of one vulnerability: a score, or what it affects.
func (r *reader3) assessment(n *node, v *vulnerability) {
	class := class3(n)
	said := compactNodes([]*node{class.src, id3(n).src, n.str("from").src, n.str("relationshipType").src})
	var rated, known bool
	for _, c := range cvssClasses {
		if c.class == class.s && !rated {
			v.ratings = append(v.ratings, rating{text{c.method, class.src}, n.str("security_severity"), n.str("security_vectorString"), n.get("security_score"), said, r.agent(n.get("suppliedBy"))})
			rated = true
		}
	}
	for _, c := range vexClasses {
		if c.class != class.s || known {
			continue
		}
		known = true
		if v.state.ok() { // said of one more component
			for _, name := range []string{"security_actionStatement", "security_statusNotes", "security_impactStatement", "security_justificationType"} {
				v.said = append(v.said, compactNodes([]*node{n.str(name).src})...)
			}
			v.said = append(v.said, said...)
			continue
		}
		v.state = text{c.state, class.src}
		v.statement, v.note = n.str("security_actionStatement"), n.str("security_statusNotes")
		if !v.note.ok() {
			v.note = n.str("security_impactStatement")
		}
		for _, j := range vexJustifications {
			if t := n.str("security_justificationType"); t.s == j.spdx && t.ok() && !v.justification.ok() {
				v.justification = text{j.cyclonedx, t.src}
				t.src.explainSelf(Changed, "CycloneDX has words of its own for justifications")
			}
		}
		v.said = append(v.said, said...)
	}
	if !rated && !known {
		return
	}
	for _, to := range listOrOne(n.get("to")) {
		if i, ok := r.indexOf[to.text]; ok {
			r.affect(v, i, to)
		}
	}
}

func (h *hub) writeCycloneDXVulnerabilities(root *node) {
	for _, v := range h.vulnerabilities {
		o := root.add("vulnerabilities", newObject())
		id := o.set("id", newText(cmp.Or(v.id.s, "unknown"), append(v.said, v.id.src)...))
		if v.source.ok() || v.sourceName.ok() {
			s := o.set("source", newObject())
			s.put("url", v.source)
			s.put("name", v.sourceName)
		}
		for _, r := range v.ratings {
			x := o.add("ratings", newObject())
			if r.score != nil && r.score.leaf() {
				score := newLiteral(r.score.text)
				score.from = []*node{r.score}
				x.set("score", score)
			}
			x.put("severity", r.severity)
			x.set("method", newText(r.method.s, append(r.said, r.method.src)...))
			x.put("vector", r.vector)
			if r.source.named() {
				x.set("source", newObject()).set("name", newText(r.source.name.s, append(slices.Clone(r.source.also), r.source.name.src)...))
			}
		}
		for _, n := range v.cwes {
			c := *n
			o.add("cwes", &c)
		}
		o.put("description", v.description)
		o.put("detail", v.detail)
		o.put("recommendation", v.statement)
		for _, a := range v.advisories {
			x := o.add("advisories", newObject())
			x.put("title", a.comment)
			x.put("url", a.url)
		}
		o.put("published", v.published)
		o.put("updated", v.updated)
		if v.state.ok() {
			analysis := o.set("analysis", newObject())
			analysis.put("state", v.state)
			analysis.put("justification", v.justification)
			analysis.put("detail", v.note)
		}
		for i, e := range v.affects {
			if ref := h.elements[e].id; ref.ok() {
				o.add("affects", newObject()).set("ref", newText(ref.s, v.affectsFrom[i]...))
			} else {
				id.from = append(id.from, v.affectsFrom[i]...)
			}
		}
	}
}
