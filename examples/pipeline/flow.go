package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/report"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/registry/ecr"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sbom/vuln/inspector"
	"github.com/ladingdev/lading/sbom/vuln/osv"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/ladingdev/lading/verify"
)

// errStopped ends a pipeline whose image may not go on. It is no failure of the pipeline.
var errStopped = errors.New("stopped")

// A flow is one image on its way. Its fields up to lookup are set by who starts it.
type flow struct {
	p       *printer
	name    string // of the image, with a tag
	program []byte // to pack; nil if the image is there
	seal    *seal
	scanner vuln.Scanner // nil: none
	fail    vuln.Severity
	options *registry.Options
	lookup  provenance.Lookup

	repo     *registry.Repository
	image    ocispec.Descriptor   // image or index
	images   []ocispec.Descriptor // what has content: the image, or the platforms of the index
	findings *vuln.Report         // of all images
	decision *policy.Decision
}

// yours runs the flow on the user's registry.
func yours(ctx context.Context, p *printer, o *options) error {
	fmt.Fprintln(p.w, "Lading: "+o.image)
	f := &flow{p: p, name: o.image, fail: o.fail, lookup: os.LookupEnv}
	var err error
	if o.binary != "" {
		if f.program, err = os.ReadFile(o.binary); err != nil {
			return err
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	if part := strings.Split(o.sign, ":"); cfg.Region == "" && len(part) > 3 && part[0] == "arn" {
		cfg.Region = part[3]
	}
	done, err := f.connect(cfg, o.scan)
	if err != nil {
		return err
	}
	defer done()
	if f.seal, err = how(ctx, o, func() (*signer.Client, error) { return signer.NewFromConfig(cfg), nil }); err != nil {
		return err
	}
	err = f.run(ctx)
	if o.summary != "" {
		err = errors.Join(err, f.summarize(o.summary, err))
	}
	if err == nil && o.pinned != "" {
		err = os.WriteFile(o.pinned, []byte(f.pinned()+"\n"), 0o644)
	}
	return err
}

// connect makes what logs in to registries, and the scanner.
func (f *flow) connect(cfg aws.Config, scan string) (done func() error, err error) {
	docker, err := registry.DockerCredentials()
	if err != nil {
		return nil, err
	}
	login := &ecr.Credentials{Private: awsecr.NewFromConfig(cfg), Others: docker,
		Public: ecrpublic.NewFromConfig(cfg, func(o *ecrpublic.Options) { o.Region = "us-east-1" })}
	f.options = &registry.Options{Credential: login.Credential}
	done = func() error { return nil }
	switch scan {
	case "none":
	case "inspector":
		f.scanner = inspector.New(cfg)
	default:
		db, err := osv.Open(scan)
		if err != nil {
			return nil, err
		}
		f.scanner, done = db, db.Close
	}
	return done, nil
}

// run goes through all steps. An image that does not pass the scan is not signed.
func (f *flow) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{f.build, f.scan, f.sign, f.show, f.decide} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	f.p.line("deploy", "%s", f.pinned())
	return nil
}

// pinned is the image's name as it should be deployed.
func (f *flow) pinned() string { return f.repo.Name() + "@" + f.image.Digest.String() }

// build finds the image, or makes it of a program and pushes it.
func (f *flow) build(ctx context.Context) (err error) {
	if f.repo, err = registry.Open(f.name, f.options); err != nil {
		return err
	}
	if f.program == nil {
		f.p.step("Image", "as it is in the registry")
		f.image, err = f.repo.Resolve(ctx, "")
	} else {
		f.p.step("Build", "a Go program, packed as an OCI image and pushed")
		_, tag, _ := strings.Cut(path.Base(f.name), ":")
		if tag == "" || strings.Contains(f.name, "@") {
			return errors.New("name a tag to push the image under, such as app:v1")
		}
		f.image, err = pushImage(ctx, f.repo, tag, f.program)
	}
	if err != nil {
		return err
	}
	if f.images, err = f.repo.Children(ctx, f.image); err != nil {
		return err
	}
	f.p.line("image", "%s", f.name)
	f.p.line("digest", "%s", f.image.Digest)
	if len(f.images) > 0 {
		f.p.line("index", "of %d platforms", len(f.images))
	} else {
		f.images = []ocispec.Descriptor{f.image}
	}
	return nil
}

// scan makes the SBOMs, has them scanned, attests both, and stops at what is too bad. The report of a bad image is attested as
// well: it says why there is no signature.
func (f *flow) scan(ctx context.Context) error {
	f.p.step("SBOM", "of what is in the image")
	var reports []*vuln.Report
	for _, image := range f.images {
		doc, found, err := catalog.Image(ctx, f.repo, image, nil)
		if err != nil {
			return err
		}
		for _, w := range found.Warnings {
			f.p.line("not read", "%s", w)
		}
		f.p.line("sbom", "%d components, %s", doc.Len(), doc.MediaType())
		if err := f.seal.attest(ctx, f.repo, image, doc); err != nil {
			return err
		}
		if f.scanner == nil {
			continue
		}
		r, err := f.report(ctx, image, doc)
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	if f.scanner == nil {
		return nil
	}
	f.findings = vuln.Union(reports...)
	f.p.step("Scan", fmt.Sprintf("stops at severity %s, or one that nobody knows", f.fail))
	for finding, place := range f.findings.Places() {
		f.p.line(finding.Severity.String(), "%s in %s %s", finding.ID, place.Component.Name, place.Component.Version)
	}
	if n := f.bad(); n > 0 {
		return fmt.Errorf("%w: %d finding(s) as bad as %s; the image is not signed", errStopped, n, f.fail)
	}
	f.p.line("passed", "%d finding(s) in %d components", len(f.findings.Findings), f.findings.Components)
	return nil
}

// report scans one image and attests what was found.
func (f *flow) report(ctx context.Context, image ocispec.Descriptor, doc *sbom.Document) (*vuln.Report, error) {
	r, err := f.scanner.Scan(ctx, doc)
	if err != nil {
		return nil, err
	}
	if r.Components == 0 || len(r.Findings) == 0 && len(r.Databases) == 0 {
		return nil, errors.New("the scanner looked nothing up: that is no answer")
	}
	r.Subject.Name, r.Subject.Digest = f.name, image.Digest.String()
	return r, f.seal.attest(ctx, f.repo, image, r)
}

// bad counts the findings that stop the pipeline. A severity that nobody knows may be any.
func (f *flow) bad() (n int) {
	for finding, place := range f.findings.Places() {
		if place.State() != vuln.Excluded && (finding.Severity >= f.fail || finding.Severity == vuln.Unknown) {
			n++
		}
	}
	return n
}

// sign signs the image, an index and its platforms each, and attests how it was built.
func (f *flow) sign(ctx context.Context) error {
	f.p.step("Sign", "by "+f.seal.trusts)
	p, err := provenance.FromCI(f.lookup)
	if err != nil {
		if p, err = provenance.FromGit(os.DirFS(".")); err != nil {
			return err
		}
	}
	p.FinishedOn = time.Now().UTC()
	all := f.images
	if all[0].Digest != f.image.Digest {
		all = append([]ocispec.Descriptor{f.image}, all...)
	}
	for _, d := range all {
		if err := f.seal.attest(ctx, f.repo, d, p); err != nil {
			return err
		}
	}
	_, err = f.repo.AttachEach(ctx, f.image, func(ctx context.Context, d ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		evidence, err := f.seal.sign(ctx, d, sign.ImageSignature{})
		return []ocispec.Descriptor{evidence}, err
	})
	if err != nil {
		return err
	}
	f.p.line("image", "signed")
	f.p.line("builder", "%s", p.BuilderID)
	return nil
}

func (f *flow) show(ctx context.Context) error {
	f.p.step("Registry", "what hangs on the image now")
	tree, err := f.repo.Tree(ctx, f.image)
	f.p.text(tree)
	return err
}

// gate lets images pass that this pipeline made and no other.
func (f *flow) gate() *policy.Gate {
	statement := func(noun, kind string, check func(context.Context, *policy.Input, *verify.Attestation) error) policy.Policy {
		return policy.Require{Noun: noun, Kind: verify.Statement, PredicateTypes: []string{kind}, Check: check}
	}
	rules := []policy.Policy{policy.Require{Kind: verify.ImageSignature}, statement("provenance", provenance.Type, nil)}
	if len(f.images) == 0 || f.images[0].Digest == f.image.Digest { // an index has no packages itself: its platforms have
		rules = append(rules, statement("SBOM", "https://cyclonedx.org/bom", readable))
		if f.scanner != nil {
			rules = append(rules, statement("vulnerability report", vuln.TypeVulnsV02, nil))
		}
	}
	return &policy.Gate{Open: gate.Open(f.options), Verifiers: []verify.Verifier{f.seal.verifier}, Policy: policy.All(rules...)}
}

func readable(_ context.Context, _ *policy.Input, a *verify.Attestation) error {
	bom, err := sbom.Parse(bytes.NewReader(a.Predicate))
	if err != nil {
		return err
	}
	if bom.Len() == 0 {
		return errors.New("the SBOM names no components")
	}
	return nil
}

// decide asks the policy, as the gate at deployment will.
func (f *flow) decide(ctx context.Context) error {
	f.p.step("Decide", "by the policy that the gate at deployment has")
	f.decision = f.gate().Check(ctx, f.pinned())
	f.p.decision(f.decision)
	if err := f.decision.Err(); err != nil {
		return fmt.Errorf("%w: %w", errStopped, err)
	}
	return nil
}

// summarize appends a summary to a file: CI services show it beside the build.
func (f *flow) summarize(file string, outcome error) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "## %s\n\n", f.name)
	if outcome != nil {
		fmt.Fprintf(&b, "**Not released:** %s\n\n", strings.ReplaceAll(outcome.Error(), "\n", "; "))
	} else {
		fmt.Fprintf(&b, "**Released:** `%s`\n\n", f.pinned())
	}
	if f.findings != nil {
		counts := map[vuln.Severity]int{}
		for _, finding := range f.findings.Findings {
			counts[finding.Severity]++
		}
		fmt.Fprintf(&b, "| severity | findings |\n|---|---|\n")
		for s := vuln.Critical; ; s-- {
			if counts[s] > 0 {
				fmt.Fprintf(&b, "| %s | %d |\n", s, counts[s])
			}
			if s == vuln.Unknown {
				break
			}
		}
		fmt.Fprintf(&b, "| all | %d, in %d components |\n\n", len(f.findings.Findings), f.findings.Components)
	}
	if f.decision != nil {
		if err := report.Markdown(&b, nil, f.decision); err != nil {
			return err
		}
	}
	out, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = out.Write(append(b.Bytes(), '\n'))
	return errors.Join(err, out.Close())
}
