package sigstore

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"time"

	"github.com/ladingdev/lading/internal/scheme"
)

var (
	oidSCTs   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2} // RFC 6962, section 3.3
	oidPoison = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 3} // RFC 6962, section 3.1
	sctBytes  = oid(oidSCTs...)
)

// sctSkew is how long before a certificate begins to be valid its timestamp may be: those of public logs are up to a second after it.
const sctSkew = time.Minute

// An sct is a signed certificate timestamp (RFC 6962, section 3.2).
type sct struct {
	logID      string
	at         time.Time
	millis     []byte // as signed
	extensions []byte // with their length, as signed
	algorithm  byte   // of the signature: 1 is RSA, 3 is ECDSA
	signature  []byte
}

// checkSCTs proves that logs have the certificate, which issuer's key signed, and returns who they are. A timestamp of an
// unknown log does not count; one of a known log must verify.
func (r *Root) checkSCTs(l *leaf, issuer *x509.Certificate) ([]owner, error) {
	var list der
	for _, e := range l.Extensions {
		switch {
		case e.Id.Equal(oidPoison):
			return nil, SCTMalformed.errorf("a precertificate, which nobody may use")
		case e.Id.Equal(oidSCTs):
			list = e.Value
		}
	}
	if list == nil {
		return nil, nil
	}
	scts, err := parseSCTs(list)
	if err != nil {
		return nil, err
	}
	tbs, ok := withoutSCTs(l.RawTBSCertificate)
	if !ok {
		return nil, SCTMalformed.errorf("the certificate cannot be taken apart")
	}
	issuerKey := sha256.Sum256(issuer.RawSubjectPublicKeyInfo)
	var owners []owner
	for _, s := range scts {
		log, ok := r.ctLogs[s.logID]
		if !ok {
			continue
		}
		if err := s.check(log, l.Certificate, issuerKey[:], tbs); err != nil {
			return nil, err
		}
		owners = append(owners, log.owner)
	}
	return owners, nil
}

func (s *sct) check(log *log, c *x509.Certificate, issuerKey, tbs []byte) error {
	switch {
	case !log.has(s.at):
		return SCTTime.errorf("at %s, the log's key is trusted %s", s.at.Format(time.RFC3339), log.window)
	case s.at.Before(c.NotBefore.Add(-sctSkew)) || s.at.After(c.NotAfter):
		return SCTTime.errorf("at %s, the certificate is valid from %s to %s", s.at.Format(time.RFC3339),
			c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339))
	}
	// version, type of signature, time, type of entry, key of the issuer, certificate, extensions
	signed := make([]byte, 0, 2+8+2+sha256.Size+3+len(tbs)+len(s.extensions))
	signed = append(signed, 0, 0)
	signed = append(signed, s.millis...)
	signed = append(signed, 0, 1)
	signed = append(signed, issuerKey...)
	signed = append(signed, byte(len(tbs)>>16), byte(len(tbs)>>8), byte(len(tbs)))
	signed = append(signed, tbs...)
	signed = append(signed, s.extensions...)
	digest := sha256.Sum256(signed)
	how := scheme.ECDSAWithSHA256
	if s.algorithm == 1 {
		how = scheme.SHA256WithRSA
	}
	if !how.Verify(log.public, digest[:], s.signature) {
		return SCTSignature.errorf("log %s did not sign for this certificate", fingerprint([]byte(log.id)))
	}
	return nil
}

// parseSCTs reads a SignedCertificateTimestampList in its two octet strings.
func parseSCTs(value der) ([]sct, error) {
	inner, ok := value.only(tagOctetString)
	list, rest, ok2 := prefixed(inner)
	if !ok || !ok2 || len(rest) > 0 || len(list) == 0 {
		return nil, SCTMalformed.errorf("not a list")
	}
	const most = 16
	var out []sct
	for len(list) > 0 {
		var one []byte
		if one, list, ok = prefixed(list); !ok || len(out) == most {
			return nil, SCTMalformed.errorf("not a list, or of more than %d", most)
		}
		s, ok := parseSCT(one)
		if !ok {
			return nil, SCTMalformed.errorf("one of another version or form")
		}
		out = append(out, s)
	}
	return out, nil
}

func parseSCT(b []byte) (s sct, ok bool) {
	const fixed = 1 + sha256.Size + 8
	if len(b) < fixed || b[0] != 0 {
		return s, false
	}
	s.logID, s.millis = string(b[1:33]), b[33:fixed]
	millis := binary.BigEndian.Uint64(s.millis)
	if millis > 1<<53 {
		return s, false
	}
	s.at = time.UnixMilli(int64(millis)).UTC()
	rest := b[fixed:]
	if _, after, ok := prefixed(rest); ok {
		s.extensions, rest = rest[:len(rest)-len(after)], after
	} else {
		return s, false
	}
	if len(rest) < 2 || rest[0] != 4 { // SHA-256
		return s, false
	}
	s.algorithm = rest[1]
	s.signature, rest, ok = prefixed(rest[2:])
	return s, ok && len(rest) == 0 && (s.algorithm == 1 || s.algorithm == 3)
}

// prefixed cuts off what stands behind its length of two bytes.
func prefixed(b []byte) (content, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	if len(b) < n {
		return nil, nil, false
	}
	return b[2:n], b[n:], true
}

// withoutSCTs returns a TBSCertificate as the log had it: without its list, and otherwise the same bytes.
func withoutSCTs(raw der) ([]byte, bool) {
	tbs, ok := raw.only(tagSequence)
	if !ok {
		return nil, false
	}
	var before []byte
	for len(tbs) > 0 && !tbs.is(tagExplicit3) {
		_, _, whole, ok := tbs.next()
		if !ok {
			return nil, false
		}
		before = append(before, whole...)
	}
	wrapped, ok := tbs.only(tagExplicit3)
	list, ok2 := wrapped.only(tagSequence)
	if !ok || !ok2 {
		return nil, false
	}
	kept, cut := make([]byte, 0, len(list)), 0
	for len(list) > 0 {
		_, content, whole, ok := list.next()
		id, ok2 := content.read(tagOID)
		if !ok || !ok2 {
			return nil, false
		}
		if string(id) == sctBytes {
			cut++
		} else {
			kept = append(kept, whole...)
		}
	}
	extensions := appendDER(make([]byte, 0, len(kept)+16), tagExplicit3, appendDER(make([]byte, 0, len(kept)+8), tagSequence, kept))
	return appendDER(make([]byte, 0, len(raw)), tagSequence, before, extensions), cut == 1
}
