package registry_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ladingdev/lading/registry"
)

// realLayout is one of testdata/layouts, as real tools write them.
type realLayout struct {
	name      string
	image     string
	referrers map[string][]string // by the beginning of the subject's digest
	cosign    []string            // under cosign's tags
	evidence  int                 // pieces, of both
}

func realLayouts(t testing.TB) (all []realLayout) {
	t.Helper()
	data, err := os.ReadFile("testdata/layouts/INDEX.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if f[0] == "file" {
			continue
		}
		l := realLayout{name: strings.TrimSuffix(f[0], ".tar.gz"), image: f[3], referrers: make(map[string][]string)}
		for _, attached := range strings.Split(f[4], "; ") {
			words := strings.Fields(attached)
			subject := l.image[:len("sha256:")+12]
			if len(words) == 4 {
				subject = words[3]
			}
			if words[0] == "cosign" {
				l.cosign = append(l.cosign, words[1])
			} else {
				l.referrers[subject] = append(l.referrers[subject], words[1])
			}
		}
		signed, _ := strconv.Atoi(f[5])
		tagged, _ := strconv.Atoi(f[6])
		l.evidence = signed + tagged
		all = append(all, l)
	}
	if len(all) < 20 {
		t.Fatalf("%d layouts", len(all))
	}
	return all
}

// unpack returns a directory with the layout.
func (l realLayout) unpack(t testing.TB) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "layouts", l.name+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(name, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// openLayout opens a directory with cosign's tags.
func openLayout(t testing.TB, dir string) *registry.Repository {
	t.Helper()
	b, err := registry.Layout(dir)
	if err != nil {
		t.Fatal(err)
	}
	return registry.New(b, &registry.Options{CosignTags: true})
}

// check fails if not all that is attached is found, or something else.
func (l realLayout) check(t *testing.T, repo *registry.Repository) {
	t.Helper()
	image, err := repo.Resolve(t.Context(), l.image)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := repo.Tree(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range append([][]string{l.cosign}, slices.Collect(valuesOf(l.referrers))...) {
		for _, d := range list {
			if strings.Count(tree, d) != 1 {
				t.Errorf("%s is there %d times in\n%s", d, strings.Count(tree, d), tree)
			}
		}
	}
	var got []string
	for d, err := range repo.Referrers(t.Context(), image) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d.Digest.String()[:len("sha256:")+12])
	}
	want := append(slices.Clone(l.cosign), l.referrers[l.image[:len("sha256:")+12]]...)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	n := 0
	for d, err := range repo.Evidence(t.Context(), image) {
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Data) > 0 {
			n++
		}
	}
	if n != l.evidence {
		t.Errorf("%d pieces of evidence, want %d", n, l.evidence)
	}
}

func valuesOf(m map[string][]string) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// What real tools attach in a layout is found there, after something else was attached beside it, and in a copy.
func TestRealLayouts(t *testing.T) {
	for _, l := range realLayouts(t) {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			dir := l.unpack(t)
			repo := openLayout(t, dir)
			l.check(t, repo)
			image, err := repo.Resolve(t.Context(), l.image)
			if err != nil {
				t.Fatal(err)
			}
			copied := openLayout(t, t.TempDir())
			if _, err := registry.Copy(t.Context(), copied, repo, l.image, nil); err != nil {
				t.Fatal(err)
			}
			l.check(t, copied)

			attached, err := repo.Attach(t.Context(), image, content("ours"))
			if err != nil {
				t.Fatal(err)
			}
			if err := repo.Tag(t.Context(), image, "ours"); err != nil {
				t.Fatal(err)
			}
			short := l.image[:len("sha256:")+12]
			more := l
			more.evidence++
			more.referrers = map[string][]string{
				short: append(slices.Clone(l.referrers[short]), attached[0].Digest.String()[:len("sha256:")+12])}
			more.check(t, openLayout(t, dir))
			if err := repo.Delete(t.Context(), image, attached[0]); err != nil {
				t.Fatal(err)
			}
			l.check(t, openLayout(t, dir))
		})
	}
}

// A program that wrote no oci-layout, or a copy that left it out, hides nothing that is attached.
func TestLayoutWithoutMarker(t *testing.T) {
	for _, l := range realLayouts(t) {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			dir := l.unpack(t)
			if err := os.Remove(filepath.Join(dir, "oci-layout")); err != nil {
				t.Fatal(err)
			}
			l.check(t, openLayout(t, dir))
		})
	}
}
