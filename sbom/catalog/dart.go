package catalog

import (
	"cmp"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/sbom"
)

func dartFinders() ([]finder, error) {
	return []finder{lockFinder("dart/pubspec", readPubLock, nil, "pubspec.lock")}, nil
}

// readPubLock reads pubspec.lock, in which nothing says what depends on what.
func readPubLock(data []byte) (*lockfile, error) {
	docs, err := parseYAML(data)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}, flagged: true}
	for key, list := range pairs(docs[0]) {
		if key != "packages" {
			continue
		}
		for name, n := range pairs(list) {
			var e struct {
				Dependency, Source, Version string
				Description                 yaml.Node
			}
			if err := n.Decode(&e); err != nil {
				return nil, fmt.Errorf("%.200q: %w", name, err)
			}
			var from struct {
				Name, URL, SHA256 string
				Commit            string `yaml:"resolved-ref"`
			}
			if e.Description.Kind == yaml.MappingNode { // of an SDK it is its name
				if err := e.Description.Decode(&from); err != nil {
					return nil, fmt.Errorf("%.200q: %w", name, err)
				}
			}
			p := &lockedPackage{purl: sbom.PURL{Type: "pub", Name: cmp.Or(from.Name, name), Version: e.Version},
				dev: e.Dependency == "direct dev", sha256: from.SHA256}
			switch host := strings.TrimSuffix(from.URL, "/"); {
			case e.Source == "git":
				p.purl = withVCS(p.purl, vcsURL(from.URL, from.Commit))
			case e.Source == "sdk" && e.Version == "0.0.0":
				p.purl.Version = "" // it has that of the SDK
			case e.Source == "hosted" && host != "" && host != "https://pub.dev" && host != "https://pub.dartlang.org":
				p.purl.Qualifiers = map[string]string{"repository_url": host}
			}
			out.packages[name] = p
		}
	}
	return out, nil
}
