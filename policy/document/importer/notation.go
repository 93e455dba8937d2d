package importer

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Notation imports a trust policy of notation, trustpolicy.json or trustpolicy.oci.json, of version 1.0 (Notary Project,
// specs/trust-store-trust-policy.md). Each of its policies becomes an entry of trust of kind notary, with its stores and identities, and
// an entry of images; the one for "*" comes last.
func Notation(data []byte) (*Result, error) {
	i, root, err := start(data, true)
	if err != nil {
		return nil, err
	}
	if version := root.text("version"); version != "1.0" {
		return nil, fmt.Errorf("importer: %w: a trust policy of version %.20q, and 1.0 is read", ErrFormat, version)
	}
	i.name = "notation"
	var last []func()
	for _, p := range root.list("trustPolicies") {
		name := p.text("name")
		scopes := p.list("registryScopes")
		var match []string
		for _, s := range scopes {
			if s.n.Value == "*" {
				match = append(match, "**")
			} else if text, ok := s.pattern(s.n.Value); ok {
				match = append(match, text)
			}
		}
		rules, denied, mode := i.notationPolicy(p, name)
		p.rest()
		add := func() { i.image(name, match, rules, denied, mode) }
		if slices.Contains(match, "**") {
			last = append(last, add)
		} else {
			add()
		}
	}
	root.rest()
	for _, add := range last {
		add()
	}
	return i.result()
}

// notationPolicy returns what a policy asks for.
func (i *importer) notationPolicy(p *value, name string) (rules []*yaml.Node, denied, mode string) {
	var stores, identities []string
	for _, s := range p.list("trustStores") {
		stores = append(stores, s.n.Value)
	}
	for _, s := range p.list("trustedIdentities") {
		identities = append(identities, s.n.Value)
	}
	sv := p.get("signatureVerification")
	level, revocation := sv.text("level"), ""
	switch level {
	case "strict":
	case "permissive":
		revocation = "soft"
		sv.get("level").leave("permissive only logs that a signature has expired: here it does not count")
	case "audit":
		mode = "audit"
		sv.get("level").leave("audit lets images of signers through whom nobody trusts: " +
			"here the mode audit lets through all that is denied, and every decision says so")
	case "skip":
		sv.get("level").leave("skip lets images in without evidence: say who answers for it, why and until when, with exempt")
		return nil, notImported, ""
	default:
		sv.get("level").orAt(p, "signatureVerification.level").leave("there is no level %.20q", level)
		return nil, notImported, ""
	}
	if o := sv.get("override"); o != nil {
		if r := o.text("revocation"); r == "skip" || r == "log" {
			revocation = map[string]string{"skip": "off", "log": "soft"}[r]
		} else if r == "enforce" {
			revocation = ""
		}
		o.rest()
	}
	with := object("stores", stores, "identities", identities, "verifyTimestamp", sv.text("verifyTimestamp"), "revocation", revocation)
	sv.rest()
	if len(stores) == 0 || len(identities) == 0 {
		p.leave("a policy without trustStores or trustedIdentities trusts nobody")
		return nil, notImported, mode
	}
	return []*yaml.Node{signed([]string{i.entry(name, "kind", "notary", "with", with)}, 1)}, "", mode
}
