package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/rules"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
	"github.com/ladingdev/lading/sbom/quality"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"
)

func (a *app) sbom() *cobra.Command {
	var to, file, platform string
	var each bool
	cmd := &cobra.Command{
		Use:   "sbom IMAGE|ARCHIVE|DIRECTORY",
		Short: "Make an SBOM of an image, an archive of one, or a directory",
		Example: `  lading sbom registry.example.com/shop/app:v1 --file app.cdx.json
  lading sbom image.tar --format spdx-2.3 --file -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := parseFormat(to)
			if err != nil {
				return err
			}
			if each {
				return a.sbomEach(cmd.Context(), args[0], platform, file, format)
			}
			doc, report, err := a.look(cmd.Context(), args[0], platform, format)
			if err != nil {
				return err
			}
			if file != "" {
				if err := a.ui.write(file, doc.Bytes()); err != nil || file == "-" {
					return err
				}
			}
			return a.ui.answer(summaryOf(doc, report), func(w io.Writer) { printSBOM(w, args[0], file, doc, report) })
		},
	}
	cmd.Flags().StringVar(&to, "format", "cyclonedx-1.6", "format to write, such as cyclonedx-1.6 or spdx-2.3")
	cmd.Flags().StringVarP(&file, "file", "f", "", "write the SBOM to this file; - is standard output")
	cmd.Flags().StringVar(&platform, "platform", "", "platform to take of an index, such as linux/arm64")
	cmd.Flags().BoolVar(&each, "each", false, "of an index: one for each platform; --file app.json writes app-linux-arm64.json")
	return cmd
}

// sbomEach makes an SBOM of the image of each platform of an index, in a file of its own.
func (a *app) sbomEach(ctx context.Context, name, platform, file string, format sbom.Format) error {
	if platform != "" || file == "" || file == "-" {
		return misuse("--each needs --file, and takes every platform")
	}
	p, err := a.reach.open(ctx, name)
	if err != nil {
		return err
	}
	if len(p.children) == 0 {
		return fmt.Errorf("%s is no index: leave --each out", name)
	}
	summaries := make(map[string]*sbomSummary)
	var texts strings.Builder
	for _, child := range p.children {
		doc, report, err := a.catalogue(ctx, p, child, a.catalogOptions(format, child.Platform))
		if err != nil {
			return fmt.Errorf("%s: %w", platformOf(child), err)
		}
		to := fileOf(file, child)
		if err := a.ui.write(to, doc.Bytes()); err != nil {
			return err
		}
		summaries[to] = summaryOf(doc, report)
		printSBOM(&texts, name+" "+platformOf(child), to, doc, report)
	}
	return a.ui.answer(summaries, func(w io.Writer) { io.WriteString(w, texts.String()) })
}

// fileOf is the name of the file for a platform: app.cdx.json and linux/arm64 make app-linux-arm64.cdx.json.
func fileOf(file string, child registry.Descriptor) string {
	dir, base := filepath.Split(file)
	stem, ext, ok := strings.Cut(base, ".")
	if ok {
		ext = "." + ext
	}
	return dir + stem + "-" + strings.ReplaceAll(platformOf(child), "/", "-") + ext
}

// catalogOptions are those of every catalogue: the time, and progress. No platform means that of this program.
func (a *app) catalogOptions(format sbom.Format, platform *ocispec.Platform) *catalog.Options {
	o := &catalog.Options{Format: format, Created: time.Now().UTC().Truncate(time.Second), Progress: a.catalogued}
	if platform != nil {
		o.Platform = *platform
	}
	return o
}

// catalogue looks into an image of a repository that is open.
func (a *app) catalogue(ctx context.Context, p *place, image registry.Descriptor, o *catalog.Options) (*sbom.Document,
	*catalog.Report, error) {
	if called := p.called(); called != "" {
		o.Name = called
	}
	return catalog.Image(ctx, p.repo, image, o)
}

func (a *app) catalogued(p catalog.Progress) {
	if p.Layers > 0 {
		a.ui.progress("layer %d of %d, %.1f of %.1f MB, %d files, %d packages", p.Layer, p.Layers, mb(p.Bytes), mb(p.Total),
			p.Files, p.Packages)
		return
	}
	a.ui.progress("%d files, %d packages", p.Files, p.Packages)
}

// parseFormat reads cyclonedx-1.6, spdx-2.3 and the like. Versions that there are not, the library refuses.
func parseFormat(text string) (sbom.Format, error) {
	spec, version, ok := strings.Cut(text, "-")
	specs := map[string]sbom.Spec{"cyclonedx": sbom.CycloneDX, "spdx": sbom.SPDX}
	if s := specs[strings.ToLower(spec)]; ok && s != "" && version != "" {
		return sbom.Format{Spec: s, Version: version}, nil
	}
	return sbom.Format{}, misuse("format %q: want cyclonedx-VERSION or spdx-VERSION, such as cyclonedx-1.6", text)
}

// look catalogues what a name is of: a directory, a file with an image in it, or an image.
func (a *app) look(ctx context.Context, name, platform string, format sbom.Format) (*sbom.Document, *catalog.Report, error) {
	want, err := parsePlatform(platform)
	if err != nil {
		return nil, nil, err
	}
	o := a.catalogOptions(format, &want)
	st, err := os.Stat(name)
	switch {
	case err == nil && st.IsDir() && !exists(filepath.Join(name, "index.json")):
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, nil, err
		}
		defer root.Close()
		o.Name = filepath.Base(filepath.Clean(name))
		return catalog.Dir(ctx, root.FS(), o)
	case err == nil:
		src, err := catalog.Open(name)
		if errors.Is(err, catalog.ErrNotImage) {
			return nil, nil, misuse("%v", err)
		}
		if err != nil {
			return nil, nil, err
		}
		defer src.Close()
		image, err := src.Find("", want)
		if err != nil {
			return nil, nil, err
		}
		return catalog.Image(ctx, src, image, o)
	}
	// The short name of an image, as docker has it, or a slip.
	if ref, err := gate.ParseReference(name, false); err == nil && !strings.ContainsAny(name, ":@") &&
		!strings.HasPrefix(ref.String(), name) {
		a.ui.note("no file or directory is called %s: asking for the image %s", name, ref)
	}
	p, err := a.reach.open(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	return a.catalogue(ctx, p, p.image, o)
}

// sbomSummary is what JSON says of an SBOM that was made. The SBOM itself is in the file.
type sbomSummary struct {
	Format     string         `json:"format"`
	Components int            `json:"components"` // without the image, its operating system and files
	Packages   map[string]int `json:"packages"`   // by type of package URL
	Files      int            `json:"files"`
	Licensed   int            `json:"licensed"`
	Edges      int            `json:"dependencies"`
	Lacks      []string       `json:"lacks,omitempty"` // of the NTIA Minimum Elements
	Warnings   []string       `json:"warnings,omitempty"`
}

func summaryOf(doc *sbom.Document, r *catalog.Report) *sbomSummary {
	s := &sbomSummary{Format: doc.Format().String(), Components: rules.CountComponents(doc), Packages: r.Packages, Files: r.Files,
		Licensed: r.Licensed, Edges: r.Edges}
	for _, x := range quality.Check(doc, quality.NTIA2021, nil).Results {
		if x.Status == quality.Fail {
			s.Lacks = append(s.Lacks, x.Rule.Title)
		}
	}
	for _, w := range r.Warnings {
		s.Warnings = append(s.Warnings, w.String())
	}
	return s
}

func printSBOM(w io.Writer, name, file string, doc *sbom.Document, r *catalog.Report) {
	s := summaryOf(doc, r)
	fmt.Fprintln(w, clip(name, 80))
	fmt.Fprintf(w, "%v: %d components in %d files, %d dependencies, %d with a licence\n", doc.Format(), rules.CountComponents(doc),
		r.Files, r.Edges, r.Licensed)
	for _, kind := range slices.Sorted(maps.Keys(r.Packages)) {
		fmt.Fprintf(w, "  %-12s %6d\n", clip(kind, 12), r.Packages[kind])
	}
	if s.Lacks != nil {
		wrapped(w, "", quality.NTIA2021.Title+" lacks: "+strings.Join(s.Lacks, ", "))
	}
	for i, x := range r.Warnings {
		if i == 5 {
			fmt.Fprintf(w, "and %d more files that could not be read\n", len(r.Warnings)-i)
			break
		}
		wrapped(w, "not read: ", x.String())
	}
	if file == "" {
		fmt.Fprintln(w, "Write it with --file.")
		return
	}
	fmt.Fprintf(w, "wrote %s, %d bytes\n", file, len(doc.Bytes()))
}

// documentOf reads a file with an SBOM, also GitHub's that wraps one.
func (a *app) documentOf(name string) (*sbom.Document, error) {
	data, err := a.ui.read(name)
	if err != nil {
		return nil, err
	}
	doc, err := sbom.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, unfit(name, err, sbom.ErrNotSBOM)
	}
	return doc, nil
}
