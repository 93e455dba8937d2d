package catalog

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

	scalibrfs "github.com/google/osv-scalibr/fs"
)

// A tree is a file system to look for packages in. Paths are those of io/fs.
type tree interface {
	scalibrfs.FS
	// layerOf returns the digest of the layer that a file is from, or nothing.
	layerOf(path string) string
}

// dirTree is a directory.
type dirTree struct{ fs.FS }

func newDirTree(fsys fs.FS) dirTree { return dirTree{fsys} }

func (d dirTree) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(d.FS, name) }
func (d dirTree) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(d.FS, name) }
func (d dirTree) layerOf(string) string                      { return "" }

// layered is the file system that layers make: of all files their names, of those that are wanted the content, in a
// temporary file.
type layered struct {
	root     *inode
	wanted   func(path string, info fs.FileInfo) bool
	spool    *os.File
	at       int64 // where the spool ends
	layers   []string
	files    int
	bytes    int64
	maxBytes int64
	maxFiles int
}

type inode struct {
	name     string
	mode     fs.FileMode
	size     int64
	modified time.Time
	layer    int
	kept     bool  // its content is in the spool
	off      int64 // there
	link     string
	children map[string]*inode
}

func newLayered(wanted func(string, fs.FileInfo) bool, o *Options) (*layered, error) {
	spool, err := os.CreateTemp("", "lading-catalog-")
	if err != nil {
		return nil, err
	}
	// Where that is possible it has no name from here on, and goes with the program.
	_ = os.Remove(spool.Name())
	return &layered{root: newDir("."), wanted: wanted, spool: spool, maxBytes: o.MaxBytes, maxFiles: o.MaxFiles}, nil
}

func newDir(name string) *inode {
	return &inode{name: name, mode: fs.ModeDir | 0o755, children: map[string]*inode{}}
}

func (t *layered) close() {
	t.spool.Close()
	_ = os.Remove(t.spool.Name())
}

// Marks of what a layer removes (OCI image specification, "Whiteouts").
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// apply adds a layer's archive.
func (t *layered) apply(layer int, digest string, r *tar.Reader) error {
	t.layers = append(t.layers, digest)
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
	}
}

func (t *layered) entry(layer int, h *tar.Header, content io.Reader) error {
	if len(h.Name) > maxPath || len(h.Linkname) > maxPath {
		return fmt.Errorf("%w: a path of more than %d bytes", ErrLimit, maxPath)
	}
	name := clean(h.Name)
	if name == "." {
		return nil
	}
	dir := t.makeDir(path.Dir(name), layer)
	if dir == nil {
		return nil // behind links that lead nowhere: nothing can be there
	}
	base := path.Base(name)
	if base == opaque {
		for n, c := range dir.children {
			removeLower(dir, n, c, layer)
		}
		return nil
	}
	if gone, ok := strings.CutPrefix(base, whiteout); ok {
		if c := dir.children[gone]; c != nil {
			removeLower(dir, gone, c, layer)
		}
		return nil
	}
	old := dir.children[base]
	n := &inode{name: base, mode: h.FileInfo().Mode(), modified: h.ModTime, layer: layer}
	switch h.Typeflag {
	case tar.TypeDir:
		if old != nil && old.children != nil {
			old.mode, old.layer = n.mode, layer
			return nil
		}
		n.children = map[string]*inode{}
	case tar.TypeSymlink:
		n.mode, n.link = fs.ModeSymlink|0o777, h.Linkname
	case tar.TypeLink:
		target := t.find(clean(h.Linkname), false)
		if target == nil || target.children != nil {
			return nil // as for a runtime, there is nothing to link to
		}
		c := *target
		c.name, c.layer = base, layer
		n = &c
	case tar.TypeReg:
		n.size = h.Size
		if t.wanted(name, info{n}) {
			w, err := io.Copy(io.NewOffsetWriter(t.spool, t.at), content)
			if err != nil {
				return err
			}
			n.kept, n.off = true, t.at
			t.at += w
		}
	case tar.TypeXGlobalHeader:
		return nil
	default:
		n.mode |= fs.ModeIrregular // devices and pipes
	}
	dir.children[base] = n
	return nil
}

// removeLower removes what lower layers have of a name.
func removeLower(dir *inode, name string, n *inode, layer int) {
	if n.layer < layer && !hasLayer(n, layer) {
		delete(dir.children, name)
		return
	}
	for childName, c := range n.children {
		removeLower(n, childName, c, layer)
	}
}

func hasLayer(n *inode, layer int) bool {
	if n.layer == layer {
		return true
	}
	for _, c := range n.children {
		if hasLayer(c, layer) {
			return true
		}
	}
	return false
}

// clean makes a name of an archive a path of io/fs: nothing is above the root.
func clean(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return "."
	}
	return name
}

// makeDir returns a directory, by way of links, and makes what is not there. A file in the way is replaced.
func (t *layered) makeDir(name string, layer int) *inode {
	if n := t.find(name, true); n != nil && n.children != nil {
		return n
	}
	if name == "." {
		return t.root
	}
	parent := t.makeDir(path.Dir(name), layer)
	if parent == nil {
		return nil
	}
	if n := parent.children[path.Base(name)]; n != nil && n.mode&fs.ModeSymlink != 0 {
		return nil
	}
	n := newDir(path.Base(name))
	n.layer = layer
	parent.children[n.name] = n
	return n
}

const maxPath = 4096 // bytes, as Linux has it

const maxLinks = 40 // on one way, as Linux has it

// find returns what is at a path, following links in directories, and the last one too if asked; or nil.
func (t *layered) find(name string, follow bool) *inode {
	type step struct {
		dir  *inode
		path string
	}
	links := 0
	stack := []step{{t.root, "."}}
	rest := strings.Split(name, "/")
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		at := stack[len(stack)-1]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
			}
			continue
		}
		n := at.dir.children[part]
		if n == nil {
			return nil
		}
		if n.mode&fs.ModeSymlink != 0 && (follow || len(rest) > 0) {
			if links++; links > maxLinks {
				return nil
			}
			if strings.HasPrefix(n.link, "/") {
				stack = stack[:1]
			}
			rest = slices.Concat(strings.Split(n.link, "/"), rest)
			continue
		}
		if n.children == nil {
			if len(rest) > 0 {
				return nil
			}
			return n
		}
		stack = append(stack, step{n, part})
	}
	return stack[len(stack)-1].dir
}

func (t *layered) layerOf(name string) string {
	if n := t.find(name, true); n != nil && n.layer < len(t.layers) {
		return t.layers[n.layer]
	}
	return ""
}

func (t *layered) lookup(op, name string) (*inode, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n := t.find(name, true)
	if n == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

// errNotKept means that a file was not wanted when its layer was read.
var errNotKept = errors.New("its content was not kept")

// Open opens a file. A directory gives its entries by [layered.ReadDir] only.
func (t *layered) Open(name string) (fs.File, error) {
	n, err := t.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if n.mode.IsRegular() && !n.kept && n.size > 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotKept}
	}
	return &file{io.NewSectionReader(t.spool, n.off, n.size), info{n}, t, name}, nil
}

// ReadDir returns a directory's entries in order.
func (t *layered) ReadDir(name string) ([]fs.DirEntry, error) {
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
func (t *layered) Stat(name string) (fs.FileInfo, error) {
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
	tree *layered
	name string
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }
func (f *file) ReadDir(int) ([]fs.DirEntry, error) {
	return f.tree.ReadDir(f.name)
}
