package ecsgate

import (
	"errors"
	"fmt"

	"github.com/ladingdev/lading/internal/strictjson"
)

// ErrEvent says that an event is not one of a deployment lifecycle hook.
var ErrEvent = errors.New("not an event of a deployment lifecycle hook")

// An Event is what ECS tells a deployment lifecycle hook: the Amazon ECS developer guide, "Lifecycle hooks for Amazon
// ECS service deployments".
type Event struct {
	ExecutionID   string // executionId: the same when ECS asks again
	Stage         string // lifecycleStage, such as PRE_SCALE_UP
	DeploymentARN string // resourceArn: of the service deployment
	ServiceARN    string // executionDetails.serviceArn
	RevisionARN   string // executionDetails.targetServiceRevisionArn: what is being deployed
}

// maxEvent is the size of a payload that Lambda takes, in bytes.
const maxEvent = 6 << 20

// parseEvent reads an event. Members that it does not know are checked as JSON and left aside: ECS adds some at times,
// and hookDetails are anybody's. What it knows must be spelled exactly and occur once. What decides must be text: the stage, which
// alone must be there, because whether the rest is needed depends on it, the deployment and the revision. An execution or service that
// is null, or no text, is as if it was not there: to refuse the event would roll a good deployment back.
func parseEvent(data []byte) (Event, error) {
	var e Event
	if len(data) > maxEvent {
		return Event{}, fmt.Errorf("%w: %d bytes, more than %d", ErrEvent, len(data), maxEvent)
	}
	r := strictjson.NewReader(data, strictjson.Limits{})
	for name := range r.Object("executionId", "lifecycleStage", "resourceArn", "executionDetails") {
		switch string(name) {
		case "executionId":
			e.ExecutionID = optional(r)
		case "lifecycleStage":
			e.Stage = r.String()
		case "resourceArn":
			e.DeploymentARN = r.String()
		case "executionDetails":
			for name := range r.Object("serviceArn", "targetServiceRevisionArn") {
				switch string(name) {
				case "serviceArn":
					e.ServiceARN = optional(r)
				case "targetServiceRevisionArn":
					e.RevisionARN = r.String()
				}
			}
		}
	}
	if err := r.End(); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	if e.Stage == "" {
		return Event{}, fmt.Errorf("%w: it has no lifecycleStage", ErrEvent)
	}
	return e, nil
}

// optional reads a text that decides nothing.
func optional(r *strictjson.Reader) string {
	if r.Kind() != strictjson.String {
		r.Skip()
		return ""
	}
	return r.String()
}
