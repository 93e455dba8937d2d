package verify_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/internal/bundle"
	"github.com/ladingdev/lading/internal/bundlewriter"
	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
)

const (
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	dsseType      = "application/vnd.dsse.envelope.v1+json"
	simpleType    = "application/vnd.dev.cosign.simplesigning.v1+json"
	signatureNote = "dev.cosignproject.cosign/signature"
)

var subject = verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("an image"), Size: 8}

func content(mediaType string, data []byte) verify.Descriptor {
	return verify.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data)), Data: data}
}

// raw signs bytes as the key does in all formats.
func raw(t testing.TB, k sign.Key, message []byte) []byte {
	t.Helper()
	var (
		sig []byte
		err error
	)
	switch k.Public().(type) {
	case ed25519.PublicKey:
		sig, err = k.Sign(t.Context(), message, crypto.Hash(0))
	default:
		sum := sha256.Sum256(message)
		sig, err = k.Sign(t.Context(), sum[:], crypto.SHA256)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// forge signs whatever payload, truly, which no Signer would.
func forge(t testing.TB, payloadType string, payload []byte, keys ...sign.Key) *dsse.Envelope {
	t.Helper()
	e := &dsse.Envelope{PayloadType: payloadType, Payload: payload}
	for _, k := range keys {
		e.Signatures = append(e.Signatures, dsse.Signature{Sig: raw(t, k, dsse.PAE(payloadType, payload))})
	}
	return e
}

func forgeBundle(t testing.TB, payload string, key sign.Key) verify.Descriptor {
	t.Helper()
	return content(bundleType,
		bundlewriter.Append(nil, bundlewriter.PublicKey(nil, ""), forge(t, dsse.PayloadType, []byte(payload), key), nil))
}

func forgeSimple(t testing.TB, payload string, key sign.Key) verify.Descriptor {
	t.Helper()
	d := content(simpleType, []byte(payload))
	d.Annotations = map[string]string{signatureNote: base64.StdEncoding.EncodeToString(raw(t, key, d.Data))}
	return d
}

func trusting(formats []verify.Format, keys ...sign.Key) *verify.KeyVerifier {
	v := &verify.KeyVerifier{Formats: formats}
	for _, k := range keys {
		v.Keys = append(v.Keys, verify.TrustedKey{Key: k.Public()})
	}
	return v
}

func statement(subjects, predicateType string) string {
	return `{"_type":"https://in-toto.io/Statement/v1","subject":[` + subjects + `],"predicateType":"` + predicateType +
		`","predicate":{"n":9007199254740993}}`
}

// named is the statement that signs an image under a name, which simple signing demands.
func named(d verify.Descriptor) *sign.Statement {
	st := sign.About(d, sign.ImageSignature{})
	st.Subjects[0].Name = "registry.example.com/acme/app:v1"
	return st
}

func about(d digest.Digest) string {
	return `{"digest":{"` + d.Algorithm().String() + `":"` + d.Encoded() + `"}}`
}

// Truly signed by a trusted key, and yet not what was asked: subjects, types, and JSON that two readers could read in
// two ways.
func TestSignedButRefused(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	v := trusting(allFormats, key)
	hex := subject.Digest.Encoded()
	good := about(subject.Digest)
	const facts = "https://example.com/facts/v1"
	st := func(subjects string) verify.Descriptor { return forgeBundle(t, statement(subjects, facts), key) }
	bare := func(payloadType, payload string) verify.Descriptor {
		return content(dsseType, forge(t, payloadType, []byte(payload), key).Append(nil))
	}
	simple := func(digest, kind string) verify.Descriptor {
		return forgeSimple(t, `{"critical":{"identity":{"docker-reference":"r.example/a"},"image":{"docker-manifest-digest":"`+digest+
			`"},"type":"`+kind+`"},"optional":null}`, key)
	}
	const imageSignature = "cosign container image signature"
	blob, err := (&sign.BundleSigner{Key: key}).SignBlob(t.Context(), strings.NewReader("an image"))
	if err != nil {
		t.Fatal(err)
	}
	many := func(n int) string {
		return strings.TrimSuffix(strings.Repeat(about(digest.FromString("x"))+",", n), ",")
	}
	var digests []string
	for i := range 40 {
		digests = append(digests, fmt.Sprintf(`"alg%d":"00"`, i))
	}
	mislabelled := st(good)
	mislabelled.MediaType = dsseType
	unsigned := simple(string(subject.Digest), imageSignature)
	unsigned.Annotations = nil
	empty := simple(string(subject.Digest), imageSignature)
	empty.Annotations[signatureNote] = ""

	for name, tt := range map[string]struct {
		evidence verify.Descriptor
		want     error
	}{
		// The subject.
		"another subject":                 {st(about(digest.FromString("another"))), verify.ErrSubject},
		"sha512 alone":                    {st(about(digest.SHA512.FromString("an image"))), verify.ErrSubject},
		"upper-case hex":                  {st(`{"digest":{"sha256":"` + strings.ToUpper(hex) + `"}}`), verify.ErrSubject},
		"hex under another algorithm":     {st(`{"digest":{"sha512_256":"` + hex + `"}}`), verify.ErrSubject},
		"digest as name":                  {st(`{"name":"` + string(subject.Digest) + `","digest":{"sha256":"00"}}`), verify.ErrSubject},
		"prefix of the digest":            {st(`{"digest":{"sha256":"` + hex[:32] + `"}}`), verify.ErrSubject},
		"no subject":                      {st(``), verify.ErrMalformed},
		"a subject without digest":        {st(`{"name":"an image"}`), verify.ErrMalformed},
		"an empty digest set":             {st(`{"digest":{}}`), verify.ErrMalformed},
		"a good subject and a broken one": {st(good + `,{"name":"x"}`), verify.ErrMalformed},
		"1,025 subjects":                  {st(many(1025)), verify.ErrLimit},
		"40 digests":                      {st(`{"digest":{` + strings.Join(digests, ",") + `}}`), verify.ErrLimit},
		"simple signing, another image":   {simple(string(digest.FromString("another")), imageSignature), verify.ErrSubject},
		"simple signing, no digest":       {simple("", imageSignature), verify.ErrMalformed},
		// The type.
		"another payload type":      {bare("application/json", statement(good, facts)), verify.ErrType},
		"an in-toto subtype":        {bare("application/vnd.in-toto.facts+json", statement(good, facts)), verify.ErrType},
		"simple signing in DSSE":    {bare(simpleType, `{"critical":{}}`), verify.ErrType},
		"simple signing as in-toto": {bare(dsse.PayloadType, `{"critical":{"type":"`+imageSignature+`"}}`), verify.ErrType},
		"no statement":              {bare(dsse.PayloadType, `{}`), verify.ErrType},
		"a later statement": {forgeBundle(t, strings.Replace(statement(good, facts), "Statement/v1", "Statement/v2", 1), key),
			verify.ErrType},
		"no statement type": {forgeBundle(t,
			strings.Replace(statement(good, facts), `"_type":"https://in-toto.io/Statement/v1",`, "", 1), key), verify.ErrType},
		"no predicate type":         {forgeBundle(t, statement(good, ""), key), verify.ErrMalformed},
		"an array":                  {bare(dsse.PayloadType, `[`+statement(good, facts)+`]`), verify.ErrMalformed},
		"critical.type wrong":       {simple(string(subject.Digest), "atomic container signature"), verify.ErrType},
		"critical.type in capitals": {simple(string(subject.Digest), "COSIGN container image signature"), verify.ErrType},
		"critical.type empty":       {simple(string(subject.Digest), ""), verify.ErrType},
		"a file's signature":        {blob, verify.ErrType},
		"a bundle called DSSE":      {mislabelled, verify.ErrMalformed},
		"simple signing, unsigned":  {unsigned, verify.ErrMalformed},
		"simple signing, empty":     {empty, verify.ErrMalformed},
		// JSON.
		"subject twice": {forgeBundle(t,
			strings.Replace(statement(good, facts), `"predicateType"`, `"subject":[],"predicateType"`, 1), key), verify.ErrMalformed},
		"Subject": {forgeBundle(t, strings.Replace(statement(good, facts), `"subject"`, `"Subject"`, 1), key),
			verify.ErrMalformed},
		"subject and Subject": {forgeBundle(t,
			strings.Replace(statement(good, facts), `"predicateType"`, `"Subject":[],"predicateType"`, 1), key), verify.ErrMalformed},
		"digest twice":  {st(`{"digest":{"sha256":"00","sha256":"` + hex + `"}}`), verify.ErrMalformed},
		"escaped twice": {st(`{"digest":{"sha256":"00","sha\u003256":"` + hex + `"}}`), verify.ErrMalformed},
		"twice in predicate": {forgeBundle(t, strings.Replace(statement(good, facts), `{"n"`, `{"n":1,"n"`, 1), key),
			verify.ErrMalformed},
		"a tail": {forgeBundle(t, statement(good, facts)+"{}", key), verify.ErrMalformed},
		"invalid UTF-8": {forgeBundle(t, strings.Replace(statement(good, facts), `{"n"`, "{\"\xff\"", 1), key),
			verify.ErrMalformed},
		"byte order mark":  {forgeBundle(t, "\xef\xbb\xbf"+statement(good, facts), key), verify.ErrMalformed},
		"a lone surrogate": {st(`{"name":"\ud800","digest":{"sha256":"` + hex + `"}}`), verify.ErrMalformed},
		"depth": {forgeBundle(t, strings.Replace(statement(good, facts), `{"n":9007199254740993}`,
			strings.Repeat("[", 200)+strings.Repeat("]", 200), 1), key), verify.ErrLimit},
		"a predicate that is an array": {forgeBundle(t, strings.Replace(statement(good, facts), `{"n":9007199254740993}`, `[]`, 1), key),
			verify.ErrMalformed},
		"a predicate that is true": {forgeBundle(t, strings.Replace(statement(good, facts), `{"n":9007199254740993}`, `true`, 1), key),
			verify.ErrMalformed},
		"NaN": {forgeBundle(t, strings.Replace(statement(good, facts), `9007199254740993`, `NaN`, 1), key), verify.ErrMalformed},
	} {
		a, err := v.Verify(t.Context(), subject, tt.evidence)
		if !errors.Is(err, tt.want) || a != nil {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	// The same evidence without the flaw is accepted: every refusal above has its own reason.
	for _, e := range []verify.Descriptor{
		st(good), st(about(digest.FromString("x")) + "," + good), simple(string(subject.Digest), imageSignature),
		bare(dsse.PayloadType, statement(good, facts)), st(many(1023) + "," + good),
		forgeBundle(t, strings.Replace(statement(good, facts), "Statement/v1", "Statement/v0.1", 1), key),
	} {
		if _, err := v.Verify(t.Context(), subject, e); err != nil {
			t.Errorf("good: %v", err)
		}
	}
}

// Envelopes and bundles that are broken outside of what is signed.
func TestBrokenEnvelopes(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	v := trusting(allFormats, key)
	good := string(forgeBundle(t, statement(about(subject.Digest), "https://example.com/facts/v1"), key).Data)
	edit := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %s in %s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	if _, err := zw.Write([]byte(good)); err != nil || zw.Close() != nil {
		t.Fatal(err)
	}
	sig := good[strings.Index(good, `"sig":"`)+7 : strings.LastIndex(good, `"}]`)]
	payload := good[strings.Index(good, `"payload":"`)+11 : strings.Index(good, `","payloadType`)]
	for name, tt := range map[string]struct {
		data string
		want error
	}{
		"two signatures":       {edit(`"}]`, `"},{"sig":"`+sig+`"}]`), verify.ErrLimit},
		"no signature":         {edit(`[{"sig":"`+sig+`"}]`, `[]`), verify.ErrMalformed},
		"signatures null":      {edit(`[{"sig":"`+sig+`"}]`, `null`), verify.ErrMalformed},
		"an empty signature":   {edit(sig, ``), verify.ErrMalformed},
		"no payload":           {edit(`"payload":"`+payload+`",`, ``), verify.ErrMalformed},
		"payload twice":        {edit(`"payload":`, `"payload":"e30=","payload":`), verify.ErrMalformed},
		"Payload":              {edit(`"payload":`, `"Payload":"e30=","payload":`), verify.ErrMalformed},
		"line break in base64": {edit(payload, payload[:8]+`\n`+payload[8:]), verify.ErrMalformed},
		"a signature of another": {edit(sig, base64.StdEncoding.EncodeToString(raw(t, key, []byte("another")))),
			verify.ErrNotTrusted},
		"version 0.4":                        {edit(`v0.3`, `v0.4`), verify.ErrMalformed},
		"no version":                         {edit(`"mediaType":"`+bundleType+`",`, ``), verify.ErrMalformed},
		"an unknown member":                  {edit(`"verificationMaterial"`, `"more":1,"verificationMaterial"`), verify.ErrMalformed},
		"an unknown member of the envelope":  {edit(`"payloadType"`, `"more":1,"payloadType"`), verify.ErrMalformed},
		"an unknown member of the signature": {edit(`"sig"`, `"cert":"","sig"`), verify.ErrMalformed},
		"snake case":                         {edit(`"verificationMaterial"`, `"verification_material"`), verify.ErrMalformed},
		"a certificate as well":              {edit(`"publicKey"`, `"certificate":{"rawBytes":"AA=="},"publicKey"`), verify.ErrMalformed},
		"a certificate instead":              {edit(`"publicKey":{"hint":""}`, `"certificate":{"rawBytes":"AA=="}`), verify.ErrFormat},
		"no key":                             {edit(`"publicKey":{"hint":""}`, ``), verify.ErrMalformed},
		"material null":                      {edit(`{"publicKey":{"hint":""}}`, `null`), verify.ErrMalformed},
		"a message as well": {edit(`"dsseEnvelope"`, `"messageSignature":{"signature":"AA=="},"dsseEnvelope"`),
			verify.ErrMalformed},
		"neither": {`{"mediaType":"` + bundleType + `","verificationMaterial":{"publicKey":{}}}`,
			verify.ErrMalformed},
		"compressed":                      {zipped.String(), verify.ErrMalformed},
		"unpadded base64, both alphabets": {edit(sig, "-+"+strings.TrimRight(sig, "=")[2:]), verify.ErrMalformed},
		"envelope null": {`{"mediaType":"` + bundleType + `","verificationMaterial":{"publicKey":{}},` +
			`"dsseEnvelope":null}`, verify.ErrMalformed},
	} {
		if a, err := v.Verify(t.Context(), subject, content(bundleType, []byte(tt.data))); !errors.Is(err, tt.want) || a != nil {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	for name, data := range map[string]string{
		"as it is": good, "URL-safe base64": edit(sig, strings.NewReplacer("+", "-", "/", "_").Replace(sig)),
		"version 0.1":    edit(bundleType, "application/vnd.dev.sigstore.bundle+json;version=0.1"),
		"version 0.2":    edit(bundleType, "application/vnd.dev.sigstore.bundle+json;version=0.2"),
		"a foreign hint": edit(`"hint":""`, `"hint":"somebody"`),
		// What protocol buffers' mapping of a bundle to JSON allows beside.
		"unpadded base64":                   edit(sig, strings.TrimRight(sig, "=")),
		"alternatives that are null":        edit(`"publicKey"`, `"certificate":null,"x509CertificateChain":null,"publicKey"`),
		"a message that is null":            edit(`"dsseEnvelope"`, `"messageSignature":null,"dsseEnvelope"`),
		"a key id that is null":             edit(`"sig"`, `"keyid":null,"sig"`),
		"log entries and timestamps, empty": edit(`"publicKey"`, `"tlogEntries":[],"timestampVerificationData":{},"publicKey"`),
	} {
		if _, err := v.Verify(t.Context(), subject, content(bundleType, []byte(data))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The other two formats, in the same way: simple signing payloads truly signed, and bare envelopes changed around what is
// signed.
func TestBrokenPayloadsAndEnvelopes(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	v := trusting(allFormats, key)
	good := `{"critical":{"identity":{"docker-reference":"r.example/a"},"image":{"docker-manifest-digest":"` + string(subject.Digest) +
		`"},"type":"cosign container image signature"},"optional":{"a":"b"}}`
	envelope := string(forge(t, dsse.PayloadType, []byte(statement(about(subject.Digest), "https://example.com/facts/v1")),
		key).Append(nil))
	edit := func(text, old, new string) string {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("no %s in %s", old, text)
		}
		return strings.Replace(text, old, new, 1)
	}
	for name, tt := range map[string]struct {
		payload string
		want    error
	}{
		"as it is":       {good, nil},
		"more members":   {edit(good, `"optional"`, `"more":{},"optional"`), nil},
		"no optional":    {edit(good, `,"optional":{"a":"b"}`, ``), nil},
		"no reference":   {edit(good, `"docker-reference":"r.example/a"`, ``), nil},
		"Critical":       {edit(good, `"critical"`, `"Critical"`), verify.ErrMalformed},
		"critical twice": {edit(good, `"optional"`, `"critical":{},"optional"`), verify.ErrMalformed},
		"image twice":    {edit(good, `"type"`, `"image":{},"type"`), verify.ErrMalformed},
		"Image as well":  {edit(good, `"type"`, `"Image":{},"type"`), verify.ErrMalformed},
		"digest twice": {edit(good, `"docker-manifest-digest"`, `"docker-manifest-digest":"sha256:00","docker-manifest-digest"`),
			verify.ErrMalformed},
		"Docker-Manifest-Digest": {edit(good, `"docker-manifest-digest"`, `"Docker-Manifest-Digest"`), verify.ErrMalformed},
		"type twice":             {edit(good, `"type"`, `"type":"x","type"`), verify.ErrMalformed},
		"Kelvin's reference":     {edit(good, `"docker-reference"`, `"doc\u212aer-reference"`), verify.ErrMalformed},
		"optional twice":         {edit(good, `"a":"b"`, `"a":"b","a":"c"`), verify.ErrMalformed},
		"optional is an array":   {edit(good, `{"a":"b"}`, `[]`), verify.ErrMalformed},
		"digest is null":         {edit(good, `"`+string(subject.Digest)+`"`, `null`), verify.ErrMalformed},
		"digest is an array":     {edit(good, `"`+string(subject.Digest)+`"`, `["`+string(subject.Digest)+`"]`), verify.ErrMalformed},
		"digest in capitals":     {edit(good, string(subject.Digest), strings.ToUpper(string(subject.Digest))), verify.ErrSubject},
		"digest with a tail":     {edit(good, string(subject.Digest), string(subject.Digest)+`\u0000`), verify.ErrSubject},
		"digest without name":    {edit(good, string(subject.Digest), subject.Digest.Encoded()), verify.ErrSubject},
		"a tail":                 {good + "{}", verify.ErrMalformed},
		"a NUL":                  {good + "\x00", verify.ErrMalformed},
		"an array":               {"[" + good + "]", verify.ErrMalformed},
	} {
		if _, err := v.Verify(t.Context(), subject, forgeSimple(t, tt.payload, key)); !errors.Is(err, tt.want) {
			t.Errorf("simple signing, %s: %v, want %v", name, err, tt.want)
		}
	}
	for name, tt := range map[string]struct {
		envelope string
		want     error
	}{
		"as it is":    {envelope, nil},
		"white space": {"\r\n\t " + edit(envelope, `:`, " :\n") + "\n", nil},
		"more members": {edit(edit(envelope, `"sig"`, `"cert":"x","sig"`), `"payload":`, `"more":[{"payload":1}],"payload":`),
			nil},
		"key ids":                   {edit(envelope, `"sig"`, `"keyid":"somebody","sig"`), nil},
		"a key id that is null":     {edit(envelope, `"sig"`, `"keyid":null,"sig"`), nil},
		"a key id that is no text":  {edit(envelope, `"sig"`, `"keyid":1,"sig"`), verify.ErrMalformed},
		"a signature before":        {edit(envelope, `[{`, `[{"sig":"AA=="},{`), nil},
		"an empty one before":       {edit(envelope, `[{`, `[{"sig":""},{`), nil},
		"one without sig behind":    {edit(envelope, `}]`, `},{"keyid":"x"},{"sig":null}]`), nil},
		"empty ones alone":          {edit(edit(envelope, `"sig"`, `"s"`), `[{`, `[{"sig":""},{`), verify.ErrMalformed},
		"nine, eight of them empty": {edit(envelope, `[{`, `[`+strings.Repeat(`{"sig":""},`, 8)+`{`), verify.ErrLimit},
		"null before":               {edit(envelope, `[{`, `[null,{`), verify.ErrMalformed},
		"Signatures":                {edit(envelope, `"signatures"`, `"Signatures"`), verify.ErrMalformed},
		"signatures of a long s":    {edit(envelope, `"signatures"`, "\"\u017fignatures\""), verify.ErrMalformed},
		"sig twice":                 {edit(envelope, `"sig"`, `"sig":"AA==","sig"`), verify.ErrMalformed},
		"payloadType twice":         {edit(envelope, `"payloadType"`, `"payloadType":"x","payloadType"`), verify.ErrMalformed},
		"payloadtype as well":       {edit(envelope, `"payloadType"`, `"payloadtype":"x","payloadType"`), verify.ErrMalformed},
		"unpadded base64":           {edit(envelope, `==","payloadType"`, `","payloadType"`), verify.ErrMalformed},
		"payload as an object":      {`{"payload":{},"payloadType":"x","signatures":[{"sig":"AA=="}]}`, verify.ErrMalformed},
		"twice in what is unknown":  {edit(envelope, `"payload":`, `"more":{"a":1,"a":1},"payload":`), verify.ErrMalformed},
		"two envelopes":             {envelope + envelope, verify.ErrMalformed},
	} {
		if _, err := v.Verify(t.Context(), subject, content(dsseType, []byte(tt.envelope))); !errors.Is(err, tt.want) {
			t.Errorf("envelope, %s: %v, want %v", name, err, tt.want)
		}
	}
}

// Log entries and timestamps beside a key prove nothing here, and the Attestation says so.
func TestNotLookedAt(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	good := forgeBundle(t, statement(about(subject.Digest), "https://example.com/facts/v1"), key)
	good.Data = bytes.Replace(good.Data, []byte(`"publicKey"`),
		[]byte(`"tlogEntries":[{"logIndex":"-1"}],"timestampVerificationData":{"rfc3161Timestamps":[{"signedTimestamp":"AA=="}]},`+
			`"publicKey"`), 1)
	blob, err := (&sign.BundleSigner{Key: key}).SignBlob(t.Context(), strings.NewReader("a release"))
	if err != nil {
		t.Fatal(err)
	}
	v := trusting(nil, key)
	a, err := v.Verify(t.Context(), subject, good)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := v.VerifyBlob(t.Context(), strings.NewReader("a release"), blob)
	if err != nil {
		t.Fatal(err)
	}
	for want, checks := range map[string][]verify.Check{"time log timestamp": a.Checks, "time": plain.Checks} {
		var got []string
		for _, c := range checks {
			if c.Status == verify.NotChecked {
				got = append(got, c.Name)
			}
		}
		if strings.Join(got, " ") != want || a.Signers[0].TimeSource != verify.TimeUnknown {
			t.Errorf("not checked: %v, want %s", got, want)
		}
	}
}

// A certificate in an annotation, which anybody can write, neither hides a trusted key's signature nor replaces it.
func TestCertificateBeside(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	stranger, _ := newKey(t, sign.P256)
	for _, k := range []sign.Key{key, stranger} {
		for _, s := range []sign.Signer{&sign.DSSESigner{Key: k}, &sign.CosignSigner{Key: k}} {
			evidence, err := s.Sign(t.Context(), named(subject))
			if err != nil {
				t.Fatal(err)
			}
			evidence.Annotations["dev.sigstore.cosign/certificate"] = "-----BEGIN CERTIFICATE-----"
			_, err = trusting(allFormats, key).Verify(t.Context(), subject, evidence)
			if k == sign.Key(key) && err != nil || k != sign.Key(key) && !errors.Is(err, verify.ErrFormat) {
				t.Errorf("%s: %v", evidence.MediaType, err)
			}
		}
	}
}

// Who stops waiting gets no verdict, and the report says what was not looked at.
func TestCancelled(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	v := trusting(nil, key)
	evidence := forgeBundle(t, statement(about(subject.Digest), "https://example.com/facts/v1"), key)
	blob, err := (&sign.BundleSigner{Key: key}).SignBlob(t.Context(), strings.NewReader("a release"))
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("no more time")
	ctx, cancel := context.WithCancelCause(t.Context())
	slow := verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			if yield(evidence, nil) {
				cancel(why)
				yield(evidence, nil)
			}
		}
	})
	r := verify.Collect(ctx, subject, slow, v)
	if len(r.Attestations) != 1 || len(r.Rejected) != 0 || len(r.Incomplete) != 1 || !errors.Is(r.Incomplete[0], why) {
		t.Errorf("%d proven, %d rejected, incomplete: %v", len(r.Attestations), len(r.Rejected), r.Incomplete)
	}
	if a, err := v.Verify(ctx, subject, evidence); !errors.Is(err, verify.ErrUnchecked) || !errors.Is(err, why) || a != nil {
		t.Error(err)
	}
	if a, err := v.VerifyBlob(ctx, strings.NewReader("a release"), blob); !errors.Is(err, verify.ErrUnchecked) ||
		!errors.Is(err, why) || a != nil {
		t.Error(err)
	}
	ctx, cancel = context.WithCancelCause(t.Context())
	half := io.MultiReader(strings.NewReader("a "), readerFunc(func([]byte) (int, error) { cancel(why); return 0, nil }),
		strings.NewReader("release"))
	if a, err := v.VerifyBlob(ctx, half, blob); !errors.Is(err, verify.ErrUnchecked) || !errors.Is(err, why) || a != nil {
		t.Error(err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A trusted key's own hint turns "not trusted" into "tampered": for people, not for decisions.
func TestTampered(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(subject, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	evidence.Data = bytes.Replace(evidence.Data, []byte(`"payload":"eyJ`), []byte(`"payload":"eyK`), 1)
	if _, err := trusting(nil, key).Verify(t.Context(), subject, evidence); !errors.Is(err, verify.ErrTampered) {
		t.Error(err)
	}
}

// Signers are counted by key, whatever names, entries or bundles their signatures come in.
func TestDistinctSigners(t *testing.T) {
	a, _ := newKey(t, sign.P256)
	b, _ := newKey(t, sign.P256)
	payload := []byte(statement(about(subject.Digest), "https://example.com/facts/v1"))
	count := func(v *verify.KeyVerifier, e *dsse.Envelope) int {
		t.Helper()
		got, err := v.Verify(t.Context(), subject, content(dsseType, e.Append(nil)))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[verify.Identity]bool{}
		for _, s := range got.Signers {
			seen[s.Identity] = true
		}
		if len(seen) != len(got.Signers) {
			t.Errorf("a signer occurs twice: %v", got.Signers)
		}
		return len(seen)
	}
	both := trusting(allFormats, a, b)
	if n := count(both, forge(t, dsse.PayloadType, payload, a, b)); n != 2 {
		t.Errorf("two keys count as %d", n)
	}
	twice := forge(t, dsse.PayloadType, payload, a, a)
	twice.Signatures[0].KeyID, twice.Signatures[1].KeyID = "one", "two"
	if n := count(both, twice); n != 1 {
		t.Errorf("one key under two names counts as %d", n)
	}
	same := forge(t, dsse.PayloadType, payload, a)
	same.Signatures = append(same.Signatures, same.Signatures[0], same.Signatures[0])
	if n := count(both, same); n != 1 {
		t.Errorf("one signature three times counts as %d", n)
	}
	// ECDSA has two signatures for each: s and its negative.
	mirrored := forge(t, dsse.PayloadType, payload, a)
	mirrored.Signatures = append(mirrored.Signatures, dsse.Signature{Sig: mirror(t, elliptic.P256(), mirrored.Signatures[0].Sig)})
	if n := count(both, mirrored); n != 1 {
		t.Errorf("one signature and its mirror image count as %d", n)
	}
	// One key, as its owner's file has it, as somebody built it, and with more allowed.
	r, fromFile := newKey(t, sign.RSA2048)
	pub := *r.Public().(*rsa.PublicKey)
	pub.N = new(big.Int).Set(pub.N)
	thrice := &verify.KeyVerifier{Formats: allFormats, Keys: []verify.TrustedKey{fromFile, {Key: &pub},
		{Key: r.Public(), Schemes: []verify.Scheme{verify.SHA256WithRSA, verify.SHA512WithRSAPSS}}}}
	if n := count(thrice, forge(t, dsse.PayloadType, payload, r)); n != 1 {
		t.Errorf("one RSA key trusted in three ways counts as %d", n)
	}
	if n := count(trusting(allFormats, a, a, a), forge(t, dsse.PayloadType, payload, a, b)); n != 1 {
		t.Errorf("one key trusted three times counts as %d", n)
	}
	e := content(dsseType, forge(t, dsse.PayloadType, payload, a, a, a, a, a, a, a, a, a).Append(nil))
	if _, err := both.Verify(t.Context(), subject, e); !errors.Is(err, verify.ErrLimit) {
		t.Errorf("nine signatures: %v", err)
	}
}

// mirror returns the other signature that anybody can make from an ECDSA signature.
func mirror(t *testing.T, c elliptic.Curve, sig []byte) []byte {
	t.Helper()
	var v struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(sig, &v); err != nil {
		t.Fatal(err)
	}
	v.S.Sub(c.Params().N, v.S)
	out, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The key and the format fix the algorithm.
func TestAlgorithms(t *testing.T) {
	payload := []byte(statement(about(subject.Digest), "https://example.com/facts/v1"))
	pae := dsse.PAE(dsse.PayloadType, payload)
	try := func(k verify.TrustedKey, sig []byte) error {
		e := &dsse.Envelope{PayloadType: dsse.PayloadType, Payload: payload, Signatures: []dsse.Signature{{Sig: sig}}}
		_, err := (&verify.KeyVerifier{Keys: []verify.TrustedKey{k}}).Verify(context.Background(), subject,
			content(bundleType, bundlewriter.Append(nil, bundlewriter.PublicKey(nil, ""), e, nil)))
		return err
	}
	sum256, sum384, sum512 := sha256.Sum256(pae), sha512.Sum384(pae), sha512.Sum512(pae)
	must := func(sig []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	ec := func(c elliptic.Curve) *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	p256, p384, p521 := ec(elliptic.P256()), ec(elliptic.P384()), ec(elliptic.P521())
	r2048, _ := rsa.GenerateKey(rand.Reader, 2048)
	r1024, _ := rsa.GenerateKey(rand.Reader, 1024)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	key := func(pub crypto.PublicKey) verify.TrustedKey { return verify.TrustedKey{Key: pub} }
	with := func(pub crypto.PublicKey, schemes ...verify.Scheme) verify.TrustedKey {
		return verify.TrustedKey{Key: pub, Schemes: schemes}
	}
	withPh := with(ed.Public(), verify.PureEd25519, verify.Ed25519ph)
	r, s, err := ecdsa.Sign(rand.Reader, p256, sum256[:])
	if err != nil {
		t.Fatal(err)
	}
	fixed := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	ph := must(ed.Sign(nil, sum512[:], &ed25519.Options{Hash: crypto.SHA512}))
	p224 := ec(elliptic.P224())
	sum1 := sha1.Sum(pae)
	der := must(ecdsa.SignASN1(rand.Reader, p256, sum256[:]))
	long := append([]byte{0x30, 0x81}, der[1:]...) // the length in two bytes where one will do
	info := append([]byte("\x00\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), sum256[:]...)
	encoded := slices.Concat([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 256-2-len(info)), info) // RFC 8017, section 9.2
	exponent := func(e int) verify.TrustedKey { return key(&rsa.PublicKey{N: r2048.N, E: e}) }
	huge := &rsa.PublicKey{N: new(big.Int).Lsh(r2048.N, 1<<20), E: 65537}
	hs := sha256.Sum256(append([]byte("public key as a secret"), pae...))
	for name, tt := range map[string]struct {
		key  verify.TrustedKey
		sig  []byte
		want bool
	}{
		"P-256 SHA-256":                 {key(&p256.PublicKey), must(ecdsa.SignASN1(rand.Reader, p256, sum256[:])), true},
		"P-256 SHA-512":                 {key(&p256.PublicKey), must(ecdsa.SignASN1(rand.Reader, p256, sum512[:])), false},
		"P-256, the mirrored signature": {key(&p256.PublicKey), mirror(t, elliptic.P256(), der), true},
		"P-256, DER with a tail":        {key(&p256.PublicKey), append(bytes.Clone(der), 0), false},
		"P-256, BER":                    {key(&p256.PublicKey), long, false},
		"P-256 key, P-384 signature":    {key(&p256.PublicKey), must(ecdsa.SignASN1(rand.Reader, p384, sum256[:])), false},
		"P-256 r||s":                    {key(&p256.PublicKey), fixed, false},
		"P-384 SHA-384":                 {key(&p384.PublicKey), must(ecdsa.SignASN1(rand.Reader, p384, sum384[:])), true},
		"P-384 SHA-256":                 {key(&p384.PublicKey), must(ecdsa.SignASN1(rand.Reader, p384, sum256[:])), false},
		"P-384 SHA-256, allowed": {with(&p384.PublicKey, verify.ECDSAWithSHA384, verify.ECDSAWithSHA256),
			must(ecdsa.SignASN1(rand.Reader, p384, sum256[:])), true},
		"P-384 SHA-512, SHA-256 allowed": {with(&p384.PublicKey, verify.ECDSAWithSHA384, verify.ECDSAWithSHA256),
			must(ecdsa.SignASN1(rand.Reader, p384, sum512[:])), false},
		"P-521 SHA-512": {key(&p521.PublicKey), must(ecdsa.SignASN1(rand.Reader, p521, sum512[:])), true},
		"P-521 SHA-256": {key(&p521.PublicKey), must(ecdsa.SignASN1(rand.Reader, p521, sum256[:])), false},
		"P-521 SHA-256, allowed": {with(&p521.PublicKey, verify.ECDSAWithSHA256),
			must(ecdsa.SignASN1(rand.Reader, p521, sum256[:])), true},
		"RSA PKCS1 SHA-256":          {key(&r2048.PublicKey), must(rsa.SignPKCS1v15(nil, r2048, crypto.SHA256, sum256[:])), true},
		"RSA PKCS1 SHA-512":          {key(&r2048.PublicKey), must(rsa.SignPKCS1v15(nil, r2048, crypto.SHA512, sum512[:])), false},
		"RSA PKCS1 SHA-1":            {key(&r2048.PublicKey), must(rsa.SignPKCS1v15(nil, r2048, crypto.SHA1, sum1[:])), false},
		"RSA PKCS1, no hash named":   {key(&r2048.PublicKey), must(rsa.SignPKCS1v15(nil, r2048, 0, sum256[:])), false},
		"RSA, exponent 1":            {exponent(1), encoded, false},
		"RSA, exponent 0":            {exponent(0), fixed, false},
		"RSA, an even exponent":      {exponent(2), fixed, false},
		"RSA, a million bits":        {key(huge), fixed, false},
		"RSA PSS":                    {key(&r2048.PublicKey), must(rsa.SignPSS(rand.Reader, r2048, crypto.SHA256, sum256[:], nil)), false},
		"P-256, a scheme of RSA":     {with(&p256.PublicKey, verify.ECDSAWithSHA256, verify.SHA256WithRSA), der, false},
		"P-256, a scheme unknown":    {with(&p256.PublicKey, 200), der, false},
		"P-256, the default by zero": {with(&p256.PublicKey, 0), der, true},
		"P-256, the empty digest":    {with(&p256.PublicKey, verify.ECDSAWithSHA512), zeroDigest(t, &p256.PublicKey), false},
		"RSA 1024":                   {key(&r1024.PublicKey), must(rsa.SignPKCS1v15(nil, r1024, crypto.SHA256, sum256[:])), false},
		"P-224":                      {key(&p224.PublicKey), must(ecdsa.SignASN1(rand.Reader, p224, sum256[:])), false},
		"Ed25519":                    {key(ed.Public()), ed25519.Sign(ed, pae), true},
		"Ed25519, S plus the order":  {key(ed.Public()), addOrder(ed25519.Sign(ed, pae)), false},
		"Ed25519, a byte more":       {key(ed.Public()), append(ed25519.Sign(ed, pae), 0), false},
		"Ed25519, of a context":      {withPh, must(ed.Sign(nil, sum512[:], &ed25519.Options{Hash: crypto.SHA512, Context: "x"})), false},
		"Ed25519 of the digest":      {key(ed.Public()), ed25519.Sign(ed, sum256[:]), false},
		"Ed25519ph":                  {key(ed.Public()), ph, false},
		"Ed25519ph, allowed":         {withPh, ph, true},
		"HMAC":                       {key(&p256.PublicKey), hs[:], false},
		"zeros":                      {key(&p256.PublicKey), []byte{0x30, 6, 2, 1, 0, 2, 1, 0}, false},
		"no key":                     {key(nil), fixed, false},
		"a nil key":                  {key((*ecdsa.PublicKey)(nil)), fixed, false},
		"a nil RSA key":              {key((*rsa.PublicKey)(nil)), fixed, false},
		"an empty RSA key":           {key(&rsa.PublicKey{}), fixed, false},
		"an empty Ed25519 key":       {key(ed25519.PublicKey{}), fixed, false},
		"a secret":                   {key([]byte("secret")), hs[:], false},
	} {
		if err := try(tt.key, tt.sig); (err == nil) != tt.want || err != nil && !errors.Is(err, verify.ErrNotTrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := try(verify.TrustedKey{}, fixed); !errors.Is(err, verify.ErrNotTrusted) {
		t.Error(err)
	}
}

// zeroDigest returns a signature of the number zero, which anybody can make for any key: r is the x of a multiple of the key
// and s is r divided by the factor, here 1.
func zeroDigest(t *testing.T, pub *ecdsa.PublicKey) []byte {
	t.Helper()
	point, err := pub.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	r := new(big.Int).Mod(new(big.Int).SetBytes(point[1:33]), pub.Curve.Params().N)
	sig, err := asn1.Marshal(struct{ R, S *big.Int }{r, r})
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(pub, nil, sig) {
		t.Fatal("the forgery does not hold for a digest of no bytes, so it shows nothing")
	}
	return sig
}

// addOrder adds the order of the group to S of an Ed25519 signature, which RFC 8032 (section 5.1.7) has verifiers refuse.
func addOrder(sig []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	sum := order.Add(order, new(big.Int).SetBytes(s)).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(slices.Clone(sig[:32]), sum...)
}

// Only the formats that the caller lists are read, and nothing stands in for another.
func TestFormats(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	image := named(subject)
	signers := map[verify.Format]sign.Signer{verify.Bundle: &sign.BundleSigner{Key: key}, verify.DSSE: &sign.DSSESigner{Key: key},
		verify.SimpleSigning: &sign.CosignSigner{Key: key}}
	for accepted := range signers {
		for format, s := range signers {
			evidence, err := s.Sign(t.Context(), image)
			if err != nil {
				t.Fatal(err)
			}
			_, err = trusting([]verify.Format{accepted}, key).Verify(t.Context(), subject, evidence)
			if accepted == format && err != nil || accepted != format && !errors.Is(err, verify.ErrFormat) {
				t.Errorf("format %d where %d is accepted: %v", format, accepted, err)
			}
			_, err = trusting([]verify.Format{}, key).Verify(t.Context(), subject, evidence)
			if !errors.Is(err, verify.ErrFormat) {
				t.Errorf("format %d where none is accepted: %v", format, err)
			}
			_, err = (&verify.KeyVerifier{Formats: allFormats}).Verify(t.Context(), subject, evidence)
			if !errors.Is(err, verify.ErrNotTrusted) {
				t.Errorf("format %d without keys: %v", format, err)
			}
		}
	}
}

// A candidate's media type decides which reader it gets, whatever its case and parameters; the bundle's own must be known.
func TestMediaTypes(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	v := trusting(allFormats, key)
	payload := statement(about(subject.Digest), "https://example.com/facts/v1")
	b := forgeBundle(t, payload, key)
	envelope := content(dsseType, forge(t, dsse.PayloadType, []byte(payload), key).Append(nil))
	for mediaType, want := range map[string]error{
		bundleType: nil, "application/vnd.dev.sigstore.bundle+json;version=0.1": nil,
		"application/vnd.dev.sigstore.bundle+json; version=0.3": nil,
		"Application/vnd.dev.sigstore.bundle.v0.3+JSON":         nil, "application/vnd.dev.sigstore.bundle.v0.9+json": nil,
		"application/vnd.dev.sigstore.bundle": verify.ErrFormat, "application/vnd.dev.sigstore.bundle+xml": verify.ErrFormat,
		"application/json": verify.ErrFormat, "": verify.ErrFormat, ";": verify.ErrFormat, bundleType + ";x": verify.ErrFormat,
		"application/vnd.in-toto+json": verify.ErrFormat, dsseType: verify.ErrMalformed, simpleType: verify.ErrMalformed,
	} {
		e := b
		e.MediaType = mediaType
		if _, err := v.Verify(t.Context(), subject, e); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", mediaType, err, want)
		}
	}
	for mediaType, want := range map[string]error{dsseType: nil, dsseType + "; charset=utf-8": nil, bundleType: verify.ErrMalformed,
		"application/vnd.in-toto+json": verify.ErrFormat} {
		e := envelope
		e.MediaType = mediaType
		if _, err := v.Verify(t.Context(), subject, e); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", mediaType, err, want)
		}
	}
	for own, want := range map[string]error{
		"application/vnd.dev.sigstore.bundle+json;version=0.1": nil, "application/vnd.dev.sigstore.bundle+json;version=0.2": nil,
		"application/vnd.dev.sigstore.bundle+json;version=0.3": nil,
		"application/vnd.dev.sigstore.bundle+json;version=0.4": verify.ErrMalformed,
		"application/vnd.dev.sigstore.bundle.v0.4+json":        verify.ErrMalformed,
		"application/vnd.dev.sigstore.bundle+json":             verify.ErrMalformed,
		"APPLICATION/vnd.dev.sigstore.bundle.v0.3+json":        verify.ErrMalformed,
		bundleType + " ": verify.ErrMalformed, "": verify.ErrMalformed,
	} {
		e := content(bundleType, bytes.Replace(b.Data, []byte(bundleType), []byte(own), 1))
		if _, err := v.Verify(t.Context(), subject, e); !errors.Is(err, want) {
			t.Errorf("its own %q: %v, want %v", own, err, want)
		}
	}
}

// An attestation is no image signature, and annotations that nobody signed decide nothing.
func TestKinds(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(),
		sign.About(subject, sign.RawPredicate{Type: "https://spdx.dev/Document", JSON: []byte("{}")}))
	if err != nil {
		t.Fatal(err)
	}
	evidence.Annotations["dev.sigstore.bundle.predicateType"] = sign.ImageSignatureType
	evidence.ArtifactType = "application/vnd.dev.cosign.artifact.sig.v1+json"
	a, err := trusting(nil, key).Verify(t.Context(), subject, evidence)
	if err != nil || a.Kind != verify.Statement || a.PredicateType != "https://spdx.dev/Document" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestBlobs(t *testing.T) {
	for _, alg := range []sign.Algorithm{sign.P256, sign.P384, sign.P521, sign.RSA2048, sign.Ed25519} {
		key, _ := newKey(t, alg)
		other, _ := newKey(t, sign.P256)
		evidence, err := (&sign.BundleSigner{Key: key}).SignBlob(t.Context(), strings.NewReader("a release"))
		if err != nil {
			t.Fatal(err)
		}
		v := trusting(nil, other, key)
		a, err := v.VerifyBlob(t.Context(), strings.NewReader("a release"), evidence)
		if err != nil || a.Kind != verify.Blob || a.Subject.Digest != digest.FromString("a release") || a.Subject.Size != 9 ||
			len(a.Signers) != 1 {
			t.Errorf("%d: %+v, %v", alg, a, err)
		}
		if _, err := v.VerifyBlob(t.Context(), strings.NewReader("a  release"), evidence); !errors.Is(err, verify.ErrTampered) {
			t.Errorf("%d: another file: %v", alg, err)
		}
		if _, err := trusting(nil, other).VerifyBlob(t.Context(), strings.NewReader("a release"), evidence); !errors.Is(err,
			verify.ErrNotTrusted) {
			t.Errorf("%d: another key: %v", alg, err)
		}
		if _, err := v.Verify(t.Context(), verify.Descriptor{Digest: digest.FromString("a release")}, evidence); !errors.Is(err,
			verify.ErrType) {
			t.Errorf("%d: a file's signature for an image: %v", alg, err)
		}
	}
}

func TestBlobsRefused(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	ed, _ := newKey(t, sign.Ed25519)
	signer := &sign.BundleSigner{Key: key}
	file := sign.Descriptor{Digest: digest.FromString("a release"), Size: 9}
	image, err := signer.Sign(t.Context(), sign.About(file, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	fact, err := signer.Sign(t.Context(), sign.About(file, sign.RawPredicate{Type: "https://example.com/facts/v1", JSON: []byte("{}")}))
	if err != nil {
		t.Fatal(err)
	}
	blob, err := signer.SignBlob(t.Context(), strings.NewReader("a release"))
	if err != nil {
		t.Fatal(err)
	}
	hint := content("", bytes.Replace(blob.Data, []byte(`"digest":"`), []byte(`"digest":"AAAA`), 1))
	algorithm := content("", bytes.Replace(blob.Data, []byte("SHA2_256"), []byte("SHA1"), 1))
	bare := fact
	bare.MediaType = dsseType
	v := trusting(nil, key)
	edV := trusting(nil, key, ed)
	edV.Limits.BlobBytes = 4
	small := trusting(nil, key)
	small.Limits.EvidenceBytes = 10
	for name, tt := range map[string]struct {
		v        *verify.KeyVerifier
		evidence verify.Descriptor
		want     error
	}{
		"an image signature":     {v, image, verify.ErrType},
		"a wrong hint":           {v, hint, verify.ErrTampered},
		"an unknown hash":        {v, algorithm, verify.ErrMalformed},
		"not a bundle":           {v, bare, verify.ErrFormat},
		"nothing":                {v, verify.Descriptor{}, verify.ErrMalformed},
		"a large file in memory": {edV, blob, verify.ErrLimit},
		"large evidence":         {small, blob, verify.ErrLimit},
	} {
		if a, err := tt.v.VerifyBlob(t.Context(), strings.NewReader("a release"), tt.evidence); !errors.Is(err, tt.want) || a != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a, err := v.VerifyBlob(t.Context(), strings.NewReader("a release"), fact); err != nil || a.Kind != verify.Statement {
		t.Errorf("a statement about a file: %v", err)
	}
	// The signatures of images, offered as those of files that hold what was signed.
	payload, err := (&sign.CosignSigner{Key: key}).Sign(t.Context(), named(file))
	if err != nil {
		t.Fatal(err)
	}
	pae := dsse.PAE(dsse.PayloadType, []byte(statement(about(file.Digest), sign.ImageSignatureType)))
	for _, signed := range [][]byte{payload.Data, pae} {
		b := &bundle.Bundle{Message: &bundle.Message{Algorithm: "SHA2_256", Digest: []byte(digest.FromBytes(signed).Encoded()),
			Signature: raw(t, key, signed)}}
		if _, err := v.VerifyBlob(t.Context(), bytes.NewReader(signed),
			content("", bundlewriter.Append(nil, bundlewriter.PublicKey(nil, ""), nil, b.Message))); !errors.Is(err, verify.ErrType) {
			t.Errorf("a file %.40q: %v", signed, err)
		}
	}
	// A file is named by either of two digests, and by nothing that was made of them.
	for d, want := range map[digest.Digest]error{
		digest.FromString("a release"): nil, digest.SHA512.FromString("a release"): nil,
		digest.SHA384.FromString("a release"): verify.ErrSubject, digest.SHA512.FromString("another"): verify.ErrSubject,
	} {
		a, err := v.VerifyBlob(t.Context(), strings.NewReader("a release"),
			forgeBundle(t, statement(about(d), "https://example.com/facts/v1"), key))
		if !errors.Is(err, want) || err == nil && (a.Subject.Digest != d || a.Subject.Size != 9) {
			t.Errorf("a statement about %s: %+v, %v", d, a, err)
		}
	}
	torn := errors.New("disk torn")
	if _, err := v.VerifyBlob(t.Context(), errReader{torn}, blob); !errors.Is(err, torn) || !errors.Is(err, verify.ErrUnchecked) {
		t.Errorf("half a file: %v", err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// Sizes are bounded before anything is read.
func TestLimits(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	evidence := forgeBundle(t, statement(about(subject.Digest), "https://example.com/facts/v1"), key)
	v := trusting(nil, key)
	v.Limits.EvidenceBytes = len(evidence.Data)
	if _, err := v.Verify(t.Context(), subject, evidence); err != nil {
		t.Error(err)
	}
	v.Limits.EvidenceBytes--
	if _, err := v.Verify(t.Context(), subject, evidence); !errors.Is(err, verify.ErrLimit) {
		t.Error(err)
	}
	// A simple signing payload is small, or it could be a file that somebody had signed: see sign.BundleSigner.SignBlob.
	payload := `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":"` + string(subject.Digest) +
		`"},"type":"cosign container image signature"},"optional":null}`
	padded := payload + strings.Repeat(" ", 64<<10-len(payload))
	for padded, want := range map[string]error{padded: nil, padded + " ": verify.ErrLimit} {
		if _, err := trusting(allFormats, key).Verify(t.Context(), subject, forgeSimple(t, padded, key)); !errors.Is(err, want) {
			t.Errorf("a payload of %d bytes: %v", len(padded), err)
		}
	}
	evidence.Data = make([]byte, 32<<20+1)
	if _, err := trusting(nil, key).Verify(t.Context(), subject, evidence); !errors.Is(err, verify.ErrLimit) {
		t.Error(err)
	}
}

// A limit as large as a number can be is no limit, and wraps around to none: a key that once signed an empty file has not
// signed this one.
func TestLimitsWithoutLimit(t *testing.T) {
	key, _ := newKey(t, sign.Ed25519)
	v := trusting(nil, key)
	v.Limits = verify.Limits{EvidenceBytes: math.MaxInt, Signatures: math.MaxInt, Subjects: math.MaxInt, Digests: math.MaxInt,
		BlobBytes: math.MaxInt}
	if _, err := v.Verify(t.Context(), subject,
		forgeBundle(t, statement(about(subject.Digest), "https://example.com/facts/v1"), key)); err != nil {
		t.Error(err)
	}
	for signed, want := range map[string]error{"a release": nil, "": verify.ErrTampered} {
		blob, err := (&sign.BundleSigner{Key: key}).SignBlob(t.Context(), strings.NewReader(signed))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.VerifyBlob(t.Context(), strings.NewReader("a release"), blob); !errors.Is(err, want) {
			t.Errorf("%q signed: %v", signed, err)
		}
	}
}

// Broken candidates neither hide nor abort good ones, whatever their order, and each is in the report with its reason.
func TestCollectMany(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	stranger, _ := newKey(t, sign.P256)
	payload := statement(about(subject.Digest), "https://example.com/facts/v1")
	good, foreign := forgeBundle(t, payload, key), forgeBundle(t, payload, stranger)
	bad := []verify.Descriptor{foreign, content(bundleType, []byte("{")), content(bundleType, nil), content("text/plain", []byte("hello")),
		content(dsseType, good.Data)}
	unreadable := errors.New("blob unknown")
	src := verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			for i := range 1000 {
				d := bad[i%len(bad)]
				if i == 777 {
					d = good
				}
				var err error
				if i == 500 {
					err = unreadable
				}
				if !yield(d, err) {
					return
				}
			}
		}
	})
	r := verify.Collect(t.Context(), subject, src, trusting(nil, key))
	if len(r.Attestations) != 1 || len(r.Rejected) != 998 || len(r.Incomplete) != 1 || !errors.Is(r.Incomplete[0], unreadable) {
		t.Errorf("%d proven, %d rejected, incomplete: %v", len(r.Attestations), len(r.Rejected), r.Incomplete)
	}
	reasons := map[error]int{}
	for _, x := range r.Rejected {
		for _, kind := range []error{verify.ErrNotTrusted, verify.ErrMalformed, verify.ErrFormat} {
			if errors.Is(x, kind) {
				reasons[kind]++
			}
		}
		if len(x.Evidence.Data) > 0 {
			t.Fatal("a rejection keeps its data")
		}
	}
	if diff := cmp.Diff(map[error]int{verify.ErrNotTrusted: 199, verify.ErrMalformed: 399, verify.ErrFormat: 400}, reasons,
		cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

// What package json would read otherwise than we do, no reader of ours accepts: numbers survive exactly.
func TestExactNumbers(t *testing.T) {
	key, _ := newKey(t, sign.P256)
	a, err := trusting(nil, key).Verify(t.Context(), subject,
		forgeBundle(t, statement(about(subject.Digest), "https://example.com/facts/v1"), key))
	if err != nil {
		t.Fatal(err)
	}
	if want := json.RawMessage(`{"n":9007199254740993}`); !bytes.Equal(a.Predicate, want) {
		t.Errorf("%s", a.Predicate)
	}
}

func hasKind(err error) bool {
	for _, kind := range []error{verify.ErrFormat, verify.ErrMalformed, verify.ErrTampered, verify.ErrNotTrusted, verify.ErrSubject,
		verify.ErrType, verify.ErrLimit, verify.ErrUnchecked} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// A source without end does not keep Collect for ever, and what was not looked at is said.
func TestCollectEndless(t *testing.T) {
	_, key := newKey(t, sign.P256)
	endless := verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			for yield(verify.Descriptor{MediaType: "text/plain", Digest: digest.FromString("x")}, nil) {
			}
		}
	})
	report := verify.Collect(t.Context(), peerSubject(t), endless, &verify.KeyVerifier{Keys: []verify.TrustedKey{key}})
	if len(report.Incomplete) != 1 || !errors.Is(report.Incomplete[0], verify.ErrLimit) {
		t.Errorf("incomplete: %v", report.Incomplete)
	}
}
