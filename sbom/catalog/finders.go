package catalog

import (
	"io"
	"io/fs"
	"path"
	"slices"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
)

// A finder is an extractor, and what is read here of the same files beside it.
type finder struct {
	filesystem.Extractor
	programs bool     // it reads programs, whatever they are called
	project  bool     // it reads what a project would install, which counts in a directory and not in an image
	always   bool     // details count where nothing was found
	names    []string // of the files it reads, if it has them
	max      int64    // bytes of a file; what is larger is warned of
	// check refuses files that the extractor would unpack without a bound.
	check func(r io.ReaderAt) error
	// details adds what the extractor does not say to what it found. The reader is at the start of the file.
	details func(c *collector, f *found) error
}

// found is what an extractor found in a file.
type found struct {
	path string
	file fs.File
	raw  []*extractor.Package
	pkgs []*component // of raw, at the same place; nil for one that has no package URL
}

const (
	maxText    = 64 << 20 // bytes of a file that is read whole
	maxArchive = 1 << 30  // bytes of an archive, and of those inside of it that have to be in memory 256 MiB
)

// ecosystems are where packages come from: each has a file of its own, with the finders of what is installed and of what a
// project would install. Where several read one file they are asked in this order.
var ecosystems = []func() ([]finder, error){
	rpmFinders, debianFinders, alpineFinders, archFinders, gentooFinders, snapFinders, homebrewFinders, condaFinders,
	npmFinders, pnpmFinders, yarnFinders, bunFinders, javaFinders, gradleFinders, phpFinders, rFinders, claimFinders,
	pythonFinders, rubyFinders, goFinders, rustFinders, dotnetFinders, elixirFinders, dartFinders, swiftFinders, conanFinders,
}

func finders() (out []finder, err error) {
	for _, e := range ecosystems {
		list, err := e()
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// byLibrary makes a library's extractor a finder.
func byLibrary(new func(*cpb.PluginConfig) (filesystem.Extractor, error), f finder) ([]finder, error) {
	e, err := new(&cpb.PluginConfig{})
	f.Extractor = e
	return []finder{f}, err
}

// lockFinder reads lockfiles of one kind, by their names. More adds what is not in the file, when everything was found.
func lockFinder(name string, parse func([]byte) (*lockfile, error), more func(*collector, *lockfile, string), names ...string) finder {
	e := &locks{name: name, parse: parse, more: more}
	return finder{Extractor: e, project: true, names: names, max: maxLock, check: bounded, details: e.details, always: true}
}

// asks says whether a finder reads a file.
func (f *finder) asks(e *entry) bool {
	if f.names != nil && !slices.Contains(f.names, path.Base(e.path)) {
		return false
	}
	return f.FileRequired(e) && (!f.project || ofProject(e.path))
}
