package sbom

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ladingdev/lading/sbom/internal/tree"
)

const modelled = `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"timestamp":"2026-11-28T18:00:00Z","properties":[{"name":"build:host","value":"none"}]},
"components":[{"type":"machine-learning-model","name":"m","bom-ref":"m","version":"2","modelCard":{"modelParameters":{"approach":{"type":"supervised"},"task":"classification",
"architectureFamily":"transformer","modelArchitecture":"encoder"},"quantitativeAnalysis":{"performanceMetrics":[{"type":"accuracy","value":"0.91"},{"type":"recall","value":"0.8","slice":"fr"}]},
"considerations":{"useCases":["mail","chat"],"technicalLimitations":["no Finnish"],"environmentalConsiderations":{"energyConsumptions":[
{"activity":"training","energyProviders":[],"activityEnergyCost":{"value":12.5,"unit":"kWh"}},{"activity":"deployment","energyProviders":[],"activityEnergyCost":{"value":3,"unit":"kWh"}}]}}}},
{"type":"file","name":"f","bom-ref":"f","mime-type":"image/png","hashes":[{"alg":"SHA-1","content":"3a365c2d58103971a721c9ee18731d3e942e002f"}],
"properties":[{"name":"a:b","value":"c: d"},{"name":"x: y","value":"z"}]}],
"vulnerabilities":[{"id":"CVE-2026-1","source":{"name":"NVD","url":"https://nvd.example.org/1"},"cwes":[79],"ratings":[{"source":{"name":"House"},"score":9.8,"severity":"critical",
"method":"CVSSv31","vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affects":[{"ref":"m"}]}]}`

// TestModelCards takes a model card, properties, media types and weaknesses to SPDX and back.
func TestModelCards(t *testing.T) {
	d := mustParse(t, modelled)
	three, r := mustConvert(t, d, Format{SPDX, "3.0.1"})
	two, r2 := mustConvert(t, d, Format{SPDX, "2.3"})
	for _, tt := range []struct {
		out    *Document
		report *Report
		want   []string
	}{
		{three, r, []string{`"type":"ai_AIPackage"`, `"ai_typeOfModel":["supervised","transformer","encoder"]`,
			`"key":"accuracy","value":"0.91"`, `"ai_limitation":"noFinnish"`,
			`"ai_informationAboutApplication":"mail\nchat"`, `"ai_trainingEnergyConsumption":[{"type":` +
				`"ai_EnergyConsumptionDescription","ai_energyQuantity":12.5,"ai_energyUnit":"kilowattHour"}]`,
			`"issuingAuthority":"NVD"`, `"locator":["CWE-79"]`, `"suppliedBy":"urn:uuid:`}},
		{two, r2, []string{`"comment":"a:b:c:d"`, `"comment":"build:host:none"`, `"annotator":"Tool:lading-cyclonedx-properties"`}},
	} {
		text := strings.Join(strings.Fields(string(tt.out.Bytes())), "")
		for _, want := range tt.want {
			if !strings.Contains(text, want) {
				t.Errorf("%v: no %s in\n%s", tt.out.Format(), want, tt.out.Bytes())
			}
		}
		if silent := differ(t, d.text(), tt.out.Bytes(), tt.report); len(silent) > 0 {
			t.Errorf("%v: silent: %q", tt.out.Format(), silent)
		}
	}
	lost := map[string]bool{}
	for _, l := range r.Losses {
		lost[string(l.Kind)+" "+l.Path] = true
	}
	for _, want := range []string{"dropped /components/0/modelCard/modelParameters/task",
		"dropped /components/0/modelCard/quantitativeAnalysis/performanceMetrics/1/slice",
		"dropped /components/0/modelCard/considerations/environmentalConsiderations/energyConsumptions/1/activity",
		"changed /components/0/modelCard/considerations/useCases/1"} {
		if !lost[want] && !lost[want[:strings.LastIndexByte(want, '/')]] {
			t.Errorf("%s is not reported: %v", want, r.Losses)
		}
	}
	back, _ := mustConvert(t, three, Format{CycloneDX, "1.6"})
	text := strings.Join(strings.Fields(string(back.Bytes())), "")
	for _, want := range []string{`"approach":{"type":"supervised"},"architectureFamily":"transformer","modelArchitecture":"encoder"`,
		`{"type":"accuracy","value":"0.91"}`,
		`"technicalLimitations":["noFinnish"]`, `"activityEnergyCost":{"value":12.5,"unit":"kWh"}`, `"cwes":[79]`,
		`"source":{"url":"https://nvd.example.org/1","name":"NVD"}`, `"source":{"name":"House"}`} {
		if !strings.Contains(text, want) {
			t.Errorf("back: no %s in\n%s", want, back.Bytes())
		}
	}
	back, _ = mustConvert(t, two, Format{CycloneDX, "1.6"})
	text = strings.Join(strings.Fields(string(back.Bytes())), "")
	for _, want := range []string{`{"name":"a:b","value":"c:d"}`, `{"name":"build:host","value":"none"}`} {
		if !strings.Contains(text, want) || strings.Contains(text, `"annotations"`) {
			t.Errorf("back from SPDX 2: no %s in\n%s", want, back.Bytes())
		}
	}
}

// TestModelMembers takes what SPDX 3 alone says of models and data sets through CycloneDX and SPDX 2.
func TestModelMembers(t *testing.T) {
	in := spdx3Head + `{"type":"ai_AIPackage","spdxId":"urn:x:m","creationInfo":"_:c","name":"m","software_primaryPurpose":"model","ai_domain":["vision","text"],"ai_autonomyType":"no",
"ai_hyperparameter":[{"type":"DictionaryEntry","key":"rate","value":"0.1"}],"ai_typeOfModel":["own","second","third"],"ai_energyConsumption":{"type":"ai_EnergyConsumption",
"ai_inferenceEnergyConsumption":[{"type":"ai_EnergyConsumptionDescription","ai_energyQuantity":3.5,"ai_energyUnit":"megajoule"}]}},
{"type":"dataset_DatasetPackage","spdxId":"urn:x:d","creationInfo":"_:c","name":"d","software_primaryPurpose":"data","dataset_datasetType":["text"],"dataset_datasetSize":12,"dataset_knownBias":["old"]},
{"type":"software_File","spdxId":"urn:x:dir","creationInfo":"_:c","name":"dir","software_fileKind":"directory"},
{"type":"software_File","spdxId":"urn:x:f","creationInfo":"_:c","name":"f.png","contentType":"image/png","software_fileKind":"file",
"verifiedUsing":[{"type":"Hash","algorithm":"sha1","hashValue":"3a365c2d58103971a721c9ee18731d3e942e002f"}]}]}`
	d := mustParse(t, in)
	for _, by := range []Format{{CycloneDX, "1.6"}, {SPDX, "2.3"}} {
		out, r := mustConvert(t, d, by)
		if silent := differ(t, d.text(), out.Bytes(), r); len(silent) > 0 {
			t.Errorf("%v: silent: %q", by, silent)
		}
		media := map[Spec]string{CycloneDX: `"mime-type": "image/png"`, SPDX: `"IMAGE"`}[by.Spec]
		if !bytes.Contains(out.Bytes(), []byte(media)) {
			t.Errorf("%v: no %s", by, media)
		}
		back, _ := mustConvert(t, out, Format{SPDX, "3.0.1"})
		text := bytes.Join(bytes.Fields(back.Bytes()), nil)
		for _, want := range []string{`"type":"ai_AIPackage"`, `"ai_domain":["vision","text"]`, `"ai_autonomyType":"no"`,
			`"ai_hyperparameter":[{"type":"DictionaryEntry","key":"rate","value":"0.1"}]`,
			`"type":"dataset_DatasetPackage"`, `"dataset_datasetType":["text"]`, `"dataset_datasetSize":12`,
			`"dataset_knownBias":["old"]`} {
			if !bytes.Contains(text, []byte(want)) {
				t.Errorf("by %v: no %s in\n%s", by, want, back.Bytes())
			}
		}
	}
}

// TestDistributionHashes: the hashes of where a package is from, as pnpm and cyclonedx-npm write them, are the package's in SPDX.
func TestDistributionHashes(t *testing.T) {
	const sum = "5a295a5286cb11b6dbcbc447250ce399a5773b4e29f17c383bd083e7dd1b3a92"
	reference := `{"type":"distribution","url":"https://registry.example.org/a.tgz","hashes":[{"alg":"SHA-256","content":"` + sum + `"}]}`
	for _, tt := range []struct {
		component string
		download  bool
	}{
		{`"externalReferences":[` + reference + `]`, true},
		// of something else
		{`"externalReferences":[` + reference + `],"hashes":[{"alg":"MD5","content":"d41d8cd98f00b204e9800998ecf8427e"}]`, false},
	} {
		d := mustParse(t, `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a",`+
			`"bom-ref":"a",`+tt.component+`}]}`)
		for _, f := range []Format{{SPDX, "2.3"}, {SPDX, "3.0.1"}} {
			out, r := mustConvert(t, d, f)
			if got := bytes.Contains(out.Bytes(), []byte(sum)); got != tt.download {
				t.Errorf("%s to %v: %v in\n%s", tt.component, f, r, out.Bytes())
			}
			if silent := differ(t, d.text(), out.Bytes(), r); len(silent) > 0 {
				t.Errorf("%v: silent: %q", f, silent)
			}
		}
	}
}

// TestSnippetAnnotation: an annotation of a part of a file goes to SPDX 2 with it.
func TestSnippetAnnotation(t *testing.T) {
	in := spdx3Head + `{"type":"software_File","spdxId":"urn:x:f","creationInfo":"_:c","name":"f","verifiedUsing":[{"type":"Hash","algorithm":"sha1","hashValue":"3a365c2d58103971a721c9ee18731d3e942e002f"}]},
{"type":"software_Snippet","spdxId":"urn:x:s","creationInfo":"_:c","name":"s","software_snippetFromFile":"urn:x:f","software_byteRange":{"type":"PositiveIntegerRange","beginIntegerRange":1,"endIntegerRange":5}},
{"type":"Annotation","spdxId":"urn:x:a","creationInfo":"_:c","annotationType":"review","subject":"urn:x:s","statement":"looked at"}]}`
	out, _ := mustConvert(t, mustParse(t, in), Format{SPDX, "2.3"})
	if n := len(mustTree(t, out).List("snippets")); n != 1 || !bytes.Contains(out.Bytes(), []byte("looked at")) {
		t.Errorf("%d snippets in\n%s", n, out.Bytes())
	}
}

func mustTree(t testing.TB, d *Document) *tree.Node {
	t.Helper()
	n, err := tree.Parse(d.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return n
}
