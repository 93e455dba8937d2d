package versions

import "strings"

// Forms of PHP's version_compare, in its order.
const (
	formUnknown = iota - 1
	formDev
	formAlpha
	formBeta
	formRC
	formNumber
	formPatch
)

// A composerPart is a number or a form of a version that Composer has normalised.
type composerPart struct {
	form   int
	number string
}

// packagist is the order of composer/semver: what its parser makes of a version, in that of PHP's version_compare. Branches
// (dev-main) are below versions, and in no order among each other.
func packagist(a, b string) Order {
	var bufA, bufB [8]composerPart
	branchA, v, ok := normalizeComposer(a, bufA[:0])
	branchB, w, ok2 := normalizeComposer(b, bufB[:0])
	switch {
	case !ok || !ok2:
		return CannotTell
	case branchA != "" && branchA == branchB:
		return Same
	case branchA != "" && branchB != "":
		return CannotTell
	case branchA != "":
		return Before
	case branchB != "":
		return After
	}
	for i := range max(len(v), len(w)) {
		switch {
		case i == len(v):
			return beyond(w[i]).reversed()
		case i == len(w):
			return beyond(v[i])
		}
		c := v[i].form - w[i].form
		if c == 0 && v[i].form == formNumber {
			c = compareNumbers(v[i].number, w[i].number)
		}
		if c != 0 {
			return order(c)
		}
	}
	return Same
}

// beyond says where a version is that goes on with a part, seen from one that has ended.
func beyond(p composerPart) Order {
	if p.form >= formNumber {
		return After
	}
	return Before
}

// normalizeComposer is VersionParser::normalize: the name of a branch, or the parts of a version.
func normalizeComposer(s string, out []composerPart) (branch string, parts []composerPart, ok bool) {
	s = strings.Trim(s, blanks+"\x00")
	if before, after, found := cut(s, ' '); found { // 1.0 as 2.0
		after = strings.TrimLeft(after, " ")
		alias, is := strings.CutPrefix(after, "as ")
		alias = strings.TrimLeft(alias, " ")
		if !is || alias == "" || strings.ContainsAny(before+alias, ", \t\r\n") || before == "" {
			return "", nil, false
		}
		s = before
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 && isStability(s[i+1:]) {
		s = s[:i]
	}
	if s == "master" || s == "trunk" || s == "default" {
		return s, nil, true
	}
	if name, is := cutPrefixFold(s, "dev-"); is {
		return name, nil, name != ""
	}
	if head, tail, found := cut(s, '+'); found && head != "" && tail != "" && span(tail, isNotBlank) == len(tail) &&
		span(head, func(c byte) bool { return isNotBlank(c) && c != ',' }) == len(head) {
		s = head
	}
	if parts, ok := classical(s, out); ok {
		return "", parts, true
	}
	if parts, ok := dated(s, out); ok {
		return "", parts, true
	}
	parts, ok = numericBranch(s, out)
	return "", parts, ok
}

func isNotBlank(c byte) bool { return !isBlank(c) }

func isStability(s string) bool {
	for _, known := range [...]string{"stable", "rc", "beta", "alpha", "dev"} {
		if compareFold(s, known) == 0 {
			return true
		}
	}
	return false
}

func trimV(s string) string {
	if s != "" && lower(s[0]) == 'v' {
		return s[1:]
	}
	return s
}

// classical reads one to four numbers, the first of at most five digits, and modifiers.
func classical(s string, out []composerPart) ([]composerPart, bool) {
	s = trimV(s)
	i := digits(s)
	if i == 0 || i > 5 {
		return nil, false
	}
	out = append(out, composerPart{formNumber, s[:i]})
	s = s[i:]
	for len(out) < 4 && s != "" && s[0] == '.' && digits(s[1:]) > 0 {
		i = 1 + digits(s[1:])
		out = append(out, composerPart{formNumber, s[1:i]})
		s = s[i:]
	}
	for len(out) < 4 {
		out = append(out, composerPart{formNumber, "0"})
	}
	return modifiers(s, out)
}

// dated reads a date, with or without a time, and modifiers.
func dated(s string, out []composerPart) ([]composerPart, bool) {
	s = trimV(s)
	inDate := func(c byte) bool { return isDigit(c) || isDateSeparator(c) }
	for end := span(s, inDate); end >= 6; end-- {
		if digits(s) < 4 || !dateGroups(s[4:end], 0, 0) {
			continue
		}
		parts := out
		for rest := s[:end]; rest != ""; {
			i := digits(rest)
			parts = append(parts, composerPart{formNumber, rest[:i]})
			rest = rest[min(i+1, len(rest)):]
		}
		if parts, ok := modifiers(s[end:], parts); ok {
			return parts, true
		}
	}
	return nil, false
}

func isDateSeparator(c byte) bool { return c == '.' || c == ':' || c == '-' }

// dateGroups reports whether s is one to six groups of two digits, then one of one to three or none, each after a separator or not.
func dateGroups(s string, pairs, small int) bool {
	if s == "" {
		return pairs > 0
	}
	if isDateSeparator(s[0]) {
		s = s[1:]
	}
	n := digits(s)
	if n >= 2 && pairs < 6 && small == 0 && dateGroups(s[2:], pairs+1, 0) {
		return true
	}
	for i := min(n, 3); i > 0 && pairs > 0 && small < 1; i-- {
		if dateGroups(s[i:], pairs, small+1) {
			return true
		}
	}
	return false
}

var composerForms = [...]struct {
	name string
	form int
}{
	{"stable", formUnknown}, {"beta", formBeta}, {"b", formBeta}, {"rc", formRC}, {"alpha", formAlpha}, {"a", formAlpha},
	{"patch", formPatch}, {"pl", formPatch}, {"p", formPatch},
}

// modifiers reads what may stand behind the numbers: a stability with numbers of its own, and "dev".
func modifiers(s string, out []composerPart) ([]composerPart, bool) {
	if isDevEnd(s) {
		return appendDev(s, out), true
	}
	if isSeparator(s[0]) {
		s = s[1:]
	}
	stable := false
	for _, f := range composerForms {
		rest, is := cutPrefixFold(s, f.name)
		if !is {
			continue
		}
		stable = s[:len(f.name)] == "stable"
		out = append(out, composerPart{form: f.form})
		for {
			t := rest
			if t != "" && (t[0] == '.' || t[0] == '-') {
				t = t[1:]
			}
			i := digits(t)
			if i == 0 {
				break
			}
			out = append(out, composerPart{formNumber, t[:i]})
			rest = t[i:]
		}
		s = rest
		break
	}
	if !isDevEnd(s) {
		return nil, false
	}
	if stable { // and nothing else counts
		for i, p := range out {
			if p.form == formUnknown {
				return out[:i], true
			}
		}
	}
	return appendDev(s, out), true
}

// isDevEnd reports whether s is nothing, or "dev" with a dot or dash before it or not.
func isDevEnd(s string) bool {
	if s != "" && (s[0] == '.' || s[0] == '-') {
		s = s[1:]
		return compareFold(s, "dev") == 0
	}
	return s == "" || compareFold(s, "dev") == 0
}

func appendDev(s string, out []composerPart) []composerPart {
	if s == "" {
		return out
	}
	return append(out, composerPart{form: formDev})
}

// numericBranch reads a branch such as 1.x-dev.
func numericBranch(s string, out []composerPart) ([]composerPart, bool) {
	if len(s) < 3 || compareFold(s[len(s)-3:], "dev") != 0 {
		return nil, false
	}
	s = s[:len(s)-3]
	if s != "" && (s[len(s)-1] == '.' || s[len(s)-1] == '-') {
		s = s[:len(s)-1]
	}
	s = trimV(trim(s))
	for more := true; more; {
		var part string
		part, s, more = cut(s, '.')
		switch {
		case len(out) == 4:
			return nil, false
		case allDigits(part):
			out = append(out, composerPart{formNumber, part})
		case len(out) > 0 && (part == "x" || part == "X" || part == "*"):
			out = append(out, composerPart{formNumber, "9999999"})
		default:
			return nil, false
		}
	}
	for len(out) < 4 {
		out = append(out, composerPart{formNumber, "9999999"})
	}
	return append(out, composerPart{form: formDev}), true
}
