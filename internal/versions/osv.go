package versions

import "slices"

// A Membership tells whether a version is in a range. The zero Membership is Unknown.
type Membership uint8

const (
	Unknown Membership = iota // which is no reason to believe that something is fixed
	Out
	In
)

func (m Membership) String() string {
	return [...]string{"unknown", "out", "in"}[min(m, In)]
}

// An Event of a range: one of its fields is set (ossf.github.io/osv-schema, "affected[].ranges[].events").
type Event struct {
	Introduced   string // "0" is below every version
	Fixed        string
	LastAffected string
	Limit        string // "*" is none
}

// A Range is one of an OSV record. Its type is SEMVER or ECOSYSTEM; of others, which are about commits, nothing is known here.
type Range struct {
	Type   string
	Events []Event
}

// Affected says whether a version is affected by an OSV record, by its list of versions, which is compared as text, and its
// ranges (the schema's page, section "Evaluation"). Events are sorted stably. What cannot be told of one range is made good by
// another, or the list, that the version is in.
func Affected(ecosystem, version string, versions []string, ranges []Range) Membership {
	if slices.Contains(versions, version) {
		return In
	}
	out := Out
	for i := range ranges {
		switch ranges[i].contains(ecosystem, version) {
		case In:
			return In
		case Unknown:
			out = Unknown
		}
	}
	return out
}

// A mark is an event of a sorted range, and where the version is, seen from it.
type mark struct {
	at       string
	what     byte // i, f or l for introduced, fixed and last affected
	zero     bool // below every version
	position Order
}

func (r *Range) contains(ecosystem, version string) Membership {
	switch r.Type {
	case "ECOSYSTEM":
	case "SEMVER":
		if !semanticVersions[ecosystem] {
			ecosystem = semantic
		}
	default:
		return Unknown
	}
	if !Valid(ecosystem, version) {
		return Unknown
	}
	if m := r.beforeLimits(ecosystem, version); m != In {
		return m
	}
	var buf [16]mark
	marks, ok := r.sorted(ecosystem, version, buf[:0])
	if !ok {
		return Unknown
	}
	out := Out
	for i := range marks {
		switch m := &marks[i]; {
		case m.what == 'i' && m.position >= Same:
			out = In
		case m.what == 'f' && m.position >= Same, m.what == 'l' && m.position == After:
			out = Out
		}
	}
	return out
}

// semanticVersions are ecosystems whose own order is that of Semantic Versioning, with what their versions have beyond.
var semanticVersions = map[string]bool{
	"npm": true, "crates.io": true, "Go": true, "Hex": true, "Pub": true, "SwiftURL": true, "Julia": true,
}

// beforeLimits tells whether a version is below any of the limits, or there is none.
func (r *Range) beforeLimits(ecosystem, version string) Membership {
	m, none := Out, true
	for _, e := range r.Events {
		if e.Limit == "" {
			continue
		}
		none = false
		if e.Limit == "*" {
			return In
		}
		switch Compare(ecosystem, version, e.Limit) {
		case Before:
			return In
		case CannotTell:
			m = Unknown
		}
	}
	if none {
		return In
	}
	return m
}

// sorted returns the events, stably sorted, and whether all comparisons among them and with the version agree with that. They
// do not where something is no version, or where the ecosystem's order has circles, as Maven's.
func (r *Range) sorted(ecosystem, version string, marks []mark) ([]mark, bool) {
	for _, e := range r.Events {
		m := mark{what: 'i', at: e.Introduced}
		switch {
		case e.Fixed != "":
			m.what, m.at = 'f', e.Fixed
		case e.LastAffected != "":
			m.what, m.at = 'l', e.LastAffected
		case e.Introduced == "0":
			m.zero, m.position = true, After
		case e.Introduced == "":
			continue // a limit, or nothing
		}
		if !m.zero {
			if m.position = Compare(ecosystem, version, m.at); m.position == CannotTell {
				return nil, false
			}
		}
		i := len(marks)
		for i > 0 && m.compare(ecosystem, &marks[i-1]) == Before {
			i--
		}
		marks = slices.Insert(marks, i, m)
	}
	for i := range marks {
		for j := range i {
			o := marks[j].compare(ecosystem, &marks[i])
			// The version is at least as far from what comes first as from what comes later.
			if o != Before && o != Same || marks[j].position < marks[i].position || o == Same && marks[j].position != marks[i].position {
				return nil, false
			}
		}
	}
	return marks, true
}

func (m *mark) compare(ecosystem string, other *mark) Order {
	switch {
	case m.zero && other.zero:
		return Same
	case m.zero:
		return Before
	case other.zero:
		return After
	}
	return Compare(ecosystem, m.at, other.at)
}
