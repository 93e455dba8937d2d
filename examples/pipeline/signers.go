package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/signer"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/awssigner"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/kms"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	vawssigner "github.com/ladingdev/lading/verify/notary/awssigner"
	"github.com/ladingdev/lading/verify/sigstore"
	"github.com/ladingdev/lading/verify/sigstore/tuf"
)

// A seal signs images and attests what is known of them, and trusts nobody else.
type seal struct {
	trusts   string // what a gate is to trust, for people
	signer   sign.Signer
	verifier verify.Verifier
	// documents is set if the service signs artifacts alone, as AWS Signer does: then a document is attached, and signed as one.
	documents bool
}

// byProfile signs with a profile of AWS Signer. Roots are its own; nil means those that AWS has published.
func byProfile(client *signer.Client, profile string, roots []*x509.Certificate) (*seal, error) {
	by, err := awssigner.New(client, profile)
	if err != nil {
		return nil, err
	}
	var v *notary.Verifier = vawssigner.Verifier(client, profile)
	if roots != nil {
		v.SigningAuthority, v.AWSRoots = roots, roots
	}
	return &seal{trusts: profile, signer: by, verifier: v, documents: true}, nil
}

// byKey signs with a key of a service, such as awskms:///alias/release.
func byKey(ctx context.Context, reference string) (*seal, error) {
	key, err := kms.Open(ctx, reference)
	if err != nil {
		return nil, err
	}
	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}
	return &seal{trusts: reference, signer: &sign.BundleSigner{Key: key}, verifier: v}, nil
}

// byJob signs with the identity of the job that this runs in. The folder is that of a Sigstore of one's own; empty means the public one.
func byJob(folder string, lookup func(string) (string, bool)) (*seal, error) {
	root, config, err := instance(folder)
	if err != nil {
		return nil, err
	}
	i, err := keyless.ParseInstance(root, config)
	if err != nil {
		return nil, err
	}
	source, who, err := job(lookup)
	if err != nil {
		return nil, err
	}
	trust, err := sigstore.ParseRoot(root, nil)
	if err != nil {
		return nil, err
	}
	v, err := sigstore.New(trust, []sigstore.Entry{who}, nil)
	if err != nil {
		return nil, err
	}
	return &seal{trusts: who.Name, signer: &keyless.Signer{Instance: i, Token: source}, verifier: v}, nil
}

func instance(folder string) (root, config []byte, err error) {
	if folder == "" {
		roots, err := (&tuf.Client{Signing: true}).Roots()
		if err != nil {
			return nil, nil, err
		}
		return roots.JSON, roots.SigningConfig, nil
	}
	if root, err = os.ReadFile(filepath.Join(folder, "trusted_root.json")); err != nil {
		return nil, nil, err
	}
	config, err = os.ReadFile(filepath.Join(folder, "signing_config.json"))
	return root, config, err
}

// job finds out which CI service this runs on: where a token comes from, and whom its certificate will name.
func job(lookup func(string) (string, bool)) (keyless.TokenSource, sigstore.Entry, error) {
	get := func(name string) string { v, _ := lookup(name); return v }
	entry := func(name, issuer string) sigstore.Entry {
		return sigstore.Entry{Name: name, URI: sigstore.Exactly(name), Issuer: sigstore.Exactly(issuer)}
	}
	switch {
	case get("GITHUB_ACTIONS") == "true":
		return keyless.GitHubEnvironment(
				nil,
			), entry(
				"https://github.com/"+get("GITHUB_WORKFLOW_REF"),
				"https://token.actions.githubusercontent.com",
			), nil
	case get("GITLAB_CI") == "true":
		ref := "refs/heads/" + get("CI_COMMIT_REF_NAME")
		if tag := get("CI_COMMIT_TAG"); tag != "" {
			ref = "refs/tags/" + tag
		}
		return keyless.GitLabEnvironment(), entry(get("CI_PROJECT_URL")+"//"+get("CI_CONFIG_PATH")+"@"+ref, get("CI_SERVER_URL")), nil
	case get("CODEBUILD_BUILD_ARN") != "":
		return nil, sigstore.Entry{}, errors.New(
			"AWS CodeBuild gives no token that the public Sigstore takes: sign with a profile of AWS Signer or a key of AWS KMS",
		)
	}
	return nil, sigstore.Entry{}, errors.New(
		"this is no job of GitHub Actions or GitLab: their names are all that is known here of who will be in the certificate",
	)
}

// attest attaches a signed statement, or a signed document.
func (s *seal) attest(ctx context.Context, repo *registry.Repository, image ocispec.Descriptor, predicate sign.Predicate) error {
	if !s.documents {
		return s.attach(ctx, repo, image, predicate)
	}
	document, err := documentOf(image, predicate)
	if err != nil {
		return err
	}
	artifacts, err := repo.Attach(ctx, image, document)
	if err != nil {
		return err
	}
	return s.attach(ctx, repo, artifacts[0], sign.ImageSignature{})
}

// sign signs a predicate of an image or an artifact.
func (s *seal) sign(ctx context.Context, d ocispec.Descriptor, predicate sign.Predicate) (ocispec.Descriptor, error) {
	return s.signer.Sign(ctx, sign.About(ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, predicate))
}

func (s *seal) attach(ctx context.Context, repo *registry.Repository, d ocispec.Descriptor, predicate sign.Predicate) error {
	evidence, err := s.sign(ctx, d, predicate)
	if err != nil {
		return err
	}
	_, err = repo.Attach(ctx, d, evidence)
	return err
}

// documentOf is a predicate as an artifact: an SBOM as it is, anything else as the statement that nobody signed.
func documentOf(image ocispec.Descriptor, predicate sign.Predicate) (ocispec.Descriptor, error) {
	mediaType, data := "application/vnd.in-toto+json", []byte(nil)
	if doc, ok := predicate.(*sbom.Document); ok {
		mediaType, data = doc.MediaType(), doc.Bytes()
	} else {
		content, err := predicate.MarshalJSON()
		if err != nil {
			return ocispec.Descriptor{}, err
		}
		data, err = json.Marshal(map[string]any{"_type": "https://in-toto.io/Statement/v1", "predicateType": predicate.PredicateType(),
			"subject":   []any{map[string]any{"digest": map[string]string{image.Digest.Algorithm().String(): image.Digest.Encoded()}}},
			"predicate": json.RawMessage(content)})
		if err != nil {
			return ocispec.Descriptor{}, err
		}
	}
	d := describe(mediaType, bytes.Clone(data))
	d.ArtifactType, d.Data = mediaType, data
	return d, nil
}

// how makes the seal that the command line asks for.
func how(ctx context.Context, o *options, client func() (*signer.Client, error)) (*seal, error) {
	switch {
	case o.sign == "keyless":
		return byJob(o.sigstore, os.LookupEnv)
	case strings.HasPrefix(o.sign, "arn:") && strings.Contains(o.sign, ":signer:"):
		c, err := client()
		if err != nil {
			return nil, err
		}
		return byProfile(c, o.sign, nil)
	case strings.Contains(o.sign, "://"):
		return byKey(ctx, o.sign)
	}
	return nil, fmt.Errorf("-sign %q is neither a profile's ARN, nor a key such as awskms:///alias/release, nor keyless", o.sign)
}
