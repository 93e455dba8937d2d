package notary_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"github.com/notaryproject/notation-core-go/signature"
	"github.com/opencontainers/go-digest"
)

var (
	image   = verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}
	trusted = []string{"x509.subject: C=US, ST=WA, O=acme"}
	epoch   = time.Now().Truncate(time.Second)
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// newChain makes a root that lasts for a day and a leaf for the key that lasts for an hour.
func newChain(t testing.TB, key crypto.Signer, edit func(leaf *x509.Certificate)) []*x509.Certificate {
	t.Helper()
	rootKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	name := func(cn string) pkix.Name {
		return pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}, CommonName: cn}
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name("root"), NotBefore: epoch.Add(-time.Hour),
		NotAfter: epoch.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	root = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey))))
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: name("leaf"), NotBefore: epoch.Add(-time.Hour),
		NotAfter: epoch.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	if edit != nil {
		edit(leaf)
	}
	leaf = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), rootKey))))
	return []*x509.Certificate{leaf, root}
}

func newKey() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func signed(t testing.TB, s *signnotary.Signer) verify.Descriptor {
	t.Helper()
	d, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func verifier(chain []*x509.Certificate) *notary.Verifier {
	return &notary.Verifier{CA: chain[len(chain)-1:], Identities: trusted}
}

func TestEveryKeyAndFormat(t *testing.T) {
	keys := map[string]crypto.Signer{}
	for _, bits := range []int{2048, 3072, 4096} {
		keys[fmt.Sprint("RSA-", bits)] = must(rsa.GenerateKey(rand.Reader, bits))
	}
	for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		keys[c.Params().Name] = must(ecdsa.GenerateKey(c, rand.Reader))
	}
	for name, key := range keys {
		for _, format := range []signnotary.Format{signnotary.JWS, signnotary.COSE} {
			t.Run(fmt.Sprint(name, "/", format), func(t *testing.T) {
				chain := newChain(t, key, nil)
				s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, Format: format, Expiry: time.Minute}
				st := &sign.Statement{Predicate: sign.ImageSignature{}, Subjects: []sign.Subject{{Descriptor: image,
					Annotations: map[string]string{"build": "42"}}}}
				d, err := s.Sign(t.Context(), st)
				if err != nil {
					t.Fatal(err)
				}
				a, err := verifier(chain).Verify(t.Context(), image, d)
				if err != nil {
					t.Fatal(err)
				}
				if a.Kind != verify.ImageSignature || a.Annotations["build"] != "42" || a.Subject.Digest != image.Digest ||
					len(a.Signers) != 1 || a.Signers[0].TimeSource != verify.TimeClaimed || len(a.Checks) < 7 {
					t.Errorf("%+v", a)
				}
				for i := range d.Data { // no bit of an envelope may change and still be read as another statement
					if i%97 != 0 {
						continue
					}
					broken := d
					broken.Data = append([]byte(nil), d.Data...)
					broken.Data[i] ^= 1
					b, err := verifier(chain).Verify(t.Context(), image, broken)
					if err == nil && (b.Subject.Digest != image.Digest || b.Annotations["build"] != "42") {
						t.Fatalf("byte %d: %+v", i, b)
					}
				}
			})
		}
	}
}

func TestRefusals(t *testing.T) {
	key := newKey()
	chain := newChain(t, key, nil)
	s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, Expiry: time.Minute}
	good := signed(t, s)
	other := newChain(t, newKey(), nil)
	with := func(f func(v *notary.Verifier)) *notary.Verifier { v := verifier(chain); f(v); return v }
	at := func(d time.Duration) *notary.Verifier {
		return with(func(v *notary.Verifier) { v.Now = func() time.Time { return time.Now().Add(d) } })
	}
	named := func(ids ...string) *notary.Verifier { return with(func(v *notary.Verifier) { v.Identities = ids }) }
	ended := signed(t, &signnotary.Signer{Key: s.Key, Chain: chain})
	moved := image
	moved.Digest = digest.FromString("other")
	larger := image
	larger.Size++
	index := image
	index.MediaType = "application/vnd.oci.image.index.v1+json"
	cosed := good
	cosed.MediaType = "application/cose"
	bundle := good
	bundle.MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	for name, c := range map[string]struct {
		v        *notary.Verifier
		subject  verify.Descriptor
		evidence verify.Descriptor
		want     error
	}{
		"zero verifier":         {&notary.Verifier{}, image, good, verify.ErrNotTrusted},
		"no store":              {&notary.Verifier{Identities: trusted}, image, good, verify.ErrNotTrusted},
		"no identity":           {named(), image, good, verify.ErrNotTrusted},
		"other root":            {verifier(other), image, good, verify.ErrNotTrusted},
		"CA in authority store": {&notary.Verifier{SigningAuthority: chain, Identities: trusted}, image, good, verify.ErrNotTrusted},
		"other organisation":    {named("x509.subject: C=US,ST=WA,O=evil"), image, good, verify.ErrNotTrusted},
		"prefix of a name":      {named("x509.subject: C=US,ST=WA,O=acm"), image, good, verify.ErrNotTrusted},
		"other case":            {named("x509.subject: C=US,ST=WA,O=ACME"), image, good, verify.ErrNotTrusted},
		"attribute not in leaf": {named("x509.subject: C=US,ST=WA,O=acme,OU=x"), image, good, verify.ErrNotTrusted},
		"identity too broad":    {named("x509.subject: C=US"), image, good, verify.ErrNotTrusted},
		"wildcard and others":   {named("*", trusted[0]), image, good, verify.ErrNotTrusted},
		"wildcard, other root":  {&notary.Verifier{CA: other, Identities: []string{"*"}}, image, good, verify.ErrNotTrusted},
		"identity in hex":       {named("x509.subject: C=US,ST=WA,O==#0102"), image, good, verify.ErrNotTrusted},
		"one bad identity":      {named(trusted[0], "x509.subject: O"), image, good, verify.ErrNotTrusted},
		"signature expired":     {at(2 * time.Minute), image, good, verify.ErrExpired},
		"certificate expired":   {at(2 * time.Hour), image, ended, verify.ErrExpired},
		"from the future":       {at(-30 * time.Minute), image, good, verify.ErrNotYet},
		"other digest":          {verifier(chain), moved, good, verify.ErrSubject},
		"other size":            {verifier(chain), larger, good, verify.ErrSubject},
		"other media type":      {verifier(chain), index, good, verify.ErrSubject},
		"JWS called COSE":       {verifier(chain), image, cosed, verify.ErrMalformed},
		"another format":        {verifier(chain), image, bundle, verify.ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := c.v.Verify(t.Context(), c.subject, c.evidence)
			if a != nil || !errors.Is(err, c.want) {
				t.Errorf("got %v, %v; want %v", a, err, c.want)
			}
		})
	}
	if _, err := verifier(chain).Verify(t.Context(), image, good); err != nil {
		t.Errorf("the unchanged signature: %v", err)
	}
}

// authority signs with the library, in the scheme of signing authorities and with attributes of the test's choice.
type authority struct {
	key   *ecdsa.PrivateKey
	chain []*x509.Certificate
}

func (a authority) KeySpec() (signature.KeySpec, error) { return signature.ExtractKeySpec(a.chain[0]) }
func (a authority) Sign(m []byte) ([]byte, []*x509.Certificate, error) {
	h := sha256.Sum256(m)
	r, s, err := ecdsa.Sign(rand.Reader, a.key, h[:])
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return sig, a.chain, err
}

func TestSigningAuthority(t *testing.T) {
	key := newKey().(*ecdsa.PrivateKey)
	chain := newChain(t, key, nil)
	payload := fmt.Sprintf(`{"targetArtifact":{"mediaType":%q,"digest":%q,"size":%d}}`, image.MediaType, image.Digest, image.Size)
	for _, mediaType := range []string{"application/jose+json", "application/cose"} {
		make := func(attributes ...signature.Attribute) verify.Descriptor {
			env := must(signature.NewEnvelope(mediaType))
			data := must(env.Sign(&signature.SignRequest{
				Payload: signature.Payload{ContentType: "application/vnd.cncf.notary.payload.v1+json", Content: []byte(payload)},
				Signer:  authority{key, chain}, SigningTime: epoch, SigningScheme: signature.SigningSchemeX509SigningAuthority,
				ExtendedSignedAttributes: attributes,
			}))
			return verify.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
		}
		good := make()
		v := &notary.Verifier{SigningAuthority: chain[1:], Identities: trusted,
			Now: func() time.Time { return epoch.Add(48 * time.Hour) }} // leaf and root have expired: the authority gives the time
		if a, err := v.Verify(t.Context(), image, good); err != nil || a.Signers[0].TimeSource != verify.TimeAuthority {
			t.Errorf("%s: %v, %v", mediaType, a, err)
		}
		asCA := &notary.Verifier{CA: chain, Identities: trusted}
		if _, err := asCA.Verify(t.Context(), image, good); !errors.Is(err, verify.ErrNotTrusted) {
			t.Errorf("%s: authority in the CA store: %v", mediaType, err)
		}
		for _, c := range []struct {
			a    signature.Attribute
			want error
		}{
			{signature.Attribute{Key: "com.example.new", Critical: true, Value: "x"}, verify.ErrNotTrusted},
			{signature.Attribute{Key: "io.cncf.notary.verificationPlugin", Critical: true, Value: "com.example.plugin"}, verify.ErrNotTrusted},
			{signature.Attribute{Key: "io.cncf.notary.verificationPlugin", Critical: false, Value: "com.example.plugin"}, verify.ErrMalformed},
		} {
			if _, err := v.Verify(t.Context(), image, make(c.a)); !errors.Is(err, c.want) {
				t.Errorf("%s: attribute %+v: %v", mediaType, c.a, err)
			}
		}
	}
}

func TestAmbiguousEnvelopes(t *testing.T) {
	key := newKey()
	chain := newChain(t, key, nil)
	good := signed(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain})
	var env struct{ Payload, Protected, Signature string }
	if err := json.Unmarshal(good.Data, &env); err != nil {
		t.Fatal(err)
	}
	// forge signs the header and payload anew: only the strict reader stands in the way.
	forge := func(header, payload string) string {
		b := base64.RawURLEncoding
		p, h := b.EncodeToString([]byte(payload)), b.EncodeToString([]byte(header))
		sig, _, err := authority{key.(*ecdsa.PrivateKey), chain}.Sign([]byte(h + "." + p))
		if err != nil {
			t.Fatal(err)
		}
		c := base64.StdEncoding
		return fmt.Sprintf(`{"payload":%q,"protected":%q,"header":{"x5c":[%q,%q]},"signature":%q}`, p, h,
			c.EncodeToString(chain[0].Raw), c.EncodeToString(chain[1].Raw), b.EncodeToString(sig))
	}
	header := string(must(base64.RawURLEncoding.DecodeString(env.Protected)))
	payload := string(must(base64.RawURLEncoding.DecodeString(env.Payload)))
	try := func(data string) error {
		_, err := verifier(chain).Verify(t.Context(), image, verify.Descriptor{MediaType: good.MediaType, Data: []byte(data)})
		return err
	}
	if err := try(forge(header, payload)); err != nil {
		t.Fatalf("the forge does not make good envelopes: %v", err)
	}
	insert := func(object, member string) string { return "{" + member + "," + object[1:] }
	whole := string(good.Data)
	for name, data := range map[string]string{
		"envelope, duplicate":          insert(whole, `"payload":""`),
		"envelope, other case":         insert(whole, `"Payload":""`),
		"envelope, unknown":            insert(whole, `"signatures":[]`),
		"envelope, trailing":           whole + "{}",
		"unprotected, other case":      strings.Replace(whole, `"x5c"`, `"X5C":[],"x5c"`, 1),
		"protected, duplicate":         forge(insert(header, `"cty":"x"`), payload),
		"protected, other case":        forge(insert(header, `"IO.CNCF.NOTARY.EXPIRY":"2100-01-01T00:00:00Z"`), payload),
		"payload, duplicate":           forge(header, insert(payload, `"targetArtifact":{}`)),
		"payload, other case":          forge(header, insert(payload, `"TargetArtifact":{}`)),
		"payload, unknown":             forge(header, insert(payload, `"extra":1`)),
		"payload, duplicate in target": forge(header, strings.Replace(payload, `"size":5`, `"size":5,"size":5`, 1)),
		"empty":                        "",
		"null":                         "null",
	} {
		if err := try(data); !errors.Is(err, verify.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := try(forge(strings.Replace(header, "payload.v1", "payload.v2", 1), payload)); !errors.Is(err, verify.ErrType) {
		t.Errorf("content type: %v", err)
	}
	if err := try(strings.Replace(whole, `"x5c":[`, `"x5c":[`+strings.Repeat(`"AAAA",`, 20000), 1)); !errors.Is(err, verify.ErrLimit) {
		t.Errorf("20,000 certificates: %v", err)
	}
	if err := try(whole + strings.Repeat(" ", 2<<20)); !errors.Is(err, verify.ErrLimit) {
		t.Errorf("2 MiB: %v", err)
	}
}

func TestRevocation(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
	defer srv.Close()
	key := newKey()
	chain := newChain(t, key, func(leaf *x509.Certificate) { leaf.OCSPServer = []string{srv.URL} })
	d := signed(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain})
	v := verifier(chain)
	v.Client = srv.Client()
	if _, err := v.Verify(t.Context(), image, d); !errors.Is(err, verify.ErrUnchecked) {
		t.Errorf("required: %v", err)
	}
	for _, mode := range []notary.Revocation{notary.RevocationSoft, notary.RevocationOffUnsafe} {
		v.Revocation = mode
		a, err := v.Verify(t.Context(), image, d)
		if err != nil {
			t.Fatal(err)
		}
		if c := a.Checks[len(a.Checks)-1]; c.Name != "revocation" || c.Status != verify.NotChecked || c.Reason == "" {
			t.Errorf("mode %d: %+v", mode, c)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v.Revocation = notary.RevocationRequired
	if _, err := v.Verify(ctx, image, d); !errors.Is(err, verify.ErrUnchecked) {
		t.Errorf("cancelled: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	key := newKey()
	chain := newChain(f, key, nil)
	for _, format := range []signnotary.Format{signnotary.JWS, signnotary.COSE} {
		s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, Format: format}
		d, err := s.Sign(context.Background(), sign.About(image, sign.ImageSignature{}))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(format == signnotary.COSE, d.Data)
	}
	v := verifier(chain)
	v.Revocation = notary.RevocationOffUnsafe
	f.Fuzz(func(t *testing.T, isCOSE bool, data []byte) {
		d := verify.Descriptor{MediaType: "application/jose+json", Data: data}
		if isCOSE {
			d.MediaType = "application/cose"
		}
		if a, err := v.Verify(t.Context(), image, d); err == nil && a.Subject.Digest != image.Digest {
			t.Errorf("another subject: %v", a)
		}
	})
}

func TestHostileCOSE(t *testing.T) {
	key := newKey()
	chain := newChain(t, key, nil)
	d := signed(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, Format: signnotary.COSE})
	x5chain := []byte{0xa1, 0x18, 0x21, 0x82} // the unprotected header: a map of label 33 to an array of two
	if bytes.Count(d.Data, x5chain) != 1 {
		t.Fatal("the envelope is laid out in another way")
	}
	many := append([]byte{0xa1, 0x18, 0x21, 0x99, 0x4e, 0x22}, bytes.Repeat([]byte{0x41, 0x00}, 20000)...)
	for name, c := range map[string]struct {
		header []byte
		want   error
	}{
		"label twice":         {[]byte{0xa2, 0x18, 0x21, 0x80, 0x18, 0x21, 0x82}, verify.ErrMalformed},
		"20,002 certificates": {many, verify.ErrLimit},
	} {
		bad := verify.Descriptor{MediaType: d.MediaType, Data: bytes.Replace(d.Data, x5chain, c.header, 1)}
		if _, err := verifier(chain).Verify(t.Context(), image, bad); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
