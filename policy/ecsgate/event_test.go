package ecsgate

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

// sample is an event as ECS sends it, with what it may add.
const sample = `{
  "executionId": "a635edb5-a66b-4f44-bf3f-fcee4b3641a5",
  "lifecycleStage": "PRE_SCALE_UP",
  "resourceArn": "arn:aws:ecs:eu-west-1:111122223333:service-deployment/shop/web/TFX5sH9q9XDboDTOv0rIt",
  "executionDetails": {
    "testTrafficWeights": {"arn:aws:ecs:eu-west-1:111122223333:service-revision/shop/web/6761387588184121": 100},
    "productionTrafficWeights": {},
    "serviceArn": "arn:aws:ecs:eu-west-1:111122223333:service/shop/web",
    "targetServiceRevisionArn": "arn:aws:ecs:eu-west-1:111122223333:service-revision/shop/web/6761387588184121"
  },
  "hookDetails": {"team": ["shop", null, 1.5e3]},
  "addedLater": {"deep": [{}]}
}`

func TestParseEvent(t *testing.T) {
	e, _, err := parseEvent([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	want := Event{
		ExecutionID:   "a635edb5-a66b-4f44-bf3f-fcee4b3641a5",
		Stage:         "PRE_SCALE_UP",
		DeploymentARN: "arn:aws:ecs:eu-west-1:111122223333:service-deployment/shop/web/TFX5sH9q9XDboDTOv0rIt",
		ServiceARN:    "arn:aws:ecs:eu-west-1:111122223333:service/shop/web",
		RevisionARN:   "arn:aws:ecs:eu-west-1:111122223333:service-revision/shop/web/6761387588184121",
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
}

func TestParseEventRefuses(t *testing.T) {
	change := func(old, new string) string {
		if !strings.Contains(sample, old) {
			t.Fatalf("the sample has no %s", old)
		}
		return strings.Replace(sample, old, new, 1)
	}
	for name, event := range map[string]string{
		"nothing":           "",
		"null":              "null",
		"a list":            "[" + sample + "]",
		"a string":          `"PRE_SCALE_UP"`,
		"half":              sample[:len(sample)/2],
		"two":               sample + sample,
		"no stage":          change(`"lifecycleStage": "PRE_SCALE_UP",`, ""),
		"empty stage":       change(`PRE_SCALE_UP`, ""),
		"stage twice":       change(`"lifecycleStage"`, `"lifecycleStage": "POST_SCALE_UP", "lifecycleStage"`),
		"stage twice, case": change(`"lifecycleStage"`, `"LifecycleStage": "POST_SCALE_UP", "lifecycleStage"`),
		"stage a number":    change(`"PRE_SCALE_UP"`, "1"),
		"stage null":        change(`"PRE_SCALE_UP"`, "null"),
		"revision twice":    change(`"targetServiceRevisionArn"`, `"targetServiceRevisionArn": "arn:other", "targetServiceRevisionArn"`),
		"details twice":     change(`"hookDetails"`, `"executionDetails": {}, "hookDetails"`),
		"half a character":  change("PRE_SCALE_UP", `\ud800`),
		"too long":          sample + strings.Repeat(" ", maxEvent),
	} {
		if e, _, err := parseEvent([]byte(event)); !errors.Is(err, ErrEvent) || e != (Event{}) {
			t.Errorf("%s: event %+v, error %v", name, e, err)
		}
	}
}

// What decides nothing costs no deployment, whatever it is.
func TestWhatDecidesNothing(t *testing.T) {
	want, _, err := parseEvent([]byte(sample))
	if err != nil || want.ExecutionID == "" || want.ServiceARN == "" {
		t.Fatal(want, err)
	}
	for _, v := range []string{"null", "7", "[]", `{"a": 1}`, "false"} {
		for name, without := range map[string]func(*Event){
			"executionId": func(e *Event) { e.ExecutionID = "" }, "serviceArn": func(e *Event) { e.ServiceARN = "" },
		} {
			event := regexp.MustCompile(`"`+name+`": "[^"]*"`).ReplaceAllString(sample, `"`+name+`": `+v)
			e, _, err := parseEvent([]byte(event))
			expect := want
			without(&expect)
			if err != nil || e != expect {
				t.Errorf("%s %s: %+v, %v", name, v, e, err)
			}
		}
	}
}

// hookDetails and members that ECS may add are anybody's: nothing in them costs a deployment, and what was remembered is read.
func TestAnybodys(t *testing.T) {
	want, _, err := parseEvent([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	for name, details := range map[string]string{
		"null": "null", "a list": "[1]", "text": `"a"`, "twice": `{"a": 1, "a": {"b": 1, "b": 2}}`,
		"case":      `{"resourceArn": 1, "RESOURCEARN": 2}`,
		"deep":      strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"surrogate": `"\ud800"`, "a wrong memory": `{"lading.dev/digests": [1]}`,
	} {
		for _, event := range []string{
			strings.Replace(sample, `{"team": ["shop", null, 1.5e3]}`, details, 1),
			strings.Replace(sample, `{"deep": [{}]}`, details, 1),
			strings.Replace(sample, `"productionTrafficWeights": {}`, `"productionTrafficWeights": `+details, 1),
		} {
			if e, remembered, err := parseEvent([]byte(event)); err != nil || e != want || len(remembered) != 0 || event == sample {
				t.Errorf("%s: %+v, %v, %v", name, e, remembered, err)
			}
		}
	}
	_, remembered, err := parseEvent([]byte(strings.Replace(sample, `"team"`, `"lading.dev/digests": {"app": "sha256:a"}, "team"`, 1)))
	if err != nil || remembered["app"] != "sha256:a" {
		t.Errorf("%v, %v", remembered, err)
	}
}

// What is read is what another reader of the same bytes finds, if it finds anything.
func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"lifecycleStage":"POST_SCALE_UP"}`))
	f.Add([]byte(`{"lifecycleStage":"A","lifecycleStage":"B"}`))
	f.Add([]byte(`{"lifecycleStage":"A","executionDetails":{"targetServiceRevisionArn":""},"executionId":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, _, err := parseEvent(data)
		if err != nil {
			if !errors.Is(err, ErrEvent) || e != (Event{}) {
				t.Fatalf("event %+v, error %v", e, err)
			}
			return
		}
		var other struct {
			ExecutionID      any    `json:"executionId"`
			LifecycleStage   string `json:"lifecycleStage"`
			ResourceARN      string `json:"resourceArn"`
			ExecutionDetails struct {
				ServiceARN  any    `json:"serviceArn"`
				RevisionARN string `json:"targetServiceRevisionArn"`
			} `json:"executionDetails"`
		}
		if err := json.Unmarshal(data, &other); err != nil {
			t.Fatalf("read what encoding/json refuses: %v", err)
		}
		text := func(v any) string { s, _ := v.(string); return s }
		want := Event{
			text(other.ExecutionID),
			types.DeploymentLifecycleHookStage(other.LifecycleStage),
			other.ResourceARN,
			text(other.ExecutionDetails.ServiceARN),
			other.ExecutionDetails.RevisionARN,
		}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Fatal(diff)
		}
	})
}
