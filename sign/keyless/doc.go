// Package keyless signs without a key that anybody keeps: with one that lives for one signature, a certificate that says who
// asked for it, and witnesses that saw the signature when it was made (Sigstore).
//
//	instance, err := keyless.ParseInstance(roots.JSON, roots.SigningConfig) // (&tuf.Client{}).Roots()
//	signer := &keyless.Signer{Instance: instance, Token: keyless.GitHubEnvironment(nil)}
//	evidence, err := signer.Sign(ctx, sign.About(image, sign.ImageSignature{}))
//
// An [Instance] is where the services are and whom to believe: trusted_root.json and signing_config.json of the public one, or
// of your own. Package verify/sigstore/tuf brings both of the first.
//
// What is handed out has been verified, by the code of verify/sigstore: the certificate and who vouches for its transparency,
// that it is of our key, the log's entry and proof, the timestamp. A service that lies is an error here and not one at
// deployment, and nothing half signed leaves.
//
// # Who asks
//
// A [TokenSource] returns an identity token (OpenID Connect) for an audience. Where one comes from:
//
//	GitHub Actions         GitHubEnvironment       the job needs permissions: id-token: write
//	GitLab CI              GitLabEnvironment       the job needs id_tokens: SIGSTORE_ID_TOKEN: {aud: sigstore}
//	Buildkite              BuildkiteEnvironment    asks the agent's API
//	CircleCI               CircleCIEnvironment     a step before asks for a token with: circleci run oidc get
//	Google Cloud           GoogleEnvironment       asks the metadata server
//	Kubernetes, Amazon EKS KubernetesEnvironment   a projected service account token with audience sigstore; elsewhere, FileToken
//	AWS STS                package awsoidc         for a Fulcio of your own
//	anything else          a function              an interactive login is no business of a library
//
// AWS CodeBuild, Lambda, ECS and EC2 have no token that the public Fulcio takes: AWS STS makes tokens for any audience
// (GetWebIdentityToken), and their issuer, one for each account, is not in its configuration. Use a Fulcio of your own and package
// awsoidc, or a key in AWS KMS with [Witnesses], which proves as much about when, and names the key instead of the job.
//
// # Witnesses for keys
//
// [Witnesses] have the signature of a long-lived key logged and timestamped, so that its age is proven:
//
//	signer := &sign.BundleSigner{Key: kmsKey, Witness: &keyless.Witnesses{Instance: instance}}
//
// # What is public
//
// The public instance's logs are. The certificate, with the e-mail address or workflow in it, and the digest of what was signed
// stand there for good.
package keyless
