package rootfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// Dir is a directory.
type Dir struct {
	fs   fs.FS
	dirs map[string]bool // that were walked: no links are on the way to them
}

// NewDir makes a directory the root of a tree.
func NewDir(fsys fs.FS) *Dir { return &Dir{fsys, map[string]bool{".": true}} }

// Walked notes that a path was found by walking: it is a directory, and no links are on the way to it.
func (d *Dir) Walked(name string) { d.dirs[name] = true }

func (d *Dir) Real(name string) string {
	if d.dirs[name] {
		return name
	}
	if dir := path.Dir(name); dir != "." && d.dirs[dir] { // most files
		if link, ok := d.linkAt(name); ok && link == "" {
			return name
		}
	}
	w := dirWalk{d, "."}
	if _, ok := follow(&w, name, true); !ok {
		return ""
	}
	return w.at
}

// linkAt reports whether there is something, no links being on the way, and what it says if it is a link.
func (d *Dir) linkAt(at string) (link string, ok bool) {
	if d.dirs[at] {
		return "", true
	}
	info, err := fs.Lstat(d.fs, at)
	if err != nil {
		return "", false
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return "", true
	}
	link, err = fs.ReadLink(d.fs, at)
	return link, err == nil && link != ""
}

type dirWalk struct {
	d  *Dir
	at string
}

func (w *dirWalk) enter(name string, follow bool) (string, bool) {
	to := path.Join(w.at, name)
	link, ok := w.d.linkAt(to)
	if !ok || link != "" && follow {
		return link, ok
	}
	w.at = to
	return "", true
}

func (w *dirWalk) up()  { w.at = path.Dir(w.at) }
func (w *dirWalk) top() { w.at = "." }

func (d *Dir) lookup(op, name string) (string, fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return "", nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	at := d.Real(name)
	if at == "" {
		return "", nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	info, err := fs.Lstat(d.fs, at)
	return at, info, err
}

var errNotRegular = errors.New("it is neither a file nor a directory")

// Open opens files and directories. Devices and pipes would do something.
func (d *Dir) Open(name string) (fs.File, error) {
	at, info, err := d.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	if info.IsDir() {
		return d.fs.Open(at)
	}
	return d.OpenFound(at)
}

func (d *Dir) OpenFound(name string) (fs.File, error) {
	f, err := d.fs.Open(name)
	if err != nil {
		return nil, err
	}
	_, at := f.(io.ReaderAt)
	if _, ok := f.(io.Seeker); ok && at {
		return f, nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxRead+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxRead {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%w: %d bytes in memory", ErrLimit, maxRead)}
	}
	return memory{bytes.NewReader(data), info}, nil
}

type memory struct {
	*bytes.Reader
	info fs.FileInfo
}

func (m memory) Stat() (fs.FileInfo, error) { return m.info, nil }
func (m memory) Close() error               { return nil }

func (d *Dir) ReadDir(name string) ([]fs.DirEntry, error) {
	at, _, err := d.lookup("readdir", name)
	if err != nil {
		return nil, err
	}
	return fs.ReadDir(d.fs, at)
}

func (d *Dir) Stat(name string) (fs.FileInfo, error) {
	_, info, err := d.lookup("stat", name)
	return info, err
}

func (d *Dir) LayerOf(string) string { return "" }

func (d *Dir) Magic(name string) []byte {
	f, err := d.fs.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, 4)
	n, _ := io.ReadFull(f, b)
	return b[:n]
}
