package xmltree

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// isPlain reports whether there is no ampersand, carriage return, closing bracket or tag in a text.
func isPlain(raw []byte) bool {
	for _, c := range raw {
		if !plainBytes[c] {
			return false
		}
	}
	return true
}

var plainBytes, nameBytes = func() (plain, name [256]bool) {
	for c := range 256 {
		plain[c] = c != '&' && c != '\r' && c != ']' && c != '<'
		name[c] = c|0x20 >= 'a' && c|0x20 <= 'z' && c < utf8.RuneSelf || c >= '0' && c <= '9' || strings.IndexByte("_:-.", byte(c)) >= 0
	}
	return plain, name
}()

// references checks every reference in raw, which begins at offset at.
func (p *parser) references(raw []byte, at int) error {
	for from := 0; ; {
		i := bytes.IndexByte(raw[from:], '&')
		if i < 0 {
			return nil
		}
		from += i
		_, n := reference(raw[from:])
		if n == 0 {
			return p.fail(at+from, ErrSyntax, "an unknown or broken entity reference")
		}
		from += n
	}
}

// reference decodes the reference that s begins with and returns its length, or zero.
func reference(s []byte) (rune, int) {
	end := bytes.IndexByte(s[:min(len(s), 16)], ';')
	if end < 0 {
		return 0, 0
	}
	name := string(s[1:end])
	switch name {
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "amp":
		return '&', end + 1
	case "apos":
		return '\'', end + 1
	case "quot":
		return '"', end + 1
	}
	digits, ok := strings.CutPrefix(name, "#")
	base := 10
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	if !ok || digits == "" || digits[0] == '+' || digits[0] == '-' || strings.Contains(digits, "_") {
		return 0, 0
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || !isChar(rune(n)) || n > utf8.MaxRune {
		return 0, 0
	}
	return rune(n), end + 1
}

func isChar(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' || c >= 0x20 && c <= 0xd7ff || c >= 0xe000 && c <= 0xfffd || c >= 0x10000 &&
		c <= utf8.MaxRune
}

// view returns text of the document, or made for it, as a string: it does not change.
func view(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

// decode replaces references, and line ends as XML 1.0 section 2.11 has it; in attributes white space becomes blanks.
func decode(raw []byte, attribute bool) []byte {
	if !bytes.ContainsAny(raw, "&\r") && (!attribute || !bytes.ContainsAny(raw, "\t\n")) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case c == '&':
			r, n := reference(raw[i:])
			out = utf8.AppendRune(out, r)
			i += n
			continue
		case c == '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			c = '\n'
		}
		if attribute && (c == '\n' || c == '\t') {
			c = ' '
		}
		out = append(out, c)
		i++
	}
	return out
}

// AppendText appends s with what XML cannot hold in an element replaced by references.
func AppendText(dst []byte, s string) []byte { return appendEscaped(dst, s, false) }

// AppendAttr appends s with what XML cannot hold in a value in double quotes replaced by references.
func AppendAttr(dst []byte, s string) []byte { return appendEscaped(dst, s, true) }

func appendEscaped(dst []byte, s string, attribute bool) []byte {
	for plain := 0; ; {
		for plain < len(s) && unescaped[s[plain]] {
			plain++
		}
		dst = append(dst, s[:plain]...)
		if s = s[plain:]; s == "" {
			return dst
		}
		c, n := utf8.DecodeRuneInString(s)
		s, plain = s[n:], 0
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '\r':
			dst = append(dst, "&#13;"...)
		case attribute && c == '"':
			dst = append(dst, "&quot;"...)
		case attribute && (c == '\n' || c == '\t'):
			dst = fmt.Appendf(dst, "&#%d;", c)
		case !isChar(c):
			dst = append(dst, "\ufffd"...)
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
}

// unescaped are the bytes of characters that stand for themselves everywhere.
var unescaped = func() (b [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		b[c] = strings.IndexByte("&<>\"", byte(c)) < 0
	}
	return b
}()
