// Package sigstore verifies what was signed by way of Sigstore: a certificate that an authority issued for minutes, or a key,
// whose signature transparency logs and timestamp authorities have seen. It is written over the standard library, and is for
// package verify/sigstore, which says who may sign, and for signing, which verifies what it made.
//
// All trust comes from a [Root]. What nobody signed chooses nothing: media types, kinds that entries are labelled with, indices
// and sizes beside a proof, hints. A value leaves the function that proved it, and no other does.
package sigstore

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ladingdev/lading/internal/scheme"
)

// A Policy says how much must be proven. It belongs to a Root, for instances differ.
type Policy struct {
	Logs       int             // distinct operators of transparency logs that have the signature
	Timestamps int             // distinct operators of authorities that stamped it
	SCTs       int             // distinct operators of logs that have the certificate
	ProofAfter time.Time       // a log's promise alone does not count if it was made later; zero: it always counts
	Schemes    []scheme.Scheme // by which certificates' keys may sign; none: each by the default of its type
	Now        time.Time
}

// clockSkew is how far in the future a proven time may lie.
const clockSkew = 5 * time.Minute

// A Time is a proven time: the signature was there then, which says nothing of how long before.
type Time struct {
	From, To time.Time // they differ by the accuracy that the authority claims
	Logged   bool      // by a transparency log, else by a timestamp authority
	By       string    // host of whoever says so
}

// A Proof is what was proven of a signature.
type Proof struct {
	Identity            Identity  // of the certificate; zero for a key
	Times               []Time    // all of them
	Logs, Stamps, SCTs  []string  // hosts of those that count
	Ignored             []string  // what was not looked at or does not count, and why
	NotBefore, NotAfter time.Time // of the certificate
	Key                 []byte    // the certificate's, DER SubjectPublicKeyInfo
}

// Earliest returns the earliest proven time, before which nothing is known of the signature. The zero Time means none.
func (p *Proof) Earliest() Time {
	if len(p.Times) == 0 {
		return Time{}
	}
	return slices.MinFunc(p.Times, func(a, b Time) int { return a.From.Compare(b.From) })
}

// Latest returns the latest moment at which the signature may have been made: the first by which one of the times has it there for
// certain. The zero time means that there is none.
func (p *Proof) Latest() time.Time {
	if len(p.Times) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(p.Times, func(a, b Time) int { return a.To.Compare(b.To) }).To
}

// Verify proves a signature: by the certificate in s, or, of a key's signature, that the logs and authorities have seen it.
func (r *Root) Verify(s *Signed, entries []LogEntry, timestamps [][]byte, p Policy) (*Proof, error) {
	v := &verification{root: r, signed: s, policy: p, proof: new(Proof)}
	if s.Certificate != nil {
		l, err := parseLeaf(s.Certificate)
		if err != nil {
			return nil, err
		}
		v.leaf, s.Key = l, l.PublicKey
		v.proof.Identity, v.proof.NotBefore, v.proof.NotAfter, v.proof.Key = l.identity, l.NotBefore, l.NotAfter, l.RawSubjectPublicKeyInfo
	}
	if err := v.checkLogs(entries); err != nil {
		return nil, err
	}
	if err := v.checkTimestamps(timestamps); err != nil {
		return nil, err
	}
	if err := v.checkTimes(); err != nil {
		return nil, err
	}
	if err := v.checkSignature(); err != nil {
		return nil, err
	}
	if err := v.checkCertificate(); err != nil {
		return nil, err
	}
	return v.proof, nil
}

type verification struct {
	root   *Root
	signed *Signed
	policy Policy
	leaf   *leaf // nil for a key
	logs   []*logged
	proof  *Proof
}

func (v *verification) checkLogs(entries []LogEntry) error {
	if len(entries) == 0 && v.policy.Logs > 0 {
		why := "no log entry"
		if v.leaf != nil {
			expires := "expires"
			if v.policy.Now.After(v.leaf.NotAfter) {
				expires = "expired"
			}
			why += fmt.Sprintf(", certificate %s at %s", expires, v.leaf.NotAfter.UTC().Format(time.RFC3339))
		}
		return LogMissing.errorf("%s", why)
	}
	var owners []owner
	for i := range entries {
		e := &entries[i]
		if slices.ContainsFunc(entries[:i], func(o LogEntry) bool { return string(o.LogID) == string(e.LogID) && o.Index == e.Index }) {
			return EntryMalformed.errorf("one entry twice")
		}
		if v.policy.Logs <= 0 && !v.root.HasLogs() {
			v.proof.Ignored = append(v.proof.Ignored, "log entry: the trusted root has no logs")
			continue
		}
		l, err := v.root.checkEntry(e, v.signed)
		if err != nil {
			return err
		}
		if after := v.policy.ProofAfter; e.Proof == nil && !after.IsZero() && l.at.After(after) {
			return ProofMissing.errorf("a promise of %s alone does not count", l.at.Format(time.RFC3339))
		}
		v.logs = append(v.logs, l)
		owners = append(owners, l.owner)
		v.proof.Logs = append(v.proof.Logs, l.host)
		if !l.at.IsZero() {
			v.proof.Times = append(v.proof.Times, Time{From: l.at, To: l.at, Logged: true, By: l.host})
		}
	}
	if n := distinct(owners); n < v.policy.Logs {
		return LogMissing.errorf("entries in logs of %d operators, it takes %d", n, v.policy.Logs)
	}
	return nil
}

func (v *verification) checkTimestamps(timestamps [][]byte) error {
	contents := [][]byte{v.signed.Signature}
	if v.signed.Layer != nil { // cosign looks for a timestamp of all of an envelope, and 3.1.3 stamps its signature
		contents = [][]byte{v.signed.Layer, v.signed.Signature}
	}
	var owners []owner
	for i, t := range timestamps {
		var s *stamped
		var err error
		for _, content := range contents {
			if s, err = v.root.checkTimestamp(t, content); !errors.Is(err, TimestampContent) {
				break
			}
		}
		if err != nil {
			return err
		}
		if s == nil {
			v.proof.Ignored = append(v.proof.Ignored, fmt.Sprintf("timestamp %d: its authority is not in the trusted root", i+1))
			continue
		}
		owners = append(owners, s.owner)
		v.proof.Stamps = append(v.proof.Stamps, s.host)
		v.proof.Times = append(v.proof.Times, Time{From: s.from, To: s.to, By: s.host})
	}
	if n := distinct(owners); n < v.policy.Timestamps {
		return TimestampMissing.errorf("by %d operators, it takes %d", n, v.policy.Timestamps)
	}
	return nil
}

// checkTimes holds what has a time, or a validity, against every proven time.
func (v *verification) checkTimes() error {
	times, key := v.proof.Times, window{v.signed.NotBefore, v.signed.NotAfter}
	if len(times) == 0 {
		switch {
		case v.leaf != nil:
			return TimeMissing.errorf("no promise of a log and no timestamp of a trusted authority; the certificate is valid from %s to %s",
				v.leaf.NotBefore.UTC().Format(time.RFC3339), v.leaf.NotAfter.UTC().Format(time.RFC3339))
		case key != window{}:
			return TimeMissing.errorf("and the key is trusted %s", key)
		}
		for _, l := range v.logs {
			if !l.end.IsZero() {
				return LogTime.errorf("the log's key is trusted %s, and nothing proves when it signed", l.window)
			}
		}
	}
	for _, t := range times {
		if t.From.After(v.policy.Now.Add(clockSkew)) {
			return TimeFuture.errorf("at %s, by %s", t.From.Format(time.RFC3339), t.By)
		}
		if v.leaf == nil && (!key.has(t.From) || !key.has(t.To)) {
			return KeyTime.errorf("at %s, trusted %s", t.To.Format(time.RFC3339), key)
		}
		for _, l := range v.logs {
			if l.at.IsZero() && !l.has(t.From) {
				return LogTime.errorf("at %s, the log's key is trusted %s", t.From.Format(time.RFC3339), l.window)
			}
		}
	}
	for _, l := range v.logs { // which proves nothing, but contradicts
		at := l.unsigned
		switch {
		case at.IsZero():
		case v.leaf != nil && (at.Before(v.leaf.NotBefore) || at.After(v.leaf.NotAfter)):
			return ChainTime.errorf("the log entry says that it is of %s", at.Format(time.RFC3339))
		case v.leaf == nil && !key.has(at):
			return KeyTime.errorf("the log entry says that it is of %s, trusted %s", at.Format(time.RFC3339), key)
		}
	}
	return nil
}

// checkSignature proves a certificate's signature. A key's is proven by who knows the key.
func (v *verification) checkSignature() error {
	if v.leaf == nil {
		return nil
	}
	how, err := signsWith(v.leaf.PublicKey, v.signed.Envelope != nil)
	if err != nil {
		return err
	}
	fit, err := scheme.Of(v.leaf.PublicKey)
	if err != nil {
		return KeyAlgorithm.errorf("%w", err)
	}
	wanted := []scheme.Scheme{how}
	if len(v.policy.Schemes) > 0 {
		wanted = nil
		for _, s := range v.policy.Schemes {
			if s == scheme.Default {
				s = how
			}
			if slices.Contains(fit, s) { // else it is for certificates with keys of another type
				wanted = append(wanted, s)
			}
		}
	}
	signs := func(s scheme.Scheme) bool { return v.signed.with(s, v.leaf.PublicKey) }
	if slices.ContainsFunc(wanted, signs) {
		return nil
	}
	if i := slices.IndexFunc(fit, signs); i >= 0 {
		return SignatureInvalid.errorf("the certificate's key signed it, but by %v, which Options.Schemes does not list", fit[i])
	}
	return SignatureInvalid.errorf("by the certificate's key, over this content")
}

// By reports whether a key made the signature, in one of the ways that are wanted, or, without any, in the key's own.
func (s *Signed) By(key crypto.PublicKey, wanted ...scheme.Scheme) bool {
	schemes, err := scheme.Choose(key, wanted...)
	return err == nil && slices.ContainsFunc(schemes, func(how scheme.Scheme) bool { return s.with(how, key) })
}

func (s *Signed) with(how scheme.Scheme, key crypto.PublicKey) bool {
	if how.Hash() == 0 {
		return s.Message != nil && how.Verify(key, s.Message, s.Signature)
	}
	return how.Verify(key, s.Digest(how.Hash()), s.Signature)
}

// checkCertificate proves that an authority issued the certificate, was to be believed at every proven time, and that logs have
// the certificate.
func (v *verification) checkCertificate() error {
	if v.leaf == nil {
		return nil
	}
	for _, t := range v.proof.Times { // before what costs more
		if err := validAt([]*x509.Certificate{v.leaf.Certificate}, t.From, t.To); err != nil {
			return err
		}
	}
	by := issuers(v.leaf.Certificate, v.root.authorities)
	if len(by) == 0 {
		return ChainUntrusted.errorf("it names %s as its issuer", fmt.Sprintf("%.80q", v.leaf.Issuer.String()))
	}
	for _, t := range v.proof.Times {
		if err := checkChain(v.leaf.Certificate, by, t.From, t.To); err != nil {
			return err
		}
	}
	owners, err := v.root.checkSCTs(v.leaf, by[0].chain[0])
	if err != nil {
		return err
	}
	for _, o := range owners {
		v.proof.SCTs = append(v.proof.SCTs, o.host)
	}
	if n := distinct(owners); n < v.policy.SCTs {
		return SCTMissing.errorf("of known logs of %d operators, it takes %d", n, v.policy.SCTs)
	}
	return nil
}
