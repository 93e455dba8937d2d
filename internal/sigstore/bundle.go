package sigstore

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/strictjson"
)

// What a bundle may have at most.
const (
	maxMaterial   = 1 << 20 // bytes of a bundle, its payload left out
	maxEntries    = 32
	maxTimestamps = 8
	maxHashes     = 64 // of an inclusion proof: the height of a tree
	maxCheckpoint = 64 << 10
)

// A Bundle is a Sigstore bundle as it stands: nothing of it is proven. Exactly one of Envelope and Message is set. Certificate
// is nil if a key signed.
type Bundle struct {
	Certificate []byte // DER
	Hint        string // of the key
	Entries     []LogEntry
	Timestamps  [][]byte // RFC 3161 responses, DER
	Envelope    *dsse.Envelope
	Message     *bundle.Message
}

// A LogEntry is a TransparencyLogEntry of protobuf-specs (sigstore_rekor.proto).
type LogEntry struct {
	LogID          []byte
	Index          int64
	Kind, Version  string
	IntegratedTime int64  // Unix seconds; zero if there is none
	Promise        []byte // signed entry timestamp; nil if there is none
	Proof          *InclusionProof
	Body           []byte
}

// An InclusionProof leads from an entry to the root in a checkpoint. What it says itself of the tree is signed by nobody.
type InclusionProof struct {
	Index      int64
	Root       []byte // nil if it has none
	Size       int64
	Hashes     [][]byte
	Checkpoint string
}

// versions are the media types of bundles that are read, and the version of the format.
var versions = map[string]int{
	"application/vnd.dev.sigstore.bundle+json;version=0.1": 1,
	"application/vnd.dev.sigstore.bundle+json;version=0.2": 2,
	"application/vnd.dev.sigstore.bundle+json;version=0.3": 3,
	bundle.MediaType: 3,
}

// base64Text reads the bytes of a message.
var base64Text = dsse.Strict.Base64

// decimal reads an int64 that is not negative, as protocol buffers' encoders write it: a string of digits.
func decimal(r *strictjson.Reader) int64 {
	text := r.Text()
	if r.Err() != nil {
		return 0
	}
	if len(text) == 0 || len(text) > 18 || len(text) > 1 && text[0] == '0' {
		r.Fail(fmt.Errorf("%w: %.24q is not a decimal number", strictjson.ErrType, text))
		return 0
	}
	var n int64
	for _, c := range text {
		if c < '0' || c > '9' {
			r.Fail(fmt.Errorf("%w: %.24q is not a decimal number", strictjson.ErrType, text))
			return 0
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// ParseBundle reads a bundle of version 0.1, 0.2 or 0.3. It is stricter than the JSON mapping of protocol buffers: names as
// encoders write them, numbers as strings, padded standard base64, null for messages alone. What each version must have is
// checked here, and nothing else depends on the version, for nobody signed it.
func ParseBundle(data []byte) (*Bundle, error) {
	r := strictjson.NewReader(data, strictjson.Limits{})
	b := new(Bundle)
	var (
		mediaType string
		found     material
	)
	for f := r.Fields("mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature"); f.Next(); {
		switch f.Name {
		case "mediaType":
			mediaType = r.String()
		case "verificationMaterial":
			found = b.readMaterial(r)
		case "dsseEnvelope":
			b.Envelope = dsse.Read(r, 1, dsse.Strict)
		case "messageSignature":
			b.Message = readMessage(r)
		}
	}
	err := r.End()
	if err == nil {
		size := len(data)
		if b.Envelope != nil {
			size -= base64.StdEncoding.EncodedLen(len(b.Envelope.Payload))
		}
		if size > maxMaterial {
			return nil, OverLimit.errorf("a bundle with %d bytes beside its payload, at most %d are read", size, maxMaterial)
		}
	}
	version := versions[mediaType]
	switch {
	case errors.Is(err, strictjson.ErrLimit):
		return nil, OverLimit.errorf("bundle: %w", err)
	case err != nil:
		return nil, BundleMalformed.errorf("%w", err)
	case version == 0:
		return nil, BundleVersion.errorf("media type %.80q", mediaType)
	case (b.Envelope == nil) == (b.Message == nil):
		return nil, BundleMalformed.errorf("not exactly one of dsseEnvelope and messageSignature")
	case found.kinds != 1:
		return nil, BundleMalformed.errorf("not exactly one of publicKey, certificate and x509CertificateChain")
	case found.chain && version == 3:
		return nil, BundleMalformed.errorf("a chain of certificates, in a bundle of version 0.3")
	}
	switch {
	case b.Message != nil && len(b.Message.Digest) == 0: // a hint, and other readers need it
		return nil, BundleMalformed.errorf("a messageSignature has a messageDigest")
	case b.Envelope != nil && b.Envelope.Signatures[0].KeyID != "" && b.Envelope.Signatures[0].KeyID != b.Hint:
		return nil, BundleMalformed.errorf("a keyid that is not the hint of the key")
	}
	for i := range b.Entries {
		switch e := &b.Entries[i]; {
		case version == 1 && e.Promise == nil:
			return nil, ProofMissing.errorf("a bundle of version 0.1 has inclusionPromise")
		case version > 1 && e.Proof == nil:
			return nil, ProofMissing.errorf("a bundle of version 0.%d has inclusionProof", version)
		}
	}
	return b, nil
}

// material says what verified the signature, as far as a Bundle does not.
type material struct {
	kinds int
	chain bool
}

func (b *Bundle) readMaterial(r *strictjson.Reader) (found material) {
	for f := r.Fields("publicKey", "certificate", "x509CertificateChain", "tlogEntries", "timestampVerificationData"); f.Next(); {
		switch f.Name {
		case "publicKey":
			found.kinds++
			for f := r.Fields("hint"); f.Next(); {
				b.Hint = r.String()
			}
		case "certificate":
			found.kinds++
			b.Certificate = readCertificate(r)
		case "x509CertificateChain":
			found.kinds++
			found.chain = true
			b.readChain(r)
		case "tlogEntries":
			for i := range r.Array() {
				if i == maxEntries {
					r.Fail(fmt.Errorf("more than %d log entries: %w", maxEntries, strictjson.ErrLimit))
				}
				b.Entries = append(b.Entries, ReadLogEntry(r))
			}
		case "timestampVerificationData":
			for f := r.OptionalFields("rfc3161Timestamps"); f.Next(); {
				b.readTimestamps(r)
			}
		}
	}
	return found
}

func (b *Bundle) readTimestamps(r *strictjson.Reader) {
	for i := range r.Array() {
		if i == maxTimestamps {
			r.Fail(fmt.Errorf("more than %d timestamps: %w", maxTimestamps, strictjson.ErrLimit))
		}
		b.Timestamps = append(b.Timestamps, readMember(r, "signedTimestamp"))
	}
}

// readMember reads an object of one member, which is bytes.
func readMember(r *strictjson.Reader, name string) (value []byte) {
	for f := r.Fields(name); f.Next(); {
		value = base64Text(r)
	}
	return value
}

// readChain reads the first certificate of a chain. The others are not trusted, and of no use: authorities come from the
// trusted root. Public bundles of version 0.1 have a root among them.
func (b *Bundle) readChain(r *strictjson.Reader) {
	const most = 10
	for f := r.Fields("certificates"); f.Next(); {
		for i := range r.Array() {
			c := readCertificate(r)
			if i == 0 {
				b.Certificate = c
			}
			if i == most {
				r.Fail(fmt.Errorf("more than %d certificates: %w", most, strictjson.ErrLimit))
			}
		}
	}
	if r.Err() == nil && b.Certificate == nil {
		r.Fail(fmt.Errorf("%w: a chain has a certificate", dsse.ErrMissing))
	}
}

func readCertificate(r *strictjson.Reader) []byte {
	der := readMember(r, "rawBytes")
	if r.Err() == nil && len(der) == 0 {
		r.Fail(fmt.Errorf("%w: a certificate has rawBytes", dsse.ErrMissing))
	}
	return der
}

func readMessage(r *strictjson.Reader) *bundle.Message {
	m := new(bundle.Message)
	for f := r.Fields("messageDigest", "signature"); f.Next(); {
		switch f.Name {
		case "messageDigest":
			for f := r.OptionalFields("algorithm", "digest"); f.Next(); {
				switch f.Name {
				case "algorithm":
					m.Algorithm = r.String()
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

// ReadLogEntry reads a TransparencyLogEntry.
func ReadLogEntry(r *strictjson.Reader) (e LogEntry) {
	for f := r.Fields("logIndex", "logId", "kindVersion", "integratedTime", "inclusionPromise", "inclusionProof",
		"canonicalizedBody"); f.Next(); {
		switch f.Name {
		case "logIndex":
			e.Index = decimal(r)
		case "logId":
			e.LogID = readMember(r, "keyId")
		case "kindVersion":
			for f := r.Fields("kind", "version"); f.Next(); {
				if f.Name == "kind" {
					e.Kind = r.String()
				} else {
					e.Version = r.String()
				}
			}
		case "integratedTime":
			e.IntegratedTime = decimal(r)
		case "inclusionPromise":
			for f := r.OptionalFields("signedEntryTimestamp"); f.Next(); {
				e.Promise = base64Text(r)
			}
		case "inclusionProof":
			e.Proof = readProof(r)
		case "canonicalizedBody":
			e.Body = base64Text(r)
		}
	}
	if r.Err() == nil && (len(e.LogID) == 0 || e.Kind == "" || e.Version == "" || len(e.Body) == 0) {
		r.Fail(fmt.Errorf("%w: a log entry has logId, kindVersion and canonicalizedBody", dsse.ErrMissing))
	}
	return e
}

func readProof(r *strictjson.Reader) *InclusionProof {
	if r.Null() {
		return nil
	}
	p := new(InclusionProof)
	for f := r.Fields("logIndex", "rootHash", "treeSize", "hashes", "checkpoint"); f.Next(); {
		switch f.Name {
		case "logIndex":
			p.Index = decimal(r)
		case "rootHash":
			p.Root = base64Text(r)
		case "treeSize":
			p.Size = decimal(r)
		case "hashes":
			for i := range r.Array() {
				if i == maxHashes {
					r.Fail(fmt.Errorf("more than %d hashes: %w", maxHashes, strictjson.ErrLimit))
				}
				p.Hashes = append(p.Hashes, base64Text(r))
			}
		case "checkpoint":
			for f := r.OptionalFields("envelope"); f.Next(); {
				p.Checkpoint = r.String()
			}
		}
	}
	if r.Err() == nil && p.Checkpoint == "" {
		r.Fail(fmt.Errorf("%w: an inclusion proof has a checkpoint", dsse.ErrMissing))
	}
	return p
}
