package verify_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

// What is to be removed is what the same signers said of the same subject, and nothing of anybody else.
func TestSuperseded(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 28, hour, 0, 0, 0, time.UTC) }
	say := func(text string, change func(*verify.Attestation)) *verify.Attestation {
		a := &verify.Attestation{
			Kind: verify.Statement, Subject: verify.Descriptor{Digest: digest.FromString("subject")}, PredicateType: "sbom",
			Signers: []verify.Signer{{
				Identity: verify.Identity{Kind: verify.KeyIdentity, Key: "alice"}, Key: "alice", SignedAt: at(1),
				TimeSource: verify.TimeClaimed,
			}},
			Evidence: verify.Descriptor{Digest: digest.FromString(text), MediaType: text},
		}
		if change != nil {
			change(a)
		}
		return a
	}
	signer := func(name string, hour int, source verify.TimeSource) verify.Signer {
		return verify.Signer{Identity: verify.Identity{Kind: verify.KeyIdentity, Key: name}, Key: name, SignedAt: at(hour),
			TimeSource: source}
	}
	report := &verify.Report{Attestations: []*verify.Attestation{
		say("old", nil),
		say("older", func(a *verify.Attestation) { a.Signers[0].SignedAt = at(0) }),
		say("a logged time", func(a *verify.Attestation) { a.Signers[0].TimeSource = verify.TimeLogged }),
		say("no time", func(a *verify.Attestation) { a.Signers[0].SignedAt, a.Signers[0].TimeSource = time.Time{}, 0 }),
		say("bob's", func(a *verify.Attestation) { a.Signers = []verify.Signer{signer("bob", 0, verify.TimeClaimed)} }),
		say("bob's too", func(a *verify.Attestation) { a.Signers = append(a.Signers, signer("bob", 0, verify.TimeClaimed)) }),
		say("another type", func(a *verify.Attestation) { a.PredicateType = "provenance" }),
		say("another kind", func(a *verify.Attestation) { a.Kind = verify.ImageSignature }),
		say("another subject", func(a *verify.Attestation) { a.Subject.Digest = digest.FromString("another") }),
		say("another name", func(a *verify.Attestation) { a.Name = "registry.example/app" }),
		say("nobody's", func(a *verify.Attestation) { a.Signers = nil }),
	}}
	names := func(ds []verify.Descriptor) (list []string) {
		for _, d := range ds {
			list = append(list, d.MediaType)
		}
		return list
	}
	next := say("new", func(a *verify.Attestation) { a.Signers[0].SignedAt = at(2) })
	if diff := cmp.Diff([]string{"old", "older", "a logged time", "no time"}, names(report.SupersededBy(next))); diff != "" {
		t.Error(diff)
	}
	// A claimed time does not go before a proven one, and what has no time stays.
	report.Attestations = append(report.Attestations, next)
	if diff := cmp.Diff([]string{"old", "older"}, names(report.Superseded())); diff != "" {
		t.Error(diff)
	}
	if got := names(report.SupersededBy(next)); len(got) != 4 {
		t.Errorf("it supersedes itself: %q", got)
	}
	same := say("at the same time", func(a *verify.Attestation) { a.Signers[0].SignedAt = at(2) })
	report = &verify.Report{Attestations: []*verify.Attestation{next, same}}
	if got := report.Superseded(); len(got) != 0 {
		t.Errorf("of two at the same time: %q", names(got))
	}
	// A timestamp that may be from after the other one is not older than it.
	vague := say("vague", func(a *verify.Attestation) { a.Signers[0].Accuracy = time.Hour })
	report = &verify.Report{Attestations: []*verify.Attestation{next, vague}}
	if got := report.Superseded(); len(got) != 0 {
		t.Errorf("a vague one: %q", names(got))
	}
	vague.Signers[0].Accuracy--
	if got := report.Superseded(); len(got) != 1 {
		t.Errorf("one that is vague, and older: %q", names(got))
	}
}
