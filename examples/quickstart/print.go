package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/ladingdev/lading/policy"
)

// printer writes the tour for people: numbered steps, aligned lines, colour only where a terminal shows it.
type printer struct {
	w      io.Writer
	colour bool
	steps  int
}

func newPrinter(w io.Writer) *printer {
	f, ok := w.(*os.File)
	return &printer{w: w, colour: ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (p *printer) paint(code, s string) string {
	if !p.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *printer) title(s string) { fmt.Fprintln(p.w, p.paint(bold, s)) }

// step begins the next part of the tour.
func (p *printer) step(name, what string) {
	p.steps++
	fmt.Fprintf(p.w, "\n%s %s\n", p.paint(bold, fmt.Sprintf("%d  %-9s", p.steps, name)), what)
}

// line prints one fact of a step.
func (p *printer) line(label, format string, args ...any) {
	fmt.Fprintf(p.w, "   %s %s\n", p.paint(faint, fmt.Sprintf("%-9s", label)), fmt.Sprintf(format, args...))
}

// text prints lines as they are, indented.
func (p *printer) text(s string) {
	for line := range strings.Lines(s) {
		fmt.Fprintf(p.w, "   %s", line)
	}
	if !strings.HasSuffix(s, "\n") {
		fmt.Fprintln(p.w)
	}
}

func (p *printer) verdict(v policy.Verdict) string {
	code := map[policy.Verdict]string{policy.Allow: green, policy.Deny: red, policy.Indeterminate: yellow}[v]
	return p.paint(code, v.String())
}

// decision prints a verdict and the reason of every part that it rests on.
func (p *printer) decision(d *policy.Decision) {
	fmt.Fprintf(p.w, "   %s  %s\n", p.verdict(d.Verdict), d.Name)
	for _, part := range d.All() {
		if len(part.Parts) == 0 {
			fmt.Fprintf(p.w, "   %s %s\n", p.mark(part.Verdict), part.Reason)
		}
	}
}

func (p *printer) mark(v policy.Verdict) string {
	switch v {
	case policy.Allow:
		return p.paint(green, "+")
	case policy.Deny:
		return p.paint(red, "-")
	}
	return p.paint(yellow, "?")
}

func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
