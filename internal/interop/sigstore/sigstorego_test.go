package sigstore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
	ssldsse "github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	sgverify "github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/encoding/protojson"
)

// theirs returns sigstore-go's verification with a key, and no log or timestamp.
func theirs(t testing.TB, pub crypto.PublicKey) func(data []byte,
	artifact sgverify.ArtifactPolicyOption) (*sgverify.VerificationResult, error) {
	t.Helper()
	hash := crypto.SHA256
	v, err := signature.LoadDefaultVerifier(pub)
	if err != nil {
		v, err = signature.LoadVerifier(pub, hash)
	}
	if err != nil {
		t.Fatal(err)
	}
	material := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(v, time.Time{}, time.Time{}), nil
	})
	verifier, err := sgverify.NewVerifier(material, sgverify.WithNoObserverTimestamps())
	if err != nil {
		t.Fatal(err)
	}
	return func(data []byte, artifact sgverify.ArtifactPolicyOption) (*sgverify.VerificationResult, error) {
		var b bundle.Bundle
		if err := b.UnmarshalJSON(data); err != nil {
			return nil, err
		}
		return verifier.Verify(&b, sgverify.NewPolicy(artifact, sgverify.WithKey()))
	}
}

func digestOf(t testing.TB, d digest.Digest) sgverify.ArtifactPolicyOption {
	t.Helper()
	sum, err := hex.DecodeString(d.Encoded())
	if err != nil {
		t.Fatal(err)
	}
	return sgverify.WithArtifactDigest(d.Algorithm().String(), sum)
}

var image = sign.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("an image"), Size: 8}

// sigstore-go reads our bundles, of statements and of files, with every type of key.
func TestSigstoreGoReadsOurs(t *testing.T) {
	for _, k := range keyTypes {
		t.Run(k.name, func(t *testing.T) {
			key, err := sign.GenerateKey(k.algorithm)
			if err != nil {
				t.Fatal(err)
			}
			check := theirs(t, key.Public())
			signer := &sign.BundleSigner{Key: key}
			st, err := signer.Sign(t.Context(), sign.About(image, sign.RawPredicate{Type: predicateType, JSON: []byte(`{"n":1}`)}))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := check(st.Data, digestOf(t, image.Digest)); err != nil || got.Statement.PredicateType != predicateType {
				t.Errorf("statement: %v", err)
			}
			if _, err := check(st.Data, digestOf(t, digest.FromString("another"))); err == nil {
				t.Error("statement: sigstore-go accepts another subject")
			}
			blob, err := signer.SignBlob(t.Context(), strings.NewReader("a release"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := check(blob.Data, sgverify.WithArtifact(strings.NewReader("a release"))); err != nil {
				t.Errorf("file: %v", err)
			}
			if _, err := check(blob.Data, sgverify.WithArtifact(strings.NewReader("another release"))); err == nil {
				t.Error("file: sigstore-go accepts another file")
			}
		})
	}
}

// fuzzKey is a key, with our verifier and sigstore-go's. It is the same in every process of a fuzzing run, for seeds carry
// its signatures; and these are the same each time, so that the coverage tells what is new.
func fuzzKey(f *testing.F) (sign.Key, *verify.KeyVerifier,
	func([]byte, sgverify.ArtifactPolicyOption) (*sgverify.VerificationResult, error)) {
	seed := sha256.Sum256([]byte("the seed of a key that signs nothing but tests"))
	key := sign.FromSigner(ed25519.NewKeyFromSeed(seed[:]))
	return key, &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}, Formats: []verify.Format{verify.Bundle, verify.DSSE}},
		theirs(f, key.Public())
}

// accepted says that the first seed is, lest nothing be compared.
func accepted(f *testing.F, v *verify.KeyVerifier, mediaType string, data []byte) {
	f.Helper()
	if _, err := v.Verify(f.Context(), image, verify.Descriptor{MediaType: mediaType, Data: data}); err != nil {
		f.Fatal(err)
	}
}

func pae(payloadType, payload string) []byte { return ssldsse.PAE(payloadType, []byte(payload)) }

func signRaw(t testing.TB, key sign.Key, message []byte) []byte {
	t.Helper()
	sig, err := key.Sign(t.Context(), message, crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func bundleOf(payload string, sig []byte) []byte {
	return []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},` +
		`"dsseEnvelope":{"payload":"` +
		base64.StdEncoding.EncodeToString([]byte(payload)) + `","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"` +
		base64.StdEncoding.EncodeToString(sig) + `"}]}}`)
}

const facts = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"8b39cbbb0c1b4e15c7b19ad4e36fbc2ea3a4d5fd6e8f1` +
	`1bb2b4e7d6a2b9c8f11"}}],"predicateType":"https://example.com/facts/v1","predicate":{"n":1}}`

func seedPayloads(f *testing.F) (good string) {
	good = strings.Replace(facts, "8b39cbbb0c1b4e15c7b19ad4e36fbc2ea3a4d5fd6e8f11bb2b4e7d6a2b9c8f11", image.Digest.Encoded(), 1)
	for _, edit := range [][2]string{
		{"", ""}, {`"subject"`, `"Subject"`}, {`"predicateType"`, `"subject":[],"predicateType"`}, {"Statement/v1", "Statement/v0.1"},
		{`{"n":1}`, `{"n":1,"n":2}`}, {`{"n":1}`, `{"n":9007199254740993}`}, {`{"n":1}`, `null`}, {`{"n":1}`, `[]`},
		{`"predicate"`, `"more":1,"predicate"`},
		{`"predicateType"`, `"predicate_type"`}, {`{"digest"`, `{"name":null,"digest"`}, {`{"digest"`, `{"digest":{},"digest"`},
		{`"sha256"`, `"SHA256"`}, {`"sha256"`, `"sha512"`}, {`{"n":1}`, `{"n":1}}{`},
	} {
		f.Add(strings.Replace(good, edit[0], edit[1], 1))
	}
	return good
}

// A truly signed payload, read by sigstore-go and by us. What we prove, they prove, with the same predicate type. The reverse
// need not hold: they do not check the statement's type, and read JSON with less care.
func FuzzStatementAgainstSigstoreGo(f *testing.F) {
	key, v, check := fuzzKey(f)
	good := seedPayloads(f)
	accepted(f, v, "application/vnd.dev.sigstore.bundle.v0.3+json",
		bundleOf(good, signRaw(f, key, pae("application/vnd.in-toto+json", good))))
	f.Fuzz(func(t *testing.T, payload string) {
		data := bundleOf(payload, signRaw(t, key, pae("application/vnd.in-toto+json", payload)))
		ours, err := v.Verify(t.Context(), image, verify.Descriptor{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Data: data})
		if err != nil {
			return
		}
		got, err := check(data, digestOf(t, image.Digest))
		switch {
		case err != nil && unknownMember(payload):
		case err != nil:
			t.Fatalf("only we accept %s: %v", payload, err)
		case got.Statement.PredicateType != ours.PredicateType:
			t.Fatalf("predicate type %q here, %q there", ours.PredicateType, got.Statement.PredicateType)
		}
	})
}

// unknownMember reports whether all that keeps sigstore-go from reading a statement is a member that its types do not
// have. in-toto has readers ignore those.
func unknownMember(payload string) bool {
	var st intoto.Statement
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal([]byte(payload), &st) == nil &&
		protojson.Unmarshal([]byte(payload), &st) != nil
}

// A bundle's JSON around a signed statement, read by both. What we accept, they accept.
func FuzzBundleAgainstSigstoreGo(f *testing.F) {
	key, v, check := fuzzKey(f)
	good := strings.Replace(facts, "8b39cbbb0c1b4e15c7b19ad4e36fbc2ea3a4d5fd6e8f11bb2b4e7d6a2b9c8f11", image.Digest.Encoded(), 1)
	data := string(bundleOf(good, signRaw(f, key, pae("application/vnd.in-toto+json", good))))
	accepted(f, v, "application/vnd.dev.sigstore.bundle.v0.3+json", []byte(data))
	for _, edit := range [][2]string{
		{"", ""}, {`.v0.3+json`, `+json;version=0.1`}, {`.v0.3+json`, `+json;version=0.2`}, {`.v0.3+json`, `+json;version=0.3`},
		{`.v0.3+json`, `.v0.4+json`},
		{`"hint":"x"`, ``}, {`"hint":"x"`, `"hint":null`}, {`"signatures"`, `"Signatures"`}, {`"sig"`, `"keyid":"","sig"`},
		{`"sig"`, `"keyid":null,"sig"`},
		{`"publicKey"`, `"tlogEntries":[],"publicKey"`}, {`"publicKey"`, `"public_key"`}, {`"dsseEnvelope"`, `"more":1,"dsseEnvelope"`},
		{`"payloadType"`, `"more":1,"payloadType"`}, {`"publicKey"`, `"timestampVerificationData":{},"publicKey"`},
		{`"publicKey"`, `"timestampVerificationData":null,"publicKey"`},
		{`"publicKey"`, `"tlogEntries":null,"publicKey"`}, {`"publicKey"`, `"certificate":null,"publicKey"`},
		{`"publicKey"`, `"x509CertificateChain":null,"publicKey"`},
		{`"dsseEnvelope"`, `"messageSignature":null,"dsseEnvelope"`}, {`="}]`, `"}]`}, {`=="}]`, `"}]`},
	} {
		f.Add([]byte(strings.Replace(data, edit[0], edit[1], 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := v.Verify(t.Context(), image, verify.Descriptor{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Data: data})
		if err != nil {
			return
		}
		// What belongs to logs and timestamps we leave to those who ask for it.
		if bytes.Contains(data, []byte("tlogEntries")) || bytes.Contains(data, []byte("timestampVerificationData")) {
			return
		}
		if _, err := check(data, digestOf(t, image.Digest)); err != nil {
			t.Fatalf("only we accept %s: %v", data, err)
		}
	})
}

// A bundle's JSON around a file's signature, read by both. What we accept, they accept.
func FuzzFileBundleAgainstSigstoreGo(f *testing.F) {
	const file = "a release"
	key, v, check := fuzzKey(f)
	sum := sha256.Sum256([]byte(file))
	data := `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},` +
		`"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"` +
		base64.StdEncoding.EncodeToString(sum[:]) + `"},"signature":"` +
		base64.StdEncoding.EncodeToString(signRaw(f, key, []byte(file))) + `"}}`
	if _, err := v.VerifyBlob(f.Context(), strings.NewReader(file), verify.Descriptor{Data: []byte(data)}); err != nil {
		f.Fatal(err)
	}
	for _, edit := range [][2]string{
		{"", ""}, {`"SHA2_256"`, `1`}, {`"SHA2_256"`, `2`}, {`"SHA2_256"`, `"SHA2_512"`}, {`"SHA2_256"`, `null`},
		{`"signature"`, `"dsseEnvelope":null,"signature"`},
		{`="},"signature"`, `"},"signature"`}, {`"}}`, `"},"dsseEnvelope":null}`}, {`"digest":"`, `"digest":"AAAA`},
	} {
		f.Add([]byte(strings.Replace(data, edit[0], edit[1], 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := v.VerifyBlob(t.Context(), strings.NewReader(file), verify.Descriptor{Data: data}); err != nil {
			return
		}
		// Left to those who ask for it, as above; and a digest that is not there is no wrong one.
		if bytes.Contains(data, []byte("tlogEntries")) || bytes.Contains(data, []byte("timestampVerificationData")) ||
			!bytes.Contains(data, []byte("messageDigest")) {
			return
		}
		if _, err := check(data, sgverify.WithArtifact(strings.NewReader(file))); err != nil {
			t.Fatalf("only we accept %s: %v", data, err)
		}
	})
}

type sslVerifier struct{ signature.Verifier }

func (v sslVerifier) Verify(_ context.Context, data, sig []byte) error {
	return v.VerifySignature(bytes.NewReader(sig), bytes.NewReader(data))
}
func (v sslVerifier) KeyID() (string, error)   { return "", nil }
func (v sslVerifier) Public() crypto.PublicKey { return nil }

// A bare envelope, read by go-securesystemslib and by us. What we accept, it accepts, with the same payload.
func FuzzEnvelopeAgainstSecureSystemsLib(f *testing.F) {
	key, v, _ := fuzzKey(f)
	sv, err := signature.LoadVerifier(key.Public(), crypto.SHA256)
	if err != nil {
		f.Fatal(err)
	}
	second, err := ssldsse.NewEnvelopeVerifier(sslVerifier{sv})
	if err != nil {
		f.Fatal(err)
	}
	payload := strings.Replace(facts, "8b39cbbb0c1b4e15c7b19ad4e36fbc2ea3a4d5fd6e8f11bb2b4e7d6a2b9c8f11", image.Digest.Encoded(), 1)
	sig := base64.StdEncoding.EncodeToString(signRaw(f, key, pae("application/vnd.in-toto+json", payload)))
	data := `{"payload":"` + base64.StdEncoding.EncodeToString([]byte(payload)) + `","payloadType":"application/vnd.in-toto+json",` +
		`"signatures":[{"sig":"` + sig + `"}]}`
	accepted(f, v, "application/vnd.dsse.envelope.v1+json", []byte(data))
	for _, edit := range [][2]string{
		{"", ""}, {`"sig"`, `"keyid":"x","sig"`}, {`[{`, `[{"sig":"AA=="},{`}, {`"payload":`, `"Payload":"e30=","payload":`},
		{`"payload":`, `"payload":"e30=","payload":`},
		{sig, strings.NewReplacer("+", "-", "/", "_").Replace(sig)}, {`{"payload"`, `{"more":[1,{}],"payload"`},
	} {
		f.Add([]byte(strings.Replace(data, edit[0], edit[1], 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, err := v.Verify(t.Context(), image, verify.Descriptor{MediaType: "application/vnd.dsse.envelope.v1+json", Data: data})
		if err != nil {
			return
		}
		var e ssldsse.Envelope
		if err := json.Unmarshal(data, &e); err != nil {
			t.Fatalf("only we read %s: %v", data, err)
		}
		if _, err := second.Verify(t.Context(), &e); err != nil {
			t.Fatalf("only we accept %s: %v", data, err)
		}
		body, err := e.DecodeB64Payload()
		if err != nil || !bytes.Contains(body, ours.Predicate) {
			t.Fatalf("another payload: %s, %v", body, err)
		}
	})
}

// sbomText is JSON of about size bytes that looks like an SBOM.
func sbomText(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"bomFormat":"CycloneDX","components":[`)
	for i := 0; b.Len() < size-200; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"library","name":"module-%d","version":"v1.%d.0","purl":"pkg:golang/example.com/module-%d@v1.%d.0",`+
			`"hashes":[{"alg":"SHA-256","content":"%064x"}]}`, i, i%97, i, i%97, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// One verification of an SBOM with a key, JSON included, by both in turn.
func BenchmarkAgainstSigstoreGo(b *testing.B) {
	for name, size := range map[string]int{"4KiB": 4 << 10, "1MiB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			key, err := sign.GenerateKey(sign.P256)
			if err != nil {
				b.Fatal(err)
			}
			evidence, err := (&sign.BundleSigner{Key: key}).Sign(b.Context(),
				sign.About(image, sign.RawPredicate{Type: predicateType, JSON: sbomText(size)}))
			if err != nil {
				b.Fatal(err)
			}
			v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}
			check := theirs(b, key.Public())
			artifact := digestOf(b, image.Digest)
			ours := func() {
				if _, err := v.Verify(b.Context(), image, evidence); err != nil {
					b.Fatal(err)
				}
			}
			other := func() {
				if _, err := check(evidence.Data, artifact); err != nil {
					b.Fatal(err)
				}
			}
			var t1, t2 time.Duration
			for b.Loop() {
				start := time.Now()
				ours()
				t1 += time.Since(start)
				start = time.Now()
				other()
				t2 += time.Since(start)
			}
			b.ReportMetric(float64(t2)/float64(t1), "x-faster")
			b.ReportMetric(testing.AllocsPerRun(5, other)/testing.AllocsPerRun(5, ours), "x-fewer-allocs")
		})
	}
}
