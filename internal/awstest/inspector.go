package awstest

import (
	"encoding/json"
	"fmt"
	"strconv"
)

type inspectorState struct{ known []Vulnerability }

// A Vulnerability is one that ScanSbom reports for components with this package URL.
type Vulnerability struct {
	ID       string // such as CVE-2015-20109
	PURL     string // exactly as in the component
	Severity string // of CycloneDX: critical, high, medium, low, info, none, unknown
	Score    float64
	Fixed    string // version; empty if there is none
	Exploit  bool
}

// AddVulnerability makes ScanSbom know a vulnerability.
func (s *Server) AddVulnerability(v Vulnerability) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inspector.known = append(s.inspector.known, v)
}

// maxComponents of one request, as Amazon Inspector's user guide says.
const maxComponents = 5000

const scanner = "amazon:inspector:sbom_scanner:"

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// scanSBOM answers in CycloneDX 1.5, the one output format that is understood here.
func (s *Server) scanSBOM(r *request) ([]byte, error) {
	var in struct {
		SBOM struct {
			BOMFormat    string `json:"bomFormat"`
			SpecVersion  string `json:"specVersion"`
			SerialNumber string `json:"serialNumber"`
			Components   []struct {
				Ref     string `json:"bom-ref"`
				PURL    string `json:"purl"`
				Name    string `json:"name"`
				Type    string `json:"type"`
				Version string `json:"version"`
			} `json:"components"`
		} `json:"sbom"`
		OutputFormat string `json:"outputFormat"`
	}
	if err := json.Unmarshal(r.body, &in); err != nil {
		return nil, failed("ValidationException", "%v", err)
	}
	if in.SBOM.BOMFormat != "CycloneDX" || in.SBOM.SpecVersion != "1.5" || in.OutputFormat != "" && in.OutputFormat != "CYCLONE_DX_1_5" {
		return nil, failed("ValidationException", "%s %s to %q", in.SBOM.BOMFormat, in.SBOM.SpecVersion, in.OutputFormat)
	}
	if n := len(in.SBOM.Components); n > maxComponents {
		return nil, failed("ValidationException", "%d components", n)
	}
	type object = map[string]any
	s.mu.Lock()
	defer s.mu.Unlock()
	var components, vulnerabilities []object
	counts := map[string]int{}
	refs := map[string]string{} // by purl
	for i, c := range in.SBOM.Components {
		ref := fmt.Sprint("comp-", i+1)
		out := object{"bom-ref": ref, "type": c.Type, "name": c.Name}
		if c.Version != "" {
			out["version"] = c.Version
		}
		if c.PURL != "" {
			out["purl"], refs[c.PURL] = c.PURL, ref
		}
		components = append(components, out)
	}
	for _, v := range s.inspector.known {
		ref, ok := refs[v.PURL]
		if !ok {
			continue
		}
		var properties []property
		if v.Exploit {
			properties = append(properties, property{scanner + "exploit_available", "true"})
		}
		if v.Fixed != "" {
			properties = append(properties, property{scanner + "fixed_version:" + ref, v.Fixed})
		}
		counts[v.Severity]++
		vulnerabilities = append(vulnerabilities, object{
			"bom-ref": fmt.Sprint("vuln-", len(vulnerabilities)+1),
			"id":      v.ID,
			"source":  object{"name": "NVD", "url": "https://nvd.nist.gov/vuln/detail/" + v.ID},
			"ratings": []object{{"severity": v.Severity, "score": v.Score, "method": "CVSSv31",
				"source": object{"name": "NVD", "url": "https://nvd.nist.gov/vuln/detail/" + v.ID}}},
			"affects":    []object{{"ref": ref}},
			"properties": properties,
		})
	}
	var summary []property
	other := len(vulnerabilities)
	for _, severity := range []string{"critical", "high", "medium", "low"} {
		summary = append(summary, property{scanner + severity + "_vulnerabilities", strconv.Itoa(counts[severity])})
		other -= counts[severity]
	}
	summary = append(summary, property{scanner + "other_vulnerabilities", strconv.Itoa(other)})
	return json.Marshal(object{"sbom": object{
		"bomFormat":    "CycloneDX",
		"specVersion":  "1.5",
		"serialNumber": in.SBOM.SerialNumber,
		"metadata": object{
			"tools":      object{"services": []object{{"name": "Amazon Inspector Scan SBOM API", "version": "77f08c14+799c166d+fb1e16f3"}}},
			"timestamp":  s.opts.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
			"properties": summary,
		},
		"components":      components,
		"vulnerabilities": vulnerabilities,
	}})
}
