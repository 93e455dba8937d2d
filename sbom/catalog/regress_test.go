package catalog_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/ladingdev/lading/internal/regress"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
)

// TestRegress judges each testdata/regress/NAME.in, a directory as an archive of text (golang.org/x/tools/txtar): the components that Dir
// finds in it, where and why, what depends on what, and what could not be read.
func TestRegress(t *testing.T) {
	regress.Run(t, func(t *testing.T, in []byte) string {
		archive := txtar.Parse(in)
		if len(archive.Files) == 0 {
			t.Fatal(`no file begins with a line "-- path/of/the/file --"`)
		}
		dir := fstest.MapFS{}
		for _, f := range archive.Files {
			dir[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		}
		doc, report, err := catalog.Dir(t.Context(), dir, &catalog.Options{Created: time.Unix(0, 0)})
		if err != nil {
			return err.Error() + "\n"
		}
		return found(t, doc, report)
	})
}

func found(t *testing.T, doc *sbom.Document, report *catalog.Report) string {
	t.Helper()
	var out []string
	for r, c := range doc.Components() {
		if slices.Contains(doc.Roots(), r) {
			continue
		}
		var also struct {
			Scope      string
			Hashes     []struct{ Alg, Content string }
			Properties []struct{ Name, Value string }
		}
		if err := json.Unmarshal(c.Raw(), &also); err != nil {
			t.Fatal(err)
		}
		lines := []string{strings.TrimSpace(fmt.Sprintf("%s %s %s", c.Name, c.Version, c.PURL))}
		if also.Scope != "" {
			lines = append(lines, "scope: "+also.Scope)
		}
		if s := doc.Details(r).Supplier; s != nil {
			lines = append(lines, "supplier: "+s.Name)
		}
		for _, l := range doc.Licenses(r) {
			lines = append(lines, "license: "+l.Expression+l.Name)
		}
		for _, h := range also.Hashes {
			lines = append(lines, h.Alg+": "+h.Content)
		}
		for _, p := range also.Properties {
			lines = append(lines, p.Name+": "+p.Value)
		}
		for _, to := range doc.Graph().Direct(r) {
			lines = append(lines, "needs "+doc.Component(to).Name+" "+doc.Component(to).Version)
		}
		out = append(out, strings.Join(lines, "\n  "))
	}
	for _, w := range report.Warnings {
		out = append(out, fmt.Sprintf("warning: %s: %v", w.Path, w.Err))
	}
	for _, c := range report.Claims {
		out = append(out, fmt.Sprintf("claim: %+v", c))
	}
	if warnings, err := sbom.Validate(doc.Bytes()); err != nil || len(warnings) > 0 {
		out = append(out, fmt.Sprintf("not valid: %v %v", err, warnings))
	}
	return strings.Join(append(out, ""), "\n")
}
