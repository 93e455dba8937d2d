// Package lading is the front page of a set of packages that give container images a bill of lading: what is in the
// image (an SBOM), how it was built (provenance), what is known against it (a vulnerability report), each signed,
// attached to the image in its registry, proven again before the image runs, and judged by a policy.
//
// The package itself has no code. Take the packages that you need; they do not depend on each other:
//
//   - [github.com/ladingdev/lading/sbom] reads, makes, converts and validates SBOMs.
//   - [github.com/ladingdev/lading/sign] signs statements about an image, with keys and with signing services.
//   - [github.com/ladingdev/lading/registry] attaches what was signed to the image, and finds it again.
//   - [github.com/ladingdev/lading/verify] proves what was found: who said what about which image.
//   - [github.com/ladingdev/lading/policy] decides on what was proven, at the doors where containers start.
//
// # One currency
//
// The packages fit together because all of them speak in descriptors of the OCI image specification, which each one
// calls Descriptor. A Descriptor names content by media type, digest and size. With its Data field set it is that
// content. So a Descriptor without Data is a subject, such as an image; and one with Data is a signature or an
// attestation on its way from a signer to a registry, or from a registry to a verifier.
//
// # A claim is not a proof
//
// A sign.Statement is what somebody claims. A verify.Attestation is what was proven. Only package verify makes the
// second, and policies take nothing else.
//
// # The way through
//
// On the side that builds:
//
//	image, err := repo.Resolve(ctx, "v1")
//	bom, err := sbom.GoBinary(binary, nil)
//	evidence, err := signer.Sign(ctx, sign.About(image, bom))
//	_, err = repo.Attach(ctx, image, evidence)
//
// On the side that runs:
//
//	decision := gate.Check(ctx, "registry.example/acme/app:v1")
//	if err := decision.Err(); err != nil {
//		return err
//	}
//	start(decision.Subject.Digest)
//
// Nothing is allowed by default, by an empty policy, or by an error. What could not be looked at is never taken for
// nothing there.
package lading
