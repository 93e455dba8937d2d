// Package gate connects policies to registries: it is where a [policy.Gate] gets an image and its evidence from.
//
//	gate := &policy.Gate{
//		Open:      gate.Open(nil),
//		Verifiers: []verify.Verifier{&verify.KeyVerifier{Keys: keys}},
//		Policy:    policy.Require{Kind: verify.ImageSignature},
//	}
//
// It is the only package below policy that imports package registry. A gate that takes images or evidence from elsewhere
// does without it.
//
// # What all doors share
//
// A policy.Gate judges one image. A door is asked about thousands, by callers who wait for seconds, and a [Checker] is what stands
// between the two:
//
//	checker, err := gate.New(&gate.Rules{Gate: g}, nil)
//	answer := checker.Check(ctx, &gate.Question{Name: "ghcr.io/acme/app:v1"})
//	if !answer.Allowed {
//		return errors.New(answer.Reason)
//	}
//	run(answer.Reference.String()) // ghcr.io/acme/app:v1@sha256:...
//
// It resolves a tag once and judges the digest. It answers before its caller's deadline, with what is known by then. It asks
// a registry for no more images at the same time than Options.PerRegistry, and makes equal questions one, whose work goes on
// when the first who asked goes away. Packages policy/k8sgate and policy/ecsgate are doors that hold one.
//
// # What is kept, and for how long
//
//	verified evidence   for the bytes and annotations of the evidence, the subject and the trust; until a signer ends
//	an allowed image    for the digest, the repository, the policy, the trust, and of the request what the policy sees;
//	                    AllowFor (5 minutes), never beyond the decision's Until
//	a denial            for the same; DenyFor (5 seconds): so long an image stays refused after its evidence was attached
//	the digest of a tag TagFor (not at all)
//	nothing             of what is Indeterminate: a failure is not a denial
//
// Within AllowFor nobody looks for new evidence: what is attached later, and what is removed, shows when it is over. Rules that are
// changed with [Checker.Use] hold for every answer from then on. A decision of a policy that does not say until when it holds
// is not kept, see policy.Func.
//
// # When something cannot be looked at
//
// The verdict is Indeterminate and the door stays shut; Answer.RetryAfter says when to ask again. With Options.Outage, what was
// allowed not longer ago than that is allowed where the registry does not answer, and says so. A registry that answers
// wrongly, or not for us, is no outage, nor is a revocation list that cannot be had. A tag is never taken from memory for that.
package gate

import (
	"context"
	"slices"
	"strings"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
)

// Open returns a function for the Open of a [policy.Gate]. It resolves an image name in its registry once, by tag or by
// digest as [registry.Open] reads names, and takes the evidence from the same repository. Of an index it reads the images once, for
// the policy to see; they are remembered by the digest of the index. Options say how registries are
// reached and nil is anonymous; an Options.Cache is shared by all images.
//
// Errors are those of registry.Open, Repository.Resolve and Repository.Children, so a name that is not there can be told from a
// registry that does not answer by errors.Is on the decision's Err.
func Open(o *registry.Options) func(ctx context.Context, name string) (*policy.Image, error) {
	const most = 1024
	indexes := newLRU[string, []verify.Descriptor](most)
	return func(ctx context.Context, name string) (*policy.Image, error) {
		repo, err := registry.Open(name, o)
		if err != nil {
			return nil, err
		}
		subject, known := told(ctx, name)
		if !known {
			if subject, err = repo.Resolve(ctx, ""); err != nil {
				return nil, err
			}
		}
		image := &policy.Image{Subject: subject, Source: repo}
		if !isIndex(subject) {
			return image, nil
		}
		key := repo.Name() + "@" + string(subject.Digest)
		images, read := indexes.get(key)
		if !read {
			if images, err = imagesOf(ctx, subject, repo.Children); err != nil {
				return nil, err
			}
			indexes.put(key, images, 1)
		}
		image.Children = slices.Clone(images)
		return image, nil
	}
}

// told returns what the question says of a name by digest. The media type decides whether there are children to read; a registry's is
// believed for no more.
func told(ctx context.Context, name string) (verify.Descriptor, bool) {
	d, ok := ctx.Value(subjectKey{}).(verify.Descriptor)
	if !ok || d.Size <= 0 || !strings.HasSuffix(name, "@"+string(d.Digest)) {
		return verify.Descriptor{}, false
	}
	return verify.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, isIndex(d) || isManifest(d)
}
