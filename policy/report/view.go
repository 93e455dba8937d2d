package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ladingdev/lading/policy"
)

// state is how a rule came out, in the words of every format: a verdict in lower case, "skipped" where it does not apply, or "warning"
// where it refuses without force.
func state(d *policy.Decision) string {
	switch {
	case d.Skipped:
		return "skipped"
	case warns(d):
		return "warning"
	}
	return strings.ToLower(d.Verdict.String())
}

// warns reports whether what is below a rule refuses, and has no force here.
func warns(d *policy.Decision) bool {
	if d.Effect == policy.Enforce {
		return false
	}
	for _, part := range parts(d) {
		if part.Verdict != policy.Allow && !part.Skipped {
			return true
		}
	}
	return false
}

// mark is the state of a rule in one column.
func mark(state string) string {
	return map[string]string{"allow": "✓", "deny": "✗", "indeterminate": "?", "skipped": "-", "warning": "!"}[state]
}

// says is a rule in one line: what met it, or else what it asks for; the reasons of those that are not met stand apart.
func says(d *policy.Decision) string {
	switch {
	case len(parts(d)) > 0:
		return asked(d)
	case d.Verdict == policy.Allow, d.Skipped:
		return reason(d)
	}
	return asked(d)
}

// A finding is a rule that made the verdict, or one that refuses without force.
type finding struct {
	*policy.Decision
	state string // deny, indeterminate or warning
}

// findings are what there is to tell of a decision: why it is not Allow, and then its warnings. Unless it is Allow there is at least
// one of the first kind.
func findings(d *policy.Decision) (list []finding) {
	if d.Verdict != policy.Allow {
		verdict := strings.ToLower(d.Verdict.String())
		for _, rule := range d.Culprits() {
			list = append(list, finding{rule, verdict})
		}
	}
	for _, soft := range d.Warnings() {
		for _, part := range parts(soft) {
			if part.Verdict == policy.Allow || part.Skipped {
				continue
			}
			for _, rule := range part.Culprits() {
				list = append(list, finding{rule, "warning"})
			}
		}
	}
	return list
}

// looked says of each piece of evidence that the rule looked at why it counts or does not, in one line.
func (f finding) looked() (lines []string) {
	for _, l := range f.Looked {
		line := short(clean(string(l.Evidence.Digest)))
		if l.PredicateType != "" {
			line += ", " + clean(l.PredicateType)
		}
		for i, s := range l.Signers {
			who := s.Signer.String()
			if s.As != "" {
				who = s.As
			}
			line += map[bool]string{true: ", by ", false: " and "}[i == 0] + clean(who)
			if s.Why != "" && l.Counts { // of others it is why the evidence does not
				line += " (" + clean(s.Why) + ")"
			}
		}
		verdict := "does not count"
		if l.Counts {
			verdict = "counts"
		}
		if line += ": " + verdict; l.Why != "" {
			line += ": " + clean(l.Why)
		}
		lines = append(lines, line)
	}
	return lines
}

// A fact is one line that stands beside the verdict.
type fact struct{ label, text string }

// facts are what was judged, for whom, by what, when, and until when it holds.
func facts(d *policy.Decision) (list []fact) {
	add := func(label, text string) {
		if text = clean(text); text != "" {
			list = append(list, fact{label, text})
		}
	}
	if d.Name != "" {
		add("digest", string(d.Subject.Digest))
	}
	if d.Replayed {
		add("replayed", "made from a record: it opens no door")
	}
	if n := len(d.Children); n > 0 {
		add("scope", fmt.Sprintf("the index, by evidence about it; its %d images have their own", n))
	}
	for _, child := range d.Children {
		add("platform", strings.TrimSpace(platform(child)+" "+string(child.Digest)))
	}
	if p := d.Document; p != nil {
		text := strings.Join(strings.Fields(p.Name+" "+p.Version), " ")
		if text == "" {
			text = p.URI
		}
		add("policy", strings.TrimSpace(text+" "+p.Digest))
	}
	if r := d.Request; r != nil {
		for _, part := range []fact{
			{"gate", r.Gate}, {"operation", r.Operation}, {"user", r.User}, {"cluster", r.Cluster}, {"namespace", r.Namespace},
			{"workload", strings.TrimSpace(r.Kind + " " + r.Workload)}, {"account", r.Account}, {"region", r.Region},
		} {
			add(part.label, part.text)
		}
	}
	if !d.Time.IsZero() {
		add("judged", stamp(d.Time))
	}
	add("holds", held(d))
	return list
}

// next is what to do, under a title: what is missing, or what an Allow is good for.
func next(d *policy.Decision) (title string, steps []string) {
	switch {
	case d.Replayed:
		return "Next", []string{"Ask a gate: what was made from a record opens no door."}
	case d.Verdict == policy.Allow && d.Subject.Digest != "" && !strings.Contains(d.Name, "@"):
		return "Next", []string{"Deploy it by the digest that was judged: its tag may move."}
	case d.Verdict == policy.Allow:
		return "", nil
	}
	for _, what := range d.Missing {
		steps = append(steps, clean(what))
	}
	switch {
	case len(steps) > 0:
		return "To be allowed, it takes", steps
	case d.Verdict == policy.Deny:
		return "Next", []string{"Mend what the rules refuse, and ask again."}
	}
	return "Next", []string{"See why it could not be looked at, and ask again: nothing was found to be wrong yet."}
}

// ask names whom to ask about findings, each once, in their order.
func (o Options) ask(list []finding) (people []string) {
	if o.Ask == nil {
		return nil
	}
	seen := make(map[string]bool)
	for _, f := range list {
		if who := clean(o.Ask(f.Decision)); who != "" && !seen[who] {
			seen[who] = true
			people = append(people, who)
		}
	}
	return people
}

// details are what stands below the reason of a finding, where a format has one text for all.
func (f finding) details(o Options) []string {
	lines := f.looked()
	for i, line := range lines {
		lines[i] = "Looked at " + line
	}
	for _, what := range f.Missing {
		lines = append(lines, "To be met, it takes "+clean(what)+".")
	}
	for _, who := range o.ask([]finding{f}) {
		lines = append(lines, "Ask "+who+".")
	}
	return lines
}

// several sums up more than one decision; of one there is nothing to sum up.
func several(decisions []*policy.Decision) string {
	if len(decisions) == 1 {
		return ""
	}
	return fmt.Sprintf("%d images: %s", len(decisions), count(decisions))
}

// parts are the rules right below one.
func parts(d *policy.Decision) (list []*policy.Decision) {
	for _, part := range d.Parts {
		if part != nil {
			list = append(list, part)
		}
	}
	return list
}

// rules is how many there are that have none below them.
func rules(d *policy.Decision) (n int) {
	for _, rule := range d.All() {
		if len(parts(rule)) == 0 {
			n++
		}
	}
	return n
}

// asked is what a rule asks for.
func asked(d *policy.Decision) string {
	return cmp.Or(clean(d.Rule), clean(d.RuleName), "a rule that does not say what it asks for")
}

// reason is why it came out so.
func reason(d *policy.Decision) string { return cmp.Or(clean(d.Reason), "no reason is given") }
