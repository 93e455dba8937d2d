package tuf

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/internal/tuftest"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/opencontainers/go-digest"
)

// How old the roots are is in every report, that they could not be refreshed too; and a Verifier does not outlive its roots.
func TestReports(t *testing.T) {
	instance := sigstoretest.New(clock)
	repo := tuftest.New(clock.Add(7 * day1))
	repo.Publish(instance.TrustedRoot(nil))
	now := clock
	c := &Client{Repository: Repository{URL: serve(t, repo), Root: repo.Files["/1.root.json"]}, Now: func() time.Time { return now }}
	image := digest.FromString("image")
	payload := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],`+
		`"predicateType":"p","predicate":{}}`, image.Encoded())
	signing := sigstoretest.Signing{URI: "https://example.com/w", Issuer: "https://example.com", Payload: payload, At: clock}
	check := func(roots *Roots, bundle []byte) (string, error) {
		trust := []sigstore.Entry{{Name: "w", URI: sigstore.Exactly(signing.URI), Issuer: sigstore.Exactly(signing.Issuer)}}
		v, err := sigstore.New(roots.Root, trust, &sigstore.Options{Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		att, err := v.Verify(t.Context(), verify.Descriptor{Digest: image},
			verify.Descriptor{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Data: bundle})
		if err != nil {
			return "", err
		}
		checks, err := json.Marshal(att.Checks)
		if err != nil {
			t.Fatal(err)
		}
		return string(checks), nil
	}
	roots, err := c.Refresh(t.Context())
	good(t, roots, err)
	if got, err := check(roots, instance.Sign(signing)); err != nil || !strings.Contains(got,
		"roots of 2026-06-01, refreshed from http://127.0.0.1:") {
		t.Errorf("%v %s", err, got)
	}
	if _, err := check(roots, sigstoretest.New(clock).Sign(signing)); !errors.Is(err, verify.ErrNotTrusted) ||
		!strings.Contains(err.Error(), "(roots of 2026-06-01)") {
		t.Errorf("by another instance: %v", err)
	}
	now = clock.Add(20 * day1)
	repo.Status = 500
	later, err := c.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := check(later, instance.Sign(signing)); err != nil || !strings.Contains(got, "roots of 2026-06-01") ||
		!strings.Contains(got, "repository is away") {
		t.Errorf("%v %s", err, got)
	}
	now = clock.Add(31 * day1)
	if _, err := check(roots, instance.Sign(signing)); !errors.Is(err, verify.ErrUnchecked) ||
		!strings.Contains(err.Error(), "2026-06-01") {
		t.Errorf("roots that are too old: %v", err)
	}
}

// A Verifier takes new roots without being made anew, and says so where none serve any more.
func TestVerifier(t *testing.T) {
	first, second := sigstoretest.New(clock), sigstoretest.New(clock)
	repo := tuftest.New(clock.Add(7 * day1))
	repo.Publish(first.TrustedRoot(nil))
	now := clock
	c := &Client{Repository: Repository{URL: serve(t, repo), Root: repo.Files["/1.root.json"]}, Dir: t.TempDir(),
		Now: func() time.Time { return now }}
	image := digest.FromString("image")
	signing := sigstoretest.Signing{URI: "https://example.com/w", Issuer: "https://example.com", At: clock,
		Payload: fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],`+
			`"predicateType":"p","predicate":{}}`, image.Encoded())}
	v := &Verifier{Client: c, Options: &sigstore.Options{Now: c.Now},
		Trust: []sigstore.Entry{{Name: "w", URI: sigstore.Exactly(signing.URI), Issuer: sigstore.Exactly(signing.Issuer)}}}
	ask := func(by *sigstoretest.Instance) error {
		_, err := v.Verify(t.Context(), verify.Descriptor{Digest: image},
			verify.Descriptor{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Data: by.Sign(signing)})
		return err
	}
	if err := ask(first); !errors.Is(err, verify.ErrUnchecked) || !errors.Is(err, ErrNotRefreshed) || v.Validate() == nil {
		t.Errorf("before the first refresh: %v", err)
	}
	roots, err := c.Refresh(t.Context())
	good(t, roots, err)
	if a, b := ask(first), ask(second); a != nil || !errors.Is(b, verify.ErrNotTrusted) || v.Validate() != nil {
		t.Errorf("the first instance: %v, the second: %v", a, b)
	}
	repo.Publish(second.TrustedRoot(nil))
	other := &Client{Repository: c.Repository, Dir: c.Dir, Now: c.Now} // another process
	roots, err = other.Refresh(t.Context())
	good(t, roots, err)
	if err := ask(second); !errors.Is(err, verify.ErrNotTrusted) {
		t.Errorf("what another process refreshed, at once: %v", err)
	}
	now = now.Add(time.Hour)
	if a, b := ask(first), ask(second); b != nil || !errors.Is(a, verify.ErrNotTrusted) {
		t.Errorf("what another process refreshed, after an hour: %v, %v", a, b)
	}
	c.mu.Lock() // a refresh that takes long
	now = now.Add(2 * time.Hour)
	if err := ask(second); err != nil {
		t.Errorf("while a refresh is under way: %v", err)
	}
	c.mu.Unlock()
	now = now.Add(31 * day1)
	if err := ask(second); !errors.Is(err, verify.ErrUnchecked) || !errors.Is(err, ErrTooOld) {
		t.Errorf("31 days later: %v", err)
	}
}

func ExampleClient() {
	client := &Client{} // Dir: "/var/lib/gate", and Refresh once a day
	roots, err := client.Roots()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("roots of", roots.Date.Format(time.DateOnly), roots.Embedded)
	// Output: roots of 2026-08-21 true
}
