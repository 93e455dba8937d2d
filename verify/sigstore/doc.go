// Package sigstore verifies what was signed keyless: with a certificate that a Sigstore instance issued for minutes, to whom an
// identity provider vouches for, and whose signature its logs and timestamp authorities have seen. It verifies keys as well whose
// signatures are in the logs. It reads nothing but the evidence: there is no network, and no module beside package verify's.
//
//	root, err := sigstore.ParseRoot(trustedRoot, nil)
//	release, err := sigstore.GitHub{Repository: "acme/app", Workflow: "release.yml", Tags: "v*"}.Entry("release")
//	v, err := sigstore.New(root, []sigstore.Entry{release}, nil)
//	report := verify.Collect(ctx, image, repository, v)
//
// A [Root] is whom an instance trusts: trusted_root.json of the public one, of GitHub's or of your own. Package tuf, below this one,
// embeds the public one's and keeps it up to date. An [Entry] is who may sign.
// [Options] say how much it takes. One [Verifier] is for one instance; a Gate has several.
//
// # Who signed
//
// A certificate says a name (a workflow's URL, an e-mail address, a service account) and who vouches for it. Neither alone says
// anything: names are equal in every cluster of the world, and a provider has millions of users. [GitHub], [GitLab],
// [KubernetesServiceAccount], [GoogleServiceAccount], [SPIFFE] and [Person] make an Entry of what people mean, and each says what an
// attacker has in hand. Names, issuers and claims are compared whole; expressions are anchored.
//
// Signers are counted by entry. A workflow at two tags is one signer, for its certificates have two names and two keys, and one
// entry; a certificate that matches two entries is one signer too.
//
// # What is proven
//
// The signature, over this content. The certificate: that an authority issued it, and that it and all above it were valid, and
// trusted, at every time that is proven; never now. Certificate transparency, from embedded timestamps. Log entries: that they are of
// this signature, certificate and content, and in the log. Timestamps: that they are of this signature. What is there is verified,
// whether it is asked for or not. How much must be there does not depend on what the evidence says that it is.
//
//	log        entries                                                  proven by                  time
//	Rekor v1   hashedrekord 0.0.1, dsse 0.0.1, intoto 0.0.1 and 0.0.2   promise, inclusion proof   of the promise
//	Rekor v2   hashedrekord 0.0.2, also for envelopes                   inclusion proof            none: a timestamp is needed
//
// A proven time says that the signature was there then; a Signer has the earliest. A log's name, its key and the origin of the
// checkpoint that it signed decide which of the two it is.
//
// # What is read
//
// Sigstore bundles of version 0.1, 0.2 and 0.3 and, if the caller lists them, cosign's first formats: a layer whose annotations have
// certificate, promise and timestamp. JSON is read more strictly than protocol buffers' mapping asks: numbers are strings, base64 is
// padded and of the standard alphabet, names stand as encoders write them. A bundle of version 0.1 must have the log's promise, later
// ones a proof; [Options.ProofAfter] asks for a proof in any case.
//
// A certificate has one name, no subject, and is for signing code alone, as Fulcio's are. Detached certificate timestamps are not
// read: no bundle can carry one.
//
// Errors are one of package verify's and, below it, a [Fault].
package sigstore
