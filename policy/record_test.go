package policy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// saysFact is a check that reads a fact of the predicate.
func saysFact(bad string) func(context.Context, *policy.Input, *verify.Attestation) error {
	return func(_ context.Context, in *policy.Input, a *verify.Attestation) error {
		says, err := policy.Fact(in, a, "test.says", func() (string, error) {
			var p struct{ Says string }
			err := json.Unmarshal(a.Predicate, &p)
			return p.Says, err
		})
		switch {
		case err != nil:
			return err
		case says == "unclear":
			return fmt.Errorf("%w: it says nothing clear", policy.ErrIndeterminate)
		case says == bad:
			return fmt.Errorf("it says %s", bad)
		}
		return nil
	}
}

// randomInput and randomPolicy are whatever there may be, small enough that all of it meets.
func randomInput(r *rand.Rand) *policy.Input {
	ids := []verify.Identity{alice, bob, carol,
		{Kind: verify.OIDCIdentity, Subject: "https://ci.example/w", Issuer: "https://oidc.example"}}
	in := &policy.Input{Name: "acme/app:v1", Now: now, Report: report()}
	for range r.IntN(5) {
		a := said([]string{"good", "bad", "unclear"}[r.IntN(3)], alice, now, verify.TimeLogged)
		if r.IntN(3) == 0 {
			a = signature()
		} else if r.IntN(8) == 0 {
			a.Predicate = []byte(`{"says":`)
		}
		a.Evidence, a.Signers = verify.Descriptor{MediaType: "m", Digest: digest.FromString(fmt.Sprint(r.Int())), Size: 3,
			Data: []byte("x")}, nil
		for i := range 1 + r.IntN(2) {
			s := verify.Signer{Identity: ids[(i+r.IntN(3))%len(ids)], TimeSource: verify.TimeSource(r.IntN(5))}
			if s.TimeSource != verify.TimeUnknown {
				s.SignedAt = now.Add(time.Duration(r.IntN(80)-70) * time.Hour)
				s.Accuracy = time.Duration(r.IntN(2)) * time.Second
			}
			if r.IntN(2) == 0 {
				s.Until = now.Add(time.Duration(1+r.IntN(50)) * time.Hour)
			}
			if r.IntN(2) == 0 {
				s.Entries, s.Name, s.Claims = []string{"release"}, "release", map[string]string{"ref": "refs/heads/main"}
			}
			a.Signers = append(a.Signers, s)
		}
		a.Checks = []verify.Check{{Name: "signature", Status: verify.Passed, Reason: "by somebody"}, {Name: "time"}}
		in.Report.Attestations = append(in.Report.Attestations, a)
	}
	errs := []error{verify.ErrNotTrusted, fmt.Errorf("%w: 40 MiB", verify.ErrLimit),
		fmt.Errorf("%w: %w: twice", verify.ErrUnreadable, verify.ErrMalformed), verify.ErrNotYet}
	for range r.IntN(3) {
		in.Report.Rejected = append(in.Report.Rejected, &verify.RejectedError{Err: errs[r.IntN(len(errs))]})
	}
	if r.IntN(4) == 0 {
		in.Report.Incomplete = []error{errors.New("registry\nanswers 500"),
			&verify.RejectedError{Evidence: subject, Err: verify.ErrUnchecked}}[r.IntN(2):]
	}
	if r.IntN(2) == 0 {
		in.Request = &policy.Request{Namespace: "prod", Groups: []string{"a"}, Attributes: map[string]string{"b": "c", "a": "b"}}
		in.Children = []verify.Descriptor{subject}
	}
	return in
}

func randomPolicy(r *rand.Rand, depth int) policy.Policy {
	some := func() (ps []policy.Policy) {
		for range 1 + r.IntN(3) {
			ps = append(ps, randomPolicy(r, depth-1))
		}
		return ps
	}
	if depth > 0 {
		switch r.IntN(7) {
		case 0:
			return policy.All(some()...)
		case 1:
			return policy.Any(some()...)
		case 2:
			return policy.AtLeast(1+r.IntN(2), some()...)
		case 3:
			return policy.Named("a rule", randomPolicy(r, depth-1))
		case 4:
			return policy.Soft(policy.Effect(r.IntN(3)), policy.Effect(r.IntN(3)), randomPolicy(r, depth-1))
		case 5:
			return policy.When(policy.Condition{Words: "in prod", Holds: func(in *policy.Input) (bool, error) {
				return in.Request != nil && in.Request.Namespace == "prod" && in.Before(now.Add(time.Hour)), nil
			}}, randomPolicy(r, depth-1))
		}
	}
	rule := policy.Require{Kind: verify.ImageSignature, AtLeast: r.IntN(3)}
	if r.IntN(2) == 0 {
		rule.Kind, rule.PredicateTypes, rule.Quantifier = verify.Statement, []string{sbomType}, policy.Quantifier(r.IntN(3))
		rule.Check = saysFact([]string{"bad", "good"}[r.IntN(2)])
	}
	switch r.IntN(4) {
	case 0:
		rule.By = []verify.Identity{alice, bob}
	case 1:
		rule.Signers = []policy.Signer{{Name: "release", Identities: []verify.Identity{alice}, Entries: []string{"release"},
			CompromisedSince: now.Add(-30 * time.Hour)},
			{Name: "ops", Identities: []verify.Identity{bob}, From: now.Add(-60 * time.Hour), Until: now.Add(20 * time.Hour)}}
		if rule.Kind == verify.Statement && r.IntN(2) == 0 {
			rule.Time = "/metadata/timestamp"
		}
	}
	if r.IntN(3) == 0 {
		rule.MaxAge = 40 * time.Hour
	}
	return rule
}

// What is decided from a record is what was decided, word for word, until the same moment. It is marked, and opens no door.
func TestReplayIsTheDecision(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	verdicts := make(map[policy.Verdict]int)
	unmarked := func(d *policy.Decision) string {
		c := *d
		c.Name, c.Subject, c.Time, c.Children, c.Request = "", verify.Descriptor{}, time.Time{}, nil, nil
		text, err := json.Marshal(&c)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(text), `,"replayed":true`, "") // it is never the first member
	}
	for i := range 1000 {
		in, p := randomInput(r), randomPolicy(r, 3)
		d, record := policy.Recorded(t.Context(), p, in)
		if other := policy.Decide(t.Context(), p, in); unmarked(other) != unmarked(d) {
			t.Fatalf("%d: recording changes it: %s", i, cmp.Diff(unmarked(other), unmarked(d)))
		}
		verdicts[d.Verdict]++
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("a/b")) {
			t.Fatalf("the predicate is in %s", text)
		}
		for back, err := range policy.ReadRecords(bytes.NewReader(append(text, '\n'))) {
			if err != nil {
				t.Fatalf("%v in %s", err, text)
			}
			if again, err := json.Marshal(back); err != nil || !bytes.Equal(again, text) {
				t.Fatalf("%v\n%s\n%s", err, text, again)
			}
			for _, rec := range []*policy.Record{record, back} {
				e := rec.Decide(t.Context(), p, time.Time{})
				if was, is := unmarked(d), unmarked(e); was != is {
					t.Fatalf("%d: %s\n%s", i, cmp.Diff(was, is), text)
				}
				for _, part := range e.All() {
					if !part.Replayed || part.Err() == nil || part.Holds(now) {
						t.Fatalf("%+v opens a door", part)
					}
				}
			}
		}
	}
	for v := range policy.Allow + 1 {
		if verdicts[v] < 50 {
			t.Errorf("%v: %d only", v, verdicts[v])
		}
	}
}

// A policy that asks for what was not read says so, whichever way it asks, and whatever it makes of it.
func TestNotRecorded(t *testing.T) {
	in := &policy.Input{Name: "acme/app:v1", Now: now, Report: report(signature(alice), said("good", alice, now, verify.TimeLogged))}
	_, record := policy.Recorded(t.Context(), byOf(alice), in)
	rule := func(check func(context.Context, *policy.Input, *verify.Attestation) error) policy.Require {
		return policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, Check: check}
	}
	timed := rule(nil)
	timed.Time, timed.By, timed.MaxAge = "/metadata/timestamp", []verify.Identity{alice}, time.Hour
	for name, p := range map[string]policy.Policy{
		"a fact": rule(saysFact("bad")),
		"a time": timed,
		"a value": rule(func(_ context.Context, in *policy.Input, a *verify.Attestation) error {
			_, err := policy.Value(in, a, "document", func() (int, error) { return 1, nil })
			return err
		}),
		"reads the predicate, and refuses": rule(func(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
			return json.Unmarshal(a.Predicate, new(any))
		}),
		"reads the predicate, and finds nothing bad": rule(func(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
			if bytes.Contains(a.Predicate, []byte("bad")) {
				return errors.New("bad")
			}
			return nil
		}),
	} {
		d := record.Decide(t.Context(), p, time.Time{})
		if d.Verdict != policy.Indeterminate || !errors.Is(d.Err(), policy.ErrNotRecorded) {
			t.Errorf("%s: %v", name, d)
		}
		changes := 0
		for c, err := range policy.Diff(t.Context(), byOf(alice), p, records(record), time.Time{}) {
			if changes++; err != nil || !c.Unknown() || c.Allowed() || c.Lacks() == nil ||
				!strings.HasPrefix(c.String(), "newly undecided: acme/app:v1: ") {
				t.Errorf("%s: %v, %v", name, c, err)
			}
		}
		if changes != 1 {
			t.Errorf("%s: %d changes", name, changes)
		}
	}
	if d := record.Decide(t.Context(), byOf(alice), time.Time{}); d.Verdict != policy.Allow {
		t.Error(d)
	}
	for _, r := range []*policy.Record{nil, {}} {
		if d := r.Decide(t.Context(), byOf(alice), now); d.Verdict != policy.Indeterminate || !d.Replayed {
			t.Error(d)
		}
		if _, err := json.Marshal(r); r != nil && err == nil {
			t.Error("an empty record is written")
		}
	}
	if d, r := policy.Recorded(t.Context(), byOf(alice), nil); d.Verdict != policy.Indeterminate || r != nil {
		t.Error(d, r)
	}
}

func records(rs ...*policy.Record) iter.Seq2[*policy.Record, error] {
	return func(yield func(*policy.Record, error) bool) {
		for _, r := range rs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// A rule that asks about a copy of an attestation, with fewer signers, asks about the attestation.
func TestFactOfCopy(t *testing.T) {
	a := said("good", alice, now, verify.TimeLogged)
	a.Evidence.Digest = digest.FromString("evidence")
	rule := policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, Check: saysFact("bad")}
	narrowed := policy.Func(func(ctx context.Context, in *policy.Input) *policy.Decision {
		c, b := *in, *in.Report.Attestations[0]
		c.Report = &verify.Report{Subject: in.Report.Subject, Attestations: []*verify.Attestation{&b}}
		return rule.Decide(ctx, &c)
	})
	_, record := policy.Recorded(t.Context(), narrowed, &policy.Input{Now: now, Report: report(a)})
	text, err := json.Marshal(record)
	if err != nil || !bytes.Contains(text, []byte(`"facts":[{"name":"test.says","value":"good"}]`)) {
		t.Fatalf("%v: %s", err, text)
	}
	for _, p := range []policy.Policy{narrowed, rule, policy.All(rule, narrowed)} {
		if d := record.Decide(t.Context(), p, time.Time{}); d.Verdict != policy.Allow {
			t.Error(d)
		}
	}
}

// Who would be refused, who would be allowed, and why; at the time of the record or at another.
func TestDiff(t *testing.T) {
	var file bytes.Buffer
	gate := &policy.Gate{Policy: byOf(alice), Now: func() time.Time { return now }, Record: func(r *policy.Record) {
		if err := json.NewEncoder(&file).Encode(r); err != nil {
			t.Error(err)
		}
	}}
	check := func(name string, r *policy.Request, as ...*verify.Attestation) {
		gate.Open = func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: candidates(make([]verify.Descriptor, len(as)))}, nil
		}
		gate.Verifiers = []verify.Verifier{&handsOut{as: as}}
		gate.CheckRequest(t.Context(), name, r)
	}
	check("both", nil, signature(alice), signature(bob))
	check("alice", nil, signature(alice))
	check("bob", nil, signature(bob))
	check("nobody", nil)
	check("dry", &policy.Request{DryRun: true}, signature(alice))
	text := file.String()
	if n := strings.Count(text, "\n"); n != 4 {
		t.Fatalf("%d records: %s", n, text)
	}
	broken := "\n{\"version\":1}\n" + text
	diff := func(old, new policy.Policy, file string, at time.Time) (out []string) {
		for c, err := range policy.Diff(t.Context(), old, new, policy.ReadRecords(strings.NewReader(file)), at) {
			if err != nil {
				out = append(out, err.Error())
				continue
			}
			if c.Old.Err() == nil || c.New.Err() == nil {
				t.Errorf("%v opens a door", c)
			}
			out = append(out, c.String())
		}
		return out
	}
	ends := policy.Require{Kind: verify.ImageSignature,
		Signers: []policy.Signer{{Name: "release", Identities: []verify.Identity{alice}, Until: now.Add(time.Hour)}}}
	denied := "newly denied: alice: no image signature that will do: signed by key sha256:aaaaaaaaaaaa, who is not asked for"
	allowed := "newly allowed: bob: image signature by key sha256:bbbbbbbbbbbb"
	over := "image signature that will do: nobody proves that key sha256:aaaaaaaaaaaa signed before 2026-11-24T13:00:00Z, and the key " +
		"counted until then"
	for name, tt := range map[string]struct {
		old, new policy.Policy
		file     string
		at       time.Time
		want     []string
	}{
		"against what was decided": {nil, byOf(bob), text, time.Time{}, []string{denied, allowed}},
		"against another policy":   {byOf(alice), byOf(bob), text, time.Time{}, []string{denied, allowed}},
		"the same":                 {nil, byOf(alice), text, time.Time{}, nil},
		"lines that are none": {nil, byOf(alice), broken, time.Time{},
			[]string{"policy: line 2: record: it has no version, or no time"}},
		"at the time of the record": {nil, ends, text, time.Time{}, nil},
		"later": {nil, ends, text, now.Add(time.Hour),
			[]string{"newly denied: both: no " + over + ", signed by key sha256:bbbbbbbbbbbb, who is not asked for",
				"newly denied: alice: no " + over}},
		"an empty policy": {nil, policy.All(), text, time.Time{},
			[]string{"newly undecided: both: the policy asks for nothing", "newly undecided: alice: the policy asks for nothing"}},
		"a policy that is not there": {byOf(alice), nil, text, time.Time{},
			[]string{"newly undecided: both: the policy asks for nothing", "newly undecided: alice: the policy asks for nothing"}},
	} {
		if d := cmp.Diff(tt.want, diff(tt.old, tt.new, tt.file, tt.at)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	n := 0
	for d, err := range policy.Replay(t.Context(), byOf(bob), policy.ReadRecords(strings.NewReader(broken)), time.Time{}) {
		if n++; (err != nil) != (n == 1) || err == nil &&
			(!d.Replayed || d.Name == "" || d.Subject.Digest != subject.Digest || !d.Time.Equal(now)) {
			t.Error(d, err)
		}
	}
	if n != 5 {
		t.Error(n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for d, err := range policy.Replay(ctx, byOf(bob), policy.ReadRecords(strings.NewReader(text)), now) {
		if d != nil || !errors.Is(err, context.Canceled) {
			t.Error(d, err)
		}
	}
	for c, err := range policy.Diff(ctx, nil, byOf(bob), policy.ReadRecords(strings.NewReader(text)), now) {
		if c != nil || !errors.Is(err, context.Canceled) {
			t.Error(c, err)
		}
	}
}

// handsOut proves what it was given, one after another.
type handsOut struct{ as []*verify.Attestation }

func (h *handsOut) Verify(_ context.Context, _, evidence verify.Descriptor) (*verify.Attestation, error) {
	a := *h.as[0]
	h.as, a.Evidence = h.as[1:], evidence
	return &a, nil
}

// A record that panics, or that nobody keeps, changes nothing.
func TestRecordPanics(t *testing.T) {
	gate := &policy.Gate{
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Children: []verify.Descriptor{subject}, Source: candidates{{}}}, nil
		},
		Verifiers: []verify.Verifier{believer{}}, Policy: policy.Require{Kind: verify.ImageSignature},
		Record: func(*policy.Record) { panic("disk full") },
	}
	request := &policy.Request{User: "system:serviceaccount:prod:deployer"}
	d := gate.CheckRequest(t.Context(), "acme/app:v1", request)
	if d.Err() != nil || d.Request != request || len(d.Children) != 1 {
		t.Error(d)
	}
	gate.Open = func(context.Context, string) (*policy.Image, error) {
		return &policy.Image{Subject: subject, Children: []verify.Descriptor{{Digest: "sha256:00"}}, Source: candidates{{}}}, nil
	}
	if d := gate.Check(t.Context(), "acme/app:v1"); d.Verdict != policy.Indeterminate {
		t.Error(d)
	}
}

// The reader is strict: what it does not know it refuses.
func TestRecordIsReadStrictly(t *testing.T) {
	in := &policy.Input{Name: "acme/app:v1", Now: now, Report: report(said("good", alice, now, verify.TimeLogged))}
	in.Report.Rejected = []*verify.RejectedError{{Evidence: subject, Err: verify.ErrLimit}}
	in.Request = &policy.Request{User: "u"}
	_, record := policy.Recorded(t.Context(),
		policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, Check: saysFact("bad")}, in)
	good, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(old, new string) string {
		out := strings.Replace(string(good), old, new, 1)
		if out == string(good) {
			t.Fatalf("%s is not in %s", old, good)
		}
		return out
	}
	for name, text := range map[string]string{
		"another version":  edit(`"version":1`, `"version":2`),
		"no version":       edit(`"version":1,`, ``),
		"no time":          edit(`"time":"2026-11-24T12:00:00Z",`, ``),
		"a member more":    edit(`"version":1`, `"version":1,"allow":true`),
		"a member twice":   edit(`"version":1`, `"version":1,"version":1`),
		"another case":     edit(`"version"`, `"Version"`),
		"a verdict":        edit(`"verdict":"ALLOW"`, `"verdict":"YES"`),
		"a kind":           edit(`"kind":"statement"`, `"kind":"blob"`),
		"a kind of signer": edit(`"kind":"key"`, `"kind":"k"`),
		"a source of time": edit(`"timeSource":"log"`, `"timeSource":"logged"`),
		"no signers":       edit(`"signers":[`, `"signers":[],"checks":[`),
		"a kind of error":  edit(`"kinds":["limit"]`, `"kinds":["none"]`),
		"a digest": edit(`"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:`,
			`"subject":{"digest":"sha1:`),
		"a fact of nothing":  edit(`,"value":"good"`, ``),
		"a fact of two":      edit(`"value":"good"`, `"value":"good","error":"x"`),
		"a fact twice":       edit(`"facts":[`, `"facts":[{"name":"test.says","value":"bad"},`),
		"a request":          edit(`"user":"u"`, `"user":"u","admin":true`),
		"a time that is not": edit(`"time":"2026-11-24T12:00:00Z"`, `"time":"2026-11-24"`),
		"a size":             edit(`"predicateSize":`, `"predicateSize":-`),
		"two":                string(good) + string(good),
		"half":               string(good[:len(good)/2]),
		"nothing":            "null",
	} {
		if err := new(policy.Record).UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s is read: %s", name, text)
		}
	}
	if err := new(policy.Record).UnmarshalJSON(good); err != nil {
		t.Error(err)
	}
	torn := errors.New("torn")
	for r, err := range policy.ReadRecords(io.MultiReader(bytes.NewReader(good[:10]), failing{torn})) {
		if r != nil || !errors.Is(err, torn) {
			t.Error(r, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// FuzzRecord: what is read is written as it was, and can be asked.
func FuzzRecord(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		_, record := policy.Recorded(f.Context(), randomPolicy(r, 2), randomInput(r))
		text, err := json.Marshal(record)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	p := policy.All(byOf(alice),
		policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, Quantifier: policy.Newest, Check: saysFact("bad")},
		policy.AtLeast(2, byOf(alice, bob), byOf(alice, carol)))
	f.Fuzz(func(t *testing.T, text []byte) {
		record := new(policy.Record)
		if record.UnmarshalJSON(text) != nil {
			return
		}
		out, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		back := new(policy.Record)
		if err := back.UnmarshalJSON(out); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		if again, err := json.Marshal(back); err != nil || !bytes.Equal(out, again) {
			t.Fatalf("%v\n%s\n%s", err, out, again)
		}
		a, b := record.Decide(t.Context(), p, time.Time{}), back.Decide(t.Context(), p, time.Time{})
		if diff := cmp.Diff(a, b, cmpopts.IgnoreFields(policy.Decision{}, "Cause")); diff != "" || a.Err() == nil {
			t.Fatal(diff)
		}
	})
}
