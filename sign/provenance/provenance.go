package provenance

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
)

// The predicate types: Type is written and read, TypeV02 is read.
const (
	Type    = "https://slsa.dev/provenance/v1"
	TypeV02 = "https://slsa.dev/provenance/v0.2"
)

// Errors, for errors.Is.
var (
	ErrIncomplete = errors.New("provenance lacks a required field")
	ErrMalformed  = errors.New("malformed provenance")
	ErrNoFacts    = errors.New("no build facts found here")
)

// Provenance is a predicate of package sign. The fields are those of the specification.
type Provenance struct {
	BuildType            string         // a URI: how to understand the parameters; required
	ExternalParameters   map[string]any // under the control of whoever asked for the build; required, may be empty
	InternalParameters   map[string]any // under the control of the builder
	ResolvedDependencies []Resource     // what the build fetched, first of all its source

	BuilderID           string // a URI: who is trusted to have built it; required to write, and empty in what BuildKit wrote unless told
	BuilderVersion      map[string]string
	BuilderDependencies []Resource

	InvocationID string    // of this build, unique for the builder
	StartedOn    time.Time // zero: not known
	FinishedOn   time.Time // zero: not known
	Byproducts   []Resource
}

// A Resource is an artifact or a source: a resource descriptor of in-toto (spec/v1/resource_descriptor.md). One of Name,
// URI, Digest and Content is required.
type Resource struct {
	Name             string            `json:"name,omitempty"`
	URI              string            `json:"uri,omitempty"`
	Digest           map[string]string `json:"digest,omitempty"`  // algorithm, such as gitCommit, to lower-case hex
	Content          []byte            `json:"content,omitempty"` // small content itself
	DownloadLocation string            `json:"downloadLocation,omitempty"`
	MediaType        string            `json:"mediaType,omitempty"`
	Annotations      map[string]any    `json:"annotations,omitempty"`
}

// PredicateType returns [Type].
func (*Provenance) PredicateType() string { return Type }

type builder struct {
	ID                  string            `json:"id"`
	BuilderDependencies []Resource        `json:"builderDependencies,omitempty"`
	Version             map[string]string `json:"version,omitempty"`
}

type metadata struct {
	InvocationID string `json:"invocationId,omitempty"`
	StartedOn    string `json:"startedOn,omitempty"`
	FinishedOn   string `json:"finishedOn,omitempty"`
}

type wire struct {
	BuildDefinition struct {
		BuildType            string         `json:"buildType"`
		ExternalParameters   map[string]any `json:"externalParameters"`
		InternalParameters   map[string]any `json:"internalParameters,omitempty"`
		ResolvedDependencies []Resource     `json:"resolvedDependencies,omitempty"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder    builder    `json:"builder"`
		Metadata   *metadata  `json:"metadata,omitempty"`
		Byproducts []Resource `json:"byproducts,omitempty"`
	} `json:"runDetails"`
}

// MarshalJSON returns the predicate, the same bytes for the same facts. It fails with [ErrIncomplete] or
// [ErrMalformed], so that nothing is signed that nobody could read.
func (p *Provenance) MarshalJSON() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	var w wire
	d, r := &w.BuildDefinition, &w.RunDetails
	d.BuildType, d.ExternalParameters, d.InternalParameters = p.BuildType, p.ExternalParameters, p.InternalParameters
	d.ResolvedDependencies = p.ResolvedDependencies
	if d.ExternalParameters == nil {
		d.ExternalParameters = map[string]any{}
	}
	r.Builder = builder{p.BuilderID, p.BuilderDependencies, p.BuilderVersion}
	r.Byproducts = p.Byproducts
	if m := (metadata{p.InvocationID, timestamp(p.StartedOn), timestamp(p.FinishedOn)}); m != (metadata{}) {
		r.Metadata = &m
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&w); err != nil {
		return nil, fmt.Errorf("provenance: %w: %w", ErrMalformed, err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func (p *Provenance) check() error {
	if p.BuilderID == "" {
		return fmt.Errorf("provenance: %w: builder.id", ErrIncomplete)
	}
	return p.checkRead()
}

// checkRead holds a predicate against what it takes to be read: all but that it names its builder.
func (p *Provenance) checkRead() error {
	for _, f := range []struct{ name, uri string }{{"buildType", p.BuildType}, {"builder.id", p.BuilderID}} {
		if f.uri == "" && f.name == "buildType" {
			return fmt.Errorf("provenance: %w: %s", ErrIncomplete, f.name)
		}
		if _, err := url.Parse(f.uri); err != nil {
			return fmt.Errorf("provenance: %w: %s: %w", ErrMalformed, f.name, err)
		}
	}
	for _, list := range [][]Resource{p.ResolvedDependencies, p.BuilderDependencies, p.Byproducts} {
		for i := range list {
			if err := list[i].check(); err != nil {
				return fmt.Errorf("provenance: %w", err)
			}
		}
	}
	return nil
}

// digestBytes are the lengths of the digests that in-toto names (spec/v1/digest_set.md). Others are not judged.
var digestBytes = map[string][]int{
	"sha1": {20}, "sha224": {28}, "sha256": {32}, "sha384": {48}, "sha512": {64}, "sha512_224": {28}, "sha512_256": {32},
	"sha3_224": {28}, "sha3_256": {32}, "sha3_384": {48}, "sha3_512": {64},
	"gitCommit": {20, 32}, "gitTree": {20, 32}, "gitBlob": {20, 32}, "gitTag": {20, 32}, "dirHash": {32},
}

func (r *Resource) empty() bool {
	return r.Name == "" && r.URI == "" && len(r.Digest) == 0 && len(r.Content) == 0 && r.DownloadLocation == "" &&
		r.MediaType == "" && len(r.Annotations) == 0
}

func (r *Resource) check() error {
	if r.Name == "" && r.URI == "" && len(r.Digest) == 0 && len(r.Content) == 0 {
		return fmt.Errorf("%w: a resource has a name, a uri, a digest or content", ErrIncomplete)
	}
	for algorithm, value := range r.Digest {
		sizes, ok := digestBytes[algorithm]
		if !ok {
			continue
		}
		raw, err := hex.DecodeString(value)
		good := false
		for _, n := range sizes {
			good = good || len(raw) == n
		}
		if err != nil || !good {
			return fmt.Errorf("%w: %.80q is no digest of algorithm %s", ErrMalformed, value, algorithm)
		}
	}
	return nil
}

// Parse reads a predicate of [Type]: strictly (a member that occurs twice, or in another case, is an error), with
// numbers as [json.Number], and without members that the specification does not know. What is null or empty is as if it
// were not there, as the specification's parsing rules have it. It fails with [ErrMalformed] or [ErrIncomplete].
//
// Two things are read as real builders write them. builder.id may be empty, as it is in what BuildKit writes by default:
// whoever needs a builder compares BuilderID with those that are trusted, and must not take an empty one. Members that
// others write for invocationId and byproducts in another case are not known, and so nothing is read from them.
func Parse(predicate []byte) (*Provenance, error) {
	p := new(Provenance)
	named := false
	r := strictjson.NewReader(predicate, strictjson.Limits{})
	for name := range r.Members("buildDefinition", "runDetails") {
		switch string(name) {
		case "buildDefinition":
			for name := range r.Members("buildType", "externalParameters", "internalParameters", "resolvedDependencies") {
				switch string(name) {
				case "buildType":
					p.BuildType = r.String()
				case "externalParameters":
					p.ExternalParameters = object(r)
				case "internalParameters":
					p.InternalParameters = object(r)
				case "resolvedDependencies":
					p.ResolvedDependencies = resources(r)
				}
			}
		case "runDetails":
			for name := range r.Members("builder", "metadata") { // Tekton writes byProducts
				switch string(name) {
				case "builder":
					named = p.readBuilder(r)
				case "metadata":
					p.readMetadata(r)
				case "byproducts":
					p.Byproducts = resources(r)
				}
			}
		}
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("provenance: %w: %w", ErrMalformed, err)
	}
	if p.ExternalParameters == nil {
		return nil, fmt.Errorf("provenance: %w: externalParameters", ErrIncomplete)
	}
	if !named {
		return nil, fmt.Errorf("provenance: %w: builder.id", ErrIncomplete)
	}
	if err := p.checkRead(); err != nil {
		return nil, err
	}
	return p, nil
}

// ParseV02 reads a predicate of [TypeV02], as Parse does, into the fields that SLSA v1 has for it (slsa.dev/spec/v1.0/provenance,
// "Migrating from 0.2"): configSource and parameters become external parameters, environment and buildConfig internal
// ones, materials resolved dependencies. What it says of its completeness is not read.
func ParseV02(predicate []byte) (*Provenance, error) {
	p := &Provenance{ExternalParameters: map[string]any{}}
	named := false
	r := strictjson.NewReader(predicate, strictjson.Limits{})
	internal := func(name string) {
		if p.InternalParameters == nil {
			p.InternalParameters = map[string]any{}
		}
		p.InternalParameters[name] = object(r)
	}
	for name := range r.Members("builder", "buildType", "invocation", "buildConfig", "metadata", "materials") {
		switch string(name) {
		case "builder":
			named = p.readBuilder(r)
		case "buildType":
			p.BuildType = r.String()
		case "invocation":
			for name := range r.Members("configSource", "parameters", "environment") {
				switch key := string(name); key {
				case "configSource", "parameters":
					p.ExternalParameters[key] = object(r)
				case "environment":
					internal(key)
				}
			}
		case "buildConfig":
			internal("buildConfig")
		case "metadata":
			p.readMetadataV02(r)
		case "materials":
			p.ResolvedDependencies = resources(r)
		}
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("provenance: %w: %w", ErrMalformed, err)
	}
	if !named {
		return nil, fmt.Errorf("provenance: %w: builder.id", ErrIncomplete)
	}
	if err := p.checkRead(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Provenance) readMetadataV02(r *strictjson.Reader) {
	for name := range r.Members("buildStartedOn", "buildFinishedOn") { // of the third there are two spellings
		switch string(name) {
		case "buildInvocationId", "buildInvocationID": // as the specification has it, and as everybody writes it
			p.InvocationID = r.String()
		case "buildStartedOn":
			p.StartedOn = readMoment(r)
		case "buildFinishedOn":
			p.FinishedOn = readMoment(r)
		}
	}
}

// readBuilder reports whether there is an id, be it an empty one.
func (p *Provenance) readBuilder(r *strictjson.Reader) (named bool) {
	for name := range r.Members("id", "version", "builderDependencies") {
		switch string(name) {
		case "id":
			p.BuilderID, named = r.String(), true
		case "version":
			p.BuilderVersion = texts(r)
		case "builderDependencies":
			p.BuilderDependencies = resources(r)
		}
	}
	return named
}

// readMoment reads a time; what is empty is zero.
func readMoment(r *strictjson.Reader) (t time.Time) {
	var err error
	text := r.String()
	if r.Err() == nil && text != "" {
		if t, err = time.Parse(time.RFC3339, text); err != nil {
			r.Fail(err)
		}
	}
	return t
}

func (p *Provenance) readMetadata(r *strictjson.Reader) {
	for name := range r.Members("startedOn", "finishedOn") { // BuildKit up to v0.27 and Tekton write invocationID
		switch string(name) {
		case "invocationId":
			p.InvocationID = r.String()
		case "startedOn":
			p.StartedOn = readMoment(r)
		case "finishedOn":
			p.FinishedOn = readMoment(r)
		}
	}
}

// object reads an object whose members only the build type knows.
func object(r *strictjson.Reader) map[string]any {
	if r.Kind() != strictjson.Object {
		for range r.Object() { // says what is there instead
		}
		return nil
	}
	m := map[string]any{}
	raw := r.Raw() // checked: no member occurs twice
	if r.Err() == nil {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(&m); err != nil {
			r.Fail(err)
		}
	}
	return m
}

func texts(r *strictjson.Reader) map[string]string {
	m := map[string]string{}
	for name := range r.Members() {
		m[string(name)] = r.String()
	}
	return m
}

func resources(r *strictjson.Reader) []Resource {
	var list []Resource
	for range r.Array() {
		var res Resource
		if r.Null() {
			continue
		}
		for name := range r.Members("name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations") {
			switch string(name) {
			case "name":
				res.Name = r.String()
			case "uri":
				res.URI = r.String()
			case "digest":
				res.Digest = texts(r)
			case "content":
				var err error
				if res.Content, err = base64.StdEncoding.DecodeString(r.String()); err != nil {
					r.Fail(err)
				}
			case "downloadLocation":
				res.DownloadLocation = r.String()
			case "mediaType":
				res.MediaType = r.String()
			case "annotations":
				res.Annotations = object(r)
			}
		}
		if !res.empty() { // Cloud Build writes such byproducts
			list = append(list, res)
		}
	}
	return list
}
