package sbom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom/internal/schema"
)

// wordsOf returns the names of members, the words of closed lists and the names of definitions of a schema.
func wordsOf(t testing.TB, file string) map[string]bool {
	t.Helper()
	data, err := schema.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, in := range []string{"properties", "definitions", "$defs"} {
				if m, ok := v[in].(map[string]any); ok {
					for name := range m {
						words[name] = true
					}
				}
			}
			if list, ok := v["enum"].([]any); ok {
				for _, w := range list {
					words[fmt.Sprint(w)] = true
				}
			}
			if c, ok := v["const"].(string); ok {
				words[c] = true
			}
			for _, c := range v {
				walk(c)
			}
		case []any:
			for _, c := range v {
				walk(c)
			}
		}
	}
	var root any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	walk(root)
	return words
}

var schemaOf = map[string]string{"CycloneDX": "cyclonedx/bom-1.7.schema.json", "SPDX 2": "spdx/spdx-2.3.schema.json",
	"SPDX 3": "spdx/spdx-3.0.1.schema.json"}

// holders are members that every specification has under some name: that the name is another one proves nothing.
var holders = []string{"components", "component", "packages", "files", "metadata", "@graph", "relationships", "dependencies", "dependsOn",
	"creationInfo",
	"creators", "externalRefs", "externalReferences", "hasExtractedLicensingInfos", "licenses", "license", "hashes", "checksums",
	"documentDescribes"}

// despite are members of which the other format has no place although it has the word: it means something else there.
var despite = map[string]string{
	"CycloneDX to SPDX 2 /version":                      "the number of a revision of the document; SPDX 2 versions packages only",
	"CycloneDX to SPDX 3 /version":                      "the same",
	"CycloneDX to SPDX 3 /components/*/swid/name":       "a part of a SWID tag, of which SPDX has the id only",
	"CycloneDX to SPDX 3 /components/*/swid/text":       "the same",
	"CycloneDX to SPDX 3 /metadata/component/swid/name": "the same",
	"CycloneDX to SPDX 3 /metadata/component/swid/text": "the same",
}

// TestNoPlace proves the two reasons that need no cause of their own: of what has no place, the target's schema has no word,
// or it is part of something that it has no word for; of what is not carried over, it has the word that couldSay gives.
func TestNoPlace(t *testing.T) {
	words := map[string]map[string]bool{}
	for spec, file := range schemaOf {
		words[spec] = wordsOf(t, file)
	}
	for direction, members := range couldSay {
		_, to, _ := strings.Cut(direction, " to ")
		for member, word := range members {
			if !words[to][word] {
				t.Errorf("%s: %s could be %s, which is no word of the schema", direction, member, word)
			}
		}
	}
	seen, looked := map[string]int{}, map[string]bool{}
	look := func(data []byte) {
		if len(data) > 400_000 {
			return
		}
		d, err := Parse(bytes.NewReader(data))
		if err != nil {
			return
		}
		if _, err := Validate(data); err != nil {
			return
		}
		for _, target := range []Format{{CycloneDX, "1.7"}, {SPDX, "2.3"}, {SPDX, "3.0.1"}} {
			if specOf(d.Format()).Name == specOf(target).Name {
				continue
			}
			_, r, err := Convert(d, target, &ConvertOptions{DropSignatures: true})
			if err != nil {
				t.Error(err)
				continue
			}
			for _, l := range r.Losses {
				if !looked[l.Reason] && proofOf(l.Reason) == "" {
					t.Errorf("no proof of %q", l.Reason)
				}
				looked[l.Reason] = true
				if l.Reason == noPlace {
					seen[specOf(d.Format()).Name+" to "+specOf(target).Name+" "+generalPath(l.Path)]++
				}
			}
		}
	}
	for f := range corpus(t, "sbom-real/", "inspector/", "spdx/", "cyclonedx/CycloneDX-specification/1.6",
		"cyclonedx/CycloneDX-specification/1.7") {
		look(f.Data)
	}
	for _, data := range toolOutputs(t) {
		look(data)
	}
	unproven := map[string]int{}
	for k, n := range seen {
		at := strings.IndexByte(k, '/')
		_, to, _ := strings.Cut(strings.TrimSpace(k[:at]), " to ")
		proven := despite[k] != ""
		for member := range strings.SplitSeq(k[at+1:], "/") {
			proven = proven || member != "*" && !slices.Contains(holders, member) && !words[to][member]
		}
		if !proven {
			unproven[k] += n
		}
	}
	for _, k := range slices.Sorted(maps.Keys(unproven)) {
		t.Errorf("%d x %s: the schema has these words", unproven[k], k)
	}
	t.Logf("%d places", len(seen))
}
