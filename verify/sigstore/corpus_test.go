package sigstore_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/opencontainers/go-digest"
)

// unpack reads a packed corpus.
func unpack(t testing.TB, name string) map[string][]byte {
	t.Helper()
	f, err := os.Open(name)
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

const corpus = "../testdata/corpus.tar.gz"

const (
	production = "sigstore-bundles/sigstore-root-signing/trust/production-trusted_root.json"
	actions    = "https://token.actions.githubusercontent.com"
	beacon     = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/" +
		".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)

// anybody matches every identity there is, for tests of everything else.
var anybody = sigstore.Entry{Name: "anybody", URI: sigstore.Matching(".+"), Issuer: sigstore.Matching(".+")}

func parseRoot(t testing.TB, data []byte) *sigstore.Root {
	t.Helper()
	root, err := sigstore.ParseRoot(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func newVerifier(t testing.TB, root *sigstore.Root, o *sigstore.Options, trust ...sigstore.Entry) *sigstore.Verifier {
	t.Helper()
	v, err := sigstore.New(root, trust, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The cases of the conformance suite, as their names say. For those that are refused, the fault is the one that the case is about,
// or the test says which check comes before it.
func TestConformanceCases(t *testing.T) {
	want := map[string]error{
		"bundle-invalid-base64-signature_fail":                   sigstore.ErrBundle,
		"bundle-malformed-json_fail":                             sigstore.ErrBundle,
		"bundle-negative-log-index_fail":                         sigstore.ErrBundle,
		"bundle-unknown-version_fail":                            sigstore.ErrVersion,
		"bundle-with-root-cert_fail":                             sigstore.ErrBundle, // its proof has no checkpoint
		"checkpoint-wrong-roothash_fail":                         sigstore.ErrInclusionProof,
		"dsse-invalid-sig_fail":                                  sigstore.ErrLogEntrySignature,
		"inclusion-proof-corrupted-hash_fail":                    sigstore.ErrInclusionProof,
		"intoto-set-outside-signing-cert-validity_fail":          sigstore.ErrChainTime,
		"intoto-tsa-timestamp-outside-cert-validity_fail":        sigstore.ErrChainTime,
		"invalid-ct-key_fail":                                    sigstore.ErrTooFewSCTs,
		"invalid-inclusion-proof_fail":                           sigstore.ErrBundle, // its proof has no checkpoint
		"managed-key-no-key_fail":                                verify.ErrFormat,   // for a verifier that has the key
		"rekor2-checkpoint-missing-log-signature_fail":           sigstore.ErrCheckpoint,
		"rekor2-checkpoint-missing-size_fail":                    sigstore.ErrCheckpoint,
		"rekor2-checkpoint-no-matching-signature_fail":           sigstore.ErrCheckpointOrigin,
		"rekor2-dsse-invalid-sig_fail":                           sigstore.ErrLogEntrySignature,
		"rekor2-dsse-mismatch-envelope_fail":                     sigstore.ErrLogEntrySignature, // it has another signature too
		"rekor2-no-timestamp_fail":                               sigstore.ErrNoTime,
		"rekor2-timestamp-outside-tsa-cert-validity_fail":        sigstore.ErrTimestampTime,
		"rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail": sigstore.ErrNoTime,
		"set-invalid-signature_fail":                             sigstore.ErrPromise,
		"wrong-hashedrekord-entry_fail":                          sigstore.ErrLogEntrySignature,
		"wrong-material_fail":                                    sigstore.ErrDigest,
	}
	files := unpack(t, corpus)
	accepted, refused := 0, 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		dir := path.Dir(name)
		if path.Base(name) != "bundle.sigstore.json" || !strings.Contains(name, "/bundle-verify/") {
			continue
		}
		id := path.Base(dir)
		data := files[production]
		if own, ok := files[dir+"/trusted_root.json"]; ok {
			data = own
		}
		artifact, ok := files[dir+"/artifact"]
		if !ok {
			artifact = files[path.Dir(dir)+"/a.txt"]
		}
		trust := sigstore.Entry{Name: "beacon", URI: sigstore.Exactly(beacon), Issuer: sigstore.Exactly(actions)}
		if pub, ok := files[dir+"/key.pub"]; ok {
			key, err := verify.ParseTrustedKey(pub)
			if err != nil {
				if id != "managed-key-wrong-key_fail" {
					t.Errorf("%s: %v", id, err)
				}
				refused++ // a point that is not on the curve
				continue
			}
			trust = sigstore.Entry{Name: "key", Key: &key}
		}
		root := parseRoot(t, data)
		if n := len(root.Unusable()); n > 0 && id != "invalid-ct-key_fail" || n > 1 { // which has an early authority of GitHub's
			t.Errorf("%s: %v", id, root.Unusable())
		}
		v := newVerifier(t, root, nil, trust)
		att, err := v.VerifyBlob(t.Context(), bytes.NewReader(artifact), verify.Descriptor{Data: files[name]})
		byDigest, errDigest := v.VerifyDigest(t.Context(), digest.FromBytes(artifact), verify.Descriptor{Data: files[name]})
		if (err == nil) != (errDigest == nil) {
			t.Errorf("%s: by its content %v, by its digest %v", id, err, errDigest)
		}
		if strings.HasSuffix(id, "_fail") {
			refused++
			t.Logf("%s: %v", id, err)
			if want[id] == nil || !errors.Is(err, want[id]) {
				t.Errorf("%s: %v, not %v", id, err, want[id])
			}
			continue
		}
		accepted++
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if byDigest.Subject.Digest != att.Subject.Digest || !slices.Equal(att.Signers[0].Entries, []string{trust.Name}) {
			t.Errorf("%s: %+v", id, att)
		}
	}
	t.Logf("accepted %d, refused %d", accepted, refused)
	if accepted != 11 || refused != 25 {
		t.Errorf("accepted %d, refused %d", accepted, refused)
	}
}

// subjectOf reads the first digest of a statement, whatever else it is.
func subjectOf(t testing.TB, bundle []byte) (d digest.Digest, predicateType string) {
	t.Helper()
	var b struct {
		DSSEEnvelope struct{ Payload []byte }
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		t.Fatal(err)
	}
	var st struct {
		PredicateType string
		Subject       []struct{ Digest map[string]string }
	}
	if json.Unmarshal(b.DSSEEnvelope.Payload, &st) != nil { // damaged on purpose
		return digest.FromString(""), ""
	}
	for algorithm, hex := range st.Subject[0].Digest {
		d = digest.Digest(algorithm + ":" + hex)
	}
	return d, st.PredicateType
}

// Real bundles of GitHub's builders verify offline, with whom they name. Of the 40 one is damaged, and one says of no type what it
// says. Envelopes with a certificate and without a log entry are refused for just that.
func TestBuilders(t *testing.T) {
	files := unpack(t, "testdata/slsa.tar.gz")
	root := parseRoot(t, unpack(t, corpus)[production])
	v := newVerifier(t, root, &sigstore.Options{Formats: []verify.Format{verify.Bundle, verify.DSSE}}, anybody)
	counts := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		switch {
		case strings.Contains(name, "/npm"):
		case strings.Contains(name, "/blobs/"):
		case bytes.Contains(data, []byte(`"verificationMaterial"`)):
			counts["bundle"]++
			subject, predicateType := subjectOf(t, data)
			att, err := v.Verify(t.Context(), verify.Descriptor{Digest: subject}, verify.Descriptor{MediaType: bundleType, Data: data})
			switch path.Base(name) {
			case "invalid-set.intoto.sigstore":
				if !errors.Is(err, sigstore.ErrBundle) { // base64 that ends in bits that are not zero
					t.Errorf("%s: %v", name, err)
				}
				continue
			case "valid.intoto.sigstore":
				if !errors.Is(err, verify.ErrMalformed) || !strings.Contains(err.Error(), "predicateType") {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			s := att.Signers[0]
			repository := s.Claims[string(sigstore.SourceRepositoryURI)]
			if old := s.Claims[string(sigstore.GitHubWorkflowRepository)]; repository == "" { // before 2023
				repository = "https://github.com/" + old
			} else if repository != "https://github.com/"+old {
				t.Errorf("%s: %v", name, s.Claims)
			}
			if s.Identity.Issuer != actions || !strings.HasPrefix(s.Identity.Subject, "https://github.com/") ||
				!strings.HasPrefix(repository, "https://github.com/") ||
				s.TimeSource != verify.TimeLogged || s.SignedAt.IsZero() || att.PredicateType != predicateType || len(s.Key) != 64 {
				t.Errorf("%s: %+v", name, att)
			}
			counts["accepted"]++
		case bytes.Contains(data, []byte("BEGIN CERTIFICATE")):
			counts["envelope"]++
			_, err := v.Verify(t.Context(), verify.Descriptor{Digest: digest.FromString("")},
				verify.Descriptor{MediaType: envelopeType, Data: data})
			if !errors.Is(err, sigstore.ErrTooFewLogs) || !strings.Contains(err.Error(), "no log entry, certificate expired at 202") {
				t.Errorf("%s: %v", name, err)
			}
		default:
			counts["other"]++
		}
	}
	t.Log(counts)
	if counts["bundle"] != 40 || counts["accepted"] != 38 || counts["envelope"] != 63 {
		t.Errorf("%v", counts)
	}
}

// npm answers with two bundles: of publication, by a key of the registry, and of provenance, by a workflow.
func TestNPM(t *testing.T) {
	files := unpack(t, "testdata/slsa.tar.gz")
	roots := unpack(t, corpus)
	var keys struct {
		Keys []struct {
			PublicKey struct {
				RawBytes []byte
				ValidFor struct{ Start, End time.Time }
			}
		}
	}
	if err := json.Unmarshal(roots["sigstore-bundles/sigstore-root-signing/trust/npm-keys.json"], &keys); err != nil {
		t.Fatal(err)
	}
	trust := []sigstore.Entry{anybody}
	seen := map[string]bool{}
	for i, k := range keys.Keys {
		if seen[string(k.PublicKey.RawBytes)] { // it is there for two purposes
			continue
		}
		seen[string(k.PublicKey.RawBytes)] = true
		key, err := verify.ParseTrustedKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.PublicKey.RawBytes}))
		if err != nil {
			t.Fatal(err)
		}
		w := k.PublicKey.ValidFor
		trust = append(trust, sigstore.Entry{Name: fmt.Sprint("npm ", i), Key: &key, NotBefore: w.Start, NotAfter: w.End})
	}
	v := newVerifier(t, parseRoot(t, roots[production]), nil, trust...)
	counts := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.Contains(name, "/npm") || !json.Valid(files[name]) {
			continue
		}
		bundles, err := sigstore.NPMAttestations(files[name])
		if err != nil || len(bundles) != 2 {
			t.Errorf("%s: %d bundles, %v", name, len(bundles), err)
			continue
		}
		for _, b := range bundles {
			subject, _ := subjectOf(t, b.Data)
			att, err := v.Verify(t.Context(), verify.Descriptor{Digest: subject}, b)
			what, damaged := "provenance", regexp.MustCompile(`(sig|-)prov(-|\.)`)
			if bytes.Contains(b.Data, []byte(`"publicKey":`)) {
				what, damaged = "publication", regexp.MustCompile(`(sig|-)pub(lish)?(-|\.)`)
			}
			// both damage the provenance
			base := strings.Replace(path.Base(name), "mismatch-pub-payloadtype", "mismatch-prov-payloadtype", 1)
			if (err != nil) != damaged.MatchString(base) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			if err != nil {
				what += " refused"
			} else if s := att.Signers[0]; (s.Identity.Kind == verify.KeyIdentity) != (what == "publication") || s.SignedAt.IsZero() {
				t.Errorf("%s: %+v", name, att.Signers)
			}
			counts[what]++
		}
	}
	t.Log(counts)
	if counts["publication"] != 10 || counts["provenance"] != 8 || counts["publication refused"] != 5 || counts["provenance refused"] != 7 {
		t.Errorf("%v", counts)
	}
}

const envelopeType = "application/vnd.dsse.envelope.v1+json"

const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
