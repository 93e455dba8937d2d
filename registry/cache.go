package registry

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
)

// Cache keeps what was read, so that no registry is asked twice for what cannot have changed: manifests and evidence by
// digest, for good; listings of referrers, and digests of tags, for as long as the caller says. The zero value keeps
// content in memory and remembers neither listings nor tags. That a repository has the referrers API is remembered for 24
// hours after its last good answer, see [Cache.Forget]. One Cache may serve any number of repositories, at the same
// time; equal questions at the same time become one, if their answer would be kept.
//
// It keeps what the fetching Repository was allowed to read: share it only among those with the same rights. Tags,
// listings and what was resolved are remembered by the name of the repository, and so not at all for those of New.
type Cache struct {
	// MaxBytes bounds the content in memory; zero means 64 MiB. What was not used for the longest time goes first.
	MaxBytes int64
	// Dir keeps content, and listings that have something in them, in a directory too, which may be shared between processes and is not
	// bounded. Empty means none.
	Dir string
	// ListingLifetime is how long a complete listing of a subject's referrers is believed, by other processes that share Dir, too; zero
	// means not at all. What is attached or removed elsewhere meanwhile does not show.
	ListingLifetime time.Duration
	// TagLifetime is how long the digest of a tag is believed; zero means not at all.
	TagLifetime time.Duration
	// Now tells the time; nil means time.Now.
	Now func() time.Time

	mu       sync.Mutex
	content  map[digest.Digest]*list.Element // of *cached
	recent   list.List
	bytes    int64
	flights  map[string]*flight
	listings map[string]remembered[listed]
	tags     map[string]remembered[Descriptor]
	digests  map[string]Descriptor // manifests that were resolved by digest: that answer cannot change
	apis     map[string]rememberedAPI
	// When a subject had a fallback tag with something in it.
	fallbacks map[string]remembered[time.Time]
	slots     map[string]slots // by host
}

type cached struct {
	digest digest.Digest
	data   []byte
}

type flight struct {
	done  chan struct{}
	value any
	err   error
}

type remembered[T any] struct {
	value T
	until time.Time
}

// maxRemembered is how many listings, and how many tags, are remembered; then the past ones are dropped, or all. So it is
// with listings of maxListings bytes together, and one that takes a quarter of that is not remembered.
const (
	maxRemembered = 1024
	maxListings   = 64 << 20
)

// A listed is a listing and the bytes that it takes, about.
type listed struct {
	entries []Descriptor
	size    int
}

// share returns what is known under a key, or else gets it and keeps it. Concurrent calls for the same wait for one of
// them. known and keep are called with c.mu held; what was forgotten while it was on its way is not kept.
func share[T any](ctx context.Context, c *Cache, key string, known func() (T, bool), get func() (T, error), keep func(T)) (T, error) {
	for {
		c.mu.Lock()
		if value, ok := known(); ok {
			c.mu.Unlock()
			return value, nil
		}
		if f, ok := c.flights[key]; ok {
			c.mu.Unlock()
			select {
			case <-f.done:
			case <-ctx.Done():
				var none T
				return none, ended(ctx)
			}
			if f.err == nil {
				return f.value.(T), nil
			}
			continue // the other's failure is the other's: its deadline, say
		}
		f := &flight{done: make(chan struct{})}
		if c.flights == nil {
			c.flights = make(map[string]*flight)
		}
		c.flights[key] = f
		c.mu.Unlock()

		value, err := get()
		f.value, f.err = value, err
		c.mu.Lock()
		if c.flights[key] == f { // or it was forgotten
			delete(c.flights, key)
			if err == nil {
				keep(value)
			}
		}
		c.mu.Unlock()
		close(f.done)
		return value, err
	}
}

// fetch returns content from the cache, or fetches it and keeps it.
func (c *Cache) fetch(ctx context.Context, d Descriptor, get func() ([]byte, error)) ([]byte, error) {
	if c == nil {
		return get()
	}
	known := func() ([]byte, bool) {
		e, ok := c.content[d.Digest]
		if !ok {
			return nil, false
		}
		c.recent.MoveToFront(e)
		return e.Value.(*cached).data, true
	}
	fetch := func() ([]byte, error) {
		data, err := c.load(d)
		if err != nil {
			if data, err = get(); err == nil {
				c.store(d.Digest, data)
			}
		}
		return data, err
	}
	return share(ctx, c, d.Digest.String(), known, fetch, func(data []byte) { c.keep(d.Digest, data) })
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

// listing returns the listing of a subject's referrers, or gets it and remembers it.
func (c *Cache) listing(ctx context.Context, repo string, subject digest.Digest, get func() ([]Descriptor, error)) ([]Descriptor, error) {
	key := listingKey(repo, subject)
	known := func() ([]Descriptor, bool) {
		if l, ok := recall(c, c.listings, key); ok {
			return l.entries, true
		}
		entries, left := c.readListing(key)
		if left > 0 {
			c.keepListing(key, entries, left)
		}
		return entries, left > 0
	}
	return share(ctx, c, key, known, get, func(entries []Descriptor) {
		if c.keepListing(key, entries, c.ListingLifetime) {
			c.writeListing(key, entries)
		}
	})
}

// keepListing keeps a listing in memory, unless it is too large; c.mu is held.
func (c *Cache) keepListing(key string, entries []Descriptor, lifetime time.Duration) bool {
	l := listed{entries: entries}
	for _, d := range entries {
		l.size += 128 + len(d.MediaType) + len(d.ArtifactType) + len(d.Digest) + len(d.Data)
		for k, v := range d.Annotations {
			l.size += len(k) + len(v)
		}
	}
	if l.size > maxListings/4 {
		return false
	}
	all := l.size
	for k, old := range c.listings {
		if !c.now().Before(old.until) {
			delete(c.listings, k)
			continue
		}
		all += old.value.size
	}
	if all > maxListings {
		clear(c.listings)
	}
	remember(c, &c.listings, key, l, lifetime)
	return true
}

// A writtenListing is a listing in the directory. One without entries is not written: what was not signed a moment ago is asked for by
// each process itself.
type writtenListing struct {
	Key     string       `json:"key"`
	Until   time.Time    `json:"until"`
	Entries []Descriptor `json:"entries"`
}

// listingsDir is where the listings of a repository are.
func (c *Cache) listingsDir(repository string) string {
	name := sha256.Sum256([]byte(repository))
	return filepath.Join(c.Dir, "listings", hex.EncodeToString(name[:]))
}

func (c *Cache) listingPath(key string) string {
	repository, subject, _ := strings.Cut(strings.TrimPrefix(key, "referrers "), "@")
	name := sha256.Sum256([]byte(subject))
	return filepath.Join(c.listingsDir(repository), hex.EncodeToString(name[:]))
}

// readListing returns a listing of the directory and how long it is believed, which is never longer than one of now.
func (c *Cache) readListing(key string) (entries []Descriptor, left time.Duration) {
	if c.Dir == "" || c.ListingLifetime <= 0 {
		return nil, 0
	}
	name := c.listingPath(key)
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, 0
	}
	var l writtenListing
	if json.Unmarshal(data, &l) != nil || l.Key != key || len(l.Entries) == 0 {
		return nil, 0
	}
	if left = l.Until.Sub(c.now()); left <= 0 || left > c.ListingLifetime {
		_ = os.Remove(name)
		return nil, 0
	}
	for _, d := range l.Entries {
		if valid(d) != nil {
			return nil, 0
		}
	}
	return l.Entries, left
}

func (c *Cache) writeListing(key string, entries []Descriptor) {
	if c.Dir == "" || len(entries) == 0 {
		return
	}
	data, err := json.Marshal(writtenListing{key, c.now().Add(c.ListingLifetime), entries})
	name := c.listingPath(key)
	if err == nil && os.MkdirAll(filepath.Dir(name), 0o777) == nil {
		_ = writeFile(name, data) // a cache that cannot be written costs requests, nothing else
	}
}

// remembersListings reports whether listings of a repository are remembered.
func (c *Cache) remembersListings(repo string) bool {
	return c != nil && c.ListingLifetime > 0 && repo != ""
}

// The keys of what is remembered and on its way. No name of a repository has a space in it, nor has a digest.
func listingKey(repo string, subject digest.Digest) string {
	return "referrers " + repo + "@" + subject.String()
}
func manifestKey(repo, reference string) string { return "manifest " + repo + " " + reference }

// forget drops what is remembered under a key and has changed, and what is on its way.
func (c *Cache) forget(key string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.listings, key)
	if c.Dir != "" && strings.HasPrefix(key, "referrers ") {
		_ = os.Remove(c.listingPath(key))
	}
	delete(c.tags, key)
	delete(c.digests, key)
	delete(c.flights, key)
}

// resolve returns the descriptor of a tag or a digest, or gets it and remembers it.
func (c *Cache) resolve(ctx context.Context, repo, reference string, get func() (Descriptor, error)) (Descriptor, error) {
	byDigest := digest.Digest(reference).Validate() == nil
	if c == nil || repo == "" || !byDigest && c.TagLifetime <= 0 {
		return get()
	}
	key := manifestKey(repo, reference)
	if !byDigest {
		known := func() (Descriptor, bool) { return recall(c, c.tags, key) }
		return share(ctx, c, key, known, get, func(d Descriptor) { remember(c, &c.tags, key, d, c.TagLifetime) })
	}
	known := func() (Descriptor, bool) { d, ok := c.digests[key]; return d, ok }
	return share(ctx, c, key, known, get, func(d Descriptor) {
		if c.digests == nil || len(c.digests) >= maxRemembered {
			c.digests = make(map[string]Descriptor)
		}
		c.digests[key] = d
	})
}

// recall returns what is remembered and not past; c.mu is held.
func recall[T any](c *Cache, m map[string]remembered[T], key string) (T, bool) {
	e, ok := m[key]
	return e.value, ok && c.now().Before(e.until)
}

// remember keeps a value for a time; c.mu is held.
func remember[T any](c *Cache, m *map[string]remembered[T], key string, value T, lifetime time.Duration) {
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

// slotsOf returns the slots of a host, which repositories with one Cache share: the first says how many there are.
func (c *Cache) slotsOf(host string, n int) slots {
	if c == nil {
		return make(slots, n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.slots[host]
	if !ok {
		if c.slots == nil {
			c.slots = make(map[string]slots)
		}
		s = make(slots, n)
		c.slots[host] = s
	}
	return s
}

// apiState is what a repository showed of the referrers API. The zero value says nothing.
type apiState struct {
	Repository string    `json:"repository"`
	API        bool      `json:"api"`   // it answered with an index, or with OCI-Subject; else with 404
	Lists      bool      `json:"lists"` // it answered with OCI-Subject, or an index that was not empty
	Seen       time.Time `json:"seen"`
}

// rememberedAPI is an apiState and when it was last written to the directory.
type rememberedAPI struct {
	apiState
	written time.Time
}

func (s apiState) has(now time.Time) bool { return s.API && now.Sub(s.Seen) < apiLifetime }

func (s apiState) lacks(now time.Time) bool { return !s.API && now.Sub(s.Seen) < noAPILifetime }

// How long it is believed that a repository has the referrers API, after its last good answer, and that it has none. The
// first protects from a false "none" and is long. The second saves a request and is short: a registry that starts the
// API lists new evidence there alone.
const (
	apiLifetime   = 24 * time.Hour
	noAPILifetime = 10 * time.Minute
)
