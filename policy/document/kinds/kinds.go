// Package kinds has the usual kinds of trust of policy documents, ready made, under the names that package importer writes:
//
//	p, err := doc.Load(&document.Options{Trust: map[string]document.TrustFunc{
//		"file":    kinds.File(os.DirFS("/etc/keys")),
//		"notary":  kinds.Notary(os.DirFS("/etc/notation")),
//		"keyless": kinds.Keyless(map[string]*sigstore.Root{"": root}),
//	}})
//
// It is a package of its own because it brings packages verify/notary and verify/sigstore with it. Profiles of AWS Signer and keys in
// a KMS need clients that the program has: examples/policy shows functions for them.
package kinds

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"github.com/ladingdev/lading/verify/sigstore"
)

// formats are the words of documents for verify.Format.
var formats = map[string]verify.Format{"bundle": verify.Bundle, "dsse": verify.DSSE, "simple-signing": verify.SimpleSigning}

func formatsOf(names []string) (out []verify.Format) {
	for _, n := range names {
		out = append(out, formats[n])
	}
	return out
}

// File trusts the public key in a file of files, in PEM:
//
//	with: {path: release.pub, formats: [bundle]}
//
// path is a path of files; a slash in front is left out. formats are those of keys in documents.
func File(files fs.FS) document.TrustFunc {
	return func(t *document.Trust) (verify.Verifier, error) {
		var with struct {
			Path    string   `yaml:"path,required"`
			Formats []string `enum:"bundle|dsse|simple-signing"`
		}
		if err := t.Decode(&with); err != nil {
			return nil, err
		}
		data, err := fs.ReadFile(files, path.Clean(strings.TrimLeft(with.Path, "/")))
		if err != nil {
			return nil, fmt.Errorf("kinds: %w", err)
		}
		key, err := verify.ParseTrustedKey(data)
		if err != nil {
			return nil, fmt.Errorf("kinds: %s: %w", with.Path, err)
		}
		key.Name = t.Name
		v := &verify.KeyVerifier{Keys: []verify.TrustedKey{key}, Formats: formatsOf(with.Formats)}
		return v, v.Validate()
	}
}

// Notary trusts signers of Notary Project signatures, by the trust stores of notation's configuration directory:
//
//	with:
//	  stores: ["ca:acme"]
//	  identities: ["x509.subject: C=US, ST=WA, O=acme"]
//	  verifyTimestamp: afterCertExpiry  # as in a trust policy
//	  revocation: soft                  # or off; required if nothing is said
//
// or by certificates in PEM:
//
//	with: {certs: "-----BEGIN CERTIFICATE-----...", tsaCerts: "...", identities: ["*"]}
//
// Stores and identities are as in a trust policy of level strict (notary.ReadTrustPolicy). For profiles of AWS Signer the store
// signingAuthority:aws-signer-ts is needed, and revocation cannot be asked of AWS: say soft, or bring a kind of your own.
func Notary(config fs.FS) document.TrustFunc {
	return func(t *document.Trust) (verify.Verifier, error) {
		var with struct {
			Stores          []string
			Identities      []string `yaml:"identities,required"`
			Certs           string
			TSACerts        string `yaml:"tsaCerts"`
			VerifyTimestamp string `enum:"always|afterCertExpiry"`
			Revocation      string `enum:"required|soft|off"`
		}
		if err := t.Decode(&with); err != nil {
			return nil, err
		}
		var v *notary.Verifier
		var err error
		switch {
		case (with.Stores == nil) == (with.Certs == ""):
			return nil, errors.New("kinds: say stores or certs, one of them")
		case with.Certs != "":
			v, err = byCertificates(with.Certs, with.TSACerts, with.Identities)
		case with.TSACerts != "":
			return nil, errors.New("kinds: tsaCerts are for certs: name a store of type tsa")
		default:
			v, err = byStores(config, t.Name, with.Stores, with.Identities, with.VerifyTimestamp)
		}
		if err != nil {
			return nil, fmt.Errorf("kinds: %w", err)
		}
		v.Revocation = map[string]notary.Revocation{"soft": notary.RevocationSoft, "off": notary.RevocationOffUnsafe}[with.Revocation]
		return v, v.Validate()
	}
}

func byCertificates(certs, tsa string, identities []string) (*notary.Verifier, error) {
	ca, err := notary.ParseCertificates([]byte(certs))
	if err != nil {
		return nil, err
	}
	var stamps []*x509.Certificate
	if tsa != "" {
		if stamps, err = notary.ParseCertificates([]byte(tsa)); err != nil {
			return nil, err
		}
	}
	return &notary.Verifier{CA: ca, TSA: stamps, Identities: identities}, nil
}

// byStores reads the stores by way of a trust policy that names them, so that their rules are those of package verify/notary.
func byStores(config fs.FS, name string, stores, identities []string, stamp string) (*notary.Verifier, error) {
	verification := map[string]any{"level": "strict"}
	if stamp != "" {
		verification["verifyTimestamp"] = stamp
	}
	policy, err := json.Marshal(map[string]any{"version": "1.0", "trustPolicies": []any{map[string]any{
		"name": name, "registryScopes": []string{"*"}, "signatureVerification": verification,
		"trustStores": stores, "trustedIdentities": identities,
	}}})
	if err != nil {
		return nil, err
	}
	trust, err := notary.ReadTrustPolicy(withPolicy{config, policy})
	if err != nil {
		return nil, err
	}
	return trust.Verifier("registry.invalid/any")
}

// withPolicy is a configuration directory with another trust policy.
type withPolicy struct {
	fs.FS
	policy []byte
}

const policyFile = "trustpolicy.oci.json"

func (w withPolicy) Open(name string) (fs.File, error) {
	if name == policyFile {
		return &file{bytes.NewReader(w.policy)}, nil
	}
	return w.FS.Open(name)
}

// Lstat and ReadLink let links be told, where the file system can.

func (w withPolicy) Lstat(name string) (fs.FileInfo, error) {
	if name == policyFile {
		return info(len(w.policy)), nil
	}
	return fs.Lstat(w.FS, name)
}

func (w withPolicy) ReadLink(name string) (string, error) { return fs.ReadLink(w.FS, name) }

// file is the policy, opened.
type file struct{ *bytes.Reader }

func (f *file) Stat() (fs.FileInfo, error) { return info(f.Size()), nil }
func (f *file) Close() error               { return nil }

// info describes it, by its size.
type info int64

func (i info) Name() string     { return policyFile }
func (i info) Size() int64      { return int64(i) }
func (info) Mode() fs.FileMode  { return 0o400 }
func (info) ModTime() time.Time { return time.Time{} }
func (info) IsDir() bool        { return false }
func (info) Sys() any           { return nil }

// Keyless trusts identities that a Sigstore instance vouches for, or a key whose signatures must be in its logs:
//
//	with:
//	  issuer: https://token.actions.githubusercontent.com
//	  subjectRegexp: https://github\.com/acme/app/\.github/workflows/release\.yml@refs/tags/v.*
//	  trustRoot: private   # of roots; "" if nothing is said
//
// issuer or issuerRegexp, and subject, subjectRegexp or email, or else key. A subject with "://" is a URI, one with "@" an email
// address; an expression matches whole names, and is for URIs. Claims are asked for by the rule keyless.
func Keyless(roots map[string]*sigstore.Root) document.TrustFunc {
	return func(t *document.Trust) (verify.Verifier, error) {
		var with struct {
			Issuer, IssuerRegexp   string
			Subject, SubjectRegexp string
			Email, Key             string
			TrustRoot              string
			Formats                []string `enum:"bundle|dsse|simple-signing"`
		}
		if err := t.Decode(&with); err != nil {
			return nil, err
		}
		root := roots[with.TrustRoot]
		if root == nil {
			return nil, fmt.Errorf("kinds: this program has no trusted root %q", with.TrustRoot)
		}
		e := sigstore.Entry{Name: t.Name, Issuer: sigstore.Pattern{Exact: with.Issuer, Expression: with.IssuerRegexp}}
		names := 0
		for _, n := range []string{with.Subject, with.SubjectRegexp, with.Email, with.Key} {
			if n != "" {
				names++
			}
		}
		switch {
		case names != 1:
			return nil, errors.New("kinds: say subject, subjectRegexp, email or key, one of them")
		case with.Key != "":
			if with.Issuer+with.IssuerRegexp != "" {
				return nil, errors.New("kinds: a key has no issuer")
			}
			key, err := verify.ParseTrustedKey([]byte(with.Key))
			if err != nil {
				return nil, fmt.Errorf("kinds: %w", err)
			}
			e.Key, e.Issuer = &key, sigstore.Pattern{}
		case with.Email != "":
			e.Email = sigstore.Exactly(with.Email)
		case with.SubjectRegexp != "":
			e.URI = sigstore.Matching(with.SubjectRegexp)
		case strings.Contains(with.Subject, "://"):
			e.URI = sigstore.Exactly(with.Subject)
		case strings.Contains(with.Subject, "@"):
			e.Email = sigstore.Exactly(with.Subject)
		default:
			e.OtherName = sigstore.Exactly(with.Subject)
		}
		v, err := sigstore.New(root, []sigstore.Entry{e}, &sigstore.Options{Formats: formatsOf(with.Formats)})
		if err != nil {
			return nil, fmt.Errorf("kinds: %w", err)
		}
		return v, nil
	}
}
