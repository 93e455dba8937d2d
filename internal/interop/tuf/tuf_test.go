// Package tuf gives verify/sigstore/tuf and go-tuf the same repositories.
package tuf

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/tuftest"
	"github.com/ladingdev/lading/verify/sigstore/tuf"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/fetcher"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

// A client of each kind, of one repository.
type clients struct {
	url, dir string
	root     []byte
	ours     *tuf.Client
}

func newClients(t testing.TB, r *tuftest.Repository) *clients {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	c := &clients{url: server.URL, dir: t.TempDir(), root: r.Files["/1.root.json"]}
	c.ours = &tuf.Client{Repository: tuf.Repository{URL: c.url, Root: c.root}, Dir: t.TempDir(),
		Now: func() time.Time { return tuftest.At }}
	return c
}

// refresh returns what each says of the repository, and the trusted root that ours has then and theirs fetched.
func (c *clients) refresh(t testing.TB) (ours, theirs error, ourRoot, theirRoot string) {
	t.Helper()
	ours, ourRoot = c.ask(t)
	theirRoot, theirs = c.judge()
	return ours, theirs, ourRoot, theirRoot
}

func (c *clients) ask(t testing.TB) (error, string) {
	t.Helper()
	roots, err := c.ours.Refresh(t.Context())
	if err != nil {
		return err, ""
	}
	return roots.Problem, string(roots.JSON)
}

func (c *clients) judge() (string, error) {
	cfg, err := config.New(c.url, c.root)
	if err != nil {
		return "", err
	}
	if root, err := os.ReadFile(c.dir + "/root.json"); err == nil { // as it was left by the last one
		cfg.LocalTrustedRoot = root
	}
	cfg.LocalMetadataDir, cfg.LocalTargetsDir = c.dir, c.dir
	once := fetcher.NewDefaultFetcher()
	once.SetRetry(0, 1)
	cfg.Fetcher = once
	u, err := updater.New(cfg)
	if err != nil {
		return "", err
	}
	u.UnsafeSetRefTime(tuftest.At)
	if err := u.Refresh(); err != nil {
		return "", err
	}
	target, err := u.GetTargetInfo("trusted_root.json")
	if err != nil {
		return "", err
	}
	_, data, err := u.DownloadTarget(target, "", "")
	return string(data), err
}

// fresh returns a repository that both clients took.
func fresh(t testing.TB) (*tuftest.Repository, *clients) {
	t.Helper()
	r := tuftest.New(tuftest.At.Add(7 * 24 * time.Hour))
	r.Publish(tuftest.Trusted())
	return r, taken(t, r)
}

func taken(t testing.TB, r *tuftest.Repository) *clients {
	t.Helper()
	c := newClients(t, r)
	if ours, theirs, a, b := c.refresh(t); ours != nil || theirs != nil || a != b || a == "" {
		t.Fatalf("ours %v, theirs %v", ours, theirs)
	}
	return c
}

// What is right, both take: new targets, new roots, other keys, keys that took versions too far.
func TestRight(t *testing.T) {
	for name, edit := range map[string]func(r *tuftest.Repository){
		"nothing new": func(*tuftest.Repository) {},
		"targets":     func(r *tuftest.Repository) { r.Publish(tuftest.Trusted()) },
		"five roots": func(r *tuftest.Repository) {
			for range 5 {
				r.Root()
			}
			r.Publish(tuftest.Trusted())
		},
		"other root keys": func(r *tuftest.Repository) {
			old := r.Keys["root"]
			r.Keys["root"] = append(old[:0:0], tuftest.Key(), tuftest.Key(), old[0])
			r.Root(old...)
			r.Publish(tuftest.Trusted())
		},
		"expired roots between": func(r *tuftest.Repository) {
			end := r.Expires["root"]
			r.Expires["root"] = tuftest.At.AddDate(-1, 0, 0)
			r.Root()
			r.Root()
			r.Expires["root"] = end
			r.Root()
		},
		"online keys taken away": func(r *tuftest.Repository) {
			r.Keys["timestamp"] = append(r.Keys["timestamp"][:0:0], tuftest.Key())
			r.Keys["snapshot"] = r.Keys["timestamp"]
			r.Root()
			r.Version["timestamp"], r.Version["snapshot"] = 0, 0
			r.Publish(tuftest.Trusted())
		},
		"members that nobody knows": func(r *tuftest.Repository) {
			for _, role := range tuftest.Roles {
				r.Edit[role] = func(s map[string]any) { s["x-note"] = map[string]any{"a\"\\b": []any{1, "é<&>", true, nil}} }
			}
			r.Root()
			r.Publish(tuftest.Trusted())
		},
	} {
		r, c := fresh(t)
		edit(r)
		if ours, theirs, a, b := c.refresh(t); ours != nil || theirs != nil || a != b {
			t.Errorf("%s: ours %v, theirs %v", name, ours, theirs)
		}
	}
}

// What is wrong, alone and in pairs: there is nothing that ours takes and theirs does not. What ours alone refuses is named.
func TestWrong(t *testing.T) {
	stricter := map[string]bool{
		"one key under two names": true, "a trusted root that is none": true, "a member in another case": true, "a member twice": true,
		"snapshots that are not consistent": true, "hashes that are not known": true,
		"another specification": true, "expires this second": true,
	}
	attacks := tuftest.Attacks()
	count := map[string]int{}
	try := func(of ...tuftest.Attack) {
		r, c := fresh(t)
		var names []string
		for _, a := range of {
			a.Edit(r)
			names = append(names, a.Name)
		}
		ours, theirs, a, b := c.refresh(t)
		switch {
		case ours == nil && theirs != nil:
			t.Errorf("%q: ours takes it, theirs: %v", names, theirs)
		case ours == nil && a != b:
			t.Errorf("%q: they have different trusted roots", names)
		case ours != nil && theirs == nil && !slices.ContainsFunc(names, func(n string) bool { return stricter[n] }):
			t.Errorf("%q: theirs takes it, ours: %v", names, ours)
		}
		count[fmt.Sprintf("ours %v, theirs %v", ours == nil, theirs == nil)]++
	}
	for i, a := range attacks {
		try(a)
		step := 5
		if os.Getenv("LADING_HEAVY") != "" {
			step = 1
		}
		for j := 0; j < len(attacks); j += step {
			if other := (i + j) % len(attacks); other != i {
				try(a, attacks[other])
			}
		}
	}
	t.Log(count)
}

// Each member of each file, left out or with another value, signed then. What ours takes theirs takes, but for keys of a kind that
// is not known: with them a root loses that key, not all of it, as when it gains a kind that is newer than the program.
func TestMutants(t *testing.T) {
	values := map[string]any{"null": nil, "text": "x", "zero": 0, "minus one": -1, "two": 2, "list": []any{}, "object": map[string]any{}}
	count := map[string]int{}
	n := 0
	base, _ := fresh(t)
	for _, role := range tuftest.Roles {
		var all [][]string
		r := base.Clone()
		r.Edit[role] = func(s map[string]any) { all = paths(s, nil) }
		publish(r)
		for _, at := range all {
			for _, name := range append([]string{"left out"}, slices.Sorted(maps.Keys(values))...) {
				if n++; os.Getenv("LADING_HEAVY") == "" && n%7 != 0 {
					continue
				}
				r := base.Clone()
				c := taken(t, r)
				r.Edit[role] = func(s map[string]any) {
					for _, member := range at[:len(at)-1] {
						s = s[member].(map[string]any)
					}
					if v, ok := values[name]; ok {
						s[at[len(at)-1]] = v
					} else {
						delete(s, at[len(at)-1])
					}
				}
				publish(r)
				ours, root := c.ask(t)
				if ours != nil {
					count["ours refuses"]++
					continue
				}
				last := at[len(at)-1]
				theirRoot, theirs := c.judge()
				switch {
				case theirs == nil && root == theirRoot:
					count["both take it"]++
				case at[0] == "keys" && slices.Contains([]string{"keytype", "scheme", "public"}, last):
					count["a key of an unknown kind, with which ours goes on"]++
				default:
					t.Errorf("%s of %s.json, %s: ours takes it, theirs: %v", strings.Join(at, "/"), role, name, theirs)
				}
			}
		}
	}
	t.Log(count)
}

func publish(r *tuftest.Repository) {
	r.Root()
	r.Publish(tuftest.Trusted())
}

// paths lists the members of an object, and of those in it.
func paths(o map[string]any, before []string) (out [][]string) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		at := append(slices.Clone(before), name)
		out = append(out, at)
		if inside, ok := o[name].(map[string]any); ok {
			out = append(out, paths(inside, at)...)
		}
	}
	return out
}
