package vuln

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// cdxDocument is what is read of CycloneDX 1.4 to 1.7, and of the service's CYCLONE_DX_1_5, which has no version member.
type cdxDocument struct {
	SpecVersion  string       `json:"specVersion"`
	SerialNumber string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     cdxMetadata  `json:"metadata"`
	Components   []cdxPart    `json:"components"`
	Services     []cdxPart    `json:"services"`
	Vulns        []cdxVuln    `json:"vulnerabilities"`
	Properties   []cdxPropert `json:"properties"`
}

type cdxMetadata struct {
	Timestamp  string          `json:"timestamp"`
	Tools      json.RawMessage `json:"tools"` // a list until 1.4, an object or a list after
	Component  *cdxPart        `json:"component"`
	Properties []cdxPropert    `json:"properties"`
}

type cdxPart struct {
	Ref        string       `json:"bom-ref"`
	Type       string       `json:"type"`
	Group      string       `json:"group"`
	Name       string       `json:"name"`
	Version    string       `json:"version"`
	PURL       string       `json:"purl"`
	Hashes     []cdxHash    `json:"hashes"`
	Components []cdxPart    `json:"components"`
	Services   []cdxPart    `json:"services"`
	Properties []cdxPropert `json:"properties"`

	made  *Component        // what component returned
	lines map[string]string // by finding, of a Dockerfile
}

type cdxHash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type cdxPropert struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type cdxSource struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

type cdxVuln struct {
	Ref        string    `json:"bom-ref"`
	ID         string    `json:"id"`
	Source     cdxSource `json:"source"`
	References []struct {
		ID     string    `json:"id"`
		Source cdxSource `json:"source"`
	} `json:"references"`
	Ratings []struct {
		Source   cdxSource `json:"source"`
		Score    *float64  `json:"score"`
		Severity string    `json:"severity"`
		Method   string    `json:"method"`
		Vector   string    `json:"vector"`
	} `json:"ratings"`
	CWEs        []int  `json:"cwes"`
	Description string `json:"description"`
	Detail      string `json:"detail"`
	Recommend   string `json:"recommendation"`
	Advisories  []struct {
		Title string `json:"title"`
		URL   string `json:"url"`
	} `json:"advisories"`
	Created   string `json:"created"`
	Published string `json:"published"`
	Updated   string `json:"updated"`
	Rejected  string `json:"rejected"`
	Analysis  struct {
		State         string   `json:"state"`
		Justification string   `json:"justification"`
		Response      []string `json:"response"`
		Detail        string   `json:"detail"`
		Updated       string   `json:"lastUpdated"`
		First         string   `json:"firstIssued"`
	} `json:"analysis"`
	Affects []struct {
		Ref      string `json:"ref"`
		Versions []struct {
			Version string `json:"version"`
			Range   string `json:"range"`
			Status  string `json:"status"`
		} `json:"versions"`
	} `json:"affects"`
	Properties []cdxPropert `json:"properties"`
}

const (
	inspectorScanner = "amazon:inspector:sbom_scanner:"
	ladingProperty   = "lading:vuln:"
)

// parts returns every component and service by its bom-ref.
func (d *cdxDocument) parts() (byRef map[string]*cdxPart, n int) {
	byRef = map[string]*cdxPart{}
	var walk func(list []cdxPart)
	walk = func(list []cdxPart) {
		for i := range list {
			p := &list[i]
			n++
			if p.Ref != "" {
				byRef[p.Ref] = p
			}
			walk(p.Components)
			walk(p.Services)
		}
	}
	walk(d.Components)
	walk(d.Services)
	if c := d.Metadata.Component; c != nil {
		if c.Ref != "" {
			byRef[c.Ref] = c
		}
		walk(c.Components)
	}
	return byRef, n
}

func (p *cdxPart) component() Component {
	if p.made != nil {
		return *p.made
	}
	name := p.Name
	if p.Group != "" {
		name = p.Group + "/" + p.Name
	}
	c := component(p.PURL, name, p.Version)
	c.ID = p.Ref
	var paths []string
	for _, q := range p.Properties {
		switch q.Name {
		case inspectorScanner + "path", "aquasecurity:trivy:FilePath", "syft:location:0:path", ladingProperty + "path":
			paths = append(paths, q.Value)
		case ladingProperty + "ecosystem":
			c.Ecosystem = q.Value
		}
	}
	c.Paths = slices.Clip(union(nil, paths))
	p.made = &c
	return c
}

func readCycloneDX(b *builder, data []byte) error {
	var in cdxDocument
	if err := decode(data, &in); err != nil {
		return err
	}
	r := b.report
	r.Subject.SBOMID = in.SerialNumber
	r.Finished = b.time("metadata.timestamp", in.Metadata.Timestamp)
	r.Tool = cdxTool(in.Metadata.Tools)
	inspector := strings.HasPrefix(r.Tool.Name, "Amazon Inspector") || r.Tool.Name == "" && in.Version == 0
	if inspector && r.Tool.Name != "" {
		r.Format, r.Tool.URI = "inspector-cyclonedx", inspectorURI
	}
	b.cdxSubject(&in)
	parts, n := in.parts()
	r.Components = n
	b.cdxMessages(in.Components)
	if len(in.Vulns) == 0 && !inspector && len(r.Databases) == 0 {
		b.note("the document lists no vulnerabilities; whether anything was scanned it does not say")
	}
	if err := cdxCounts(&in); err != nil {
		return err
	}
	for i := range in.Vulns {
		if err := b.cdxVulnerability(&in.Vulns[i], parts, inspector); err != nil {
			return err
		}
	}
	return nil
}

// cdxCounts holds the counts of Amazon Inspector against its list: a part of an answer looks like a cleaner one.
func cdxCounts(in *cdxDocument) error {
	counted, given := 0, false
	for _, p := range in.Metadata.Properties {
		if strings.HasPrefix(p.Name, inspectorScanner) && strings.HasSuffix(p.Name, "_vulnerabilities") {
			n, err := strconv.Atoi(p.Value)
			if err != nil {
				return fmt.Errorf("%w: %s is %.20q", ErrInvalid, p.Name, p.Value)
			}
			counted, given = counted+n, true
		}
	}
	if given && counted != len(in.Vulns) {
		return fmt.Errorf("%w: it counts %d vulnerabilities and lists %d", ErrInvalid, counted, len(in.Vulns))
	}
	return nil
}

// cdxTool returns the scanner: the service, or the first component or tool, that made the document.
func cdxTool(raw json.RawMessage) (t Tool) {
	type tool struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	var object struct {
		Components []tool `json:"components"`
		Services   []tool `json:"services"`
	}
	var list []tool
	switch {
	case len(raw) == 0:
	case json.Unmarshal(raw, &object) == nil:
		list = append(object.Services, object.Components...)
	default:
		json.Unmarshal(raw, &list) //nolint:errcheck // it was checked to be JSON; what has another shape names no tool
	}
	if len(list) > 0 {
		t = Tool{Name: list[0].Name, Version: list[0].Version}
	}
	return t
}

func (b *builder) cdxSubject(in *cdxDocument) {
	s := &b.report.Subject
	c := in.Metadata.Component
	if c != nil {
		s.Name = c.Name
		if c.PURL != "" {
			s.IDs = append(s.IDs, c.PURL)
		}
		if strings.HasPrefix(c.Version, "sha256:") {
			s.Digest = c.Version
		}
	}
	props := append([]cdxPropert(nil), in.Metadata.Properties...)
	if c != nil {
		props = append(props, c.Properties...)
	}
	for _, p := range props {
		switch {
		case strings.HasSuffix(p.Name, ":cloud_provider"), strings.HasSuffix(p.Name, ":provider"):
			s.Provider = p.Value
		case strings.HasSuffix(p.Name, ":registry_type"), strings.HasSuffix(p.Name, ":registry"):
			s.Registry = p.Value
		case p.Name == ladingProperty+"digest":
			s.Digest = p.Value
		case p.Name == ladingProperty+"report":
			b.restore(p.Value)
		}
	}
}

// restore reads what a VDR of this package keeps of a Report that CycloneDX has no place for.
func (b *builder) restore(text string) {
	var kept Report
	if err := decode([]byte(text), &kept); err != nil {
		b.note("%sreport: %v", ladingProperty, err)
		return
	}
	r := b.report
	r.Subject, r.Tool, r.Databases = kept.Subject, kept.Tool, kept.Databases
	r.Started, r.Finished, r.Components = kept.Started, kept.Finished, kept.Components
	r.Skipped, r.Notes = kept.Skipped, kept.Notes
}

// cdxMessages keeps what Amazon Inspector says of components.
func (b *builder) cdxMessages(list []cdxPart) {
	for i := range list {
		p := &list[i]
		for _, q := range p.Properties {
			switch q.Name {
			case inspectorScanner + "info", inspectorScanner + "warning":
				b.inspectorMessage(p.component(), q.Value)
			case inspectorScanner + "end_of_life":
				b.note("%s %s: Component end-of-life: %s", p.Name, p.Version, q.Value)
			}
		}
		b.cdxMessages(p.Components)
	}
}

func (b *builder) cdxVulnerability(v *cdxVuln, parts map[string]*cdxPart, inspector bool) error {
	id := v.ID
	if id == "" {
		id = v.Ref
	}
	kind := Vulnerability
	for _, p := range v.Properties {
		if p.Name == ladingProperty+"kind" {
			kind = Kind(p.Value)
		}
	}
	if inspector && strings.HasPrefix(id, "IN-DOCKER-") {
		kind = checkKind(id)
	}
	f, err := b.finding(kind, id)
	if err != nil {
		return err
	}
	f.Description = nameOr(f.Description, nameOr(v.Description, v.Detail))
	f.Source = Source(v.Source)
	f.CWEs = v.CWEs
	f.Published, f.Modified = b.time(id, nameOr(v.Published, v.Created)), b.time(id, v.Updated)
	f.Withdrawn = b.time(id, v.Rejected)
	var urls, aliases []string
	for _, a := range v.Advisories {
		urls = append(urls, a.URL)
	}
	for _, a := range v.References {
		aliases = append(aliases, a.ID)
	}
	f.References, f.Aliases = union(f.References, urls), union(f.Aliases, aliases)
	b.cdxRatings(f, v)
	fixed, doubts := b.cdxProperties(f, v)
	vex, status := cdxAnalysis(b, v)
	if inspector { // it says "exploitable" of known exploits and "in_triage" of all else: no statement of anybody
		vex, status = nil, ""
	}
	for _, a := range v.Affects {
		p := parts[a.Ref]
		if p == nil {
			if a.Ref == "" {
				b.note("%s: the document does not say what it affects", id)
				continue
			}
			b.affect(f, Affected{Component: component("", a.Ref, ""), Status: status, VEX: vex})
			if !strings.HasPrefix(a.Ref, "urn:cdx:") {
				b.note("%s: it affects %.100q, which the document does not describe", id, a.Ref)
			}
			continue
		}
		place := Affected{Component: p.component(), Status: status, VEX: vex, Doubt: doubts[a.Ref]}
		place.Fixed = union(place.Fixed, fixed[a.Ref])
		for _, ver := range a.Versions {
			if ver.Status == "unaffected" && ver.Version != "" && status == "" {
				place.Fixed = union(place.Fixed, []string{ver.Version})
			}
			if ver.Status == "unknown" && ver.Version == p.Version && ver.Version != "" {
				place.Doubt = nameOr(place.Doubt, "the document says of this version that it is unknown")
			}
		}
		if len(place.Fixed) == 0 {
			place.Fixed = recommended(v.Recommend, p.Name)
		}
		if len(place.Fixed) > 0 {
			place.Fix = Fixable
		}
		if kind != Vulnerability {
			place.File, place.Lines, place.Component = p.Name, cdxLines(p, id), Component{}
		}
		b.affect(f, place)
	}
	return nil
}

// recommended takes the versions out of the recommendation that Trivy 0.74 writes: "Upgrade NAME to version A, B; Upgrade ...".
func recommended(text, name string) (fixed []string) {
	for part := range strings.SplitSeq(text, "; ") {
		if list, ok := strings.CutPrefix(part, "Upgrade "+name+" to version "); ok {
			fixed = append(fixed, splitVersions(list)...)
		}
	}
	return fixed
}

func cdxLines(p *cdxPart, id string) string {
	if p.lines == nil {
		p.lines = map[string]string{}
		for _, q := range p.Properties {
			if of, ok := strings.CutPrefix(q.Name, inspectorScanner+"dockerfile_finding:"); ok {
				p.lines[of] = strings.TrimPrefix(q.Value, "affected_lines:")
			} else if q.Name == ladingProperty+"lines" {
				p.lines[""] = q.Value
			}
		}
	}
	return nameOr(p.lines[id], p.lines[""])
}

func (b *builder) cdxRatings(f *Finding, v *cdxVuln) {
	for _, x := range v.Ratings {
		r := Rating{Source: x.Source.Name, Severity: b.severity(f.ID, x.Severity), Method: x.Method, Vector: x.Vector}
		if x.Score != nil {
			r.Score, r.Scored = *x.Score, true
		}
		if !isEPSS(r) {
			b.rating(f, r)
			continue
		}
		e := &EPSS{Probability: r.Score}
		for part := range strings.SplitSeq(x.Vector, ",") { // model:v2023.03.01,date:2024-05-21T00:00:00+0000
			switch name, value, _ := strings.Cut(part, ":"); name {
			case "model":
				e.Model = value
			case "date":
				e.Date, _, _ = strings.Cut(value, "T")
			}
		}
		if r.Scored && r.Score >= 0 && r.Score <= 1 {
			f.EPSS = e
		} else {
			b.note("%s: EPSS %v is not between 0 and 1", f.ID, r.Score)
		}
	}
}

// cdxProperties reads what Inspector, and this package's VDR, say of a vulnerability, and returns the fixed versions, and why it
// is not sure, by bom-ref.
func (b *builder) cdxProperties(f *Finding, v *cdxVuln) (fixed map[string][]string, doubts map[string]string) {
	fixed, doubts = map[string][]string{}, map[string]string{}
	for _, p := range v.Properties {
		name, ok := strings.CutPrefix(p.Name, inspectorScanner)
		if !ok {
			if name, ok = strings.CutPrefix(p.Name, ladingProperty); !ok {
				continue
			}
		}
		switch {
		case strings.HasPrefix(name, "fixed_version:"):
			ref := strings.TrimPrefix(name, "fixed_version:")
			fixed[ref] = union(fixed[ref], inspectorFixed(p.Value))
		case strings.HasPrefix(name, "doubt:"):
			doubts[strings.TrimPrefix(name, "doubt:")] = p.Value
		case name == "exploit_available":
			f.Exploit.Available = p.Value == "true"
		case name == "exploit_last_seen_in_public":
			f.Exploit.LastSeen = b.time(f.ID, p.Value)
		case name == "cisa_kev_date_added":
			f.Exploit.Known, f.Exploit.Added = true, b.time(f.ID, p.Value)
		case name == "cisa_kev_date_due":
			f.Exploit.Due = b.time(f.ID, p.Value)
		case name == "is_malicious" && p.Value == "true":
			b.note("%s: the component is malicious", f.ID)
		case name == "severity":
			f.Severity = b.severity(f.ID, p.Value)
		case name == "known_exploited":
			f.Exploit.Known = true
		case name == "title":
			f.Title = p.Value
		case name == "epss_percentile" && f.EPSS != nil:
			f.EPSS.Percentile = number(p.Value)
		}
	}
	return fixed, doubts
}
