package vuln

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/sbom"
)

const ecrResource = `{"type": "AWS_ECR_CONTAINER_IMAGE", "id": "arn:aws:ecr:eu-central-1:111122223333:repository/web/sha256:` +
	`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "partition": "aws", "region": "eu-central-1", "details": {"awsEcrContainerImage": {
	"repositoryName": "web", "imageTags": ["1.4"], "registry": "111122223333", "platform": "DEBIAN_12", "imageHash":
	"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}}`

const acrResource = `{"type": "Microsoft.ContainerRegistry/registry/containerImage", "id": "/subscriptions/s/acme/web@sha256:` +
	`bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "provider": "AZURE", "providerAccountId": "s", "details": {"image": {
	"repositoryName": "web", "registry": "acme.azurecr.io", "imageTags": ["1.4"], "platform": "DEBIAN_12", "imageDigest":
	"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}}}`

// findingsJSON has the members that the SDK's model gives.
func findingsJSON(resource string) string {
	return fmt.Sprintf(`{"findings": [
	{"type": "PACKAGE_VULNERABILITY", "title": "CVE-2026-1 - openssl", "description": "made up", "severity": "HIGH", "status": "ACTIVE",
	 "firstObservedAt": 1764288000.0, "inspectorScore": 7.5, "exploitAvailable": "YES", "exploitabilityDetails": {"lastKnownExploitAt": 1764288000.5},
	 "epss": {"score": 0.25}, "fixAvailable": "YES", "resources": [%[1]s], "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-2026-1",
	 "source": "DEBIAN_CVE", "sourceUrl": "https://example.com/1", "vendorSeverity": "Medium", "vendorCreatedAt": "2026-11-01T00:00:00+00:00",
	 "vendorUpdatedAt": "2026-11-02T00:00:00.123000+00:00", "relatedVulnerabilities": ["DSA-1"], "referenceUrls": ["https://example.com/2"],
	 "cvss": [{"baseScore": 7.5, "scoringVector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", "version": "3.1", "source": "NVD"}],
	 "vulnerablePackages": [{"name": "openssl", "version": "3.0.11", "release": "1~deb12u2", "epoch": 1, "arch": "AMD64", "packageManager": "OS",
	 "fixedInVersion": "1:3.0.13-1~deb12u1"}, {"name": "lodash", "version": "4.17.20", "packageManager": "NPM", "filePath": "app/package-lock.json",
	 "fixedInVersion": "NotAvailable"}]}},
	{"type": "PACKAGE_VULNERABILITY", "severity": "UNTRIAGED", "status": "SUPPRESSED", "resources": [%[1]s], "packageVulnerabilityDetails": {
	 "vulnerabilityId": "CVE-2026-2", "source": "NVD", "vulnerablePackages": [{"name": "zlib", "version": "1", "epoch": 0, "packageManager": "OS"}]}},
	{"type": "CODE_VULNERABILITY", "severity": "INFORMATIONAL", "status": "ACTIVE", "title": "a weak hash", "resources": [%[1]s],
	 "codeVulnerabilityDetails": {"filePath": {"fileName": "a.py", "filePath": "src/a.py", "startLine": 3, "endLine": 5}, "detectorId": "python/hash",
	 "detectorName": "x", "cwes": ["CWE-328"]}},
	{"type": "NETWORK_REACHABILITY", "severity": "LOW", "title": "port 22", "status": "ACTIVE", "resources": [%[1]s]}]}`, resource)
}

// ListFindings of images at AWS and elsewhere: a report says where the image is.
func TestFindings(t *testing.T) {
	for _, tt := range []struct{ resource, name, provider, registry string }{
		{ecrResource, "111122223333.dkr.ecr.eu-central-1.amazonaws.com/web:1.4", "AWS", "ECR"},
		{acrResource, "acme.azurecr.io/web:1.4", "AZURE", "ACR"},
	} {
		r, err := Parse(strings.NewReader(findingsJSON(tt.resource)))
		if err != nil {
			t.Fatal(err)
		}
		s := r.Subject
		if s.Name != tt.name || s.Provider != tt.provider || s.Registry != tt.registry || len(s.Digest) != 71 || len(s.IDs) != 1 {
			t.Errorf("%+v", s)
		}
		var got []string
		for f, a := range r.Places() {
			got = append(got, fmt.Sprint(f.ID, " ", f.Severity, " ", a.Component.Name, a.File, " ", a.Component.Version, " ",
				a.Component.PURL, " ", a.Fixed, " ",
				a.Fix, " ", a.Status, a.Lines))
		}
		if diff := cmp.Diff([]string{
			"CVE-2026-1 high openssl 1:3.0.11-1~deb12u2  [1:3.0.13-1~deb12u1] fixed ",
			"CVE-2026-1 high lodash 4.17.20 pkg:npm/lodash@4.17.20 [] not-fixed ",
			"CVE-2026-2 unknown zlib 1  []  not_affected",
			"python/hash info src/a.py   []  3-5",
		}, got); diff != "" {
			t.Error(diff)
		}
		f := &r.Findings[0]
		if f.Published.Day() != 1 || f.Exploit.LastSeen.IsZero() || !f.Exploit.Available || f.EPSS.Probability != 0.25 ||
			len(f.Ratings) != 3 {
			t.Errorf("%+v", f)
		}
		if a := &r.Findings[1].Affects[0]; a.State() != Found || a.Proven() {
			t.Errorf("suppressed by the service: %v", a.State())
		}
		if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "port 22") {
			t.Errorf("%q", r.Notes)
		}
		// The provider goes through every predicate, and through Union.
		v02, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		vdr, err := r.VDR()
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range [][]byte{v02, vdr.json} {
			back, err := Parse(bytes.NewReader(data))
			if err != nil || back.Subject.Provider != tt.provider || back.Subject.Registry != tt.registry {
				t.Errorf("%+v, %v", back.Subject, err)
			}
		}
		if u := Union(&Report{Subject: Subject{Name: "x"}}, r); u.Subject.Provider != tt.provider || u.Subject.Registry != tt.registry {
			t.Errorf("%+v", u.Subject)
		}
	}
}

// A page of findings, or findings of several images, are no report.
func TestFindingsRefused(t *testing.T) {
	page := strings.Replace(findingsJSON(ecrResource), `{"findings"`, `{"nextToken": "x", "findings"`, 1)
	two := strings.Replace(findingsJSON(ecrResource), ecrResource, acrResource, 1)
	for _, text := range []string{page, two, `{"findings":[{"type":"PACKAGE_VULNERABILITY","resources":[]}]}`,
		`{"findings":[{"resources":[{"id":"x"}],"packageVulnerabilityDetails":{}}]}`} {
		if r, err := Parse(strings.NewReader(text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%.80s: %+v, %v", text, r, err)
		}
	}
	r, err := Parse(strings.NewReader(`{"findings": []}`))
	if err != nil || len(r.Notes) != 1 || len(r.Databases) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func FuzzFindings(f *testing.F) { f.Add([]byte(findingsJSON(acrResource))); f.Fuzz(check) }

// A report in CycloneDX's XML is the one in its JSON.
func TestXML(t *testing.T) {
	for _, file := range []string{"scan-reports/trivy.cdx.json", "scan-reports/osv-scanner.1.6.cdx.json"} {
		data := load(t, "testdata/"+file)
		doc, err := sbom.Parse(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		xml, _, err := sbom.Encode(doc, sbom.XML, nil)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		want, err := Parse(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(bytes.NewReader(xml.Bytes()))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if diff := cmp.Diff(want.Summary(), got.Summary()); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
		if diff := cmp.Diff(mended(want), mended(got)); diff != "" || len(got.Findings) == 0 {
			t.Errorf("%s: %s", file, diff)
		}
	}
	for _, text := range []string{"<bom", `<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><vulnerabilities>`, "<a/>",
		"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"} {
		if r, err := Parse(strings.NewReader(text)); err == nil || !errors.Is(err, ErrFormat) && !errors.Is(err, ErrInvalid) &&
			!errors.Is(err, ErrLimit) {
			t.Errorf("%s: %+v, %v", text, r, err)
		}
	}
}
