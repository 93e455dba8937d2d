package vuln

import (
	"regexp"
	"strings"
	"sync"
)

// sarifLog is what is read of SARIF 2.1.0 (OASIS, sarif-v2.1.0).
type sarifLog struct {
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver struct {
			Name    string      `json:"name"`
			Version string      `json:"version"`
			SemVer  string      `json:"semanticVersion"`
			URI     string      `json:"informationUri"`
			Rules   []sarifRule `json:"rules"`
		} `json:"driver"`
	} `json:"tool"`
	Results     []sarifResult `json:"results"`
	Invocations []struct {
		Success *bool  `json:"executionSuccessful"`
		Start   string `json:"startTimeUtc"`
		End     string `json:"endTimeUtc"`
	} `json:"invocations"`
	Properties struct {
		Image   string   `json:"imageName"`
		Digests []string `json:"repoDigests"`
	} `json:"properties"`

	byID map[string]int // of rules
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Short      sarifText `json:"shortDescription"`
	Full       sarifText `json:"fullDescription"`
	HelpURI    string    `json:"helpUri"`
	Properties struct {
		Tags     []string `json:"tags"`
		Severity string   `json:"security-severity"`
		V31      string   `json:"cvssv3_vector"`
		V40      string   `json:"cvssv40_vector"`
		PURLs    []string `json:"purls"`
	} `json:"properties"`
}

type sarifResult struct {
	Rule      string    `json:"ruleId"`
	Index     *int      `json:"ruleIndex"`
	Kind      string    `json:"kind"`
	Level     string    `json:"level"`
	Message   sarifText `json:"message"`
	Locations []struct {
		Message  sarifText `json:"message"`
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				Start int `json:"startLine"`
				End   int `json:"endLine"`
			} `json:"region"`
		} `json:"physicalLocation"`
	} `json:"locations"`
	Suppressions []struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	} `json:"suppressions"`
}

func readSARIF(b *builder, data []byte) error {
	var in sarifLog
	if err := decode(data, &in); err != nil {
		return err
	}
	b.note("read from SARIF, which has no components: they are taken from the text of messages where that has a form that is known")
	if in.Version != "2.1.0" {
		b.note("SARIF version %.20q; this reader knows 2.1.0", in.Version)
	}
	for i := range in.Runs {
		run := &in.Runs[i]
		d := &run.Tool.Driver
		if i == 0 {
			b.report.Tool = Tool{Name: d.Name, Version: nameOr(d.Version, d.SemVer), URI: d.URI}
			b.report.Subject.Name = run.Properties.Image
			if len(run.Properties.Digests) == 1 {
				_, b.report.Subject.Digest = cutDigest(run.Properties.Digests[0])
			}
		} else if d.Name != b.report.Tool.Name {
			b.note("the log has a run of %.60s too", d.Name)
		}
		for _, inv := range run.Invocations {
			b.report.Started, b.report.Finished = b.time("startTimeUtc", inv.Start), b.time("endTimeUtc", inv.End)
			if inv.Success != nil && !*inv.Success {
				b.report.Skipped = append(b.report.Skipped, Skipped{Reason: "the scanner says that it did not come to its end"})
			}
		}
		run.byID = map[string]int{}
		for j := range d.Rules {
			if _, ok := run.byID[d.Rules[j].ID]; !ok {
				run.byID[d.Rules[j].ID] = j
			}
		}
		for j := range run.Results {
			if err := b.sarifResult(run, &run.Results[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *builder) sarifResult(run *sarifRun, res *sarifResult) error {
	if res.Kind != "" && res.Kind != "fail" && res.Kind != "review" && res.Kind != "open" {
		return nil // "pass", "notApplicable" and "informational" are no findings (section 3.27.9)
	}
	rules := run.Tool.Driver.Rules
	var rule sarifRule
	if res.Index != nil && *res.Index >= 0 && *res.Index < len(rules) {
		rule = rules[*res.Index]
	}
	if rule.ID != res.Rule {
		if i, ok := run.byID[res.Rule]; ok {
			rule = rules[i]
		}
	}
	id := nameOr(res.Rule, rule.ID)
	if strings.HasPrefix(run.Tool.Driver.Name, "Grype") || strings.EqualFold(run.Tool.Driver.Name, "grype") {
		if m := advisoryID().FindString(id); m != "" { // Grype adds the package: CVE-2024-2961-libc6
			id = m
		}
	}
	kind := sarifKind(id, rule.Properties.Tags)
	f, err := b.finding(kind, id)
	if err != nil {
		return err
	}
	f.Title, f.Description = nameOr(f.Title, rule.Short.Text), nameOr(f.Description, rule.Full.Text)
	f.References = union(f.References, []string{rule.HelpURI})
	source := run.Tool.Driver.Name
	for _, vector := range []string{rule.Properties.V31, rule.Properties.V40} {
		if vector != "" {
			b.rating(f, Rating{Source: source, Vector: vector})
		}
	}
	word := Unknown
	for _, tag := range rule.Properties.Tags {
		if s, ok := ParseSeverity(tag); ok {
			word = max(word, s)
		}
	}
	if text := rule.Properties.Severity; text != "" { // of GitHub: a score of CVSS 3's scale
		r := Rating{Source: source, Score: number(text), Scored: true, Severity: word}
		b.rating(f, r)
		if word == Unknown && r.Score > 0 {
			word = severityOf("", r.Score)
		}
	}
	f.Severity = max(f.Severity, word)
	place := sarifPlace(res)
	place.Doubt = sarifDoubts[res.Kind]
	if kind == Vulnerability && place.Component.Name == "" {
		b.report.Skipped = append(b.report.Skipped, Skipped{Reason: id + ": the message does not name the component"})
	}
	for _, s := range res.Suppressions {
		if s.Status == "" || s.Status == "accepted" {
			place.Status = StatusNotAffected
			place.VEX = append(place.VEX,
				Applied{Statement: Statement{Vulnerability: id, Status: StatusNotAffected, Impact: s.Justification,
					Document: "suppression of " + nameOr(source, "the scanner")}, Effective: true})
		}
	}
	b.affect(f, place)
	return nil
}

// sarifDoubts are the kinds of results that are no failures, and no passes (section 3.27.9).
var sarifDoubts = map[string]string{
	"open":   "the scanner had not enough information to decide",
	"review": "the scanner asks for a person to decide",
}

var advisoryID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){3}|[A-Z]+(-[A-Z]+)?-\d{4}[-:]\d+)`)
})

func sarifKind(id string, tags []string) Kind {
	text := strings.ToLower(strings.Join(tags, " "))
	switch {
	case strings.Contains(text, "secret"):
		return Secret
	case advisoryID().MatchString(id) || strings.Contains(text, "vulnerability"):
		return Vulnerability
	}
	return Configuration
}

// The forms of messages of Trivy 0.74, OSV-Scanner 2.5 and Grype 0.121.
var (
	trivyMessage = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?m)^Package: (.+)\nInstalled Version: (.*)\n(?:.*\n)*?Fixed Version: (.*)$`)
	})
	osvMessage = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^Package '(.+)@([^@']*)' is vulnerable to '`)
	})
	grypeMessage = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`vulnerability in (?:\S+ )?package: (.+?), version (\S+) was found`)
	})
)

func sarifPlace(res *sarifResult) (a Affected) {
	if len(res.Locations) > 0 {
		l := &res.Locations[0]
		a.File = strings.TrimPrefix(l.Physical.Artifact.URI, "file://")
		if region := l.Physical.Region; region.Start > 1 || region.End > 1 { // 1 to 1 is what scanners write who know none
			a.Lines = lines(region.Start, region.End)
		}
	}
	text := res.Message.Text
	switch {
	case trivyMessage().MatchString(text):
		m := trivyMessage().FindStringSubmatch(text)
		a.Component, a.Fixed = component("", m[1], m[2]), splitVersions(m[3])
	case osvMessage().MatchString(text):
		m := osvMessage().FindStringSubmatch(text)
		a.Component = component("", m[1], m[2])
	case grypeMessage().MatchString(text):
		m := grypeMessage().FindStringSubmatch(text)
		a.Component = component("", m[1], m[2])
	default:
		return a
	}
	if len(a.Fixed) > 0 {
		a.Fix = Fixable
	}
	a.Component.Paths, a.File, a.Lines = union(nil, []string{a.File}), "", ""
	return a
}
