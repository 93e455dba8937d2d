package policy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

var carol = verify.Identity{Kind: verify.KeyIdentity, Key: strings.Repeat("c", 64)}

func byOf(ids ...verify.Identity) policy.Require {
	return policy.Require{Kind: verify.ImageSignature, By: ids}
}

func decide(t *testing.T, p policy.Policy, as ...*verify.Attestation) *policy.Decision {
	t.Helper()
	return policy.Decide(t.Context(), p, &policy.Input{Name: "acme/app:v1", Now: now, Report: report(as...)})
}

// The same signer in two branches is one, whatever it is called there.
func TestAtLeast(t *testing.T) {
	const I, D, A = policy.Indeterminate, policy.Deny, policy.Allow
	constant := func(v policy.Verdict) policy.Policy {
		return policy.Func(func(context.Context, *policy.Input) *policy.Decision {
			return &policy.Decision{Verdict: v, Until: policy.Forever, Rule: "constant", Reason: "it is so"}
		})
	}
	certified := signature(verify.Identity{Kind: verify.CertificateIdentity, Subject: "CN=alice"})
	certified.Signers[0].Key = alice.Key
	byKey := signature(alice)
	byKey.Signers[0].Key = alice.Key
	cert := verify.Identity{Kind: verify.CertificateIdentity, Subject: "CN=alice"}
	any3 := []verify.Identity{alice, bob, carol}
	two := byOf(any3...)
	two.AtLeast = 2
	for name, tt := range map[string]struct {
		p     policy.Policy
		there []*verify.Attestation
		want  policy.Verdict
	}{
		"two of two": {policy.AtLeast(2, byOf(alice), byOf(bob)),
			[]*verify.Attestation{signature(alice), signature(bob)}, A},
		"one of two":    {policy.AtLeast(2, byOf(alice), byOf(bob)), []*verify.Attestation{signature(alice)}, D},
		"one is enough": {policy.AtLeast(1, byOf(alice), byOf(bob)), []*verify.Attestation{signature(bob)}, A},
		"one key in two branches": {policy.AtLeast(2, byOf(alice, bob), byOf(alice, carol)),
			[]*verify.Attestation{signature(alice)}, D},
		"one key, two signatures": {policy.AtLeast(2, byOf(alice, bob), byOf(alice, carol)),
			[]*verify.Attestation{signature(alice), signature(alice)}, D},
		"matched the other way round": {policy.AtLeast(2, byOf(alice, bob), byOf(alice)),
			[]*verify.Attestation{signature(alice), signature(bob)}, A},
		"key and its certificate": {policy.AtLeast(2, byOf(alice), byOf(cert)), []*verify.Attestation{byKey, certified}, D},
		"two and one": {policy.AtLeast(2, two, byOf(any3...)),
			[]*verify.Attestation{signature(alice), signature(bob), signature(carol)}, A},
		"two and one of two": {policy.AtLeast(2, two, byOf(any3...)),
			[]*verify.Attestation{signature(alice), signature(bob)}, D},
		"nested": {policy.AtLeast(2, policy.AtLeast(2, byOf(alice), byOf(bob), byOf(carol)), byOf(any3...)),
			[]*verify.Attestation{signature(alice, bob, carol)}, A},
		"nested, shared": {policy.AtLeast(2, policy.AtLeast(2, byOf(alice), byOf(bob), byOf(carol)), byOf(any3...)),
			[]*verify.Attestation{signature(alice, carol)}, D},
		"all below": {policy.AtLeast(2, policy.All(byOf(alice), byOf(bob)), byOf(any3...)),
			[]*verify.Attestation{signature(alice), signature(bob)}, D},
		"all below share among them": {policy.AtLeast(2, policy.All(byOf(alice), byOf(alice)), byOf(bob)),
			[]*verify.Attestation{signature(alice), signature(bob)}, A},
		"any below": {policy.AtLeast(2, policy.Any(byOf(alice), byOf(bob)), byOf(alice)),
			[]*verify.Attestation{signature(alice), signature(bob)}, A},
		"named": {policy.AtLeast(2, policy.Named("x", byOf(alice, bob)), policy.Named("y", byOf(alice))),
			[]*verify.Attestation{signature(alice)}, D},
		"a rule that rests on nobody": {policy.AtLeast(2, byOf(alice), constant(A)), []*verify.Attestation{signature(alice)}, A},
		"unknown might do":            {policy.AtLeast(2, byOf(alice), constant(I)), []*verify.Attestation{signature(alice)}, I},
		"unknown does not matter":     {policy.AtLeast(1, byOf(alice), constant(I)), []*verify.Attestation{signature(alice)}, A},
		"unknown does not suffice": {policy.AtLeast(3, byOf(alice), byOf(bob), constant(I)),
			[]*verify.Attestation{signature(alice)}, D},
		"none":                       {policy.AtLeast(1), []*verify.Attestation{signature(alice)}, I},
		"zero of one":                {policy.AtLeast(0, byOf(alice)), []*verify.Attestation{signature(alice)}, I},
		"minus one":                  {policy.AtLeast(-1, byOf(alice)), []*verify.Attestation{signature(alice)}, I},
		"two of one":                 {policy.AtLeast(2, byOf(alice)), []*verify.Attestation{signature(alice)}, I},
		"nil":                        {policy.AtLeast(1, nil), []*verify.Attestation{signature(alice)}, I},
		"a part that does not apply": {policy.AtLeast(1, never(byOf(alice))), []*verify.Attestation{signature(alice)}, I},
		"one of them does not apply": {policy.AtLeast(1, never(byOf(alice)), byOf(alice)), []*verify.Attestation{signature(alice)}, A},
		"too few of them apply":      {policy.AtLeast(2, never(byOf(alice)), byOf(alice)), []*verify.Attestation{signature(alice)}, D},
		"one policy name for two": {policy.AtLeast(2, team("release", alice, bob), team("release", bob)),
			[]*verify.Attestation{signature(alice), signature(bob)}, D},
		"two policy names for one key": {policy.AtLeast(2, team("release", alice), team("security", alice)),
			[]*verify.Attestation{signature(alice)}, D},
		"two policy names, two keys": {policy.AtLeast(2, team("release", alice), team("security", bob)),
			[]*verify.Attestation{signature(alice), signature(bob)}, A},
		"a chain joins what was two": {policy.AtLeast(2, byOf(alice), byOf(bob)),
			[]*verify.Attestation{entry(alice, "a"), entry(bob, "b"), entry(carol, "a", "b")}, D},
		"a chain that counts joins them": {policy.AtLeast(2, byOf(any3...), byOf(any3...)),
			[]*verify.Attestation{entry(alice, "a"), entry(bob, "b"), entry(carol, "a", "b")}, D},
	} {
		if d := decide(t, tt.p, tt.there...); d.Verdict != tt.want {
			t.Errorf("%s: %+v, want %v", name, d, tt.want)
		} else if d.Verdict == D && len(d.Missing) == 0 {
			t.Errorf("%s: nothing is missing", name)
		}
	}
	// Who shares a signer might have another one among what could not be read.
	in := &policy.Input{Now: now, Report: report(signature(alice))}
	in.Report.Incomplete = []error{errors.New("registry answers 500")}
	if d := policy.Decide(t.Context(), policy.AtLeast(2, byOf(alice, bob), byOf(alice, carol)), in); d.Verdict != I {
		t.Error(d)
	}
	if err := policy.Validate(policy.AtLeast(1, policy.Soft(policy.Warn, policy.Warn, byOf(alice)), byOf(bob))); err == nil {
		t.Error("a rule that warns counts")
	}
}

// Many rules by many signers are counted, and what takes too long to count is not allowed.
func TestAtLeastIsBounded(t *testing.T) {
	var ids []verify.Identity
	var signed []*verify.Attestation
	for i := range 40 {
		ids = append(ids, verify.Identity{Kind: verify.KeyIdentity, Key: fmt.Sprintf("%064x", i)})
	}
	for _, id := range ids[:9] {
		signed = append(signed, signature(id))
	}
	many := func(n int, p func(i int) policy.Policy) (ps []policy.Policy) {
		for i := range n {
			ps = append(ps, p(i))
		}
		return ps
	}
	one := many(20, func(int) policy.Policy { return byOf(ids...) })
	two := many(20, func(int) policy.Policy { r := byOf(ids...); r.AtLeast = 2; return r })
	nested := many(6, func(int) policy.Policy { return policy.AtLeast(3, two...) })
	for name, tt := range map[string]struct {
		p    policy.Policy
		want policy.Verdict
	}{
		"nine of nine":          {policy.AtLeast(9, one...), policy.Allow},
		"ten of nine":           {policy.AtLeast(10, one...), policy.Deny},
		"four pairs of nine":    {policy.AtLeast(4, two...), policy.Allow},
		"five pairs of nine":    {policy.AtLeast(5, two...), policy.Deny},
		"nested, too many ways": {policy.AtLeast(2, nested...), policy.Indeterminate},
	} {
		if d := decide(t, tt.p, signed...); d.Verdict != tt.want {
			t.Errorf("%s: %v", name, d)
		}
	}
}

func never(p policy.Policy) policy.Policy {
	return policy.When(policy.Condition{Words: "never", Holds: func(*policy.Input) (bool, error) { return false, nil }}, p)
}

func team(name string, ids ...verify.Identity) policy.Policy {
	return policy.Require{Kind: verify.ImageSignature, Signers: []policy.Signer{{Name: name, Identities: ids}}}
}

func entry(id verify.Identity, names ...string) *verify.Attestation {
	a := signature(id)
	a.Signers[0].Entries = names
	return a
}

// Each predicate is read once for all rules, also by rules that run at once, and a read that fails or panics never is a value.
func TestFact(t *testing.T) {
	a, b := sbomSaying(`{"a":1}`), sbomSaying(`{"b":1}`)
	reads := 0
	size := func(in *policy.Input, a *verify.Attestation) (int, error) {
		return policy.Fact(in, a, "size", func() (int, error) { reads++; return len(a.Predicate), nil })
	}
	rule := policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, Quantifier: policy.Every,
		Check: func(_ context.Context, in *policy.Input, a *verify.Attestation) error {
			n, err := size(in, a)
			if err == nil && n != 7 {
				err = errors.New("size")
			}
			return err
		}}
	if d := decide(t, policy.All(rule, policy.Named("again", policy.Any(rule, rule)), policy.AtLeast(1, rule)), a, b); d.Verdict !=
		policy.Allow || reads != 2 {
		t.Errorf("%d reads, %v", reads, d)
	}
	fact := func(name string, read func() (string, error)) policy.Policy {
		return policy.Func(func(_ context.Context, in *policy.Input) *policy.Decision {
			v, err := policy.Fact(in, a, name, read)
			switch {
			case errors.Is(err, policy.ErrIndeterminate):
				return &policy.Decision{Reason: err.Error()}
			case err != nil || v == "":
				return &policy.Decision{Verdict: policy.Deny, Reason: fmt.Sprint(err)}
			}
			return &policy.Decision{Verdict: policy.Allow}
		})
	}
	panics := func() (string, error) { panic("out of cheese") }
	other := policy.Func(func(_ context.Context, in *policy.Input) *policy.Decision {
		_, _ = policy.Fact(in, a, "size", func() (int, error) { return 1, nil })
		return &policy.Decision{Verdict: policy.Allow}
	})
	for name, tt := range map[string]struct {
		p    policy.Policy
		want policy.Verdict
	}{
		"value":  {fact("f", func() (string, error) { return "x", nil }), policy.Allow},
		"error":  {fact("f", func() (string, error) { return "x", errors.New("broken") }), policy.Deny},
		"panics": {policy.All(fact("f", panics), fact("f", panics)), policy.Indeterminate},
		"after a panic, another read": {policy.Any(fact("f", panics), fact("f", func() (string, error) { return "x", nil })),
			policy.Indeterminate},
		"one name for two types": {policy.All(other, fact("size", func() (string, error) { return "x", nil })), policy.Indeterminate},
		"an error is kept like others": {policy.Any(fact("f", func() (string, error) { return "", errors.New("broken") }),
			fact("f", func() (string, error) { return "x", nil })), policy.Deny},
	} {
		if d := decide(t, tt.p, a); d.Verdict != tt.want {
			t.Errorf("%s: %v, want %v", name, d, tt.want)
		}
	}
	if n, err := size(nil, a); n != 7 || err != nil {
		t.Error(n, err)
	}
}

// What does not apply is no part, and alone allows nothing; what cannot be told is Indeterminate.
func TestWhen(t *testing.T) {
	in := func(namespace string) policy.Condition {
		return policy.Condition{Words: "in namespace " + namespace, Holds: func(in *policy.Input) (bool, error) {
			if in.Request == nil {
				return false, errors.New("there is no request")
			}
			return in.Request.Namespace == namespace, nil
		}}
	}
	later := now.Add(time.Hour)
	fromThen := policy.Condition{Words: "from then on", Holds: func(in *policy.Input) (bool, error) { return !in.Before(later), nil }}
	prod := &policy.Request{Namespace: "prod"}
	yes, no := byOf(alice), byOf(bob)
	for name, tt := range map[string]struct {
		p       policy.Policy
		request *policy.Request
		want    policy.Verdict
		skipped bool
		until   time.Time
	}{
		"holds":            {policy.When(in("prod"), yes), prod, policy.Allow, false, policy.Forever},
		"holds and denies": {policy.When(in("prod"), no), prod, policy.Deny, false, policy.Forever},
		"does not":         {policy.When(in("dev"), yes), prod, policy.Indeterminate, true, policy.Forever},
		"all of what does not": {policy.All(policy.When(in("dev"), yes), policy.When(in("dev"), no)), prod, policy.Indeterminate,
			true, policy.Forever},
		"any of what does not":       {policy.Any(policy.When(in("dev"), yes)), prod, policy.Indeterminate, true, policy.Forever},
		"all leaves it out":          {policy.All(policy.When(in("dev"), no), yes), prod, policy.Allow, false, policy.Forever},
		"any leaves it out":          {policy.Any(policy.When(in("dev"), yes), no), prod, policy.Deny, false, policy.Forever},
		"cannot tell":                {policy.When(in("prod"), yes), nil, policy.Indeterminate, false, time.Time{}},
		"all with what nobody tells": {policy.All(policy.When(in("prod"), yes), yes), nil, policy.Indeterminate, false, time.Time{}},
		"not yet":                    {policy.All(policy.When(fromThen, no), yes), prod, policy.Allow, false, later},
		"no function":                {policy.When(policy.Condition{}, yes), prod, policy.Indeterminate, false, time.Time{}},
		"no policy":                  {policy.When(in("prod"), nil), prod, policy.Indeterminate, false, time.Time{}},
		"panics": {policy.When(policy.Condition{Holds: func(*policy.Input) (bool, error) { panic("x") }}, yes), prod,
			policy.Indeterminate, false, time.Time{}},
		"soft of what does not": {policy.Soft(policy.Warn, policy.Warn, policy.When(in("dev"), yes)), prod, policy.Indeterminate, true,
			policy.Forever},
	} {
		d := policy.Decide(t.Context(), tt.p, &policy.Input{Now: now, Request: tt.request, Report: report(signature(alice))})
		if d.Verdict != tt.want || d.Skipped != tt.skipped || !d.Until.Equal(tt.until) ||
			d.Holds(now) == (tt.want == policy.Indeterminate) {
			t.Errorf("%s: %v, skipped %v, until %v", name, d, d.Skipped, d.Until)
		}
	}
}

// A rule that warns refuses nothing, and is seen.
func TestSoft(t *testing.T) {
	unknown := policy.Require{}
	for name, tt := range map[string]struct {
		p    policy.Policy
		want policy.Verdict
		soft int
	}{
		"met": {policy.Soft(policy.Warn, policy.Warn, byOf(alice)), policy.Allow, 0},
		"warns": {policy.All(byOf(alice), policy.Named("bob too", policy.Soft(policy.Warn, policy.Enforce, byOf(bob)))),
			policy.Allow, 1},
		"audits":        {policy.All(byOf(alice), policy.Soft(policy.Audit, policy.Enforce, byOf(bob))), policy.Allow, 1},
		"unknown stays": {policy.All(byOf(alice), policy.Soft(policy.Warn, policy.Enforce, unknown)), policy.Indeterminate, 0},
		"unknown warns, deny stays": {policy.All(policy.Soft(policy.Enforce, policy.Warn, unknown),
			policy.Soft(policy.Enforce, policy.Warn, byOf(bob))), policy.Deny, 1},
		"an effect there is not": {policy.Soft(7, 7, byOf(bob)), policy.Deny, 0},
	} {
		if d := decide(t, tt.p, signature(alice)); d.Verdict != tt.want || len(d.Warnings()) != tt.soft {
			t.Errorf("%s: %+v, %d warnings", name, d, len(d.Warnings()))
		}
	}
	if d := decide(t, policy.All(byOf(alice), policy.Soft(policy.Warn, policy.Warn, policy.Named("bob too", byOf(bob)))),
		signature(alice)); len(d.Warnings()) != 1 || d.Warnings()[0].RuleName != "bob too" {
		t.Errorf("%+v", d)
	}
}

// A decision says what was looked at, who counts, what is missing and who made the verdict; its bytes are always the same, and it
// is read back from them.
func TestDecisionTells(t *testing.T) {
	p := policy.All(
		policy.Named("signed by release",
			policy.Require{Kind: verify.ImageSignature, Signers: []policy.Signer{{Name: "release", Identities: []verify.Identity{alice}}}}),
		policy.Any(policy.Require{Name: "bob's", Kind: verify.ImageSignature, By: []verify.Identity{bob}},
			policy.Require{Name: "sbom", Kind: verify.Statement, PredicateTypes: []string{sbomType}, AtLeast: 2}),
	)
	d := decide(t, p, signature(alice), signature(carol), statement(sbomType, now))
	var culprits []string
	for _, c := range d.Culprits() {
		culprits = append(culprits, c.RuleName)
	}
	if diff := cmp.Diff([]string{"bob's", "sbom"}, culprits); diff != "" || d.Verdict != policy.Deny {
		t.Error(diff, d)
	}
	if diff := cmp.Diff([]string{"one of: an image signature by key sha256:bbbbbbbbbbbb; or 1 more: attestation of type " + sbomType +
		" by a signer whom the verifiers trust, other than key sha256:aaaaaaaaaaaa"}, d.Missing); diff != "" {
		t.Error(diff)
	}
	looked := d.Parts[0].Looked
	if len(looked) != 2 || !looked[0].Counts || looked[0].Signers[0].As != "release" || looked[1].Counts || looked[1].Why == "" {
		t.Errorf("%+v", looked)
	}
	first, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(decide(t, p, signature(alice), signature(carol), statement(sbomType, now)))
	if !bytes.Equal(first, again) {
		t.Errorf("%s\n%s", first, again)
	}
	back := new(policy.Decision)
	if err := json.Unmarshal(first, back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, back, cmpopts.IgnoreFields(policy.Decision{}, "Cause")); diff != "" {
		t.Error(diff)
	}
	replayed := &policy.Decision{Verdict: policy.Allow, Replayed: true, Until: policy.Forever}
	if err := replayed.Err(); !errors.Is(err, policy.ErrReplayed) || !errors.Is(err, policy.ErrIndeterminate) || replayed.Holds(now) {
		t.Error(err)
	}
}

// A decision that was made from a record is none of today, alone and among others.
func TestReplayedIsNotToday(t *testing.T) {
	old := policy.Func(func(context.Context, *policy.Input) *policy.Decision {
		return &policy.Decision{Verdict: policy.Allow, Until: policy.Forever, Replayed: true}
	})
	for name, p := range map[string]policy.Policy{"alone": old, "all": policy.All(old), "any": policy.Any(old)} {
		if d := decide(t, p); d.Verdict != policy.Indeterminate || !errors.Is(d.Err(), policy.ErrReplayed) {
			t.Errorf("%s: %v, %v", name, d.Verdict, d.Err())
		}
	}
}
