// Package spdxyaml reads the YAML encoding of SPDX 2.2 and 2.3 into its JSON form.
//
// It is a reader of its own, in one pass over the text, for the part of YAML that people and tools write SBOMs in.
// It takes the part of YAML that says the same as JSON: mappings with text for keys that occur once, sequences and
// scalars of YAML's core schema. Anchors and aliases, with which a small document becomes a large one, are refused, and
// so are tags, merge keys, complex keys, directives and more than one document.
package spdxyaml

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

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
	r := &yamlReader{data: data}
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(*Error)
			if !ok {
				panic(p)
			}
			v, err = nil, e
		}
	}()
	for i, c := range data {
		if c < ' ' && c != '\n' && c != '\t' && !(c == '\r' && r.at(i+1) == '\n') || c == 0x7f {
			r.fail(i, ErrSyntax, "control character %#02x", c)
		}
	}
	for i := 0; i < len(data); {
		c, n := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && n == 1 {
			r.fail(i, ErrSyntax, "a byte that is not UTF-8")
		}
		i += n
	}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		r.pos, r.line = 3, 3
	}
	return r.document(), nil
}
