package jsonschema

import (
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ladingdev/lading/sbom/internal/schema/iri"
)

// formats are those that the schemas use. A format that is not here is an annotation only.
var formats = map[string]struct {
	valid func(string) bool
	what  string
}{
	"date-time": {isDateTime, `a date and time with zone, such as "2024-05-31T17:00:00Z"`},
	"date":      {isDate, `a date, such as "2024-05-31"`},
	"uri": {func(s string) bool { return iri.IsReference(s) && iri.IsAbsolute(s) && iri.IsASCII(s) },
		`an absolute URI, such as "https://example.com/x"`},
	"iri-reference": {iri.IsReference,
		"a URL or a relative reference, with spaces and other characters that a URL cannot hold percent-encoded"},
	"idn-email": {isEmail, `an e-mail address, such as "person@example.com"`},
}

// isDateTime follows RFC 3339, section 5.6.
func isDateTime(s string) bool {
	if len(s) < len("2006-01-02T15:04:05Z") || s[10]|0x20 != 't' || !isDate(s[:10]) {
		return false
	}
	clock, zone := s[11:], ""
	if i := strings.IndexAny(clock, "Zz+-"); i > 0 {
		clock, zone = clock[:i], clock[i:]
	}
	clock, fraction, dot := strings.Cut(clock, ".")
	if dot && (fraction == "" || !isDigits(fraction)) {
		return false
	}
	if strings.HasSuffix(clock, ":60") { // a leap second
		clock = clock[:len(clock)-2] + "59"
	}
	if len(clock) != 8 {
		return false
	}
	if _, err := time.Parse(time.TimeOnly, clock); err != nil {
		return false
	}
	switch {
	case zone == "Z" || zone == "z":
		return true
	case len(zone) == 6 && (zone[0] == '+' || zone[0] == '-'):
		_, err := time.Parse("15:04", zone[1:])
		return err == nil
	}
	return false
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

// isEmail follows RFC 5321, section 4.1.2, with the wider characters of RFC 6531.
func isEmail(s string) bool {
	i := strings.LastIndexByte(s, '@')
	if i <= 0 || i > 64 || len(s)-i-1 > 255 {
		return false
	}
	local, domain := s[:i], s[i+1:]
	if len(local) >= 2 && local[0] == '"' && local[len(local)-1] == '"' {
		inner := local[1 : len(local)-1]
		for j := 0; j < len(inner); j++ {
			if inner[j] == '\\' {
				j++
				if j == len(inner) {
					return false
				}
			} else if inner[j] == '"' {
				return false
			}
			if inner[j] < 0x20 || inner[j] == 0x7f {
				return false
			}
		}
	} else {
		for atom := range strings.SplitSeq(local, ".") {
			if atom == "" || strings.ContainsFunc(atom, notAtom) {
				return false
			}
		}
	}
	if literal, ok := strings.CutPrefix(domain, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		_, err := netip.ParseAddr(strings.TrimPrefix(literal, "IPv6:"))
		return ok && err == nil
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, notLabel) {
			return false
		}
	}
	return true
}

func notAtom(c rune) bool {
	return c <= ' ' || c == 0x7f || c == utf8.RuneError || strings.ContainsRune(`()<>[]:;@\,."`, c)
}

func notLabel(c rune) bool {
	return c < 0x80 && c != '-' && !(c >= '0' && c <= '9') && !(c|0x20 >= 'a' && c|0x20 <= 'z') || c == utf8.RuneError
}
