// Package vsa says in the formats of others what a policy decided, and lets a later gate rely on what an earlier one said.
//
// [NewSummary] makes a SLSA Verification Summary Attestation (VSA, slsa.dev/spec/v1.2/verification_summary) of a decision,
// [NewResult] an in-toto Simple Verification Result (SVR v0.2) and [NewTest] an in-toto test result, for sign.Statement:
//
//	summary, err := vsa.NewSummary(decision, &vsa.Options{Verifier: "https://acme.example/gates/pipeline/v1"})
//	...
//	statement := &sign.Statement{Predicate: summary}
//	for _, d := range vsa.Subjects(decision) {
//		statement.Subjects = append(statement.Subjects, sign.Subject{Descriptor: d, Name: summary.ResourceURI})
//	}
//
// A summary says PASSED for a full allow only: a decision that a rule warns of, that somebody overrode, that was made from a record
// or for a dry run is none.
//
// [Accept] is the policy of the later gate. It needs one signature and no other evidence, and makes nine checks.
package vsa

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/imagename"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// Predicate types.
const (
	SummaryType  = "https://slsa.dev/verification_summary/v1"
	ResultType   = "https://in-toto.io/attestation/svr/v0.2"
	ResultTypeV1 = "https://in-toto.io/attestation/svr/v0.1" // read, and not written
	TestType     = "https://in-toto.io/attestation/test-result/v0.1"
)

// Results of a Summary and of a Test.
const (
	Passed = "PASSED"
	Failed = "FAILED"
	Warned = "WARNED" // of a Test only
)

// Errors of the functions that make predicates.
var (
	ErrUndecided = errors.New("the decision is neither an allow nor a deny that stands")
	ErrNotFull   = errors.New("the decision allows, but not in full")
)

// A Resource is an in-toto ResourceDescriptor, as far as it is used here.
type Resource struct {
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest,omitempty"` // algorithm to lower-case hex
}

// Options say who decided, and what it proves that a rule passed.
type Options struct {
	// Verifier is the URI of who decides, with a version that changes with what it checks. Required.
	Verifier string
	// Versions are those of the parts of the verifier, such as {"lading": "v0.1.0"}.
	Versions map[string]string
	// ResourceURI is where the image is fetched from; empty means ResourceURI of the decision's name.
	ResourceURI string
	// Policy is the policy's URI; empty means that of the decision's document.
	Policy string
	// Properties are what it proves that a rule, by the name that people call it, allows: SLSA levels such as
	// "SLSA_BUILD_LEVEL_2", and properties of one's own, whose names must not begin with "SLSA_".
	Properties map[string][]string
}

// A Summary is a VSA.
type Summary struct {
	Verifier          string
	Versions          map[string]string
	Time              time.Time // timeVerified: that the decision was made by; zero: it is not said
	ResourceURI       string
	Policy            Resource
	InputAttestations []Resource
	Result            string   // Passed or Failed
	Levels            []string // one for each track, and properties; {"FAILED"} if it failed
}

// PredicateType returns SummaryType.
func (*Summary) PredicateType() string { return SummaryType }

// A Result is an SVR: the properties that were verified, and nothing of those that were not.
type Result struct {
	Verifier   string
	Policies   []Resource
	Time       time.Time
	Properties []string
}

// PredicateType returns ResultType.
func (*Result) PredicateType() string { return ResultType }

// A Test is a test result: which rules passed, warned and failed.
type Test struct {
	Result                 string // Passed, Warned or Failed
	Policies               []Resource
	URL                    string
	Passed, Warned, Failed []string // names of rules
}

// PredicateType returns TestType.
func (*Test) PredicateType() string { return TestType }

// ResourceURI returns the URI of the repository that an image's name is in, such as "oci://ghcr.io/acme/app" of
// "ghcr.io/acme/app:v1": the part of a name that does not change from version to version. The subject says which version it is.
func ResourceURI(name string) string { return "oci://" + repository(name) }

// repository returns HOST/PATH of an image's name or URI in its one spelling, without tag and digest.
func repository(name string) string {
	if rest, ok := strings.CutPrefix(name, "pkg:oci/"); ok {
		_, query, _ := strings.Cut(rest, "?")
		query, _, _ = strings.Cut(query, "#")
		values, err := url.ParseQuery(query)
		if err != nil || len(values["repository_url"]) != 1 {
			return name
		}
		name = values.Get("repository_url")
	}
	for _, scheme := range []string{"oci://", "docker://", "https://"} {
		if rest, ok := strings.CutPrefix(name, scheme); ok {
			name = rest
			break
		}
	}
	name, _, _ = strings.Cut(name, "@")
	if tag := strings.LastIndexByte(name, ':'); tag > strings.LastIndexByte(name, '/') {
		name = name[:tag]
	}
	return imagename.Normal(name, false)
}

// Subjects returns what a decision is about: the image and, of an index, the images of its platforms, for whoever runs one may be
// asked about its digest.
func Subjects(d *policy.Decision) []verify.Descriptor {
	all := []verify.Descriptor{d.Subject}
	for _, c := range d.Children {
		all = append(all, verify.Descriptor{MediaType: c.MediaType, Digest: c.Digest, Size: c.Size})
	}
	return all
}

// NewSummary returns the summary of a decision of a Gate: PASSED for a full allow and FAILED for a deny. An allow with warnings, and
// one that somebody overrode the policy for, is ErrNotFull: see NewTest. What could not be decided, was made from a
// record or for a dry run is ErrUndecided.
func NewSummary(d *policy.Decision, o *Options) (*Summary, error) {
	source, err := check(d, o)
	if err != nil {
		return nil, fmt.Errorf("vsa: %w", err)
	}
	if source.URI == "" {
		return nil, errors.New("vsa: the policy has no URI: give one in Options.Policy")
	}
	s := &Summary{
		Verifier: o.Verifier, Versions: o.Versions, Time: d.Time.UTC(), ResourceURI: cmp.Or(o.ResourceURI, ResourceURI(d.Name)),
		Policy: source, InputAttestations: inputs(d), Result: Failed, Levels: []string{Failed},
	}
	if d.Verdict == policy.Deny {
		return s, nil
	}
	if !full(d) {
		return nil, fmt.Errorf("vsa: %w: %s", ErrNotFull, strings.Join(names(soft(d)), ", "))
	}
	s.Result = Passed
	if s.Levels, err = proven(d, o); err != nil {
		return nil, fmt.Errorf("vsa: %w", err)
	}
	if len(s.Levels) == 0 {
		s.Levels = []string{"SLSA_BUILD_LEVEL_UNEVALUATED"}
	}
	return s, nil
}

// NewResult returns the simple result of a decision that allows: the properties of the rules that do. A rule that warned has
// none. A deny has no such result, and is ErrUndecided.
func NewResult(d *policy.Decision, o *Options) (*Result, error) {
	source, err := check(d, o)
	if err == nil && d.Verdict != policy.Allow {
		err = fmt.Errorf("%w: a simple verification result has no word for a deny", ErrUndecided)
	}
	if err != nil {
		return nil, fmt.Errorf("vsa: %w", err)
	}
	r := &Result{Verifier: o.Verifier, Time: d.Time.UTC(), Policies: policies(source)}
	if r.Properties, err = proven(d, o); err != nil {
		return nil, fmt.Errorf("vsa: %w", err)
	}
	return r, nil
}

// NewTest returns a test result: FAILED for a deny, WARNED for an allow that is not full, PASSED for one that is. Its tests are the
// rules that have names.
func NewTest(d *policy.Decision, o *Options) (*Test, error) {
	source, err := check(d, o)
	if err != nil {
		return nil, fmt.Errorf("vsa: %w", err)
	}
	t := &Test{Result: Failed, Policies: policies(source)}
	switch {
	case d.Verdict == policy.Allow && full(d):
		t.Result = Passed
	case d.Verdict == policy.Allow:
		t.Result = Warned
	}
	warned := names(soft(d))
	for _, part := range d.All() {
		switch name := part.RuleName; {
		case name == "" || part.Skipped || slices.Contains(warned, name):
		case part.Verdict == policy.Allow:
			t.Passed = append(t.Passed, name)
		default:
			t.Failed = append(t.Failed, name)
		}
	}
	t.Warned = warned
	for _, list := range []*[]string{&t.Passed, &t.Warned, &t.Failed} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	t.Passed = slices.DeleteFunc(t.Passed, func(name string) bool { return slices.Contains(t.Failed, name) })
	return t, nil
}

// check says why no predicate is made of a decision, or returns its policy.
func check(d *policy.Decision, o *Options) (Resource, error) {
	switch {
	case d == nil || d.Verdict != policy.Allow && d.Verdict != policy.Deny:
		return Resource{}, fmt.Errorf("%w: %v", ErrUndecided, d)
	case d.Replayed:
		return Resource{}, fmt.Errorf("%w: %w", ErrUndecided, policy.ErrReplayed)
	case d.Request != nil && d.Request.DryRun:
		return Resource{}, fmt.Errorf("%w: it was made for a dry run", ErrUndecided)
	case d.Subject.Digest.Validate() != nil || d.Time.IsZero():
		return Resource{}, fmt.Errorf("%w: it is of no image, or of no time: only those of a Gate are", ErrUndecided)
	case o == nil || !absolute(o.Verifier):
		return Resource{}, errors.New("the verifier has no URI: give one in Options.Verifier")
	}
	source := Resource{URI: o.Policy}
	for _, part := range d.All() {
		if doc := part.Document; doc != nil {
			source.URI = cmp.Or(o.Policy, doc.URI)
			if algorithm, encoded, ok := strings.Cut(doc.Digest, ":"); ok {
				source.Digest = map[string]string{algorithm: encoded}
			}
			break
		}
	}
	if source.URI != "" && !absolute(source.URI) {
		return Resource{}, fmt.Errorf("the policy's URI %.200q is none", source.URI)
	}
	return source, nil
}

func absolute(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.IsAbs() && u.Host+u.Path+u.Opaque != ""
}

func policies(source Resource) []Resource {
	if source.URI == "" && source.Digest == nil {
		return []Resource{}
	}
	return []Resource{source}
}

// full reports whether a decision allows in full: no rule warns, and no part was overridden.
func full(d *policy.Decision) bool { return d.Verdict == policy.Allow && len(soft(d)) == 0 }

// soft returns the parts of an allow whose refusal had no force: those that warn, and those that a policy of its own kind allowed
// although a part of it did not.
func soft(d *policy.Decision) []*policy.Decision {
	parts := d.Warnings()
	for _, part := range d.All() {
		if part.Verdict == policy.Allow && part.Op == "" && part.Effect == policy.Enforce &&
			slices.ContainsFunc(part.Parts, func(p *policy.Decision) bool { return p.Verdict != policy.Allow && !p.Skipped }) {
			parts = append(parts, part)
		}
	}
	return parts
}

func names(parts []*policy.Decision) (list []string) {
	for _, part := range parts {
		list = append(list, cmp.Or(part.RuleName, part.Rule))
	}
	return list
}

// inputs are the attestations that a decision looked at, each once.
func inputs(d *policy.Decision) (list []Resource) {
	seen := make(map[string]bool)
	add := func(e verify.Descriptor) {
		if algorithm, encoded, ok := strings.Cut(string(e.Digest), ":"); ok && !seen[string(e.Digest)] {
			seen[string(e.Digest)] = true
			list = append(list, Resource{Digest: map[string]string{algorithm: encoded}})
		}
	}
	for _, part := range d.All() {
		for _, l := range part.Looked {
			add(l.Evidence)
		}
		for _, e := range part.Evidence {
			add(e)
		}
	}
	slices.SortFunc(list, func(a, b Resource) int { return strings.Compare(fmt.Sprint(a.Digest), fmt.Sprint(b.Digest)) })
	return list
}

// proven returns the properties of the rules that allow, of a SLSA track the highest level, sorted. What a rule that warned, or a
// rule of the same name that did not allow, would have proven is not there.
func proven(d *policy.Decision, o *Options) ([]string, error) {
	not := names(soft(d))
	for _, part := range d.All() {
		if part.Verdict != policy.Allow {
			not = append(not, part.RuleName)
		}
	}
	levels, properties := make(map[string]int), []string{}
	for _, part := range d.All() {
		if part.Verdict != policy.Allow || slices.Contains(not, part.RuleName) {
			continue
		}
		for _, p := range o.Properties[part.RuleName] {
			switch track, level, ok := parseLevel(p); {
			case ok && level >= 0:
				levels[track] = max(level, levels[track])
			case p == "" || p == Failed || strings.HasPrefix(p, "SLSA_"):
				return nil, fmt.Errorf("%.80q is no level and no property of one's own", p)
			default:
				properties = append(properties, p)
			}
		}
	}
	for track, level := range levels {
		properties = append(properties, "SLSA_"+track+"_LEVEL_"+strconv.Itoa(level))
	}
	slices.Sort(properties)
	return slices.Compact(properties), nil
}

// parseLevel takes SLSA_<TRACK>_LEVEL_<N> apart. UNEVALUATED is -1.
func parseLevel(text string) (track string, level int, ok bool) {
	rest, ok := strings.CutPrefix(text, "SLSA_")
	track, number, found := strings.Cut(rest, "_LEVEL_")
	if !ok || !found || strings.Trim(track, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" || track == "" {
		return "", 0, false
	}
	if number == "UNEVALUATED" {
		return track, -1, true
	}
	level, err := strconv.Atoi(number)
	return track, level, err == nil && level >= 0 && level < 100 && strconv.Itoa(level) == number
}

// What the predicates look like.
type (
	summaryJSON struct {
		Verifier struct {
			ID      string            `json:"id"`
			Version map[string]string `json:"version,omitempty"`
		} `json:"verifier"`
		TimeVerified       time.Time  `json:"timeVerified,omitzero"`
		ResourceURI        string     `json:"resourceUri"`
		Policy             Resource   `json:"policy"`
		InputAttestations  []Resource `json:"inputAttestations,omitempty"`
		VerificationResult string     `json:"verificationResult"`
		VerifiedLevels     []string   `json:"verifiedLevels"`
		SLSAVersion        string     `json:"slsaVersion"`
	}
	resultJSON struct {
		Verifier struct {
			ID       string     `json:"id"`
			Policies []Resource `json:"policies"`
		} `json:"verifier"`
		TimeCreated time.Time `json:"timeCreated"`
		Properties  []string  `json:"properties"`
	}
	testJSON struct {
		Result        string     `json:"result"`
		Configuration []Resource `json:"configuration"`
		URL           string     `json:"url,omitempty"`
		PassedTests   []string   `json:"passedTests,omitempty"`
		WarnedTests   []string   `json:"warnedTests,omitempty"`
		FailedTests   []string   `json:"failedTests,omitempty"`
	}
)

// MarshalJSON writes the predicate, in the words of SLSA 1.2.
func (s *Summary) MarshalJSON() ([]byte, error) {
	out := summaryJSON{
		TimeVerified: s.Time, ResourceURI: s.ResourceURI, Policy: s.Policy, InputAttestations: s.InputAttestations,
		VerificationResult: s.Result, VerifiedLevels: orEmpty(s.Levels), SLSAVersion: "1.2",
	}
	out.Verifier.ID, out.Verifier.Version = s.Verifier, s.Versions
	return json.Marshal(out)
}

// MarshalJSON writes the predicate.
func (r *Result) MarshalJSON() ([]byte, error) {
	out := resultJSON{TimeCreated: r.Time, Properties: orEmpty(r.Properties)}
	out.Verifier.ID, out.Verifier.Policies = r.Verifier, orEmpty(r.Policies)
	return json.Marshal(out)
}

// MarshalJSON writes the predicate.
func (t *Test) MarshalJSON() ([]byte, error) {
	return json.Marshal(testJSON{t.Result, orEmpty(t.Policies), t.URL, t.Passed, t.Warned, t.Failed})
}

// orEmpty writes no list as an empty one, for a required member.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
