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
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, head)
	if !ok {
		return false
	}
	for i := 0; ; i++ {
		if i == len(text) {
			return rest == "" || strings.Trim(rest, "*") == "" || globRest(rest, text[i:])
		}
		if globRest(rest, text[i:]) {
			return true
		}
		if strings.IndexByte("/@ \t\n", text[i]) >= 0 {
			return false
		}
	}
}

// globRest is glob of what stands behind a *, which may be nothing.
func globRest(pattern, text string) bool {
	if pattern == "" || text == "" {
		return pattern == text
	}
	return glob(pattern, text)
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
