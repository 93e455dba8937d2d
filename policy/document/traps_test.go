package document_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

// trapped is a document of two signers with rules, one a line.
func trapped(alice, bob *person, rules ...string) string {
	return fmt.Sprintf("version: 1\nname: x\ntrust:\n  - {name: alice, key: %s}\n  - {name: bob, key: %s}\n"+
		"images:\n  - match: [\"**\"]\n    require:\n      - %s\n",
		alice.yaml(), bob.yaml(), strings.Join(rules, "\n      - "))
}

// What went wrong in policy engines of the field, as far as it is a matter of documents. Each is a way in which something that was
// not checked passed for checked.
func TestTraps(t *testing.T) {
	alice, bob := newPerson(t), newPerson(t)
	signature, review := alice.sign(t, sign.ImageSignature{}), alice.sign(t, predicate{reviewType, map[string]any{"ok": true}})

	t.Run("an error that nobody expected is no pass", func(t *testing.T) {
		kinds := map[string]document.TrustFunc{"odd": func(*document.Trust) (verify.Verifier, error) { return odd{}, nil }}
		p, err := parse(t, "version: 1\nname: x\ntrust: [{name: odd, kind: odd}]\nimages: [{match: [\"**\"], require: [{signature: "+
			"{}}]}]\n").Load(&document.Options{Trust: kinds})
		if err != nil {
			t.Fatal(err)
		}
		if d := check(p, "", app, now, signature); d.Verdict == policy.Allow || !strings.Contains(d.Reason, "something else") {
			t.Errorf("%v", d)
		}
	})
	t.Run("a policy without one of its parts is none", func(t *testing.T) {
		kinds := map[string]document.TrustFunc{"odd": func(*document.Trust) (verify.Verifier, error) {
			return nil, errors.New("the key cannot be loaded")
		}}
		text := strings.Replace(trapped(alice, bob, "signature: {by: [alice]}"), "images:", "  - {name: odd, kind: odd}\nimages:", 1)
		if p, err := parse(t, text).Load(&document.Options{Trust: kinds}); p != nil || err == nil ||
			!strings.Contains(err.Error(), "the key cannot be loaded") {
			t.Errorf("%v, %v", p, err)
		}
	})
	t.Run("the same input gives the same words", func(t *testing.T) {
		p := load(t, trapped(alice, bob, "anyOf: [{name: a, signature: {by: [bob]}}, {name: b, signature: {atLeast: 2}}]",
			fmt.Sprintf("{name: c, attestation: {types: [%s], by: [bob]}}", reviewType)))
		first, _ := json.Marshal(check(p, "", app, now, signature, review))
		for range 20 {
			if again, _ := json.Marshal(check(p, "", app, now, signature, review)); !bytes.Equal(first, again) {
				t.Fatalf("%s\n%s", first, again)
			}
		}
	})
	t.Run("annotations of the judged say nothing", func(t *testing.T) {
		p := load(t, trapped(alice, bob, "signature: {by: [alice]}"))
		gate := &policy.Gate{Verifiers: p.Verifiers(), Policy: p, Open: func(context.Context, string) (*policy.Image, error) {
			s := subject
			s.Annotations = map[string]string{"verified": "true", "policy": "pass"}
			return &policy.Image{Subject: s, Source: source()}, nil
		}}
		if d := gate.CheckRequest(context.Background(), app,
			&policy.Request{Attributes: map[string]string{"verified": "true"}}); d.Verdict != policy.Deny {
			t.Errorf("%v", d)
		}
	})
	t.Run("two signatures of one signer are one", func(t *testing.T) {
		p := load(t, trapped(alice, bob, "signature: {by: [alice, bob], atLeast: 2}"))
		if d := check(p, "", app, now, signature, alice.sign(t, sign.ImageSignature{})); d.Verdict != policy.Deny {
			t.Errorf("%v", d)
		}
	})
	t.Run("an attestation is no signature, and a signature no attestation", func(t *testing.T) {
		p := load(t, trapped(alice, bob, "signature: {by: [alice]}", fmt.Sprintf("attestation: {types: [%s], by: [alice]}", reviewType)))
		for _, only := range []verify.Descriptor{signature, review} {
			if d := check(p, "", app, now, only); d.Verdict != policy.Deny {
				t.Errorf("%v", d)
			}
		}
	})
	t.Run("what did not count is told", func(t *testing.T) {
		p := load(t, trapped(alice, bob, fmt.Sprintf("attestation: {types: [%s], by: [bob]}", reviewType)))
		if d := check(p, "", app, now, review); d.Verdict != policy.Deny || !strings.Contains(d.Reason, "alice") {
			t.Errorf("%v", d)
		}
	})
	t.Run("a soft refusal is no full allow", func(t *testing.T) {
		p := load(t, strings.Replace(trapped(alice, bob, "signature: {by: [alice]}"), "images:", "gates: {default: {mode: audit}}\n"+
			"images:", 1))
		if d := check(p, "", app, now); d.Verdict != policy.Allow || len(d.Warnings()) != 1 || d.Warnings()[0].Effect != policy.Audit {
			t.Errorf("%v, %v", d, d.Warnings())
		}
	})
	t.Run("what was skipped stands in the decision", func(t *testing.T) {
		p := load(t, trapped(alice, bob, "signature: {by: [alice]}", "{name: prod only, when: {namespaces: [prod]}, signature: "+
			"{by: [bob]}}"))
		gate := &policy.Gate{Verifiers: p.Verifiers(), Policy: p, Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: source(signature)}, nil
		}}
		d := gate.CheckRequest(context.Background(), app, &policy.Request{Namespace: "dev"})
		skipped := 0
		for _, part := range d.All() {
			if part.Skipped {
				skipped++
			}
		}
		if d.Verdict != policy.Allow || skipped == 0 {
			t.Errorf("%+v", d)
		}
	})
	t.Run("a rule that is skipped alone allows nothing", func(t *testing.T) {
		p := load(t, trapped(alice, bob, "{when: {namespaces: [prod]}, signature: {by: [bob]}}"))
		gate := &policy.Gate{Verifiers: p.Verifiers(), Policy: p, Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: source(signature)}, nil
		}}
		if d := gate.CheckRequest(context.Background(), app, &policy.Request{Namespace: "dev"}); d.Verdict == policy.Allow {
			t.Errorf("%+v", d)
		}
	})
	t.Run("a set that is there twice is a fault, not a merge", func(t *testing.T) {
		text := trapped(alice, bob, "signature: {by: [alice]}")
		for _, twice := range []string{"rules: {a: {require: [{signature: {}}]}, a: {require: [{signature: {}}]}}\n", "name: y\n",
			"images: [{match: [\"**\"], deny: x}]\n"} {
			if _, err := document.Parse([]byte(text + twice)); !errors.Is(err, document.ErrDocument) ||
				!strings.Contains(err.Error(), "stands here twice") {
				t.Errorf("%v", err)
			}
		}
	})
	t.Run("a level is a number, and no text with one", func(t *testing.T) {
		for _, level := range []string{"SLSA_BUILD_LEVEL_3", `"3"`, "0", "-1", "3.5", "99999999999999999999"} {
			if _, err := document.Parse(
				[]byte(trapped(alice, bob, "provenance: {by: [alice], level: "+level+", builders: [{id: x, level: 3}]}"))); !errors.Is(err,
				document.ErrDocument) {
				t.Errorf("%s: %v", level, err)
			}
		}
	})
	t.Run("one entry decides, the first", func(t *testing.T) {
		text := trapped(alice, bob, "signature: {by: [bob]}") + "  - match: [\"registry.example.com/shop/**\"]\n    require: " +
			"[{signature: {by: [alice]}}]\n"
		if d := check(load(t, text), "", app, now, signature); d.Verdict != policy.Deny {
			t.Errorf("%v", d)
		}
	})
	t.Run("nothing empty passes", func(t *testing.T) {
		for _, rule := range []string{"anyOf: []", "allOf: []", "atLeast: {n: 1, of: []}", "atLeast: {n: 0, of: [{signature: {}}]}",
			"signature: {by: []}", "attestation: {types: []}", "attestation: {types: [\"\"]}", "{when: {}, signature: {}}",
			"use: \"\"", "components: {deny: []}", "licenses: {allow: [\"\"]}", "~", "{}"} {
			if _, err := document.Parse([]byte(trapped(alice, bob, rule))); !errors.Is(err, document.ErrDocument) {
				t.Errorf("%s: %v", rule, err)
			}
		}
	})
}

// odd fails in a way that nobody knows.
type odd struct{}

func (odd) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, errors.New("something else")
}

// A decision that depends on nobody's request may be kept for all, and no other.
func TestIgnoresRequest(t *testing.T) {
	alice, bob := newPerson(t), newPerson(t)
	plain := trapped(alice, bob, "signature: {by: [alice]}")
	for text, want := range map[string]bool{
		plain: true,
		strings.Replace(plain, "images:", "gates: {x: {mode: warn}}\nimages:", 1):                               false,
		strings.Replace(plain, "images:", "gates: {default: {mode: warn}}\nimages:", 1):                         true,
		strings.Replace(plain, "- signature:", "- when: {namespaces: [a]}\n        signature:", 1):              false,
		strings.Replace(plain, "- signature: {by: [alice]}", "- {signature: {}, gates: {y: {mode: audit}}}", 1): false,
	} {
		p := load(t, text)
		if p.IgnoresRequest() != want || policy.IgnoresRequest(p) != want || policy.IgnoresRequest(p.At("x")) != want {
			t.Errorf("%s: %t", text, p.IgnoresRequest())
		}
	}
}
