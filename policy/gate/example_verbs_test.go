package gate_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/verify"
)

// denying are rules by which nothing may run.
func denying(reason string) *gate.Rules {
	image := verify.Descriptor{Digest: digest.FromString("app")}
	return &gate.Rules{Gate: &policy.Gate{
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: image, Source: empty}, nil
		},
		Verifiers: []verify.Verifier{notTrusted{}},
		Policy: policy.Func(func(context.Context, *policy.Input) *policy.Decision {
			return &policy.Decision{Verdict: policy.Deny, Rule: "closed", Reason: reason, Until: policy.Forever}
		}),
	}}
}

var empty = verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
	return func(func(verify.Descriptor, error) bool) {}
})

type notTrusted struct{}

func (notTrusted) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, verify.ErrNotTrusted
}

// New rules hold from the next question on: what the former ones allowed or denied is forgotten.
func ExampleChecker_Use() {
	ctx := context.Background()
	checker, err := gate.New(denying("closed on Mondays"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	q := &gate.Question{Name: "registry.example.com/acme/app:v1"}
	ref, err := checker.Resolve(ctx, q) // the tag's digest, once for all that ask
	if err != nil {
		fmt.Println(err)
		return
	}
	q.Name = ref.Pinned()
	fmt.Println("known before:", checker.Known(ctx, q) != nil)
	fmt.Println(checker.Check(ctx, q).Reason)
	fmt.Println("known after:", checker.Known(ctx, q) != nil)
	if err := checker.Use(denying("closed on Tuesdays")); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(checker.Check(ctx, q).Reason)
	// Output:
	// known before: false
	// closed on Mondays
	// known after: true
	// closed on Tuesdays
}

// A log of each answer, a line of JSON, in a file that is kept below a size.
func ExampleOpenFile() {
	dir, err := os.MkdirTemp("", "log")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file, err := gate.OpenFile(filepath.Join(dir, "decisions.jsonl"), 1<<20)
	if err != nil {
		fmt.Println(err)
		return
	}
	file.Decided(context.Background(),
		&gate.Record{Image: "registry.example.com/acme/app:v1", Verdict: policy.Deny, Reason: "nobody signed it"})
	if err := file.Close(); err != nil {
		fmt.Println(err)
		return
	}
	data, err := os.ReadFile(filepath.Join(dir, "decisions.jsonl"))
	fmt.Println(strings.Count(string(data), "\n"), strings.Contains(string(data), `"reason":"nobody signed it"`), err)
	// Output: 1 true <nil>
}
