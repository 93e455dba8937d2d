package notary

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/ladingdev/lading/verify"
)

const maxIdentity = 1024

// oids of the attributes that an identity may name, by RFC 4514's short names.
var oids = map[string]string{
	"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O",
	"2.5.4.11": "OU", "2.5.4.17": "POSTALCODE", "2.5.4.5": "SERIALNUMBER",
}

type identity map[string]string

// identities are the signers that a verifier trusts.
type identities struct {
	everybody bool // for whom the stores vouch
	names     []identity
	profiles  []profile // of AWS Signer
}

func parseIdentities(texts []string) (*identities, error) {
	if len(texts) == 0 {
		return nil, fmt.Errorf("%w: the verifier names no identity", verify.ErrNotTrusted)
	}
	ids := new(identities)
	for _, t := range texts {
		var err error
		switch {
		case t == "*":
			if ids.everybody = true; len(texts) > 1 {
				err = errors.New("stands alone")
			}
		case strings.HasPrefix(t, "arn:"):
			var p profile
			p, err = parseProfile(t)
			ids.profiles = append(ids.profiles, p)
		default:
			var id identity
			id, err = parseIdentity(t)
			ids.names = append(ids.names, id)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: identity %.128q: %w", verify.ErrNotTrusted, t, err)
		}
	}
	return ids, nil
}

// matchProfile returns the ARN of a profile, without its version, if it is trusted in that version.
func (ids *identities) matchProfile(p profile) (string, error) {
	for _, w := range ids.profiles {
		if w.version == "" {
			w.version = p.version // a profile is all its versions
		}
		if w == p {
			return p.String(), nil
		}
	}
	return "", fmt.Errorf("%w: %s/%s is none of the identities", verify.ErrNotTrusted, p, p.version)
}

// parseIdentity reads "x509.subject: " and a name of RFC 4514, as far as a trust policy may hold one: no attribute twice, no
// sets of attributes, no values in hex.
func parseIdentity(text string) (identity, error) {
	if len(text) > maxIdentity {
		return nil, fmt.Errorf("longer than %d bytes", maxIdentity)
	}
	dn, ok := strings.CutPrefix(text, "x509.subject:")
	if !ok {
		return nil, fmt.Errorf("does not begin with %q", "x509.subject:")
	}
	id := identity{}
	for _, part := range split(dn) {
		key, value, ok := strings.Cut(part, "=")
		key = strings.ToUpper(strings.TrimSpace(key))
		if key == "S" {
			key = "ST"
		}
		known := false
		for _, short := range oids {
			known = known || short == key
		}
		if !ok || !known {
			return nil, fmt.Errorf("attribute %q is not known", key)
		}
		if _, twice := id[key]; twice {
			return nil, fmt.Errorf("attribute %s occurs twice", key)
		}
		value, err := unescape(strings.TrimSpace(value))
		if err != nil {
			return nil, err
		}
		id[key] = value
	}
	for _, key := range []string{"C", "ST", "O"} {
		if id[key] == "" {
			return nil, fmt.Errorf("attribute %s is required", key)
		}
	}
	return id, nil
}

// split cuts at commas that are not escaped.
func split(dn string) []string {
	var parts []string
	start := 0
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',':
			parts, start = append(parts, dn[start:i]), i+1
		}
	}
	return append(parts, dn[start:])
}

func unescape(v string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '\\' && i+1 < len(v) && strings.IndexByte(`\ ,+"<>;=#`, v[i+1]) >= 0:
			i++
			b.WriteByte(v[i])
		case strings.IndexByte(`\+"<>;`, c) >= 0 || c == '#' && i == 0:
			return "", fmt.Errorf("%q is not allowed here without an escape", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// match returns the leaf's name if one of the identities is part of it.
func (ids *identities) match(leaf *x509.Certificate) (string, error) {
	if ids.everybody {
		return leaf.Subject.String(), nil
	}
	subject := identity{}
	for _, a := range leaf.Subject.Names {
		key, known := oids[a.Type.String()]
		value, text := a.Value.(string)
		if !known || !text {
			continue
		}
		if _, twice := subject[key]; twice {
			return "", fmt.Errorf("%w: the leaf's subject has %s twice", verify.ErrNotTrusted, key)
		}
		subject[key] = value
	}
next:
	for _, w := range ids.names {
		for k, v := range w {
			if got, ok := subject[k]; !ok || got != v {
				continue next
			}
		}
		return leaf.Subject.String(), nil
	}
	return "", fmt.Errorf("%w: %s is none of the identities", verify.ErrNotTrusted, leaf.Subject)
}
