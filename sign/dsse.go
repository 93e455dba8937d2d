package sign

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/ladingdev/lading/internal/dsse"
	"github.com/ladingdev/lading/internal/simplesigning"
)

// A DSSESigner signs with a key and writes bare DSSE envelopes with an in-toto Statement v1: what cosign keeps under the tag
// .att, and what readers of in-toto attestations other than Sigstore's expect. They carry no hint whose key it is.
type DSSESigner struct {
	Key    Key    // as in [BundleSigner]
	Scheme Scheme // as in [BundleSigner]
}

// Sign returns an envelope with the statement. Errors are those of [BundleSigner.Sign].
func (d *DSSESigner) Sign(ctx context.Context, s *Statement) (Descriptor, error) {
	payload, err := s.encode()
	if err != nil {
		return Descriptor{}, fmt.Errorf("sign: %w: %w", ErrStatement, err)
	}
	envelope, err := signPayload(ctx, d.Key, payload, d.Scheme)
	if err != nil {
		return Descriptor{}, err
	}
	// cosign lists attestations by the first annotation, and skips layers without the second.
	return describe(dsse.MediaType, envelope.Append(nil), map[string]string{
		"predicateType":                   s.Predicate.PredicateType(),
		simplesigning.SignatureAnnotation: "",
	}), nil
}

// A CosignSigner signs images with a key and writes cosign's first format, simple signing, for registries and readers
// that need it: to be stored under the tag .sig.
//
// It signs [ImageSignature] alone, of one subject. The subject's Name is required and becomes the docker-reference: the image
// as those who run it write it, "registry.example.com/acme/app" or, with the tag, "registry.example.com/acme/app:v1". cosign and
// package verify show it; podman, skopeo, CRI-O and OpenShift, whose policies are read by containers/image, compare it with the
// image's name, and take none that is empty:
//
//	signedIdentity of the policy (go.podman.io/image v5.42.1)  host/repository   host/repository:tag
//	matchRepoDigestOrExact (the default), image by digest      refused           accepted
//	matchRepoDigestOrExact (the default), image by tag         refused           accepted
//	matchExact, image by that tag                              refused           accepted
//	matchRepository                                            accepted          accepted
//
// So the name with its tag is what passes everywhere, as long as the image runs under this tag or by digest. The subject's
// Annotations become optional members.
type CosignSigner struct {
	Key    Key    // as in [BundleSigner]
	Scheme Scheme // as in [BundleSigner]
}

// Sign returns the payload, with its signature in the annotation dev.cosignproject.cosign/signature. Errors wrap
// [ErrStatement], [ErrKey], or what the key returned.
func (c *CosignSigner) Sign(ctx context.Context, s *Statement) (Descriptor, error) {
	if _, err := s.encode(); err != nil {
		return Descriptor{}, fmt.Errorf("sign: %w: %w", ErrStatement, err)
	}
	if t := s.Predicate.PredicateType(); t != ImageSignatureType {
		return Descriptor{}, fmt.Errorf("sign: %w: simple signing has no room for a predicate of type %s", ErrStatement, t)
	}
	if len(s.Subjects) != 1 {
		return Descriptor{}, fmt.Errorf("sign: %w: simple signing has room for one subject, not %d", ErrStatement, len(s.Subjects))
	}
	subject := s.Subjects[0]
	if err := checkReference(subject.Name); err != nil {
		return Descriptor{}, fmt.Errorf("sign: %w: simple signing names the image in Subject.Name: %w", ErrStatement, err)
	}
	payload := simplesigning.Payload{Reference: subject.Name, Digest: subject.Digest.String(), Optional: maps.Clone(subject.Annotations)}
	data, err := payload.Append(nil)
	if err != nil {
		return Descriptor{}, fmt.Errorf("sign: %w: %w", ErrStatement, err)
	}
	sig, err := signMessage(ctx, c.Key, data, c.Scheme)
	if err != nil {
		return Descriptor{}, err
	}
	d := describe(simplesigning.MediaType, data, map[string]string{
		simplesigning.SignatureAnnotation: base64.StdEncoding.EncodeToString(sig),
	})
	d.ArtifactType = "application/vnd.dev.cosign.artifact.sig.v1+json"
	return d, nil
}

// checkReference returns an error that says why a name is not one that a reader compares an image's with: a registry's host and
// a repository, and perhaps a tag or a digest.
func checkReference(name string) error {
	host, repository, found := strings.Cut(name, "/")
	switch {
	case name == "":
		return errors.New(`it is empty; write it as "registry.example.com/acme/app:v1"`)
	case strings.Contains(name, "://"):
		return fmt.Errorf("%.128q has a scheme; write it as \"registry.example.com/acme/app:v1\"", name)
	case !found || repository == "" || !strings.ContainsAny(host, ".:") && host != "localhost":
		return fmt.Errorf("%.128q begins with no host; write it as \"registry.example.com/acme/app:v1\"", name)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"\\?#`, r) }):
		return fmt.Errorf("%.128q is no name of an image", name)
	}
	return nil
}
