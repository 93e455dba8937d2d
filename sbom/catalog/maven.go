package catalog

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"
	"github.com/google/osv-scalibr/purl"

	"github.com/ladingdev/lading/sbom"
)

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

// fits says whether Maven's files are those of the archive itself.
func (p *pom) fits(file string, manifest map[string]string, count int) bool {
	base := strings.ToLower(strings.TrimSuffix(path.Base(file), path.Ext(file)))
	artifact := strings.ToLower(p.artifact)
	if plainName(base) == plainName(artifact) || plainName(base) == plainName(artifact+p.version) ||
		strings.HasPrefix(base, artifact+"-"+strings.ToLower(p.version)) {
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

// repositoryPOM reads POMs that lie beside archives, as Maven's repositories have them, and Debian's: an archive with none
// in it is named by them.
type repositoryPOM struct{ pom pom }

func (*repositoryPOM) Name() string { return "java/pom" }

func (*repositoryPOM) Version() int { return 0 }

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
		at := c.tree.Real(strings.TrimSuffix(f.path, ".pom") + ".jar") // Debian links from there
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
