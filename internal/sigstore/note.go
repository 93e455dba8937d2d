package sigstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"math/bits"
	"strconv"
	"strings"
)

// A checkpoint is the size and root hash of a log's tree, by the log's word (C2SP, tlog-checkpoint.md).
type checkpoint struct {
	origin string
	size   int64
	root   []byte
}

// maxSignatures is how many lines of signatures a checkpoint may have.
const maxSignatures = 16

// openCheckpoint reads a signed note (C2SP, signed-note.md) and proves that the log signed it. Lines by others count for nothing;
// each line under the log's name and key must verify.
func openCheckpoint(text string, log *log) (*checkpoint, error) {
	if len(text) > maxCheckpoint {
		return nil, OverLimit.errorf("a checkpoint of %d bytes", len(text))
	}
	split := strings.LastIndex(text, "\n\n")
	if split < 0 || !strings.HasSuffix(text, "\n") {
		return nil, CheckpointMalformed.errorf("it has no signatures")
	}
	for _, c := range []byte(text) {
		if c < ' ' && c != '\n' {
			return nil, CheckpointMalformed.errorf("a character that a note has not")
		}
	}
	signed, lines := text[:split+1], text[split+2:]
	c, err := parseCheckpoint(signed)
	if err != nil {
		return nil, err
	}
	name, err := c.name(log)
	if err != nil {
		return nil, err
	}
	count, verified := 0, false
	for line := range strings.Lines(lines) {
		if count++; count > maxSignatures {
			return nil, OverLimit.errorf("a checkpoint with more than %d signatures", maxSignatures)
		}
		signer, hint, sig, ok := parseSignatureLine(strings.TrimSuffix(line, "\n"))
		if !ok {
			return nil, CheckpointMalformed.errorf("a line that is no signature")
		}
		if hint != log.id[:4] || signer != name {
			continue
		}
		if !log.signs.Verify(log.public, log.signs.Digest([]byte(signed)), sig) {
			return nil, CheckpointSignature.errorf("a signature under the log's name and key")
		}
		verified = true
	}
	switch {
	case count == 0:
		return nil, CheckpointMalformed.errorf("it has no signatures")
	case !verified:
		return nil, CheckpointSignature.errorf("no signature under the log's name, %.80q, and key", name)
	}
	return c, nil
}

// parseSignatureLine reads "— name base64(hint ‖ signature)".
func parseSignatureLine(line string) (name, hint string, sig []byte, ok bool) {
	line, ok = strings.CutPrefix(line, "— ")
	name, encoded, ok2 := strings.Cut(line, " ")
	if !ok || !ok2 || name == "" || strings.ContainsAny(name, "+\u00a0\u2028\u2029") {
		return "", "", nil, false
	}
	data, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(data) < 5 {
		return "", "", nil, false
	}
	return name, string(data[:4]), data[4:], true
}

func parseCheckpoint(text string) (*checkpoint, error) {
	origin, rest, _ := strings.Cut(text, "\n")
	number, rest, ok := strings.Cut(rest, "\n")
	encoded, more, ok2 := strings.Cut(rest, "\n")
	size, err := strconv.ParseInt(number, 10, 64)
	if !ok || !ok2 || origin == "" || err != nil || size < 0 || strconv.FormatInt(size, 10) != number {
		return nil, CheckpointMalformed.errorf("not an origin and a size")
	}
	root, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(root) != sha256.Size {
		return nil, CheckpointMalformed.errorf("not the root of a tree")
	}
	for line := range strings.Lines(more) { // extension lines
		if line == "\n" {
			return nil, CheckpointMalformed.errorf("an empty line in the text")
		}
	}
	return &checkpoint{origin: origin, size: size, root: root}, nil
}

// generation tells the log's generation by its origin: the first wrote the tree's number into it.
func (c *checkpoint) generation() (name string, g generation, ok bool) {
	name, tree, first := strings.Cut(c.origin, " - ")
	if !first {
		return name, tiledLog, true
	}
	return name, firstLog, tree != "" && strings.Trim(tree, "0123456789") == ""
}

// name returns what the log must sign the checkpoint as: itself, as the trusted root and its own key have it. The first generation
// may have a port there. If the trusted root has no URL, the key alone tells logs of the first generation.
func (c *checkpoint) name(log *log) (string, error) {
	name, g, ok := c.generation()
	switch {
	case !ok, log.generation != byCheckpoint && log.generation != g:
		return "", CheckpointOrigin.errorf("%.80q is not how this log calls itself", c.origin)
	case name == log.host && name != "", g == firstLog && (name == log.address || log.host == ""):
		return name, nil
	}
	return "", CheckpointOrigin.errorf("%.80q, the log's name is %.80q", c.origin, log.host)
}

// leafHash returns the hash of an entry (RFC 6962, section 2.1).
func leafHash(entry []byte) [sha256.Size]byte {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(entry)
	return [sha256.Size]byte(h.Sum(nil))
}

// checkInclusion proves that the tree of a checkpoint has an entry at an index (RFC 9162, section 2.1.3.2).
func checkInclusion(leaf [sha256.Size]byte, index int64, path [][]byte, c *checkpoint) error {
	if index < 0 || index >= c.size {
		return ProofInvalid.errorf("index %d in a tree of %d entries", index, c.size)
	}
	inner := bits.Len64(uint64(index) ^ uint64(c.size-1))
	want := inner + bits.OnesCount64(uint64(index)>>inner)
	if len(path) != want {
		return ProofInvalid.errorf("%d hashes, %d lead from index %d to the root of %d entries", len(path), want, index, c.size)
	}
	node := leaf
	var buf [1 + 2*sha256.Size]byte
	buf[0] = 1
	for i, h := range path {
		if len(h) != sha256.Size {
			return ProofInvalid.errorf("a hash of %d bytes", len(h))
		}
		if i < inner && index>>i&1 == 0 {
			copy(buf[1:], node[:])
			copy(buf[33:], h)
		} else {
			copy(buf[1:], h)
			copy(buf[33:], node[:])
		}
		node = sha256.Sum256(buf[:])
	}
	if !bytes.Equal(node[:], c.root) {
		return ProofInvalid.errorf("it leads to another root")
	}
	return nil
}
