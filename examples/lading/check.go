package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/spf13/cobra"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/policy/document/cel"
	"github.com/ladingdev/lading/policy/document/kinds"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/report"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary/awssigner"
	"github.com/ladingdev/lading/verify/sigstore"
)

func (a *app) check() *cobra.Command {
	var policyFile, door, record, as string
	var each bool
	cmd := &cobra.Command{
		Use:   "check IMAGE...",
		Short: "Decide by a policy whether images may run",
		Long: `Decides by a policy document whether images may run, and says why. --output
takes text, json, markdown, html, sarif and junit.

An index is judged by the evidence about the index. With --each, the image of
each of its platforms is judged too, by its own; all must be allowed.`,
		Example: `  lading check registry.example.com/shop/app:v1 --policy policy.yaml
  lading check IMAGE --policy policy.yaml -o sarif > lading.sarif`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if as != "" && len(args) != 1 {
				return misuse("--as is the name of one image")
			}
			decisions, err := a.decide(cmd.Context(), asked{policyFile, door, record, as, each}, args)
			if err != nil {
				return err
			}
			a.ui.clear()
			if err := report.Write(a.ui.out, a.ui.format, a.ui.reportOptions(), decisions...); err != nil {
				return err
			}
			worst := policy.Allow
			for _, d := range decisions {
				worst = worse(worst, d.Verdict)
			}
			return statusOf(worst)
		},
	}
	cmd.Flags().StringVarP(&policyFile, "policy", "p", "policy.yaml", "policy document")
	cmd.Flags().StringVar(&door, "gate", "", "door that asks, by its name in the document")
	cmd.Flags().StringVar(&record, "record", "", "add the record of each decision to this file, for policy diff")
	cmd.Flags().StringVar(&as, "as", "", "name that the image will have, if it is in a layout or goes elsewhere")
	cmd.Flags().BoolVar(&each, "each", false, "of an index: the images of its platforms, too")
	return cmd
}

// asked is what a policy is asked.
type asked struct {
	file, door string
	record     string // file to add records to, or empty
	as         string // name of the image for the policy; empty means its own
	each       bool
}

// decide asks a policy about images. A name that none can have is asked about nothing.
func (a *app) decide(ctx context.Context, ask asked, names []string) (decisions []*policy.Decision, err error) {
	for _, name := range names {
		if err := a.reach.meant(name); err != nil {
			return nil, err
		}
		if ask.as == "" && strings.HasPrefix(name, layoutPrefix) {
			a.ui.note("%s has no name that a policy could know: --as NAME gives it the one under which it will run", name)
		}
	}
	if ask.as != "" {
		if _, err := gate.ParseReference(ask.as, a.reach.plainHTTP); err != nil {
			return nil, misuse("--as: %v", err)
		}
	}
	p, err := a.load(ctx, ask.file)
	if err != nil {
		return nil, err
	}
	var record func(*policy.Record)
	if ask.record != "" {
		log, openErr := os.OpenFile(ask.record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if openErr != nil {
			return nil, openErr
		}
		defer func() { err = cmp.Or(err, log.Close()) }()
		record = func(r *policy.Record) {
			line, recordErr := json.Marshal(r)
			if recordErr == nil {
				_, recordErr = log.Write(append(line, '\n'))
			}
			err = cmp.Or(err, recordErr)
		}
	}
	for i, name := range names {
		a.ui.progress("checking %d of %d", i+1, len(names))
		at, openErr := a.reach.open(ctx, name)
		if openErr != nil { // the gate says what it means
			at = new(place)
		}
		for _, subject := range at.subjects(ask.each) {
			gate := &policy.Gate{Verifiers: p.Verifiers(), Policy: p.At(ask.door), Record: record}
			gate.Open = func(context.Context, string) (*policy.Image, error) { return at.judged(subject), openErr }
			d := gate.Check(ctx, cmp.Or(ask.as, name))
			var lost *placeError
			if errors.As(openErr, &lost) {
				d.Missing = []string{lost.takes}
			}
			decisions = append(decisions, d)
		}
	}
	return decisions, err
}

// judged is the image, or one of its platforms, as a gate takes it.
func (p *place) judged(subject registry.Descriptor) *policy.Image {
	image := &policy.Image{Subject: subject, Source: p.repo}
	if subject.Digest == p.image.Digest {
		image.Children = p.children
	}
	return image
}

// parse reads a policy document.
func (a *app) parse(file string) (*document.Document, error) {
	if file != "-" && !exists(file) {
		return nil, misuse("there is no policy document %s: name one with --policy; docs/policy.md begins with one to copy", file)
	}
	data, err := a.ui.read(file)
	if err != nil {
		return nil, err
	}
	doc, err := document.Parse(data)
	if err != nil {
		return nil, unfit(file, err, document.ErrDocument)
	}
	return doc, nil
}

// load reads a policy document and makes the verifiers of all kinds of trust that this program knows.
func (a *app) load(ctx context.Context, file string) (*document.Policy, error) {
	doc, err := a.parse(file)
	if err != nil {
		return nil, err
	}
	trust := map[string]document.TrustFunc{
		"file":   kinds.File(os.DirFS(filepath.Dir(file))),
		"notary": kinds.Notary(os.DirFS(notationDir(""))),
		"aws-signer": func(t *document.Trust) (verify.Verifier, error) {
			var with struct {
				Profile string `yaml:"profile,required"`
			}
			if err := t.Decode(&with); err != nil {
				return nil, err
			}
			cfg, err := config.LoadDefaultConfig(ctx)
			if err != nil {
				return nil, err
			}
			return awssigner.Verifier(signer.NewFromConfig(cfg), with.Profile), nil
		},
	}
	for _, kind := range doc.Kinds() {
		if kind == "keyless" {
			roots, err := rootsOf(false).Roots()
			if err != nil {
				return nil, err
			}
			trust[kind] = kinds.Keyless(map[string]*sigstore.Root{"": roots.Root})
		}
	}
	p, err := doc.Load(&document.Options{Trust: trust, Conditions: new(cel.Compiler)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}
