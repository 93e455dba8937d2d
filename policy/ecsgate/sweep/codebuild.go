package sweep

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

// codebuild looks at the images that projects build in, and at those of the builds that run now, for which a caller may choose another
// one. Of the builds it asks for the hundred newest.
func (r *run) codebuild(ctx context.Context) error {
	client := codebuild.NewFromConfig(r.config)
	if err := r.pages(ctx, "projects", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListProjects(ctx, &codebuild.ListProjectsInput{NextToken: token})
		if err != nil {
			return nil, err
		}
		if len(out.Projects) == 0 {
			return out.NextToken, nil
		}
		described, err := client.BatchGetProjects(ctx, &codebuild.BatchGetProjectsInput{Names: out.Projects})
		if err != nil {
			r.failed("projects", fmt.Sprintf("%d projects from %s on", len(out.Projects), out.Projects[0]), err)
			return out.NextToken, nil
		}
		r.complete("projects", out.Projects, len(described.Projects)+len(described.ProjectsNotFound))
		for _, p := range described.Projects {
			r.builder(&Row{Kind: "project", Resource: aws.ToString(p.Name), Examples: []string{aws.ToString(p.Arn)}}, p.Environment)
		}
		return out.NextToken, nil
	}); err != nil {
		return err
	}
	return r.pages(ctx, "builds", func(ctx context.Context, _ *string) (*string, error) {
		out, err := client.ListBuilds(ctx, &codebuild.ListBuildsInput{SortOrder: types.SortOrderTypeDescending})
		if err != nil || len(out.Ids) == 0 {
			return nil, err
		}
		described, err := client.BatchGetBuilds(ctx, &codebuild.BatchGetBuildsInput{Ids: out.Ids})
		if err != nil {
			return nil, err
		}
		for _, b := range described.Builds {
			if b.BuildStatus == types.StatusTypeInProgress {
				row := &Row{Kind: "build", Resource: aws.ToString(b.ProjectName), Examples: []string{aws.ToString(b.Arn)}}
				r.builder(row, b.Environment)
			}
		}
		return nil, nil
	})
}

func (r *run) builder(row *Row, e *types.ProjectEnvironment) {
	if e == nil {
		row.find(Unreadable, "CodeBuild does not say which image it builds in")
		r.row(row)
		return
	}
	row.Image = aws.ToString(e.Image)
	if strings.HasPrefix(row.Image, "aws/codebuild/") {
		row.Reason = "an image of CodeBuild's own, which is in no registry: AWS answers for it"
	} else {
		r.judge(row, "", false)
	}
	r.row(row)
}
