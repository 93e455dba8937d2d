package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

// A runner builds test binaries and runs them in turn.
type runner struct {
	top      string // the repository
	dir      string // for binaries
	progress io.Writer
	began    time.Time
	goes     string // the version of Go that built what ran last
}

func (r *runner) say(format string, args ...any) {
	fmt.Fprintf(r.progress, "%7s  %s\n", time.Since(r.began).Round(time.Second), fmt.Sprintf(format, args...))
}

// figures are what each value was, round by round.
type figures map[value][]float64

// A binary is a suite that was built.
type binary struct {
	file     string
	versions map[string]string // of the libraries that it stands beside
	all      figures
	rounds   int
	err      error // of building or running it; it is run no more
}

// build compiles the tests of a suite.
func (r *runner) build(ctx context.Context, i int, s *suite) (string, error) {
	file := filepath.Join(r.dir, fmt.Sprintf("%02d.test", i))
	args := []string{"test", "-c", "-o", file, s.pkg}
	if s.args != nil {
		args = []string{"build", "-o", file, s.pkg}
	}
	if _, err := r.command(ctx, s, args...); err != nil {
		return "", err
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return "", err
	}
	r.goes = info.GoVersion
	return file, nil
}

// command runs the go command in a suite's module, and returns what it prints.
func (r *runner) command(ctx context.Context, s *suite, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(r.top, s.module)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s in %s: go %s: %w\n%s", s.pkg, s.module, args[0], err, &stderr)
	}
	return out, nil
}

// beside asks a suite's module for the versions of the libraries that its rows stand beside. The build information of a test binary
// does not have them.
func (r *runner) beside(ctx context.Context, s *suite) (map[string]string, error) {
	paths := s.libraries()
	if len(paths) == 0 {
		return nil, nil
	}
	out, err := r.command(ctx, s, append([]string{"list", "-m", "-f", "{{.Path}} {{.Version}}"}, paths...)...)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		versions[path] = version
	}
	return versions, nil
}

// libraries are those that the rows of a suite stand beside.
func (s *suite) libraries() (out []string) {
	for i := range rows {
		name, _, _ := strings.Cut(rows[i].figure.bench, "/")
		if slices.Contains(s.benches(), name) {
			out = append(out, libraries(rows[i].beside)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// benches are the names of its benchmarks.
func (s *suite) benches() []string {
	if s.args != nil {
		return []string{"Verbs"}
	}
	return strings.Split(s.bench, "|")
}

// run has every suite run so many times, one after the other and then again from the first, so that what else the machine does
// meets all of them. After each it hands on what there is of it, so that a run which ends early has not been in vain. A suite that
// cannot be built, or fails, is left out from there on, and is an error beside the others' figures.
func (r *runner) run(ctx context.Context, suites []suite, rounds int, quick bool, after func(*suite, *binary) error) error {
	all := make([]binary, len(suites))
	for i := range suites {
		r.say("build %d of %d: %s %s", i+1, len(suites), suites[i].module, suites[i].pkg)
		b := &all[i]
		b.all = figures{}
		if b.file, b.err = r.build(ctx, i, &suites[i]); b.err == nil {
			b.versions, b.err = r.beside(ctx, &suites[i])
		}
		if b.err != nil {
			r.say("FAILED: %v", b.err)
		}
	}
	for round := range rounds {
		for i := range suites {
			s, b := suites[i], &all[i]
			if quick {
				s.time, s.env, s.args = "1x", s.quickEnv, s.quick
			}
			if b.err != nil || ctx.Err() != nil {
				continue
			}
			r.say("round %d of %d, %d of %d: %s %s %s", round+1, rounds, i+1, len(suites), s.module, s.pkg, s.bench)
			if b.err = r.bench(ctx, b.file, &s, b.all); b.err != nil {
				r.say("FAILED: %v", b.err)
				continue
			}
			b.rounds++
			if err := after(&suites[i], b); err != nil {
				return err
			}
		}
	}
	failed := []error{ctx.Err()}
	for i := range all {
		failed = append(failed, all[i].err)
	}
	return errors.Join(failed...)
}

// bench runs a binary where go test would, and keeps what it reports.
func (r *runner) bench(ctx context.Context, binary string, s *suite, all figures) error {
	args := s.args
	if args == nil {
		args = []string{"-test.run=^$", "-test.bench=" + s.pattern(), "-test.benchtime=" + s.time}
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = filepath.Join(r.top, s.module, s.pkg)
	cmd.Env = append(append(os.Environ(), "GOWORK=off"), s.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s in %s: %w\n%s%s", s.pkg, s.module, err, &out, &errs)
	}
	n, err := read(&out, all)
	if err == nil && n == 0 {
		err = errors.New("no such benchmark")
	}
	if err != nil {
		return fmt.Errorf("%s in %s, %s: %w", s.pkg, s.module, s.bench, err)
	}
	return nil
}

var processors = regexp.MustCompile(`-\d+$`)

// read takes the lines of Go's benchmark format, and returns how many there were.
func read(from io.Reader, all figures) (n int, err error) {
	in := benchfmt.NewReader(from, "benchmarks")
	for in.Scan() {
		result, ok := in.Result().(*benchfmt.Result)
		if !ok {
			continue // a unit's description, or a line of something else
		}
		n++
		name := processors.ReplaceAllString(string(result.Name), "")
		for _, v := range result.Values {
			unit, x := v.Unit, v.Value
			if v.OrigUnit != "" {
				unit, x = v.OrigUnit, v.OrigValue
			}
			key := value{name, unit}
			all[key] = append(all[key], x)
		}
	}
	return n, in.Err()
}

// A result is the figure of a row: the median of the rounds, and the least and most of them.
type result struct {
	*row
	median, least, most float64
	floor               float64 // 0 if there is none
}

// missed says that a goal is not met.
func (r *result) missed() bool {
	switch {
	case r.goal == 0:
		return false
	case r.sense == asFast:
		return r.median < r.goal
	}
	return r.median > r.goal
}

// ratios divides two figures round by round, or takes the first alone.
func (all figures) ratios(a, b value) []float64 {
	out := slices.Clone(all[a])
	if b == (value{}) {
		return out
	}
	below := all[b]
	out = out[:min(len(out), len(below))]
	for i := range out {
		out[i] /= below[i]
	}
	return out
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// results are the rows whose benchmarks ran. One of a suite that ran without its figure is an error: the page would lose it.
func results(rows []row, all figures) (out []result, err error) {
	ran := map[string]bool{}
	for v := range maps.Keys(all) {
		name, _, _ := strings.Cut(v.bench, "/")
		ran[name] = true
	}
	for i := range rows {
		r := &rows[i]
		x := all.ratios(r.figure, r.over)
		if len(x) == 0 {
			if name, _, _ := strings.Cut(r.figure.bench, "/"); ran[name] {
				err = errors.Join(err, fmt.Errorf("%s: %s reports no %s, or not beside it %s %s", r.work, r.figure.bench, r.figure.unit,
					r.over.bench, r.over.unit))
			}
			continue
		}
		res := result{row: r, median: median(x), least: slices.Min(x), most: slices.Max(x)}
		if r.floor != nil {
			if f := all.ratios(r.floor.figure, r.floor.over); len(f) > 0 {
				res.floor = median(f)
			}
		}
		out = append(out, res)
	}
	return out, err
}
