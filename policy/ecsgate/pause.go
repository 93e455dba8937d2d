package ecsgate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/internal/oneline"
)

// ErrUndecided says that an event should be delivered again: what it is about could not be judged.
var ErrUndecided = errors.New("not decided")

// A Continuer answers pause hooks. The AWS SDK's *ecs.Client is one.
type Continuer interface {
	ContinueServiceDeployment(
		context.Context, *ecs.ContinueServiceDeploymentInput, ...func(*ecs.Options)) (*ecs.ContinueServiceDeploymentOutput, error)
}

// Pauses answers pause hooks: a deployment waits until somebody, who need not be a Lambda function, says that it goes on. It is for the
// target of an EventBridge rule on source aws.ecs and detail-type "ECS Hook State Change": the Amazon ECS developer guide, "Pause hooks".
// Give the service one pause hook at Stage, with the timeout action ROLLBACK, and give nobody else ecs:ContinueServiceDeployment.
type Pauses struct {
	// Hook decides; its Function and Tags are for Lambda hooks and play no part. It must be set.
	Hook *Hook
	// Client answers. It must be set.
	Client Continuer
	// Stage is the one whose pause hooks are answered: those of other stages may wait for a person. Empty means PRE_SCALE_UP.
	Stage types.DeploymentLifecycleHookStage
}

// Validate returns an error if nothing can be decided or answered. Programs call it when they start.
func (p *Pauses) Validate() error {
	switch {
	case p.Hook == nil:
		return errors.New("ecsgate: nobody decides on pause hooks: Hook is not set")
	case p.Client == nil:
		return errors.New("ecsgate: nobody answers pause hooks: Client is not set")
	}
	return p.Hook.Validate()
}

// An envelope is what of EventBridge's decides.
type envelope struct {
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Detail     json.RawMessage `json:"detail"`
}

func parseEnvelope(event json.RawMessage) (*envelope, error) {
	e := new(envelope)
	if err := json.Unmarshal(event, e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	if e.Source != "aws.ecs" {
		return nil, fmt.Errorf("%w: its source is %.40q", ErrEvent, e.Source)
	}
	return e, nil
}

// Handle answers the hook that an event tells of, with CONTINUE or ROLLBACK and never without an action. Events of other hooks, and of
// those that somebody has answered, are let be. An error that wraps ErrUndecided, or one of ECS, means that the event should be
// delivered again; without an answer the hook's timeout rolls the deployment back.
func (p *Pauses) Handle(ctx context.Context, event json.RawMessage) error {
	e, err := parseEnvelope(event)
	if err != nil {
		return err
	}
	var h struct {
		EventName, HookID, HookType, LifecycleStage, ServiceDeploymentArn string
	}
	if err := json.Unmarshal(e.Detail, &h); err != nil {
		return fmt.Errorf("%w: %w", ErrEvent, err)
	}
	stage := p.Stage
	if stage == "" {
		stage = types.DeploymentLifecycleHookStagePreScaleUp
	}
	if e.DetailType != "ECS Hook State Change" || h.EventName != "HOOK_AWAITING_ACTION" || h.LifecycleStage != string(stage) {
		return nil
	}
	d, err := p.Hook.look().deployment(ctx, h.ServiceDeploymentArn)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(
		d.LifecycleHookDetails,
		func(v types.DeploymentLifecycleHookDetail) bool { return aws.ToString(v.HookId) == h.HookID },
	)
	if i < 0 || d.LifecycleHookDetails[i].Status != types.DeploymentLifecycleHookStatusAwaitingAction ||
		d.LifecycleHookDetails[i].TargetType != types.DeploymentLifecycleHookTargetTypePause {
		return nil
	}
	o := p.decide(ctx, d, stage, d.LifecycleHookDetails[i])
	p.Hook.log(ctx, o)
	if p.Hook.Observe != nil {
		p.Hook.Observe(ctx, o)
	}
	if o.Status == InProgress {
		return fmt.Errorf("%w: %s", ErrUndecided, o.Reason)
	}
	action := types.DeploymentLifecycleHookActionRollback
	if o.Status == Succeeded {
		if n := pausesAt(d, stage); n > 1 {
			return fmt.Errorf("%w: the service has %d pause hooks at %s: which is the gate's cannot be told", ErrUndecided, n, stage)
		}
		action = types.DeploymentLifecycleHookActionContinue
	}
	_, err = p.Client.ContinueServiceDeployment(ctx, &ecs.ContinueServiceDeploymentInput{
		HookId: &h.HookID, ServiceDeploymentArn: d.ServiceDeploymentArn, Action: action,
	})
	if conflict := new(types.ConflictException); errors.As(err, &conflict) {
		return nil // somebody was faster
	}
	return err
}

// decide judges the deployment as the Lambda hook would.
func (p *Pauses) decide(
	ctx context.Context, d *types.ServiceDeployment, stage types.DeploymentLifecycleHookStage, v types.DeploymentLifecycleHookDetail,
) *Outcome {
	o := &Outcome{Event: Event{
		ExecutionID: aws.ToString(
			v.HookId,
		), Stage: stage, DeploymentARN: aws.ToString(d.ServiceDeploymentArn), ServiceARN: aws.ToString(d.ServiceArn),
	}}
	if d.DeploymentConfiguration != nil {
		o.Strategy = d.DeploymentConfiguration.Strategy
	}
	if p.Hook.Checker != nil {
		o.Mode = p.Hook.Checker.Rules().Mode
	}
	if d.TargetServiceRevision == nil || d.TargetServiceRevision.Arn == nil {
		return o.fail(fmt.Errorf("%w: the deployment has no target", ErrNotFound)).settle()
	}
	o.Event.RevisionARN = *d.TargetServiceRevision.Arn
	hook := *p.Hook
	hook.Function, hook.Tags = "arn:none", false // no Lambda hook is its own
	hook.decide(ctx, o, d, nil)
	if o.Status == Succeeded && v.TimeoutAction == types.DeploymentLifecycleHookActionContinue {
		o.fail(fmt.Errorf("%w: the timeout action of the pause hook is CONTINUE; set ROLLBACK", ErrFailOpen))
	}
	o.Reason = oneline.Of(o.Reason)
	return o.settle()
}

func pausesAt(d *types.ServiceDeployment, stage types.DeploymentLifecycleHookStage) (n int) {
	if d.DeploymentConfiguration == nil {
		return 0
	}
	for _, c := range d.DeploymentConfiguration.LifecycleHooks {
		if c.TargetType == types.DeploymentLifecycleHookTargetTypePause && slices.Contains(c.LifecycleStages, stage) {
			n++
		}
	}
	return n
}
