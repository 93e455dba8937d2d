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
)

// A page is what docs/performance.md says.
type page struct {
	*store
	quick   bool
	missing []string // suites that have no figures
	results []result
}

type machine struct {
	OS    string `json:"os"`
	CPU   string `json:"cpu,omitempty"` // as the system calls it, empty if it does not say
	Cores int    `json:"cores"`
	Load  string `json:"load,omitempty"` // of the last five minutes, when the run began
}

// thisMachine says of the machine what a reader needs to judge the figures, and neither its name nor its paths.
func thisMachine() (m machine) {
	m.Cores, m.OS = runtime.NumCPU(), runtime.GOOS+"/"+runtime.GOARCH
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if data, err := os.ReadFile("/proc/loadavg"); err == nil {
		if f := strings.Fields(string(data)); len(f) > 1 {
			m.Load = f[1]
		}
	}
	return m
}

// short is the name that people know a library by, and what is no library as it is.
func (p *page) short(by string) string {
	names := map[string]string{cyclonedxGo: "cyclonedx-go", toolsGolang: "tools-golang", protobom: "protobom", sigstoreGo: "sigstore-go",
		notationGo: "notation-go", cosign: "cosign", orasGo: "oras-go", regclient: "regclient", opa: "OPA", celGo: "cel-go",
		ggcr: "go-containerregistry", ours: "Lading"}
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
		fmt.Fprint(&b, "**By `-quick`: this shows that it works. Its figures are of one run each, on documents of 200 components, "+
			"and mean nothing.**\n\n")
	}
	if n := len(p.missing); n > 0 {
		fmt.Fprintf(&b, "**The rows of %d suites are missing: %s.**\n\n", n, strings.Join(p.missing, "; "))
	}
	p.measuredAt(&b)
	fmt.Fprint(&b, "Every ratio is of two things measured in turn within one run. A figure is the median of its rounds, with the "+
		"least and the most of them "+
		"behind it. *Floor* is what cannot be left out: the same signatures, bytes or requests without this library.\n\n"+
		"A *goal* is what the project set itself when the part was built, most of them before there was a figure: beside another "+
		"library, that changing over be worth it; "+
		"beside a floor, that most of the time goes into what cannot be left out; in milliseconds or MiB, what a user or a "+
		"deployment does not notice. "+
		"Rows without one are for comparison.\n\n")
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

// measuredAt says when and on what the figures were measured.
func (p *page) measuredAt(b *bytes.Buffer) {
	loaded := false
	starts := p.starts()
	for _, s := range starts {
		fmt.Fprintf(b, "- %s, %d of %d suites, %d %s of each: %s, %d processors", s.Began.UTC().Format("2006-01-02 15:04 UTC"),
			s.suites, len(suites), s.rounds,
			map[bool]string{true: "round", false: "rounds"}[s.rounds == 1], s.Go, s.Machine.Cores)
		if s.Machine.CPU != "" {
			fmt.Fprintf(b, " (%s, %s)", s.Machine.CPU, s.Machine.OS)
		}
		if s.Machine.Load != "" {
			fmt.Fprintf(b, ", load %s when it began", s.Machine.Load)
			loaded = loaded || overloaded(s.Machine)
		}
		b.WriteString("\n")
	}
	if len(starts) > 0 {
		b.WriteString("\n")
	}
	if loaded {
		b.WriteString("Others worked on the machine too: trust the ratios, and not what is in units of its own.\n\n")
	}
}

func overloaded(m machine) bool {
	var load float64
	_, err := fmt.Sscan(m.Load, &load)
	return err == nil && load > float64(m.Cores)
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
			list.WriteString(" " + r.bound() + "\n")
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

// bound is the floor of a goal that is missed, in a sentence.
func (r *result) bound() string {
	switch f := r.row.floor; {
	case f == nil && r.sense == timesFloor:
		return "What it stands beside is the floor."
	case f == nil || f.figure != (value{}) && r.floor == 0:
		return "No floor was measured."
	case r.floor == 0:
		return "Floor: " + f.why + "."
	default:
		return "Floor: " + f.why + " " + figure(r.floor) + "."
	}
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
			fmt.Fprintf(b, "%s## %s\n\n| work | beside | figure | least to most | goal | |\n|---|---|---:|---:|---|---|\n",
				map[bool]string{true: "\n"}[i > 0], area)
		}
		beside := ""
		if r.beside != "" {
			beside = senses[r.sense] + " " + p.short(r.beside)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s to %s | %s | %s |\n", r.work, beside, r.said(r.median), figure(r.least), figure(r.most),
			r.goalSaid(), r.verdict())
	}
}

// weigh has what small programs compile.
func (p *page) weigh(b *bytes.Buffer, c *chart) {
	if p.Weights == nil {
		return
	}
	fmt.Fprint(b, "\n## Weight\n\nEight programs of some ten lines, by Lading and by the libraries that can do the same: what each "+
		"compiles beside the standard library, "+
		"and how large it is when it is built with `CGO_ENABLED=0 go build -trimpath -ldflags='-s -w'`. They lie in "+
		"`internal/interop/programs` and "+
		"`internal/interop/bench/programs`, in modules that other things are in too, so that a library may have younger "+
		"dependencies than it asks for.\n\n")
	if c != nil {
		fmt.Fprintf(b, "![%s](img/performance-weight.svg)\n\n", c.title)
	}
	fmt.Fprint(b, "| program | by | modules | packages | lines | binary |\n|---|---|---:|---:|---:|---:|\n")
	for _, w := range p.Weights.Programs {
		fmt.Fprintf(b, "| %s | %s | %d | %d | %s | %s |\n", w.Task, p.short(w.By), w.Modules, w.Packages, thousands(w.Lines),
			cmp.Or(w.size(), "not built"))
	}
}

// size is that of the binary, empty if it was not built.
func (w *weighed) size() string {
	if w.Binary == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f MB", float64(w.Binary)/1e6)
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
	versions := p.versions()
	if len(versions) == 0 {
		return
	}
	fmt.Fprint(b, "\n## Versions\n\nOf the modules whose tests and programs these are:\n\n| library | version |\n|---|---|\n")
	for _, path := range slices.Sorted(maps.Keys(versions)) {
		fmt.Fprintf(b, "| `%s` | %s |\n", path, strings.Join(versions[path], ", "))
	}
}

// charts are of the results beside other libraries, of those beside floors, and of weights.
func (p *page) charts() map[string]*chart {
	peers := &chart{title: "Times as fast as other libraries", about: "in one run; longer is better, logarithmic; | the goal", from: 1}
	floors := &chart{title: "Times what cannot be left out", about: "in one run; shorter is better; | the goal"}
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
			by, _, _ := strings.Cut(p.short(r.beside), ", ") // one by one, net/http
			text = fmt.Sprintf("%s  %s: %s", figure(r.median), by, strings.TrimSuffix(r.work, ", 20,000 components"))
		}
		g.bars = append(g.bars, bar{text: text, value: r.median, goal: r.goal, kind: map[bool]kind{false: good, true: short}[r.missed()]})
	}
	weights := &chart{title: "Lines that small programs compile", about: "beside the standard library; shorter is lighter, log " +
		"from 1,000", from: 1000}
	if p.Weights != nil {
		weights.groups = p.Weights.groups(p)
	}
	out := map[string]*chart{"peers": peers, "floors": floors, "weight": weights}
	maps.DeleteFunc(out, func(_ string, c *chart) bool { return len(c.groups) == 0 })
	return out
}

// groups are the bars of each task.
func (ws *weights) groups(p *page) (out []group) {
	for _, w := range ws.Programs {
		if n := len(out); n == 0 || out[n-1].name != w.Task {
			out = append(out, group{name: w.Task})
		}
		text := fmt.Sprintf("%s  %s", thousands(w.Lines), p.short(w.By))
		if size := w.size(); size != "" {
			text += ", " + size
		}
		g := &out[len(out)-1]
		g.bars = append(g.bars, bar{text: text, value: float64(w.Lines), kind: map[bool]kind{true: good, false: other}[w.By == ours]})
	}
	return out
}
