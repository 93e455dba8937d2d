package doors

import (
	"bufio"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
)

//go:embed doors.tsv
var doorsTSV []byte

// A Line says of an Item what keeps an image out there.
type Line struct {
	Service string
	Item
	Gated []string // by what, see Gates
	Swept []string // by which findings of package sweep
	Why   string   // how; or, of what is neither gated nor swept, why not, after "no door: " or "out of reach: "
}

// Kind of a line, for people who count.
const (
	Door       = "door"
	OutOfReach = "out of reach"
	NoDoor     = "no door"
)

// Class is Door, OutOfReach or NoDoor.
func (l Line) Class() string {
	switch {
	case len(l.Gated)+len(l.Swept) > 0:
		return Door
	case strings.HasPrefix(l.Why, OutOfReach+": "):
		return OutOfReach
	}
	return NoDoor
}

// A Gate is a word of column four: what keeps an image out, and the package, and the type in it, that does.
type Gate struct{ Word, What, Package, Type string }

// Gates are all of them.
var Gates = []Gate{
	{"registrar", "the one principal that may register gated task definitions: it judges each image and names it by digest",
		"policy/ecsgate", "Registrar"},
	{"hook", "the deployment lifecycle hook of a service, before its tasks start", "policy/ecsgate", "Hook"},
	{"pauses", "the answer to a pause hook, for who wants no function", "policy/ecsgate", "Pauses"},
	{"tasks", "the events of tasks and daemons: what runs and is refused is stopped, and does not come back", "policy/ecsgate", "Tasks"},
	{"iam", "IAM and service control policies that leave the registrar as the only way", "policy/ecsgate/iam", "Guard"},
	{"node", "the image verifier of containerd, on hosts of one's own", "policy/nodegate", "Gate"},
	{
		"registry", "nothing in a registry makes a decision: it is for a digest and its signatures, wherever that lies; " +
			"settings that harm evidence are found", "registry/ecr", "Settings",
	},
	{"policy", "the policy itself: whose signature counts", "policy", "Require"},
}

// List returns the lines of doors.tsv.
func List() ([]Line, error) { return parse(doorsTSV) }

func parse(data []byte) (list []Line, err error) {
	seen := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		columns := strings.Split(text, "\t")
		if len(columns) != 6 {
			return nil, fmt.Errorf("doors: line %d has %d columns, not 6", n, len(columns))
		}
		l := Line{
			Service: columns[0], Item: Item{Kind: columns[1], Name: columns[2]},
			Gated: words(columns[3]), Swept: words(columns[4]), Why: columns[5],
		}
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("doors: line %d: %w", n, err)
		}
		if key := l.Service + " " + l.Key(); seen[key] {
			return nil, fmt.Errorf("doors: line %d: %s is there twice", n, key)
		} else {
			seen[key] = true
		}
		list = append(list, l)
	}
	return list, lines.Err()
}

func words(column string) []string {
	if column == "-" {
		return nil
	}
	return strings.Split(column, ",")
}

func (l Line) check() error {
	for _, word := range l.Gated {
		if !slices.ContainsFunc(Gates, func(g Gate) bool { return g.Word == word }) {
			return fmt.Errorf("gated by %q, which is no gate", word)
		}
	}
	reason := strings.HasPrefix(l.Why, NoDoor+": ") || strings.HasPrefix(l.Why, OutOfReach+": ")
	switch {
	case !slices.Contains([]string{"operation", "field", "value"}, l.Kind):
		return fmt.Errorf("kind %q is none of operation, field, value", l.Kind)
	case l.Why == "":
		return errors.New("it does not say how, or why not")
	case l.Class() == NoDoor && !reason:
		return errors.New(`it is neither gated nor swept, and does not say "no door: " or "out of reach: "`)
	case l.Class() == Door && strings.HasPrefix(l.Why, NoDoor):
		return errors.New("it is gated or swept, and says that it is no door")
	}
	return nil
}

// Compare tells how what the types have differs from a list: what is on no line, and which lines are of nothing.
func Compare(service string, items []Item, list []Line) (unlisted, gone []string) {
	listed, there := map[string]bool{}, map[string]bool{}
	for _, l := range list {
		if l.Service == service {
			listed[l.Key()] = true
		}
	}
	for _, i := range items {
		there[i.Key()] = true
		if !listed[i.Key()] {
			unlisted = append(unlisted, i.Key())
		}
	}
	for _, l := range list {
		if l.Service == service && !there[l.Key()] {
			gone = append(gone, l.Key())
		}
	}
	return unlisted, gone
}
