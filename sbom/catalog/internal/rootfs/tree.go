// Package rootfs is the file system that an image or a directory holds, with links followed as inside of a container.
package rootfs

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	scalibrfs "github.com/google/osv-scalibr/fs"
)

// A Tree is a file system to look for packages in. Paths are those of io/fs. Links are followed as inside a container:
// what is above the root is the root.
type Tree interface {
	scalibrfs.FS
	Places
}

// Places says of paths what a file system of io/fs does not.
type Places interface {
	// OpenFound opens a file that ReadDir of its directory's real path said to be regular.
	OpenFound(path string) (fs.File, error)
	// Real returns where a path leads by way of links, or nothing if that is nowhere.
	Real(path string) string
	// LayerOf returns the digest of the layer that a file is from, or nothing.
	LayerOf(path string) string
	// Magic returns the first bytes of a file that may be a program.
	Magic(path string) []byte
}

// Bounds of paths.
const (
	MaxLinks = 40      // on one way, as Linux has it
	MaxPath  = 4 << 10 // bytes of a path or of what a link says, as Linux has it
	maxRead  = 1 << 28 // bytes of a file that has to be in memory, because it cannot be read at any place
)

// A walk goes through a file system, from its root on.
type walk interface {
	// enter goes to a name in the directory that was reached. If a link is there, and is to be followed, it stays and says where the
	// link leads.
	enter(name string, follow bool) (link string, ok bool)
	up()
	top()
}

// follow walks a path part by part. Links in directories are followed, and the last one too if asked. It returns how many steps it took,
// and whether the path leads anywhere.
func follow(w walk, name string, last bool) (steps int, ok bool) {
	links, rest := 0, strings.Split(name, "/")
	steps = len(rest)
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			w.up()
			continue
		}
		link, ok := w.enter(part, last || len(rest) > 0)
		if !ok {
			return steps, false
		}
		if link == "" {
			continue
		}
		if links++; links > MaxLinks || len(link) > MaxPath {
			return steps, false
		}
		if link[0] == '/' {
			w.top()
		}
		rest = slices.Concat(strings.Split(link, "/"), rest)
		steps += len(rest)
	}
	return steps, true
}

// IsProgram says whether a file begins like what a compiler makes: ELF, PE, Mach-O, XCOFF, WebAssembly.
func IsProgram(start []byte) bool {
	for _, m := range []string{"\x7fELF", "MZ", "\xfe\xed\xfa", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe",
		"\xca\xfe\xba\xbe", "\x01\xdf", "\x01\xf7", "\x00asm"} {
		if strings.HasPrefix(string(start), m) {
			return true
		}
	}
	return false
}

// Clean makes a name of an archive a path of io/fs: nothing is above the root.
func Clean(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return "."
	}
	return name
}

// ErrLimit means that something is larger, deeper or more than is read.
var ErrLimit = errors.New("over a limit")
