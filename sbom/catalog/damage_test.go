package catalog

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sbom/catalog/internal/rootfs"
)

// Nothing damaged is let through, and each error has a kind, whichever reader stumbles over it.
func TestDamage(t *testing.T) {
	items := []item{packageJSON("a", "a", "1"), {name: "text", body: strings.Repeat("some text ", 300)}}
	b := build(t, items, items, items)
	for i, mediaType := range []string{ocispec.MediaTypeImageLayerGzip, ocispec.MediaTypeImageLayerZstd, ocispec.MediaTypeImageLayer} {
		size := 0
		for d := range descriptors(t, b) {
			if d.MediaType == mediaType {
				size = int(d.Size)
			}
		}
		for at := 0; at < size; at += 1 + size/100 {
			for name, change := range map[string]func([]byte) []byte{
				"cut":     func(data []byte) []byte { return data[:at] },
				"changed": func(data []byte) []byte { data[at] ^= 1 << (at % 8); return data },
				"longer":  func(data []byte) []byte { return append(data, data[:at+1]...) },
			} {
				src := b.source(func(d ocispec.Descriptor, data []byte) []byte {
					if d.MediaType == mediaType {
						return change(data)
					}
					return data
				})
				_, _, err := Image(t.Context(), src, b.root, nil)
				if !slices.ContainsFunc([]error{ErrDigest, ErrTruncated, ErrNotImage},
					func(kind error) bool { return errors.Is(err, kind) }) {
					t.Errorf("layer %d %s at byte %d: %v", i, name, at, err)
				}
				if name == "cut" && !errors.Is(err, ErrTruncated) {
					t.Errorf("layer %d cut at byte %d: %v", i, at, err)
				}
			}
		}
	}
}

// descriptors yields the layers of an image.
func descriptors(t *testing.T, b *built) func(func(ocispec.Descriptor) bool) {
	var m ocispec.Manifest
	unmarshal(t, b.blobs[b.root.Digest], &m)
	return func(yield func(ocispec.Descriptor) bool) {
		for _, d := range m.Layers {
			if !yield(d) {
				return
			}
		}
	}
}

// An archive that was compressed as a whole is bounded like a layer.
func TestArchiveBomb(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range 100 {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "image.tar.gz")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

// Layers of chance, in any order of their entries, next to a model: what is there by name, with whiteouts first (OCI image
// specification, "Whiteouts": they apply to lower layers only).
func TestLayersByModel(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		there := map[string]string{} // what is in a file, or "/" for a directory
		remove := func(name string, itself bool) {
			maps.DeleteFunc(there, func(p, _ string) bool { return itself && p == name || strings.HasPrefix(p, name+"/") })
		}
		var layers [][]item
		for layer := range 2 + r.IntN(3) {
			added, gone, items := map[string]string{}, map[string]bool{}, []item(nil)
			for range 1 + r.IntN(6) {
				dir := []string{"a", "b", "a/b", "a/c", "a/b/c", "b/a"}[r.IntN(6)]
				name, body := dir+"/package.json", fmt.Sprintf(`{"name":"p","version":"%d.%d.0"}`, layer, len(items))
				switch kind := r.IntN(6); {
				case kind < 2:
				case kind == 2: // a file, perhaps in place of a directory
					name, body = dir, "text"
				case kind == 3:
					name, body = dir, "/"
				case layer == 0:
					continue
				case kind == 4:
					gone[path.Dir(dir)+"/.wh."+path.Base(dir)] = true
					continue
				default:
					gone[dir+"/.wh..wh..opq"] = true
					continue
				}
				conflict := false
				for p, other := range added {
					conflict = conflict || p == name || other == "text" && strings.HasPrefix(name, p+"/") || body == "text" &&
						strings.HasPrefix(p, name+"/")
				}
				if !conflict {
					added[name] = body
				}
			}
			for name := range gone { // a directory that this layer makes a file of is none
				for at := path.Dir(name); at != "."; at = path.Dir(at) {
					if added[at] == "text" {
						delete(gone, name)
					}
				}
			}
			makeDirs := func(name string) {
				for at := path.Dir(name); at != "."; at = path.Dir(at) {
					if body, ok := there[at]; ok && body != "/" {
						delete(there, at)
					}
				}
			}
			for name := range gone {
				name = path.Clean(name)
				if dir, base := path.Split(name); base == rootfs.Opaque {
					remove(path.Clean(dir), false)
				} else {
					remove(path.Join(dir, strings.TrimPrefix(base, rootfs.Whiteout)), true)
				}
				makeDirs(name)
				items = append(items, item{name: name})
			}
			for name, body := range added {
				makeDirs(name)
				if body == "text" {
					remove(name, true)
				}
				there[name] = body
				it := item{name: name, body: body}
				if body == "/" {
					it = item{name: name, typ: '5'}
				}
				items = append(items, it)
			}
			slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.name, b.name) })
			r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
			layers = append(layers, items)
		}
		var want []string
		for name, body := range there {
			if path.Base(name) == "package.json" {
				var p struct{ Version string }
				unmarshal(t, []byte(body), &p)
				want = append(want, "p@"+p.Version)
			}
		}
		slices.Sort(want)
		got := slices.Sorted(slices.Values(names(t, build(t, layers...))))
		if got = slices.Compact(got); !slices.Equal(got, slices.Compact(want)) {
			t.Fatalf("seed %d: %q, want %q\n%+v", seed, got, want, layers)
		}
	}
}
