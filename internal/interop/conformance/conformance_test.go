// Package conformance_test runs the conformance suite of the OCI distribution specification, a program, on the
// registries of registrytest. It is a module of its own, so that the suite's dependencies stay away from the others.
package conformance_test

import (
	"encoding/xml"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ladingdev/lading/registry/registrytest"
)

func TestConformance(t *testing.T) {
	for name, handler := range map[string]http.Handler{
		"memory": registrytest.Memory(), "directory": registrytest.Directory(t.TempDir()),
	} {
		t.Run(name, func(t *testing.T) {
			s := registrytest.Start(&registrytest.Options{Registry: handler})
			defer s.Close()
			results := t.TempDir()
			cmd := exec.Command("go", "tool", "conformance")
			cmd.Env = append(os.Environ(), "OCI_REGISTRY="+s.Host(), "OCI_TLS=disabled", "OCI_REPO1=demo/one", "OCI_REPO2=demo/two",
				"OCI_VERSION=1.1", "OCI_RESULTS_DIR="+results)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
			data, err := os.ReadFile(filepath.Join(results, "junit.xml"))
			if err != nil {
				t.Fatal(err)
			}
			var report struct {
				Tests    int `xml:"tests,attr"`
				Failures int `xml:"failures,attr"`
				Errors   int `xml:"errors,attr"`
				Skipped  int `xml:"skipped,attr"`
				Disabled int `xml:"disabled,attr"`
			}
			if err := xml.Unmarshal(data, &report); err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", report)
			if ran := report.Tests - report.Skipped - report.Disabled; report.Failures+report.Errors > 0 || ran < 600 {
				t.Errorf("%d ran, want 600 at least and no failure", ran)
			}
		})
	}
}
