package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Whatever an index looks like, adding an entry keeps what was there, and removing it gives what was there.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(emptyIndex))
	f.Add([]byte(` {"manifests" : [ {"digest":"sha256:1","x":1.50} , null ] ,"schemaVersion":2} `))
	f.Add([]byte(`{"manifests":[],"manifests":[]}`))
	f.Add([]byte(`{"manifests":null}`))
	f.Add([]byte(`{"layers":[]}`))
	added := Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("added"), Size: 5}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := parseManifest(data); err != nil {
			_ = err // what matters is that it does not panic
		}
		before, err := parseIndex(data)
		if err != nil || len(data) == 0 {
			return
		}
		changed, _, err := addToIndex(data, []Descriptor{added}, func(string) bool { return true })
		if err != nil {
			return // no list to add to
		}
		after, err := parseIndex(changed)
		if err != nil {
			t.Fatalf("%s became %s: %v", data, changed, err)
		}
		had := false
		for i, d := range before.Manifests {
			had = had || d.Digest == added.Digest
			if after.Manifests[i].Digest != d.Digest {
				t.Fatalf("%s became %s", data, changed)
			}
		}
		if had {
			return
		}
		if len(after.Manifests) != len(before.Manifests)+1 {
			t.Fatalf("%s became %s", data, changed)
		}
		again, _, err := addToIndex(changed, []Descriptor{added}, func(string) bool { return true })
		if err != nil || !bytes.Equal(again, changed) {
			t.Fatalf("adding twice: %s, %v", again, err)
		}
		removed, err := removeFromIndex(changed, added.Digest)
		if err != nil {
			t.Fatal(err)
		}
		restored, err := parseIndex(removed)
		if err != nil || len(restored.Manifests) != len(before.Manifests) || !json.Valid(removed) {
			t.Fatalf("%s became %s: %v", changed, removed, err)
		}
	})
}

// The next page is found however the header is written, and a header that promises one and does not say where is an
// error: pages do not get lost in silence.
func TestNextLink(t *testing.T) {
	at, err := url.Parse("https://registry.example:5000/v2/a/referrers/sha256:0?n=1")
	if err != nil {
		t.Fatal(err)
	}
	const bad = "error"
	for header, want := range map[string]string{
		`</v2/x?last=1>; rel="next"`:                                        "https://registry.example:5000/v2/x?last=1",
		`</v2/x?last=a,b;c>; rel="next"`:                                    "https://registry.example:5000/v2/x?last=a,b;c",
		`<?last=2>;rel=next`:                                                "https://registry.example:5000/v2/a/referrers/sha256:0?last=2",
		`<https://registry.example:5000/p>; REL="prev Next"`:                "https://registry.example:5000/p",
		`<http://registry.example:5000/p>; rel=next`:                        "https://registry.example:5000/p", // behind a proxy
		`<//registry.example:5000/p>; rel=next`:                             "https://registry.example:5000/p",
		`<https://Registry.EXAMPLE.:05000/p>; rel=next`:                     "https://registry.example:5000/p",
		`</a>; rel="prev", </b>; title="x, \", y"; crossorigin; rel="next"`: "https://registry.example:5000/b",
		`</a>; rel = "next"`:                                                "https://registry.example:5000/a",
		`</a>; rel="first", </b>; rel="last"`:                               "",
		`</a>`:                                                              "",
		``:                                                                  "",
		`/v2/x?last=1; rel="next"`:                                          bad,
		`</v2/x; rel="next"`:                                                bad,
		`<https://registry.example/p>; rel="next"`:                          bad,
		`<https://evil.example/p>; rel="next"`:                              bad,
		`<//evil.example/p>; rel="next"`:                                    bad,
		`<file://registry.example:5000/p>; rel="next"`:                      bad,
		`<%zz>; rel="next"`:                                                 bad,
	} {
		next, err := nextLink(at, []string{header})
		got := ""
		switch {
		case err != nil && errors.Is(err, ErrMalformed):
			got = bad
		case err != nil:
			got = err.Error()
		case next != nil:
			got = next.String()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

// A registry that asks for an absurdly long pause gets it.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"0": 0, "120": 2 * time.Minute, "99999999999999999999": math.MaxUint32 * time.Second,
		"Thu, 01 Jan 2026 00:01:00 GMT": time.Minute, "Thu, 01 Jan 2026 00:00:00 GMT": 0, "Thu, 01 Jan 1998 00:00:00 GMT": 0,
		"": -1, "-1": -1, "1.5": -1, "soon": -1,
	} {
		got, asked := retryAfter(value, now)
		if !asked {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add(`</v2/a/referrers/sha256:1?n=2>; rel="next"`, "120")
	f.Add(`<https://other/v2/>; rel=next`, "Fri, 31 Dec 1999 23:59:59 GMT")
	f.Add(`<>; rel="next", <x>; title="a,b"; rel=next`, "-1")
	at, err := url.Parse("https://registry.example/v2/a/referrers/sha256:0")
	if err != nil {
		f.Fatal(err)
	}
	now := time.Now()
	f.Fuzz(func(t *testing.T, link, retry string) {
		next, err := nextLink(at, http.Header{"Link": {link}}["Link"])
		if err == nil && next != nil && (next.Host != at.Host || next.Scheme != at.Scheme) {
			t.Fatalf("%q leads to %s", link, next)
		}
		if d, ok := retryAfter(retry, now); ok && d < 0 {
			t.Fatalf("%q waits %v", retry, d)
		}
	})
}
