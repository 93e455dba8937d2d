package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
)

// All allows if every policy allows, denies if any denies, and is Indeterminate otherwise. Policies that do not apply (see [When])
// are left out; if none applies, All does not.
// Without policies it allows nothing.
func All(ps ...Policy) Policy { return combined{opAll, Deny, Allow, ps} }

// Any allows if at least one policy allows. Policies that do not apply are left out. Without policies it allows nothing.
func Any(ps ...Policy) Policy { return combined{opAny, Allow, Deny, ps} }

// combined is three-valued logic after Kleene: one part that says decisive settles it; otherwise every part must say
// unanimous; anything else is Indeterminate.
type combined struct {
	op                  string
	decisive, unanimous Verdict
	parts               []Policy
}

func (c combined) Decide(ctx context.Context, in *Input) *Decision {
	if len(c.parts) == 0 {
		return undecided(c.op+" of nothing", "the policy asks for nothing")
	}
	if err := c.harmless(); err != nil {
		return undecided(fmt.Sprintf("%s of %d rules", c.op, len(c.parts)), err.Error())
	}
	d := &Decision{Verdict: c.unanimous, Op: c.op, Replayed: in.isReplay()}
	if d.Parts = decideAll(ctx, c.parts, in); !applies(d) {
		return d
	}
	for _, part := range d.Parts {
		if d.Verdict != c.decisive && part.Verdict != c.unanimous && !part.Skipped {
			d.Verdict = part.Verdict
		}
	}
	d.Rule = fmt.Sprintf("%s of %d rules", c.op, len(c.parts))
	if len(c.parts) == 1 {
		d.Rule = d.Parts[0].Rule
	}
	c.explain(d)
	d.Until = c.until(d)
	if in != nil {
		in.asked.note(d.Until)
	}
	return d
}

// decideAll asks each policy.
func decideAll(ctx context.Context, ps []Policy, in *Input) []*Decision {
	in = in.sharing()
	parts := make([]*Decision, len(ps))
	for i, p := range ps {
		parts[i] = decide(ctx, p, in)
	}
	return parts
}

// applies reports whether at least one part does. If not, d is the decision of that.
func applies(d *Decision) bool {
	for _, part := range d.Parts {
		if !part.Skipped {
			return true
		}
	}
	d.Verdict, d.Skipped, d.Until = Indeterminate, true, d.Parts[0].Until
	for _, part := range d.Parts {
		d.Until = earliest(d.Until, part.Until)
	}
	d.Rule, d.Reason = d.Parts[0].Rule, d.Parts[0].Reason
	if n := len(d.Parts); n > 1 {
		d.Rule, d.Reason = fmt.Sprintf("%d rules", n), fmt.Sprintf("none of %d rules applies here", n)
	}
	return false
}

// explain gives the reason of the parts which made the verdict, and their evidence.
func (c combined) explain(d *Decision) {
	var reasons []string
	for _, part := range d.Parts {
		if part.Verdict == d.Verdict && !part.Skipped {
			reasons = append(reasons, part.Reason)
			d.Evidence = append(d.Evidence, part.Evidence...)
		}
	}
	d.Reason = some(reasons, "; ")
	if d.Verdict != Allow {
		d.Missing = missingOfAll(d.Parts)
		if c.decisive == Allow {
			d.Missing = missingOfAny(1, d.Parts)
		}
	}
	applying := 0
	for _, part := range d.Parts {
		if !part.Skipped {
			applying++
		}
	}
	switch n := len(reasons); {
	case d.Verdict != Deny || n == 1:
	case n == applying:
		d.Reason = fmt.Sprintf("none of %d rules is met: %s", n, d.Reason)
	default:
		d.Reason = fmt.Sprintf("%d of %d rules are not met: %s", n, applying, d.Reason)
	}
}

// until: what one part settled holds as long as any part settles it so; what all had to say, until the first may not.
func (c combined) until(d *Decision) time.Time {
	if d.Verdict == Indeterminate {
		return time.Time{}
	}
	var until time.Time
	if d.Verdict == c.unanimous {
		until = d.Parts[0].Until
	}
	for _, part := range d.Parts {
		switch {
		case d.Verdict == c.unanimous:
			until = earliest(until, part.Until)
		case part.Verdict == d.Verdict && part.Until.After(until):
			until = part.Until
		}
	}
	return until
}

// Validate returns an error if there are no parts, or one of them can never allow anything.
func (c combined) Validate() error {
	if len(c.parts) == 0 {
		return fmt.Errorf("policy: %s of nothing allows nothing", c.op)
	}
	if err := c.harmless(); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	return validateAll(c.parts)
}

// harmless returns an error if a part of Any allows whatever it says.
func (c combined) harmless() error {
	if i := slices.IndexFunc(c.parts, soft); i >= 0 && c.decisive == Allow {
		return fmt.Errorf("rule %d of %d only warns, and would settle it whatever it says", i+1, len(c.parts))
	}
	return nil
}

func validateAll(ps []Policy) error {
	for i, p := range ps {
		if err := validate(p); err != nil {
			return fmt.Errorf("policy: rule %d of %d: %w", i+1, len(ps), trimmed(err))
		}
	}
	return nil
}

// Named gives a policy a name that people know: it stands in RuleName, and before the rule and the reason.
func Named(name string, p Policy) Policy { return named{oneline.Of(name), p} }

type named struct {
	name string
	p    Policy
}

func (n named) Decide(ctx context.Context, in *Input) *Decision {
	d := *decide(ctx, n.p, in)
	if n.name != "" {
		d.RuleName, d.Rule, d.Reason = n.name, n.name+": "+d.Rule, n.name+": "+d.Reason
	}
	noted(in, &d)
	return &d
}

func (n named) Validate() error {
	if err := validate(n.p); err != nil {
		return fmt.Errorf("policy: %s: %w", n.name, trimmed(err))
	}
	return nil
}

// noted tells who asked until when a decision holds.
func noted(in *Input, d *Decision) {
	if in != nil {
		in.asked.note(d.Until)
	}
}

// A Condition says whether a rule applies to an Input, such as to a namespace. It looks at the Request and at the name, and compares
// times with [Input.Before].
type Condition struct {
	Words string // for people, such as "in namespace prod"
	// Holds reports whether it does; an error means that it cannot be told. Nil is an error.
	Holds func(in *Input) (bool, error)
}

// When returns the policy that asks p where a condition holds. Where it does not, the rule does not apply: its decision is Skipped,
// [All] and [Any] leave it out, and alone it allows nothing. Where it cannot be told, the answer is Indeterminate.
func When(c Condition, p Policy) Policy { return conditional{c, p} }

type conditional struct {
	condition Condition
	p         Policy
}

func (c conditional) Decide(ctx context.Context, in *Input) *Decision {
	words := "when " + oneline.Of(c.condition.Words)
	watched, asked := in.sharing().watched()
	holds, err := c.holds(watched)
	end, timed := asked.get()
	switch {
	case err != nil:
		d := undecided(words, "cannot tell whether the rule applies: "+line(err))
		d.Cause, d.Missing = err, []string{"to know whether the rule applies: " + oneline.Error(err)}
		return d
	case !holds:
		d := undecided(words, "does not apply: not "+oneline.Of(c.condition.Words))
		d.Skipped, d.Until = true, Forever
		if timed {
			d.Until = end
		}
		return d
	}
	d := *decide(ctx, c.p, watched)
	if timed { // zero, which is for the moment only, stays
		d.Until = earliest(d.Until, end)
	}
	noted(in, &d)
	return &d
}

// holds asks the condition. What panics cannot be told.
func (c conditional) holds(in *Input) (holds bool, err error) {
	defer recovered(func(p *PanicError) { holds, err = false, p })
	switch {
	case c.condition.Holds == nil:
		return false, errors.New("the condition asks for nothing")
	case in == nil:
		return false, errors.New("there is no input to judge")
	}
	return c.condition.Holds(in)
}

func (c conditional) Validate() error {
	if c.condition.Holds == nil {
		return errors.New("policy: a condition without a function")
	}
	return validate(c.p)
}

// missingOfAll is what all of the parts miss that do not allow.
func missingOfAll(parts []*Decision) (missing []string) {
	for _, part := range parts {
		if part.Verdict == Allow || part.Skipped {
			continue
		}
		for _, m := range part.missing() {
			if !slices.Contains(missing, m) {
				missing = append(missing, m)
			}
		}
	}
	return missing
}

// missingOfAny is the least that makes n more of the parts allow: those that miss fewest things first.
func missingOfAny(n int, parts []*Decision) []string {
	var ways [][]string
	for _, part := range parts {
		if part.Verdict != Allow && !part.Skipped {
			ways = append(ways, part.missing())
		}
	}
	switch {
	case len(ways) <= n:
		return missingOfAll(parts)
	case n == 1 && len(ways) == 1:
		return ways[0]
	}
	slices.SortStableFunc(ways, func(a, b []string) int { return len(a) - len(b) })
	var words []string
	for _, w := range ways {
		words = append(words, strings.Join(w, " and "))
	}
	count := "one"
	if n > 1 {
		count = strconv.Itoa(n)
	}
	return []string{count + " of: " + strings.Join(words, "; or ")}
}

// missing is what a decision misses, in the words of its reason if it does not say.
func (d *Decision) missing() []string {
	if len(d.Missing) > 0 {
		return d.Missing
	}
	return []string{"what is refused to be otherwise: " + oneline.Of(d.Reason)}
}
