// Package policytest runs files of policy tests under go test.
//
//	func TestPolicy(t *testing.T) {
//		policytest.Run(t, "testdata/shop_test.yaml", nil)
//	}
//
// A file of tests names the policy document that it is about, and says for each test what is proven about an image, who asks, and
// what has to come of it:
//
//	version: 1
//	policy: shop.yaml
//	now: 2026-11-28T12:00:00Z
//	tests:
//	  - name: the right image
//	    image: registry.example.com/shop/app:v1
//	    request: {gate: admission}
//	    evidence:
//	      - {by: [release team]}                          # an image signature
//	      - {type: "https://example.com/review/v1", by: [release team], signedAt: 2026-11-20, predicate: {approved: true}}
//	    expect: {verdict: allow}
//	  - name: nobody signed
//	    image: registry.example.com/shop/app:v1
//	    expect: {verdict: deny, culprits: [signed, reviewed]}
//
// Signatures are not made: evidence is what verifiers would have proven, by the names of trust. So a policy is tested without keys
// and without a registry. An input that was recorded by package policy is tested by record, the name of its file.
package policytest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ladingdev/lading/policy/document"
)

// Options change how tests are run. The zero value will do.
type Options struct {
	// Conditions compiles conditions; see document.Options.
	Conditions document.Conditions
	// AllowUntested lets rules pass that no test has as culprit or warning; without it, each of them is an error.
	AllowUntested bool
}

// Run runs each test of a file as a subtest, and then looks whether every rule of the document that has a name was decisive once:
// a rule that no test ever fails by is not tested.
func Run(t *testing.T, file string, o *Options) {
	t.Helper()
	if o == nil {
		o = new(Options)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := document.ParseTests(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	name := filepath.Join(filepath.Dir(file), filepath.FromSlash(tests.Policy()))
	if data, err = os.ReadFile(name); err != nil {
		t.Fatal(err)
	}
	doc, err := document.Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	results, coverage, err := tests.Run(t.Context(), doc, o.Conditions, os.DirFS(filepath.Dir(file)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, r := range results {
		t.Run(r.Name, func(t *testing.T) {
			if r.Err == nil {
				return
			}
			t.Errorf("%s:%d: %v", file, r.Line, r.Err)
			if r.Decision != nil {
				t.Logf("%+v", r.Decision)
			}
		})
	}
	for _, c := range coverage {
		if c.Decisive == 0 && !o.AllowUntested {
			t.Errorf("%s: no test fails by the rule %q (%s)", file, c.Rule, c.Path)
		}
	}
}
