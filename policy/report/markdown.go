package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ladingdev/lading/policy"
)

// Markdown writes decisions in CommonMark 0.31 with the details element of HTML, as the summary of a job or a comment shows them.
// What strangers wrote is in code spans, where nothing is markup, a link, or a mention of somebody.
func Markdown(w io.Writer, o *Options, decisions ...*policy.Decision) error {
	opts, decisions, err := checked(o, decisions)
	if err != nil {
		return err
	}
	title := opts.title()
	if opts.Title != "" {
		title = code(title)
	}
	m := &markdown{bufio.NewWriter(w)}
	m.printf("## %s\n", title)
	if sum := several(decisions); sum != "" {
		m.printf("\n%s\n", sum)
	}
	for _, d := range decisions {
		m.decision(opts, d)
	}
	return m.w.Flush()
}

type markdown struct{ w *bufio.Writer }

func (m *markdown) printf(format string, args ...any) { fmt.Fprintf(m.w, format, args...) }

// code is s as a code span (CommonMark 0.31, section 6.1): behind one backtick more than s has in a row.
func code(s string) string {
	s = clean(s)
	if s == "" {
		return "(nothing)"
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

func (m *markdown) decision(o Options, d *policy.Decision) {
	m.printf("\n### %s %s %s\n\n", icon(state(d)), d.Verdict, code(name(d)))
	for _, f := range facts(d) {
		m.printf("- %s: %s\n", f.label, code(f.text))
	}
	list := findings(d)
	for i, f := range list {
		if i == 0 || f.state != list[i-1].state {
			m.printf("\n**%s**\n\n", map[string]string{"deny": "Why", "indeterminate": "Why", "warning": "Warnings"}[f.state])
		}
		m.printf("- %s %s\n", icon(f.state), code(reason(f.Decision)))
		for _, line := range f.looked() {
			m.printf("  - %s\n", code(line))
		}
	}
	m.list(next(d))
	m.list("Ask", o.ask(list))
	m.printf("\n<details><summary>Rules: %d</summary>\n\n", rules(d))
	for depth, rule := range d.All() {
		m.printf("%s- %s %s\n", strings.Repeat("  ", min(depth, deepest)), icon(state(rule)), code(says(rule)))
	}
	m.printf("\n</details>\n")
}

// icon is the state of a rule as a picture that GitHub, GitLab and mail show.
func icon(state string) string {
	return map[string]string{"allow": "✅", "deny": "❌", "indeterminate": "❔", "skipped": "➖", "warning": "⚠️"}[state]
}

// deepest is how deep lists are nested at most; below, rules stand beside each other.
const deepest = 16

func (m *markdown) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	m.printf("\n**%s**\n\n", title)
	for _, s := range items {
		m.printf("- %s\n", code(s))
	}
}
