package kms_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/ladingdev/lading/sign/kms"
)

// malformed references, all of AWS.
var malformed = map[string]string{
	"nothing":            "awskms://",
	"no key":             "awskms:///",
	"no slash":           "awskms://alias",
	"a path":             "awskms:///key/1234",
	"other service":      "awskms:///arn:aws:s3:us-east-1:111122223333:key/1234abcd",
	"no region":          "awskms:///arn:aws:kms::111122223333:key/1234abcd",
	"a host as region":   "awskms:///arn:aws:kms:evil.example/:111122223333:key/1234abcd",
	"short account":      "awskms:///arn:aws:kms:us-east-1:1111:key/1234abcd",
	"other partition":    "awskms:///arn:awsevil:kms:us-east-1:111122223333:key/1234abcd",
	"neither":            "awskms:///arn:aws:kms:us-east-1:111122223333:grant/1234abcd",
	"both":               "awskms:///arn:aws:kms:us-east-1:111122223333:key/alias/x",
	"ARN cut":            "awskms:///arn:aws:kms:us-east-1",
	"empty alias":        "awskms:///alias/",
	"alias with a query": "awskms:///alias/x?region=us-east-1",
	"a space":            "awskms:///1234abcd ",
	"a line":             "awskms:///1234abcd\n",
	"user":               "awskms://user:secret@host/alias/x",
	"endpoint with http": "awskms://http://host/alias/x",
	"port without host":  "awskms://:443/alias/x",
	"port of text":       "awskms://host:https/alias/x",
	"long":               "awskms:///" + strings.Repeat("a", 3000),
}

func TestMalformedReferences(t *testing.T) {
	environmentOfNobody(t)
	for name, uri := range malformed {
		if _, err := kms.Open(t.Context(), uri); !errors.Is(err, kms.ErrReference) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, uri := range map[string]string{
		"empty":              "",
		"a file":             "cosign.key",
		"a bare ARN":         "arn:aws:kms:us-east-1:111122223333:key/1234abcd",
		"other case":         "AWSKMS:///alias/x",
		"no provider":        "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
		"no provider at all": "nosuch://x",
	} {
		if _, err := kms.Open(t.Context(), uri); !errors.Is(err, kms.ErrReference) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func environmentOfNobody(t testing.TB) {
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// asked is a client that tells whether it was asked, and for what.
type asked struct{ id, region string }

func (a *asked) GetPublicKey(_ context.Context, in *awskms.GetPublicKeyInput,
	opts ...func(*awskms.Options)) (*awskms.GetPublicKeyOutput, error) {
	o := awskms.Options{Region: "the client's"}
	for _, f := range opts {
		f(&o)
	}
	a.id, a.region = *in.KeyId, o.Region
	return nil, errors.New("asked")
}

func (a *asked) Sign(context.Context, *awskms.SignInput, ...func(*awskms.Options)) (*awskms.SignOutput, error) {
	panic("not called")
}

// What goes to the service is what was given, to the region that is in it, and holds nothing that would read as more.
func FuzzKeyID(f *testing.F) {
	for _, uri := range malformed {
		f.Add(strings.TrimPrefix(uri, "awskms:///"))
	}
	f.Add("1234abcd-12ab-34cd-56ef-1234567890ab")
	f.Add("mrk-1234abcd12ab34cd56ef1234567890ab")
	f.Add("alias/team/release_1-2")
	f.Add("arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
	f.Add("arn:aws-iso-b:kms:us-isob-east-1:111122223333:alias/release")
	f.Fuzz(func(t *testing.T, id string) {
		a := new(asked)
		_, err := kms.NewAWS(t.Context(), a, id)
		switch {
		case err == nil:
			t.Fatal("a key from nowhere")
		case errors.Is(err, kms.ErrReference):
			if a.id != "" {
				t.Errorf("%q: refused, and yet asked for", id)
			}
			return
		}
		want := "the client's"
		if strings.HasPrefix(id, "arn:") {
			want = strings.Split(id, ":")[3]
		}
		if a.id != id || a.region != want || strings.ContainsAny(id, " \t\r\n?#@%\\\"'<>") || len(id) > 2048 {
			t.Errorf("%q: asked for %q in %q", id, a.id, a.region)
		}
	})
}

func FuzzReference(f *testing.F) {
	for _, uri := range malformed {
		f.Add(uri)
	}
	f.Add("planted://key")
	ctx, cancel := context.WithCancel(f.Context())
	cancel() // no reference, however good, gets to a service
	f.Setenv("AWS_REGION", "us-east-1")
	f.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	f.Setenv("AWS_SECRET_ACCESS_KEY", "not a secret")
	environmentOfNobody(f)
	f.Fuzz(func(t *testing.T, uri string) {
		_, err := kms.Open(ctx, uri)
		if err == nil {
			t.Fatal("a key from nowhere")
		}
		if !strings.HasPrefix(uri, "awskms://") && !errors.Is(err, kms.ErrReference) {
			t.Errorf("%q: %v", uri, err)
		}
	})
}
