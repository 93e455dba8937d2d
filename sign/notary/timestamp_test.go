package notary

import (
	"crypto"
	"crypto/x509"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/tsatest"
	"github.com/notaryproject/tspclient-go"
)

// What an authority sends is completed or left alone, and what is completed is a token that means the same.
func FuzzAddCertificates(f *testing.F) {
	tsa, err := tsatest.NewIntermediate(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		f.Fatal(err)
	}
	req, err := tspclient.NewRequest(tspclient.RequestOptions{Content: []byte("message"), HashAlgorithm: crypto.SHA256})
	if err != nil {
		f.Fatal(err)
	}
	for _, leafOnly := range []bool{false, true} {
		tsa.LeafOnly = leafOnly
		token, err := tsa.Token(req)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token []byte) {
		before, err := tspclient.ParseSignedToken(token)
		data, ok := addCertificates(token, tsa.Chain[1:2])
		if err != nil || !ok {
			return
		}
		after, err := tspclient.ParseSignedToken(data)
		if err != nil {
			t.Fatalf("what was read is not any more: %v", err)
		}
		if len(after.Certificates) != len(before.Certificates)+1 || !after.Certificates[len(before.Certificates)].Equal(tsa.Chain[1]) {
			t.Errorf("%d certificates became %d", len(before.Certificates), len(after.Certificates))
		}
		roots := x509.NewCertPool()
		roots.AddCert(tsa.Root())
		_, good := before.Verify(t.Context(), x509.VerifyOptions{Roots: roots})
		if _, err := after.Verify(t.Context(), x509.VerifyOptions{Roots: roots}); good == nil && err != nil {
			t.Errorf("it verified before, and does not now: %v", err)
		}
	})
}
