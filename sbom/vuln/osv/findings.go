package osv

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/ladingdev/lading/internal/versions"
	"github.com/ladingdev/lading/sbom/vuln"
)

// view is data as text, valid as long as data is not changed.
func view(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// findings turns what was hit into findings: one for each vulnerability, whatever its records are called.
func (s *scan) findings() error {
	groups := aliases{}
	for _, r := range s.order {
		if err := s.db.advisory(&r.advisory, &s.bucket, r.at, r.size); err != nil {
			return err
		}
		groups.join(&r.advisory)
	}
	index := make(map[string]int, len(s.order))
	list := make([]group, 0, len(s.order))
	for n, r := range s.order {
		root := groups.find(r.advisory.id)
		i, ok := index[root]
		if !ok {
			index[root] = len(list)
			list = append(list, group{records: s.order[n : n+1 : n+1]}) // a second one copies it
			continue
		}
		list[i].records = append(list[i].records, r)
	}
	for i := range list {
		list[i].name()
	}
	slices.SortFunc(list, func(a, b group) int {
		return cmp.Or(strings.Compare(a.id, b.id), strings.Compare(a.records[0].advisory.id, b.records[0].advisory.id))
	})
	s.report.Findings = make([]vuln.Finding, len(list))
	for i := range list {
		s.finding(&s.report.Findings[i], &list[i])
	}
	return nil
}

// A group is the records of one vulnerability.
type group struct {
	id      string
	records []*hits
}

// same are the ids of the same vulnerability. What a distribution's record is about is that too, if it is one: an advisory of
// several is about different ones.
func (a *advisory) same() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, id := range a.aliases {
			if !yield(id) {
				return
			}
		}
		if len(a.upstream) == 1 {
			yield(a.upstream[0])
		}
	}
}

// aliases is a forest of ids: those of one tree are of one vulnerability.
type aliases map[string]string

func (f aliases) find(id string) string {
	for {
		up, ok := f[id]
		if !ok {
			return id
		}
		if next, ok := f[up]; ok {
			f[id] = next
		}
		id = up
	}
}

func (f aliases) join(a *advisory) {
	root := f.find(a.id)
	for id := range a.same() {
		if other := f.find(id); other != root {
			f[other] = root
		}
	}
}

func (s *scan) finding(f *vuln.Finding, g *group) {
	f.ID = g.id
	var aliases, references distinct[string]
	var ratings distinct[vuln.Rating]
	var places map[int]int // in f.Affects, of packages
	if len(g.records) > 1 {
		places = map[int]int{}
	}
	for _, r := range g.records {
		a := &r.advisory
		if a.id != f.ID {
			aliases.add(a.id)
		}
		for id := range a.same() {
			if id != "" && id != f.ID {
				aliases.add(id)
			}
		}
		f.Title = cmp.Or(f.Title, a.summary)
		for _, url := range a.references {
			if url != "" {
				references.add(url)
			}
		}
		if f.Source.Name == "" {
			f.Source = vuln.Source{Name: "OSV", URL: "https://osv.dev/vulnerability/" + a.id}
		}
		if t, err := time.Parse(time.RFC3339, a.published); err == nil && (f.Published.IsZero() || t.Before(f.Published)) {
			f.Published = t
		}
		if t, err := time.Parse(time.RFC3339, a.modified); err == nil && t.After(f.Modified) {
			f.Modified = t
		}
		s.rate(&ratings, a.id, a.severity, a.rating)
		for i := range r.in {
			h := &r.in[i]
			if len(h.severity) > 0 || h.rating != "" {
				s.rate(&ratings, a.id, h.severity, h.rating)
			}
			s.place(f, h, places)
		}
	}
	f.Aliases, f.References, f.Ratings = aliases.list, references.list, ratings.list
	for i := range f.Ratings {
		f.Severity = max(f.Severity, f.Ratings[i].Severity)
	}
}

// name gives a group the id of the CVE, if there is one, because that is what others call it; else that of a record.
func (g *group) name() {
	if len(g.records) > 1 {
		slices.SortStableFunc(g.records, func(a, b *hits) int { return strings.Compare(a.advisory.id, b.advisory.id) })
	}
	cve := ""
	one := func(id string) bool {
		if !strings.HasPrefix(id, "CVE-") || id == cve {
			return true
		}
		alone := cve == ""
		cve = id
		return alone
	}
	g.id = g.records[0].advisory.id
	for _, r := range g.records {
		if !one(r.advisory.id) {
			return
		}
		for id := range r.advisory.same() {
			if !one(id) {
				return
			}
		}
	}
	g.id = cmp.Or(cve, g.id)
}

// A distinct appends to a list what is not in it. Long lists are looked up, not searched: records are written by strangers.
type distinct[T comparable] struct {
	list []T
	have map[T]bool
}

func (d *distinct[T]) add(x T) {
	const long = 32
	switch {
	case len(d.list) < long:
		if slices.Contains(d.list, x) {
			return
		}
	case d.have == nil:
		d.have = make(map[T]bool, 2*long)
		for _, y := range d.list {
			d.have[y] = true
		}
		fallthrough
	default:
		if d.have[x] {
			return
		}
		d.have[x] = true
	}
	d.list = append(d.list, x)
}

// place adds a package to a finding. Several records about one package agree, or the one that is sure counts. Without places
// there is one record, which has each package once.
func (s *scan) place(f *vuln.Finding, h *hit, places map[int]int) {
	fix, doubt := vuln.FixState(""), ""
	if h.member == versions.Unknown {
		doubt = h.why
	}
	if len(h.fixed) > 0 {
		fix = vuln.Fixable
	}
	if i, ok := places[h.pkg]; ok {
		a := &f.Affects[i]
		all := distinct[string]{list: a.Fixed}
		for _, v := range h.fixed {
			all.add(v)
		}
		a.Fixed, a.Fix = all.list, cmp.Or(a.Fix, fix)
		if doubt == "" {
			a.Doubt = ""
		}
		return
	}
	if places != nil {
		places[h.pkg] = len(f.Affects)
	}
	f.Affects = append(f.Affects, vuln.Affected{Component: s.packages[h.pkg].component, Fixed: h.fixed, Fix: fix, Doubt: doubt})
}

// rate adds what a record says of how bad a vulnerability is. The worst of all counts.
func (s *scan) rate(ratings *distinct[vuln.Rating], source string, list []severity, word string) {
	for _, v := range list {
		if strings.HasPrefix(v.kind, "CVSS") {
			ratings.add(s.cvss(source, v.score))
		} else {
			ratings.add(wordRating(source, v.score)) // "Ubuntu": "medium"
		}
	}
	if word != "" {
		ratings.add(wordRating(source, word))
	}
}

// cvss rates a vector. Many records have the same one.
func (s *scan) cvss(source, vector string) vuln.Rating {
	r, ok := s.vectors[vector]
	if !ok {
		var err error
		if r, err = vuln.Rate("", vector); err != nil {
			s.report.Notes = append(s.report.Notes, source+": "+err.Error())
		}
		s.vectors[vector] = r
	}
	r.Source = source
	return r
}

func wordRating(source, word string) vuln.Rating {
	s, _ := vuln.ParseSeverity(word)
	return vuln.Rating{Source: source, Severity: s, Method: "other"}
}
