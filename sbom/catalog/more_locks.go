package catalog

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ladingdev/lading/sbom"
)

// readNuGetLock reads packages.lock.json ("PackageReference in project files", Locking dependencies): packages by target, of
// which one for a runtime has only what differs from the target itself.
func readNuGetLock(data []byte) (*lockfile, error) {
	var f struct {
		Dependencies map[string]map[string]struct {
			Type, Resolved, ContentHash string
			Dependencies                map[string]string
		}
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}}
	id := func(target, name string) string { return target + " " + strings.ToLower(name) }
	for target, list := range f.Dependencies {
		for name, e := range list {
			p := &lockedPackage{root: e.Type == "Project"}
			if e.Resolved != "" { // a project of one's own has no version
				p.purl = sbom.PURL{Type: "nuget", Name: name, Version: e.Resolved}
			}
			if e.ContentHash != "" {
				p.integrity = "sha512-" + e.ContentHash
			}
			for _, to := range slices.Sorted(maps.Keys(e.Dependencies)) {
				framework, _, _ := strings.Cut(target, "/")
				if _, own := list[to]; own {
					framework = target
				}
				p.needs = append(p.needs, id(framework, to))
			}
			out.packages[id(target, name)] = p
		}
	}
	return out, nil
}

// readGradleLock reads gradle.lockfile ("Locking Versions"): a line for each module, with the configurations that it is in.
// What is on no class path that a program runs with is to build it.
func readGradleLock(data []byte) (*lockfile, error) {
	out := &lockfile{packages: map[string]*lockedPackage{}, flagged: true}
	for line := range strings.Lines(string(data)) {
		module, configurations, ok := strings.Cut(strings.TrimSpace(line), "=")
		parts := strings.Split(module, ":")
		if !ok || strings.HasPrefix(module, "#") || len(parts) != 3 {
			continue
		}
		run := false
		for name := range strings.SplitSeq(strings.ToLower(configurations), ",") {
			run = run || strings.HasSuffix(name, "runtimeclasspath") && !strings.Contains(name, "test")
		}
		out.packages[module] = &lockedPackage{purl: sbom.PURL{Type: "maven", Namespace: parts[0], Name: parts[1], Version: parts[2]}, dev: !run}
	}
	return out, nil
}

// readPubLock reads pubspec.lock, in which nothing says what depends on what.
func readPubLock(data []byte) (*lockfile, error) {
	docs, err := parseYAML(data)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}, flagged: true}
	for key, list := range pairs(docs[0]) {
		if key != "packages" {
			continue
		}
		for name, n := range pairs(list) {
			var e struct {
				Dependency, Source, Version string
				Description                 yaml.Node
			}
			if err := n.Decode(&e); err != nil {
				return nil, fmt.Errorf("%.200q: %w", name, err)
			}
			var from struct {
				Name, URL, SHA256 string
				Commit            string `yaml:"resolved-ref"`
			}
			if e.Description.Kind == yaml.MappingNode { // of an SDK it is its name
				if err := e.Description.Decode(&from); err != nil {
					return nil, fmt.Errorf("%.200q: %w", name, err)
				}
			}
			p := &lockedPackage{purl: sbom.PURL{Type: "pub", Name: cmp.Or(from.Name, name), Version: e.Version}, dev: e.Dependency == "direct dev", sha256: from.SHA256}
			switch host := strings.TrimSuffix(from.URL, "/"); {
			case e.Source == "git":
				p.purl = withVCS(p.purl, vcsURL(from.URL, from.Commit))
			case e.Source == "sdk" && e.Version == "0.0.0":
				p.purl.Version = "" // it has that of the SDK
			case e.Source == "hosted" && host != "" && host != "https://pub.dev" && host != "https://pub.dartlang.org":
				p.purl.Qualifiers = map[string]string{"repository_url": host}
			}
			out.packages[name] = p
		}
	}
	return out, nil
}

// readPodLock reads Podfile.lock. A pod's parts, which are behind a slash, are one package with it.
func readPodLock(data []byte) (*lockfile, error) {
	docs, err := parseYAML(data)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}}
	pod := func(s string) (name, version string) {
		name, version, _ = strings.Cut(s, " (")
		name, _, _ = strings.Cut(strings.TrimSpace(name), "/")
		return name, strings.TrimSuffix(version, ")")
	}
	add := func(s string) *lockedPackage {
		name, version := pod(s)
		p := out.packages[name]
		if p == nil {
			p = &lockedPackage{purl: sbom.PURL{Type: "cocoapods", Name: name, Version: version}}
			out.packages[name] = p
		}
		return p
	}
	for key, list := range pairs(docs[0]) {
		if key != "PODS" {
			continue
		}
		for _, n := range list.Content {
			if n.Kind == yaml.ScalarNode {
				add(n.Value)
			}
			for s, needs := range pairs(n) {
				p := add(s)
				for _, to := range needs.Content {
					if name, _ := pod(to.Value); name != p.purl.Name && !slices.Contains(p.needs, name) {
						p.needs = append(p.needs, name)
					}
				}
			}
		}
	}
	for key, list := range pairs(docs[0]) {
		if key != "CHECKOUT OPTIONS" {
			continue
		}
		for name, n := range pairs(list) {
			name, _ := pod(name)
			var from struct {
				Git    string `yaml:":git"`
				Commit string `yaml:":commit"`
			}
			if p := out.packages[name]; p != nil && n.Decode(&from) == nil && from.Git != "" {
				p.purl = withVCS(p.purl, vcsURL(from.Git, from.Commit))
			}
		}
	}
	return out, nil
}

// readSwiftLock reads Package.resolved of formats 1 to 3. A package is named by its repository, and has no version where a
// branch or a commit was asked for.
func readSwiftLock(data []byte) (*lockfile, error) {
	type pin struct {
		Identity, Location string
		URL                string `json:"repositoryURL"` // of the first format
		State              struct{ Version, Revision string }
	}
	var f struct {
		Pins   []pin
		Object struct{ Pins []pin } // of the first format
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}}
	for _, e := range append(f.Pins, f.Object.Pins...) {
		repository := cmp.Or(e.Location, e.URL)
		at := strings.TrimSuffix(strings.TrimSuffix(repository, "/"), ".git")
		if _, rest, ok := strings.Cut(at, "://"); ok {
			at = rest
		} else {
			at = strings.Replace(at, ":", "/", 1) // git@host:path
		}
		at = at[strings.IndexByte(at[:max(strings.IndexByte(at, '/'), 0)], '@')+1:]
		if repository == "" { // of a registry: a scope, a dot and a name
			at = strings.Replace(e.Identity, ".", "/", 1)
		}
		p := &lockedPackage{purl: sbom.PURL{Type: "swift", Namespace: path.Dir(at), Name: path.Base(at), Version: e.State.Version}}
		if p.purl.Version == "" {
			p.purl = withVCS(p.purl, vcsURL(repository, e.State.Revision))
		}
		if p.purl.Namespace == "." || p.purl.Namespace == "/" {
			p.purl.Namespace = ""
		}
		out.packages[cmp.Or(e.Identity, at)+" "+at] = p
	}
	return out, nil
}

// readConanLock reads conan.lock: of Conan 2 lists, of Conan 1 a graph.
func readConanLock(data []byte) (*lockfile, error) {
	type node struct {
		Ref, Pref, Path, Context string
		Requires                 []string
		BuildRequires            []string `json:"build_requires"`
	}
	var f struct {
		Graph         struct{ Nodes map[string]node } `json:"graph_lock"`
		Requires      []string
		BuildRequires []string `json:"build_requires"`
		Python        []string `json:"python_requires"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	out := &lockfile{packages: map[string]*lockedPackage{}, flagged: true}
	for i, list := range [][]string{f.Requires, f.BuildRequires, f.Python} {
		for _, ref := range list {
			p := &lockedPackage{purl: conanPURL(ref), dev: i > 0}
			if old := out.packages[ref]; old == nil || old.dev {
				out.packages[ref] = p
			}
		}
	}
	for id, n := range f.Graph.Nodes {
		ref := cmp.Or(n.Pref, n.Ref) // the first before Conan 1.28
		p := &lockedPackage{dev: n.Context == "build", needs: n.Requires, optional: n.BuildRequires}
		if n.Path == "" { // the project itself
			p.purl = conanPURL(ref)
		}
		out.packages[id] = p
	}
	return out, nil
}

// conanPURL reads name/version@user/channel#revision:package#revision%time, of which only the first two are always there.
func conanPURL(ref string) sbom.PURL {
	ref, _, _ = strings.Cut(ref, "%")
	ref, _, _ = strings.Cut(ref, ":")
	ref, _, _ = strings.Cut(ref, "#")
	ref, at, _ := strings.Cut(ref, "@")
	name, version, ok := strings.Cut(ref, "/")
	if !ok {
		return sbom.PURL{} // a project without a name
	}
	u := sbom.PURL{Type: "conan", Name: name, Version: version}
	if user, channel, _ := strings.Cut(at, "/"); user != "" && user != "_" {
		u.Qualifiers = map[string]string{"user": user}
		if channel != "" && channel != "_" {
			u.Qualifiers["channel"] = channel
		}
	}
	return u
}

// readMixLock reads mix.lock: a map of Elixir with a tuple for each package, of a registry
//
//	{:hex, :name, "version", "checksum", [managers], [dependencies], "repository", "checksum of the archive"}
//
// or of a repository {:git, "url", "commit", options}.
func readMixLock(data []byte) (*lockfile, error) {
	terms := &elixir{text: string(data)}
	whole, err := terms.term(0)
	list, ok := whole.([]any)
	if err != nil || !ok {
		return nil, cmp.Or(err, errors.New("it is no lockfile of mix"))
	}
	out := &lockfile{packages: map[string]*lockedPackage{}}
	for _, e := range list {
		entry, ok := e.(elixirPair)
		what, _ := entry.value.([]any)
		key, _ := entry.key.(string)
		if !ok || len(what) < 3 {
			continue
		}
		text := func(i int) string {
			s := ""
			if i < len(what) {
				s, _ = what[i].(string)
			}
			return s
		}
		p := &lockedPackage{purl: sbom.PURL{Type: "hex", Name: key}}
		switch text(0) {
		case "hex":
			p.purl.Name, p.purl.Version = text(1), text(2)
			if _, organization, ok := strings.Cut(text(6), ":"); ok {
				p.purl.Namespace = organization
			}
			if sum := text(7); len(sum) == 64 {
				p.sha256 = sum
			}
			if len(what) > 5 {
				p.mixNeeds(what[5])
			}
		case "git":
			p.purl = withVCS(p.purl, vcsURL(text(1), text(2)))
		default:
			continue
		}
		out.packages[key] = p
	}
	return out, nil
}

// mixNeeds reads a list of {:name, "requirement", [optional: true]}.
func (p *lockedPackage) mixNeeds(v any) {
	list, _ := v.([]any)
	for _, d := range list {
		tuple, _ := d.([]any)
		if len(tuple) == 0 {
			continue
		}
		name, _ := tuple[0].(string)
		var options []any
		if len(tuple) > 2 {
			options, _ = tuple[2].([]any)
		}
		if slices.Contains(options, any(elixirPair{"optional", "true"})) {
			p.optional = append(p.optional, name)
		} else {
			p.needs = append(p.needs, name)
		}
	}
}

// elixir reads terms of Elixir as a lockfile has them: texts and atoms as strings, lists, tuples and maps as []any.
type elixir struct {
	text string
	at   int
}

type elixirPair struct{ key, value any }

const elixirSpace = " \t\r\n,"

func (e *elixir) term(depth int) (any, error) {
	e.at += len(e.text[e.at:]) - len(strings.TrimLeft(e.text[e.at:], elixirSpace))
	rest := e.text[e.at:]
	if rest == "" || depth > maxNesting {
		return nil, errors.New("it ends too early")
	}
	switch c := rest[0]; {
	case c == '%' || c == '{' || c == '[':
		e.at++
		if c == '%' {
			if !strings.HasPrefix(rest, "%{") {
				return nil, fmt.Errorf("it is no map: %.20q", rest)
			}
			e.at++
		}
		return e.list(depth)
	case c == '"':
		return e.quoted()
	case strings.HasPrefix(rest, `:"`):
		e.at++
		return e.quoted()
	}
	e.at += len(rest) - len(strings.TrimPrefix(rest, ":"))
	word := e.text[e.at:]
	if end := strings.IndexAny(word, elixirSpace+":=[]{}\""); end >= 0 {
		word = word[:end]
	}
	if e.at += len(word); word == "" {
		return nil, fmt.Errorf("not a term: %.20q", rest)
	}
	return word, nil
}

// list reads up to the bracket that ends it. What has "=>" or a colon behind it is the key of a pair.
func (e *elixir) list(depth int) (out []any, err error) {
	out = []any{}
	for {
		e.at += len(e.text[e.at:]) - len(strings.TrimLeft(e.text[e.at:], elixirSpace))
		if e.at < len(e.text) && (e.text[e.at] == '}' || e.text[e.at] == ']') {
			e.at++
			return out, nil
		}
		v, err := e.term(depth + 1)
		if err != nil {
			return nil, err
		}
		rest := strings.TrimLeft(e.text[e.at:], " \t\r\n")
		for _, sign := range []string{"=>", ": "} {
			if !strings.HasPrefix(rest, sign) {
				continue
			}
			e.at = len(e.text) - len(rest) + len(sign)
			value, err := e.term(depth + 1)
			if err != nil {
				return nil, err
			}
			v = elixirPair{v, value}
			break
		}
		out = append(out, v)
	}
}

func (e *elixir) quoted() (string, error) {
	var out strings.Builder
	for e.at++; e.at < len(e.text); e.at++ {
		switch c := e.text[e.at]; c {
		case '"':
			e.at++
			return out.String(), nil
		case '\\':
			if e.at++; e.at < len(e.text) {
				out.WriteByte(e.text[e.at])
			}
		default:
			out.WriteByte(c)
		}
	}
	return "", errors.New("a text has no end")
}
