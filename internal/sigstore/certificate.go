package sigstore

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A SANKind is the form of a subject alternative name.
type SANKind uint8

// The forms that Fulcio writes.
const (
	_       SANKind = iota
	SANURI          // uniformResourceIdentifier
	SANMail         // rfc822Name
	SANName         // otherName 1.3.6.1.4.1.57264.1.7, of the form name!domain
)

func (k SANKind) String() string {
	return [...]string{"none", "URI", "e-mail address", "name"}[min(k, SANName)]
}

// An Identity is who signed, by the word of a certificate. Nothing in it assumes one: a proof by a log may carry the same.
type Identity struct {
	SAN     string
	SANKind SANKind
	Issuer  string            // URL of the identity provider
	Claims  map[string]string // by their names, see ClaimNames, or their object identifiers
}

var (
	oidSAN       = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidOtherName = oid(1, 3, 6, 1, 4, 1, 57264, 1, 7)
	// ClaimNames are the names of Fulcio's extensions in its documentation (sigstore/fulcio, docs/oid-info.md), by the last part of their
	// object identifiers below OIDClaims. The names and the issuers are no claims.
	ClaimNames = [...]string{
		2: "githubWorkflowTrigger", 3: "githubWorkflowSHA", 4: "githubWorkflowName", 5: "githubWorkflowRepository", 6: "githubWorkflowRef",
		9: "buildSignerURI", 10: "buildSignerDigest", 11: "runnerEnvironment", 12: "sourceRepositoryURI", 13: "sourceRepositoryDigest",
		14: "sourceRepositoryRef", 15: "sourceRepositoryIdentifier", 16: "sourceRepositoryOwnerURI", 17: "sourceRepositoryOwnerIdentifier",
		18: "buildConfigURI", 19: "buildConfigDigest", 20: "buildTrigger", 21: "runInvocationURI",
		22: "sourceRepositoryVisibilityAtSigning", 23: "deploymentEnvironment", 24: "tokenSubject",
	}
	// OIDClaims is what the object identifiers of Fulcio's extensions begin with (sigstore/fulcio, docs/oid-info.md).
	OIDClaims = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1}
)

// maxCertificate is the size of the largest certificate that is read.
const maxCertificate = 64 << 10

// A leaf is a certificate that signed something, and has a profile that it may.
type leaf struct {
	*x509.Certificate
	identity Identity
}

// parseLeaf reads the certificate of a signer (sigstore/fulcio, docs/certificate-specification.md).
func parseLeaf(der []byte) (*leaf, error) {
	if len(der) > maxCertificate {
		return nil, OverLimit.errorf("a certificate of %d bytes", len(der))
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		if _, keyErr := x509.ParsePKIXPublicKey(der); keyErr == nil {
			return nil, CertificateIsKey.errorf("keys come from the caller alone")
		}
		return nil, CertificateMalformed.errorf("%w", err)
	}
	switch {
	case c.Version != 3:
		return nil, CertificateProfile.errorf("version %d", c.Version)
	case c.IsCA:
		return nil, CertificateProfile.errorf("it is an authority's")
	case c.KeyUsage != x509.KeyUsageDigitalSignature:
		return nil, CertificateProfile.errorf("key usage is not digitalSignature alone")
	case len(c.UnknownExtKeyUsage) > 0 || !slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}):
		return nil, CertificateProfile.errorf("extended key usage is not codeSigning alone")
	case len(c.Subject.Names) > 0:
		return nil, CertificateProfile.errorf("it has a subject")
	}
	l := &leaf{Certificate: c}
	if err := l.readExtensions(); err != nil {
		return nil, err
	}
	for _, id := range c.UnhandledCriticalExtensions {
		if !id.Equal(oidSAN) || l.identity.SANKind != SANName {
			return nil, CertificateProfile.errorf("a critical extension that is not read: %s", id)
		}
	}
	return l, nil
}

func (l *leaf) readExtensions() error {
	id := &l.identity
	var issuer, issuerV1 string
	type claim struct {
		name  string
		value []byte
	}
	claims := make([]claim, 0, len(ClaimNames))
	for _, e := range l.Extensions {
		if e.Id.Equal(oidSAN) {
			if err := id.readSAN(e); err != nil {
				return err
			}
			continue
		}
		if len(e.Id) != len(OIDClaims)+1 || !e.Id[:len(OIDClaims)].Equal(OIDClaims) {
			continue
		}
		n := e.Id[len(OIDClaims)]
		value := der(e.Value)
		if n >= 8 {
			var ok bool
			if value, ok = value.only(tagUTF8String); !ok {
				return ClaimMalformed.errorf("extension %s is not one UTF8String", e.Id)
			}
		}
		if len(value) == 0 || !utf8.Valid(value) || bytes.ContainsFunc(value, unicode.IsControl) {
			return ClaimMalformed.errorf("extension %s is empty or has characters that are not printed", e.Id)
		}
		switch n {
		case 1:
			issuerV1 = string(value)
		case 8:
			issuer = string(value)
		default:
			name := ""
			if n >= 0 && n < len(ClaimNames) {
				name = ClaimNames[n]
			}
			if name == "" {
				name = e.Id.String()
			}
			claims = append(claims, claim{name, value})
		}
	}
	id.Claims = make(map[string]string, len(claims))
	var text strings.Builder // the values are parts of one string: a certificate has twenty
	text.Grow(len(l.Raw))
	for _, c := range claims {
		from := text.Len()
		text.Write(c.value)
		id.Claims[c.name] = text.String()[from:]
	}
	switch {
	case id.SANKind == 0:
		return SANMalformed.errorf("the certificate has none")
	case issuer == "" && issuerV1 == "":
		return ClaimMalformed.errorf("the certificate names no issuer of its identity")
	case issuer != "" && issuerV1 != "" && issuer != issuerV1:
		return IssuersDisagree.errorf("%.100q and %.100q", issuerV1, issuer)
	}
	id.Issuer = issuer
	if issuer == "" { // certificates of 2022 have the deprecated extension alone
		id.Issuer = issuerV1
	}
	return nil
}

// readSAN reads the one name as it is encoded: parsers of URLs would change it.
func (id *Identity) readSAN(e pkix.Extension) error {
	if !e.Critical {
		return SANMalformed.errorf("the extension is not critical, and there is no subject")
	}
	names, ok := der(e.Value).only(tagSequence)
	if !ok {
		return SANMalformed.errorf("not a list of names")
	}
	tag, value, _, ok := names.next()
	if !ok || len(names) > 0 {
		return SANMalformed.errorf("a certificate has exactly one name, so that none hides another")
	}
	switch tag {
	case 0x86:
		id.SANKind = SANURI
	case 0x81:
		id.SANKind = SANMail
	case 0xa0:
		id.SANKind = SANName
		kind, ok1 := value.read(tagOID)
		explicit, ok2 := value.read(tagExplicit0)
		text, ok3 := explicit.only(tagUTF8String)
		if !ok1 || !ok2 || !ok3 || len(value) > 0 || string(kind) != oidOtherName {
			return SANMalformed.errorf("another name that is not Fulcio's")
		}
		value = text
	default:
		return SANMalformed.errorf("a name of kind %#x", tag)
	}
	ascii := id.SANKind == SANName || !bytes.ContainsFunc(value, func(r rune) bool { return r > unicode.MaxASCII })
	if len(value) == 0 || !utf8.Valid(value) || !ascii || bytes.ContainsFunc(value, unicode.IsControl) {
		return SANMalformed.errorf("it is empty or has characters that a name has not")
	}
	id.SAN = string(value)
	return nil
}

// An issued is an authority that issued a certificate: the authority's chain begins with whoever signed it.
type issued struct {
	*authority
	chain []*x509.Certificate
}

// issuers returns the authorities whose key signed a certificate. Several have one name: the signature decides, and the key
// identifier that the certificate has says only which to try first.
func issuers(c *x509.Certificate, from []*authority) []issued {
	tried := make(map[string]bool, 2) // by key: whether it signed
	var out []issued
	for _, hinted := range [...]bool{true, false} {
		for _, a := range from {
			for i, ca := range a.chain {
				if !bytes.Equal(ca.RawSubject, c.RawIssuer) || hinted != bytes.Equal(ca.SubjectKeyId, c.AuthorityKeyId) {
					continue
				}
				key := string(ca.RawSubjectPublicKeyInfo)
				if _, ok := tried[key]; !ok {
					tried[key] = ca.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
				}
				if tried[key] {
					out = append(out, issued{authority: a, chain: a.chain[i:]})
				}
			}
		}
		if len(out) > 0 {
			break // no other key made the same signature
		}
	}
	return out
}

// checkChain proves that all certificates above c were valid from one time to another, and its authority was believed.
func checkChain(c *x509.Certificate, by []issued, from, to time.Time) error {
	var why error
	for _, i := range by {
		err := validAt(i.chain, from, to)
		switch {
		case err != nil:
		case !i.has(from) || !i.has(to):
			err = ChainTime.errorf("the authority at %.80q is trusted %s, not at %s", i.host, i.window, to.UTC().Format(time.RFC3339))
		case i.constrained:
			err = verifyChain(append([]*x509.Certificate{known(c)}, i.chain...), to, x509.ExtKeyUsageCodeSigning)
		}
		if err == nil {
			return nil
		}
		why = err
	}
	return why
}

// known returns a certificate whose subject alternative name was read, though package x509 does not know its kind.
func known(c *x509.Certificate) *x509.Certificate {
	if len(c.UnhandledCriticalExtensions) == 0 {
		return c
	}
	out := *c
	out.UnhandledCriticalExtensions = nil
	return &out
}

// ParsePEM returns the one block in text, which is of a type, CERTIFICATE or PUBLIC KEY.
func ParsePEM(text []byte, kind string) ([]byte, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, CertificateMalformed.errorf("no PEM block")
	case len(bytes.TrimSpace(rest)) > 0 || bytes.Count(text, []byte("-----BEGIN ")) > 1:
		return nil, CertificateMalformed.errorf("something beside one PEM block")
	case block.Type == "PUBLIC KEY" && kind == "CERTIFICATE":
		return nil, CertificateIsKey.errorf("keys come from the caller alone")
	case block.Type != kind || len(block.Headers) > 0 || !strings.HasPrefix(string(bytes.TrimSpace(text)), "-----BEGIN "):
		return nil, CertificateMalformed.errorf("not a PEM block of type %s", kind)
	}
	return block.Bytes, nil
}

func (id Identity) String() string { return fmt.Sprintf("%s (by %s)", id.SAN, id.Issuer) }
