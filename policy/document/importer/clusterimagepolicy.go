package importer

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ClusterImagePolicy imports a policy of sigstore's policy-controller, policy.sigstore.dev/v1alpha1 or v1beta1. A file holds one: an
// image that two match must meet both, and in a document one entry decides.
//
// Any of its authorities will do, and each asks for a signature, or for all of its attestations. A key whose signatures must be in
// a log becomes a kind of trust keyless with that key, because keys in documents are asked of no log.
func ClusterImagePolicy(data []byte) (*Result, error) {
	i, root, err := start(data, false)
	if err != nil {
		return nil, err
	}
	api := root.text("apiVersion")
	if kind := root.text("kind"); kind != "ClusterImagePolicy" || !strings.HasPrefix(api, "policy.sigstore.dev/") {
		return nil, fmt.Errorf("importer: %w: a %.40q of %.60q, not a ClusterImagePolicy of policy.sigstore.dev", ErrFormat, kind, api)
	}
	meta := root.get("metadata")
	i.name = meta.text("name")
	root.taken["status"] = true
	spec := root.get("spec")
	if mode := spec.get("mode"); mode != nil {
		switch mode.n.Value {
		case "warn":
			i.mode = "warn"
		case "enforce":
		default:
			mode.leave("there is no mode %.20q", mode.n.Value)
		}
	}
	var match []string
	for _, img := range spec.list("images") {
		glob := img.get("glob")
		if glob == nil {
			img.leave("an image without a glob")
			continue
		}
		if text, ok := glob.pattern(glob.n.Value); ok {
			match = append(match, text)
		}
		img.rest()
	}
	denied, rules := "", []*yaml.Node(nil)
	for k, a := range spec.list("authorities") {
		rule, why := i.authority(a, k)
		if why != "" {
			denied = why
		}
		if rule != nil {
			rules = append(rules, rule)
		}
	}
	if p := spec.get("policy"); p != nil {
		p.leave("a policy in %s over all authorities: write it as rules", p.text("type"))
		denied = notImported
	}
	if m := spec.get("match"); m != nil {
		m.leave("it is for some resources alone: here it is for all that have these images")
	}
	spec.rest()
	root.rest()
	if rules != nil {
		rules = []*yaml.Node{anyOf(rules)}
	}
	i.image(i.name, match, rules, denied, "")
	return i.result()
}

// authority returns the rule of an authority, or why all is denied.
func (i *importer) authority(a *value, k int) (rule *yaml.Node, denied string) {
	name := a.text("name")
	if name == "" {
		name = fmt.Sprintf("authority-%d", k)
	}
	defer a.rest()
	if s := a.get("static"); s != nil {
		message := s.text("message")
		switch s.text("action") {
		case "fail":
			if message == "" {
				message = "denied by the authority " + name
			}
			return nil, message
		default:
			s.leave("images pass without evidence: say who answers for it, why and until when, with exempt")
			return nil, ""
		}
	}
	by, ok := i.authorityTrust(a, name)
	if src := a.get("source"); src != nil {
		src.leave("signatures are elsewhere: here they are looked for beside the image")
	}
	if t := a.get("rfc3161timestamp"); t != nil {
		t.leave("a timestamp of this authority is needed: give it to the program's kind of trust, and write the rule again")
		ok = false
	}
	var asks []*yaml.Node
	for _, att := range a.list("attestations") {
		predicateType := att.text("predicateType")
		if strings.Contains(predicateType, "://") {
			wants := object("types", []string{predicateType}, "by", by)
			asks = append(asks, object("name", cleanName(att.text("name")), "attestation", wants))
		} else {
			att.get("predicateType").orAt(att, "predicateType").leave("%.60q is cosign's short name: write the type's URI", predicateType)
			ok = false
		}
		if p := att.get("policy"); p != nil && !trivial(p, predicateType) {
			p.leave("a policy in %s: write it as a rule or a condition", p.text("type"))
			ok = false
		}
		att.rest()
	}
	switch {
	case !ok || len(by) == 0:
		return nil, ""
	case asks != nil:
		return allOf(asks), ""
	}
	return signed(by, 1), ""
}

// trivial tells a policy in cue that says the predicate type and nothing else.
func trivial(p *value, predicateType string) bool {
	if p.text("type") != "cue" || p.get("remote") != nil || p.get("configMapRef") != nil {
		return false
	}
	return strings.Join(strings.Fields(p.text("data")), " ") == fmt.Sprintf("predicateType: %q", predicateType)
}

// authorityTrust returns the entries of trust of an authority; not ok is that it asks for what cannot be said.
func (i *importer) authorityTrust(a *value, name string) (by []string, ok bool) {
	log := a.get("ctlog")
	format := a.text("signatureFormat")
	if k := a.get("key"); k != nil {
		logged := log.get("url") != nil || log.get("trustRootRef") != nil
		if log == nil {
			k.leave("without ctlog it is taken that no log is asked for")
		}
		return i.key(k, name, logged, log.text("trustRootRef"), format)
	}
	kl := a.get("keyless")
	if kl == nil {
		a.leave("neither key, keyless nor static")
		return nil, false
	}
	defer kl.rest()
	root := kl.text("trustRootRef")
	if u := kl.get("url"); u != nil && u.n.Value != "https://fulcio.sigstore.dev" && root == "" {
		u.leave("another Fulcio: give its root to the program's kind of trust, and write the rule again")
		return nil, false
	}
	if ca := kl.get("ca-cert"); ca != nil {
		ca.leave("another authority: give its root to the program's kind of trust, and write the rule again")
		return nil, false
	}
	if log != nil && log.get("url") == nil && log.get("trustRootRef") == nil {
		log.leave("it turns the log off: here a keyless signature needs a log or a timestamp")
	}
	if s := kl.get("insecureIgnoreSCT"); s != nil && s.n.Value == "true" {
		s.leave("here a certificate needs its timestamp of a certificate log")
	}
	identities := kl.list("identities")
	if len(identities) == 0 {
		kl.leave("without identities everybody at the instance is trusted: name some")
		return nil, false
	}
	for _, id := range identities {
		if n, ok := i.identity(id, name, root); ok {
			by = append(by, n)
		}
	}
	return by, len(by) > 0
}

// identity makes an entry of kind keyless.
func (i *importer) identity(id *value, name, root string) (string, bool) {
	defer id.rest()
	pairs := []any{}
	for _, of := range []string{"issuer", "subject"} {
		exact, re := id.text(of), id.text(of+"RegExp")
		switch {
		case exact != "":
			pairs = append(pairs, of, exact)
		case re == "":
			id.leave("without %s everybody's will do: name it", of)
			return "", false
		case !anchored(re):
			id.get(of + "RegExp").leave("the expression matches whatever has it inside: write one from ^ to $")
			return "", false
		default:
			pairs = append(pairs, of+"Regexp", re)
		}
	}
	return i.entry(name, "kind", "keyless", "with", object(append(pairs, "trustRoot", root)...)), true
}

// key makes an entry of a key.
func (i *importer) key(k *value, name string, logged bool, root, format string) ([]string, bool) {
	defer k.rest()
	if h := k.get("hashAlgorithm"); h != nil && h.n.Value != "sha256" {
		h.leave("say how the key signs, with schemes")
		return nil, false
	}
	formats := []string{"simple-signing", "dsse"}
	if format == "bundle" {
		formats = []string{"bundle"}
	}
	data, kms, secret := k.text("data"), k.text("kms"), k.get("secretRef")
	switch {
	case data != "" && !strings.Contains(data, "-----BEGIN"):
		k.get("data").leave("it is no public key in PEM")
		return nil, false
	case data != "" && !logged:
		return []string{i.entry(name, "key", data, "formats", formats)}, true
	case data != "":
		return []string{i.entry(name, "kind", "keyless", "with", object("key", data, "trustRoot", root))}, true
	case kms != "":
		if logged {
			k.get("kms").leave("its signatures must be in a log: here they need not, so the rule is left out")
			return nil, false
		}
		return []string{i.entry(name, "kind", "kms", "with", object("key", kms, "formats", formats))}, true
	case secret != nil:
		if logged {
			secret.leave("its signatures must be in a log: here they need not, so the rule is left out")
			return nil, false
		}
		with := object("namespace", secret.text("namespace"), "name", secret.text("name"), "formats", formats)
		return []string{i.entry(name, "kind", "secret", "with", with)}, true
	}
	k.leave("neither data, kms nor secretRef")
	return nil, false
}
