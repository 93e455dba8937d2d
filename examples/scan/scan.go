package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/term"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sbom/vuln/inspector"
	"github.com/ladingdev/lading/sbom/vuln/osv"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyfile"
)

// An input is what was named: its SBOM, what a signed report is about, and where that can be attached.
type input struct {
	doc     *sbom.Document
	subject sign.Descriptor
	repo    *registry.Repository // nil if the input is in none
}

func (o *options) scan(ctx context.Context, p *progress, name string, stdout io.Writer) (int, error) {
	scanner, done, err := o.scanner(ctx, p)
	if err != nil {
		return unanswered, err
	}
	defer done()
	in, err := read(ctx, p, name)
	if err != nil {
		return unanswered, err
	}
	if o.attach && in.repo == nil {
		return unanswered, fmt.Errorf("%s is in no registry and no layout: there is nothing to attach to; use -out", name)
	}
	if o.sbom != "" {
		if err := os.WriteFile(o.sbom, in.doc.Bytes(), 0o644); err != nil {
			return unanswered, err
		}
	}
	p.show("looking up %d components", in.doc.Len())
	report, err := scanner.Scan(ctx, in.doc)
	if err != nil {
		return unanswered, err
	}
	if in.subject.MediaType != in.doc.MediaType() {
		report.Subject.Name, report.Subject.Digest = name, in.subject.Digest.String()
	}
	if report.Subject.Name == "" {
		report.Subject.Name = filepath.Base(name)
	}
	p.done()
	if err := o.write(ctx, in, report, stdout); err != nil {
		return unanswered, err
	}
	return o.status(report)
}

// scanner opens the index, or makes a client of Amazon Inspector with the configuration of the AWS command line.
func (o *options) scanner(ctx context.Context, p *progress) (scanner vuln.Scanner, done func() error, err error) {
	if !o.inspector {
		db, err := osv.Open(o.index)
		if err != nil {
			return nil, nil, err
		}
		return db, db.Close, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, nil, err
	}
	if cfg.Region == "" {
		return nil, nil, errors.New("no AWS region: set AWS_REGION, or a region in the AWS configuration")
	}
	s := inspector.New(cfg)
	s.Progress = func(g inspector.Progress) {
		p.show("%d of %d components, %d findings", g.Done, g.Total, g.Findings)
	}
	return s, func() error { return nil }, nil
}

// read makes, fetches or reads the SBOM of what is named.
func read(ctx context.Context, p *progress, name string) (*input, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && !info.IsDir():
		if in, err := readSBOM(name); err == nil || !errors.Is(err, sbom.ErrNotSBOM) {
			return in, err
		}
		return readLocal(ctx, p, name, nil)
	case err == nil:
		repo, err := registry.OpenLayout(name)
		if err != nil {
			return nil, err
		}
		return readLocal(ctx, p, name, repo)
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	login, err := registry.DockerCredentials()
	if err != nil {
		return nil, err
	}
	repo, err := registry.Open(name, &registry.Options{Credential: login})
	if err != nil {
		return nil, err
	}
	root, err := repo.Resolve(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("%s is no file here, and no image there: %w", name, err)
	}
	return catalogue(ctx, p, repo, root, repo)
}

func readSBOM(name string) (*input, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	doc, err := sbom.Parse(f)
	if err != nil {
		return nil, err
	}
	data := doc.Bytes()
	subject := ocispec.Descriptor{MediaType: doc.MediaType(), Digest: digest.FromBytes(data), Size: int64(len(data))}
	return &input{doc: doc, subject: subject}, nil
}

func readLocal(ctx context.Context, p *progress, name string, repo *registry.Repository) (*input, error) {
	local, err := catalog.Open(name)
	if err != nil {
		return nil, err
	}
	defer local.Close()
	root, err := local.Find("", ocispec.Platform{})
	if err != nil {
		return nil, err
	}
	return catalogue(ctx, p, local, root, repo)
}

func catalogue(ctx context.Context, p *progress, src catalog.Source, root ocispec.Descriptor, repo *registry.Repository) (*input, error) {
	doc, report, err := catalog.Image(ctx, src, root, &catalog.Options{Progress: func(g catalog.Progress) {
		p.show("layer %d of %d: %d of %d MiB, %d packages", g.Layer, g.Layers, g.Bytes>>20, g.Total>>20, g.Packages)
	}})
	if err != nil {
		return nil, err
	}
	for _, w := range report.Warnings {
		p.say("not read: %s", w)
	}
	return &input{doc: doc, subject: report.Image, repo: repo}, nil
}

// write prints the table, and writes and signs the report as asked.
func (o *options) write(ctx context.Context, in *input, report *vuln.Report, stdout io.Writer) error {
	if err := report.WriteTable(stdout, &vuln.TableOptions{Width: columns(stdout)}); err != nil {
		return err
	}
	if o.json != "" {
		data, err := json.Marshal(report)
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(data, '\n'), 0o644); err != nil {
			return err
		}
	}
	if o.key == "" {
		return nil
	}
	pem, err := os.ReadFile(o.key)
	if err != nil {
		return err
	}
	key, err := keyfile.Parse(pem, []byte(os.Getenv("COSIGN_PASSWORD")))
	if err != nil {
		return fmt.Errorf("%s: %w", o.key, err)
	}
	signed, err := (&sign.BundleSigner{Key: key}).Sign(ctx, sign.About(in.subject, report))
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := os.WriteFile(o.out, bytes.TrimSpace(signed.Data), 0o644); err != nil {
			return err
		}
	}
	if o.attach {
		if _, err := in.repo.Attach(ctx, in.subject, signed); err != nil {
			return err
		}
	}
	return nil
}

// columns is the width of the terminal; 0, the default of a table, if w is none.
func columns(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n
		}
	}
	return 0
}

// status is what a pipeline goes by. A severity that nobody knows may be any.
func (o *options) status(report *vuln.Report) (int, error) {
	if report.Components == 0 {
		return unanswered, errors.New("the SBOM has no components: nothing was looked up")
	}
	skipped := map[string]bool{}
	for _, c := range report.Skipped {
		skipped[c.Component.PURL+" "+c.Component.Name+" "+c.Component.Version] = true
	}
	if len(report.Findings) == 0 && (len(report.Databases) == 0 || len(skipped) >= report.Components) {
		return unanswered, fmt.Errorf("none of %d components could be looked up", report.Components)
	}
	for f, place := range report.Places() {
		if place.State() != vuln.Excluded && (f.Severity >= o.fail || f.Severity == vuln.Unknown) {
			return failed, nil
		}
	}
	return passed, nil
}
