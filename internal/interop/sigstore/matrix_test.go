package sigstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sigstore/cosign/v3/cmd/cosign/cli"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/attest"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	cosignsign "github.com/sigstore/cosign/v3/cmd/cosign/cli/sign"
	cosignverify "github.com/sigstore/cosign/v3/cmd/cosign/cli/verify"
	"github.com/sigstore/sigstore-go/pkg/root"

	ourregistry "github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
	"github.com/ladingdev/lading/verify"
	oursigstore "github.com/ladingdev/lading/verify/sigstore"
)

// stores are where evidence is: registries with and without a referrers API, and an OCI layout.
var stores = []string{"API", "fallback", "layout"}

// matrixFormat is one format of cosign in the matrix of docs/interop.md.
type matrixFormat struct {
	name    string
	keyless bool
	log     keylesstest.Log
	bundles bool
}

var matrixFormats = []matrixFormat{
	{"cosign v3", false, keylesstest.First, true}, {"first formats", false, keylesstest.First, false},
	{"keyless v1", true, keylesstest.First, true}, {"keyless v2", true, keylesstest.Tiles, true},
}

// Each cell of the matrix for cosign: an image signature in a format, kept in a store, written by one and read by the other.
func TestMatrix(t *testing.T) {
	quiet(t)
	s := keylesstest.Start()
	defer s.Close()
	here := trustsOf(t, s.TrustedRoot())
	for _, format := range matrixFormats {
		for _, store := range stores {
			t.Run(fmt.Sprintf("%s/we write/%s", format.name, store), func(t *testing.T) { weWrite(t, s, here, format, store) })
			t.Run(fmt.Sprintf("%s/they write/%s", format.name, store), func(t *testing.T) { theyWrite(t, s, here, format, store) })
		}
	}
}

func (m matrixFormat) fixture(t *testing.T, store string) *fixture {
	t.Helper()
	f := new(fixture)
	if !m.keyless {
		f = setup(t, keyTypes[0])
	}
	f.freshWith(t, store != "fallback")
	return f
}

func weWrite(t *testing.T, s *keylesstest.Server, here trusts, m matrixFormat, store string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f := m.fixture(t, store)
	repo := f.open(t)
	statement := sign.About(f.subject, sign.ImageSignature{})
	attach := func(d sign.Descriptor) error { _, err := repo.Attach(ctx, f.subject, d); return err }
	var signer sign.Signer
	switch {
	case m.keyless:
		instance, err := keyless.ParseInstance(s.TrustedRoot(), s.SigningConfig(m.log))
		if err != nil {
			t.Fatal(err)
		}
		signer = &keyless.Signer{Instance: instance, Token: keyless.Token(s.Token(run()))}
	case m.bundles:
		signer = &sign.BundleSigner{Key: f.key}
	default:
		signer, statement.Subjects[0].Name = &sign.CosignSigner{Key: f.key}, f.image.Context().Name()
		attach = func(d sign.Descriptor) error { return repo.AttachCosign(ctx, f.subject, d) }
	}
	evidence, err := signer.Sign(ctx, statement)
	if err != nil {
		t.Fatal(err)
	}
	if err := attach(evidence); err != nil {
		t.Fatal(err)
	}
	name := f.image.String()
	if store == "layout" {
		name = t.TempDir()
		layout, err := ourregistry.OpenLayout(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ourregistry.Copy(ctx, layout, repo, "v1", nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.cosignReadsFrom(ctx, m, store, name, here.file, workflow); err != nil {
		t.Errorf("cosign: %v", err)
	}
	if !m.keyless {
		f.public = setup(t, keyTypes[0]).public
	}
	if f.cosignReadsFrom(ctx, m, store, name, here.file, workflow+"1") == nil {
		t.Error("cosign accepts another signer's")
	}
}

func (f *fixture) open(t *testing.T) *ourregistry.Repository {
	t.Helper()
	repo, err := ourregistry.Open(f.repository.String(), &ourregistry.Options{PlainHTTP: true, CosignTags: true})
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

func (f *fixture) cosignReadsFrom(ctx context.Context, m matrixFormat, store, name, trustedRoot, identity string) error {
	c := &cosignverify.VerifyCommand{KeyRef: f.public, CheckClaims: true, Output: "json", Offline: true, NewBundleFormat: m.bundles,
		LocalImage: store == "layout", IgnoreTlog: !m.keyless, MaxWorkers: 1,
		CommonVerifyOptions: options.CommonVerifyOptions{Offline: true, NewBundleFormat: m.bundles, MaxWorkers: 1, IgnoreTlog: !m.keyless}}
	if m.keyless {
		c.CertVerifyOptions = options.CertVerifyOptions{CertIdentity: identity, CertOidcIssuer: actions}
		c.UseSignedTimestamps, c.TrustedRootPath = true, trustedRoot
		c.CommonVerifyOptions.UseSignedTimestamps, c.CommonVerifyOptions.TrustedRootPath = true, trustedRoot
	}
	return c.Exec(ctx, []string{name})
}

func theyWrite(t *testing.T, s *keylesstest.Server, here trusts, m matrixFormat, store string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	f := m.fixture(t, store)
	ko := options.KeyOpts{NewBundleFormat: m.bundles, SkipConfirmation: true}
	so := options.SignOptions{Upload: true, NewBundleFormat: m.bundles, SkipConfirmation: true}
	if m.keyless {
		config, err := root.NewSigningConfigFromJSON(s.SigningConfig(m.log))
		if err != nil {
			t.Fatal(err)
		}
		ko.SigningConfig, ko.TrustedMaterial, ko.IDToken = config, here.root, s.Token(run())
	} else {
		ko.KeyRef, so.Key = f.private, f.private
		ko.PassFunc = func(bool) ([]byte, error) { return []byte(passphrase), nil }
	}
	if err := cosignsign.SignCmd(ctx, &options.RootOptions{Timeout: time.Minute}, ko, so, []string{f.image.String()}); err != nil {
		t.Fatalf("cosign sign: %v", err)
	}
	predicate := filepath.Join(t.TempDir(), "predicate.json")
	if err := os.WriteFile(predicate, []byte(`{"n":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &attest.AttestCommand{KeyOpts: ko, PredicatePath: predicate, PredicateType: predicateType, RekorEntryType: "dsse",
		Timeout: time.Minute}
	if err := a.Exec(ctx, f.image.String()); err != nil {
		t.Fatalf("cosign attest: %v", err)
	}
	repo := f.open(t)
	if store == "layout" {
		dir := t.TempDir()
		if err := cli.SaveCmd(ctx, options.SaveOptions{Directory: dir}, f.image.String()); err != nil {
			t.Fatalf("cosign save: %v", err)
		}
		backend, err := ourregistry.Layout(dir)
		if err != nil {
			t.Fatal(err)
		}
		repo = ourregistry.New(backend, &ourregistry.Options{CosignTags: true})
	}
	report := verify.Collect(ctx, f.subject, repo, m.ours(t, s, f))
	kinds := make(map[verify.Kind]int)
	for _, a := range report.Attestations {
		kinds[a.Kind]++
	}
	if kinds[verify.ImageSignature] != 1 || kinds[verify.Statement] != 1 {
		t.Errorf("%v", report)
	}
	if others := verify.Collect(ctx, f.subject, repo, m.ours(t, s, setup(t, keyTypes[1]))); m.keyless == (len(others.Attestations) == 0) {
		t.Errorf("as of another signer: %v", others)
	}
}

// ours verifies what cosign wrote.
func (m matrixFormat) ours(t *testing.T, s *keylesstest.Server, f *fixture) verify.Verifier {
	t.Helper()
	formats := []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}
	if !m.keyless {
		return &verify.KeyVerifier{Keys: []verify.TrustedKey{f.trusted}, Formats: formats}
	}
	trust, err := oursigstore.ParseRoot(s.TrustedRoot(), nil)
	if err != nil {
		t.Fatal(err)
	}
	entry := oursigstore.Entry{Name: "release", URI: oursigstore.Exactly(workflow), Issuer: oursigstore.Exactly(actions)}
	v, err := oursigstore.New(trust, []oursigstore.Entry{entry}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
