package versions

import "strings"

// parseConda checks a version, and takes it apart.
func parseConda(s string) (epoch, version, local string, ok bool) {
	s = trim(s)
	known := func(c byte) bool { return isAlnum(c) || c == '.' || c == '_' || c == '*' || c == '+' || c == '!' }
	dashed := func(c byte) bool { return known(c) && c != '_' || c == '-' } // dashes stand for underscores, if there are none
	if s == "" || span(s, known) != len(s) && span(s, dashed) != len(s) {
		return
	}
	epoch, version = "0", s
	if e, rest, found := cut(s, '!'); found {
		if epoch, version = e, rest; !allDigits(e) {
			return
		}
	}
	version, local, hasLocal := cut(version, '+')
	if strings.IndexByte(version, '!') >= 0 || strings.IndexByte(local, '!') >= 0 || strings.IndexByte(local, '+') >= 0 {
		return
	}
	ok = noneEmpty(condaParts{s: version, more: true, version: true})
	if hasLocal {
		ok = ok && noneEmpty(condaParts{s: local, more: true})
	}
	return epoch, version, local, ok
}

func noneEmpty(p condaParts) bool {
	for p.more {
		if p.next() == "" {
			return false
		}
	}
	return true
}

// condaParts are what dots, underscores and dashes separate. An underscore at the end of a version belongs to its last part,
// as in those of OpenSSL.
type condaParts struct {
	s       string
	more    bool
	version bool // rather than a local version
}

func (p *condaParts) next() (part string) {
	if !p.more {
		return ""
	}
	i := span(p.s, func(c byte) bool { return !isSeparator(c) })
	if i == len(p.s) || p.version && i == len(p.s)-1 && p.s[i] != '.' {
		p.more = false
		return p.s
	}
	part, p.s = p.s[:i], p.s[i+1:]
	return part
}

// A condaRun is a run of digits, or of something else. The zero value stands for the number zero.
type condaRun struct {
	text string
	rank int // of text, numbers and "post", in this order
}

const (
	condaNumber = 0
	condaText   = -1
	condaPost   = 1
)

// nextRun takes the first run off a part; zero if there is none, or if the part does not begin with a number.
func nextRun(s string, first bool) (r condaRun, rest string) {
	if s == "" || first && !isDigit(s[0]) {
		return r, s
	}
	kind := func(c byte) int {
		switch {
		case isDigit(c):
			return 1
		case c == '*':
			return 2
		}
		return 3
	}
	i := span(s, func(c byte) bool { return kind(c) == kind(s[0]) })
	r.text = s[:i]
	switch {
	case kind(s[0]) == 1:
	case compareFold(r.text, "post") == 0:
		r.rank = condaPost
	default:
		r.rank = condaText
	}
	return r, s[i:]
}

func (r condaRun) compare(q condaRun) int {
	switch {
	case r.rank != q.rank:
		return r.rank - q.rank
	case r.rank == condaNumber:
		return compareNumbers(r.text, q.text)
	case r.rank == condaPost:
		return 0
	}
	devR, devQ := compareFold(r.text, "dev") == 0, compareFold(q.text, "dev") == 0
	at := func(s string, i int, dev bool) int { // "dev" alone is compared as "DEV", which is below all other letters
		switch {
		case dev:
			return int("DEV"[i])
		case s[i] == '-':
			return '_'
		}
		return int(lower(s[i]))
	}
	for i := range min(len(r.text), len(q.text)) {
		if c := at(r.text, i, devR) - at(q.text, i, devQ); c != 0 {
			return c
		}
	}
	return len(r.text) - len(q.text)
}

func compareConda(p, q condaParts) int {
	for p.more || q.more {
		x, y := p.next(), q.next()
		for first := true; first || x != "" || y != ""; first = false {
			var r, t condaRun
			r, x = nextRun(x, first)
			t, y = nextRun(y, first)
			if c := r.compare(t); c != 0 {
				return c
			}
		}
	}
	return 0
}

// conda is the order of VersionOrder.
func conda(a, b string) Order {
	e, v, l, ok := parseConda(a)
	f, w, m, ok2 := parseConda(b)
	if !ok || !ok2 {
		return CannotTell
	}
	c := compareNumbers(e, f)
	if c == 0 {
		c = compareConda(condaParts{v, true, true}, condaParts{w, true, true})
	}
	if c == 0 {
		c = compareConda(condaParts{l, l != "", false}, condaParts{m, m != "", false})
	}
	return order(c)
}
