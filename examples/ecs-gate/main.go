// Ecs-gate shows who stops an image that is deployed straight to Amazon ECS, past the pipeline that signs.
//
//	go run ./examples/ecs-gate
//
// needs no account: AWS and the registry are in this process, and the SDK's real clients speak to them. With -profile it looks at yours,
// and changes nothing unless it is told to. README.md takes an account from nothing to enforcement; folder lambda has the functions.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

const usage = `Usage: ecs-gate
       ecs-gate -profile ARN[,ARN...] [-cluster NAME] [-enforce] [-region REGION]
       ecs-gate -profile ARN[,ARN...] -propose FILE -family PREFIX [-enforce] [-region REGION]

Without flags, deploys a signed image to an ECS in this process, then an unsigned one in every way there is,
and shows what stops it. Nothing leaves this machine.

With -profile, looks at what runs in your account: which images AWS Signer did not sign with these signing
profiles, and which services have no hook. It reads, and stops nothing. With -enforce and -cluster, it stops
what is denied in that cluster, as the function for task events does. With -propose, it says what the
registrar would answer to a task definition (what RegisterTaskDefinition takes, as JSON), and with -enforce
registers it. Takes credentials from where the AWS SDK does.

Exits with 0 only if every outcome is as expected: with -profile, if everything is allowed.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("ecs-gate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	var a account
	profiles := flags.String(
		"profile",
		"",
		"`ARNs` of AWS Signer's signing profiles whose signatures count, with commas between, such as\n"+
			"arn:aws:signer:eu-west-1:111122223333:/signing-profiles/release",
	)
	flags.StringVar(&a.cluster, "cluster", "", "`name` of the cluster to look at; empty means all")
	flags.StringVar(&a.region, "region", "", "AWS region, where the SDK does not find one by itself; empty means that of the profile")
	flags.StringVar(&a.propose, "propose", "", "`file` with a task definition for the registrar")
	flags.StringVar(&a.family, "family", "gated-", "what the names of gated task definitions begin with")
	flags.BoolVar(&a.enforce, "enforce", false, "stop what is denied, or register what is proposed")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 3
	}
	complain := func(format string, args ...any) int {
		fmt.Fprintf(stderr, "ecs-gate: "+format+"\nTry -h.\n", args...)
		return 3
	}
	switch {
	case flags.NArg() > 0:
		return complain("unexpected argument %q", flags.Arg(0))
	case *profiles == "" && flags.NFlag() > 0:
		return complain("the flags go with -profile")
	case a.enforce && a.cluster == "" && a.propose == "":
		return complain("-enforce stops tasks in the cluster that -cluster names")
	}
	var err error
	if *profiles == "" {
		err = tour(ctx, stdout)
	} else {
		a.profiles = strings.Split(*profiles, ",")
		err = a.run(ctx, stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "\necs-gate: %v\n", err)
		return 1
	}
	return 0
}
