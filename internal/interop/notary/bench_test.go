package notary_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	verifynotary "github.com/ladingdev/lading/verify/notary"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
)

// BenchmarkAgainstNotationGo verifies one signature below one root by ours and by notation-go in turn, and beside them the two
// checks of ECDSA that neither can leave out: the envelope's and the certificate's. It reports lower quartiles and their ratios.
func BenchmarkAgainstNotationGo(b *testing.B) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	chain := newChain(key)
	sum := sha256.Sum256([]byte("a message"))
	bare := must(key.Sign(rand.Reader, sum[:], crypto.SHA256))
	identities := []string{"x509.subject: C=US, ST=WA, O=acme"}
	theirs := must(verifier.New(&trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
		Name: "all", RegistryScopes: []string{"*"}, TrustStores: []string{"ca:roots"}, TrustedIdentities: identities,
		SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: "strict"},
	}}}, store(chain[1:]), nil))
	ours := &verifynotary.Verifier{CA: chain[1:], Identities: identities}
	for _, bb := range []struct {
		name, mediaType string
		format          signnotary.Format
	}{{"jws", "application/jose+json", signnotary.JWS}, {"cose", "application/cose", signnotary.COSE}} {
		b.Run(bb.name, func(b *testing.B) {
			s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, Format: bb.format, Expiry: time.Hour}
			evidence, err := s.Sign(b.Context(), sign.About(image, sign.ImageSignature{}))
			if err != nil {
				b.Fatal(err)
			}
			opts := notation.VerifierVerifyOptions{ArtifactReference: "registry.example/app@" + string(image.Digest),
				SignatureMediaType: bb.mediaType}
			runs := []func(){func() {
				if _, err := ours.Verify(b.Context(), image, verify.Descriptor{MediaType: bb.mediaType, Data: evidence.Data}); err != nil {
					b.Fatal(err)
				}
			}, func() {
				if _, err := theirs.Verify(b.Context(), image, evidence.Data, opts); err != nil {
					b.Fatal(err)
				}
			}, func() {
				for range 2 {
					if !ecdsa.VerifyASN1(&key.PublicKey, sum[:], bare) {
						b.Fatal("the floor does not hold")
					}
				}
			}}
			times := make([][]float64, len(runs))
			for b.Loop() {
				for i, run := range runs {
					start := time.Now()
					run()
					times[i] = append(times[i], float64(time.Since(start)))
				}
			}
			var low [3]float64
			for i, t := range times {
				slices.Sort(t)
				low[i] = t[len(t)/4]
			}
			b.ReportMetric(low[1]/low[0], "x-faster")
			b.ReportMetric(low[0]/low[2], "x-floor")
			b.ReportMetric(testing.AllocsPerRun(5, runs[1])/testing.AllocsPerRun(5, runs[0]), "x-fewer-allocs")
			b.ReportMetric(low[0]/1e3, "ours-µs")
			b.ReportMetric(0, "ns/op")
		})
	}
}
