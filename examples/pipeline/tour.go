package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/signer"

	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sbom/vuln/inspector"
)

// codeBuild is what AWS CodeBuild says of a build that CodePipeline started, in its environment.
var codeBuild = map[string]string{
	"CODEBUILD_BUILD_ID": "shop:8f2e3b1c-6d1e-4b3f-9a67-1f2e3d4c5b6a", "CODEBUILD_BUILD_NUMBER": "42",
	"CODEBUILD_BUILD_ARN":   "arn:aws:codebuild:us-east-1:111122223333:build/shop:8f2e3b1c-6d1e-4b3f-9a67-1f2e3d4c5b6a",
	"CODEBUILD_BUILD_IMAGE": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
	"CODEBUILD_INITIATOR":   "codepipeline/shop", "CODEBUILD_SOURCE_REPO_URL": "https://github.com/acme/shop",
	"CODEBUILD_SOURCE_VERSION": "refs/heads/main", "CODEBUILD_RESOLVED_SOURCE_VERSION": "9c1185a5c5e9fc54612808977ee8f548b2258d31",
	"CODEBUILD_START_TIME": "1764374400000", "AWS_REGION": "us-east-1", "CODEPIPELINE_EXECUTION_ID": "f4ff1e1e-43a2-4a6b-9b77-31c1bde3c41e",
}

// tour is the whole way on an AWS of our own, then what ECS is told about images that went another.
func tour(ctx context.Context, p *printer) error {
	start := time.Now()
	fmt.Fprintln(p.w, "Lading: a container image from its build to its deployment, on AWS")
	cloud, err := awstest.New(nil)
	if err != nil {
		return err
	}
	defer cloud.Close()
	server := registrytest.Start(nil)
	defer server.Close()
	profile, version := cloud.CreateProfile(awstest.Profile{Name: "release"})
	cloud.AddVulnerability(
		awstest.Vulnerability{ID: "CVE-2026-10001", PURL: "pkg:golang/github.com/opencontainers/go-digest@v1.0.0", Severity: "medium",
			Score: 5.3, Fixed: "1.0.1"},
	)

	p.step("AWS", "Signer, Inspector and ECS in this process, behind the SDK's own clients")
	p.line("profile", "%s", profile)
	client := signer.NewFromConfig(cloud.Config())
	by, err := byProfile(client, profile, []*x509.Certificate{cloud.Root()})
	if err != nil {
		return err
	}
	program, err := self()
	if err != nil {
		return err
	}
	f := &flow{p: p, name: server.Host() + "/shop/web:v1", program: program, seal: by, scanner: inspector.New(cloud.Config()),
		fail:   vuln.High,
		lookup: func(name string) (string, bool) { v, ok := codeBuild[name]; return v, ok }}
	if err := f.run(ctx); err != nil {
		return err
	}
	if err := next(ctx, p, f, cloud); err != nil {
		return err
	}
	d := &deployments{flow: f, cloud: cloud, client: client, version: version}
	if err := d.run(ctx); err != nil {
		return err
	}
	fmt.Fprintf(p.w, "\nEvery outcome was as it should be in %.1f s\n", time.Since(start).Seconds())
	return nil
}

// next is the next build, with a component in which something bad was found meanwhile: the pipeline stops before the image is signed.
func next(ctx context.Context, p *printer, before *flow, cloud *awstest.Server) error {
	cloud.AddVulnerability(
		awstest.Vulnerability{ID: "CVE-2026-10002", PURL: "pkg:golang/github.com/opencontainers/image-spec@v1.1.1", Severity: "critical",
			Score: 9.8, Fixed: "1.1.2"},
	)
	f := &flow{
		p:       p,
		name:    before.repo.Name() + ":v2",
		program: append(append([]byte(nil), before.program...), 3),
		seal:    before.seal,
		scanner: before.scanner,
		fail:    before.fail,
		lookup:  before.lookup,
	}
	err := f.run(ctx)
	if !errors.Is(err, errStopped) {
		return fmt.Errorf("a build with a critical finding: %w, and must be stopped", err)
	}
	p.line("outcome", "%v", err)
	if d := f.gate().Check(ctx, f.pinned()); d.Err() == nil {
		return errors.New("an image that was stopped is allowed")
	}
	return nil
}

// self is a Go program that is always at hand: this one.
func self() ([]byte, error) {
	file, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}
