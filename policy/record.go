package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/verify"
)

// recordVersion is that of the format, which is read by this version of it only.
const recordVersion = 1

// A Record is the input of a decision as far as its rules read it: who signed what and when, and what the rules read of the
// predicates as facts, not the predicates. It is small, and any policy can be asked about it again: see [Record.Decide], [Replay]
// and [Diff]. What it says nobody signed, so no decision that is made from it opens a door.
//
// It is written as one line of JSON, the same record always as the same bytes, and read strictly. A file of records is JSON Lines;
// [ReadRecords] reads it.
type Record struct {
	Name     string
	Subject  verify.Descriptor
	Children []verify.Descriptor
	Request  *Request
	Time     time.Time // that was decided by
	Verdict  Verdict   // that came of it
	Reason   string
	Document *Document // the policy's, if it has one

	report *verify.Report
	facts  []recordedFact   // of nothing in particular
	about  [][]recordedFact // of each attestation of the report
	sizes  []int            // of their predicates
}

// A recordedFact is a value in JSON, or an error.
type recordedFact struct {
	Name          string          `json:"name"`
	Value         json.RawMessage `json:"value,omitempty"`
	Error         string          `json:"error,omitempty"`
	Indeterminate bool            `json:"indeterminate,omitempty"`
}

// Recorded decides as Decide does, and returns a record of what was decided on. The record holds on to the input.
//
// What a fact is decided on is what its JSON holds, so that a replay of the same policy at the same time decides the same.
func Recorded(ctx context.Context, p Policy, in *Input) (*Decision, *Record) {
	if in == nil || in.Report == nil {
		return decide(ctx, p, in), nil
	}
	c := *in
	c.facts = &facts{report: c.Report, recording: true}
	d := decide(ctx, p, &c)
	return d, c.record(d)
}

// record returns what was read of the input.
func (in *Input) record(d *Decision) *Record {
	r := &Record{
		Name: in.Name, Subject: bare(in.Report.Subject), Children: in.Children, Request: in.Request, Time: in.Now,
		Verdict: d.Verdict, Reason: clipped(d.Reason),
	}
	for _, part := range d.All() {
		if part.Document != nil {
			r.Document = part.Document
			break
		}
	}
	index := make(map[*verify.Attestation]int)
	r.report = &verify.Report{Subject: r.Subject}
	for _, a := range in.Report.Attestations {
		if a == nil {
			continue // nothing counts it
		}
		index[a] = len(r.report.Attestations)
		c := *a
		c.Predicate, c.Subject, c.Evidence = nil, bare(a.Subject), bare(a.Evidence)
		r.report.Attestations = append(r.report.Attestations, &c)
		r.sizes, r.about = append(r.sizes, len(a.Predicate)), append(r.about, nil)
	}
	for _, e := range in.Report.Rejected {
		r.report.Rejected = append(r.report.Rejected, &verify.RejectedError{Evidence: bare(e.Evidence), Err: recordedOf(e.Err)})
	}
	for _, err := range in.Report.Incomplete {
		r.report.Incomplete = append(r.report.Incomplete, recordedOf(err))
	}
	in.facts.mu.Lock()
	defer in.facts.mu.Unlock()
	for key, f := range in.facts.known {
		i, there := index[key.a]
		switch {
		case key.value:
		case key.a == nil:
			r.facts = append(r.facts, f.recorded(key.name))
		case there:
			r.about[i] = append(r.about[i], f.recorded(key.name))
		}
	}
	byName := func(a, b recordedFact) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(r.facts, byName)
	for _, list := range r.about {
		slices.SortFunc(list, byName)
	}
	return r
}

func (f *fact) recorded(name string) recordedFact {
	if f.err != nil {
		return recordedFact{Name: name, Error: clipped(f.err.Error()), Indeterminate: errors.Is(f.err, ErrIndeterminate)}
	}
	return recordedFact{Name: name, Value: f.raw}
}

// fact returns what was recorded under a key.
func (r *Record) fact(key factKey) (json.RawMessage, error) {
	list := r.facts
	if key.a != nil {
		i := slices.Index(r.report.Attestations, key.a)
		if i < 0 {
			return nil, fmt.Errorf("%w: %q of evidence that it has not", ErrNotRecorded, key.name)
		}
		list = r.about[i]
	}
	for _, f := range list {
		switch {
		case f.Name != key.name:
		case f.Value == nil:
			return nil, recordedError{f.Error, f.kinds()}
		default:
			return f.Value, nil
		}
	}
	return nil, fmt.Errorf("%w: %q was not read when the record was made", ErrNotRecorded, key.name)
}

// sizeOf returns how long the predicate of an attestation was.
func (r *Record) sizeOf(a *verify.Attestation) int {
	if i := slices.Index(r.report.Attestations, a); i >= 0 {
		return r.sizes[i]
	}
	return 0
}

func (f recordedFact) kinds() []error {
	if f.Indeterminate {
		return []error{ErrIndeterminate}
	}
	return nil
}

// A recordedError has the text of an error, and what errors.Is finds in it.
type recordedError struct {
	text  string
	kinds []error
}

func (e recordedError) Error() string        { return e.text }
func (e recordedError) Is(target error) bool { return slices.Contains(e.kinds, target) }

// errorKinds are the kinds of errors that decisions are made on, by the words that records have for them.
var errorKinds = []struct {
	word string
	kind error
}{
	{"indeterminate", ErrIndeterminate}, {"format", verify.ErrFormat}, {"malformed", verify.ErrMalformed}, {"tampered", verify.ErrTampered},
	{"not trusted", verify.ErrNotTrusted}, {"subject", verify.ErrSubject}, {"type", verify.ErrType}, {"expired", verify.ErrExpired},
	{"not yet", verify.ErrNotYet}, {"revoked", verify.ErrRevoked}, {"limit", verify.ErrLimit}, {"unchecked", verify.ErrUnchecked},
	{"unreadable", verify.ErrUnreadable},
}

// What a record looks like.
type (
	recordJSON struct {
		Version      int                 `json:"version"`
		Name         string              `json:"name,omitempty"`
		Subject      verify.Descriptor   `json:"subject"`
		Children     []verify.Descriptor `json:"children,omitempty"`
		Request      *Request            `json:"request,omitempty"`
		Time         time.Time           `json:"time"`
		Verdict      Verdict             `json:"verdict"`
		Reason       string              `json:"reason,omitempty"`
		Document     *Document           `json:"document,omitempty"`
		Facts        []recordedFact      `json:"facts,omitempty"`
		Attestations []attestationJSON   `json:"attestations,omitempty"`
		Rejected     []errorJSON         `json:"rejected,omitempty"`
		Incomplete   []errorJSON         `json:"incomplete,omitempty"`
	}
	attestationJSON struct {
		Kind          verify.Kind        `json:"kind"`
		Subject       *verify.Descriptor `json:"subject,omitempty"` // unless it is the record's, by digest alone
		Name          string             `json:"name,omitempty"`
		Annotations   map[string]string  `json:"annotations,omitempty"`
		PredicateType string             `json:"predicateType,omitempty"`
		PredicateSize int                `json:"predicateSize,omitempty"`
		Signers       []verify.Signer    `json:"signers"`
		Evidence      verify.Descriptor  `json:"evidence"`
		Checks        []checkJSON        `json:"checks,omitempty"`
		Facts         []recordedFact     `json:"facts,omitempty"`
	}
	checkJSON struct {
		Name   string `json:"name"`
		Passed bool   `json:"passed"`
		Reason string `json:"reason,omitempty"`
	}
	errorJSON struct {
		Evidence *verify.Descriptor `json:"evidence,omitempty"`
		Error    string             `json:"error"`
		Kinds    []string           `json:"kinds,omitempty"`
	}
)

// MarshalJSON writes the record in one line.
func (r *Record) MarshalJSON() ([]byte, error) {
	if r == nil || r.report == nil {
		return nil, errors.New("policy: an empty record")
	}
	out := recordJSON{
		Version: recordVersion, Name: r.Name, Subject: r.Subject, Children: r.Children, Request: r.Request, Time: r.Time.UTC(),
		Verdict: r.Verdict, Reason: r.Reason, Document: r.Document, Facts: r.facts,
	}
	for i, a := range r.report.Attestations {
		j := attestationJSON{
			Kind: a.Kind, Name: a.Name, Annotations: a.Annotations, PredicateType: a.PredicateType, PredicateSize: r.sizes[i],
			Signers: a.Signers, Evidence: a.Evidence, Facts: r.about[i],
		}
		if s := a.Subject; s.Digest != r.Subject.Digest || s.MediaType+s.ArtifactType != "" || s.Size != 0 {
			j.Subject = &s
		}
		for _, c := range a.Checks {
			j.Checks = append(j.Checks, checkJSON{c.Name, c.Status == verify.Passed, c.Reason})
		}
		out.Attestations = append(out.Attestations, j)
	}
	for _, rejected := range r.report.Rejected {
		out.Rejected = append(out.Rejected, errorOf(rejected))
	}
	for _, err := range r.report.Incomplete {
		out.Incomplete = append(out.Incomplete, errorOf(err))
	}
	return json.Marshal(out)
}

// recordedOf is what a record has of an error.
func recordedOf(err error) error {
	if rejected, ok := err.(*verify.RejectedError); ok {
		return &verify.RejectedError{Evidence: bare(rejected.Evidence), Err: recordedOf(rejected.Err)}
	}
	var e recordedError
	if err == nil {
		return e
	}
	e.text = clipped(err.Error())
	for _, k := range errorKinds {
		if errors.Is(err, k.kind) {
			e.kinds = append(e.kinds, k.kind)
		}
	}
	return e
}

// errorOf describes an error, and the evidence that it is about.
func errorOf(err error) errorJSON {
	var out errorJSON
	if rejected, ok := err.(*verify.RejectedError); ok {
		out.Evidence, err = &rejected.Evidence, rejected.Err
	}
	out.Error = err.Error()
	for _, k := range errorKinds {
		if errors.Is(err, k.kind) {
			out.Kinds = append(out.Kinds, k.word)
		}
	}
	return out
}

// bare is a descriptor without what nobody signed.
func bare(d verify.Descriptor) verify.Descriptor {
	return verify.Descriptor{MediaType: d.MediaType, ArtifactType: d.ArtifactType, Digest: d.Digest, Size: d.Size}
}

// clipped is a text of bounded length, in valid UTF-8 and one line.
func clipped(text string) string {
	const most = 500
	text = oneline.Of(strings.ToValidUTF8(strings.ReplaceAll(text, "\n", "; "), "\uFFFD"))
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
