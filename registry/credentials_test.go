package registry_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
)

// Credentials come from where docker and podman keep them, or from the caller, and go to the registry's token service.
func TestCredentials(t *testing.T) {
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.TokenAuth("me", "secret")}})
	defer s.Close()
	const login = "bWU6c2VjcmV0" // me:secret
	file := func(t *testing.T, name, content string) string {
		t.Helper()
		name = filepath.Join(t.TempDir(), name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(strings.ReplaceAll(content, "HOST", s.Host())), 0o700); err != nil {
			t.Fatal(err)
		}
		return name
	}
	works := func(t *testing.T, get func(context.Context, string) (registry.Credential, error), err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		pushImage(t, open(t, s.Host()+"/demo/app", &registry.Options{Credential: get}), "app")
	}
	t.Run("docker", func(t *testing.T) {
		t.Setenv("DOCKER_CONFIG", filepath.Dir(file(t, "config.json", `{"auths":{"HOST":{"auth":"`+login+`"}}}`)))
		get, err := registry.DockerCredentials()
		works(t, get, err)
	})
	t.Run("docker helper", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("the helper is a shell script")
		}
		helper := file(t, "docker-credential-lading", "#!/bin/sh\necho '{\"Username\":\"me\",\"Secret\":\"secret\"}'\n")
		t.Setenv("PATH", filepath.Dir(helper)+string(os.PathListSeparator)+os.Getenv("PATH"))
		t.Setenv("DOCKER_CONFIG", filepath.Dir(file(t, "config.json", `{"credHelpers":{"HOST":"lading"}}`)))
		get, err := registry.DockerCredentials()
		works(t, get, err)
	})
	t.Run("podman, named file", func(t *testing.T) {
		t.Setenv("REGISTRY_AUTH_FILE", file(t, "auth.json", `{"auths":{"HOST":{"auth":"`+login+`"}}}`))
		get, err := registry.PodmanCredentials()
		works(t, get, err)
	})
	t.Run("podman, run-time directory", func(t *testing.T) {
		t.Setenv("REGISTRY_AUTH_FILE", "")
		t.Setenv("XDG_RUNTIME_DIR", filepath.Dir(filepath.Dir(file(t, "containers/auth.json", `{"auths":{"HOST":{"auth":"`+login+`"}}}`))))
		get, err := registry.PodmanCredentials()
		works(t, get, err)
	})
	t.Run("podman, entries for paths and for Docker Hub", func(t *testing.T) {
		t.Setenv("REGISTRY_AUTH_FILE", file(t, "auth.json", `{"auths":{
			"a.example/acme":{"auth":"`+login+`"}, "a.example/acme/app":{"auth":"`+login+`"},
			"https://b.example/v1/":{"auth":"`+login+`"}, "b.example/acme":{"auth":"eDp5"},
			"c.example":{"auth":"`+login+`"}, "https://c.example":{"auth":"eDp5"}, "http://c.example/v2/":{"auth":"eDp5"},
			"docker.io":{"auth":"`+login+`"}}}`))
		get, err := registry.PodmanCredentials()
		if err != nil {
			t.Fatal(err)
		}
		me := registry.Credential{Username: "me", Password: "secret"}
		for host, want := range map[string]registry.Credential{
			"a.example": {}, "b.example": me, "c.example": me, "registry-1.docker.io": me, "acme": {}, "example": {}, "": {},
		} {
			if got, err := get(t.Context(), host); err != nil || got != want {
				t.Errorf("%s: %v, %v", host, got, err)
			}
		}
	})
	t.Run("podman, the longest entry", func(t *testing.T) {
		t.Setenv("REGISTRY_AUTH_FILE", file(t, "auth.json",
			`{"auths":{"HOST":{"auth":"eDp5"},"HOST/demo":{"auth":"`+login+`"},"HOST/demo/app/deeper":{"auth":"eDp5"},`+
				`"HOST/dem":{"auth":"eDp5"}}}`))
		get, err := registry.PodmanCredentials()
		works(t, get, err)
	})
	t.Run("Docker Hub under any of its names, in either file", func(t *testing.T) {
		for _, key := range []string{"docker.io", "index.docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"} {
			name := file(t, "config.json", `{"auths":{"`+key+`":{"auth":"`+login+`"}}}`)
			t.Setenv("DOCKER_CONFIG", filepath.Dir(name))
			t.Setenv("REGISTRY_AUTH_FILE", name)
			for tool, open := range map[string]func() (func(context.Context, string) (registry.Credential, error), error){
				"docker": registry.DockerCredentials, "podman": registry.PodmanCredentials,
			} {
				get, err := open()
				if err != nil {
					t.Fatal(err)
				}
				if c, err := get(t.Context(), "registry-1.docker.io"); err != nil || c.Username != "me" {
					t.Errorf("%s, %s: %v, %v", tool, key, c, err)
				}
			}
		}
	})
	t.Run("podman, no file and a broken one", func(t *testing.T) {
		t.Setenv("REGISTRY_AUTH_FILE", filepath.Join(t.TempDir(), "none.json"))
		get, err := registry.PodmanCredentials()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := get(t.Context(), s.Host()); err != nil || got != (registry.Credential{}) {
			t.Errorf("%v, %v", got, err)
		}
		t.Setenv("REGISTRY_AUTH_FILE", file(t, "auth.json", `{"auths":`))
		if _, err := registry.PodmanCredentials(); err == nil {
			t.Error("a broken file is no error")
		}
	})
	t.Run("turned down by a token service", func(t *testing.T) {
		password, asked := "old", 0
		repo := open(t, s.Host()+"/demo/app:v1",
			&registry.Options{Credential: func(ctx context.Context, _ string) (registry.Credential, error) {
				asked++
				if old, ok := registry.Rejected(ctx); ok && old.Password == "old" {
					password = "secret"
				}
				return registry.Credential{Username: "me", Password: password}, nil
			}})
		if _, err := repo.Resolve(t.Context(), ""); !errors.Is(err, registry.ErrUnauthorized) {
			t.Error(err)
		}
		if _, err := repo.Resolve(t.Context(), ""); !errors.Is(err, registry.ErrNotFound) || asked != 2 {
			t.Errorf("asked %d times: %v", asked, err)
		}
	})
	t.Run("explicit", func(t *testing.T) {
		works(t, func(_ context.Context, host string) (registry.Credential, error) {
			if host != s.Host() {
				t.Errorf("asked for %s", host)
			}
			return registry.Credential{Username: "me", Password: "secret"}, nil
		}, nil)
	})
	t.Run("wrong", func(t *testing.T) {
		repo := open(t, s.Host()+"/demo/app:v1", &registry.Options{Credential: func(context.Context, string) (registry.Credential, error) {
			return registry.Credential{Username: "me", Password: "guess"}, nil
		}})
		if _, err := repo.Resolve(t.Context(), ""); !errors.Is(err, registry.ErrUnauthorized) {
			t.Error(err)
		}
	})
	t.Run("none to be had", func(t *testing.T) {
		cause := errors.New("the helper is locked")
		for want, cause := range map[error]error{registry.ErrUnauthorized: cause,
			registry.ErrUnavailable: &net.OpError{Op: "dial", Err: cause}} {
			repo := open(t, s.Host()+"/demo/app:v1",
				&registry.Options{Credential: func(context.Context, string) (registry.Credential, error) {
					return registry.Credential{}, cause
				}})
			if _, err := repo.Resolve(t.Context(), ""); !errors.Is(err, want) || !errors.Is(err, cause) {
				t.Errorf("%v, want %v", err, want)
			}
		}
	})
	t.Run("nobody", func(t *testing.T) {
		if _, err := open(t, s.Host()+"/demo/app:v1", nil).Resolve(t.Context(), ""); !errors.Is(err, registry.ErrUnauthorized) {
			t.Error(err)
		}
	})
}

// A login counts for the host, however it is spelled in the file or in a name.
func TestCredentialsOfSpellings(t *testing.T) {
	const content = `{"auths":{"Registry.Example.COM:443":{"auth":"YTpi"},"reg.example:80":{"auth":"Yzpk"},` +
		`"https://index.docker.io/v1/":{"auth":"ZTpm"}}}`
	name := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", filepath.Dir(name))
	t.Setenv("REGISTRY_AUTH_FILE", name)
	for tool, open := range map[string]func() (func(context.Context, string) (registry.Credential, error), error){
		"docker": registry.DockerCredentials, "podman": registry.PodmanCredentials,
	} {
		get, err := open()
		if err != nil {
			t.Fatal(err)
		}
		for host, want := range map[string]string{
			"registry.example.com": "a", "registry.example.com:443": "a", "REGISTRY.example.com.": "a", "registry.example.com:80": "",
			"reg.example": "c", "reg.example:80": "c", "reg.example:5000": "",
			"registry-1.docker.io": "e", "docker.io": "e", "index.docker.io:443": "e",
		} {
			if c, err := get(t.Context(), host); err != nil || c.Username != want {
				t.Errorf("%s, %s: user %q, %v; want %q", tool, host, c.Username, err, want)
			}
		}
	}
}

// One repository has one name, by which caches and policies know it.
func TestNameOfSpellings(t *testing.T) {
	for name, want := range map[string]string{
		"Registry.Example.COM/acme/app:v1":    "registry.example.com/acme/app",
		"registry.example.com:0443/acme/app":  "registry.example.com/acme/app",
		"registry-1.docker.io/library/alpine": "docker.io/library/alpine", "Docker.io/alpine": "docker.io/library/alpine",
		"alpine":             "docker.io/library/alpine",
		"LOCALHOST:5000/app": "localhost:5000/app",
	} {
		if r, err := registry.Open(name, nil); err != nil || r.Name() != want {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
}
