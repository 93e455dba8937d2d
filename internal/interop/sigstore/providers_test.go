package sigstore

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/ladingdev/lading/sign/keyless"
	"github.com/sigstore/cosign/v3/pkg/providers"
	_ "github.com/sigstore/cosign/v3/pkg/providers/buildkite"
	_ "github.com/sigstore/cosign/v3/pkg/providers/envvar"
	_ "github.com/sigstore/cosign/v3/pkg/providers/github"
)

// In the same environment cosign finds the token that we find, and asks for it with the same request. Its clients of GitHub and
// Buildkite are those vendors' own, or written beside them.
func TestTokensAsCosign(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, secret := "", ""
		if _, err := fmt.Sscan(r.Header.Get("Authorization"), &kind, &secret); err != nil {
			t.Error(err)
		}
		if kind == "bearer" { // the scheme has no case (RFC 9110, section 11.1)
			kind = "Bearer"
		}
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, fmt.Sprintf("%s %s %v %s %s %s", r.Method, r.URL.Path, r.URL.Query(), kind, secret, bytes.TrimSpace(body)))
		_, _ = io.WriteString(w, `{"value": "a.github.c", "token": "a.buildkite.c"}`)
	}))
	defer server.Close()
	for name, value := range map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": server.URL + "/token?api-version=2.0",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret", "BUILDKITE_AGENT_ACCESS_TOKEN": "secret", "BUILDKITE_JOB_ID": "0189-job",
		"BUILDKITE_AGENT_ENDPOINT": server.URL + "/v3", "SIGSTORE_ID_TOKEN": "a.variable.c"} {
		t.Setenv(name, value)
	}
	for name, ours := range map[string]keyless.TokenSource{"github-actions": keyless.GitHubEnvironment(nil),
		"buildkite-agent": keyless.BuildkiteEnvironment(nil), "envvar": keyless.GitLabEnvironment()} {
		asked = nil
		theirs, err := providers.ProvideFrom(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := theirs.Provide(t.Context(), keyless.Audience)
		if err != nil || want == "" {
			t.Fatalf("%s: %q, %v", name, want, err)
		}
		got, err := ours(t.Context(), keyless.Audience)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
		switch {
		case name == "envvar" && len(asked) == 0:
		case len(asked) != 2 || asked[0] != asked[1]:
			t.Errorf("%s: %q", name, asked)
		}
	}
}
