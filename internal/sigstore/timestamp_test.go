package sigstore

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// stamper is an authority whose root alone is known: the signer comes with each timestamp.
func stamper(t testing.TB, name string) *authority {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/timestamps", name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{chain: []*x509.Certificate{c}, window: window{start: time.Unix(0, 0)}, owner: owner{host: name}}
}

// What OpenSSL stamps and verifies, of either key, with fractions of seconds, names, other hashes and without a nonce.
func TestTimestamps(t *testing.T) {
	message, err := os.ReadFile("testdata/timestamps/message.bin")
	if err != nil {
		t.Fatal(err)
	}
	r := &Root{stampers: []*authority{stamper(t, "ec-root.pem"), stamper(t, "rsa-root.pem"), stamper(t, "noku-root.pem")}}
	names, err := filepath.Glob("testdata/timestamps/*.tsr")
	if err != nil || len(names) != 7 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := r.checkTimestamp(data, message)
		if err != nil || s == nil {
			t.Errorf("%s: %v, %v", name, s, err)
			continue
		}
		if s.from.Year() != 2026 || s.to.Sub(s.from) != time.Second ||
			(s.from.Nanosecond() != 0) != (filepath.Base(name) == "fraction-6.tsr") {
			t.Errorf("%s: %v", name, s)
		}
		if _, err := r.checkTimestamp(data, append(message, 0)); !errors.Is(err, TimestampContent) {
			t.Errorf("%s, other content: %v", name, err)
		}
		if s, err := (&Root{stampers: r.stampers[2:]}).checkTimestamp(data, message); filepath.Base(name) != "noku.tsr" &&
			(s != nil || err != nil) {
			t.Errorf("%s, unknown authority: %v, %v", name, s, err)
		}
		// Whatever byte is another, of those that are tried: no other time comes of it.
		for i := 0; i < len(data); i += 13 {
			other := bytes.Clone(data)
			other[i] ^= 0x04
			if got, err := r.checkTimestamp(other, message); err == nil && got != nil && !got.from.Equal(s.from) {
				t.Errorf("%s: byte %d changes the time to %v", name, i, got.from)
			}
		}
	}
}
