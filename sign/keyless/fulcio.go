package keyless

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"

	"github.com/ladingdev/lading/internal/sigstore"
)

// certify asks the authority for a certificate of key (sigstore/fulcio, fulcio.proto, CreateSigningCertificate) and returns it in DER.
// The certificate is verified with the signature.
func (c caller) certify(ctx context.Context, ca service, token string, who *claims, key *ecdsa.PrivateKey) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(who.challenge()))
	proof, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	type publicKey struct {
		Algorithm string `json:"algorithm"`
		Content   string `json:"content"`
	}
	type keyRequest struct {
		PublicKey publicKey `json:"publicKey"`
		Proof     []byte    `json:"proofOfPossession"`
	}
	body, err := json.Marshal(map[string]keyRequest{"publicKeyRequest": {publicKey{"ECDSA",
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))}, proof}})
	if err != nil {
		return nil, err
	}
	a, err := c.ask(ctx, "fulcio", http.MethodPost, ca.at("/api/v2/signingCert"), "application/json", "Bearer "+token, body)
	if err != nil {
		return nil, fmt.Errorf("keyless: %w: %w", ErrCertificate, err)
	}
	var out struct {
		Embedded *struct {
			Chain struct {
				Certificates []string `json:"certificates"`
			} `json:"chain"`
		} `json:"signedCertificateEmbeddedSct"`
	}
	if err := json.Unmarshal(a.body, &out); err != nil {
		return nil, fmt.Errorf("keyless: %w: the answer of %s: %w", ErrCertificate, ca.URL, err)
	}
	if out.Embedded == nil || len(out.Embedded.Chain.Certificates) == 0 {
		return nil, fmt.Errorf(
			"keyless: %w: the answer of %s has no certificate with an embedded certificate timestamp, and no bundle can carry another",
			ErrCertificate,
			ca.URL,
		)
	}
	der, err := sigstore.ParsePEM([]byte(out.Embedded.Chain.Certificates[0]), "CERTIFICATE")
	if err != nil {
		return nil, fmt.Errorf("keyless: %w: the answer of %s: %w", ErrCertificate, ca.URL, err)
	}
	leaf, err := x509.ParseCertificate(der)
	switch {
	case err != nil:
		return nil, fmt.Errorf("keyless: %w: the answer of %s: %w", ErrCertificate, ca.URL, err)
	case !bytes.Equal(leaf.RawSubjectPublicKeyInfo, spki):
		return nil, fmt.Errorf("keyless: %w: %s answered with a certificate of another key", ErrCertificate, ca.URL)
	}
	return der, nil
}
