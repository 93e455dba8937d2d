package signedtext

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Spellings that some reader takes for the text are the text, and what looks like one is a file. How real texts fare stands in
// the table of all formats against each other.
func TestFile(t *testing.T) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
	c = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, c, key.Public(), key))))
	large := *c
	large.ExtraExtensions = nil
	large.DNSNames = []string{strings.Repeat("a.", 1<<20) + "example"}
	large = *must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, &large, c, key.Public(), key))))
	list := must(x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1)}, c, key))
	word := base64.RawURLEncoding.EncodeToString
	const digest = `"image":{"docker-manifest-digest":"sha256:00"}`
	root := base64.StdEncoding.EncodeToString(make([]byte, 32))
	sct := func(kind byte, entry []byte, extensions string) string {
		n := len(entry)
		text := "\x00\x0012345678\x00" + string(kind) + strings.Repeat("k", 32*int(kind))
		return text + string([]byte{byte(n >> 16), byte(n >> 8), byte(n)}) + string(entry) + "\x00" +
			string(byte(len(extensions))) + extensions
	}
	long := strings.Repeat(" ", 100<<10)
	for name, text := range map[string]string{
		"PAE of another type":                "DSSEv1 1 x 2 {}",
		"a payload":                          `{"critical":{` + digest + `}}`,
		"a payload, in space":                " \r\n\t{ \"critical\" : {" + digest + "} }\n",
		"a payload in other case":            `{"Critical":{` + strings.ToUpper(digest[:20]) + digest[20:] + `}}`,
		"a payload of escapes":               `{"\u0063ritical":{` + digest + `}}`,
		"a payload, then another":            `{"critical":{` + digest + `},"critical":{"image":{"docker-manifest-digest":""}}}`,
		"a payload behind another":           `{"critical":{"image":{"docker-manifest-digest":""}},"critical":{` + digest + `}}`,
		"a payload behind one of no objects": `{"critical":[{}],"critical":{"image":1,` + digest + `}}`,
		"a payload with a tail":              `{"critical":{` + digest + `}}{}`,
		"a payload in a cut document":        `{"critical":{` + digest + `},"optional":{`,
		"a payload of 100 KiB":               `{"critical":{` + digest + `},"optional":{"a":"` + long + `"}}`,
		"a signing input":                    word([]byte(`{"alg":"ES256"}`)) + "." + word([]byte("{}")),
		"a signing input, payload empty":     word([]byte(`{"alg":"ES256"}`)) + ".",
		"a signing input with line breaks":   "\n" + word([]byte(`{"alg":"ES256"}`)) + "\r\n." + word([]byte("{}")) + "\n",
		"a signing input, header in space":   word([]byte("\n {\"alg\":\"ES256\"}")) + "." + word([]byte("{}")),
		"a signing input of 2 MiB":           word([]byte(`{"alg":"`+strings.Repeat("a", 2<<20)+`"}`)) + "." + word([]byte("{}")),
		"a Sig_structure":                    "\x84\x6aSignature1\x40\x40\x40",
		"a TBSCertificate":                   string(c.RawTBSCertificate),
		"a TBSCertificate of 2 MiB":          string(large.RawTBSCertificate),
		"a TSTInfo":                          "\x30\x20\x02\x01\x01\x06\x01\x2a\x30\x00\x02\x01\x07\x18\x0f20260601120000Z\x02\x01\x01",
		"a promise":                          `{"body":"e30=","integratedTime":1700000000,"logID":"00","logIndex":42}`,
		"a promise of 2 MiB": `{"body":"` + strings.Repeat("e30=", 1<<19) + `","integratedTime":1,"logID":"00",` +
			`"logIndex":1}`,
		"a checkpoint":                       "log.example\n7\n" + root + "\n",
		"a checkpoint of a tree with number": "log.example - 4711\n7\n" + root + "\n",
		"a checkpoint with more lines":       "log.example\n7\n" + root + "\nTimestamp: 1\n",
		"an SCT of a precertificate":         sct(1, c.RawTBSCertificate, ""),
		"an SCT of a certificate":            sct(0, c.Raw, "index"),
		"an SCT of 2 MiB":                    sct(1, large.RawTBSCertificate, ""),
		"a TBSCertList":                      string(must(x509.ParseRevocationList(list)).RawTBSRevocationList),
		"TUF's metadata":                     `{"_type":"root","version":1}`,
		"TUF's metadata, behind a member":    `{"X":{"_type":"x"},"_type":"timestamp"}`,
		"TUF's metadata of 2 MiB":            `{"_type":"targets","targets":{"` + long + long + `":{` + strings.Repeat(" ", 2<<20),
		"a TBSCertificate of version 1":      versionOne(c.RawTBSCertificate),
	} {
		if _, err := File(strings.NewReader(text)); !errors.Is(err, ErrSignedText) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"nothing":                      "",
		"text":                         "150 files\n",
		"digits":                       "10" + strings.Repeat("0", 1000),
		"an SBOM with a severity":      `{"bomFormat":"CycloneDX","vulnerabilities":[{"ratings":[{"severity":"critical"}]}]}`,
		"a payload without digest":     `{"critical":{"image":{"docker-manifest-digest":""},"type":"x"}}`,
		"a payload in a list":          `[{"critical":{` + digest + `}}]`,
		"a payload in a member":        `{"a":{"critical":{` + digest + `}}}`,
		"a token of three words":       word([]byte(`{"alg":"ES256"}`)) + "." + word([]byte("{}")) + "." + word([]byte("sig")),
		"two words, no object":         "lading.example",
		"base64 of an object":          word([]byte(`{"a":1}`)),
		"a certificate":                string(c.Raw),
		"a certificate in PEM":         string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
		"a revocation list":            string(list),
		"a TBSCertificate with a tail": string(c.RawTBSCertificate) + "\n",
		"a private key":                string(must(x509.MarshalPKCS8PrivateKey(key))),
		"a public key":                 string(must(x509.MarshalPKIXPublicKey(key.Public()))),
		"JSON with a body":             `{"body":"text"}`,
		"lines":                        "log.example\n7\nand more\n",
		"a checkpoint without end":     "log.example\n7\n" + root,
		"an SCT with a tail":           sct(1, c.RawTBSCertificate, "") + "\n",
		"a font":                       "\x00\x01\x00\x00" + strings.Repeat("\x00", 2<<20),
		"zeros":                        strings.Repeat("\x00", 2<<20),
		"CBOR":                         "\x84\x69Signature\x40\x40\x40",
		"a request's content":          requestContent(key),
		"a statement":                  `{"_type":"https://in-toto.io/Statement/v1"}`,
		"TUF's metadata with signers":  `{"signatures":[],"signed":{"_type":"root"}}`,
		"TUF's metadata, spread out":   `{ "_type":"root" }`,
		"a program":                    "\x7fELF" + strings.Repeat("\x00", 2<<20),
	} {
		r, err := File(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := must(io.ReadAll(r)); !bytes.Equal(got, []byte(text)) {
			t.Errorf("%s: %d bytes of %d come back", name, len(got), len(text))
		}
	}
	broken := errors.New("broken")
	if _, err := File(io.MultiReader(strings.NewReader("x"), errReader{broken})); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

// versionOne is a TBSCertificate as version 1 has it: without version and extensions.
func versionOne(tbs []byte) string {
	var parts []asn1.RawValue
	must(asn1.Unmarshal(tbs, &parts))
	return string(must(asn1.Marshal(parts[1:7])))
}

// requestContent is what a certificate request is signed over, which nobody here verifies.
func requestContent(key *ecdsa.PrivateKey) string {
	der := must(x509.CreateCertificateRequest(rand.Reader, new(x509.CertificateRequest), key))
	return string(must(x509.ParseCertificateRequest(der)).RawTBSCertificateRequest)
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// No head makes a recogniser panic.
func FuzzTexts(f *testing.F) {
	f.Add([]byte("\x30\x82\x01\x00\xa0\x03\x02\x01\x02\x02\x01\x01\x30\x00"))
	f.Add([]byte("\x31\x10\x30\x0e\x06\x01\x01\x31\x00"))
	f.Add([]byte("\x30\x84\xff\xff\xff\xff\xa1"))
	f.Add([]byte(`{"critical":{"image":{"docker-manifest-digest":"sha256:00"}}}`))
	f.Add([]byte("eyJ.eyJ"))
	f.Fuzz(func(t *testing.T, head []byte) {
		for _, text := range All {
			text.Is(head)
		}
	})
}
