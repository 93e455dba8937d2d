package catalog

import (
	"encoding/json"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/google/osv-scalibr/extractor/filesystem/os/homebrew"
)

func homebrewFinders() ([]finder, error) {
	return byLibrary(homebrew.New, finder{max: maxText, details: brewDetails})
}

// formulaLicense is a licence in a formula: of one text, or of a list of texts (Homebrew's "Formula Cookbook", license).
var formulaLicense = regexp.MustCompile(`(?m)^\s*license +(?:"([^"]+)"|(any_of|all_of): *\[([^\[\]]*)\])`)

// isFormula says whether a file is the formula that Homebrew keeps with what it installed.
func isFormula(name string) bool {
	return path.Base(path.Dir(name)) == ".brew" && path.Ext(name) == ".rb"
}

// brewDetails reads what an installed formula runs with, from the receipt, and its licence, from the formula.
func brewDetails(c *collector, f *found) error {
	k := f.pkgs[0]
	dir := path.Dir(f.path)
	if k == nil || path.Base(f.path) != "INSTALL_RECEIPT.json" || path.Base(path.Dir(path.Dir(dir))) != "Cellar" {
		return nil // of a cask, which has no receipt of this form
	}
	var receipt struct {
		Needs []struct {
			Name string `json:"full_name"`
		} `json:"runtime_dependencies"`
	}
	if err := json.NewDecoder(f.file).Decode(&receipt); err != nil {
		return err
	}
	name := func(s string) string { return "brew\n" + path.Dir(path.Dir(dir)) + "\n" + path.Base(s) } // a tap is before it
	c.byDir[name(path.Dir(dir))] = k
	for _, n := range receipt.Needs {
		c.later = append(c.later, func() { k.need(c.byDir[name(n.Name)]) })
	}
	file, err := c.tree.Open(path.Join(dir, ".brew", path.Base(path.Dir(dir))+".rb"))
	if err != nil {
		return nil // bottles from before 2017 have none
	}
	defer file.Close()
	formula, err := io.ReadAll(io.LimitReader(file, maxText))
	if err != nil {
		return err
	}
	m := formulaLicense.FindStringSubmatch(string(formula))
	if m == nil {
		return nil
	}
	list := []string{m[1]}
	if m[3] != "" {
		list = strings.FieldsFunc(m[3], func(r rune) bool { return strings.ContainsRune("\", \n", r) })
	}
	if m[2] == "any_of" {
		list = anyOf(list)
	}
	for _, l := range list {
		add(&k.licenses, l)
	}
	return nil
}
