package policy

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ladingdev/lading/internal/intoto"
	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/verify"
)

// A Quantifier says how many of the attestations of a type must do.
type Quantifier uint8

const (
	// Some: at least one. Enough for what is asked to be there. A rule that forbids is not safe with it: one more attestation,
	// empty, satisfies it.
	Some Quantifier = iota
	// Every: all of them, and at least one. For rules that forbid.
	Every
	// Newest: the one that was made last, or all of those if it is not one. For what is made anew and then replaces what
	// was said before, such as a scan.
	Newest
)

// String is the word that documents use.
func (q Quantifier) String() string {
	switch q {
	case Some:
		return "some"
	case Every:
		return "every"
	case Newest:
		return "newest"
	}
	return "unknown"
}

// Require is the policy that asks for proven evidence of one kind. It allows if attestations that meet every field
// carry at least AtLeast distinct signers between them, and the Quantifier is met.
//
// If too few signers are found, the verdict is Deny when all evidence could be read, and Indeterminate when some could not.
// A Require that does not say what it asks for is Indeterminate.
//
// # Which attestations are meant
//
// Those of the Kind, of one of PredicateTypes, and by a signer who is asked for. What others signed is as if it was not
// there: it neither helps nor harms. Some asks for one of them that will do. Every asks that all of them do, so that one that is
// too old denies, and if one could not be looked at, because the registry failed, it is over a limit, or what a trusted signer
// signed cannot be read, the answer is Indeterminate.
//
// Newest looks at the last of them by time, for which the verifier or a named signer must stand: the proven time of a
// transparency log, a timestamp or a signing authority, or, where Time names one, a member of the signed predicate. Where one
// of them has no such time, or could not be looked at, the answer is Indeterminate. Two limits are left. Whoever controls
// the registry can hide the newest, and the one before it is taken for the newest: set MaxAge, so that it is too old before
// long. And a timestamp or log entry of a long-lived key proves that something was signed before then, not when: whoever
// has the registry can have an old signature stamped once more. A time in the predicate, or a signer whose certificate
// lasts for minutes, is not open to that.
type Require struct {
	// Name is what people call the rule; it stands before Rule and Reason.
	Name string
	// Noun is what people call one of the attestations, such as "SBOM"; empty means by their kind and types.
	Noun string
	// Kind must be set: verify.ImageSignature or verify.Statement.
	Kind verify.Kind
	// PredicateTypes are the types of which a statement must have one, exactly, each an absolute URI. A Statement needs at
	// least one here; an image signature has none.
	PredicateTypes []string
	// By are the signers that count; empty, with ByEntry empty, means everybody whom the Gate's verifiers trust.
	By []verify.Identity
	// ByEntry are names of entries of the verifiers' trust lists: a signer who matched one of them counts as well.
	ByEntry []string
	// Signers are signers that count, each for as long as it says, beside those of By and ByEntry.
	Signers []Signer
	// AtLeast is how many distinct signers it takes; zero means one. A key and a certificate of it are one signer, and so
	// are all who matched one entry of a trust list.
	AtLeast int
	// Quantifier is how many of the attestations must do; zero means Some. Rules that forbid need Every or Newest.
	Quantifier Quantifier
	// MaxAge is the age at which a signature no longer counts; zero means that it always does. The age is that of the proven
	// time: by a transparency log, a timestamp or a signing authority, and never by the signer's own word. A signature without
	// one, as all by keys alone are, or with one in the future, does not count then. With Time, the age is that of the time
	// in the predicate instead.
	MaxAge time.Duration
	// Time is where the predicate says how old it is, a JSON pointer (RFC 6901) to an RFC 3339 time, such as
	// "/metadata/timestamp" in CycloneDX and "/creationInfo/created" in SPDX 2, or "/a/0" in a list. It is the signer's own word:
	// By or ByEntry must say whose is believed. Empty means the proven time of signing.
	Time string
	// Check looks at the content of an attestation and returns nil if it will do, or why not; nil means any content. An error
	// that wraps ErrIndeterminate says that it cannot be told. What it compares with the present, it compares with
	// Input.Before. What it reads of the predicate it reads with Fact, once for all rules: in a replay there is no predicate, and
	// a check that asks for no fact of an attestation that had one is Indeterminate.
	Check func(ctx context.Context, in *Input, a *verify.Attestation) error
}

// clockSkew is how far a signing time may lie in the future before it does not count.
const clockSkew = 5 * time.Minute

// Decide decides as the type's comment says.
func (r Require) Decide(ctx context.Context, in *Input) *Decision {
	d := r.decide(ctx, in)
	if r.Name != "" {
		d.RuleName, d.Rule, d.Reason = oneline.Of(r.Name), r.Name+": "+d.Rule, r.Name+": "+d.Reason
	}
	d.Rule, d.Reason = oneline.Of(d.Rule), oneline.Of(d.Reason)
	if in != nil {
		in.asked.note(d.Until)
	}
	return d
}

func (r Require) decide(ctx context.Context, in *Input) *Decision {
	if err := r.valid(); err != nil {
		return undecided(r.what(), err.Error())
	}
	if in == nil || in.Report == nil {
		return undecided(r.what(), "there is no report to judge")
	}
	w := &weighing{Require: r, report: in.Report, now: in.Now}
	w.in, w.asked = in.watched()
	for _, a := range in.Report.Attestations {
		w.add(a)
	}
	if r.Quantifier != Some { // one that is over a limit, or that a trusted signer wrote so that it cannot be read, may be one of them
		for _, rejected := range in.Report.Rejected {
			if errors.Is(rejected, verify.ErrLimit) || errors.Is(rejected, verify.ErrUnreadable) {
				w.unread = append(w.unread, rejected)
			}
		}
	}
	return w.decide(ctx)
}

// Validate returns an error if the requirement can never be met.
func (r Require) Validate() error {
	err := r.valid()
	other := func(t string) bool { return t != intoto.ImageSignature }
	if err == nil && r.Kind == verify.Statement && !slices.ContainsFunc(r.PredicateTypes, other) {
		err = fmt.Errorf("a statement of type %s is an image signature: ask for the Kind verify.ImageSignature", intoto.ImageSignature)
	}
	if err != nil {
		return fmt.Errorf("policy: %s: %w", r, err)
	}
	return nil
}

func (r Require) valid() error {
	named := len(r.By) + len(r.ByEntry) + len(r.Signers)
	switch r.Kind {
	case verify.ImageSignature:
		if len(r.PredicateTypes) > 0 {
			return errors.New("the requirement gives predicate types for an image signature, which has none")
		}
		if r.Time != "" {
			return errors.New("the requirement names a time in the predicate of an image signature, which has none")
		}
	case verify.Statement:
		if len(r.PredicateTypes) == 0 || slices.Contains(r.PredicateTypes, "") {
			return errors.New("the requirement asks for a statement without saying of which predicate type")
		}
		for _, t := range r.PredicateTypes {
			if !isURI(t) {
				return fmt.Errorf("predicate type %q is no absolute URI, such as https://cyclonedx.org/bom", t)
			}
		}
	default:
		return fmt.Errorf("the requirement asks for evidence of kind %q, which says nothing about an image", r.Kind)
	}
	if r.AtLeast < 0 || r.MaxAge < 0 {
		return errors.New("the requirement has a negative threshold or age")
	}
	if r.Quantifier > Newest {
		return fmt.Errorf("the requirement has a quantifier %d, which there is not", r.Quantifier)
	}
	for _, id := range r.By {
		if err := identityError(id); err != nil {
			return err
		}
	}
	for i, s := range r.Signers {
		if err := s.valid(); err != nil {
			return fmt.Errorf("signer %d of %d: %w", i+1, len(r.Signers), err)
		}
	}
	if slices.Contains(r.ByEntry, "") {
		return errors.New("the requirement names a signer without identity")
	}
	if r.Time != "" && named == 0 {
		return errors.New("a time in the predicate is its signer's word: By, ByEntry or Signers must say whose is believed")
	}
	if r.Time != "" && !pointerPattern().MatchString(r.Time) {
		return fmt.Errorf("the time is named by a JSON pointer, such as /metadata/timestamp, and %q is none", r.Time)
	}
	if most := distinctCount(r.By) + distinctCount(r.ByEntry) + distinctSigners(r.Signers); named > 0 && r.AtLeast > most {
		return fmt.Errorf("the requirement asks for %d signers and names %d", r.AtLeast, most)
	}
	return nil
}

// isURI tells an absolute URI (RFC 3986, section 4.3) that names something, without what is never in one.
func isURI(text string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/"
	if rest, ok := strings.CutPrefix(text, "https://"); ok && rest != "" && rest[0] != '/' && strings.Trim(rest, plain) == "" {
		return true // as nearly all of them are; the rest takes longer
	}
	u, err := url.Parse(text)
	return err == nil && u.IsAbs() && u.Host+u.Path+u.Opaque != "" &&
		!strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>"{}|\^`+"`", r) })
}

// pointerPattern is RFC 6901, section 3, but for the pointer to the whole document.
var pointerPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(/([^~/]|~[01])*)+$`)
})

func distinctCount[T comparable](list []T) int {
	seen := make(map[T]bool)
	for _, v := range list {
		seen[v] = true
	}
	return len(seen)
}

func isKeyDigest(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

// identityError says why no signer has this identity.
func identityError(id verify.Identity) error {
	switch {
	case id == verify.Identity{}:
		return errors.New("the requirement names a signer without identity")
	case id.Kind == verify.KeyIdentity && !isKeyDigest(id.Key):
		return fmt.Errorf("the requirement names key %q: a key is named by the 64 lower-case hex digits that TrustedKey.Identity "+
			"gives", id.Key)
	case id.Kind == verify.KeyIdentity && id.Subject+id.Issuer != "":
		return errors.New("the requirement names a key with a subject or an issuer, which keys have not")
	case id.Kind != verify.KeyIdentity && (id.Key != "" || id.Subject == ""):
		return errors.New("the requirement names a signer by certificate or account without its subject, or with a key")
	case id.String() == "nobody":
		return errors.New("the requirement names a signer of a kind that there is not")
	}
	return nil
}

// fitsKeys says why signatures by these keys alone, which have no proven time and match no entries, can never meet the
// requirement.
func (r Require) fitsKeys(keys []verify.Identity) error {
	known := slices.Clone(r.By)
	for _, s := range r.Signers {
		known = append(known, s.Identities...)
	}
	known = slices.DeleteFunc(known, func(id verify.Identity) bool { return !slices.Contains(keys, id) })
	switch named := len(r.By) + len(r.ByEntry) + len(r.Signers); {
	case (r.MaxAge > 0 || r.Quantifier == Newest) && r.Time == "":
		return errors.New("signatures by keys have no proven time: name a time in the predicate (Time), or trust signers whose " +
			"time is proven")
	case r.AtLeast > len(keys):
		return fmt.Errorf("the requirement asks for %d signers, and %d keys are trusted", r.AtLeast, len(keys))
	case named > 0 && len(known) == 0:
		return errors.New("none of the signers that the requirement names is a key that a verifier trusts")
	case named > 0 && r.AtLeast > distinctCount(known):
		return fmt.Errorf("the requirement asks for %d signers, and of those that it names %d are keys that a verifier trusts",
			r.AtLeast, distinctCount(known))
	}
	return nil
}

// by names the signers who are asked for; nothing means anybody who is trusted.
func (r Require) by() string {
	entries := slices.Clone(r.ByEntry)
	for _, s := range r.Signers {
		entries = append(entries, s.Name)
	}
	return join(r.By, entries...)
}

func (r Require) asksFor(a *verify.Attestation) bool {
	return a != nil && a.Kind == r.Kind &&
		(a.Kind == verify.ImageSignature || slices.Contains(r.PredicateTypes, a.PredicateType))
}

// what names the evidence in a sentence.
func (r Require) what() string {
	if r.Noun != "" {
		return oneline.Of(r.Noun)
	}
	if r.Kind == verify.Statement {
		return "attestation of type " + strings.Join(r.PredicateTypes, " or ")
	}
	return r.Kind.String()
}

// String says what is asked, in one line.
func (r Require) String() string {
	var b strings.Builder
	b.WriteString(r.what())
	if by := r.by(); by != "" {
		b.WriteString(" by " + by)
	}
	if r.AtLeast > 1 {
		fmt.Fprintf(&b, ", at least %d signers", r.AtLeast)
	}
	if r.Quantifier != Some {
		b.WriteString(", " + r.Quantifier.String())
	}
	if r.MaxAge > 0 {
		fmt.Fprintf(&b, ", younger than %s", r.MaxAge)
	}
	if r.Time != "" {
		b.WriteString(" by its " + r.Time)
	}
	if r.Check != nil {
		b.WriteString(", content checked")
	}
	return b.String()
}

// leftovers tells what there was instead of what was asked for, in one clause.
func leftovers(report *verify.Report, others []*verify.Attestation) string {
	var refused []string
	for _, r := range report.Rejected {
		refused = append(refused, line(r.Err))
	}
	// What was refused tells more than what else there is.
	switch {
	case len(refused) > 0:
		return ": " + some(refused, ", ")
	case len(others) > 0:
		var there []string
		for _, a := range others {
			there = append(there, describe(a))
		}
		return ": there is only " + some(there, ", ")
	}
	return ": nothing is attached to " + string(report.Subject.Digest)
}

func describe(a *verify.Attestation) string {
	if a == nil {
		return "nothing"
	}
	if a.Kind == verify.Statement {
		return "a statement of type " + a.PredicateType
	}
	if a.Kind == verify.ImageSignature {
		return "an image signature"
	}
	return "a " + a.Kind.String()
}

// line says an error that may have been joined of several.
func line(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func lines(errs []error) (out []string) {
	for _, err := range errs {
		out = append(out, line(err))
	}
	return out
}

// some joins what is different, and says how much more there is than a person reads.
func some(list []string, separator string) string {
	const most = 3
	seen := make(map[string]bool)
	var shown []string
	for _, s := range list {
		if !seen[s] && len(seen) < most {
			shown = append(shown, s)
		}
		seen[s] = true
	}
	if more := len(seen) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(shown, separator), more)
	}
	return strings.Join(shown, separator)
}

func join(ids []verify.Identity, entries ...string) string {
	var s []string
	for _, id := range ids {
		s = append(s, id.String())
	}
	for _, e := range entries {
		s = append(s, fmt.Sprintf("%q", e))
	}
	return strings.Join(s, " and ")
}
