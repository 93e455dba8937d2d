// Package keylesstest is a Sigstore instance of your own, for tests: an identity provider, a certificate authority with certificate
// transparency (Fulcio's API of version 2), a transparency log of each generation (Rekor's APIs of versions 1 and 2) and a timestamp
// authority (RFC 3161), in one server on loopback.
//
//	s := keylesstest.Start()
//	defer s.Close()
//	instance, err := keyless.ParseInstance(s.TrustedRoot(), s.SigningConfig(keylesstest.Tiles))
//	token := s.Token(keylesstest.Run("acme/app", "release.yml", "refs/tags/v1.0"))
//
// Everything is really signed, with keys made at the start, and the services prove what they are asked before they do it, as the
// real ones do. cosign v3 signs and verifies with the same trusted root and signing config. A clock that can be moved and faults by
// name are for what seldom happens.
package keylesstest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/notaryproject/tspclient-go"

	"github.com/ladingdev/lading/internal/sigstoretest"
)

// A Log is a generation of transparency logs.
type Log bool

const (
	First Log = false // Rekor's API of version 1: promises, and inclusion proofs
	Tiles Log = true  // Rekor's API of version 2: inclusion proofs, no time
)

// A Server is an instance. Its methods may be called while it serves.
type Server struct {
	server *sigstoretest.Server

	mu       sync.Mutex
	faults   []Fault
	requests map[string]int
	once     map[Fault]bool
}

// Start starts a server whose authorities are valid for ten years around now. Close ends it.
func Start() *Server {
	s := &Server{server: sigstoretest.Serve(sigstoretest.New(time.Now())), requests: make(map[string]int), once: make(map[Fault]bool)}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	s.server.Set(func() {
		s.server.Interpose = s.interpose
		s.server.Edit = func(service string, g *sigstoretest.Signing) { s.edit(service, g, other) }
		s.server.Stamp = s.stamp
	})
	return s
}

// Close ends the server.
func (s *Server) Close() { s.server.Close() }

// URL is where the services are, each below a path of its own: issuer, fulcio, rekor, tiles and tsa.
func (s *Server) URL() string { return s.server.URL }

// Issuer is the URL of the identity provider.
func (s *Server) Issuer() string { return s.server.Issuer() }

// TrustedRoot returns trusted_root.json.
func (s *Server) TrustedRoot() []byte { return s.server.TrustedRoot(nil) }

// SigningConfig returns signing_config.json, with one log.
func (s *Server) SigningConfig(log Log) []byte { return s.server.SigningConfig(bool(log)) }

// Token returns an identity token with claims, and those that every token has: of this provider and for Sigstore, for ten minutes from
// now, if claims do not say otherwise. The authority believes the provider under any issuer.
func (s *Server) Token(claims map[string]any) string { return s.server.Token(claims) }

// Run returns the claims of a token for a workflow run of GitHub Actions, at a ref of a repository.
func Run(repository, workflow, ref string) map[string]any {
	return sigstoretest.Run(repository, workflow, ref)
}

// Now is the time by the clock of all services.
func (s *Server) Now() time.Time { return s.server.Now() }

// Move sets the clock of all services forward, or back.
func (s *Server) Move(d time.Duration) { s.server.Move(d) }

// Requests returns how often a service was asked: issuer, fulcio, rekor, tiles or tsa.
func (s *Server) Requests(service string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[service]
}

// A Fault is something that a service does wrong.
type Fault string

const (
	FulcioDown        Fault = "fulcio is down"                            // status 503
	FulcioSlow        Fault = "fulcio never answers"                      // until the client goes
	FulcioOtherKey    Fault = "fulcio certifies another key"              // than the requester's
	FulcioOtherName   Fault = "fulcio certifies somebody else"            // than the token is of
	FulcioOtherIssuer Fault = "fulcio certifies another provider's word"  // than the one that the token is of
	FulcioOtherSCT    Fault = "fulcio has a timestamp of another log key" // certificate transparency that does not verify
	RekorDown         Fault = "rekor is down"                             // status 503
	RekorSlow         Fault = "rekor never answers"                       // until the client goes
	// after it has logged: the next is told that the entry exists
	RekorLost           Fault = "rekor's first answer is lost"
	RekorLate           Fault = "rekor answers after a second"                     // it answers all the same
	CertificateEnds     Fault = "the certificate ends while signing"               // 15 minutes go by before the timestamp
	RekorOtherEntry     Fault = "rekor logs another entry"                         // than the one that was sent
	RekorOtherRoot      Fault = "rekor's checkpoint is of another tree"            // the proof does not lead to it
	RekorForged         Fault = "rekor's checkpoint is not signed by the log"      // but by another key
	TSADown             Fault = "the timestamp authority is down"                  // status 503
	TSASlow             Fault = "the timestamp authority never answers"            // until the client goes
	TSAOtherSignature   Fault = "the timestamp is of another signature"            // its imprint is of other bytes
	TSAForged           Fault = "the timestamp is not signed by the authority"     // but by another key
	TSAOff              Fault = "the timestamp authority's clock is an hour ahead" // after the certificate has ended
	EverythingThrottled Fault = "every first request is answered with status 429"  // the second is answered
)

// Faults are all of them.
func Faults() []Fault {
	return []Fault{
		FulcioDown,
		FulcioSlow,
		FulcioOtherKey,
		FulcioOtherName,
		FulcioOtherIssuer,
		FulcioOtherSCT,
		RekorDown,
		RekorSlow,
		RekorLost,
		RekorLate,
		CertificateEnds,
		RekorOtherEntry,
		RekorOtherRoot,
		RekorForged,
		TSADown,
		TSASlow,
		TSAOtherSignature,
		TSAForged,
		TSAOff,
		EverythingThrottled,
	}
}

// Break makes services do wrong until the next call; without faults, nothing is wrong any more.
func (s *Server) Break(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.once = slices.Clone(faults), make(map[Fault]bool)
}

func (s *Server) has(f Fault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.faults, f)
}

// first reports whether a fault is there and has not happened yet under a name.
func (s *Server) first(f Fault, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := f + Fault(name)
	if !slices.Contains(s.faults, f) || s.once[key] {
		return false
	}
	s.once[key] = true
	return true
}

var (
	down = map[string]Fault{"fulcio": FulcioDown, "rekor": RekorDown, "tiles": RekorDown, "tsa": TSADown}
	slow = map[string]Fault{"fulcio": FulcioSlow, "rekor": RekorSlow, "tiles": RekorSlow, "tsa": TSASlow}
)

func (s *Server) interpose(service string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests[service]++
		s.mu.Unlock()
		if service == "tsa" && s.first(CertificateEnds, "") {
			s.Move(15 * time.Minute)
		}
		if down[service] == RekorDown && s.has(RekorLate) {
			time.Sleep(time.Second)
		}
		switch {
		case s.has(down[service]):
			w.WriteHeader(http.StatusServiceUnavailable)
		case s.has(slow[service]):
			_, _ = io.Copy(io.Discard, r.Body) // or nobody sees that the client has gone
			<-r.Context().Done()
		case s.first(EverythingThrottled, service):
			w.WriteHeader(http.StatusTooManyRequests)
		case (service == "rekor" || service == "tiles") && s.first(RekorLost, service):
			next.ServeHTTP(&lost{header: make(http.Header)}, r)
			w.WriteHeader(http.StatusBadGateway)
		case service == "tsa" && s.has(TSAForged):
			l := &lost{header: make(http.Header)}
			next.ServeHTTP(l, r)
			if len(l.body) > 0 {
				l.body[len(l.body)-1] ^= 1 // of the signature
			}
			_, _ = w.Write(l.body)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// lost is an answer that nobody gets, or another one.
type lost struct {
	header http.Header
	body   []byte
}

func (l *lost) Header() http.Header { return l.header }
func (l *lost) WriteHeader(int)     {}
func (l *lost) Write(b []byte) (int, error) {
	l.body = append(l.body, b...)
	return len(b), nil
}

func (s *Server) edit(service string, g *sigstoretest.Signing, other *ecdsa.PrivateKey) {
	switch service {
	case "fulcio":
		if s.has(FulcioOtherKey) {
			g.Key = other
		}
		if s.has(FulcioOtherName) {
			g.URI += "1"
		}
		if s.has(FulcioOtherIssuer) {
			g.Issuer += "1"
		}
		if s.has(FulcioOtherSCT) {
			g.SCT = func(t *sigstoretest.SCT) { t.Key = other }
		}
	case "rekor":
		if s.has(RekorOtherEntry) {
			g.Body = otherDigest
		}
		if s.has(RekorOtherRoot) {
			g.Checkpoint = func(text string) string {
				lines := []byte(text)
				i := len(lines) - 4
				lines[i] ^= 1
				return string(lines)
			}
		}
		if s.has(RekorForged) {
			g.Signed = func(note string) string {
				b := []byte(note)
				i := len(b) - 20
				b[i] = map[bool]byte{true: 'B', false: 'A'}[b[i] == 'A']
				return string(b)
			}
		}
	}
}

// otherDigest changes the last digest in the body of an entry.
func otherDigest(body []byte) []byte {
	body = slices.Clone(body)
	for _, member := range []string{`"value":"`, `"digest":"`} {
		if i := bytes.LastIndex(body, []byte(member)); i >= 0 {
			c := &body[i+len(member)]
			*c = map[bool]byte{true: '1', false: '0'}[*c == '0']
			break
		}
	}
	return body
}

func (s *Server) stamp(info *tspclient.TSTInfo) {
	if s.has(TSAOtherSignature) {
		info.MessageImprint.HashedMessage = slices.Clone(info.MessageImprint.HashedMessage)
		info.MessageImprint.HashedMessage[0] ^= 1
	}
	if s.has(TSAOff) {
		info.GenTime = info.GenTime.Add(time.Hour)
	}
}
