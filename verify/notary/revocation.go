package notary

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ladingdev/lading/verify"
	"github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/crl"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	"github.com/notaryproject/notation-core-go/revocation/result"
	"github.com/notaryproject/notation-core-go/signature"
)

// checkRevocation asks AWS Signer about what it signed, and else the certificates' authorities.
func (v *Verifier) checkRevocation(ctx context.Context, info *signature.SignerInfo, aws *awsFacts, checks *[]verify.Check) error {
	if v.Revocation == RevocationOffUnsafe {
		*checks = append(*checks, verify.Check{Name: "revocation", Reason: "turned off by the verifier"})
		return nil
	}
	h := sha256.New()
	for _, c := range info.CertificateChain {
		h.Write(c.Raw)
	}
	fmt.Fprint(h, info.SignedAttributes.SigningScheme, info.SignedAttributes.SigningTime.UTC())
	who := "no certificate that names a revocation service was revoked"
	ask := func() error {
		var at time.Time
		if info.SignedAttributes.SigningScheme == signature.SigningSchemeX509SigningAuthority {
			at = info.SignedAttributes.SigningTime
		}
		return v.askAuthorities(ctx, info.CertificateChain, at, false)
	}
	if aws != nil {
		fmt.Fprint(h, aws.profileVersion, aws.job)
		ask = func() error { return v.askAWS(ctx, aws, info) }
		who = "AWS Signer revoked neither profile, job nor certificate"
	}
	err := v.answers.get([sha256.Size]byte(h.Sum(nil)), v.now(), ask)
	switch {
	case err == nil:
		*checks = append(*checks, verify.Check{Name: "revocation", Status: verify.Passed, Reason: who})
	case errors.Is(err, verify.ErrRevoked):
		return err
	case v.Revocation == RevocationSoft:
		*checks = append(*checks, verify.Check{Name: "revocation", Reason: "not required, and not found out: " + err.Error()})
	default:
		return fmt.Errorf("%w: revocation: %w", verify.ErrUnchecked, err)
	}
	return nil
}

// askAuthorities asks by OCSP and CRL about the certificates of a signer, or of a time stamping authority; at is when a
// signing authority says that it signed. An error that is not ErrRevoked says that it is not known.
func (v *Verifier) askAuthorities(ctx context.Context, chain []*x509.Certificate, at time.Time, timestamping bool) error {
	opts := revocation.Options{OCSPHTTPClient: v.Client, CertChainPurpose: purpose.CodeSigning}
	if timestamping {
		opts.CertChainPurpose = purpose.Timestamping
	}
	if v.Client != nil {
		fetcher, err := crl.NewHTTPFetcher(v.Client)
		if err != nil {
			return err
		}
		opts.CRLFetcher = fetcher
	}
	validator, err := revocation.NewWithOptions(opts)
	if err != nil {
		return err
	}
	results, err := validator.ValidateContext(ctx, revocation.ValidateContextOptions{CertChain: chain, AuthenticSigningTime: at})
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
}

// How many answers about revocation are remembered, and for how long. Not to know is never remembered.
const (
	maxAnswers    = 4096
	answerIsValid = 10 * time.Minute
)

// answers remembers what was found out about revocation: nil, or an error that is ErrRevoked.
type answers struct {
	mu sync.Mutex
	m  map[[sha256.Size]byte]answer
}

type answer struct {
	at  time.Time
	err error
}

func (a *answers) get(key [sha256.Size]byte, now time.Time, ask func() error) error {
	a.mu.Lock()
	known, ok := a.m[key]
	a.mu.Unlock()
	if age := now.Sub(known.at); ok && age >= 0 && age < answerIsValid {
		return known.err
	}
	err := ask()
	if err == nil || errors.Is(err, verify.ErrRevoked) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.m == nil || len(a.m) >= maxAnswers {
			a.m = make(map[[sha256.Size]byte]answer)
		}
		a.m[key] = answer{now, err}
	}
	return err
}
