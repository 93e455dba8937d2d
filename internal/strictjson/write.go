package strictjson

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// A Writer appends texts as JSON. Err is [ErrText] if one of them is not valid UTF-8.
type Writer struct {
	Data []byte
	Err  error
}

// Raw appends what is JSON already.
func (w *Writer) Raw(s string) { w.Data = append(w.Data, s...) }

// Text appends a string.
func (w *Writer) Text(s string) {
	if !utf8.ValidString(s) {
		w.Err = fmt.Errorf("%w: %q", ErrText, s)
	}
	w.Data = AppendString(w.Data, s)
}

// Texts appends an object of strings, in the order of its members' names.
func (w *Writer) Texts(m map[string]string) {
	w.Raw("{")
	for i, name := range slices.Sorted(maps.Keys(m)) {
		w.Raw(","[:min(i, 1)])
		w.Text(name)
		w.Raw(":")
		w.Text(m[name])
	}
	w.Raw("}")
}

// AppendString appends s as a JSON string. What is not valid UTF-8 becomes U+FFFD, so callers check first; nothing
// else is changed, and no character is escaped that need not be.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		n := plainPrefix(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; s == "" {
			break
		}
		switch c := s[0]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = fmt.Appendf(dst, `\u%04x`, c)
		default:
			r, size := utf8.DecodeRuneInString(s)
			dst = utf8.AppendRune(dst, r)
			s = s[size:]
			continue
		}
		s = s[1:]
	}
	return append(dst, '"')
}

// plainPrefix returns how many bytes at the beginning of s are ASCII that needs no escape.
func plainPrefix(s string) int {
	p := 0
	for ; p+8 <= len(s); p += 8 {
		b := s[p : p+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		q, e := w^(ones*'"'), w^(ones*'\\')
		if stop := ((q-ones)&^q | (e-ones)&^e | (w-ones*0x20)&^w | w) & highs; stop != 0 {
			return p + bits.TrailingZeros64(stop)>>3
		}
	}
	for ; p < len(s); p++ {
		if c := s[p]; c == '"' || c == '\\' || c < 0x20 || c >= utf8.RuneSelf {
			break
		}
	}
	return p
}
