package notary

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
)

var basicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}

// CheckChain adds to the library's checks of a chain of certificates, leaf first, what the specification asks for beyond
// (specs/signature-specification.md, "Certificate Requirements"): the leaf is not for any purpose, and an authority says
// critically that it is one. It is stricter where the specification looks away: a critical extension that is not known, or
// not followed here, is an error.
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
