// Package bundlewriter writes Sigstore bundles of version 0.3, as protocol buffers' encoders write them. It is apart from package
// bundle so that who only verifies does not compile it.
package bundlewriter

import (
	"encoding/base64"

	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/strictjson"
)

// PublicKey appends the verification material of a public key, with its hint.
func PublicKey(dst []byte, hint string) []byte {
	dst = append(dst, `{"publicKey":{"hint":`...)
	return append(strictjson.AppendString(dst, hint), `}}`...)
}

// Append appends a bundle with one of envelope and message. Material is the JSON object of what verifies it.
func Append(dst, material []byte, envelope *dsse.Envelope, message *bundle.Message) []byte {
	dst = append(dst, `{"mediaType":"`+bundle.MediaType+`","verificationMaterial":`...)
	dst = append(append(dst, material...), ',')
	if envelope != nil {
		dst = append(dst, `"dsseEnvelope":`...)
		return append(envelope.Append(dst), '}')
	}
	dst = append(dst, `"messageSignature":{"messageDigest":{"algorithm":`...)
	dst = strictjson.AppendString(dst, message.Algorithm)
	dst = append(dst, `,"digest":`...)
	dst = Base64(dst, message.Digest)
	dst = append(dst, `},"signature":`...)
	return append(Base64(dst, message.Signature), `}}`...)
}

// Base64 appends bytes as a string.
func Base64(dst, data []byte) []byte {
	dst = append(dst, '"')
	return append(base64.StdEncoding.AppendEncode(dst, data), '"')
}
