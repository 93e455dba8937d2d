// Package check collects what is wrong with documents: the rules of a specification, which no schema can say, tell a
// Check.
package check

import (
	"cmp"
	"slices"
)

// A Problem is one place where a document breaks its specification.
type Problem struct {
	Path         string // a pointer in JSON, a path of elements in XML, a tag in tag-value
	Line, Column int    // counted from one
	Rule         string // the keyword of the schema, or "specification"
	Advice       string // a sentence that says what to do
	Class        Class
}

// A Class says how much a problem matters.
type Class string

const (
	Broken    Class = "broken"
	Tolerated Class = "tolerated" // readers take it
	Doubtful  Class = "doubtful"  // of warnings
)

// MostProblems is how many problems are listed.
const MostProblems = 100

// A Report collects problems.
type Report struct {
	Format   string
	Problems []Problem
	Warnings []Problem
	More     bool
}

func (r *Report) Warn(p Problem) {
	p.Class = Doubtful
	if len(r.Warnings) < MostProblems {
		r.Warnings = append(r.Warnings, p)
	}
}

// Full reports whether enough problems are listed, and notes that there was one more.
func (r *Report) Full() bool {
	if len(r.Problems) == MostProblems {
		r.More = true
		return true
	}
	return false
}

func (r *Report) Add(p Problem) {
	if r.Full() {
		return
	}
	if p.Class == "" {
		p.Class = Broken
	}
	r.Problems = append(r.Problems, p)
}

// Sort brings the problems into the order of the document.
func (r *Report) Sort() {
	slices.SortStableFunc(r.Problems, func(a, b Problem) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
}
