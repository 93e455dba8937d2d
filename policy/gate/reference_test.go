package gate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ladingdev/lading/policy/gate"
)

func TestParseReference(t *testing.T) {
	const sum = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for name, want := range map[string]string{
		"alpine":                               "docker.io/library/alpine",
		"alpine:3.22" + sum:                    "docker.io/library/alpine:3.22" + sum,
		"acme/app" + sum:                       "docker.io/acme/app" + sum,
		"Registry.Example.com:443/a/b:V1":      "registry.example.com/a/b:V1",
		"localhost:5000/a" + sum:               "localhost:5000/a" + sum,
		"[::1]:5000/a__b/c-d.e":                "[::1]:5000/a__b/c-d.e",
		"registry.example.com/a:v_1.2-x" + sum: "registry.example.com/a:v_1.2-x" + sum,
	} {
		r, err := gate.ParseReference(name, false)
		if err != nil || r.String() != want {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	for _, name := range []string{
		"", " alpine", "alpine ", "alpine\n", "alp\x00ine", "alpine\u00a0", "\ufeffalpine", "https://registry.example.com/a",
		"registry.example.com/a\n" + sum,
		"registry.example.com/A", "registry.example.com//a", "registry.example.com/a/", "/a", "a:", ":a", "a:b:c/d", "a@", "a@sha256:abc",
		"a" + sum + "a", "a" + sum + sum,
		"a@SHA256" + sum[7:], "a@sha256:" + strings.Repeat("A", 64), "a@sha512:" + strings.Repeat("a", 128),
		"a@md5:" + strings.Repeat("a", 32), strings.Repeat("e", 64),
		"a:" + strings.Repeat("t", 129), "a/" + strings.Repeat("b", 300), strings.Repeat("a/", 2000) + "a", "a..b/c.", "127.1/a:b",
		"bücher.example/a", "-a.example/b", "a.example:0/b",
		"a__", "a/._b", "a/-b", "sha256:" + strings.Repeat("a", 64), "../a", "a/../b", "a?b", "a%2fb", "a\\b", "{a}",
	} {
		if r, err := gate.ParseReference(name, false); err == nil {
			if name == "sha256:"+strings.Repeat("a", 64) && r.Digest == "" { // "sha256" is a name, and this its tag
				continue
			}
			t.Errorf("%.80q is read as %v", name, r)
		} else if !errors.Is(err, gate.ErrName) || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%.80q: %q", name, err)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	for _, s := range []string{"alpine", "a.b:80/c:d@sha256:", "[::1]:5000/x", "A/b", "docker.io/x", "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		r, err := gate.ParseReference(name, false)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x00\x1b") {
				t.Errorf("%q: error %q", name, err)
			}
			return
		}
		again, err := gate.ParseReference(r.String(), false)
		if err != nil || again != r {
			t.Errorf("%q becomes %v, and that %v, %v", name, r, again, err)
		}
	})
}
