package registry

import (
	"container/list"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
)

// Cache keeps what was read, so that no registry is asked twice for what cannot have changed: manifests and evidence by
// digest, for good; listings of referrers, and digests of tags, for as long as the caller says. The zero value keeps
// content in memory and remembers neither listings nor tags. One Cache may serve any number of repositories, at the same
// time; equal fetches at the same time become one.
//
// It keeps what the fetching Repository was allowed to read: share it only among those with the same rights. Tags,
// listings and what was resolved are remembered by the name of the repository, and so not at all for those of New.
type Cache struct {
	// MaxBytes bounds the content in memory; zero means 64 MiB. What was not used for the longest time goes first.
	MaxBytes int64
	// Dir keeps content in a directory too, which may be shared between processes and is not bounded. Empty means none.
	Dir string
	// ListingLifetime is how long a complete listing of a subject's referrers is believed; zero means not at all.
	ListingLifetime time.Duration
	// TagLifetime is how long the digest of a tag is believed; zero means not at all.
	TagLifetime time.Duration
	// Now tells the time; nil means time.Now.
	Now func() time.Time

	mu       sync.Mutex
	content  map[digest.Digest]*list.Element // of *cached
	recent   list.List
	bytes    int64
	flights  map[digest.Digest]*flight
	listings map[string]remembered[[]Descriptor]
	tags     map[string]remembered[Descriptor]
	digests  map[string]Descriptor // manifests that were resolved by digest: that answer cannot change
}

type cached struct {
	digest digest.Digest
	data   []byte
}

type flight struct {
	done chan struct{}
	data []byte
	err  error
}

type remembered[T any] struct {
	value T
	until time.Time
}

// maxRemembered is how many listings, and how many tags, are remembered; then the past ones are dropped, or all. A listing
// that takes more than maxListing bytes is not.
const (
	maxRemembered = 1024
	maxListing    = 64 << 10
)

// fetch returns content from the cache, or fetches it and keeps it. Concurrent calls for the same wait for one of them.
func (c *Cache) fetch(ctx context.Context, want Descriptor, get func() ([]byte, error)) ([]byte, error) {
	if c == nil {
		return get()
	}
	d := want.Digest
	for {
		c.mu.Lock()
		if e, ok := c.content[d]; ok {
			c.recent.MoveToFront(e)
			c.mu.Unlock()
			return e.Value.(*cached).data, nil
		}
		if f, ok := c.flights[d]; ok {
			c.mu.Unlock()
			select {
			case <-f.done:
			case <-ctx.Done():
				return nil, ended(ctx)
			}
			if f.err == nil {
				return f.data, nil
			}
			continue // the other's failure is the other's: its deadline, say
		}
		f := &flight{done: make(chan struct{})}
		if c.flights == nil {
			c.flights = make(map[digest.Digest]*flight)
		}
		c.flights[d] = f
		c.mu.Unlock()

		if f.data, f.err = c.load(want); f.err != nil {
			if f.data, f.err = get(); f.err == nil {
				c.store(d, f.data)
			}
		}
		c.mu.Lock()
		delete(c.flights, d)
		if f.err == nil {
			c.keep(d, f.data)
		}
		c.mu.Unlock()
		close(f.done)
		return f.data, f.err
	}
}

// keep enters content in memory; c.mu is held.
func (c *Cache) keep(d digest.Digest, data []byte) {
	most := c.MaxBytes
	if most <= 0 {
		most = 64 << 20
	}
	if int64(len(data)) > most || c.content[d] != nil {
		return
	}
	if c.content == nil {
		c.content = make(map[digest.Digest]*list.Element)
	}
	c.content[d] = c.recent.PushFront(&cached{d, data})
	for c.bytes += int64(len(data)); c.bytes > most; {
		oldest := c.recent.Back()
		old := c.recent.Remove(oldest).(*cached)
		delete(c.content, old.digest)
		c.bytes -= int64(len(old.data))
	}
}

func (c *Cache) path(d digest.Digest) string {
	return filepath.Join(c.Dir, d.Algorithm().String(), d.Encoded())
}

// load reads content from the directory. What does not match its descriptor is as good as not there.
func (c *Cache) load(d Descriptor) ([]byte, error) {
	if c.Dir == "" {
		return nil, os.ErrNotExist
	}
	f, err := os.Open(c.path(d.Digest))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(check(f, d))
}

// store writes content to the directory. A cache that cannot be written costs requests, nothing else.
func (c *Cache) store(d digest.Digest, data []byte) {
	if c.Dir == "" {
		return
	}
	name := c.path(d)
	if os.MkdirAll(filepath.Dir(name), 0o777) == nil {
		_ = writeFile(name, data)
	}
}

func (c *Cache) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c *Cache) listing(repo string, subject digest.Digest) ([]Descriptor, bool) {
	if c == nil || c.ListingLifetime <= 0 || repo == "" {
		return nil, false
	}
	return recall(c, &c.listings, repo+"@"+subject.String())
}

func (c *Cache) rememberListing(repo string, subject digest.Digest, entries []Descriptor) {
	if c == nil || c.ListingLifetime <= 0 || repo == "" {
		return
	}
	size := 0
	for _, d := range entries {
		size += 128 + len(d.MediaType) + len(d.ArtifactType) + len(d.Digest) + len(d.Data)
		for k, v := range d.Annotations {
			size += len(k) + len(v)
		}
	}
	if size > maxListing {
		return
	}
	remember(c, &c.listings, repo+"@"+subject.String(), entries, c.ListingLifetime)
}

// forget drops the listing of a subject, which has changed.
func (c *Cache) forget(repo string, subject digest.Digest) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.listings, repo+"@"+subject.String())
}

func (c *Cache) tag(repo, tag string) (Descriptor, bool) {
	if c == nil || c.TagLifetime <= 0 || repo == "" {
		return Descriptor{}, false
	}
	return recall(c, &c.tags, repo+":"+tag)
}

func (c *Cache) rememberTag(repo, tag string, d Descriptor) {
	if c == nil || c.TagLifetime <= 0 || repo == "" {
		return
	}
	remember(c, &c.tags, repo+":"+tag, d, c.TagLifetime)
}

// forgetManifest drops that a manifest is in the repository, which it no longer is.
func (c *Cache) forgetManifest(repo string, d digest.Digest) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.digests, repo+"@"+d.String())
}

// forgetTag drops a tag, which has moved.
func (c *Cache) forgetTag(repo, tag string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tags, repo+":"+tag)
}

func (c *Cache) known(repo string, d digest.Digest) (Descriptor, bool) {
	if c == nil {
		return Descriptor{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.digests[repo+"@"+d.String()]
	return known, ok
}

func (c *Cache) know(repo string, d Descriptor) {
	if c == nil || repo == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.digests == nil || len(c.digests) >= maxRemembered {
		c.digests = make(map[string]Descriptor)
	}
	c.digests[repo+"@"+d.Digest.String()] = d
}

func recall[T any](c *Cache, m *map[string]remembered[T], key string) (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := (*m)[key]
	return e.value, ok && c.now().Before(e.until)
}

func remember[T any](c *Cache, m *map[string]remembered[T], key string, value T, lifetime time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if *m == nil {
		*m = make(map[string]remembered[T])
	}
	if len(*m) >= maxRemembered {
		for k, e := range *m {
			if !now.Before(e.until) {
				delete(*m, k)
			}
		}
		if len(*m) >= maxRemembered {
			clear(*m)
		}
	}
	(*m)[key] = remembered[T]{value, now.Add(lifetime)}
}
