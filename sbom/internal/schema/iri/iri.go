// Package iri tells what is an IRI reference.
package iri

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

// IsASCII reports whether s has only ASCII characters.
func IsASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// scheme returns the length of the scheme that s begins with, without its colon, or zero.
func scheme(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
		case i > 0 && (c-'0' <= 9 || c == '+' || c == '-' || c == '.'):
		case i > 0 && c == ':':
			return i
		default:
			return 0
		}
	}
	return 0
}

// IsAbsolute reports whether s begins with a scheme.
func IsAbsolute(s string) bool { return scheme(s) > 0 }

// IsReference follows RFC 3987, section 2.2, where private characters may stand in a query.
func IsReference(s string) bool {
	n := scheme(s)
	rest := s
	if n > 0 {
		rest = s[n+1:]
	}
	rest, fragment, _ := strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	if !iriChars(fragment, ":@/?", false) || !iriChars(query, ":@/?", true) {
		return false
	}
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		authority, path := after, ""
		if i := strings.IndexByte(after, '/'); i >= 0 {
			authority, path = after[:i], after[i:]
		}
		return isAuthority(authority) && iriChars(path, ":@/", false)
	}
	if n == 0 {
		// The first segment of a relative path holds no colon, or it would be a scheme.
		if first, _, _ := strings.Cut(rest, "/"); strings.Contains(first, ":") {
			return false
		}
	}
	return iriChars(rest, ":@/", false)
}

func isAuthority(s string) bool {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if !iriChars(s[:i], ":", false) {
			return false
		}
		s = s[i+1:]
	}
	if literal, ok := strings.CutPrefix(s, "["); ok {
		address, port, ok := strings.Cut(literal, "]")
		if !ok || port != "" && (port[0] != ':' || !isDigits(port[1:])) {
			return false
		}
		if a, err := netip.ParseAddr(address); err == nil {
			return a.Is6() && a.Zone() == ""
		}
		// IPvFuture
		version, rest, ok := strings.Cut(strings.ToLower(address), ".")
		return ok && len(version) > 1 && version[0] == 'v' && rest != "" && IsASCII(rest) && iriChars(rest, ":", false)
	}
	host, port, _ := strings.Cut(s, ":")
	return isDigits(port) && iriChars(host, "", false)
}

// iriChars reports whether s has only unreserved characters, sub-delimiters, complete percent escapes and extra.
func iriChars(s, extra string, private bool) bool {
	for i, c := range s {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80, c >= '0' && c <= '9':
		case strings.ContainsRune("-._~!$&'()*+,;=", c):
		case strings.ContainsRune(extra, c):
		case c == '%':
			if len(s) < i+3 || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
		case c == utf8.RuneError:
			return false
		case c >= 0xa0 && c <= 0xd7ff, c >= 0xf900 && c <= 0xfdcf, c >= 0xfdf0 && c <= 0xffef:
		case c >= 0x10000 && c&0xffff <= 0xfffd && c <= 0xeffff && !(c >= 0xe0000 && c < 0xe1000):
		case private && (c >= 0xe000 && c <= 0xf8ff || c >= 0xf0000 && c&0xffff <= 0xfffd):
		default:
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f' }
