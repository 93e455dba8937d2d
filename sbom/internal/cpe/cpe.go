// Package cpe tells what is a CPE name.
package cpe

import (
	"regexp"
	"strings"
)

// The forms of CPE names that CycloneDX (the XML schema, type cpe) and SPDX 2.3 (annex F) give: 2.2 as a URI, 2.3 as a formatted
// string (NIST IR 7695).
var uri, formatted = func() (*regexp.Regexp, *regexp.Regexp) {
	const special = `[\\*?!"#$%&'()+,/:;<=>@\[\]^` + "`" + `{|}~]`
	const value = `(\?*|\*?)([a-zA-Z0-9\-._]|\\` + special + `|\\-|\\\.)+(\?*|\*?)|[*\-]`
	const language = `[a-zA-Z]{2,3}(-([a-zA-Z]{2}|[0-9]{3}))?|[*\-]`
	return regexp.MustCompile(`^[cC][pP][eE]:/[aAhHoO]?(:[A-Za-z0-9._\-~%]*){0,6}$`),
		regexp.MustCompile(`^cpe:2\.3:[aho*\-](:(` + value + `)){5}:(` + language + `)(:(` + value + `)){4}$`)
}()

// IsName reports whether s is a CPE name of either version.
func IsName(s string) bool { return IsString(s) || IsURI(s) }

// IsURI reports whether s is a CPE name of version 2.2, such as "cpe:/o:debian:debian_linux:12".
func IsURI(s string) bool { return uri.MatchString(s) }

// IsString reports whether s is a formatted string of CPE 2.3.
func IsString(s string) bool { return isPlain(s) || formatted.MatchString(s) }

// isPlain knows most formatted strings without a regular expression: those without quoting and without a language.
func isPlain(s string) bool {
	rest, ok := strings.CutPrefix(s, "cpe:2.3:")
	if !ok {
		return false
	}
	for i := range 11 {
		value, tail, more := strings.Cut(rest, ":")
		switch plain := value == "*" || value == "-"; {
		case more != (i < 10), i == 0 && !plain && value != "a" && value != "h" && value != "o", i == 6 && !plain:
			return false
		case value == "" || !plain && !isWord(value):
			return false
		}
		rest = tail
	}
	return true
}

// isWord reports whether s has only letters and digits of ASCII, dots, hyphens and underscores.
func isWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
