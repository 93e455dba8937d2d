package notary

import (
	"context"
	"crypto/x509"

	"github.com/ladingdev/lading/internal/notation"
	"github.com/notaryproject/tspclient-go"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// A completer puts certificates of the authority into its timestamps that these lack. Nobody signs those (RFC 5652, section
// 5.1: certificates), and a reader who knows the authority's root alone cannot do without.
type completer struct {
	next    tspclient.Timestamper
	between []*x509.Certificate
}

func (c completer) Timestamp(ctx context.Context, req *tspclient.Request) (*tspclient.Response, error) {
	resp, err := c.next.Timestamp(ctx, req)
	if err != nil || len(c.between) == 0 {
		return resp, err
	}
	token, err := resp.SignedToken()
	if err != nil { // which the library finds out too, and says
		return resp, nil
	}
	missing := notation.MissingIssuers(token.Certificates, c.between)
	if data, ok := addCertificates(resp.TimestampToken.FullBytes, missing); ok {
		resp.TimestampToken.FullBytes = data
	}
	return resp, nil
}

// addCertificates returns a token (RFC 5652, sections 3 and 5.1, in DER) with more certificates, and whether it could.
func addCertificates(token []byte, more []*x509.Certificate) ([]byte, bool) {
	const outer = asn1.Tag(0) | 0x20 | 0x80 // constructed, context-specific: [0] of content, and of certificates
	var info, content, data, kind, version, digests, encapsulated, certificates cryptobyte.String
	var has bool
	in := cryptobyte.String(token)
	if !in.ReadASN1(&info, asn1.SEQUENCE) || !in.Empty() ||
		!info.ReadASN1Element(&kind, asn1.OBJECT_IDENTIFIER) || !info.ReadASN1(&content, outer) || !info.Empty() ||
		!content.ReadASN1(&data, asn1.SEQUENCE) || !content.Empty() ||
		!data.ReadASN1Element(&version, asn1.INTEGER) || !data.ReadASN1Element(&digests, asn1.SET) ||
		!data.ReadASN1Element(&encapsulated, asn1.SEQUENCE) || !data.ReadOptionalASN1(&certificates, &has, outer) {
		return nil, false
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(kind)
		b.AddASN1(outer, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(version)
				b.AddBytes(digests)
				b.AddBytes(encapsulated)
				b.AddASN1(outer, func(b *cryptobyte.Builder) {
					b.AddBytes(certificates)
					for _, c := range more {
						b.AddBytes(c.Raw)
					}
				})
				b.AddBytes(data) // lists of revoked certificates and the signers, as they are
			})
		})
	})
	out, err := b.Bytes()
	return out, err == nil
}
