package main

import (
	"github.com/ladingdev/lading/examples/aws/revocation"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
)

// verifier trusts what AWS Signer signs with the one profile, in any of its versions, and asks AWS Signer whether that
// still holds.
func (s *shipment) verifier() verify.Verifier {
	roots := s.roots
	if roots == nil {
		roots = notary.AWSRoots()
	}
	return &notary.Verifier{
		SigningAuthority: roots,
		Identities:       []string{s.profile},
		AWS:              revocation.Client{Client: s.signer},
	}
}
