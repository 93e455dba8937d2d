package ecr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ladingdev/lading/registry/ecr"
)

const days = `"countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}`

func rule(priority int, selection string) string {
	return fmt.Sprintf(`{"rulePriority": %d, "description": "rule", "selection": {%s, "action": {"type": "expire"}}`, priority, selection)
}

func lifecycle(t testing.TB, rules ...string) *ecr.Lifecycle {
	t.Helper()
	l, err := ecr.ParseLifecycle(`{"rules": [` + strings.Join(rules, ", ") + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The rules of AWS's own examples and of others, and what each does to evidence.
func TestLifecycle(t *testing.T) {
	for name, c := range map[string]struct {
		rules []string
		want  []string // "removes" or "counts", and of which rule
	}{
		"nothing":             {nil, nil},
		"untagged after days": {[]string{rule(1, `"tagStatus": "untagged", `+days)}, []string{"removes 1"}},
		"one untagged": {[]string{rule(1, `"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}`)},
			[]string{"removes 1"}},
		"images of a prefix":  {[]string{rule(1, `"tagStatus": "tagged", "tagPrefixList": ["prod"], `+days)}, nil},
		"images of a pattern": {[]string{rule(1, `"tagStatus": "tagged", "tagPatternList": ["prod*"], `+days)}, nil},
		"a pattern that ends": {[]string{rule(1, `"tagStatus": "tagged", "tagPatternList": ["*-prod"], `+days)}, nil},
		"cosign's tags": {[]string{rule(1, `"tagStatus": "tagged", "tagPrefixList": ["sha256-"], `+days)},
			[]string{"removes 1"}},
		"cosign's signatures": {[]string{rule(1, `"tagStatus": "tagged", "tagPatternList": ["*.sig"], `+days)},
			[]string{"removes 1"}},
		"all by age":          {[]string{rule(1, `"tagStatus": "any", `+days)}, nil},
		"all that have a tag": {[]string{rule(1, `"tagStatus": "tagged", "tagPatternList": ["*"], `+days)}, nil},
		"all by number": {[]string{rule(1, `"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}`)},
			[]string{"counts 1"}},
		"all by pulls": {
			[]string{rule(1, `"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 30}`)},
			[]string{"removes 1"}},
		"images spared, then the rest": {[]string{rule(9, `"tagStatus": "any", `+days),
			rule(1, `"tagStatus": "tagged", "tagPrefixList": ["v"], "countType": "imageCountMoreThan", "countNumber": 99}`)},
			[]string{"removes 9"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			l := lifecycle(t, c.rules...)
			for _, r := range l.Risks() {
				got = append(got, fmt.Sprint(map[bool]string{true: "removes ", false: "counts "}[r.Removes], r.Rule.Priority))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			safe, err := l.Safe("v*", "release-*")
			if err != nil || len(safe.Risks()) > 0 {
				t.Errorf("%v, %v", err, safe.Risks())
			}
		})
	}
}

func TestLifecycleText(t *testing.T) {
	l := lifecycle(
		t,
		rule(1, `"tagStatus": "untagged", `+days),
		rule(2, `"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}`),
	)
	safe, err := l.Safe("v*", "release-*")
	if err != nil {
		t.Fatal(err)
	}
	again, err := ecr.ParseLifecycle(safe.String())
	if err != nil || !cmp.Equal(safe, again) || len(safe.Rules) != 2 || safe.Rules[1].Priority != 2 ||
		safe.Rules[1].Selection.TagPatterns[0] != "release-*" {
		t.Errorf("%v\n%s", err, safe)
	}
	if got := l.Risks()[0].String(); got != "rule 1 (rule): removes untagged evidence by its own age or number, while its image "+
		"has a tag and stays" {
		t.Error(got)
	}
	for _, bad := range []string{"", "*", "sha256-*", "*.sig"} {
		if _, err := l.Safe(bad); err == nil {
			t.Errorf("%q is taken for a pattern of images", bad)
		}
	}
	if _, err := l.Safe(); err == nil {
		t.Error("no patterns")
	}
	for _, bad := range []string{"", "[]", `{"rules": [` + rule(1, `"tagStatus": "all", `+days) + `]}`, `{"rules": [` +
		rule(1, `"tagStatus": "tagged", `+days) + `]}`,
		`{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 0}, ` +
			`"action": {"type": "expire"}}]}`,
		`{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}, ` +
			`"action": {"type": "x"}}]}`} {
		if _, err := ecr.ParseLifecycle(bad); !errors.Is(err, ecr.ErrLifecycle) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// An item is an image or evidence in a repository, by the day.
type item struct {
	tag            string
	pushed, pulled int
	subject        *item
	gone           bool
}

// evaluate does to items what ECR does: an image under the tags of a rule is under none of a later one; age and number count from
// the push, or from the last pull.
func evaluate(l *ecr.Lifecycle, items []*item, today int) {
	rules := slices.Clone(l.Rules)
	slices.SortStableFunc(rules, func(a, b ecr.Rule) int { return a.Priority - b.Priority })
	under := make(map[*item]bool)
	for _, r := range rules {
		s := r.Selection
		var selected []*item
		for _, i := range items {
			match := s.TagStatus == "any" || (s.TagStatus == "untagged") == (i.tag == "")
			for _, p := range s.TagPatterns {
				ok, _ := path.Match(p, i.tag)
				match = match && ok
			}
			for _, p := range s.TagPrefixes {
				match = match && strings.HasPrefix(i.tag, p)
			}
			if match && !under[i] {
				under[i] = true
				selected = append(selected, i)
			}
		}
		slices.SortStableFunc(selected, func(a, b *item) int { return b.pushed - a.pushed })
		for n, i := range selected {
			switch s.CountType {
			case "imageCountMoreThan":
				i.gone = i.gone || n >= s.CountNumber
			case "sinceImagePushed":
				i.gone = i.gone || today-i.pushed > s.CountNumber
			case "sinceImagePulled":
				i.gone = i.gone || today-i.pulled > s.CountNumber
			}
		}
	}
}

// By a policy that has no rule which removes, evidence never goes before its image, whatever is in the repository; and of policies
// that have one, it does.
func TestLifecycleSimulated(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	harmed, harmless := 0, 0
	for range 4000 {
		var rules []string
		for n := range 1 + random.IntN(3) {
			selection := pick(`"tagStatus": "untagged", `, `"tagStatus": "any", `, `"tagStatus": "tagged", "tagPrefixList": ["v"], `,
				`"tagStatus": "tagged", "tagPatternList": ["*"], `, `"tagStatus": "tagged", "tagPrefixList": ["sha256-"], `,
				`"tagStatus": "tagged", "tagPatternList": ["*.sig"], `, `"tagStatus": "tagged", "tagPatternList": ["dev-*"], `)
			rules = append(rules, rule(n+1, selection+fmt.Sprintf(`"countType": %q, "countNumber": %d}`,
				pick("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled"), 1+random.IntN(20))))
		}
		l := lifecycle(t, rules...)
		removes := slices.ContainsFunc(l.Risks(), func(r ecr.Risk) bool { return r.Removes })
		safe, err := l.Safe("v*", "dev-*")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(l)
		worst := false
		for range 10 {
			for _, policy := range []*ecr.Lifecycle{l, safe} {
				var items []*item
				for range 1 + random.IntN(4) {
					image := &item{tag: pick("v1", "dev-2", "latest"), pushed: random.IntN(30)}
					image.pulled = image.pushed + random.IntN(40-image.pushed)
					items = append(items, image)
					for range random.IntN(3) {
						pushed := image.pushed + 1 + random.IntN(40-image.pushed)
						items = append(items, &item{tag: pick("", "", "sha256-4a5e1e4baa.sig"), pushed: pushed, pulled: pushed,
							subject: image})
					}
				}
				evaluate(policy, items, 41)
				bad := slices.ContainsFunc(items, func(i *item) bool { return i.gone && i.subject != nil && !i.subject.gone })
				worst = worst || bad && policy == l
				if bad && (policy == safe || !removes) {
					t.Fatalf("evidence goes before its image by %s, made safe: %v", text, policy == safe)
				}
			}
		}
		if worst {
			harmed++
		} else if removes {
			harmless++
		}
	}
	if harmed < 1000 || harmless > 2*harmed {
		t.Errorf("%d policies took evidence, and %d that were said to did not in these repositories", harmed, harmless)
	}
}
