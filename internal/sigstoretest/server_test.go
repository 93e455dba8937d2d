package sigstoretest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

func (s *Server) call(t *testing.T, method, path, token string, body any) (*http.Response, []byte) {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(must(json.Marshal(body)))))
	req.Header.Set("Authorization", "Bearer "+token)
	resp := must(http.DefaultClient.Do(req))
	defer resp.Body.Close()
	return resp, must(io.ReadAll(resp.Body))
}

// request asks for a certificate for a key, with a signature of challenge.
func request(k *ecdsa.PrivateKey, challenge string) any {
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki(k.Public())})
	return map[string]any{"publicKeyRequest": map[string]any{"publicKey": map[string]any{"algorithm": "ECDSA", "content": string(public)},
		"proofOfPossession": sign(k, []byte(challenge))}}
}

// The provider's tokens verify by what it publishes, as clients find it.
func TestIssuer(t *testing.T) {
	s := Serve(New(time.Now()))
	defer s.Close()
	_, data := s.call(t, "GET", "/issuer/.well-known/openid-configuration", "", nil)
	var found struct {
		Issuer string
		JWKS   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(data, &found); err != nil || found.Issuer != s.Issuer() {
		t.Fatalf("%s, %v", data, err)
	}
	_, data = s.call(t, "GET", strings.TrimPrefix(found.JWKS, s.URL), "", nil)
	var set struct{ Keys []struct{ N, E string } }
	if err := json.Unmarshal(data, &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%s, %v", data, err)
	}
	number := func(text string) *big.Int {
		return new(big.Int).SetBytes(must(base64.RawURLEncoding.DecodeString(text)))
	}
	public := &rsa.PublicKey{N: number(set.Keys[0].N), E: int(number(set.Keys[0].E).Int64())}
	token := s.Token(map[string]any{"email": "a@example.com"})
	at := strings.LastIndexByte(token, '.')
	digest := sha256.Sum256([]byte(token[:at]))
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], must(base64.RawURLEncoding.DecodeString(token[at+1:]))); err != nil {
		t.Error(err)
	}
}

// Certificates are issued to who shows a token that holds now, and that they have the key.
func TestSigningCert(t *testing.T) {
	s := Serve(New(time.Now()))
	defer s.Close()
	k := key()
	mail := func(name string, value any) string {
		c := map[string]any{"email": "a@example.com", "email_verified": true, "sub": "7"}
		c[name] = value
		return s.Token(c)
	}
	good := mail("sub", "7")
	for name, test := range map[string]struct {
		token string
		body  any
		want  int
	}{
		"mail":             {good, request(k, "a@example.com"), 200},
		"workflow":         {s.Token(Run("acme/app", "release.yml", "refs/tags/v1")), request(k, "repo:acme/app:ref:refs/tags/v1"), 200},
		"another subject":  {good, request(k, "b@example.com"), 400},
		"another audience": {mail("aud", "other"), request(k, "a@example.com"), 401},
		"expired":          {mail("exp", s.Now().Unix()-1), request(k, "a@example.com"), 401},
		"not yet":          {mail("nbf", s.Now().Unix()+60), request(k, "a@example.com"), 401},
		"unverified":       {mail("email_verified", false), request(k, "a@example.com"), 401},
		"two parts":        {"a.b", request(k, "a@example.com"), 401},
		"another's":        {good[:len(good)-4] + "AAAA", request(k, "a@example.com"), 401},
		"no key":           {good, map[string]any{}, 400},
	} {
		if resp, data := s.call(t, "POST", "/fulcio/api/v2/signingCert", test.token, test.body); resp.StatusCode != test.want {
			t.Errorf("%s: %d, not %d: %s", name, resp.StatusCode, test.want, data)
		}
	}
	s.Move(time.Hour)
	if resp, data := s.call(t, "POST", "/fulcio/api/v2/signingCert", good, request(k, "a@example.com")); resp.StatusCode != 401 {
		t.Errorf("an hour later: %d: %s", resp.StatusCode, data)
	}
}

// Each log takes a signature that holds, once.
func TestLogs(t *testing.T) {
	s := Serve(New(time.Now()))
	defer s.Close()
	k := key()
	digest := sha256.Sum256([]byte("a file"))
	first := func(sig []byte) any {
		return map[string]any{"kind": "hashedrekord", "apiVersion": "0.0.1", "spec": map[string]any{
			"data": map[string]any{"hash": map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(digest[:])}},
			"signature": map[string]any{"content": sig,
				"publicKey": map[string]any{"content": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki(k.Public())})}}}}
	}
	tiled := func(sig []byte) any {
		return map[string]any{"hashedRekordRequestV002": map[string]any{"digest": digest[:], "signature": map[string]any{"content": sig,
			"verifier": map[string]any{"keyDetails": "PKIX_ECDSA_P256_SHA_256",
				"publicKey": map[string]any{"rawBytes": spki(k.Public())}}}}}
	}
	sig := sign(k, []byte("a file"))
	for path, body := range map[string]func([]byte) any{"/rekor/api/v1/log/entries": first, "/tiles/api/v2/log/entries": tiled} {
		if resp, data := s.call(t, "POST", path, "", body(sign(k, []byte("another")))); resp.StatusCode != 400 {
			t.Errorf("%s, another signature: %d: %s", path, resp.StatusCode, data)
		}
		if resp, data := s.call(t, "POST", path, "", body(sig)); resp.StatusCode != 201 {
			t.Errorf("%s: %d: %s", path, resp.StatusCode, data)
		}
		resp, data := s.call(t, "POST", path, "", body(sig))
		if resp.StatusCode != 409 {
			t.Errorf("%s, again: %d: %s", path, resp.StatusCode, data)
		}
		if path == "/rekor/api/v1/log/entries" {
			known, data := s.call(t, "GET", "/rekor"+resp.Header.Get("Location"), "", nil)
			if known.StatusCode != 200 || !bytes.Contains(data, []byte("signedEntryTimestamp")) {
				t.Errorf("the entry that is known: %d: %s", known.StatusCode, data)
			}
		}
	}
}
