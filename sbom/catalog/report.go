package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// mostWarnings is how many warnings String lists; Warnings has all.
const mostWarnings = 10

// String sums up the report: what was found, and what could not be read.
func (r *Report) String() string {
	if r == nil {
		return "no report"
	}
	var b strings.Builder
	total := 0
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(r.Packages)) {
		total += r.Packages[kind]
		kinds = append(kinds, fmt.Sprintf("%d %s", r.Packages[kind], kind))
	}
	fmt.Fprintf(&b, "%d packages in %d files", total, r.Files)
	if kinds != nil {
		fmt.Fprintf(&b, " (%s)", strings.Join(kinds, ", "))
	}
	fmt.Fprintf(&b, ", %d with a licence, %d dependencies", r.Licensed, r.Edges)
	for i, w := range r.Warnings {
		if i == mostWarnings {
			fmt.Fprintf(&b, "\n  and %d more that could not be read", len(r.Warnings)-i)
			break
		}
		fmt.Fprintf(&b, "\n  not read: %q: %v", w.Path, w.Err)
	}
	for i, claim := range r.Claims {
		if i == mostWarnings {
			fmt.Fprintf(&b, "\n  and %d more SBOMs in it", len(r.Claims)-i)
			break
		}
		fmt.Fprintf(&b, "\n  an SBOM in it: %q: %v", claim.Path, claim)
	}
	if r.Conversion != nil {
		b.WriteString("\n  " + strings.ReplaceAll(r.Conversion.String(), "\n", "\n  "))
	}
	return b.String()
}

// A Claim is an SBOM that an image or directory holds about something in itself. What it lists is joined with what was
// found: a component that is known gains the property lading:said-by, one that is not is listed with it, and stands
// nowhere on disk by anything but this word.
type Claim struct {
	Path   string
	Format sbom.Format
	Known  int // components that were found on disk too
	Added  int // components that nothing else speaks of
	// Unread is why nothing, or not all, was taken from it: it lies where no tool is known to put one, it is damaged, some
	// of its components have no package URL, or the packages' database has another version.
	Unread error
}

// String is the claim on one line.
func (c Claim) String() string {
	s := fmt.Sprintf("%s, %d components known, %d added", c.Format, c.Known, c.Added)
	if c.Format == (sbom.Format{}) {
		s = "not read"
	}
	if c.Unread != nil {
		s += ": " + c.Unread.Error()
	}
	return s
}

// A Report says what came of the work.
type Report struct {
	Image    ocispec.Descriptor // what was taken: a manifest, or of an archive of docker save the configuration
	Files    int                // that were seen
	Packages map[string]int     // components by type of package URL, such as "deb"
	Licensed int                // components with a licence
	Edges    int                // dependencies between components
	// Warnings are what could not be read: files with their reasons. The document lacks what they might say.
	Warnings []Warning
	// Claims are SBOMs that were found in it.
	Claims []Claim
	// Conversion says what another Format than CycloneDX 1.6 does not hold, or is nil.
	Conversion *sbom.Report
}

// A Warning is something that the document does not hold.
type Warning struct {
	Path string
	Err  error
}

// String is the path, and what was wrong with it.
func (w Warning) String() string { return fmt.Sprintf("%s: %v", w.Path, w.Err) }
