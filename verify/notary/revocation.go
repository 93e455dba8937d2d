package notary

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ladingdev/lading/internal/notation/authorities"
	"github.com/ladingdev/lading/verify"
	"github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	"github.com/notaryproject/notation-core-go/revocation/result"
	"github.com/notaryproject/notation-core-go/signature"
)

// checkRevocation asks AWS Signer about what it signed, and else the certificates' authorities.
func (v *Verifier) checkRevocation(ctx context.Context, info *signature.SignerInfo, aws *awsFacts, found *findings) error {
	if aws != nil {
		return v.notRevoked("revocation", "AWS Signer revoked neither profile, job nor certificate", found, func() (time.Time, error) {
			return v.askAWS(ctx, aws, info)
		})
	}
	var at time.Time
	if info.SignedAttributes.SigningScheme == signature.SigningSchemeX509SigningAuthority {
		at = info.SignedAttributes.SigningTime
	}
	return v.notRevoked("revocation", "no certificate that names a revocation service was revoked", found, func() (time.Time, error) {
		return v.askAuthorities(ctx, info.CertificateChain, at, purpose.CodeSigning)
	})
}

// notRevoked asks, unless that is turned off, and says in the checks what came of it. An error of ask that is not ErrRevoked
// says that it is not known; the time is when the answer was got, zero if there was nobody to ask.
func (v *Verifier) notRevoked(name, passed string, found *findings, ask func() (time.Time, error)) error {
	if v.Revocation == RevocationOffUnsafe {
		found.unchecked(name, "turned off by the verifier")
		return nil
	}
	switch at, err := ask(); {
	case err == nil:
		found.passed(name, passed)
		if !at.IsZero() {
			found.holdsUntil(at.Add(answerIsValid))
		}
	case errors.Is(err, verify.ErrRevoked):
		return err
	case v.Revocation == RevocationSoft:
		found.unchecked(name, "not required, and not found out: "+err.Error())
		found.holdsUntil(v.now()) // it may be found out at the next moment
	default:
		return fmt.Errorf("%w: %s: %w", verify.ErrUnchecked, name, err)
	}
	return nil
}

// askAuthorities asks by OCSP and CRL about the certificates of a signer, or of a time stamping authority; at is when a
// signing authority says that it signed.
func (v *Verifier) askAuthorities(ctx context.Context, chain []*x509.Certificate, at time.Time, use purpose.Purpose) (time.Time, error) {
	about := question(chain, fmt.Sprint("authorities", use), at.UTC().String())
	got, err := v.answers.get(ctx, about, v.now(), func() error {
		ask := authorities.Validator{Client: v.Client, Use: use}
		results, err := ask.ValidateContext(ctx, revocation.ValidateContextOptions{CertChain: chain, AuthenticSigningTime: at})
		if err == nil && len(results) != len(chain) {
			err = errors.New("fewer answers than certificates")
		}
		for i, r := range results { // a revoked one decides, whatever else is unknown
			switch {
			case r == nil:
				err = errors.New("an empty answer")
			case r.Result == result.ResultRevoked:
				return fmt.Errorf("%w: certificate of %s", verify.ErrRevoked, chain[i].Subject)
			case r.Result != result.ResultOK && r.Result != result.ResultNonRevokable && err == nil:
				err = fmt.Errorf("certificate of %s: status unknown", chain[i].Subject)
				for _, s := range r.ServerResults {
					if s != nil && s.Error != nil {
						err = fmt.Errorf("%w: %w", err, s.Error)
					}
				}
			}
		}
		return err
	})
	if !slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return len(c.OCSPServer)+len(c.CRLDistributionPoints) > 0 }) {
		got = time.Time{}
	}
	return got, err
}

// How many answers about revocation are remembered, and for how long. Not to know is never remembered.
const (
	maxAnswers    = 4096
	answerIsValid = 10 * time.Minute
)

// question is what an answer is remembered by.
func question(chain []*x509.Certificate, more ...string) [sha256.Size]byte {
	h := sha256.New()
	for _, c := range chain {
		sum := sha256.Sum256(c.Raw)
		h.Write(sum[:])
	}
	fmt.Fprintf(h, "%q", more)
	return [sha256.Size]byte(h.Sum(nil))
}

// answers remembers what was found out about revocation: nil, or an error that is ErrRevoked. What is being asked is not asked
// a second time.
type answers struct {
	mu     sync.Mutex
	known  map[[sha256.Size]byte]answer
	asking map[[sha256.Size]byte]*asking
}

type answer struct {
	at  time.Time
	err error
}

type asking struct {
	done   chan struct{}
	at     time.Time // by the clock of who asked
	err    error
	gaveUp bool // who asked did not wait for the answer
}

func (a *answers) get(ctx context.Context, about [sha256.Size]byte, now time.Time, ask func() error) (time.Time, error) {
	for {
		a.mu.Lock()
		known, ok := a.known[about]
		if age := now.Sub(known.at); ok && age >= 0 && age < answerIsValid {
			a.mu.Unlock()
			return known.at, known.err
		}
		q, other := a.asking[about]
		if !other {
			q = &asking{done: make(chan struct{}), at: now, err: errors.New("there was no answer")}
			if a.asking == nil {
				a.asking = make(map[[sha256.Size]byte]*asking)
			}
			a.asking[about] = q
		}
		a.mu.Unlock()
		if !other {
			return now, a.ask(ctx, about, now, q, ask)
		}
		select {
		case <-q.done:
		case <-ctx.Done():
			return now, ctx.Err()
		}
		if !q.gaveUp {
			return q.at, q.err
		}
	}
}

func (a *answers) ask(ctx context.Context, about [sha256.Size]byte, now time.Time, q *asking, ask func() error) error {
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.asking, about)
		if q.err == nil || errors.Is(q.err, verify.ErrRevoked) {
			if a.known == nil || len(a.known) >= maxAnswers {
				a.known = make(map[[sha256.Size]byte]answer)
			}
			a.known[about] = answer{now, q.err}
		}
		q.gaveUp = q.err != nil && ctx.Err() != nil
		close(q.done)
	}()
	q.err = ask()
	return q.err
}
