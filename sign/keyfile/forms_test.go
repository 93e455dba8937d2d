package keyfile_test

import (
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyfile"
)

// Keys of kinds that are not used are refused by what they are, as OpenSSL 3 and OpenSSH 9 write them, and those that can be
// converted by the command that does.
func TestKindsThatAreNotUsed(t *testing.T) {
	dir := t.TempDir()
	for _, tool := range []string{"openssl", "ssh-keygen"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	for _, tt := range []struct{ name, command, want string }{
		{"brainpool", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1 -out F", "Brainpool"},
		{"secp256k1", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out F", "secp256k1"},
		{"secp256k1, SEC 1", "openssl ecparam -name secp256k1 -genkey -out F", "secp256k1"},
		{"explicit", "openssl ecparam -name prime256v1 -genkey -param_enc explicit -out F", "-param_enc named_curve"},
		{"Ed448", "openssl genpkey -algorithm ED448 -out F", "Ed448"},
		{"X25519", "openssl genpkey -algorithm X25519 -out F", "X25519 key, which signs nothing"},
		{"RSA-PSS", "openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out F", "RSA key for PSS alone"},
		{"RSA-PSS, public", "openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 | openssl pkey -pubout -out F",
			"RSA key for PSS alone"},
		{"compressed", "openssl ecparam -name prime256v1 -genkey | openssl ec -pubout -conv_form compressed -out F",
			"-conv_form uncompressed"},
		{"Camellia", "openssl genpkey -algorithm ED25519 | openssl pkcs8 -topk8 -v2 camellia-256-cbc -passout pass:secret -out F",
			"-v2 aes-256-cbc"},
		{"Camellia, old", "openssl genrsa -traditional 2048 | openssl rsa -traditional -camellia256 -passout pass:secret -out F",
			"-v2 aes-256-cbc"},
		{"AES-GCM", "ssh-keygen -q -t ed25519 -N secret -Z aes256-gcm@openssh.com -f F", "ssh-keygen -p -Z aes256-ctr"},
		{"PKCS #7", "openssl req -x509 -newkey ed25519 -nodes -keyout F.key -subj /CN=x | openssl crl2pkcs7 -nocrl -certfile " +
			"/dev/stdin -outform DER -out F", "PKCS #7"},
		{"certificate and key", "openssl req -x509 -newkey ed25519 -nodes -keyout F.key -subj /CN=x -out F && cat F.key >> F",
			"keep the key's block alone"},
	} {
		file := filepath.Join(dir, strings.NewReplacer(" ", "-", ",", "", "#", "").Replace(tt.name))
		if out, err := exec.Command("sh", "-c", strings.ReplaceAll(tt.command, " F", " "+file)).CombinedOutput(); err != nil {
			t.Logf("%s: this system's tools do not make it: %v, %s", tt.name, err, out)
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parse := func() error { _, err := keyfile.Parse(data, []byte("secret")); return err }
		if strings.Contains(string(data), "BEGIN PUBLIC KEY") {
			parse = func() error { _, err := keyfile.ParsePublic(data); return err }
		}
		if err := parse(); !errors.Is(err, sign.ErrKey) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// What configuration does to PEM is said, with how to undo it.
func TestMangledPEM(t *testing.T) {
	text := string(must(must(sign.GenerateKey(sign.P256)).MarshalPEM()))
	for name, tt := range map[string]struct{ text, want string }{
		"line breaks escaped":   {strings.ReplaceAll(text, "\n", `\n`), "printf '%b'"},
		"quoted and escaped":    {`"` + strings.ReplaceAll(text, "\n", `\n`) + `"`, "printf '%b'"},
		"quoted":                {`"` + text + `"`, "quotation marks"},
		"in base64":             {base64.StdEncoding.EncodeToString([]byte(text)), "base64 -d"},
		"on one line":           {strings.ReplaceAll(text, "\n", " "), "lost its line breaks"},
		"on one line, no space": {strings.ReplaceAll(text, "\n", ""), "lost its line breaks"},
		"indented":              {"  " + strings.ReplaceAll(text, "\n", "\n  "), "sed"},
		"cut off":               {text[:100], "cut off"},
	} {
		if _, err := keyfile.Parse([]byte(tt.text), nil); !errors.Is(err, sign.ErrKey) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := keyfile.ParsePublic([]byte(tt.text)); !errors.Is(err, sign.ErrKey) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s, public: %v", name, err)
		}
	}
}
