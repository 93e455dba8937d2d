package ecsgate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// Tasks decides on what runs, by whatever way it was started: it is for the target of an EventBridge rule on source aws.ecs and the
// detail-types "ECS Task State Change" and "ECS Daemon Deployment State Change". What is denied is stopped so that nothing starts it
// again, if it may be: nothing is stopped but in Clusters, none more than PerMinute, and nothing because it could not be judged.
//
// Events come in any order, more than once, and not at all: a task is decided on once in a process, and what is done about it depends on
// what ECS says of it then, so that another process, or the same event after a crash, goes on where it was left.
//
// Make one with [NewTasks]; its fields are set before first use, then it is safe for concurrent use.
type Tasks struct {
	// Client is where services, revisions and definitions are looked up. It must be set.
	Client Client
	// Checker decides on each image, by the digest that runs. With the mode policy.Warn or policy.Audit of its rules nothing is
	// stopped. It must be set.
	Checker *gate.Checker
	// Task, Service, Express and Daemon are what the steps are made with. One that is nil is left out, and the outcome says so.
	// Without DaemonReader, daemons are not looked at.
	Task         TaskClient
	Service      ServiceClient
	Express      ExpressClient
	DaemonReader DaemonReader
	Daemon       DaemonClient
	// Name is the door's in the requests that policies see (policy.Request.Gate); empty means "runtime".
	Name string
	// Clusters are the names of those in which something may be stopped. Nil means nowhere: the outcome says what would be.
	Clusters []string
	// PerMinute is how many tasks and daemons may be stopped in a minute, by this process; zero means 10. What is beyond is an
	// error, so that EventBridge delivers it again.
	PerMinute int
	// Injected are containers that AWS adds and that are let be; nil means that the policy judges them.
	Injected []Injected
	// Log gets one record for each decision; nil means none.
	Log *slog.Logger
	// Observe is told every outcome, those of repeated events too; nil means nobody.
	Observe func(ctx context.Context, o *TaskOutcome)
	// Now tells the time that PerMinute is measured by; nil means time.Now.
	Now func() time.Time

	mu      sync.Mutex
	known   map[string]*knownTask
	order   []string // of known, the oldest first
	stopped []time.Time
	actors  map[string]string // who called, by task or service, as CloudTrail has it
}

// NewTasks returns a door that stops nothing yet: set Clusters.
func NewTasks(client *ecs.Client, checker *gate.Checker) *Tasks {
	return &Tasks{Client: client, Checker: checker, Task: client, Service: client, Express: client, DaemonReader: client, Daemon: client}
}

// Validate returns an error if nothing can be decided. Programs call it when they start.
func (t *Tasks) Validate() error {
	switch {
	case t.Client == nil:
		return errors.New("ecsgate: the task door has no client of ECS")
	case t.Checker == nil:
		return errors.New("ecsgate: the task door has no checker")
	case t.PerMinute < 0:
		return errors.New("ecsgate: PerMinute is negative")
	case len(t.Clusters) > 0 && t.Task == nil:
		return errors.New("ecsgate: clusters in which tasks are stopped, and no Task client to stop them with")
	}
	for _, name := range t.Clusters {
		if name == "" || strings.ContainsAny(name, "*/:") {
			return fmt.Errorf("ecsgate: cluster %q: the name of one, not an ARN or a pattern", name)
		}
	}
	return validInjected(t.Injected)
}

// A TaskOutcome is what was decided on a task or a daemon, and what was done.
type TaskOutcome struct {
	Task       string // ARN of the task or the daemon
	Version    int64  // of the task, counted by ECS
	Cluster    string // name
	Group      string // service:NAME, family:NAME, daemon:NAME or what the caller said
	Definition string // ARN of the task definition
	StartedBy  string
	Actor      string          // ARN of who called, once CloudTrail's event was seen: what is denied is told again then, as Repeated
	Overrides  json.RawMessage // what the caller changed of the definition; nil if nothing
	Exec       bool            // whether people may get into the containers
	Containers []Container

	Verdict  policy.Verdict
	Reason   string // why, one line
	Waiting  bool   // nothing is decided: ECS has not said yet what runs
	Repeated bool   // this was decided before, and nothing more was done; it has no Containers, Overrides and Steps
	Mode     policy.Effect
	Steps    []Step // what was done about what is denied, in order
}

// A Step is one thing that was done, or not.
type Step struct {
	Action string // of ECS, such as StopTask
	Target string // what it is done to
	Done   bool
	Note   string // why it was not needed, or not done
	Err    error
}

// knownTask is what is known of a task that was seen.
type knownTask struct {
	mu      sync.Mutex
	version int64
	settled string // the digests that were decided on, when nothing more is to be done
	outcome *TaskOutcome
}

// maxKnown is how many tasks are remembered.
const maxKnown = 10_000

// know returns what is known of a task.
func (t *Tasks) know(arn string) *knownTask {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k := t.known[arn]; k != nil {
		return k
	}
	if t.known == nil {
		t.known = map[string]*knownTask{}
	}
	if len(t.order) == maxKnown {
		delete(t.known, t.order[0])
		t.order = t.order[1:]
	}
	k := new(knownTask)
	t.known[arn] = k
	t.order = append(t.order, arn)
	return k
}

// taskDetail is what of a task's event decides.
type taskDetail struct {
	TaskArn, ClusterArn, TaskDefinitionArn, Group, StartedBy, LaunchType string
	LastStatus, DesiredStatus                                            string
	Version                                                              int64
	EnableExecuteCommand                                                 bool
	Overrides                                                            json.RawMessage
	Containers                                                           []struct{ Name, Image, ImageDigest string }
	TrustedExecutionSummary                                              struct{ IsolationMode, AttestationPolicyStatus string }
	Attributes                                                           []struct{ Name, Value string }
}

// machine is the architecture that the task runs on, as ECS says: a service may override that of its definition.
func (d *taskDetail) machine() string {
	for _, a := range d.Attributes {
		if a.Name == "ecs.cpu-architecture" {
			return architecture(a.Value)
		}
	}
	return ""
}

// Handle decides on what an event tells of, and stops it if it is denied and may be. Events of other kinds are let be. An error means that
// the event should be delivered again: EventBridge does so for a Lambda function that returns it.
func (t *Tasks) Handle(ctx context.Context, event json.RawMessage) error {
	if t.Client == nil || t.Checker == nil {
		return t.Validate()
	}
	e, err := parseEnvelope(event)
	if err != nil {
		return err
	}
	switch e.DetailType {
	case "ECS Task State Change":
		return t.task(ctx, e.Detail)
	case "ECS Daemon Deployment State Change":
		return t.daemon(ctx, e.Detail)
	case "AWS API Call via CloudTrail":
		t.called(ctx, e.Detail)
	}
	return nil
}

func (t *Tasks) task(ctx context.Context, detail json.RawMessage) error {
	var d taskDetail
	if err := json.Unmarshal(detail, &d); err != nil {
		return fmt.Errorf("%w: %w", ErrEvent, err)
	}
	if d.TaskArn == "" || d.ClusterArn == "" {
		return fmt.Errorf("%w: it has no taskArn or no clusterArn", ErrEvent)
	}
	k := t.know(d.TaskArn)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.version = max(k.version, d.Version)
	o := t.outcomeOf(&d)
	if k.settled != "" && k.settled == d.digests() || k.outcome != nil && k.settled != "" && d.Version < k.outcome.Version {
		repeated := *k.outcome
		repeated.Repeated, repeated.Version = true, d.Version
		t.tell(ctx, &repeated)
		return nil
	}
	judged, cancel := forJudging(ctx)
	defer cancel()
	if err := t.judge(judged, &d, o); err != nil {
		return err
	}
	err := t.act(ctx, o, func() error { return t.stopTask(ctx, o) })
	t.tell(ctx, o)
	if err == nil && !o.Waiting && o.Verdict != policy.Indeterminate {
		k.settled, k.outcome = d.digests(), o.slim()
	}
	return err
}

// slim is what is kept of an outcome: without what was weighed.
func (o *TaskOutcome) slim() *TaskOutcome {
	s := *o
	s.Containers, s.Steps, s.Overrides = nil, nil, nil
	return &s
}

// digests names what a task runs, as far as it is known.
func (d *taskDetail) digests() string {
	var text strings.Builder
	for _, c := range d.Containers {
		fmt.Fprintf(&text, "%s=%s,", c.Name, cmp.Or(c.ImageDigest, pinnedDigest(c.Image)))
	}
	return text.String()
}

func (t *Tasks) outcomeOf(d *taskDetail) *TaskOutcome {
	o := &TaskOutcome{
		Task: d.TaskArn, Version: d.Version, Cluster: lastPart(d.ClusterArn), Group: d.Group, Definition: d.TaskDefinitionArn,
		StartedBy: d.StartedBy, Exec: d.EnableExecuteCommand, Mode: t.Checker.Rules().Mode,
		Actor: t.actor(d.TaskArn, d.Group),
	}
	if changes(d.Overrides) {
		o.Overrides = d.Overrides
	}
	for _, c := range d.Containers {
		o.Containers = append(o.Containers, Container{Name: c.Name, Image: c.Image, Digest: c.ImageDigest})
	}
	return o
}

// changes reports whether overrides say anything: ECS sends the names of containers even if they change nothing.
func changes(overrides json.RawMessage) bool {
	var o map[string]json.RawMessage
	if json.Unmarshal(overrides, &o) != nil {
		return len(overrides) > 0 && string(overrides) != "null"
	}
	var containers []map[string]json.RawMessage
	if json.Unmarshal(o["containerOverrides"], &containers) == nil {
		delete(o, "containerOverrides")
		for _, c := range containers {
			if delete(c, "name"); len(c) > 0 {
				return true
			}
		}
	}
	for _, v := range o {
		if text := string(v); text != "[]" && text != "null" && text != "{}" && text != `""` {
			return true
		}
	}
	return false
}

func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// judge decides on the containers that are known, and says whether more have to come.
func (t *Tasks) judge(ctx context.Context, d *taskDetail, o *TaskOutcome) error {
	region, account, _ := arnParts(d.TaskArn)
	j := &judge{checker: t.Checker, request: policy.Request{
		Gate: cmp.Or(
			t.Name,
			"runtime",
		), Operation: "RUN", User: o.Actor, Cluster: o.Cluster, Kind: "task", Workload: o.Group, Account: account, Region: region,
	}}
	var definition *running
	looks := !policy.IgnoresRequest(t.Checker.Rules().Gate.Policy) || slices.ContainsFunc(o.Containers, t.looksInjected)
	if looks && d.TaskDefinitionArn != "" && !strings.Contains(d.TaskDefinitionArn, daemonDefinition) {
		task, err := looker{t.Client}.definition(ctx, d.TaskDefinitionArn)
		if err != nil {
			return err
		}
		definition = &running{definition: task}
	}
	over := d.LastStatus == "RUNNING" || d.LastStatus == "STOPPED"
	waiting := 0
	for i := range o.Containers {
		c := &o.Containers[i]
		switch {
		case t.injected(definition, c):
			c.Injected = true
		case c.runs() == "" && !over:
			waiting++
			c.Decision = undecided(c.Image, errors.New("which digest it runs is not known yet"))
		case c.runs() == "":
			c.Decision = undecided(c.Image, fmt.Errorf("%w: ECS does not say which digest runs", ErrNotFound))
		}
	}
	overrides := "none"
	if o.Overrides != nil {
		overrides = string(o.Overrides)
	}
	j.images(ctx, o.Containers, func(i int) map[string]string {
		a := map[string]string{"container": o.Containers[i].Name}
		if definition != nil {
			a = definitionAttributes(definition.definition, nil, o.Containers[i].Name)
		}
		if machine := d.machine(); machine != "" {
			system, _, _ := strings.Cut(cmp.Or(a[AttributePlatform], "linux"), "/")
			a[AttributePlatform] = system + "/" + machine
		}
		if mode := d.TrustedExecutionSummary.IsolationMode; mode != "" {
			a[AttributeIsolation] = mode
		}
		a[AttributeExecuteCommand], a[AttributeOverrides] = strconv.FormatBool(o.Exec), overrides
		a[AttributeStartedBy], a[AttributeLaunch] = o.StartedBy, d.LaunchType
		return a
	})
	o.conclude(waiting)
	return nil
}

// looksInjected reports whether a container is one that ECS brings, by name and account. The task's own may be called so.
func (t *Tasks) looksInjected(c Container) bool {
	return slices.ContainsFunc(t.Injected, func(known Injected) bool { return known.matches(c.Name, c.Image) })
}

// injected reports whether ECS brought a container: the definition, which must be known, does not have it.
func (t *Tasks) injected(r *running, c *Container) bool {
	if r == nil || !t.looksInjected(*c) {
		return false
	}
	return !slices.ContainsFunc(r.definition.ContainerDefinitions, func(own types.ContainerDefinition) bool {
		return aws.ToString(own.Name) == c.Name
	})
}

func (o *TaskOutcome) conclude(waiting int) {
	refused, unknown := verdicts(o.Containers)
	switch {
	case len(refused) > 0:
		o.Verdict, o.Reason = policy.Deny, strings.Join(refused, "; ")
	case len(o.Containers) == 0:
		o.Waiting, o.Reason = true, "it has no containers yet"
	case waiting > 0:
		o.Waiting, o.Reason = true, fmt.Sprintf("of %d containers the digest is not known yet", waiting)
	case len(unknown) > 0:
		o.Reason = oneline.Error(errors.Join(unknown...))
	default:
		o.Verdict, o.Reason = policy.Allow, fmt.Sprintf("the image of every container is allowed, of %d", len(o.Containers))
	}
}

// act stops what is denied, if it may be stopped. The error is for the event to be delivered again.
func (t *Tasks) act(ctx context.Context, o *TaskOutcome, stop func() error) error {
	switch {
	case o.Verdict == policy.Indeterminate && !o.Waiting && o.again():
		return fmt.Errorf("%w: %s", ErrUndecided, o.Reason)
	case o.Verdict != policy.Deny:
		return nil
	case o.Mode != policy.Enforce:
		o.Steps = []Step{{Action: "StopTask", Target: o.Task, Note: "nothing is stopped: the policy's mode is " + o.Mode.String()}}
		return nil
	case !slices.Contains(t.Clusters, o.Cluster):
		o.Steps = []Step{{Action: "StopTask", Target: o.Task, Note: "nothing is stopped in the cluster " + gate.Quote(o.Cluster)}}
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return stop()
}

// again reports whether asking again may help: a digest that ECS does not tell stays untold.
func (o *TaskOutcome) again() bool {
	for _, c := range o.Containers {
		if c.Decision.Verdict == policy.Indeterminate && !errors.Is(c.Decision.Cause, ErrNotFound) {
			return true
		}
	}
	return false
}

// may takes one of the minute's stops.
func (t *Tasks) may() bool {
	now := time.Now
	if t.Now != nil {
		now = t.Now
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at := now()
	t.stopped = slices.DeleteFunc(t.stopped, func(old time.Time) bool { return at.Sub(old) >= time.Minute })
	if len(t.stopped) >= cmp.Or(t.PerMinute, 10) {
		return false
	}
	t.stopped = append(t.stopped, at)
	return true
}

func (t *Tasks) tell(ctx context.Context, o *TaskOutcome) {
	if t.Observe != nil {
		t.Observe(ctx, o)
	}
	if t.Log == nil || o.Repeated || o.Waiting {
		return
	}
	level := slog.LevelInfo
	if o.Verdict != policy.Allow {
		level = slog.LevelWarn
	}
	t.Log.Log(
		ctx,
		level,
		"task",
		"task",
		o.Task,
		"version",
		o.Version,
		"group",
		o.Group,
		"definition",
		o.Definition,
		"startedBy",
		o.StartedBy,
		"actor",
		o.Actor,
		"overrides",
		string(o.Overrides),
		"exec",
		o.Exec,
		"verdict",
		o.Verdict.String(),
		"mode",
		o.Mode.String(),
		"reason",
		o.Reason,
	)
	for _, s := range o.Steps {
		why := s.Note
		if s.Err != nil {
			why = oneline.Error(s.Err)
		}
		t.Log.Log(ctx, level, "step", "task", o.Task, "action", s.Action, "target", s.Target, "done", s.Done, "note", why)
	}
}

// maxActors is how many callers are remembered.
const maxActors = 10_000

// called remembers who made a call that starts something: "AWS API Call via CloudTrail", which comes minutes later. What was denied
// meanwhile is told again, with the caller.
func (t *Tasks) called(ctx context.Context, detail json.RawMessage) {
	var c struct {
		EventSource, EventName string
		UserIdentity           struct{ Arn string }
		ResponseElements       struct {
			Tasks     []struct{ TaskArn string }
			Service   struct{ ServiceArn string }
			DaemonArn string
		}
	}
	if json.Unmarshal(detail, &c) != nil || c.EventSource != "ecs.amazonaws.com" || c.UserIdentity.Arn == "" {
		return
	}
	t.mu.Lock()
	if t.actors == nil || len(t.actors) >= maxActors {
		t.actors = map[string]string{}
	}
	for _, task := range c.ResponseElements.Tasks {
		t.actors[task.TaskArn] = c.UserIdentity.Arn
	}
	for _, arn := range []string{c.ResponseElements.Service.ServiceArn, c.ResponseElements.DaemonArn} {
		if arn != "" {
			t.actors[arn] = c.UserIdentity.Arn
		}
	}
	known := slices.Collect(maps.Values(t.known))
	t.mu.Unlock()
	for _, k := range known {
		k.mu.Lock()
		if o := k.outcome; o != nil && o.Verdict == policy.Deny && o.Actor == "" {
			if o.Actor = t.actor(o.Task, o.Group); o.Actor != "" {
				again := *o
				again.Repeated = true
				t.tell(ctx, &again)
				if t.Log != nil {
					t.Log.WarnContext(ctx, "actor", "task", o.Task, "actor", o.Actor, "call", c.EventName, "reason", o.Reason)
				}
			}
		}
		k.mu.Unlock()
	}
}

// actor is who started a task, or changed its service last, as far as was seen.
func (t *Tasks) actor(task, group string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if by := t.actors[task]; by != "" {
		return by
	}
	name, ok := strings.CutPrefix(group, "service:")
	head, _, found := strings.Cut(task, ":task/")
	_, _, resource := arnParts(task)
	if !ok || !found || len(resource) < 3 {
		return ""
	}
	return t.actors[head+":service/"+resource[1]+"/"+name]
}
