// Package dsse reads and writes Dead Simple Signing Envelopes, version 1.0.2 of the specification
// (github.com/secure-systems-lab/dsse, envelope.md and protocol.md).
package dsse

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/ladingdev/lading/internal/strictjson"
)

// MediaType is that of an envelope, PayloadType that of the in-toto statement inside.
const (
	MediaType   = "application/vnd.dsse.envelope.v1+json"
	PayloadType = "application/vnd.in-toto+json"
)

// Envelope is a payload and its signatures over [PAE].
type Envelope struct {
	PayloadType string
	Payload     []byte
	Signatures  []Signature
	Signed      []byte // by [Read] alone: the bytes that the signatures are over, of which Payload is the end
}

// Signature is one signature of an envelope. KeyID is a hint that nobody signed. Certificate, PEM, came beside Sig in the
// plain dialect: the specification has no such member, and early builders on GitHub wrote it.
type Signature struct {
	KeyID       string
	Sig         []byte
	Certificate string
}

// ErrMissing says that a required member is absent or empty.
var ErrMissing = errors.New("required member is missing")

// PAE returns the bytes that are signed: the pre-authentication encoding of protocol.md.
func PAE(payloadType string, payload []byte) []byte {
	head := appendHead(make([]byte, 0, len(payloadType)+len(payload)+paeRoom), payloadType, len(payload))
	return append(head, payload...)
}

// prefix begins whatever is signed as an envelope.
const prefix = "DSSEv1 "

// IsPAE reports whether bytes that begin with head may be what [PAE] returns, so that their signature is an envelope's.
func IsPAE(head []byte) bool { return bytes.HasPrefix(head, []byte(prefix)) }

// appendHead appends what stands before the payload in its pre-authentication encoding.
func appendHead(dst []byte, payloadType string, size int) []byte {
	dst = append(dst, prefix...)
	dst = strconv.AppendInt(dst, int64(len(payloadType)), 10)
	dst = append(dst, ' ')
	dst = append(dst, payloadType...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(size), 10)
	return append(dst, ' ')
}

// paeRoom is how much space is kept before a payload that is read, so that its encoding needs no copy of it.
const paeRoom = 80

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

// A Dialect is how a document writes an envelope as JSON. But in the strict one, null is the same as leaving a member out.
type Dialect uint8

const (
	Plain  Dialect = iota // as envelope.md has it: other members are ignored, base64 is padded
	Proto                 // as protocol buffers have it, in bundles: other members are refused, padding may be left out
	Strict                // as encoders of protocol buffers write it: no null, base64 padded and in the standard alphabet
)

// ErrMember says that there is a member that the format does not have.
var ErrMember = errors.New("a member that the format does not have")

// Members yields those members of an object that are known and set.
func (d Dialect) Members(r *strictjson.Reader, known ...string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range r.Object(known...) {
			is := ""
			for _, k := range known {
				if k == string(name) {
					is = k
				}
			}
			switch {
			case is == "" && d != Plain:
				r.Fail(fmt.Errorf("%w: %.40q", ErrMember, name))
			case is != "" && (d == Strict || !r.Null()) && !yield(is):
				return
			}
		}
	}
}

// Base64 reads a string of base64, in the standard or, but in the strict dialect, the URL-safe alphabet, without line
// breaks and with zero trailing bits. The text is malleable even so: what is identified is the decoded bytes.
func (d Dialect) Base64(r *strictjson.Reader) []byte { return d.base64(r, 0) }

// base64 leaves room before what it returns.
func (d Dialect) base64(r *strictjson.Reader, room int) []byte {
	text := r.Text()
	if r.Err() != nil {
		return nil
	}
	encoding := base64.StdEncoding
	if d == Proto && len(text)%4 != 0 {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	out := make([]byte, room+encoding.DecodedLen(len(text)))
	n, err := encoding.Strict().Decode(out[room:], text)
	if err != nil && d != Strict && bytes.ContainsAny(text, "-_") {
		encoding = base64.URLEncoding
		if d == Proto && len(text)%4 != 0 {
			encoding = encoding.WithPadding(base64.NoPadding)
		}
		n, err = encoding.Strict().Decode(out[room:], text)
	}
	if err == nil && encoding.EncodedLen(n) != len(text) { // package base64 skips line breaks, and counts without them
		err = errors.New("line break in base64")
	}
	if err != nil {
		r.Fail(fmt.Errorf("%w: %w", strictjson.ErrSyntax, err))
		return nil
	}
	return out[:room+n]
}

// Parse reads an envelope that is a document of its own, with at most maxSignatures signatures.
func Parse(data []byte, maxSignatures int) (*Envelope, error) {
	r := strictjson.NewReader(data, strictjson.Limits{})
	e := Read(r, maxSignatures, Plain)
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	return e, nil
}

// Read reads an envelope that is part of a document. After an error, which r keeps, the envelope is incomplete.
func Read(r *strictjson.Reader, maxSignatures int, d Dialect) *Envelope {
	e := new(Envelope)
	var payload []byte // behind paeRoom
	for name := range d.Members(r, "payload", "payloadType", "signatures") {
		switch name {
		case "payload":
			payload = d.base64(r, paeRoom)
		case "payloadType":
			e.PayloadType = r.String()
		case "signatures":
			for i := range r.Array() {
				if i == maxSignatures {
					r.Fail(fmt.Errorf("more than %d signatures: %w", maxSignatures, strictjson.ErrLimit))
				}
				if s := readSignature(r, d); len(s.Sig) > 0 { // one that is empty spoils none beside it
					e.Signatures = append(e.Signatures, s)
				}
			}
		}
	}
	if r.Err() == nil && (payload == nil || e.PayloadType == "" || len(e.Signatures) == 0) {
		r.Fail(fmt.Errorf("%w: an envelope has a payload, a payloadType and signatures", ErrMissing))
	}
	if r.Err() != nil {
		return e
	}
	head := appendHead(nil, e.PayloadType, len(payload)-paeRoom)
	if len(head) <= paeRoom {
		e.Signed = payload[paeRoom-len(head):]
		copy(e.Signed, head)
	} else {
		e.Signed = append(head, payload[paeRoom:]...)
	}
	e.Payload = e.Signed[len(head):]
	return e
}

func readSignature(r *strictjson.Reader, d Dialect) Signature {
	var s Signature
	known := []string{"sig", "keyid", "cert"}
	if d != Plain {
		known = known[:2]
	}
	for name := range d.Members(r, known...) {
		switch name {
		case "sig":
			s.Sig = d.Base64(r)
		case "keyid":
			s.KeyID = r.String()
		case "cert":
			s.Certificate = r.String()
		}
	}
	return s
}
