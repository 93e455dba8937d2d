package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/registry/registrytest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"aws": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// The scripts in testdata run the program as a person does. The AWS and the REGISTRY in the environment are local, and so
// AWS Signer's root is not AWS's own.
func TestAWS(t *testing.T) {
	cloud := awstest.Start(t, nil)
	profile, _ := cloud.CreateProfile(awstest.Profile{Name: "release"})
	id, secret := cloud.Credentials()
	server := registrytest.Start(nil)
	t.Cleanup(server.Close)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			for name, value := range map[string]string{
				"HOME":                      filepath.Join(e.WorkDir, "home"),
				"REGISTRY":                  server.Host(),
				"PROFILE":                   profile,
				"PROGRAM":                   program,
				"AWS_ENDPOINT_URL":          cloud.URL(),
				"AWS_ACCESS_KEY_ID":         id,
				"AWS_SECRET_ACCESS_KEY":     secret,
				"AWS_EC2_METADATA_DISABLED": "true",
			} {
				e.Setenv(name, value)
			}
			return nil
		},
	})
}
