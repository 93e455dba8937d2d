package ecrhost

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const account = "123456789012"
	for host, want := range map[string]Place{
		account + ".dkr.ecr.eu-central-1.amazonaws.com":                               {account, "eu-central-1", false},
		account + ".dkr.ecr-fips.us-gov-west-1.amazonaws.com":                         {account, "us-gov-west-1", true},
		account + ".dkr-ecr.ap-south-1.on.aws":                                        {account, "ap-south-1", false},
		account + ".dkr.ecr.cn-north-1.amazonaws.com.cn":                              {account, "cn-north-1", false},
		account + ".dkr.ecr.eusc-de-east-1.amazonaws.eu":                              {account, "eusc-de-east-1", false},
		"vpce-0123abcd-4567efgh.dkr.ecr.eu-west-1.vpce.amazonaws.com":                 {"", "eu-west-1", false},
		"vpce-0123abcd-4567efgh-eu-west-1a.dkr.ecr-fips.us-east-1.vpce.amazonaws.com": {"", "us-east-1", true},
		"":               {},
		"public.ecr.aws": {},
		account + ".dkr.ecr.eu-central-1.amazonaws.com.example.com": {},
		account + ".dkr.ecr.eu-central-1.amazonaws.com:5000":        {},
		account + ".dkr.ecr.eu-central-1.x.amazonaws.com":           {},
		account + ".dkr.ecr.eu-central-1.amazonaws.com\n":           {},
		"1" + account + ".dkr.ecr.eu-central-1.amazonaws.com":       {},
		account + ".dkr.ecr.eu-central-1.amazonawsxcom":             {},
		"x." + account + ".dkr.ecr.eu-central-1.amazonaws.com":      {},
	} {
		if got, ok := Parse(host); got != want || ok != (want != Place{}) {
			t.Errorf("%q: %+v, %t", host, got, ok)
		}
	}
}

// No host is taken for ECR's that somebody else could have.
func FuzzParse(f *testing.F) {
	f.Add("123456789012.dkr.ecr.eu-central-1.amazonaws.com")
	f.Add("123456789012.dkr.ecr.eu-central-1.amazonaws.com.example.com")
	f.Add("vpce-0a-1b.dkr.ecr.eu-west-1.vpce.amazonaws.com")
	f.Fuzz(func(t *testing.T, host string) {
		at, ok := Parse(host)
		if !ok {
			return
		}
		if strings.ContainsAny(host, "/:@ \n") || at.Account != "" && !strings.HasPrefix(host, at.Account+".dkr") ||
			strings.Contains(at.Region, ".") {
			t.Fatalf("%q is taken for ECR's", host)
		}
	})
}
