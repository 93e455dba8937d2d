package keyless

import (
	"context"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net/http"
)

var oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}

// timestampQuery is the media type of a request (RFC 3161, section 3.4).
const timestampQuery = "application/timestamp-query"

// timestamp asks an authority to stamp a signature (RFC 3161, section 2.4.1) and returns its response, which is verified with the
// signature. It has no nonce: the signature was never there before.
func (c caller) timestamp(ctx context.Context, s service, signature []byte) ([]byte, error) {
	type imprint struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	sum := sha256.Sum256(signature)
	request, err := asn1.Marshal(struct {
		Version int
		Imprint imprint
		CertReq bool
	}{1, imprint{pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}, sum[:]}, true})
	if err != nil {
		return nil, err
	}
	a, err := c.ask(ctx, "timestamp authority", http.MethodPost, s.URL, timestampQuery, "", request)
	if err != nil {
		return nil, fmt.Errorf("keyless: %w: %w", ErrTimestamp, err)
	}
	return a.body, nil
}
