// Package gobuild describes Go binaries by the build information inside them (debug/buildinfo).
package gobuild

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/sbom/internal/model"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// ErrNotGo means that a file has no Go build information: it is no Go binary, or one without modules.
var ErrNotGo = errors.New("no Go build information")

// Binary describes one binary: it depends on all that was compiled into it.
func Binary(info *debug.BuildInfo, name string, hashes []model.Hash, created time.Time) *model.Document {
	root, modules := elements(info, name, hashes)
	h := begin(root, created, commitTime(info))
	for _, m := range modules {
		h.Elements = append(h.Elements, m)
		h.Edges = append(h.Edges, model.Edge{From: 0, To: len(h.Elements) - 1, Kind: "DEPENDS_ON"})
	}
	return h
}

// Dir describes all binaries in a directory and those below it. Holds says how it relates to them.
func Dir(ctx context.Context, fsys fs.FS, name string, created time.Time, holds string) (*model.Document, error) {
	h := begin(&model.Element{ID: tree.Constant(name), Kind: tree.Constant("application"), Name: tree.Constant(name)}, created, "")
	known := map[string]int{} // modules by what is said of them
	latest := ""
	err := fs.WalkDir(fsys, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		info, sum, err := readFile(fsys, path)
		if info == nil || err != nil {
			return err
		}
		latest = max(latest, commitTime(info))
		root, modules := elements(info, path, []model.Hash{{Alg: tree.Constant("SHA-256"), Value: tree.Constant(sum)}})
		at := len(h.Elements)
		h.Elements = append(h.Elements, root)
		h.Edges = append(h.Edges, model.Edge{From: 0, To: at, Kind: holds})
		for _, m := range modules {
			key := m.ID.S + " " + strings.Join(propertiesOf(m), " ")
			i, ok := known[key]
			if !ok {
				i = len(h.Elements)
				known[key] = i
				h.Elements = append(h.Elements, m)
			}
			h.Edges = append(h.Edges, model.Edge{From: at, To: i, Kind: "DEPENDS_ON"})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(h.Elements) == 1 {
		return nil, fmt.Errorf("%w in any file", ErrNotGo)
	}
	if !h.Created.OK() && latest != "" {
		h.Created = tree.Constant(latest)
	}
	return h, nil
}

// Identify gives elements and the document their IDs. What the document is named follows from what is in it and more.
func Identify(h *model.Document, more string) {
	ids := spec.Names{}
	for _, e := range h.Elements {
		e.ID.S = ids.Unique(e.ID.S)
	}
	var all strings.Builder
	for _, e := range h.Elements {
		all.WriteString(e.ID.S + " " + strings.Join(propertiesOf(e), " ") + "\n")
		for _, x := range e.Hashes {
			all.WriteString(x.Value.S + "\n")
		}
	}
	fmt.Fprint(&all, h.Created.S, more)
	h.Input = []byte(all.String())
	h.ID = tree.Constant("urn:uuid:" + spec.UUID(all.String()))
}

// readFile reads a file's build information and its SHA-256; of what is no Go binary, nothing.
func readFile(fsys fs.FS, path string) (*debug.BuildInfo, string, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, "", nil
	} else if err != nil {
		return nil, "", err
	}
	if !slices.ContainsFunc(executables, func(m string) bool { return strings.HasPrefix(string(magic), m) }) {
		return nil, "", nil
	}
	sum := sha256.New()
	sum.Write(magic)
	r, ok := f.(io.ReaderAt)
	if !ok { // a file system in memory, or one that is compressed
		all, err := io.ReadAll(io.MultiReader(bytes.NewReader(magic), f))
		if err != nil {
			return nil, "", err
		}
		r, f = bytes.NewReader(all), nil
		sum.Write(all[len(magic):])
	}
	info, err := buildinfo.Read(r)
	if err != nil {
		return nil, "", nil
	}
	if f != nil {
		if _, err := io.Copy(sum, f); err != nil {
			return nil, "", err
		}
	}
	return info, hex.EncodeToString(sum.Sum(nil)), nil
}

// executables are how files begin that may be Go binaries: ELF, PE, Mach-O in both byte orders and for several machines,
// XCOFF, WebAssembly.
var executables = []string{"\x7fELF", "MZ", "\xfe\xed\xfa", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe", "\x01\xdf",
	"\x01\xf7", "\x00asm"}

// commitTime returns when what was built was committed, or nothing.
func commitTime(info *debug.BuildInfo) string {
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			t, _ := spec.UTC(s.Value)
			return t
		}
	}
	return ""
}

// begin begins a document about root.
func begin(root *model.Element, created time.Time, committed string) *model.Document {
	h := &model.Document{Extracted: map[string]*model.Extracted{}, Now: "1970-01-01T00:00:00Z", Elements: []*model.Element{root},
		Roots: []int{0}}
	h.Tools = []model.Party{{Kind: "Tool", Name: tree.Constant("lading")}}
	h.Lifecycles = []tree.Text{tree.Constant("post-build")}
	h.Created = tree.Constant(committed)
	if !created.IsZero() {
		h.Created = tree.Constant(created.UTC().Format(spec.TimeLayout))
	}
	return h
}

// elements describes a binary and what it was built from.
func elements(info *debug.BuildInfo, name string, hashes []model.Hash) (root *model.Element, modules []*model.Element) {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	main := info.Main
	if main.Path == "" {
		main.Path = info.Path
	}
	root = element(&main, "application")
	root.Name.S = cmp.Or(root.Name.S, info.Path, name, "unknown")
	if name != "" {
		root.Properties = append(root.Properties, model.Property{Name: tree.Constant("golang:binary"), Value: tree.Constant(name)})
		root.FileName = tree.Constant(name)
	}
	for _, x := range hashes {
		x.Value.S = strings.ToLower(x.Value.S)
		root.Hashes = append(root.Hashes, x)
	}
	if info.Path != "" && info.Path != main.Path {
		root.Properties = append(root.Properties, model.Property{Name: tree.Constant("golang:package"), Value: tree.Constant(info.Path)})
	}
	for _, s := range info.Settings {
		if s.Value != "" {
			root.Properties = append(root.Properties, model.Property{Name: tree.Constant("golang:build:" + s.Key),
				Value: tree.Constant(s.Value)})
		}
	}
	if rev := settings["vcs.revision"]; rev != "" {
		s := settings["vcs"] + " revision " + rev
		if settings["vcs.modified"] == "true" {
			s += " with local changes"
		}
		root.SourceInfo = tree.Constant(s)
	}
	deps := slices.Clone(info.Deps)
	slices.SortStableFunc(deps, func(a, b *debug.Module) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Version, b.Version))
	})
	for _, m := range deps {
		modules = append(modules, element(m, "library"))
	}
	if info.GoVersion != "" {
		version, _, _ := strings.Cut(info.GoVersion, " ") // experiments follow
		std := element(&debug.Module{Path: "stdlib", Version: strings.TrimPrefix(version, "go")}, "library")
		std.Description = tree.Constant("The Go standard library and runtime")
		std.Licenses = []model.License{{Role: "declared", ID: tree.Constant("BSD-3-Clause")}}
		if std.Version.S != info.GoVersion {
			std.Properties = append(std.Properties, model.Property{Name: tree.Constant("golang:toolchain"),
				Value: tree.Constant(info.GoVersion)})
		}
		modules = append(modules, std)
	}
	return root, modules
}

func propertiesOf(e *model.Element) (out []string) {
	for _, p := range e.Properties {
		out = append(out, p.Name.S+"="+p.Value.S)
	}
	return out
}

// element describes a module by what was compiled: if it is replaced, the replacement.
func element(m *debug.Module, kind string) *model.Element {
	used := m
	for used.Replace != nil {
		used = used.Replace
	}
	e := &model.Element{Kind: tree.Constant(kind), Name: tree.Constant(used.Path), Version: tree.Constant(used.Version)}
	local := used.Path == "" || used.Path[0] == '.' || used.Path[0] == '/' || strings.Contains(used.Path, `\`) || len(used.Path) > 1 &&
		used.Path[1] == ':'
	if local && used != m {
		// A directory replaces it: what is in there has the module's name and nobody's version.
		e.Name, e.Version = tree.Constant(m.Path), tree.Text{}
	}
	if !local {
		e.PURLs = []tree.Text{tree.Constant(goPURL(used.Path, used.Version))}
	} else if m.Path != "" {
		e.PURLs = []tree.Text{tree.Constant(goPURL(m.Path, ""))}
	}
	id := e.Name.S
	if len(e.PURLs) > 0 {
		id = e.PURLs[0].S
	}
	e.ID = tree.Constant(id)
	if used != m {
		e.Properties = append(e.Properties, model.Property{Name: tree.Constant("golang:replaces"),
			Value: tree.Constant(strings.TrimSuffix(m.Path+"@"+m.Version, "@"))})
		if local {
			e.Properties = append(e.Properties, model.Property{Name: tree.Constant("golang:replacedBy"), Value: tree.Constant(used.Path)})
		}
	}
	if used.Sum != "" {
		e.Properties = append(e.Properties, model.Property{Name: tree.Constant("golang:h1"), Value: tree.Constant(used.Sum)})
	}
	return e
}

// goPURL writes a package URL of type golang. Module paths keep their case, as the module proxy tells modules apart by
// it.
func goPURL(path, version string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(p), ":", "%3A")
	}
	s := "pkg:golang/" + strings.Join(parts, "/")
	if version != "" && version != "(devel)" {
		s += "@" + strings.ReplaceAll(url.QueryEscape(version), "%3A", ":")
	}
	return s
}
