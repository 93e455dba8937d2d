package awsarn

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const key = "arn:aws:kms:eu-west-1:111122223333:key/1234:5"
	if a, err := Parse(key); err != nil || a != (ARN{"aws", "kms", "eu-west-1", "111122223333", "key/1234:5"}) {
		t.Errorf("%+v, %v", a, err)
	}
	for _, arn := range []string{
		"", "arn", "arn:aws:kms:eu-west-1:111122223333", "ARN:aws:kms:eu-west-1:111122223333:x", " " + key,
		strings.Replace(key, "aws", "awsevil", 1), strings.Replace(key, "aws", "aws-US", 1), strings.Replace(key, "aws", "", 1),
		strings.Replace(key, "eu-west-1", "", 1), strings.Replace(key, "eu-west-1", "evil.example/", 1),
		strings.Replace(key, "eu-west-1", "EU-west-1", 1),
		strings.Replace(key, "111122223333", "", 1), strings.Replace(key, "111122223333", "11112222333", 1),
		strings.Replace(key, "111122223333", "11112222333x", 1), key + strings.Repeat("x", 3000),
	} {
		if a, err := Parse(arn); err == nil {
			t.Errorf("%.60q: %+v", arn, a)
		}
	}
}

func TestParseProfile(t *testing.T) {
	const good = "arn:aws:signer:us-east-1:111122223333:/signing-profiles/release_2"
	p, err := ParseProfile(good + "/AbCd01")
	if err != nil || p != (Profile{"aws", "us-east-1", "111122223333", "release_2", "AbCd01"}) || p.All().String() != good {
		t.Errorf("%+v, %v", p, err)
	}
	for _, arn := range []string{
		strings.Replace(good, "signer", "kms", 1), strings.Replace(good, "/signing-profiles", "signing-profiles", 1),
		strings.Replace(good, "profiles", "jobs", 1), strings.Replace(good, "release_2", "r", 1),
		strings.Replace(good, "release_2", "*", 1),
		strings.Replace(good, "release_2", strings.Repeat("r", 65), 1), strings.Replace(good, "release_2", "r\u0435lease", 1),
		good + "/", good + "/a/b", good + "/a_b", good + ":x", good + " ", good + "?x=y",
	} {
		if p, err := ParseProfile(arn); err == nil {
			t.Errorf("%q: %+v", arn, p)
		}
	}
}

// FuzzParseProfile: an ARN that is read is written again as it was, so that no two ARNs are one profile.
func FuzzParseProfile(f *testing.F) {
	for _, arn := range []string{
		"arn:aws:signer:us-east-1:111122223333:/signing-profiles/release",
		"arn:aws-us-gov:signer:us-gov-west-1:111122223333:/signing-profiles/release_2/AbCdEf0123",
		"arn:aws:signer:us-east-1:111122223333:/signing-profiles/release/",
		"arn:aws:signer:us-east-1:111122223333:/signing-profiles/*",
		"arn:aws:signer:us-east-1:111122223333:/signing-jobs/1",
		"arn:::::",
	} {
		f.Add(arn)
	}
	f.Fuzz(func(t *testing.T, arn string) {
		if p, err := ParseProfile(arn); err == nil && p.String() != arn {
			t.Errorf("%q was read as %q", arn, p)
		}
	})
}
