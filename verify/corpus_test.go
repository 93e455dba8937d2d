package verify_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/intoto"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

// unpack reads a packed corpus.
func unpack(t testing.TB, name string) map[string][]byte {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if files[h.Name], err = io.ReadAll(tr); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Every vector goes through the verification of a file's bundle. Where the table pairs key and algorithm, the verdict
// is Wycheproof's; every other pairing is refused, however valid.
func TestWycheproof(t *testing.T) {
	type group struct {
		PublicKeyPem, Sha, Type string
		Tests                   []struct {
			TcID             int
			Msg, Sig, Result string
		}
	}
	// The pairings of the table, by file name.
	paired := map[string]func(*verify.TrustedKey){
		"ecdsa_secp256r1_sha256_test.json": nil, "ecdsa_secp384r1_sha384_test.json": nil, "ecdsa_secp521r1_sha512_test.json": nil,
		"ecdsa_secp384r1_sha256_test.json":    func(k *verify.TrustedKey) { k.AllowSHA256 = true },
		"rsa_signature_2048_sha256_test.json": nil, "rsa_signature_3072_sha256_test.json": nil, "rsa_signature_4096_sha256_test.json": nil,
		"ed25519_test.json": nil,
	}
	counts := map[string]int{}
	files := unpack(t, "wycheproof.tar.gz")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		base := path.Base(name)
		opt, agreed := paired[base]
		var doc struct{ TestGroups []group }
		if err := json.Unmarshal(files[name], &doc); err != nil {
			t.Fatal(name, err)
		}
		for _, g := range doc.TestGroups {
			if g.PublicKeyPem == "" {
				t.Fatalf("%s: a group without key", base)
			}
			key, keyErr := verify.ParseTrustedKey([]byte(g.PublicKeyPem))
			if opt != nil {
				opt(&key)
			}
			for _, v := range g.Tests {
				if keyErr != nil {
					counts["refused: key"]++
					if agreed {
						t.Errorf("%s %d: %v", base, v.TcID, keyErr)
					}
					continue
				}
				msg, err1 := hex.DecodeString(v.Msg)
				sig, err2 := hex.DecodeString(v.Sig)
				if err1 != nil || err2 != nil {
					t.Fatal(base, v.TcID, err1, err2)
				}
				evidence := verify.Descriptor{Data: []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{}},"messageSignature":{"signature":"` +
					base64.StdEncoding.EncodeToString(sig) + `"}}`)}
				_, err := (&verify.KeyVerifier{Keys: []verify.TrustedKey{key}}).VerifyBlob(t.Context(), bytes.NewReader(msg), evidence)
				switch {
				case err != nil && !errors.Is(err, verify.ErrNotTrusted) && !errors.Is(err, verify.ErrMalformed):
					t.Errorf("%s %d: an unexpected error: %v", base, v.TcID, err)
				case !agreed && err == nil && v.Result == "invalid" && ownPadding(key, msg, sig):
					counts["accepted: invalid as the file's algorithm, valid as the key's own"]++
				case !agreed && err == nil:
					t.Errorf("%s %d: a pairing that is not in the table is accepted", base, v.TcID)
				case !agreed:
					counts["refused: pairing"]++
				case v.Result == "acceptable":
					counts["agreed: acceptable, either way"]++
				case (err == nil) != (v.Result == "valid"):
					t.Errorf("%s %d is %s: %v", base, v.TcID, v.Result, err)
				default:
					counts["agreed: "+v.Result]++
				}
			}
		}
	}
	t.Logf("%d files: %v", len(files), counts)
	if len(files) != 37 || counts["agreed: valid"] < 100 || counts["agreed: invalid"] < 1000 || counts["refused: pairing"] < 1000 {
		t.Errorf("the vectors did not run: %v", counts)
	}
}

// ownPadding reports whether sig is valid as what the table pairs with an RSA key. Some vectors of other pairings are
// just that, to catch readers who take the algorithm from the message.
func ownPadding(key verify.TrustedKey, msg, sig []byte) bool {
	pub, ok := key.Key.(*rsa.PublicKey)
	sum := sha256.Sum256(msg)
	return ok && rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum[:], sig) == nil
}

// Bundles of the corpus: those that a key signed verify as the index says; all others are refused, whatever key.
func TestCorpusBundles(t *testing.T) {
	files := unpack(t, "corpus.tar.gz")
	keys := map[string]verify.TrustedKey{}
	var all []verify.TrustedKey
	for name, data := range files {
		if path.Base(name) != "key.pub" {
			continue
		}
		key, err := verify.ParseTrustedKey(data)
		if strings.Contains(name, "wrong-key_fail") { // a point that is not on the curve
			if err == nil {
				t.Errorf("%s is read", name)
			}
			continue
		}
		if err != nil {
			t.Fatal(name, err)
		}
		keys[path.Dir(name)] = key
		all = append(all, key)
	}
	const conformance = "sigstore-bundles/sigstore-sigstore-conformance/bundle-verify/"
	artifact := files[conformance+"a.txt"]
	if len(artifact) == 0 {
		t.Fatal("no artifact")
	}
	accepted, refusedBy := 0, map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Base(name) != "bundle.sigstore.json" {
			continue
		}
		dir := path.Dir(name)
		evidence := verify.Descriptor{Data: files[name]}
		file := artifact
		if own := files[dir+"/artifact"]; own != nil {
			file = own
		}
		v := &verify.KeyVerifier{Keys: all}
		if key, ok := keys[dir]; ok {
			v.Keys = []verify.TrustedKey{key}
		}
		var err error
		switch path.Base(dir) {
		case "managed-key-no-key_fail", "managed-key-wrong-key_fail":
			v.Keys = nil
			fallthrough
		default:
			_, err = v.VerifyBlob(t.Context(), bytes.NewReader(file), evidence)
		case "bundle-publish": // npm's publish attestation, about a SHA-512 digest
			evidence.MediaType = "application/vnd.dev.sigstore.bundle+json;version=0.2"
			subject := verify.Descriptor{Digest: "sha512:76176ffa33808b54602c7c35de5c6e9a4deb96066dba6533f50ac234f4f1f4c6b3527515dc17c06fbe2860030f410eee69ea20079bd3a2c6f3dcf3b329b10751"}
			var a *verify.Attestation
			if a, err = v.Verify(t.Context(), subject, evidence); err == nil && a.PredicateType != "https://github.com/npm/attestation/tree/main/specs/publish/v0.1" {
				t.Errorf("%s: %+v", dir, a)
			}
			subject.Digest = digest.SHA512.FromString("another package")
			if _, err := v.Verify(t.Context(), subject, evidence); !errors.Is(err, verify.ErrSubject) {
				t.Errorf("%s for another subject: %v", dir, err)
			}
		}
		want := path.Base(dir) == "managed-key-happy-path" || path.Base(dir) == "bundle-publish"
		if (err == nil) != want {
			t.Errorf("%s: %v", dir, err)
		}
		if err == nil {
			accepted++
			continue
		}
		for _, kind := range []error{verify.ErrFormat, verify.ErrMalformed, verify.ErrTampered, verify.ErrNotTrusted, verify.ErrLimit, verify.ErrType} {
			if errors.Is(err, kind) {
				refusedBy[kind.Error()]++
			}
		}
	}
	t.Logf("%d accepted, refused: %v", accepted, refusedBy)
	if accepted != 2 {
		t.Errorf("%d accepted", accepted)
	}
}

// What Google Cloud Build signed with its keys: bare envelopes with SLSA provenance of both versions, and signatures in
// URL-safe base64, by one key or two.
func TestCloudBuild(t *testing.T) {
	files := unpack(t, "cloudbuild.tar.gz")
	v := &verify.KeyVerifier{Formats: []verify.Format{verify.DSSE}}
	for name, data := range files {
		if path.Ext(name) == ".pem" {
			v.Keys = append(v.Keys, trusted(t, data))
		}
	}
	for name, data := range files {
		if path.Ext(name) != ".json" {
			continue
		}
		var answer struct {
			Image struct {
				Digest digest.Digest
			} `json:"image_summary"`
			Summary struct {
				Provenance []struct{ Envelope json.RawMessage }
			} `json:"provenance_summary"`
		}
		if err := json.Unmarshal(data, &answer); err != nil {
			t.Fatal(name, err)
		}
		accepted := 0
		for _, p := range answer.Summary.Provenance {
			subject := verify.Descriptor{Digest: answer.Image.Digest}
			evidence := content(dsseType, p.Envelope)
			a, err := v.Verify(t.Context(), subject, evidence)
			switch {
			case err == nil:
				accepted++
				if a.Kind != verify.Statement || !strings.HasPrefix(a.PredicateType, "https://slsa.dev/provenance/") || len(a.Signers) != 1 {
					t.Errorf("%s: %+v", name, a)
				}
				subject.Digest = digest.FromString("another image")
				if _, err := v.Verify(t.Context(), subject, evidence); !errors.Is(err, verify.ErrSubject) {
					t.Errorf("%s, for another image: %v", name, err)
				}
			case !errors.Is(err, verify.ErrNotTrusted) && !errors.Is(err, verify.ErrMalformed):
				t.Errorf("%s: %v", name, err)
			}
		}
		if want := !strings.Contains(name, "invalid"); len(answer.Summary.Provenance) == 0 || (accepted > 0) != want {
			t.Errorf("%s: %d of %d accepted", name, accepted, len(answer.Summary.Provenance))
		}
	}
}

// Statements of the corpus, read as the index says.
func TestCorpusStatements(t *testing.T) {
	statements, others := 0, 0
	for name, data := range unpack(t, "corpus.tar.gz") {
		if !strings.HasPrefix(name, "in-toto/") || path.Ext(name) != ".json" {
			continue
		}
		s, err := intoto.Parse(data, intoto.Limits{})
		want := bytes.Contains(data, []byte(`"_type"`)) && !strings.Contains(name, "README.block0")
		if strings.Contains(name, "/cel/") || strings.Contains(name, "/unit/") || strings.Contains(name, ".dsse.") {
			want = false // predicates, resource descriptors, envelopes
		}
		if (err == nil) != want {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err != nil {
			others++
			continue
		}
		statements++
		// What is read can be written, and is then the same.
		out, err := s.Append(nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := intoto.Parse(out, intoto.Limits{})
		if err != nil || again.PredicateType != s.PredicateType || !bytes.Equal(again.Predicate, s.Predicate) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Logf("%d statements, %d other documents refused", statements, others)
	if statements < 10 {
		t.Errorf("%d statements", statements)
	}
}
