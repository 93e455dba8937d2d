// Package notary verifies Notary Project signatures, JWS and COSE, as notation and AWS tools write them.
//
// A [Verifier] holds the certificates you trust, and the identities you accept under them.
//
//	v := &notary.Verifier{
//		CA:         roots,
//		Identities: []string{"x509.subject: C=US, ST=WA, O=acme.example"},
//	}
//	report := verify.Collect(ctx, image, repository, v)
//
// It is strict where readers could differ: in an envelope, its protected header and its payload a member occurs once, and
// none is spelled in another case than the specification's; certificates are counted before they are parsed; every critical
// attribute is known or the signature fails.
//
// # Who is trusted
//
// Certificates come from [ParseCertificates], or with a notation trust policy and its trust stores from [ReadTrustPolicy].
// Which store they are in decides what they may vouch for: authorities of Verifier.CA for names, those of SigningAuthority
// for names and for the time of signing. Authorities of Verifier.TSA vouch for time alone: without one, a signature of the
// scheme notary.x509 fails as soon as one of its certificates has expired.
//
// # AWS Signer
//
// Signatures by AWS Signer, of ECR's managed signing too, verify with [AWSRoots] in SigningAuthority and the ARNs of signing
// profiles in Identities; what AWS revoked is asked of AWS. Package verify/notary/awssigner puts this together. All
// customers of AWS share the roots, so without a profile nobody is trusted.
//
// # Documents
//
// Notary Project signs descriptors, not statements. An SBOM that is attached to an image and signed there is verified as a
// statement about the image: see [Verifier.Verify].
//
// # What it does not do
//
// It runs no verification plugins: a signature that asks for one fails, unless it is AWS Signer's, whose checks are made here.
package notary

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ladingdev/lading/internal/notation"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/verify"
	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	gocose "github.com/veraison/go-cose"
)

const (
	maxCertificate = 16 << 10
	maxKey         = 8192            // bits of RSA
	maxAttributes  = 64              // of a protected header: the library compares each with each that is critical
	clockSkew      = 5 * time.Minute // by which a signer's clock may be ahead of ours
)

// Revocation says what to do when it cannot be found out whether a certificate was revoked. One that was revoked fails
// under both modes that look.
type Revocation uint8

const (
	RevocationRequired  Revocation = iota // fail with [verify.ErrUnchecked]
	RevocationSoft                        // go on, and say so in the checks
	RevocationOffUnsafe                   // never look
)

// A Verifier trusts the signers that its stores and identities name together. The zero value trusts nobody. It is safe for concurrent use.
type Verifier struct {
	// CA holds trusted certificates for the scheme notary.x509, SigningAuthority those for notary.x509.signingAuthority.
	// Neither counts for the other: who may vouch for names is not who may vouch for time.
	CA, SigningAuthority []*x509.Certificate

	// AWSRoots are roots of AWS Signer beside those that func AWSRoots returns, such as that of an emulator in a test. To be
	// here trusts nobody: a root must be in SigningAuthority, too.
	AWSRoots []*x509.Certificate

	// Identities name the signers, as in a trust policy. None trusts nobody.
	//
	// "x509.subject: C=US, ST=WA, O=acme": every attribute must be in the leaf's subject with exactly this value; C, ST and O
	// are required. It is written as in RFC 4514, a comma in a value as "\,"; types without a name there are object identifiers,
	// such as 2.5.4.15. A leaf that has an attribute twice is nobody's. "*" alone accepts every
	// certificate that chains to the stores, but none that chains to AWS's roots.
	//
	// "arn:aws:signer:REGION:ACCOUNT:/signing-profiles/NAME": a profile of AWS Signer in all its versions; with "/VERSION" in
	// that one. Signatures by AWS Signer, below its roots or AWSRoots, count for these only, and these for no others: what a
	// signature says of its profile is the word of whoever made it. Every field must be the same, to the letter.
	Identities []string

	// TSA are trusted time stamping authorities: their roots, and certificates below them that timestamps may lack, so that the
	// chain that an authority serves will do as it is. By an RFC 3161 timestamp of theirs a signature of notary.x509 is good
	// for longer than its certificates. None: timestamps are not read.
	TSA []*x509.Certificate
	// RequireTimestamp refuses signatures of notary.x509 without a timestamp, even while their certificates are valid.
	RequireTimestamp bool

	// Revocation is by OCSP and CRL, of AWS Signer by AWS; zero means required. What was found out is remembered for ten
	// minutes: about a chain of certificates, or a signature by AWS Signer.
	Revocation Revocation
	AWS        AWSRevocation    // whom to ask about signatures by AWS Signer; nil means that it is not known
	Client     *http.Client     // for OCSP and CRL; nil, or a Timeout of zero, means 2 and 5 seconds
	Now        func() time.Time // nil means time.Now; OCSP and CRL are held against that in any case

	answers answers
}

var _ verify.Verifier = (*Verifier)(nil)

// Verify follows the signature verification of Notary Project's trust store and trust policy specification, at least as
// strict as its level "strict". Errors are those of package verify.
//
// An envelope proves a [verify.ImageSignature]. An image index with the content of its entries inside, which is how package
// registry gives a document that was signed as an artifact of its own, proves a [verify.Statement]: its predicate is the
// document, and its predicate type goes with the document's media type. CycloneDX, SPDX 2 and OpenVEX in JSON are known, and
// in-toto statements, whose subject must be the same.
func (v *Verifier) Verify(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	if evidence.MediaType == ocispec.MediaTypeImageIndex {
		return v.verifyArtifact(ctx, subject, evidence)
	}
	return v.verifyEnvelope(ctx, subject, evidence)
}

func (v *Verifier) verifyEnvelope(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	if evidence.MediaType != jws.MediaTypeEnvelope && evidence.MediaType != cose.MediaTypeEnvelope {
		return nil, fmt.Errorf("%w: %s", verify.ErrFormat, evidence.MediaType)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", verify.ErrUnchecked, context.Cause(ctx))
	}
	wanted, err := parseIdentities(v.Identities)
	if err != nil {
		return nil, err
	}
	content, err := openEnvelope(evidence)
	if err != nil {
		return nil, err
	}
	info := &content.SignerInfo
	var found findings
	found.passed("signature", fmt.Sprintf("%s by the key of %s", evidence.MediaType, info.CertificateChain[0].Subject))
	anchor, err := v.anchor(info)
	if err != nil {
		return nil, err
	}
	found.passed("trust store", anchor.Subject.String())
	if err := notation.CheckChain(info.CertificateChain); err != nil {
		return nil, fmt.Errorf("%w: %w", verify.ErrNotTrusted, err)
	}
	aws, err := extendedAttributes(info)
	if err != nil {
		return nil, err
	}
	found.passed("critical attributes", "all known")
	name, err := v.identify(wanted, aws, info.CertificateChain)
	if err != nil {
		return nil, err
	}
	found.passed("identity", name)
	target, err := about(content, subject)
	if err != nil {
		return nil, err
	}
	found.passed("subject", string(target.Digest))
	signedAt, source, err := v.checkTime(ctx, info, &found)
	if err != nil {
		return nil, err
	}
	if err := v.checkRevocation(ctx, info, aws, &found); err != nil {
		return nil, err
	}
	evidence.Data = nil
	return &verify.Attestation{
		Kind:        verify.ImageSignature,
		Subject:     verify.Descriptor{MediaType: target.MediaType, Digest: target.Digest, Size: target.Size},
		Annotations: target.Annotations,
		Signers: []verify.Signer{{
			Identity: Identity(name, anchor),
			Key:      keyOf(info.CertificateChain[0]),
			SignedAt: signedAt, TimeSource: source, Accuracy: found.accuracy, Until: found.until,
		}},
		Evidence: evidence,
		Checks:   found.checks,
	}, nil
}

// openEnvelope reads an envelope and proves its signature by the certificate inside, of which nothing is known yet.
func openEnvelope(evidence verify.Descriptor) (*signature.EnvelopeContent, error) {
	if len(evidence.Data) > notation.MaxEnvelope {
		return nil, fmt.Errorf("%w: an envelope of %d bytes", verify.ErrLimit, len(evidence.Data))
	}
	check := checkCOSE
	if evidence.MediaType == jws.MediaTypeEnvelope {
		check = checkJWS
	}
	certificates, err := check(evidence.Data)
	if err != nil {
		return nil, err
	}
	for _, der := range certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate: %w", verify.ErrMalformed, err)
		}
		if err := checkKey(c); err != nil {
			return nil, err
		}
		if name := c.Subject.String(); !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
			return nil, fmt.Errorf("%w: a certificate whose subject has control characters, or is not UTF-8: %.128q",
				verify.ErrMalformed, name)
		}
	}
	env, err := signature.ParseEnvelope(evidence.MediaType, evidence.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", verify.ErrMalformed, err)
	}
	content, err := env.Verify()
	if err != nil {
		kind := verify.ErrMalformed
		if _, ok := errors.AsType[*signature.SignatureIntegrityError](err); ok {
			kind = verify.ErrTampered
		}
		return nil, fmt.Errorf("%w: %w", kind, err)
	}
	return content, nil
}

// anchor returns the trusted certificate that the signer's chain leads to, of the store for the signing scheme.
func (v *Verifier) anchor(info *signature.SignerInfo) (*x509.Certificate, error) {
	var store []*x509.Certificate
	signingScheme := info.SignedAttributes.SigningScheme
	switch signingScheme {
	case signature.SigningSchemeX509:
		store = v.CA
	case signature.SigningSchemeX509SigningAuthority:
		store = v.SigningAuthority
	default:
		return nil, fmt.Errorf("%w: signing scheme %q", verify.ErrMalformed, signingScheme)
	}
	if len(store) == 0 {
		return nil, fmt.Errorf("%w: no authority is trusted for the signing scheme %s", verify.ErrNotTrusted, signingScheme)
	}
	anchor, err := signature.VerifyAuthenticity(info, store)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", verify.ErrNotTrusted, err)
	}
	return anchor, nil
}

// identify returns the name of a signer who is wanted: a profile of AWS Signer below its roots, and the leaf's name elsewhere.
func (v *Verifier) identify(wanted *identities, aws *awsFacts, chain []*x509.Certificate) (string, error) {
	switch below := v.belowAWS(chain); {
	case aws != nil && !below:
		return "", fmt.Errorf("%w: it says that it is by %s, below a root that is not AWS Signer's", verify.ErrNotTrusted, aws.profile)
	case aws != nil:
		return wanted.matchProfile(aws.profile)
	case below:
		return "", fmt.Errorf("%w: below a root of AWS Signer, and without its profile", verify.ErrNotTrusted)
	}
	return wanted.match(chain[0])
}

// about returns what was signed, by a signer who is trusted, which must be about subject.
func about(content *signature.EnvelopeContent, subject verify.Descriptor) (*notation.Payload, error) {
	if content.Payload.ContentType != notation.PayloadType {
		return nil, fmt.Errorf("%w: payload of type %q", verify.ErrType, content.Payload.ContentType)
	}
	target, err := notation.Parse(content.Payload.Content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: payload: %w", verify.ErrUnreadable, verify.ErrMalformed, err)
	}
	if target.MediaType != subject.MediaType || target.Digest != subject.Digest || target.Size != subject.Size {
		return nil, fmt.Errorf("%w: %s, %s, %d bytes", verify.ErrSubject, target.MediaType, target.Digest, target.Size)
	}
	return target, nil
}

// findings are the checks that were made of one signature, and the first moment at which one of them may come out otherwise;
// zero if there is none.
type findings struct {
	checks   []verify.Check
	until    time.Time
	accuracy time.Duration // of the time that is proven
}

func (f *findings) passed(name, reason string) {
	f.checks = append(f.checks, verify.Check{Name: name, Status: verify.Passed, Reason: reason})
}

func (f *findings) unchecked(name, reason string) {
	f.checks = append(f.checks, verify.Check{Name: name, Reason: reason})
}

func (f *findings) holdsUntil(t time.Time) {
	if f.until.IsZero() || t.Before(f.until) {
		f.until = t.UTC()
	}
}

// Validate returns an error, [ErrTrust], if the Verifier can never accept a signature: no certificates, no identities, one
// that is none, or names below AWS's roots where only profiles count. Programs call it when they start.
func (v *Verifier) Validate() error {
	wanted, err := parseIdentities(v.Identities)
	switch {
	case err != nil:
		return fmt.Errorf("notary: %w: %w", ErrTrust, err)
	case len(v.CA)+len(v.SigningAuthority) == 0:
		return fmt.Errorf("notary: %w: neither CA nor SigningAuthority has a certificate", ErrTrust)
	case slices.Contains(slices.Concat(v.CA, v.SigningAuthority, v.TSA, v.AWSRoots), nil):
		return fmt.Errorf("notary: %w: a certificate that is nil", ErrTrust)
	case v.Revocation > RevocationOffUnsafe:
		return fmt.Errorf("notary: %w: there is no Revocation %d", ErrTrust, v.Revocation)
	case len(v.TSA) > 0 && !slices.ContainsFunc(v.TSA, notation.SelfSigned):
		return fmt.Errorf("notary: %w: none of the certificates in TSA is a root: the self-signed one must be among them", ErrTrust)
	case v.RequireTimestamp && len(v.TSA) == 0 && len(v.SigningAuthority) == 0:
		return fmt.Errorf("notary: %w: RequireTimestamp needs certificates in TSA", ErrTrust)
	case len(wanted.profiles) > 0 && v.AWS == nil && v.Revocation == RevocationRequired:
		return fmt.Errorf("notary: %w: AWS Signer's profiles are named, and AWS, which is asked what was revoked, is nil", ErrTrust)
	case len(wanted.profiles) > 0 && len(v.SigningAuthority) == 0 && len(wanted.names) == 0 && !wanted.everybody:
		return fmt.Errorf("notary: %w: AWS Signer's profiles are named, and SigningAuthority is empty: AWSRoots gives its "+
			"certificates", ErrTrust)
	case len(wanted.profiles) > 0 && len(wanted.names) == 0 && !wanted.everybody && !slices.ContainsFunc(v.SigningAuthority,
		func(c *x509.Certificate) bool { return !v.otherRoot(c) }):
		return fmt.Errorf("notary: %w: AWS Signer's profiles are named, and no certificate in SigningAuthority is of AWS or in "+
			"AWSRoots", ErrTrust)
	case len(wanted.profiles) == 0 && len(v.CA) == 0 && !slices.ContainsFunc(v.SigningAuthority, v.notAWS):
		return fmt.Errorf("notary: %w: below AWS Signer's roots only its profiles count, and none is named", ErrTrust)
	}
	return nil
}

func (v *Verifier) notAWS(c *x509.Certificate) bool { return !v.belowAWS([]*x509.Certificate{c}) }

// otherRoot reports whether nothing below a certificate is below AWS's roots.
func (v *Verifier) otherRoot(c *x509.Certificate) bool {
	return v.notAWS(c) && bytes.Equal(c.RawSubject, c.RawIssuer)
}

// Identity returns the identity of a signer below a trusted certificate, for [verify.Identity] to be compared with: subject is
// the leaf's name as crypto/x509/pkix writes it, or the ARN of a profile of AWS Signer without its version.
func Identity(subject string, trusted *x509.Certificate) verify.Identity {
	return verify.Identity{Kind: verify.CertificateIdentity, Subject: subject, Issuer: trusted.Subject.String(), IssuerKey: keyOf(trusted)}
}

func keyOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

var errAttributes = fmt.Errorf("%w: more than %d attributes", verify.ErrLimit, maxAttributes)

var b64 = base64.RawURLEncoding.Strict()

// unsignedTimestamp is a member of the unprotected header: signed by nobody.
const unsignedTimestamp = "io.cncf.notary.timestampSignature"

// readCertificates reads x5c. Its error is [verify.ErrLimit], and the reader's too.
func readCertificates(r *strictjson.Reader) (certificates [][]byte, over error) {
	for range r.Array() {
		text := r.Text()
		if len(certificates) == notation.MaxCertificates || len(text) > maxCertificate*4/3+4 {
			over = fmt.Errorf("%w: certificates", verify.ErrLimit)
			r.Fail(over)
			continue
		}
		der, err := base64.StdEncoding.AppendDecode(nil, text)
		if err != nil {
			r.Fail(err)
		}
		certificates = append(certificates, der)
	}
	return certificates, over
}

// checkJWS reads the envelope before the library does, which folds case and takes the last of two members. It returns the certificates.
func checkJWS(data []byte) ([][]byte, error) {
	var protected, payload []byte
	var certificates [][]byte
	var err error
	unsigned := map[string]bool{}
	r := strictjson.NewReader(data, strictjson.Limits{})
	for name := range r.Object("payload", "protected", "header", "signature") {
		switch string(name) {
		case "payload":
			payload = r.Text()
		case "protected":
			protected = r.Text()
		case "signature":
			r.Text()
		case "header":
			for name := range r.Object("x5c", unsignedTimestamp) {
				unsigned[string(name)] = true
				if string(name) == "x5c" {
					certificates, err = readCertificates(r)
				}
			}
		default:
			r.Fail(fmt.Errorf("unknown member %q", name))
		}
	}
	if end := r.End(); err != nil {
		return nil, err
	} else if end != nil {
		return nil, fmt.Errorf("%w: envelope: %w", verify.ErrMalformed, end)
	}
	if notation.HasBreaks(protected) || notation.HasBreaks(payload) { // which package base64 passes over
		return nil, fmt.Errorf("%w: a line break in base64url", verify.ErrMalformed)
	}
	header, err := b64.DecodeString(string(protected))
	if err != nil {
		return nil, fmt.Errorf("%w: protected header: %w", verify.ErrMalformed, err)
	}
	if err := checkProtected(header, unsigned); err != nil {
		return nil, err
	}
	if _, err := b64.DecodeString(string(payload)); err != nil {
		return nil, fmt.Errorf("%w: payload: %w", verify.ErrMalformed, err)
	}
	return certificates, nil
}

// checkProtected looks at the protected header of a JWS, beside which unsigned are the names in the other one.
func checkProtected(header []byte, unsigned map[string]bool) error {
	attributes := 0
	h := strictjson.NewReader(header, strictjson.Limits{})
	for name := range h.Object("alg", "cty", "crit", "b64", notation.AttributeExpiry, notation.AttributeScheme, notation.AttributeTime,
		notation.AttributeAuthenticTime, notation.AttributePlugin, notation.AttributePluginVersion, notation.AttributeAWSProfile,
		notation.AttributeAWSJob) {
		if attributes++; attributes > maxAttributes {
			h.Fail(errAttributes)
		}
		if unsigned[string(name)] { // RFC 7515, section 4: the two headers have no name in common
			h.Fail(fmt.Errorf("%q is in the unprotected header too", name))
		}
		switch string(name) {
		case notation.AttributeExpiry, notation.AttributeTime, notation.AttributeAuthenticTime:
			// null and the zero time would be none for the library
			if t, err := time.Parse(time.RFC3339, h.String()); err != nil || t.IsZero() {
				h.Fail(errors.Join(fmt.Errorf("%s is no time", name), err))
			}
		case "crit":
			var critical []any
			for range h.Array() {
				if critical = append(critical, h.String()); len(critical) > maxAttributes {
					h.Fail(errAttributes)
				}
			}
			if err := checkCritical(critical); err != nil {
				h.Fail(err)
			}
		}
	}
	if err := h.End(); errors.Is(err, errAttributes) {
		return errAttributes
	} else if err != nil {
		return fmt.Errorf("%w: protected header: %w", verify.ErrMalformed, err)
	}
	return nil
}

// checkCOSE looks at what the library leaves open, and returns the certificates. That no label occurs twice in a header is seen
// to by the decoder.
func checkCOSE(data []byte) ([][]byte, error) {
	var m gocose.Sign1Message
	if err := m.UnmarshalCBOR(data); err != nil {
		return nil, fmt.Errorf("%w: envelope: %w", verify.ErrMalformed, err)
	}
	chain, ok := m.Headers.Unprotected[gocose.HeaderLabelX5Chain].([]any)
	if !ok {
		return nil, fmt.Errorf("%w: no chain of certificates", verify.ErrMalformed)
	}
	if len(chain) > notation.MaxCertificates {
		return nil, fmt.Errorf("%w: %d certificates", verify.ErrLimit, len(chain))
	}
	var certificates [][]byte
	for _, c := range chain {
		der, ok := c.([]byte)
		if !ok || len(der) > maxCertificate {
			return nil, fmt.Errorf("%w: a certificate that is none or too large", verify.ErrLimit)
		}
		certificates = append(certificates, der)
	}
	header := m.Headers.Protected
	for label := range m.Headers.Unprotected { // RFC 9052, section 3: the two headers have no label in common
		if _, both := header[label]; both {
			return nil, fmt.Errorf("%w: label %v is in both headers", verify.ErrMalformed, label)
		}
	}
	other := notation.AttributeAuthenticTime
	if header[notation.AttributeScheme] == string(signature.SigningSchemeX509SigningAuthority) {
		other = notation.AttributeTime
	}
	if _, ok := header[other]; ok {
		return nil, fmt.Errorf("%w: %s under another signing scheme", verify.ErrMalformed, other)
	}
	if t, ok := header[notation.AttributeExpiry].(time.Time); ok && t.IsZero() { // as the decoder has what is no number
		return nil, fmt.Errorf("%w: %s is no time", verify.ErrMalformed, notation.AttributeExpiry)
	}
	critical, _ := header[gocose.HeaderLabelCritical].([]any)
	if max(len(header), len(critical)) > maxAttributes {
		return nil, errAttributes
	}
	if err := checkCritical(critical); err != nil {
		return nil, fmt.Errorf("%w: protected header: %w", verify.ErrMalformed, err)
	}
	return certificates, nil
}

// checkKey refuses a key that takes long to verify with: who sends an envelope chooses the certificates in it.
func checkKey(c *x509.Certificate) error {
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxKey {
		return fmt.Errorf("%w: an RSA key of %d bits", verify.ErrLimit, key.N.BitLen())
	}
	return nil
}

// checkCritical refuses a name that is listed twice, and those that every reader knows: integer labels from 0 to 8 (COSE
// envelope specification, "crit").
func checkCritical(names []any) error {
	seen := map[any]bool{}
	for _, name := range names {
		if n, ok := name.(int64); ok && n >= 0 && n <= 8 {
			return fmt.Errorf("label %d is listed as critical", n)
		}
		if seen[name] {
			return fmt.Errorf("%v is listed twice as critical", name)
		}
		seen[name] = true
	}
	return nil
}
