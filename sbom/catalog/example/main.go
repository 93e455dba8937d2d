// Example makes an SBOM of an image that is given by name, and shows what is in it:
//
//	go run ./example registry.example/app:v1        in a registry
//	go run ./example image.tar                      what docker save, skopeo or oras wrote
//	go run ./example layout/                        an OCI image layout
//	go run ./example -o sbom.json rootfs/           a directory with a file system
//
// Without a name it starts a registry in this process, pushes a small image to it, and looks at that.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
	"github.com/ladingdev/lading/sbom/quality"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("example", flag.ContinueOnError)
	flags.SetOutput(progress)
	file := flags.String("o", "", "write the SBOM to this file")
	format := flags.String("format", "cyclonedx", "cyclonedx or spdx")
	plain := flags.Bool("plain-http", false, "talk to the registry without TLS; loopback needs no leave")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o := &catalog.Options{Created: time.Now()}
	switch *format {
	case "cyclonedx":
	case "spdx":
		o.Format = sbom.Format{Spec: sbom.SPDX, Version: "2.3"}
	default:
		return fmt.Errorf("format %q: write cyclonedx or spdx", *format)
	}
	name := flags.Arg(0)
	if name == "" {
		var done func()
		var err error
		if name, done, err = demo(ctx); err != nil {
			return err
		}
		defer done()
		fmt.Fprintf(progress, "no image was named: looking at %s, made for this\n", name)
	}
	start := time.Now()
	line := &status{w: progress}
	o.Progress = func(p catalog.Progress) {
		switch {
		case p.Layers > 0:
			line.show(fmt.Sprintf("layer %d of %d, %.1f of %.1f MB, %d files", p.Layer, p.Layers, mb(p.Bytes), mb(p.Total), p.Files))
		default:
			line.show(fmt.Sprintf("%d files, %d packages", p.Files, p.Packages))
		}
	}
	doc, report, err := look(ctx, name, *plain, o)
	line.clear()
	if err != nil {
		return explain(name, err)
	}
	summary(out, name, doc, report, time.Since(start))
	if *file != "" {
		if err := os.WriteFile(*file, doc.Bytes(), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(out, "wrote %s: %v, %d bytes\n", *file, doc.Format(), len(doc.Bytes()))
	}
	return nil
}

// look finds out what a name is of: a file, a directory, or an image in a registry.
func look(ctx context.Context, name string, plain bool, o *catalog.Options) (*sbom.Document, *catalog.Report, error) {
	st, err := os.Stat(name)
	if err == nil && st.IsDir() && !exists(filepath.Join(name, "index.json")) {
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, nil, err
		}
		defer root.Close()
		o.Name = name
		return catalog.Dir(ctx, root.FS(), o)
	}
	if err == nil {
		src, err := catalog.Open(name)
		if err != nil {
			return nil, nil, err
		}
		defer src.Close()
		root, err := src.Find("", ocispec.Platform{})
		if err != nil {
			return nil, nil, err
		}
		return catalog.Image(ctx, src, root, o)
	}
	login, err := registry.DockerCredentials()
	if err != nil {
		return nil, nil, err
	}
	repo, err := registry.Open(name, &registry.Options{PlainHTTP: plain, Credential: login})
	if err != nil {
		return nil, nil, err
	}
	root, err := repo.Resolve(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	o.Name = repo.Name()
	return catalog.Image(ctx, repo, root, o)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// explain says what to do about an error.
func explain(name string, err error) error {
	advice := "is it the name of an image, an archive or a directory?"
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("stopped")
	case errors.Is(err, catalog.ErrPlatform), errors.Is(err, catalog.ErrLimit):
		return err
	case errors.Is(err, catalog.ErrDigest):
		advice = "fetch the image again: its content is not what its manifest says"
	case errors.Is(err, fs.ErrPermission):
		advice = "run this as somebody who may read it"
	}
	return fmt.Errorf("%s: %w\n%s", name, err, advice)
}

func mb(n int64) float64 { return float64(n) / 1e6 }

// summary shows a document on one screen of 80 by 24.
func summary(w io.Writer, name string, doc *sbom.Document, report *catalog.Report, took time.Duration) {
	fmt.Fprintln(w, clip(name, 80))
	if d := report.Image.Digest; d != "" {
		fmt.Fprintln(w, clip(d.String(), 80))
	}
	fmt.Fprintf(w, "\n%d components in %d files, %d dependencies, %d with a licence, %.1f s\n\n", doc.Len(), report.Files, report.Edges,
		report.Licensed, took.Seconds())
	kinds := slices.Collect(maps.Keys(report.Packages))
	slices.SortFunc(kinds, func(a, b string) int {
		return cmp.Or(cmp.Compare(report.Packages[b], report.Packages[a]), cmp.Compare(a, b))
	})
	largest := 1
	for _, k := range kinds {
		largest = max(largest, report.Packages[k])
	}
	for _, k := range kinds[:min(len(kinds), 7)] {
		n := report.Packages[k]
		fmt.Fprintf(w, "  %-12s %6d %s\n", clip(k, 12), n, strings.Repeat("#", 1+n*40/largest))
	}
	fmt.Fprintln(w)
	q := quality.Check(doc, quality.NTIA2021, nil)
	var lacks []string
	for _, x := range q.Results {
		if x.Status == quality.Fail {
			lacks = append(lacks, x.Rule.Title)
		}
	}
	if lacks == nil {
		fmt.Fprintf(w, "It has %s.\n", q.Profile.Title)
	} else {
		fmt.Fprintln(w, clip(fmt.Sprintf("For %s it lacks: %s", q.Profile.Title, strings.Join(lacks, ", ")), 80))
	}
	for i, x := range report.Warnings {
		if i == 5 {
			fmt.Fprintf(w, "and %d more files that could not be read\n", len(report.Warnings)-i)
			break
		}
		fmt.Fprintln(w, clip("not read: "+strings.ReplaceAll(x.String(), "\n", " "), 80))
	}
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-3]) + "..."
	}
	return s
}

// A status is one line that changes, on a terminal; elsewhere it is not there.
type status struct {
	w    io.Writer
	last time.Time
}

func (s *status) terminal() bool {
	f, ok := s.w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&fs.ModeCharDevice != 0
}

func (s *status) show(text string) {
	if time.Since(s.last) < 100*time.Millisecond || !s.terminal() {
		return
	}
	s.last = time.Now()
	fmt.Fprintf(s.w, "\r%-79s", clip(text, 79))
}

func (s *status) clear() {
	if !s.last.IsZero() {
		fmt.Fprintf(s.w, "\r%79s\r", "")
	}
}
