//go:build heavy

// Package catalog_test holds sbom/catalog against syft and plain osv-scalibr, on the same inputs in the same run:
//
//	GOWORK=off go test -tags heavy -v -timeout 30m .
//
// It needs debootstrap and npm, or LADING_DEBIAN_ROOT and LADING_NODE_PROJECT with what they make.
package catalog_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/osv-scalibr/artifact/image/layerscanning/image"
	"github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/cpp/conanlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dart/pubspec"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/depsjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/packageslockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/elixir/mixlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gobinary"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gomod"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/gradlelockfile"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/bunlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagejson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagelockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/pnpmlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/yarnlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/php/composerlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pdmlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pipfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/poetrylock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/requirements"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/uvlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemspec"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargoauditable"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargolock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/swift/packageresolved"
	"github.com/google/osv-scalibr/extractor/filesystem/language/swift/podfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/os/apk"
	"github.com/google/osv-scalibr/extractor/filesystem/os/chisel"
	"github.com/google/osv-scalibr/extractor/filesystem/os/dpkg"
	"github.com/google/osv-scalibr/extractor/filesystem/os/pacman"
	"github.com/google/osv-scalibr/extractor/filesystem/os/portage"
	"github.com/google/osv-scalibr/extractor/filesystem/os/rpm"
	scalibrfs "github.com/google/osv-scalibr/fs"
	"github.com/google/osv-scalibr/log"
	"github.com/google/osv-scalibr/stats"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
)

// found is what a program finds in an input.
type found struct {
	PURLs    []string            // of packages
	Keys     []string            // by which they are recognized
	Licenses map[string][]string // by package URL
	Pairs    [][2]string         // package URLs, and those of what they need
	Optional []string            // package URLs of what is not needed to run; nil if that is not said
	Licensed int                 // packages with a licence
	Edges    int                 // dependencies between packages
	Seconds  float64
	MB       float64 // the most that the process had in memory
}

// TestMain runs one program on one input in a process of its own, whose memory is then its memory.
func TestMain(m *testing.M) {
	tool, input := os.Getenv("LADING_TOOL"), os.Getenv("LADING_INPUT")
	if tool == "" {
		os.Exit(m.Run())
	}
	start := time.Now()
	f, err := map[string]func(string) (*found, error){"lading": byLading, "osv-scalibr": byScalibr}[tool](input)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	f.Seconds = time.Since(start).Seconds()
	if err := json.NewEncoder(os.Stdout).Encode(f); err != nil {
		os.Exit(1)
	}
}

func isImage(input string) bool { return filepath.Ext(input) == ".tar" }

func key(purl string) string {
	p, err := sbom.ParsePURL(purl)
	if err != nil {
		return ""
	}
	switch {
	case p.Type == "deb" && p.Namespace == "":
		p.Namespace = "debian" // said once with the distribution and once without
	case p.Type == "golang" && p.Namespace == "" && p.Name == "go":
		p.Name = "stdlib" // by another name
	}
	return p.MatchKey()
}

func byLading(input string) (*found, error) {
	ctx := context.Background()
	var doc *sbom.Document
	var report *catalog.Report
	if isImage(input) {
		src, err := catalog.Open(input)
		if err != nil {
			return nil, err
		}
		defer src.Close()
		if doc, report, err = catalog.Image(ctx, src, src.Images[0],
			&catalog.Options{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}}); err != nil {
			return nil, err
		}
	} else {
		var err error
		if doc, report, err = catalog.Dir(ctx, os.DirFS(input), nil); err != nil { // as osv-scalibr reads it
			return nil, err
		}
	}
	for _, w := range report.Warnings {
		fmt.Fprintln(os.Stderr, "warning:", w)
	}
	f := &found{Licensed: report.Licensed, Edges: report.Edges, Licenses: map[string][]string{}}
	for r, c := range doc.Components() {
		f.PURLs = append(f.PURLs, c.PURL)
		for _, l := range doc.Licenses(r) {
			f.Licenses[c.PURL] = append(f.Licenses[c.PURL], cmp.Or(l.Expression, l.Name))
		}
		if slices.ContainsFunc(doc.Details(r).Properties, func(p sbom.Property) bool { return p.Name == "lading:scope" }) {
			f.Optional = append(f.Optional, c.PURL)
		}
		for _, to := range doc.Graph().Direct(r) {
			f.Pairs = append(f.Pairs, [2]string{c.PURL, doc.Component(to).PURL})
		}
	}
	return f, nil
}

func byScalibr(input string) (*found, error) {
	ctx := context.Background()
	log.SetLogger(&log.DefaultLogger{})
	var list []filesystem.Extractor
	// The extractors that sbom/catalog has: what is compared is the work around them.
	for _, make := range []func(*config_go_proto.PluginConfig) (filesystem.Extractor, error){
		conanlock.New, pubspec.New, depsjson.New, packageslockjson.New, mixlock.New, gobinary.New, gomod.New, archive.New,
		gradlelockfile.New, bunlock.New, packagejson.New, packagelockjson.New, pnpmlock.New, yarnlock.New,
		composerlock.New, pdmlock.New, pipfilelock.New, poetrylock.New, requirements.New, uvlock.New, wheelegg.New,
		gemfilelock.New, gemspec.New, cargoauditable.New, cargolock.New, packageresolved.New, podfilelock.New, apk.New,
		chisel.New, dpkg.New, pacman.New, portage.New, rpm.New,
	} {
		e, err := make(&config_go_proto.PluginConfig{})
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	root := &scalibrfs.ScanRoot{FS: scalibrfs.DirFS(input), Path: input}
	if isImage(input) {
		img, err := image.FromTarball(input, image.DefaultConfig())
		if err != nil {
			return nil, err
		}
		defer img.CleanUp()
		root = &scalibrfs.ScanRoot{FS: img.FS()}
	}
	inv, _, err := filesystem.Run(ctx,
		&filesystem.Config{Extractors: list, ScanRoots: []*scalibrfs.ScanRoot{root}, Stats: stats.NoopCollector{}})
	if err != nil {
		return nil, err
	}
	f := &found{}
	for _, p := range inv.Packages {
		if u := p.PURL(); u != nil {
			f.PURLs = append(f.PURLs, u.String())
		}
		if g, ok := p.Metadata.(interface{ DepGroups() []string }); ok && len(g.DepGroups()) > 0 && p.PURL() != nil {
			f.Optional = append(f.Optional, p.PURL().String())
		}
		if len(p.Licenses) > 0 {
			f.Licensed++
		}
	}
	return f, nil
}

// in runs a program on an input, several times, and gives the fastest.
func in(t *testing.T, times int, tool, syft, input string) *found {
	t.Helper()
	var best *found
	for range times {
		cmd := exec.Command(os.Args[0])
		if tool == "syft" {
			cmd = exec.Command(syft, input)
		}
		cmd.Env = append(os.Environ(), "LADING_TOOL="+tool, "LADING_INPUT="+input)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s on %s: %v\n%s", tool, input, err, errs.String())
		}
		f := &found{}
		if err := json.Unmarshal(out.Bytes()[bytes.LastIndexByte(bytes.TrimSpace(out.Bytes()), '\n')+1:], f); err != nil {
			t.Fatalf("%s: %v\n%s", tool, err, out.String())
		}
		f.MB = float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) / 1024
		for _, purl := range f.PURLs {
			f.Keys = append(f.Keys, key(purl))
		}
		slices.Sort(f.Keys)
		f.Keys = slices.DeleteFunc(slices.Compact(f.Keys), func(s string) bool { return s == "" })
		if best == nil || f.Seconds < best.Seconds {
			best = f
		}
	}
	return best
}

// made returns a directory that a command fills, or skips.
func made(t *testing.T, env string, fill func(dir string) *exec.Cmd) string {
	t.Helper()
	if dir := os.Getenv(env); dir != "" {
		return dir
	}
	dir := t.TempDir()
	cmd := fill(dir)
	if cmd.Err != nil {
		t.Skipf("%v; set %s instead", cmd.Err, env)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("%v: %v\n%s", cmd, err, out)
	}
	return dir
}

const project = `{"name":"measured","version":"1.0.0","license":"Apache-2.0","dependencies":{"express":"4.21.2","webpack":"5.97.1",` +
	`"eslint":"8.57.1","jest":"29.7.0","lodash":"4.17.21","axios":"1.7.9","react":"18.3.1"}}`

// syftProgram builds the program beside, in a directory of its own.
func syftProgram(t *testing.T) string {
	t.Helper()
	if built := os.Getenv("LADING_SYFT"); built != "" {
		return built
	}
	syft := filepath.Join(t.TempDir(), "syft")
	cmd := exec.Command("go", "build", "-o", syft, ".")
	cmd.Dir, cmd.Env = "syft", append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return syft
}

func TestCatalogs(t *testing.T) {
	debian := made(t, "LADING_DEBIAN_ROOT", func(dir string) *exec.Cmd {
		return exec.Command("debootstrap", "--variant=minbase", "bookworm", dir)
	})
	node := made(t, "LADING_NODE_PROJECT", func(dir string) *exec.Cmd {
		if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(project), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund")
		cmd.Dir = dir
		return cmd
	})
	syft := syftProgram(t)
	golang := filepath.Dir(syft) // it is the Go binary too
	archive := filepath.Join(t.TempDir(), "image.tar")
	if err := imageOf(archive, map[string]string{debian: "", node: "srv/app", golang: "usr/local/bin"},
		[]string{debian, node, golang}); err != nil {
		t.Fatal(err)
	}
	table := "\n| input | program | packages | with licence | dependencies | s | MB |\n|---|---|---:|---:|---:|---:|---:|\n"
	for _, input := range []struct{ name, path string }{{"Debian root", debian}, {"npm project", node}, {"Go binary", golang},
		{"image of all three", archive}} {
		results := map[string]*found{}
		for _, tool := range []string{"lading", "syft", "osv-scalibr"} {
			f := in(t, 3, tool, syft, input.path)
			results[tool] = f
			table += fmt.Sprintf("| %s | %s | %d | %d | %d | %.2f | %.0f |\n", input.name, tool, len(f.Keys), f.Licensed, f.Edges,
				f.Seconds, f.MB)
		}
		for _, tool := range []string{"syft", "osv-scalibr"} {
			for _, k := range missing(results[tool].Keys, results["lading"].Keys) {
				if !explained(k) {
					t.Errorf("%s: %s finds %s", input.name, tool, k)
				}
			}
			if only := missing(results["lading"].Keys, results[tool].Keys); len(only) > 0 {
				t.Logf("%s: not found by %s: %d, such as %q", input.name, tool, len(only), only[:min(len(only), 5)])
			}
		}
	}
	t.Log(runtime.NumCPU(), "cores", table)
}

func missing(list, from []string) (out []string) {
	for _, k := range list {
		if _, ok := slices.BinarySearch(from, k); !ok {
			out = append(out, k)
		}
	}
	return out
}

// explained says of packages that others find why they are not ours.
func explained(key string) bool {
	switch {
	case strings.HasPrefix(key, "pkg:npm/") && !strings.Contains(key, "@"):
		return true // a package.json without a version: a package's test data, and nothing that was installed
	case strings.HasPrefix(key, "pkg:github/"):
		return true // steps of workflows that packages of npm have beside them: nothing is installed
	case strings.HasPrefix(key, "pkg:golang/github.com/ladingdev/"), strings.HasSuffix(key, "(devel)"):
		return true // the program itself, which is its file here
	}
	return false
}

// imageOf writes an archive as docker save does, of one layer for each directory.
func imageOf(name string, dirs map[string]string, order []string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w := tar.NewWriter(f)
	config := ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}, RootFS: ocispec.RootFS{Type: "layers"}}
	var layers []string
	for i, dir := range order {
		tmp, err := os.CreateTemp(filepath.Dir(name), "layer")
		if err != nil {
			return err
		}
		defer tmp.Close()
		d := digest.Canonical.Digester()
		if err := pack(io.MultiWriter(tmp, d.Hash()), dir, dirs[dir]); err != nil {
			return err
		}
		size, err := tmp.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if _, err := tmp.Seek(0, io.SeekStart); err != nil {
			return err
		}
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, d.Digest())
		layers = append(layers, fmt.Sprintf("%d/layer.tar", i))
		if err := w.WriteHeader(&tar.Header{Name: layers[i], Mode: 0o644, Size: size}); err != nil {
			return err
		}
		if _, err := io.Copy(w, tmp); err != nil {
			return err
		}
	}
	data, err := json.Marshal(config)
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{"measured:v1"}, "Layers": layers}})
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"config.json": data, "manifest.json": manifest} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return w.Close()
}

func pack(out io.Writer, dir, prefix string) error {
	w := tar.NewWriter(out)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || rel == "." {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		link := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if link, err = os.Readlink(path); err != nil {
				return err
			}
		}
		if info.Mode()&fs.ModeSocket != 0 {
			return nil
		}
		h, err := tar.FileInfoHeader(info, link)
		if err != nil {
			return err
		}
		h.Name = filepath.ToSlash(filepath.Join(prefix, rel))
		if info.IsDir() {
			h.Name += "/"
		}
		if err := w.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
	return errors.Join(err, w.Close())
}
