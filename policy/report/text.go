package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ladingdev/lading/internal/cilog"
	"github.com/ladingdev/lading/policy"
)

// columns is how wide a terminal is at least.
const columns = 80

// Text writes decisions for a terminal, in UTF-8 and 80 columns: the verdict, a tree of the rules with one line for each, the
// reasons, what to do next and whom to ask. Digests below the first lines are abbreviated.
func Text(w io.Writer, o *Options, decisions ...*policy.Decision) error {
	opts, decisions, err := checked(o, decisions)
	if err != nil {
		return err
	}
	t := &terminal{w: bufio.NewWriter(w), opts: opts}
	for i, d := range decisions {
		if i > 0 {
			t.line("")
		}
		t.decision(d)
	}
	if sum := several(decisions); sum != "" {
		t.line("")
		t.line(sum)
	}
	return t.w.Flush()
}

// terminal writes lines; the error of the first that failed comes with Flush.
type terminal struct {
	w    *bufio.Writer
	opts Options
}

func (t *terminal) line(s string) { fmt.Fprintln(t.w, strings.TrimRight(s, " ")) }

// wrapped writes s behind a prefix of n columns, in as many lines as it takes. None begins with what the runner of GitHub Actions
// takes for a command.
func (t *terminal) wrapped(prefix string, n int, s string) {
	for _, part := range wrap(s, columns-n-1) {
		t.line(prefix + cilog.Line(part))
		prefix = strings.Repeat(" ", n)
	}
}

// paint colours s as a state.
func (t *terminal) paint(state, s string) string {
	if !t.opts.Color {
		return s
	}
	color := map[string]string{"allow": "32", "deny": "31", "indeterminate": "33", "skipped": "2", "warning": "33"}[state]
	return "\x1b[1;" + color + "m" + s + "\x1b[0m"
}

func (t *terminal) decision(d *policy.Decision) {
	verdict := d.Verdict.String()
	t.wrapped(t.paint(state(d), verdict)+"  ", len(verdict)+2, name(d))
	list := facts(d)
	label := 0
	for _, f := range list {
		if f.label != "digest" {
			label = max(label, len(f.label))
		}
	}
	for _, f := range list {
		if f.label == "digest" { // the one that is not abbreviated takes a line
			t.wrapped("  ", 2, f.text)
			continue
		}
		t.wrapped(fmt.Sprintf("  %-*s  ", label, f.label), label+4, short(f.text))
	}
	t.line("")
	t.tree(d, "", "")
	t.findings(d)
}

// tree writes a rule, in one line, and those below it.
func (t *terminal) tree(d *policy.Decision, first, others string) {
	if width(others) > columns/2 { // deeper than anybody can read
		first, others = "… ", "… "
	}
	text := fit(short(says(d)), columns-width(first)-2)
	t.line(first + t.paint(state(d), mark(state(d))) + " " + text)
	below := parts(d)
	for i, part := range below {
		if i == len(below)-1 {
			t.tree(part, others+"└─ ", others+"   ")
		} else {
			t.tree(part, others+"├─ ", others+"│  ")
		}
	}
}

func (t *terminal) findings(d *policy.Decision) {
	list := findings(d)
	for i, f := range list {
		if i == 0 || f.state != list[i-1].state {
			t.line("")
			t.line(map[string]string{"deny": "Why", "indeterminate": "Why", "warning": "Warnings"}[f.state])
		}
		t.wrapped("  "+t.paint(f.state, mark(f.state))+" ", 4, short(reason(f.Decision)))
		for _, line := range f.looked() {
			t.wrapped("    - ", 6, line)
		}
	}
	t.list(next(d))
	t.list("Ask", t.opts.ask(list))
}

func (t *terminal) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	t.line("")
	t.line(title)
	for _, s := range items {
		t.wrapped("  - ", 4, short(s))
	}
}
