// Package cel gives policy documents conditions in the Common Expression Language.
//
//	p, err := doc.Load(&document.Options{Conditions: new(cel.Compiler)})
//
// A condition says of an attestation whether it will do:
//
//	attestation:
//	  types: ["https://slsa.dev/provenance/v1"]
//	  by: [ci]
//	  condition:
//	    cel: |
//	      predicate.runDetails.builder.id == "https://ci.example/v2" &&
//	      predicate.buildDefinition.externalParameters.ref == "refs/heads/main"
//	    message: built elsewhere
//
// # What it sees
//
//	predicate   the predicate, with the fields of its type: see the types of this package. A predicate of another type has none
//	raw         the predicate as it is, without types: a misspelt field is found out when an image is judged, which is late
//	signers     who signed: name, entries, subject, issuer, key, signedAt, claims
//	subject     the image: digest, name, annotations
//	request     who asks: gate, operation, user, groups, cluster, namespace, kind, workload, account, region, dryRun, attributes
//	now         the time that is judged by: a decision with it holds for the moment only
//
// There is no clock, no network and nothing random. Functions are those of CEL's specification, of its strings and of its sets
// extension.
//
// # What is found when a document is loaded
//
// A field that there is not, a comparison of different types, a result that is no boolean; a condition whose cost, at the most
// that it may be asked about, is over [Compiler.MaxCost]; all() over a list that may be empty, for which it is true, without a
// guard such as size(list) > 0; a loop over a mapping, which has no order; a regular expression that is not anchored by ^ and $,
// or is not written out.
//
// # What happens when an image is judged
//
// A condition that is false refuses the attestation. So does an error, such as that of a field that raw has not. What is over the
// limits that the cost was estimated by is Indeterminate, and so is a condition that is ended by its context.
package cel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// A Compiler compiles conditions. The zero value works. It is safe for concurrent use.
type Compiler struct {
	// MaxCost bounds what a condition costs at most, in CEL's units, of which some ten million take a second; zero means 50 million.
	MaxCost uint64

	mu   sync.Mutex
	envs map[reflect.Type]*environment
}

const (
	defaultCost = 50_000_000
	maxSource   = 16 << 10
	interrupt   = 256 // iterations of a loop between two looks at the context
)

// An environment is what conditions on one shape of predicate are compiled in.
type environment struct {
	env   *cel.Env
	names []string // of variables and fields, for suggestions
}

// environment returns that of a shape; nil is that of predicates without one.
func (c *Compiler) environment(shape reflect.Type) (*environment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.envs[shape]; e != nil {
		return e, nil
	}
	natives := []any{reflect.TypeFor[Signer](), reflect.TypeFor[Subject](), reflect.TypeFor[Request](), ext.ParseStructField(fieldName)}
	object := func(t reflect.Type) *cel.Type { return cel.ObjectType("cel." + t.Name()) }
	variables := []cel.EnvOption{
		cel.Variable("signers", cel.ListType(object(reflect.TypeFor[Signer]()))),
		cel.Variable("subject", object(reflect.TypeFor[Subject]())),
		cel.Variable("request", object(reflect.TypeFor[Request]())),
		cel.Variable("now", cel.TimestampType),
		cel.Variable("raw", cel.MapType(cel.StringType, cel.DynType)),
	}
	e := &environment{names: []string{"signers", "subject", "request", "now", "raw"}}
	seen := map[reflect.Type]bool{}
	for _, t := range []reflect.Type{reflect.TypeFor[Signer](), reflect.TypeFor[Subject](), reflect.TypeFor[Request](), shape} {
		if t != nil {
			e.addNames(t, seen)
		}
	}
	if shape != nil {
		natives = append(natives, shape)
		variables = append(variables, cel.Variable("predicate", object(shape)))
		e.names = append(e.names, "predicate")
	}
	options := append([]cel.EnvOption{ext.NativeTypes(natives...), ext.Strings(ext.StringsVersion(4)), ext.Sets(),
		cel.ExtendedValidations(), cel.DefaultUTCTimeZone(true), cel.CrossTypeNumericComparisons(true),
		cel.EnableMacroCallTracking(), cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(100), cel.RegexProgramSizeLimit(1000)}, variables...)
	var err error
	if e.env, err = cel.NewEnv(options...); err != nil {
		return nil, err
	}
	if c.envs == nil {
		c.envs = map[reflect.Type]*environment{}
	}
	c.envs[shape] = e
	return e, nil
}

// fieldName is what a field is called in conditions: as in JSON, unless that is no name.
func fieldName(f reflect.StructField) string {
	if name := f.Tag.Get("cel"); name != "" {
		return name
	}
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func (e *environment) addNames(t reflect.Type, seen map[reflect.Type]bool) {
	for t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType || seen[t] {
		return
	}
	seen[t] = true
	for i := range t.NumField() {
		if name := fieldName(t.Field(i)); !slices.Contains(e.names, name) {
			e.names = append(e.names, name)
		}
		e.addNames(t.Field(i).Type, seen)
	}
}

// Compile implements document.Conditions. Errors in the source are [document.SourceError].
func (c *Compiler) Compile(source string, predicateTypes []string) (
	func(context.Context, *policy.Input, *verify.Attestation) error, error,
) {
	var shape reflect.Type
	for i, t := range predicateTypes {
		if p := predicates[t]; i == 0 {
			shape = p
		} else if p != shape {
			shape = nil
		}
	}
	e, err := c.environment(shape)
	if err != nil {
		return nil, fmt.Errorf("cel: %w", err)
	}
	ast, err := e.compile(source, shape)
	if err != nil {
		return nil, err
	}
	most := c.MaxCost
	if most == 0 {
		most = defaultCost
	}
	if err := e.affordable(ast, most); err != nil {
		return nil, err
	}
	program, err := e.env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.InterruptCheckFrequency(interrupt))
	if err != nil {
		return nil, fmt.Errorf("cel: %w", err)
	}
	sum := sha256.Sum256([]byte(source))
	cond := &condition{program: program, shape: shape, uses: variablesOf(ast), fact: "lading/cel/v1/" + hex.EncodeToString(sum[:16])}
	cond.reason = "the condition is false: " + oneline.Of(clip(strings.Join(strings.Fields(source), " ")))
	return cond.check, nil
}

func clip(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// A condition is one that was compiled.
type condition struct {
	program cel.Program
	shape   reflect.Type
	uses    map[string]bool
	fact    string // the name under which its result is recorded
	reason  string
}

// A result is what a condition came to: that is what a record of a decision has of it.
type result struct {
	True  bool   `json:"true,omitempty"`
	Error string `json:"error,omitempty"`
}

func (c *condition) check(ctx context.Context, in *policy.Input, a *verify.Attestation) error {
	read := func() (result, error) { return c.evaluate(ctx, in, a) }
	var res result
	var err error
	if c.uses["now"] {
		in.Before(in.Now.Add(1)) // a decision on it holds for the moment
		res, err = read()
	} else {
		res, err = policy.Fact(in, a, c.fact, read)
	}
	switch {
	case err != nil:
		return err
	case res.Error != "":
		return errors.New(res.Error)
	case !res.True:
		return errors.New(c.reason)
	}
	return nil
}

// evaluate asks the program. An error is one that makes the answer Indeterminate, or says that the predicate cannot be read.
func (c *condition) evaluate(ctx context.Context, in *policy.Input, a *verify.Attestation) (result, error) {
	vars := &activation{now: in.Now, attestation: a, request: in.Request}
	var err error
	if c.uses["predicate"] {
		read := func() (any, error) { return predicateOf(a, c.shape) }
		if vars.predicate, err = policy.Value(in, a, "lading/cel/predicate/"+c.shape.Name(), read); err != nil {
			return result{}, err
		}
	}
	if c.uses["raw"] {
		if vars.raw, err = policy.Value(in, a, "lading/cel/raw", func() (map[string]any, error) { return rawOf(a) }); err != nil {
			return result{}, err
		}
	}
	value, _, err := c.program.ContextEval(ctx, vars)
	switch {
	case ctx.Err() != nil:
		return result{}, fmt.Errorf("%w: the condition was ended: %w", policy.ErrIndeterminate, context.Cause(ctx))
	case err != nil:
		return result{Error: "the condition failed: " + oneline.Error(err)}, nil
	}
	return result{True: value == types.True}, nil
}

func predicateOf(a *verify.Attestation, shape reflect.Type) (any, error) {
	v := reflect.New(shape)
	if err := decode(a.Predicate, v.Elem()); err != nil {
		return nil, fmt.Errorf("the predicate is no %s that can be read: %w", shape.Name(), err)
	}
	return v.Interface(), nil
}

func rawOf(a *verify.Attestation) (map[string]any, error) {
	var m map[string]any
	if err := decode(a.Predicate, reflect.ValueOf(&m).Elem()); err != nil {
		return nil, fmt.Errorf("the predicate cannot be read: %w", err)
	}
	if m == nil {
		return nil, errors.New("the predicate is no object")
	}
	return m, nil
}

// An activation resolves variables when they are asked for.
type activation struct {
	predicate   any
	raw         map[string]any
	now         time.Time
	attestation *verify.Attestation
	request     *policy.Request
}

func (v *activation) Parent() cel.Activation { return nil }

func (v *activation) ResolveName(name string) (any, bool) {
	switch name {
	case "predicate":
		return v.predicate, true
	case "raw":
		return v.raw, true
	case "now":
		return v.now, true
	case "signers":
		return signersOf(v.attestation), true
	case "subject":
		a := v.attestation
		return &Subject{Digest: string(a.Subject.Digest), Name: a.Name, Annotations: orEmpty(a.Annotations)}, true
	case "request":
		return requestOf(v.request), true
	}
	return nil, false
}

func signersOf(a *verify.Attestation) []Signer {
	out := make([]Signer, len(a.Signers))
	for i, s := range a.Signers {
		out[i] = Signer{Name: s.Name, Entries: s.Entries, Subject: s.Identity.Subject, Issuer: s.Identity.Issuer, Key: s.Key}
		out[i].Claims = orEmpty(s.Claims)
		if s.TimeSource > verify.TimeClaimed {
			out[i].SignedAt = s.SignedAt
		}
	}
	return out
}

func requestOf(r *policy.Request) *Request {
	if r == nil {
		r = &policy.Request{}
	}
	return &Request{Gate: r.Gate, Operation: r.Operation, User: r.User, Groups: r.Groups, Cluster: r.Cluster, Namespace: r.Namespace,
		Kind: r.Kind, Workload: r.Workload, Account: r.Account, Region: r.Region, DryRun: r.DryRun, Attributes: orEmpty(r.Attributes)}
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
