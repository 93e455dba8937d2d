package iamjudge

import (
	"fmt"
	"strconv"
	"strings"
)

// A Request is one call.
type Request struct {
	Principal string   // ARN of the role or user; of a role's session the role's
	Service   string   // instead of Principal, a service that acts for itself, such as lambda.amazonaws.com
	Action    string   // such as ecs:RunTask
	Resources []string // ARNs that the call names; each must be allowed. None means "*"
	// Context holds the condition keys, in any case. A key with no value is as if it was not there.
	Context map[string][]string
	// ServiceLinked says that the principal is a service-linked role, which no service control policy reaches.
	ServiceLinked bool
}

// Policies are what applies to a request. A level of service control policies is a list of which one must allow.
type Policies struct {
	SCP      [][]*Document // from the root of the organization down to the account; none means no organization
	Boundary *Document     // permissions boundary; nil means none
	Identity []*Document
	Resource *Document // of the resource, in the principal's own account; nil means none
}

// A Verdict says whether a request is allowed, and what decided: the Sid of the statement that denies, or the layer that does not allow.
type Verdict struct {
	Allowed bool
	By      string
}

// Decide decides a request.
func Decide(q *Request, p *Policies) (Verdict, error) {
	resources := q.Resources
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	for _, r := range resources {
		c := &call{Request: q, resource: r, keys: make(map[string][]string)}
		for k, v := range q.Context {
			c.keys[strings.ToLower(k)] = v
		}
		if v, err := c.decide(p); err != nil || !v.Allowed {
			return v, err
		}
	}
	return Verdict{Allowed: true, By: "every layer"}, nil
}

// call is a request about one resource.
type call struct {
	*Request
	resource string
	keys     map[string][]string
}

func (c *call) decide(p *Policies) (Verdict, error) {
	levels := p.SCP
	if c.ServiceLinked {
		levels = nil
	}
	all := append([]*Document{}, p.Identity...)
	for _, level := range levels {
		all = append(all, level...)
	}
	if sid, err := c.find("Deny", append(all, p.Boundary)...); err != nil || sid != "" {
		return Verdict{By: sid}, err
	}
	if sid, err := c.find("Deny", p.Resource); err != nil || sid != "" {
		return Verdict{By: sid}, err
	}
	for _, level := range levels {
		if sid, err := c.find("Allow", level...); err != nil || sid == "" {
			return Verdict{By: "no service control policy allows"}, err
		}
	}
	// In one account a resource's policy that names the principal is enough; a boundary limits it only where the policy names a role
	// whose session calls. This package takes the narrower reading: the boundary must allow too, unless a service calls.
	byResource, err := c.find("Allow", p.Resource)
	if err != nil {
		return Verdict{}, err
	}
	if c.Service != "" {
		return Verdict{byResource != "", "the resource's policy"}, nil
	}
	byIdentity, err := c.find("Allow", p.Identity...)
	if err != nil || byIdentity == "" && byResource == "" {
		return Verdict{By: "no identity policy allows"}, err
	}
	if p.Boundary != nil {
		if sid, err := c.find("Allow", p.Boundary); err != nil || sid == "" {
			return Verdict{By: "the boundary does not allow"}, err
		}
	}
	return Verdict{Allowed: true}, nil
}

// find returns the Sid of the first statement of an effect that applies, or a placeholder if it has none.
func (c *call) find(effect string, docs ...*Document) (string, error) {
	for _, d := range docs {
		if d == nil {
			continue
		}
		for i := range d.statements {
			s := &d.statements[i]
			if s.Effect != effect {
				continue
			}
			ok, err := c.applies(s)
			if err != nil {
				return "", fmt.Errorf("iamjudge: statement %s: %w", s.Sid, err)
			}
			if ok {
				if s.Sid == "" {
					return fmt.Sprintf("statement %d", i), nil
				}
				return s.Sid, nil
			}
		}
	}
	return "", nil
}

func (c *call) applies(s *statement) (bool, error) {
	if s.Principal != nil && !c.isPrincipal(s.Principal) {
		return false, nil
	}
	if s.hasAction && !c.isAction(s.Action) || s.hasNotAction && c.isAction(s.NotAction) {
		return false, nil
	}
	if s.Resource != nil && !c.isResource(s.Resource) || s.NotResource != nil && c.isResource(s.NotResource) {
		return false, nil
	}
	for operator, tests := range s.Condition {
		for key, values := range tests {
			if ok, err := c.holds(operator, key, values); err != nil || !ok {
				return false, err
			}
		}
	}
	return true, nil
}

func (c *call) isPrincipal(p *principals) bool {
	if p.everybody {
		return true
	}
	for _, service := range p.byKind["Service"] {
		if c.Service != "" && service == c.Service {
			return true
		}
	}
	for _, who := range p.byKind["AWS"] {
		if c.Principal != "" && (who == "*" || who == c.Principal) {
			return true
		}
	}
	return false
}

func (c *call) isAction(patterns []string) bool {
	for _, p := range patterns {
		if glob(strings.ToLower(p), strings.ToLower(c.Action)) {
			return true
		}
	}
	return false
}

func (c *call) isResource(patterns []string) bool {
	for _, p := range patterns {
		if p == "*" {
			return true
		}
		if p, ok := c.expand(p); ok && arn(p, c.resource) {
			return true
		}
	}
	return false
}

// expand replaces policy variables. Without a value and without a default there is nothing that the element could match.
func (c *call) expand(s string) (string, bool) {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, "${")
		out.WriteString(before)
		if !found {
			return out.String(), true
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return "", false
		}
		value, ok := c.variable(name)
		if !ok {
			return "", false
		}
		for i := range len(value) {
			out.WriteByte(literalMark)
			out.WriteByte(value[i])
		}
		s = rest
	}
}

func (c *call) variable(name string) (string, bool) {
	if name == "*" || name == "?" || name == "$" {
		return name, true
	}
	name, fallback, hasFallback := strings.Cut(name, ",")
	if v := c.values(name); len(v) == 1 {
		return v[0], true
	}
	return strings.Trim(strings.TrimSpace(fallback), "'"), hasFallback
}

func (c *call) values(key string) []string {
	key = strings.ToLower(strings.TrimSpace(key))
	if key == "aws:principalarn" && c.Principal != "" {
		return []string{c.Principal}
	}
	return c.keys[key]
}

// holds says whether one line of a condition is met.
func (c *call) holds(operator, key string, policy []string) (bool, error) {
	op := operator
	got := c.values(key)
	if op == "Null" {
		return strings.EqualFold(policy[0], strconv.FormatBool(len(got) == 0)), nil
	}
	set := ""
	if before, after, found := strings.Cut(op, ":"); found {
		set, op = before, after
	}
	op, ifExists := strings.CutSuffix(op, "IfExists")
	test, negated, err := tester(op)
	if err != nil {
		return false, err
	}
	if len(got) == 0 {
		switch set {
		case "":
			return ifExists || negated, nil
		case "ForAllValues":
			return true, nil
		case "ForAnyValue":
			return ifExists, nil
		}
	}
	matches := func(value string) bool {
		for _, p := range policy {
			if p, ok := c.expand(p); ok && test(p, value) {
				return !negated
			}
		}
		return negated
	}
	n := 0
	for _, v := range got {
		if matches(v) {
			n++
		}
	}
	switch set {
	case "ForAllValues":
		return n == len(got), nil
	case "ForAnyValue":
		return n > 0, nil
	case "":
		if len(got) > 1 {
			return false, fmt.Errorf("%s has %d values under %s", key, len(got), operator)
		}
		return n > 0, nil
	}
	return false, fmt.Errorf("set operator %q", set)
}

// tester returns what an operator asks of one value of the policy and one of the request, the policy's variables replaced.
func tester(op string) (test func(policy, value string) bool, negated bool, err error) {
	plain := func(s string) string { return strings.ReplaceAll(s, string(literalMark), "") }
	equals := func(p, v string) bool { return plain(p) == v }
	fold := func(p, v string) bool { return strings.EqualFold(plain(p), v) }
	number := func(compare func(p, v float64) bool) func(p, v string) bool {
		return func(p, v string) bool {
			a, err1 := strconv.ParseFloat(p, 64)
			b, err2 := strconv.ParseFloat(v, 64)
			return err1 == nil && err2 == nil && compare(a, b)
		}
	}
	switch op {
	case "StringEquals":
		return equals, false, nil
	case "StringNotEquals":
		return equals, true, nil
	case "StringEqualsIgnoreCase":
		return fold, false, nil
	case "StringNotEqualsIgnoreCase":
		return fold, true, nil
	case "StringLike":
		return glob, false, nil
	case "StringNotLike":
		return glob, true, nil
	case "ArnEquals", "ArnLike":
		return arn, false, nil
	case "ArnNotEquals", "ArnNotLike":
		return arn, true, nil
	case "Bool":
		return fold, false, nil
	case "NumericEquals":
		return number(func(p, v float64) bool { return v == p }), false, nil
	case "NumericNotEquals":
		return number(func(p, v float64) bool { return v == p }), true, nil
	case "NumericLessThan":
		return number(func(p, v float64) bool { return v < p }), false, nil
	case "NumericLessThanEquals":
		return number(func(p, v float64) bool { return v <= p }), false, nil
	case "NumericGreaterThan":
		return number(func(p, v float64) bool { return v > p }), false, nil
	case "NumericGreaterThanEquals":
		return number(func(p, v float64) bool { return v >= p }), false, nil
	}
	return nil, false, fmt.Errorf("condition operator %q", op)
}
