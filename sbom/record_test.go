package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ladingdev/lading/internal/sbomgen"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// TestRecord holds what every verb does to every document of testdata and to 200 that are made here against
// testdata/record.tsv, which has a hash for each document and verb. Set LADING_RECORD to
//
//	quick   for every tenth document
//	full    for all of them, which CI does with LADING_HEAVY
//	update  to write the file anew: say in the commit why it changed
//
// and LADING_RECORD_SHOW to "document verb DIR", or "document DIR" for all verbs, to write down what went into the hashes:
// of two checkouts, diff -r shows what changed.
func TestRecord(t *testing.T) {
	mode := os.Getenv("LADING_RECORD")
	if mode == "" && heavy() {
		mode = "full"
	}
	show := strings.Fields(os.Getenv("LADING_RECORD_SHOW"))
	if mode == "" && len(show) == 0 {
		mode = "quick"
	}
	docs := recorded(t)
	if len(show) > 0 {
		showRecord(t, docs, show)
		return
	}
	lines := make([]string, len(docs))
	work := make(chan int)
	var running sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			for i := range work {
				lines[i] = recordOf(docs, i)
			}
		})
	}
	for i := range docs {
		if mode != "quick" || i%10 == 0 && len(docs[i].data) < 1<<18 {
			work <- i
		}
	}
	close(work)
	running.Wait()
	const file = "testdata/record.tsv"
	head := "document\t" + strings.Join(verbNames(), "\t") + "\n"
	if mode == "update" {
		if err := os.WriteFile(file, []byte(head+strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.SplitAfter(strings.TrimPrefix(string(data), head), "\n")
	if len(want) != len(docs)+1 {
		t.Fatalf("%s has %d documents, there are %d: record them with LADING_RECORD=update", file, len(want)-1, len(docs))
	}
	for i, got := range lines {
		if got == "" || got == want[i] {
			continue
		}
		was, is := strings.Split(strings.TrimSpace(want[i]), "\t"), strings.Split(strings.TrimSpace(got), "\t")
		var verbs []string
		for k, v := range verbNames() {
			if k+1 < len(was) && was[k+1] != is[k+1] {
				verbs = append(verbs, v)
			}
		}
		t.Errorf("%s: another result of %s", docs[i].name, strings.Join(verbs, ", "))
	}
}

type recordedDocument struct {
	name string
	data []byte
}

// recorded returns the documents, in a fixed order.
func recorded(t *testing.T) (docs []recordedDocument) {
	for f := range corpus(t) {
		docs = append(docs, recordedDocument{f.Name, f.Data})
	}
	small := slices.Clone(docs)
	tools := toolOutputs(t)
	for _, name := range slices.Sorted(mapKeys(tools)) {
		docs = append(docs, recordedDocument{"tools/" + name, tools[name]})
	}
	for _, dir := range []string{"testdata/cases", "testdata/producers"} {
		err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(filepath.Join(dir, path))
			docs = append(docs, recordedDocument{filepath.Base(dir) + "/" + path, bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		seed, n := uint64(i), 3+i%17
		var data []byte
		switch i % 4 {
		case 0:
			data = sbomgen.CycloneDX([]string{"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"}[i/4%6], n, seed)
		case 1:
			data = sbomgen.SPDX2([]string{"2.2", "2.3"}[i/4%2], n, seed)
		case 2:
			data = sbomgen.SPDX3(n, seed)
		default:
			data = mutate(sbomgen.CycloneDX("1.6", n, seed), seed)
		}
		docs = append(docs, recordedDocument{fmt.Sprintf("generated/%03d", i), data})
	}
	small = slices.DeleteFunc(small, func(d recordedDocument) bool { return len(d.data) > 20_000 || !json.Valid(d.data) })
	for i := range 100 {
		d := small[i*len(small)/100]
		docs = append(docs, recordedDocument{fmt.Sprintf("mutated/%03d", i), mutate(d.data, uint64(i))})
	}
	return docs
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// mutate changes some values of a JSON document.
func mutate(data []byte, seed uint64) []byte {
	root, err := tree.Parse(data)
	if err != nil {
		return data
	}
	r := rand.New(rand.NewPCG(seed, 3))
	var objects []*tree.Node
	root.Each(func(n *tree.Node) { objects = append(objects, n) })
	for range 1 + len(objects)/10 {
		n := objects[r.IntN(len(objects))]
		if len(n.Members) == 0 {
			continue
		}
		m := &n.Members[r.IntN(len(n.Members))]
		switch r.IntN(6) {
		case 0:
			n.Remove(m.Name)
		case 1:
			m.Value = tree.NewText("x y")
		case 2:
			m.Value = tree.NewLiteral("17")
		case 3:
			m.Value = tree.NewArray()
		case 4:
			if other := objects[r.IntN(len(objects))]; n.Get("added") == nil {
				n.Set("added", tree.Copy(other))
			}
		default:
			if m.Value.Kind == '[' {
				m.Value.Items = append(m.Value.Items, m.Value.Items...)
			} else {
				m.Name += "s"
			}
		}
	}
	return root.Render()
}

// recordedVerbs are what is recorded of a document d; next is another one.
var recordedVerbs = []struct {
	name string
	do   func(w io.Writer, data []byte, d, next, third *Document)
}{
	{"read", recordRead},
	{"validate", func(w io.Writer, data []byte, _, _, _ *Document) {
		warnings, err := Validate(data)
		recordJSON(w, warnings, err)
		var invalid *InvalidError
		if errors.As(err, &invalid) {
			recordJSON(w, invalid.Problems, nil)
		}
	}},
	{"convert", func(w io.Writer, _ []byte, d, _, _ *Document) {
		for _, o := range []ConvertOptions{{}, {Strict: true}, {Embed: true}, {DropSignatures: true}} {
			if d == nil || o.DropSignatures && !d.signed() {
				continue // what the first one did
			}
			for _, f := range targets() {
				out, report, err := Convert(d, f, &o)
				recordDocument(w, out, report, err)
			}
		}
	}},
	{"encode", func(w io.Writer, _ []byte, d, _, _ *Document) {
		for _, e := range []Encoding{JSON, XML, TagValue} {
			if d != nil {
				out, report, err := Encode(d, e, &ConvertOptions{DropSignatures: true})
				recordDocument(w, out, report, err)
			}
		}
	}},
	{"diff", func(w io.Writer, _ []byte, d, next, third *Document) {
		for _, other := range []*Document{d, next, third} {
			if d != nil && other != nil {
				recordJSON(w, Diff(d, other, nil), nil)
				recordJSON(w, Diff(other, d, nil), nil)
			}
		}
	}},
	{"merge", func(w io.Writer, _ []byte, d, next, third *Document) {
		for _, mode := range []MergeMode{Flat, Hierarchical, Linked} {
			if d != nil && next != nil && third != nil {
				out, report, err := Merge([]*Document{d, next, third}, &MergeOptions{Mode: mode})
				recordDocument(w, out, report, err)
			}
		}
	}},
	{"subset", func(w io.Writer, _ []byte, d, _, _ *Document) {
		if d == nil {
			return
		}
		var keep []Ref
		for i := range d.Len() {
			if i%2 == 0 {
				keep = append(keep, Ref(i))
			}
		}
		out, err := d.Subset(keep...)
		recordDocument(w, out, nil, err)
	}},
	{"edit", func(w io.Writer, _ []byte, d, _, _ *Document) {
		for _, e := range []Edit{{Path: "/version", Value: []byte("2")}, {Path: "/components/0/name", Value: []byte(`"x"`)},
			{Path: "/packages/-", Value: []byte(`{"name":"x"}`)},
			{Path: "/components/0"}, {Path: "/packages/0/versionInfo"}, {Path: "/@graph/1/name", Value: []byte(`"x"`)}} {
			if d != nil {
				out, err := d.Edit(e)
				recordDocument(w, out, nil, err)
			}
		}
	}},
}

func verbNames() (names []string) {
	for _, v := range recordedVerbs {
		names = append(names, v.name)
	}
	return names
}

func recordRead(w io.Writer, data []byte, d, _, _ *Document) {
	if d == nil {
		_, err := Parse(bytes.NewReader(data))
		recordJSON(w, nil, err)
		return
	}
	recordJSON(w, []any{d.Format(), d.Encoding(), d.ID(), d.Name(), d.Created(), d.Roots(), d.MediaType(), d.PredicateType()}, nil)
	recordJSON(w, d.About(), nil)
	recordJSON(w, slices.Collect(d.Relationships()), nil)
	for ref, c := range d.Components() {
		recordJSON(w, c, nil)
		recordJSON(w, []any{d.Details(ref), d.Licenses(ref), d.Hashes(ref)}, nil)
		w.Write(c.Raw())
		recordJSON(w, slices.Collect(d.ByPURL(c.PURL)), nil)
	}
	recordJSON(w, slices.Collect(d.Graph().Reachable(d.Roots()...)), nil)
}

func recordJSON(w io.Writer, v any, err error) {
	text, problem := json.Marshal(v)
	fmt.Fprintf(w, "%s %v %v\n", text, err, problem)
}

func recordDocument(w io.Writer, d *Document, report any, err error) {
	recordJSON(w, report, err)
	if d != nil {
		w.Write(d.Bytes())
	}
}

// neighbours parses a document and the two behind it, of which the second is one of the same format where there is one.
func neighbours(docs []recordedDocument, i int) (d, next, third *Document) {
	read := func(data []byte) *Document {
		d, err := Parse(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		return d
	}
	if d = read(docs[i].data); d == nil {
		return nil, nil, nil
	}
	for k := 1; k < 12 && (next == nil || third == nil); k++ {
		other := docs[(i+k)%len(docs)].data
		if len(other) > 1<<17 {
			continue
		}
		switch o := read(other); {
		case o == nil:
		case third == nil && (o.Format() == d.Format() || k > 8):
			third = o
		case next == nil:
			next = o
		}
	}
	return d, next, third
}

func recordOf(docs []recordedDocument, i int) string {
	d, next, third := neighbours(docs, i)
	line := docs[i].name
	for _, v := range recordedVerbs {
		h := sha256.New()
		v.do(h, docs[i].data, d, next, third)
		line += "\t" + hex.EncodeToString(h.Sum(nil)[:5])
	}
	return line + "\n"
}

func showRecord(t *testing.T, docs []recordedDocument, show []string) {
	dir := show[len(show)-1]
	for i, doc := range docs {
		if doc.name != show[0] {
			continue
		}
		d, next, third := neighbours(docs, i)
		for _, v := range recordedVerbs {
			if len(show) == 3 && show[1] != v.name {
				continue
			}
			f, err := os.Create(filepath.Join(dir, v.name))
			if err != nil {
				t.Fatal(err)
			}
			v.do(f, doc.data, d, next, third)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
