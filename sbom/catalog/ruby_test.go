package catalog

import (
	"strings"
	"testing"
)

// Gems by their own specifications: not by those that lie in them, with the platform, and from the repository that Bundler
// checked out.
func TestGemPlaces(t *testing.T) {
	const bundle = "usr/local/bundle/"
	const sha = "436597fd55631f7d8e7ed9a0b9069a38f8046957"
	spec := func(at, name, version string, lines ...string) item {
		return item{name: at, body: "Gem::Specification.new do |s|\n  s.name = \"" + name + "\".freeze\n  s.version = \"" + version + "\"\n  " + strings.Join(lines, "\n  ") + "\nend\n"}
	}
	items := []item{
		spec(bundle+"specifications/nokogiri-1.16.7-x86_64-linux.gemspec", "nokogiri", "1.16.7", `s.platform = "x86_64-linux".freeze`, `s.add_runtime_dependency(%q<racc>.freeze, ["~> 1.4"])`),
		spec(bundle+"specifications/racc-1.8.1.gemspec", "racc", "1.8.1", `s.platform = "ruby"`),
		spec(bundle+"gems/racc-1.8.1/racc.gemspec", "racc", "0.0.1"), spec(bundle+"gems/racc-1.8.1/test/phantom.gemspec", "phantom", "9.9.9"),
		spec(bundle+"gems/racc-1.8.1/test/gems/other-1/other.gemspec", "other", "1"),
		spec(bundle+"bundler/gems/rails-436597fd5563/activesupport/activesupport.gemspec", "activesupport", "8.0.0.alpha"),
		spec(bundle+"bundler/gems/rails-436597fd5563/a/b/c/deep.gemspec", "deep", "1"),
		spec("srv/vendor/gems/mine/mine.gemspec", "mine", "1.0"),
	}
	doc, _ := dirOf(t, items...)
	packages := []string{"pkg:gem/mine@1.0", "pkg:gem/nokogiri@1.16.7?platform=x86_64-linux", "pkg:gem/racc@1.8.1"}
	same(t, "packages", purlsOf(doc), append(packages, "pkg:gem/activesupport@8.0.0.alpha"))
	same(t, "edges", namedEdges(doc), []string{"nokogiri@1.16.7 -> racc@1.8.1"})
	doc, _ = dirOf(t, append(items, item{name: "srv/Gemfile.lock", body: "GIT\n  remote: https://github.com/rails/rails.git\n  revision: " + sha + "\n  specs:\n    activesupport (8.0.0.alpha)\n"})...)
	same(t, "with the lockfile", purlsOf(doc), append(packages, "pkg:gem/activesupport@8.0.0.alpha?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Frails%2Frails.git%40"+sha))
}
