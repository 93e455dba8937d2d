package catalog

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"

	"github.com/ladingdev/lading/sbom"
)

// A lockfile is what a project's lockfile says: packages by the names that they have in it, and what the project needs.
type lockfile struct {
	packages map[string]*lockedPackage
	roots    []lockRoot
	// flagged says that packages tell themselves whether they are needed to run. Otherwise the way from the roots tells.
	flagged bool
}

// A lockedPackage is one version of a package.
type lockedPackage struct {
	purl            sbom.PURL
	needs, optional []string // by names in the file
	edges           []string // to what is needed for an extra or to work on it, which is asked for by another name
	dev, opt        bool     // needed to work on the project only, or only where it can be had
	url, integrity  string
	sha256          string
	root            bool   // a project of the lockfile itself
	patch           bool   // of another, which says whether it is needed
	dir             string // a directory of the project in place of a package of a registry
}

// A lockRoot is a project, or a member of one, in a directory below the lockfile's.
type lockRoot struct {
	dir                  string
	needs, dev, optional []string
}

// locks reads lockfiles of one kind. It is an extractor of ours because libraries' leave out what depends on what, what is
// optional, and where a package is from.
type locks struct {
	name  string
	parse func(data []byte) (*lockfile, error)
	// more adds what is not in the file, when everything was found.
	more func(c *collector, file *lockfile, dir string)
	file *lockfile // that Extract read last, for details
}

func (l *locks) Name() string                       { return l.name }
func (*locks) Version() int                         { return 0 }
func (*locks) Requirements() *plugin.Capabilities   { return &plugin.Capabilities{} }
func (*locks) FileRequired(filesystem.FileAPI) bool { return true } // by name, see projects

// Extract reads the file. Its packages are made by details.
func (l *locks) Extract(_ context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	l.file = nil
	data, err := io.ReadAll(in.Reader)
	if err == nil {
		l.file, err = l.parse(data)
	}
	return out, err
}

func (l *locks) details(c *collector, f *found) error {
	file := l.file
	if file == nil {
		return nil
	}
	made := map[string]*component{}
	for _, id := range slices.Sorted(maps.Keys(file.packages)) {
		p := file.packages[id]
		if p.dir != "" || p.purl.Name == "" {
			continue
		}
		k, err := c.make(p.purl.String(), nameInPURL(p.purl), f.path, "")
		if err != nil {
			c.warn(f.path, fmt.Errorf("%.200q: %w", id, err))
			continue
		}
		made[id] = k
		k.distribution(p.url, integrityHashes(p.integrity))
		if p.sha256 != "" {
			k.hash(cdx.Hash{Algorithm: cdx.HashAlgoSHA256, Value: p.sha256})
		}
	}
	c.later = append(c.later, func() {
		if l.more != nil {
			l.more(c, file, path.Dir(f.path))
		}
		c.installedFrom(file, f.path, made)
		c.linkLock(file, path.Dir(f.path), made)
	})
	return nil
}

// installedFrom gives what lies in node_modules of a project the repository that the lockfile says it is from.
func (c *collector) installedFrom(file *lockfile, at string, made map[string]*component) {
	dir := path.Dir(at)
	for _, id := range slices.Sorted(maps.Keys(made)) {
		u := file.packages[id].purl
		vcs := u.Qualifiers["vcs_url"]
		if u.Type != "npm" || vcs == "" {
			continue
		}
		for _, r := range append([]lockRoot{{}}, file.roots...) {
			in := c.tree.real(path.Join(dir, r.dir, "node_modules", nameInPURL(u)))
			n := c.nodes[in]
			if n == nil || n.component == nil || u.Version != "" && n.component.version != u.Version {
				continue
			}
			n.component = c.fromVCS(n.component, vcs, path.Join(in, "package.json"))
			if k := made[id]; k != n.component { // of which the lockfile has no version
				c.forget(k, at)
				made[id] = n.component
			}
		}
	}
}

// linkLock makes the edges of a lockfile, and says what is there to run. What is not is marked by why.
func (c *collector) linkLock(file *lockfile, dir string, made map[string]*component) {
	at := func(id string) *component {
		if p := file.packages[id]; p != nil && p.dir != "" {
			if n := c.nodes[path.Join(dir, p.dir)]; n != nil {
				return n.component
			}
		}
		return made[id]
	}
	for id, p := range file.packages {
		k := at(id)
		if k == nil {
			continue
		}
		for _, to := range slices.Concat(p.needs, p.optional, p.edges) {
			k.need(at(to))
		}
	}
	run, any, all := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, r := range file.roots {
		file.reach(run, r.needs, false)
		file.reach(any, slices.Concat(r.needs, r.optional), true)
		file.reach(all, slices.Concat(r.needs, r.optional, r.dev), true)
		if n := c.nodes[path.Join(dir, r.dir)]; n != nil && n.component != nil {
			for _, to := range slices.Concat(r.needs, r.dev, r.optional) {
				n.component.need(at(to))
			}
		}
	}
	for id, k := range made {
		p := file.packages[id]
		switch {
		case p.patch:
		case file.flagged && !p.dev && !p.opt, !file.flagged && (run[id] || !all[id]): // what nothing needs was asked for in another way
			k.present, k.asked = true, true
		case file.flagged && p.opt, !file.flagged && any[id]:
			k.lacks("optional")
		default:
			k.lacks("development")
		}
	}
}

// reach marks what is needed, step by step.
func (l *lockfile) reach(seen map[string]bool, from []string, optional bool) {
	stack := slices.Clone(from)
	for len(stack) > 0 {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		p := l.packages[id]
		if p == nil || seen[id] {
			continue
		}
		seen[id] = true
		stack = append(stack, p.needs...)
		if optional {
			stack = append(stack, p.optional...)
		}
	}
}

// lacks says why a package is not needed to run, unless something else says that it is there.
func (k *component) lacks(why string) {
	if k.why == "" || why == "optional" {
		k.why = why
	}
}

// hash adds a digest of the package as it is distributed.
func (k *component) hash(h cdx.Hash) {
	if len(k.hashes) < 10 && !slices.Contains(k.hashes, h) {
		k.hashes = append(k.hashes, h)
	}
}

// distribution says where a package was fetched.
func (k *component) distribution(at string, hashes []cdx.Hash) {
	at = withoutSecrets(at)
	for _, h := range hashes {
		k.hash(h)
	}
	if !strings.HasPrefix(at, "https://") && !strings.HasPrefix(at, "http://") {
		return
	}
	ref := cdx.ExternalReference{Type: cdx.ERTypeDistribution, URL: at}
	if len(hashes) > 0 {
		ref.Hashes = &hashes
	}
	if len(k.refs) < 10 && !slices.ContainsFunc(k.refs, func(r cdx.ExternalReference) bool { return r.URL == ref.URL }) {
		k.refs = append(k.refs, ref)
	}
}

var integrityAlgorithms = map[string]struct {
	name cdx.HashAlgorithm
	size int
}{"sha1": {cdx.HashAlgoSHA1, 20}, "sha256": {cdx.HashAlgoSHA256, 32}, "sha384": {cdx.HashAlgoSHA384, 48}, "sha512": {cdx.HashAlgoSHA512, 64}}

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
	webUser     = regexp.MustCompile(`^((?:\w+\+)?https?://)[^/?#]*@`)
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
	return strings.HasPrefix(s, "git+") || strings.HasPrefix(s, "git:") || strings.HasPrefix(s, "git@") || strings.HasPrefix(s, "github:") ||
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

// rename makes what was found at a place another component: there is better word of what it is. If nothing was found there
// (nil), it is a new one.
func (c *collector) rename(k *component, u sbom.PURL, at string) *component {
	out, err := c.make(u.String(), nameInPURL(u), at, "")
	if err != nil || out == k {
		return k
	}
	if k == nil {
		out.present = true
		return out
	}
	out.kind, out.supplier, out.present, out.licenses, out.lesser = k.kind, k.supplier, k.present || out.present, k.licenses, k.lesser
	out.asked, out.why = k.asked || out.asked, cmp.Or(out.why, k.why)
	for to := range k.needs {
		out.need(to)
	}
	if c.forget(k, at); len(k.places) == 0 {
		k.renamed = out
	}
	return out
}

// current returns the component that this one has become.
func (k *component) current() *component {
	for k != nil && k.renamed != nil {
		k = k.renamed
	}
	return k
}
