package notary_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/ladingdev/lading/verify/notary"
)

// The fingerprints of AWS Signer's roots: the first is in public outputs of notation inspect on signatures by AWS Signer,
// both are in bottlerocket-os/bottlerocket-core-kit, packages/aws-signer-notation-plugin.
func TestAWSRoots(t *testing.T) {
	want := map[string]string{
		"AWS Signer Code Signing Root CA G1":               "90a87d0543c3f094dbff9589b6649affe2f3d6e0f308799be2258461c686473f",
		"AWS Signer Code Signing GovCloud (US) Root CA G1": "673653ab76f41a10546cdeb4107ecd6df2c15c2c9a0d32ed97d271b4436fc3e8",
	}
	roots := notary.AWSRoots()
	if len(roots) != len(want) {
		t.Errorf("%d roots", len(roots))
	}
	for _, c := range roots {
		sum := sha256.Sum256(c.Raw)
		if hex.EncodeToString(sum[:]) != want[c.Subject.CommonName] || !c.IsCA || c.CheckSignatureFrom(c) != nil {
			t.Errorf("%s: %x", c.Subject, sum)
		}
	}
}
