package ecstest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/ladingdev/lading/internal/awswire"
)

// A Function is a Lambda function that ECS calls as a hook, such as the method Handle of an ecsgate.Hook.
type Function func(ctx context.Context, event json.RawMessage) (json.RawMessage, error)

// Function makes a Lambda function of this ARN, for the hookTargetArn of lifecycle hooks. One that is not there fails when it is called.
func (s *Server) Function(arn string, f Function) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.functions == nil {
		s.state.functions = map[string]Function{}
	}
	s.state.functions[arn] = f
}

// A hook is one of a stage that a deployment has reached.
type hook struct {
	config  types.DeploymentLifecycleHook
	stage   string
	id      string
	status  types.DeploymentLifecycleHookStatus
	expires time.Time
	details map[string]any
}

func (h *hook) open() bool {
	return h.status == types.DeploymentLifecycleHookStatusInProgress || h.status == types.DeploymentLifecycleHookStatusAwaitingAction
}

func (h *hook) action() types.DeploymentLifecycleHookAction {
	if t := h.config.TimeoutConfiguration; t != nil && t.Action != "" {
		return t.Action
	}
	return types.DeploymentLifecycleHookActionRollback
}

func (h *hook) detail() types.DeploymentLifecycleHookDetail {
	kind := h.config.TargetType
	if kind == "" {
		kind = types.DeploymentLifecycleHookTargetTypeAwsLambda
	}
	return types.DeploymentLifecycleHookDetail{
		HookId: &h.id, Status: h.status, TargetArn: h.config.HookTargetArn, TargetType: kind, TimeoutAction: h.action(),
		ExpiresAt: &h.expires,
	}
}

// defaultTimeout is that of hooks, in minutes.
const defaultTimeout = 1440

// startHooks begins the hooks of a stage, all at the same time, and reports whether there are any.
func (s *Server) startHooks(d *deployment, stage string) bool {
	name := types.DeploymentLifecycleHookStage(stage)
	var begun []*hook
	for i, config := range d.DeploymentConfiguration.LifecycleHooks {
		if !slices.Contains(config.LifecycleStages, name) {
			continue
		}
		minutes := defaultTimeout
		if t := config.TimeoutConfiguration; t != nil && t.TimeoutInMinutes != nil {
			minutes = int(*t.TimeoutInMinutes)
		}
		h := &hook{
			config: config, stage: stage, id: "ecs-hook-" + rand.Text(), status: types.DeploymentLifecycleHookStatusInProgress,
			expires: s.now.Add(time.Duration(minutes) * time.Minute), details: d.remembered(i),
		}
		if config.TargetType == types.DeploymentLifecycleHookTargetTypePause {
			h.id, h.status = "ecs-pause-"+rand.Text(), types.DeploymentLifecycleHookStatusAwaitingAction
		}
		begun = append(begun, h)
		d.hooks = append(d.hooks, h)
		s.then(time.Duration(minutes)*time.Minute, func() { s.expire(d, h) })
	}
	d.waiting = len(begun)
	for _, h := range begun {
		if h.status == types.DeploymentLifecycleHookStatusAwaitingAction {
			s.hookChanged(d, h, "HOOK_AWAITING_ACTION")
			continue
		}
		s.hookChanged(d, h, "HOOK_IN_PROGRESS")
		s.ask(d, h, time.Second)
	}
	return len(begun) > 0
}

// remembered is what the service has of hookDetails for its i-th hook, with what the hook returned before in this deployment.
func (d *deployment) remembered(i int) map[string]any {
	details := map[string]any{}
	config := d.DeploymentConfiguration.LifecycleHooks[i]
	if config.HookDetails != nil {
		if text, err := config.HookDetails.MarshalSmithyDocument(); err == nil {
			_ = json.Unmarshal(text, &details) // what is no object is not passed on
		}
	}
	for _, h := range d.hooks {
		if aws.ToString(h.config.HookTargetArn) == aws.ToString(config.HookTargetArn) {
			maps.Copy(details, h.details)
		}
	}
	return details
}

// ask calls a hook's function.
func (s *Server) ask(d *deployment, h *hook, delay time.Duration) {
	s.after(delay, func() func() {
		if !h.open() {
			return nil
		}
		f := s.state.functions[aws.ToString(h.config.HookTargetArn)]
		event := s.hookEvent(d, h)
		return func() {
			var answer json.RawMessage
			ok := f != nil
			if ok {
				var err error
				answer, err = f(context.Background(), event)
				ok = err == nil
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.answered(d, h, answer, ok)
		}
	})
}

func (s *Server) hookEvent(d *deployment, h *hook) json.RawMessage {
	production := map[string]int{}
	if d.Status != types.ServiceDeploymentStatusInProgress {
		production[*d.target.ServiceRevisionArn] = 0
	}
	text, err := json.Marshal(map[string]any{
		"executionId": uuid(), "lifecycleStage": h.stage, "resourceArn": d.ServiceDeploymentArn, "hookDetails": h.details,
		"executionDetails": map[string]any{
			"serviceArn": d.ServiceArn, "targetServiceRevisionArn": d.target.ServiceRevisionArn,
			"testTrafficWeights": map[string]int{}, "productionTrafficWeights": production,
		},
	})
	if err != nil {
		panic(err)
	}
	return text
}

// answered takes what a function said. What is no answer rolls the deployment back.
func (s *Server) answered(d *deployment, h *hook, answer json.RawMessage, ok bool) {
	if !h.open() {
		return
	}
	var a struct {
		HookStatus    string
		CallBackDelay int
		HookDetails   map[string]any
	}
	if !ok || json.Unmarshal(answer, &a) != nil {
		a.HookStatus = "FAILED"
	}
	maps.Copy(h.details, a.HookDetails)
	switch a.HookStatus {
	case "SUCCEEDED":
		s.resolve(d, h, types.DeploymentLifecycleHookStatusSucceeded, "HOOK_SUCCEEDED", true)
	case "IN_PROGRESS":
		delay := 30
		if a.CallBackDelay > 0 {
			delay = a.CallBackDelay
		}
		s.ask(d, h, time.Duration(delay)*time.Second)
	default:
		s.resolve(d, h, types.DeploymentLifecycleHookStatusFailed, "HOOK_FAILED", false)
	}
}

// expire does what the service wants done with a hook that has not ended in time.
func (s *Server) expire(d *deployment, h *hook) {
	if h.open() {
		s.resolve(
			d,
			h,
			types.DeploymentLifecycleHookStatusTimedOut,
			"HOOK_TIMED_OUT",
			h.action() == types.DeploymentLifecycleHookActionContinue,
		)
	}
}

// resolve ends a hook.
func (s *Server) resolve(d *deployment, h *hook, status types.DeploymentLifecycleHookStatus, event string, good bool) {
	h.status = status
	s.hookChanged(d, h, event)
	d.waiting--
	back := d.Status == types.ServiceDeploymentStatusRollbackInProgress
	switch {
	case back && (!good || d.waiting == 0):
		s.then(stageTime, func() { s.rolledBack(d, good) })
	case back:
	case !good:
		s.rollback(d, "A lifecycle hook of the stage "+h.stage+" did not succeed.")
	case d.waiting == 0:
		s.advanceStage(d)
	}
}

func (s *Server) openHooks(d *deployment) (n int) {
	for _, h := range d.hooks {
		if h.open() {
			n++
		}
	}
	return n
}

func (s *Server) hookChanged(d *deployment, h *hook, name string) {
	kind := h.detail().TargetType
	s.emit(HookStateChange, *d.ServiceDeploymentArn, map[string]any{
		"eventType": "INFO", "eventName": name, "hookId": h.id, "hookType": kind, "lifecycleStage": h.stage,
		"expiresAt": h.expires.UTC().Format(time.RFC3339), "clusterArn": d.service.ClusterArn, "serviceArn": d.ServiceArn,
		"serviceDeploymentArn": d.ServiceDeploymentArn, "updatedAt": s.now.UTC().Format(time.RFC3339Nano),
	})
}

func (s *Server) continueServiceDeployment(in *ecs.ContinueServiceDeploymentInput) (smithy.Serializable, error) {
	d := s.deployment(aws.ToString(in.ServiceDeploymentArn))
	if d == nil {
		return nil, awswire.Failed("ServiceDeploymentNotFoundException", "The service deployment ARN that you specified was not found.")
	}
	for _, h := range d.hooks {
		if h.id != aws.ToString(in.HookId) {
			continue
		}
		if h.status != types.DeploymentLifecycleHookStatusAwaitingAction {
			return nil, awswire.Failed("ConflictException", "The hook is %s.", h.status)
		}
		if in.Action == types.DeploymentLifecycleHookActionRollback {
			s.resolve(d, h, types.DeploymentLifecycleHookStatusFailed, "HOOK_FAILED", false)
		} else { // no action means CONTINUE
			s.resolve(d, h, types.DeploymentLifecycleHookStatusSucceeded, "HOOK_SUCCEEDED", true)
		}
		return &ecs.ContinueServiceDeploymentOutput{ServiceDeploymentArn: d.ServiceDeploymentArn}, nil
	}
	return nil, awswire.Failed("InvalidParameterException", "The hook was not found.")
}
