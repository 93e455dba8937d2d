// Package document reads policies that people write down, and turns them into a [policy.Policy].
//
//	version: 1
//	name: shop
//	serial: 7
//	expires: 2027-06-30
//	trust:
//	  - name: release team
//	    key: |
//	      -----BEGIN PUBLIC KEY-----
//	      ...
//	  - name: ecr
//	    kind: aws-signer                 # a kind of trust that the program brings
//	    with: {profile: "arn:aws:signer:eu-central-1:123456789012:/signing-profiles/shop"}
//	gates:
//	  admission: {mode: deny}
//	  sweep: {mode: audit, indeterminate: warn}
//	images:
//	  - name: shop
//	    match: [123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/**]
//	    require:
//	      - name: signed
//	        signature: {by: [ecr]}
//	      - name: reviewed
//	        attestation: {types: ["https://example.com/review/v1"], by: [release team], quantifier: every}
//
// A program loads it and asks:
//
//	doc, err := document.Parse(data)      // every fault, with its line, its column and what to write instead
//	p, err := doc.Load(&document.Options{Trust: map[string]document.TrustFunc{"aws-signer": awsSigner}})
//	gate := &policy.Gate{Open: gate.Open(nil), Verifiers: p.Verifiers(), Policy: p}
//	decision := gate.CheckRequest(ctx, name, &policy.Request{Gate: "admission"})
//
// The decision says which document it was made by, with its digest ([Document.Digest]).
//
// # Which entry decides
//
// The first entry of images with a pattern that matches decides, and no other; one further down is never asked, which [Document.Lint]
// finds. An image that no entry matches is denied. Names are compared in one spelling, so that upper case in a host, the port 443
// or another name of Docker Hub chooses no other entry.
//
//	registry.example.com/shop/app    that repository
//	registry.example.com/shop/*      one part more; * also stands for some letters of a part, as in app-*
//	registry.example.com/shop/**     one part or more
//	*.dkr.ecr.*.amazonaws.com/shop   * for a whole label of the host, but for the last two
//	docker.io/nginx                  docker.io/library/nginx, as Docker has it
//	**                               every image
//
// # Rules
//
//	signature          the image is signed
//	attestation        there is an attestation of a type, with a condition on its content
//	summary            a gate before this one allowed the image (package policy/vsa)
//	sbom, components, licenses, vulnerabilities, provenance, keyless
//	                   the rules of package policy/rules, with all of their fields
//	allOf, anyOf       all, or one, of several rules
//	atLeast            n of several rules, each by signers of its own
//	use                a set of rules that stands once, under rules
//
// Each may have a name, which reasons begin with, a when, which says for which requests it is, and gates. What a field means stands
// in schema.json beside this package, and editors show it: "# yaml-language-server: $schema=schema.json" in the first line.
//
// # What a refusal does
//
// A door asks under a name, in [policy.Request]. Under gates, mode says what a Deny does there: deny refuses, warn lets through and
// says so, audit lets through and writes it down; indeterminate says what it does that nothing could be decided: deny or warn,
// never silence. A door that is not named refuses. An entry and a rule may have gates of their own. Whatever was let through is
// in [policy.Decision.Warnings], and such a decision is no full allow.
//
// # Whom it trusts
//
// Keys stand in the document. Every other kind of trust, such as files, keys in a KMS, stores of Notary Project, profiles of AWS
// Signer and keyless identities, comes from the program, in Options.Trust, so that a document brings no package with it that the
// program does not use. Package policy/document/kinds has some ready made. An entry may have from, until and compromisedSince.
//
// # Strict
//
// Unknown fields, wrong types, duplicates, empty lists and texts, anchors and tags are errors. An empty list would mean "nobody" to
// one reader and "everybody" to another. The JSON Schema in schema.json, which [Schema] returns, tells editors the same.
//
// # Signed documents
//
// A [Signed] fetches a document with its signatures, by tag or digest, and gives it out if those who must signed it and it is no older
// than one that was seen before.
package document

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/internal/nearest"
	"github.com/ladingdev/lading/policy"
)

// A Document is a policy as somebody wrote it. It is read, and not yet bound to what the program brings: [Document.Load] does that.
type Document struct {
	spec  *spec
	root  *yaml.Node
	data  []byte // as it was written
	json  []byte // in canonical form
	about *policy.Document
}

// Parse reads a document of YAML, or of JSON if it begins with a brace. Every fault is told: the error is [Errors].
func Parse(data []byte) (*Document, error) {
	root, err := nodes(data)
	if err != nil {
		return nil, err
	}
	d := &Document{spec: new(spec), root: root, data: append([]byte(nil), data...)}
	r := read(root, d.spec)
	if d.spec.Version > 1 {
		r.faults = nil // which a later version may explain
		r.fault(locate(root, "version"), "version", "this program reads version 1", "version %d", d.spec.Version)
		return nil, r.err()
	}
	d.resolve(r)
	if err = r.err(); err != nil {
		return nil, err
	}
	d.json = canonical(nil, root)
	sum := sha256.Sum256(d.json)
	d.about = &policy.Document{Name: d.spec.Name, Digest: "sha256:" + hex.EncodeToString(sum[:])}
	if d.spec.Serial > 0 {
		d.about.Version = strconv.Itoa(d.spec.Serial)
	}
	return d, nil
}

// Bounds of what a document may have, so that a hostile one costs little: nobody writes as much.
const (
	maxTrust    = 500
	maxPatterns = 5_000
)

// resolve looks whether what the document refers to is in it.
func (d *Document) resolve(r *reader) {
	names := map[string][]string{}
	known := map[[2]string]bool{}
	add := func(kind, name string) {
		names[kind], known[[2]string{kind, name}] = append(names[kind], name), true
	}
	for i := range d.spec.Trust {
		add("trust", d.spec.Trust[i].Name)
	}
	for i := range d.spec.Rules {
		add("rules", d.spec.Rules[i].Name)
	}
	words := map[string]string{"trust": "no entry of trust is called %.80q", "rules": "no set of rules is called %.80q"}
	for _, ref := range r.refs {
		if !known[[2]string{ref.kind, ref.name}] {
			r.fault(ref.place, ref.path, nearest.Suggest(ref.name, names[ref.kind]), words[ref.kind], ref.name)
		}
	}
	patterns := 0
	for i := range d.spec.Images {
		patterns += len(d.spec.Images[i].Match)
	}
	if n := len(d.spec.Trust); n > maxTrust {
		r.fault(locate(d.root, "trust"), "trust", "", "%d entries, and at most %d are read", n, maxTrust)
	}
	if patterns > maxPatterns {
		r.fault(locate(d.root, "images"), "images", "", "%d patterns, and at most %d are read", patterns, maxPatterns)
	}
}

// Name returns what people call the policy.
func (d *Document) Name() string { return d.spec.Name }

// Serial returns the number that grows with every change; zero if there is none.
func (d *Document) Serial() int { return d.spec.Serial }

// Expires returns from when on the policy allows nothing; zero is never.
func (d *Document) Expires() time.Time { return d.spec.Expires }

// Digest returns the SHA-256 of the canonical form, such as "sha256:5f70bf18a086...". Comments, white space, the order of fields,
// and whether it is YAML or JSON, do not change it.
func (d *Document) Digest() string { return d.about.Digest }

// MarshalJSON returns the canonical form: JSON without white space, with the members of objects in the order of their names. It
// is a document itself, with the same digest.
func (d *Document) MarshalJSON() ([]byte, error) { return append([]byte(nil), d.json...), nil }

func (d *Document) identity() *policy.Document {
	about := *d.about
	return &about
}
