package document_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/internal/regress"
	"github.com/ladingdev/lading/policy/document"
)

// TestRegress judges each testdata/regress/NAME.in: every fault that Parse or Load finds, or what the document says in its canonical form,
// and what Lint finds.
func TestRegress(t *testing.T) {
	regress.Run(t, func(t *testing.T, in []byte) string {
		doc, err := document.Parse(in)
		if err != nil {
			return faults("not a policy document", err)
		}
		var b strings.Builder
		for _, line := range members(t, doc) {
			b.WriteString(line + "\n")
		}
		for _, f := range doc.Lint() {
			fmt.Fprintf(&b, "lint: %v\n", f)
		}
		if _, err := doc.Load(&document.Options{Unbound: true}); err != nil {
			b.WriteString(faults("not loaded", err))
		}
		return b.String()
	})
}

// members are a document's canonical form, each member and each entry of a list on a line of its own.
func members(t *testing.T, doc *document.Document) (lines []string) {
	t.Helper()
	canonical, err := doc.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(canonical, &parts); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		var list []json.RawMessage
		if json.Unmarshal(parts[name], &list) != nil {
			list = []json.RawMessage{parts[name]}
		}
		for _, value := range list {
			lines = append(lines, name+": "+string(value))
		}
	}
	return lines
}

// faults lists the faults of a document. Another error than those is a fault of the code, and stands out.
func faults(title string, err error) string {
	var list document.Errors
	if !errors.As(err, &list) || !errors.Is(err, document.ErrDocument) {
		return fmt.Sprintf("%s: an error of another kind, %T: %v\n", title, err, err)
	}
	lines := []string{title}
	for _, f := range list {
		lines = append(lines, "  "+f.Error())
	}
	return strings.Join(append(lines, ""), "\n")
}
