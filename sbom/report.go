package sbom

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
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
