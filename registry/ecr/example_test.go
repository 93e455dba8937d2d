package ecr_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/ecr"
)

// One login for all repositories of a program, at ECR and elsewhere.
func ExampleCredentials() {
	cfg := aws.Config{Region: "eu-west-1"} // config.LoadDefaultConfig gives a real one
	login := &ecr.Credentials{Private: awsecr.NewFromConfig(cfg)}
	repo, err := registry.Open("123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:v1", &registry.Options{Credential: login.Credential})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(repo.Name())
	// Output: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/app
}
