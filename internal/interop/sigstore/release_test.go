package sigstore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	cosignverify "github.com/sigstore/cosign/v3/cmd/cosign/cli/verify"
)

// A release in LADING_RELEASE, with the public key in LADING_RELEASE_KEY, as cosign verifies it: each file's signature, and the
// statements about each. The step "release" of .ci/run makes one.
func TestRelease(t *testing.T) {
	dir, public := os.Getenv("LADING_RELEASE"), os.Getenv("LADING_RELEASE_KEY")
	if dir == "" {
		t.Skip("no release in LADING_RELEASE")
	}
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	keyOpts := func(bundle string) options.KeyOpts {
		return options.KeyOpts{KeyRef: public, BundlePath: filepath.Join(dir, bundle), NewBundleFormat: true}
	}
	blob := func(file, bundle string) error {
		c := &cosignverify.VerifyBlobCmd{KeyOpts: keyOpts(bundle), IgnoreTlog: true, Offline: true}
		return c.Exec(t.Context(), filepath.Join(dir, file))
	}
	statement := func(file, bundle, predicateType string) error {
		c := &cosignverify.VerifyBlobAttestationCommand{
			KeyOpts:       keyOpts(bundle),
			IgnoreTlog:    true,
			Offline:       true,
			CheckClaims:   true,
			PredicateType: predicateType,
		}
		return c.Exec(t.Context(), filepath.Join(dir, file))
	}
	count := 0
	for line := range strings.Lines(string(sums)) {
		_, file, _ := strings.Cut(strings.TrimSpace(line), "  ")
		count++
		if err := blob(file, file+".sigstore.json"); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if err := statement(file, "sbom.intoto.sigstore.json", "cyclonedx"); err != nil {
			t.Errorf("%s, SBOM: %v", file, err)
		}
		if err := statement(file, "provenance.intoto.sigstore.json", "slsaprovenance1"); err != nil {
			t.Errorf("%s, provenance: %v", file, err)
		}
		if blob(file, "SHA256SUMS.sigstore.json") == nil {
			t.Errorf("%s: the signature of another file will do", file)
		}
	}
	if count < 5 {
		t.Errorf("%d files are on the list", count)
	}
}
