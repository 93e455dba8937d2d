package notary_test

import (
	"crypto"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"golang.org/x/crypto/ocsp"
)

// Each signer says until when it counts: it does right before, and at that moment something is asked or judged anew.
func TestUntil(t *testing.T) {
	key := newKey()
	chain := newChain(t, key, nil)
	tsa, url := newTSA(t, nil)
	plain := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain}
	expires := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, Expiry: 30 * time.Minute}
	stamped := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, TSA: url, TSARoots: []*x509.Certificate{tsa.Root()}}
	both := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, TSA: url, TSARoots: []*x509.Certificate{tsa.Root()},
		Expiry: 2 * time.Hour}
	for name, tt := range map[string]struct {
		signer *signnotary.Signer
		stamps bool          // whether the verifier trusts a time stamping authority
		want   time.Duration // from epoch; zero means no end
	}{
		"certificates end":                 {plain, false, time.Hour},
		"the signature expires":            {expires, false, 30 * time.Minute},
		"stamped, which nobody believes":   {stamped, false, time.Hour},
		"stamped":                          {stamped, true, 0},
		"stamped, and expires":             {both, true, 2 * time.Hour},
		"not stamped, where it could have": {plain, true, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			now := epoch
			v := verifier(chain)
			v.Now = func() time.Time { return now }
			if tt.stamps {
				v.TSA = []*x509.Certificate{tsa.Root()}
			}
			s := *tt.signer
			s.Now = v.Now
			d := signed(t, &s)
			a, err := v.Verify(t.Context(), image, d)
			if err != nil {
				t.Fatal(err)
			}
			until := a.Signers[0].Until
			if tt.want == 0 {
				if !until.IsZero() {
					t.Fatalf("until %v", until)
				}
				now = epoch.Add(300 * 24 * time.Hour)
				if _, err := v.Verify(t.Context(), image, d); err != nil {
					t.Error(err)
				}
				return
			}
			if want := epoch.Add(tt.want); !until.Equal(want) {
				t.Fatalf("until %v, want %v", until, want)
			}
			now = until.Add(-time.Second)
			if _, err := v.Verify(t.Context(), image, d); err != nil {
				t.Errorf("right before: %v", err)
			}
			now = until.Add(time.Second)
			if _, err := v.Verify(t.Context(), image, d); !errors.Is(err, verify.ErrExpired) {
				t.Errorf("right after: %v", err)
			}
		})
	}
}

// What was found out of revocation is good until it is asked anew.
func TestUntilRevocation(t *testing.T) {
	key := newKey()
	authority := &ca{status: ocsp.Good}
	srv := httptest.NewServer(authority)
	defer srv.Close()
	chain := authority.issue(t, key, srv.URL)
	d := signed(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain})
	now := time.Now()
	v := verifier(chain)
	v.Client, v.Now = srv.Client(), func() time.Time { return now }
	check := func(want time.Time) {
		t.Helper()
		a, err := v.Verify(t.Context(), image, d)
		if err != nil || !a.Signers[0].Until.Equal(want) {
			t.Fatalf("%v, %v, want %v", a, err, want)
		}
	}
	start := now
	check(start.Add(10 * time.Minute))
	authority.status = ocsp.Revoked
	now = start.Add(10*time.Minute - 1)
	check(start.Add(10 * time.Minute)) // by what is remembered
	now = start.Add(10 * time.Minute)
	if _, err := v.Verify(t.Context(), image, d); !errors.Is(err, verify.ErrRevoked) {
		t.Errorf("ten minutes on: %v", err)
	}
	// What could not be found out may be at the next moment.
	soft := verifier(chain)
	soft.Client, soft.Now, soft.Revocation = &http.Client{Transport: nobody{}}, v.Now, notary.RevocationSoft
	v = soft
	check(now)
}

type nobody struct{}

func (nobody) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }

// issue makes a chain whose leaf names this authority.
func (c *ca) issue(t *testing.T, key crypto.Signer, url string) []*x509.Certificate {
	t.Helper()
	chain, parent := newChainFrom(t, key, func(leaf *x509.Certificate) { leaf.OCSPServer = []string{url + "/ocsp/"} })
	c.key, c.signer, c.root, c.url = parent, parent, chain[1], url
	return chain
}

// A verifier that can never accept anything says so when the program starts.
func TestValidate(t *testing.T) {
	chain := newChain(t, newKey(), nil)
	aws := notary.AWSRoots()
	const profile = "arn:aws:signer:us-east-1:111122223333:/signing-profiles/release"
	for name, tt := range map[string]struct {
		v  *notary.Verifier
		ok bool
	}{
		"names":     {&notary.Verifier{CA: chain[1:], Identities: trusted}, true},
		"everybody": {&notary.Verifier{CA: chain[1:], Identities: []string{"*"}}, true},
		"profile": {&notary.Verifier{SigningAuthority: aws, Identities: []string{profile},
			Revocation: notary.RevocationOffUnsafe}, true},
		"authority of one's own": {&notary.Verifier{SigningAuthority: chain[1:], Identities: trusted, RequireTimestamp: true}, true},
		"nothing":                {v: &notary.Verifier{}},
		"no identity":            {v: &notary.Verifier{CA: chain[1:]}},
		"no certificate":         {v: &notary.Verifier{Identities: trusted}},
		"no prefix":              {v: &notary.Verifier{CA: chain[1:], Identities: []string{"C=US, ST=WA, O=acme"}}},
		"a name and a typo": {
			v: &notary.Verifier{CA: chain[1:], Identities: append(trusted[:1:1], "x509.subject: C=US, ST=WA, Q=acme")}},
		"empty": {v: &notary.Verifier{CA: chain[1:], Identities: []string{""}}},
		"wildcard in a profile": {
			v: &notary.Verifier{SigningAuthority: aws, Identities: []string{"arn:aws:signer:us-east-1:111122223333:/signing-profiles/*"}}},
		"names below AWS":      {v: &notary.Verifier{SigningAuthority: aws, Identities: trusted}},
		"nobody to ask":        {v: &notary.Verifier{SigningAuthority: aws, Identities: []string{profile}}},
		"profile below CA":     {v: &notary.Verifier{CA: chain[1:], Identities: []string{profile}, Revocation: notary.RevocationSoft}},
		"timestamps by nobody": {v: &notary.Verifier{CA: chain[1:], Identities: trusted, RequireTimestamp: true}},
		"nil certificate":      {v: &notary.Verifier{CA: make([]*x509.Certificate, 1), Identities: trusted}},
		"unknown mode":         {v: &notary.Verifier{CA: chain[1:], Identities: trusted, Revocation: 7}},
	} {
		if err := tt.v.Validate(); (err == nil) != tt.ok || err != nil && !errors.Is(err, notary.ErrTrust) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
