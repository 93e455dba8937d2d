// Package dsse reads and writes Dead Simple Signing Envelopes, version 1.0.2 of the specification
// (github.com/secure-systems-lab/dsse, envelope.md and protocol.md).
package dsse

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/ladingdev/lading/internal/strictjson"
)

// PayloadType is the payload type of in-toto statements.
const PayloadType = "application/vnd.in-toto+json"

// Envelope is a payload and its signatures over [PAE].
type Envelope struct {
	PayloadType string
	Payload     []byte
	Signatures  []Signature
}

// Signature is one signature of an envelope. KeyID is a hint that nobody signed.
type Signature struct {
	KeyID string
	Sig   []byte
}

// ErrMissing says that a required member is absent or empty.
var ErrMissing = errors.New("required member is missing")

// PAE returns the bytes that are signed: the pre-authentication encoding of protocol.md.
func PAE(payloadType string, payload []byte) []byte {
	out := make([]byte, 0, len("DSSEv1")+len(payloadType)+len(payload)+32)
	out = append(out, "DSSEv1 "...)
	out = strconv.AppendInt(out, int64(len(payloadType)), 10)
	out = append(out, ' ')
	out = append(out, payloadType...)
	out = append(out, ' ')
	out = strconv.AppendInt(out, int64(len(payload)), 10)
	out = append(out, ' ')
	return append(out, payload...)
}

// Append appends the envelope as JSON.
func (e *Envelope) Append(dst []byte) []byte {
	dst = append(dst, `{"payload":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, e.Payload)
	dst = append(dst, `","payloadType":`...)
	dst = strictjson.AppendString(dst, e.PayloadType)
	dst = append(dst, `,"signatures":[`...)
	for i, s := range e.Signatures {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		if s.KeyID != "" {
			dst = append(dst, `"keyid":`...)
			dst = strictjson.AppendString(dst, s.KeyID)
			dst = append(dst, ',')
		}
		dst = append(dst, `"sig":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, s.Sig)
		dst = append(dst, `"}`...)
	}
	return append(dst, "]}"...)
}

// Parse reads an envelope that is a document of its own, with at most maxSignatures signatures.
func Parse(data []byte, maxSignatures int) (*Envelope, error) {
	r := strictjson.NewReader(data, strictjson.Limits{})
	e := Read(r, maxSignatures, nil)
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	return e, nil
}

// Read reads an envelope that is part of a document. After an error, which r keeps, the envelope is incomplete.
// Members that the specification does not name are given to unknown; nil ignores them, as the specification asks.
func Read(r *strictjson.Reader, maxSignatures int, unknown func(*strictjson.Reader, []byte)) *Envelope {
	if unknown == nil {
		unknown = func(*strictjson.Reader, []byte) {}
	}
	e := new(Envelope)
	var payload bool
	for name := range r.Object("payload", "payloadType", "signatures") {
		switch string(name) {
		case "payload":
			e.Payload, payload = Base64(r), true
		case "payloadType":
			e.PayloadType = r.String()
		case "signatures":
			for i := range r.Array() {
				if i == maxSignatures {
					r.Fail(fmt.Errorf("more than %d signatures: %w", maxSignatures, strictjson.ErrLimit))
				}
				e.Signatures = append(e.Signatures, readSignature(r, unknown))
			}
		default:
			unknown(r, name)
		}
	}
	if r.Err() == nil && (!payload || e.PayloadType == "" || len(e.Signatures) == 0) {
		r.Fail(fmt.Errorf("%w: an envelope has a payload, a payloadType and signatures", ErrMissing))
	}
	return e
}

func readSignature(r *strictjson.Reader, unknown func(*strictjson.Reader, []byte)) Signature {
	var s Signature
	for name := range r.Object("sig", "keyid") {
		switch string(name) {
		case "sig":
			s.Sig = Base64(r)
		case "keyid":
			if !r.Null() {
				s.KeyID = r.String()
			}
		default:
			unknown(r, name)
		}
	}
	if r.Err() == nil && len(s.Sig) == 0 {
		r.Fail(fmt.Errorf("%w: a signature has a sig", ErrMissing))
	}
	return s
}

// Base64 reads a string of standard or URL-safe base64 (envelope.md allows both), padded, without line breaks and
// with zero trailing bits. The text is malleable even so: what is identified is the decoded bytes.
func Base64(r *strictjson.Reader) []byte {
	text := r.Text()
	if r.Err() != nil {
		return nil
	}
	encoding := base64.StdEncoding
	if bytes.IndexByte(text, '-') >= 0 || bytes.IndexByte(text, '_') >= 0 {
		encoding = base64.URLEncoding
	}
	if bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 { // which package base64 skips
		r.Fail(fmt.Errorf("line break in base64: %w", strictjson.ErrSyntax))
		return nil
	}
	out := make([]byte, encoding.DecodedLen(len(text)))
	n, err := encoding.Strict().Decode(out, text)
	if err != nil {
		r.Fail(fmt.Errorf("%w: %w", strictjson.ErrSyntax, err))
		return nil
	}
	return out[:n]
}
