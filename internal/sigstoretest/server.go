package sigstoretest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Handler serves an instance over HTTP, as clients ask the public one: /api/v2/signingCert issues certificates, /api/v1/log/entries
// is the first log, /api/v2/log/entries the second, and /tsa the timestamp authority. Certificates are for whom [Instance.Token]
// names, and who proves to have the key. All that it does happens now.
func (s *Instance) Handler() http.Handler {
	var mu sync.Mutex
	mux := http.NewServeMux()
	post := func(path string, status int, answer func(r *http.Request, body []byte, w http.Header) (any, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
			var out any
			if err == nil {
				mu.Lock()
				out, err = answer(r, body, w.Header())
				mu.Unlock()
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			w.Write(must(json.Marshal(out)))
		})
	}
	post("/api/v2/signingCert", http.StatusOK, s.signingCert)
	post("/api/v1/log/entries", http.StatusCreated, s.addFirst)
	post("/api/v2/log/entries", http.StatusCreated, s.addTiled)
	mux.Handle("POST /tsa", s.TSA)
	return mux
}

// Token returns an OpenID Connect token (RFC 7519, ES256) of a workload or, by its e-mail address, a person at an issuer.
func (s *Instance) Token(issuer, subject string) string {
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString(must(json.Marshal(v))) }
	now := time.Now()
	claims := map[string]any{"iss": issuer, "sub": subject, "aud": "sigstore", "iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix()}
	if strings.Contains(subject, "@") && !strings.Contains(subject, "://") {
		claims["email"], claims["email_verified"] = subject, true
	}
	signed := part(map[string]any{"alg": "ES256", "typ": "JWT"}) + "." + part(claims)
	digest := sha256.Sum256([]byte(signed))
	x, y, err := ecdsa.Sign(rand.Reader, s.Provider, digest[:])
	must(0, err)
	return signed + "." + base64.RawURLEncoding.EncodeToString(append(x.FillBytes(make([]byte, 32)), y.FillBytes(make([]byte, 32))...))
}

type tokenClaims struct {
	Iss, Sub, Aud, Email string
	Exp                  int64
}

// claims verifies a token.
func (s *Instance) claims(token string) (c tokenClaims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("no token of three parts")
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || len(sig) != 64 ||
		!ecdsa.Verify(&s.Provider.PublicKey, digest[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		return c, errors.New("the token's signature is not the provider's")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err == nil && (c.Aud != "sigstore" || c.Exp < time.Now().Unix()) {
		err = errors.New("a token for somebody else, or one that has expired")
	}
	return c, err
}

func (s *Instance) signingCert(r *http.Request, body []byte, _ http.Header) (any, error) {
	claims, err := s.claims(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err != nil {
		return nil, err
	}
	var q struct {
		PublicKeyRequest struct {
			PublicKey         struct{ Content string }
			ProofOfPossession []byte
		}
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(q.PublicKeyRequest.PublicKey.Content))
	if block == nil {
		return nil, errors.New("no key in PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	challenge := claims.Sub
	if claims.Email != "" {
		challenge = claims.Email
	}
	digest := sha256.Sum256([]byte(challenge))
	if k, ok := public.(*ecdsa.PublicKey); !ok || !ecdsa.VerifyASN1(k, digest[:], q.PublicKeyRequest.ProofOfPossession) {
		return nil, errors.New("the proof of possession is not that of an ECDSA key over the challenge, with SHA-256")
	}
	g := &Signing{URI: claims.Sub, Issuer: claims.Iss, At: time.Now(), Public: public}
	if claims.Email != "" {
		g.Leaf = func(c *x509.Certificate) { c.ExtraExtensions[0] = SAN("\x01" + claims.Email) }
	}
	var chain []string
	for _, der := range append([][]byte{s.issue(g)}, raw(s.Chain)...) {
		chain = append(chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	}
	return map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": chain}}}, nil
}

func raw(chain []*x509.Certificate) (out [][]byte) {
	for _, c := range chain {
		out = append(out, c.Raw)
	}
	return out
}

// addFirst answers as Rekor v1 does.
func (s *Instance) addFirst(_ *http.Request, body []byte, header http.Header) (any, error) {
	var q struct {
		Kind, APIVersion string
		Spec             map[string]any
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	switch {
	case q.Kind == "hashedrekord" && q.APIVersion == "0.0.1":
	case q.Kind == "dsse" && q.APIVersion == "0.0.1":
		var err error
		if q.Spec, err = logged(body); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("an entry of kind %s %s", q.Kind, q.APIVersion)
	}
	text := must(json.Marshal(map[string]any{"apiVersion": q.APIVersion, "kind": q.Kind, "spec": q.Spec}))
	at := time.Now()
	entry := s.include(&Signing{At: at}, q.Kind, q.APIVersion, text)
	proof := entry["inclusionProof"].(map[string]any)
	var hashes []string
	for _, h := range proof["hashes"].([][]byte) {
		hashes = append(hashes, hex.EncodeToString(h))
	}
	uuid := hex.EncodeToString(hashLeaf(text))
	header.Set("ETag", uuid)
	header.Set("Location", "/api/v1/log/entries/"+uuid)
	return map[string]any{uuid: map[string]any{
		"body": text, "integratedTime": at.Unix(), "logID": hex.EncodeToString(keyID(s.Rekor.Public())), "logIndex": number(entry["logIndex"]),
		"verification": map[string]any{
			"signedEntryTimestamp": entry["inclusionPromise"].(map[string]any)["signedEntryTimestamp"],
			"inclusionProof": map[string]any{"checkpoint": proof["checkpoint"].(map[string]any)["envelope"], "hashes": hashes,
				"logIndex": number(proof["logIndex"]), "rootHash": hex.EncodeToString(proof["rootHash"].([]byte)),
				"treeSize": number(proof["treeSize"])},
		}}}, nil
}

func number(v any) json.Number { return json.Number(v.(string)) }

// logged is what the first log keeps of an envelope.
func logged(body []byte) (map[string]any, error) {
	var q struct {
		Spec struct {
			ProposedContent struct {
				Envelope  string
				Verifiers [][]byte
			}
		}
	}
	var envelope struct {
		Payload    []byte
		Signatures []struct{ Sig []byte }
	}
	err := json.Unmarshal(body, &q)
	if err == nil {
		err = json.Unmarshal([]byte(q.Spec.ProposedContent.Envelope), &envelope)
	}
	if err == nil && (len(envelope.Signatures) != 1 || len(q.Spec.ProposedContent.Verifiers) != 1) {
		err = errors.New("not one signature of one verifier")
	}
	if err != nil {
		return nil, err
	}
	digest := func(data []byte) map[string]any {
		sum := sha256.Sum256(data)
		return map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
	}
	return map[string]any{
		"envelopeHash": digest([]byte(q.Spec.ProposedContent.Envelope)), "payloadHash": digest(envelope.Payload),
		"signatures": []any{map[string]any{"signature": envelope.Signatures[0].Sig, "verifier": q.Spec.ProposedContent.Verifiers[0]}},
	}, nil
}

// addTiled answers as Rekor v2 does.
func (s *Instance) addTiled(_ *http.Request, body []byte, _ http.Header) (any, error) {
	var q struct {
		HashedRekordRequestV002 *struct {
			Digest    []byte
			Signature struct {
				Content  []byte
				Verifier map[string]any
			}
		}
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	r := q.HashedRekordRequestV002
	if r == nil || len(r.Digest) != crypto.SHA256.Size() {
		return nil, errors.New("no hashedrekord with a SHA-256 digest")
	}
	text := must(json.Marshal(map[string]any{"apiVersion": "0.0.2", "kind": "hashedrekord",
		"spec": map[string]any{"hashedRekordV002": map[string]any{
			"data":      map[string]any{"algorithm": "SHA2_256", "digest": r.Digest},
			"signature": map[string]any{"content": r.Signature.Content, "verifier": r.Signature.Verifier}}}}))
	return s.include(&Signing{At: time.Now(), Tiles: true}, "hashedrekord", "0.0.2", text), nil
}
