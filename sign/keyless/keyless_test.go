package keyless_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
	"github.com/ladingdev/lading/verify"
	"github.com/ladingdev/lading/verify/sigstore"
)

var image = sign.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("image"), Size: 5}

func start(t testing.TB) *keylesstest.Server {
	t.Helper()
	s := keylesstest.Start()
	t.Cleanup(s.Close)
	return s
}

func instance(t testing.TB, s *keylesstest.Server, log keylesstest.Log) *keyless.Instance {
	t.Helper()
	i, err := keyless.ParseInstance(s.TrustedRoot(), s.SigningConfig(log))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func signer(t testing.TB, s *keylesstest.Server, log keylesstest.Log) *keyless.Signer {
	t.Helper()
	return &keyless.Signer{Instance: instance(t, s, log), Token: func(_ context.Context, audience string) (string, error) {
		if audience != "sigstore" {
			t.Errorf("audience %q", audience)
		}
		return s.Token(keylesstest.Run("acme/app", "release.yml", "refs/tags/v1.0")), nil
	}}
}

func verifier(t testing.TB, s *keylesstest.Server, entries ...sigstore.Entry) *sigstore.Verifier {
	t.Helper()
	root, err := sigstore.ParseRoot(s.TrustedRoot(), nil)
	if err != nil {
		t.Fatal(err)
	}
	release, err := sigstore.GitHub{Repository: "acme/app", Workflow: "release.yml", Tags: "v*"}.Entry("release")
	if err != nil {
		t.Fatal(err)
	}
	v, err := sigstore.New(root, append(entries, release), &sigstore.Options{Now: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

type predicate struct{}

func (predicate) PredicateType() string        { return "https://example.com/p" }
func (predicate) MarshalJSON() ([]byte, error) { return []byte(`{ "n": 1 }`), nil }

var logs = map[string]keylesstest.Log{"first": keylesstest.First, "tiles": keylesstest.Tiles}

// What is signed, verifies: signature, statement, file, and a statement that somebody else wrote, to the byte.
func TestSign(t *testing.T) {
	for name, log := range logs {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			k, v := signer(t, s, log), verifier(t, s)
			for what, p := range map[string]sign.Predicate{"image": sign.ImageSignature{}, "statement": predicate{}} {
				d, err := k.Sign(t.Context(), sign.About(image, p))
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				a, err := v.Verify(t.Context(), image, d)
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if by := a.Signers[0]; by.TimeSource < verify.TimeStamped || by.SignedAt.IsZero() {
					t.Errorf("%s: %+v", what, by)
				}
			}
			d, err := k.SignBlob(t.Context(), strings.NewReader("a file"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.VerifyBlob(t.Context(), strings.NewReader("a file"), d); err != nil {
				t.Error(err)
			}
			text := []byte(
				"{\n\t\"_type\": \"https://in-toto.io/Statement/v1\", \"subject\": [{\"digest\": {\"sha256\": \"" + image.Digest.Encoded() +
					"\"}}],\n \"predicateType\": \"https://example.com/p\", \"predicate\": {}, \"more\": 1 }",
			)
			if d, err = k.SignStatement(t.Context(), text); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(t.Context(), image, d); err != nil {
				t.Error(err)
			}
			if service := map[string]string{"first": "rekor", "tiles": "tiles"}[name]; s.Requests(service) != 4 ||
				s.Requests("fulcio") != 4 ||
				s.Requests("tsa") != 4 {
				t.Errorf("%d, %d and %d requests for four signatures", s.Requests(service), s.Requests("fulcio"), s.Requests("tsa"))
			}
		})
	}
}

// A key's signature has a proven time by witnesses, whoever they are.
func TestWitnesses(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		name      string
		algorithm sign.Algorithm
		log       keylesstest.Log
		refused   bool
	}{
		{"P-256, first", sign.P256, keylesstest.First, false}, {"P-256, tiles", sign.P256, keylesstest.Tiles, false},
		{"P-384, tiles", sign.P384, keylesstest.Tiles, false}, {"P-521, first", sign.P521, keylesstest.First, false},
		{"RSA, first", sign.RSA2048, keylesstest.First, false}, {"RSA, tiles", sign.RSA3072, keylesstest.Tiles, false},
		{"Ed25519, first", sign.Ed25519, keylesstest.First, false}, {"Ed25519, tiles", sign.Ed25519, keylesstest.Tiles, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, err := sign.GenerateKey(c.algorithm)
			if err != nil {
				t.Fatal(err)
			}
			b := &sign.BundleSigner{Key: key, Witness: &keyless.Witnesses{Instance: instance(t, s, c.log)}}
			d, err := b.Sign(t.Context(), sign.About(image, sign.ImageSignature{}))
			if c.refused {
				if !errors.Is(err, keyless.ErrLog) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			root, err := sigstore.ParseRoot(s.TrustedRoot(), nil)
			if err != nil {
				t.Fatal(err)
			}
			v, err := sigstore.New(root, []sigstore.Entry{{Name: "kms", Key: &verify.TrustedKey{Key: key.Public()}}},
				&sigstore.Options{Now: s.Now})
			if err != nil {
				t.Fatal(err)
			}
			a, err := v.Verify(t.Context(), image, d)
			if err != nil {
				t.Fatal(err)
			}
			if a.Signers[0].TimeSource < verify.TimeStamped {
				t.Errorf("%+v", a.Signers[0])
			}
			// Who trusts the key alone reads it as before.
			if _, err := (&verify.KeyVerifier{Keys: []verify.TrustedKey{{Key: key.Public()}}}).Verify(t.Context(), image, d); err != nil {
				t.Error(err)
			}
		})
	}
}

// Each fault is told, by kind and by who did it, and nothing is handed out, so that nothing can be attached.
func TestFaults(t *testing.T) {
	type want struct {
		err   error
		where string // service, as in the URL
	}
	fulcio, rekor, tsa := want{
		keyless.ErrCertificate,
		"/fulcio",
	}, want{
		keyless.ErrLog,
		"/rekor",
	}, want{
		keyless.ErrTimestamp,
		"/tsa/api/v1/timestamp",
	}
	wants := map[keylesstest.Fault]want{
		keylesstest.FulcioDown: fulcio, keylesstest.FulcioSlow: fulcio, keylesstest.FulcioOtherKey: fulcio,
		keylesstest.FulcioOtherName:   fulcio,
		keylesstest.FulcioOtherIssuer: fulcio, keylesstest.FulcioOtherSCT: fulcio, keylesstest.RekorDown: rekor,
		keylesstest.RekorSlow: rekor,
		keylesstest.RekorLost: {}, keylesstest.RekorLate: {}, keylesstest.RekorOtherEntry: rekor, keylesstest.RekorOtherRoot: rekor,
		keylesstest.RekorForged: rekor, keylesstest.TSADown: tsa, keylesstest.TSASlow: tsa, keylesstest.TSAOtherSignature: tsa,
		keylesstest.TSAForged: tsa, keylesstest.TSAOff: {keyless.ErrUnverified, "clock"}, keylesstest.CertificateEnds: fulcio,
		keylesstest.EverythingThrottled: {},
	}
	for _, f := range keylesstest.Faults() {
		for name, log := range logs {
			t.Run(string(f)+", "+name, func(t *testing.T) {
				t.Parallel()
				want, known := wants[f]
				if !known {
					t.Fatal("no answer")
				}
				if log == keylesstest.Tiles {
					want.where = strings.ReplaceAll(want.where, "/rekor", "/tiles")
				}
				if f == keylesstest.RekorLost && log == keylesstest.Tiles { // such a log does not give out what it has
					want.err, want.where = keyless.ErrLog, "sign again"
				}
				s := start(t)
				k := signer(t, s, log)
				k.Now = s.Now
				if strings.Contains(string(f), "never") {
					k.Timeout = 2 * time.Second
				}
				s.Break(f)
				d, err := k.Sign(t.Context(), sign.About(image, predicate{}))
				switch {
				case want.err == nil && err != nil, want.err != nil && !errors.Is(err, want.err):
					t.Errorf("%v, want %v", err, want.err)
				case want.err != nil && len(d.Data) > 0:
					t.Error("something was handed out")
				case want.err != nil && (strings.ContainsAny(err.Error(), "\n\r") || !strings.Contains(err.Error(), want.where)):
					t.Errorf("%q, want %q in it", err, want.where)
				}
				var service *keyless.ServiceError
				if strings.Contains(string(f), "down") && (!errors.As(err, &service) || service.Status != 503) ||
					strings.Contains(string(f), "never") && (!errors.As(err, &service) || !errors.Is(err, context.DeadlineExceeded)) {
					t.Errorf("%v", err)
				}
				s.Break()
				if _, err := k.Sign(t.Context(), sign.About(image, predicate{})); err != nil && k.Timeout == 0 {
					t.Errorf("and then: %v", err)
				}
			})
		}
	}
}

// A provider of tokens that is down, or does not answer, is told like a service.
func TestProviderFaults(t *testing.T) {
	s := start(t)
	for name, h := range map[string]http.HandlerFunc{
		"down":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"never": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"later": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusTooManyRequests)
		},
	} {
		provider := httptest.NewServer(h)
		defer provider.Close()
		t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", provider.URL+"/?api-version=2.0")
		t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "a secret")
		k := &keyless.Signer{Instance: instance(t, s, keylesstest.Tiles), Token: keyless.GitHubEnvironment(nil), Timeout: 2 * time.Second}
		_, err := k.Sign(t.Context(), sign.About(image, predicate{}))
		var service *keyless.ServiceError
		if !errors.Is(err, keyless.ErrToken) || !errors.As(err, &service) || service.Service != "identity provider" ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
		if name == "later" { // without a deadline too
			if _, err := k.Token(context.WithoutCancel(t.Context()), keyless.Audience); !errors.As(err, &service) ||
				!strings.Contains(err.Error(), "10m0s") {
				t.Error(err)
			}
		}
	}
	if n := s.Requests("fulcio") + s.Requests("tiles") + s.Requests("tsa"); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// An e-mail address in a token is the one in the certificate, and an issuer behind the provider is one that the token names.
func TestNames(t *testing.T) {
	s := start(t)
	i := instance(t, s, keylesstest.Tiles)
	signs := func(claims map[string]any) error {
		_, err := (&keyless.Signer{Instance: i, Token: keyless.Token(s.Token(claims))}).Sign(t.Context(), sign.About(image, predicate{}))
		return err
	}
	if err := signs(map[string]any{"email": "a@example.com", "email_verified": true, "sub": "7"}); err != nil {
		t.Error(err)
	}
	if err := signs(map[string]any{"sub": "https://example.com/x"}); err != nil {
		t.Error(err)
	}
	s.Break(keylesstest.FulcioOtherIssuer)
	if err := signs(map[string]any{"sub": "x", "federated_claims": map[string]any{"connector_id": s.Issuer() + "1"}}); err != nil {
		t.Error(err)
	}
	if err := signs(map[string]any{"sub": "x"}); !errors.Is(err, keyless.ErrCertificate) {
		t.Error(err)
	}
}

// One entry per signature, however often the log is asked.
func TestOneEntry(t *testing.T) {
	s := start(t)
	s.Break(keylesstest.RekorLost)
	d, err := signer(t, s, keylesstest.First).Sign(t.Context(), sign.About(image, predicate{}))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(d.Data, []byte(`"canonicalizedBody"`)); n != 1 || s.Requests("rekor") != 3 {
		t.Errorf("%d entries, %d requests", n, s.Requests("rekor"))
	}
	if _, err := verifier(t, s).Verify(t.Context(), image, d); err != nil {
		t.Error(err)
	}
}

// A token that no authority would take is told before anybody is asked.
func TestTokens(t *testing.T) {
	s := start(t)
	i := instance(t, s, keylesstest.Tiles)
	for name, token := range map[string]string{
		"none": "", "two parts": "a.b", "no claims": "a.!.c",
		"another audience":    s.Token(map[string]any{"aud": "https://kubernetes.default.svc", "sub": "x"}),
		"expired":             s.Token(map[string]any{"exp": s.Now().Add(-time.Minute).Unix(), "sub": "x"}),
		"nobody":              s.Token(map[string]any{}),
		"unverified address":  s.Token(map[string]any{"email": "a@example.com", "email_verified": false, "sub": "x"}),
		"a list without ours": s.Token(map[string]any{"aud": []string{"a", "b"}, "sub": "x"}),
		"no end":              s.Token(map[string]any{"exp": nil, "sub": "x"}),
		"an end in words":     s.Token(map[string]any{"exp": "tomorrow", "sub": "x"}),
		"a line break in it":  strings.Replace(s.Token(map[string]any{"sub": "x"}), ".", ".\r\nX-Injected: 1\r\n", 1),
		"two lines":           s.Token(map[string]any{"sub": "x"}) + "\n" + s.Token(map[string]any{"sub": "y"}),
		"no signature": strings.TrimRight(s.Token(map[string]any{"sub": "x"}),
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
		"with its scheme": "Bearer " + s.Token(map[string]any{"sub": "x"}),
		"padded":          s.Token(map[string]any{"sub": "x"}) + "==",
	} {
		_, err := (&keyless.Signer{Instance: i, Token: keyless.Token(token)}).Sign(t.Context(), sign.About(image, predicate{}))
		if !errors.Is(err, keyless.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (&keyless.Signer{Instance: i}).Sign(t.Context(), sign.About(image, predicate{})); !errors.Is(err, keyless.ErrToken) {
		t.Error(err)
	}
	late := &keyless.Signer{Instance: i, Token: keyless.Token(s.Token(map[string]any{"sub": "x"})),
		Now: func() time.Time { return s.Now().Add(time.Hour) }}
	if _, err := late.Sign(t.Context(), sign.About(image, predicate{})); !errors.Is(err, keyless.ErrToken) ||
		!strings.Contains(err.Error(), "clock") {
		t.Error(err)
	}
	if n := s.Requests("fulcio"); n != 0 {
		t.Errorf("the authority was asked %d times", n)
	}
	if _, err := (&keyless.Signer{}).Sign(t.Context(), sign.About(image, predicate{})); !errors.Is(err, keyless.ErrConfig) {
		t.Error(err)
	}
	// What cannot be signed costs no certificate.
	if _, err := signer(t, s, keylesstest.Tiles).Sign(t.Context(), nil); !errors.Is(err, sign.ErrStatement) {
		t.Error(err)
	}
	if n := s.Requests("fulcio"); n != 0 {
		t.Errorf("the authority was asked %d times", n)
	}
}

// A token with a newline around it, as variables and files have it, is the token.
func TestTokenLine(t *testing.T) {
	s := start(t)
	token := s.Token(keylesstest.Run("acme/app", "release.yml", "refs/tags/v1.0"))
	for _, text := range []string{token + "\n", token + "\r\n", " " + token, "\n" + token} {
		k := &keyless.Signer{Instance: instance(t, s, keylesstest.Tiles), Token: keyless.Token(text)}
		d, err := k.Sign(t.Context(), sign.About(image, predicate{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verifier(t, s).Verify(t.Context(), image, d); err != nil {
			t.Error(err)
		}
	}
}

// A clock that is an hour off is told, whichever way.
func TestClock(t *testing.T) {
	for _, d := range []time.Duration{-time.Hour, time.Hour} {
		s := start(t)
		s.Move(d)
		k := signer(t, s, keylesstest.Tiles)
		if _, err := k.Sign(t.Context(), sign.About(image, predicate{})); err == nil {
			t.Errorf("%v: no error", d)
		} else if !errors.Is(err, keyless.ErrToken) && !errors.Is(err, keyless.ErrUnverified) {
			t.Errorf("%v: %v", d, err)
		}
	}
}
