package sign

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"math"

	"github.com/ladingdev/lading/internal/keytext"
	"golang.org/x/crypto/scrypt"
)

// maxIterations is the most that PBKDF2 may ask for: some seconds. OpenSSL writes 2,048, step 600,000.
const maxIterations = 10_000_000

// rewrite is what to do about a key that is encrypted in another way.
const rewrite = "openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW converts it"

// decrypt returns what is in a block, and whether it was encrypted in a way that does not tell a wrong passphrase for sure.
func decrypt(block *pem.Block, passphrase []byte) (der []byte, unsure bool, err error) {
	switch {
	case block.Type == keytext.Sigstore || block.Type == keytext.Cosign:
		der, err = openBox(block.Bytes, passphrase)
		return der, false, err
	case block.Type == keytext.EncryptedPKCS8:
		der, err = openPBES2(block.Bytes, passphrase)
		return der, true, err
	case block.Headers["DEK-Info"] != "":
		//lint:ignore SA1019 what it opens is how openssl wrote keys, and people have them; nothing is written so
		der, err = x509.DecryptPEMBlock(block, passphrase)
		if errors.Is(err, x509.IncorrectPasswordError) {
			err = ErrPassphrase
		} else if err != nil {
			err = fmt.Errorf("encrypted with %.40q: %w: %s", block.Headers["DEK-Info"], err, rewrite)
		}
		return der, true, err
	}
	return block.Bytes, false, nil
}

// isKey tells a private key from what a wrong passphrase makes, which one time in 256 ends like what was padded: a sequence
// that begins with a version (RFC 5958, section 2; RFC 5915, section 3; RFC 8017, appendix A.1.2).
func isKey(der []byte) bool {
	var outer asn1.RawValue
	var version int
	rest, err := asn1.Unmarshal(der, &outer)
	if err != nil || len(rest) > 0 || outer.Class != asn1.ClassUniversal || outer.Tag != asn1.TagSequence {
		return false
	}
	_, err = asn1.Unmarshal(outer.Bytes, &version)
	return err == nil
}

// Object identifiers of RFC 8018, appendix C, RFC 7914, section 7, and NIST's CSOR.
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	oidSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7} // HMAC with it, as all of these

	pseudorandom = map[string]func() hash.Hash{
		oidSHA1.String():      sha1.New,
		"1.2.840.113549.2.8":  sha256.New224,
		"1.2.840.113549.2.9":  sha256.New,
		"1.2.840.113549.2.10": sha512.New384,
		"1.2.840.113549.2.11": sha512.New,
		"1.2.840.113549.2.12": sha512.New512_224,
		"1.2.840.113549.2.13": sha512.New512_256,
	}
	ciphers = map[string]struct {
		key int // bytes
		new func([]byte) (cipher.Block, error)
	}{
		"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
		"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
		"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
		"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
	}
)

// openPBES2 decrypts an EncryptedPrivateKeyInfo (RFC 5958, section 3) whose algorithm is PBES2 with PBKDF2 or scrypt, and
// AES or triple DES in CBC mode. The key file must not decide how much time or memory its reader spends.
func openPBES2(der, passphrase []byte) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, errors.New("encrypted PKCS #8 that is malformed")
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("encrypted by %s, not PBES2, as openssl did before 1.1: %s, "+
			"for DES or RC2 with -provider legacy -provider default", info.Algorithm.Algorithm, rewrite)
	}
	var params struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	if rest, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &params); err != nil || len(rest) > 0 {
		return nil, errors.New("encrypted PKCS #8 whose parameters are malformed")
	}
	c, ok := ciphers[params.Cipher.Algorithm.String()]
	if !ok {
		return nil, fmt.Errorf("enciphered with %s; AES and triple DES in CBC mode are read: %s", params.Cipher.Algorithm, rewrite)
	}
	key, err := deriveKey(params.KDF, passphrase, c.key)
	if err != nil {
		return nil, err
	}
	block, err := c.new(key)
	if err != nil {
		return nil, err
	}
	var iv []byte
	size := block.BlockSize()
	rest, err := asn1.Unmarshal(params.Cipher.Parameters.FullBytes, &iv)
	if err != nil || len(rest) > 0 || len(iv) != size || len(info.Data) == 0 || len(info.Data)%size != 0 {
		return nil, errors.New("encrypted PKCS #8 of a length that does not fit its cipher")
	}
	plain := make([]byte, len(info.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, info.Data)
	n := int(plain[len(plain)-1])
	if n == 0 || n > size || !bytes.Equal(plain[len(plain)-n:], bytes.Repeat([]byte{byte(n)}, n)) { // RFC 8018, section 6.1.1
		return nil, ErrPassphrase
	}
	return plain[:len(plain)-n], nil
}

// deriveKey makes the cipher's key out of the passphrase (RFC 8018, appendix A.2; RFC 7914, section 7).
func deriveKey(kdf pkix.AlgorithmIdentifier, passphrase []byte, size int) ([]byte, error) {
	malformed := errors.New("encrypted PKCS #8 whose key derivation is malformed")
	switch {
	case kdf.Algorithm.Equal(oidPBKDF2):
		var p struct {
			Salt       []byte
			Iterations int
			KeyLength  int                      `asn1:"optional"`
			PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
		}
		rest, err := asn1.Unmarshal(kdf.Parameters.FullBytes, &p)
		if err != nil || len(rest) > 0 || p.KeyLength != 0 && p.KeyLength != size {
			return nil, malformed
		}
		if p.PRF.Algorithm == nil {
			p.PRF.Algorithm = oidSHA1 // the default
		}
		h, ok := pseudorandom[p.PRF.Algorithm.String()]
		switch {
		case !ok:
			return nil, fmt.Errorf("key derivation with PBKDF2 by %s; HMAC with SHA-1 and SHA-2 is read: %s", p.PRF.Algorithm, rewrite)
		case p.Iterations < 1 || p.Iterations > maxIterations:
			return nil, fmt.Errorf("key derivation in %d rounds of PBKDF2; at most %d are read: %s", p.Iterations, maxIterations, rewrite)
		}
		return pbkdf2.Key(h, string(passphrase), p.Salt, p.Iterations, size)
	case kdf.Algorithm.Equal(oidScrypt):
		var p struct {
			Salt      []byte
			N, R, P   int64
			KeyLength int `asn1:"optional"`
		}
		rest, err := asn1.Unmarshal(kdf.Parameters.FullBytes, &p)
		if err != nil || len(rest) > 0 || p.KeyLength != 0 && p.KeyLength != size || max(p.N, p.R, p.P) > math.MaxInt32 {
			return nil, malformed
		}
		n, r, parallel := int(p.N), int(p.R), int(p.P)
		if err := checkScrypt(n, r, parallel); err != nil {
			return nil, err
		}
		return scrypt.Key(passphrase, p.Salt, n, r, parallel, size)
	}
	return nil, fmt.Errorf("key derivation by %s; PBKDF2 and scrypt are read: %s", kdf.Algorithm, rewrite)
}
