package sigstorekms_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/kms"
	"github.com/ladingdev/lading/sign/kms/sigstorekms"
	"github.com/ladingdev/lading/sign/signtest"
	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore/pkg/signature"
	sigstore "github.com/sigstore/sigstore/pkg/signature/kms"
)

func TestFromSigstore(t *testing.T) {
	for _, a := range []sign.Algorithm{sign.P256, sign.P384, sign.P521, sign.Ed25519} {
		local, err := sign.GenerateKey(a)
		if err != nil {
			t.Fatal(err)
		}
		hash := map[sign.Algorithm]crypto.Hash{sign.P256: crypto.SHA256, sign.P384: crypto.SHA384, sign.P521: crypto.SHA512,
			sign.Ed25519: 0}[a]
		sv, err := signature.LoadSignerVerifier(local.Signer, hash)
		if err != nil {
			t.Fatal(err)
		}
		key, err := sigstorekms.FromSigstore(t.Context(), sv)
		if err != nil {
			t.Fatal(err)
		}
		signtest.TestKey(t, key)
		signtest.TestSigner(t, &sign.BundleSigner{Key: key})
	}
}

// An RSA signer pads in one way, so it makes Sigstore's signatures or Notary Project's, and is a Key for these alone.
func TestFromSigstoreRSA(t *testing.T) {
	local, err := sign.GenerateKey(sign.RSA2048)
	if err != nil {
		t.Fatal(err)
	}
	sv, err := signature.LoadSignerVerifier(local.Signer, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sigstorekms.FromSigstore(t.Context(), sv)
	if err != nil {
		t.Fatal(err)
	}
	signtest.TestSigner(t, &sign.BundleSigner{Key: key})
	signtest.TestSigner(t, &sign.CosignSigner{Key: key})
	signtest.TestKey(t, key)
	if sig, err := key.Sign(t.Context(), make([]byte, 32), &rsa.PSSOptions{Hash: crypto.SHA256}); !errors.Is(err, sign.ErrSignature) ||
		!errors.Is(err, sign.ErrKey) {
		t.Errorf("PSS asked, PKCS #1 v1.5 returned: %x, %v", sig, err)
	}
}

// A signer that pads as it likes is found out.
func TestFromSigstoreOtherPadding(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sv, err := signature.LoadRSAPSSSignerVerifier(private, crypto.SHA256, nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sigstorekms.FromSigstore(t.Context(), sv)
	if err != nil {
		t.Fatal(err)
	}
	if sig, err := key.Sign(t.Context(), make([]byte, 32), crypto.SHA256); !errors.Is(err, sign.ErrSignature) ||
		!errors.Is(err, sign.ErrKey) {
		t.Errorf("PKCS #1 v1.5 asked, PSS returned: %x, %v", sig, err)
	}
}

// engine is a transit engine's key, in versions, as sigstore's provider for Vault shows it: it tells which version signed.
type engine struct {
	signature.SignerVerifier // the first version, whose public key the provider remembers
	versions                 []signature.SignerVerifier
	asked                    []string
}

func (e *engine) SignMessage(message io.Reader, opts ...signature.SignOption) ([]byte, error) {
	version, used := "", new(string)
	for _, o := range opts {
		o.ApplyKeyVersion(&version)
		o.ApplyKeyVersionUsed(&used)
	}
	e.asked = append(e.asked, version)
	n, err := strconv.Atoi(version)
	if version == "" {
		n, err = len(e.versions), nil
	}
	if err != nil || n < 1 || n > len(e.versions) {
		return nil, fmt.Errorf("no version %q: %w", version, err)
	}
	*used = fmt.Sprintf("vault:v%d:", n)
	return e.versions[n-1].SignMessage(message, opts...)
}

// A key stays with the version that it was opened with, whenever it is rotated.
func TestRotation(t *testing.T) {
	rotate := func(e *engine) {
		sv, _, err := signature.NewDefaultECDSASignerVerifier()
		if err != nil {
			t.Fatal(err)
		}
		e.versions = append(e.versions, sv)
	}
	for name, tt := range map[string]struct {
		before, between int // rotations before the first signature, and before the second
		asked           []string
	}{
		"never":                      {0, 0, []string{"", "1"}},
		"after the first signature":  {0, 3, []string{"", "1"}},
		"before the first signature": {2, 1, []string{"", "2", "1", "1"}},
	} {
		e := new(engine)
		rotate(e)
		e.SignerVerifier = e.versions[0]
		key, err := sigstorekms.FromSigstore(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		s := &sign.BundleSigner{Key: key}
		for _, rotations := range []int{tt.before, tt.between} {
			for range rotations {
				rotate(e)
			}
			if _, err := s.Sign(t.Context(),
				sign.About(sign.Descriptor{Digest: digest.FromString("image"), Size: 5}, sign.ImageSignature{})); err != nil {
				t.Errorf("rotated %s: %v", name, err)
			}
		}
		if diff := cmp.Diff(tt.asked, e.asked); diff != "" {
			t.Errorf("rotated %s: %s", name, diff)
		}
		// A version that is gone is an error that says what to do.
		if e.versions = nil; name == "never" {
			for range 12 {
				rotate(e)
			}
			again, err := sigstorekms.FromSigstore(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := again.Sign(t.Context(), make([]byte, 32), crypto.SHA256); !errors.Is(err, sign.ErrSignature) ||
				!strings.Contains(err.Error(), "open it again") {
				t.Errorf("rotated too often: %v", err)
			}
		}
	}
}

// References of a service whose provider is not imported, of no service, and of AWS.
func TestReferences(t *testing.T) {
	environmentOfNobody(t)
	for name, uri := range map[string]string{
		"empty":              "",
		"a file":             "cosign.key",
		"no provider":        "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
		"no provider at all": "nosuch://x",
		"other case":         "AWSKMS:///alias/x",
		"AWS, two slashes":   "awskms://alias/x",
	} {
		if _, err := sigstorekms.Open(t.Context(), uri); !errors.Is(err, kms.ErrReference) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := sigstorekms.Open(t.Context(), "openbao://release")
	if err == nil || !strings.Contains(err.Error(), `import _ "github.com/sigstore/sigstore/pkg/signature/kms/hashivault"`) {
		t.Errorf("what to import is not said: %v", err)
	}
}

func environmentOfNobody(t testing.TB) {
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// Programs named like plugins of sigstore's library lie in PATH, and none is ever run.
func TestNoPlugins(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the plugin is a shell script")
	}
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	for _, name := range []string{"planted", "gcpkms", "awskms", "azurekms", "hashivault"} {
		if err := os.WriteFile(filepath.Join(dir, "sigstore-kms-"+name), []byte("#!/bin/sh\n: > '"+ran+"'\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	environmentOfNobody(t)
	t.Setenv("AWS_REGION", "")
	for _, uri := range []string{"planted://key", "gcpkms://projects/p", "azurekms://vault/key", "hashivault://key", "awskms://planted",
		"planted://", "://", "planted"} {
		if _, err := sigstorekms.Open(t.Context(), uri); !errors.Is(err, kms.ErrReference) {
			t.Errorf("%s: %v", uri, err)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Fatal("a program from PATH was run")
	}
	// The trap works: the library alone runs it.
	sv, err := sigstore.Get(t.Context(), "planted://key", crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sv.PublicKey(); err == nil {
		t.Error("a public key from a script that says nothing")
	}
	if _, err := os.Stat(ran); err != nil {
		t.Errorf("the trap does not work: %v", err)
	}
}

// provider is what a provider of sigstore's registers, with a key in memory.
type provider struct{ signature.SignerVerifier }

func (provider) CreateKey(context.Context, string) (crypto.PublicKey, error) { panic("not called") }
func (provider) CryptoSigner(context.Context, func(error)) (crypto.Signer, crypto.SignerOpts, error) {
	panic("not called")
}
func (provider) SupportedAlgorithms() []string { return nil }
func (provider) DefaultAlgorithm() string      { return "" }

func TestOpenProvider(t *testing.T) {
	failed := errors.New("no such key")
	sigstore.AddProvider("memorykms://",
		func(_ context.Context, uri string, _ crypto.Hash, _ ...signature.RPCOption) (sigstore.SignerVerifier, error) {
			if uri != "memorykms://key" {
				return nil, failed
			}
			sv, _, err := signature.NewDefaultECDSASignerVerifier()
			return provider{sv}, err
		})
	key, err := sigstorekms.Open(t.Context(), "memorykms://key")
	if err != nil {
		t.Fatal(err)
	}
	signtest.TestKey(t, key)
	signtest.TestSigner(t, &sign.BundleSigner{Key: key})
	if _, err := sigstorekms.Open(t.Context(), "memorykms://other"); !errors.Is(err, failed) {
		t.Errorf("the provider's error: %v", err)
	}
}

// silent is a service that never answers.
type silent struct {
	signature.SignerVerifier
	public crypto.PublicKey
}

func (s silent) PublicKey(opts ...signature.PublicKeyOption) (crypto.PublicKey, error) {
	if s.public != nil {
		return s.public, nil
	}
	ctx := context.Background()
	for _, o := range opts {
		o.ApplyContext(&ctx)
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silent) SignMessage(_ io.Reader, opts ...signature.SignOption) ([]byte, error) {
	ctx := context.Background()
	for _, o := range opts {
		o.ApplyContext(&ctx)
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// A service that does not answer holds nobody for longer than a minute. The clock is the bubble's.
func TestSilentService(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(context.Context) error{
		"open": func(ctx context.Context) error { _, err := sigstorekms.FromSigstore(ctx, silent{}); return err },
		"sign": func(ctx context.Context) error {
			k, err := sigstorekms.FromSigstore(ctx, silent{public: key.Public()})
			if err != nil {
				return err
			}
			_, err = k.Sign(ctx, make([]byte, 32), crypto.SHA256)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				if err := call(context.Background()); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
			})
		})
	}
}
