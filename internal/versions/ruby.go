package versions

import "strings"

// rubygems is the order of Gem::Version. Segments are numbers or letters; a dash is ".pre.".
func rubygems(a, b string) Order {
	a, b = trim(a), trim(b)
	if !validGem(a) || !validGem(b) {
		return CannotTell
	}
	var bufA, bufB [8]gemSegment
	v, w := gemSegments(a, bufA[:0]), gemSegments(b, bufB[:0])
	for i := range max(len(v), len(w)) {
		var x, y gemSegment // zero, which is the number zero
		if i < len(v) {
			x = v[i]
		}
		if i < len(w) {
			y = w[i]
		}
		c := 0
		switch {
		case !x.letters && !y.letters:
			c = compareNumbers(x.text, y.text)
		case !x.letters:
			c = 1
		case !y.letters:
			c = -1
		default:
			c = strings.Compare(x.text, y.text)
		}
		if c != 0 {
			return order(c)
		}
	}
	return Same
}

// validGem is Gem::Version::ANCHORED_VERSION_PATTERN. Nothing at all is version zero.
func validGem(s string) bool {
	if s == "" {
		return true
	}
	release, pre, hasPre := cut(s, '-')
	if first, _, _ := cut(release, '.'); !allDigits(first) {
		return false
	}
	for _, t := range [...]string{release, pre} {
		for more := hasPre || t != ""; more; {
			var part string
			part, t, more = cut(t, '.')
			if part == "" || span(part, func(c byte) bool { return isAlnum(c) || c == '-' }) != len(part) {
				return false
			}
		}
	}
	return true
}

type gemSegment struct {
	text    string
	letters bool
}

// gemSegments are runs of digits and of letters, a dash being "pre". Zeros before the first letters, and at the end, do not count.
func gemSegments(s string, out []gemSegment) []gemSegment {
	trim := func() {
		for len(out) > 0 && !out[len(out)-1].letters && strings.Trim(out[len(out)-1].text, "0") == "" {
			out = out[:len(out)-1]
		}
	}
	before := true // the first letters
	for s != "" {
		i := 1
		seg := gemSegment{}
		switch {
		case s[0] == '-':
			seg = gemSegment{"pre", true}
		case isDigit(s[0]):
			i = digits(s)
			seg = gemSegment{s[:i], false}
		case isAlpha(s[0]):
			i = span(s, isAlpha)
			seg = gemSegment{s[:i], true}
		}
		s = s[i:]
		if seg.text == "" { // a dot
			continue
		}
		if seg.letters && before {
			trim()
			before = false
		}
		out = append(out, seg)
	}
	trim()
	return out
}
