package lading_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/bundlewriter"
	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/signedtext"
	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/internal/simplesigning"
	"github.com/ladingdev/lading/internal/tsatest"
	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/notaryproject/tspclient-go"
	"github.com/opencontainers/go-digest"
	"golang.org/x/crypto/ocsp"
)

func sure[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// oneKey is a key that is trusted in every format at once, which nobody should do and somebody does.
type oneKey struct {
	t     testing.TB
	key   *ecdsa.PrivateKey
	cert  *x509.Certificate
	image verify.Descriptor

	instance *sigstoretest.Instance // whose logs have the key
	logged   []byte                 // a bundle of the instance
	verifier *sigstore.Verifier     // by the instance
}

func newOneKey(t testing.TB) *oneKey {
	key := sure(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	name := pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}, CommonName: "one key"}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	cert := sure(x509.ParseCertificate(sure(x509.CreateCertificate(rand.Reader, c, c, key.Public(), key))))
	instance := sigstoretest.New(sigstoretest.SignedAt)
	instance.Rekor, instance.CT = key, key
	image := verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("an image"), Size: 8}
	root := sure(sigstore.ParseRoot(instance.TrustedRoot(nil), nil))
	anybody := sigstore.Entry{Name: "anybody", URI: sigstore.Matching(".+"), Issuer: sigstore.Matching(".+")}
	return &oneKey{t: t, key: key, cert: cert, image: image, instance: instance, logged: instance.Sign(sigstoretest.Release()),
		verifier: sure(sigstore.New(root, []sigstore.Entry{anybody}, nil))}
}

// sign is what a program does that signs whatever bytes it is given.
func (k *oneKey) sign(text []byte) []byte {
	sum := sha256.Sum256(text)
	return sure(ecdsa.SignASN1(rand.Reader, k.key, sum[:]))
}

func (k *oneKey) keys() *verify.KeyVerifier {
	return &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: k.key.Public()}},
		Formats: []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}}
}

func (k *oneKey) evidence(s sign.Signer) verify.Descriptor {
	st := sign.About(k.image, sign.ImageSignature{})
	if _, ok := s.(*sign.CosignSigner); ok {
		st.Subjects[0].Name = "registry.example.com/acme/app:v1"
	}
	return sure(s.Sign(k.t.Context(), st))
}

func (k *oneKey) notation(f signnotary.Format) verify.Descriptor {
	return k.evidence(&signnotary.Signer{Key: sign.FromSigner(k.key), Chain: []*x509.Certificate{k.cert}, Format: f})
}

func (k *oneKey) readNotation(mediaType string, envelope []byte) error {
	v := &notary.Verifier{CA: []*x509.Certificate{k.cert}, Identities: []string{"*"}, Revocation: notary.RevocationOffUnsafe}
	_, err := v.Verify(k.t.Context(), k.image,
		verify.Descriptor{MediaType: mediaType, ArtifactType: "application/vnd.cncf.notary.signature",
			Digest: digest.FromBytes(envelope), Size: int64(len(envelope)), Data: envelope})
	return err
}

// A signedFormat is a format as its own signer writes it, and as one who has a text and its signature rewrites them for it.
type signedFormat struct {
	name  string
	group string // formats of one group sign the same text, and are one format to a key
	text  func(k *oneKey) []byte
	read  func(k *oneKey, text, sig []byte) error
}

var errShape = errors.New("the text has not the shape of this format")

// signedFormats are all formats that are verified with a key. Those that stand in signedtext.All, and files.
var signedFormats = []signedFormat{
	{"bundle", "DSSE", textOfDSSE, func(k *oneKey, text, sig []byte) error {
		data := bundlewriter.Append(nil, bundlewriter.PublicKey(nil, ""), envelopeOf(text, sig), nil)
		_, err := k.keys().Verify(k.t.Context(), k.image, verify.Descriptor{MediaType: bundle.MediaType, Data: data})
		return err
	}},
	{"DSSE", "DSSE", textOfDSSE, func(k *oneKey, text, sig []byte) error {
		_, err := k.keys().Verify(k.t.Context(), k.image,
			verify.Descriptor{MediaType: dsse.MediaType, Data: envelopeOf(text, sig).Append(nil)})
		return err
	}},
	{"simple signing", "", func(k *oneKey) []byte {
		return k.evidence(&sign.CosignSigner{Key: sign.FromSigner(k.key)}).Data
	}, func(k *oneKey, text, sig []byte) error {
		_, err := k.keys().Verify(k.t.Context(), k.image, verify.Descriptor{MediaType: simplesigning.MediaType, Data: text,
			Annotations: map[string]string{simplesigning.SignatureAnnotation: base64.StdEncoding.EncodeToString(sig)}})
		return err
	}},
	{"JWS", "", func(k *oneKey) []byte {
		var e struct{ Protected, Payload string }
		if err := json.Unmarshal(k.notation(signnotary.JWS).Data, &e); err != nil {
			panic(err)
		}
		return []byte(e.Protected + "." + e.Payload)
	}, readJWS},
	{"COSE", "", textOfCOSE, readCOSE},
	{"file", "file", func(*oneKey) []byte { return []byte("a file") }, func(k *oneKey, text, sig []byte) error {
		data := bundlewriter.Append(nil, bundlewriter.PublicKey(nil, ""), nil, &bundle.Message{Signature: sig})
		data = bytes.Replace(data, []byte(`"messageDigest":{"algorithm":"","digest":""},`), nil, 1)
		_, err := k.keys().VerifyBlob(k.t.Context(), bytes.NewReader(text), verify.Descriptor{Data: data})
		return err
	}},
	{"certificate", "", func(k *oneKey) []byte { return k.cert.RawTBSCertificate }, func(k *oneKey, text, sig []byte) error {
		c, err := x509.ParseCertificate(wrapDER(text, sig))
		if err != nil {
			return err
		}
		return k.cert.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	}},
	{"revocation list", "", func(k *oneKey) []byte {
		issuer := *k.cert
		issuer.KeyUsage, issuer.SubjectKeyId = x509.KeyUsageCRLSign, []byte{1}
		list := sure(x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(),
			NextUpdate: time.Now().Add(time.Hour)}, &issuer, k.key))
		return sure(x509.ParseRevocationList(list)).RawTBSRevocationList
	}, func(k *oneKey, text, sig []byte) error {
		l, err := x509.ParseRevocationList(wrapDER(text, sig))
		if err != nil {
			return err
		}
		return k.cert.CheckSignature(l.SignatureAlgorithm, l.RawTBSRevocationList, l.Signature)
	}},
	{"OCSP", "", func(k *oneKey) []byte {
		r := sure(ocsp.CreateResponse(k.cert, k.cert,
			ocsp.Response{SerialNumber: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}, k.key))
		return sure(ocsp.ParseResponse(r, nil)).TBSResponseData
	}, readOCSP},
	{"timestamp", "", textOfTimestamp, func(k *oneKey, text, sig []byte) error {
		var attributes []struct {
			Type   asn1.ObjectIdentifier
			Values asn1.RawValue `asn1:"set"`
		}
		if rest, err := asn1.UnmarshalWithParams(text, &attributes, "set"); err != nil || len(rest) > 0 || len(attributes) == 0 {
			return errShape
		}
		return k.cert.CheckSignature(x509.ECDSAWithSHA256, text, sig)
	}},
	{"TSTInfo", "", func(k *oneKey) []byte {
		return sure(tspclient.ParseSignedToken(k.token())).Content
	}, func(k *oneKey, text, sig []byte) error {
		var info tspclient.TSTInfo
		if rest, err := asn1.Unmarshal(text, &info); err != nil || len(rest) > 0 {
			return errShape
		}
		return k.cert.CheckSignature(x509.ECDSAWithSHA256, text, sig)
	}},
	{"file, keyless", "file", func(*oneKey) []byte { return []byte("a file") }, func(k *oneKey, text, sig []byte) error {
		instance, g := *k.instance, sigstoretest.Release()
		g.Payload, g.Message, g.Key = nil, text, k.key // which signs the text
		return k.keyless(instance.Sign(g), text)
	}},
	{"log's promise", "", textOfPromise, readPromise},
	{"checkpoint", "", textOfCheckpoint, readCheckpoint},
	{"SCT", "", textOfSCT, func(k *oneKey, text, sig []byte) error {
		return k.keyless(k.certified(func([]byte) []byte { return sig }), nil)
	}},
	{"TUF", "", func(*oneKey) []byte {
		return []byte(`{"_type":"timestamp","expires":"2030-01-01T00:00:00Z","meta":{"snapshot.json":{"version":1}},` +
			`"spec_version":"1.0","version":1}`)
	}, func(k *oneKey, text, sig []byte) error {
		var m map[string]any // whose encoding is canonical, for there is nothing in it that is escaped
		if err := json.Unmarshal(text, &m); err != nil || m["_type"] != "timestamp" || !bytes.Equal(sure(json.Marshal(m)), text) {
			return errShape
		}
		return k.cert.CheckSignature(x509.ECDSAWithSHA256, text, sig)
	}},
}

func (k *oneKey) token() []byte {
	a := sure(tsatest.New(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), nil))
	return sure(a.Token(sure(tspclient.NewRequest(tspclient.RequestOptions{Content: []byte("x"), HashAlgorithm: crypto.SHA256}))))
}

// keyless verifies a bundle by the instance whose logs have the one key: about a file or else about an image.
func (k *oneKey) keyless(data, file []byte) error {
	evidence := verify.Descriptor{MediaType: bundle.MediaType, Data: data}
	if file != nil {
		_, err := k.verifier.VerifyBlob(k.t.Context(), bytes.NewReader(file), evidence)
		return err
	}
	_, err := k.verifier.Verify(k.t.Context(), verify.Descriptor{Digest: sigstoretest.Image}, evidence)
	return err
}

// entry changes the log entry of a bundle that verifies, and returns the bundle.
func (k *oneKey) entry(edit func(map[string]any)) []byte {
	var b map[string]any
	if err := json.Unmarshal(k.logged, &b); err != nil {
		panic(err)
	}
	edit(sigstoretest.Node(b, "verificationMaterial", "tlogEntries", 0))
	return sure(json.Marshal(b))
}

func textOfPromise(k *oneKey) (text []byte) {
	k.entry(func(e map[string]any) {
		id := sure(base64.StdEncoding.DecodeString(sigstoretest.Node(e, "logId")["keyId"].(string)))
		const form = `{"body":%q,"integratedTime":%s,"logID":"%x","logIndex":%s}` // RFC 8785
		text = fmt.Appendf(nil, form, e["canonicalizedBody"], e["integratedTime"], id, e["logIndex"])
	})
	return text
}

func readPromise(k *oneKey, text, sig []byte) error {
	return k.keyless(k.entry(func(e map[string]any) {
		var p sigstoretest.Promise
		if json.Unmarshal(text, &p) == nil && p.IntegratedTime != 0 {
			e["canonicalizedBody"], e["integratedTime"], e["logIndex"] = p.Body, fmt.Sprint(p.IntegratedTime), fmt.Sprint(p.LogIndex)
		}
		e["inclusionPromise"] = map[string]any{"signedEntryTimestamp": sig}
	}), nil)
}

// note returns the text of a checkpoint, and the line of its signature.
func note(e map[string]any) (text, line string) {
	all := sigstoretest.Node(e, "inclusionProof", "checkpoint")["envelope"].(string)
	at := strings.LastIndex(all, "\n\n") + 1
	return all[:at], all[at+1:]
}

func textOfCheckpoint(k *oneKey) (text []byte) {
	k.entry(func(e map[string]any) {
		s, _ := note(e)
		text = []byte(s)
	})
	return text
}

func readCheckpoint(k *oneKey, text, sig []byte) error {
	return k.keyless(k.entry(func(e map[string]any) {
		_, line := note(e)
		words := strings.Fields(line)
		hint := sure(base64.StdEncoding.DecodeString(words[2]))[:4]
		words[2] = base64.StdEncoding.EncodeToString(append(hint, sig...))
		sigstoretest.Node(e, "inclusionProof", "checkpoint")["envelope"] = string(text) + "\n" + strings.Join(words, " ") + "\n"
	}), nil)
}

// certified returns a bundle with a certificate, the same whenever it is asked for, whose timestamp by signs.
func (k *oneKey) certified(by func(text []byte) []byte) []byte {
	instance, g := *k.instance, sigstoretest.Release()
	g.Key, g.SCT = k.key, func(t *sigstoretest.SCT) { t.Sign = by }
	return instance.Sign(g)
}

func textOfSCT(k *oneKey) (text []byte) {
	k.certified(func(t []byte) []byte { text = t; return k.sign(t) })
	return text
}

func textOfDSSE(k *oneKey) []byte {
	var e struct{ Payload []byte }
	if err := json.Unmarshal(k.evidence(&sign.DSSESigner{Key: sign.FromSigner(k.key)}).Data, &e); err != nil {
		panic(err)
	}
	return dsse.PAE(dsse.PayloadType, e.Payload)
}

// envelopeOf returns the envelope that is signed over a text, or, if there is none, one that holds it.
func envelopeOf(text, sig []byte) *dsse.Envelope {
	e := &dsse.Envelope{PayloadType: dsse.PayloadType, Payload: text, Signatures: []dsse.Signature{{Sig: sig}}}
	if rest, ok := bytes.CutPrefix(text, []byte("DSSEv1 ")); ok {
		if n, rest, ok := bytes.Cut(rest, []byte(" ")); ok {
			if n, err := strconv.Atoi(string(n)); err == nil && n >= 0 && n < len(rest) {
				e.PayloadType = string(rest[:n])
				_, e.Payload, _ = bytes.Cut(rest[n+1:], []byte(" "))
			}
		}
	}
	return e
}

// fixed is an ECDSA signature on P-256 as JWS and COSE have it: r and s side by side.
func fixed(der []byte) []byte {
	var s struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &s); err != nil {
		panic(err)
	}
	return append(s.R.FillBytes(make([]byte, 32)), s.S.FillBytes(make([]byte, 32))...)
}

func readJWS(k *oneKey, text, sig []byte) error {
	protected, payload, _ := strings.Cut(string(text), ".")
	envelope := sure(json.Marshal(map[string]any{"protected": protected, "payload": payload,
		"signature": base64.RawURLEncoding.EncodeToString(fixed(sig)), "header": map[string]any{"x5c": [][]byte{k.cert.Raw}}}))
	return k.readNotation("application/jose+json", envelope)
}

// Sign1 messages and what they are signed over, RFC 9052, section 4.2 and 4.4, with CBOR's byte strings of RFC 8949.
const (
	sign1     = "\xd2\x84"
	structure = "\x84\x6aSignature1"
)

func byteString(b []byte) []byte {
	head := []byte{0x5a, 0, 0, 0, 0}
	switch {
	case len(b) < 24:
		return append([]byte{0x40 | byte(len(b))}, b...)
	case len(b) < 1<<8:
		return append([]byte{0x58, byte(len(b))}, b...)
	case len(b) < 1<<16:
		return append(binary.BigEndian.AppendUint16([]byte{0x59}, uint16(len(b))), b...)
	}
	binary.BigEndian.PutUint32(head[1:], uint32(len(b)))
	return append(head, b...)
}

func cutByteString(b []byte) (s, rest []byte, ok bool) {
	if len(b) == 0 || b[0]>>5 != 2 {
		return nil, nil, false
	}
	n, at := int(b[0]&31), 1
	if n >= 24 {
		width := 1 << (n - 24)
		if n > 26 || len(b) < 1+width {
			return nil, nil, false
		}
		n, at = 0, 1+width
		for _, c := range b[1:at] {
			n = n<<8 | int(c)
		}
	}
	if len(b)-at < n {
		return nil, nil, false
	}
	return b[at : at+n], b[at+n:], true
}

func textOfCOSE(k *oneKey) []byte {
	rest := bytes.TrimPrefix(k.notation(signnotary.COSE).Data, []byte(sign1))
	protected, rest, ok := cutByteString(rest)
	at := bytes.Index(rest, []byte(`{"targetArtifact"`))
	if !ok || at < 0 {
		panic("no Sign1 message")
	}
	payload := rest[at : bytes.Index(rest[at:], []byte("}}"))+at+2]
	return slices.Concat([]byte(structure), byteString(protected), byteString(nil), byteString(payload))
}

func readCOSE(k *oneKey, text, sig []byte) error {
	rest, ok1 := bytes.CutPrefix(text, []byte(structure))
	protected, rest, ok2 := cutByteString(rest)
	_, rest, ok3 := cutByteString(rest)
	payload, rest, ok4 := cutByteString(rest)
	if !ok1 || !ok2 || !ok3 || !ok4 || len(rest) > 0 {
		protected, payload = []byte{0xa0}, text
	}
	unprotected := slices.Concat([]byte{0xa1, 0x18, 33, 0x81}, byteString(k.cert.Raw)) // x5chain: [certificate]
	return k.readNotation("application/cose",
		slices.Concat([]byte(sign1), byteString(protected), unprotected, byteString(payload), byteString(fixed(sig))))
}

var ecdsaWithSHA256 = pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}}

// wrapDER puts a text and its signature together as X.509 does.
func wrapDER(text, sig []byte) []byte {
	body := slices.Concat(text, sure(asn1.Marshal(ecdsaWithSHA256)),
		sure(asn1.Marshal(asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)})))
	return sure(asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: body}))
}

func readOCSP(k *oneKey, text, sig []byte) error {
	type responseBytes struct {
		Type     asn1.ObjectIdentifier
		Response []byte
	}
	der := sure(asn1.Marshal(struct {
		Status   asn1.Enumerated
		Response responseBytes `asn1:"explicit,tag:0"`
	}{0, responseBytes{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}, wrapDER(text, sig)}}))
	r, err := ocsp.ParseResponse(der, nil)
	if err != nil {
		return err
	}
	return r.CheckSignatureFrom(k.cert)
}

func textOfTimestamp(k *oneKey) []byte {
	token := sure(tspclient.ParseSignedToken(k.token()))
	return sure(asn1.MarshalWithParams(token.SignerInfos[0].SignedAttributes, "set")) // RFC 5652, section 5.4
}

// No signature of one format is one of another, and nobody signs or takes for a file what is signed elsewhere. Each text goes to
// each reader with a signature that holds, as if a program had signed it that signs whatever it is given.
func TestNoKeySignsTwoThings(t *testing.T) {
	k := newOneKey(t)
	if n := len(signedFormats) - 3; n != len(signedtext.All) { // a bundle's text is that of DSSE, those of files are none
		t.Errorf("%d formats are tried here, and signedtext lists %d", n, len(signedtext.All))
	}
	files := &sign.BundleSigner{Key: sign.FromSigner(k.key)}
	var table strings.Builder
	fmt.Fprintf(&table, "%-16s", "text \\ read as")
	for _, f := range signedFormats {
		fmt.Fprintf(&table, " %-15s", f.name)
	}
	table.WriteString(" signed as a file\n")
	for _, from := range signedFormats {
		text := from.text(k)
		fmt.Fprintf(&table, "%-16s", from.name)
		for _, to := range signedFormats {
			err := to.read(k, text, k.sign(text))
			same := from.name == to.name || from.group != "" && from.group == to.group
			if (err == nil) != same {
				t.Errorf("%s, read as %s: %v", from.name, to.name, err)
			}
			fmt.Fprintf(&table, " %-15s", map[bool]string{true: "accepted", false: "refused"}[err == nil])
			if to.group == "file" && !same && !errors.Is(err, verify.ErrType) {
				t.Errorf("%s, read as a file: %v", from.name, err)
			}
		}
		_, err := files.SignBlob(t.Context(), bytes.NewReader(text))
		if from.group == "file" && err != nil || from.group != "file" && !errors.Is(err, sign.ErrStatement) {
			t.Errorf("%s, signed as a file: %v", from.name, err)
		}
		fmt.Fprintf(&table, " %s\n", map[bool]string{true: "signed", false: "refused"}[err == nil])
	}
	t.Logf("\n%s", &table)
}

// Whatever is signed as a file verifies as nothing else.
func FuzzFileIsNothingElse(f *testing.F) {
	k := newOneKey(f)
	for _, format := range signedFormats {
		text := format.text(k)
		f.Add(text)
		f.Add(append([]byte("\n"), text...))
		f.Add(append(bytes.Clone(text), '\n'))
		f.Add(append(bytes.Clone(text), "{}"...))
		f.Add(bytes.ReplaceAll(text, []byte("critical"), []byte("CRITICAL")))
		f.Add(bytes.ReplaceAll(text, []byte("."), []byte("\r\n.\n")))
		if len(text) > 0 {
			f.Add(text[:len(text)-1])
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := signedtext.File(bytes.NewReader(text)); err != nil {
			return
		}
		k := *k
		k.t = t
		sig := k.sign(text)
		for _, format := range signedFormats {
			if err := format.read(&k, text, sig); (err == nil) != (format.group == "file") {
				t.Errorf("as %s: %v", format.name, err)
			}
		}
	})
}
