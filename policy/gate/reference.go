package gate

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/imagename"
	"github.com/ladingdev/lading/internal/oneline"
)

// ErrName is beside a name that is none of an image, or one that programs may read in several ways.
var ErrName = errors.New("not the name of an image")

// A Reference is the name of an image, taken apart.
type Reference struct {
	// Repository is HOST/PATH in its one spelling: Docker Hub's name and "library/" where they are left out, the host in lower
	// case, without a port that the scheme has anyway.
	Repository string
	// Tag is empty if the name has none.
	Tag string
	// Digest is empty if the name has none.
	Digest digest.Digest
}

var (
	pathPattern   = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagPattern    = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	idPattern     = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// maxName is more than any runtime takes: a host, a path of 255 characters, a tag of 128 and a digest.
const maxName = 1024

// ParseReference reads [HOST/]PATH[:TAG][@sha256:DIGEST], to the letter: no scheme, no blank, no control character, nothing
// before or behind it. A name of 64 hex digits is the identifier of a local image, which no registry can vouch for, and is refused.
// With plainHTTP, the port that goes without saying is 80; see registry.Options. Errors wrap [ErrName].
func ParseReference(name string, plainHTTP bool) (Reference, error) {
	r, err := parse(name, plainHTTP)
	if err != nil {
		return Reference{}, fmt.Errorf("%w: %s: %w", ErrName, Quote(name), err)
	}
	return r, nil
}

func parse(name string, plainHTTP bool) (r Reference, err error) {
	switch {
	case name == "":
		return r, errors.New("it is empty")
	case len(name) > maxName:
		return r, fmt.Errorf("it has %d characters, at most %d are read", len(name), maxName)
	case strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f }):
		return r, errors.New("it has a blank, a control character or a letter beyond ASCII")
	case strings.Contains(name, "://"):
		return r, errors.New("it has a scheme: write HOST/PATH")
	case idPattern.MatchString(name):
		return r, errors.New("64 hex digits are the identifier of a local image: name a repository")
	}
	rest, sum, pinned := strings.Cut(name, "@")
	if pinned {
		if !digestPattern.MatchString(sum) {
			return r, errors.New("its digest is not sha256: and 64 lower-case hex digits")
		}
		r.Digest = digest.Digest(sum)
	}
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		rest, r.Tag = rest[:i], rest[i+1:]
		if !tagPattern.MatchString(r.Tag) {
			return r, fmt.Errorf("%.140q is no tag", r.Tag)
		}
	}
	r.Repository = imagename.Normal(rest, plainHTTP)
	host, path, _ := strings.Cut(r.Repository, "/")
	if err := imagename.CheckHost(host); err != nil {
		return r, err
	}
	if len(path) > 255 || !pathPattern.MatchString(path) {
		return r, fmt.Errorf("%.260q is no path of a repository: parts of lower-case letters and digits, with . _ __ - between", path)
	}
	return r, nil
}

// Host returns the registry's host, with a port where it has one of its own.
func (r Reference) Host() string {
	host, _, _ := strings.Cut(r.Repository, "/")
	return host
}

// Pinned returns REPOSITORY@DIGEST: what is judged. It is empty without a digest.
func (r Reference) Pinned() string {
	if r.Digest == "" {
		return ""
	}
	return r.Repository + "@" + string(r.Digest)
}

// String returns the name in its one spelling.
func (r Reference) String() string {
	s := r.Repository
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + string(r.Digest)
	}
	return s
}

// Quote returns a stranger's text for a message: one line, without control characters, at most 256 characters of it.
func Quote(text string) string {
	const most = 256
	text = strings.ToValidUTF8(text, "\uFFFD")
	cut := ""
	if runes := []rune(text); len(runes) > most {
		text, cut = string(runes[:most]), "..."
	}
	return `"` + oneline.Of(text) + cut + `"`
}
