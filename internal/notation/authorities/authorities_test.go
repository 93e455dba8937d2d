package authorities

import (
	"crypto/x509"
	"math/big"
	"net/http"
	"testing"
	"time"
)

// What comes from the network makes no trouble. That it is believed only when it should be is shown in verify/notary.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0x82, 0x01, 0xff})
	f.Add([]byte{0x30, 0x0e, 0xa0, 0x0c, 0xa0, 0x0a, 0x86, 0x08, 'h', 't', 't', 'p', ':', '/', '/', 'a'})
	c := &x509.Certificate{SerialNumber: big.NewInt(2), CRLDistributionPoints: []string{"http://a"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = covers(data, c)
		_ = checkResponder(data, []*x509.Certificate{c, c}, time.Unix(0, 0))
	})
}

func TestScope(t *testing.T) {
	c := &x509.Certificate{CRLDistributionPoints: []string{"http://a", "http://b"}}
	ca := &x509.Certificate{CRLDistributionPoints: c.CRLDistributionPoints, IsCA: true}
	named := func(uri string) []byte {
		name := []byte(uri)
		for _, tag := range []byte{0x86, 0xa0, 0xa0, 0x30} {
			name = append([]byte{tag, byte(len(name))}, name...)
		}
		return name
	}
	for name, tt := range map[string]struct {
		scope []byte
		c     *x509.Certificate
		good  bool
	}{
		"everything":             {[]byte{0x30, 0}, c, true},
		"its point":              {named("http://a"), c, true},
		"its other point":        {named("http://b"), c, true},
		"another":                {named("http://ab"), c, false},
		"users":                  {[]byte{0x30, 3, 0x81, 1, 0xff}, c, true},
		"users, of an authority": {[]byte{0x30, 3, 0x81, 1, 0xff}, ca, false},
		"authorities":            {[]byte{0x30, 3, 0x82, 1, 0xff}, c, false},
		"authorities, and one":   {[]byte{0x30, 3, 0x82, 1, 0xff}, ca, true},
		"a tail":                 {[]byte{0x30, 0, 0}, c, false},
		"nothing":                {nil, c, false},
	} {
		if err := covers(tt.scope, tt.c); tt.good != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever brings a client without a timeout does not wait for ever.
func TestTimeouts(t *testing.T) {
	mine := &http.Client{Timeout: time.Hour}
	for _, tt := range []struct {
		client *http.Client
		want   time.Duration
	}{{nil, 2 * time.Second}, {&http.Client{}, 2 * time.Second}, {mine, time.Hour}} {
		if got := responders(tt.client, nil).Timeout; got != tt.want {
			t.Errorf("%v: %v", tt.client, got)
		}
	}
	if mine.Transport != nil || withTimeout(mine, 1).Timeout != time.Hour {
		t.Error("the caller's client was changed")
	}
}
