package catalog

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/internal/schema/iri"
)

// distribution says where a package was fetched.
func (k *component) distribution(at string, hashes []cdx.Hash) {
	for _, h := range hashes {
		k.hash(h)
	}
	at = withoutSecrets(at)
	if !strings.HasPrefix(at, "https://") && !strings.HasPrefix(at, "http://") {
		return // a file or a repository, which is said elsewhere
	}
	ref := cdx.ExternalReference{Type: cdx.ERTypeDistribution, URL: at}
	if len(hashes) > 0 {
		ref.Hashes = &hashes
	}
	if len(k.refs) < 10 && !slices.ContainsFunc(k.refs, func(r cdx.ExternalReference) bool { return r.URL == ref.URL }) {
		k.refs = append(k.refs, ref)
	}
}

// webAddress returns a URL of the web as CycloneDX takes it, an IRI reference, with blanks and the like percent-encoded. What
// cannot be read as a URL with a host is none.
func webAddress(s string) (string, bool) {
	if !webScheme.MatchString(s) {
		return "", false
	}
	return iri.Address(s)
}

var integrityAlgorithms = map[string]struct {
	name cdx.HashAlgorithm
	size int
}{
	"sha1": {cdx.HashAlgoSHA1, 20}, "sha256": {cdx.HashAlgoSHA256, 32},
	"sha384": {cdx.HashAlgoSHA384, 48}, "sha512": {cdx.HashAlgoSHA512, 64},
}

// integrityHashes reads integrity metadata (W3C Subresource Integrity, section 3.5).
func integrityHashes(s string) (out []cdx.Hash) {
	for one := range strings.FieldsSeq(s) {
		algorithm, value, _ := strings.Cut(one, "-")
		value, _, _ = strings.Cut(value, "?")
		a, known := integrityAlgorithms[algorithm]
		if raw, err := base64.StdEncoding.DecodeString(value); err == nil && known && len(raw) == a.size {
			out = append(out, cdx.Hash{Algorithm: a.name, Value: hex.EncodeToString(raw)})
		}
	}
	return out
}

// codeload is where GitHub has archives of commits.
var codeload = regexp.MustCompile(`^https://codeload\.github\.com/([\w.-]+/[\w.-]+)/tar\.gz/([0-9a-f]{7,64})$`)

// vcsURL returns a repository and a commit as vcs_url has them (purl-spec; SPDX 2.3, clause 7.7), or nothing. Of a URL the
// query is what was asked for, and the fragment, unless the commit is given, the commit that came of it.
func vcsURL(repository, commit string) string {
	if m := codeload.FindStringSubmatch(repository); m != nil {
		return "git+https://github.com/" + m[1] + "@" + m[2]
	}
	repository, fragment, _ := strings.Cut(repository, "#")
	inside := ""
	if _, query, ok := strings.Cut(repository, "?"); ok {
		if values, err := url.ParseQuery(query); err == nil {
			inside = values.Get("subdirectory") // of uv
		}
	}
	fragment = strings.TrimPrefix(fragment[strings.LastIndexAny(fragment, "&:")+1:], "commit=")
	if commit = cmp.Or(commit, fragment); commit == "" {
		return ""
	}
	repository, _, _ = strings.Cut(repository, "?")
	if short, ok := strings.CutPrefix(repository, "github:"); ok {
		repository = "https://github.com/" + short
	}
	if host, at, ok := strings.Cut(repository, ":"); ok && strings.Contains(host, "@") && !strings.Contains(host, "/") { // git@host:path
		repository = "ssh://" + host + "/" + at
	}
	if scheme, _, ok := strings.Cut(repository, "://"); !ok || !strings.Contains(scheme, "+") && scheme != "git" {
		repository = "git+" + repository
	}
	return inRepository(repository+"@"+commit, inside)
}

// inRepository adds a directory to a repository (SPDX 2.3, clause 7.7: a sub-path is the fragment).
func inRepository(vcs, dir string) string {
	if dir = strings.Trim(dir, "/"); vcs == "" || dir == "" || dir == "." {
		return vcs
	}
	return vcs + "#" + dir
}

var (
	webScheme   = regexp.MustCompile(`(?i)^(https?|ftps?)://`)
	webUser     = regexp.MustCompile(`(?i)^((?:\w+\+)?(?:https?|ftps?)://)[^/?#]*@`)
	sshPassword = regexp.MustCompile(`^((?:\w+\+)?ssh://[^/?#:@]*):[^/?#]*@`)
)

// withoutSecrets takes names and passwords out of an address, which lockfiles have if that is how it was asked for. A name
// alone stays with ssh, where it says nothing.
func withoutSecrets(address string) string {
	return sshPassword.ReplaceAllString(webUser.ReplaceAllString(address, "$1"), "$1@")
}

// isGit says whether a URL is one of a repository.
func isGit(s string) bool {
	at, _, _ := strings.Cut(s, "#")
	return strings.HasPrefix(s, "git+") || strings.HasPrefix(s, "git:") || strings.HasPrefix(s, "git@") ||
		strings.HasPrefix(s, "github:") ||
		strings.HasSuffix(at, ".git") || codeload.MatchString(s) || strings.Contains(s, "#commit=")
}

// withVCS adds where a package's code is from to its package URL.
func withVCS(u sbom.PURL, vcs string) sbom.PURL {
	if vcs = withoutSecrets(vcs); vcs != "" {
		u.Qualifiers = maps.Clone(u.Qualifiers)
		if u.Qualifiers == nil {
			u.Qualifiers = map[string]string{}
		}
		u.Qualifiers["vcs_url"] = vcs
	}
	return u
}

// fromVCS makes a component that was found at a place the one that is from a repository: a fork may have a registry's name
// and version.
func (c *collector) fromVCS(k *component, vcs, at string) *component {
	vcs = withoutSecrets(vcs)
	u, err := sbom.ParsePURL(k.purl)
	if err != nil || vcs == "" || u.Qualifiers["vcs_url"] == vcs {
		return k
	}
	return c.rename(k, withVCS(u, vcs), at)
}
