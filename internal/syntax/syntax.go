// Package syntax has the error of all readers of text.
package syntax

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrLimit is the kind of an error about a text that is larger or nested deeper than its reader follows.
var ErrLimit = errors.New("over a limit")

// An Error says where a text is refused and why.
type Error struct {
	Format       string // "JSON", "XML", "tag-value" or "YAML"
	Offset       int    // in bytes, of a text whose reader counts no lines
	Line, Column int    // counted from one, of a text whose reader counts them
	Reason       string // one clause, without the position
	Err          error  // its kind: ErrLimit, or what the reader's package has
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("at %d:%d: %s", e.Line, e.Column, e.Reason)
	}
	return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason)
}

func (e *Error) Unwrap() error { return e.Err }

// Position returns the line and the column of a byte offset, both counted from one, the column in bytes.
func Position(data []byte, offset int) (line, column int) {
	before := data[:min(offset, len(data))]
	return 1 + bytes.Count(before, []byte{'\n'}), len(before) - bytes.LastIndexByte(before, '\n')
}
