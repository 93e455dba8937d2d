// Syft prints what syft finds in a directory or an archive that docker save wrote, for the comparison beside it. It is a
// module of its own, because its dependencies and osv-scalibr's do not go together.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/artifact"
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
		Licensed, Edges int
		Seconds         float64
	}
	for p := range s.Artifacts.Packages.Enumerate() {
		found.PURLs = append(found.PURLs, p.PURL)
		if !p.Licenses.Empty() {
			found.Licensed++
		}
	}
	for _, r := range s.Relationships {
		if r.Type == artifact.DependencyOfRelationship {
			found.Edges++
		}
	}
	found.Seconds = time.Since(start).Seconds()
	return json.NewEncoder(os.Stdout).Encode(found)
}
