package tuf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ladingdev/lading/verify/sigstore"
)

// Kinds of errors, for errors.Is.
var (
	// ErrTooOld means that the last refresh was longer ago than MaxAge. Refresh.
	ErrTooOld = errors.New("trusted roots are too old")
	// ErrNotRefreshed means that roots were never refreshed, and that they must be, or that none are embedded. Refresh.
	ErrNotRefreshed = errors.New("trusted roots were never refreshed")
	// ErrStore means that what was kept is damaged: a refresh replaces it. What is embedded does not serve instead, for it may be
	// older.
	ErrStore = errors.New("kept trusted roots are damaged")
	// ErrAway means that the repository did not answer, or not with the file that was asked for.
	ErrAway = errors.New("repository is away")
	// ErrExpired means that metadata has expired: of a root, that the repository has no newer one. Somebody may keep it from you.
	ErrExpired = errors.New("expired")
	// ErrRollback means that a version is not the one that must come.
	ErrRollback = errors.New("wrong version")
	// ErrSignatures means that too few of the right keys signed.
	ErrSignatures = errors.New("too few signatures")
	// ErrDigest means that a file is not the one that signed metadata names.
	ErrDigest = errors.New("length or hash differs")
	// ErrMalformed means that a file is not as the specification has it.
	ErrMalformed = errors.New("malformed")
	// ErrLimit means that a file or a chain of roots is too long.
	ErrLimit = errors.New("over limit")
)

// A Client keeps the trusted roots of one repository. The zero Client has those of Sigstore's public instance, and keeps what it
// fetches in memory. It is safe for concurrent use, and its fields must not change once it is used. Processes may share Dir.
type Client struct {
	// Repository has the roots; the zero one is [Production].
	Repository Repository
	// Dir is where the client keeps what it verified, in one file for each repository. It is trusted: whoever may write there
	// says what is believed. Empty means in memory.
	Dir string
	// MaxAge is how long roots serve after the last refresh. Zero means 30 days, a negative one without end.
	MaxAge time.Duration
	// Signing has Refresh fetch the signing config as well, where the repository has one. Who only verifies needs none.
	Signing bool
	// RequireRefresh refuses embedded roots that were never refreshed.
	RequireRefresh bool
	// Operators are those of [sigstore.RootOptions].
	Operators map[string]string
	// HTTP fetches files. Nil means a client that gives each file 30 seconds.
	HTTP *http.Client
	// Now is the present. Nil means time.Now.
	Now func() time.Time

	mu     sync.Mutex
	memory *store
	last   atomic.Pointer[loaded]
}

// Roots are the trusted roots that serve.
type Roots struct {
	Root *sigstore.Root
	JSON []byte // trusted_root.json
	// SigningConfig is signing_config.v0.2.json, which says where the instance's services are, for package sign/keyless. Nil if the
	// repository has none, or if it has another one now and the client that refreshed last was not Signing.
	SigningConfig []byte
	Date          time.Time // of the last refresh, or when those that are embedded were current
	Embedded      bool      // they came with the program
	Until         time.Time // after it they prove nothing; zero: without end
	// Problem is why a refresh failed, and these are the roots of before. Nil after a good refresh, and where none was asked for.
	Problem error
}

// Roots returns the trusted roots that serve, without asking anybody. Errors: ErrTooOld, ErrNotRefreshed, ErrStore.
func (c *Client) Roots() (*Roots, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offline()
}

func (c *Client) offline() (*Roots, error) {
	repo, base, err := c.begin()
	if err != nil {
		return nil, err
	}
	s, err := c.load(repo, base)
	if err != nil {
		return nil, err
	}
	return c.roots(repo, s, nil)
}

// Refresh asks the repository for newer roots and returns those that serve then. That it is away, or that what it says is not
// proven, is the Problem of roots that still serve, and an error where none do. A cancelled context is an error; one whose deadline
// passes is a repository that is away.
func (c *Client) Refresh(ctx context.Context) (*Roots, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	repo, base, err := c.begin()
	if err != nil {
		return nil, err
	}
	before, damaged := c.load(repo, base)
	if before == nil {
		return nil, damaged
	}
	s, problem := c.refresh(ctx, repo, before)
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return nil, fmt.Errorf("tuf: %w", context.Cause(ctx))
	}
	if problem == nil || damaged == nil && s.newest() != before.newest() { // a root is kept whatever comes after it (section 5.3.8)
		if s, err = c.keep(repo, base, s); err != nil {
			err = fmt.Errorf("trusted roots could not be kept: %w", err)
			problem = errors.Join(problem, err)
		}
	}
	if damaged != nil && problem != nil && err == nil {
		return nil, errors.Join(damaged, problem)
	}
	return c.roots(repo, s, problem)
}

// begin returns the repository and the root with which trust begins.
func (c *Client) begin() (*Repository, *state, error) {
	repo := c.Repository
	if repo.URL == "" && repo.Root == nil {
		repo = Production()
	}
	repo.URL = strings.TrimRight(repo.URL, "/")
	if repo.URL == "" || repo.Root == nil {
		return nil, nil, errors.New("tuf: a repository needs a URL, and a root with which trust begins")
	}
	base, err := begin(repo.Root)
	return &repo, base, err
}

// load returns what was kept or what is embedded, whichever is newer. If what was kept is damaged it says so, beside what is embedded.
func (c *Client) load(repo *Repository, base *state) (*state, error) {
	s := base
	if repo.embedded != nil {
		var err error
		if s, err = base.open(repo.embedded); err != nil {
			return nil, fmt.Errorf("tuf: embedded: %w", err)
		}
	}
	data, err := c.read(repo.URL)
	if err == nil && data == nil {
		return s, nil
	}
	var kept *state
	if err == nil {
		kept, err = base.open(data)
	}
	switch {
	case err != nil && s.served != nil && data != nil && data.Root != 0 && data.Root < base.newest().version:
		s.refreshed = data.Refreshed // an older program kept it, by keys that the root which is embedded now no longer has
		return s, nil
	case err != nil:
		return s, fmt.Errorf("tuf: %w: %w; a refresh replaces %s", ErrStore, err, c.path(repo.URL))
	case s.served != nil && (kept.served == nil || kept.served.timestamp.version < s.served.timestamp.version):
		kept.served = s.served
	}
	return kept, nil
}

// embedded reports whether what serves came with the program.
func (s *state) embedded(repo *Repository) bool {
	return repo.embedded != nil && string(s.served.timestamp.raw) == string(repo.embedded.Timestamp)
}

// roots returns what serves, if it may.
func (c *Client) roots(repo *Repository, s *state, problem error) (*Roots, error) {
	fail := func(err error) (*Roots, error) {
		if problem != nil {
			err = fmt.Errorf("%w; and refreshing them: %w", err, problem)
		}
		return nil, fmt.Errorf("tuf: %s: %w", repo.URL, err)
	}
	if s.served == nil || s.refreshed.IsZero() && c.RequireRefresh {
		return fail(ErrNotRefreshed)
	}
	out := &Roots{
		JSON:          s.served.trustedRoot,
		SigningConfig: s.served.signingConfig,
		Date:          s.refreshed,
		Embedded:      s.embedded(repo),
		Problem:       problem,
	}
	if out.Embedded && repo.date.After(out.Date) {
		out.Date = repo.date
	}
	age := cmp.Or(c.MaxAge, 30*24*time.Hour)
	if age > 0 && !s.refreshed.IsZero() {
		out.Until = out.Date.Add(age)
		if c.now().After(out.Until) {
			return fail(fmt.Errorf("%w: of %s, and they serve for %s", ErrTooOld, day(out.Date), age))
		}
	}
	note := "refreshed from " + repo.URL
	if s.refreshed.IsZero() {
		note = "embedded, never refreshed"
	}
	if problem != nil {
		note += ", which failed since: " + problem.Error()
	}
	var err error
	out.Root, err = sigstore.ParseRoot(out.JSON,
		&sigstore.RootOptions{Operators: c.Operators, Date: out.Date, Until: out.Until, Note: note})
	if err != nil {
		return fail(err)
	}
	c.last.Store(&loaded{roots: out, at: c.now()})
	return out, nil
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// keep writes a state, unless another process has kept a newer one meanwhile, which serves then.
func (c *Client) keep(repo *Repository, base, s *state) (*state, error) {
	if other, err := c.load(repo, base); err == nil && other.newer(s) {
		return other, nil
	}
	return s, c.write(repo.URL, s.store())
}

// newer reports whether one state has seen what another has not.
func (s *state) newer(than *state) bool {
	if s.newest().version != than.newest().version || s.served == nil || than.served == nil {
		return s.newest().version > than.newest().version
	}
	return s.served.root.version == than.served.root.version && s.served.timestamp.version > than.served.timestamp.version
}

// errNotThere is the answer that there is no such file.
var errNotThere = errors.New("there is no such file")

// fetch gets a file of at most so many bytes.
func (c *Client) fetch(ctx context.Context, url string, most int64) ([]byte, error) {
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second}
	}
	away := func(err error) ([]byte, error) { return nil, fmt.Errorf("%w: %s: %w", ErrAway, url, err) }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return away(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return away(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return away(errNotThere)
	default:
		return away(errors.New(resp.Status))
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return away(err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrLimit, url, most)
	}
	return data, nil
}
