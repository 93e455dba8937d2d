package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// apiMemory is what a repository showed, in its Cache or, without one or without a name, in one of its own, which lives
// as long as the Repository.
type apiMemory struct {
	name  string
	cache *Cache
}

func (m *apiMemory) get() (apiState, time.Time) { return m.cache.api(m.name), m.cache.now() }

// learn notes what the repository has just shown.
func (m *apiMemory) learn(api, lists bool) {
	state, now := m.get()
	m.cache.learnAPI(apiState{m.name, api, lists || state.Lists && state.has(now), now})
}

// hasAPI reports whether the repository is known to have the referrers API, and what it showed last.
func (m *apiMemory) hasAPI() (apiState, bool) {
	state, now := m.get()
	return state, state.has(now)
}

func (m *apiMemory) lacksAPI() bool {
	state, now := m.get()
	return state.lacks(now)
}

// learnTag notes that a subject has a fallback tag that names something.
func (m *apiMemory) learnTag(subject digest.Digest) {
	m.cache.mu.Lock()
	defer m.cache.mu.Unlock()
	remember(m.cache, &m.cache.fallbacks, listingKey(m.name, subject), m.cache.now(), apiLifetime)
}

// hadTag reports whether a subject had a fallback tag that named something, and when.
func (m *apiMemory) hadTag(subject digest.Digest) (time.Time, bool) {
	m.cache.mu.Lock()
	defer m.cache.mu.Unlock()
	return recall(m.cache, m.cache.fallbacks, listingKey(m.name, subject))
}

// Forget drops what is remembered about a repository, by its [Repository.Name]: whether it has the referrers API, in the
// directory too, listings, and tags. Content stays, as it cannot change.
func (c *Cache) Forget(repository string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.apis, repository)
	if c.Dir != "" {
		_ = os.Remove(c.apiPath(repository))
		_ = os.RemoveAll(c.listingsDir(repository))
	}
	about := func(key string) bool {
		return strings.HasPrefix(key, listingKey(repository, "")) || strings.HasPrefix(key, manifestKey(repository, ""))
	}
	maps.DeleteFunc(c.listings, func(key string, _ remembered[listed]) bool { return about(key) })
	maps.DeleteFunc(c.fallbacks, func(key string, _ remembered[time.Time]) bool { return about(key) })
	maps.DeleteFunc(c.tags, func(key string, _ remembered[Descriptor]) bool { return about(key) })
	clear(c.flights)
}

func (c *Cache) apiPath(repository string) string {
	name := sha256.Sum256([]byte(repository))
	return filepath.Join(c.Dir, "referrers-api", hex.EncodeToString(name[:]))
}

// api returns what is known of a repository's referrers API.
func (c *Cache) api(repository string) apiState {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.apis[repository]
	if ok || c.Dir == "" {
		return known.apiState
	}
	var state apiState
	data, err := os.ReadFile(c.apiPath(repository))
	// A state of the future would be believed for too long.
	if err != nil || json.Unmarshal(data, &state) != nil || state.Repository != repository || state.Seen.After(c.now()) {
		state = apiState{}
	}
	c.enterAPI(repository, rememberedAPI{state, state.Seen})
	return state
}

func (c *Cache) learnAPI(state apiState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.apis[state.Repository]
	next := rememberedAPI{state, old.written}
	stale := noAPILifetime / 2
	if state.API {
		stale = apiLifetime / 24
	}
	if c.Dir != "" && (old.API != state.API || old.Lists != state.Lists || state.Seen.Sub(old.written) >= stale) {
		next.written = state.Seen
		data, err := json.Marshal(state)
		name := c.apiPath(state.Repository)
		if err == nil && os.MkdirAll(filepath.Dir(name), 0o777) == nil {
			_ = writeFile(name, data) // a cache that cannot be written costs requests, nothing else
		}
	}
	c.enterAPI(state.Repository, next)
}

// enterAPI keeps a state; c.mu is held.
func (c *Cache) enterAPI(repository string, state rememberedAPI) {
	if c.apis == nil {
		c.apis = make(map[string]rememberedAPI)
	}
	if _, ok := c.apis[repository]; !ok && len(c.apis) >= maxRemembered {
		for name := range c.apis { // any: the directory has it still
			delete(c.apis, name)
			break
		}
	}
	c.apis[repository] = state
}

// A noAPIError is an answer to the first question for referrers that is no list. It is ErrUnsupported, and leads to the
// fallback tag, unless the repository has answered properly before.
type noAPIError struct {
	answer string // such as "404"
	clear  bool   // it is the answer of the specification, not what only some registries send
}

func (e *noAPIError) Error() string {
	return fmt.Sprintf("registry: %v: the referrers API answers %s", ErrUnsupported, e.answer)
}
func (e *noAPIError) Is(kind error) bool { return kind == ErrUnsupported }

// absence reads an answer other than an index as a sign that there is no referrers API, nil if it is none. 404 is what
// the specification says ("Listing Referrers"); the others are what registries that know no such address send: 400
// (go-containerregistry has met it), 406 (Artifactory, go-containerregistry issue 1962), 405 and 501, a web page, and
// GitHub's redirect (see [elsewhere]). Where another redirect led to a page, somebody should sign in.
func absence(resp *http.Response, contentType string, body []byte) *noAPIError {
	html := contentType == "text/html" || strings.HasPrefix(strings.ToLower(strings.TrimSpace(string(body[:min(64, len(body))]))),
		"<!doctype html")
	redirected := resp.Request.Response != nil
	switch status := resp.StatusCode; {
	case status == http.StatusSeeOther && elsewhere(resp.Request.URL, resp.Header.Get("Location")):
		return &noAPIError{answer: "303, to a web page of another host", clear: true}
	case html && redirected:
		return nil
	case status == http.StatusNotFound && html:
		return &noAPIError{answer: "404 with a web page"}
	case status == http.StatusNotFound:
		return &noAPIError{answer: "404", clear: true}
	case status == http.StatusBadRequest, status == http.StatusMethodNotAllowed, status == http.StatusNotAcceptable,
		status == http.StatusNotImplemented:
		return &noAPIError{answer: fmt.Sprint(status)}
	case status == http.StatusOK && html:
		return &noAPIError{answer: "with a web page"}
	}
	return nil
}

// elsewhere reports whether a redirect is how GitHub's registry answers what it does not know: to the page of a package on
// github.com, in whose name is the rest of the address. That page may be anything, also 429, so that it is not asked for
// (github.com/artifacthub/hub, issue 4785).
func elsewhere(from *url.URL, location string) bool {
	to, err := from.Parse(location)
	return err == nil && strings.Contains(from.Path, "/referrers/") && to.Hostname() != from.Hostname() && strings.Contains(to.Path,
		"/referrers/")
}
