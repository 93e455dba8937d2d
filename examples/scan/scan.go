package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
	"github.com/ladingdev/lading/sbom/vuln"
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
	db, err := osv.Open(o.index)
	if err != nil {
		return unanswered, err
	}
	defer db.Close()
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
	report, err := db.Scan(ctx, in.doc)
	if err != nil {
		return unanswered, err
	}
	if in.subject.MediaType != in.doc.MediaType() {
		report.Subject.Name, report.Subject.Digest = name, in.subject.Digest.String()
	}
	p.done()
	if err := o.write(ctx, in, report, stdout); err != nil {
		return unanswered, err
	}
	return o.status(report)
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
	if err := report.WriteTable(stdout, nil); err != nil {
		return err
	}
	for f, place := range report.Places() {
		if place.Doubt != "" {
			fmt.Fprintf(stdout, "cannot tell: %s %s: %s\n", f.ID, place.Component.PURL, place.Doubt)
		}
	}
	for _, s := range report.Skipped {
		fmt.Fprintf(stdout, "not assessed: %s %s: %s\n", s.Component.Name, s.Component.PURL, s.Reason)
	}
	for _, d := range report.Databases {
		fmt.Fprintf(stdout, "asked: %s %s of %s\n", d.Name, d.Ecosystem, d.Updated.Format("2006-01-02"))
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

// status is what a pipeline goes by. A severity that nobody knows may be any.
func (o *options) status(report *vuln.Report) (int, error) {
	if len(report.Databases) == 0 && len(report.Skipped) > 0 {
		return unanswered, fmt.Errorf("none of %d components could be looked up: the index has none of their ecosystems", report.Components)
	}
	for f, place := range report.Places() {
		if !place.Suppressed() && (f.Severity >= o.fail || f.Severity == vuln.Unknown) {
			return failed, nil
		}
	}
	return passed, nil
}
