// Package kms signs with keys that stay in AWS KMS.
//
//	key, err := kms.Open(ctx, "awskms:///alias/release")
//	signer := &sign.BundleSigner{Key: key}
//	evidence, err := signer.Sign(ctx, sign.About(image, sign.ImageSignature{}))
//
// The key is a [sign.Key] like any other: it signs every format that its type and size have a place in, those of Notary
// Project (package sign/notary, which needs a certificate for it) included, with the exceptions below. To verify, publish the
// public key, as [sign.MarshalPublicKey] writes it: no service is asked then.
//
// # AWS KMS
//
// [Open] takes the references that cosign takes, awskms://[ENDPOINT]/KEY, where KEY is a key's id or ARN, or an alias or its
// ARN; credentials come from where the AWS SDK finds them. [NewAWS] takes a client of the SDK instead and reads nothing of
// its surroundings.
//
//	awskms:///1234abcd-12ab-34cd-56ef-1234567890ab
//	awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
//	awskms:///alias/release
//	awskms://vpce-0a1b2c.kms.eu-west-1.vpce.amazonaws.com/alias/release
//
// A key of the types ECC_NIST_P256, _P384, _P521, ECC_NIST_EDWARDS25519, RSA_2048, _3072, _4096 and ML_DSA_44, _65, _87, for
// SIGN_VERIFY, will do. Of ML-DSA what the key signs is made here (EXTERNAL_MU, 64 bytes), so that length does not matter.
// P-256 is the one to choose: with Ed25519 the service takes the whole message, of at most 4,096 bytes, so that an image
// signature fits and an SBOM is [sign.ErrLimit], before any call. Of all others only digests go to the service, however long
// the message is. A P-384 key signs SHA-384 and a P-521 key SHA-512, and another Scheme is refused.
//
// Opening is one call of GetPublicKey, each signature one of Sign; the caller needs the permissions kms:GetPublicKey and
// kms:Sign. An alias is followed once, when the key is opened, so that what is signed later is signed by the key that was
// opened, even if the alias then points elsewhere. The region is that of the ARN, if there is one.
//
// # Other services
//
// Google Cloud KMS, Azure Key Vault, HashiCorp Vault and OpenBao come from github.com/sigstore/sigstore: package
// sign/kms/sigstorekms, a module of its own, opens their keys, and makes any signer of that library a key.
//
// # No call without an end
//
// Each call of the service ends after a minute, its retries included, or earlier by its context.
//
// # What comes back is checked
//
// Each signature is verified before it is returned; one that does not hold is [sign.ErrSignature].
package kms
