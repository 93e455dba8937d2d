package awstest_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	awssigner "github.com/aws/aws-sdk-go-v2/service/signer"
	signertypes "github.com/aws/aws-sdk-go-v2/service/signer/types"
	"github.com/aws/smithy-go"
	"github.com/ladingdev/lading/internal/awstest"
	"github.com/notaryproject/notation-core-go/signature"
	_ "github.com/notaryproject/notation-core-go/signature/jws"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// code returns an AWS error's code.
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

func TestKMS(t *testing.T) {
	cloud := awstest.Start(t, &awstest.Options{Region: "eu-central-1"})
	client := awskms.NewFromConfig(cloud.Config())
	ctx := t.Context()
	for spec, algorithm := range map[kmstypes.KeySpec]kmstypes.SigningAlgorithmSpec{
		kmstypes.KeySpecRsa2048:     kmstypes.SigningAlgorithmSpecRsassaPkcs1V15Sha256,
		kmstypes.KeySpecRsa3072:     kmstypes.SigningAlgorithmSpecRsassaPssSha384,
		kmstypes.KeySpecRsa4096:     kmstypes.SigningAlgorithmSpecRsassaPssSha512,
		kmstypes.KeySpecEccNistP256: kmstypes.SigningAlgorithmSpecEcdsaSha256,
		kmstypes.KeySpecEccNistP384: kmstypes.SigningAlgorithmSpecEcdsaSha384,
		kmstypes.KeySpecEccNistP521: kmstypes.SigningAlgorithmSpecEcdsaSha512,
	} {
		arn := must(cloud.CreateKey(awstest.Key{Spec: spec}))
		if err := cloud.SetAlias("alias/release", arn); err != nil {
			t.Fatal(err)
		}
		got, err := client.GetPublicKey(ctx, &awskms.GetPublicKeyInput{KeyId: aws.String("alias/release")})
		if err != nil {
			t.Fatal(err)
		}
		if *got.KeyId != arn || got.KeySpec != spec || got.KeyUsage != kmstypes.KeyUsageTypeSignVerify {
			t.Errorf("%s: %+v", spec, got)
		}
		pub := must(x509.ParsePKIXPublicKey(got.PublicKey))
		hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384,
			"512": crypto.SHA512}[string(algorithm[len(algorithm)-3:])]
		message := []byte("a message")
		h := hash.New()
		h.Write(message)
		for _, in := range []*awskms.SignInput{
			{KeyId: &arn, Message: message, SigningAlgorithm: algorithm},
			{KeyId: &arn, Message: h.Sum(nil), MessageType: kmstypes.MessageTypeDigest, SigningAlgorithm: algorithm},
		} {
			out, err := client.Sign(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			ok := false
			switch pub := pub.(type) {
			case *ecdsa.PublicKey:
				ok = ecdsa.VerifyASN1(pub, h.Sum(nil), out.Signature)
			case *rsa.PublicKey:
				if strings.Contains(string(algorithm), "PSS") {
					ok = rsa.VerifyPSS(pub, hash, h.Sum(nil), out.Signature, &rsa.PSSOptions{SaltLength: hash.Size()}) == nil
				} else {
					ok = rsa.VerifyPKCS1v15(pub, hash, h.Sum(nil), out.Signature) == nil
				}
			}
			if !ok {
				t.Errorf("%s %s: the signature does not hold", spec, in.MessageType)
			}
		}
		if d, err := client.DescribeKey(ctx, &awskms.DescribeKeyInput{KeyId: &arn}); err != nil || d.KeyMetadata.KeySpec != spec {
			t.Errorf("DescribeKey: %+v, %v", d, err)
		}
	}
	if n := cloud.Calls()["kms:Sign"]; n != 12 {
		t.Errorf("%d calls of Sign counted", n)
	}
}

func TestKMSRefusals(t *testing.T) {
	cloud := awstest.Start(t, nil)
	client := awskms.NewFromConfig(cloud.Config())
	good := must(cloud.CreateKey(awstest.Key{}))
	disabled := must(cloud.CreateKey(awstest.Key{State: kmstypes.KeyStateDisabled}))
	doomed := must(cloud.CreateKey(awstest.Key{}))
	if err := cloud.SetKeyState(doomed, kmstypes.KeyStatePendingDeletion); err != nil {
		t.Fatal(err)
	}
	symmetric := must(cloud.CreateKey(awstest.Key{Spec: kmstypes.KeySpecSymmetricDefault}))
	agreement := must(cloud.CreateKey(awstest.Key{Usage: kmstypes.KeyUsageTypeKeyAgreement}))
	away := must(cloud.CreateKey(awstest.Key{Region: "eu-west-1"}))
	digest := make([]byte, 32)
	for name, c := range map[string]struct {
		key       string
		message   []byte
		kind      kmstypes.MessageType
		algorithm kmstypes.SigningAlgorithmSpec
		want      string
	}{
		"disabled":           {disabled, digest, "DIGEST", "ECDSA_SHA_256", "DisabledException"},
		"to be deleted":      {doomed, digest, "DIGEST", "ECDSA_SHA_256", "KMSInvalidStateException"},
		"symmetric":          {symmetric, digest, "DIGEST", "ECDSA_SHA_256", "InvalidKeyUsageException"},
		"key agreement":      {agreement, digest, "DIGEST", "ECDSA_SHA_256", "InvalidKeyUsageException"},
		"other algorithm":    {good, digest, "DIGEST", "ECDSA_SHA_384", "InvalidKeyUsageException"},
		"short digest":       {good, digest[1:], "DIGEST", "ECDSA_SHA_256", "ValidationException"},
		"long message":       {good, make([]byte, 4097), "RAW", "ECDSA_SHA_256", "ValidationException"},
		"no such key":        {"alias/none", digest, "DIGEST", "ECDSA_SHA_256", "NotFoundException"},
		"a key of elsewhere": {away, digest, "DIGEST", "ECDSA_SHA_256", "NotFoundException"},
	} {
		_, err := client.Sign(t.Context(),
			&awskms.SignInput{KeyId: &c.key, Message: c.message, MessageType: c.kind, SigningAlgorithm: c.algorithm})
		if code(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := client.GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{KeyId: &symmetric}); code(err) !=
		"UnsupportedOperationException" {
		t.Errorf("public key of a symmetric key: %v", err)
	}
	if _, err := client.GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{KeyId: &away},
		func(o *awskms.Options) { o.Region = "eu-west-1" }); err != nil {
		t.Errorf("the key of elsewhere, asked there: %v", err)
	}
}

const payload = `{"targetArtifact":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:` +
	`e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":5}}`

// The signature is one that Notary Project's own library accepts, with certificates of the real shape.
func TestSigner(t *testing.T) {
	now := time.Date(2025, 5, 6, 7, 8, 9, 0, time.UTC)
	cloud := awstest.Start(t, &awstest.Options{Now: func() time.Time { return now }})
	client := awssigner.NewFromConfig(cloud.Config())
	_, version := cloud.CreateProfile(awstest.Profile{Name: "release"})
	cloud.CreateProfile(awstest.Profile{Name: "release", Owner: "444455556666"})
	in := &awssigner.SignPayloadInput{Payload: []byte(payload), PayloadFormat: aws.String(awstest.PayloadFormat),
		ProfileName: aws.String("release")}
	out, err := client.SignPayload(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	content := must(must(signature.ParseEnvelope("application/jose+json", out.Signature)).Verify())
	info := content.SignerInfo
	attribute := func(name string) any {
		a, err := info.ExtendedAttribute(name)
		if err != nil || !a.Critical {
			t.Errorf("attribute %s: %+v, %v", name, a, err)
		}
		return a.Value
	}
	if info.SignatureAlgorithm != signature.AlgorithmES384 || !info.SignedAttributes.SigningTime.Equal(now) ||
		info.SignedAttributes.SigningScheme != signature.SigningSchemeX509SigningAuthority ||
		!info.SignedAttributes.Expiry.Equal(now.AddDate(0, 135, 0)) || string(content.Payload.Content) != payload {
		t.Errorf("%+v", info.SignedAttributes)
	}
	job, _ := attribute("com.amazonaws.signer.signingJob").(string)
	if attribute("com.amazonaws.signer.signingProfileVersion") != version || !strings.HasSuffix(job, ":/signing-jobs/"+*out.JobId) ||
		attribute("io.cncf.notary.verificationPlugin") != "com.amazonaws.signer.notation.plugin" {
		t.Errorf("%+v", info.SignedAttributes.ExtendedAttributes)
	}
	chain := info.CertificateChain
	if len(chain) != 4 || !chain[3].Equal(cloud.Root()) || chain[0].NotAfter.Sub(chain[0].NotBefore) != 72*time.Hour ||
		chain[0].Subject.String() != "CN=AWS Signer,OU=AWS Cryptography,O=AWS,L=Seattle,ST=WA,C=US" ||
		chain[1].Subject.CommonName != "AWS Signer us-east-1 Code Signing CA G1" {
		t.Errorf("%d certificates: %v", len(chain), chain[0].Subject)
	}
	if _, err := signature.VerifyAuthenticity(&info, []*x509.Certificate{cloud.Root()}); err != nil {
		t.Error(err)
	}

	hashes := awstest.CertificateHashes(chain)
	tbs, parent := sha512.Sum384(chain[0].RawTBSCertificate), sha512.Sum384(chain[1].RawTBSCertificate)
	if hashes[0] != hex.EncodeToString(tbs[:])+hex.EncodeToString(parent[:]) {
		t.Errorf("hash %s", hashes[0])
	}
	revoked := func() []string {
		t.Helper()
		out, err := client.GetRevocationStatus(t.Context(), &awssigner.GetRevocationStatusInput{CertificateHashes: hashes, JobArn: &job,
			PlatformId: aws.String(awstest.Platform), ProfileVersionArn: &version, SignatureTimestamp: &now})
		if err != nil {
			t.Fatal(err)
		}
		return out.RevokedEntities
	}
	if r := revoked(); len(r) != 0 {
		t.Errorf("revoked: %q", r)
	}
	cloud.Revoke(job, now.Add(time.Second))
	if r := revoked(); len(r) != 0 {
		t.Errorf("revoked from a second later on: %q", r)
	}
	for i, entity := range []string{job, hashes[2], version} {
		cloud.Revoke(entity, now)
		if r := revoked(); len(r) != i+1 {
			t.Errorf("revoked: %q", r)
		}
	}
	profile, err := client.GetSigningProfile(t.Context(), &awssigner.GetSigningProfileInput{ProfileName: aws.String("release")})
	if err != nil || profile.Status != signertypes.SigningProfileStatusRevoked || *profile.ProfileVersionArn != version {
		t.Errorf("%+v, %v", profile, err)
	}
	if _, err := client.SignPayload(t.Context(), in); code(err) != "ValidationException" {
		t.Errorf("signed with a revoked profile: %v", err)
	}
	in.ProfileOwner = aws.String("444455556666")
	if _, err := client.SignPayload(t.Context(), in); err != nil {
		t.Errorf("the other account's profile of that name: %v", err)
	}
	in.ProfileName = aws.String("Release")
	if _, err := client.SignPayload(t.Context(), in); code(err) != "ResourceNotFoundException" {
		t.Errorf("a profile of another case: %v", err)
	}
}

// scan calls Inspector as a client without an SDK does.
func scan(cloud *awstest.Server, region, service, secret, body string) (int, string) {
	ctx := context.Background()
	r := must(http.NewRequest("POST", "https://inspector-scan.us-east-1.amazonaws.com/scan/sbom", strings.NewReader(body)))
	r.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	creds := must(cloud.Config().Credentials.Retrieve(ctx))
	if secret != "" {
		creds.SecretAccessKey = secret
	}
	if err := v4.NewSigner().SignHTTP(ctx, creds, r, hex.EncodeToString(sum[:]), service, region, time.Now()); err != nil {
		panic(err)
	}
	resp := must(cloud.Config().HTTPClient.Do(r))
	defer resp.Body.Close()
	return resp.StatusCode, string(must(io.ReadAll(resp.Body)))
}

func TestInspector(t *testing.T) {
	cloud := awstest.Start(t, nil)
	cloud.AddVulnerability(awstest.Vulnerability{ID: "CVE-2015-20109", PURL: "pkg:deb/ubuntu/libc6@2.19", Severity: "medium", Score: 5.5,
		Fixed: "2.22"})
	body := `{"sbom":{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"libc6",` +
		`"purl":"pkg:deb/ubuntu/libc6@2.19"}]},"outputFormat":"CYCLONE_DX_1_5"}`
	status, text := scan(cloud, "us-east-1", "inspector-scan", "", body)
	if status != 200 || !strings.Contains(text, `"CVE-2015-20109"`) ||
		!strings.Contains(text, `"amazon:inspector:sbom_scanner:medium_vulnerabilities","value":"1"`) {
		t.Errorf("%d: %s", status, text)
	}
	if status, text := scan(cloud, "us-east-1", "inspector-scan", "", strings.Replace(body, `"1.5"`, `"1.6"`, 1)); status != 400 {
		t.Errorf("CycloneDX 1.6: %d: %s", status, text)
	}
	for name, c := range map[string][3]string{
		"another region":  {"eu-west-1", "inspector-scan", ""},
		"another service": {"us-east-1", "kms", ""},
		"another key":     {"us-east-1", "inspector-scan", "stolen"},
	} {
		if status, text := scan(cloud, c[0], c[1], c[2], body); status != 403 {
			t.Errorf("signed for or with %s: %d: %s", name, status, text)
		}
	}
}

func TestSigV4(t *testing.T) {
	cloud := awstest.Start(t, nil)
	arn := must(cloud.CreateKey(awstest.Key{}))
	client := func(edit func(*http.Request)) *awskms.Client {
		cfg := cloud.Config()
		inner := cfg.HTTPClient
		return awskms.NewFromConfig(cfg, func(o *awskms.Options) {
			o.HTTPClient = doer(func(r *http.Request) (*http.Response, error) { edit(r); return inner.Do(r) })
		})
	}
	for name, c := range map[string]struct {
		edit func(*http.Request)
		want string
	}{
		"untouched":  {func(*http.Request) {}, ""},
		"not signed": {func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationTokenException"},
		"no date":    {func(r *http.Request) { r.Header.Del("X-Amz-Date") }, "IncompleteSignatureException"},
		"other body": {func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("{}")), 2 },
			"InvalidSignatureException"},
		"other header": {func(r *http.Request) { r.Header.Set("X-Amz-Target", "TrentService.Sign") }, "InvalidSignatureException"},
		"other account": {func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "AKIDEXAMPLE", "AKIDOTHER", 1))
		}, "UnrecognizedClientException"},
	} {
		_, err := client(c.edit).GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{KeyId: &arn})
		if code(err) != c.want || (c.want == "") != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func TestFaults(t *testing.T) {
	cloud := awstest.Start(t, nil)
	arn := must(cloud.CreateKey(awstest.Key{}))
	client := awskms.NewFromConfig(cloud.Config())
	get := func(ctx context.Context) error {
		_, err := client.GetPublicKey(ctx, &awskms.GetPublicKeyInput{KeyId: &arn})
		return err
	}
	throttled := awstest.Throttled
	throttled.Times = 2
	cloud.Fail("kms:GetPublicKey", throttled)
	if err := get(t.Context()); err != nil || cloud.Calls()["kms:GetPublicKey"] != 3 {
		t.Errorf("throttled twice: %v, %v", err, cloud.Calls())
	}
	cloud.Fail("*", awstest.DeniedByKMS)
	if err := get(t.Context()); code(err) != "AccessDeniedException" {
		t.Errorf("denied: %v", err)
	}
	cloud.Heal()
	cloud.Fail("kms:GetPublicKey", awstest.Unavailable)
	if err := get(t.Context()); err == nil {
		t.Error("not available, and answered")
	}
	cloud.Heal()
	cloud.Fail("kms:GetPublicKey", awstest.Fault{Delay: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := get(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
	cloud.Heal()
	cloud.Edit("kms:GetPublicKey", awstest.Edit{Reply: func(m map[string]any) { m["PublicKey"] = "AAAA" }})
	out, err := client.GetPublicKey(t.Context(), &awskms.GetPublicKeyInput{KeyId: &arn})
	if err != nil || !bytes.Equal(out.PublicKey, make([]byte, 3)) {
		t.Errorf("a reply that was changed: %+v, %v", out, err)
	}
	cloud.ResetCalls()
	if len(cloud.Calls()) != 0 {
		t.Error("calls were not reset")
	}
}
