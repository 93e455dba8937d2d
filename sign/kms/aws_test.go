package kms_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/kms"
	"github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/sign/signtest"
	"github.com/ladingdev/lading/verify"
	vnotary "github.com/ladingdev/lading/verify/notary"
	"github.com/opencontainers/go-digest"
)

var image = sign.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func open(t testing.TB, cloud *awstest.Server, id string) sign.Key {
	t.Helper()
	key, err := kms.NewAWS(t.Context(), awskms.NewFromConfig(cloud.Config()), id)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certificate makes a self-signed certificate whose signature the key in KMS makes itself.
func certificate(t testing.TB, key sign.Key) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		Subject:     pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}, CommonName: "release"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), signer{key}))))
}

type signer struct{ sign.Key }

func (s signer) Sign(_ io.Reader, data []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.Key.Sign(context.Background(), data, opts)
}

// A key of KMS signs every format that its type allows, and package verify takes it.
func TestEveryFormat(t *testing.T) {
	cloud := awstest.Start(t, nil)
	for _, spec := range []types.KeySpec{types.KeySpecEccNistP256, types.KeySpecEccNistP384, types.KeySpecEccNistP521,
		types.KeySpecRsa2048, types.KeySpecRsa3072, types.KeySpecRsa4096} {
		t.Run(string(spec), func(t *testing.T) {
			arn := must(cloud.CreateKey(awstest.Key{Spec: spec}))
			if err := cloud.SetAlias("alias/"+string(spec), arn); err != nil {
				t.Fatal(err)
			}
			key := open(t, cloud, "alias/"+string(spec))
			chain := []*x509.Certificate{certificate(t, key)}
			pem := must(sign.MarshalPublicKey(key.Public()))
			byKey := &verify.KeyVerifier{Keys: []verify.TrustedKey{must(verify.ParseTrustedKey(pem))},
				Formats: []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}}
			byChain := &vnotary.Verifier{CA: chain, Identities: []string{"x509.subject: C=US, ST=WA, O=acme"}}
			for name, c := range map[string]struct {
				signer   sign.Signer
				verifier verify.Verifier
			}{
				"bundle": {&sign.BundleSigner{Key: key}, byKey},
				"DSSE":   {&sign.DSSESigner{Key: key}, byKey},
				"cosign": {&sign.CosignSigner{Key: key}, byKey},
				"JWS":    {&notary.Signer{Key: key, Chain: chain}, byChain},
				"COSE":   {&notary.Signer{Key: key, Chain: chain, Format: notary.COSE}, byChain},
			} {
				cloud.ResetCalls()
				st := sign.About(image, sign.ImageSignature{})
				if name == "cosign" {
					st.Subjects[0].Name = "registry.example.com/acme/app:v1"
				}
				evidence, err := c.signer.Sign(t.Context(), st)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if diff := cmp.Diff(map[string]int{"kms:Sign": 1}, cloud.Calls()); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
				cloud.ResetCalls()
				a, err := c.verifier.Verify(t.Context(), image, evidence)
				if err != nil || a.Kind != verify.ImageSignature || a.Subject.Digest != image.Digest {
					t.Errorf("%s: %+v, %v", name, a, err)
				}
				if n := len(cloud.Calls()); n != 0 {
					t.Errorf("%s: verification makes calls: %v", name, cloud.Calls())
				}
			}
		})
	}
}

func TestConformance(t *testing.T) {
	cloud := awstest.Start(t, nil)
	for _, spec := range []types.KeySpec{types.KeySpecEccNistP256, types.KeySpecEccNistP384, types.KeySpecEccNistP521, types.KeySpecRsa2048,
		types.KeySpecRsa3072,
		types.KeySpecEccNistEdwards25519} {
		key := open(t, cloud, must(cloud.CreateKey(awstest.Key{Spec: spec})))
		signtest.TestKey(t, key)
		signtest.TestSigner(t, &sign.BundleSigner{Key: key})
	}
}

// Two calls for the first signature, one for each after it. An alias is followed once.
func TestCalls(t *testing.T) {
	cloud := awstest.Start(t, nil)
	arn, other := must(cloud.CreateKey(awstest.Key{})), must(cloud.CreateKey(awstest.Key{}))
	if err := cloud.SetAlias("alias/release", arn); err != nil {
		t.Fatal(err)
	}
	s := &sign.BundleSigner{Key: open(t, cloud, "alias/release")}
	for i := range 3 {
		if _, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{})); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int{"kms:GetPublicKey": 1, "kms:Sign": i + 1}, cloud.Calls()); diff != "" {
			t.Error(diff)
		}
		if err := cloud.SetAlias("alias/release", other); err != nil {
			t.Fatal(err)
		}
	}
}

// A message of any length is signed: only its digest travels.
func TestLongMessage(t *testing.T) {
	cloud := awstest.Start(t, nil)
	s := &sign.DSSESigner{Key: open(t, cloud, must(cloud.CreateKey(awstest.Key{})))}
	predicate := sign.RawPredicate{Type: "https://example.com/long", JSON: []byte(`"` + strings.Repeat("x", 1<<20) + `"`)}
	predicate.JSON = []byte(`{"text":` + string(predicate.JSON) + `}`)
	if _, err := s.Sign(t.Context(), sign.About(image, predicate)); err != nil {
		t.Error(err)
	}
}

// With ML-DSA what travels has 64 bytes, however long the message is.
func TestMLDSA(t *testing.T) {
	cloud := awstest.Start(t, nil)
	for _, spec := range []types.KeySpec{types.KeySpecMlDsa44, types.KeySpecMlDsa65, types.KeySpecMlDsa87} {
		key := open(t, cloud, must(cloud.CreateKey(awstest.Key{Spec: spec})))
		signtest.TestKey(t, key)
		byKey := &verify.KeyVerifier{Keys: []verify.TrustedKey{must(verify.ParseTrustedKey(must(sign.MarshalPublicKey(key.Public()))))}}
		st := sign.About(image, sign.RawPredicate{Type: "https://example.com/p/v1",
			JSON: []byte(`{"a":"` + strings.Repeat("a", 1<<20) + `"}`)})
		cloud.ResetCalls()
		evidence, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), st)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int{"kms:Sign": 1}, cloud.Calls()); diff != "" {
			t.Errorf("%s: %s", spec, diff)
		}
		if _, err := byKey.Verify(t.Context(), image, evidence); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
		if _, err := key.Sign(t.Context(), make([]byte, 32), crypto.SHA256); !errors.Is(err, sign.ErrKey) {
			t.Errorf("%s, a digest: %v", spec, err)
		}
	}
}

// With Ed25519 the message itself travels, and the service takes little of it: more is refused before it is asked.
func TestEd25519(t *testing.T) {
	cloud := awstest.Start(t, nil)
	key := open(t, cloud, must(cloud.CreateKey(awstest.Key{Spec: types.KeySpecEccNistEdwards25519})))
	byKey := &verify.KeyVerifier{Keys: []verify.TrustedKey{must(verify.ParseTrustedKey(must(sign.MarshalPublicKey(key.Public()))))},
		Formats: []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}}
	statement := sign.About(image, sign.ImageSignature{})
	statement.Subjects[0].Name = "registry.example.com/acme/app:v1"
	for name, s := range map[string]sign.Signer{"bundle": &sign.BundleSigner{Key: key}, "DSSE": &sign.DSSESigner{Key: key},
		"cosign": &sign.CosignSigner{Key: key}} {
		evidence, err := s.Sign(t.Context(), statement)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := byKey.Verify(t.Context(), image, evidence); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := key.Sign(t.Context(), make([]byte, 4096), crypto.Hash(0)); err != nil {
		t.Errorf("the largest message: %v", err)
	}
	cloud.ResetCalls()
	_, err := key.Sign(t.Context(), make([]byte, 4097), crypto.Hash(0))
	if !errors.Is(err, sign.ErrLimit) || !strings.Contains(err.Error(), "P-256") {
		t.Errorf("one byte more: %v", err)
	}
	sbom := sign.RawPredicate{Type: "https://example.com/long", JSON: []byte(`{"text":"` + strings.Repeat("x", 5000) + `"}`)}
	if _, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sbom)); !errors.Is(err, sign.ErrLimit) {
		t.Errorf("an SBOM: %v", err)
	}
	if _, err := (&sign.BundleSigner{Key: key}).SignBlob(t.Context(), strings.NewReader(strings.Repeat("x", 5000))); !errors.Is(err,
		sign.ErrLimit) {
		t.Errorf("a file: %v", err)
	}
	if _, err := key.Sign(t.Context(), make([]byte, 64), crypto.SHA512); !errors.Is(err, sign.ErrKey) {
		t.Errorf("a digest: %v", err)
	}
	if n := len(cloud.Calls()); n != 0 {
		t.Errorf("calls: %v", cloud.Calls())
	}
	// The service says the same, so that this is where the limit is.
	_, err = awskms.NewFromConfig(cloud.Config()).Sign(t.Context(), &awskms.SignInput{KeyId: aws.String(must(cloud.CreateKey(awstest.Key{
		Spec: types.KeySpecEccNistEdwards25519}))), Message: make([]byte, 4097), MessageType: types.MessageTypeRaw,
		SigningAlgorithm: types.SigningAlgorithmSpecEd25519Sha512})
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "ValidationException" {
		t.Errorf("the service takes 4,097 bytes: %v", err)
	}
}

func TestRegionOfARN(t *testing.T) {
	cloud := awstest.Start(t, &awstest.Options{Region: "us-east-1"})
	arn := must(cloud.CreateKey(awstest.Key{Region: "eu-west-1"}))
	if err := cloud.SetAlias("alias/release", arn); err != nil {
		t.Fatal(err)
	}
	aliasARN := arn[:strings.Index(arn, ":key/")] + ":alias/release"
	for _, id := range []string{arn, aliasARN} {
		s := &sign.BundleSigner{Key: open(t, cloud, id)}
		if _, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{})); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, err := kms.NewAWS(t.Context(), awskms.NewFromConfig(cloud.Config()), "alias/release"); !errors.Is(err, sign.ErrKey) {
		t.Errorf("the alias alone, in the client's region: %v", err)
	}
}

// A multi-region key is one key that is called in the region that is named, or else the client's.
func TestMultiRegionKey(t *testing.T) {
	cloud := awstest.Start(t, &awstest.Options{Region: "us-east-1"})
	arn := must(cloud.CreateKey(awstest.Key{MultiRegion: true}))
	replica := must(cloud.ReplicateKey(arn, "eu-west-1"))
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	trusted := must(verify.ParseTrustedKey(must(sign.MarshalPublicKey(open(t, cloud, arn).Public()))))
	byKey := &verify.KeyVerifier{Keys: []verify.TrustedKey{trusted}}
	try := func(id string) error {
		key, err := kms.NewAWS(t.Context(), awskms.NewFromConfig(cloud.Config()), id)
		if err != nil {
			return err
		}
		evidence, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
		if err == nil {
			_, err = byKey.Verify(t.Context(), image, evidence)
		}
		return err
	}
	for _, id := range []string{id, arn, replica} {
		if err := try(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if err := cloud.SetKeyState(arn, types.KeyStateDisabled); err != nil {
		t.Fatal(err)
	}
	if err := try(id); !errors.Is(err, sign.ErrKey) {
		t.Errorf("disabled in the client's region: %v", err)
	}
	if err := try(replica); err != nil {
		t.Errorf("disabled elsewhere: %v", err)
	}
}

func TestKeysThatCannotSign(t *testing.T) {
	cloud := awstest.Start(t, nil)
	client := awskms.NewFromConfig(cloud.Config())
	for name, k := range map[string]awstest.Key{
		"secp256k1":     {Spec: types.KeySpecEccSecgP256k1},
		"symmetric":     {Spec: types.KeySpecSymmetricDefault},
		"encryption":    {Spec: types.KeySpecRsa2048, Usage: types.KeyUsageTypeEncryptDecrypt},
		"key agreement": {Usage: types.KeyUsageTypeKeyAgreement},
		"disabled":      {State: types.KeyStateDisabled},
		"to be deleted": {State: types.KeyStatePendingDeletion},
	} {
		if _, err := kms.NewAWS(t.Context(), client, must(cloud.CreateKey(k))); !errors.Is(err, sign.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := kms.NewAWS(t.Context(), client, "alias/none"); !errors.Is(err, sign.ErrKey) {
		t.Errorf("no such key: %v", err)
	}
	arn := must(cloud.CreateKey(awstest.Key{}))
	key := open(t, cloud, arn)
	if err := cloud.SetKeyState(arn, types.KeyStateDisabled); err != nil {
		t.Fatal(err)
	}
	if _, err := key.Sign(t.Context(), make([]byte, 32), crypto.SHA256); !errors.Is(err, sign.ErrKey) {
		t.Errorf("disabled after it was opened: %v", err)
	}
}

// What KMS cannot do is refused before it is asked.
func TestOptionsThatDoNotFit(t *testing.T) {
	cloud := awstest.Start(t, nil)
	ec := open(t, cloud, must(cloud.CreateKey(awstest.Key{Spec: types.KeySpecEccNistP384})))
	pair := open(t, cloud, must(cloud.CreateKey(awstest.Key{Spec: types.KeySpecRsa2048})))
	cloud.ResetCalls()
	for name, c := range map[string]struct {
		key  sign.Key
		size int
		opts crypto.SignerOpts
	}{
		"SHA-256 with P-384": {ec, 32, crypto.SHA256},
		"a message":          {ec, 100, crypto.Hash(0)},
		"SHA-1":              {pair, 20, crypto.SHA1},
		"no hash there is":   {pair, 32, crypto.Hash(99)},
		"short digest":       {pair, 31, crypto.SHA256},
		"longest salt":       {pair, 32, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: crypto.SHA256}},
		"short salt":         {pair, 32, &rsa.PSSOptions{SaltLength: 20, Hash: crypto.SHA256}},
	} {
		if _, err := c.key.Sign(t.Context(), make([]byte, c.size), c.opts); !errors.Is(err, sign.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (&sign.BundleSigner{Key: ec, Scheme: sign.ECDSAWithSHA256}).Sign(t.Context(),
		sign.About(image, sign.ImageSignature{})); !errors.Is(err, sign.ErrKey) {
		t.Errorf("SHA256 of a signer: %v", err)
	}
	if n := len(cloud.Calls()); n != 0 {
		t.Errorf("calls: %v", cloud.Calls())
	}
}

func TestServiceErrors(t *testing.T) {
	cloud := awstest.Start(t, nil)
	arn := must(cloud.CreateKey(awstest.Key{}))
	key := open(t, cloud, arn)
	for operation, call := range map[string]func(context.Context) error{
		"kms:GetPublicKey": func(ctx context.Context) error {
			_, err := kms.NewAWS(ctx, awskms.NewFromConfig(cloud.Config()), arn)
			return err
		},
		"kms:Sign": func(ctx context.Context) error {
			_, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(image, sign.ImageSignature{}))
			return err
		},
	} {
		for _, c := range []struct {
			fault awstest.Fault
			want  error
			calls int
		}{
			{awstest.Throttled, sign.ErrThrottled, 3}, // what the SDK tries
			{awstest.DeniedByKMS, sign.ErrDenied, 1},
			{awstest.Fault{Code: "UnrecognizedClientException"}, sign.ErrDenied, 1},
			{awstest.Fault{Code: "DisabledException"}, sign.ErrKey, 1},
		} {
			cloud.ResetCalls()
			cloud.Fail(operation, c.fault)
			err := call(t.Context())
			if !errors.Is(err, c.want) || cloud.Calls()[operation] != c.calls {
				t.Errorf("%s, %+v: %v, %v", operation, c.fault, err, cloud.Calls())
			}
			if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != c.fault.Code {
				t.Errorf("%s: the service's own error is lost: %v", operation, err)
			}
			cloud.Heal()
		}
		cloud.Fail(operation, awstest.Unavailable)
		if err := call(t.Context()); err == nil || errors.Is(err, sign.ErrThrottled) || errors.Is(err, sign.ErrDenied) ||
			errors.Is(err, sign.ErrKey) {
			t.Errorf("%s, not available: %v", operation, err)
		}
		cloud.Heal()
		throttled := awstest.Throttled
		throttled.Times = 2
		cloud.Fail(operation, throttled)
		if err := call(t.Context()); err != nil {
			t.Errorf("%s, throttled twice, then served: %v", operation, err)
		}
		cloud.Heal()
		cloud.Fail(operation, awstest.Fault{Delay: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, slow: %v", operation, err)
		}
		cancel()
		cloud.Heal()
	}
}

// A service that lies is found out.
func TestLies(t *testing.T) {
	cloud := awstest.Start(t, nil)
	client := awskms.NewFromConfig(cloud.Config())
	arn, other := must(cloud.CreateKey(awstest.Key{})), must(cloud.CreateKey(awstest.Key{}))
	key := open(t, cloud, arn)
	reply := func(name string, value any) awstest.Edit {
		return awstest.Edit{Reply: func(m map[string]any) { m[name] = value }}
	}
	b64 := base64.StdEncoding.EncodeToString
	for name, edit := range map[string]awstest.Edit{
		"another key":     {Request: func(m map[string]any) { m["KeyId"] = other }},
		"no name":         {Reply: func(m map[string]any) { delete(m, "KeyId") }},
		"an alias":        reply("KeyId", arn[:strings.Index(arn, ":key/")]+":alias/x"),
		"no key":          reply("PublicKey", ""),
		"garbage":         reply("PublicKey", b64([]byte("garbage"))),
		"another type":    reply("KeySpec", "ECC_NIST_P384"),
		"an unknown type": reply("KeySpec", "ECC_NEW"),
		"Edwards' curve":  reply("KeySpec", "ECC_NIST_EDWARDS25519"),
		"another use":     reply("KeyUsage", "ENCRYPT_DECRYPT"),
		"nothing":         {Reply: func(m map[string]any) { clear(m) }},
		"a key of 100 bit": reply("PublicKey",
			b64(must(x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: big.NewInt(1).Lsh(big.NewInt(1), 100), E: 65537})))),
	} {
		cloud.Edit("kms:GetPublicKey", edit)
		if _, err := kms.NewAWS(t.Context(), client, arn); !errors.Is(err, sign.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
		cloud.Heal()
	}
	for name, edit := range map[string]awstest.Edit{
		"by another key":    {Request: func(m map[string]any) { m["KeyId"] = other }},
		"of another digest": {Request: func(m map[string]any) { m["Message"] = b64(make([]byte, 32)) }},
		"garbage":           reply("Signature", b64([]byte("garbage"))),
		"nothing":           {Reply: func(m map[string]any) { clear(m) }},
	} {
		cloud.Edit("kms:Sign", edit)
		if _, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{})); !errors.Is(err,
			sign.ErrSignature) {
			t.Errorf("a signature, %s: %v", name, err)
		}
		cloud.Heal()
	}
}

// environment is what a program on AWS finds around it.
func environment(t *testing.T, cloud *awstest.Server) {
	id, secret := cloud.Credentials()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "",
		"AWS_REGION": "us-east-1", "AWS_PROFILE": "", "AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_ENDPOINT_URL": "",
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"), "AWS_EC2_METADATA_DISABLED": "true", "AWS_CA_BUNDLE": "",
		"AWS_ENDPOINT_URL_KMS": cloud.URL(), "HTTPS_PROXY": "", "HTTP_PROXY": ""} {
		t.Setenv(name, value)
	}
}

func TestOpenAWS(t *testing.T) {
	cloud := awstest.Start(t, nil)
	environment(t, cloud)
	arn := must(cloud.CreateKey(awstest.Key{}))
	away := must(cloud.CreateKey(awstest.Key{Region: "ap-southeast-2"}))
	if err := cloud.SetAlias("alias/release", arn); err != nil {
		t.Fatal(err)
	}
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	for _, uri := range []string{"awskms:///" + id, "awskms:///" + arn, "awskms:///" + away, "awskms:///alias/release",
		"awskms:///" + strings.Replace(arn, "key/"+id, "alias/release", 1)} {
		key, err := kms.Open(t.Context(), uri)
		if err != nil {
			t.Errorf("%s: %v", uri, err)
			continue
		}
		if _, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{})); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}

	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	if _, err := kms.Open(t.Context(), "awskms:///"+arn); !errors.Is(err, sign.ErrDenied) {
		t.Errorf("wrong credentials: %v", err)
	}
}

// The endpoint in a reference is spoken to by TLS, and only if its certificate is trusted.
func TestOpenAWSEndpoint(t *testing.T) {
	cloud := awstest.Start(t, nil)
	environment(t, cloud)
	t.Setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1") // nobody is there
	arn := must(cloud.CreateKey(awstest.Key{}))
	server := httptest.NewUnstartedServer(cloud)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	uri := "awskms://" + server.Listener.Addr().String() + "/" + arn
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := kms.Open(ctx, uri); err == nil || cloud.Calls()["kms:GetPublicKey"] != 0 {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	if _, err := kms.Open(t.Context(), uri); err != nil || cloud.Calls()["kms:GetPublicKey"] != 1 {
		t.Errorf("%v, %v", err, cloud.Calls())
	}
}
