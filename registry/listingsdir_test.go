package registry_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
)

// Listings in a directory serve other processes for as long as the listing's lifetime, and no longer; never another repository or subject.
func TestListingsInDirectory(t *testing.T) {
	var listings atomic.Int64
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{registrytest.Watch(func(r *http.Request) {
		if strings.Contains(r.URL.Path, "/referrers/") {
			listings.Add(1)
		}
	})}})
	defer s.Close()
	now, dir := time.Now(), t.TempDir()
	process := func(repository string, lifetime time.Duration) *registry.Repository {
		return open(t, s.Host()+"/demo/"+repository,
			&registry.Options{Cache: &registry.Cache{Dir: dir, ListingLifetime: lifetime, Now: func() time.Time { return now }}})
	}
	setup := open(t, s.Host()+"/demo/app", nil)
	image, bare := pushImage(t, setup, "app"), pushImage(t, setup, "bare")
	pushImage(t, open(t, s.Host()+"/demo/other", nil), "app")
	if _, err := setup.Attach(t.Context(), image, content("one")); err != nil {
		t.Fatal(err)
	}
	look := func(what string, repo *registry.Repository, subject registry.Descriptor, want int, asked bool) {
		t.Helper()
		before := listings.Load()
		if got := texts(t, repo, subject); len(got) != want {
			t.Errorf("%s: %q", what, got)
		}
		if n := listings.Load() - before; n > 0 != asked {
			t.Errorf("%s: %d listings were asked for", what, n)
		}
	}
	first := process("app", time.Minute)
	look("first", first, image, 1, true)
	look("another process", process("app", time.Minute), image, 1, false)
	look("another repository", process("other", time.Minute), image, 0, true)
	look("a process that believes nothing", process("app", 0), image, 1, true)
	look("a process that believes it for less", process("app", time.Second), image, 1, true)
	look("what that one wrote", process("app", time.Minute), image, 1, false)
	look("nothing is attached", process("app", time.Minute), bare, 0, true)
	look("nothing is attached, again", process("app", time.Minute), bare, 0, true)
	now = now.Add(-time.Hour)
	look("the clock was set back", process("app", time.Minute), image, 1, true)
	now = now.Add(2 * time.Hour)
	look("the lifetime is over", process("app", time.Minute), image, 1, true)
	// What a process attaches shows in the others that begin after it.
	if _, err := process("app", time.Minute).Attach(t.Context(), image, content("two")); err != nil {
		t.Fatal(err)
	}
	look("after attaching", process("app", time.Minute), image, 2, true)
	look("after that", process("app", time.Minute), image, 2, false)
	files, err := filepath.Glob(filepath.Join(dir, "listings", "*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"empty": "", "cut off": string(good[:len(good)/2]),
		"of another key":             strings.Replace(string(good), "demo/app", "demo/xxx", 1),
		"without entries":            `{"key":"x"}`,
		"with an entry that is none": strings.Replace(string(good), `"digest":"sha256:`, `"digest":"sha256:x`, 1)} {
		if err := os.WriteFile(files[0], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		look(what, process("app", time.Minute), image, 2, true)
	}
	cache := &registry.Cache{Dir: dir}
	cache.Forget(first.Name())
	look("after Forget", process("app", time.Minute), image, 2, true)
}
