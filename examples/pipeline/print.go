package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/ladingdev/lading/policy"
)

// printer writes numbered steps and aligned lines of 80 columns, as far as words let it.
type printer struct {
	w     io.Writer
	steps int
}

const columns = 80

// step begins the next part.
func (p *printer) step(name, what string) {
	p.steps++
	fmt.Fprintln(p.w)
	p.put(fmt.Sprintf("%-3d%-10s", p.steps, name), what)
}

// line prints one fact of a step.
func (p *printer) line(label, format string, args ...any) {
	p.put(fmt.Sprintf("   %-10s", label), fmt.Sprintf(format, args...))
}

// put prints text behind a lead, and what does not fit in lines below it.
func (p *printer) put(lead, text string) {
	line := lead
	for _, word := range strings.Fields(text) {
		if line != lead && len(line)+1+len(word) > columns {
			fmt.Fprintln(p.w, line)
			line = strings.Repeat(" ", len(lead))
			lead = line
		}
		if line != lead {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(p.w, strings.TrimRight(line, " "))
}

// text prints lines as they are, indented.
func (p *printer) text(s string) {
	for line := range strings.Lines(s) {
		fmt.Fprintf(p.w, "   %s", line)
	}
}

// decision prints a verdict and the reason of every part that it rests on.
func (p *printer) decision(d *policy.Decision) {
	p.put(fmt.Sprintf("   %-10s", d.Verdict), d.Name)
	marks := map[policy.Verdict]string{policy.Allow: "+", policy.Deny: "-", policy.Indeterminate: "?"}
	for _, part := range d.All() {
		if len(part.Parts) == 0 {
			p.put("   "+marks[part.Verdict]+" ", part.Reason)
		}
	}
}
