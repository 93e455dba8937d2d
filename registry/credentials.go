package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ladingdev/lading/internal/imagename"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// login asks for credentials and sees which of them are turned down.
type login struct {
	next       http.RoundTripper
	get        func(ctx context.Context, host string) (Credential, error)
	repository string // host/path, for who keeps credentials by repository

	timeout time.Duration

	mu    sync.Mutex
	hosts map[string]*given
}

type given struct {
	credential Credential
	rejected   bool
}

type (
	rejectedKey   struct{}
	repositoryKey struct{}
)

// Rejected returns the credential that the host turned down, for a Credential function that is asked again with the
// context it got: time to fetch another, where credentials expire or are revoked.
func Rejected(ctx context.Context) (Credential, bool) {
	c, ok := ctx.Value(rejectedKey{}).(Credential)
	return c, ok
}

func withRepository(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, repositoryKey{}, name)
}

func (l *login) credential(ctx context.Context, host string) (auth.Credential, error) {
	ctx = withRepository(ctx, l.repository)
	l.mu.Lock()
	if g := l.hosts[host]; g != nil && g.rejected {
		ctx = context.WithValue(ctx, rejectedKey{}, g.credential)
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, writeFactor*cmp.Or(max(0, l.timeout), defaultTimeout))
	defer cancel()
	c, err := l.get(ctx, host)
	if err != nil {
		return auth.Credential{}, &credentialError{err}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hosts == nil {
		l.hosts = make(map[string]*given)
	}
	l.hosts[host] = &given{credential: c}
	return auth.Credential{Username: c.Username, Password: c.Password, RefreshToken: c.RefreshToken, AccessToken: c.AccessToken}, nil
}

// credentialError is a failure to get a credential, which is no answer of the registry.
type credentialError struct{ err error }

func (e *credentialError) Error() string { return e.err.Error() }
func (e *credentialError) Unwrap() error { return e.err }

func (l *login) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	// A bearer token that expired says nothing about what it was got with. The host that turns down a user may be a
	// token service, so the user tells what was turned down.
	if user, password, basic := req.BasicAuth(); err == nil && resp.StatusCode == http.StatusUnauthorized && basic {
		l.mu.Lock()
		for _, g := range l.hosts {
			g.rejected = g.rejected || g.credential.Username == user && g.credential.Password == password
		}
		l.mu.Unlock()
	}
	return resp, err
}

// DockerCredentials returns the credentials that docker login stored, for Options. It reads $DOCKER_CONFIG/config.json,
// or .docker/config.json in the home directory, and runs the credential helpers that the file names. Docker Hub's may be
// under any name of it, as other tools write them.
func DockerCredentials() (func(ctx context.Context, host string) (Credential, error), error) {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("registry: docker credentials: %w", err)
	}
	get := credentials.Credential(store)
	entries, err := authEntries(store.ConfigPath())
	if err != nil {
		return nil, fmt.Errorf("registry: docker credentials: %s: %w", store.ConfigPath(), err)
	}
	return func(ctx context.Context, host string) (Credential, error) {
		c, err := get(ctx, host)
		if entry, ok := entries[imagename.Host(host, false)]; ok && err == nil && c == auth.EmptyCredential {
			c, err = store.Get(ctx, entry) // which spells the host in another way
		}
		return fromAuth(c), err
	}, nil
}

// PodmanCredentials returns the credentials that podman login stored, for Options. It reads $REGISTRY_AUTH_FILE, or
// containers/auth.json in $XDG_RUNTIME_DIR or the user's configuration directory, whichever is there first, and runs the
// credential helpers that the file names. Of entries for a host and for paths below it, the longest that the repository
// is in counts (containers-auth.json(5)). Without a file everybody is anonymous.
func PodmanCredentials() (func(ctx context.Context, host string) (Credential, error), error) {
	name, err := podmanFile()
	if err != nil {
		return nil, fmt.Errorf("registry: podman credentials: %w", err)
	}
	entries, err := authEntries(name)
	if err != nil {
		return nil, fmt.Errorf("registry: podman credentials: %s: %w", name, err)
	}
	store, err := credentials.NewStore(name, credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("registry: podman credentials: %w", err)
	}
	return func(ctx context.Context, host string) (Credential, error) {
		for _, place := range places(ctx, host) {
			if entry, ok := entries[place]; ok {
				c, err := store.Get(ctx, entry)
				return fromAuth(c), err
			}
		}
		return Credential{}, nil
	}, nil
}

// places returns what entries for a host may be named after, the repository that is opened and everything above it,
// longest first. A host that is not the repository's, such as a mirror, stands for itself.
func places(ctx context.Context, host string) (list []string) {
	name, _ := ctx.Value(repositoryKey{}).(string)
	at, path, _ := strings.Cut(name, "/")
	host = imagename.Host(host, false)
	if imagename.Host(at, false) == host {
		for path != "" {
			list = append(list, host+"/"+path)
			path = path[:max(0, strings.LastIndexByte(path, '/'))]
		}
	}
	return append(list, host)
}

// authEntries returns the names of the entries in a file of docker's or podman's, by the host in its one spelling and perhaps
// a path. There need be no file.
func authEntries(name string) (map[string]string, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var file struct {
		Auths       map[string]json.RawMessage `json:"auths"`
		CredHelpers map[string]string          `json:"credHelpers"`
	}
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	if err != nil {
		return nil, err
	}
	entries := make(map[string]string)
	add := func(entry string) {
		host, path, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(entry, "https://"), "http://"), "/")
		if path = strings.Trim(path, "/"); path == "v1" || path == "v2" {
			path = "" // an address of the protocol, as docker writes it
		}
		if path != "" {
			path = "/" + path
		}
		key := imagename.Host(host, false) + path
		if entries[key] != key { // its plain name is better than any other
			entries[key] = entry
		}
		if plain := imagename.Host(host, true) + path; entries[plain] == "" { // with port 80: the host itself, over plain HTTP
			entries[plain] = entry
		}
	}
	for _, entry := range slices.Sorted(maps.Keys(file.Auths)) {
		add(entry)
	}
	for _, host := range slices.Sorted(maps.Keys(file.CredHelpers)) { // a helper is better than what is stored
		delete(entries, imagename.Host(host, false))
		add(host)
	}
	return entries, nil
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

func fromAuth(c auth.Credential) Credential {
	return Credential{Username: c.Username, Password: c.Password, RefreshToken: c.RefreshToken, AccessToken: c.AccessToken}
}
