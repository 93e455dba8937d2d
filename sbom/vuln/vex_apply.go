package vuln

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/versions"
	"github.com/ladingdev/lading/sbom"
)

// An Effect is what Report.Apply did.
type Effect struct {
	Changed   int         // places whose status is another one now
	Conflicts int         // places about which proven statements disagree
	Unmatched []Statement // statements that are about nothing in the report
}

// Apply lets VEX statements speak about the findings of a report. No finding is removed: a place gets a Status, and a record of
// every statement that is about it, with who said it and why it counts or not.
//
//   - A statement is about a place if it names the vulnerability, or an alias, and a product that is what was scanned or the
//     component. If the product has subcomponents, it must be what was scanned, and a subcomponent the component.
//   - A finding of several vulnerabilities, such as of an advisory that has several CVEs for aliases, is excluded only by a
//     statement that names the finding's own id, or all of them.
//   - Where it cannot be told whether a version is in a statement's range, one that says affected or under investigation is about
//     it, and one that excludes is not.
//   - A statement without a proven signer is recorded and changes nothing.
//   - If proven statements disagree, the one with the newest proven time counts; two of one document, the one that it dates
//     later. If the time of one that disagrees is not proven, or the same, all are recorded and the finding stands.
//   - What the scanner itself suppressed stays so until a proven statement is about it.
//
// Whether a signer may speak at all is for a policy to say: hand over the statements of those who may. Apply may be called
// again; earlier statements still count.
func (r *Report) Apply(statements ...Statement) Effect {
	var e Effect
	index := map[string][]int{}
	for i := range statements {
		for _, id := range ids(statements[i].Vulnerability, statements[i].Aliases) {
			if list := index[id]; len(list) == 0 || list[len(list)-1] != i {
				index[id] = append(list, i)
			}
		}
	}
	matched := make([]bool, len(statements))
	subject := r.Subject.thing()
	for i := range r.Findings {
		f := &r.Findings[i]
		var about []int
		names := f.names()
		for _, id := range ids(f.ID, f.Aliases) {
			for _, k := range index[id] {
				if !statements[k].Status.excludes() || names[id] || statements[k].namesAll(names) {
					about = append(about, k)
				}
			}
		}
		slices.Sort(about)
		about = slices.Compact(about)
		for j := range f.Affects {
			a := &f.Affects[j]
			component := a.Component.thing(&r.Subject)
			var found []Statement
			for _, k := range about {
				if statements[k].about(subject, component) {
					matched[k] = true
					found = append(found, statements[k])
				}
			}
			if len(found) == 0 {
				continue
			}
			a.record(found)
			before := a.Status
			if a.settle() {
				e.Conflicts++
			}
			if a.Status != before {
				e.Changed++
			}
		}
	}
	for i, m := range matched {
		if !m {
			e.Unmatched = append(e.Unmatched, statements[i])
		}
	}
	return e
}

// ids are the names of one vulnerability, as they are compared.
func ids(id string, aliases []string) []string {
	all := []string{strings.ToUpper(id)}
	for _, a := range aliases {
		all = append(all, strings.ToUpper(a))
	}
	return union(nil, all)
}

// names are what a finding may be called for a statement to exclude it, as ids compares: with false, those of several
// vulnerabilities that it stands for, of which one alone does not name it.
func (f *Finding) names() map[string]bool {
	names, cves := map[string]bool{}, 0
	for _, id := range ids(f.ID, f.Aliases) {
		names[id] = true
		if strings.HasPrefix(id, "CVE-") {
			cves++
		}
	}
	if cves > 1 {
		for id := range names {
			names[id] = !strings.HasPrefix(id, "CVE-") || id == strings.ToUpper(f.ID)
		}
	}
	return names
}

// namesAll reports whether a statement names all the vulnerabilities that a finding stands for.
func (s *Statement) namesAll(names map[string]bool) bool {
	mine := map[string]bool{}
	for _, id := range ids(s.Vulnerability, s.Aliases) {
		mine[id] = true
	}
	for id := range names {
		if strings.HasPrefix(id, "CVE-") && !mine[id] {
			return false
		}
	}
	return true
}

// A statementKey is what makes a statement another one.
type statementKey struct {
	document, statement, vulnerability, justification string
	status                                            Status
	signer                                            Signer
	at                                                time.Time
}

func (s *Statement) key() statementKey {
	k := statementKey{s.Document, s.Statement, s.Vulnerability, s.Justification, s.Status, s.Signer, s.Time.UTC().Round(0)}
	k.signer.At = k.signer.At.UTC().Round(0)
	return k
}

// record adds statements, each once.
func (a *Affected) record(statements []Statement) {
	have := map[statementKey]bool{}
	for i := range a.VEX {
		have[a.VEX[i].key()] = true
	}
	a.VEX = slices.Clip(a.VEX)
	for _, s := range statements {
		if key := s.key(); !have[key] {
			have[key] = true
			a.VEX = append(a.VEX, Applied{Statement: s, Reason: "nobody is proven to have signed it"})
		}
	}
}

// settle decides which of the statements about a place counts, and reports whether proven ones disagree.
func (a *Affected) settle() (conflict bool) {
	var proven []*Applied
	for i := range a.VEX {
		if a.VEX[i].Signer.Proven() {
			proven = append(proven, &a.VEX[i])
		}
	}
	if len(proven) == 0 {
		return false
	}
	for i := range a.VEX {
		v := &a.VEX[i]
		if v.Effective && !v.Signer.Proven() {
			v.Reason = "a proven statement is about this place"
		}
		v.Effective = false
	}
	newest := proven[0]
	for _, v := range proven[1:] {
		if v.newer(newest) > 0 {
			newest = v
		}
	}
	var against []string
	for _, v := range proven {
		if v == newest || v.Status == newest.Status {
			v.Reason = ""
			continue
		}
		conflict = true
		if newest.newer(v) <= 0 {
			return a.unsettled(proven)
		}
		v.Reason = fmt.Sprintf("older than %q of %s", newest.Status, newest.who())
		against = append(against, fmt.Sprintf("%q of %s", v.Status, v.who()))
	}
	newest.Effective, a.Status = true, newest.Status
	for _, v := range proven {
		if v != newest && v.Status == newest.Status {
			v.Reason = "another statement says the same"
		}
	}
	if conflict {
		newest.Reason = "newer than " + few(against)
	}
	return conflict
}

// unsettled says of statements that disagree that none counts.
func (a *Affected) unsettled(proven []*Applied) bool {
	var all []string
	for _, v := range proven {
		all = append(all, fmt.Sprintf("%q of %s", v.Status, v.who()))
	}
	reason := "conflict: " + few(all) + "; no proven time tells which is newest"
	for _, v := range proven {
		v.Reason = reason
	}
	a.Status = ""
	return true
}

// few lists the first of what may be many.
func few(list []string) string {
	list = union(nil, list)
	if len(list) > 5 {
		return strings.Join(list[:5], ", ") + fmt.Sprintf(" and %d more", len(list)-5)
	}
	return strings.Join(list, ", ")
}

// newer compares two statements: 1 if v is proven to be newer, -1 if it is proven to be older, else 0. Times that the document
// claims count only within one document of one signer.
func (v *Applied) newer(w *Applied) int {
	if v.Document != "" && v.Document == w.Document && v.Signer == w.Signer {
		return v.Time.Compare(w.Time)
	}
	if v.Signer.At.IsZero() || w.Signer.At.IsZero() {
		return 0
	}
	return v.Signer.At.Compare(w.Signer.At)
}

func (v *Applied) who() string {
	who := v.Signer.Identity
	if !v.Signer.At.IsZero() {
		who += " at " + v.Signer.At.UTC().Format(time.RFC3339)
	}
	return who
}

// A thing is what a Product may name: what was scanned, or a component.
type thing struct {
	purls   []sbom.PURL
	names   []string // other global names, and digests in hexadecimal
	digest  string   // of an image, "sha256:..."
	version string
}

func (s *Subject) thing() *thing {
	t := &thing{digest: s.Digest, names: union(nil, []string{s.Name, s.SBOMID})}
	if _, hex, ok := strings.Cut(s.Digest, ":"); ok {
		t.names = append(t.names, hex)
	}
	for _, id := range s.IDs {
		t.add(id)
	}
	if p, ok := imagePURL(s.Name, s.Digest); ok {
		t.purls = append(t.purls, p)
	}
	return t
}

func (c *Component) thing(s *Subject) *thing {
	t := &thing{version: c.Version}
	if c.PURL != "" {
		t.add(c.PURL)
	}
	if strings.Contains(c.ID, ":") { // a global name: other ids are names in their document only
		t.names = append(t.names, c.ID)
	}
	if c.ID != "" && s.SBOMID != "" {
		t.names = append(t.names, "urn:cdx:"+strings.TrimPrefix(s.SBOMID, "urn:uuid:")+"#"+c.ID)
	}
	if strings.HasPrefix(c.Name, "urn:cdx:") {
		t.names = append(t.names, c.Name)
	}
	return t
}

func (t *thing) add(id string) {
	if strings.HasPrefix(id, "pkg:") {
		if p, err := sbom.ParsePURL(id); err == nil {
			t.purls = append(t.purls, p)
			return
		}
	}
	t.names = append(t.names, id)
}

// imagePURL makes the package URL of an image, as OpenVEX documents name images.
func imagePURL(name, digest string) (sbom.PURL, bool) {
	name, at := cutDigest(name)
	repository, tag := name, ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		repository, tag = name[:i], name[i+1:]
	}
	host, _, ok := strings.Cut(repository, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return sbom.PURL{}, false // a file, or a name that needs a registry to mean something
	}
	p := sbom.PURL{Type: "oci", Name: strings.ToLower(repository[strings.LastIndexByte(repository, '/')+1:]), Version: digest,
		Qualifiers: map[string]string{"repository_url": repository}}
	if p.Version == "" {
		p.Version = at
	}
	if tag != "" {
		p.Qualifiers["tag"] = tag
	}
	return p, p.Name != ""
}

// about reports whether a statement is about a component of what was scanned.
func (s *Statement) about(subject, component *thing) bool {
	unsure := !s.Status.excludes()
	for i := range s.Products {
		p := &s.Products[i]
		if len(p.Subcomponents) == 0 {
			if p.isThing(component, unsure) || p.isThing(subject, unsure) {
				return true
			}
			continue
		}
		if !p.isThing(subject, unsure) {
			continue
		}
		for j := range p.Subcomponents {
			if sub := &p.Subcomponents[j]; len(sub.Subcomponents) == 0 && sub.isThing(component, unsure) {
				return true
			}
		}
	}
	return false
}

// isThing reports whether any of the product's identifiers names t, in one of the product's versions; unsure is the answer where
// the versions cannot be told.
func (p *Product) isThing(t *thing, unsure bool) bool {
	named, version := p.identifies(t)
	if !named || len(p.Versions) == 0 {
		return named
	}
	if version == "" {
		version = t.version
	}
	if version == "" {
		return unsure
	}
	for _, v := range p.Versions {
		if !strings.HasPrefix(v, "vers:") {
			if v == version {
				return true
			}
			continue
		}
		member := versions.Unknown
		if r, err := versions.ParseVERS(v); err == nil {
			member = r.Contains(version)
		}
		if member == versions.In || member == versions.Unknown && unsure {
			return true
		}
	}
	return false
}

func (p *Product) identifies(t *thing) (ok bool, version string) {
	for _, id := range p.IDs {
		if strings.HasPrefix(id, "pkg:") {
			want, err := sbom.ParsePURL(id)
			if err != nil {
				continue
			}
			for _, have := range t.purls {
				if purlCovers(want, have) {
					return true, have.Version
				}
			}
			if want.Type == "oci" && t.digest != "" && want.Version == t.digest && onlyPlace(want.Qualifiers) {
				return true, want.Version
			}
			continue
		}
		if slices.Contains(t.names, id) || strings.HasPrefix(id, "urn:cdx:") && slices.Contains(t.names, withoutVersion(id)) {
			return true, t.version
		}
	}
	for _, h := range p.Hashes {
		if len(h) >= 40 && slices.Contains(t.names, strings.ToLower(h)) {
			return true, t.version
		}
	}
	return false, ""
}

// withoutVersion takes the version of the document out of a BOM-Link: urn:cdx:SERIAL/VERSION#REF.
func withoutVersion(link string) string {
	doc, ref, _ := strings.Cut(link, "#")
	serial, _, _ := strings.Cut(doc, "/")
	return serial + "#" + ref
}

// onlyPlace reports whether qualifiers say where an image is, and nothing of what it is.
func onlyPlace(q map[string]string) bool {
	for name := range q {
		if name != "repository_url" && name != "tag" {
			return false
		}
	}
	return true
}

// purlCovers reports whether a package URL of a statement names the package of another: the same name, the same version unless
// the statement gives none, and every qualifier of the statement (OpenVEX 0.2.0, "Product matching"). An encoded "/" is one.
func purlCovers(want, have sbom.PURL) bool {
	if want.Type != have.Type || fullName(want) != fullName(have) || want.Subpath != "" && want.Subpath != have.Subpath {
		return false
	}
	if want.Version != "" && versionOf(want) != versionOf(have) {
		return false
	}
	for name, value := range want.Qualifiers {
		switch got := have.Qualifiers[name]; {
		case name == "epoch" && want.Version != "":
		case name == "repository_url" && want.Type == "oci":
			value = strings.TrimSuffix(value, "/")
			if got != value && got != value+"/"+want.Name {
				return false
			}
		case got != value:
			return false
		}
	}
	return true
}

func fullName(p sbom.PURL) string { return strings.Trim(p.Namespace+"/"+p.Name, "/") }

// versionOf returns a version with its epoch, and one of Go without its v.
func versionOf(p sbom.PURL) string {
	v := p.Version
	switch p.Type {
	case "deb", "rpm":
		if e := p.Qualifiers["epoch"]; e != "" && e != "0" && !strings.Contains(v, ":") {
			return e + ":" + v
		}
		return strings.TrimPrefix(v, "0:")
	case "golang":
		return strings.TrimPrefix(v, "v")
	}
	return v
}
