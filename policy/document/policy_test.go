package document_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/document"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/verify"
)

var (
	now     = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	subject = verify.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromString("image"), Size: 5}
)

const reviewType = "https://example.com/review/v1"

// A person has a key.
type person struct {
	key *sign.LocalKey
	pem string
}

func newPerson(t testing.TB) *person {
	t.Helper()
	key, err := sign.GenerateKey(sign.P256)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return &person{key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}
}

// yaml is the key as a value of a document.
func (p *person) yaml() string {
	text, _ := json.Marshal(p.pem)
	return string(text)
}

type predicate struct {
	kind string
	body any
}

func (p predicate) PredicateType() string        { return p.kind }
func (p predicate) MarshalJSON() ([]byte, error) { return json.Marshal(p.body) }

func (p *person) sign(t testing.TB, what sign.Predicate) verify.Descriptor {
	t.Helper()
	d, err := (&sign.BundleSigner{Key: p.key}).Sign(context.Background(), sign.About(subject, what))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func source(candidates ...verify.Descriptor) verify.Source {
	return verify.SourceFunc(func(context.Context, verify.Descriptor) iter.Seq2[verify.Descriptor, error] {
		return func(yield func(verify.Descriptor, error) bool) {
			for _, c := range candidates {
				if !yield(c, nil) {
					return
				}
			}
		}
	})
}

func parse(t testing.TB, text string) *document.Document {
	t.Helper()
	d, err := document.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func load(t testing.TB, text string) *document.Policy {
	t.Helper()
	p, err := parse(t, text).Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// check asks as a door does.
func check(p *document.Policy, door, name string, at time.Time, candidates ...verify.Descriptor) *policy.Decision {
	gate := &policy.Gate{
		Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: source(candidates...)}, nil
		},
		Verifiers: p.Verifiers(), Policy: p, Now: func() time.Time { return at },
	}
	return gate.CheckRequest(context.Background(), name, &policy.Request{Gate: door})
}

const app = "registry.example.com/shop/app:v1"

func TestDecide(t *testing.T) {
	alice, bob, mallory := newPerson(t), newPerson(t), newPerson(t)
	p := load(t, fmt.Sprintf(`
version: 1
name: shop
serial: 3
expires: 2027-01-01
trust:
  - {name: alice, key: %s}
  - {name: bob, key: %s}
gates:
  sweep: {mode: audit}
  staging: {mode: warn}
  strict-warn: {mode: warn, indeterminate: deny}
rules:
  base:
    require:
      - {name: signed, signature: {by: [alice]}}
images:
  - name: two
    match: [registry.example.com/two/*]
    require:
      - {name: both, signature: {atLeast: 2}}
  - name: shop
    match: [registry.example.com/shop/**]
    require:
      - use: base
      - name: reviewed
        attestation: {types: [%s], by: [alice, bob], quantifier: every}
        gates: {new-rule: {mode: warn}}
  - match: [registry.example.com/old/app]
    exempt: {owner: ops, reason: moves in December, expires: 2026-12-31}
  - match: [registry.example.com/bad/**]
    deny: compromised in March
injected:
  - {name: guard, accounts: ["111122223333"], regions: [eu-central-1], repositories: [aws-guard/*]}
`, alice.yaml(), bob.yaml(), reviewType))
	if err := policy.Validate(p); err != nil {
		t.Fatal(err)
	}
	image := sign.ImageSignature{}
	review := predicate{reviewType, map[string]any{"ok": true}}
	all := []verify.Descriptor{alice.sign(t, image), bob.sign(t, image), bob.sign(t, review)}
	for _, tt := range []struct {
		name, door, image string
		evidence          []verify.Descriptor
		at                time.Time
		want              policy.Verdict
		warnings          int
		reason            string
	}{
		{"allowed", "pipeline", app, all, now, policy.Allow, 0, "signed: image signature by alice"},
		{"denied", "pipeline", app, all[:1], now, policy.Deny, 0, "reviewed: no attestation of type " + reviewType},
		{"denied: signed by a stranger", "pipeline", app, []verify.Descriptor{mallory.sign(t, image)}, now, policy.Deny, 0,
			"signer is not trusted"},
		{"warned", "staging", app, all[:1], now, policy.Allow, 1, "warn only (DENY): reviewed"},
		{"audited", "sweep", app, nil, now, policy.Allow, 2, "audit only (DENY): "},
		{"a rule's own mode", "new-rule", app, all[:1], now, policy.Allow, 1, "warn only (DENY): reviewed"},
		{"a rule's own mode is not another's", "new-rule", app, all[2:], now, policy.Deny, 0, "signed: no image signature"},
		{"two signers", "pipeline", "registry.example.com/two/app", all, now, policy.Allow, 0, "both: "},
		{"one signer", "pipeline", "registry.example.com/two/app", all[:1], now, policy.Deny, 0, "1 of 2"},
		{"no entry", "pipeline", "registry.example.com/shop", all, now, policy.Deny, 0,
			"no entry of images in \"shop\" matches registry.example.com/shop"},
		{"no entry, warned", "staging", "registry.example.com/shop", all, now, policy.Allow, 1, "no entry"},
		{"no name", "pipeline", "registry.example.com/Shop/App", all, now, policy.Deny, 0, "is no name of an image"},
		{"expired", "pipeline", app, all, now.AddDate(0, 2, 0), policy.Indeterminate, 0, "expired at 2027-01-01T00:00:00Z"},
		{"expired, audited: not in silence", "sweep", app, all, now.AddDate(0, 2, 0), policy.Allow, 1,
			"warn only (INDETERMINATE): the policy"},
		{"expired, warned but indeterminate denies", "strict-warn", app, all, now.AddDate(0, 2, 0), policy.Indeterminate, 0, "expired"},
		{"exempt", "pipeline", "registry.example.com/old/app", nil, now, policy.Allow, 0,
			"exempt until 2026-12-31T00:00:00Z: moves in December (ops)"},
		{"exempt no longer", "pipeline", "registry.example.com/old/app", nil, time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), policy.Deny, 0,
			"the exemption ended"},
		{"denied by name", "pipeline", "registry.example.com/bad/app", all, now, policy.Deny, 0, "compromised in March"},
		{"injected", "pipeline", "111122223333.dkr.ecr.eu-central-1.amazonaws.com/aws-guard/agent:v1", nil, now, policy.Allow, 0,
			"it is from account 111122223333"},
		{"injected, another region", "pipeline", "111122223333.dkr.ecr.us-east-1.amazonaws.com/aws-guard/agent:v1", nil, now, policy.Deny,
			0, "no entry"},
		{"injected, another account", "pipeline", "111122223334.dkr.ecr.eu-central-1.amazonaws.com/aws-guard/agent:v1", nil, now,
			policy.Deny, 0, "no entry"},
		{"injected, by a host that only looks so", "pipeline",
			"111122223333.dkr.ecr.eu-central-1.amazonaws.com.example.com/aws-guard/agent", nil, now, policy.Deny, 0, "no entry"},
		{"injected, by a port", "pipeline", "111122223333.dkr.ecr.eu-central-1.amazonaws.com:8443/aws-guard/agent", nil, now, policy.Deny,
			0, "no entry"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := check(p, tt.door, tt.image, tt.at, tt.evidence...)
			if d.Verdict != tt.want || len(d.Warnings()) != tt.warnings || !strings.Contains(d.Reason, tt.reason) {
				t.Errorf("%+v\nwarnings %d\nwant %v with %d: %s", d, len(d.Warnings()), tt.want, tt.warnings, tt.reason)
			}
			if d.Document == nil || d.Document.Name != "shop" || d.Document.Version != "3" || d.Document.Digest != p.Document().Digest() {
				t.Errorf("by document %+v", d.Document)
			}
			if d.Verdict == policy.Allow && d.Until.After(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) && len(d.Warnings()) == 0 {
				t.Errorf("holds until %s, after the document has expired", d.Until)
			}
		})
	}
	if d := check(p, "pipeline", app, now.AddDate(0, 2, 0), all...); !errors.Is(d.Err(), document.ErrExpired) {
		t.Errorf("expired: %v", d.Err())
	}
}

// A signer of trust is one for as long as the entry says.
func TestTrustSpan(t *testing.T) {
	alice := newPerson(t)
	signature := alice.sign(t, sign.ImageSignature{})
	for _, tt := range []struct {
		span string
		at   time.Time
		want policy.Verdict
	}{
		{"from: 2026-01-01", now, policy.Allow},
		{"from: 2026-12-01", now, policy.Deny},
		{"until: 2026-12-01", now, policy.Allow},
		{"until: 2026-11-01", now, policy.Deny},            // a key proves no time
		{"compromisedSince: 2026-11-01", now, policy.Deny}, // and a key that is known to be compromised is so now
		{"until: 2026-12-01", now.AddDate(0, 0, 4), policy.Deny},
	} {
		p := load(t, fmt.Sprintf("version: 1\nname: x\ntrust:\n  - name: alice\n    key: %s\n    %s\nimages:\n  - {match: [\"**\"], "+
			"require: [{signature: {}}]}\n",
			alice.yaml(), tt.span))
		if d := check(p, "", app, tt.at, signature); d.Verdict != tt.want {
			t.Errorf("%s at %s: %v", tt.span, tt.at, d)
		}
	}
}

// What the program brings is asked for by its kind, with what the document says.
func TestTrustKinds(t *testing.T) {
	alice := newPerson(t)
	const text = "version: 1\nname: x\ntrust:\n  - name: store\n    kind: file\n    with: {%s}\nimages:\n  - {match: [\"**\"], " +
		"require: [{signature: {by: [store]}}]}\n"
	kinds := map[string]document.TrustFunc{"file": func(tr *document.Trust) (verify.Verifier, error) {
		var with struct {
			Path    string `yaml:"path,required"`
			Refresh time.Duration
		}
		if err := tr.Decode(&with); err != nil {
			return nil, err
		}
		if with.Path != "alice.pub" {
			return nil, fmt.Errorf("there is no file %s", with.Path)
		}
		key, err := verify.ParseTrustedKey([]byte(alice.pem))
		return &verify.KeyVerifier{Keys: []verify.TrustedKey{key}}, err
	}}
	p, err := parse(t, fmt.Sprintf(text, "path: alice.pub, refresh: 1h")).Load(&document.Options{Trust: kinds})
	if err != nil {
		t.Fatal(err)
	}
	if d := check(p, "", app, now, alice.sign(t, sign.ImageSignature{})); d.Verdict != policy.Allow ||
		!strings.Contains(d.Reason, "store") {
		t.Errorf("%v", d)
	}
	for _, tt := range []struct{ with, want string }{
		{"path: bob.pub", "4:5: trust[0]: there is no file bob.pub"},
		{"paths: alice.pub", `6:12: trust[0].with: unknown field "paths": did you mean "path"?`},
		{"refresh: 1h", `6:11: trust[0].with: the field "path" is missing`},
		{"path: [alice.pub]", "6:18: trust[0].with.path: a text is wanted here, and this is a list: write the one value without the list"},
	} {
		_, err := parse(t, fmt.Sprintf(text, tt.with)).Load(&document.Options{Trust: kinds})
		if err == nil || err.Error() != "document: "+tt.want {
			t.Errorf("%s: %v, want %s", tt.with, err, tt.want)
		}
	}
	_, err = parse(t, fmt.Sprintf(text, "path: alice.pub")).Load(
		&document.Options{Trust: map[string]document.TrustFunc{"files": kinds["file"]}})
	if err == nil || !strings.Contains(err.Error(), `no kind of trust "file": did you mean "files"?`) {
		t.Errorf("%v", err)
	}
	if p, err := parse(t, fmt.Sprintf(text, "path: alice.pub")).Load(&document.Options{Unbound: true}); err != nil || p.Validate() == nil {
		t.Errorf("unbound: %v", err)
	} else if d := check(p, "", app, now, alice.sign(t, sign.ImageSignature{})); d.Verdict != policy.Indeterminate {
		t.Errorf("unbound: %v", d)
	}
}

// What can never be met is an error when the document is loaded.
func TestLoadRefuses(t *testing.T) {
	alice := newPerson(t)
	const text = "version: 1\nname: x\n%srules:\n  a: {require: [{use: b}]}\n  b: {require: [{use: a}]}\n" +
		"images:\n  - match: [\"**\"]\n    require:\n      - %s\n"
	trust := fmt.Sprintf("trust: [{name: alice, key: %s}]\n", alice.yaml())
	for _, tt := range []struct{ trust, rule, want string }{
		{trust, "use: a", `images[0].require[0]`},
		{"", "signature: {}", "images[0].require[0].signature: trust names nobody, so this is never met"},
		{trust, "signature: {maxAge: 1d}", "maxAge: signatures by keys have no proven time, so this is never met"},
		{trust, "signature: {atLeast: 2}", "asks for 2 signers and names 1"},
		{trust, "atLeast: {n: 2, of: [{signature: {}}]}", "at least 2 rules of 1"},
		{trust, "anyOf: [{signature: {}, gates: {x: {mode: warn}}}]", "rules below anyOf and atLeast decide together"},
		{trust, "attestation: {types: [https://x.example/y], condition: {cel: 'true'}}", "this program brings no language for conditions"},
		{strings.Replace(trust, "}", ", from: 2026-01-02, until: 2026-01-01}", 1), "signature: {}", "from is not before until"},
		{strings.Replace(trust, "}]", "}, {name: bob, key: "+alice.yaml()+"}]", 1), "signature: {}", `the key is that of "alice", too`},
		{"trust: [{name: alice, key: '-----BEGIN CERTIFICATE-----'}]\n", "signature: {}", "not a public key in PEM"},
	} {
		_, err := parse(t, fmt.Sprintf(text, tt.trust, tt.rule)).Load(nil)
		if err == nil || !errors.Is(err, document.ErrDocument) || tt.rule != "use: a" && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.rule, err, tt.want)
		}
		if tt.rule == "use: a" && (err == nil || !strings.Contains(err.Error(), `the set "a" uses itself`)) {
			t.Errorf("%v", err)
		}
	}
}

// A small document is not made large, by sets that use each other or by doors.
func TestBounds(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\nname: x\ntrust: [{name: a, kind: b}]\nrules:\n")
	for i := range 30 {
		fmt.Fprintf(&b, "  s%d: {require: [{use: s%d}, {use: s%d}, {use: s%d}]}\n", i, i+1, i+1, i+1)
	}
	b.WriteString("  s30: {require: [{signature: {}}]}\nimages: [{match: ['**'], require: [{use: s0}]}]\n")
	doc := parse(t, b.String())
	doc.Lint()
	if _, err := doc.Load(&document.Options{Unbound: true}); err == nil || !strings.Contains(err.Error(), "more than 5000 rules") {
		t.Errorf("%v", err)
	}
	b.Reset()
	b.WriteString("version: 1\nname: x\ntrust: [{name: a, kind: b}]\ngates:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "  g%d: {mode: warn}\n", i)
	}
	b.WriteString("images: [{match: ['**'], require: [{signature: {}}]}]\n")
	if _, err := parse(t, b.String()).Load(&document.Options{Unbound: true}); err == nil || !strings.Contains(err.Error(), "at most 32") {
		t.Errorf("%v", err)
	}
}

// A key that two entries of trust let in is one signer.
func TestOneKeyTwice(t *testing.T) {
	alice := newPerson(t)
	text := fmt.Sprintf("version: 1\nname: x\ntrust: [{name: one, key: %s}, {name: two, kind: file}]\nimages: [{match: [\"**\"], "+
		"require: [{signature: {by: [one, two], atLeast: 2}}]}]\n", alice.yaml())
	p, err := parse(t, text).Load(
		&document.Options{Trust: map[string]document.TrustFunc{"file": func(*document.Trust) (verify.Verifier, error) {
			return alice.verifier(t), nil
		}}})
	if err != nil {
		t.Fatal(err)
	}
	if d := check(p, "", app, now, alice.sign(t, sign.ImageSignature{})); d.Verdict != policy.Deny ||
		!strings.Contains(d.Reason, "1 of 2") {
		t.Errorf("%v", d)
	}
}

// A program that asks at a door without a request says which door it is to rules, too.
func TestAt(t *testing.T) {
	alice := newPerson(t)
	p := load(t, fmt.Sprintf("version: 1\nname: x\ntrust: [{name: alice, key: %s}]\ngates: {soft: {mode: warn}}\nimages: [{match: "+
		"[\"**\"], require: [{signature: {}}, {when: {gates: [hard]}, attestation: {types: [%s]}}]}]\n", alice.yaml(), reviewType))
	in := &policy.Input{Name: app, Now: now,
		Report: verify.Collect(context.Background(), subject, source(alice.sign(t, sign.ImageSignature{})), p.Verifiers()...)}
	for door, want := range map[string]policy.Verdict{"hard": policy.Deny, "other": policy.Allow, "soft": policy.Allow} {
		if d := policy.Decide(context.Background(), p.At(door), in); d.Verdict != want {
			t.Errorf("%s: %v", door, d)
		}
	}
	if d := policy.Decide(context.Background(), p, in); d.Verdict != policy.Indeterminate {
		t.Errorf("no door: %v", d)
	}
}

// A rule with a condition that the door cannot tell is not left out.
func TestWhen(t *testing.T) {
	alice := newPerson(t)
	p := load(t, fmt.Sprintf(`
version: 1
name: x
trust: [{name: alice, key: %s}]
images:
  - match: ["**"]
    require:
      - {signature: {}}
      - when: {namespaces: [prod]}
        attestation: {types: [%s]}
`, alice.yaml(), reviewType))
	in := func(r *policy.Request) policy.Verdict {
		gate := &policy.Gate{Verifiers: p.Verifiers(), Policy: p, Open: func(context.Context, string) (*policy.Image, error) {
			return &policy.Image{Subject: subject, Source: source(alice.sign(t, sign.ImageSignature{}))}, nil
		}}
		return gate.CheckRequest(context.Background(), app, r).Verdict
	}
	for _, tt := range []struct {
		request *policy.Request
		want    policy.Verdict
	}{
		{&policy.Request{Namespace: "prod"}, policy.Deny},
		{&policy.Request{Namespace: "dev"}, policy.Allow},
		{&policy.Request{}, policy.Indeterminate},
		{nil, policy.Indeterminate},
	} {
		if got := in(tt.request); got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.request, got, tt.want)
		}
	}
}

// The digest is that of what the document says.
func TestDigest(t *testing.T) {
	const a = "version: 1\nname: x\nimages:\n  - {match: [\"**\"], deny: \"no \\\"é\\\"\"}\n"
	one := parse(t, a)
	two := parse(t, "# a comment\nname: 'x'\nimages: [{deny: 'no \"é\"', match: ['**']}]\nversion: 1\n")
	text, _ := one.MarshalJSON()
	three := parse(t, string(text))
	if one.Digest() != two.Digest() || one.Digest() != three.Digest() {
		t.Errorf("%s, %s, %s of %s", one.Digest(), two.Digest(), three.Digest(), text)
	}
	if other := parse(t, strings.Replace(a, "no", "yes", 1)); other.Digest() == one.Digest() {
		t.Error("another document has the same digest")
	}
}
