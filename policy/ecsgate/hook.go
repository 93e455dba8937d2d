package ecsgate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/internal/oneline"
	"github.com/ladingdev/lading/policy"
	"github.com/ladingdev/lading/policy/gate"
)

// A Status is a hook's answer to ECS.
type Status string

const (
	Succeeded  Status = "SUCCEEDED"   // the deployment goes on
	Failed     Status = "FAILED"      // the deployment is rolled back
	InProgress Status = "IN_PROGRESS" // ECS asks again after CallBackDelay
)

// CallBackDelay is how long ECS is told to wait before it asks again.
const CallBackDelay = 30 * time.Second

// A Hook answers ECS's deployment lifecycle hook. Its fields are set before first use; then it is safe for concurrent
// use.
type Hook struct {
	// Client is where revisions and task definitions are looked up; what it does not answer ends after 30 seconds. It must
	// be set.
	Client Client
	// Checker decides on each image, which always has a digest. With the mode policy.Warn or policy.Audit of its rules the hook
	// answers SUCCEEDED to everything, and Outcome.Reason says what it would have refused. It must be set.
	Checker *gate.Checker
	// Name is the door's in the requests that policies see (policy.Request.Gate); empty means "hook".
	Name string
	// Function is the ARN of the Lambda function that the hook is, without version or alias. With it, only its own hooks are looked at
	// where the timeout action matters; without it, all Lambda hooks of the deployment's PRE_SCALE_UP are.
	Function string
	// Tags lets images be named by tag: the digest that the tag stands for at PRE_SCALE_UP is decided on, remembered in hookDetails,
	// and must be what runs at the later stages. It needs Function, and a stage from POST_SCALE_UP to PRE_PRODUCTION_TRAFFIC_SHIFT
	// for the same hook: a first task has run by then, without traffic. False refuses tags before anything runs.
	Tags bool
	// Injected are containers that AWS adds and that are let be; nil means that the policy judges them.
	Injected []Injected
	// Retry is how long after the start of a deployment an undecided answer is IN_PROGRESS; afterwards it is FAILED.
	// Keep it shorter than the hook's timeout. Zero means that what cannot be decided at once fails.
	Retry time.Duration
	// Log gets one record for each event and one for each container; nil means none.
	Log *slog.Logger
	// Observe is told every outcome before ECS is; nil means nobody.
	Observe func(ctx context.Context, o *Outcome)
	// Now tells the time that Retry is measured by; nil means time.Now.
	Now func() time.Time
}

// Validate returns an error if the Hook cannot decide. Programs call it when they start.
func (h *Hook) Validate() error {
	switch {
	case h.Client == nil:
		return errors.New("ecsgate: the hook has no client of ECS")
	case h.Checker == nil:
		return errors.New("ecsgate: the hook has no checker")
	case h.Retry < 0:
		return errors.New("ecsgate: the hook has a negative Retry")
	case h.Tags && h.Function == "":
		return errors.New("ecsgate: a hook that lets tags pass needs its Function, to see whether it is asked again later")
	}
	return validInjected(h.Injected)
}

// An Outcome is an answer and its reasons.
type Outcome struct {
	Event    Event // zero if it could not be read
	Status   Status
	Reason   string                   // why, one line
	Strategy types.DeploymentStrategy // how the deployment replaces tasks; empty if it was not looked up
	Mode     policy.Effect            // of the rules: beside anything but policy.Enforce, Status is SUCCEEDED
	Refused  bool                     // what Status is, or would be, without Mode
	Warnings []string                 // what the policy only warns of
	// Containers are those that were judged, in the task definition's order.
	Containers []Container
	Err        error // what stood in the way of judging, or nil

	remembered map[string]string
	again      bool // the hook is asked again at a later stage
}

// Handle answers one event. The error is always nil: ECS rolls back on any error, even when it already does, so what
// goes wrong is an answer too.
func (h *Hook) Handle(ctx context.Context, event json.RawMessage) (json.RawMessage, error) {
	o := h.answer(ctx, event)
	h.log(ctx, o)
	if h.Observe != nil {
		h.Observe(ctx, o)
	}
	answer := struct {
		HookStatus    Status         `json:"hookStatus"`
		CallBackDelay int            `json:"callBackDelay,omitempty"` // in seconds
		HookDetails   map[string]any `json:"hookDetails,omitempty"`
	}{HookStatus: o.Status}
	if o.Status == InProgress {
		answer.CallBackDelay = int(CallBackDelay / time.Second)
	}
	if digests := o.digests(); len(digests) > 0 {
		answer.HookDetails = map[string]any{memory: digests}
	}
	return json.Marshal(answer)
}

// digests are what is remembered for later stages: what was decided on, by container.
func (o *Outcome) digests() map[string]string {
	if slices.Contains(started, o.Event.Stage) || o.Refused || !o.again {
		return nil
	}
	digests := map[string]string{}
	for _, c := range o.Containers {
		if d := c.Decision.Subject.Digest; d != "" && !c.Injected {
			digests[c.Name] = string(d)
		}
	}
	return digests
}

// started are the stages at which tasks of the new revision run already. At any other something may still be kept out, at one that ECS
// may add too.
var started = []types.DeploymentLifecycleHookStage{
	types.DeploymentLifecycleHookStagePostScaleUp,
	types.DeploymentLifecycleHookStageTestTrafficShift,
	types.DeploymentLifecycleHookStagePostTestTrafficShift,
	types.DeploymentLifecycleHookStagePreProductionTrafficShift,
	types.DeploymentLifecycleHookStageProductionTrafficShift,
	types.DeploymentLifecycleHookStagePostProductionTrafficShift,
}

func (h *Hook) answer(ctx context.Context, event []byte) *Outcome {
	e, remembered, err := parseEvent(event)
	o := &Outcome{Event: e, remembered: remembered}
	if h.Checker != nil {
		o.Mode = h.Checker.Rules().Mode
	}
	if err != nil {
		return o.fail(err).settle()
	}
	switch {
	case e.Stage == types.DeploymentLifecycleHookStageReconcileService:
		o.Status, o.Reason = Succeeded, "nothing is decided at this stage: PRE_SCALE_UP comes before the tasks start"
		return o
	case e.DeploymentARN == "" || e.RevisionARN == "":
		return o.fail(fmt.Errorf("%w: it has no resourceArn or no targetServiceRevisionArn", ErrEvent)).settle()
	case h.Client == nil:
		return o.fail(errors.New("the hook has no client")).settle()
	}
	d, err := h.look().deployment(ctx, e.DeploymentARN)
	if err == nil && d.DeploymentConfiguration != nil {
		o.Strategy = d.DeploymentConfiguration.Strategy
	}
	h.decide(ctx, o, d, err)
	return o.settle()
}

// settle makes of an outcome what the mode of the rules wants.
func (o *Outcome) settle() *Outcome {
	if o.Refused = o.Status == Failed; o.Mode != policy.Enforce && o.Status != Succeeded {
		o.Status, o.Reason = Succeeded, "it would be refused: "+o.Reason
		o.Refused = true
	}
	return o
}

// fail answers that the deployment cannot go on, because of err.
func (o *Outcome) fail(err error) *Outcome {
	o.Status, o.Err = Failed, err
	o.Reason = oneline.Error(err)
	return o
}

// decide judges what the deployment runs. The deployment is nil if it could not be looked up, because of missing.
func (h *Hook) decide(ctx context.Context, o *Outcome, d *types.ServiceDeployment, missing error) {
	open := h.failsOpen(d)
	o.again = h.asksAgain(d)
	o.Containers, missing = h.judge(ctx, o, missing)
	denied, unknown := verdicts(o.Containers)
	refused := append(open, denied...)
	for _, c := range o.Containers {
		for _, w := range c.Warnings {
			o.Warnings = append(o.Warnings, fmt.Sprintf("container %s: %s", c.Name, w))
		}
	}
	if missing != nil {
		unknown = append(unknown, missing)
	}
	back := d != nil &&
		(d.Status == types.ServiceDeploymentStatusRollbackRequested || d.Status == types.ServiceDeploymentStatusRollbackInProgress)
	switch {
	case len(refused) > 0:
		o.Status, o.Reason, o.Err = Failed, strings.Join(refused, "; "), missing
		if len(open) > 0 {
			o.Err = errors.Join(ErrFailOpen, missing)
		}
	case len(unknown) > 0:
		o.fail(errors.Join(unknown...))
		if d != nil && h.young(d) { // without the deployment's start, asking again would have no end
			o.Status = InProgress
		}
	default:
		o.Status, o.Reason = Succeeded, fmt.Sprintf("the image of every container is allowed, of %d", len(o.Containers))
	}
	if back && o.Status != Succeeded {
		o.Status, o.Reason = Succeeded, "the deployment is being rolled back; otherwise: "+o.Reason
	}
}

func (h *Hook) young(d *types.ServiceDeployment) bool {
	now := time.Now
	if h.Now != nil {
		now = h.Now
	}
	start := cmp.Or(d.StartedAt, d.CreatedAt)
	return start != nil && now().Before(start.Add(h.Retry))
}

// own reports whether a hook of the deployment's configuration is this one, as far as can be told.
func (h *Hook) own(target *string, kind types.DeploymentLifecycleHookTargetType) bool {
	if kind == types.DeploymentLifecycleHookTargetTypePause {
		return false
	}
	arn := aws.ToString(target)
	return h.Function == "" || arn == h.Function || strings.HasPrefix(arn, h.Function+":")
}

// failsOpen says which hooks let a deployment go on when they do not answer.
func (h *Hook) failsOpen(d *types.ServiceDeployment) (why []string) {
	if d == nil || d.DeploymentConfiguration == nil {
		return nil
	}
	for _, c := range d.DeploymentConfiguration.LifecycleHooks {
		t := c.TimeoutConfiguration
		if t == nil || t.Action != types.DeploymentLifecycleHookActionContinue || !h.own(c.HookTargetArn, c.TargetType) {
			continue
		}
		if h.Function == "" && !slices.Contains(c.LifecycleStages, types.DeploymentLifecycleHookStagePreScaleUp) {
			continue
		}
		why = append(
			why,
			fmt.Sprintf("%v: the timeout action of hook %s is CONTINUE, so that everything gets in when it does not answer; set ROLLBACK",
				ErrFailOpen, gate.Quote(aws.ToString(c.HookTargetArn))),
		)
	}
	return why
}

// asksAgain reports whether the hook is asked again when the digest is known and no traffic has come yet.
func (h *Hook) asksAgain(d *types.ServiceDeployment) bool {
	if d == nil || d.DeploymentConfiguration == nil {
		return false
	}
	for _, c := range d.DeploymentConfiguration.LifecycleHooks {
		if !h.own(c.HookTargetArn, c.TargetType) {
			continue
		}
		for _, stage := range []types.DeploymentLifecycleHookStage{
			types.DeploymentLifecycleHookStagePostScaleUp, types.DeploymentLifecycleHookStagePostTestTrafficShift,
			types.DeploymentLifecycleHookStagePreProductionTrafficShift,
		} {
			if slices.Contains(c.LifecycleStages, stage) {
				return true
			}
		}
	}
	return false
}

// judge lists the containers of the revision and decides on each. It returns what is missing besides.
func (h *Hook) judge(ctx context.Context, o *Outcome, missing error) ([]Container, error) {
	ctx, cancel := forJudging(ctx)
	defer cancel()
	r, err := h.look().revision(ctx, o.Event.RevisionARN)
	if err != nil {
		return nil, errors.Join(err, missing)
	}
	exec, err := h.executeCommand(ctx, r)
	if err != nil {
		missing = errors.Join(missing, err)
	}
	j := &judge{checker: h.Checker, request: serviceRequest(cmp.Or(h.Name, "hook"), string(o.Event.Stage), r.revision)}
	list := r.containers(h.Injected)
	attributes := func(i int) map[string]string {
		a := definitionAttributes(r.definition, r.revision, list[i].Name)
		a[AttributeStrategy], a[AttributeExecuteCommand] = string(o.Strategy), exec
		a[AttributeLaunch] = string(r.revision.LaunchType)
		return a
	}
	late := slices.Contains(started, o.Event.Stage)
	for i := range list {
		switch c := &list[i]; {
		case late:
			h.compare(ctx, j, c, o.remembered)
		case !strings.Contains(c.Image, "@"):
			c.Digest = "" // if it is known, it is not what was decided on
			if h.Tags {
				h.resolve(ctx, c, o.again, attributes(i)[AttributeVersionConsistency])
			}
		}
	}
	j.images(ctx, list, attributes)
	return list, missing
}

// resolve looks up what a tag stands for now. ECS looks it up later: what it found is compared then.
func (h *Hook) resolve(ctx context.Context, c *Container, again bool, consistency string) {
	switch {
	case c.Decision != nil || c.Injected:
	case !again:
		c.Decision = notPinned(c.Image)
		c.Decision.Reason += ", and the hook is at no later stage at which that could be seen"
	case consistency != string(types.VersionConsistencyEnabled):
		c.Decision = notPinned(c.Image)
		c.Decision.Reason += ", and with versionConsistency disabled ECS does not look it up"
	default:
		ref, err := h.Checker.Resolve(ctx, &gate.Question{Name: c.Image})
		if err != nil {
			c.Decision = undecided(c.Image, err)
			return
		}
		c.Digest = string(ref.Digest)
	}
}

// compare refuses what runs if it is not what was decided on. What is remembered only refuses: anybody may have written it.
func (h *Hook) compare(ctx context.Context, j *judge, c *Container, remembered map[string]string) {
	was := remembered[c.Name]
	now := cmp.Or(c.Digest, pinnedDigest(c.Image))
	if c.Decision != nil || c.Injected || was == "" || now == "" || was == now || j.isOf(ctx, c.Image, was, now) {
		return
	}
	c.Decision = denied(
		c.Image,
		"what runs is what was decided on",
		fmt.Errorf("%w: %s runs, %s was decided on", ErrChanged, now, gate.Quote(was)),
	)
}

func (h *Hook) log(ctx context.Context, o *Outcome) {
	if h.Log == nil {
		return
	}
	level := slog.LevelInfo
	if o.Status != Succeeded || o.Refused || len(o.Warnings) > 0 {
		level = slog.LevelWarn
	}
	log := h.Log.With("execution", o.Event.ExecutionID, "service", o.Event.ServiceARN, "revision", o.Event.RevisionARN)
	for _, c := range o.Containers {
		log.Log(
			ctx,
			level,
			"container",
			"name",
			c.Name,
			"image",
			c.Image,
			"digest",
			c.Digest,
			"verdict",
			c.Decision.Verdict.String(),
			"reason",
			c.Decision.Reason,
		)
	}
	log.Log(ctx, level, "deployment", "stage", string(o.Event.Stage), "deployment", o.Event.DeploymentARN, "strategy", string(o.Strategy),
		"status", string(o.Status), "mode", o.Mode.String(), "refused", o.Refused, "reason", o.Reason, "warnings", o.Warnings)
}
