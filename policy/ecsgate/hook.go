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
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/opencontainers/go-digest"

	"github.com/ladingdev/lading/policy"
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

// Kinds of refusal, for errors.Is on a Decision's or an Outcome's Err.
var (
	ErrNotPinned = errors.New("the image has no digest")
	ErrNotFound  = errors.New("not found in ECS")
	ErrMismatch  = errors.New("ECS contradicts itself") // two answers about one deployment do not fit together
)

// Client is the part of ECS that a Hook asks. The AWS SDK's *ecs.Client is one.
type Client interface {
	DescribeServiceDeployments(context.Context, *ecs.DescribeServiceDeploymentsInput, ...func(*ecs.Options)) (*ecs.DescribeServiceDeploymentsOutput, error)
	DescribeServiceRevisions(context.Context, *ecs.DescribeServiceRevisionsInput, ...func(*ecs.Options)) (*ecs.DescribeServiceRevisionsOutput, error)
	DescribeTaskDefinition(context.Context, *ecs.DescribeTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.DescribeTaskDefinitionOutput, error)
}

// A Hook answers ECS's deployment lifecycle hook. Its fields are set before first use; then it is safe for concurrent
// use.
type Hook struct {
	// Client is where revisions and task definitions are looked up; what it does not answer ends after 30 seconds. It must
	// be set.
	Client Client
	// Gate decides on each image. Its Open is given names as the task definition has them, always with a digest. It must
	// be set.
	Gate *policy.Gate
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

// Validate returns an error if the Hook cannot decide or its Gate can never allow anything, as [policy.Gate.Validate] tells.
// Programs call it when they start.
func (h *Hook) Validate() error {
	switch {
	case h.Client == nil:
		return errors.New("ecsgate: the hook has no client of ECS")
	case h.Gate == nil:
		return errors.New("ecsgate: the hook has no gate")
	case h.Retry < 0:
		return errors.New("ecsgate: the hook has a negative Retry")
	}
	if err := h.Gate.Validate(); err != nil {
		return fmt.Errorf("ecsgate: %w", err)
	}
	return nil
}

// An Outcome is an answer and its reasons.
type Outcome struct {
	Event      Event // zero if it could not be read
	Status     Status
	Reason     string      // why, one line
	Containers []Container // those that were judged, in the task definition's order
	Err        error       // what stood in the way of judging, or nil
}

// A Container is one container of a task definition and what was decided about its image.
type Container struct {
	Name     string // in the task definition
	Image    string // as the task definition has it
	Decision *policy.Decision
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
		HookStatus    Status `json:"hookStatus"`
		CallBackDelay int    `json:"callBackDelay,omitempty"` // in seconds
	}{HookStatus: o.Status}
	if o.Status == InProgress {
		answer.CallBackDelay = int(CallBackDelay / time.Second)
	}
	return json.Marshal(answer)
}

// started are the stages at which tasks of the new revision run already. Any other is judged, one that ECS may add too.
var started = []string{
	"POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT",
	"PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT",
}

// answerTime is what of the time that Lambda allows is not spent on judging, but kept for asking about the deployment,
// the answer, and the log.
const answerTime = 2 * time.Second

func (h *Hook) answer(ctx context.Context, event []byte) *Outcome {
	e, err := parseEvent(event)
	o := &Outcome{Event: e}
	switch {
	case err != nil:
		return o.fail(err)
	case slices.Contains(started, e.Stage):
		o.Status, o.Reason = Succeeded, "nothing is decided at this stage: the tasks have started"
		return o
	case e.Stage == "RECONCILE_SERVICE":
		o.Status, o.Reason = Succeeded, "nothing is decided at this stage: PRE_SCALE_UP comes before the tasks start"
		return o
	case e.DeploymentARN == "" || e.RevisionARN == "":
		return o.fail(fmt.Errorf("%w: it has no resourceArn or no targetServiceRevisionArn", ErrEvent))
	case h.Client == nil:
		return o.fail(errors.New("the hook has no client"))
	}
	if err := h.judge(ctx, o); err != nil {
		return h.undecided(ctx, o, err)
	}
	return h.conclude(ctx, o)
}

// fail answers that the deployment cannot go on, because of err.
func (o *Outcome) fail(err error) *Outcome {
	o.Status, o.Err = Failed, err
	o.Reason = strings.ReplaceAll(err.Error(), "\n", "; ")
	return o
}

// conclude makes one answer of the decisions on all containers.
func (h *Hook) conclude(ctx context.Context, o *Outcome) *Outcome {
	var denied []string
	var unknown []error
	for _, c := range o.Containers {
		switch c.Decision.Verdict {
		case policy.Allow:
		case policy.Deny:
			denied = append(denied, fmt.Sprintf("container %s: %s", c.Name, c.Decision.Reason))
		default:
			unknown = append(unknown, fmt.Errorf("container %s: %w", c.Name, c.Decision.Err()))
		}
	}
	switch {
	case len(denied) > 0:
		o.Status, o.Reason = Failed, strings.Join(denied, "; ")
		if d, err := h.deployment(ctx, o.Event); err != nil {
			o.Err = err
		} else if rollingBack(d) {
			o.Status, o.Reason = Succeeded, rollback+o.Reason
		}
		return o
	case len(unknown) > 0:
		return h.undecided(ctx, o, errors.Join(unknown...))
	}
	o.Status, o.Reason = Succeeded, fmt.Sprintf("the image of every container is allowed, of %d", len(o.Containers))
	return o
}

// undecided answers when something could not be looked at.
func (h *Hook) undecided(ctx context.Context, o *Outcome, why error) *Outcome {
	d, err := h.deployment(ctx, o.Event)
	if err != nil { // without the deployment's start, asking again would have no end
		return o.fail(errors.Join(why, err))
	}
	o.fail(why)
	now := time.Now
	if h.Now != nil {
		now = h.Now
	}
	switch start := cmp.Or(d.StartedAt, d.CreatedAt); {
	case rollingBack(d):
		o.Status, o.Reason = Succeeded, rollback+o.Reason
	case start != nil && now().Before(start.Add(h.Retry)):
		o.Status = InProgress
	}
	return o
}

const rollback = "the deployment is being rolled back; otherwise: "

func rollingBack(d *types.ServiceDeployment) bool {
	return d.Status == types.ServiceDeploymentStatusRollbackRequested || d.Status == types.ServiceDeploymentStatusRollbackInProgress
}

// judge lists the containers and decides on each. An image that several of them run is asked about once.
func (h *Hook) judge(ctx context.Context, o *Outcome) (err error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-answerTime))
		defer cancel()
	}
	if o.Containers, err = h.containers(ctx, o.Event); err != nil {
		return err
	}
	asked := make(map[string]*policy.Decision)
	for i, c := range o.Containers {
		if c.Decision != nil {
			continue
		}
		if asked[c.Image] == nil {
			asked[c.Image] = h.check(ctx, c.Image)
		}
		o.Containers[i].Decision = asked[c.Image]
	}
	return nil
}

const pinned = "the image is named by digest"

func (h *Hook) check(ctx context.Context, image string) *policy.Decision {
	_, after, found := strings.Cut(image, "@")
	want := digest.Digest(after)
	if !found || want.Validate() != nil {
		return &policy.Decision{
			Verdict: policy.Deny, Rule: pinned, Name: image, Cause: ErrNotPinned,
			Reason: fmt.Sprintf("%q is not named by digest, so what it will run is not known yet", image),
		}
	}
	if h.Gate == nil {
		return undecided(image, errors.New("the hook has no gate"))
	}
	d := h.Gate.Check(ctx, image)
	if d.Verdict == policy.Allow && d.Subject.Digest != want {
		return undecided(image, fmt.Errorf("%w: the gate judged %s instead", ErrMismatch, d.Subject.Digest))
	}
	return d
}

func undecided(image string, err error) *policy.Decision {
	return &policy.Decision{Rule: "the image can be judged", Name: image, Reason: err.Error(), Cause: err}
}

// callTimeout ends what ECS does not answer; the SDK by itself waits for ever.
const callTimeout = 30 * time.Second

// deployment asks ECS how the deployment stands. It is asked only when the answer would not be SUCCEEDED otherwise.
func (h *Hook) deployment(ctx context.Context, e Event) (*types.ServiceDeployment, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := h.Client.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{
		ServiceDeploymentArns: []string{e.DeploymentARN},
	})
	if err != nil {
		return nil, fmt.Errorf("looking up the deployment: %w", err)
	}
	if len(out.ServiceDeployments) != 1 {
		return nil, notFound(e.DeploymentARN, len(out.ServiceDeployments), out.Failures)
	}
	d := &out.ServiceDeployments[0]
	if err := same("service deployment", e.DeploymentARN, d.ServiceDeploymentArn); err != nil {
		return nil, err
	}
	return d, nil
}

// containers lists what the revision will run: all containers of its task definition, and whatever else ECS names.
func (h *Hook) containers(ctx context.Context, e Event) ([]Container, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := h.Client.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{
		ServiceRevisionArns: []string{e.RevisionARN},
	})
	if err != nil {
		return nil, fmt.Errorf("looking up the service revision: %w", err)
	}
	if len(out.ServiceRevisions) != 1 {
		return nil, notFound(e.RevisionARN, len(out.ServiceRevisions), out.Failures)
	}
	revision := out.ServiceRevisions[0]
	if err := same("service revision", e.RevisionARN, revision.ServiceRevisionArn); err != nil {
		return nil, err
	}
	name := aws.ToString(revision.TaskDefinition)
	if name == "" {
		return nil, fmt.Errorf("%w: service revision %s has no task definition", ErrNotFound, e.RevisionARN)
	}
	defined, err := h.Client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &name})
	if err != nil {
		return nil, fmt.Errorf("looking up the task definition: %w", err)
	}
	task := defined.TaskDefinition
	if task == nil || len(task.ContainerDefinitions) == 0 {
		return nil, fmt.Errorf("%w: task definition %s has no containers", ErrNotFound, name)
	}
	// The revision may name it in short, family:revision.
	if arn := aws.ToString(task.TaskDefinitionArn); !strings.HasSuffix("/"+arn, "/"+name) {
		return nil, same("task definition", name, &arn)
	}

	var list []Container
	for _, c := range task.ContainerDefinitions {
		list = append(list, Container{Name: aws.ToString(c.Name), Image: aws.ToString(c.Image)})
	}
	for _, seen := range revision.ContainerImages {
		name, image := aws.ToString(seen.ContainerName), aws.ToString(seen.Image)
		i := slices.IndexFunc(list, func(c Container) bool { return c.Name == name })
		if i < 0 { // one that ECS adds by itself runs as well
			i = len(list)
			list = append(list, Container{Name: name, Image: image})
		}
		if why := contradicts(list[i].Image, image, aws.ToString(seen.ImageDigest)); why != "" {
			list[i].Decision = undecided(list[i].Image, fmt.Errorf("%w: %s", ErrMismatch, why))
		}
	}
	return list, nil
}

// contradicts says how the image that ECS names for a revision differs from the task definition's, or nothing. The
// digest is empty as long as ECS has not looked it up.
func contradicts(defined, image, resolved string) string {
	if image != defined {
		return fmt.Sprintf("the service revision runs %q, its task definition %q", image, defined)
	}
	if _, digest, found := strings.Cut(defined, "@"); found && resolved != "" && resolved != digest {
		return fmt.Sprintf("%q is resolved to %s", defined, resolved)
	}
	return ""
}

// same tells whether ECS speaks of what it was asked about.
func same(what, asked string, got *string) error {
	if aws.ToString(got) == asked {
		return nil
	}
	return fmt.Errorf("%w: asked about %s %s, it answers about %q", ErrMismatch, what, asked, aws.ToString(got))
}

func notFound(arn string, n int, failures []types.Failure) error {
	if len(failures) == 0 {
		return fmt.Errorf("%w: %s: %d answers instead of one", ErrNotFound, arn, n)
	}
	f := failures[0]
	return fmt.Errorf("%w: %s: %s", ErrNotFound, arn, strings.Join([]string{aws.ToString(f.Reason), aws.ToString(f.Detail)}, " "))
}

func (h *Hook) log(ctx context.Context, o *Outcome) {
	if h.Log == nil {
		return
	}
	level := slog.LevelInfo
	if o.Status != Succeeded {
		level = slog.LevelWarn
	}
	log := h.Log.With("execution", o.Event.ExecutionID, "service", o.Event.ServiceARN, "revision", o.Event.RevisionARN)
	for _, c := range o.Containers {
		log.Log(ctx, level, "container", "name", c.Name, "image", c.Image, "verdict", c.Decision.Verdict.String(), "reason", c.Decision.Reason)
	}
	log.Log(ctx, level, "deployment", "stage", o.Event.Stage, "deployment", o.Event.DeploymentARN, "status", string(o.Status), "reason", o.Reason)
}
