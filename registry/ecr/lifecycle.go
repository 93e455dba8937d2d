package ecr

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/oneline"
)

// A Lifecycle is a lifecycle policy of a repository (ECR User Guide, "Lifecycle policy properties"). Members that are not read here
// are lost.
type Lifecycle struct {
	Rules []Rule `json:"rules"`
}

// A Rule selects images and says what becomes of them. ECR applies to an image the rule of lowest priority that selects it.
type Rule struct {
	Priority    int       `json:"rulePriority"`
	Description string    `json:"description,omitempty"`
	Selection   Selection `json:"selection"`
	Action      Action    `json:"action"`
}

// A Selection is which images a rule is about.
type Selection struct {
	TagStatus    string   `json:"tagStatus"`                // tagged, untagged or any
	TagPatterns  []string `json:"tagPatternList,omitempty"` // all of which an image's tags match; * stands for any text
	TagPrefixes  []string `json:"tagPrefixList,omitempty"`  // all of which are there
	StorageClass string   `json:"storageClass,omitempty"`   // standard or archive
	// imageCountMoreThan, sinceImagePushed, sinceImagePulled or sinceImageTransitioned
	CountType   string `json:"countType"`
	CountUnit   string `json:"countUnit,omitempty"` // days
	CountNumber int    `json:"countNumber"`
}

// An Action is expire, or transition to a storage class.
type Action struct {
	Type   string `json:"type"`
	Target string `json:"targetStorageClass,omitempty"`
}

// ErrLifecycle says that a text is no lifecycle policy.
var ErrLifecycle = errors.New("not a lifecycle policy")

// ParseLifecycle reads lifecyclePolicyText of GetLifecyclePolicy. Errors wrap ErrLifecycle.
func ParseLifecycle(text string) (*Lifecycle, error) {
	l := new(Lifecycle)
	if err := json.Unmarshal([]byte(text), l); err != nil {
		return nil, fmt.Errorf("ecr: %w: %w", ErrLifecycle, err)
	}
	for _, r := range l.Rules {
		s := r.Selection
		switch {
		case !slices.Contains([]string{"tagged", "untagged", "any"}, s.TagStatus):
			return nil, fmt.Errorf("ecr: %w: rule %d has tagStatus %.40q", ErrLifecycle, r.Priority, s.TagStatus)
		case !slices.Contains([]string{"expire", "transition"}, r.Action.Type):
			return nil, fmt.Errorf("ecr: %w: rule %d has the action %.40q", ErrLifecycle, r.Priority, r.Action.Type)
		case s.TagStatus == "tagged" && len(s.TagPatterns)+len(s.TagPrefixes) == 0:
			return nil, fmt.Errorf("ecr: %w: rule %d is about tagged images, and about no tags", ErrLifecycle, r.Priority)
		case s.CountNumber < 1:
			return nil, fmt.Errorf("ecr: %w: rule %d counts to %d", ErrLifecycle, r.Priority, s.CountNumber)
		}
	}
	return l, nil
}

// A Risk is a rule that harms evidence.
type Risk struct {
	Rule    Rule
	Removes bool // evidence, from an image which stays; otherwise evidence only counts as images do
	Reason  string
}

// String is the risk in one line.
func (r Risk) String() string {
	return fmt.Sprintf("rule %d (%s): %s", r.Rule.Priority, oneline.Of(r.Rule.Description), r.Reason)
}

// Risks returns the rules by which evidence goes, or is archived, before its image is, and those that count it as images. Evidence
// is an image of its own to ECR: an untagged one, or one under a tag that begins with sha256-. A rule for all images takes evidence
// later than its image, which was pushed before, unless it counts pulls, which few make of evidence, or the image is under a rule
// of lower priority number, which spares it this one. Evidence of an image that was removed ECR removes by itself within a day.
func (l *Lifecycle) Risks() (out []Risk) {
	rules := slices.Clone(l.Rules)
	slices.SortStableFunc(rules, func(a, b Rule) int { return a.Priority - b.Priority })
	spared := false // some tagged images are under an earlier rule
	for _, r := range rules {
		does := map[bool]string{true: "removes", false: "archives"}[r.Action.Type == "expire"]
		s := r.Selection
		removes, reason := true, ""
		switch {
		case s.TagStatus == "untagged":
			reason = does + " untagged evidence by its own age or number, while its image has a tag and stays"
		case !s.all() && s.takesEvidence():
			reason = does + " evidence under cosign's tags, while its image has another tag and stays"
		case s.all() && spared:
			reason = does + " evidence of images that an earlier rule spares"
		case s.all() && s.CountType == "sinceImagePulled":
			reason = does + " evidence that nobody pulls, while its image is pulled and stays"
		case s.all() && s.CountType == "sinceImageTransitioned":
			reason = does + " evidence that another rule archived, while its image was not archived and stays"
		case s.all() && s.CountType == "imageCountMoreThan":
			removes, reason = false, fmt.Sprintf("counts each piece of evidence as one of the %d images that stay", s.CountNumber)
		}
		if reason != "" {
			out = append(out, Risk{r, removes, reason})
		}
		spared = spared || s.TagStatus == "tagged"
	}
	return out
}

// all reports whether a rule is about all images.
func (s Selection) all() bool {
	return s.TagStatus == "any" ||
		s.TagStatus == "tagged" && len(s.TagPrefixes) == 0 && !slices.ContainsFunc(s.TagPatterns, func(p string) bool {
			return strings.Trim(p, "*") != ""
		})
}

// takesEvidence reports whether a rule may be about evidence that has a tag.
func (s Selection) takesEvidence() bool {
	return s.TagStatus == "tagged" && !slices.ContainsFunc(s.TagPatterns, func(p string) bool { return !evidenceTag(p) }) &&
		!slices.ContainsFunc(s.TagPrefixes, func(p string) bool { return !evidenceTag(p + "*") })
}

// evidenceTag reports whether a pattern may match a tag of evidence: sha256-, a digest and, of cosign's first formats, .sig, .att
// or .sbom. It says yes to some patterns that match none.
func evidenceTag(pattern string) bool {
	const start, letters = "sha256-", "0123456789abcdef.sigtomh-"
	head, tail, _ := strings.Cut(pattern, "*")
	if !strings.HasPrefix(start, head) && !strings.HasPrefix(head, start) {
		return false
	}
	rest := strings.TrimPrefix(head, start)
	if strings.HasPrefix(start, head) {
		rest = ""
	}
	return strings.Trim(rest+strings.ReplaceAll(tail, "*", ""), letters) == ""
}

// Safe returns a policy that takes no evidence from an image which stays: rules that are a risk are left out, and those about all
// images are about the tags that images have, such as "v*", instead. Images without a tag stay then, and so does what is under
// cosign's tags. It is for reading before it is put; an error says which tags evidence has as well.
func (l *Lifecycle) Safe(tags ...string) (*Lifecycle, error) {
	if len(tags) == 0 {
		return nil, errors.New("ecr: a safe rule needs the patterns of the tags that images have, such as v*")
	}
	for _, tag := range tags {
		if evidenceTag(tag) {
			return nil, fmt.Errorf("ecr: %q is a pattern of evidence's tags as well: name those of images, such as v*", tag)
		}
	}
	risks := l.Risks()
	out := new(Lifecycle)
	for _, r := range l.Rules {
		if !r.Selection.all() {
			if !slices.ContainsFunc(risks, func(o Risk) bool { return o.Rule.Priority == r.Priority }) {
				out.Rules = append(out.Rules, r)
			}
			continue
		}
		for _, tag := range tags { // an image must match all patterns of a rule: so there is one rule for each
			narrow := r
			narrow.Selection.TagStatus, narrow.Selection.TagPatterns, narrow.Selection.TagPrefixes = "tagged", []string{tag}, nil
			narrow.Description = strings.TrimPrefix(narrow.Description+": images tagged "+tag, ": ")
			out.Rules = append(out.Rules, narrow)
		}
	}
	slices.SortStableFunc(out.Rules, func(a, b Rule) int { return a.Priority - b.Priority })
	for i := range out.Rules {
		out.Rules[i].Priority = i + 1
	}
	return out, nil
}

// String is the policy as PutLifecyclePolicy takes it.
func (l *Lifecycle) String() string {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}
