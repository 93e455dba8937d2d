package sigstore

import (
	"encoding/base64"
	"strconv"

	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/strictjson"
)

// Append appends the bundle as JSON of version 0.3, as protocol buffers' encoders write it: with a certificate, or a key's hint.
func (b *Bundle) Append(dst []byte) []byte {
	dst = append(dst, `{"mediaType":"`+bundle.MediaType+`","verificationMaterial":{`...)
	if b.Certificate != nil {
		dst = append(dst, `"certificate":{"rawBytes":`...)
		dst = appendBase64(dst, b.Certificate)
	} else {
		dst = append(dst, `"publicKey":{"hint":`...)
		dst = strictjson.AppendString(dst, b.Hint)
	}
	dst = append(dst, '}')
	for i := range b.Entries {
		dst = append(dst, map[bool]string{true: `,"tlogEntries":[`, false: `,`}[i == 0]...)
		dst = b.Entries[i].append(dst)
	}
	if len(b.Entries) > 0 {
		dst = append(dst, ']')
	}
	for i, stamp := range b.Timestamps {
		dst = append(dst, map[bool]string{true: `,"timestampVerificationData":{"rfc3161Timestamps":[`, false: `,`}[i == 0]...)
		dst = append(dst, `{"signedTimestamp":`...)
		dst = append(appendBase64(dst, stamp), '}')
	}
	if len(b.Timestamps) > 0 {
		dst = append(dst, `]}`...)
	}
	dst = append(dst, `},`...)
	if b.Envelope != nil {
		dst = append(dst, `"dsseEnvelope":`...)
		dst = b.Envelope.Append(dst)
	} else {
		dst = append(dst, `"messageSignature":{"messageDigest":{"algorithm":`...)
		dst = strictjson.AppendString(dst, b.Message.Algorithm)
		dst = append(dst, `,"digest":`...)
		dst = appendBase64(dst, b.Message.Digest)
		dst = append(dst, `},"signature":`...)
		dst = append(appendBase64(dst, b.Message.Signature), '}')
	}
	return append(dst, '}')
}

func (e *LogEntry) append(dst []byte) []byte {
	dst = append(dst, `{"logIndex":`...)
	dst = appendNumber(dst, e.Index)
	dst = append(dst, `,"logId":{"keyId":`...)
	dst = appendBase64(dst, e.LogID)
	dst = append(dst, `},"kindVersion":{"kind":`...)
	dst = strictjson.AppendString(dst, e.Kind)
	dst = append(dst, `,"version":`...)
	dst = append(strictjson.AppendString(dst, e.Version), '}')
	if e.IntegratedTime != 0 {
		dst = append(dst, `,"integratedTime":`...)
		dst = appendNumber(dst, e.IntegratedTime)
	}
	if e.Promise != nil {
		dst = append(dst, `,"inclusionPromise":{"signedEntryTimestamp":`...)
		dst = append(appendBase64(dst, e.Promise), '}')
	}
	if p := e.Proof; p != nil {
		dst = append(dst, `,"inclusionProof":{"logIndex":`...)
		dst = appendNumber(dst, p.Index)
		dst = append(dst, `,"rootHash":`...)
		dst = appendBase64(dst, p.Root)
		dst = append(dst, `,"treeSize":`...)
		dst = appendNumber(dst, p.Size)
		dst = append(dst, `,"hashes":[`...)
		for i, h := range p.Hashes {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendBase64(dst, h)
		}
		dst = append(dst, `],"checkpoint":{"envelope":`...)
		dst = append(strictjson.AppendString(dst, p.Checkpoint), `}}`...)
	}
	dst = append(dst, `,"canonicalizedBody":`...)
	return append(appendBase64(dst, e.Body), '}')
}

func appendBase64(dst, data []byte) []byte {
	dst = append(dst, '"')
	return append(base64.StdEncoding.AppendEncode(dst, data), '"')
}

func appendNumber(dst []byte, n int64) []byte {
	dst = append(dst, '"')
	return append(strconv.AppendInt(dst, n, 10), '"')
}

// ParseLogEntry reads an entry as a log of the second generation answers with it.
func ParseLogEntry(data []byte) (*LogEntry, error) {
	r := strictjson.NewReader(data, strictjson.Limits{})
	e := readLogEntry(r)
	if err := r.End(); err != nil {
		return nil, EntryMalformed.errorf("%w", err)
	}
	return &e, nil
}
