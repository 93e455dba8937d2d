package containers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/pkg/docker/config"
	"go.podman.io/image/v5/types"
)

// A BundlePolicy asks for an image signature in a Sigstore bundle, which the library's own policy cannot: it reads cosign's first
// format alone. It takes the library as it is released. An engine hands [BundlePolicy.Required] to copy.Image in the place of a
// reference, or asks [BundlePolicy.IsRunningImageAllowed] where it asks a signature.PolicyContext.
type BundlePolicy struct {
	Verifier verify.Verifier // one of verify/sigstore, for example: who may sign
	// Open returns where the signatures of a repository are; nil means its registry, with the credentials that the library has.
	Open func(ctx context.Context, sys *types.SystemContext, ref types.ImageReference) (verify.Source, error)
}

// ErrNotSigned means that no signature of an image was accepted. It is wrapped beside the reasons why not.
var ErrNotSigned = errors.New("no signature of the image is accepted")

// check proves that somebody who may signed the image of a digest.
func (p *BundlePolicy) check(ctx context.Context, source verify.Source, image digest.Digest) error {
	report := verify.Collect(ctx, verify.Descriptor{Digest: image}, source, p.Verifier)
	if slices.ContainsFunc(report.Attestations, func(a *verify.Attestation) bool { return a.Kind == verify.ImageSignature }) {
		return nil
	}
	reasons := []error{fmt.Errorf("%s: %w", image, ErrNotSigned)}
	for _, r := range report.Rejected {
		reasons = append(reasons, r)
	}
	return errors.Join(append(reasons, report.Incomplete...)...)
}

func (p *BundlePolicy) open(ctx context.Context, sys *types.SystemContext, ref types.ImageReference) (verify.Source, error) {
	if p.Open != nil {
		return p.Open(ctx, sys, ref)
	}
	name := ref.DockerReference()
	if name == nil {
		return nil, fmt.Errorf("%s: an image of no registry has no signatures in one", ref.StringWithinTransport())
	}
	return registry.Open(name.Name(), &registry.Options{
		EvidenceTypes: []string{"application/vnd.dev.sigstore.bundle.v0.3+json"},
		Credential: func(context.Context, string) (registry.Credential, error) {
			c, err := config.GetCredentialsForRef(sys, name)
			return registry.Credential{Username: c.Username, Password: c.Password, RefreshToken: c.IdentityToken}, err
		},
	})
}

// IsRunningImageAllowed is the question of signature.PolicyContext: either result alone is a no.
func (p *BundlePolicy) IsRunningImageAllowed(ctx context.Context, sys *types.SystemContext, image types.UnparsedImage) (bool, error) {
	data, _, err := image.Manifest(ctx)
	if err != nil {
		return false, err
	}
	d, err := manifest.Digest(data)
	if err != nil {
		return false, err
	}
	source, err := p.open(ctx, sys, image.Reference())
	if err != nil {
		return false, err
	}
	if err := p.check(ctx, source, d); err != nil {
		return false, err
	}
	return true, nil
}

// Required returns a reference that gives no manifest but of images that are signed. A signature of an index is one of all that it
// lists; of an index without one, the image that is taken from it must have its own.
func (p *BundlePolicy) Required(ref types.ImageReference) types.ImageReference {
	return &requiredReference{ImageReference: ref, policy: p}
}

type requiredReference struct {
	types.ImageReference
	policy *BundlePolicy
}

var errUnchecked = errors.New("an image without its source is not checked: ask for NewImageSource")

// NewImage would go past the check.
func (r *requiredReference) NewImage(context.Context, *types.SystemContext) (types.ImageCloser, error) {
	return nil, errUnchecked
}

func (r *requiredReference) NewImageSource(ctx context.Context, sys *types.SystemContext) (types.ImageSource, error) {
	src, err := r.ImageReference.NewImageSource(ctx, sys)
	if err != nil {
		return nil, err
	}
	evidence, err := r.policy.open(ctx, sys, r.ImageReference)
	if err != nil {
		return nil, errors.Join(err, src.Close())
	}
	return &requiredSource{ImageSource: src, policy: r.policy, evidence: evidence, results: make(map[digest.Digest]error)}, nil
}

type requiredSource struct {
	types.ImageSource
	policy   *BundlePolicy
	evidence verify.Source

	mu      sync.Mutex
	results map[digest.Digest]error // no call twice
}

func (s *requiredSource) signed(ctx context.Context, d digest.Digest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err, known := s.results[d]
	if !known {
		err = s.policy.check(ctx, s.evidence, d)
		s.results[d] = err
	}
	return err
}

// GetManifest checks the digest of what it returns, whatever was asked for.
func (s *requiredSource) GetManifest(ctx context.Context, instance *digest.Digest) ([]byte, string, error) {
	top, topType, err := s.ImageSource.GetManifest(ctx, nil)
	if err != nil {
		return nil, "", err
	}
	d, err := manifest.Digest(top)
	if err != nil {
		return nil, "", err
	}
	refused := s.signed(ctx, d)
	if instance == nil {
		if refused != nil && !manifest.MIMETypeIsMultiImage(topType) {
			return nil, "", refused
		}
		return top, topType, nil
	}
	data, mimeType, err := s.ImageSource.GetManifest(ctx, instance)
	if err != nil {
		return nil, "", err
	}
	if d, err = manifest.Digest(data); err != nil || d != *instance {
		return nil, "", fmt.Errorf("%s: a manifest of digest %s: %w", *instance, d, errors.Join(ErrNotSigned, err))
	}
	if refused == nil {
		list, err := manifest.ListFromBlob(top, topType)
		if err == nil && slices.Contains(list.Instances(), d) {
			return data, mimeType, nil
		}
	}
	if err := s.signed(ctx, d); err != nil {
		return nil, "", err
	}
	return data, mimeType, nil
}
