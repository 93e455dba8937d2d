package sigstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/verify"
	oursigstore "github.com/ladingdev/lading/verify/sigstore"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/attest"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	cosignsign "github.com/sigstore/cosign/v3/cmd/cosign/cli/sign"
	cosignverify "github.com/sigstore/cosign/v3/cmd/cosign/cli/verify"
	"github.com/sigstore/sigstore-go/pkg/root"
)

// cosignAt returns what cosign signs with: a server's signing config, its trusted root, and a token.
func cosignAt(t *testing.T, s *sigstoretest.Server, tiles, bundles bool, token string) options.KeyOpts {
	t.Helper()
	config, err := root.NewSigningConfigFromJSON(s.SigningConfig(tiles))
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := root.NewTrustedRootFromJSON(s.TrustedRoot(nil))
	if err != nil {
		t.Fatal(err)
	}
	return options.KeyOpts{SigningConfig: config, TrustedMaterial: trusted, IDToken: token, NewBundleFormat: bundles,
		SkipConfirmation: true}
}

// What cosign signs keyless, by an instance over HTTP, we verify, and by the one entry that is meant.
func TestOursReadCosignKeyless(t *testing.T) {
	quiet(t)
	predicate := filepath.Join(t.TempDir(), "predicate.json")
	if err := os.WriteFile(predicate, []byte(`{"n":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := sigstoretest.Serve(sigstoretest.New(time.Now()))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "trusted_root.json")
	if err := os.WriteFile(file, s.TrustedRoot(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	trust, err := oursigstore.ParseRoot(s.TrustedRoot(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	entry := func(repository string) oursigstore.Entry {
		e, err := oursigstore.GitHub{Repository: repository, Workflow: "release.yml", Tags: "v*"}.Entry(repository)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	formats := []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}
	person, err := oursigstore.Person("builder", s.Issuer(), "builder@example.com")
	if err != nil {
		t.Fatal(err)
	}
	v, err := oursigstore.New(trust, []oursigstore.Entry{entry("acme/app"), person}, &oursigstore.Options{Formats: formats})
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := oursigstore.New(trust, []oursigstore.Entry{entry("acme/other")}, &oursigstore.Options{Formats: formats})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		mail                    string // of who signs; empty: a workflow
		tiles, bundles, stamped bool
		want                    error   // of ours
		cosign                  [2]bool // which it verifies itself: signature, attestation
	}{
		{"", false, true, true, nil, [2]bool{true, true}},
		{"", false, true, false, nil, [2]bool{true, true}},
		{"", true, true, true, nil, [2]bool{true, true}},
		{"builder@example.com", false, true, false, nil, [2]bool{true, true}},
		{"builder@example.com", true, true, true, nil, [2]bool{true, true}},
		{"", false, false, false, nil, [2]bool{true, true}},
		// It stamps the signature in an envelope, and when it verifies wants the envelope to be stamped, as it did before version 3.
		{"", false, false, true, nil, [2]bool{true, false}},
		{"", true, false, true, oursigstore.ErrNoProof, [2]bool{false, false}}, // it drops the proof
	} {
		t.Run(fmt.Sprintf("tiles=%v/bundles=%v/timestamp=%v/%s", test.tiles, test.bundles, test.stamped, test.mail), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			f := &fixture{}
			f.fresh(t)
			claims := sigstoretest.Run("acme/app", "release.yml", "refs/tags/v1.0")
			who := options.CertVerifyOptions{CertIdentity: "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0",
				CertOidcIssuer: sigstoretest.Actions}
			if test.mail != "" {
				claims = map[string]any{"email": test.mail, "email_verified": true, "sub": "7"}
				who = options.CertVerifyOptions{CertIdentity: test.mail, CertOidcIssuer: s.Issuer()}
			}
			ko := cosignAt(t, s, test.tiles, test.bundles, s.Token(claims))
			if !test.stamped {
				ko.SigningConfig = ko.SigningConfig.WithTimestampAuthorityURLs()
			}
			so := options.SignOptions{Upload: true, NewBundleFormat: test.bundles, SkipConfirmation: true,
				AnnotationOptions: options.AnnotationOptions{Annotations: []string{"stage=test"}}}
			if err := cosignsign.SignCmd(ctx, &options.RootOptions{Timeout: time.Minute}, ko, so, []string{f.image.String()}); err != nil {
				t.Fatalf("cosign sign: %v", err)
			}
			a := &attest.AttestCommand{KeyOpts: ko, PredicatePath: predicate, PredicateType: predicateType, RekorEntryType: "dsse",
				Timeout: time.Minute}
			if err := a.Exec(ctx, f.image.String()); err != nil {
				t.Fatalf("cosign attest: %v", err)
			}
			var evidence []verify.Descriptor
			if test.bundles {
				evidence = f.evidence(t, "")
			} else {
				evidence = append(f.evidence(t, ".sig"), f.evidence(t, ".att")...)
			}
			kinds := map[verify.Kind]int{}
			for _, e := range evidence {
				att, err := v.Verify(ctx, f.subject, e)
				if !errors.Is(err, test.want) {
					t.Errorf("%s: %v, not %v", e.MediaType, err, test.want)
				}
				if err != nil {
					continue
				}
				kinds[att.Kind]++
				if s := att.Signers[0]; s.Identity.Subject != who.CertIdentity || s.Identity.Issuer != who.CertOidcIssuer ||
					s.SignedAt.IsZero() {
					t.Errorf("%+v", s)
				}
				if att.Kind == verify.ImageSignature && att.Annotations["stage"] != "test" {
					t.Errorf("signed annotations: %v", att.Annotations)
				}
				if att.Kind == verify.Statement && (att.PredicateType != predicateType || !bytes.Contains(att.Predicate, []byte(`"n":1`))) {
					t.Errorf("%s %s", att.PredicateType, att.Predicate)
				}
				if _, err := stranger.Verify(ctx, f.subject, e); !errors.Is(err, oursigstore.ErrIdentity) {
					t.Errorf("from another repository: %v", err)
				}
			}
			if test.want == nil && (kinds[verify.ImageSignature] != 1 || kinds[verify.Statement] != 1) || len(evidence) != 2 {
				t.Errorf("%d candidates, found %v", len(evidence), kinds)
			}
			if got := f.cosignVerifyKeyless(ctx, who, file, test.bundles, test.stamped); [2]bool{got[0] == nil, got[1] == nil} !=
				test.cosign {
				t.Errorf("cosign itself: %v", got)
			}
		})
	}
}

// cosignVerifyKeyless asks cosign for the signature and the attestation.
func (f *fixture) cosignVerifyKeyless(
	ctx context.Context, who options.CertVerifyOptions, trustedRoot string, bundles, stamped bool,
) (errs [2]error) {
	common := options.CommonVerifyOptions{Offline: true, NewBundleFormat: bundles, MaxWorkers: 1, TrustedRootPath: trustedRoot,
		UseSignedTimestamps: stamped}
	sig := &cosignverify.VerifyCommand{CertVerifyOptions: who, CommonVerifyOptions: common, CheckClaims: true, Output: "json",
		Offline:         true,
		NewBundleFormat: bundles, MaxWorkers: 1, UseSignedTimestamps: stamped}
	att := &cosignverify.VerifyAttestationCommand{CertVerifyOptions: who, CommonVerifyOptions: common, CheckClaims: true, Output: "json",
		Offline: true, PredicateType: predicateType, MaxWorkers: 1, UseSignedTimestamps: stamped}
	return [2]error{sig.Exec(ctx, []string{f.image.String()}), att.Exec(ctx, []string{f.image.String()})}
}
