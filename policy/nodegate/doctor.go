package nodegate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
)

// A State is what a [Doctor] found of the door, or of a part of it.
type State uint8

const (
	NotProven State = iota // it could not be tried
	Open                   // an image gets in that nobody judged
	Blocked                // pulls fail, whatever the image: an outage
	Unasked                // containerd asks no verifier here, by its design: guard it otherwise
	Read                   // as it should be, by what was read
	Guarded                // an image was refused through the CRI
)

// String is the word that reports use.
func (s State) String() string {
	return [...]string{"NOT PROVEN", "OPEN", "BLOCKED", "UNASKED", "OK", "GUARDED"}[min(int(s), 5)]
}

// A Finding is what is known of one thing on the way of an image into the node.
type Finding struct {
	State State
	What  string
	Why   string
	Fix   string // what to do; empty if nothing is to be done
}

// String is the finding on one line.
func (f Finding) String() string {
	s := fmt.Sprintf("%-10s  %s: %s", f.State, oneline.Of(f.What), oneline.Of(f.Why))
	if f.Fix != "" {
		s += " -> " + f.Fix
	}
	return s
}

// A Doctor finds out whether the door of a node is guarded. It changes nothing but that it pulls the canary.
type Doctor struct {
	// Dump is what `containerd config dump` prints on the node, with the configuration file that the service uses.
	Dump []byte
	// Root stands before the verifiers' directory, for a node whose files are elsewhere, as in a container; empty is "/".
	Root string
	// Verifier is the name of the gate's file in that directory; empty means "lading".
	Verifier string
	// Timeout is that of the Gate; zero means DefaultTimeout.
	Timeout time.Duration
	// Canary is an image that the policy refuses and the node can pull, in a repository that the gate can read. Empty means that
	// nothing is tried, and the door is NotProven, never Guarded.
	Canary string
	// Pull pulls an image as the kubelet does, through the CRI; see [CRI]. Whatever pulls otherwise, such as ctr, proves nothing
	// about pods. Nil means that nothing is tried.
	Pull func(ctx context.Context, image string) error
}

// Examine returns what was found, in the way of a pull: the settings, the directory, the canary, and at last what verifiers are never
// asked about.
func (d *Doctor) Examine(ctx context.Context) []Finding {
	c, err := parseDump(d.Dump)
	var findings []Finding
	if err != nil {
		findings = append(findings,
			Finding{NotProven, "containerd's configuration", err.Error(), "give the output of: containerd config dump"})
	} else {
		findings = c.settings(d.Timeout)
		if c.verifier != nil && c.verifier.BinDir != "" {
			findings = append(findings, d.directory(c.verifier)...)
		}
	}
	findings = append(findings, d.canary(ctx, findings))
	return append(findings, unasked...)
}

// unasked is what verifiers are never asked about, with containerd 2.4 (docs/image-verification.md: they belong to pulls by the
// transfer service).
var unasked = []Finding{
	{Unasked, "images that are on the node", "a pod with imagePullPolicy IfNotPresent starts them without a pull",
		"start with a clean node, or set imagePullPolicy Always at admission (AlwaysPullImages)"},
	{Unasked, "ctr images import, and images that an administrator loads", "nothing is pulled", "keep the containerd socket to root"},
	{Unasked, "ctr images pull --local, nerdctl and others who pull by themselves", "containerd's client does the pulling",
		"keep the containerd socket to root"},
	{Unasked, "Docker's daemon, where it runs beside", "it has its own images", "take it off the node"},
}

// Verdict is the state of the door: that of the worst finding, and Guarded only if a canary was refused.
func Verdict(findings []Finding) State {
	state, guarded := Read, false
	rank := []State{Read, NotProven, Blocked, Open} // from good to bad
	for _, f := range findings {
		guarded = guarded || f.State == Guarded
		if slices.Index(rank, f.State) > slices.Index(rank, state) {
			state = f.State
		}
	}
	switch {
	case state == Read && guarded:
		return Guarded
	case state == Read:
		return NotProven
	}
	return state
}

// Print writes the findings, and what follows from them, for people.
func Print(w io.Writer, findings []Finding) error {
	for _, f := range findings {
		if _, err := fmt.Fprintf(w, "%-10s  %s\n            %s\n", f.State, oneline.Of(f.What), oneline.Of(f.Why)); err != nil {
			return err
		}
		if f.Fix != "" {
			if _, err := fmt.Fprintf(w, "            -> %s\n", f.Fix); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, "\nThe door is %s.\n",
		map[State]string{Guarded: "GUARDED: an image that the policy refuses was refused through the CRI",
			Open: "OPEN", Blocked: "BLOCKED: no image comes in at all", NotProven: "NOT PROVEN: nothing open was found, and nothing " +
				"was tried that must fail",
		}[Verdict(findings)])
	return err
}

func (d *Doctor) verifier() string { return cmp.Or(d.Verifier, "lading") }

// directory looks at what containerd runs. It runs every file, in the order of names.
func (d *Doctor) directory(c *bindir) (findings []Finding) {
	own := d.verifier()
	dir := filepath.Join(cmp.Or(d.Root, "/"), c.BinDir)
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
		return []Finding{{Open, c.BinDir, "it is empty or not there, which means that there is no verifier", "install " + own + " in it"}}
	case err != nil:
		return []Finding{{NotProven, c.BinDir, err.Error(), "run the doctor as root on the node"}}
	}
	if why := writable(dir); why != "" {
		findings = append(findings, Finding{Open, c.BinDir, why, "chown root and chmod 0755: who can write there can replace the verifier"})
	}
	asked, place := 0, -1
	for i, e := range entries {
		file := filepath.Join(dir, e.Name())
		if e.Name() == own {
			place = i
		}
		if c.MaxVerifiers == nil || *c.MaxVerifiers < 0 || i < *c.MaxVerifiers {
			asked++
			if why := notRun(file); why != "" {
				findings = append(findings,
					Finding{Blocked, filepath.Join(c.BinDir, e.Name()), why + ": containerd tries to run it and blocks every pull",
						"take it out of the directory, which holds verifiers and nothing else"})
				continue
			}
		}
		if e.Name() == own {
			if why := writable(file); why != "" {
				findings = append(findings, Finding{Open, filepath.Join(c.BinDir, own), why, "chown root and chmod 0755"})
			}
		}
	}
	switch {
	case place < 0:
		findings = append(findings,
			Finding{Open, filepath.Join(c.BinDir, own), "it is not in the directory, so others decide", "install it"})
	case place >= asked:
		findings = append(findings,
			Finding{Open, filepath.Join(c.BinDir, own), fmt.Sprintf("it is file %d by name and max_verifiers is %d: it is not asked",
				place+1, asked), "take other files out, or give it a name that sorts first"})
	case len(entries) > asked:
		findings = append(findings,
			Finding{NotProven, c.BinDir, fmt.Sprintf("%d files and max_verifiers is %d: the last by name are not asked",
				len(entries), asked), "take out what is not needed"})
	case len(findings) == 0:
		findings = append(findings,
			Finding{Read, filepath.Join(c.BinDir, own), fmt.Sprintf("it is run, %d of %d by name", place+1, len(entries)), ""})
	}
	return findings
}

// notRun says why a file cannot be run.
func notRun(file string) string {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it is a link to nothing"
	case err != nil:
		return oneline.Error(err)
	case info.IsDir():
		return "it is a directory"
	case !info.Mode().IsRegular():
		return "it is no file"
	case info.Mode()&0o111 == 0:
		return "it is not executable"
	case info.Size() == 0:
		return "it is empty"
	}
	return ""
}

// canary pulls the image that must be refused.
func (d *Doctor) canary(ctx context.Context, before []Finding) Finding {
	const what = "a canary through the CRI"
	if d.Canary == "" || d.Pull == nil {
		return Finding{NotProven, what, "none was pulled", "name an image that the policy refuses"}
	}
	err := d.Pull(ctx, d.Canary)
	if err == nil {
		return Finding{Open, what, d.Canary + " was pulled, which the policy must refuse", closed(before)}
	}
	own := d.verifier()
	text := err.Error()
	switch {
	case strings.Contains(text, "blocked pull of") && strings.Contains(text, "verifier "+own+" rejected image") &&
		strings.Contains(text, "lading refused"):
		return Finding{Guarded, what, text, ""}
	case strings.Contains(text, "blocked pull of") && strings.Contains(text, "lading could not decide"):
		return Finding{NotProven, what, text, "mend what the reason says, and name a canary that the policy refuses"}
	case strings.Contains(text, "blocked pull of"):
		return Finding{NotProven, what, "another verifier refused it: " + text, "name a canary that the others allow"}
	case strings.Contains(text, "blocking pull of"):
		return Finding{Blocked, what, text, "see what is in the verifiers' directory, and per_verifier_timeout"}
	}
	return Finding{NotProven, what, "the pull failed for another reason: " + text, "name a canary that this node can pull"}
}

func closed(before []Finding) string {
	if Verdict(before) == Open {
		return "close what is OPEN above"
	}
	return "see containerd's log at its start, which names a setting that makes the CRI pull by itself; then read the policy"
}
