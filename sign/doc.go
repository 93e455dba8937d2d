// Package sign signs statements about container images and other artifacts.
//
// A [Statement] is a [Predicate] about subjects: an image signature, an SBOM, build provenance. A [Signer] turns it into evidence:
// a [Descriptor] with its bytes in Data, ready to be attached to the image in a registry.
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
// The predicate's bytes are checked to be one strict JSON value and signed unchanged, so a verifier gets the signed SBOM byte for
// byte.
//
// This package does not decide whether to trust a statement: package verify proves statements, and package policy decides. A
// signature by a key has no proven time and no log entry.
//
// # Algorithms
//
// The type and size of the key select the algorithm, the same in every format here. Only the caller can change it, with the field
// Scheme of the signers; signed content cannot. Formats of Notary Project have a table of their own: see package sign/notary.
//
//	key                       by default        or, by Scheme
//	P-256                     ECDSAWithSHA256   ECDSAWithSHA384, ECDSAWithSHA512
//	P-384                     ECDSAWithSHA384   ECDSAWithSHA256, ECDSAWithSHA512
//	P-521                     ECDSAWithSHA512   ECDSAWithSHA256, ECDSAWithSHA384
//	RSA-2048, -3072, -4096    SHA256WithRSA     SHA384WithRSA, SHA512WithRSA, SHA256WithRSAPSS, SHA384WithRSAPSS, SHA512WithRSAPSS
//	Ed25519                   PureEd25519       Ed25519ph
//	ML-DSA-44, -65, -87       PureMLDSA44, PureMLDSA65, PureMLDSA87
//
// Any other key is [ErrKey]. What a Key returns is verified before it is handed out: see [ErrSignature].
//
// # Post-quantum keys
//
// ML-DSA (FIPS 204) holds against quantum computers, as far as is known, and the other keys do not. Keys in files are PKIX and
// PKCS #8 (RFC 9881), the latter with the seed alone; it is used pure and with an empty context, as sigstore/sigstore v1.11.3
// does. Signatures have 2,420, 3,309 and 4,627 bytes. Whoever does not want to rely on it alone signs with a classical key, too,
// and has the policy ask for both: see the example of package verify.
//
// # Who reads what
//
// P-256 by default is read by all. Other keys need to be paired with their readers; the last reads simple signing, the others
// statements, and - is what was not tried:
//
//	reader                                        P-384   P-521   both by ECDSAWithSHA256   RSA   RSA by SHA256WithRSAPSS   Ed25519
//	package verify                                yes     yes     listed in Schemes         yes   listed in Schemes         yes
//	cosign v3.1.3, key from a file                no      no      yes                       yes   no                        yes
//	sigstore-go v1.3.0, LoadDefaultVerifier       yes     yes     no                        yes   no                        yes
//	@sigstore/verify 3.1.1 (npm)                  no      no      yes                       yes   no                        yes
//	go-securesystemslib v0.11.1 (in-toto)         yes     yes     no                        no    yes                       yes
//	securesystemslib 0.26 (Python)                yes     no      no                        no    yes                       yes
//	witness (go-witness ad20e39c)                 no      no      yes                       yes   yes                       -
//	podman, skopeo (go.podman.io/image v5.42.1)   no      no      yes                       yes   -                         yes
//
// So a P-256 key is the advice for who can choose. The signers here write no keyid: cosign v3.1.3 and sigstore-go v1.3.0
// pass over a signature that has one which is not the key's own by their reckoning.
//
// # One key, one use
//
// A key says nothing of what it is for, so whatever is signed with it counts wherever it is trusted. [BundleSigner.SignBlob]
// refuses files that are, byte for byte, what some format here signs for an image.
package sign
