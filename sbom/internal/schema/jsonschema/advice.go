package jsonschema

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// hints say in words what a pattern of the schemas says.
var hints = map[string]string{
	`^([a-fA-F0-9]{32}|[a-fA-F0-9]{40}|[a-fA-F0-9]{64}|[a-fA-F0-9]{96}|[a-fA-F0-9]{128})$`: "32, 40, 64, 96 or 128 hexadecimal digits",
	`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`:              `"urn:uuid:" and a UUID in lower case`,
	`^(?!_:).+:.+`: "an IRI, which has a scheme and is no blank node",
	`^_:.+`:        `a blank node, such as "_:x"`,
	`^[0-9]{4}-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](Z|[+-][0-9]{2}:[0-9]{2})$`: "a date and time with zone, " +
		`such as "2024-05-31T17:00:00Z"`,
	`^\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$`: `a date and time in UTC, such as "2024-05-31T17:00:00Z"`,
	`^[-+a-z0-9.]+/[-+a-z0-9.]+$`:          `a media type, such as "text/plain"`,
	`^[^\/]+\/[^\/]+$`:                     `a media type, such as "text/plain"`,
	`^([a-z]{2})(-[A-Z]{2})?$`:             `a language, such as "en" or "en-GB"`,
	`^(.*)$`:                               "text of one line",
}

const mostNames = 12

func list(names []string) string {
	quoted := make([]string, 0, mostNames)
	for _, n := range names[:min(len(names), mostNames)] {
		quoted = append(quoted, strconv.Quote(n))
	}
	if more := len(names) - mostNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(quoted, ", "), more)
	}
	return strings.Join(quoted, ", ")
}

func (v *validator) advice(f finding) string {
	said := clip(v.d.Raw(f.node))
	s := f.schema
	switch f.keyword {
	case "type":
		return fmt.Sprintf("Write %v here instead of %v.", s.types, v.d.Kind(f.node))
	case "false":
		return "Remove this value: nothing may stand here."
	case "enum":
		if len(s.enumList) == 0 {
			return fmt.Sprintf("Replace %s by %s.", said, bytes.Join(rawList(s), []byte(" or ")))
		}
		if len(s.enumList) == 1 {
			return fmt.Sprintf("Write %q instead of %s.", s.enumList[0], said)
		}
		if near := nearest(strings.Trim(said, `"`), s.enumList); near != "" {
			return fmt.Sprintf("Replace %s, which is not in the list of allowed values, perhaps by %q.", said, near)
		}
		if len(s.enumList) > 100 {
			return fmt.Sprintf("Replace %s by one of the %d values that are allowed here.", said, len(s.enumList))
		}
		return fmt.Sprintf("Replace %s by one of %s.", said, list(s.enumList))
	case "required":
		return fmt.Sprintf("Add the member %s, which %s must have.", f.detail, s.object())
	case "additionalProperties", "unevaluatedProperties":
		names := slices.Sorted(maps.Keys(s.props))
		if near := nearest(strings.Trim(said, `"`), names); near != "" {
			return fmt.Sprintf("Remove the member %s, which %s does not have, or write %q.", said, s.object(), near)
		}
		return fmt.Sprintf("Remove the member %s, which %s does not have.", said, s.object())
	case "case":
		return fmt.Sprintf("Write the member name as %q: names differ by case.", f.detail)
	case "minimum":
		return fmt.Sprintf("Replace %s by a number that is at least %v.", said, *s.min)
	case "maximum":
		return fmt.Sprintf("Replace %s by a number that is at most %v.", said, *s.max)
	case "minItems":
		return fmt.Sprintf("Add elements until there are at least %d.", s.minItems)
	case "maxItems":
		return fmt.Sprintf("Remove elements until there are at most %d.", s.maxItems)
	case "uniqueItems":
		return fmt.Sprintf("Remove element %s, which repeats an earlier one.", f.detail)
	case "minLength":
		return fmt.Sprintf("Write at least %d characters here.", s.minLen)
	case "maxLength":
		return fmt.Sprintf("Write at most %d characters here.", s.maxLen)
	case "pattern":
		if h := hints[s.pattern.text]; h != "" {
			return fmt.Sprintf("Replace %s by %s.", said, h)
		}
		return fmt.Sprintf("Replace %s by text that matches the pattern %s.", said, s.pattern.text)
	case "format":
		return fmt.Sprintf("Replace %s by %s.", said, f.detail)
	case "not":
		if s.not.required != nil {
			return fmt.Sprintf("Remove %s: they must not stand here together, or not beside what else is said here.", list(s.not.required))
		}
		return "Change this value: it has a form that is excluded here."
	case "oneOf":
		if f.detail != "" {
			return fmt.Sprintf("Keep only one form: this value fits %s.", f.detail)
		}
		return fmt.Sprintf("Write exactly one of the allowed forms here%s.", alternatives(s.oneOf))
	case "anyOf":
		return fmt.Sprintf("Write one of the allowed forms here%s.", alternatives(s.anyOf))
	}
	return "Change this value."
}

func rawList(s *Schema) [][]byte {
	var out [][]byte
	for _, raw := range s.only {
		out = append(out, raw)
	}
	return out
}

func (s *Schema) object() string {
	if s.title != "" {
		return "the object " + strconv.Quote(s.title)
	}
	return "this object"
}

// alternatives names what it can of the forms to choose from.
func alternatives(subs []*Schema) string {
	var names []string
	for _, sub := range subs {
		for sub.ref != nil && sub.title == "" {
			sub = sub.ref
		}
		name := sub.title
		if name == "" && sub.required != nil {
			name = "with " + strings.Join(sub.required, " and ")
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if names == nil {
		return ""
	}
	return " (" + strings.Join(names[:min(len(names), mostNames)], "; ") + ")"
}

// nearest finds what was probably meant: the same letters in other case, or at most two edits away.
func nearest(said string, names []string) string {
	best, distance := "", 3
	for _, name := range names {
		if strings.EqualFold(name, said) {
			return name
		}
		if d := edits(said, name, distance); d < distance && d < len(name)/2 {
			best, distance = name, d
		}
	}
	return best
}

// edits is the Levenshtein distance, or most if it is larger.
func edits(a, b string, most int) int {
	if len(a) > 64 || len(b) > 64 || len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return min(row[len(b)], most)
}

// clip shortens what a document says for a message.
func clip(raw []byte) string {
	const most = 60
	if len(raw) <= most {
		return string(raw)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(raw[cut]) {
		cut--
	}
	return string(raw[:cut]) + "..."
}
