package inspector

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
)

// A part of CycloneDX 1.5, as far as the service needs it.
type component struct {
	Ref        string      `json:"bom-ref,omitempty"`
	Type       string      `json:"type"`
	Group      string      `json:"group,omitempty"`
	Name       string      `json:"name"`
	Version    string      `json:"version,omitempty"`
	CPE        string      `json:"cpe,omitempty"`
	PURL       string      `json:"purl,omitempty"`
	Components []component `json:"components,omitempty"`
	Properties []property  `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A node is a component without those inside of it, and where it stands.
type node struct {
	component
	parent int // in request.nodes; -1 for none
}

// A request is a whole SBOM, to be sent in one part or several.
type request struct {
	serial  string
	about   *component // metadata.component, which every part has
	nodes   []node     // in document order, parents before what is inside of them
	systems []int      // operating systems, with their parents
	ours    map[string]string
}

var cyclonedx15 = sbom.Format{Spec: sbom.CycloneDX, Version: "1.5"}

// prepare takes out of a document what is sent, and says in notes what the conversion lost.
func prepare(doc *sbom.Document) (*request, []string, error) {
	converted, losses, err := sbom.Convert(doc, cyclonedx15, &sbom.ConvertOptions{DropSignatures: true})
	if err != nil {
		return nil, nil, err
	}
	var notes []string
	if doc.Format() != cyclonedx15 && losses != nil && len(losses.Losses) > 0 {
		notes = append(notes, fmt.Sprintf("the SBOM was converted from %s to %s: %d values were dropped or changed",
			doc.Format(), cyclonedx15, len(losses.Losses)))
	}
	data, err := converted.MarshalJSON()
	if err != nil {
		return nil, nil, err
	}
	var in struct {
		Serial   string `json:"serialNumber"`
		Metadata struct {
			Component *component `json:"component"`
		} `json:"metadata"`
		Components []component `json:"components"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, nil, err
	}
	r := &request{serial: in.Serial, ours: map[string]string{}}
	if c := in.Metadata.Component; c != nil {
		r.add(c.Components, -1)
		about := r.dialect(*c)
		r.about = &about
	}
	r.add(in.Components, -1)
	if len(r.nodes) == 0 {
		return nil, nil, errors.New("the SBOM has no components: there is nothing to scan")
	}
	packages := false
	for i := range r.nodes {
		n := &r.nodes[i]
		for _, t := range []string{"pkg:deb/", "pkg:rpm/", "pkg:apk/"} {
			packages = packages || strings.HasPrefix(n.PURL, t)
		}
		if n.Type == "operating-system" {
			r.systems = append(r.systems, i)
		}
	}
	if packages && len(r.systems) == 0 {
		notes = append(notes, "the SBOM has packages of an operating system and no component for that; the service may not assess them")
	}
	return r, notes, nil
}

func (r *request) add(list []component, parent int) {
	for i := range list {
		at := len(r.nodes)
		r.nodes = append(r.nodes, node{r.dialect(list[i]), parent})
		r.add(list[i].Components, at)
	}
}

// dialect is a component as inspector-sbomgen would write it: an epoch is a qualifier, and so is the source package.
func (r *request) dialect(c component) component {
	c.Components = nil
	var own []property
	for _, p := range c.Properties {
		if strings.HasPrefix(p.Name, "amazon:inspector:") {
			own = append(own, p)
		}
	}
	c.Properties = own
	p, err := sbom.ParsePURL(c.PURL)
	if err != nil || p.Type != "deb" && p.Type != "rpm" {
		return c
	}
	changed := false
	if epoch, version, ok := strings.Cut(p.Version, ":"); ok {
		p.Version, changed = version, true
		if p.Qualifiers == nil {
			p.Qualifiers = map[string]string{}
		}
		p.Qualifiers["epoch"] = epoch
	}
	if upstream := p.Qualifiers["upstream"]; upstream != "" && p.Type == "deb" && p.Qualifiers["source"] == "" {
		p.Qualifiers["source"], _, _ = strings.Cut(upstream, "@")
		delete(p.Qualifiers, "upstream")
		changed = true
	}
	if changed {
		sent := p.String()
		r.ours[sent], c.PURL = c.PURL, sent
	}
	return c
}

// restore writes the document's own package URLs into a report.
func (r *request) restore(report *vuln.Report) {
	own := func(c *vuln.Component) {
		if purl := r.ours[c.PURL]; purl != "" {
			c.PURL = purl
		}
	}
	for _, a := range report.Places() {
		own(&a.Component)
	}
	for i := range report.Skipped {
		own(&report.Skipped[i].Component)
	}
}

// split distributes the nodes over parts, in order, so that each with what it repeats is within the limit.
func (r *request) split(limit int) (parts [][]int) {
	var part []int
	in := map[int]bool{}
	begin := func() {
		part = nil
		clear(in)
		for _, i := range r.systems {
			r.enter(i, in)
		}
	}
	begin()
	for i := range r.nodes {
		if len(part) > 0 && len(in)+r.missing(i, in) > limit {
			parts = append(parts, part)
			begin()
		}
		r.enter(i, in)
		part = append(part, i)
	}
	return append(parts, part)
}

// missing counts what has to be entered with a node.
func (r *request) missing(i int, in map[int]bool) (n int) {
	for ; i >= 0 && !in[i]; i = r.nodes[i].parent {
		n++
	}
	return n
}

// enter adds a node and its parents.
func (r *request) enter(i int, in map[int]bool) {
	for ; i >= 0 && !in[i]; i = r.nodes[i].parent {
		in[i] = true
	}
}

// body writes the request for a part.
func (r *request) body(part []int, format string) ([]byte, error) {
	in := map[int]bool{}
	for _, i := range r.systems {
		r.enter(i, in)
	}
	for _, i := range part {
		r.enter(i, in)
	}
	children := map[int][]int{}
	for i := range r.nodes {
		if in[i] {
			children[r.nodes[i].parent] = append(children[r.nodes[i].parent], i)
		}
	}
	var build func(parent int) []component
	build = func(parent int) (out []component) {
		for _, i := range children[parent] {
			c := r.nodes[i].component
			c.Components = build(i)
			out = append(out, c)
		}
		return out
	}
	type metadata struct {
		Component *component `json:"component,omitempty"`
	}
	type document struct {
		Format     string      `json:"bomFormat"`
		Version    string      `json:"specVersion"`
		Serial     string      `json:"serialNumber,omitempty"`
		Number     int         `json:"version"`
		Metadata   metadata    `json:"metadata"`
		Components []component `json:"components"`
	}
	return json.Marshal(struct {
		SBOM   document `json:"sbom"`
		Format string   `json:"outputFormat"`
	}{document{"CycloneDX", "1.5", r.serial, 1, metadata{r.about}, build(-1)}, format})
}
