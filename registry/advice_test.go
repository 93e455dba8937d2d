package registry_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
)

// A name that is none says how it is written.
func TestAdviceOnNames(t *testing.T) {
	for name, want := range map[string]string{
		"":                            "HOST/REPOSITORY",
		"https://ghcr.io/acme/app":    "leave out the scheme: ghcr.io/acme/app",
		"docker://alpine":             "leave out the scheme: alpine",
		"oci://ghcr.io/acme/app:v1":   "leave out the scheme: ghcr.io/acme/app:v1",
		"APP:v1":                      "lower case: app:v1",
		"ghcr.io/Acme/app:V1":         "lower case: ghcr.io/acme/app:V1",
		"GHCR.io/Acme/app@sha256:abc": "64 hexadecimal",
		"ghcr.io/acme/app@v1":         "a tag stands behind a colon",
		"ghcr.io/acme/app:":           "is a variable empty?",
		"ghcr.io/acme/app@":           "is a variable empty?",
		" ghcr.io/acme/app":           "white space",
		"ghcr.io/acme/app\n":          "white space",
		"ghcr.io//app":                "is empty",
		"ghcr.io/acme/app/":           "is empty",
		"ghcr.io/acme/app/:v1":        "is empty",
		"./layout":                    "OpenLayout",
		"../layout":                   "OpenLayout",
		"/srv/layout":                 "OpenLayout",
		"~/layout":                    "OpenLayout",
		`C:\layout`:                   "OpenLayout",
	} {
		if _, err := registry.Open(name, nil); !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"alpine", "acme/app", "localhost:5000/app:v1", "GHCR.IO/acme/app", "[::1]:5000/app",
		"ghcr.io/acme/app:v1@sha256:" + strings.Repeat("a", 64)} {
		if _, err := registry.Open(name, nil); err != nil {
			t.Error(err)
		}
	}
}

// Who is turned away is told how to log in, and nothing is said twice.
func TestAdviceOnAnswers(t *testing.T) {
	login := func(c registry.Credential) func(context.Context, string) (registry.Credential, error) {
		return func(context.Context, string) (registry.Credential, error) { return c, nil }
	}
	user := login(registry.Credential{Username: "u", Password: "p"})
	for name, tt := range map[string]struct {
		status     int
		credential func(context.Context, string) (registry.Credential, error)
		kind       error
		want       string // at the end
	}{
		"401, nobody":           {401, nil, registry.ErrUnauthorized, "or, for Amazon ECR, package registry/ecr"},
		"401, no credential":    {401, login(registry.Credential{}), registry.ErrUnauthorized, "gives no user and password for HOST"},
		"401, wrong credential": {401, user, registry.ErrUnauthorized, "gives for HOST was turned down, or is nothing"},
		"403, nobody":           {403, nil, registry.ErrUnauthorized, "or, for Amazon ECR, package registry/ecr"},
		"403, somebody":         {403, user, registry.ErrUnauthorized, "who is logged in may not do this there"},
		"404":                   {404, nil, registry.ErrNotFound, "registry: resolve v1 in HOST/demo/app: not found"},
	} {
		s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
				w.WriteHeader(tt.status)
			})
		}}})
		r, err := registry.Open(s.Host()+"/demo/app:v1", &registry.Options{Credential: tt.credential})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Resolve(t.Context(), "")
		if want := strings.ReplaceAll(tt.want, "HOST", s.Host()); !errors.Is(err, tt.kind) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
}
