package report_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/report"
)

// One decision in the forms that programs read: the summary of a pipeline, a page, code scanning, a test view, JSON.
func ExampleSARIF() {
	decision := &policy.Decision{Verdict: policy.Deny, Name: "registry.example/acme/app:v1", RuleName: "signed",
		Rule:   "signed: image signature",
		Reason: "signed: no image signature: nothing is attached"}
	for _, f := range []struct {
		name  string
		write func(io.Writer, *report.Options, ...*policy.Decision) error
		has   string
	}{
		{"Markdown", report.Markdown, "### ❌ DENY `registry.example/acme/app:v1`"},
		{"HTML", report.HTML, "<html"},
		{"SARIF", report.SARIF, `"version": "2.1.0"`},
		{"JUnit", report.JUnit, "<testsuite "},
		{"JSON", report.JSON, `"verdict":`},
	} {
		var out bytes.Buffer
		if err := f.write(&out, nil, decision); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(f.name, strings.Contains(out.String(), f.has))
	}
	// Output:
	// Markdown true
	// HTML true
	// SARIF true
	// JUnit true
	// JSON true
}
