// Package imageref takes names of images apart: which repository is it, which tag, which digest? Whoever asks it of a name that a
// stranger wrote, a door or a policy, asks here, so that no two of them read one name in two ways.
package imageref

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/internal/imagename"
)

// A Reference is the name of an image, taken apart.
type Reference struct {
	Repository string        // HOST/PATH in the one spelling of package imagename
	Tag        string        // empty if the name has none
	Digest     digest.Digest // empty if the name has none
}

// maxName is more than any runtime takes: a host, a path of 255 characters, a tag of 128 and a digest.
const maxName = 1024

// Parse reads [HOST/]PATH[:TAG][@ALGORITHM:DIGEST] with the algorithms sha256 and sha512, to the letter: no scheme, no blank, no
// control character, nothing before or behind it. A name of 64 hex digits is the identifier of a local image, which no registry can
// vouch for, and is none. With plainHTTP, the port that goes without saying is 80.
func Parse(name string, plainHTTP bool) (r Reference, err error) {
	switch {
	case name == "":
		return r, errors.New("it is empty")
	case len(name) > maxName:
		return r, fmt.Errorf("it has %d characters, at most %d are read", len(name), maxName)
	case strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f }):
		return r, errors.New("it has a blank, a control character or a letter beyond ASCII")
	case strings.Contains(name, "://"):
		return r, errors.New("it has a scheme: write HOST/PATH")
	case isHex(name, 64):
		return r, errors.New("64 hex digits are the identifier of a local image: name a repository")
	}
	rest, sum, pinned := strings.Cut(name, "@")
	if pinned {
		if !isDigest(sum) {
			return r, errors.New("its digest is not sha256: and 64 lower-case hex digits, or sha512: and 128")
		}
		r.Digest = digest.Digest(sum)
	}
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		rest, r.Tag = rest[:i], rest[i+1:]
		if !IsTag(r.Tag) {
			return r, fmt.Errorf("%.140q is no tag", r.Tag)
		}
	}
	r.Repository = imagename.Normal(rest, plainHTTP)
	host, path, _ := strings.Cut(r.Repository, "/")
	if err := imagename.CheckHost(host); err != nil {
		return r, err
	}
	if !isPath(path) {
		return r, fmt.Errorf("%.260q is no path of a repository: parts of lower-case letters and digits, with . _ __ - between", path)
	}
	return r, nil
}

func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

func isDigest(s string) bool {
	algorithm, sum, _ := strings.Cut(s, ":")
	return algorithm == "sha256" && isHex(sum, 64) || algorithm == "sha512" && isHex(sum, 128)
}

// IsTag reports whether text is a tag (OCI distribution specification 1.1, "Pulling manifests"). This is written out, for its pattern
// is by far the largest that a program compiles: [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}.
func IsTag(text string) bool {
	for i := range len(text) {
		if c := text[i]; !isWord(c) && (c < 'A' || c > 'Z') && c != '_' && (i == 0 || c != '.' && c != '-') {
			return false
		}
	}
	return text != "" && len(text) <= 128
}

func isWord(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// isPath tells what the same place of the specification calls a name, of at most 255 characters.
func isPath(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if !isPart(part) {
			return false
		}
	}
	return len(path) <= 255
}

// isPart tells words with one separator between any two: a dot, an underscore or two, hyphens.
func isPart(part string) bool {
	for part != "" {
		word := 0
		for word < len(part) && isWord(part[word]) {
			word++
		}
		if word == len(part) {
			return true
		}
		separator := word
		for separator < len(part) && part[separator] == part[word] {
			separator++
		}
		switch n := separator - word; {
		case word == 0:
			return false
		case part[word] == '-', part[word] == '.' && n == 1, part[word] == '_' && n <= 2:
			part = part[separator:]
		default:
			return false
		}
	}
	return false // empty, or a separator is last
}
