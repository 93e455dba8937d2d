package vuln

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// findingsReport is an answer of Amazon Inspector's operation ListFindings (npm @aws-sdk/client-inspector2 3.1085.0), as the
// AWS CLI writes it for images in ECR, and in registries of other providers.
type findingsReport struct {
	Findings []inspectorFinding `json:"findings"`
	Next     string             `json:"nextToken"`
	NextCLI  string             `json:"NextToken"` // of the AWS CLI
}

type inspectorFinding struct {
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Severity    string `json:"severity"`
	Status      string `json:"status"`
	Remediation struct {
		Recommendation struct {
			Text string `json:"text"`
		} `json:"recommendation"`
	} `json:"remediation"`
	Resources      []inspectorResource `json:"resources"`
	Score          *float64            `json:"inspectorScore"`
	Exploit        string              `json:"exploitAvailable"`
	Exploitability struct {
		Last apiTime `json:"lastKnownExploitAt"`
	} `json:"exploitabilityDetails"`
	EPSS struct {
		Score *float64 `json:"score"`
	} `json:"epss"`
	Package *inspectorPackages `json:"packageVulnerabilityDetails"`
	Code    *struct {
		File struct {
			Path  string `json:"filePath"`
			Start int    `json:"startLine"`
			End   int    `json:"endLine"`
		} `json:"filePath"`
		Detector string   `json:"detectorId"`
		Rule     string   `json:"ruleId"`
		CWEs     []string `json:"cwes"`
	} `json:"codeVulnerabilityDetails"`
}

type inspectorPackages struct {
	ID       string   `json:"vulnerabilityId"`
	Source   string   `json:"source"`
	URL      string   `json:"sourceUrl"`
	Vendor   string   `json:"vendorSeverity"`
	Created  apiTime  `json:"vendorCreatedAt"`
	Updated  apiTime  `json:"vendorUpdatedAt"`
	URLs     []string `json:"referenceUrls"`
	Related  []string `json:"relatedVulnerabilities"`
	Packages []struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Release string `json:"release"`
		Epoch   int    `json:"epoch"`
		Manager string `json:"packageManager"`
		Path    string `json:"filePath"`
		Fixed   string `json:"fixedInVersion"`
	} `json:"vulnerablePackages"`
	CVSS []struct {
		Score   *float64 `json:"baseScore"`
		Vector  string   `json:"scoringVector"`
		Version string   `json:"version"`
		Source  string   `json:"source"`
	} `json:"cvss"`
}

type inspectorResource struct {
	Type     string `json:"type"`
	ID       string `json:"id"`
	Region   string `json:"region"`
	Provider string `json:"provider"`
	Details  struct {
		ECR *struct {
			Repository string   `json:"repositoryName"`
			Registry   string   `json:"registry"`
			Tags       []string `json:"imageTags"`
			Digest     string   `json:"imageHash"`
		} `json:"awsEcrContainerImage"`
		Image *struct {
			Repository string   `json:"repositoryName"`
			Registry   string   `json:"registry"`
			Tags       []string `json:"imageTags"`
			Digest     string   `json:"imageDigest"`
		} `json:"image"`
	} `json:"details"`
}

// An apiTime is a text in the output of the AWS CLI, and a number of seconds on the wire.
type apiTime string

// UnmarshalJSON takes both.
func (t *apiTime) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		return json.Unmarshal(data, (*string)(t))
	}
	var seconds float64
	if err := json.Unmarshal(data, &seconds); err != nil {
		return err
	}
	if seconds == 0 || math.Abs(seconds) > 1e11 {
		*t = ""
		return nil
	}
	*t = apiTime(time.UnixMilli(int64(seconds * 1000)).UTC().Format(time.RFC3339Nano))
	return nil
}

// readFindings reads the findings of one image. Those of several would be said of the wrong one.
func readFindings(b *builder, data []byte) error {
	var in findingsReport
	if err := decode(data, &in); err != nil {
		return err
	}
	if in.Next != "" || in.NextCLI != "" {
		return fmt.Errorf("%w: it is one page of several: ask for the next with its nextToken and unite them", ErrInvalid)
	}
	r := b.report
	r.Tool = Tool{Name: "Amazon Inspector", URI: inspectorURI}
	if len(in.Findings) == 0 {
		b.note("the answer lists no findings; whether anything was scanned it does not say")
	}
	of := ""
	for i := range in.Findings {
		f := &in.Findings[i]
		if len(f.Resources) != 1 || of != "" && f.Resources[0].ID != of {
			return fmt.Errorf("%w: the findings are about several resources: filter by one, such as with resourceId", ErrInvalid)
		}
		if of == "" {
			of = f.Resources[0].ID
			r.Subject = f.Resources[0].subject()
		}
		if err := b.inspectorFinding(f); err != nil {
			return err
		}
	}
	return nil
}

func (r *inspectorResource) subject() Subject {
	s := Subject{IDs: union(nil, []string{r.ID}), Provider: r.Provider}
	registry, repository, tags := "", "", []string(nil)
	switch d := r.Details; {
	case d.ECR != nil:
		registry, repository, tags, s.Digest = d.ECR.Registry, d.ECR.Repository, d.ECR.Tags, d.ECR.Digest
		s.Registry = "ECR"
		if registry != "" && strings.Trim(registry, "0123456789") == "" && r.Region != "" { // the account
			registry += ".dkr.ecr." + r.Region + ".amazonaws.com"
		}
	case d.Image != nil:
		registry, repository, tags, s.Digest = d.Image.Registry, d.Image.Repository, d.Image.Tags, d.Image.Digest
		if strings.HasPrefix(r.Type, "Microsoft.ContainerRegistry/") {
			s.Registry = "ACR"
		}
	default:
		s.Name = r.ID
		return s
	}
	if s.Provider == "" && strings.HasPrefix(r.Type, "AWS_") {
		s.Provider = "AWS"
	}
	s.Name = strings.Trim(registry+"/"+repository, "/")
	if len(tags) > 0 {
		s.Name += ":" + tags[0]
	}
	return s
}

func (b *builder) inspectorFinding(in *inspectorFinding) error {
	place := Affected{}
	switch in.Status {
	case "SUPPRESSED":
		place.Status = StatusNotAffected
	case "CLOSED":
		place.Status = StatusFixed
	}
	switch {
	case in.Package != nil:
		return b.inspectorPackages(in, place)
	case in.Code != nil:
		f, err := b.finding(Configuration, nameOr(in.Code.Rule, in.Code.Detector))
		if err != nil {
			return err
		}
		f.Title, f.Description = in.Title, in.Description
		f.Severity = max(f.Severity, b.severity(f.ID, in.Severity))
		for _, c := range in.Code.CWEs {
			f.CWEs = addCWE(f.CWEs, c)
		}
		place.File, place.Lines = in.Code.File.Path, lines(in.Code.File.Start, in.Code.File.End)
		place.VEX = suppressedBy(f.ID, place.Status)
		b.affect(f, place)
		return nil
	}
	b.note("a finding of type %.60q is not read: %.200s", in.Type, in.Title)
	return nil
}

// suppressedBy is the record of what the service itself left out.
func suppressedBy(id string, status Status) []Applied {
	if status == "" {
		return nil
	}
	return []Applied{{Statement: Statement{Vulnerability: id, Status: status, Document: "status of the finding in Amazon Inspector"},
		Effective: true}}
}

func (b *builder) inspectorPackages(in *inspectorFinding, place Affected) error {
	p := in.Package
	f, err := b.finding(Vulnerability, p.ID)
	if err != nil {
		return err
	}
	f.Severity = max(f.Severity, b.severity(p.ID, in.Severity))
	f.Title, f.Description = nameOr(f.Title, in.Title), nameOr(f.Description, in.Description)
	f.Source = Source{Name: p.Source, URL: p.URL}
	f.References, f.Aliases = union(f.References, p.URLs), union(f.Aliases, p.Related)
	f.Published, f.Modified = b.time(p.ID, string(p.Created)), b.time(p.ID, string(p.Updated))
	f.Exploit.Available = f.Exploit.Available || in.Exploit == "YES"
	f.Exploit.LastSeen = b.time(p.ID, string(in.Exploitability.Last))
	if in.EPSS.Score != nil {
		f.EPSS = &EPSS{Probability: *in.EPSS.Score}
	}
	if p.Vendor != "" {
		b.rating(f, Rating{Source: p.Source, Severity: b.severity(p.ID, p.Vendor)})
	}
	if in.Score != nil {
		b.rating(f, Rating{Source: "Amazon Inspector", Score: tenth(*in.Score), Scored: true, Method: "other",
			Severity: b.severity(p.ID, in.Severity)})
	}
	for _, c := range p.CVSS {
		r := Rating{Source: c.Source, Vector: c.Vector, Method: cvssMethods[c.Version]}
		if c.Score != nil {
			r.Score, r.Scored = tenth(*c.Score), true
		}
		b.rating(f, r)
	}
	for _, v := range p.Packages {
		ecosystem := inspectorManagers[v.Manager]
		version := v.Version
		if v.Release != "" {
			version += "-" + v.Release
		}
		if v.Epoch > 0 {
			version = strconv.Itoa(v.Epoch) + ":" + version
		}
		at := place
		at.Component = Component{Name: v.Name, Version: version, Ecosystem: ecosystem, PURL: purlOf(ecosystem, v.Name, version),
			Paths: union(nil, []string{v.Path})}
		at.Fixed, at.Fix = inspectorFixed(v.Fixed), fixOf(v.Fixed)
		at.VEX = suppressedBy(p.ID, at.Status)
		b.affect(f, at)
	}
	if len(p.Packages) == 0 {
		b.note("%s: the finding names no package", p.ID)
	}
	return nil
}

var cvssMethods = map[string]string{"2.0": "CVSSv2", "3.0": "CVSSv3", "3.1": "CVSSv31", "4.0": "CVSSv4"}

// inspectorManagers are OSV's ecosystems of the service's package managers. OS has none: which distribution it is, the finding
// does not say of the package.
var inspectorManagers = map[string]string{
	"BUNDLER": "RubyGems", "GEMSPEC": "RubyGems", "CARGO": "crates.io", "COMPOSER": "Packagist", "DOTNET_CORE": "NuGet", "NUGET": "NuGet",
	"GOBINARY": "Go", "GOMOD": "Go", "JAR": "Maven", "POM": "Maven", "NODEPKG": "npm", "NPM": "npm", "YARN": "npm",
	"PIP": "PyPI", "PIPENV": "PyPI", "POETRY": "PyPI", "PYTHONPKG": "PyPI",
}
