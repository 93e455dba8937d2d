package sweep

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
)

// appRunnerPage is what App Runner answers at most, by its API reference.
const appRunnerPage = 20

// apprunner looks at the services of App Runner.
func (r *run) apprunner(ctx context.Context) error {
	client := apprunner.NewFromConfig(r.config)
	return r.pages(ctx, "services", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListServices(ctx, &apprunner.ListServicesInput{NextToken: token, MaxResults: aws.Int32(appRunnerPage)})
		if err != nil {
			return nil, err
		}
		for _, s := range out.ServiceSummaryList {
			if s.Status != "DELETED" {
				r.appRunnerService(ctx, client, aws.ToString(s.ServiceArn), aws.ToString(s.ServiceName))
			}
		}
		return out.NextToken, nil
	})
}

func (r *run) appRunnerService(ctx context.Context, client *apprunner.Client, arn, name string) {
	row := &Row{Kind: "service", Resource: name, Examples: []string{arn}}
	out, err := client.DescribeService(ctx, &apprunner.DescribeServiceInput{ServiceArn: &arn})
	if err == nil && (out.Service == nil || out.Service.SourceConfiguration == nil) {
		err = errors.New("nothing is said of what it runs")
	}
	if err != nil {
		row.find(Unreadable, "%s", why(err))
		r.row(row)
		return
	}
	source := out.Service.SourceConfiguration
	if source.ImageRepository == nil {
		row.find(OtherCode, "App Runner builds it from sources: there is no image to judge")
		r.row(row)
		return
	}
	row.Image = aws.ToString(source.ImageRepository.ImageIdentifier)
	r.judge(row, "", false)
	if aws.ToBool(source.AutoDeploymentsEnabled) && !strings.Contains(row.Image, "@") {
		row.find(ByTag, "whatever the tag is moved to is deployed by itself")
	}
	r.row(row)
}
