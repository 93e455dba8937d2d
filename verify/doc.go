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
// AWS Signer's among them. Package verify/sigstore reads what was signed keyless, with a Fulcio certificate. Package
// verify/verifytest tries a Verifier that you write.
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
// The key decides, together with what its owner lists in [TrustedKey.Schemes]; nothing in the evidence does. Everything
// else is refused, and if a trusted key made it, the refusal names the scheme.
//
//	key                      by default        listed, also
//	P-256                    ECDSAWithSHA256   ECDSAWithSHA384, ECDSAWithSHA512
//	P-384                    ECDSAWithSHA384   ECDSAWithSHA256, ECDSAWithSHA512
//	P-521                    ECDSAWithSHA512   ECDSAWithSHA256, ECDSAWithSHA384
//	RSA-2048, -3072, -4096   SHA256WithRSA     SHA384WithRSA, SHA512WithRSA, SHA256WithRSAPSS, SHA384WithRSAPSS, SHA512WithRSAPSS
//	Ed25519                  PureEd25519       Ed25519ph
//	ML-DSA-44, -65, -87      PureMLDSA44, PureMLDSA65, PureMLDSA87
//
// What others sign with, where it is not the default:
//
//	cosign v3.1.3, Ed25519 key from a file                    Ed25519ph
//	cosign v3.1.3 --signature-digest-algorithm sha512         ECDSAWithSHA512, SHA512WithRSA; sha384 likewise
//	AWS KMS, Google Cloud KMS: key type RSA_..._SHA512        SHA512WithRSA; ..._PSS_..._SHA256: SHA256WithRSAPSS; and so on
//	in-toto, securesystemslib, witness: RSA                   SHA256WithRSAPSS
//	witness, podman, skopeo: P-384, P-521                     ECDSAWithSHA256
//
// A keyid, and the hint of a bundle, decide nothing: nobody signed them.
//
// # What a key cannot tell
//
// A signature by a key carries no time that anybody vouches for: every Attestation by a KeyVerifier says so in its Checks, and its
// Signers have [TimeUnknown]. Who holds the key may sign tomorrow what looks like yesterday's. A key that leaked is revoked by no
// longer listing it. Log entries and timestamps in a bundle are not looked at, which the Checks say too.
package verify
