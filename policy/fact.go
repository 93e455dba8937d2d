package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/ladingdev/lading/verify"
)

// ErrNotRecorded is the error of [Fact] in a replay that asks for what was not read when the record was made, and of [Value] in
// every replay. It wraps ErrIndeterminate.
var ErrNotRecorded error = notRecorded{}

type notRecorded struct{}

func (notRecorded) Error() string { return "it is not in the record" }
func (notRecorded) Unwrap() error { return ErrIndeterminate }

// Fact reads something of an attestation once for all the policies that decide on an Input: the first caller's read is kept under
// name, and its error too. So rules that need the same of a predicate parse it once, and what they read is all that a record
// of the decision has to hold (see [Recorded]). A replay answers from the record and never calls read.
//
// T marshals as JSON, and is small: a list of licences, not the document. Callers do not change the value. The name says what is
// read, by whom and in which version, such as "lading/sbom.licences/v1", and stands for one T. Of an error a replay has the text
// and whether it wraps ErrIndeterminate.
func Fact[T any](in *Input, a *verify.Attestation, name string, read func() (T, error)) (T, error) {
	return once(in, factKey{a, name, false}, read)
}

// Value is Fact for what is too large to be recorded, such as a parsed SBOM, from which facts are read. It is kept for the one
// Input. In a replay its error is ErrNotRecorded.
func Value[T any](in *Input, a *verify.Attestation, name string, read func() (T, error)) (T, error) {
	return once(in, factKey{a, name, true}, read)
}

// facts are what was read of the attestations of one Input.
type facts struct {
	report    *verify.Report // that is decided on
	mu        sync.Mutex
	known     map[factKey]*fact
	asked     int     // how often facts were asked for
	recording bool    // what is read is going to be recorded
	replayed  *Record // where facts are answered from; nil: they are read
}

type factKey struct {
	a     *verify.Attestation
	name  string
	value bool
}

type fact struct {
	once  sync.Once
	value any // a *T
	err   error
	raw   json.RawMessage // the value, if it is going to be recorded
}

// original returns the attestation of the report that a is, or is a copy of, as rules make one with fewer signers.
func (f *facts) original(a *verify.Attestation) *verify.Attestation {
	if a == nil || f.report == nil || slices.Contains(f.report.Attestations, a) {
		return a
	}
	for _, b := range f.report.Attestations {
		if b != nil && a.Evidence.Digest != "" && a.Evidence.Digest == b.Evidence.Digest && a.Kind == b.Kind &&
			a.PredicateType == b.PredicateType && bytes.Equal(a.Predicate, b.Predicate) {
			return b
		}
	}
	return a
}

func (f *facts) get(key factKey) *fact {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.known == nil {
		f.known = make(map[factKey]*fact)
	}
	if f.known[key] == nil {
		f.known[key] = new(fact)
	}
	return f.known[key]
}

// once returns what is known under a key, or finds it out.
func once[T any](in *Input, key factKey, read func() (T, error)) (v T, err error) {
	if in == nil || in.facts == nil { // nobody to share with
		return read()
	}
	key.a = in.facts.original(key.a)
	f := in.facts.get(key)
	f.once.Do(func() {
		f.err = fmt.Errorf("%w: reading %q failed", ErrIndeterminate, key.name) // if read panics
		v, raw, err := load(in.facts, key, read)
		f.value, f.raw, f.err = &v, raw, err
	})
	if f.err != nil {
		return v, f.err
	}
	known, ok := f.value.(*T)
	if !ok {
		return v, fmt.Errorf("%w: fact %q is a %T and was asked for as a %T", ErrIndeterminate, key.name, f.value, &v)
	}
	return *known, nil
}

// load reads a value, from where this input has them, and returns what is to be recorded of it.
func load[T any](f *facts, key factKey, read func() (T, error)) (v T, raw json.RawMessage, err error) {
	switch {
	case f.replayed != nil && key.value:
		return v, nil, fmt.Errorf("%w: %q", ErrNotRecorded, key.name)
	case f.replayed != nil:
		if raw, err = f.replayed.fact(key); err == nil {
			if err = json.Unmarshal(raw, &v); err != nil {
				err = fmt.Errorf("%w: %q was recorded as something else: %w", ErrNotRecorded, key.name, err)
			}
		}
		return v, nil, err
	}
	if v, err = read(); err != nil || !f.recording || key.value {
		return v, nil, err
	}
	if raw, err = json.Marshal(v); err != nil {
		return v, nil, fmt.Errorf("%w: fact %q cannot be recorded: %w", ErrIndeterminate, key.name, err)
	}
	var again T // what is decided on is what a replay will have
	if err = json.Unmarshal(raw, &again); err != nil {
		return v, nil, fmt.Errorf("%w: fact %q cannot be read back: %w", ErrIndeterminate, key.name, err)
	}
	return again, raw, nil
}

// count returns how many facts were asked for so far.
func (f *facts) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// unasked reports whether a replay has not asked for any fact since before, so that who should have read the predicate of an
// attestation, which is not there, has not.
func (f *facts) unasked(before int, a *verify.Attestation) bool {
	return f.replayed != nil && f.count() == before && f.replayed.sizeOf(f.original(a)) > 0
}

// isReplay reports whether decisions on the input are made from a record.
func (in *Input) isReplay() bool { return in != nil && in.facts != nil && in.facts.replayed != nil }
