package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"

	"github.com/ladingdev/lading/sbom"
)

func condaFinders() ([]finder, error) {
	meta := &condaMeta{}
	return []finder{{Extractor: meta, max: maxText, details: meta.details}}, nil
}

// condaMeta reads what conda installed: a file for each package in the environment's conda-meta.
type condaMeta struct{ record condaRecord }

type condaRecord struct {
	Name, Version, Build, Channel, Subdir, License, URL, SHA256 string
	Depends                                                     []string
}

func (*condaMeta) Name() string { return "conda" }

func (*condaMeta) Version() int { return 0 }

func (*condaMeta) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

// FileRequired says where conda has its records.
func (*condaMeta) FileRequired(api filesystem.FileAPI) bool {
	dir, base := path.Split(api.Path())
	return path.Base(dir) == "conda-meta" && strings.HasSuffix(base, ".json")
}

// Extract finds the package.
func (m *condaMeta) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	m.record = condaRecord{}
	if err := json.NewDecoder(in.Reader).Decode(&m.record); err != nil {
		return out, err
	}
	r := &m.record
	if r.Name == "" || r.Version == "" {
		return out, errors.New("it has no name or no version")
	}
	u := sbom.PURL{Type: "conda", Name: r.Name, Version: r.Version, Qualifiers: map[string]string{}}
	channel := strings.TrimSuffix(strings.TrimSuffix(r.Channel, "/"), "/"+r.Subdir)
	for key, value := range map[string]string{"build": r.Build,
		"channel": channel[strings.LastIndexByte(channel, '/')+1:], "subdir": r.Subdir} {
		if value != "" {
			u.Qualifiers[key] = value
		}
	}
	out.Packages = []*extractor.Package{{Name: r.Name, Version: r.Version, PURLType: "conda", Metadata: &ownPURL{u}}}
	return out, nil
}

// details reads licence and dependencies: names with versions behind them.
func (m *condaMeta) details(c *collector, f *found) error {
	k := f.pkgs[0]
	if k == nil {
		return nil
	}
	add(&k.licenses, m.record.License)
	var sums []cdx.Hash
	if raw, err := hex.DecodeString(m.record.SHA256); err == nil && len(raw) == sha256.Size {
		sums = append(sums, cdx.Hash{Algorithm: cdx.HashAlgoSHA256, Value: m.record.SHA256})
	}
	k.distribution(m.record.URL, sums)
	dir := path.Dir(f.path)
	c.byDir[dir+"\n"+m.record.Name] = k
	for _, d := range m.record.Depends {
		name, _, _ := strings.Cut(d, " ")
		c.later = append(c.later, func() { k.need(c.byDir[dir+"\n"+name]) })
	}
	return nil
}
