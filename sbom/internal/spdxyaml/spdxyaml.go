// Package spdxyaml reads the YAML encoding of SPDX 2.2 and 2.3 into its JSON form.
//
// It takes the part of YAML that says the same as JSON: mappings with text for keys that occur once, sequences and
// scalars of YAML's core schema. Anchors and aliases, with which a small document becomes a large one, are refused, and so are tags,
// merge keys and more than one document.
package spdxyaml

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

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
	maxSize  = 32 << 20
	maxDepth = 100
)

// Detect reports whether data looks like an SPDX document in YAML.
func Detect(data []byte) bool {
	for line := range bytes.Lines(data) {
		if bytes.HasPrefix(line, []byte("spdxVersion:")) || bytes.HasPrefix(line, []byte(`"spdxVersion":`)) || bytes.HasPrefix(line, []byte("'spdxVersion':")) {
			return true
		}
	}
	return false
}

// Read reads a document into its JSON form, whose places are offsets into data.
func Read(data []byte) (v *transcode.Value, err error) {
	if len(data) > maxSize {
		return nil, &Error{1, 1, fmt.Sprintf("larger than %d MiB", maxSize>>20), ErrLimit}
	}
	if !utf8.Valid(data) {
		return nil, &Error{1, 1, "a byte that is not UTF-8", ErrSyntax}
	}
	if err := checkDepth(data); err != nil {
		return nil, err
	}
	defer func() { // the parser is somebody else's
		if p := recover(); p != nil {
			v, err = nil, &Error{1, 1, fmt.Sprintf("the YAML parser gave up: %v", p), ErrSyntax}
		}
	}()
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, &Error{1, 1, err.Error(), ErrSyntax}
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, &Error{1, 1, "not exactly one YAML document", ErrYAML}
	}
	r := &reader{lines: lineStarts(data), size: len(data)}
	return r.value(file.Docs[0].Body, 0)
}

// checkDepth refuses what would send a recursive parser too deep: brackets, what opens blocks at the head of a line, and
// more keys, tags and anchors in one line than any line needs.
func checkDepth(data []byte) error {
	line, open := 0, 0
	for text := range bytes.Lines(data) {
		line++
		head := len(text) - len(bytes.TrimLeft(text, " \t"))
		rest := text[head:]
		opens := 0
		for len(rest) > 1 && (rest[0] == '-' || rest[0] == '?' || rest[0] == ':') && rest[1] == ' ' {
			opens++
			rest = bytes.TrimLeft(rest[1:], " ")
		}
		for _, c := range text {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
		}
		marks := bytes.Count(text, []byte(": ")) + bytes.Count(text, []byte{'!'}) + bytes.Count(text, []byte{'&'})
		if opens > maxDepth || marks > 2000 || head > 10*maxDepth && len(bytes.TrimSpace(text)) > 0 || open > 5000 {
			return &Error{line, 1, fmt.Sprintf("nested deeper than %d levels", maxDepth), ErrLimit}
		}
	}
	return nil
}

func lineStarts(data []byte) []int {
	starts := []int{0}
	for i, c := range data {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

type reader struct {
	lines []int
	size  int
}

// offset turns the position of a token into a byte offset; columns of the parser count characters, so that it is the
// right line and near the right column where there are others than ASCII.
func (r *reader) offset(t *token.Token) int {
	if t == nil || t.Position == nil || t.Position.Line < 1 || t.Position.Line > len(r.lines) {
		return 0
	}
	return min(r.lines[t.Position.Line-1]+max(0, t.Position.Column-1), r.size)
}

func fail(n ast.Node, kind error, format string, args ...any) error {
	e := &Error{1, 1, fmt.Sprintf(format, args...), kind}
	if t := n.GetToken(); t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
	}
	return e
}

func (r *reader) value(n ast.Node, depth int) (*transcode.Value, error) {
	if n == nil {
		return nil, &Error{1, 1, "a value is missing", ErrSyntax}
	}
	if depth > maxDepth {
		return nil, fail(n, ErrLimit, "nested deeper than %d levels", maxDepth)
	}
	at := r.offset(n.GetToken())
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.object(n.Values, at, depth)
	case *ast.MappingValueNode:
		return r.object([]*ast.MappingValueNode{n}, at, depth)
	case *ast.SequenceNode:
		a := transcode.NewArray(at, at)
		for _, item := range n.Values {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			a.Items = append(a.Items, v)
		}
		return a, nil
	case *ast.StringNode:
		return transcode.NewString(n.Value, at, at), nil
	case *ast.LiteralNode:
		return transcode.NewString(n.Value.Value, at, at), nil
	case *ast.BoolNode:
		return transcode.NewLiteral(fmt.Sprint(n.Value), at, at), nil
	case *ast.NullNode:
		return transcode.NewLiteral("null", at, at), nil
	case *ast.IntegerNode, *ast.FloatNode:
		text := n.GetToken().Value
		if strictjson.Check([]byte(text), strictjson.Limits{}) == nil {
			return transcode.NewLiteral(text, at, at), nil
		}
		return nil, fail(n, ErrYAML, "the number %s is not written as in JSON", text)
	case *ast.AliasNode, *ast.AnchorNode:
		return nil, fail(n, ErrYAML, "an anchor or an alias, which are not read")
	}
	return nil, fail(n, ErrYAML, "a %s, which is not read", strings.ToLower(n.Type().String()))
}

func (r *reader) object(pairs []*ast.MappingValueNode, at, depth int) (*transcode.Value, error) {
	o := transcode.NewObject(at, at)
	seen := make(map[string]bool, len(pairs))
	for _, p := range pairs {
		key, ok := p.Key.(*ast.StringNode)
		if !ok {
			return nil, fail(p, ErrYAML, "a key that is not a text")
		}
		if seen[key.Value] {
			return nil, fail(key, ErrSyntax, "the key %q occurs twice", key.Value)
		}
		seen[key.Value] = true
		v, err := r.value(p.Value, depth+1)
		if err != nil {
			return nil, err
		}
		if v.Start == 0 {
			v.Start = r.offset(key.GetToken())
		}
		o.Members = append(o.Members, transcode.Member{Name: key.Value, Value: v})
	}
	return o, nil
}
