package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/ladingdev/lading/policy"
)

// printer writes the tour for people: numbered steps, aligned lines, broken between words where the terminal ends, colour
// only where a terminal shows it.
type printer struct {
	w      io.Writer
	colour bool
	live   bool // on a terminal, where a line can be written over
	width  int  // columns
	steps  int
}

const (
	margin = 3  // columns before everything below a step
	label  = 10 // columns of a line's label
)

func newPrinter(w io.Writer) *printer {
	p := &printer{w: w, width: 80}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.live = os.Getenv("TERM") != "dumb"
		p.colour = p.live && os.Getenv("NO_COLOR") == ""
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			p.width = max(40, min(width, 120))
		}
	}
	return p
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

// put writes text after a lead of so many columns, and what does not fit below its beginning.
func (p *printer) put(lead string, columns int, text string) {
	for i, line := range fold(text, p.width-columns, p.width-margin-2) {
		switch {
		case i == 0 && utf8.RuneCountInString(line) <= p.width-columns:
			fmt.Fprintf(p.w, "%s%s\n", lead, line)
			continue
		case i == 0:
			fmt.Fprintln(p.w, strings.TrimRight(lead, " "))
		}
		indent := columns
		if utf8.RuneCountInString(line) > p.width-columns { // a word that is too long for the column may fit further left
			indent = min(columns, margin+2)
		}
		fmt.Fprintf(p.w, "%s%s\n", strings.Repeat(" ", indent), line)
	}
}

// fold breaks text between words. A word that is longer than a line is on one of its own, and one that is longer than most
// is broken before an @ or behind a slash, as names can be.
func fold(text string, width, most int) (lines []string) {
	var words []string
	for _, word := range strings.Fields(text) {
		for utf8.RuneCountInString(word) > most {
			cut := max(strings.LastIndexByte(word[:min(most, len(word))], '/')+1, strings.LastIndexByte(word[:min(most, len(word))], '@'))
			if i := strings.IndexAny(word[1:], "/@"); cut <= 0 && i >= 0 {
				cut = i + 1 + strings.Count(word[i+1:i+2], "/")
			}
			if cut <= 0 || cut == len(word) {
				break
			}
			words, word = append(words, word[:cut]), word[cut:]
		}
		words = append(words, word)
	}
	line := ""
	for _, word := range words {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

func (p *printer) title(s string) {
	for _, line := range fold(s, p.width, p.width) {
		fmt.Fprintln(p.w, p.paint(bold, line))
	}
}

// step begins the next part of the tour.
func (p *printer) step(name, what string) {
	p.steps++
	fmt.Fprintln(p.w)
	p.put(p.paint(bold, fmt.Sprintf("%d  %-*s", p.steps, label, name))+" ", margin+label+1, what)
}

// line prints one fact of a step.
func (p *printer) line(name, format string, args ...any) {
	p.mark(faint, name, fmt.Sprintf(format, args...))
}

// mark prints a line whose label has a colour.
func (p *printer) mark(code, name, text string) {
	p.put(strings.Repeat(" ", margin)+p.paint(code, fmt.Sprintf("%-*s", label, name))+" ", margin+label+1, text)
}

// wait prints what is being done while it is done: on a terminal with the time that it takes and what progress reports,
// elsewhere once.
func (p *printer) wait(name, what string, work func(progress func(string)) error) error {
	if !p.live {
		p.line(name, "%s", what)
		return work(func(string) {})
	}
	var (
		mu    sync.Mutex
		now   string
		start = time.Now()
		done  = make(chan struct{})
		ended sync.WaitGroup
	)
	show := func() {
		mu.Lock()
		defer mu.Unlock()
		text := fmt.Sprintf("%*s%-*s %.0f s  %s", margin, "", label, name, time.Since(start).Seconds(), now)
		if now == "" {
			text += what
		}
		if r := []rune(text); len(r) > p.width-1 {
			text = string(r[:p.width-1])
		}
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
	}
	show()
	ended.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				show()
			case <-done:
				return
			}
		}
	})
	err := work(func(s string) {
		mu.Lock()
		defer mu.Unlock()
		now = s
	})
	close(done)
	ended.Wait()
	fmt.Fprint(p.w, "\r\x1b[K")
	p.line(name, "%s (%.1f s)", what, time.Since(start).Seconds())
	return err
}

var columns = regexp.MustCompile(`\s{2,}`)

// tree prints the lines of a tree. What does not fit beside the last of a line's columns goes below it.
func (p *printer) tree(s string) {
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\n")
		if margin+utf8.RuneCountInString(line) <= p.width {
			fmt.Fprintf(p.w, "%*s%s\n", margin, "", line)
			continue
		}
		parts := columns.Split(line, -1)
		head, last := parts[0], len(parts)-1
		fmt.Fprintf(p.w, "%*s%s\n", margin, "", strings.Join([]string{head, parts[last]}, "  "))
		rest := strings.Repeat(" ", utf8.RuneCountInString(head)+2)
		if strings.HasPrefix(head, "├") {
			rest = "│" + rest[1:]
		}
		for _, part := range parts[1:last] {
			fmt.Fprintf(p.w, "%*s%s%s\n", margin, "", rest, part)
		}
	}
}

// decision prints a verdict and the reason of every part that it rests on.
func (p *printer) decision(d *policy.Decision) {
	code := map[policy.Verdict]string{policy.Allow: green, policy.Deny: red, policy.Indeterminate: yellow}
	word := map[policy.Verdict]string{policy.Allow: "met", policy.Deny: "not met", policy.Indeterminate: "unknown"}
	p.mark(code[d.Verdict], d.Verdict.String(), d.Name)
	for _, part := range d.All() {
		if len(part.Parts) == 0 {
			p.mark(code[part.Verdict], word[part.Verdict], short(part.Reason))
		}
	}
}

// refused prints an attack and how it ended. To be refused is what it is for.
func (p *printer) refused(what string, d *policy.Decision) {
	if d.Verdict == policy.Allow {
		p.mark(red, "let in", what)
		return
	}
	p.mark(green, "refused", what)
	p.mark(faint, "", d.Verdict.String()+": "+short(blame(d)))
}

var wholeDigest = regexp.MustCompile(`(sha256:[0-9a-f]{12})[0-9a-f]{52}`)

// short cuts digests to what tells them apart.
func short(s string) string { return wholeDigest.ReplaceAllString(s, "$1...") }

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
