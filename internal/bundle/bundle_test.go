package bundle_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	. "github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/bundlewriter"
	"github.com/ladingdev/lading/internal/dsse"
)

var unsigned = cmpopts.IgnoreFields(dsse.Envelope{}, "Signed")

func TestRoundTrip(t *testing.T) {
	for _, b := range []*Bundle{
		{MediaType: MediaType, PublicKey: true, Hint: "aGludA==",
			Envelope: &dsse.Envelope{PayloadType: dsse.PayloadType, Payload: []byte("{}"), Signatures: []dsse.Signature{{Sig: []byte{1}}}}},
		{MediaType: MediaType, PublicKey: true, Message: &Message{Algorithm: "SHA2_256", Digest: []byte{1, 2}, Signature: []byte{3}}},
	} {
		got, err := Parse(appendBundle(b))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, got, unsigned); diff != "" {
			t.Error(diff)
		}
	}
}

// The mapping lets null stand for what is absent, bytes go without padding, and an enum be a number.
func TestMapping(t *testing.T) {
	want := &Bundle{MediaType: MediaType, PublicKey: true,
		Message: &Message{Algorithm: "SHA2_384", Digest: []byte{1}, Signature: []byte{0xfb, 0xef}}}
	const head = `{"mediaType":"` + MediaType + `","verificationMaterial":{"publicKey":{"hint":null},"certificate":null,"x509CertificateChain":null,
		"tlogEntries":null,"timestampVerificationData":{"rfc3161Timestamps":null}},"dsseEnvelope":null,"messageSignature":`
	for _, message := range []string{
		`{"messageDigest":{"algorithm":"SHA2_384","digest":"AQ=="},"signature":"++8="}`,
		`{"messageDigest":{"algorithm":2,"digest":"AQ"},"signature":"--8"}`,
	} {
		got, err := Parse([]byte(head + message + "}"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	for name, message := range map[string]string{
		"both alphabets": `{"signature":"+_8="}`, "half a padding": `{"signature":"AA="}`, "one character": `{"signature":"A"}`,
		"padding alone": `{"signature":"===="}`, "padding within": `{"signature":"AA==AA=="}`, "trailing bits": `{"signature":"AB=="}`,
		"white space": `{"signature":"AA== "}`, "line break": `{"signature":"AA==\n"}`, "NUL": `{"signature":"AA==\u0000"}`,
		"an enum out of range":     `{"messageDigest":{"algorithm":1e0},"signature":"AA=="}`,
		"a null that is not known": `{"more":null,"signature":"AA=="}`,
		"nothing":                  `null`, "a signature that is null": `{"signature":null}`,
	} {
		if _, err := Parse([]byte(head + message + "}")); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// What a key signed is read, written and read as the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"mediaType":"` + MediaType + `","verificationMaterial":{"publicKey":{"hint":"x"},"tlogEntries":[],` +
		`"timestampVerificationData":{}},"dsseEnvelope":{"payload":"e30=","payloadType":"a","signatures":[{"sig":"AA=="}]}}`))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.1","verificationMaterial":{"publicKey":{}},` +
		`"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AA=="},"signature":"AA=="}}`))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.2",` +
		`"verificationMaterial":{"x509CertificateChain":{"certificates":[{"rawBytes":"AA=="}]}},"messageSignature":{"signature":"AA=="}}`))
	f.Add([]byte(`{"mediaType":"` + MediaType + `","verificationMaterial":{"publicKey":{"hint":null},"certificate":null},` +
		`"dsseEnvelope":null,"messageSignature":{"messageDigest":{"algorithm":1,"digest":"AA"},"signature":"-_8"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Parse(data)
		if err != nil || !b.PublicKey {
			return
		}
		again, err := Parse(appendBundle(b))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, again, cmpopts.IgnoreFields(Bundle{}, "MediaType", "Logged", "Timestamped"), unsigned,
			cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func appendBundle(b *Bundle) []byte {
	return bundlewriter.Append(nil, bundlewriter.PublicKey(nil, b.Hint), b.Envelope, b.Message)
}
