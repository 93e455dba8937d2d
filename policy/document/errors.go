package document

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ladingdev/lading/internal/oneline"
)

// Kinds of failure, for errors.Is.
var (
	ErrDocument = errors.New("not a policy document")           // what [Parse] and [Document.Load] refuse: the error is [Errors]
	ErrLimit    = errors.New("policy document over a limit")    // beside ErrDocument
	ErrExpired  = errors.New("the policy document has expired") // decisions by it are Indeterminate
	ErrRollback = errors.New("an older policy document than was seen before")
	ErrUnsigned = errors.New("the policy document is not signed by whom it must be")
)

// An Error is one fault of a document.
type Error struct {
	Line, Column int    // where, counted from one; in characters
	Path         string // what, such as "images[0].require[2].sbom.profile"; empty is the document
	Reason       string // one clause
	Suggestion   string // what to write instead; may be empty
	Err          error  // the cause, if there is one beside Reason
}

// Error is the fault on one line, with its place and what to write instead.
func (e *Error) Error() string {
	s := fmt.Sprintf("%d:%d: ", e.Line, e.Column)
	if e.Path != "" {
		s += e.Path + ": "
	}
	s += e.Reason
	if e.Suggestion != "" {
		s += ": " + e.Suggestion
	}
	return oneline.Of(s)
}

// Unwrap returns ErrDocument and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrDocument}
	}
	return []error{ErrDocument, e.Err}
}

// Errors are the faults of a document in its order, at most 20 and one that says how many more there are.
type Errors []*Error

// Error is all faults, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return "document: " + strings.Join(lines, "\n")
}

// Unwrap returns each of them.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, one := range e {
		errs[i] = one
	}
	return errs
}

// maxErrors is how many faults a person reads.
const maxErrors = 20
