package registry

import (
	"strings"
)

// misread says of a name that would be read as something else than it means, or of any that is none, how it is to be written;
// nothing if it does not know.
func misread(name string) string {
	_, rest, hasScheme := strings.Cut(name, "://")
	repository := name
	if i := strings.IndexByte(name, '@'); i >= 0 {
		repository = name[:i]
	} else if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		repository = name[:i]
	}
	switch {
	case name == "":
		return "it is empty; a name is HOST/REPOSITORY, with or without :TAG or @DIGEST"
	case hasScheme:
		return "leave out the scheme: " + rest
	case strings.ContainsAny(name, " \t\r\n"):
		return "it has white space"
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "/"), strings.HasPrefix(name, "~"), strings.Contains(name, `\`):
		return "it looks like a path: OpenLayout opens directories"
	case strings.HasSuffix(name, ":"), strings.HasSuffix(name, "@"):
		return "nothing stands behind its last sign, where a tag or digest should: leave the sign out, or is a variable empty?"
	case strings.Contains(repository, "//"), strings.HasSuffix(repository, "/"):
		return "a part between its slashes is empty"
	}
	return ""
}

// adviceOnName is misread, and what is only wrong with a name that could not be read.
func adviceOnName(name string) string {
	if advice := misread(name); advice != "" {
		return advice
	}
	host, path, found := strings.Cut(name, "/")
	if !found {
		host, path = "", name
	} else {
		host += "/"
	}
	repository, rest := path, ""
	if i := strings.IndexAny(path, ":@"); i >= 0 {
		repository, rest = path[:i], path[i:]
	}
	if strings.Contains(name, "@") {
		return "behind an @ stands a digest, sha256: and 64 hexadecimal digits in lower case; a tag stands behind a colon"
	}
	if lower := strings.ToLower(repository); lower != repository {
		return "repositories are written in lower case: " + host + lower + rest
	}
	return ""
}

// A notFoundError is ErrNotFound by the client library, which says that and the name, and no more.
type notFoundError struct{ cause error }

func (e *notFoundError) Error() string   { return ErrNotFound.Error() }
func (e *notFoundError) Unwrap() []error { return []error{ErrNotFound, e.cause} }
