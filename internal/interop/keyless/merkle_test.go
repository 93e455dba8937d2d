package keyless

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// A noteKey signs and verifies notes with the key of the instance's first log, for package note.
type noteKey struct{ instance *sigstoretest.Instance }

func (k noteKey) Name() string { return k.instance.RekorHost }
func (k noteKey) KeyHash() uint32 {
	id := k.instance.RekorID()
	return binary.BigEndian.Uint32(id[:4])
}

func (k noteKey) Sign(msg []byte) ([]byte, error) {
	sum := sha256.Sum256(msg)
	return ecdsa.SignASN1(rand.Reader, k.instance.Rekor, sum[:])
}

func (k noteKey) Verify(msg, sig []byte) bool {
	sum := sha256.Sum256(msg)
	return ecdsa.VerifyASN1(&k.instance.Rekor.PublicKey, sum[:], sig)
}

// A judged is a bundle whose inclusion proof and checkpoint can be exchanged.
type judged struct {
	noteKey
	bundle   []byte
	leaf     []byte
	verifier *sigstore.Verifier
}

func newJudged(t testing.TB) *judged {
	j := &judged{noteKey: noteKey{sigstoretest.New(sigstoretest.SignedAt)}}
	g := sigstoretest.Release()
	g.Entry = func(e map[string]any) { j.leaf = rfc6962.DefaultHasher.HashLeaf(e["canonicalizedBody"].([]byte)) }
	j.bundle = j.instance.Sign(g)
	root, err := sigstore.ParseRoot(j.instance.TrustedRoot(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	any := sigstore.Matching(".+")
	if j.verifier, err = sigstore.New(root, []sigstore.Entry{{Name: "anybody", URI: any, Issuer: any}}, nil); err != nil {
		t.Fatal(err)
	}
	return j
}

// ours verifies the bundle with another proof and checkpoint.
func (j *judged) ours(t testing.TB, index, size uint64, path [][]byte, root []byte, checkpoint string) error {
	var b map[string]any
	if err := json.Unmarshal(j.bundle, &b); err != nil {
		t.Fatal(err)
	}
	e := sigstoretest.Node(b, "verificationMaterial", "tlogEntries", 0)
	e["inclusionProof"] = map[string]any{"logIndex": fmt.Sprint(index), "treeSize": fmt.Sprint(size), "rootHash": root, "hashes": path,
		"checkpoint": map[string]any{"envelope": checkpoint}}
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = j.verifier.VerifyDigest(ctx, sigstoretest.Image, verify.Descriptor{Data: data})
	return err
}

// checkpoint signs one with package note.
func (j *judged) checkpoint(t testing.TB, size uint64, root []byte) string {
	text, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s - 4711\n%d\n%s\n", j.Name(), size, base64.StdEncoding.EncodeToString(root))},
		j.noteKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Proofs in trees of any size, whole and changed: ours and transparency-dev/merkle say the same.
func TestInclusionByMerkle(t *testing.T) {
	j := newJudged(t)
	rnd := mathrand.New(mathrand.NewPCG(1, 2))
	node := func() []byte {
		var h [32]byte
		for i := range h {
			h[i] = byte(rnd.Uint32())
		}
		return h[:]
	}
	both, neither := 0, 0
	for round := range 400 {
		size := 1 + rnd.Uint64N(1<<(1+rnd.UintN(50)))
		index := rnd.Uint64N(size)
		nodes, err := proof.Inclusion(index, size)
		if err != nil {
			t.Fatal(err)
		}
		path := make([][]byte, len(nodes.IDs))
		for i := range path {
			path[i] = node()
		}
		// The nodes of a proof are those of whole subtrees; the last may be made of several.
		_, begin, end := nodes.Ephem()
		if end > begin {
			path = append(path[:begin+1], path[end:]...)
		}
		root, err := proof.RootFromInclusionProof(rfc6962.DefaultHasher, index, size, j.leaf, path)
		if err != nil {
			t.Fatal(err)
		}
		signedSize := size
		switch round % 8 {
		case 1:
			index = rnd.Uint64N(size + 2)
		case 2:
			signedSize = max(1, size+rnd.Uint64N(4)-2)
		case 3:
			path = append(path, node())
		case 4:
			path = path[:len(path)-min(1, len(path))]
		case 5:
			if len(path) > 0 {
				path[rnd.IntN(len(path))] = node()
			}
		case 6:
			if len(path) > 1 {
				path[0], path[1] = path[1], path[0]
			}
		case 7:
			if len(path) > 0 {
				path[0] = path[0][:31]
			}
		}
		theirs := proof.VerifyInclusion(rfc6962.DefaultHasher, index, signedSize, j.leaf, path, root)
		ours := j.ours(t, index, signedSize, path, root, j.checkpoint(t, signedSize, root))
		switch {
		case (ours == nil) != (theirs == nil):
			t.Errorf("index %d of %d, %d hashes: ours %v, theirs %v", index, signedSize, len(path), ours, theirs)
		case ours == nil:
			both++
		default:
			neither++
		}
	}
	t.Logf("accepted by both %d, by neither %d", both, neither)
	if both < 50 || neither < 100 {
		t.Error("too few of either")
	}
}

// FuzzCheckpoint changes a checkpoint: whatever ours accepts, package note opens, and it has the same text.
func FuzzCheckpoint(f *testing.F) {
	j := newJudged(f)
	good := j.checkpoint(f, 1, j.leaf)
	_, line, _ := strings.Cut(good, "\n\n")
	for _, text := range []string{good, strings.Replace(good, "\n\n", "\nmore\n\n", 1), good + line, good + "— other.example AAAAAAA=\n",
		strings.Replace(good, "\n\n", "\n\n— other.example AAAAAAAA\n", 1), strings.ReplaceAll(good, "\n", "\r\n"), good[:len(good)-1],
		strings.Replace(good, "— ", "- ", 1), "\n" + good, good + "\n", strings.Replace(good, "\n1\n", "\n01\n", 1),
		good + "— rekor.example AAAAAAAA\n"} {
		f.Add(text)
	}
	if err := j.ours(f, 0, 1, [][]byte{}, j.leaf, good); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if j.ours(t, 0, 1, [][]byte{}, j.leaf, text) != nil {
			return
		}
		n, err := note.Open([]byte(text), note.VerifierList(j.noteKey))
		if err != nil {
			t.Fatalf("accepted, and package note says %v: %q", err, text)
		}
		if want := fmt.Sprintf("%s - 4711\n1\n%s\n", j.Name(), base64.StdEncoding.EncodeToString(j.leaf)); n.Text != want {
			t.Fatalf("accepted %q", n.Text)
		}
	})
}
