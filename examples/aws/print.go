package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/ladingdev/lading/policy"
)

// printer writes numbered steps and aligned lines.
type printer struct {
	w     io.Writer
	steps int
}

// step begins the next part.
func (p *printer) step(name, what string) {
	p.steps++
	fmt.Fprintf(p.w, "\n%d  %-9s %s\n", p.steps, name, what)
}

// line prints one fact of a step.
func (p *printer) line(label, format string, args ...any) {
	fmt.Fprintf(p.w, "   %-9s %s\n", label, fmt.Sprintf(format, args...))
}

// text prints lines as they are, indented.
func (p *printer) text(s string) {
	for line := range strings.Lines(s) {
		fmt.Fprintf(p.w, "   %s", line)
	}
}

// decision prints a verdict and the reason of every part that it rests on.
func (p *printer) decision(d *policy.Decision) {
	fmt.Fprintf(p.w, "   %s  %s\n", d.Verdict, d.Name)
	marks := map[policy.Verdict]string{policy.Allow: "+", policy.Deny: "-", policy.Indeterminate: "?"}
	for _, part := range d.All() {
		if len(part.Parts) == 0 {
			fmt.Fprintf(p.w, "   %s %s\n", marks[part.Verdict], part.Reason)
		}
	}
}
