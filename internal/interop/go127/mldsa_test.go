// Package go127 holds Lading against libraries that want Go 1.27, under that toolchain: GOTOOLCHAIN=go1.27.3 GOWORK=off go test .
package go127

import (
	"bytes"
	"crypto/mldsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pae(payload []byte) []byte {
	const payloadType = "application/vnd.in-toto+json"
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload)), payload...)
}

// sigstore's library reads our ML-DSA keys and signatures, and we read its own. Keys of the standard library are taken as they
// are, without PEM.
func TestMLDSA(t *testing.T) {
	image := sign.Descriptor{Digest: digest.FromString("an image")}
	st := sign.About(image, sign.ImageSignature{})
	for algorithm, params := range map[sign.Algorithm]mldsa.Parameters{sign.MLDSA44: mldsa.MLDSA44(), sign.MLDSA65: mldsa.MLDSA65(),
		sign.MLDSA87: mldsa.MLDSA87()} {
		key := must(sign.GenerateKey(algorithm))
		theirs := must(cryptoutils.UnmarshalPEMToPublicKey(must(sign.MarshalPublicKey(key.Public()))))
		verifier := must(signature.LoadVerifier(theirs, 0))
		var e struct {
			Payload    []byte
			Signatures []struct{ Sig []byte }
		}
		if err := json.Unmarshal(must((&sign.DSSESigner{Key: key}).Sign(t.Context(), st)).Data, &e); err != nil {
			t.Fatal(err)
		}
		if err := verifier.VerifySignature(bytes.NewReader(e.Signatures[0].Sig), bytes.NewReader(pae(e.Payload))); err != nil {
			t.Errorf("%v, ours: %v", params, err)
		}
		if err := verifier.VerifySignature(bytes.NewReader(e.Signatures[0].Sig), bytes.NewReader(e.Payload)); err == nil {
			t.Errorf("%v: the library takes any message", params)
		}

		private := must(mldsa.GenerateKey(params))
		sig := must(must(signature.LoadMLDSASigner(private)).SignMessage(bytes.NewReader(pae(e.Payload))))
		envelope := must(json.Marshal(map[string]any{"payloadType": "application/vnd.in-toto+json", "payload": e.Payload,
			"signatures": []map[string]string{{"sig": base64.StdEncoding.EncodeToString(sig)}}}))
		evidence := verify.Descriptor{MediaType: "application/vnd.dsse.envelope.v1+json", Data: envelope}
		parsed := must(verify.ParseTrustedKey(must(cryptoutils.MarshalPublicKeyToPEM(private.Public()))))
		for name, trusted := range map[string]verify.TrustedKey{"PEM": parsed, "as it is": {Key: private.Public()}} {
			v := &verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}, Formats: []verify.Format{verify.DSSE}}
			if _, err := v.Verify(t.Context(), image, evidence); err != nil {
				t.Errorf("%v, the library's, %s: %v", params, name, err)
			}
		}
		own := must((&sign.BundleSigner{Key: sign.FromSigner(private)}).Sign(t.Context(), st))
		if _, err := (&verify.KeyVerifier{Keys: []verify.TrustedKey{parsed}}).Verify(t.Context(), image, own); err != nil {
			t.Errorf("%v, a key of the standard library: %v", params, err)
		}
	}
}
