package keyless_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/keyless"
	"github.com/ladingdev/lading/sign/keyless/keylesstest"
)

// wire keeps what goes to services and what they answer.
type wire struct {
	mu   sync.Mutex
	sent map[string][]byte // by path, all of it
	back []byte
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	var header bytes.Buffer
	_ = r.Header.Write(&header)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[r.URL.Path] = append(append(append(w.sent[r.URL.Path], r.URL.String()...), header.Bytes()...), body...)
	w.back = append(w.back, answer...)
	return resp, err
}

// spellings are how a secret may stand in a text: as it is, in hexadecimal, decimal, and in base64 wherever it begins.
func spellings(secret []byte) (out [][]byte) {
	out = append(out, secret, []byte(hex.EncodeToString(secret)), []byte(strings.ToUpper(hex.EncodeToString(secret))),
		[]byte(new(big.Int).SetBytes(secret).String()))
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for lead := range 3 {
			text := e.EncodeToString(append(make([]byte, lead), secret...))
			out = append(out, []byte(text[4:len(text)-4])) // what does not depend on its neighbours
		}
	}
	return out
}

// unpacked is a text, and what stands in base64 in its JSON, and in that.
func unpacked(data []byte, depth int) []byte {
	out := bytes.Clone(data)
	var v any
	if depth == 0 || json.Unmarshal(data, &v) != nil {
		return out
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			if raw, err := base64.StdEncoding.DecodeString(v); err == nil {
				out = append(out, unpacked(raw, depth-1)...)
			}
			if block, _ := pem.Decode([]byte(v)); block != nil {
				out = append(out, block.Bytes...)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return out
}

// The search finds what is hidden in each of these ways.
func TestSpellings(t *testing.T) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"raw": "a" + string(secret) + "b", "hex": hex.EncodeToString(secret), "decimal": new(big.Int).SetBytes(secret).String(),
		"base64":    base64.StdEncoding.EncodeToString(secret),
		"base64url": base64.RawURLEncoding.EncodeToString(append([]byte("d="), secret...)),
		"within":    base64.StdEncoding.EncodeToString(append([]byte("x"), append(secret, "yz"...)...)),
	} {
		found := false
		for _, s := range spellings(secret) {
			found = found || bytes.Contains([]byte(text), s)
		}
		if !found {
			t.Errorf("%s: not found", name)
		}
	}
}

// The key that signs is written nowhere: not on the wire, not on a disk, not into what is handed out. A random source that repeats
// itself makes the key known here. The token goes to the authority and to nobody else.
func TestNothingPrivate(t *testing.T) {
	for name, log := range logs {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			i, token := instance(t, s, log), s.Token(keylesstest.Run("acme/app", "release.yml", "refs/tags/v1.0"))
			dir := t.TempDir()
			for _, v := range []string{"HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
				t.Setenv(v, dir)
			}
			t.Chdir(dir)
			w := &wire{sent: map[string][]byte{}}
			signer := &keyless.Signer{Instance: i, Token: keyless.Token(token), Client: &http.Client{Transport: w}}
			cryptotest.SetGlobalRandom(t, 1)
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			cryptotest.SetGlobalRandom(t, 1)
			d, err := signer.Sign(t.Context(), sign.About(image, predicate{}))
			if err != nil {
				t.Fatal(err)
			}
			der, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(unpacked(d.Data, 2), der) {
				t.Fatal("it signed with another key than is looked for")
			}
			private, err := key.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			places := map[string][]byte{"the bundle": unpacked(d.Data, 3), "answers": w.back}
			for path, data := range w.sent {
				places["sent to "+path] = append(data, unpacked(data[max(0, bytes.IndexByte(data, '{')):], 3)...)
			}
			if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
				if err == nil && !e.IsDir() {
					places[path], err = os.ReadFile(path)
					t.Errorf("%s was written", path)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if len(w.sent) != 3 {
				t.Errorf("%d services were asked", len(w.sent))
			}
			for place, data := range places {
				for _, secret := range spellings(private) {
					if bytes.Contains(data, secret) {
						t.Errorf("the private key is in %s", place)
					}
				}
				if bytes.Contains(data, []byte(token)) != strings.HasSuffix(place, "/fulcio/api/v2/signingCert") {
					t.Errorf("the token is in %s, or not where it belongs", place)
				}
			}
		})
	}
}
