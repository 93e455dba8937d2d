package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/internal/regress"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/k8sgate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign"
)

// An object is one YAML document of the manifests.
type object map[string]any

func (o object) get(path ...any) any {
	var v any = map[string]any(o)
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (o object) kind() string { s, _ := o.get("kind").(string); return s }
func (o object) name() string { s, _ := o.get("metadata", "name").(string); return s }

// decode reads all documents of a file. Duplicate names are errors of the decoder.
func decode(t *testing.T, text []byte) (list []object) {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var m map[string]any
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return list
		}
		o := object(m)
		if err != nil || o.get("apiVersion") == nil || o.kind() == "" {
			t.Fatalf("%v: %v", err, o)
		}
		list = append(list, o)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// base returns the objects that kustomize would, in its order.
func base(t *testing.T) (text []byte, list []object) {
	t.Helper()
	k := decode(t, read(t, "base/kustomization.yaml"))[0]
	for _, r := range k.get("resources").([]any) {
		file := read(t, filepath.Join("base", r.(string)))
		text = append(append(text, "---\n"...), file...)
		list = append(list, decode(t, file)...)
	}
	return text, list
}

func find(t *testing.T, list []object, kind, name string) object {
	t.Helper()
	i := slices.IndexFunc(list, func(o object) bool { return o.kind() == kind && o.name() == name })
	if i < 0 {
		t.Fatalf("there is no %s %s", kind, name)
	}
	return list[i]
}

// The plain files are what kustomize makes of the overlays: the base, with one argument and one list changed.
func TestPlain(t *testing.T) {
	text, list := base(t)
	if s := string(text); strings.Count(s, "- --mode=deny") != 1 || strings.Count(s, "validationActions: [Deny]") != 2 {
		t.Fatal("what the overlays change is not where they change it")
	}
	args := find(t, list, "Deployment", "lading-gate").get("spec", "template", "spec", "containers", 0, "args").([]any)
	if args[2] != "--mode=deny" {
		t.Errorf("argument 2 is %v", args[2])
	}
	for _, overlay := range []string{"audit", "warn", "enforce"} {
		k := decode(t, read(t, filepath.Join(overlay, "kustomization.yaml")))[0]
		value := regexp.MustCompile(`value: (.*)`)
		mode := value.FindStringSubmatch(k.get("patches", 0, "patch").(string))[1]
		actions := value.FindStringSubmatch(k.get("patches", 1, "patch").(string))[1]
		if k.get("patches", 0, "target", "name") != "lading-gate" || k.get("patches", 1, "target", "name") != "lading-digests" {
			t.Errorf("%s changes something else", overlay)
		}
		want := strings.Replace(string(text), "- --mode=deny", "- "+mode, 1)
		want = strings.Replace(want, "validationActions: [Deny]", "validationActions: "+actions, 1) // the first is that of lading-digests
		path := filepath.Join("plain", overlay+".yaml")
		regress.File(t, path, want)
		plain := decode(t, []byte(want))
		if len(plain) != len(list) {
			t.Errorf("%s has %d objects", path, len(plain))
		}
		got := find(t, plain, "ValidatingAdmissionPolicyBinding", "lading-own-namespace").get("spec", "validationActions", 0)
		if got != "Deny" {
			t.Errorf("%s: the gate's own namespace is guarded by %v", overlay, got)
		}
	}
}

// An api is an API server with the manifests applied, for an account that may do what the manifests let it.
type api struct {
	t       *testing.T
	list    []object
	all     bool // may do everything
	secrets map[string][]byte
	calls   []string
}

func (a *api) Do(_ context.Context, method, path, _ string, body []byte) (int, []byte, error) {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	group, namespace := "", ""
	if parts[0] == "apis" {
		group, parts = parts[1], parts[3:]
	} else {
		parts = parts[2:]
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		namespace, parts = parts[1], parts[2:]
	}
	resource, name := parts[0], ""
	if len(parts) > 1 {
		name = parts[1]
	}
	verb := map[string]string{http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch"}[method]
	a.calls = append(a.calls, verb+" "+resource+" "+name)
	if !a.all && !a.may(verb, group, resource, namespace, name) {
		return 403, []byte(`{"message":"forbidden"}`), nil
	}
	if resource == "secrets" {
		if method == http.MethodGet && a.secrets[name] == nil {
			return 404, []byte(`{"message":"not found"}`), nil
		}
		if method != http.MethodGet {
			if a.secrets == nil {
				a.secrets = make(map[string][]byte)
			}
			var s object
			if err := json.Unmarshal(body, &s); err != nil {
				return 400, nil, err
			}
			a.secrets[s.name()] = body
			name = s.name()
		}
		return 200, a.secrets[name], nil
	}
	if name == "" {
		items := []object{}
		for _, o := range a.list {
			if strings.EqualFold(o.kind()+"s", resource) {
				items = append(items, o)
			}
		}
		out, err := json.Marshal(map[string]any{"items": items})
		return 200, out, err
	}
	for _, o := range a.list {
		plural := strings.ToLower(o.kind()) + "s"
		if strings.HasSuffix(plural, "policys") {
			plural = strings.TrimSuffix(plural, "ys") + "ies"
		}
		if plural == resource && o.name() == name {
			out, err := json.Marshal(o)
			return 200, out, err
		}
	}
	return 404, []byte(`{"message":"not found"}`), nil
}

// may asks the roles of the manifests.
func (a *api) may(verb, group, resource, namespace, name string) bool {
	has := func(v any, want string) bool { l, _ := v.([]any); return slices.Contains(l, any(want)) }
	for _, o := range a.list {
		if o.kind() != "ClusterRole" && (o.kind() != "Role" || o.get("metadata", "namespace") != namespace) {
			continue
		}
		for i := range o.get("rules").([]any) {
			names := o.get("rules", i, "resourceNames")
			if has(o.get("rules", i, "verbs"), verb) && has(o.get("rules", i, "apiGroups"), group) &&
				has(o.get("rules", i, "resources"), resource) &&
				(names == nil || has(names, name)) {
				return true
			}
		}
	}
	return false
}

// The gate's account may do what the gate does, and no more; the doctor finds the manifests well; the program reads their policy
// and arguments; and the paths are those that it answers.
func TestManifests(t *testing.T) {
	_, list := base(t)
	a := &api{t: t, list: list}
	own := &k8sgate.Certificates{
		API: a, Namespace: "lading", Secret: "lading-gate-tls", Names: []string{"lading-gate.lading.svc"}, Validating: []string{"lading"},
		Mutating: []string{"lading"},
	}
	for range 2 {
		if err := own.Step(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for _, want := range []string{"create secrets", "get secrets", "patch validatingwebhookconfigurations",
		"patch mutatingwebhookconfigurations"} {
		if !slices.ContainsFunc(a.calls, func(c string) bool { return strings.HasPrefix(c, want) }) {
			t.Errorf("%s was not tried: %v", want, a.calls)
		}
	}
	for _, not := range [][4]string{{"get", "", "secrets", "other"}, {"update", "", "secrets", "another"},
		{"patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "another"},
		{"delete", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "lading"}, {"list", "", "secrets", ""}} {
		if a.may(not[0], not[1], not[2], "lading", not[3]) {
			t.Errorf("the account may %v", not)
		}
	}
	a.all = true
	d := &k8sgate.Doctor{API: a, Validating: "lading", Mutating: "lading", Exempt: []string{"lading", "kube-system"}}
	for _, f := range d.Examine(t.Context()) {
		if f.State == k8sgate.Open || f.State == k8sgate.NotProven && !strings.Contains(f.Why, "canary") &&
			!strings.Contains(f.Why, "caBundle") {
			t.Error(f)
		}
	}
	for kind, path := range map[string]string{"ValidatingWebhookConfiguration": k8sgate.PathValidate,
		"MutatingWebhookConfiguration": k8sgate.PathPin} {
		w := find(t, list, kind, "lading")
		if w.get("webhooks", 0, "clientConfig", "service", "path") != path || w.get("webhooks", 0, "failurePolicy") != "Fail" {
			t.Errorf("%s: %v", kind, w)
		}
	}
	doc, err := document.Parse([]byte(find(t, list, "ConfigMap", "lading-policy").get("data", "policy.yaml").(string)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := doc.Load(nil); err != nil {
		t.Error(err)
	}
	if f := doc.Lint(); len(f) > 0 {
		t.Errorf("%v", f)
	}
	container := object(find(t, list, "Deployment", "lading-gate").get("spec", "template", "spec", "containers", 0).(map[string]any))
	for _, arg := range container.get("args").([]any)[1:] {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg.(string), "--"), "=")
		var usage bytes.Buffer
		run(t.Context(), []string{"serve", "-h"}, io.Discard, &usage)
		if !strings.Contains(usage.String(), "-"+name+" ") {
			t.Errorf("the program has no flag %s", arg)
		}
	}
	image := container.get("image").(string)
	guard := find(t, list, "ValidatingAdmissionPolicy", "lading-own-namespace")
	if !strings.Contains(fmt.Sprint(guard.get("spec", "validations")), strings.ReplaceAll(strings.Split(image, "@")[0], ".", `\\.`)) {
		t.Errorf("the gate's own image %s is not what its namespace lets in: %v", image, guard.get("spec", "validations"))
	}
}

// The patterns of the companion policies are anchored, and take what the gate takes.
func TestCompanion(t *testing.T) {
	_, list := base(t)
	list = append(list, decode(t, read(t, "static/policies/lading.yaml"))...)
	pattern := regexp.MustCompile(`matches\('([^']*)'\)`)
	found := 0
	for _, o := range list {
		if o.kind() != "ValidatingAdmissionPolicy" {
			continue
		}
		for _, m := range pattern.FindAllStringSubmatch(fmt.Sprint(o.get("spec", "validations")), -1) {
			found++
			re := regexp.MustCompile(strings.ReplaceAll(m[1], `\\`, `\`)) // a literal of CEL, whose expressions are RE2's
			sum := "@sha256:" + strings.Repeat("a", 64)
			for _, bad := range []string{"", "a", "a:v1", "a" + sum + "x", "a" + sum + "\n", "\na" + sum, " a" + sum, "https://a" + sum,
				"a@sha256:abc", strings.Repeat("e", 64), sum, "a\n" + sum} {
				if re.MatchString(bad) {
					t.Errorf("%s takes %q", o.name(), bad)
				}
			}
			if o.name() != "lading-own-namespace" && !re.MatchString("Registry.example.com:5000/a/b_c:V1"+sum) {
				t.Errorf("%s refuses a good name", o.name())
			}
		}
	}
	if found < 5 {
		t.Errorf("%d patterns", found)
	}
}

// Static manifests have names that the API server takes, and a URL.
func TestStatic(t *testing.T) {
	for _, file := range []string{"static/webhooks/lading.yaml", "static/policies/lading.yaml"} {
		for _, o := range decode(t, read(t, file)) {
			if !strings.HasSuffix(o.name(), ".static.k8s.io") || o.get("spec", "paramKind") != nil {
				t.Errorf("%s: %s", file, o.name())
			}
			if o.kind() == "ValidatingWebhookConfiguration" &&
				(o.get("webhooks", 0, "clientConfig", "url") == nil || o.get("webhooks", 0, "clientConfig", "service") != nil) {
				t.Errorf("%s: %v", file, o.get("webhooks", 0, "clientConfig"))
			}
		}
	}
	dirs := 0
	for _, p := range decode(t, read(t, "static/admission.yaml"))[0].get("plugins").([]any) {
		dir, _ := object(p.(map[string]any)).get("configuration", "staticManifestsDir").(string)
		if filepath.IsAbs(dir) || strings.HasPrefix(dir, "/") {
			dirs++
		}
	}
	if dirs != 2 {
		t.Errorf("%d directories", dirs)
	}
}

// The program, as a person tries a policy: a signed image and an unsigned one, from a policy document.
func TestCheckAndReload(t *testing.T) {
	server := registrytest.Start(nil)
	t.Cleanup(server.Close)
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	repo, err := registry.Open(server.Host()+"/shop/web", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"signed", "unsigned"} {
		text := `{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `","config":{},"layers":[],` +
			`"annotations":{"n":"` + tag + `"}}`
		d := registry.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(text), Size: int64(len(text))}
		if err := repo.Push(t.Context(), d, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if err := repo.Tag(t.Context(), d, tag); err != nil {
			t.Fatal(err)
		}
		if tag == "signed" {
			e, err := (&sign.BundleSigner{Key: key}).Sign(t.Context(), sign.About(d, sign.ImageSignature{}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := repo.Attach(t.Context(), d, e); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "policy.yaml")
	text := "version: 1\nname: test\nserial: 1\nexpires: 2099-01-01\ntrust:\n  - name: release\n    key: |\n      " +
		strings.ReplaceAll(strings.TrimSpace(string(public)), "\n", "\n      ") +
		"\ngates:\n  admission: {mode: deny}\nimages:\n  - name: shop\n    match: [\"" + server.Host() + "/**\"]\n    require:\n      " +
		"- name: signed\n        signature: {by: [release]}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, stderr bytes.Buffer
	code := run(t.Context(), []string{"check", "--policy", path, server.Host() + "/shop/web:signed", server.Host() + "/shop/web:unsigned",
		"evil.example.com/x@sha256:" + strings.Repeat("a", 64)}, &out, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "2 of 3 images would be refused") ||
		!strings.Contains(out.String(), "web:signed: ALLOW") || !strings.Contains(out.String(), "web:unsigned: DENY") {
		t.Errorf("%d\n%s%s", code, out.String(), stderr.String())
	}
	// The same through the webhook, as the manifests have it.
	o := &options{policy: path, mode: "deny", see: "gate,operation,namespace", platforms: "index"}
	c, err := newChecker(o, io.Discard, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	door := &k8sgate.Gate{Checker: c}
	for tag, want := range map[string]bool{"signed": true, "unsigned": false} {
		d, err := repo.Resolve(t.Context(), tag)
		if err != nil {
			t.Fatal(err)
		}
		review := fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"group":"",`+
			`"version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},`+
			`"operation":"CREATE","namespace":"n","userInfo":{},"object":{"apiVersion":"v1","kind":"Pod",`+
			`"spec":{"containers":[{"name":"c","image":"%s/shop/web:%s@%s"}]}}}}`, server.Host(), tag, d.Digest)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, httptest.NewRequest(http.MethodPost, k8sgate.PathValidate, strings.NewReader(review)))
		if strings.Contains(w.Body.String(), `"allowed":true`) != want {
			t.Errorf("%s: %s", tag, w.Body)
		}
	}
}

// A command line that asks for nothing, or has flags where nobody reads them, is not answered with success.
func TestMisused(t *testing.T) {
	for _, args := range [][]string{{}, {"chek"}, {"check"}, {"check", "-mode", "audit"}, {"sweep", "default"},
		{"doctor", "extra", "-canary", "x"},
		{"serve", "now", "-mode", "deny"}, {"serve", "-nope"}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, &out, &errs); code != 3 || errs.Len() == 0 {
			t.Errorf("%q: %d, %s%s", args, code, &out, &errs)
		}
	}
}
