// Package iamtable decides requests by AWS policy documents, for tests, as package iamjudge does and in another way: it rewrites each
// statement into rows of patterns (regular expressions), reduces a request to six facts, and reads the answer from a table of them.
//
// The table is the flow chart of the IAM User Guide, "How AWS enforcement code logic evaluates requests to allow or deny access". The rows
// of a condition are its tables "Multivalued context keys" and "...IfExists condition operators".
package iamtable

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Query is a call about one resource.
type Query struct {
	Who, Service     string // a principal's ARN, or a service
	Action, Resource string
	Keys             map[string][]string
	NoSCP            bool // service-linked roles
}

// Set is the text of the documents that apply.
type Set struct {
	SCP      [][][]byte
	Boundary []byte
	Identity [][]byte
	Resource []byte
}

// facts are what the table knows of a request.
type facts struct{ deny, scp, resource, identity, boundary, service bool }

// table is read from the top; the first row whose conditions hold answers.
var table = []struct {
	when  func(f facts) bool
	allow bool
}{
	{func(f facts) bool { return f.deny }, false},
	{func(f facts) bool { return !f.scp }, false},
	{func(f facts) bool { return f.service }, true}, // only when the resource allows: see the next row's order in Ask
	{func(f facts) bool { return !f.boundary }, false},
	{func(f facts) bool { return f.identity || f.resource }, true},
	{func(facts) bool { return true }, false},
}

// Ask answers whether the query is allowed.
func Ask(q Query, s Set) (bool, error) {
	keys := map[string][]string{}
	for k, v := range q.Keys {
		if len(v) > 0 {
			keys[strings.ToLower(k)] = v
		}
	}
	if q.Who != "" {
		keys["aws:principalarn"] = []string{q.Who}
	}
	f := facts{scp: true, boundary: true}
	everything := [][]byte{s.Boundary, s.Resource}
	everything = append(everything, s.Identity...)
	levels := s.SCP
	if q.NoSCP {
		levels = nil
	}
	for _, level := range levels {
		everything = append(everything, level...)
		_, allow, err := effects(q, keys, level...)
		if err != nil {
			return false, err
		}
		f.scp = f.scp && allow
	}
	var err [4]error
	f.deny, _, err[0] = effects(q, keys, everything...)
	_, f.identity, err[1] = effects(q, keys, s.Identity...)
	_, f.resource, err[2] = effects(q, keys, s.Resource)
	if s.Boundary != nil {
		_, f.boundary, err[3] = effects(q, keys, s.Boundary)
	}
	for _, e := range err {
		if e != nil {
			return false, e
		}
	}
	f.service = q.Service != "" && f.resource
	if q.Service != "" && !f.resource {
		return false, nil
	}
	for _, row := range table {
		if row.when(f) {
			return row.allow, nil
		}
	}
	panic("unreachable: the last row always holds")
}

// effects says which effects some statement of the documents has on a query.
func effects(q Query, keys map[string][]string, docs ...[]byte) (deny, allow bool, err error) {
	for _, text := range docs {
		if text == nil {
			continue
		}
		var doc map[string]any
		if err := json.Unmarshal(text, &doc); err != nil {
			return false, false, err
		}
		for _, s := range doc["Statement"].([]any) {
			statement := s.(map[string]any)
			rows, err := rewrite(statement, keys)
			if err != nil {
				return false, false, err
			}
			if !slices.ContainsFunc(rows, func(r row) bool { return !r.holds(q, keys) }) {
				deny = deny || statement["Effect"] == "Deny"
				allow = allow || statement["Effect"] == "Allow"
			}
		}
	}
	return deny, allow, nil
}

// A row is one thing that must be so: what it is about, patterns of which one matches (or none, if not), and how values count.
type row struct {
	about   string // "action", "resource", "principal", or a condition key
	not     bool
	missing bool // what is answered if there are no values
	every   bool // every value must pass, not only one
	pass    func(value string) bool
}

func (r row) holds(q Query, keys map[string][]string) bool {
	var values []string
	switch r.about {
	case "action":
		values = []string{strings.ToLower(q.Action)}
	case "resource":
		values = []string{q.Resource}
	case "principal":
		values = []string{"AWS " + q.Who}
		if q.Service != "" {
			values = []string{"Service " + q.Service}
		}
	default:
		values = keys[r.about]
	}
	if len(values) == 0 {
		return r.missing
	}
	passed := 0
	for _, v := range values {
		if r.pass(v) != r.not {
			passed++
		}
	}
	return passed == len(values) || !r.every && passed > 0
}

// rewrite turns a statement into rows that must all hold.
func rewrite(s map[string]any, keys map[string][]string) ([]row, error) {
	var rows []row
	for name, value := range s {
		base, not := strings.CutPrefix(name, "Not")
		switch base {
		case "Sid", "Effect":
		case "Action":
			rows = append(rows, row{about: "action", not: not, pass: anyOf(texts(value),
				func(p string) string { return pattern(strings.ToLower(p), nil) })})
		case "Resource":
			rows = append(rows, row{about: "resource", not: not, pass: anyOf(texts(value), func(p string) string {
				if p == "*" {
					return ".*"
				}
				return arnPattern(p, keys)
			})})
		case "Principal":
			rows = append(rows, row{about: "principal", pass: principal(value)})
		case "Condition":
			more, err := conditions(value.(map[string]any), keys)
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		default:
			return nil, fmt.Errorf("iamtable: element %q", name)
		}
	}
	return rows, nil
}

func principal(value any) func(string) bool {
	if value == "*" {
		return func(string) bool { return true }
	}
	var allowed []string
	for kind, names := range value.(map[string]any) {
		for _, name := range texts(names) {
			allowed = append(allowed, kind+" "+name)
		}
	}
	return func(v string) bool {
		return slices.Contains(allowed, v) || len(v) > 4 && v[:4] == "AWS " && slices.Contains(allowed, "AWS *")
	}
}

// operator is the grammar of a condition's operator.
var operator = regexp.MustCompile(`^(?:(ForAllValues|ForAnyValue):)?(String|Arn|Numeric|Bool)(Not)?` +
	`(Equals|Like|EqualsIgnoreCase|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals|)(IfExists)?$`)

func conditions(condition map[string]any, keys map[string][]string) ([]row, error) {
	var rows []row
	for op, tests := range condition {
		for key, value := range tests.(map[string]any) {
			key, want := strings.ToLower(key), texts(value)
			if op == "Null" {
				absent := strings.ToLower(want[0]) == "true"
				rows = append(rows, row{about: key, missing: absent, pass: func(string) bool { return !absent }})
				continue
			}
			m := operator.FindStringSubmatch(op)
			if m == nil {
				return nil, fmt.Errorf("iamtable: operator %q", op)
			}
			set, kind, not, how, ifExists := m[1], m[2], m[3] != "", m[4], m[5] != ""
			if set == "" && len(keys[key]) > 1 {
				return nil, fmt.Errorf("iamtable: %s has several values", key)
			}
			pass, err := comparison(kind, how, want, keys)
			if err != nil {
				return nil, err
			}
			r := row{about: key, not: not, every: set == "ForAllValues", pass: pass}
			switch set {
			case "ForAllValues":
				r.missing = true
			case "ForAnyValue":
				r.missing = ifExists
			default:
				r.missing = not || ifExists
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// comparison returns what says whether a value of the request is like one of the policy's.
func comparison(kind, how string, want []string, keys map[string][]string) (func(string) bool, error) {
	switch kind + how {
	case "StringEquals":
		return anyOf(want, func(w string) string { return literal(w, keys) }), nil
	case "StringEqualsIgnoreCase", "Bool":
		return anyOf(want, func(w string) string { return "(?i:" + literal(w, keys) + ")" }), nil
	case "StringLike":
		return anyOf(want, func(w string) string { return pattern(w, keys) }), nil
	case "ArnEquals", "ArnLike":
		return anyOf(want, func(w string) string { return arnPattern(w, keys) }), nil
	}
	accepted, ok := map[string]string{"NumericEquals": "=", "NumericLessThan": "<", "NumericLessThanEquals": "<=",
		"NumericGreaterThan": ">", "NumericGreaterThanEquals": ">="}[kind+how]
	if !ok {
		return nil, fmt.Errorf("iamtable: operator %s%s", kind, how)
	}
	return func(value string) bool {
		v, err := strconv.ParseFloat(value, 64)
		return err == nil && slices.ContainsFunc(want, func(w string) bool {
			n, err := strconv.ParseFloat(w, 64)
			relation := "="
			if v < n {
				relation = "<"
			} else if v > n {
				relation = ">"
			}
			return err == nil && strings.Contains(accepted, relation)
		})
	}, nil
}

// never is a pattern of nothing: what stands for a variable that has no value.
const never = `[^\x00-\x{10FFFF}]`

// anyOf returns what matches one of the patterns as a whole.
func anyOf(want []string, compile func(string) string) func(string) bool {
	alternatives := make([]string, len(want))
	for i, w := range want {
		alternatives[i] = "(?:" + compile(w) + ")"
	}
	text := `(?s)\A(?:` + strings.Join(alternatives, "|") + `)\z`
	whole, ok := compiled.Load(text)
	if !ok {
		whole, _ = compiled.LoadOrStore(text, regexp.MustCompile(text))
	}
	return whole.(*regexp.Regexp).MatchString
}

var compiled sync.Map // of *regexp.Regexp, by their text

// token is a piece of a pattern: a variable, a wildcard, a colon, or text.
var token = regexp.MustCompile(`\$\{([^}]*)\}|[*?:]|[^*?:$]+|\$`)

func literal(s string, keys map[string][]string) string {
	return replaceTokens(s, keys, map[string]string{})
}

func pattern(s string, keys map[string][]string) string {
	return replaceTokens(s, keys, map[string]string{"*": ".*", "?": "."})
}

// arnPattern is a pattern whose first five parts hold no colon.
func arnPattern(s string, keys map[string][]string) string {
	var out strings.Builder
	colons, inside := 0, map[string]string{"*": "[^:]*", "?": "[^:]"}
	for _, t := range token.FindAllString(s, -1) {
		if colons == 5 {
			inside = map[string]string{"*": ".*", "?": "."}
		}
		if t == ":" {
			colons++
		}
		out.WriteString(replaceTokens(t, keys, inside))
	}
	if colons < 5 {
		return never
	}
	return out.String()
}

func replaceTokens(s string, keys map[string][]string, wildcards map[string]string) string {
	var out strings.Builder
	for _, m := range token.FindAllStringSubmatch(s, -1) {
		t := m[0]
		if !strings.HasPrefix(t, "${") {
			if w, ok := wildcards[t]; ok {
				t = w
			} else {
				t = regexp.QuoteMeta(t)
			}
			out.WriteString(t)
			continue
		}
		name, fallback, hasFallback := strings.Cut(m[1], ",")
		values := keys[strings.ToLower(strings.TrimSpace(name))]
		switch {
		case m[1] == "*" || m[1] == "?" || m[1] == "$":
			out.WriteString(regexp.QuoteMeta(m[1]))
		case len(values) == 1:
			out.WriteString(regexp.QuoteMeta(values[0]))
		case hasFallback:
			out.WriteString(regexp.QuoteMeta(strings.Trim(strings.TrimSpace(fallback), "'")))
		default:
			return never
		}
	}
	return out.String()
}

func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = fmt.Sprint(e)
	}
	return out
}
