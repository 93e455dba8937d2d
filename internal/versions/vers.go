package versions

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrVERS says that a text is no version range specifier.
var ErrVERS = errors.New("not a version range specifier")

// A VERS is a version range specifier (VERS 1.1, ECMA TC54: "vers:npm/>=1.2.0|<2.0.0"), sorted.
type VERS struct {
	Ecosystem   string // by OSV's name, or a general type
	constraints []constraint
	all, none   bool // vers:TYPE/* and vers:all/*, vers:none/*
}

type constraint struct {
	comparator string // one of <, <=, >, >=, = and !=
	version    string
}

// versTypes are VERS's types by the ecosystem whose order they have. The specification names types as package URL does.
var versTypes = map[string]string{
	"alpine": "Alpine", "apk": "Alpine", "alpm": "Arch", "arch": "Arch", "bitnami": "Bitnami", "cargo": "crates.io",
	"composer": "Packagist",
	"conda":    "Conda", "cpan": "CPAN", "cran": "CRAN", "deb": "Debian", "debian": "Debian", "gem": "RubyGems", "golang": "Go",
	"hackage": "Hackage", "hex": "Hex", "maven": "Maven", "npm": "npm", "nuget": "NuGet", "pub": "Pub", "pypi": "PyPI", "rpm": "RPM",
	"semver": semantic, "swift": "SwiftURL", "intdot": "intdot", "lexicographic": "lexicographic", "datetime": "datetime",
}

// ParseVERS reads a version range specifier. Constraints need not be sorted: the specification's text wants that, and its own
// tests do not. Errors are ErrVERS.
func ParseVERS(text string) (*VERS, error) {
	bad := func(format string, args ...any) (*VERS, error) {
		return nil, fmt.Errorf("%w: %.80q: %s", ErrVERS, text, fmt.Sprintf(format, args...))
	}
	rest, ok := strings.CutPrefix(text, "vers:")
	kind, list, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || len(text) > 64<<10 {
		return bad("it is not vers:TYPE/CONSTRAINTS")
	}
	if (kind == "all" || kind == "none") && list == "*" {
		return &VERS{Ecosystem: "lexicographic", all: kind == "all", none: kind == "none"}, nil
	}
	r := &VERS{Ecosystem: versTypes[kind]}
	if r.Ecosystem == "" {
		return bad("no order is known for type %.20q", kind)
	}
	list = strings.NewReplacer(" ", "", "\t", "").Replace(list)
	if list == "*" {
		r.all = true
		return r, nil
	}
	for part := range strings.SplitSeq(strings.Trim(list, "|"), "|") {
		c := constraint{comparator: "=", version: part}
		for _, comparator := range [...]string{">=", "<=", "!=", "<", ">", "="} {
			if v, ok := strings.CutPrefix(part, comparator); ok {
				c = constraint{comparator, v}
				break
			}
		}
		v, err := url.PathUnescape(c.version)
		if err != nil || !Valid(r.Ecosystem, v) || v == "" {
			return bad("%.40q is no version of %s", c.version, r.Ecosystem)
		}
		c.version = v
		r.constraints = append(r.constraints, c)
	}
	if err := r.sort(); err != nil {
		return bad("%v", err)
	}
	return r, nil
}

// maxConstraints bounds what a specifier may cost: all its versions are compared with each other.
const maxConstraints = 1000

func (r *VERS) sort() error {
	if len(r.constraints) > maxConstraints {
		return fmt.Errorf("%d constraints; at most %d are read", len(r.constraints), maxConstraints)
	}
	slices.SortStableFunc(r.constraints, func(a, b constraint) int { return int(Compare(r.Ecosystem, a.version, b.version)) - int(Same) })
	for i := range r.constraints {
		for j := range i {
			switch Compare(r.Ecosystem, r.constraints[j].version, r.constraints[i].version) {
			case Same:
				return fmt.Errorf("version %.40q stands twice", r.constraints[i].version)
			case After, CannotTell:
				return fmt.Errorf("its versions are in no order, by %s", Follows(r.Ecosystem))
			}
		}
	}
	// Specification, "Normalized, canonical representation and validation".
	before := ""
	for _, c := range r.constraints {
		if c.comparator == "!=" {
			continue
		}
		if before == "=" && c.comparator[0] == '<' {
			return errors.New("= may be followed only by =, > or >=")
		}
		before = c.comparator
	}
	before = ""
	for _, c := range r.bounds() {
		if before != "" && before[0] == c.comparator[0] {
			return fmt.Errorf("%s must not be followed by %s", before, c.comparator)
		}
		before = c.comparator
	}
	return nil
}

// bounds are the constraints that are not about one version.
func (r *VERS) bounds() []constraint {
	var out []constraint
	for _, c := range r.constraints {
		if c.comparator != "=" && c.comparator != "!=" {
			out = append(out, c)
		}
	}
	return out
}

// Contains tells whether a version is in the range, by order alone: VERS knows no rule about pre-releases. A range of nothing
// but != has all other versions.
func (r *VERS) Contains(version string) Membership {
	if !Valid(r.Ecosystem, version) {
		return Unknown
	}
	switch {
	case r.all:
		return In
	case r.none:
		return Out
	}
	var last *constraint // below the version
	excluded := true     // nothing but !=
	for i := range r.constraints {
		c := &r.constraints[i]
		position := Compare(r.Ecosystem, version, c.version)
		excluded = excluded && c.comparator == "!="
		switch {
		case position == CannotTell:
			return Unknown
		case position == Same:
			return map[bool]Membership{true: In, false: Out}[c.comparator == "=" || len(c.comparator) == 2 && c.comparator != "!="]
		case c.comparator == "=" || c.comparator == "!=":
		case position == After:
			last = c
		case last != nil && last.comparator[0] == '>', last == nil && c.comparator[0] == '<': // the first bound above the version
			return In
		default:
			return Out
		}
	}
	if excluded || last != nil && last.comparator[0] == '>' {
		return In
	}
	return Out
}

// intdot is the order of numbers that dots separate, up to the first other character; what is missing is zero.
func intdot(a, b string) Order {
	in := func(c byte) bool { return isDigit(c) || c == '.' }
	a, b = a[:span(a, in)], b[:span(b, in)]
	if !dotted(a) || !dotted(b) {
		return CannotTell
	}
	return order(compareDotted(a, b, true))
}

func lexicographic(a, b string) Order {
	if !utf8.ValidString(a) || !utf8.ValidString(b) {
		return CannotTell
	}
	return order(strings.Compare(a, b))
}

// datetime is the order of times in RFC 3339.
func datetime(a, b string) Order {
	v, err := time.Parse(time.RFC3339Nano, a)
	w, err2 := time.Parse(time.RFC3339Nano, b)
	if err != nil || err2 != nil {
		return CannotTell
	}
	return order(v.Compare(w))
}
