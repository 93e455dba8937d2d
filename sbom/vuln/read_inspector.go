package vuln

import (
	"fmt"
	"strconv"
	"strings"
)

// inspectorReport is an answer of ScanSbom in the format INSPECTOR (see README of testdata for where real ones are from).
type inspectorReport struct {
	Messages []struct {
		Info    string `json:"info_message"`
		Warning string `json:"warning"`
		Warn    string `json:"warning_message"`
		PURL    string `json:"purl"`
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"messages"`
	Count           map[string]int `json:"vulnerability_count"`
	Vulnerabilities []struct {
		ID          string   `json:"id"`
		Severity    string   `json:"severity"`
		Source      string   `json:"source"`
		Description string   `json:"description"`
		Created     string   `json:"created"`
		Updated     string   `json:"updated"`
		References  []string `json:"references"`
		Related     []string `json:"related"`
		Affects     []struct {
			Installed string `json:"installed_version"` // a package URL
			Name      string `json:"name"`              // of an operating system, with Version
			Version   string `json:"version"`
			Fixed     string `json:"fixed_version"`
			Path      string `json:"path"`
			File      string `json:"file"`
			Lines     string `json:"lines"`
		} `json:"affects"`
		Properties struct {
			CVSS []struct {
				Severity string   `json:"severity"`
				Source   string   `json:"source"`
				Score2   *float64 `json:"cvss_2_base_score"`
				Vector2  string   `json:"cvss_2_base_vector"`
				Score3   *float64 `json:"cvss_3_base_score"`
				Vector3  string   `json:"cvss_3_base_vector"`
				Score4   *float64 `json:"cvss_4_base_score"`
				Vector4  string   `json:"cvss_4_base_vector"`
			} `json:"cvss"`
			CWEs      []int    `json:"cwes"`
			EPSS      *float64 `json:"epss"`
			Exploit   bool     `json:"exploit_available"`
			LastSeen  string   `json:"exploit_last_seen_in_public"`
			KEVAdded  string   `json:"cisa_kev_date_added"`
			KEVDue    string   `json:"cisa_kev_date_due"`
			Malicious bool     `json:"is_malicious"`
		} `json:"properties"`
	} `json:"vulnerabilities"`
}

// readInspector reads INSPECTOR, and INSPECTOR_ALT as far as it has the same members.
func readInspector(b *builder, data []byte) error {
	var in inspectorReport
	if err := decode(data, &in); err != nil {
		return err
	}
	b.report.Tool = Tool{Name: "Amazon Inspector", URI: inspectorURI}
	for _, m := range in.Messages {
		c := component(m.PURL, m.Name, m.Version)
		b.inspectorMessage(c, nameOr(m.Info, nameOr(m.Warning, m.Warn)))
	}
	counted := 0
	for _, n := range in.Count {
		counted += n
	}
	if in.Count != nil && counted != len(in.Vulnerabilities) {
		return fmt.Errorf("%w: it counts %d vulnerabilities and lists %d", ErrInvalid, counted, len(in.Vulnerabilities))
	}
	for i := range in.Vulnerabilities {
		v := &in.Vulnerabilities[i]
		kind := Vulnerability
		if len(v.Affects) > 0 && v.Affects[0].Installed == "" && v.Affects[0].File != "" {
			kind = checkKind(v.ID)
		}
		f, err := b.finding(kind, v.ID)
		if err != nil {
			return err
		}
		f.Severity = max(f.Severity, b.severity(v.ID, v.Severity))
		f.Description = v.Description
		f.Source = Source{URL: v.Source}
		f.Published, f.Modified = b.time(v.ID, v.Created), b.time(v.ID, v.Updated)
		f.References, f.Aliases = union(f.References, v.References), union(f.Aliases, v.Related)
		p := &v.Properties
		f.CWEs = p.CWEs
		for _, c := range p.CVSS {
			severity := b.severity(v.ID, c.Severity)
			for _, s := range []struct {
				method, vector string
				score          *float64
			}{{"CVSSv2", c.Vector2, c.Score2}, {"CVSSv31", c.Vector3, c.Score3}, {"CVSSv4", c.Vector4, c.Score4}} {
				if s.vector == "" && s.score == nil {
					continue
				}
				r := Rating{Source: c.Source, Severity: severity, Method: s.method, Vector: s.vector}
				if s.score != nil { // single precision is written out: 7.8000001907
					r.Score, r.Scored = tenth(*s.score), true
				}
				b.rating(f, r)
			}
		}
		if p.EPSS != nil {
			f.EPSS = &EPSS{Probability: *p.EPSS}
		}
		f.Exploit = Exploit{Known: p.KEVAdded != "", Added: b.time(v.ID, p.KEVAdded), Due: b.time(v.ID, p.KEVDue),
			Available: p.Exploit, LastSeen: b.time(v.ID, p.LastSeen)}
		if p.Malicious {
			b.note("%s: the component is malicious", v.ID)
		}
		for _, a := range v.Affects {
			c := component(a.Installed, a.Name, a.Version)
			c.Paths = union(nil, []string{a.Path})
			b.affect(f, Affected{Component: c, File: a.File, Lines: a.Lines, Fixed: inspectorFixed(a.Fixed), Fix: fixOf(a.Fixed)})
		}
	}
	return nil
}

const inspectorURI = "https://aws.amazon.com/inspector/"

// inspectorMessage keeps what the service says of a component that it did not assess.
func (b *builder) inspectorMessage(c Component, text string) {
	switch {
	case text == "" || strings.HasPrefix(text, "Component scanned"):
	case strings.HasPrefix(text, "Component end-of-life"):
		b.note("%s %s: %s", c.Name, c.Version, text)
	default:
		b.report.Skipped = append(b.report.Skipped, Skipped{Component: c, Reason: text})
	}
}

// checkKind tells secrets from other checks of a Dockerfile by Inspector's ids.
func checkKind(id string) Kind {
	if strings.HasPrefix(id, "IN-DOCKER-007") {
		return Secret
	}
	return Configuration
}

func inspectorFixed(version string) []string {
	if fixOf(version) == Fixable {
		return []string{version}
	}
	return nil
}

func fixOf(version string) FixState {
	switch version {
	case "":
		return ""
	case "NotAvailable", "N/A":
		return NotFixed
	}
	return Fixable
}

func tenth(x float64) float64 {
	y, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', 1, 64), 64)
	return y
}
