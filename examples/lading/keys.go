package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/awssigner"
	"github.com/ladingdev/lading/sign/keyfile"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/kms"
	"github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify/sigstore/tuf"
)

// signFlags say who signs, and how it is written.
type signFlags struct {
	key, chain, tsa, tsaRoots, profile string
	token, trustedRoot, config         string
	staging, first, each               bool
}

func (f *signFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.key, "key", "", "private key: a file of cosign, openssl or ssh-keygen, or awskms://...\nthe passphrase of a file "+
		"comes from COSIGN_PASSWORD, or is asked for")
	fs.StringVar(&f.chain, "certificate-chain", "", "sign as notation does, with --key and this chain (PEM, leaf first)")
	fs.StringVar(&f.tsa, "timestamp-url", "", "have notation's signature stamped by this authority")
	fs.StringVar(&f.tsaRoots, "timestamp-roots", "", "certificates (PEM) that the authority's must chain to")
	fs.StringVar(&f.profile, "profile", "", "sign with AWS Signer, by the ARN of this signing profile")
	fs.StringVar(&f.token, "identity-token", "", "sign keyless with this OIDC token, or the file that has it;\n"+
		"else with SIGSTORE_ID_TOKEN, or as the job that runs in GitHub Actions")
	fs.StringVar(&f.trustedRoot, "trusted-root", "", "keyless at another instance: its trusted root, with --signing-config")
	fs.StringVar(&f.config, "signing-config", "", "keyless at another instance: where its services are")
	fs.BoolVar(&f.staging, "staging", false, "keyless at Sigstore's staging instance")
	fs.BoolVar(&f.each, "each", false, "of an index: the images of its platforms, too")
}

func (f *signFlags) check() error {
	switch {
	case f.profile != "" && (f.key != "" || f.chain != ""):
		return misuse("--profile does not go together with --key and --certificate-chain")
	case f.chain != "" && f.key == "":
		return misuse("--certificate-chain needs --key")
	case f.tsa != "" && (f.chain == "" || f.tsaRoots == ""):
		return misuse("--timestamp-url needs --certificate-chain and --timestamp-roots")
	case f.first && f.key == "":
		return misuse("cosign's first format needs --key")
	case (f.trustedRoot == "") != (f.config == ""):
		return misuse("--trusted-root and --signing-config go together")
	}
	return nil
}

// signer makes the signer that the flags name.
func (f *signFlags) signer(ctx context.Context, u *ui) (sign.Signer, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	switch {
	case f.profile != "":
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, err
		}
		return awssigner.New(signer.NewFromConfig(cfg), f.profile)
	case f.key == "":
		return f.keyless(u)
	}
	key, err := privateKey(ctx, u, f.key)
	switch {
	case err != nil:
		return nil, err
	case f.first:
		return &sign.CosignSigner{Key: key}, nil
	case f.chain == "":
		return &sign.BundleSigner{Key: key}, nil
	}
	data, err := u.read(f.chain)
	if err != nil {
		return nil, err
	}
	chain, err := notary.ParseChain(data)
	if err != nil {
		return nil, misuse("%s: %v", f.chain, err)
	}
	s := &notary.Signer{Key: key, Chain: chain, TSA: f.tsa}
	if f.tsaRoots == "" {
		return s, nil
	}
	if data, err = u.read(f.tsaRoots); err != nil {
		return nil, err
	}
	s.TSARoots, err = certificates(f.tsaRoots, data)
	return s, err
}

// privateKey opens a key in a file or in a KMS.
func privateKey(ctx context.Context, u *ui, name string) (sign.Key, error) {
	if strings.Contains(name, "://") {
		return kms.Open(ctx, name)
	}
	data, err := u.read(name)
	if err != nil {
		return nil, err
	}
	key, err := keyfile.Parse(data, []byte(os.Getenv("COSIGN_PASSWORD")))
	if errors.Is(err, sign.ErrNoPassphrase) && u.terminal {
		fmt.Fprintf(u.err, "Passphrase of %s: ", name)
		passphrase, readErr := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(u.err)
		if readErr != nil {
			return nil, readErr
		}
		key, err = keyfile.Parse(data, passphrase)
	}
	if errors.Is(err, sign.ErrNoPassphrase) {
		return nil, fmt.Errorf("%s: %w: set COSIGN_PASSWORD", name, err)
	}
	if err != nil {
		return nil, unfit(name, err, sign.ErrKey)
	}
	return key, nil
}

// keyless signs as the job or person whom a token names.
func (f *signFlags) keyless(u *ui) (sign.Signer, error) {
	var token keyless.TokenSource
	switch env := os.Getenv("SIGSTORE_ID_TOKEN"); {
	case f.token != "" && exists(f.token):
		token = keyless.FileToken(f.token)
	case f.token != "":
		token = keyless.Token(f.token)
	case env != "":
		token = keyless.Token(env)
	case os.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL") != "":
		token = keyless.GitHubEnvironment(nil)
	default:
		return nil, misuse("nobody signs: give --key, --profile, or --identity-token for keyless signing")
	}
	if f.trustedRoot != "" {
		root, err := u.read(f.trustedRoot)
		if err != nil {
			return nil, err
		}
		where, err := u.read(f.config)
		if err != nil {
			return nil, err
		}
		instance, err := keyless.ParseInstance(root, where)
		if err != nil {
			return nil, misuse("%s, %s: %v", f.trustedRoot, f.config, err)
		}
		return &keyless.Signer{Instance: instance, Token: token}, nil
	}
	roots, err := rootsOf(f.staging).Roots()
	if err != nil {
		return nil, err
	}
	instance, err := keyless.ParseInstance(roots.JSON, roots.SigningConfig)
	return &keyless.Signer{Instance: instance, Token: token}, err
}

// rootsOf are the trusted roots of Sigstore's instance, kept in the user's cache directory.
func rootsOf(staging bool) *tuf.Client {
	c := &tuf.Client{Signing: true}
	if staging {
		c.Repository = tuf.Staging()
	}
	if dir, err := os.UserCacheDir(); err == nil {
		c.Dir = filepath.Join(dir, "lading", "tuf")
		if os.MkdirAll(c.Dir, 0o700) != nil {
			c.Dir = ""
		}
	}
	return c
}

// attach puts evidence where readers of its format look for it.
func (f *signFlags) attach(ctx context.Context, p *place, subject, evidence registry.Descriptor) error {
	if f.first {
		return p.repo.AttachCosign(ctx, subject, evidence)
	}
	_, err := p.repo.Attach(ctx, subject, evidence)
	return err
}
