package k8sgate

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
)

var corpusPlaces = []Place{{Group: "delivery.example.com", Kind: "Rollout", PodSpecs: []string{"spec.template.spec"}}}

// A fakeRegistry has every tag, and knows by its name what is allowed: "bad" is denied, "down" cannot be looked at, "gone" is not there.
type fakeRegistry struct{ opens, decisions atomic.Int64 }

func digestOf(repository string) digest.Digest { return digest.FromString(repository) }

func (f *fakeRegistry) open(_ context.Context, name string) (*policy.Image, error) {
	f.opens.Add(1)
	ref, err := gate.ParseReference(name, false)
	switch {
	case err != nil:
		return nil, err
	case strings.Contains(name, "down"):
		return nil, registry.ErrUnavailable
	case strings.Contains(name, "gone"):
		return nil, registry.ErrNotFound
	}
	d := verify.Descriptor{Digest: ref.Digest, Size: 1}
	if ref.Digest == "" {
		d.Digest = digestOf(ref.String())
	}
	return &policy.Image{Subject: d, Source: nothing{}}, nil
}

type nothing struct{}

func (nothing) Evidence(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return func(func(verify.Descriptor, error) bool) {}
}

type byName struct{ f *fakeRegistry }

func (byName) IgnoresRequest() bool { return true }

func (p byName) Decide(_ context.Context, in *policy.Input) *policy.Decision {
	p.f.decisions.Add(1)
	d := &policy.Decision{Verdict: policy.Allow, Rule: "not bad", Reason: "it is not bad", Until: policy.Forever}
	if strings.Contains(in.Name, "bad") {
		d.Verdict, d.Reason = policy.Deny, "it is bad\nand\x1b[31m worse"
	}
	return d
}

func newGate(t testing.TB, mode policy.Effect, o *gate.Options) (*Gate, *fakeRegistry) {
	t.Helper()
	f := new(fakeRegistry)
	g := &policy.Gate{Open: f.open, Verifiers: []verify.Verifier{noVerifier{}}, Policy: byName{f}}
	c, err := gate.New(&gate.Rules{Gate: g, Mode: mode, PolicyDigest: digest.FromString("policy")}, o)
	if err != nil {
		t.Fatal(err)
	}
	door := &Gate{Checker: c, Places: corpusPlaces}
	if err := door.Validate(); err != nil {
		t.Fatal(err)
	}
	return door, f
}

type noVerifier struct{}

func (noVerifier) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, verify.ErrFormat
}

// post sends a body and returns the answer. That is HTTP 200 and of the same version, or the test fails.
func post(t testing.TB, g *Gate, path string, body []byte) *answered {
	t.Helper()
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path+"?timeout=10s", bytes.NewReader(body)))
	a := new(answered)
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(a); err != nil || w.Code != http.StatusOK || a.Kind != "AdmissionReview" {
		t.Fatalf("HTTP %d, %v, %+v", w.Code, err, a)
	}
	if s := a.Response.Status; (s == nil) != a.Response.Allowed {
		t.Errorf("allowed %v with status %+v", a.Response.Allowed, s)
	} else if s != nil && (strings.ContainsAny(s.Message, "\r\t\x1b\x00") || s.Message == "" || s.Code < 400 || s.Code > 599) {
		t.Errorf("status %+v", s)
	}
	for _, line := range a.Response.Warnings {
		if strings.ContainsAny(line, "\r\n\t\x1b") || len([]rune(line)) > maxWarning {
			t.Errorf("warning %q", line)
		}
	}
	if (a.Response.Patch == "") != (a.Response.PatchType == "") || a.Response.Patch != "" && (!a.Response.Allowed || path != PathPin) {
		t.Errorf("patch %q of type %q", a.Response.Patch, a.Response.PatchType)
	}
	return a
}

type corpusCase struct {
	file, expect string
	body         []byte
}

func corpus(t testing.TB) (cases []corpusCase) {
	t.Helper()
	index, err := os.ReadFile("testdata/admission/INDEX.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(index)), "\n") {
		f := strings.Split(line, "\t")
		if i == 0 {
			continue
		}
		body, err := os.ReadFile(filepath.Join("testdata/admission", f[0]))
		if err == nil && strings.HasSuffix(f[0], ".gz") {
			z, e := gzip.NewReader(bytes.NewReader(body))
			if e != nil {
				t.Fatal(e)
			}
			body, err = io.ReadAll(z)
		}
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, corpusCase{f[0], f[3], body})
	}
	return cases
}

var placePattern = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9.\[\]]*)=("(?:[^"\\]|\\.)*") \[`)

// Each review that a real API server sent: the images that are found in it, and what is answered.
func TestCorpus(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.file, func(t *testing.T) {
			want := make(map[string]string)
			malformed, tags := false, 0
			if strings.Contains(c.expect, "judge") && !strings.Contains(c.expect, "no door of its own") {
				for _, m := range placePattern.FindAllStringSubmatch(c.expect[strings.LastIndex(c.expect, "places)"):], -1) {
					name, err := strconv.Unquote(m[2])
					if err != nil {
						t.Fatal(err)
					}
					want["/"+strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(m[1])] = name
					if _, err := gate.ParseReference(name, false); err != nil {
						malformed = true
					} else if !strings.Contains(name, "@") {
						tags++
					}
				}
				if len(want) == 0 && !strings.Contains(c.expect, "without judging") {
					t.Fatalf("nothing is expected: %s", c.expect)
				}
			}
			g, f := newGate(t, policy.Enforce, nil)
			v, err := parseReview(c.body)
			if err != nil {
				t.Fatal(err)
			}
			images, _, err := g.toJudge(v)
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string]string)
			for _, i := range images {
				got[i.Pointer] = i.Name
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("images (-want +got):\n%s\n%s", diff, c.expect)
			}

			path := PathValidate
			if strings.Contains(c.file, ".pin") {
				path = PathPin
			}
			a := post(t, g, path, c.body)
			if a.Response.UID != v.uid || a.APIVersion != v.version {
				t.Errorf("answered to %s in %s", a.Response.UID, a.APIVersion)
			}
			if allowed := !malformed && (path == PathPin || tags == 0); a.Response.Allowed != allowed {
				t.Errorf("allowed %v: %+v", a.Response.Allowed, a.Response.Status)
			} else if !allowed && a.Response.Status.Code != http.StatusForbidden {
				t.Errorf("%+v", a.Response.Status)
			}
			if len(want) == 0 && f.opens.Load() > 0 {
				t.Error("somebody was asked")
			}
			if (a.Response.Patch != "") != (path == PathPin && tags > 0 && !malformed) {
				t.Errorf("patch %q", a.Response.Patch)
			}
			if a.Response.Patch == "" {
				return
			}
			checkPinned(t, g, v, a, images)
		})
	}
}

// checkPinned applies the patch with code that is not the gate's, and has the twin judge what it makes.
func checkPinned(t *testing.T, g *Gate, v *review, a *answered, images []Image) {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(a.Response.Patch)
	if err != nil {
		t.Fatal(err)
	}
	var ops []operation
	if err := json.Unmarshal(text, &ops); err != nil {
		t.Fatal(err)
	}
	object := string(v.object)
	for i := 0; i < len(ops); i += 2 {
		test, replace := ops[i], ops[i+1]
		if test.Op != "test" || replace.Op != "replace" || test.Path != replace.Path ||
			replace.Value != test.Value+"@"+string(digestOf(normal(t, test.Value))) {
			t.Errorf("patch %+v, %+v", test, replace)
		}
	}
	for _, op := range ops { // the values differ from each other, or are replaced alike
		if op.Op == "replace" {
			bare, _, _ := strings.Cut(op.Value, "@")
			object = strings.ReplaceAll(object, `"`+bare+`"`, `"`+op.Value+`"`)
		}
	}
	if strings.Count(string(text), `"replace"`) == 0 || len(images) == 0 {
		t.Error("nothing is patched")
	}
	review := fmt.Sprintf(`{"apiVersion":%q,"kind":"AdmissionReview","request":{"uid":"u","kind":{"group":%q,"version":"v1","kind":%q},`+
		`"resource":{"group":%q,"version":"v1","resource":%q},`+
		`"subResource":%q,"operation":"CREATE","userInfo":{},"object":%s,"oldObject":null}}`, v.version, v.group, v.kind, v.group,
		v.resource, v.subresource, object)
	var unchanged int // by the update
	whole, err := parseReview([]byte(review))
	if err != nil {
		t.Fatal(err)
	}
	all, _, err := g.toJudge(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if !strings.Contains(i.Name, "@") {
			unchanged++
		}
	}
	if b := post(t, g, PathValidate, []byte(review)); b.Response.Allowed != (unchanged == 0) {
		t.Errorf("the twin: %+v", b.Response.Status)
	}
}

func normal(t *testing.T, name string) string {
	t.Helper()
	ref, err := gate.ParseReference(name, false)
	if err != nil {
		t.Fatal(err)
	}
	return ref.String()
}

// pod returns a review of a pod with these images.
func pod(operation string, images ...string) []byte {
	var list []string
	for i, image := range images {
		list = append(list, fmt.Sprintf(`{"name":"c%d","image":%q}`, i, image))
	}
	return []byte(fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u1","kind":{"group":"",`+
		`"version":"v1","kind":"Pod"},`+
		`"resource":{"group":"","version":"v1","resource":"pods"},"operation":%q,"namespace":"n","userInfo":{"username":"anna"},`+
		`"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[%s]}}}}`, operation,
		strings.Join(list, ",")))
}

const sum = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		path   string
		images []string
		code   int // zero: allowed
		in     string
	}{
		{"allowed", PathValidate, []string{"r.example/a" + sum, "r.example/b" + sum}, 0, ""},
		{"denied", PathValidate, []string{"r.example/a" + sum, "r.example/bad" + sum}, 403,
			`lading: container "c1" "r.example/bad` + sum + `": it is bad and [31m worse`},
		{"two denied", PathValidate, []string{"r.example/bad1" + sum, "r.example/bad2" + sum}, 403,
			`lading: 2 images refused: container "c0"`},
		{"by tag", PathValidate, []string{"r.example/a:v1"}, 403, "it has no digest"},
		{"undecided", PathValidate, []string{"r.example/down" + sum}, 429, "lading: could not be decided, ask again: container"},
		{"denied before undecided", PathValidate, []string{"r.example/down" + sum, "r.example/bad" + sum}, 403, "it is bad"},
		{"not there", PathValidate, []string{"r.example/gone" + sum}, 403, "not found"},
		{"pinned", PathPin, []string{"r.example/a:v1", "r.example/bad:v1"}, 0, ""}, // the twin judges
		{"pin, undecided", PathPin, []string{"r.example/down:v1"}, 429, "could not be looked up"},
		{"pin, no such tag", PathPin, []string{"r.example/gone:v1"}, 403, "there is no such image"},
		{"pin, malformed", PathPin, []string{"https://r.example/a:v1"}, 403, "scheme"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, mode := range []policy.Effect{policy.Enforce, policy.Warn, policy.Audit} {
				g, _ := newGate(t, mode, nil)
				r := post(t, g, tt.path, pod("CREATE", tt.images...)).Response
				if mode != policy.Enforce {
					if !r.Allowed || (len(r.Warnings) > 0) != (mode == policy.Warn && tt.code > 0) || mode == policy.Audit &&
						r.Patch != "" {
						t.Errorf("%v: %+v", mode, r)
					}
					continue
				}
				if r.Allowed != (tt.code == 0) {
					t.Fatalf("%+v", r)
				}
				if tt.code == 0 {
					continue
				}
				first, _, _ := strings.Cut(r.Status.Message, "\n")
				if r.Status.Code != tt.code || !strings.Contains(first, tt.in) {
					t.Errorf("%+v, want %d with %q", r.Status, tt.code, tt.in)
				}
				if (r.Status.Details != nil && r.Status.Details.RetryAfterSeconds > 0) != (tt.code == 429) {
					t.Errorf("retry after: %+v", r.Status.Details)
				}
			}
		})
	}
}

// Reviews that no API server sends are refused.
func TestForged(t *testing.T) {
	good := string(pod("CREATE", "r.example/a"+sum))
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %s in the review", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, body := range map[string]string{
		"annotation claims it was judged": strings.Replace(string(pod("CREATE", "r.example/bad"+sum)), `"metadata":{`,
			`"metadata":{"annotations":{"lading.dev/allowed":"true","kubernetes.io/config.mirror":"x"},"labels":{"skip":"lading"},`, 1),
		"huge":                    replace(`"name":"p"`, `"name":"`+strings.Repeat("p", MaxBody)+`"`),
		"nested":                  replace(`"metadata":{`, `"metadata":{"x":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+`,`),
		"duplicate member":        replace(`"containers":[`, `"containers":[],"containers":[`),
		"duplicate image":         replace(`"image":`, `"image":"r.example/a`+sum+`","image":`),
		"duplicate object":        replace(`"object":{`, `"object":{"apiVersion":"v1","kind":"Pod","spec":{}},"object":{`),
		"member in another case":  replace(`"containers":[`, `"Containers":[{"name":"x","image":"r.example/bad:v1"}],"containers":[`),
		"wrong kind of object":    replace(`"apiVersion":"v1","kind":"Pod"`, `"apiVersion":"v1","kind":"ConfigMap"`),
		"wrong group of object":   replace(`"apiVersion":"v1","kind":"Pod"`, `"apiVersion":"apps/v1","kind":"Pod"`),
		"wrong kind of review":    replace(`"kind":"AdmissionReview"`, `"kind":"Review"`),
		"another version":         replace(`admission.k8s.io/v1`, `admission.k8s.io/v2`),
		"bad UTF-8":               replace(`"name":"p"`, "\"name\":\"\xff\xfe\""),
		"lone surrogate":          replace(`"name":"p"`, `"name":"\ud800"`),
		"trailing bytes":          good + `{}`,
		"cut off":                 good[:len(good)-10],
		"no uid":                  replace(`"uid":"u1"`, `"uid":""`),
		"no object":               replace(`"object":{`, `"object":null,"other":{`),
		"object is a list":        replace(`"object":{`, `"object":[],"other":{`),
		"another operation":       replace(`"CREATE"`, `"PATCH"`),
		"containers are a string": replace(`"containers":[`, `"containers":"none","other":[`),
		"image is a number":       replace(`"r.example/a`+sum+`"`, `7`),
		"image is null":           replace(`"r.example/a`+sum+`"`, `null`),
		"too many images":         string(pod("CREATE", strings.Split(strings.Repeat("r.example/a"+sum+" ", maxImages+1), " ")...)),
		"a list of reviews":       "[" + good + "]",
		"empty":                   "", "text": "hello", "null": "null", "byte order mark": "\ufeff" + good,
	} {
		t.Run(name, func(t *testing.T) {
			g, _ := newGate(t, policy.Enforce, nil)
			for _, path := range []string{PathValidate, PathPin} {
				if path == PathPin && strings.HasPrefix(name, "annotation") {
					continue // it judges nothing
				}
				if r := post(t, g, path, []byte(body)).Response; r.Allowed {
					t.Errorf("%s: allowed", path)
				}
			}
		})
	}
	g, _ := newGate(t, policy.Warn, nil)
	if post(t, g, PathValidate, []byte("{}")).Response.Allowed {
		t.Error("what cannot be read is allowed in mode warn")
	}
}

// New containers are told from old by name and image, never by where they stand.
func TestOrder(t *testing.T) {
	g, f := newGate(t, policy.Enforce, nil)
	update := func(new, old string) *response {
		body := fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"group":"apps",`+
			`"version":"v1","kind":"Deployment"},`+
			`"resource":{"group":"apps","version":"v1","resource":"deployments"},"operation":"UPDATE","userInfo":{},"object":%s,`+
			`"oldObject":%s}}`, new, old)
		r := post(t, g, PathValidate, []byte(body)).Response
		return &r
	}
	deployment := func(containers string) string {
		return `{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":[` + containers + `]}}}}`
	}
	const a, b, c = `{"name":"a","image":"r.example/bad:1"}`, `{"name":"b","image":"r.example/bad:2"}`,
		`{"name":"b","image":"r.example/bad:1"}`
	if r := update(deployment(b+","+a), deployment(a+","+b)); !r.Allowed || f.opens.Load() > 0 {
		t.Errorf("the same containers in another order: %+v", r.Status)
	}
	if r := update(deployment(b), deployment(a+","+b)); !r.Allowed {
		t.Errorf("one container less: %+v", r.Status)
	}
	if r := update(deployment(a+","+c), deployment(a+","+b)); r.Allowed {
		t.Error("an image that another container had gets in")
	}
	if r := update(deployment(a), "null"); r.Allowed {
		t.Error("an update without the old object gets in")
	}
	if r := update(deployment(a), `{"apiVersion":"v1","kind":"Pod"}`); r.Allowed {
		t.Error("an old object of another kind is believed")
	}
	if r := update(deployment(`{"name":"a"}`), deployment("")); !r.Allowed {
		t.Errorf("a template without image: %+v", r.Status)
	}
}

// A patch that is not the wanted one is withheld.
func TestPatchWithheld(t *testing.T) {
	g, _ := newGate(t, policy.Enforce, nil)
	v, err := parseReview(pod("CREATE", "r.example/a:v1", "r.example/b:v1"))
	if err != nil {
		t.Fatal(err)
	}
	images, _, err := g.toJudge(v)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{images[0].Name + sum, images[1].Name + sum}
	good := pin(images, names)
	if err := g.checkPatch(v, images, names, good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]operation){
		"another container": func(p []operation) { p[1].Path = images[1].Pointer },
		"a slip":            func(p []operation) { p[1].Path = "/spec/containers/0/imageName" },
		"not there":         func(p []operation) { p[1].Path = "/spec/containers/9/image" },
		"another value":     func(p []operation) { p[1].Value = "r.example/x" + sum },
		"a test that fails": func(p []operation) { p[0].Value = "r.example/x" },
		"nothing":           func(p []operation) { p[1].Op = "test"; p[1].Value = images[0].Name },
		"the name":          func(p []operation) { p[1].Path = "/spec/containers/0/name/x" },
	} {
		patch := append([]operation(nil), good...)
		change(patch)
		if err := g.checkPatch(v, images, names, patch); err == nil {
			t.Errorf("%s: the patch passes", name)
		}
	}
}

func TestPlaces(t *testing.T) {
	g, _ := newGate(t, policy.Enforce, nil)
	g.Places = []Place{{Group: "ci.example.com", Kind: "Run", PodSpecs: []string{"spec.pods[*].spec"},
		Images: []string{"spec.steps[*].image", "spec.tool"}}}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	body := `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"group":"ci.example.com",` +
		`"version":"v1","kind":"Run"},` +
		`"resource":{"group":"ci.example.com","version":"v1","resource":"runs"},"operation":"CREATE","userInfo":{},` +
		`"object":{"apiVersion":"ci.example.com/v1","kind":"Run",` +
		`"spec":{"pods":[{"spec":{"initContainers":[{"name":"i","image":"one"}],"volumes":[{"name":"v","image":{"reference":"two"}},` +
		`{"name":"e","emptyDir":{}}]}},{"spec":null}],` +
		`"steps":[{"image":"three"},{},{"image":"four"}],"tool":"five"}}}}`
	v, err := parseReview([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	images, _, err := g.toJudge(v)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range images {
		got = append(got, i.Pointer+"="+i.Name)
	}
	want := []string{"/spec/pods/0/spec/initContainers/0/image=one", "/spec/pods/0/spec/volumes/0/image/reference=two",
		"/spec/steps/0/image=three",
		"/spec/steps/2/image=four", "/spec/tool=five"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []Place{{Group: "a", Kind: "B"}, {Kind: "Pod", PodSpecs: []string{"x"}},
		{Group: "a", Kind: "B", Images: []string{"a..b"}},
		{Group: "a", Kind: "B", Images: []string{"a[0].b"}}, {Group: "a", Kind: "B", Images: []string{"[*].b"}},
		{Group: "a", Kind: "B", Images: []string{""}},
		{Group: "a", Kind: "B", Images: []string{"*.b"}}, {Group: "a", Kind: "B", Images: []string{"a.b*"}},
		{Group: "a", Kind: "B", Images: []string{"a.**"}},
		{Group: "a", Kind: "B", Images: []string{"a[*]b"}}, {Group: "a", Kind: "B", Images: []string{"a."}}} {
		g.Places = []Place{bad}
		if g.Validate() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	g.Places = []Place{{"a", "B", []string{"spec"}, nil}, {"a", "B", nil, []string{"image"}}} // of which one would be looked at alone
	if err := g.Validate(); err == nil || !strings.Contains(err.Error(), "into one") {
		t.Error(err)
	}
}

// Members of objects and lists in lists are followed as well, and patched where they are.
func TestPlacesByName(t *testing.T) {
	g, _ := newGate(t, policy.Enforce, nil)
	g.Places = []Place{{Group: "ci.example.com", Kind: "Run", PodSpecs: []string{"spec.replicas.*.template.spec"},
		Images: []string{"spec.steps[*][*].image", "spec.tools.*", "spec.more[*]"}}}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	const bad, good = `"r.example/bad:v1"`, `"r.example/a:v1"`
	for pointer, spec := range map[string]string{
		"/spec/replicas/Worker/template/spec/containers/0/image": `{"replicas":{"Master":null,` +
			`"Worker":{"template":{"spec":{"containers":[{"name":"c","image":%s}]}}}}}`,
		"/spec/replicas/a~1b~0*/template/spec/containers/0/image": `{"replicas":{"a/b~*":{"template":{"spec":{"containers":[{"name":` +
			`"c","image":%s}]}}}}}`,
		"/spec/steps/1/0/image": `{"steps":[[],[{"image":%s}]]}`,
		"/spec/tools/x.y":       `{"tools":{"x.y":%s}}`,
		"/spec/tools/":          `{"tools":{"":%s}}`,
		"/spec/more/1":          `{"more":[null,%s]}`,
	} {
		object := func(image string) []byte {
			return about{group: "ci.example.com", kind: "Run", at: "ci.example.com", resource: "runs",
				object: `{"apiVersion":"ci.example.com/v1","kind":"Run","spec":` + fmt.Sprintf(spec, image) + `}`}.body()
		}
		if r := post(t, g, PathValidate, object(bad)).Response; r.Allowed {
			t.Errorf("%s: not judged", pointer)
		}
		r := post(t, g, PathPin, object(good)).Response
		text, err := base64.StdEncoding.DecodeString(r.Patch)
		var patch []operation
		if err != nil || json.Unmarshal(text, &patch) != nil || len(patch) != 2 || patch[1].Path != pointer ||
			!strings.Contains(patch[1].Value, "@sha256:") {
			t.Errorf("%s: %v, %s", pointer, err, text)
		}
	}
	for _, spec := range []string{`{"replicas":[{"template":{}}]}`, `{"replicas":"x"}`, `{"tools":{"a":["r.example/a:v1"]}}`,
		`{"more":{"a":"r.example/a:v1"}}`} {
		body := about{group: "ci.example.com", kind: "Run", at: "ci.example.com", resource: "runs",
			object: `{"apiVersion":"ci.example.com/v1","kind":"Run","spec":` + spec + `}`}.body()
		if r := post(t, g, PathValidate, body).Response; r.Allowed {
			t.Errorf("%s is allowed", spec)
		}
	}
}

// An object of a kind that has a place, and no image there, is let pass with a warning: the path may be wrong. Of Kubernetes' own kinds it
// is known where images are.
func TestNothingJudged(t *testing.T) {
	g, _ := newGate(t, policy.Enforce, nil)
	g.Places = runs
	run := func(spec, operation, old string) response {
		return post(t, g, PathValidate,
			about{group: "ci.example.com", kind: "Run", at: "ci.example.com", resource: "runs", operation: operation,
				object: `{"apiVersion":"ci.example.com/v1","kind":"Run","spec":` + spec + `}`, old: old}.body()).Response
	}
	const image = `{"steps":[{"image":"r.example/a@sha256:` + "0000000000000000000000000000000000000000000000000000000000000000" + `"}]}`
	r := run(`{"step":[{"image":"r.example/bad:v1"}]}`, "CREATE", "null")
	if !r.Allowed || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "nothing was judged") ||
		!strings.Contains(r.Warnings[0], "spec.steps[*].image") {
		t.Errorf("%+v", r)
	}
	if r := run(image, "UPDATE", `{"apiVersion":"ci.example.com/v1","kind":"Run","spec":`+image+`}`); !r.Allowed || len(r.Warnings) != 0 {
		t.Errorf("an update that changes no image: %+v", r)
	}
	if r := post(t, g, PathValidate,
		about{kind: "Service", resource: "services", object: `{"apiVersion":"v1","kind":"Service"}`}.body()).Response; !r.Allowed ||
		len(r.Warnings) != 0 {
		t.Errorf("a service: %+v", r)
	}
}

// Whose secrets a pod names is a hint to the caller's function, and reaches the gate's Open.
func TestCredentials(t *testing.T) {
	var got Pull
	seen := make(chan any, 1)
	p := &policy.Gate{Verifiers: []verify.Verifier{noVerifier{}}, Policy: byName{new(fakeRegistry)},
		Open: func(ctx context.Context, _ string) (*policy.Image, error) {
			seen <- ctx.Value(secretName{})
			return nil, errors.New("enough")
		}}
	c, err := gate.New(&gate.Rules{Gate: p}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &Gate{Checker: c, Credentials: func(ctx context.Context, p Pull) (context.Context, string) {
		got = p
		return context.WithValue(ctx, secretName{}, p.Secrets[0]), p.Namespace + "/" + p.Secrets[0]
	}}
	body := strings.Replace(string(pod("CREATE", "r.example/a"+sum)), `"spec":{`,
		`"spec":{"serviceAccountName":"robot","nodeName":"node-1","imagePullSecrets":[{"name":"pull"}],`, 1)
	post(t, g, PathValidate, []byte(body))
	if diff := cmp.Diff(Pull{"n", "robot", []string{"pull"}, "node-1"}, got); diff != "" {
		t.Error(diff)
	}
	if v := <-seen; v != "pull" {
		t.Errorf("Open has %v", v)
	}
}

type secretName struct{}

func FuzzReview(f *testing.F) {
	for _, c := range corpus(f) {
		if len(c.body) < 16<<10 {
			f.Add(c.body)
		}
	}
	g, _ := newGate(f, policy.Enforce, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{PathValidate, PathPin} {
			r := post(t, g, path, body).Response
			if !r.Allowed {
				continue
			}
			v, err := parseReview(body)
			if err != nil {
				t.Errorf("allowed: %v", err)
				continue
			}
			images, _, err := g.toJudge(v)
			if err != nil {
				t.Errorf("allowed: %v", err)
			}
			for _, i := range images {
				if ref, err := gate.ParseReference(i.Name, false); err != nil || path == PathValidate && ref.Digest == "" {
					t.Errorf("%s allowed with %q", path, i.Name)
				}
			}
		}
	})
}
