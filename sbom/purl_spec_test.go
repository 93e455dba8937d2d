package sbom

import (
	"archive/zip"
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// purlSpecDiffers are the tests of purl-spec that we do not follow, with the reason. The standard says that keys of
// qualifiers are in lower case, and its section on parsing lowers them: what is read so has one meaning.
var purlSpecDiffers = map[string]bool{
	`parse "pkg:gem/jruby-launcher@1.1.2?Platform=java"`:                   true,
	`parse "pkg:Rpm/fedora/curl@7.50.3-1.fc25?Arch=i386&Distro=fedora-25"`: true,
}

// TestPURLSpec runs the suite of purl-spec: see testdata/README.md.
func TestPURLSpec(t *testing.T) {
	z, err := zip.OpenReader("testdata/purl-spec.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	agree, total := 0, 0
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, "-test.json") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var suite struct{ Tests []purlTest }
		if err := json.NewDecoder(r).Decode(&suite); err != nil {
			t.Fatal(f.Name, err)
		}
		for _, tt := range suite.Tests {
			total++
			if why := tt.run(); (why != "") != purlSpecDiffers[tt.Type+" "+string(tt.Input)] {
				t.Errorf("%s: %s %s: %s", f.Name, tt.Type, tt.Input, why)
			} else {
				agree++
			}
		}
	}
	t.Logf("%d of %d agree", agree, total)
	if total != 586 {
		t.Errorf("%d tests", total)
	}
}

type purlTest struct {
	Type     string          `json:"test_type"`
	Input    json.RawMessage `json:"input"`
	Output   json.RawMessage `json:"expected_output"`
	Failure  bool            `json:"expected_failure"`
	Describe string          `json:"description"`
}

type purlParts struct {
	Type, Namespace, Name, Version, Subpath string
	Qualifiers                              map[string]string
}

func (tt *purlTest) run() string {
	var text string
	var parts purlParts
	in := json.Unmarshal(tt.Input, &text)
	if in != nil {
		if err := json.Unmarshal(tt.Input, &parts); err != nil {
			return err.Error()
		}
		text = PURL{parts.Type, parts.Namespace, parts.Name, parts.Version, parts.Qualifiers, parts.Subpath}.String()
	}
	p, err := ParsePURL(text)
	if tt.Failure != (err != nil) {
		return "fails: " + errText(err)
	}
	if err != nil {
		return ""
	}
	var want string
	if json.Unmarshal(tt.Output, &want) == nil {
		if got := p.String(); got != want {
			return got + ", want " + want
		}
		return ""
	}
	if err := json.Unmarshal(tt.Output, &parts); err != nil {
		return err.Error()
	}
	if p.Type != parts.Type || p.Namespace != parts.Namespace || p.Name != parts.Name || p.Version != parts.Version ||
		p.Subpath != parts.Subpath ||
		!maps.Equal(p.Qualifiers, parts.Qualifiers) {
		return p.String() + ", want " + string(tt.Output)
	}
	return ""
}

func errText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}
