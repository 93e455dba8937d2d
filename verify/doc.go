// Package verify proves signed claims about a container image: which claim, and who signed it.
//
// A [Source] gives candidates, the evidence stored beside the image. A [Verifier] proves one candidate or returns an error with
// the reason. [Collect] tries all candidates and returns a [Report]:
//
//	key, err := verify.ParseTrustedKey(cosignPub)
//	v := &verify.KeyVerifier{Keys: []verify.TrustedKey{key}}
//	report := verify.Collect(ctx, image, repository, v)
//	for _, a := range report.Attestations {
//		fmt.Println(a.Kind, a.PredicateType, a.Signers)
//	}
//
// Only a Verifier makes an [Attestation]. Each of its Signers signed its statement, and the statement is about the requested
// subject. Package policy decides from Reports whether the image may run. Code that decides without it must check Incomplete
// (evidence that could not be read may exist), the Kind, and the exact PredicateType.
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
// Trusted JSON is read strictly, so that two readers cannot disagree about it: a duplicate member, a member in another case,
// trailing data, invalid UTF-8 and deep nesting are errors. Predicates are the signed bytes, as views of the decoded payload.
//
// # Algorithms
//
// The key and [TrustedKey.Schemes] select the algorithm, never the evidence. Other signatures are refused. If a trusted key made
// one, the error names its scheme.
//
//	key                      by default        listed, also
//	P-256                    ECDSAWithSHA256   ECDSAWithSHA384, ECDSAWithSHA512
//	P-384                    ECDSAWithSHA384   ECDSAWithSHA256, ECDSAWithSHA512
//	P-521                    ECDSAWithSHA512   ECDSAWithSHA256, ECDSAWithSHA384
//	RSA-2048, -3072, -4096   SHA256WithRSA     SHA384WithRSA, SHA512WithRSA, SHA256WithRSAPSS, SHA384WithRSAPSS, SHA512WithRSAPSS
//	Ed25519                  PureEd25519       Ed25519ph
//	ML-DSA-44, -65, -87      PureMLDSA44, PureMLDSA65, PureMLDSA87
//
// Other tools' schemes, where they are not the default:
//
//	cosign v3.1.3, Ed25519 key from a file                    Ed25519ph
//	cosign v3.1.3 --signature-digest-algorithm sha512         ECDSAWithSHA512, SHA512WithRSA; sha384 likewise
//	AWS KMS, Google Cloud KMS: key type RSA_..._SHA512        SHA512WithRSA; ..._PSS_..._SHA256: SHA256WithRSAPSS; and so on
//	in-toto, securesystemslib, witness: RSA                   SHA256WithRSAPSS
//	witness, podman, skopeo: P-384, P-521                     ECDSAWithSHA256
//
// A keyid, and the hint of a bundle, decide nothing: nobody signed them.
//
// # Signing time and revocation
//
// A signature by a key carries no proven time: the Signers of a KeyVerifier's Attestation have [TimeUnknown], and its Checks say so.
// The holder of the key can backdate a signature. To revoke a leaked key, remove it from Keys. A KeyVerifier ignores log entries
// and timestamps in a bundle, which the Checks also list.
package verify
