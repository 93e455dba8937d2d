package versions

import "strings"

// hackage is the order of Data.Version: lists of numbers, of which a longer one is more. Tags behind dashes do not count.
func hackage(a, b string) Order {
	v, ok := cutTags(a)
	w, ok2 := cutTags(b)
	if !ok || !ok2 {
		return CannotTell
	}
	return order(compareDotted(v, w, false))
}

func cutTags(s string) (branch string, ok bool) {
	branch, tags, more := cut(s, '-')
	for more {
		var tag string
		if tag, tags, more = cut(tags, '-'); span(tag, isAlnum) != len(tag) || tag == "" {
			return "", false
		}
	}
	return branch, dotted(branch)
}

// cran is the order of package_version: two numbers or more, which dots or dashes separate; what is missing is zero.
func cran(a, b string) Order {
	if !validCRAN(a) || !validCRAN(b) {
		return CannotTell
	}
	for a != "" || b != "" {
		i, j := digits(a), digits(b)
		if c := compareNumbers(a[:i], b[:j]); c != 0 {
			return order(c)
		}
		a, b = a[min(i+1, len(a)):], b[min(j+1, len(b)):]
	}
	return Same
}

func validCRAN(s string) bool {
	for n := 1; ; n++ {
		i := digits(s)
		switch {
		case i == 0 || compareNumbers(s[:i], "2147483647") > 0: // R's integers; beyond they are NA
			return false
		case i == len(s):
			return n > 1
		case s[i] != '.' && s[i] != '-':
			return false
		}
		s = s[i+1:]
	}
}

// A perl is a version of version.pm, taken apart.
type perl struct {
	first   string
	rest    string // of a decimal version digits, of which three make a number; of a dotted one numbers and dots
	decimal bool
}

// parsePerl takes what version.pm parses, which is a little more than its lax rules (version::regex) say: a dot alone, and an
// underscore at the end. An underscore before the last digits does not count.
func parsePerl(s string) (v perl, ok bool) {
	s = trim(s)
	if s == "undef" {
		return perl{first: "0", decimal: true}, true
	}
	s, explicit := strings.CutPrefix(s, "v")
	head, alpha, hasAlpha := cut(s, '_')
	dots := strings.Count(head, ".")
	if hasAlpha {
		isDotted := explicit || dots >= 2 // which may end in an underscore
		if dots == 0 || head[len(head)-1] == '.' || digits(alpha) != len(alpha) || alpha == "" && !isDotted {
			return v, false
		}
		s = head + alpha
	}
	i := digits(s)
	v.first, v.rest = s[:i], s[i:]
	fraction, found := strings.CutPrefix(v.rest, ".")
	v.rest = fraction
	switch {
	case !found && fraction != "", explicit && i == 0:
		return v, false
	case explicit && fraction == "":
		return v, true
	case explicit || dots >= 2:
		return v, dotted(fraction)
	}
	v.decimal = true
	return v, digits(fraction) == len(fraction) && (i > 0 || found)
}

// maxPerl is what version.pm makes of larger numbers.
const maxPerl = 1<<31 - 1

func perlNumber(s string) int {
	n := 0
	for i := range s {
		if n = 10*n + int(s[i]-'0'); n > maxPerl {
			return maxPerl
		}
	}
	return n
}

// next takes the next number off the rest; zero if none is left.
func (v *perl) next() int {
	if !v.decimal {
		var n string
		n, v.rest, _ = cut(v.rest, '.')
		return perlNumber(n)
	}
	i := min(3, len(v.rest))
	n := perlNumber(v.rest[:i])
	v.rest = v.rest[i:]
	for range 3 - i {
		n *= 10
	}
	return n
}

// cpan is the order of version.pm: 1.10 is 1.100, and below 1.9, which is 1.900; v1.10 is above v1.9.
func cpan(a, b string) Order {
	v, ok := parsePerl(a)
	w, ok2 := parsePerl(b)
	if !ok || !ok2 {
		return CannotTell
	}
	x, y := perlNumber(v.first), perlNumber(w.first)
	for x == y && (v.rest != "" || w.rest != "") {
		x, y = v.next(), w.next()
	}
	return order(x - y)
}
