package keyfile_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyfile"
	"github.com/ladingdev/lading/sign/signtest"
	"github.com/ladingdev/lading/verify"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func same(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

var algorithms = []sign.Algorithm{sign.P256, sign.P384, sign.P521, sign.RSA2048, sign.Ed25519}

// OpenSSH's keys as another implementation writes them: golang.org/x/crypto/ssh.
func TestOpenSSH(t *testing.T) {
	for _, a := range algorithms {
		key := must(sign.GenerateKey(a))
		plain := pem.EncodeToMemory(must(ssh.MarshalPrivateKey(key.Signer, "a comment")))
		type form struct {
			data       []byte
			passphrase string
			want       error
		}
		forms := map[string]form{
			"plain":             {plain, "", nil},
			"plain, passphrase": {plain, "ignored", nil},
			"after a mark":      {append([]byte("\ufeff"), plain...), "", nil},
			"two keys":          {append(bytes.Clone(plain), plain...), "", sign.ErrKey},
		}
		if a == sign.P256 || os.Getenv("LADING_HEAVY") != "" { // the encryption, which is slow for a purpose, does not know the key's type
			encrypted := pem.EncodeToMemory(must(ssh.MarshalPrivateKeyWithPassphrase(key.Signer, "", []byte("secret"))))
			forms["encrypted"] = form{encrypted, "secret", nil}
			forms["no passphrase"] = form{encrypted, "", sign.ErrNoPassphrase}
			forms["another passphrase"] = form{encrypted, "guess", sign.ErrPassphrase}
		}
		for name, tt := range forms {
			got, err := keyfile.Parse(tt.data, []byte(tt.passphrase))
			if !errors.Is(err, tt.want) || err == nil && !same(got.Public(), key.Public()) {
				t.Errorf("%d, %s: %v", a, name, err)
			}
		}
		line := ssh.MarshalAuthorizedKey(must(ssh.NewPublicKey(key.Public())))
		for _, data := range [][]byte{line, append([]byte("\ufeff"), line...), append(bytes.TrimSpace(line), " user@host\r\n"...),
			must(sign.MarshalPublicKey(key.Public()))} {
			if got, err := keyfile.ParsePublic(data); err != nil || !same(got, key.Public()) {
				t.Errorf("%.40s: %v", data, err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	key := must(sign.GenerateKey(sign.Ed25519))
	encrypted := must(ssh.MarshalPrivateKeyWithPassphrase(key.Signer, "", []byte("secret")))
	rounds := []byte{0, 0, 0, 16} // of bcrypt; behind the salt of 16 bytes
	if i := bytes.Index(encrypted.Bytes, []byte{0, 0, 0, 24, 0, 0, 0, 16}); i < 0 {
		t.Fatal("the layout is another")
	} else if at := i + 8 + 16; !bytes.HasPrefix(encrypted.Bytes[at:], rounds) &&
		!bytes.HasPrefix(encrypted.Bytes[at:], []byte{0, 0, 0, 24}) {
		t.Fatalf("the rounds are not found: %x", encrypted.Bytes[at:at+4])
	} else {
		copy(encrypted.Bytes[at:], []byte{0xff, 0xff, 0xff, 0xff})
	}
	line := string(ssh.MarshalAuthorizedKey(must(ssh.NewPublicKey(key.Public()))))
	for name, data := range map[string]string{
		"bcrypt without end": string(pem.EncodeToMemory(encrypted)),
		"cut off":            string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: encrypted.Bytes[:40]})),
		"nothing in it":      string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY"})),
		"another magic":      string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: []byte("openssh-key-v2\x00")})),
		"nothing":            "",
		"a public key":       line,
	} {
		if _, err := keyfile.Parse([]byte(data), []byte("secret")); !errors.Is(err, sign.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, data := range map[string]string{
		"nothing":          "",
		"two lines":        line + line,
		"options":          `command="true" ` + line,
		"no base64":        "ssh-ed25519 ????",
		"another type":     strings.Replace(line, "ssh-ed25519", "ssh-rsa", 1),
		"a FIDO key":       "sk-ssh-ed25519@openssh.com AAAA",
		"DSA":              "ssh-dss AAAAB3NzaC1kc3M=",
		"a private key":    string(must(key.MarshalPEM())),
		"two public":       strings.Repeat(string(must(sign.MarshalPublicKey(key.Public()))), 2),
		"an SSH signature": "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n",
	} {
		if _, err := keyfile.ParsePublic([]byte(data)); !errors.Is(err, sign.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// run runs a command line in a directory, and gives what it prints.
func run(t *testing.T, dir, line string) []byte {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, stderr.String())
	}
	return out
}

var command = regexp.MustCompile(`((?:openssl|ssh-keygen) .*?) (?:writes|converts|rewrites|takes)`)

// What is not read is named, and the command that the refusal names makes of it what is read. Tools are the real ones.
func TestAdvice(t *testing.T) {
	for _, tool := range []string{"openssl", "ssh-keygen", "sh", "iconv"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here", tool)
		}
	}
	dir := t.TempDir()
	run(t, dir, `openssl ecparam -name prime256v1 -genkey -noout -out sec1.pem
		openssl pkey -in sec1.pem -out pkcs8.pem && openssl pkey -in sec1.pem -pubout -out pub.pem
		openssl pkey -in sec1.pem -outform DER -out key.der && openssl pkey -in sec1.pem -pubout -outform DER -out pub.der
		openssl req -new -x509 -key sec1.pem -subj /CN=x -days 1 -out cert.pem && openssl x509 -in cert.pem -outform DER -out cert.der
		openssl req -new -key sec1.pem -subj /CN=x -out request.pem
		openssl x509 -in cert.pem -trustout -out trusted.pem
		openssl pkcs12 -export -inkey sec1.pem -in cert.pem -passout pass: -out all.p12
		openssl pkcs8 -topk8 -in sec1.pem -v1 PBE-SHA1-3DES -passout pass:secret -out pbes1.pem
		cp sec1.pem ssh && chmod 600 ssh && ssh-keygen -q -p -N '' -f ssh && ssh-keygen -y -f ssh > ssh.pub
		ssh-keygen -e -f ssh.pub > rfc4716.pub
		iconv -f UTF-8 -t UTF-16 pkcs8.pem > key.utf16 && iconv -f UTF-8 -t UTF-16LE pub.pem > pub.utf16`)
	want := must(sign.ParseKey(must(os.ReadFile(filepath.Join(dir, "pkcs8.pem"))), nil)).Public()
	for _, tt := range []struct {
		file, name string
		public     bool
	}{
		{"key.der", "a private key in DER", false}, {"key.der", "a private key in DER", true},
		{"pub.der", "a public key in DER", true},
		{"cert.pem", "a certificate", true}, {"trusted.pem", "a certificate", true}, {"cert.der", "a certificate in DER", true},
		{"request.pem", "a certificate request", true},
		{"pkcs8.pem", "a private key", true}, {"sec1.pem", "a private key", true},
		{"all.p12", "a PKCS #12 file", false},
		{"pbes1.pem", "not PBES2", false}, {"pbes1.pem", "an encrypted private key", true},
		{"ssh", "an OpenSSH private key", false}, {"ssh", "an OpenSSH private key", true},
		{"ssh.pub", "an OpenSSH public key", true}, {"rfc4716.pub", "an SSH public key (RFC 4716)", true},
		{"key.utf16", "UTF-16", false}, {"pub.utf16", "UTF-16", true},
	} {
		t.Run(fmt.Sprintf("%s,public=%v", tt.file, tt.public), func(t *testing.T) {
			work := t.TempDir()
			file := filepath.Join(work, "file")
			if err := os.WriteFile(file, must(os.ReadFile(filepath.Join(dir, tt.file))), 0o600); err != nil {
				t.Fatal(err)
			}
			read := func(data []byte) (crypto.PublicKey, error) {
				if tt.public {
					k, err := verify.ParseTrustedKey(data)
					return k.Key, err
				}
				k, err := sign.ParseKey(data, []byte("secret"))
				if err != nil {
					return nil, err
				}
				return k.Public(), nil
			}
			_, err := read(must(os.ReadFile(file)))
			if err == nil || !strings.Contains(err.Error(), tt.name) {
				t.Fatal(err)
			}
			text := strings.Replace(err.Error(), "iconv -f", "openssl version >/dev/null; iconv -f", 1) // which the pattern begins with
			text = strings.Replace(text, "as openssl did", "as it did", 1)
			found := command.FindStringSubmatch(text)
			if found == nil {
				t.Fatalf("no command in: %v", err)
			}
			line := strings.NewReplacer(" (for DES or RC2 with -provider legacy -provider default)", "", "KEY.pub", "file", "KEY", "file",
				"CERT", "file", "REQUEST", "file", "FILE", "file", "COPY", "file").Replace(found[1])
			if strings.HasPrefix(line, "openssl") && !strings.Contains(line, "iconv") {
				line = strings.Replace(line, "-pubout", "-pubout -passin pass:secret", 1)
				line = strings.Replace(line, "-topk8", "-topk8 -passin pass:secret -passout pass:secret", 1)
				line = strings.Replace(line, "pkcs12", "pkcs12 -passin pass: -passout pass:secret", 1)
			}
			line = strings.Replace(line, "-p -m PKCS8", "-q -P '' -N '' -p -m PKCS8", 1)
			out := run(t, work, line)
			for _, name := range []string{"NEW", "file"} { // else what it printed
				if data, err := os.ReadFile(filepath.Join(work, name)); err == nil && (len(out) == 0 || strings.Contains(line, " -p ")) {
					out = data
				}
			}
			if got, err := read(out); err != nil || !same(got, want) {
				t.Errorf("after %s: %v", line, err)
			}
		})
	}
}

// Files that nothing helps with are named, all with a kind.
func TestNamed(t *testing.T) {
	pemOf := func(kind string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte("x")}))
	}
	der := must(asn1.Marshal(struct{ A, B int }{1, 2}))
	for data, name := range map[string]string{
		"":    "empty",
		" \n": "empty",
		`{"kty":"EC","crv":"P-256","x":"","y":""}`: "a JSON Web Key",
		`{"protected":"","ciphertext":""}`:         "an encrypted JSON Web Key",
		`{"a":{}}`:                                 "JSON",
		"PuTTY-User-Key-File-3: ssh-ed25519\n":     "PuTTY",
		"awskms:///alias/release\n":                "sign/kms",
		"untrusted comment: minisign\n":            "minisign",
		"AGE-SECRET-KEY-1":                         "age",
		"-----BEGIN PGP PRIVATE KEY BLOCK-----\n":  "OpenPGP",
		"-----BEGIN PRIVATE KEY-----\nAAAA":        "damaged or cut off",
		"hello":                                    "without a PEM block",
		pemOf("TSS2 PRIVATE KEY"):                  "a key of a TPM",
		pemOf("DSA PRIVATE KEY"):                   "DSA",
		pemOf("X509 CRL"):                          "revoked",
		pemOf("EC PARAMETERS"):                     "parameters",
		pemOf("MYSTERY"):                           `"MYSTERY"`,
		string(der):                                "in DER",
	} {
		if _, err := sign.ParseKey([]byte(data), nil); !errors.Is(err, sign.ErrKey) || !strings.Contains(err.Error(), name) {
			t.Errorf("%.20q as a private key: %v", data, err)
		}
		if _, err := verify.ParseTrustedKey([]byte(data)); err == nil || name != "sign/kms" && !strings.Contains(err.Error(), name) {
			t.Errorf("%.20q as a public key: %v", data, err)
		}
	}
}

// An ssh-agent's Ed25519 key is a sign.Key; see Example_agent.
func TestAgent(t *testing.T) {
	keyring := agent.NewKeyring()
	key := must(sign.GenerateKey(sign.Ed25519))
	if err := keyring.Add(agent.AddedKey{PrivateKey: key.Signer}); err != nil {
		t.Fatal(err)
	}
	signtest.TestKey(t, agentKey{keyring, key.Public().(ed25519.PublicKey)})
	if _, err := exec.LookPath("ssh-agent"); err != nil {
		t.Skip("no ssh-agent here")
	}
	// The real one, on a socket of this test.
	socket := filepath.Join(t.TempDir(), "agent")
	cmd := exec.CommandContext(t.Context(), "ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	conn := dial(t, socket)
	real := agent.NewClient(conn)
	if err := real.Add(agent.AddedKey{PrivateKey: key.Signer}); err != nil {
		t.Fatal(err)
	}
	signtest.TestKey(t, agentKey{real, key.Public().(ed25519.PublicKey)})
	// The table of the package comment: what an agent makes of other keys is over a digest that it makes itself.
	pair := must(sign.GenerateKey(sign.P256))
	if err := real.Add(agent.AddedKey{PrivateKey: pair.Signer}); err != nil {
		t.Fatal(err)
	}
	pub := must(ssh.NewPublicKey(pair.Public()))
	sig := must(real.Sign(pub, []byte("message")))
	if sig.Format != "ecdsa-sha2-nistp256" || pub.Verify([]byte("message"), sig) != nil {
		t.Errorf("%s", sig.Format)
	}
	big := must(sign.GenerateKey(sign.RSA2048))
	if err := real.Add(agent.AddedKey{PrivateKey: big.Signer}); err != nil {
		t.Fatal(err)
	}
	for flags, hash := range map[agent.SignatureFlags]crypto.Hash{0: crypto.SHA1, agent.SignatureFlagRsaSha256: crypto.SHA256,
		agent.SignatureFlagRsaSha512: crypto.SHA512} {
		sig := must(real.SignWithFlags(must(ssh.NewPublicKey(big.Public())), []byte("message"), flags))
		h := hash.New()
		h.Write([]byte("message"))
		if err := rsa.VerifyPKCS1v15(big.Public().(*rsa.PublicKey), hash, h.Sum(nil), sig.Blob); err != nil {
			t.Errorf("%s: %v", sig.Format, err)
		}
	}
}

func dial(t *testing.T, socket string) net.Conn {
	t.Helper()
	for range 100 {
		if conn, err := net.Dial("unix", socket); err == nil {
			t.Cleanup(func() { conn.Close() })
			return conn
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the agent does not answer")
	return nil
}

func FuzzParse(f *testing.F) {
	key := must(sign.GenerateKey(sign.Ed25519))
	f.Add(pem.EncodeToMemory(must(ssh.MarshalPrivateKey(key.Signer, ""))))
	f.Add(must(key.MarshalPEM()))
	f.Add(must(sign.MarshalPublicKey(key.Public())))
	f.Add(ssh.MarshalAuthorizedKey(must(ssh.NewPublicKey(key.Public()))))
	f.Add([]byte(`{"kty":"OKP"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := keyfile.Parse(data, []byte("x")); err != nil && !errors.Is(err, sign.ErrKey) &&
			!errors.Is(err, sign.ErrPassphrase) && !errors.Is(err, sign.ErrNoPassphrase) {
			t.Fatalf("an error without a kind: %v", err)
		}
		if _, err := keyfile.ParsePublic(data); err != nil && !errors.Is(err, sign.ErrKey) {
			t.Fatalf("an error without a kind: %v", err)
		}
	})
}
