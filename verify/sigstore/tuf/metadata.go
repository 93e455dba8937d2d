package tuf

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
)

// The roles of a repository (TUF specification 1.0, section 4). Delegated ones are not read: nothing here needs their targets.
const (
	rootRole      = "root"
	timestampRole = "timestamp"
	snapshotRole  = "snapshot"
	targetsRole   = "targets"
)

var roleNames = []string{rootRole, timestampRole, snapshotRole, targetsRole}

// most is how large each file may be, the last two being targets.
var most = map[string]int64{
	rootRole: 256 << 10, timestampRole: 16 << 10, snapshotRole: 1 << 20, targetsRole: 4 << 20, trustedRoot: 1 << 20,
	signingConfig: 64 << 10,
}

// A metadata is one file of a repository, of which nothing is proven.
type metadata struct {
	raw        []byte
	signed     []byte // in canonical JSON: what the signatures are over
	signatures map[string][]byte
	role       string
	version    int64
	expires    time.Time
	keys       map[string]*key  // of a root
	roles      map[string]quota // of a root
	files      map[string]file  // of a timestamp, a snapshot, or targets
}

// A quota is how many of which keys must sign for a role.
type quota struct {
	keyIDs    []string
	threshold int64
}

// A file is what metadata says of another file.
type file struct {
	version int64 // of metadata
	length  int64 // -1: not said
	sha256  string
	sha512  string
	hashes  int // how many, those of other algorithms too
}

// check compares a file's content.
func (f file) check(data []byte) error {
	if f.length >= 0 && f.length != int64(len(data)) {
		return fmt.Errorf("%w: %d bytes, not %d", ErrDigest, len(data), f.length)
	}
	if f.hashes > 0 && f.sha256 == "" && f.sha512 == "" {
		return fmt.Errorf("%w: neither SHA-256 nor SHA-512 is given", ErrDigest)
	}
	a, b := sha256.Sum256(data), sha512.Sum512(data)
	if f.sha256 != "" && f.sha256 != hex.EncodeToString(a[:]) || f.sha512 != "" && f.sha512 != hex.EncodeToString(b[:]) {
		return fmt.Errorf("%w: it has SHA-256 %x", ErrDigest, a)
	}
	return nil
}

// parse reads the metadata of a role.
func parse(role string, data []byte) (*metadata, error) {
	m := &metadata{raw: data, role: role, signatures: make(map[string][]byte)}
	if int64(len(data)) > most[role] {
		return nil, fmt.Errorf("%w: %s.json of %d bytes, at most %d are read", ErrLimit, role, len(data), most[role])
	}
	r := strictjson.NewReader(data, strictjson.Limits{})
	var signed []byte
	for name := range r.Object("signed", "signatures") {
		switch string(name) {
		case "signed":
			signed = r.Raw()
		case "signatures":
			m.readSignatures(r)
		}
	}
	err := r.End()
	if err == nil {
		r = strictjson.NewReader(signed, strictjson.Limits{})
		m.signed = canonical(r, nil)
		err = r.End()
	}
	if err == nil {
		r = strictjson.NewReader(signed, strictjson.Limits{})
		m.readSigned(r)
		err = r.End()
	}
	if err == nil {
		err = m.complete()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s.json: %w", ErrMalformed, role, err)
	}
	return m, nil
}

// complete says what a file lacks.
func (m *metadata) complete() error {
	switch {
	case m.version < 1:
		return fmt.Errorf("version %d", m.version)
	case m.expires.IsZero():
		return fmt.Errorf("it does not say when it expires")
	case m.role == timestampRole && m.files["snapshot.json"].version < 1:
		return fmt.Errorf("it names no snapshot.json")
	case m.role == snapshotRole && m.files["targets.json"].version < 1:
		return fmt.Errorf("it names no targets.json")
	case m.role != rootRole:
		return nil
	}
	for _, name := range roleNames {
		q := m.roles[name]
		if q.threshold < 1 || int64(len(q.keyIDs)) < q.threshold {
			return fmt.Errorf("threshold %d with %d keys for %s", q.threshold, len(q.keyIDs), name)
		}
		for _, id := range q.keyIDs {
			if m.keys[id] == nil {
				return fmt.Errorf("key %.64q for %s is not there", id, name)
			}
		}
	}
	return nil
}

const mostKeys = 64

func (m *metadata) readSignatures(r *strictjson.Reader) {
	for i := range r.Array() {
		if i == mostKeys {
			r.Fail(fmt.Errorf("more than %d signatures: %w", mostKeys, strictjson.ErrLimit))
		}
		var id, sig string
		for name := range r.Object("keyid", "sig") {
			switch string(name) {
			case "keyid":
				id = r.String()
			case "sig":
				sig = r.String()
			}
		}
		if _, twice := m.signatures[id]; twice {
			r.Fail(fmt.Errorf("two signatures of key %.64q", id))
		}
		m.signatures[id] = nil // of who did not sign yet it is empty
		if b, err := hex.DecodeString(sig); err == nil {
			m.signatures[id] = b
		}
	}
}

func (m *metadata) readSigned(r *strictjson.Reader) {
	known := []string{"_type", "spec_version", "version", "expires"}
	known = append(known, map[string][]string{
		rootRole: {"keys", "roles", "consistent_snapshot"}, timestampRole: {"meta"}, snapshotRole: {"meta"}, targetsRole: {"targets"},
	}[m.role]...)
	consistent := m.role != rootRole
	var kind, spec string
	for name := range r.Object(known...) {
		n := string(name)
		if !slices.Contains(known, n) {
			continue
		}
		switch n {
		case "_type":
			kind = r.String()
		case "spec_version":
			spec = r.String()
		case "version":
			m.version = r.Int64()
		case "expires":
			t, err := time.Parse(time.RFC3339, r.String())
			if err != nil {
				r.Fail(err)
			}
			m.expires = t
		case "consistent_snapshot":
			consistent = r.Bool()
		case "keys":
			m.readKeys(r)
		case "roles":
			m.readRoles(r)
		case "meta", "targets":
			m.readFiles(r)
		}
	}
	switch {
	case kind != m.role:
		r.Fail(fmt.Errorf("_type is %.40q", kind))
	case spec != "1.0" && !strings.HasPrefix(spec, "1.0."):
		r.Fail(fmt.Errorf("specification %.40q, not 1.0", spec))
	case !consistent:
		r.Fail(fmt.Errorf("a repository without consistent snapshots, whose files change while they are read"))
	}
}

func (m *metadata) readKeys(r *strictjson.Reader) {
	m.keys = make(map[string]*key)
	for name := range r.Object() {
		id := string(name)
		if len(m.keys) == mostKeys {
			r.Fail(fmt.Errorf("more than %d keys: %w", mostKeys, strictjson.ErrLimit))
		}
		kind, scheme, public := readKey(r)
		if kind == "" || scheme == "" || public == "" {
			r.Fail(fmt.Errorf("key %.64q without type, scheme or value", id))
		}
		m.keys[id] = newKey(kind, scheme, public)
	}
}

func readKey(r *strictjson.Reader) (kind, scheme, public string) {
	for name := range r.Object("keytype", "scheme", "keyval") {
		switch string(name) {
		case "keytype":
			kind = r.String()
		case "scheme":
			scheme = r.String()
		case "keyval":
			for name := range r.Object("public") {
				if string(name) == "public" {
					public = r.String()
				}
			}
		}
	}
	return kind, scheme, public
}

func (m *metadata) readRoles(r *strictjson.Reader) {
	m.roles = make(map[string]quota)
	for name := range r.Object(roleNames...) {
		role := string(name)
		if q := readQuota(r); slices.Contains(roleNames, role) {
			m.roles[role] = q
		}
	}
}

func readQuota(r *strictjson.Reader) (q quota) {
	for name := range r.Object("keyids", "threshold") {
		switch string(name) {
		case "threshold":
			q.threshold = r.Int64()
		case "keyids":
			for i := range r.Array() {
				if i == mostKeys {
					r.Fail(fmt.Errorf("more than %d keys of a role: %w", mostKeys, strictjson.ErrLimit))
				}
				q.keyIDs = append(q.keyIDs, r.String())
			}
		}
	}
	return q
}

func (m *metadata) readFiles(r *strictjson.Reader) {
	m.files = make(map[string]file)
	for name := range r.Object() {
		path, f := string(name), file{length: -1}
		for name := range r.Object("version", "length", "hashes") {
			switch string(name) {
			case "version":
				f.version = r.Int64()
			case "length":
				f.length = r.Int64()
				if f.length < 0 {
					r.Fail(fmt.Errorf("length %d of %.80q", f.length, path))
				}
			case "hashes":
				f.readHashes(r)
			}
		}
		if m.role != targetsRole && f.version < 1 {
			r.Fail(fmt.Errorf("version %d of %.80q", f.version, path))
		}
		m.files[path] = f
	}
}

var hexDigits = regexp.MustCompile(`^[0-9a-f]*$`)

func (f *file) readHashes(r *strictjson.Reader) {
	for name := range r.Object("sha256", "sha512") {
		f.hashes++
		var to *string
		length := 0
		switch string(name) {
		case "sha256":
			to, length = &f.sha256, 64
		case "sha512":
			to, length = &f.sha512, 128
		default:
			continue
		}
		if *to = r.String(); len(*to) != length || !hexDigits.MatchString(*to) {
			r.Fail(fmt.Errorf("hash %.40q", *to))
		}
	}
}

// canonical appends a value in canonical JSON (OLPC): sorted members, no space, integers alone, and in strings nothing escaped but
// quotes and backslashes.
func canonical(r *strictjson.Reader, out []byte) []byte {
	switch r.Kind() {
	case strictjson.Object:
		members := make(map[string][]byte)
		for name := range r.Object() {
			n := string(name)
			members[n] = canonical(r, nil)
		}
		out = append(out, '{')
		for i, n := range slices.Sorted(maps.Keys(members)) {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(quoted(out, n), ':'), members[n]...)
		}
		return append(out, '}')
	case strictjson.Array:
		out = append(out, '[')
		for i := range r.Array() {
			if i > 0 {
				out = append(out, ',')
			}
			out = canonical(r, out)
		}
		return append(out, ']')
	case strictjson.String:
		return quoted(out, r.String())
	case strictjson.Number:
		text := r.Number()
		if bytes.ContainsAny(text, ".eE") || string(text) == "-0" {
			r.Fail(fmt.Errorf("the number %.40s has no canonical form", text))
		}
		return append(out, text...)
	default:
		return append(out, r.Raw()...)
	}
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func quoted(out []byte, text string) []byte {
	return append(append(append(out, '"'), escaper.Replace(text)...), '"')
}

// A key of a root. One of a kind that is not known signs nothing.
type key struct {
	public crypto.PublicKey
	hash   crypto.Hash
	id     string // of what it is, not what it is called: a key under two names is one
}

func newKey(kind, scheme, public string) *key {
	if kind == "ed25519" && scheme == "ed25519" {
		raw, err := hex.DecodeString(public)
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return &key{}
		}
		return &key{public: ed25519.PublicKey(raw), id: string(raw)}
	}
	block, rest := pem.Decode([]byte(public))
	if block == nil || block.Type != "PUBLIC KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return &key{}
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return &key{}
	}
	k := &key{hash: crypto.SHA256}
	switch p := parsed.(type) {
	case *ecdsa.PublicKey:
		if kind != "ecdsa" && kind != scheme {
			return &key{}
		}
		if scheme == "ecdsa-sha2-nistp256" && p.Curve == elliptic.P256() {
			k.public = p
		}
		if scheme == "ecdsa-sha2-nistp384" && p.Curve == elliptic.P384() {
			k.public, k.hash = p, crypto.SHA384
		}
	case *rsa.PublicKey:
		if kind == "rsa" && scheme == "rsassa-pss-sha256" && p.N.BitLen() >= 2048 {
			k.public = p
		}
	}
	if k.public == nil {
		return &key{}
	}
	der, err := x509.MarshalPKIXPublicKey(k.public) // the same, however the key is encoded
	if err != nil {
		return &key{}
	}
	k.id = string(der)
	return k
}

func (k *key) verifies(message, sig []byte) bool {
	if p, ok := k.public.(ed25519.PublicKey); ok {
		return ed25519.Verify(p, message, sig)
	}
	if k.public == nil {
		return false
	}
	h := k.hash.New()
	h.Write(message)
	switch p := k.public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(p, h.Sum(nil), sig)
	case *rsa.PublicKey:
		return rsa.VerifyPSS(p, k.hash, h.Sum(nil), sig, nil) == nil
	}
	return false
}

// verify proves that enough of the keys that root names for a role signed m: each key counts once.
func (m *metadata) verify(root *metadata) error {
	q := root.roles[m.role]
	signers := make(map[string]bool)
	for _, id := range q.keyIDs {
		k := root.keys[id]
		if sig := m.signatures[id]; len(sig) > 0 && !signers[k.id] && k.verifies(m.signed, sig) {
			signers[k.id] = true
		}
	}
	if int64(len(signers)) < q.threshold {
		return fmt.Errorf("%w: %s.json %d has %d valid ones of the %d that root.json %d asks for",
			ErrSignatures, m.role, m.version, len(signers), q.threshold, root.version)
	}
	return nil
}

// follows proves that a root comes right after another: both have signed it (section 5.3).
func (m *metadata) follows(before *metadata) error {
	if m.version != before.version+1 {
		return fmt.Errorf("%w: root.json %d does not follow %d", ErrRollback, m.version, before.version)
	}
	if err := m.verify(before); err != nil {
		return err
	}
	return m.verify(m)
}

// current returns an error once m has expired.
func (m *metadata) current(now time.Time) error {
	if !now.Before(m.expires) {
		return fmt.Errorf("%w: %s.json %d at %s", ErrExpired, m.role, m.version, m.expires.UTC().Format(time.RFC3339))
	}
	return nil
}
