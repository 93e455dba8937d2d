package vuln

import "slices"

// Union makes one report of several about the same thing, such as of scans of its parts: a finding is there once, with all
// places, and a place once. What one report skipped and another one did not, is skipped: nobody assessed it whole. Fields that
// say what was scanned and by what are those of the first report that has them; Components are added up, the earliest start
// and the latest end stay.
func Union(reports ...*Report) *Report {
	b := newBuilder()
	out := b.report
	seen := map[string]bool{}
	for _, r := range reports {
		out.Format = nameOr(out.Format, r.Format)
		if out.Tool == (Tool{}) {
			out.Tool = r.Tool
		}
		if out.Subject.empty() {
			out.Subject = r.Subject
		}
		out.Subject.Provider = nameOr(out.Subject.Provider, r.Subject.Provider)
		out.Subject.Registry = nameOr(out.Subject.Registry, r.Subject.Registry)
		for _, d := range r.Databases {
			if !slices.Contains(out.Databases, d) {
				out.Databases = append(out.Databases, d)
			}
		}
		if out.Started.IsZero() || !r.Started.IsZero() && r.Started.Before(out.Started) {
			out.Started = r.Started
		}
		if r.Finished.After(out.Finished) {
			out.Finished = r.Finished
		}
		out.Components += r.Components
		for _, s := range r.Skipped {
			if key := s.Component.key(true) + "\x00" + s.Reason; !seen[key] {
				seen[key] = true
				out.Skipped = append(out.Skipped, s)
			}
		}
		for _, n := range r.Notes {
			b.note("%s", n)
		}
		for i := range r.Findings {
			b.unite(&r.Findings[i])
		}
	}
	return b.done()
}

func (s *Subject) empty() bool {
	return s.Name == "" && s.Digest == "" && s.SBOM == "" && s.SBOMID == "" && len(s.IDs) == 0
}

func (b *builder) unite(f *Finding) {
	key := string(f.Kind) + "\x00" + f.ID
	have := b.index[key]
	if have == nil {
		have = new(*f)
		have.Affects = nil
		b.index[key] = have
		b.findings = append(b.findings, have)
	} else {
		have.Severity = max(have.Severity, f.Severity)
		have.Title, have.Description = nameOr(have.Title, f.Title), nameOr(have.Description, f.Description)
		have.Aliases, have.References = union(slices.Clip(have.Aliases), f.Aliases), union(slices.Clip(have.References), f.References)
		have.Ratings = slices.Clip(have.Ratings)
		for _, r := range have.Ratings {
			b.rated[ratingOf{have, r}] = true
		}
		for _, r := range f.Ratings {
			if k := (ratingOf{have, r}); !b.rated[k] {
				b.rated[k] = true
				have.Ratings = append(have.Ratings, r)
			}
		}
		have.Exploit.Known = have.Exploit.Known || f.Exploit.Known
		have.Exploit.Available = have.Exploit.Available || f.Exploit.Available
		if have.EPSS == nil {
			have.EPSS = f.EPSS
		}
	}
	for _, a := range f.Affects {
		b.affect(have, a)
	}
}
