package ecr

import (
	"encoding/base64"
	"errors"
	"testing"
)

// No text is taken for a token that cannot be one.
func FuzzToken(f *testing.F) {
	f.Add("QVdTOng=")
	f.Add("QVdTOng")
	f.Add("Og==")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseToken(&text)
		if err != nil {
			if !errors.Is(err, ErrToken) {
				t.Fatal(err)
			}
			return
		}
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil || c.Username+":"+c.Password != string(data) {
			t.Fatalf("%q became %v", text, c)
		}
	})
}
