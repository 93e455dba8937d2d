package nearest

import "testing"

func TestSuggest(t *testing.T) {
	known := []string{"signature", "attestation", "atLeast", "anyOf", "by", "simple-signing"}
	for got, want := range map[string]string{
		"signatur": `did you mean "signature"?`, "singature": `did you mean "signature"?`, "at_least": `did you mean "atLeast"?`,
		"atleast":       `did you mean "atLeast"?`,
		"simplesigning": `did you mean "simple-signing"?`, "bi": `did you mean "by"?`,
		"completely different": "there are signature, attestation, atLeast, anyOf, by, simple-signing", "": `did you mean "by"?`,
	} {
		if s := Suggest(got, known); s != want {
			t.Errorf("%q: %s, want %s", got, s, want)
		}
	}
	if s := Suggest("x", nil); s != "there are none" {
		t.Error(s)
	}
	if d := distance("ca", "abc"); d != 3 {
		t.Error(d)
	}
	if s := Suggest("z", []string{"aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg", "hhhh", "iiii", "jjjj", "kkkk", "llll", "mmmm",
		"nnnn", "oooo"}); s != "there are aaaa, bbbb, cccc, dddd, eeee, ffff, gggg, hhhh, iiii, jjjj, kkkk, llll, mmmm, nnnn and more" {
		t.Error(s)
	}
}
