package spdx3

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

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

const cwePrefix = "CWE-"

// cweNumber reads the number of a weakness from its name or its page at cwe.mitre.org.
func cweNumber(s string) (string, bool) {
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s, "https://cwe.mitre.org/data/definitions/"), cwePrefix), ".html")
	n, err := strconv.Atoi(s)
	return s, err == nil && n > 0 && strconv.Itoa(n) == s
}

// security writes the vulnerabilities in SPDX 3's security profile.
func (w *writer) security() {
	for _, v := range w.Vulnerabilities {
		if !slices.Contains(w.profiles, "security") {
			w.profiles = append(w.profiles, "security")
		}
		name := cmp.Or(v.ID.S, "vulnerability")
		o := w.object("security_Vulnerability", w.iri("Vulnerability-"+name), v.Said...)
		o.Put("name", v.ID)
		o.Put("description", v.Description)
		o.Put("comment", v.Detail)
		w.time(o, "security_publishedTime", v.Published)
		w.time(o, "security_modifiedTime", v.Updated)
		if v.ID.OK() {
			kind := "securityOther"
			if strings.HasPrefix(v.ID.S, "CVE-") {
				kind = "cve"
			}
			w.identifier(o, kind, tree.Constant(v.ID.S), tree.Text{})
			if v.Source.OK() {
				o.List("externalIdentifier")[0].Add("identifierLocator", tree.NewText(v.Source.S, v.Source.From))
			}
			o.List("externalIdentifier")[0].Put("issuingAuthority", v.SourceName)
		}
		for _, a := range v.Advisories {
			w.reference(o, a)
		}
		for _, n := range v.Cwes {
			if n.IsLeaf() && n.Kind == strictjson.Number {
				w.reference(o, model.Reference{Kind: tree.Constant("cwe"), URL: tree.Text{S: cwePrefix + n.Text, From: n}})
			}
		}
		w.vex(o.Str("spdxId").S, v)
		for _, r := range v.Ratings {
			w.rating(o.Str("spdxId").S, v, r)
		}
	}
}

// time writes a time that need not be there.
func (w *writer) time(o *tree.Node, name string, t tree.Text) {
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

func (w *writer) assessment(class, kind, id string, v *model.Vulnerability, from ...*tree.Node) *tree.Node {
	w.count++
	o := w.object(class, w.iri("Assessment-"+strconv.Itoa(w.count)))
	o.Set("from", tree.NewText(id))
	o.Set("relationshipType", tree.NewText(kind, from...))
	for i, e := range v.Affects {
		o.Add("to", tree.NewText(w.out[e], slices.Clone(v.AffectsFrom[i])...))
	}
	return o
}

// vex writes what was found out about what a vulnerability affects.
func (w *writer) vex(id string, v *model.Vulnerability) {
	i := slices.IndexFunc(vexClasses, func(c vexClass) bool { return c.state == v.State.S })
	if len(v.Affects) == 0 {
		v.State.From.ExplainSelf(tree.Dropped, "SPDX says it of what is affected, and nothing here is")
		return
	}
	if i < 0 {
		for k, e := range v.Affects {
			w.relation(w.out[e], v.AffectsFrom[k], "hasAssociatedVulnerability", "", nil, id, nil)
		}
		return
	}
	c := vexClasses[i]
	o := w.assessment(c.class, c.relationship, id, v, v.State.From)
	if back := vexClasses[slices.IndexFunc(vexClasses, func(b vexClass) bool { return b.class == c.class })]; back.state != c.state {
		v.State.From.ExplainSelf(tree.Changed, "SPDX 3 has one word for this state and "+back.state)
	}
	switch c.relationship {
	case "affects":
		action := v.Statement
		if !action.OK() {
			action = v.Response
		}
		if !action.OK() {
			action = tree.Constant("none given")
			w.Add("/@graph", "SPDX wants to know what to do about what is affected; the input does not say")
		}
		o.Put("security_actionStatement", action)
	case "doesNotAffect":
		for _, j := range vexJustifications {
			if j.cyclonedx == v.Justification.S {
				o.Set("security_justificationType", tree.NewText(j.spdx, v.Justification.From))
				v.Justification.From.ExplainSelf(tree.Changed, "SPDX has words of its own for justifications")
			}
		}
		if o.Get("security_justificationType") == nil && v.Note.OK() {
			o.Put("security_impactStatement", v.Note)
			return
		}
	}
	o.Put("security_statusNotes", v.Note)
}

// rating writes a CVSS score; SPDX has no other ratings by method.
func (w *writer) rating(id string, v *model.Vulnerability, r model.Rating) {
	class := ""
	for _, c := range cvssClasses {
		if c.method == r.Method.S {
			class = c.class
		}
	}
	why := ""
	switch {
	case r.Method.S == "SSVC":
		why = "SPDX 3 has SSVC by its decision, which CycloneDX does not say"
	case class == "":
		why = "SPDX 3 has no ratings by this method"
	case r.Score == nil || r.Score.Kind != strictjson.Number || !r.Vector.OK():
		why = "SPDX 3 wants a score and a vector"
	case len(v.Affects) == 0:
		why = "SPDX says it of what is affected, and nothing here is"
	}
	if why != "" {
		for _, n := range []*tree.Node{r.Method.From, r.Severity.From, r.Vector.From, r.Score} {
			n.ExplainSelf(tree.Dropped, why)
		}
		return
	}
	o := w.assessment(class, "hasAssessmentFor", id, v, r.Method.From)
	if r.Method.S == "CVSSv3" {
		r.Method.From.ExplainSelf(tree.Changed, "SPDX 3 has one class for CVSS 3.0 and 3.1, and the vector says which")
	}
	score := tree.NewLiteral(r.Score.Text)
	score.Stand(r.Score)
	o.Set("security_score", score)
	o.Put("security_vectorString", r.Vector)
	if r.Source.Named() {
		o.Set("suppliedBy", tree.NewText(w.agent(r.Source, "Organization")))
	}
	if class == cvssClasses[0].class {
		r.Severity.From.ExplainSelf(tree.Dropped, "SPDX 3 has no severity for CVSS 2")
		return
	}
	severity := r.Severity
	if !slices.Contains([]string{"critical", "high", "medium", "low", "none"}, severity.S) {
		severity.From.ExplainSelf(tree.Dropped, "SPDX 3 has no such severity")
		severity = tree.Constant("none")
		w.Add("/@graph", "SPDX wants a severity; none where the input gives none that it knows")
	}
	o.Put("security_severity", severity)
}

// security reads SPDX 3's security profile.
func (r *reader) security() {
	byID := map[string]*model.Vulnerability{}
	assessments := r.Assessments
	for _, n := range assessments {
		if classOf(n).S != "security_Vulnerability" {
			continue
		}
		v := &model.Vulnerability{ID: n.Str("name"), Description: n.Str("description"), Detail: n.Str("comment"),
			Published: n.Str("security_publishedTime"), Updated: n.Str("security_modifiedTime"),
			Said: tree.Compact([]*tree.Node{classOf(n).From, idOf(n).From})}
		for _, x := range tree.ListOrOne(n.Get("externalIdentifier")) {
			id := x.Str("identifier")
			if v.ID.OK() && v.ID.S != id.S {
				continue
			}
			v.Said = append(v.Said, tree.Compact([]*tree.Node{classOf(x).From, x.Str("externalIdentifierType").From})...)
			if v.ID.OK() {
				v.Said = append(v.Said, id.From)
			} else {
				v.ID = id
			}
			if !v.SourceName.OK() {
				v.SourceName = x.Str("issuingAuthority")
			}
			for _, l := range tree.ListOrOne(x.Get("identifierLocator")) {
				if !v.Source.OK() {
					v.Source = tree.Text{S: l.Text, From: l}
				} else {
					v.Advisories = append(v.Advisories, model.Reference{Kind: tree.Constant("advisories"), URL: tree.Text{S: l.Text,
						From: l}})
				}
			}
		}
		for _, x := range tree.ListOrOne(n.Get("externalRef")) {
			for _, l := range tree.ListOrOne(x.Get("locator")) {
				if number, ok := cweNumber(l.Text); ok && x.Str("externalRefType").S == "cwe" {
					l.ExplainSelf(tree.Changed, "CycloneDX has the numbers of weaknesses")
					cwe := tree.NewLiteral(number)
					cwe.Stand(classOf(x).From, x.Str("externalRefType").From, l)
					v.Cwes = append(v.Cwes, cwe)
					continue
				}
				v.Advisories = append(v.Advisories, model.Reference{Kind: x.Str("externalRefType"), URL: tree.Text{S: l.Text, From: l},
					Comment: x.Str("comment")})
				v.Said = append(v.Said, tree.Compact([]*tree.Node{classOf(x).From, x.Str("externalRefType").From})...)
			}
		}
		byID[idOf(n).S] = v
		r.Vulnerabilities = append(r.Vulnerabilities, v)
	}
	others := map[*model.Vulnerability][]*model.Vulnerability{}
	for _, n := range assessments {
		if v := byID[n.Str("from").S]; v != nil {
			r.assessment(n, r.variant(v, n, others))
		}
	}
	for v, list := range others {
		for _, o := range list {
			o.Ratings = v.Ratings
		}
	}
	r.Edges = slices.DeleteFunc(r.Edges, func(e model.Edge) bool {
		v := byID[e.ToText.S]
		if e.Kind != "HAS_ASSOCIATED_VULNERABILITY" || v == nil || e.From < 0 {
			return false
		}
		r.affect(v, e.From, append(slices.Clone(e.Also), e.FromText.From, e.ToText.From)...)
		return true
	})
}

// variant returns the vulnerability that an assessment belongs to: CycloneDX analyses a vulnerability once, so that one that is
// fixed in one component and affects another is listed twice.
func (r *reader) variant(v *model.Vulnerability, n *tree.Node,
	others map[*model.Vulnerability][]*model.Vulnerability) *model.Vulnerability {
	state := ""
	for _, c := range vexClasses {
		if c.class == classOf(n).S && state == "" {
			state = c.state
		}
	}
	note := n.Str("security_statusNotes")
	if !note.OK() {
		note = n.Str("security_impactStatement")
	}
	same := func(o *model.Vulnerability) bool {
		return o.State.S == state && o.Statement.S == n.Str("security_actionStatement").S && o.Note.S == note.S
	}
	if state == "" || !v.State.OK() || same(v) {
		return v
	}
	for _, o := range others[v] {
		if same(o) {
			return o
		}
	}
	o := &model.Vulnerability{ID: v.ID, Description: v.Description, Detail: v.Detail, Source: v.Source, SourceName: v.SourceName,
		Cwes: v.Cwes, Published: v.Published,
		Updated: v.Updated, Advisories: v.Advisories}
	others[v] = append(others[v], o)
	r.Vulnerabilities = append(r.Vulnerabilities, o)
	return o
}

func (r *reader) affect(v *model.Vulnerability, element int, from ...*tree.Node) {
	if i := slices.Index(v.Affects, element); i >= 0 {
		v.AffectsFrom[i] = append(v.AffectsFrom[i], tree.Compact(from)...)
		return
	}
	v.Affects = append(v.Affects, element)
	v.AffectsFrom = append(v.AffectsFrom, tree.Compact(from))
}

// assessment reads what is said of one vulnerability: a score, or what it affects.
func (r *reader) assessment(n *tree.Node, v *model.Vulnerability) {
	class := classOf(n)
	said := tree.Compact([]*tree.Node{class.From, idOf(n).From, n.Str("from").From, n.Str("relationshipType").From})
	var rated, known bool
	for _, c := range cvssClasses {
		if c.class == class.S && !rated {
			v.Ratings = append(v.Ratings, model.Rating{Method: tree.Text{S: c.method, From: class.From},
				Severity: n.Str("security_severity"),
				Vector:   n.Str("security_vectorString"), Score: n.Get("security_score"), Said: said, Source: r.agent(n.Get("suppliedBy"))})
			rated = true
		}
	}
	for _, c := range vexClasses {
		if c.class != class.S || known {
			continue
		}
		known = true
		if v.State.OK() { // said of one more component
			for _, name := range []string{"security_actionStatement", "security_statusNotes", "security_impactStatement",
				"security_justificationType"} {
				v.Said = append(v.Said, tree.Compact([]*tree.Node{n.Str(name).From})...)
			}
			v.Said = append(v.Said, said...)
			continue
		}
		v.State = tree.Text{S: c.state, From: class.From}
		v.Statement, v.Note = n.Str("security_actionStatement"), n.Str("security_statusNotes")
		if !v.Note.OK() {
			v.Note = n.Str("security_impactStatement")
		}
		for _, j := range vexJustifications {
			if t := n.Str("security_justificationType"); t.S == j.spdx && t.OK() && !v.Justification.OK() {
				v.Justification = tree.Text{S: j.cyclonedx, From: t.From}
				t.From.ExplainSelf(tree.Changed, "CycloneDX has words of its own for justifications")
			}
		}
		v.Said = append(v.Said, said...)
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
