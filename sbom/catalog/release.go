package catalog

import (
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
)

// system is a tree as extractors see it when they ask what system it is of: it has a directory etc, without which they do
// not look for os-release in /usr, where images that are made from packages may have all there is, and its os-release has
// no quotes but whole double ones.
type system struct{ rootfs.Tree }

func (t system) Stat(name string) (fs.FileInfo, error) {
	info, err := t.Tree.Stat(name)
	if err != nil && name == "etc" {
		return t.Tree.Stat("usr/lib")
	}
	return info, err
}

func (t system) Open(name string) (fs.File, error) {
	file, err := t.Tree.Open(name)
	if err != nil || name != "etc/os-release" && name != "usr/lib/os-release" {
		return file, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxText))
	if err != nil {
		file.Close()
		return nil, err
	}
	return rewritten{file, strings.NewReader(osRelease(string(data)))}, nil
}

type rewritten struct {
	fs.File
	r io.Reader
}

func (f rewritten) Read(p []byte) (int, error) { return f.r.Read(p) }

// osRelease writes the assignments of os-release(5), whose values are quoted as a shell's, in one way.
func osRelease(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		var plain strings.Builder
		quote := rune(0)
		escaped := false
		for _, r := range value {
			switch {
			case escaped:
				plain.WriteRune(r)
				escaped = false
			case r == '\\' && quote != '\'':
				escaped = true
			case r == quote:
				quote = 0
			case quote == 0 && (r == '"' || r == '\''):
				quote = r
			default:
				plain.WriteRune(r)
			}
		}
		fmt.Fprintf(&out, "%s=\"%s\"\n", name, plain.String())
	}
	return out.String()
}
