package sweep

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/report"
)

// What a sweep found, for errors.Is on Report.Err.
var (
	ErrFound      = errors.New("something runs that should not, or came around the gate")
	ErrIncomplete = errors.New("not everything could be looked at")
)

// A Report is what a sweep saw. It says nothing of how it was made: one that was ended and went on has the same.
type Report struct {
	Started      time.Time `json:"started"`
	Regions      []string  `json:"regions"`
	Services     []string  `json:"services"`
	PolicyDigest string    `json:"policyDigest,omitempty"`
	Rows         []Row     `json:"rows"` // the worst first
}

func newReport(s *Sweep, st *state) *Report {
	all := table{}
	for _, rows := range st.rows {
		for _, row := range rows {
			all.add(row)
		}
	}
	r := &Report{
		Started: st.started, Regions: slices.Clone(s.regions()), Services: slices.Clone(s.Services),
		PolicyDigest: string(s.Checker.Rules().PolicyDigest), Rows: all.rows(),
	}
	if len(r.Services) == 0 {
		r.Services = Services()
	}
	return r
}

// Err returns nil if all that was looked for was seen and nothing was wrong; else an error that is ErrFound, ErrIncomplete, or both.
// Warnings are none.
func (r *Report) Err() error {
	var errs []error
	levels := r.levels()
	if n := levels[Problem]; n > 0 {
		errs = append(errs, fmt.Errorf("%w: %s", ErrFound, plural(n, "problem")))
	}
	if n := levels[Incomplete]; n > 0 {
		errs = append(errs, fmt.Errorf("%w: %s", ErrIncomplete, plural(n, "gap")))
	}
	return errors.Join(errs...)
}

// Status is Err for the exit status of a program: 0 if it is nil, 1 for ErrFound, 2 for ErrIncomplete, 3 for both.
func (r *Report) Status() (status int) {
	err := r.Err()
	if errors.Is(err, ErrFound) {
		status |= 1
	}
	if errors.Is(err, ErrIncomplete) {
		status |= 2
	}
	return status
}

// levels counts findings: each as often as what it is about.
func (r *Report) levels() map[Level]int64 {
	n := map[Level]int64{}
	for _, row := range r.Rows {
		for _, f := range row.Findings {
			n[f.Kind.Level()] += row.Count
		}
	}
	return n
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// A sum is what came out of one service in one region.
type sum struct {
	service, region                string
	seen, allowed, denied, unknown int64
	problems, incomplete, warnings int64
}

// sums are by service and region, in the order in which these were looked at.
func (r *Report) sums() (list []sum) {
	for _, region := range r.Regions {
		for _, service := range r.Services {
			s := sum{service: service, region: region}
			for _, row := range r.Rows {
				if row.Service == service && row.Region == region {
					s.add(&row)
				}
			}
			list = append(list, s)
		}
	}
	return list
}

func (s *sum) add(row *Row) {
	if row.Image != "" {
		s.seen += row.Count
		switch {
		case row.Judged != "" && row.Verdict == policy.Allow:
			s.allowed += row.Count
		case row.Judged != "" && row.Verdict == policy.Deny:
			s.denied += row.Count
		case len(row.Findings) > 0: // what nobody can judge, such as an image of CodeBuild's own, has none
			s.unknown += row.Count
		}
	}
	for _, f := range row.Findings {
		switch f.Kind.Level() {
		case Problem:
			s.problems += row.Count
		case Incomplete:
			s.incomplete += row.Count
		case Warning:
			s.warnings += row.Count
		}
	}
}

// An image is one that runs, or is set to run, and how often.
type image struct {
	judged, reason string
	verdict        policy.Verdict
	count          int64
}

// images are those that were judged, the refused ones first, then by name.
func (r *Report) images() []image {
	found := map[string]*image{}
	for _, row := range r.Rows {
		if row.Judged == "" {
			continue
		}
		key := row.Judged + "\x00" + row.Verdict.String() + "\x00" + row.Reason
		if found[key] == nil {
			found[key] = &image{row.Judged, row.Reason, row.Verdict, 0}
		}
		found[key].count += row.Count
	}
	var list []image
	for _, i := range found {
		list = append(list, *i)
	}
	order := map[policy.Verdict]int{policy.Deny: 0, policy.Indeterminate: 1, policy.Allow: 2}
	slices.SortFunc(list, func(a, b image) int {
		return cmp.Or(cmp.Compare(order[a.verdict], order[b.verdict]), strings.Compare(a.judged, b.judged),
			strings.Compare(a.reason, b.reason))
	})
	return list
}

// where says in one line what a Row is about.
func (r *Row) where() string {
	parts := []string{r.Service + " " + r.Region, strings.TrimSpace(r.Kind + " " + r.Resource)}
	if r.Cluster != "" {
		parts = append(parts, "cluster "+short(r.Cluster))
	}
	if r.Definition != "" && r.Kind != "task definition" && r.Kind != "daemon task definition" {
		parts = append(parts, "definition "+r.Definition)
	} else if r.Definition != "" {
		parts[1] += " " + r.Definition
	}
	if r.Container != "" {
		parts = append(parts, "container "+r.Container)
	}
	return strings.TrimSpace(strings.Join(parts, ", "))
}

// examples are a Row's ARNs, and how many more there are.
func (r *Row) examples() []string {
	list := slices.Clone(r.Examples)
	if more := r.Count - int64(len(list)); more > 0 && len(list) > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return list
}

// JSON writes the report for programs: version 1, its status, and all Rows, those without a finding too.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Version int `json:"version"`
		Status  int `json:"status"`
		*Report
	}{1, r.Status(), r})
}

// Decisions returns the Rows with findings as decisions, for the formats of package policy/report: one for each, with a part for each
// finding. Warnings have no force. They open no door.
func (r *Report) Decisions() (list []*policy.Decision) {
	for i := range r.Rows {
		if row := &r.Rows[i]; len(row.Findings) > 0 {
			list = append(list, row.decision(r))
		}
	}
	return list
}

func (r *Row) decision(of *Report) *policy.Decision {
	name := cmp.Or(r.Judged, r.Image, r.Definition, r.Resource, r.Kind)
	d := &policy.Decision{
		Verdict: policy.Allow, Rule: "nothing came around the gate", Name: name, Time: of.Started, Replayed: true,
		Request: &policy.Request{
			Gate: "sweep", Operation: "SWEEP", Cluster: r.Cluster, Kind: r.Kind, Workload: strings.TrimSpace(r.Resource + " " +
				r.Definition + " " + r.Container),
			Account: account(r), Region: r.Region,
		},
	}
	for _, f := range r.Findings {
		part := &policy.Decision{
			RuleName: string(f.Kind), Rule: "not found: " + f.Kind.About(),
			Reason: r.where() + ": " + cmp.Or(f.Detail, f.Kind.About()), Name: name,
		}
		switch f.Kind.Level() {
		case Problem:
			part.Verdict, d.Verdict = policy.Deny, policy.Deny
		case Incomplete:
			if d.Verdict != policy.Deny {
				d.Verdict = policy.Indeterminate
			}
		case Warning:
			part.Verdict = policy.Deny
			part = &policy.Decision{Verdict: policy.Allow, Rule: part.Rule, RuleName: part.RuleName, Reason: part.Reason,
				Effect: policy.Warn, Parts: []*policy.Decision{part}}
		}
		d.Parts = append(d.Parts, part)
		if d.Reason == "" {
			d.Reason = part.Reason
		}
	}
	return d
}

// SARIF writes the findings in SARIF 2.1.0, as [report.SARIF] does: problems and gaps are errors, warnings are warnings. Without a
// finding it has no result.
func (r *Report) SARIF(w io.Writer) error {
	list := r.Decisions()
	if len(list) == 0 {
		list = []*policy.Decision{{Verdict: policy.Allow, Rule: "nothing came around the gate", Name: strings.Join(r.Regions, " "),
			Time: r.Started, Replayed: true}}
	}
	return report.SARIF(w, nil, list...)
}
