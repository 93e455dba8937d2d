package sweep

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ladingdev/lading/internal/awserror"
)

// lambdaPage is what Lambda answers at most, by its API reference.
const lambdaPage = 50

// lambda looks at every version of every function that is made from an image: an alias may lead to an old one. AWS's code signing is for
// archives alone.
func (r *run) lambda(ctx context.Context) error {
	client := lambda.NewFromConfig(r.config)
	return r.pages(ctx, "functions", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListFunctions(ctx, &lambda.ListFunctionsInput{
			FunctionVersion: types.FunctionVersionAll, Marker: token, MaxItems: aws.Int32(lambdaPage),
		})
		if err != nil {
			return nil, err
		}
		for _, f := range out.Functions {
			if f.PackageType == types.PackageTypeImage {
				r.function(ctx, client, &f)
			}
		}
		return out.NextMarker, nil
	})
}

func (r *run) function(ctx context.Context, client *lambda.Client, f *types.FunctionConfiguration) {
	arn, version := aws.ToString(f.FunctionArn), aws.ToString(f.Version)
	row := &Row{Kind: "function", Resource: aws.ToString(f.FunctionName), Definition: version, Examples: []string{arn}}
	out, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: f.FunctionName, Qualifier: f.Version})
	switch {
	case awserror.Code(err) == "ResourceNotFoundException": // it is gone
		return
	case err == nil && (out.Code == nil || aws.ToString(out.Code.ImageUri) == ""):
		err = errors.New("nothing is said of the image that it is made from")
	}
	if err != nil {
		row.find(Unreadable, "%s", why(err))
		r.row(row)
		return
	}
	row.Image = aws.ToString(out.Code.ImageUri)
	_, resolved, _ := strings.Cut(aws.ToString(out.Code.ResolvedImageUri), "@")
	r.judge(row, resolved, true)
	r.row(row)
}
