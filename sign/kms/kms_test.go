package kms_test

import (
	"context"
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/kms"
	"github.com/ladingdev/lading/sign/signtest"
	"github.com/sigstore/sigstore/pkg/signature"
	sigstore "github.com/sigstore/sigstore/pkg/signature/kms"
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

// Programs named like plugins of sigstore's library lie in PATH, and none is ever run.
func TestNoPlugins(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the plugin is a shell script")
	}
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	for _, name := range []string{"planted", "gcpkms", "awskms", "azurekms", "hashivault"} {
		if err := os.WriteFile(filepath.Join(dir, "sigstore-kms-"+name), []byte("#!/bin/sh\n: > '"+ran+"'\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	environmentOfNobody(t)
	t.Setenv("AWS_REGION", "")
	for _, uri := range []string{"planted://key", "gcpkms://projects/p", "azurekms://vault/key", "hashivault://key", "awskms://planted", "planted://", "://", "planted"} {
		if _, err := kms.Open(t.Context(), uri); !errors.Is(err, kms.ErrReference) {
			t.Errorf("%s: %v", uri, err)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Fatal("a program from PATH was run")
	}
	// The trap works: the library alone runs it.
	sv, err := sigstore.Get(t.Context(), "planted://key", crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sv.PublicKey(); err == nil {
		t.Error("a public key from a script that says nothing")
	}
	if _, err := os.Stat(ran); err != nil {
		t.Errorf("the trap does not work: %v", err)
	}
}

// provider is what a provider of sigstore's registers, with a key in memory.
type provider struct{ signature.SignerVerifier }

func (provider) CreateKey(context.Context, string) (crypto.PublicKey, error) { panic("not called") }
func (provider) CryptoSigner(context.Context, func(error)) (crypto.Signer, crypto.SignerOpts, error) {
	panic("not called")
}
func (provider) SupportedAlgorithms() []string { return nil }
func (provider) DefaultAlgorithm() string      { return "" }

func TestOpenProvider(t *testing.T) {
	failed := errors.New("no such key")
	sigstore.AddProvider("memorykms://", func(_ context.Context, uri string, _ crypto.Hash, _ ...signature.RPCOption) (sigstore.SignerVerifier, error) {
		if uri != "memorykms://key" {
			return nil, failed
		}
		sv, _, err := signature.NewDefaultECDSASignerVerifier()
		return provider{sv}, err
	})
	key, err := kms.Open(t.Context(), "memorykms://key")
	if err != nil {
		t.Fatal(err)
	}
	signtest.TestKey(t, key)
	signtest.TestSigner(t, &sign.BundleSigner{Key: key})
	if _, err := kms.Open(t.Context(), "memorykms://other"); !errors.Is(err, failed) {
		t.Errorf("the provider's error: %v", err)
	}
}

// asked is a client that tells whether it was asked, and for what.
type asked struct{ id, region string }

func (a *asked) GetPublicKey(_ context.Context, in *awskms.GetPublicKeyInput, opts ...func(*awskms.Options)) (*awskms.GetPublicKeyOutput, error) {
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
		if !strings.HasPrefix(uri, "awskms://") && !strings.HasPrefix(uri, "memorykms://") && !errors.Is(err, kms.ErrReference) {
			t.Errorf("%q: %v", uri, err)
		}
	})
}
