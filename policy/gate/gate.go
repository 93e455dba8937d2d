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
package gate

import (
	"context"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/registry"
)

// Open returns a function for the Open of a [policy.Gate]. It resolves an image name in its registry once, by tag or by
// digest as [registry.Open] reads names, and takes the evidence from the same repository. Options say how registries are
// reached and nil is anonymous; an Options.Cache is shared by all images.
//
// Errors are those of registry.Open and of Repository.Resolve, so a name that is not there can be told from a registry
// that does not answer by errors.Is on the decision's Err.
func Open(opts *registry.Options) func(ctx context.Context, name string) (*policy.Image, error) {
	return func(ctx context.Context, name string) (*policy.Image, error) {
		repo, err := registry.Open(name, opts)
		if err != nil {
			return nil, err
		}
		subject, err := repo.Resolve(ctx, "")
		if err != nil {
			return nil, err
		}
		return &policy.Image{Subject: subject, Source: repo}, nil
	}
}
