// Command release makes a release of this project, and checks one as a stranger does.
//
//	go run . key FILE                                makes a key pair: FILE, and FILE.pub
//	go run . make -key FILE -out DIR VERSION A B     makes a release of checkout A, and once more of checkout B
//	go run . verify -key FILE.pub DIR                checks the release in DIR
//
// A release is the module as the Go proxy serves it, the gates as static programs for Linux, SHA256SUMS, an SBOM of the
// programs, and a Sigstore bundle beside each file; SBOM and provenance are signed statements about all of them. A and B are
// two checkouts of one commit in two folders: what is built from them has the same bytes, or there is no release.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `usage: release key FILE
       release make -key FILE -out DIR VERSION CHECKOUT CHECKOUT
       release verify -key FILE.pub DIR
LADING_PASSPHRASE opens an encrypted key.
`

var errUsage = errors.New("usage")

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, stdout)
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprint(stderr, usage)
		return 2
	case err != nil:
		fmt.Fprintln(stderr, "release:", err)
		return 1
	}
	return 0
}

func dispatch(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	key := flags.String("key", "", "")
	out := flags.String("out", "", "")
	if err := flags.Parse(args[1:]); err != nil {
		return errUsage
	}
	rest := flags.Args()
	switch {
	case args[0] == "key" && len(rest) == 1 && *key == "" && *out == "":
		return newKey(rest[0])
	case args[0] == "make" && len(rest) == 3 && *key != "" && *out != "":
		return makeRelease(ctx, *key, *out, rest[0], rest[1], rest[2], stdout)
	case args[0] == "verify" && len(rest) == 1 && *key != "" && *out == "":
		return verifyRelease(ctx, *key, rest[0], stdout)
	}
	return errUsage
}
