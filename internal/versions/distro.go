package versions

import "strings"

// debian is dpkg's order (deb-version(7)): epoch, upstream version, revision.
func debian(a, b string) Order {
	v, ok := parseDebian(a)
	w, ok2 := parseDebian(b)
	if !ok || !ok2 {
		return CannotTell
	}
	c := compareNumbers(v.epoch, w.epoch)
	if c == 0 {
		c = compareDebian(v.version, w.version)
	}
	if c == 0 {
		c = compareDebian(v.release, w.release)
	}
	return order(c)
}

// An evr is a version of a distribution's package.
type evr struct {
	epoch, version, release string
	released                bool // it has a release, be that empty
}

func parseDebian(s string) (v evr, ok bool) {
	s = trim(s)
	if epoch, rest, found := cut(s, ':'); found {
		if !allDigits(epoch) || compareNumbers(epoch, "2147483647") > 0 {
			return v, false
		}
		v.epoch, s = epoch, rest
	}
	v.version = s
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		v.version, v.release = s[:i], s[i+1:]
		if v.release == "" {
			return v, false
		}
	}
	if v.version == "" || !isDigit(v.version[0]) {
		return v, false
	}
	revision := func(c byte) bool { return isAlnum(c) || c == '.' || c == '+' || c == '~' }
	upstream := func(c byte) bool { return revision(c) || c == '-' || c == ':' }
	return v, span(v.version, upstream) == len(v.version) && span(v.release, revision) == len(v.release)
}

// compareDebian takes turns: what is no digit by weight, then digits as a number.
func compareDebian(a, b string) int {
	for a != "" || b != "" {
		for a != "" && !isDigit(a[0]) || b != "" && !isDigit(b[0]) {
			if x, y := weight(a), weight(b); x != y {
				return sign(x - y)
			}
			a, b = a[1:], b[1:] // both have one, or their weights differ
		}
		i, j := digits(a), digits(b)
		if c := compareNumbers(a[:i], b[:j]); c != 0 {
			return c
		}
		a, b = a[i:], b[j:]
	}
	return 0
}

func weight(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case isAlpha(s[0]):
		return int(s[0])
	}
	return int(s[0]) + 256
}

// rpmEVR is rpm's order of epoch, version and release (rpmvercmp). An absent release is below any.
func rpmEVR(a, b string) Order {
	v, ok := parseRPM(a)
	w, ok2 := parseRPM(b)
	if !ok || !ok2 {
		return CannotTell
	}
	c := compareNumbers(v.epoch, w.epoch)
	if c == 0 {
		c = compareRPM(v.version, w.version)
	}
	switch {
	case c != 0:
	case v.released && w.released:
		c = compareRPM(v.release, w.release)
	case v.released:
		c = 1
	case w.released:
		c = -1
	}
	return order(c)
}

func parseRPM(s string) (v evr, ok bool) {
	ok = s != ""
	if i := digits(s); i < len(s) && s[i] == ':' {
		v.epoch, s = s[:i], s[i+1:]
	}
	v.version = s
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		v.version, v.release, v.released = s[:i], s[i+1:], true
	}
	return v, ok
}

func compareRPM(a, b string) int {
	if a == b {
		return 0
	}
	skip := func(s string) string {
		return s[span(s, func(c byte) bool { return !isAlnum(c) && c != '~' && c != '^' }):]
	}
	starts := func(s string, c byte) bool { return s != "" && s[0] == c }
	for a != "" || b != "" {
		a, b = skip(a), skip(b)
		if x, y := starts(a, '~'), starts(b, '~'); x || y { // below everything, the end too
			if x && y {
				a, b = a[1:], b[1:]
				continue
			}
			return map[bool]int{true: -1, false: 1}[x]
		}
		if x, y := starts(a, '^'), starts(b, '^'); x || y { // above the end, below everything else
			switch {
			case x && y:
				a, b = a[1:], b[1:]
				continue
			case a == "" || x && b != "":
				return -1
			}
			return 1
		}
		if a == "" || b == "" {
			break
		}
		var c int
		if c, a, b = compareRuns(a, b); c != 0 {
			return c
		}
	}
	return sign(len(a) - len(b)) // at most one has something left
}

// compareRuns compares the digits or the letters that both begin with, of which digits are more, and returns what follows them.
func compareRuns(a, b string) (c int, restA, restB string) {
	numeric := isDigit(a[0])
	if numeric != isDigit(b[0]) {
		return map[bool]int{true: 1, false: -1}[numeric], a, b
	}
	if numeric {
		i, j := digits(a), digits(b)
		return compareNumbers(a[:i], b[:j]), a[i:], b[j:]
	}
	i, j := span(a, isAlpha), span(b, isAlpha)
	return strings.Compare(a[:i], b[:j]), a[i:], b[j:]
}

// arch is the order of pacman (alpm_pkg_vercmp). A release counts if both have one, so that being the same is not transitive.
func arch(a, b string) Order {
	v, _ := parseRPM(a)
	w, _ := parseRPM(b)
	c := compareNumbers(v.epoch, w.epoch)
	if c == 0 {
		c = compareArch(v.version, w.version)
	}
	if c == 0 && v.released && w.released {
		c = compareArch(v.release, w.release)
	}
	return order(c)
}

func compareArch(a, b string) int {
	if a == b {
		return 0
	}
	other := func(c byte) bool { return !isAlnum(c) }
	for a != "" && b != "" {
		i, j := span(a, other), span(b, other)
		a, b = a[i:], b[j:]
		if a == "" || b == "" {
			break
		}
		if i != j { // more of what separates is more
			return sign(i - j)
		}
		var c int
		if c, a, b = compareRuns(a, b); c != 0 {
			return c
		}
	}
	switch {
	case a == "" && b == "":
		return 0
	case a == "" && !isAlpha(b[0]), a != "" && isAlpha(a[0]): // letters left over are below nothing
		return -1
	}
	return 1
}

// linux is the order of kernel releases in Debian (version_cmp of DebianLinux.pm): numbers, and texts broken at dashes, of which
// -rc and -trunk are below everything.
func linux(a, b string) Order {
	next := func(s string) (part, rest string) {
		if i := digits(s); i > 0 {
			return s[:i], s[i:]
		}
		i := min(1, len(s))
		for i < len(s) && s[i] != '-' && !isDigit(s[i]) {
			i++
		}
		return s[:i], s[i:]
	}
	early := func(part string) bool { return part == "-rc" || part == "-trunk" }
	for a != "" || b != "" {
		var x, y string
		x, a = next(a)
		y, b = next(b)
		if ex, ey := early(x), early(y); ex != ey {
			return map[bool]Order{true: Before, false: After}[ex]
		}
		c := 0
		if x != "" && y != "" && isDigit(x[0]) && isDigit(y[0]) {
			c = compareNumbers(x, y)
		} else {
			c = strings.Compare(x, y)
		}
		if c != 0 {
			return order(c)
		}
	}
	return Same
}

// Parts of a version of Alpine, in the order in which they may follow each other: also their rank where two versions that agree
// so far go on with different ones.
const (
	apkFirst = iota // number
	apkNumber
	apkLetter
	apkSuffix
	apkSuffixNumber
	apkHash
	apkRevision
	apkEnd
	apkInvalid
)

var apkSuffixes = [...]string{"alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"}

const apkNoSuffix = 4 // suffixes before it are of pre-releases

type apkPart struct {
	kind   int
	text   string
	suffix int
}

// nextAPK returns what follows a part: x{.y}{letter}{_suffix{number}}{~hash}{-rN} (apk-package(5)).
func nextAPK(s string, last int) (p apkPart, rest string) {
	invalid := apkPart{kind: apkInvalid}
	if s == "" {
		return apkPart{kind: apkEnd}, ""
	}
	number := func(s string, kind int) (apkPart, string) {
		if i := digits(s); i > 0 {
			return apkPart{kind: kind, text: s[:i]}, s[i:]
		}
		return invalid, s
	}
	switch c := s[0]; {
	case isLower(c) && last <= apkNumber:
		return apkPart{kind: apkLetter, text: s[:1]}, s[1:]
	case c == '.' && last <= apkNumber:
		return number(s[1:], apkNumber)
	case isDigit(c) && last == apkSuffix:
		return number(s, apkSuffixNumber)
	case c == '_' && last <= apkSuffixNumber:
		i := 1 + span(s[1:], isLower)
		for n, suffix := range apkSuffixes {
			if suffix == s[1:i] && suffix != "" {
				return apkPart{kind: apkSuffix, text: s[1:i], suffix: n}, s[i:]
			}
		}
	case c == '~' && last < apkHash:
		if i := span(s[1:], func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' }); i > 0 {
			return apkPart{kind: apkHash, text: s[1 : 1+i]}, s[1+i:]
		}
	case c == '-' && last < apkRevision && strings.HasPrefix(s, "-r"):
		return number(s[2:], apkRevision)
	}
	return invalid, s
}

func validAPK(s string) bool {
	i := digits(s)
	if i == 0 {
		return false
	}
	p := apkPart{kind: apkFirst}
	for s = s[i:]; p.kind != apkEnd; {
		if p, s = nextAPK(s, p.kind); p.kind == apkInvalid {
			return false
		}
	}
	return true
}

func (p apkPart) compare(q apkPart) int {
	switch p.kind {
	case apkNumber:
		if p.text[0] != '0' && q.text[0] != '0' {
			return compareNumbers(p.text, q.text)
		}
	case apkFirst, apkSuffixNumber, apkRevision:
		return compareNumbers(p.text, q.text)
	case apkSuffix:
		return p.suffix - q.suffix
	}
	return strings.Compare(p.text, q.text)
}

func alpine(a, b string) Order {
	if !validAPK(a) || !validAPK(b) {
		return CannotTell
	}
	i, j := digits(a), digits(b)
	p, q := apkPart{kind: apkFirst, text: a[:i]}, apkPart{kind: apkFirst, text: b[:j]}
	a, b = a[i:], b[j:]
	for p.kind == q.kind && p.kind < apkEnd {
		if c := p.compare(q); c != 0 {
			return order(c)
		}
		p, a = nextAPK(a, p.kind)
		q, b = nextAPK(b, q.kind)
	}
	switch {
	case p.kind == q.kind:
		return Same
	case p.kind == apkSuffix && p.suffix < apkNoSuffix:
		return Before
	case q.kind == apkSuffix && q.suffix < apkNoSuffix:
		return After
	}
	return order(q.kind - p.kind) // the earlier kind of part is more
}
