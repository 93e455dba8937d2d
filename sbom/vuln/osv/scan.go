package osv

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/versions"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/vuln"
)

var _ vuln.Scanner = (*DB)(nil)

// Scan looks up the components of an SBOM. Report.Skipped names components that could not be looked up; a finding for which the
// version has no place in the order of its ecosystem has a Doubt; Report.Notes names records that could not be read. Errors wrap
// ErrIndex if the index is damaged, or are those of ctx.
func (db *DB) Scan(ctx context.Context, doc *sbom.Document) (*vuln.Report, error) {
	s := &scan{db: db, of: operatingSystem(doc), places: map[string]int{}, asked: map[string]bool{}, records: map[uint64]*hits{},
		vectors: map[string]vuln.Rating{}}
	s.report.Started = time.Now().UTC()
	s.report.Tool = vuln.Tool{Name: "Lading", URI: "https://github.com/ladingdev/lading"}
	s.report.Subject = subject(doc)
	s.components(doc)
	for i := range s.packages {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.look(i, doc); err != nil {
			return nil, fmt.Errorf("osv: %s: %w", s.packages[i].component.PURL, err)
		}
	}
	if err := s.findings(); err != nil {
		return nil, fmt.Errorf("osv: %w", err)
	}
	s.provenance()
	s.report.Finished = time.Now().UTC()
	return &s.report, nil
}

type scan struct {
	db       *DB
	report   vuln.Report
	of       distribution
	packages []located
	places   map[string]int // by package URL
	asked    map[string]bool
	records  map[uint64]*hits // by where the advisory is in the index
	order    []*hits
	free     []hits // to be handed out: one allocation for many
	vectors  map[string]vuln.Rating
	bucket   []byte
	affected affected
}

// A located package is what all components with one package URL are.
type located struct {
	component vuln.Component
	ref       sbom.Ref // the first
}

// hits are the packages that a record is about.
type hits struct {
	at, size uint64
	advisory advisory
	in       []hit
	one      [1]hit // most are about one package: in without an allocation
}

type hit struct {
	pkg      int
	member   versions.Membership
	severity []severity
	rating   string
	fixed    []string
	why      string // if it cannot be told
}

func subject(doc *sbom.Document) vuln.Subject {
	digest := sha256.Sum256(doc.Bytes())
	s := vuln.Subject{Name: doc.Name(), SBOM: "sha256:" + hex.EncodeToString(digest[:]), SBOMID: doc.ID()}
	roots := doc.Roots()
	if len(roots) == 0 {
		return s
	}
	if c := doc.Component(roots[0]); c != nil {
		s.Name = c.Name
		if strings.HasPrefix(c.Version, "sha256:") {
			s.Digest = c.Version
		}
		if c.PURL != "" {
			s.IDs = append(s.IDs, c.PURL)
		}
	}
	return s
}

// operatingSystem is the distribution that a document says it is of, once.
func operatingSystem(doc *sbom.Document) (of distribution) {
	for _, c := range doc.Components() {
		if c.Kind != "operating-system" {
			continue
		}
		id, _, _ := strings.Cut(strings.ToLower(c.Name), " ")
		if strings.HasPrefix(strings.ToLower(c.Name), "red hat") {
			id = "rhel"
		}
		d := distribution{id, strings.ToLower(c.Version)}
		if of != (distribution{}) && of != d {
			return distribution{} // two of them: which one a package is of, nobody says
		}
		of = d
	}
	return of
}

// components collects the packages of a document, each once.
func (s *scan) components(doc *sbom.Document) {
	roots := doc.Roots()
	s.packages = make([]located, 0, doc.Len())
	for ref, c := range doc.Components() {
		if c.PURL == "" {
			if !slices.Contains(roots, ref) && c.Kind != "file" && c.Kind != "operating-system" {
				s.report.Components++
				s.skip(component(c, ref), "it has no package URL")
			}
			continue
		}
		if i, ok := s.places[c.PURL]; ok {
			s.report.Components++
			s.packages[i].component.Refs = append(s.packages[i].component.Refs, ref)
			continue
		}
		if strings.HasPrefix(c.PURL, "pkg:oci/") && slices.Contains(roots, ref) {
			continue // the image itself
		}
		s.report.Components++
		s.places[c.PURL] = len(s.packages)
		s.packages = append(s.packages, located{component(c, ref), ref})
	}
}

func component(c *sbom.Component, ref sbom.Ref) vuln.Component {
	return vuln.Component{Name: c.Name, Version: c.Version, PURL: c.PURL, ID: c.ID, Refs: []sbom.Ref{ref}}
}

func (s *scan) skip(c vuln.Component, why string) {
	s.report.Skipped = append(s.report.Skipped, vuln.Skipped{Component: c, Reason: why})
}

// look finds the records of one package.
func (s *scan) look(i int, doc *sbom.Document) error {
	c := &s.packages[i].component
	p, err := sbom.ParsePURL(c.PURL)
	if err != nil {
		s.skip(*c, err.Error())
		return nil
	}
	if p.Version == "" {
		p.Version = c.Version
	}
	if p.Type == "deb" || p.Type == "apk" || p.Type == "rpm" {
		sourceOfTrivy(&p, doc, s.packages[i].ref)
	}
	list, why := queries(&p, s.of)
	if why != "" {
		s.skip(*c, why)
		return nil
	}
	c.Ecosystem = list[0].ecosystem
	known := false
	for _, q := range list {
		base, _, _ := strings.Cut(q.ecosystem, ":")
		for _, ecosystem := range slices.Compact([]string{q.ecosystem, base}) {
			if _, ok := s.db.contents.Ecosystems[ecosystem]; !ok {
				continue
			}
			known, s.asked[ecosystem] = true, true
			if err := s.ask(i, ecosystem, &q); err != nil {
				return err
			}
		}
	}
	if !known {
		s.skip(*c, "the index has no records of "+c.Ecosystem)
	}
	return nil
}

// sourceOfTrivy reads the source package from where Trivy writes it: properties, or the source information of SPDX.
func sourceOfTrivy(p *sbom.PURL, doc *sbom.Document, ref sbom.Ref) {
	raw := doc.Component(ref).Raw()
	if p.Qualifiers["upstream"] != "" || !bytes.Contains(raw, []byte("SrcName")) && !bytes.Contains(raw, []byte("built package from: ")) {
		return
	}
	var name, epoch, version, release string
	d := doc.Details(ref)
	if of, ok := strings.CutPrefix(d.SourceInfo, "built package from: "); ok {
		name, version, _ = strings.Cut(of, " ")
	}
	for _, prop := range d.Properties {
		switch strings.TrimPrefix(prop.Name, "aquasecurity:trivy:") {
		case "SrcName":
			name = prop.Value
		case "SrcEpoch":
			epoch = prop.Value
		case "SrcVersion":
			version = prop.Value
		case "SrcRelease":
			release = prop.Value
		}
	}
	if name == "" {
		return
	}
	if version != "" {
		if release != "" {
			version += "-" + release
		}
		if epoch != "" && epoch != "0" {
			version = epoch + ":" + version
		}
		name += "@" + version
	}
	p.Qualifiers = maps.Clone(p.Qualifiers)
	if p.Qualifiers == nil {
		p.Qualifiers = map[string]string{}
	}
	p.Qualifiers["upstream"] = name
}

// ask looks a package up by one name.
func (s *scan) ask(i int, ecosystem string, q *query) error {
	key := lookupKey(ecosystem, q.name)
	data, err := s.db.bucket(s.bucket, hashKey(key))
	if err != nil {
		return err
	}
	s.bucket = data[:0]
	for len(data) > 0 {
		d := decoder{rest: view(data)}
		entry := d.text()
		if d.bad {
			return ErrIndex
		}
		data = data[len(data)-len(d.rest):]
		d = decoder{rest: entry}
		if d.text() != key {
			continue
		}
		at, size := d.number(), d.number()
		d.affected(&s.affected)
		if d.bad || d.rest != "" {
			return ErrIndex
		}
		s.judge(i, q.version, at, size)
	}
	return nil
}

// judge notes it if the version is in what s.affected says, which is a view of the bucket, or if that cannot be told.
func (s *scan) judge(i int, version string, at, size uint64) {
	a := &s.affected
	member := versions.Affected(a.ecosystem, version, a.versions, a.ranges)
	if len(a.versions) == 0 && len(a.ranges) == 0 {
		member = versions.Unknown
	}
	if member == versions.Out {
		return
	}
	h := hit{pkg: i, member: member, rating: strings.Clone(a.rating)}
	for _, v := range a.severity {
		h.severity = append(h.severity, severity{strings.Clone(v.kind), strings.Clone(v.score)})
	}
	h.fixed = fixed(a, version)
	if member == versions.Unknown {
		h.why = whyUnknown(a, version)
	}
	r := s.records[at]
	if r == nil {
		if len(s.free) == 0 {
			s.free = make([]hits, 64)
		}
		r, s.free = &s.free[0], s.free[1:]
		r.at, r.size, r.in = at, size, r.one[:0]
		s.records[at] = r
		s.order = append(s.order, r)
	}
	if last := len(r.in) - 1; last >= 0 && r.in[last].pkg == i { // by another name, or in another part of the record
		r.in[last].join(&h)
		return
	}
	r.in = append(r.in, h)
}

func (h *hit) join(other *hit) {
	if other.member == versions.In && h.member != versions.In {
		h.member, h.why = versions.In, ""
	}
	all := distinct[string]{list: h.fixed}
	for _, v := range other.fixed {
		all.add(v)
	}
	h.fixed = all.list
	if h.severity == nil {
		h.severity = other.severity
	}
	h.rating = cmp.Or(h.rating, other.rating)
}

func whyUnknown(a *affected, version string) string {
	tool := versions.Follows(a.ecosystem)
	switch {
	case len(a.versions) == 0 && len(a.ranges) == 0:
		return "the record names no versions"
	case !slices.ContainsFunc(a.ranges, func(r versions.Range) bool { return r.Type != "GIT" }):
		return "the record names commits"
	case tool == "":
		return fmt.Sprintf("the order of versions in %s is not known", a.ecosystem)
	case !versions.Valid(a.ecosystem, version):
		return fmt.Sprintf("%q is no version for %s", version, tool)
	}
	return fmt.Sprintf("%s gives %q no place among the versions of the record", tool, version)
}

// fixed returns the nearest version with the fix, of each range.
func fixed(a *affected, version string) []string {
	var out distinct[string]
	for i := range a.ranges {
		best := ""
		for _, e := range a.ranges[i].Events {
			if e.Fixed == "" || versions.Compare(a.ecosystem, e.Fixed, version) != versions.After {
				continue
			}
			if best == "" || versions.Compare(a.ecosystem, e.Fixed, best) == versions.Before {
				best = e.Fixed
			}
		}
		if best != "" {
			out.add(best)
		}
	}
	for i := range out.list {
		out.list[i] = strings.Clone(out.list[i])
	}
	return out.list
}

// provenance says which databases were asked, and what of them could not be read.
func (s *scan) provenance() {
	c := s.db.contents
	version := ""
	if len(c.Sources) == 1 {
		version = "sha256:" + c.Sources[0].SHA256
	}
	for _, name := range slices.Sorted(maps.Keys(s.asked)) {
		d := vuln.Database{Name: "OSV", Ecosystem: name, URI: "https://osv.dev", Version: version, Updated: c.Ecosystems[name].Newest}
		s.report.Databases = append(s.report.Databases, d)
	}
	if len(c.Sources) > 1 {
		for _, source := range c.Sources {
			s.report.Notes = append(s.report.Notes, "indexed: "+source.Name+" sha256:"+source.SHA256)
		}
	}
	if c.Unreadable > 0 {
		s.report.Notes = append(s.report.Notes,
			fmt.Sprintf("%d records of the dumps could not be read, such as %s", c.Unreadable, c.Errors[0]))
	}
}
