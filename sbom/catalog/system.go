package catalog

import (
	"regexp"
	"strings"
)

func (in *installed) add(k *component, arch string, provides []string, any [][]string) {
	if in.provides == nil {
		in.provides = map[string][]*component{}
	}
	in.packages = append(in.packages, asking{k, arch, provides, any})
	for _, p := range provides {
		for _, p := range []string{p, p + "\n" + arch} {
			if l := in.provides[p]; len(l) == 0 || l[len(l)-1] != k {
				in.provides[p] = append(l, k)
			}
		}
	}
}

// link makes the edges: to the first alternative that is there, of the own architecture if it is there twice.
func (in *installed) link() {
	for _, p := range in.packages {
		own := map[string]bool{}
		for _, name := range p.own {
			own[name] = true
		}
		for _, any := range p.any {
			for _, name := range any {
				list := in.provides[name+"\n"+p.arch]
				if len(list) == 0 {
					list = in.provides[name]
				}
				if len(list) == 0 {
					continue
				}
				if !own[name] {
					p.need(list[0])
				}
				break
			}
		}
	}
}

var maintainer = regexp.MustCompile(`^\s*"?([^<"]*?)"?\s*<`)

func supplier(s string) string {
	if m := maintainer.FindStringSubmatch(s); m != nil && m[1] != "" {
		return m[1]
	}
	return strings.TrimSpace(s)
}
