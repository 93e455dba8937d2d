package sbom

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/syntax"
	"github.com/ladingdev/lading/sbom/internal/cdx"
	"github.com/ladingdev/lading/sbom/internal/check"
	"github.com/ladingdev/lading/sbom/internal/encoding"
	"github.com/ladingdev/lading/sbom/internal/encoding/cdxxml"
	"github.com/ladingdev/lading/sbom/internal/encoding/form"
	"github.com/ladingdev/lading/sbom/internal/license"
	"github.com/ladingdev/lading/sbom/internal/schema"
)

// ErrInvalid is what an [*InvalidError] is, for errors.Is.
var ErrInvalid = errors.New("the document breaks its specification")

// A Problem is one place where a document breaks its specification.
type Problem struct {
	Path   string // where: an RFC 6901 pointer in JSON, a path of elements in XML, a tag in tag-value
	Line   int    // counted from one
	Column int    // counted from one, in bytes
	Rule   string // the keyword of the schema that is broken, or "specification" for a rule that no schema can say
	Advice string // a sentence that says what to do
	Class  Class
}

// A Class says how much a [Problem] matters.
type Class string

// The classes. Tolerated are habits of mainstream programs that readers take all the same, and that change nothing of what
// a document says of its components and of what needs what: times with fractions of a second (npm), ids with other
// characters than the specification has (ko), URLs that are none such as git@host:path (npm), one thing that is listed twice
// by one name (cdxgen), PACKAGE_MANAGER with the other hyphen (Zephyr), authors of components before CycloneDX 1.6 (pnpm), namespaces
// that are no URI (Bitnami, older syft), licence expressions that are none (Debian).
const (
	Broken    Class = "broken"
	Tolerated Class = "tolerated"
	Doubtful  Class = "doubtful" // of warnings
)

// String is the problem on one line, with its place.
func (p Problem) String() string {
	if p.Path == "" { // the document itself
		return fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Advice)
	}
	return fmt.Sprintf("%d:%d: %s: %s", p.Line, p.Column, p.Path, p.Advice)
}

// An InvalidError lists what is wrong with a document.
type InvalidError struct {
	Format   string // such as "CycloneDX 1.6 JSON"
	Problems []Problem
	More     bool  // there are more problems than these
	cause    error // of a text that cannot be read
}

// Error is the first three problems, and how many more there are.
func (e *InvalidError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "not valid %s: ", e.Format)
	for i, p := range e.Problems {
		if i == 3 {
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p.String())
	}
	if more := len(e.Problems) - 3; more > 0 {
		fmt.Fprintf(&b, "; and %d more", more)
	}
	return b.String()
}

// Tolerated reports whether all that is wrong is of that class: a gate can let such a document pass that would otherwise
// turn away what npm and others write.
func (e *InvalidError) Tolerated() bool {
	return len(e.Problems) > 0 && !e.More && !slices.ContainsFunc(e.Problems, func(p Problem) bool { return p.Class != Tolerated })
}

// Unwrap is ErrInvalid, and what else the problems are.
func (e *InvalidError) Unwrap() []error {
	if e.cause != nil {
		return []error{ErrInvalid, e.cause}
	}
	return []error{ErrInvalid}
}

// unreadable turns what a reader says about a text into a problem, and leaves every other error alone.
func unreadable(data []byte, err error) error {
	var broken *syntax.Error
	if !errors.As(err, &broken) {
		return err
	}
	p := Problem{Line: broken.Line, Column: broken.Column, Rule: "syntax", Class: Broken}
	if p.Line == 0 {
		p.Line, p.Column = syntax.Position(data, broken.Offset)
	}
	e := &InvalidError{Format: broken.Format, cause: err}
	p.Advice = "Correct the text here: " + broken.Reason + "."
	if errors.Is(err, syntax.ErrLimit) {
		p.Rule, p.Advice = "limit", fmt.Sprintf("Nest values less deep, or split the document: %s, and no more is read.", broken.Reason)
		e.cause = fmt.Errorf("%w: %w", ErrLimit, err)
	}
	e.Problems = []Problem{p}
	return e
}

// Validate reports whether a document keeps to its specification: nil, or an [*InvalidError] that lists what is wrong
// with it, or [ErrNotSBOM] or [ErrVersion] for what is no document of a known format and version.
//
// It holds the document against the schema that the specification publishes for its version (for CycloneDX 1.2 and 1.3
// JSON the strict reading), with formats such as dates and URLs asserted, and against the rules that no schema can say:
// identifiers are unique, references lead somewhere, licence expressions are well-formed and name listed licences.
//
// CycloneDX is read from 1.2 to 1.7 as JSON and from 1.0 to 1.7 as XML, SPDX 2.2 and 2.3 as JSON, tag-value, YAML, XML
// and RDF/XML, SPDX 3.0.1 as JSON-LD.
//
// Warnings are doubts that published documents of good standing give reason for too, such as a dependency on something
// that the document does not describe. They come with or without an error.
func Validate(data []byte) (warnings []Problem, err error) {
	r, err := validate(data)
	if err != nil {
		if form.FirstByte(data) == '{' {
			data = withoutMark(data) // as the reader that counted the offset
		}
		return nil, unreadable(data, err)
	}
	return problems(r.Warnings), invalid(r)
}

func validate(data []byte) (*check.Report, error) {
	if form.FirstByte(data) == '{' {
		return validateJSON(withoutMark(data), nil)
	}
	in := &form.Input{Data: data}
	e, err := encoding.Detect(in)
	switch {
	case err != nil:
		return nil, err
	case e == nil:
		return nil, fmt.Errorf("%w: it is neither JSON nor XML nor tag-value nor YAML", ErrNotSBOM)
	case e == cdxxml.Encoding: // which has a schema of its own
		return validateXML(in)
	}
	f, _, err := encoding.ReadAs(e, in)
	if err != nil {
		return nil, err
	}
	return validateForm(f, data)
}

func validateXML(in *form.Input) (*check.Report, error) {
	doc, err := in.XML()
	if err != nil {
		return nil, err
	}
	version, err := cdxxml.Version(doc)
	if err != nil {
		return nil, err
	}
	schema, err := schema.XML(version)
	if err != nil {
		return nil, err
	}
	list, err := license.TheList()
	if err != nil {
		return nil, err
	}
	return cdx.RulesXML(doc, version, schema, list), nil
}

// validateForm validates a document in its JSON form.
func validateForm(f *encoding.Source, data []byte) (*check.Report, error) {
	return validateJSON(f.Text, &check.Origin{Encoding: f.Name, Data: data, Offset: func(offset int) int {
		start, _ := f.Places.Source(offset)
		return start
	}})
}

// invalid is the error of what breaks its specification, or nil.
func invalid(r *check.Report) error {
	if r.Problems == nil {
		return nil
	}
	r.Sort()
	return &InvalidError{Format: r.Format, Problems: problems(r.Problems), More: r.More}
}

func problems(list []check.Problem) (out []Problem) {
	for _, p := range list {
		out = append(out, Problem{p.Path, p.Line, p.Column, p.Rule, p.Advice, Class(p.Class)})
	}
	return out
}
