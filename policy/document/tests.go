package document

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/internal/strictyaml"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// The format of files of policy tests, version 1.

type testsSpec struct {
	Version int        `yaml:"version,required"`
	Policy  string     `yaml:"policy,required"`
	Now     time.Time  `yaml:"now,required"`
	Tests   []testSpec `yaml:"tests,required"`
}

type testSpec struct {
	Name       string         `yaml:"name,required"`
	Image      string         `yaml:"image,required"`
	Digest     string         `yaml:"digest" format:"digest"`
	Now        time.Time      `yaml:"now"`
	Request    *requestSpec   `yaml:"request"`
	Evidence   []evidenceSpec `yaml:"evidence"`
	Rejected   []string       `yaml:"rejected"`
	Incomplete []string       `yaml:"incomplete"`
	Record     string         `yaml:"record"`
	Expect     expectSpec     `yaml:"expect,required"`
}

type requestSpec struct {
	Gate       string     `yaml:"gate"`
	Operation  string     `yaml:"operation"`
	User       string     `yaml:"user"`
	Groups     []string   `yaml:"groups"`
	Cluster    string     `yaml:"cluster"`
	Namespace  string     `yaml:"namespace"`
	Kind       string     `yaml:"kind"`
	Workload   string     `yaml:"workload"`
	Account    string     `yaml:"account" format:"account"`
	Region     string     `yaml:"region" format:"region"`
	DryRun     bool       `yaml:"dryRun"`
	Attributes *yaml.Node `yaml:"attributes"`
}

type evidenceSpec struct {
	Type      string     `yaml:"type" format:"uri"`
	By        []string   `yaml:"by,required"`
	SignedAt  time.Time  `yaml:"signedAt"`
	Time      string     `yaml:"time" enum:"claimed|authority|timestamp|log"`
	Issuer    string     `yaml:"issuer"`
	Subject   string     `yaml:"subject"`
	Claims    *yaml.Node `yaml:"claims"`
	Predicate *yaml.Node `yaml:"predicate"`
	File      string     `yaml:"file"`
}

type expectSpec struct {
	Verdict  string   `yaml:"verdict,required" enum:"allow|deny|indeterminate"`
	Culprits []string `yaml:"culprits"`
	Warnings []string `yaml:"warnings"`
	Reason   string   `yaml:"reason"`
}

// Tests are policy tests: inputs, and what has to come of them. Signatures are not made or checked: evidence is what would be proven,
// by the names that trust has.
type Tests struct {
	spec *testsSpec
	root *yaml.Node
}

// ParseTests reads a file of policy tests, as strictly as [Parse] reads a document. The error is [Errors].
func ParseTests(data []byte) (*Tests, error) {
	root, err := nodes(data)
	if err != nil {
		return nil, err
	}
	t := &Tests{spec: new(testsSpec), root: root}
	r := read(root, t.spec)
	if t.spec.Version > 1 {
		r.fault(locate(root, "version"), "version", "this program reads version 1", "version %d", t.spec.Version)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return t, nil
}

// Policy returns the path of the document that is tested, from where the tests are.
func (t *Tests) Policy() string { return path.Clean(t.spec.Policy) }

// A TestResult is what came of one test.
type TestResult struct {
	Name     string
	Line     int              // of the test, in its file
	Decision *policy.Decision // nil if the test could not be run
	Err      error            // nil: it is as expected
}

// Coverage is how often a rule decided.
type Coverage struct {
	Rule     string // its name
	Path     string // in the document
	Met      int    // tests whose Allow rests on it
	Decisive int    // tests in which it was a culprit, or a warning
}

// Run asks a policy for each test. Conditions is as in [Options]; files holds the files that tests name, and may be nil. Coverage has
// every rule of the document that has a name, in its order: a rule that is never decisive is not tested.
func (t *Tests) Run(ctx context.Context, doc *Document, conditions Conditions, files fs.FS) ([]TestResult, []Coverage, error) {
	kinds := map[string]TrustFunc{}
	for _, k := range doc.Kinds() {
		kinds[k] = func(*Trust) (verify.Verifier, error) { return unasked{}, nil }
	}
	p, err := doc.Load(&Options{Trust: kinds, Conditions: conditions, Now: func() time.Time { return t.spec.Now }})
	if err != nil {
		return nil, nil, err
	}
	coverage := doc.rules()
	results := make([]TestResult, len(t.spec.Tests))
	for i := range t.spec.Tests {
		test, at := &t.spec.Tests[i], fmt.Sprintf("tests[%d]", i)
		r := &results[i]
		r.Name, r.Line = test.Name, locate(t.root, at).Line
		if r.Decision, r.Err = t.decide(ctx, p, test, files); r.Err != nil {
			continue
		}
		r.Err = test.Expect.check(r.Decision)
		count(coverage, r.Decision)
	}
	return results, coverage, nil
}

// Kinds returns the kinds of trust that a program has to bring, each once.
func (d *Document) Kinds() (kinds []string) {
	for i := range d.spec.Trust {
		if k := d.spec.Trust[i].Kind; k != "" && !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// unasked is the verifier of entries whose evidence a test gives as proven.
type unasked struct{}

func (unasked) Verify(context.Context, verify.Descriptor, verify.Descriptor) (*verify.Attestation, error) {
	return nil, verify.ErrFormat
}

func (d *Document) rules() (list []Coverage) {
	d.spec.eachRule(func(r *ruleSpec, path string) {
		if r.Name != "" {
			list = append(list, Coverage{Rule: r.Name, Path: path})
		}
	})
	return list
}

// count notes which rules made a decision.
func count(list []Coverage, d *policy.Decision) {
	culprits, warned := culprits(d), warnings(d)
	for i := range list {
		c := &list[i]
		switch {
		case slices.Contains(warned, c.Rule), d.Verdict != policy.Allow && slices.Contains(culprits, c.Rule):
			c.Decisive++
		case slices.Contains(culprits, c.Rule):
			c.Met++
		}
	}
}

func (t *Tests) decide(ctx context.Context, p *Policy, test *testSpec, files fs.FS) (*policy.Decision, error) {
	now := test.Now
	if now.IsZero() {
		now = t.spec.Now
	}
	if test.Record != "" {
		data, err := readFile(files, test.Record)
		if err != nil {
			return nil, err
		}
		record := new(policy.Record)
		if err := json.Unmarshal(data, record); err != nil {
			return nil, fmt.Errorf("document: %s: %w", test.Record, err)
		}
		return record.Decide(ctx, p, now), nil
	}
	in := &policy.Input{Name: test.Image, Now: now, Report: &verify.Report{Subject: verify.Descriptor{
		MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.Digest(test.Digest)}}}
	if test.Digest == "" {
		in.Report.Subject.Digest = digest.FromString("image")
	}
	if r := test.Request; r != nil {
		attributes, err := texts(r.Attributes)
		if err != nil {
			return nil, err
		}
		in.Request = &policy.Request{Gate: r.Gate, Operation: r.Operation, User: r.User, Groups: r.Groups, Cluster: r.Cluster,
			Namespace: r.Namespace, Kind: r.Kind, Workload: r.Workload, Account: r.Account, Region: r.Region, DryRun: r.DryRun,
			Attributes: attributes}
	}
	for i := range test.Evidence {
		a, err := test.Evidence[i].attestation(in.Report.Subject, files)
		if err != nil {
			return nil, err
		}
		in.Report.Attestations = append(in.Report.Attestations, a)
	}
	for _, reason := range test.Rejected {
		in.Report.Rejected = append(in.Report.Rejected, &verify.RejectedError{Err: fmt.Errorf("%w: %s", verify.ErrNotTrusted, reason)})
	}
	for _, reason := range test.Incomplete {
		in.Report.Incomplete = append(in.Report.Incomplete, errors.New(reason))
	}
	return policy.Decide(ctx, p, in), nil
}

var timeSources = map[string]verify.TimeSource{"claimed": verify.TimeClaimed, "authority": verify.TimeAuthority, "": verify.TimeStamped,
	"timestamp": verify.TimeStamped, "log": verify.TimeLogged}

// attestation makes what would have been proven.
func (e *evidenceSpec) attestation(subject verify.Descriptor, files fs.FS) (*verify.Attestation, error) {
	a := &verify.Attestation{Kind: verify.ImageSignature, Subject: subject}
	if e.Type != "" {
		a.Kind, a.PredicateType = verify.Statement, e.Type
	}
	switch {
	case e.Predicate != nil && e.File != "":
		return nil, errors.New("document: evidence has predicate and file: one of them")
	case e.File != "":
		data, err := readFile(files, e.File)
		if err != nil {
			return nil, err
		}
		a.Predicate = data
	case e.Predicate != nil:
		a.Predicate = canonical(nil, e.Predicate)
	}
	claims, err := texts(e.Claims)
	if err != nil {
		return nil, err
	}
	for _, name := range e.By {
		s := verify.Signer{Name: name, Entries: []string{name}, Claims: claims}
		s.Key = digest.FromString("key of " + name).Encoded()
		s.Identity = verify.Identity{Kind: verify.KeyIdentity, Key: s.Key}
		if e.Issuer != "" || e.Subject != "" {
			s.Identity = verify.Identity{Kind: verify.OIDCIdentity, Issuer: e.Issuer, Subject: e.Subject}
		}
		if !e.SignedAt.IsZero() {
			s.SignedAt, s.TimeSource = e.SignedAt, timeSources[e.Time]
		}
		a.Signers = append(a.Signers, s)
	}
	content := a.PredicateType + strings.Join(e.By, " ") + string(a.Predicate)
	a.Evidence = verify.Descriptor{MediaType: "application/vnd.lading.test", Digest: digest.FromString(content)}
	return a, nil
}

func readFile(files fs.FS, name string) ([]byte, error) {
	if files == nil {
		return nil, fmt.Errorf("document: the test names the file %s, and there are none", name)
	}
	data, err := fs.ReadFile(files, path.Clean(name))
	if err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	return data, nil
}

// texts reads a mapping of texts.
func texts(n *yaml.Node) (map[string]string, error) {
	if n == nil {
		return nil, nil
	}
	m := map[string]string{}
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if strictyaml.KindOf(n.Content[i+1]) != strictjson.String {
			return nil, fmt.Errorf("document: %d:%d: a text is wanted here", n.Content[i+1].Line, n.Content[i+1].Column)
		}
		m[n.Content[i].Value] = n.Content[i+1].Value
	}
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("document: %d:%d: a mapping of texts is wanted here", n.Line, n.Column)
	}
	return m, nil
}

var verdicts = map[string]policy.Verdict{"allow": policy.Allow, "deny": policy.Deny, "indeterminate": policy.Indeterminate}

// check compares a decision with what is expected.
func (e *expectSpec) check(d *policy.Decision) error {
	var faults []string
	if want := verdicts[e.Verdict]; d.Verdict != want {
		faults = append(faults, fmt.Sprintf("the verdict is %s, not %s", d.Verdict, want))
	}
	if e.Culprits != nil {
		faults = append(faults, differ("culprits", culprits(d), e.Culprits)...)
	}
	if e.Warnings != nil || len(d.Warnings()) > 0 {
		faults = append(faults, differ("warnings", warnings(d), e.Warnings)...)
	}
	if !strings.Contains(d.Reason, e.Reason) {
		faults = append(faults, fmt.Sprintf("the reason has not %q", e.Reason))
	}
	if faults == nil {
		return nil
	}
	return fmt.Errorf("document: %s: %s", strings.Join(faults, "; "), d)
}

func differ(what string, got, want []string) (faults []string) {
	for _, g := range got {
		if !slices.Contains(want, g) {
			faults = append(faults, fmt.Sprintf("%q is among the %s", g, what))
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			faults = append(faults, fmt.Sprintf("%q is not among the %s", w, what))
		}
	}
	return faults
}

// culprits returns the names of the rules that made a decision, each once.
func culprits(d *policy.Decision) []string { return named(d, d.Culprits()) }

// warnings returns the names of the rules that were not met and refuse nothing, each once.
func warnings(d *policy.Decision) (names []string) {
	for _, w := range d.Warnings() {
		for _, part := range w.Parts {
			for _, n := range named(w, part.Culprits()) {
				if !slices.Contains(names, n) {
					names = append(names, n)
				}
			}
		}
	}
	return names
}

// named returns what people call the rules of decisions below d: the name of each, or of the nearest around it, or else what it asks.
func named(d *policy.Decision, of []*policy.Decision) (names []string) {
	calls := map[*policy.Decision]string{}
	var walk func(d *policy.Decision, name string)
	walk = func(d *policy.Decision, name string) {
		if d == nil {
			return
		}
		if d.RuleName != "" {
			name = d.RuleName
		}
		if calls[d] = name; name == "" {
			calls[d] = d.Rule
		}
		for _, part := range d.Parts {
			walk(part, name)
		}
	}
	walk(d, "")
	for _, c := range of {
		if name := calls[c]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
