// Package awssigner signs images with AWS Signer, as notation with AWS's plugin does, in this process: no notation, no plugin,
// no files.
//
// A [Signer] is a client of the AWS SDK and a signing profile's ARN:
//
//	client := signer.NewFromConfig(cfg) // github.com/aws/aws-sdk-go-v2/service/signer
//	s, err := awssigner.New(client, "arn:aws:signer:eu-west-1:111122223333:/signing-profiles/release")
//	evidence, err := s.Sign(ctx, sign.About(image, sign.ImageSignature{}))
//
// The evidence is ready to be attached to the image. Each signature is one call of SignPayload, in the region of the ARN
// whatever the client's own is. The caller needs the permission signer:SignPayload on the profile, which may be another
// account's. What the service returns is checked before it counts: see [ErrReply].
//
// # SBOMs and other documents
//
// AWS Signer signs descriptors of OCI artifacts and nothing else, so a statement with another predicate than
// [sign.ImageSignature] is [sign.ErrStatement]. A document is signed as an artifact of its own, in three lines: attach it
// to the image, sign the descriptor that this returns, and attach the signature to that:
//
//	artifacts, err := repo.Attach(ctx, image, document)
//	evidence, err := s.Sign(ctx, sign.About(artifacts[0], sign.ImageSignature{}))
//	_, err = repo.Attach(ctx, artifacts[0], evidence)
//
// # What is not here
//
// DSSE envelopes and Sigstore bundles: use [sign.BundleSigner] with a key of AWS KMS (package sign/kms). COSE envelopes: the
// service writes JWS. A lifetime by the caller: the signing profile has it. So there are no fields for them.
package awssigner
