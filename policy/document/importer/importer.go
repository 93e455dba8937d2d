// Package importer turns policies of other tools into policy documents, so that a team can come over.
//
//	result, err := importer.ClusterImagePolicy(data)
//	os.Stdout.Write(result.Document)
//	for _, l := range result.Left {
//		fmt.Fprintln(os.Stderr, l) // what could not be said, and where it stands
//	}
//
// What can be said in a document is; the rest is listed with its place, and never guessed. Where something cannot be said that
// restricts, what it restricts is denied: the document allows less than the policy did, until somebody has looked. The one
// exception is told in Left: here a signature is good for its digest under any name, and some tools hold the name against it, too.
//
// Kinds of trust are named kms, file, secret, notary and keyless, with what the policy says of them. The program that loads the
// document brings them.
//
// Formats are read as these versions of the tools document them: notation v1.3 (trust policy 1.0), policy-controller v0.13
// (policy.sigstore.dev/v1alpha1 and v1beta1), kyverno v1.19 (policies.kyverno.io), containers-policy.json(5) of containers/image 5.36.
package importer

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/internal/strictyaml"
	"github.com/ladingdev/lading/policy/document"
)

// ErrFormat says that a file is none of the format.
var ErrFormat = errors.New("not a policy of this format")

// A Result is a policy document, and what is not in it.
type Result struct {
	Document []byte // YAML, which [document.Parse] reads
	Left     []Left // in the order of the file
}

// Left is something of a policy that the document does not say.
type Left struct {
	Line, Column int
	Path         string // such as "spec.authorities[0].ctlog"
	Reason       string
}

// String says on one line what was left out, and why.
func (l Left) String() string {
	return oneline.Of(fmt.Sprintf("%d:%d: %s: %s", l.Line, l.Column, l.Path, l.Reason))
}

var limits = strictyaml.Limits{Size: 1 << 20, Depth: 60}

// An importer collects what a document says, and what it does not.
type importer struct {
	name   string
	mode   string // of the default gate
	trust  []*yaml.Node
	names  map[string]bool
	images []*yaml.Node
	left   []Left
}

// A value is a node with its path, which knows what was taken of it.
type value struct {
	i     *importer
	n     *yaml.Node
	path  string
	taken map[string]bool
}

// start reads a file that holds one policy.
func start(data []byte, json bool) (*importer, *value, error) {
	var doc *strictyaml.Document
	var err error
	if json || bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		doc, err = strictyaml.ParseJSON(data, limits)
	} else {
		doc, err = strictyaml.Parse(data, limits)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("importer: %w: %w", ErrFormat, err)
	}
	i := &importer{mode: "deny", names: map[string]bool{}}
	v := &value{i: i, n: doc.Root, taken: map[string]bool{}}
	if doc.Root.Kind != yaml.MappingNode {
		return nil, nil, fmt.Errorf("importer: %w: it is no mapping", ErrFormat)
	}
	return i, v, nil
}

// get takes a member; it is nil if there is none.
func (v *value) get(name string) *value {
	if v == nil || v.n.Kind != yaml.MappingNode {
		return nil
	}
	v.taken[name] = true
	for j := 0; j+1 < len(v.n.Content); j += 2 {
		if v.n.Content[j].Value == name && strictyaml.KindOf(v.n.Content[j+1]) != strictjson.Null {
			return &value{v.i, v.n.Content[j+1], strings.TrimPrefix(v.path+"."+name, "."), map[string]bool{}}
		}
	}
	return nil
}

// text returns a member that is a text, or "".
func (v *value) text(name string) string {
	t := v.get(name)
	if t == nil {
		return ""
	}
	if strictyaml.KindOf(t.n) != strictjson.String {
		t.leave("a text is wanted here")
		return ""
	}
	return t.n.Value
}

// list returns the elements of a member that is a list.
func (v *value) list(name string) (out []*value) {
	l := v.get(name)
	if l == nil {
		return nil
	}
	if l.n.Kind != yaml.SequenceNode {
		l.leave("a list is wanted here")
		return nil
	}
	for j, c := range l.n.Content {
		out = append(out, &value{v.i, c, l.path + "[" + strconv.Itoa(j) + "]", map[string]bool{}})
	}
	return out
}

// leave lists a value as not said.
func (v *value) leave(format string, args ...any) {
	if v != nil {
		v.i.left = append(v.i.left, Left{max(v.n.Line, 1), max(v.n.Column, 1), v.path, fmt.Sprintf(format, args...)})
	}
}

// rest lists every member that nobody took: of those nothing is known.
func (v *value) rest() (any bool) {
	if v == nil || v.n.Kind != yaml.MappingNode {
		return false
	}
	for j := 0; j+1 < len(v.n.Content); j += 2 {
		if name := v.n.Content[j].Value; !v.taken[name] {
			v.get(name).orAt(v, name).leave("there is nothing like it in a document")
			any = true
		}
	}
	return any
}

// orAt stands for a member that is null.
func (v *value) orAt(of *value, name string) *value {
	if v != nil {
		return v
	}
	return &value{of.i, of.n, strings.TrimPrefix(of.path+"."+name, "."), nil}
}

// Builders of nodes.

func str(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.Contains(s, "\n") {
		n.Style = yaml.LiteralStyle
	}
	return n
}

func texts(list []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, s := range list {
		n.Content = append(n.Content, str(s))
	}
	return n
}

func seq(list []*yaml.Node) *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode, Content: list} }

func number(i int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(i)}
}

// object makes a mapping of names and values in turn; a value that is nil or "" is left out.
func object(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for j := 0; j+1 < len(pairs); j += 2 {
		var v *yaml.Node
		switch p := pairs[j+1].(type) {
		case *yaml.Node:
			v = p
		case string:
			if p != "" {
				v = str(p)
			}
		case []string:
			if len(p) > 0 {
				v = texts(p)
			}
		case int:
			v = number(p)
		}
		if v != nil {
			n.Content = append(n.Content, str(pairs[j].(string)), v)
		}
	}
	return n
}

// entry adds an entry of trust and returns its name, which is free.
func (i *importer) entry(name string, pairs ...any) string {
	name = cleanName(name)
	base := name
	for k := 2; i.names[name]; k++ {
		name = base + " " + strconv.Itoa(k)
	}
	i.names[name] = true
	i.trust = append(i.trust, object(append([]any{"name", name}, pairs...)...))
	return name
}

// cleanName makes a text a name of documents.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune("._-/@", r) || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return ' '
	}, s)
	s = strings.Trim(strings.Join(strings.Fields(s), " "), "._-/@ ")
	if len(s) > 80 {
		s = strings.Trim(s[:80], "._-/@ ")
	}
	if s == "" {
		return "imported"
	}
	return s
}

// notImported is the reason of an entry that denies because something could not be said.
const notImported = "not imported: see what was left"

// image adds an entry of images: rules all of which have to be met, or none, which denies.
func (i *importer) image(name string, match []string, rules []*yaml.Node, denied string, mode string) {
	if len(match) == 0 {
		return
	}
	var gates, require *yaml.Node
	if mode != "" && mode != i.mode {
		gates = object("default", object("mode", mode))
	}
	if denied != "" {
		rules = nil
	} else if len(rules) == 0 {
		denied = notImported
	}
	if rules != nil {
		require = seq(rules)
	}
	i.images = append(i.images, object("name", cleanName(name), "match", match, "require", require, "deny", denied, "gates", gates))
}

// result writes the document and reads it, so that what comes out is one.
func (i *importer) result() (*Result, error) {
	if len(i.images) == 0 {
		return nil, fmt.Errorf("importer: %w: it names no images that a document can name (%d things were left)", ErrFormat, len(i.left))
	}
	var trust *yaml.Node
	if i.trust != nil {
		trust = seq(i.trust)
	}
	root := object("version", 1, "name", cleanName(i.name), "serial", 1, "trust", trust,
		"gates", object("default", object("mode", i.mode)), "images", seq(i.images))
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("importer: %w", err)
	}
	if _, err := document.Parse(b.Bytes()); err != nil {
		return nil, fmt.Errorf("importer: what this would become is no document: %w", err)
	}
	slices.SortStableFunc(i.left, func(a, b Left) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return &Result{b.Bytes(), i.left}, nil
}

// pattern returns a pattern that a document can have, or lists it.
func (v *value) pattern(text string) (string, bool) {
	if err := document.CheckPattern(text); err != nil {
		v.leave("%v", err)
		return "", false
	}
	return text, true
}

// signed is a rule that asks for a signature by one of some entries.
func signed(by []string, atLeast int) *yaml.Node {
	n := object("by", by)
	if atLeast > 1 {
		n = object("by", by, "atLeast", atLeast)
	}
	return object("signature", n)
}

// anyOf is one of several rules.
func anyOf(rules []*yaml.Node) *yaml.Node {
	if len(rules) == 1 {
		return rules[0]
	}
	return object("anyOf", seq(rules))
}

func allOf(rules []*yaml.Node) *yaml.Node {
	if len(rules) == 1 {
		return rules[0]
	}
	return object("allOf", seq(rules))
}

// anchored tells a regular expression that matches whole texts.
func anchored(s string) bool {
	return strings.HasPrefix(s, "^") && strings.HasSuffix(s, "$") && !strings.HasSuffix(s, `\$`) && !strings.Contains(s, "|")
}
