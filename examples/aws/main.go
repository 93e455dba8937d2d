// AWS takes an image from a registry to a decision under AWS Signer, in one process: it packs a Go program into an image
// and pushes it, has AWS Signer sign the image and its SBOM, attaches what comes back, verifies it, and asks a gate, once
// by itself and once as Amazon ECS would ask before it starts a service.
//
//	go run ./examples/aws
//
// needs no account: AWS and the registry are in this process, and the SDK's real clients speak to them. With -image and
// -profile it does the same with yours. examples/ecs-gate has the functions for ECS, buildspec.yml the build.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

const usage = `Usage: go run ./examples/aws
       go run ./examples/aws -image REF -profile ARN [-binary FILE] [-region REGION]

Without flags, signs, verifies and judges an image on an AWS and a registry in this process. Nothing
leaves this machine.

With -image and -profile, has AWS Signer sign an image in your Amazon ECR (or any registry that AWS
credentials or docker login open), attaches the signature there, verifies it and lets a gate check
the image. With -binary, first packs that Go program into an image, pushes it as -image, and has its
SBOM signed too. Takes credentials from where the AWS SDK does. This writes to your registry.

Exits with 0 only if every outcome is as expected.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("aws", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	var (
		image   = flags.String("image", "", "image in your registry, such as\n111122223333.dkr.ecr.eu-west-1.amazonaws.com/app:v1")
		profile = flags.String("profile", "", "`ARN` of the AWS Signer signing profile to sign with, such as\narn:aws:signer:eu-west-1:111122223333:/signing-profiles/release")
		binary  = flags.String("binary", "", "Go program (`file`) to pack into an image first, and to make the SBOM of")
		region  = flags.String("region", "", "AWS region, where the SDK does not find one by itself; empty means that of the profile")
	)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	complain := func(format string, args ...any) int {
		fmt.Fprintf(stderr, "aws: "+format+"\nTry -h.\n", args...)
		return 2
	}
	switch {
	case flags.NArg() > 0:
		return complain("unexpected argument %q", flags.Arg(0))
	case (*image == "") != (*profile == ""):
		return complain("-image and -profile go together")
	case *image == "" && (*binary != "" || *region != ""):
		return complain("-binary and -region go with -image")
	}

	p := &printer{w: stdout}
	var err error
	if *image != "" {
		err = yours(ctx, p, *image, *profile, *binary, *region)
	} else {
		err = tour(ctx, p)
	}
	if err != nil {
		fmt.Fprintf(stderr, "\naws: %v\n", err)
		return 1
	}
	return 0
}
