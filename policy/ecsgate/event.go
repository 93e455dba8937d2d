package ecsgate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ladingdev/lading/internal/strictjson"
)

// ErrEvent says that an event is not one that can be answered.
var ErrEvent = errors.New("not an event of ECS that can be answered")

// An Event is what ECS tells a deployment lifecycle hook: the Amazon ECS developer guide, "Lifecycle hooks for Amazon
// ECS service deployments".
type Event struct {
	ExecutionID string // executionId: the same when ECS asks again
	// Stage is lifecycleStage. A deployment's own stage (types.ServiceDeploymentLifecycleStage) is of another enumeration.
	Stage         types.DeploymentLifecycleHookStage
	DeploymentARN string // resourceArn: of the service deployment
	ServiceARN    string // executionDetails.serviceArn
	RevisionARN   string // executionDetails.targetServiceRevisionArn: what is being deployed
}

// memory is the member of hookDetails in which a hook remembers digests between stages.
const memory = "lading.dev/digests"

// maxEvent is the size of a payload that Lambda takes, in bytes.
const maxEvent = 6 << 20

// parseEvent reads an event. What decides must be spelled exactly, occur once and be text: the stage, which alone must be there, because
// whether the rest is needed depends on it, the deployment and the revision. An execution or service that is null, or no text, is as if
// it was not there, and what other members have in them is not looked at: hookDetails are anybody's, ECS adds members at times, and to
// refuse the event would roll a good deployment back. Of hookDetails it returns the digests that were remembered, by container, which
// anybody may have put there.
func parseEvent(data []byte) (e Event, remembered map[string]string, err error) {
	if len(data) > maxEvent {
		return Event{}, nil, fmt.Errorf("%w: %d bytes, more than %d", ErrEvent, len(data), maxEvent)
	}
	loose, details := loosen(data, "executionId", "lifecycleStage", "resourceArn", "executionDetails")
	r := strictjson.NewReader(loose, strictjson.Limits{})
	for name := range r.Object("executionId", "lifecycleStage", "resourceArn", "executionDetails") {
		switch string(name) {
		case "executionId":
			e.ExecutionID = optional(r)
		case "lifecycleStage":
			e.Stage = types.DeploymentLifecycleHookStage(r.String())
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
		return Event{}, nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	if e.Stage == "" {
		return Event{}, nil, fmt.Errorf("%w: it has no lifecycleStage", ErrEvent)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(details, &members) != nil || json.Unmarshal(members[memory], &remembered) != nil {
		remembered = nil
	}
	return e, remembered, nil
}

// optional reads a text that decides nothing.
func optional(r *strictjson.Reader) string {
	if r.Kind() != strictjson.String {
		r.Skip()
		return ""
	}
	return r.String()
}

// loosen returns the text of an object in which the members that decide nothing are null, those of executionDetails too, and what
// hookDetails was. What is no object is returned as it is, for the strict reader to say why.
func loosen(data []byte, decide ...string) (loose, details []byte) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return data, nil
	}
	copied := 0
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return data, nil
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return data, nil
		}
		end := int(d.InputOffset())
		put := []byte("null")
		switch {
		case name == "executionDetails":
			put, _ = loosen(value, "serviceArn", "targetServiceRevisionArn")
		case name == "hookDetails":
			details = value
		case slices.Contains(decide, name.(string)):
			put = value
		}
		loose = append(append(loose, data[copied:end-len(value)]...), put...)
		copied = end
	}
	return append(loose, data[copied:]...), details
}
