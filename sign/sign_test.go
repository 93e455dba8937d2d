package sign_test

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
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/signtest"
	"github.com/opencontainers/go-digest"
)

var algorithms = []sign.Algorithm{sign.P256, sign.P384, sign.P521, sign.RSA2048, sign.RSA3072, sign.Ed25519, sign.MLDSA44, sign.MLDSA65,
	sign.MLDSA87}

func newKey(t testing.TB, a sign.Algorithm) *sign.LocalKey {
	t.Helper()
	key, err := sign.GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var image = sign.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("an image"), Size: 8}

func TestConformance(t *testing.T) {
	for _, a := range algorithms {
		key := newKey(t, a)
		signtest.TestKey(t, key)
		signtest.TestSigner(t, &sign.BundleSigner{Key: key})
		signtest.TestSigner(t, &sign.DSSESigner{Key: key})
		signtest.TestSigner(t, &sign.CosignSigner{Key: key})
	}
}

func heavy() bool { return os.Getenv("LADING_HEAVY") != "" }

// Keys survive every form that they are written in, and the forms that others write are read.
func TestKeyForms(t *testing.T) {
	for _, a := range algorithms {
		key := newKey(t, a)
		plain, err := key.MarshalPEM()
		if err != nil {
			t.Fatal(err)
		}
		forms := map[string][]byte{"PKCS#8": plain, "with space": slices.Concat([]byte("\n\n"), plain, []byte("\n "))}
		if a == sign.P256 || heavy() { // the encryption, which is slow for a purpose, does not know the key's type
			encrypted, err := key.MarshalEncryptedPEM([]byte("secret"))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(encrypted, plain[40:80]) {
				t.Error("the encrypted key is not encrypted")
			}
			forms["encrypted"], forms["old name"] = encrypted, bytes.ReplaceAll(encrypted, []byte("SIGSTORE"), []byte("COSIGN"))
		}
		switch k := key.Signer.(type) {
		case *ecdsa.PrivateKey:
			der, err := x509.MarshalECPrivateKey(k)
			if err != nil {
				t.Fatal(err)
			}
			forms["openssl"] = append(block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}),
				pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})...)
			forms["SEC1"] = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
		case *rsa.PrivateKey:
			forms["PKCS#1"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)})
		}
		for form, data := range forms {
			got, err := sign.ParseKey(data, []byte("secret"))
			if err != nil {
				t.Errorf("%d, %s: %v", a, form, err)
				continue
			}
			if !got.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
				t.Errorf("%d, %s: another key came back", a, form)
			}
		}
	}
}

func TestKeyDoesNotPrint(t *testing.T) {
	for _, a := range []sign.Algorithm{sign.P256, sign.RSA2048, sign.Ed25519} {
		key := newKey(t, a)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
			for _, k := range []any{key, *key, sign.FromSigner(key.Signer)} {
				if got := fmt.Sprintf(verb, k); got != "private key" {
					t.Errorf("%s prints %s", verb, got)
				}
			}
			if got := fmt.Sprintf(verb, struct{ K sign.Key }{key}); !strings.Contains(got, "private key") || len(got) > 40 {
				t.Errorf("%s of a field prints %s", verb, got)
			}
		}
		for _, k := range []any{key, *key, sign.FromSigner(key.Signer)} {
			if data, err := json.Marshal(k); err != nil || string(data) != "{}" {
				t.Errorf("as JSON: %s, %v", data, err)
			}
		}
	}
}

// tpm refuses every salt but that which it chooses by itself, as client.Key of go-tpm-tools does: then one as long as the hash.
type tpm struct {
	*rsa.PrivateKey
	salt int // of its choice
	err  string
}

func (k tpm) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	pss, ok := opts.(*rsa.PSSOptions)
	if !ok {
		return k.PrivateKey.Sign(r, digest, opts)
	}
	if pss.SaltLength != rsa.PSSSaltLengthAuto {
		return nil, errors.New(k.err)
	}
	return k.PrivateKey.Sign(r, digest, &rsa.PSSOptions{SaltLength: k.salt, Hash: pss.Hash})
}

func TestFromSignerSalt(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const refusal = "salt length must be rsa.PSSSaltLengthAuto"
	signtest.TestKey(t, sign.FromSigner(tpm{private, rsa.PSSSaltLengthEqualsHash, refusal}))
	opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	if _, err := sign.FromSigner(tpm{private, 20, refusal}).Sign(t.Context(), make([]byte, 32), opts); !errors.Is(err, sign.ErrKey) {
		t.Errorf("another salt than was asked for: %v", err)
	}
	if _, err := sign.FromSigner(tpm{private, rsa.PSSSaltLengthEqualsHash, "wrong PIN"}).Sign(t.Context(), make([]byte, 32),
		opts); err == nil {
		t.Error("asked again after a failure that is not about the salt")
	}
}

func block(kind string, data []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})
}

func TestParseKeyRefuses(t *testing.T) {
	key := newKey(t, sign.P256)
	plain, _ := key.MarshalPEM()
	encrypted, err := key.MarshalEncryptedPEM([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	inner, _ := pem.Decode(encrypted)
	change := func(old, new string) []byte {
		if !bytes.Contains(inner.Bytes, []byte(old)) {
			t.Fatalf("the encrypted key has no %s", old)
		}
		return block(inner.Type, bytes.Replace(inner.Bytes, []byte(old), []byte(new), 1))
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(k any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return block("PRIVATE KEY", der)
	}
	public, _ := sign.MarshalPublicKey(key.Public())
	for name, tt := range map[string]struct {
		pem  []byte
		pass string
		want error
	}{
		"nothing":          {nil, "", sign.ErrKey},
		"no PEM":           {[]byte("hello"), "", sign.ErrKey},
		"a public key":     {public, "", sign.ErrKey},
		"two keys":         {append(bytes.Clone(plain), plain...), "", sign.ErrKey},
		"a tail":           {append(bytes.Clone(plain), 'x'), "", sign.ErrKey},
		"parameters alone": {block("EC PARAMETERS", []byte{6, 0}), "", sign.ErrKey},
		"broken DER":       {block("PRIVATE KEY", []byte{0x30, 1}), "", sign.ErrKey},
		"RSA 1024":         {pkcs8(small), "", sign.ErrKey},
		"P-224":            {pkcs8(p224), "", sign.ErrKey},
		"wrong passphrase": {encrypted, "guess", sign.ErrPassphrase},
		"no passphrase":    {encrypted, "", sign.ErrNoPassphrase},
		"much memory":      {change(`"N":65536`, `"N":1073741824`), "secret", sign.ErrKey},
		"overflow":         {change(`"N":65536,"r":8`, `"N":9007199254740992,"r":9007199254740992`), "secret", sign.ErrKey},
		"many rounds":      {change(`"p":1`, `"p":100000`), "secret", sign.ErrKey},
		"no memory":        {change(`"N":65536`, `"N":0`), "secret", sign.ErrKey},
		"no power of two":  {change(`"N":65536`, `"N":65537`), "secret", sign.ErrKey},
		"negative":         {change(`"r":8`, `"r":-8`), "secret", sign.ErrKey},
		"other KDF":        {change(`"name":"scrypt"`, `"name":"argon2"`), "secret", sign.ErrKey},
		"other cipher":     {change(`nacl/secretbox`, `none`), "secret", sign.ErrKey},
		"short nonce":      {change(`"nonce":"`, `"nonce":"AA==","x":"`), "secret", sign.ErrKey},
		"twice":            {change(`"kdf":`, `"kdf":{},"kdf":`), "secret", sign.ErrKey},
		"no base64":        {change(`"ciphertext":"`, `"ciphertext":"*`), "secret", sign.ErrKey},
		"not JSON":         {block(inner.Type, []byte("x")), "secret", sign.ErrKey},
	} {
		if k, err := sign.ParseKey(tt.pem, []byte(tt.pass)); !errors.Is(err, tt.want) || k != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := sign.GenerateKey(99); !errors.Is(err, sign.ErrKey) {
		t.Error(err)
	}
	if _, err := sign.MarshalPublicKey("no key"); !errors.Is(err, sign.ErrKey) {
		t.Error(err)
	}
}

// The predicate is in the payload to the byte: white space, order, numbers and escapes as they were.
func TestPredicateUnchanged(t *testing.T) {
	predicate := "{ \"z\" :1.10,\n\t\"a\":9007199254740993, \"html\":\"<&>\\u0041\",\"é\":[1E400] }"
	d, err := (&sign.DSSESigner{Key: newKey(t, sign.P256)}).Sign(t.Context(),
		sign.About(image, sign.RawPredicate{Type: "https://example.com/v1", JSON: json.RawMessage(predicate)}))
	if err != nil {
		t.Fatal(err)
	}
	var e struct{ Payload []byte }
	if err := json.Unmarshal(d.Data, &e); err != nil {
		t.Fatal(err)
	}
	want := `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + image.Digest.Encoded() +
		`"}}],"predicateType":"https://example.com/v1","predicate":` + predicate + `}`
	if diff := cmp.Diff(want, string(e.Payload)); diff != "" {
		t.Error(diff)
	}
}

// A bundle's layout is that of cosign v3.
func TestBundleLayout(t *testing.T) {
	key := newKey(t, sign.P256)
	now := time.Date(2026, 11, 23, 22, 3, 6, 0, time.FixedZone("", 3600))
	d, err := (&sign.BundleSigner{Key: key, Now: func() time.Time { return now }}).Sign(t.Context(),
		sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	const mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	if diff := cmp.Diff(map[string]string{
		"dev.sigstore.bundle.content":       "dsse-envelope",
		"dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1",
		"org.opencontainers.image.created":  "2026-11-23T21:03:06Z",
	}, d.Annotations); diff != "" || d.MediaType != mediaType || d.ArtifactType != mediaType {
		t.Errorf("%s %s\n%s", d.MediaType, d.ArtifactType, diff)
	}
	spki, _ := x509.MarshalPKIXPublicKey(key.Public())
	hint := sha256.Sum256(spki)
	prefix := `{"mediaType":"` + mediaType + `","verificationMaterial":{"publicKey":{"hint":"` +
		base64.StdEncoding.EncodeToString(hint[:]) + `"}},"dsseEnvelope":{"payload":"`
	if !strings.HasPrefix(string(d.Data), prefix) {
		t.Errorf("%s", d.Data)
	}
}

func TestSignersRefuse(t *testing.T) {
	key := newKey(t, sign.P256)
	two := sign.About(image, sign.ImageSignature{})
	two.Subjects = append(two.Subjects, two.Subjects[0])
	fact := sign.About(image, sign.RawPredicate{Type: "https://example.com/v1", JSON: json.RawMessage("{}")})
	latin := sign.About(image, sign.ImageSignature{})
	latin.Subjects[0].Name = "registry.example.com/caf\xe9"
	named := func(name string) *sign.Statement {
		st := sign.About(image, sign.ImageSignature{})
		st.Subjects[0].Name = name
		return st
	}
	relative := sign.About(image, sign.RawPredicate{Type: "facts", JSON: json.RawMessage("{}")})
	broken := failingKey{key, errors.New("HSM on fire")}
	for name, tt := range map[string]struct {
		s    sign.Signer
		st   *sign.Statement
		want error
	}{
		"simple signing of two":        {&sign.CosignSigner{Key: key}, two, sign.ErrStatement},
		"simple signing of a fact":     {&sign.CosignSigner{Key: key}, fact, sign.ErrStatement},
		"simple signing without UTF-8": {&sign.CosignSigner{Key: key}, latin, sign.ErrStatement},
		"a bundle without UTF-8":       {&sign.BundleSigner{Key: key}, latin, sign.ErrStatement},
		"a relative type":              {&sign.BundleSigner{Key: key}, relative, sign.ErrStatement},
		"no key":                       {&sign.BundleSigner{}, fact, sign.ErrKey},
		"no key, bare":                 {&sign.DSSESigner{}, fact, sign.ErrKey},
		"no key, simple":               {&sign.CosignSigner{}, named("registry.example.com/acme/app"), sign.ErrKey},
		"simple signing of no name":    {&sign.CosignSigner{Key: key}, named(""), sign.ErrStatement},
		"of a name without host":       {&sign.CosignSigner{Key: key}, named("acme/app"), sign.ErrStatement},
		"of a name without repository": {&sign.CosignSigner{Key: key}, named("registry.example.com/"), sign.ErrStatement},
		"of a name with a scheme":      {&sign.CosignSigner{Key: key}, named("https://registry.example.com/acme/app"), sign.ErrStatement},
		"of a name with a space":       {&sign.CosignSigner{Key: key}, named("registry.example.com/acme/app v1"), sign.ErrStatement},
		"of a name with a query":       {&sign.CosignSigner{Key: key}, named("registry.example.com/acme/app?x"), sign.ErrStatement},
		"a key that fails":             {&sign.BundleSigner{Key: broken}, fact, broken.err},
	} {
		if d, err := tt.s.Sign(t.Context(), tt.st); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, %v", name, d.Digest, err)
		}
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&sign.BundleSigner{Key: sign.FromSigner(small)}).Sign(t.Context(), fact); !errors.Is(err, sign.ErrKey) {
		t.Errorf("RSA 1024 signs: %v", err)
	}
	for _, torn := range []error{errors.New("disk torn"), io.ErrUnexpectedEOF} {
		for _, size := range []int{0, 10, 64 << 10, 64<<10 + 1, 1 << 20} {
			half := io.MultiReader(bytes.NewReader(make([]byte, size)), errReader{torn})
			if _, err := (&sign.BundleSigner{Key: key}).SignBlob(t.Context(), half); !errors.Is(err, torn) {
				t.Errorf("half a file is signed, %d bytes: %v", size, err)
			}
		}
	}
}

// What is signed of an image is not signed as a file, for its signature would be the image's, in a format that has no way
// to tell them apart.
func TestSignBlobRefusesStatements(t *testing.T) {
	signer := &sign.BundleSigner{Key: newKey(t, sign.P256)}
	payload := `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":"` + string(image.Digest) +
		`"},"type":"cosign container image signature"},"optional":null}`
	for name, tt := range map[string]struct {
		file string
		want error
	}{
		"a payload":                   {payload, sign.ErrStatement},
		"a payload in white space":    {" \n" + payload + "\n", sign.ErrStatement},
		"as a lenient reader has it":  {strings.Replace(payload, "critical", "\\u0043ritical", 1), sign.ErrStatement},
		"of another type":             {strings.Replace(payload, "cosign", "atomic", 1), sign.ErrStatement},
		"as large as any that counts": {payload + strings.Repeat(" ", 64<<10-len(payload)), sign.ErrStatement},
		"a statement's encoding":      {"DSSEv1 28 application/vnd.in-toto+json 2 {}", sign.ErrStatement},
		"the beginning of one":        {"DSSEv1 ", sign.ErrStatement},
		"a large one": {"DSSEv1 28 application/vnd.in-toto+json 1000000 " + strings.Repeat("x", 1000000),
			sign.ErrStatement},
		"larger than counts here":    {payload + strings.Repeat(" ", 64<<10-len(payload)+1), sign.ErrStatement},
		"larger by a megabyte":       {payload + strings.Repeat(" ", 1<<20), sign.ErrStatement},
		"a statement":                {`{"_type":"https://in-toto.io/Statement/v1"}`, nil},
		"a payload without an image": {`{"critical":{}}`, nil},
		"nothing":                    {"", nil},
		"text about DSSE":            {"DSSE", nil},
	} {
		if _, err := signer.SignBlob(t.Context(), strings.NewReader(tt.file)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

type failingKey struct {
	sign.Key
	err error
}

func (k failingKey) Sign(context.Context, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, k.err
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func FuzzParseKey(f *testing.F) {
	key := newKey(f, sign.P256)
	plain, _ := key.MarshalPEM()
	f.Add(plain)
	public, _ := sign.MarshalPublicKey(key.Public())
	f.Add(public)
	f.Add(block("ENCRYPTED SIGSTORE PRIVATE KEY", []byte(`{"kdf":{"name":"scrypt","params":{"N":2,"r":1,"p":1},"salt":"AA=="},`+
		`"cipher":{"name":"nacl/secretbox","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},"ciphertext":"AA=="}`)))
	f.Add(encryptedPEM(f, "x", cheapPBKDF2))
	f.Add(encryptedPEM(f, "x", cheapScrypt))
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n" +
		"AAAAAAAAAAAAAAAAAAAAAA==\n-----END EC PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if k, err := sign.ParseKey(data, []byte("x")); err == nil {
			if _, err := k.MarshalPEM(); err != nil {
				t.Fatal(err)
			}
		} else if !errors.Is(err, sign.ErrKey) && !errors.Is(err, sign.ErrPassphrase) && !errors.Is(err, sign.ErrNoPassphrase) {
			t.Fatalf("an error without a kind: %v", err)
		}
	})
}
