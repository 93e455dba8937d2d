package xsd

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ladingdev/lading/sbom/internal/schema/iri"
)

// A builtin is a type of XML Schema part 2.
type builtin struct {
	space byte // white space: preserve 'p', replace 'r', collapse 'c'
	valid func(string) bool
	what  string
}

var builtins = map[string]*builtin{
	"string":             {'p', anything, "text"},
	"normalizedString":   {'r', anything, "text"},
	"token":              {'c', anything, "text"},
	"anyURI":             {'c', isAnyURI, "a URL or a relative reference"},
	"boolean":            {'c', isBoolean, `"true" or "false"`},
	"decimal":            {'c', isDecimal, "a decimal number"},
	"integer":            {'c', isInteger, "a whole number"},
	"nonNegativeInteger": {'c', func(s string) bool { return isInteger(s) && sign(s) >= 0 }, "a whole number that is not negative"},
	"positiveInteger":    {'c', func(s string) bool { return isInteger(s) && sign(s) > 0 }, "a whole number above zero"},
	"dateTime":           {'c', isDateTime, `a date and time, such as "2024-05-31T17:00:00Z"`},
	"date":               {'c', func(s string) bool { return isDate(trimZone(s)) }, `a date, such as "2024-05-31"`},
}

func anything(string) bool { return true }

func isBoolean(s string) bool { return s == "true" || s == "false" || s == "1" || s == "0" }

func isDecimal(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		return false
	}
	whole, fraction, _ := strings.Cut(s, ".")
	return whole+fraction != "" && isDigits(whole) && isDigits(fraction)
}

func isInteger(s string) bool { return isDecimal(s) && !strings.Contains(s, ".") }

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func sign(s string) int {
	switch {
	case strings.Trim(s, "+-0") == "":
		return 0
	case s[0] == '-':
		return -1
	}
	return 1
}

// isAnyURI escapes what XLink 1.0, section 5.4, lets people leave unescaped, and asks for a URI reference then.
func isAnyURI(s string) bool {
	var b strings.Builder
	for _, c := range s {
		if c <= ' ' || strings.ContainsRune(`<>"{}|\^`+"`", c) || c >= 0x7f {
			b.WriteString("%20")
			continue
		}
		b.WriteRune(c)
	}
	return iri.IsReference(b.String())
}

func trimZone(s string) string {
	if t, ok := strings.CutSuffix(s, "Z"); ok {
		return t
	}
	if n := len(s) - 6; n > 0 && (s[n] == '+' || s[n] == '-') && s[n+3] == ':' {
		if t, err := time.Parse("15:04", s[n+1:]); err == nil && t.Hour()*60+t.Minute() <= 14*60 {
			return s[:n]
		}
	}
	return s
}

func isDate(s string) bool {
	s = strings.TrimPrefix(s, "-")
	year, rest, ok := strings.Cut(s, "-")
	if !ok || len(year) < 4 || !isDigits(year) || len(year) > 4 && year[0] == '0' || strings.Trim(year, "0") == "" || len(rest) != 5 {
		return false
	}
	// Any year with the same leap days will do.
	n, err := strconv.Atoi(year[len(year)-4:])
	if err != nil {
		return false
	}
	_, err = time.Parse(time.DateOnly, fmt.Sprintf("%04d-%s", n%400+2000, rest))
	return err == nil
}

func isDateTime(s string) bool {
	date, clock, ok := strings.Cut(trimZone(s), "T")
	if !ok || !isDate(date) {
		return false
	}
	clock, fraction, dot := strings.Cut(clock, ".")
	if dot && (fraction == "" || !isDigits(fraction)) || len(clock) != 8 {
		return false
	}
	if clock == "24:00:00" {
		return strings.Trim(fraction, "0") == ""
	}
	_, err := time.Parse(time.TimeOnly, clock)
	return err == nil
}

// normalise treats white space as a type says.
func normalise(s string, space byte) string {
	switch space {
	case 'r':
		if strings.ContainsAny(s, "\t\n\r") {
			return lineBreaks.Replace(s)
		}
	case 'c':
		if isCollapsed(s) {
			return s
		}
		return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }), " ")
	}
	return s
}

var lineBreaks = strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")

// isCollapsed reports whether the only white space in s is single blanks between other characters.
func isCollapsed(s string) bool {
	blank := true
	for i := range len(s) {
		switch s[i] {
		case '\t', '\n', '\r':
			return false
		case ' ':
			if blank {
				return false
			}
			blank = true
		default:
			blank = false
		}
	}
	return !blank || s == ""
}

func (s *simple) space() byte {
	switch {
	case s.builtin != "":
		return builtins[s.builtin].space
	case s.base != nil:
		return s.base.space()
	}
	return 'p' // a union: each member for itself
}

// check returns what to do about a value, or nothing if it is right.
func (s *simple) check(raw string) string {
	if s.union != nil {
		var advice []string
		for _, m := range s.union {
			a := m.check(raw)
			if a == "" {
				return ""
			}
			advice = append(advice, a)
		}
		return strings.Join(advice, " or ")
	}
	value := normalise(raw, s.space())
	if s.builtin != "" {
		if b := builtins[s.builtin]; !b.valid(value) {
			return b.what
		}
		return ""
	}
	if advice := s.base.check(raw); advice != "" {
		if s.enum == nil {
			return advice
		}
	}
	if s.enum != nil && !s.enum[value] {
		if len(s.list) > 100 {
			if near := nearest(value, s.list); near != "" {
				return strconv.Quote(near) + ", or another of the " + strconv.Itoa(len(s.list)) + " allowed values"
			}
			return "one of the " + strconv.Itoa(len(s.list)) + " values that are allowed here"
		}
		quoted := make([]string, len(s.list))
		for i, v := range s.list {
			quoted[i] = strconv.Quote(v)
		}
		return "one of " + strings.Join(quoted, ", ")
	}
	if len(s.patterns) > 0 {
		ok := false
		for _, p := range s.patterns {
			ok = ok || p.re.MatchString(value)
		}
		if !ok {
			return describe(s.patterns[0].text)
		}
	}
	if s.min != nil || s.max != nil {
		n, ok := new(big.Rat), len(value) < 1000
		if ok {
			n, ok = n.SetString(value)
		}
		switch {
		case !ok:
			return "a shorter number"
		case s.min != nil && n.Cmp(s.min) < 0:
			return "a number that is at least " + s.min.RatString()
		case s.max != nil && n.Cmp(s.max) > 0:
			return "a number that is at most " + s.max.RatString()
		}
	}
	if s.minLen > 0 || s.maxLen >= 0 {
		length := utf8.RuneCountInString(value)
		if length < s.minLen {
			return fmt.Sprintf("text of at least %d characters", s.minLen)
		}
		if s.maxLen >= 0 && length > s.maxLen {
			return fmt.Sprintf("text of at most %d characters", s.maxLen)
		}
	}
	return ""
}

// describe says what text matches a pattern of the schemas.
func describe(pattern string) string {
	switch h := hints[pattern]; {
	case h != "":
		return h
	case strings.HasPrefix(pattern, "([c][pP][eE]:/"): // too long to be told
		return `a CPE name, such as "cpe:2.3:a:example:thing:1.0:*:*:*:*:*:*:*"`
	}
	return "text that matches the pattern " + pattern
}

// Patterns of the schemas.
const (
	digest = `([a-fA-F0-9]{32})|([a-fA-F0-9]{40})|([a-fA-F0-9]{64})|([a-fA-F0-9]{96})|([a-fA-F0-9]{128})`
	uuid   = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
)

// hints say in words what a pattern of the schemas says.
var hints = map[string]string{
	digest: "32, 40, 64, 96 or 128 hexadecimal digits",
	`urn:uuid:(` + uuid + `)|(\{` + uuid + `\})`: `"urn:uuid:" and a UUID in lower case`,
	`[-+a-z0-9.]+/[-+a-z0-9.]+`:                  `a media type, such as "text/plain"`,
	`([a-z]{2})(-[A-Z]{2})?`:                     `a language, such as "en" or "en-GB"`,
}

// nearest finds a listed value that said is the beginning of, or that differs only in case.
func nearest(said string, list []string) string {
	for _, v := range list {
		if strings.EqualFold(v, said) {
			return v
		}
	}
	for _, v := range list {
		if len(said) > 2 && strings.HasPrefix(strings.ToLower(v), strings.ToLower(said)) {
			return v
		}
	}
	return ""
}
