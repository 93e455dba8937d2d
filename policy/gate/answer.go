package gate

import (
	"fmt"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// A Mode is what becomes of a refusal.
type Mode uint8

const (
	ModeDeny  Mode = iota // the door stays shut
	ModeWarn              // it opens, and says what is wrong
	ModeAudit             // it opens in silence: the log knows
)

func (m Mode) String() string {
	switch m {
	case ModeDeny:
		return "deny"
	case ModeWarn:
		return "warn"
	case ModeAudit:
		return "audit"
	}
	return "unknown"
}

// MarshalText writes the mode as its word.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText wrote and refuses anything else.
func (m *Mode) UnmarshalText(text []byte) error {
	for _, w := range []Mode{ModeDeny, ModeWarn, ModeAudit} {
		if w.String() == string(text) {
			*m = w
			return nil
		}
	}
	return fmt.Errorf("gate: %q is not a mode: deny, warn or audit", text)
}

// An Answer is what a [Checker] says to a door.
type Answer struct {
	Name      string           // as it was asked
	Reference Reference        // the same with the digest that was judged; zero if the name is none
	Decision  *policy.Decision // never nil. Callers do not change what it points to
	Children  []Child          // the images of an index that were judged, each by itself

	Allowed bool // whether the door opens: the verdict, after Mode
	Mode    Mode
	// Reason is why, in one line: what is wrong, also where the door opens all the same.
	Reason string
	// RetryAfter is when to ask again if nothing was decided; zero if something was.
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

// Warning returns the one line that a door shows beside opening, or nothing.
func (a *Answer) Warning() string {
	switch {
	case a.Allowed && a.Mode == ModeWarn && a.Decision.Verdict != policy.Allow, a.Allowed && a.Outage:
		return a.Reason
	}
	return ""
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
	a.Allowed = d.Verdict == policy.Allow || a.Mode != ModeDeny
	a.Reason = oneline.Of(d.Reason)
	if d.Verdict == policy.Indeterminate {
		a.RetryAfter = retryAfter
	}
	if c.opts.Counters == nil {
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
