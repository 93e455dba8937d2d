package catalog

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/requirements"
)

const (
	maxLock         = 16 << 20 // bytes of a project's lockfile
	maxRequirements = 1 << 20  // bytes of a requirements.txt, which is read by a function that calls itself for each line
	maxNesting      = 10_000   // brackets in brackets of a lockfile
	maxKeys         = 100_000  // of a lockfile in YAML, whose keys are compared each with each other
)

// kept are the directories in which package managers keep what they installed or downloaded: lockfiles there are of other
// people's projects.
var kept = []string{"node_modules", "site-packages", "dist-packages", "vendor", "pkg/mod", ".cargo/registry", "gems", "Pods", "deps"}

// ofProject says whether a file may be one of a project that is worked on.
func ofProject(name string) bool {
	dir := "/" + path.Dir(name) + "/"
	return !slices.ContainsFunc(kept, func(k string) bool { return strings.Contains(dir, "/"+k+"/") })
}

// pinned says whether a lockfile names one version of a package that is to be had.
func pinned(p *extractor.Package) bool {
	if r, ok := p.Metadata.(*requirements.Metadata); ok && r.VersionComparator != "==" && r.VersionComparator != "===" {
		return false // others are the lowest of a range
	}
	if p.Version == "" || p.Version == "0.0.0-use.local" {
		return false // a part of the project itself
	}
	// The toolchain of which go.mod says the lowest, and directories that it replaces modules by.
	return p.PURLType != "golang" || p.Name != "stdlib" && !strings.HasPrefix(p.Name, ".") && !path.IsAbs(p.Name)
}

// bounded refuses files that would make a parser call itself without end.
func bounded(r io.ReaderAt) error {
	in := io.NewSectionReader(r, 0, maxLock)
	buf := make([]byte, 32<<10)
	for depth := 0; ; {
		n, err := in.Read(buf)
		for _, b := range buf[:n] {
			switch b {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
			if depth > maxNesting {
				return fmt.Errorf("%w: more than %d brackets in brackets", ErrLimit, maxNesting)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
