package gate

import (
	"errors"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// An Answer is what a [Checker] says to a door.
type Answer struct {
	Name      string           // as it was asked
	Reference Reference        // the same with the digest that was judged; zero if the name is none
	Decision  *policy.Decision // never nil. Callers do not change what it points to
	Children  []Child          // the images of an index that were judged, each by itself

	Allowed bool // whether the door opens: the verdict, after Mode
	Mode    policy.Effect
	// Reason is why, in one line: what is wrong, also where the door opens all the same.
	Reason string
	// RetryAfter is when to ask again if nothing was decided; zero if something was, or there is no such image.
	RetryAfter time.Duration

	Cached bool // nobody was asked
	Shared bool // it is the answer of work that somebody else began
	Outage bool // allowed because it was allowed before: see Options.Outage
	// Read of Known candidates were read, where reading ended early because they sufficed; both are zero otherwise. Known is zero if
	// nobody counted.
	Read, Known  int
	PolicyDigest digest.Digest // that of the rules
	Took         time.Duration

	outage bool // that nothing was decided is the registry's fault alone
}

// A Child is an image of an index, and what was decided about it.
type Child struct {
	verify.Descriptor
	Decision *policy.Decision
}

// Warnings returns the lines that a door shows beside opening: what would have been refused, and what was allowed in an outage.
func (a *Answer) Warnings() (lines []string) {
	switch {
	case !a.Allowed:
		return nil
	case a.Mode == policy.Warn && a.Decision.Err() != nil, a.Outage:
		lines = append(lines, a.Reason)
	}
	for _, soft := range a.Decision.Warnings() {
		if soft.Effect == policy.Warn {
			lines = append(lines, oneline.Of(soft.Reason))
		}
	}
	return lines
}

// retryAfter is short: an image that cannot be judged now may be in a moment.
const retryAfter = 2 * time.Second

// conclude makes of a decision what the door does.
func (c *Checker) conclude(rules *ruleSet, q *Question, a *Answer, took time.Duration) {
	d := a.Decision
	if d.Name == "" || d.Time.IsZero() {
		copied := *d
		copied.Name, copied.Time = a.Name, rules.now()
		if pinned := a.Reference.Pinned(); pinned != "" {
			copied.Name = pinned
		}
		a.Decision, d = &copied, &copied
	}
	a.Mode, a.Took = rules.Mode, took
	a.Allowed = d.Err() == nil || a.Mode != policy.Enforce
	a.Reason = oneline.Of(d.Reason)
	if d.Verdict == policy.Indeterminate && !errors.Is(d.Err(), ErrNotFound) {
		a.RetryAfter = retryAfter
	}
	if c.opts.Counters == nil || q.DryRun { // a doctor's trial raises no alarm
		return
	}
	source := "fresh"
	switch {
	case a.Outage:
		source = "outage"
	case a.Cached:
		source = "cache"
	case a.Shared:
		source = "shared"
	}
	c.count(MetricDecisions, "verdict", strings.ToLower(d.Verdict.String()), "mode", a.Mode.String(), "source", source)
	c.opts.Counters.Time(MetricDuration, took, "source", source)
}

func refused(v policy.Verdict, rule, reason string, cause error) *policy.Decision {
	return &policy.Decision{Verdict: v, Rule: rule, Reason: oneline.Of(reason), Cause: cause}
}

func line(err error) string { return oneline.Error(err) }
