package awstest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/awswire"
)

// Platform is the signing platform of container images.
const Platform = "Notation-OCI-SHA384-ECDSA"

// PayloadFormat is the one payload format that SignPayload takes.
const PayloadFormat = "application/vnd.cncf.notary.payload.v1+json"

type signerState struct {
	profiles []*profile
	revoked  map[string]time.Time // ARN or certificate hash, and the signing time from which it counts
}

type profile struct {
	name, owner, region, version, status string
	validity                             time.Duration
}

func (p *profile) arn() string {
	return "arn:aws:signer:" + p.region + ":" + p.owner + ":/signing-profiles/" + p.name
}

// A Profile is a signing profile, as [Server.CreateProfile] makes it.
type Profile struct {
	Name     string
	Owner    string        // account; empty means the server's. Those of others have let this account sign.
	Region   string        // empty means the server's
	Validity time.Duration // of signatures; zero means 135 months, as AWS has it
}

// CreateProfile makes a signing profile for container images and returns its ARN and that of its version.
func (s *Server) CreateProfile(p Profile) (arn, versionARN string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &profile{p.Name, p.Owner, p.Region, rand.Text()[:10], "Active", p.Validity}
	if q.owner == "" {
		q.owner = s.opts.Account
	}
	if q.region == "" {
		q.region = s.opts.Region
	}
	s.signer.profiles = append(s.signer.profiles, q)
	return q.arn(), q.arn() + "/" + q.version
}

// Revoke makes GetRevocationStatus name an entity: the ARN of a job or of a profile's version, or the hash that
// [CertificateHashes] gives for a certificate. Signatures made before since stay good; a zero since means all go. A profile
// that is revoked signs no more.
func (s *Server) Revoke(entity string, since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signer.revoked == nil {
		s.signer.revoked = map[string]time.Time{}
	}
	s.signer.revoked[entity] = since
	for _, p := range s.signer.profiles {
		if p.arn()+"/"+p.version == entity {
			p.status = "Revoked"
		}
	}
}

// CertificateHashes returns what Signer calls the certificates of a chain: for each the SHA-384 of its TBS part and that of
// its issuer's, in hex, one behind the other.
func CertificateHashes(chain []*x509.Certificate) []string {
	var out []string
	for i, c := range chain {
		own, parent := sha512.Sum384(c.RawTBSCertificate), sha512.Sum384(chain[min(i+1, len(chain)-1)].RawTBSCertificate)
		out = append(out, hex.EncodeToString(own[:])+hex.EncodeToString(parent[:]))
	}
	return out
}

func (s *Server) signerOperation(r *http.Request) (string, handler) {
	switch name, ok := strings.CutPrefix(r.URL.Path, "/signing-profiles/"); {
	case r.Method == http.MethodPost && r.URL.Path == "/signing-jobs/with-payload":
		return "signer:SignPayload", s.signPayload
	case r.Method == http.MethodGet && r.URL.Path == "/revocations":
		if h := awswire.Hosts.FindStringSubmatch(r.Host); h != nil && h[1] != "data-signer" {
			return "", nil
		}
		return "signer:GetRevocationStatus", s.getRevocationStatus
	case r.Method == http.MethodGet && ok && name != "" && !strings.Contains(name, "/"):
		return "signer:GetSigningProfile", s.getSigningProfile
	}
	return "", nil
}

func (s *Server) profile(region, owner, name string) (profile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.signer.profiles {
		if p.region == region && p.owner == owner && p.name == name {
			return *p, nil
		}
	}
	return profile{}, &apiError{Status: http.StatusNotFound, Code: "ResourceNotFoundException",
		Message: "Signing profile " + name + " not found."}
}

func (s *Server) signPayload(r *request) ([]byte, error) {
	var in struct {
		Payload                                  []byte
		PayloadFormat, ProfileName, ProfileOwner string
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	if in.PayloadFormat != PayloadFormat {
		return nil, failed("ValidationException", "Payload format %q is not supported.", in.PayloadFormat)
	}
	if len(in.Payload) == 0 || len(in.Payload) > 4096 || !json.Valid(in.Payload) {
		return nil, failed("ValidationException", "Payload is not valid.")
	}
	if in.ProfileOwner == "" {
		in.ProfileOwner = s.opts.Account
	}
	p, err := s.profile(r.Region, in.ProfileOwner, in.ProfileName)
	if err != nil {
		return nil, err
	}
	if p.status != "Active" {
		return nil, failed("ValidationException", "Signing profile %s is %s.", p.name, strings.ToLower(p.status))
	}
	job := rand.Text()
	job = strings.ToLower(job[:8] + "-" + job[8:12] + "-" + job[12:16] + "-" + job[16:])
	e := s.envelope(p, job, in.Payload)
	data, err := e.Sign()
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"jobId": job, "jobOwner": s.opts.Account, "signature": data,
		"metadata": map[string]string{"signingJobArn": s.arn("signer", p.region, "/signing-jobs/"+job),
			"profileVersionArn": p.arn() + "/" + p.version}})
}

// An Envelope is a Notary Project signature in the making, for tests that want others than Signer makes.
type Envelope struct {
	Protected []Member            // the protected header, in order
	Payload   []byte              //
	Chain     []*x509.Certificate // leaf first
	Key       *ecdsa.PrivateKey   // of the leaf, P-384
	Header    []Member            // unprotected, behind x5c
}

// A Member is one of a JSON object. Value is as [json.Marshal] takes it.
type Member struct {
	Name  string
	Value any
}

// Set changes a member of the protected header or adds it; a nil value removes it. What was removed should leave crit too.
func (e *Envelope) Set(name string, value any) {
	i := slices.IndexFunc(e.Protected, func(m Member) bool { return m.Name == name })
	switch {
	case value == nil:
		e.Protected = slices.DeleteFunc(e.Protected, func(m Member) bool { return m.Name == name })
	case i < 0:
		e.Protected = append(e.Protected, Member{name, value})
	default:
		e.Protected[i].Value = value
	}
}

// The attributes that signatures of Signer have.
const (
	attributeScheme  = "io.cncf.notary.signingScheme"
	attributeTime    = "io.cncf.notary.authenticSigningTime"
	attributeExpiry  = "io.cncf.notary.expiry"
	attributePlugin  = "io.cncf.notary.verificationPlugin"
	attributeProfile = "com.amazonaws.signer.signingProfileVersion"
	attributeJob     = "com.amazonaws.signer.signingJob"
)

// Envelope returns what the profile of this ARN would sign now, not yet signed.
func (s *Server) Envelope(profileARN string, payload []byte) (*Envelope, error) {
	s.mu.Lock()
	var p *profile
	for _, q := range s.signer.profiles {
		if q.arn() == profileARN {
			p = q
		}
	}
	s.mu.Unlock()
	if p == nil {
		return nil, fmt.Errorf("awstest: no profile %s", profileARN)
	}
	return s.envelope(*p, strings.ToLower(rand.Text()), payload), nil
}

func (s *Server) envelope(p profile, job string, payload []byte) *Envelope {
	now := s.opts.Now().Truncate(time.Second)
	expiry := now.AddDate(0, 135, 0)
	if p.validity > 0 {
		expiry = now.Add(p.validity)
	}
	key, chain, err := s.pki.leaf(p.region, now)
	if err != nil {
		panic(err) // the system has no randomness, or this file is wrong
	}
	rfc3339 := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	return &Envelope{
		Protected: []Member{
			{"alg", "ES384"},
			{"crit", []string{attributeScheme, attributeTime, attributeExpiry, attributePlugin, attributeProfile, attributeJob}},
			{"cty", PayloadFormat},
			{attributeScheme, "notary.x509.signingAuthority"},
			{attributeTime, rfc3339(now)},
			{attributeExpiry, rfc3339(expiry)},
			{attributePlugin, "com.amazonaws.signer.notation.plugin"},
			{attributeProfile, p.arn() + "/" + p.version},
			{attributeJob, s.arn("signer", p.region, "/signing-jobs/"+job)},
		},
		Payload: payload,
		Chain:   chain,
		Key:     key,
	}
}

// Sign returns the envelope: flattened JWS (RFC 7515, section 7.2.2) as the signature envelope specification has it.
func (e *Envelope) Sign() ([]byte, error) {
	protected, err := object(e.Protected)
	if err != nil {
		return nil, err
	}
	b64 := base64.RawURLEncoding
	head, body := b64.EncodeToString(protected), b64.EncodeToString(e.Payload)
	sum := sha512.Sum384([]byte(head + "." + body))
	r, t, err := ecdsa.Sign(rand.Reader, e.Key, sum[:])
	if err != nil {
		return nil, err
	}
	sig := make([]byte, 96)
	r.FillBytes(sig[:48])
	t.FillBytes(sig[48:])
	var certs [][]byte
	for _, c := range e.Chain {
		certs = append(certs, c.Raw)
	}
	header, err := object(append([]Member{{"x5c", certs}}, e.Header...))
	if err != nil {
		return nil, err
	}
	return object([]Member{{"payload", body}, {"protected", head}, {"header", json.RawMessage(header)},
		{"signature", b64.EncodeToString(sig)}})
}

func object(members []Member) ([]byte, error) {
	var b strings.Builder
	for i, m := range members {
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.Value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%c%s:%s", "{,"[min(i, 1)], name, value)
	}
	if len(members) == 0 {
		b.WriteByte('{')
	}
	return []byte(b.String() + "}"), nil
}

func (s *Server) getRevocationStatus(r *request) ([]byte, error) {
	one := func(name string) string { return strings.Join(r.Query[name], "\n") }
	at, err := time.Parse(time.RFC3339, one("signatureTimestamp"))
	hashes := r.Query["certificateHashes"]
	if err != nil || one("platformId") != Platform || one("jobArn") == "" || one("profileVersionArn") == "" || len(hashes) == 0 {
		return nil, failed("ValidationException", "a parameter is missing or wrong")
	}
	for _, h := range hashes {
		if raw, err := hex.DecodeString(h); err != nil || len(raw) != 2*sha512.Size384 {
			return nil, failed("ValidationException", "certificate hash %.16q", h)
		}
	}
	for _, name := range []string{"jobArn", "profileVersionArn"} { // revocation is known within a region
		if f := strings.SplitN(one(name), ":", 6); len(f) != 6 || f[2] != "signer" || f[3] != r.Region {
			return nil, failed("ValidationException", "%s %q", name, one(name))
		}
	}
	revoked := []string{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, entity := range append([]string{one("profileVersionArn"), one("jobArn")}, hashes...) {
		if since, ok := s.signer.revoked[entity]; ok && !at.Before(since) {
			revoked = append(revoked, entity)
		}
	}
	return json.Marshal(map[string]any{"revokedEntities": revoked})
}

func (s *Server) getSigningProfile(r *request) ([]byte, error) {
	owner := s.opts.Account
	if o := r.Query["profileOwner"]; len(o) > 0 {
		owner = o[0]
	}
	p, err := s.profile(r.Region, owner, strings.TrimPrefix(r.Path, "/signing-profiles/"))
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"arn": p.arn(), "profileName": p.name, "profileVersion": p.version,
		"profileVersionArn": p.arn() + "/" + p.version, "platformId": Platform, "platformDisplayName": "Notation for Container Registries",
		"status": p.status, "signatureValidityPeriod": map[string]any{"type": "MONTHS", "value": 135}})
}
