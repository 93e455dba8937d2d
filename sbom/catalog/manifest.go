package catalog

import (
	"bufio"
	"bytes"
	"regexp"
	"strings"
)

// readManifest reads the main section of a manifest (JAR File Specification, "JAR Manifest"): a line that begins with a
// space goes on from the one before.
func readManifest(data []byte) map[string]string {
	out, last := map[string]string{}, ""
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, maxJarText+1)
	for s.Scan() {
		line := strings.TrimSuffix(s.Text(), "\r")
		if rest, ok := strings.CutPrefix(line, " "); ok && last != "" {
			out[last] += rest
			continue
		}
		if line == "" && first(out, append(artifactNames, "bundle-symbolicname")...) != "" {
			break // further sections are of single files; old archives say there what they are
		}
		name, value, ok := strings.Cut(line, ":")
		if last = ""; !ok {
			continue
		}
		last = strings.ToLower(name)
		if _, twice := out[last]; twice { // of a further section, which is of one file
			last = ""
			continue
		}
		out[last] = strings.TrimSpace(value)
	}
	return out
}

// bundleLicense returns the licence that a manifest of OSGi names, by a name or a known page.
func bundleLicense(manifest map[string]string) []string {
	l := manifest["bundle-license"]
	if l == "" || strings.ContainsAny(l, ",;") {
		return nil
	}
	if l = licenseURL(l); strings.Contains(l, "://") {
		return nil
	}
	return []string{l}
}

var notPlain = regexp.MustCompile(`[^a-z0-9]+`)

func plainName(s string) string { return notPlain.ReplaceAllString(strings.ToLower(s), "") }

// Where manifests name the artifact and its version, the surest first.
var (
	artifactNames = []string{"implementation-title", "specification-title", "bundle-name", "short-name", "extension-name"}
	versionNames  = []string{"implementation-version", "specification-version", "plugin-version", "bundle-version"}
	groupNames    = []string{"extension-name", "specification-vendor", "implementation-vendor", "implementation-title", "bundle-activator",
		"automatic-module-name", "main-class", "package"}
	domain = regexp.MustCompile(`[a-zA-Z0-9-_.]+`)
)

func first(manifest map[string]string, names ...string) string {
	for _, n := range names {
		if manifest[n] != "" {
			return manifest[n]
		}
	}
	return ""
}

// manifestArtifact returns the artifact that a manifest names: a word and no title or variable.
func manifestArtifact(manifest map[string]string) string {
	if name := manifest["bundle-symbolicname"]; name != "" && manifest["created-by"] == "Apache Maven Bundle Plugin" {
		name, _, _ = strings.Cut(name, ";")
		return name[strings.LastIndexByte(name, '.')+1:]
	}
	// The symbolic name is the group with the artifact behind it, whatever case a title has.
	name, _, _ := strings.Cut(manifest["bundle-symbolicname"], ";")
	vendor := manifest["implementation-vendor-id"]
	if own, ok := strings.CutPrefix(name, vendor+"."); ok && vendor != "" && isGroup(own) {
		return own
	}
	for _, n := range artifactNames {
		if v := manifest[n]; v != "" && !strings.ContainsAny(v, " ${}%:/") {
			return v
		}
	}
	return ""
}

// manifestGroup returns the group that a manifest names: Implementation-Vendor-Id is Maven's group by its default manifest
// ("Apache Maven Archiver"); the symbolic name of a bundle is the group with the artifact behind it, less what they share
// ("Apache Felix Maven Bundle Plugin", Default Behavior).
func manifestGroup(manifest map[string]string, artifact string) string {
	if id := manifest["implementation-vendor-id"]; isGroup(id) {
		return strings.ToLower(id)
	}
	if name, _, _ := strings.Cut(manifest["bundle-symbolicname"], ";"); isGroup(name) {
		name, artifact = strings.ToLower(name), strings.ToLower(artifact)
		if group, ok := strings.CutSuffix(name, "."+artifact); ok && strings.Contains(group, ".") {
			return group
		}
		if shared, rest, ok := strings.Cut(artifact, "-"); ok {
			if group, ok := strings.CutSuffix(name, "."+rest); ok && strings.HasSuffix("."+group, "."+shared) {
				return group
			}
		}
		return name
	}
	for _, n := range groupNames {
		v := manifest[n]
		if n == "implementation-title" {
			v = domain.FindString(v)
		}
		if isGroup(v) {
			v, _, _ = strings.Cut(v, ";")
			return strings.ToLower(v)
		}
	}
	return ""
}

func isGroup(s string) bool { return s != "" && !strings.ContainsAny(s, " ${}%/") }

// cutClassifier takes the classifier that Maven's plugins give archives of sources, documentation and tests from what is
// behind the artifact in a file's name.
func cutClassifier(version string) (plain, classifier string) {
	for _, c := range []string{"test-sources", "sources", "test-javadoc", "javadoc", "tests"} {
		if plain, ok := strings.CutSuffix(version, "-"+c); ok {
			return plain, c
		}
	}
	return version, ""
}
