//go:build cgo

// Package devices_test has keys in devices sign, through the libraries that people use: SoftHSM by PKCS #11, and a TPM 2.0 that
// swtpm simulates. Both programs are Debian's; without them the tests are skipped.
package devices_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ThalesGroup/crypto11"
	"github.com/google/go-tpm-tools/client"
	"github.com/google/go-tpm/legacy/tpm2"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/sign/signtest"
	"github.com/ladingdev/lading/verify"
	vnotary "github.com/ladingdev/lading/verify/notary"
	"github.com/opencontainers/go-digest"
)

var image = sign.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// everyFormat signs in all formats that the key's type has a place in, and verifies. The certificate is signed by a key in
// software: devices' libraries differ in what they make of x509.CreateCertificate, and nothing here depends on that.
func everyFormat(t *testing.T, key sign.Key) {
	t.Helper()
	signtest.TestKey(t, key)
	formats(t, key, "bundle", "DSSE", "cosign", "JWS", "COSE")
}

// formats signs in all formats, of which those that are named succeed and the others refuse.
func formats(t *testing.T, key sign.Key, good ...string) {
	t.Helper()
	byKey := &verify.KeyVerifier{Keys: []verify.TrustedKey{must(verify.ParseTrustedKey(must(sign.MarshalPublicKey(key.Public()))))},
		Formats: []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}}
	root := must(sign.GenerateKey(sign.P256))
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(time.Hour),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	ca = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, ca, ca, root.Public(), root.Signer))))
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		Subject:     pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}, CommonName: "release"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	leaf = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), root.Signer))))
	chain := []*x509.Certificate{leaf, ca}
	byChain := &vnotary.Verifier{CA: chain[1:], Identities: []string{"x509.subject: C=US, ST=WA, O=acme"}}
	name := sign.About(image, sign.ImageSignature{})
	name.Subjects[0].Name = "registry.example.com/app"
	for format, c := range map[string]struct {
		signer   sign.Signer
		st       *sign.Statement
		verifier verify.Verifier
	}{
		"bundle": {&sign.BundleSigner{Key: key}, name, byKey},
		"DSSE":   {&sign.DSSESigner{Key: key}, name, byKey},
		"cosign": {&sign.CosignSigner{Key: key}, name, byKey},
		"JWS":    {&notary.Signer{Key: key, Chain: chain}, sign.About(image, sign.ImageSignature{}), byChain},
		"COSE":   {&notary.Signer{Key: key, Chain: chain, Format: notary.COSE}, sign.About(image, sign.ImageSignature{}), byChain},
	} {
		evidence, err := c.signer.Sign(t.Context(), c.st)
		if err == nil != slices.Contains(good, format) {
			t.Errorf("%s: %v", format, err)
		}
		if err != nil {
			continue
		}
		if _, err := c.verifier.Verify(t.Context(), image, evidence); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// program is a path that exists, or the test is skipped.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	t.Skipf("none of %q is here: apt-get install softhsm2 swtpm", names)
	return ""
}

func TestSoftHSM(t *testing.T) {
	util := program(t, "softhsm2-util")
	module := program(t, "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	if out, err := exec.Command(util, "--init-token", "--free", "--label", "lading", "--pin", "1234", "--so-pin",
		"1234").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	hsm, err := crypto11.Configure(&crypto11.Config{Path: module, TokenLabel: "lading", Pin: "1234"})
	if err != nil {
		t.Fatal(err)
	}
	defer hsm.Close()
	for name, generate := range map[string]func(id []byte) (crypto.Signer, error){
		"P-256":    func(id []byte) (crypto.Signer, error) { return hsm.GenerateECDSAKeyPair(id, elliptic.P256()) },
		"P-384":    func(id []byte) (crypto.Signer, error) { return hsm.GenerateECDSAKeyPair(id, elliptic.P384()) },
		"P-521":    func(id []byte) (crypto.Signer, error) { return hsm.GenerateECDSAKeyPair(id, elliptic.P521()) },
		"RSA-2048": func(id []byte) (crypto.Signer, error) { return hsm.GenerateRSAKeyPair(id, 2048) },
		"RSA-3072": func(id []byte) (crypto.Signer, error) { return hsm.GenerateRSAKeyPair(id, 3072) },
	} {
		t.Run(name, func(t *testing.T) {
			key, err := generate([]byte(name))
			if err != nil {
				t.Fatal(err)
			}
			everyFormat(t, sign.FromSigner(key))
		})
	}
	t.Run("RSA-1024", func(t *testing.T) {
		key, err := hsm.GenerateRSAKeyPair([]byte("small"), 1024)
		if err != nil {
			t.Skip(err)
		}
		if _, err := (&sign.BundleSigner{Key: sign.FromSigner(key)}).Sign(t.Context(),
			sign.About(image, sign.ImageSignature{})); !errors.Is(err, sign.ErrKey) {
			t.Error(err)
		}
	})
}

// startTPM starts a TPM 2.0 without a state, and returns a connection to it.
func startTPM(t *testing.T) net.Conn {
	t.Helper()
	swtpm := program(t, "swtpm")
	dir, err := os.MkdirTemp("", "tpm") // a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "tpm")
	cmd := exec.CommandContext(t.Context(), swtpm, "socket", "--tpm2", "--tpmstate", "dir="+dir, "--server", "type=unixio,path="+socket,
		"--ctrl", "type=unixio,path="+socket+".ctrl", "--flags", "not-need-init,startup-clear")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 250 {
		if conn, err := net.Dial("unix", socket); err == nil {
			t.Cleanup(func() { conn.Close() })
			return conn
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("swtpm does not answer: %s", out.String())
	return nil
}

func TestTPM(t *testing.T) {
	conn := startTPM(t)
	const flags = tpm2.FlagSign | tpm2.FlagFixedTPM | tpm2.FlagFixedParent | tpm2.FlagSensitiveDataOrigin | tpm2.FlagUserWithAuth
	ecc := tpm2.Public{Type: tpm2.AlgECC, NameAlg: tpm2.AlgSHA256, Attributes: flags, ECCParameters: &tpm2.ECCParams{
		Sign: &tpm2.SigScheme{Alg: tpm2.AlgECDSA, Hash: tpm2.AlgSHA256}, CurveID: tpm2.CurveNISTP256}}
	pair := func(padding tpm2.Algorithm) tpm2.Public {
		return tpm2.Public{Type: tpm2.AlgRSA, NameAlg: tpm2.AlgSHA256, Attributes: flags,
			RSAParameters: &tpm2.RSAParams{Sign: &tpm2.SigScheme{Alg: padding, Hash: tpm2.AlgSHA256}, KeyBits: 2048}}
	}
	open := func(t *testing.T, template tpm2.Public) sign.Key {
		t.Helper()
		key, err := client.NewKey(conn, tpm2.HandleOwner, template)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(key.Close)
		signer, err := key.GetSigner()
		if err != nil {
			t.Fatal(err)
		}
		return sign.FromSigner(signer)
	}
	t.Run("P-256", func(t *testing.T) {
		everyFormat(t, open(t, ecc))
	})
	// A TPM's RSA key has the padding that its template names, and makes that whatever is asked: no evidence comes of the other.
	t.Run("RSA-2048 with PSS", func(t *testing.T) {
		formats(t, open(t, pair(tpm2.AlgRSAPSS)), "JWS", "COSE")
	})
	t.Run("RSA-2048 with PKCS #1 v1.5", func(t *testing.T) {
		formats(t, open(t, pair(tpm2.AlgRSASSA)), "bundle", "DSSE", "cosign")
	})
}
