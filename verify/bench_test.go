package verify_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// sbomText is JSON of about size bytes that looks like an SBOM: many objects of short strings.
func sbomText(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"bomFormat":"CycloneDX","components":[`)
	for i := 0; b.Len() < size-300; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"library","name":"module-%d","version":"v1.%d.0","purl":"pkg:golang/example.com/module-%d@v1.%d.0",`+
			`"hashes":[{"alg":"SHA-256","content":"%064x"}]}`, i, i%97, i, i%97, i)
	}
	b.WriteString(`],"note":"` + strings.Repeat("x", max(0, size-b.Len()-12)) + `"}`)
	return b.Bytes()
}

func signedSBOM(b testing.TB, a sign.Algorithm, size int) (*verify.KeyVerifier, *sign.LocalKey, verify.Descriptor) {
	b.Helper()
	key, err := sign.GenerateKey(a)
	if err != nil {
		b.Fatal(err)
	}
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(b.Context(),
		sign.About(subject, sign.RawPredicate{Type: "https://cyclonedx.org/bom", JSON: sbomText(size)}))
	if err != nil {
		b.Fatal(err)
	}
	return trusting(nil, key), key, evidence
}

// alternate runs two things in turn, so that the noise of the machine meets both, and reports the ratio of their times:
// of the lower quartiles, which other work on the machine moves least.
func alternate(b *testing.B, ours func(), floor ...func()) {
	var t1, t2 []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		ours()
		t1 = append(t1, time.Since(start))
		start = time.Now()
		for _, f := range floor {
			f()
		}
		t2 = append(t2, time.Since(start))
	}
	quartile := func(t []time.Duration) float64 {
		slices.Sort(t)
		return float64(t[len(t)/4]) / float64(time.Microsecond)
	}
	b.ReportMetric(quartile(t1)/quartile(t2), "x-of-floor")
	b.ReportMetric(quartile(t1), "us-ours")
	b.ReportMetric(quartile(t2), "us-floor")
}

// A 4 KiB statement against bare ECDSA and SHA-256.
func BenchmarkVerify4KiB(b *testing.B) {
	v, key, evidence := signedSBOM(b, sign.P256, 4<<10)
	var e struct{ payload, sig []byte }
	text := string(evidence.Data)
	cut := func(before string) []byte {
		_, rest, _ := strings.Cut(text, before)
		value, _, _ := strings.Cut(rest, `"`)
		out, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			b.Fatal(err)
		}
		return out
	}
	e.payload, e.sig = cut(`"payload":"`), cut(`"sig":"`)
	pae := dsse.PAE(dsse.PayloadType, e.payload)
	pub := key.Public().(*ecdsa.PublicKey)
	alternate(b, func() {
		if _, err := v.Verify(b.Context(), subject, evidence); err != nil {
			b.Fatal(err)
		}
	}, func() {
		sum := sha256.Sum256(pae)
		if !ecdsa.VerifyASN1(pub, sum[:], e.sig) {
			b.Fatal("the floor does not hold")
		}
	})
}

// A hundred keys against one: with a hint, which a bundle has, and without, where each must be tried.
func BenchmarkKeys100(b *testing.B) {
	one, key, evidence := signedSBOM(b, sign.P256, 4<<10)
	many := &verify.KeyVerifier{Formats: allFormats}
	for range 99 {
		_, k := newKey(b, sign.P256)
		many.Keys = append(many.Keys, k)
	}
	many.Keys = append(many.Keys, one.Keys...)
	bare, err := (&sign.DSSESigner{Key: key}).Sign(b.Context(),
		sign.About(subject, sign.RawPredicate{Type: "https://cyclonedx.org/bom", JSON: sbomText(4 << 10)}))
	if err != nil {
		b.Fatal(err)
	}
	one.Formats = allFormats
	for name, e := range map[string]verify.Descriptor{"hint": evidence, "no hint": bare} {
		b.Run(name, func(b *testing.B) {
			verifyWith := func(v *verify.KeyVerifier) func() {
				return func() {
					if _, err := v.Verify(b.Context(), subject, e); err != nil {
						b.Fatal(err)
					}
				}
			}
			alternate(b, verifyWith(many), verifyWith(one))
		})
	}
}

// A 10 MiB SBOM against base64, SHA-256 and one strict scan of the payload, each alone.
func BenchmarkVerify10MiB(b *testing.B) {
	v, _, evidence := signedSBOM(b, sign.P256, 10<<20)
	text := string(evidence.Data)
	_, rest, _ := strings.Cut(text, `"payload":"`)
	encoded, _, _ := strings.Cut(rest, `"`)
	payload, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		b.Fatal(err)
	}
	alternate(b, func() {
		if _, err := v.Verify(b.Context(), subject, evidence); err != nil {
			b.Fatal(err)
		}
	}, func() {
		if _, err := base64.StdEncoding.DecodeString(encoded); err != nil {
			b.Fatal(err)
		}
	}, func() {
		sha256.Sum256(payload)
	}, func() {
		if err := strictjson.Check(payload, strictjson.Limits{}); err != nil {
			b.Fatal(err)
		}
	})
	b.ReportMetric(float64(allocated(b, v, evidence))/float64(len(payload)), "x-payload-memory")
}

// allocated returns the bytes that one verification allocates, live or not, which bounds its peak from above.
func allocated(t testing.TB, v *verify.KeyVerifier, evidence verify.Descriptor) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := v.Verify(t.Context(), subject, evidence); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A statement is decoded once, and its predicate is a view of that, also for a key that signs the whole message.
func TestMemory(t *testing.T) {
	const size = 4 << 20
	for _, a := range []sign.Algorithm{sign.P256, sign.RSA2048, sign.Ed25519} {
		v, _, evidence := signedSBOM(t, a, size)
		if got := allocated(t, v, evidence); got > size*3/2 {
			t.Errorf("algorithm %d: %d bytes allocated for a statement of %d", a, got, size)
		}
	}
}

// A thousand candidates of which one is good, against a thousand bare ECDSA verifications.
func BenchmarkCollect1000(b *testing.B) {
	v, key, good := signedSBOM(b, sign.P256, 4<<10)
	stranger, err := sign.GenerateKey(sign.P256)
	if err != nil {
		b.Fatal(err)
	}
	foreign, err := (&sign.BundleSigner{Key: stranger}).Sign(b.Context(), sign.About(subject, sign.ImageSignature{}))
	if err != nil {
		b.Fatal(err)
	}
	src := verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			for i := range 1000 {
				d := foreign
				if i == 999 {
					d = good
				}
				if !yield(d, nil) {
					return
				}
			}
		}
	})
	sum := sha256.Sum256(good.Data)
	sig, err := key.Sign(b.Context(), sum[:], crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	pub := key.Public().(*ecdsa.PublicKey)
	alternate(b, func() {
		if r := verify.Collect(b.Context(), subject, src, v); len(r.Attestations) != 1 || len(r.Rejected) != 999 {
			b.Fatal("the good one is not found")
		}
	}, func() {
		for range 1000 {
			if !ecdsa.VerifyASN1(pub, sum[:], sig) {
				b.Fatal("the floor does not hold")
			}
		}
	})
}

// hostile are candidates that cost much before any signature holds, as anybody can attach them who may push.
func hostile(b testing.TB) map[string]func() error {
	const size = 30 << 20
	var members bytes.Buffer
	members.WriteString(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":""},` +
		`"tlogEntries":[{`)
	for i := 0; members.Len() < size; i++ {
		fmt.Fprintf(&members, `"%x":0,`, i)
	}
	members.WriteString(`"":0}]},"dsseEnvelope":{"payload":"e30=","payloadType":"x","signatures":[{"sig":"AAAA"}]}}`)
	// in as many objects as it takes to have none too large
	objects := bytes.ReplaceAll(members.Bytes(), []byte(`ff":0,`), []byte(`ff":0},{`))
	envelope := func(sigs int, mediaType string) []byte {
		sig := base64.StdEncoding.EncodeToString(make([]byte, 64))
		payload := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("a"), size*3/4))
		return []byte(`{"payload":"` + payload + `","payloadType":"` + mediaType + `","signatures":[` +
			strings.TrimSuffix(strings.Repeat(`{"sig":"`+sig+`"},`, sigs), ",") + `]}`)
	}
	const inToto = "application/vnd.in-toto+json"
	signatures := envelope(8, inToto)
	var ed, p256 []verify.TrustedKey
	for range 10 {
		k, trusted := newKey(b, sign.Ed25519)
		_ = k
		trusted.Schemes = []verify.Scheme{verify.PureEd25519, verify.Ed25519ph}
		ed = append(ed, trusted)
	}
	_, one := newKey(b, sign.P256)
	p256 = append(p256, one)
	try := func(mediaType string, data []byte, keys []verify.TrustedKey) func() error {
		v := &verify.KeyVerifier{Keys: keys, Formats: allFormats}
		d := content(mediaType, data)
		return func() error { _, err := v.Verify(b.Context(), subject, d); return err }
	}
	return map[string]func() error{
		"members of one object":       try(bundleType, members.Bytes(), p256),
		"members of many objects":     try(bundleType, objects, p256),
		"Ed25519 keys and signatures": try(dsseType, signatures, ed),
		"one P-256 key":               try(dsseType, signatures, p256),
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, try := range hostile(b) {
		b.Run(name, func(b *testing.B) {
			least := time.Hour
			for b.Loop() {
				start := time.Now()
				if err := try(); err == nil {
					b.Fatal("accepted")
				}
				least = min(least, time.Since(start))
			}
			b.ReportMetric(float64(least.Milliseconds()), "ms-least")
		})
	}
}
