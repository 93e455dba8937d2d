package awssigner_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/awssigner"
	"github.com/ladingdev/lading/sign/signtest"
	"github.com/notaryproject/notation-core-go/signature"
	_ "github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/opencontainers/go-digest"
)

var image = sign.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}

func newSigner(t testing.TB, cloud *awstest.Server, arn string) *awssigner.Signer {
	t.Helper()
	s, err := awssigner.New(awssdk.NewFromConfig(cloud.Config()), arn)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	cloud := awstest.Start(t, nil)
	arn, _ := cloud.CreateProfile(awstest.Profile{Name: "release"})
	signtest.TestSigner(t, newSigner(t, cloud, arn))
}

// One call for each signature, and none for a statement that cannot be signed.
func TestSign(t *testing.T) {
	cloud := awstest.Start(t, nil)
	arn, version := cloud.CreateProfile(awstest.Profile{Name: "release", Owner: "444455556666", Region: "eu-west-1"}) // client's: us-east-1
	s := newSigner(t, cloud, arn)
	st := sign.About(image, sign.ImageSignature{})
	st.Subjects[0].Annotations = map[string]string{"build": "<42>"}
	d, err := s.Sign(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"signer:SignPayload": 1}, cloud.Calls()); diff != "" {
		t.Error(diff)
	}
	if d.MediaType != "application/jose+json" || d.ArtifactType != "application/vnd.cncf.notary.signature" ||
		d.Digest != digest.FromBytes(d.Data) || d.Size != int64(len(d.Data)) || d.Annotations["profileVersionArn"] != version {
		t.Errorf("%s, %s, %v", d.MediaType, d.ArtifactType, d.Annotations)
	}

	// As Notary Project's own library sees it.
	env, err := signature.ParseEnvelope(d.MediaType, d.Data)
	if err != nil {
		t.Fatal(err)
	}
	content, err := env.Verify()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signature.VerifyAuthenticity(&content.SignerInfo, []*x509.Certificate{cloud.Root()}); err != nil {
		t.Error(err)
	}
	var payload struct {
		TargetArtifact struct {
			sign.Descriptor
			Annotations map[string]string `json:"annotations"`
		} `json:"targetArtifact"`
	}
	if err := json.Unmarshal(content.Payload.Content, &payload); err != nil || payload.TargetArtifact.Digest != image.Digest ||
		payload.TargetArtifact.Annotations["build"] != "<42>" {
		t.Errorf("%s, %v", content.Payload.Content, err)
	}
	var prints []string
	if err := json.Unmarshal([]byte(d.Annotations["io.cncf.notary.x509chain.thumbprint#S256"]), &prints); err != nil || len(prints) != 4 ||
		len(prints[3]) != 64 {
		t.Errorf("%v, %v", d.Annotations, err)
	}

	for name, st := range map[string]*sign.Statement{
		"an SBOM":       sign.About(image, sign.RawPredicate{Type: "https://spdx.dev/Document", JSON: []byte("{}")}),
		"two subjects":  {Subjects: []sign.Subject{{Descriptor: image}, {Descriptor: image}}, Predicate: sign.ImageSignature{}},
		"a name":        {Subjects: []sign.Subject{{Descriptor: image, Name: "app"}}, Predicate: sign.ImageSignature{}},
		"no media type": sign.About(sign.Descriptor{Digest: image.Digest, Size: 5}, sign.ImageSignature{}),
		"reserved annotation": {Subjects: []sign.Subject{{Descriptor: image, Annotations: map[string]string{"io.cncf.notary.x": "y"}}},
			Predicate: sign.ImageSignature{}},
		"5,000 bytes": {Subjects: []sign.Subject{{Descriptor: image, Annotations: map[string]string{"x": strings.Repeat("y", 5000)}}},
			Predicate: sign.ImageSignature{}},
	} {
		if d, err := s.Sign(t.Context(), st); !errors.Is(err, sign.ErrStatement) {
			t.Errorf("%s: %v, %v", name, d.Digest, err)
		}
	}
	if n := cloud.Calls()["signer:SignPayload"]; n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestProfileARN(t *testing.T) {
	client := awssdk.New(awssdk.Options{})
	const good = "arn:aws:signer:us-east-1:111122223333:/signing-profiles/release"
	for _, arn := range []string{good, "arn:aws-us-gov:signer:us-gov-west-1:111122223333:/signing-profiles/A_1",
		"arn:aws-cn:signer:cn-north-1:111122223333:/signing-profiles/release"} {
		if _, err := awssigner.New(client, arn); err != nil {
			t.Errorf("%s: %v", arn, err)
		}
	}
	for name, arn := range map[string]string{
		"empty":             "",
		"a name":            "release",
		"a version":         good + "/abcdefghij",
		"a job":             "arn:aws:signer:us-east-1:111122223333:/signing-jobs/release",
		"a KMS key":         "arn:aws:kms:us-east-1:111122223333:key/release",
		"no region":         "arn:aws:signer::111122223333:/signing-profiles/release",
		"a host as region":  "arn:aws:signer:evil.example/:111122223333:/signing-profiles/release",
		"no account":        "arn:aws:signer:us-east-1::/signing-profiles/release",
		"short account":     "arn:aws:signer:us-east-1:1111:/signing-profiles/release",
		"other partition":   "arn:awsevil:signer:us-east-1:111122223333:/signing-profiles/release",
		"wildcard":          "arn:aws:signer:us-east-1:111122223333:/signing-profiles/*",
		"name of one":       "arn:aws:signer:us-east-1:111122223333:/signing-profiles/r",
		"a query":           good + "?x=y",
		"a colon more":      good + ":x",
		"a space behind it": good + " ",
	} {
		if _, err := awssigner.New(client, arn); !errors.Is(err, awssigner.ErrProfile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := awssigner.New(nil, good); err == nil {
		t.Error("no client, no error")
	}
}

func TestServiceErrors(t *testing.T) {
	cloud := awstest.Start(t, nil)
	arn, version := cloud.CreateProfile(awstest.Profile{Name: "release"})
	s := newSigner(t, cloud, arn)
	try := func() error {
		_, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
		return err
	}
	for _, c := range []struct {
		fault awstest.Fault
		want  error
		calls int
	}{
		{awstest.TooManyRequests, sign.ErrThrottled, 3}, // what the SDK tries
		{awstest.Throttled, sign.ErrThrottled, 3},
		{awstest.Denied, sign.ErrDenied, 1},
		{awstest.Fault{Status: 403, Code: "ExpiredTokenException"}, sign.ErrDenied, 1},
	} {
		cloud.ResetCalls()
		cloud.Fail("signer:SignPayload", c.fault)
		err := try()
		if !errors.Is(err, c.want) || cloud.Calls()["signer:SignPayload"] != c.calls {
			t.Errorf("%+v: %v, %v", c.fault, err, cloud.Calls())
		}
		if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != c.fault.Code {
			t.Errorf("the service's own error is lost: %v", err)
		}
		cloud.Heal()
	}
	for _, f := range []awstest.Fault{awstest.InternalToSigner, awstest.Unavailable} {
		cloud.Fail("signer:SignPayload", f)
		if err := try(); err == nil || errors.Is(err, sign.ErrDenied) || errors.Is(err, sign.ErrThrottled) ||
			errors.Is(err, awssigner.ErrProfile) {
			t.Errorf("%+v: %v", f, err)
		}
		cloud.Heal()
	}
	throttled := awstest.TooManyRequests
	throttled.Times = 2
	cloud.Fail("signer:SignPayload", throttled)
	if err := try(); err != nil {
		t.Errorf("throttled twice, then served: %v", err)
	}
	if _, err := newSigner(t, cloud, strings.Replace(arn, "release", "Release", 1)).Sign(t.Context(),
		sign.About(image, sign.ImageSignature{})); !errors.Is(err, awssigner.ErrProfile) {
		t.Errorf("no such profile: %v", err)
	}
	cloud.Revoke(version, time.Time{})
	if err := try(); !errors.Is(err, awssigner.ErrProfile) {
		t.Errorf("revoked profile: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Sign(ctx, sign.About(image, sign.ImageSignature{})); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A service that lies is found out, in whatever it lies.
func TestLies(t *testing.T) {
	cloud := awstest.Start(t, nil)
	arn, _ := cloud.CreateProfile(awstest.Profile{Name: "release"})
	cloud.CreateProfile(awstest.Profile{Name: "release2"})
	cloud.CreateProfile(awstest.Profile{Name: "release", Owner: "444455556666"})
	s := newSigner(t, cloud, arn)
	b64 := base64.StdEncoding
	request := func(f func(m map[string]any)) awstest.Edit { return awstest.Edit{Request: f} }
	payload := func(old, new string) awstest.Edit {
		return request(func(m map[string]any) {
			data, err := b64.DecodeString(m["payload"].(string))
			if err != nil || !strings.Contains(string(data), old) {
				t.Fatalf("%s, %v", data, err)
			}
			m["payload"] = b64.EncodeToString([]byte(strings.Replace(string(data), old, new, 1)))
		})
	}
	reply := func(f func([]byte) []byte) awstest.Edit {
		return awstest.Edit{Reply: func(m map[string]any) {
			data, err := b64.DecodeString(m["signature"].(string))
			if err != nil {
				t.Fatal(err)
			}
			m["signature"] = b64.EncodeToString(f(data))
		}}
	}
	// forged replies with an envelope that the right chain signed, but of another shape.
	forged := func(edit func(e *awstest.Envelope)) awstest.Edit {
		return reply(func([]byte) []byte {
			e, err := cloud.Envelope(arn,
				[]byte(`{"targetArtifact":{"digest":"`+string(image.Digest)+`","mediaType":"`+image.MediaType+`","size":5}}`))
			if err != nil {
				t.Fatal(err)
			}
			edit(e)
			data, err := e.Sign()
			if err != nil {
				t.Fatal(err)
			}
			return data
		})
	}
	set := func(name string, value any) awstest.Edit {
		return forged(func(e *awstest.Envelope) { e.Set(name, value) })
	}
	text := func(old, new string) awstest.Edit {
		return reply(func(data []byte) []byte {
			if !strings.Contains(string(data), old) {
				t.Fatalf("%s", data)
			}
			return []byte(strings.Replace(string(data), old, new, 1))
		})
	}
	other := awstest.Start(t, nil)
	otherARN, _ := other.CreateProfile(awstest.Profile{Name: "release"})
	stranger, err := other.Envelope(otherARN, nil)
	if err != nil {
		t.Fatal(err)
	}
	try := func() error {
		_, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
		return err
	}

	cloud.Edit("signer:SignPayload", forged(func(*awstest.Envelope) {}))
	if err := try(); err != nil {
		t.Fatalf("the forge makes no good envelopes: %v", err)
	}
	cloud.Heal()
	for name, edit := range map[string]awstest.Edit{
		"other digest":         payload(string(image.Digest), string(digest.FromString("evil"))),
		"other size":           payload(`"size":5`, `"size":6`),
		"other media type":     payload("image.manifest", "image.index"),
		"an annotation more":   payload(`"size":5`, `"size":5,"annotations":{"approved":"yes"}`),
		"an artifact type":     payload(`"size":5`, `"size":5,"artifactType":"application/vnd.example"`),
		"a member more":        payload(`"size":5`, `"size":5,"urls":["https://evil.example"]`),
		"a member beside":      payload(`{"targetArtifact"`, `{"extra":1,"targetArtifact"`),
		"a member twice":       payload(`"size":5`, `"size":6,"size":5`),
		"another profile":      request(func(m map[string]any) { m["profileName"] = "release2" }),
		"another account":      request(func(m map[string]any) { m["profileOwner"] = "444455556666" }),
		"garbage":              reply(func([]byte) []byte { return []byte("<html>") }),
		"nothing":              reply(func([]byte) []byte { return nil }),
		"no member":            {Reply: func(m map[string]any) { clear(m) }},
		"COSE":                 reply(func([]byte) []byte { return []byte{0xd2, 0x84, 0x41, 0xa0, 0xa0, 0x41, 0xa0, 0x41, 0xa0} }),
		"cut":                  reply(func(d []byte) []byte { return d[:len(d)/2] }),
		"a tail":               reply(func(d []byte) []byte { return append(d, "{}"...) }),
		"huge":                 reply(func(d []byte) []byte { return append(d, strings.Repeat(" ", 1<<20)...) }),
		"payload twice":        text(`{"payload"`, `{"payload":"e30","payload"`),
		"another case":         text(`{"payload"`, `{"Payload":"e30","payload"`),
		"no certificates":      text(`"x5c":["`, `"x5c":[],"x":["`),
		"20,000 certificates":  text(`"x5c":["`, `"x5c":[`+strings.Repeat(`"AAAA",`, 20000)+`"`),
		"a broken certificate": text(`"x5c":["`, `"x5c":["AAAA","`),
		"leaf alone":           forged(func(e *awstest.Envelope) { e.Chain = e.Chain[:1] }),
		"without root":         forged(func(e *awstest.Envelope) { e.Chain = e.Chain[:3] }),
		"chain of others":      forged(func(e *awstest.Envelope) { e.Chain = append(e.Chain[:1:1], stranger.Chain[1:]...) }),
		"key of others":        forged(func(e *awstest.Envelope) { e.Key = stranger.Key }),
		"CA as leaf":           forged(func(e *awstest.Envelope) { e.Chain = e.Chain[1:] }),
		"other algorithm":      set("alg", "ES256"),
		"no algorithm":         set("alg", nil),
		"other content type":   set("cty", "application/vnd.cncf.notary.payload.v2+json"),
		"other scheme":         set("io.cncf.notary.signingScheme", "notary.x509"),
		"other plugin":         set("io.cncf.notary.verificationPlugin", "com.example.plugin"),
		"no plugin":            set("io.cncf.notary.verificationPlugin", nil),
		"no time":              set("io.cncf.notary.authenticSigningTime", nil),
		"last year":            set("io.cncf.notary.authenticSigningTime", "2020-01-01T00:00:00Z"),
		"profile, other case": set("com.amazonaws.signer.signingProfileVersion",
			strings.Replace(arn, "release", "Release", 1)+"/abcdefghij"),
		"profile, a prefix":   set("com.amazonaws.signer.signingProfileVersion", arn+"2/abcdefghij"),
		"profile, no version": set("com.amazonaws.signer.signingProfileVersion", arn),
		"profile, two":        set("com.amazonaws.signer.signingProfileVersion", arn+"/abc/def"),
		"not critical":        set("crit", []string{"io.cncf.notary.signingScheme"}),
		"critical and unknown": forged(func(e *awstest.Envelope) {
			e.Set("com.amazonaws.signer.future", "x")
			e.Set("crit", []string{"io.cncf.notary.signingScheme", "io.cncf.notary.authenticSigningTime", "io.cncf.notary.expiry",
				"io.cncf.notary.verificationPlugin", "com.amazonaws.signer.signingProfileVersion", "com.amazonaws.signer.signingJob",
				"com.amazonaws.signer.future"})
		}),
		"expiry not critical": set("crit", []string{"io.cncf.notary.signingScheme", "io.cncf.notary.authenticSigningTime",
			"io.cncf.notary.verificationPlugin", "com.amazonaws.signer.signingProfileVersion", "com.amazonaws.signer.signingJob"}),
		"no job":               set("com.amazonaws.signer.signingJob", nil),
		"b64":                  set("b64", false),
		"header, case":         set("Alg", "ES384"),
		"header of numbers":    set("cty", 1),
		"metadata without end": {Reply: func(m map[string]any) { m["metadata"] = map[string]string{"x": strings.Repeat("y", 1<<20)} }},
	} {
		cloud.Edit("signer:SignPayload", edit)
		if err := try(); !errors.Is(err, awssigner.ErrReply) {
			t.Errorf("%s: %v", name, err)
		}
		cloud.Heal()
	}
	if err := try(); err != nil {
		t.Errorf("the service as it is: %v", err)
	}
}

// Metadata cannot speak for what others read from annotations.
func TestMetadata(t *testing.T) {
	cloud := awstest.Start(t, nil)
	arn, _ := cloud.CreateProfile(awstest.Profile{Name: "release"})
	cloud.Edit("signer:SignPayload", awstest.Edit{Reply: func(m map[string]any) {
		m["metadata"] = map[string]string{"io.cncf.notary.x509chain.thumbprint#S256": "[]",
			"org.opencontainers.image.created": "never", "job": "1"}
	}})
	d, err := newSigner(t, cloud, arn).Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	got := maps.Clone(d.Annotations)
	if len(got["io.cncf.notary.x509chain.thumbprint#S256"]) < 4*64 {
		t.Errorf("%v", got)
	}
	delete(got, "io.cncf.notary.x509chain.thumbprint#S256")
	if diff := cmp.Diff(map[string]string{"job": "1"}, got); diff != "" {
		t.Error(diff)
	}
}

// answer is a client that gives one answer.
type answer []byte

func (a answer) SignPayload(context.Context, *awssdk.SignPayloadInput, ...func(*awssdk.Options)) (*awssdk.SignPayloadOutput, error) {
	return &awssdk.SignPayloadOutput{Signature: a}, nil
}

// No envelope but one that says the right thing, signed, is taken, and none makes trouble.
func FuzzReply(f *testing.F) {
	cloud := awstest.Start(f, nil)
	arn, _ := cloud.CreateProfile(awstest.Profile{Name: "release"})
	d, err := newSigner(f, cloud, arn).Sign(f.Context(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(d.Data)
	f.Add([]byte(`{"payload":"","protected":"","header":{"x5c":[]},"signature":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := awssigner.New(answer(data), arn)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
		if err != nil {
			if !errors.Is(err, awssigner.ErrReply) {
				t.Errorf("%v", err)
			}
			return
		}
		env, err := signature.ParseEnvelope(got.MediaType, got.Data)
		if err != nil {
			t.Fatalf("taken, though it is no envelope: %v", err)
		}
		if _, err := env.Verify(); err != nil {
			t.Fatalf("taken, though it does not verify: %v", err)
		}
	})
}

func FuzzProfileARN(f *testing.F) {
	f.Add("arn:aws:signer:us-east-1:111122223333:/signing-profiles/release")
	f.Add("arn:aws:signer:us-east-1:111122223333:/signing-profiles/release/abcdefghij")
	client := awssdk.New(awssdk.Options{})
	f.Fuzz(func(t *testing.T, arn string) {
		if _, err := awssigner.New(client, arn); err == nil && (strings.ContainsAny(arn, " ?#@*\n\\") || strings.Count(arn, "/") != 2) {
			t.Errorf("taken: %q", arn)
		} else if err != nil && !errors.Is(err, awssigner.ErrProfile) {
			t.Errorf("%q: %v", arn, err)
		}
	})
}

var _ awssigner.Client = (*awssdk.Client)(nil)
var _ http.Handler = (*awstest.Server)(nil)
