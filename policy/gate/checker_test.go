package gate_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// A world is a registry that does what a test says, and a clock.
type world struct {
	mu       sync.Mutex
	tags     map[string]verify.Descriptor
	evidence map[string][]verify.Descriptor // by REPOSITORY@DIGEST, or by digest alone: in every repository
	children map[digest.Digest][]verify.Descriptor
	fail     error         // of whatever is asked
	lie      digest.Digest // that Open returns
	slow     time.Duration
	now      time.Time
	hold     chan struct{} // evidence waits for it

	opens, lists, proofs atomic.Int64
	key                  sign.Key
}

func newWorld(t testing.TB) *world {
	t.Helper()
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		tags: make(map[string]verify.Descriptor), evidence: make(map[string][]verify.Descriptor),
		children: make(map[digest.Digest][]verify.Descriptor),
		now:      time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), key: key,
	}
}

func (w *world) image(content, mediaType string) verify.Descriptor {
	return verify.Descriptor{MediaType: mediaType, Digest: digest.FromString(content), Size: int64(len(content))}
}

// signed returns an image that is signed in every repository.
func (w *world) signed(t testing.TB, content string) verify.Descriptor {
	t.Helper()
	d := w.image(content, ocispec.MediaTypeImageManifest)
	w.sign(t, d, string(d.Digest))
	return d
}

func (w *world) sign(t testing.TB, d verify.Descriptor, where string) {
	t.Helper()
	e, err := (&sign.BundleSigner{Key: w.key}).Sign(t.Context(), sign.About(d, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.evidence[where] = append(w.evidence[where], e) })
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) after(d time.Duration) { w.set(func() { w.now = w.now.Add(d) }) }

func (w *world) open(ctx context.Context, name string) (*policy.Image, error) {
	w.opens.Add(1)
	ref, err := gate.ParseReference(name, false)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return nil, w.fail
	}
	d := verify.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: ref.Digest, Size: 1}
	if ref.Digest == "" {
		var ok bool
		if d, ok = w.tags[ref.String()]; !ok {
			return nil, registry.ErrNotFound
		}
	}
	if _, ok := w.children[d.Digest]; ok {
		d.MediaType = ocispec.MediaTypeImageIndex
	}
	if w.lie != "" {
		d.Digest = w.lie
	}
	return &policy.Image{Subject: d, Children: w.children[d.Digest], Source: &repository{w, ref.Repository}}, nil
}

type repository struct {
	w    *world
	name string
}

func (r *repository) Evidence(ctx context.Context, subject verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return func(yield func(verify.Descriptor, error) bool) {
		r.w.lists.Add(1)
		r.w.mu.Lock()
		list := append(r.w.evidence[string(subject.Digest)], r.w.evidence[r.name+"@"+string(subject.Digest)]...)
		fail, slow, hold := r.w.fail, r.w.slow, r.w.hold
		r.w.mu.Unlock()
		if hold != nil {
			select {
			case <-hold:
			case <-ctx.Done():
			}
		}
		select {
		case <-time.After(slow):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			yield(verify.Descriptor{}, context.Cause(ctx))
			return
		}
		for _, d := range list {
			if !yield(d, nil) {
				return
			}
		}
		if fail != nil {
			yield(verify.Descriptor{}, fail)
		}
	}
}

func (r *repository) Referrers(ctx context.Context, subject verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return r.Evidence(ctx, subject)
}

func (r *repository) Children(_ context.Context, d verify.Descriptor) ([]verify.Descriptor, error) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	return append([]verify.Descriptor(nil), r.w.children[d.Digest]...), r.w.fail
}

// counting counts proofs, whatever they come to.
type counting struct {
	verify.Verifier
	n *atomic.Int64
}

func (c counting) Verify(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	c.n.Add(1)
	return c.Verifier.Verify(ctx, subject, evidence)
}

func (w *world) gate(p policy.Policy) *policy.Gate {
	if p == nil {
		p = policy.Require{Kind: verify.ImageSignature}
	}
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: w.key.Public()}}, Now: w.clock}
	return &policy.Gate{Open: w.open, Verifiers: []verify.Verifier{counting{v, &w.proofs}}, Policy: p, Now: w.clock}
}

func (w *world) checker(t testing.TB, rules *gate.Rules, o *gate.Options) *gate.Checker {
	t.Helper()
	if rules == nil {
		rules = &gate.Rules{}
	}
	if rules.Gate == nil {
		rules.Gate = w.gate(nil)
	}
	c, err := gate.New(rules, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const app = "registry.example.com/acme/app"

func pinned(d verify.Descriptor) string { return app + "@" + string(d.Digest) }

func ask(t testing.TB, c *gate.Checker, name string, want policy.Verdict) *gate.Answer {
	t.Helper()
	a := c.Check(t.Context(), &gate.Question{Name: name})
	if a.Decision.Verdict != want {
		t.Errorf("%s: %v, want %v", name, a.Decision, want)
	}
	if a.Allowed != (want == policy.Allow) && a.Mode == policy.Enforce && !a.Outage {
		t.Errorf("%s: %v, allowed %v", name, a.Decision, a.Allowed)
	}
	if strings.ContainsAny(a.Reason, "\r\n") || a.Reason == "" {
		t.Errorf("%s: reason %q", name, a.Reason)
	}
	return a
}

// A tag is resolved for each question, and what was decided on the digest is given again; by digest, nobody is asked.
func TestWarm(t *testing.T) {
	w := newWorld(t)
	d := w.signed(t, "one")
	w.tags[app+":v1"] = d
	c := w.checker(t, nil, nil)
	first := ask(t, c, app+":v1", policy.Allow)
	if first.Cached || first.Reference.Pinned() != pinned(d) || first.Reference.String() != app+":v1@"+string(d.Digest) {
		t.Errorf("first answer: %+v", first)
	}
	opens, lists, proofs := w.opens.Load(), w.lists.Load(), w.proofs.Load()
	for _, name := range []string{pinned(d), app + ":v2@" + string(d.Digest), "REGISTRY.example.com.:443/acme/app@" + string(d.Digest)} {
		if a := ask(t, c, name, policy.Allow); !a.Cached {
			t.Errorf("%s is judged anew", name)
		}
	}
	if w.opens.Load() != opens || w.lists.Load() != lists || w.proofs.Load() != proofs {
		t.Error("a warm answer asked somebody")
	}
	ask(t, c, app+":v1", policy.Allow)
	if w.opens.Load() != opens+1 || w.lists.Load() != lists {
		t.Errorf("a tag costs %d questions, %d listings", w.opens.Load()-opens, w.lists.Load()-lists)
	}
	w.after(6 * time.Minute)
	if a := ask(t, c, pinned(d), policy.Allow); a.Cached || w.lists.Load() != lists+1 {
		t.Error("after its time an answer is still kept")
	}
	if w.proofs.Load() != proofs {
		t.Error("evidence was verified twice")
	}
}

// What is kept is for a digest in a repository, by a policy and trust, for a request as far as the policy sees it.
func TestKeptFor(t *testing.T) {
	w := newWorld(t)
	d := w.image("one", ocispec.MediaTypeImageManifest)
	w.sign(t, d, pinned(d))
	c := w.checker(t, nil, nil)
	ask(t, c, pinned(d), policy.Allow)
	other := "registry.example.com/evil/app@" + string(d.Digest)
	if a := ask(t, c, other, policy.Deny); a.Cached {
		t.Error("another repository with the same digest: a kept answer")
	}
	// The signature that is proven for the digest is not taken for one of the other repository's.
	if n := w.proofs.Load(); n != 1 {
		t.Errorf("%d proofs", n)
	}

	byNamespace := policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision {
		return &policy.Decision{Verdict: policy.Allow, Rule: "any", Reason: "any", Until: policy.Forever}
	})
	c = w.checker(t, &gate.Rules{Gate: w.gate(byNamespace)}, nil)
	for i, tt := range []struct {
		request *policy.Request
		cached  bool
	}{
		{nil, false}, {nil, true}, {&policy.Request{Namespace: "a"}, false}, {&policy.Request{Namespace: "b"}, false},
		{&policy.Request{Namespace: "a"}, true},
		{&policy.Request{Namespace: "a", Attributes: map[string]string{"x": "1"}}, false},
	} {
		if a := c.Check(t.Context(), &gate.Question{Name: pinned(d), Request: tt.request}); a.Cached != tt.cached {
			t.Errorf("%d: cached %v", i, a.Cached)
		}
	}
	see, err := gate.See("namespace")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gate.See("nobody"); err == nil {
		t.Error("a field that there is not is taken")
	}
	c = w.checker(t, &gate.Rules{Gate: w.gate(byNamespace), See: see}, nil)
	for i, tt := range []struct {
		request *policy.Request
		cached  bool
	}{{&policy.Request{Namespace: "a", User: "u"}, false}, {&policy.Request{Namespace: "a", User: "v"}, true},
		{&policy.Request{Namespace: "b", User: "u"}, false}} {
		if a := c.Check(t.Context(), &gate.Question{Name: pinned(d), Request: tt.request}); a.Cached != tt.cached {
			t.Errorf("narrowed, %d: cached %v", i, a.Cached)
		}
	}
	c = w.checker(t, nil, nil) // a Require never looks at a request
	for i, user := range []string{"u", "v"} {
		if a := c.Check(t.Context(), &gate.Question{Name: pinned(d), Request: &policy.Request{User: user}}); a.Cached != (i > 0) {
			t.Errorf("user %s: cached %v", user, a.Cached)
		}
	}
}

// A hit of verified evidence does not stand for other bytes under its digest, nor for other annotations.
func TestKeptEvidenceIsItsBytes(t *testing.T) {
	w := newWorld(t)
	d := w.signed(t, "one")
	c := w.checker(t, nil, &gate.Options{AllowFor: time.Second, DenyFor: -1})
	ask(t, c, pinned(d), policy.Allow)
	w.after(time.Minute)
	w.set(func() {
		e := &w.evidence[string(d.Digest)][0]
		e.Data = append([]byte(nil), e.Data...)
		e.Data[len(e.Data)/2] ^= 1
	})
	ask(t, c, pinned(d), policy.Indeterminate) // what came is not what its digest says
	w.set(func() { w.evidence[string(d.Digest)][0].Digest = "" })
	if a := ask(t, c, pinned(d), policy.Deny); a.Cached {
		t.Error("a damaged signature is answered by the cache")
	}
}

func TestCacheFaults(t *testing.T) {
	t.Run("transient failure", func(t *testing.T) {
		w := newWorld(t)
		d := w.signed(t, "one")
		c := w.checker(t, nil, nil)
		w.set(func() { w.fail = registry.ErrUnavailable })
		if a := ask(t, c, pinned(d), policy.Indeterminate); a.RetryAfter == 0 {
			t.Error("no word of when to ask again")
		}
		w.set(func() { w.fail = nil })
		ask(t, c, pinned(d), policy.Allow)
	})
	t.Run("a policy that takes a failure for a denial", func(t *testing.T) {
		w := newWorld(t)
		d := w.signed(t, "one")
		careless := policy.Func(func(_ context.Context, in *policy.Input) *policy.Decision {
			v := policy.Deny
			if len(in.Report.Attestations) > 0 {
				v = policy.Allow
			}
			return &policy.Decision{Verdict: v, Rule: "signed", Reason: "signed", Until: policy.Forever}
		})
		c := w.checker(t, &gate.Rules{Gate: w.gate(careless)}, &gate.Options{Timeout: 30 * time.Millisecond})
		w.set(func() { w.hold = make(chan struct{}) })
		c.Check(t.Context(), &gate.Question{Name: pinned(d)})
		w.set(func() { w.hold = nil })
		for range 100 { // until the work that failed is over
			if a := c.Check(t.Context(), &gate.Question{Name: pinned(d)}); a.Decision.Verdict == policy.Allow {
				return
			} else if a.Cached {
				t.Fatal("a failure is remembered")
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Error("the failure stays")
	})
	t.Run("denial ends", func(t *testing.T) {
		w := newWorld(t)
		d := w.image("one", ocispec.MediaTypeImageManifest)
		c := w.checker(t, nil, nil)
		ask(t, c, pinned(d), policy.Deny)
		w.sign(t, d, pinned(d))
		if a := ask(t, c, pinned(d), policy.Deny); !a.Cached {
			t.Error("a denial is not repeated")
		}
		w.after(5 * time.Second)
		ask(t, c, pinned(d), policy.Allow)
	})
	t.Run("clock set back", func(t *testing.T) {
		w := newWorld(t)
		d := w.signed(t, "one")
		c := w.checker(t, nil, nil)
		ask(t, c, pinned(d), policy.Allow)
		w.after(-time.Hour)
		if a := ask(t, c, pinned(d), policy.Allow); a.Cached || w.proofs.Load() != 2 {
			t.Errorf("an answer from the future: cached %v, %d proofs", a.Cached, w.proofs.Load())
		}
	})
	t.Run("until", func(t *testing.T) {
		w := newWorld(t)
		d := w.signed(t, "one")
		g := w.gate(nil)
		g.Verifiers = []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: w.key.Public(), Until: w.now.Add(time.Minute)}},
			Now: w.clock}}
		c := w.checker(t, &gate.Rules{Gate: g}, nil)
		ask(t, c, pinned(d), policy.Allow)
		w.after(59 * time.Second)
		if a := ask(t, c, pinned(d), policy.Allow); !a.Cached {
			t.Error("not kept")
		}
		w.after(time.Second)
		ask(t, c, pinned(d), policy.Deny) // neither the decision nor the proof outlives the key
	})
	t.Run("no end is said", func(t *testing.T) {
		w := newWorld(t)
		d := w.signed(t, "one")
		p := policy.Func(func(context.Context, *policy.Input) *policy.Decision {
			return &policy.Decision{Verdict: policy.Allow, Rule: "r", Reason: "r"}
		})
		c := w.checker(t, &gate.Rules{Gate: w.gate(p)}, nil)
		for range 2 {
			if a := ask(t, c, pinned(d), policy.Allow); a.Cached {
				t.Error("a decision that is good for the moment only is kept")
			}
		}
	})
}

// Rules that change while an image is judged answer whoever waits for it, and nothing of the former ones is kept for them.
func TestUseMidFlight(t *testing.T) {
	w := newWorld(t)
	d := w.signed(t, "one")
	other := newWorld(t) // whose key is not the one that signed
	for name, next := range map[string]*policy.Gate{
		"trust":  {Open: w.open, Verifiers: other.gate(nil).Verifiers, Policy: policy.Require{Kind: verify.ImageSignature}, Now: w.clock},
		"policy": w.gate(policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://cyclonedx.org/bom"}}),
	} {
		c := w.checker(t, nil, nil)
		hold := make(chan struct{})
		w.set(func() { w.hold = hold })
		lists := w.lists.Load()
		answer := make(chan *gate.Answer)
		go func() { answer <- c.Check(t.Context(), &gate.Question{Name: pinned(d)}) }()
		for w.lists.Load() == lists {
			time.Sleep(time.Millisecond)
		}
		if err := c.Use(&gate.Rules{Gate: next}); err != nil {
			t.Fatal(err)
		}
		close(hold)
		if a := <-answer; a.Decision.Verdict != policy.Deny {
			t.Errorf("%s: %v", name, a.Decision)
		}
		if a := ask(t, c, pinned(d), policy.Deny); !a.Cached {
			t.Errorf("%s: not kept", name)
		}
	}
	// Rules that are the same by their digests keep what was found.
	same := func() *gate.Rules {
		return &gate.Rules{Gate: w.gate(nil), PolicyDigest: digest.FromString("p"), TrustDigest: digest.FromString("t")}
	}
	w.set(func() { w.hold = nil })
	c := w.checker(t, same(), nil)
	ask(t, c, pinned(d), policy.Allow)
	if err := c.Use(same()); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, c, pinned(d), policy.Allow); !a.Cached {
		t.Error("the same rules forget")
	}
	changed := same()
	changed.PolicyDigest = digest.FromString("q")
	proofs := w.proofs.Load()
	if err := c.Use(changed); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, c, pinned(d), policy.Allow); a.Cached || w.proofs.Load() != proofs {
		t.Error("with another policy evidence is verified anew, or a decision kept")
	}
	if err := c.Use(&gate.Rules{Gate: &policy.Gate{}}); err == nil || c.Rules().PolicyDigest != changed.PolicyDigest {
		t.Error("rules that can allow nothing are taken")
	}
}

// Whoever goes away leaves the work to the others, and one evaluation serves all.
func TestSingleFlight(t *testing.T) {
	w := newWorld(t)
	d := w.signed(t, "one")
	c := w.checker(t, nil, nil)
	hold := make(chan struct{})
	w.set(func() { w.hold = hold })
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan *gate.Answer)
	go func() { first <- c.Check(ctx, &gate.Question{Name: pinned(d)}) }()
	for w.lists.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	const others = 20
	answers := make(chan *gate.Answer, others)
	for range others {
		go func() { answers <- c.Check(t.Context(), &gate.Question{Name: pinned(d)}) }()
	}
	cancel()
	if a := <-first; a.Decision.Verdict != policy.Indeterminate {
		t.Errorf("who went away: %v", a.Decision)
	}
	close(hold)
	for range others {
		if a := <-answers; a.Decision.Verdict != policy.Allow {
			t.Errorf("who waited: %v", a.Decision)
		}
	}
	if w.lists.Load() != 1 || w.proofs.Load() != 1 {
		t.Errorf("%d listings, %d proofs", w.lists.Load(), w.proofs.Load())
	}
	// Somebody else's credentials make nobody's error.
	w.set(func() { w.hold = nil })
	g := w.gate(nil)
	inner := g.Open
	block := make(chan struct{})
	g.Open = func(ctx context.Context, name string) (*policy.Image, error) {
		if ctx.Value(user{}) != nil {
			<-block
			return nil, registry.ErrUnauthorized
		}
		return inner(ctx, name)
	}
	c = w.checker(t, &gate.Rules{Gate: g}, nil)
	go func() {
		first <- c.Check(context.WithValue(t.Context(), user{}, 1), &gate.Question{Name: pinned(d), Access: "stranger"})
	}()
	ask(t, c, pinned(d), policy.Allow)
	close(block)
	if a := <-first; errors.Is(a.Decision.Err(), registry.ErrUnauthorized) == (a.Decision.Verdict == policy.Allow) {
		t.Errorf("%v", a.Decision)
	}
}

type user struct{}

// At the deadline an answer comes with what is known, though the source does not listen to its context.
func TestDeadline(t *testing.T) {
	w := newWorld(t)
	d := w.signed(t, "one")
	deaf, reached := make(chan struct{}), make(chan struct{}, 1)
	defer close(deaf)
	g := w.gate(nil)
	g.Open = func(ctx context.Context, name string) (*policy.Image, error) {
		image, err := w.open(ctx, name)
		inner := image.Source
		image.Source = verify.SourceFunc(func(ctx context.Context, s verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
			return func(yield func(verify.Descriptor, error) bool) {
				for d, err := range inner.Evidence(ctx, s) {
					if !yield(d, err) {
						return
					}
				}
				reached <- struct{}{}
				<-deaf
			}
		})
		return image, err
	}
	c := w.checker(t, &gate.Rules{Gate: g}, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-reached
		cancel(gate.ErrDeadline)
	}()
	a := c.Check(ctx, &gate.Question{Name: pinned(d)})
	if a.Decision.Verdict != policy.Indeterminate || !errors.Is(a.Decision.Err(), gate.ErrDeadline) || a.Allowed || a.RetryAfter == 0 {
		t.Errorf("%v, %v", a.Decision, a.Decision.Err())
	}
	if len(a.Decision.Parts) != 1 || !strings.Contains(a.Reason, "1 pieces of evidence had come and 1 were proven") ||
		a.Decision.Parts[0].Verdict == policy.Allow {
		t.Errorf("%s: %+v", a.Reason, a.Decision.Parts)
	}
	// Without a deadline of the caller's there is the option's.
	c = w.checker(t, &gate.Rules{Gate: g}, &gate.Options{Timeout: 50 * time.Millisecond})
	if a := c.Check(t.Context(), &gate.Question{Name: pinned(d)}); !errors.Is(a.Decision.Err(), gate.ErrDeadline) {
		t.Errorf("%v", a.Decision)
	}
}

// Outages: off by default; otherwise what was allowed, in its time, by the same rules, and where nothing but the registry failed.
func TestOutage(t *testing.T) {
	w := newWorld(t)
	d := w.signed(t, "one")
	unknown := w.signed(t, "two")
	denied := w.image("three", ocispec.MediaTypeImageManifest)
	opts := &gate.Options{AllowFor: time.Second, Outage: time.Hour}
	c := w.checker(t, nil, opts)
	strict := w.checker(t, nil, &gate.Options{AllowFor: time.Second})
	for _, c := range []*gate.Checker{c, strict} {
		ask(t, c, pinned(d), policy.Allow)
		ask(t, c, pinned(denied), policy.Deny)
	}
	w.after(time.Minute)
	w.set(func() { w.fail = fmt.Errorf("down: %w", registry.ErrUnavailable) })
	a := ask(t, c, pinned(d), policy.Allow)
	if !a.Outage || a.Cached || !strings.Contains(a.Reason, "allowed because it was at 2026-11-28T12:00:00Z") || len(a.Warnings()) == 0 {
		t.Errorf("%+v", a)
	}
	ask(t, strict, pinned(d), policy.Indeterminate)
	ask(t, c, pinned(unknown), policy.Indeterminate)
	ask(t, c, pinned(denied), policy.Indeterminate)
	ask(t, c, "registry.example.com/other/app@"+string(d.Digest), policy.Indeterminate)
	for _, err := range []error{registry.ErrUnauthorized, registry.ErrNotFound, registry.ErrDigest, registry.ErrMalformed,
		registry.ErrLimit, errors.New("unknown"),
		errors.Join(registry.ErrUnavailable, registry.ErrDigest)} {
		w.set(func() { w.fail = err })
		if a := ask(t, c, pinned(d), policy.Indeterminate); a.Outage {
			t.Errorf("%v is taken for an outage", err)
		}
	}
	w.set(func() { w.fail = registry.ErrUnavailable })
	w.after(time.Hour)
	ask(t, c, pinned(d), policy.Indeterminate)
	// A denial ends it, and so do other rules.
	w.set(func() { w.fail = nil })
	ask(t, c, pinned(d), policy.Allow)
	w.after(time.Minute)
	w.set(func() { w.evidence = nil })
	ask(t, c, pinned(d), policy.Deny)
	w.after(time.Minute)
	w.set(func() { w.fail = registry.ErrUnavailable })
	ask(t, c, pinned(d), policy.Indeterminate)
}

// A verifier that takes long is no outage of the registry: what it might prove must not be passed by.
func TestSlowVerifierIsNoOutage(t *testing.T) {
	for _, slow := range []string{"verifier", "registry"} {
		w := newWorld(t)
		d := w.signed(t, "one")
		g := w.gate(nil)
		stop := make(chan struct{})
		var waiting atomic.Bool
		inner := g.Verifiers[0]
		g.Verifiers = []verify.Verifier{verifierFunc(func(ctx context.Context, subject, e verify.Descriptor) (*verify.Attestation, error) {
			if waiting.Load() && slow == "verifier" {
				<-stop
			}
			return inner.Verify(ctx, subject, e)
		})}
		c := w.checker(t, &gate.Rules{Gate: g, PolicyDigest: "p", TrustDigest: "t"},
			&gate.Options{AllowFor: time.Second, Outage: time.Hour})
		ask(t, c, pinned(d), policy.Allow)
		w.after(time.Minute)
		w.sign(t, d, pinned(d)) // and a second one, that is not kept
		waiting.Store(true)
		if slow == "registry" {
			w.set(func() { w.hold = stop })
		}
		outage := true // as long as the registry may be what takes long; they join the work that is under way
		for try := 0; try < 500 && outage; try++ {
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				time.Sleep(time.Millisecond)
				cancel(gate.ErrDeadline)
			}()
			outage = c.Check(ctx, &gate.Question{Name: pinned(d)}).Outage
			if slow == "registry" && try == 20 {
				break
			}
		}
		if outage != (slow == "registry") {
			t.Errorf("%s: outage %v", slow, outage)
		}
		close(stop)
	}
}

type verifierFunc func(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error)

func (f verifierFunc) Verify(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	return f(ctx, subject, evidence)
}

func TestModes(t *testing.T) {
	w := newWorld(t)
	d := w.image("one", ocispec.MediaTypeImageManifest)
	good := w.signed(t, "two")
	for _, tt := range []struct {
		mode             policy.Effect
		allowed, warning bool
	}{{policy.Enforce, false, false}, {policy.Warn, true, true}, {policy.Audit, true, false}} {
		c := w.checker(t, &gate.Rules{Gate: w.gate(nil), Mode: tt.mode}, nil)
		a := c.Check(t.Context(), &gate.Question{Name: pinned(d)})
		if a.Allowed != tt.allowed || (len(a.Warnings()) > 0) != tt.warning || a.Decision.Verdict != policy.Deny {
			t.Errorf("%v: %+v", tt.mode, a)
		}
		if a := c.Check(t.Context(), &gate.Question{Name: pinned(good)}); !a.Allowed || len(a.Warnings()) > 0 {
			t.Errorf("%v: %+v", tt.mode, a)
		}
	}
}

// A rule that only warns opens the door with a line, for no longer than a denial is repeated.
func TestSoftRules(t *testing.T) {
	w := newWorld(t)
	d := w.image("one", ocispec.MediaTypeImageManifest)
	soft := policy.Soft(policy.Warn, policy.Enforce, policy.Require{Kind: verify.ImageSignature})
	c := w.checker(t, &gate.Rules{Gate: w.gate(soft)}, nil)
	if a := ask(t, c, pinned(d), policy.Allow); len(a.Warnings()) != 1 || !strings.Contains(a.Warnings()[0], "nothing is attached") {
		t.Errorf("%q", a.Warnings())
	}
	w.sign(t, d, pinned(d))
	w.after(5 * time.Second)
	if a := ask(t, c, pinned(d), policy.Allow); len(a.Warnings()) != 0 {
		t.Errorf("%q", a.Warnings())
	}
}

func TestPlatforms(t *testing.T) {
	w := newWorld(t)
	index := w.image("index", ocispec.MediaTypeImageIndex)
	child := func(content, arch string, signed bool) verify.Descriptor {
		d := w.image(content, ocispec.MediaTypeImageManifest)
		if signed {
			w.sign(t, d, string(d.Digest))
		}
		d.Platform = &ocispec.Platform{OS: "linux", Architecture: arch}
		return d
	}
	amd64, arm64 := child("amd64", "amd64", true), child("arm64", "arm64", false)
	twice := amd64
	twice.Platform = &ocispec.Platform{OS: "windows", Architecture: "amd64"}
	w.sign(t, index, string(index.Digest))
	w.children[index.Digest] = []verify.Descriptor{twice, amd64, arm64}
	single := w.signed(t, "single")
	for _, tt := range []struct {
		name string
		opts gate.Options
		want policy.Verdict
		in   string
	}{
		{"index", gate.Options{}, policy.Allow, "image signature"},
		{"each", gate.Options{Platforms: gate.PlatformsEach}, policy.Deny, "linux/arm64"},
		{"listed, signed", gate.Options{Platforms: gate.PlatformsListed, Listed: []string{"linux/amd64"}}, policy.Allow, "all 1 platforms"},
		{"listed, one is not", gate.Options{Platforms: gate.PlatformsListed, Listed: []string{"linux/amd64", "linux/arm64"}}, policy.Deny,
			"linux/arm64"},
		{"listed, none is there", gate.Options{Platforms: gate.PlatformsListed, Listed: []string{"linux/s390x"}}, policy.Deny,
			"none of the platforms"},
	} {
		c := w.checker(t, nil, &tt.opts)
		if a := ask(t, c, pinned(index), tt.want); !strings.Contains(a.Reason, tt.in) {
			t.Errorf("%s: %s", tt.name, a.Reason)
		}
		ask(t, c, pinned(single), policy.Allow)
	}
	// An image of an index that was judged is judged by it, and one of an index that nobody saw is not.
	c := w.checker(t, nil, nil)
	ask(t, c, pinned(arm64), policy.Deny)
	ask(t, c, pinned(index), policy.Allow)
	w.after(time.Minute)
	if a := ask(t, c, pinned(arm64), policy.Allow); !strings.Contains(a.Reason, string(index.Digest)) {
		t.Error(a.Reason)
	}
	ask(t, c, "registry.example.com/other/app@"+string(arm64.Digest), policy.Deny)
	// An index that is refused, of the same images, changes nothing about them.
	other := w.image("another index", ocispec.MediaTypeImageIndex)
	w.children[other.Digest] = []verify.Descriptor{amd64, arm64}
	ask(t, c, pinned(other), policy.Deny)
	w.after(10 * time.Minute)
	if a := ask(t, c, pinned(arm64), policy.Allow); !strings.Contains(a.Reason, string(index.Digest)) {
		t.Error(a.Reason)
	}
	// If it is signed later, its images are found by it too.
	c = w.checker(t, nil, nil)
	ask(t, c, pinned(other), policy.Deny)
	w.sign(t, other, string(other.Digest))
	if a := ask(t, c, pinned(arm64), policy.Allow); !strings.Contains(a.Reason, string(other.Digest)) {
		t.Error(a.Reason)
	}
	for _, bad := range []gate.Options{{Platforms: gate.PlatformsListed}, {Listed: []string{"linux/amd64"}},
		{Platforms: gate.PlatformsListed, Listed: []string{"linux"}}, {Timeout: -1}} {
		if _, err := gate.New(&gate.Rules{Gate: w.gate(nil)}, &bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// Reading ends early only by option, where more can change nothing; a denial reads all.
func TestEarlyAllow(t *testing.T) {
	w := newWorld(t)
	d := w.signed(t, "one")
	for range 4 {
		w.sign(t, d, string(d.Digest))
	}
	for _, tt := range []struct {
		name  string
		early bool
		p     policy.Policy
		read  int
	}{
		{"off", false, nil, 0},
		{"some", true, nil, 1},
		{"every", true, policy.Require{Kind: verify.ImageSignature, Quantifier: policy.Every}, 0},
		{"all of some", true, policy.All(policy.Require{Kind: verify.ImageSignature}), 1},
		{"content", true, policy.Require{Kind: verify.ImageSignature,
			Check: func(context.Context, *policy.Input, *verify.Attestation) error { return nil }}, 0},
		{"a function", true, policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision {
			return policy.Require{Kind: verify.ImageSignature}.Decide(ctx, in)
		}), 0},
	} {
		c := w.checker(t, &gate.Rules{Gate: w.gate(tt.p)}, &gate.Options{EarlyAllow: tt.early})
		a := ask(t, c, pinned(d), policy.Allow)
		if a.Read != tt.read || tt.read > 0 && a.Known != 5 {
			t.Errorf("%s: %d of %d were read", tt.name, a.Read, a.Known)
		}
	}
}

// A dry run leaves no trace.
func TestDryRun(t *testing.T) {
	w := newWorld(t)
	d := w.signed(t, "one")
	log, counts := new(logged), new(counted)
	c := w.checker(t, nil, &gate.Options{Log: log, Counters: counts})
	for range 2 {
		if a := c.Check(t.Context(), &gate.Question{Name: pinned(d), DryRun: true}); !a.Allowed || a.Cached {
			t.Errorf("%+v", a)
		}
	}
	if w.proofs.Load() != 2 || len(*log) != 0 || counts.get(gate.MetricDecisions) != 0 || counts.get(gate.MetricDuration) != 0 {
		t.Errorf("%d proofs, %d records, %v", w.proofs.Load(), len(*log), counts.n)
	}
	ask(t, c, pinned(d), policy.Allow)
	if counts.get(gate.MetricDecisions) != 1 || counts.get(gate.MetricDuration) != 1 {
		t.Error(counts.n)
	}
	if len(*log) != 1 || (*log)[0].Judged != pinned(d) {
		t.Errorf("%+v", *log)
	}
}

type logged []*gate.Record

func (l *logged) Decided(_ context.Context, r *gate.Record) { *l = append(*l, r) }

// Whatever is named, a panic ends nothing.
func TestPanics(t *testing.T) {
	w := newWorld(t)
	d := w.signed(t, "one")
	g := w.gate(nil)
	g.Open = func(context.Context, string) (*policy.Image, error) { panic("open") }
	c := w.checker(t, &gate.Rules{Gate: g}, nil)
	for _, name := range []string{pinned(d), app + ":v1"} {
		a := ask(t, c, name, policy.Indeterminate)
		if _, ok := errors.AsType[*policy.PanicError](a.Decision.Err()); !ok {
			t.Errorf("%s: %v", name, a.Decision.Err())
		}
	}
	c = w.checker(t, &gate.Rules{Gate: w.gate(nil)}, &gate.Options{
		Platforms: gate.PlatformsEach, Children: func(context.Context, verify.Descriptor) ([]verify.Descriptor, error) {
			panic("children")
		},
	})
	ask(t, c, pinned(d), policy.Indeterminate)
	ask(t, c, "not an image", policy.Deny)
}
