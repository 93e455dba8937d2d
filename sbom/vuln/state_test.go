package vuln

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a rule is told of a place, for every way in which a place comes to be.
func TestState(t *testing.T) {
	by := func(signer string, status Status) []Applied {
		return []Applied{{Statement: Statement{Status: status, Signer: Signer{Identity: signer}}, Effective: true}}
	}
	for name, tt := range map[string]struct {
		a    Affected
		want State
	}{
		"found":                        {Affected{}, Found},
		"in doubt":                     {Affected{Doubt: "x"}, CannotTell},
		"in doubt, fix known":          {Affected{Doubt: "x", Fixed: []string{"2"}, Fix: Fixable}, CannotTell},
		"excluded by the scanner":      {Affected{Status: StatusNotAffected, VEX: by("", StatusNotAffected)}, Found},
		"excluded by nobody":           {Affected{Status: StatusFixed}, Found},
		"excluded":                     {Affected{Status: StatusNotAffected, VEX: by("a", StatusNotAffected)}, Excluded},
		"fixed":                        {Affected{Status: StatusFixed, VEX: by("a", StatusFixed)}, Excluded},
		"proven to be affected":        {Affected{Status: StatusAffected, VEX: by("a", StatusAffected)}, Found},
		"doubt, settled as affected":   {Affected{Doubt: "x", Status: StatusAffected, VEX: by("a", StatusAffected)}, Found},
		"doubt, settled as excluded":   {Affected{Doubt: "x", Status: StatusNotAffected, VEX: by("a", StatusNotAffected)}, Excluded},
		"doubt, claimed not affected":  {Affected{Doubt: "x", Status: StatusNotAffected, VEX: by("", StatusNotAffected)}, CannotTell},
		"doubt, claimed to be there":   {Affected{Doubt: "x", Status: StatusAffected, VEX: by("", StatusAffected)}, CannotTell},
		"doubt, under investigation":   {Affected{Doubt: "x", Status: StatusInvestigated, VEX: by("a", StatusInvestigated)}, CannotTell},
		"found and under investigaton": {Affected{Status: StatusInvestigated, VEX: by("a", StatusInvestigated)}, Found},
	} {
		if got := tt.a.State(); got != tt.want {
			t.Errorf("%s: %v, not %v", name, got, tt.want)
		}
	}
}

// A doubt is kept by every predicate, is counted and shown, and yields to who is sure.
func TestDoubt(t *testing.T) {
	made := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	r := &Report{Tool: Tool{Name: "x"}, Finished: made, Databases: []Database{{Name: "d"}}, Findings: []Finding{
		{ID: "CVE-2026-1", Severity: High, Affects: []Affected{
			{Component: Component{Name: "a", Version: "1", PURL: "pkg:npm/a@1"}, Doubt: `"1" is no version`},
			{Component: Component{Name: "b", Version: "1", PURL: "pkg:npm/b@1"}, Doubt: "no place in the order"}}},
		{ID: "CVE-2026-2", Severity: Low, Affects: []Affected{
			{Component: Component{Name: "a", Version: "1", PURL: "pkg:npm/a@1"}, Doubt: "no place"},
			{Component: Component{Name: "b", Version: "1", PURL: "pkg:npm/b@1"}}}},
	}}
	if s := r.Summary(); s.Doubtful != 1 || s.Total != 2 || !strings.Contains(s.String(), "1 in doubt") {
		t.Errorf("%+v", s)
	}
	var table, markdown strings.Builder
	if err := r.WriteTable(&table, nil); err != nil || strings.Count(table.String(), "cannot tell") != 6 {
		t.Errorf("%v\n%s", err, table.String())
	}
	if err := r.WriteMarkdown(&markdown, nil); err != nil ||
		!strings.Contains(markdown.String(), "\nCannot tell:\n\n- 1: \"1\" is no version\n") {
		t.Errorf("%v\n%s", err, markdown.String())
	}
	for _, make := range []func() (*Predicate, error){r.VulnsV01, r.CosignVuln, r.VDR, func() (*Predicate, error) {
		data, err := json.Marshal(r)
		return &Predicate{TypeVulnsV02, data}, err
	}} {
		p, err := make()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParsePredicate(p.PredicateType(), p.json)
		if err != nil {
			t.Fatalf("%s: %v", p.PredicateType(), err)
		}
		if diff := cmp.Diff(doubts(r), doubts(back)); diff != "" {
			t.Errorf("%s: %s", p.PredicateType(), diff)
		}
	}
	sure := &Report{Findings: []Finding{{ID: "CVE-2026-1", Affects: []Affected{{Component: r.Findings[0].Affects[0].Component}}}}}
	want := []string{"CVE-2026-1 pkg:npm/a@1: ", "CVE-2026-1 pkg:npm/b@1: no place in the order"}
	for _, u := range []*Report{Union(r, sure), Union(sure, r)} {
		if diff := cmp.Diff(want, doubts(u)[:2]); diff != "" {
			t.Error(diff)
		}
	}
	if r.Findings[0].Affects[0].Doubt == "" {
		t.Error("Union changed what it was given")
	}
}

func doubts(r *Report) (out []string) {
	for f, a := range r.Places() {
		out = append(out, f.ID+" "+a.Component.PURL+": "+a.Doubt)
	}
	return out
}

// Other formats know a doubt too.
func TestDoubtOfOthers(t *testing.T) {
	cyclonedx := `{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"bom-ref": "a", "type": "library", "name": "a", "version": "1"}],
		"vulnerabilities": [{"id": "CVE-2026-1", "affects": [{"ref": "a", "versions": [{"version": "1", "status": "unknown"}]}]}]}`
	sarif := `{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [
		{"ruleId": "CVE-2026-1", "kind": "open", "message": {"text": "perhaps"}, "locations": []}]}]}`
	for _, text := range []string{cyclonedx, sarif} {
		r, err := Parse(bytes.NewReader([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		if a := r.Findings[0].Affects[0]; a.State() != CannotTell || a.Doubt == "" {
			t.Errorf("%s: %+v", r.Format, a)
		}
	}
}
