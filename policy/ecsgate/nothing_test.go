package ecsgate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/k8sgate"
	"github.com/ladingdev/lading/policy/nodegate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// doors asks every door about an image, by one Checker, and returns whether it opens.
func (w *world) doors() map[string]func(image string) bool {
	door := &k8sgate.Gate{Checker: w.hook.Checker}
	post := func(path, body string) map[string]any {
		rec := httptest.NewRecorder()
		door.ServeHTTP(rec, httptest.NewRequestWithContext(w.Context(), http.MethodPost, path, strings.NewReader(body)))
		var answer map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || rec.Code != http.StatusOK {
			w.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
		return answer
	}
	return map[string]func(image string) bool{
		"admission": func(image string) bool {
			answer := post(k8sgate.PathValidate, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u",`+
				`"kind":{"group":"",`+
				`"version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"operation":"CREATE",`+
				`"object":{"apiVersion":"v1",`+
				`"kind":"Pod","spec":{"containers":[{"name":"c","image":"`+image+`"}]}}}}`)
			return answer["response"].(map[string]any)["allowed"].(bool)
		},
		"Gatekeeper": func(image string) bool {
			answer := post(k8sgate.PathExternalValidate,
				`{"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderRequest","request":{"keys":["`+image+`"]}}`)
			item := answer["response"].(map[string]any)["items"].([]any)[0].(map[string]any)
			return item["error"] == nil
		},
		"decide": func(image string) bool {
			return post(k8sgate.PathDecide, `{"images":["`+image+`"]}`)["answers"].([]any)[0].(map[string]any)["allowed"].(bool)
		},
		"node": func(image string) bool {
			_, digest, _ := strings.Cut(image, "@")
			var out bytes.Buffer
			status := (&nodegate.Gate{Checker: w.hook.Checker}).Run(w.Context(), []string{"-name", image, "-digest", digest}, nil, &out)
			if status != 0 && !strings.HasPrefix(out.String(), "lading refused: ") &&
				!strings.HasPrefix(out.String(), "lading could not decide: ") {
				w.Errorf("the node is told %q", &out)
			}
			return status == 0
		},
		"hook": func(image string) bool {
			return w.answer(w.deploy(image), " ") == string(ecsgate.Succeeded)
		},
		"registrar": func(image string) bool {
			reg, err := w.registrar().Register(w.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("web"),
				ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &image}}})
			if err != nil && (reg.Definition != "" || reg.Reason == "") {
				w.Errorf("%+v", reg)
			}
			return err == nil
		},
		"task events": func(image string) bool {
			w.restart()
			w.outcomes = nil
			name, digest, _ := strings.Cut(image, "@")
			_ = w.tasks.Handle(w.Context(),
				fmt.Appendf(nil, `{"detail-type":"ECS Task State Change","source":"aws.ecs","detail":{"taskArn":`+
					`"arn:aws:ecs:us-east-1:111122223333:task/elsewhere/1","clusterArn":"arn:aws:ecs:us-east-1:111122223333:cluster/`+
					`elsewhere","version":1,`+
					`"lastStatus":"RUNNING","containers":[{"name":"app","image":%q,"imageDigest":%q}]}}`, name+":v1", digest))
			return len(w.outcomes) != 1 || w.outcomes[0].Verdict == policy.Allow
		},
	}
}

// A policy that says nothing about an image opens no door: where no rule applies, none matches the evidence, the evidence is about
// something else, or the clock makes nonsense of it. All doors open for what is signed, by the same world.
func TestNothingOpensNothing(t *testing.T) {
	w := newWorld(t)
	trust := w.gate.Verifiers
	repository, _, _ := strings.Cut(w.bad, "@")
	repo, err := registry.Open(repository, nil)
	w.check(err)
	unsigned, err := repo.Resolve(t.Context(), "v1")
	w.check(err)
	other := unsigned
	other.Digest = other.Digest.Algorithm().FromString("another image")
	misplaced, err := (&sign.BundleSigner{Key: w.key}).Sign(t.Context(), sign.About(other, sign.ImageSignature{}))
	w.check(err)
	_, err = repo.Attach(t.Context(), unsigned, misplaced)
	w.check(err)
	stranger, err := sign.GenerateKey(sign.P256)
	w.check(err)
	loaded := func(text string) *document.Policy {
		doc, err := document.Parse([]byte(text))
		w.check(err)
		p, err := doc.Load(nil)
		w.check(err)
		return p
	}
	signature := policy.Require{Kind: verify.ImageSignature}
	never := policy.Condition{Words: "on a Sunday", Holds: func(*policy.Input) (bool, error) { return false, nil }}
	public, err := sign.MarshalPublicKey(w.key.Public())
	w.check(err)
	written := func(expires, match, when string) *document.Policy {
		return loaded("version: 1\nname: shop\nserial: 1\nexpires: " + expires + "\ntrust:\n- {name: us, key: " +
			fmt.Sprintf("%q", public) + "}\n" +
			"images:\n- {name: all, match: ['" + match + "'], require: [{name: signed, signature: {by: [us]}" + when + "}]}\n")
	}
	const all, later = "**", "2100-01-01"
	for _, c := range []struct {
		name  string
		image string
		gate  policy.Gate
	}{
		{"evidence is about another digest", w.bad, policy.Gate{Policy: signature}},
		{"evidence is by a stranger", w.signed, policy.Gate{Policy: signature, Verifiers: []verify.Verifier{
			&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: stranger.Public()}}}}}},
		{"no evidence of the kind", w.signed,
			policy.Gate{Policy: policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://example.com/p"}}}},
		{"every one of none", w.signed,
			policy.Gate{Policy: policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://example.com/p"},
				Quantifier: policy.Every}}},
		{"a rule that does not apply", w.signed, policy.Gate{Policy: policy.When(never, signature)}},
		{"all of rules that do not apply", w.signed,
			policy.Gate{Policy: policy.All(policy.When(never, signature), policy.When(never, signature))}},
		{"any of rules that do not apply", w.signed,
			policy.Gate{Policy: policy.Any(policy.When(never, signature), policy.When(never, signature))}},
		{"no decision", w.signed, policy.Gate{Policy: policy.Func(func(context.Context, *policy.Input) *policy.Decision { return nil })}},
		{"an empty decision", w.signed,
			policy.Gate{Policy: policy.Func(func(context.Context, *policy.Input) *policy.Decision { return new(policy.Decision) })}},
		{"a verdict that there is not", w.signed, policy.Gate{Policy: policy.Func(func(context.Context, *policy.Input) *policy.Decision {
			return &policy.Decision{Verdict: 7, Until: policy.Forever}
		})}},
		{"a replayed decision", w.signed, policy.Gate{Policy: policy.Func(func(context.Context, *policy.Input) *policy.Decision {
			return &policy.Decision{Verdict: policy.Allow, Until: policy.Forever, Replayed: true}
		})}},
		{"a replayed decision among others", w.signed,
			policy.Gate{Policy: policy.All(policy.Func(func(context.Context, *policy.Input) *policy.Decision {
				return &policy.Decision{Verdict: policy.Allow, Until: policy.Forever, Replayed: true}
			}))}},
		{"a panic", w.signed, policy.Gate{Policy: policy.Func(func(context.Context, *policy.Input) *policy.Decision { panic("no") })}},
		{"a signature without a proven time, which may not be old", w.signed,
			policy.Gate{Policy: policy.Require{Kind: verify.ImageSignature, MaxAge: time.Hour}}},
		{"the key's time was over", w.signed, policy.Gate{Policy: signature, Now: func() time.Time { return time.Unix(1<<33, 0) },
			Verifiers: []verify.Verifier{
				&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: w.key.Public(), Until: time.Now().Add(time.Hour)}},
					Now: func() time.Time { return time.Unix(1<<33, 0) }}}}},
		{"a source that gives nothing", w.signed,
			policy.Gate{Policy: signature, Open: func(ctx context.Context, name string) (*policy.Image, error) {
				image, err := open(ctx, name)
				if err == nil {
					image.Source = nil
				}
				return image, err
			}}},
		{"another image than was asked for", w.bad,
			policy.Gate{Policy: signature, Open: func(ctx context.Context, _ string) (*policy.Image, error) {
				return open(ctx, w.signed)
			}}},
		{"no image", w.signed, policy.Gate{Policy: signature, Open: func(context.Context, string) (*policy.Image, error) {
			return nil, nil
		}}},
		{"a document without an entry for the image", w.signed, policy.Gate{Policy: written(later, "registry.example/**", "")}},
		{"a document whose rules are for another door", w.signed, policy.Gate{Policy: written(later, all, ", when: {gates: [pipeline]}")}},
		{"a document that has expired", w.signed, policy.Gate{Policy: written("2026-01-01", all, "")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if p, ok := c.gate.Policy.(*document.Policy); ok {
				c.gate.Verifiers = p.Verifiers()
			}
			if c.gate.Verifiers == nil {
				c.gate.Verifiers = trust
			}
			if c.gate.Open == nil {
				c.gate.Open = open
			}
			checker, err := gate.New(&gate.Rules{Gate: &c.gate}, &gate.Options{AllowFor: 1, DenyFor: -1, Timeout: time.Minute})
			if err != nil {
				t.Logf("no door can be made of it: %v", err)
				return
			}
			w.hook.Checker = checker
			for name, opens := range w.doors() {
				if opens(c.image) {
					t.Errorf("the door %s is open", name)
				}
			}
		})
	}
	opener := written(later, all, "")
	w.gate.Policy, w.gate.Verifiers = opener, opener.Verifiers()
	w.use(policy.Enforce)
	for name, opens := range w.doors() {
		if !opens(w.signed) || opens(w.other) != true {
			t.Errorf("the door %s is shut: %s", name, w.hook.Checker.Check(t.Context(), &gate.Question{Name: w.signed}).Reason)
		}
	}
	for name, p := range map[string]policy.Policy{"nil": nil, "all of none": policy.All(), "any of none": policy.Any()} {
		if _, err := gate.New(&gate.Rules{Gate: &policy.Gate{Open: open, Verifiers: trust, Policy: p}}, nil); err == nil {
			t.Errorf("a Checker is made of %s", name)
		}
	}
	w.hook.Checker = nil
	if answer, err := w.hook.Handle(t.Context(), []byte(w.deploy(w.signed))); err != nil ||
		!strings.Contains(string(answer), string(ecsgate.Failed)) {
		t.Errorf("a hook without a checker: %s, %v", answer, err)
	}
	if err := (&ecsgate.Tasks{Client: w.client}).Handle(t.Context(),
		[]byte(`{"detail-type":"ECS Task State Change","source":"aws.ecs","detail":{}}`)); err == nil {
		t.Error("task events without a checker: no error")
	}
	rec := httptest.NewRecorder()
	new(k8sgate.Gate).ServeHTTP(rec,
		httptest.NewRequestWithContext(t.Context(), http.MethodPost, k8sgate.PathValidate, strings.NewReader("{}")))
	if rec.Code != http.StatusInternalServerError {
		t.Errorf("a webhook without a checker: %d %s", rec.Code, rec.Body)
	}
}
