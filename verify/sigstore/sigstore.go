package sigstore

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"

	mldsax509 "filippo.io/mldsa/x509"
	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/intoto"
	"github.com/ladingdev/lading/internal/sigstore"
	"github.com/ladingdev/lading/internal/simplesigning"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/verify"
)

// A Root is the authorities of a Sigstore instance: who issues certificates and timestamps, and which logs are believed, each
// for its time. It is safe for concurrent use.
type Root struct {
	root *sigstore.Root
	opts RootOptions
}

// RootOptions are what a trusted root does not say.
type RootOptions struct {
	// Operators says who runs the authorities at a host. Authorities of one operator count once. Without it, and where the
	// trusted root does not say either, hosts of one domain are one operator's.
	Operators map[string]string
	// Date is when the trusted root was last known to be current. Checks and refusals tell it, as "roots of DATE". Zero: unknown.
	Date time.Time
	// Until is the time after which the trusted root proves nothing: whatever it would decide is verify.ErrUnchecked. Zero: no end.
	Until time.Time
	// Note is what checks tell beside Date, such as where the trusted root is from.
	Note string
}

// ParseRoot reads a trusted_root.json of version 0.1 or 0.2 (sigstore/protobuf-specs, sigstore_trustroot.proto). An entry of a
// kind that is not known, whose identifier is not its key's or whose chain does not verify is left out: [Root.Unusable] has it.
// Everything else that is not as the format has it is an error.
func ParseRoot(trustedRoot []byte, o *RootOptions) (*Root, error) {
	if o == nil {
		o = new(RootOptions)
	}
	r, err := sigstore.ParseRoot(trustedRoot, o.Operators)
	if err != nil {
		return nil, fmt.Errorf("sigstore: %w", err)
	}
	return &Root{root: r, opts: *o}, nil
}

// Unusable says which entries of the trusted root are left out, and why. Nothing verifies by them.
func (r *Root) Unusable() []error { return r.root.Unusable() }

// Options are how much a [Verifier] asks for, which depends on the instance. The zero Options ask for what the public instance
// gives. GitHub's own instance, for private repositories, has no logs: Logs and SCTs are -1 there, and Timestamps 1.
type Options struct {
	// Logs is in how many transparency logs the signature must be, Timestamps how many authorities must have stamped it, SCTs in
	// how many logs the certificate must be: each counts distinct operators. Zero means 1 log, 1 SCT, and as many timestamps as it
	// takes: a certificate's signature has a proven time in any case. A negative number means none; what is there is checked.
	Logs, Timestamps, SCTs int
	// ProofAfter refuses a log's promise to include an entry, made after this time, where a proof that it did is missing. Bundles
	// of version 0.1 and cosign's first formats may have promises alone. Zero means that they count.
	ProofAfter time.Time
	// Schemes are the ways of signing that count of keys with a certificate; none means the default of each type of key alone. As
	// in verify.TrustedKey, a list replaces the default, and the zero Scheme stands for it. Early signers with P-384 and P-521 hashed
	// with SHA-256: {0, verify.ECDSAWithSHA256}.
	Schemes []verify.Scheme
	// Formats are read; anything else is not mine (verify.ErrFormat). Nil means bundles alone.
	Formats []verify.Format
	// Limits bound what a candidate may cost; zero means the defaults.
	Limits verify.Limits
	// Now is the present, which proven times must not lie behind by more than 5 minutes. Nil means time.Now. Nothing else
	// compares with it: certificates have expired when they are looked at.
	Now func() time.Time
}

// A Verifier verifies what was signed by way of one Sigstore instance. It is safe for concurrent use.
type Verifier struct {
	root  *sigstore.Root
	age   RootOptions // of root
	trust []*matcher
	keys  []verify.TrustedKey
	opts  Options
}

// New returns the Verifier that trusts the signers of a list, by the word of a trusted root. An entry that matches nobody or
// everybody, two of one name, and an expression that is none are errors. An empty list trusts nobody.
func New(root *Root, trust []Entry, o *Options) (*Verifier, error) {
	v := &Verifier{}
	if root == nil || root.root == nil {
		return nil, errors.New("sigstore: no trusted root")
	}
	v.root, v.age = root.root, root.opts
	if o != nil {
		v.opts = *o
	}
	if v.opts.Formats == nil {
		v.opts.Formats = []verify.Format{verify.Bundle}
	}
	if len(v.opts.Formats) == 0 || slices.Min(v.opts.Formats) < verify.Bundle || slices.Max(v.opts.Formats) > verify.SimpleSigning {
		return nil, errors.New("sigstore: Options.Formats is empty or has one that there is not; nil means bundles")
	}
	if len(v.opts.Schemes) > 0 && slices.Max(v.opts.Schemes) > verify.PureMLDSA87 {
		return nil, errors.New("sigstore: Options.Schemes has one that there is not")
	}
	v.opts.Limits = v.opts.Limits.WithDefaults()
	names := make(map[string]bool)
	for i := range trust {
		m, err := trust[i].matcher()
		switch {
		case err != nil:
			return nil, fmt.Errorf("sigstore: entry %q of the trust list: %w", trust[i].Name, err)
		case names[m.name]:
			return nil, fmt.Errorf("sigstore: two entries of the trust list are named %q", m.name)
		}
		names[m.name] = true
		v.trust = append(v.trust, m)
		if m.key != nil {
			v.keys = append(v.keys, *m.key.Key)
		}
	}
	return v, nil
}

// Validate returns an error if the Verifier can never accept a signature: it trusts nobody, or asks for more logs or authorities
// than the trusted root has. All else New refuses. Programs call it when they start.
func (v *Verifier) Validate() error {
	if v == nil || v.root == nil {
		return errors.New("sigstore: a Verifier is made by New")
	}
	if len(v.trust) == 0 {
		return errors.New("sigstore: the trust list is empty, so nobody is trusted")
	}
	if err := v.root.Fits(v.policy(), len(v.keys) < len(v.trust)); err != nil {
		return fmt.Errorf("sigstore: %w", err)
	}
	if len(v.keys) == len(v.trust) {
		return (&verify.KeyVerifier{Keys: v.keys, Now: v.opts.Now}).Validate() // they may all be over
	}
	return nil
}

// policy is what Options ask for, in numbers.
func (v *Verifier) policy() sigstore.Policy {
	count := func(n, zero int) int {
		if n == 0 {
			n = zero
		}
		return max(n, 0)
	}
	return sigstore.Policy{
		Logs: count(v.opts.Logs, 1), Timestamps: count(v.opts.Timestamps, 0), SCTs: count(v.opts.SCTs, 1),
		ProofAfter: v.opts.ProofAfter, Schemes: v.opts.Schemes, Now: v.now(),
	}
}

func (v *Verifier) now() time.Time {
	if v.opts.Now != nil {
		return v.opts.Now()
	}
	return time.Now()
}

// roots says of when the trusted root is, if that is known.
func (v *Verifier) roots() string {
	if v.age.Date.IsZero() {
		return ""
	}
	return "roots of " + v.age.Date.UTC().Format(time.DateOnly)
}

// proof asks the trusted root. A refusal says of when it is: what it does not know may have come after.
func (v *Verifier) proof(c *candidate) (*sigstore.Proof, error) {
	proof, err := v.root.Verify(&c.signed, c.entries, c.timestamps, v.policy())
	if err == nil {
		return proof, nil
	}
	if err = refusal(err); v.roots() != "" {
		err = fmt.Errorf("%w (%s)", err, v.roots())
	}
	return nil, err
}

// A candidate is evidence that was read, and of which nothing is proven.
type candidate struct {
	signed     sigstore.Signed
	message    *bundle.Message // of a file
	entries    []sigstore.LogEntry
	timestamps [][]byte
	payload    *simplesigning.Payload // of an image signature that is no statement
}

// Verify proves one candidate: a signature over a statement about subject by a signer of the trust list, which the logs and
// authorities of the trusted root have seen.
func (v *Verifier) Verify(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	format, err := v.format(evidence)
	if err != nil {
		return nil, err
	}
	if err := v.ready(ctx, evidence); err != nil {
		return nil, err
	}
	if err := intoto.CheckDigest(subject.Digest); err != nil {
		return nil, fmt.Errorf("%w: the digest asked for, %.80q: %w", verify.ErrSubject, subject.Digest, err)
	}
	c, err := v.read(format, evidence)
	if err != nil {
		return nil, err
	}
	if c.message != nil {
		return nil, fmt.Errorf("%w: the signature of a file, not a statement about an image", verify.ErrType)
	}
	if err := v.mine(c); err != nil {
		return nil, err
	}
	if c.signed.Certificate == nil {
		return v.verifyKey(c, func(kv *verify.KeyVerifier) (*verify.Attestation, error) { return kv.Verify(ctx, subject, evidence) })
	}
	signer, checks, err := v.prove(c)
	if err != nil {
		return nil, err
	}
	att, err := v.attest(c, subject)
	if err != nil {
		return nil, err
	}
	return finish(att, verify.Descriptor{Digest: subject.Digest}, evidence, signer, checks), nil // nobody signed more of it
}

// mine says that evidence is for another Verifier: a key signed it and the trust list has no key, or a certificate and it has
// nobody with one.
func (v *Verifier) mine(c *candidate) error {
	switch {
	case c.signed.Certificate == nil && len(v.keys) == 0:
		return fmt.Errorf("%w: signed with a key, and no key is in the trust list", verify.ErrFormat)
	case c.signed.Certificate != nil && len(v.keys) == len(v.trust):
		return fmt.Errorf("%w: signed with a certificate, and nobody with one is in the trust list", verify.ErrFormat)
	}
	return nil
}

// finish completes an attestation.
func finish(att *verify.Attestation, subject, evidence verify.Descriptor, signer verify.Signer, checks []verify.Check) *verify.Attestation {
	evidence.Data = nil
	att.Subject, att.Evidence, att.Signers = subject, evidence, []verify.Signer{signer}
	att.Checks = append(checks, att.Checks...)
	return att
}

// format tells which format evidence is in, or why it is not read.
func (v *Verifier) format(evidence verify.Descriptor) (verify.Format, error) {
	var f verify.Format
	switch mediaType, _, err := mime.ParseMediaType(evidence.MediaType); {
	case err != nil:
	case bundle.IsMediaType(mediaType):
		f = verify.Bundle
	case mediaType == dsse.MediaType:
		f = verify.DSSE
	case mediaType == simplesigning.MediaType:
		f = verify.SimpleSigning
	}
	if f == 0 || !slices.Contains(v.opts.Formats, f) {
		return 0, fmt.Errorf("%w: media type %.80q is not among the formats that are accepted", verify.ErrFormat, evidence.MediaType)
	}
	return f, nil
}

// ready says why evidence is not read at all.
func (v *Verifier) ready(ctx context.Context, evidence verify.Descriptor) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", verify.ErrUnchecked, context.Cause(ctx))
	}
	if until := v.age.Until; !until.IsZero() && v.now().After(until) {
		return fmt.Errorf("%w: the trusted root is too old: %s, to be used until %s; refresh it", verify.ErrUnchecked, v.roots(),
			stamp(until))
	}
	if n, most := len(evidence.Data), v.opts.Limits.EvidenceBytes; n > most {
		return fmt.Errorf("%w: %d bytes of evidence, at most %d are read", verify.ErrLimit, n, most)
	}
	return nil
}

func (v *Verifier) read(format verify.Format, evidence verify.Descriptor) (*candidate, error) {
	if format == verify.Bundle {
		return readBundle(evidence.Data)
	}
	return v.readCosign(format, evidence)
}

func readBundle(data []byte) (*candidate, error) {
	b, err := sigstore.ParseBundle(data)
	if err != nil {
		return nil, refusal(err)
	}
	c := &candidate{message: b.Message, entries: b.Entries, timestamps: b.Timestamps}
	c.signed.Certificate = b.Certificate
	if b.Message != nil {
		c.signed.Signature = b.Message.Signature
	} else {
		c.envelope(b.Envelope)
	}
	return c, nil
}

// envelope makes an envelope's one signature the one that is proven.
func (c *candidate) envelope(env *dsse.Envelope) {
	c.signed.Envelope, c.signed.Message, c.signed.Signature = env, env.Signed, env.Signatures[0].Sig
	c.signed.Digest = digests(env.Signed)
}

// digests returns the hashes of data, each computed once.
func digests(data []byte) func(crypto.Hash) []byte {
	known := make(map[crypto.Hash][]byte, 1)
	return func(h crypto.Hash) []byte {
		if known[h] == nil {
			w := h.New()
			w.Write(data)
			known[h] = w.Sum(nil)
		}
		return known[h]
	}
}

// readCosign reads cosign's first formats: a layer, and annotations beside it.
func (v *Verifier) readCosign(format verify.Format, evidence verify.Descriptor) (*candidate, error) {
	entries, timestamps, err := sigstore.ParseCosign(evidence.Annotations)
	if err != nil {
		return nil, refusal(err)
	}
	c := &candidate{entries: entries, timestamps: timestamps}
	certificate := evidence.Annotations[sigstore.CertificateAnnotation]
	if format == verify.DSSE {
		env, err := dsse.Parse(evidence.Data, 1)
		if err != nil {
			return nil, malformed(err)
		}
		c.envelope(env)
		c.signed.Layer = evidence.Data
		if inside := env.Signatures[0].Certificate; certificate == "" {
			certificate = inside
		}
	} else {
		if n := len(evidence.Data); n > simplesigning.MaxBytes {
			return nil, fmt.Errorf("%w: a payload of %d bytes, at most %d are read", verify.ErrLimit, n, simplesigning.MaxBytes)
		}
		c.signed.Message, c.signed.Digest = evidence.Data, digests(evidence.Data)
		if c.signed.Signature, err = sigstore.ParseCosignSignature(evidence.Annotations[simplesigning.SignatureAnnotation]); err != nil {
			return nil, refusal(err)
		}
		if c.payload, err = simplesigning.Parse(evidence.Data); err != nil {
			return nil, malformed(err)
		}
	}
	if certificate != "" {
		if c.signed.Certificate, err = sigstore.ParsePEM([]byte(certificate), "CERTIFICATE"); err != nil {
			return nil, refusal(err)
		}
	}
	return c, nil
}

// prove proves that a certificate of a signer of the trust list signed.
func (v *Verifier) prove(c *candidate) (verify.Signer, []verify.Check, error) {
	proof, err := v.proof(c)
	if err != nil {
		return verify.Signer{}, nil, err
	}
	id := &proof.Identity
	entries, err := v.match(id)
	if err != nil {
		return verify.Signer{}, nil, err
	}
	key := sha256.Sum256(proof.Key)
	signer := verify.Signer{
		Identity: verify.Identity{Kind: verify.OIDCIdentity, Subject: id.SAN, Issuer: id.Issuer},
		Key:      hex.EncodeToString(key[:]), Entries: entries, Claims: id.Claims, Name: entries[0],
	}
	checks := []verify.Check{
		passed("signature", "by "+id.SAN+" (by "+id.Issuer+")"),
		passed("identity", "entries of the trust list: "+strings.Join(entries, ", ")),
		passed("certificate", "valid from "+stamp(proof.NotBefore)+" to "+stamp(proof.NotAfter)),
	}
	return v.timed(signer, proof), append(checks, v.evidenceChecks(proof, true)...), nil
}

func passed(name, reason string) verify.Check {
	return verify.Check{Name: name, Status: verify.Passed, Reason: reason}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// timed says when a signer signed: not later than the earliest time that is proven.
func (v *Verifier) timed(s verify.Signer, proof *sigstore.Proof) verify.Signer {
	s.Until = earlier(s.Until, v.age.Until) // after which the roots prove nothing
	if len(proof.Times) == 0 {
		return s
	}
	t := proof.Earliest()
	s.SignedAt, s.Accuracy, s.TimeSource = t.From, proof.Latest().Sub(t.From), verify.TimeStamped
	if t.Logged {
		s.TimeSource = verify.TimeLogged
	}
	return s
}

// evidenceChecks lists what logs and authorities said.
func (v *Verifier) evidenceChecks(proof *sigstore.Proof, certified bool) []verify.Check {
	var checks []verify.Check
	list := func(name string, hosts []string) {
		if len(hosts) > 0 {
			checks = append(checks, passed(name, "by "+strings.Join(hosts, ", ")))
		} else {
			checks = append(checks, verify.Check{Name: name, Reason: "there is none, and none is asked for"})
		}
	}
	if roots := v.roots(); roots != "" {
		checks = append(checks, passed("trusted root", strings.TrimSuffix(roots+", "+v.age.Note, ", ")))
	}
	if certified {
		list("certificate transparency", proof.SCTs)
	}
	list("log", proof.Logs)
	list("timestamp", proof.Stamps)
	for _, t := range proof.Times {
		by := "timestamp authority " + t.By
		if t.Logged {
			by = "log " + t.By
		}
		checks = append(checks, passed("time", "not later than "+stamp(t.To)+", by "+by))
	}
	if len(proof.Times) == 0 {
		checks = append(checks, verify.Check{Name: "time", Reason: "nothing proves one, and a key that is trusted without end needs none"})
	}
	for _, why := range proof.Ignored {
		checks = append(checks, verify.Check{Name: "evidence", Reason: why})
	}
	return checks
}

// verifyKey proves that a key of the trust list signed, as check does, and that the logs have its signature.
func (v *Verifier) verifyKey(c *candidate, check func(*verify.KeyVerifier) (*verify.Attestation, error)) (*verify.Attestation, error) {
	kv := &verify.KeyVerifier{Keys: v.keys, Formats: v.opts.Formats, Limits: v.opts.Limits, Now: v.opts.Now}
	att, err := check(kv)
	if err != nil {
		return nil, err
	}
	signer := att.Signers[0]
	id := signer.Identity
	var bounds []*Entry
	for _, m := range v.trust {
		if m.key == nil {
			continue
		}
		if own, err := m.key.Key.Identity(); err == nil && own == id {
			signer.Entries = append(signer.Entries, m.name)
			bounds = append(bounds, m.key)
		}
	}
	c.signed.Key, signer.Name = bounds[0].Key.Key, signer.Entries[0]
	if c.signed.SPKI, err = mldsax509.MarshalPKIXPublicKey(c.signed.Key); err != nil {
		return nil, fmt.Errorf("%w: %w", verify.ErrMalformed, err)
	}
	for _, e := range bounds { // one key in two entries is trusted where both are
		c.signed.NotBefore = later(c.signed.NotBefore, e.NotBefore)
		c.signed.NotAfter = earlier(c.signed.NotAfter, e.NotAfter)
	}
	proof, err := v.proof(c)
	if err != nil {
		return nil, err
	}
	att.Signers = []verify.Signer{v.timed(signer, proof)}
	about := slices.DeleteFunc(att.Checks, func(c verify.Check) bool { return c.Status == verify.NotChecked })
	att.Checks = append(about, v.evidenceChecks(proof, false)...)
	return att, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// earlier returns the earlier of two times of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// attest reads what was signed, which must be about subject.
func (v *Verifier) attest(c *candidate, subject verify.Descriptor) (*verify.Attestation, error) {
	about := passed("subject", string(subject.Digest))
	if c.payload != nil {
		if c.payload.Digest != subject.Digest.String() || subject.Digest.Validate() != nil {
			return nil, fmt.Errorf("%w: it is about %.80q", verify.ErrSubject, c.payload.Digest)
		}
		return &verify.Attestation{
			Kind: verify.ImageSignature, Name: c.payload.Reference, Annotations: c.payload.Optional, Checks: []verify.Check{about},
		}, nil
	}
	env := c.signed.Envelope
	if env.PayloadType != dsse.PayloadType {
		return nil, fmt.Errorf("%w: payload type %.80q, not %s", verify.ErrType, env.PayloadType, dsse.PayloadType)
	}
	st, err := intoto.Parse(env.Payload, intoto.Limits{Subjects: v.opts.Limits.Subjects, Digests: v.opts.Limits.Digests})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", verify.ErrUnreadable, malformed(err))
	}
	s := st.Find(subject.Digest)
	if s == nil {
		return nil, fmt.Errorf("%w: the statement names %d subjects, and not %s", verify.ErrSubject, len(st.Subjects), subject.Digest)
	}
	att := &verify.Attestation{
		Kind: verify.Statement, Name: s.Name, Annotations: s.Annotations, PredicateType: st.PredicateType, Predicate: st.Predicate,
		Checks: []verify.Check{passed("statement", st.Type), about},
	}
	if st.PredicateType == intoto.ImageSignature {
		att.Kind = verify.ImageSignature
	}
	return att, nil
}

// malformed gives an error of a codec its kind.
func malformed(err error) error {
	switch {
	case errors.Is(err, strictjson.ErrLimit):
		return fmt.Errorf("%w: %w", verify.ErrLimit, err)
	case errors.Is(err, intoto.ErrType), errors.Is(err, simplesigning.ErrType):
		return fmt.Errorf("%w: %w", verify.ErrType, err)
	}
	return fmt.Errorf("%w: %w", verify.ErrMalformed, err)
}
