package policy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ladingdev/lading/verify"
)

// An Image is what a name stands for at the time of asking.
type Image struct {
	Subject verify.Descriptor // the digest to be judged, and deployed
	Source  verify.Source     // where the evidence about it is
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
}

// Check resolves name, collects and proves the evidence, and decides. It never returns nil, and any failure on the way
// is Indeterminate with its cause.
func (g *Gate) Check(ctx context.Context, name string) *Decision {
	now := time.Now
	if g.Now != nil {
		now = g.Now
	}
	in := &Input{Name: name, Now: now()}
	d := g.check(ctx, in)
	d.Name, d.Time = name, in.Now
	if in.Report != nil {
		d.Subject = in.Report.Subject
	}
	return d
}

func (g *Gate) check(ctx context.Context, in *Input) *Decision {
	image, err := g.open(ctx, in.Name)
	if err != nil {
		d := undecided("the image can be resolved", "could not be resolved: "+line(err))
		d.Cause = err
		return d
	}
	in.Report = verify.Collect(ctx, image.Subject, image.Source, g.Verifiers...)
	d := *decide(ctx, g.Policy, in) // a copy: a policy may return a shared decision
	return &d
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
	if err := image.Subject.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("the gate's Open function returned a subject with digest %q: %w", image.Subject.Digest, err)
	}
	return image, nil
}
