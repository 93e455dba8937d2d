package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/verify/sigstore/tuf"
)

// An order is what the command line asks to have signed.
type order struct {
	staging, inToto                                 bool
	token, bundle, trustedRoot, signingConfig, file string
}

func parseOrder(args []string) (*order, error) {
	o := new(order)
	flags := flag.NewFlagSet("sign-bundle", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&o.staging, "staging", false, "")
	flags.BoolVar(&o.inToto, "in-toto", false, "")
	flags.StringVar(&o.token, "identity-token", "", "")
	flags.StringVar(&o.bundle, "bundle", "", "")
	flags.StringVar(&o.trustedRoot, "trusted-root", "", "")
	flags.StringVar(&o.signingConfig, "signing-config", "", "")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	o.file = flags.Arg(0)
	switch {
	case flags.NArg() != 1:
		return nil, fmt.Errorf("%d files, not one", flags.NArg())
	case o.bundle == "":
		return nil, errors.New("no --bundle")
	case o.token == "":
		return nil, errors.New("no --identity-token")
	}
	return o, nil
}

// sign signs the file and writes the bundle, and no file if anything fails before.
func (o *order) sign(ctx context.Context) error {
	root, config, err := o.instance()
	if err != nil {
		return err
	}
	instance, err := keyless.ParseInstance(root, config)
	if err != nil {
		return err
	}
	evidence, err := o.by(ctx, &keyless.Signer{Instance: instance, Token: keyless.Token(o.token)})
	if err != nil {
		return err
	}
	return os.WriteFile(o.bundle, evidence.Data, 0o644)
}

// by has the signer sign the file: as a file, or its bytes as the statement that they are.
func (o *order) by(ctx context.Context, signer *keyless.Signer) (sign.Descriptor, error) {
	if o.inToto {
		statement, err := os.ReadFile(o.file)
		if err != nil {
			return sign.Descriptor{}, err
		}
		return signer.SignStatement(ctx, statement)
	}
	f, err := os.Open(o.file)
	if err != nil {
		return sign.Descriptor{}, err
	}
	defer f.Close()
	return signer.SignBlob(ctx, f)
}

// instance is trusted_root.json and signing_config.json: those that were given, or what is embedded.
func (o *order) instance() (root, config []byte, err error) {
	roots, err := embedded(o.staging)
	if err != nil {
		return nil, nil, err
	}
	root, config = roots.JSON, roots.SigningConfig
	if o.trustedRoot != "" {
		if root, err = os.ReadFile(o.trustedRoot); err != nil {
			return nil, nil, err
		}
	}
	if o.signingConfig != "" {
		if config, err = os.ReadFile(o.signingConfig); err != nil {
			return nil, nil, err
		}
	}
	return root, config, nil
}

// embedded are the roots of the public instance, or of that on which it tries things out. Nobody is asked for newer ones.
func embedded(staging bool) (*tuf.Roots, error) {
	repository := tuf.Production()
	if staging {
		repository = tuf.Staging()
	}
	return (&tuf.Client{Repository: repository}).Roots()
}
