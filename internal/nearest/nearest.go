// Package nearest says which of the words that there are is likely meant.
package nearest

import (
	"fmt"
	"strings"
)

// Suggest says which of the known names is meant, or which there are.
func Suggest(got string, known []string) string {
	const few, most = 14, 500 // what is shown, and looked at
	known = known[:min(len(known), most)]
	best, least := "", max(2, len(got)/3)+1
	lower := strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(got))
	for _, k := range known {
		if lower == strings.ToLower(strings.ReplaceAll(k, "-", "")) {
			return fmt.Sprintf("did you mean %q?", k)
		}
		if abs(len(got)-len(k)) >= least {
			continue
		}
		if d := distance(got, k); d < least {
			best, least = k, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(known) == 0:
		return "there are none"
	case len(known) <= few:
		return "there are " + strings.Join(known, ", ")
	}
	return "there are " + strings.Join(known[:few], ", ") + " and more"
}

// distance counts the letters that are to be changed, added, removed or swapped with the next one (optimal string alignment).
func distance(a, b string) int {
	const most = 64
	if len(a) > most || len(b) > most {
		return most
	}
	var before, last, row [most + 1]int
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

func abs(n int) int { return max(n, -n) }
