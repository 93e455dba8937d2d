// Package spec holds what every part of package sbom says in the same words: why a document is none that is read, and the bounds
// of what is.
package spec

import (
	"errors"
	"fmt"
	"strings"
)

// Kinds of failure, which package sbom exports.
var (
	ErrNotSBOM = errors.New("not an SBOM")              // of no specification that is known
	ErrVersion = errors.New("unsupported version")      // of a known specification
	ErrLimit   = errors.New("document is over a limit") // of size, depth or count
	ErrLoss    = errors.New("the conversion would lose content")

	ErrSigned   = errors.New("the document is signed, and another one would not be: set DropSignatures")
	ErrEncoding = errors.New("the format is not written in this encoding")
	ErrPath     = errors.New("no such place in the document")
)

// MaxDepth is how deep values and elements may be nested.
const MaxDepth = 1000

// Quote writes the beginning of a text for people.
func Quote(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}
