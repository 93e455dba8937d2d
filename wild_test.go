package lading_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The page on how real tools write has rows on each of those that users bring.
func TestDocsWild(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("docs", "wild.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "| ") || !strings.Contains(line, "`") {
			continue
		}
		who, _, _ := strings.Cut(line[2:], "|")
		for name := range strings.SplitSeq(who, ",") {
			rows[strings.Fields(name)[0]]++
		}
	}
	for _, who := range []string{"npm", "pnpm", "yarn", "cdxgen", "cyclonedx-npm", "cyclonedx-gomod", "ko", "BuildKit", "syft", "Trivy",
		"govulncheck", "PyPI",
		"GitHub", "Tekton", "Cloud", "Debian", "Bitnami", "Wolfi"} {
		if rows[who] == 0 {
			t.Errorf("no row on %s", who)
		}
	}
}
