package sigstore

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ourregistry "github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
	"github.com/ladingdev/lading/verify"
	oursigstore "github.com/ladingdev/lading/verify/sigstore"
	"github.com/opencontainers/go-digest"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	cosignverify "github.com/sigstore/cosign/v3/cmd/cosign/cli/verify"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	sgsign "github.com/sigstore/sigstore-go/pkg/sign"
	sgverify "github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/encoding/protojson"
)

const (
	bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	workflow   = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0"
	actions    = "https://token.actions.githubusercontent.com"
)

func run() map[string]any { return keylesstest.Run("acme/app", "release.yml", "refs/tags/v1.0") }

// A keylessSigner is what signs: with a certificate, or with a key and witnesses.
type keylessSigner interface {
	sign.Signer
	SignBlob(context.Context, io.Reader) (sign.Descriptor, error)
	SignStatement(context.Context, []byte) (sign.Descriptor, error)
}

// sigstoreGo returns sigstore-go's verification by a trusted root, of a name by an issuer or of a key: one entry of a log, one
// timestamp and, of a certificate, one timestamp of certificate transparency.
func sigstoreGo(t testing.TB, trusted *root.TrustedRoot, key sign.Key, name, issuer string) func([]byte, sgverify.ArtifactPolicyOption) (
	*sgverify.VerificationResult, error) {
	t.Helper()
	config := []sgverify.VerifierOption{sgverify.WithTransparencyLog(1), sgverify.WithSignedTimestamps(1)}
	var material root.TrustedMaterial = trusted
	var who sgverify.PolicyOption
	if key == nil {
		identity, err := sgverify.NewShortCertificateIdentity(issuer, "", name, "")
		if err != nil {
			t.Fatal(err)
		}
		config, who = append(config, sgverify.WithSignedCertificateTimestamps(1)), sgverify.WithCertificateIdentity(identity)
	} else {
		v, err := signature.LoadDefaultVerifier(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		keys := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
			return root.NewExpiringKey(v, time.Time{}, time.Time{}), nil
		})
		material, who = root.TrustedMaterialCollection{trusted, keys}, sgverify.WithKey()
	}
	v, err := sgverify.NewVerifier(material, config...)
	if err != nil {
		t.Fatal(err)
	}
	return func(data []byte, artifact sgverify.ArtifactPolicyOption) (*sgverify.VerificationResult, error) {
		var b bundle.Bundle
		if err := b.UnmarshalJSON(data); err != nil {
			return nil, err
		}
		return v.Verify(&b, sgverify.NewPolicy(artifact, who))
	}
}

// cosignReads asks cosign for a signature, or for an attestation, by a certificate's name or by a key.
func (f *fixture) cosignReads(ctx context.Context, attestation bool, trustedRoot, name string, hash crypto.Hash) error {
	common := options.CommonVerifyOptions{Offline: true, NewBundleFormat: true, MaxWorkers: 1, TrustedRootPath: trustedRoot,
		UseSignedTimestamps: true}
	who := options.CertVerifyOptions{CertIdentity: name, CertOidcIssuer: cmp.Or(f.issuer, actions)}
	if f.public != "" {
		who = options.CertVerifyOptions{}
	}
	if attestation {
		c := &cosignverify.VerifyAttestationCommand{CertVerifyOptions: who, CommonVerifyOptions: common, KeyRef: f.public,
			HashAlgorithm: hash,
			CheckClaims:   true, Output: "json", Offline: true, PredicateType: predicateType, MaxWorkers: 1, UseSignedTimestamps: true}
		return c.Exec(ctx, []string{f.image.String()})
	}
	c := &cosignverify.VerifyCommand{CertVerifyOptions: who, CommonVerifyOptions: common, KeyRef: f.public, HashAlgorithm: hash,
		CheckClaims: true, Output: "json", Offline: true, NewBundleFormat: true, MaxWorkers: 1, UseSignedTimestamps: true}
	return c.Exec(ctx, []string{f.image.String()})
}

// cosignReadsBlob asks cosign for a file's signature.
func (f *fixture) cosignReadsBlob(t *testing.T, text string, data []byte, trustedRoot, name string, hash crypto.Hash) error {
	t.Helper()
	dir := t.TempDir()
	file, evidence := filepath.Join(dir, "file"), filepath.Join(dir, "bundle.json")
	for path, data := range map[string][]byte{file: []byte(text), evidence: data} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := &cosignverify.VerifyBlobCmd{KeyOpts: options.KeyOpts{KeyRef: f.public, BundlePath: evidence, NewBundleFormat: true},
		TrustedRootPath: trustedRoot, Offline: true, UseSignedTimestamps: true, HashAlgorithm: hash}
	if f.public == "" {
		c.CertVerifyOptions = options.CertVerifyOptions{CertIdentity: name, CertOidcIssuer: cmp.Or(f.issuer, actions)}
	}
	return c.Exec(t.Context(), file)
}

// trusts are a server's trusted root, as each of the two takes it.
type trusts struct {
	root *root.TrustedRoot
	file string
}

func trustsOf(t *testing.T, trustedRoot []byte) trusts {
	t.Helper()
	trusted, err := root.NewTrustedRootFromJSON(trustedRoot)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "trusted_root.json")
	if err := os.WriteFile(file, trustedRoot, 0o600); err != nil {
		t.Fatal(err)
	}
	return trusts{trusted, file}
}

// A judged signer, with the image that it signs, and who is not meant.
type judged struct {
	keylessSigner
	*fixture
	hash            crypto.Hash // that cosign must be told of
	unloggable      bool        // files are
	here, elsewhere trusts
	stranger        *fixture
}

// sigstoreGo has sigstore-go say yes to what it must, and no to all else.
func (j *judged) sigstoreGo(t *testing.T, data []byte, this, another func() sgverify.ArtifactPolicyOption) {
	t.Helper()
	var key sign.Key
	if j.key != nil {
		key = j.key
	}
	reads := sigstoreGo(t, j.here.root, key, workflow, cmp.Or(j.issuer, actions))
	if _, err := reads(data, this()); err != nil {
		t.Fatalf("sigstore-go: %v", err)
	}
	if _, err := reads(data, another()); err == nil {
		t.Error("sigstore-go: accepted for something else")
	}
	for who, refuses := range map[string]func([]byte, sgverify.ArtifactPolicyOption) (*sgverify.VerificationResult, error){
		"another instance": sigstoreGo(t, j.elsewhere.root, key, workflow, cmp.Or(j.issuer, actions)),
		"another key":      sigstoreGo(t, j.here.root, j.stranger.key, "", ""),
		"another workflow": sigstoreGo(t, j.here.root, nil, workflow+"1", cmp.Or(j.issuer, actions)),
		"another issuer":   sigstoreGo(t, j.here.root, nil, workflow, actions+"1"),
	} {
		if _, err := refuses(data, this()); err == nil {
			t.Errorf("sigstore-go: accepted as of %s", who)
		}
	}
}

// blob has a file signed and read.
func (j *judged) blob(t *testing.T) {
	const text, another = "a release", "another release"
	d, err := j.SignBlob(t.Context(), strings.NewReader(text))
	if j.unloggable {
		if !errors.Is(err, keyless.ErrLog) {
			t.Errorf("%v: no log takes it", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	file := func(text string) func() sgverify.ArtifactPolicyOption {
		return func() sgverify.ArtifactPolicyOption { return sgverify.WithArtifact(strings.NewReader(text)) }
	}
	j.sigstoreGo(t, d.Data, file(text), file(another))
	if err := j.cosignReadsBlob(t, text, d.Data, j.here.file, workflow, j.hash); err != nil {
		t.Errorf("cosign: %v", err)
	}
	if j.cosignReadsBlob(t, another, d.Data, j.here.file, workflow, j.hash) == nil {
		t.Error("cosign accepts another file")
	}
	if j.cosignReadsBlob(t, text, d.Data, j.elsewhere.file, workflow, j.hash) == nil {
		t.Error("cosign accepts another instance's")
	}
}

// statement has evidence of a kind made, attached and read.
func (j *judged) statement(t *testing.T, kind string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f := *j.fixture
	f.fresh(t)
	text := []byte("{\n\t\"predicateType\" : \"" + predicateType + "\", \"predicate\":{\"n\": 1.0},\n" +
		"  \"subject\": [{\"digest\": {\"sha256\": \"" +
		f.subject.Digest.Encoded() + "\"}}],\r\n \"_type\":\"https:\\/\\/in-toto.io/Statement/v1\"}\n")
	var d sign.Descriptor
	var err error
	switch kind {
	case "signature":
		d, err = j.Sign(ctx, sign.About(f.subject, sign.ImageSignature{}))
	case "attestation":
		d, err = j.Sign(ctx, sign.About(f.subject, sign.RawPredicate{Type: predicateType, JSON: []byte(`{"n":1}`)}))
	default:
		d, err = j.SignStatement(ctx, text)
	}
	if err != nil {
		t.Fatal(err)
	}
	subject := func(d digest.Digest) func() sgverify.ArtifactPolicyOption {
		return func() sgverify.ArtifactPolicyOption { return digestOf(t, d) }
	}
	j.sigstoreGo(t, d.Data, subject(f.subject.Digest), subject(image.Digest))
	var b bundle.Bundle
	if err := b.UnmarshalJSON(d.Data); err != nil {
		t.Fatal(err)
	}
	if kind == "statement" && !bytes.Equal(b.GetDsseEnvelope().GetPayload(), text) {
		t.Errorf("not the bytes that were given: %q", b.GetDsseEnvelope().GetPayload())
	}
	f.attach(t, "", d)
	attestation := kind != "signature"
	if err := f.cosignReads(ctx, attestation, j.here.file, workflow, j.hash); err != nil {
		t.Errorf("cosign: %v", err)
	}
	if f.cosignReads(ctx, attestation, j.elsewhere.file, workflow, j.hash) == nil {
		t.Error("cosign accepts another instance's")
	}
	tagged := f
	tagged.freshWith(t, false)
	repository, err := ourregistry.Open(tagged.repository.String(), &ourregistry.Options{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repository.Attach(ctx, tagged.subject, d); err != nil {
		t.Fatal(err)
	}
	if err := tagged.cosignReads(ctx, attestation, j.here.file, workflow, j.hash); err != nil {
		t.Errorf("cosign, from a list under a tag: %v", err)
	}
	if f.key != nil {
		f.public = j.stranger.public
	}
	if f.cosignReads(ctx, attestation, j.here.file, workflow+"1", j.hash) == nil {
		t.Error("cosign accepts another signer's")
	}
}

// What we sign with a certificate, or with a key and witnesses, sigstore-go and cosign verify by the instance's trusted root; and not
// by another name, key or instance, nor of anything else.
func TestCosignAndSigstoreGoReadOurKeyless(t *testing.T) {
	quiet(t)
	s, other := keylesstest.Start(), keylesstest.Start()
	defer s.Close()
	defer other.Close()
	here, elsewhere := trustsOf(t, s.TrustedRoot()), trustsOf(t, other.TrustedRoot())
	p256, p384, rsa2048, ed25519 := &keyTypes[0], &keyTypes[1], &keyTypes[3], &keyTypes[6]
	for _, test := range []struct {
		log keylesstest.Log
		key *keyType // nil: a certificate
	}{{keylesstest.First, nil}, {keylesstest.Tiles, nil}, {keylesstest.First, p256}, {keylesstest.Tiles, p256},
		{keylesstest.First, p384}, {keylesstest.Tiles, p384}, {keylesstest.Tiles, rsa2048}, {keylesstest.First, ed25519}} {
		name := "certificate"
		if test.key != nil {
			name = test.key.name
		}
		t.Run(fmt.Sprintf("tiles=%v/%s", test.log, name), func(t *testing.T) {
			instance, err := keyless.ParseInstance(s.TrustedRoot(), s.SigningConfig(test.log))
			if err != nil {
				t.Fatal(err)
			}
			j := &judged{fixture: &fixture{}, here: here, elsewhere: elsewhere, stranger: setup(t, *p256), unloggable: test.key == ed25519,
				keylessSigner: &keyless.Signer{Instance: instance, Token: keyless.Token(s.Token(run()))}}
			if test.key != nil {
				j.fixture, j.hash = setup(t, *test.key), test.key.hash
				j.keylessSigner = &sign.BundleSigner{Key: j.key, Witness: &keyless.Witnesses{Instance: instance}}
			}
			t.Run("blob", j.blob)
			for _, kind := range []string{"signature", "attestation", "statement"} {
				t.Run(kind, func(t *testing.T) { j.statement(t, kind) })
			}
		})
	}
}

// roundTrips measures how long a client waits for answers, their bodies included.
type roundTrips struct {
	took     time.Duration
	requests int
}

func (r *roundTrips) RoundTrip(q *http.Request) (*http.Response, error) {
	start := time.Now()
	defer func() { r.took += time.Since(start) }()
	r.requests++
	resp, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, err
}

func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// sigstoreGoSigns has sigstore-go make what ours makes: a key, a certificate, a timestamp and an entry of a log, and verify them.
func sigstoreGoSigns(b *testing.B, s *keylesstest.Server, trusted *root.TrustedRoot, log keylesstest.Log, token string) func() []byte {
	statement := []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + image.Digest.Encoded() +
		`"}}],"predicateType":"` + predicateType + `","predicate":{"n":1}}`)
	at := &sgsign.RekorOptions{BaseURL: s.URL() + "/rekor", Version: 1}
	if log == keylesstest.Tiles {
		at = &sgsign.RekorOptions{BaseURL: s.URL() + "/tiles", Version: 2}
	}
	options := sgsign.BundleOptions{
		CertificateProvider:        sgsign.NewFulcio(&sgsign.FulcioOptions{BaseURL: s.URL() + "/fulcio"}),
		CertificateProviderOptions: &sgsign.CertificateProviderOptions{IDToken: token},
		TimestampAuthorities: []*sgsign.TimestampAuthority{
			sgsign.NewTimestampAuthority(&sgsign.TimestampAuthorityOptions{URL: s.URL() + "/tsa/api/v1/timestamp"})},
		TransparencyLogs: []sgsign.Transparency{sgsign.NewRekor(at)},
		TrustedRoot:      trusted,
		Context:          b.Context(),
	}
	return func() []byte {
		key, err := sgsign.NewEphemeralKeypair(nil)
		if err != nil {
			b.Fatal(err)
		}
		made, err := sgsign.Bundle(&sgsign.DSSEData{Data: statement, PayloadType: "application/vnd.in-toto+json"}, key, options)
		if err != nil {
			b.Fatal(err)
		}
		data, err := protojson.Marshal(made)
		if err != nil {
			b.Fatal(err)
		}
		return data
	}
}

// One signature of an attestation, by us and by sigstore-go in turn, and beside ours what cannot be spared: the same signature's round
// trips, two signatures (of the statement, and that the key is ours) and one verification. Both verify what they hand out.
func BenchmarkKeylessAgainstSigstoreGo(b *testing.B) {
	for _, log := range []keylesstest.Log{keylesstest.First, keylesstest.Tiles} {
		b.Run(fmt.Sprintf("tiles=%v", log), func(b *testing.B) {
			s := keylesstest.Start()
			defer s.Close()
			instance, err := keyless.ParseInstance(s.TrustedRoot(), s.SigningConfig(log))
			if err != nil {
				b.Fatal(err)
			}
			trusted, err := root.NewTrustedRootFromJSON(s.TrustedRoot())
			if err != nil {
				b.Fatal(err)
			}
			trust, err := oursigstore.ParseRoot(s.TrustedRoot(), nil)
			if err != nil {
				b.Fatal(err)
			}
			entry, err := oursigstore.GitHub{Repository: "acme/app", Workflow: "release.yml", Tags: "v*"}.Entry("release")
			if err != nil {
				b.Fatal(err)
			}
			v, err := oursigstore.New(trust, []oursigstore.Entry{entry}, nil)
			if err != nil {
				b.Fatal(err)
			}
			token, trips := s.Token(run()), &roundTrips{}
			signer := &keyless.Signer{Instance: instance, Token: keyless.Token(token), Client: &http.Client{Transport: trips}}
			about := sign.About(image, sign.RawPredicate{Type: predicateType, JSON: []byte(`{"n":1}`)})
			theirs := sigstoreGoSigns(b, s, trusted, log, token)
			key, err := sign.GenerateKey(sign.P256)
			if err != nil {
				b.Fatal(err)
			}
			verifies := func(data []byte) {
				if _, err := v.Verify(b.Context(), image, verify.Descriptor{MediaType: bundleType, Data: data}); err != nil {
					b.Fatal(err)
				}
			}
			verifies(theirs())
			var ours, trip, own, spared, other time.Duration
			for b.Loop() {
				trips.took = 0
				var d sign.Descriptor
				all := took(func() { d, err = signer.Sign(b.Context(), about) })
				if err != nil {
					b.Fatal(err)
				}
				ours, trip, own = quicker(ours, all), quicker(trip, trips.took), quicker(own, all-trips.took)
				spared = quicker(spared, took(func() { signRaw(b, key, d.Data); signRaw(b, key, d.Data); verifies(d.Data) }))
				other = quicker(other, took(func() { theirs() }))
			}
			// The quickest of each: what else the machine does counts for nobody.
			b.ReportMetric(float64(trip+own)/float64(trip+spared), "x-floor")
			b.ReportMetric(float64(own)/float64(spared), "x-own-floor")
			b.ReportMetric(float64(trip)/1e3, "us-trips")
			b.ReportMetric(float64(other)/float64(ours), "x-faster")
			b.ReportMetric(float64(trips.requests)/float64(b.N), "requests/op")
		})
	}
}

func quicker(least, d time.Duration) time.Duration {
	if least == 0 {
		return d
	}
	return min(least, d)
}
