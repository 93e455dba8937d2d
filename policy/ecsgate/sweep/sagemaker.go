package sweep

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// sageMakerPage is what SageMaker answers at most, by its API reference.
const sageMakerPage = 100

// sagemaker looks at endpoints, by the digests that SageMaker looked up; at models; and at training and processing jobs in progress.
func (r *run) sagemaker(ctx context.Context) error {
	client := sagemaker.NewFromConfig(r.config)
	most := aws.Int32(sageMakerPage)
	for _, list := range []struct {
		what string
		page func(ctx context.Context, token *string) (*string, error)
	}{
		{"endpoints", func(ctx context.Context, token *string) (*string, error) {
			out, err := client.ListEndpoints(ctx, &sagemaker.ListEndpointsInput{NextToken: token, MaxResults: most})
			if err != nil {
				return nil, err
			}
			for _, e := range out.Endpoints {
				r.endpoint(ctx, client, aws.ToString(e.EndpointName), aws.ToString(e.EndpointArn))
			}
			return out.NextToken, nil
		}},
		{"models", func(ctx context.Context, token *string) (*string, error) {
			out, err := client.ListModels(ctx, &sagemaker.ListModelsInput{NextToken: token, MaxResults: most})
			if err != nil {
				return nil, err
			}
			for _, m := range out.Models {
				r.model(ctx, client, aws.ToString(m.ModelName), aws.ToString(m.ModelArn))
			}
			return out.NextToken, nil
		}},
		{"training jobs", func(ctx context.Context, token *string) (*string, error) {
			out, err := client.ListTrainingJobs(ctx, &sagemaker.ListTrainingJobsInput{
				NextToken: token, MaxResults: most, StatusEquals: types.TrainingJobStatusInProgress,
			})
			if err != nil {
				return nil, err
			}
			for _, j := range out.TrainingJobSummaries {
				r.trainingJob(ctx, client, aws.ToString(j.TrainingJobName), aws.ToString(j.TrainingJobArn))
			}
			return out.NextToken, nil
		}},
		{"processing jobs", func(ctx context.Context, token *string) (*string, error) {
			out, err := client.ListProcessingJobs(ctx, &sagemaker.ListProcessingJobsInput{
				NextToken: token, MaxResults: most, StatusEquals: types.ProcessingJobStatusInProgress,
			})
			if err != nil {
				return nil, err
			}
			for _, j := range out.ProcessingJobSummaries {
				r.processingJob(ctx, client, aws.ToString(j.ProcessingJobName), aws.ToString(j.ProcessingJobArn))
			}
			return out.NextToken, nil
		}},
	} {
		if err := r.pages(ctx, list.what, list.page); err != nil {
			return err
		}
	}
	return nil
}

// said adds a Row of something that could not be described, and tells whether it was.
func (r *run) said(row *Row, err error) bool {
	if err == nil {
		return true
	}
	row.find(Unreadable, "%s", why(err))
	r.row(row)
	return false
}

func (r *run) endpoint(ctx context.Context, client *sagemaker.Client, name, arn string) {
	base := Row{Kind: "endpoint", Resource: name, Examples: []string{arn}}
	out, err := client.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: &name})
	if !r.said(&base, err) {
		return
	}
	for _, group := range []struct {
		what     string
		variants []types.ProductionVariantSummary
	}{{"variant ", out.ProductionVariants}, {"shadow variant ", out.ShadowProductionVariants}} {
		for _, v := range group.variants {
			for _, image := range v.DeployedImages {
				row := base
				row.Container, row.Image = group.what+aws.ToString(v.VariantName), aws.ToString(image.SpecifiedImage)
				r.judge(&row, digestOf(aws.ToString(image.ResolvedImage)), true)
				r.row(&row)
			}
		}
	}
}

// digestOf is what stands behind the @ of a name.
func digestOf(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '@' {
			return name[i+1:]
		}
	}
	return ""
}

func (r *run) model(ctx context.Context, client *sagemaker.Client, name, arn string) {
	base := Row{Kind: "model", Resource: name, Examples: []string{arn}}
	out, err := client.DescribeModel(ctx, &sagemaker.DescribeModelInput{ModelName: &name})
	if !r.said(&base, err) {
		return
	}
	containers := out.Containers
	if out.PrimaryContainer != nil {
		containers = append(containers, *out.PrimaryContainer)
	}
	for _, c := range containers {
		if aws.ToString(c.Image) == "" { // a package of the marketplace, or one that names its images itself
			row := base
			row.find(OtherCode, "a model package: %s", aws.ToString(c.ModelPackageName))
			r.row(&row)
			continue
		}
		row := base
		row.Container, row.Image = aws.ToString(c.ContainerHostname), aws.ToString(c.Image)
		r.judge(&row, "", false)
		r.row(&row)
	}
}

func (r *run) trainingJob(ctx context.Context, client *sagemaker.Client, name, arn string) {
	row := &Row{Kind: "training job", Resource: name, Examples: []string{arn}}
	out, err := client.DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: &name})
	if err == nil && out.AlgorithmSpecification == nil {
		err = errors.New("SageMaker does not say what it runs")
	}
	if !r.said(row, err) {
		return
	}
	if row.Image = aws.ToString(out.AlgorithmSpecification.TrainingImage); row.Image == "" {
		row.find(OtherCode, "an algorithm by name: %s", aws.ToString(out.AlgorithmSpecification.AlgorithmName))
	} else {
		r.judge(row, "", true)
	}
	r.row(row)
}

func (r *run) processingJob(ctx context.Context, client *sagemaker.Client, name, arn string) {
	row := &Row{Kind: "processing job", Resource: name, Examples: []string{arn}}
	out, err := client.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &name})
	if err == nil && out.AppSpecification == nil {
		err = errors.New("SageMaker does not say what it runs")
	}
	if !r.said(row, err) {
		return
	}
	row.Image = aws.ToString(out.AppSpecification.ImageUri)
	r.judge(row, "", true)
	r.row(row)
}
