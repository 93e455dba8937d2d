package sbom

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"
)

func TestParsePURL(t *testing.T) {
	for in, want := range map[string]string{
		"pkg:npm/%40angular/animation@12.3.1": "",
		"pkg:npm/@angular/animation@12.3.1":   "pkg:npm/%40angular/animation@12.3.1",
		"pkg:npm/@angular/animation":          "pkg:npm/%40angular/animation",
		"PKG://NPM//Foo@1":                    "pkg:npm/foo@1",
		"pkg:golang/github.com/Masterminds/Semver/v3@v3.1.0+meta#a//./b/../c": "pkg:golang/github.com/masterminds/semver/" +
			"v3@v3.1.0%2Bmeta#a/b/c",
		"pkg:deb/Debian/attr@1%3A2.4.47-2%2Bb1?arch=amd64&distro=":  "pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64",
		"pkg:oci/static@sha256%3A24?tag=v1&Repository_URL=gcr.io/a": "pkg:oci/static@sha256:24?repository_url=gcr.io%2Fa&tag=v1",
		"pkg:pypi/Foo__bar.-Baz@1.0":                                "pkg:pypi/foo-bar-baz@1.0",
		"pkg:pypi/_x_":                                              "pkg:pypi/-x-",
		"pkg:pub/My-App":                                            "pkg:pub/my_app",
		"pkg:rpm/Fedora/Curl@7-1?epoch=1":                           "pkg:rpm/fedora/Curl@7-1?epoch=1",
		"pkg:github/Foo/Bar@feature/x":                              "pkg:github/foo/bar@feature%2Fx",
		"pkg:cpan/gdt/URI-PackageURL":                               "pkg:cpan/GDT/URI-PackageURL",
		"pkg:generic/a%20b@1%2F2?x=a%26b=c":                         "pkg:generic/a%20b@1%2F2?x=a%26b%3Dc",
		"pkg:generic/n%C3%A4me":                                     "",
		"pkg:nuget/Dapper@2.0.35/":                                  "pkg:nuget/Dapper@2.0.35",
		"pkg:pub/A.b-C":                                             "pkg:pub/a_b_c",
		"pkg:pypi/a@1.0RC1":                                         "pkg:pypi/a@1.0rc1",
		"pkg:oci/Static@sha256:ABCD":                                "pkg:oci/static@sha256:abcd",
		"pkg:huggingface/Microsoft/DeBERTa@ABC0":                    "pkg:huggingface/Microsoft/DeBERTa@abc0",
		"pkg:vscode-extension/Golang/Go@0.39.1-PRE":                 "pkg:vscode-extension/golang/go@0.39.1-pre",
		"pkg:npm/a@1?x=&X=2&x=":                                     "pkg:npm/a@1?x=2",
		"pkg:npm/a@1?&&":                                            "pkg:npm/a@1",
		"pkg:npm/a@":                                                "pkg:npm/a",
		"pkg:generic/a#%2E%2E/./%2e/b//":                            "pkg:generic/a#b",
		"pkg:generic/a@1#b#c":                                       "pkg:generic/a@1%23b#c",
		"pkg:generic/a?b=c?d=e":                                     "pkg:generic/a%3Fb%3Dc?d=e",
		"pkg:yocto/Core/Glibc@2.35":                                 "pkg:yocto/core/Glibc@2.35",
		"pkg:qpkg/BlackBerry/com.qnx.SDP@7":                         "pkg:qpkg/blackberry/com.qnx.SDP@7",
		"pkg:swid/Acme/example.com/A%20B@1?tag_id=75B8C285-fa7b-485b-b199-4745e3004d0d": "pkg:swid/Acme/example.com/" +
			"A%20B@1?tag_id=75b8c285-fa7b-485b-b199-4745e3004d0d",
		"pkg:swid/Fedora@29?tag_id=org.Fedora-29": "pkg:swid/Fedora@29?tag_id=org.Fedora-29",
		"pkg:conan/openssl.org/openssl@3.0.3?user=bincrafters&channel=stable": "pkg:conan/openssl.org/openssl@3.0.3?channel=stable&" +
			"user=bincrafters",
		"pkg:cocoapods/GoogleUtilities@7.5.2#NSData+zlib":             "pkg:cocoapods/GoogleUtilities@7.5.2#NSData%2Bzlib",
		"pkg:hackage/AC-HalfInteger@1.2.1":                            "",
		"pkg:golang/go.opencensus.io@0.24.0":                          "",
		"pkg:mlflow/Big@1?repository_url=adb.azuredatabricks.net/api": "pkg:mlflow/big@1?repository_url=adb.azuredatabricks.net%2Fapi",
	} {
		if want == "" {
			want = in
		}
		p, err := ParsePURL(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := p.String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{
		"", "pkg:", "npm/foo@1", "pkg:npm", "pkg:npm/", "pkg:npm/@", "pkg:/foo", "pkg:1a/foo", "pkg:a_b/foo", "pkg:npm/a?1=b",
		"pkg:npm/a?b c=d",
		"pkg:npm/a?b=c&B=d", "pkg:npm/a%", "pkg:npm/a%2", "pkg:npm/a%zz", "pkg:npm/a@%ff", "pkg:npm/a%2Fb/c", "pkg:npm/\xff",
		"pkg:npm/a#b%2Fc",
		"pkg:swift/foo@1", "pkg:cpan/X/A::B", "pkg:julia/Foo@1", "pkg:julia/x/Foo?uuid=1", "pkg:otp/x/y", "pkg:vscode-extension/go",
		"pkg:maven/@1.3.4", "pkg:a+b/c", "pkg:a%2Db/c", "pkg:npm/a?x%20=1", "pkg:npm/a?_x=1", "pkg:generic/%C3",
		"pkg:pypi/x/y", "pkg:cargo/x/y", "pkg:gem/x/y", "pkg:nuget/x/y", "pkg:oci/library/x", "pkg:pub/x/y", "pkg:cran/x/y",
		"pkg:conda/x/y",
		"pkg:hackage/x/y", "pkg:mlflow/x/y", "pkg:cocoapods/x/y", "pkg:bitnami/x/y", "pkg:opam/x/y", "pkg:bazel/x/y", "pkg:vcpkg/x/y",
		"pkg:github/x", "pkg:bitbucket/x", "pkg:composer/x", "pkg:qpkg/x", "pkg:swid/Acme/Server@1", "pkg:swid/a?tag_id=",
		"pkg:cocoapods/.x", "pkg:cocoapods/x%2By", "pkg:cocoapods/x%20y",
	} {
		if p, err := ParsePURL(in); !errors.Is(err, ErrPURL) {
			t.Errorf("%q: %+v, %v", in, p, err)
		}
	}
}

// Each line is one package as different programs write it.
func TestMatchKey(t *testing.T) {
	keys := map[string]string{}
	for _, line := range []string{
		"pkg:deb/debian/attr@1%3A2.38?arch=amd64 pkg:deb/debian/attr@1:2.38?arch=amd64&distro=debian-12.5 " +
			"pkg:deb/debian/attr@2.38?epoch=1&arch=x86_64&distro=bookworm pkg:deb/attr@1:2.38?arch=amd64&distro=debian-12",
		"pkg:deb/debian/attr@1:2.38?arch=i386",
		"pkg:deb/debian/attr@2.38?arch=amd64&epoch=0 pkg:deb/debian/attr@0:2.38?arch=amd64&source=UNKNOWN",
		"pkg:deb/debian/tzdata@2024a?arch=all pkg:deb/debian/tzdata@2024a",
		"pkg:deb/ubuntu/attr@2.38?arch=amd64",
		"pkg:rpm/amzn/acl@2.3.1-2?arch=x86_64&epoch=0 pkg:rpm/amazon/acl@2.3.1-2?arch=x86_64&distro=2023",
		"pkg:rpm/redhat/acl@2.3.1-2?arch=noarch&upstream=acl-2.3.1-2.src.rpm pkg:rpm/rhel/acl@2.3.1-2",
		"pkg:golang/github.com/a/B@v1.2.3 pkg:golang/github.com/a/b@1.2.3?type=module",
		"pkg:golang/github.com/aws/aws-sdk-go-v2/service/ecr@v1 pkg:golang/github.com/aws/aws-sdk-go-v2@1#service/ecr " +
			"pkg:golang/github.com/aws/aws-sdk-go-v2/service@v1#ecr",
		"pkg:golang/stdlib@1.26.3 pkg:golang/stdlib@go1.26.3 pkg:golang/stdlib@v1.26.3 pkg:golang/std@go1.26.3",
		"pkg:golang/github.com/docker/docker@v28.0.1+incompatible pkg:golang/github.com/docker/docker@28.0.1 " +
			"pkg:golang/github.com/docker/docker@v28.0.1%2Bincompatible?type=module",
		"pkg:golang/example.com/m pkg:golang/example.com/m@(devel)",
		"pkg:golang/github.com%2Fgoogle%2Fuuid@v1.6.0 pkg:golang/github.com/google/uuid@v1.6.0 pkg:golang/github.com/google%2Fuuid@1.6.0",
		"pkg:swid/Acme/Server@1?tag_id=a", "pkg:swid/Acme/Server@1?tag_id=b",
		"pkg:npm/%40a/b@1 pkg:npm/%40a%2Fb@1 pkg:npm/@a/b@1?vcs_url=git://example.com pkg:npm/@A/b@1",
		"pkg:pypi/A_b@1.0RC1 pkg:pypi/a-b@1.0rc1?file_name=x",
		"pkg:maven/g/a@1?type=jar pkg:maven/g/a@1",
		"pkg:maven/g/a@1?type=pom", "pkg:maven/g/a@1?classifier=sources",
		"pkg:gem/x@1?platform=java", "pkg:gem/x@1 pkg:gem/x@1?platform=ruby",
		"pkg:vscode-extension/golang/go@1 pkg:vscode-extension/Golang/Go@1?platform=universal",
		"pkg:vscode-extension/golang/go@1?platform=win32-x64",
		"pkg:nuget/Newtonsoft.Json@13.0.1 pkg:nuget/newtonsoft.json@13.0.1",
		"pkg:conan/zlib@1 pkg:conan/zlib@1?os=Linux", "pkg:conan/zlib@1?user=a&channel=stable", "pkg:conan/zlib@1?user=b&channel=stable",
		"pkg:conda/numpy@1.20.3 pkg:conda/numpy@1.20.3?channel=main&subdir=linux-64",
		"pkg:deb/x@1?distro=jammy pkg:deb/ubuntu/x@1?distro=22.04 pkg:deb/x@1?distro=ubuntu-22.04", "pkg:deb/x@1?distro=12 pkg:deb/x@1",
		"pkg:rpm/mariner/x@1-1 pkg:rpm/cbl-mariner/x@1-1", "pkg:alpm/arch/x@1:1-1?arch=x86_64 pkg:alpm/archlinux/x@1:1-1?arch=x86-64",
		"pkg:apk/alpine/musl@1.2-r0?arch=aarch64 pkg:apk/alpine/musl@1.2-r0?arch=arm64&distro=3.19.1",
	} {
		first := ""
		for i, s := range strings.Fields(line) {
			p, err := ParsePURL(s)
			if err != nil {
				t.Fatal(err)
			}
			before := maps.Clone(p.Qualifiers)
			key := p.MatchKey()
			if !maps.Equal(before, p.Qualifiers) {
				t.Errorf("%s: its qualifiers changed", s)
			}
			if i == 0 {
				first = key
				if other, ok := keys[key]; ok {
					t.Errorf("%s and %s have the key %s", s, other, key)
				}
				keys[key] = s
			}
			if key != first {
				t.Errorf("%s: %s, want %s", s, key, first)
			}
		}
	}
}

// What programs publish: nearly all can be read, and reading the canonical form again changes nothing.
func TestPublishedPURLs(t *testing.T) {
	read, refused := 0, 0
	for f := range corpus(t) {
		d, err := Parse(bytes.NewReader(f.Data))
		if err != nil {
			continue
		}
		for _, c := range d.Components() {
			if c.PURL == "" {
				continue
			}
			p, err := ParsePURL(c.PURL)
			if err != nil {
				refused++
				t.Log(err)
				continue
			}
			read++
			again, err := ParsePURL(p.String())
			if err != nil || again.String() != p.String() || again.MatchKey() != p.MatchKey() {
				t.Errorf("%s: %v, %v", p, again, err)
			}
		}
	}
	t.Log(read, "read,", refused, "refused")
	if read < 1000 || refused*100 > read {
		t.Errorf("%d read, %d refused", read, refused)
	}
}

func FuzzParsePURL(f *testing.F) {
	f.Add("pkg:npm/%40angular/animation@12.3.1?a=b&c=d#e/f")
	f.Add("pkg:deb/debian/attr@1%3A2.38?arch=amd64&distro=debian-12.5&epoch=2")
	f.Add("pkg:golang/x/y@v1#z")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePURL(s)
		if err != nil {
			if !errors.Is(err, ErrPURL) {
				t.Fatal(err)
			}
			return
		}
		again, err := ParsePURL(p.String())
		if err != nil {
			t.Fatalf("%q: its canonical form %q: %v", s, p, err)
		}
		if again.String() != p.String() {
			t.Errorf("%q: %q, then %q", s, p, again)
		}
		p.MatchKey()
	})
}
