// Conformance signs and verifies Sigstore bundles as the command line of the conformance suite for Sigstore clients asks for it
// (github.com/sigstore/sigstore-conformance, docs/cli_protocol.md). It asks no network but the services of a signing config: without
// --trusted-root and --signing-config it takes those that verify/sigstore/tuf embeds, of the public instance or, with --staging, of the one
// on which Sigstore tries things out. With --in-toto the file is an in-toto statement, and its bytes are signed as they are.
//
//	conformance sign-bundle [--staging] [--in-toto] --identity-token TOKEN --bundle FILE
//	    [--trusted-root FILE] [--signing-config FILE] FILE
//	conformance verify-bundle [--staging] --bundle FILE (--certificate-identity ID --certificate-oidc-issuer URL | --key PEM)
//	    [--trusted-root FILE] FILE_OR_DIGEST
//
// It exits with 0 if the bundle verifies, with 1 if it does not, and with 2 if it was not asked properly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/opencontainers/go-digest"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stderr)) }

const usage = `usage: conformance sign-bundle [--staging] [--in-toto] --identity-token TOKEN --bundle FILE
           [--trusted-root FILE] [--signing-config FILE] FILE
       conformance verify-bundle [--staging] --bundle FILE
           (--certificate-identity ID --certificate-oidc-issuer URL | --key PEM)
           [--trusted-root FILE] FILE_OR_DIGEST
`

func run(ctx context.Context, args []string, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	switch args[0] {
	case "sign-bundle":
		o, err := parseOrder(args[1:])
		if err != nil {
			return misused(stderr, err)
		}
		return failed(stderr, o.sign(ctx))
	case "verify-bundle":
		q, err := parse(args[1:])
		if err != nil {
			return misused(stderr, err)
		}
		att, err := q.verify(ctx)
		if err != nil {
			return failed(stderr, err)
		}
		for _, c := range att.Checks {
			fmt.Fprintf(stderr, "%s: %s: %s\n", c.Name, c.Status, c.Reason)
		}
		return 0
	}
	return misused(stderr, fmt.Errorf("%q is no command", args[0]))
}

func misused(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "conformance: %v\n%s", err, usage)
	return 2
}

// failed says what went wrong, if anything did.
func failed(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "conformance:", err)
	return 1
}

// A question is what the command line asks.
type question struct {
	staging                                                bool
	bundle, identity, issuer, key, trustedRoot, fileDigest string
}

func parse(args []string) (*question, error) {
	q := new(question)
	flags := flag.NewFlagSet("verify-bundle", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&q.staging, "staging", false, "")
	flags.StringVar(&q.bundle, "bundle", "", "")
	flags.StringVar(&q.identity, "certificate-identity", "", "")
	flags.StringVar(&q.issuer, "certificate-oidc-issuer", "", "")
	flags.StringVar(&q.key, "key", "", "")
	flags.StringVar(&q.trustedRoot, "trusted-root", "", "")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	q.fileDigest = flags.Arg(0)
	named := q.identity != "" && q.issuer != ""
	switch {
	case flags.NArg() != 1:
		return nil, fmt.Errorf("%d files, not one", flags.NArg())
	case q.bundle == "":
		return nil, errors.New("no --bundle")
	case q.key != "" && (q.identity != "" || q.issuer != ""):
		return nil, errors.New("--key, and an identity besides")
	case q.key == "" && !named:
		return nil, errors.New("neither --key nor both of --certificate-identity and --certificate-oidc-issuer")
	}
	return q, nil
}

var isDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func (q *question) verify(ctx context.Context) (*verify.Attestation, error) {
	root, err := q.root()
	if err != nil {
		return nil, err
	}
	trust, err := q.trust()
	if err != nil {
		return nil, err
	}
	v, err := sigstore.New(root, trust, nil)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(q.bundle)
	if err != nil {
		return nil, err
	}
	evidence := verify.Descriptor{Data: data}
	f, err := os.Open(q.fileDigest)
	if errors.Is(err, os.ErrNotExist) && isDigest.MatchString(q.fileDigest) {
		return v.VerifyDigest(ctx, digest.Digest(q.fileDigest), evidence)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return v.VerifyBlob(ctx, f, evidence)
}

func (q *question) root() (*sigstore.Root, error) {
	if q.trustedRoot != "" {
		data, err := os.ReadFile(q.trustedRoot)
		if err != nil {
			return nil, err
		}
		return sigstore.ParseRoot(data, nil)
	}
	roots, err := embedded(q.staging)
	if err != nil {
		return nil, err
	}
	return roots.Root, nil
}

// trust is the one signer who is asked for. Of which kind a name is, the command line does not say.
func (q *question) trust() ([]sigstore.Entry, error) {
	if q.key != "" {
		data, err := os.ReadFile(q.key)
		if err != nil {
			return nil, err
		}
		key, err := verify.ParseTrustedKey(data)
		if err != nil {
			return nil, err
		}
		return []sigstore.Entry{{Name: q.key, Key: &key}}, nil
	}
	name, issuer := sigstore.Exactly(q.identity), sigstore.Exactly(q.issuer)
	return []sigstore.Entry{
		{Name: "URI", URI: name, Issuer: issuer},
		{Name: "e-mail address", Email: name, Issuer: issuer},
		{Name: "other name", OtherName: name, Issuer: issuer},
	}, nil
}
