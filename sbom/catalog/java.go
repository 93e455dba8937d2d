package catalog

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/groupid"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"
	"github.com/google/osv-scalibr/purl"
)

func javaFinders() ([]finder, error) {
	jars, poms := &javaArchive{}, &repositoryPOM{}
	return []finder{{Extractor: jars, max: maxArchive, details: jars.details, always: true},
		{Extractor: poms, max: maxText, details: poms.details, always: true}}, nil
}

// javaArchive reads jars, wars and their like, and those inside of them. It is an extractor of ours because a library's
// looks at the manifest and the file's name only if there is no pom.properties: of an archive that carries others' and none
// of its own it finds the others alone.
type javaArchive struct {
	top *jar // what Extract read last, for details
}

func (*javaArchive) Name() string { return archive.Name }

func (*javaArchive) Version() int { return 0 }

func (*javaArchive) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

// FileRequired says what archives are called.
func (*javaArchive) FileRequired(api filesystem.FileAPI) bool { return archive.IsArchive(api.Path()) }

const (
	maxJarDepth  = 16            // archives in archives
	maxJarOpened = 1<<30 + 1<<28 // bytes of archives in an archive
	maxJarText   = 1 << 20       // bytes of a manifest or a pom.xml
	jarManifest  = "META-INF/MANIFEST.MF"
)

// jar is an archive: what it is itself, what Maven's files in it say, and the archives in it.
type jar struct {
	path   string
	main   *extractor.Package   // nil if nothing says what it is
	others []*extractor.Package // that it carries the files of
	nested []*jar
	sboms  []innerSBOM
	guess  bool // no file of Maven's in it is its own
}

// innerSBOM is a document inside of an archive.
type innerSBOM struct {
	path string
	data []byte
}

// all yields the packages of an archive and of those in it.
func (j *jar) all() (out []*extractor.Package) {
	if j.main != nil {
		out = append(out, j.main)
	}
	out = append(out, j.others...)
	for _, n := range j.nested {
		out = append(out, n.all()...)
	}
	return out
}

// Extract finds the packages.
func (a *javaArchive) Extract(ctx context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	r, ok := in.Reader.(io.ReaderAt)
	if !ok {
		return out, errors.ErrUnsupported
	}
	opened := int64(0)
	a.top, err = readJar(ctx, in.Path, r, in.Info.Size(), 1, &opened)
	if a.top != nil {
		a.top.fromGradle()
		out.Packages = a.top.all()
	}
	return out, err
}

// readJar reads an archive. What it found before an error counts.
func readJar(ctx context.Context, name string, r io.ReaderAt, size int64, depth int, opened *int64) (*jar, error) {
	if depth > maxJarDepth {
		return nil, fmt.Errorf("%w: more than %d archives in each other", ErrLimit, maxJarDepth)
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, err
	}
	j := &jar{path: name}
	var errs []error
	poms, manifest := map[string]*pom{}, map[string]string{}
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return j, err
		}
		base := path.Base(f.Name)
		switch {
		case strings.EqualFold(f.Name, jarManifest):
			if data, err := readEntry(f, maxJarText, opened); err == nil {
				manifest = readManifest(data)
			} else {
				errs = append(errs, err)
			}
		case base == "pom.properties" || base == "pom.xml" && strings.Contains(f.Name, "META-INF/maven/"):
			dir := path.Dir(f.Name)
			if poms[dir] == nil {
				poms[dir] = &pom{}
			}
			data, err := readEntry(f, maxJarText, opened)
			if err == nil && base == "pom.xml" {
				err = poms[dir].readXML(data)
			} else if err == nil {
				poms[dir].readProperties(data)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%.200q: %w", f.Name, err))
			}
		case isJavaSBOM(f.Name):
			if data, err := readEntry(f, maxText, opened); err == nil {
				j.sboms = append(j.sboms, innerSBOM{path.Join(name, f.Name), data})
			} else {
				errs = append(errs, err)
			}
		case archive.IsArchive(f.Name) && !f.FileInfo().IsDir():
			nested, err := readNested(ctx, path.Join(name, f.Name), f, depth, opened)
			if nested != nil {
				j.nested = append(j.nested, nested)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%.200q: %w", f.Name, err))
			}
		}
	}
	j.identify(poms, manifest)
	return j, errors.Join(errs...)
}

// readNested reads an archive in an archive, which has to be in memory.
func readNested(ctx context.Context, name string, f *zip.File, depth int, opened *int64) (*jar, error) {
	data, err := readEntry(f, maxJarOpened, opened)
	if err != nil {
		return nil, err
	}
	return readJar(ctx, name, bytes.NewReader(data), int64(len(data)), depth+1, opened)
}

// readEntry reads a file of an archive, of a size that is bounded by itself and with all that were read before.
func readEntry(f *zip.File, most int64, opened *int64) ([]byte, error) {
	most = min(most, maxJarOpened-*opened)
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%w: more than %d bytes", ErrLimit, most)
	}
	*opened += int64(len(data))
	return data, err
}

// identify says which of Maven's files is the archive's own. If none fits its name and its manifest, these say what it is,
// and it carries the others.
func (j *jar) identify(poms map[string]*pom, manifest map[string]string) {
	var valid []*pom
	for _, p := range poms {
		if p.valid() {
			valid = append(valid, p)
		}
	}
	slices.SortFunc(valid, func(a, b *pom) int {
		return cmp.Or(strings.Compare(a.group, b.group), strings.Compare(a.artifact, b.artifact), strings.Compare(a.version, b.version))
	})
	own := -1
	for i, p := range valid {
		if fit := p.fits(j.path, manifest, len(valid)); fit && (own < 0 || len(p.artifact) > len(valid[own].artifact)) {
			own = i
		}
	}
	for i, p := range valid {
		k := &extractor.Package{Name: p.group + ":" + p.artifact, Version: p.version, PURLType: purl.TypeMaven,
			Metadata: &javaMetadata{licenses: p.licenses}}
		if i == own {
			j.main = k
		} else {
			j.others = append(j.others, k)
		}
	}
	if j.guess = own < 0; !j.guess {
		if m := j.main.Metadata.(*javaMetadata); len(m.licenses) == 0 {
			m.licenses = bundleLicense(manifest)
		}
		return
	}
	artifact, version := manifestArtifact(manifest), strings.SplitN(first(manifest, versionNames...), " ", 2)[0]
	group := manifestGroup(manifest, artifact)
	base := strings.TrimSuffix(path.Base(j.path), path.Ext(j.path))
	vendor := manifest["implementation-vendor-id"]
	if name, _, _ := strings.Cut(manifest["bundle-symbolicname"], ";"); name != "" && name == bundleName(vendor, base) {
		artifact, group = base, vendor // the file's name is what was shortened
	}
	classifier := ""
	if file := archive.ParseFilename(j.path); file != nil {
		artifact, version = file.ArtifactID, file.Version
		version, classifier = cutClassifier(version)
		if group = manifestGroup(manifest, artifact); group == "" {
			group = cmp.Or(strings.ToLower(file.GroupID), artifact) // of old packages it is
		}
	} else if len(valid) > 0 && group == "" {
		group = artifact
	}
	if known := groupid.FromArtifactID(artifact); known != "" {
		group = known
	}
	if artifact == "" || version == "" || group == "" || len(valid) == 1 && version == valid[0].version {
		if len(valid) == 1 { // nothing says otherwise
			j.main, j.others = j.others[0], nil
		}
		return
	}
	j.main = &extractor.Package{Name: group + ":" + artifact, Version: version, PURLType: purl.TypeMaven,
		Metadata: &javaMetadata{licenses: bundleLicense(manifest), classifier: classifier}}
}

// details makes the edges from archives to what they carry, and reads the licences of Maven's files.
func (a *javaArchive) details(c *collector, f *found) error {
	known := map[*extractor.Package]*component{}
	for i, p := range f.raw {
		if k := f.pkgs[i]; k != nil {
			known[p] = k
			if m, ok := p.Metadata.(*javaMetadata); ok {
				for _, l := range anyOf(m.licenses) { // "the licenses of this project": one may choose
					add(&k.licenses, l)
				}
			}
		}
	}
	var link func(j *jar, above *component)
	link = func(j *jar, above *component) {
		main := known[j.main]
		if above != nil && main != nil {
			above.need(main)
		}
		if main == nil {
			main = above
		}
		for _, p := range j.others {
			if k := known[p]; k != nil && main != nil {
				main.need(k)
			}
		}
		for _, n := range j.nested {
			link(n, main)
		}
		for _, s := range j.sboms {
			c.claim(s.path, s.data, func() *component { return main.current() })
		}
	}
	if a.top != nil {
		link(a.top, nil)
		if a.top.guess {
			c.jars[f.path] = known[a.top.main]
		}
	}
	return nil
}
