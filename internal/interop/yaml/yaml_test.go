// Package yaml_test asks goccy/go-yaml about the rules of YAML that sbom reads SPDX by.
package yaml_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// known is where that library does not follow YAML 1.2.2, or was written for another schema.
var known = map[string]string{"10.3.2 core schema": "1_000 is a number there"}

// Each document means the same to both: what sbom's own test wants of it is read as the document is.
func TestRules(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "sbom", "internal", "encoding", "spdxyaml", "testdata", "rules.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rules []struct{ Section, In, Want string }
	if err := json.Unmarshal(data, &rules); err != nil || len(rules) < 23 {
		t.Fatalf("%d rules, %v", len(rules), err)
	}
	for _, tt := range rules {
		if known[tt.Section] != "" {
			continue
		}
		var theirs, ours any
		if err := yaml.Unmarshal([]byte(strings.TrimPrefix(tt.In, "\ufeff")), &theirs); err != nil {
			t.Errorf("%s: %v", tt.Section, err)
			continue
		}
		if err := yaml.Unmarshal([]byte(tt.Want), &ours); err != nil {
			t.Fatalf("%s: %v", tt.Section, err)
		}
		if fmt.Sprint(theirs) != fmt.Sprint(ours) {
			t.Errorf("%s: goccy/go-yaml reads %q as %v, sbom as %v", tt.Section, tt.In, theirs, ours)
		}
	}
}
