package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagelockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/os/osrelease"
	"github.com/google/osv-scalibr/log"

	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
)

// The extractors log to stderr what is no business of a program that uses this package: errors come as Warnings. A program
// that wants the log sets its own logger, which comes after this.
func init() { log.SetLogger(silence{}) }

type silence struct{}

func (silence) Errorf(string, ...any) {}

func (silence) Error(...any) {}

func (silence) Warnf(string, ...any) {}

func (silence) Warn(...any) {}

func (silence) Infof(string, ...any) {}

func (silence) Info(...any) {}

func (silence) Debugf(string, ...any) {}

func (silence) Debug(...any) {}

func newCollector(o *Options) (*collector, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	fs, err := finders()
	if err != nil {
		return nil, err
	}
	return &collector{o: o, finders: fs, report: &Report{Packages: map[string]int{}}, all: map[string]*component{},
			nodes: map[string]*node{}, modules: map[string]bool{}, python: map[string]*component{},
			byDir: map[string]*component{}, checkouts: map[string]checkout{}, distInfo: map[string]*component{},
			jars: map[string]*component{}},
		nil
}

// entry is what extractors are asked about: a file, whose attributes are read when one wants them, and which is not long
// for any, because extractors pass over long ones in silence.
type entry struct {
	path string
	from fs.DirEntry
	info fs.FileInfo
	err  error
}

func (e *entry) Path() string { return e.path }

func (e *entry) Stat() (fs.FileInfo, error) {
	if e.info == nil && e.err == nil {
		e.info, e.err = e.from.Info()
	}
	return sizeless{e.info}, e.err
}

type sizeless struct{ fs.FileInfo }

func (sizeless) Size() int64 { return 0 }

func (c *collector) wanted(path string, info fs.FileInfo) (w rootfs.Want) {
	api := &entry{path: path, info: info}
	for i := range c.finders {
		f := &c.finders[i]
		if !f.project && (!f.programs || w == rootfs.Nothing) && f.asks(api) {
			if !f.programs {
				return rootfs.Content
			}
			w = rootfs.Program
		}
	}
	if isCopyright(path) || isFormula(path) || isPythonBeside(path) || path == "etc/os-release" || path == "usr/lib/os-release" {
		return rootfs.Content
	}
	return w
}

// collect finds everything in a tree.
func (c *collector) collect(ctx context.Context, t rootfs.Tree) error {
	c.tree = t
	c.os, _ = osrelease.GetOSRelease(system{t}) // what is no distribution has none
	dir, _ := t.(*rootfs.Dir)
	var walk func(at string) error
	walk = func(at string) error {
		entries, err := t.ReadDir(at)
		if err != nil {
			if at == "." {
				return err
			}
			c.warn(at, err)
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			name := path.Join(at, e.Name())
			if c.report.Files++; dir != nil && c.report.Files > c.o.MaxFiles {
				return fmt.Errorf("%w: more than %d files; set MaxFiles if that is right", ErrLimit, c.o.MaxFiles)
			}
			if c.report.Files%1000 == 0 && dir != nil {
				c.o.Progress(Progress{Files: c.report.Files, Packages: len(c.all)})
			}
			switch {
			case e.IsDir():
				if dir != nil {
					dir.Walked(name)
				}
				switch {
				case e.Name() == "node_modules":
					c.modules[at] = true
				case e.Name() == "nodejs" && debianNode.MatchString(name+"/"):
					c.nodePaths = append(c.nodePaths, name)
				}
				if strings.Count(name, "/") > maxDepth {
					c.warn(name, fmt.Errorf("%w: more than %d directories deep", ErrLimit, maxDepth))
				} else if err := walk(name); err != nil {
					return err
				}
			case e.Type().IsRegular():
				if err := c.visit(ctx, name, e); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk("."); err != nil {
		return err
	}
	for _, f := range c.later {
		if err := ctx.Err(); err != nil {
			return err
		}
		f()
	}
	for _, f := range c.claims {
		f()
	}
	c.debs.link()
	c.apks.link()
	c.arch.link()
	c.rpms.link()
	if err := c.linkNodes(ctx); err != nil {
		return err
	}
	c.o.Progress(Progress{Files: c.report.Files, Packages: len(c.all)})
	return nil
}

// visit gives a file to the extractors that ask for it.
func (c *collector) visit(ctx context.Context, name string, from fs.DirEntry) error {
	e := &entry{path: name, from: from}
	var file fs.File
	tested, isCode := false, false
	_, dir := c.tree.(*rootfs.Dir)
	for i := range c.finders {
		f := &c.finders[i]
		if f.programs && tested && !isCode || f.project && !dir || !f.asks(e) {
			continue
		}
		if f.programs && !tested {
			if tested, isCode = true, rootfs.IsProgram(c.tree.Magic(name)); !isCode {
				continue
			}
		}
		if _, err := e.Stat(); err != nil {
			break
		}
		if f.max > 0 && e.info.Size() > f.max {
			c.warn(name, fmt.Errorf("%w: %d bytes, more than %d", ErrLimit, e.info.Size(), f.max))
			continue
		}
		if dir && !f.programs {
			if c.bytes += e.info.Size(); c.bytes > c.o.MaxBytes {
				return fmt.Errorf("%w: files of more than %d bytes; set MaxBytes if that is right", ErrLimit, c.o.MaxBytes)
			}
		}
		var err error
		if file == nil {
			if file, err = c.tree.OpenFound(name); err != nil {
				c.warn(name, err)
				return nil
			}
			defer file.Close()
		} else if _, err = file.(io.Seeker).Seek(0, io.SeekStart); err != nil {
			c.warn(name, err)
			return nil
		}
		if err := c.extract(ctx, f, name, file, e.info); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			c.warn(name, fmt.Errorf("%s: %w", f.Name(), err))
		}
	}
	if e.err != nil {
		c.warn(name, e.err)
	}
	return nil
}

// extract runs one extractor on one file. What it found before an error counts.
func (c *collector) extract(ctx context.Context, f *finder, name string, file fs.File, info fs.FileInfo) (err error) {
	defer func() {
		if p := recover(); p != nil { // of an extractor, on a file that it did not expect
			err = errors.Join(err, fmt.Errorf("panic: %v", p))
		}
	}()
	if f.check != nil {
		if err := f.check(file.(io.ReaderAt)); errors.Is(err, errors.ErrUnsupported) {
			return nil
		} else if err != nil {
			return err
		}
	}
	inv, err := f.Extract(ctx, &filesystem.ScanInput{FS: system{c.tree}, Path: name, Info: info, Reader: file})
	if f.project {
		inv.Packages = slices.DeleteFunc(inv.Packages, func(p *extractor.Package) bool { return !pinned(p) })
	}
	// Some come out of maps.
	slices.SortFunc(inv.Packages, func(a, b *extractor.Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	found := &found{path: name, file: file, raw: inv.Packages}
	lock := f.Name() == packagelockjson.Name || f.Name() == (*composer)(nil).Name() // whose details say what is needed
	for _, p := range inv.Packages {
		k, kerr := c.component(p, name)
		if kerr != nil {
			err = errors.Join(err, fmt.Errorf("%s %s: %w", p.Name, p.Version, kerr))
		}
		switch {
		case k == nil || lock:
		default:
			k.present = true
		}
		found.pkgs = append(found.pkgs, k)
	}
	if f.details == nil || len(inv.Packages) == 0 && !f.always {
		return err
	}
	if _, serr := file.(io.Seeker).Seek(0, io.SeekStart); serr != nil {
		return errors.Join(err, serr)
	}
	return errors.Join(err, f.details(c, found))
}

// asks says whether a finder reads a file.
func (f *finder) asks(e *entry) bool {
	if f.names != nil && !slices.Contains(f.names, path.Base(e.path)) {
		return false
	}
	return f.FileRequired(e) && (!f.project || ofProject(e.path))
}
