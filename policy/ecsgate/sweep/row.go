package sweep

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/policy"
)

// A Finding is something that is wrong with a Row, or worth to know.
type Finding struct {
	Kind   Kind   `json:"kind"`
	Detail string `json:"detail,omitempty"` // in one line
}

// A Row is what runs, or is set to run: one container of a task, a function, a job definition; or what has no image by itself, such as
// a service whose hook is missing. What is alike is one Row.
type Row struct {
	Service    string `json:"service"` // ecs, lambda, batch, apprunner, sagemaker, codebuild, eks
	Region     string `json:"region"`
	Kind       string `json:"kind"`               // what it is, such as "task" or "function"
	Cluster    string `json:"cluster,omitempty"`  // ARN
	Resource   string `json:"resource,omitempty"` // its name; of tasks their group, which their caller chose
	Definition string `json:"definition,omitempty"`
	Container  string `json:"container,omitempty"`
	Image      string `json:"image,omitempty"` // as it is configured
	// Judged is REPOSITORY@DIGEST, what the Verdict is about; empty if no image could be judged.
	Judged string `json:"judged,omitempty"`
	// Verdict is left out of JSON where nothing was judged, or nothing could be decided.
	Verdict policy.Verdict `json:"verdict,omitzero"`
	Rule    string         `json:"rule,omitempty"`
	Reason  string         `json:"reason,omitempty"` // in one line
	// Findings are sorted by how bad they are. Without one, what runs was allowed.
	Findings []Finding `json:"findings,omitempty"`
	Count    int64     `json:"count"`              // how many there are
	Examples []string  `json:"examples,omitempty"` // ARNs of some of them, sorted
}

// maxExamples is how many ARNs a Row has.
const maxExamples = 3

// key is all that makes Rows alike.
func (r *Row) key() string {
	var b strings.Builder
	for _, part := range []string{
		r.Service, r.Region, r.Kind, r.Cluster, r.Resource, r.Definition, r.Container, r.Image, r.Judged, r.Verdict.String(),
		r.Rule, r.Reason,
	} {
		b.WriteString(part)
		b.WriteByte(0)
	}
	for _, f := range r.Findings {
		b.WriteString(string(f.Kind) + "\x00" + f.Detail + "\x00")
	}
	return b.String()
}

// find adds a finding.
func (r *Row) find(k Kind, format string, args ...any) {
	detail := format
	if len(args) > 0 {
		detail = fmt.Sprintf(format, args...)
	}
	r.Findings = append(r.Findings, Finding{k, line(detail)})
}

// Has tells whether the Row has a finding of a kind.
func (r *Row) Has(k Kind) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Kind == k })
}

// settle brings the findings into their order.
func (r *Row) settle() {
	slices.SortFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Kind.rank(), b.Kind.rank()), cmp.Compare(a.Detail, b.Detail))
	})
	r.Findings = slices.Compact(r.Findings)
	slices.Sort(r.Examples)
}

// A table has one Row of each.
type table map[string]*Row

// add counts a Row; it must be settled.
func (t table) add(r *Row) {
	key := r.key()
	old := t[key]
	if old == nil {
		copied := *r
		copied.Examples = slices.Clone(r.Examples[:min(len(r.Examples), maxExamples)])
		t[key] = &copied
		return
	}
	old.Count += r.Count
	for _, arn := range r.Examples {
		i, found := slices.BinarySearch(old.Examples, arn)
		if found || i >= maxExamples {
			continue
		}
		if old.Examples = slices.Insert(old.Examples, i, arn); len(old.Examples) > maxExamples {
			old.Examples = old.Examples[:maxExamples]
		}
	}
}

// rows are sorted: the worst first, then by place.
func (t table) rows() []Row {
	list := make([]Row, 0, len(t))
	keys := make(map[*Row]string, len(t))
	pointers := make([]*Row, 0, len(t))
	for key, r := range t {
		keys[r] = key
		pointers = append(pointers, r)
	}
	slices.SortFunc(pointers, func(a, b *Row) int { return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(keys[a], keys[b])) })
	for _, r := range pointers {
		list = append(list, *r)
	}
	return list
}

func (r *Row) rank() int {
	if len(r.Findings) == 0 {
		return len(kinds)
	}
	return r.Findings[0].Kind.rank()
}
