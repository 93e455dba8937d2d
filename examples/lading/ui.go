package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy/report"
)

// ui is where a verb's answer goes: to people, or as JSON to programs; and its progress, to people alone.
type ui struct {
	in       io.Reader
	out, err io.Writer
	format   string
	quiet    bool
	terminal bool // whether err is one
	width    int  // of out in columns
	color    bool
	shown    bool
	last     time.Time
}

func newUI(in io.Reader, out, err io.Writer) *ui {
	u := &ui{in: in, out: out, err: err, width: 80}
	if f, ok := err.(*os.File); ok {
		u.terminal = term.IsTerminal(int(f.Fd()))
	}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w >= 40 {
			u.width = w
		}
		u.color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return u
}

func (u *ui) check(cmd *cobra.Command) error {
	formats := []string{"text", "json"}
	if cmd.Name() == "check" {
		formats = report.Formats()
	}
	if !slices.Contains(formats, u.format) {
		return misuse("--output %s: want one of %s", u.format, strings.Join(formats, ", "))
	}
	return nil
}

func (u *ui) json() bool { return u.format == "json" }

// answer writes v as JSON where that is asked for, and otherwise what text writes.
func (u *ui) answer(v any, text func(w io.Writer)) error {
	u.clear()
	if !u.json() {
		text(plain{u.out})
		return nil
	}
	enc := json.NewEncoder(u.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// plain writes to people what others wrote: no control character, and none that turns the order of what is shown, but the
// ends of lines.
type plain struct{ w io.Writer }

func (p plain) Write(b []byte) (int, error) {
	lines := strings.Split(string(b), "\n")
	for i, line := range lines {
		lines[i] = oneline.Of(line)
	}
	if _, err := io.WriteString(p.w, strings.Join(lines, "\n")); err != nil {
		return 0, err
	}
	return len(b), nil
}

// progress shows one line, over the one before.
func (u *ui) progress(format string, args ...any) {
	if u.quiet || !u.terminal || time.Since(u.last) < 100*time.Millisecond {
		return
	}
	u.last, u.shown = time.Now(), true
	fmt.Fprint(u.err, "\r\x1b[K"+clip(fmt.Sprintf(format, args...), u.width-1))
}

func (u *ui) clear() {
	if u.shown {
		fmt.Fprint(u.err, "\r\x1b[K")
		u.shown = false
	}
}

// note says something beside the answer.
func (u *ui) note(format string, args ...any) {
	u.clear()
	u.say("", fmt.Sprintf(format, args...))
}

// say writes lines to standard error: to people in at most 80 columns, and whole where a program reads the answer.
func (u *ui) say(prefix, text string) {
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			prefix = ""
		}
		if u.format == "text" && len([]rune(prefix+line)) > 80 {
			wrapped(plain{u.err}, prefix, line)
			continue
		}
		fmt.Fprintln(plain{u.err}, prefix+line)
	}
}

func (u *ui) reportOptions() *report.Options { return &report.Options{Color: u.color} }

// clip is one line of at most width columns.
func clip(s string, width int) string {
	s = oneline.Of(s)
	if r := []rune(s); len(r) > width && width > 3 {
		return string(r[:width-3]) + "..."
	}
	return s
}

// wrapped writes text behind a prefix, in lines of at most 80 columns. A word that is wider than a line stays whole.
func wrapped(w io.Writer, prefix, text string) {
	line, empty := prefix, true
	for _, word := range strings.Fields(text) {
		if !empty && len([]rune(line))+1+len([]rune(word)) > 80 {
			fmt.Fprintln(w, line)
			line, empty = strings.Repeat(" ", len(prefix)), true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	fmt.Fprintln(w, line)
}

func mb(n int64) float64 { return float64(n) / 1e6 }

// write puts data into a file, or to standard output where there is no name.
func (u *ui) write(name string, data []byte) error {
	if name == "" || name == "-" {
		u.clear()
		_, err := u.out.Write(data)
		return err
	}
	return os.WriteFile(name, data, 0o644)
}

// read is the content of a file, or of standard input for "-".
func (u *ui) read(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(u.in)
	}
	data, err := os.ReadFile(name)
	return data, named(name, err)
}

// named makes a mistake on the command line of the error of a file that was named there, if there is no such file.
func named(name string, err error) error {
	if st, statErr := os.Stat(name); err != nil && statErr == nil && st.IsDir() {
		return misuse("%s is a directory: here it takes a file", name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return misuse("%s: no such file", name)
	}
	return err
}

// unfit makes a mistake on the command line of what a parser says of a file that was named there, if it is one of kinds: that it is
// not what it takes.
func unfit(name string, err error, kinds ...error) error {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return misuse("%s: %v", name, err)
		}
	}
	return fmt.Errorf("%s: %w", name, err)
}
