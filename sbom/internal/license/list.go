package license

import (
	"slices"
	"strings"
	"sync"

	"github.com/ladingdev/lading/sbom/internal/schema"
	"github.com/ladingdev/lading/sbom/internal/spec"
)

// RefOf writes a name as licence expressions refer to one.
func RefOf(name string) string {
	return "LicenseRef-" + strings.TrimPrefix(strings.TrimPrefix(spec.RefOf(name), "SPDXRef-"), "LicenseRef-")
}

// IsName reports whether a text in the place of an expression is words that nothing joins, which other formats have as a name.
func IsName(s string) bool {
	words := strings.Fields(s)
	return len(words) > 1 && !strings.ContainsAny(s, "()") && !slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"AND", "OR", "WITH"}, strings.ToUpper(w))
	})
}

// AppendConjuncts appends the parts of a licence expression that AND joins, without brackets around the whole.
func AppendConjuncts(list, tokens []string) []string {
	var parts [][]string
	depth, from := 0, 0
	least, most := len(tokens), 0 // depth in front of the last token
	choice := false
	for i, t := range tokens {
		switch t {
		case "(":
			depth++
		case ")":
			depth--
		case "OR", "or":
			choice = choice || depth == 0
		case "AND", "and":
			if depth == 0 {
				parts, from = append(parts, tokens[from:i]), i+1
			}
		}
		if i < len(tokens)-1 {
			least, most = min(least, depth), max(most, depth)
		}
	}
	switch {
	case choice || depth != 0 || most > 100:
	case len(tokens) > 2 && least > 0:
		return AppendConjuncts(list, tokens[1:len(tokens)-1])
	case parts != nil:
		for _, p := range append(parts, tokens[from:]) {
			list = AppendConjuncts(list, p)
		}
		return list
	}
	return append(list, strings.Join(tokens, " "))
}

// RefsIn returns what an expression refers to, each once.
func RefsIn(expression string) (ids []string) {
	for _, id := range strings.FieldsFunc(expression, func(c rune) bool { return c == ' ' || c == '(' || c == ')' || c == '+' }) {
		if strings.HasPrefix(id, "LicenseRef-") && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Listed reports whether an id is on the SPDX licence list, as it is written there.
func Listed(id string) bool {
	list, err := TheList()
	return err == nil && id != "" && list.Licenses[strings.ToLower(id)] == id
}

// Parenthesised writes an expression as a part of one with AND.
func Parenthesised(expression string) string {
	if strings.Contains(expression, " OR ") {
		return "(" + expression + ")"
	}
	return expression
}

var TheList = sync.OnceValues(func() (*List, error) {
	data, err := schema.Read("cyclonedx/spdx.schema.json")
	if err != nil {
		return nil, err
	}
	return ParseList(data)
})

// IsExpression reports whether a text is a licence expression of SPDX (2.3, annex D), NONE or NOASSERTION.
func IsExpression(s string) bool {
	list, err := TheList()
	return err != nil || s == "NONE" || s == "NOASSERTION" || Check(s, list, nil) == nil
}
