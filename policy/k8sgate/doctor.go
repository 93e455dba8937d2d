package k8sgate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/oneline"
)

// A State is what a [Doctor] found a door to be.
type State uint8

const (
	NotProven State = iota // it could not be tried
	Open                   // an image can get in
	Exempt                 // left open on purpose, as the Doctor was told
	Guarded                // it was tried, or read, and is shut
)

// String is the word that reports use.
func (s State) String() string {
	return [...]string{"NOT PROVEN", "OPEN", "EXEMPT", "GUARDED"}[min(int(s), 3)]
}

// A Finding is what is known of one way into the cluster.
type Finding struct {
	State State
	What  string // the way
	Why   string // what was seen
	Fix   string // how to close it; empty if it need not be
}

// String is the finding on one line.
func (f Finding) String() string {
	s := fmt.Sprintf("%-10s  %s: %s", f.State, f.What, oneline.Of(f.Why))
	if f.Fix != "" {
		s += " -> " + f.Fix
	}
	return s
}

// Verdict is the state of the door: Open if anything is, else NotProven if anything is, or if nothing was found, else Guarded. What is
// exempt on purpose does not count.
func Verdict(findings []Finding) State {
	state := NotProven
	for _, f := range findings {
		switch {
		case f.State == Open:
			return Open
		case f.State == Guarded:
			state = Guarded
		}
	}
	if slices.ContainsFunc(findings, func(f Finding) bool { return f.State == NotProven }) {
		return NotProven
	}
	return state
}

// A Doctor finds out whether images can get into a cluster past the gate. It reads the configurations and then tries, with dry runs,
// which change nothing: what is read is not what happens.
//
// Its account needs get and list on webhook configurations of both kinds, validatingadmissionpolicies and their bindings, namespaces and
// pods, and, to try, create and patch on pods and patch on pods/ephemeralcontainers.
type Doctor struct {
	API API
	// Validating and Mutating are the names of the gate's configurations.
	Validating, Mutating string
	// Policy is the companion ValidatingAdmissionPolicy; empty means "lading-digests".
	Policy string
	// Exempt are the namespaces that are left open on purpose.
	Exempt []string
	// Namespace is where pods are tried; empty means "default".
	Namespace string
	// Static is the directory of the static manifests on the host of the API server, with folders webhooks and policies, as
	// /etc/kubernetes/lading; empty means that there are none. It is compared with what the API server that answers has loaded, for
	// which the account needs get on the path /metrics. Each API server of a cluster has files of its own.
	Static string
	// Canary is an image that the policy refuses, REPOSITORY@sha256:..., in a repository that the gate can read. Without one nothing is
	// tried, and the answer is NotProven, never Guarded.
	Canary string
}

// webhooks is what of webhook configurations (admissionregistration.k8s.io/v1) decides whether the gate is asked.
type webhooks struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Webhooks []struct {
		Name         string `json:"name"`
		ClientConfig struct {
			CABundle []byte  `json:"caBundle"`
			URL      *string `json:"url"`
		} `json:"clientConfig"`
		Rules             []rule          `json:"rules"`
		FailurePolicy     string          `json:"failurePolicy"`
		MatchPolicy       string          `json:"matchPolicy"`
		NamespaceSelector selector        `json:"namespaceSelector"`
		ObjectSelector    selector        `json:"objectSelector"`
		MatchConditions   json.RawMessage `json:"matchConditions"`
	} `json:"webhooks"`
}

type rule struct {
	APIGroups   []string `json:"apiGroups"`
	APIVersions []string `json:"apiVersions"`
	Operations  []string `json:"operations"`
	Resources   []string `json:"resources"`
	Scope       string   `json:"scope"`
}

type selector struct {
	MatchLabels      map[string]string `json:"matchLabels"`
	MatchExpressions []struct {
		Key      string   `json:"key"`
		Operator string   `json:"operator"`
		Values   []string `json:"values"`
	} `json:"matchExpressions"`
}

func (s selector) empty() bool { return len(s.MatchLabels)+len(s.MatchExpressions) == 0 }

// needed are the requests that a gate must be asked about.
var needed = map[string][]string{
	"":      {"pods", "pods/ephemeralcontainers", "replicationcontrollers", "podtemplates"},
	"apps":  {"deployments", "replicasets", "statefulsets", "daemonsets"},
	"batch": {"jobs", "cronjobs"},
}

// covers reports whether a rule asks about an operation on a resource.
func (r rule) covers(group, resource, operation string) bool {
	any := func(list []string, want ...string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(want, s) })
	}
	base, sub, hasSub := strings.Cut(resource, "/")
	resources := []string{resource, "*/*"}
	if hasSub {
		resources = append(resources, base+"/*", "*/"+sub)
	} else {
		resources = append(resources, "*")
	}
	return any(r.APIGroups, group, "*") && any(r.APIVersions, "v1", "*") && any(r.Operations, operation, "*") &&
		any(r.Resources, resources...) && (r.Scope == "" || r.Scope == "*" || r.Scope == "Namespaced")
}

// Examine returns what it finds, the worst first in each part. It changes nothing.
func (d *Doctor) Examine(ctx context.Context) []Finding {
	findings := d.configuration(ctx)
	findings = append(findings, d.others(ctx)...)
	findings = append(findings, d.companion(ctx)...)
	findings = append(findings, d.static(ctx)...)
	findings = append(findings, d.namespaces(ctx)...)
	return append(findings, d.try(ctx)...)
}

const registration = "/apis/admissionregistration.k8s.io/v1/"

func (d *Doctor) configuration(ctx context.Context) (found []Finding) {
	what := "validating webhook " + d.Validating
	var conf webhooks
	err := call(ctx, d.API, http.MethodGet, registration+"validatingwebhookconfigurations/"+d.Validating, "", nil, &conf)
	switch {
	case hasStatus(err, http.StatusNotFound):
		return []Finding{{Open, what, "there is none: nothing is judged", "apply the ValidatingWebhookConfiguration"}}
	case err != nil:
		return []Finding{{NotProven, what, err.Error(), ""}}
	}
	open := func(why, fix string) { found = append(found, Finding{Open, what, why, fix}) }
	for _, group := range slices.Sorted(maps.Keys(needed)) {
		for _, resource := range needed[group] {
			for _, operation := range []string{"CREATE", "UPDATE"} {
				if resource == "pods/ephemeralcontainers" && operation == "CREATE" {
					continue
				}
				asked := false
				for _, w := range conf.Webhooks {
					asked = asked || slices.ContainsFunc(w.Rules, func(r rule) bool { return r.covers(group, resource, operation) })
				}
				if !asked {
					open(fmt.Sprintf("it is not asked about %s of %s", operation, strings.TrimPrefix(group+"/"+resource, "/")),
						"add it to the rules")
				}
			}
		}
	}
	for _, w := range conf.Webhooks {
		d.webhook(&found, what, w.Name, w.FailurePolicy, w.MatchPolicy, w.NamespaceSelector, w.ObjectSelector, w.MatchConditions)
		if len(w.ClientConfig.CABundle) == 0 && w.ClientConfig.URL == nil {
			why := w.Name + " has no caBundle: the API server cannot reach the gate"
			found = append(found, Finding{NotProven, what, why, "let the gate start, or set it"})
		}
	}
	if len(found) == 0 {
		found = append(found, Finding{Guarded, what, "it is asked about every place, and fails closed", ""})
	}
	return found
}

func (d *Doctor) webhook(found *[]Finding, what, name, failure, match string, namespaces, objects selector, conditions json.RawMessage) {
	open := func(why, fix string) { *found = append(*found, Finding{Open, what, name + " " + why, fix}) }
	if failure != "" && failure != "Fail" {
		open("has failurePolicy "+failure+": whoever keeps the gate from answering gets in", "set failurePolicy: Fail")
	}
	if match == "Exact" {
		open("has matchPolicy Exact: another version of the API is not asked about", "set matchPolicy: Equivalent")
	}
	if !objects.empty() {
		open("has an objectSelector: whoever writes an object chooses its labels", "remove it")
	}
	if len(conditions) > 0 && string(conditions) != "null" && string(conditions) != "[]" {
		open("has matchConditions, which may leave out anything", "remove them, or read them well and leave them")
	}
	if len(namespaces.MatchLabels) > 0 {
		open("selects namespaces by labels that they may or may not have", "use kubernetes.io/metadata.name NotIn [...]")
	}
	for _, e := range namespaces.MatchExpressions {
		if e.Key != "kubernetes.io/metadata.name" || e.Operator != "NotIn" {
			why := fmt.Sprintf("selects namespaces by %s %s, which their owners may change or lack", e.Key, e.Operator)
			open(why, "use kubernetes.io/metadata.name NotIn [...]")
			continue
		}
		for _, n := range e.Values {
			if !slices.Contains(d.Exempt, n) {
				open("leaves out namespace "+n, "judge it, or name it to the doctor as exempt")
			}
		}
	}
}

// others looks at who else may change images: a mutating webhook that runs after the gate's may undo a pin. That is shut where the
// validating webhook is asked about the object as it is stored, which the other findings tell.
func (d *Doctor) others(ctx context.Context) (found []Finding) {
	const what = "mutating webhooks"
	if d.Mutating == "" {
		return nil
	}
	var all struct {
		Items []webhooks `json:"items"`
	}
	if err := call(ctx, d.API, http.MethodGet, registration+"mutatingwebhookconfigurations", "", nil, &all); err != nil {
		return []Finding{{NotProven, what, err.Error(), ""}}
	}
	const judged = ": what it writes is judged by the validating webhook, like all that is stored"
	for _, conf := range all.Items {
		if conf.Metadata.Name == d.Mutating {
			continue
		}
		changesPods := func(r rule) bool { return r.covers("", "pods", "CREATE") || r.covers("", "pods", "UPDATE") }
		for _, w := range conf.Webhooks {
			if slices.ContainsFunc(w.Rules, changesPods) {
				why := w.Name + " may change images of pods"
				if conf.Metadata.Name > d.Mutating {
					why += ", and is asked after the gate has pinned them"
				}
				found = append(found, Finding{Guarded, what + " " + conf.Metadata.Name, why + judged, ""})
			}
		}
	}
	if !slices.ContainsFunc(all.Items, func(c webhooks) bool { return c.Metadata.Name == d.Mutating }) {
		found = append(found, Finding{Guarded, what + " " + d.Mutating, "there is none: tags are refused, and not pinned", ""})
	}
	return found
}

// companion looks at the policy that demands digests without the gate.
func (d *Doctor) companion(ctx context.Context) []Finding {
	name := cmp.Or(d.Policy, "lading-digests")
	what := "companion policy " + name
	err := call(ctx, d.API, http.MethodGet, registration+"validatingadmissionpolicies/"+name, "", nil, nil)
	if hasStatus(err, http.StatusNotFound) {
		return []Finding{{Open, what, "there is none: while the gate is taken away, tags get in", "apply it and its binding"}}
	}
	var bindings struct {
		Items []struct {
			Spec struct {
				PolicyName        string   `json:"policyName"`
				ValidationActions []string `json:"validationActions"`
			} `json:"spec"`
		} `json:"items"`
	}
	if err == nil {
		err = call(ctx, d.API, http.MethodGet, registration+"validatingadmissionpolicybindings", "", nil, &bindings)
	}
	if err != nil {
		return []Finding{{NotProven, what, err.Error(), ""}}
	}
	for _, b := range bindings.Items {
		if b.Spec.PolicyName == name && slices.Contains(b.Spec.ValidationActions, "Deny") {
			return []Finding{{Guarded, what, "it is bound, and denies", ""}}
		}
	}
	return []Finding{{Open, what, "no binding of it denies", "bind it with validationActions: [Deny]"}}
}

func (d *Doctor) namespaces(ctx context.Context) (found []Finding) {
	for _, n := range d.Exempt {
		what := "namespace " + n
		err := call(ctx, d.API, http.MethodGet, "/api/v1/namespaces/"+n, "", nil, nil)
		switch {
		case hasStatus(err, http.StatusNotFound):
		case err != nil:
			found = append(found, Finding{NotProven, what, err.Error(), ""})
		default:
			found = append(found, Finding{Exempt, what, "the gate is not asked there: who may create pods in it decides", ""})
		}
	}
	return found
}

// try sends pods with the canary, as dry runs, that must be refused by the gate and by nothing else.
func (d *Doctor) try(ctx context.Context) (found []Finding) {
	ways := []string{"container", "init container", "image volume", "workload template", "ephemeral container", "update of an image"}
	if !strings.Contains(d.Canary, "@sha256:") {
		for _, way := range ways {
			found = append(found, Finding{NotProven, way, "no canary was named: an image by digest that the policy refuses", "name one"})
		}
		return found
	}
	space := "/namespaces/" + cmp.Or(d.Namespace, "default")
	good := map[string]any{"name": "lading-doctor", "image": d.Canary}
	dry := "?dryRun=All"
	pod := func(spec map[string]any) any {
		return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"generateName": "lading-doctor-"}, "spec": spec}
	}
	list := []any{good}
	volume := map[string]any{"name": "v", "image": map[string]any{"reference": d.Canary}}
	bodies := []any{
		pod(map[string]any{"containers": list}),
		pod(map[string]any{"containers": list, "initContainers": []any{map[string]any{"name": "lading-doctor-init", "image": d.Canary}}}),
		pod(map[string]any{"containers": list, "volumes": []any{volume}}),
	}
	for i, body := range bodies {
		found = append(found, d.sent(ctx, ways[i], places[i], http.MethodPost, "/api/v1"+space+"/pods"+dry, typeJSON, body))
	}
	labels := map[string]any{"app": "lading-doctor"}
	deployment := map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"generateName": "lading-doctor-"},
		"spec": map[string]any{"selector": map[string]any{"matchLabels": labels}, "template": map[string]any{
			"metadata": map[string]any{"labels": labels}, "spec": map[string]any{"containers": list},
		}},
	}
	found = append(found, d.sent(ctx, ways[3], "container", http.MethodPost, "/apis/apps/v1"+space+"/deployments"+dry, typeJSON,
		deployment))
	return append(found, d.change(ctx, space, ways[4:])...)
}

// places are the words by which the gate's refusal names where an image is.
var places = []string{"container ", "init container ", "image volume "}

// change tries the ways into a pod that is there.
func (d *Doctor) change(ctx context.Context, space string, ways []string) []Finding {
	var pods podList
	err := call(ctx, d.API, http.MethodGet, "/api/v1"+space+"/pods?limit=100", "", nil, &pods)
	// To a pod that has the canary already, the canary is no change, and would not be judged.
	i := slices.IndexFunc(pods.Items, func(p podItem) bool {
		return len(p.Spec.Containers) > 0 && !slices.ContainsFunc(p.Spec.Containers, func(c named) bool { return c.Image == d.Canary })
	})
	if err != nil || i < 0 {
		why, fix := "there is no pod to try it on, but for the canary's own", "start one whose images the policy allows"
		if err != nil {
			why, fix = err.Error(), ""
		}
		return []Finding{{NotProven, ways[0], why, fix}, {NotProven, ways[1], why, fix}}
	}
	p := pods.Items[i]
	path := "/api/v1" + space + "/pods/" + p.Metadata.Name
	const strategic = "application/strategic-merge-patch+json"
	patch := func(list, name string) any {
		return map[string]any{"spec": map[string]any{list: []any{map[string]any{"name": name, "image": d.Canary}}}}
	}
	debug := patch("ephemeralContainers", "lading-doctor")
	other := patch("containers", p.Spec.Containers[0].Name)
	return []Finding{
		d.sent(ctx, ways[0], "ephemeral container ", http.MethodPatch, path+"/ephemeralcontainers?dryRun=All", strategic, debug),
		d.sent(ctx, ways[1], "container ", http.MethodPatch, path+"?dryRun=All", strategic, other),
	}
}

// sent sends what must be refused, by the gate, because of the place.
func (d *Doctor) sent(ctx context.Context, way, place, method, path, contentType string, body any) Finding {
	err := call(ctx, d.API, method, path, contentType, body, nil)
	refused, isStatus := err.(*APIError)
	switch {
	case err == nil:
		return Finding{Open, way, "the canary " + d.Canary + " was let in, in a dry run", "see what else is open"}
	case !isStatus:
		return Finding{NotProven, way, err.Error(), ""}
	case strings.Contains(refused.Message, "lading: ") && strings.Contains(refused.Message, place):
		return Finding{Guarded, way, "the canary was refused by the gate", ""}
	case strings.Contains(refused.Message, "failed calling webhook"):
		return Finding{NotProven, way, "the gate does not answer, and the API server refuses all: " + refused.Message, "start the gate"}
	}
	return Finding{NotProven, way, "the canary was refused by somebody else: " + refused.Message, ""}
}
