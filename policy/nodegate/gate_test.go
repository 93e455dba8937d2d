package nodegate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/nodegate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// A recorded call of a real containerd.
type recorded struct {
	Args  []string `json:"args"`
	Stdin string   `json:"stdin"`
}

func recordedCalls(t testing.TB) map[string]recorded {
	t.Helper()
	files, _ := filepath.Glob("testdata/call-*.json")
	calls := make(map[string]recorded)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var c recorded
		if err := json.Unmarshal(data, &c); err != nil {
			t.Fatal(err)
		}
		calls[filepath.Base(f)] = c
	}
	if len(calls) == 0 {
		t.Fatal("no calls")
	}
	return calls
}

// Of what containerd really says, the digest is judged in the repository that it names, whatever the tag.
func TestRecordedCalls(t *testing.T) {
	for name, c := range recordedCalls(t) {
		call, err := nodegate.ParseCall(c.Args, strings.NewReader(c.Stdin))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r, err := call.Reference(false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		repository := "registry.example.com/shop/web"
		if strings.Contains(c.Args[1], "localhost") {
			repository = "localhost:5000/shop/web"
		}
		if r.Pinned() != repository+"@"+c.Args[3] || r.Tag != "" || call.Descriptor == nil || call.Descriptor.Size == 0 {
			t.Errorf("%s: %+v, %+v", name, r, call.Descriptor)
		}
	}
}

func TestNotACall(t *testing.T) {
	const sum = "sha256:8a2bac7a408e57147b637f8e54beedbe284a2b2d054e8b4ab61314043b958b78"
	descriptor := []string{"-stdin-media-type", ocispec.MediaTypeDescriptor}
	for name, c := range map[string]struct {
		args  []string
		stdin string
	}{
		"nothing":          {nil, ""},
		"no digest":        {[]string{"-name", "a/b"}, ""},
		"no name":          {[]string{"-digest", sum}, ""},
		"no value":         {[]string{"-digest", sum, "-name"}, ""},
		"twice":            {[]string{"-name", "a/b", "-digest", sum, "--name", "a/c"}, ""},
		"unknown":          {[]string{"-name", "a/b", "-digest", sum, "-skip", "yes"}, ""},
		"no digest's form": {[]string{"-name", "a/b", "-digest", "sha256:00"}, ""},
		"empty digest":     {[]string{"-name", "a/b", "-digest", ""}, ""},
		"another digest":   {append([]string{"-name", "a/b", "-digest", sum}, descriptor...), `{"digest":"sha256:00"}`},
		"no descriptor":    {append([]string{"-name", "a/b", "-digest", sum}, descriptor...), `[]`},
		"empty":            {append([]string{"-name", "a/b", "-digest", sum}, descriptor...), ``},
		"duplicate members": {append([]string{"-name", "a/b", "-digest", sum}, descriptor...),
			`{"digest":"` + sum + `","digest":"` + sum + `"}`},
		"huge": {append([]string{"-name", "a/b", "-digest", sum}, descriptor...), strings.Repeat(" ", 2<<20)},
	} {
		if _, err := nodegate.ParseCall(c.args, strings.NewReader(c.stdin)); !errors.Is(err, nodegate.ErrCall) {
			t.Errorf("%s: %v", name, err)
		}
		var out bytes.Buffer
		if status := new(nodegate.Gate).Run(t.Context(), c.args, strings.NewReader(c.stdin), &out); status != nodegate.ExitUndecided ||
			!oneLine(out.String()) {
			t.Errorf("%s: %d, %q", name, status, out.String())
		}
	}
}

func oneLine(text string) bool {
	return strings.HasSuffix(text, "\n") && len(text) <= 1024 &&
		!strings.ContainsFunc(text[:len(text)-1], func(r rune) bool { return r < ' ' || r == 0x7f })
}

// A registry with a signed and an unsigned image, and a gate.
type world struct {
	host             string
	signed, unsigned digest.Digest
	gate             *nodegate.Gate
	down, slow       atomic.Bool
	requests         atomic.Int64
	cache            *registry.Cache
}

func newWorld(t testing.TB, p policy.Policy) *world {
	t.Helper()
	w := &world{cache: &registry.Cache{Dir: t.TempDir(), ListingLifetime: time.Minute}}
	s := registrytest.Start(&registrytest.Options{Quirks: []registrytest.Quirk{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.requests.Add(1)
			switch {
			case w.down.Load():
				rw.WriteHeader(http.StatusBadGateway)
				return
			case w.slow.Load():
				<-r.Context().Done()
				return
			}
			next.ServeHTTP(rw, r)
		})
	}}})
	t.Cleanup(s.Close)
	w.host = s.Host()
	repo, err := registry.Open(w.host+"/shop/web", &registry.Options{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	push := func(note string) registry.Descriptor {
		data := []byte(`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `","config":{},"layers":[],` +
			`"annotations":{"n":"` + note + `"}}`)
		d := registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(data), Size: int64(len(data))}
		if err := repo.Push(t.Context(), d, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	image := push("signed")
	evidence, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Attach(t.Context(), image, evidence); err != nil {
		t.Fatal(err)
	}
	w.signed, w.unsigned = image.Digest, push("unsigned").Digest
	if p == nil {
		p = policy.Require{Kind: verify.ImageSignature}
	}
	checker, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open:      gate.Open(&registry.Options{PlainHTTP: true, Cache: w.cache}),
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}},
		Policy:    p,
	}}, &gate.Options{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	w.gate = &nodegate.Gate{Checker: checker, PlainHTTP: true, Timeout: time.Minute}
	return w
}

func (w *world) run(ctx context.Context, name string, d digest.Digest) (int, string) {
	var out bytes.Buffer
	status := w.gate.Run(ctx, []string{"-name", name, "-digest", string(d), "-stdin-media-type", ocispec.MediaTypeDescriptor},
		strings.NewReader(`{"mediaType":"`+ocispec.MediaTypeImageManifest+`","digest":"`+string(d)+`","size":2}`), &out)
	return status, out.String()
}

func TestRun(t *testing.T) {
	w := newWorld(t, nil)
	name := w.host + "/shop/web"
	for _, c := range []struct {
		what, name string
		digest     digest.Digest
		status     int
		begin      string
	}{
		{"signed", name + ":v1", w.signed, nodegate.ExitAllowed, "lading allowed: "},
		{"signed, by digest", name + "@" + string(w.signed), w.signed, nodegate.ExitAllowed, "lading allowed: "},
		{"unsigned", name + ":v1", w.unsigned, nodegate.ExitRefused, "lading refused: "},
		// the digest in the name says nothing of what is pulled
		{"unsigned, the name has the digest of the signed one", name + "@" + string(w.signed), w.unsigned, nodegate.ExitRefused,
			"lading refused: "},
		{"nowhere", name + ":v1", digest.FromString("nowhere"), nodegate.ExitRefused, "lading refused: no image signature"},
		{"another repository", w.host + "/shop/other:v1", w.signed, nodegate.ExitRefused, "lading refused: no image signature"},
		{"no name", "A B\n", w.signed, nodegate.ExitRefused, "lading refused: "},
		{"control characters", name + "\x1b[31m", w.signed, nodegate.ExitRefused, "lading refused: "},
	} {
		status, line := w.run(t.Context(), c.name, c.digest)
		if status != c.status || !strings.HasPrefix(line, c.begin) || !oneLine(line) {
			t.Errorf("%s: %d, %q", c.what, status, line)
		}
	}
}

// An outage is told from a refusal, and the answer comes in time.
func TestOutage(t *testing.T) {
	w := newWorld(t, nil)
	w.down.Store(true)
	w.gate.Timeout = 2 * time.Second
	if status, line := w.run(t.Context(), w.host+"/shop/web:v1", w.signed); status != nodegate.ExitUndecided ||
		!strings.HasPrefix(line, "lading could not decide: ") {
		t.Errorf("%d, %q", status, line)
	}
	w.down.Store(false)
	w.slow.Store(true)
	w.gate.Timeout = 300 * time.Millisecond
	if status, line := w.run(t.Context(), w.host+"/shop/web:v1", w.signed); status != nodegate.ExitUndecided || !oneLine(line) {
		t.Errorf("%d, %q", status, line)
	}
}

// What containerd has looked up is not looked up again: a second process asks nobody, with no memory but the disk's.
func TestAnotherProcess(t *testing.T) {
	w := newWorld(t, nil)
	for _, cold := range []bool{true, false} {
		w.requests.Store(0)
		cache := &registry.Cache{Dir: w.cache.Dir, ListingLifetime: time.Minute}
		rules := w.gate.Checker.Rules()
		g := *rules.Gate
		g.Open = gate.Open(&registry.Options{PlainHTTP: true, Cache: cache})
		checker, err := gate.New(&gate.Rules{Gate: &g}, &gate.Options{PlainHTTP: true})
		if err != nil {
			t.Fatal(err)
		}
		w.gate.Checker = checker
		if status, line := w.run(t.Context(), w.host+"/shop/web:v1", w.signed); status != nodegate.ExitAllowed {
			t.Error(line)
		}
		if n := w.requests.Load(); n > 0 != cold {
			t.Errorf("cold %t: %d requests", cold, n)
		}
		if status, line := w.run(t.Context(), w.host+"/shop/web:v1", w.unsigned); status != nodegate.ExitRefused {
			t.Error(line)
		}
	}
}

// A second process has what the first one read, on disk.
func TestWarm(t *testing.T) {
	w := newWorld(t, nil)
	name := w.host + "/shop/web:v1"
	if status, line := w.run(t.Context(), name, w.signed); status != 0 {
		t.Fatal(line)
	}
	w.requests.Store(0)
	rules := w.gate.Checker.Rules()
	fresh, err := gate.New(&gate.Rules{Gate: rules.Gate}, &gate.Options{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	w.gate.Checker = fresh
	if status, line := w.run(t.Context(), name, w.signed); status != 0 {
		t.Fatal(line)
	}
	if n := w.requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// What somebody else's text is in a reason, it stays one short line.
func TestLongReason(t *testing.T) {
	w := newWorld(t, policy.Func(func(context.Context, *policy.Input) *policy.Decision {
		return &policy.Decision{Verdict: policy.Deny, Rule: "r", Reason: strings.Repeat("no\r\n\x1b[2Jé", 4096)}
	}))
	if status, line := w.run(t.Context(), w.host+"/shop/web:v1", w.signed); status != nodegate.ExitRefused || !oneLine(line) ||
		len(line) < 1000 {
		t.Errorf("%d, %q", status, line)
	}
	if status, _ := (&nodegate.Gate{}).Run(t.Context(), []string{"-name", "a/b:c", "-digest", string(w.signed)}, nil, new(bytes.Buffer)),
		0; status == 0 {
		t.Error("a gate without a checker allows")
	}
}

// A policy sees the door, and nothing that containerd does not say.
func TestRequest(t *testing.T) {
	var seen policy.Request
	w := newWorld(t, policy.Func(func(_ context.Context, in *policy.Input) *policy.Decision {
		seen = *in.Request
		return &policy.Decision{Verdict: policy.Allow, Rule: "r", Reason: "yes", Until: policy.Forever}
	}))
	if status, line := w.run(t.Context(), w.host+"/shop/web:v1", w.unsigned); status != 0 {
		t.Fatal(line)
	}
	if seen.Gate != "node" || seen.Operation != "pull" || seen.User != "" {
		t.Errorf("%+v", seen)
	}
}

func FuzzRun(f *testing.F) {
	for _, c := range recordedCalls(f) {
		f.Add(c.Args[1], c.Args[3], c.Args[5], c.Stdin)
	}
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		f.Fatal(err)
	}
	checker, err := gate.New(&gate.Rules{Gate: &policy.Gate{
		Open:      func(context.Context, string) (*policy.Image, error) { return nil, errors.New("nothing is there") },
		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}},
		Policy:    policy.Require{Kind: verify.ImageSignature},
	}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	g := &nodegate.Gate{Checker: checker}
	f.Fuzz(func(t *testing.T, name, sum, mediaType, stdin string) {
		var out bytes.Buffer
		status := g.Run(t.Context(), []string{"-name", name, "-digest", sum, "-stdin-media-type", mediaType},
			strings.NewReader(stdin), &out)
		if status == nodegate.ExitAllowed || !oneLine(out.String()) {
			t.Errorf("%d, %q", status, out.String())
		}
	})
}
