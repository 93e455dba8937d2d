// Package intoto reads and writes in-toto statements, version 1 of the attestation framework
// (github.com/in-toto/attestation, spec/v1/statement.md), and reads version 0.1.
package intoto

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/opencontainers/go-digest"
)

// The statement types.
const (
	TypeV1  = "https://in-toto.io/Statement/v1"
	TypeV01 = "https://in-toto.io/Statement/v0.1"
)

// Statement says that a predicate holds of subjects.
type Statement struct {
	Type          string
	Subjects      []Subject
	PredicateType string
	Predicate     json.RawMessage // as it stands in the payload; nil if there is none
}

// Subject is a resource descriptor (spec/v1/resource_descriptor.md), as far as statements about images use it.
type Subject struct {
	Name        string
	Digest      map[string]string // algorithm to lower-case hex
	Annotations map[string]string // those with string values
}

// ImageSignature is the predicate type that makes a statement an image signature.
const ImageSignature = "https://sigstore.dev/cosign/sign/v1"

// sizes are the lengths in bytes of digests that a subject may be asked for by, beside those of go-digest: of sources, which
// have no other (spec/v1/digest_set.md).
var sizes = map[string][]int{
	"gitCommit": {20, 32}, "gitTree": {20, 32}, "gitBlob": {20, 32}, "gitTag": {20, 32}, "dirHash": {32}, "goModuleH1": {32},
}

// CheckDigest returns an error for what no subject is asked for by: anything but ALGORITHM:HEX of go-digest's algorithms,
// or of those that name a source, in lower case and of the right length.
func CheckDigest(d digest.Digest) error {
	algorithm, encoded, _ := strings.Cut(string(d), ":")
	lengths, ok := sizes[algorithm]
	if !ok {
		return d.Validate()
	}
	if strings.Trim(encoded, "0123456789abcdef") != "" || len(encoded)%2 != 0 || !slices.Contains(lengths, len(encoded)/2) {
		return digest.ErrDigestInvalidFormat
	}
	return nil
}

// Find returns the first subject that a digest names, or nil. What is signed as an image is named by an image's digest alone.
func (s *Statement) Find(d digest.Digest) *Subject {
	algorithm, encoded, _ := strings.Cut(string(d), ":")
	i := slices.IndexFunc(s.Subjects, func(s Subject) bool { return s.Digest[algorithm] == encoded })
	if i < 0 || encoded == "" || s.PredicateType == ImageSignature && d.Validate() != nil {
		return nil
	}
	return &s.Subjects[i]
}

// Limits bound what is read. Zero fields mean no limit.
type Limits struct {
	Subjects int
	Digests  int // of one subject
}

// Why a payload is no statement.
var (
	ErrMissing = errors.New("required member is missing")
	ErrType    = errors.New("not an in-toto statement of a known version")
)

// Parse reads a statement. Unknown members are ignored, as the specification's parsing rules ask (spec/v1/README.md);
// a duplicate or case variant of a known one is an error.
func Parse(data []byte, l Limits) (*Statement, error) {
	r := strictjson.NewReader(data, strictjson.Limits{})
	s := new(Statement)
	for name := range r.Object("_type", "subject", "predicateType", "predicate") {
		switch string(name) {
		case "_type":
			s.Type = r.String()
		case "subject":
			for i := range r.Array() {
				if l.Subjects > 0 && i == l.Subjects {
					r.Fail(fmt.Errorf("more than %d subjects: %w", l.Subjects, strictjson.ErrLimit))
				}
				s.Subjects = append(s.Subjects, readSubject(r, l))
			}
		case "predicateType":
			s.PredicateType = r.String()
		case "predicate":
			if r.Null() { // sigstore-python writes it where there is none, and unset is the same as empty
				break
			}
			s.Predicate = r.Raw()
			if r.Err() == nil && s.Predicate[0] != '{' {
				r.Fail(fmt.Errorf("a predicate that is not an object: %w", strictjson.ErrType))
			}
		}
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	switch {
	case s.Type != TypeV1 && s.Type != TypeV01:
		return nil, fmt.Errorf("%w: _type %.80q", ErrType, s.Type)
	case len(s.Subjects) == 0:
		return nil, fmt.Errorf("statement: %w: subject", ErrMissing)
	case s.PredicateType == "":
		return nil, fmt.Errorf("statement: %w: predicateType", ErrMissing)
	}
	return s, nil
}

func readSubject(r *strictjson.Reader, l Limits) Subject {
	var s Subject
	for name := range r.Object("name", "digest", "annotations") {
		switch string(name) {
		case "name":
			if !r.Null() {
				s.Name = r.String()
			}
		case "digest":
			s.Digest = make(map[string]string)
			for algorithm := range r.Object() {
				if l.Digests > 0 && len(s.Digest) == l.Digests {
					r.Fail(fmt.Errorf("more than %d digests of a subject: %w", l.Digests, strictjson.ErrLimit))
				}
				s.Digest[string(algorithm)] = r.String()
			}
		case "annotations":
			if r.Null() {
				break
			}
			for key := range r.Object() {
				if r.Kind() != strictjson.String {
					continue
				}
				if s.Annotations == nil {
					s.Annotations = make(map[string]string)
				}
				s.Annotations[string(key)] = r.String()
			}
		}
	}
	if r.Err() == nil && len(s.Digest) == 0 {
		r.Fail(fmt.Errorf("%w: a subject has a digest", ErrMissing))
	}
	return s
}

// Append appends the statement as JSON, always as version 1 and with the predicate's bytes as they are. It fails if
// the predicate is not one strict JSON object.
func (s *Statement) Append(dst []byte) ([]byte, error) {
	if err := strictjson.Check(s.Predicate, strictjson.Limits{}); err != nil {
		return nil, fmt.Errorf("predicate: %w", err)
	}
	if bytes.TrimLeft(s.Predicate, " \t\r\n")[0] != '{' {
		return nil, fmt.Errorf("predicate: not an object: %w", strictjson.ErrType)
	}
	w := strictjson.Writer{Data: dst}
	w.Raw(`{"_type":"` + TypeV1 + `","subject":[`)
	for i, sub := range s.Subjects {
		w.Raw(",{"[1-min(i, 1):])
		if sub.Name != "" {
			w.Raw(`"name":`)
			w.Text(sub.Name)
			w.Raw(",")
		}
		w.Raw(`"digest":`)
		w.Texts(sub.Digest)
		if len(sub.Annotations) > 0 {
			w.Raw(`,"annotations":`)
			w.Texts(sub.Annotations)
		}
		w.Raw("}")
	}
	w.Raw(`],"predicateType":`)
	w.Text(s.PredicateType)
	w.Raw(`,"predicate":`)
	w.Data = append(w.Data, s.Predicate...)
	w.Raw("}")
	if w.Err != nil {
		return nil, fmt.Errorf("statement: %w", w.Err)
	}
	return w.Data, nil
}
