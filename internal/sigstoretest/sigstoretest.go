// Package sigstoretest is a Sigstore instance of its own, for tests: an authority that issues certificates with certificate
// transparency, a log of each generation and a timestamp authority. Everything is really signed, and what is signed can be changed
// before it is.
package sigstoretest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/tsatest"
	"github.com/notaryproject/tspclient-go"
)

// An Instance is a Sigstore instance. Its fields may be changed before it is used.
type Instance struct {
	From, To     time.Time           // validity of all authorities
	Chain        []*x509.Certificate // issuing authority, root
	ChainKey     *ecdsa.PrivateKey   // of the first
	root         *x509.Certificate
	rootKey      *ecdsa.PrivateKey
	CT           *ecdsa.PrivateKey
	Rekor        *ecdsa.PrivateKey
	Tiles        ed25519.PrivateKey
	TSA          *tsatest.Authority
	RekorHost    string
	TilesHost    string
	serial, size int64
}

// New returns an instance whose authorities are valid for ten years around a time.
func New(at time.Time) *Instance {
	s := &Instance{From: at.AddDate(-5, 0, 0), To: at.AddDate(5, 0, 0), RekorHost: "rekor.example", TilesHost: "tiles.example", size: 5}
	s.rootKey = key()
	s.ChainKey, s.CT, s.Rekor = key(), key(), key()
	_, s.Tiles, _ = ed25519.GenerateKey(rand.Reader)
	root := s.Authority("root", nil)
	root = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, root, root, s.rootKey.Public(), s.rootKey))))
	s.root = root
	s.Reissue(nil)
	s.TSA = must(tsatest.New(s.From, s.To, nil))
	return s
}

// Reissue gives the instance another certificate of its issuing authority, which edit may change.
func (s *Instance) Reissue(edit func(*x509.Certificate)) {
	c := s.Authority("issuing", func(c *x509.Certificate) {
		c.MaxPathLenZero, c.ExtKeyUsage = true, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		if edit != nil {
			edit(c)
		}
	})
	c = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, s.root, s.ChainKey.Public(), s.rootKey))))
	s.Chain = []*x509.Certificate{c, s.root}
}

// Authority returns the template of an authority's certificate.
func (s *Instance) Authority(name string, edit func(*x509.Certificate)) *x509.Certificate {
	s.serial++
	c := &x509.Certificate{SerialNumber: big.NewInt(s.serial), NotBefore: s.From, NotAfter: s.To, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, Subject: pkix.Name{Organization: []string{"example"}, CommonName: name}}
	if edit != nil {
		edit(c)
	}
	return c
}

// TrustedRoot returns trusted_root.json, which edit may have changed; nil leaves it.
func (s *Instance) TrustedRoot(edit func(root map[string]any)) []byte {
	valid := map[string]any{"start": s.From.Format(time.RFC3339), "end": s.To.Format(time.RFC3339)}
	log := func(url string, public crypto.PublicKey, details string, id []byte) map[string]any {
		return map[string]any{"baseUrl": url, "hashAlgorithm": "SHA2_256", "logId": map[string]any{"keyId": id},
			"publicKey": map[string]any{"rawBytes": spki(public), "keyDetails": details, "validFor": valid}}
	}
	authority := func(url string, chain []*x509.Certificate) map[string]any {
		var certificates []any
		for _, c := range chain {
			certificates = append(certificates, map[string]any{"rawBytes": c.Raw})
		}
		return map[string]any{"uri": url, "certChain": map[string]any{"certificates": certificates}, "validFor": valid}
	}
	root := map[string]any{
		"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs": []any{
			log("https://"+s.RekorHost, s.Rekor.Public(), "PKIX_ECDSA_P256_SHA_256", keyID(s.Rekor.Public())),
			log("https://"+s.TilesHost, s.Tiles.Public(), "PKIX_ED25519", s.TilesID()),
		},
		"ctlogs":                 []any{log("https://ct.example/2026", s.CT.Public(), "PKIX_ECDSA_P256_SHA_256", keyID(s.CT.Public()))},
		"certificateAuthorities": []any{authority("https://fulcio.example", s.Chain)},
		"timestampAuthorities":   []any{authority("https://tsa.example", s.TSA.Chain)},
	}
	if edit != nil {
		edit(root)
	}
	return must(json.Marshal(root))
}

// RekorID is the identifier of the first log.
func (s *Instance) RekorID() []byte { return keyID(s.Rekor.Public()) }

// TilesID is the identifier of the second log.
func (s *Instance) TilesID() []byte {
	id := sha256.Sum256(slices.Concat([]byte(s.TilesHost+"\n\x01"), s.Tiles.Public().(ed25519.PublicKey)))
	return id[:]
}

// A Signing is something to sign, and how. The zero values of its funcs leave everything as it should be.
type Signing struct {
	URI       string // name in the certificate
	Issuer    string
	Claims    map[int]string // Fulcio's extensions, by the last number of their object identifiers
	Payload   []byte         // of an in-toto envelope; nil: Message
	Message   []byte
	At        time.Time
	Tiles     bool // in the second log, with a timestamp
	Timestamp bool // in the first log, with one too
	Both      bool // in the other log too, with a timestamp

	Key        *ecdsa.PrivateKey             // nil: a new one
	Leaf       func(*x509.Certificate)       // template, before certificate transparency
	SCT        func(*SCT)                    // before it is signed
	Issued     func(der []byte) []byte       // the certificate, before anything is signed with it
	Body       func(body []byte) []byte      // of the entry, before it is logged
	Promise    func(p *Promise)              // before it is signed
	Checkpoint func(text string) string      // before it is signed
	Signed     func(note string) string      // checkpoint with its signatures
	Stamp      func(content []byte) []byte   // what the timestamp is over
	TSTInfo    func(*tspclient.TSTInfo)      // before it is signed
	Entry      func(entry map[string]any)    // as it stands in the bundle
	Bundle     func(bundle map[string]any)   // as JSON
	Statement  func(envelope map[string]any) // envelope as JSON
}

// An SCT is a signed certificate timestamp, before it is signed.
type SCT struct {
	LogID      []byte
	At         time.Time
	Extensions []byte
	IssuerKey  []byte // hash of the issuer's key
	TBS        []byte
	Key        *ecdsa.PrivateKey
	Sign       func(text []byte) []byte // nil: by Key
}

// A Promise is what the first log signs.
type Promise struct {
	Body           []byte `json:"body"`
	IntegratedTime int64  `json:"integratedTime"`
	LogID          string `json:"logID"`
	LogIndex       int64  `json:"logIndex"`
}

// Sign returns a bundle.
func (s *Instance) Sign(g Signing) []byte {
	if g.Key == nil {
		g.Key = key()
	}
	leaf := s.issue(&g, g.Key.Public())
	if g.Issued != nil {
		leaf = g.Issued(leaf)
	}
	bundle := map[string]any{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}
	material := map[string]any{"certificate": map[string]any{"rawBytes": leaf}}
	signed := g.Message
	if g.Payload != nil {
		signed = dsse.PAE(dsse.PayloadType, g.Payload)
	}
	digest := sha256.Sum256(signed)
	sig := must(ecdsa.SignASN1(rand.Reader, g.Key, digest[:]))
	if g.Payload == nil {
		hint := map[string]any{"algorithm": "SHA2_256", "digest": digest[:]}
		bundle["messageSignature"] = map[string]any{"signature": sig, "messageDigest": hint}
	} else {
		envelope := map[string]any{"payload": g.Payload, "payloadType": dsse.PayloadType, "signatures": []any{map[string]any{"sig": sig}}}
		bundle["dsseEnvelope"] = envelope
		if g.Statement != nil {
			g.Statement(envelope)
		}
	}
	entry := s.log(&g, leaf, sig, digest[:])
	if g.Entry != nil {
		g.Entry(entry)
	}
	entries := []any{entry}
	if g.Both {
		other := g
		other.Tiles = !g.Tiles
		entries = append(entries, s.log(&other, leaf, sig, digest[:]))
	}
	material["tlogEntries"] = entries
	if g.Tiles || g.Both || g.Timestamp {
		material["timestampVerificationData"] =
			map[string]any{"rfc3161Timestamps": []any{map[string]any{"signedTimestamp": s.stamp(&g, sig)}}}
	}
	bundle["verificationMaterial"] = material
	if g.Bundle != nil {
		g.Bundle(bundle)
	}
	return must(json.Marshal(bundle))
}

// SAN returns a subject alternative name of one URI, or of several names, each with its tag.
func SAN(names ...string) pkix.Extension {
	var all []byte
	for _, n := range names {
		v := asn1.RawValue{Class: 2, Tag: int(n[0]), Bytes: []byte(n[1:])}
		if v.Tag == 0 { // Fulcio's otherName
			id := must(asn1.Marshal(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 7}))
			text := asn1.RawValue{Class: 2, IsCompound: true, Bytes: must(asn1.MarshalWithParams(n[1:], "utf8"))}
			v.IsCompound, v.Bytes = true, append(id, must(asn1.Marshal(text))...)
		}
		all = append(all, must(asn1.Marshal(v))...)
	}
	list := must(asn1.Marshal(asn1.RawValue{Tag: 16, IsCompound: true, Bytes: all}))
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: true, Value: list}
}

// Claim returns an extension of Fulcio's.
func Claim(n int, value string) pkix.Extension {
	e := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, n}, Value: []byte(value)}
	if n >= 8 {
		e.Value = must(asn1.MarshalWithParams(value, "utf8"))
	}
	return e
}

var oidSCTs = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}

func (s *Instance) issue(g *Signing, public crypto.PublicKey) []byte {
	s.serial++
	c := &x509.Certificate{SerialNumber: big.NewInt(s.serial), NotBefore: g.At.Add(-time.Second), NotAfter: g.At.Add(10 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	c.ExtraExtensions = append(c.ExtraExtensions, SAN("\x06"+g.URI), Claim(1, g.Issuer), Claim(8, g.Issuer))
	for n := range 30 {
		if v, ok := g.Claims[n]; ok {
			c.ExtraExtensions = append(c.ExtraExtensions, Claim(n, v))
		}
	}
	if g.Leaf != nil {
		g.Leaf(c)
	}
	before := must(x509.CreateCertificate(rand.Reader, c, s.Chain[0], public, s.ChainKey))
	var parts struct { // package x509 does not parse all that tests make
		TBS, Algorithm, Signature asn1.RawValue
	}
	must(asn1.Unmarshal(before, &parts))
	issuer := sha256.Sum256(s.Chain[0].RawSubjectPublicKeyInfo)
	t := SCT{LogID: keyID(s.CT.Public()), At: g.At, IssuerKey: issuer[:], TBS: parts.TBS.FullBytes, Key: s.CT}
	if g.SCT != nil {
		g.SCT(&t)
	}
	if t.Key == nil {
		return before
	}
	c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oidSCTs, Value: must(asn1.Marshal(prefixed(prefixed(t.sign()))))})
	return must(x509.CreateCertificate(rand.Reader, c, s.Chain[0], public, s.ChainKey))
}

func prefixed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

func (t *SCT) sign() []byte {
	millis := binary.BigEndian.AppendUint64(nil, uint64(t.At.UnixMilli()))
	n := len(t.TBS)
	input := slices.Concat([]byte{0, 0}, millis, []byte{0, 1}, t.IssuerKey, []byte{byte(n >> 16), byte(n >> 8), byte(n)}, t.TBS,
		prefixed(t.Extensions))
	by := t.Sign
	if by == nil {
		by = func(text []byte) []byte { return sign(t.Key, text) }
	}
	sig := by(input)
	return slices.Concat([]byte{0}, t.LogID, millis, prefixed(t.Extensions), []byte{4, 3}, prefixed(sig))
}

// log logs a signature.
func (s *Instance) log(g *Signing, leaf, sig, digest []byte) map[string]any {
	kind, version := "hashedrekord", "0.0.1"
	var body any
	verifier := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf})
	switch {
	case g.Tiles:
		version = "0.0.2"
		body = json.RawMessage(fmt.Sprintf(`{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{`+
			`"algorithm":"SHA2_256","digest":%q},"signature":{"content":%q,"verifier":{`+
			`"keyDetails":"PKIX_ECDSA_P256_SHA_256","x509Certificate":{"rawBytes":%q}}}}}}`,
			b64(digest), b64(sig), b64(leaf)))
	case g.Payload != nil:
		kind = "dsse"
		payload := sha256.Sum256(g.Payload)
		body = map[string]any{"apiVersion": version, "kind": kind, "spec": map[string]any{
			"envelopeHash": map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(digest)},
			"payloadHash":  map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(payload[:])},
			"signatures":   []any{map[string]any{"signature": b64(sig), "verifier": verifier}}}}
	default:
		body = map[string]any{"apiVersion": version, "kind": kind, "spec": map[string]any{
			"data":      map[string]any{"hash": map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(digest)}},
			"signature": map[string]any{"content": sig, "publicKey": map[string]any{"content": verifier}}}}
	}
	text := must(json.Marshal(body))
	if g.Body != nil {
		text = g.Body(text)
	}
	var leaves [][]byte
	for i := range s.size {
		leaves = append(leaves, hashLeaf([]byte{byte(i)}))
	}
	index := s.size - 2
	leaves[index] = hashLeaf(text)
	return s.include(g, kind, version, text, leaves, index)
}

// include proves that a log has an entry at an index of its tree.
func (s *Instance) include(g *Signing, kind, version string, text []byte, leaves [][]byte, index int64) map[string]any {
	path, root, size := treePath(leaves, index), treeRoot(leaves), len(leaves)
	if path == nil {
		path = [][]byte{}
	}
	origin, id := s.RekorHost+" - 4711", keyID(s.Rekor.Public())
	name := s.RekorHost
	if g.Tiles {
		origin, id, name = s.TilesHost, s.TilesID(), s.TilesHost
	}
	checkpoint := fmt.Sprintf("%s\n%d\n%s\n", origin, size, b64(root))
	if g.Checkpoint != nil {
		checkpoint = g.Checkpoint(checkpoint)
	}
	var signature []byte
	if g.Tiles {
		signature = ed25519.Sign(s.Tiles, []byte(checkpoint))
	} else {
		signature = sign(s.Rekor, []byte(checkpoint))
	}
	note := checkpoint + "\n— " + name + " " + b64(slices.Concat(id[:4], signature)) + "\n"
	if g.Signed != nil {
		note = g.Signed(note)
	}
	entry := map[string]any{
		"logId": map[string]any{"keyId": id}, "kindVersion": map[string]any{"kind": kind, "version": version}, "canonicalizedBody": text,
		"inclusionProof": map[string]any{"logIndex": fmt.Sprint(index), "treeSize": fmt.Sprint(size), "rootHash": root, "hashes": path,
			"checkpoint": map[string]any{"envelope": note}},
	}
	if g.Tiles {
		entry["logIndex"] = fmt.Sprint(index)
		return entry
	}
	p := &Promise{Body: text, IntegratedTime: g.At.Unix(), LogID: hex.EncodeToString(id), LogIndex: 1000 + index}
	if g.Promise != nil {
		g.Promise(p)
	}
	entry["logIndex"], entry["integratedTime"] = fmt.Sprint(1000+index), fmt.Sprint(g.At.Unix())
	entry["inclusionPromise"] = map[string]any{"signedEntryTimestamp": sign(s.Rekor, must(json.Marshal(p)))}
	return entry
}

func sign(key *ecdsa.PrivateKey, data []byte) []byte {
	digest := sha256.Sum256(data)
	return must(ecdsa.SignASN1(rand.Reader, key, digest[:]))
}

// stamp returns a TimeStampResp.
func (s *Instance) stamp(g *Signing, sig []byte) []byte {
	content := sig
	if g.Stamp != nil {
		content = g.Stamp(sig)
	}
	return TimeStamp(s.TSA, g.At, content, g.TSTInfo)
}

// TimeStamp returns a TimeStampResp of an authority, for content at a time; edit changes it before it is signed, nil leaves it.
func TimeStamp(by *tsatest.Authority, at time.Time, content []byte, edit func(*tspclient.TSTInfo)) []byte {
	tsa := *by
	tsa.Now = func() time.Time { return at }
	tsa.Edit = edit
	digest := sha256.Sum256(content)
	token := must(tsa.Token(&tspclient.Request{Version: 1, MessageImprint: tspclient.MessageImprint{
		HashAlgorithm: pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}},
		HashedMessage: digest[:]}}))
	return must(asn1.Marshal(struct {
		Status struct{ Status int }
		Token  asn1.RawValue
	}{Token: asn1.RawValue{FullBytes: token}}))
}

func hashLeaf(b []byte) []byte {
	h := sha256.Sum256(append([]byte{0}, b...))
	return h[:]
}

func hashNode(a, b []byte) []byte {
	h := sha256.Sum256(slices.Concat([]byte{1}, a, b))
	return h[:]
}

// split is the largest power of two below n (RFC 6962, section 2.1).
func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

func treeRoot(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := split(len(leaves))
	return hashNode(treeRoot(leaves[:k]), treeRoot(leaves[k:]))
}

func treePath(leaves [][]byte, i int64) [][]byte {
	if len(leaves) == 1 {
		return nil
	}
	k := split(len(leaves))
	if i < int64(k) {
		return append(treePath(leaves[:k], i), treeRoot(leaves[k:]))
	}
	return append(treePath(leaves[k:], i-int64(k)), treeRoot(leaves[:k]))
}

func key() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func spki(public crypto.PublicKey) []byte { return must(x509.MarshalPKIXPublicKey(public)) }

func keyID(public crypto.PublicKey) []byte {
	id := sha256.Sum256(spki(public))
	return id[:]
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// must is for what cannot fail here.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
