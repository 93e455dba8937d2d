package vuln

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Types of predicates.
const (
	TypeVulnsV02   = "https://in-toto.io/attestation/vulns/v0.2" // in-toto/attestation, spec/predicates/vuln.md
	TypeVulnsV01   = "https://in-toto.io/attestation/vulns/v0.1"
	TypeCosignVuln = "https://cosign.sigstore.dev/attestation/vuln/v1" // sigstore/cosign, specs/COSIGN_VULN_ATTESTATION_SPEC.md
	typeCycloneDX  = "https://cyclonedx.org/bom"
)

// Members that hold what the predicates have no place for. Their names are URIs, as in-toto's rules for parsing (attestation
// v1, "Parsing rules") ask of extensions.
const (
	reportMember  = "https://github.com/ladingdev/lading/vuln/report"
	findingMember = "https://github.com/ladingdev/lading/vuln/finding"
)

// A Predicate is a Report as it stands in an attestation of one type.
type Predicate struct {
	predicateType string
	json          []byte
}

// PredicateType returns the in-toto predicate type.
func (p *Predicate) PredicateType() string { return p.predicateType }

// MarshalJSON returns the predicate.
func (p *Predicate) MarshalJSON() ([]byte, error) { return p.json, nil }

// PredicateType returns [TypeVulnsV02], the type that MarshalJSON writes.
func (r *Report) PredicateType() string { return TypeVulnsV02 }

// MarshalJSON writes the predicate in-toto vulns v0.2. What that has no place for is in annotations and in one member more,
// whose names are URIs, so that Parse gives the same Report back.
func (r *Report) MarshalJSON() ([]byte, error) {
	in, err := r.intoto()
	if err != nil {
		return nil, err
	}
	return marshal(in)
}

// VulnsV01 returns the Report as in-toto vulns v0.1.
func (r *Report) VulnsV01() (*Predicate, error) {
	in, err := r.intoto()
	if err != nil {
		return nil, err
	}
	old := intotoV01{Metadata: in.Metadata, Report: in.Report}
	old.Scanner = intotoV01Scanner{URI: in.Scanner.URI, Version: in.Scanner.Version, DB: in.Scanner.DB}
	old.Scanner.Result = []intotoV01Result{}
	for _, x := range in.Scanner.Result {
		old.Scanner.Result = append(old.Scanner.Result, intotoV01Result{x})
	}
	data, err := marshal(old)
	return &Predicate{TypeVulnsV01, data}, err
}

// CosignVuln returns the Report as the predicate of cosign's type "vuln". Its result, which cosign leaves to the scanner, has
// the form of in-toto vulns v0.2.
func (r *Report) CosignVuln() (*Predicate, error) {
	in, err := r.intoto()
	if err != nil {
		return nil, err
	}
	var out cosignVuln
	out.Scanner.URI, out.Scanner.Version, out.Scanner.Result = in.Scanner.URI, in.Scanner.Version, in.Scanner.Result
	out.Scanner.DB.URI, out.Scanner.DB.Version = in.Scanner.DB.URI, in.Scanner.DB.Version
	out.Metadata, out.Report = in.Metadata, in.Report
	data, err := marshal(out)
	return &Predicate{TypeCosignVuln, data}, err
}

// ParsePredicate reads the predicate of an attestation: of a type that this package writes, or of CycloneDX with
// vulnerabilities. Errors are those of Parse, and [ErrFormat] for a predicate that is not of its type.
func ParsePredicate(predicateType string, predicate []byte) (*Report, error) {
	var want string
	switch {
	case predicateType == TypeVulnsV02 || predicateType == TypeVulnsV01 || predicateType == TypeCosignVuln:
		want = "vulns"
	case predicateType == typeCycloneDX || strings.HasPrefix(predicateType, typeCycloneDX+"/"):
		want = "cyclonedx"
	default:
		return nil, fmt.Errorf("vuln: %w: no reader for predicates of type %.100q", ErrFormat, predicateType)
	}
	data, err := read(bytes.NewReader(predicate))
	if err != nil {
		return nil, err
	}
	report, form, err := parse(data, false)
	if err == nil && form != want {
		err = fmt.Errorf("%w: the predicate is %s, not of type %s", ErrFormat, form, predicateType)
	}
	if err != nil {
		return nil, fmt.Errorf("vuln: %w", err)
	}
	return report, nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("vuln: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

type intotoVulns struct {
	Scanner struct {
		URI     string         `json:"uri"`
		Version string         `json:"version"`
		DB      intotoDB       `json:"db"`
		Result  []intotoResult `json:"result"`
	} `json:"scanner"`
	Metadata intotoMetadata  `json:"metadata"`
	Report   json.RawMessage `json:"https://github.com/ladingdev/lading/vuln/report,omitempty"`
}

type intotoV01 struct {
	Scanner  intotoV01Scanner `json:"scanner"`
	Metadata intotoMetadata   `json:"metadata"`
	Report   json.RawMessage  `json:"https://github.com/ladingdev/lading/vuln/report,omitempty"`
}

type intotoV01Scanner struct {
	URI     string            `json:"uri"`
	Version string            `json:"version"`
	DB      intotoDB          `json:"db"`
	Result  []intotoV01Result `json:"result"`
}

type intotoV01Result struct {
	Vulnerability intotoResult `json:"vulnerability"`
}

type cosignVuln struct {
	Invocation struct {
		Parameters any    `json:"parameters"`
		URI        string `json:"uri"`
		Event      string `json:"event_id"`
		Builder    string `json:"builder.id"`
	} `json:"invocation"`
	Scanner struct {
		URI     string `json:"uri"`
		Version string `json:"version"`
		DB      struct {
			URI     string `json:"uri"`
			Version string `json:"version"`
		} `json:"db"`
		Result any `json:"result"`
	} `json:"scanner"`
	Metadata intotoMetadata  `json:"metadata"`
	Report   json.RawMessage `json:"https://github.com/ladingdev/lading/vuln/report,omitempty"`
}

type intotoDB struct {
	URI     string `json:"uri"`
	Version string `json:"version"`
	Updated string `json:"lastUpdate,omitempty"`
}

type intotoMetadata struct {
	Started  string `json:"scanStartedOn"`
	Finished string `json:"scanFinishedOn"`
}

type intotoResult struct {
	ID          string                       `json:"id"`
	Severity    []intotoSeverity             `json:"severity"`
	Annotations []map[string]json.RawMessage `json:"annotations,omitempty"`
}

type intotoSeverity struct {
	Method string `json:"method"`
	Score  string `json:"score"`
}

func (r *Report) intoto() (*intotoVulns, error) {
	var out intotoVulns
	s := &out.Scanner
	s.URI, s.Version = nameOr(r.Tool.URI, r.Tool.Name), r.Tool.Version
	if len(r.Databases) > 0 {
		d := &r.Databases[0]
		s.DB = intotoDB{URI: nameOr(d.URI, d.Name), Version: d.Version, Updated: stamp(d.Updated)}
	}
	out.Metadata = intotoMetadata{Started: required(r.Started), Finished: required(r.Finished)}
	s.Result = []intotoResult{}
	for i := range r.Findings {
		item, err := result(&r.Findings[i])
		if err != nil {
			return nil, err
		}
		s.Result = append(s.Result, *item)
	}
	rest := plainReport(*r)
	rest.Findings = nil
	var err error
	out.Report, err = marshal(rest)
	return &out, err
}

// plainReport is a Report that is written as its fields are.
type plainReport Report

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// required is stamp for a member that must be there: readers take it as a time, and fail at an empty text. Nobody takes the zero
// time for one at which something was scanned.
func required(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func result(f *Finding) (*intotoResult, error) {
	data, err := marshal(f)
	if err != nil {
		return nil, err
	}
	return &intotoResult{ID: f.ID, Severity: severitiesOf(f), Annotations: []map[string]json.RawMessage{{findingMember: data}}}, nil
}

// severitiesOf writes the overall severity, and a score for each rating that has one, else its word.
func severitiesOf(f *Finding) []intotoSeverity {
	out := []intotoSeverity{{"overall", f.Severity.String()}}
	for _, r := range f.Ratings {
		switch {
		case r.Scored:
			out = append(out, intotoSeverity{strings.TrimSpace(r.Source + " " + r.Method), strconv.FormatFloat(r.Score, 'f', -1, 64)})
		case r.Source != "":
			out = append(out, intotoSeverity{r.Source, r.Severity.String()})
		}
	}
	if f.EPSS != nil {
		out = append(out, intotoSeverity{"EPSS", strconv.FormatFloat(f.EPSS.Probability, 'f', -1, 64)})
	}
	return out
}

// intotoIn is what is read of all predicates.
type intotoIn struct {
	Invocation json.RawMessage `json:"invocation"`
	Scanner    struct {
		URI     string          `json:"uri"`
		Version string          `json:"version"`
		DB      intotoDB        `json:"db"`
		ProtoDB intotoDB        `json:"database"`
		Result  json.RawMessage `json:"result"`
	} `json:"scanner"`
	Metadata      intotoMetadata  `json:"metadata"`
	ProtoMetadata intotoMetadata  `json:"scanMetadata"`
	Report        json.RawMessage `json:"https://github.com/ladingdev/lading/vuln/report"`
}

// unify takes the result out of version 0.1 as the protocol buffers of in-toto/attestation v1.2.0 write it: with "database" for
// "db", "scanMetadata" for "metadata", and "vulnerabilities" around the list.
func (in *intotoIn) unify() (result []byte, err error) {
	result = bytes.TrimSpace(in.Scanner.Result)
	if bytes.HasPrefix(result, []byte("{")) {
		names, raw, _, err := top(result)
		if err != nil {
			return nil, err
		}
		if len(names) == 1 && names[0] == "vulnerabilities" || len(names) == 0 { // an empty list is left out
			if result = raw["vulnerabilities"]; result == nil {
				result = []byte("[]")
			}
		}
	}
	if in.Scanner.ProtoDB != (intotoDB{}) && in.Scanner.DB != (intotoDB{}) ||
		in.ProtoMetadata != (intotoMetadata{}) && in.Metadata != (intotoMetadata{}) {
		return nil, fmt.Errorf("%w: it has members of two forms of the predicate", ErrInvalid)
	}
	if in.Scanner.ProtoDB != (intotoDB{}) {
		in.Scanner.DB = in.Scanner.ProtoDB
	}
	if in.ProtoMetadata != (intotoMetadata{}) {
		in.Metadata = in.ProtoMetadata
	}
	return result, nil
}

// readPredicate reads in-toto vulns of both versions and cosign's vuln, whose result is a report of its own. Version 0.1 is
// read in both shapes that its page has, with "vulnerability" around an entry and without, and in that of its protocol buffers.
func readPredicate(b *builder, data []byte) error {
	var in intotoIn
	if err := decode(data, &in); err != nil {
		return err
	}
	result, err := in.unify()
	if err != nil {
		return err
	}
	switch {
	case len(result) == 0:
		return fmt.Errorf("%w: scanner.result is missing", ErrInvalid)
	case result[0] == '{':
		return b.cosignResult(&in, result)
	case result[0] != '[':
		return fmt.Errorf("%w: scanner.result is neither a list nor a report", ErrInvalid)
	}
	if len(in.Invocation) > 0 {
		b.report.Format = "cosign-vuln"
	}
	var list []struct {
		intotoResult
		Vulnerability *intotoResult `json:"vulnerability"`
	}
	if err := decode(result, &list); err != nil {
		return err
	}
	format := b.report.Format
	if len(in.Report) > 0 {
		var kept plainReport
		if err := decode(in.Report, &kept); err != nil {
			return err
		}
		if len(kept.Findings) > 0 {
			return fmt.Errorf("%w: findings stand outside of scanner.result", ErrInvalid)
		}
		*b.report = Report(kept)
		if nameOr(kept.Tool.URI, kept.Tool.Name) != in.Scanner.URI || kept.Tool.Version != in.Scanner.Version {
			return fmt.Errorf("%w: %s names another scanner than the predicate", ErrInvalid, reportMember)
		}
	} else {
		b.report.Format = format
		b.intotoHead(&in)
	}
	for i := range list {
		x := list[i].intotoResult
		if v := list[i].Vulnerability; v != nil {
			if x.ID != "" && x.ID != v.ID {
				return fmt.Errorf("%w: entry %d has two ids", ErrInvalid, i)
			}
			x = *v
		}
		if err := b.intotoResult(&x); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) intotoHead(in *intotoIn) {
	r := b.report
	r.Tool = Tool{Name: in.Scanner.URI, URI: in.Scanner.URI, Version: in.Scanner.Version}
	r.Started, r.Finished = b.time("scanStartedOn", in.Metadata.Started), b.time("scanFinishedOn", in.Metadata.Finished)
	if db := in.Scanner.DB; db != (intotoDB{}) {
		r.Databases = []Database{{URI: db.URI, Version: db.Version, Updated: b.time("lastUpdate", db.Updated)}}
	}
}

// cosignResult reads the report that a scanner put into cosign's predicate.
func (b *builder) cosignResult(in *intotoIn, result []byte) error {
	names, _, _, err := top(result)
	if err != nil {
		return err
	}
	if slices.Contains(names, "scanner") {
		return fmt.Errorf("%w: a predicate stands inside of a predicate", ErrInvalid)
	}
	inner, _, err := parse(result, true)
	if err != nil {
		return err
	}
	if inner.Tool.Version == "" {
		inner.Tool.Version = in.Scanner.Version
	}
	inner.Started = b.time("scanStartedOn", in.Metadata.Started)
	if t := b.time("scanFinishedOn", in.Metadata.Finished); !t.IsZero() {
		inner.Finished = t
	}
	if db := in.Scanner.DB; len(inner.Databases) == 0 && (db.URI != "" || db.Version != "") {
		inner.Databases = []Database{{URI: db.URI, Version: db.Version}}
	}
	inner.Format = "cosign-vuln:" + inner.Format
	inner.Notes = append(inner.Notes, b.report.Notes...)
	*b.report = *inner
	for i := range inner.Findings {
		b.findings = append(b.findings, &inner.Findings[i])
	}
	b.report.Findings = nil
	return nil
}

func (b *builder) intotoResult(x *intotoResult) error {
	var kept *Finding
	for _, a := range x.Annotations {
		if raw, ok := a[findingMember]; ok {
			kept = new(Finding)
			if err := decode(raw, kept); err != nil {
				return err
			}
		}
	}
	if kept != nil {
		if kept.ID != x.ID || !slices.Equal(severitiesOf(kept), x.Severity) {
			return fmt.Errorf("%w: the annotation of %.60q says something else than the entry", ErrInvalid, x.ID)
		}
		b.findings = append(b.findings, kept)
		return nil
	}
	f, err := b.finding(Vulnerability, x.ID)
	if err != nil {
		return err
	}
	for _, s := range x.Severity {
		r := Rating{Source: s.Method}
		if score, err := strconv.ParseFloat(s.Score, 64); err == nil {
			if strings.Contains(strings.ToLower(s.Method), "epss") {
				f.EPSS = &EPSS{Probability: score}
				continue
			}
			r.Score, r.Scored = score, true
			if m := strings.ToLower(s.Method); strings.Contains(m, "v2") {
				r.Method = "CVSSv2"
			}
		} else if strings.HasPrefix(s.Score, "CVSS:") {
			r.Vector = s.Score
		} else {
			r.Severity = b.severity(x.ID, s.Score)
		}
		b.rating(f, r)
	}
	for _, a := range x.Annotations {
		for _, name := range sortedKeys(a) {
			var text string
			if json.Unmarshal(a[name], &text) == nil && strings.HasPrefix(text, "pkg:") {
				b.affect(f, Affected{Component: component(text, "", "")})
			} else {
				b.note("%s: annotation %.60q is not read", x.ID, name)
			}
		}
	}
	return nil
}
