package document

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/policy/rules"
)

// A Finding is something that a document may say and is likely not meant.
type Finding struct {
	Line, Column int
	Path         string
	Code         string // one of those that [Document.Lint] lists
	Message      string // what is wrong, and what to write instead
}

// String is the finding on one line, with its place.
func (f Finding) String() string {
	return fmt.Sprintf("%d:%d: %s: %s (%s)", f.Line, f.Column, f.Path, f.Message, f.Code)
}

// Lint returns what a document says that is likely not meant, in its order. An empty list is no proof of a good policy. The codes:
//
//	vacuous          a rule or an entry that is met by nearly everything
//	unanchored       a pattern of names that says nothing, such as a source "*"
//	wildcard-host    a pattern of images that matches hosts of several owners
//	never-expires    the document has no expires
//	no-serial        the document has no serial, so an older one cannot be told from it
//	unreachable      an entry, set, or entry of trust that is never used
//	shadowed         a pattern that an earlier entry matches already
//	some-forbids     a condition that seems to forbid, met by one attestation of several
//	unpinned-remote  something that is fetched from elsewhere without its digest
//	any-signer       a rule that names no signer, where trust has several
//	unknown-gate     a door that is named in a rule and not under gates
//	never-refuses    a door at which nothing is refused
//	untyped          a condition on raw, whose fields nobody checks when the document is loaded
func (d *Document) Lint() []Finding {
	l := &linter{doc: d, spec: d.spec}
	l.document()
	l.gates()
	l.images()
	l.trust()
	l.spec.eachRule(l.rule)
	l.sets()
	sort.SliceStable(l.findings, func(i, j int) bool {
		a, b := l.findings[i], l.findings[j]
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	return l.findings
}

type linter struct {
	doc      *Document
	spec     *spec
	findings []Finding
}

func (l *linter) find(code, path, format string, args ...any) {
	p := locate(l.doc.root, path)
	l.findings = append(l.findings, Finding{max(p.Line, 1), max(p.Column, 1), path, code, fmt.Sprintf(format, args...)})
}

func (l *linter) document() {
	if l.spec.Expires.IsZero() {
		l.find("never-expires", "name", "the policy goes on when everybody has forgotten it: give expires")
	}
	if l.spec.Serial == 0 {
		l.find("no-serial", "name", "an older version cannot be told from this one: give serial, and raise it with every change")
	}
}

func (l *linter) gates() {
	known := map[string]bool{}
	for _, g := range l.spec.Gates {
		known[g.Gate] = true
		if g.Gate == defaultGate && g.Mode != "deny" {
			l.find("never-refuses", "gates."+g.Gate, "no door refuses anything that is not named here: give each door its own mode")
		}
	}
	l.spec.eachRule(func(r *ruleSpec, path string) {
		for _, g := range r.Gates {
			if !known[g.Gate] {
				l.find("unknown-gate", path+".gates."+g.Gate, "the door %q is not under gates of the document", g.Gate)
			}
		}
		if r.When != nil {
			for i, g := range r.When.Gates {
				if !known[g] {
					l.find("unknown-gate", fmt.Sprintf("%s.when.gates[%d]", path, i), "the door %q is not under gates of the document", g)
				}
			}
		}
	})
}

func (l *linter) images() {
	var before []*pattern
	for i := range l.spec.Images {
		s, path := &l.spec.Images[i], fmt.Sprintf("images[%d]", i)
		covered := 0
		var own []*pattern
		for j, text := range s.Match {
			p, err := parsePattern(text)
			if err != nil {
				continue
			}
			at := fmt.Sprintf("%s.match[%d]", path, j)
			switch {
			case slices.ContainsFunc(before, func(b *pattern) bool { return b.covers(p) }):
				covered++
				if len(s.Match) > 1 {
					l.find("shadowed", at, "an entry above matches all that %q matches, and decides", text)
				}
			case slices.ContainsFunc(own, func(b *pattern) bool { return b.covers(p) }):
				l.find("shadowed", at, "another pattern of this entry matches all that %q matches", text)
			}
			if p.anyHost() && s.Deny == "" {
				l.find("wildcard-host", at, "%q matches hosts of several owners", text)
			}
			own = append(own, p)
		}
		if covered == len(s.Match) {
			l.find("unreachable", path, "entries above match all that this one matches, and decide: put it before them")
		}
		if s.Exempt != nil && slices.ContainsFunc(own, func(p *pattern) bool { return p.anyHost() }) {
			l.find("vacuous", path+".exempt", "whoever deploys chooses the host, so that this exempts everything")
		}
		l.forbidding(s, path)
		before = append(before, own...)
	}
}

// forbidding looks for rules on the content of SBOMs in an entry that asks for no SBOM: one without components forbids nothing.
func (l *linter) forbidding(s *imageSpec, path string) {
	var forbids string
	asks := false
	looked := map[string]bool{} // sets, each once: they may use each other
	var look func(rules []ruleSpec, path string)
	look = func(rules []ruleSpec, path string) {
		eachOf(rules, path, func(r *ruleSpec, path string) {
			asks = asks || r.SBOM != nil
			if (r.Components != nil || r.Licenses != nil) && forbids == "" {
				forbids = path
			}
			for i := range l.spec.Rules {
				if set := &l.spec.Rules[i]; set.Name == r.Use && !looked[set.Name] {
					looked[set.Name] = true
					look(set.Rules, "rules."+set.Name+".require")
				}
			}
		})
	}
	look(s.Require, path+".require")
	if forbids != "" && !asks {
		l.find("vacuous", forbids, "an SBOM without components is refused nothing: ask for one with components beside it, with sbom")
	}
}

func (l *linter) trust() {
	used := map[string]bool{}
	everybody := l.spec.BreakGlass == nil && len(l.spec.Trust) == 0
	l.spec.eachRule(func(r *ruleSpec, path string) {
		by, asks := r.by()
		everybody = everybody || asks && by == nil
		if asks && by == nil && len(l.spec.Trust) > 1 {
			l.find("any-signer", path, "any of %d entries of trust will do: name those who may say this with by", len(l.spec.Trust))
		}
		for _, name := range r.names() {
			used[name] = true
		}
	})
	if b := l.spec.BreakGlass; b != nil {
		for _, name := range b.By {
			used[name] = true
		}
	}
	for i := range l.spec.Trust {
		t, path := &l.spec.Trust[i], fmt.Sprintf("trust[%d]", i)
		if !used[t.Name] && !everybody {
			l.find("unreachable", path, "no rule names %q", t.Name)
		}
		if t.With != nil {
			l.remote(t.With, path+".with")
		}
	}
}

// remote looks for what is fetched from elsewhere without a digest beside it.
func (l *linter) remote(n *yaml.Node, path string) {
	pinned := false
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		name := strings.ToLower(n.Content[i].Value)
		pinned = pinned || strings.Contains(name, "digest") || strings.Contains(name, "sha256") || strings.Contains(name, "checksum")
	}
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		name, v := n.Content[i].Value, n.Content[i+1]
		if v.Kind == yaml.MappingNode {
			l.remote(v, path+"."+name)
			continue
		}
		identity := name == "issuer" || name == "subject" || name == "repository" || name == "workflow"
		fetched := strings.HasPrefix(v.Value, "http://") || strings.HasPrefix(v.Value, "https://") && !identity
		if v.Kind == yaml.ScalarNode && fetched && !pinned && !strings.Contains(v.Value, "@sha256:") {
			l.find("unpinned-remote", path+"."+name, "what %s gives may be something else tomorrow: give its digest", v.Value)
		}
	}
}

// rawPattern is the variable raw in a condition.
var rawPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(^|[^.\w"'])raw[.\[]`)
})

// rule looks at one rule.
func (l *linter) rule(r *ruleSpec, path string) {
	if a := r.Attestation; a != nil && a.Condition != nil && a.Condition.CEL != nil {
		source := a.Condition.CEL.Value
		if rawPattern().MatchString(source) {
			l.find("untyped", path+".attestation.condition.cel",
				"a misspelt field of raw is found when an image is judged: use predicate where its type is known")
		}
		negates := strings.Contains(strings.ReplaceAll(source, "!=", ""), "!") || strings.Contains(source, ".all(")
		if negates && (a.Quantifier == "" || a.Quantifier == "some") {
			l.find("some-forbids", path+".attestation.condition",
				"it seems to forbid, and one more attestation satisfies it: say quantifier: every")
		}
	}
	if p := r.Provenance; p != nil {
		l.anchored(p.Sources, path+".provenance.sources")
		l.anchored(p.Refs, path+".provenance.refs")
		for i, b := range p.Builders {
			l.anchored([]string{b.ID}, fmt.Sprintf("%s.provenance.builders[%d].id", path, i))
		}
		if len(p.Sources) == 0 {
			l.find("vacuous", path+".provenance", "an image of any source will do: give sources")
		}
	}
	if k := r.Keyless; k != nil {
		for _, f := range []struct{ name, text string }{{"subject", k.Subject}, {"repository", k.Repository}, {"workflow", k.Workflow}} {
			if f.text != "" {
				l.anchored([]string{f.text}, path+".keyless."+f.name)
			}
		}
		if k.Subject+k.Repository+k.Workflow == "" && len(k.Claims) == 0 {
			l.find("vacuous", path+".keyless", "everybody at %s will do: give subject, repository or workflow", k.Issuer)
		}
	}
	if v := r.Licenses; v != nil && len(v.Allow) == 0 && v.AllowUnlicensed && v.AllowUnrecognized {
		l.find("vacuous", path+".licenses", "whoever writes no licence, or one that nobody knows, passes")
	}
}

// anchored looks for patterns of names that anybody can have.
func (l *linter) anchored(patterns []string, path string) {
	for _, p := range patterns {
		head, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(p, "https://"), "http://"), "/")
		if strings.Trim(p, "*/@:.") == "" || strings.Contains(head, "*") && !strings.HasPrefix(p, "refs/") {
			l.find("unanchored", path, "%q matches names that anybody can have", p)
		}
	}
}

func (l *linter) sets() {
	used := map[string]bool{}
	for i := range l.spec.Images {
		eachOf(l.spec.Images[i].Require, "", func(r *ruleSpec, _ string) { used[r.Use] = true })
	}
	for range l.spec.Rules {
		for i := range l.spec.Rules {
			if used[l.spec.Rules[i].Name] {
				eachOf(l.spec.Rules[i].Rules, "", func(r *ruleSpec, _ string) { used[r.Use] = true })
			}
		}
	}
	for i := range l.spec.Rules {
		if name := l.spec.Rules[i].Name; !used[name] {
			l.find("unreachable", "rules."+name, "no entry of images uses the set %q", name)
		}
	}
}

// evidence returns the evidence that a rule of package policy/rules judges.
func (r *ruleSpec) evidence() *rules.Evidence {
	switch {
	case r.SBOM != nil:
		return &r.SBOM.Evidence
	case r.Components != nil:
		return &r.Components.Evidence
	case r.Licenses != nil:
		return &r.Licenses.Evidence
	case r.Vulnerabilities != nil:
		return &r.Vulnerabilities.Evidence
	case r.Provenance != nil:
		return &r.Provenance.Evidence
	case r.Keyless != nil:
		return &r.Keyless.Evidence
	}
	return nil
}

// by returns the signers that a rule names itself, and whether it asks for evidence at all.
func (r *ruleSpec) by() (names []string, asks bool) {
	switch e := r.evidence(); {
	case e != nil:
		return e.ByEntry, true
	case r.Signature != nil:
		return r.Signature.By, true
	case r.Attestation != nil:
		return r.Attestation.By, true
	}
	return nil, false
}

// names returns all signers that a rule names, those of exceptions and VEX too.
func (r *ruleSpec) names() []string {
	names, _ := r.by()
	names = slices.Clone(names)
	for _, by := range []*rules.Evidence{r.exceptionsBy()} {
		if by != nil {
			names = append(names, by.ByEntry...)
		}
	}
	if r.Summary != nil {
		for _, v := range r.Summary.Verifiers {
			names = append(names, v.By...)
		}
	}
	if r.Vulnerabilities != nil {
		for _, v := range r.Vulnerabilities.VEX {
			names = append(names, v.ByEntry...)
		}
	}
	return names
}

func (r *ruleSpec) exceptionsBy() *rules.Evidence {
	switch {
	case r.Components != nil:
		return &r.Components.ExceptionsBy
	case r.Licenses != nil:
		return &r.Licenses.ExceptionsBy
	case r.Vulnerabilities != nil:
		return &r.Vulnerabilities.ExceptionsBy
	}
	return nil
}
