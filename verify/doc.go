// Package verify proves what somebody says about a container image, and who says so.
//
// A [Source] gives candidates: whatever somebody stored beside the image. A [Verifier] proves one candidate, or says
// why not. [Collect] tries all of them and returns a [Report]:
//
//	key, err := verify.ParseTrustedKey(cosignPub)
//	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{key}}
//	report := verify.Collect(ctx, image, repository, v)
//	for _, a := range report.Attestations {
//		fmt.Println(a.Kind, a.PredicateType, a.Signers)
//	}
//
// Only a Verifier makes an [Attestation]: that an Attestation exists means that its statement was signed by each of its
// Signers and is about the subject that was asked for. Whether that is enough to run the image is not answered here;
// package policy decides on Reports. Whoever decides without it must look at Incomplete (what could not be looked at is
// not "nothing there"), at the Kind, and at the exact PredicateType.
//
// [KeyVerifier] is the Verifier for keys that the caller names. Package verify/notary reads Notary Project signatures,
// AWS Signer's among them. Package verify/verifytest tries a Verifier that you write.
//
// # What is read
//
// A KeyVerifier reads the formats that its caller lists; without a list, Sigstore bundles alone. There is no
// falling back from one format to another.
//
//	Bundle          Sigstore bundle v0.1, v0.2, v0.3 with a public key: DSSE envelope, or a file's signature (VerifyBlob)
//	DSSE            DSSE envelope, as in cosign's tag .att
//	SimpleSigning   cosign's first format, as in its tag .sig and in its referrers
//
// Payloads are in-toto Statements v1 and v0.1. A statement of predicate type https://sigstore.dev/cosign/sign/v1 and a
// simple signing payload become an image signature; any other statement never does. A file's signature becomes neither.
//
// JSON is read strictly wherever it is trusted: a member that occurs twice or in another case, trailing data, invalid
// UTF-8 and deep nesting are errors, for two readers of one document must not disagree. Predicates are returned as they
// were signed, to the byte, and are views of the decoded payload.
//
// # Algorithms
//
// The key decides, together with what its owner allows; nothing in the evidence does. Everything else is refused.
//
//	key                      signature                        hash      AllowSHA256   AllowEd25519ph
//	P-256                    ECDSA, ASN.1 DER                 SHA-256
//	P-384                    ECDSA, ASN.1 DER                 SHA-384   or SHA-256
//	P-521                    ECDSA, ASN.1 DER                 SHA-512   or SHA-256
//	RSA-2048, -3072, -4096   RSASSA-PKCS1-v1_5                SHA-256
//	Ed25519                  Ed25519, of the whole message                            or Ed25519ph
//
// cosign signs with Ed25519ph where it has an Ed25519 key from a file. For P-384 and P-521 from files it signs with the
// key's own hash, and its verification expects SHA-256 unless told otherwise.
//
// # What a key cannot tell
//
// A signature by a key carries no time that anybody vouches for: every Attestation by a KeyVerifier says so in its
// Checks, and its Signers have [TimeUnknown]. Who holds the key may sign tomorrow what looks like yesterday's. A key
// that leaked is revoked by no longer listing it. Log entries and timestamps in a bundle are not looked at, which the
// Checks say too.
package verify
