package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"time"

	"github.com/ladingdev/lading/verify"
)

// An Image is what a name stands for at the time of asking.
type Image struct {
	Subject  verify.Descriptor   // the digest to be judged, and deployed
	Children []verify.Descriptor // the images of its platforms, if it is an index: see Input.Children
	Source   verify.Source       // where the evidence about it is
}

// A Gate checks images by name. Its fields are set before first use and not changed after; then it is safe for
// concurrent use.
type Gate struct {
	// Open resolves a name, once per Check, and says where its evidence is. Nil denies everything.
	Open func(ctx context.Context, name string) (*Image, error)
	// Verifiers prove evidence and hold the trust: keys, roots, identities. None means that nothing is proven.
	Verifiers []verify.Verifier
	// Policy decides on what was proven. Nil allows nothing.
	Policy Policy
	// Now tells the time that policies judge by; nil means time.Now.
	Now func() time.Time
	// Record, if it is set, is given the record of each decision of the Policy but those of a dry run, before Check returns. It
	// writes it where [Replay] finds it. It cannot change the decision.
	Record func(*Record)
}

// Check resolves name, collects and proves the evidence, and decides. It never returns nil and never panics: any failure on
// the way is Indeterminate with its cause, a [PanicError] where a function of the caller's panicked.
func (g *Gate) Check(ctx context.Context, name string) *Decision {
	return g.CheckRequest(ctx, name, nil)
}

// CheckRequest is Check for a door that knows who asks for what: policies find the request in their Input.
func (g *Gate) CheckRequest(ctx context.Context, name string, request *Request) (d *Decision) {
	in := &Input{Name: name, Request: request}
	defer func() {
		d.Name, d.Time, d.Request, d.Children = name, in.Now, request, in.Children
		if in.Report != nil {
			d.Subject = in.Report.Subject
		}
	}()
	defer recovered(func(p *PanicError) {
		d = undecided("the image can be judged", "the gate failed: "+p.Error())
		d.Cause = p
	})
	in.Now = g.now()
	return g.check(ctx, in)
}

func (g *Gate) now() time.Time {
	if g.Now != nil {
		return g.Now()
	}
	return time.Now()
}

func (g *Gate) check(ctx context.Context, in *Input) *Decision {
	image, err := g.open(ctx, in.Name)
	if err != nil {
		d := undecided("the image can be looked up", "the image could not be looked up: "+line(err))
		d.Cause = err
		return d
	}
	var source verify.Source
	if image.Source != nil {
		source = guardedSource{image.Source}
	}
	verifiers := make([]verify.Verifier, len(g.Verifiers))
	for i, v := range g.Verifiers {
		if v != nil {
			verifiers[i] = guardedVerifier{v}
		}
	}
	in.Children = image.Children
	in.Report = verify.Collect(ctx, image.Subject, source, verifiers...)
	if g.Record == nil || in.Request != nil && in.Request.DryRun {
		d := *decide(ctx, g.Policy, in) // a copy: a policy may return a shared decision
		return &d
	}
	decided, record := Recorded(ctx, g.Policy, in)
	d := *decided
	g.keep(record)
	return &d
}

// keep gives a record to the function for them. A panic of it is its own affair.
func (g *Gate) keep(r *Record) {
	defer recovered(func(*PanicError) {})
	g.Record(r)
}

func (g *Gate) open(ctx context.Context, name string) (*Image, error) {
	if g.Open == nil {
		return nil, errors.New("the gate has no Open function")
	}
	image, err := g.Open(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case image == nil:
		return nil, errors.New("the gate's Open function returned no image")
	}
	for _, d := range append([]verify.Descriptor{image.Subject}, image.Children...) {
		if err := d.Digest.Validate(); err != nil {
			return nil, fmt.Errorf("the gate's Open function returned a subject with digest %q: %w", d.Digest, err)
		}
	}
	return image, nil
}

// Validate returns an error if the gate can never allow anything, as far as it can be told: of every verifier and policy that
// has a method Validate() error, and of both together, such as an age asked of signatures that have no proven time.
// Programs call it when they start.
func (g *Gate) Validate() error {
	switch {
	case g == nil:
		return errors.New("policy: the gate is nil")
	case g.Open == nil:
		return errors.New("policy: the gate has no Open function")
	case len(g.Verifiers) == 0:
		return errors.New("policy: the gate has no verifiers, so nothing is ever proven")
	case g.Policy == nil:
		return errors.New("policy: the gate has no policy, and allows nothing")
	}
	for i, v := range g.Verifiers {
		if err := validate(v); err != nil {
			return fmt.Errorf("policy: verifier %d of %d: %w", i+1, len(g.Verifiers), trimmed(err))
		}
	}
	if err := Validate(g.Policy); err != nil {
		return err
	}
	if keys, all := g.keys(); all {
		if err := never(g.Policy, keys); err != nil {
			return fmt.Errorf("policy: %w", err)
		}
	}
	return nil
}

// keys returns the identities that the verifiers trust and that still count, if all of them trust nothing but keys.
func (g *Gate) keys() (ids []verify.Identity, all bool) {
	for _, v := range g.Verifiers {
		k, ok := v.(*verify.KeyVerifier)
		if !ok {
			return nil, false
		}
		for _, key := range k.Keys {
			id, err := key.Identity()
			if err != nil {
				return nil, false
			}
			over := !key.Until.IsZero() && !g.now().Before(key.Until)
			if !over && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, true
}

// never says why signatures by these keys alone can never make p allow, as far as it can be told.
func never(p Policy, keys []verify.Identity) (err error) {
	switch p := p.(type) {
	case Require:
		if err = p.fitsKeys(keys); err != nil {
			err = fmt.Errorf("%s: %w", p, err)
		}
	case *Require:
		return never(*p, keys)
	case named:
		return never(p.p, keys)
	case conditional:
		return never(p.p, keys)
	case softened:
		if p.denied == Enforce { // else it allows whatever comes of it
			return never(p.p, keys)
		}
	case threshold:
		may := 0
		for _, part := range p.parts {
			why := never(part, keys)
			if err = cmp.Or(err, why); why == nil {
				may++
			}
		}
		if may >= p.n {
			return nil
		}
	case combined:
		for _, part := range p.parts {
			err = never(part, keys)
			if all := p.decisive == Deny; all == (err != nil) { // one that never does settles all of them, one that may any of them
				break
			}
		}
	}
	return err
}

// recovered is deferred where functions of the caller's are called.
func recovered(report func(*PanicError)) {
	if v := recover(); v != nil {
		report(&PanicError{v, debug.Stack()})
	}
}

// guardedVerifier makes a panic an error about one candidate, so that whoever may push evidence does not decide about the
// others. It is one that could not be looked at.
type guardedVerifier struct{ verify.Verifier }

func (g guardedVerifier) Verify(ctx context.Context, subject, evidence verify.Descriptor) (a *verify.Attestation, err error) {
	defer recovered(func(p *PanicError) { a, err = nil, fmt.Errorf("%w: the verifier failed: %w", verify.ErrUnchecked, p) })
	return g.Verifier.Verify(ctx, subject, evidence)
}

// guardedSource makes a panic the end of the listing: not all came.
type guardedSource struct{ verify.Source }

func (g guardedSource) Evidence(ctx context.Context, subject verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return func(yield func(verify.Descriptor, error) bool) {
		theirs, over := false, false // whose code runs, and whether they want no more
		defer func() {
			if theirs || over {
				return // a panic of who asks, or after the end, goes on to whoever called them
			}
			if v := recover(); v != nil {
				yield(verify.Descriptor{}, fmt.Errorf("the source of evidence failed: %w", &PanicError{v, debug.Stack()}))
			}
		}()
		for d, err := range g.Source.Evidence(ctx, subject) {
			theirs = true
			over = !yield(d, err)
			theirs = false
			if over {
				return
			}
		}
	}
}
