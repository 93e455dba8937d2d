package notary

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/ladingdev/lading/internal/notation"
	"github.com/ladingdev/lading/verify"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	"github.com/notaryproject/notation-core-go/signature"
	nx509 "github.com/notaryproject/notation-core-go/x509"
	"github.com/notaryproject/tspclient-go"
)

// checkTime holds the signature's expiry against the clock, and the certificates' validity against the best time of signing
// that is known: that of a signing authority or of a timestamp, else the present. It returns that time, and whose word it is.
func (v *Verifier) checkTime(ctx context.Context, info *signature.SignerInfo, found *findings) (time.Time, verify.TimeSource, error) {
	fail := func(err error) (time.Time, verify.TimeSource, error) { return time.Time{}, verify.TimeUnknown, err }
	passed := found.passed
	now := v.now()
	signed, expiry := info.SignedAttributes.SigningTime.UTC(), info.SignedAttributes.Expiry
	if signed.After(now.Add(clockSkew)) {
		return fail(fmt.Errorf("%w: signed at %s", verify.ErrNotYet, signed.Format(time.RFC3339)))
	}
	reason := "the signature has none"
	if !expiry.IsZero() {
		reason = expiry.UTC().Format(time.RFC3339)
		if !now.Before(expiry) {
			return fail(fmt.Errorf("%w: the signature, at %s", verify.ErrExpired, reason))
		}
		found.holdsUntil(expiry)
	}
	passed("expiry", reason)

	if info.SignedAttributes.SigningScheme == signature.SigningSchemeX509SigningAuthority {
		if err := validAt(info.CertificateChain, signed, signed); err != nil {
			return fail(err)
		}
		passed("certificate validity", "all certificates were valid at the authentic signing time")
		return signed, verify.TimeAuthority, nil
	}

	expired := validAt(info.CertificateChain, now, now)
	if len(v.TSA) == 0 {
		if expired != nil {
			return fail(expired)
		}
		if len(info.UnsignedAttributes.TimestampSignature) > 0 {
			found.unchecked("timestamp", "no time stamping authority is trusted")
		}
		found.holdsUntil(firstEnd(info.CertificateChain))
		passed("certificate validity", "all certificates are valid now")
		return signed, verify.TimeClaimed, nil
	}
	at, err := v.checkTimestamp(ctx, info, found)
	switch {
	case err == nil:
		passed("timestamp", at.Format(time.RFC3339))
		passed("certificate validity", "all certificates were valid at the time of the timestamp")
		return at, verify.TimeStamped, nil
	case v.RequireTimestamp:
		return fail(err)
	case expired != nil: // which the timestamp could have mended
		return fail(fmt.Errorf("%w: %w", expired, err))
	}
	found.unchecked("timestamp", "not required, and not relied upon: "+err.Error())
	found.holdsUntil(firstEnd(info.CertificateChain))
	passed("certificate validity", "all certificates are valid now")
	return signed, verify.TimeClaimed, nil
}

// firstEnd is when the first of the certificates ends.
func firstEnd(chain []*x509.Certificate) time.Time {
	end := chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return end
}

// validAt reports whether all certificates were valid from one time to another.
func validAt(chain []*x509.Certificate, from, to time.Time) error {
	for _, c := range chain {
		if from.Before(c.NotBefore) {
			return fmt.Errorf("%w: certificate of %s", verify.ErrNotYet, c.Subject)
		}
		if to.After(c.NotAfter) {
			return fmt.Errorf("%w: certificate of %s", verify.ErrExpired, c.Subject)
		}
	}
	return nil
}

// maxToken is the size of a timestamp token, which has the certificates of its authority inside.
const maxToken = 256 << 10

// checkTimestamp verifies the RFC 3161 countersignature: it is on this signature, by an authority that is trusted for it
// and was not revoked, and within the validity of every certificate (trust store and trust policy specification,
// "Authentic timestamp"). It returns the time that is in it.
func (v *Verifier) checkTimestamp(ctx context.Context, info *signature.SignerInfo, found *findings) (time.Time, error) {
	data := info.UnsignedAttributes.TimestampSignature
	if len(data) == 0 {
		return time.Time{}, fmt.Errorf("%w: there is no timestamp", verify.ErrNotTrusted)
	}
	if len(data) > maxToken {
		return time.Time{}, fmt.Errorf("%w: a timestamp of %d bytes", verify.ErrLimit, len(data))
	}
	token, err := tspclient.ParseSignedToken(data)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: timestamp: %w", verify.ErrMalformed, err)
	}
	// One, as RFC 3161, section 2.4.2, has it: otherwise one could be looked at and another be believed.
	if len(token.SignerInfos) != 1 || len(token.Certificates) > notation.MaxCertificates {
		return time.Time{}, fmt.Errorf("%w: a timestamp with %d signers and %d certificates", verify.ErrMalformed, len(token.SignerInfos),
			len(token.Certificates))
	}
	for _, c := range token.Certificates {
		if err := checkKey(c); err != nil {
			return time.Time{}, fmt.Errorf("timestamp: %w", err)
		}
	}
	tst, err := token.Info()
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: timestamp: %w", verify.ErrMalformed, err)
	}
	if a := tst.Accuracy; min(a.Seconds, a.Milliseconds, a.Microseconds) < 0 || max(a.Milliseconds, a.Microseconds) > 999 ||
		a.Seconds > math.MaxInt32 {
		return time.Time{}, fmt.Errorf("%w: timestamp: an accuracy of %v", verify.ErrMalformed, a)
	}
	stamp, err := tst.Validate(info.Signature)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: timestamp: %w", verify.ErrTampered, err)
	}
	roots, between, err := notation.TimeRoots(v.TSA)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", verify.ErrNotTrusted, err)
	}
	token.Certificates = append(token.Certificates, notation.MissingIssuers(token.Certificates, between)...)
	chain, err := token.Verify(ctx, x509.VerifyOptions{CurrentTime: stamp.Value, Roots: roots})
	if err == nil {
		err = nx509.ValidateTimestampingCertChain(chain)
	}
	if err != nil {
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
			err = fmt.Errorf("%w (%s)", err, notation.WholeChain)
		}
		return time.Time{}, fmt.Errorf("%w: timestamp: %w", verify.ErrNotTrusted, err)
	}
	if stamp.Value.After(v.now().Add(clockSkew)) {
		return time.Time{}, fmt.Errorf("%w: timestamp of %s", verify.ErrNotYet, stamp.Value.UTC().Format(time.RFC3339))
	}
	if err := validAt(info.CertificateChain, stamp.Value.Add(-stamp.Accuracy), stamp.Value.Add(stamp.Accuracy)); err != nil {
		return time.Time{}, fmt.Errorf("at the time of the timestamp: %w", err)
	}
	err = v.notRevoked("timestamp revocation", "no certificate of the authority that names a revocation service was revoked", found,
		func() (time.Time, error) { return v.askAuthorities(ctx, chain, time.Time{}, purpose.Timestamping) })
	if err != nil {
		return time.Time{}, fmt.Errorf("timestamp: %w", err)
	}
	found.accuracy = stamp.Accuracy
	return stamp.Value.UTC(), nil
}
