package sigstore

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/mldsa"
	"github.com/ladingdev/lading/internal/dsse"
)

// Identifiers of a log's key, for an Ed25519 key whose seed is 32 bytes of 7.
func TestLogID(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)).Public().(ed25519.PublicKey)
	if got := base64.StdEncoding.EncodeToString(key); got != "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=" {
		t.Fatal(got)
	}
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(noteID("log.example", key, spki)); !strings.HasPrefix(got, "891bac2d8be57292") ||
		!strings.HasSuffix(got, "6d1bd7df") {
		t.Error(got)
	}
	if got := sha256.Sum256(spki); hex.EncodeToString(got[:4]) != "324be2de" {
		t.Error(hex.EncodeToString(got[:]))
	}
}

// The entry that a log of version 2 makes of an envelope, and the digest of what is signed.
func TestTiledBody(t *testing.T) {
	env := &dsse.Envelope{PayloadType: dsse.PayloadType, Payload: []byte("{}")}
	signed := dsse.PAE(env.PayloadType, env.Payload)
	digest := sha256.Sum256(signed)
	if got := base64.StdEncoding.EncodeToString(digest[:]); got != "SELLG6b+1uRg2KDVb2tkzPHx4R93FKfygggNV4AlG2M=" {
		t.Fatal(got)
	}
	sig, _ := base64.StdEncoding.DecodeString("MAYCAQECAQE=")
	key, err := parseKey("PKIX_ECDSA_P256_SHA_256", p256SPKI(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &Signed{Signature: sig, Envelope: env, Digest: digestsOf(signed), SPKI: []byte{1, 2, 3}, Key: key}
	body, err := s.tiledBody()
	if err != nil {
		t.Fatal(err)
	}
	leaf := leafHash(body)
	if got := hex.EncodeToString(leaf[:]); got != "9441b343764c177b4fd66ec66c75b0ab2e6df679cfba3ed18ef8d0314daae6c4" {
		t.Errorf("%s\n%s", got, body)
	}
	// Each part is told when it is another.
	for old, want := range map[string]error{"MAYCAQECAQE=": EntrySignature, "AQID": EntryKey, "SELLG": EntryContent, "0.0.2": EntryKind,
		"spec": EntryMalformed} {
		other := strings.Replace(string(body), old, strings.ToUpper(old[:1])+"1"+old[2:], 1)
		if err := s.otherBody([]byte(other)); !errors.Is(err, want) && !errors.Is(err, EntryMalformed) {
			t.Errorf("%s: %v", old, err)
		}
	}
}

func p256SPKI(t testing.TB) []byte {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==")
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// hashes of a tree, by the recursive definition (RFC 6962, section 2.1).
func naiveRoot(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	h := sha256.Sum256(append(append([]byte{1}, naiveRoot(leaves[:k])...), naiveRoot(leaves[k:])...))
	return h[:]
}

func naivePath(leaves [][]byte, i int) [][]byte {
	if len(leaves) == 1 {
		return nil
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	if i < k {
		return append(naivePath(leaves[:k], i), naiveRoot(leaves[k:]))
	}
	return append(naivePath(leaves[k:], i-k), naiveRoot(leaves[:k]))
}

// Proofs of all entries of all trees up to 40 entries verify, and none at another index, with another size, entry or path.
func TestInclusion(t *testing.T) {
	var leaves [][]byte
	for i := range 40 {
		h := leafHash([]byte{byte(i)})
		leaves = append(leaves, h[:])
	}
	for size := 1; size <= len(leaves); size++ {
		c := &checkpoint{size: int64(size), root: naiveRoot(leaves[:size])}
		for i := range size {
			path := naivePath(leaves[:size], i)
			check := func(leaf []byte, index int64, path [][]byte, c *checkpoint) error {
				return checkInclusion([32]byte(leaf), index, path, c)
			}
			if err := check(leaves[i], int64(i), path, c); err != nil {
				t.Errorf("%d of %d: %v", i, size, err)
			}
			for j := -1; j <= size; j++ {
				if err := check(leaves[i], int64(j), path, c); j != i && err == nil {
					t.Errorf("%d of %d verifies at %d", i, size, j)
				}
			}
			if check(leaves[(i+1)%len(leaves)], int64(i), path, c) == nil {
				t.Errorf("another entry is at %d of %d", i, size)
			}
			if check(leaves[i], int64(i), append(path, leaves[0]), c) == nil || len(path) > 0 &&
				check(leaves[i], int64(i), path[1:], c) == nil {
				t.Errorf("%d of %d: another length of its path", i, size)
			}
			if len(path) > 0 && check(leaves[i], int64(i), append([][]byte{path[0][:31]}, path[1:]...), c) == nil {
				t.Errorf("%d of %d: a hash of 31 bytes", i, size)
			}
		}
	}
	if checkInclusion([32]byte(leaves[0]), 0, nil, &checkpoint{size: 0, root: leaves[0]}) == nil {
		t.Error("an empty tree")
	}
}

// Certificates without their list of timestamps: every other byte stays, and every length is as short as can be.
func TestWithoutSCTs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var extensions, want []byte
		n, sct := r.IntN(20), r.IntN(20)
		for i := range n {
			value := appendDER(nil, tagOctetString, make([]byte, r.IntN(400)))
			id := []byte{0x2a, byte(i)}
			if i == sct {
				id = []byte(sctBytes)
			}
			e := appendDER(nil, tagSequence, appendDER(nil, tagOID, id), value)
			extensions = append(extensions, e...)
			if i != sct {
				want = append(want, e...)
			}
		}
		before := appendDER(nil, tagInteger, []byte{5})
		tbs := func(list []byte) []byte {
			return appendDER(nil, tagSequence, before, appendDER(nil, tagExplicit3, appendDER(nil, tagSequence, list)))
		}
		got, ok := withoutSCTs(tbs(extensions))
		if ok != (sct < n) || ok && !bytes.Equal(got, tbs(want)) {
			t.Errorf("%d of %d: %v", sct, n, ok)
		}
	}
}

// Operators are told apart by what the trusted root says, else by key and host.
func TestDistinct(t *testing.T) {
	o := func(operator, host, key string) owner { return owner{operator: operator, host: host, key: key} }
	for _, tt := range []struct {
		owners []owner
		want   int
	}{
		{nil, 0},
		{[]owner{o("", "a.example", "1")}, 1},
		{[]owner{o("", "a.example", "1"), o("", "b.example", "2")}, 2},
		{[]owner{o("", "a.example", "1"), o("", "a.example", "2")}, 1},
		{[]owner{o("", "example", "1"), o("", "b.example", "2")}, 1},
		{[]owner{o("", "log.example", "1"), o("", "catalog.example", "2")}, 2},
		{[]owner{o("x", "a.example", "1"), o("x", "b.example", "2")}, 1},
		{[]owner{o("x", "a.example", "1"), o("y", "a.example", "2")}, 2},
		{[]owner{o("x", "a.example", "1"), o("y", "b.example", "1")}, 1},
		{[]owner{o("x", "a.example", "1"), o("y", "b.example", "2"), o("x", "c.example", "2")}, 1},
		{[]owner{o("", "", "1"), o("", "", "2")}, 2},
	} {
		if got := distinct(tt.owners); got != tt.want {
			t.Errorf("%v: %d, not %d", tt.owners, got, tt.want)
		}
	}
}

func FuzzDER(f *testing.F) {
	f.Add([]byte{0x30, 3, 2, 1, 5})
	f.Fuzz(func(t *testing.T, data []byte) {
		d := der(data)
		for len(d) > 0 {
			tag, content, whole, ok := d.next()
			if !ok {
				return
			}
			if !bytes.Equal(appendDER(nil, tag, content), whole) {
				t.Fatalf("%x is not the encoding of %x", whole, content)
			}
		}
	})
}

func FuzzBundle(f *testing.F) {
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"},` +
		`"tlogEntries":[]},` +
		`"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AA=="},"signature":"AA=="}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBundle(data)
		if (b == nil) == (err == nil) {
			t.Fatal("neither a bundle nor an error")
		}
		var fault Fault
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("an error that is no fault: %v", err)
		}
	})
}

func FuzzRoot(f *testing.F) {
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[{"baseUrl":"https://a",` +
		`"hashAlgorithm":"SHA2_256"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := ParseRoot(data, nil); (r == nil) == (err == nil) {
			t.Fatal("neither a root nor an error")
		}
	})
}

func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"apiVersion":"0.0.1","kind":"dsse","spec":{"payloadHash":{"algorithm":"sha256","value":"00"},` +
		`"signatures":[{"signature":"AA==","verifier":"AA=="}]}}`))
	f.Add([]byte(`{"apiVersion":"0.0.2","kind":"intoto","spec":{"content":{"envelope":{"payloadType":"x",` +
		`"signatures":[{"sig":"QUE9PQ==","publicKey":"AA=="}]}}}}`))
	s := &Signed{Signature: []byte{0}, Digest: digestsOf(nil), Envelope: &dsse.Envelope{}, SPKI: []byte{1}}
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := parseBody(data); err == nil {
			if s.compareBody(&LogEntry{Kind: b.kind, Version: b.version, Body: data}) == nil {
				t.Fatal("an entry of nothing")
			}
		}
		if s.otherBody(data) == nil {
			t.Fatal("no fault")
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	f.Add("a.example\n5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— a.example AAAAAAEC\n")
	key, _, _ := ed25519.GenerateKey(nil)
	l := &log{owner: owner{host: "a.example"}, id: strings.Repeat("\x00", 32), public: key}
	l.signs, _ = signsWith(key, true)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := openCheckpoint(text, l); err == nil {
			t.Fatal("nobody signed it")
		}
	})
}

func FuzzSCTs(f *testing.F) {
	f.Add([]byte{4, 4, 0, 2, 0, 0})
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = parseSCTs(data)
		_, _ = withoutSCTs(data)
	})
}

func FuzzToken(f *testing.F) {
	f.Add([]byte{0x30, 5, 0x30, 3, 2, 1, 0})
	names, _ := filepath.Glob("testdata/timestamps/*.tsr")
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if tok, err := parseToken(data); (tok == nil) == (err == nil) {
			t.Fatal("neither a token nor an error")
		}
	})
}

func FuzzLeaf(f *testing.F) {
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := parseLeaf(data); (l == nil) == (err == nil) {
			t.Fatal("neither a certificate nor an error")
		}
	})
}

// Every fault has words.
func TestFaults(t *testing.T) {
	for f := BundleMalformed; f <= IdentityUnknown; f++ {
		if f.Error() == "" {
			t.Error(uint8(f))
		}
	}
}

// A key that signs whole messages, ML-DSA, is in no log of version 2.
func TestWholeMessages(t *testing.T) {
	key, err := mldsa.GenerateKey(mldsa.MLDSA44())
	if err != nil {
		t.Fatal(err)
	}
	s := &Signed{Key: key.PublicKey(), Digest: digestsOf([]byte("m")), SPKI: []byte{1}, Signature: []byte{2}}
	if _, err := s.tiledBody(); !errors.Is(err, EntryKind) && !errors.Is(err, KeyAlgorithm) {
		t.Error(err)
	}
	if s.By(s.Key) {
		t.Error("a signature of nothing")
	}
}

// A hash of nothing is not that of content whose hash nobody knows: a file of which the caller has another digest.
func TestHashOfNothing(t *testing.T) {
	unknown := func(crypto.Hash) []byte { return nil }
	for _, algorithm := range []string{"sha256", "SHA2_512", "md5", ""} {
		if (rawHash{algorithm: algorithm}).is(unknown) {
			t.Error(algorithm)
		}
	}
	if !(rawHash{"sha256", "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}).is(digestsOf([]byte("foo"))) {
		t.Error("the hash of foo")
	}
}
