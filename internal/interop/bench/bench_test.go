package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every suite names benchmarks that are there, and every row one of a suite.
func TestRows(t *testing.T) {
	known := map[string]bool{"Verbs": true} // of sbomtable
	for _, s := range suites {
		if s.args != nil {
			continue
		}
		files, err := filepath.Glob(filepath.Join("..", "..", "..", s.module, s.pkg, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var text []byte
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, data...)
		}
		for name := range strings.SplitSeq(s.bench, "|") {
			known[name] = true
			if !regexp.MustCompile(`(?m)^func Benchmark` + name + `\(`).Match(text) {
				t.Errorf("%s %s has no Benchmark%s", s.module, s.pkg, name)
			}
		}
	}
	used := map[string]bool{}
	for _, r := range rows {
		for _, v := range []value{r.figure, r.over} {
			name, _, _ := strings.Cut(v.bench, "/")
			if used[name] = true; name != "" && !known[name] {
				t.Errorf("%s: no suite runs Benchmark%s", r.work, name)
			}
		}
	}
	for name := range known {
		if !used[name] {
			t.Errorf("Benchmark%s is run for no row", name)
		}
	}
}

// A quick run makes a page of what is quickly built, with charts that are XML and a figure for each of its rows.
func TestQuick(t *testing.T) {
	dir := t.TempDir()
	var progress bytes.Buffer
	if err := run(t.Context(), &options{out: dir, quick: true, rounds: 5}, &progress); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	data, err := os.ReadFile(filepath.Join(dir, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for _, want := range []string{"## SBOMs", "read SPDX 2.3, 10,000 components | times as fast as tools-golang |",
		"convert CycloneDX to SPDX 3, 20,000 components | times sbom.Parse",
		"## Weight", "| verify with a key | Lading | ", "| verify with a key | sigstore-go |", "github.com/sigstore/cosign/v3` | v3.",
		"github.com/spdx/tools-golang` | v0.",
		"GOWORK=off go run ."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
	if home, err := os.Hostname(); err == nil && strings.Contains(page, home) {
		t.Error("the page has the machine's name")
	}
	if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
		t.Error("a figure is no number")
	}
	for _, name := range []string{"peers", "floors", "weight"} {
		svg, err := os.ReadFile(filepath.Join(dir, "img", "performance-"+name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		checkSVG(t, name, svg)
	}
	if !strings.Contains(progress.String(), "build 1 of") || !strings.Contains(progress.String(), "round 1 of 1") {
		t.Errorf("no progress: %s", &progress)
	}
}

// checkSVG reads a picture, and sees that each text and bar is within it.
func checkSVG(t *testing.T, name string, svg []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	texts, inText := 0, false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			inText = e.Name.Local == "text"
			for _, a := range e.Attr {
				var x float64
				if _, err := fmt.Sscan(a.Value, &x); a.Name.Local == "width" && e.Name.Local == "rect" &&
					(err != nil || x <= 0 || x > width) {
					t.Errorf("%s: a bar of %s", name, a.Value)
				}
			}
		case xml.CharData:
			if inText {
				texts++
				if len([]rune(string(e))) > 66 { // about seven units each
					t.Errorf("%s: %q does not fit", name, e)
				}
			}
			inText = false
		}
	}
	if texts < 4 {
		t.Errorf("%s: %d texts", name, texts)
	}
}

func TestRead(t *testing.T) {
	const text = `goos: linux
BenchmarkA/x_y-2         	      10	       100.0 ns/op	         2.500 x-floor	         3.0 ×faster
BenchmarkA/x_y-2         	      10	       300.0 ns/op	         1.500 x-floor	         4.0 ×faster
BenchmarkB/z/n=20000 1 1000 cpu-ns/op 3.000 x-size
PASS
`
	all := figures{}
	if n, err := read(strings.NewReader(text), all); err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
	for v, want := range map[value][]float64{{"A/x_y", "ns/op"}: {100, 300}, {"A/x_y", "x-floor"}: {2.5, 1.5}, {"A/x_y", "×faster"}: {3, 4},
		{"B/z/n=20000", "cpu-ns/op"}: {1000}} {
		if got := all[v]; !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", v, got, want)
		}
	}
}

// A goal is missed on the side that its figure is worse on, and a figure that a suite no longer reports is an error.
func TestResults(t *testing.T) {
	all := figures{{"A", "x"}: {3, 1, 2}, {"A", "ns/op"}: {10, 20}, {"B", "ns/op"}: {40, 40}}
	table := []row{
		{work: "floor", figure: value{"A", "x"}, sense: timesFloor, goal: 1.5, floor: &floor{why: "w", figure: value{"A", "x"}}},
		{work: "peer", figure: value{"B", "ns/op"}, over: value{"A", "ns/op"}, sense: asFast, goal: 2.5},
		{work: "not run", figure: value{"C", "x"}},
	}
	got, err := results(table, all)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d, %v", len(got), err)
	}
	if r := got[0]; r.median != 2 || r.least != 1 || r.most != 3 || r.floor != 2 || !r.missed() {
		t.Errorf("%+v", r)
	}
	if r := got[1]; r.median != 3 || r.missed() {
		t.Errorf("%+v", r)
	}
	if _, err := results([]row{{work: "lost", figure: value{"A", "y"}}}, all); err == nil ||
		!strings.Contains(err.Error(), "lost: A reports no y") {
		t.Errorf("%v", err)
	}
}

// Some suites measured anew leave the others' figures, and the page says of both when they are of.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	a, b := &suites[0], &suites[1]
	first := start{Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Go: "go1", Machine: machine{Cores: 2, Load: "0.10"}}
	second := start{Began: first.Began.Add(time.Hour), Go: "go2", Machine: machine{Cores: 2, Load: "9.00"}}
	st := &store{Suites: map[string]*measured{"no longer there": {Start: first}}}
	old, anew := figures{ns("ReadSPDX/lading"): {1, 1, 1}, ns("ReadSPDX/tools-golang"): {20, 30, 40}, {"of no row", "x"}: {1}},
		figures{{"WriteUnchanged", "x-of-copy"}: {1.25}}
	st.keep(a, first, 3, old, map[string]string{toolsGolang: "v1"})
	st.keep(b, first, 3, figures{{"WriteUnchanged", "x-of-copy"}: {9}}, nil)
	if err := st.save(dir); err != nil {
		t.Fatal(err)
	}
	st, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	st.forget(suites)
	st.keep(b, second, 1, anew, nil)
	st.Weights = &weights{Start: second, Programs: []weighed{{Task: "parse", By: bothTools, Lines: 1234567, Binary: 7_340_000,
		Versions: map[string]string{cosign: "v2"}}}}
	o := &options{out: dir}
	lost, err := write(o, st)
	if err != nil {
		t.Fatal(err)
	}
	if lost == nil || !strings.Contains(lost.Error(), "protobom") { // of the suite that is kept, some rows have no figure
		t.Errorf("lost: %v", lost)
	}
	data, err := os.ReadFile(filepath.Join(dir, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2026-01-02 03:04 UTC, 1 of ", "3 rounds of each: go1", "2026-01-02 04:04 UTC, 1 of ",
		"1 round of each: go2",
		"| 30.0 x | 20.0 to 40.0 |", "| 1.25 | 1.25 to 1.25 |", "Others worked on the machine", "suites are missing: ",
		"| 1,234,567 | 7.3 MB |",
		"| `" + toolsGolang + "` | v1 |", "| `" + cosign + "` | v2 |"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the page has no %q:\n%s", want, data)
		}
	}
	if err := run(t.Context(), &options{out: dir, page: true}, io.Discard); err == nil || !strings.Contains(err.Error(), "reports no") {
		t.Errorf("written again: %v", err)
	}
	if again, err := os.ReadFile(filepath.Join(dir, "performance.md")); err != nil || !bytes.Equal(again, data) {
		t.Errorf("the page that is written again is another one: %v\n%s", err, again)
	}
	if _, weigh := choose(&options{only: "weight"}); !weigh {
		t.Error("-only weight weighs nothing")
	}
	if some, weigh := choose(&options{only: "Condition, Warm"}); len(some) != 2 || weigh {
		t.Errorf("-only chose %d suites, weighs: %v", len(some), weigh)
	}
	if err := run(t.Context(), &options{out: dir, only: "nothing of that name"}, io.Discard); err == nil ||
		!strings.Contains(err.Error(), "no suite") {
		t.Errorf("-only of nothing: %v", err)
	}
}

// A suite knows the libraries that its rows stand beside.
func TestLibraries(t *testing.T) {
	for i := range suites {
		s := &suites[i]
		got := s.libraries()
		if want := map[string][]string{"Decide|Profile": {celGo, opa}, "Condition": {celGo}, "Copy|Memory": {regclient, orasGo},
			"ColdStart": {notationGo, cosign}, "Replay": nil}; slices.Contains([]string{"Decide|Profile", "Condition", "Copy|Memory",
			"ColdStart",
			"Replay"}, s.bench) && !slices.Equal(got, want[s.bench]) {
			t.Errorf("%s: %v", s.name(), got)
		}
	}
}

// A label is cut behind a whole part, and not within a number.
func TestLabel(t *testing.T) {
	for text, want := range map[string]string{
		"42.0  tools-golang: read SPDX 2.3, 10,000 components":                  "42.0  tools-golang: read SPDX 2.3, 10,000 components",
		"42.0  tools-golang: read SPDX 2.3 and all the rest, 10,000 components": "42.0  tools-golang: read SPDX 2.3 and all the rest",
		strings.Repeat("x", 70): strings.Repeat("x", 59) + "…",
	} {
		if got := label(text); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
}

// No program of ours has grown by more than a twentieth since it was weighed: what is heavier on purpose is weighed again, by
// go run . -only weight.
func TestSizes(t *testing.T) {
	st, err := load(filepath.Join("..", "..", "..", "docs"))
	if err != nil {
		t.Fatal(err)
	}
	if st.Weights == nil || st.Weights.Start.Go != runtime.Version() || st.Weights.Start.Machine.OS != thisMachine().OS {
		t.Skip("nothing was weighed with this version of Go, on this system")
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/ladingdev/lading").Output()
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{top: strings.TrimSpace(string(out)), dir: t.TempDir(), progress: io.Discard}
	was := map[string]int64{}
	for _, w := range st.Weights.Programs {
		if w.By == ours {
			was[w.Task] = w.Binary
		}
	}
	for _, task := range tasks {
		p := task.programs[0]
		now, err := r.size(t.Context(), filepath.Join(r.top, p.module), "github.com/ladingdev/lading/"+p.module+"/programs/"+p.dir,
			[]string{"GOWORK=off", "CGO_ENABLED=0"})
		if err != nil {
			t.Fatal(err)
		}
		if before := was[task.name]; before == 0 || now > before+before/20 {
			t.Errorf("%s: %d bytes, and it was weighed with %d", task.name, now, before)
		}
	}
}
