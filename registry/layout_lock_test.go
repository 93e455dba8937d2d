package registry

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

// Whoever pushes what would make a layout waits for its lock no longer than for anything else.
func TestMakeLockedLayout(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockFile(filepath.Join(dir, "index.json.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	b, err := Layout(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	d := Descriptor{MediaType: "text/plain", Digest: digest.FromString("one"), Size: 3}
	if err := b.Push(ctx, d, strings.NewReader("one"), ""); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the layout is locked", err)
	}
}
