package notary_test

import (
	"encoding/pem"
	"fmt"

	"github.com/ladingdev/lading/verify/notary"
)

// Certificates to trust come from files; those of AWS Signer come along.
func ExampleParseCertificates() {
	chain, _ := acme()
	file := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[0].Raw})
	trusted, err := notary.ParseCertificates(file)
	fmt.Println(len(trusted), err)

	for _, root := range notary.AWSRoots() { // for Verifier.SigningAuthority
		fmt.Println(root.Subject.Organization, root.IsCA)
	}
	// Output:
	// 1 <nil>
	// [AWS] true
	// [AWS] true
}
