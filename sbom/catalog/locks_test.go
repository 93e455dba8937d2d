package catalog

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Lockfiles of every other kind: versions, scopes, repositories and edges.
func TestLocks(t *testing.T) {
	const sha = "436597fd55631f7d8e7ed9a0b9069a38f8046957"
	const vcs = "?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fexample%2Ffork.git%40" + sha
	nugetHash := base64.StdEncoding.EncodeToString(make([]byte, 64))
	for _, tt := range []struct {
		name, file, body string
		purls, edges     []string
	}{
		{"uv", "uv.lock", `version = 1

[[package]]
name = "app"
version = "0.1.0"
source = { editable = "." }
dependencies = [
    { name = "httpx" },
    { name = "forked" },
]

[package.optional-dependencies]
fast = [{ name = "orjson" }]

[package.dev-dependencies]
dev = [{ name = "pytest" }]

[[package]]
name = "httpx"
version = "0.27.2"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "idna", marker = "python_version > '3'" }]

[[package]]
name = "idna"
version = "3.10"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "forked"
version = "1.2.3"
source = { git = "https://github.com/example/fork.git?rev=main#` + sha + `" }

[[package]]
name = "orjson"
version = "3.10.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "pytest"
version = "8.3.3"
source = { registry = "https://pypi.org/simple" }
`, []string{"?pkg:pypi/orjson@3.10.0", "?pkg:pypi/pytest@8.3.3", "pkg:pypi/app@0.1.0", "pkg:pypi/forked@1.2.3" + vcs, "pkg:pypi/httpx@0.27.2", "pkg:pypi/idna@3.10"},
			[]string{"app@0.1.0 -> forked@1.2.3", "app@0.1.0 -> httpx@0.27.2", "app@0.1.0 -> orjson@3.10.0", "app@0.1.0 -> pytest@8.3.3",
				"httpx@0.27.2 -> idna@3.10"}},
		{"uv, with extras and a directory of a repository", "uv.lock", `version = 1

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "httpx", extra = ["http2"] }, { name = "sub" }]

[package.dev-dependencies]
dev = [{ name = "httpx", extra = ["socks"] }]

[[package]]
name = "httpx"
version = "0.27.2"
source = { registry = "https://pypi.org/simple" }

[package.optional-dependencies]
http2 = [{ name = "h2" }]
socks = [{ name = "socksio" }]

[[package]]
name = "h2"
version = "4.1.0"

[[package]]
name = "socksio"
version = "1.0.0"

[[package]]
name = "sub"
version = "1.0"
source = { git = "https://github.com/example/fork.git?subdirectory=py&rev=v1#` + sha + `" }
`, []string{"?pkg:pypi/socksio@1.0.0", "pkg:pypi/h2@4.1.0", "pkg:pypi/httpx@0.27.2", "pkg:pypi/sub@1.0" + vcs + "%23py"},
			[]string{"httpx@0.27.2 -> h2@4.1.0", "httpx@0.27.2 -> socksio@1.0.0"}},
		{"pdm, with extras", "pdm.lock", "[[package]]\nname = \"httpx\"\nversion = \"0.27.0\"\ngroups = [\"default\"]\n" +
			"dependencies = [\"idna\"]\n\n[[package]]\nname = \"httpx\"\nversion = \"0.27.0\"\nextras = [\"http2\"]\n" +
			"groups = [\"dev\"]\ndependencies = [\"h2<5\", \"httpx==0.27.0\"]\n\n[[package]]\nname = \"h2\"\nversion = \"4.1.0\"\n" +
			"groups = [\"dev\"]\n\n[[package]]\nname = \"idna\"\nversion = \"3.7\"\n",
			[]string{"?pkg:pypi/h2@4.1.0", "pkg:pypi/httpx@0.27.0", "pkg:pypi/idna@3.7"},
			[]string{"httpx@0.27.0 -> h2@4.1.0", "httpx@0.27.0 -> idna@3.7"}},
		{"gradle", "gradle.lockfile", "# This is a Gradle generated file for dependency locking.\norg.example:a:1.0=compileClasspath," +
			"runtimeClasspath\norg.example:b:1.0=testCompileClasspath,testRuntimeClasspath\norg.example:c:1.0=annotationProcessor\n" +
			"org.example:d:1.0=releaseRuntimeClasspath\nempty=\n",
			[]string{"?pkg:maven/org.example/b@1.0", "?pkg:maven/org.example/c@1.0", "pkg:maven/org.example/a@1.0",
				"pkg:maven/org.example/d@1.0"}, nil},
		{"gradle's own", "buildscript-gradle.lockfile", "org.example:a:1.0=classpath\n", []string{"?pkg:maven/org.example/a@1.0"}, nil},
		{"bundler, for several platforms", "Gemfile.lock", "GEM\n  remote: https://rubygems.org/\n  specs:\n    mini_portile2 " +
			"(2.8.7)\n    nokogiri (1.16.7)\n      mini_portile2 (~> 2.8.2)\n    nokogiri (1.16.7-arm64-darwin)\n    rails (7.1.0)\n   " +
			"   nokogiri (>= 1.8)\n\nDEPENDENCIES\n  rails\n",
			[]string{"?pkg:gem/nokogiri@1.16.7?platform=arm64-darwin", "pkg:gem/mini_portile2@2.8.7", "pkg:gem/nokogiri@1.16.7",
				"pkg:gem/rails@7.1.0"},
			[]string{"nokogiri@1.16.7 -> mini_portile2@2.8.7", "rails@7.1.0 -> nokogiri@1.16.7", "rails@7.1.0 -> nokogiri@1.16.7"}},
		{"npm 6", "package-lock.json", `{"name":"root","version":"1.0.0","lockfileVersion":1,"requires":true,"dependencies":{"forked":{"version":"git+https://github.com/example/fork.git#` + sha + `","from":"git+https://github.com/example/fork.git","requires":{"ms":"2.1.3"}},
"local":{"version":"file:local"},"packed":{"version":"file:packed-1.0.0.tgz"},"far":{"version":"https://example.org/far-1.0.0.tgz","integrity":"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="},"pad":{"version":"npm:left-pad@1.3.0"},"ms":{"version":"2.1.3","dev":true}}}`,
			[]string{"?pkg:npm/ms@2.1.3", "pkg:npm/far", "pkg:npm/forked" + strings.Replace(vcs, "%40", "%23", 1), "pkg:npm/left-pad@1.3.0",
				"pkg:npm/packed"}, []string{"forked -> ms@2.1.3"}},
		{"pnpm 7, from a repository", "pnpm-lock.yaml", "lockfileVersion: 5.4\ndependencies:\n  forked: git.example.org/x/fork/" + sha +
			"\npackages:\n  git.example.org/x/fork/" + sha + ":\n    resolution: {commit: " + sha + ", repo: " +
			"https://github.com/example/fork.git, type: git, path: /sub}\n    dependencies:\n      ms: 2.1.3\n  /ms/2.1.3:\n    " +
			"resolution: {integrity: sha512-x}\n",
			[]string{"pkg:npm/forked" + vcs + "%23sub", "pkg:npm/ms@2.1.3"}, []string{"forked -> ms@2.1.3"}},
		{"poetry", "poetry.lock", `[[package]]
name = "Flask"
version = "3.0.3"
optional = false
groups = ["main"]

[package.dependencies]
jinja2 = ">=3"
extra = {version = "*", optional = true}

[[package]]
name = "Jinja2"
version = "3.1.4"
optional = false
groups = ["main", "dev"]

[[package]]
name = "extra"
version = "1.0"
optional = true
groups = ["main"]

[[package]]
name = "forked"
version = "1.2.3"
optional = false
category = "dev"

[package.source]
type = "git"
url = "https://github.com/example/fork.git"
reference = "main"
resolved_reference = "` + sha + `"
`, []string{"?pkg:pypi/extra@1.0", "?pkg:pypi/forked@1.2.3" + vcs, "pkg:pypi/flask@3.0.3", "pkg:pypi/jinja2@3.1.4"},
			[]string{"flask@3.0.3 -> extra@1.0", "flask@3.0.3 -> jinja2@3.1.4"}},
		{"pdm", "pdm.lock", "[[package]]\nname = \"click\"\nversion = \"8.1.7\"\ngroups = [\"default\"]\ndependencies = [\"colorama; " +
			"platform_system == 'Windows'\"]\n\n[[package]]\nname = \"colorama\"\nversion = \"0.4.6\"\ngroups = [\"default\"]\n\n" +
			"[[package]]\nname = \"forked\"\nversion = \"1.2.3\"\ngit = \"https://github.com/example/fork.git\"\nrevision = \"" + sha +
			"\"\ngroups = [\"dev\"]\n",
			[]string{"?pkg:pypi/forked@1.2.3" + vcs, "pkg:pypi/click@8.1.7", "pkg:pypi/colorama@0.4.6"},
			[]string{"click@8.1.7 -> colorama@0.4.6"}},
		{"pipenv", "Pipfile.lock", `{"default":{"a":{"version":"==1.0"},"forked":{"git":"https://github.com/example/fork.git","ref":"` +
			sha + `"},"here":{"path":"."}},"develop":{"b":{"version":"==2.0"}}}`,
			[]string{"?pkg:pypi/b@2.0", "pkg:pypi/a@1.0", "pkg:pypi/forked" + vcs}, nil},
		{"cargo", "Cargo.lock", "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n" +
			"dependencies = [\n \"forked\",\n \"itoa 1.0.11\",\n]\n\n[[package]]\nname = \"forked\"\nversion = \"1.2.3\"\n" +
			"source = \"git+https://github.com/example/fork.git?branch=main#" + sha + "\"\n\n[[package]]\nname = \"itoa\"\n" +
			"version = \"0.4.8\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n[[package]]\nname = \"itoa\"\n" +
			"version = \"1.0.11\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n" +
			"checksum = \"49f1f14873335454500d59611f1cf4a4b0f786f9ac11f4312a78e4cf2566695b\"\n",
			[]string{"pkg:cargo/app@0.1.0", "pkg:cargo/forked@1.2.3" + vcs, "pkg:cargo/itoa@0.4.8", "pkg:cargo/itoa@1.0.11"},
			[]string{"app@0.1.0 -> forked@1.2.3", "app@0.1.0 -> itoa@1.0.11"}},
		{"bundler", "Gemfile.lock", "GIT\n  remote: https://github.com/example/fork.git\n  revision: " + sha + "\n  branch: main\n  " +
			"specs:\n    forked (1.2.3)\n      rack (>= 2)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri " +
			"(1.16.7-x86_64-linux)\n      racc (~> 1.4)\n    racc (1.8.1)\n    rack (3.1.7)\n\nPLATFORMS\n  x86_64-linux\n\n" +
			"DEPENDENCIES\n  forked!\n  nokogiri (~> 1.16)\n",
			[]string{"pkg:gem/forked@1.2.3" + vcs, "pkg:gem/nokogiri@1.16.7?platform=x86_64-linux", "pkg:gem/racc@1.8.1",
				"pkg:gem/rack@3.1.7"},
			[]string{"forked@1.2.3 -> rack@3.1.7", "nokogiri@1.16.7 -> racc@1.8.1"}},
		{"composer", "composer.lock", `{"packages":[{"name":"a/b","version":"v1.0.0","license":["MIT","ISC"],"require":{"php":">=8","a/c":"*"},"notification-url":"https://packagist.org/downloads/","source":{"type":"git","url":"https://github.com/a/b.git","reference":"` + sha + `"}},
{"name":"a/c","version":"dev-main","require":[],"source":{"type":"git","url":"https://github.com/example/fork.git","reference":"` + sha + `"}}],"packages-dev":[{"name":"a/d","version":"2.0.0","notification-url":"x"}]}`,
			[]string{"?pkg:composer/a/d@2.0.0", "pkg:composer/a/b@v1.0.0", "pkg:composer/a/c@dev-main" + vcs},
			[]string{"a/b@v1.0.0 -> a/c@dev-main"}},
		{"composer, installed", "vendor/composer/installed.json", `{"packages":[{"name":"a/b","version":"v1.0.0","license":"MIT",` +
			`"notification-url":"x","require":{"a/c":"*"}},{"name":"a/c","version":"1.0.0","notification-url":"x"}],"dev":true,` +
			`"dev-package-names":["a/c"]}`,
			[]string{"pkg:composer/a/b@v1.0.0", "pkg:composer/a/c@1.0.0"}, []string{"a/b@v1.0.0 -> a/c@1.0.0"}},
		{"composer 1, installed", "vendor/composer/installed.json", `[{"name":"a/b","version":"v1.0.0","notification-url":"x"}]`,
			[]string{"pkg:composer/a/b@v1.0.0"}, nil},
		{"nuget", "packages.lock.json", `{"version":2,"dependencies":{"net8.0":{"Serilog.Sinks.File":{"type":"Direct","requested":"[5.0.0, )","resolved":"5.0.0","contentHash":"` + nugetHash + `","dependencies":{"Serilog":"2.10.0"}},
"Serilog":{"type":"Transitive","resolved":"2.10.0"},"Native":{"type":"Transitive","resolved":"1.0.0"},"mylib":{"type":"Project","dependencies":{"Serilog":"[2.10.0, )"}}},
"net8.0/linux-x64":{"Native":{"type":"Transitive","resolved":"1.1.0","dependencies":{"serilog":"2.0.0"}}}}}`,
			[]string{"pkg:nuget/Native@1.0.0", "pkg:nuget/Native@1.1.0", "pkg:nuget/Serilog.Sinks.File@5.0.0", "pkg:nuget/Serilog@2.10.0"},
			[]string{"Native@1.1.0 -> Serilog@2.10.0", "Serilog.Sinks.File@5.0.0 -> Serilog@2.10.0"}},
		{"mix", "mix.lock", `%{
  "plug": {:hex, :plug, "1.16.1", "40c74619", [:mix], [{:mime, "~> 1.0 or ~> 2.0", [hex: :mime, repo: "hexpm", optional: false]}, {:telemetry, "~> 0.4.3 or ~> 1.0", [hex: :telemetry, repo: "hexpm", optional: true]}], "hexpm", "a13ff6b9006b03d7e33874945b2755253841b238c34071ed85b0e86057f8cddc"},
  "mime": {:hex, :mime, "2.0.6", "8f18486773d9b15f95f4f4f1e39b710045fa1de891fada4516559967276e4dc2", [:mix], [], "hexpm", "x"},
  "telemetry": {:hex, :telemetry, "1.3.0", "fedebbae", [:rebar3], [], "hexpm:acme", "x"},
  "forked": {:git, "https://github.com/example/fork.git", "` + sha + `", [branch: "main"]},
  "old": {:hex, :old, "0.1.0"},
}
`,
			[]string{"pkg:hex/acme/telemetry@1.3.0", "pkg:hex/forked" + vcs, "pkg:hex/mime@2.0.6", "pkg:hex/old@0.1.0",
				"pkg:hex/plug@1.16.1"}, []string{"plug@1.16.1 -> mime@2.0.6", "plug@1.16.1 -> telemetry@1.3.0"}},
		{"pub", "pubspec.lock", `packages:
  path:
    dependency: "direct main"
    description: {name: path, sha256: "087ce49c3f0dc39180befefc60fdb4acd8f8620e5682fe2476afd0b3688bb4af", url: "https://pub.dev"}
    source: hosted
    version: "1.9.0"
  forked:
    dependency: transitive
    description: {path: ".", ref: main, resolved-ref: ` + sha + `, url: "https://github.com/example/fork.git"}
    source: git
    version: "1.2.3"
  inhouse:
    dependency: transitive
    description: {name: inhouse, url: "https://pub.example.org"}
    source: hosted
    version: "2.0.0"
  flutter:
    dependency: "direct main"
    description: flutter
    source: sdk
    version: "0.0.0"
  test:
    dependency: "direct dev"
    description: {name: test, url: "https://pub.dev"}
    source: hosted
    version: "1.25.8"
`, []string{"?pkg:pub/test@1.25.8", "pkg:pub/flutter", "pkg:pub/forked@1.2.3" + vcs, "pkg:pub/inhouse@2.0.0?repository_url=https:%2F%2Fpub.example.org", "pkg:pub/path@1.9.0"}, nil},
		{"cocoapods", "Podfile.lock", `PODS:
  - Alamofire (5.9.1)
  - Firebase/Core (10.0.0):
    - Firebase/CoreOnly
    - GoogleUtilities/NSData+zlib (~> 7.5)
  - Firebase/CoreOnly (10.0.0)
  - forked (1.2.3)
  - GoogleUtilities/NSData+zlib (7.5.2)

DEPENDENCIES:
  - Alamofire

CHECKOUT OPTIONS:
  forked:
    :commit: ` + sha + `
    :git: https://github.com/example/fork.git

COCOAPODS: 1.15.2
`, []string{"pkg:cocoapods/Alamofire@5.9.1", "pkg:cocoapods/Firebase@10.0.0", "pkg:cocoapods/GoogleUtilities@7.5.2", "pkg:cocoapods/forked@1.2.3" + vcs}, []string{"Firebase@10.0.0 -> GoogleUtilities@7.5.2"}},
		{"swift", "Package.resolved", `{"pins":[{"identity":"swift-nio","kind":"remoteSourceControl","location":"https://github.com/apple/swift-nio.git","state":{"revision":"x","version":"2.70.0"}},
{"identity":"fork","location":"git@github.com:example/fork.git","state":{"branch":"main","revision":"` + sha + `"}},{"identity":"mona.LinkedList","kind":"registry","location":"","state":{"version":"1.2.0"}}],"version":2}`,
			[]string{"pkg:swift/github.com/apple/swift-nio@2.70.0", "pkg:swift/github.com/example/fork?vcs_url=git%2Bssh:" +
				"%2F%2Fgit%40github.com%2Fexample%2Ffork.git%40" + sha, "pkg:swift/mona/LinkedList@1.2.0"}, nil},
		{"swift, of the first format", "Package.resolved", `{"object":{"pins":[{"package":"SwiftNIO","repositoryURL":"https://` +
			`github.com/apple/swift-nio.git","state":{"branch":null,"revision":"x","version":"2.70.0"}}]},"version":1}`,
			[]string{"pkg:swift/github.com/apple/swift-nio@2.70.0"}, nil},
		{"conan", "conan.lock", `{"version":"0.5","requires":["zlib/1.3.1#f52e%1708","mine/1.0@acme/stable#x"],` +
			`"build_requires":["cmake/3.30.1#x%1","zlib/1.3.1#f52e%1708"],"python_requires":["tool/1.0"]}`,
			[]string{"?pkg:conan/cmake@3.30.1", "?pkg:conan/tool@1.0", "pkg:conan/mine@1.0?channel=stable&user=acme",
				"pkg:conan/zlib@1.3.1"}, nil},
		{"conan 1", "conan.lock", `{"graph_lock":{"nodes":{"0":{"ref":"app/1.0","path":"conanfile.py","requires":["1"]},` +
			`"1":{"ref":"openssl/3.0.3#r","requires":["2"],"build_requires":["3"],"context":"host"},"2":{"pref":"zlib/1.2.12#r:p#r"},` +
			`"3":{"ref":"nasm/2.15","context":"build"}}},"version":"0.4"}`,
			[]string{"?pkg:conan/nasm@2.15", "pkg:conan/openssl@3.0.3", "pkg:conan/zlib@1.2.12"},
			[]string{"openssl@3.0.3 -> nasm@2.15", "openssl@3.0.3 -> zlib@1.2.12"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, report := dirOf(t, item{name: tt.file, body: tt.body})
			if len(report.Warnings) > 0 {
				t.Errorf("%v", report.Warnings)
			}
			same(t, "packages", purlsOf(doc), tt.purls)
			same(t, "edges", namedEdges(doc), tt.edges)
		})
	}
}

// What was packed into an installed package is no project of this system.
func TestLockOfOthers(t *testing.T) {
	const lock = `{"lockfileVersion":3,"packages":{"":{"name":"x"},"node_modules/mocha":{"version":"1.0.0"}}}`
	for _, at := range []string{"var/lib/gems/3.1.0/gems/typeprof-0.21/vscode/package-lock.json", "app/node_modules/a/package-lock.json",
		"usr/lib/python3/dist-packages/x/static/package-lock.json", "root/go/pkg/mod/example.com/m@v1.0.0/web/npm-shrinkwrap.json"} {
		doc, _ := dirOf(t, item{name: at, body: lock})
		same(t, at, purlsOf(doc), nil)
	}
	doc, _ := dirOf(t, item{name: "app/package-lock.json", body: lock})
	same(t, "of a project", purlsOf(doc), []string{"pkg:npm/mocha@1.0.0"})
}

// What package managers note of what they installed.
func TestInstalledFrom(t *testing.T) {
	const sha = "436597fd55631f7d8e7ed9a0b9069a38f8046957"
	const site = "usr/lib/python3/site-packages/"
	doc, report := dirOf(t,
		item{name: site + "foo_bar-1.0.dist-info/METADATA", body: "Metadata-Version: 2.1\nName: foo-bar\nVersion: 1.0\n" +
			"License: LGPL v3\nClassifier: License :: OSI Approved :: GNU Library or Lesser General Public License (LGPL)\n"},
		item{name: site + "foo_bar-1.0.dist-info/direct_url.json",
			body: `{"url":"https://github.com/example/fork.git","vcs_info":{"vcs":"git","commit_id":"` + sha + `"}}`},
		item{name: "node_modules/forked/package.json", body: `{"name":"forked","version":"2.0.0"}`},
		item{name: "node_modules/.package-lock.json", body: `{"lockfileVersion":3,"packages":{"node_modules/forked":{"version":"2.0.0",` +
			`"resolved":"git+https://github.com/example/fork.git#` + sha + `"},"node_modules/gone":{"version":"1.0.0"}}}`},
		item{name: "opt/conda/conda-meta/openssl-3.0.15-h5eee18b_0.json",
			body: `{"name":"openssl","version":"3.0.15","build":"h5eee18b_0","channel":"https://repo.anaconda.com/pkgs/main/linux-64",` +
				`"subdir":"linux-64","license":"Apache-2.0","depends":["ca-certificates"]}`},
		item{name: "opt/conda/conda-meta/ca-certificates-2024.9.24-0.json", body: `{"name":"ca-certificates","version":"2024.9.24",` +
			`"build":"0","channel":"https://repo.anaconda.com/pkgs/main/linux-64","subdir":"linux-64","license":"MPL-2.0"}`},
		item{name: "usr/lib/R/site-library/jsonlite/DESCRIPTION", body: "Package: jsonlite\nVersion: 1.8.9\n" +
			"License: MIT + file LICENSE\nDepends: methods\nBuilt: R 4.4.1; x86_64-pc-linux-gnu; 2024-09-20; unix\n"},
		item{name: "usr/lib/R/library/methods/DESCRIPTION", body: "Package: methods\nVersion: 4.4.1\nLicense: Part of R 4.4.1\n" +
			"Built: R 4.4.1; ; 2024-09-20; unix\n"},
		item{name: "src/pkg/DESCRIPTION", body: "Package: mine\nVersion: 0.1\n"})
	if len(report.Warnings) > 0 {
		t.Errorf("%v", report.Warnings)
	}
	same(t, "packages", purlsOf(doc), []string{"pkg:conda/ca-certificates@2024.9.24?build=0&channel=main&subdir=linux-64",
		"pkg:conda/openssl@3.0.15?build=h5eee18b_0&channel=main&subdir=linux-64", "pkg:cran/jsonlite@1.8.9", "pkg:cran/methods@4.4.1",
		"pkg:npm/forked@2.0.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fexample%2Ffork.git%23" + sha,
		"pkg:pypi/foo-bar@1.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fexample%2Ffork.git%40" + sha})
	same(t, "edges", namedEdges(doc), []string{"jsonlite@1.8.9 -> methods@4.4.1", "openssl@3.0.15 -> ca-certificates@2024.9.24"})
	for r, k := range doc.Components() {
		if k.Name == "foo-bar" || k.Name == "jsonlite" {
			var got []string
			for _, l := range doc.Licenses(r) {
				got = append(got, l.Expression+l.Name)
			}
			if want := map[string]string{"foo-bar": "[LGPL v3]", "jsonlite": "[MIT]"}[k.Name]; fmt.Sprint(got) != want {
				t.Errorf("licences of %s: %v, want %s", k.Name, got, want)
			}
		}
	}
}

// What an address has of names and passwords is nobody's business.
// TestWebAddress holds what an external reference of CycloneDX takes (iri-reference, RFC 3987) against what lockfiles have.
func TestWebAddress(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.com/a-1.tgz":     "https://example.com/a-1.tgz",
		"https://example.com/a b.tgz#x y": "https://example.com/a%20b.tgz#x%20y",
		"https://example.com/a%20b.tgz":   "https://example.com/a%20b.tgz",
		"https://example.com/é.tgz":       "https://example.com/é.tgz",
		"https://example.com/a<b>\\c.tgz": "https://example.com/a%3Cb%3E%5Cc.tgz",
		"http:// ":                        "",
		"http://":                         "",
		"https:///a.tgz":                  "",
		"https://exa mple.com/":           "",
		"https://example.com:port/":       "",
		"https://example.com/\x00":        "",
		"https://example.com/%zz":         "",
		"file:///a.tgz":                   "",
		"a.tgz":                           "",
		"":                                "",
	} {
		if got, ok := webAddress(in); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v, not %q", in, got, ok, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	for address, want := range map[string]string{
		"https://me:secret@npm.example.org/a.tgz": "https://npm.example.org/a.tgz",
		"git+https://tok3n@github.com/x/a.git@1":  "git+https://github.com/x/a.git@1",
		"git+ssh://git@github.com/x/a.git#1":      "git+ssh://git@github.com/x/a.git#1",
		"git+ssh://git:secret@github.com/x/a.git": "git+ssh://git@github.com/x/a.git",
		"https://example.org/@scope/a.tgz":        "https://example.org/@scope/a.tgz", "https://a@b@example.org/": "https://example.org/",
	} {
		if got := withoutSecrets(address); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
	const sha = "436597fd55631f7d8e7ed9a0b9069a38f8046957"
	for _, it := range []item{
		{name: "package-lock.json", body: `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0",` +
			`"resolved":"https://me:secret@example.org/a.tgz"},"node_modules/b":{"version":"1.0.0",` +
			`"resolved":"git+https://secret@example.org/b.git#` + sha + `"}}}`},
		{name: "yarn.lock", body: "a@https://me:secret@example.org/a.tgz:\n  version \"1.0.0\"\n  " +
			"resolved \"https://me:secret@example.org/a.tgz#x\"\n"},
		{name: "uv.lock", body: "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { git = \"https://me:secret@example.org/a.git#" +
			sha + "\" }\n"},
		{name: "site-packages/a-1.dist-info/METADATA", body: "Name: a\nVersion: 1\n"},
		{name: "site-packages/a-1.dist-info/direct_url.json", body: `{"url":"https://me:secret@example.org/a.whl","archive_info":{}}`},
		{name: "conda-meta/a.json", body: `{"name":"a","version":"1","url":"https://me:secret@example.org/a.conda"}`},
	} {
		doc, _ := dirOf(t, it, item{name: "site-packages/a-1.dist-info/METADATA", body: "Name: a\nVersion: 1\n"})
		if strings.Contains(string(doc.Bytes()), "secret") {
			t.Errorf("%s: %s", it.name, doc.Bytes())
		}
	}
}

// A lockfile says what of that which is there is to work on the project only.
func TestScopeOfInstalled(t *testing.T) {
	doc, _ := dirOf(t, item{name: "package-lock.json", body: `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0",` +
		`"dev":true},"node_modules/b":{"version":"1.0.0"},"node_modules/c":{"version":"1.0.0","optional":true}}}`},
		packageJSON("node_modules/a", "a", "1.0.0"), packageJSON("node_modules/b", "b", "1.0.0"),
		item{name: "vendor/composer/installed.json", body: `{"packages":[{"name":"a/b","version":"v1.0.0","notification-url":"x"},` +
			`{"name":"a/c","version":"1.0.0","notification-url":"x"}],"dev-package-names":["a/c"]}`},
		item{name: "vendor/a/b/tests/x/vendor/composer/installed.json", body: `{"packages":[{"name":"x/y","version":"1.0.0"}]}`})
	same(t, "packages", purlsOf(doc),
		[]string{"?pkg:npm/c@1.0.0", "pkg:composer/a/b@v1.0.0", "pkg:composer/a/c@1.0.0", "pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0"})
	for purl, want := range map[string][]string{"pkg:npm/a@1.0.0": {"lading:scope=development"}, "pkg:npm/b@1.0.0": nil,
		"pkg:npm/c@1.0.0":        {"lading:scope=optional"},
		"pkg:composer/a/c@1.0.0": {"lading:scope=development"}, "pkg:composer/a/b@v1.0.0": nil} {
		same(t, purl, propertiesOf(t, doc, purl), want)
	}
}

// Digests of packages as they are distributed, which lockfiles have in several forms.
func TestLockHashes(t *testing.T) {
	sum := func(n int) string { return strings.Repeat("ab", n) }
	raw, _ := hex.DecodeString(sum(64))
	packed := base64.StdEncoding.EncodeToString(raw)
	for _, tt := range []struct{ file, body, algorithm, want string }{
		{"packages.lock.json", `{"dependencies":{"net8.0":{"A":{"type":"Direct","resolved":"1.0.0","contentHash":"` + packed + `"}}}}`,
			"SHA-512", sum(64)},
		{"app.deps.json", `{"targets":{"t":{"A/1.0.0":{}}},"libraries":{"A/1.0.0":{"type":"package","sha512":"sha512-` + packed + `"}}}`,
			"SHA-512", sum(64)},
		{"pubspec.lock", "packages:\n  a:\n    dependency: transitive\n    description: {name: a, sha256: " + sum(32) + "}\n    " +
			"source: hosted\n    version: \"1\"\n", "SHA-256", sum(32)},
		{"mix.lock", `%{"a": {:hex, :a, "1.0.0", "x", [:mix], [], "hexpm", "` + sum(32) + `"}}`, "SHA-256", sum(32)},
		{"Cargo.lock", "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"" + sum(32) + "\"\n", "SHA-256", sum(32)},
		{"yarn.lock", "a@^1:\n  version \"1.0.0\"\n  integrity sha512-" + packed + "\n", "SHA-512", sum(64)},
		{"pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-" + packed +
			"}\nsnapshots:\n  a@1.0.0: {}\n", "SHA-512", sum(64)},
		{"package-lock.json", `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","integrity":"sha512-` + packed + `"}}}`,
			"SHA-512", sum(64)},
		{"bun.lock", `{"packages":{"a":["a@1.0.0","",{},"sha512-` + packed + `"]}}`, "SHA-512", sum(64)},
	} {
		doc, report := dirOf(t, item{name: tt.file, body: tt.body})
		var got []string
		for r := range doc.Components() {
			for _, h := range doc.Details(r).Hashes {
				got = append(got, h.Algorithm+" "+h.Value)
			}
		}
		if want := []string{tt.algorithm + " " + tt.want}; !slices.Equal(got, want) || len(report.Warnings) > 0 {
			t.Errorf("%s: %q %v", tt.file, got, report.Warnings)
		}
	}
}
