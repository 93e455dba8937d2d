package sigstore

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
)

// A question is one bundle for sigstore-js, and whether it is to say yes.
type question struct {
	Bundle   string `json:"bundle"`
	Root     string `json:"root"`
	Name     string `json:"name,omitempty"` // matched as an expression
	Issuer   string `json:"issuer,omitempty"`
	PEM      string `json:"pem,omitempty"`
	Artifact []byte `json:"artifact,omitempty"`

	what string
	yes  bool
}

// nodeModules is a folder with @sigstore/verify 4.1.3, @sigstore/bundle 5.0.1 and @sigstore/protobuf-specs 0.5.2, which run on Node 20
// too, whatever they say. Before 4.1.0 @sigstore/verify reads no statements that logs of the second generation logged, whoever signed them:
// it compares their digest with that of the payload.
func nodeModules(t *testing.T) string {
	t.Helper()
	modules := os.Getenv("LADING_NODE_MODULES")
	if modules == "" {
		t.Skip("LADING_NODE_MODULES names no folder with @sigstore/verify, @sigstore/bundle and @sigstore/protobuf-specs")
	}
	return modules
}

// askNode has sigstore-js answer questions.
func askNode(t *testing.T, questions []question) {
	t.Helper()
	modules := nodeModules(t)
	data, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "testdata/verify.js")
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	cmd.Stdin = bytes.NewReader(data)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var answers []string
	if err == nil {
		err = json.Unmarshal(out, &answers)
	}
	if err != nil || len(answers) != len(questions) {
		t.Fatalf("%d answers, %v\n%s", len(answers), err, &stderr)
	}
	for i, q := range questions {
		if (answers[i] == "") != q.yes {
			t.Errorf("%s: sigstore-js says %q, want yes: %v", q.what, answers[i], q.yes)
		}
	}
}

// asks are the questions about one bundle: as it is, and of another instance, signer and file.
func asks(t *testing.T, what string, bundle, here, elsewhere []byte, issuer string, key, stranger sign.Key, artifact []byte) []question {
	t.Helper()
	public := func(k sign.Key) string {
		der, err := x509.MarshalPKIXPublicKey(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	good := question{Bundle: string(bundle), Root: string(here), Artifact: artifact, what: what, yes: true}
	bad := func(what string, change func(*question)) question {
		q := good
		change(&q)
		q.what, q.yes = good.what+", "+what, false
		return q
	}
	if key == nil {
		good.Name, good.Issuer = "^"+regexp.QuoteMeta(workflow)+"$", issuer
	} else {
		good.PEM = public(key)
	}
	out := []question{good, bad("another instance", func(q *question) { q.Root = string(elsewhere) }),
		bad("another signer", func(q *question) {
			if q.PEM == "" {
				q.Name = "^" + regexp.QuoteMeta(workflow) + "1$"
			} else {
				q.PEM = public(stranger)
			}
		})}
	if artifact != nil {
		out = append(out, bad("another file", func(q *question) { q.Artifact = append([]byte("no "), artifact...) }))
	}
	return out
}

// What we write, sigstore-js verifies: with a certificate and with a key, by both generations of logs, images, statements and files. Of
// statements it hashes every key's with SHA-256, and so it reads none by P-384 whose signer follows the specification.
func TestSigstoreJSReadsOurs(t *testing.T) {
	nodeModules(t)
	s, other := keylesstest.Start(), keylesstest.Start()
	defer s.Close()
	defer other.Close()
	stranger, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	var questions []question
	for name, log := range map[string]keylesstest.Log{"first": keylesstest.First, "tiles": keylesstest.Tiles} {
		instance, err := keyless.ParseInstance(s.TrustedRoot(), s.SigningConfig(log))
		if err != nil {
			t.Fatal(err)
		}
		for by, algorithm := range map[string]sign.Algorithm{"certificate": 0, "P-256": sign.P256, "P-384": sign.P384,
			"RSA": sign.RSA3072} {
			var signer keylessSigner = &keyless.Signer{Instance: instance, Token: keyless.Token(s.Token(run()))}
			var key sign.Key
			what := name + ", " + by
			if by != "certificate" {
				if key, err = sign.GenerateKey(algorithm); err != nil {
					t.Fatal(err)
				}
				signer = &sign.BundleSigner{Key: key, Witness: &keyless.Witnesses{Instance: instance}}
			}
			for kind, p := range map[string]sign.Predicate{"signature": sign.ImageSignature{},
				"attestation": sign.RawPredicate{Type: predicateType, JSON: []byte(`{"n":1}`)}} {
				d, err := signer.Sign(t.Context(), sign.About(image, p))
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				about := asks(t, what+", "+kind, d.Data, s.TrustedRoot(), other.TrustedRoot(), actions, key, stranger, nil)
				about[0].yes = by != "P-384"
				questions = append(questions, about...)
			}
			d, err := signer.SignBlob(t.Context(), strings.NewReader("a release"))
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			questions = append(
				questions,
				asks(t, what+", file", d.Data, s.TrustedRoot(), other.TrustedRoot(), actions, key, stranger, []byte("a release"))...)
		}
	}
	askNode(t, questions)
	t.Logf("%d questions", len(questions))
}
