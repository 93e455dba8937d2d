// Package sign signs statements about container images and other artifacts.
//
// A [Statement] says that a [Predicate] holds of subjects: that an image is ours, what is in it, how it was built. A
// [Signer] turns it into evidence: a [Descriptor] with its bytes, ready to be attached to the image in a registry.
//
//	key, err := sign.ParseKey(pem, passphrase)
//	signer := &sign.BundleSigner{Key: key}
//	evidence, err := signer.Sign(ctx, sign.About(image, sign.ImageSignature{}))
//
// Use [BundleSigner] unless a reader needs something else. It writes what cosign v3 writes, and cosign, sigstore-go and
// package verify read it. [DSSESigner] and [CosignSigner] write cosign's older formats; package sign/notary those of
// Notary Project; package sign/awssigner has AWS Signer make them.
//
// [GenerateKey], [ParseKey] and [FromSigner] give a [Key]; package sign/keyfile reads keys of OpenSSH too and says which files
// and devices have been tried; package sign/kms gives keys that stay in a key management service. A key written by
// [LocalKey.MarshalEncryptedPEM] is one that cosign uses, and the reverse.
//
// The predicate's bytes are signed as they are: they are checked to be one strict JSON value and never written anew. So
// what a verifier gets is the SBOM that was signed, to the byte.
//
// What this package is not for: whether to trust a statement is the question of package verify, and what to do about
// it that of package policy. A signature by a key has no time that anybody vouches for and no record in a log.
//
// # Algorithms
//
// The type and size of the key fix the algorithm, the same in every format here, and nothing in what is signed or
// verified can change it. Formats of Notary Project have a table of their own: see package sign/notary.
//
//	key         signature                        hash      with SHA256: true
//	P-256       ECDSA, ASN.1 DER                 SHA-256
//	P-384       ECDSA, ASN.1 DER                 SHA-384   SHA-256
//	P-521       ECDSA, ASN.1 DER                 SHA-512   SHA-256
//	RSA-2048    RSASSA-PKCS1-v1_5                SHA-256
//	RSA-3072    RSASSA-PKCS1-v1_5                SHA-256
//	RSA-4096    RSASSA-PKCS1-v1_5                SHA-256
//	Ed25519     Ed25519, of the whole message
//
// Any other key is [ErrKey].
package sign
