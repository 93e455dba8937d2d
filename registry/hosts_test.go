package registry_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ladingdev/lading/registry"
)

// A host that could be read as another one, or that is written in a way in which no scope, credential or policy names it, is no host.
func TestHostsOfOneSpelling(t *testing.T) {
	for name, advice := range map[string]string{
		"bücher.example/acme/app":             "xn--",
		"ｒegistry.example.com/acme/app":       "xn--",
		"127.1/acme/app":                      "in full",
		"127.0.0.01:5000/acme/app":            "in full",
		"registry.example.com:99999/acme/app": "HOST:PORT",
		"registry.example.com:443:443/app":    "HOST:PORT",
		"a..example/app":                      "no host",
	} {
		if _, err := registry.Open(name, nil); !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), advice) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"registry.example.com:/acme/app":  "registry.example.com/acme/app",
		"[::ffff:10.0.0.1]:5000/acme/app": "10.0.0.1:5000/acme/app",
		"my_registry:5000/acme/app":       "my_registry:5000/acme/app",
	} {
		if r, err := registry.Open(name, nil); err != nil || r.Name() != want {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
}
