package tuf

import "testing"

// What a program pays at its start. The floor is the ten signatures of what is embedded, P-256 at about 0.07 ms each, and the roots.
func BenchmarkRoots(b *testing.B) {
	c := new(Client)
	for b.Loop() {
		if _, err := c.Roots(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	root := Production().Root
	for b.Loop() {
		if _, err := parse(rootRole, root); err != nil {
			b.Fatal(err)
		}
	}
}
