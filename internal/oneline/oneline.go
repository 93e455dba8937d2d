// Package oneline prints what strangers wrote, such as the type of a predicate or the name of an image.
package oneline

import (
	"strings"
	"unicode"
)

// Of keeps text from writing lines of its own into a log or a terminal, and from turning the order of what stands there
// (Unicode's bidirectional controls).
func Of(s string) string {
	if isPlain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

// isPlain reports whether a text is ASCII without controls, as most is.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// Error is what an error says, in one line: where several are joined, as clauses.
func Error(err error) string { return Of(strings.ReplaceAll(err.Error(), "\n", "; ")) }
