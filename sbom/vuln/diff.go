package vuln

import "strings"

// Changes are what is different in a report from an earlier one, by places. Orders are those of the reports.
type Changes struct {
	New        []Place // found now, or suppressed no longer
	Gone       []Place // of the earlier report: not found now, or suppressed now
	Unassessed []Place // of Gone: the component could not be assessed now, so that nobody knows
}

// A Place is a finding in one of its places.
type Place struct {
	Finding  *Finding
	Affected *Affected
	key      string
}

// Diff compares two reports, of any scanners. A finding is the same if it has an id or an alias in common, of
// which CVEs count only if it has one; a place, if it is the
// same package, whatever its version: an update that does not mend is not new.
func Diff(old, now *Report) *Changes {
	canonical := canonicalNames(old, now)
	list := func(r *Report) (places []Place, have map[string]bool) {
		have = map[string]bool{}
		for f, a := range r.Places() {
			if a.Suppressed() {
				continue
			}
			p := Place{f, a, placeKey(f, a)}
			where := canonical[f.ID] + "\x00" + placeName(a)
			have[where] = true
			places = append(places, p)
		}
		return places, have
	}
	before, hadPlaces := list(old)
	after, havePlaces := list(now)
	skipped := map[string]bool{}
	for _, s := range now.Skipped {
		skipped[s.Component.key(false)] = true
	}
	c := &Changes{}
	for _, p := range after {
		if !hadPlaces[canonical[p.Finding.ID]+"\x00"+placeName(p.Affected)] {
			c.New = append(c.New, p)
		}
	}
	for _, p := range before {
		if !havePlaces[canonical[p.Finding.ID]+"\x00"+placeName(p.Affected)] {
			c.Gone = append(c.Gone, p)
			if skipped[p.Affected.Component.key(false)] {
				c.Unassessed = append(c.Unassessed, p)
			}
		}
	}
	return c
}

// canonicalNames gives every id of both reports one name for each vulnerability: ids that a finding has together are one, but for
// those of several that it stands for.
func canonicalNames(reports ...*Report) map[string]string {
	parent := map[string]string{}
	find := func(id string) string {
		for parent[id] != id {
			if parent[id] == "" {
				parent[id] = id
				break
			}
			parent[id] = nameOr(parent[parent[id]], parent[id])
			id = parent[id]
		}
		return id
	}
	for _, r := range reports {
		for i := range r.Findings {
			f := &r.Findings[i]
			for id, sure := range f.names() {
				if a, b := find(id), find(strings.ToUpper(f.ID)); sure && a != b {
					parent[a] = b
				}
			}
		}
	}
	out := map[string]string{}
	for _, r := range reports {
		for i := range r.Findings {
			out[r.Findings[i].ID] = find(strings.ToUpper(r.Findings[i].ID))
		}
	}
	return out
}

func placeKey(f *Finding, a *Affected) string {
	return f.ID + "\x00" + placeName(a) + "\x00" + a.Component.Version
}

func placeName(a *Affected) string {
	if a.File != "" && a.Component.Name == "" {
		return "file:" + a.File
	}
	return a.Component.key(false)
}
