// Package cilog is for lines that a program prints where a CI server reads along.
package cilog

import (
	"strings"
	"unicode"
)

// Line is for text that begins a line, or stands behind blanks alone: the runner of GitHub Actions takes two colons there for the
// begin of a command. It puts a quotation mark before them.
func Line(s string) string {
	unseen := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	}
	before, after, found := strings.Cut(s, ":")
	if !found || strings.TrimFunc(before, unseen) != "" || !strings.HasPrefix(strings.TrimLeftFunc(after, unseen), ":") {
		return s
	}
	return "'" + s
}
