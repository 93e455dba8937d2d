package notary

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

func TestBelowAWS(t *testing.T) {
	roots := AWSRoots()
	for _, root := range roots {
		// Whoever trusts an authority between the root and the leaf trusts no more for that.
		if !belowAWS([]*x509.Certificate{new(x509.Certificate), root}) {
			t.Errorf("not below %s", root.Subject)
		}
	}
	if belowAWS([]*x509.Certificate{new(x509.Certificate)}) {
		t.Error("any chain is below AWS's roots")
	}
}

// What is remembered about revocation has a bound, and nothing is remembered wrong.
func TestAnswers(t *testing.T) {
	var a answers
	asked := 0
	get := func(i int) {
		var key [sha256.Size]byte
		binary.BigEndian.PutUint64(key[:], uint64(i))
		if err := a.get(key, time.Unix(0, 0), func() error { asked++; return nil }); err != nil {
			t.Fatal(err)
		}
		if len(a.m) > maxAnswers {
			t.Fatalf("%d answers are remembered", len(a.m))
		}
	}
	for i := range 3 * maxAnswers {
		get(i)
		get(i)
	}
	if asked != 3*maxAnswers {
		t.Errorf("asked %d times about %d signatures", asked, 3*maxAnswers)
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
		p, err := parseProfile(arn)
		if err != nil {
			return
		}
		again := p.String()
		if p.version != "" {
			again += "/" + p.version
		}
		if again != arn {
			t.Errorf("%q was read as %q", arn, again)
		}
	})
}

var escape = strings.NewReplacer(`\`, `\\`, ",", `\,`, "+", `\+`, `"`, `\"`, "<", `\<`, ">", `\>`, ";", `\;`, "#", `\#`, "=", `\=`)

// FuzzParseIdentity: a name that is read and written again names the same, and never everybody.
func FuzzParseIdentity(f *testing.F) {
	for _, text := range []string{
		"x509.subject: C=US, ST=WA, O=acme.example",
		"x509.subject:C=US,S=WA,O=acme\\, inc,OU=a\\=b\\#,CN=x",
		"x509.subject: C=US, ST=WA, O=acme, O=evil",
		"x509.subject: C=US+ST=WA, O=acme",
		"x509.subject: C=US, ST=WA, O=#0403414243",
		"x509.subject: C=US, ST=WA, O=a\\",
		"x509.subject: C=" + strings.Repeat("=#", 400),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := parseIdentity(text)
		if err != nil {
			return
		}
		var parts []string
		for key, value := range id {
			if strings.TrimSpace(value) != value || len(value)*2+16 > maxIdentity/len(id) {
				return // an escaped space at an end, or longer once it is escaped
			}
			parts = append(parts, key+"="+escape.Replace(value))
		}
		again, err := parseIdentity("x509.subject:" + strings.Join(parts, ","))
		if err != nil || len(again) != len(id) {
			t.Fatalf("%q: %v, %v", text, again, err)
		}
		for key, value := range id {
			if again[key] != value {
				t.Errorf("%q: %s is %q, and then %q", text, key, value, again[key])
			}
		}
	})
}
