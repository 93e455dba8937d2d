package policy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
)

// Decide asks a policy about a record, as if it was asked at a time; zero is that of the record. The decision is marked
// Replayed, all its parts too, and opens no door. A rule that needs a fact that is not in the record is Indeterminate, with
// [ErrNotRecorded] as a cause.
func (r *Record) Decide(ctx context.Context, p Policy, at time.Time) *Decision {
	if r == nil || r.report == nil {
		return replayed(undecided("the record can be judged", "there is no record"))
	}
	if at.IsZero() {
		at = r.Time
	}
	in := &Input{Name: r.Name, Children: r.Children, Report: r.report, Request: r.Request, Now: at}
	in.facts = &facts{report: r.report, replayed: r}
	d := *replayed(decide(ctx, p, in))
	d.Name, d.Subject, d.Children, d.Request, d.Time = r.Name, r.Subject, r.Children, r.Request, at
	return &d
}

// replayed returns a decision that is marked, and so are its parts.
func replayed(d *Decision) *Decision {
	marked := d.Replayed
	for i, part := range d.Parts {
		if part == nil || part.Replayed && len(part.Parts) == 0 {
			continue
		}
		if p := replayed(part); p != part {
			if marked {
				c := *d
				d, marked = &c, false
			}
			d.Parts = append(append(append(make([]*Decision, 0, len(d.Parts)), d.Parts[:i]...), p), d.Parts[i+1:]...)
		}
	}
	if d.Replayed {
		return d
	}
	c := *d
	c.Replayed = true
	return &c
}

// Replay asks a policy about records, each at a time (zero: its own), and yields its decision, or the error of the record, in their
// order. It works on some records at the same time and keeps no others.
func Replay(ctx context.Context, p Policy, records iter.Seq2[*Record, error], at time.Time) iter.Seq2[*Decision, error] {
	return until(ctx, ordered(records, func(r *Record) (*Decision, error) { return r.Decide(ctx, p, at), nil }))
}

// until yields what seq does until a context ends, and then its cause.
func until[T any](ctx context.Context, seq iter.Seq2[*T, error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for v, err := range seq {
			if ctx.Err() != nil {
				yield(nil, context.Cause(ctx))
				return
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// A Change is a record that two policies decide differently.
type Change struct {
	Old, New *Decision // replayed; Old has no Parts if it is what the record says
}

// Allowed reports whether the image is newly allowed. Else it is newly refused.
func (c *Change) Allowed() bool { return c.New.Verdict == Allow }

// Unknown reports whether it is refused because it cannot be told: the record has not what the new policy asks for, or somebody has
// to look again.
func (c *Change) Unknown() bool { return c.New.Verdict == Indeterminate }

// Lacks returns what is not in the record, nil if that is not why it is refused.
func (c *Change) Lacks() error {
	if err := c.New.Err(); c.Unknown() && errors.Is(err, ErrNotRecorded) {
		return err
	}
	return nil
}

// String says what changed for which image, and why, in one line.
func (c *Change) String() string {
	what := "newly denied"
	switch {
	case c.Allowed():
		what = "newly allowed"
	case c.Unknown():
		what = "newly undecided"
	}
	name := oneline.Of(c.New.Name)
	if name == "" {
		name = string(c.New.Subject.Digest)
	}
	return fmt.Sprintf("%s: %s: %s", what, name, oneline.Of(c.New.Reason))
}

// Diff compares what two policies let run: it asks both about each record at a time (zero: its own) and yields those that one allows
// and the other does not. Without old, the record's own verdict is compared with, so that it tells who would be refused if the
// new one were enforced now.
func Diff(ctx context.Context, old, new Policy, records iter.Seq2[*Record, error], at time.Time) iter.Seq2[*Change, error] {
	compared := until(ctx, ordered(records, func(r *Record) (*Change, error) {
		return &Change{r.before(ctx, old, at), r.Decide(ctx, new, at)}, nil
	}))
	return func(yield func(*Change, error) bool) {
		for c, err := range compared {
			if (err != nil || (c.Old.Verdict == Allow) != (c.New.Verdict == Allow)) && !yield(c, err) {
				return
			}
		}
	}
}

// before is what the old policy says.
func (r *Record) before(ctx context.Context, old Policy, at time.Time) *Decision {
	if old != nil {
		return r.Decide(ctx, old, at)
	}
	return &Decision{
		Verdict: r.Verdict, Rule: "as it was decided then", Reason: r.Reason, Document: r.Document, Replayed: true,
		Name: r.Name, Subject: r.Subject, Children: r.Children, Request: r.Request, Time: r.Time,
	}
}
