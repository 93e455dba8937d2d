package sweep

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ladingdev/lading/internal/cilog"
	"github.com/ladingdev/lading/policy"
)

// columns is how wide a terminal is at least.
const columns = 80

// Text writes the report for a terminal, in UTF-8 and 80 columns: what was looked at, each finding, and the images that run.
func (r *Report) Text(w io.Writer) error {
	t := &text{bufio.NewWriter(w)}
	t.wrap("", 0, fmt.Sprintf("Sweep of %s, begun %s", strings.Join(r.Regions, ", "), r.Started.UTC().Format(time.RFC3339)))
	if r.PolicyDigest != "" {
		t.wrap("", 0, "policy "+r.PolicyDigest)
	}
	t.line("")
	t.line(fmt.Sprintf("%-22s %8s %8s %8s %8s %9s %8s", "", "seen", "allowed", "denied", "unknown", "findings", "warnings"))
	for _, s := range r.sums() {
		t.line(fmt.Sprintf("%-22s %8d %8d %8d %8d %9d %8d", s.service+" "+s.region, s.seen, s.allowed, s.denied, s.unknown,
			s.problems+s.incomplete, s.warnings))
	}
	level := Level("")
	for i := range r.Rows {
		row := &r.Rows[i]
		if len(row.Findings) == 0 {
			break // the worst come first
		}
		if l := row.Findings[0].Kind.Level(); l != level {
			level = l
			t.line("")
			t.line(titles[l])
		}
		t.row(row)
	}
	if images := r.images(); len(images) > 0 {
		t.line("")
		t.line("What runs, or is set to run")
		for _, i := range images {
			t.wrap("  "+marks[i.verdict]+" ", 4, abbreviated(i.judged)+", "+plural(i.count, "time"))
			t.wrap("    ", 4, abbreviated(cmp.Or(i.reason, "no reason is given")))
		}
	}
	t.line("")
	t.wrap("", 0, r.verdict())
	return t.w.Flush()
}

var (
	titles = map[Level]string{
		Problem: "Runs and should not, or came around the gate", Incomplete: "Could not be looked at or judged", Warning: "Worth to know",
	}
	marks      = map[policy.Verdict]string{policy.Allow: "✓", policy.Deny: "✗", policy.Indeterminate: "?"}
	levelMarks = map[Level]string{Problem: "✗", Incomplete: "?", Warning: "!"}
)

// verdict is the report in one sentence.
func (r *Report) verdict() string {
	n := r.levels()
	counts := fmt.Sprintf("%s, %s, %s.", plural(n[Problem], "problem"), plural(n[Incomplete], "gap"), plural(n[Warning], "warning"))
	switch r.Status() {
	case 0:
		return "Nothing that should not run was found: " + counts
	case 1:
		return "Something runs that should not, or came around the gate: " + counts
	case 2:
		return "Not everything could be looked at: " + counts
	}
	return "Something runs that should not, and not everything could be looked at: " + counts
}

type text struct{ w *bufio.Writer }

func (t *text) line(s string) { fmt.Fprintln(t.w, strings.TrimRight(s, " ")) }

// wrap writes s behind a prefix of n columns. No line begins with what a CI server takes for a command.
func (t *text) wrap(prefix string, n int, s string) {
	for _, part := range wrapped(s, columns-n-1) {
		t.line(prefix + cilog.Line(part))
		prefix = strings.Repeat(" ", n)
	}
}

func (t *text) row(r *Row) {
	times := ""
	if r.Count > 1 {
		times = fmt.Sprintf("%d × ", r.Count)
	}
	t.wrap("  "+levelMarks[r.Findings[0].Kind.Level()]+" ", 4, times+r.where())
	if name := cmp.Or(r.Judged, r.Image); name != "" {
		t.wrap("    ", 4, abbreviated(name))
	}
	for _, f := range r.Findings {
		t.wrap("    "+levelMarks[f.Kind.Level()]+" ", 6, string(f.Kind)+": "+abbreviated(cmp.Or(f.Detail, f.Kind.About())))
	}
	for _, arn := range r.examples() {
		t.wrap("    - ", 6, arn)
	}
}

// wrapped breaks s into lines of at most n characters, between words where it can.
func wrapped(s string, n int) (lines []string) {
	now := ""
	for _, word := range strings.Fields(s) {
		if now != "" && utf8.RuneCountInString(now)+1+utf8.RuneCountInString(word) <= n {
			now += " " + word
			continue
		}
		if now != "" {
			lines = append(lines, now)
		}
		runes := []rune(word)
		for ; len(runes) > n; runes = runes[n:] {
			lines = append(lines, string(runes[:n]))
		}
		now = string(runes)
	}
	return append(lines, now)
}

// abbreviated leaves twelve digits of each digest.
func abbreviated(s string) string {
	const digits, kept = 64, 12
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "sha256:")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("sha256:")
		n := 0
		for n < len(after) && strings.IndexByte("0123456789abcdef", after[n]) >= 0 {
			n++
		}
		if s = after[n:]; n == digits {
			n = kept
		}
		b.WriteString(after[:n])
	}
}
