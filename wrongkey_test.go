package lading_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/scheme"
	"github.com/ladingdev/lading/internal/scheme/signing"
	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/opencontainers/go-digest"
)

// wrongKey is a key that does something else than it was asked for, as devices and handles do.
type wrongKey struct {
	crypto.Signer
	sign func(data []byte, opts crypto.SignerOpts) ([]byte, error)
}

func (k wrongKey) Sign(_ context.Context, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.sign(data, opts)
}

// wrongAnswers are what such keys give back, each for the types of key that it can be of.
func wrongAnswers(right, other crypto.Signer) map[string]func([]byte, crypto.SignerOpts) ([]byte, error) {
	answers := map[string]func([]byte, crypto.SignerOpts) ([]byte, error){
		"garbage": func([]byte, crypto.SignerOpts) ([]byte, error) { return []byte(strings.Repeat("\x01", 70)), nil },
		"nothing": func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, nil },
		"another key's signature": func(data []byte, opts crypto.SignerOpts) ([]byte, error) {
			return other.Sign(rand.Reader, data, opts)
		},
		"another message's signature": func(data []byte, opts crypto.SignerOpts) ([]byte, error) {
			data[0] ^= 1 // in place: what is verified afterwards must not be this
			return right.Sign(rand.Reader, data, opts)
		},
		"a tail": func(data []byte, opts crypto.SignerOpts) ([]byte, error) {
			sig, err := right.Sign(rand.Reader, data, opts)
			return append(sig, 0), err
		},
	}
	switch key := right.(type) {
	case *ecdsa.PrivateKey:
		answers["r||s"] = func(data []byte, _ crypto.SignerOpts) ([]byte, error) {
			r, s, err := ecdsa.Sign(rand.Reader, key, data)
			n := (key.Params().BitSize + 7) / 8
			return append(r.FillBytes(make([]byte, n)), s.FillBytes(make([]byte, n))...), err
		}
	case *rsa.PrivateKey:
		answers["the other padding"] = func(data []byte, opts crypto.SignerOpts) ([]byte, error) {
			if _, pss := opts.(*rsa.PSSOptions); pss {
				return rsa.SignPKCS1v15(nil, key, opts.HashFunc(), data)
			}
			return rsa.SignPSS(rand.Reader, key, opts.HashFunc(), data, nil)
		}
		answers["PSS with another salt"] = func(data []byte, opts crypto.SignerOpts) ([]byte, error) {
			return rsa.SignPSS(rand.Reader, key, opts.HashFunc(), data, &rsa.PSSOptions{SaltLength: 20})
		}
	case ed25519.PrivateKey:
		answers["Ed25519ph"] = func(data []byte, _ crypto.SignerOpts) ([]byte, error) {
			h := crypto.SHA512.New()
			h.Write(data)
			return key.Sign(nil, h.Sum(nil), &ed25519.Options{Hash: crypto.SHA512})
		}
	}
	return answers
}

// Whatever a key gives back, no signer hands out what does not verify. What is handed out by the right key does, so that the
// refusals mean something. The authority that is to stamp a signature is not asked for one that does not hold.
func TestKeysThatMisbehave(t *testing.T) {
	asked := 0
	authority := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer authority.Close()
	image := sign.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("an image"), Size: 8}
	st, named := sign.About(image, sign.ImageSignature{}), sign.About(image, sign.ImageSignature{})
	named.Subjects[0].Name = "registry.example.com/acme/app:v1"
	ec := func() crypto.Signer { return sure(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }
	pair := func() crypto.Signer { return sure(rsa.GenerateKey(rand.Reader, 2048)) }
	ed := func() crypto.Signer { return ed25519.NewKeyFromSeed(sure(io.ReadAll(io.LimitReader(rand.Reader, 32)))) }
	for _, generate := range []func() crypto.Signer{ec, pair, ed} {
		right, other := generate(), generate()
		chain, err := selfSigned(right)
		signers := func(key sign.Key) map[string]func() (sign.Descriptor, error) {
			of := func(s sign.Signer) func() (sign.Descriptor, error) {
				return func() (sign.Descriptor, error) { return s.Sign(t.Context(), st) }
			}
			out := map[string]func() (sign.Descriptor, error){
				"bundle": of(&sign.BundleSigner{Key: key}), "DSSE": of(&sign.DSSESigner{Key: key}),
				"simple signing": func() (sign.Descriptor, error) { return (&sign.CosignSigner{Key: key}).Sign(t.Context(), named) },
				"file": func() (sign.Descriptor, error) {
					return (&sign.BundleSigner{Key: key}).SignBlob(t.Context(), strings.NewReader("a file"))
				},
			}
			if _, isRSA := right.(*rsa.PrivateKey); isRSA {
				out["DSSE by PSS"] = of(&sign.DSSESigner{Key: key, Scheme: sign.SHA256WithRSAPSS})
			}
			if err == nil {
				out["JWS"] = of(&signnotary.Signer{Key: key, Chain: chain})
				out["COSE"] = of(&signnotary.Signer{Key: key, Chain: chain, Format: signnotary.COSE})
			}
			return out
		}
		for name, sign := range signers(sign.FromSigner(right)) {
			if _, err := sign(); err != nil {
				t.Errorf("%T, %s: %v", right, name, err)
			}
		}
		for answer, give := range wrongAnswers(right, other) {
			for name, do := range signers(wrongKey{right, give}) {
				d, err := do()
				if !errors.Is(err, sign.ErrSignature) || d.Data != nil {
					t.Errorf("%T, %s, %s: %d bytes handed out, %v", right, name, answer, len(d.Data), err)
				}
			}
			if err != nil {
				continue
			}
			stamped := &signnotary.Signer{Key: wrongKey{right, give}, Chain: chain, TSA: authority.URL, TSARoots: chain}
			if _, err := stamped.Sign(t.Context(), st); !errors.Is(err, sign.ErrSignature) || asked > 0 {
				t.Errorf("%T, %s: the authority was asked %d times: %v", right, answer, asked, err)
			}
		}
	}
}

// selfSigned is a certificate for Notary Project, which has no Ed25519.
func selfSigned(key crypto.Signer) ([]*x509.Certificate, error) {
	if _, ok := key.(ed25519.PrivateKey); ok {
		return nil, errors.ErrUnsupported
	}
	name := pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}, CommonName: "a signer"}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return []*x509.Certificate{cert}, err
}

// What every signature of every signer pays for being verified before it is handed out, in verifications of the same run: a key
// that answers at once is asked.
func BenchmarkVerifyAfterSigning(b *testing.B) {
	key := sure(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	sum := scheme.ECDSAWithSHA256.Digest([]byte("a message"))
	sig := sure(key.Sign(rand.Reader, sum, crypto.SHA256))
	atOnce := wrongKey{key, func([]byte, crypto.SignerOpts) ([]byte, error) { return sig, nil }}
	least := func(best *time.Duration, f func()) {
		begin := time.Now()
		f()
		if d := time.Since(begin); *best == 0 || d < *best {
			*best = d
		}
	}
	var signed, verified time.Duration
	for b.Loop() {
		least(&signed, func() { sure(signing.Sign(b.Context(), scheme.ECDSAWithSHA256, atOnce, &key.PublicKey, sum)) })
		least(&verified, func() {
			if !ecdsa.VerifyASN1(&key.PublicKey, sum, sig) {
				b.Fatal("does not hold")
			}
		})
	}
	b.ReportMetric(float64(signed)/float64(verified), "verifies/signature")
}
