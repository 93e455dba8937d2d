package vsa

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
)

// ParseSummary reads the predicate of a VSA of version 1, of any minor version. Members that it does not know it ignores, as the
// specification asks; a required one that is missing, one that is there twice, or a result that there is not is an error.
func ParseSummary(predicate []byte) (*Summary, error) {
	r := strictjson.NewReader(predicate, strictjson.Limits{})
	s := new(Summary)
	for name := range r.Members("verifier", "timeVerified", "resourceUri", "policy", "inputAttestations", "verificationResult",
		"verifiedLevels") {
		switch string(name) {
		case "verifier":
			s.Verifier, s.Versions, _, _ = readVerifier(r)
		case "timeVerified":
			s.Time = readTime(r)
		case "resourceUri":
			s.ResourceURI = r.String()
		case "policy":
			s.Policy = readResource(r)
		case "inputAttestations":
			s.InputAttestations = readResources(r)
		case "verificationResult":
			s.Result = r.String()
		case "verifiedLevels":
			s.Levels = readTexts(r)
		}
	}
	err := r.End()
	switch {
	case err != nil:
	case !absolute(s.Verifier):
		err = errors.New("verifier.id is no URI")
	case s.ResourceURI == "" || s.Policy.URI == "":
		err = errors.New("it has no resourceUri, or no policy.uri")
	case s.Result != Passed && s.Result != Failed:
		err = fmt.Errorf("verificationResult is %.80q, not PASSED or FAILED", s.Result)
	case s.Levels == nil:
		err = errors.New("it has no verifiedLevels")
	case s.Result == Passed:
		err = checkLevels(s.Levels)
	}
	if err != nil {
		return nil, fmt.Errorf("vsa: verification summary: %w", err)
	}
	return s, nil
}

// checkLevels refuses a summary that passed and says that it failed, or has two levels of one track.
func checkLevels(levels []string) error {
	tracks := make(map[string]bool)
	for _, l := range levels {
		if l == Failed {
			return errors.New("verificationResult is PASSED and verifiedLevels say FAILED")
		}
		if track, _, ok := parseLevel(l); ok {
			if tracks[track] {
				return fmt.Errorf("verifiedLevels have two levels of track %s", track)
			}
			tracks[track] = true
		}
	}
	return nil
}

// ParseResult reads the predicate of an SVR of version 0.2, which names its policies, or 0.1, which need not.
func ParseResult(predicateType string, predicate []byte) (*Result, error) {
	r := strictjson.NewReader(predicate, strictjson.Limits{})
	s, named, properties := new(Result), false, false
	for name := range r.Members("verifier", "timeCreated", "properties") {
		switch string(name) {
		case "verifier":
			s.Verifier, _, s.Policies, named = readVerifier(r)
		case "timeCreated":
			s.Time = readTime(r)
		case "properties":
			s.Properties, properties = readTexts(r), true
		}
	}
	err := r.End()
	switch {
	case err != nil:
	case predicateType != ResultType && predicateType != ResultTypeV1:
		err = fmt.Errorf("predicate type %.200q is another one", predicateType)
	case !absolute(s.Verifier):
		err = errors.New("verifier.id is no URI")
	case predicateType == ResultType && !named:
		err = errors.New("it has no verifier.policies, which may be empty and must be there")
	case s.Time.IsZero() || !properties:
		err = errors.New("it has no timeCreated, or no properties")
	}
	if err != nil {
		return nil, fmt.Errorf("vsa: simple verification result: %w", err)
	}
	return s, nil
}

// readVerifier reads a verifier, and reports whether it lists policies.
func readVerifier(r *strictjson.Reader) (id string, versions map[string]string, policies []Resource, listed bool) {
	for name := range r.Members("id", "version", "policies") {
		switch string(name) {
		case "id":
			id = r.String()
		case "version":
			versions = make(map[string]string)
			for name := range r.Members() {
				versions[string(name)] = r.String()
			}
		case "policies":
			policies, listed = readResources(r), true
		}
	}
	return id, versions, policies, listed
}

func readResources(r *strictjson.Reader) (list []Resource) {
	for range r.Array() {
		list = append(list, readResource(r))
	}
	return list
}

func readResource(r *strictjson.Reader) (out Resource) {
	for name := range r.Members("uri", "digest") {
		switch string(name) {
		case "uri":
			out.URI = r.String()
		case "digest":
			out.Digest = make(map[string]string)
			for name := range r.Members() {
				out.Digest[string(name)] = strings.ToLower(r.String())
			}
		}
	}
	return out
}

func readTexts(r *strictjson.Reader) []string {
	list := []string{}
	for range r.Array() {
		list = append(list, r.String())
	}
	return list
}

// readTime reads a Timestamp: RFC 3339 in UTC.
func readTime(r *strictjson.Reader) time.Time {
	text := r.String()
	if r.Err() != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		r.Fail(err)
	}
	return t.UTC()
}
