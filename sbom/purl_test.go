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
		"pkg:npm/%40angular/animation@12.3.1":                                 "",
		"pkg:npm/@angular/animation@12.3.1":                                   "pkg:npm/%40angular/animation@12.3.1",
		"pkg:npm/@angular/animation":                                          "pkg:npm/%40angular/animation",
		"PKG://NPM//Foo@1":                                                    "pkg:npm/foo@1",
		"pkg:golang/github.com/Masterminds/Semver/v3@v3.1.0+meta#a//./b/../c": "pkg:golang/github.com/masterminds/semver/v3@v3.1.0%2Bmeta#a/b/c",
		"pkg:deb/Debian/attr@1%3A2.4.47-2%2Bb1?arch=amd64&distro=":            "pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64",
		"pkg:oci/static@sha256%3A24?tag=v1&Repository_URL=gcr.io/a":           "pkg:oci/static@sha256:24?repository_url=gcr.io%2Fa&tag=v1",
		"pkg:pypi/Foo__bar.-Baz@1.0":                                          "pkg:pypi/foo-bar-baz@1.0",
		"pkg:pypi/_x_":                                                        "pkg:pypi/-x-",
		"pkg:pub/My-App":                                                      "pkg:pub/my_app",
		"pkg:rpm/Fedora/Curl@7-1?epoch=1":                                     "pkg:rpm/fedora/Curl@7-1?epoch=1",
		"pkg:github/Foo/Bar@feature/x":                                        "pkg:github/foo/bar@feature%2Fx",
		"pkg:cpan/gdt/URI-PackageURL":                                         "pkg:cpan/GDT/URI-PackageURL",
		"pkg:generic/a%20b@1%2F2?x=a%26b=c":                                   "pkg:generic/a%20b@1%2F2?x=a%26b%3Dc",
		"pkg:generic/n%C3%A4me":                                               "",
		"pkg:nuget/Dapper@2.0.35/":                                            "pkg:nuget/Dapper@2.0.35",
		"pkg:mlflow/Big@1?repository_url=adb.azuredatabricks.net/api":         "pkg:mlflow/big@1?repository_url=adb.azuredatabricks.net%2Fapi",
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
		"", "pkg:", "npm/foo@1", "pkg:npm", "pkg:npm/", "pkg:npm/@", "pkg:/foo", "pkg:1a/foo", "pkg:a_b/foo", "pkg:npm/a?1=b", "pkg:npm/a?b c=d",
		"pkg:npm/a?b=c&B=d", "pkg:npm/a%", "pkg:npm/a%2", "pkg:npm/a%zz", "pkg:npm/a@%ff", "pkg:npm/a%2Fb/c", "pkg:npm/\xff", "pkg:npm/a#b%2Fc",
		"pkg:swift/foo@1", "pkg:cpan/X/A::B", "pkg:cpan/A-B", "pkg:julia/Foo@1", "pkg:julia/x/Foo?uuid=1", "pkg:otp/x/y", "pkg:vscode-extension/go",
		"pkg:maven/@1.3.4",
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
		"pkg:deb/debian/attr@1%3A2.38?arch=amd64 pkg:deb/debian/attr@1:2.38?arch=amd64&distro=debian-12.5 pkg:deb/debian/attr@2.38?epoch=1&arch=x86_64&distro=bookworm pkg:deb/attr@1:2.38?arch=amd64&distro=debian-12",
		"pkg:deb/debian/attr@1:2.38?arch=i386",
		"pkg:deb/debian/attr@2.38?arch=amd64&epoch=0 pkg:deb/debian/attr@0:2.38?arch=amd64&source=UNKNOWN",
		"pkg:deb/debian/tzdata@2024a?arch=all pkg:deb/debian/tzdata@2024a",
		"pkg:deb/ubuntu/attr@2.38?arch=amd64",
		"pkg:rpm/amzn/acl@2.3.1-2?arch=x86_64&epoch=0 pkg:rpm/amazon/acl@2.3.1-2?arch=x86_64&distro=2023",
		"pkg:rpm/redhat/acl@2.3.1-2?arch=noarch&upstream=acl-2.3.1-2.src.rpm pkg:rpm/rhel/acl@2.3.1-2",
		"pkg:golang/github.com/a/B@v1.2.3 pkg:golang/github.com/a/b@1.2.3?type=module",
		"pkg:golang/github.com/aws/aws-sdk-go-v2/service/ecr@v1 pkg:golang/github.com/aws/aws-sdk-go-v2@1#service/ecr pkg:golang/github.com/aws/aws-sdk-go-v2/service@v1#ecr",
		"pkg:golang/stdlib@1.26.3 pkg:golang/stdlib@go1.26.3 pkg:golang/stdlib@v1.26.3",
		"pkg:golang/example.com/m pkg:golang/example.com/m@(devel)",
		"pkg:npm/%40a/b@1 pkg:npm/@a/b@1?vcs_url=git://example.com pkg:npm/@A/b@1",
		"pkg:pypi/A_b@1.0RC1 pkg:pypi/a-b@1.0rc1?file_name=x",
		"pkg:maven/g/a@1?type=jar pkg:maven/g/a@1",
		"pkg:maven/g/a@1?type=pom", "pkg:maven/g/a@1?classifier=sources",
		"pkg:gem/x@1?platform=java", "pkg:gem/x@1",
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
