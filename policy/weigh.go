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
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/verify"
)

// weighing is one decision of a Require in the making.
type weighing struct {
	Require
	report *verify.Report
	now    time.Time
	in     *Input   // for Check
	asked  *horizon // what Check compared with the present

	candidates []*candidate
	looked     []*looked
	others     []*verify.Attestation // what was proven that is not of the type
	strangers  []string              // who signed what is of the type, and is not asked for
	then       []time.Time           // when strangers may be none
	unread     []error               // what could not be looked at, beside the report's own
}

// looked is an attestation of the type, and what came of each of its signers.
type looked struct {
	a       *verify.Attestation
	c       *candidate // nil: by nobody who is asked for
	signers []LookedSigner
}

// A candidate is an attestation of the type, by a signer who is asked for.
type candidate struct {
	a       *verify.Attestation
	looked  *looked
	signers []counted
	why     error     // it will not do; nil if it will
	at      time.Time // when it was made, if that is known
	latest  time.Time // the latest that at leaves open
	unknown string    // why it is not
}

// counted is a signer who is asked for, and until when it counts.
type counted struct {
	LookedSigner
	until time.Time
	i     int // among the signers of the attestation
}

// A refusal is why an attestation does not count: time alone may change it at a moment.
type refusal struct {
	why  string
	then time.Time // zero means that it stays so
}

func (r refusal) Error() string { return r.why }

// add puts an attestation where it belongs.
func (w *weighing) add(a *verify.Attestation) {
	if !w.asksFor(a) {
		w.others = append(w.others, a)
		return
	}
	l := &looked{a: a, signers: make([]LookedSigner, len(a.Signers))}
	c := &candidate{a: a, looked: l}
	w.looked = append(w.looked, l)
	for i, s := range a.Signers {
		as, until, why := w.named(s)
		l.signers[i] = LookedSigner{Signer: s, As: as, Why: oneline.Of(why.why)}
		if why.why == "" {
			c.signers = append(c.signers, counted{l.signers[i], until, i})
			continue
		}
		w.strangers = append(w.strangers, why.why)
		if !why.then.IsZero() {
			w.then = append(w.then, why.then)
		}
	}
	if len(c.signers) == 0 {
		return
	}
	l.c = c
	w.candidates = append(w.candidates, c)
	w.date(c)
	w.age(c)
}

// named returns by what name of the policy's a signer is asked for, if it has one, until when it counts, and why not if it does
// not: without a name because it is not asked for.
func (w *weighing) named(s verify.Signer) (as string, until time.Time, why refusal) {
	if len(w.By)+len(w.ByEntry)+len(w.Signers) == 0 || slices.Contains(w.By, s.Identity) ||
		slices.ContainsFunc(s.Entries, func(e string) bool { return slices.Contains(w.ByEntry, e) }) {
		return "", orForever(s.Until), refusal{}
	}
	why = refusal{why: fmt.Sprintf("signed by %s, who is not asked for", s)}
	for _, signer := range w.Signers {
		if signer.matches(s) {
			as = signer.Name
			if why, until = signer.judge(s, w.now); why.why == "" {
				break
			}
		}
	}
	return as, until, why
}

// check asks the caller's function about the content. What panics could not be looked at.
func (w *weighing) check(ctx context.Context, c *candidate) {
	if c.why != nil || w.Check == nil {
		return
	}
	func() {
		defer recovered(func(p *PanicError) { c.why = fmt.Errorf("%w: the check failed: %w", ErrIndeterminate, p) })
		if c.why = context.Cause(ctx); c.why != nil {
			c.why = fmt.Errorf("%w: %w", ErrIndeterminate, c.why)
			return
		}
		before := w.in.facts.count()
		c.why = w.Check(ctx, w.in, c.a)
		if w.in.facts.unasked(before, c.a) {
			c.why = fmt.Errorf("%w: the check of %s read no fact of it", ErrNotRecorded, short(c.a.Evidence))
		}
	}()
	if errors.Is(c.why, ErrIndeterminate) {
		w.unread = append(w.unread, c.why)
	}
}

// date finds out when an attestation was made: by its predicate, or by the earliest proven time of a signer. A proven time
// says that it was there by then.
func (w *weighing) date(c *candidate) {
	if w.Time != "" {
		at, err := Fact(w.in, c.a, "policy.Require.Time "+w.Time, func() (time.Time, error) { return timeAt(c.a.Predicate, w.Time) })
		if err != nil {
			c.unknown = fmt.Sprintf("no time at %s: %v", w.Time, err)
			if errors.Is(err, ErrNotRecorded) {
				w.unread = append(w.unread, err)
			}
			return
		}
		c.at, c.latest = at, at
	} else {
		for _, s := range c.signers {
			if why := unproven(s.Signer); why != "" {
				c.unknown = why
				continue
			}
			if c.at.IsZero() || s.SignedAt.Before(c.at) {
				c.at = s.SignedAt
			}
			if c.latest.IsZero() || s.Latest().Before(c.latest) {
				c.latest = s.Latest()
			}
		}
	}
	switch {
	case c.at.IsZero():
	case c.at.After(w.now.Add(clockSkew)):
		c.unknown = fmt.Sprintf("its time is in the future, %s", stamp(c.at))
	default:
		c.unknown = ""
	}
}

// unproven says why a signer has no time that somebody else vouches for, or nothing.
func unproven(s verify.Signer) string {
	switch {
	case s.TimeSource == verify.TimeUnknown || s.SignedAt.IsZero():
		return "nobody says when it was signed"
	case s.TimeSource < verify.TimeAuthority || s.TimeSource > verify.TimeLogged:
		return fmt.Sprintf("signed at %s by the signer's own word alone", stamp(s.SignedAt))
	}
	return ""
}

// age drops the signers whose time is over MaxAge, and shortens how long the others count.
func (w *weighing) age(c *candidate) {
	if w.MaxAge == 0 {
		return
	}
	var young []counted
	var refused refusal
	for _, s := range c.signers {
		at, why := s.SignedAt, unproven(s.Signer)
		if w.Time != "" {
			if at, why = c.at, ""; at.IsZero() {
				why = c.unknown
			}
		}
		switch age := w.now.Sub(at); {
		case why != "":
			refused.why = why
		case age < -clockSkew:
			refused.why = fmt.Sprintf("its time is in the future, %s", stamp(at))
			if then := at.Add(-clockSkew); refused.then.IsZero() || then.Before(refused.then) {
				refused.then = then
			}
		case age >= w.MaxAge:
			refused.why = fmt.Sprintf("its time, %s, is longer than %s ago", stamp(at), w.MaxAge)
		default:
			s.until = earliest(s.until, at.Add(w.MaxAge))
			young = append(young, s)
			continue
		}
		c.looked.signers[s.i].Why = oneline.Of(refused.why)
	}
	if !refused.then.IsZero() {
		w.then = append(w.then, refused.then)
	}
	if len(young) == 0 {
		c.why = refused
		return
	}
	c.signers = young
}

// decide weighs what was put together.
func (w *weighing) decide(ctx context.Context) *Decision {
	d := &Decision{Rule: w.String(), Replayed: w.in.isReplay()}
	chosen := w.candidates
	if w.Quantifier == Newest {
		var ok bool
		if chosen, ok = w.newest(d); !ok {
			d.Missing, d.Looked = w.missing(nil, 1), w.show(nil)
			return d
		}
	}
	var signers distinct
	var unmet []error
	for _, c := range chosen {
		if w.check(ctx, c); c.why != nil {
			unmet = append(unmet, c.why)
			continue
		}
		for _, s := range c.signers {
			signers.add(s)
		}
		evidence := c.a.Evidence
		evidence.Data = nil
		d.Evidence = append(d.Evidence, evidence)
	}
	need := max(1, w.AtLeast)
	w.verdict(d, chosen, signers, unmet, need)
	if d.Verdict != Allow {
		d.Evidence = nil
		d.Missing = w.missing(signers, need)
	}
	d.Need = need
	d.Looked = w.show(chosen)
	w.horizon(d, signers, need)
	return d
}

// verdict sets verdict, reason and cause.
func (w *weighing) verdict(d *Decision, chosen []*candidate, signers distinct, unmet []error, need int) {
	unread := slices.Concat(w.report.Incomplete, w.unread)
	failed := slices.ContainsFunc(w.unread, func(err error) bool { _, ok := errors.AsType[*PanicError](err); return ok })
	forbidden := slices.DeleteFunc(slices.Clone(unmet), func(err error) bool { return errors.Is(err, ErrIndeterminate) })
	switch {
	case len(forbidden) > 0 && (w.Quantifier == Every || w.Quantifier == Newest && len(unread) == 0):
		d.Verdict = Deny
		d.Reason = fmt.Sprintf("%s: %d of %d will not do: %s", w.what(), len(forbidden), len(chosen), some(lines(forbidden), ", "))
		if w.Quantifier == Newest {
			d.Reason = fmt.Sprintf("the newest %s will not do: %s", w.what(), some(lines(forbidden), ", "))
		}
		d.Cause = errors.Join(forbidden...)
	case failed, len(unread) > 0 && (w.Quantifier != Some || len(signers) < need):
		d.Verdict = Indeterminate
		d.Reason = fmt.Sprintf("could not look for %s: %s", w.what(), line(unread[0]))
		if more := len(unread) - 1; more > 0 {
			d.Reason += fmt.Sprintf(" (and %d more)", more)
		}
		d.Cause = errors.Join(unread...)
	case len(signers) >= need:
		d.Verdict = Allow
		d.Reason = fmt.Sprintf("%s by %s", w.what(), signers)
	default:
		w.deny(d, signers, unmet, need)
	}
}

// deny says what is missing.
func (w *weighing) deny(d *Decision, signers distinct, unmet []error, need int) {
	d.Verdict = Deny
	switch {
	case len(signers) > 0:
		d.Reason = fmt.Sprintf("%d of %d required signers for %s (%s)", len(signers), need, w.what(), signers)
	case need > 1:
		d.Reason = fmt.Sprintf("0 of %d required signers for %s", need, w.what())
	default:
		d.Reason = "no " + w.what()
	}
	why := lines(unmet)
	switch why = append(why, w.strangers...); {
	case len(why) > 0 && need > 1:
		d.Reason += "; not counted: " + some(why, ", ")
	case len(why) > 0:
		d.Reason += " that will do: " + some(why, ", ")
	case len(signers) == 0:
		d.Reason += leftovers(w.report, w.others)
	}
	causes := slices.Clone(unmet)
	for _, rejected := range w.report.Rejected {
		causes = append(causes, rejected)
	}
	d.Cause = errors.Join(causes...)
}

// show lists the evidence that was looked at, and, where something is missed, what was refused before a policy could look at it.
func (w *weighing) show(chosen []*candidate) (all []Looked) {
	for _, l := range w.looked {
		out := Looked{Evidence: l.a.Evidence, PredicateType: l.a.PredicateType, Signers: l.signers}
		out.Evidence.Data = nil
		switch {
		case l.c == nil:
			out.Why = "by nobody who counts"
			if len(l.signers) == 1 {
				out.Why = l.signers[0].Why
			}
		case l.c.why != nil:
			out.Why = oneline.Error(l.c.why)
		case !slices.Contains(chosen, l.c):
			out.Why = "it is not the newest"
		default:
			out.Counts = true
			for _, s := range l.c.signers {
				l.signers[s.i].Counts = true
				if l.signers[s.i].Until = s.until; s.until.Equal(Forever) {
					l.signers[s.i].Until = time.Time{}
				}
			}
		}
		all = append(all, out)
	}
	return all
}

// missing says in words what the least is that would make it Allow.
func (w *weighing) missing(signers distinct, need int) []string {
	by := w.by()
	if by == "" {
		by = "a signer whom the verifiers trust"
	} else if len(w.By)+len(w.ByEntry)+len(w.Signers) > 1 {
		by = "one of " + by
	}
	what := w.what() + " by " + by
	if w.MaxAge > 0 {
		what += fmt.Sprintf(", younger than %s", w.MaxAge)
	}
	refused := func(c *candidate) bool { return c.why != nil && !errors.Is(c.why, ErrIndeterminate) }
	unread := slices.Concat(w.report.Incomplete, w.unread)
	switch {
	case w.Quantifier == Every && slices.ContainsFunc(w.candidates, refused):
		var gone []string
		for _, c := range w.candidates {
			if refused(c) {
				gone = append(gone, "that evidence "+short(c.a.Evidence)+" goes, or is excepted: "+oneline.Error(c.why))
			}
		}
		return gone
	case len(unread) > 0 && (w.Quantifier != Some || len(signers) < need):
		return []string{"that can be read which could not be: " + oneline.Error(unread[0])}
	case w.Quantifier == Newest && len(w.candidates) > 0:
		return []string{"a newer " + what + ", whose time is proven"}
	case len(signers) > 0:
		return []string{fmt.Sprintf("%d more: %s, other than %s", need-len(signers), what, signers)}
	case need > 1:
		return []string{fmt.Sprintf("%d signers: %s", need, what)}
	}
	return []string{article(what)}
}

func article(what string) string {
	if strings.ContainsRune("aeiou", rune(what[0])) {
		return "an " + what
	}
	return "a " + what
}

// short is how evidence is named in a sentence.
func short(d verify.Descriptor) string {
	if d.Digest == "" {
		return "without digest"
	}
	return string(d.Digest[:min(len("sha256:")+12, len(d.Digest))])
}

// newest returns the candidates that were made last, with those that may have been, for a timestamp can be vague. If it cannot be
// told which these are, it decides that.
func (w *weighing) newest(d *Decision) (last []*candidate, ok bool) {
	var newest time.Time
	for _, c := range w.candidates {
		if c.unknown != "" {
			d.Reason = fmt.Sprintf("cannot tell which %s is the newest: %s", w.what(), c.unknown)
			return nil, false
		}
		if c.at.After(newest) {
			newest = c.at
		}
	}
	for _, c := range w.candidates {
		if !c.latest.Before(newest) {
			last = append(last, c)
		}
	}
	return last, true
}

// horizon sets until when the decision holds.
func (w *weighing) horizon(d *Decision, signers distinct, need int) {
	if d.Verdict == Indeterminate {
		return
	}
	until := Forever
	if end, ok := w.asked.get(); ok {
		until = end
	}
	if d.Verdict == Allow {
		until = earliest(until, signers.until(need))
	}
	for _, then := range w.then {
		until = earliest(until, then)
	}
	for _, c := range w.candidates {
		if r, ok := c.why.(refusal); ok && !r.then.IsZero() {
			until = earliest(until, r.then)
		}
		// Without one of them, the others are every one, or the newest, or are no longer one signer because of it.
		if w.Quantifier != Some || d.Verdict == Deny && need > 1 {
			for _, s := range c.signers {
				until = earliest(until, s.until)
			}
		}
	}
	// What is not valid yet will be, at a moment that is not known here.
	if (d.Verdict == Deny || w.Quantifier != Some) &&
		slices.ContainsFunc(w.report.Rejected, func(r *verify.RejectedError) bool { return errors.Is(r, verify.ErrNotYet) }) {
		until = time.Time{}
	}
	d.Until = until
}

// distinct are signers in groups: those of one group are one signer, and count once.
type distinct [][]counted

func (d *distinct) add(s counted) {
	joined, rest := []counted{s}, (*d)[:0]
	for _, group := range *d {
		if slices.ContainsFunc(group, func(o counted) bool { return s.same(o.LookedSigner) }) {
			joined = append(group, joined...)
		} else {
			rest = append(rest, group)
		}
	}
	*d = append(rest, joined)
}

// until is when fewer than n are left.
func (d distinct) until(n int) time.Time {
	var ends []time.Time
	for _, group := range d {
		var last time.Time
		for _, s := range group {
			if s.until.After(last) {
				last = s.until
			}
		}
		ends = append(ends, last)
	}
	slices.SortFunc(ends, func(a, b time.Time) int { return b.Compare(a) })
	return ends[n-1]
}

// String names one signer of each group.
func (d distinct) String() string {
	var names []string
	for _, group := range d {
		names = append(names, group[0].String())
	}
	return strings.Join(names, " and ")
}

func orForever(t time.Time) time.Time {
	if t.IsZero() {
		return Forever
	}
	return t
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// timeAt reads the RFC 3339 time that a JSON pointer (RFC 6901) leads to.
func timeAt(predicate []byte, pointer string) (time.Time, error) {
	r := strictjson.NewReader(predicate, strictjson.Limits{})
	text, found := at(r, pathOf(pointer))
	if err := r.End(); err != nil {
		return time.Time{}, err
	}
	if !found {
		return time.Time{}, errors.New("there is none")
	}
	t, err := time.Parse(time.RFC3339, text)
	if err == nil && t.IsZero() {
		err = errors.New("the zero time")
	}
	return t.UTC(), err
}

// pathOf takes a JSON pointer apart.
func pathOf(pointer string) []string {
	path := strings.Split(pointer, "/")[1:]
	for i, name := range path {
		path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	}
	return path
}

// at reads on to the string where the path leads, and past everything else.
func at(r *strictjson.Reader, path []string) (text string, found bool) {
	switch {
	case len(path) == 0 && r.Kind() == strictjson.String:
		return r.String(), true
	case len(path) > 0 && r.Kind() == strictjson.Array:
		for i := range r.Array() {
			if strconv.Itoa(i) == path[0] {
				text, found = at(r, path[1:])
			}
		}
		return text, found
	case len(path) == 0 || r.Kind() != strictjson.Object:
		return "", false
	}
	for name := range r.Object() {
		if string(name) == path[0] {
			text, found = at(r, path[1:])
		}
	}
	return text, found
}
