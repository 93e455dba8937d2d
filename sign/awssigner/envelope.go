package awssigner

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/ladingdev/lading/internal/awsarn"
	"github.com/ladingdev/lading/internal/notation"
	"github.com/ladingdev/lading/internal/strictjson"
)

// envelope is a flattened JWS as Notary Project has it (specs/signature-envelope-jws.md).
type envelope struct {
	payload, protected, signature string // base64
	chain                         [][]byte
}

// check returns the certificates of an envelope if it is a signature of this profile on what was sent: its shape, the
// signature by the first certificate's key, each certificate by the next, and the attributes. Whether the root is AWS's is
// for those who verify.
func (s *Signer) check(data []byte, sent *notation.Payload) ([]*x509.Certificate, error) {
	e, err := parseEnvelope(data)
	if err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	b64 := base64.RawURLEncoding.Strict()
	payload, err1 := b64.DecodeString(e.payload)
	protected, err2 := b64.DecodeString(e.protected)
	signature, err3 := b64.DecodeString(e.signature)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	chain, err := parseChain(e.chain)
	if err != nil {
		return nil, err
	}
	signed := sha512.Sum384([]byte(e.protected + "." + e.payload))
	pub, ok := chain[0].PublicKey.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P384() || len(signature) != 2*48 || // ES384, the platform's one algorithm
		!ecdsa.Verify(pub, signed[:], new(big.Int).SetBytes(signature[:48]), new(big.Int).SetBytes(signature[48:])) {
		return nil, errors.New("the signature does not hold")
	}
	if err := s.checkHeader(protected, chain); err != nil {
		return nil, fmt.Errorf("protected header: %w", err)
	}
	got, err := notation.Parse(payload)
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	// The payload may be written anew, as long as it says the same.
	if !got.Equal(sent) {
		return nil, fmt.Errorf("another payload was signed: %s", got.Digest)
	}
	return chain, nil
}

func parseEnvelope(data []byte) (*envelope, error) {
	if len(data) > notation.MaxEnvelope {
		return nil, fmt.Errorf("%d bytes", len(data))
	}
	var e envelope
	r := strictjson.NewReader(data, strictjson.Limits{})
	for name := range r.Object("payload", "protected", "header", "signature") {
		switch string(name) {
		case "payload":
			e.payload = r.String()
		case "protected":
			e.protected = r.String()
		case "signature":
			e.signature = r.String()
		case "header":
			for name := range r.Object("x5c") {
				if string(name) != "x5c" {
					continue
				}
				e.readChain(r)
			}
		default:
			r.Fail(fmt.Errorf("unknown member %q", name))
		}
	}
	return &e, r.End()
}

func (e *envelope) readChain(r *strictjson.Reader) {
	for range r.Array() {
		der, err := base64.StdEncoding.Strict().DecodeString(r.String())
		if err != nil {
			r.Fail(err)
		} else if e.chain = append(e.chain, der); len(e.chain) > notation.MaxCertificates {
			r.Fail(errors.New("too many certificates"))
		}
	}
}

// parseChain reads certificates, leaf first, of which each is signed by the next and the last by itself.
func parseChain(ders [][]byte) ([]*x509.Certificate, error) {
	if len(ders) < 2 {
		return nil, errors.New("no certificate chain")
	}
	var chain []*x509.Certificate
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, c)
	}
	for i, c := range chain {
		if err := c.CheckSignatureFrom(chain[min(i+1, len(chain)-1)]); err != nil {
			return nil, fmt.Errorf("certificate %d: %w", i, err)
		}
	}
	if chain[0].IsCA {
		return nil, errors.New("the first certificate is of an authority")
	}
	return chain, nil
}

func (s *Signer) checkHeader(data []byte, chain []*x509.Certificate) error {
	text := map[string]string{"alg": "", "cty": "", notation.AttributeScheme: "", notation.AttributeAuthenticTime: "",
		notation.AttributeExpiry: "",
		notation.AttributePlugin: "", notation.AttributePluginVersion: "", notation.AttributeAWSProfile: "", notation.AttributeAWSJob: ""}
	known := append(slices.Collect(maps.Keys(text)), "crit", "b64")
	var critical []string
	r := strictjson.NewReader(data, strictjson.Limits{})
	for name := range r.Object(known...) {
		n := string(name)
		if _, ok := text[n]; ok {
			text[n] = r.String()
		}
		switch n {
		case "crit":
			for range r.Array() {
				critical = append(critical, r.String())
			}
		case "b64":
			r.Fail(errors.New("b64 is not for this format"))
		}
	}
	if err := r.End(); err != nil {
		return err
	}
	for name, want := range map[string]string{"alg": "ES384", "cty": notation.PayloadType,
		notation.AttributeScheme: "notary.x509.signingAuthority",
		notation.AttributePlugin: notation.AWSPlugin} {
		if text[name] != want {
			return fmt.Errorf("%s is %.64q", name, text[name])
		}
	}
	must := []string{notation.AttributeScheme, notation.AttributeAuthenticTime, notation.AttributePlugin, notation.AttributeAWSProfile,
		notation.AttributeAWSJob}
	for _, name := range []string{notation.AttributeExpiry, notation.AttributePluginVersion} {
		if text[name] != "" {
			must = append(must, name)
		}
	}
	slices.Sort(must)
	slices.Sort(critical)
	if !slices.Equal(must, critical) { // of others nobody would know how to verify them
		return fmt.Errorf("critical are %.512q", critical)
	}
	if job, err := awsarn.Parse(text[notation.AttributeAWSJob]); err != nil || job.Service != "signer" {
		return fmt.Errorf("%s is %.128q", notation.AttributeAWSJob, text[notation.AttributeAWSJob])
	}
	if p, err := awsarn.ParseProfile(text[notation.AttributeAWSProfile]); err != nil || p.All() != s.profile || p.Version == "" {
		return fmt.Errorf("signed with the profile %.128q", text[notation.AttributeAWSProfile])
	}
	at, err := time.Parse(time.RFC3339, text[notation.AttributeAuthenticTime])
	if err != nil {
		return err
	}
	for _, c := range chain {
		if at.Before(c.NotBefore) || at.After(c.NotAfter) {
			return fmt.Errorf("signed at %s, when the certificate of %s was not valid", text[notation.AttributeAuthenticTime], c.Subject)
		}
	}
	return nil
}
