package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// login asks for credentials and sees which of them are turned down.
type login struct {
	next http.RoundTripper
	get  func(ctx context.Context, host string) (Credential, error)

	mu    sync.Mutex
	hosts map[string]*given
}

type given struct {
	credential Credential
	rejected   bool
}

type rejectedKey struct{}

// Rejected returns the credential that the host turned down, for a Credential function that is asked again with the
// context it got: time to fetch another, where credentials expire or are revoked.
func Rejected(ctx context.Context) (Credential, bool) {
	c, ok := ctx.Value(rejectedKey{}).(Credential)
	return c, ok
}

func (l *login) credential(ctx context.Context, host string) (auth.Credential, error) {
	l.mu.Lock()
	if g := l.hosts[host]; g != nil && g.rejected {
		ctx = context.WithValue(ctx, rejectedKey{}, g.credential)
	}
	l.mu.Unlock()
	c, err := l.get(ctx, host)
	if err == nil {
		l.mu.Lock()
		if l.hosts == nil {
			l.hosts = make(map[string]*given)
		}
		l.hosts[host] = &given{credential: c}
		l.mu.Unlock()
	}
	return auth.Credential{Username: c.Username, Password: c.Password, RefreshToken: c.RefreshToken, AccessToken: c.AccessToken}, err
}

func (l *login) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	// A bearer token that expired says nothing about what it was got with.
	if err == nil && resp.StatusCode == http.StatusUnauthorized && strings.HasPrefix(req.Header.Get("Authorization"), "Basic ") {
		l.mu.Lock()
		if g := l.hosts[req.URL.Host]; g != nil {
			g.rejected = true
		}
		l.mu.Unlock()
	}
	return resp, err
}

// DockerCredentials returns the credentials that docker login stored, for Options. It reads $DOCKER_CONFIG/config.json,
// or .docker/config.json in the home directory, and runs the credential helpers that the file names.
func DockerCredentials() (func(ctx context.Context, host string) (Credential, error), error) {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("registry: docker credentials: %w", err)
	}
	return fromStore(store), nil
}

// PodmanCredentials returns the credentials that podman login stored, for Options. It reads $REGISTRY_AUTH_FILE, or
// containers/auth.json in $XDG_RUNTIME_DIR or the user's configuration directory, whichever is there first. Entries for
// a path below a host do not count. Without a file everybody is anonymous.
func PodmanCredentials() (func(ctx context.Context, host string) (Credential, error), error) {
	name, err := podmanFile()
	if err != nil {
		return nil, fmt.Errorf("registry: podman credentials: %w", err)
	}
	store, err := credentials.NewStore(name, credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("registry: podman credentials: %w", err)
	}
	return fromStore(store), nil
}

// podmanFile follows containers-auth.json(5).
func podmanFile() (string, error) {
	if name := os.Getenv("REGISTRY_AUTH_FILE"); name != "" {
		return name, nil
	}
	const rest = "containers/auth.json"
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		name := filepath.Join(dir, rest)
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return name, err
		}
	}
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, rest), err
}

func fromStore(store credentials.Store) func(ctx context.Context, host string) (Credential, error) {
	get := credentials.Credential(store)
	return func(ctx context.Context, host string) (Credential, error) {
		c, err := get(ctx, host)
		return Credential{Username: c.Username, Password: c.Password, RefreshToken: c.RefreshToken, AccessToken: c.AccessToken}, err
	}
}
