package keyless

import (
	"strconv"

	"github.com/ladingdev/lading/internal/bundlewriter"
	"github.com/ladingdev/lading/internal/sigstore"
	"github.com/ladingdev/lading/internal/strictjson"
)

// appendBundle appends a bundle of a certificate, or of a key by its hint, with what witnesses say.
func appendBundle(dst []byte, b *sigstore.Bundle) []byte {
	material := bundlewriter.PublicKey(nil, b.Hint)
	if b.Certificate != nil {
		material = append(bundlewriter.Base64([]byte(`{"certificate":{"rawBytes":`), b.Certificate), `}}`...)
	}
	material = material[:len(material)-1]
	for i := range b.Entries {
		material = append(material, map[bool]string{true: `,"tlogEntries":[`, false: `,`}[i == 0]...)
		material = appendEntry(material, &b.Entries[i])
	}
	if len(b.Entries) > 0 {
		material = append(material, ']')
	}
	for i, stamp := range b.Timestamps {
		material = append(material, map[bool]string{true: `,"timestampVerificationData":{"rfc3161Timestamps":[`, false: `,`}[i == 0]...)
		material = append(material, `{"signedTimestamp":`...)
		material = append(bundlewriter.Base64(material, stamp), '}')
	}
	if len(b.Timestamps) > 0 {
		material = append(material, `]}`...)
	}
	return bundlewriter.Append(dst, append(material, '}'), b.Envelope, b.Message)
}

// appendEntry appends a TransparencyLogEntry.
func appendEntry(dst []byte, e *sigstore.LogEntry) []byte {
	dst = append(dst, `{"logIndex":`...)
	dst = appendNumber(dst, e.Index)
	dst = append(dst, `,"logId":{"keyId":`...)
	dst = bundlewriter.Base64(dst, e.LogID)
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
		dst = append(bundlewriter.Base64(dst, e.Promise), '}')
	}
	if p := e.Proof; p != nil {
		dst = append(dst, `,"inclusionProof":{"logIndex":`...)
		dst = appendNumber(dst, p.Index)
		dst = append(dst, `,"rootHash":`...)
		dst = bundlewriter.Base64(dst, p.Root)
		dst = append(dst, `,"treeSize":`...)
		dst = appendNumber(dst, p.Size)
		dst = append(dst, `,"hashes":[`...)
		for i, h := range p.Hashes {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = bundlewriter.Base64(dst, h)
		}
		dst = append(dst, `],"checkpoint":{"envelope":`...)
		dst = append(strictjson.AppendString(dst, p.Checkpoint), `}}`...)
	}
	dst = append(dst, `,"canonicalizedBody":`...)
	return append(bundlewriter.Base64(dst, e.Body), '}')
}

func appendNumber(dst []byte, n int64) []byte {
	dst = append(dst, '"')
	return append(strconv.AppendInt(dst, n, 10), '"')
}

// parseEntry reads an entry as a log of the second generation answers with it.
func parseEntry(data []byte) (*sigstore.LogEntry, error) {
	r := strictjson.NewReader(data, strictjson.Limits{})
	e := sigstore.ReadLogEntry(r)
	return &e, r.End()
}
