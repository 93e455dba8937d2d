package main

import (
	"bytes"
	"context"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/internal/awstest"
	"github.com/ladingdev/lading/policy"
	policydoc "github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/registrytest"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln/inspector"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/awssigner"
	"github.com/ladingdev/lading/sign/kms"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/ladingdev/lading/verify"
	verifysigner "github.com/ladingdev/lading/verify/notary/awssigner"
)

var (
	//go:embed policy.yaml
	policyText []byte
	//go:embed sbom.cdx.json
	document []byte
)

// repository is where the images are. Amazon ECR's host is led to the registry of this process.
const repository = "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web"

// A workshop is an AWS account and a registry in this process.
type workshop struct {
	cloud    *awstest.Server
	registry *registrytest.Server
	options  *registry.Options
	repo     *registry.Repository
	signer   *signer.Client
	kms      *awskms.Client
	profiles map[string]string // ARN of a version by name
	doc      *policydoc.Document
}

// open sets up the account: two profiles, two keys, and what Amazon Inspector knows.
func open(ctx context.Context) (*workshop, error) {
	cloud, err := awstest.New(nil)
	if err != nil {
		return nil, err
	}
	server := registrytest.Start(nil)
	w := &workshop{
		cloud: cloud, registry: server, signer: signer.NewFromConfig(cloud.Config()), kms: awskms.NewFromConfig(cloud.Config()),
		options: &registry.Options{Transport: leadTo(server.Host()), PlainHTTP: true}, profiles: make(map[string]string),
	}
	if err := w.fill(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *workshop) close() {
	w.registry.Close()
	w.cloud.Close()
}

func (w *workshop) fill() (err error) {
	for _, name := range []string{"release", "release2"} {
		_, w.profiles[name] = w.cloud.CreateProfile(awstest.Profile{Name: name})
	}
	for _, alias := range []string{"alias/build", "alias/stranger"} {
		key, err := w.cloud.CreateKey(awstest.Key{Spec: "ECC_NIST_P256"})
		if err != nil {
			return err
		}
		if err := w.cloud.SetAlias(alias, key); err != nil {
			return err
		}
	}
	for _, v := range []awstest.Vulnerability{
		{ID: "CVE-2026-0001", PURL: "pkg:npm/express@4.21.2", Severity: "critical", Score: 9.1}, // which nothing fixes
		{ID: "CVE-2021-44906", PURL: "pkg:npm/minimist@1.2.5", Severity: "critical", Score: 9.8, Fixed: "1.2.6"},
		{ID: "CVE-2026-0002", PURL: "pkg:npm/minimist@1.2.8", Severity: "low", Score: 2},
		{ID: "CVE-2026-0003", PURL: "pkg:npm/left-pad@1.3.0", Severity: "low", Score: 2},
		{ID: "CVE-2026-0004", PURL: "pkg:npm/event-stream@3.3.6", Severity: "low", Score: 2},
	} {
		w.cloud.AddVulnerability(v)
	}
	if w.doc, err = policydoc.Parse(policyText); err != nil {
		return err
	}
	w.repo, err = registry.Open(repository, w.options)
	return err
}

// leadTo sends every request to one host.
func leadTo(host string) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Host, r.Host = host, host
		return http.DefaultTransport.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// gate makes the gate that the policy document describes: it names kinds of trust, and the program brings them.
func (w *workshop) gate(ctx context.Context) (*policy.Gate, error) {
	p, err := w.doc.Load(&policydoc.Options{Trust: map[string]policydoc.TrustFunc{
		"aws-signer": func(t *policydoc.Trust) (verify.Verifier, error) {
			var with struct {
				Profile string `yaml:"profile,required"`
			}
			if err := t.Decode(&with); err != nil {
				return nil, err
			}
			v := verifysigner.Verifier(w.signer, with.Profile)
			roots := []*x509.Certificate{w.cloud.Root()} // without these lines, AWS's own
			v.SigningAuthority, v.AWSRoots = roots, roots
			return v, nil
		},
		"aws-kms": func(t *policydoc.Trust) (verify.Verifier, error) {
			var with struct {
				Key string `yaml:"key,required"`
			}
			if err := t.Decode(&with); err != nil {
				return nil, err
			}
			key, err := kms.NewAWS(ctx, w.kms, with.Key)
			if err != nil {
				return nil, err
			}
			return &verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}, nil
		},
	}})
	if err != nil {
		return nil, err
	}
	g := &policy.Gate{Open: gate.Open(w.options), Verifiers: p.Verifiers(), Policy: p}
	return g, g.Validate()
}

// push makes an image, signs what is to be signed, and returns the image's name.
func (w *workshop) push(ctx context.Context, i int, image image) (name string, err error) {
	b := good()
	image.change(b)
	tag := fmt.Sprintf("v%d", i+1)
	subject, err := w.pushImage(ctx, tag)
	if err != nil {
		return "", err
	}
	if b.profile != "" {
		notary, err := awssigner.New(w.signer, "arn:aws:signer:us-east-1:111122223333:/signing-profiles/"+b.profile)
		if err != nil {
			return "", err
		}
		if err := w.attach(ctx, notary, subject, sign.ImageSignature{}); err != nil {
			return "", err
		}
	}
	if err := w.attest(ctx, subject, b); err != nil {
		return "", err
	}
	if b.revoke {
		w.cloud.Revoke(w.profiles[b.profile], time.Time{})
	}
	return repository + ":" + tag, nil
}

// attest signs what the build says about an image.
func (w *workshop) attest(ctx context.Context, subject ocispec.Descriptor, b *build) error {
	key, err := w.key(ctx, "alias/build")
	if err != nil {
		return err
	}
	if b.document != nil {
		bom, err := sbom.Parse(bytes.NewReader(b.document))
		if err != nil {
			return err
		}
		owner, err := w.key(ctx, b.key)
		if err != nil {
			return err
		}
		if err := w.attach(ctx, owner, subject, bom); err != nil {
			return err
		}
	}
	scanned := b.document
	if scanned == nil {
		scanned = document
	}
	bom, err := sbom.Parse(bytes.NewReader(scanned))
	if err != nil {
		return err
	}
	found, err := inspector.New(w.cloud.Config()).Scan(ctx, bom)
	if err != nil {
		return err
	}
	b.edit(found)
	if err := w.attach(ctx, key, subject, found); err != nil {
		return err
	}
	built, err := provenance.FromCI(func(name string) (string, bool) { value, ok := b.env[name]; return value, ok })
	if err != nil {
		return err
	}
	return w.attach(ctx, key, subject, built)
}

// key returns a signer with a key of AWS KMS.
func (w *workshop) key(ctx context.Context, alias string) (sign.Signer, error) {
	key, err := kms.NewAWS(ctx, w.kms, alias)
	if err != nil {
		return nil, err
	}
	return &sign.BundleSigner{Key: key}, nil
}

// attach has a predicate about an image signed, and hangs it on the image.
func (w *workshop) attach(ctx context.Context, s sign.Signer, subject ocispec.Descriptor, p sign.Predicate) error {
	evidence, err := s.Sign(ctx, sign.About(subject, p))
	if err != nil {
		return err
	}
	_, err = w.repo.Attach(ctx, subject, evidence)
	return err
}

// pushImage pushes an image of no layers, with a configuration of its own.
func (w *workshop) pushImage(ctx context.Context, tag string) (ocispec.Descriptor, error) {
	config, err := json.Marshal(ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}, Author: tag})
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Layers: []ocispec.Descriptor{},
		Config: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromBytes(config), Size: int64(len(config))},
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	image := ocispec.Descriptor{MediaType: m.MediaType, Digest: digest.FromBytes(manifest), Size: int64(len(manifest))}
	if err := w.repo.Push(ctx, m.Config, bytes.NewReader(config)); err != nil {
		return image, err
	}
	if err := w.repo.Push(ctx, image, bytes.NewReader(manifest)); err != nil {
		return image, err
	}
	return image, w.repo.Tag(ctx, image, tag)
}
