package awsoidc_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/keyless/awsoidc"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
	"github.com/ladingdev/lading/verify/sigstore"
)

const role = "arn:aws:iam::111122223333:role/release"

// service stands for AWS STS in a region: its query protocol, its answers and its errors.
type service struct {
	token  func() string
	faults []fault // of the next requests
	asked  int
}

type fault struct {
	status        int
	code, message string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked++
	refuse := func(f fault) {
		kind := map[bool]string{true: "Sender", false: "Receiver"}[f.status < 500]
		w.WriteHeader(f.status)
		fmt.Fprintf(
			w,
			`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message>`+
				`</Error><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ErrorResponse>`,
			kind,
			f.code,
			f.message,
		)
	}
	w.Header().Set("Content-Type", "text/xml")
	if len(s.faults) > 0 {
		f := s.faults[0]
		s.faults = s.faults[1:]
		refuse(f)
		return
	}
	authorization := r.Header.Get("Authorization")
	switch {
	case r.Method != http.MethodPost || r.ParseForm() != nil || r.Form.Get("Version") != "2011-06-15" ||
		r.Form.Get("Action") != "GetWebIdentityToken":
		refuse(fault{400, "InvalidAction", "Could not find operation"})
	case !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") ||
		!strings.Contains(authorization, "/eu-west-1/sts/aws4_request"):
		refuse(fault{403, "SignatureDoesNotMatch", authorization})
	case r.Form.Get("Audience.member.1") != "sigstore" || r.Form.Has("Audience.member.2") || r.Form.Get("SigningAlgorithm") != "RS256":
		refuse(fault{400, "ValidationError", r.Form.Encode()})
	default:
		var token strings.Builder
		_ = xml.EscapeText(&token, []byte(s.token()))
		fmt.Fprintf(w, `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>`+
			`<WebIdentityToken>%s</WebIdentityToken><Expiration>%s</Expiration></GetWebIdentityTokenResult>`+
			`<ResponseMetadata><RequestId>c6104cbe</RequestId></ResponseMetadata></GetWebIdentityTokenResponse>`,
			&token, time.Now().Add(5*time.Minute).UTC().Format(time.RFC3339))
	}
}

// client is the SDK's own.
func client(t *testing.T, s *service, region string) *sts.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return sts.New(
		sts.Options{
			Region:       region,
			BaseEndpoint: aws.String(server.URL),
			Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "x", ""),
			Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			}),
		},
	)
}

// A role signs with its own identity, by a Fulcio that knows the account's issuer; the verifier asks for the role.
func TestSign(t *testing.T) {
	instance := keylesstest.Start()
	defer instance.Close()
	const issuer = "https://1234abcd-12ab-34cd-56ef-1234567890ab.tokens.sts.global.api.aws"
	s := &service{token: func() string {
		return instance.Token(
			map[string]any{"iss": issuer, "sub": role, "https://sts.amazonaws.com/": map[string]any{"aws_account": "111122223333"}},
		)
	}}
	i, err := keyless.ParseInstance(instance.TrustedRoot(), instance.SigningConfig(keylesstest.Tiles))
	if err != nil {
		t.Fatal(err)
	}
	signer := &keyless.Signer{Instance: i, Token: awsoidc.Source(client(t, s, "eu-west-1"))}
	image := sign.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}
	d, err := signer.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	root, err := sigstore.ParseRoot(instance.TrustedRoot(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{role: true, role + "2": false} {
		v, err := sigstore.New(root, []sigstore.Entry{{Name: "role", URI: sigstore.Exactly(name), Issuer: sigstore.Exactly(issuer)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), image, d); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.asked != 1 {
		t.Errorf("%d requests", s.asked)
	}
}

// Each answer of the service is told by kind, with what to do, in one line.
func TestErrors(t *testing.T) {
	throttled := fault{400, "Throttling", "Rate exceeded"}
	for name, c := range map[string]struct {
		faults []fault
		region string
		is     error
		says   string
		asked  int
	}{
		"the feature is off": {faults: []fault{{403, "OutboundWebIdentityFederationDisabledException",
			"Outbound web identity federation is disabled for this account"}}, says: "enable-outbound-web-identity-federation", asked: 1},
		"expired credentials": {faults: []fault{{403, "ExpiredToken", "The security token included in the request is expired"}},
			is: sign.ErrDenied, says: "get new ones", asked: 1},
		"a session that ends": {faults: []fault{{403, "SessionDurationEscalationException", "too long"}},
			says: "assume the role again", asked: 1},
		"too many tags": {faults: []fault{{400, "JWTPayloadSizeExceededException", "too large"}}, says: "principal tags", asked: 1},
		"no permission": {faults: []fault{{403, "AccessDenied", "not authorized to perform: sts:GetWebIdentityToken"}},
			is: sign.ErrDenied, says: "role needs", asked: 1},
		"throttled once": {faults: []fault{throttled}, asked: 2},
		"throttled":      {faults: []fault{throttled, throttled, throttled}, is: sign.ErrThrottled, says: "Rate exceeded", asked: 3},
		"away": {faults: []fault{{503, "ServiceUnavailable", "x"}, {503, "ServiceUnavailable", "x"},
			{503, "ServiceUnavailable", "x"}}, says: "503", asked: 3},
		"an older endpoint": {faults: []fault{{400, "InvalidAction", "Could not find operation"}},
			says: "use one of a region", asked: 1},
		"nobody": {faults: []fault{{403, "InvalidClientTokenId", "The security token included in the request is invalid"}},
			says: "does not know", asked: 1},
		"a region of elsewhere": {region: "us-east-1", is: sign.ErrDenied, says: "SignatureDoesNotMatch", asked: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{token: func() string { return "a.b.c" }, faults: c.faults}
			if c.region == "" {
				c.region = "eu-west-1"
			}
			token, err := awsoidc.Source(client(t, s, c.region))(t.Context(), keyless.Audience)
			switch {
			case c.says == "":
				if err != nil || token != "a.b.c" {
					t.Errorf("%q, %v", token, err)
				}
			case !errors.Is(err, keyless.ErrToken) || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says):
				t.Errorf("%v", err)
			case strings.ContainsAny(err.Error(), "\r\n") || token != "":
				t.Errorf("%q, %q", token, err)
			}
			if s.asked != c.asked {
				t.Errorf("%d requests", s.asked)
			}
		})
	}
}

// The client's own kinds of errors are there for errors.As.
func TestCause(t *testing.T) {
	s := &service{faults: []fault{{403, "OutboundWebIdentityFederationDisabledException", "x"}}}
	_, err := awsoidc.Source(client(t, s, "eu-west-1"))(t.Context(), keyless.Audience)
	var off *types.OutboundWebIdentityFederationDisabledException
	if !errors.As(err, &off) {
		t.Error(err)
	}
}

type none struct{}

func (none) GetWebIdentityToken(
	context.Context,
	*sts.GetWebIdentityTokenInput,
	...func(*sts.Options),
) (*sts.GetWebIdentityTokenOutput, error) {
	return nil, nil
}

func TestNone(t *testing.T) {
	for _, c := range []awsoidc.STS{nil, none{}} {
		if _, err := awsoidc.Source(c)(t.Context(), keyless.Audience); !errors.Is(err, keyless.ErrToken) {
			t.Error(err)
		}
	}
	if _, err := awsoidc.Source(sts.New(sts.Options{}))(t.Context(), keyless.Audience); !errors.Is(err, keyless.ErrToken) ||
		!strings.Contains(err.Error(), "Missing Region") {
		t.Error(err)
	}
}

func ExampleSource() {
	s := httptest.NewServer(&service{token: func() string { return "a.b.c" }}) // in place of AWS STS
	defer s.Close()
	source := awsoidc.Source(sts.New(sts.Options{Region: "eu-west-1", BaseEndpoint: aws.String(s.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "x", "")})) // sts.NewFromConfig(config)
	token, err := source(context.Background(), keyless.Audience)
	fmt.Println(token, err)
	// Output: a.b.c <nil>
}
