package gate

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// verdictKey is all that a decision depends on, beside evidence and time.
type verdictKey struct {
	repository    string // not the tag
	digest        digest.Digest
	policy, trust string
	request       string
}

// flightKey is a verdictKey whose work has credentials, and may or may not leave a trace.
type flightKey struct {
	verdictKey
	access string
	dryRun bool
}

// kept is a decision that may be given again.
type kept struct {
	outcome
	from, to time.Time
}

// verdictWeight is what a decision weighs at least, in bytes.
const verdictWeight = 4096

func (c *Checker) key(rules *ruleSet, q *Question, ref Reference) verdictKey {
	return verdictKey{
		repository: ref.Repository, digest: ref.Digest, policy: rules.policy, trust: rules.trust,
		request: fingerprintRequest(rules.seen(q.Request)),
	}
}

// fingerprintRequest names what the policy may see of a request. Members of the map come in order.
func fingerprintRequest(r *policy.Request) string {
	if r == nil {
		return ""
	}
	copied := *r
	copied.DryRun = false // nothing is kept for one
	text, err := json.Marshal(&copied)
	if err != nil { // of strings there is none
		return "unknown " + err.Error()
	}
	return string(text)
}

// known returns what was decided before, if it still holds.
func (c *Checker) known(rules *ruleSet, key verdictKey) *kept {
	k, ok := c.verdicts.get(key)
	if !ok {
		return nil
	}
	now := rules.now()
	if now.Before(k.from) || !now.Before(k.to) || !k.decision.Holds(now) {
		return nil
	}
	return k
}

// keep remembers what was decided. What is Indeterminate neither is kept nor removes what was.
func (c *Checker) keep(key verdictKey, o *outcome) {
	d := o.decision
	k := &kept{outcome: *o, from: d.Time}
	switch {
	case d.Verdict == policy.Allow && len(d.Warnings()) == 0:
		k.to = k.from.Add(c.opts.AllowFor)
	case d.Verdict != policy.Indeterminate: // a rule that only warns is met as soon as its evidence is there
		lifetime := max(c.opts.DenyFor, 0)
		k.to = k.from.Add(lifetime - rand.N(lifetime/4+1))
	default:
		return
	}
	weight := weigh(d)
	for _, child := range o.children {
		weight += weigh(child.Decision)
	}
	c.verdicts.put(key, k, max(weight, verdictWeight))
}

// weigh estimates the memory that a decision takes.
func weigh(d *policy.Decision) (bytes int64) {
	for _, part := range d.All() {
		bytes += 512 + int64(len(part.Rule)+len(part.Reason)+256*len(part.Evidence))
		if part.Cause != nil {
			bytes += 2 * int64(len(part.Cause.Error()))
		}
	}
	return bytes
}

// evidenceKey is all that a proof depends on, beside time.
type evidenceKey struct {
	trust    string
	subject  digest.Digest
	evidence [sha256.Size]byte
}

// A proof is verified evidence, and when it may be believed.
type proof struct {
	attestation *verify.Attestation
	from, to    time.Time // to is zero if there is no end
}

// fingerprint names a candidate with all that a verifier sees of it: a signature may be in an annotation. Data is what Digest
// says; verify.Collect has seen to that.
func fingerprint(d verify.Descriptor) (sum [sha256.Size]byte) {
	h := sha256.New()
	add := func(s string) {
		var length [8]byte
		binary.LittleEndian.PutUint64(length[:], uint64(len(s)))
		h.Write(length[:])
		h.Write([]byte(s))
	}
	for _, s := range []string{d.MediaType, string(d.Digest), d.ArtifactType, strings.Join(d.URLs, "\n")} {
		add(s)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Annotations)) {
		add(name)
		add(d.Annotations[name])
	}
	if d.Platform != nil {
		text, _ := json.Marshal(d.Platform) // of strings
		add(string(text))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// A keeper is a Verifier that remembers what was proven.
type keeper struct {
	verify.Verifier
	first bool // of the verifiers: it answers from what is kept, whoever proved it
	e     *evaluation
	p     *progress
}

func (k *keeper) Verify(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	c, rules := k.e.c, k.e.rules
	if evidence.Digest == "" || len(evidence.Data) == 0 {
		return k.Verifier.Verify(ctx, subject, evidence)
	}
	key := evidenceKey{rules.trust, subject.Digest, fingerprint(evidence)}
	if k.first {
		now := rules.now()
		if known, ok := c.evidence.get(key); ok && !now.Before(known.from) && (known.to.IsZero() || now.Before(known.to)) {
			c.count(MetricProofs, "result", "kept")
			k.p.proven(known.attestation, evidence)
			return known.attestation, nil
		}
	}
	now := rules.now()
	a, err := k.Verifier.Verify(ctx, subject, evidence)
	switch {
	case err != nil:
		if !errors.Is(err, verify.ErrFormat) {
			c.count(MetricProofs, "result", "refused")
		}
		if errors.Is(err, verify.ErrUnchecked) || ctx.Err() != nil {
			k.p.unchecked.Store(true)
		}
		return nil, err
	case a == nil:
		return nil, nil
	}
	c.count(MetricProofs, "result", "proven")
	k.p.proven(a, evidence)
	if !k.e.question.DryRun {
		c.evidence.put(key, &proof{attestation: a, from: now, to: end(a)}, int64(len(evidence.Data))+2048)
	}
	return a, nil
}

// end is the first moment at which a signer may no longer count; zero if there is none.
func end(a *verify.Attestation) (first time.Time) {
	for _, s := range a.Signers {
		if !s.Until.IsZero() && (first.IsZero() || s.Until.Before(first)) {
			first = s.Until
		}
	}
	return first
}

// hosts bounds how much is asked of each registry at the same time.
type hosts struct {
	most int

	mu    sync.Mutex
	slots map[string]*slots
}

type slots struct {
	tokens chan struct{}
	users  int // who have a token or wait for one
}

func (h *hosts) take(ctx context.Context, host string) (release func(), err error) {
	h.mu.Lock()
	s := h.slots[host]
	if s == nil {
		s = &slots{tokens: make(chan struct{}, h.most)}
		if h.slots == nil {
			h.slots = make(map[string]*slots)
		}
		h.slots[host] = s
	}
	s.users++
	h.mu.Unlock()
	leave := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if s.users--; s.users == 0 {
			delete(h.slots, host)
		}
	}
	select {
	case s.tokens <- struct{}{}:
		return func() { <-s.tokens; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}
