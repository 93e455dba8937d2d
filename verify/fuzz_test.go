package verify_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// Whatever the evidence, there is no panic, every refusal has a kind, and nothing is proven that the key did not sign.
func FuzzVerify(f *testing.F) {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		f.Fatal(err)
	}
	v := trusting(allFormats, key)
	types := []string{bundleType, dsseType, simpleType}
	f.Add(uint8(0), "", []byte(`{"mediaType":"`+bundleType+`","verificationMaterial":{"publicKey":{"hint":"x"}},`+
		`"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}}`))
	f.Add(uint8(1), "", []byte(`{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA==","keyid":""}]}`))
	f.Add(uint8(2), "AA==", []byte(`{"critical":{"identity":{"docker-reference":"x"},"image":{"docker-manifest-digest":"sha256:00"},`+
		`"type":"cosign container image signature"},"optional":null}`))
	blobs, err := filepath.Glob("testdata/peer-samples/*/*.blob")
	if err != nil || len(blobs) == 0 {
		f.Fatal(err)
	}
	for _, name := range blobs {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for i := range types {
			f.Add(uint8(i), "AA==", data)
		}
	}
	for name, data := range unpack(f, "corpus.tar.gz") {
		if strings.Contains(name, "bundle.sigstore.json") && len(data) < 12<<10 {
			f.Add(uint8(0), "", data)
		}
	}
	f.Fuzz(func(t *testing.T, format uint8, sig string, data []byte) {
		d := content(types[int(format)%len(types)], data)
		d.Annotations = map[string]string{signatureNote: sig}
		if a, err := v.Verify(t.Context(), subject, d); err == nil {
			t.Fatalf("proven out of nothing: %+v", a)
		} else if !hasKind(err) {
			t.Fatalf("an error without a kind: %v", err)
		}
		d.MediaType = bundleType
		if _, err := v.VerifyBlob(t.Context(), bytes.NewReader(data), d); err == nil || !hasKind(err) {
			t.Fatalf("file: %v", err)
		}
	})
}

// The same payload, truly signed: what is proven then is what the payload says.
func FuzzSigned(f *testing.F) {
	key, err := sign.GenerateKey(sign.Ed25519) // whose signatures, and with them the coverage, are the same each time
	if err != nil {
		f.Fatal(err)
	}
	v := trusting(allFormats, key)
	f.Add(statement(about(subject.Digest), "https://example.com/facts/v1"))
	f.Add(statement(`{"name":"x","digest":{"sha256":"`+subject.Digest.Encoded()+`"},"annotations":{"a":"b","c":[1]}}`,
		sign.ImageSignatureType))
	f.Add(`{"critical":{"identity":{"docker-reference":"x"},"image":{"docker-manifest-digest":"` + string(subject.Digest) +
		`"},"type":"cosign container image signature"},"optional":{"a":"b","n":1}}`)
	f.Fuzz(func(t *testing.T, payload string) {
		for _, e := range []verify.Descriptor{forgeBundle(t, payload, key), forgeSimple(t, payload, key)} {
			a, err := v.Verify(t.Context(), subject, e)
			switch {
			case err != nil && !hasKind(err):
				t.Fatalf("an error without a kind: %v", err)
			case err == nil && !strings.Contains(payload, string(a.Predicate)):
				t.Fatalf("predicate %s is not in %s", a.Predicate, payload)
			}
		}
	})
}

func FuzzParseTrustedKey(f *testing.F) {
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBKrsc2NXJvIT+4qeZNo7hjLkFJWp\n" +
		"RNAEW1IuunJA+tWH2TFXmKqjpboBd1eHztBeqve04J/IHW0apUboNl1SXQ==\n-----END PUBLIC KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if k, err := verify.ParseTrustedKey(data); err == nil {
			if _, err := k.Identity(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
