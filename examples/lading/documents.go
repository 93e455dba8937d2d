package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/verify"
)

func (a *app) convert() *cobra.Command {
	var to, encoding, file string
	opts := new(sbom.ConvertOptions)
	cmd := &cobra.Command{
		Use:   "convert SBOM --to FORMAT",
		Short: "Convert an SBOM, and report each value that has no place",
		Example: `  lading convert app.cdx.json --to spdx-2.3 --file app.spdx.json
  lading convert app.spdx.json --to cyclonedx-1.7 --encoding xml --file -`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			doc, err := a.documentOf(args[0])
			if err != nil {
				return err
			}
			into, known := encodings[strings.ToLower(encoding)]
			if encoding != "" && !known {
				return misuse("--encoding %s: want one of %s", encoding, strings.Join(slices.Sorted(maps.Keys(encodings)), ", "))
			}
			target := doc.Format()
			if to != "" {
				if target, err = parseFormat(to); err != nil {
					return err
				}
			}
			out, report, err := sbom.Convert(doc, target, opts)
			var more *sbom.Report // of the encoding, in which the places are the output's
			if err == nil && encoding != "" {
				out, more, err = sbom.Encode(out, into, opts)
			}
			if errors.Is(err, sbom.ErrVersion) || errors.Is(err, sbom.ErrEncoding) {
				return misuse("--to %s: %v", cmp.Or(to, target.String()), err)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if err := a.ui.write(file, out.Bytes()); err != nil {
				return err
			}
			if a.ui.json() && file != "" && file != "-" {
				if more != nil {
					report.Losses = append(report.Losses, more.Losses...)
				}
				return a.ui.answer(conversionOf(report), nil)
			}
			a.ui.clear()
			if more == nil || target != doc.Format() {
				wrapped(a.ui.err, "", report.String())
			}
			if more != nil {
				wrapped(a.ui.err, "", more.String())
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "format, such as spdx-2.3; none keeps it")
	cmd.Flags().StringVar(&encoding, "encoding", "", "json, xml, tag-value, yaml or rdf; none is JSON, or as it was")
	cmd.Flags().StringVarP(&file, "file", "f", "-", "write to this file; - is standard output")
	cmd.Flags().BoolVar(&opts.Strict, "strict", false, "refuse if anything would be lost")
	cmd.Flags().BoolVar(&opts.Embed, "embed", false, "carry the input along, so that converting back restores it")
	cmd.Flags().BoolVar(&opts.DropSignatures, "drop-signatures", false, "convert a signed document, without its signatures")
	return cmd
}

var encodings = map[string]sbom.Encoding{"json": sbom.JSON, "xml": sbom.XML, "tag-value": sbom.TagValue, "yaml": sbom.YAML, "rdf": sbom.RDF}

// conversion is what JSON says of one.
type conversion struct {
	From        string `json:"from"`
	To          string `json:"to"`
	Values      int    `json:"values,omitempty"`
	Represented int    `json:"represented,omitempty"`
	Losses      []loss `json:"losses"`
	Embedded    bool   `json:"embedded,omitempty"`
	Restored    bool   `json:"restored,omitempty"`
	Open        bool   `json:"open,omitempty"`
}

type loss struct {
	Path   string        `json:"path"`
	Kind   sbom.LossKind `json:"kind"`
	Reason string        `json:"reason"`
}

func conversionOf(r *sbom.Report) *conversion {
	c := &conversion{From: r.From.String(), To: r.To.String(), Values: r.Values, Represented: r.Represented, Losses: []loss{},
		Embedded: r.Embedded, Restored: r.Restored, Open: r.Open}
	for _, l := range r.Losses {
		c.Losses = append(c.Losses, loss(l))
	}
	return c
}

// difference is what JSON says of two SBOMs.
type difference struct {
	Added   []string      `json:"added"`
	Removed []string      `json:"removed"`
	Changed []difference1 `json:"changed"`
}

type difference1 struct {
	Component string  `json:"component"`
	Fields    []field `json:"fields"`
}

type field struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
}

func (a *app) diff() *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare two SBOMs, of one format or of two",
		Args:  cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			old, err := a.documentOf(args[0])
			if err != nil {
				return err
			}
			now, err := a.documentOf(args[1])
			if err != nil {
				return err
			}
			c := sbom.Diff(old, now, nil)
			d := difference{Added: []string{}, Removed: []string{}, Changed: []difference1{}}
			for _, r := range c.Added {
				d.Added = append(d.Added, label(now, r))
			}
			for _, r := range c.Removed {
				d.Removed = append(d.Removed, label(old, r))
			}
			for _, x := range c.Changed {
				one := difference1{Component: label(now, x.New), Fields: []field{}}
				for _, f := range x.Fields {
					one.Fields = append(one.Fields, field(f))
				}
				d.Changed = append(d.Changed, one)
			}
			if err := a.ui.answer(d, func(w io.Writer) { d.print(w) }); err != nil || c.Empty() {
				return err
			}
			return errDenied
		},
	}
}

func (d *difference) print(w io.Writer) {
	for _, x := range d.Added {
		fmt.Fprintf(w, "added    %s\n", oneline.Of(x))
	}
	for _, x := range d.Removed {
		fmt.Fprintf(w, "removed  %s\n", oneline.Of(x))
	}
	for _, x := range d.Changed {
		fmt.Fprintf(w, "changed  %s\n", oneline.Of(x.Component))
		for _, f := range x.Fields {
			fmt.Fprintf(w, "           %s: %s -> %s\n", f.Field, clip(dash(f.Old), 28), clip(dash(f.New), 28))
		}
	}
	fmt.Fprintf(w, "%d added, %d removed, %d changed\n", len(d.Added), len(d.Removed), len(d.Changed))
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// label is what people call a component.
func label(doc *sbom.Document, r sbom.Ref) string {
	c := doc.Component(r)
	switch {
	case c == nil:
		return "?"
	case c.PURL != "":
		return c.PURL
	case c.Version != "":
		return c.Name + " " + c.Version
	}
	return c.Name
}

// holder is where a component was found, and through what it comes in.
type holder struct {
	In        string   `json:"in"`
	Component string   `json:"component"`
	Through   []string `json:"through"` // from what the document is about to the component, without these two
}

func (a *app) who() *cobra.Command {
	var trust trustFlags
	var images []string
	cmd := &cobra.Command{
		Use:   "who PURL|NAME [SBOM...] [--image IMAGE...]",
		Short: "Say which SBOMs or images have a package, and through what",
		Long: `Looks for a package, by its package URL with or without a version or by its
name, in files with SBOMs, and in the SBOMs that are attached to images and
proven to be signed by whom the flags name.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && len(images) == 0 {
				return misuse("where? name files with SBOMs, or --image")
			}
			found := []holder{}
			for _, file := range args[1:] {
				doc, err := a.documentOf(file)
				if err != nil {
					return err
				}
				found = append(found, find(file, doc, args[0])...)
			}
			for i, name := range images {
				a.ui.progress("image %d of %d", i+1, len(images))
				more, err := a.whoInImage(cmd.Context(), &trust, name, args[0])
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				found = append(found, more...)
			}
			if err := a.ui.answer(found, func(w io.Writer) {
				for _, h := range found {
					fmt.Fprintln(w, oneline.Of(h.In))
					mark := "  "
					for _, name := range append(slices.Clone(h.Through), h.Component) {
						fmt.Fprintln(w, mark+oneline.Of(name))
						mark = "  <- "
					}
				}
				fmt.Fprintf(w, "%d found\n", len(found))
			}); err != nil || len(found) > 0 {
				return err
			}
			return errDenied
		},
	}
	trust.add(cmd, "key")
	cmd.Flags().StringArrayVar(&images, "image", nil, "look into the SBOMs that are attached to this image; may be repeated")
	return cmd
}

func (a *app) whoInImage(ctx context.Context, trust *trustFlags, name, what string) (found []holder, err error) {
	p, err := a.reach.open(ctx, name)
	if err != nil {
		return nil, err
	}
	verifiers, err := trust.verifiers(ctx, a.ui, p)
	if err != nil {
		return nil, err
	}
	read := 0
	for _, subject := range p.subjects(true) {
		report := verify.Collect(ctx, subject, p.repo, verifiers...)
		if len(report.Incomplete) > 0 {
			return nil, report.Incomplete[0]
		}
		for _, att := range report.Attestations {
			doc, err := sbom.Parse(bytes.NewReader(att.Predicate))
			if err != nil {
				continue // of another type
			}
			read++
			found = append(found, find(name, doc, what)...)
		}
	}
	if read == 0 {
		return nil, fmt.Errorf("no SBOM is attached that is proven to be by whom you believe")
	}
	return found, nil
}

// anyVersion is the key of a package in whatever version, for whatever architecture.
func anyVersion(p sbom.PURL) string {
	return sbom.PURL{Type: p.Type, Namespace: p.Namespace, Name: p.Name}.MatchKey()
}

// find looks for a component by package URL or name.
func find(in string, doc *sbom.Document, what string) (out []holder) {
	add := func(r sbom.Ref) {
		h := holder{In: in, Component: label(doc, r), Through: []string{}}
		graph := doc.Graph()
		for _, root := range doc.Roots() {
			if path := graph.Path(root, r); len(path) > 2 {
				for _, via := range path[1 : len(path)-1] {
					h.Through = append(h.Through, label(doc, via))
				}
				break
			}
		}
		out = append(out, h)
	}
	if p, err := sbom.ParsePURL(what); err == nil {
		if p.Version != "" {
			for r := range doc.Match(p) {
				add(r)
			}
			return out
		}
		for r, c := range doc.Components() {
			if q, err := sbom.ParsePURL(c.PURL); err == nil && anyVersion(q) == anyVersion(p) {
				add(r)
			}
		}
		return out
	}
	for r, c := range doc.Components() {
		if c.Name == what || c.Group+"/"+c.Name == what {
			add(r)
		}
	}
	return out
}
