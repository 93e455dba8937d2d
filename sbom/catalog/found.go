package catalog

import (
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// A component in the making.
type component struct {
	key      string // it is known by
	id       string // package URL, or another text that is its own
	kind     cdx.ComponentType
	purl     string
	group    string
	name     string
	version  string
	supplier string
	licenses []string // as its package database writes them
	lesser   []string // licences by the word of another than itself, for want of better
	places   []place
	placed   map[place]bool
	props    []cdx.Property
	refs     []cdx.ExternalReference
	scanned  []cdx.Property // what scanners look for
	needs    map[*component]bool
	hashes   []cdx.Hash
	why      string // it is not there: "development" or "optional"
	present  bool   // it is there, and not only in a lockfile that says it may be missing
	asked    bool   // a lockfile says that it is needed to run
	renamed  *component
}

type place struct{ path, layer string }

func (c *component) need(other *component) {
	if other == nil || other == c {
		return
	}
	if c.needs == nil {
		c.needs = map[*component]bool{}
	}
	c.needs[other] = true
}

func (c *component) property(name, value string) {
	p := cdx.Property{Name: name, Value: value}
	if value != "" && !slices.Contains(c.props, p) {
		c.props = append(c.props, p)
	}
}

func (c *component) at(p place) {
	if c.placed == nil {
		c.placed = map[place]bool{}
	}
	if !c.placed[p] {
		c.placed[p] = true
		c.places = append(c.places, p)
	}
}

const maxLicenses = 1000 // of a package: what says more lists something else

func add(list *[]string, s string) {
	if s = strings.TrimSpace(s); s != "" && len(*list) < maxLicenses && !slices.Contains(*list, s) {
		*list = append(*list, s)
	}
}

// current returns the component that this one has become.
func (k *component) current() *component {
	for k != nil && k.renamed != nil {
		k = k.renamed
	}
	return k
}

// lacks says why a package is not needed to run, unless something else says that it is there.
func (k *component) lacks(why string) {
	if k.why == "" || why == "optional" {
		k.why = why
	}
}

// hash adds a digest of the package as it is distributed.
func (k *component) hash(h cdx.Hash) {
	if len(k.hashes) < 10 && !slices.Contains(k.hashes, h) {
		k.hashes = append(k.hashes, h)
	}
}
