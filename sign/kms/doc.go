// Package kms signs with keys that stay in a key management service.
//
//	key, err := kms.Open(ctx, "awskms:///alias/release")
//	signer := &sign.BundleSigner{Key: key}
//	evidence, err := signer.Sign(ctx, sign.About(image, sign.ImageSignature{}))
//
// The key is a [sign.Key] like any other: it signs every format that its type and size have a place in, those of Notary
// Project (package sign/notary, which needs a certificate for it) included. To verify, publish the public key, as
// [sign.MarshalPublicKey] writes it: no service is asked then.
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
// A key of the types ECC_NIST_P256, _P384, _P521 and RSA_2048, _3072, _4096, for SIGN_VERIFY, will do. Opening is one call of
// GetPublicKey, each signature one of Sign; the caller needs the permissions kms:GetPublicKey and kms:Sign. An alias is
// followed once, when the key is opened, so that what is signed later is signed by the key that was opened, even if the
// alias then points elsewhere. The region is that of the ARN, if there is one. Only digests go to the service, however long
// the message is. A P-384 key signs SHA-384 and a P-521 key SHA-512, so SHA256 of the signers in package sign is refused.
//
// # Other services
//
// Google Cloud KMS, Azure Key Vault and HashiCorp Vault come from github.com/sigstore/sigstore: import the provider, which
// brings the service's libraries into your program, and [Open] knows its references:
//
//	import _ "github.com/sigstore/sigstore/pkg/signature/kms/gcp" // gcpkms://
//	import _ "github.com/sigstore/sigstore/pkg/signature/kms/azure" // azurekms://
//	import _ "github.com/sigstore/sigstore/pkg/signature/kms/hashivault" // hashivault://
//
// A reference of a scheme whose provider is not in the program is [ErrReference]. It never runs a plugin program from PATH,
// as that library by itself would. [FromSigstore] takes a signer that you made.
//
// # No call without an end
//
// Each call of a service ends after a minute, its retries included, or earlier by its context. Providers of sigstore/sigstore
// that do not heed their context keep the timeouts of their own clients.
//
// # What comes back is checked
//
// Each signature is verified before it is returned; one that does not hold is [ErrSignature].
package kms
