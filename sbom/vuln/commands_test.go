package vuln_test

import (
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom/vuln"
)

// What a scanner or an SBOM says is no command for a CI server that reads its own log.
func TestTableCommands(t *testing.T) {
	for _, command := range []string{"::stop-commands::x", "##[error]x", "##vso[task.complete result=Succeeded;]x"} {
		component := vuln.Component{Name: command, Version: command, PURL: command}
		r := &vuln.Report{
			Subject: vuln.Subject{Name: command}, Tool: vuln.Tool{Name: command}, Databases: []vuln.Database{{Name: command}},
			Findings: []vuln.Finding{{ID: command, Title: command, Severity: vuln.High,
				Affects: []vuln.Affected{{Component: component, Fixed: []string{command}},
					{Component: component, Doubt: strings.Repeat("b ", 30) + command}}}},
			Skipped: []vuln.Skipped{{Component: component, Reason: command}},
		}
		for _, width := range []int{60, 80, 200} {
			var b strings.Builder
			if err := r.WriteTable(&b, &vuln.TableOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##") {
					t.Errorf("a command: %s", line)
				}
			}
		}
	}
}
