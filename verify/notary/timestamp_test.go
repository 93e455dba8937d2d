package notary_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/tsatest"
	"github.com/ladingdev/lading/sign"
	signnotary "github.com/ladingdev/lading/sign/notary"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/notary"
	"github.com/notaryproject/tspclient-go"
	"golang.org/x/crypto/ocsp"
)

func newTSA(t testing.TB, edit func(*x509.Certificate)) (a *tsatest.Authority, url string) {
	t.Helper()
	a = must(tsatest.New(epoch.Add(-time.Hour), epoch.Add(10*365*24*time.Hour), edit))
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	return a, s.URL
}

func TestTimestamp(t *testing.T) {
	key := newKey()
	chain := newChain(t, key, nil)
	tsa, url := newTSA(t, nil)
	year := func() time.Time { return epoch.Add(365 * 24 * time.Hour) } // leaf and root have expired
	for _, format := range []signnotary.Format{signnotary.JWS, signnotary.COSE} {
		s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, Format: format}
		plain := signed(t, s)
		s.TSA, s.TSARoots = url, []*x509.Certificate{tsa.Root()}
		stamped := signed(t, s)
		trusting := func(edit func(*notary.Verifier)) *notary.Verifier {
			v := verifier(chain)
			v.TSA = []*x509.Certificate{tsa.Root()}
			if edit != nil {
				edit(v)
			}
			return v
		}
		for name, v := range map[string]*notary.Verifier{
			"now":         trusting(nil),
			"required":    trusting(func(v *notary.Verifier) { v.RequireTimestamp = true }),
			"a year on":   trusting(func(v *notary.Verifier) { v.Now = year }),
			"in a policy": trusting(func(v *notary.Verifier) { v.Now, v.RequireTimestamp = year, true }),
		} {
			a, err := v.Verify(t.Context(), image, stamped)
			if err != nil {
				t.Errorf("%d, %s: %v", format, name, err)
			} else if s := a.Signers[0]; s.TimeSource != verify.TimeStamped || s.SignedAt.Sub(epoch).Abs() > time.Minute {
				t.Errorf("%d, %s: %+v", format, name, s)
			}
		}
		// Without trust in the authority, the signature ends with its certificates.
		if a, err := verifier(chain).Verify(t.Context(), image, stamped); err != nil || a.Signers[0].TimeSource != verify.TimeClaimed {
			t.Errorf("%d, no authority, now: %v, %v", format, a, err)
		}
		other, _ := newTSA(t, nil)
		stranger := trusting(func(v *notary.Verifier) { v.TSA = []*x509.Certificate{other.Root()} })
		if a, err := stranger.Verify(t.Context(), image, stamped); err != nil || a.Signers[0].TimeSource != verify.TimeClaimed {
			t.Errorf("%d, another authority, now: %v, %v", format, a, err)
		}
		for name, tt := range map[string]struct {
			v        *notary.Verifier
			evidence verify.Descriptor
			want     error
		}{
			"no authority": {trusting(func(v *notary.Verifier) { v.Now, v.TSA = year, nil }), stamped, verify.ErrExpired},
			"another authority": {
				trusting(func(v *notary.Verifier) { v.Now, v.TSA = year, []*x509.Certificate{other.Root()} }), stamped, verify.ErrExpired},
			"the CA is no authority of time": {trusting(func(v *notary.Verifier) { v.Now, v.TSA = year, chain }), stamped,
				verify.ErrExpired},
			"no timestamp":           {trusting(func(v *notary.Verifier) { v.Now = year }), plain, verify.ErrExpired},
			"no timestamp, required": {trusting(func(v *notary.Verifier) { v.RequireTimestamp = true }), plain, verify.ErrNotTrusted},
			"another authority, required": {trusting(func(v *notary.Verifier) {
				v.RequireTimestamp, v.TSA = true, []*x509.Certificate{other.Root()}
			}), stamped,
				verify.ErrNotTrusted},
			"before it was made": {trusting(func(v *notary.Verifier) { v.Now = func() time.Time { return epoch.Add(-30 * time.Minute) } }),
				stamped, verify.ErrNotYet},
		} {
			if a, err := tt.v.Verify(t.Context(), image, tt.evidence); a != nil || !errors.Is(err, tt.want) {
				t.Errorf("%d, %s: got %v, %v; want %v", format, name, a, err, tt.want)
			}
		}
	}
}

// A time stamping authority that is mistaken, or lies, gives no more time to a signature.
// An authority with an intermediate need not put it into its timestamps: its chain as it serves it is enough to trust.
func TestTimestampIntermediate(t *testing.T) {
	key := newKey()
	chain := newChain(t, key, nil)
	tsa := must(tsatest.NewIntermediate(epoch.Add(-time.Hour), epoch.Add(10*365*24*time.Hour)))
	server := httptest.NewServer(tsa)
	defer server.Close()
	year := func() time.Time { return epoch.Add(365 * 24 * time.Hour) }
	for _, leafOnly := range []bool{false, true} {
		tsa.LeafOnly = leafOnly
		for _, format := range []signnotary.Format{signnotary.JWS, signnotary.COSE} {
			s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, Format: format, TSA: server.URL, TSARoots: tsa.Chain}
			v := verifier(chain)
			v.Now, v.RequireTimestamp = year, true
			// What is signed with the whole chain is complete, so the root alone verifies it.
			for _, trusted := range [][]*x509.Certificate{tsa.Chain, {tsa.Root()}, tsa.Chain[1:]} {
				v.TSA = trusted
				if a, err := v.Verify(t.Context(), image, signed(t, s)); err != nil || a.Signers[0].TimeSource != verify.TimeStamped {
					t.Errorf("leaf only %v, format %d, %d trusted: %v", leafOnly, format, len(trusted), err)
				}
			}
			s.TSARoots = []*x509.Certificate{tsa.Root()}
			_, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
			if leafOnly && (!errors.Is(err, signnotary.ErrTimestamp) || !strings.Contains(err.Error(), "whole chain")) || !leafOnly &&
				err != nil {
				t.Errorf("leaf only %v, signing with the root alone: %v", leafOnly, err)
			}
			s.TSARoots = tsa.Chain[:2]
			if _, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{})); !errors.Is(err, signnotary.ErrTimestamp) {
				t.Errorf("signing without a root: %v", err)
			}
		}
	}
	// As the authority serves it, in one file.
	var file []byte
	for _, c := range tsa.Chain {
		file = append(file, pemOf(t, c.Raw)...)
	}
	if served, err := notary.ParseCertificates(file); err != nil || len(served) != 3 {
		t.Errorf("the chain as it is served: %v", err)
	}
	// A token that another tool left incomplete.
	incomplete := stamp(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain}, func(s []byte) []byte { return token(tsa, s) })
	other := must(tsatest.NewIntermediate(epoch.Add(-time.Hour), epoch.Add(10*365*24*time.Hour)))
	for name, tt := range map[string]struct {
		trusted []*x509.Certificate
		want    error
	}{
		"the whole chain":      {tsa.Chain, nil},
		"the root alone":       {tsa.Chain[2:], verify.ErrNotTrusted},
		"no root":              {tsa.Chain[:2], verify.ErrNotTrusted},
		"another authority":    {other.Chain, verify.ErrNotTrusted},
		"another intermediate": {[]*x509.Certificate{other.Chain[1], tsa.Root()}, verify.ErrNotTrusted},
	} {
		v := verifier(chain)
		v.Now, v.RequireTimestamp, v.TSA = year, true, tt.trusted
		_, err := v.Verify(t.Context(), image, incomplete)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "the root alone" && !strings.Contains(err.Error(), "whole chain") {
			t.Errorf("%s does not say what to do: %v", name, err)
		}
	}
}

func TestBadTimestamps(t *testing.T) {
	key := newKey()
	chain := newChain(t, key, nil)
	year := func() time.Time { return epoch.Add(365 * 24 * time.Hour) }
	good, _ := newTSA(t, nil)
	for name, tt := range map[string]struct {
		leaf  func(*x509.Certificate) // of the authority
		edit  func(*tsatest.Authority)
		token func(a *tsatest.Authority, signature []byte) []byte
		want  error
	}{
		"another signature": {token: func(a *tsatest.Authority, _ []byte) []byte { return token(a, []byte("another signature")) },
			want: verify.ErrTampered},
		"after the leaf has expired": {edit: func(a *tsatest.Authority) { a.Now = func() time.Time { return epoch.Add(2 * time.Hour) } },
			want: verify.ErrNotYet},
		"before the leaf was": {edit: func(a *tsatest.Authority) { a.Now = func() time.Time { return epoch.Add(-90 * time.Minute) } },
			want: verify.ErrNotTrusted},
		"in the future": {edit: func(a *tsatest.Authority) { a.Now = func() time.Time { return epoch.Add(2 * 365 * 24 * time.Hour) } },
			want: verify.ErrNotYet},
		"so vague that it may be after": {edit: func(a *tsatest.Authority) {
			a.Edit = func(i *tspclient.TSTInfo) { i.Accuracy = tspclient.Accuracy{Seconds: 7200} }
		}, want: verify.ErrNotYet},
		"accuracy below nothing": {edit: func(a *tsatest.Authority) {
			a.Edit = func(i *tspclient.TSTInfo) { i.Accuracy = tspclient.Accuracy{Seconds: -7200} }
		}, want: verify.ErrMalformed},
		"accuracy beyond numbers": {edit: func(a *tsatest.Authority) {
			a.Edit = func(i *tspclient.TSTInfo) { i.Accuracy = tspclient.Accuracy{Seconds: 1 << 40} }
		}, want: verify.ErrMalformed},
		"two signers": {edit: func(a *tsatest.Authority) { a.Twice = true }, want: verify.ErrMalformed},
		"not for time": {leaf: func(c *x509.Certificate) {
			c.ExtraExtensions, c.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}, want: verify.ErrNotTrusted},
		"for more than time": {leaf: func(c *x509.Certificate) {
			c.ExtraExtensions, c.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageCodeSigning}
		}, want: verify.ErrNotTrusted},
		"purpose not critical": {leaf: func(c *x509.Certificate) {
			c.ExtraExtensions, c.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}
		}, want: verify.ErrNotTrusted},
		"its leaf has expired": {leaf: func(c *x509.Certificate) { c.NotAfter = epoch.Add(-time.Minute) }, want: verify.ErrNotTrusted},
		"a leaf before its own": {edit: func(a *tsatest.Authority) { a.Chain = append([]*x509.Certificate{good.Chain[0]}, a.Chain...) },
			want: verify.ErrNotTrusted},
		"many certificates": {edit: func(a *tsatest.Authority) {
			for range 20 {
				a.Chain = append(a.Chain, a.Chain[1])
			}
		}, want: verify.ErrMalformed},
		"a key without end": {edit: func(a *tsatest.Authority) {
			c := &x509.Certificate{SerialNumber: big.NewInt(3)}
			huge := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 30000), E: 65537}
			a.Chain = append(a.Chain, must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, c, huge, newKey())))))
			a.Chain[1], a.Chain[2] = a.Chain[2], a.Chain[1]
		}, want: verify.ErrLimit},
		"of another authority": {token: func(_ *tsatest.Authority, s []byte) []byte { return token(good, s) },
			want: verify.ErrNotTrusted},
		"garbage": {token: func(*tsatest.Authority, []byte) []byte { return []byte("garbage") }, want: verify.ErrMalformed},
		"a signature and a half": {token: func(a *tsatest.Authority, s []byte) []byte {
			d := token(a, s)
			return append(d, d[:len(d)/2]...)
		},
			want: verify.ErrMalformed},
		"without end": {token: func(*tsatest.Authority, []byte) []byte { return make([]byte, 300<<10) }, want: verify.ErrLimit},
	} {
		t.Run(name, func(t *testing.T) {
			tsa, _ := newTSA(t, tt.leaf)
			if tt.edit != nil {
				tt.edit(tsa)
			}
			make := tt.token
			if make == nil {
				make = func(a *tsatest.Authority, s []byte) []byte { return token(a, s) }
			}
			evidence := stamp(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain}, func(s []byte) []byte { return make(tsa, s) })
			v := verifier(chain)
			v.TSA = []*x509.Certificate{tsa.Chain[len(tsa.Chain)-1]}
			v.RequireTimestamp = true
			if a, err := v.Verify(t.Context(), image, evidence); a != nil || !errors.Is(err, tt.want) {
				t.Errorf("got %v, %v; want %v", a, err, tt.want)
			}
			v.RequireTimestamp, v.Now = false, year
			if a, err := v.Verify(t.Context(), image, evidence); a != nil || !errors.Is(err, verify.ErrExpired) {
				t.Errorf("after a year: %v, %v", a, err)
			}
		})
	}
	// What the tests above change is what makes the difference.
	v := verifier(chain)
	v.TSA, v.Now = []*x509.Certificate{good.Root()}, year
	evidence := stamp(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain}, func(s []byte) []byte { return token(good, s) })
	if _, err := v.Verify(t.Context(), image, evidence); err != nil {
		t.Errorf("a good one: %v", err)
	}
	// A vague one says so: what must be older than a moment is held against the latest that it leaves open.
	vague, _ := newTSA(t, nil)
	vague.Edit = func(i *tspclient.TSTInfo) { i.Accuracy = tspclient.Accuracy{Seconds: 90} }
	v.TSA, v.Now = []*x509.Certificate{vague.Root()}, func() time.Time { return epoch }
	evidence = stamp(t, &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain}, func(s []byte) []byte { return token(vague, s) })
	a, err := v.Verify(t.Context(), image, evidence)
	if err != nil {
		t.Fatal(err)
	}
	if s := a.Signers[0]; s.Accuracy != 90*time.Second || !s.Latest().Equal(s.SignedAt.Add(90*time.Second)) {
		t.Errorf("%+v", s)
	}
}

// The authority of time is asked about as the signer's is: by OCSP, once, and the answer decides. Who signs asks too.
func TestTimestampRevocation(t *testing.T) {
	key := newKey()
	chain := newChain(t, key, nil)
	c := &ca{key: newKey().(*ecdsa.PrivateKey)}
	c.signer = c.key
	srv := httptest.NewServer(c)
	defer srv.Close()
	name := pkix.Name{CommonName: "time"}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, NotBefore: epoch.Add(-time.Hour),
		NotAfter: epoch.Add(24 * time.Hour),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	c.root = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, root, root, c.key.Public(), c.key))))
	name.CommonName = "time stamping"
	leafKey := newKey().(*ecdsa.PrivateKey)
	usage := pkix.Extension{Id: []int{2, 5, 29, 37}, Critical: true, Value: []byte{0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8}}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: name, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{usage}, OCSPServer: []string{srv.URL + "/ocsp"}}
	leaf = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, leaf, c.root, leafKey.Public(), c.key))))
	tsa := &tsatest.Authority{Key: leafKey, Chain: []*x509.Certificate{leaf, c.root}}
	clock := httptest.NewServer(tsa)
	defer clock.Close()
	s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain}
	one := stamp(t, s, func(sig []byte) []byte { return token(tsa, sig) })
	two := stamp(t, s, func(sig []byte) []byte { return token(tsa, sig) })
	for name, tt := range map[string]struct {
		status int
		want   error
	}{
		"good": {ocsp.Good, nil}, "revoked": {ocsp.Revoked, verify.ErrRevoked}, "not known": {ocsp.Unknown, verify.ErrUnchecked},
	} {
		v := verifier(chain)
		v.TSA, v.RequireTimestamp, v.Client = []*x509.Certificate{c.root}, true, srv.Client()
		c.status = tt.status
		stamped := &signnotary.Signer{Key: s.Key, Chain: chain, TSA: clock.URL, TSARoots: v.TSA, Client: srv.Client()}
		if d, err := stamped.Sign(t.Context(), sign.About(image, sign.ImageSignature{})); (err == nil) != (tt.want == nil) ||
			err != nil && (!errors.Is(err, signnotary.ErrTimestamp) || d.Data != nil) {
			t.Errorf("%s, to sign: %v", name, err)
		}
		c.calls.Store(0)
		for _, evidence := range []verify.Descriptor{one, two, one} {
			if a, err := v.Verify(t.Context(), image, evidence); !errors.Is(err, tt.want) || (a == nil) != (tt.want != nil) {
				t.Errorf("%s: %v, %v", name, a, err)
			}
		}
		if n := c.calls.Load(); !errors.Is(tt.want, verify.ErrUnchecked) && n != 1 {
			t.Errorf("%s: %d questions about one authority", name, n)
		}
		for _, mode := range []notary.Revocation{notary.RevocationSoft, notary.RevocationOffUnsafe} {
			v.Revocation = mode
			status := verify.NotChecked
			a, err := v.Verify(t.Context(), image, one)
			if mode == notary.RevocationSoft && tt.status == ocsp.Revoked {
				if !errors.Is(err, verify.ErrRevoked) {
					t.Errorf("%s, mode %d: %v", name, mode, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s, mode %d: %v", name, mode, err)
				continue
			}
			if mode == notary.RevocationSoft && tt.status == ocsp.Good {
				status = verify.Passed
			}
			i := slices.IndexFunc(a.Checks, func(c verify.Check) bool { return c.Name == "timestamp revocation" })
			if i < 0 || a.Checks[i].Status != status || a.Checks[i].Reason == "" {
				t.Errorf("%s, mode %d: %+v", name, mode, a.Checks)
			}
		}
	}
}

// A signer that is to be stamped signs nothing without.
func TestBadTSA(t *testing.T) {
	key := newKey()
	chain := newChain(t, key, nil)
	other, _ := newTSA(t, nil)
	var elsewhere atomic.Bool
	silence := make(chan struct{})
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Store(true) }))
	defer target.Close()
	for name, handler := range map[string]func(a *tsatest.Authority) http.Handler{
		"another nonce": func(a *tsatest.Authority) http.Handler {
			a.Edit = func(i *tspclient.TSTInfo) { i.Nonce = nil }
			return a
		},
		"another imprint": func(a *tsatest.Authority) http.Handler {
			a.Edit = func(i *tspclient.TSTInfo) { i.MessageImprint.HashedMessage = make([]byte, 32) }
			return a
		},
		"another root": func(*tsatest.Authority) http.Handler { return other },
		"HTML": func(*tsatest.Authority) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
		},
		"error": func(*tsatest.Authority) http.Handler { return http.NotFoundHandler() },
		"rejection": func(*tsatest.Authority) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/timestamp-reply")
				_, _ = w.Write([]byte{0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02})
			})
		},
		"without end": func(*tsatest.Authority) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/timestamp-reply")
				_, _ = w.Write(make([]byte, 4<<20))
			})
		},
		"elsewhere": func(*tsatest.Authority) http.Handler {
			return http.RedirectHandler(target.URL, http.StatusTemporaryRedirect)
		},
		"silence": func(*tsatest.Authority) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silence })
		},
	} {
		t.Run(name, func(t *testing.T) {
			tsa, _ := newTSA(t, nil)
			srv := httptest.NewServer(handler(tsa))
			defer srv.Close()
			if name == "silence" {
				defer close(silence)
			}
			s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, TSA: srv.URL, TSARoots: []*x509.Certificate{tsa.Root()},
				Client: &http.Client{Timeout: 300 * time.Millisecond}}
			d, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
			if !errors.Is(err, signnotary.ErrTimestamp) || d.Data != nil {
				t.Errorf("%v", err)
			}
		})
	}
	if elsewhere.Load() {
		t.Error("a redirect was followed")
	}
	for _, url := range []string{"ftp://127.0.0.1/", "127.0.0.1", "http://", "http://127.0.0.1:1/"} {
		s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, TSA: url, TSARoots: []*x509.Certificate{other.Root()}}
		if _, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{})); !errors.Is(err, signnotary.ErrTimestamp) {
			t.Errorf("%s: %v", url, err)
		}
	}
	s := &signnotary.Signer{Key: sign.FromSigner(key), Chain: chain, TSA: target.URL}
	if _, err := s.Sign(t.Context(), sign.About(image, sign.ImageSignature{})); !errors.Is(err, signnotary.ErrTimestamp) {
		t.Errorf("no roots: %v", err)
	}
}

// token stamps a message.
func token(a *tsatest.Authority, message []byte) []byte {
	req := must(tspclient.NewRequest(tspclient.RequestOptions{Content: message, HashAlgorithm: crypto.SHA256}))
	return must(a.Token(req))
}

// stamp signs, and puts into the envelope, which nothing protects there, what make gives for the signature.
func stamp(t testing.TB, s *signnotary.Signer, make func(signature []byte) []byte) verify.Descriptor {
	t.Helper()
	d := signed(t, s)
	var envelope map[string]any
	if err := json.Unmarshal(d.Data, &envelope); err != nil {
		t.Fatal(err)
	}
	signature := must(base64.RawURLEncoding.DecodeString(envelope["signature"].(string)))
	envelope["header"].(map[string]any)["io.cncf.notary.timestampSignature"] = make(signature)
	d.Data = must(json.Marshal(envelope))
	return d
}
