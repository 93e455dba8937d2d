package registry

import (
	"context"
	"fmt"

	"oras.land/oras-go/v2/registry/remote/credentials"
)

// DockerCredentials returns the credentials that docker login stored. It reads $DOCKER_CONFIG/config.json, or
// .docker/config.json in the home directory, and runs the credential helpers that the file names.
func DockerCredentials() (func(ctx context.Context, host string) (Credential, error), error) {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("registry: docker credentials: %w", err)
	}
	get := credentials.Credential(store)
	return func(ctx context.Context, host string) (Credential, error) {
		c, err := get(ctx, host)
		return Credential{Username: c.Username, Password: c.Password, RefreshToken: c.RefreshToken, AccessToken: c.AccessToken}, err
	}, nil
}
