package notary_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ladingdev/lading/internal/notation/authorities"
	"github.com/ladingdev/lading/registry"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	verifynotary "github.com/ladingdev/lading/verify/notary"
	"github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/result"
	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/opencontainers/go-digest"
)

// archive returns the files of testdata/envelopes.tar.gz.
func archive(t *testing.T) map[string][]byte {
	t.Helper()
	f := must(os.Open("testdata/envelopes.tar.gz"))
	defer f.Close()
	files := make(map[string][]byte)
	for r := tar.NewReader(must(gzip.NewReader(f))); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			files[h.Name] = must(io.ReadAll(r))
		}
	}
}

// envelopeType says what a file is, by its first bytes.
func envelopeType(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte{0xd2}):
		return "application/cose"
	case json.Valid(data) && bytes.Contains(data, []byte(`"protected"`)):
		return "application/jose+json"
	}
	return ""
}

// unrevoked finds every certificate in order.
type unrevoked struct{}

func (unrevoked) ValidateContext(_ context.Context, o revocation.ValidateContextOptions) ([]*result.CertRevocationResult, error) {
	var out []*result.CertRevocationResult
	for range o.CertChain {
		out = append(out, &result.CertRevocationResult{Result: result.ResultOK})
	}
	return out, nil
}

// TestVerdicts has both judge every envelope of the corpus, with everything trusted that is in it, with and without
// timestamps and revocation.
func TestVerdicts(t *testing.T) {
	files := archive(t)
	var trusted []*x509.Certificate
	for name, data := range files {
		if strings.HasSuffix(name, ".crt") || strings.HasSuffix(name, ".pem") || strings.HasSuffix(name, ".cer") {
			for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
				if c, err := x509.ParseCertificate(block.Bytes); err == nil {
					trusted = append(trusted, c)
				}
			}
			if c, err := x509.ParseCertificate(data); err == nil {
				trusted = append(trusted, c)
			}
		}
	}
	accepted, refused := 0, 0
	for name, data := range files {
		mediaType := envelopeType(data)
		if mediaType == "" {
			continue
		}
		stores := trusted
		target := image
		if env, err := signature.ParseEnvelope(mediaType, data); err == nil {
			if content, err := env.Content(); err == nil {
				chain := content.SignerInfo.CertificateChain
				stores = append(stores[:len(stores):len(stores)], chain[len(chain)-1])
				var payload struct {
					TargetArtifact struct {
						MediaType string        `json:"mediaType"`
						Digest    digest.Digest `json:"digest"`
						Size      int64         `json:"size"`
					} `json:"targetArtifact"`
				}
				if json.Unmarshal(content.Payload.Content, &payload) == nil && payload.TargetArtifact.Digest != "" {
					target = verify.Descriptor{MediaType: payload.TargetArtifact.MediaType, Digest: payload.TargetArtifact.Digest,
						Size: payload.TargetArtifact.Size}
				}
			}
		}
		for mode := range 4 {
			stamped, skip := mode&1 != 0, mode&2 != 0
			kinds := []string{"ca:roots", "signingAuthority:roots"}
			v := &verifynotary.Verifier{CA: stores, SigningAuthority: stores, Identities: []string{"*"}}
			if stamped {
				kinds = append(kinds, "tsa:roots")
				v.TSA, v.RequireTimestamp = stores, true
			}
			level := trustpolicy.SignatureVerification{VerificationLevel: "strict"}
			var opts verifier.VerifierOptions
			if skip {
				// It asks about time stamping authorities all the same, where the specification skips ("Certificate Revocation
				// Evaluation").
				opts.RevocationTimestampingValidator = unrevoked{}
				v.Revocation = verifynotary.RevocationOffUnsafe
				level.Override = map[trustpolicy.ValidationType]trustpolicy.ValidationAction{
					trustpolicy.TypeRevocation: trustpolicy.ActionSkip}
			}
			theirs := must(verifier.NewWithOptions(&trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
				Name: "all", RegistryScopes: []string{"*"}, TrustStores: kinds, TrustedIdentities: []string{"*"},
				SignatureVerification: level,
			}}}, store(stores), nil, opts))
			_, theirErr := theirs.Verify(t.Context(), target, data, notation.VerifierVerifyOptions{
				ArtifactReference: "registry.example/app@" + string(target.Digest), SignatureMediaType: mediaType})
			_, ourErr := v.Verify(t.Context(), target, verify.Descriptor{MediaType: mediaType, Data: data})
			switch {
			case (ourErr == nil) != (theirErr == nil):
				t.Errorf("%s (timestamp %v, revocation skipped %v): ours: %v; notation-go: %v", name, stamped, skip, ourErr, theirErr)
			case ourErr == nil:
				accepted++
			default:
				refused++
			}
		}
	}
	t.Logf("%d verdicts: %d accepted, %d refused", accepted+refused, accepted, refused)
	if accepted == 0 || refused == 0 {
		t.Error("the corpus tells nothing apart")
	}
}

// stricter lists identities that only ours refuses, and what decides.
var stricter = map[string]string{
	`C=US,ST=WA,O=acme,X=y`: "X is no attribute type that is known, so that no certificate could ever match (RFC 4514, section 2.3)",
}

// TestTrustPolicies has both read the policies of the corpus, and policies with identities of every kind.
func TestTrustPolicies(t *testing.T) {
	documents := map[string]string{}
	for name, data := range archive(t) {
		if strings.Contains(name, "/trustpolicy/") && !strings.Contains(name, "blob") {
			documents[name] = string(data)
		}
	}
	for _, dn := range []string{
		"C=US,ST=WA,O=acme", " O=acme , ST=WA, C=US", "C=US,S=WA,O=acme", "C=US,ST=WA", "C=US,O=acme", "C=US,ST=WA,O=acme,O=acme",
		"C=US+ST=WA,O=acme", "C=US,ST=WA,O=Acme, Inc.", `C=US,ST=WA,O=Acme\, Inc.`, `C=US,ST=WA,O=Acme\2C Inc.`, `C=US,ST=WA,O=acme\ `,
		`C=US,ST=WA,O=\#acme`, "C=US,ST=WA,O=#130461636d65", `C=US,ST=WA,O=a\`, `C=US,ST=WA,O=a\x`,
		"C=US,ST=WA,O=acme,DC=x", "C=US,ST=WA,O=acme,UID=x", "C=US,ST=WA,O=acme,2.5.4.15=x", "C=US,ST=WA,O=acme,X=y", "", "*",
	} {
		documents["identity "+dn] = fmt.Sprintf(`{"version":"1.0","trustPolicies":[{"name":"one","registryScopes":["*"],`+
			`"signatureVerification":{"level":"strict"},"trustStores":["ca:e2e"],"trustedIdentities":[%q]}]}`, "x509.subject:"+dn)
	}
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	root := newChain(key)[1].Raw
	good, bad := 0, 0
	for name, document := range documents {
		var theirs trustpolicy.Document
		theirErr := json.Unmarshal([]byte(document), &theirs)
		if theirErr == nil {
			theirErr = theirs.Validate()
		}
		fsys := fstest.MapFS{"trustpolicy.json": {Data: []byte(document)}}
		for _, p := range theirs.TrustPolicies {
			for _, s := range p.TrustStores {
				fsys["truststore/x509/"+strings.Replace(s, ":", "/", 1)+"/root.cer"] = &fstest.MapFile{Data: root}
			}
		}
		_, ourErr := verifynotary.ReadTrustPolicy(fsys)
		reason := stricter[strings.TrimPrefix(name, "identity ")]
		switch {
		case ourErr == nil && theirErr != nil:
			t.Errorf("%s: laxer than notation-go, which says: %v", name, theirErr)
		case ourErr != nil && theirErr == nil && reason == "":
			t.Errorf("%s: stricter than notation-go, for no reason that is listed: %v", name, ourErr)
		case ourErr == nil:
			good++
		default:
			bad++
		}
	}
	t.Logf("%d policies: %d good, %d bad", good+bad, good, bad)
}

// TestLayouts finds what notation attached to an image, and judges it.
func TestLayouts(t *testing.T) {
	dir := t.TempDir()
	files := archive(t)
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	v := &verifynotary.Verifier{Identities: []string{"x509.subject: CN=e2e, O=Notary, L=Seattle, ST=WA, C=US"},
		CA: must(verifynotary.ParseCertificates(files["notary-envelopes/notaryproject-notation/localkeys/e2e.crt"]))}
	for name, want := range map[string]struct {
		good     int
		rejected []error
	}{
		"e2e":                           {},
		"e2e-valid-signature":           {good: 1},
		"e2e-valid-multiple-signatures": {good: 1, rejected: []error{verify.ErrNotTrusted}},
		"e2e-expired-signature":         {rejected: []error{verify.ErrExpired}},
		"e2e-invalid-signature":         {}, // no envelope is attached there
	} {
		layout := must(registry.OpenLayout(filepath.Join(dir, "notary-envelopes/notaryproject-notation/oci-layout", name)))
		subject := must(layout.Resolve(t.Context(), "v1"))
		r := verify.Collect(t.Context(), subject, layout, v)
		if len(r.Attestations) != want.good || len(r.Rejected) != len(want.rejected) || len(r.Incomplete) != 0 {
			t.Errorf("%s: %d attestations, rejected %v, incomplete %v", name, len(r.Attestations), r.Rejected, r.Incomplete)
			continue
		}
		for i, kind := range want.rejected {
			if !errors.Is(r.Rejected[i], kind) {
				t.Errorf("%s: %v", name, r.Rejected[i])
			}
		}
	}
}

// TestCRLs asks about a leaf of the corpus, by each of the lists that are there.
func TestCRLs(t *testing.T) {
	const dir = "notary-envelopes/notaryproject-notation/crl/"
	files := archive(t)
	chain := must(signnotary.ParseChain(files[dir+"certchain_with_crl.pem"]))
	for name, want := range map[string]result.Result{
		"leaf.crl": result.ResultOK, "leaf_revoked.crl": result.ResultRevoked, "leaf_expired.crl": result.ResultUnknown,
	} {
		client := &http.Client{Transport: served(files[dir+name])}
		got := must(authorities.Validator{Client: client}.ValidateContext(t.Context(), revocation.ValidateContextOptions{CertChain: chain}))
		if got[0].Result != want {
			t.Errorf("%s: %v, want %v", name, got[0].Result, want)
		}
	}
}

// served is what every address answers.
type served []byte

func (s served) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(s))}, nil
}
