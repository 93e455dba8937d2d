package signedtext

import (
	"bytes"
	"encoding/base64"
)

// isPromise tells what a log signs of an entry that it will include: JSON in the form of RFC 8785 (sigstore/rekor, signed entry
// timestamp). Readers build it anew, so that there is no other spelling.
func isPromise(head []byte) bool {
	rest, ok := bytes.CutPrefix(head, []byte(`{"body":"`))
	if !ok {
		return false
	}
	rest = bytes.TrimLeft(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
	return bytes.HasPrefix(rest, []byte(`","integratedTime":`)) || len(rest) == 0 && len(head) > MaxBytes
}

// isCheckpoint tells the text of a log's checkpoint (C2SP, tlog-checkpoint.md): origin, size and root of its tree, each on a line,
// and perhaps more lines.
func isCheckpoint(head []byte) bool {
	lines := bytes.SplitN(head, []byte("\n"), 4)
	if len(lines) < 4 || len(lines[0]) == 0 || len(lines[1]) == 0 || len(bytes.TrimLeft(lines[1], "0123456789")) > 0 {
		return false
	}
	root, err := base64.StdEncoding.DecodeString(string(lines[2]))
	return err == nil && len(root) == 32
}

// isCertificateTimestamp tells what a certificate transparency log signs of a certificate or of a precertificate (RFC 6962, section
// 3.2): versions, time, kind of entry, the entry and extensions.
func isCertificateTimestamp(head []byte) bool {
	const fixed = 2 + 8 + 2
	if len(head) < fixed || head[0] != 0 || head[1] != 0 || head[10] != 0 || head[11] > 1 {
		return false
	}
	rest := head[fixed:]
	if head[11] == 1 { // with the hash of the issuer's key
		if len(rest) < 32 {
			return false
		}
		rest = rest[32:]
	}
	if len(rest) < 4 || rest[3] != sequence {
		return false
	}
	n := int(rest[0])<<16 | int(rest[1])<<8 | int(rest[2])
	if rest = rest[3:]; len(rest) < n+2 {
		return len(head) > MaxBytes
	}
	extensions := rest[n:]
	return len(extensions) == 2+int(extensions[0])<<8+int(extensions[1])
}
