package notary_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"github.com/notaryproject/notation-core-go/signature"
	"github.com/opencontainers/go-digest"
	gocose "github.com/veraison/go-cose"
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
	chain, _ := newChainFrom(t, key, edit)
	return chain
}

// newChainFrom returns the root's key too.
func newChainFrom(t testing.TB, key crypto.Signer, edit func(leaf *x509.Certificate)) ([]*x509.Certificate, *ecdsa.PrivateKey) {
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
	return []*x509.Certificate{leaf, root}, rootKey
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
	sizes := []int{2048, 3072}
	if os.Getenv("LADING_HEAVY") != "" { // making it takes a second
		sizes = append(sizes, 4096)
	}
	for _, bits := range sizes {
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
				if bare, err := (verify.TrustedKey{Key: key.Public()}).Identity(); err != nil || a.Signers[0].Key != bare.Key {
					t.Errorf("key %s, want %s, %v", a.Signers[0].Key, bare.Key, err) // by which a threshold knows it again
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
			{signature.Attribute{Key: "io.cncf.notary.verificationPlugin", Critical: true, Value: "com.example.plugin"},
				verify.ErrNotTrusted},
			{signature.Attribute{Key: "io.cncf.notary.verificationPlugin", Critical: false, Value: "com.example.plugin"},
				verify.ErrMalformed},
		} {
			if _, err := v.Verify(t.Context(), image, make(c.a)); !errors.Is(err, c.want) {
				t.Errorf("%s: attribute %+v: %v", mediaType, c.a, err)
			}
		}
	}
}

// forge signs any protected header and payload with ES256, and puts any chain beside.
func forge(key *ecdsa.PrivateKey, chain []*x509.Certificate, header, payload string) string {
	return forgeWith(chain, header, payload, func(message []byte) []byte {
		sig, _, err := authority{key, chain}.Sign(message)
		return must(sig, err)
	})
}

func forgeWith(chain []*x509.Certificate, header, payload string, sign func([]byte) []byte) string {
	b := base64.RawURLEncoding
	p, h := b.EncodeToString([]byte(payload)), b.EncodeToString([]byte(header))
	var certs [][]byte
	for _, c := range chain {
		certs = append(certs, c.Raw)
	}
	return fmt.Sprintf(`{"payload":%q,"protected":%q,"header":{"x5c":%s},"signature":%q}`, p, h, must(json.Marshal(certs)),
		b.EncodeToString(sign([]byte(h+"."+p))))
}

// The key fixes the algorithm, and its encoding (signature specification, "Algorithm Selection").
func TestAlgorithms(t *testing.T) {
	p256, p384, p224 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	small, large, odd := must(rsa.GenerateKey(rand.Reader, 1024)), must(rsa.GenerateKey(rand.Reader, 2048)),
		must(rsa.GenerateKey(rand.Reader, 2560))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hashed := func(h crypto.Hash, message []byte) []byte {
		d := h.New()
		d.Write(message)
		return d.Sum(nil)
	}
	raw := func(key *ecdsa.PrivateKey, h crypto.Hash, n int) func([]byte) []byte {
		return func(m []byte) []byte {
			r, s, err := ecdsa.Sign(rand.Reader, key, hashed(h, m))
			if err != nil {
				t.Fatal(err)
			}
			return append(r.FillBytes(make([]byte, n)), s.FillBytes(make([]byte, n))...)
		}
	}
	by := func(key crypto.Signer, opts crypto.SignerOpts) func([]byte) []byte {
		return func(m []byte) []byte {
			if h := opts.HashFunc(); h != 0 {
				m = hashed(h, m)
			}
			return must(key.Sign(rand.Reader, m, opts))
		}
	}
	pss := func(h crypto.Hash) *rsa.PSSOptions {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
	}
	symmetric := func(key *ecdsa.PrivateKey) func([]byte) []byte {
		return func(m []byte) []byte {
			h := hmac.New(sha256.New, must(x509.MarshalPKIXPublicKey(key.Public())))
			h.Write(m)
			return h.Sum(nil)
		}
	}
	payload := fmt.Sprintf(`{"targetArtifact":{"mediaType":%q,"digest":%q,"size":%d}}`, image.MediaType, image.Digest, image.Size)
	for name, tt := range map[string]struct {
		alg  string
		key  crypto.Signer
		sign func([]byte) []byte
		good bool
	}{
		"ES256":                      {"ES256", p256, raw(p256, crypto.SHA256, 32), true},
		"ES384":                      {"ES384", p384, raw(p384, crypto.SHA384, 48), true},
		"PS256":                      {"PS256", large, by(large, pss(crypto.SHA256)), true},
		"ES256 in ASN.1":             {"ES256", p256, by(p256, crypto.SHA256), false},
		"ES256, wider":               {"ES256", p256, raw(p256, crypto.SHA256, 33), false},
		"ES256 by P-384":             {"ES256", p384, raw(p384, crypto.SHA256, 48), false},
		"ES384 with SHA-256":         {"ES384", p384, raw(p384, crypto.SHA256, 48), false},
		"ES384 by P-256":             {"ES384", p256, raw(p256, crypto.SHA384, 32), false},
		"ES256 by P-224":             {"ES256", p224, raw(p224, crypto.SHA256, 28), false},
		"ES256 of zeros":             {"ES256", p256, func([]byte) []byte { return make([]byte, 64) }, false},
		"nothing":                    {"ES256", p256, func([]byte) []byte { return nil }, false},
		"none":                       {"none", p256, func([]byte) []byte { return nil }, false},
		"none, and a signature":      {"none", p256, raw(p256, crypto.SHA256, 32), false},
		"HS256 with the public key":  {"HS256", p256, symmetric(p256), false},
		"EdDSA":                      {"EdDSA", ed, by(ed, crypto.Hash(0)), false},
		"RS256":                      {"RS256", large, by(large, crypto.SHA256), false},
		"PS256 that is PKCS #1 v1.5": {"PS256", large, by(large, crypto.SHA256), false},
		"PS384 by RSA-2048":          {"PS384", large, by(large, pss(crypto.SHA384)), false},
		"PS256 with SHA-384":         {"PS256", large, by(large, pss(crypto.SHA384)), false},
		"PS256 by RSA-1024":          {"PS256", small, by(small, pss(crypto.SHA256)), false},
		"PS256 by RSA-2560":          {"PS256", odd, by(odd, pss(crypto.SHA256)), false},
		"PS256 by an EC key":         {"PS256", p256, by(large, pss(crypto.SHA256)), false},
	} {
		chain := newChain(t, tt.key, nil)
		header := fmt.Sprintf(`{"alg":%q,"cty":"application/vnd.cncf.notary.payload.v1+json","crit":["io.cncf.notary.signingScheme"],`+
			`"io.cncf.notary.signingScheme":"notary.x509","io.cncf.notary.signingTime":%q}`, tt.alg, epoch.UTC().Format(time.RFC3339))
		data := forgeWith(chain, header, payload, tt.sign)
		a, err := verifier(chain).Verify(t.Context(), image, verify.Descriptor{MediaType: "application/jose+json", Data: []byte(data)})
		if tt.good != (err == nil) || tt.good != (a != nil) || err != nil && !errors.Is(err, verify.ErrTampered) &&
			!errors.Is(err, verify.ErrMalformed) {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
}

// A chain that the specification does not let sign is refused by both sides (signature specification, "Certificate
// Requirements").
func TestChains(t *testing.T) {
	unknown := pkix.Extension{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}
	usage := func(critical bool, bits byte) pkix.Extension {
		return pkix.Extension{Id: []int{2, 5, 29, 15}, Critical: critical, Value: []byte{3, 2, 7, bits}}
	}
	ca := func(critical bool) pkix.Extension {
		return pkix.Extension{Id: []int{2, 5, 29, 19}, Critical: critical, Value: []byte{0x30, 3, 1, 1, 0xff}}
	}
	more := func(c *x509.Certificate, e ...pkix.Extension) { c.ExtraExtensions = append(c.ExtraExtensions, e...) }
	for name, tt := range map[string]struct {
		edit func(leaf, middle, root *x509.Certificate)
		cut  func(chain []*x509.Certificate) []*x509.Certificate
		good bool
	}{
		"good":            {good: true},
		"without purpose": {edit: func(l, _, _ *x509.Certificate) { l.ExtKeyUsage = nil }, good: true},
		"for any purpose": {edit: func(l, _, _ *x509.Certificate) {
			l.ExtKeyUsage = append(l.ExtKeyUsage, x509.ExtKeyUsageAny)
		}},
		"for TLS too": {edit: func(l, _, _ *x509.Certificate) {
			l.ExtKeyUsage = append(l.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		}},
		"for time": {edit: func(l, _, _ *x509.Certificate) {
			l.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}
		}},
		"leaf without key usage":        {edit: func(l, _, _ *x509.Certificate) { l.KeyUsage = 0 }},
		"leaf's key usage not critical": {edit: func(l, _, _ *x509.Certificate) { l.KeyUsage = 0; more(l, usage(false, 0x80)) }},
		"leaf encrypts too":             {edit: func(l, _, _ *x509.Certificate) { l.KeyUsage |= x509.KeyUsageKeyEncipherment }},
		"leaf signs certificates":       {edit: func(l, _, _ *x509.Certificate) { l.KeyUsage |= x509.KeyUsageCertSign }},
		"leaf is an authority":          {edit: func(l, _, _ *x509.Certificate) { l.IsCA, l.BasicConstraintsValid = true, true }},
		"middle is none":                {edit: func(_, m, _ *x509.Certificate) { m.IsCA = false }},
		"middle says nothing":           {edit: func(_, m, _ *x509.Certificate) { m.IsCA, m.BasicConstraintsValid = false, false }},
		"middle says so, not critical":  {edit: func(_, m, _ *x509.Certificate) { m.BasicConstraintsValid = false; more(m, ca(false)) }},
		"middle says so, critical": {edit: func(_, m, _ *x509.Certificate) { m.BasicConstraintsValid = false; more(m, ca(true)) },
			good: true},
		"middle without key usage":   {edit: func(_, m, _ *x509.Certificate) { m.KeyUsage = 0 }},
		"middle signs CRLs alone":    {edit: func(_, m, _ *x509.Certificate) { m.KeyUsage = x509.KeyUsageCRLSign }},
		"root allows no middle":      {edit: func(_, _, r *x509.Certificate) { r.MaxPathLenZero = true }},
		"middle has expired":         {edit: func(_, m, _ *x509.Certificate) { m.NotAfter = epoch.Add(-time.Minute) }},
		"root is not yet":            {edit: func(_, _, r *x509.Certificate) { r.NotBefore = epoch.Add(30 * time.Minute) }},
		"leaf outlives the root":     {edit: func(l, _, r *x509.Certificate) { l.NotAfter = r.NotAfter.Add(time.Hour) }, good: true},
		"leaf with more, critical":   {edit: func(l, _, _ *x509.Certificate) { more(l, unknown) }},
		"middle with more, critical": {edit: func(_, m, _ *x509.Certificate) { more(m, unknown) }},
		"middle limits names": {edit: func(_, m, _ *x509.Certificate) {
			m.PermittedDNSDomainsCritical, m.PermittedDNSDomains = true, []string{"acme.example"}
		}},
		"without root":      {cut: func(c []*x509.Certificate) []*x509.Certificate { return c[:2] }},
		"without middle":    {cut: func(c []*x509.Certificate) []*x509.Certificate { return []*x509.Certificate{c[0], c[2]} }},
		"leaf alone":        {cut: func(c []*x509.Certificate) []*x509.Certificate { return c[:1] }},
		"another order":     {cut: func(c []*x509.Certificate) []*x509.Certificate { return []*x509.Certificate{c[0], c[2], c[1]} }},
		"root twice":        {cut: func(c []*x509.Certificate) []*x509.Certificate { return append(c, c[2]) }},
		"a stranger behind": {cut: func(c []*x509.Certificate) []*x509.Certificate { return append(c, newChain(t, newKey(), nil)[1]) }},
	} {
		t.Run(name, func(t *testing.T) {
			key := newKey().(*ecdsa.PrivateKey)
			keys := []*ecdsa.PrivateKey{key, newKey().(*ecdsa.PrivateKey), newKey().(*ecdsa.PrivateKey)}
			var templates []*x509.Certificate
			for i, cn := range []string{"leaf", "middle", "root"} {
				c := &x509.Certificate{SerialNumber: big.NewInt(int64(i)), NotBefore: epoch.Add(-time.Hour), NotAfter: epoch.Add(time.Hour),
					Subject: pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}, CommonName: cn}}
				if c.IsCA = i > 0; c.IsCA {
					c.BasicConstraintsValid, c.KeyUsage = true, x509.KeyUsageCertSign
				} else {
					c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
				}
				templates = append(templates, c)
			}
			if tt.edit != nil {
				tt.edit(templates[0], templates[1], templates[2])
			}
			chain := make([]*x509.Certificate, 3)
			for i := 2; i >= 0; i-- {
				above := min(i+1, 2)
				parent := templates[above]
				chain[i] = must(x509.ParseCertificate(
					must(x509.CreateCertificate(rand.Reader, templates[i], parent, keys[i].Public(), keys[above]))))
			}
			root := chain[2]
			if tt.cut != nil {
				chain = tt.cut(chain)
			}
			d, err := (&signnotary.Signer{Key: sign.FromSigner(key), Chain: chain}).Sign(t.Context(),
				sign.About(image, sign.ImageSignature{}))
			if tt.good != (err == nil) || !tt.good && (!errors.Is(err, signnotary.ErrChain) || d.Data != nil) {
				t.Errorf("signer: %v", err)
			}
			header := fmt.Sprintf(`{"alg":"ES256","cty":"application/vnd.cncf.notary.payload.v1+json",`+
				`"crit":["io.cncf.notary.signingScheme"],`+
				`"io.cncf.notary.signingScheme":"notary.x509","io.cncf.notary.signingTime":%q}`, epoch.UTC().Format(time.RFC3339))
			payload := fmt.Sprintf(`{"targetArtifact":{"mediaType":%q,"digest":%q,"size":%d}}`, image.MediaType, image.Digest, image.Size)
			data := forge(key, chain, header, payload)
			v := &notary.Verifier{CA: []*x509.Certificate{root}, Identities: trusted}
			a, err := v.Verify(t.Context(), image, verify.Descriptor{MediaType: "application/jose+json", Data: []byte(data)})
			if tt.good != (err == nil) || tt.good != (a != nil) {
				t.Errorf("verifier: %v", err)
			}
			for _, kind := range []error{verify.ErrMalformed, verify.ErrNotTrusted, verify.ErrExpired, verify.ErrNotYet} {
				if errors.Is(err, kind) {
					return
				}
			}
			if err != nil {
				t.Errorf("verifier: an error of no kind: %v", err)
			}
		})
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
	// Only the strict reader stands in the way of what is signed anew.
	seal := func(header, payload string) string { return forge(key.(*ecdsa.PrivateKey), chain, header, payload) }
	header := string(must(base64.RawURLEncoding.DecodeString(env.Protected)))
	payload := string(must(base64.RawURLEncoding.DecodeString(env.Payload)))
	try := func(data string) error {
		_, err := verifier(chain).Verify(t.Context(), image, verify.Descriptor{MediaType: good.MediaType, Data: []byte(data)})
		return err
	}
	if err := try(seal(header, payload)); err != nil {
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
		"protected, crit twice":        seal(strings.Replace(header, `"crit":[`, `"crit":["io.cncf.notary.signingScheme",`, 1), payload),
		"protected, crit of alg":       seal(strings.Replace(header, `"crit":[`, `"crit":["alg",`, 1), payload),
		"protected, crit of nothing":   seal(strings.Replace(header, `"crit":[`, `"crit":["io.cncf.notary.expiry",`, 1), payload),
		"protected, no crit":           seal(strings.Replace(header, `"crit":["io.cncf.notary.signingScheme"]`, `"crit":[]`, 1), payload),
		"protected, null expiry":       seal(insert(header, `"io.cncf.notary.expiry":null`), payload),
		"protected, zero expiry":       seal(insert(header, `"io.cncf.notary.expiry":"0001-01-01T00:00:00Z"`), payload),
		"protected, expiry a number":   seal(insert(header, `"io.cncf.notary.expiry":4102444800`), payload),
		"protected, two times":         seal(insert(header, `"io.cncf.notary.authenticSigningTime":"2022-04-06T07:01:20Z"`), payload),
		"protected, x5c in both":       seal(insert(header, `"x5c":[]`), payload),
		"unprotected, alg in both":     strings.Replace(whole, `"header":{`, `"header":{"alg":"none",`, 1),
		"unprotected, crit in both":    strings.Replace(whole, `"header":{`, `"header":{"crit":[],`, 1),
		"protected, duplicate":         seal(insert(header, `"cty":"x"`), payload),
		"protected, other case":        seal(insert(header, `"IO.CNCF.NOTARY.EXPIRY":"2100-01-01T00:00:00Z"`), payload),
		"payload, duplicate":           seal(header, insert(payload, `"targetArtifact":{}`)),
		"payload, other case":          seal(header, insert(payload, `"TargetArtifact":{}`)),
		"payload, unknown":             seal(header, insert(payload, `"extra":1`)),
		"payload, duplicate in target": seal(header, strings.Replace(payload, `"size":5`, `"size":5,"size":5`, 1)),
		"empty":                        "",
		"null":                         "null",
	} {
		if err := try(data); !errors.Is(err, verify.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, alg := range map[string]string{"none": "none", "symmetric": "HS256", "PKCS #1": "RS256", "PSS": "PS256",
		"another hash": "ES384", "case": "es256", "nothing": ""} {
		if err := try(seal(strings.Replace(header, "ES256", alg, 1), payload)); !errors.Is(err, verify.ErrTampered) &&
			!errors.Is(err, verify.ErrMalformed) {
			t.Errorf("algorithm %s: %v", name, err)
		}
	}
	// A descriptor may say of what type the artifact is (signature specification, "Payload").
	if err := try(seal(header, strings.Replace(payload, `"size":5`, `"size":5,"artifactType":"application/vnd.example"`, 1))); err != nil {
		t.Errorf("artifact type: %v", err)
	}
	// Who made the signature is anybody's word, spelled as old programs do or not.
	if err := try(strings.Replace(whole, `"header":{`, `"header":{"io.cncf.notary.SigningAgent":"x","io.cncf.notary.signingAgent":"y",`,
		1)); err != nil {
		t.Errorf("signing agent: %v", err)
	}
	if err := try(seal(strings.Replace(header, "payload.v1", "payload.v2", 1), payload)); !errors.Is(err, verify.ErrType) {
		t.Errorf("content type: %v", err)
	}
	if err := try(strings.Replace(whole, `"x5c":[`, `"x5c":[`+strings.Repeat(`"AAAA",`, 20000), 1)); !errors.Is(err, verify.ErrLimit) {
		t.Errorf("20,000 certificates: %v", err)
	}
	huge := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 30000), E: 65537}
	template := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: chain[1].Subject}
	slow := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, huge, newKey()))))
	if err := try(forge(key.(*ecdsa.PrivateKey), []*x509.Certificate{chain[0], slow, chain[1]}, header, payload)); !errors.Is(err,
		verify.ErrLimit) {
		t.Errorf("a key of 30,001 bits: %v", err)
	}
	var names, members strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&names, `"com.example.%05d",`, i)
		fmt.Fprintf(&members, `"com.example.%05d":1,`, i)
	}
	for name, h := range map[string]string{
		"attributes": "{" + members.String() + header[1:],
		"critical":   strings.Replace(header, `"crit":[`, `"crit":[`+names.String(), 1),
		"both":       "{" + members.String() + strings.Replace(header, `"crit":[`, `"crit":[`+names.String(), 1)[1:],
	} {
		if err := try(seal(h, payload)); !errors.Is(err, verify.ErrLimit) {
			t.Errorf("10,000 %s: %v", name, err)
		}
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

// head begins a value of CBOR, of a major type.
func head(major byte, n int64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 1<<8:
		return []byte{major<<5 | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
	}
	return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n))
}

func number(n int64) []byte  { return head(0, n) }
func octets(b []byte) []byte { return append(head(2, int64(len(b))), b...) }
func text(s string) []byte   { return append(head(3, int64(len(s))), s...) }
func array(items ...[]byte) []byte {
	return append(head(4, int64(len(items))), bytes.Join(items, nil)...)
}
func object(members ...[]byte) []byte {
	return append(head(5, int64(len(members)/2)), bytes.Join(members, nil)...)
}
func tagged(tag int64, b []byte) []byte { return append(head(6, tag), b...) }

// What the headers of a COSE envelope say is as the specification has it, or the envelope is refused.
func TestCOSEHeaders(t *testing.T) {
	key := newKey().(*ecdsa.PrivateKey)
	chain := newChain(t, key, nil)
	scheme, signing := text("io.cncf.notary.signingScheme"), text("io.cncf.notary.signingTime")
	authentic, expiry, agent := text("io.cncf.notary.authenticSigningTime"), text("io.cncf.notary.expiry"),
		text("io.cncf.notary.signingAgent")
	alg, crit, cty, x5chain := number(1), number(2), number(3), number(33)
	at := tagged(1, number(epoch.Unix()))
	later := tagged(1, number(epoch.Add(time.Hour).Unix()))
	payload := fmt.Appendf(nil, `{"targetArtifact":{"mediaType":%q,"digest":%q,"size":%d}}`, image.MediaType, image.Digest, image.Size)
	certificates := array(octets(chain[0].Raw), octets(chain[1].Raw))

	type member struct{ label, value []byte }
	// header has the members of a good one, with those of the test in their place or more.
	header := func(good []member, edit ...member) []byte {
		var out [][]byte
		for _, m := range good {
			for _, e := range edit {
				if bytes.Equal(e.label, m.label) {
					m.value = e.value
				}
			}
			if m.value != nil {
				out = append(out, m.label, m.value)
			}
		}
		for _, e := range edit {
			if !slices.ContainsFunc(good, func(m member) bool { return bytes.Equal(m.label, e.label) }) {
				out = append(out, e.label, e.value)
			}
		}
		return object(out...)
	}
	protected := []member{{alg, []byte{0x26}}, {crit, array(scheme)}, {cty, text("application/vnd.cncf.notary.payload.v1+json")},
		{scheme, text("notary.x509")}, {signing, at}}
	signedHeader := func(edit ...member) []byte { return header(protected, edit...) }
	unprotected := func(edit ...member) []byte { return header([]member{{x5chain, certificates}}, edit...) }
	authority := []member{{scheme, text("notary.x509.signingAuthority")}, {crit, array(scheme, authentic)}, {signing, nil}, {authentic, at}}
	expires := func(value []byte) []byte {
		return signedHeader(member{crit, array(scheme, expiry)}, member{expiry, value})
	}
	seal := func(protected, unprotected []byte) []byte {
		signer := must(gocose.NewSigner(gocose.AlgorithmES256, key))
		m := gocose.Sign1Message{Headers: gocose.Headers{RawProtected: octets(protected),
			Protected: gocose.ProtectedHeader{gocose.HeaderLabelAlgorithm: gocose.AlgorithmES256}}, Payload: payload}
		if err := m.Sign(rand.Reader, nil, signer); err != nil {
			t.Fatal(err)
		}
		return tagged(18, array(octets(protected), unprotected, octets(payload), octets(m.Signature)))
	}
	good := seal(signedHeader(), unprotected())
	var many [][]byte
	var manyMembers []member
	for i := range int64(10000) {
		many = append(many, number(1000+i))
		manyMembers = append(manyMembers, member{number(1000 + i), number(1)})
	}
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"good":                  {good, nil},
		"good, of an authority": {seal(signedHeader(authority...), unprotected()), nil},
		"good, with an expiry":  {seal(expires(later), unprotected()), nil},
		"good, with an agent":   {seal(signedHeader(), unprotected(member{agent, text("x")})), nil},
		"good, not critical":    {seal(signedHeader(member{text("com.example.x"), number(1)}), unprotected()), nil},
		"unknown and critical": {seal(signedHeader(member{crit, array(scheme, text("x"))}, member{text("x"), number(1)}),
			unprotected()), verify.ErrNotTrusted},
		"unknown number, critical": {seal(signedHeader(member{crit, array(scheme, number(99))}, member{number(99), number(1)}),
			unprotected()), verify.ErrNotTrusted},
		"critical twice":         {seal(signedHeader(member{crit, array(scheme, scheme)}), unprotected()), verify.ErrMalformed},
		"critical, not there":    {seal(signedHeader(member{crit, array(scheme, expiry)}), unprotected()), verify.ErrMalformed},
		"critical, known to all": {seal(signedHeader(member{crit, array(scheme, alg)}), unprotected()), verify.ErrMalformed},
		"critical of nothing":    {seal(signedHeader(member{crit, array()}), unprotected()), verify.ErrMalformed},
		"nothing critical":       {seal(signedHeader(member{crit, nil}), unprotected()), verify.ErrMalformed},
		"critical is text":       {seal(signedHeader(member{crit, scheme}), unprotected()), verify.ErrMalformed},
		"critical unprotected":   {seal(signedHeader(), unprotected(member{crit, array(scheme)})), verify.ErrMalformed},
		"label in both": {seal(signedHeader(member{text("x"), number(1)}), unprotected(member{text("x"), number(1)})),
			verify.ErrMalformed},
		"expiry unprotected":     {seal(signedHeader(), unprotected(member{expiry, later})), verify.ErrMalformed},
		"expiry in both":         {seal(expires(later), unprotected(member{expiry, later})), verify.ErrMalformed},
		"chain in both":          {seal(signedHeader(member{x5chain, certificates}), unprotected()), verify.ErrMalformed},
		"chain protected":        {seal(signedHeader(member{x5chain, certificates}), object()), verify.ErrMalformed},
		"chain of one, as bytes": {seal(signedHeader(), unprotected(member{x5chain, octets(chain[0].Raw)})), verify.ErrMalformed},
		"chain of text":          {seal(signedHeader(), unprotected(member{x5chain, array(text("x"))})), verify.ErrLimit},
		"chain of nothing":       {seal(signedHeader(), unprotected(member{x5chain, array()})), verify.ErrMalformed},
		"chain in other order": {
			seal(signedHeader(), unprotected(member{x5chain, array(octets(chain[1].Raw), octets(chain[0].Raw))})), verify.ErrTampered},
		"chain without root": {seal(signedHeader(), unprotected(member{x5chain, array(octets(chain[0].Raw))})),
			verify.ErrMalformed},
		"root twice": {seal(signedHeader(),
			unprotected(member{x5chain, array(octets(chain[0].Raw), octets(chain[1].Raw), octets(chain[1].Raw))})), verify.ErrMalformed},
		"scheme not known": {seal(signedHeader(member{scheme, text("notary.x509.other")}), unprotected()), verify.ErrMalformed},
		"scheme is a map": {seal(signedHeader(member{scheme, object(number(1), number(1))}), unprotected()),
			verify.ErrMalformed},
		"scheme is bytes": {seal(signedHeader(member{scheme, octets([]byte("notary.x509"))}), unprotected()),
			verify.ErrMalformed},
		"authority's time too": {seal(signedHeader(member{authentic, at}), unprotected()), verify.ErrMalformed},
		"authority's time, critical": {seal(signedHeader(member{authentic, at}, member{crit, array(scheme, authentic)}), unprotected()),
			verify.ErrMalformed},
		"authority, signer's time": {seal(signedHeader(append(slices.Clone(authority[:2]), member{authentic, at})...), unprotected()),
			verify.ErrMalformed},
		"authority, not critical": {seal(signedHeader(member{scheme, text("notary.x509.signingAuthority")}, member{signing, nil},
			member{authentic, at}), unprotected()), verify.ErrMalformed},
		"no time":          {seal(signedHeader(member{signing, nil}), unprotected()), verify.ErrMalformed},
		"time without tag": {seal(signedHeader(member{signing, number(epoch.Unix())}), unprotected()), verify.ErrMalformed},
		"time as text": {seal(signedHeader(member{signing, tagged(0, text(epoch.UTC().Format(time.RFC3339)))}),
			unprotected()), verify.ErrMalformed},
		"expired": {seal(signedHeader(member{crit, array(scheme, expiry)},
			member{expiry, tagged(1, number(epoch.Unix()))}, member{signing, tagged(1, number(epoch.Unix()-60))}), unprotected()),
			verify.ErrExpired},
		"expiry not critical":   {seal(signedHeader(member{expiry, later}), unprotected()), verify.ErrMalformed},
		"expiry without tag":    {seal(expires(number(epoch.Add(time.Hour).Unix())), unprotected()), verify.ErrMalformed},
		"expiry is no number":   {seal(expires(tagged(1, []byte{0xf9, 0x7e, 0x00})), unprotected()), verify.ErrMalformed},
		"expiry is infinite":    {seal(expires(tagged(1, []byte{0xf9, 0x7c, 0x00})), unprotected()), verify.ErrMalformed},
		"expiry is null":        {seal(expires([]byte{0xf6}), unprotected()), verify.ErrMalformed},
		"expiry before signing": {seal(expires(tagged(1, number(epoch.Unix()-1))), unprotected()), verify.ErrMalformed},
		"other content type": {seal(signedHeader(member{cty, text("application/vnd.cncf.notary.payload.v2+json")}),
			unprotected()), verify.ErrType},
		"content type a number": {seal(signedHeader(member{cty, number(50)}), unprotected()), verify.ErrMalformed},
		"no content type":       {seal(signedHeader(member{cty, nil}), unprotected()), verify.ErrMalformed},
		"another algorithm":     {seal(signedHeader(member{alg, []byte{0x38, 0x22}}), unprotected()), verify.ErrTampered},
		"symmetric algorithm":   {seal(signedHeader(member{alg, number(5)}), unprotected()), verify.ErrTampered},
		"algorithm is text":     {seal(signedHeader(member{alg, text("ES256")}), unprotected()), verify.ErrTampered},
		"no algorithm":          {seal(signedHeader(member{alg, nil}), unprotected()), verify.ErrTampered},
		"label twice": {seal(object(scheme, text("notary.x509"), scheme, text("notary.x509")), unprotected()),
			verify.ErrMalformed},
		"map without end":  {seal(append(append([]byte{0xbf}, signedHeader()[1:]...), 0xff), unprotected()), verify.ErrMalformed},
		"no tag":           {good[1:], verify.ErrMalformed},
		"another tag":      {append([]byte{0xd1}, good[1:]...), verify.ErrMalformed},
		"tagged twice":     {tagged(55799, good), verify.ErrMalformed},
		"something behind": {append(slices.Clone(good), 0xf6), verify.ErrMalformed},
		"many critical": {seal(signedHeader(append(manyMembers, member{crit, array(append(many, scheme)...)})...),
			unprotected()), verify.ErrLimit},
		"deep": {seal(signedHeader(member{text("x"), bytes.Repeat([]byte{0x81}, 1000)}), unprotected()),
			verify.ErrMalformed},
	} {
		v := verifier(chain)
		v.SigningAuthority = v.CA
		a, err := v.Verify(t.Context(), image, verify.Descriptor{MediaType: "application/cose", Data: tt.data})
		if !errors.Is(err, tt.want) || (a == nil) != (tt.want != nil) {
			t.Errorf("%s: got %v, %v; want %v", name, a, err, tt.want)
		}
	}
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

// Who waits no more is not made to wait for what is cheap to leave.
func TestCancelled(t *testing.T) {
	key := newKey()
	chain := newChain(t, key, nil)
	evidence := signed(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain})
	why := errors.New("no more time")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	v := &notary.Verifier{CA: chain, Identities: trusted, Revocation: notary.RevocationOffUnsafe}
	if a, err := v.Verify(ctx, image, evidence); !errors.Is(err, verify.ErrUnchecked) || !errors.Is(err, why) {
		t.Errorf("%v, %v", a, err)
	}
}
