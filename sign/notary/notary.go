// Package notary signs images in the formats of Notary Project, JWS and COSE, as notation does.
//
// A [Signer] needs a key, which may be in a KMS, and its certificate chain:
//
//	chain, err := notary.ParseChain(pemBytes)
//	s := &notary.Signer{Key: key, Chain: chain}
//	evidence, err := s.Sign(ctx, sign.About(image, sign.ImageSignature{}))
//
// The evidence is ready to be attached to the image. Notary Project signs descriptors and nothing else: an SBOM or another
// predicate is refused with [sign.ErrStatement]; use [sign.BundleSigner] for those.
//
// # Algorithms
//
// The size of the key fixes the algorithm: RSA-2048, 3072 and 4096 give PS256, PS384 and PS512; P-256, P-384 and P-521
// give ES256, ES384 and ES512. Any other key is [ErrChain]. There is no Ed25519.
//
// # One key, one use
//
// Let the key sign nothing else. Whoever signs files with it, by another program that signs whatever bytes it is given, signs
// images too: the bytes that these formats sign may come as a file. The signers and verifiers of files in packages sign and
// verify refuse such a file.
//
// # Timestamps
//
// With [Signer.TSA] set, a time stamping authority countersigns (RFC 3161), so that the signature is good for longer than
// the certificates. What it returns is verified before it is used.
package notary

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/notation"
	"github.com/ladingdev/lading/internal/notation/authorities"
	"github.com/ladingdev/lading/internal/notation/writing"
	"github.com/ladingdev/lading/internal/scheme"
	"github.com/ladingdev/lading/internal/scheme/signing"
	"github.com/ladingdev/lading/sign"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/tspclient-go"
	"github.com/opencontainers/go-digest"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ErrChain says that the specification does not let this certificate chain sign, or that it is not the key's.
var ErrChain = errors.New("certificate chain cannot sign")

// ErrTimestamp says that the time stamping authority gave no timestamp, or none that verifies. Nothing was signed without.
var ErrTimestamp = errors.New("no timestamp")

// Format is an envelope format.
type Format uint8

const (
	JWS  Format = iota // application/jose+json
	COSE               // application/cose
)

// A Signer writes Notary Project envelopes of the signing scheme notary.x509. Key and Chain are required.
type Signer struct {
	Key    sign.Key
	Chain  []*x509.Certificate // leaf first, self-signed root last; a self-signed leaf stands alone
	Format Format              // zero means JWS
	Expiry time.Duration       // after which the signature is not to be used, in whole seconds; zero means never

	// TSA is the address of a time stamping authority, http or https; empty means no timestamp. TSARoots are what its
	// certificates must chain to, and required with it: the root, and certificates below it that timestamps may lack, so that
	// the chain that the authority serves will do as it is. They are put into the timestamp, for readers that know the root
	// alone. It is asked by Client, which follows no redirects; nil, or a Timeout of zero, means that an answer is waited for
	// 30 seconds. By Client, OCSP and CRL are asked about its certificates too, if these name any: what was revoked, or cannot
	// be found out, is [ErrTimestamp].
	TSA      string
	TSARoots []*x509.Certificate
	Client   *http.Client

	Now func() time.Time // nil means time.Now
}

var _ sign.Signer = (*Signer)(nil)

// Sign signs the descriptor of the one subject. Its Annotations, the signed ones, are what notation calls user metadata.
// Errors are [sign.ErrStatement], [ErrChain], [ErrTimestamp], [sign.ErrSignature], and those of the key.
func (s *Signer) Sign(ctx context.Context, st *sign.Statement) (sign.Descriptor, error) {
	var none sign.Descriptor
	target, payload, err := encodePayload(st)
	if err != nil {
		return none, err
	}
	if s.Format > COSE {
		return none, fmt.Errorf("%w: no such format", sign.ErrStatement)
	}
	if s.Key == nil || len(s.Chain) == 0 {
		return none, fmt.Errorf("notary: %w: Key and Chain are required", ErrChain)
	}
	if s.Expiry < 0 || s.Expiry%time.Second != 0 {
		return none, fmt.Errorf("%w: an expiry is a positive number of whole seconds", sign.ErrStatement)
	}
	leaf := s.Chain[0]
	spec, err := signature.ExtractKeySpec(leaf)
	if err != nil {
		return none, fmt.Errorf("notary: %w: %w", ErrChain, err)
	}
	if pub, ok := leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(s.Key.Public()) {
		return none, fmt.Errorf("notary: %w: the first certificate is of another key", ErrChain)
	}
	if err := notation.CheckChain(s.Chain); err != nil {
		return none, fmt.Errorf("notary: %w: %w", ErrChain, err)
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	mediaType := map[Format]string{JWS: jws.MediaTypeEnvelope, COSE: cose.MediaTypeEnvelope}[s.Format]
	key := &remote{ctx: ctx, key: s.Key, chain: s.Chain, spec: spec}
	req := (&signature.SignRequest{
		Payload:       signature.Payload{ContentType: notation.PayloadType, Content: payload},
		Signer:        key,
		SigningTime:   now(),
		SigningScheme: signature.SigningSchemeX509,
	}).WithContext(ctx)
	if s.Expiry > 0 {
		req.Expiry = req.SigningTime.Add(s.Expiry)
	}
	if err := s.stampBy(req); err != nil {
		return none, err
	}
	env, err := signature.NewEnvelope(mediaType)
	if err != nil {
		return none, fmt.Errorf("notary: %w", err)
	}
	data, err := env.Sign(req)
	switch {
	case key.err != nil: // the library makes strings of causes
		return none, fmt.Errorf("notary: %w", key.err)
	case isTimestamp(err):
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown || strings.Contains(err.Error(), "unknown authority") {
			err = fmt.Errorf("%w (%s)", err, notation.WholeChain)
		}
		return none, fmt.Errorf("notary: %w: %w", ErrTimestamp, err)
	case err != nil:
		return none, fmt.Errorf("notary: %w: %w", ErrChain, err)
	}
	content, err := env.Content() // which holds: the signature was verified before the authority was asked to stamp it
	if err != nil {
		return none, fmt.Errorf("notary: the envelope as it was written: %w", err)
	}
	if signed, err := notation.Parse(content.Payload.Content); err != nil {
		return none, fmt.Errorf("notary: the payload as it was signed: %w", err)
	} else if !signed.Equal(target) { // for JWS the library writes JSON anew, and numbers as floating point
		return none, fmt.Errorf("%w: JWS cannot hold the subject: a size has at most 53 bits", sign.ErrStatement)
	}
	return sign.Descriptor{
		MediaType:    mediaType,
		ArtifactType: writing.ArtifactType,
		Digest:       digest.FromBytes(data),
		Size:         int64(len(data)),
		Data:         data,
		Annotations:  map[string]string{writing.ThumbprintsAnnotation: writing.Thumbprints(s.Chain)},
	}, nil
}

// stampBy has the signature stamped by s.TSA. The library verifies what comes: imprint, nonce, signature, certificates, and
// that none of them was revoked.
func (s *Signer) stampBy(req *signature.SignRequest) error {
	if s.TSA == "" {
		return nil
	}
	if len(s.TSARoots) == 0 {
		return fmt.Errorf("notary: %w: TSARoots are required with TSA", ErrTimestamp)
	}
	req.TSARevocationValidator = authorities.Validator{Client: s.Client, Use: purpose.Timestamping}
	var client http.Client
	if s.Client != nil {
		client = *s.Client
	}
	client.Timeout = cmp.Or(client.Timeout, 30*time.Second)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	timestamper, err := tspclient.NewHTTPTimestamper(&client, s.TSA)
	if err != nil {
		return fmt.Errorf("notary: %w: %w", ErrTimestamp, err)
	}
	roots, between, err := notation.TimeRoots(s.TSARoots)
	if err != nil {
		return fmt.Errorf("notary: %w: %w", ErrTimestamp, err)
	}
	req.Timestamper, req.TSARootCAs = completer{timestamper, between}, roots
	return nil
}

func isTimestamp(err error) bool {
	_, ok := errors.AsType[*signature.TimestampError](err)
	return ok
}

// encodePayload returns what is to be signed, and as bytes.
func encodePayload(st *sign.Statement) (*notation.Payload, []byte, error) {
	bad := func(why string) (*notation.Payload, []byte, error) {
		return nil, nil, fmt.Errorf("%w: %s", sign.ErrStatement, why)
	}
	if st == nil || len(st.Subjects) != 1 {
		return bad("Notary Project signs exactly one subject")
	}
	switch st.Predicate.(type) {
	case sign.ImageSignature, *sign.ImageSignature:
	default:
		return bad("Notary Project signs descriptors, not predicates")
	}
	sub := st.Subjects[0]
	if sub.Name != "" {
		return bad("Notary Project has no room for a subject's name")
	}
	p := &notation.Payload{MediaType: sub.MediaType, Digest: sub.Digest, Size: sub.Size, Annotations: maps.Clone(sub.Annotations)}
	data, err := writing.AppendPayload(nil, p)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: the subject: %w", sign.ErrStatement, err)
	}
	return p, data, nil
}

// remote is a sign.Key as the library wants it: RSASSA-PSS, and r||s of fixed width for ECDSA.
type remote struct {
	ctx   context.Context // of one call: the library's interface has no room for it
	key   sign.Key
	chain []*x509.Certificate
	spec  signature.KeySpec
	err   error
}

func (r *remote) KeySpec() (signature.KeySpec, error) { return r.spec, nil }

func (r *remote) Sign(message []byte) ([]byte, []*x509.Certificate, error) {
	sig, err := r.sign(message)
	if err != nil {
		r.err = err
		return nil, nil, err
	}
	return sig, r.chain, nil
}

func (r *remote) sign(message []byte) ([]byte, error) {
	pub := r.key.Public()
	how, ok := schemes[r.spec]
	if !ok {
		return nil, fmt.Errorf("notary: %w: %T", ErrChain, pub)
	}
	sig, err := signing.Sign(r.ctx, how, r.key, pub, how.Digest(message))
	if err != nil {
		return nil, err
	}
	if ec, ok := pub.(*ecdsa.PublicKey); ok {
		return fixedWidth(sig, (ec.Curve.Params().BitSize+7)/8)
	}
	return sig, nil
}

// schemes are those of the specification (specs/signature-specification.md, "Algorithm Selection").
var schemes = map[signature.KeySpec]scheme.Scheme{
	{Type: signature.KeyTypeEC, Size: 256}:   scheme.ECDSAWithSHA256,
	{Type: signature.KeyTypeEC, Size: 384}:   scheme.ECDSAWithSHA384,
	{Type: signature.KeyTypeEC, Size: 521}:   scheme.ECDSAWithSHA512,
	{Type: signature.KeyTypeRSA, Size: 2048}: scheme.SHA256WithRSAPSS,
	{Type: signature.KeyTypeRSA, Size: 3072}: scheme.SHA384WithRSAPSS,
	{Type: signature.KeyTypeRSA, Size: 4096}: scheme.SHA512WithRSAPSS,
}

// fixedWidth turns an ASN.1 ECDSA signature into r||s, each n bytes.
func fixedWidth(der []byte, n int) ([]byte, error) {
	var inner cryptobyte.String
	var x, y big.Int
	in := cryptobyte.String(der)
	if !in.ReadASN1(&inner, asn1.SEQUENCE) || !in.Empty() || !inner.ReadASN1Integer(&x) || !inner.ReadASN1Integer(&y) ||
		!inner.Empty() || x.Sign() <= 0 || y.Sign() <= 0 || x.BitLen() > 8*n || y.BitLen() > 8*n {
		return nil, errors.New("the key did not return an ASN.1 ECDSA signature of its size")
	}
	out := make([]byte, 2*n)
	x.FillBytes(out[:n])
	y.FillBytes(out[n:])
	return out, nil
}

// ParseChain reads PEM certificates in the order that they have. Another kind of PEM in the file is an error, such as a key.
func ParseChain(data []byte) ([]*x509.Certificate, error) {
	chain, err := notation.ParsePEM(data)
	if err != nil {
		return nil, fmt.Errorf("notary: %w: %w", ErrChain, err)
	}
	return chain, nil
}
