// Package strictyaml reads YAML, and JSON, that somebody is going to trust.
//
// The text is read by go.yaml.in/yaml/v3 into nodes. It takes the part of YAML 1.2.2 that says the same as JSON: mappings with
// text for keys that occur once, sequences and scalars of the core schema. Anchors and aliases, with which a small document
// becomes a large one, are refused, and so are tags, merge keys, complex keys, directives and more than one document. What the
// library knows from YAML 1.1 only or not at all is an error too: the escape "\/", surrogates as two escapes, and {a:[b]}
// without a blank. Size and depth are bounded before the library sees the text.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/internal/syntax"
)

// Kinds of failure, for errors.Is. The error itself is an [*Error].
var (
	ErrSyntax = errors.New("not valid YAML")
	ErrYAML   = errors.New("YAML that says what JSON cannot say")
	ErrLimit  = syntax.ErrLimit
)

// An Error says where a document is refused and why.
type Error = syntax.Error

// Limits bound what is read.
type Limits struct {
	Size  int // bytes
	Depth int // nested mappings and sequences
}

func refuse(line, column int, reason string, kind error) *Error {
	return &Error{Format: "YAML", Line: line, Column: column, Reason: reason, Err: kind}
}

const (
	mark      = "\ufeff"
	maxIndent = 1000 // which bounds how deep block collections are nested before the library sees them
)

// A Document is one document whose nodes are mappings, sequences and scalars only.
type Document struct {
	Root  *yaml.Node
	data  []byte
	lines []int // where each begins
}

// Parse reads a document of YAML.
func Parse(data []byte, l Limits) (*Document, error) {
	r := &Document{data: data, lines: []int{0}}
	if err := r.prepare(l); err != nil {
		return nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := decode(d, &doc); errors.Is(err, io.EOF) {
		return nil, refuse(1, 1, "there is no document", ErrYAML)
	} else if err != nil {
		return nil, unparsed(err)
	}
	if err := decode(d, &more); err == nil {
		return nil, refuse(max(more.Line, 1), 1, "a second document", ErrYAML)
	} else if !errors.Is(err, io.EOF) {
		return nil, unparsed(err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, refuse(1, 1, "there is no document", ErrYAML)
	}
	if err := check(doc.Content[0], l.Depth); err != nil {
		return nil, err
	}
	r.Root = doc.Content[0]
	return r, nil
}

// decode reads one document. The library panics with what it does not expect itself.
func decode(d *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	return d.Decode(n)
}

var inLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^yaml: line (\d+): (.*)`)
})

// unparsed turns an error of the library into one that has the line apart.
func unparsed(err error) *Error {
	if m := inLine().FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		return refuse(max(line, 1), 1, m[2], ErrSyntax)
	}
	return refuse(1, 1, strings.TrimPrefix(err.Error(), "yaml: "), ErrSyntax)
}

// prepare bounds what the library is going to see, and refuses what it would take and JSON cannot say.
func (r *Document) prepare(l Limits) error {
	if len(r.data) > l.Size {
		size := fmt.Sprintf("%d bytes", l.Size)
		if l.Size >= 1<<20 {
			size = fmt.Sprintf("%d MiB", l.Size>>20)
		}
		return refuse(1, 1, "larger than "+size, ErrLimit)
	}
	if err := r.line(len(r.data) - len(bytes.TrimPrefix(r.data, []byte(mark)))); err != nil {
		return err
	}
	flow := 0
	for i := 0; i < len(r.data); {
		c, n := rune(r.data[i]), 1
		if c >= utf8.RuneSelf {
			c, n = utf8.DecodeRune(r.data[i:])
		}
		at := func(kind error, format string, args ...any) error {
			return refuse(len(r.lines), i-r.lines[len(r.lines)-1]+1, fmt.Sprintf(format, args...), kind)
		}
		switch {
		case c == utf8.RuneError && n == 1:
			return at(ErrSyntax, "a byte that is not UTF-8")
		case c == '\n', c == '\r' && (i+1 == len(r.data) || r.data[i+1] != '\n'):
			r.lines = append(r.lines, i+n)
			if err := r.line(i + n); err != nil {
				return err
			}
		case c == 0x85, c == 0x2028, c == 0x2029:
			return at(ErrYAML, "the character %U, which ends a line in YAML 1.1 and not in 1.2: write it as an escape in quotes", c)
		case c < ' ' && c != '\t' && c != '\r', c == 0x7f:
			return at(ErrSyntax, "control character %#02x", c)
		case c == '[', c == '{':
			if flow++; flow > l.Depth {
				return at(ErrLimit, "more than %d levels", l.Depth)
			}
		case c == ']', c == '}':
			flow = max(flow-1, 0)
		}
		i += n
	}
	return nil
}

// line looks at the beginning of a line: how deep it can be nested, and whether it is a directive.
func (r *Document) line(start int) error {
	depth, i := 0, start
	for ; i < len(r.data) && strings.IndexByte(" -?:", r.data[i]) >= 0; i++ {
		if depth++; depth > maxIndent {
			return refuse(len(r.lines), i-start+1, "a line that is indented by more than 1000 characters", ErrLimit)
		}
	}
	if i == start && i < len(r.data) && r.data[i] == '%' && bytes.Contains(r.data[i:], []byte("\n---")) {
		return refuse(len(r.lines), 1, "a directive", ErrYAML)
	}
	return nil
}

// Offset is where a node of the document begins, in bytes: its column counts characters.
func (r *Document) Offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(r.lines) {
		return len(r.data)
	}
	at := r.lines[n.Line-1]
	if n.Line == 1 && bytes.HasPrefix(r.data, []byte(mark)) {
		at = len(mark)
	}
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(r.data[min(at, len(r.data)):])
		at += size
	}
	return min(at, len(r.data))
}

// check refuses what JSON cannot say, in n and below it.
func check(n *yaml.Node, levels int) error {
	refuse := func(kind error, format string, args ...any) error {
		return refuse(max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...), kind)
	}
	switch {
	case levels < 0:
		return refuse(ErrLimit, "nested too deep")
	case n.Kind == yaml.AliasNode:
		return refuse(ErrYAML, "the alias *%.40s: write what it stands for", n.Value)
	case n.Anchor != "":
		return refuse(ErrYAML, "the anchor &%.40s: write out what refers to it", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		return refuse(ErrYAML, "the tag %.40s", n.Tag)
	case n.Kind == yaml.MappingNode:
		return checkMapping(n, levels)
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			if err := check(item, levels-1); err != nil {
				return err
			}
		}
	case n.Kind != yaml.ScalarNode:
		return refuse(ErrYAML, "a value of no kind that JSON has")
	case KindOf(n) == strictjson.Number && strictjson.Check([]byte(n.Value), strictjson.Limits{}) != nil:
		return refuse(ErrYAML, "the number %.40s is not written as in JSON", n.Value)
	}
	return nil
}

func checkMapping(n *yaml.Node, levels int) error {
	const few = 16
	var seen map[string]bool
	if len(n.Content) > 2*few {
		seen = make(map[string]bool, len(n.Content)/2)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		refuse := func(kind error, format string, args ...any) error {
			return refuse(max(k.Line, 1), max(k.Column, 1), fmt.Sprintf(format, args...), kind)
		}
		if err := check(k, levels-1); err != nil {
			return err
		}
		switch {
		case k.Style == 0 && k.Value == "<<":
			return refuse(ErrYAML, "a merge key")
		case KindOf(k) != strictjson.String:
			return refuse(ErrYAML, "a key that is no text")
		}
		twice := seen[k.Value]
		for j := 0; seen == nil && j < i; j += 2 {
			twice = twice || n.Content[j].Value == k.Value
		}
		if twice {
			return refuse(ErrSyntax, "the key %.60q stands here twice", k.Value)
		}
		if seen != nil {
			seen[k.Value] = true
		}
		if err := check(n.Content[i+1], levels-1); err != nil {
			return err
		}
	}
	return nil
}

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// KindOf returns what kind of JSON value a node is, scalars by the core schema of YAML 1.2.2, section 10.3.2.
func KindOf(n *yaml.Node) strictjson.Kind {
	switch {
	case n.Kind == yaml.MappingNode:
		return strictjson.Object
	case n.Kind == yaml.SequenceNode:
		return strictjson.Array
	case n.Kind != yaml.ScalarNode:
		return strictjson.None
	case n.Style&quoted != 0:
		return strictjson.String
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return strictjson.Null
	case "true", "True", "TRUE":
		return strictjson.True
	case "false", "False", "FALSE":
		return strictjson.False
	}
	if isNumber(n.Value) {
		return strictjson.Number
	}
	return strictjson.String
}

// isNumber follows the core schema of YAML 1.2.2, section 10.3.2.
func isNumber(s string) bool {
	t := strings.TrimLeft(s, "+-")
	if len(s)-len(t) > 1 || t == "" {
		return false
	}
	switch t {
	case ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN":
		return true
	}
	if rest, ok := strings.CutPrefix(t, "0x"); ok && t == s {
		return rest != "" && strings.Trim(rest, "0123456789abcdefABCDEF") == ""
	}
	if rest, ok := strings.CutPrefix(t, "0o"); ok && t == s {
		return rest != "" && strings.Trim(rest, "01234567") == ""
	}
	if t[0] != '.' && (t[0] < '0' || t[0] > '9') {
		return false
	}
	mantissa, exponent, ok := strings.Cut(strings.ToLower(t), "e")
	if ok {
		exponent = strings.TrimPrefix(strings.TrimPrefix(exponent, "-"), "+")
		if exponent == "" || strings.Trim(exponent, "0123456789") != "" {
			return false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	return whole+fraction != "" && strings.Trim(whole+fraction, "0123456789") == ""
}

// ParseJSON reads a document of JSON into the same nodes. It has the same limits and its errors are of the same type.
func ParseJSON(data []byte, l Limits) (*Document, error) {
	d := &Document{data: data, lines: []int{0}}
	if len(data) > l.Size {
		return nil, refuse(1, 1, fmt.Sprintf("larger than %d bytes", l.Size), ErrLimit)
	}
	for i, c := range data {
		if c == '\n' || c == '\r' && (i+1 == len(data) || data[i+1] != '\n') {
			d.lines = append(d.lines, i+1)
		}
	}
	r := strictjson.NewReader(data, strictjson.Limits{Depth: l.Depth})
	root := d.json(r)
	if err := r.End(); err != nil {
		return nil, d.jsonError(err)
	}
	d.Root = root
	return d, nil
}

func (d *Document) jsonError(err error) error {
	var e *strictjson.Error
	if !errors.As(err, &e) {
		return refuse(1, 1, err.Error(), ErrSyntax)
	}
	placed := *e
	placed.Line, placed.Column = d.position(e.Offset)
	if placed.Err = ErrSyntax; errors.Is(e, ErrLimit) {
		placed.Err = ErrLimit
	}
	return &placed
}

func (d *Document) position(offset int) (line, column int) {
	offset = min(offset, len(d.data))
	line = sort.Search(len(d.lines), func(i int) bool { return d.lines[i] > offset })
	return line, utf8.RuneCount(d.data[d.lines[line-1]:offset]) + 1
}

// json reads the value that comes next. After an error in r it returns nodes that nobody looks at.
func (d *Document) json(r *strictjson.Reader) *yaml.Node {
	n := &yaml.Node{}
	kind := r.Kind()
	n.Line, n.Column = d.position(r.Offset())
	switch kind {
	case strictjson.Object:
		n.Kind, n.Tag, n.Style = yaml.MappingNode, "!!map", yaml.FlowStyle
		for name := range r.Object() {
			key := text(string(name))
			key.Line, key.Column = d.position(d.nameBefore(r.Offset()))
			n.Content = append(n.Content, key, d.json(r))
		}
	case strictjson.Array:
		n.Kind, n.Tag, n.Style = yaml.SequenceNode, "!!seq", yaml.FlowStyle
		for range r.Array() {
			n.Content = append(n.Content, d.json(r))
		}
	case strictjson.String:
		line, column := n.Line, n.Column
		n = text(r.String())
		n.Line, n.Column = line, column
	default:
		n.Kind, n.Value = yaml.ScalarNode, string(r.Raw())
	}
	return n
}

// nameBefore is where the member name begins that ends before offset.
func (d *Document) nameBefore(offset int) int {
	end := bytes.LastIndexByte(d.data[:offset], '"')
	for i := end - 1; i >= 0; i-- {
		escapes := 0
		for j := i - 1; j >= 0 && d.data[j] == '\\'; j-- {
			escapes++
		}
		if d.data[i] == '"' && escapes%2 == 0 {
			return i
		}
	}
	return offset
}

func text(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: s}
}
