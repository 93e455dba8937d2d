package verify_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
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

	"filippo.io/mldsa"
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

// pairing is the scheme of a group of vectors, if it is one.
func pairing(kind, sha, mgfSHA string) (verify.Scheme, bool) {
	s, ok := map[string]verify.Scheme{
		"EcdsaVerify SHA-256": verify.ECDSAWithSHA256, "EcdsaVerify SHA-384": verify.ECDSAWithSHA384,
		"EcdsaVerify SHA-512":       verify.ECDSAWithSHA512,
		"RsassaPkcs1Verify SHA-256": verify.SHA256WithRSA, "RsassaPkcs1Verify SHA-384": verify.SHA384WithRSA,
		"RsassaPkcs1Verify SHA-512": verify.SHA512WithRSA,
		"RsassaPssVerify SHA-256":   verify.SHA256WithRSAPSS, "RsassaPssVerify SHA-384": verify.SHA384WithRSAPSS,
		"RsassaPssVerify SHA-512": verify.SHA512WithRSAPSS,
		"EddsaVerify ":            verify.PureEd25519,
	}[kind+" "+sha]
	return s, ok && (mgfSHA == "" || mgfSHA == sha)
}

// Every vector goes through the verification of a file's bundle: with the scheme that the file pairs with the key, and
// with every other scheme of the key. The verdict is Wycheproof's for the first; for the others all is refused, however valid.
func TestWycheproof(t *testing.T) {
	type group struct {
		PublicKeyPem, Sha, MgfSha, Type string
		Tests                           []struct {
			TcID             int
			Msg, Sig, Result string
		}
	}
	every := 3 // vector; with LADING_HEAVY all of them
	if os.Getenv("LADING_HEAVY") != "" {
		every = 1
	}
	counts := map[string]int{}
	files := unpack(t, "wycheproof.tar.gz")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		base := path.Base(name)
		var doc struct{ TestGroups []group }
		if err := json.Unmarshal(files[name], &doc); err != nil {
			t.Fatal(name, err)
		}
		for _, g := range doc.TestGroups {
			if g.PublicKeyPem == "" {
				t.Fatalf("%s: a group without key", base)
			}
			own, isScheme := pairing(g.Type, g.Sha, g.MgfSha)
			key, err := verify.ParseTrustedKey([]byte(g.PublicKeyPem))
			if err != nil {
				counts["refused: key"] += len(g.Tests)
				if isScheme && !strings.Contains(base, "_misc_") && !strings.Contains(base, "_params_") {
					t.Errorf("%s: %v", base, err)
				}
				continue
			}
			if !isScheme {
				own = 0
			}
			for _, v := range g.Tests {
				if v.TcID%every != 0 {
					continue
				}
				msg, err1 := hex.DecodeString(v.Msg)
				sig, err2 := hex.DecodeString(v.Sig)
				if err1 != nil || err2 != nil {
					t.Fatal(base, v.TcID, err1, err2)
				}
				for _, s := range schemesOf(key) {
					if s != own && v.TcID%8 != 0 { // all of them would take a minute
						continue
					}
					err := verifyFile(t, key.Key, s, msg, sig)
					switch {
					case err != nil && !errors.Is(err, verify.ErrNotTrusted) && !errors.Is(err, verify.ErrMalformed):
						t.Errorf("%s %d by %v: an unexpected error: %v", base, v.TcID, s, err)
					case err == nil && v.Result == "invalid" && holds(key, s, msg, sig):
						counts["accepted: invalid as the file's algorithm or salt, valid as the scheme"]++
					case s != own && err == nil:
						t.Errorf("%s %d: accepted as %v", base, v.TcID, s)
					case s != own:
						counts["refused: pairing"]++
					case v.Result == "acceptable":
						counts["agreed: acceptable, either way"]++
					case (err == nil) != (v.Result == "valid"):
						t.Errorf("%s %d is %s by %v: %v", base, v.TcID, v.Result, s, err)
					default:
						counts["agreed: "+v.Result]++
					}
				}
			}
		}
	}
	t.Logf("%d files: %v", len(files), counts)
	if len(files) != 37 || counts["agreed: valid"] < 500/every || counts["agreed: invalid"] < 2000/every ||
		counts["refused: pairing"] < 1000/every {
		t.Errorf("the vectors did not run: %v", counts)
	}
}

// schemesOf are all schemes of a key's type.
func schemesOf(key verify.TrustedKey) []verify.Scheme {
	switch key.Key.(type) {
	case *rsa.PublicKey:
		return []verify.Scheme{verify.SHA256WithRSA, verify.SHA384WithRSA, verify.SHA512WithRSA,
			verify.SHA256WithRSAPSS, verify.SHA384WithRSAPSS, verify.SHA512WithRSAPSS}
	case *ecdsa.PublicKey:
		return []verify.Scheme{verify.ECDSAWithSHA256, verify.ECDSAWithSHA384, verify.ECDSAWithSHA512}
	}
	if pub, ok := key.Key.(*mldsa.PublicKey); ok {
		return []verify.Scheme{map[string]verify.Scheme{"ML-DSA-44": verify.PureMLDSA44, "ML-DSA-65": verify.PureMLDSA65,
			"ML-DSA-87": verify.PureMLDSA87}[pub.Parameters().String()]}
	}
	return []verify.Scheme{verify.PureEd25519, verify.Ed25519ph}
}

// verifyFile tries a signature of a file under one scheme.
func verifyFile(t *testing.T, pub crypto.PublicKey, s verify.Scheme, msg, sig []byte) error {
	evidence := verify.Descriptor{Data: []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",` +
		`"verificationMaterial":{"publicKey":{}},"messageSignature":{"signature":"` +
		base64.StdEncoding.EncodeToString(sig) + `"}}`)}
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: pub, Schemes: []verify.Scheme{s}}}}
	_, err := v.VerifyBlob(t.Context(), bytes.NewReader(msg), evidence)
	return err
}

// holds reports whether Go's library takes an RSA signature as one by this scheme, with any salt. Some vectors of other
// pairings are just that, to catch readers who take the algorithm from the message.
func holds(key verify.TrustedKey, s verify.Scheme, msg, sig []byte) bool {
	pub, ok := key.Key.(*rsa.PublicKey)
	if !ok {
		return false
	}
	i := slices.Index(schemesOf(key), s)
	hash := []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}[i%3]
	h := hash.New()
	h.Write(msg)
	if i < 3 {
		return rsa.VerifyPKCS1v15(pub, hash, h.Sum(nil), sig) == nil
	}
	return rsa.VerifyPSS(pub, hash, h.Sum(nil), sig, nil) == nil
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
			subject := verify.Descriptor{Digest: "sha512:76176ffa33808b54602c7c35de5c6e9a4deb96066dba6533f50ac234f4f1f4c6b3527515dc17c0" +
				"6fbe2860030f410eee69ea20079bd3a2c6f3dcf3b329b10751"}
			var a *verify.Attestation
			if a, err = v.Verify(t.Context(), subject, evidence); err == nil &&
				a.PredicateType != "https://github.com/npm/attestation/tree/main/specs/publish/v0.1" {
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
		for _, kind := range []error{verify.ErrFormat, verify.ErrMalformed, verify.ErrTampered, verify.ErrNotTrusted, verify.ErrLimit,
			verify.ErrType} {
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
				if a.Kind != verify.Statement || !strings.HasPrefix(a.PredicateType, "https://slsa.dev/provenance/") ||
					len(a.Signers) != 1 {
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
