package ecr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/ladingdev/lading/internal/awserror"
)

// SettingsClient is what Inspect needs of the AWS SDK; *ecr.Client has it.
type SettingsClient interface {
	DescribeRepositories(
		ctx context.Context,
		in *ecr.DescribeRepositoriesInput,
		options ...func(*ecr.Options),
	) (*ecr.DescribeRepositoriesOutput, error)
	GetLifecyclePolicy(
		ctx context.Context,
		in *ecr.GetLifecyclePolicyInput,
		options ...func(*ecr.Options),
	) (*ecr.GetLifecyclePolicyOutput, error)
	DescribeRepositoryCreationTemplates(ctx context.Context, in *ecr.DescribeRepositoryCreationTemplatesInput,
		options ...func(*ecr.Options)) (*ecr.DescribeRepositoryCreationTemplatesOutput, error)
	DescribePullThroughCacheRules(ctx context.Context, in *ecr.DescribePullThroughCacheRulesInput,
		options ...func(*ecr.Options)) (*ecr.DescribePullThroughCacheRulesOutput, error)
}

// Settings are those of a repository that matter to evidence in it.
type Settings struct {
	Exists bool
	// Template is the prefix of the creation template by which the first push creates the repository; empty if none does. ECR's own name
	// for one that is for all repositories is ROOT.
	Template string
	// Upstream is the registry behind a pull-through cache, whose evidence is not ECR's to keep; empty if the repository is none.
	Upstream   string
	Mutability types.ImageTagMutability
	Exclusions []string // patterns of tags that are not as Mutability says
	Lifecycle  *Lifecycle
	Findings   []string // what harms evidence, and what to do; one line each
}

// Inspect reads the settings of a repository of the client's account and region, such as "team/app". The client needs
// ecr:DescribeRepositories, GetLifecyclePolicy, DescribeRepositoryCreationTemplates and DescribePullThroughCacheRules; what it may
// not ask is a finding, and the rest is read.
func Inspect(ctx context.Context, client SettingsClient, repository string) (*Settings, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	st := new(Settings)
	out, err := client.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{repository}})
	switch {
	case awserror.Code(err) == "RepositoryNotFoundException":
		if err := st.created(ctx, client, repository); err != nil {
			return nil, fmt.Errorf("ecr: settings of %s: %w", repository, err)
		}
	case err != nil:
		return nil, fmt.Errorf("ecr: settings of %s: %w", repository, err)
	case len(out.Repositories) != 1:
		return nil, fmt.Errorf("ecr: settings of %s: %d repositories", repository, len(out.Repositories))
	default:
		r := out.Repositories[0]
		st.Exists = true
		st.mutability(r.ImageTagMutability, r.ImageTagMutabilityExclusionFilters)
		policy, err := client.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: &repository})
		switch {
		case awserror.Code(err) == "LifecyclePolicyNotFoundException":
		case awserror.Denied(err):
			st.unknown("the lifecycle policy", "ecr:GetLifecyclePolicy")
		case err != nil:
			return nil, fmt.Errorf("ecr: lifecycle policy of %s: %w", repository, err)
		default:
			st.lifecycle(aws.ToString(policy.LifecyclePolicyText))
		}
	}
	if err := st.cache(ctx, client, repository); err != nil {
		return nil, fmt.Errorf("ecr: pull-through cache rules: %w", err)
	}
	return st, nil
}

func (st *Settings) find(format string, args ...any) {
	st.Findings = append(st.Findings, fmt.Sprintf(format, args...))
}

func (st *Settings) unknown(what, permission string) {
	st.find("%s was not read: it needs %s", what, permission)
}

// mutability finds tags that evidence needs to write again. Clients of registries without a referrers API, and cosign's first formats, keep
// lists under tags; ECR has the API, so that those alone who write such tags are concerned.
func (st *Settings) mutability(m types.ImageTagMutability, filters []types.ImageTagMutabilityExclusionFilter) {
	st.Mutability = m
	for _, f := range filters {
		st.Exclusions = append(st.Exclusions, aws.ToString(f.Filter))
	}
	excluded := slices.ContainsFunc(st.Exclusions, func(p string) bool { return covers(p, "sha256-") })
	switch {
	case m == types.ImageTagMutabilityImmutable, m == types.ImageTagMutabilityImmutableWithExclusion && !excluded:
		st.find("tags are immutable: a second signature in cosign's first formats, which share the tag sha256-DIGEST.sig, is refused; " +
			"attach bundles, or set IMMUTABLE_WITH_EXCLUSION for sha256-*")
	case m == types.ImageTagMutabilityMutable, m == types.ImageTagMutabilityMutableWithExclusion:
		st.find("tags are mutable: a tag that was verified may be another image when it is pulled; deploy by digest, or set " +
			"IMMUTABLE_WITH_EXCLUSION for sha256-*")
	}
}

// covers reports whether a pattern, in which * stands for any text, matches every tag with a prefix.
func covers(pattern, prefix string) bool {
	head, ok := strings.CutSuffix(pattern, "*")
	return ok && !strings.Contains(head, "*") && strings.HasPrefix(prefix, head)
}

func (st *Settings) lifecycle(text string) {
	if text == "" {
		return
	}
	l, err := ParseLifecycle(text)
	if err != nil {
		st.find("the lifecycle policy could not be read: %v", err)
		return
	}
	st.Lifecycle = l
	for _, r := range l.Risks() {
		st.find("lifecycle policy: %s", r)
	}
}

// created reads what the first push will create the repository by.
func (st *Settings) created(ctx context.Context, client SettingsClient, repository string) error {
	in := &ecr.DescribeRepositoryCreationTemplatesInput{}
	var best *types.RepositoryCreationTemplate
	for {
		out, err := client.DescribeRepositoryCreationTemplates(ctx, in)
		if awserror.Denied(err) {
			st.unknown("what the first push creates", "ecr:DescribeRepositoryCreationTemplates")
			return nil
		}
		if err != nil {
			return err
		}
		for _, t := range out.RepositoryCreationTemplates {
			prefix := aws.ToString(t.Prefix)
			fits := prefix == "ROOT" || strings.HasPrefix(repository, strings.TrimSuffix(prefix, "/")+"/")
			if fits && slices.Contains(t.AppliedFor, types.RCTAppliedForCreateOnPush) &&
				(best == nil || aws.ToString(best.Prefix) == "ROOT" || prefix != "ROOT" && len(prefix) > len(aws.ToString(best.Prefix))) {
				best = &t
			}
		}
		if aws.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	if best == nil {
		st.find("there is no such repository, and no template that creates it on push: create it, or one with CREATE_ON_PUSH")
		return nil
	}
	st.Template = aws.ToString(best.Prefix)
	st.mutability(best.ImageTagMutability, best.ImageTagMutabilityExclusionFilters)
	st.lifecycle(aws.ToString(best.LifecyclePolicy))
	return nil
}

// cache finds the rule by which a repository is a cache.
func (st *Settings) cache(ctx context.Context, client SettingsClient, repository string) error {
	in := &ecr.DescribePullThroughCacheRulesInput{}
	longest := -1
	for {
		out, err := client.DescribePullThroughCacheRules(ctx, in)
		switch code := awserror.Code(err); {
		case code == "PullThroughCacheRuleNotFoundException":
			return nil
		case awserror.Denied(err):
			st.unknown("whether it is a pull-through cache", "ecr:DescribePullThroughCacheRules")
			return nil
		case err != nil:
			return err
		}
		for _, r := range out.PullThroughCacheRules {
			prefix := aws.ToString(r.EcrRepositoryPrefix)
			fits := prefix == "ROOT" || strings.HasPrefix(repository, strings.TrimSuffix(prefix, "/")+"/")
			length := len(strings.TrimSuffix(prefix, "ROOT"))
			if fits && length > longest {
				longest, st.Upstream = length, aws.ToString(r.UpstreamRegistryUrl)
			}
		}
		if aws.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	if st.Upstream != "" {
		st.find("it is a cache of %s: ECR lists the evidence that is there while it can reach it, and what is attached here is not there; "+
			"copy image and evidence into a repository of your own", st.Upstream)
	}
	return nil
}
