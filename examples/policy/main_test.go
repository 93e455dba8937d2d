package main

import (
	"context"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ladingdev/lading/policy/document/policytest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"policy": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// The scripts in testdata run the program as a person does.
func TestPolicy(t *testing.T) { testscript.Run(t, testscript.Params{Dir: "testdata"}) }

// The policy's own tests, in which every rule refuses something at least once.
func TestPolicyTests(t *testing.T) { policytest.Run(t, "policy_test.yaml", nil) }

// The document says nothing that is likely not meant.
func TestLint(t *testing.T) {
	w, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for _, f := range w.doc.Lint() {
		t.Errorf("policy.yaml:%v", f)
	}
}
