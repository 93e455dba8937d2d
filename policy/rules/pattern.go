package rules

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// glob reports whether a text is what a pattern says: the text itself, where each * stands for any characters but "/", "@" and
// blanks. A text is never empty.
func glob(pattern, text string) bool {
	if text == "" {
		return false
	}
	const ends = "/@ \t\n" // which no * stands for, so that they have to be in both
	for {
		i, j := strings.IndexAny(pattern, ends), strings.IndexAny(text, ends)
		if i < 0 || j < 0 {
			return i < 0 && j < 0 && globPart(pattern, text)
		}
		if pattern[i] != text[j] || !globPart(pattern[:i], text[:j]) {
			return false
		}
		pattern, text = pattern[i+1:], text[j+1:]
	}
}

// globPart is glob where * stands for anything: between two of them, the first place that fits is as good as any.
func globPart(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok || len(parts) == 1 {
		return ok && text == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, text, ok = strings.Cut(text, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}

func globAny(patterns []string, text string) bool {
	for _, p := range patterns {
		if glob(p, text) {
			return true
		}
	}
	return false
}

// validPattern says why a pattern would match too much, or nothing. A host is never a pattern.
func validPattern(p string) error {
	if strings.TrimSpace(p) == "" {
		return errors.New("an empty pattern, which matches nothing")
	}
	if strings.Trim(p, "*/@") == "" {
		return fmt.Errorf("pattern %.40q matches everything: leave the field out if it does not matter", p)
	}
	if scheme, rest, ok := strings.Cut(p, "://"); ok {
		if host, _, _ := strings.Cut(rest, "/"); strings.Contains(scheme+host, "*") {
			return fmt.Errorf("pattern %.80q has * in its host, which anybody may have", p)
		}
	}
	return nil
}

func validPatterns(what string, list []string) error {
	for _, p := range list {
		if err := validPattern(p); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// repository takes the URI of a source apart, as builders write it: "git+https://host/path.git@ref", "https://host/path#ref:folder".
// The repository is without "git+", ".git" and a last slash, and with scheme and host in lower case.
func repository(uri string) (repo, ref string) {
	uri = strings.TrimPrefix(strings.TrimSpace(uri), "git+")
	uri, fragment, hasFragment := strings.Cut(uri, "#")
	if hasFragment {
		ref, _, _ = strings.Cut(fragment, ":")
	}
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri, ref
	}
	host, path, _ := strings.Cut(rest, "/")
	if before, after, at := strings.Cut(path, "@"); at {
		path = before
		if ref == "" {
			ref = after
		} else if ref != after {
			return uri, ref // two refs: it is no URI that a policy names
		}
	}
	path = strings.TrimSuffix(strings.TrimRight(path, "/"), ".git")
	return strings.ToLower(scheme) + "://" + strings.ToLower(host) + "/" + path, ref
}

func validSource(p string) error {
	if err := validPattern(p); err != nil {
		return err
	}
	u, err := url.Parse(strings.TrimPrefix(p, "git+"))
	switch {
	case err != nil || u.Scheme == "" || u.Host == "" || strings.Trim(u.Path, "/") == "":
		return fmt.Errorf("%.80q is not the URI of a repository, such as https://github.com/acme/app", p)
	case u.Fragment != "" || strings.Contains(u.Path, "@"):
		return fmt.Errorf("%.80q has a ref: give it in Refs", p)
	}
	return nil
}
