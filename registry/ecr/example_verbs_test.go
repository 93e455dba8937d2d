package ecr_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/ecr"
	"github.com/ladingdev/lading/registry/registrytest"
)

// account is what ECR says of the repository app: awsecr.NewFromConfig(cfg) gives a real client.
type account struct{ awsecr.Client }

func (*account) DescribeRepositories(
	context.Context, *awsecr.DescribeRepositoriesInput, ...func(*awsecr.Options),
) (*awsecr.DescribeRepositoriesOutput, error) {
	return &awsecr.DescribeRepositoriesOutput{Repositories: []types.Repository{
		{RepositoryName: aws.String("app"), ImageTagMutability: types.ImageTagMutabilityMutable},
	}}, nil
}

func (*account) GetLifecyclePolicy(
	context.Context, *awsecr.GetLifecyclePolicyInput, ...func(*awsecr.Options),
) (*awsecr.GetLifecyclePolicyOutput, error) {
	return nil, &types.LifecyclePolicyNotFoundException{}
}

func (*account) DescribeRepositoryCreationTemplates(
	context.Context, *awsecr.DescribeRepositoryCreationTemplatesInput, ...func(*awsecr.Options),
) (*awsecr.DescribeRepositoryCreationTemplatesOutput, error) {
	return new(awsecr.DescribeRepositoryCreationTemplatesOutput), nil
}

func (*account) DescribePullThroughCacheRules(
	context.Context, *awsecr.DescribePullThroughCacheRulesInput, ...func(*awsecr.Options),
) (*awsecr.DescribePullThroughCacheRulesOutput, error) {
	return new(awsecr.DescribePullThroughCacheRulesOutput), nil
}

func (*account) ListImageReferrers(
	context.Context, *awsecr.ListImageReferrersInput, ...func(*awsecr.Options),
) (*awsecr.ListImageReferrersOutput, error) {
	return &awsecr.ListImageReferrersOutput{Referrers: []types.ImageReferrer{{
		Digest: aws.String(string(digest.FromString("signature"))), MediaType: aws.String("application/vnd.oci.image.manifest.v1+json"),
		Size: aws.Int64(9), ArtifactStatus: types.ArtifactStatusArchived,
	}}}, nil
}

// What would harm evidence in a repository.
func ExampleInspect() {
	s, err := ecr.Inspect(context.Background(), new(account), "app")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, finding := range s.Findings {
		fmt.Println(strings.SplitN(finding, ":", 2)[0])
	}
	// Output: tags are mutable
}

// A signature that somebody archived is not nothing: who looks is told.
func ExampleSource_Evidence() {
	server := registrytest.Start(nil) // in place of ECR
	defer server.Close()
	repo, err := registry.Open("111122223333.dkr.ecr.eu-west-1.amazonaws.com/app", &registry.Options{
		PlainHTTP: true, Transport: to(server.Host()),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	source := &ecr.Source{Repository: repo, Client: new(account)}
	image := registry.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("app"), Size: 3}
	for _, err := range source.Evidence(context.Background(), image) {
		fmt.Println(err)
	}
	state, err := source.State(context.Background(), image)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(state.Referrers[0].Status)
	// Output:
	// ecr: archived: restore it (UpdateImageStorageClass STANDARD), then ask again
	// ARCHIVED
}

// to sends every request to one host.
type to string

func (host to) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host, r.Host = string(host), string(host)
	return http.DefaultTransport.RoundTrip(r)
}
