package vuln

import (
	"context"
	"iter"
	"time"

	"github.com/ladingdev/lading/sbom"
)

// A Scanner finds the vulnerabilities of the components of an SBOM. Scan returns a Report only of a scan that came to its
// end; what it could not assess is in Report.Skipped.
type Scanner interface {
	Scan(ctx context.Context, doc *sbom.Document) (*Report, error)
}

// A ScannerFunc is a function that is a Scanner.
type ScannerFunc func(ctx context.Context, doc *sbom.Document) (*Report, error)

// Scan calls f.
func (f ScannerFunc) Scan(ctx context.Context, doc *sbom.Document) (*Report, error) {
	return f(ctx, doc)
}

// A Report is the result of one scan. Empty fields mean that the scanner did not say.
type Report struct {
	Format     string     `json:"format,omitempty"` // of the document that it was read from, such as "trivy"; empty if a Scanner made it
	Subject    Subject    `json:"subject,omitzero"`
	Tool       Tool       `json:"tool,omitzero"`
	Databases  []Database `json:"databases,omitempty"` // that were asked; none means that nobody knows
	Started    time.Time  `json:"started,omitzero"`
	Finished   time.Time  `json:"finished,omitzero"`
	Components int        `json:"components,omitempty"` // that the scanner was given
	Findings   []Finding  `json:"findings,omitempty"`
	Skipped    []Skipped  `json:"skipped,omitempty"` // what could not be assessed
	Notes      []string   `json:"notes,omitempty"`   // what a reader of the Report should know of how it was made, one clause each
}

// A Subject is what was scanned.
type Subject struct {
	Name     string   `json:"name,omitempty"`     // of the image, such as "ghcr.io/acme/web:1.4", or a file
	Digest   string   `json:"digest,omitempty"`   // of the image's manifest, "sha256:..."
	SBOM     string   `json:"sbom,omitempty"`     // digest of the SBOM's bytes, "sha256:..."
	SBOMID   string   `json:"sbomID,omitempty"`   // its serial number or namespace
	IDs      []string `json:"ids,omitempty"`      // other identifiers, such as package URLs
	Provider string   `json:"provider,omitempty"` // where the image is, if the scanner says: "AWS", "AZURE"
	Registry string   `json:"registry,omitempty"` // of which kind, if the scanner says: "ECR", "ACR"
}

// A Tool is the program or service that scanned.
type Tool struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	URI     string `json:"uri,omitempty"`
}

// A Database is a source of advisories that was asked.
type Database struct {
	Name      string    `json:"name,omitempty"`
	Ecosystem string    `json:"ecosystem,omitempty"` // by OSV's name; empty means all that the database has
	URI       string    `json:"uri,omitempty"`
	Version   string    `json:"version,omitempty"` // or digest
	Updated   time.Time `json:"updated,omitzero"`  // when its content was last changed, or built
}

// A Kind says what a Finding is about.
type Kind string

// The kinds. All but the first are about the image, not about one of its components.
const (
	Vulnerability Kind = ""              // of a component
	Configuration Kind = "configuration" // of the image or of its Dockerfile
	Secret        Kind = "secret"        // left in a file
)

// A Finding is one vulnerability, or one failed check, and all that it was found in.
type Finding struct {
	ID          string     `json:"id"`                // as the scanner has it, such as "CVE-2024-2961"
	Aliases     []string   `json:"aliases,omitempty"` // other ids of the same vulnerability
	Kind        Kind       `json:"kind,omitempty"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description,omitempty"`
	Severity    Severity   `json:"severity"`          // overall: as the scanner counts it
	Ratings     []Rating   `json:"ratings,omitempty"` // one per source and method
	EPSS        *EPSS      `json:"epss,omitempty"`    // nil means not known
	Exploit     Exploit    `json:"exploit,omitzero"`
	CWEs        []int      `json:"cwes,omitempty"`
	Source      Source     `json:"source,omitzero"` // of the advisory
	References  []string   `json:"references,omitempty"`
	Published   time.Time  `json:"published,omitzero"`
	Modified    time.Time  `json:"modified,omitzero"`
	Withdrawn   time.Time  `json:"withdrawn,omitzero"`
	Affects     []Affected `json:"affects,omitempty"`
}

// A Source is who published an advisory or a rating.
type Source struct {
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
}

// An Affected is one place that a Finding was found in: a component, or, in a finding without one, a file.
type Affected struct {
	Component Component `json:"component,omitzero"`
	File      string    `json:"file,omitempty"`  // of a finding without a component
	Lines     string    `json:"lines,omitempty"` // in File, such as "3-5"
	Fixed     []string  `json:"fixed,omitempty"` // versions that have the fix
	Fix       FixState  `json:"fix,omitempty"`
	// Doubt says why the scanner cannot tell whether the component is affected, in one clause; empty means that it is, as far
	// as the scanner goes. Rules ask State.
	Doubt string `json:"doubt,omitempty"`
	// Status is what VEX says; empty means that nothing changed what the scanner found. Whether it rests on a statement with
	// a proven signer, Proven tells.
	Status Status    `json:"status,omitempty"`
	VEX    []Applied `json:"vex,omitempty"` // every statement that is about this place, also those that changed nothing
}

// A Component is what a Finding is in.
type Component struct {
	Name      string     `json:"name,omitempty"`
	Version   string     `json:"version,omitempty"`
	PURL      string     `json:"purl,omitempty"`
	Ecosystem string     `json:"ecosystem,omitempty"` // by OSV's name, if the scanner says
	ID        string     `json:"id,omitempty"`        // in the SBOM or report: bom-ref or SPDXID
	Refs      []sbom.Ref `json:"refs,omitempty"`      // places in the SBOM whose digest is Subject.SBOM; see Report.Locate
	Paths     []string   `json:"paths,omitempty"`     // files or directories that it was found in
}

// A FixState says what the source of the advisory does about a component. Empty means that it does not say.
type FixState string

// The states.
const (
	Fixable  FixState = "fixed"     // in the versions of Affected.Fixed
	NotFixed FixState = "not-fixed" // as yet
	WontFix  FixState = "wont-fix"
)

// An EPSS is the probability that a vulnerability is exploited within 30 days (first.org/epss).
type EPSS struct {
	Probability float64 `json:"probability"`          // 0 to 1
	Percentile  float64 `json:"percentile,omitempty"` // 0 to 1
	Model       string  `json:"model,omitempty"`
	Date        string  `json:"date,omitempty"` // of the score, "2024-05-21"
}

// An Exploit is what is known of a vulnerability being exploited. The zero Exploit means that nothing is known.
type Exploit struct {
	Known     bool      `json:"known,omitempty"` // in a catalogue of exploited vulnerabilities, such as CISA's KEV
	Added     time.Time `json:"added,omitzero"`  // to the catalogue
	Due       time.Time `json:"due,omitzero"`    // when CISA wants it mended
	Available bool      `json:"available,omitempty"`
	LastSeen  time.Time `json:"lastSeen,omitzero"`
}

// A Skipped is what a scanner could not assess. A zero Component means all of what Reason names.
type Skipped struct {
	Component Component `json:"component,omitzero"`
	Reason    string    `json:"reason"`
}

// Places yields every pair of a finding and a place that it is in: what tables list and rules judge. A finding without a
// place comes with a zero Affected.
func (r *Report) Places() iter.Seq2[*Finding, *Affected] {
	return func(yield func(*Finding, *Affected) bool) {
		for i := range r.Findings {
			f := &r.Findings[i]
			if len(f.Affects) == 0 && !yield(f, &Affected{}) {
				return
			}
			for j := range f.Affects {
				if !yield(f, &f.Affects[j]) {
					return
				}
			}
		}
	}
}
