package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	orascontent "oras.land/oras-go/v2/content"
	orasremote "oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// orasAttach attaches with oras-go in as few requests as it can: straight to the registry.
func orasAttach(ctx context.Context, repo *orasremote.Repository, subject, c registry.Descriptor) error {
	layer := ocispec.Descriptor{MediaType: c.MediaType, Digest: c.Digest, Size: c.Size}
	if err := repo.Push(ctx, layer, bytes.NewReader(c.Data)); err != nil {
		return err
	}
	target := ocispec.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
	_, err := oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, c.MediaType, oras.PackManifestOptions{
		Subject: &target, Layers: []ocispec.Descriptor{layer},
	})
	return err
}

// ggcrAttach attaches with go-containerregistry, with a Pusher that is kept or, if that is nil, a new one.
func ggcrAttach(ctx context.Context, p *remote.Pusher, repo string, subject, c registry.Descriptor) error {
	h, err := v1.NewHash(subject.Digest.String())
	if err != nil {
		return err
	}
	image, err := mutate.Append(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1),
		types.MediaType(c.MediaType)),
		mutate.Addendum{Layer: static.NewLayer(c.Data, types.MediaType(c.MediaType))})
	if err != nil {
		return err
	}
	about := mutate.Subject(image, v1.Descriptor{MediaType: types.MediaType(subject.MediaType), Digest: h, Size: subject.Size}).(v1.Image)
	d, err := about.Digest()
	if err != nil {
		return err
	}
	ref, err := name.NewDigest(repo+"@"+d.String(), name.Insecure)
	if err != nil {
		return err
	}
	if p == nil {
		return remote.Write(ref, about, remote.WithContext(ctx))
	}
	return p.Push(ctx, ref, about)
}

// client is one client of the three, new or warm.
type client struct {
	attach func(to registry.Descriptor, cs ...registry.Descriptor) error
	// discover resolves a tag and lists what is attached; fetch gets a piece of it.
	discover func(tag string) ([]registry.Descriptor, error)
	fetch    func(manifest registry.Descriptor) error
}

var clients = []struct {
	name string
	make func(t testing.TB, repo string) client
}{
	{"lading", func(t testing.TB, repo string) client {
		r := open(t, repo, nil)
		return client{
			attach: func(to registry.Descriptor, cs ...registry.Descriptor) error {
				_, err := r.Attach(t.Context(), to, cs...)
				return err
			},
			discover: func(tag string) ([]registry.Descriptor, error) {
				d, err := r.Resolve(t.Context(), tag)
				if err != nil {
					return nil, err
				}
				var list []registry.Descriptor
				for m, err := range r.Referrers(t.Context(), d) {
					if err != nil {
						return nil, err
					}
					list = append(list, m)
				}
				return list, nil
			},
			fetch: func(d registry.Descriptor) error {
				m, err := r.Manifest(t.Context(), d)
				if err != nil {
					return err
				}
				body, err := r.Fetch(t.Context(), m.Layers[0])
				if err != nil {
					return err
				}
				defer body.Close()
				_, err = io.Copy(io.Discard, body)
				return err
			},
		}
	}},
	{"oras-go", func(t testing.TB, repo string) client {
		r := orasRepository(t, repo)
		r.Client = &auth.Client{Cache: auth.NewCache()}
		return client{
			attach: func(to registry.Descriptor, cs ...registry.Descriptor) error {
				ctx := auth.AppendRepositoryScope(t.Context(), r.Reference, auth.ActionPull, auth.ActionPush)
				for _, c := range cs {
					if err := orasAttach(ctx, r, to, c); err != nil {
						return err
					}
				}
				return nil
			},
			discover: func(tag string) ([]registry.Descriptor, error) {
				d, err := r.Resolve(t.Context(), tag)
				if err != nil {
					return nil, err
				}
				var list []registry.Descriptor
				err = r.Referrers(t.Context(), d, "", func(some []ocispec.Descriptor) error {
					list = append(list, some...)
					return nil
				})
				return list, err
			},
			fetch: func(d registry.Descriptor) error {
				data, err := orascontent.FetchAll(t.Context(), r, d)
				if err != nil {
					return err
				}
				var m ocispec.Manifest
				if err := json.Unmarshal(data, &m); err != nil {
					return err
				}
				_, err = orascontent.FetchAll(t.Context(), r, m.Layers[0])
				return err
			},
		}
	}},
	{"go-containerregistry", func(t testing.TB, repo string) client {
		p, err := remote.NewPusher()
		if err != nil {
			t.Fatal(err)
		}
		puller, err := remote.NewPuller()
		if err != nil {
			t.Fatal(err)
		}
		return client{
			attach: func(to registry.Descriptor, cs ...registry.Descriptor) error {
				for _, c := range cs {
					if err := ggcrAttach(t.Context(), p, repo, to, c); err != nil {
						return err
					}
				}
				return nil
			},
			discover: func(tag string) ([]registry.Descriptor, error) {
				ref, err := name.NewTag(repo+":"+tag, name.Insecure)
				if err != nil {
					return nil, err
				}
				d, err := puller.Head(t.Context(), ref)
				if err != nil {
					return nil, err
				}
				list, err := remote.Referrers(ref.Digest(d.Digest.String()), remote.Reuse(puller))
				if err != nil {
					return nil, err
				}
				m, err := list.IndexManifest()
				if err != nil {
					return nil, err
				}
				out := make([]registry.Descriptor, len(m.Manifests))
				for i, m := range m.Manifests {
					out[i] = registry.Descriptor{MediaType: string(m.MediaType), Digest: digest.Digest(m.Digest.String()), Size: m.Size}
				}
				return out, nil
			},
			fetch: func(d registry.Descriptor) error {
				ref, err := name.NewDigest(repo+"@"+d.Digest.String(), name.Insecure)
				if err != nil {
					return err
				}
				image, err := remote.Image(ref, remote.Reuse(puller))
				if err != nil {
					return err
				}
				layers, err := image.Layers()
				if err != nil {
					return err
				}
				body, err := layers[0].Compressed()
				if err != nil {
					return err
				}
				defer body.Close()
				_, err = io.Copy(io.Discard, body)
				return err
			},
		}
	}},
}

// The requests that each client makes for the same work. Ours may cost the best of the others and what reading back
// takes: one request with the referrers API, two without.
func TestRequests(t *testing.T) {
	columns := []string{"attach 1, first", "attach 1, warm", "attach 3, first", "discover", "fetch 1"}
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-22s%-22s", "registry", "client")
	for _, c := range columns {
		fmt.Fprintf(&table, "%17s", c)
	}
	for _, kind := range []struct {
		name     string
		readBack int
		quirks   []registrytest.Quirk
	}{
		{"API", 1, nil},
		{"fallback", 2, []registrytest.Quirk{registrytest.NoReferrers(404)}},
		{"API, token", 1, []registrytest.Quirk{registrytest.TokenAuth("", "")}},
		{"fallback, token", 2, []registrytest.Quirk{registrytest.TokenAuth("", ""), registrytest.NoReferrers(404)}},
	} {
		counts := make(map[string][]int)
		for _, c := range clients {
			var requests atomic.Int64
			host := serve(t, nil, append([]registrytest.Quirk{registrytest.Watch(func(*http.Request) { requests.Add(1) })},
				kind.quirks...)...)
			setup := open(t, host+"/demo/app", nil)
			images := []registry.Descriptor{pushImage(t, setup, "a"), pushImage(t, setup, "b")}
			for i, image := range images {
				if err := setup.Tag(t.Context(), image, fmt.Sprint("v", i)); err != nil {
					t.Fatal(err)
				}
			}
			count := func(f func() error) {
				t.Helper()
				requests.Store(0)
				if err := f(); err != nil {
					t.Fatalf("%s, %s: %v", kind.name, c.name, err)
				}
				counts[c.name] = append(counts[c.name], int(requests.Load()))
			}
			text := func(s string) registry.Descriptor { return content(strings.Repeat(s, 1000)) }
			warm := c.make(t, host+"/demo/app")
			count(func() error { return warm.attach(images[0], text("one")) })
			count(func() error { return warm.attach(images[0], text("two")) })
			cold := c.make(t, host+"/demo/app")
			count(func() error { return cold.attach(images[1], text("x"), text("y"), text("z")) })
			reader := c.make(t, host+"/demo/app")
			var list []registry.Descriptor
			count(func() (err error) { list, err = reader.discover("v1"); return err })
			if len(list) != 3 {
				t.Fatalf("%s, %s: found %d of 3", kind.name, c.name, len(list))
			}
			count(func() error { return reader.fetch(list[0]) })
			fmt.Fprintf(&table, "\n%-22s%-22s", kind.name, c.name)
			for _, n := range counts[c.name] {
				fmt.Fprintf(&table, "%17d", n)
			}
		}
		for i, column := range columns {
			extra := kind.readBack
			if i > 2 {
				extra = 0 // reading needs no reading back
			}
			best := min(counts["oras-go"][i], counts["go-containerregistry"][i])
			if n := counts["lading"][i]; n > best+extra {
				t.Errorf("%s, %s: %d requests, the best of the others takes %d", kind.name, column, n, best)
			}
		}
	}
	t.Log(table.String())
}
