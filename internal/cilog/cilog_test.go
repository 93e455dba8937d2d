package cilog

import "testing"

func TestLine(t *testing.T) {
	for in, command := range map[string]bool{
		"::error::x": true, "  ::x": true, "\u200d::x": true, ":\u200d:x": true, " \u00ad : :x": true,
		"": false, ":": false, ": x": false, "a::b": false, "arn:aws:iam::1": false, "'::": false, ":a:": false,
	} {
		got := Line(in)
		if (got == "'"+in) != command || !command && got != in || Line(got) != got {
			t.Errorf("%q is %q", in, got)
		}
	}
}
