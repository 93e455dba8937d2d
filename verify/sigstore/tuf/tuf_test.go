package tuf

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/tuftest"
)

const day1 = 24 * time.Hour

// sigstoreFiles is Sigstore's own repository, as its CDN has it: roots 8 to 15 and what follows.
func sigstoreFiles(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for version := 8; version < 15; version++ {
		data, err := os.ReadFile(fmt.Sprintf("testdata/%d.root.json", version))
		if err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprintf("/%d.root.json", version)] = data
	}
	repo := Production()
	e := repo.embedded
	out["/15.root.json"], out["/timestamp.json"], out["/165.snapshot.json"], out["/14.targets.json"] = repo.Root, e.Timestamp, e.Snapshot,
		e.Targets
	out[fmt.Sprintf("/targets/%x.trusted_root.json", sha256.Sum256(e.TrustedRoot))] = e.TrustedRoot
	return out
}

func serve(t testing.TB, r *tuftest.Repository) string {
	t.Helper()
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return s.URL
}

func at(day string) func() time.Time {
	now, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return func() time.Time { return now.Add(12 * time.Hour) }
}

func good(t testing.TB, r *Roots, err error) *Roots {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if r.Problem != nil {
		t.Fatalf("refreshed, but %v", r.Problem)
	}
	return r
}

// Sigstore's own chain from root 8, which expired long ago, to 15.
func TestChain(t *testing.T) {
	repo := &tuftest.Repository{Files: sigstoreFiles(t)}
	c := &Client{Repository: Repository{URL: serve(t, repo) + "/", Root: repo.Files["/8.root.json"]}, Dir: t.TempDir(),
		Now: at("2026-08-22")}
	if _, err := c.Roots(); !errors.Is(err, ErrNotRefreshed) {
		t.Fatalf("nothing is embedded and nothing was fetched: %v", err)
	}
	first, err := c.Refresh(t.Context())
	good(t, first, err)
	if !bytes.Equal(first.JSON, Production().embedded.TrustedRoot) || first.Embedded || !first.Date.Equal(c.Now()) ||
		len(first.Root.Unusable()) > 0 {
		t.Errorf("%v %v %v", first.Date, first.Embedded, first.Root.Unusable())
	}
	want := []string{"/9.root.json", "/10.root.json", "/11.root.json", "/12.root.json", "/13.root.json", "/14.root.json", "/15.root.json",
		"/16.root.json",
		"/timestamp.json", "/165.snapshot.json", "/14.targets.json",
		"/targets/6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66.trusted_root.json"}
	if !slices.Equal(repo.Requests, want) {
		t.Errorf("%v", repo.Requests)
	}
	// What is there already is not fetched again.
	repo.Requests = nil
	again, err := c.Refresh(t.Context())
	good(t, again, err)
	if want := []string{"/16.root.json", "/timestamp.json"}; !slices.Equal(repo.Requests, want) {
		t.Errorf("%v", repo.Requests)
	}
	for _, start := range []int{9, 12, 15} {
		own := &Client{Repository: Repository{URL: c.Repository.URL, Root: repo.Files[fmt.Sprintf("/%d.root.json", start)]}, Now: c.Now}
		roots, err := own.Refresh(t.Context())
		good(t, roots, err)
	}
}

// Every state in which Sigstore's repository and its clients were, by the clock.
func TestStates(t *testing.T) {
	real := sigstoreFiles(t)
	client := func(day string) *Client {
		r := &tuftest.Repository{Files: real}
		return &Client{Repository: Repository{URL: serve(t, r), Root: real["/8.root.json"]}, Dir: t.TempDir(), Now: at(day)}
	}
	cdnAway := func(c *Client) { c.HTTP = &http.Client{Transport: failing{}} }
	for _, tt := range []struct {
		name      string
		refreshed string // "": never
		embedded  bool
		edit      func(*Client)
		now       string
		refresh   bool
		err       error
		problem   error
		date      string
	}{
		{name: "embedded and never refreshed", embedded: true, now: "2026-09-01", date: "2026-08-21"},
		{name: "embedded serves without end", embedded: true, now: "2046-09-01", date: "2026-08-21"},
		{name: "embedded, whatever MaxAge is", embedded: true, edit: func(c *Client) { c.MaxAge = time.Hour }, now: "2046-09-01",
			date: "2026-08-21"},
		{name: "embedded, and a refresh is required", embedded: true, edit: func(c *Client) { c.RequireRefresh = true }, now: "2026-08-22",
			err: ErrNotRefreshed},
		{name: "embedded, required, and away", embedded: true, edit: func(c *Client) { c.RequireRefresh = true; cdnAway(c) },
			now: "2026-08-22", refresh: true, err: ErrNotRefreshed},
		{name: "embedded, and away", embedded: true, edit: cdnAway, now: "2026-08-22", refresh: true, problem: ErrAway, date: "2026-08-21"},
		{name: "embedded, and the root has expired", embedded: true, now: "2026-11-28", refresh: true, problem: ErrExpired,
			date: "2026-08-21"},
		{name: "embedded and refreshed", embedded: true, refreshed: "2026-08-22", edit: func(c *Client) { c.RequireRefresh = true },
			now: "2026-09-20", date: "2026-08-22"},
		{name: "embedded, refreshed, too long ago", embedded: true, refreshed: "2026-08-22", now: "2026-09-22", err: ErrTooOld},
		{name: "nothing embedded, and away", edit: cdnAway, now: "2026-08-22", refresh: true, err: ErrAway},
		{name: "the timestamp has expired", refreshed: "2026-08-22", now: "2026-09-20", date: "2026-08-22"},
		{name: "the timestamp has expired, at a refresh", refreshed: "2026-08-22", now: "2026-09-20", refresh: true, problem: ErrExpired,
			date: "2026-08-22"},
		{name: "30 days", refreshed: "2026-08-22", now: "2026-09-21", date: "2026-08-22"},
		{name: "31 days", refreshed: "2026-08-22", now: "2026-09-22", err: ErrTooOld},
		{name: "31 days, and away", refreshed: "2026-08-22", edit: cdnAway, now: "2026-09-22", refresh: true, err: ErrTooOld},
		{name: "MaxAge of a week", refreshed: "2026-08-22", edit: func(c *Client) { c.MaxAge = 7 * day1 }, now: "2026-08-30",
			err: ErrTooOld},
		{name: "MaxAge of a year, the root has expired", refreshed: "2026-08-22", edit: func(c *Client) { c.MaxAge = 365 * day1 },
			now: "2026-11-28", date: "2026-08-22"},
		{name: "MaxAge without end, everything has expired", refreshed: "2026-08-22", edit: func(c *Client) { c.MaxAge = -1 },
			now: "2046-11-28", date: "2026-08-22"},
		{name: "away before MaxAge", refreshed: "2026-08-22", edit: cdnAway, now: "2026-08-28", refresh: true, problem: ErrAway,
			date: "2026-08-22"},
		{name: "the root has expired, at a refresh", refreshed: "2026-08-22", edit: func(c *Client) { c.MaxAge = -1 }, now: "2026-11-28",
			refresh: true, problem: ErrExpired, date: "2026-08-22"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			day := tt.refreshed
			if day == "" {
				day = tt.now
			}
			c := client(day)
			if tt.embedded {
				url := c.Repository.URL
				c.Repository = Production()
				c.Repository.URL = url
			}
			if tt.refreshed != "" {
				roots, err := c.Refresh(t.Context())
				good(t, roots, err)
			}
			then := &Client{Repository: c.Repository, Dir: c.Dir, Now: at(tt.now)} // another process
			if tt.edit != nil {
				tt.edit(then)
			}
			ask := then.Roots
			if tt.refresh {
				ask = func() (*Roots, error) { return then.Refresh(t.Context()) }
			}
			roots, err := ask()
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("%v, not %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if !errors.Is(roots.Problem, tt.problem) || (roots.Problem == nil) != (tt.problem == nil) {
				t.Errorf("problem %v, not %v", roots.Problem, tt.problem)
			}
			if got := roots.Date.Format(time.DateOnly); got != tt.date {
				t.Errorf("roots of %s, not %s", got, tt.date)
			}
		})
	}
}

type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

// What is embedded belongs together, and is of the day that it says.
func TestEmbedded(t *testing.T) {
	for name, repo := range map[string]Repository{"production": Production(), "staging": Staging()} {
		roots, err := (&Client{Repository: repo}).Roots()
		good(t, roots, err)
		if !roots.Embedded || !roots.Until.IsZero() {
			t.Errorf("%s: %+v", name, roots)
		}
		base, err := begin(repo.Root)
		if err != nil {
			t.Fatal(err)
		}
		s, err := base.open(repo.embedded)
		if err != nil {
			t.Fatal(err)
		}
		if signed := s.served.timestamp.expires.Add(-7 * day1); !signed.Equal(repo.date) {
			t.Errorf("%s: its timestamp was signed at %s, not %s", name, signed, repo.date)
		}
		if bad := roots.Root.Unusable(); len(bad) > 0 {
			t.Errorf("%s: %v", name, bad)
		}
	}
	if roots, err := new(Client).Roots(); err != nil || roots.Date.Format(time.DateOnly) != "2026-08-21" {
		t.Errorf("the zero client: %v %v", roots, err)
	}
}

var clock = tuftest.At

// own returns a repository that was published once, and a client that was refreshed from it.
func own(t testing.TB) (*tuftest.Repository, *Client) {
	t.Helper()
	r := tuftest.New(clock.Add(7 * day1))
	r.Publish(tuftest.Trusted())
	c := &Client{Repository: Repository{URL: serve(t, r), Root: r.Files["/1.root.json"]}, Dir: t.TempDir(),
		Now: func() time.Time { return clock }}
	roots, err := c.Refresh(t.Context())
	good(t, roots, err)
	return r, c
}

// A root that has expired blocks a refresh until a newer one follows, and no longer.
func TestExpiredRoot(t *testing.T) {
	r, c := own(t)
	later := clock.Add(20 * day1)
	c.Now = func() time.Time { return later }
	before, err := c.Refresh(t.Context())
	if err != nil || !errors.Is(before.Problem, ErrExpired) || !strings.Contains(before.Problem.Error(), "root.json 1") {
		t.Fatalf("%v %+v", err, before)
	}
	r.Root() // expired as well
	r.Expires["root"] = later.Add(day1)
	for _, role := range tuftest.Roles[1:] {
		r.Expires[role] = later.Add(day1)
	}
	r.Root()
	next := tuftest.Trusted()
	r.Publish(next)
	after, err := c.Refresh(t.Context())
	good(t, after, err)
	if !bytes.Equal(after.JSON, next) || !after.Date.Equal(later) {
		t.Errorf("roots of %s", after.Date)
	}
}

// Each kind of wrong answer, and what is said of it. The roots of before serve on, in the next process too.
func TestAttacks(t *testing.T) {
	want := map[string]error{
		"timestamp by a stranger":           ErrSignatures,
		"snapshot by a stranger":            ErrSignatures,
		"targets by one of two":             ErrSignatures,
		"targets by the online key":         ErrSignatures,
		"root by itself alone":              ErrSignatures,
		"root by one of the old":            ErrSignatures,
		"root by the old alone":             ErrSignatures,
		"one key under two names":           ErrSignatures,
		"a signature twice":                 ErrMalformed,
		"a root that skips a version":       ErrRollback,
		"a root of the version before":      ErrRollback,
		"snapshot names no targets":         ErrMalformed,
		"snapshot of another version":       ErrRollback,
		"targets of another version":        ErrRollback,
		"targets for snapshot":              ErrMalformed,
		"expired timestamp":                 ErrExpired,
		"expired snapshot":                  ErrExpired,
		"expires this second":               ErrExpired, // it must be later than now (section 5.4.4)
		"expired targets":                   ErrExpired,
		"another trusted root":              ErrDigest,
		"longer trusted root":               ErrLimit,
		"hashes in the snapshot":            ErrDigest,
		"hashes that are not known":         ErrDigest,
		"a trusted root that is none":       errAny,
		"no trusted root":                   ErrMalformed,
		"another specification":             ErrMalformed,
		"a member in another case":          ErrMalformed,
		"a member twice":                    ErrMalformed,
		"threshold of nothing":              ErrMalformed,
		"snapshots that are not consistent": ErrMalformed,
		"a timestamp without end":           ErrLimit,
		"errors of the server":              ErrAway,
		"a timestamp that is not there":     ErrAway,
		"not JSON":                          ErrMalformed,
	}
	for _, tt := range tuftest.Attacks() {
		t.Run(tt.Name, func(t *testing.T) {
			r, c := own(t)
			before, err := c.Roots()
			good(t, before, err)
			tt.Edit(r)
			roots, err := c.Refresh(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			kind := want[tt.Name]
			if kind == errAny && roots.Problem != nil {
				kind = roots.Problem
			}
			if kind == nil || !errors.Is(roots.Problem, kind) {
				t.Fatalf("%v, not %v", roots.Problem, kind)
			}
			next, err := (&Client{Repository: c.Repository, Dir: c.Dir, Now: c.Now}).Roots()
			good(t, next, err)
			if !bytes.Equal(next.JSON, before.JSON) {
				t.Error("other roots serve than before")
			}
		})
	}
}

var errAny = errors.New("any")

// Versions never go back, but where a root takes the keys from whoever signed them.
func TestRollback(t *testing.T) {
	r, c := own(t)
	old := r.Clone()
	r.Publish(tuftest.Trusted())
	first, err := c.Refresh(t.Context())
	good(t, first, err)
	for name, edit := range map[string]func(){
		"timestamp":       func() { r.Files = old.Files },
		"timestamp alone": func() { r.Version["timestamp"] = 1; r.Snapshot() },
		"snapshot":        func() { r.Files = old.Files; r.Version["timestamp"], r.Version["snapshot"] = 3, 1; r.Snapshot() },
		"targets":         func() { r.Version["timestamp"], r.Version["snapshot"], r.Version["targets"] = 4, 3, 1; r.Snapshot() },
	} {
		files, versions := r.Files, r.Clone().Version
		edit()
		roots, err := c.Refresh(t.Context())
		if err != nil || !errors.Is(roots.Problem, ErrRollback) || !bytes.Equal(roots.JSON, first.JSON) {
			t.Errorf("%s goes back: %v, problem %v", name, err, roots.Problem)
		}
		r.Files, r.Version = files, versions
	}
	// A file that a snapshot named stays, in its version or a later one.
	other := func(version int) func(map[string]any) {
		return func(s map[string]any) { s["meta"].(map[string]any)["other.json"] = map[string]any{"version": version} }
	}
	r.Edit["snapshot"] = other(5)
	r.Publish(tuftest.Trusted())
	named, err := c.Refresh(t.Context())
	good(t, named, err)
	for name, edit := range map[string]func(map[string]any){"gone": nil, "older": other(4)} {
		r.Edit["snapshot"] = edit
		r.Publish(tuftest.Trusted())
		roots, err := c.Refresh(t.Context())
		if err != nil || !errors.Is(roots.Problem, ErrRollback) || !bytes.Equal(roots.JSON, named.JSON) {
			t.Errorf("a file that is %s: %v, problem %v", name, err, roots.Problem)
		}
	}
	r.Edit["snapshot"] = other(5)
	// Somebody had the online key, and signed versions that nobody can follow.
	r.Version["timestamp"], r.Version["snapshot"] = 1<<40, 1<<40
	r.Publish(tuftest.Trusted())
	fast, err := c.Refresh(t.Context())
	good(t, fast, err)
	r.Keys["timestamp"], r.Keys["snapshot"] = []*ecdsa.PrivateKey{tuftest.Key()}, []*ecdsa.PrivateKey{tuftest.Key()}
	r.Root()
	r.Version["timestamp"], r.Version["snapshot"] = 10, 10
	want := tuftest.Trusted()
	r.Publish(want)
	roots, err := c.Refresh(t.Context())
	good(t, roots, err)
	if !bytes.Equal(roots.JSON, want) {
		t.Error("versions of a key that was taken away still count")
	}
}

// A root is kept, even if what follows it is not proven: keys that it took away sign nothing from then on.
func TestRootsAreKept(t *testing.T) {
	r, c := own(t)
	before, err := c.Roots()
	good(t, before, err)
	old := r.Clone()
	keys := r.Keys["root"]
	r.Keys["targets"] = []*ecdsa.PrivateKey{tuftest.Key(), tuftest.Key()}
	r.Keys["timestamp"], r.Keys["snapshot"] = []*ecdsa.PrivateKey{tuftest.Key()}, []*ecdsa.PrivateKey{tuftest.Key()}
	r.Root(keys...)
	roots, err := c.Refresh(t.Context())
	if err != nil || !errors.Is(roots.Problem, ErrSignatures) || !bytes.Equal(roots.JSON, before.JSON) {
		t.Fatalf("%v %+v", err, roots)
	}
	r.Files = old.Files // somebody hides the root
	old.Publish(tuftest.Trusted())
	r.Files = old.Files
	next := &Client{Repository: c.Repository, Dir: c.Dir, Now: c.Now}
	roots, err = next.Refresh(t.Context())
	if err != nil || !errors.Is(roots.Problem, ErrSignatures) || !bytes.Equal(roots.JSON, before.JSON) {
		t.Errorf("keys that a root took away: %v %+v", err, roots)
	}
}

// What was kept is proven again. Damage is said, and mended by a refresh.
func TestStore(t *testing.T) {
	r, c := own(t)
	files, err := filepath.Glob(filepath.Join(c.Dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{nil, []byte("{"), whole[:len(whole)/2], bytes.Replace(whole, []byte(`"trustedRoot":"`),
		[]byte(`"trustedRoot":"AAAA`), 1),
		bytes.Replace(whole, []byte(`"roots"`), []byte(`"stems"`), 1)} {
		if err := os.WriteFile(files[0], damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		if roots, err := c.Roots(); bytes.Contains(damaged, []byte("stems")) != (err == nil) || err != nil && !errors.Is(err, ErrStore) {
			t.Errorf("%.40q: %v %v", damaged, roots, err)
		}
		r.Status = http.StatusServiceUnavailable
		if roots, err := c.Refresh(t.Context()); err != nil && (!errors.Is(err, ErrStore) || !errors.Is(err, ErrAway)) {
			t.Errorf("%.40q: %v %v", damaged, roots, err)
		}
		r.Status = 0
		roots, err := c.Refresh(t.Context())
		good(t, roots, err)
		roots, err = c.Roots()
		good(t, roots, err)
	}
	if files, err = filepath.Glob(filepath.Join(c.Dir, "*")); err != nil || len(files) != 1 {
		t.Error(files, err)
	}
}

// A program that embeds a newer root takes over what an older one kept, and a program that embeds an older one too.
func TestOtherPrograms(t *testing.T) {
	r, c := own(t)
	r.Root()
	r.Root()
	roots, err := c.Refresh(t.Context())
	good(t, roots, err)
	for _, version := range []int{1, 2, 3} {
		other := &Client{Repository: c.Repository, Dir: c.Dir, Now: c.Now}
		other.Repository.Root = r.Files[fmt.Sprintf("/%d.root.json", version)]
		roots, err := other.Roots()
		good(t, roots, err)
		roots, err = other.Refresh(t.Context())
		good(t, roots, err)
	}
}

func TestContext(t *testing.T) {
	r, c := own(t)
	r.Publish(tuftest.Trusted())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if roots, err := c.Refresh(ctx); !errors.Is(err, context.Canceled) || roots != nil {
		t.Errorf("cancelled: %v %v", roots, err)
	}
	ctx, cancel = context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if roots, err := c.Refresh(ctx); err != nil || !errors.Is(roots.Problem, ErrAway) ||
		!errors.Is(roots.Problem, context.DeadlineExceeded) {
		t.Errorf("too late: %v %v", roots, err)
	}
}

// Without a directory, and with one that cannot be written, roots serve all the same.
func TestNowhereToKeep(t *testing.T) {
	_, c := own(t)
	memory := &Client{Repository: c.Repository, Now: c.Now}
	roots, err := memory.Refresh(t.Context())
	good(t, roots, err)
	roots, err = memory.Roots()
	good(t, roots, err)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	broken := &Client{Repository: c.Repository, Now: c.Now, Dir: file}
	if roots, err := broken.Refresh(t.Context()); err != nil || roots.Problem == nil || !strings.Contains(roots.Problem.Error(),
		"could not be kept") {
		t.Errorf("%v %v", roots, err)
	}
}
