// Package kms_test holds sign/kms against the KMS providers of sigstore's library, which are those of cosign: AWS's on the
// same keys and references, and Vault's behind ours.
package kms_test

import (
	"bytes"
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
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/kms"
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
		wrapped, err := kms.FromSigstore(t.Context(), theirs)
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
	for _, key := range []string{id, "mrk-1234abcd12ab34cd56ef1234567890ab", arn + "key/" + id, "alias/ExampleAlias", "alias/team/a_b-c", arn + "alias/ExampleAlias",
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
			if _, err := kms.NewAWS(t.Context(), awskms.NewFromConfig(cloud.Config()), key); errors.Is(err, kms.ErrReference) || !errors.Is(err, sign.ErrKey) && !errors.Is(err, sign.ErrDenied) {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
}

// vault is as much of HashiCorp Vault's transit engine as signing needs, over one key.
func vault(t *testing.T, key crypto.Signer) *httptest.Server {
	const token = "not a secret"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply := func(data any) { json.NewEncoder(w).Encode(map[string]any{"data": data}) }
		operation, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/transit/"), "/")
		name, algorithm, _ := strings.Cut(rest, "/")
		if r.Header.Get("X-Vault-Token") != token || name != "release" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"errors":["permission denied"]}`)
			return
		}
		switch operation {
		case "keys":
			public, kind := "", "other"
			if pub, ok := key.Public().(ed25519.PublicKey); ok {
				public, kind = base64.StdEncoding.EncodeToString(pub), "ed25519"
			} else {
				public = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(key.Public()))}))
			}
			reply(map[string]any{"latest_version": 1, "keys": map[string]any{"1": map[string]any{"name": kind, "public_key": public}}})
		case "sign":
			var in struct {
				Input     []byte
				Prehashed bool
			}
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				t.Error(err)
			}
			hash := map[string]crypto.Hash{"sha2-256": crypto.SHA256, "sha2-384": crypto.SHA384, "sha2-512": crypto.SHA512}[algorithm]
			if in.Prehashed != (hash != 0) {
				t.Errorf("%s, prehashed: %v", r.URL.Path, in.Prehashed)
			}
			sig, err := key.Sign(rand.Reader, in.Input, hash)
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprintf(w, `{"errors":[%q]}`, err)
				return
			}
			reply(map[string]any{"signature": "vault:v1:" + base64.StdEncoding.EncodeToString(sig)})
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_TOKEN", token)
	return server
}

// Vault's provider is imported here, so Open knows its references.
func TestVault(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{
		"P-256":   must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"P-384":   must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"RSA":     must(rsa.GenerateKey(rand.Reader, 2048)),
		"Ed25519": edwards,
	} {
		t.Run(name, func(t *testing.T) {
			vault(t, key)
			opened, err := kms.Open(t.Context(), "hashivault://release")
			if err != nil {
				t.Fatal(err)
			}
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
			// The provider pads by PKCS #1 v1.5 whatever is asked: found out, and not used.
			if name == "RSA" {
				if _, err := opened.Sign(t.Context(), make([]byte, 32), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}); !errors.Is(err, kms.ErrSignature) {
					t.Errorf("PSS: %v", err)
				}
			}
		})
	}
	t.Run("denied", func(t *testing.T) {
		vault(t, edwards)
		t.Setenv("VAULT_TOKEN", "another")
		if _, err := kms.Open(t.Context(), "hashivault://release"); err == nil {
			t.Error("opened with a wrong token")
		}
	})
}
