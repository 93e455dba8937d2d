package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"

	"github.com/ladingdev/lading/sbom"
)

func phpFinders() ([]finder, error) {
	files := &composer{}
	return []finder{{Extractor: files, max: maxText, details: files.details}}, nil
}

// composer reads composer.lock, and vendor/composer/installed.json of what is installed. It is an extractor of ours because
// a library's searches all of a file for the line of each package.
type composer struct{ file composerFile }

type composerPackage struct {
	Name, Version string
	License       json.RawMessage // a list, of old packages a text
	Require       json.RawMessage // versions by name; PHP writes an empty one as a list
	Source        struct{ Type, URL, Reference string }
	Dist          struct{ URL, Shasum string }
	Notification  string `json:"notification-url"` // of a registry
}

// composerFile is what both files say.
type composerFile struct {
	Packages []composerPackage
	Dev      []composerPackage `json:"packages-dev"`
	DevNames []string          `json:"dev-package-names"` // of what is installed
}

func (*composer) Name() string                       { return "php/composer" }
func (*composer) Version() int                       { return 0 }
func (*composer) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

// FileRequired says what the files are called. A lockfile of a package in vendor is none of the project.
func (*composer) FileRequired(api filesystem.FileAPI) bool {
	name := "/" + api.Path()
	return isInstalledJSON(name) && !vendorTests.MatchString(name) || path.Base(name) == "composer.lock" &&
		!strings.Contains(name, "/vendor/")
}

// vendorTests is what a package in vendor is tested with.
var vendorTests = regexp.MustCompile(`/vendor/(?:.*/)?[Tt]ests?/`)

func isInstalledJSON(name string) bool { return strings.HasSuffix(name, "/composer/installed.json") }

// Extract finds the packages.
func (c *composer) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	c.file = composerFile{}
	data, err := io.ReadAll(in.Reader)
	if err != nil {
		return out, err
	}
	to := any(&c.file)
	if isInstalledJSON("/"+in.Path) && bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) { // of Composer 1
		to = &c.file.Packages
	}
	if err := json.Unmarshal(data, to); err != nil {
		return out, err
	}
	for _, p := range slices.Concat(c.file.Packages, c.file.Dev) {
		namespace, name, ok := strings.Cut(p.Name, "/")
		if !ok {
			namespace, name = "", p.Name
		}
		if name == "" {
			continue
		}
		u := sbom.PURL{Type: "composer", Namespace: namespace, Name: name, Version: p.Version}
		if p.Notification == "" && p.Source.Reference != "" {
			switch p.Source.Type {
			case "git":
				u = withVCS(u, vcsURL(p.Source.URL, p.Source.Reference))
			case "hg", "svn":
				u = withVCS(u, p.Source.Type+"+"+p.Source.URL+"@"+p.Source.Reference)
			}
		}
		out.Packages = append(out.Packages,
			&extractor.Package{Name: p.Name, Version: p.Version, PURLType: "composer", Metadata: &ownPURL{u}})
	}
	return out, nil
}

// details reads licences and which package needs which.
func (c *composer) details(_ *collector, f *found) error {
	known := map[string]*component{}
	for i, p := range f.raw {
		known[p.Name] = f.pkgs[i]
	}
	installed := isInstalledJSON("/" + f.path)
	for i, p := range slices.Concat(c.file.Packages, c.file.Dev) {
		k := known[p.Name]
		if k == nil {
			continue
		}
		if dev := i >= len(c.file.Packages) || installed && slices.Contains(c.file.DevNames, p.Name); dev {
			k.lacks("development")
			k.present = k.present || installed
		} else {
			k.present, k.asked = true, true
		}
		var licenses []string
		if json.Unmarshal(p.License, &licenses) != nil {
			var one string
			_ = json.Unmarshal(p.License, &one) // of another type it is none
			licenses = []string{one}
		}
		for _, l := range anyOf(licenses) { // one may choose
			add(&k.licenses, l)
		}
		k.distribution(p.Dist.URL, nil)
		var require map[string]string
		_ = json.Unmarshal(p.Require, &require)
		for _, name := range slices.Sorted(maps.Keys(require)) {
			k.need(known[name])
		}
	}
	return nil
}
