// Pipeline takes an image from its build to a decision: it packs a Go program into an image or takes one that is there, makes its SBOM,
// scans that, stops at what is too bad, has the image signed, attests SBOM, provenance and report, attaches all of it, asks a policy,
// and writes a summary.
//
//	go -C examples/pipeline run .
//
// needs no account and no network: AWS and the registry are in this process, and the SDK's real clients speak to them. With -image and
// -sign it is a step of your pipeline; folder ci has the files for AWS CodePipeline and CodeBuild, GitHub Actions and GitLab.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/ladingdev/lading/sbom/vuln"
)

const usage = `Usage: go -C examples/pipeline run .
       pipeline -image REF -sign HOW -scan WHAT [FLAGS]

Without flags, does the whole workshop on an AWS and a registry in this process:
build, SBOM, scan, sign, push, verify at deployment, and the deployment that goes
around it. Nothing leaves this machine.

With -image, does the same with an image of yours, up to the decision: one that
is in your registry, or with -binary a Go program that it packs and pushes first.
Credentials come from where the AWS SDK and docker login keep them.

-sign  arn:aws:signer:...    a signing profile of AWS Signer
       awskms:///...         a key of AWS KMS, or of another service by its scheme
       keyless               the identity of this job in GitHub Actions or GitLab
-scan  inspector             Amazon Inspector
       FILE                  an index of OSV's dumps, which examples/scan makes
       none                  nothing: then no report is attested or asked for

Exit status: 0  the policy allows the image
             1  it does not, or a finding is as bad as -fail
             2  there is no answer: an error
             3  the command line is wrong

Flags:
`

const (
	passed = iota
	failed
	unanswered
	misused
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the command line's.
type options struct {
	image, binary, sign, scan, sigstore, summary, pinned string
	fail                                                 vuln.Severity
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("pipeline", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	o := options{fail: vuln.High}
	flags.StringVar(&o.image, "image", "", "image in your registry, such as\n111122223333.dkr.ecr.eu-west-1.amazonaws.com/app:v1")
	flags.StringVar(&o.binary, "binary", "", "Go program (`file`) to pack into an image and push as -image")
	flags.StringVar(&o.sign, "sign", "", "`how` to sign, see above")
	flags.StringVar(&o.scan, "scan", "", "`what` to scan with, see above")
	flags.TextVar(&o.fail, "fail", vuln.High, "`severity` that stops: low, medium, high, critical")
	flags.StringVar(
		&o.sigstore,
		"sigstore",
		"",
		"`folder` with trusted_root.json and signing_config.json of a\nSigstore of your own, for -sign keyless",
	)
	flags.StringVar(&o.summary, "summary", "", "append a summary in Markdown to this `file`")
	flags.StringVar(&o.pinned, "pinned", "", "write the image's name by digest, to deploy, to this `file`")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return passed
	case err != nil:
		return misused
	}
	if wrong := o.check(flags.Args()); wrong != "" {
		fmt.Fprintf(stderr, "pipeline: %s\nTry -h.\n", wrong)
		return misused
	}
	p := &printer{w: stdout}
	var err error
	if o.image == "" {
		err = tour(ctx, p)
	} else {
		err = yours(ctx, p, &o)
	}
	switch {
	case errors.Is(err, errStopped):
		fmt.Fprintf(stderr, "\npipeline: %v\n", err)
		return failed
	case err != nil:
		fmt.Fprintf(stderr, "\npipeline: %v\n", err)
		return unanswered
	}
	return passed
}

// check returns what is wrong with the command line, or "".
func (o *options) check(args []string) string {
	switch {
	case len(args) > 0:
		return fmt.Sprintf("unexpected argument %q", args[0])
	case o.image == "" && *o != (options{fail: o.fail}):
		return "-image is missing"
	case o.image != "" && o.sign == "":
		return "-sign is missing: a profile of AWS Signer, a key, or keyless"
	case o.image != "" && o.scan == "":
		return "-scan is missing: inspector, an index, or none"
	case o.sigstore != "" && o.sign != "keyless":
		return "-sigstore goes with -sign keyless"
	}
	return ""
}
