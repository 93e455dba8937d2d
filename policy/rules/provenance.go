package rules

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sign/provenance"
	"github.com/ladingdev/lading/verify"
)

// Provenance asks how the image was built: by which builder, from which source, with which parameters.
//
// It judges SLSA provenance v1 and v0.2 (slsa.dev/spec/v1.0/verifying-artifacts, step 1 and 2). The quantifier is Some unless
// Evidence says another: what others say of the same image takes nothing from what one trusted builder says. Signers should be
// named: a build that signs its own provenance claims anything.
//
// In patterns, * stands for any characters but "/", "@" and blanks.
type Provenance struct {
	Name string // what people call the rule
	Evidence
	// Builders are those that are trusted; empty means any whose signer counts. An empty builder.id, as BuildKit writes by default,
	// is none of them.
	Builders []Builder
	// Level is the least SLSA build level, 1 to 3; zero means that it does not matter. It is that of the builder in Builders: what
	// provenance says of its own level proves nothing.
	Level int
	// BuildTypes are those that are known; empty means any.
	BuildTypes []string
	// Sources are the repositories, such as "https://github.com/acme/app" or "https://github.com/acme/*"; empty means any. All that
	// the external parameters name as source must be among them.
	Sources []string
	// Refs are branches and tags, in full: "refs/heads/main", "refs/tags/v*"; empty means any.
	Refs []string
	// Parameters are the other external parameters that are expected.
	Parameters []Parameter
	// AnyParameters lets external parameters pass that are not in Parameters. Without it they are refused, as the specification's
	// step 2 has it.
	AnyParameters bool

	prepared
}

// A Builder is one that is trusted, and how far.
type Builder struct {
	ID    string // builder.id, or a pattern of it: "https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v*"
	Level int    // the highest SLSA build level that it is trusted for, 1 to 3; zero means that nobody says
}

// A Parameter is an external parameter that a build may have.
type Parameter struct {
	// Name is a JSON pointer below the external parameters, such as "/workflow/path"; what is below it is meant too.
	Name string
	// Values are those that it may have, or patterns of them; what is no text is written as JSON. Empty means any value.
	Values []string
}

// Decide implements [policy.Policy].
func (r *Provenance) Decide(ctx context.Context, in *policy.Input) *policy.Decision {
	return r.get(r.rule).decide(ctx, in)
}

// Validate returns an error if the rule asks for nothing, or for what no builder writes.
func (r *Provenance) Validate() error { return r.get(r.rule).err }

// IgnoresRequest reports that it is the same whoever asks.
func (r *Provenance) IgnoresRequest() bool { return true }

// String says what is asked, in one line.
func (r *Provenance) String() string { return r.get(r.rule).text }

func (r *Provenance) rule() *rule {
	what := "provenance"
	if len(r.Builders) > 0 {
		var ids []string
		for _, b := range r.Builders {
			ids = append(ids, b.ID)
		}
		what += " by builder " + some(ids)
	}
	if r.Level > 0 {
		what += " of SLSA build level " + strconv.Itoa(r.Level)
	}
	if len(r.Sources) > 0 {
		what += " from " + some(r.Sources)
	}
	if len(r.Refs) > 0 {
		what += " at " + some(r.Refs)
	}
	return &rule{
		Evidence: r.Evidence, name: r.Name, what: oneline.Of(what), noun: "provenance",
		types: []string{provenance.Type, provenance.TypeV02}, usual: policy.Some,
		err: r.valid(),
		check: func(_ context.Context, in *policy.Input, a *verify.Attestation, _ *excuses) error {
			f, err := provenanceOf(in, a)
			if err != nil {
				return err
			}
			return r.judge(&f)
		},
	}
}

func (r *Provenance) valid() error {
	if len(r.Builders)+len(r.Sources) == 0 {
		return errors.New("the rule asks neither for a builder nor for a source: give Builders or Sources")
	}
	if r.Level < 0 || r.Level > 3 {
		return fmt.Errorf("SLSA build level %d: there are 1, 2 and 3", r.Level)
	}
	best := 0
	for _, b := range r.Builders {
		if err := validPattern(b.ID); err != nil {
			return fmt.Errorf("builder: %w", err)
		}
		if b.Level < 0 || b.Level > 3 {
			return fmt.Errorf("builder %.80q of SLSA build level %d: there are 1, 2 and 3", b.ID, b.Level)
		}
		best = max(best, b.Level)
	}
	if r.Level > best {
		return fmt.Errorf("SLSA build level %d is asked for, and no builder is trusted for it", r.Level)
	}
	for _, s := range r.Sources {
		if err := validSource(s); err != nil {
			return fmt.Errorf("source: %w", err)
		}
	}
	for _, p := range r.Parameters {
		if !strings.HasPrefix(p.Name, "/") || strings.HasSuffix(p.Name, "/") {
			return fmt.Errorf("parameter %.80q: it is named by a JSON pointer, such as /workflow/path", p.Name)
		}
		values := slices.DeleteFunc(slices.Clone(p.Values), func(v string) bool { return v == "" })
		if err := validPatterns("parameter "+p.Name, values); err != nil {
			return err
		}
	}
	return cmp.Or(validPatterns("build type", r.BuildTypes), validRefs(r.Refs))
}

func validRefs(refs []string) error {
	for _, ref := range refs {
		if !strings.HasPrefix(ref, "refs/") {
			return fmt.Errorf("ref %.80q: it is written in full, such as refs/heads/main or refs/tags/v*", ref)
		}
	}
	return validPatterns("ref", refs)
}

func (r *Provenance) judge(f *provenanceFact) error {
	if err := r.builder(f.Builder); err != nil {
		return err
	}
	if len(r.BuildTypes) > 0 && !globAny(r.BuildTypes, f.BuildType) {
		return fmt.Errorf("its build type is %.120q, which is not expected", f.BuildType)
	}
	known, err := r.sources(f)
	if err != nil || r.AnyParameters {
		return err
	}
	for _, p := range f.Parameters {
		if err := r.parameter(p, known); err != nil {
			return err
		}
	}
	return nil
}

func (r *Provenance) builder(id string) error {
	if len(r.Builders) == 0 {
		return nil
	}
	best, found := 0, false
	for _, b := range r.Builders {
		if glob(b.ID, id) {
			best, found = max(best, b.Level), true
		}
	}
	switch {
	case id == "":
		return errors.New("it names no builder: builder.id is empty")
	case !found:
		return fmt.Errorf("its builder is %.200q, which is not trusted", id)
	case best < r.Level:
		return fmt.Errorf("its builder, %.200q, is trusted for SLSA build level %d, and level %d is asked for", id, best, r.Level)
	}
	return nil
}

// sourceShapes are where external parameters name a source and its ref: GitHub's build type and that of SLSA's generators, ours, that of
// container-based builds, Google Cloud Build's two, and those of SLSA v0.2 and of BuildKit.
var sourceShapes = []struct{ uri, ref, digest string }{
	{"/workflow/repository", "/workflow/ref", ""},
	{"/source", "/ref", ""},
	{"/source/uri", "", "/source/digest/"},
	{"/sourceToBuild/repository", "/sourceToBuild/ref", ""},
	{"/buildConfigSource/repository", "/buildConfigSource/ref", ""},
	{"/configSource/uri", "", "/configSource/digest/"},
}

// sources judges what the parameters name as source, and returns the names of those parameters.
func (r *Provenance) sources(f *provenanceFact) (known []string, err error) {
	value := map[string]string{}
	for _, p := range f.Parameters {
		value[p.Name] = p.Value
	}
	found := false
	for _, shape := range sourceShapes {
		uri, ok := value[shape.uri]
		if !ok {
			continue
		}
		found = true
		known = append(known, shape.uri, shape.ref)
		for name := range value {
			if shape.digest != "" && strings.HasPrefix(name, shape.digest) {
				known = append(known, name)
			}
		}
		repo, ref := repository(uri)
		if said := value[shape.ref]; shape.ref != "" && said != "" {
			if ref != "" && ref != said {
				return nil, fmt.Errorf("its source has two refs, %.80q and %.80q", ref, said)
			}
			ref = said
		}
		expected := func(p string) bool { want, _ := repository(p); return glob(want, repo) }
		if len(r.Sources) > 0 && !slices.ContainsFunc(r.Sources, expected) {
			return nil, fmt.Errorf("its source is %.200q, which is not expected", uri)
		}
		if len(r.Refs) > 0 && !globAny(r.Refs, ref) {
			return nil, fmt.Errorf("it was built at ref %.120q of %.200q, which is not expected", ref, repo)
		}
	}
	if !found && len(r.Sources)+len(r.Refs) > 0 {
		return nil, errors.New("its external parameters do not name a source")
	}
	return known, nil
}

// parameter judges one external parameter.
func (r *Provenance) parameter(p parameterFact, known []string) error {
	if slices.Contains(known, p.Name) {
		return nil
	}
	for _, want := range r.Parameters {
		if p.Name != want.Name && !strings.HasPrefix(p.Name, want.Name+"/") {
			continue
		}
		if len(want.Values) == 0 || slices.Contains(want.Values, p.Value) || globAny(want.Values, p.Value) {
			return nil
		}
		return fmt.Errorf("external parameter %.120s is %.120q, which is not expected", p.Name, p.Value)
	}
	return fmt.Errorf("external parameter %.120s, %.120q, is not expected", p.Name, p.Value)
}

// A provenanceFact is what rules read of provenance.
type provenanceFact struct {
	BuildType  string          `json:"buildType,omitempty"`
	Builder    string          `json:"builder,omitempty"`
	Parameters []parameterFact `json:"parameters,omitempty"` // external, one for each value, by name
}

type parameterFact struct {
	Name  string `json:"name"`  // JSON pointer
	Value string `json:"value"` // a text as it is, anything else as JSON
}

func provenanceOf(in *policy.Input, a *verify.Attestation) (provenanceFact, error) {
	return policy.Fact(in, a, "lading/provenance/v1", func() (provenanceFact, error) {
		parse := provenance.Parse
		if a.PredicateType == provenance.TypeV02 {
			parse = provenance.ParseV02
		}
		p, err := parse(a.Predicate)
		if err != nil {
			return provenanceFact{}, unreadable("provenance", err)
		}
		f := provenanceFact{BuildType: p.BuildType, Builder: p.BuilderID}
		f.Parameters = leaves(nil, "", p.ExternalParameters)
		return f, nil
	})
}

// leaves lists the values below one, by their JSON pointers (RFC 6901), in their order. What is null or empty says nothing.
func leaves(to []parameterFact, at string, v any) []parameterFact {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			to = leaves(to, at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), v[name])
		}
	case []any:
		for i := range v {
			to = leaves(to, at+"/"+strconv.Itoa(i), v[i])
		}
	case string:
		to = append(to, parameterFact{at, v})
	default:
		text, err := json.Marshal(v)
		if err != nil {
			text = []byte("?")
		}
		to = append(to, parameterFact{at, string(text)})
	}
	return to
}
