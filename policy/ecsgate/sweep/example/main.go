// Example sweeps an AWS account: what runs there, by which decision of a policy, and what came around the gate. It is as short as it can
// be, to be copied and changed.
//
//	go -C policy/ecsgate/sweep run ./example -profile audit -policy policy.yaml
//	go -C policy/ecsgate/sweep run ./example -profile audit -policy policy.yaml -regions eu-west-1,us-east-1 -families 'gated-*' \
//		-hooks 'arn:aws:lambda:*:*:function:gate' -state sweep.state -format html >sweep.html
//
// The exit status is 0 if nothing is wrong, 1 if something runs that should not or came around the gate, 2 if not everything could be
// looked at, 3 if both are so, and 4 if nothing was. iam.json is what the profile's role needs, and nothing more.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/ecsgate/sweep"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/ecr"
)

// failed is the exit status where there is no report.
const failed = 4

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, load))
}

// load returns the SDK's configuration of a profile. Adaptive retries slow down when a service asks for that.
func load(ctx context.Context, profile string) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile), config.WithRetryMode(aws.RetryModeAdaptive))
}

var formats = map[string]func(*sweep.Report, io.Writer) error{
	"text": (*sweep.Report).Text, "html": (*sweep.Report).HTML, "sarif": (*sweep.Report).SARIF, "json": (*sweep.Report).JSON,
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer, load func(context.Context, string) (aws.Config, error)) int {
	flags := flag.NewFlagSet("sweep", flag.ContinueOnError)
	flags.SetOutput(stderr)
	profile := flags.String("profile", "", "profile in the files of the AWS CLI; empty is the usual chain")
	document := flags.String("policy", "policy.yaml", "policy document")
	regions := flags.String("regions", "", "regions, with commas between; empty is the profile's")
	services := flags.String("services", "", "some of "+strings.Join(sweep.Services(), ",")+"; empty is all")
	families := flags.String("families", "", "patterns of the task definition families that the registrar alone makes, such as gated-*")
	hooks := flags.String("hooks", "", "patterns of the ARNs of the gate's functions; empty is any function")
	state := flags.String("state", "", "file in which a sweep that was ended goes on")
	format := flags.String("format", "text", "text, html, sarif or json")
	if err := flags.Parse(args); err != nil {
		return failed
	}
	write := formats[*format]
	if write == nil || flags.NArg() > 0 {
		fmt.Fprintf(stderr, "sweep: format %q is none of text, html, sarif, json, or there is an argument too many\n", *format)
		return failed
	}
	report, err := look(ctx, *profile, *document, stderr, load, &sweep.Sweep{
		Regions: list(*regions), Services: list(*services), Families: list(*families), Hooks: list(*hooks), State: *state,
	})
	if err == nil {
		err = write(report, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "sweep:", err)
		if *state != "" && ctx.Err() != nil {
			fmt.Fprintln(stderr, "sweep: the same command goes on from here")
		}
		return failed
	}
	return report.Status()
}

func list(text string) []string {
	return slices.DeleteFunc(strings.Split(text, ","), func(s string) bool { return s == "" })
}

// look sweeps, and tells how far it is.
func look(ctx context.Context, profile, policyFile string, stderr io.Writer, load func(context.Context, string) (aws.Config, error),
	s *sweep.Sweep,
) (*sweep.Report, error) {
	cfg, err := load(ctx, profile)
	if err != nil {
		return nil, err
	}
	if s.Checker, err = checker(cfg, policyFile); err != nil {
		return nil, err
	}
	s.Config = cfg
	last := ""
	s.Progress = func(p sweep.Progress) {
		if what := p.Service + " " + p.Region + " " + p.What; what != last {
			last = what
			fmt.Fprintf(stderr, "%s: list %d of %d, %d seen, of %d tasks that run; %d requests\n", what, p.Done, p.Units, p.Seen, p.Running,
				p.Requests)
		}
	}
	return s.Run(ctx)
}

// checker judges by a policy document, with the evidence that registries have. It logs in to ECR alone.
func checker(cfg aws.Config, name string) (*gate.Checker, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	doc, err := document.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p, err := doc.Load(nil) // bring other kinds of trust here: document.Options
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	login := &ecr.Credentials{Private: awsecr.NewFromConfig(cfg)}
	sum := digest.Digest(doc.Digest())
	return gate.New(&gate.Rules{
		Gate: &policy.Gate{
			Open:      gate.Open(&registry.Options{Credential: login.Credential, Cache: new(registry.Cache)}),
			Verifiers: p.Verifiers(), Policy: p,
		},
		PolicyDigest: sum, TrustDigest: sum,
	}, nil)
}
