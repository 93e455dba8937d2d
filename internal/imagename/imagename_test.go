package imagename_test

import (
	"slices"
	"testing"

	"github.com/ladingdev/lading/internal/imagename"
)

func TestNormal(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"registry.example.com/acme/app", "registry.example.com/acme/app"},
		{"REGISTRY.example.COM/acme/app", "registry.example.com/acme/app"},
		{"registry.example.com:443/acme/app", "registry.example.com/acme/app"},
		{"registry.example.com:0443/acme/app", "registry.example.com/acme/app"},
		{"registry.example.com./acme/app", "registry.example.com/acme/app"},
		{"Registry.Example.com.:443/acme/app:V1", "registry.example.com/acme/app:V1"},
		{"registry.example.com:80/acme/app", "registry.example.com:80/acme/app"},
		{"registry.example.com:05000/acme/app", "registry.example.com:5000/acme/app"},
		{"registry.example.com:443/acme/app:v1@sha256:00", "registry.example.com/acme/app:v1@sha256:00"},
		{"registry:443/acme/app", "registry:443/acme/app"}, // "registry/acme/app" is Docker Hub's
		{"REGISTRY.:5000/app", "registry:5000/app"},
		{"registry.:443/app", "registry:443/app"},
		{"registry./app", "registry./app"}, // and so is "registry/app"
		{"LocalHost/app", "localhost/app"},
		{"localhost:80/app", "localhost/app"},
		{"localhost:443/app", "localhost:443/app"},
		{"127.0.0.1:80/app", "127.0.0.1/app"},
		{"[::1]:5000/app", "[::1]:5000/app"},
		{"[0:0:0::1]:80/app", "[::1]/app"},
		{"[2001:DB8:0::1]:443/app", "[2001:db8::1]/app"},
		{"[::ffff:10.0.0.1]:5000/app", "10.0.0.1:5000/app"},
		{"[::ffff:7f00:1]:80/app", "127.0.0.1/app"},
		{"registry.example.com:/acme/app", "registry.example.com/acme/app"},
		{"docker.io:/alpine", "docker.io/library/alpine"},
		{"alpine", "docker.io/library/alpine"},
		{"alpine:3.22", "docker.io/library/alpine:3.22"},
		{"library/alpine", "docker.io/library/alpine"},
		{"acme/app", "docker.io/acme/app"},
		{"docker.io/alpine", "docker.io/library/alpine"},
		{"docker.io/library/alpine", "docker.io/library/alpine"},
		{"Docker.io:443/alpine", "docker.io/library/alpine"},
		{"index.docker.io/acme/app", "docker.io/acme/app"},
		{"index.docker.io/alpine@sha256:00", "docker.io/library/alpine@sha256:00"},
		{"registry-1.docker.io/library/alpine", "docker.io/library/alpine"},
		{"Registry-1.Docker.IO.:443/alpine", "docker.io/library/alpine"},
		{"ACME/app", "docker.io/ACME/app"}, // which registries refuse
		{"localhost:5000", "docker.io/library/localhost:5000"},
	} {
		if got := imagename.Normal(tt.name, false); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	for _, tt := range []struct{ name, want string }{
		{"registry.example.com:80/acme/app", "registry.example.com/acme/app"},
		{"registry.example.com:443/acme/app", "registry.example.com:443/acme/app"},
	} {
		if got := imagename.Normal(tt.name, true); got != tt.want {
			t.Errorf("plain HTTP, %s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestCheckHost(t *testing.T) {
	for _, good := range []string{"docker.io", "registry.example.com", "registry:5000", "my_registry:5000", "localhost", "10.0.0.1",
		"10.0.0.1:5000",
		"[::1]", "[2001:db8::1]:5000", "xn--bcher-kva.example", "1.example", "registry.0a", "v2.a1:1"} {
		if err := imagename.CheckHost(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "bücher.example", "ｒegistry.example.com", "registry。example.com", "-a.example", "a..example",
		"a.example.", ":5000", "a:", "a:0", "a:65536",
		"a:+443", "a:1:2", "127.1", "127.0.0.01", "0x7f.1", "10.0.0.0x1", "10.010.0.1:5000", "300.1.1.1", "[1.2.3.4]", "[::1", "::1",
		"[g::1]", "a b", "user@a.example", "a%2eexample"} {
		if err := imagename.CheckHost(bad); err == nil {
			t.Errorf("%s passes", bad)
		}
	}
}

// Every short name of what hosts, ports and addresses are made of has one spelling.
func TestNormalIsNormal(t *testing.T) {
	names := []string{""}
	for range 5 {
		for _, name := range slices.Clone(names) {
			for _, c := range ".:a80[]/" {
				names = append(names, name+string(c))
			}
		}
		slices.Sort(names)
		names = slices.Compact(names)
	}
	for _, name := range names {
		once := imagename.Normal(name, false)
		if twice := imagename.Normal(once, false); twice != once {
			t.Fatalf("%q becomes %q, and that %q", name, once, twice)
		}
	}
}

// A spelling that is normal stays, or two that are compared would not meet.
func FuzzNormal(f *testing.F) {
	for _, s := range []string{"alpine", "registry:443/a", "registry.:443/a", "a.b.:80/c", "[::1]:80/x", "[::ffff:1.2.3.4]/x", "x.:1./y",
		"index.docker.io/z", "0..:00/", "/", ":/", ".:443/", ".::/", "a:1:/b"} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, name string, plainHTTP bool) {
		once := imagename.Normal(name, plainHTTP)
		if twice := imagename.Normal(once, plainHTTP); twice != once {
			t.Errorf("%q becomes %q, and that %q", name, once, twice)
		}
	})
}
