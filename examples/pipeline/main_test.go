package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"pipeline": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
		"scan":     indexer,
	})
}

// surroundings are an AWS, a registry, a Sigstore and a job of GitHub Actions, all on this machine. AWS Signer's root is not AWS's own.
func surroundings(t *testing.T) map[string]string {
	t.Helper()
	cloud := awstest.Start(t, nil)
	profile, _ := cloud.CreateProfile(awstest.Profile{Name: "release"})
	key, err := cloud.CreateKey(awstest.Key{})
	if err != nil {
		t.Fatal(err)
	}
	if err := cloud.SetAlias("alias/release", key); err != nil {
		t.Fatal(err)
	}
	id, secret := cloud.Credentials()
	server := registrytest.Start(nil)
	t.Cleanup(server.Close)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sigstore := keylesstest.Start()
	t.Cleanup(sigstore.Close)
	folder := t.TempDir()
	for name, data := range map[string][]byte{"trusted_root.json": sigstore.TrustedRoot(),
		"signing_config.json": sigstore.SigningConfig(keylesstest.Tiles)} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	token := func() string { return sigstore.Token(keylesstest.Run("acme/app", "release.yml", "refs/tags/v1.0")) }
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"value": token()})
	}))
	t.Cleanup(issuer.Close)
	return map[string]string{
		"REGISTRY": server.Host(), "PROFILE": profile, "PROGRAM": program, "SIGSTORE": folder,
		"AWS_ENDPOINT_URL": cloud.URL(), "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1",
		"AWS_EC2_METADATA_DISABLED": "true",
		"GITHUB_ACTIONS":            "true", "GITHUB_REPOSITORY": "acme/app", "GITHUB_REF": "refs/tags/v1.0",
		"GITHUB_SERVER_URL":   "https://github.com",
		"GITHUB_WORKFLOW_REF": "acme/app/.github/workflows/release.yml@refs/tags/v1.0",
		"GITHUB_SHA":          "9c1185a5c5e9fc54612808977ee8f548b2258d31",
		"GITHUB_RUN_ID":       "7", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_EVENT_NAME": "push", "GITHUB_REPOSITORY_ID": "1234",
		"ACTIONS_ID_TOKEN_REQUEST_URL": issuer.URL + "/?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret",
		"SIGSTORE_ID_TOKEN": token(),
	}
}

// The scripts in testdata run the program as a person does.
func TestPipeline(t *testing.T) {
	values := surroundings(t)
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(e *testscript.Env) error {
		e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
		for name, value := range values {
			e.Setenv(name, value)
		}
		return nil
	}})
}
