package verify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
)

// maxCandidates is how many candidates Collect looks at. Sources have tighter limits of their own; this one is for those that have none.
const maxCandidates = 10_000

// Collect asks src for all candidates about subject and gives each to the Verifiers in turn until one accepts it. A
// candidate that none accepts is in Rejected, with the reason of every Verifier that reads its format. A broken
// candidate neither hides nor aborts the others, and neither does a Verifier that panics at it.
//
// What is in the Report is in the order of src, though candidates are looked at at the same time, as many as there are
// processors. A candidate whose Data is not what its Digest and Size say did not arrive: it is in Incomplete.
func Collect(ctx context.Context, subject Descriptor, src Source, vs ...Verifier) *Report {
	subject.Data = nil
	report := &Report{Subject: subject}
	if src == nil {
		report.Incomplete = append(report.Incomplete, errors.New("verify: no source of evidence"))
		return report
	}
	if len(vs) == 0 || slices.Contains(vs, nil) {
		report.Incomplete = append(report.Incomplete, errors.New("verify: no verifier, or one that is nil"))
		return report
	}
	c := &collector{subject: Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}, verifiers: vs}
	c.run(ctx, src)
	for _, o := range c.outcomes {
		switch {
		case o.att != nil:
			report.Attestations = append(report.Attestations, o.att)
		case o.rejected != nil:
			report.Rejected = append(report.Rejected, o.rejected)
		default:
			report.Incomplete = append(report.Incomplete, o.incomplete)
		}
	}
	return report
}

// A collector looks at the candidates of one Collect.
type collector struct {
	subject   Descriptor // what Verifiers get: nothing that nobody could have signed
	verifiers []Verifier
	outcomes  []*outcome // in the source's order
}

// An outcome is what came of one candidate, or of the source.
type outcome struct {
	att        *Attestation
	rejected   *RejectedError
	incomplete error
}

// run looks at all that src has. When it returns, or src panics, nothing is under way any more.
func (c *collector) run(ctx context.Context, src Source) {
	jobs := make(chan job, 2*runtime.GOMAXPROCS(0)) // little room, so that few candidates are in memory that nobody looks at
	var workers sync.WaitGroup
	defer workers.Wait()
	defer close(jobs)
	started, count := 0, 0
	candidates := src.Evidence(ctx, c.subject)
	if candidates == nil {
		c.outcomes = append(c.outcomes, &outcome{incomplete: errors.New("verify: the source of evidence returned no sequence")})
		return
	}
	for candidate, err := range candidates {
		o := new(outcome)
		c.outcomes = append(c.outcomes, o)
		if count++; count > maxCandidates {
			o.incomplete = fmt.Errorf("%w: more than %d candidates", ErrLimit, maxCandidates)
			return
		}
		switch {
		case err != nil && candidate.Digest == "" && candidate.MediaType == "":
			o.incomplete = err
			return
		case err != nil:
			o.incomplete = &RejectedError{Evidence: bare(candidate), Err: err}
			continue
		case ctx.Err() != nil:
			o.incomplete = context.Cause(ctx)
			return
		}
		if count == 1 { // often the only one
			c.look(ctx, candidate, o)
			continue
		}
		if started < runtime.GOMAXPROCS(0) {
			started++
			workers.Go(func() { c.work(ctx, jobs, &workers) })
		}
		jobs <- job{candidate, o}
	}
	if ctx.Err() != nil {
		c.outcomes = append(c.outcomes, &outcome{incomplete: context.Cause(ctx)})
	}
}

// A job is a candidate, and where to say what came of it.
type job struct {
	candidate Descriptor
	outcome   *outcome
}

// work looks at one candidate after the other. A Verifier that ends its goroutine, as a test's may, ends no other one.
func (c *collector) work(ctx context.Context, jobs <-chan job, workers *sync.WaitGroup) {
	done := false
	defer func() {
		if !done {
			workers.Go(func() { c.work(ctx, jobs, workers) })
		}
	}()
	for j := range jobs {
		j.outcome.incomplete = errors.New("verify: a verifier ended its goroutine")
		c.look(ctx, j.candidate, j.outcome)
	}
	done = true
}

func bare(d Descriptor) Descriptor {
	d.Data = nil
	return d
}

// look finds out about one candidate.
func (c *collector) look(ctx context.Context, candidate Descriptor, o *outcome) {
	candidate, err := arrived(candidate)
	if err != nil {
		o.incomplete = &RejectedError{Evidence: bare(candidate), Err: err}
		return
	}
	att, err := c.verify(ctx, candidate)
	switch {
	case err == nil:
		o.att = att
	case errors.Is(err, ErrUnchecked):
		o.incomplete = &RejectedError{Evidence: bare(candidate), Err: err}
	default:
		o.rejected = &RejectedError{Evidence: bare(candidate), Err: err}
	}
}

// arrived holds a candidate's content against the digest and the size by which the report will name it. Content that comes
// without them gets its own.
func arrived(d Descriptor) (Descriptor, error) {
	if len(d.Data) == 0 {
		return d, nil // nothing to prove anything with
	}
	if d.Digest == "" {
		d.Digest = digest.FromBytes(d.Data)
	}
	if err := d.Digest.Validate(); err != nil {
		return d, fmt.Errorf("%w: the source names it by digest %.80q: %w", ErrMalformed, d.Digest, err)
	}
	if d.Size == 0 {
		d.Size = int64(len(d.Data))
	}
	if d.Size != int64(len(d.Data)) || d.Digest.Algorithm().FromBytes(d.Data) != d.Digest {
		return d, fmt.Errorf("%w: the source gave %d bytes that are not the %d bytes with this digest", ErrTampered, len(d.Data), d.Size)
	}
	return d, nil
}

// verify gives a candidate to the Verifiers in turn.
func (c *collector) verify(ctx context.Context, evidence Descriptor) (*Attestation, error) {
	var reasons, foreign []error
	for _, v := range c.verifiers {
		att, err := try(ctx, v, c.subject, evidence)
		if err == nil {
			att, err = att.checked(c.subject, evidence)
		}
		if err == nil {
			return att, nil
		}
		if errors.Is(err, ErrFormat) {
			foreign = append(foreign, err)
		} else {
			reasons = append(reasons, err)
		}
	}
	if len(reasons) == 0 { // nobody's: often all in the same words
		reasons = slices.CompactFunc(foreign, func(a, b error) bool { return a.Error() == b.Error() })
	}
	if len(reasons) == 1 {
		return nil, reasons[0]
	}
	return nil, errors.Join(reasons...)
}

// try asks one Verifier. What is sent to make it panic has not been looked at, and ends no program.
func try(ctx context.Context, v Verifier, subject, evidence Descriptor) (att *Attestation, err error) {
	defer func() {
		if r := recover(); r != nil {
			att, err = nil, fmt.Errorf("%w: the verifier %T panicked: %.256v", ErrUnchecked, v, r)
		}
	}()
	return v.Verify(ctx, subject, evidence)
}

// checked refuses an Attestation that breaks the promises of its type, whoever's Verifier made it, and says in the rest
// which candidate it is of.
func (a *Attestation) checked(subject, evidence Descriptor) (*Attestation, error) {
	switch {
	case a == nil:
		return nil, errors.New("verify: the verifier returned neither attestation nor error")
	case a.Kind < ImageSignature || a.Kind > Blob:
		return nil, errors.New("verify: the verifier returned an attestation without kind")
	case a.Subject.Digest != subject.Digest:
		return nil, fmt.Errorf("%w: the verifier returned an attestation about %.80q", ErrSubject, a.Subject.Digest)
	case !onlyNames(a.Subject):
		return nil, fmt.Errorf("%w: the verifier says more of the subject than its digest, media type and size", ErrSubject)
	case a.Kind == Statement && a.PredicateType == "":
		return nil, fmt.Errorf("%w: a statement without predicate type", ErrType)
	case len(a.Signers) == 0:
		return nil, fmt.Errorf("%w: an attestation without signer", ErrNotTrusted)
	}
	out := *a // which may be shared: nothing is written to a
	out.Evidence = bare(evidence)
	out.Signers = slices.Clone(a.Signers)
	for i := range out.Signers {
		s := &out.Signers[i]
		if s.Identity.Kind == KeyIdentity && s.Key == "" {
			s.Key = s.Identity.Key
		}
		if err := s.validate(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotTrusted, err)
		}
		for _, t := range out.Signers[:i] {
			if s.Identity == t.Identity || shareEntry(*s, t) {
				return nil, fmt.Errorf("%w: one signer counted twice", ErrMalformed)
			}
		}
	}
	return &out, nil
}

// onlyNames reports whether a descriptor has nothing that no format signs.
func onlyNames(d Descriptor) bool {
	return len(d.URLs) == 0 && len(d.Annotations) == 0 && d.Data == nil && d.Platform == nil && d.ArtifactType == ""
}

// validate refuses a signer who could count as another one, or as one more.
func (s *Signer) validate() error {
	if err := s.Identity.Validate(); err != nil {
		return err
	}
	switch {
	case s.Key != "" && !isSHA256(s.Key):
		return fmt.Errorf("verify: a signer with Key %.80q, which is not a SHA-256 in 64 digits of lower-case hex", s.Key)
	case s.Identity.Kind == KeyIdentity && s.Key != s.Identity.Key:
		return errors.New("verify: a signer whose Key is not that of its identity")
	case slices.Contains(s.Entries, ""):
		return errors.New("verify: a signer who matched an entry without name")
	case s.TimeSource > TimeLogged || s.SignedAt.IsZero() != (s.TimeSource == TimeUnknown):
		return fmt.Errorf("verify: a signing time %v by the word of %v", s.SignedAt, s.TimeSource)
	}
	return nil
}
