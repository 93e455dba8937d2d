package jsonschema

import (
	"fmt"
	"regexp"
	"strings"
)

type pattern struct {
	text  string
	match func(string) bool
}

// plainPatterns are patterns of the schemas that most texts of a document are held against, without a regular expression.
var plainPatterns = map[string]func(string) bool{
	`^(.*)$`:                               func(s string) bool { return strings.IndexByte(s, '\n') < 0 },
	`^_:.+`:                                func(s string) bool { return len(s) > 2 && s[:2] == "_:" && s[2] != '\n' },
	`^(?!_:).+:.+`:                         hasScheme,
	`^\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$`: func(s string) bool { return isShaped(s, "0000-00-00T00:00:00Z") },
	`^([a-fA-F0-9]{32}|[a-fA-F0-9]{40}|[a-fA-F0-9]{64}|[a-fA-F0-9]{96}|[a-fA-F0-9]{128})$`: isHashText,
}

// hasScheme reports whether there is a colon in the first line, with something on either side, of what is no blank node.
func hasScheme(s string) bool {
	if strings.HasPrefix(s, "_:") {
		return false
	}
	line, _, _ := strings.Cut(s, "\n")
	return len(line) > 2 && strings.LastIndexByte(line[:len(line)-1], ':') > 0
}

// isShaped reports whether s has a digit wherever shape has a zero, and is equal to it elsewhere.
func isShaped(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(shape) {
		if shape[i] == '0' && s[i]-'0' > 9 || shape[i] != '0' && s[i] != shape[i] {
			return false
		}
	}
	return true
}

func isHashText(s string) bool {
	switch len(s) {
	case 32, 40, 64, 96, 128:
	default:
		return false
	}
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// compilePattern takes the one negative look-ahead that package regexp has not, at the very beginning, out of the pattern.
func compilePattern(text string) (*pattern, error) {
	if match := plainPatterns[text]; match != nil {
		return &pattern{text, match}, nil
	}
	return compileRegexp(text)
}

func compileRegexp(text string) (*pattern, error) {
	expr, excluded := text, (*regexp.Regexp)(nil)
	if rest, ok := strings.CutPrefix(text, "^(?!"); ok {
		ahead, tail, ok := strings.Cut(rest, ")")
		if !ok || strings.ContainsAny(ahead, "([") {
			return nil, fmt.Errorf("pattern %q", text)
		}
		var err error
		if excluded, err = regexp.Compile("^(?:" + ahead + ")"); err != nil {
			return nil, err
		}
		expr = "^" + tail
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	return &pattern{text, func(s string) bool {
		return re.MatchString(s) && (excluded == nil || !excluded.MatchString(s))
	}}, nil
}
