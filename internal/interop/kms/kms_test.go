// Package kms_test holds sign/kms and sign/kms/sigstorekms against the KMS providers of sigstore's library, which are those of
// cosign: AWS's on the same keys and references, and Vault's behind ours.
package kms_test

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/kms"
	"github.com/ladingdev/lading/sign/kms/sigstorekms"
	"github.com/ladingdev/lading/sign/signtest"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
	sigstoreaws "github.com/sigstore/sigstore/pkg/signature/kms/aws"
	_ "github.com/sigstore/sigstore/pkg/signature/kms/hashivault"
)

var image = sign.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The same reference is the same key to both, and what one signs the other verifies.
func TestAWS(t *testing.T) {
	cloud := awstest.Start(t, nil)
	id, secret := cloud.Credentials()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1",
		"AWS_ENDPOINT_URL_KMS": cloud.URL(), "AWS_EC2_METADATA_DISABLED": "true", "AWS_CA_BUNDLE": "",
		"AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none")} {
		t.Setenv(name, value)
	}
	for spec, hash := range map[types.KeySpec]crypto.Hash{types.KeySpecEccNistP256: crypto.SHA256, types.KeySpecEccNistP384: crypto.SHA384,
		types.KeySpecEccNistP521: crypto.SHA512, types.KeySpecRsa2048: crypto.SHA256} {
		arn := must(cloud.CreateKey(awstest.Key{Spec: spec}))
		if err := cloud.SetAlias("alias/release", arn); err != nil {
			t.Fatal(err)
		}
		const uri = "awskms:///alias/release"
		ours, err := kms.Open(t.Context(), uri)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := sigstoreaws.LoadSignerVerifier(t.Context(), uri)
		if err != nil {
			t.Fatal(err)
		}
		if pub, err := theirs.PublicKey(); err != nil || !ours.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(pub) {
			t.Errorf("%s: %v, %v", spec, pub, err)
		}
		message := []byte("a message")
		h := hash.New()
		h.Write(message)
		var opts crypto.SignerOpts = hash
		if strings.HasPrefix(string(spec), "RSA") { // theirs takes the first algorithm that KMS lists
			opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
		}
		sig, err := ours.Sign(t.Context(), h.Sum(nil), opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := theirs.VerifySignature(bytes.NewReader(sig), bytes.NewReader(message)); err != nil {
			t.Errorf("%s: theirs on ours: %v", spec, err)
		}
		// FromSigstore verifies what theirs signs.
		wrapped, err := sigstorekms.FromSigstore(t.Context(), theirs)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wrapped.Sign(t.Context(), h.Sum(nil), opts); err != nil {
			t.Errorf("%s: ours on theirs: %v", spec, err)
		}
	}
}

// Whatever reference they take is one to us, as they read it.
func TestReferences(t *testing.T) {
	const id, arn = "1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:kms:us-east-2:111122223333:"
	for _, key := range []string{id, "mrk-1234abcd12ab34cd56ef1234567890ab", arn + "key/" + id, "alias/ExampleAlias", "alias/team/a_b-c",
		arn + "alias/ExampleAlias",
		strings.Replace(arn, "aws:", "aws-us-gov:", 1) + "key/" + id, strings.Replace(arn, "aws:", "aws-cn:", 1) + "key/" + id} {
		for _, endpoint := range []string{"", "localhost:4566", "127.0.0.1:4566", "vpce-0a1b.kms.us-east-2.vpce.amazonaws.com"} {
			uri := "awskms://" + endpoint + "/" + key
			if err := sigstoreaws.ValidReference(uri); err != nil {
				t.Fatalf("%s: %v", uri, err)
			}
			gotEndpoint, gotKey, _, err := sigstoreaws.ParseReference(uri)
			if err != nil || gotEndpoint != endpoint || gotKey != key {
				t.Fatalf("%s: %q, %q, %v", uri, gotEndpoint, gotKey, err)
			}
			cloud := awstest.Start(t, nil) // has no keys: whoever is asked says so
			if _, err := kms.NewAWS(t.Context(), awskms.NewFromConfig(cloud.Config()), key); errors.Is(err, kms.ErrReference) ||
				!errors.Is(err, sign.ErrKey) && !errors.Is(err, sign.ErrDenied) {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
}

// A vault is as much of the transit engine of HashiCorp Vault and OpenBao as signing needs, over one key in versions: what
// builtin/logical/transit of both answers for keys and sign.
type vault struct {
	mu       sync.Mutex
	versions []crypto.Signer
	oldest   int // min_encryption_version; zero means that all versions sign
}

func (v *vault) rotate(key crypto.Signer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.versions = append(v.versions, key)
}

func (v *vault) keys() map[string]any {
	all := map[string]any{}
	for i, key := range v.versions {
		public, kind := "", "other"
		if pub, ok := key.Public().(ed25519.PublicKey); ok {
			public, kind = base64.StdEncoding.EncodeToString(pub), "ed25519"
		} else {
			public = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(key.Public()))}))
		}
		all[strconv.Itoa(i+1)] = map[string]any{"name": kind, "public_key": public}
	}
	return map[string]any{"latest_version": len(v.versions), "keys": all}
}

func (v *vault) sign(algorithm string, body io.Reader) (map[string]any, error) {
	var in struct {
		Input     []byte
		Prehashed bool
		Version   string `json:"key_version"`
		Padding   string `json:"signature_algorithm"`
	}
	if err := json.NewDecoder(body).Decode(&in); err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(cmp.Or(in.Version, "0"))
	if n == 0 {
		n = len(v.versions)
	}
	switch {
	case err != nil || n < 1 || n > len(v.versions):
		return nil, errors.New("invalid key version")
	case n < v.oldest:
		return nil, errors.New("cannot sign: specified version for signing is less than the minimum encryption key version")
	}
	hash := map[string]crypto.Hash{"sha2-256": crypto.SHA256, "sha2-384": crypto.SHA384, "sha2-512": crypto.SHA512}[algorithm]
	if in.Prehashed != (hash != 0) {
		return nil, fmt.Errorf("%q, prehashed: %v", algorithm, in.Prehashed)
	}
	var opts crypto.SignerOpts = hash
	if _, ok := v.versions[n-1].(*rsa.PrivateKey); ok && in.Padding != "pkcs1v15" { // pss is the engine's default
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: hash}
	}
	sig, err := v.versions[n-1].Sign(rand.Reader, in.Input, opts)
	if err != nil {
		return nil, err
	}
	return map[string]any{"signature": fmt.Sprintf("vault:v%d:%s", n, base64.StdEncoding.EncodeToString(sig))}, nil
}

const token = "not a secret"

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	operation, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/transit/"), "/")
	name, algorithm, _ := strings.Cut(rest, "/")
	reply := func(data map[string]any, err error) {
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"errors":[%q]}`, err)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"data": data})
	}
	switch {
	case r.Header.Get("X-Vault-Token") != token:
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"errors":["permission denied"]}`)
	case name == "release" && operation == "keys":
		reply(v.keys(), nil)
	case name == "release" && operation == "sign":
		reply(v.sign(algorithm, r.Body))
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"errors":[]}`)
	}
}

func startVault(t *testing.T, key crypto.Signer) *vault {
	v := &vault{versions: []crypto.Signer{key}}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_TOKEN", token)
	return v
}

// Vault's provider is imported here, so Open knows its references, those of OpenBao too.
func TestVault(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{
		"P-256":   must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"P-384":   must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"P-521":   must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
		"RSA":     must(rsa.GenerateKey(rand.Reader, 2048)),
		"Ed25519": edwards,
	} {
		t.Run(name, func(t *testing.T) {
			startVault(t, key)
			opened, err := sigstorekms.Open(t.Context(),
				map[bool]string{false: "hashivault://release", true: "openbao://release"}[name == "P-384"])
			if err != nil {
				t.Fatal(err)
			}
			signtest.TestKey(t, opened) // of RSA one padding alone: the provider asks for PKCS #1 v1.5 whatever it is asked
			s := &sign.BundleSigner{Key: opened}
			signtest.TestSigner(t, s)
			evidence, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
			if err != nil {
				t.Fatal(err)
			}
			v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}
			if _, err := v.Verify(t.Context(), image, evidence); err != nil {
				t.Error(err)
			}
			if name == "RSA" {
				pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
				if _, err := opened.Sign(t.Context(), make([]byte, 32), pss); !errors.Is(err, sign.ErrSignature) ||
					!errors.Is(err, sign.ErrKey) {
					t.Errorf("PSS: %v", err)
				}
			}
		})
	}
	t.Run("denied", func(t *testing.T) {
		startVault(t, edwards)
		t.Setenv("VAULT_TOKEN", "another")
		if _, err := sigstorekms.Open(t.Context(), "hashivault://release"); err == nil {
			t.Error("opened with a wrong token")
		}
	})
	t.Run("not there", func(t *testing.T) {
		startVault(t, edwards)
		if _, err := sigstorekms.Open(t.Context(), "hashivault://other"); err == nil {
			t.Error("opened a key that is not there")
		}
	})
}

// A key that is open stays with its version when it is rotated, before and after its first signature.
func TestVaultRotation(t *testing.T) {
	first, second := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	for _, early := range []bool{true, false} {
		server := startVault(t, first)
		key, err := sigstorekms.Open(t.Context(), "hashivault://release")
		if err != nil {
			t.Fatal(err)
		}
		s := &sign.BundleSigner{Key: key}
		byFirst := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: first.Public()}}}
		check := func() {
			t.Helper()
			evidence, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := byFirst.Verify(t.Context(), image, evidence); err != nil {
				t.Error(err)
			}
		}
		if !early {
			check()
		}
		server.rotate(second)
		check()
		again, err := sigstorekms.Open(t.Context(), "hashivault://release")
		if err != nil {
			t.Fatal(err)
		}
		if !second.PublicKey.Equal(again.Public()) {
			t.Error("opened again, it is still the first version")
		}
		server.oldest = 2
		if _, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{})); err == nil ||
			!strings.Contains(err.Error(), "minimum encryption key version") {
			t.Errorf("the first version may not sign any more: %v", err)
		}
	}
}
