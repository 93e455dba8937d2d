// Policy decides with one document on the image that a build made, and on ten that are wrong, each in its own way: the image
// is in Amazon ECR and signed with a profile of AWS Signer, its SBOM, the report of Amazon Inspector and the provenance of AWS
// CodeBuild with a key of AWS KMS.
//
//	go run ./examples/policy
//
// needs no account: AWS and the registry are in this process, and the SDK's real clients speak to them. The policy is
// policy.yaml, and its own tests are beside it.
package main

import (
	"context"

	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/report"
)

const usage = `Usage: go run ./examples/policy [-report FORMAT]

Decides on eleven images, one good and ten wrong, with policy.yaml. AWS and the
registry are in this process. Nothing leaves this machine.

With -report, writes the whole decisions: text, markdown, html, sarif, json or
junit.

Exit status: 0  every image is decided as expected
             1  one is not, or there was an error
             3  the command line is wrong

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("policy", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	format := flags.String("report", "", "write the whole decisions in this `format`")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 3
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "policy: unexpected argument %q\nTry -h.\n", flags.Arg(0))
		return 3
	case *format != "" && !slices.Contains(report.Formats(), *format):
		fmt.Fprintf(stderr, "policy: unknown format %q: use one of %s\n", *format, strings.Join(report.Formats(), ", "))
		return 3
	}
	if err := decide(ctx, stdout, *format); err != nil {
		fmt.Fprintf(stderr, "policy: %v\n", err)
		return 1
	}
	return 0
}

// decide builds the images, asks a gate about each, and shows what it says.
func decide(ctx context.Context, w io.Writer, format string) error {
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	var decisions []*policy.Decision
	var wrong error
	for i, image := range images {
		name, err := s.push(ctx, i, image)
		if err != nil {
			return fmt.Errorf("setting up %q: %w", image.what, err)
		}
		gate, err := s.gate(ctx)
		if err != nil {
			return err
		}
		d := gate.Check(ctx, name)
		decisions = append(decisions, d)
		if format == "" {
			show(w, image.what, d)
		}
		wrong = errors.Join(wrong, image.expect(d))
	}
	if format != "" {
		contacts := map[string]string{"signed": "#release", "build": "#release", "sbom": "#platform", "components": "security@acme.example",
			"vulnerabilities": "security@acme.example"}
		o := &report.Options{Title: "Images of the workshop", Ask: func(rule *policy.Decision) string { return contacts[rule.RuleName] }}
		wrong = errors.Join(wrong, report.Write(w, format, o, decisions...))
	}
	return wrong
}

// show prints a decision, with the reason of the first rule that refuses.
func show(w io.Writer, what string, d *policy.Decision) {
	reason := "deploy " + d.Subject.Digest.String()
	if d.Verdict != policy.Allow {
		reason = d.Culprits()[0].Reason
	}
	fmt.Fprintf(w, "%-5s  %s\n", d.Verdict, what)
	const indent = "       "
	line := indent
	for _, word := range strings.Fields(reason) {
		if line != indent && len([]rune(line))+1+len([]rune(word)) > 80 {
			fmt.Fprintln(w, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(w, line)
}
