package ecstest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/document"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
)

// code returns an AWS error's code.
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

func TestECS(t *testing.T) {
	cloud := ecstest.Start(t, &ecstest.Options{Page: 2})
	client := ecs.NewFromConfig(cloud.Config())
	ctx := t.Context()
	image := "registry.example/app@sha256:" + strings.Repeat("ab", 32)
	definition := cloud.PutTaskDefinition(types.TaskDefinition{Family: aws.String("web"),
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &image}}})
	service := cloud.PutService("prod", types.Service{ServiceName: aws.String("web"), TaskDefinition: &definition, DesiredCount: 3})
	revision := cloud.PutServiceRevision(service, types.ServiceRevision{TaskDefinition: &definition,
		ContainerImages: []types.ContainerImage{
			{ContainerName: aws.String("app"), Image: &image, ImageDigest: aws.String(image[len(image)-71:])},
		}})
	var tasks []string
	for range 3 {
		tasks = append(tasks, cloud.PutTask("prod", types.Task{TaskDefinitionArn: &definition, Group: aws.String("service:web")}))
	}

	revisions, err := client.DescribeServiceRevisions(
		ctx,
		&ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{revision, "arn:none"}},
	)
	if err != nil || len(revisions.ServiceRevisions) != 1 || len(revisions.Failures) != 1 ||
		*revisions.ServiceRevisions[0].ContainerImages[0].Image != image || *revisions.ServiceRevisions[0].ServiceArn != service {
		t.Errorf("%+v, %v", revisions, err)
	}
	for _, name := range []string{definition, "web", "web:1"} {
		d, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &name})
		if err != nil || *d.TaskDefinition.ContainerDefinitions[0].Image != image {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	services, err := client.DescribeServices(
		ctx,
		&ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"web", service}},
	)
	if err != nil || len(services.Services) != 2 || *services.Services[0].TaskDefinition != definition {
		t.Errorf("%+v, %v", services, err)
	}
	var listed []string
	pages := ecs.NewListTasksPaginator(client, &ecs.ListTasksInput{Cluster: aws.String("prod"), ServiceName: aws.String("web")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, page.TaskArns...)
	}
	if strings.Join(listed, " ") != strings.Join(tasks, " ") || cloud.Calls()["ecs:ListTasks"] != 2 {
		t.Errorf("%q, %v", listed, cloud.Calls())
	}
	if _, err := client.StopTask(ctx,
		&ecs.StopTaskInput{Cluster: aws.String("prod"), Task: &tasks[1], Reason: aws.String("not signed")}); err != nil {
		t.Fatal(err)
	}
	described, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: tasks})
	if err != nil || *described.Tasks[1].DesiredStatus != "STOPPED" || *described.Tasks[1].StoppedReason != "not signed" ||
		*described.Tasks[0].DesiredStatus != "RUNNING" {
		t.Errorf("%+v, %v", described, err)
	}
	if _, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: tasks}); code(err) != "ClusterNotFoundException" {
		t.Errorf("the default cluster: %v", err)
	}
}

const sum = "sha256:abababababababababababababababababababababababababababababababab"

// A stage is an ECS with a cluster and a task definition.
type stage struct {
	*testing.T
	*ecstest.Server
	*ecs.Client
	tag string // what registry.example/app:v1 is
}

func newStage(t *testing.T, o ecstest.Options) *stage {
	s := &stage{T: t, tag: sum}
	o.Digest = func(image string) (string, error) {
		if strings.HasPrefix(image, "registry.example/app:") {
			return s.tag, nil
		}
		return "", errors.New("not found: " + image)
	}
	s.Server = ecstest.Start(t, &o)
	s.Client = ecs.NewFromConfig(s.Config())
	s.PutCluster("shop")
	return s
}

func (s *stage) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stage) define(image string) string {
	s.Helper()
	d, err := s.RegisterTaskDefinition(
		s.Context(),
		&ecs.RegisterTaskDefinitionInput{Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{
			{Name: aws.String("app"), Image: &image, Environment: []types.KeyValuePair{{Name: aws.String("A"), Value: aws.String("b")}}},
		}},
	)
	s.check(err)
	return *d.TaskDefinition.TaskDefinitionArn
}

func (s *stage) running() (images []string) {
	for _, t := range s.Tasks() {
		if *t.LastStatus == "RUNNING" {
			images = append(images, aws.ToString(t.Containers[0].ImageDigest))
		}
	}
	return images
}

func (s *stage) deployment() types.ServiceDeployment {
	s.Helper()
	list, err := s.ListServiceDeployments(
		s.Context(),
		&ecs.ListServiceDeploymentsInput{Cluster: aws.String("shop"), Service: aws.String("web")},
	)
	s.check(err)
	d, err := s.DescribeServiceDeployments(
		s.Context(),
		&ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{*list.ServiceDeployments[0].ServiceDeploymentArn}},
	)
	s.check(err)
	return d.ServiceDeployments[0]
}

// A task is known to be what it is before it runs, and each change is an event.
func TestTaskEvents(t *testing.T) {
	s := newStage(t, ecstest.Options{Start: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)})
	s.define("registry.example/app:v1")
	var delivered int
	s.Subscribe(func(_ context.Context, event json.RawMessage) error { delivered++; return nil }, ecstest.TaskStateChange)
	out, err := s.RunTask(t.Context(), &ecs.RunTaskInput{
		Cluster: aws.String("shop"), TaskDefinition: aws.String("web"), StartedBy: aws.String("me"), EnableExecuteCommand: true,
		Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("app"), Command: []string{"sh"}}}},
	})
	s.check(err)
	s.Advance(10 * time.Second)
	_, err = s.StopTask(
		t.Context(),
		&ecs.StopTaskInput{Cluster: aws.String("shop"), Task: out.Tasks[0].TaskArn, Reason: aws.String("enough")},
	)
	s.check(err)
	s.Advance(10 * time.Second)
	if ran := s.Ran(*out.Tasks[0].TaskArn); ran != 9*time.Second {
		t.Errorf("ran %v", ran)
	}
	var got []string
	for i, event := range s.Events() {
		var e struct {
			Detail struct {
				Version                                             int
				LastStatus, DesiredStatus, StoppedReason, StartedBy string
				EnableExecuteCommand                                bool
				Overrides                                           struct{ ContainerOverrides []struct{ Command []string } }
				Containers                                          []struct{ Image, ImageDigest string }
			}
		}
		s.check(json.Unmarshal(event, &e))
		d := e.Detail
		got = append(got, d.LastStatus+" "+d.DesiredStatus+" "+d.Containers[0].ImageDigest)
		if d.Version != i+1 || d.StartedBy != "me" || !d.EnableExecuteCommand || d.Overrides.ContainerOverrides[0].Command[0] != "sh" ||
			d.Containers[0].Image != "registry.example/app:v1" {
			t.Errorf("%s", event)
		}
	}
	want := "PROVISIONING RUNNING |PENDING RUNNING |PENDING RUNNING " + sum + "|RUNNING RUNNING " + sum + "|RUNNING STOPPED " + sum +
		"|STOPPED STOPPED " + sum
	if strings.Join(got, "|") != want || delivered != 6 {
		t.Errorf("%d delivered: %q", delivered, got)
	}
}

// ECS's limits: batches, pages and quotas.
func TestLimits(t *testing.T) {
	s := newStage(t, ecstest.Options{Throttle: true})
	s.define("registry.example/app:v1")
	for n, want := range map[int32]string{0: "InvalidParameterException", 11: "InvalidParameterException", 10: ""} {
		if _, err := s.RunTask(t.Context(),
			&ecs.RunTaskInput{Cluster: aws.String("shop"), TaskDefinition: aws.String("web"), Count: &n}); code(
			err,
		) != want {
			t.Errorf("RunTask of %d: %v", n, err)
		}
	}
	_, err := s.StartTask(
		t.Context(),
		&ecs.StartTaskInput{Cluster: aws.String("shop"), TaskDefinition: aws.String("web"), ContainerInstances: make([]string, 11)},
	)
	if code(err) != "InvalidParameterException" {
		t.Errorf("StartTask on 11: %v", err)
	}
	if _, err := s.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("shop"), Tasks: make([]string, 101)}); code(
		err,
	) != "InvalidParameterException" {
		t.Errorf("DescribeTasks of 101: %v", err)
	}
	if _, err := s.DescribeServiceDeployments(t.Context(),
		&ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: make([]string, 21)}); code(
		err,
	) != "InvalidParameterException" {
		t.Errorf("DescribeServiceDeployments of 21: %v", err)
	}
	once := func(o *ecs.Options) { o.RetryMaxAttempts = 1 }
	register := func() error {
		_, err := s.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("web"),
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("a")}}}, once)
		return err
	}
	for range 19 { // one was registered
		s.check(register())
	}
	if err := register(); code(err) != "ThrottlingException" {
		t.Errorf("the twenty-first: %v", err)
	}
	s.Advance(time.Second)
	s.check(register())
	if err := register(); code(err) != "ThrottlingException" {
		t.Errorf("one second later: %v", err)
	}
}

// A service is deployed, asked about by its hooks, and rolled back.
func TestDeployments(t *testing.T) {
	s := newStage(t, ecstest.Options{})
	first := s.define("registry.example/app:v1")
	var events []string
	answers := []string{
		`{"hookStatus":"IN_PROGRESS","callBackDelay":60,"hookDetails":{"seen":true}}`,
		`{"hookStatus":"SUCCEEDED"}`,
		`{"hookStatus":"FAILED"}`,
	}
	s.Function("arn:gate", func(_ context.Context, event json.RawMessage) (json.RawMessage, error) {
		events = append(events, string(event))
		answer := answers[0]
		answers = answers[1:]
		return json.RawMessage(answer), nil
	})
	_, err := s.CreateService(t.Context(), &ecs.CreateServiceInput{
		Cluster: aws.String("shop"), ServiceName: aws.String("web"), TaskDefinition: &first, DesiredCount: aws.Int32(2),
		DeploymentConfiguration: &types.DeploymentConfiguration{
			Strategy: types.DeploymentStrategyBlueGreen,
			LifecycleHooks: []types.DeploymentLifecycleHook{{
				HookTargetArn: aws.String(
					"arn:gate",
				), RoleArn: aws.String("arn:role"), HookDetails: document.NewLazyDocument(map[string]any{"team": "shop"}),
				LifecycleStages: []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStagePreScaleUp},
			}},
		},
	})
	s.check(err)
	s.Advance(30 * time.Second)
	if got := s.running(); len(got) != 0 || len(events) != 1 || !strings.Contains(events[0], `"hookDetails":{"team":"shop"}`) {
		t.Errorf("%q, %q", got, events)
	}
	s.Advance(2 * time.Minute)
	if got := s.running(); len(got) != 2 || got[0] != sum || len(events) != 2 ||
		!strings.Contains(events[1], `"hookDetails":{"seen":true,"team":"shop"}`) {
		t.Errorf("%q, %q", got, events)
	}
	if d := s.deployment(); d.Status != types.ServiceDeploymentStatusSuccessful || d.LifecycleHookDetails[0].Status != "SUCCEEDED" ||
		d.LifecycleHookDetails[0].TimeoutAction != "ROLLBACK" {
		t.Errorf("%+v", d)
	}

	// The tag moves: what is deployed stays as it was resolved.
	s.tag = "sha256:" + strings.Repeat("cd", 32)
	_, err = s.StopTask(t.Context(), &ecs.StopTaskInput{Cluster: aws.String("shop"), Task: s.Tasks()[0].TaskArn})
	s.check(err)
	s.Advance(time.Minute)
	if got := s.running(); len(got) != 2 || got[1] != sum {
		t.Errorf("a replaced task: %q", got)
	}
	// A hook that refuses, and what was there stays.
	_, err = s.UpdateService(
		t.Context(),
		&ecs.UpdateServiceInput{Cluster: aws.String("shop"), Service: aws.String("web"), ForceNewDeployment: true},
	)
	s.check(err)
	s.Advance(time.Minute)
	if d, got := s.deployment(), s.running(); d.Status != types.ServiceDeploymentStatusRollbackSuccessful || len(got) != 2 ||
		got[1] != sum {
		t.Errorf("%s, %q", d.Status, got)
	}
	// Without its hook, in the same call.
	_, err = s.UpdateService(
		t.Context(),
		&ecs.UpdateServiceInput{Cluster: aws.String("shop"), Service: aws.String("web"), ForceNewDeployment: true,
			DeploymentConfiguration: &types.DeploymentConfiguration{LifecycleHooks: []types.DeploymentLifecycleHook{}}},
	)
	s.check(err)
	s.Advance(3 * time.Second)
	stop, err := s.StopServiceDeployment(
		t.Context(),
		&ecs.StopServiceDeploymentInput{ServiceDeploymentArn: s.deployment().ServiceDeploymentArn},
	)
	s.check(err)
	s.Advance(time.Minute)
	if d := s.deployment(); *d.ServiceDeploymentArn != *stop.ServiceDeploymentArn ||
		d.Status != types.ServiceDeploymentStatusRollbackSuccessful ||
		len(s.running()) != 2 {
		t.Errorf("%s, %q", d.Status, s.running())
	}
	_, err = s.StopServiceDeployment(t.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: stop.ServiceDeploymentArn})
	if code(err) != "ConflictException" {
		t.Errorf("stopped twice: %v", err)
	}
	_, err = s.UpdateService(
		t.Context(),
		&ecs.UpdateServiceInput{Cluster: aws.String("shop"), Service: aws.String("web"), ForceNewDeployment: true},
	)
	s.check(err)
	s.Advance(time.Minute)
	if d, got := s.deployment(), s.running(); d.Status != types.ServiceDeploymentStatusSuccessful || len(got) != 2 || got[0] != s.tag {
		t.Errorf("%s, %q", d.Status, got)
	}
}

// A paused deployment goes on when it is told to, by no action too, and by its timeout as the service has it.
func TestPause(t *testing.T) {
	for name, c := range map[string]struct {
		answered bool
		action   types.DeploymentLifecycleHookAction
		timeout  types.DeploymentLifecycleHookAction
		want     types.ServiceDeploymentStatus
	}{
		"continue":         {true, "CONTINUE", "", types.ServiceDeploymentStatusSuccessful},
		"no action":        {true, "", "", types.ServiceDeploymentStatusSuccessful},
		"roll back":        {true, "ROLLBACK", "", types.ServiceDeploymentStatusRollbackFailed}, // to nothing
		"timeout":          {false, "", "", types.ServiceDeploymentStatusRollbackFailed},
		"timeout continue": {false, "", "CONTINUE", types.ServiceDeploymentStatusSuccessful},
	} {
		s := newStage(t, ecstest.Options{})
		definition := s.define("registry.example/app@" + sum)
		_, err := s.CreateService(t.Context(), &ecs.CreateServiceInput{
			Cluster: aws.String("shop"), ServiceName: aws.String("web"), TaskDefinition: &definition,
			DeploymentConfiguration: &types.DeploymentConfiguration{LifecycleHooks: []types.DeploymentLifecycleHook{{
				TargetType:      types.DeploymentLifecycleHookTargetTypePause,
				LifecycleStages: []types.DeploymentLifecycleHookStage{"PRE_SCALE_UP"},
				TimeoutConfiguration: &types.DeploymentLifecycleHookTimeoutConfiguration{
					Action:           c.timeout,
					TimeoutInMinutes: aws.Int32(10),
				},
			}}},
		})
		s.check(err)
		s.Advance(time.Minute)
		d := s.deployment()
		if len(s.running()) != 0 || d.LifecycleHookDetails[0].Status != "AWAITING_ACTION" || len(s.Events(ecstest.HookStateChange)) != 1 {
			t.Errorf("%s: %+v", name, d)
		}
		if c.answered {
			_, err := s.ContinueServiceDeployment(t.Context(), &ecs.ContinueServiceDeploymentInput{
				ServiceDeploymentArn: d.ServiceDeploymentArn, HookId: d.LifecycleHookDetails[0].HookId, Action: c.action})
			s.check(err)
		}
		s.Advance(15 * time.Minute)
		if d := s.deployment(); d.Status != c.want || (len(s.running()) == 1) != (c.want == types.ServiceDeploymentStatusSuccessful) {
			t.Errorf("%s: %s, %q", name, d.Status, s.running())
		}
	}
}

// Task sets, Express and daemons start tasks as well.
func TestOthers(t *testing.T) {
	s := newStage(t, ecstest.Options{})
	definition := s.define("registry.example/app@" + sum)
	_, err := s.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: aws.String("shop"), ServiceName: aws.String("web"),
		DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeExternal}})
	s.check(err)
	set, err := s.CreateTaskSet(
		t.Context(),
		&ecs.CreateTaskSetInput{Cluster: aws.String("shop"), Service: aws.String("web"), TaskDefinition: &definition},
	)
	s.check(err)
	s.Advance(time.Minute)
	if len(s.running()) != 1 {
		t.Errorf("task set: %q", s.running())
	}
	_, err = s.DeleteTaskSet(
		t.Context(),
		&ecs.DeleteTaskSetInput{
			Cluster: aws.String("shop"),
			Service: aws.String("web"),
			TaskSet: set.TaskSet.TaskSetArn,
			Force:   aws.Bool(true),
		},
	)
	s.check(err)
	s.Advance(time.Minute)
	if len(s.running()) != 0 {
		t.Errorf("task set deleted: %q", s.running())
	}

	express, err := s.CreateExpressGatewayService(
		t.Context(),
		&ecs.CreateExpressGatewayServiceInput{Cluster: aws.String("shop"), ServiceName: aws.String("fast"),
			ExecutionRoleArn: aws.String("arn:e"), InfrastructureRoleArn: aws.String("arn:i"),
			PrimaryContainer: &types.ExpressGatewayContainer{Image: aws.String("registry.example/app:v1")}},
	)
	s.check(err)
	s.Advance(time.Minute)
	e, err := s.DescribeExpressGatewayService(t.Context(), &ecs.DescribeExpressGatewayServiceInput{ServiceArn: express.Service.ServiceArn})
	s.check(err)
	if len(s.running()) != 1 || len(e.Service.ActiveConfigurations) != 1 {
		t.Errorf("express: %q, %+v", s.running(), e.Service)
	}
	_, err = s.DeleteExpressGatewayService(t.Context(), &ecs.DeleteExpressGatewayServiceInput{ServiceArn: express.Service.ServiceArn})
	s.check(err)
	s.Advance(time.Minute)
	if len(s.running()) != 0 {
		t.Errorf("express deleted: %q", s.running())
	}

	d, err := s.RegisterDaemonTaskDefinition(t.Context(), &ecs.RegisterDaemonTaskDefinitionInput{Family: aws.String("agent"),
		ContainerDefinitions: []types.DaemonContainerDefinition{{Name: aws.String("agent"), Image: aws.String("registry.example/app:v1")}}})
	s.check(err)
	created, err := s.CreateDaemon(t.Context(), &ecs.CreateDaemonInput{ClusterArn: aws.String("shop"), DaemonName: aws.String("agent"),
		DaemonTaskDefinitionArn: d.DaemonTaskDefinitionArn, CapacityProviderArns: []string{"arn:provider"}})
	s.check(err)
	if events := s.Events(ecstest.DaemonDeploymentStateChange); len(events) != 1 ||
		!strings.Contains(string(events[0]), "DAEMON_DEPLOYMENT_PENDING") {
		t.Errorf("%s", events)
	}
	s.Advance(time.Minute)
	listed, err := s.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String("shop"), DaemonName: aws.String("agent")})
	s.check(err)
	if len(s.running()) != 2 || len(listed.TaskArns) != 2 {
		t.Errorf("daemon: %q, %q", s.running(), listed.TaskArns)
	}
	_, err = s.DeleteDaemon(t.Context(), &ecs.DeleteDaemonInput{DaemonArn: created.DaemonArn})
	s.check(err)
	s.Advance(time.Minute)
	if len(s.running()) != 0 {
		t.Errorf("daemon deleted: %q", s.running())
	}
}

// What cannot be pulled does not run, and a service tries again.
func TestFailedPull(t *testing.T) {
	s := newStage(t, ecstest.Options{})
	definition := s.define("registry.example/other:v1")
	_, err := s.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("shop"), TaskDefinition: &definition})
	s.check(err)
	s.Advance(time.Minute)
	if task := s.Tasks()[0]; *task.LastStatus != "STOPPED" || !strings.Contains(*task.StoppedReason, "CannotPullContainerError") ||
		task.StartedAt != nil {
		t.Errorf("%+v", task)
	}
}
