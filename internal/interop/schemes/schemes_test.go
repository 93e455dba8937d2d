// Package schemes asks readers that do not take the word of a table which of our signatures they read: go-securesystemslib,
// Python's securesystemslib (Debian's python3-securesystemslib), and @sigstore/verify (npm), which is looked for below the
// folder that LADING_NODE_MODULES names. What is not installed is skipped. The reverse is tested in package verify, on what
// they signed.
package schemes

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/opencontainers/go-digest"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/signerverifier"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A signed is one statement, signed by one key and scheme.
type signed struct {
	key              string
	scheme           sign.Scheme
	public           *sign.LocalKey
	pem              string
	envelope, bundle []byte
	pae, sig         []byte
	pythonType       string // of the key, as securesystemslib has it; empty if it has none
	pythonScheme     string
	pythonPublic     string
}

func all(t *testing.T) []signed {
	t.Helper()
	st := sign.About(sign.Descriptor{Digest: digest.FromString("an image")},
		sign.RawPredicate{Type: "https://example.com/p/v1", JSON: []byte(`{"n":1}`)})
	var out []signed
	for _, k := range []struct {
		name         string
		algorithm    sign.Algorithm
		schemes      []sign.Scheme
		pyKey, pyHow string
	}{
		{"P-256", sign.P256, []sign.Scheme{sign.ECDSAWithSHA256, sign.ECDSAWithSHA384, sign.ECDSAWithSHA512}, "ecdsa",
			"ecdsa-sha2-nistp256"},
		{"P-384", sign.P384, []sign.Scheme{sign.ECDSAWithSHA384, sign.ECDSAWithSHA256}, "ecdsa", "ecdsa-sha2-nistp384"},
		{"P-521", sign.P521, []sign.Scheme{sign.ECDSAWithSHA512, sign.ECDSAWithSHA256}, "", ""},
		{"RSA", sign.RSA2048, []sign.Scheme{sign.SHA256WithRSA, sign.SHA512WithRSA, sign.SHA256WithRSAPSS, sign.SHA512WithRSAPSS}, "rsa",
			"rsassa-pss-sha256"},
		{"Ed25519", sign.Ed25519, []sign.Scheme{sign.PureEd25519, sign.Ed25519ph}, "ed25519", "ed25519"},
	} {
		key := must(sign.GenerateKey(k.algorithm))
		for _, s := range k.schemes {
			e := must((&sign.DSSESigner{Key: key, Scheme: s}).Sign(t.Context(), st)).Data
			var env struct {
				Payload    []byte
				Signatures []struct{ Sig []byte }
			}
			if err := json.Unmarshal(e, &env); err != nil {
				t.Fatal(err)
			}
			c := signed{key: k.name, scheme: s, public: key, pem: string(must(sign.MarshalPublicKey(key.Public()))), envelope: e,
				bundle: must((&sign.BundleSigner{Key: key, Scheme: s}).Sign(t.Context(), st)).Data,
				pae:    dsse.PAE("application/vnd.in-toto+json", env.Payload), sig: env.Signatures[0].Sig, pythonType: k.pyKey,
				pythonScheme: k.pyHow}
			c.pythonPublic = c.pem
			if pub, ok := key.Public().(ed25519.PublicKey); ok {
				c.pythonPublic = hex.EncodeToString(pub)
			}
			out = append(out, c)
		}
	}
	return out
}

// compare asserts that a reader takes these and no others, and that the table in package sign's comment says so.
func compare(t *testing.T, cases []signed, answers []string, reads map[string]bool) {
	t.Helper()
	if len(answers) != len(cases) {
		t.Fatalf("%d answers to %d cases", len(answers), len(cases))
	}
	for i, c := range cases {
		name := fmt.Sprintf("%s %v", c.key, c.scheme)
		t.Logf("%-24s %q", name, answers[i])
		if (answers[i] == "") != reads[name] {
			t.Errorf("%s: %q", name, answers[i])
		}
	}
}

func TestGo(t *testing.T) {
	cases := all(t)
	var answers []string
	for _, c := range cases {
		answers = append(answers, func() string {
			key, err := signerverifier.LoadKey([]byte(c.pem))
			if err != nil {
				return err.Error()
			}
			var sv dsse.SignerVerifier
			switch c.key {
			case "RSA":
				sv, err = signerverifier.NewRSAPSSSignerVerifierFromSSLibKey(key)
			case "Ed25519":
				sv, err = signerverifier.NewED25519SignerVerifierFromSSLibKey(key)
			default:
				sv, err = signerverifier.NewECDSASignerVerifierFromSSLibKey(key)
			}
			if err != nil {
				return err.Error()
			}
			var e dsse.Envelope
			if err := json.Unmarshal(c.envelope, &e); err != nil {
				return err.Error()
			}
			if _, err := must(dsse.NewEnvelopeVerifier(sv)).Verify(t.Context(), &e); err != nil {
				return err.Error()
			}
			return ""
		}())
	}
	compare(t, cases, answers, map[string]bool{"P-256 ECDSA-SHA256": true, "P-384 ECDSA-SHA384": true, "P-521 ECDSA-SHA512": true,
		"RSA SHA256-RSAPSS": true, "Ed25519 Ed25519": true})
}

func ask(t *testing.T, question any, env string, argv ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	if env != "" {
		cmd.Env = append(os.Environ(), env)
	}
	cmd.Stdin = bytes.NewReader(must(json.Marshal(question)))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var answers []string
	if err == nil {
		err = json.Unmarshal(out, &answers)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	return answers
}

func TestPython(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import securesystemslib.signer").Run(); err != nil {
		t.Skip("python3-securesystemslib is not installed")
	}
	cases := all(t)
	var question []map[string]string
	for _, c := range cases {
		question = append(question, map[string]string{"type": c.pythonType, "scheme": c.pythonScheme, "public": c.pythonPublic,
			"sig": base64.StdEncoding.EncodeToString(c.sig), "data": base64.StdEncoding.EncodeToString(c.pae)})
	}
	compare(t, cases, ask(t, question, "", python, "testdata/verify.py"),
		map[string]bool{"P-256 ECDSA-SHA256": true, "P-384 ECDSA-SHA384": true,
			"RSA SHA256-RSAPSS": true, "Ed25519 Ed25519": true})
}

func TestNode(t *testing.T) {
	modules := os.Getenv("LADING_NODE_MODULES")
	if modules == "" {
		t.Skip("LADING_NODE_MODULES names no folder with @sigstore/verify and @sigstore/bundle")
	}
	cases := all(t)
	var question []map[string]string
	for _, c := range cases {
		question = append(question, map[string]string{"pem": c.pem, "bundle": string(c.bundle)})
	}
	compare(t, cases, ask(t, question, "NODE_PATH="+modules, "node", "testdata/verify.js"),
		map[string]bool{"P-256 ECDSA-SHA256": true, "P-384 ECDSA-SHA256": true,
			"P-521 ECDSA-SHA256": true, "RSA SHA256-RSA": true, "Ed25519 Ed25519": true})
}
