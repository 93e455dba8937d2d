package sigstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/sigstoretest"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
)

// A verifier that trusts nobody says so when the program starts.
func TestValidate(t *testing.T) {
	root := parseRoot(t, sigstoretest.New(signedAt).TrustedRoot(nil))
	if err := newVerifier(t, root, nil, anybody).Validate(); err != nil {
		t.Error(err)
	}
	for _, v := range []*sigstore.Verifier{nil, {}, newVerifier(t, root, nil)} {
		if err := v.Validate(); err == nil {
			t.Errorf("%v is valid", v)
		}
	}
}

// What can never accept a signature is an error before one comes.
func TestNeverAccepts(t *testing.T) {
	s := sigstoretest.New(signedAt)
	root := parseRoot(t, s.TrustedRoot(nil))
	key := func(e sigstore.Entry) sigstore.Entry { e.Name = "key"; return e }
	public := s.Rekor.Public()
	for name, tt := range map[string]struct {
		entry sigstore.Entry
		opts  sigstore.Options
		want  string
	}{
		"a scheme of another type": {key(sigstore.Entry{
			Key: &verify.TrustedKey{Key: public, Schemes: []verify.Scheme{verify.PureEd25519}}}),
			sigstore.Options{}, "does not sign"},
		"a key that is none": {key(sigstore.Entry{Key: &verify.TrustedKey{}}), sigstore.Options{}, "not used"},
		"ends before it begins": {key(sigstore.Entry{
			Key: &verify.TrustedKey{Key: public}, NotBefore: signedAt, NotAfter: signedAt.Add(-1)}),
			sigstore.Options{}, "until before"},
		"over": {key(sigstore.Entry{Key: &verify.TrustedKey{Key: public, Until: signedAt}}),
			sigstore.Options{}, "is over"},
		"no format":                    {acme(t), sigstore.Options{Formats: []verify.Format{}}, "Formats"},
		"a format that there is not":   {acme(t), sigstore.Options{Formats: []verify.Format{9}}, "Formats"},
		"a scheme that there is not":   {acme(t), sigstore.Options{Schemes: []verify.Scheme{99}}, "Schemes"},
		"more logs than there are":     {acme(t), sigstore.Options{Logs: 9}, "the trusted root has"},
		"more CT logs than there are":  {acme(t), sigstore.Options{SCTs: 9}, "the trusted root has"},
		"more stampers than there are": {acme(t), sigstore.Options{Timestamps: 9}, "the trusted root has"},
	} {
		v, err := sigstore.New(root, []sigstore.Entry{tt.entry}, &tt.opts)
		if err == nil {
			err = v.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A signer counts no longer than the trusted root is believed.
func TestUntilOfTheRoot(t *testing.T) {
	s, until := sigstoretest.New(signedAt), signedAt.Add(24*time.Hour)
	root, err := sigstore.ParseRoot(s.TrustedRoot(nil), &sigstore.RootOptions{Until: until})
	if err != nil {
		t.Fatal(err)
	}
	data, now := s.Sign(release()), signedAt.Add(time.Hour)
	v := newVerifier(t, root, &sigstore.Options{Now: func() time.Time { return now }}, acme(t))
	check := func() (*verify.Attestation, error) {
		return v.Verify(t.Context(), verify.Descriptor{Digest: image}, verify.Descriptor{MediaType: bundleType, Data: data})
	}
	if a, err := check(); err != nil || !a.Signers[0].Until.Equal(until) {
		t.Errorf("%v, %v", a, err)
	}
	now = until.Add(time.Second)
	if _, err := check(); !errors.Is(err, verify.ErrUnchecked) {
		t.Error(err)
	}
}
