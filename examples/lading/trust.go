package main

import (
	"context"
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/spf13/cobra"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyfile"
	"github.com/ladingdev/lading/sign/kms"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"github.com/ladingdev/lading/verify/notary/awssigner"
	"github.com/ladingdev/lading/verify/sigstore"
)

// trustFlags say whom a verb believes.
type trustFlags struct {
	keys, profiles                     []string
	identity, identityPattern          string
	issuer, issuerPattern, trustedRoot string
	staging, notation                  bool
	notationConfig                     string
}

// every format that a key can have signed in; cosign's first ones too.
var formats = []verify.Format{verify.Bundle, verify.DSSE, verify.SimpleSigning}

func (t *trustFlags) add(cmd *cobra.Command, keyFlag string) {
	fs := cmd.Flags()
	fs.StringArrayVar(&t.keys, keyFlag, nil, "public key that is trusted: a file, or awskms://...; may be repeated")
	fs.StringVar(&t.identity, "certificate-identity", "", "keyless: whom a certificate must name, to the letter")
	fs.StringVar(&t.identityPattern, "certificate-identity-regexp", "", "keyless: the same as a regular expression for the whole of it")
	fs.StringVar(&t.issuer, "certificate-oidc-issuer", "", "keyless: whose word that is, to the letter")
	fs.StringVar(&t.issuerPattern, "certificate-oidc-issuer-regexp", "", "keyless: the same as a regular expression")
	if cmd.Flags().Lookup("trusted-root") == nil {
		fs.StringVar(&t.trustedRoot, "trusted-root", "", "keyless: trusted root of another instance")
		fs.BoolVar(&t.staging, "staging", false, "keyless: Sigstore's staging instance")
	}
	fs.BoolVar(&t.notation, "notation", false, "believe whom notation's trust policy names, in its configuration directory")
	fs.StringVar(&t.notationConfig, "notation-config", "", "that directory, if it is another")
	if cmd.Flags().Lookup("profile") == nil {
		fs.StringArrayVar(&t.profiles, "profile", nil, "signing profile of AWS Signer that is trusted, an ARN; may be repeated")
	}
}

// verifiers are those that the flags name.
func (t *trustFlags) verifiers(ctx context.Context, u *ui, p *place) (out []verify.Verifier, err error) {
	if len(t.keys) > 0 {
		v, err := byKeys(ctx, u, t.keys)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if t.identity != "" || t.identityPattern != "" || t.issuer != "" || t.issuerPattern != "" {
		v, err := t.keyless(u)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if t.notation || t.notationConfig != "" {
		policy, err := notary.ReadTrustPolicy(os.DirFS(notationDir(t.notationConfig)))
		if err != nil && t.notationConfig != "" {
			return nil, unfit(t.notationConfig, err, fs.ErrNotExist, notary.ErrTrust)
		}
		if err != nil {
			return nil, err
		}
		v, err := policy.Verifier(p.repo.Name())
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if len(t.profiles) > 0 {
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, awssigner.Verifier(signer.NewFromConfig(cfg), t.profiles...))
	}
	if out == nil {
		return nil, misuse("whom do you believe? give --key, --certificate-identity with --certificate-oidc-issuer, --notation " +
			"or --profile")
	}
	return out, nil
}

func byKeys(ctx context.Context, u *ui, names []string) (verify.Verifier, error) {
	v := &verify.KeyVerifier{Formats: formats}
	for _, name := range names {
		if !isFile(name) {
			key, err := kms.Open(ctx, name)
			if err != nil {
				return nil, err
			}
			v.Keys = append(v.Keys, verify.TrustedKey{Name: name, Key: key.Public()})
			continue
		}
		data, err := u.read(name)
		if err != nil {
			return nil, err
		}
		key, err := keyfile.ParsePublic(data)
		if err != nil {
			return nil, unfit(name, err, sign.ErrKey)
		}
		v.Keys = append(v.Keys, verify.TrustedKey{Name: filepath.Base(name), Key: key})
	}
	if err := v.Validate(); err != nil {
		return nil, misuse("%v", err)
	}
	return v, nil
}

func isFile(name string) bool { return !strings.Contains(name, "://") }

func (t *trustFlags) keyless(u *ui) (verify.Verifier, error) {
	if (t.identity == "") == (t.identityPattern == "") || (t.issuer == "") == (t.issuerPattern == "") {
		return nil, misuse("keyless: give one of --certificate-identity and its regexp, and one of --certificate-oidc-issuer and " +
			"its regexp")
	}
	pattern := func(exact, expression string) sigstore.Pattern {
		if exact != "" {
			return sigstore.Exactly(exact)
		}
		return sigstore.Matching(expression)
	}
	who, issuer := pattern(t.identity, t.identityPattern), pattern(t.issuer, t.issuerPattern)
	trust := []sigstore.Entry{
		{Name: "the identity, as a workload", URI: who, Issuer: issuer},
		{Name: "the identity, as a person", Email: who, Issuer: issuer},
	}
	opts := &sigstore.Options{Formats: formats}
	if t.trustedRoot != "" {
		data, err := u.read(t.trustedRoot)
		if err != nil {
			return nil, err
		}
		root, err := sigstore.ParseRoot(data, nil)
		if err != nil {
			return nil, misuse("%s: %v", t.trustedRoot, err)
		}
		return believing(root, trust, opts)
	}
	roots, err := rootsOf(t.staging).Roots()
	if err != nil {
		return nil, err
	}
	return believing(roots.Root, trust, opts)
}

// believing makes a verifier of what flags say, so what it refuses is on the command line.
func believing(root *sigstore.Root, trust []sigstore.Entry, opts *sigstore.Options) (verify.Verifier, error) {
	v, err := sigstore.New(root, trust, opts)
	if err != nil {
		return nil, misuse("%v", err)
	}
	return v, nil
}

// notationDir is notation's configuration directory, as notation finds it.
func notationDir(given string) string {
	if given != "" {
		return given
	}
	if dir := os.Getenv("NOTATION_CONFIG"); dir != "" {
		return dir
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "notation"
	}
	return filepath.Join(dir, "notation")
}

func certificates(name string, data []byte) ([]*x509.Certificate, error) {
	out, err := notary.ParseCertificates(data)
	if err != nil {
		return nil, misuse("%s: %v", name, err)
	}
	return out, nil
}
