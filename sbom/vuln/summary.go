package vuln

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ladingdev/lading/internal/cilog"
	"github.com/ladingdev/lading/internal/oneline"
)

// A Summary counts the findings of a Report. A finding is suppressed if every place of it is; those are counted by nothing else.
type Summary struct {
	Total      int // findings that are not suppressed
	Severities [Critical + 1]int
	Fixable    int // a version with the fix is known for a place that is not suppressed
	Exploited  int // in a catalogue of exploited vulnerabilities
	Exploit    int // code that exploits it is public, or it is in a catalogue
	Unscored   int // no rating has a score
	Doubtful   int // the scanner cannot tell of any place that is not suppressed whether it is affected
	Suppressed int
	Skipped    int // what could not be assessed
}

// Summary counts.
func (r *Report) Summary() Summary {
	s := Summary{Skipped: len(r.Skipped)}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Suppressed() {
			s.Suppressed++
			continue
		}
		s.Total++
		s.Severities[min(f.Severity, Critical)]++
		if slices.ContainsFunc(f.Affects, func(a Affected) bool { return !a.Suppressed() && len(a.Fixed) > 0 }) {
			s.Fixable++
		}
		if f.doubtful() {
			s.Doubtful++
		}
		if f.Exploit.Known {
			s.Exploited++
		}
		if f.Exploit.Known || f.Exploit.Available {
			s.Exploit++
		}
		if !slices.ContainsFunc(f.Ratings, func(r Rating) bool { return r.Scored }) {
			s.Unscored++
		}
	}
	return s
}

// Suppressed reports whether every place of the finding is suppressed; one without a place is not.
func (f *Finding) Suppressed() bool {
	return len(f.Affects) > 0 && !slices.ContainsFunc(f.Affects, func(a Affected) bool { return !a.Suppressed() })
}

// doubtful reports whether every place that is not suppressed is in doubt; one without a place is not.
func (f *Finding) doubtful() bool {
	return len(f.Affects) > 0 && !slices.ContainsFunc(f.Affects, func(a Affected) bool { return !a.Suppressed() && a.Doubt == "" })
}

// String is the Summary in one line.
func (s Summary) String() string {
	var b strings.Builder
	noun := "findings"
	if s.Total == 1 {
		noun = "finding"
	}
	fmt.Fprintf(&b, "%d %s:", s.Total, noun)
	for v := Critical; ; v-- {
		if s.Severities[v] > 0 || v >= Low {
			fmt.Fprintf(&b, " %d %s,", s.Severities[v], v)
		}
		if v == Unknown {
			break
		}
	}
	fmt.Fprintf(&b, " %d fixable, %d exploited", s.Fixable, s.Exploited)
	for _, more := range []struct {
		n    int
		what string
	}{{s.Unscored, "without a score"}, {s.Doubtful, "in doubt"}, {s.Suppressed, "suppressed"}, {s.Skipped, "not assessed"}} {
		if more.n > 0 {
			fmt.Fprintf(&b, ", %d %s", more.n, more.what)
		}
	}
	return b.String()
}

// TableOptions say how a report is written for people.
type TableOptions struct {
	Width      int     // of the terminal in columns; 0 means 80, and less than 60 is 60
	Suppressed bool    // list also what is suppressed
	Since      *Report // an earlier report: findings that are not in it are marked new
}

// A row is one place in a table.
type row struct {
	severity, id, component, version, fixed, remark string
	rank                                            Severity
}

// rows lists the places, the worst first, in an order that is the same whatever scanner found them.
func (r *Report) rows(o *TableOptions) []row {
	var fresh map[string]bool
	if o.Since != nil {
		fresh = map[string]bool{}
		for _, c := range Diff(o.Since, r).New {
			fresh[c.key] = true
		}
	}
	var out []row
	for f, a := range r.Places() {
		if a.Suppressed() && !o.Suppressed {
			continue
		}
		w := row{severity: f.Severity.String(), id: f.ID, rank: f.Severity, fixed: strings.Join(a.Fixed, ", ")}
		w.component, w.version = a.Component.shown()
		if w.component == "" {
			w.component = a.File
			if a.Lines != "" {
				w.version = "line " + a.Lines
			}
		}
		var remarks []string
		if fresh[placeKey(f, a)] {
			remarks = append(remarks, "new")
		}
		if f.Exploit.Known {
			remarks = append(remarks, "exploited")
		}
		if a.Status != "" {
			remarks = append(remarks, strings.ReplaceAll(string(a.Status), "_", " "))
		}
		if a.Doubt != "" {
			remarks = append(remarks, "cannot tell")
		}
		w.remark = strings.Join(remarks, ", ")
		if w.fixed == "" && a.Fix == WontFix {
			w.fixed = "will not fix"
		}
		out = append(out, w)
	}
	slices.SortStableFunc(out, func(a, b row) int {
		return cmp.Or(-cmp.Compare(a.rank, b.rank), cmp.Compare(a.id, b.id), cmp.Compare(a.component, b.component),
			cmp.Compare(a.version, b.version))
	})
	return out
}

var headings = [...]string{"SEVERITY", "ID", "COMPONENT", "INSTALLED", "FIXED", ""}

func (w *row) cells() [6]string {
	out := [6]string{w.severity, w.id, w.component, w.version, w.fixed, w.remark}
	for i := range out {
		out[i] = oneline.Of(out[i])
	}
	return out
}

// WriteTable writes the summary, a table of all places, the worst first, and what could not be told, what was not assessed and
// which databases were asked, no wider than the terminal. A text that is too long for its column is cut, with "…".
func (r *Report) WriteTable(w io.Writer, o *TableOptions) error {
	if o == nil {
		o = &TableOptions{}
	}
	width := o.Width
	if width == 0 {
		width = 80
	}
	width = max(width, 60)
	rows := r.rows(o)
	table := make([][6]string, 0, len(rows)+1)
	if len(rows) > 0 {
		table = append(table, headings)
	}
	for i := range rows {
		table = append(table, rows[i].cells())
	}
	sizes := columns(table, width)
	var b strings.Builder
	for _, line := range wrap(oneline.Of(r.head()), width) {
		b.WriteString(cilog.Line(line) + "\n")
	}
	for _, line := range wrap(r.Summary().String(), width) {
		b.WriteString(cilog.Line(line) + "\n")
	}
	if len(rows) > 0 {
		b.WriteString("\n")
	}
	for _, cells := range table {
		var line strings.Builder
		for i, cell := range cells {
			if sizes[i] == 0 {
				continue
			}
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(fitted(cell, sizes[i]))
		}
		b.WriteString(cilog.Line(strings.TrimRight(line.String(), " ")) + "\n")
	}
	for i, text := range r.caveats() {
		if i == 0 {
			b.WriteString("\n")
		}
		for _, line := range wrap(oneline.Of(text), width) {
			b.WriteString(cilog.Line(line) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// caveats say how far the table can be trusted, one text for each reason.
func (r *Report) caveats() (out []string) {
	skipped, doubts := r.reasons()
	for _, list := range []struct {
		title string
		by    map[string][]string
	}{{"cannot tell", doubts}, {"not assessed", skipped}} {
		for _, reason := range sortedKeys(list.by) {
			names := list.by[reason]
			text := list.title + ": " + reason
			if shown := union(nil, names[:min(3, len(names))]); len(shown) > 0 {
				text += ": " + strings.Join(shown, ", ")
			}
			if len(names) > 3 {
				text += fmt.Sprintf(" and %d more", len(names)-3)
			}
			out = append(out, text)
		}
	}
	var asked []string
	for _, d := range r.Databases {
		text := strings.TrimSpace(nameOr(d.Name, d.URI) + " " + d.Ecosystem)
		if !d.Updated.IsZero() {
			text += " of " + d.Updated.UTC().Format("2006-01-02")
		}
		asked = union(asked, []string{text})
	}
	if len(asked) > 0 {
		out = append(out, "asked: "+strings.Join(asked, ", "))
	}
	return out
}

// reasons lists what was skipped, and what cannot be told, by why.
func (r *Report) reasons() (skipped, doubts map[string][]string) {
	skipped, doubts = map[string][]string{}, map[string][]string{}
	for i := range r.Skipped {
		s := &r.Skipped[i]
		skipped[s.Reason] = append(skipped[s.Reason], strings.TrimSpace(nameOr(s.Component.Name, s.Component.PURL)+" "+s.Component.Version))
	}
	for f, a := range r.Places() {
		if a.Doubt != "" && !a.Suppressed() {
			doubts[a.Doubt] = append(doubts[a.Doubt], f.ID+" "+nameOr(a.Component.Name, a.File))
		}
	}
	return skipped, doubts
}

// head names what was scanned and by what.
func (r *Report) head() string {
	tool := strings.TrimSpace(nameOr(r.Tool.Name, "an unknown scanner") + " " + r.Tool.Version)
	out := nameOr(r.Subject.Name, nameOr(r.Subject.Digest, "unnamed")) + ", by " + tool
	if !r.Finished.IsZero() {
		out += " at " + stamp(r.Finished.Truncate(time.Second))
	}
	if len(r.Databases) == 0 {
		return out + "; which database was asked is not known"
	}
	oldest := r.Databases[0]
	for _, d := range r.Databases[1:] {
		if d.Updated.Before(oldest.Updated) {
			oldest = d
		}
	}
	if oldest.Updated.IsZero() {
		return out + "; how old the database is, is not known"
	}
	return out + "; database of " + oldest.Updated.UTC().Format("2006-01-02")
}

// least is what a column keeps while others have more to give: ids are what people search for, so they are cut last.
var least = [6]int{8, 20, 16, 10, 8, 10}

// columns gives each column what it needs, and takes what the terminal has not: from the widest that is over its least, then
// from the widest.
func columns(table [][6]string, width int) (sizes [6]int) {
	for _, cells := range table {
		for i, cell := range cells {
			sizes[i] = max(sizes[i], utf8.RuneCountInString(cell))
		}
	}
	total := -2
	for _, s := range sizes {
		if s > 0 {
			total += s + 2
		}
	}
	for ; total > width; total-- {
		widest := -1
		for i, s := range sizes {
			if s > least[i] && (widest < 0 || s-least[i] > sizes[widest]-least[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			for i, s := range sizes {
				if widest < 0 || s > sizes[widest] {
					widest = i
				}
			}
		}
		if sizes[widest] <= 4 {
			break
		}
		sizes[widest]--
	}
	return sizes
}

func fitted(s string, n int) string {
	if have := utf8.RuneCountInString(s); have <= n {
		return s + strings.Repeat(" ", n-have)
	}
	return string([]rune(s)[:n-1]) + "…"
}

// wrap breaks a text at blanks.
func wrap(s string, width int) (out []string) {
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			out = append(out, line)
			line = "  "
		} else if line != "" {
			line += " "
		}
		line += fitted(word, min(utf8.RuneCountInString(word), width-2))
	}
	return append(out, line)
}

// WriteMarkdown writes the same as WriteTable, uncut, as GitHub's Markdown.
func (r *Report) WriteMarkdown(w io.Writer, o *TableOptions) error {
	if o == nil {
		o = &TableOptions{}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\n%s\n", escape(oneline.Of(r.head())), r.Summary())
	rows := r.rows(o)
	if len(rows) > 0 {
		b.WriteString("\n| Severity | ID | Component | Installed | Fixed | |\n| --- | --- | --- | --- | --- | --- |\n")
	}
	for i := range rows {
		for _, cell := range rows[i].cells() {
			b.WriteString("| " + escape(cell) + " ")
		}
		b.WriteString("|\n")
	}
	skipped, doubts := r.reasons()
	writeReasons(&b, "Cannot tell", doubts)
	writeReasons(&b, "Not assessed", skipped)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeReasons(b *strings.Builder, title string, reasons map[string][]string) {
	if len(reasons) > 0 {
		fmt.Fprintf(b, "\n%s:\n\n", title)
	}
	for _, reason := range sortedKeys(reasons) {
		fmt.Fprintf(b, "- %d: %s\n", len(reasons[reason]), escape(oneline.Of(reason)))
	}
}

var markdown = strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"[", `\[`, "]", `\]`, "@", "&#64;", "#", `\#`, "~", `\~`)

func escape(s string) string { return markdown.Replace(s) }
