// Package tsatest is a time stamping authority for tests (RFC 3161, RFC 5816): a handler that really signs, and can be told
// to do it wrong.
package tsatest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/notaryproject/tspclient-go"
)

// An Authority stamps with the present time. Its fields may be changed before it is used.
type Authority struct {
	Key   *ecdsa.PrivateKey
	Chain []*x509.Certificate // leaf first, root last; all of it is in the tokens, unless LeafOnly is set
	Now   func() time.Time    // nil means time.Now
	Edit  func(*tspclient.TSTInfo)
	Twice bool // two signers in each token

	LeafOnly bool // the least that RFC 3161, section 2.4.1, asks of certReq
}

// New returns an authority whose certificates are valid from one time to another: a leaf below a root. Edit changes the leaf
// before it is issued; nil leaves it as it should be.
func New(from, to time.Time, edit func(leaf *x509.Certificate)) (*Authority, error) {
	return newAuthority(from, to, 0, edit)
}

// NewIntermediate returns an authority whose chain is leaf, intermediate and root.
func NewIntermediate(from, to time.Time) (*Authority, error) { return newAuthority(from, to, 1, nil) }

func newAuthority(from, to time.Time, intermediates int, edit func(leaf *x509.Certificate)) (*Authority, error) {
	template := func(serial int64, cn string) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: from, NotAfter: to,
			Subject: pkix.Name{Country: []string{"US"}, Organization: []string{"time"}, CommonName: cn}}
	}
	var (
		chain []*x509.Certificate
		by    *ecdsa.PrivateKey // which signs the next one
	)
	add := func(c *x509.Certificate) error {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		issuer, signer := c, key
		if len(chain) > 0 {
			issuer, signer = chain[0], by
		}
		if c, err = issue(c, issuer, key.Public(), signer); err != nil {
			return err
		}
		chain, by = append([]*x509.Certificate{c}, chain...), key
		return nil
	}
	for i := range intermediates + 1 {
		c := template(int64(10+i), "root of time")
		if i > 0 {
			c.Subject.CommonName = "between"
		}
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
		if err := add(c); err != nil {
			return nil, err
		}
	}
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		return nil, err
	}
	leaf := template(2, "time stamping")
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
	if edit != nil {
		edit(leaf)
	}
	if err := add(leaf); err != nil {
		return nil, err
	}
	return &Authority{Key: by, Chain: chain}, nil
}

func issue(c, by *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, c, by, pub, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Root returns what to trust.
func (a *Authority) Root() *x509.Certificate { return a.Chain[len(a.Chain)-1] }

// ServeHTTP answers one query (RFC 3161, section 3.4).
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	var req tspclient.Request
	if err == nil {
		err = req.UnmarshalBinary(body)
	}
	var token []byte
	if err == nil {
		token, err = a.Token(&req)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	reply, err := asn1.Marshal(struct {
		Status struct{ Status int }
		Token  asn1.RawValue
	}{Token: asn1.RawValue{FullBytes: token}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", tspclient.MediaTypeTimestampReply)
	_, _ = w.Write(reply)
}

// Object identifiers of CMS (RFC 5652), ESS (RFC 5035) and RFC 3161.
var (
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidTSTInfo       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningCert   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidECDSASHA256   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidPolicy        = asn1.ObjectIdentifier{1, 2, 3, 4, 1}
)

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

type signerInfo struct {
	Version int
	SID     struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	Digest     pkix.AlgorithmIdentifier
	Attributes asn1.RawValue
	Algorithm  pkix.AlgorithmIdentifier
	Signature  []byte
}

// Token stamps what a request asks for.
func (a *Authority) Token(req *tspclient.Request) ([]byte, error) {
	now := time.Now
	if a.Now != nil {
		now = a.Now
	}
	info := tspclient.TSTInfo{Version: 1, Policy: oidPolicy, MessageImprint: req.MessageImprint, SerialNumber: big.NewInt(now().UnixNano()),
		GenTime: now().UTC().Truncate(time.Second), Nonce: req.Nonce}
	if a.Edit != nil {
		a.Edit(&info)
	}
	content, err := asn1.Marshal(info)
	if err != nil {
		return nil, err
	}
	signer, err := a.sign(content)
	if err != nil {
		return nil, err
	}
	signers := []signerInfo{*signer}
	if a.Twice {
		signers = append(signers, *signer)
	}
	var certificates []byte
	chain := a.Chain
	if a.LeafOnly {
		chain = chain[:1]
	}
	for _, c := range chain {
		certificates = append(certificates, c.Raw...)
	}
	type encapsulated struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,tag:0"`
	}
	data, err := asn1.Marshal(struct {
		Version      int
		Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
		Content      encapsulated
		Certificates asn1.RawValue
		Signers      []signerInfo `asn1:"set"`
	}{
		3, []pkix.AlgorithmIdentifier{{Algorithm: oidSHA256}}, encapsulated{oidTSTInfo, content},
		asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: certificates}, signers,
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{oidSignedData, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: data}})
}

func (a *Authority) sign(content []byte) (*signerInfo, error) {
	leaf := a.Chain[0]
	hash, sum := sha256.Sum256(leaf.Raw), sha256.Sum256(content)
	type certID struct{ Hash []byte }
	var attributes []attribute
	for _, v := range []struct {
		oid   asn1.ObjectIdentifier
		value any
	}{
		{oidContentType, oidTSTInfo},
		{oidMessageDigest, sum[:]},
		{oidSigningCert, struct{ Certs []certID }{[]certID{{hash[:]}}}},
	} {
		raw, err := asn1.Marshal(v.value)
		if err != nil {
			return nil, err
		}
		attributes = append(attributes, attribute{v.oid, []asn1.RawValue{{FullBytes: raw}}})
	}
	set, err := asn1.MarshalWithParams(attributes, "set") // which is what is signed (RFC 5652, section 5.4)
	if err != nil {
		return nil, err
	}
	signed := sha256.Sum256(set)
	signature, err := ecdsa.SignASN1(rand.Reader, a.Key, signed[:])
	if err != nil {
		return nil, err
	}
	var inner asn1.RawValue
	if _, err := asn1.Unmarshal(set, &inner); err != nil {
		return nil, err
	}
	s := &signerInfo{
		Version: 1, Digest: pkix.AlgorithmIdentifier{Algorithm: oidSHA256}, Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidECDSASHA256},
		Attributes: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner.Bytes}, Signature: signature,
	}
	s.SID.Issuer, s.SID.Serial = asn1.RawValue{FullBytes: leaf.RawIssuer}, leaf.SerialNumber
	return s, nil
}
