// Package oneline prints what strangers wrote, such as the type of a predicate or the name of an image.
package oneline

import (
	"strings"
	"unicode"
)

// Of keeps text from writing lines of its own into a log or a terminal, from turning the order of what stands there (Unicode's
// bidirectional controls), and from commanding a CI server that reads its own log: two hashes in a row begin a command for Azure
// Pipelines, TeamCity and older runners of GitHub Actions wherever they stand in a line, and are taken apart. Characters that
// nobody sees between them do not help, because who compares as a culture does skips them.
func Of(s string) string {
	if isPlain(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
	if strings.Count(s, "#") < 2 {
		return s
	}
	var b strings.Builder
	hash := false // the last character that can be seen is one
	for _, r := range s {
		if r == '#' && hash {
			b.WriteByte(' ')
		}
		if !unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			hash = r == '#'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isPlain reports whether a text is ASCII without controls and hashes, as most is: there is nothing to change.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f || s[i] == '#' {
			return false
		}
	}
	return true
}

// Error is what an error says, in one line: where several are joined, as clauses.
func Error(err error) string { return Of(strings.ReplaceAll(err.Error(), "\n", "; ")) }
