package tuf

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/tuftest"
)

// Both instances' signing configs come with the program.
func TestSigningConfigEmbedded(t *testing.T) {
	for _, repo := range []Repository{Production(), Staging()} {
		roots, err := (&Client{Repository: repo}).Roots()
		if err != nil {
			t.Fatal(err)
		}
		var config struct {
			MediaType string
			CAURLs    []struct{ URL string } `json:"caUrls"`
		}
		if err := json.Unmarshal(roots.SigningConfig, &config); err != nil || len(config.CAURLs) != 1 ||
			config.MediaType != "application/vnd.dev.sigstore.signingconfig.v0.2+json" {
			t.Errorf("%s: %v, %+v", repo.URL, err, config)
		}
	}
}

// A signing config is fetched by who signs, kept with what vouches for it, and gone when the repository has another one that nobody
// fetched.
func TestSigningConfig(t *testing.T) {
	r := tuftest.New(time.Now().Add(time.Hour))
	name := func(config string) string {
		return fmt.Sprintf("/targets/%x.%s", sha256.Sum256([]byte(config)), signingConfig)
	}
	root := Production().embedded.TrustedRoot
	r.More = map[string][]byte{signingConfig: []byte("one")}
	r.Publish(root)
	url, dir := serve(t, r), t.TempDir()
	client := func(signing bool) *Client {
		return &Client{Repository: Repository{URL: url, Root: r.Files["/1.root.json"]}, Dir: dir, Signing: signing}
	}
	refresh := func(signing bool, want string) {
		t.Helper()
		roots, err := client(signing).Refresh(t.Context())
		good(t, roots, err)
		kept, err := client(false).Roots()
		if err != nil || string(roots.SigningConfig) != want || string(kept.SigningConfig) != want || !bytes.Equal(roots.JSON, root) {
			t.Errorf("%q, and kept %q, %v; want %q", roots.SigningConfig, kept.SigningConfig, err, want)
		}
	}
	refresh(false, "")
	if slices.Contains(r.Requests, name("one")) {
		t.Error("fetched, and nobody signs")
	}
	refresh(true, "one") // though nothing is new
	r.Requests = nil
	refresh(true, "one")
	refresh(false, "one")
	if slices.Contains(r.Requests, name("one")) {
		t.Error("fetched again")
	}
	r.More = map[string][]byte{signingConfig: []byte("two")}
	r.Publish(root)
	refresh(false, "")
	refresh(true, "two")
	// A file that is not the one which was signed changes nothing, and says so.
	r.More = map[string][]byte{signingConfig: []byte("three")}
	r.Publish(root)
	r.Files[name("three")] = []byte("thr33")
	for signing, want := range map[bool]error{true: ErrDigest, false: nil} {
		c := client(signing)
		c.Dir = t.TempDir()
		if _, err := c.Refresh(t.Context()); !errors.Is(err, want) {
			t.Errorf("signing %v: %v", signing, err)
		}
	}
	roots, err := client(true).Refresh(t.Context())
	if err != nil || !errors.Is(roots.Problem, ErrDigest) || string(roots.SigningConfig) != "two" {
		t.Errorf("%v, %v, %q", err, roots.Problem, roots.SigningConfig)
	}
	delete(r.Files, name("three"))
	if roots, err = client(true).Refresh(t.Context()); err != nil || !errors.Is(roots.Problem, ErrAway) {
		t.Errorf("%v, %v", err, roots.Problem)
	}
	// A repository that has none is one for verifiers.
	r.More = nil
	r.Publish(root)
	refresh(true, "")
	// What is too long is not fetched.
	r.More = map[string][]byte{signingConfig: bytes.Repeat([]byte(" "), int(most[signingConfig])+1)}
	r.Publish(root)
	if roots, err = client(true).Refresh(t.Context()); err != nil || !errors.Is(roots.Problem, ErrLimit) {
		t.Errorf("%v, %v", err, roots.Problem)
	}
}

// A kept signing config that somebody changed is damage, like all else that is kept.
func TestSigningConfigDamaged(t *testing.T) {
	r := tuftest.New(time.Now().Add(time.Hour))
	r.More = map[string][]byte{signingConfig: []byte("one")}
	r.Publish(Production().embedded.TrustedRoot)
	c := &Client{Repository: Repository{URL: serve(t, r), Root: r.Files["/1.root.json"]}, Signing: true}
	roots, err := c.Refresh(t.Context())
	good(t, roots, err)
	c.memory.SigningConfig = []byte("0ne")
	if _, err := c.Roots(); !errors.Is(err, ErrStore) || !strings.Contains(err.Error(), signingConfig) {
		t.Error(err)
	}
	roots, err = c.Refresh(t.Context())
	if good(t, roots, err); string(roots.SigningConfig) != "one" {
		t.Errorf("%q", roots.SigningConfig)
	}
}
