package keyless

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/internal/sigstore"
)

// Audience is that of tokens for Sigstore's authorities.
const Audience = "sigstore"

// A TokenSource returns an identity token (OpenID Connect Core 1.0, section 2) for an audience, which proves to a certificate
// authority who asks. It is called once for each signature.
type TokenSource func(ctx context.Context, audience string) (string, error)

// provider names whoever gives out tokens in a [ServiceError].
const provider = "identity provider"

// Token returns a source of one token, such as a program was given. It lives for minutes.
func Token(token string) TokenSource {
	return func(context.Context, string) (string, error) { return token, nil }
}

// FileToken returns a source that reads a file at each call, such as a projected service account token of Kubernetes, which is renewed
// while the program runs. The pod's volume:
//
//	projected: {sources: [{serviceAccountToken: {audience: sigstore, expirationSeconds: 600, path: token}}]}
//
// Pods of Amazon EKS reach the public authority so, outside AWS's regions in China. The tokens of IRSA and Pod Identity are for
// another audience.
func FileToken(path string) TokenSource {
	return func(context.Context, string) (string, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("keyless: %w: %w", ErrToken, err)
		}
		return strings.TrimSpace(string(data)), nil
	}
}

// KubernetesEnvironment returns a source that reads the projected service account token at /var/run/sigstore/cosign/oidc-token, which is
// where cosign looks for one as well. The pod mounts a volume as [FileToken] shows it at /var/run/sigstore/cosign, with the path
// oidc-token.
func KubernetesEnvironment() TokenSource { return FileToken("/var/run/sigstore/cosign/oidc-token") }

// idToken is the variable that clients of Sigstore read a token from.
const idToken = "SIGSTORE_ID_TOKEN"

// GitLabEnvironment returns a source that reads SIGSTORE_ID_TOKEN of the environment. GitLab CI sets it where the job has
// id_tokens: {SIGSTORE_ID_TOKEN: {aud: sigstore}}.
func GitLabEnvironment() TokenSource {
	return func(context.Context, string) (string, error) {
		return variable(idToken, "add to the job: id_tokens: {SIGSTORE_ID_TOKEN: {aud: sigstore}}")
	}
}

// CircleCIEnvironment returns a source that reads SIGSTORE_ID_TOKEN of the environment. A step of the job before sets it:
//
//	echo "export SIGSTORE_ID_TOKEN='$(circleci run oidc get --claims '{"aud": "sigstore"}')'" >> "$BASH_ENV"
//
// CIRCLE_OIDC_TOKEN and CIRCLE_OIDC_TOKEN_V2, which CircleCI sets itself, are for the organization as their audience: nobody here reads
// them, and no authority of Sigstore takes them.
func CircleCIEnvironment() TokenSource {
	return func(context.Context, string) (string, error) {
		return variable(
			idToken,
			"set it by circleci run oidc get --claims '{\"aud\": \"sigstore\"}': the tokens that CircleCI sets are for another audience",
		)
	}
}

// GitHubEnvironment returns a source that asks GitHub Actions, by ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN
// of the environment. GitHub sets them where the job has permissions: {id-token: write}. Client is nil for one with a timeout that
// speaks HTTP/1.1, because GitHub's servers at times end streams of HTTP/2 with HTTP_1_1_REQUIRED.
func GitHubEnvironment(client *http.Client) TokenSource {
	if client == nil {
		client = newHTTP1()
	}
	return func(ctx context.Context, audience string) (string, error) {
		const advice = "add to the job: permissions: {id-token: write}"
		address, err := variable("ACTIONS_ID_TOKEN_REQUEST_URL", advice)
		if err != nil {
			return "", err
		}
		bearer, err := variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", advice)
		if err != nil {
			return "", err
		}
		u, err := url.Parse(address)
		if err != nil {
			return "", fmt.Errorf("keyless: %w: ACTIONS_ID_TOKEN_REQUEST_URL: %w", ErrToken, err)
		}
		q := u.Query()
		q.Set("audience", audience)
		u.RawQuery = q.Encode()
		a, err := newCaller(client).ask(ctx, provider, http.MethodGet, u.String(), "", "Bearer "+bearer, nil)
		if err != nil {
			return "", fmt.Errorf("keyless: %w: %w", ErrToken, err)
		}
		return member(a, "value")
	}
}

func newHTTP1() *http.Client {
	client := &http.Client{Timeout: time.Minute}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
		client.Transport = t
	}
	return client
}

// BuildkiteEnvironment returns a source that asks Buildkite's agent API, by BUILDKITE_AGENT_ACCESS_TOKEN, BUILDKITE_JOB_ID and, where
// it is set, BUILDKITE_AGENT_ENDPOINT of the environment. Client is nil for one with a timeout.
func BuildkiteEnvironment(client *http.Client) TokenSource {
	return func(ctx context.Context, audience string) (string, error) {
		const advice = "run it in a job of Buildkite, with the agent's environment"
		bearer, err := variable("BUILDKITE_AGENT_ACCESS_TOKEN", advice)
		if err != nil {
			return "", err
		}
		job, err := variable("BUILDKITE_JOB_ID", advice)
		if err != nil {
			return "", err
		}
		base := os.Getenv("BUILDKITE_AGENT_ENDPOINT")
		if base == "" {
			base = "https://agent.buildkite.com/v3"
		}
		body, err := json.Marshal(map[string]string{"audience": audience})
		if err != nil {
			return "", err
		}
		a, err := newCaller(client).ask(ctx, provider, http.MethodPost,
			strings.TrimSuffix(base, "/")+"/jobs/"+url.PathEscape(job)+"/oidc/tokens", "application/json", "Token "+bearer, body)
		if err != nil {
			return "", fmt.Errorf("keyless: %w: %w", ErrToken, err)
		}
		return member(a, "token")
	}
}

// GoogleEnvironment returns a source that asks the metadata server of Google Cloud for the token of the default service account, with
// its e-mail address. It reads GCE_METADATA_HOST of the environment, as Google's own libraries do. Client is nil for one with a timeout.
func GoogleEnvironment(client *http.Client) TokenSource {
	return func(ctx context.Context, audience string) (string, error) {
		host := os.Getenv("GCE_METADATA_HOST")
		if host == "" {
			host = "metadata.google.internal"
		}
		c := newCaller(client)
		flavored := *c.client
		flavored.Transport = google{flavored.Transport}
		address := "http://" + host + "/computeMetadata/v1/instance/service-accounts/default/identity?format=full&audience=" +
			url.QueryEscape(
				audience,
			)
		a, err := caller{&flavored}.ask(ctx, provider, http.MethodGet, address, "", "", nil)
		if err != nil {
			return "", fmt.Errorf("keyless: %w: %w", ErrToken, err)
		}
		return strings.TrimSpace(string(a.body)), nil
	}
}

// google adds the header without which the metadata server answers nobody.
type google struct{ http.RoundTripper }

func (g google) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Metadata-Flavor", "Google")
	if g.RoundTripper == nil {
		return http.DefaultTransport.RoundTrip(r)
	}
	return g.RoundTripper.RoundTrip(r)
}

func variable(name, advice string) (string, error) {
	v := os.Getenv(name)
	if v == "" {
		return "", fmt.Errorf("keyless: %w: %s is not set: %s", ErrToken, name, advice)
	}
	return v, nil
}

func member(a *answer, name string) (string, error) {
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		return "", fmt.Errorf("keyless: %w: the provider's answer: %w", ErrToken, err)
	}
	token, _ := m[name].(string)
	if token == "" {
		return "", fmt.Errorf("keyless: %w: the provider's answer has no %q", ErrToken, name)
	}
	return token, nil
}

// claims are what of a token decides here. Nobody has verified them: the authority does.
type claims struct {
	Issuer        string   `json:"iss"`
	Subject       string   `json:"sub"`
	Audience      audience `json:"aud"`
	Expires       float64  `json:"exp"` // seconds
	Email         string   `json:"email"`
	EmailVerified any      `json:"email_verified"` // true, or "true"
	Workflow      string   `json:"job_workflow_ref"`

	strings map[string]bool // all that it says
}

// audience is one, or a list (RFC 7519, section 4.1.3).
type audience []string

func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// readToken refuses what no authority would take, before anybody is asked.
func readToken(token string, now time.Time) (*claims, error) {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("keyless: %w: %w", ErrToken, fmt.Errorf(format, args...))
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fail("a token has three parts and this has %d", len(parts))
	}
	var payload []byte
	for i, part := range []string{"header", "claims", "signature"} { // RFC 7515, section 7.1
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		switch {
		case err != nil || strings.ContainsAny(parts[i], "\r\n"):
			return nil, fail("its %s is not base64url without padding", part)
		case len(data) == 0:
			return nil, fail("its %s is empty", part)
		case i == 1:
			payload = data
		}
	}
	c := new(claims)
	if err := json.Unmarshal(payload, c); err != nil {
		return nil, fail("its claims: %w", err)
	}
	var all any
	if err := json.Unmarshal(payload, &all); err != nil {
		return nil, fail("its claims: %w", err)
	}
	c.strings = make(map[string]bool)
	c.collect(all)
	switch expires := time.Unix(int64(c.Expires), 0); {
	case c.Expires == 0:
		return nil, fail("it does not say when it expires")
	case !slices.Contains(c.Audience, Audience):
		return nil, fail("it is for audience %q, ask the provider for one with %q", []string(c.Audience), Audience)
	case !now.Before(expires):
		return nil, fail("it expired at %s and the clock says %s: ask for a new one, or set the clock", expires.UTC().Format(time.RFC3339),
			now.UTC().Format(time.RFC3339))
	case c.challenge() == "":
		return nil, fail("it names nobody: no verified e-mail address and no subject")
	}
	return c, nil
}

// challenge is what is signed to show who has the key (sigstore/fulcio, docs/oidc.md): the verified address, or else the subject.
func (c *claims) challenge() string {
	if c.Email != "" {
		if c.EmailVerified == true || c.EmailVerified == "true" {
			return c.Email
		}
		return ""
	}
	return c.Subject
}

func (c *claims) collect(v any) {
	switch v := v.(type) {
	case string:
		c.strings[v] = true
	case []any:
		for _, e := range v {
			c.collect(e)
		}
	case map[string]any:
		for _, e := range v {
			c.collect(e)
		}
	}
}

// names reports what of a certificate the token cannot have said. An authority's configuration makes names of claims, and so only those are
// compared of which it is known how. The issuer may be one behind the provider, which then is in a claim of its own.
func (c *claims) names(id sigstore.Identity) error {
	const github = "https://token.actions.githubusercontent.com"
	switch {
	case !c.strings[id.Issuer]:
		return fmt.Errorf("the certificate is for an identity by %s, and the token is by %s", oneline.Of(id.Issuer), oneline.Of(c.Issuer))
	case c.Email != "" && id.SAN != c.Email, c.Issuer == github && c.Workflow != "" && id.SAN != "https://github.com/"+c.Workflow:
		return fmt.Errorf("the certificate is for somebody else than the token: %s", oneline.Of(id.SAN))
	}
	return nil
}
