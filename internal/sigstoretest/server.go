package sigstoretest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/notaryproject/tspclient-go"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/sigstore"
)

// A Server is an Instance over HTTP, on loopback: an identity provider, Fulcio's API of version 2, both of Rekor's, and a timestamp
// authority, each below a path of its own. What it is asked to issue and to log it proves first, as the real ones do.
type Server struct {
	*Instance
	URL string
	// Edit changes what a service, fulcio or rekor, is about to sign, and Stamp what the timestamp authority is. Of a certificate, the
	// Key of a Signing takes the place of the requester's. Both are set before the first request, or by Set.
	Edit  func(service string, g *Signing)
	Stamp func(*tspclient.TSTInfo)
	// Interpose stands between clients and a service: issuer, fulcio, rekor, tiles or tsa.
	Interpose func(service string, next http.Handler) http.Handler

	http  *httptest.Server
	mu    sync.Mutex // of what follows, and of the Instance
	moved time.Duration
	id    *rsa.PrivateKey // of the identity provider
	logs  map[bool]*tree  // by whether it is of tiles
}

// A tree is the entries of a log.
type tree struct {
	leaves  [][]byte
	entries []map[string]any // TransparencyLogEntry
}

// providerKey is one key for all providers: it takes a while to make, and a token names the address of its own.
var providerKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

// Serve starts a Server. Close ends it.
func Serve(s *Instance) *Server {
	out := &Server{Instance: s, id: providerKey(), logs: map[bool]*tree{false: {}, true: {}}}
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(*http.Request) (int, any, error){
		"GET /issuer/.well-known/openid-configuration": out.discovery,
		"GET /issuer/keys":                     out.keySet,
		"POST /fulcio/api/v2/signingCert":      out.signingCert,
		"GET /fulcio/api/v2/trustBundle":       out.trustBundle,
		"GET /fulcio/api/v2/configuration":     out.configuration,
		"POST /rekor/api/v1/log/entries":       out.addFirst,
		"GET /rekor/api/v1/log/entries/{uuid}": out.getFirst,
		"POST /tiles/api/v2/log/entries":       out.addTiled,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { answer(w, r, h) })
	}
	mux.HandleFunc("POST /tsa/api/v1/timestamp", func(w http.ResponseWriter, r *http.Request) {
		const reply = "application/timestamp-reply"
		if accept := r.Header.Get("Accept"); accept != "" && !strings.Contains(accept, reply) && !strings.Contains(accept, "*/*") {
			http.Error(w, "the authority answers with "+reply, http.StatusInternalServerError) // as sigstore/timestamp-authority does
			return
		}
		tsa := *out.TSA
		tsa.Now = out.Now
		out.mu.Lock()
		tsa.Edit = out.Stamp
		out.mu.Unlock()
		tsa.ServeHTTP(w, r)
	})
	out.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out.mu.Lock()
		interpose := out.Interpose
		out.mu.Unlock()
		service, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		var h http.Handler = mux
		if interpose != nil {
			h = interpose(service, mux)
		}
		h.ServeHTTP(w, r)
	}))
	out.URL = out.http.URL
	return out
}

// Close ends the server.
func (s *Server) Close() { s.http.Close() }

// Set changes the server's hooks while it serves.
func (s *Server) Set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Now is the time by the server's clock, which all of its services have.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

func (s *Server) now() time.Time { return time.Now().Add(s.moved) }

// Move sets the server's clock forward, or back.
func (s *Server) Move(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved += d
}

// A refusal is an answer of a service that refuses something.
type refusal struct {
	status int
	why    string
	header http.Header
}

func (r *refusal) Error() string { return r.why }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, why: fmt.Sprintf(format, args...)}
}

func answer(w http.ResponseWriter, r *http.Request, h func(*http.Request) (int, any, error)) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<20)
	status, body, err := h(r)
	if err != nil {
		status = http.StatusBadRequest
		var no *refusal
		if errors.As(err, &no) {
			status = no.status
			maps.Copy(w.Header(), no.header)
		}
		body = map[string]any{"code": status, "message": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	if all, ok := body.(map[string]any); ok && len(all) == 1 && status == http.StatusCreated { // an entry by its identifier
		for uuid := range all {
			w.Header().Set("ETag", uuid)
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(must(json.Marshal(body)))
}

// SigningConfig is where clients find the services (signingconfig.v0.2+json): with a log of the second generation, or of the first.
func (s *Server) SigningConfig(tiles bool) []byte {
	service := func(path string, version int) []any {
		return []any{map[string]any{"url": s.URL + path, "majorApiVersion": version, "operator": "example",
			"validFor": map[string]any{"start": s.From.Format(time.RFC3339), "end": s.To.Format(time.RFC3339)}}}
	}
	log := service("/rekor", 1)
	if tiles {
		log = service("/tiles", 2)
	}
	one := map[string]any{"selector": "ANY"}
	return must(json.Marshal(map[string]any{
		"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
		"caUrls":    service("/fulcio", 1), "oidcUrls": service("/issuer", 1), "rekorTlogUrls": log, "rekorTlogConfig": one,
		"tsaUrls": service("/tsa/api/v1/timestamp", 1), "tsaConfig": one,
	}))
}

// Issuer is the identity provider's URL.
func (s *Server) Issuer() string { return s.URL + "/issuer" }

func (s *Server) discovery(*http.Request) (int, any, error) {
	return http.StatusOK, map[string]any{"issuer": s.Issuer(), "jwks_uri": s.Issuer() + "/keys",
		"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"}}, nil
}

func (s *Server) keySet(*http.Request) (int, any, error) {
	word := base64.RawURLEncoding.EncodeToString
	return http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
		"n": word(s.id.N.Bytes()), "e": word(big.NewInt(int64(s.id.E)).Bytes())}}}, nil
}

// Token returns an identity token (RFC 7519) with claims, and those that every token has: of this provider and for Sigstore, for ten
// minutes, if claims do not say otherwise. Fulcio here believes the provider under any issuer, so that tokens can be as GitHub's are. It is
// signed with RS256, which every provider has and cosign's command alone takes.
func (s *Server) Token(claims map[string]any) string {
	now := s.Now()
	all := map[string]any{"iss": s.Issuer(), "aud": "sigstore", "iat": now.Unix(), "nbf": now.Unix(),
		"exp": now.Add(10 * time.Minute).Unix()}
	maps.Copy(all, claims)
	word := base64.RawURLEncoding.EncodeToString
	signed := word([]byte(`{"alg":"RS256","kid":"1","typ":"JWT"}`)) + "." + word(must(json.Marshal(all)))
	digest := sha256.Sum256([]byte(signed))
	return signed + "." + word(must(rsa.SignPKCS1v15(nil, s.id, crypto.SHA256, digest[:])))
}

// Run returns the claims of a token for a workflow run of GitHub's, at a ref of a repository.
func Run(repository, workflow, ref string) map[string]any {
	owner, _, _ := strings.Cut(repository, "/")
	file := repository + "/.github/workflows/" + workflow + "@" + ref
	return map[string]any{"iss": Actions, "sub": "repo:" + repository + ":ref:" + ref, "repository": repository,
		"repository_id":    "1234",
		"repository_owner": owner, "repository_owner_id": "56", "repository_visibility": "public", "ref": ref,
		"sha":      strings.Repeat("a", 40),
		"workflow": workflow, "workflow_ref": file, "workflow_sha": strings.Repeat("a", 40), "job_workflow_ref": file,
		"job_workflow_sha": strings.Repeat("a", 40), "event_name": "push", "runner_environment": "github-hosted",
		"run_id": "7", "run_attempt": "1"}
}

// token proves a token and returns its claims.
func (s *Server) token(r *http.Request) (map[string]any, error) {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(text, ".")
	if !ok || len(parts) != 3 {
		return nil, refuse(http.StatusUnauthorized, "no token of three parts")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	sig, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	var claims map[string]any
	if err != nil || err2 != nil || json.Unmarshal(payload, &claims) != nil {
		return nil, refuse(http.StatusUnauthorized, "a token that cannot be read")
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&s.id.PublicKey, crypto.SHA256, digest[:], sig) != nil {
		return nil, refuse(http.StatusUnauthorized, "the token is not the provider's")
	}
	number := func(name string) int64 { n, _ := claims[name].(float64); return int64(n) }
	switch now := s.Now().Unix(); {
	case claims["aud"] != "sigstore":
		return nil, refuse(http.StatusUnauthorized, "the token's audience is %v, not sigstore", claims["aud"])
	case now >= number("exp") || now < number("nbf"):
		return nil, refuse(http.StatusUnauthorized, "the token is not valid now")
	case claims["email"] != nil && claims["email_verified"] != true:
		return nil, refuse(http.StatusUnauthorized, "the provider has not verified the address")
	}
	return claims, nil
}

// identity makes of a token what a certificate says (sigstore/fulcio, docs/oidc.md and docs/oid-info.md), and what the requester signs
// to show that it has the key.
func identity(claims map[string]any) (g Signing, challenge string) {
	text := func(name string) string { t, _ := claims[name].(string); return t }
	g = Signing{Issuer: text("iss"), URI: text("sub"), Claims: map[int]string{24: text("sub")}}
	if mail := text("email"); mail != "" {
		g.Leaf = SetSAN("\x01" + mail)
		return g, mail
	}
	if file := text("job_workflow_ref"); file != "" {
		const server = "https://github.com/"
		g.URI = server + file
		maps.Copy(g.Claims, map[int]string{2: text("event_name"), 3: text("sha"), 4: text("workflow"), 5: text("repository"),
			6: text("ref"),
			9: g.URI, 10: text("job_workflow_sha"), 11: text("runner_environment"), 12: server + text("repository"), 13: text("sha"),
			14: text("ref"), 15: text("repository_id"), 16: server + text("repository_owner"), 17: text("repository_owner_id"),
			18: server + text("workflow_ref"), 19: text("workflow_sha"), 20: text("event_name"),
			21: server + text("repository") + "/actions/runs/" + text("run_id") + "/attempts/" + text("run_attempt"),
			22: text("repository_visibility")})
	}
	return g, text("sub")
}

func (s *Server) signingCert(r *http.Request) (int, any, error) {
	claims, err := s.token(r)
	if err != nil {
		return 0, nil, err
	}
	var req struct {
		PublicKeyRequest struct {
			PublicKey         struct{ Content string }
			ProofOfPossession []byte
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		return 0, nil, err
	}
	block, _ := pem.Decode([]byte(req.PublicKeyRequest.PublicKey.Content))
	if block == nil {
		return 0, nil, errors.New("no public key in PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return 0, nil, err
	}
	g, challenge := identity(claims)
	if !signed([]byte(challenge), req.PublicKeyRequest.ProofOfPossession).By(public) {
		return 0, nil, errors.New("the signature of the challenge is not by the key")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.At = s.now()
	if s.Edit != nil {
		s.Edit("fulcio", &g)
	}
	if g.Key != nil {
		public = g.Key.Public()
	}
	chain := []string{pemOf(s.issue(&g, public))}
	for _, c := range s.Chain {
		chain = append(chain, pemOf(c.Raw))
	}
	return http.StatusOK, map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": chain}}},
		nil
}

func (s *Server) trustBundle(*http.Request) (int, any, error) {
	var chain []string
	for _, c := range s.Chain {
		chain = append(chain, pemOf(c.Raw))
	}
	return http.StatusOK, map[string]any{"chains": []any{map[string]any{"certificates": chain}}}, nil
}

func (s *Server) configuration(*http.Request) (int, any, error) {
	issuer := func(url, claim string) map[string]any {
		return map[string]any{"issuerUrl": url, "audience": "sigstore", "challengeClaim": claim}
	}
	return http.StatusOK, map[string]any{"issuers": []any{issuer(s.Issuer(), "email"), issuer(Actions, "sub")}}, nil
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// signed is a signature of a text.
func signed(text, sig []byte) *sigstore.Signed {
	return &sigstore.Signed{Signature: sig, Message: text, Digest: func(h crypto.Hash) []byte {
		w := h.New()
		w.Write(text)
		return w.Sum(nil)
	}}
}

// add logs a text, unless the log has it.
func (s *Server) add(tiles bool, kind, version string, text []byte) (map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &Signing{At: s.now(), Tiles: tiles}
	if s.Edit != nil {
		s.Edit("rekor", g)
	}
	if g.Body != nil {
		text = g.Body(text)
	}
	log, leaf := s.logs[tiles], hashLeaf(text)
	for i, known := range log.leaves {
		if bytes.Equal(known, leaf) {
			no := &refusal{status: http.StatusConflict, why: "an equivalent entry already exists in the transparency log",
				header: http.Header{}}
			no.header.Set("Location", "/api/v1/log/entries/"+uuid(leaf))
			no.header.Set("X-Log-Index", fmt.Sprint(i))
			return nil, no
		}
	}
	log.leaves = append(log.leaves, leaf)
	entry := s.include(g, kind, version, text, log.leaves, int64(len(log.leaves)-1))
	log.entries = append(log.entries, entry)
	return entry, nil
}

// uuid is the name of an entry: of its tree and of its leaf.
func uuid(leaf []byte) string { return fmt.Sprintf("%016x%x", 4711, leaf) }

// first returns an entry as the API of version 1 has it.
func first(entry map[string]any) map[string]any {
	body := entry["canonicalizedBody"].([]byte)
	proof := Node(entry, "inclusionProof")
	hashes := []string{}
	for _, h := range proof["hashes"].([][]byte) {
		hashes = append(hashes, hex.EncodeToString(h))
	}
	number := func(v any) json.Number { return json.Number(v.(string)) }
	return map[string]any{uuid(hashLeaf(body)): map[string]any{
		"body": body, "integratedTime": number(entry["integratedTime"]), "logIndex": number(entry["logIndex"]),
		"logID": hex.EncodeToString(Node(entry, "logId")["keyId"].([]byte)),
		"verification": map[string]any{"signedEntryTimestamp": Node(entry, "inclusionPromise")["signedEntryTimestamp"],
			"inclusionProof": map[string]any{"checkpoint": Node(proof, "checkpoint")["envelope"], "hashes": hashes,
				"logIndex": number(proof["logIndex"]), "treeSize": number(proof["treeSize"]),
				"rootHash": hex.EncodeToString(proof["rootHash"].([]byte))}},
	}}
}

func (s *Server) getFirst(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, leaf := range s.logs[false].leaves {
		if strings.HasSuffix(uuid(leaf), path.Base(r.URL.Path)) {
			return http.StatusOK, first(s.logs[false].entries[i]), nil
		}
	}
	return 0, nil, refuse(http.StatusNotFound, "no such entry")
}

// A proposal is what the API of version 1 is asked to log.
type proposal struct {
	Kind, APIVersion string
	Spec             struct {
		Data struct {
			Hash struct{ Algorithm, Value string }
		}
		Signature struct {
			Content   []byte
			PublicKey struct{ Content []byte }
		}
		ProposedContent struct {
			Envelope  string
			Verifiers [][]byte
		}
	}
}

// addFirst logs entries of kind hashedrekord and dsse, both of version 0.0.1.
func (s *Server) addFirst(r *http.Request) (int, any, error) {
	var p proposal
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		return 0, nil, err
	}
	spec, err := map[string]any(nil), fmt.Errorf("entries of kind %q, version %q, are not logged here", p.Kind, p.APIVersion)
	switch p.Kind + " " + p.APIVersion {
	case "hashedrekord 0.0.1":
		spec, err = p.hashedRekord()
	case "dsse 0.0.1":
		spec, err = p.envelope()
	}
	if err != nil {
		return 0, nil, err
	}
	text := must(json.Marshal(map[string]any{"apiVersion": p.APIVersion, "kind": p.Kind, "spec": spec})) // RFC 8785: members are sorted
	entry, err := s.add(false, p.Kind, p.APIVersion, text)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, first(entry), nil
}

func (p *proposal) hashedRekord() (map[string]any, error) {
	hash, sig, verifier := p.Spec.Data.Hash, p.Spec.Signature.Content, p.Spec.Signature.PublicKey.Content
	digest, err := hex.DecodeString(hash.Value)
	if err != nil {
		return nil, err
	}
	if err := prove(verifier, &sigstore.Signed{Signature: sig, Digest: one(digest)}); err != nil {
		return nil, err
	}
	return map[string]any{"data": map[string]any{"hash": map[string]any{"algorithm": hash.Algorithm, "value": hash.Value}},
		"signature": map[string]any{"content": sig, "publicKey": map[string]any{"content": verifier}}}, nil
}

func (p *proposal) envelope() (map[string]any, error) {
	text := []byte(p.Spec.ProposedContent.Envelope)
	env, err := dsse.Parse(text, 1)
	if err != nil {
		return nil, err
	}
	if len(p.Spec.ProposedContent.Verifiers) != 1 {
		return nil, errors.New("not one verifier")
	}
	sig, verifier := env.Signatures[0].Sig, p.Spec.ProposedContent.Verifiers[0]
	if err := prove(verifier, signed(env.Signed, sig)); err != nil {
		return nil, err
	}
	hash := func(data []byte) map[string]any {
		sum := sha256.Sum256(data)
		return map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
	}
	return map[string]any{"envelopeHash": hash(text), "payloadHash": hash(env.Payload),
		"signatures": []any{map[string]any{"signature": b64(sig), "verifier": verifier}}}, nil
}

// one returns a digest, whatever the hash is.
func one(digest []byte) func(crypto.Hash) []byte {
	return func(h crypto.Hash) []byte {
		if h.Size() != len(digest) {
			return nil
		}
		return digest
	}
}

// prove proves a signature by a certificate or key in PEM.
func prove(verifier []byte, s *sigstore.Signed) error {
	block, _ := pem.Decode(verifier)
	if block == nil {
		return errors.New("neither certificate nor key in PEM")
	}
	return proveDER(block.Type == "CERTIFICATE", block.Bytes, s)
}

func proveDER(certificate bool, der []byte, s *sigstore.Signed) error {
	var public crypto.PublicKey
	if certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		public = c.PublicKey
	} else {
		var err error
		if public, err = x509.ParsePKIXPublicKey(der); err != nil {
			return err
		}
	}
	if !s.By(public) {
		return errors.New("the signature is not by this certificate or key")
	}
	return nil
}

// addTiled logs entries of kind hashedrekord, version 0.0.2.
func (s *Server) addTiled(r *http.Request) (int, any, error) {
	type raw struct{ RawBytes []byte }
	var req struct {
		HashedRekordRequestV002 struct {
			Digest    []byte
			Signature struct {
				Content  []byte
				Verifier struct {
					KeyDetails      string
					X509Certificate *raw
					PublicKey       *raw
				}
			}
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		return 0, nil, err
	}
	e := &req.HashedRekordRequestV002
	verifier, member := e.Signature.Verifier.X509Certificate, "x509Certificate"
	if verifier == nil {
		verifier, member = e.Signature.Verifier.PublicKey, "publicKey"
	}
	algorithm := map[int]string{32: "SHA2_256", 48: "SHA2_384", 64: "SHA2_512"}[len(e.Digest)]
	if verifier == nil || algorithm == "" {
		return 0, nil, errors.New("no verifier, or no digest")
	}
	err := proveDER(member == "x509Certificate", verifier.RawBytes, &sigstore.Signed{Signature: e.Signature.Content, Digest: one(e.Digest)})
	if err != nil {
		return 0, nil, err
	}
	text := fmt.Appendf(nil, `{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":%q,"digest":%q},`+
		`"signature":{"content":%q,"verifier":{"keyDetails":%q,%q:{"rawBytes":%q}}}}}}`,
		algorithm, b64(e.Digest), b64(e.Signature.Content), e.Signature.Verifier.KeyDetails, member, b64(verifier.RawBytes))
	entry, err := s.add(true, "hashedrekord", "0.0.2", text)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, entry, nil
}
