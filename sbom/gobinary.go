package sbom

import (
	"cmp"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// GoBinaryOptions say how to describe a Go binary.
type GoBinaryOptions struct {
	// Format of the document: CycloneDX 1.2 to 1.7, SPDX 2.2, 2.3 or 3.0.1. Zero means CycloneDX 1.6.
	Format Format
	// Created is the time that the document says it was made. Zero means the commit time that is in the binary, if there
	// is one, else no time in CycloneDX, and 1970 in SPDX, which must have one.
	Created time.Time
	// Name of the binary, such as the path in an image. Empty means the last element of its main package's path.
	Name string
	// Hashes of the binary itself, which belong to its component, such as SHA-256. The reader is not read whole.
	Hashes []Hash
}

// A Hash is a digest of a component's content.
type Hash struct {
	Algorithm string // as CycloneDX writes it: SHA-256, SHA-512, SHA3-256, BLAKE2b-256, MD5
	Value     string // hexadecimal
}

// ErrNotGo means that a file has no Go build information: it is no Go binary, or one without modules.
var ErrNotGo = errors.New("no Go build information")

// GoBinary describes a Go binary from the build information inside it (debug/buildinfo): the main module, the modules
// compiled into it with what replaces them, the standard library as the toolchain that was used, what was checked out
// when it was built, and the build settings. The same binary and options give the same bytes.
//
// Build information does not say which module needs which: the document has the main module depend on all. A module's
// "h1:" checksum is of a listing of its files (golang.org/x/mod/sumdb/dirhash), not of a file that one can fetch, so it
// is not given as the component's hash but as the property "golang:h1".
//
// Errors wrap [ErrNotGo], or [ErrVersion] for a format that is not written.
func GoBinary(r io.ReaderAt, o *GoBinaryOptions) (*Document, error) {
	if o == nil {
		o = &GoBinaryOptions{}
	}
	format := o.Format
	if format == (Format{}) {
		format = Format{CycloneDX, "1.6"}
	}
	if !slices.Contains(targets, format) {
		return nil, fmt.Errorf("sbom: %w: %v cannot be written", ErrVersion, format)
	}
	info, err := buildinfo.Read(r)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w: %w", ErrNotGo, err)
	}
	h := goHub(info, o)
	out := h.write(format)
	if err := fit(out, format); err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	return parseJSON(out.render())
}

func goHub(info *debug.BuildInfo, o *GoBinaryOptions) *hub {
	h := &hub{extracted: map[string]*extracted{}, now: "1970-01-01T00:00:00Z"}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	switch at := settings["vcs.time"]; {
	case !o.Created.IsZero():
		h.created = said(o.Created.UTC().Format("2006-01-02T15:04:05Z"))
	case at != "":
		if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
			h.created = said(t.UTC().Format("2006-01-02T15:04:05Z"))
		}
	}
	h.tools = []party{{kind: "Tool", name: said("lading")}}
	h.lifecycles = []text{said("post-build")}

	main := info.Main
	if main.Path == "" {
		main.Path = info.Path
	}
	root := goElement(&main, "application")
	root.name.s = cmp.Or(root.name.s, info.Path, o.Name, "unknown")
	if o.Name != "" {
		root.properties = append(root.properties, property{said("golang:binary"), said(o.Name)})
		root.fileName = said(o.Name)
	}
	for _, x := range o.Hashes {
		root.hashes = append(root.hashes, hash{said(x.Algorithm), said(strings.ToLower(x.Value))})
	}
	if info.Path != "" && info.Path != main.Path {
		root.properties = append(root.properties, property{said("golang:package"), said(info.Path)})
	}
	for _, s := range info.Settings {
		if s.Value != "" {
			root.properties = append(root.properties, property{said("golang:build:" + s.Key), said(s.Value)})
		}
	}
	if rev := settings["vcs.revision"]; rev != "" {
		s := settings["vcs"] + " revision " + rev
		if settings["vcs.modified"] == "true" {
			s += " with local changes"
		}
		root.sourceInfo = said(s)
	}
	h.elements = []*element{root}
	h.roots = []int{0}
	deps := slices.Clone(info.Deps)
	slices.SortStableFunc(deps, func(a, b *debug.Module) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Version, b.Version))
	})
	for _, m := range deps {
		h.elements = append(h.elements, goElement(m, "library"))
	}
	if info.GoVersion != "" {
		version, _, _ := strings.Cut(info.GoVersion, " ") // experiments follow
		std := goElement(&debug.Module{Path: "stdlib", Version: strings.TrimPrefix(version, "go")}, "library")
		std.description = said("The Go standard library and runtime")
		std.licenses = []license{{role: "declared", id: said("BSD-3-Clause")}}
		if std.version.s != info.GoVersion {
			std.properties = append(std.properties, property{said("golang:toolchain"), said(info.GoVersion)})
		}
		h.elements = append(h.elements, std)
	}
	ids := names{}
	for _, e := range h.elements {
		e.id.s = ids.unique(e.id.s)
	}
	for i := 1; i < len(h.elements); i++ {
		h.edges = append(h.edges, edge{from: 0, to: i, kind: "DEPENDS_ON"})
	}
	var all strings.Builder
	for _, e := range h.elements {
		all.WriteString(e.id.s + " " + strings.Join(propertiesOf(e), " ") + "\n")
	}
	fmt.Fprint(&all, h.created.s, o.Name, o.Hashes)
	h.input = []byte(all.String())
	h.id = said("urn:uuid:" + uuid(all.String()))
	return h
}

func propertiesOf(e *element) (out []string) {
	for _, p := range e.properties {
		out = append(out, p.name.s+"="+p.value.s)
	}
	return out
}

// goElement describes a module by what was compiled: if it is replaced, the replacement.
func goElement(m *debug.Module, kind string) *element {
	used := m
	for used.Replace != nil {
		used = used.Replace
	}
	e := &element{kind: said(kind), name: said(used.Path), version: said(used.Version)}
	local := used.Path == "" || used.Path[0] == '.' || used.Path[0] == '/' || strings.Contains(used.Path, `\`) || len(used.Path) > 1 && used.Path[1] == ':'
	if local && used != m {
		// A directory replaces it: what is in there has the module's name and nobody's version.
		e.name, e.version = said(m.Path), text{}
	}
	if !local {
		e.purls = []text{said(goPURL(used.Path, used.Version))}
	} else if m.Path != "" {
		e.purls = []text{said(goPURL(m.Path, ""))}
	}
	id := e.name.s
	if len(e.purls) > 0 {
		id = e.purls[0].s
	}
	e.id = said(id)
	if used != m {
		e.properties = append(e.properties, property{said("golang:replaces"), said(strings.TrimSuffix(m.Path+"@"+m.Version, "@"))})
		if local {
			e.properties = append(e.properties, property{said("golang:replacedBy"), said(used.Path)})
		}
	}
	if used.Sum != "" {
		e.properties = append(e.properties, property{said("golang:h1"), said(used.Sum)})
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
