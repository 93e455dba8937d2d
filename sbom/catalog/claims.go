package catalog

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"

	"github.com/ladingdev/lading/sbom"
)

// claimFinders read SBOMs that are in an image.
func claimFinders() ([]finder, error) {
	return []finder{{Extractor: claimed{}, max: maxText, details: claimDetails, always: true},
		{Extractor: graalvm{}, programs: true, details: graalvmDetails, always: true}}, nil
}

// claimed finds files that are SBOMs.
type claimed struct{}

func (claimed) Name() string { return "sbom" }

func (claimed) Version() int { return 0 }

func (claimed) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

// FileRequired says what SBOMs are called.
func (claimed) FileRequired(api filesystem.FileAPI) bool { return claimOf(api.Path()) != notClaim }

func (claimed) Extract(context.Context, *filesystem.ScanInput) (out inventory.Inventory, err error) {
	return out, nil
}

type claimKind uint8

const (
	notClaim  claimKind = iota
	seenClaim           // by its name
	readClaim           // where a tool that is known puts one
)

// claimOf says whether a file is an SBOM, by where tools put theirs:
//
//	Bitnami     /opt/bitnami/NAME/.spdx-NAME.spdx
//	Wolfi       /var/lib/db/sbom/NAME-VERSION.spdx.json, of melange
//	Python      NAME-VERSION.dist-info/sboms/ (PEP 770)
//	Homebrew    Cellar/NAME/VERSION/sbom.spdx.json
//	.NET        _manifest/spdx_2.2/manifest.spdx.json, of sbom-tool
//	Spring Boot META-INF/sbom/application.cdx.json, in a jar or unpacked
//	GraalVM     in the program, and META-INF/native-image/sbom.json
//	Buildpacks  /layers/sbom/launch/BUILDPACK/LAYER/sbom.cdx.json and sbom.spdx.json (Buildpack Interface, Bill-of-Materials)
func claimOf(name string) claimKind {
	dir, base := path.Split("/" + name)
	isJSON := strings.HasSuffix(base, ".json")
	switch {
	case strings.HasPrefix(base, ".spdx-") && strings.HasSuffix(base, ".spdx"),
		dir == "/var/lib/db/sbom/" && isJSON,
		distInfoSBOMs.MatchString(dir),
		strings.Contains(dir, "/sbom/launch/") && slices.Contains([]string{"sbom.cdx.json", "sbom.spdx.json",
			"launch.sbom.cdx.json", "launch.sbom.spdx.json"}, base),
		base == "sbom.spdx.json" && strings.Contains(dir, "/Cellar/"),
		base == "manifest.spdx.json" && strings.Contains(dir, "/_manifest/"),
		isJavaSBOM(strings.TrimPrefix(dir[max(strings.LastIndex(dir, "/META-INF/"), 0):], "/") + base):
		return readClaim
	}
	for _, end := range []string{".spdx", ".spdx.json", ".spdx.yaml", ".spdx.yml", ".spdx.rdf",
		".cdx.json", ".cdx.xml", ".cyclonedx.json", ".syft.json"} {
		if strings.HasSuffix(base, end) {
			return seenClaim
		}
	}
	if slices.Contains([]string{"bom.json", "bom.xml", "sbom.json", "sbom.xml"}, base) {
		return seenClaim
	}
	return notClaim
}

// distInfoSBOMs is the directory of a distribution of Python for SBOMs, or one in it.
var distInfoSBOMs = regexp.MustCompile(`^(.*\.dist-info)/sboms/(?:.*/)?$`)

// isJavaSBOM says whether a file in a jar is an SBOM: of Spring Boot or GraalVM.
func isJavaSBOM(name string) bool {
	return strings.HasPrefix(name, "META-INF/sbom/") && (strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".xml")) ||
		name == "META-INF/native-image/sbom.json"
}

func claimDetails(c *collector, f *found) error {
	if strings.HasSuffix(f.path, ".syft.json") {
		c.report.Claims = append(c.report.Claims, Claim{Path: f.path, Unread: errors.New("it is in a form of syft's own")})
		return nil
	}
	if claimOf(f.path) == seenClaim {
		c.report.Claims = append(c.report.Claims, Claim{Path: f.path,
			Unread: errors.New("it lies where no tool puts one; give it to sbom.Merge if it is right")})
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(f.file, maxText))
	if err != nil {
		return err
	}
	var of func() *component
	if m := distInfoSBOMs.FindStringSubmatch(path.Dir(f.path) + "/"); m != nil {
		of = func() *component { return c.distInfo[m[1]].current() }
	}
	c.claim(f.path, data, of)
	return nil
}

// claim joins the components of an SBOM, when all that is on disk was found. Of says whose it is, if that is known.
func (c *collector) claim(at string, data []byte, of func() *component) {
	c.claims = append(c.claims, func() {
		out := Claim{Path: at}
		doc, err := sbom.Parse(bytes.NewReader(data))
		if err != nil {
			out.Unread = err
		} else {
			out.Format = doc.Format()
			var owner *component
			if of != nil {
				owner = of()
			}
			c.join(doc, &out, owner)
		}
		c.report.Claims = append(c.report.Claims, out)
	})
}

// join takes the components of a document about something in the image, and what they depend on.
func (c *collector) join(doc *sbom.Document, out *Claim, owner *component) {
	sources := map[sbom.Ref]bool{} // of what is there, such as Wolfi names them: they are not there themselves
	for r := range doc.Relationships() {
		switch r.Type {
		case "GENERATED_FROM":
			sources[r.To] = true
		case "GENERATES":
			sources[r.From] = true
		}
	}
	root := map[sbom.Ref]bool{}
	for _, r := range doc.Roots() {
		root[r] = true
	}
	joined, unnamed, stale := map[sbom.Ref]*component{}, 0, 0
	for r, k := range doc.Components() {
		if sources[r] || k.Kind == "file" || k.Kind == "operating-system" || k.Kind == "OPERATING-SYSTEM" {
			continue
		}
		u, err := sbom.ParsePURL(k.PURL)
		switch {
		case k.PURL == "" && (root[r] || k.Kind == "FILE"):
			joined[r] = owner
			continue
		case err != nil:
			unnamed++
			continue
		case slices.Contains([]string{"oci", "docker", "github"}, u.Type):
			continue // the image itself, a repository
		}
		known, other := c.known(u)
		if root[r] && owner != nil && known != owner && sameName(owner, u) { // the files say which version it has
			joined[r], other = owner, true
		}
		if other {
			stale++
			continue
		}
		scope := scopeOf(k)
		if scope == "excluded" {
			continue // used to make or test it, and not in it
		}
		if known != nil {
			out.Known++
		} else if known, err = c.make(k.PURL, nameInPURL(u), out.Path, ""); err != nil {
			unnamed++
			continue
		} else {
			out.Added++
			if known.present = scope != "optional"; !known.present {
				known.lacks("optional")
			}
		}
		for _, l := range doc.Licenses(r) {
			add(&known.lesser, cmp.Or(l.Expression, l.Name))
		}
		known.property("lading:said-by", "/"+out.Path)
		joined[r] = known
		if root[r] && owner == nil {
			owner = known
		}
	}
	c.joinEdges(doc, joined, owner)
	switch {
	case unnamed > 0:
		out.Unread = fmt.Errorf("%d components have no package URL", unnamed)
	case stale > 0:
		out.Unread = fmt.Errorf("%d packages have another version than the packages' database or files say, which are believed", stale)
	}
}

// scopeOf returns the scope that CycloneDX gives a component.
func scopeOf(k *sbom.Component) string {
	var member struct{ Scope string }
	_ = json.Unmarshal(k.Raw(), &member) // of XML it is none
	return member.Scope
}

// sameName says whether a package URL is that of a component in some version.
func sameName(k *component, u sbom.PURL) bool {
	own, err := sbom.ParsePURL(k.purl)
	own.Version, u.Version = "", ""
	own.Qualifiers, u.Qualifiers = nil, nil
	return err == nil && own.MatchKey() == u.MatchKey()
}

func (c *collector) joinEdges(doc *sbom.Document, joined map[sbom.Ref]*component, owner *component) {
	for r := range doc.Relationships() {
		if from, to := joined[r.From], joined[r.To]; from != nil && to != nil && (r.Type == sbom.DependsOn || r.Type == sbom.Contains) {
			from.need(to)
		}
	}
	if owner == nil {
		return
	}
	for _, r := range doc.Roots() {
		owner.need(joined[r])
		for _, to := range doc.Graph().Direct(r) {
			owner.need(joined[to])
		}
	}
	needed := map[*component]bool{}
	for _, k := range joined {
		if k != nil {
			for to := range k.needs {
				needed[to] = true
			}
		}
	}
	for _, k := range joined { // what nothing in the document needs is what it is about
		if k != nil && !needed[k] {
			owner.need(k)
		}
	}
}

// known returns the component that a package URL of another document means. Other says that the database of the
// operating system has the package in another version.
func (c *collector) known(u sbom.PURL) (k *component, other bool) {
	if k := c.all[u.MatchKey()]; k != nil {
		return k, false
	}
	if !slices.Contains([]string{"deb", "apk", "rpm", "alpm", "opkg"}, u.Type) {
		return nil, false
	}
	if c.byName == nil {
		c.byName = map[string]*component{}
		for _, k := range c.all {
			if v, err := sbom.ParsePURL(k.purl); err == nil && v.Qualifiers["arch"] != "source" {
				c.byName[v.Type+"\n"+v.Name] = k
			}
		}
	}
	k = c.byName[u.Type+"\n"+u.Name]
	if k == nil {
		return nil, false
	}
	return k, k.version != u.Version
}
