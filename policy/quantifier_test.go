package policy_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// said is an SBOM that says something, by somebody, at a time that somebody vouches for.
func said(what string, by verify.Identity, at time.Time, source verify.TimeSource) *verify.Attestation {
	return &verify.Attestation{Kind: verify.Statement, Subject: subject, PredicateType: sbomType,
		Predicate: fmt.Appendf(nil, `{"says":%q,"metadata":{"timestamp":%q,"a/b":{"~":%q}}}`, what, at.Format(time.RFC3339),
			at.Format(time.RFC3339)),
		Signers: []verify.Signer{{Identity: by, SignedAt: at, TimeSource: source}}}
}

func TestQuantifiers(t *testing.T) {
	const I, D, A = policy.Indeterminate, policy.Deny, policy.Allow
	noBad := func(_ context.Context, in *policy.Input, a *verify.Attestation) error {
		if in.Name != "acme/app:v1" || in.Report == nil || !in.Now.Equal(now) {
			return errors.New("the check does not see the input")
		}
		switch {
		case strings.Contains(string(a.Predicate), "bad"):
			return errors.New("it says bad")
		case strings.Contains(string(a.Predicate), "unclear"):
			return fmt.Errorf("%w: it says nothing clear", policy.ErrIndeterminate)
		}
		return nil
	}
	ago := func(h int) time.Time { return now.Add(-time.Duration(h) * time.Hour) }
	good := func(h int) *verify.Attestation { return said("good", alice, ago(h), verify.TimeLogged) }
	bad := func(h int) *verify.Attestation { return said("bad", alice, ago(h), verify.TimeStamped) }
	byBob := func(what string, h int) *verify.Attestation {
		return said(what, bob, ago(h), verify.TimeAuthority)
	}
	by := func(what string, source verify.TimeSource) *verify.Attestation {
		return said(what, alice, ago(1), source)
	}
	vague := func(a *verify.Attestation, by time.Duration) *verify.Attestation {
		a.Signers[0].Accuracy = by
		return a
	}
	outage := errors.New("registry answers 500")
	over := &verify.RejectedError{Err: fmt.Errorf("%w: 40 MiB", verify.ErrLimit)}
	broken := &verify.RejectedError{Err: verify.ErrMalformed}
	unread := &verify.RejectedError{Err: fmt.Errorf("%w: %w: a member twice", verify.ErrUnreadable, verify.ErrMalformed)}
	onlyAlice := []verify.Identity{alice}
	type rule = policy.Require
	for _, tt := range []struct {
		name                string
		rule                rule
		there               []*verify.Attestation
		incomplete          error
		rejected            *verify.RejectedError
		some, every, newest policy.Verdict
	}{
		{name: "nothing", some: D, every: D, newest: D},
		{name: "good and what a trusted signer signed and nobody reads", there: []*verify.Attestation{good(1)}, rejected: unread, some: A,
			every: I, newest: I},
		{name: "good", there: []*verify.Attestation{good(1)}, some: A, every: A, newest: A},
		{name: "bad", there: []*verify.Attestation{bad(1)}, some: D, every: D, newest: D},
		{name: "the trap: good beside bad", there: []*verify.Attestation{bad(1), good(2)}, some: A, every: D, newest: D},
		{name: "mended", there: []*verify.Attestation{bad(2), good(1)}, some: A, every: D, newest: A},
		{name: "in any order", there: []*verify.Attestation{good(1), bad(2)}, some: A, every: D, newest: A},
		{name: "at the same moment", there: []*verify.Attestation{good(1), bad(1)}, some: A, every: D, newest: D},
		{name: "at the same moment, good", there: []*verify.Attestation{good(1), good(1)}, some: A, every: A, newest: A},

		{name: "unread", there: []*verify.Attestation{good(1)}, incomplete: outage, some: A, every: I, newest: I},
		{name: "unread beside bad", there: []*verify.Attestation{bad(1)}, incomplete: outage, some: I, every: D, newest: I},
		{name: "unread alone", incomplete: outage, some: I, every: I, newest: I},
		{name: "over a limit", there: []*verify.Attestation{good(1)}, rejected: over, some: A, every: I, newest: I},
		{name: "what anybody may attach", there: []*verify.Attestation{good(1)}, rejected: broken, some: A, every: A, newest: A},
		{name: "unclear", there: []*verify.Attestation{by("unclear", verify.TimeLogged)}, some: I, every: I, newest: I},
		{name: "unclear beside good", there: []*verify.Attestation{by("unclear", verify.TimeLogged), good(2)}, some: A,
			every: I, newest: I},
		{name: "an older unclear", there: []*verify.Attestation{said("unclear", alice, ago(3), verify.TimeLogged), good(2)}, some: A,
			every: I, newest: A},
		{name: "unclear beside bad", there: []*verify.Attestation{by("unclear", verify.TimeLogged), bad(1)}, some: I, every: D, newest: I},

		{name: "claimed time", there: []*verify.Attestation{by("good", verify.TimeClaimed)}, some: A, every: A, newest: I},
		{name: "no time", there: []*verify.Attestation{by("good", verify.TimeUnknown), good(1)}, some: A, every: A, newest: I},
		{name: "a source of time that there is not", there: []*verify.Attestation{by("good", 99)}, some: A, every: A, newest: I},
		{name: "in the future", there: []*verify.Attestation{said("good", alice, ago(-1), verify.TimeLogged)}, some: A,
			every: A, newest: I},

		{name: "a vague time, which may be the newest", there: []*verify.Attestation{vague(bad(2), time.Hour), good(1)}, some: A,
			every: D, newest: D},
		{name: "a vague time, which may not", there: []*verify.Attestation{vague(bad(2), time.Hour-1), good(1)}, some: A,
			every: D, newest: A},
		{name: "others do not count", rule: rule{By: onlyAlice}, there: []*verify.Attestation{good(2), byBob("bad", 1)}, some: A,
			every: A, newest: A},
		{name: "others do not help", rule: rule{By: onlyAlice}, there: []*verify.Attestation{bad(2), byBob("good", 1)}, some: D,
			every: D, newest: D},
		{name: "others alone", rule: rule{By: onlyAlice}, there: []*verify.Attestation{byBob("good", 1)}, some: D, every: D, newest: D},
		{name: "others without time", rule: rule{By: onlyAlice},
			there: []*verify.Attestation{good(2), said("bad", bob, ago(1), verify.TimeUnknown)}, some: A, every: A, newest: A},
		{name: "two signers", rule: rule{AtLeast: 2}, there: []*verify.Attestation{good(1), byBob("good", 1)}, some: A,
			every: A, newest: A},
		{name: "two signers, at two times", rule: rule{AtLeast: 2}, there: []*verify.Attestation{good(1), byBob("good", 2)}, some: A,
			every: A, newest: D},

		{name: "an old one", rule: rule{MaxAge: 90 * time.Minute}, there: []*verify.Attestation{good(1), good(2)}, some: A,
			every: D, newest: A},
		{name: "old alone", rule: rule{MaxAge: 90 * time.Minute}, there: []*verify.Attestation{good(2)}, some: D, every: D, newest: D},
		{name: "age by claim", rule: rule{MaxAge: 90 * time.Minute}, there: []*verify.Attestation{by("good", verify.TimeClaimed)}, some: D,
			every: D, newest: I},

		{name: "time in the predicate", rule: rule{By: onlyAlice, Time: "/metadata/timestamp", MaxAge: 90 * time.Minute},
			there: []*verify.Attestation{by("good", verify.TimeUnknown)}, some: A, every: A, newest: A},
		{name: "time deep in the predicate", rule: rule{By: onlyAlice, Time: "/metadata/a~1b/~0"},
			there: []*verify.Attestation{by("good", verify.TimeUnknown), said("bad", alice, ago(2), verify.TimeUnknown)}, some: A,
			every: D, newest: A},
		{name: "time that is not there", rule: rule{By: onlyAlice, Time: "/metadata/created"}, there: []*verify.Attestation{good(1)},
			some: A, every: A, newest: I},
		{name: "time that is none", rule: rule{By: onlyAlice, Time: "/says"}, there: []*verify.Attestation{good(1)}, some: A,
			every: A, newest: I},
		{name: "age that is none", rule: rule{By: onlyAlice, Time: "/says", MaxAge: time.Hour}, there: []*verify.Attestation{good(1)},
			some: D, every: D, newest: I},
		{name: "anybody's word", rule: rule{Time: "/metadata/timestamp"}, there: []*verify.Attestation{good(1)}, some: I,
			every: I, newest: I},
	} {
		for q, want := range []policy.Verdict{tt.some, tt.every, tt.newest} {
			r := tt.rule
			r.Kind, r.PredicateTypes, r.Quantifier, r.Check = verify.Statement, []string{sbomType}, policy.Quantifier(q), noBad
			in := &policy.Input{Name: "acme/app:v1", Now: now, Report: report(tt.there...)}
			if tt.incomplete != nil {
				in.Report.Incomplete = []error{tt.incomplete}
			}
			if tt.rejected != nil {
				in.Report.Rejected = []*verify.RejectedError{tt.rejected}
			}
			d := r.Decide(t.Context(), in)
			if d.Verdict != want {
				t.Errorf("%s: %v: %v, want %v", tt.name, r.Quantifier, d, want)
			}
			if strings.Contains(d.Reason, "does not see") {
				t.Error(d)
			}
			if d.Verdict != policy.Allow && len(d.Evidence) > 0 {
				t.Errorf("%s: %v: what is refused rests on %v", tt.name, r.Quantifier, d.Evidence)
			}
		}
	}
}

// A time is taken from where the pointer leads, and from nowhere else.
func TestTimeInPredicate(t *testing.T) {
	for predicate, want := range map[string]policy.Verdict{
		`{"metadata":{"timestamp":"2026-11-24T11:59:00Z"}}`:               policy.Allow,
		`{"metadata":{"timestamp":"2026-11-24T13:59:00+02:00"}}`:          policy.Allow,
		`{"metadata":{"timestamp":"2026-11-23T11:59:00Z"}}`:               policy.Deny,
		`{"metadata":{"timestamp":"2026-11-24T12:59:00Z"}}`:               policy.Deny,
		`{"metadata":{"timestamp":"2026-11-24"}}`:                         policy.Deny,
		`{"metadata":{"timestamp":1764000000}}`:                           policy.Deny,
		`{"metadata":{"timestamp":null}}`:                                 policy.Deny,
		`{"metadata":{"timestamp":""}}`:                                   policy.Deny,
		`{"metadata":{"timestamp":"0001-01-01T00:00:00Z"}}`:               policy.Deny,
		`{"metadata":[{"timestamp":"2026-11-24T11:59:00Z"}]}`:             policy.Deny,
		`{"timestamp":"2026-11-24T11:59:00Z","metadata":{}}`:              policy.Deny,
		`{"x":{"metadata":{"timestamp":"2026-11-24T11:59:00Z"}}}`:         policy.Deny,
		`{"metadata":{"timestamp":"2026-11-24T11:59:00Z"},"metadata":{}}`: policy.Deny,
		`{"metadata":{"Timestamp":"2026-11-24T11:59:00Z"}}`:               policy.Deny,
		`{"metadata":{"timestamp":{"timestamp":"2026-11-24T11:59:00Z"}}}`: policy.Deny,
		`"2026-11-24T11:59:00Z"`:                                          policy.Deny,
		``:                                                                policy.Deny,
	} {
		a := statement(sbomType, now)
		a.Predicate = []byte(predicate)
		r := policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, By: []verify.Identity{alice},
			Time: "/metadata/timestamp", MaxAge: time.Hour}
		if d := r.Decide(t.Context(), &policy.Input{Report: report(a), Now: now}); d.Verdict != want {
			t.Errorf("%s: %v", predicate, d)
		}
	}
}

// A trusted signer's newer statement that cannot be read, here because a member is in it twice, does not leave the one before it as
// the newest, nor as every one there is. What a stranger signed is as if it was not there, readable or not.
func TestUnreadableStatements(t *testing.T) {
	keys := make([]*ecdsa.PrivateKey, 2)
	for i := range keys {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = k
	}
	trusted := verify.TrustedKey{Key: keys[0].Public()}
	id, err := trusted.Identity()
	if err != nil {
		t.Fatal(err)
	}
	statement := func(key *ecdsa.PrivateKey, predicate string) verify.Descriptor {
		payload := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],`+
			`"predicateType":%q,"predicate":%s}`,
			subject.Digest.Encoded(), sbomType, predicate)
		sum := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 28 application/vnd.in-toto+json %d %s", len(payload), payload))
		sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		data := fmt.Appendf(nil, `{"payloadType":"application/vnd.in-toto+json","payload":%q,"signatures":[{"sig":%q}]}`,
			base64.StdEncoding.EncodeToString(payload), base64.StdEncoding.EncodeToString(sig))
		return verify.Descriptor{MediaType: "application/vnd.dsse.envelope.v1+json", Data: data}
	}
	old := statement(keys[0], `{"list":[{},{"at":"2026-01-01T00:00:00Z"}]}`)
	twice := `{"list":[{},{"at":"2026-02-01T00:00:00Z"}],"list":[]}`
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}, Formats: []verify.Format{verify.DSSE}}
	for _, tt := range []struct {
		by   *ecdsa.PrivateKey
		want policy.Verdict
	}{{keys[0], policy.Indeterminate}, {keys[1], policy.Allow}} {
		report := verify.Collect(t.Context(), subject, candidates{old, statement(tt.by, twice)}, v)
		for _, q := range []policy.Quantifier{policy.Newest, policy.Every} {
			rule := policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}, By: []verify.Identity{id}, Quantifier: q,
				Time: "/list/1/at"}
			if d := rule.Decide(t.Context(), &policy.Input{Report: report, Now: now}); d.Verdict != tt.want {
				t.Errorf("%v: %v", q, d)
			}
		}
	}
}
