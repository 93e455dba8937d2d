package sbom

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// toolOutputs are what real programs wrote: see testdata/README.md.
func toolOutputs(t testing.TB) map[string][]byte {
	t.Helper()
	f, err := os.Open("testdata/sbom-tools.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for tr := tar.NewReader(z); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if out[h.Name], err = io.ReadAll(tr); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTools takes what real programs write through Parse, Validate and Convert both ways: every component and every edge
// between them is there in each format, and what is wrong by the letter is a habit that readers take.
func TestTools(t *testing.T) {
	n := 0
	for name, data := range toolOutputs(t) {
		if name == "INDEX.tsv" {
			continue
		}
		d, err := Parse(bytes.NewReader(data))
		if !strings.Contains(name, ".cdx.") && !strings.Contains(name, ".spdx") {
			if !errors.Is(err, ErrNotSBOM) || !strings.Contains(err.Error(), "it is ") && !strings.Contains(err.Error(), "it has neither") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n++
		_, err = Validate(data)
		var invalid *InvalidError
		if err != nil && (!errors.As(err, &invalid) || !invalid.Tolerated()) {
			t.Errorf("%s: %v", name, err)
		}
		for i, target := range targets() {
			if target == d.Format() || !heavy() && (n+i)%6 != 0 {
				continue
			}
			out, r, err := Convert(d, target, nil)
			if err != nil {
				t.Errorf("%s to %v: %v", name, target, err)
				continue
			}
			if _, err := Validate(out.Bytes()); err != nil {
				t.Errorf("%s to %v: %v", name, target, err)
			}
			if out.Len() != d.Len() {
				t.Errorf("%s to %v: %d components of %d", name, target, out.Len(), d.Len())
			}
			if silent := differ(t, d.text(), out.Bytes(), r); len(silent) > 0 {
				t.Errorf("%s to %v: silent: %.300q", name, target, silent)
			}
			if missing := missingEdges(d, out); missing > 0 {
				t.Errorf("%s to %v: %d dependencies missing", name, target, missing)
			}
			if s := r.String(); len(s) > 6000 {
				t.Errorf("%s to %v: the report has %d bytes: %s", name, target, len(s), s)
			}
			back, _, err := Convert(out, d.Format(), nil)
			if err != nil {
				t.Errorf("%s to %v and back: %v", name, target, err)
				continue
			}
			if missing := missingEdges(d, back); missing > 0 || back.Len() != d.Len() {
				t.Errorf("%s to %v and back: %d dependencies missing, %d components of %d", name, target, missing, back.Len(), d.Len())
			}
		}
	}
	if n < 35 {
		t.Errorf("%d documents", n)
	}
}

// TestToolsDiff compares what two programs say of one project. What only one of them lists is explained by what it is.
func TestToolsDiff(t *testing.T) {
	outputs := toolOutputs(t)
	used := map[string]bool{}
	for _, tt := range [][2]string{
		{"app/npm-11.cdx.json", "app/npm-11.spdx.json"},
		{"app/npm-11.spdx.json", "app/npm-12.spdx.json"},
		{"app/npm-11.cdx.json", "app/cyclonedx-npm.cdx.json"},
		{"app/npm-11.cdx.json", "app/cdxgen.cdx.json"},
		{"app/npm-11.cdx.json", "app/syft.cdx.json"},
		{"app/npm-11.cdx.json", "app/trivy.cdx.json"},
		{"app/syft.cdx.json", "app/syft.spdx.json"},
		{"app/trivy.cdx.json", "app/trivy.spdx.json"},
		{"goapp/gomod-mod.cdx.json", "goapp/gomod-app.cdx.json"},
		{"goapp/gomod-bin.cdx.json", "goapp/syft.cdx.json"},
		{"goapp/gomod-bin.cdx.json", "goapp/trivy.cdx.json"},
		{"goapp/gomod-bin.cdx.json", "goapp/ko-goapp-linux-amd64.spdx.json"},
		{"goapp/syft.cdx.json", "goapp/trivy.spdx.json"},
		{"imgA/syft.cdx.json", "imgA/trivy.cdx.json"},
	} {
		old, new := mustParse(t, string(outputs[tt[0]])), mustParse(t, string(outputs[tt[1]]))
		c := Diff(old, new, nil)
		var unexplained []string
		for _, list := range []struct {
			what string
			d    *Document
			refs []Ref
		}{{"-", old, c.Removed}, {"+", new, c.Added}} {
			for _, r := range list.refs {
				v := list.d.Component(r)
				if why := explainTool(v); why != "" {
					used[why] = true
				} else {
					unexplained = append(unexplained, fmt.Sprintf("%s %s %s %s %s", list.what, v.Kind, v.Name, v.Version, v.PURL))
				}
			}
		}
		for _, ch := range c.Changed {
			for _, f := range ch.Fields {
				switch v := old.Component(ch.Old); {
				case !slices.Contains([]string{"name", "version", "purl", "group"}, f.Field):
				case v.PURL == new.Component(ch.New).PURL && (f.Field == "name" || f.Field == "group"):
					// npm: the folder's name, syft: the path
				case strings.HasSuffix(v.Name, "goapp") && (f.New == "" || !strings.Contains(f.New, "@")):
					// trivy: no version of the main module
				default:
					unexplained = append(unexplained, fmt.Sprintf("~ %s: %s: %s, %s", old.Component(ch.Old).Name, f.Field, f.Old, f.New))
				}
			}
		}
		if len(unexplained) > 0 {
			t.Errorf("%s, %s:\n%s", tt[0], tt[1], strings.Join(unexplained, "\n"))
		}
	}
	for prefix, why := range toolLists {
		if !used[why] {
			t.Errorf("%s explains nothing", prefix)
		}
	}
}

// toolLists is what only some programs list, by the package URL or the kind of the component, with the reason.
var toolLists = map[string]string{
	"pkg:npm/isarray@2.0.5":            "development: syft and trivy leave it out",
	"pkg:npm/semver@7.6.3":             "development: syft and trivy leave it out",
	"pkg:npm/typescript@5.6.3":         "development: syft and trivy leave it out",
	"pkg:npm/fsevents@2.3.3":           "optional and not installed: npm leaves it out",
	"pkg:npm/ms@2.0.0":                 "twice in the tree: npm lists it once",
	"pkg:npm/%40acme/cart":             "a workspace without a version: syft lists it beside the member",
	"pkg:npm/%40acme/pay":              "a workspace without a version: syft lists it beside the member",
	"pkg:npm/localdep":                 "a directory without a version: syft lists it beside the package",
	"pkg:npm/%40acme/storefront@1.2.3": "the project itself: trivy does not list it",
	"pkg:golang/stdlib":                "the standard library: cyclonedx-gomod lists it on demand",
	"pkg:golang/std":                   "the standard library: cyclonedx-gomod lists it on demand",
	"pkg:oci/":                         "the image that ko built, and its base",
}

func explainTool(c *Component) string {
	for prefix, why := range toolLists {
		if strings.HasPrefix(c.PURL, prefix) {
			return why
		}
	}
	if c.PURL == "" && slices.Contains([]string{"file", "application", "container", "operating-system", "CONTAINER", "APPLICATION",
		"SOURCE", "OPERATING-SYSTEM"}, c.Kind) {
		return "a file, a lockfile or what was scanned: no package"
	}
	return ""
}
