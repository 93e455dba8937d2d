package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/ladingdev/lading/verify"
)

// signed is what JSON says of evidence that was attached.
type signed struct {
	Subject   string   `json:"subject"`
	Platform  string   `json:"platform,omitempty"`
	Type      string   `json:"type"`
	MediaType string   `json:"mediaType"`
	Bytes     int64    `json:"bytes"`
	Removed   []string `json:"removed,omitempty"`
}

func (a *app) sign() *cobra.Command {
	f := new(signFlags)
	cmd := &cobra.Command{
		Use:   "sign IMAGE",
		Short: "Sign an image and attach the signature to it",
		Example: `  lading sign registry.example.com/shop/app:v1 --key cosign.key
  lading sign NAME@sha256:... --profile arn:aws:signer:...`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.attachAll(cmd.Context(), f, args[0], always(sign.ImageSignature{}), nil)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&f.first, "first-format", false, "write cosign's format of before version 3, for podman, skopeo and CRI-O")
	return cmd
}

func (a *app) attest() *cobra.Command {
	f := new(signFlags)
	var kind, file string
	var catalogue, other bool
	cmd := &cobra.Command{
		Use:   "attest IMAGE",
		Short: "Sign a statement about an image and attach it",
		Example: `  lading attest shop/app:v1 --predicate app.cdx.json --key cosign.key
  lading attest shop/app:v1 --predicate review.json \
    --type https://example.com/review/v1 --key cosign.key`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if catalogue == (file != "") {
				return misuse("give --predicate or --catalog, one of them")
			}
			if catalogue {
				return a.attachAll(cmd.Context(), f, args[0], a.bomOf, nil)
			}
			p, err := a.predicate(file, kind)
			if err != nil {
				return err
			}
			return a.attachAll(cmd.Context(), f, args[0], sameOf(p, other), nil)
		},
	}
	f.add(cmd)
	addPredicate(cmd, &file, &kind, &other)
	cmd.Flags().BoolVar(&catalogue, "catalog", false, "make an SBOM of the image and attest it; with --each one for each\n"+
		"platform, about its own image")
	return cmd
}

// predicateOf makes what is to be signed about an image; nil means nothing.
type predicateOf func(ctx context.Context, p *place, subject registry.Descriptor) (sign.Predicate, error)

// always is the same of every image.
func always(p sign.Predicate) predicateOf {
	return func(context.Context, *place, registry.Descriptor) (sign.Predicate, error) { return p, nil }
}

// sameOf is the same of every image, but an error for one that an SBOM or a report says that it is not about.
func sameOf(p sign.Predicate, other bool) predicateOf {
	var named [][]string
	switch p := p.(type) {
	case *sbom.Document:
		named = rules.NamedImages(p)
	case *vuln.Report:
		if p.Subject.Digest != "" {
			named = [][]string{{p.Subject.Digest}}
		}
	}
	return func(_ context.Context, place *place, subject registry.Descriptor) (sign.Predicate, error) {
		of := []string{subject.Digest.String()}
		if subject.Digest == place.image.Digest {
			for _, child := range place.children {
				of = append(of, child.Digest.String())
			}
		}
		for _, digests := range named {
			if !other && !slices.ContainsFunc(digests, func(d string) bool { return slices.Contains(of, d) }) {
				return nil, misuse("the predicate says that it is about %s, and the image is %s: --any-digest attests it all the same",
					digests[0], subject.Digest)
			}
		}
		return p, nil
	}
}

// bomOf catalogues an image. An index has no content of its own: its platforms have.
func (a *app) bomOf(ctx context.Context, p *place, subject registry.Descriptor) (sign.Predicate, error) {
	if len(p.children) > 0 && subject.Digest == p.image.Digest {
		return nil, nil
	}
	doc, _, err := a.catalogue(ctx, p, subject, a.catalogOptions(sbom.Format{}, subject.Platform))
	if err != nil {
		return nil, err
	}
	return doc, nil
}

func addPredicate(cmd *cobra.Command, file, kind *string, other *bool) {
	cmd.Flags().BoolVar(other, "any-digest", false, "attest an SBOM or report that says it is about another image, too:\n"+
		"some scanners name the index, or an image's configuration")
	cmd.Flags().StringVar(file, "predicate", "", "file with the predicate: an SBOM, a report, provenance or any JSON")
	cmd.Flags().StringVar(kind, "type", "", "the predicate's type, a URI; SBOMs, reports and VEX tell theirs")
}

func (a *app) replace() *cobra.Command {
	f := new(signFlags)
	var kind, file string
	var other bool
	var trust trustFlags
	cmd := &cobra.Command{
		Use:   "replace IMAGE",
		Short: "Attach a statement, and remove what it replaces",
		Long: `Attaches a statement as attest does, and then removes what the same proven
signer said before of the same image, of the same type. Who signed what is
there is proven with --trust-key and its like; nobody else's evidence is
touched.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" {
				return misuse("give --predicate")
			}
			p, err := a.predicate(file, kind)
			if err != nil {
				return err
			}
			return a.attachAll(cmd.Context(), f, args[0], sameOf(p, other), &trust)
		},
	}
	f.add(cmd)
	addPredicate(cmd, &file, &kind, &other)
	trust.add(cmd, "trust-key")
	return cmd
}

// predicate reads what is to be signed. What is not told by a type is told by the file: an SBOM or a report of a scanner.
func (a *app) predicate(file, kind string) (sign.Predicate, error) {
	data, err := a.ui.read(file)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		if !json.Valid(data) {
			return nil, misuse("%s is no JSON", file)
		}
		return sign.RawPredicate{Type: kind, JSON: data}, nil
	}
	if doc, err := sbom.Parse(bytes.NewReader(data)); err == nil {
		return doc, nil
	} else if !errors.Is(err, sbom.ErrNotSBOM) {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if report, err := vuln.Parse(bytes.NewReader(data)); err == nil {
		return report, nil
	}
	if p, err := provenance.Parse(data); err == nil {
		return p, nil
	}
	return nil, misuse("what %s is cannot be told: give its --type", file)
}

// attachAll signs a predicate of an image and, with --each, of each of its platforms, and attaches it. With trust it then removes
// what it replaces.
func (a *app) attachAll(ctx context.Context, f *signFlags, name string, of predicateOf, trust *trustFlags) error {
	signer, err := f.signer(ctx, a.ui)
	if err != nil {
		return err
	}
	place, err := a.reach.open(ctx, name)
	if err != nil {
		return err
	}
	var verifiers []verify.Verifier
	if trust != nil {
		if verifiers, err = trust.verifiers(ctx, a.ui, place); err != nil {
			return err
		}
	}
	var done []signed
	subjects := place.subjects(f.each)
	predicates := make([]sign.Predicate, len(subjects)) // all of them before anything is attached
	for i, subject := range subjects {
		if predicates[i], err = of(ctx, place, subject); err != nil {
			return err
		}
	}
	for i, subject := range subjects {
		p := predicates[i]
		if p == nil {
			continue
		}
		a.ui.progress("signing %d of %d", i+1, len(subjects))
		statement := sign.About(subject, p)
		if f.first {
			statement.Subjects[0].Name = place.called()
		}
		evidence, err := signer.Sign(ctx, statement)
		if err != nil {
			return err
		}
		one := signed{Subject: subject.Digest.String(), Platform: platformOf(subject), Type: p.PredicateType(),
			MediaType: evidence.MediaType, Bytes: evidence.Size}
		if trust == nil {
			err = f.attach(ctx, place, subject, evidence)
		} else {
			one.Removed, err = replaceOne(ctx, place, subject, evidence, verifiers)
		}
		if err != nil {
			return err
		}
		done = append(done, one)
	}
	if done == nil {
		return misuse("%s is an index, which has no content of its own: give --each", name)
	}
	return a.ui.answer(done, func(w io.Writer) { printSigned(w, done) })
}

func replaceOne(ctx context.Context, p *place, subject, evidence registry.Descriptor, verifiers []verify.Verifier) ([]string, error) {
	before := verify.Collect(ctx, subject, p.repo, verifiers...)
	if len(before.Incomplete) > 0 {
		return nil, fmt.Errorf("what is attached could not all be looked at, so nothing is replaced: %w", errors.Join(before.Incomplete...))
	}
	now, err := verifyOne(ctx, subject, evidence, verifiers)
	if err != nil {
		return nil, fmt.Errorf("the new signature is not by whom --trust-key and its like name: %w", err)
	}
	old := before.SupersededBy(now)
	if _, err := p.repo.Replace(ctx, subject, evidence, old...); err != nil {
		return nil, err
	}
	var removed []string
	for _, d := range old {
		removed = append(removed, d.Digest.String())
	}
	return removed, nil
}

// verifyOne proves one piece of evidence.
func verifyOne(ctx context.Context, subject, evidence registry.Descriptor, verifiers []verify.Verifier) (a *verify.Attestation, err error) {
	err = verify.ErrNotTrusted
	for _, v := range verifiers {
		if a, err = v.Verify(ctx, subject, evidence); err == nil {
			return a, nil
		}
	}
	return nil, err
}

func printSigned(w io.Writer, done []signed) {
	for _, s := range done {
		fmt.Fprintln(w, strings.TrimSuffix(s.Subject+" "+s.Platform, " "))
		wrapped(w, "  attached  ", fmt.Sprintf("%s (%d bytes)", s.Type, s.Bytes))
		for _, r := range s.Removed {
			fmt.Fprintf(w, "  removed   %s\n", r)
		}
	}
}
