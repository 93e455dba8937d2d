package sign_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sign"
	"golang.org/x/crypto/scrypt"
)

// openssl runs the real program, which is on most machines, and gives what it prints.
func openssl(t testing.TB, stdin []byte, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl here")
	}
	cmd := exec.Command("openssl", args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

func same(a, b crypto.PublicKey) bool { return a.(interface{ Equal(crypto.PublicKey) bool }).Equal(b) }

// What openssl writes with a passphrase, in all ways that it has by default or by option, is read; a missing passphrase is not
// a wrong one.
func TestParseKeyOpenSSL(t *testing.T) {
	pass := []string{"-passout", "pass:secret"}
	topk8 := func(args ...string) []string {
		return append(append([]string{"pkcs8", "-topk8"}, args...), pass...)
	}
	for _, a := range []sign.Algorithm{sign.P256, sign.P384, sign.RSA2048, sign.Ed25519} {
		key := newKey(t, a)
		plain, err := key.MarshalPEM()
		if err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			topk8(), topk8("-scrypt"), topk8("-iter", "600000"), topk8("-v2", "aes-128-cbc"), topk8("-v2", "aes-192-cbc"),
			topk8("-v2", "des3"),
			topk8("-v2prf", "hmacWithSHA1"), topk8("-v2prf", "hmacWithSHA384"), topk8("-v2prf", "hmacWithSHA512"),
			append([]string{"pkey", "-aes256"}, pass...), append([]string{"pkey", "-aes256", "-traditional"}, pass...),
			append([]string{"pkey", "-des3", "-traditional"}, pass...),
			{"pkey", "-traditional"}, {"pkcs8", "-topk8", "-nocrypt"},
		} {
			if a != sign.P256 && args[0] == "pkcs8" && (args[2] != "-scrypt" || !heavy()) { // the encryption does not know the key's type
				continue
			}
			if a == sign.Ed25519 && slices.Contains(args, "-traditional") {
				continue // which has no such form
			}
			text := openssl(t, plain, args...)
			forms := [][]byte{text, append([]byte("\ufeff"), text...), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))}
			if args[0] == "pkcs8" && len(args) > 4 && !heavy() { // a derivation for each, which does not know how the text is written
				forms = forms[2:]
			}
			for _, data := range forms {
				got, err := sign.ParseKey(data, []byte("secret"))
				if err != nil || !same(got.Public(), key.Public()) {
					t.Errorf("%d, openssl %s: %v", a, strings.Join(args, " "), err)
				}
			}
			if !bytes.Contains(text, []byte("ENCRYPTED")) {
				continue
			}
			if _, err := sign.ParseKey(text, nil); !errors.Is(err, sign.ErrNoPassphrase) || errors.Is(err, sign.ErrPassphrase) {
				t.Errorf("openssl %s, no passphrase: %v", strings.Join(args, " "), err)
			}
			if _, err := sign.ParseKey(text, []byte("guess")); !errors.Is(err, sign.ErrPassphrase) || errors.Is(err, sign.ErrNoPassphrase) {
				t.Errorf("openssl %s, another passphrase: %v", strings.Join(args, " "), err)
			}
		}
	}
}

// What openssl wrote before 1.1 is named, with the command that converts it.
func TestParseKeyPBES1(t *testing.T) {
	plain, _ := newKey(t, sign.P256).MarshalPEM()
	old := openssl(t, plain, "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", "pass:secret")
	_, err := sign.ParseKey(old, []byte("secret"))
	if !errors.Is(err, sign.ErrKey) || !strings.Contains(err.Error(), "not PBES2") {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, old, 0o600); err != nil {
		t.Fatal(err)
	}
	converted := openssl(t, nil, "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", file, "-passin", "pass:secret", "-passout", "pass:secret")
	if _, err := sign.ParseKey(converted, []byte("secret")); err != nil {
		t.Error(err)
	}
}

// derivation is how a key is made out of a passphrase, with its parameters in ASN.1.
type derivation struct {
	oid        asn1.ObjectIdentifier
	parameters any
	key        func(passphrase string) ([]byte, error) // 32 bytes
}

// PBKDF2 with one round of HMAC and SHA-1, its default, and scrypt, both as cheap as can be.
var (
	cheapPBKDF2 = derivation{oidPBKDF2, struct {
		Salt []byte
		N    int
	}{[]byte("salt"), 1}, func(p string) ([]byte, error) { return pbkdf2.Key(sha1.New, p, []byte("salt"), 1, 32) }}
	cheapScrypt = derivation{oidScrypt, struct {
		Salt    []byte
		N, R, P int
	}{[]byte("salt"), 2, 1, 1}, func(p string) ([]byte, error) { return scrypt.Key([]byte(p), []byte("salt"), 2, 1, 1, 32) }}
)

// encryptedPEM encrypts a key by PBES2 (RFC 8018, section 6.2.1) with AES-256. What other programs and libraries write is read by
// the tests with openssl and, outside this module, by those with youmark/pkcs8.
func encryptedPEM(t testing.TB, passphrase string, by derivation) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := by.key(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	c, err := aes.NewCipher(secret)
	if err != nil {
		t.Fatal(err)
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	data, iv := append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...), make([]byte, aes.BlockSize)
	cipher.NewCBCEncrypter(c, iv).CryptBlocks(data, data)
	der, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}{algorithm(t, oidPBES2, struct{ KDF, Cipher pkix.AlgorithmIdentifier }{
		algorithm(t, by.oid, by.parameters), algorithm(t, oidAES256, iv),
	}), data})
	if err != nil {
		t.Fatal(err)
	}
	return block("ENCRYPTED PRIVATE KEY", der)
}

// One wrong passphrase in 256 makes padding that looks right: it is a wrong passphrase all the same.
func TestParseKeyWrongPassphrases(t *testing.T) {
	encrypted := encryptedPEM(t, "secret", cheapPBKDF2)
	if _, err := sign.ParseKey(encrypted, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		if _, err := sign.ParseKey(encrypted, fmt.Appendf(nil, "guess %d", i)); !errors.Is(err, sign.ErrPassphrase) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
}

// Object identifiers of RFC 8018, appendices A and B, and RFC 7914, section 7.
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	oidAES256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// algorithm is an AlgorithmIdentifier of RFC 5280, section 4.1.1.2.
func algorithm(t testing.TB, oid asn1.ObjectIdentifier, parameters any) pkix.AlgorithmIdentifier {
	t.Helper()
	der, err := asn1.Marshal(parameters)
	if err != nil {
		t.Fatal(err)
	}
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: der}}
}

// A key file does not decide how much its reader spends, and one that is damaged is no panic.
func TestParseKeyHostile(t *testing.T) {
	var (
		iv     = make([]byte, 16)
		data   = make([]byte, 48)
		cbc    = algorithm(t, oidAES256, iv)
		rounds = func(n int) any {
			return struct {
				Salt []byte
				N    int
			}{iv, n}
		}
		work = func(n, r, p int64) any {
			return struct {
				Salt    []byte
				N, R, P int64
			}{iv, n, r, p}
		}
		parameters = func(kdf, cipher pkix.AlgorithmIdentifier) any {
			return struct{ KDF, Cipher pkix.AlgorithmIdentifier }{kdf, cipher}
		}
		info = func(a pkix.AlgorithmIdentifier, data []byte) []byte {
			der, err := asn1.Marshal(struct {
				Algorithm pkix.AlgorithmIdentifier
				Data      []byte
			}{a, data})
			if err != nil {
				t.Fatal(err)
			}
			return der
		}
		by = func(kdf asn1.ObjectIdentifier, p any) []byte {
			return info(algorithm(t, oidPBES2, parameters(algorithm(t, kdf, p), cbc)), data)
		}
		with = func(cipher pkix.AlgorithmIdentifier, data []byte) []byte {
			return info(algorithm(t, oidPBES2, parameters(algorithm(t, oidPBKDF2, rounds(1)), cipher)), data)
		}
	)
	if _, err := sign.ParseKey(block("ENCRYPTED PRIVATE KEY", by(oidPBKDF2, rounds(1))), []byte("x")); !errors.Is(err, sign.ErrPassphrase) {
		t.Fatalf("the frame of this test: %v", err)
	}
	for name, der := range map[string][]byte{
		"many rounds":          by(oidPBKDF2, rounds(10_000_001)),
		"no rounds":            by(oidPBKDF2, rounds(0)),
		"rounds below none":    by(oidPBKDF2, rounds(-1)),
		"much memory":          by(oidScrypt, work(1<<24, 8, 1)),
		"many passes":          by(oidScrypt, work(2, 1, 1000)),
		"overflow":             by(oidScrypt, work(1<<40, 1<<40, 1)),
		"no memory":            by(oidScrypt, work(0, 8, 1)),
		"no power of two":      by(oidScrypt, work(17, 8, 1)),
		"another derivation":   by(oidAES256, iv),
		"another cipher":       with(algorithm(t, asn1.ObjectIdentifier{1, 2, 3}, iv), data),
		"a short vector":       with(algorithm(t, oidAES256, iv[:8]), data),
		"no vector":            with(algorithm(t, oidAES256, 5), data),
		"half a block":         with(cbc, data[:17]),
		"nothing encrypted":    with(cbc, nil),
		"parameters of nobody": info(algorithm(t, oidPBES2, 5), data),
		"a tail":               append(by(oidPBKDF2, rounds(1)), 0),
		"nothing":              nil,
		"no sequence":          {4, 1, 1},
	} {
		if k, err := sign.ParseKey(block("ENCRYPTED PRIVATE KEY", der), []byte("x")); !errors.Is(err, sign.ErrKey) || k != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
