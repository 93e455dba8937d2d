package gate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/imagename/imageref"
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

// ParseReference reads [HOST/]PATH[:TAG][@sha256:DIGEST], to the letter: no scheme, no blank, no control character, nothing
// before or behind it. A name of 64 hex digits is the identifier of a local image, which no registry can vouch for, and is refused.
// With plainHTTP, the port that goes without saying is 80; see registry.Options. Errors wrap [ErrName].
func ParseReference(name string, plainHTTP bool) (Reference, error) {
	r, err := imageref.Parse(name, plainHTTP)
	if err == nil && r.Digest != "" && r.Digest.Algorithm() != digest.SHA256 {
		err = errors.New("its digest is not sha256: and 64 lower-case hex digits")
	}
	if err != nil {
		return Reference{}, fmt.Errorf("%w: %s: %w", ErrName, Quote(name), err)
	}
	return Reference(r), nil
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
