package sign

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/ladingdev/lading/internal/strictjson"
	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/scrypt"
)

// box is the content of cosign's encrypted key: a NaCl secretbox whose key is derived with scrypt.
type box struct {
	KDF struct {
		Name   string `json:"name"`
		Params struct {
			N int `json:"N"`
			R int `json:"r"`
			P int `json:"p"`
		} `json:"params"`
		Salt []byte `json:"salt"`
	} `json:"kdf"`
	Cipher struct {
		Name  string `json:"name"`
		Nonce []byte `json:"nonce"`
	} `json:"cipher"`
	Ciphertext []byte `json:"ciphertext"`
}

// What cosign writes, and the most that is read: a key file must not decide how much memory its reader spends.
// scrypt takes 128*N*r bytes.
const (
	scryptN, scryptR, scryptP = 65536, 8, 1
	maxScryptMemory           = 256 << 20
	maxScryptP                = 4
)

func encryptBox(plain, passphrase []byte) ([]byte, error) {
	var b box
	b.KDF.Name, b.Cipher.Name = "scrypt", "nacl/secretbox"
	b.KDF.Params.N, b.KDF.Params.R, b.KDF.Params.P = scryptN, scryptR, scryptP
	b.KDF.Salt, b.Cipher.Nonce = make([]byte, 32), make([]byte, 24)
	_, _ = rand.Read(b.KDF.Salt) // never fails, as crypto/rand says
	_, _ = rand.Read(b.Cipher.Nonce)
	key, err := b.key(passphrase)
	if err != nil {
		return nil, err
	}
	b.Ciphertext = secretbox.Seal(nil, plain, (*[24]byte)(b.Cipher.Nonce), key)
	return json.Marshal(b)
}

func openBox(data, passphrase []byte) ([]byte, error) {
	b, err := parseBox(data)
	if err != nil {
		return nil, fmt.Errorf("encrypted key: %w", err)
	}
	key, err := b.key(passphrase)
	if err != nil {
		return nil, fmt.Errorf("encrypted key: %w", err)
	}
	plain, ok := secretbox.Open(nil, b.Ciphertext, (*[24]byte)(b.Cipher.Nonce), key)
	if !ok {
		return nil, ErrPassphrase
	}
	return plain, nil
}

func (b *box) key(passphrase []byte) (*[32]byte, error) {
	key, err := scrypt.Key(passphrase, b.KDF.Salt, b.KDF.Params.N, b.KDF.Params.R, b.KDF.Params.P, 32)
	if err != nil {
		return nil, err
	}
	return (*[32]byte)(key), nil
}

func parseBox(data []byte) (*box, error) {
	b := new(box)
	r := strictjson.NewReader(data, strictjson.Limits{})
	for name := range r.Object("kdf", "cipher", "ciphertext") {
		switch string(name) {
		case "kdf":
			b.readKDF(r)
		case "cipher":
			for name := range r.Object("name", "nonce") {
				switch string(name) {
				case "name":
					b.Cipher.Name = r.String()
				case "nonce":
					b.Cipher.Nonce = base64Text(r)
				}
			}
		case "ciphertext":
			b.Ciphertext = base64Text(r)
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	p := b.KDF.Params
	switch {
	case b.KDF.Name != "scrypt" || b.Cipher.Name != "nacl/secretbox":
		return nil, fmt.Errorf("derived with %.20q and enciphered with %.20q; scrypt and nacl/secretbox are known", b.KDF.Name,
			b.Cipher.Name)
	case len(b.Cipher.Nonce) != 24:
		return nil, fmt.Errorf("a nonce of %d bytes, not 24", len(b.Cipher.Nonce))
	}
	return b, checkScrypt(p.N, p.R, p.P)
}

func (b *box) readKDF(r *strictjson.Reader) {
	small := func() int { return int(min(r.Int64(), 1<<30)) }
	p := &b.KDF.Params
	for name := range r.Object("name", "params", "salt") {
		switch string(name) {
		case "name":
			b.KDF.Name = r.String()
		case "salt":
			b.KDF.Salt = base64Text(r)
		case "params":
			for name := range r.Object() {
				switch string(name) {
				case "N":
					p.N = small()
				case "r":
					p.R = small()
				case "p":
					p.P = small()
				}
			}
		}
	}
}

func base64Text(r *strictjson.Reader) []byte {
	out, err := base64.StdEncoding.DecodeString(r.String())
	if err != nil {
		r.Fail(fmt.Errorf("%w: %w", strictjson.ErrSyntax, err))
	}
	return out
}

func checkScrypt(n, r, p int) error {
	if n < 2 || r < 1 || p < 1 || p > maxScryptP || n > maxScryptMemory/128/r {
		return fmt.Errorf("scrypt parameters N=%d, r=%d, p=%d are out of bounds", n, r, p)
	}
	return nil
}
