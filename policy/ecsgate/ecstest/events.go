package ecstest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/ladingdev/lading/internal/awswire"
)

// Detail types of the events that are sent.
const (
	TaskStateChange             = "ECS Task State Change"
	HookStateChange             = "ECS Hook State Change"
	DaemonDeploymentStateChange = "ECS Daemon Deployment State Change"
	CallViaCloudTrail           = "AWS API Call via CloudTrail"
)

// trailDelay is how long CloudTrail takes: AWS says minutes.
const trailDelay = 5 * time.Minute

// called sends CloudTrail's event of a call that changes something, with who called.
func (s *Server) called(operation string, request, reply []byte) {
	if strings.HasPrefix(operation, "Describe") || strings.HasPrefix(operation, "List") {
		return
	}
	at := s.now.UTC().Format(time.RFC3339)
	s.then(trailDelay, func() {
		s.emit(CallViaCloudTrail, "", map[string]any{
			"eventVersion": "1.11", "eventSource": "ecs.amazonaws.com", "eventName": operation, "eventTime": at, "awsRegion": s.opts.Region,
			"userIdentity":      map[string]string{"type": "AssumedRole", "accountId": s.opts.Account, "arn": s.opts.Actor},
			"requestParameters": json.RawMessage(request), "responseElements": json.RawMessage(reply), "eventID": uuid(), "readOnly": false,
			"eventType": "AwsApiCall", "managementEvent": true, "eventCategory": "Management",
		})
	})
}

// eventDelay is how long EventBridge and the start of a function take.
const eventDelay = 2 * time.Second

// A target is a function that EventBridge calls for events of some types.
type target struct {
	types []string
	call  func(ctx context.Context, event json.RawMessage) error
}

// Subscribe has a function called with each event of these types, two seconds after it happened, as a rule of EventBridge whose target is
// a Lambda function does: what fails is delivered again after one minute, and once more two minutes later (AWS Lambda developer guide,
// "Asynchronous invocation").
func (s *Server) Subscribe(call func(ctx context.Context, event json.RawMessage) error, detailTypes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.targets = append(s.state.targets, target{detailTypes, call})
}

// Events returns all events that were sent, of these types or of all, in the order in which they happened.
func (s *Server) Events(detailTypes ...string) []json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []json.RawMessage
	for _, e := range s.state.events {
		if len(detailTypes) == 0 || slices.Contains(detailTypes, e.DetailType) {
			list = append(list, e.encode())
		}
	}
	return list
}

// An envelope is EventBridge's.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

func (e *envelope) encode() json.RawMessage {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // of strings and JSON
	}
	return text
}

// emit sends an event. The caller holds the lock.
func (s *Server) emit(detailType, resource string, detail any) {
	text, err := json.Marshal(detail)
	if err != nil {
		panic(err)
	}
	e := &envelope{
		Version: "0", ID: uuid(), DetailType: detailType, Source: "aws.ecs", Account: s.opts.Account,
		Time: s.now.UTC().Format(time.RFC3339), Region: s.opts.Region, Resources: []string{}, Detail: text,
	}
	if resource != "" {
		e.Resources = append(e.Resources, resource)
	}
	s.state.events = append(s.state.events, e)
	for _, t := range s.state.targets {
		if len(t.types) == 0 || slices.Contains(t.types, detailType) {
			s.deliver(t, e.encode(), eventDelay, time.Minute, 2*time.Minute)
		}
	}
}

func (s *Server) deliver(t target, event json.RawMessage, delay time.Duration, again ...time.Duration) {
	s.after(delay, func() func() {
		return func() {
			if t.call(context.Background(), event) == nil || len(again) == 0 {
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.deliver(t, event, again[0], again[1:]...)
		}
	})
}

func uuid() string {
	b := make([]byte, 16)
	rand.Read(b)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// taskChanged counts a task's version up and sends its event: its members are those of DescribeTasks, with times as text and the
// containers' images with what was pulled.
func (s *Server) taskChanged(t *types.Task) {
	t.Version++
	members := s.members(t)
	text := s.now.UTC().Format("2006-01-02T15:04:05.000Z")
	members["updatedAt"] = text
	for name, at := range map[string]*time.Time{
		"createdAt": t.CreatedAt, "startedAt": t.StartedAt, "stoppingAt": t.StoppingAt, "stoppedAt": t.StoppedAt,
		"pullStartedAt": t.PullStartedAt, "pullStoppedAt": t.PullStoppedAt, "connectivityAt": t.ConnectivityAt,
	} {
		if at != nil {
			members[name] = at.UTC().Format("2006-01-02T15:04:05.000Z")
		}
	}
	s.emit(TaskStateChange, *t.TaskArn, members)
}

// members returns a value as the service encodes it.
func (s *Server) members(v smithy.Serializable) map[string]any {
	text, err := awswire.Encode(v)
	if err != nil {
		panic(err)
	}
	members := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		panic(err)
	}
	return members
}
