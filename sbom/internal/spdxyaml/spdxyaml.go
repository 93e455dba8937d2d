// Package spdxyaml reads the YAML encoding of SPDX 2.2 and 2.3 into its JSON form.
//
// The text is read by go.yaml.in/yaml/v3 into nodes, which are turned into values here. It takes the part of YAML 1.2.2 that
// says the same as JSON: mappings with text for keys that occur once, sequences and scalars of the core schema. Anchors and
// aliases, with which a small document becomes a large one, are refused, and so are tags, merge keys, complex keys,
// directives and more than one document. What the library knows from YAML 1.1 only or not at all is an error too: the escape
// "\/", surrogates as two escapes, and {a:[b]} without a blank. Size and depth are bounded before the library sees the text.
package spdxyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/transcode"
)

// Kinds of failure, for errors.Is. The error itself is an [*Error].
var (
	ErrSyntax = errors.New("not valid YAML")
	ErrYAML   = errors.New("YAML that says what JSON cannot say")
	ErrLimit  = errors.New("over a limit")
)

// An Error says where a document is refused and why.
type Error struct {
	Line, Column int    // counted from one
	Reason       string // one clause, without the position
	Err          error  // one of the kinds above
}

func (e *Error) Error() string { return fmt.Sprintf("at %d:%d: %s", e.Line, e.Column, e.Reason) }
func (e *Error) Unwrap() error { return e.Err }

const (
	maxSize  = 1 << 30
	maxDepth = 1000 // as of all other encodings
	mark     = "\ufeff"
)

// Detect reports whether data looks like an SPDX document in YAML.
func Detect(data []byte) bool {
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte(mark))) {
		if bytes.HasPrefix(line, []byte("spdxVersion:")) || bytes.HasPrefix(line, []byte(`"spdxVersion":`)) || bytes.HasPrefix(line, []byte("'spdxVersion':")) {
			return true
		}
	}
	return false
}

// Read reads a document into its JSON form, whose places are offsets into data.
func Read(data []byte) (*transcode.Value, error) {
	r := &reader{data: data, lines: []int{0}}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := decode(d, &doc); errors.Is(err, io.EOF) {
		return nil, &Error{1, 1, "there is no document", ErrYAML}
	} else if err != nil {
		return nil, syntax(err)
	}
	if err := decode(d, &more); err == nil {
		return nil, &Error{max(more.Line, 1), 1, "a second document", ErrYAML}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntax(err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, &Error{1, 1, "there is no document", ErrYAML}
	}
	return r.value(doc.Content[0], 0)
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

var inLine = regexp.MustCompile(`^yaml: line (\d+): (.*)`)

// syntax turns an error of the library into one that has the line apart.
func syntax(err error) *Error {
	if m := inLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		return &Error{max(line, 1), 1, m[2], ErrSyntax}
	}
	return &Error{1, 1, strings.TrimPrefix(err.Error(), "yaml: "), ErrSyntax}
}

type reader struct {
	data  []byte
	lines []int // where each begins
}

// prepare bounds what the library is going to see, and refuses what it would take and JSON cannot say.
func (r *reader) prepare() error {
	if len(r.data) > maxSize {
		return &Error{1, 1, fmt.Sprintf("larger than %d MiB", maxSize>>20), ErrLimit}
	}
	flow := 0
	for i := 0; i < len(r.data); {
		c, n := utf8.DecodeRune(r.data[i:])
		at := func(kind error, format string, args ...any) error {
			return &Error{len(r.lines), i - r.lines[len(r.lines)-1] + 1, fmt.Sprintf(format, args...), kind}
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
			if flow++; flow > maxDepth {
				return at(ErrLimit, "more than %d levels", maxDepth)
			}
		case c == ']', c == '}':
			flow = max(flow-1, 0)
		}
		i += n
	}
	return r.line(len(r.data) - len(bytes.TrimPrefix(r.data, []byte(mark))))
}

// line looks at the beginning of a line: how deep it can be nested, and whether it is a directive.
func (r *reader) line(start int) error {
	depth, i := 0, start
	for ; i < len(r.data) && strings.IndexByte(" -?:", r.data[i]) >= 0; i++ {
		if depth++; depth > maxDepth {
			return &Error{len(r.lines), i - start + 1, fmt.Sprintf("more than %d levels", maxDepth), ErrLimit}
		}
	}
	if i == start && i < len(r.data) && r.data[i] == '%' && bytes.Contains(r.data[i:], []byte("\n---")) {
		return &Error{len(r.lines), 1, "a directive", ErrYAML}
	}
	return nil
}

// offset is where a node begins: its column counts characters.
func (r *reader) offset(n *yaml.Node) int {
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

func (r *reader) value(n *yaml.Node, depth int) (*transcode.Value, error) {
	refuse := func(format string, args ...any) error {
		return &Error{max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...), ErrYAML}
	}
	at := r.offset(n)
	switch {
	case depth > maxDepth:
		return nil, &Error{n.Line, n.Column, fmt.Sprintf("more than %d levels", maxDepth), ErrLimit}
	case n.Kind == yaml.AliasNode:
		return nil, refuse("the alias *%.40s: write what it stands for", n.Value)
	case n.Anchor != "":
		return nil, refuse("the anchor &%.40s: write out what refers to it", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		return nil, refuse("the tag %.40s", n.Tag)
	case n.Kind == yaml.SequenceNode:
		a := transcode.NewArray(at, at)
		for _, item := range n.Content {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			a.Items = append(a.Items, v)
		}
		return a, nil
	case n.Kind == yaml.MappingNode:
		return r.mapping(n, at, depth)
	case n.Kind != yaml.ScalarNode:
		return nil, refuse("a value of no kind that JSON has")
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return transcode.NewString(n.Value, at, at), nil
	}
	return r.plain(n, at)
}

func (r *reader) mapping(n *yaml.Node, at, depth int) (*transcode.Value, error) {
	o := transcode.NewObject(at, at)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		refuse := func(kind error, format string, args ...any) error {
			return &Error{max(k.Line, 1), max(k.Column, 1), fmt.Sprintf(format, args...), kind}
		}
		name, err := r.value(k, depth+1)
		switch {
		case err != nil:
			return nil, err
		case k.Style == 0 && k.Value == "<<":
			return nil, refuse(ErrYAML, "a merge key")
		case name.Kind != strictjson.String:
			return nil, refuse(ErrYAML, "a key that is no text")
		case o.Get(name.Text) != nil:
			return nil, refuse(ErrSyntax, "the key %.60q stands here twice", name.Text)
		}
		v, err := r.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		o.Set(name.Text, v)
	}
	return o, nil
}

// plain reads a scalar without quotes by the core schema of YAML 1.2.2, section 10.3.2.
func (r *reader) plain(n *yaml.Node, at int) (*transcode.Value, error) {
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return transcode.NewLiteral("null", at, at), nil
	case "true", "True", "TRUE":
		return transcode.NewLiteral("true", at, at), nil
	case "false", "False", "FALSE":
		return transcode.NewLiteral("false", at, at), nil
	}
	if !isNumber(n.Value) {
		return transcode.NewString(n.Value, at, at), nil
	}
	if strictjson.Check([]byte(n.Value), strictjson.Limits{}) != nil {
		return nil, &Error{n.Line, n.Column, fmt.Sprintf("the number %.40s is not written as in JSON", n.Value), ErrYAML}
	}
	return transcode.NewLiteral(n.Value, at, at), nil
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
