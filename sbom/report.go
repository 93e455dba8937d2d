package sbom

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ladingdev/lading/sbom/internal/encoding"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// A LossGroup is all losses of one kind and for one reason.
type LossGroup struct {
	Kind   LossKind
	Reason string   // without what it quotes of the document
	Where  []string // the places, "*" for any element of a list, each once: "/packages/*/filesAnalyzed"
	Losses []Loss   // all of them, in the order of the document
}

// Groups returns the losses by kind and reason, worst first: what is dropped, then what is changed, then what is added, and
// of these first what says that a component is there, what needs what, and what is known of vulnerabilities.
func (r *Report) Groups() []LossGroup {
	type key struct {
		kind   LossKind
		reason string
	}
	var out []LossGroup
	at := map[key]int{}
	for _, l := range r.Losses {
		k := key{l.Kind, generalReason(l.Reason)}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, LossGroup{Kind: l.Kind, Reason: k.reason})
		}
		out[i].Losses = append(out[i].Losses, l)
		if w := anyElement(l.Path); !slices.Contains(out[i].Where, w) {
			out[i].Where = append(out[i].Where, w)
		}
	}
	for _, g := range out {
		slices.SortStableFunc(g.Where, func(a, b string) int { return placeWeight(a) - placeWeight(b) })
	}
	slices.SortStableFunc(out, func(a, b LossGroup) int {
		return cmp.Or(a.Kind.weight()-b.Kind.weight(), a.weight()-b.weight(), len(b.Losses)-len(a.Losses))
	})
	return out
}

var quoted = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`"(\\.|[^"\\])*"`)
})

// generalReason leaves out of a reason what it says of one place only.
func generalReason(reason string) string {
	if strings.HasPrefix(reason, "written as ") && !strings.HasPrefix(reason, "written as declared") {
		return "written by another id"
	}
	return quoted().ReplaceAllString(reason, `"..."`)
}

func (k LossKind) weight() int { return slices.Index([]LossKind{Dropped, Changed, Added}, k) }

// weight is smaller the more a reader of the output misses.
func (g *LossGroup) weight() int {
	least := 3
	for _, w := range g.Where {
		least = min(least, placeWeight(w))
	}
	return least
}

func placeWeight(w string) int {
	parts := strings.Split(w, "/")
	last := parts[len(parts)-1]
	if last == "*" && len(parts) > 1 {
		last = parts[len(parts)-2]
	}
	switch last {
	case "components", "packages", "files", "@graph", "services", "dependencies", "dependsOn", "relationships", "relationshipType",
		"relatedSpdxElement",
		"vulnerabilities":
		return 0
	case "licenses", "licenseConcluded", "licenseDeclared", "hashes", "checksums", "verifiedUsing", "purl", "cpe", "version", "name",
		"group", "ref", "scope":
		return 1
	case "filesAnalyzed", "$schema", "downloadLocation":
		return 3
	}
	return 2
}

// anyElement writes a path with "*" for places in lists.
func anyElement(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if p != "" && strings.Trim(p, "0123456789") == "" {
			parts[i] = "*"
		} else if at := strings.IndexByte(p, '['); at > 0 && strings.HasSuffix(p, "]") { // of XML
			parts[i] = p[:at] + "[*]"
		}
	}
	return strings.Join(parts, "/")
}

// mostGroups is how many kinds of loss String lists; Groups has all.
const mostGroups = 12

// String is the report as one paragraph for people, worst first. Losses has every single one.
func (r *Report) String() string {
	if r == nil {
		return "no report"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v to %v: ", r.From, r.To)
	switch {
	case r.Restored:
		return b.String() + "the document that the input carried, as it was."
	case len(r.Losses) == 0 && r.Values == 0:
		b.WriteString("as it was.")
	case len(r.Losses) == 0:
		fmt.Fprintf(&b, "all %d values are in the output.", r.Values)
	default:
		fmt.Fprintf(&b, "%d of %d values are in the output.", r.Represented, r.Values)
	}
	last := LossKind("")
	for i, g := range r.Groups() {
		if i == mostGroups {
			fmt.Fprintf(&b, "; and %d more kinds of loss", len(r.Groups())-i)
			break
		}
		if g.Kind != last {
			n := 0
			for _, l := range r.Losses {
				if l.Kind == g.Kind {
					n++
				}
			}
			if last != "" {
				b.WriteByte('.')
			}
			last = g.Kind
			fmt.Fprintf(&b, " %s %d: ", strings.ToUpper(string(g.Kind[:1]))+string(g.Kind[1:]), n)
		} else {
			b.WriteString("; ")
		}
		const most = 3
		where := strings.Join(g.Where[:min(len(g.Where), most)], ", ")
		if more := len(g.Where) - most; more > 0 {
			where += fmt.Sprintf(" and %d other places", more)
		}
		if len(g.Losses) > 1 {
			fmt.Fprintf(&b, "%d at %s", len(g.Losses), where)
		} else {
			b.WriteString(g.Losses[0].Path)
		}
		fmt.Fprintf(&b, " (%s)", g.Reason)
	}
	if len(r.Losses) > 0 {
		b.WriteByte('.')
	}
	if r.Open {
		b.WriteString(" Comments and spelling of the input's encoding are not accounted for.")
	}
	if r.Embedded {
		b.WriteString(" The output carries the whole input.")
	}
	return b.String()
}

// A LossKind says what became of a part of a document that was converted.
type LossKind string

// The kinds of loss.
const (
	Dropped LossKind = "dropped" // it is not in the output
	Changed LossKind = "changed" // it is in the output and says less, or something slightly else
	Added   LossKind = "added"   // the output says what the input does not; the path is one of the output
)

// A Loss is one part of a document that a conversion did not carry over as it was.
type Loss struct {
	Path   string // RFC 6901 pointer into the JSON form of the input; it covers everything below
	Kind   LossKind
	Reason string
}

// A Report accounts for every value of a converted document: it is represented in the output, or it is in Losses.
type Report struct {
	From, To    Format
	Values      int // of the input: strings, numbers, literals and empty lists; zero if it is returned as it is
	Represented int // of these, in the output
	Losses      []Loss
	Embedded    bool // the output carries the whole input, and converting back restores it
	Restored    bool // the output is the document that the input carried, in its own encoding; the counts are zero
	Open        bool // the input is in an encoding whose comments and spelling are not accounted for
}

// Lossless reports whether nothing was dropped or changed.
func (r *Report) Lossless() bool {
	return !slices.ContainsFunc(r.Losses, func(l Loss) bool { return l.Kind != Added })
}

// ConvertOptions say how to convert. The zero value drops what does not fit, and reports it.
type ConvertOptions struct {
	Strict         bool      // refuse with ErrLoss if anything would be dropped or changed
	Embed          bool      // carry the input in the output, so that converting back gives the same bytes, until it is edited
	DropSignatures bool      // convert signed documents, without their signatures; false refuses them with ErrSigned
	Created        time.Time // for SPDX, which wants a time, if the input gives none; zero means 1970, and is reported
}

// ErrSigned means that a conversion would break a signature inside the document.
var ErrSigned = spec.ErrSigned

// madeAt is when a document is said to be made that does not say so itself.
func madeAt(o *ConvertOptions) string {
	if o.Created.IsZero() {
		return "1970-01-01T00:00:00Z"
	}
	return o.Created.UTC().Format(spec.TimeLayout)
}

// lose adds losses to the report.
func (r *Report) lose(list ...tree.Loss) {
	r.Losses = slices.Grow(r.Losses, len(list))
	for _, l := range list {
		r.Losses = append(r.Losses, Loss{l.Path, LossKind(l.Kind), l.Reason})
	}
}

// loseWritten accounts for what an encoding has no place for.
func (r *Report) loseWritten(list []tree.Unwritten, to Encoding) {
	for _, l := range list {
		if l.Changed != "" {
			r.Losses = append(r.Losses, Loss{l.Pointer, Changed, l.Changed})
			continue
		}
		r.Represented -= l.Value.CountLeaves()
		reason := "the " + string(to) + " form has no place for it"
		if l.Reason != "" {
			reason = l.Reason
		}
		r.Losses = append(r.Losses, Loss{l.Pointer, Dropped, reason})
	}
}

// reportExtras accounts for what the JSON form has no place for.
func reportExtras(f *encoding.Source, r *Report) {
	for _, e := range f.Extras {
		r.Values++
		r.Losses = append(r.Losses, Loss{e.Path, Dropped, "the JSON form has no place for it"})
	}
}
