package gate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
)

// An outcome is what came of the work on one image.
type outcome struct {
	decision    *policy.Decision
	children    []Child
	read, known int
	incomplete  bool // something could not be looked at
	outage      bool // that it is Indeterminate is the registry's fault alone: it did not answer
}

// fill gives an outcome as an answer. The decision is the answer's own.
func (o *outcome) fill(a *Answer) {
	d := *o.decision
	a.Decision, a.Children, a.Read, a.Known, a.outage = &d, o.children, o.read, o.known, o.outage
}

// An evaluation is the work on one image.
type evaluation struct {
	c        *Checker
	rules    *ruleSet
	question *Question
	key      verdictKey
	ref      Reference
	progress *progress
}

// request is what the policy sees of the request.
func (e *evaluation) request() *policy.Request {
	seen := e.rules.seen(e.question.Request)
	if seen != nil && seen.DryRun != e.question.DryRun {
		copied := *seen
		copied.DryRun = e.question.DryRun
		seen = &copied
	}
	return seen
}

// run opens the image, unless that was done, and judges it.
func (e *evaluation) run(ctx context.Context, image *policy.Image) *outcome {
	c := e.c
	if k := c.known(e.rules, e.key); k != nil { // somebody was faster
		return &k.outcome
	}
	if image == nil {
		var err error
		ctx := ctx
		if s := e.question.Subject; s != nil && s.Digest == e.ref.Digest {
			ctx = context.WithValue(ctx, subjectKey{}, *s)
		}
		if image, err = c.open(ctx, e.rules, e.ref.Host(), e.ref.Pinned()); err != nil {
			reason := "the image could not be looked up: " + line(err)
			return e.done(ctx, &outcome{decision: refused(policy.Indeterminate, "the image can be looked up", reason, err),
				outage: isOutage(err)})
		}
	}
	if image.Subject.Digest != e.ref.Digest {
		err := fmt.Errorf("%w: asked for %s, got %s", registry.ErrDigest, e.ref.Digest, image.Subject.Digest)
		return e.done(ctx, &outcome{decision: refused(policy.Indeterminate, "the image can be looked up", line(err), err)})
	}
	release, err := c.hosts.take(ctx, e.ref.Host())
	if err != nil {
		reason := "its registry's turn did not come: " + line(err)
		return e.done(ctx, &outcome{decision: refused(policy.Indeterminate, "the image can be judged", reason, err), outage: isOutage(err)})
	}
	defer release()
	return e.done(ctx, e.judge(ctx, image))
}

// done keeps an outcome, and names what it is about.
func (e *evaluation) done(ctx context.Context, o *outcome) *outcome {
	d := *o.decision
	d.Name, d.Subject.Digest = e.ref.Pinned(), e.ref.Digest
	if d.Time.IsZero() {
		d.Time = e.rules.now()
	}
	o.decision = &d
	o.outage = o.outage && d.Verdict == policy.Indeterminate
	// A policy of the caller's may take for a denial what could not be looked at. That is not remembered.
	if failed := ctx.Err() != nil || o.incomplete; !e.question.DryRun && (!failed || d.Verdict == policy.Allow) {
		e.c.keep(e.key, o)
	}
	e.c.count(MetricEvaluations, "verdict", strings.ToLower(d.Verdict.String()))
	return o
}

// one judges one digest by its own evidence.
func (e *evaluation) one(ctx context.Context, name string, image *policy.Image, p *progress) *outcome {
	early := e.c.opts.EarlyAllow && policy.OnlySome(e.rules.Gate.Policy)
	o := e.check(ctx, name, image, p, early)
	if o.read > 0 && o.decision.Verdict != policy.Allow { // a denial always read all
		o = e.check(ctx, name, image, new(progress), false)
	}
	if o.read > 0 {
		if source, ok := image.Source.(lister); ok {
			for _, err := range source.Referrers(ctx, image.Subject) {
				if o.known++; err != nil {
					o.known = 0
					break
				}
			}
		}
	}
	return o
}

// A lister counts what is attached to a subject; registry.Repository is one.
type lister interface {
	Referrers(ctx context.Context, subject verify.Descriptor) iter.Seq2[verify.Descriptor, error]
}

func (e *evaluation) check(ctx context.Context, name string, image *policy.Image, p *progress, early bool) *outcome {
	p.begin(image)
	source := &watchedSource{Source: image.Source, e: e, p: p, name: name, early: early}
	g := *e.rules.Gate
	g.Verifiers = nil
	for i, v := range e.rules.Gate.Verifiers {
		if v != nil {
			v = &keeper{Verifier: v, first: i == 0, e: e, p: p}
		}
		g.Verifiers = append(g.Verifiers, v)
	}
	g.Open = func(context.Context, string) (*policy.Image, error) {
		copied := *image
		if image.Source != nil {
			copied.Source = source
		}
		return &copied, nil
	}
	o := &outcome{decision: g.CheckRequest(ctx, name, e.request())}
	if source.stopped {
		o.read = source.count
	}
	unchecked := p.unchecked.Load()
	o.incomplete = source.failed > 0 || unchecked
	o.outage = source.failed > 0 && source.failed == source.outages && !unchecked
	return o
}

// progress is how far the work on a subject came.
type progress struct {
	mu         sync.Mutex
	image      *policy.Image
	candidates int
	proofs     map[[32]byte]*verify.Attestation
	evidence   []verify.Descriptor
	unchecked  atomic.Bool // a verifier could not make a check
	listed     atomic.Bool // all candidates came: what takes long is not the registry
}

func (p *progress) begin(image *policy.Image) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.image, p.proofs = image, make(map[[32]byte]*verify.Attestation)
	p.unchecked.Store(false)
	p.listed.Store(false)
}

func (p *progress) came() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.candidates++
}

func (p *progress) proven(a *verify.Attestation, evidence verify.Descriptor) {
	evidence.Data = nil
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proofs[fingerprint(evidence)] = a
	p.evidence = append(p.evidence, evidence)
}

// soFar decides on what was proven so far. What else there is could not be looked at, because of missing.
func (p *progress) soFar(rules *ruleSet, name string, request *policy.Request, missing error) (*policy.Decision, int) {
	p.mu.Lock()
	image, candidates, evidence := p.image, p.candidates, p.evidence
	proofs := make(map[[32]byte]*verify.Attestation, len(p.proofs))
	for k, v := range p.proofs {
		proofs[k] = v
	}
	p.mu.Unlock()
	if image == nil {
		return nil, 0
	}
	source := verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			for _, e := range evidence {
				if !yield(e, nil) {
					return
				}
			}
			if missing != nil {
				yield(verify.Descriptor{}, missing)
			}
		}
	})
	g := &policy.Gate{
		Policy: rules.Gate.Policy, Now: rules.Gate.Now, Verifiers: []verify.Verifier{replay(proofs)},
		Open: func(context.Context, string) (*policy.Image, error) {
			copied := *image
			copied.Source = source
			return &copied, nil
		},
	}
	return g.CheckRequest(context.Background(), name, request), candidates
}

// replay is a Verifier that knows what was proven.
type replay map[[32]byte]*verify.Attestation

func (r replay) Verify(_ context.Context, _, evidence verify.Descriptor) (*verify.Attestation, error) {
	if a := r[fingerprint(evidence)]; a != nil {
		return a, nil
	}
	return nil, verify.ErrFormat
}

// partial is what is answered at the deadline. It never allows: not all was read.
func (p *progress) partial(rules *ruleSet, ref Reference, request *policy.Request, err error) *policy.Decision {
	d := refused(policy.Indeterminate, "the image can be judged in time", line(err), err)
	known, candidates := p.soFar(rules, ref.Pinned(), request, err)
	if known == nil {
		d.Reason += ": its registry has not answered all that was asked"
		return d
	}
	p.mu.Lock()
	proofs := len(p.proofs)
	p.mu.Unlock()
	d.Reason += fmt.Sprintf(": by then %d pieces of evidence had come and %d were proven; %s", candidates, proofs, known.Reason)
	d.Parts = []*policy.Decision{known}
	if known.Verdict == policy.Allow { // a part of the proof, not of the answer
		copied := *known
		copied.Verdict = policy.Indeterminate
		d.Parts[0] = &copied
	}
	return d
}

// watchedSource counts what comes of a Source, and ends it early if that is enough.
type watchedSource struct {
	verify.Source
	e               *evaluation
	p               *progress
	name            string
	early           bool
	stopped         bool
	count, weighed  int // candidates, and proofs that the policy was asked about
	failed, outages int
}

func (s *watchedSource) Evidence(ctx context.Context, subject verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	all := s.Source.Evidence(ctx, subject)
	if all == nil {
		return nil
	}
	return func(yield func(verify.Descriptor, error) bool) {
		for d, err := range all {
			if err != nil {
				if s.failed++; isOutage(err) {
					s.outages++
				}
			}
			s.count++
			s.p.came()
			if !yield(d, err) {
				return
			}
			if s.early && err == nil && s.enough() {
				s.stopped = true
				return
			}
		}
		if ctx.Err() == nil {
			s.p.listed.Store(true)
			return
		}
		if s.failed++; isOutage(context.Cause(ctx)) {
			s.outages++
		}
	}
}

// enough reports whether the policy allows the image by what was proven so far.
func (s *watchedSource) enough() bool {
	s.p.mu.Lock()
	proofs := len(s.p.proofs)
	s.p.mu.Unlock()
	if proofs == s.weighed {
		return false
	}
	s.weighed = proofs
	d, _ := s.p.soFar(s.e.rules, s.name, s.e.request(), nil)
	return d != nil && d.Verdict == policy.Allow
}

// isOutage tells a registry that does not answer from one that answers wrongly, or not for us.
func isOutage(err error) bool {
	for _, not := range []error{
		registry.ErrDigest, registry.ErrMalformed, registry.ErrUnauthorized, registry.ErrNotFound, registry.ErrLimit, registry.ErrInvalid,
		registry.ErrUnsupported, verify.ErrTampered, verify.ErrUnchecked, verify.ErrLimit,
	} {
		if errors.Is(err, not) {
			return false
		}
	}
	return errors.Is(err, registry.ErrUnavailable) || errors.Is(err, ErrDeadline) || errors.Is(err, context.DeadlineExceeded)
}
