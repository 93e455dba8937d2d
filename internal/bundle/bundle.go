// Package bundle reads and writes Sigstore bundles, as far as they are signed by a key: version 0.3 both ways, versions
// 0.1 and 0.2 to read (github.com/sigstore/protobuf-specs, protos/sigstore_bundle.proto, in the JSON mapping of
// protocol buffers).
//
// The reader knows every member of the message and refuses others, as parsers of that mapping do. What belongs to
// certificates, transparency logs and timestamps is checked as JSON and kept aside unread.
package bundle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/strictjson"
)

// MediaType is that of version 0.3, the one that is written.
const MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// IsMediaType reports whether mediaType is one of a Sigstore bundle, of whatever version.
func IsMediaType(mediaType string) bool {
	return strings.HasPrefix(mediaType, "application/vnd.dev.sigstore.bundle.") ||
		strings.HasPrefix(mediaType, "application/vnd.dev.sigstore.bundle+json")
}

// known are the media types that are read.
var known = []string{
	MediaType,
	"application/vnd.dev.sigstore.bundle+json;version=0.3",
	"application/vnd.dev.sigstore.bundle+json;version=0.2",
	"application/vnd.dev.sigstore.bundle+json;version=0.1",
}

// Why a bundle is refused, beside the errors of packages dsse and strictjson.
var (
	ErrVersion = errors.New("not a bundle of a known version")
	ErrMember  = errors.New("a member that bundles do not have")
	ErrOneof   = errors.New("not exactly one of the alternatives")
)

// Bundle is a signature and what it takes to verify it. Exactly one of Envelope and Message is set, and exactly one of
// PublicKey and Certificate is true.
type Bundle struct {
	MediaType   string
	PublicKey   bool   // the verifier must have the key
	Hint        string // of the public key; nobody signed it
	Certificate bool   // a certificate or chain of certificates comes along
	Logged      bool   // transparency log entries come along
	Timestamped bool   // RFC 3161 timestamps come along
	Envelope    *dsse.Envelope
	Message     *Message
}

// Message is a signature over an artifact's bytes. The digest is only a hint.
type Message struct {
	Algorithm string // "SHA2_256", "SHA2_384" or "SHA2_512"
	Digest    []byte
	Signature []byte
}

// Append appends the bundle as JSON of version 0.3, with a public key's hint and one of Envelope and Message.
func (b *Bundle) Append(dst []byte) []byte {
	dst = append(dst, `{"mediaType":"`+MediaType+`","verificationMaterial":{"publicKey":{"hint":`...)
	dst = strictjson.AppendString(dst, b.Hint)
	dst = append(dst, `}},`...)
	if b.Envelope != nil {
		dst = append(dst, `"dsseEnvelope":`...)
		dst = b.Envelope.Append(dst)
	} else {
		dst = append(dst, `"messageSignature":{"messageDigest":{"algorithm":`...)
		dst = strictjson.AppendString(dst, b.Message.Algorithm)
		dst = append(dst, `,"digest":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, b.Message.Digest)
		dst = append(dst, `"},"signature":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, b.Message.Signature)
		dst = append(dst, `"}`...)
	}
	return append(dst, '}')
}

// Parse reads a bundle.
func Parse(data []byte) (*Bundle, error) {
	r := strictjson.NewReader(data, strictjson.Limits{})
	b := new(Bundle)
	for name := range r.Object("mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature") {
		switch string(name) {
		case "mediaType":
			b.MediaType = r.String()
		case "verificationMaterial":
			b.readMaterial(r)
		case "dsseEnvelope":
			// A bundle has exactly one signature, so that it has one answer to who signed it.
			b.Envelope = dsse.Read(r, 1, unknown)
		case "messageSignature":
			b.Message = readMessage(r)
		default:
			unknown(r, name)
		}
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	ok := false
	for _, m := range known {
		ok = ok || b.MediaType == m
	}
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: media type %.80q", ErrVersion, b.MediaType)
	case (b.Envelope == nil) == (b.Message == nil):
		return nil, fmt.Errorf("bundle: %w: dsseEnvelope, messageSignature", ErrOneof)
	case b.PublicKey == b.Certificate:
		return nil, fmt.Errorf("bundle: %w: publicKey, certificate, x509CertificateChain", ErrOneof)
	}
	return b, nil
}

func unknown(r *strictjson.Reader, name []byte) {
	r.Fail(fmt.Errorf("%w: %.40q", ErrMember, name))
}

func (b *Bundle) readMaterial(r *strictjson.Reader) {
	certificates := 0
	for name := range r.Object("publicKey", "certificate", "x509CertificateChain", "tlogEntries", "timestampVerificationData") {
		switch string(name) {
		case "publicKey":
			b.PublicKey = true
			for name := range r.Object("hint") {
				if string(name) != "hint" {
					unknown(r, name)
				} else if !r.Null() {
					b.Hint = r.String()
				}
			}
		case "certificate", "x509CertificateChain":
			b.Certificate = true
			if certificates++; certificates > 1 {
				r.Fail(fmt.Errorf("%w: certificate, x509CertificateChain", ErrOneof))
			}
			r.Skip()
		case "tlogEntries":
			if r.Null() {
				break
			}
			for range r.Array() {
				b.Logged = true
			}
		case "timestampVerificationData":
			b.Timestamped = r.Kind() != strictjson.Null
			r.Skip()
		default:
			unknown(r, name)
		}
	}
}

func readMessage(r *strictjson.Reader) *Message {
	m := new(Message)
	for name := range r.Object("messageDigest", "signature") {
		switch string(name) {
		case "messageDigest":
			for name := range r.Object("algorithm", "digest") {
				switch string(name) {
				case "algorithm":
					m.Algorithm = r.String()
				case "digest":
					m.Digest = dsse.Base64(r)
				default:
					unknown(r, name)
				}
			}
		case "signature":
			m.Signature = dsse.Base64(r)
		default:
			unknown(r, name)
		}
	}
	if r.Err() == nil && len(m.Signature) == 0 {
		r.Fail(fmt.Errorf("%w: a messageSignature has a signature", dsse.ErrMissing))
	}
	return m
}
