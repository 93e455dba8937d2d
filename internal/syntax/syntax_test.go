package syntax

import "testing"

func TestPosition(t *testing.T) {
	for offset, want := range [][2]int{{1, 1}, {1, 2}, {2, 1}, {2, 2}} {
		if line, column := Position([]byte("a\nb"), offset); line != want[0] || column != want[1] {
			t.Errorf("offset %d: line %d, column %d, want %v", offset, line, column, want)
		}
	}
}
