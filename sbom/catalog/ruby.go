package catalog

import (
	"io"
	"regexp"
)

var gemLicense = regexp.MustCompile(`\.licenses?\s*=\s*\[?\s*((?:"[^"\n]*"|'[^'\n]*')(?:\.freeze)?(?:\s*,\s*(?:"[^"\n]*"|'[^'\n]*')(?:\.freeze)?)*)`)

var quoted = regexp.MustCompile(`"([^"]*)"|'([^']*)'`)

// gemDetails reads the licences that the specification of a gem says in so many words.
func gemDetails(_ *collector, f *found) error {
	data, err := io.ReadAll(io.LimitReader(f.file, maxText))
	if err != nil || f.pkgs[0] == nil {
		return err
	}
	var all []string
	if m := gemLicense.FindSubmatch(data); m != nil {
		for _, q := range quoted.FindAllSubmatch(m[1], -1) {
			add(&all, string(q[1])+string(q[2]))
		}
		for _, l := range anyOf(all) { // one may choose (RubyGems' specification reference, licenses)
			add(&f.pkgs[0].licenses, l)
		}
	}
	return nil
}
