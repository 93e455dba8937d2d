package report

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
)

// JSON writes an object for programs: its version, 1; the verdict of all decisions together, as policy.All has it; how many are
// allowed, denied and undecided; and the decisions, as encoding/json writes them. What would turn or break lines on a terminal
// is escaped, so that nothing is lost.
func JSON(w io.Writer, o *Options, decisions ...*policy.Decision) error {
	_, decisions, err := checked(o, decisions)
	if err != nil {
		return err
	}
	c := count(decisions)
	return writeJSON(w, struct {
		Version   int                `json:"version"`
		Verdict   policy.Verdict     `json:"verdict"`
		Allowed   int                `json:"allowed"`
		Denied    int                `json:"denied"`
		Undecided int                `json:"undecided"`
		Decisions []*policy.Decision `json:"decisions"`
	}{1, c.verdict(), c.allowed, c.denied, c.undecided, decisions})
}

// writeJSON writes indented JSON in which every control character of a text is escaped, the bidirectional ones too.
func writeJSON(w io.Writer, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	out := make([]byte, 0, len(data)+1)
	for _, r := range string(data) {
		switch {
		case r < 0x7F, oneline.Of(string(r)) == string(r): // encoding/json has escaped what is below a space
			out = utf8.AppendRune(out, r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	_, err = w.Write(append(out, '\n'))
	return err
}
