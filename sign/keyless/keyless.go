package keyless

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/sigstore"
	"github.com/ladingdev/lading/sign"
)

// DefaultTimeout bounds one signature, with everything that is asked for it. A log of the second generation answers after up to ten
// seconds.
const DefaultTimeout = 2 * time.Minute

// A Signer signs with a key of its own for each signature, which is never written down, and a certificate for whom the token names. It is a
// [sign.Signer] and writes Sigstore bundles of version 0.3. Its fields are set before first use; then it is safe for
// concurrent use.
type Signer struct {
	Instance *Instance
	// Token says who asks. Nil is ErrToken.
	Token TokenSource
	// Client reaches the services; nil means one with a timeout of a minute for each answer.
	Client *http.Client
	// Timeout bounds one signature; zero means DefaultTimeout.
	Timeout time.Duration
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Sign returns a bundle with the statement. Errors wrap [sign.ErrStatement], or one of this package's.
func (s *Signer) Sign(ctx context.Context, statement *sign.Statement) (sign.Descriptor, error) {
	return s.sign(ctx, func(ctx context.Context, b *sign.BundleSigner) (sign.Descriptor, error) {
		return b.Sign(ctx, statement)
	})
}

// SignBlob signs the bytes of r, such as a file, and returns a bundle with a message signature; see [sign.BundleSigner.SignBlob]
// for what is refused.
func (s *Signer) SignBlob(ctx context.Context, r io.Reader) (sign.Descriptor, error) {
	return s.sign(ctx, func(ctx context.Context, b *sign.BundleSigner) (sign.Descriptor, error) { return b.SignBlob(ctx, r) })
}

// SignStatement signs the bytes of an in-toto statement that somebody else wrote, as they are. They must be a statement; see
// [sign.BundleSigner.SignStatement].
func (s *Signer) SignStatement(ctx context.Context, statement []byte) (sign.Descriptor, error) {
	return s.sign(ctx, func(ctx context.Context, b *sign.BundleSigner) (sign.Descriptor, error) {
		return b.SignStatement(ctx, statement)
	})
}

// sign makes a key and a certificate of it, has both sign, and witnesses see it.
func (s *Signer) sign(ctx context.Context, by func(context.Context, *sign.BundleSigner) (sign.Descriptor, error)) (sign.Descriptor, error) {
	w := &Witnesses{Instance: s.Instance, Client: s.Client, Timeout: s.Timeout, Now: s.Now}
	ctx, cancel := w.deadline(ctx)
	defer cancel()
	logs, tsas, err := s.Instance.witnesses(w.now()) // before anybody is asked for anything
	if err != nil {
		return sign.Descriptor{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return sign.Descriptor{}, err
	}
	// What cannot be signed is refused before a certificate is issued, which is public.
	return by(ctx, &sign.BundleSigner{Key: sign.FromSigner(key),
		Witness: &certifying{signer: s, key: key, caller: newCaller(s.Client), witnesses: w, logs: logs, tsas: tsas}})
}

// certifying is the Witness of a signature by a key that has no certificate yet.
type certifying struct {
	signer     *Signer
	key        *ecdsa.PrivateKey
	caller     caller
	witnesses  *Witnesses
	logs, tsas []service
}

// Witness gets a certificate of the key and puts it in the place of the key's hint. The signature was made a moment before: what proves
// when, and that the certificate was valid then, comes after both.
func (c *certifying) Witness(ctx context.Context, data []byte, key crypto.PublicKey) ([]byte, error) {
	now := c.witnesses.now()
	ca, err := c.signer.Instance.authority(now)
	if err != nil {
		return nil, err
	}
	if c.signer.Token == nil {
		return nil, fmt.Errorf("keyless: %w: the signer has no Token", ErrToken)
	}
	token, err := c.signer.Token(ctx, Audience)
	if err != nil {
		if !errors.Is(err, ErrToken) {
			err = fmt.Errorf("keyless: %w: %w", ErrToken, err)
		}
		return nil, err
	}
	token = strings.TrimSpace(token) // variables and files end with a newline at times
	who, err := readToken(token, now)
	if err != nil {
		return nil, err
	}
	der, err := c.caller.certify(ctx, ca, token, who, c.key)
	if err != nil {
		return nil, err
	}
	b, err := sigstore.ParseBundle(data)
	if err != nil {
		return nil, err
	}
	b.Certificate, b.Hint = der, ""
	return c.witnesses.witness(ctx, c.caller, b, &request{key, c.logs, c.tsas, ca.URL, who})
}

// Witnesses have signatures by a key logged and timestamped, so that a verifier knows when they were made: it is for the field Witness of
// a [sign.BundleSigner]. Which logs and authorities, the instance's signing config says.
//
// Logs take ECDSA keys and RSA keys of 2,048, 3,072 and 4,096 bits that sign by their default scheme. One of the first generation takes
// Ed25519 for statements as well. What no log takes is an error, and not left out.
type Witnesses struct {
	Instance *Instance
	// Client reaches the services; nil means one with a timeout of a minute for each answer.
	Client *http.Client
	// Timeout bounds one signature; zero means DefaultTimeout.
	Timeout time.Duration
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

func (w *Witnesses) now() time.Time {
	if w.Now != nil {
		return w.Now()
	}
	return time.Now()
}

func (w *Witnesses) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := w.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return context.WithTimeout(ctx, timeout)
}

// Witness implements [sign.Witness].
func (w *Witnesses) Witness(ctx context.Context, data []byte, key crypto.PublicKey) ([]byte, error) {
	ctx, cancel := w.deadline(ctx)
	defer cancel()
	logs, tsas, err := w.Instance.witnesses(w.now())
	if err != nil {
		return nil, err
	}
	b, err := sigstore.ParseBundle(data)
	if err != nil {
		return nil, err
	}
	return w.witness(ctx, newCaller(w.Client), b, &request{key: key, logs: logs, tsas: tsas})
}

// A request is who is to see the signature of a key and, of one that has a certificate, who issued that and for whom.
type request struct {
	key        crypto.PublicKey
	logs, tsas []service
	ca         string
	who        *claims
}

// witness has the signature of a bundle stamped and then logged, verifies all of it, and returns the bundle.
func (w *Witnesses) witness(ctx context.Context, c caller, b *sigstore.Bundle, q *request) ([]byte, error) {
	r, err := newRecord(b, q.key)
	if err != nil {
		return nil, err
	}
	for _, tsa := range q.tsas {
		stamp, err := c.timestamp(ctx, tsa, r.signature)
		if err != nil {
			return nil, err
		}
		b.Timestamps = append(b.Timestamps, stamp)
	}
	for _, l := range q.logs {
		entry, err := c.log(ctx, l, r)
		if err != nil {
			return nil, err
		}
		b.Entries = append(b.Entries, *entry)
	}
	out := appendBundle(nil, b)
	if err := w.verify(out, r, q); err != nil {
		return nil, err
	}
	return out, nil
}

// newRecord returns what is witnessed of a bundle.
func newRecord(b *sigstore.Bundle, key crypto.PublicKey) (*record, error) {
	how, err := schemeOf(key)
	if err != nil {
		return nil, fmt.Errorf("keyless: %w: %w", sign.ErrKey, err)
	}
	r := &record{bundle: b, key: key, hash: how.Hash(), verifier: b.Certificate}
	if r.verifier == nil {
		if r.verifier, err = x509.MarshalPKIXPublicKey(key); err != nil {
			return nil, fmt.Errorf("keyless: %w: %w", sign.ErrKey, err)
		}
	}
	if b.Message != nil {
		r.signature, r.digest = b.Message.Signature, b.Message.Digest
		return r, nil
	}
	r.signature = b.Envelope.Signatures[0].Sig
	if r.hash != 0 {
		h := r.hash.New()
		h.Write(dsse.PAE(b.Envelope.PayloadType, b.Envelope.Payload))
		r.digest = h.Sum(nil)
	}
	return r, nil
}

// unverified says who has made what does not verify, and what to do.
func (q *request) unverified(err error) error {
	const advice = "see that the trusted root is the newest of this instance and the clock is right; if they are, the instance does wrong"
	by := func(kind error, list ...service) error {
		var urls []string
		for _, s := range list {
			urls = append(urls, s.URL)
		}
		return fmt.Errorf("keyless: %w: %w: %s: %w: %s", ErrUnverified, kind, strings.Join(urls, ", "), err, advice)
	}
	switch f := sigstore.Fault(0); {
	case !errors.As(err, &f):
	case f >= sigstore.CertificateMalformed && f <= sigstore.SCTTime:
		return by(ErrCertificate, service{URL: q.ca})
	case f >= sigstore.LogMissing && f <= sigstore.EntryContent:
		return by(ErrLog, q.logs...)
	case f >= sigstore.TimestampMalformed && f <= sigstore.TimestampMissing:
		return by(ErrTimestamp, q.tsas...)
	}
	return fmt.Errorf("keyless: %w: %w: %s", ErrUnverified, err, advice)
}

// verify verifies a bundle as its readers will: from its bytes, by the trusted root.
func (w *Witnesses) verify(data []byte, r *record, q *request) error {
	b, err := sigstore.ParseBundle(data)
	if err != nil {
		return q.unverified(err)
	}
	s := &sigstore.Signed{Signature: r.signature, Certificate: b.Certificate, Envelope: b.Envelope}
	if b.Envelope != nil {
		s.Message = b.Envelope.Signed
	}
	s.Digest = func(h crypto.Hash) []byte {
		switch {
		case s.Message != nil:
			w := h.New()
			w.Write(s.Message)
			return w.Sum(nil)
		case h == r.hash || r.hash == 0 && h == crypto.SHA256:
			return r.digest
		}
		return nil
	}
	if b.Certificate == nil {
		s.SPKI, s.Key = r.verifier, r.key
	}
	p := sigstore.Policy{Logs: min(len(q.logs), 1), Timestamps: min(len(q.tsas), 1), Now: w.now()}
	if b.Certificate != nil {
		p.SCTs = 1
	}
	proof, err := w.Instance.root.Verify(s, b.Entries, b.Timestamps, p)
	if err != nil {
		return q.unverified(err)
	}
	if q.who != nil {
		if err := q.who.names(proof.Identity); err != nil {
			return fmt.Errorf("keyless: %w: %w: %s: %w", ErrUnverified, ErrCertificate, q.ca, err)
		}
	}
	return nil
}

var (
	_ sign.Signer  = (*Signer)(nil)
	_ sign.Witness = (*Witnesses)(nil)
)
