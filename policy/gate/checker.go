package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
)

// What stands in the way of an answer, for errors.Is on its decision's Err.
var (
	ErrDeadline = errors.New("the time to answer was over") // beside what was found out until then
	ErrBusy     = errors.New("too much is being judged")    // ask again
	ErrNotFound = registry.ErrNotFound                      // there is no such image, or repository
)

// Rules are what a [Checker] judges by. They are not changed after they were given to one.
type Rules struct {
	// Gate resolves names, proves evidence and decides. Its Open is given names in their one spelling, by tag or by digest, and
	// its policy sees REPOSITORY@DIGEST as the name: a decision must not depend on a tag, because it is kept for the digest.
	Gate *policy.Gate
	// PolicyDigest and TrustDigest name the policy, and the verifiers with all keys, roots and identities in them. What was
	// verified is kept under the one, what was decided under both, across Use of rules that have the same. Empty means that these
	// rules are like no others: nothing that was kept by others counts for them.
	PolicyDigest, TrustDigest digest.Digest
	// See returns what of a request the policy sees, and a decision is kept for: the less, the more often one that was kept will
	// do. Nil means all of it, or nothing where policy.IgnoresRequest tells that the policy never looks.
	See func(*policy.Request) *policy.Request
	// Mode is what becomes of a refusal: with policy.Warn the door opens and says what is wrong, with policy.Audit it opens and the log
	// knows. Zero means that it stays shut.
	Mode policy.Effect
}

// Options change how a [Checker] works. The zero value is strict.
type Options struct {
	// Timeout bounds the work on one image, and how long a caller without a deadline waits; zero means 10 seconds.
	Timeout time.Duration
	// Margin is how long before its caller's deadline an answer is given, with what is known by then; zero means 500 ms, and of a
	// short time at most a quarter.
	Margin time.Duration
	// AllowFor is how long an image that was allowed is allowed without looking for new evidence; zero means 5 minutes. It is
	// never longer than the decision's own Until.
	AllowFor time.Duration
	// DenyFor is how long a denial is repeated without looking again, and so how long an image stays refused after its evidence
	// has been attached; zero means 5 seconds, more than 30 counts as 30, and less than zero means not at all. It ends up to a
	// quarter early, by chance, so that not all ask at once. An answer that is Indeterminate is never kept.
	// A registry.Cache with a ListingLifetime adds to both.
	DenyFor time.Duration
	// TagFor is how long the digest of a tag is believed; zero means that it is looked up for every question, though once for
	// all that ask at the same time.
	TagFor time.Duration
	// Outage is how long an image that was allowed is allowed again where the registry does not answer, by the same rules, in the
	// same repository, by the same digest. It says so in its Reason. Zero means not at all.
	Outage time.Duration
	// EarlyAllow ends the reading of evidence when the policy allows the image already, where more evidence can never change
	// that: all quantifiers are policy.Some. The answer says how much was read. A denial always read all.
	EarlyAllow bool
	// Platforms says which images of an index are judged; zero means the index.
	Platforms Platforms
	// Listed are the platforms of PlatformsListed, such as "linux/amd64" or "linux/arm/v7".
	Listed []string
	// PerRegistry is how many images of one registry are judged at the same time; zero means 8.
	PerRegistry int
	// PlainHTTP is that of registry.Options: names are spelled by it.
	PlainHTTP bool
	// KeptBytes bounds, roughly, what is kept of verified evidence, and MaxKept the decisions; zero means 64 MiB and 4,096.
	KeptBytes int64
	MaxKept   int
	// Children returns the images of an index, and none for an image; nil asks the Image's Source, if it has a method of this
	// form, as registry.Repository has.
	Children func(ctx context.Context, index verify.Descriptor) ([]verify.Descriptor, error)
	// Log is told every answer but those of a dry run; nil means nobody. See [OpenFile].
	Log Log
	// Counters count; nil means that nothing is counted.
	Counters Counters
}

func (o Options) withDefaults() Options {
	o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	o.Margin = cmp.Or(o.Margin, 500*time.Millisecond)
	o.AllowFor = cmp.Or(o.AllowFor, 5*time.Minute)
	o.DenyFor = min(cmp.Or(o.DenyFor, 5*time.Second), 30*time.Second)
	o.PerRegistry = cmp.Or(o.PerRegistry, 8)
	o.KeptBytes = cmp.Or(o.KeptBytes, 64<<20)
	o.MaxKept = cmp.Or(o.MaxKept, 4096)
	return o
}

func (o Options) validate() error {
	switch {
	case o.Timeout < 0, o.Margin < 0, o.AllowFor < 0, o.TagFor < 0, o.Outage < 0:
		return errors.New("gate: an option is a negative time")
	case o.PerRegistry < 0, o.KeptBytes < 0, o.MaxKept < 0:
		return errors.New("gate: an option is a negative number")
	case o.Platforms > PlatformsListed:
		return fmt.Errorf("gate: Platforms %d, which there is not", o.Platforms)
	case o.Platforms == PlatformsListed && len(o.Listed) == 0:
		return errors.New("gate: PlatformsListed without a platform in Listed")
	case o.Platforms != PlatformsListed && len(o.Listed) > 0:
		return errors.New("gate: platforms are Listed, and Platforms is not PlatformsListed")
	}
	for _, p := range o.Listed {
		if _, err := parsePlatform(p); err != nil {
			return err
		}
	}
	return nil
}

// A Checker answers doors: it judges digests, keeps what cannot have changed, and always answers in time. Make one with
// [New]; it is safe for concurrent use.
type Checker struct {
	opts     Options
	rules    atomic.Pointer[ruleSet]
	serial   atomic.Int64 // of rules
	hosts    hosts
	names    *lru[string, Reference]
	tags     *lru[tagKey, resolved]
	verdicts *lru[verdictKey, *kept]
	evidence *lru[evidenceKey, *proof]
	indexes  *lru[string, string] // REPOSITORY@DIGEST of an index, by that of each of its children
	resolves group[tagKey, *policy.Image]
	work     group[flightKey, *outcome]
}

// ruleSet is Rules with names that are never empty.
type ruleSet struct {
	Rules
	policy, trust string
	serial        int64
	ignores       bool // the policy never looks at a request
}

// seen is what the policy sees of a request.
func (r *ruleSet) seen(request *policy.Request) *policy.Request {
	switch {
	case request == nil || r.See == nil && r.ignores:
		return nil
	case r.See == nil:
		return request
	}
	copied := *request
	return r.See(&copied)
}

// New returns a Checker that judges by rules. It is an error if these can never allow anything, as [policy.Gate.Validate] tells,
// or an option makes no sense.
func New(rules *Rules, o *Options) (*Checker, error) {
	if o == nil {
		o = new(Options)
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	set := o.withDefaults()
	c := &Checker{
		opts: set, names: newLRU[string, Reference](int64(set.MaxKept)), tags: newLRU[tagKey, resolved](int64(set.MaxKept)),
		evidence: newLRU[evidenceKey, *proof](set.KeptBytes), verdicts: newLRU[verdictKey, *kept](int64(set.MaxKept) * verdictWeight),
		indexes: newLRU[string, string](int64(set.MaxKept)),
	}
	c.hosts.most = set.PerRegistry
	return c, c.Use(rules)
}

// Use judges by other rules from now on. Work that is under way by the former ones answers nobody any more: who waits for it is
// answered by the new ones. If the rules can never allow anything, it is an error, and the former ones stay.
func (c *Checker) Use(rules *Rules) error {
	if rules == nil {
		return errors.New("gate: no rules")
	}
	if err := rules.Gate.Validate(); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	if rules.Mode > policy.Audit {
		return fmt.Errorf("gate: mode %d, which there is not", rules.Mode)
	}
	set := &ruleSet{
		Rules: *rules, policy: string(rules.PolicyDigest), trust: string(rules.TrustDigest), serial: c.serial.Add(1),
		ignores: policy.IgnoresRequest(rules.Gate.Policy),
	}
	serial := "rules " + strconv.FormatInt(set.serial, 10)
	if set.policy == "" {
		set.policy = serial
	}
	if set.trust == "" {
		set.trust = serial
	}
	c.rules.Store(set)
	return nil
}

// Rules returns those that hold now.
func (c *Checker) Rules() Rules { return c.rules.Load().Rules }

func (r *ruleSet) now() time.Time {
	if r.Gate.Now != nil {
		return r.Gate.Now()
	}
	return time.Now()
}

// A Question is what a door asks about one image.
type Question struct {
	// Name is the image, by tag or by digest. See [ParseReference].
	Name string
	// Request says who asks for what; the policy sees it.
	Request *policy.Request
	// Access names the credentials that the gate's Open will find in the context, so that nobody gets an error that somebody
	// else's credentials made. Decisions, and what is verified, are for all.
	Access string
	// DryRun leaves no trace: nothing is logged, nothing new is kept, and no decision is counted.
	DryRun bool
	// Subject is the descriptor of Name's digest where whoever pulls has looked that up, as containerd has: the function of [Open] takes
	// its media type and size, and does not ask the registry for them again. Nil, or of another digest, means that it asks.
	Subject *verify.Descriptor
}

// subjectKey is where a Question's Subject is in the context of Open.
type subjectKey struct{}

// maxRounds is how often an answer is looked for anew because the rules were changed meanwhile.
const maxRounds = 3

// Check answers a question. It never returns nil, never panics, and ends before the deadline of ctx or after Options.Timeout.
func (c *Checker) Check(ctx context.Context, q *Question) *Answer {
	began := time.Now()
	a := new(Answer)
	rules := c.rules.Load()
	if !c.warm(rules, q, a) {
		rules = c.cold(ctx, q, a)
	}
	c.end(ctx, rules, q, a, began)
	return a
}

// Known answers as Check does if that asks nobody: by what was decided before, or by the name alone. It is nil if there is work to do,
// for which a door that has several questions wants a goroutine each.
func (c *Checker) Known(ctx context.Context, q *Question) *Answer {
	began := time.Now()
	a := new(Answer)
	rules := c.rules.Load()
	if !c.warm(rules, q, a) {
		return nil
	}
	c.end(ctx, rules, q, a, began)
	return a
}

func (c *Checker) end(ctx context.Context, rules *ruleSet, q *Question, a *Answer, began time.Time) {
	c.conclude(rules, q, a, time.Since(began))
	if c.opts.Log != nil && !q.DryRun {
		c.opts.Log.Decided(ctx, record(q, a))
	}
}

// bounded gives the caller's context a deadline that leaves time to answer.
func (c *Checker) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	left := c.opts.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
		left -= min(c.opts.Margin, left/4)
	}
	return context.WithTimeoutCause(ctx, left, fmt.Errorf("%w: %s", ErrDeadline, left.Round(time.Millisecond)))
}

// warm answers without asking anybody, if it can.
func (c *Checker) warm(rules *ruleSet, q *Question, a *Answer) bool {
	*a = Answer{Name: q.Name, PolicyDigest: rules.PolicyDigest}
	ref, known := c.names.get(q.Name)
	if !known {
		var err error
		if ref, err = ParseReference(q.Name, c.opts.PlainHTTP); err != nil {
			a.Decision = refused(policy.Deny, "the name is one of an image", err.Error(), err)
			return true
		}
		c.names.put(strings.Clone(q.Name), ref, 1)
	}
	a.Reference = ref
	return ref.Digest != "" && c.kept(rules, c.key(rules, q, ref), a)
}

// kept answers with what was decided before, if there is something.
func (c *Checker) kept(rules *ruleSet, key verdictKey, a *Answer) bool {
	k := c.known(rules, key)
	if k == nil {
		return false
	}
	c.count(MetricCache, "result", "hit")
	k.fill(a)
	a.Cached = true
	return true
}

// cold answers by the rules that hold when it is done, which it returns.
func (c *Checker) cold(ctx context.Context, q *Question, a *Answer) *ruleSet {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	for range maxRounds {
		rules := c.rules.Load()
		if !c.warm(rules, q, a) {
			c.answer(ctx, rules, q, a)
		}
		if c.rules.Load() == rules {
			return rules
		}
	}
	rules := c.rules.Load() // they change faster than anybody can judge
	*a = Answer{Name: q.Name, Reference: a.Reference, PolicyDigest: rules.PolicyDigest}
	a.Decision = refused(policy.Indeterminate, "one policy holds", "the rules were changed while the image was judged: ask again", ErrBusy)
	return rules
}

// answer sets what is decided by one set of rules. The answer has the reference.
func (c *Checker) answer(ctx context.Context, rules *ruleSet, q *Question, a *Answer) {
	var image *policy.Image
	if a.Reference.Digest == "" {
		var err error
		if image, err = c.resolve(ctx, rules, q, a.Reference); err != nil {
			a.Decision = refused(policy.Indeterminate, "the image can be looked up", "the image could not be looked up: "+line(err), err)
			return
		}
		a.Reference.Digest = image.Subject.Digest
	}
	if a.Reference.Digest.Algorithm() != digest.SHA256 {
		err := fmt.Errorf("%w: the registry names it by %.160q", ErrName, a.Reference.Digest)
		a.Decision = refused(policy.Deny, "the image has a SHA-256 digest", err.Error(), err)
		return
	}
	key := c.key(rules, q, a.Reference)
	if image != nil && c.kept(rules, key, a) {
		return
	}
	c.count(MetricCache, "result", "miss")
	c.judge(ctx, rules, q, key, image, a)
}

// judge waits for the work on an image, its own or somebody else's.
func (c *Checker) judge(ctx context.Context, rules *ruleSet, q *Question, key verdictKey, image *policy.Image, a *Answer) {
	p := new(progress)
	flight, joined := c.work.start(ctx, flightKey{key, q.Access, q.DryRun}, c.opts.Timeout, p, func(ctx context.Context) (*outcome, error) {
		e := &evaluation{c: c, rules: rules, question: q, key: key, ref: a.Reference, progress: p}
		return e.run(ctx, image), nil
	})
	if flight == nil {
		a.Decision = refused(policy.Indeterminate, "the image can be judged", "too many images are being judged: ask again", ErrBusy)
		return
	}
	a.Shared = joined
	o, err := flight.wait(ctx)
	switch {
	case err != nil && ctx.Err() != nil && context.Cause(ctx) == err:
		p := flight.note.(*progress)
		a.Decision = p.partial(rules, a.Reference, rules.seen(q.Request), err)
		a.outage = errors.Is(err, ErrDeadline) && !p.listed.Load()
	case err != nil:
		a.Decision = refused(policy.Indeterminate, "the image can be judged", "the gate failed: "+line(err), err)
	default:
		o.fill(a)
	}
	if a.outage && a.Decision.Verdict == policy.Indeterminate {
		c.allowedBefore(rules, key, a)
	}
}

// allowedBefore opens the door to what was allowed not long ago, if the operator wants that.
func (c *Checker) allowedBefore(rules *ruleSet, key verdictKey, a *Answer) {
	now := rules.now()
	k, ok := c.verdicts.get(key)
	if c.opts.Outage == 0 || !ok || k.decision.Verdict != policy.Allow || !k.decision.Holds(now) ||
		now.Sub(k.decision.Time) >= c.opts.Outage {
		return
	}
	why := a.Decision.Reason
	k.fill(a)
	a.Outage = true
	a.Decision.Reason = fmt.Sprintf("allowed because it was at %s, up to %s ago, and could not be judged now (%s): %s",
		k.decision.Time.UTC().Format(time.RFC3339), c.opts.Outage, why, a.Decision.Reason)
}

// tagKey names a tag, by whose credentials.
type tagKey struct {
	name, access string
	rules        int64
}

type resolved struct {
	image *policy.Image
	at    time.Time
}

// Resolve looks up the digest of a name that has none, as Check does: once for all that ask at the same time.
func (c *Checker) Resolve(ctx context.Context, q *Question) (Reference, error) {
	ref, err := ParseReference(q.Name, c.opts.PlainHTTP)
	if err != nil || ref.Digest != "" {
		return ref, err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	image, err := c.resolve(ctx, c.rules.Load(), q, ref)
	if err != nil {
		return ref, err
	}
	ref.Digest = image.Subject.Digest
	return ref, nil
}

// resolve looks up a tag, once for all that ask at the same time.
func (c *Checker) resolve(ctx context.Context, rules *ruleSet, q *Question, ref Reference) (*policy.Image, error) {
	key := tagKey{ref.String(), q.Access, rules.serial}
	if r, ok := c.tags.get(key); ok {
		if age := rules.now().Sub(r.at); age >= 0 && age < c.opts.TagFor {
			return r.image, nil
		}
	}
	flight, _ := c.resolves.start(ctx, key, c.opts.Timeout, nil, func(ctx context.Context) (*policy.Image, error) {
		image, err := c.open(ctx, rules, ref.Host(), ref.String())
		if err != nil {
			return nil, err
		}
		if c.opts.TagFor > 0 && !q.DryRun {
			c.tags.put(key, resolved{image, rules.now()}, 1)
		}
		return image, nil
	})
	if flight == nil {
		return nil, ErrBusy
	}
	return flight.wait(ctx)
}

// open asks the gate's Open, when the registry's turn has come.
func (c *Checker) open(ctx context.Context, rules *ruleSet, host, name string) (*policy.Image, error) {
	release, err := c.hosts.take(ctx, host)
	if err != nil {
		return nil, err
	}
	defer release()
	image, err := rules.Gate.Open(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case image == nil:
		return nil, errors.New("the gate's Open function returned no image")
	}
	if err := image.Subject.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("%w: the registry names it by %.160q: %w", registry.ErrMalformed, image.Subject.Digest, err)
	}
	return image, nil
}
