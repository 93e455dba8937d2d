package k8s

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	disruption "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

const manifests = "../../../examples/k8s-gate"

// types are those that the manifests have.
var types = map[string]func() any{
	"Namespace": func() any { return new(core.Namespace) }, "ServiceAccount": func() any { return new(core.ServiceAccount) },
	"ConfigMap": func() any { return new(core.ConfigMap) }, "Service": func() any { return new(core.Service) },
	"Deployment": func() any { return new(apps.Deployment) }, "NetworkPolicy": func() any { return new(networking.NetworkPolicy) },
	"PodDisruptionBudget": func() any { return new(disruption.PodDisruptionBudget) },
	"Role":                func() any { return new(rbac.Role) }, "RoleBinding": func() any { return new(rbac.RoleBinding) },
	"ClusterRole": func() any { return new(rbac.ClusterRole) }, "ClusterRoleBinding": func() any { return new(rbac.ClusterRoleBinding) },
	"ValidatingWebhookConfiguration":   func() any { return new(admission.ValidatingWebhookConfiguration) },
	"MutatingWebhookConfiguration":     func() any { return new(admission.MutatingWebhookConfiguration) },
	"ValidatingAdmissionPolicy":        func() any { return new(admission.ValidatingAdmissionPolicy) },
	"ValidatingAdmissionPolicyBinding": func() any { return new(admission.ValidatingAdmissionPolicyBinding) },
}

// documents returns the documents of a YAML file, each as YAML.
func documents(t *testing.T, data []byte) (list [][]byte) {
	t.Helper()
	d := goyaml.NewDecoder(bytes.NewReader(data))
	for {
		var n goyaml.Node
		if err := d.Decode(&n); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		out, err := goyaml.Marshal(&n)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, out)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(manifests, path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func kindOf(t *testing.T, doc []byte) string {
	t.Helper()
	var head struct{ Kind string }
	if err := yaml.Unmarshal(doc, &head); err != nil {
		t.Fatal(err)
	}
	return head.Kind
}

// Every manifest is read strictly by the types of Kubernetes' own API.
func TestStrict(t *testing.T) {
	for _, path := range []string{"plain/audit.yaml", "plain/warn.yaml", "plain/enforce.yaml", "static/webhooks/lading.yaml",
		"static/policies/lading.yaml"} {
		for _, doc := range documents(t, read(t, path)) {
			kind := kindOf(t, doc)
			if types[kind] == nil {
				t.Fatalf("%s: kind %q", path, kind)
			}
			if err := yaml.UnmarshalStrict(doc, types[kind]()); err != nil {
				t.Errorf("%s: %s: %v", path, kind, err)
			}
		}
	}
}

// Kustomize makes of the overlays what the plain files have.
func TestKustomize(t *testing.T) {
	for _, overlay := range []string{"audit", "warn", "enforce"} {
		res, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(manifests, overlay))
		if err != nil {
			t.Fatal(err)
		}
		built, err := res.AsYaml()
		if err != nil {
			t.Fatal(err)
		}
		got, want := objects(t, built), objects(t, read(t, "plain/"+overlay+".yaml"))
		if len(got) != len(want) {
			t.Errorf("%s: %d objects, %d are plain", overlay, len(got), len(want))
		}
		for name, o := range want {
			if !reflect.DeepEqual(got[name], o) {
				t.Errorf("%s: %s: kustomize makes\n%v\nplain is\n%v", overlay, name, got[name], o)
			}
		}
	}
}

func objects(t *testing.T, data []byte) map[string]any {
	t.Helper()
	all := make(map[string]any)
	for _, doc := range documents(t, data) {
		var o struct {
			Kind     string
			Metadata struct{ Name string }
		}
		var whole any
		if err := errors.Join(yaml.Unmarshal(doc, &o), yaml.Unmarshal(doc, &whole)); err != nil {
			t.Fatal(err)
		}
		all[o.Kind+"/"+o.Metadata.Name] = whole
	}
	return all
}
