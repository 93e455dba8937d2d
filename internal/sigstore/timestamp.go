package sigstore

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // names certificates in old tokens, and proves nothing
	"crypto/x509"
	"slices"
	"strings"
	"time"
)

// Object identifiers of RFC 3161, RFC 5652 and RFC 5816.
var (
	oidSignedData    = oid(1, 2, 840, 113549, 1, 7, 2)
	oidTSTInfo       = oid(1, 2, 840, 113549, 1, 9, 16, 1, 4)
	oidContentType   = oid(1, 2, 840, 113549, 1, 9, 3)
	oidMessageDigest = oid(1, 2, 840, 113549, 1, 9, 4)
	oidSigningCert   = oid(1, 2, 840, 113549, 1, 9, 16, 2, 12)
	oidSigningCertV2 = oid(1, 2, 840, 113549, 1, 9, 16, 2, 47)

	digestOIDs = map[string]crypto.Hash{
		oid(2, 16, 840, 1, 101, 3, 4, 2, 1): crypto.SHA256,
		oid(2, 16, 840, 1, 101, 3, 4, 2, 2): crypto.SHA384,
		oid(2, 16, 840, 1, 101, 3, 4, 2, 3): crypto.SHA512,
	}
	// The algorithm of x509 that a signature's identifier stands for; of those without a hash in it, by the hash beside it.
	signatureOIDs = map[string]x509.SignatureAlgorithm{
		oid(1, 2, 840, 10045, 4, 3, 2):   x509.ECDSAWithSHA256,
		oid(1, 2, 840, 10045, 4, 3, 3):   x509.ECDSAWithSHA384,
		oid(1, 2, 840, 10045, 4, 3, 4):   x509.ECDSAWithSHA512,
		oid(1, 2, 840, 113549, 1, 1, 11): x509.SHA256WithRSA,
		oid(1, 2, 840, 113549, 1, 1, 12): x509.SHA384WithRSA,
		oid(1, 2, 840, 113549, 1, 1, 13): x509.SHA512WithRSA,
		oid(1, 3, 101, 112):              x509.PureEd25519,
		oid(1, 2, 840, 113549, 1, 1, 1):  x509.UnknownSignatureAlgorithm, // rsaEncryption
	}
	rsaByHash = map[crypto.Hash]x509.SignatureAlgorithm{
		crypto.SHA256: x509.SHA256WithRSA, crypto.SHA384: x509.SHA384WithRSA, crypto.SHA512: x509.SHA512WithRSA,
	}
	hashOf = map[x509.SignatureAlgorithm]crypto.Hash{
		x509.ECDSAWithSHA256: crypto.SHA256, x509.ECDSAWithSHA384: crypto.SHA384, x509.ECDSAWithSHA512: crypto.SHA512,
		x509.SHA256WithRSA: crypto.SHA256, x509.SHA384WithRSA: crypto.SHA384, x509.SHA512WithRSA: crypto.SHA512,
	}
)

// maxToken is the size of the largest timestamp that is read, with the certificates of its authority.
const maxToken = 64 << 10

// A token is a timestamp as it stands: nothing of it is proven.
type token struct {
	content      der // TSTInfo
	certificates []der
	// Of the one signer:
	issuer, serial, keyID der // keyID, or the two others
	digest                crypto.Hash
	algorithm             x509.SignatureAlgorithm
	attributes            []byte // as signed
	contentDigest         der
	certHash              der // of the signer's certificate
	certHashWith          crypto.Hash
	signature             der

	imprintWith crypto.Hash
	imprint     der
	at          time.Time
	accuracy    time.Duration
}

// parseToken reads a TimeStampResp that grants a token (RFC 3161, section 2.4.2).
func parseToken(data []byte) (*token, error) {
	if len(data) > maxToken {
		return nil, OverLimit.errorf("a timestamp of %d bytes", len(data))
	}
	t := new(token)
	malformed := func(what string) (*token, error) { return nil, TimestampMalformed.errorf("%s", what) }
	resp, ok := der(data).only(tagSequence)
	info, ok2 := resp.read(tagSequence)
	status, ok3 := info.integer()
	switch {
	case !ok || !ok2 || !ok3:
		return malformed("not a response of RFC 3161")
	case status != 0:
		return nil, TimestampMalformed.errorf("the authority answered with status %d, and grants none", status)
	}
	content, ok := resp.only(tagSequence)
	kind, ok2 := content.read(tagOID)
	explicit, ok3 := content.only(tagExplicit0)
	signed, ok4 := explicit.only(tagSequence)
	if !ok || !ok2 || !ok3 || !ok4 || string(kind) != oidSignedData {
		return malformed("no token of SignedData, and nothing else")
	}
	version, ok := signed.integer()
	_, ok2 = signed.read(tagSet) // hashes, of which the signer names one
	encapsulated, ok3 := signed.read(tagSequence)
	contentType, ok4 := encapsulated.read(tagOID)
	if !ok || !ok2 || !ok3 || !ok4 || version != 3 || string(contentType) != oidTSTInfo {
		return malformed("not a SignedData of version 3 over a TSTInfo")
	}
	explicit, ok = encapsulated.only(tagExplicit0)
	t.content, ok2 = explicit.only(tagOctetString)
	if !ok || !ok2 {
		return malformed("no TSTInfo")
	}
	const most = 10
	if list, ok := signed.read(tagExplicit0); ok {
		for len(list) > 0 {
			tag, _, whole, ok := list.next()
			if !ok || tag != tagSequence || len(t.certificates) == most {
				return malformed("certificates that are none, or too many")
			}
			t.certificates = append(t.certificates, whole)
		}
	}
	signed.read(0xa1) // revocation lists
	signers, ok := signed.only(tagSet)
	signer, ok2 := signers.only(tagSequence)
	if !ok || !ok2 {
		return malformed("not exactly one signer")
	}
	if !t.readSigner(signer) {
		return malformed("a signer without signed attributes of type, digest and certificate, or with another algorithm")
	}
	if !t.readInfo(t.content) {
		return malformed("a TSTInfo of another version or form, or SHA-1")
	}
	return t, nil
}

func (t *token) readSigner(s der) bool {
	if _, ok := s.integer(); !ok {
		return false
	}
	if id, ok := s.read(tagSequence); ok {
		_, _, issuer, ok := id.next()
		serial, ok2 := id.only(tagInteger)
		if t.issuer, t.serial = issuer, serial; !ok || !ok2 {
			return false
		}
	} else if t.keyID, ok = s.read(0x80); !ok || len(t.keyID) == 0 {
		return false
	}
	digest, ok := readAlgorithm(&s)
	if t.digest = digestOIDs[digest]; !ok || t.digest == 0 {
		return false
	}
	_, attributes, whole, ok := s.next()
	if !ok || whole[0] != tagExplicit0 {
		return false
	}
	t.attributes = append([]byte{tagSet}, whole[1:]...)
	algorithm, ok := readAlgorithm(&s)
	var known bool
	if t.algorithm, known = signatureOIDs[algorithm]; !ok || !known {
		return false
	}
	if t.algorithm == x509.UnknownSignatureAlgorithm {
		t.algorithm = rsaByHash[t.digest]
	}
	if h, ok := hashOf[t.algorithm]; ok && h != t.digest {
		return false
	}
	if t.signature, ok = s.read(tagOctetString); !ok {
		return false
	}
	s.read(0xa1) // unsigned attributes
	return len(s) == 0 && t.readAttributes(attributes)
}

// readAlgorithm reads an AlgorithmIdentifier without parameters, or with NULL.
func readAlgorithm(s *der) (string, bool) {
	a, ok := s.read(tagSequence)
	id, ok2 := a.read(tagOID)
	a.read(tagNull)
	return string(id), ok && ok2 && len(a) == 0
}

// readAttributes reads what must be signed beside the content: each once, and each with one value.
func (t *token) readAttributes(list der) bool {
	var contentType der
	seen := make(map[string]bool, 8)
	for len(list) > 0 {
		attribute, ok := list.read(tagSequence)
		id, ok2 := attribute.read(tagOID)
		values, ok3 := attribute.only(tagSet)
		if !ok || !ok2 || !ok3 || seen[string(id)] {
			return false
		}
		seen[string(id)] = true
		switch string(id) {
		case oidContentType:
			if contentType, ok = values.only(tagOID); !ok {
				return false
			}
		case oidMessageDigest:
			if t.contentDigest, ok = values.only(tagOctetString); !ok {
				return false
			}
		case oidSigningCert, oidSigningCertV2:
			v2 := string(id) == oidSigningCertV2
			if t.certHash != nil && !v2 {
				continue // the stronger one is there
			}
			if !t.readSigningCert(values, v2) {
				return false
			}
		}
	}
	return string(contentType) == oidTSTInfo && len(t.contentDigest) > 0 && len(t.certHash) > 0
}

// readSigningCert reads the first ESSCertID (RFC 5035, section 3), which is the signer's.
func (t *token) readSigningCert(values der, v2 bool) bool {
	value, ok := values.only(tagSequence)
	list, ok2 := value.read(tagSequence)
	first, ok3 := list.read(tagSequence)
	if !ok || !ok2 || !ok3 {
		return false
	}
	t.certHashWith = crypto.SHA1
	if v2 {
		t.certHashWith = crypto.SHA256
		if first.is(tagSequence) {
			id, ok := readAlgorithm(&first)
			if t.certHashWith = digestOIDs[id]; !ok || t.certHashWith == 0 {
				return false
			}
		}
	}
	t.certHash, ok = first.read(tagOctetString)
	return ok
}

// readInfo reads a TSTInfo (RFC 3161, section 2.4.2).
func (t *token) readInfo(content der) bool {
	s, ok := content.only(tagSequence)
	version, ok2 := s.integer()
	_, ok3 := s.read(tagOID) // policy
	imprint, ok4 := s.read(tagSequence)
	if !ok || !ok2 || !ok3 || !ok4 || version != 1 {
		return false
	}
	id, ok := readAlgorithm(&imprint)
	t.imprintWith = digestOIDs[id]
	t.imprint, ok2 = imprint.only(tagOctetString)
	if !ok || !ok2 || t.imprintWith == 0 || len(t.imprint) != t.imprintWith.Size() {
		return false
	}
	_, ok = s.read(tagInteger) // serial number
	text, ok2 := s.read(tagTime)
	if !ok || !ok2 || !t.readTime(string(text)) {
		return false
	}
	if accuracy, ok := s.read(tagSequence); ok && !t.readAccuracy(accuracy) {
		return false
	}
	s.read(tagBoolean) // ordering
	s.read(tagInteger) // nonce
	s.read(tagExplicit0)
	if extensions, ok := s.read(0xa1); ok {
		for len(extensions) > 0 {
			e, ok := extensions.read(tagSequence)
			_, ok2 := e.read(tagOID)
			if !ok || !ok2 || e.is(tagBoolean) { // critical, and none is known
				return false
			}
		}
	}
	return len(s) == 0
}

// readTime reads a GeneralizedTime in UTC, with or without a fraction of seconds.
func (t *token) readTime(text string) (ok bool) {
	digits, zulu := strings.CutSuffix(text, "Z")
	whole, fraction, dotted := strings.Cut(digits, ".")
	if !zulu || len(whole) != 14 || dotted && (fraction == "" || len(fraction) > 9) {
		return false
	}
	layout := "20060102150405"
	if dotted {
		layout += "." + strings.Repeat("0", len(fraction))
	}
	at, err := time.Parse(layout, digits)
	t.at = at.UTC()
	return err == nil
}

func (t *token) readAccuracy(s der) bool {
	read := func(tag byte, unit time.Duration, most int64) bool {
		if !s.is(tag) {
			return true
		}
		content, _ := s.read(tag)
		whole := appendDER(nil, tagInteger, content)
		n, ok := (*der)(&whole).integer()
		t.accuracy += time.Duration(n) * unit
		return ok && n <= most
	}
	return read(tagInteger, time.Second, 1<<31) && read(0x80, time.Millisecond, 999) && read(0x81, time.Microsecond, 999) && len(s) == 0
}

// by reports whether the token names a certificate as its signer's.
func (t *token) by(c *x509.Certificate) bool {
	if t.keyID != nil {
		return len(c.SubjectKeyId) > 0 && bytes.Equal(t.keyID, c.SubjectKeyId)
	}
	serial := c.SerialNumber.Bytes()
	return bytes.Equal(t.issuer, c.RawIssuer) && bytes.Equal(bytes.TrimLeft(t.serial, "\x00"), serial)
}

// A stamped is an authority's proven word about when there was a signature.
type stamped struct {
	owner
	from, to time.Time // the time, and the latest that it may have been
}

// checkTimestamp proves that an authority stamped content. It returns nil without error if no authority that is trusted says so:
// then nobody does.
func (r *Root) checkTimestamp(data, content []byte) (*stamped, error) {
	t, err := parseToken(data)
	if err != nil {
		return nil, err
	}
	var why error
	for _, a := range r.stampers {
		signer, chain, err := t.signerOf(a)
		if err == nil && signer == nil {
			continue
		}
		if err == nil {
			err = t.check(signer, chain, a, content)
		}
		if err == nil {
			return &stamped{owner: a.owner, from: t.at, to: t.at.Add(t.accuracy)}, nil
		}
		why = err
	}
	return nil, why
}

// signerOf returns the certificate that the token is said to be signed with, if an authority has or issued it, and its chain.
func (t *token) signerOf(a *authority) (*x509.Certificate, []*x509.Certificate, error) {
	if a.signer != nil {
		if !t.by(a.signer) {
			return nil, nil, nil
		}
		return a.signer, a.chain, nil
	}
	for _, raw := range t.certificates {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, nil, TimestampMalformed.errorf("%w", err)
		}
		if !t.by(c) {
			continue
		}
		by := issuers(c, []*authority{a})
		if len(by) == 0 {
			continue
		}
		if err := checkStamper(c); err != nil {
			return nil, nil, err
		}
		whole := append([]*x509.Certificate{c}, by[0].chain...)
		if err := verifyChain(whole, latest(whole), x509.ExtKeyUsageTimeStamping); err != nil {
			return nil, nil, err
		}
		return c, by[0].chain, nil
	}
	return nil, nil, nil
}

// checkStamper refuses a certificate that may not sign timestamps (RFC 3161, section 2.3).
func checkStamper(c *x509.Certificate) error {
	usage := []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}
	switch {
	case c.IsCA:
		return TimestampSigner.errorf("the certificate of %s is an authority's", nameOf(c))
	case !slices.Equal(c.ExtKeyUsage, usage) || len(c.UnknownExtKeyUsage) > 0:
		return TimestampSigner.errorf("extended key usage of %s is not timeStamping alone", nameOf(c))
	case c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0:
		return TimestampSigner.errorf("key usage of %s is not for signatures", nameOf(c))
	}
	for _, e := range c.Extensions {
		if e.Id.String() == "2.5.29.37" && e.Critical {
			return nil
		}
	}
	return TimestampSigner.errorf("extended key usage of %s is not critical", nameOf(c))
}

// check proves a token whose signer is known.
func (t *token) check(signer *x509.Certificate, chain []*x509.Certificate, a *authority, content []byte) error {
	for _, raw := range t.certificates {
		if bytes.Equal(raw, signer.Raw) || slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return bytes.Equal(raw, c.Raw) }) {
			continue
		}
		c, err := x509.ParseCertificate(raw)
		switch {
		case err != nil:
			return TimestampMalformed.errorf("%w", err)
		case !c.IsCA:
			return TimestampSigner.errorf("there is a certificate that is neither the signer's nor an authority's")
		}
	}
	switch {
	case !bytes.Equal(t.imprint, sum(t.imprintWith, content)):
		return TimestampContent
	case !bytes.Equal(t.contentDigest, sum(t.digest, t.content)):
		return TimestampSignature.errorf("the digest of its content is another")
	case !bytes.Equal(t.certHash, sum(t.certHashWith, signer.Raw)):
		return TimestampSigner.errorf("it names another certificate")
	case !a.has(t.at):
		return TimestampTime.errorf("at %s, the authority is trusted %s", t.at.Format(time.RFC3339), a.window)
	}
	if err := validAt(append([]*x509.Certificate{signer}, chain...), t.at, t.at); err != nil {
		return TimestampTime.errorf("%w", err)
	}
	if err := signer.CheckSignature(t.algorithm, t.attributes, t.signature); err != nil {
		return TimestampSignature.errorf("%w", err)
	}
	return nil
}
