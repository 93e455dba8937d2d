// Package report shows decisions of package policy to people and to the programs that people use.
//
//	err := report.Text(os.Stderr, nil, decision)
//
// [Text] is for a terminal, [Markdown] for the summary of a pipeline, [HTML] for a page that stands alone, [SARIF] for code
// scanning, [JUnit] for the test view of a CI server and [JSON] for programs. [Write] takes the format by name, for a flag of
// a command line. Each shows one decision or several, and is a function of its arguments alone: the same decisions give the
// same bytes.
//
// Names of images, predicate types and errors are what strangers wrote. In no format do they begin a line, a tag or a link of
// their own, and control characters and Unicode's bidirectional controls never come through.
//
// A report opens no door. Programs ask [policy.Decision.Err] whether an image may run, and show a report beside.
package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// Options are what decisions do not say by themselves. Nil is the zero value.
type Options struct {
	// Title stands above Markdown and HTML; empty means "Policy decisions".
	Title string
	// Ask says whom to ask about a rule that is not met, such as "#platform" or "security@example.com". Nil, or an empty
	// answer, means that nobody is named.
	Ask func(rule *policy.Decision) string
	// Color lets Text use the colours of a terminal (ECMA-48, section 8.3.117).
	Color bool
}

// ErrNothing is returned where there is no decision to show: an empty report would look like a good one.
var ErrNothing = errors.New("nothing was judged")

// formats are in the order in which an error lists them.
var formats = []struct {
	name  string
	write func(io.Writer, *Options, ...*policy.Decision) error
}{
	{"text", Text}, {"markdown", Markdown}, {"html", HTML}, {"sarif", SARIF}, {"json", JSON}, {"junit", JUnit},
}

// Formats returns the names of the formats that Write takes, for the help of a flag.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// Write writes decisions in the format of a name, one of [Formats].
func Write(w io.Writer, format string, o *Options, decisions ...*policy.Decision) error {
	for _, f := range formats {
		if f.name == format {
			return f.write(w, o, decisions...)
		}
	}
	return fmt.Errorf("report: unknown format %q: use one of %s", format, strings.Join(Formats(), ", "))
}

// checked makes sure that there is something to show, that no decision is nil, and that there are options.
func checked(o *Options, decisions []*policy.Decision) (Options, []*policy.Decision, error) {
	if len(decisions) == 0 {
		return Options{}, nil, fmt.Errorf("report: %w: pass at least one decision", ErrNothing)
	}
	if o == nil {
		o = new(Options)
	}
	decisions = slices.Clone(decisions)
	for i, d := range decisions {
		if d == nil {
			decisions[i] = &policy.Decision{Rule: "unknown", Reason: "no decision"}
		}
	}
	return *o, decisions, nil
}

func (o Options) title() string {
	if o.Title == "" {
		return "Policy decisions"
	}
	return clean(o.Title)
}

// counts are how many decisions came out how.
type counts struct{ allowed, denied, undecided int }

func count(decisions []*policy.Decision) (c counts) {
	for _, d := range decisions {
		switch d.Verdict {
		case policy.Allow:
			c.allowed++
		case policy.Deny:
			c.denied++
		default:
			c.undecided++
		}
	}
	return c
}

// verdict is that of all together, as policy.All has it.
func (c counts) verdict() policy.Verdict {
	switch {
	case c.denied > 0:
		return policy.Deny
	case c.undecided > 0:
		return policy.Indeterminate
	}
	return policy.Allow
}

func (c counts) String() string {
	return fmt.Sprintf("%d allowed, %d denied, %d undecided", c.allowed, c.denied, c.undecided)
}

// name is what a decision is about.
func name(d *policy.Decision) string {
	of := platform(d.Subject)
	if of != "" {
		of = " (" + of + ")"
	}
	switch {
	case d.Name != "":
		return clean(d.Name + of)
	case d.Subject.Digest != "":
		return clean(string(d.Subject.Digest) + of)
	}
	return "an image without name"
}

// platform is what an image of an index is for: OS/ARCHITECTURE[/VARIANT], or empty.
func platform(d verify.Descriptor) string {
	p := d.Platform
	if p == nil || p.OS == "" {
		return ""
	}
	text := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		text += "/" + p.Variant
	}
	return text
}
