package catalog

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom"
)

// What Trivy reads of a package of an operating system, in both specifications: it stands where Trivy looks.
func TestScannerSources(t *testing.T) {
	status := "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib (1:1.2.13.dfsg-1)\n" +
		"Version: 1:1.2.13.dfsg-1+b1\n\n" +
		"Package: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.10-3\n"
	items := []item{{name: "etc/os-release", body: debianRelease}, {name: "var/lib/dpkg/status", body: status}}
	doc, _ := dirOf(t, items...)
	for purl, want := range map[string][]string{
		"pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1%2Bb1?arch=amd64&distro=debian-12&upstream=zlib%401:" +
			"1.2.13.dfsg-1": {"aquasecurity:trivy:SrcName=zlib", "aquasecurity:trivy:SrcVersion=1:1.2.13.dfsg-1"},
		"pkg:deb/debian/hello@2.10-3?arch=amd64&distro=debian-12": {"aquasecurity:trivy:SrcName=hello",
			"aquasecurity:trivy:SrcVersion=2.10-3"},
	} {
		same(t, purl, propertiesOf(t, doc, purl), want)
	}

	doc, _, err := Dir(t.Context(), mapFS(items...), &Options{Format: sbom.Format{Spec: sbom.SPDX, Version: "2.3"}})
	if err != nil {
		t.Fatal(err)
	}
	if warnings, err := sbom.Validate(doc.Bytes()); err != nil || len(warnings) > 0 {
		t.Errorf("%v %v", err, warnings)
	}
	var spdx struct {
		Packages []struct {
			SPDXID, Name string
			Annotations  []struct{ Annotator, Comment string }
		}
	}
	if err := json.Unmarshal(doc.Bytes(), &spdx); err != nil {
		t.Fatal(err)
	}
	comments, system := map[string][]string{}, false
	for _, p := range spdx.Packages {
		system = system || p.Name == "debian" && strings.HasPrefix(p.SPDXID, "SPDXRef-OperatingSystem")
		for _, a := range p.Annotations {
			if strings.HasPrefix(a.Comment, "Src") {
				comments[p.Name] = append(comments[p.Name], a.Comment)
			}
		}
	}
	if !system || !slices.Equal(comments["zlib1g"], []string{"SrcName: zlib", "SrcVersion: 1:1.2.13.dfsg-1"}) {
		t.Errorf("operating system %v, annotations %v", system, comments)
	}
}

// A source package of rpm is named in one text.
func TestSourceRPM(t *testing.T) {
	for s, want := range map[string]string{"bash-5.1.8-6.el9.src.rpm": "bash 5.1.8 6.el9", "glibc-common-2-3.nosrc.rpm": "glibc-common 2 3",
		"(none)": "", "a.src.rpm": "", "a-1.src.rpm": ""} {
		name, version, release, ok := sourceRPM(s)
		if got := strings.TrimSpace(name + " " + version + " " + release); got != want || ok != (want != "") {
			t.Errorf("%s: %q", s, got)
		}
	}
}
