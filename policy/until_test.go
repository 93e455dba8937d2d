package policy_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// ends is an attestation by somebody whose key, certificate or signature ends, or of whom what is known of revocation gets
// old: verifiers say all of that as Signer.Until.
func ends(id verify.Identity, until time.Time) *verify.Attestation {
	a := signature(id)
	a.Signers[0].Until = until
	return a
}

// The clock is moved across each "until": right before, the same evidence as it would be then is judged the same.
func TestUntil(t *testing.T) {
	hour := func(h int) time.Time { return now.Add(time.Duration(h) * time.Hour) }
	sig := policy.Require{Kind: verify.ImageSignature}
	two := policy.Require{Kind: verify.ImageSignature, AtLeast: 2}
	young := policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, MaxAge: 3 * time.Hour}
	document := policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, MaxAge: 3 * time.Hour,
		By: []verify.Identity{alice}, Time: "/metadata/timestamp"}
	exception := policy.Require{Kind: verify.ImageSignature, Check: func(_ context.Context, in *policy.Input, _ *verify.Attestation) error {
		if in.Before(hour(5)) && in.Before(hour(7)) {
			return nil
		}
		return errors.New("the exception is over")
	}}
	never := policy.Forever
	for _, tt := range []struct {
		name  string
		rule  policy.Policy
		there []*verify.Attestation
		want  time.Time
		then  policy.Verdict // right after
	}{
		{"no end", sig, []*verify.Attestation{signature(alice)}, never, policy.Allow},
		{"a key ends", sig, []*verify.Attestation{ends(alice, hour(2))}, hour(2), policy.Deny},
		{"the last of two", sig, []*verify.Attestation{ends(alice, hour(2)), ends(bob, hour(4))}, hour(4), policy.Deny},
		{"the first of two that it takes", two, []*verify.Attestation{ends(alice, hour(2)), ends(bob, hour(4))}, hour(2), policy.Deny},
		{"one signer twice", two, []*verify.Attestation{ends(alice, hour(2)), ends(alice, hour(3)), signature(bob)}, hour(3), policy.Deny},
		{"an age", young, []*verify.Attestation{statement(sbomType, hour(-1))}, hour(2), policy.Deny},
		{"an age in the predicate", document, []*verify.Attestation{said("", alice, hour(-2), verify.TimeUnknown)}, hour(1), policy.Deny},
		{"too old stays so", young, []*verify.Attestation{statement(sbomType, hour(-4))}, never, policy.Deny},
		{"not there stays so", sig, nil, never, policy.Deny},
		{"too early", young, []*verify.Attestation{statement(sbomType, hour(2))}, hour(2).Add(-5 * time.Minute), policy.Allow},
		{"what a check compares", exception, []*verify.Attestation{signature(alice)}, hour(5), policy.Deny},
		{"all", policy.All(sig, exception, young), []*verify.Attestation{signature(alice), statement(sbomType, hour(-1))}, hour(2),
			policy.Deny},
		{"any", policy.Any(young, exception), []*verify.Attestation{signature(alice), statement(sbomType, hour(-1))}, hour(5), policy.Deny},
		{"a denial by one that stays", policy.All(young, two), []*verify.Attestation{statement(sbomType, hour(2)), signature(alice)}, never,
			policy.Deny},
		{"a denial by one of any", policy.Any(young, two), []*verify.Attestation{statement(sbomType, hour(2)), signature(alice)},
			hour(2).Add(-5 * time.Minute), policy.Allow},
		{"every: who denies may go", policy.Require{Kind: verify.ImageSignature, Quantifier: policy.Every, Check: notBy(bob)},
			[]*verify.Attestation{signature(alice), ends(bob, hour(3))}, hour(3), policy.Allow},
		{"newest: which goes", policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, Quantifier: policy.Newest,
			Check: notSaying("bad")},
			[]*verify.Attestation{said("bad", alice, hour(-2), verify.TimeLogged),
				endsAt(said("good", alice, hour(-1), verify.TimeLogged), hour(1))}, hour(1), policy.Deny},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := func(now time.Time) *policy.Decision { // the verifiers leave out who does not count any more
				r := report()
				for _, a := range tt.there {
					if u := a.Signers[0].Until; u.IsZero() || now.Before(u) {
						r.Attestations = append(r.Attestations, a)
					}
				}
				return tt.rule.Decide(t.Context(), &policy.Input{Report: r, Now: now})
			}
			d := at(now)
			if !d.Until.Equal(tt.want) {
				t.Fatalf("%v until %v, want %v", d, d.Until, tt.want)
			}
			if tt.want.Equal(never) {
				if then := at(now.Add(1000 * time.Hour)); then.Verdict != d.Verdict {
					t.Errorf("long after: %v", then)
				}
				return
			}
			if before := at(tt.want.Add(-1)); before.Verdict != d.Verdict || before.Until.After(tt.want) {
				t.Errorf("right before: %v until %v", before, before.Until)
			}
			if then := at(tt.want); then.Verdict != tt.then {
				t.Errorf("then: %v", then)
			}
			if d.Time = now; !d.Holds(now) || !d.Holds(tt.want.Add(-1)) || d.Holds(tt.want) || d.Holds(now.Add(-1)) {
				t.Error("it is kept too long, or not long enough")
			}
		})
	}
}

func notBy(id verify.Identity) func(context.Context, *policy.Input, *verify.Attestation) error {
	return func(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
		if a.Signers[0].Identity == id {
			return errors.New("by him")
		}
		return nil
	}
}

func notSaying(what string) func(context.Context, *policy.Input, *verify.Attestation) error {
	return func(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
		if string(a.Predicate[:9+len(what)]) == `{"says":"`+what {
			return errors.New("it says " + what)
		}
		return nil
	}
}

func endsAt(a *verify.Attestation, until time.Time) *verify.Attestation {
	a.Signers[0].Until = until
	return a
}

// Who does not say until when is believed for the moment only.
func TestUntilOfOthers(t *testing.T) {
	end := now.Add(time.Hour)
	says := func(d policy.Decision) policy.Policy {
		return policy.Func(func(context.Context, *policy.Input) *policy.Decision { c := d; return &c })
	}
	asks := func(d policy.Decision, times ...time.Time) policy.Policy {
		return policy.Func(func(_ context.Context, in *policy.Input) *policy.Decision {
			for _, at := range times {
				in.Before(at)
			}
			c := d
			return &c
		})
	}
	allow, deny := policy.Decision{Verdict: policy.Allow}, policy.Decision{Verdict: policy.Deny}
	forever := policy.Decision{Verdict: policy.Allow, Until: policy.Forever}
	soon := policy.Decision{Verdict: policy.Allow, Until: end}
	wrapped := policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision { return asks(allow, end).Decide(ctx, in) })
	for name, tt := range map[string]struct {
		p    policy.Policy
		want time.Time
	}{
		"says nothing":            {says(allow), time.Time{}},
		"denies and says nothing": {says(deny), time.Time{}},
		"says forever":            {says(forever), policy.Forever},
		"says an end":             {says(soon), end},
		"asks about the time":     {asks(allow, end.Add(time.Hour), end), end},
		"asks about the past":     {asks(allow, now.Add(-time.Hour)), time.Time{}},
		"asks, and says less":     {asks(soon, end.Add(time.Hour)), end},
		"asks, and says more":     {asks(forever, end), end},
		"drops what another said": {policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision {
			in.Before(end.Add(time.Hour))
			policy.All(says(soon), asks(allow, end.Add(-time.Minute))).Decide(ctx, in)
			return &policy.Decision{Verdict: policy.Allow}
		}), end.Add(-time.Minute)},
		"drops that another did not say": {policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision {
			in.Before(end)
			policy.All(says(allow)).Decide(ctx, in)
			return &policy.Decision{Verdict: policy.Allow}
		}), time.Time{}},
		"drops what a requirement said": {policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision {
			in.Before(end)
			policy.Require{Kind: verify.ImageSignature}.Decide(ctx, in)
			return &policy.Decision{Verdict: policy.Allow}
		}), time.Time{}},
		"any, one of which lasts":     {policy.Any(asks(allow, end), says(forever)), policy.Forever},
		"wrapped":                     {wrapped, end},
		"one says nothing":            {policy.All(says(forever), says(allow)), time.Time{}},
		"any says forever":            {policy.Any(says(forever), says(allow)), policy.Forever},
		"undecided holds for no time": {policy.All(says(forever), says(policy.Decision{Until: end})), time.Time{}},
		"unknown verdict":             {says(policy.Decision{Verdict: 7, Until: end}), time.Time{}},
		"not valid yet":               {policy.Require{Kind: verify.ImageSignature}, time.Time{}},
	} {
		r := report()
		r.Rejected = []*verify.RejectedError{{Err: verify.ErrNotYet}}
		if d := policy.All(tt.p).Decide(t.Context(), &policy.Input{Report: r, Now: now}); !d.Until.Equal(tt.want) {
			t.Errorf("%s: %v, want %v", name, d.Until, tt.want)
		}
	}
	var nobody *policy.Decision
	if nobody.Holds(now) || (&policy.Decision{Until: policy.Forever}).Holds(now) {
		t.Error("what is no decision holds")
	}
}

// From a key's end to the gate's decision.
func TestUntilOfGate(t *testing.T) {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(subject, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	end, clock := now.Add(time.Hour), now
	at := func() time.Time { return clock }
	gate := &policy.Gate{
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: candidates{signed}}, nil
		},
		Verifiers: []verify.Verifier{
			&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public(), Name: "acme release", Until: end}}, Now: at}},
		Policy: policy.Require{Name: "ours", Kind: verify.ImageSignature},
		Now:    at,
	}
	if err := gate.Validate(); err != nil {
		t.Fatal(err)
	}
	id, err := verify.TrustedKey{Key: key.Public()}.Identity()
	if err != nil {
		t.Fatal(err)
	}
	d := gate.Check(t.Context(), "acme/app:v1")
	if want := "ours: image signature by acme release (" + id.String() + ")"; d.Verdict != policy.Allow || !d.Until.Equal(end) ||
		d.Reason != want {
		t.Fatalf("%v until %v", d, d.Until)
	}
	for clock = range map[time.Time]bool{end.Add(-1): true, end: false} {
		if now := gate.Check(t.Context(), "acme/app:v1"); (now.Verdict == policy.Allow) != d.Holds(clock) {
			t.Errorf("at %v: %v, and what was kept: %v", clock, now, d.Holds(clock))
		}
	}
}

// A name that a stranger chose writes no line of its own, in whatever is printed.
func TestNamesAreOneLine(t *testing.T) {
	evil := "app\n2026 ALLOW evil\x1b[2J\u202e"
	gate := &policy.Gate{Open: func(context.Context, string) (*policy.Image, error) { return nil, errors.New(evil) },
		Policy: policy.Require{Kind: verify.ImageSignature}}
	d := gate.Check(t.Context(), evil)
	d.Parts = []*policy.Decision{{Verdict: policy.Deny, Reason: "no"}}
	for _, text := range []string{d.Err().Error(), d.String(), fmt.Sprintf("%v", d)} {
		for _, r := range text {
			if r < ' ' || r == '\u202e' {
				t.Errorf("%q", text)
			}
		}
	}
	if diff := cmp.Diff("INDETERMINATE: app 2026 ALLOW evil [2J \n  DENY: no", fmt.Sprintf("%+v", d)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("policy: no decision on app 2026 ALLOW evil [2J : the image could not be looked up: app; 2026 ALLOW evil [2J ",
		d.Err().Error()); diff != "" {
		t.Error(diff)
	}
}
