package vuln_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/regress"
	"github.com/ladingdev/lading/sbom/vuln"
)

// TestRegress judges each testdata/regress/NAME.in: what it is as a scanner's report, and what as VEX.
func TestRegress(t *testing.T) {
	regress.Run(t, func(t *testing.T, in []byte) string {
		var b strings.Builder
		report, err := vuln.Parse(bytes.NewReader(in))
		if err != nil {
			b.WriteString("report: " + refusal(err))
		} else {
			findings, skipped, notes := report.Findings, report.Skipped, report.Notes
			report.Findings, report.Skipped, report.Notes = nil, nil, nil
			writeJSON(t, &b, "report", report)
			writeJSON(t, &b, "finding", findings...)
			writeJSON(t, &b, "skipped", skipped...)
			writeJSON(t, &b, "note", notes...)
		}
		statements, notes, err := vuln.ParseVEX(bytes.NewReader(in))
		if err != nil {
			b.WriteString("VEX: " + refusal(err))
		}
		writeJSON(t, &b, "VEX", statements...)
		writeJSON(t, &b, "note of VEX", notes...)
		return b.String()
	})
}

func writeJSON[T any](t *testing.T, b *strings.Builder, title string, values ...T) {
	t.Helper()
	for _, v := range values {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(b, "%s: %s\n", title, text)
	}
}

// refusal names the kind of an error, which programs ask for, and its text.
func refusal(err error) string {
	for kind, name := range map[error]string{vuln.ErrFormat: "ErrFormat", vuln.ErrInvalid: "ErrInvalid", vuln.ErrLimit: "ErrLimit"} {
		if errors.Is(err, kind) {
			return fmt.Sprintf("%s: %v\n", name, err)
		}
	}
	return fmt.Sprintf("an error of no kind: %v\n", err)
}
