package document

import (
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"registry.example.com/shop/**", "registry.example.com/shop/app", true},
		{"registry.example.com/shop/**", "registry.example.com/shop/app/web:v1@sha256:" + strings.Repeat("0", 64), true},
		{"registry.example.com/shop/**", "registry.example.com/shop", false},
		{"registry.example.com/shop/**", "registry.example.com/shopping/app", false},          // a prefix of a part
		{"registry.example.com/shop/**", "registry.example.com.evil.example/shop/app", false}, // of the host
		{"registry.example.com/shop/**", "evil.example/registry.example.com/shop/app", false}, // the host as a path
		{"registry.example.com/shop/**", "registry.example.com:5000/shop/app", false},         // another port is another registry
		{"registry.example.com/shop/**", "registry.example.com:443/shop/app", true},           // and this one is the same
		{"registry.example.com/shop/**", "registry.example.com:80/shop/app", false},
		{"registry.example.com/shop/**", "Registry.Example.COM./shop/app", true},
		{"Registry.example.com:443/shop/**", "registry.example.com/shop/app", true},
		{"registry.example.com/shop/**", "registry.example.com/Shop/app", false},
		{"registry.example.com/shop/**", "registry.example.com/shop/../other/app", false},
		{"registry.example.com/shop/**", "registry.example.com/shop//app", false},
		{"registry.example.com/shop/**", "registry.example.com/shop/app\nregistry", false},
		{"registry.example.com/shop/**", "registry.example.com\\shop/app", false},
		{"registry.example.com/shop/**", "user@registry.example.com/shop/app", false},
		{"registry.example.com/shop/**", "https://registry.example.com/shop/app", false},
		{"registry.example.com/shop/**", "ｒegistry.example.com/shop/app", false},
		{"registry.example.com/shop/*", "registry.example.com/shop/app/web", false},
		{"registry.example.com/shop/app-*", "registry.example.com/shop/app-web:v1", true},
		{"registry.example.com/shop/app-*", "registry.example.com/shop/app/web", false},
		{"registry.example.com/**/app", "registry.example.com/a/b/app", true},
		{"registry.example.com/**/app", "registry.example.com/app", false},
		{"registry.example.com/**/app/**", "registry.example.com/app/app/app", true},
		{"registry.example.com/a*b*c", "registry.example.com/aXbc", false},
		{"registry.example.com/a*b*c", "registry.example.com/abbbbc", true},
		{"docker.io/nginx", "nginx:1.29", true},
		{"docker.io/nginx", "index.docker.io/library/nginx", true},
		{"docker.io/library/*", "nginx", true},
		{"docker.io/acme/*", "acme/app", true},
		{"docker.io/acme/*", "registry-1.docker.io/acme/app", true},
		{"docker.io/acme/*", "docker.io.evil.example/acme/app", false},
		{"123456789012.dkr.ecr.*.amazonaws.com/shop/*", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/app", true},
		{"123456789012.dkr.ecr.*.amazonaws.com/shop/*", "123456789012.dkr.ecr.x.y.amazonaws.com/shop/app", false},
		{"123456789012.dkr.ecr.*.amazonaws.com/shop/*", "123456789012.dkr.ecr.evil.example/shop/app", false},
		{"*.example.com/app", "example.com/app", false},
		{"*.example.com/app", "a.b.example.com/app", false},
		{"[::1]:5000/app", "[0:0::1]:5000/app", true},
		{"localhost:5000/app", "LOCALHOST:5000/app", true},
		{"**", "anything", true},
		{"**", "not a name", false},
		{"**", strings.Repeat("a/", 600) + "a", false},
	} {
		p, err := parsePattern(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		r, err := parseRepository(tt.name)
		if got := err == nil && p.match(r); got != tt.want {
			t.Errorf("%s matches %s: %t (%v)", tt.pattern, tt.name, got, err)
		}
	}
}

func TestPatternsRefused(t *testing.T) {
	for _, text := range []string{"", "*", "shop/**", "nginx", "registry.example.com", "registry.example.com/",
		"registry.example.com/shop:v1", "registry.example.com/shop@sha256:00",
		"*/shop", "*.com/shop", "registry.*/shop", "reg*.example.com/shop", "**.example.com/shop", "registry.example.com/shop**",
		"registry.example.com/***",
		"registry.example.com/Shop", "registry.example.com/shop//app", "registry.example.com/../app", "bücher.example/app",
		"registry.example.com:0/app", "re?istry.example.com/app",
		"registry.example.com/[ab]", "registry.example.com/{a,b}", "^registry.example.com/app$", "https://registry.example.com/app",
		"127.1/app"} {
		if p, err := parsePattern(text); err == nil {
			t.Errorf("%q is read as %+v", text, p)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		p, q string
		want bool
	}{
		{"**", "a.example/b", true}, {"a.example/b", "**", false}, {"a.example/**", "a.example/b/*", true},
		{"a.example/*", "a.example/**", false},
		{"a.example/*/c", "a.example/b/c", true}, {"a.example/b*", "a.example/bc", true}, {"a.example/b*", "a.example/b*", true},
		{"a.example/b*", "a.example/*", false},
		{"*.b.example/c", "a.b.example/c", true}, {"a.b.example/c", "*.b.example/c", false}, {"a.example/**", "a.example/**/x", true},
		{"a.example:1/**", "a.example/x", false},
	} {
		p, _ := parsePattern(tt.p)
		q, _ := parsePattern(tt.q)
		if got := p.covers(q); got != tt.want {
			t.Errorf("%s covers %s: %t", tt.p, tt.q, got)
		}
	}
}

// A pattern means what it says whatever is written around it: matching agrees with a second way to do it, and covering with matching.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{"a.example/b/**", "a.example/**/c", "*.a.example/b*", "**", "docker.io/nginx", "a.example:443/b*c*d"} {
		f.Add(s, "a.example/*", "a.example/b/c")
	}
	f.Fuzz(func(t *testing.T, text, other, name string) {
		p, err := parsePattern(text)
		if err != nil {
			return
		}
		r, err := parseRepository(name)
		if err != nil {
			return
		}
		got := p.match(r)
		if want := p.all || slowHost(p, r) && slowParts(p.parts, r.parts); got != want && len(p.parts) < 8 && len(r.parts) < 8 &&
			len(name) < 60 && len(text) < 60 {
			t.Errorf("%q matches %q: %t", text, name, got)
		}
		if q, err := parsePattern(other); err == nil && p.covers(q) && q.match(r) && !got {
			t.Errorf("%q covers %q, and does not match %q", text, other, name)
		}
	})
}

func slowHost(p *pattern, r *repository) bool {
	if len(p.host) != len(r.host) || p.port != r.port {
		return false
	}
	for i := range p.host {
		if p.host[i] != "*" && p.host[i] != r.host[i] {
			return false
		}
	}
	return true
}

func slowParts(p, s []string) bool {
	switch {
	case len(p) == 0 || len(s) == 0:
		return len(p) == len(s)
	case p[0] == "**":
		return slowParts(p[1:], s[1:]) || slowParts(p, s[1:])
	}
	return slowText(p[0], s[0]) && slowParts(p[1:], s[1:])
}

func slowText(p, s string) bool {
	switch {
	case p == "":
		return s == ""
	case p[0] == '*':
		return slowText(p[1:], s) || s != "" && slowText(p, s[1:])
	}
	return s != "" && p[0] == s[0] && slowText(p[1:], s[1:])
}
