// Command bench measures Lading beside other libraries, and beside what cannot be left out, and writes docs/performance.md with its
// charts: speed as ratios within one run, and what small programs weigh.
//
//	cd internal/interop/bench && GOWORK=off go run .
//
// It builds the tests of a dozen modules, downloads what they need, and takes about half an hour on two processors when nothing is
// built yet. Progress goes to standard error. Each benchmark takes turns between ours and the others by itself, and all of them are
// run in turn in several rounds; a figure is the median of its rounds. The figures are kept in docs/performance.json, so that some
// suites can be measured anew (-only), and the page be written again (-page).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

type options struct {
	out    string
	quick  bool
	page   bool
	rounds int
	only   string
}

func main() {
	var o options
	flag.StringVar(&o.out, "out", "", "folder for performance.md, performance.json and img; empty means docs of the repository")
	flag.BoolVar(&o.quick, "quick", false, "run each benchmark that is quickly built once, and build no program: shows that all of it "+
		"works, and no figure to keep; goes to -out")
	flag.BoolVar(&o.page, "page", false, "measure nothing: write the page and its charts of the figures in performance.json")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of all benchmarks")
	flag.StringVar(&o.only, "only", "", "measure some suites anew, and keep the others' figures: parts of the names of their folders or "+
		"benchmarks, with commas between them, or \"weight\"")
	flag.Parse()
	if flag.NArg() > 0 || o.quick && o.out == "" {
		fmt.Fprintln(os.Stderr, "bench: no arguments, and -quick needs -out, so that the page in docs keeps its figures")
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, &o, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options, progress io.Writer) error {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/ladingdev/lading").Output()
	if err != nil {
		return fmt.Errorf("run it in internal/interop/bench, with GOWORK=off: %w", err)
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &runner{top: strings.TrimSpace(string(out)), dir: dir, progress: progress, began: time.Now()}
	if o.out == "" {
		o.out = filepath.Join(r.top, "docs")
	}
	st := &store{Suites: map[string]*measured{}}
	if o.only != "" || o.page {
		if st, err = load(o.out); err != nil {
			return err
		}
		st.forget(suites)
	}
	var failed error
	if !o.page {
		if failed = r.measure(ctx, o, st); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	r.say("write %s", filepath.Join(o.out, "performance.md"))
	lost, err := write(o, st)
	return errors.Join(failed, lost, err)
}

// measure runs what was chosen, and keeps it in the store and on the page as it comes.
func (r *runner) measure(ctx context.Context, o *options, st *store) error {
	chosen, weigh := choose(o)
	if len(chosen) == 0 && !weigh {
		return fmt.Errorf("-only %s: no suite has this in its name", o.only)
	}
	rounds := o.rounds
	if o.quick {
		rounds = 1
	}
	began := start{Began: r.began.UTC().Truncate(time.Second), Machine: thisMachine()}
	failed := r.run(ctx, chosen, rounds, o.quick, func(s *suite, b *binary) error {
		began.Go = r.goes
		st.keep(s, began, b.rounds, b.all, b.versions)
		_, err := write(o, st) // rows that are lost are said at the end
		return err
	})
	if ctx.Err() != nil || !weigh {
		return failed
	}
	programs, err := r.weigh(ctx, !o.quick)
	if err != nil {
		return errors.Join(failed, err)
	}
	if began.Go == "" {
		began.Go = runtime.Version()
	}
	st.Weights = &weights{Start: began, Programs: programs}
	return failed
}

// write makes the page of what the store has, and saves it. The first error names rows that a suite no longer reports.
func write(o *options, st *store) (lost, err error) {
	all, missing := st.figures(suites)
	p := &page{store: st, quick: o.quick}
	if !o.quick {
		p.missing = missing
	}
	if p.results, lost = results(rows, all); len(p.results) == 0 && st.Weights == nil {
		return lost, errNothing
	}
	return lost, errors.Join(p.write(o.out), st.save(o.out))
}

// choose returns the suites that are to run, and whether programs are weighed.
func choose(o *options) (out []suite, weigh bool) {
	parts := strings.Split(o.only, ",")
	for _, s := range suites {
		named := slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(s.name(), strings.TrimSpace(part)) })
		if o.quick && s.heavy || !named {
			continue
		}
		out = append(out, s)
	}
	return out, o.only == "" || slices.Contains(parts, "weight")
}

var errNothing = errors.New("nothing was measured")
