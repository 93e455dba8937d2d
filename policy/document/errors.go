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

// suggest says which of the known names is meant, or which there are.
func suggest(got string, known []string) string {
	const few = 14
	best, least := "", max(2, len(got)/3)+1
	lower := strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(got))
	for _, k := range known {
		if lower == strings.ToLower(strings.ReplaceAll(k, "-", "")) {
			return fmt.Sprintf("did you mean %q?", k)
		}
		if d := distance(got, k); d < least {
			best, least = k, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(known) == 0:
		return "there are none"
	case len(known) <= few:
		return "there are " + strings.Join(known, ", ")
	}
	return "there are " + strings.Join(known[:few], ", ") + " and more"
}

// distance counts the letters that are to be changed, added, removed or swapped with the next one (optimal string alignment).
func distance(a, b string) int {
	const most = 64
	if len(a) > most || len(b) > most {
		return most
	}
	var before, last, row [most + 1]int
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
