package notary

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
)

var basicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}

// CheckChain adds to the library's checks of a chain of certificates, leaf first, what the specification asks for beyond
// (specs/signature-specification.md, "Certificate Requirements"): the leaf is not for any purpose, and an authority says
// critically that it is one.
func CheckChain(chain []*x509.Certificate) error {
	for i, c := range chain {
		if i == 0 && slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
			return fmt.Errorf("certificate of %s: a leaf must not be for any purpose (anyExtendedKeyUsage)", c.Subject)
		}
		for _, e := range c.Extensions {
			if i > 0 && e.Id.Equal(basicConstraints) && !e.Critical {
				return fmt.Errorf("certificate of %s: the basic constraints of an authority must be critical", c.Subject)
			}
		}
	}
	return nil
}
