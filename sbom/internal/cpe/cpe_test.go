package cpe

import (
	"math/rand/v2"
	"testing"
)

// TestPlain holds what knows most names at a glance against the expression that the specifications give.
func TestPlain(t *testing.T) {
	parts := []string{"*", "-", "a", "h", "o", "x", "", "1.0", "a-b_c", `a\:b`, "en", "en-US", "?", "a*", "é", "A", "@", "["}
	r := rand.New(rand.NewPCG(1, 2))
	plain := 0
	for range 100_000 {
		s := "cpe:2.3"
		for range 11 - r.IntN(2)*r.IntN(2)*r.IntN(2) {
			s += ":" + parts[min(r.IntN(len(parts)), r.IntN(len(parts)), r.IntN(len(parts)))]
		}
		if isPlain(s) {
			plain++
			if !formatted.MatchString(s) {
				t.Errorf("%q is none", s)
			}
		}
	}
	if plain < 100 {
		t.Errorf("%d names are plain", plain)
	}
}
