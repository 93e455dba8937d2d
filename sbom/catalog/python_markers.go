package catalog

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A marker says where a requirement counts ("Dependency specifiers", environment markers). Of an environment that is not run
// only a part is known: what the rest would say is unknown, and such a requirement counts.
type truth uint8

const (
	unknown truth = iota
	yes
	no
)

var (
	markerToken  = regexp.MustCompile(`\s*(?:([()])|(<=|>=|===|==|!=|~=|<|>)|"([^"]*)"|'([^']*)'|([A-Za-z_.]+))`)
	pythonFolder = regexp.MustCompile(`(?:^|/)(?:python|pypy)(\d+\.\d+)t?/`)
)

// markerEnvironment is what the place of a distribution says of the environment that it is in.
func markerEnvironment(at string) map[string]string {
	env := map[string]string{"extra": ""} // none is asked for
	if m := pythonFolder.FindStringSubmatch(at); m != nil {
		env["python_version"] = m[1]
	}
	switch {
	case strings.Contains("/"+at, "/Lib/site-packages/"):
		env["sys_platform"], env["os_name"], env["platform_system"] = "win32", "nt", "Windows"
	case strings.Contains("/"+at, "/site-packages/") || strings.Contains("/"+at, "/dist-packages/"):
		env["os_name"] = "posix"
		if strings.HasPrefix(at, "usr/") || strings.HasPrefix(at, "opt/") || strings.HasPrefix(at, "root/") ||
			strings.HasPrefix(at, "app/") {
			env["sys_platform"], env["platform_system"] = "linux", "Linux"
		}
	}
	return env
}

// markerHolds says whether a requirement with a marker may count.
func markerHolds(marker string, env map[string]string) bool {
	p := &markerParser{env: env}
	for rest := marker; strings.TrimSpace(rest) != ""; {
		m := markerToken.FindStringSubmatchIndex(rest)
		if m == nil || m[0] != 0 || len(p.tokens) > maxMarker {
			return true // as good as unknown
		}
		p.tokens = append(p.tokens, rest[:m[1]])
		rest = rest[m[1]:]
	}
	value := p.or(0)
	return p.failed || len(p.tokens) > 0 || value != no
}

const maxMarker = 1000 // words of a marker

type markerParser struct {
	env    map[string]string
	tokens []string
	failed bool
}

func (p *markerParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	t := strings.TrimSpace(p.tokens[0])
	p.tokens = p.tokens[1:]
	return t
}

func (p *markerParser) peek(word string) bool {
	return len(p.tokens) > 0 && strings.TrimSpace(p.tokens[0]) == word
}

func (p *markerParser) or(depth int) truth {
	out := p.and(depth)
	for p.peek("or") {
		p.next()
		switch other := p.and(depth); {
		case out == yes || other == yes:
			out = yes
		case out == unknown || other == unknown:
			out = unknown
		}
	}
	return out
}

func (p *markerParser) and(depth int) truth {
	out := p.comparison(depth)
	for p.peek("and") {
		p.next()
		switch other := p.comparison(depth); {
		case out == no || other == no:
			out = no
		case out == unknown || other == unknown:
			out = unknown
		}
	}
	return out
}

func (p *markerParser) comparison(depth int) truth {
	if p.peek("(") {
		p.next()
		if depth > 100 {
			p.failed = true
			return unknown
		}
		out := p.or(depth + 1)
		p.failed = p.failed || p.next() != ")"
		return out
	}
	left, op, right := p.next(), p.next(), p.next()
	if op == "not" {
		op, right = "not "+right, p.next()
	}
	if right == "" {
		p.failed = true
		return unknown
	}
	a, known := p.value(left)
	b, known2 := p.value(right)
	if !known || !known2 {
		return unknown
	}
	return compareMarker(a, op, b, left == "python_version" || right == "python_version")
}

// value returns a text, or what a variable has.
func (p *markerParser) value(token string) (string, bool) {
	if token != "" && strings.ContainsRune(`"'`, rune(token[0])) {
		return strings.Trim(token, `"'`), true
	}
	v, ok := p.env[token]
	return v, ok
}

func compareMarker(a, op, b string, versions bool) truth {
	is := func(ok bool) truth {
		if ok {
			return yes
		}
		return no
	}
	switch op {
	case "in":
		return is(strings.Contains(b, a))
	case "not in":
		return is(!strings.Contains(b, a))
	}
	order := strings.Compare(a, b)
	if versions {
		va, ok := shortVersion(a)
		vb, ok2 := shortVersion(b)
		if !ok || !ok2 {
			return unknown
		}
		order = slices.Compare(va, vb)
	}
	switch op {
	case "==", "===":
		return is(order == 0)
	case "!=":
		return is(order != 0)
	case "<":
		return is(order < 0)
	case "<=":
		return is(order <= 0)
	case ">":
		return is(order > 0)
	case ">=":
		return is(order >= 0)
	}
	return unknown
}

// shortVersion reads a version of two numbers, as python_version has: any other is not comparable with one.
func shortVersion(s string) (out []int, ok bool) {
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		out = append(out, n)
	}
	for len(out) < 2 {
		out = append(out, 0)
	}
	return out, len(out) == 2
}
