package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom"
)

func elixirFinders() ([]finder, error) {
	return []finder{lockFinder("elixir/mixlock", readMixLock, nil, "mix.lock")}, nil
}

// readMixLock reads mix.lock: a map of Elixir with a tuple for each package, of a registry
//
//	{:hex, :name, "version", "checksum", [managers], [dependencies], "repository", "checksum of the archive"}
//
// or of a repository {:git, "url", "commit", options}.
func readMixLock(data []byte) (*lockfile, error) {
	terms := &elixir{text: string(data)}
	whole, err := terms.term(0)
	list, ok := whole.([]any)
	if err != nil || !ok {
		return nil, cmp.Or(err, errors.New("it is no lockfile of mix"))
	}
	out := &lockfile{packages: map[string]*lockedPackage{}}
	for _, e := range list {
		entry, ok := e.(elixirPair)
		what, _ := entry.value.([]any)
		key, _ := entry.key.(string)
		if !ok || len(what) < 3 {
			continue
		}
		text := func(i int) string {
			s := ""
			if i < len(what) {
				s, _ = what[i].(string)
			}
			return s
		}
		p := &lockedPackage{purl: sbom.PURL{Type: "hex", Name: key}}
		switch text(0) {
		case "hex":
			p.purl.Name, p.purl.Version = text(1), text(2)
			if _, organization, ok := strings.Cut(text(6), ":"); ok {
				p.purl.Namespace = organization
			}
			if sum := text(7); len(sum) == 64 {
				p.sha256 = sum
			}
			if len(what) > 5 {
				p.mixNeeds(what[5])
			}
		case "git":
			p.purl = withVCS(p.purl, vcsURL(text(1), text(2)))
		default:
			continue
		}
		out.packages[key] = p
	}
	return out, nil
}

// mixNeeds reads a list of {:name, "requirement", [optional: true]}.
func (p *lockedPackage) mixNeeds(v any) {
	list, _ := v.([]any)
	for _, d := range list {
		tuple, _ := d.([]any)
		if len(tuple) == 0 {
			continue
		}
		name, _ := tuple[0].(string)
		var options []any
		if len(tuple) > 2 {
			options, _ = tuple[2].([]any)
		}
		if slices.Contains(options, any(elixirPair{"optional", "true"})) {
			p.optional = append(p.optional, name)
		} else {
			p.needs = append(p.needs, name)
		}
	}
}

// elixir reads terms of Elixir as a lockfile has them: texts and atoms as strings, lists, tuples and maps as []any.
type elixir struct {
	text string
	at   int
}

type elixirPair struct{ key, value any }

const elixirSpace = " \t\r\n,"

func (e *elixir) term(depth int) (any, error) {
	e.at += len(e.text[e.at:]) - len(strings.TrimLeft(e.text[e.at:], elixirSpace))
	rest := e.text[e.at:]
	if rest == "" || depth > maxNesting {
		return nil, errors.New("it ends too early")
	}
	switch c := rest[0]; {
	case c == '%' || c == '{' || c == '[':
		e.at++
		if c == '%' {
			if !strings.HasPrefix(rest, "%{") {
				return nil, fmt.Errorf("it is no map: %.20q", rest)
			}
			e.at++
		}
		return e.list(depth)
	case c == '"':
		return e.quoted()
	case strings.HasPrefix(rest, `:"`):
		e.at++
		return e.quoted()
	}
	e.at += len(rest) - len(strings.TrimPrefix(rest, ":"))
	word := e.text[e.at:]
	if end := strings.IndexAny(word, elixirSpace+":=[]{}\""); end >= 0 {
		word = word[:end]
	}
	if e.at += len(word); word == "" {
		return nil, fmt.Errorf("not a term: %.20q", rest)
	}
	return word, nil
}

// list reads up to the bracket that ends it. What has "=>" or a colon behind it is the key of a pair.
func (e *elixir) list(depth int) (out []any, err error) {
	out = []any{}
	for {
		e.at += len(e.text[e.at:]) - len(strings.TrimLeft(e.text[e.at:], elixirSpace))
		if e.at < len(e.text) && (e.text[e.at] == '}' || e.text[e.at] == ']') {
			e.at++
			return out, nil
		}
		v, err := e.term(depth + 1)
		if err != nil {
			return nil, err
		}
		rest := strings.TrimLeft(e.text[e.at:], " \t\r\n")
		for _, sign := range []string{"=>", ": "} {
			if !strings.HasPrefix(rest, sign) {
				continue
			}
			e.at = len(e.text) - len(rest) + len(sign)
			value, err := e.term(depth + 1)
			if err != nil {
				return nil, err
			}
			v = elixirPair{v, value}
			break
		}
		out = append(out, v)
	}
}

func (e *elixir) quoted() (string, error) {
	var out strings.Builder
	for e.at++; e.at < len(e.text); e.at++ {
		switch c := e.text[e.at]; c {
		case '"':
			e.at++
			return out.String(), nil
		case '\\':
			if e.at++; e.at < len(e.text) {
				out.WriteByte(e.text[e.at])
			}
		default:
			out.WriteByte(c)
		}
	}
	return "", errors.New("a text has no end")
}
