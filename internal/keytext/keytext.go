// Package keytext reads the text of key files: which PEM block holds the key, and if none does, what the file is and how to
// convert it. Names of PEM blocks are those of RFC 7468 and of the programs that write them.
package keytext

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"

	mldsax509 "filippo.io/mldsa/x509"
)

// Types of PEM block that hold keys.
const (
	PKCS8          = "PRIVATE KEY"
	SEC1           = "EC PRIVATE KEY"
	PKCS1          = "RSA PRIVATE KEY"
	EncryptedPKCS8 = "ENCRYPTED PRIVATE KEY"
	Sigstore       = "ENCRYPTED SIGSTORE PRIVATE KEY"
	Cosign         = "ENCRYPTED COSIGN PRIVATE KEY" // cosign's name for it until v2
	OpenSSH        = "OPENSSH PRIVATE KEY"
	PKIX           = "PUBLIC KEY"
	PKCS1Public    = "RSA PUBLIC KEY"
)

// Public reads a public key from one block: in PKIX form (RFC 5280, section 4.1.2.7), or PKCS #1 (RFC 8017, appendix
// A.1.1). Text around it is passed over.
func Public(data []byte) (crypto.PublicKey, error) {
	data = TrimMark(data)
	block, _ := pem.Decode(data)
	if block == nil || block.Type != PKIX && block.Type != PKCS1Public {
		return nil, Explain(data, true)
	}
	if bytes.Count(data, []byte("-----BEGIN ")) > 1 { // broken ones, which pem.Decode skips, too
		return nil, errors.New("more than one PEM block, so it is not clear which key is meant")
	}
	parse := mldsax509.ParsePKIXPublicKey
	if block.Type == PKCS1Public {
		parse = func(der []byte) (any, error) { return x509.ParsePKCS1PublicKey(der) }
	}
	key, err := parse(block.Bytes)
	if err != nil {
		return nil, Inside(block, err)
	}
	return key, nil
}

// kinds are keys by an object identifier that is in them: of an algorithm (RFC 8410, RFC 4055, RFC 3279) or of a curve (SEC 2, RFC
// 5639), or that of curves whose parameters are spelled out.
var kinds = []struct {
	oid  asn1.ObjectIdentifier
	name string
}{
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 1, 1}, "a key whose curve is spelled out: " + nameCurve},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 10}, "a key on the curve secp256k1" + used},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 33}, "a key on the curve P-224" + used},
	{asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1}, "a key on a Brainpool curve" + used}, // and one more number
	{asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301}, "a key on the curve SM2" + used},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}, "an RSA key for PSS alone (id-RSASSA-PSS)" + used},
	{asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}, "a DSA key" + used},
	{asn1.ObjectIdentifier{1, 3, 101, 110}, "an X25519 key, which signs nothing" + used},
	{asn1.ObjectIdentifier{1, 3, 101, 111}, "an X448 key, which signs nothing" + used},
	{asn1.ObjectIdentifier{1, 3, 101, 113}, "an Ed448 key" + used},
}

const used = ": ECDSA on P-256, P-384 and P-521, RSA, Ed25519 and ML-DSA are used"

// Inside says what is in a block, or, of a damaged one, in what it says that there is, for err, which the reader of its DER gave.
func Inside(block *pem.Block, err error) error {
	var outer asn1.RawValue
	if rest, e := asn1.Unmarshal(block.Bytes, &outer); e == nil && len(rest) == 0 {
		for _, k := range kinds {
			id, e := asn1.Marshal(k.oid)
			if e == nil && bytes.Contains(outer.Bytes, id[2:]) {
				return fmt.Errorf("%s (%w)", k.name, err)
			}
		}
	}
	if block.Type == PKIX && compressed(outer.Bytes) {
		return fmt.Errorf("its point is compressed: openssl ec -pubin -in KEY -conv_form uncompressed -out NEW converts it (%w)", err)
	}
	return fmt.Errorf("what is inside the block %s is damaged, or is no such key: %w", block.Type, err)
}

// compressed tells a point in the form of SEC 1, section 2.3.3, that has one coordinate.
func compressed(spki []byte) bool {
	var algorithm asn1.RawValue
	rest, err := asn1.Unmarshal(spki, &algorithm)
	var point asn1.BitString
	if err == nil {
		_, err = asn1.Unmarshal(rest, &point)
	}
	return err == nil && len(point.Bytes) > 32 && point.Bytes[0]|1 == 3
}

// TrimMark takes away the byte order mark that editors on Windows write before UTF-8, and behind which PEM is not found.
func TrimMark(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }

// Advice on how to convert what was given instead of a key: commands of openssl, ssh-keygen, puttygen and step.
const (
	publicOfPrivate = "openssl pkey -in KEY -pubout writes its public key"
	publicOfCert    = "openssl x509 -in CERT -noout -pubkey writes its public key"
	publicOfRequest = "openssl req -in REQUEST -noout -pubkey writes its public key"
	publicOfCosign  = "cosign public-key --key KEY writes its public key"
	certificatesOf  = "openssl pkcs7 -print_certs -in FILE writes the certificates"
	useTPM          = "sign.FromSigner takes the crypto.Signer that a TPM library opens it as"
	privateIsBeside = "the private key is another file"
	rewritePrivate  = "openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW converts it"
	opensshPrivate  = "package sign/keyfile reads it, and ssh-keygen -p -m PKCS8 -f COPY rewrites a copy of it in place"
	opensshPublic   = "package sign/keyfile reads it, and ssh-keygen -e -m PKCS8 -f KEY.pub converts it"
	derPrivate      = "openssl pkey -inform DER -in KEY -out NEW converts it"
	derPublic       = "openssl pkey -pubin -inform DER -in KEY -out NEW converts it"
	toBreaks        = `printf '%b' "$(cat FILE)" > NEW writes them`
	nameCurve       = "openssl ec -in KEY -param_enc named_curve -out NEW names it"
	toText          = "base64 -d FILE > NEW decodes it"
	toBare          = "leave them out"
	toLines         = "a variable in the shell needs quotation marks around it to keep them"
	toLeft          = "sed 's/^[ \\t]*//' FILE > NEW takes that away"
	derCertificates = "openssl pkcs7 -inform DER -print_certs -in FILE writes the certificates"
	jwkPrivate      = "step crypto key format --pem KEY converts it"
)

// A form is a kind of file that is mistaken for a key.
type form struct {
	name            string
	private, public string // what to do where a private or a public key is wanted; empty: nothing helps
}

var blocks = map[string]form{
	"CERTIFICATE":                {"a certificate", privateIsBeside, publicOfCert},
	"X509 CERTIFICATE":           {"a certificate", privateIsBeside, publicOfCert},
	"TRUSTED CERTIFICATE":        {"a certificate", privateIsBeside, publicOfCert},
	"CERTIFICATE REQUEST":        {"a certificate request", privateIsBeside, publicOfRequest},
	"NEW CERTIFICATE REQUEST":    {"a certificate request", privateIsBeside, publicOfRequest},
	"PKCS7":                      {"a PKCS #7 file of certificates", privateIsBeside, certificatesOf},
	"CMS":                        {"a CMS file of certificates", privateIsBeside, certificatesOf},
	"X509 CRL":                   {"a list of revoked certificates", "", ""},
	"EC PARAMETERS":              {"the parameters of a curve without a key", "", ""},
	"DSA PRIVATE KEY":            {"a DSA key" + noPlace, "", ""},
	"DSA PUBLIC KEY":             {"a DSA key" + noPlace, "", ""},
	"TSS2 PRIVATE KEY":           {"a key of a TPM, which alone can use it", useTPM, ""},
	"SSH2 ENCRYPTED PRIVATE KEY": {"a private key of ssh.com", "ssh-keygen -i -f KEY > NEW converts it", ""},
	PKCS8:                        {"a private key", "", publicOfPrivate},
	SEC1:                         {"a private key", "", publicOfPrivate},
	PKCS1:                        {"a private key", "", publicOfPrivate},
	EncryptedPKCS8:               {"an encrypted private key", rewritePrivate, publicOfPrivate},
	Sigstore:                     {"a private key that cosign encrypted", "", publicOfCosign},
	Cosign:                       {"a private key that cosign encrypted", "", publicOfCosign},
	OpenSSH:                      {"an OpenSSH private key", opensshPrivate, "ssh-keygen -e -m PKCS8 -f KEY writes its public key"},
	PKIX:                         {"a public key", privateIsBeside, ""},
	PKCS1Public:                  {"a public key", privateIsBeside, ""},
}

const noPlace = ", which no format here has a place for"

// texts are files without a PEM block that can be read, by how they begin, white space left out.
var texts = []struct {
	begin string // a pattern, compiled when a file is none that is wanted
	form
}{
	{`^$`, form{"empty", "", ""}},
	{`^\{[^{}]*"kty"\s*:`, form{"a JSON Web Key", jwkPrivate, jwkPrivate}},
	{`^\{[^{}]*"(ciphertext|encrypted_key)"\s*:`, form{"an encrypted JSON Web Key", jwkPrivate, ""}},
	{`^PuTTY-User-Key-File-`, form{"a private key of PuTTY",
		"puttygen KEY -O private-openssh -o NEW converts it", "puttygen KEY -L writes its public key"}},
	{`^(ssh-(rsa|ed25519|dss)|ecdsa-sha2-\S+|sk-\S+) `, form{"an OpenSSH public key", privateIsBeside, opensshPublic}},
	{`^---- BEGIN SSH2 PUBLIC KEY`, form{"an SSH public key (RFC 4716)", privateIsBeside,
		"ssh-keygen -i -f KEY > NEW && ssh-keygen -e -m PKCS8 -f NEW converts it"}},
	{`^-----BEGIN PGP `, form{"a key of OpenPGP" + noPlace, "", ""}},
	{`^untrusted comment:`, form{"a key of minisign or signify" + noPlace, "", ""}},
	{`^(age1|AGE-SECRET-KEY-|# created: [^\n]*\n# public key: age1)`, form{"a key of age, which signs nothing", "", ""}},
	{`^[a-z]+://`, form{"a reference to a key in a key management service",
		"package sign/kms opens it, sign/kms/sigstorekms where it is not of AWS", "export its public key as PEM"}},
	{`^["']?-----BEGIN [A-Z0-9 ]+-----\\[rn]`, form{"PEM whose line breaks are written as \\n", toBreaks, toBreaks}},
	{`^["'](-----BEGIN|LS0tLS1CRUdJTi)`, form{"PEM in quotation marks", toBare, toBare}},
	{`^LS0tLS1CRUdJTi`, form{"PEM in base64 once more", toText, toText}},
	{`^-----BEGIN [A-Z0-9 ]+-----[ \t]*[^\s]`, form{"PEM that lost its line breaks", toLines, toLines}},
	{`^-----BEGIN [A-Z0-9 ]+-----\s*\n[ \t]+\S`, form{"PEM whose lines are indented", toLeft, toLeft}},
	{`^-----BEGIN `, form{"a PEM block that is damaged or cut off", "", ""}},
	{`^[\[{]`, form{"JSON", "", ""}},
}

// isUTF16 tells it by its byte order mark, or by how the ASCII that all of these forms begin with looks.
func isUTF16(data []byte) bool {
	return len(data) > 1 && (data[0] == 0xff && data[1] == 0xfe || data[0] == 0xfe && data[1] == 0xff || data[0] != 0 != (data[1] != 0))
}

const toUTF8 = "iconv -f UTF-16 -t UTF-8 FILE converts it"

// Explain says what a file is that should hold a key and does not.
func Explain(data []byte, public bool) error {
	f := recognize(data)
	advice := f.private
	want := "a private key"
	if public {
		advice, want = f.public, "a public key"
	}
	text := fmt.Sprintf("the file is %s, not %s in PEM", f.name, want)
	if f.name == want { // of a form that is not read
		text = fmt.Sprintf("the file is %s of a form that is not read", want)
	}
	if advice != "" {
		text += ": " + advice
	}
	return errors.New(text)
}

// Name says what a file is.
func Name(data []byte) string { return recognize(data).name }

func recognize(data []byte) form {
	if block, _ := pem.Decode(data); block != nil {
		if f, ok := blocks[block.Type]; ok {
			return f
		}
		return form{fmt.Sprintf("a PEM block %.40q", block.Type), "", ""}
	}
	if f, ok := recognizeDER(data); ok {
		return f
	}
	if isUTF16(data) {
		return form{"text in UTF-16, as PowerShell writes it", toUTF8, toUTF8}
	}
	head := bytes.TrimSpace(data[:min(len(data), 4096)])
	for _, t := range texts {
		if regexp.MustCompile(t.begin).Match(head) {
			return t.form
		}
	}
	return form{"text without a PEM block", "", ""}
}

// recognizeDER tells keys, certificates and PKCS #12 in DER by what they begin with.
func recognizeDER(data []byte) (form, bool) {
	var outer asn1.RawValue
	rest, err := asn1.Unmarshal(data, &outer)
	if err != nil || len(rest) > 0 || outer.Tag != asn1.TagSequence || outer.Class != asn1.ClassUniversal {
		return form{}, false
	}
	if _, err := x509.ParseCertificate(data); err == nil {
		return form{"a certificate in DER", privateIsBeside, "openssl x509 -inform DER -in CERT -noout -pubkey writes its public key"}, true
	}
	if _, err := mldsax509.ParsePKIXPublicKey(data); err == nil {
		return form{"a public key in DER", privateIsBeside, derPublic}, true
	}
	signedData, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}) // RFC 5652, section 5.1
	if err == nil && bytes.HasPrefix(outer.Bytes, signedData) {
		return form{"a PKCS #7 file of certificates in DER", privateIsBeside, derCertificates}, true
	}
	var version int
	switch _, err := asn1.Unmarshal(outer.Bytes, &version); {
	case err == nil && version == 3: // RFC 7292, section 4; PKCS #8, SEC 1 and PKCS #1 have 0 or 1
		const advice = "openssl pkcs12 -in FILE -nocerts -out NEW takes the key out"
		return form{"a PKCS #12 file", advice, "openssl pkcs12 -in FILE -nokeys -out CERT takes the certificate out"}, true
	case err == nil && version <= 1:
		return form{"a private key in DER", derPrivate, "openssl pkey -inform DER -in KEY -pubout writes its public key"}, true
	}
	return form{"a structure in DER", derPrivate, derPublic}, true
}
