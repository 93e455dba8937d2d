package importer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const overAll = `\)\)\.all\((\w+) ?, ?(\w+) ?(>|>=) ?([0-9]+)\)$`

// The expressions of validations that are known: each image of a kind has signatures, or attestations, by some attestors.
var (
	signatureCount = regexp.MustCompile(`^images\.(\w+)\.map\((\w+), ?verifyImageSignatures\((\w+), ?` + `\[([^\]]*)\]` + overAll)
	statementCount = regexp.MustCompile(`^images\.(\w+)\.map\((\w+), ?verifyAttestationSignatures\((\w+), ?` +
		`attestations\.(\w+) ?, ?\[([^\]]*)\]` + overAll)
)

// ImageValidatingPolicy imports a policy of kyverno, policies.kyverno.io: its attestors become entries of trust, and of its validations
// those that count signatures or attestations by attestors, over all images of a kind, become rules. Any other validation cannot be
// said, and then the images are denied.
func ImageValidatingPolicy(data []byte) (*Result, error) {
	i, root, err := start(data, false)
	if err != nil {
		return nil, err
	}
	api := root.text("apiVersion")
	kind := root.text("kind")
	if !strings.HasSuffix(kind, "ImageValidatingPolicy") || !strings.HasPrefix(api, "policies.kyverno.io/") {
		return nil, fmt.Errorf("importer: %w: a %.40q of %.60q, not an ImageValidatingPolicy of policies.kyverno.io", ErrFormat, kind, api)
	}
	i.name = root.get("metadata").text("name")
	root.taken["status"] = true
	spec := root.get("spec")
	i.kyvernoActions(spec)
	match := i.kyvernoImages(spec)
	by := map[string][]string{}
	for _, a := range spec.list("attestors") {
		name := a.text("name")
		by[name] = i.attestor(a, name)
		a.rest()
	}
	types := map[string]string{}
	for _, a := range spec.list("attestations") {
		name := a.text("name")
		if t := a.get("intoto").text("type"); t != "" {
			types[name] = t
		} else {
			a.leave("an attestation that is a referrer by its artifact type: here attestations are in-toto statements")
		}
		a.rest()
	}
	denied := ""
	var rules []*yaml.Node
	for _, v := range spec.list("validations") {
		rule := i.validation(v, by, types)
		if rule == nil {
			denied = notImported
		}
		rules = append(rules, rule)
	}
	for _, name := range []string{"matchConstraints", "matchConditions", "autogen", "webhookConfiguration"} {
		spec.get(name).leave("it says for which requests it is: here it is for all that have these images")
	}
	spec.get("validationConfigurations").leave("the door pins tags to digests, and judges digests alone")
	spec.get("credentials").leave("the program has the credentials")
	if f := spec.get("failurePolicy"); f != nil && f.n.Value != "Fail" {
		f.leave("failures are ignored: here they are indeterminate, and mode says what that does")
	}
	spec.rest()
	root.rest()
	i.image(i.name, match, rules, denied, "")
	return i.result()
}

func (i *importer) kyvernoActions(spec *value) {
	actions := map[string]bool{}
	for _, a := range spec.list("validationActions") {
		actions[a.n.Value] = true
	}
	switch {
	case actions["Deny"] || len(actions) == 0:
	case actions["Warn"]:
		i.mode = "warn"
	case actions["Audit"]:
		i.mode = "audit"
	default:
		spec.get("validationActions").leave("none of these is known: images are denied")
	}
}

// kyvernoImages returns the patterns. In kyverno's, a star matches across parts of the path, and tags belong to the name.
func (i *importer) kyvernoImages(spec *value) (match []string) {
	for _, m := range spec.list("matchImageReferences") {
		glob := m.get("glob")
		if glob == nil {
			m.leave("images are named by an expression: name them by patterns")
			continue
		}
		text := strings.TrimSuffix(glob.n.Value, ":*")
		switch {
		case text == "*":
			text = "**"
		case strings.HasSuffix(text, "/*"):
			text += "*"
		case strings.Contains(text, "*"):
			glob.leave("a star matches across parts of the path there, and within one here: other images are denied")
		}
		if p, ok := glob.pattern(text); ok {
			match = append(match, p)
		}
		m.rest()
	}
	if spec.get("matchImageReferences") == nil {
		match = []string{"**"}
	}
	return match
}

// attestor returns the entries of trust of an attestor: none if it cannot be said.
func (i *importer) attestor(a *value, name string) []string {
	if n := a.get("notary"); n != nil {
		defer n.rest()
		certs, tsa := n.get("certs"), n.get("tsaCerts")
		if certs.text("value") == "" || tsa != nil && tsa.text("value") == "" {
			n.leave("certificates that are made by an expression: write them out")
			return nil
		}
		with := object("certs", certs.text("value"), "tsaCerts", tsa.text("value"), "identities", []string{"*"})
		return []string{i.entry(name, "kind", "notary", "with", with)}
	}
	c := a.get("cosign")
	if c == nil {
		a.leave("neither cosign nor notary")
		return nil
	}
	defer c.rest()
	log := c.get("ctlog")
	for _, at := range []string{"certificate", "annotations", "tuf", "trustedRoot"} {
		if x := c.get(at); x != nil {
			x.leave("give it to the program's kind of trust, and write the rule again")
			return nil
		}
	}
	for _, at := range []string{"rekorPubKey", "ctLogPubKey", "tsaCertChain"} {
		if x := log.get(at); x != nil {
			x.leave("give it to the program's kind of trust, and write the rule again")
			return nil
		}
	}
	ignored := log.text2("insecureIgnoreTlog") == "true"
	if log.text2("insecureIgnoreSCT") == "true" {
		log.get("insecureIgnoreSCT").leave("here a certificate needs its timestamp of a certificate log")
	}
	if u := log.get("url"); u != nil && u.n.Value != "https://rekor.sigstore.dev" {
		u.leave("another log: give its key to the program's kind of trust, and write the rule again")
		return nil
	}
	log.rest()
	if src := c.get("source"); src != nil {
		src.leave("signatures are elsewhere: here they are looked for beside the image")
	}
	if k := c.get("key"); k != nil {
		if e := k.get("expression"); e != nil {
			e.leave("a key that is made by an expression: write it out")
			return nil
		}
		by, _ := i.key(k, name, !ignored, "", "")
		return by
	}
	kl := c.get("keyless")
	if kl == nil {
		c.leave("neither key nor keyless")
		return nil
	}
	defer kl.rest()
	if r := kl.get("roots"); r != nil {
		r.leave("other roots: give them to the program's kind of trust, and write the rule again")
		return nil
	}
	if ignored {
		log.get("insecureIgnoreTlog").leave("it turns the log off: here a keyless signature needs a log or a timestamp")
	}
	var by []string
	for _, id := range kl.list("identities") {
		if n, ok := i.identity(id, name, ""); ok {
			by = append(by, n)
		}
	}
	return by
}

// text2 is the text of a member that is true or false.
func (v *value) text2(name string) string {
	if m := v.get(name); m != nil && m.n.Kind == yaml.ScalarNode {
		return m.n.Value
	}
	return ""
}

// validation returns the rule that an expression comes to, and nil for one that is not known.
func (i *importer) validation(v *value, by map[string][]string, types map[string]string) *yaml.Node {
	expression := strings.Join(strings.Fields(v.text("expression")), " ")
	message := v.text("message")
	var list, predicateType string
	var m []string
	if m = signatureCount.FindStringSubmatch(expression); m != nil && m[2] == m[3] && m[5] == m[6] {
		list, m = m[4], m[7:]
	} else if m = statementCount.FindStringSubmatch(expression); m != nil && m[2] == m[3] && m[6] == m[7] && types[m[4]] != "" {
		list, predicateType, m = m[5], types[m[4]], m[8:]
	} else {
		v.leave("an expression that is not known: write it as a rule")
		return nil
	}
	least, err := strconv.Atoi(m[1])
	if m[0] == ">" {
		least++
	}
	var names []string
	groups := 0
	for of := range strings.SplitSeq(list, ",") {
		entries := by[strings.TrimPrefix(strings.TrimSpace(of), "attestors.")]
		if len(entries) > 0 {
			groups++
		}
		names = append(names, entries...)
	}
	switch {
	case err != nil || least < 1:
		v.leave("it is met by images without any")
		return nil
	case groups == 0 || groups < least:
		v.leave("it asks for %d attestors, and %d of them could be said", least, groups)
		return nil
	case least > 1 && len(names) > groups:
		v.leave("an attestor of several identities counts once there: write it as atLeast of several rules")
		return nil
	}
	if predicateType == "" {
		n := signed(names, least)
		return named(n, message)
	}
	n := object("types", []string{predicateType}, "by", names)
	if least > 1 {
		n = object("types", []string{predicateType}, "by", names, "atLeast", least)
	}
	return named(object("attestation", n), message)
}

// named gives a rule the name that a message is.
func named(rule *yaml.Node, message string) *yaml.Node {
	if message != "" {
		rule.Content = append([]*yaml.Node{str("name"), str(cleanName(message))}, rule.Content...)
	}
	return rule
}
