package oneline

import (
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                       "plain",
		"a\nb\r\tc":                   "a b  c",
		"\x1b[2J\u009b":               " [2J ",
		"\u202egpj.exe\u2066":         " gpj.exe ",
		"\u2028":                      " ",
		"# one":                       "# one",
		"a#b#c":                       "a#b#c",
		"##[error]x":                  "# #[error]x",
		"x ##vso[task.complete]":      "x # #vso[task.complete]",
		"####":                        "# # # #",
		"#\u200d\u00ad\ufe0f#[error]": "#\u200d\u00ad\ufe0f #[error]",
		"#\n#":                        "# #",
		"\xff##":                      "\ufffd# #",
	} {
		if got := Of(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
		if got := Of(Of(in)); got != want {
			t.Errorf("twice, %q is %q", in, got)
		}
	}
}

func FuzzOf(f *testing.F) {
	for _, s := range []string{"##", "#\u200d#", "::", "\x00", "\xff", "a\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Of(s)
		if strings.Contains(got, "##") || strings.ContainsAny(got, "\n\r\x1b\u202e\u2028") || Of(got) != got {
			t.Errorf("%q is %q", s, got)
		}
	})
}
