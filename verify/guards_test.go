package verify_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"filippo.io/mldsa"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

var guarded = verify.Descriptor{Digest: digest.FromString("an image")}

// ML-DSA hashes a message for each key and signature, as Ed25519 does, and is bounded as that is.
func TestWholeMessagesAreBounded(t *testing.T) {
	var keys []verify.TrustedKey
	for range 3 {
		k, err := mldsa.GenerateKey(mldsa.MLDSA44())
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, verify.TrustedKey{Key: k.Public()})
	}
	stranger, err := mldsa.GenerateKey(mldsa.MLDSA44())
	if err != nil {
		t.Fatal(err)
	}
	sig, err := stranger.Sign(nil, []byte("another message"), nil)
	if err != nil {
		t.Fatal(err)
	}
	one := fmt.Sprintf(`{"sig":%q}`, base64.StdEncoding.EncodeToString(sig))
	data := fmt.Appendf(nil, `{"payloadType":"application/vnd.in-toto+json","payload":%q,"signatures":[%s]}`,
		base64.StdEncoding.EncodeToString(make([]byte, 1<<20)), strings.Repeat(one+",", 7)+one)
	evidence := verify.Descriptor{MediaType: "application/vnd.dsse.envelope.v1+json", Data: data}
	v := &verify.KeyVerifier{Keys: keys, Formats: []verify.Format{verify.DSSE}, Limits: verify.Limits{WholeBytes: 4 << 20}}
	if _, err := v.Verify(t.Context(), guarded, evidence); !errors.Is(err, verify.ErrLimit) {
		t.Error(err)
	}
	v.Limits.WholeBytes = 25 << 20
	if _, err := v.Verify(t.Context(), guarded, evidence); !errors.Is(err, verify.ErrNotTrusted) {
		t.Error(err)
	}
}

// The refusal of a hash that the key's owner did not list says so however many keys are trusted, if the evidence names the key.
func TestSchemeOfOneAmongManyKeys(t *testing.T) {
	var keys []verify.TrustedKey
	var last *ecdsa.PrivateKey
	for range 40 {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		last, keys = k, append(keys, verify.TrustedKey{Key: k.Public()})
	}
	evidence, err := (&sign.BundleSigner{Key: sign.FromSigner(last), Scheme: sign.ECDSAWithSHA512}).Sign(t.Context(),
		sign.About(guarded, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&verify.KeyVerifier{Keys: keys}).Verify(t.Context(), guarded, evidence)
	if !errors.Is(err, verify.ErrNotTrusted) || errors.Is(err, verify.ErrTampered) || !strings.Contains(err.Error(), "ECDSA-SHA512") {
		t.Error(err)
	}
}

// What is nil is an error, not the end of the program.
func TestNothingIsNoPanic(t *testing.T) {
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}
	file, err := (&sign.BundleSigner{Key: key}).SignBlob(t.Context(), strings.NewReader("a file"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.VerifyBlob(t.Context(), nil, file); !errors.Is(err, verify.ErrUnchecked) {
		t.Errorf("no file: %v", err)
	}
	empty := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: &ecdsa.PublicKey{Curve: elliptic.P256()}}}}
	if _, err := empty.VerifyBlob(t.Context(), strings.NewReader("a file"), file); err == nil || empty.Validate() == nil {
		t.Errorf("an empty key: %v", err)
	}
	none := func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] { return nil }
	for name, src := range map[string]verify.Source{"a nil SourceFunc": verify.SourceFunc(nil), "no sequence": verify.SourceFunc(none)} {
		if r := verify.Collect(t.Context(), guarded, src, v); len(r.Incomplete) != 1 {
			t.Errorf("%s: %v", name, r)
		}
	}
	var report *verify.Report
	if report.Superseded() != nil || report.SupersededBy(nil) != nil || new(verify.Report).SupersededBy(nil) != nil {
		t.Error("nothing supersedes something")
	}
}
