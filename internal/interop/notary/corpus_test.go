package notary_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/ladingdev/lading/verify"
	verifynotary "github.com/ladingdev/lading/verify/notary"
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

// stricter lists envelopes that only ours refuses, and what decides.
var stricter = map[string]string{
	"_valid_sig_env.json": "an unsigned member is spelled io.cncf.notary.SigningAgent: the specification's name is signingAgent, and readers that fold case would take it for that (envelope JWS, unsigned attributes)",
}

// TestVerdicts has both judge every envelope of the corpus, with everything trusted that is in it. Ours may be stricter for
// a reason that is listed, and is never laxer.
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
	agreed, accepted, refused := 0, 0, 0
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
					target = verify.Descriptor{MediaType: payload.TargetArtifact.MediaType, Digest: payload.TargetArtifact.Digest, Size: payload.TargetArtifact.Size}
				}
			}
		}
		for _, stamped := range []bool{false, true} {
			kinds := []string{"ca:roots", "signingAuthority:roots"}
			v := &verifynotary.Verifier{CA: stores, SigningAuthority: stores, Identities: []string{"*"}}
			if stamped {
				kinds = append(kinds, "tsa:roots")
				v.TSA, v.RequireTimestamp = stores, true
			}
			theirs := must(verifier.New(&trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
				Name: "all", RegistryScopes: []string{"*"}, TrustStores: kinds, TrustedIdentities: []string{"*"},
				SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: "strict"},
			}}}, store(stores), nil))
			_, theirErr := theirs.Verify(t.Context(), target, data, notation.VerifierVerifyOptions{
				ArtifactReference: "registry.example/app@" + string(target.Digest), SignatureMediaType: mediaType})
			_, ourErr := v.Verify(t.Context(), target, verify.Descriptor{MediaType: mediaType, Data: data})
			reason := ""
			for part, why := range stricter {
				if strings.Contains(name, part) {
					reason = why
				}
			}
			switch {
			case ourErr == nil && theirErr != nil:
				t.Errorf("%s (timestamp %v): laxer than notation-go, which says: %v", name, stamped, theirErr)
			case ourErr != nil && theirErr == nil && reason == "":
				t.Errorf("%s (timestamp %v): stricter than notation-go, for no reason that is listed: %v", name, stamped, ourErr)
			case ourErr != nil && theirErr == nil:
				t.Logf("%s (timestamp %v): stricter: %s", name, stamped, reason)
			default:
				agreed++
				if ourErr == nil {
					accepted++
				} else {
					refused++
				}
			}
		}
	}
	t.Logf("%d verdicts agree: %d accepted, %d refused", agreed, accepted, refused)
	if accepted == 0 || refused == 0 {
		t.Error("the corpus tells nothing apart")
	}
}
