package catalog

import (
	"encoding/json"
	"io"
	"io/fs"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"

	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
)

// A collector has what was found so far. The files of ecosystems, which know more than these types, stand above it.
type collector struct {
	o       *Options
	finders []finder
	tree    rootfs.Tree
	report  *Report
	bytes   int64 // that were read of a directory
	os      map[string]string
	all     map[string]*component // by match key and, for programs, path
	debs    installed
	apks    installed
	arch    installed
	rpms    installed
	nodes   map[string]*node
	modules map[string]bool       // directories with one of the name node_modules in them
	python  map[string]*component // by the directory and the normal form of the name
	byDir   map[string]*component // of other package managers, by directory and name
	byName  map[string]*component // of operating systems, by type and name
	later   []func()              // what needs everything to have been found
	claims  []func()              // documents to join, when nothing else is found any more

	checkouts map[string]checkout   // of gems, by commit and name
	distInfo  map[string]*component // by the directory *.dist-info
	jars      map[string]*component // by path, of archives that do not say what they are; nil if nothing does
	nodePaths []string              // where Debian's Node looks for packages
}

func (c *collector) warn(path string, err error) {
	c.report.Warnings = append(c.report.Warnings, Warning{path, err})
}

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
	maxNeeds   = 20_000   // dependencies of a package of npm
	maxDamaged = 10       // packages of one list that are warned of one by one
	maxDepth   = 2000     // directories in each other
)

// byLibrary makes a library's extractor a finder.
func byLibrary(new func(*cpb.PluginConfig) (filesystem.Extractor, error), f finder) ([]finder, error) {
	e, err := new(&cpb.PluginConfig{})
	f.Extractor = e
	return []finder{f}, err
}

// installed are the packages of an operating system, and what they ask for.
type installed struct {
	packages []asking
	provides map[string][]*component // by name, of a package or of what it provides
}

// An asking component is one of an operating system.
type asking struct {
	*component
	arch string
	own  []string   // what it provides itself
	any  [][]string // of each, one is enough
}

// A node is a directory that Node finds a package in.
type node struct {
	component *component
	needs     []string
	linked    string       // another directory that it is
	manifest  *npmManifest // of a project
}

// ranges are the versions that are asked for, by the names of packages.
type ranges map[string]any

// npmManifest is what package.json and the entries of lockfiles say alike.
type npmManifest struct {
	Name         string
	Version      string
	License      json.RawMessage
	Licenses     json.RawMessage
	Dependencies json.RawMessage // names, or in the first kind of lockfile packages
	Optional     ranges          `json:"optionalDependencies"`
	Peer         ranges          `json:"peerDependencies"`
	Dev          ranges          `json:"devDependencies"`
	Requires     json.RawMessage
	Resolved     string
	Integrity    string
	Link         bool
	IsDev        bool `json:"dev"`
	IsOptional   bool `json:"optional"`
	IsDevOpt     bool `json:"devOptional"`
	Engines      json.RawMessage
	Contributes  json.RawMessage // of an extension of Visual Studio Code
	Unity        json.RawMessage // of a package of Unity
	all          []string        // that it needs
}

// A checkout is a gem of a repository that Bundler checked out.
type checkout struct {
	*component
	at string
}
