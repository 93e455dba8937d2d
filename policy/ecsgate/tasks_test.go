package ecsgate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/ecsgate"
	"github.com/ladingdev/lading/policy/ecsgate/ecstest"
	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/registry"
	"github.com/ladingdev/lading/verify"
)

// A world is a stage on which ECS runs what it is told, with the hook and the task door behind it.
type world struct {
	*stage
	client   *ecs.Client
	tasks    *ecsgate.Tasks
	outcomes []*ecsgate.TaskOutcome
	errors   []error
}

func newWorld(t *testing.T) *world {
	w := &world{stage: newStage(t)}
	w.client = ecs.NewFromConfig(w.cloud.Config())
	w.cloud.PutCluster(cluster)
	w.hook.Now = w.cloud.Now
	w.cloud.Function(function, w.hook.Handle)
	w.restart()
	w.cloud.Subscribe(func(ctx context.Context, event json.RawMessage) error {
		err := w.tasks.Handle(ctx, event)
		if err != nil {
			w.errors = append(w.errors, err)
		}
		return err
	}, ecstest.TaskStateChange, ecstest.DaemonDeploymentStateChange)
	return w
}

// restart makes the task door one that remembers nothing.
func (w *world) restart() {
	w.tasks = ecsgate.NewTasks(w.client, w.hook.Checker)
	w.tasks.Clusters, w.tasks.PerMinute, w.tasks.Now = []string{cluster}, 100, w.cloud.Now
	w.tasks.Observe = func(_ context.Context, o *ecsgate.TaskOutcome) { w.outcomes = append(w.outcomes, o) }
	w.check(w.tasks.Validate())
}

func (w *world) define(family, image string) string {
	w.Helper()
	d, err := w.client.RegisterTaskDefinition(w.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: &family, ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &image}}})
	w.check(err)
	return *d.TaskDefinition.TaskDefinitionArn
}

// serve makes a service of two tasks, and waits until they run.
func (w *world) serve(name, image string, config *types.DeploymentConfiguration) {
	w.Helper()
	definition := w.define(name, image)
	_, err := w.client.CreateService(w.Context(), &ecs.CreateServiceInput{
		Cluster: aws.String(
			cluster,
		), ServiceName: &name, TaskDefinition: &definition, DesiredCount: aws.Int32(2), DeploymentConfiguration: config})
	w.check(err)
	w.cloud.Advance(time.Minute)
	if got := w.running("service:" + name); len(got) != 2 {
		w.Fatalf("%d tasks of %s run: %v", len(got), name, w.outcomes)
	}
}

// running returns the digests of the running tasks of a group.
func (w *world) running(group string) (digests []string) {
	for _, task := range w.cloud.Tasks() {
		if aws.ToString(task.Group) == group && *task.LastStatus == "RUNNING" {
			digests = append(digests, aws.ToString(task.Containers[0].ImageDigest))
		}
	}
	return digests
}

// ran is the longest time that a task of a digest ran, and whether one still does.
func (w *world) ran(digest string) (longest time.Duration, still bool) {
	for _, task := range w.cloud.Tasks() {
		if aws.ToString(task.Containers[0].ImageDigest) == digest || strings.HasSuffix(*task.Containers[0].Image, digest) {
			longest = max(longest, w.cloud.Ran(*task.TaskArn))
			still = still || *task.LastStatus != "STOPPED"
		}
	}
	return longest, still
}

// did returns the actions that were taken, in order.
func (w *world) did() (actions []string) {
	for _, o := range w.outcomes {
		for _, s := range o.Steps {
			if s.Done && !o.Repeated {
				actions = append(actions, s.Action)
			}
		}
	}
	return actions
}

func gated(stages ...types.DeploymentLifecycleHookStage) *types.DeploymentConfiguration {
	return &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen, LifecycleHooks: []types.DeploymentLifecycleHook{{
		HookTargetArn: aws.String(function), RoleArn: aws.String("arn:aws:iam::111122223333:role/ecs"), LifecycleStages: stages}}}
}

// move makes a tag stand for another image of its repository.
func (w *world) move(image, to string) string {
	w.Helper()
	repo, err := registry.Open(image, nil)
	w.check(err)
	from, err := registry.Open(to, nil)
	w.check(err)
	moved, err := registry.Copy(w.Context(), repo, from, to[strings.Index(to, "@")+1:], nil)
	w.check(err)
	w.check(repo.Tag(w.Context(), moved, "v1"))
	return string(moved.Digest)
}

// Each way to start what nobody signed: it is kept out, or stopped so that it stays stopped.
func TestAttacks(t *testing.T) {
	const seconds = 6 * time.Second // of the stand-in's clock, in which it learns of it and stops
	for name, attack := range map[string]func(w *world) (bad string, want []string){
		"service by tag": func(w *world) (string, []string) {
			repository, digest, _ := strings.Cut(w.bad, "@")
			w.update("web", w.define("web", repository+":v1"))
			return digest, nil // the hook
		},
		"service by digest": func(w *world) (string, []string) {
			w.update("web", w.define("web", w.bad))
			return w.bad, nil
		},
		"rolling, without a hook": func(w *world) (string, []string) {
			w.serve("api", w.signed, nil)
			w.update("api", w.define("api", w.bad))
			return w.bad, []string{"StopTask", "StopServiceDeployment", "DeregisterTaskDefinition", "StopTask"}
		},
		"a first deployment, without a hook": func(w *world) (string, []string) {
			definition := w.define("new", w.bad)
			_, err := w.client.CreateService(w.Context(),
				&ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("new"), TaskDefinition: &definition})
			w.check(err)
			return w.bad, []string{"StopTask", "StopServiceDeployment", "UpdateService", "DeregisterTaskDefinition"}
		},
		"forced, with a moved tag": func(w *world) (string, []string) {
			repository, _, _ := strings.Cut(w.signed, "@")
			w.serve("tagged", repository+":v1", nil)
			moved := w.move(repository, w.bad)
			_, err := w.client.UpdateService(w.Context(),
				&ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("tagged"), ForceNewDeployment: true})
			w.check(err)
			return moved, []string{"StopTask", "StopServiceDeployment", "StopTask"}
		},
		"run task": func(w *world) (string, []string) {
			_, err := w.client.RunTask(w.Context(),
				&ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: aws.String(w.define("job", w.bad))})
			w.check(err)
			return w.bad, []string{"StopTask", "DeregisterTaskDefinition"}
		},
		"run task by tag": func(w *world) (string, []string) {
			repository, digest, _ := strings.Cut(w.bad, "@")
			_, err := w.client.RunTask(w.Context(),
				&ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: aws.String(w.define("job", repository+":v1"))})
			w.check(err)
			return digest, []string{"StopTask", "DeregisterTaskDefinition"}
		},
		"scheduled": func(w *world) (string, []string) {
			_, err := w.client.RunTask(w.Context(),
				&ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: aws.String(w.define("job", w.bad)),
					StartedBy: aws.String("events-rule/nightly")})
			w.check(err)
			return w.bad, []string{"StopTask", "DeregisterTaskDefinition"}
		},
		"start task": func(w *world) (string, []string) {
			_, err := w.client.StartTask(w.Context(),
				&ecs.StartTaskInput{Cluster: aws.String(cluster), TaskDefinition: aws.String(w.define("job", w.bad)),
					ContainerInstances: []string{"arn:aws:ecs:us-east-1:111122223333:container-instance/shop/1"}})
			w.check(err)
			return w.bad, []string{"StopTask", "DeregisterTaskDefinition"}
		},
		"task set": func(w *world) (string, []string) {
			_, err := w.client.CreateService(w.Context(),
				&ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("external"),
					DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeExternal}})
			w.check(err)
			_, err = w.client.CreateTaskSet(w.Context(),
				&ecs.CreateTaskSetInput{Cluster: aws.String(cluster), Service: aws.String("external"),
					TaskDefinition: aws.String(w.define("external", w.bad))})
			w.check(err)
			return w.bad, []string{"StopTask", "DeleteTaskSet", "DeregisterTaskDefinition"}
		},
		"express": func(w *world) (string, []string) {
			w.express(w.bad)
			return w.bad, []string{"StopTask", "StopServiceDeployment", "DeleteExpressGatewayService", "DeregisterTaskDefinition"}
		},
		"express, updated": func(w *world) (string, []string) {
			arn := w.express(w.signed)
			w.cloud.Advance(time.Minute)
			_, err := w.client.UpdateExpressGatewayService(w.Context(),
				&ecs.UpdateExpressGatewayServiceInput{ServiceArn: &arn, PrimaryContainer: &types.ExpressGatewayContainer{Image: &w.bad}})
			w.check(err)
			return w.bad, []string{"StopTask", "StopServiceDeployment", "DeregisterTaskDefinition"}
		},
		"daemon": func(w *world) (string, []string) {
			w.daemon(w.bad)
			return w.bad, []string{"DeleteDaemon", "StopTask"}
		},
		"daemon, updated": func(w *world) (string, []string) {
			arn := w.daemon(w.signed)
			w.cloud.Advance(time.Minute)
			_, err := w.client.UpdateDaemon(w.Context(),
				&ecs.UpdateDaemonInput{DaemonArn: &arn, DaemonTaskDefinitionArn: aws.String(w.defineDaemon(w.bad)),
					CapacityProviderArns: []string{"arn:provider"}})
			w.check(err)
			return w.bad, []string{"UpdateDaemon", "StopTask"}
		},
		"hook removed in the same call": func(w *world) (string, []string) {
			definition := w.define("web", w.bad)
			_, err := w.client.UpdateService(w.Context(),
				&ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskDefinition: &definition,
					DeploymentConfiguration: &types.DeploymentConfiguration{LifecycleHooks: []types.DeploymentLifecycleHook{}}})
			w.check(err)
			return w.bad, []string{"StopTask", "StopServiceDeployment", "DeregisterTaskDefinition", "StopTask"}
		},
		"hook that continues, and does not answer": func(w *world) (string, []string) {
			config := gated(preScaleUp)
			config.LifecycleHooks[0].TimeoutConfiguration = &types.DeploymentLifecycleHookTimeoutConfiguration{Action: "CONTINUE",
				TimeoutInMinutes: aws.Int32(1)}
			w.cloud.Function(function, func(context.Context, json.RawMessage) (json.RawMessage, error) {
				return json.RawMessage(`{"hookStatus":"IN_PROGRESS"}`), nil
			})
			definition := w.define("web", w.bad)
			_, err := w.client.UpdateService(w.Context(), &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"),
				TaskDefinition: &definition, DeploymentConfiguration: config})
			w.check(err)
			return w.bad, []string{"StopTask", "StopServiceDeployment", "DeregisterTaskDefinition", "StopTask"}
		},
		"hook that continues, and answers": func(w *world) (string, []string) {
			config := gated(preScaleUp)
			config.LifecycleHooks[0].TimeoutConfiguration = &types.DeploymentLifecycleHookTimeoutConfiguration{Action: "CONTINUE",
				TimeoutInMinutes: aws.Int32(1)}
			definition := w.define("web", w.bad)
			_, err := w.client.UpdateService(w.Context(), &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"),
				TaskDefinition: &definition, DeploymentConfiguration: config})
			w.check(err)
			return w.bad, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.serve("web", w.signed, gated(preScaleUp))
			w.outcomes = nil
			bad, want := attack(w)
			_, digest, pinned := strings.Cut(bad, "@")
			if !pinned {
				digest = bad
			}
			w.cloud.Advance(10 * time.Minute)
			longest, still := w.ran(digest)
			if longest > seconds || still {
				t.Errorf("it ran for %v, and runs: %v", longest, still)
			}
			if got := w.did(); !slices.Equal(
				slices.Compact(slices.Sorted(slices.Values(got))),
				slices.Compact(slices.Sorted(slices.Values(want))),
			) {
				t.Errorf("done: %q, want %q", got, want)
			}
			if want == nil && longest != 0 {
				t.Errorf("the hook let it run for %v", longest)
			}
			if got := w.running("service:web"); len(got) != 2 || len(w.errors) > 0 {
				t.Errorf("of the service, %q runs; %v", got, w.errors)
			}
			t.Logf("%v of the stand-in's clock; %q", longest, w.did())
		})
	}
}

func (w *world) update(service, definition string) {
	w.Helper()
	_, err := w.client.UpdateService(
		w.Context(),
		&ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: &service, TaskDefinition: &definition},
	)
	w.check(err)
}

func (w *world) express(image string) string {
	w.Helper()
	out, err := w.client.CreateExpressGatewayService(
		w.Context(),
		&ecs.CreateExpressGatewayServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("fast"),
			ExecutionRoleArn: aws.String(
				"arn:e",
			), InfrastructureRoleArn: aws.String("arn:i"), PrimaryContainer: &types.ExpressGatewayContainer{Image: &image}},
	)
	w.check(err)
	return *out.Service.ServiceArn
}

func (w *world) defineDaemon(image string) string {
	w.Helper()
	d, err := w.client.RegisterDaemonTaskDefinition(w.Context(), &ecs.RegisterDaemonTaskDefinitionInput{Family: aws.String("agent"),
		ContainerDefinitions: []types.DaemonContainerDefinition{{Name: aws.String("agent"), Image: &image}}})
	w.check(err)
	return *d.DaemonTaskDefinitionArn
}

func (w *world) daemon(image string) string {
	w.Helper()
	out, err := w.client.CreateDaemon(w.Context(), &ecs.CreateDaemonInput{ClusterArn: aws.String(cluster), DaemonName: aws.String("agent"),
		DaemonTaskDefinitionArn: aws.String(w.defineDaemon(image)), CapacityProviderArns: []string{"arn:provider"}})
	w.check(err)
	return *out.DaemonArn
}

// Going back is never in the way: an old revision that the policy would refuse today runs again after a deployment failed.
func TestRollbackIsNotBlocked(t *testing.T) {
	w := newWorld(t)
	w.use(policy.Audit)
	w.restart()
	w.serve("web", w.bad, gated(preScaleUp, postScaleUp, types.DeploymentLifecycleHookStageProductionTrafficShift))
	w.use(policy.Enforce)
	w.restart()
	w.tasks.Clusters = nil
	w.update("web", w.define("web", "registry.example.invalid/none@"+w.bad[strings.Index(w.bad, "@")+1:]))
	w.cloud.Advance(time.Hour)
	if got := w.running("service:web"); len(got) != 2 {
		t.Errorf("%q", got)
	}
}

// What was allowed and is no longer goes back to what is, once; the tasks of the service never loop.
func TestRestore(t *testing.T) {
	w := newWorld(t)
	w.serve("web", w.signed, nil)
	w.use(policy.Audit)
	w.restart()
	w.update("web", w.define("web", w.bad))
	w.cloud.Advance(time.Minute)
	if got := w.running("service:web"); len(got) != 2 || !strings.HasSuffix(w.bad, got[0]) {
		t.Fatalf("%q", got)
	}
	w.use(policy.Enforce)
	w.restart()
	w.outcomes = nil
	w.cloud.ResetCalls()
	_, err := w.client.StopTask(
		t.Context(),
		&ecs.StopTaskInput{Cluster: aws.String(cluster), Task: aws.String(w.task("service:web"))},
	) // whatever makes an event
	w.check(err)
	w.cloud.Advance(time.Hour)
	got := w.running("service:web")
	if len(got) != 2 || !strings.HasSuffix(w.signed, got[0]) || !strings.HasSuffix(w.signed, got[1]) {
		t.Errorf("%q", got)
	}
	if n := w.cloud.Calls(); n["ecs:UpdateService"] != 1 || n["ecs:DeregisterTaskDefinition"] != 1 || n["ecs:StopServiceDeployment"] != 0 {
		t.Errorf("%v", n)
	}
}

// task returns a running task of a group.
func (w *world) task(group string) string {
	for _, task := range w.cloud.Tasks() {
		if aws.ToString(task.Group) == group && *task.LastStatus == "RUNNING" {
			return *task.TaskArn
		}
	}
	return ""
}

// What the caller changed is the policy's to see. It is the task that is stopped then, not the service or the definition.
func TestOverridesAndExec(t *testing.T) {
	w := newWorld(t)
	w.gate.Policy = policy.All(
		policy.Require{Kind: verify.ImageSignature},
		policy.Func(func(_ context.Context, in *policy.Input) *policy.Decision {
			d := &policy.Decision{Verdict: policy.Allow, Rule: "as built", Reason: "nothing is changed", Until: policy.Forever}
			a := in.Request.Attributes
			if a[ecsgate.AttributeOverrides] != "none" && a[ecsgate.AttributeOverrides] != "" ||
				a[ecsgate.AttributeExecuteCommand] == "true" {
				d.Verdict, d.Reason = policy.Deny, "the caller changes what the image does"
			}
			return d
		}),
	)
	w.use(policy.Enforce)
	w.restart()
	definition := w.define("job", w.signed)
	run := func(in ecs.RunTaskInput) *ecsgate.TaskOutcome {
		t.Helper()
		in.Cluster, in.TaskDefinition = aws.String(cluster), &definition
		w.outcomes = nil
		_, err := w.client.RunTask(t.Context(), &in)
		w.check(err)
		w.cloud.Advance(time.Minute)
		for _, o := range w.outcomes {
			if !o.Waiting {
				return o
			}
		}
		t.Fatalf("nothing is decided: %v", w.errors)
		return nil
	}
	if o := run(ecs.RunTaskInput{}); o.Verdict != policy.Allow || o.Overrides != nil || o.Exec {
		t.Errorf("%+v", o)
	}
	command := &types.TaskOverride{
		ContainerOverrides: []types.ContainerOverride{{Name: aws.String("app"), Command: []string{"sh", "-c", "true"}}},
	}
	role := &types.TaskOverride{TaskRoleArn: aws.String("arn:aws:iam::111122223333:role/admin")}
	named := &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("app")}}}
	if o := run(ecs.RunTaskInput{Overrides: named}); o.Verdict != policy.Allow || o.Overrides != nil {
		t.Errorf("a name alone: %+v", o)
	}
	for name, in := range map[string]ecs.RunTaskInput{"command": {Overrides: command}, "role": {Overrides: role},
		"exec": {EnableExecuteCommand: true}} {
		in.StartedBy = aws.String("somebody")
		o := run(in)
		if o.Verdict != policy.Deny || o.StartedBy != "somebody" || (o.Overrides == nil) != (name == "exec") || o.Exec != (name == "exec") {
			t.Errorf("%s: %+v", name, o)
		}
		if got := w.did(); !slices.Equal(got, []string{"StopTask"}) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Who called is in the record: CloudTrail says it minutes later, and what was denied is told again then.
func TestActor(t *testing.T) {
	w := newWorld(t)
	w.cloud.Subscribe(func(ctx context.Context, event json.RawMessage) error { return w.tasks.Handle(ctx, event) },
		ecstest.CallViaCloudTrail)
	var log bytes.Buffer
	w.tasks.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.serve("api", w.signed, nil)
	_, err := w.client.RunTask(t.Context(),
		&ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: aws.String(w.define("job", w.bad))})
	w.check(err)
	w.update("api", w.define("api", w.bad))
	w.cloud.Advance(time.Hour)
	const alice = "arn:aws:sts::111122223333:assumed-role/developer/alice"
	told := map[string]int{}
	for _, o := range w.outcomes {
		if o.Verdict == policy.Deny && o.Repeated && o.Actor == alice {
			told[o.Group]++
		}
	}
	if told["family:job"] != 1 || told["service:api"] == 0 || !strings.Contains(log.String(), "msg=actor") ||
		!strings.Contains(log.String(), "call=RunTask") {
		t.Errorf("%v\n%s", told, &log)
	}
	// What it starts later is told with the caller at once.
	w.outcomes = nil
	w.update("api", w.define("api", w.bad))
	w.cloud.Advance(10 * time.Second)
	if len(w.outcomes) == 0 || w.outcomes[0].Actor != alice {
		t.Errorf("%+v", w.outcomes)
	}
}

// Nothing is stopped in audit, in another cluster, beyond the rate, or because it could not be judged.
func TestNotStopped(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *world)
		note    string
		stopped int
	}{
		"audit":           {func(w *world) { w.use(policy.Audit); w.restart() }, "the policy's mode is audit", 0},
		"warn":            {func(w *world) { w.use(policy.Warn); w.restart() }, "the policy's mode is warn", 0},
		"another cluster": {func(w *world) { w.tasks.Clusters = []string{"lab"} }, `nothing is stopped in the cluster "shop"`, 0},
		"no cluster":      {func(w *world) { w.tasks.Clusters = nil }, `nothing is stopped in the cluster "shop"`, 0},
		"the rate": {func(w *world) { w.tasks.PerMinute = 2; w.tasks.Now = func() time.Time { return started } },
			"more is to be stopped than may be", 2},
		"an outage": {func(w *world) {
			w.gate.Open = func(context.Context, string) (*policy.Image, error) { return nil, registry.ErrUnavailable }
			w.use(policy.Enforce)
			w.restart()
		}, "", 0},
	} {
		w := newWorld(t)
		c.prepare(w)
		definition := w.define("job", w.bad)
		_, err := w.client.RunTask(
			t.Context(),
			&ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &definition, Count: aws.Int32(4)},
		)
		w.check(err)
		w.cloud.Advance(time.Hour)
		if n := w.cloud.Calls()["ecs:StopTask"]; n != c.stopped || len(w.running("family:job")) != 4-c.stopped {
			t.Errorf("%s: %d stopped", name, n)
		}
		said := false
		for _, o := range w.outcomes {
			for _, s := range o.Steps {
				said = said || strings.Contains(s.Note+fmt.Sprint(s.Err), c.note)
			}
		}
		if c.note != "" && !said {
			t.Errorf("%s: %+v", name, w.outcomes[0])
		}
	}
}

// A day of events, in any order, each up to three times and some not at all: one decision each, the recipe once, and nothing stopped that
// was allowed; over a process that dies again and again, and while ECS throttles.
func TestReplay(t *testing.T) {
	w := newWorld(t)
	w.tasks.Clusters = nil // the day itself goes by without the door
	goodTag, _, _ := strings.Cut(w.signed, "@")
	badTag, _, _ := strings.Cut(w.bad, "@")
	var definitions []string
	for i, image := range []string{w.signed, w.other, goodTag + ":v1", w.bad, badTag + ":v1"} {
		definitions = append(definitions, w.define(fmt.Sprintf("job%d", i), image))
	}
	for i := range 24 * 4 {
		_, err := w.client.RunTask(
			t.Context(),
			&ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &definitions[i%len(definitions)]},
		)
		w.check(err)
		if i%7 == 3 { // some end by themselves
			_, err := w.client.StopTask(
				t.Context(),
				&ecs.StopTaskInput{Cluster: aws.String(cluster), Task: aws.String(w.task("family:job" + fmt.Sprint(i%5)))},
			)
			if err != nil && !strings.Contains(err.Error(), "not found") && !strings.Contains(err.Error(), "Task") {
				w.check(err)
			}
		}
		w.cloud.Advance(15 * time.Minute)
	}
	events := w.cloud.Events(ecstest.TaskStateChange)
	deliveries := shuffled(events)
	t.Logf("%d events of %d tasks, %d deliveries", len(events), len(w.cloud.Tasks()), len(deliveries))

	allowed, denied := map[string]bool{}, map[string]bool{}
	running := 0
	for _, task := range w.cloud.Tasks() {
		bad := strings.HasSuffix(w.bad, *task.Containers[0].ImageDigest)
		if bad && *task.LastStatus == "RUNNING" {
			running++
		}
		if bad {
			denied[*task.TaskArn] = true
		} else {
			allowed[*task.TaskArn] = *task.LastStatus == "RUNNING"
		}
	}
	if running < 20 || len(allowed) < 50 {
		t.Fatalf("%d denied tasks run, %d allowed ones", running, len(allowed))
	}

	w.restart()
	w.outcomes = nil
	w.cloud.ResetCalls()
	for i, event := range deliveries {
		w.check(w.tasks.Handle(t.Context(), event))
		if i == len(deliveries)/2 { // it dies here, and the events that it had are delivered again
			fresh := w.outcomes
			w.restart()
			for _, again := range deliveries[:i+1] {
				w.check(w.tasks.Handle(t.Context(), again))
			}
			w.outcomes = fresh
		}
	}
	w.cloud.Advance(time.Minute)
	decisions := map[string]int{}
	for _, o := range w.outcomes {
		if !o.Repeated && !o.Waiting {
			decisions[o.Task]++
			if want := denied[o.Task]; (o.Verdict == policy.Deny) != want || o.Verdict == policy.Indeterminate {
				t.Errorf("%s: %v, %s", o.Task, o.Verdict, o.Reason)
			}
		}
	}
	for arn, n := range decisions {
		if n != 1 {
			t.Errorf("%s was decided on %d times", arn, n)
		}
	}
	if len(decisions) != len(allowed)+len(denied) {
		t.Errorf("%d tasks were decided on, of %d", len(decisions), len(allowed)+len(denied))
	}
	if calls := w.cloud.Calls(); calls["ecs:StopTask"] != running || calls["ecs:DeregisterTaskDefinition"] != 2 {
		t.Errorf("%d tasks were to be stopped: %v", running, calls)
	}
	for _, task := range w.cloud.Tasks() {
		if allowed[*task.TaskArn] && *task.LastStatus != "RUNNING" || denied[*task.TaskArn] && *task.LastStatus != "STOPPED" {
			t.Errorf("%s is %s", *task.TaskArn, *task.LastStatus)
		}
	}
}

// shuffled leaves out a tenth of the events, though not all of a task's with its digest, doubles and triples others, and mixes them.
func shuffled(events []json.RawMessage) (list []json.RawMessage) {
	seed := uint64(1)
	random := func(n int) int {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int(seed>>33) % n
	}
	for _, e := range events {
		if !strings.Contains(string(e), `"lastStatus":"RUNNING"`) && random(10) == 0 {
			continue
		}
		for range 1 + random(3) {
			list = append(list, e)
		}
	}
	for i := range list {
		j := i + random(len(list)-i)
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// A process that dies between two steps leaves the rest to the next one.
func TestKilledInTheMiddle(t *testing.T) {
	w := newWorld(t)
	w.serve("web", w.signed, nil)
	w.outcomes = nil
	w.cloud.ResetCalls()
	for _, operation := range []string{"ecs:DescribeTasks", "ecs:StopTask", "ecs:DescribeServices", "ecs:StopServiceDeployment",
		"ecs:DeregisterTaskDefinition"} {
		w.cloud.Fail(operation, ecstest.Fault{Times: 1, Code: "ServerException"}) // which the SDK does not try again
	}
	w.update("web", w.define("web", w.bad))
	w.cloud.Subscribe(func(context.Context, json.RawMessage) error { w.restart(); return nil }, ecstest.TaskStateChange) // after each event
	w.cloud.Advance(time.Hour)
	if got := w.running("service:web"); len(got) != 2 || !strings.HasSuffix(w.signed, got[0]) {
		t.Errorf("%q", got)
	}
	done := map[string]int{}
	for _, action := range w.did() {
		done[action]++
	}
	if len(w.errors) == 0 || done["StopServiceDeployment"] != 1 || done["DeregisterTaskDefinition"] != 1 {
		t.Errorf("%v, %v", done, w.errors)
	}
	if _, still := w.ran(w.bad[strings.Index(w.bad, "@")+1:]); still {
		t.Error("it runs")
	}
}

// While ECS throttles, the event comes again, and the rest is done then.
func TestThrottled(t *testing.T) {
	w := newWorld(t)
	definition := w.define("job", w.bad)
	w.cloud.Fail("ecs:DeregisterTaskDefinition", ecstest.Fault{Times: 4, Code: "ThrottlingException"}) // more than the SDK tries
	_, err := w.client.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &definition})
	w.check(err)
	w.cloud.Advance(10 * time.Minute)
	if got := w.did(); !slices.Equal(got, []string{"StopTask", "DeregisterTaskDefinition"}) || len(w.errors) == 0 {
		t.Errorf("%q, %v", got, w.errors)
	}
}

// By ECS's own quotas, of which DeregisterTaskDefinition has the smallest, everything is done in the end.
func TestQuotas(t *testing.T) {
	w := newWorld(t)
	w.cloud.Close()
	w.cloud = ecstest.Start(t, &ecstest.Options{Throttle: true, Digest: resolve})
	w.client = ecs.NewFromConfig(w.cloud.Config())
	w.cloud.PutCluster(cluster)
	w.restart()
	w.cloud.Subscribe(func(ctx context.Context, event json.RawMessage) error {
		err := w.tasks.Handle(ctx, event)
		if err != nil {
			w.errors = append(w.errors, err)
		}
		return err
	}, ecstest.TaskStateChange)
	const jobs = 40
	for i := range jobs {
		definition := w.cloud.PutTaskDefinition(types.TaskDefinition{Family: aws.String(fmt.Sprintf("job%d", i)),
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &w.bad}}})
		_, err := w.client.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &definition})
		w.check(err)
	}
	w.cloud.Advance(time.Hour)
	left := 0
	for i := range jobs {
		out, err := w.client.DescribeTaskDefinition(
			t.Context(),
			&ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String(fmt.Sprintf("job%d:1", i))},
		)
		w.check(err)
		if out.TaskDefinition.Status == types.TaskDefinitionStatusActive {
			left++
		}
		w.cloud.Advance(time.Second)
	}
	if _, still := w.ran(w.bad[strings.Index(w.bad, "@")+1:]); still || left > 0 || len(w.errors) == 0 {
		t.Errorf("%d definitions are left, a task runs: %v, throttled %d times", left, still, len(w.errors))
	}
}

// A runtime that names the image of an index, and not the index that the tag stands for, costs no task.
func TestImageOfATaggedIndex(t *testing.T) {
	w := newWorld(t)
	repository, child, _ := strings.Cut(w.bad, "@")
	index := w.index(repository, child)
	task := func(digest string) *ecsgate.TaskOutcome {
		t.Helper()
		w.outcomes = nil
		arn := w.cloud.PutTask(cluster, types.Task{Group: aws.String("family:job"), Containers: []types.Container{
			{Name: aws.String("app"), Image: aws.String(repository + ":multi"), ImageDigest: &digest}}})
		event := fmt.Sprintf(
			`{"source":"aws.ecs","detail-type":"ECS Task State Change","detail":{"taskArn":%q,"clusterArn":"arn:aws:ecs:us-east-1:111122223333:cluster/shop",
			"version":4,"lastStatus":"RUNNING","containers":[{"name":"app","image":%q,"imageDigest":%q}]}}`,
			arn,
			repository+":multi",
			digest,
		)
		w.check(w.tasks.Handle(t.Context(), json.RawMessage(event)))
		return w.outcomes[0]
	}
	for name, digest := range map[string]string{"the index": index, "its image": child} {
		if o := task(digest); o.Verdict != policy.Allow {
			t.Errorf("%s: %v, %s", name, o.Verdict, o.Reason)
		}
	}
	// Another image of the repository, which is of no index.
	if o := task(w.move(repository, w.push("unsigned-too", nil))); o.Verdict != policy.Deny {
		t.Errorf("another image: %v, %s", o.Verdict, o.Reason)
	}
}

// What is no event of ECS, or of another kind, stops nothing.
func TestTaskEventsMalformed(t *testing.T) {
	w := newWorld(t)
	for _, event := range []string{"", "null", "[]", `{"source":"custom","detail-type":"ECS Task State Change","detail":{}}`,
		`{"source":"aws.ecs","detail-type":"ECS Task State Change","detail":{"taskArn":"a"}}`,
		`{"source":"aws.ecs","detail-type":"ECS Task State Change","detail":[]}`} {
		if err := w.tasks.Handle(t.Context(), json.RawMessage(event)); err == nil {
			t.Errorf("%s: no error", event)
		}
	}
	w.check(w.tasks.Handle(t.Context(), json.RawMessage(`{"source":"aws.ecs","detail-type":"ECS Service Action","detail":{}}`)))
	// A forged event about a task that runs something else.
	definition := w.define("job", w.signed)
	out, err := w.client.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &definition})
	w.check(err)
	w.cloud.Advance(time.Minute)
	forged := fmt.Sprintf(
		`{"source":"aws.ecs","detail-type":"ECS Task State Change","detail":{"taskArn":%q,"clusterArn":"arn:aws:ecs:us-east-1:111122223333:cluster/shop",
		"version":9,"lastStatus":"RUNNING","containers":[{"name":"app","image":%q}]}}`,
		*out.Tasks[0].TaskArn,
		w.bad,
	)
	w.restart()
	if err := w.tasks.Handle(t.Context(), json.RawMessage(forged)); err == nil ||
		!strings.Contains(err.Error(), "the task runs nothing that was denied") {
		t.Errorf("%v", err)
	}
	if calls := w.cloud.Calls(); calls["ecs:StopTask"] != 0 {
		t.Errorf("%v", calls)
	}
	if err := (&ecsgate.Tasks{}).Validate(); err == nil {
		t.Error("the zero door decides")
	}
}

// Pause hooks are answered from wherever events go, always with an action.
func TestPauses(t *testing.T) {
	for name, c := range map[string]struct {
		image   func(w *world) string
		timeout types.DeploymentLifecycleHookAction
		action  any
	}{
		"signed":             {func(w *world) string { return w.other }, "ROLLBACK", "CONTINUE"},
		"unsigned":           {func(w *world) string { return w.bad }, "ROLLBACK", "ROLLBACK"},
		"signed, fails open": {func(w *world) string { return w.other }, "CONTINUE", "ROLLBACK"},
	} {
		w := newWorld(t)
		pauses := &ecsgate.Pauses{Hook: w.hook, Client: w.client}
		w.check(pauses.Validate())
		w.serve("web", w.signed, nil)
		var failed []error
		w.cloud.Subscribe(func(ctx context.Context, event json.RawMessage) error {
			err := pauses.Handle(ctx, event)
			if err != nil {
				failed = append(failed, err)
			}
			return err
		}, ecstest.HookStateChange)
		var said []any
		w.cloud.Edit(
			"ecs:ContinueServiceDeployment",
			ecstest.Edit{Request: func(members map[string]any) { said = append(said, members["action"]) }},
		)
		config := &types.DeploymentConfiguration{
			Strategy: types.DeploymentStrategyRolling,
			LifecycleHooks: []types.DeploymentLifecycleHook{{
				TargetType: types.DeploymentLifecycleHookTargetTypePause, LifecycleStages: []types.DeploymentLifecycleHookStage{preScaleUp},
				TimeoutConfiguration: &types.DeploymentLifecycleHookTimeoutConfiguration{Action: c.timeout},
			}, {
				// a person's
				TargetType:      types.DeploymentLifecycleHookTargetTypePause,
				LifecycleStages: []types.DeploymentLifecycleHookStage{postScaleUp},
			}},
		}
		definition := w.define("web", c.image(w))
		_, err := w.client.UpdateService(
			t.Context(),
			&ecs.UpdateServiceInput{
				Cluster:                 aws.String(cluster),
				Service:                 aws.String("web"),
				TaskDefinition:          &definition,
				DeploymentConfiguration: config,
			},
		)
		w.check(err)
		w.cloud.Advance(10 * time.Minute)
		if len(said) != 1 || said[0] != c.action || len(failed) > 0 {
			t.Errorf("%s: %v, %v", name, said, failed)
		}
		digest := c.image(w)[strings.Index(c.image(w), "@")+1:]
		if runs := slices.Contains(w.running("service:web"), digest); runs != (c.action == "CONTINUE") {
			t.Errorf("%s: %q", name, w.running("service:web"))
		}
		// The same events again: somebody has answered.
		for _, event := range w.cloud.Events(ecstest.HookStateChange) {
			w.check(pauses.Handle(t.Context(), event))
		}
		if len(said) != 1 {
			t.Errorf("%s: answered again: %v", name, said)
		}
	}
}

// An outage is waited for, and two pause hooks of one stage are a person's to sort out.
func TestPausesWait(t *testing.T) {
	w := newWorld(t)
	pauses := &ecsgate.Pauses{Hook: w.hook, Client: w.client}
	w.serve("web", w.signed, nil)
	pause := types.DeploymentLifecycleHook{
		TargetType:      types.DeploymentLifecycleHookTargetTypePause,
		LifecycleStages: []types.DeploymentLifecycleHookStage{preScaleUp},
	}
	deploy := func(hooks ...types.DeploymentLifecycleHook) json.RawMessage {
		definition := w.define("web", w.other)
		_, err := w.client.UpdateService(
			t.Context(),
			&ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskDefinition: &definition,
				DeploymentConfiguration: &types.DeploymentConfiguration{LifecycleHooks: hooks}},
		)
		w.check(err)
		w.cloud.Advance(time.Minute)
		events := w.cloud.Events(ecstest.HookStateChange)
		return events[len(events)-1]
	}
	w.hook.Retry = time.Hour
	w.broken.Store(true)
	event := deploy(pause)
	if err := pauses.Handle(t.Context(), event); err == nil || !strings.Contains(err.Error(), "not decided") {
		t.Errorf("%v", err)
	}
	w.broken.Store(false)
	w.check(pauses.Handle(t.Context(), event))
	if n := w.cloud.Calls()["ecs:ContinueServiceDeployment"]; n != 1 {
		t.Errorf("%d answers", n)
	}
	if err := pauses.Handle(t.Context(), deploy(pause, pause)); err == nil || !strings.Contains(err.Error(), "2 pause hooks") {
		t.Errorf("%v", err)
	}
}

// What AWS adds to a task is let be, and a task's own container of such a name is not.
func TestInjectedInTasks(t *testing.T) {
	w := newWorld(t)
	const agent = "444455556666.dkr.ecr.us-east-1.amazonaws.com/agent:v1"
	w.tasks.Injected = []ecsgate.Injected{{Name: "aws-guardduty-agent-*", Account: "444455556666"}}
	for name, c := range map[string]struct {
		defined bool
		want    policy.Verdict
	}{"added by AWS": {false, policy.Allow}, "the task's own": {true, policy.Indeterminate}} {
		task := types.TaskDefinition{Family: aws.String("job"),
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: &w.signed}}}
		if c.defined {
			task.ContainerDefinitions = append(task.ContainerDefinitions,
				types.ContainerDefinition{Name: aws.String("aws-guardduty-agent-x"), Image: aws.String(agent)})
		}
		w.outcomes = nil
		w.check(w.tasks.Handle(t.Context(), fmt.Appendf(nil, `{"source":"aws.ecs","detail-type":"ECS Task State Change","detail":{
			"taskArn":"arn:aws:ecs:us-east-1:111122223333:task/shop/%t","clusterArn":"arn:aws:ecs:us-east-1:111122223333:cluster/shop","version":4,
			"taskDefinitionArn":%q,"lastStatus":"RUNNING","containers":[{"name":"app","image":%q},{"name":"aws-guardduty-agent-x","image":%q}]}}`,
			c.defined, w.cloud.PutTaskDefinition(task), w.signed, agent)))
		if o := w.outcomes[0]; o.Verdict != c.want {
			t.Errorf("%s: %v, %s", name, o.Verdict, o.Reason)
		}
	}
}

// A warm decision asks nobody: of a task, no call of ECS at all, and of a deployment the three that it is about; the registry rests.
func TestWarm(t *testing.T) {
	w := newWorld(t)
	checker, err := gate.New(&gate.Rules{Gate: w.gate}, nil) // that keeps what it decided
	w.check(err)
	w.hook.Checker = checker
	w.restart()
	w.serve("web", w.signed, gated(preScaleUp))
	event := w.deploy(w.signed)
	w.expect(event, "SUCCEEDED", "is allowed")
	w.cloud.ResetCalls()
	w.requests.Store(0)
	w.expect(event, "SUCCEEDED", "is allowed")
	if calls := w.cloud.Calls(); len(calls) != 3 || calls["ecs:DescribeServiceDeployments"]+calls["ecs:DescribeServiceRevisions"]+
		calls["ecs:DescribeTaskDefinition"] != 3 {
		t.Errorf("%v", calls)
	}
	definition := w.define("job", w.signed)
	w.cloud.ResetCalls()
	_, err = w.client.RunTask(t.Context(),
		&ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &definition, Count: aws.Int32(10)})
	w.check(err)
	w.cloud.Advance(time.Minute)
	if calls := w.cloud.Calls(); len(calls) != 1 || w.requests.Load() != 0 || len(w.running("family:job")) != 10 {
		t.Errorf("%v, %d requests to the registry", calls, w.requests.Load())
	}
}
