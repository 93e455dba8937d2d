package vuln

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

type object = map[string]any

// VDR returns the Report as a vulnerability disclosure report: a CycloneDX 1.6 document with the affected components and their
// vulnerabilities. Properties named "lading:vuln:..." hold what CycloneDX has no place for. A finding whose places have
// different statuses is one entry for each status.
func (r *Report) VDR() (*Predicate, error) {
	w := &vdrWriter{refs: map[string]string{}}
	for i := range r.Findings {
		w.finding(&r.Findings[i])
	}
	rest := plainReport(*r)
	rest.Findings = nil
	kept, err := marshal(rest)
	if err != nil {
		return nil, err
	}
	tool := without(object{"type": "application", "name": nameOr(r.Tool.Name, "unknown"), "version": r.Tool.Version})
	doc := object{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata": object{
			"tools": object{"components": []object{tool}},
			"component": object{"bom-ref": "subject", "type": "container",
				"name": nameOr(r.Subject.Name, nameOr(r.Subject.Digest, "unknown"))},
			"properties": []object{{"name": ladingProperty + "report", "value": string(kept)}},
		},
		"components":      append([]object{}, w.components...),
		"vulnerabilities": append([]object{}, w.vulnerabilities...),
	}
	if !r.Finished.IsZero() {
		doc["metadata"].(object)["timestamp"] = stamp(r.Finished.Truncate(time.Second))
	}
	data, err := marshal(doc)
	if err != nil {
		return nil, err
	}
	h := sha256.Sum256(data)
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // RFC 9562, version 8: the same report has the same serial number
	doc["serialNumber"] = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
	if data, err = marshal(doc); err != nil {
		return nil, err
	}
	return &Predicate{typeCycloneDX, data}, nil
}

// without takes empty texts out of an object.
func without(o object) object {
	for name, v := range o {
		if v == "" {
			delete(o, name)
		}
	}
	return o
}

type vdrWriter struct {
	components      []object
	vulnerabilities []object
	refs            map[string]string // bom-ref by place
}

func (w *vdrWriter) finding(f *Finding) {
	var statuses []Status
	for _, a := range f.Affects {
		if !slices.Contains(statuses, a.Status) {
			statuses = append(statuses, a.Status)
		}
	}
	if len(statuses) == 0 {
		statuses = []Status{""}
	}
	for _, s := range statuses {
		w.entry(f, s)
	}
}

func (w *vdrWriter) entry(f *Finding, status Status) {
	v := without(object{"bom-ref": "vuln-" + strconv.Itoa(len(w.vulnerabilities)+1), "id": f.ID, "description": f.Description,
		"published": stamp(f.Published), "updated": stamp(f.Modified), "rejected": stamp(f.Withdrawn)})
	if source := without(object{"name": f.Source.Name, "url": f.Source.URL}); len(source) > 0 {
		v["source"] = source
	}
	var references, advisories []object
	for _, a := range f.Aliases {
		references = append(references, object{"id": a, "source": object{"name": strings.SplitN(a, "-", 2)[0]}})
	}
	for _, url := range f.References {
		advisories = append(advisories, object{"url": cleanURL(url)})
	}
	if references != nil {
		v["references"] = references
	}
	if advisories != nil {
		v["advisories"] = advisories
	}
	if len(f.CWEs) > 0 {
		v["cwes"] = f.CWEs
	}
	if ratings := vdrRatings(f); ratings != nil {
		v["ratings"] = ratings
	}
	properties := vdrProperties(f)
	var affects []object
	for i := range f.Affects {
		a := &f.Affects[i]
		if a.Status != status {
			continue
		}
		ref := w.component(a)
		place := object{"ref": ref}
		if a.Doubt != "" {
			if a.Component.Version != "" {
				place["versions"] = []object{{"version": a.Component.Version, "status": "unknown"}}
			}
			properties = append(properties, object{"name": ladingProperty + "doubt:" + ref, "value": a.Doubt})
		}
		affects = append(affects, place)
		for _, fixed := range a.Fixed {
			properties = append(properties, object{"name": ladingProperty + "fixed_version:" + ref, "value": fixed})
		}
		if status != "" {
			v["analysis"] = vdrAnalysis(a)
		}
	}
	if affects != nil {
		v["affects"] = affects
	}
	v["properties"] = properties
	w.vulnerabilities = append(w.vulnerabilities, v)
}

// cleanURL encodes what a URL cannot hold: databases have such.
func cleanURL(url string) string {
	var b strings.Builder
	for i := range len(url) {
		if c := url[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("<>\"{}|\\^`", c) >= 0 ||
			c == '%' && (i+2 >= len(url) || !isHex(url[i+1]) || !isHex(url[i+2])) || c == '#' && strings.IndexByte(url[:i], '#') >= 0 ||
			(c == '[' || c == ']') && strings.Contains(url[:i], "://") {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func vdrRatings(f *Finding) (out []object) {
	for _, r := range f.Ratings {
		x := without(object{"severity": r.Severity.String(), "method": r.Method, "vector": r.Vector})
		if r.Source != "" {
			x["source"] = object{"name": r.Source}
		}
		if r.Scored {
			x["score"] = r.Score
		}
		out = append(out, x)
	}
	if f.EPSS != nil {
		vector := "model:" + f.EPSS.Model
		if f.EPSS.Date != "" {
			vector += ",date:" + f.EPSS.Date + "T00:00:00+0000"
		}
		out = append(out, object{"source": object{"name": "EPSS"}, "severity": "none", "method": "other",
			"score": f.EPSS.Probability, "vector": vector})
	}
	return out
}

func vdrProperties(f *Finding) []object {
	var out []object
	add := func(name, value string) {
		if value != "" && value != "false" {
			out = append(out, object{"name": ladingProperty + name, "value": value})
		}
	}
	add("severity", f.Severity.String())
	add("kind", string(f.Kind))
	add("title", f.Title)
	add("known_exploited", strconv.FormatBool(f.Exploit.Known))
	add("cisa_kev_date_added", stamp(f.Exploit.Added))
	add("cisa_kev_date_due", stamp(f.Exploit.Due))
	add("exploit_available", strconv.FormatBool(f.Exploit.Available))
	add("exploit_last_seen_in_public", stamp(f.Exploit.LastSeen))
	if f.EPSS != nil && f.EPSS.Percentile != 0 {
		add("epss_percentile", strconv.FormatFloat(f.EPSS.Percentile, 'f', -1, 64))
	}
	return out
}

// cdxStates and cdxJustifications are CycloneDX's words for those of OpenVEX.
var (
	cdxStates = map[Status]string{StatusAffected: "exploitable", StatusNotAffected: "not_affected", StatusFixed: "resolved",
		StatusInvestigated: "in_triage"}
	cdxJustifications = map[string]string{
		"component_not_present":                             "code_not_present",
		"vulnerable_code_not_present":                       "code_not_present",
		"vulnerable_code_not_in_execute_path":               "code_not_reachable",
		"vulnerable_code_cannot_be_controlled_by_adversary": "protected_by_mitigating_control",
		"inline_mitigations_already_exist":                  "protected_by_mitigating_control",
		"code_not_present":                                  "code_not_present",
		"code_not_reachable":                                "code_not_reachable",
		"requires_configuration":                            "requires_configuration",
		"requires_dependency":                               "requires_dependency",
		"requires_environment":                              "requires_environment",
		"protected_by_compiler":                             "protected_by_compiler",
		"protected_at_runtime":                              "protected_at_runtime",
		"protected_at_perimeter":                            "protected_at_perimeter",
		"protected_by_mitigating_control":                   "protected_by_mitigating_control",
	}
)

func vdrAnalysis(a *Affected) object {
	out := object{"state": cdxStates[a.Status]}
	for _, v := range a.VEX {
		if !v.Effective {
			continue
		}
		if j := cdxJustifications[v.Justification]; j != "" && a.Status == StatusNotAffected {
			out["justification"] = j
		}
		detail := v.Impact
		if v.Signer.Proven() {
			detail = strings.TrimSpace(detail + " (statement of " + v.Signer.Identity + " in " + nameOr(v.Document, "a document") + ")")
		}
		if detail != "" {
			out["detail"] = detail
		}
	}
	return out
}

// component enters what a place names, and returns its bom-ref.
func (w *vdrWriter) component(a *Affected) string {
	c := &a.Component
	key := strings.Join([]string{c.PURL, c.Name, c.Version, c.ID, a.File, a.Lines}, "\x00")
	if ref := w.refs[key]; ref != "" {
		return ref
	}
	ref := "comp-" + strconv.Itoa(len(w.components)+1)
	w.refs[key] = ref
	out := without(object{"bom-ref": ref, "type": "library", "name": nameOr(c.Name, nameOr(a.File, "unknown")),
		"version": c.Version, "purl": c.PURL})
	var properties []object
	if a.File != "" {
		out["type"] = "file"
	}
	for _, p := range [][2]string{{"lines", a.Lines}, {"ecosystem", c.Ecosystem}, {"id", c.ID}} {
		if p[1] != "" {
			properties = append(properties, object{"name": ladingProperty + p[0], "value": p[1]})
		}
	}
	for _, p := range c.Paths {
		properties = append(properties, object{"name": ladingProperty + "path", "value": p})
	}
	if properties != nil {
		out["properties"] = properties
	}
	w.components = append(w.components, out)
	return ref
}
