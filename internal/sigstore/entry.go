package sigstore

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strconv"
	"time"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/scheme"
	"github.com/ladingdev/lading/internal/strictjson"
)

// hashes are the algorithms of digests, by the names of Rekor v1 and of protobuf-specs.
var hashes = map[string]crypto.Hash{
	"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512,
	"SHA2_256": crypto.SHA256, "SHA2_384": crypto.SHA384, "SHA2_512": crypto.SHA512,
}

var hashNames = map[crypto.Hash]string{crypto.SHA256: "SHA2_256", crypto.SHA384: "SHA2_384", crypto.SHA512: "SHA2_512"}

// A logged is a log's proven word about a signature.
type logged struct {
	*log
	at       time.Time // by the log's promise; zero if it says none
	unsigned time.Time // said by nobody who signed it; zero if there is none
}

// checkEntry proves that a log has an entry of this signature, by this certificate or key, over this content. The log, which its key tells,
// and the origin in the checkpoint that it signed decide together what an entry looks like, how it is proven and whether it has a time.
func (r *Root) checkEntry(e *LogEntry, s *Signed) (*logged, error) {
	log, ok := r.logs[string(e.LogID)]
	if !ok {
		return nil, LogUnknown.errorf("log %s", fingerprint(e.LogID))
	}
	g := log.generation
	var c *checkpoint
	if e.Proof != nil {
		var err error
		if c, err = openCheckpoint(e.Proof.Checkpoint, log); err != nil {
			return nil, err
		}
		_, g, _ = c.generation()
	}
	if g == tiledLog {
		return s.checkTiled(e, log, c)
	}
	return s.checkFirst(e, log, c)
}

// checkFirst proves an entry of Rekor v1.
func (s *Signed) checkFirst(e *LogEntry, log *log, c *checkpoint) (*logged, error) {
	out := &logged{log: log}
	switch {
	case c == nil && e.Promise == nil:
		return nil, ProofMissing.errorf("neither promise nor proof")
	case e.Promise != nil && e.IntegratedTime == 0:
		return nil, EntryMalformed.errorf("a promise without time")
	}
	if err := s.compareBody(e); err != nil {
		return nil, err
	}
	if c != nil {
		switch p := e.Proof; {
		case p.Size != c.size || !bytes.Equal(p.Root, c.root):
			return nil, ProofInvalid.errorf("the tree that it names is not the checkpoint's")
		default:
			if err := checkInclusion(leafHash(e.Body), p.Index, p.Hashes, c); err != nil {
				return nil, err
			}
		}
	}
	if e.IntegratedTime == 0 {
		return out, nil
	}
	at := time.Unix(e.IntegratedTime, 0).UTC()
	if e.Promise == nil {
		out.unsigned = at
		return out, nil
	}
	if !log.has(at) {
		return nil, LogTime.errorf("integrated at %s, the log's key is trusted %s", at.Format(time.RFC3339), log.window)
	}
	if !log.promised(e) {
		return nil, PromiseSignature.errorf("log %s", fingerprint(e.LogID))
	}
	out.at = at
	return out, nil
}

// promised reports whether the log signed that it has, or will have, an entry at an index and a time: as JSON in the form of RFC 8785.
func (l *log) promised(e *LogEntry) bool {
	b := make([]byte, 0, base64.StdEncoding.EncodedLen(len(e.Body))+160)
	b = append(b, `{"body":"`...)
	b = base64.StdEncoding.AppendEncode(b, e.Body)
	b = append(b, `","integratedTime":`...)
	b = strconv.AppendInt(b, e.IntegratedTime, 10)
	b = append(b, `,"logID":"`...)
	b = hex.AppendEncode(b, e.LogID)
	b = append(b, `","logIndex":`...)
	b = strconv.AppendInt(b, e.Index, 10)
	b = append(b, '}')
	return scheme.ECDSAWithSHA256.Verify(l.public, scheme.ECDSAWithSHA256.Digest(b), e.Promise)
}

// checkTiled proves an entry of Rekor v2, which is built anew from the signature.
func (s *Signed) checkTiled(e *LogEntry, log *log, c *checkpoint) (*logged, error) {
	switch {
	case c == nil:
		return nil, ProofMissing.errorf("an entry of this log has a proof")
	case e.Promise != nil || e.IntegratedTime != 0:
		return nil, EntryMalformed.errorf("an entry of this log has neither promise nor time")
	case e.Kind != "hashedrekord" || e.Version != "0.0.2":
		return nil, EntryKind.errorf("%.40q, version %.20q, in a log of version 2", e.Kind, e.Version)
	}
	body, err := s.tiledBody()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(body, e.Body) {
		return nil, s.otherBody(e.Body)
	}
	p := e.Proof
	if p.Index != 0 && p.Index != e.Index || p.Size != 0 && p.Size != c.size || len(p.Root) > 0 && !bytes.Equal(p.Root, c.root) {
		return nil, ProofInvalid.errorf("the place and tree that it names are not the entry's and the checkpoint's")
	}
	if err := checkInclusion(leafHash(body), e.Index, p.Hashes, c); err != nil {
		return nil, err
	}
	return &logged{log: log}, nil
}

// tiledBody returns the entry that a log of version 2 makes of the signature (rekor-tiles, pkg/types/hashedrekord).
func (s *Signed) tiledBody() ([]byte, error) {
	how, err := signsWith(s.Key, false)
	if err != nil {
		return nil, err
	}
	if how.Hash() == 0 {
		return nil, EntryKind.errorf("a log of version 2 has no signatures of whole messages")
	}
	member, raw := "x509Certificate", s.Certificate
	if raw == nil {
		member, raw = "publicKey", s.SPKI
	}
	b := make([]byte, 0, 4*(len(raw)+len(s.Signature))/3+400)
	b = append(b, `{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"`...)
	b = append(b, hashNames[how.Hash()]+`","digest":"`...)
	b = base64.StdEncoding.AppendEncode(b, s.Digest(how.Hash()))
	b = append(b, `"},"signature":{"content":"`...)
	b = base64.StdEncoding.AppendEncode(b, s.Signature)
	b = append(b, `","verifier":{"keyDetails":"`+keyDetails(s.Key)+`","`+member+`":{"rawBytes":"`...)
	b = base64.StdEncoding.AppendEncode(b, raw)
	return append(b, `"}}}}}}`...), nil
}

// otherBody says in what an entry of version 2 differs from the one that it must be.
func (s *Signed) otherBody(data []byte) error {
	b, r, err := splitBody(data)
	switch {
	case err != nil:
		return err
	case b.kind != "hashedrekord" || b.version != "0.0.2":
		return EntryKind.errorf("%.40q, version %.20q, in a log of version 2", b.kind, b.version)
	}
	var algorithm string
	var digest, sig, raw []byte
	for f := r.Fields("hashedRekordV002"); f.Next(); {
		for f := r.Fields("data", "signature"); f.Next(); {
			if f.Name == "data" {
				algorithm, digest = readDigest(r)
			} else {
				sig, raw = readTiledSignature(r)
			}
		}
	}
	h := hashes[algorithm]
	switch err := r.End(); {
	case err != nil:
		return EntryMalformed.errorf("%w", err)
	case !bytes.Equal(sig, s.Signature):
		return EntrySignature
	case !bytes.Equal(raw, s.Certificate) && !bytes.Equal(raw, s.SPKI):
		return EntryKey
	case h == 0 || !bytes.Equal(digest, s.Digest(h)):
		return EntryContent
	}
	return EntryMalformed.errorf("it is not as the log writes it")
}

func readDigest(r *strictjson.Reader) (algorithm string, digest []byte) {
	for f := r.Fields("algorithm", "digest"); f.Next(); {
		if f.Name == "digest" {
			digest = base64Text(r)
		} else {
			algorithm = r.String()
		}
	}
	return algorithm, digest
}

// readTiledSignature reads a SignatureV002: the signature, and the certificate or key that verifies it.
func readTiledSignature(r *strictjson.Reader) (sig, raw []byte) {
	for f := r.Fields("content", "verifier"); f.Next(); {
		if f.Name == "content" {
			sig = base64Text(r)
			continue
		}
		for f := r.Fields("keyDetails", "x509Certificate", "publicKey"); f.Next(); {
			if f.Name == "keyDetails" {
				_ = r.String()
			} else {
				raw = readMember(r, "rawBytes")
			}
		}
	}
	return sig, raw
}

// A body is an entry of Rekor v1, as far as it says of what it is.
type body struct {
	kind, version string
	hash          rawHash // hashedrekord: of what was signed. dsse, intoto: of the envelope as it was uploaded
	payloadHash   rawHash
	payloadType   string // intoto 0.0.2
	payload       []byte // intoto 0.0.2, where it is present: base64 of base64
	signatures    []bodySignature
}

type bodySignature struct {
	sig      []byte // nil if the entry has none
	verifier []byte // PEM
}

type rawHash struct{ algorithm, value string }

// is reports whether a hash is that of content, of which digest has the hashes, or none of this algorithm.
func (h rawHash) is(digest func(crypto.Hash) []byte) bool {
	id, ok := hashes[h.algorithm]
	want, err := hex.DecodeString(h.value)
	return ok && err == nil && len(want) == id.Size() && bytes.Equal(want, digest(id))
}

func digestsOf(data []byte) func(crypto.Hash) []byte {
	return func(h crypto.Hash) []byte { return sum(h, data) }
}

// compareBody proves that an entry of Rekor v1 is of this signature.
func (s *Signed) compareBody(e *LogEntry) error {
	b, err := parseBody(e.Body)
	if err != nil {
		return err
	}
	if e.Kind+e.Version != "" && (b.kind != e.Kind || b.version != e.Version) { // cosign's first formats have no labels
		return EntryKind.errorf("labelled %.40q, version %.20q, and it is %.40q, version %.20q", e.Kind, e.Version, b.kind, b.version)
	}
	if len(b.signatures) != 1 {
		return EntryMalformed.errorf("%d signatures", len(b.signatures))
	}
	signed := b.signatures[0]
	kind := b.kind + " " + b.version
	switch {
	case (kind == "hashedrekord 0.0.1") != (s.Envelope == nil), kind == "intoto 0.0.1" && s.Layer == nil:
		return EntryKind.errorf("%s for this content", kind)
	case kind != "intoto 0.0.1" && !bytes.Equal(signed.sig, s.Signature):
		return EntrySignature
	case !s.verifiedBy(signed.verifier):
		return EntryKey
	}
	switch {
	case s.Envelope == nil:
		if !b.hash.is(s.Digest) {
			return EntryContent.errorf("the digest that was logged is another")
		}
		return nil
	case s.Layer != nil && !b.hash.is(digestsOf(s.Layer)):
		return EntryContent.errorf("the envelope that was logged is another")
	case kind == "intoto 0.0.1" && b.payloadHash == (rawHash{}): // of the first versions
	case b.payloadHash.algorithm != "sha256" || !b.payloadHash.is(digestsOf(s.Envelope.Payload)):
		return EntryContent.errorf("the payload that was logged is another")
	case kind == "intoto 0.0.2" && b.payloadType != s.Envelope.PayloadType:
		return EntryContent.errorf("the payload that was logged is of another type")
	}
	if b.payload != nil {
		once, err := base64.StdEncoding.Strict().DecodeString(string(b.payload))
		if err != nil || !bytes.Equal(once, s.Envelope.Payload) {
			return EntryContent.errorf("the payload in the entry is another")
		}
	}
	return nil
}

// verifiedBy reports whether a PEM block is the certificate, all of it, or the key that came without one.
func (s *Signed) verifiedBy(text []byte) bool {
	kind, want := "CERTIFICATE", s.Certificate
	if want == nil {
		kind, want = "PUBLIC KEY", s.SPKI
	}
	block, rest := pem.Decode(text)
	one := block != nil && len(bytes.TrimSpace(rest)) == 0 && bytes.HasPrefix(text, []byte("-----BEGIN "))
	return one && block.Type == kind && bytes.Equal(block.Bytes, want)
}

// parseBody reads an entry of Rekor v1 (sigstore/rekor, pkg/types).
func parseBody(data []byte) (*body, error) {
	b, r, err := splitBody(data)
	if err != nil {
		return nil, err
	}
	read := bodyReaders[b.kind+" "+b.version]
	if read == nil {
		return nil, EntryKind.errorf("%.40q, version %.20q, in a log of version 1", b.kind, b.version)
	}
	read(b, r)
	if err := r.End(); err != nil {
		return nil, EntryMalformed.errorf("%w", err)
	}
	return b, nil
}

// splitBody reads the kind and version of an entry of any log, and returns a reader of its spec.
func splitBody(data []byte) (*body, *strictjson.Reader, error) {
	b := new(body)
	var spec []byte
	r := strictjson.NewReader(data, strictjson.Limits{})
	for f := r.Fields("apiVersion", "kind", "spec"); f.Next(); {
		switch f.Name {
		case "apiVersion":
			b.version = r.String()
		case "kind":
			b.kind = r.String()
		case "spec":
			spec = r.Raw()
		}
	}
	if err := r.End(); err != nil {
		return nil, nil, EntryMalformed.errorf("%w", err)
	}
	if spec == nil {
		return nil, nil, EntryMalformed.errorf("it has no spec")
	}
	return b, strictjson.NewReader(spec, strictjson.Limits{}), nil
}

var bodyReaders = map[string]func(*body, *strictjson.Reader){
	"hashedrekord 0.0.1": (*body).readHashedRekord,
	"dsse 0.0.1":         (*body).readDSSE,
	"intoto 0.0.1":       (*body).readInToto,
	"intoto 0.0.2":       (*body).readInToto,
}

func (b *body) readHashedRekord(r *strictjson.Reader) {
	var s bodySignature
	for f := r.Fields("data", "signature"); f.Next(); {
		switch f.Name {
		case "data":
			for f := r.Fields("hash"); f.Next(); {
				b.hash = readHash(r)
			}
		case "signature":
			for f := r.Fields("content", "publicKey"); f.Next(); {
				if f.Name == "content" {
					s.sig = base64Text(r)
					continue
				}
				s.verifier = readMember(r, "content")
			}
		}
	}
	b.signatures = []bodySignature{s}
}

func (b *body) readDSSE(r *strictjson.Reader) {
	for f := r.Fields("envelopeHash", "payloadHash", "signatures"); f.Next(); {
		switch f.Name {
		case "envelopeHash":
			b.hash = readHash(r)
		case "payloadHash":
			b.payloadHash = readHash(r)
		case "signatures":
			b.readSignatures(r, "signature", "verifier")
		}
	}
}

// readSignatures reads a list of one signature. In an envelope it is a sig, which is encoded twice.
func (b *body) readSignatures(r *strictjson.Reader, members ...string) {
	for i := range r.Array() {
		if i > 0 {
			r.Fail(fmt.Errorf("more than one signature: %w", strictjson.ErrLimit))
		}
		var s bodySignature
		for f := r.Fields(members...); f.Next(); {
			switch f.Name {
			case "keyid":
				_ = r.String()
			case "signature":
				s.sig = base64Text(r)
			case "sig":
				var err error
				if s.sig, err = base64.StdEncoding.Strict().DecodeString(string(base64Text(r))); err != nil || len(s.sig) == 0 {
					r.Fail(fmt.Errorf("%w: a sig that is not encoded twice", strictjson.ErrType))
				}
			case "publicKey", "verifier":
				s.verifier = base64Text(r)
			}
		}
		b.signatures = append(b.signatures, s)
	}
}

// readInToto reads either version: the first has the envelope's hash and key alone.
func (b *body) readInToto(r *strictjson.Reader) {
	for f := r.Fields("content", "publicKey"); f.Next(); {
		if f.Name == "publicKey" {
			b.signatures = append(b.signatures, bodySignature{verifier: base64Text(r)})
			continue
		}
		for f := r.Fields("envelope", "hash", "payloadHash"); f.Next(); {
			switch f.Name {
			case "envelope":
				b.readEnvelope(r)
			case "hash":
				b.hash = readHash(r)
			case "payloadHash":
				b.payloadHash = readHash(r)
			}
		}
	}
}

func (b *body) readEnvelope(r *strictjson.Reader) {
	for f := r.Fields("payload", "payloadType", "signatures"); f.Next(); {
		switch f.Name {
		case "payload":
			b.payload = base64Text(r)
		case "payloadType":
			b.payloadType = r.String()
		case "signatures":
			b.readSignatures(r, "keyid", "publicKey", "sig")
		}
	}
}

func readHash(r *strictjson.Reader) (h rawHash) {
	for f := r.Fields("algorithm", "value"); f.Next(); {
		if f.Name == "algorithm" {
			h.algorithm = r.String()
		} else {
			h.value = r.String()
		}
	}
	return h
}

// A Signed is a signature, what it is over, and what it is verified with.
type Signed struct {
	Signature []byte
	Digest    func(crypto.Hash) []byte // of the bytes that are signed
	Message   []byte                   // the bytes that are signed; may be nil for a file and a key that signs digests
	Envelope  *dsse.Envelope           // nil: the signature of a message
	Layer     []byte                   // in cosign's first format: the envelope as it was stored, of which logs and some timestamps are
	// Certificate is the signer's, DER, and Key its key; without one, SPKI is Key in DER, and somebody else has proven the signature.
	Certificate []byte
	SPKI        []byte
	Key         crypto.PublicKey
	// NotBefore and NotAfter say when a key is trusted; zero means no bound.
	NotBefore, NotAfter time.Time
}
