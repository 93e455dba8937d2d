package awstest

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"strconv"
	"strings"
)

//go:embed testdata/inspector
var recordings embed.FS

type inspectorState struct {
	known      []Vulnerability
	recorded   *recordedScan
	components int // most of one request
	reply      int // most bytes of one answer
}

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

// RecordedSBOM returns a real SBOM of inspector-sbomgen that was sent to ScanSbom, and makes ScanSbom know what the service
// answered: for the whole of it that answer, for a part of its components what the answer says of those.
func (s *Server) RecordedSBOM() []byte {
	recorded := must(readRecording())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inspector.recorded = recorded
	return recorded.request
}

// LimitInspector sets the limits of ScanSbom: components of a request, nested ones counted, and bytes of an answer. Zero means
// those of AWS, 5,000 and 10 MB; negative means none.
func (s *Server) LimitInspector(components, reply int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inspector.components, s.inspector.reply = components, reply
}

// The limits of ScanSbom (Amazon Inspector API reference).
const (
	maxComponents = 5000
	maxReply      = 10_000_000
)

const scanner = "amazon:inspector:sbom_scanner:"

type jsonObject = map[string]any

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type scanComponent struct {
	Ref        string          `json:"bom-ref"`
	PURL       string          `json:"purl"`
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Version    string          `json:"version"`
	Components []scanComponent `json:"components"`
}

// key is what answers know a component by. The service spells package URLs in its own way: "~" of a request is "%7E" there.
func (c *scanComponent) key() string {
	if c.PURL != "" {
		return purlKey(c.PURL)
	}
	return c.Name + "@" + c.Version
}

func purlKey(purl string) string {
	if text, err := url.PathUnescape(purl); err == nil {
		return text
	}
	return purl
}

type scanRequest struct {
	SBOM struct {
		BOMFormat    string          `json:"bomFormat"`
		SpecVersion  string          `json:"specVersion"`
		SerialNumber string          `json:"serialNumber"`
		Components   []scanComponent `json:"components"`
	} `json:"sbom"`
	OutputFormat string `json:"outputFormat"`
}

// scanned is what one request asks about.
type scanned struct {
	count int
	refs  map[string]string // new bom-refs by key: the service numbers components anew
	tree  []jsonObject
	names map[string]bool // by key and by name
}

func (s *Server) scanSBOM(r *request) ([]byte, error) {
	var in scanRequest
	if err := json.Unmarshal(r.Body, &in); err != nil {
		return nil, failed("ValidationException", "%v", err)
	}
	if in.SBOM.BOMFormat != "CycloneDX" || in.SBOM.SpecVersion != "1.5" {
		return nil, failed("ValidationException", "%s %s is not CycloneDX 1.5", in.SBOM.BOMFormat, in.SBOM.SpecVersion)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.inspector.knows()
	all := &scanned{refs: map[string]string{}, names: map[string]bool{}}
	all.tree = all.walk(in.SBOM.Components, known)
	if limit := limit(s.inspector.components, maxComponents); all.count > limit {
		return nil, failed("ValidationException", "the SBOM has %d components, at most %d are allowed", all.count, limit)
	}
	var out jsonObject
	switch in.OutputFormat {
	case "", "CYCLONE_DX_1_5":
		out = s.cycloneDXReply(&in, all)
	case "INSPECTOR":
		out = s.inspectorReply(all)
	default:
		return nil, failed("ValidationException", "output format %q", in.OutputFormat)
	}
	data, err := json.Marshal(jsonObject{"sbom": out})
	if limit := limit(s.inspector.reply, maxReply); err == nil && len(data) > limit {
		return nil, failed("ValidationException", "the response size of %d bytes is over the limit of %d", len(data), limit)
	}
	return data, err
}

func limit(set, standard int) int {
	switch {
	case set < 0:
		return 1 << 40
	case set > 0:
		return set
	}
	return standard
}

// knows returns the keys of all components that there is something to say of.
func (s *inspectorState) knows() map[string]bool {
	known := map[string]bool{}
	for _, v := range s.known {
		known[purlKey(v.PURL)] = true
	}
	if s.recorded != nil {
		maps.Copy(known, s.recorded.known)
	}
	return known
}

// walk numbers the components of a request, each once, and returns them as an answer has them.
func (a *scanned) walk(list []scanComponent, known map[string]bool) (out []jsonObject) {
	for i := range list {
		c := &list[i]
		a.count++
		a.names[c.key()], a.names[c.Name] = true, true
		if _, again := a.refs[c.key()]; again { // the service leaves out what it has seen
			out = append(out, a.walk(c.Components, known)...)
			continue
		}
		ref := fmt.Sprint("comp-", len(a.refs)+1)
		a.refs[c.key()] = ref
		o := jsonObject{"bom-ref": ref, "type": c.Type, "name": c.Name}
		if c.Version != "" {
			o["version"] = c.Version
		}
		if c.PURL != "" {
			o["purl"] = c.PURL
		}
		if !known[c.key()] {
			o["properties"] = []property{{scanner + "info", "Component skipped: no rules found."}}
		}
		if inner := a.walk(c.Components, known); len(inner) > 0 {
			o["components"] = inner
		}
		out = append(out, o)
	}
	return out
}

func (s *Server) cycloneDXReply(in *scanRequest, all *scanned) jsonObject {
	var vulnerabilities []jsonObject
	counts := map[string]int{}
	if r := s.inspector.recorded; r != nil {
		for _, v := range r.cyclonedx {
			if o, severity := v.answer(all); o != nil {
				counts[severity]++
				vulnerabilities = append(vulnerabilities, o)
			}
		}
		r.addMessages(all.tree)
	}
	for _, v := range s.inspector.known {
		ref, ok := all.refs[purlKey(v.PURL)]
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
		source := jsonObject{"name": "NVD", "url": "https://nvd.nist.gov/vuln/detail/" + v.ID}
		vulnerabilities = append(vulnerabilities, jsonObject{
			"id": v.ID, "source": source,
			"ratings": []jsonObject{{"severity": v.Severity, "score": v.Score, "method": "CVSSv31", "source": source}},
			"affects": []jsonObject{{"ref": ref}}, "properties": properties,
		})
	}
	for i, v := range vulnerabilities {
		v["bom-ref"] = fmt.Sprint("vuln-", i+1)
	}
	var summary []property
	other := len(vulnerabilities)
	for _, severity := range []string{"critical", "high", "medium", "low"} {
		summary = append(summary, property{scanner + severity + "_vulnerabilities", strconv.Itoa(counts[severity])})
		other -= counts[severity]
	}
	summary = append(summary, property{scanner + "other_vulnerabilities", strconv.Itoa(other)})
	return jsonObject{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": in.SBOM.SerialNumber,
		"metadata": jsonObject{
			"tools": jsonObject{
				"services": []jsonObject{{"name": "Amazon Inspector Scan SBOM API", "version": "77f08c14+799c166d+fb1e16f3"}}},
			"timestamp":  s.opts.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
			"properties": summary,
		},
		"components":      all.tree,
		"vulnerabilities": vulnerabilities,
	}
}

func (s *Server) inspectorReply(all *scanned) jsonObject {
	vulnerabilities, messages := []jsonObject{}, []jsonObject{}
	counts := map[string]int{"critical": 0, "high": 0, "medium": 0, "low": 0, "other": 0}
	add := func(o jsonObject) {
		severity, _ := o["severity"].(string)
		if _, ok := counts[severity]; !ok {
			severity = "other"
		}
		counts[severity]++
		vulnerabilities = append(vulnerabilities, o)
	}
	known := s.inspector.knows()
	if r := s.inspector.recorded; r != nil {
		for _, v := range r.inspector {
			if o, _ := v.answer(all); o != nil {
				add(o)
			}
		}
		for _, m := range r.messages {
			if all.names[messageKey(m)] {
				messages = append(messages, m)
			}
		}
	}
	for key := range all.refs {
		if !known[key] && strings.HasPrefix(key, "pkg:") {
			messages = append(messages, jsonObject{"info_message": "Component skipped: no rules found.", "purl": key})
		}
	}
	for _, v := range s.inspector.known {
		if _, ok := all.refs[purlKey(v.PURL)]; ok {
			properties := jsonObject{"cvss": []jsonObject{{"cvss_3_base_score": v.Score, "severity": v.Severity, "source": "NVD"}}}
			if v.Exploit {
				properties["exploit_available"] = true
			}
			add(jsonObject{"id": v.ID, "severity": v.Severity, "source": "https://nvd.nist.gov/vuln/detail/" + v.ID,
				"affects": []jsonObject{{"installed_version": v.PURL, "fixed_version": v.Fixed}}, "properties": properties})
		}
	}
	return jsonObject{"messages": messages, "vulnerability_count": counts, "vulnerabilities": vulnerabilities}
}

// A recordedScan is a request and what the service said, taken apart by components.
type recordedScan struct {
	request    []byte
	inspector  []*recordedFinding
	cyclonedx  []*recordedFinding
	messages   []jsonObject
	properties map[string][]any // of components in CycloneDX, by key
	known      map[string]bool
}

// A recordedFinding is a finding and the keys of what it affects, in its order.
type recordedFinding struct {
	finding  jsonObject
	keys     []string
	refs     []string // in the recorded answer, of CycloneDX only
	severity string
}

// answer returns the finding as far as it is about components of a request, or nil.
func (f *recordedFinding) answer(all *scanned) (out jsonObject, severity string) {
	affects := f.finding["affects"].([]any)
	var kept []any
	fixed := map[string]string{}
	for i, key := range f.keys {
		if !all.names[key] {
			continue
		}
		if f.refs == nil {
			kept = append(kept, affects[i])
			continue
		}
		ref := all.refs[key]
		kept = append(kept, jsonObject{"ref": ref})
		fixed[scanner+"fixed_version:"+f.refs[i]] = scanner + "fixed_version:" + ref
	}
	if len(kept) == 0 {
		return nil, ""
	}
	out = maps.Clone(f.finding)
	out["affects"] = kept
	if properties, ok := out["properties"].([]any); ok {
		var list []any
		for _, p := range properties {
			p := maps.Clone(p.(jsonObject))
			if name := p["name"].(string); strings.HasPrefix(name, scanner+"fixed_version:") {
				if fixed[name] == "" {
					continue
				}
				p["name"] = fixed[name]
			}
			list = append(list, p)
		}
		out["properties"] = list
	}
	return out, f.severity
}

// addMessages says of components what the service said of them.
func (r *recordedScan) addMessages(tree []jsonObject) {
	for _, o := range tree {
		purl, _ := o["purl"].(string)
		version, _ := o["version"].(string)
		c := scanComponent{PURL: purl, Name: o["name"].(string), Version: version}
		if p := r.properties[c.key()]; p != nil {
			o["properties"] = p
		}
		if inner, ok := o["components"].([]jsonObject); ok {
			r.addMessages(inner)
		}
	}
}

func messageKey(m jsonObject) string {
	text := func(name string) string { s, _ := m[name].(string); return s }
	c := scanComponent{PURL: text("purl"), Name: text("name"), Version: text("version")}
	return c.key()
}

func readRecording() (*recordedScan, error) {
	r := &recordedScan{known: map[string]bool{}, properties: map[string][]any{}}
	var err error
	if r.request, err = recording("request.cdx"); err != nil {
		return nil, err
	}
	var request struct{ Components []scanComponent }
	if err := json.Unmarshal(r.request, &request); err != nil {
		return nil, err
	}
	var all func([]scanComponent)
	all = func(list []scanComponent) {
		for i := range list {
			r.known[list[i].key()] = true
			all(list[i].Components)
		}
	}
	all(request.Components)
	if err := r.readInspector(); err != nil {
		return nil, err
	}
	return r, r.readCycloneDX()
}

func recording(name string) ([]byte, error) {
	data, err := recordings.ReadFile("testdata/inspector/ubuntu-14.04-" + name + ".json.gz")
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func (r *recordedScan) readInspector() error {
	data, err := recording("response.inspector")
	if err != nil {
		return err
	}
	var answer struct {
		Messages        []jsonObject
		Vulnerabilities []jsonObject
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return err
	}
	r.messages = answer.Messages
	for _, v := range answer.Vulnerabilities {
		f := &recordedFinding{finding: v}
		for _, a := range v["affects"].([]any) {
			a := a.(jsonObject)
			key, ok := a["installed_version"].(string)
			if key = purlKey(key); !ok {
				key, ok = a["file"].(string)
			}
			if !ok {
				key = messageKey(a)
			}
			f.keys = append(f.keys, key)
		}
		r.inspector = append(r.inspector, f)
	}
	return nil
}

func (r *recordedScan) readCycloneDX() error {
	data, err := recording("response.cyclonedx")
	if err != nil {
		return err
	}
	var answer struct {
		SBOM struct {
			Components      []json.RawMessage
			Vulnerabilities []jsonObject
		}
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return err
	}
	keys := map[string]string{}
	var walk func([]json.RawMessage) error
	walk = func(list []json.RawMessage) error {
		for _, raw := range list {
			var c struct {
				scanComponent
				Properties []any             `json:"properties"`
				Components []json.RawMessage `json:"components"`
			}
			if err := json.Unmarshal(raw, &c); err != nil {
				return err
			}
			keys[c.Ref] = c.key()
			r.properties[c.key()] = c.Properties
			if err := walk(c.Components); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(answer.SBOM.Components); err != nil {
		return err
	}
	for _, v := range answer.SBOM.Vulnerabilities {
		f := &recordedFinding{finding: v, severity: ratingOf(v)}
		for _, a := range v["affects"].([]any) {
			ref := a.(jsonObject)["ref"].(string)
			f.keys, f.refs = append(f.keys, keys[ref]), append(f.refs, ref)
		}
		r.cyclonedx = append(r.cyclonedx, f)
	}
	return nil
}

// ratingOf is the severity that the service counts: NVD's, or else the first of another source than EPSS.
func ratingOf(v jsonObject) string {
	first := ""
	ratings, _ := v["ratings"].([]any)
	for _, x := range ratings {
		x := x.(jsonObject)
		source, _ := x["source"].(jsonObject)
		severity, _ := x["severity"].(string)
		switch source["name"] {
		case "NVD":
			return severity
		case "EPSS":
		default:
			if first == "" {
				first = severity
			}
		}
	}
	return first
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // what is embedded here can be read
	}
	return v
}
