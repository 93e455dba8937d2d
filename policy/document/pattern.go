package document

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/ladingdev/lading/internal/imagename"
	"github.com/ladingdev/lading/internal/imagename/ecrhost"
	"github.com/ladingdev/lading/internal/imagename/imageref"
)

const (
	imagePattern = `^(\*\*|[^\s/@]+(/[a-z0-9*._-]+)+)$`
	imageWords   = "a pattern of images, HOST/REPOSITORY, such as registry.example.com/shop/**, without tag and digest"
)

// A pattern says which repositories an entry is about. Names are compared in the one spelling that package imagename has, so that
// upper case in a host, the port 443, a dot behind the host or another name of Docker Hub chooses no other entry.
type pattern struct {
	text  string
	all   bool     // "**" alone
	host  []string // labels; "*" is any one
	port  string
	parts []string // of the path; "**" is one or more
}

var (
	partPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^([a-z0-9*]+((\.|_|__|-+)[a-z0-9*]+)*|\*\*)$`)
	})
	taggedPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`:[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	})
)

func checkPattern(text string) error {
	_, err := parsePattern(text)
	return err
}

func checkPath(text string) error {
	_, err := parseParts(text)
	return err
}

// parsePattern reads a pattern. Its host is named in full, or has * for whole labels before the last two.
func parsePattern(text string) (*pattern, error) {
	if text == "**" {
		return &pattern{text: text, all: true}, nil
	}
	name := text
	host, _, found := strings.Cut(name, "/")
	switch {
	case len(text) > 512:
		return nil, errors.New("it is longer than any name of an image")
	case strings.Contains(text, "@"):
		return nil, errors.New("it has a digest: patterns name repositories")
	case !found || !strings.ContainsAny(host, ".:*") && !strings.EqualFold(host, "localhost"):
		return nil, errors.New("it does not begin with the registry's host: write docker.io/ in front for Docker Hub's")
	case strings.LastIndexByte(text, ':') > strings.LastIndexByte(text, '/'):
		return nil, fmt.Errorf("it has a tag: patterns name repositories, write %s", taggedPattern().ReplaceAllString(text, ""))
	case strings.Contains(host, "*"):
		if err := checkLabels(host); err != nil {
			return nil, err
		}
		name = strings.ToLower(host) + name[len(host):]
	default:
		name = imagename.Normal(name, false)
	}
	host, path, _ := strings.Cut(name, "/")
	if err := imagename.CheckHost(strings.ReplaceAll(host, "*", "any")); err != nil {
		return nil, err
	}
	parts, err := parseParts(path)
	if err != nil {
		return nil, err
	}
	p := &pattern{text: text, parts: parts}
	p.host, p.port = splitHost(host)
	return p, nil
}

// splitHost takes a host apart, which is in its one spelling.
func splitHost(host string) (labels []string, port string) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host, port = host[:i], host[i+1:]
	}
	if strings.HasPrefix(host, "[") { // an address of IPv6
		return []string{host}, port
	}
	return strings.Split(host, "."), port
}

func checkLabels(host string) error {
	labels, _ := splitHost(host)
	n := len(labels)
	for i, l := range labels {
		switch {
		case !strings.Contains(l, "*"):
		case l != "*":
			return errors.New("in a host, * stands for a whole label, as in *.example.com: a part of one can be had by anybody")
		case i >= n-2:
			return errors.New("in a host, the last two labels are named: below them anybody can have a name")
		}
	}
	return nil
}

func parseParts(path string) ([]string, error) {
	parts := strings.Split(path, "/")
	for _, p := range parts {
		if !partPattern().MatchString(p) {
			return nil, fmt.Errorf("%.80q is no part of a repository's path: "+
				"lower-case letters, digits and . _ - between them, with *, or ** alone", p)
		}
		if strings.Contains(p, "**") && p != "**" {
			return nil, errors.New("** stands for whole parts of the path: write a * for what is within one")
		}
	}
	return parts, nil
}

// A repository is the name of an image in its one spelling, without tag and digest.
type repository struct {
	host  []string
	port  string
	parts []string
	text  string
}

// parseRepository takes the name of an image apart. A name that programs may read in several ways is none.
func parseRepository(name string) (*repository, error) {
	ref, err := imageref.Parse(name, false)
	if err != nil {
		return nil, err
	}
	host, path, _ := strings.Cut(ref.Repository, "/")
	r := &repository{text: ref.Repository, parts: strings.Split(path, "/")}
	r.host, r.port = splitHost(host)
	return r, nil
}

func (p *pattern) match(r *repository) bool {
	if p.all {
		return true
	}
	if len(p.host) != len(r.host) || p.port != r.port {
		return false
	}
	for i, l := range p.host {
		if l != "*" && l != r.host[i] {
			return false
		}
	}
	return matchParts(p.parts, r.parts, func(pattern, part string) bool { return part != "**" && matchPart(pattern, part) })
}

// matchParts matches a path; ** takes one part or more. It takes at most len(pattern) * len(parts) steps.
func matchParts(pattern, parts []string, one func(pattern, part string) bool) bool {
	i, star, from := 0, -1, 0
	for j := 0; j < len(parts); {
		switch {
		case i < len(pattern) && pattern[i] == "**":
			star, from = i, j
			i, j = i+1, j+1
		case i < len(pattern) && one(pattern[i], parts[j]):
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = star+1, from+1
			if j > len(parts) {
				return false
			}
		default:
			return false
		}
	}
	return i == len(pattern)
}

// matchPart matches one part of a path, in which * takes any letters, or none.
func matchPart(pattern, part string) bool {
	i, star, from := 0, -1, 0
	for j := 0; j < len(part); {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, from = i, j
			i++
		case i < len(pattern) && pattern[i] == part[j]:
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == '*' {
		i++
	}
	return i == len(pattern)
}

// covers reports whether p surely matches whatever q does.
func (p *pattern) covers(q *pattern) bool {
	switch {
	case p.all:
		return true
	case q.all || len(p.host) != len(q.host) || p.port != q.port:
		return false
	}
	for i, l := range p.host {
		if l != "*" && l != q.host[i] {
			return false
		}
	}
	return matchParts(p.parts, q.parts, func(mine, theirs string) bool {
		switch {
		case mine == theirs && mine != "**", mine == "*" && theirs != "**":
			return true
		}
		return !strings.Contains(theirs, "*") && matchPart(mine, theirs)
	})
}

// anyHost reports whether hosts of several owners may match.
func (p *pattern) anyHost() bool { return p.all || len(p.host) > 0 && p.host[0] == "*" }

// account returns the account and the region that an image of Amazon ECR is from.
func (r *repository) account() (account, region string) {
	if r.port != "" {
		return "", ""
	}
	at, _ := ecrhost.Parse(strings.Join(r.host, "."))
	return at.Account, at.Region
}

// CheckPattern says why a text is no pattern of images; see [Parse].
func CheckPattern(text string) error {
	if err := checkPattern(text); err != nil {
		return fmt.Errorf("document: %.80q: %w", text, err)
	}
	return nil
}
