package ecr

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// No host gets a token but those of AWS, and no text is taken for a token that cannot be one.
func FuzzCredential(f *testing.F) {
	f.Add("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "QVdTOng=")
	f.Add("123456789012.dkr.ecr.eu-central-1.amazonaws.com.example.com", "QVdTOng")
	f.Add("123456789012.dkr-ecr.ap-south-1.on.aws", "Og==")
	f.Fuzz(func(t *testing.T, host, text string) {
		if m := privateHost.FindStringSubmatch(host); m != nil {
			if strings.ContainsAny(host, "/:@ \n") || !strings.HasPrefix(host, m[1]+".dkr") || strings.Contains(m[3], ".") {
				t.Fatalf("%q is taken for ECR's", host)
			}
		}
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
