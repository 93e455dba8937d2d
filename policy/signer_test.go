package policy_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// From, until and compromised since, with the clock moved across each of them: a proven time saves what is older, at the latest
// moment that it leaves open, and a claimed time never does.
func TestSignerValidity(t *testing.T) {
	const D, A = policy.Deny, policy.Allow
	noon := now
	early, late := noon.Add(-time.Hour), noon.Add(time.Hour)
	at := func(at time.Time, source verify.TimeSource) verify.Signer {
		return verify.Signer{Identity: alice, SignedAt: at, TimeSource: source}
	}
	vague := func(s verify.Signer, by time.Duration) verify.Signer { s.Accuracy = by; return s }
	unproven := []verify.Signer{{Identity: alice}, at(early.Add(-time.Hour), verify.TimeClaimed), at(early.Add(-time.Hour), 9),
		{Identity: alice, TimeSource: verify.TimeLogged}}
	proven := []verify.TimeSource{verify.TimeAuthority, verify.TimeStamped, verify.TimeLogged}
	type row struct {
		name         string
		signer       policy.Signer
		by           verify.Signer
		before, then policy.Verdict // at noon less a nanosecond, and at noon
		until        time.Time      // of the first
	}
	var rows []row
	for _, end := range []struct {
		name   string
		signer policy.Signer
	}{{"until", policy.Signer{Until: noon}}, {"compromised", policy.Signer{CompromisedSince: noon}}} {
		for i, by := range unproven {
			rows = append(rows, row{fmt.Sprint(end.name, ", unproven ", i), end.signer, by, A, D, noon})
		}
		for _, source := range proven {
			rows = append(rows,
				row{end.name + ", proven before by " + source.String(), end.signer, at(early, source), A, A, policy.Forever},
				row{end.name + ", proven at the moment by " + source.String(), end.signer, at(noon, source), A, D, noon})
		}
		rows = append(rows,
			row{end.name + ", a timestamp that may be later", end.signer, vague(at(early, verify.TimeStamped), time.Hour), A, D, noon},
			row{end.name + ", a timestamp that may not", end.signer, vague(at(early, verify.TimeStamped), time.Hour-1), A, A,
				policy.Forever})
	}
	rows = append(rows,
		row{"from", policy.Signer{From: noon}, unproven[0], D, A, noon},
		row{"from, signed before by a proven time", policy.Signer{From: noon}, at(early, verify.TimeLogged), D, D, noon},
		row{"from, signed later", policy.Signer{From: early}, at(early.Add(time.Minute), verify.TimeLogged), A, A, policy.Forever},
		row{"compromised before it ends", policy.Signer{Until: late, CompromisedSince: noon}, unproven[0], A, D, noon},
		row{"it ends before it is compromised", policy.Signer{Until: noon, CompromisedSince: late}, unproven[0], A, D, noon},
		row{"proven before the end, not before the theft", policy.Signer{Until: late, CompromisedSince: early},
			at(early.Add(time.Minute), verify.TimeLogged), D, D, policy.Forever},
		row{"the evidence ends first", policy.Signer{Until: noon}, verify.Signer{Identity: alice, Until: noon.Add(-time.Minute)}, A, D,
			noon.Add(-time.Minute)},
		row{"without an end", policy.Signer{}, unproven[1], A, A, policy.Forever},
	)
	for _, tt := range rows {
		tt.signer.Name, tt.signer.Identities = "release", []verify.Identity{alice}
		p := policy.Require{Kind: verify.ImageSignature, Signers: []policy.Signer{tt.signer}}
		if err := policy.Validate(p); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		ask := func(at time.Time) *policy.Decision {
			return policy.Decide(t.Context(), p, &policy.Input{Now: at,
				Report: report(&verify.Attestation{Kind: verify.ImageSignature, Subject: subject, Signers: []verify.Signer{tt.by}})})
		}
		before, then := ask(noon.Add(-1)), ask(noon)
		if before.Verdict != tt.before || then.Verdict != tt.then && tt.name != "the evidence ends first" || !before.Until.Equal(tt.until) {
			t.Errorf("%s: %v until %v, then %v", tt.name, before, before.Until, then)
		}
		for _, d := range []*policy.Decision{before, then} {
			if l := d.Looked[0]; l.Counts != (d.Verdict == A) || (l.Signers[0].Why == "") != (d.Verdict == A) ||
				l.Signers[0].As != "release" {
				t.Errorf("%s: %+v", tt.name, l)
			}
		}
	}
}

// A stolen key neither allows nor, where every attestation is asked for, forbids.
func TestStolenKeyForbidsNothing(t *testing.T) {
	rule := policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, Quantifier: policy.Every, Check: saysFact("bad"),
		Signers: []policy.Signer{{Name: "old", Identities: []verify.Identity{alice}, CompromisedSince: now.Add(-time.Hour)},
			{Name: "new", Identities: []verify.Identity{bob}}}}
	stolen := said("bad", alice, now, verify.TimeLogged)
	if d := decide(t, rule, stolen, said("good", bob, now, verify.TimeLogged)); d.Verdict != policy.Allow {
		t.Error(d)
	}
	if d := decide(t, rule, said("good", alice, now, verify.TimeLogged)); d.Verdict != policy.Deny ||
		!strings.Contains(d.Reason, "may be anybody's since") {
		t.Error(d)
	}
	if d := decide(t, rule, said("bad", alice, now.Add(-2*time.Hour), verify.TimeLogged),
		said("good", bob, now, verify.TimeLogged)); d.Verdict != policy.Deny {
		t.Error(d)
	}
}

func TestSignerValidate(t *testing.T) {
	ids := []verify.Identity{alice}
	for name, s := range map[string]policy.Signer{
		"nobody":                      {Name: "release"},
		"no name":                     {Identities: ids},
		"an empty identity":           {Name: "release", Identities: []verify.Identity{{}}},
		"an empty entry":              {Name: "release", Entries: []string{""}},
		"ends before it begins":       {Name: "release", Identities: ids, From: now, Until: now},
		"stolen before it begins":     {Name: "release", Identities: ids, From: now, CompromisedSince: now.Add(-1)},
		"a key that is no key at all": {Name: "release", Identities: []verify.Identity{{Kind: verify.KeyIdentity, Key: "AA"}}},
	} {
		p := policy.Require{Kind: verify.ImageSignature, Signers: []policy.Signer{s}}
		if err := policy.Validate(p); err == nil {
			t.Errorf("%s is valid", name)
		}
		if d := decide(t, p, signature(alice)); d.Verdict != policy.Indeterminate {
			t.Errorf("%s: %v", name, d)
		}
	}
	two := policy.Require{Kind: verify.ImageSignature, AtLeast: 2,
		Signers: []policy.Signer{{Name: "a", Identities: ids}, {Name: "a", Identities: []verify.Identity{bob}}}}
	if err := policy.Validate(two); err == nil {
		t.Error("two signers of one name are two")
	}
}

// Until a decision ends, the same evidence is decided the same, whatever it was made of.
func TestUntilHolds(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	ended := 0
	for i := range 3000 {
		in, p := randomInput(r), randomPolicy(r, 3)
		d := policy.Decide(t.Context(), p, in)
		if d.Verdict == policy.Indeterminate || !d.Until.After(now) {
			continue
		}
		end := min(d.Until.Sub(now), 1000*time.Hour)
		if end < 1000*time.Hour {
			ended++
		}
		for _, later := range []time.Duration{end - 1, time.Duration(r.Int64N(int64(end)))} {
			c := *in
			c.Now = now.Add(later)
			if e := policy.Decide(t.Context(), p, &c); e.Verdict != d.Verdict {
				t.Fatalf("%d: %v until %v, and %v later: %+v\n%+v", i, d.Verdict, d.Until, later, d, e)
			}
		}
	}
	if ended < 300 {
		t.Errorf("%d decisions that end", ended)
	}
}
