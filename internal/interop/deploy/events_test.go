package deploy

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
)

// matches says whether an event is one that a pattern asks for: Amazon EventBridge User Guide, "Event patterns". Values are lists of which
// one must be equal; objects are matched member by member; one of the patterns of $or must match. Nothing else of the language is known.
func matches(pattern map[string]any, event map[string]any) bool {
	for name, want := range pattern {
		if name == "$or" {
			if !slices.ContainsFunc(want.([]any), func(p any) bool { return matches(p.(map[string]any), event) }) {
				return false
			}
			continue
		}
		switch want := want.(type) {
		case map[string]any:
			inner, ok := event[name].(map[string]any)
			if !ok || !matches(want, inner) {
				return false
			}
		case []any:
			if !slices.Contains(want, event[name]) {
				return false
			}
		default:
			panic(fmt.Sprintf("%T in a pattern", want))
		}
	}
	return true
}

// The rules send a function the events that it decides by, and leave out those of tasks that have ended.
func TestRules(t *testing.T) {
	c := readTemplate(t, filepath.Join(folder, "gate.yaml"))
	pattern := func(rule string) map[string]any {
		return c.resources[rule]["Properties"].(map[string]any)["EventPattern"].(map[string]any)
	}
	cloud := ecstest.Start(t, nil)
	client := ecs.NewFromConfig(cloud.Config())
	image := "registry.example/app@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cloud.PutCluster("shop")
	definition := cloud.PutTaskDefinition(types.TaskDefinition{Family: aws.String("job"),
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &image}}})
	run, err := client.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("shop"), TaskDefinition: &definition})
	check(err)
	service := cloud.PutService("shop", types.Service{ServiceName: aws.String("web"), TaskDefinition: &definition})
	pause := types.DeploymentLifecycleHook{TargetType: types.DeploymentLifecycleHookTargetTypePause,
		LifecycleStages: []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStagePreScaleUp}}
	_, err = client.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("shop"), Service: &service,
		TaskDefinition: &definition, ForceNewDeployment: true,
		DeploymentConfiguration: &types.DeploymentConfiguration{LifecycleHooks: []types.DeploymentLifecycleHook{pause}}})
	check(err)
	cloud.Advance(time.Minute)
	_, err = client.StopTask(t.Context(), &ecs.StopTaskInput{Cluster: aws.String("shop"), Task: run.Tasks[0].TaskArn})
	check(err)
	cloud.Advance(time.Minute)

	sent := map[string]int{}
	for _, raw := range cloud.Events() {
		var event map[string]any
		check(json.Unmarshal(raw, &event))
		kind, detail := event["detail-type"].(string), event["detail"].(map[string]any)
		ended := detail["desiredStatus"] == "STOPPED"
		if got, want := matches(pattern("TaskEventsRule"), event), kind == "ECS Task State Change" && !ended; got != want {
			t.Errorf("task events are sent %s: %v\n%s", kind, got, raw)
		}
		if got, want := matches(pattern("PausesRule"), event), detail["eventName"] == "HOOK_AWAITING_ACTION"; got != want {
			t.Errorf("pauses are sent %s: %v\n%s", kind, got, raw)
		}
		sent[fmt.Sprint(kind, " ", ended)]++
	}
	for _, kind := range []string{"ECS Task State Change false", "ECS Task State Change true", "ECS Hook State Change false"} {
		if sent[kind] == 0 {
			t.Errorf("there was no %s, only %v", kind, sent)
		}
	}
	for text, want := range map[string]bool{
		`{"source":"aws.ecs","detail-type":"ECS Daemon Deployment State Change","detail":{"eventName":"DAEMON_DEPLOYMENT_PENDING"}}`: true,
		`{"source":"aws.ecs","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"RunTask"}}`:                          true,
		`{"source":"aws.ecs","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"ListTasks"}}`:                        false,
		`{"source":"my.app","detail-type":"ECS Daemon Deployment State Change","detail":{}}`:                                         false,
	} {
		var event map[string]any
		check(json.Unmarshal([]byte(text), &event))
		if got := matches(pattern("TaskEventsRule"), event); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
