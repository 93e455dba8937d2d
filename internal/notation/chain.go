package notation

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/ladingdev/lading/internal/keytext"
)

// ParsePEM reads certificates, in their order. Text around them is passed over (RFC 7468, section 2); a block of another kind,
// or one that cannot be read, is an error, and so is none.
func ParsePEM(data []byte) ([]*x509.Certificate, error) {
	data = keytext.TrimMark(data)
	var certs []*x509.Certificate
	begin := []byte("-----BEGIN")
	for bytes.Contains(data, begin) {
		block, rest := pem.Decode(data)
		switch {
		case block == nil || bytes.Count(data[:len(data)-len(rest)], begin) != 1:
			return nil, errors.New("something else than PEM certificates")
		case block.Type != "CERTIFICATE":
			return nil, fmt.Errorf("something else than PEM certificates: a block %.40q", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs, data = append(certs, c), rest
	}
	if len(certs) == 0 {
		return nil, errors.New("no certificate in PEM")
	}
	return certs, nil
}

var basicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}

// CheckChain adds to the library's checks of a chain of certificates, leaf first, what the specification asks for beyond
// (specs/signature-specification.md, "Certificate Requirements"): the leaf is not for any purpose, and an authority says critically that
// it is one. It is stricter where the specification looks away: a critical extension that is not known, or not followed here, is an error.
func CheckChain(chain []*x509.Certificate) error {
	for i, c := range chain {
		if i == 0 && slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
			return fmt.Errorf("certificate of %s: a leaf must not be for any purpose (anyExtendedKeyUsage)", c.Subject)
		}
		if i > 0 && slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(basicConstraints) && !e.Critical }) {
			return fmt.Errorf("certificate of %s: the basic constraints of an authority must be critical", c.Subject)
		}
		if len(c.UnhandledCriticalExtensions) > 0 || c.PermittedDNSDomainsCritical {
			return fmt.Errorf("certificate of %s: a critical extension is not known here", c.Subject)
		}
	}
	return nil
}

// SelfSigned tells a root: its name is that of its issuer, and its key signed it.
func SelfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// TimeRoots takes apart what is trusted for time stamping: its self-signed certificates, which chains end at, and those between,
// which tokens need not have (RFC 3161, section 2.4.1). So the chain that an authority serves will do as it is.
func TimeRoots(trusted []*x509.Certificate) (roots *x509.CertPool, between []*x509.Certificate, err error) {
	roots = x509.NewCertPool()
	none := true
	for _, c := range trusted {
		if SelfSigned(c) {
			roots.AddCert(c)
			none = false
		} else {
			between = append(between, c)
		}
	}
	if none {
		return nil, nil, fmt.Errorf("none of the %d certificates for time stamping is a root: give the self-signed one too", len(trusted))
	}
	return roots, between, nil
}

// MissingIssuers returns those of between that issued one of certificates, directly or through others of them, and are not there.
func MissingIssuers(certificates, between []*x509.Certificate) []*x509.Certificate {
	all := slices.Clone(certificates)
	for i := 0; i < len(all); i++ {
		for _, b := range between {
			if bytes.Equal(all[i].RawIssuer, b.RawSubject) && !slices.ContainsFunc(all, b.Equal) {
				all = append(all, b)
			}
		}
	}
	return all[len(certificates):]
}

// WholeChain is added to a refusal of a timestamp whose authority is not known.
const WholeChain = "if the authority is the right one, the timestamp lacks certificates between: trust the whole chain, not the root alone"
