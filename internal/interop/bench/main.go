// Command bench measures Lading beside other libraries, and beside what cannot be left out, and writes docs/performance.md with its
// charts: speed as ratios within one run, and what small programs weigh.
//
//	cd internal/interop/bench && GOWORK=off go run .
//
// It builds the tests of a dozen modules, downloads what they need, and takes about half an hour on two processors when nothing is
// built yet. Progress goes to standard error. Each benchmark takes turns between ours and the others by itself, and all of them are
// run in turn in several rounds; a figure is the median of its rounds.
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
	"strings"
	"time"
)

type options struct {
	out    string
	quick  bool
	rounds int
	only   string
}

func main() {
	var o options
	flag.StringVar(&o.out, "out", "", "folder for performance.md and img; empty means docs of the repository")
	flag.BoolVar(&o.quick, "quick", false, "run each benchmark that is quickly built once, and build no program: shows that all of it "+
		"works, and no figure to keep")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of all benchmarks")
	flag.StringVar(&o.only, "only", "", "suites whose folder or benchmarks have this in them, or \"weight\"; the page then has these "+
		"alone, and goes to -out")
	flag.Parse()
	if flag.NArg() > 0 || o.only != "" && o.out == "" {
		fmt.Fprintln(os.Stderr, "bench: no arguments, and -only needs -out, so that the page in docs stays whole")
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
	r := &runner{top: strings.TrimSpace(string(out)), dir: dir, progress: progress, began: time.Now(), versions: map[string]string{}}
	p := &page{began: r.began, quick: o.quick, machine: thisMachine()}
	chosen := choose(o)
	rounds := o.rounds
	if o.quick {
		rounds = 1
	}
	if o.out == "" {
		o.out = filepath.Join(r.top, "docs")
	}
	write := func() error {
		p.versions, p.goes, p.rounds, p.took = r.versions, r.goes, rounds, time.Since(r.began)
		return p.write(o.out)
	}
	all, failed := r.run(ctx, chosen, rounds, o.quick, func(soFar figures) {
		p.incomplete = true
		if p.results, err = results(rows, soFar); err == nil {
			err = write()
		}
	})
	if failed = errors.Join(failed, err); ctx.Err() != nil {
		return ctx.Err()
	}
	p.results, err = results(rows, all)
	failed = errors.Join(failed, err)
	p.incomplete = failed != nil
	if o.only == "" || o.only == "weight" {
		if p.weights, err = r.weigh(ctx, !o.quick); err != nil {
			return errors.Join(err, failed)
		}
	}
	r.say("write %s", filepath.Join(o.out, "performance.md"))
	return errors.Join(write(), failed)
}

// choose returns the suites that are to run.
func choose(o *options) (out []suite) {
	for _, s := range suites {
		name := s.module + " " + s.pkg + " " + s.bench
		if o.quick && s.heavy || !strings.Contains(name, o.only) {
			continue
		}
		out = append(out, s)
	}
	return out
}

var errNothing = errors.New("nothing was measured")
