package importer

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ContainersPolicy imports policy.json of podman, skopeo, buildah and CRI-O (containers-policy.json(5)): the scopes of the transport
// docker, the most specific first, and the default. What cannot be said is denied.
func ContainersPolicy(data []byte) (*Result, error) {
	i, root, err := start(data, true)
	if err != nil {
		return nil, err
	}
	fallback := root.get("default")
	if fallback == nil {
		return nil, fmt.Errorf("importer: %w: policy.json has a default", ErrFormat)
	}
	i.name = "containers"
	transports := root.get("transports")
	docker := transports.get("docker")
	transports.rest()
	var scopes []string
	if docker != nil && docker.n.Kind == yaml.MappingNode {
		for j := 0; j+1 < len(docker.n.Content); j += 2 {
			scopes = append(scopes, docker.n.Content[j].Value)
		}
	}
	slices.SortStableFunc(scopes, moreSpecific)
	for _, scope := range scopes {
		if scope == "" {
			continue
		}
		rules, denied := i.requirements(docker.list(scope), scope)
		at := docker.get(scope).orAt(docker, scope)
		match, tagged := patterns(scope)
		if tagged {
			at.leave("a scope of one tag or digest: here the whole repository is denied")
			rules, denied = nil, notImported
		}
		for _, text := range match {
			if p, ok := at.pattern(text); ok {
				i.image(scope, []string{p}, rules, denied, "")
			}
		}
	}
	name, list := "default", root.list("default")
	if docker.get("") != nil {
		name, list = "docker", docker.list("")
	}
	rules, denied := i.requirements(list, name)
	i.image(name, []string{"**"}, rules, denied, "")
	root.rest()
	return i.result()
}

// moreSpecific orders scopes: longer paths first, hosts with a star last.
func moreSpecific(a, b string) int {
	star := func(s string) int { return strings.Count(s[:min(len(s), 1)], "*") }
	if d := star(a) - star(b); d != 0 {
		return d
	}
	if d := strings.Count(b, "/") - strings.Count(a, "/"); d != 0 {
		return d
	}
	if d := len(b) - len(a); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

// patterns are those of what a scope has below it, and of itself.
func patterns(scope string) (match []string, tagged bool) {
	repo := scope
	if at := strings.IndexByte(repo, '@'); at >= 0 {
		repo, tagged = repo[:at], true
	}
	if c := strings.LastIndexByte(repo, ':'); c > strings.LastIndexByte(repo, '/') && strings.Contains(repo, "/") {
		repo, tagged = repo[:c], true
	}
	switch {
	case tagged:
		return []string{repo}, true
	case !strings.Contains(repo, "/"):
		return []string{repo + "/**"}, false
	}
	return []string{repo, repo + "/**"}, false
}

// requirements returns the rules of a scope, all of which have to be met.
func (i *importer) requirements(list []*value, scope string) (rules []*yaml.Node, denied string) {
	for _, r := range list {
		switch kind := r.text("type"); kind {
		case "reject":
			return nil, "rejected by the policy"
		case "insecureAcceptAnything":
			if len(list) == 1 {
				r.leave("images pass without evidence: say who answers for it, why and until when, with exempt")
				return nil, notImported
			}
		case "sigstoreSigned":
			rule := i.sigstoreSigned(r, scope)
			if rule == nil {
				return nil, notImported
			}
			rules = append(rules, rule)
		case "signedBy":
			r.leave("signatures by GnuPG are not read here")
			return nil, notImported
		default:
			r.leave("there is no requirement %.40q", kind)
			return nil, notImported
		}
	}
	return rules, ""
}

func (i *importer) sigstoreSigned(r *value, scope string) *yaml.Node {
	if id := r.get("signedIdentity"); id != nil {
		id.leave("the name in a signature is not compared here: a signature is good for its digest, under any name that the entry matches")
	} else {
		r.leave("without signedIdentity the tag in a signature is compared: " +
			"here a signature is good for its digest, under any name that the entry matches")
	}
	rekor := []any{}
	for _, name := range []string{"rekorPublicKeyPath", "rekorPublicKeyData"} {
		if t := r.text(name); t != "" {
			rekor = append(rekor, name, t)
		}
	}
	for _, name := range []string{"rekorPublicKeyPaths", "rekorPublicKeyDatas", "pki"} {
		if x := r.get(name); x != nil {
			x.leave("give it to the program's kind of trust, and write the rule again")
			return nil
		}
	}
	var by []string
	add := func(pairs ...any) {
		if len(rekor) > 0 {
			by = append(by, i.entry(scope, "kind", "keyless", "with", object(append(pairs, rekor...)...)))
		} else {
			by = append(by, i.entry(scope, "kind", "file", "with", object(append(pairs, "formats", []string{"simple-signing"})...)))
		}
	}
	if p := r.text("keyPath"); p != "" {
		add("path", p)
	}
	for _, p := range r.list("keyPaths") {
		add("path", p.n.Value)
	}
	datas := r.list("keyDatas")
	if d := r.get("keyData"); d != nil {
		datas = append(datas, d)
	}
	for _, d := range datas {
		pem, err := base64.StdEncoding.DecodeString(d.n.Value)
		switch {
		case err != nil || !strings.Contains(string(pem), "-----BEGIN"):
			d.leave("it is no public key in PEM, in base64")
			return nil
		case len(rekor) > 0:
			add("key", string(pem))
		default:
			by = append(by, i.entry(scope, "key", string(pem), "formats", []string{"simple-signing"}))
		}
	}
	if f := r.get("fulcio"); f != nil {
		issuer, email := f.text("oidcIssuer"), f.text("subjectEmail")
		if issuer == "" || email == "" {
			f.leave("without oidcIssuer and subjectEmail everybody would be trusted")
			return nil
		}
		pairs := append([]any{"issuer", issuer, "email", email, "caPath", f.text("caPath"), "caData", f.text("caData")}, rekor...)
		f.rest()
		by = append(by, i.entry(scope, "kind", "keyless", "with", object(pairs...)))
	}
	if r.rest() || len(by) == 0 {
		return nil
	}
	return signed(by, 1)
}
