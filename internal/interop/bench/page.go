package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A page is what docs/performance.md says.
type page struct {
	began  time.Time
	took   time.Duration
	rounds int
	quick  bool
	// not all that was to run did
	incomplete bool
	goes       string
	machine    machine
	versions   map[string]string
	results    []result
	weights    []weighed
}

type machine struct {
	cpu   string // as the system calls it, empty if it does not say
	cores int
	load  string // of the last five minutes, when the run began
}

// thisMachine says of the machine what a reader needs to judge the figures, and neither its name nor its paths.
func thisMachine() (m machine) {
	m.cores = runtime.NumCPU()
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				m.cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	if data, err := os.ReadFile("/proc/loadavg"); err == nil {
		if f := strings.Fields(string(data)); len(f) > 1 {
			m.load = f[1]
		}
	}
	return m
}

// short is the name that people know a library by, and what is no library as it is.
func (p *page) short(by string) string {
	names := map[string]string{cyclonedxGo: "cyclonedx-go", toolsGolang: "tools-golang", protobom: "protobom", sigstoreGo: "sigstore-go",
		notationGo: "notation-go", cosign: "cosign", orasGo: "oras-go", regclient: "regclient", opa: "OPA", celGo: "cel-go", ggcr: "go-containerregistry", ours: "Lading"}
	return cmp.Or(names[by], by)
}

// figure writes a number with as many digits as mean something.
func figure(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	case x < 0.095:
		return fmt.Sprintf("%.3f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func (r *result) said(x float64) string {
	switch r.sense {
	case asFast:
		return figure(x) + " x"
	case most:
		return figure(x) + " " + r.unit
	}
	return figure(x)
}

func (r *result) goalSaid() string {
	switch {
	case r.goal == 0:
		return ""
	case r.sense == asFast:
		return fmt.Sprintf("at least %g x", r.goal)
	case r.sense == most:
		return fmt.Sprintf("at most %g %s", r.goal, r.unit)
	}
	return fmt.Sprintf("at most %g", r.goal)
}

func (r *result) verdict() string {
	switch {
	case r.goal == 0:
		return ""
	case r.missed():
		return "**missed**"
	}
	return "met"
}

// kinds of figures, in the words of the table.
var senses = map[sense]string{asFast: "times as fast as", timesFloor: "times", share: "of", most: ""}

// write makes the page and its charts in a folder.
func (p *page) write(dir string) error {
	if len(p.results) == 0 && len(p.weights) == 0 {
		return errNothing
	}
	if err := os.MkdirAll(filepath.Join(dir, "img"), 0o755); err != nil {
		return err
	}
	charts := p.charts()
	for _, name := range slices.Sorted(maps.Keys(charts)) {
		if err := os.WriteFile(filepath.Join(dir, "img", "performance-"+name+".svg"), charts[name].svg(), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "performance.md"), p.markdown(charts), 0o644)
}

func (p *page) markdown(charts map[string]*chart) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Performance and weight\n\nWritten by a command that anyone can run, from the root of the repository:\n\n"+
		"```\ncd internal/interop/bench && GOWORK=off go run .\n```\n\n")
	if p.quick {
		fmt.Fprint(&b, "**By `-quick`: this shows that it works. Its figures are of one run each, on documents of 200 components, and mean nothing.**\n\n")
	}
	if p.incomplete {
		fmt.Fprint(&b, "**Some benchmarks could not be run, and their rows are missing: the command said which.**\n\n")
	}
	fmt.Fprintf(&b, "This run: %s, rounds: %d, in %s, %s, %d processors", p.began.UTC().Format("2006-01-02"), p.rounds, p.took.Round(time.Minute), p.goes, p.machine.cores)
	if p.machine.cpu != "" {
		fmt.Fprintf(&b, " (%s, %s/%s)", p.machine.cpu, runtime.GOOS, runtime.GOARCH)
	}
	fmt.Fprint(&b, ".")
	if p.machine.load != "" {
		fmt.Fprintf(&b, " The load of the machine was %s when it began", p.machine.load)
		fmt.Fprint(&b, map[bool]string{true: ": others worked on it too, so trust the ratios, and not what is in units of its own.", false: "."}[overloaded(p.machine)])
	}
	fmt.Fprint(&b, "\n\nEvery ratio is of two things measured in turn within one run. A figure is the median of its rounds, with the least and the most of them "+
		"behind it. *Floor* is what cannot be left out: the same signatures, bytes or requests without this library. "+
		"A goal is what the project wants to hold; rows without one are for comparison.\n\n")
	p.verdicts(&b)
	for _, name := range []string{"peers", "floors"} {
		if c := charts[name]; c != nil {
			fmt.Fprintf(&b, "![%s](img/performance-%s.svg)\n\n", c.title, name)
		}
	}
	p.tables(&b)
	p.weigh(&b, charts["weight"])
	p.libraries(&b)
	return b.Bytes()
}

func overloaded(m machine) bool {
	var load float64
	_, err := fmt.Sscan(m.load, &load)
	return err == nil && load > float64(m.cores)
}

// verdicts counts, and names every goal that is missed with its floor.
func (p *page) verdicts(b *bytes.Buffer) {
	met, missed := 0, 0
	var list strings.Builder
	for i := range p.results {
		r := &p.results[i]
		switch {
		case r.goal == 0:
		case !r.missed():
			met++
		default:
			missed++
			fmt.Fprintf(&list, "- %s: %s, %s.", r.sentence(p), r.said(r.median), r.goalSaid())
			if r.row.floor != nil {
				fmt.Fprintf(&list, " Floor: %s", r.row.floor.why)
				if r.floor > 0 {
					fmt.Fprintf(&list, " %s", figure(r.floor))
				}
				list.WriteString(".")
			}
			list.WriteString("\n")
		}
	}
	if met+missed == 0 {
		return
	}
	fmt.Fprintf(b, "Of %d goals %d are met and %d missed", met+missed, met, missed)
	if missed == 0 {
		b.WriteString(".\n\n")
		return
	}
	fmt.Fprintf(b, ":\n\n%s\n", &list)
}

func (r *result) sentence(p *page) string {
	if r.beside == "" {
		return r.work
	}
	return fmt.Sprintf("%s, %s %s", r.work, senses[r.sense], p.short(r.beside))
}

// tables has one for each area.
func (p *page) tables(b *bytes.Buffer) {
	area := ""
	for i := range p.results {
		r := &p.results[i]
		if r.area != area {
			area = r.area
			fmt.Fprintf(b, "%s## %s\n\n| work | beside | figure | least to most | goal | |\n|---|---|---:|---:|---|---|\n", map[bool]string{true: "\n"}[i > 0], area)
		}
		beside := ""
		if r.beside != "" {
			beside = senses[r.sense] + " " + p.short(r.beside)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s to %s | %s | %s |\n", r.work, beside, r.said(r.median), figure(r.least), figure(r.most), r.goalSaid(), r.verdict())
	}
}

// weigh has what small programs compile.
func (p *page) weigh(b *bytes.Buffer, c *chart) {
	if len(p.weights) == 0 {
		return
	}
	fmt.Fprint(b, "\n## Weight\n\nEight programs of some ten lines, by Lading and by the libraries that can do the same: what each compiles beside the standard library, "+
		"and how large it is when it is built with `CGO_ENABLED=0 go build -trimpath -ldflags='-s -w'`. They lie in `internal/interop/programs` and "+
		"`internal/interop/bench/programs`, in modules that other things are in too, so that a library may have younger dependencies than it asks for.\n\n")
	if c != nil {
		fmt.Fprintf(b, "![%s](img/performance-weight.svg)\n\n", c.title)
	}
	fmt.Fprint(b, "| program | by | modules | packages | lines | binary |\n|---|---|---:|---:|---:|---:|\n")
	for _, w := range p.weights {
		binary := ""
		if w.binary > 0 {
			binary = fmt.Sprintf("%.1f MB", float64(w.binary)/1e6)
		}
		packages, lines := w.Sum()
		fmt.Fprintf(b, "| %s | %s | %d | %d | %s | %s |\n", w.task, p.short(w.by), len(w.Weight), packages-1, thousands(lines), binary)
	}
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// libraries names the versions of what stands beside ours.
func (p *page) libraries(b *bytes.Buffer) {
	used := map[string]bool{}
	for i := range p.results {
		used[p.results[i].beside] = true
	}
	if used["the faster of oras-go and regclient"] {
		used[orasGo], used[regclient] = true, true
	}
	for _, w := range p.weights {
		used[w.by] = true
	}
	fmt.Fprint(b, "\n## Versions\n\nFrom the build information of what ran:\n\n| library | version |\n|---|---|\n")
	for _, path := range slices.Sorted(maps.Keys(used)) {
		if v := p.versions[path]; v != "" && path != ours {
			fmt.Fprintf(b, "| `%s` | %s |\n", path, v)
		}
	}
}

// charts are of the results beside other libraries, of those beside floors, and of weights.
func (p *page) charts() map[string]*chart {
	peers := &chart{title: "Times as fast as other libraries", about: "in one run; longer is better, logarithmic; - - the goal", from: 1}
	floors := &chart{title: "Times what cannot be left out", about: "in one run; shorter is better; - - the goal"}
	area := map[*chart]string{}
	for i := range p.results {
		r := &p.results[i]
		c := map[sense]*chart{asFast: peers, timesFloor: floors}[r.sense]
		if c == nil {
			continue
		}
		if area[c] != r.area {
			area[c] = r.area
			c.groups = append(c.groups, group{name: r.area})
		}
		g := &c.groups[len(c.groups)-1]
		text := fmt.Sprintf("%s  %s", figure(r.median), strings.TrimSuffix(r.work, ", 20,000 components"))
		if c == peers {
			text = fmt.Sprintf("%s  %s: %s", figure(r.median), p.short(r.beside), strings.TrimSuffix(r.work, ", 20,000 components"))
		}
		g.bars = append(g.bars, bar{text: text, value: r.median, goal: r.goal, kind: map[bool]kind{false: good, true: short}[r.missed()]})
	}
	weights := &chart{title: "Lines that small programs compile", about: "beside the standard library; shorter is lighter, log from 1,000", from: 1000}
	for _, w := range p.weights {
		if n := len(weights.groups); n == 0 || weights.groups[n-1].name != w.task {
			weights.groups = append(weights.groups, group{name: w.task})
		}
		g := &weights.groups[len(weights.groups)-1]
		_, lines := w.Sum()
		text := fmt.Sprintf("%s  %s", thousands(lines), p.short(w.by))
		if w.binary > 0 {
			text += fmt.Sprintf(", %.1f MB", float64(w.binary)/1e6)
		}
		g.bars = append(g.bars, bar{text: text, value: float64(lines), kind: map[bool]kind{true: good, false: other}[w.by == ours]})
	}
	out := map[string]*chart{"peers": peers, "floors": floors, "weight": weights}
	maps.DeleteFunc(out, func(_ string, c *chart) bool { return len(c.groups) == 0 })
	return out
}
