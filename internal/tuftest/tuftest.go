// Package tuftest is a TUF repository of its own, for tests, in the form of Sigstore's. Everything is really signed, and what is
// signed can be changed before it is.
package tuftest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Repository is a TUF repository. It is an http.Handler: its fields may be changed between requests, not during them.
type Repository struct {
	Keys    map[string][]*ecdsa.PrivateKey // of each role
	Quotas  map[string]int                 // zero: all keys of the role
	Expires map[string]time.Time
	Version map[string]int // the last one
	Files   map[string][]byte
	More    map[string][]byte // targets beside the trusted root, by name
	// Edit changes what a role says before it is signed, Envelope a file after it is.
	Edit     map[string]func(signed map[string]any)
	Envelope map[string]func(envelope map[string]any)
	// Status is the answer to everything, unless it is zero.
	Status int

	mu       sync.Mutex
	Requests []string // paths, as they came
}

// Roles in the order in which they sign for one another.
var Roles = []string{"root", "targets", "snapshot", "timestamp"}

// New returns a repository with a root of version 1 that expires after a time, and nothing else: three keys for root and targets,
// two of which sign, and one for the others.
func New(expires time.Time) *Repository {
	r := &Repository{Keys: map[string][]*ecdsa.PrivateKey{}, Quotas: map[string]int{"root": 2, "targets": 2},
		Expires: map[string]time.Time{},
		Version: map[string]int{}, Files: map[string][]byte{}, Edit: map[string]func(map[string]any){},
		Envelope: map[string]func(map[string]any){}}
	r.Keys["root"] = []*ecdsa.PrivateKey{Key(), Key(), Key()}
	r.Keys["targets"] = r.Keys["root"]
	r.Keys["timestamp"] = []*ecdsa.PrivateKey{Key()}
	r.Keys["snapshot"] = r.Keys["timestamp"]
	for _, role := range Roles {
		r.Expires[role] = expires
	}
	r.Root()
	return r
}

// Key returns a new key.
func Key() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

// Root signs the next version of root.json with the keys of now and others, such as those before.
func (r *Repository) Root(others ...*ecdsa.PrivateKey) []byte {
	keys, roles := map[string]any{}, map[string]any{}
	for role, list := range r.Keys {
		var ids []string
		for _, k := range list {
			id, public := describe(k)
			keys[id] = public
			ids = append(ids, id)
		}
		quota := r.Quotas[role]
		if quota == 0 {
			quota = len(list)
		}
		roles[role] = map[string]any{"keyids": ids, "threshold": quota}
	}
	r.Version["root"]++
	data := r.sign("root", map[string]any{"keys": keys, "roles": roles, "consistent_snapshot": true}, others...)
	r.Files[fmt.Sprintf("/%d.root.json", r.Version["root"])] = data
	return data
}

// Publish signs the next version of everything but the root, with a trusted root.
func (r *Repository) Publish(trustedRoot []byte) {
	for _, role := range Roles[1:] {
		r.Version[role]++
	}
	files := map[string]any{}
	target := func(name string, data []byte) {
		sum := sha256.Sum256(data)
		r.Files[fmt.Sprintf("/targets/%x.%s", sum, name)] = data
		files[name] = map[string]any{"length": len(data), "hashes": map[string]any{"sha256": hex.EncodeToString(sum[:])}}
	}
	target("trusted_root.json", trustedRoot)
	for name, data := range r.More {
		target(name, data)
	}
	r.Files[fmt.Sprintf("/%d.targets.json", r.Version["targets"])] = r.sign("targets", map[string]any{"targets": files})
	r.Snapshot()
}

// Snapshot signs snapshot and timestamp in their versions of now.
func (r *Repository) Snapshot() {
	named := func(role string) map[string]any {
		return map[string]any{"meta": map[string]any{role + ".json": map[string]any{"version": r.Version[role]}}}
	}
	r.Files[fmt.Sprintf("/%d.snapshot.json", r.Version["snapshot"])] = r.sign("snapshot", named("targets"))
	r.Files["/timestamp.json"] = r.sign("timestamp", named("snapshot"))
}

func (r *Repository) sign(role string, signed map[string]any, others ...*ecdsa.PrivateKey) []byte {
	signed["_type"], signed["spec_version"], signed["version"] = role, "1.0", r.Version[role]
	signed["expires"] = r.Expires[role].UTC().Format(time.RFC3339)
	if edit := r.Edit[role]; edit != nil {
		edit(signed)
	}
	canonical := Canonical(signed)
	digest := sha256.Sum256(canonical)
	var signatures []any
	seen := map[string]bool{}
	for _, k := range append(append([]*ecdsa.PrivateKey(nil), r.Keys[role]...), others...) {
		id, _ := describe(k)
		if !seen[id] {
			seen[id] = true
			signatures = append(signatures,
				map[string]any{"keyid": id, "sig": hex.EncodeToString(must(ecdsa.SignASN1(rand.Reader, k, digest[:])))})
		}
	}
	envelope := map[string]any{"signed": signed, "signatures": signatures}
	if edit := r.Envelope[role]; edit != nil {
		edit(envelope)
	}
	return must(json.Marshal(envelope))
}

// Canonical is canonical JSON, of values without characters that package json escapes beyond it.
func Canonical(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.ReplaceAll(bytes.TrimSpace(b.Bytes()), []byte(`\n`), []byte("\n"))
}

func describe(k *ecdsa.PrivateKey) (id string, public map[string]any) {
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(k.Public()))})
	public = map[string]any{"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": map[string]any{"public": string(block)}}
	return fmt.Sprintf("%x", sha256.Sum256(Canonical(public))), public
}

// KeyID is what a root calls a key.
func KeyID(k *ecdsa.PrivateKey) string {
	id, _ := describe(k)
	return id
}

func (r *Repository) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.Requests = append(r.Requests, req.URL.Path)
	r.mu.Unlock()
	data, ok := r.Files[req.URL.Path]
	switch {
	case r.Status != 0:
		w.WriteHeader(r.Status)
	case !ok || strings.HasSuffix(req.URL.Path, "/"):
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Write(data)
	}
}

// Clone returns a repository with the same keys and files, which changes apart from r.
func (r *Repository) Clone() *Repository {
	return &Repository{Keys: maps.Clone(r.Keys), Quotas: maps.Clone(r.Quotas), Expires: maps.Clone(r.Expires),
		Version: maps.Clone(r.Version),
		Files:   maps.Clone(r.Files), Edit: maps.Clone(r.Edit), Envelope: maps.Clone(r.Envelope)}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
