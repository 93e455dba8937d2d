package vuln

import (
	"encoding/json"
	"strconv"
	"strings"
)

// grypeReport is the JSON of Grype (grype/presenter/models of v0.121.0).
type grypeReport struct {
	Matches []grypeMatch `json:"matches"`
	Ignored []struct {
		grypeMatch
		Rules []struct {
			Vulnerability string `json:"vulnerability"`
			Reason        string `json:"reason"`
			Status        string `json:"vex-status"`
			Justification string `json:"vex-justification"`
		} `json:"appliedIgnoreRules"`
	} `json:"ignoredMatches"`
	Alerts []struct {
		Package grypePackage `json:"package"`
		Alerts  []struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"alerts"`
	} `json:"alertsByPackage"`
	Source struct {
		Type   string          `json:"type"`
		Target json.RawMessage `json:"target"`
	} `json:"source"`
	Descriptor struct {
		Name      string          `json:"name"`
		Version   string          `json:"version"`
		Timestamp string          `json:"timestamp"`
		DB        json.RawMessage `json:"db"`
	} `json:"descriptor"`
}

type grypeMatch struct {
	Vulnerability grypeVulnerability   `json:"vulnerability"`
	Related       []grypeVulnerability `json:"relatedVulnerabilities"`
	Artifact      grypePackage         `json:"artifact"`
}

type grypeVulnerability struct {
	ID          string   `json:"id"`
	DataSource  string   `json:"dataSource"`
	Namespace   string   `json:"namespace"`
	Severity    string   `json:"severity"`
	URLs        []string `json:"urls"`
	Description string   `json:"description"`
	CVSS        []struct {
		Source  string `json:"source"`
		Vector  string `json:"vector"`
		Metrics struct {
			Base *float64 `json:"baseScore"`
		} `json:"metrics"`
	} `json:"cvss"`
	KEV []struct {
		Added string `json:"dateAdded"`
		Due   string `json:"dueDate"`
	} `json:"knownExploited"`
	EPSS []struct {
		CVE        string  `json:"cve"`
		EPSS       float64 `json:"epss"`
		Percentile float64 `json:"percentile"`
		Date       string  `json:"date"`
	} `json:"epss"`
	CWEs []struct {
		CWE string `json:"cwe"`
	} `json:"cwes"`
	Fix struct {
		Versions []string `json:"versions"`
		State    string   `json:"state"`
	} `json:"fix"`
	Advisories []struct {
		ID   string `json:"id"`
		Link string `json:"link"`
	} `json:"advisories"`
}

type grypePackage struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	PURL      string `json:"purl"`
	Locations []struct {
		Path string `json:"path"`
	} `json:"locations"`
}

func (p *grypePackage) component() Component {
	c := component(p.PURL, p.Name, p.Version)
	c.ID = p.ID
	for _, l := range p.Locations {
		c.Paths = union(c.Paths, []string{l.Path})
	}
	return c
}

func readGrype(b *builder, data []byte) error {
	var in grypeReport
	if err := decode(data, &in); err != nil {
		return err
	}
	r := b.report
	d := &in.Descriptor
	if d.Version == "[not provided]" { // of a program that go install built
		d.Version = ""
	}
	r.Tool = Tool{Name: nameOr(d.Name, "grype"), Version: d.Version, URI: "https://github.com/anchore/grype"}
	r.Finished = b.time("descriptor.timestamp", d.Timestamp)
	b.grypeSource(in.Source.Target)
	b.grypeDatabases(d.DB)
	for i := range in.Matches {
		if err := b.grypeMatch(&in.Matches[i], nil); err != nil {
			return err
		}
	}
	for i := range in.Ignored {
		m := &in.Ignored[i]
		var applied []Applied
		for _, rule := range m.Rules {
			status := Status(rule.Status)
			if status == "" {
				status = StatusNotAffected
			}
			applied = append(applied, Applied{Statement: Statement{Vulnerability: m.Vulnerability.ID, Status: status,
				Justification: rule.Justification, Impact: rule.Reason, Document: "ignore rule of grype"}, Effective: true})
		}
		if len(applied) == 0 {
			applied = []Applied{{Statement: Statement{Vulnerability: m.Vulnerability.ID, Status: StatusNotAffected,
				Document: "ignore rule of grype"}, Effective: true}}
		}
		if err := b.grypeMatch(&m.grypeMatch, applied); err != nil {
			return err
		}
	}
	for _, p := range in.Alerts {
		for _, a := range p.Alerts {
			r.Skipped = append(r.Skipped, Skipped{Component: p.Package.component(), Reason: nameOr(a.Message, a.Type)})
		}
	}
	return nil
}

func (b *builder) grypeSource(raw json.RawMessage) {
	s := &b.report.Subject
	var target struct {
		Input  string   `json:"userInput"`
		Digest string   `json:"manifestDigest"`
		Repos  []string `json:"repoDigests"`
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		s.Name = text
	} else if json.Unmarshal(raw, &target) == nil {
		s.Name, s.Digest = target.Input, target.Digest
	}
}

func (b *builder) grypeDatabases(raw json.RawMessage) {
	type status struct {
		Schema string `json:"schemaVersion"`
		From   string `json:"from"`
		Built  string `json:"built"`
		Error  string `json:"error"`
	}
	var db struct {
		status
		Status    status `json:"status"`
		Providers map[string]struct {
			Captured string `json:"captured"`
			Input    string `json:"input"`
		} `json:"providers"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &db) != nil {
		b.note("the report does not say which database was asked")
		return
	}
	s := db.Status
	if s == (status{}) {
		s = db.status
	}
	built := b.time("db.built", s.Built)
	b.report.Databases = append(b.report.Databases, Database{Name: "grype-db", URI: s.From, Version: s.Schema, Updated: built})
	if s.Error != "" {
		b.note("the database was in error: %s", s.Error)
	}
	for _, name := range sortedKeys(db.Providers) {
		p := db.Providers[name]
		b.report.Databases = append(b.report.Databases, Database{Name: name, Version: p.Input, Updated: b.time(name, p.Captured)})
	}
}

func (b *builder) grypeMatch(m *grypeMatch, applied []Applied) error {
	v := &m.Vulnerability
	f, err := b.finding(Vulnerability, v.ID)
	if err != nil {
		return err
	}
	severity := b.severity(v.ID, v.Severity)
	f.Severity = max(f.Severity, severity)
	f.Description = nameOr(f.Description, v.Description)
	if f.Source == (Source{}) {
		f.Source = Source{Name: v.Namespace, URL: v.DataSource}
	}
	b.rating(f, Rating{Source: v.Namespace, Severity: severity})
	for i, w := range append([]grypeVulnerability{*v}, m.Related...) {
		if i > 0 {
			f.Aliases = union(f.Aliases, []string{w.ID})
			f.Description = nameOr(f.Description, w.Description)
		}
		f.References = union(union(f.References, []string{w.DataSource}), w.URLs)
		for _, c := range w.CVSS {
			rating := Rating{Source: nameOr(c.Source, w.Namespace), Vector: c.Vector}
			if c.Metrics.Base != nil {
				rating.Score, rating.Scored = *c.Metrics.Base, true
			}
			b.rating(f, rating)
		}
		for _, k := range w.KEV {
			f.Exploit = Exploit{Known: true, Added: b.time(v.ID, k.Added), Due: b.time(v.ID, k.Due), Available: true}
		}
		for _, e := range w.EPSS {
			if f.EPSS == nil || e.EPSS > f.EPSS.Probability {
				f.EPSS = &EPSS{Probability: e.EPSS, Percentile: e.Percentile, Date: e.Date}
			}
		}
		for _, c := range w.CWEs {
			f.CWEs = addCWE(f.CWEs, c.CWE)
		}
	}
	for _, a := range v.Advisories {
		f.Aliases = union(f.Aliases, []string{a.ID})
		f.References = union(f.References, []string{a.Link})
	}
	place := Affected{Component: m.Artifact.component(), Fixed: union(nil, v.Fix.Versions)}
	switch v.Fix.State {
	case "fixed":
		place.Fix = Fixable
	case "not-fixed":
		place.Fix = NotFixed
	case "wont-fix":
		place.Fix = WontFix
	}
	if len(applied) > 0 {
		place.VEX, place.Status = applied, applied[0].Status
	}
	b.affect(f, place)
	return nil
}

func addCWE(list []int, text string) []int {
	n, err := strconv.Atoi(strings.TrimPrefix(text, "CWE-"))
	if err != nil {
		return list
	}
	for _, have := range list {
		if have == n {
			return list
		}
	}
	return append(list, n)
}
