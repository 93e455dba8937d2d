package keyless_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sign/keyless"
)

// Variables that a source reads; all others of these are unset for it.
var variables = []string{
	"ACTIONS_ID_TOKEN_REQUEST_URL",
	"ACTIONS_ID_TOKEN_REQUEST_TOKEN",
	"BUILDKITE_AGENT_ACCESS_TOKEN",
	"BUILDKITE_JOB_ID",
	"BUILDKITE_AGENT_ENDPOINT",
	"GCE_METADATA_HOST",
	"SIGSTORE_ID_TOKEN",
	"CIRCLE_OIDC_TOKEN",
	"CIRCLE_OIDC_TOKEN_V2",
}

// environment sets variables, and starts a server that answers as the vendors' documentation has it:
//   - GitHub: docs.github.com/actions/reference/security/oidc, methods for requesting the OIDC token
//   - Buildkite: github.com/buildkite/agent, api/oidc.go and api/auth.go
//   - Google: cloud.google.com/compute/docs/instances/verifying-instance-identity
func environment(t *testing.T, values map[string]string) (url string, asked *int) {
	t.Helper()
	asked = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked++
		q := r.URL.Query()
		switch {
		case r.Method == http.MethodGet && r.URL.Path == "/github/token" && q.Get("api-version") == "2.0":
			if r.Header.Get("Authorization") != "Bearer github's" || q.Get("audience") != "sigstore" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = io.WriteString(w, `{"count": 1, "value": "a.github.c"}`)
		case r.Method == http.MethodPost && r.URL.Path == "/v3/jobs/job 1/oidc/tokens":
			var body struct{ Audience string }
			if r.Header.Get("Authorization") != "Token buildkite's" || json.NewDecoder(r.Body).Decode(&body) != nil ||
				body.Audience != "sigstore" {
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(w, `{"message": "Authentication required"}`)
				return
			}
			_, _ = io.WriteString(w, `{"token": "a.buildkite.c"}`)
		case r.Method == http.MethodGet && r.URL.Path == "/computeMetadata/v1/instance/service-accounts/default/identity":
			if r.Header.Get("Metadata-Flavor") != "Google" || q.Get("audience") != "sigstore" || q.Get("format") != "full" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			w.Header().Set("Metadata-Flavor", "Google")
			_, _ = io.WriteString(w, "a.google.c")
		case r.URL.Path == "/empty":
			_, _ = io.WriteString(w, `{"value": ""}`)
		case r.URL.Path == "/elsewhere":
			http.Redirect(w, r, "/github/token?api-version=2.0&audience=sigstore", http.StatusFound)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	for _, name := range variables {
		t.Setenv(name, strings.NewReplacer("{url}", server.URL, "{host}", strings.TrimPrefix(server.URL, "http://")).Replace(values[name]))
	}
	return server.URL, asked
}

type values = map[string]string

// Each vendor's token comes from where its documentation says.
func TestEnvironments(t *testing.T) {
	github := values{"ACTIONS_ID_TOKEN_REQUEST_URL": "{url}/github/token?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "github's"}
	buildkite := values{"BUILDKITE_AGENT_ACCESS_TOKEN": "buildkite's", "BUILDKITE_JOB_ID": "job 1", "BUILDKITE_AGENT_ENDPOINT": "{url}/v3/"}
	for name, c := range map[string]struct {
		source keyless.TokenSource
		values values
		want   string
		asked  int
	}{
		"GitHub":    {keyless.GitHubEnvironment(nil), github, "a.github.c", 1},
		"Buildkite": {keyless.BuildkiteEnvironment(nil), buildkite, "a.buildkite.c", 1},
		"Google":    {keyless.GoogleEnvironment(nil), values{"GCE_METADATA_HOST": "{host}"}, "a.google.c", 1},
		"GitLab":    {keyless.GitLabEnvironment(), values{"SIGSTORE_ID_TOKEN": "a.gitlab.c"}, "a.gitlab.c", 0},
		"CircleCI": {keyless.CircleCIEnvironment(), values{"SIGSTORE_ID_TOKEN": "a.circleci.c", "CIRCLE_OIDC_TOKEN_V2": "a.b.c"},
			"a.circleci.c", 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, asked := environment(t, c.values)
			token, err := c.source(t.Context(), keyless.Audience)
			if err != nil || token != c.want || *asked != c.asked {
				t.Errorf("%q, %v, %d requests", token, err, *asked)
			}
		})
	}
}

// Where a token cannot come from, the error says what to change, and no secret.
func TestEnvironmentsWithout(t *testing.T) {
	for name, c := range map[string]struct {
		source keyless.TokenSource
		values values
		says   string
		asked  int
	}{
		"GitHub without permission": {keyless.GitHubEnvironment(nil), nil, "id-token: write", 0},
		"GitHub without a bearer": {keyless.GitHubEnvironment(nil), values{"ACTIONS_ID_TOKEN_REQUEST_URL": "{url}/x"},
			"id-token: write", 0},
		"GitHub, another bearer": {keyless.GitHubEnvironment(nil),
			values{"ACTIONS_ID_TOKEN_REQUEST_URL": "{url}/github/token?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a secret"},
			"401", 1},
		"GitHub, an empty answer": {keyless.GitHubEnvironment(nil),
			values{"ACTIONS_ID_TOKEN_REQUEST_URL": "{url}/empty", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a secret"}, `no "value"`, 1},
		"GitHub, led elsewhere": {keyless.GitHubEnvironment(nil),
			values{"ACTIONS_ID_TOKEN_REQUEST_URL": "{url}/elsewhere", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a secret"}, "302", 1},
		"GitHub, no address": {keyless.GitHubEnvironment(nil),
			values{"ACTIONS_ID_TOKEN_REQUEST_URL": "http://[", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a secret"},
			"ACTIONS_ID_TOKEN_REQUEST_URL", 0},
		"Buildkite outside of a job": {keyless.BuildkiteEnvironment(nil), nil, "BUILDKITE_AGENT_ACCESS_TOKEN", 0},
		"Buildkite, another token": {keyless.BuildkiteEnvironment(nil),
			values{"BUILDKITE_AGENT_ACCESS_TOKEN": "a secret", "BUILDKITE_JOB_ID": "job 1",
				"BUILDKITE_AGENT_ENDPOINT": "{url}/v3"}, "Authentication required", 1},
		"GitLab without id_tokens": {keyless.GitLabEnvironment(), nil, "id_tokens", 0},
		"CircleCI, its own tokens": {keyless.CircleCIEnvironment(),
			values{"CIRCLE_OIDC_TOKEN": "a.secret.c", "CIRCLE_OIDC_TOKEN_V2": "a.secret.c"},
			"circleci run oidc get", 0},
		"no file": {keyless.FileToken(filepath.Join(t.TempDir(), "token")), nil, "token", 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, asked := environment(t, c.values)
			token, err := c.source(t.Context(), keyless.Audience)
			switch {
			case token != "" || !errors.Is(err, keyless.ErrToken) || !strings.Contains(err.Error(), c.says):
				t.Errorf("%q, %v", token, err)
			case strings.Contains(err.Error(), "secret") || strings.ContainsAny(err.Error(), "\r\n"):
				t.Errorf("%q", err)
			case *asked != c.asked:
				t.Errorf("%d requests", *asked)
			}
		})
	}
}

// A projected token is read anew each time, because Kubernetes renews it.
func TestFileToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "oidc-token")
	source := keyless.FileToken(file)
	for _, want := range []string{"a.b.c", "d.e.f"} {
		if err := os.WriteFile(file, []byte(want+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if token, err := source(t.Context(), keyless.Audience); err != nil || token != want {
			t.Errorf("%q, %v", token, err)
		}
	}
	if _, err := os.Stat("/var/run/sigstore/cosign/oidc-token"); err != nil {
		if _, err := keyless.KubernetesEnvironment()(t.Context(), keyless.Audience); !errors.Is(err, keyless.ErrToken) ||
			!strings.Contains(err.Error(), "/var/run/sigstore/cosign/oidc-token") {
			t.Error(err)
		}
	}
}
