package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// Keyless asks that the image is signed by a workload of an identity provider, with claims that Fulcio wrote into its certificate
// and the verifier proved (sigstore/fulcio, docs/oid-info.md). It narrows what the verifiers' trust list lets in, and cannot widen it.
//
// Without Types it asks for an image signature, with them for a statement of one of them. The quantifier is Some unless Evidence
// says another. Signers without these claims are as if they were not there. In patterns, * stands for any characters but "/", "@"
// and blanks.
type Keyless struct {
	Name string // what people call the rule
	Evidence
	Issuer     string   // URL of the identity provider, exactly; always needed
	Subject    string   // the certificate's name (SAN), or a pattern of it
	Repository string   // sourceRepositoryURI, such as "https://github.com/acme/app", or a pattern
	Workflow   string   // buildConfigURI, such as "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v*", or a pattern
	Refs       []string // sourceRepositoryRef, any of them, such as "refs/heads/main"; empty means any
	Triggers   []string // buildTrigger, any of them, such as "push"; empty means any
	Claims     []Claim  // others

	prepared
}

// A Claim is one that the certificate must have.
type Claim struct {
	Name   string   // as in Fulcio's documentation, such as "runnerEnvironment", or its object identifier
	Values []string // any of them, or of what they match
}

// claimNames are those of Fulcio (sigstore/fulcio, docs/oid-info.md).
var claimNames = []string{
	"githubWorkflowTrigger", "githubWorkflowSHA", "githubWorkflowName", "githubWorkflowRepository", "githubWorkflowRef", "buildSignerURI",
	"buildSignerDigest", "runnerEnvironment", "sourceRepositoryURI", "sourceRepositoryDigest", "sourceRepositoryRef",
	"sourceRepositoryIdentifier", "sourceRepositoryOwnerURI", "sourceRepositoryOwnerIdentifier", "buildConfigURI", "buildConfigDigest",
	"buildTrigger", "runInvocationURI", "sourceRepositoryVisibilityAtSigning", "deploymentEnvironment", "tokenSubject",
}

const claimOIDs = "1.3.6.1.4.1.57264.1."

// Decide implements [policy.Policy].
func (r *Keyless) Decide(ctx context.Context, in *policy.Input) *policy.Decision {
	return r.get(r.rule).decide(ctx, in)
}

// Validate returns an error if the rule names nobody, or asks for a claim that there is not.
func (r *Keyless) Validate() error { return r.get(r.rule).err }

// IgnoresRequest reports that it is the same whoever asks.
func (r *Keyless) IgnoresRequest() bool { return true }

// String says what is asked, in one line.
func (r *Keyless) String() string { return r.get(r.rule).text }

func (r *Keyless) rule() *rule {
	what, noun := "an image signature", "image signature"
	if len(r.Types) > 0 {
		what, noun = "an attestation of type "+strings.Join(r.Types, " or "), "attestation"
	}
	what += " by "
	for _, of := range []string{r.Subject, r.Repository, r.Workflow} {
		if of != "" {
			what += of + ", "
		}
	}
	what += "as " + r.Issuer + " says"
	for _, more := range [][]string{r.Refs, r.Triggers} {
		if len(more) > 0 {
			what += ", " + some(more)
		}
	}
	out := &rule{Evidence: r.Evidence, name: r.Name, what: oneline.Of(what), noun: noun, usual: policy.Some, err: r.valid()}
	out.kind = verify.ImageSignature
	if len(r.Types) > 0 {
		out.kind = verify.Statement
	}
	claims := r.claims()
	out.counts = func(s verify.Signer) bool {
		return s.Identity.Kind == verify.OIDCIdentity && s.Identity.Issuer == r.Issuer &&
			(r.Subject == "" || glob(r.Subject, s.Identity.Subject)) &&
			!slices.ContainsFunc(claims, func(c Claim) bool { return !globAny(c.Values, s.Claims[c.Name]) })
	}
	return out
}

// claims are all that are asked for.
func (r *Keyless) claims() []Claim {
	all := slices.Clone(r.Claims)
	for _, c := range []Claim{
		{"sourceRepositoryURI", []string{r.Repository}}, {"buildConfigURI", []string{r.Workflow}},
		{"sourceRepositoryRef", r.Refs}, {"buildTrigger", r.Triggers},
	} {
		if len(c.Values) > 0 && c.Values[0] != "" {
			all = append(all, c)
		}
	}
	return all
}

func (r *Keyless) valid() error {
	switch {
	case !strings.HasPrefix(r.Issuer, "https://") || strings.Contains(r.Issuer, "*"):
		return fmt.Errorf("issuer %.80q: it is the URL of the identity provider, exactly, such as https://gitlab.com", r.Issuer)
	case r.Subject == "" && r.Repository == "" && r.Workflow == "" && len(r.Claims) == 0:
		return errors.New("the rule names nobody of the issuer's: give Subject, Repository or Workflow")
	}
	for _, c := range r.claims() {
		if !slices.Contains(claimNames, c.Name) && !strings.HasPrefix(c.Name, claimOIDs) {
			return fmt.Errorf("claim %.80q is not known: Fulcio's documentation names it such as runnerEnvironment", c.Name)
		}
		if len(c.Values) == 0 {
			return fmt.Errorf("claim %s without values", c.Name)
		}
		if err := validPatterns(c.Name, c.Values); err != nil {
			return err
		}
	}
	if r.Subject != "" {
		if err := validPattern(r.Subject); err != nil {
			return fmt.Errorf("subject: %w", err)
		}
	}
	return validRefs(r.Refs)
}
