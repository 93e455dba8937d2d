// Package bundle reads and writes Sigstore bundles, as far as they are signed by a key: version 0.3 both ways, versions 0.1 and 0.2
// to read (github.com/sigstore/protobuf-specs, protos/sigstore_bundle.proto, in the JSON mapping of protocol buffers).
//
// The reader knows every member of the message and refuses others, as parsers of that mapping do; of the two names that
// the mapping gives a member it knows the one that is written, verificationMaterial. What belongs to certificates,
// transparency logs and timestamps is checked as JSON and left unread.
package bundle

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/strictjson"
)

// MediaType is that of version 0.3, the one that is written.
const MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// IsMediaType reports whether mediaType, without parameters, is one of a Sigstore bundle, of whatever version.
func IsMediaType(mediaType string) bool {
	return mediaType == "application/vnd.dev.sigstore.bundle+json" || strings.HasPrefix(mediaType, "application/vnd.dev.sigstore.bundle.")
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

// members yields the members of a message in protocol buffers' mapping, base64Text reads its bytes.
var (
	members    = dsse.Proto.Members
	base64Text = dsse.Proto.Base64
)

// Parse reads a bundle.
func Parse(data []byte) (*Bundle, error) {
	r := strictjson.NewReader(data, strictjson.Limits{})
	b := new(Bundle)
	for name := range members(r, "mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature") {
		switch name {
		case "mediaType":
			b.MediaType = r.String()
		case "verificationMaterial":
			b.readMaterial(r)
		case "dsseEnvelope":
			// A bundle has exactly one signature, so that it has one answer to who signed it.
			b.Envelope = dsse.Read(r, 1, dsse.Proto)
		case "messageSignature":
			b.Message = readMessage(r)
		}
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	switch {
	case !slices.Contains(known, b.MediaType):
		return nil, fmt.Errorf("%w: media type %.80q", ErrVersion, b.MediaType)
	case (b.Envelope == nil) == (b.Message == nil):
		return nil, fmt.Errorf("bundle: %w: dsseEnvelope, messageSignature", ErrOneof)
	case b.PublicKey == b.Certificate:
		return nil, fmt.Errorf("bundle: %w: publicKey, certificate, x509CertificateChain", ErrOneof)
	}
	return b, nil
}

func (b *Bundle) readMaterial(r *strictjson.Reader) {
	for name := range members(r, "publicKey", "certificate", "x509CertificateChain", "tlogEntries", "timestampVerificationData") {
		switch name {
		case "publicKey":
			b.PublicKey = true
			for range members(r, "hint") {
				b.Hint = r.String()
			}
		case "certificate", "x509CertificateChain":
			if b.Certificate {
				r.Fail(fmt.Errorf("%w: certificate, x509CertificateChain", ErrOneof))
			}
			b.Certificate = true
		case "tlogEntries":
			for range r.Array() {
				b.Logged = true
			}
		case "timestampVerificationData":
			for range members(r, "rfc3161Timestamps") {
				for range r.Array() {
					b.Timestamped = true
				}
			}
		}
	}
}

func readMessage(r *strictjson.Reader) *Message {
	m := new(Message)
	for name := range members(r, "messageDigest", "signature") {
		switch name {
		case "messageDigest":
			for name := range members(r, "algorithm", "digest") {
				switch name {
				case "algorithm":
					m.Algorithm = readAlgorithm(r)
				case "digest":
					m.Digest = base64Text(r)
				}
			}
		case "signature":
			m.Signature = base64Text(r)
		}
	}
	if r.Err() == nil && len(m.Signature) == 0 {
		r.Fail(fmt.Errorf("%w: a messageSignature has a signature", dsse.ErrMissing))
	}
	return m
}

// algorithms are the names of enum HashAlgorithm by their numbers, as far as they are used.
var algorithms = []string{"HASH_ALGORITHM_UNSPECIFIED", "SHA2_256", "SHA2_384", "SHA2_512"}

// readAlgorithm reads an enum's value, which the mapping lets stand as its name or its number.
func readAlgorithm(r *strictjson.Reader) string {
	if r.Kind() != strictjson.Number {
		return r.String()
	}
	n := r.Int64()
	if n < 0 || n >= int64(len(algorithms)) {
		return strconv.FormatInt(n, 10)
	}
	return algorithms[n]
}
