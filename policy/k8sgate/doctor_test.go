package k8sgate

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ladingdev/lading/policy"
)

// A cluster answers a doctor: it has objects by path, and asks a gate about pods, for the places that are not left out.
type cluster struct {
	t       testing.TB
	objects map[string]string
	gate    *Gate
	blind   string // a place that the gate is not asked about
}

func (c *cluster) Do(_ context.Context, method, path, _ string, body []byte) (int, []byte, error) {
	path, query, _ := strings.Cut(path, "?")
	if method == http.MethodGet {
		if o, ok := c.objects[path]; ok {
			return 200, []byte(o), nil
		}
		return 404, []byte(`{"message":"not found"}`), nil
	}
	if query != "dryRun=All" {
		c.t.Errorf("%s %s is no dry run", method, path)
	}
	kind, group, sub, operation, version := "Pod", "", "", "CREATE", "v1"
	if strings.HasPrefix(path, "/apis/apps/") {
		kind, group, version = "Deployment", "apps", "apps/v1"
	}
	if method == http.MethodPatch {
		operation = "UPDATE"
		var o map[string]any
		if err := json.Unmarshal(body, &o); err != nil {
			c.t.Fatal(err)
		}
		o["apiVersion"], o["kind"] = version, kind
		body, _ = json.Marshal(o)
		if strings.HasSuffix(path, "/ephemeralcontainers") {
			sub = "ephemeralcontainers"
		}
	}
	if c.blind != "" && strings.Contains(string(body)+path, c.blind) {
		return 201, []byte("{}"), nil
	}
	review := fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"group":%q,`+
		`"version":"v1","kind":%q},`+
		`"resource":{"group":%q,"version":"v1","resource":"x"},"subResource":%q,"operation":%q,"userInfo":{},"object":%s}}`, group, kind,
		group, sub, operation, body)
	if r := post(c.t, c.gate, PathValidate, []byte(review)).Response; !r.Allowed {
		out, _ := json.Marshal(map[string]any{"message": `admission webhook "validate.lading.dev" denied the request: ` + r.Status.Message})
		return r.Status.Code, out, nil
	}
	return 201, []byte("{}"), nil
}

const wellRules = `[{"apiGroups":[""],"apiVersions":["*"],"operations":["CREATE","UPDATE"],"resources":["pods",` +
	`"pods/ephemeralcontainers","replicationcontrollers","podtemplates"]},` +
	`{"apiGroups":["apps"],"apiVersions":["*"],"operations":["*"],"resources":["*"]},{"apiGroups":["batch"],"apiVersions":["v1"],` +
	`"operations":["CREATE","UPDATE"],"resources":["jobs","cronjobs"]}]`

const wellHook = `{"metadata":{"name":"lading"},"webhooks":[{"name":"validate.lading.dev","clientConfig":{"caBundle":"eA=="},` +
	`"failurePolicy":"Fail","matchPolicy":"Equivalent",` +
	`"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["lading"]}]},` +
	`"objectSelector":{},"rules":` + wellRules + `}]}`

func newCluster(t testing.TB) (*cluster, *Doctor) {
	t.Helper()
	g, _ := newGate(t, policy.Enforce, nil)
	c := &cluster{t: t, gate: g, objects: map[string]string{
		registration + "validatingwebhookconfigurations/lading": wellHook,
		registration + "mutatingwebhookconfigurations": `{"items":[{"metadata":{"name":"lading"},"webhooks":[]},` +
			`{"metadata":{"name":"mesh"},"webhooks":[` +
			`{"name":"inject.mesh.example","rules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],` +
			`"resources":["pods"]}]}]}]}`,
		registration + "validatingadmissionpolicies/lading-digests": `{}`,
		registration + "validatingadmissionpolicybindings": `{"items":[{"spec":{"policyName":"lading-digests",` +
			`"validationActions":["Deny"]}}]}`,
		"/api/v1/namespaces/lading": `{}`,
		"/api/v1/namespaces/default/pods": `{"items":[{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"r.example/a` +
			sum + `"}]}}]}`,
	}}
	return c, &Doctor{API: c, Validating: "lading", Mutating: "lading", Exempt: []string{"lading", "absent"}, Canary: "r.example/bad" + sum}
}

// manifests puts a file of policies beside one of webhooks on disk, of which the API server has loaded "a: b".
func (c *cluster) manifests(d *Doctor, policies string) {
	d.Static = c.t.TempDir()
	for dir, text := range map[string]string{"webhooks": "a: b\n", "policies": policies} {
		if err := os.MkdirAll(filepath.Join(d.Static, dir, "folder.yaml"), 0o700); err != nil {
			c.t.Fatal(err)
		}
		for name, text := range map[string]string{"lading.yaml": text, "README": "not read", "empty.json": ""} {
			if err := os.WriteFile(filepath.Join(d.Static, dir, name), []byte(text), 0o600); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	const metric = `apiserver_manifest_admission_config_controller_last_config_info{apiserver_id_hash="sha256:00",hash="sha256:%x",` +
		`plugin="%s"} 1` + "\n"
	for _, plugin := range []string{"ValidatingAdmissionWebhook", "ValidatingAdmissionPolicy"} {
		c.objects["/metrics"] += fmt.Sprintf(metric, sha256.Sum256([]byte("a: b\n\x00")), plugin)
	}
}

// The doctor finds each open door, and says guarded only of what was tried.
func TestDoctor(t *testing.T) {
	replace := func(old, new string) func(*cluster, *Doctor) {
		return func(c *cluster, _ *Doctor) {
			path := registration + "validatingwebhookconfigurations/lading"
			if !strings.Contains(c.objects[path], old) {
				t.Fatalf("no %s", old)
			}
			c.objects[path] = strings.Replace(c.objects[path], old, new, 1)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*cluster, *Doctor)
		state  State // of what is found in; all else is guarded or exempt
		in     string
	}{
		{"well", func(*cluster, *Doctor) {}, Guarded, ""},
		{"no configuration", func(c *cluster, _ *Doctor) { delete(c.objects, registration+"validatingwebhookconfigurations/lading") }, Open,
			"there is none"},
		{"fails open", replace(`"failurePolicy":"Fail"`, `"failurePolicy":"Ignore"`), Open, "failurePolicy Ignore"},
		{"one version", replace(`"Equivalent"`, `"Exact"`), Open, "matchPolicy Exact"},
		{"objects exempt themselves", replace(`"objectSelector":{}`, `"objectSelector":{"matchLabels":{"lading":"on"}}`), Open,
			"objectSelector"},
		{"namespaces exempt themselves", replace(`"kubernetes.io/metadata.name","operator":"NotIn"`, `"skip","operator":"DoesNotExist"`),
			Open, "selects namespaces by skip"},
		{"namespaces have to opt in", replace(`"namespaceSelector":{`, `"namespaceSelector":{"matchLabels":{"a":"b"},`), Open,
			"selects namespaces by labels"},
		{"another namespace is left out", replace(`"values":["lading"]`, `"values":["lading","shop"]`), Open, "namespace shop"},
		{"conditions", replace(`"objectSelector":{}`, `"matchConditions":[{"name":"x","expression":"false"}]`), Open, "matchConditions"},
		{"no ephemeral containers", replace(`"pods/ephemeralcontainers",`, ``), Open, "pods/ephemeralcontainers"},
		{"no updates", replace(`["CREATE","UPDATE"]`, `["CREATE"]`), Open, "UPDATE of pods"},
		{"no jobs", replace(`"jobs",`, ``), Open, "batch/jobs"},
		{"cluster scope", replace(`"resources":["*"]}`, `"resources":["*"],"scope":"Cluster"}`), Open, "apps/deployments"},
		{"no caBundle", replace(`"caBundle":"eA=="`, ``), NotProven, "caBundle"},
		{"another webhook", func(*cluster, *Doctor) {}, Guarded, "inject.mesh.example may change images of pods, and is asked " +
			"after the gate"},
		{"no mutating webhook", func(_ *cluster, d *Doctor) { d.Mutating = "gone" }, Guarded, "tags are refused, and not pinned"},
		{"webhooks cannot be listed", func(c *cluster, _ *Doctor) { delete(c.objects, registration+"mutatingwebhookconfigurations") },
			NotProven, "mutating webhooks"},
		{"static manifests", func(c *cluster, d *Doctor) { c.manifests(d, "a: b\n") }, Guarded, "has loaded them: sha256:"},
		{"static manifests that are not loaded", func(c *cluster, d *Doctor) { c.manifests(d, "a: c\n") }, Open, "has loaded others"},
		{"static manifests of an API server that knows none", func(c *cluster, d *Doctor) {
			c.manifests(d, "a: b\n")
			c.objects["/metrics"] = "apiserver_request_total 1\n"
		}, Open, "has loaded none"},
		{"no static manifests", func(_ *cluster, d *Doctor) { d.Static = t.TempDir() }, NotProven, "GET /metrics"},
		{"empty static manifests", func(c *cluster, d *Doctor) { c.manifests(d, "") }, Open, "there is none"},
		{"no companion", func(c *cluster, _ *Doctor) {
			delete(c.objects, registration+"validatingadmissionpolicies/lading-digests")
		}, Open, "tags get in"},
		{"companion does not deny", func(c *cluster, _ *Doctor) {
			c.objects[registration+"validatingadmissionpolicybindings"] = `{"items":[{"spec":{"policyName":"lading-digests",` +
				`"validationActions":["Audit"]}}]}`
		}, Open, "no binding of it denies"},
		{"containers get in", func(c *cluster, _ *Doctor) { c.blind = `"generateName"` }, Open, "was let in"},
		{"image volumes get in", func(c *cluster, _ *Doctor) { c.blind = `"volumes"` }, Open, "image volume"},
		{"ephemeral containers get in", func(c *cluster, _ *Doctor) { c.blind = `ephemeralcontainers` }, Open, "ephemeral container"},
		{"the policy allows the canary", func(_ *cluster, d *Doctor) { d.Canary = "r.example/good" + sum }, Open, "was let in"},
		{"no canary", func(_ *cluster, d *Doctor) { d.Canary = "" }, NotProven, "no canary"},
		{"a pod with the canary alone", func(c *cluster, _ *Doctor) {
			c.objects["/api/v1/namespaces/default/pods"] = `{"items":[{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c",` +
				`"image":"r.example/bad` + sum + `"}]}}]}`
		}, NotProven, "but for the canary's own"},
		{"a pod with the canary first", func(c *cluster, _ *Doctor) {
			path := "/api/v1/namespaces/default/pods"
			c.objects[path] = strings.Replace(c.objects[path], `[{`, `[{"metadata":{"name":"canary"},"spec":{"containers":[{"name":"c",`+
				`"image":"r.example/bad`+sum+`"}]}},{`, 1)
		}, Guarded, "update of an image"},
		{"no pod to try it on", func(c *cluster, _ *Doctor) { c.objects["/api/v1/namespaces/default/pods"] = `{}` }, NotProven, "no pod"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, d := newCluster(t)
			tt.change(c, d)
			seen := false
			for _, f := range d.Examine(t.Context()) {
				text := f.String()
				if strings.Contains(text, "\n") {
					t.Errorf("%q", text)
				}
				if f.State == Open && tt.state != Open || f.State == NotProven && tt.state == Guarded {
					t.Error(text)
				}
				seen = seen || f.State == tt.state && strings.Contains(text, tt.in)
			}
			if got := Verdict(d.Examine(t.Context())); got != tt.state {
				t.Errorf("the door is %v, want %v", got, tt.state)
			}
			if !seen {
				t.Errorf("%q is not found: %v", tt.in, d.Examine(t.Context()))
			}
		})
	}
}

func TestSweep(t *testing.T) {
	g, _ := newGate(t, policy.Enforce, nil)
	status := func(name, id string) string { return fmt.Sprintf(`{"name":%q,"image":"x","imageID":%q}`, name, id) }
	c := &cluster{t: t, objects: map[string]string{"/api/v1/pods": `{"kind":"PodList","metadata":{},"items":[` +
		`{"metadata":{"name":"good","namespace":"n"},"spec":{"nodeName":"node-1","containers":[{"name":"c","image":"r.example/a:1` + sum +
		`"}]},"status":{"containerStatuses":[` + status("c", "r.example/a"+sum) + `]}},` +
		`{"metadata":{"name":"bad","namespace":"n"},"spec":{"initContainers":[{"name":"i","image":"r.example/bad` + sum +
		`"}],"ephemeralContainers":[{"name":"e","image":"r.example/down` + sum + `"}]}},` +
		`{"metadata":{"name":"tag","namespace":"n"},"spec":{"containers":[{"name":"c","image":"r.example/a:1"},{"name":"waits",` +
		`"image":"r.example/a:2"}]},"status":{"containerStatuses":[` + status("c", "docker-pullable://r.example/a"+sum) + `]}},` +
		`{"metadata":{"name":"static","namespace":"kube-system","annotations":{"kubernetes.io/config.mirror":"x"}},` +
		`"spec":{"containers":[{"name":"c","image":"r.example/a` + sum + `"},{"name":"odd","image":"no image"}]},` +
		`"status":{"containerStatuses":[` + status("c", "sha256:abc") + `]}},` +
		`{"metadata":{"name":"model","namespace":"n"},"spec":{"volumes":[{"name":"bad","image":{"reference":"r.example/bad` + sum + `"}},` +
		`{"name":"tag","image":{"reference":"r.example/a:1"}},{"name":"told","image":{"reference":"r.example/a:1","pullPolicy":"Never"}},` +
		`{"name":"dir","emptyDir":{}}]},"status":{"containerStatuses":[{"name":"c","volumeMounts":[{"name":"told","mountPath":"/m",` +
		`"volumeStatus":{"image":{"imageRef":"r.example/bad` + sum + `"}}},{"name":"dir","mountPath":"/d"}]}]}}]}`}}
	var got []string
	for r, err := range Sweep(t.Context(), c, g.Checker) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %v: %s", r.Pod, r.Container, r.Static, r.Problem))
	}
	want := []string{`good container "c" false: `, `bad init container "i" false: it is not allowed: it is bad`,
		`bad ephemeral container "e" false: it could not be judged`,
		`tag container "c" false: it is allowed now, and named by a tag`, `tag container "waits" false: which digest it runs is not known`,
		`static container "c" true: `,
		`static container "odd" true: not the name of an image`,
		`model image volume "bad" false: it is not allowed`, `model image volume "tag" false: which digest it runs is not known`,
		`model image volume "told" false: it is allowed now, and named by a tag`}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) || strings.HasSuffix(want[i], ": ") && got[i] != want[i] {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
	for _, answer := range []string{`{}`, `[]`, `{"kind":"Status","items":[]}`, `{"kind":"NodeList","items":[]}`, `<html>`, `null`} {
		n := 0
		for r, err := range Sweep(t.Context(), &cluster{t: t, objects: map[string]string{"/api/v1/pods": answer}}, g.Checker) {
			if n++; err == nil {
				t.Errorf("%s: %+v", answer, r)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d pods and no error", answer, n)
		}
	}
	for _, err := range Sweep(t.Context(), &cluster{t: t}, g.Checker) {
		if !hasStatus(err, http.StatusNotFound) {
			t.Errorf("%v", err)
		}
	}
}
