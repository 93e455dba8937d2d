// Package keyless holds package verify/sigstore against sigstore-go: whatever it is given, ours accepts nothing that sigstore-go
// refuses. What ours refuses and sigstore-go accepts is stricter on purpose.
package keyless

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	sgverify "github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
)

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

var ctx = context.Background()

const production = "sigstore-bundles/sigstore-root-signing/trust/production-trusted_root.json"

// A sample is a bundle, what it is about and by what it verifies.
type sample struct {
	name    string
	bundle  []byte
	root    []byte
	subject digest.Digest
	key     *verify.TrustedKey
}

// samples are the bundles of the corpus.
func samples(t testing.TB) (out []sample) {
	t.Helper()
	files := unpack(t, "../../../verify/testdata/corpus.tar.gz")
	maps.Copy(files, unpack(t, "../../../verify/sigstore/testdata/slsa.tar.gz"))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data, dir := files[name], path.Dir(name)
		if !bytes.Contains(data, []byte(`"verificationMaterial"`)) || bytes.Contains(data, []byte(`"attestations"`)) {
			continue
		}
		s := sample{name: path.Base(dir) + "/" + path.Base(name), bundle: data, root: files[production]}
		if own, ok := files[dir+"/trusted_root.json"]; ok {
			s.root = own
		}
		artifact, ok := files[dir+"/artifact"]
		if !ok {
			artifact = files[path.Dir(dir)+"/a.txt"]
		}
		s.subject = digest.FromBytes(artifact)
		var b struct{ DSSEEnvelope struct{ Payload []byte } }
		var st struct {
			Subject []struct{ Digest map[string]string }
		}
		if json.Unmarshal(data, &b) == nil && json.Unmarshal(b.DSSEEnvelope.Payload, &st) == nil && len(st.Subject) > 0 &&
			!strings.Contains(dir, "/bundle-verify/") {
			for algorithm, hex := range st.Subject[0].Digest {
				s.subject = digest.Digest(algorithm + ":" + hex)
			}
		}
		if pub, ok := files[dir+"/key.pub"]; ok {
			key, err := verify.ParseTrustedKey(pub)
			if err != nil {
				continue
			}
			s.key = &key
		}
		out = append(out, s)
	}
	return out
}

// ours verifies a sample with package verify/sigstore, for everybody whose certificate it is.
func (s *sample) ours() error {
	r, err := sigstore.ParseRoot(s.root, nil)
	if err != nil {
		return err
	}
	v, err := s.verifier(r)
	if err != nil {
		return err
	}
	return s.check(v)
}

func (s *sample) verifier(r *sigstore.Root) (*sigstore.Verifier, error) {
	any := sigstore.Matching(".+")
	anybody := []sigstore.Entry{{Name: "workflows", URI: any, Issuer: any}, {Name: "people", Email: any, Issuer: any},
		{Name: "names", OtherName: any, Issuer: any}}
	if s.key != nil {
		anybody = []sigstore.Entry{{Name: "key", Key: s.key}}
	}
	return sigstore.New(r, anybody, nil)
}

func (s *sample) check(v *sigstore.Verifier) error {
	_, err := v.VerifyDigest(ctx, s.subject, verify.Descriptor{Data: s.bundle})
	return err
}

// theirs verifies it with sigstore-go.
func (s *sample) theirs() error {
	v, policy, err := s.judge()
	if err != nil {
		return err
	}
	return s.judged(v, policy)
}

func (s *sample) judge() (*sgverify.Verifier, sgverify.PolicyBuilder, error) {
	none := sgverify.PolicyBuilder{}
	r, err := root.NewTrustedRootFromJSON(s.root)
	if err != nil {
		return nil, none, err
	}
	sum, err := hex.DecodeString(s.subject.Encoded())
	if err != nil {
		return nil, none, err
	}
	artifact := sgverify.WithArtifactDigest(s.subject.Algorithm().String(), sum)
	if s.key != nil {
		kv, err := signature.LoadVerifier(s.key.Key, crypto.SHA256)
		if err != nil {
			return nil, none, err
		}
		keys := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
			return root.NewExpiringKey(kv, time.Time{}, time.Time{}), nil
		})
		v, err := sgverify.NewVerifier(root.TrustedMaterialCollection{r, keys}, sgverify.WithNoObserverTimestamps(),
			sgverify.WithTransparencyLog(1))
		return v, sgverify.NewPolicy(artifact, sgverify.WithKey()), err
	}
	v, err := sgverify.NewVerifier(r, sgverify.WithSignedCertificateTimestamps(1), sgverify.WithTransparencyLog(1),
		sgverify.WithObserverTimestamps(1))
	if err != nil {
		return nil, none, err
	}
	id, err := sgverify.NewShortCertificateIdentity("", ".+", "", ".+")
	return v, sgverify.NewPolicy(artifact, sgverify.WithCertificateIdentity(id)), err
}

func (s *sample) judged(v *sgverify.Verifier, policy sgverify.PolicyBuilder) error {
	var b bundle.Bundle
	if err := b.UnmarshalJSON(s.bundle); err != nil {
		return err
	}
	_, err := v.Verify(&b, policy)
	return err
}

// The corpus, unchanged.
func TestCorpus(t *testing.T) {
	both, neither := 0, 0
	for _, s := range samples(t) {
		ours, theirs := s.ours(), s.theirs()
		switch {
		case ours == nil && theirs == nil:
			both++
		case ours != nil && theirs != nil:
			neither++
		default:
			t.Logf("%s: ours %v, theirs %v", s.name, ours, theirs)
			if ours == nil || !strings.Contains(ours.Error(), "predicateType") { // a statement of no type
				t.Errorf("%s", s.name)
			}
		}
	}
	t.Logf("accepted by both %d, refused by both %d", both, neither)
	if both < 50 || neither < 25 {
		t.Errorf("accepted by both %d, refused by both %d", both, neither)
	}
}

// mutants yields documents that differ from one in one node, and what was done. others are documents of the same form, from whose
// same place a node is taken.
func mutants(doc any, others []any, yield func(what string, doc any)) {
	var walk func(node any, at []string, set func(any))
	walk = func(node any, at []string, set func(any)) {
		put := func(what string, v any) {
			set(v)
			yield(strings.Join(at, ".")+": "+what, doc)
			set(node)
		}
		put("null", nil)
		for i, o := range others {
			if other, ok := lookup(o, at); ok {
				put(fmt.Sprint("of bundle ", i), other)
			}
		}
		switch n := node.(type) {
		case map[string]any:
			put("empty", map[string]any{})
			for _, k := range slices.Sorted(maps.Keys(n)) {
				v := n[k]
				delete(n, k)
				yield(strings.Join(append(at, k), ".")+": removed", doc)
				n[k] = v
				walk(v, append(slices.Clone(at), k), func(v any) { n[k] = v })
			}
		case []any:
			put("empty", []any{})
			if len(n) > 0 {
				put("doubled", append(slices.Clone(n), n[0]))
				put("shorter", n[1:])
				reversed := slices.Clone(n)
				slices.Reverse(reversed)
				put("reversed", reversed)
			}
			for i, v := range n {
				walk(v, append(slices.Clone(at), strconv.Itoa(i)), func(v any) { n[i] = v })
			}
		case string:
			put("empty", "")
			put("longer", n+"A")
			if i, err := strconv.ParseInt(n, 10, 64); err == nil {
				put("plus one", strconv.FormatInt(i+1, 10))
				put("minus one", strconv.FormatInt(i-1, 10))
				put("zero", "0")
				put("a number", json.Number(n))
				return
			}
			raw, err := base64.StdEncoding.DecodeString(n)
			if err != nil || len(raw) < 8 {
				put("upper case", strings.ToUpper(n))
				put("another", strings.Replace(n, "1", "2", 1))
				return
			}
			for _, bit := range []int{0, 8 * len(raw) / 3, 4*len(raw) + 5, 8*len(raw) - 1} {
				flipped := slices.Clone(raw)
				flipped[bit/8] ^= 1 << (bit % 8)
				put(fmt.Sprint("bit ", bit), base64.StdEncoding.EncodeToString(flipped))
			}
			put("without its end", base64.StdEncoding.EncodeToString(raw[:len(raw)-1]))
			put("with a byte more", base64.StdEncoding.EncodeToString(append(slices.Clone(raw), 0)))
			put("URL-safe", base64.URLEncoding.EncodeToString(raw))
			put("not padded", base64.RawStdEncoding.EncodeToString(raw))
		}
	}
	walk(doc, nil, func(v any) { doc = v })
}

func lookup(doc any, at []string) (any, bool) {
	for _, k := range at {
		switch n := doc.(type) {
		case map[string]any:
			v, ok := n[k]
			if !ok {
				return nil, false
			}
			doc = v
		case []any:
			i, err := strconv.Atoi(k)
			if err != nil || i >= len(n) {
				return nil, false
			}
			doc = n[i]
		default:
			return nil, false
		}
	}
	return doc, true
}

func decode(t testing.TB, data []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// chosen are the samples that mutants are made of: of each version, log, kind of entry and material one, unless all are asked for.
func chosen(t testing.TB) (out []sample) {
	few := []string{"happy-path-v0.1/", "happy-path-v0.2/", "rekor2-checkpoint-two-sigs-cosigned/", "rekor2-timestamp-with-embedded-cert/",
		"managed-key-happy-path/", "intoto-with-custom-trust-root/", "oci-attestation/", "v2.0.0/binary-linux-amd64-push-v14.2",
		"bundle-provenance/", "bundle-publish/"}
	for _, s := range samples(t) {
		if s.ours() != nil {
			continue
		}
		if heavy() || slices.ContainsFunc(few, func(f string) bool { return strings.HasPrefix(s.name, f) }) {
			out = append(out, s)
		}
	}
	return out
}

// Bundles that differ in one place from good ones: nothing that sigstore-go refuses is accepted.
func TestMutatedBundles(t *testing.T) {
	all := chosen(t)
	var docs []any
	for _, s := range all {
		docs = append(docs, decode(t, s.bundle))
	}
	count := map[string]int{}
	for i, s := range all {
		r, err := sigstore.ParseRoot(s.root, nil)
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.verifier(r)
		if err != nil {
			t.Fatal(err)
		}
		judge, policy, err := s.judge()
		if err != nil {
			t.Fatal(err)
		}
		others := slices.Delete(slices.Clone(docs), i, i+1)
		if !heavy() {
			others = others[:min(3, len(others))]
		} else {
			others = others[:min(6, len(others))]
		}
		mutants(decode(t, s.bundle), others, func(what string, doc any) {
			m := s
			if m.bundle, err = json.Marshal(doc); err != nil {
				t.Fatal(err)
			}
			// Only what ours accepts needs a judge.
			ours := m.check(v)
			count["mutants"]++
			if ours != nil {
				return
			}
			count["accepted"]++
			if theirs := m.judged(judge, policy); theirs != nil {
				t.Errorf("%s, %s: accepted, and sigstore-go says: %v", s.name, what, theirs)
			}
		})
	}
	t.Log(count)
	if count["mutants"] < 3000 || count["accepted"] == 0 {
		t.Error(count)
	}
}

var unusable = regexp.MustCompile("unsupported tlog (hash algorithm|public key type)|failed to parse (public key for " +
	"tlog|certificate for)|" +
	"(tlog|CertificateAuthority) missing [a-z ]+|cert chain is empty|tlog public key is not [A-Z]+|invalid value for enum")

// Trusted roots that differ in one place: nothing verifies by them that does not by sigstore-go, with the exceptions that are listed.
func TestMutatedRoots(t *testing.T) {
	all := chosen(t)
	count, seen := map[string]int{}, map[string]bool{}
	for _, s := range all {
		if seen[string(s.root)] {
			continue
		}
		if !heavy() && !strings.HasPrefix(s.name, "happy-path-v0.2/") && !strings.HasPrefix(s.name, "rekor2-timestamp-with") {
			continue
		}
		seen[string(s.root)] = true
		mutants(decode(t, s.root), nil, func(what string, doc any) {
			m := s
			var err error
			if m.root, err = json.Marshal(doc); err != nil {
				t.Fatal(err)
			}
			count["mutants"]++
			if m.ours() != nil {
				return
			}
			count["accepted"]++
			theirs := m.theirs()
			if theirs == nil {
				return
			}
			// An entry that cannot be used does not make the others useless; sigstore-go gives up the whole root.
			if reason := unusable.FindString(theirs.Error()); reason != "" {
				count["left out: "+reason]++
				return
			}
			t.Errorf("%s, %s: accepted, and sigstore-go says: %v", s.name, what, theirs)
		})
	}
	t.Log(count)
}

func heavy() bool { return os.Getenv("LADING_HEAVY") != "" }
