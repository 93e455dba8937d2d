package notary

import (
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ladingdev/lading/internal/awsarn"
	"github.com/ladingdev/lading/verify"
)

const maxIdentity = 1024

// attributes are the types that a distinguished name spells in letters: those of RFC 4514, section 3, "S" for "ST", and some
// that certificates for signing code have. Any other is written as its object identifier.
var attributes = map[string]string{
	"CN": "2.5.4.3", "SERIALNUMBER": "2.5.4.5", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8", "S": "2.5.4.8",
	"STREET": "2.5.4.9", "O": "2.5.4.10", "OU": "2.5.4.11", "POSTALCODE": "2.5.4.17", "EMAILADDRESS": "1.2.840.113549.1.9.1",
	"UID": "0.9.2342.19200300.100.1.1", "DC": "0.9.2342.19200300.100.1.25",
}

var objectIdentifier = regexp.MustCompile(`^[0-9]+(\.[0-9]+)+$`)

// identity is a part of a distinguished name: values by the object identifier of their type.
type identity map[string]string

// partOf reports whether a name has every attribute of an identity, with the same value.
func (id identity) partOf(name identity) bool {
	for k, v := range id {
		if got, ok := name[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// identities are the signers that a verifier trusts.
type identities struct {
	everybody bool // for whom the stores vouch
	names     []identity
	profiles  []awsarn.Profile
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
			var p awsarn.Profile
			p, err = awsarn.ParseProfile(t)
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
func (ids *identities) matchProfile(p awsarn.Profile) (string, error) {
	if slices.Contains(ids.profiles, p) || slices.Contains(ids.profiles, p.All()) {
		return p.All().String(), nil
	}
	return "", fmt.Errorf("%w: %s is none of the identities", verify.ErrNotTrusted, p)
}

// overlap returns an error if whoever is one of the identities is another one too (trust store and trust policy
// specification, "Trusted Identities Constraints").
func (ids *identities) overlap() error {
	for i, a := range ids.names {
		for j, b := range ids.names {
			if i != j && a.partOf(b) {
				return errors.New("two identities overlap")
			}
		}
	}
	return nil
}

// parseIdentity reads "x509.subject: " and a name of RFC 4514, as far as a trust policy may hold one: no attribute twice, and
// no sets of attributes.
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
		name, text, ok := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		key := attributes[strings.ToUpper(name)]
		if objectIdentifier.MatchString(name) {
			key = name
		}
		if !ok || key == "" {
			return nil, fmt.Errorf("attribute %q is not known", name)
		}
		if _, twice := id[key]; twice {
			return nil, fmt.Errorf("attribute %s occurs twice", name)
		}
		value, err := parseValue(text)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		id[key] = value
	}
	for _, name := range []string{"C", "ST", "O"} {
		if id[attributes[name]] == "" {
			return nil, fmt.Errorf("attribute %s is required", name)
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

// parseValue reads a value as RFC 4514, section 2.4, has it, but for values in hex, which notation does not take either.
func parseValue(text string) (string, error) {
	text = strings.TrimLeft(text, " ")
	var b strings.Builder
	end := 0 // of the value, without the spaces that are not escaped
	for i := 0; i < len(text); i++ {
		c, escaped := text[i], false
		switch {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`\ ,+"<>;=#`, text[i+1]) >= 0:
			i++
			c, escaped = text[i], true
		case c == '\\' && i+2 < len(text):
			n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil {
				return "", fmt.Errorf("%q is no escape", text[i:i+3])
			}
			i += 2
			c, escaped = byte(n), true
		case strings.IndexByte(`\+"<>;`, c) >= 0 || c == '#' && i == 0:
			return "", fmt.Errorf("%q is not allowed here without an escape", c)
		}
		b.WriteByte(c)
		if c != ' ' || escaped {
			end = b.Len()
		}
	}
	value := b.String()[:end]
	if value == "" || !utf8.ValidString(value) {
		return "", errors.New("a value that is empty or not UTF-8")
	}
	return value, nil
}

// match returns the leaf's name if one of the identities is part of it.
func (ids *identities) match(leaf *x509.Certificate) (string, error) {
	if ids.everybody {
		return leaf.Subject.String(), nil
	}
	subject := identity{}
	for _, a := range leaf.Subject.Names {
		key := a.Type.String()
		if _, twice := subject[key]; twice {
			return "", fmt.Errorf("%w: the leaf's subject has an attribute twice: %s", verify.ErrNotTrusted, leaf.Subject)
		}
		subject[key], _ = a.Value.(string) // what is no text is nobody's value
	}
	if !slices.ContainsFunc(ids.names, func(w identity) bool { return w.partOf(subject) }) {
		return "", fmt.Errorf("%w: %s is none of the identities", verify.ErrNotTrusted, leaf.Subject)
	}
	return leaf.Subject.String(), nil
}
