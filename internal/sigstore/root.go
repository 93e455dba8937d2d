package sigstore

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/scheme"
	"github.com/ladingdev/lading/internal/strictjson"
)

// rootTypes are the media types of trusted roots that are read: all that are published have the first.
var rootTypes = []string{
	"application/vnd.dev.sigstore.trustedroot+json;version=0.1",
	"application/vnd.dev.sigstore.trustedroot.v0.1+json",
	"application/vnd.dev.sigstore.trustedroot.v0.2+json",
}

// A Root is the authorities of a Sigstore instance, from a trusted root (github.com/sigstore/protobuf-specs,
// sigstore_trustroot.proto). It does not change, and is safe for concurrent use.
type Root struct {
	authorities []*authority // issue certificates
	stampers    []*authority // issue timestamps
	logs        map[string]*log
	ctLogs      map[string]*log
	unusable    []error
}

// Unusable says which entries of the trusted root are not used, and why: nothing verifies by them.
func (r *Root) Unusable() []error { return slices.Clone(r.unusable) }

// HasLogs reports whether the root has a log that can be used.
func (r *Root) HasLogs() bool { return len(r.logs) > 0 }

// Fits says why no signature can meet a policy: there are too few operators of logs or authorities.
func (r *Root) Fits(p Policy, certified bool) error {
	owners := func(logs map[string]*log) (list []owner) {
		for _, l := range logs {
			list = append(list, l.owner)
		}
		return list
	}
	stampers := make([]owner, len(r.stampers))
	for i, a := range r.stampers {
		stampers[i] = a.owner
	}
	asked := []struct {
		what   string
		n      int
		owners []owner
	}{{"transparency logs", p.Logs, owners(r.logs)}, {"timestamp authorities", p.Timestamps, stampers}}
	if certified {
		asked = append(asked, asked[0])
		asked[2].what, asked[2].n, asked[2].owners = "certificate transparency logs", p.SCTs, owners(r.ctLogs)
	}
	for _, a := range asked {
		if n := distinct(a.owners); n < a.n {
			return fmt.Errorf("%s of %d operators are asked for, and the trusted root has %d: see Options", a.what, a.n, n)
		}
	}
	if certified && len(r.authorities) == 0 {
		return errors.New("the trusted root has no authority that issues certificates")
	}
	return nil
}

// A window is when an authority or its key may be believed: both ends are inside.
type window struct{ start, end time.Time } // a zero end is open

func (w window) has(t time.Time) bool {
	return !t.Before(w.start) && (w.end.IsZero() || !t.After(w.end))
}

func (w window) String() string {
	if w.end.IsZero() {
		return "from " + w.start.UTC().Format(time.RFC3339)
	}
	return w.start.UTC().Format(time.RFC3339) + " to " + w.end.UTC().Format(time.RFC3339)
}

// An owner is what tells authorities of one operator from those of another.
type owner struct {
	operator string // as the root has it; empty if it does not say
	host     string
	key      string // of the authority's own key or certificate
}

// same reports whether two authorities are of one operator, or may be: operators differ where the root says so. Hosts of one
// domain count as one where it does not.
func (o owner) same(p owner) bool {
	if o.key == p.key || o.operator != "" && o.operator == p.operator {
		return true
	}
	if o.operator != "" && p.operator != "" || o.host == "" || p.host == "" {
		return false
	}
	return o.host == p.host || strings.HasSuffix(o.host, "."+p.host) || strings.HasSuffix(p.host, "."+o.host)
}

// distinct returns how many operators there are. Whoever is the same as one of a group belongs to it.
func distinct(owners []owner) int {
	if len(owners) < 2 {
		return len(owners)
	}
	var groups [][]owner
	for _, o := range owners {
		joined, rest := []owner{o}, groups[:0]
		for _, g := range groups {
			if slices.ContainsFunc(g, o.same) {
				joined = append(joined, g...)
			} else {
				rest = append(rest, g)
			}
		}
		groups = append(rest, joined)
	}
	return len(groups)
}

// A generation is what a log's entries look like.
type generation uint8

const (
	byCheckpoint generation = iota // the key does not tell: the origin in a checkpoint that it signed does
	firstLog                       // Rekor v1
	tiledLog                       // Rekor v2
)

// A log is a transparency log and its key.
type log struct {
	owner
	window
	id         string // 32 bytes
	address    string // host and port
	public     crypto.PublicKey
	signs      scheme.Scheme // checkpoints
	generation generation
}

// An authority issues certificates or timestamps.
type authority struct {
	owner
	window
	signer      *x509.Certificate   // of timestamps; nil if it comes with each
	chain       []*x509.Certificate // of CAs, the trust anchor last
	constrained bool                // a certificate of the chain has name constraints
}

// ParseRoot reads a trusted root. An entry that cannot be used is left out and told by [Root.Unusable]: a root that gains a
// kind of key keeps its other entries. JSON is read as the mapping of protocol buffers has it. operators names who runs the
// authorities at a host, where the root does not.
func ParseRoot(data []byte, operators map[string]string) (*Root, error) {
	root := &Root{logs: make(map[string]*log), ctLogs: make(map[string]*log)}
	r := strictjson.NewReader(data, strictjson.Limits{})
	var mediaType string
	// Authorities are proven after the JSON is.
	type raw struct {
		kind string
		log  rawLog
		ca   rawAuthority
	}
	var entries []raw
	const most = 256
	for name := range dsse.Proto.Members(r, "mediaType", "tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities") {
		if name == "mediaType" {
			mediaType = r.String()
			continue
		}
		for range r.Array() {
			if len(entries) == most {
				r.Fail(fmt.Errorf("more than %d entries: %w", most, strictjson.ErrLimit))
			}
			e := raw{kind: name}
			if name == "tlogs" || name == "ctlogs" {
				e.log = readLog(r)
			} else {
				e.ca = readAuthority(r)
			}
			entries = append(entries, e)
		}
	}
	switch err := r.End(); {
	case err != nil:
		return nil, fmt.Errorf("trusted root: %w", err)
	case !slices.Contains(rootTypes, mediaType):
		return nil, fmt.Errorf("trusted root: media type %.80q", mediaType)
	}
	twice := make(map[string]bool)
	for i, e := range entries {
		var err error
		switch e.kind {
		case "tlogs":
			err = addLog(root.logs, twice, e.kind, e.log, operators)
		case "ctlogs":
			err = addLog(root.ctLogs, twice, e.kind, e.log, operators)
		case "certificateAuthorities":
			err = addAuthority(&root.authorities, e.ca, operators, x509.ExtKeyUsageCodeSigning)
		case "timestampAuthorities":
			err = addAuthority(&root.stampers, e.ca, operators, x509.ExtKeyUsageTimeStamping)
		}
		if err != nil {
			root.unusable = append(root.unusable, fmt.Errorf("%s, entry %d of the trusted root: %w", e.kind, i+1, err))
		}
	}
	return root, nil
}

type rawLog struct {
	url, hash, details, operator string
	key, id, checkpointID        []byte
	window                       window
}

type rawAuthority struct {
	url, operator string
	certificates  [][]byte
	window        window
}

func readLog(r *strictjson.Reader) (l rawLog) {
	for name := range dsse.Proto.Members(r, "baseUrl", "hashAlgorithm", "publicKey", "logId", "checkpointKeyId", "operator") {
		switch name {
		case "baseUrl":
			l.url = r.String()
		case "hashAlgorithm":
			l.hash = r.String()
		case "publicKey":
			for name := range dsse.Proto.Members(r, "rawBytes", "keyDetails", "validFor") {
				switch name {
				case "rawBytes":
					l.key = dsse.Proto.Base64(r)
				case "keyDetails":
					l.details = r.String()
				case "validFor":
					l.window = readWindow(r)
				}
			}
		case "logId":
			l.id = readBytes(r, "keyId")
		case "checkpointKeyId":
			l.checkpointID = readBytes(r, "keyId")
		case "operator":
			l.operator = r.String()
		}
	}
	return l
}

func readAuthority(r *strictjson.Reader) (a rawAuthority) {
	for name := range dsse.Proto.Members(r, "subject", "uri", "certChain", "validFor", "operator") {
		switch name {
		case "subject": // for people
			for range dsse.Proto.Members(r, "organization", "commonName") {
				_ = r.String()
			}
		case "uri":
			a.url = r.String()
		case "certChain":
			for range dsse.Proto.Members(r, "certificates") {
				for range r.Array() {
					a.certificates = append(a.certificates, readBytes(r, "rawBytes"))
				}
			}
		case "validFor":
			a.window = readWindow(r)
		case "operator":
			a.operator = r.String()
		}
	}
	return a
}

// readBytes reads an object of one member.
func readBytes(r *strictjson.Reader, member string) (value []byte) {
	for range dsse.Proto.Members(r, member) {
		value = dsse.Proto.Base64(r)
	}
	return value
}

// readWindow reads a TimeRange. It has no start if it was left out.
func readWindow(r *strictjson.Reader) (w window) {
	for name := range dsse.Proto.Members(r, "start", "end") {
		t, err := time.Parse(time.RFC3339Nano, r.String())
		if err != nil && r.Err() == nil {
			r.Fail(fmt.Errorf("%w: %w", strictjson.ErrType, err))
		}
		if name == "start" {
			w.start = t
		} else {
			w.end = t
		}
	}
	return w
}

// errNoStart refuses an authority of which nobody says since when it may be believed: it would be believed for ever.
var errNoStart = errors.New("no start of its validity")

// address returns the host and port of a URL that may lack its scheme.
func address(url string) string {
	if _, after, ok := strings.Cut(url, "://"); ok {
		url = after
	}
	url, _, _ = strings.Cut(url, "/")
	return url
}

// host returns the host of a URL that may lack its scheme.
func host(url string) string {
	h := address(url)
	if i := strings.LastIndexByte(h, ':'); i >= 0 && !strings.HasSuffix(h, "]") {
		h = h[:i]
	}
	return h
}

func newOwner(operator, url string, operators map[string]string, key []byte) owner {
	h := host(url)
	if named := operators[h]; named != "" {
		operator = named
	}
	id := sha256.Sum256(key)
	return owner{operator: operator, host: h, key: string(id[:])}
}

// addLog proves that a log's identifier is that of its key, and adds it. Two entries with one identifier that say different
// things of it are both left out.
func addLog(to map[string]*log, twice map[string]bool, kind string, raw rawLog, operators map[string]string) error {
	switch {
	case raw.hash != "SHA2_256":
		return fmt.Errorf("hash algorithm %.40q", raw.hash)
	case len(raw.id) != sha256.Size:
		return fmt.Errorf("a log identifier of %d bytes", len(raw.id))
	case raw.window.start.IsZero():
		return errNoStart
	}
	key, err := parseKey(raw.details, raw.key)
	if err != nil {
		return err
	}
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return err
	}
	signs, err := signsWith(key, true)
	if err != nil {
		return err
	}
	l := &log{
		owner: newOwner(raw.operator, raw.url, operators, spki), window: raw.window,
		id: string(raw.id), address: address(raw.url), public: key, signs: signs,
	}
	plain, note := sha256.Sum256(spki), noteID(host(raw.url), key, spki)
	switch {
	case kind == "ctlogs" && l.id == string(plain[:]):
	case kind == "ctlogs":
		return fmt.Errorf("its identifier is that of another key")
	case l.id == string(plain[:]) && note == nil:
	case l.id == string(plain[:]):
		l.generation = firstLog
	case note != nil && l.id == string(note):
		l.generation = tiledLog
	default:
		return fmt.Errorf("its identifier is that of another key or name")
	}
	if id := raw.checkpointID; id != nil && !bytes.Equal(id, raw.id) && !bytes.Equal(id, raw.id[:4]) {
		return fmt.Errorf("checkpoints by another key")
	}
	known, ok := to[l.id]
	switch id := kind + l.id; {
	case twice[id]:
		return fmt.Errorf("one log with two meanings")
	case ok && (known.window != l.window || known.owner != l.owner || known.generation != l.generation):
		delete(to, l.id)
		twice[id] = true
		return fmt.Errorf("one log with two meanings")
	}
	to[l.id] = l
	return nil
}

// noteID returns the identifier of a key that signs notes under a name (C2SP, signed-note.md), or nil if it is the same as
// that of a log of the first generation.
func noteID(name string, key crypto.PublicKey, spki []byte) []byte {
	var sum [sha256.Size]byte
	switch k := key.(type) {
	case ed25519.PublicKey:
		sum = sha256.Sum256(slices.Concat([]byte(name+"\n\x01"), k))
	case *rsa.PublicKey:
		sum = sha256.Sum256(slices.Concat([]byte(name+"\n\xffPKIX-RSA-PKCS#1v1.5"), spki))
	default:
		return nil
	}
	return sum[:]
}

// addAuthority proves an authority's chain, from its issuing certificate or the signer of its timestamps to its anchor, and adds it.
func addAuthority(to *[]*authority, raw rawAuthority, operators map[string]string, usage x509.ExtKeyUsage) error {
	const most = 10
	if len(raw.certificates) == 0 || len(raw.certificates) > most {
		return fmt.Errorf("%d certificates", len(raw.certificates))
	}
	if raw.window.start.IsZero() {
		return errNoStart
	}
	a := &authority{window: raw.window}
	for _, der := range raw.certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		a.chain = append(a.chain, c)
	}
	a.owner = newOwner(raw.operator, raw.url, operators, a.chain[0].RawSubjectPublicKeyInfo)
	whole := a.chain
	if usage == x509.ExtKeyUsageTimeStamping && !whole[0].IsCA {
		a.signer, a.chain = whole[0], whole[1:]
		if err := checkStamper(a.signer); err != nil {
			return err
		}
	}
	if len(a.chain) == 0 {
		return fmt.Errorf("no certificate of an authority")
	}
	for i, c := range a.chain {
		if err := checkAuthority(c, i, usage); err != nil {
			return err
		}
		a.constrained = a.constrained || constrained(c)
	}
	if len(whole) > 1 {
		if err := verifyChain(whole, latest(whole), usage); err != nil {
			return err
		}
	}
	*to = append(*to, a)
	return nil
}

// checkAuthority refuses a certificate that may not issue others for a usage, with so many authorities below it. Package x509 is asked
// for chains alone, and an anchor may be the one certificate.
func checkAuthority(c *x509.Certificate, below int, usage x509.ExtKeyUsage) error {
	limited := len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) > 0
	switch {
	case limited && !slices.Contains(c.ExtKeyUsage, usage) && !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny):
		return CertificateProfile.errorf("%s is for other usages", nameOf(c))
	case !c.BasicConstraintsValid || !c.IsCA || c.KeyUsage&x509.KeyUsageCertSign == 0:
		return CertificateProfile.errorf("%s is not an authority's certificate", nameOf(c))
	case c.MaxPathLen >= 0 && (c.MaxPathLen > 0 || c.MaxPathLenZero) && below > c.MaxPathLen:
		return CertificateProfile.errorf("%s may have %d authorities below it", nameOf(c), c.MaxPathLen)
	case len(c.UnhandledCriticalExtensions) > 0:
		return CertificateProfile.errorf("%s has a critical extension that is not read", nameOf(c))
	}
	return nil
}

// constrained reports whether c says of which names it may issue certificates.
func constrained(c *x509.Certificate) bool {
	for _, e := range c.Extensions {
		if e.Id.String() == "2.5.29.30" {
			return true
		}
	}
	return false
}

func nameOf(c *x509.Certificate) string {
	return fmt.Sprintf("%.80q", c.Subject.String())
}

// latest returns when the last of the certificates began to be valid.
func latest(chain []*x509.Certificate) (t time.Time) {
	for _, c := range chain {
		if c.NotBefore.After(t) {
			t = c.NotBefore
		}
	}
	return t
}

// verifyChain proves a chain, in the order given, at a time.
func verifyChain(chain []*x509.Certificate, at time.Time, usage x509.ExtKeyUsage) error {
	anchor, between := x509.NewCertPool(), x509.NewCertPool()
	anchor.AddCert(chain[len(chain)-1])
	for _, c := range chain[1 : len(chain)-1] {
		between.AddCert(c)
	}
	found, err := chain[0].Verify(x509.VerifyOptions{
		Roots: anchor, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		return ChainUntrusted.errorf("%w", err)
	}
	for _, f := range found {
		if slices.EqualFunc(f, chain, (*x509.Certificate).Equal) {
			return nil
		}
	}
	return ChainUntrusted.errorf("the certificates are not in the order of the chain")
}

// validAt says which certificate of a chain is not valid from one time to another.
func validAt(chain []*x509.Certificate, from, to time.Time) error {
	for _, c := range chain {
		if from.Before(c.NotBefore) || to.After(c.NotAfter) {
			return ChainTime.errorf("the certificate of %s is valid from %s to %s, not at %s", nameOf(c),
				c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// fingerprint names a key or log in a reason.
func fingerprint(id []byte) string { return base64.StdEncoding.EncodeToString(id[:min(len(id), 12)]) }
