package document

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/internal/nearest"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/verify"
)

// A TrustFunc makes the verifier of one entry of trust. Whatever it accepts, the entry vouches for; a signer whom it proves counts
// under the entry's name, for as long as the entry says.
type TrustFunc func(t *Trust) (verify.Verifier, error)

// Trust is an entry of trust whose kind the program brings.
type Trust struct {
	Name string // of the entry
	Kind string // by which the TrustFunc was chosen

	with *yaml.Node
	path string
}

// Decode fills v, which points to a struct, with what the entry says under "with": strictly, as the document itself is read. A field
// is called as in Go with its first letter in lower case, or as its tag says: `yaml:"name,required" enum:"a|b" format:"digest"`.
// Fields are texts, numbers, booleans, [time.Duration], [time.Time], lists and structs of such. The error is [Errors].
func (t *Trust) Decode(v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("document: Decode into a %T, which is no pointer to a struct", v)
	}
	with := t.with
	if with == nil {
		with = &yaml.Node{Kind: yaml.MappingNode}
	}
	r := new(reader)
	r.value(with, target.Elem(), &field{shape: shapeOf(target.Type()), min: 1}, t.path+".with")
	return r.err()
}

// schemes are the ways of signing, by their names in documents.
var schemes = map[string]verify.Scheme{
	"ECDSA-SHA256": verify.ECDSAWithSHA256, "ECDSA-SHA384": verify.ECDSAWithSHA384, "ECDSA-SHA512": verify.ECDSAWithSHA512,
	"SHA256-RSA": verify.SHA256WithRSA, "SHA384-RSA": verify.SHA384WithRSA, "SHA512-RSA": verify.SHA512WithRSA,
	"SHA256-RSAPSS": verify.SHA256WithRSAPSS, "SHA384-RSAPSS": verify.SHA384WithRSAPSS, "SHA512-RSAPSS": verify.SHA512WithRSAPSS,
	"Ed25519": verify.PureEd25519, "Ed25519ph": verify.Ed25519ph,
	"ML-DSA-44": verify.PureMLDSA44, "ML-DSA-65": verify.PureMLDSA65, "ML-DSA-87": verify.PureMLDSA87,
}

var evidenceFormats = map[string]verify.Format{"bundle": verify.Bundle, "dsse": verify.DSSE, "simple-signing": verify.SimpleSigning}

// An entry is one of trust, with its verifier.
type entry struct {
	name     string
	verifier verify.Verifier
}

// trust makes the entries' verifiers, and the signers that rules name.
func (l *loader) trust() {
	for i := range l.spec.Trust {
		t := &l.spec.Trust[i]
		path := fmt.Sprintf("trust[%d]", i)
		if l.signers[t.Name] != nil {
			l.fault(path, "", "the name %q is used twice", t.Name)
			continue
		}
		v, err := l.verifier(t, path)
		switch own := Errors(nil); {
		case errors.As(err, &own):
			l.r.faults = append(l.r.faults, own...)
		case err != nil:
			l.fail(path, &Error{Reason: trimmed(err), Err: err})
		}
		l.checkSpan(t, path)
		s := &policy.Signer{Name: t.Name, Entries: []string{t.Name}, From: t.From, Until: t.Until, CompromisedSince: t.CompromisedSince}
		l.signers[t.Name] = s
		l.entries = append(l.entries, entry{t.Name, v})
	}
}

func (l *loader) checkSpan(t *trustSpec, path string) {
	for _, end := range []struct {
		name string
		at   time.Time
	}{{"until", t.Until}, {"compromisedSince", t.CompromisedSince}} {
		if !end.at.IsZero() && !t.From.Before(end.at) {
			l.fault(path, "", "from is not before %s, so that it counts at no time", end.name)
		}
	}
}

func (l *loader) verifier(t *trustSpec, path string) (verify.Verifier, error) {
	if t.Key != "" {
		if t.With != nil {
			l.fault(path, "", "with is for a kind, and this is a key")
		}
		key, err := verify.ParseTrustedKey([]byte(t.Key))
		if err != nil {
			return nil, err
		}
		key.Name = t.Name
		for _, s := range t.Schemes {
			key.Schemes = append(key.Schemes, schemes[s])
		}
		v := &verify.KeyVerifier{Keys: []verify.TrustedKey{key}, Now: l.opts.Now}
		for _, f := range t.Formats {
			v.Formats = append(v.Formats, evidenceFormats[f])
		}
		id, err := key.Identity()
		if err != nil {
			return nil, err
		}
		if other := l.keys[id]; other != "" {
			return nil, fmt.Errorf("the key is that of %q, too: one key is one signer", other)
		}
		l.keys[id] = t.Name
		return v, v.Validate()
	}
	if len(t.Schemes)+len(t.Formats) > 0 {
		l.fault(path, "", "schemes and formats are for a key: a kind says them under with")
	}
	if l.opts.Unbound {
		return nil, nil
	}
	make := l.opts.Trust[t.Kind]
	if make == nil {
		kinds := slices.Sorted(mapKeys(l.opts.Trust))
		return nil, fmt.Errorf("this program brings no kind of trust %q: %s", t.Kind, nearest.Suggest(t.Kind, kinds))
	}
	v, err := make(&Trust{Name: t.Name, Kind: t.Kind, with: t.With, path: path})
	if err == nil && v == nil {
		err = errors.New("the program's function returned no verifier")
	}
	if err == nil {
		if check, ok := v.(interface{ Validate() error }); ok {
			err = check.Validate()
		}
	}
	return v, err
}

// A trusted is the verifier of all entries together. Each of them is asked, because a signer may match several.
type trusted struct {
	entries []entry
}

func (t *trusted) Verify(ctx context.Context, subject, evidence verify.Descriptor) (*verify.Attestation, error) {
	var accepted *verify.Attestation
	var refused []error
	foreign := error(fmt.Errorf("document: %w", verify.ErrFormat))
	for _, e := range t.entries {
		a, err := e.verifier.Verify(ctx, subject, evidence)
		switch {
		case err == nil && a == nil:
			refused = append(refused, fmt.Errorf("%w: the verifier of %q returned nothing", verify.ErrUnchecked, e.name))
		case err == nil:
			accepted = merge(accepted, a, e.name)
		case errors.Is(err, verify.ErrFormat):
			foreign = err
		case len(t.entries) > 1:
			refused = append(refused, fmt.Errorf("%s: %w", e.name, err))
		default:
			refused = append(refused, err)
		}
	}
	switch {
	case accepted != nil:
		for _, err := range refused {
			if errors.Is(err, verify.ErrUnchecked) {
				accepted.Checks = append(accepted.Checks, verify.Check{Name: "signer", Status: verify.NotChecked, Reason: err.Error()})
			}
		}
		return accepted, nil
	case refused != nil:
		return nil, distinct(refused)
	}
	return nil, foreign
}

// merge adds what an entry's verifier proved of the same evidence.
func merge(into, a *verify.Attestation, name string) *verify.Attestation {
	signers := slices.Clone(a.Signers)
	for i := range signers {
		signers[i].Entries = append(slices.Clone(signers[i].Entries), name)
		if signers[i].Name == "" {
			signers[i].Name = name
		}
	}
	if into == nil {
		c := *a
		c.Signers, c.Checks = signers, slices.Clone(a.Checks)
		return &c
	}
	if into.Kind != a.Kind || into.PredicateType != a.PredicateType || !bytes.Equal(into.Predicate, a.Predicate) {
		return into // read in another way, by which it was not accepted first
	}
	for _, s := range signers {
		i := slices.IndexFunc(into.Signers, func(known verify.Signer) bool {
			return known.Identity == s.Identity || s.Key != "" && known.Key == s.Key
		})
		if i < 0 {
			into.Signers = append(into.Signers, s)
			continue
		}
		known := &into.Signers[i]
		for _, e := range s.Entries {
			if !slices.Contains(known.Entries, e) {
				known.Entries = append(known.Entries, e)
			}
		}
	}
	return into
}

// distinct joins errors, each once by what it says behind the entry's name: ten entries that do not know a signer say it once.
func distinct(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	seen := make(map[string]bool)
	var out []error
	for _, err := range errs {
		inner := err
		if u := errors.Unwrap(err); u != nil {
			inner = u
		}
		if !seen[inner.Error()] {
			seen[inner.Error()] = true
			out = append(out, err)
		}
	}
	return errors.Join(out...)
}
