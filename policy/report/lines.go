package report

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
)

// longest is how many characters of one text are shown. What tells a reason needs fewer.
const longest = 4000

// clean is text of strangers in one line of bounded length.
func clean(s string) string {
	s = strings.Join(strings.Fields(oneline.Of(s)), " ")
	if utf8.RuneCountInString(s) > longest {
		s = string([]rune(s)[:longest-1]) + "…"
	}
	return s
}

// wide are the characters of two columns: East Asian wide ones and pictures.
var wide = [][2]rune{
	{0x1100, 0x115F}, {0x231A, 0x231B}, {0x23E9, 0x23F3}, {0x25FD, 0x27BF}, {0x2B1B, 0x2B55}, {0x2E80, 0xA4CF}, {0xA960, 0xA97C},
	{0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE30, 0xFE6F}, {0xFF01, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F000, 0x1FAFF}, {0x20000, 0x3FFFD},
}

// cells is how many columns of a terminal a character takes, at most (after Unicode Standard Annex 11): none for marks and format
// characters.
func cells(r rune) int {
	if r < 0x7F {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	for _, w := range wide {
		if w[0] <= r && r <= w[1] {
			return 2
		}
	}
	return 1
}

func width(s string) (n int) {
	for _, r := range s {
		n += cells(r)
	}
	return n
}

// cut returns what of s takes at most n columns, and the rest.
func cut(s string, n int) (head, rest string) {
	for i, r := range s {
		if n -= cells(r); n < 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// fit shortens s to n columns.
func fit(s string, n int) string {
	if width(s) <= n {
		return s
	}
	head, _ := cut(s, n-1)
	return strings.TrimRight(head, " ") + "…"
}

// wrap breaks s into lines of at most n columns, between words where it can.
func wrap(s string, n int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && width(line)+1+width(word) <= n {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for width(word) > n {
			head, rest := cut(word, n)
			lines, word = append(lines, head), rest
		}
		line = word
	}
	return append(lines, line)
}

// short abbreviates digests in a text to twelve digits, as people know them from other tools.
func short(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "sha256:")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n := 0
		for n < len(after) && strings.IndexByte("0123456789abcdef", after[n]) >= 0 {
			n++
		}
		b.WriteString("sha256:")
		if n == 64 {
			b.WriteString(after[:12])
		} else {
			b.WriteString(after[:n])
		}
		s = after[n:]
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// held says until when a decision holds; nothing of one that is undecided.
func held(d *policy.Decision) string {
	switch {
	case d.Verdict == policy.Indeterminate, d.Replayed:
		return ""
	case d.Until.IsZero():
		return "for the moment only"
	case d.Until.Equal(policy.Forever):
		return "until the evidence or the policy changes"
	}
	return "until " + stamp(d.Until)
}
