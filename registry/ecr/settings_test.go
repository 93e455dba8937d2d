package ecr_test

import (
	"strings"
	"testing"

	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/ladingdev/lading/registry/ecr"
)

type object = map[string]any

// What of a repository's settings harms evidence is found, and what cannot be asked is said.
func TestInspect(t *testing.T) {
	repository := func(mutability string, exclude ...string) object {
		var filters []object
		for _, f := range exclude {
			filters = append(filters, object{"filter": f, "filterType": "WILDCARD"})
		}
		return object{
			"repositories": []object{
				{"repositoryName": "team/app", "imageTagMutability": mutability, "imageTagMutabilityExclusionFilters": filters},
			},
		}
	}
	policy := object{"lifecyclePolicyText": `{"rules": [` + rule(1, `"tagStatus": "untagged", `+days) + `]}`}
	none := map[string][2]string{"GetLifecyclePolicy": {"LifecyclePolicyNotFoundException", "none"}}
	missing := map[string][2]string{"DescribeRepositories": {"RepositoryNotFoundException", "none"}}
	template := func(prefix, mutability string, applied ...string) object {
		return object{"prefix": prefix, "imageTagMutability": mutability, "appliedFor": applied,
			"lifecyclePolicy": policy["lifecyclePolicyText"]}
	}
	for name, c := range map[string]struct {
		answers object
		refuse  map[string][2]string
		want    []string // what each finding says
		check   func(*ecr.Settings) bool
	}{
		"as it should be": {object{"DescribeRepositories": repository("IMMUTABLE_WITH_EXCLUSION", "sha256-*")}, none, nil,
			func(s *ecr.Settings) bool { return s.Exists && s.Lifecycle == nil && s.Exclusions[0] == "sha256-*" }},
		"mutable": {object{"DescribeRepositories": repository("MUTABLE")}, none, []string{"tags are mutable"}, nil},
		"immutable": {object{"DescribeRepositories": repository("IMMUTABLE")}, none,
			[]string{"tags are immutable"}, nil},
		"immutable, another exclusion": {object{"DescribeRepositories": repository("IMMUTABLE_WITH_EXCLUSION", "dev-*", "sha256-*.att")},
			none, []string{"tags are immutable"}, nil},
		"immutable, a wide exclusion": {object{"DescribeRepositories": repository("IMMUTABLE_WITH_EXCLUSION", "sha*")}, none, nil, nil},
		"a rule that takes evidence": {object{"DescribeRepositories": repository("IMMUTABLE_WITH_EXCLUSION", "sha256-*"),
			"GetLifecyclePolicy": policy}, nil,
			[]string{"lifecycle policy: rule 1"}, func(s *ecr.Settings) bool { return len(s.Lifecycle.Rules) == 1 }},
		"a policy that is none": {object{"DescribeRepositories": repository("IMMUTABLE_WITH_EXCLUSION", "sha256-*"),
			"GetLifecyclePolicy": object{"lifecyclePolicyText": "x"}}, nil,
			[]string{"could not be read"}, nil},
		"nothing there": {nil, missing, []string{"no such repository"}, func(s *ecr.Settings) bool {
			return !s.Exists &&
				s.Template == ""
		}},
		"created on push": {object{"DescribeRepositoryCreationTemplates": object{"repositoryCreationTemplates": []object{
			template("ROOT", "MUTABLE", "CREATE_ON_PUSH"), template("team", "IMMUTABLE", "REPLICATION", "CREATE_ON_PUSH"),
			template("team/app", "MUTABLE", "REPLICATION"),
			template("tea", "MUTABLE", "CREATE_ON_PUSH")}}}, missing, []string{"tags are immutable", "lifecycle policy: rule 1"},
			func(s *ecr.Settings) bool { return s.Template == "team" }},
		"created on push by a template for all": {object{
			"DescribeRepositoryCreationTemplates": object{"repositoryCreationTemplates": []object{
				template("ROOT", "IMMUTABLE", "CREATE_ON_PUSH")}}}, missing, []string{"tags are immutable", "lifecycle policy: rule 1"},
			func(s *ecr.Settings) bool { return s.Template == "ROOT" }},
		"a cache": {object{"DescribeRepositories": repository("IMMUTABLE_WITH_EXCLUSION", "sha256-*"),
			"DescribePullThroughCacheRules": object{"pullThroughCacheRules": []object{
				{"ecrRepositoryPrefix": "ROOT", "upstreamRegistryUrl": "quay.io"},
				{"ecrRepositoryPrefix": "team", "upstreamRegistryUrl": "ghcr.io"}}}}, none,
			[]string{"a cache of ghcr.io"}, func(s *ecr.Settings) bool { return s.Upstream == "ghcr.io" }},
		"no permission": {object{"DescribeRepositories": repository("IMMUTABLE_WITH_EXCLUSION", "sha256-*")},
			map[string][2]string{"GetLifecyclePolicy": {"AccessDeniedException", "no"},
				"DescribePullThroughCacheRules": {"AccessDeniedException", "no"}},
			[]string{"needs ecr:GetLifecyclePolicy", "needs ecr:DescribePullThroughCacheRules"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			cloud.images = &images{
				answers: object{"DescribePullThroughCacheRules": object{}, "DescribeRepositoryCreationTemplates": object{}},
				refuse:  c.refuse,
			}
			for operation, answer := range c.answers {
				cloud.images.answers[operation] = answer
			}
			s, err := ecr.Inspect(t.Context(), awsecr.New(cloud.client("HOME").Options()), "team/app")
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Findings) != len(c.want) || c.check != nil && !c.check(s) {
				t.Fatalf("%+v", s)
			}
			for i, want := range c.want {
				if !strings.Contains(s.Findings[i], want) || strings.ContainsAny(s.Findings[i], "\r\n") {
					t.Errorf("%q, want %q in it", s.Findings[i], want)
				}
			}
		})
	}
	cloud := newCloud(t)
	cloud.images = &images{refuse: map[string][2]string{"DescribeRepositories": {"AccessDeniedException", "no"}}}
	if _, err := ecr.Inspect(t.Context(), cloud.client("HOME"), "team/app"); err == nil {
		t.Error("without permission for the repository itself")
	}
}
