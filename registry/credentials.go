package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"oras.land/oras-go/v2/registry/remote/credentials"
)

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
