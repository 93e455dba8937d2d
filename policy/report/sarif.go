package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ladingdev/lading/policy"
)

// GitHub's limits on what it takes, as its documentation has them in November 2026
// (https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support).
const (
	sarifResults  = 25_000 // in a run, and as many rules; the 5,000 most severe are shown
	sarifText     = 1024   // characters of a rule's descriptions
	sarifRuleName = 255    // characters
)

// ErrTooMany is returned where a format, or who reads it, has a limit on how much it takes.
var ErrTooMany = errors.New("too many results")

// SARIF writes decisions in SARIF 2.1.0 (OASIS, with errata 01), within the limits that GitHub has documented for code scanning.
//
// Each rule that made a verdict other than Allow is a result of level error, and each warning is one of level warning. What is
// good has no result. The location is the image reference, as a relative URI because GitHub takes no other. Results of the same
// rule on the same image name in two reports have one fingerprint, so that an alert goes on from build to build; within a report
// no two have.
func SARIF(w io.Writer, o *Options, decisions ...*policy.Decision) error {
	opts, decisions, err := checked(o, decisions)
	if err != nil {
		return err
	}
	s := &sarif{opts: opts, index: make(map[string]int), taken: make(map[string]bool), seen: make(map[string]int)}
	s.run.Results, s.run.ColumnKind = []sarifResult{}, "unicodeCodePoints"
	s.run.Tool.Driver = sarifDriver{Name: "Lading", InformationURI: "https://github.com/ladingdev/lading", Rules: []sarifRule{}}
	s.run.Invocations = []sarifInvocation{{true}}
	for _, d := range decisions {
		s.decision(d)
	}
	if n := max(len(s.run.Results), len(s.run.Tool.Driver.Rules)); n > sarifResults {
		return fmt.Errorf("report: %w: %d in one SARIF file, of which GitHub takes %d: write several files, each of fewer decisions",
			ErrTooMany, n, sarifResults)
	}
	return writeJSON(w, sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{s.run},
	})
}

type sarif struct {
	opts  Options
	run   sarifRun
	index map[string]int  // of a rule in the run's rules
	taken map[string]bool // ids of rules
	seen  map[string]int  // how many results there are of a rule on an image
}

func (s *sarif) decision(d *policy.Decision) {
	for _, rule := range d.All() {
		if len(parts(rule)) == 0 && !rule.Skipped {
			s.rule(rule)
		}
	}
	for _, f := range findings(d) {
		level := "error"
		if f.state == "warning" {
			level = "warning"
		}
		lines := append([]string{d.Verdict.String() + " " + name(d) + ": " + reason(f.Decision) + "."}, f.details(s.opts)...)
		s.result(d, f, level, strings.Join(lines, "\n"))
	}
}

// rule returns the id and the index of a rule, which it adds if it is not there yet.
func (s *sarif) rule(d *policy.Decision) (id string, index int) {
	text := asked(d)
	key := clean(d.RuleName) + "\x00" + text
	if i, ok := s.index[key]; ok {
		return s.run.Tool.Driver.Rules[i].ID, i
	}
	id = ruleID(clean(d.RuleName), text)
	if s.taken[id] { // two rules of one name
		id += "-" + hash(key)
	}
	index = len(s.run.Tool.Driver.Rules)
	s.index[key], s.taken[id] = index, true
	about := sarifMessage{clip(text, sarifText)}
	s.run.Tool.Driver.Rules = append(s.run.Tool.Driver.Rules, sarifRule{
		ID: id, Name: clip(cmp.Or(clean(d.RuleName), text), sarifRuleName), ShortDescription: about, FullDescription: about,
		Help:                 sarifMessage{"The policy for the image asks for: " + text},
		DefaultConfiguration: sarifConfiguration{"error"},
		Properties:           sarifTags{[]string{"security", "supply-chain"}},
	})
	return id, index
}

func (s *sarif) result(d *policy.Decision, f finding, level, text string) {
	id, index := s.rule(f.Decision)
	about := name(d)
	key := about + "\x00" + id
	s.seen[key]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, s.seen[key]))
	properties := sarifDecision{Verdict: d.Verdict, Digest: string(d.Subject.Digest)}
	for _, f := range facts(d) {
		properties.Facts = append(properties.Facts, f.label+": "+f.text)
	}
	s.run.Results = append(s.run.Results, sarifResult{
		RuleID: id, RuleIndex: index, Level: level, Message: sarifMessage{text},
		Locations: []sarifLocation{{
			PhysicalLocation: sarifPhysical{sarifArtifact{reference(about)}, sarifRegion{1, 1, 1, 1}},
			LogicalLocations: []sarifLogical{{about, "resource"}},
		}},
		PartialFingerprints: map[string]string{"primaryLocationLineHash": hex.EncodeToString(sum[:8]) + ":1"},
		Properties:          properties,
	})
}

// ruleID is an id that people can read, and that stays when the parameters of a rule with a name change.
func ruleID(name, text string) string {
	const most = 48
	of := cmp.Or(name, text)
	slug := strings.Join(strings.FieldsFunc(strings.ToLower(of), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
	slug = strings.Trim(slug[:min(len(slug), most)], "-")
	if slug == of {
		return slug
	}
	return strings.TrimPrefix(slug+"-"+hash(of), "-")
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

func clip(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

// unreserved are what RFC 3986 leaves as it is in a path (section 2.3), and the sign that stands before a digest.
const unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~@"

// reference is an image reference as a relative reference of RFC 3986, section 4.2, in which a colon in the first segment would
// end a scheme.
func reference(name string) string {
	var b strings.Builder
	first := true
	for i := range len(name) {
		switch c := name[i]; {
		case c == '/':
			first = false
			b.WriteByte(c)
		case c == ':' && !first, strings.IndexByte(unreserved, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	// What begins with a slash would be a path of this machine, or a host.
	return strings.TrimLeft(b.String(), "/")
}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	ColumnKind  string            `json:"columnKind"`
	Results     []sarifResult     `json:"results"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifInvocation struct {
	ExecutionSuccessful bool `json:"executionSuccessful"`
}

type sarifRule struct {
	ID                   string             `json:"id"`
	Name                 string             `json:"name"`
	ShortDescription     sarifMessage       `json:"shortDescription"`
	FullDescription      sarifMessage       `json:"fullDescription"`
	Help                 sarifMessage       `json:"help"`
	DefaultConfiguration sarifConfiguration `json:"defaultConfiguration"`
	Properties           sarifTags          `json:"properties"`
}

type sarifMessage struct {
	Text string `json:"text"`
}

type sarifConfiguration struct {
	Level string `json:"level"`
}

type sarifTags struct {
	Tags []string `json:"tags"`
}

type sarifResult struct {
	RuleID              string            `json:"ruleId"`
	RuleIndex           int               `json:"ruleIndex"`
	Level               string            `json:"level"`
	Message             sarifMessage      `json:"message"`
	Locations           []sarifLocation   `json:"locations"`
	PartialFingerprints map[string]string `json:"partialFingerprints"`
	Properties          sarifDecision     `json:"properties"`
}

type sarifLocation struct {
	PhysicalLocation sarifPhysical  `json:"physicalLocation"`
	LogicalLocations []sarifLogical `json:"logicalLocations"`
}

type sarifPhysical struct {
	ArtifactLocation sarifArtifact `json:"artifactLocation"`
	Region           sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
	EndLine     int `json:"endLine"`
	EndColumn   int `json:"endColumn"`
}

type sarifLogical struct {
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}

type sarifDecision struct {
	Verdict policy.Verdict `json:"verdict"`
	Digest  string         `json:"digest,omitempty"`
	Facts   []string       `json:"facts,omitempty"`
}
