// Quickstart walks the whole way once, on a real image and a real registry, both made on the spot: it builds a small
// service into a container image, gives it its bill of lading, lets it through a gate, and then tries every way of
// cheating that gate.
//
//	go run ./examples/quickstart
//
// It needs Go and nothing else. With -image it does the same honest part for an image of yours.
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

const usage = `Usage: go run ./examples/quickstart [-out DIR]
       go run ./examples/quickstart -image REF -key FILE

Without -image, builds a small Go service into a container image, pushes it to a registry in this
process, makes and signs its SBOM and provenance, attaches them, lets a gate check the image, and
then tries seven attacks, each of which must be refused. Nothing leaves this machine. The first run
compiles for about two minutes, the next takes three seconds.

With -image, makes the SBOM of an image in your registry, signs image and SBOM with your key,
attaches them there, and lets a gate check the result. It signs no provenance: how your image was
built, only what built it can say. Logs in as docker does (docker login, credential helpers). This
writes to your registry. The first time, it fetches and builds sbom/catalog.

Exits with 0 only if every outcome is as expected.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	var (
		image   = flags.String("image", "", "image in your registry, such as ghcr.io/acme/app:v1")
		keyFile = flags.String("key", "", "private key (PEM) to sign with; made if the `file` does not exist.\n"+
			"The passphrase of an encrypted key comes from COSIGN_PASSWORD")
		out = flags.String("out", "", "keep the image and all that hangs on it as an OCI layout in this `directory`,\n"+
			"for oras, crane or cosign to look at")
	)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 3
	}
	complain := func(format string, args ...any) int {
		fmt.Fprintf(stderr, "quickstart: "+format+"\nTry -h.\n", args...)
		return 3
	}
	switch {
	case flags.NArg() > 0:
		return complain("unexpected argument %q", flags.Arg(0))
	case *image != "" && *keyFile == "":
		return complain("-image needs -key: signatures by a key that is thrown away help nobody")
	case *image == "" && *keyFile != "":
		return complain("-key goes with -image: the tour makes a fresh key of its own")
	}

	p := newPrinter(stdout)
	var err error
	if *image != "" {
		err = yours(ctx, p, *image, *keyFile, *out)
	} else {
		err = tour(ctx, p, *out)
	}
	if err != nil {
		fmt.Fprintf(stderr, "\nquickstart: %v\n", err)
		return 1
	}
	return 0
}
