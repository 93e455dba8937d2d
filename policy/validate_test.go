package policy_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
)

// What can never allow anything is an error when the program starts, and Indeterminate for who does not ask.
func TestValidate(t *testing.T) {
	one, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	key := verify.TrustedKey{Key: one.Public()}
	id, err := key.Identity()
	if err != nil {
		t.Fatal(err)
	}
	sig := policy.Require{Kind: verify.ImageSignature}
	bom := policy.Require{Kind: verify.Statement, PredicateTypes: []string{sbomType}}
	with := func(r policy.Require, change func(*policy.Require)) policy.Require { change(&r); return r }
	short := id
	short.Key = id.Key[:63]
	upper := id
	upper.Key = strings.ToUpper(id.Key)
	other, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	ended := verify.TrustedKey{Key: other.Public(), Until: now.Add(-time.Hour)}
	two := []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{key, {Key: other.Public()}}}}
	cert := verify.Identity{Kind: verify.CertificateIdentity, Subject: "CN=alice"}
	keys := []verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{key, key}}}
	certs := []verify.Verifier{&notary.Verifier{CA: notary.AWSRoots(), Identities: []string{"x509.subject: C=US, ST=WA, O=acme"}}}
	both := append(keys[:1:1], certs...)
	for name, tt := range map[string]struct {
		verifiers []verify.Verifier
		policy    policy.Policy
		want      string // in the error; empty: none
	}{
		"good":             {keys, policy.All(sig, bom), ""},
		"pointer":          {keys, &sig, ""},
		"named":            {keys, with(sig, func(r *policy.Require) { r.By = []verify.Identity{id} }), ""},
		"one of two named": {keys, with(sig, func(r *policy.Require) { r.By = []verify.Identity{alice, id} }), ""},
		"a time in a list": {keys, with(bom, func(r *policy.Require) { r.Time, r.By = "/@graph/0/created~1~0", []verify.Identity{id} }),
			""},
		"age by the predicate": {keys, with(bom, func(r *policy.Require) {
			r.By, r.Time, r.MaxAge = []verify.Identity{id}, "/metadata/timestamp", time.Hour
		}), ""},
		"age of certificates": {both, with(bom, func(r *policy.Require) { r.MaxAge = time.Hour }), ""},
		"an alternative":      {keys, policy.Any(sig, with(bom, func(r *policy.Require) { r.MaxAge = time.Hour })), ""},
		"somebody's own":      {keys, policy.Func(func(context.Context, *policy.Input) *policy.Decision { return nil }), ""},
		"no verifiers":        {nil, sig, "no verifiers"},
		"nil verifier":        {[]verify.Verifier{nil}, sig, "verifier 1 of 1"},
		"no keys": {[]verify.Verifier{keys[0], &verify.KeyVerifier{}}, sig,
			"verifier 2 of 2: verify: the verifier has no key"},
		"identity with a typo": {[]verify.Verifier{&notary.Verifier{CA: notary.AWSRoots(), Identities: []string{"C=US"}}}, sig,
			"x509.subject"},
		"no policy":      {keys, nil, "no policy"},
		"nil Func":       {keys, policy.Func(nil), "nil"},
		"nil *Require":   {keys, (*policy.Require)(nil), "nil"},
		"nothing":        {keys, policy.All(), "all of nothing"},
		"any of nothing": {keys, policy.All(sig, policy.Any()), "rule 2 of 2: any of nothing"},
		"nil in a list":  {keys, policy.All(sig, nil), "rule 2 of 2"},
		"no kind":        {keys, policy.Require{}, "invalid"},
		"no URI": {keys, with(bom, func(r *policy.Require) { r.PredicateTypes = []string{"cyclonedx"} }),
			`"cyclonedx" is no absolute URI`},
		"a path": {keys, with(bom, func(r *policy.Require) { r.PredicateTypes = []string{"//cyclonedx.org/bom"} }),
			"no absolute URI"},
		"more than named": {both, with(sig, func(r *policy.Require) { r.By, r.AtLeast = []verify.Identity{id}, 3 }),
			"asks for 3 signers and names 1"},
		"one named twice": {both, with(sig, func(r *policy.Require) { r.By, r.AtLeast = []verify.Identity{id, id}, 2 }),
			"asks for 2 signers and names 1"},
		"one entry twice": {both, with(sig, func(r *policy.Require) { r.ByEntry, r.AtLeast = []string{"x", "x"}, 2 }),
			"asks for 2 signers and names 1"},
		"more than trusted":       {keys, with(sig, func(r *policy.Require) { r.AtLeast = 2 }), "2 signers, and 1 keys are trusted"},
		"nobody trusted is named": {keys, with(sig, func(r *policy.Require) { r.By = []verify.Identity{alice} }), "none of the signers"},
		"one is a typo": {two, with(sig, func(r *policy.Require) { r.By, r.AtLeast = []verify.Identity{id, alice}, 2 }),
			"1 are keys that"},
		"over": {[]verify.Verifier{&verify.KeyVerifier{Keys: []verify.TrustedKey{key, ended}}},
			with(sig, func(r *policy.Require) { r.AtLeast = 2 }), "1 keys are"},
		"no alternative": {keys, policy.Any(with(sig, func(r *policy.Require) { r.AtLeast = 2 }),
			with(bom, func(r *policy.Require) { r.MaxAge = 1 })), "no proven time"},
		"all of no alternative": {keys,
			policy.All(sig, policy.Any(with(sig, func(r *policy.Require) { r.AtLeast = 2 }),
				policy.All(sig, with(bom, func(r *policy.Require) { r.MaxAge = 1 })))), "no proven"},
		"a space behind": {keys, with(bom, func(r *policy.Require) { r.PredicateTypes = []string{sbomType + " "} }),
			"no absolute URI"},
		"a scheme alone": {keys, with(bom, func(r *policy.Require) { r.PredicateTypes = []string{"https://"} }), "no absolute URI"},
		"an image signature's": {keys, with(bom, func(r *policy.Require) { r.PredicateTypes = []string{sign.ImageSignatureType} }),
			"verify.ImageSignature"},
		"a broken pointer": {keys, with(bom, func(r *policy.Require) { r.Time, r.By = "/a~2", []verify.Identity{id} }),
			"JSON pointer"},
		"short digest":      {both, with(sig, func(r *policy.Require) { r.By = []verify.Identity{short} }), "64 lower-case hex"},
		"upper-case digest": {both, with(sig, func(r *policy.Require) { r.By = []verify.Identity{upper} }), "64 lower-case hex"},
		"no subject": {both,
			with(sig, func(r *policy.Require) { r.By = []verify.Identity{{Kind: verify.CertificateIdentity}} }), "subject"},
		"kind that there is not": {both, with(sig, func(r *policy.Require) { r.By = []verify.Identity{{Kind: 9, Subject: "x"}} }), "kind"},
		"certificate with a key": {both,
			with(sig, func(r *policy.Require) { c := cert; c.Key = id.Key; r.By = []verify.Identity{c} }), "key"},
		"age of keys":        {keys, policy.All(sig, with(bom, func(r *policy.Require) { r.MaxAge = time.Hour })), "no proven time"},
		"newest of keys":     {keys, with(bom, func(r *policy.Require) { r.Quantifier = policy.Newest }), "no proven time"},
		"unknown quantifier": {keys, with(bom, func(r *policy.Require) { r.Quantifier = 3 }), "quantifier 3"},
		"anybody's time":     {keys, with(bom, func(r *policy.Require) { r.Time = "/metadata/timestamp" }), "whose is believed"},
		"a time that is no path": {keys, with(bom, func(r *policy.Require) { r.Time, r.By = "metadata", []verify.Identity{id} }),
			"JSON pointer"},
		"all below a name": {keys,
			policy.Named("n", policy.When(policy.Condition{Holds: func(*policy.Input) (bool, error) { return true, nil }},
				with(sig, func(r *policy.Require) { r.AtLeast = 2 }))), "1 keys are trusted"},
		"too few of some": {keys, policy.AtLeast(2, sig, with(sig, func(r *policy.Require) { r.AtLeast = 2 }),
			with(bom, func(r *policy.Require) { r.MaxAge = 1 })), "1 keys are trusted"},
		"enough of some":         {keys, policy.AtLeast(1, sig, with(sig, func(r *policy.Require) { r.AtLeast = 2 })), ""},
		"at least none":          {keys, policy.AtLeast(0, sig), "asks for nothing"},
		"at least too many":      {keys, policy.AtLeast(2, sig), "can never be"},
		"at least, of a warning": {keys, policy.AtLeast(1, sig, policy.Soft(policy.Audit, policy.Enforce, sig)), "only warns"},
		"any, of a warning":      {keys, policy.Any(policy.Named("n", policy.Soft(policy.Warn, policy.Warn, sig)), sig), "only warns"},
		"a warning of nothing":   {keys, policy.Soft(policy.Warn, policy.Enforce, policy.All()), "all of nothing"},
		"a warning": {keys,
			policy.All(sig, policy.Soft(policy.Warn, policy.Warn, with(sig, func(r *policy.Require) { r.AtLeast = 2 }))), ""},
		"an effect there is not": {keys, policy.Soft(3, policy.Enforce, sig), "effect 3"},
		"a condition of nothing": {keys, policy.When(policy.Condition{Words: "x"}, sig), "condition"},
		"a signer ended": {keys, with(sig, func(r *policy.Require) {
			r.Signers = []policy.Signer{{Name: "a", Identities: []verify.Identity{alice}}}
		}), "none of the signers"},
		"time of a signature": {keys, with(sig, func(r *policy.Require) { r.Time, r.By = "/x", []verify.Identity{id} }), "which has none"},
	} {
		g := &policy.Gate{Verifiers: tt.verifiers, Policy: tt.policy, Now: func() time.Time { return now },
			Open: func(context.Context, string) (*policy.Image, error) {
				return &policy.Image{Subject: subject, Source: candidates{}}, nil
			}}
		err := g.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "policy: ") {
			t.Errorf("%s: whose error is it? %v", name, err)
		}
		if d := g.Check(t.Context(), "app"); err != nil && d.Verdict == policy.Allow {
			t.Errorf("%s: %v", name, d)
		}
	}
	if policy.Validate(nil) == nil || policy.Validate(policy.Any()) == nil || policy.Validate(policy.All(sig, &bom)) != nil {
		t.Error("a policy by itself")
	}
	if err := new(policy.Gate).Validate(); err == nil {
		t.Error("the zero gate is valid")
	}
	if err := (*policy.Gate)(nil).Validate(); err == nil {
		t.Error("a gate that is nil is valid")
	}
}

// What is told to be a URI at a glance is one for package net/url.
func FuzzPredicateTypeIsURI(f *testing.F) {
	for _, s := range []string{"https://a", "https:///", "https://-", "https://a..b//c~", "https://a:b", "https://%41"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if policy.Validate(policy.Require{Kind: verify.Statement, PredicateTypes: []string{s}}) != nil {
			return
		}
		if u, err := url.Parse(s); err != nil || !u.IsAbs() || u.Host+u.Path+u.Opaque == "" {
			t.Errorf("%q: %v, %v", s, u, err)
		}
	})
}
