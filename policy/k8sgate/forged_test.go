package k8sgate

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ladingdev/lading/policy"
)

// about is a review of an object, of any kind and resource.
type about struct {
	version              string // of the review; empty means v1
	group, kind          string
	at, resource, sub    string // group, resource and subresource
	operation            string // empty means CREATE
	object, old, request string // request has members of the request itself
}

func (a about) body() []byte {
	if a.version == "" {
		a.version = "v1"
	}
	if a.operation == "" {
		a.operation = "CREATE"
	}
	if a.old == "" {
		a.old = "null"
	}
	return []byte(fmt.Sprintf(`{"apiVersion":"admission.k8s.io/%s","kind":"AdmissionReview","request":{"uid":"u","kind":{"group":%q,`+
		`"version":"v1","kind":%q},`+
		`"resource":{"group":%q,"version":"v1","resource":%q},"subResource":%q,"operation":%q,"namespace":"n",`+
		`"userInfo":{"username":"system:admin","groups":["system:masters"]},%s`+
		`"object":%s,"oldObject":%s}}`, a.version, a.group, a.kind, a.at, a.resource, a.sub, a.operation, a.request, a.object, a.old))
}

const (
	badImage  = `"r.example/bad` + sum + `"`
	goodImage = `"r.example/a` + sum + `"`
)

func podObject(spec string) string {
	return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{` + spec + `}}`
}

func one(image string) string { return `"containers":[{"name":"c","image":` + image + `}]` }

// An adversary who may write any object, or any review, gets no image past the gate: each of these hides one that is refused, or is not one
// thing.
func TestAdversary(t *testing.T) {
	pods := func(object string) about { return about{kind: "Pod", resource: "pods", object: object} }
	update := func(new, old string) about {
		return about{kind: "Pod", resource: "pods", operation: "UPDATE", object: podObject(new), old: podObject(old)}
	}
	debug := about{kind: "Pod", resource: "pods", sub: "ephemeralcontainers", operation: "UPDATE",
		object: podObject(one(goodImage) + `,"ephemeralContainers":[{"name":"e","image":` + badImage + `}]`),
		old:    podObject(one(goodImage))}
	debugBeta, debugCreate, debugCase := debug, pods(podObject(one(badImage))), debug
	debugBeta.version, debugCreate.sub, debugCase.sub = "v1beta1", "ephemeralcontainers", "EphemeralContainers"
	cron := `"spec":{"jobTemplate":{"spec":{"template":{"spec":{` + one(goodImage) + `,"volumes":[{"name":"v","image":{"reference":` +
		badImage + `}}]}}}}}}`
	run := func(spec string) about {
		return about{group: "ci.example.com", kind: "Run", at: "ci.example.com", resource: "runs",
			object: `{"apiVersion":"ci.example.com/v1","kind":"Run","spec":` + spec + `}`}
	}
	cases := map[string]about{
		"ephemeral container":                      debug,
		"ephemeral container, in a v1beta1 review": debugBeta,
		"a container, created as an ephemeral one": debugCreate,
		"ephemeral container, in another case":     debugCase,
		"image volume of a CronJob": {group: "batch", kind: "CronJob", at: "batch", resource: "cronjobs",
			object: `{"apiVersion":"batch/v1","kind":"CronJob",` + cron},
		"image volume of a CronJob of v1beta1": {group: "batch", kind: "CronJob", at: "batch", resource: "cronjobs",
			object: `{"apiVersion":"batch/v1beta1","kind":"CronJob",` + cron},
		"a deployment of extensions": {group: "extensions", kind: "Deployment", at: "extensions", resource: "deployments",
			object: `{"apiVersion":"extensions/v1beta1","kind":"Deployment","spec":{"template":{"spec":{` + one(badImage) + `}}}}`},
		"a PodTemplate with a spec beside": {kind: "PodTemplate", resource: "podtemplates",
			object: `{"apiVersion":"v1","kind":"PodTemplate","spec":{` + one(goodImage) + `},"template":{"spec":{` + one(badImage) + `}}}`},
		"a Job, with its name in escapes": {group: "batch", kind: "Job", at: "batch", resource: "jobs",
			object: `{"apiVersion":"batch/v1","kind":"Job","sp\u0065c":{"templat\u0065":{"spec":{"containers":[{"name":"c","im\u0061ge":` +
				badImage + `}]}}}}`},
		"twice, once in escapes": pods(podObject(one(goodImage) + `,"\u0063ontainers":[{"name":"c","image":` +
			badImage + `}]`)),
		"an image in escapes":               pods(podObject(one(`"r.example/\u0062ad` + sum + `"`))),
		"a zero-width blank":                pods(podObject(one(`"r.example/a\u200b` + sum + `"`))),
		"a Cyrillic letter":                 pods(podObject(one(`"r.exаmple/a` + sum + `"`))),
		"a soft hyphen in the host":         pods(podObject(one(`"r.exam\u00adple/a` + sum + `"`))),
		"an upper-case digest":              pods(podObject(one(`"r.example/a@sha256:` + strings.Repeat("A", 64) + `"`))),
		"two digests":                       pods(podObject(one(`"r.example/a` + sum + sum + `"`))),
		"a digest of another algorithm":     pods(podObject(one(`"r.example/a@sha512:` + strings.Repeat("a", 128) + `"`))),
		"a tag that looks like a digest":    pods(podObject(one(`"r.example/a:sha256-` + strings.Repeat("a", 64) + `"`))),
		"a blank behind":                    pods(podObject(one(`"r.example/a` + sum + ` "`))),
		"a newline behind":                  pods(podObject(one(`"r.example/a` + sum + `\n"`))),
		"a null behind":                     pods(podObject(one(`"r.example/a` + sum + `\u0000"`))),
		"an upper-case host":                pods(podObject(one(`"R.EXAMPLE/bad` + sum + `"`))),
		"the port that goes without saying": pods(podObject(one(`"r.example:443/bad` + sum + `"`))),
		"the port with zeros":               pods(podObject(one(`"r.example:0443/bad` + sum + `"`))),
		"a dot behind the host":             pods(podObject(one(`"r.example./bad` + sum + `"`))),
		"an address in short":               pods(podObject(one(`"127.1/a` + sum + `"`))),
		"an address in octal":               pods(podObject(one(`"0177.0.0.1/a` + sum + `"`))),
		"an address as one number":          pods(podObject(one(`"2130706433:5000/a` + sum + `"`))),
		"a user in front of the host":       pods(podObject(one(`"r.example@other.example/a` + sum + `"`))),
		"a scheme":                          pods(podObject(one(`"docker://r.example/a` + sum + `"`))),
		"a path upwards":                    pods(podObject(one(`"r.example/a/../bad` + sum + `"`))),
		"the identifier of a local image":   pods(podObject(one(`"` + strings.Repeat("a", 64) + `"`))),
		"that with its algorithm":           pods(podObject(one(`"sha256:` + strings.Repeat("a", 64) + `"`))),
		"no image":                          pods(podObject(`"containers":[{"name":"c"}]`)),
		"an image volume of nothing":        pods(podObject(one(goodImage) + `,"volumes":[{"name":"v","image":{}}]`)),
		"an image volume with another source": pods(podObject(one(goodImage) +
			`,"volumes":[{"name":"v","emptyDir":{},"image":{"reference":` + badImage + `}}]`)),
		"two containers of one name": pods(podObject(`"containers":[{"name":"c","image":` + goodImage +
			`},{"name":"c","image":` + badImage + `}]`)),
		"a mirror pod with every claim": pods(`{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{` +
			`"kubernetes.io/config.mirror":"x",` +
			`"lading.dev/verdict":"allow","admission.gatekeeper.sh/ignore":"true"},"labels":{"lading.dev/exempt":"true",` +
			`"control-plane":"x"},"ownerReferences":[{"kind":"Node","name":"n","apiVersion":"v1","uid":"u","controller":true}],` +
			`"deletionTimestamp":"2026-01-01T00:00:00Z","namespace":"kube-system"},"status":{"phase":"Running",` +
			`"containerStatuses":[{"name":"c","imageID":` + goodImage + `}]},"spec":{` + one(badImage) + `}}`),
		"a dry run": {kind: "Pod", resource: "pods", request: `"dryRun":true,`,
			object: podObject(one(badImage))},
		"an update, the old one under another name": update(`"containers":[{"name":"x","image":`+badImage+`}]`, one(badImage)),
		"an update, the old one an init container":  update(one(badImage), `"initContainers":[{"name":"c","image":`+badImage+`}]`),
		"an update, the old one a volume":           update(one(badImage), `"volumes":[{"name":"c","image":{"reference":`+badImage+`}}]`),
		"an update, the old one empty": {kind: "Pod", resource: "pods", operation: "UPDATE",
			object: podObject(one(badImage)), old: `{}`},
		"an update of the digest alone": update(one(`"r.example/bad@sha256:`+strings.Repeat("b", 64)+`"`), one(badImage)),
		"a kind in another case": {kind: "pod", resource: "pods", object: strings.Replace(podObject(one(badImage)),
			`"Pod"`, `"pod"`, 1)},
		"pods as bindings": {kind: "Binding", resource: "pods",
			object: `{"apiVersion":"v1","kind":"Binding","spec":{` + one(badImage) + `}}`},
		"a Pod of another group": {group: "evil.example", kind: "Pod", resource: "pods",
			object: `{"apiVersion":"evil.example/v1","kind":"Pod","spec":{` + one(badImage) + `}}`},
		"a kind of before 1.23": {kind: "EphemeralContainers", resource: "pods", sub: "ephemeralcontainers",
			operation: "UPDATE", object: `{"apiVersion":"v1","kind":"EphemeralContainers","ephemeralContainers":[{"name":"e",` +
				`"image":` + badImage + `}]}`},
		"a custom resource":                        run(`{"steps":[{"image":` + goodImage + `},{"image":` + badImage + `}]}`),
		"a custom resource, a step that is a text": run(`{"steps":["x",{"image":` + goodImage + `}]}`),
		"a custom resource, steps by name":         run(`{"steps":{"a":{"image":` + badImage + `}}}`),
		"a custom resource, a list of images":      run(`{"steps":[{"image":[` + badImage + `]}]}`),
		"a custom resource, names with / and ~":    run(`{"a/b~c":{"image":` + badImage + `}}`),
		"a custom resource, an image volume in it": run(`{"pods":[{"spec":null},{"spec":{"volumes":[{"name":"v",` +
			`"image":{"reference":` + badImage + `}}]}}]}`),
	}
	if len(cases) < 50 {
		t.Errorf("%d cases", len(cases))
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g, _ := newGate(t, policy.Enforce, nil)
			g.Places = runs
			if r := post(t, g, PathValidate, c.body()).Response; r.Allowed {
				t.Error("allowed")
			}
		})
	}
}

var runs = []Place{{Group: "ci.example.com", Kind: "Run", PodSpecs: []string{"spec.pods[*].spec"},
	Images: []string{"spec.steps[*].image", "spec.a/b~c.image"}}}

// Names with / and ~ are written in a patch as RFC 6901 has them.
func TestPatchEscapes(t *testing.T) {
	g, _ := newGate(t, policy.Enforce, nil)
	g.Places = runs
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	r := post(t, g, PathPin, about{group: "ci.example.com", kind: "Run", at: "ci.example.com", resource: "runs",
		object: `{"apiVersion":"ci.example.com/v1","kind":"Run","spec":{"a/b~c":{"image":"r.example/a:v1"}}}`}.body()).Response
	text, err := base64.StdEncoding.DecodeString(r.Patch)
	if err != nil {
		t.Fatal(err)
	}
	var patch []operation
	if err := json.Unmarshal(text, &patch); err != nil || len(patch) != 2 || patch[1].Path != "/spec/a~1b~0c/image" ||
		!strings.HasPrefix(patch[1].Value, "r.example/a:v1@sha256:") {
		t.Errorf("%v: %s", err, text)
	}
}

// One image by several spellings of its name is judged once, whichever place each stands in.
func TestSpellings(t *testing.T) {
	g, f := newGate(t, policy.Enforce, nil)
	sum := "@" + string(digestOf("r.example/a"))
	pod := podObject(`"containers":[{"name":"a","image":"r.example/a` + sum + `"},{"name":"b","image":"R.EXAMPLE/a` + sum + `"},` +
		`{"name":"c","image":"r.example:443/a:v1` + sum + `"}],"initContainers":[{"name":"d","image":"r.example/a:latest` + sum + `"}],` +
		`"volumes":[{"name":"v","image":{"reference":"r.example:443/a` + sum + `","pullPolicy":"Always"}},{"name":"w","image":null}]`)
	for range 2 {
		if r := post(t, g, PathValidate, about{kind: "Pod", resource: "pods", object: pod}.body()).Response; !r.Allowed {
			t.Errorf("%+v", r)
		}
	}
	if n := f.decisions.Load(); n != 1 {
		t.Errorf("%d decisions", n)
	}
}
