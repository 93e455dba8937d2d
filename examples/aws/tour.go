package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/ecr"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/awssigner"
	"github.com/ladingdev/lading/verify"
)

// tour is the whole way on an AWS of our own, then what ECS is told about images that differ.
func tour(ctx context.Context, p *printer) error {
	start := time.Now()
	fmt.Fprintln(p.w, "Lading: a container image under AWS Signer")
	cloud, err := awstest.New(nil)
	if err != nil {
		return err
	}
	defer cloud.Close()
	server := registrytest.Start(nil)
	defer server.Close()
	profile, version := cloud.CreateProfile(awstest.Profile{Name: "release"})

	p.step("AWS", "Signer and ECS in this process, behind the SDK's own clients")
	p.line("profile", "%s", profile)

	s := &shipment{p: p, profile: profile, signer: signer.NewFromConfig(cloud.Config()), roots: []*x509.Certificate{cloud.Root()}}
	if s.notary, err = awssigner.New(s.signer, profile); err != nil {
		return err
	}
	program, err := self()
	if err != nil {
		return err
	}
	if err := s.carry(ctx, server.Host()+"/demo/app:v1", program); err != nil {
		return err
	}
	d := &deployments{shipment: s, cloud: cloud, program: program, version: version}
	if err := d.run(ctx); err != nil {
		return err
	}
	fmt.Fprintf(p.w, "\nEvery outcome was as it should be in %.1f s\n", time.Since(start).Seconds())
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

// yours is the same, up to the gate, on the user's AWS and registry.
func yours(ctx context.Context, p *printer, image, profile, binary, region string) error {
	fmt.Fprintln(p.w, "Lading: "+image+" under AWS Signer")
	var program []byte
	var err error
	if binary != "" {
		if program, err = os.ReadFile(binary); err != nil {
			return err
		}
	}
	s := &shipment{p: p, profile: profile}
	if err := s.connect(ctx, region); err != nil {
		return err
	}
	if s.notary, err = awssigner.New(s.signer, profile); err != nil {
		return err
	}
	return s.carry(ctx, image, program)
}

// shipment is one image on its way.
type shipment struct {
	p       *printer
	profile string              // of AWS Signer, an ARN
	signer  *signer.Client      // signs, and knows what was revoked
	notary  sign.Signer         // signs with the profile
	roots   []*x509.Certificate // of AWS Signer; nil means those that AWS has published
	options *registry.Options

	repo  *registry.Repository
	image ocispec.Descriptor
	boms  int // how many SBOMs the image has
}

// connect makes the clients for AWS itself.
func (s *shipment) connect(ctx context.Context, region string) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	if region != "" {
		cfg.Region = region
	}
	if f := strings.Split(s.profile, ":"); cfg.Region == "" && len(f) > 3 {
		cfg.Region = f[3]
	}
	docker, err := registry.DockerCredentials()
	if err != nil {
		return err
	}
	login := &ecr.Credentials{
		Private: awsecr.NewFromConfig(cfg),
		Public:  ecrpublic.NewFromConfig(cfg, func(o *ecrpublic.Options) { o.Region = "us-east-1" }),
		Others:  docker,
	}
	s.signer, s.options = signer.NewFromConfig(cfg), &registry.Options{Credential: login.Credential}
	return nil
}

// carry takes the image from the registry, or from a program, to the gate.
func (s *shipment) carry(ctx context.Context, name string, program []byte) error {
	if err := s.load(ctx, name, program); err != nil {
		return err
	}
	if err := s.write(ctx, program); err != nil {
		return err
	}
	if err := s.pass(ctx); err != nil {
		return err
	}
	s.p.line("deploy", "%s", s.pinned())
	return nil
}

// load finds the image, or makes it of a program and pushes it.
func (s *shipment) load(ctx context.Context, name string, program []byte) error {
	var err error
	if s.repo, err = registry.Open(name, s.options); err != nil {
		return err
	}
	if program == nil {
		s.p.step("Image", "as it is in the registry")
		if s.image, err = s.repo.Resolve(ctx, ""); err != nil {
			return err
		}
		s.p.line("digest", "%s", s.image.Digest)
		return nil
	}
	s.p.step("Image", "a Go program, packed as an OCI image and pushed")
	_, tag, _ := strings.Cut(path.Base(name), ":")
	if tag == "" || strings.Contains(name, "@") {
		return errors.New("name a tag to push the image under, such as app:v1")
	}
	if s.image, err = pushImage(ctx, s.repo, tag, program); err != nil {
		return err
	}
	s.p.line("pushed", "%s", name)
	s.p.line("digest", "%s", s.image.Digest)
	return nil
}

// pinned is the image's name as it should be deployed.
func (s *shipment) pinned() string { return s.repo.Name() + "@" + s.image.Digest.String() }

// write has the image signed, and its SBOM if there is a program to make one of.
func (s *shipment) write(ctx context.Context, program []byte) error {
	s.p.step("Sign", "by AWS Signer: one call for each signature, no key and no plugin here")
	if err := s.sign(ctx, s.notary, s.image); err != nil {
		return err
	}
	s.p.line("image", "signed")
	if program != nil {
		bom, err := sbom.GoBinary(bytes.NewReader(program), nil)
		if err != nil {
			return err
		}
		// AWS Signer signs artifacts: the SBOM becomes one, and gets a signature of its own.
		document := describe(bom.MediaType(), bom.Bytes())
		document.ArtifactType, document.Data = bom.MediaType(), bom.Bytes()
		artifacts, err := s.repo.Attach(ctx, s.image, document)
		if err != nil {
			return err
		}
		if err := s.sign(ctx, s.notary, artifacts[0]); err != nil {
			return err
		}
		s.boms++
		n := 0
		for range bom.Components() {
			n++
		}
		s.p.line("sbom", "signed, with %d components", n)
	}
	s.p.step("Registry", "what hangs on the image now")
	tree, err := s.repo.Tree(ctx, s.image)
	if err != nil {
		return err
	}
	s.p.text(tree)
	return nil
}

// sign has AWS Signer sign what d describes, and attaches the signature to that.
func (s *shipment) sign(ctx context.Context, notary sign.Signer, d ocispec.Descriptor) error {
	signature, err := notary.Sign(ctx, sign.About(
		ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, sign.ImageSignature{}))
	if err != nil {
		return err
	}
	_, err = s.repo.Attach(ctx, d, signature)
	return err
}

// gate lets images pass that AWS Signer signed with the one profile, and whose SBOM it signed if there is one to expect.
func (s *shipment) gate() *policy.Gate {
	rules := []policy.Policy{policy.Require{Kind: verify.ImageSignature}}
	if s.boms > 0 {
		rules = append(rules, policy.Require{Kind: verify.Statement, PredicateTypes: []string{"https://cyclonedx.org/bom"}, Check: readable})
	}
	return &policy.Gate{
		Open:      gate.Open(s.options),
		Verifiers: []verify.Verifier{s.verifier()},
		Policy:    policy.All(rules...),
	}
}

func readable(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
	bom, err := sbom.Parse(bytes.NewReader(a.Predicate))
	if err != nil {
		return err
	}
	for range bom.Components() {
		return nil
	}
	return errors.New("the SBOM names no components")
}

// pass shows the gate's decision, and fails if it is not to allow the image.
func (s *shipment) pass(ctx context.Context) error {
	s.p.step("Gate", "asks for signatures of that profile which are not revoked")
	d := s.gate().Check(ctx, s.pinned())
	s.p.decision(d)
	return d.Err()
}
