package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ladingdev/lading/verify"
)

// A Signer is an entry of a policy's trust list: whom it names, and for how long that counts. The policy can only narrow what the
// verifiers trust.
//
// Whether an older signature counts after Until or CompromisedSince, only a proven time decides: that of a transparency log, a
// timestamp or a signing authority, at the latest moment that it leaves open (verify.Signer.Latest). A time that the signer
// claims decides nothing: whoever has a stolen key claims any. What does not count is as if it was not there, so that a stolen
// key can neither allow anything nor, where a rule asks for every attestation, forbid it.
type Signer struct {
	// Name is what people call the signer. Signatures by those of one name are by one signer, whatever keys they are by.
	Name string
	// Identities and Entries are who that is: keys and accounts as verifiers prove them, and names of entries of the verifiers'
	// trust lists. At least one.
	Identities []verify.Identity
	Entries    []string
	// From is since when its signatures count: earlier ones, by a proven time, never do. Zero means always.
	From time.Time
	// Until is when it ends to be a signer, in good order: what is proven to be older goes on to count. Zero means never.
	Until time.Time
	// CompromisedSince is since when others may have had its key: what is proven to be older goes on to count, and nothing
	// else. Zero means that nobody has.
	CompromisedSince time.Time
}

// matches reports whether a proven signer is this one.
func (s Signer) matches(by verify.Signer) bool {
	return slices.Contains(s.Identities, by.Identity) ||
		slices.ContainsFunc(by.Entries, func(e string) bool { return slices.Contains(s.Entries, e) })
}

// judge says why a proven signer that this is does not count at a moment and when that may change (zero: never), or until when it
// does.
func (s Signer) judge(by verify.Signer, now time.Time) (why refusal, until time.Time) {
	until = orForever(by.Until)
	proven := unproven(by) == ""
	if !s.From.IsZero() {
		switch {
		case now.Before(s.From):
			return refusal{fmt.Sprintf("%s counts from %s on", by, stamp(s.From)), s.From}, until
		case proven && by.SignedAt.Before(s.From):
			return refusal{why: fmt.Sprintf("signed at %s by %s, who counts from %s on", stamp(by.SignedAt), by, stamp(s.From))}, until
		}
	}
	for _, end := range []struct {
		at   time.Time
		word string
	}{{s.CompromisedSince, "may be anybody's since"}, {s.Until, "counted until"}} {
		if end.at.IsZero() || proven && by.Latest().Before(end.at) {
			continue
		}
		if now.Before(end.at) { // whatever is there was signed before then
			until = earliest(until, end.at)
			continue
		}
		if proven {
			return refusal{why: fmt.Sprintf("signed at %s by %s, whose key %s %s", stamp(by.Latest()), by, end.word, stamp(end.at))}, until
		}
		return refusal{why: fmt.Sprintf("nobody proves that %s signed before %s, and the key %s then", by, stamp(end.at), end.word)}, until
	}
	return refusal{}, until
}

func (s Signer) valid() error {
	for _, id := range s.Identities {
		if err := identityError(id); err != nil {
			return err
		}
	}
	switch {
	case len(s.Identities)+len(s.Entries) == 0 || slices.Contains(s.Entries, ""):
		return errors.New("the requirement names a signer without identity")
	case s.Name == "":
		return errors.New("a signer of the policy has no name")
	case !s.Until.IsZero() && !s.From.Before(s.Until), !s.CompromisedSince.IsZero() && !s.From.Before(s.CompromisedSince):
		return fmt.Errorf("signer %q counts at no time: from %s on, and no longer by then", s.Name, stamp(s.From))
	}
	return nil
}

// distinctSigners counts names.
func distinctSigners(list []Signer) int {
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	return distinctCount(names)
}
