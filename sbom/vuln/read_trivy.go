package vuln

import "encoding/json"

// trivyReport is the JSON of Trivy, SchemaVersion 2 (as v0.74.0 writes it).
type trivyReport struct {
	Schema int `json:"SchemaVersion"`
	Trivy  struct {
		Version string `json:"Version"`
	} `json:"Trivy"`
	Created  string `json:"CreatedAt"`
	Name     string `json:"ArtifactName"`
	Type     string `json:"ArtifactType"`
	Metadata struct {
		OS *struct {
			Family string `json:"Family"`
			Name   string `json:"Name"`
			EOSL   bool   `json:"EOSL"`
		} `json:"OS"`
		RepoTags    []string `json:"RepoTags"`
		RepoDigests []string `json:"RepoDigests"`
	} `json:"Metadata"`
	Results []trivyResult `json:"Results"`
}

type trivyResult struct {
	Target   string            `json:"Target"`
	Class    string            `json:"Class"`
	Type     string            `json:"Type"`
	Packages []json.RawMessage `json:"Packages"`
	Vulns    []trivyVuln       `json:"Vulnerabilities"`
	Configs  []struct {
		ID          string   `json:"ID"`
		AVDID       string   `json:"AVDID"`
		Title       string   `json:"Title"`
		Description string   `json:"Description"`
		Severity    string   `json:"Severity"`
		Status      string   `json:"Status"`
		PrimaryURL  string   `json:"PrimaryURL"`
		References  []string `json:"References"`
	} `json:"Misconfigurations"`
	Secrets []struct {
		RuleID    string `json:"RuleID"`
		Title     string `json:"Title"`
		Severity  string `json:"Severity"`
		StartLine int    `json:"StartLine"`
		EndLine   int    `json:"EndLine"`
	} `json:"Secrets"`
	Licenses []json.RawMessage `json:"Licenses"`
	Modified []struct {
		Type      string          `json:"Type"`
		Status    string          `json:"Status"`
		Statement string          `json:"Statement"`
		Source    string          `json:"Source"`
		Finding   json.RawMessage `json:"Finding"`
	} `json:"ExperimentalModifiedFindings"`
}

type trivyVuln struct {
	ID         string   `json:"VulnerabilityID"`
	VendorIDs  []string `json:"VendorIDs"`
	PkgID      string   `json:"PkgID"`
	PkgName    string   `json:"PkgName"`
	PkgPath    string   `json:"PkgPath"`
	Identifier struct {
		PURL string `json:"PURL"`
		Ref  string `json:"BOMRef"`
	} `json:"PkgIdentifier"`
	Installed      string         `json:"InstalledVersion"`
	Fixed          string         `json:"FixedVersion"`
	Status         string         `json:"Status"`
	SeveritySource string         `json:"SeveritySource"`
	PrimaryURL     string         `json:"PrimaryURL"`
	Title          string         `json:"Title"`
	Description    string         `json:"Description"`
	Severity       string         `json:"Severity"`
	CWEs           []string       `json:"CweIDs"`
	VendorSeverity map[string]int `json:"VendorSeverity"`
	DataSource     *struct {
		ID   string `json:"ID"`
		Name string `json:"Name"`
		URL  string `json:"URL"`
	} `json:"DataSource"`
	CVSS map[string]struct {
		V2Vector  string   `json:"V2Vector"`
		V3Vector  string   `json:"V3Vector"`
		V40Vector string   `json:"V40Vector"`
		V2Score   *float64 `json:"V2Score"`
		V3Score   *float64 `json:"V3Score"`
		V40Score  *float64 `json:"V40Score"`
	} `json:"CVSS"`
	References []string `json:"References"`
	Published  string   `json:"PublishedDate"`
	Modified   string   `json:"LastModifiedDate"`
}

func readTrivy(b *builder, data []byte) error {
	var in trivyReport
	if err := decode(data, &in); err != nil {
		return err
	}
	r := b.report
	if in.Schema != 2 {
		b.note("SchemaVersion is %d; this reader knows 2", in.Schema)
	}
	r.Tool = Tool{Name: "trivy", Version: in.Trivy.Version, URI: "https://github.com/aquasecurity/trivy"}
	r.Finished = b.time("CreatedAt", in.Created)
	r.Subject.Name = in.Name
	if len(in.Metadata.RepoDigests) == 1 {
		_, r.Subject.Digest = cutDigest(in.Metadata.RepoDigests[0])
	}
	b.note("the report does not say which database was asked")
	if os := in.Metadata.OS; os != nil && os.EOSL {
		b.note("%s %s: support has ended, so that advisories may be missing", os.Family, os.Name)
	}
	for i := range in.Results {
		if err := b.trivyResult(&in.Results[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) trivyResult(t *trivyResult) error {
	b.report.Components += len(t.Packages)
	for i := range t.Vulns {
		if err := b.trivyVuln(&t.Vulns[i], nil); err != nil {
			return err
		}
	}
	for _, m := range t.Modified {
		if m.Type != "vulnerability" {
			b.note("%s: a suppressed finding of type %q is not read", t.Target, m.Type)
			continue
		}
		var v trivyVuln
		if err := decode(m.Finding, &v); err != nil {
			return err
		}
		status := Status(m.Status)
		if status != StatusFixed && status != StatusInvestigated && status != StatusAffected {
			status = StatusNotAffected // "ignored" is what a .trivyignore makes of it
		}
		if err := b.trivyVuln(&v, []Applied{{Statement: Statement{Vulnerability: v.ID, Status: status, Justification: m.Statement,
			Document: m.Source}, Effective: true}}); err != nil {
			return err
		}
	}
	for _, c := range t.Configs {
		if c.Status == "PASS" {
			continue
		}
		f, err := b.finding(Configuration, nameOr(c.ID, c.AVDID))
		if err != nil {
			return err
		}
		f.Title, f.Description, f.Severity = c.Title, c.Description, b.severity(c.ID, c.Severity)
		f.References = union(union(f.References, []string{c.PrimaryURL}), c.References)
		b.affect(f, Affected{File: t.Target})
	}
	for _, s := range t.Secrets {
		f, err := b.finding(Secret, s.RuleID)
		if err != nil {
			return err
		}
		f.Title, f.Severity = s.Title, b.severity(s.RuleID, s.Severity)
		b.affect(f, Affected{File: t.Target, Lines: lines(s.StartLine, s.EndLine)})
	}
	if len(t.Licenses) > 0 {
		b.note("%s: %d findings about licences are not read: see package sbom/quality", t.Target, len(t.Licenses))
	}
	return nil
}

func (b *builder) trivyVuln(v *trivyVuln, applied []Applied) error {
	f, err := b.finding(Vulnerability, v.ID)
	if err != nil {
		return err
	}
	f.Severity = max(f.Severity, b.severity(v.ID, v.Severity))
	f.Title, f.Description = v.Title, v.Description
	f.Aliases = union(f.Aliases, v.VendorIDs)
	f.References = union(union(f.References, []string{v.PrimaryURL}), v.References)
	f.Published, f.Modified = b.time(v.ID, v.Published), b.time(v.ID, v.Modified)
	if v.DataSource != nil {
		f.Source = Source{Name: nameOr(v.DataSource.ID, v.DataSource.Name), URL: v.DataSource.URL}
	}
	for _, c := range v.CWEs {
		f.CWEs = addCWE(f.CWEs, c)
	}
	rated := map[string]bool{}
	for _, source := range sortedKeys(v.CVSS) {
		c := v.CVSS[source]
		for _, x := range []struct {
			method, vector string
			score          *float64
		}{{"CVSSv2", c.V2Vector, c.V2Score}, {"CVSSv31", c.V3Vector, c.V3Score}, {"CVSSv4", c.V40Vector, c.V40Score}} {
			if x.vector == "" && x.score == nil {
				continue
			}
			r := Rating{Source: source, Method: x.method, Vector: x.vector, Severity: trivySeverity(v.VendorSeverity, source)}
			if x.score != nil {
				r.Score, r.Scored = *x.score, true
			}
			rated[source] = true
			b.rating(f, r)
		}
	}
	for _, source := range sortedKeys(v.VendorSeverity) {
		if !rated[source] {
			b.rating(f, Rating{Source: source, Severity: trivySeverity(v.VendorSeverity, source)})
		}
	}
	c := component(v.Identifier.PURL, v.PkgName, v.Installed)
	c.ID = v.Identifier.Ref
	c.Paths = union(nil, []string{v.PkgPath})
	place := Affected{Component: c, Fixed: splitVersions(v.Fixed), VEX: applied}
	switch v.Status {
	case "fixed":
		place.Fix = Fixable
	case "affected", "under_investigation", "fix_deferred":
		place.Fix = NotFixed
	case "will_not_fix", "end_of_life":
		place.Fix = WontFix
	}
	if len(applied) > 0 {
		place.Status = applied[0].Status
	}
	b.affect(f, place)
	return nil
}

// trivySeverity reads Trivy's numbers: 0 is unknown, 4 critical.
func trivySeverity(vendors map[string]int, source string) Severity {
	n, ok := vendors[source]
	if !ok || n < 1 || n > 4 {
		return Unknown
	}
	return [...]Severity{Low, Medium, High, Critical}[n-1]
}
