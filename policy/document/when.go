package document

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/policy"
)

// condition says whether a rule applies to a request. A field that the door did not fill cannot be told: a rule that is left out
// because nobody knows the namespace would be met by everybody who does not say it.
func (w *whenSpec) condition() policy.Condition {
	var words []string
	for _, f := range w.fields() {
		if f.want != nil {
			words = append(words, f.name+" "+strings.Join(f.want, " or "))
		}
	}
	return policy.Condition{Words: strings.Join(words, ", "), Holds: func(in *policy.Input) (bool, error) {
		holds := true
		for _, f := range w.fields() {
			if f.want == nil {
				continue
			}
			var got []string
			if in.Request != nil {
				got = f.got(in.Request)
			}
			if len(got) == 0 || len(got) == 1 && got[0] == "" {
				return false, fmt.Errorf("the door does not say the %s", f.name)
			}
			holds = holds && slices.ContainsFunc(got, func(s string) bool { return slices.Contains(f.want, s) })
		}
		return holds, nil
	}}
}

type whenField struct {
	name string
	want []string
	got  func(*policy.Request) []string
}

func (w *whenSpec) fields() []whenField {
	one := func(get func(*policy.Request) string) func(*policy.Request) []string {
		return func(r *policy.Request) []string { return []string{get(r)} }
	}
	return []whenField{
		{"gate", w.Gates, one(func(r *policy.Request) string { return r.Gate })},
		{"operation", w.Operations, one(func(r *policy.Request) string { return r.Operation })},
		{"user", w.Users, one(func(r *policy.Request) string { return r.User })},
		{"group", w.Groups, func(r *policy.Request) []string { return r.Groups }},
		{"cluster", w.Clusters, one(func(r *policy.Request) string { return r.Cluster })},
		{"namespace", w.Namespaces, one(func(r *policy.Request) string { return r.Namespace })},
		{"kind of workload", w.Kinds, one(func(r *policy.Request) string { return r.Kind })},
		{"workload", w.Workloads, one(func(r *policy.Request) string { return r.Workload })},
		{"account", w.Accounts, one(func(r *policy.Request) string { return r.Account })},
		{"region", w.Regions, one(func(r *policy.Request) string { return r.Region })},
	}
}
