// Package provenance says how an artifact was built: the predicate https://slsa.dev/provenance/v1 of SLSA
// (slsa.dev/spec/v1.0/provenance), to sign and to read.
//
// Most builds take their facts from the service that they run on, add what only they know, and sign:
//
//	p, err := provenance.FromCI(os.LookupEnv) // or provenance.FromGit(os.DirFS("."))
//	p.ExternalParameters["target"] = "release"
//	evidence, err := signer.Sign(ctx, sign.About(image, p))
//
// and whoever verified such a statement reads its predicate:
//
//	p, err := provenance.Parse(attestation.Predicate)
//
// Nothing here reads the environment: facts come from the lookup function that the caller passes, or from the file
// system that it passes.
//
// # How far to believe it
//
// These facts are the signer's claim. A build that signs its own provenance can claim anything, so a verifier learns no
// more from it than whom to ask. What makes provenance strong is a signer that the build's own steps cannot reach (SLSA
// build level 2 and above): judge the signer first, and then what it says of the builder.
//
// # Build types
//
// GitHub Actions is described with GitHub's own build type, [BuildTypeGitHub]. The other build types are described
// here. All have as external parameters "source", the URI of what was to be built, and "ref", what was asked for in it,
// if known. Internal parameters hold what the service decided.
//
//   - [BuildTypeCodeBuild]: external "buildspec" (as configured, if it is), "initiator" (who or what started the build, such as
//     "codepipeline/NAME") and "pipelineExecution" (if the project passes CODEPIPELINE_EXECUTION_ID on); internal "image" and "region".
//   - [BuildTypeGitLab]: external "entryPoint" (the job's name) and "trigger"; internal "project" and "runner".
//   - [BuildTypeLocal]: nothing else. Nobody vouches for the machine, and changes that were not committed are not seen.
package provenance
