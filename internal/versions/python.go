package versions

import "strings"

// A pep440 is a version of PEP 440, taken apart. Which of its parts are there is told by the kinds.
type pep440 struct {
	epoch   string
	release string // numbers and dots
	pre     byte   // 'a', 'b', 'r' or zero
	preN    string
	post    bool
	postN   string
	dev     bool
	devN    string
	local   string
}

func isSeparator(c byte) bool { return c == '.' || c == '-' || c == '_' }

// label takes one of names off the beginning of s, with a separator before it, and a number behind it, separated or not.
func label(s string, names ...string) (name, number, rest string, ok bool) {
	t := s
	if t != "" && isSeparator(t[0]) {
		t = t[1:]
	}
	for _, name := range names {
		if rest, ok := cutPrefixFold(t, name); ok {
			if rest != "" && isSeparator(rest[0]) {
				rest = rest[1:]
			}
			i := digits(rest)
			return name, rest[:i], rest[i:], true
		}
	}
	return "", "", s, false
}

func parsePEP440(s string) (v pep440, ok bool) {
	s = trim(s)
	s, _ = cutPrefixFold(s, "v")
	if i := digits(s); i > 0 && i < len(s) && s[i] == '!' {
		v.epoch, s = s[:i], s[i+1:]
	}
	i := digits(s)
	if i == 0 {
		return v, false
	}
	for i < len(s) && s[i] == '.' && digits(s[i+1:]) > 0 {
		i += 1 + digits(s[i+1:])
	}
	v.release, s = s[:i], s[i:]
	if s == "" {
		return v, true
	}
	if name, n, rest, ok := label(s, "alpha", "a", "beta", "b", "preview", "pre", "c", "rc"); ok {
		if v.pre, v.preN, s = name[0], n, rest; v.pre == 'p' || v.pre == 'c' {
			v.pre = 'r'
		}
	}
	if len(s) > 1 && s[0] == '-' && digits(s[1:]) > 0 { // the implicit post release
		n := 1 + digits(s[1:])
		v.post, v.postN, s = true, s[1:n], s[n:]
	} else if _, n, rest, ok := label(s, "post", "rev", "r"); ok {
		v.post, v.postN, s = true, n, rest
	}
	if _, n, rest, ok := label(s, "dev"); ok {
		v.dev, v.devN, s = true, n, rest
	}
	if strings.HasPrefix(s, "+") {
		v.local = s[1:]
		for more, t := true, s[1:]; more; {
			n := span(t, isAlnum)
			if n == 0 {
				return v, false
			}
			if t = t[n:]; t == "" {
				more = false
			} else if !isSeparator(t[0]) {
				return v, false
			} else {
				t = t[1:]
			}
		}
		s = ""
	}
	return v, s == ""
}

// rank is where a version without some of its parts stands among those with them: a development release of nothing else is
// below pre-releases, and a version without a pre-release above them.
func (v *pep440) rank() int {
	switch {
	case v.pre != 0:
		return int(v.pre)
	case !v.post && v.dev:
		return 0
	}
	return 256
}

// pypi is the order of PEP 440, as packaging has it.
func pypi(a, b string) Order {
	v, ok := parsePEP440(a)
	w, ok2 := parsePEP440(b)
	if !ok || !ok2 {
		return CannotTell
	}
	c := compareNumbers(v.epoch, w.epoch)
	if c == 0 {
		c = compareDotted(v.release, w.release, true)
	}
	if c == 0 {
		c = v.rank() - w.rank()
	}
	if c == 0 && v.pre != 0 {
		c = compareNumbers(v.preN, w.preN)
	}
	if c == 0 {
		c = comparePresent(v.post, w.post, v.postN, w.postN)
	}
	if c == 0 {
		if c = comparePresent(!v.dev, !w.dev, "", ""); c == 0 { // without one is above
			c = compareNumbers(v.devN, w.devN)
		}
	}
	if c == 0 {
		c = compareLocal(v.local, w.local)
	}
	return order(c)
}

// comparePresent compares numbers of which either may not be there, which is below all.
func comparePresent(hasA, hasB bool, a, b string) int {
	switch {
	case hasA && hasB:
		return compareNumbers(a, b)
	case hasA:
		return 1
	case hasB:
		return -1
	}
	return 0
}

// compareLocal compares local versions: numbers are above texts, and more parts above less.
func compareLocal(a, b string) int {
	for a != "" && b != "" {
		i, j := span(a, isAlnum), span(b, isAlnum)
		x, y := a[:i], b[:j]
		c := 0
		switch nx, ny := allDigits(x), allDigits(y); {
		case nx && ny:
			c = compareNumbers(x, y)
		case nx:
			c = 1
		case ny:
			c = -1
		default:
			c = compareFold(x, y)
		}
		if c != 0 {
			return c
		}
		a, b = a[min(i+1, len(a)):], b[min(j+1, len(b)):]
	}
	return sign(len(a) - len(b))
}

// compareDotted compares numbers that dots separate, one after the other. What is missing is zero with pad, else less.
func compareDotted(a, b string, pad bool) int {
	for moreA, moreB := true, true; moreA || moreB; {
		if !pad && moreA != moreB {
			return map[bool]int{true: 1, false: -1}[moreA]
		}
		var x, y string
		if moreA {
			x, a, moreA = cut(a, '.')
		}
		if moreB {
			y, b, moreB = cut(b, '.')
		}
		if c := compareNumbers(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// dotted reports whether s is numbers that single dots separate.
func dotted(s string) bool {
	for more := true; more; {
		var x string
		if x, s, more = cut(s, '.'); !allDigits(x) {
			return false
		}
	}
	return true
}
