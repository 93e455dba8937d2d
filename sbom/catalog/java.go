package catalog

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/groupid"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"
	"github.com/google/osv-scalibr/purl"

	"github.com/ladingdev/lading/sbom"
)

// javaArchive reads jars, wars and their like, and those inside of them. It is an extractor of ours because a library's
// looks at the manifest and the file's name only if there is no pom.properties: of an archive that carries others' and none
// of its own it finds the others alone.
type javaArchive struct {
	top *jar // what Extract read last, for details
}

func (*javaArchive) Name() string                       { return archive.Name }
func (*javaArchive) Version() int                       { return 0 }
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

// javaMetadata are the licences that a package's pom.xml names, and which of its archives it is.
type javaMetadata struct {
	licenses   []string
	classifier string
}

func (*javaMetadata) IsProtoable() {}

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

// gradleCache is where Gradle keeps what it fetched: group, artifact, version, a digest and the file.
var gradleCache = regexp.MustCompile(`/files-2\.1/([^/]+)/([^/]+)/([^/]+)/[0-9a-f]{30,}/[^/]+$`)

// fromGradle names an archive that does not say what it is by where it lies.
func (j *jar) fromGradle() {
	if m := gradleCache.FindStringSubmatch("/" + j.path); m != nil && j.guess {
		own := &extractor.Package{Name: m[1] + ":" + m[2], Version: m[3], PURLType: purl.TypeMaven, Metadata: &javaMetadata{}}
		if j.main != nil {
			own.Metadata = j.main.Metadata
		}
		j.main, j.guess = own, false
	}
}

// repositoryPOM reads POMs that lie beside archives, as Maven's repositories have them, and Debian's: an archive with none
// in it is named by them.
type repositoryPOM struct{ pom pom }

func (*repositoryPOM) Name() string                       { return "java/pom" }
func (*repositoryPOM) Version() int                       { return 0 }
func (*repositoryPOM) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

// FileRequired says what the files are called.
func (*repositoryPOM) FileRequired(api filesystem.FileAPI) bool {
	return path.Ext(api.Path()) == ".pom"
}

// Extract reads the file. The package is the archive beside, see details.
func (r *repositoryPOM) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	r.pom = pom{}
	data, err := io.ReadAll(io.LimitReader(in.Reader, maxJarText))
	if err == nil && r.pom.readXML(data) != nil {
		r.pom = pom{} // of something else than Maven
	}
	return out, err
}

func (r *repositoryPOM) details(c *collector, f *found) error {
	p := r.pom
	if !p.valid() {
		return nil
	}
	c.later = append(c.later, func() {
		at := c.tree.real(strings.TrimSuffix(f.path, ".pom") + ".jar") // Debian links from there
		k, ok := c.jars[at]
		if !ok || k != nil && k.version != p.version || k == nil && (p.version == "debian" || strings.HasSuffix(p.version, ".x")) {
			return // it says itself what it is, or this is a name of Debian's for any version
		}
		delete(c.jars, at)
		k = c.rename(k, sbom.PURL{Type: "maven", Namespace: p.group, Name: p.artifact, Version: p.version}, at)
		if k != nil && len(k.licenses) == 0 {
			for _, l := range anyOf(p.licenses) {
				add(&k.licenses, l)
			}
		}
	})
	return nil
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

// pom is what Maven puts into an archive about it.
type pom struct {
	group, artifact, version string
	licenses                 []string
}

// readProperties reads pom.properties (java.util.Properties; Maven writes the three without escapes).
func (p *pom) readProperties(data []byte) {
	for line := range strings.Lines(string(data)) {
		i := strings.IndexAny(line, "=:")
		if i < 0 || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		value := strings.TrimSpace(line[i+1:])
		switch strings.TrimSpace(line[:i]) {
		case "groupId":
			p.group = value
		case "artifactId":
			p.artifact = value
		case "version":
			p.version = value
		}
	}
}

// readXML reads pom.xml (Maven's "POM Reference"), which counts where pom.properties says nothing.
func (p *pom) readXML(data []byte) error {
	type coordinates struct {
		Group    string `xml:"groupId"`
		Artifact string `xml:"artifactId"`
		Version  string `xml:"version"`
	}
	var project struct {
		coordinates
		Parent   coordinates `xml:"parent"`
		Licenses []struct {
			Name string `xml:"name"`
		} `xml:"licenses>license"`
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // names are ASCII
	if err := d.Decode(&project); err != nil {
		return err
	}
	p.group = cmp.Or(p.group, strings.TrimSpace(project.Group), strings.TrimSpace(project.Parent.Group))
	p.artifact = cmp.Or(p.artifact, strings.TrimSpace(project.Artifact))
	p.version = cmp.Or(p.version, strings.TrimSpace(project.Version), strings.TrimSpace(project.Parent.Version))
	for _, l := range project.Licenses {
		add(&p.licenses, strings.Join(strings.Fields(l.Name), " "))
	}
	return nil
}

func (p *pom) valid() bool {
	for _, s := range []string{p.group, p.artifact, p.version} {
		if s == "" || strings.ContainsAny(s, "${} \t") {
			return false
		}
	}
	return true
}

// readManifest reads the main section of a manifest (JAR File Specification, "JAR Manifest"): a line that begins with a
// space goes on from the one before.
func readManifest(data []byte) map[string]string {
	out, last := map[string]string{}, ""
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, maxJarText+1)
	for s.Scan() {
		line := strings.TrimSuffix(s.Text(), "\r")
		if rest, ok := strings.CutPrefix(line, " "); ok && last != "" {
			out[last] += rest
			continue
		}
		if line == "" && first(out, append(artifactNames, "bundle-symbolicname")...) != "" {
			break // further sections are of single files; old archives say there what they are
		}
		name, value, ok := strings.Cut(line, ":")
		if last = ""; !ok {
			continue
		}
		last = strings.ToLower(name)
		if _, twice := out[last]; twice { // of a further section, which is of one file
			last = ""
			continue
		}
		out[last] = strings.TrimSpace(value)
	}
	return out
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
		k := &extractor.Package{Name: p.group + ":" + p.artifact, Version: p.version, PURLType: purl.TypeMaven, Metadata: &javaMetadata{licenses: p.licenses}}
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
	if symbolic, _, _ := strings.Cut(manifest["bundle-symbolicname"], ";"); symbolic != "" && symbolic == bundleName(manifest["implementation-vendor-id"], base) {
		artifact, group = base, manifest["implementation-vendor-id"] // the file's name is what was shortened
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

// cutClassifier takes the classifier that Maven's plugins give archives of sources, documentation and tests from what is
// behind the artifact in a file's name.
func cutClassifier(version string) (plain, classifier string) {
	for _, c := range []string{"test-sources", "sources", "test-javadoc", "javadoc", "tests"} {
		if plain, ok := strings.CutSuffix(version, "-"+c); ok {
			return plain, c
		}
	}
	return version, ""
}

// bundleLicense returns the licence that a manifest of OSGi names, by a name or a known page.
func bundleLicense(manifest map[string]string) []string {
	l := manifest["bundle-license"]
	if l == "" || strings.ContainsAny(l, ",;") {
		return nil
	}
	if l = licenseURL(l); strings.Contains(l, "://") {
		return nil
	}
	return []string{l}
}

// fits says whether Maven's files are those of the archive itself.
func (p *pom) fits(file string, manifest map[string]string, count int) bool {
	base := strings.ToLower(strings.TrimSuffix(path.Base(file), path.Ext(file)))
	artifact := strings.ToLower(p.artifact)
	if plainName(base) == plainName(artifact) || plainName(base) == plainName(artifact+p.version) || strings.HasPrefix(base, artifact+"-"+strings.ToLower(p.version)) {
		return true
	}
	if parsed := archive.ParseFilename(file); parsed != nil {
		if strings.ToLower(parsed.ArtifactID) == artifact {
			return true
		}
	}
	for _, name := range slices.Concat(artifactNames, []string{"bundle-symbolicname", "automatic-module-name"}) {
		value, _, _ := strings.Cut(strings.ToLower(manifest[name]), ";")
		if value != "" && (plainName(value) == plainName(artifact) || plainName(value) == plainName(bundleName(p.group, p.artifact))) {
			return true
		}
	}
	return count == 1 && manifestArtifact(manifest) == "" && archive.ParseFilename(file) == nil
}

// bundleName is the symbolic name that Maven's bundle plugin makes of a group and an artifact: one behind the other, less
// what they share ("Apache Felix Maven Bundle Plugin", Default Behavior).
func bundleName(group, artifact string) string {
	last := group[strings.LastIndexByte(group, '.')+1:]
	if last == artifact {
		return group
	}
	if rest, ok := strings.CutPrefix(artifact, last); ok && rest != "" && strings.ContainsAny(rest[:1], "-.") {
		return group + "." + rest[1:]
	}
	return group + "." + artifact
}

var notPlain = regexp.MustCompile(`[^a-z0-9]+`)

func plainName(s string) string { return notPlain.ReplaceAllString(strings.ToLower(s), "") }

// Where manifests name the artifact and its version, the surest first.
var (
	artifactNames = []string{"implementation-title", "specification-title", "bundle-name", "short-name", "extension-name"}
	versionNames  = []string{"implementation-version", "specification-version", "plugin-version", "bundle-version"}
	groupNames    = []string{"extension-name", "specification-vendor", "implementation-vendor", "implementation-title", "bundle-activator",
		"automatic-module-name", "main-class", "package"}
	domain = regexp.MustCompile(`[a-zA-Z0-9-_.]+`)
)

func first(manifest map[string]string, names ...string) string {
	for _, n := range names {
		if manifest[n] != "" {
			return manifest[n]
		}
	}
	return ""
}

// manifestArtifact returns the artifact that a manifest names: a word and no title or variable.
func manifestArtifact(manifest map[string]string) string {
	if name := manifest["bundle-symbolicname"]; name != "" && manifest["created-by"] == "Apache Maven Bundle Plugin" {
		name, _, _ = strings.Cut(name, ";")
		return name[strings.LastIndexByte(name, '.')+1:]
	}
	// The symbolic name is the group with the artifact behind it, whatever case a title has.
	name, _, _ := strings.Cut(manifest["bundle-symbolicname"], ";")
	if own, ok := strings.CutPrefix(name, manifest["implementation-vendor-id"]+"."); ok && own != name && isGroup(own) && manifest["implementation-vendor-id"] != "" {
		return own
	}
	for _, n := range artifactNames {
		if v := manifest[n]; v != "" && !strings.ContainsAny(v, " ${}%:/") {
			return v
		}
	}
	return ""
}

// manifestGroup returns the group that a manifest names: Implementation-Vendor-Id is Maven's group by its default manifest
// ("Apache Maven Archiver"); the symbolic name of a bundle is the group with the artifact behind it, less what they share
// ("Apache Felix Maven Bundle Plugin", Default Behavior).
func manifestGroup(manifest map[string]string, artifact string) string {
	if id := manifest["implementation-vendor-id"]; isGroup(id) {
		return strings.ToLower(id)
	}
	if name, _, _ := strings.Cut(manifest["bundle-symbolicname"], ";"); isGroup(name) {
		name, artifact = strings.ToLower(name), strings.ToLower(artifact)
		if group, ok := strings.CutSuffix(name, "."+artifact); ok && strings.Contains(group, ".") {
			return group
		}
		if shared, rest, ok := strings.Cut(artifact, "-"); ok {
			if group, ok := strings.CutSuffix(name, "."+rest); ok && strings.HasSuffix("."+group, "."+shared) {
				return group
			}
		}
		return name
	}
	for _, n := range groupNames {
		v := manifest[n]
		if n == "implementation-title" {
			v = domain.FindString(v)
		}
		if isGroup(v) {
			v, _, _ = strings.Cut(v, ";")
			return strings.ToLower(v)
		}
	}
	return ""
}

func isGroup(s string) bool { return s != "" && !strings.ContainsAny(s, " ${}%/") }

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
