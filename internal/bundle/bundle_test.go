package bundle

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ladingdev/lading/internal/dsse"
)

func TestRoundTrip(t *testing.T) {
	for _, b := range []*Bundle{
		{MediaType: MediaType, PublicKey: true, Hint: "aGludA==", Envelope: &dsse.Envelope{PayloadType: dsse.PayloadType, Payload: []byte("{}"), Signatures: []dsse.Signature{{Sig: []byte{1}}}}},
		{MediaType: MediaType, PublicKey: true, Message: &Message{Algorithm: "SHA2_256", Digest: []byte{1, 2}, Signature: []byte{3}}},
	} {
		got, err := Parse(b.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, got); diff != "" {
			t.Error(diff)
		}
	}
}

// What a key signed is read, written and read as the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"mediaType":"` + MediaType + `","verificationMaterial":{"publicKey":{"hint":"x"},"tlogEntries":[],"timestampVerificationData":{}},"dsseEnvelope":{"payload":"e30=","payloadType":"a","signatures":[{"sig":"AA=="}]}}`))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.1","verificationMaterial":{"publicKey":{}},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AA=="},"signature":"AA=="}}`))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.2","verificationMaterial":{"x509CertificateChain":{"certificates":[{"rawBytes":"AA=="}]}},"messageSignature":{"signature":"AA=="}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Parse(data)
		if err != nil || !b.PublicKey {
			return
		}
		again, err := Parse(b.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, again, cmpopts.IgnoreFields(Bundle{}, "MediaType", "Logged", "Timestamped"), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
