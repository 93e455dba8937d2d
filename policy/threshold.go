package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"
)

// AtLeast returns the policy that allows if n of ps do, each by signers of its own: a signer who satisfies one of them is not
// counted for another, and a key in two of them is one signer (see verify.Signer.Same). So "one of release and two of the security
// team" is AtLeast(2, Require{By: release}, Require{By: security, AtLeast: 2}). AtLeast in AtLeast works the same way.
//
// A part whose decision names no signers, such as a rule on the request, counts for itself. It denies if n cannot be reached, and
// is Indeterminate if what could not be looked at might reach it. With n below one, or over what there is, it allows nothing.
func AtLeast(n int, ps ...Policy) Policy { return threshold{n, ps} }

type threshold struct {
	n     int
	parts []Policy
}

func (t threshold) Decide(ctx context.Context, in *Input) *Decision {
	rule := fmt.Sprintf("at least %d of %d rules, by distinct signers", t.n, len(t.parts))
	if err := t.valid(); err != nil {
		return undecided(rule, err.Error())
	}
	d := &Decision{Rule: rule, Op: opAtLeast, Need: t.n, Replayed: in.isReplay()}
	if d.Parts = decideAll(ctx, t.parts, in); !applies(d) {
		return d
	}
	a := newAssignment(d.Parts)
	until, ok := a.until(t.n)
	switch unread := in != nil && in.Report != nil && len(in.Report.Incomplete) > 0; {
	case ok:
		d.Verdict, d.Until = Allow, until
	case a.limited:
		d.Reason = "there are more ways to count the signers than are tried"
	case a.reach(t.n, time.Time{}, true), unread && t.allowing(d) >= t.n: // another signer might be among what was not read
		d.Verdict = Indeterminate
	default:
		d.Verdict, d.Until = Deny, a.firstEnd()
	}
	t.explain(d)
	noted(in, d)
	return d
}

func (t threshold) allowing(d *Decision) (n int) {
	for _, part := range d.Parts {
		if part.Verdict != Deny && !part.Skipped {
			n++
		}
	}
	return n
}

// explain gives the reasons.
func (t threshold) explain(d *Decision) {
	var reasons []string
	n := 0
	for _, part := range d.Parts {
		if part.Verdict == Allow {
			n++
		}
		if part.Skipped || d.Verdict != Allow && part.Verdict == Allow || d.Verdict == Allow && part.Verdict != Allow {
			continue
		}
		reasons = append(reasons, part.Reason)
		if d.Verdict == Allow {
			d.Evidence = append(d.Evidence, part.Evidence...)
		}
	}
	if d.Verdict != Allow {
		d.Missing = missingOfAny(max(1, t.n-n), d.Parts)
	}
	if d.Verdict != Allow && len(d.Missing) == 0 {
		d.Missing = []string{fmt.Sprintf("%d more rules that apply here", max(1, t.n-n))}
	}
	switch {
	case d.Reason != "":
	case d.Verdict == Allow:
		d.Reason = fmt.Sprintf("%d of %d rules are met: %s", n, len(d.Parts), some(reasons, "; "))
	case n >= t.n:
		d.Reason = fmt.Sprintf("%d of %d rules are met, but not by %d distinct sets of signers", n, len(d.Parts), t.n)
		d.Missing = []string{fmt.Sprintf("another signer: the rules that are met share theirs, and %d of them must not", t.n)}
	default:
		d.Reason = fmt.Sprintf("%d of %d rules are met, at least %d are needed: %s", n, len(d.Parts), t.n, some(reasons, "; "))
	}
}

func (t threshold) valid() error {
	switch {
	case len(t.parts) == 0:
		return errors.New("at least some of nothing: the policy asks for nothing")
	case t.n < 1:
		return fmt.Errorf("at least %d rules: the policy asks for nothing", t.n)
	case t.n > len(t.parts):
		return fmt.Errorf("at least %d rules of %d, which can never be", t.n, len(t.parts))
	}
	if i := slices.IndexFunc(t.parts, soft); i >= 0 {
		return fmt.Errorf("rule %d of %d only warns, and would count whatever it says", i+1, len(t.parts))
	}
	return nil
}

// Validate returns an error if n is out of range, or one of the parts can never allow anything, or always does.
func (t threshold) Validate() error {
	if err := t.valid(); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	return validateAll(t.parts)
}

// An assignment finds parts that allow by signers of their own. A way is a set of signers that satisfies a part, each signer
// known by its number.
type assignment struct {
	parts   []*Decision
	groups  [][]LookedSigner // by number; those of one group are one signer
	limited bool             // a limit was met: there are more ways than were tried
	steps   int
}

// maxWays bounds the ways of a part, maxSteps how many of them are tried: 2 of 100 signers are 4,950 ways.
const (
	maxWays  = 5_000
	maxSteps = 200_000
)

func newAssignment(parts []*Decision) *assignment {
	a := &assignment{parts: parts}
	for _, part := range parts {
		for _, d := range part.All() {
			for _, l := range d.Looked {
				for _, s := range l.Signers {
					a.join(s) // also one who does not count: it tells who is one with whom, at any time
				}
			}
		}
	}
	return a
}

// join puts a signer with those who are the same one.
func (a *assignment) join(s LookedSigner) {
	joined, rest := []LookedSigner{s}, a.groups[:0]
	for _, group := range a.groups {
		if slices.ContainsFunc(group, s.same) {
			joined = append(group, joined...)
		} else {
			rest = append(rest, group)
		}
	}
	a.groups = append(rest, joined)
}

func (s LookedSigner) same(t LookedSigner) bool {
	return s.As != "" && s.As == t.As || s.Same(t.Signer)
}

func (a *assignment) number(s LookedSigner) int {
	return slices.IndexFunc(a.groups, func(g []LookedSigner) bool { return slices.ContainsFunc(g, s.same) })
}

// until returns until when n parts allow at least, and whether they do now.
func (a *assignment) until(n int) (time.Time, bool) {
	ends := []time.Time{{}}
	for _, part := range a.parts {
		ends = append(ends, part.Until)
	}
	for _, group := range a.groups {
		for _, s := range group {
			ends = append(ends, orForever(s.Until))
		}
	}
	slices.SortFunc(ends, func(x, y time.Time) int { return y.Compare(x) })
	ends = slices.CompactFunc(ends, time.Time.Equal)
	// What is enough until a moment is enough until each before it.
	i := sort.Search(len(ends), func(i int) bool { return a.reach(n, ends[i], false) })
	if i == len(ends) {
		return time.Time{}, false
	}
	return ends[i], true
}

// firstEnd returns when the first part, or the first signer, may be judged otherwise: a part may allow later or in another way, and
// who made others one signer may be gone. It is zero if nobody knows.
func (a *assignment) firstEnd() time.Time {
	end := Forever
	for _, part := range a.parts {
		for _, d := range part.All() {
			if part.Verdict != Indeterminate || d.Skipped { // one that is was counted as if it allowed
				end = earliest(end, d.Until)
			}
		}
	}
	for _, group := range a.groups {
		for _, s := range group {
			end = earliest(end, orForever(s.Until))
		}
	}
	return end
}

// reach reports whether n parts allow, by signers of their own, all until at least a moment. With hoping, those that are
// Indeterminate count as parts that allow.
func (a *assignment) reach(n int, until time.Time, hoping bool) bool {
	var ways [][][]int
	free := 0
	a.steps = 0
	for _, part := range a.parts {
		switch {
		case part.Skipped:
		case part.Verdict == Indeterminate && hoping:
			free++
		case part.Verdict == Allow && !part.Until.Before(until):
			w := a.ways(part, until)
			if slices.ContainsFunc(w, func(set []int) bool { return len(set) == 0 }) {
				free++
			} else if len(w) > 0 {
				ways = append(ways, w)
			}
		}
	}
	slices.SortStableFunc(ways, func(x, y [][]int) int { return len(x) - len(y) })
	switch {
	case tooFew(n-free, ways):
		return false
	case single(ways):
		return matched(ways) >= n-free
	}
	return a.pick(n-free, ways, make(map[int]bool))
}

// tooFew reports whether there are fewer signers than n parts need at least.
func tooFew(n int, parts [][][]int) bool {
	signers, least := make(map[int]bool), []int{}
	for _, ways := range parts {
		fewest := len(ways[0])
		for _, set := range ways {
			fewest = min(fewest, len(set))
			for _, s := range set {
				signers[s] = true
			}
		}
		least = append(least, fewest)
	}
	slices.Sort(least)
	need := 0
	for _, k := range least[:max(0, min(n, len(least)))] {
		need += k
	}
	return n > len(parts) || need > len(signers)
}

// single reports whether one signer is enough for each part.
func single(parts [][][]int) bool {
	return !slices.ContainsFunc(parts, func(ways [][]int) bool {
		return slices.ContainsFunc(ways, func(set []int) bool { return len(set) != 1 })
	})
}

// matched returns how many parts can have a signer of their own, where one is enough for each: a maximum matching, each part
// in turn taking a signer from another that has a choice.
func matched(parts [][][]int) (n int) {
	owner := make(map[int]int) // of a signer: 1 + the part
	var take func(part int, seen map[int]bool) bool
	take = func(part int, seen map[int]bool) bool {
		for _, set := range parts[part] {
			s := set[0]
			if seen[s] {
				continue
			}
			seen[s] = true
			if owner[s] == 0 || take(owner[s]-1, seen) {
				owner[s] = part + 1
				return true
			}
		}
		return false
	}
	for i := range parts {
		if take(i, make(map[int]bool)) {
			n++
		}
	}
	return n
}

// pick reports whether n of the parts have ways that share no signer with each other, nor with those that are taken.
func (a *assignment) pick(n int, parts [][][]int, taken map[int]bool) bool {
	if n <= 0 {
		return true
	}
	if n > len(parts) {
		return false
	}
	for _, set := range parts[0] {
		if a.tired() {
			return false
		}
		if slices.ContainsFunc(set, func(s int) bool { return taken[s] }) {
			continue
		}
		for _, s := range set {
			taken[s] = true
		}
		if a.pick(n-1, parts[1:], taken) {
			return true
		}
		for _, s := range set {
			delete(taken, s)
		}
	}
	return a.pick(n, parts[1:], taken)
}

// ways returns the sets of signers each of which satisfies a decision that allows, until a moment. The empty set is that of a
// decision that rests on nobody.
func (a *assignment) ways(d *Decision, until time.Time) [][]int {
	var numbers []int
	rests := false // on signers
	for _, l := range d.Looked {
		for _, s := range l.Signers {
			if !l.Counts || !s.Counts {
				continue
			}
			rests = true
			if n := a.number(s); !orForever(s.Until).Before(until) && !slices.Contains(numbers, n) {
				numbers = append(numbers, n)
			}
		}
	}
	ways := [][]int{nil}
	if rests {
		ways = a.choose(max(1, d.Need), numbers)
	}
	if len(d.Parts) == 0 || d.Effect != Enforce {
		return ways
	}
	return a.product(ways, a.below(d, until))
}

// below returns the ways of the parts of a decision that allows: of those that are needed.
func (a *assignment) below(d *Decision, until time.Time) (ways [][]int) {
	var each [][][]int
	for _, part := range d.Parts {
		if part.Verdict == Allow && !part.Until.Before(until) {
			each = append(each, a.ways(part, until))
		}
	}
	switch d.Op {
	case opAny: // one of them
		for _, w := range each {
			ways = append(ways, w...)
		}
	case opAtLeast: // that share nobody
		a.unions(d.Need, each, nil, &ways)
	default:
		ways = [][]int{nil}
		for _, w := range each {
			ways = a.product(ways, w)
		}
	}
	return a.least(ways)
}

// unions adds to out what n of the parts come to, by sets that share nobody.
func (a *assignment) unions(n int, parts [][][]int, taken []int, out *[][]int) {
	if n <= 0 {
		*out = append(*out, taken)
		return
	}
	if n > len(parts) || a.over(len(*out)) || a.tired() {
		return
	}
	for _, set := range parts[0] {
		if !slices.ContainsFunc(set, func(s int) bool { return slices.Contains(taken, s) }) {
			a.unions(n-1, parts[1:], union(taken, set), out)
		}
	}
	a.unions(n, parts[1:], taken, out)
}

// product returns the unions of each of x with each of y.
func (a *assignment) product(x, y [][]int) (out [][]int) {
	for _, s := range x {
		for _, t := range y {
			if a.over(len(out)) {
				return a.least(out)
			}
			out = append(out, union(s, t))
		}
	}
	return a.least(out)
}

// choose returns the sets of n of the numbers.
func (a *assignment) choose(n int, numbers []int) (out [][]int) {
	var from func(start int, set []int)
	from = func(start int, set []int) {
		switch {
		case len(set) == n:
			out = append(out, slices.Clone(set))
		case !a.over(len(out)):
			for i := start; i <= len(numbers)-(n-len(set)); i++ {
				from(i+1, append(slices.Clip(set), numbers[i]))
			}
		}
	}
	slices.Sort(numbers)
	from(0, nil)
	return out
}

// least drops the ways that are there twice.
func (a *assignment) least(ways [][]int) [][]int {
	slices.SortFunc(ways, func(x, y []int) int { return cmp.Or(len(x)-len(y), slices.Compare(x, y)) })
	return slices.CompactFunc(ways, slices.Equal)
}

// tired counts a step, and reports whether there were as many as are made.
func (a *assignment) tired() bool {
	if a.steps++; a.steps <= maxSteps {
		return false
	}
	a.limited = true
	return true
}

// over reports whether there are as many ways as are looked at.
func (a *assignment) over(n int) bool {
	if n < maxWays {
		return false
	}
	a.limited = true
	return true
}

// union returns the numbers of both, sorted.
func union(s, t []int) []int {
	u := slices.Concat(s, t)
	slices.Sort(u)
	return slices.Compact(u)
}
