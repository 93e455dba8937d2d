package main

import (
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary/awssigner"
)

// verifier trusts what AWS Signer signs with the one profile, in any of its versions, and asks AWS Signer whether that
// still holds.
func (s *shipment) verifier() verify.Verifier {
	v := awssigner.Verifier(s.signer, s.profile)
	if s.roots != nil {
		v.SigningAuthority, v.AWSRoots = s.roots, s.roots
	}
	return v
}
