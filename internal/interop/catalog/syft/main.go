// Syft prints what syft finds in a directory or an archive that docker save wrote, for the comparison beside it. It is a
// module of its own, because its dependencies and osv-scalibr's do not go together.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/pkg"
	_ "modernc.org/sqlite" // it reads databases of rpm by it
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, input string) error {
	start := time.Now()
	kind := "dir"
	if filepath.Ext(input) == ".tar" {
		kind = "docker-archive"
	}
	src, err := syft.GetSource(ctx, input, syft.DefaultGetSourceConfig().WithSources(kind))
	if err != nil {
		return err
	}
	s, err := syft.CreateSBOM(ctx, src, syft.DefaultCreateSBOMConfig())
	if err != nil {
		return err
	}
	var found struct {
		PURLs           []string
		Licenses        map[string][]string // by package URL
		Pairs           [][2]string         // package URLs, and those of what they need
		Licensed, Edges int
		Seconds         float64
	}
	found.Licenses = map[string][]string{}
	for p := range s.Artifacts.Packages.Enumerate() {
		found.PURLs = append(found.PURLs, p.PURL)
		for _, l := range p.Licenses.ToSlice() {
			found.Licenses[p.PURL] = append(found.Licenses[p.PURL], cmp.Or(l.SPDXExpression, l.Value))
		}
		if !p.Licenses.Empty() {
			found.Licensed++
		}
	}
	for _, r := range s.Relationships {
		if r.Type == artifact.DependencyOfRelationship {
			found.Edges++
			to, ok := r.From.(pkg.Package)
			from, ok2 := r.To.(pkg.Package)
			if ok && ok2 {
				found.Pairs = append(found.Pairs, [2]string{from.PURL, to.PURL})
			}
		}
	}
	found.Seconds = time.Since(start).Seconds()
	return json.NewEncoder(os.Stdout).Encode(found)
}
