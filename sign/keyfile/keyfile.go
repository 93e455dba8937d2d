// Package keyfile reads keys from the files that people have: all that package sign reads, and OpenSSH's.
//
//	key, err := keyfile.Parse(data, passphrase)       // to sign with
//	pub, err := keyfile.ParsePublic(data)             // to trust
//	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: pub}}}
//
// It is a package of its own because reading OpenSSH's encrypted keys takes more of golang.org/x/crypto than package sign
// compiles.
//
//	file                                     PEM block                     Parse   ParsePublic   also read by
//	PKCS #8                                  PRIVATE KEY                   yes                   sign.ParseKey
//	PKCS #8, encrypted: PBES2, AES or        ENCRYPTED PRIVATE KEY         yes                   sign.ParseKey
//	  triple DES, PBKDF2 or scrypt
//	SEC 1, PKCS #1                           EC PRIVATE KEY,               yes                   sign.ParseKey
//	                                         RSA PRIVATE KEY
//	the same, encrypted as OpenSSL once did  with a header Proc-Type       yes                   sign.ParseKey
//	cosign's encrypted key                   ENCRYPTED SIGSTORE            yes                   sign.ParseKey
//	                                         PRIVATE KEY
//	OpenSSH, encrypted or not                OPENSSH PRIVATE KEY           yes
//	PKIX, PKCS #1                            PUBLIC KEY, RSA PUBLIC KEY            yes           verify.ParseTrustedKey
//	OpenSSH public key                       none: ssh-ed25519 AAAA...             yes
//
// A mark of UTF-8 before the text is passed over. Everything else is refused with the name of what it is and the command that
// converts it: certificates and certificate requests, keys in DER and PKCS #12, PKCS #8 encrypted with PBES1, JSON Web Keys,
// keys of PuTTY, of TPMs, of FIDO tokens, a private key where a public one is wanted and the reverse.
//
// cosign imports the same encrypted forms, except PKCS #8 whose PBKDF2 uses HMAC with SHA-384 or SHA-512 (sigstore v1.10.11).
//
// # Keys in devices
//
// [sign.FromSigner] takes the crypto.Signer of a device's library. These were run, with all formats that a key has a place in:
//
//	device                  library                                  keys that sign
//	SoftHSM 2.6 (PKCS #11)  ThalesGroup/crypto11 1.6.2               P-256, P-384, P-521, RSA-2048, RSA-3072
//	TPM 2.0 (swtpm 0.7)     google/go-tpm-tools/client 0.4.10        P-256; RSA of the padding that its template names: PSS
//	                                                                 signs Notary Project's formats alone, PKCS #1 v1.5 all others
//	ssh-agent (OpenSSH 9.2) golang.org/x/crypto/ssh/agent 0.58       Ed25519 alone, as in the example
//
// What an ssh-agent signs (draft-ietf-sshm-ssh-agent): the message, which it hashes itself. A [sign.Key] gets a digest where
// the algorithm has one, so it depends on the algorithm whether an agent can be one:
//
//	key in the agent          what the agent makes                     as a sign.Key
//	Ed25519                   Ed25519 over the message                 yes: the signature's blob as it is
//	ECDSA P-256, P-384, P-521 ECDSA over SHA-256, 384, 512 that the    no: it would hash the digest again
//	                          agent makes
//	RSA                       PKCS #1 v1.5 over SHA-1, 256 or 512      no: the same, and no PSS for Notary Project
//	FIDO (sk-...)             over the token's own data, with counter  no: nothing but SSH reads it
//	certificates (...-cert)   as the key                               take the key itself
package keyfile

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	mldsax509 "filippo.io/mldsa/x509"
	"github.com/ladingdev/lading/internal/keytext"
	"github.com/ladingdev/lading/internal/keytext/privatekey"
	"github.com/ladingdev/lading/sign"
	"golang.org/x/crypto/ssh"
)

// Parse reads a private key from PEM: one of the forms in the package comment. Errors are those of [sign.ParseKey].
func Parse(pemBytes, passphrase []byte) (*sign.LocalKey, error) {
	block, err := privatekey.Block(pemBytes, keytext.OpenSSH)
	if err != nil {
		return sign.ParseKey(pemBytes, passphrase) // whose refusals are those for all other forms
	}
	if err := checkRounds(block.Bytes); err != nil {
		return nil, fmt.Errorf("keyfile: %w: %w", sign.ErrKey, err)
	}
	text := pem.EncodeToMemory(block)
	key, err := ssh.ParseRawPrivateKey(text)
	if _, missing := errors.AsType[*ssh.PassphraseMissingError](err); missing {
		if len(passphrase) == 0 {
			return nil, fmt.Errorf("keyfile: %w", sign.ErrNoPassphrase)
		}
		if key, err = ssh.ParseRawPrivateKeyWithPassphrase(text, passphrase); errors.Is(err, x509.IncorrectPasswordError) {
			return nil, fmt.Errorf("keyfile: %w", sign.ErrPassphrase)
		}
	}
	if err != nil && strings.Contains(err.Error(), "cipher") {
		err = fmt.Errorf("%w: ssh-keygen -p -Z aes256-ctr -f COPY rewrites a copy of it in place", err)
	}
	if err != nil {
		return nil, fmt.Errorf("keyfile: %w: OpenSSH private key: %w", sign.ErrKey, err)
	}
	if k, ok := key.(*ed25519.PrivateKey); ok {
		key = *k
	}
	der, err := mldsax509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("keyfile: %w: OpenSSH private key: %w", sign.ErrKey, err)
	}
	return sign.ParseKey(pem.EncodeToMemory(&pem.Block{Type: keytext.PKCS8, Bytes: der}), nil)
}

// maxRounds is the most that an encrypted key may ask for: some seconds. ssh-keygen writes 16 or 24.
const maxRounds = 1024

// checkRounds bounds what bcrypt may cost: the key file must not decide how much time its reader spends. The layout is that
// of PROTOCOL.key in OpenSSH: magic, then the strings ciphername, kdfname, kdfoptions; of bcrypt those are a salt and rounds.
func checkRounds(data []byte) error {
	rest, ok := bytes.CutPrefix(data, []byte("openssh-key-v1\x00"))
	next := func() (field []byte) {
		if !ok || len(rest) < 4 || uint64(binary.BigEndian.Uint32(rest)) > uint64(len(rest)-4) {
			ok = false
			return nil
		}
		n := 4 + binary.BigEndian.Uint32(rest)
		field, rest = rest[4:n], rest[n:]
		return field
	}
	next()
	kdf := next()
	options := next()
	if !ok {
		return errors.New("an OpenSSH private key that is malformed")
	}
	if string(kdf) != "bcrypt" { // "none", or what the library refuses
		return nil
	}
	rest = options
	next()
	if !ok || len(rest) != 4 {
		return errors.New("an OpenSSH private key whose key derivation is malformed")
	}
	if n := binary.BigEndian.Uint32(rest); n > maxRounds {
		return fmt.Errorf("key derivation in %d rounds of bcrypt; at most %d are read", n, maxRounds)
	}
	return nil
}

// ParsePublic reads a public key: one of the forms in the package comment. It is an *ecdsa.PublicKey, *rsa.PublicKey or
// ed25519.PublicKey; whether its size has a place in the formats, who uses it says. Errors wrap [sign.ErrKey].
//
// An OpenSSH public key is one line; options before it, as in authorized_keys, are refused.
func ParsePublic(data []byte) (crypto.PublicKey, error) {
	line := strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff"))
	kind, _, _ := strings.Cut(line, " ")
	switch {
	case strings.HasPrefix(kind, "sk-"):
		return nil, fmt.Errorf("keyfile: %w: a key of a FIDO token, which signs for SSH alone", sign.ErrKey)
	case !strings.HasPrefix(kind, "ssh-") && !strings.HasPrefix(kind, "ecdsa-sha2-"):
		pub, err := keytext.Public(data)
		if err != nil {
			return nil, fmt.Errorf("keyfile: %w: %w", sign.ErrKey, err)
		}
		return pub, nil
	case strings.Contains(line, "\n"):
		return nil, fmt.Errorf("keyfile: %w: more than one line, so it is not clear which key is meant", sign.ErrKey)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, fmt.Errorf("keyfile: %w: OpenSSH public key: %w", sign.ErrKey, err)
	}
	if _, ok := key.(*ssh.Certificate); ok {
		return nil, fmt.Errorf("keyfile: %w: a certificate of OpenSSH, which only SSH checks: give the key that it is of", sign.ErrKey)
	}
	c, ok := key.(ssh.CryptoPublicKey)
	if !ok || key.Type() == "ssh-dss" {
		return nil, fmt.Errorf("keyfile: %w: an OpenSSH key of type %s", sign.ErrKey, key.Type())
	}
	return c.CryptoPublicKey(), nil
}
