package notation

import (
	"bytes"
	"encoding/base64"
)

// IsSigningInput reports whether bytes that begin with head may be what a JWS is signed over (RFC 7515, section 5.1): two
// words of base64url and a dot, of which the first is a JSON object. Line breaks are passed over, as decoders do.
func IsSigningInput(head []byte) bool {
	word, rest, dot := bytes.Cut(head, []byte("."))
	if !dot && len(head) <= MaxEnvelope || !isBase64URL(word) || !isBase64URL(rest) {
		return false
	}
	word = withoutBreaks(word)
	header := make([]byte, base64.RawURLEncoding.DecodedLen(len(word)))
	n, err := base64.RawURLEncoding.Decode(header, word)
	header = bytes.TrimLeft(header[:n], " \t\r\n")
	return (err == nil || !dot) && len(header) > 0 && header[0] == '{'
}

// HasBreaks reports whether text has line breaks, which package base64 passes over and RFC 7515 (section 2) does not allow.
func HasBreaks(text []byte) bool { return bytes.ContainsAny(text, "\r\n") }

func withoutBreaks(word []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(word, []byte("\r"), nil), []byte("\n"), nil)
}

func isBase64URL(word []byte) bool {
	return len(bytes.TrimLeft(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_\r\n")) == 0
}

// sigStructure begins what a COSE_Sign1 is signed over: an array of four, the first being its context (RFC 9052, section 4.4).
const sigStructure = "\x84\x6aSignature1"

// IsSigStructure reports whether bytes that begin with head may be what a COSE_Sign1 is signed over.
func IsSigStructure(head []byte) bool { return bytes.HasPrefix(head, []byte(sigStructure)) }
