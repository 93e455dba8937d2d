package registry

import (
	"context"
	"errors"
	"io"

	"oras.land/oras-go/v2/registry"
)

// Mount has the registry take a blob over from another of its repositories (OCI distribution specification 1.1, "Mounting
// a blob from another repository"). It reports false, without an error, where it does not: then the blob is to be sent.
func (b *remoteBackend) Mount(ctx context.Context, d Descriptor, from Backend) (bool, error) {
	src, ok := from.(*remoteBackend)
	if !ok || src.repo.Reference.Host() != b.repo.Reference.Host() || src.repo.PlainHTTP != b.repo.PlainHTTP {
		return false, nil
	}
	if src.repo.Reference.Repository == b.repo.Reference.Repository {
		return true, nil // it is the same one
	}
	blobs, ok := b.repo.Blobs().(registry.Mounter)
	if !ok {
		return false, nil
	}
	b.pushed.Store(true)
	release, err := b.slots.take(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	err = blobs.Mount(b.scope(ctx), d, src.repo.Reference.Repository, func() (io.ReadCloser, error) { return nil, errNotMounted })
	if err != nil && ctx.Err() != nil {
		return false, b.wrap("mount "+d.Digest.String(), err)
	}
	return err == nil, nil // a registry that refuses this may allow the rest
}

var errNotMounted = errors.New("not mounted")
