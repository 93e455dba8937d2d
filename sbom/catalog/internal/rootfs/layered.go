package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Layered is the file system that layers make: of all files their names, of those that are wanted the content, in a
// temporary file.
type Layered struct {
	root     *inode
	wanted   func(path string, info fs.FileInfo) Want
	warn     func(path string, err error)
	spool    *os.File
	at       int64 // where the spool ends
	layers   []string
	files    int
	bytes    int64
	maxBytes int64
	maxFiles int
	steps    int // from directory to directory: a few names of many links would be many

	// The directory of the last entry: those of one directory stand together.
	lastName, lastReal string
	last               *inode
}

// Want says what a file's content is kept for.
type Want uint8

const (
	Nothing Want = iota
	Program      // if it begins like one
	Content
)

type inode struct {
	name     string
	mode     fs.FileMode
	size     int64
	modified time.Time
	layer    int
	top      int  // the highest layer of it and what is in it
	cleared  int  // the layer that removed all lower ones' content in it, from 1
	kept     bool // its content is in the spool
	start    [4]byte
	off      int64 // in the spool
	link     string
	children map[string]*inode
}

func NewLayered(wanted func(string, fs.FileInfo) Want, warn func(string, error), maxBytes int64, maxFiles int) (*Layered, error) {
	spool, err := os.CreateTemp("", "lading-catalog-")
	if err != nil {
		return nil, err
	}
	// Where that is possible it has no name from here on, and goes with the program.
	_ = os.Remove(spool.Name())
	return &Layered{root: newDir(".", 0), wanted: wanted, warn: warn, spool: spool, maxBytes: maxBytes, maxFiles: maxFiles}, nil
}

func newDir(name string, layer int) *inode {
	return &inode{name: name, mode: fs.ModeDir | 0o755, layer: layer, top: layer, children: map[string]*inode{}}
}

func (t *Layered) Close() {
	t.spool.Close()
	_ = os.Remove(t.spool.Name())
}

// Marks of what a layer removes (OCI image specification, "Whiteouts").
const (
	Whiteout = ".wh."
	Opaque   = ".wh..wh..opq"
)

// Files is how many entries the layers had.
func (t *Layered) Files() int { return t.files }

// Count adds to the bytes that layers hold, unpacked, which are bounded.
func (t *Layered) Count(n int64) error {
	if t.bytes += n; t.bytes > t.maxBytes {
		return fmt.Errorf("%w: layers of more than %d bytes; set MaxBytes if that is right", ErrLimit, t.maxBytes)
	}
	return nil
}

// Apply adds a layer's archive.
func (t *Layered) Apply(layer int, digest string, r *tar.Reader) error {
	t.layers = append(t.layers, digest)
	t.last = nil
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if t.files++; t.files > t.maxFiles {
			return fmt.Errorf("%w: more than %d files; set MaxFiles if that is right", ErrLimit, t.maxFiles)
		}
		if err := t.entry(layer, h, r); err != nil {
			return fmt.Errorf("%.200q: %w", h.Name, err)
		}
		if t.steps > max(100*t.maxFiles, 10_000_000) {
			return fmt.Errorf("%w: paths of %d steps; set MaxFiles if that is right", ErrLimit, t.steps)
		}
	}
}

func (t *Layered) entry(layer int, h *tar.Header, r io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name := Clean(h.Name)
	if len(name) > MaxPath || len(h.Linkname) > MaxPath {
		t.warn(name[:min(len(name), 100)]+"...", fmt.Errorf("%w: a path of more than %d bytes", ErrLimit, MaxPath))
		return nil
	}
	if name == "." {
		return nil
	}
	dir, real := t.last, t.lastReal
	if parent := path.Dir(name); dir == nil || t.lastName != parent {
		dir, real = t.resolve(parent, true, true, layer)
		t.lastName, t.last, t.lastReal = parent, dir, real
	}
	if dir == nil {
		t.warn(name, errors.New("it is behind links that go round"))
		return nil
	}
	base := path.Base(name)
	if base == Opaque {
		t.last = nil
		clearLower(dir, layer)
		return nil
	}
	if gone, ok := strings.CutPrefix(base, Whiteout); ok {
		t.last = nil
		if c := dir.children[gone]; c != nil {
			removeLower(dir, gone, c, layer)
		}
		return nil
	}
	old := dir.children[base]
	n := &inode{name: base, mode: h.FileInfo().Mode(), modified: h.ModTime, layer: layer, top: layer}
	switch h.Typeflag {
	case tar.TypeDir:
		if old != nil && old.children != nil {
			old.mode, old.layer, old.top = n.mode, layer, layer
			return nil
		}
		n.children = map[string]*inode{}
	case tar.TypeSymlink:
		n.mode, n.link = fs.ModeSymlink|0o777, h.Linkname
	case tar.TypeLink:
		target, _ := t.resolve(Clean(h.Linkname), false, false, 0)
		if target == nil || target.children != nil || target == old {
			if target == nil || target != old {
				t.warn(name, fmt.Errorf("it is a hard link to %.200q, which is not there", h.Linkname))
			}
			return nil
		}
		c := *target
		c.name, c.layer, c.top = base, layer, layer
		n = &c
	case tar.TypeReg, tar.TypeGNUSparse:
		n.size = h.Size
		if err := t.keep(n, t.wanted(path.Join(real, base), info{n}), r); err != nil {
			return err
		}
	default:
		n.mode |= fs.ModeIrregular // devices and pipes
	}
	if n.link != "" || old != nil && !old.mode.IsRegular() {
		t.last = nil // it may be on the way there
	}
	dir.children[base] = n
	return nil
}

// keep puts a file's content into the spool. A sparse file may say that it is very long and have nothing in it.
func (t *Layered) keep(n *inode, w Want, r io.Reader) error {
	if w == Nothing {
		return nil
	}
	k, err := io.ReadFull(r, n.start[:min(n.size, 4)])
	if err != nil {
		return err
	}
	if w == Program && !IsProgram(n.start[:k]) {
		return nil
	}
	if t.at+n.size > t.maxBytes {
		return fmt.Errorf("%w: files of more than %d bytes; set MaxBytes if that is right", ErrLimit, t.maxBytes)
	}
	to := io.NewOffsetWriter(t.spool, t.at)
	if _, err := to.Write(n.start[:k]); err != nil {
		return err
	}
	if _, err := io.CopyN(to, r, n.size-int64(k)); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	n.kept, n.off = true, t.at
	t.at += n.size
	return nil
}

// removeLower removes what lower layers have of a name.
func removeLower(dir *inode, name string, n *inode, layer int) {
	switch {
	case n.top < layer:
		delete(dir.children, name)
	case n.children != nil:
		clearLower(n, layer)
	}
}

func clearLower(dir *inode, layer int) {
	if dir.cleared == layer+1 {
		return
	}
	dir.cleared = layer + 1
	for name, c := range dir.children {
		removeLower(dir, name, c, layer)
	}
}

// resolve returns what is at a path, and the path without links; nothing if it leads nowhere. Links in directories are
// followed, and the last one too if asked. With create it makes the directories that are not there, where links lead, in
// place of files in the way, and marks those on the way as touched by the layer.
func (t *Layered) resolve(name string, last, create bool, layer int) (*inode, string) {
	w := layeredWalk{stack: []*inode{t.root}, create: create, layer: layer}
	steps, ok := follow(&w, name, last)
	t.steps += steps
	if !ok {
		return nil, ""
	}
	if create {
		for _, n := range w.stack {
			n.top = max(n.top, layer)
		}
	}
	if len(w.names) == 0 {
		return t.root, "."
	}
	return w.stack[len(w.stack)-1], strings.Join(w.names, "/")
}

type layeredWalk struct {
	stack  []*inode // the directories down to the one that was reached, the root first
	names  []string // of those below the root
	create bool
	layer  int
}

func (w *layeredWalk) enter(name string, follow bool) (string, bool) {
	children := w.stack[len(w.stack)-1].children
	n := children[name]
	if w.create && (n == nil || n.children == nil && n.link == "") {
		n = newDir(name, w.layer)
		children[name] = n
	}
	if n == nil {
		return "", false
	}
	if n.link != "" && follow {
		return n.link, true
	}
	w.stack, w.names = append(w.stack, n), append(w.names, name)
	return "", true
}

func (w *layeredWalk) up() {
	if len(w.names) > 0 {
		w.stack, w.names = w.stack[:len(w.stack)-1], w.names[:len(w.names)-1]
	}
}

func (w *layeredWalk) top() { w.stack, w.names = w.stack[:1], w.names[:0] }

func (t *Layered) Real(name string) string {
	_, real := t.resolve(name, true, false, 0)
	return real
}

func (t *Layered) LayerOf(name string) string {
	if n, _ := t.resolve(name, true, false, 0); n != nil && n.layer < len(t.layers) {
		return t.layers[n.layer]
	}
	return ""
}

func (t *Layered) Magic(name string) []byte {
	if n, _ := t.resolve(name, true, false, 0); n != nil {
		return n.start[:min(n.size, 4)]
	}
	return nil
}

func (t *Layered) lookup(op, name string) (*inode, error) {
	if !fs.ValidPath(strings.ToValidUTF8(name, "?")) { // names in archives are any bytes
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n, _ := t.resolve(name, true, false, 0)
	if n == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

// ErrNotKept means that a file was not wanted when its layer was read.
var ErrNotKept = errors.New("its content was not kept: it had a name there that nothing is read of")

func (t *Layered) Open(name string) (fs.File, error) {
	n, err := t.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if n.children == nil && !n.mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	if n.mode.IsRegular() && !n.kept && n.size > 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: ErrNotKept}
	}
	return &file{io.NewSectionReader(t.spool, n.off, n.size), info{n}, t, name}, nil
}

func (t *Layered) OpenFound(name string) (fs.File, error) { return t.Open(name) }

// ReadDir returns a directory's entries in order.
func (t *Layered) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.lookup("readdir", name)
	if err != nil {
		return nil, err
	}
	if n.children == nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	out := make([]fs.DirEntry, 0, len(n.children))
	for _, c := range n.children {
		out = append(out, fs.FileInfoToDirEntry(info{c}))
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

// Stat follows links.
func (t *Layered) Stat(name string) (fs.FileInfo, error) {
	n, err := t.lookup("stat", name)
	if err != nil {
		return nil, err
	}
	return info{n}, nil
}

type info struct{ n *inode }

func (i info) Name() string       { return i.n.name }
func (i info) Size() int64        { return i.n.size }
func (i info) Mode() fs.FileMode  { return i.n.mode }
func (i info) ModTime() time.Time { return i.n.modified }
func (i info) IsDir() bool        { return i.n.children != nil }
func (i info) Sys() any           { return nil }

type file struct {
	*io.SectionReader
	info info
	tree *Layered
	name string
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }
func (f *file) ReadDir(int) ([]fs.DirEntry, error) {
	return f.tree.ReadDir(f.name)
}
