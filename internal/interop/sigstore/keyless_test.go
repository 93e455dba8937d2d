package sigstore

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/attest"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	cosignsign "github.com/sigstore/cosign/v3/cmd/cosign/cli/sign"
	cosignverify "github.com/sigstore/cosign/v3/cmd/cosign/cli/verify"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
)

// signingConfig tells cosign where an instance is, and which of its logs to use.
func signingConfig(t *testing.T, url string, log uint32, stamps bool) *root.SigningConfig {
	t.Helper()
	start := time.Now().Add(-time.Hour)
	service := func(path string, version uint32) []root.Service {
		return []root.Service{{URL: url + path, MajorAPIVersion: version, ValidityPeriodStart: start, Operator: "example"}}
	}
	one := root.ServiceConfiguration{Selector: prototrustroot.ServiceSelector_ANY}
	var tsa []root.Service
	if stamps {
		tsa = service("/tsa", 1)
	}
	config, err := root.NewSigningConfig(root.SigningConfigMediaType02, service("", 1), service("", 1), service("", log), one, tsa, one)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// What cosign signs keyless, in each log, as bundles that refer to the image and in its first formats at tags, we verify: the
// signature and the attestation, whose signer is a workload or a person. cosign is asked too. Of the second log's entries its first
// format keeps less than proves them, and neither accepts those without more.
func TestOursReadCosignKeyless(t *testing.T) {
	quiet(t)
	predicate := filepath.Join(t.TempDir(), "predicate.json")
	if err := os.WriteFile(predicate, []byte(`{"n":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	const issuer = "https://issuer.example"
	instance := sigstoretest.New(time.Now())
	server := httptest.NewServer(instance.Handler())
	t.Cleanup(server.Close)
	trusted := instance.TrustedRoot(nil)
	rootFile := filepath.Join(t.TempDir(), "trusted_root.json")
	if err := os.WriteFile(rootFile, trusted, 0o600); err != nil {
		t.Fatal(err)
	}
	material, err := root.NewTrustedRootFromJSON(trusted)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := sigstore.ParseRoot(trusted, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		who            string
		log            uint32
		stamps, bundle bool
	}{
		{"https://example.com/acme/app/release", 1, false, true},
		{"https://example.com/acme/app/release", 1, true, true},
		{"https://example.com/acme/app/release", 2, true, true},
		{"builder@example.com", 1, false, true},
		{"builder@example.com", 2, true, true},
		{"https://example.com/acme/app/release", 1, false, false},
		{"https://example.com/acme/app/release", 1, true, false},
		{"https://example.com/acme/app/release", 2, true, false},
	} {
		t.Run(fmt.Sprintf("%s/log=%d/stamps=%v/bundle=%v", tt.who, tt.log, tt.stamps, tt.bundle), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			f := &fixture{}
			f.fresh(t)
			token := filepath.Join(t.TempDir(), "token") // on the command line cosign takes one of algorithm RS256 alone
			if err := os.WriteFile(token, []byte(instance.Token(issuer, tt.who)), 0o600); err != nil {
				t.Fatal(err)
			}
			ko := options.KeyOpts{IDToken: token, NewBundleFormat: tt.bundle, SkipConfirmation: true,
				SigningConfig: signingConfig(t, server.URL, tt.log, tt.stamps), TrustedMaterial: material}
			so := options.SignOptions{Upload: true, NewBundleFormat: tt.bundle, SkipConfirmation: true, TlogUpload: true}
			if err := cosignsign.SignCmd(ctx, &options.RootOptions{Timeout: time.Minute}, ko, so, []string{f.image.String()}); err != nil {
				t.Fatalf("cosign sign: %v", err)
			}
			a := &attest.AttestCommand{KeyOpts: ko, PredicatePath: predicate, PredicateType: predicateType, RekorEntryType: "dsse",
				Timeout: time.Minute, TlogUpload: true}
			if err := a.Exec(ctx, f.image.String()); err != nil {
				t.Fatalf("cosign attest: %v", err)
			}
			evidence := f.evidence(t, "")
			if !tt.bundle {
				evidence = append(f.evidence(t, ".sig"), f.evidence(t, ".att")...)
			}
			entry := sigstore.Entry{Name: "release", URI: sigstore.Exactly(tt.who), Issuer: sigstore.Exactly(issuer)}
			if tt.who == "builder@example.com" {
				entry.URI, entry.Email = sigstore.Pattern{}, sigstore.Exactly(tt.who)
			}
			formats := []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}
			v, err := sigstore.New(ours, []sigstore.Entry{entry}, &sigstore.Options{Formats: formats})
			if err != nil {
				t.Fatal(err)
			}
			entry.Issuer = sigstore.Exactly(issuer + ".attacker")
			stranger, err := sigstore.New(ours, []sigstore.Entry{entry}, &sigstore.Options{Formats: formats})
			if err != nil {
				t.Fatal(err)
			}
			kept := tt.bundle || tt.log == 1
			kinds := map[verify.Kind]int{}
			for _, e := range evidence {
				att, err := v.Verify(ctx, f.subject, e)
				if !kept {
					if err == nil || errors.Is(err, verify.ErrFormat) {
						t.Errorf("%s, an entry of the second log without a proof: %v", e.MediaType, err)
					}
					t.Logf("%s: %v", e.MediaType, err)
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", e.MediaType, err)
					continue
				}
				kinds[att.Kind]++
				if s := att.Signers[0]; s.Identity.Subject != tt.who || s.Identity.Issuer != issuer || s.SignedAt.IsZero() {
					t.Errorf("%+v", s)
				}
				if _, err := stranger.Verify(ctx, f.subject, e); !errors.Is(err, verify.ErrNotTrusted) {
					t.Errorf("by another issuer: %v", err)
				}
			}
			if kept && (kinds[verify.ImageSignature] != 1 || kinds[verify.Statement] != 1) {
				t.Errorf("%d candidates, found %v", len(evidence), kinds)
			}
			if len(evidence) != 2 {
				t.Errorf("%d candidates", len(evidence))
			}
			theirs := &cosignverify.VerifyCommand{CertVerifyOptions: options.CertVerifyOptions{CertIdentity: tt.who, CertOidcIssuer: issuer},
				CommonVerifyOptions: options.CommonVerifyOptions{TrustedRootPath: rootFile},
				NewBundleFormat:     tt.bundle, CheckClaims: true, Offline: true, UseSignedTimestamps: tt.stamps}
			if err := theirs.Exec(ctx, []string{f.image.String()}); (err == nil) != kept {
				t.Errorf("cosign verify: %v", err)
			}
			attestations := &cosignverify.VerifyAttestationCommand{CertVerifyOptions: theirs.CertVerifyOptions, PredicateType: predicateType,
				CommonVerifyOptions: options.CommonVerifyOptions{TrustedRootPath: rootFile, NewBundleFormat: tt.bundle, UseSignedTimestamps: tt.stamps},
				CheckClaims:         true, Offline: true, UseSignedTimestamps: tt.stamps}
			// cosign stamps the signature in an envelope, and looks for a timestamp of all of it.
			if err := attestations.Exec(ctx, []string{f.image.String()}); (err == nil) != (kept && (tt.bundle || !tt.stamps)) {
				t.Errorf("cosign verify-attestation: %v", err)
			} else if err != nil {
				t.Logf("cosign verify-attestation: %v", err)
			}
		})
	}
}
